//! A project for the tests of the drawings.

use std::path::PathBuf;
use std::time::Duration;

use crate::export::graph::GraphView;
use crate::model::program::Instance;
use crate::model::{
    Autorestart, Command, Control, Dependency, Dialect, EnvOrder, Kind, ProcessName, Program, ProgramName, Project,
    ReadyKind, ReadySpec, RetryPolicy, Signal, Template, Tty, Until,
};

/// A program with the defaults of run.toml.
pub(crate) fn program(name: &str) -> Program {
    Program {
        name: ProgramName::new(name),
        kind: Kind::Program,
        command: Command::Line(Template::literal(name)),
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

/// An edge.
pub(crate) fn needs(name: &str, until: Until) -> Dependency {
    Dependency { program: ProgramName::new(name), until, restart: false, optional: false }
}

/// A project of these programs.
pub(crate) fn project(programs: Vec<Program>) -> Project {
    Project {
        name: "shop".into(),
        root: PathBuf::from("/src/shop"),
        files: vec![PathBuf::from("/src/shop/run.toml")],
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

/// db and cache; a migration; an api with a web page and four workers above it.
pub(crate) fn shop() -> GraphView {
    let mut db = program("db");
    db.ready = Some(ReadySpec::new(ReadyKind::Tcp(Template::literal("127.0.0.1:5433"))));
    let mut cache = program("cache");
    cache.priority = 1;
    let mut migrate = program("migrate");
    migrate.kind = Kind::Task;
    migrate.depends_on = vec![needs("db", Until::Ready)];
    let mut api = program("api");
    api.depends_on = vec![needs("db", Until::Ready), needs("migrate", Until::Done)];
    let mut web = program("web");
    web.depends_on = vec![
        needs("api", Until::Ready),
        Dependency { optional: true, ..needs("mail", Until::Ready) },
        Dependency { restart: true, ..needs("cache", Until::Started) },
    ];
    let mut worker = program("worker");
    worker.depends_on = vec![needs("api", Until::Ready)];
    worker.profiles = vec!["full".into()];
    worker.instances = (0..4)
        .map(|number| Instance { name: ProcessName::new("worker", format!("worker_{number}")), number })
        .collect();
    GraphView::of(&project(vec![db, cache, migrate, api, web, worker]))
}
