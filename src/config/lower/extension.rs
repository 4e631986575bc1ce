//! `[rpcinterface.NAME]`: a program that serves the methods of a namespace on the control socket.

use crate::config::lower::keys::Keys;
use crate::config::lower::{Context, ProgramPlaces, program, value};
use crate::config::raw::RawSection;
use crate::model::options::SectionKind;
use crate::model::supervisord::Extension;
use crate::model::{Diagnostic, Program};

/// Lowers one section; `None` where its name is not its own, or cannot be a namespace.
pub fn extension(
    context: Context<'_>,
    section: &RawSection,
    problems: &mut Vec<Diagnostic>,
) -> Option<(Program, ProgramPlaces)> {
    let namespace = section.name.as_deref()?;
    if !context.names.is_first(&Extension::program_name(namespace), section.span) {
        return None;
    }
    let mut keys = Keys::new(SectionKind::RpcInterface, &section.keys, problems);
    let timeout = keys.read("timeout", value::duration).unwrap_or(Extension::TIMEOUT);
    let extension = Extension { namespace: namespace.to_owned(), timeout, options: Vec::new() };
    let mut program = Program::new_extension(extension);
    let mut places = program::places(section);
    program::environment(context, &mut keys, &mut program, &mut places);
    program::command(context, section, &mut keys, &mut program, &mut places);
    program.user = keys.read("user", value::text_or_number);
    if let Some(problem) = Extension::namespace_problem(namespace) {
        problems.push(problem_of_name(section, &problem));
        return None;
    }
    Some((program, places))
}

fn problem_of_name(section: &RawSection, problem: &str) -> Diagnostic {
    let name = section.name.as_deref().unwrap_or_default();
    Diagnostic::error("bad-name", format!("an extension cannot serve `{name}`")).at(section.span, problem)
}
