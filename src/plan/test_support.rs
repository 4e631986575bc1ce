//! Small projects for the tests of environments and launches.

use std::time::Duration;

use crate::model::program::Instance;
use crate::model::template::{Part, ProgramFact};
use crate::model::{
    Autorestart, Command, Control, Dialect, EnvOrder, Kind, ProcessName, Program, Project, RetryPolicy, Signal,
    Template, Tty,
};

/// A project without programs in `/p`.
pub(super) fn project() -> Project {
    Project {
        name: "shop".to_owned(),
        root: "/p".into(),
        files: vec!["/p/run.toml".into()],
        dialect: Dialect::Native,
        env_files: Vec::new(),
        environment: Vec::new(),
        programs: Vec::new(),
        groups: Vec::new(),
        control: Control::default(),
        active_profiles: Vec::new(),
        env_order: EnvOrder::File,
    }
}

/// A program that runs `true`.
pub(super) fn program(name: &str) -> Program {
    Program {
        name: name.into(),
        kind: Kind::Program,
        command: Command::Line(Template::literal("true")),
        instances: vec![instance(name, name, 0)],
        directory: None,
        environment: Vec::new(),
        env_files: Vec::new(),
        depends_on: Vec::new(),
        ready: None,
        ports: Vec::new(),
        profiles: Vec::new(),
        priority: 999,
        autostart: true,
        autorestart: Autorestart::Unexpected,
        startsecs: Duration::from_secs(1),
        startretries: 3,
        retry: RetryPolicy::Native,
        exitcodes: vec![0],
        exit_on_end: false,
        stopsignal: Signal::TERM,
        stopwaitsecs: Duration::from_secs(10),
        stopasgroup: true,
        killasgroup: true,
        redirect_stderr: true,
        tty: Tty::Auto,
        stdout_logfile: None,
        stderr_logfile: None,
        umask: None,
        user: None,
    }
}

/// One process of a program.
pub(super) fn instance(group: &str, process: &str, number: u32) -> Instance {
    Instance { name: ProcessName::new(group, process), number }
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
