//! Small projects for the tests of the pure layers.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::program::Instance;
use crate::model::{
    Autorestart, Command, Control, Dependency, Dialect, EnvOrder, Kind, ProcessName, Program, ProgramName, Project,
    RetryPolicy, Signal, Template, Tty, Until,
};

/// A program with run.toml's defaults.
pub fn program(name: &str) -> Program {
    Program {
        name: ProgramName::new(name),
        kind: Kind::Program,
        command: Command::Line(Template::literal("true")),
        instances: vec![Instance { name: ProcessName::new(name, name), number: 0 }],
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

/// A task with run.toml's defaults.
pub fn task(name: &str) -> Program {
    Program {
        kind: Kind::Task,
        autorestart: Autorestart::Never,
        startsecs: Duration::ZERO,
        startretries: 0,
        ..program(name)
    }
}

/// An edge as a bare name in `depends_on` makes it.
pub fn needs(name: &str, until: Until) -> Dependency {
    Dependency { program: ProgramName::new(name), until, restart: false, optional: false }
}

/// A project of programs.
pub fn project_of(programs: Vec<Program>) -> Project {
    Project {
        name: "shop".into(),
        root: PathBuf::from("/shop"),
        files: vec![PathBuf::from("/shop/run.toml")],
        dialect: Dialect::Native,
        env_files: Vec::new(),
        environment: Vec::new(),
        programs,
        groups: Vec::new(),
        control: Control::default(),
        active_profiles: Vec::new(),
        env_order: EnvOrder::File,
    }
}

/// A project of programs, each with the names it needs.
pub fn project(programs: &[(&str, &[&str])]) -> Project {
    project_of(
        programs
            .iter()
            .map(|(name, on)| Program {
                depends_on: on.iter().map(|on| needs(on, Until::Ready)).collect(),
                ..program(name)
            })
            .collect(),
    )
}
