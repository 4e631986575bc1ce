//! `extends` of a process: another one of the same file, under its own keys.

use crate::codec::tree::{Data, Entry, Node};

/// The processes with what they take from others. A name that is unknown, or a circle, takes nothing, and its `extends` stays.
pub(super) fn resolved(processes: &[Entry]) -> Vec<Entry> {
    let whole =
        |entry: &Entry| Entry { value: with_parents(&entry.value, processes, processes.len()), ..entry.clone() };
    processes.iter().map(whole).collect()
}

/// A process over the one that it extends, which extends others at most `depth` deep.
fn with_parents(process: &Node, processes: &[Entry], depth: usize) -> Node {
    let parent = process.get("extends").and_then(Node::text);
    let parent = parent.and_then(|name| processes.iter().find(|entry| entry.key == name));
    let (Some(parent), Some(depth)) = (parent, depth.checked_sub(1)) else { return process.clone() };
    let parent = with_parents(&parent.value, processes, depth);
    if parent.get("extends").is_some() {
        return process.clone();
    }
    let own = process.table().unwrap_or_default().iter().filter(|entry| entry.key != "extends");
    let own = Node { line: process.line, data: Data::Table(own.cloned().collect()) };
    over(&parent, &own)
}

/// Tables are merged key by key and lists joined, as process-compose does it; for everything else the upper one holds.
fn over(lower: &Node, upper: &Node) -> Node {
    let data = match (&lower.data, &upper.data) {
        (Data::Table(below), Data::Table(above)) => {
            let mut entries = below.clone();
            for entry in above {
                match entries.iter_mut().find(|there| there.key == entry.key) {
                    Some(there) if entry.key == "namespace" => *there = entry.clone(),
                    Some(there) => *there = Entry { value: over(&there.value, &entry.value), ..entry.clone() },
                    None => entries.push(entry.clone()),
                }
            }
            Data::Table(entries)
        }
        (Data::List(below), Data::List(above)) => Data::List([below.as_slice(), above.as_slice()].concat()),
        (_, above) => above.clone(),
    };
    Node { line: upper.line, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::yaml;

    #[test]
    fn a_process_has_what_it_extends() {
        let text = "a: {command: x, environment: [A=1, B=1], availability: {restart: always, max_restarts: 2}}\n\
                    b: {extends: a, environment: [B=2], availability: {restart: 'no'}}\n\
                    c: {extends: b, command: y}\n\
                    d: {extends: e}\n\
                    e: {extends: d}\n\
                    f: {extends: none}\n";
        let tree = yaml::parse(text).unwrap();
        let all = resolved(tree.table().unwrap());
        let process = |name: &str| &all.iter().find(|entry| entry.key == name).unwrap().value;
        let c = process("c");
        assert_eq!(c.get("command").unwrap().text(), Some("y"));
        assert_eq!(c.get("environment").unwrap().texts().unwrap(), ["A=1", "B=1", "B=2"]);
        assert_eq!(c.get("availability").unwrap().get("max_restarts").unwrap().integer(), Some(2));
        assert_eq!(process("b").get("availability").unwrap().get("restart").unwrap().text(), Some("no"));
        for (name, extends) in [("c", None), ("d", Some("e")), ("f", Some("none"))] {
            assert_eq!(process(name).get("extends").and_then(Node::text), extends, "{name}");
        }
    }
}
