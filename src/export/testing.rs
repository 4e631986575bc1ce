//! For the tests of the exports: one project with everything that they have to carry, and the files they make of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::export::unit::Site;
use crate::export::{ExportFormat, Exported};
use crate::model::template::{Part, ProgramFact};
use crate::model::{
    Autorestart, Command, Dependency, EnvFile, PortRequest, PortSpec, Program, Project, ReadyKind, ReadySpec, Signal,
    Template, Until,
};
use crate::plan::ports::Ports;

fn text(text: &str) -> Template {
    Template::literal(text)
}

/// Text, a port of another program, text.
fn with_port(before: &str, program: &str, after: &str) -> Template {
    let port = Part::Program { program: program.into(), fact: ProgramFact::Port(None) };
    Template { parts: vec![Part::Text(before.to_owned()), port, Part::Text(after.to_owned())] }
}

fn own_port(before: &str, after: &str) -> Template {
    let parts = vec![Part::Text(before.to_owned()), Part::Variable("PORT".to_owned()), Part::Text(after.to_owned())];
    Template { parts }
}

fn with_main_port(mut program: Program) -> Program {
    program.ports.push(PortSpec { name: None, request: PortRequest::Auto });
    program
}

/// A database, a migration, an api, a page, workers, and one that is off.
pub(crate) fn shop() -> (Project, Ports) {
    let mut db = with_main_port(Program::new("db"));
    db.command = Command::Line(text("postgres -D .pg -p $PORT"));
    db.ready = Some(ReadySpec {
        timeout: Some(Duration::from_secs(60)),
        ..ReadySpec::new(ReadyKind::Exec("pg_isready -q -p $PORT".into()))
    });
    db.stopsignal = Signal::INT;
    let mut migrate = Program::new_task("migrate");
    migrate.command = Command::Line(text("sqlx migrate run && echo \"100% done\""));
    migrate.depends_on = vec![Dependency::new("db", Until::Ready)];
    let mut api = with_main_port(Program::new("api"));
    api.command = Command::Words(vec![text("cargo"), text("run"), text("--bin"), text("my api")]);
    api.directory = Some(text("server"));
    api.ports.push(PortSpec { name: Some("debug".into()), request: PortRequest::Fixed(9229) });
    api.ready = Some(ReadySpec::new(ReadyKind::Http { url: own_port("http://localhost:", "/health"), status: vec![(200, 399)] }));
    api.depends_on = vec![
        Dependency::new("db", Until::Ready),
        Dependency::new("migrate", Until::Done),
        Dependency { optional: true, ..Dependency::new("mail", Until::Ready) },
    ];
    api.environment = vec![
        ("DATABASE_URL".into(), with_port("postgres://127.0.0.1:", "db", "/shop")),
        ("GREETING".into(), text("it's \"<hello>\"")),
        ("API_KEY".into(), text("very-secret")),
        ("CACHE".into(), Template { parts: vec![Part::Variable("HOME".into()), Part::Text("/cache".into())] }),
    ];
    api.exitcodes = vec![0, 2];
    let mut web = with_main_port(Program::new("web"));
    web.command = Command::Line(text("npm run dev"));
    web.ready = Some(ReadySpec::new(ReadyKind::Tcp(own_port("localhost:", ""))));
    web.depends_on = vec![Dependency { restart: true, ..Dependency::new("api", Until::Ready) }];
    web.autorestart = Autorestart::Always;
    let mut worker = Program::new("worker").times(2);
    worker.command = Command::Line(text("python worker.py --id $RUN_INSTANCE"));
    worker.depends_on = vec![Dependency::new("api", Until::Started)];
    worker.ready = Some(ReadySpec::new(ReadyKind::Log("waiting for work".into())));
    worker.stopwaitsecs = Duration::from_secs(30);
    let mut mail = Program::new("mail");
    mail.profiles = vec!["full".into()];
    let mut project = Project::new("/src/shop", vec![db, migrate, api, web, worker, mail]);
    project.environment = vec![("RUST_LOG".into(), text("info"))];
    project.env_files = vec![EnvFile { path: "/src/shop/.env".into(), optional: true }];
    let mut ports = Ports::default();
    for (program, name, port) in [("db", None, 10001), ("api", None, 10002), ("api", Some("debug"), 9229), ("web", None, 10003)] {
        ports.insert(program.into(), name.map(ToOwned::to_owned), port);
    }
    (project, ports)
}

/// Exports the shop and compares with `tests/export/FORMAT.txt`. With `UPDATE_GENERATED` that is written instead.
pub(crate) fn check(format: &ExportFormat) {
    let (project, ports) = shop();
    let site = Site { project: &project, name: "shop", ports: &ports, with_secrets: false };
    let exported = (format.render)(&site);
    let written = shown(&exported);
    assert!(!written.contains("very-secret"), "{}", format.name);
    let open = Site { with_secrets: true, ..site };
    assert!(shown(&(format.render)(&open)).contains("very-secret"), "{}", format.name);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export").join(format!("{}.txt", format.name));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == expected, "{}: UPDATE_GENERATED=1 writes it\n{written}", path.display());
}

fn shown(exported: &Exported) -> String {
    let mut text: String = exported.remarks.iter().map(|remark| format!("{remark}\n")).collect();
    for file in &exported.files {
        text.push_str(&format!("======== {}\n{}", file.path, file.text));
    }
    text
}
