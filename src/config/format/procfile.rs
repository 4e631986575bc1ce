//! The row of Procfiles: gathers what decides beside the text, and has [`crate::config::procfile`] read it.

use std::collections::BTreeMap;

use super::{ConfigFormat, Parsed, Source};
use crate::config::dotenv;
use crate::config::procfile::{self, ProcfileOptions};

/// The row of [`super::FORMATS`]; it takes every name that no other row takes.
pub const FORMAT: ConfigFormat =
    ConfigFormat { name: "Procfile", endings: &[], beside: &[".foreman", ".overmind.env", ".env"], parse };

fn parse(source: &Source<'_>) -> Parsed {
    let beside = |name: &str| source.beside.get(name).map(|(file, text)| (*file, text.as_str()));
    let (foreman, mut problems) =
        beside(".foreman").map(|(file, text)| procfile::read_foreman(file, text)).unwrap_or_default();
    let (overmind, more) =
        beside(".overmind.env").map(|(file, text)| procfile::read_overmind(file, text)).unwrap_or_default();
    problems.extend(more);
    let shell = &source.request.shell;
    let port_of_file = beside(".env").and_then(|(_, text)| {
        let pairs = dotenv::parse(text, shell).pairs.into_iter().collect::<BTreeMap<_, _>>();
        pairs.get("PORT").cloned()
    });
    let options = ProcfileOptions {
        base_port: source.request.base_port,
        formation: source.request.formation.clone(),
        defaults: foreman.or(overmind),
        env_file_port: port_of_file,
        shell_port: shell.get("PORT").cloned(),
    };
    let (raw, own) = procfile::parse(&options, source.file, source.text);
    problems.extend(own);
    Parsed { raw, problems, is_torn: false }
}
