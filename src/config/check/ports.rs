//! Fixed port numbers that collide, with each other or with the port of `[control]`.

use std::collections::BTreeMap;

use crate::config::lower::{Lowered, ProgramPlaces};
use crate::model::{Diagnostic, Dialect, ListenAddress, PortRequest, PortSpec, Program, Span};

/// Looks at the fixed ports of all active programs; with several instances each adds its number.
pub fn check(lowered: &Lowered, active: &[bool], problems: &mut Vec<Diagnostic>) {
    let mut taken = control_port(lowered);
    for ((program, places), _) in super::programs(lowered).zip(active).filter(|(_, is_active)| **is_active) {
        for port in &program.ports {
            let PortRequest::Fixed(base) = port.request else { continue };
            let span = span(places, port);
            let what = describe(program, port);
            if program.instances.len() > 1 && lowered.project.dialect == Dialect::Native {
                problems.push(several(program, base, span));
            }
            let numbers = program.instances.iter().map(|instance| u32::from(base) + instance.number);
            for number in numbers {
                let problem = if number > u32::from(u16::MAX) {
                    let message = format!("port {number} of {what} is above 65535");
                    Diagnostic::error("wrong-value", message).at(span, "instances add their number")
                } else if let Some((other, first)) = taken.get(&number) {
                    let message = format!("{other} and {what} both have port {number}");
                    let problem = Diagnostic::error("duplicate-port", message);
                    let way_out = way_out(lowered.project.dialect, program);
                    problem.at(span, "again").at(*first, "first here").help(way_out)
                } else {
                    taken.insert(number, (what.clone(), span));
                    continue;
                };
                problems.push(problem);
                break;
            }
        }
    }
}

fn way_out(dialect: Dialect, program: &Program) -> String {
    match dialect {
        Dialect::Procfile => format!("run up --port {}=N gives it another one", program.name),
        Dialect::Native | Dialect::Supervisord => "port = \"auto\" finds a free one and keeps it".to_owned(),
    }
}

/// The port on which we listen ourselves.
fn control_port(lowered: &Lowered) -> BTreeMap<u32, (String, Span)> {
    let address = lowered.project.control.tcp.as_deref().and_then(|tcp| ListenAddress::parse(tcp).ok());
    let taken = address.zip(lowered.places.tcp);
    taken.map(|(address, span)| (u32::from(address.port), ("[control] tcp".to_owned(), span))).into_iter().collect()
}

fn describe(program: &Program, port: &PortSpec) -> String {
    port.name.as_ref().map_or_else(|| program.name.to_string(), |name| format!("{} (ports.{name})", program.name))
}

fn span(places: &ProgramPlaces, port: &PortSpec) -> Span {
    let key = if port.name.is_some() { "ports" } else { "port" };
    places.values.get(key).copied().unwrap_or(places.name)
}

fn several(program: &Program, base: u16, span: Span) -> Diagnostic {
    let count = program.instances.len();
    let last = program.instances.last().map_or(0, |instance| u32::from(base) + instance.number);
    let message = format!("{} has {count} instances and one fixed port", program.name);
    let first = program.instances.first().map_or(0, |instance| u32::from(base) + instance.number);
    Diagnostic::warning("shared-port", message).at(span, format!("each instance adds its number: {first} to {last}"))
}
