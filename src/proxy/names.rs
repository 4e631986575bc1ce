//! Who is meant by the labels of a host name: first the project, by its last labels, then the program, by the one before.

use crate::model::Word;
use crate::model::local_name::{label, project_labels};
use crate::model::status::{PortStatus, ProcessStatus};
use crate::proxy::routes::Listed;

/// Which project a name means.
#[derive(Debug, PartialEq, Eq)]
pub enum Meant<'a> {
    /// This one, and the labels before its own.
    One(&'a Listed, &'a [String]),
    /// Several are called so.
    Several(Vec<&'a Listed>),
    /// None.
    Nobody,
}

/// The project whose labels the name ends with; the longest wins, so that `web.fix-ui.shop` is of `shop@fix-ui` and not of `shop`.
pub fn project<'a>(labels: &'a [String], listed: &'a [Listed]) -> Meant<'a> {
    let lengths = listed.iter().filter_map(|one| {
        let own = project_labels(&one.name);
        labels.ends_with(&own).then_some(own.len())
    });
    let Some(longest) = lengths.max() else { return Meant::Nobody };
    let (rest, own) = labels.split_at(labels.len() - longest);
    let mut meant: Vec<&Listed> = listed.iter().filter(|one| project_labels(&one.name) == own).collect();
    match meant.pop() {
        Some(one) if meant.is_empty() => Meant::One(one, rest),
        Some(one) => {
            meant.push(one);
            Meant::Several(meant)
        }
        None => Meant::Nobody,
    }
}

/// The process that the labels before the project's mean, and the port of it. Of several instances one that is up; what stands
/// before the program is the name of a further port, or the application's own business.
pub fn process<'a>(rest: &[String], processes: &'a [ProcessStatus]) -> Option<(&'a ProcessStatus, Option<u16>)> {
    let (name, before) = rest.split_last()?;
    let own_name = |process: &ProcessStatus| label(process.name.rsplit(':').next().unwrap_or_default());
    let exact = processes.iter().find(|process| own_name(process) == *name);
    let of_program = || {
        let instances = || processes.iter().filter(|process| label(&process.program) == *name);
        instances().find(|process| is_up(process)).or_else(|| instances().next())
    };
    let found = exact.or_else(of_program)?;
    let named = before
        .last()
        .and_then(|wanted| found.ports.iter().find(|port| !port.name.is_empty() && label(&port.name) == *wanted));
    Some((found, named.or_else(|| main_port(found)).map(|port| port.port)))
}

/// Whether there is a use in asking it.
pub fn is_up(process: &ProcessStatus) -> bool {
    match process.state {
        Word::Ready | Word::Unhealthy => true,
        Word::Off
        | Word::Waiting
        | Word::Blocked
        | Word::Starting
        | Word::Retrying
        | Word::Stopping
        | Word::Done
        | Word::Failed => false,
    }
}

/// The port without a name, else the only one.
pub fn main_port(process: &ProcessStatus) -> Option<&PortStatus> {
    let main = process.ports.iter().find(|port| port.name.is_empty());
    main.or_else(|| process.ports.first().filter(|_| process.ports.len() == 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    fn listed(names: &[&str]) -> Vec<Listed> {
        (0..)
            .zip(names)
            .map(|(key, name): (u32, _)| Listed { key: key.to_string(), name: (*name).to_owned() })
            .collect()
    }

    fn labels(name: &str) -> Vec<String> {
        name.split('.').filter(|label| !label.is_empty()).map(ToOwned::to_owned).collect()
    }

    fn port(name: &str, port: u16) -> PortStatus {
        PortStatus { name: name.to_owned(), port }
    }

    #[test]
    fn the_longest_name_of_a_project_wins() {
        let all = listed(&["shop", "shop@fix-ui", "Big Store"]);
        let meant = |name: &str| match project(&labels(name), &all) {
            Meant::One(one, rest) => format!("{} {rest:?}", one.name),
            other => format!("{other:?}"),
        };
        assert_eq!(meant("web.shop"), "shop [\"web\"]");
        assert_eq!(meant("web.fix-ui.shop"), "shop@fix-ui [\"web\"]");
        assert_eq!(meant("other.shop"), "shop [\"other\"]");
        assert_eq!(meant("web.big-store"), "Big Store [\"web\"]");
        assert_eq!(meant("shop"), "shop []");
        assert_eq!(meant("web.shopping"), "Nobody");
        assert_eq!(meant(""), "Nobody");
    }

    #[test]
    fn two_projects_of_one_name_are_both_named() {
        let all = listed(&["shop", "shop"]);
        let name = labels("web.shop");
        let Meant::Several(several) = project(&name, &all) else { panic!("it has chosen") };
        assert_eq!(several.len(), 2);
    }

    #[test]
    fn a_program_is_found_with_its_main_port_or_a_named_one() {
        let web = ProcessStatus { ports: vec![port("debug", 9), port("", 3102)], ..sample::process("web", 0) };
        let all = [web];
        let found = |name: &str| process(&labels(name), &all).map(|(process, port)| (process.name.as_str(), port));
        assert_eq!(found("web"), Some(("web", Some(3102))));
        assert_eq!(found("debug.web"), Some(("web", Some(9))));
        assert_eq!(found("acme.web"), Some(("web", Some(3102))), "an application may have names of its own");
        assert_eq!(found("api"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn of_several_instances_one_that_is_up_answers() {
        let instance = |number: u16, state| ProcessStatus {
            program: "worker".into(),
            ports: vec![port("", 4000 + number)],
            state,
            ..sample::process(&format!("worker:worker_{number}"), 0)
        };
        let all = [instance(0, Word::Failed), instance(1, Word::Ready)];
        let port = |name: &str| process(&labels(name), &all).and_then(|(_, port)| port);
        assert_eq!(port("worker"), Some(4001));
        assert_eq!(port("worker-0"), Some(4000));
    }
}
