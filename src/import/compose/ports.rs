//! The ports of a service: those that it publishes on this machine, and those that its command listens at.

use crate::codec::tree::Node;
use crate::import::draft::{Section, Value};
use crate::import::fields::Fields;
use crate::import::holes;

/// The published ports, each once.
#[derive(Default)]
pub(super) struct Published {
    /// On this machine, and in the container.
    pub(super) ports: Vec<(Option<i64>, Option<i64>)>,
    /// Lines and texts of those that are none of TCP, with the reason.
    other: Vec<(usize, String, &'static str)>,
}

/// Reads `ports`.
pub(super) fn published(node: Option<&Node>) -> Published {
    let mut all = Published::default();
    for node in node.and_then(Node::list).unwrap_or_default() {
        let what = || format!("ports: {}", node.text().unwrap_or("a port"));
        let (port, protocol) = port(node);
        match port {
            _ if protocol.as_deref() == Some("udp") => {
                all.other.push((node.line, what(), "programs have ports of TCP"));
            }
            (_, None) => all.other.push((node.line, what(), "its value is not understood")),
            port if all.ports.iter().any(|(_, inside)| *inside == port.1) => {}
            port => all.ports.push(port),
        }
    }
    all
}

/// A port on this machine, the one in the container, and the protocol where it is told.
fn port(node: &Node) -> ((Option<i64>, Option<i64>), Option<String>) {
    if node.table().is_some() {
        let number = |key: &str| node.get(key).and_then(Node::integer);
        let protocol = node.get("protocol").and_then(Node::text).map(ToOwned::to_owned);
        return ((number("published"), number("target")), protocol);
    }
    let filled = holes::interpolated(node.text().unwrap_or_default()).text;
    let (ports, protocol) = filled.split_once('/').map_or((filled.as_str(), None), |(a, b)| (a, Some(b.to_owned())));
    let mut words = ports.rsplit(':');
    let mut next = || words.next().and_then(|port| port.parse().ok());
    let inside = next();
    ((next(), inside), protocol)
}

/// A command listens where it would in its container: the first port is PORT.
pub(super) fn ports(fields: &mut Fields<'_>, section: &mut Section) {
    let line = fields.line("ports");
    let Published { ports, other } = published(fields.take("ports"));
    for (line, what, why) in other {
        fields.lose(line, what, why);
    }
    let mut inside = ports.iter().filter_map(|(_, inside)| *inside);
    section.set_some("port", inside.next().map(Value::Integer));
    let more: Vec<(String, Value)> =
        (2..).zip(inside).map(|(number, port)| (format!("p{number}"), Value::Integer(port))).collect();
    if !more.is_empty() {
        section.set("ports", Value::Table(more));
    }
    for (outside, inside) in &ports {
        if let (Some(outside), Some(inside)) = (outside, inside)
            && outside != inside
        {
            let why = format!("the program listens at {inside}, as in its container");
            fields.lose(line, format!("ports: {outside}:{inside}"), why);
        }
    }
}
