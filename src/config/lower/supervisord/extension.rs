//! `[rpcinterface:NAME]` with a `command`: a program that serves the methods of a namespace. supervisord loads Python modules there;
//! a `command` is ours.

use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::section::Section;
use crate::config::lower::supervisord::{program, servers};
use crate::model::supervisord::{Daemon, Extension, RpcInterface};
use crate::model::{Diagnostic, Program};

/// The program of a section that was read; `None` where its name cannot be a namespace.
pub fn extension(
    section: &mut Section<'_>,
    interface: &RpcInterface,
    names: &Expansions,
    daemon: &Daemon,
) -> Option<Program> {
    let timeout = section.seconds("timeout", names).unwrap_or(Extension::TIMEOUT);
    let extension = Extension { namespace: interface.name.clone(), timeout, options: interface.options.clone() };
    if let Some(problem) = Extension::namespace_problem(&extension.namespace) {
        let message = format!("an extension cannot serve `{}`", extension.namespace);
        let span = section.raw.span;
        section.push(Diagnostic::error("bad-name", message).at(span, problem));
        return None;
    }
    Some(Program {
        command: program::command(section, names),
        directory: program::directory(section, names, daemon),
        environment: servers::environment(section, names).unwrap_or_default(),
        user: section.text("user", names),
        ..Program::new_extension(extension)
    })
}
