//! What the `${…}` holes name: variables that will have a value, programs that have a port.

use crate::config::facts::{FileFact, World};
use crate::config::lower::template::Placed;
use crate::config::lower::{Lowered, ProgramPlaces};
use crate::config::place::within;
use crate::config::request::Request;
use crate::config::scope::Scope;
use crate::config::suggest;
use crate::model::template::{Part, ProgramFact};
use crate::model::{Diagnostic, Dialect, PortSpec, Program, ProgramName, SourceFile, Span, Template};

/// Looks at every value with holes.
pub fn check(
    request: &Request,
    lowered: &Lowered,
    world: &mut World<'_>,
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) {
    if lowered.project.dialect != Dialect::Native {
        return;
    }
    let project = &lowered.project;
    let mut looking = Looking { lowered, sources, problems, looked_in: looked_in(lowered, world) };
    let mut scope = Scope::below_environment(request, project, world);
    for name in ports_of_all(&project.programs) {
        scope.define(&name, None);
    }
    looking.environment(&mut scope, &project.environment, &lowered.places.environment);
    let common = Scope::of_project(request, project, world);
    for (program, places) in super::programs(lowered) {
        let scope = common.with_files_and_ports(request, program, world);
        looking.program(scope, program, places);
    }
}

/// The port variables that every program has: only those can stand in the `[environment]` of all.
fn ports_of_all(programs: &[Program]) -> Vec<String> {
    let names = |program: &Program| program.ports.iter().map(PortSpec::variable).collect::<Vec<_>>();
    let Some((first, rest)) = programs.split_first() else { return Vec::new() };
    names(first).into_iter().filter(|name| rest.iter().all(|program| names(program).contains(name))).collect()
}

/// The places in which a variable was looked for, in words.
fn looked_in(lowered: &Lowered, world: &mut World<'_>) -> String {
    let root = &lowered.project.root;
    let mut places = vec!["the shell".to_owned()];
    for file in &lowered.project.env_files {
        let name = file.path.strip_prefix(root).unwrap_or(&file.path).display();
        let is_there = matches!(world.file(&file.path), Some(FileFact::Bytes(_)));
        places.push(if is_there { name.to_string() } else { format!("{name} (not there)") });
    }
    places.push("[environment]".to_owned());
    suggest::list(&places, "and")
}

struct Looking<'l> {
    lowered: &'l Lowered,
    sources: &'l [SourceFile],
    problems: &'l mut Vec<Diagnostic>,
    looked_in: String,
}

impl Looking<'_> {
    fn program(&mut self, mut scope: Scope, program: &Program, places: &ProgramPlaces) {
        let (environment, rest) = places.templates.split_at(places.environment);
        self.environment(&mut scope, &program.environment, environment);
        for placed in rest {
            self.value(&scope, &placed.template, placed.span, &[]);
        }
    }

    /// Entries see what stands before them.
    fn environment(&mut self, scope: &mut Scope, entries: &[(String, Template)], places: &[Placed]) {
        for (at, ((name, template), placed)) in entries.iter().zip(places).enumerate() {
            self.value(scope, template, placed.span, &entries[at..]);
            let value = scope.resolve(template);
            scope.define(name, value);
        }
    }

    fn value(&mut self, scope: &Scope, template: &Template, span: Span, later: &[(String, Template)]) {
        for part in &template.parts {
            match part {
                Part::Variable(name) if !scope.has(name) => self.undefined(scope, name, span, later),
                Part::Program { program, fact } => self.program_fact(program, fact, span),
                Part::Variable(_) | Part::Text(_) => {}
            }
        }
    }

    fn undefined(&mut self, scope: &Scope, name: &str, span: Span, later: &[(String, Template)]) {
        let span = within(self.sources, span, &format!("${{{name}}}"));
        let problem = Diagnostic::error("undefined-variable", format!("`${{{name}}}` is not defined"));
        let problem = if name == "PORT" || name.starts_with("PORT_") {
            problem.at(span, "no `port` of this name is declared here")
        } else if later.first().is_some_and(|(own, _)| own == name) {
            problem.at(span, format!("it names itself, and nothing above sets it: looked in {}", self.looked_in))
        } else if later.iter().any(|(other, _)| other == name) {
            problem.at(span, "it is set further down").help(format!("move the line of {name} above this one"))
        } else {
            let problem = problem.at(span, format!("looked in {}", self.looked_in));
            let near: Vec<String> =
                suggest::closest(name, scope.names()).iter().map(|name| format!("`{name}`")).collect();
            if near.is_empty() {
                problem
            } else {
                problem.help(format!("did you mean {}?", suggest::list(&near, "or")))
            }
        };
        self.problems.push(problem);
    }

    /// `${api.port}` of a program that exists, declares the port, and is one.
    fn program_fact(&mut self, name: &ProgramName, fact: &ProgramFact, span: Span) {
        let (port, word) = match fact {
            ProgramFact::Port(port) => (port.as_deref(), "port"),
            ProgramFact::Url(port) => (port.as_deref(), "url"),
        };
        let hole = format!("${{{name}.{word}{}}}", port.map(|port| format!(".{port}")).unwrap_or_default());
        let span = within(self.sources, span, &hole);
        let Some(program) = self.lowered.project.program(name) else {
            let names = self.lowered.project.programs.iter().map(|program| program.name.as_str());
            let label =
                suggest::did_you_mean(name.as_str(), names).unwrap_or_else(|| format!("there is no program {name}"));
            let message = format!("`{hole}` names `{name}`, which is not defined");
            self.problems.push(Diagnostic::error("unknown-program", message).at(span, label));
            return;
        };
        if program.ports.iter().all(|spec| spec.name.as_deref() != port) {
            let message = match port {
                Some(port) => format!("`{hole}`: {name} declares no port called `{port}`"),
                None => format!("`{hole}`: {name} declares no port"),
            };
            let help = port.map_or("port = \"auto\"".to_owned(), |port| format!("ports = {{ {port} = \"auto\" }}"));
            self.problems.push(Diagnostic::error("no-port", message).at(span, format!("add {help} to {name}")));
        } else if program.instances.len() > 1 {
            let message =
                format!("`{hole}`: {name} has {} instances, each with a port of its own", program.instances.len());
            self.problems.push(Diagnostic::error("no-port", message).at(span, "which one?"));
        }
    }
}
