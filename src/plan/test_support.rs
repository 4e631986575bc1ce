//! What the tests of environments and launches are made of.

use crate::model::program::Instance;
use crate::model::template::{Part, ProgramFact};
use crate::model::{ProcessName, Project, Template};

/// A project without programs in `/p`, called shop.
pub(super) fn project() -> Project {
    Project { name: "shop".to_owned(), ..Project::new("/p", Vec::new()) }
}

/// One process of a program.
pub(super) fn instance(group: &str, process: &str, number: u32) -> Instance {
    Instance::new(ProcessName::new(group, process), number)
}

/// Pairs of text.
pub(super) fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An `environment` table.
pub(super) fn table(of: &[(&str, &str)]) -> Vec<(String, Template)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), template(value))).collect()
}

/// A template: what stands between `${` and `}` is a hole, a fact about a program when it has a dot.
pub(super) fn template(text: &str) -> Template {
    let mut parts = Vec::new();
    for (index, piece) in text.split("${").enumerate() {
        let (hole, rest) =
            if index == 0 { (None, piece) } else { piece.split_once('}').map_or((None, ""), |(h, r)| (Some(h), r)) };
        parts.extend(hole.map(|hole| match hole.split('.').collect::<Vec<_>>().as_slice() {
            [program, fact, name @ ..] => {
                let name = name.first().map(|name| (*name).to_owned());
                let fact = if *fact == "url" { ProgramFact::Url(name) } else { ProgramFact::Port(name) };
                Part::Program { program: (*program).into(), fact }
            }
            _ => Part::Variable(hole.to_owned()),
        }));
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
    }
    Template { parts }
}
