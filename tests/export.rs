//! What every export makes of one project that has everything an export has to carry: `tests/export/FORMAT.txt`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use run::codec::{ini, yaml};
use run::export::unit::Site;
use run::export::{EXPORT_FORMATS, ExportFormat, Exported};
use run::import::{Source, format_of};
use run::model::supervisord::Extension;
use run::model::template::{Part, ProgramFact};
use run::model::{
    Autorestart, Command, Dependency, EnvFile, PortRequest, PortSpec, Program, Project, ReadyKind, ReadySpec, Signal,
    Template, Until,
};
use run::plan::ports::Ports;

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
fn shop() -> (Project, Ports) {
    let mut db = with_main_port(Program::new("db"));
    db.command = Command::Line(text("postgres -D .pg -p $PORT"));
    db.ready = Some(ReadySpec {
        timeout: Some(Duration::from_mins(1)),
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
    api.ready = Some(ReadySpec::new(ReadyKind::Http {
        url: own_port("http://localhost:", "/health"),
        status: vec![(200, 399)],
    }));
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
    for (program, name, port) in
        [("db", None, 10001), ("api", None, 10002), ("api", Some("debug"), 9229), ("web", None, 10003)]
    {
        ports.insert(program.into(), name.map(ToOwned::to_owned), port);
    }
    (project, ports)
}

/// Set to write the files instead of comparing them.
const BLESS: &str = "UPDATE_GENERATED";

fn exported(format: &ExportFormat, with_secrets: bool) -> String {
    let (project, ports) = shop();
    shown(&(format.render)(&Site { project: &project, name: "shop", ports: &ports, with_secrets }))
}

fn shown(exported: &Exported) -> String {
    let mut text: Vec<String> = exported.remarks.iter().map(|remark| format!("{remark}\n")).collect();
    text.extend(exported.files.iter().map(|file| format!("======== {}\n{}", file.path, file.text)));
    text.concat()
}

#[test]
fn every_format_gives_what_stands_in_its_file() {
    for format in EXPORT_FORMATS {
        let written = exported(format, false);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export").join(format!("{}.txt", format.name));
        if std::env::var_os(BLESS).is_some() {
            fs::write(&path, &written).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == expected, "{}: {BLESS}=1 cargo test --test export writes it\n{written}", path.display());
    }
}

#[test]
fn what_serves_methods_on_our_socket_is_left_out_and_named() {
    let (mut project, ports) = shop();
    let extension = Extension { namespace: "counter".to_owned(), timeout: Extension::TIMEOUT, options: Vec::new() };
    project.programs.push(Program::new_extension(extension));
    project.programs[0].depends_on.push(Dependency::new("rpcinterface.counter", Until::Ready));
    let remark = "rpcinterface.counter: it serves methods on the socket of `run up`";
    for format in EXPORT_FORMATS {
        let site = Site { project: &project, name: "shop", ports: &ports, with_secrets: false };
        let exported = shown(&(format.render)(&site));
        assert_eq!(exported.matches("rpcinterface.counter").count(), exported.matches(remark).count(), "{exported}");
        assert!(exported.contains(remark), "{exported}");
    }
}

#[test]
fn a_secret_is_written_only_when_it_is_asked_for() {
    for format in EXPORT_FORMATS {
        assert!(!exported(format, false).contains("very-secret"), "{}", format.name);
        assert!(exported(format, true).contains("very-secret"), "{}", format.name);
    }
}

/// `%n` is the unit's name there.
#[test]
fn systemd_fills_nothing_into_a_name_or_a_path() {
    let mut project = Project::new("/src/100%new", vec![Program::new("web%n")]);
    project.env_files = vec![EnvFile { path: "/src/100%new/.env".into(), optional: true }];
    let format = EXPORT_FORMATS.iter().find(|format| format.name == "systemd").unwrap();
    let site = Site { project: &project, name: "100%new", ports: &Ports::default(), with_secrets: false };
    let exported = (format.render)(&site);
    let text: String = exported.files.iter().map(|file| file.text.as_str()).collect();
    let percents = text.matches('%').count();
    assert!(percents > 0 && percents == 2 * text.matches("%%").count(), "{text}");
}

#[test]
fn every_yaml_is_one() {
    for name in ["compose", "kubernetes"] {
        let format = EXPORT_FORMATS.iter().find(|format| format.name == name).unwrap();
        let (project, ports) = shop();
        let site = Site { project: &project, name: "shop", ports: &ports, with_secrets: true };
        for file in (format.render)(&site).files {
            for document in file.text.split("---\n") {
                assert!(yaml::parse(document).unwrap().table().is_some(), "{document}");
            }
        }
    }
}

#[test]
fn supervisord_reads_its_own() {
    let format = EXPORT_FORMATS.iter().find(|format| format.name == "supervisord").unwrap();
    let (project, ports) = shop();
    let site = Site { project: &project, name: "shop", ports: &ports, with_secrets: true };
    let text = &(format.render)(&site).files[0].text;
    let ini = ini::parse(text);
    assert_eq!(ini.errors, []);
    let source = Source { name: "supervisord.conf", text, beside: &[] };
    let back = (format_of("supervisord.conf", text).unwrap().read)(&source).unwrap();
    let names: Vec<&str> = back.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, ["db", "migrate", "api", "web", "worker"]);
    assert!(back.sections.iter().all(|section| section.lost.is_empty()), "{:?}", back.all_lost());
}

/// Four programs of which many notations can say the names only in one way; the third is needed by the fourth.
fn alike() -> (Project, Ports) {
    let mut ports = Ports::default();
    let mut programs: Vec<Program> = ["a@b", "a_b", "a.b", "a-b"].map(|name| with_main_port(Program::new(name))).into();
    for (program, port) in programs.iter_mut().zip(10001..) {
        program.command = Command::Line(text("serve"));
        ports.insert(program.name.clone(), None, port);
    }
    programs[3].depends_on = vec![Dependency::new("a.b", Until::Ready)];
    programs[3].environment = vec![("NEEDED".into(), with_port("http://127.0.0.1:", "a.b", "/"))];
    (Project::new("/src/shop", programs), ports)
}

/// What an export of them calls each, in order, and all of its text.
fn called(format: &str, between: (&str, &str)) -> (Vec<String>, String) {
    let (project, ports) = alike();
    let site = Site { project: &project, name: "shop", ports: &ports, with_secrets: false };
    let format = EXPORT_FORMATS.iter().find(|one| one.name == format).expect("a row of the table");
    let text = shown(&(format.render)(&site));
    let name = |line: &str| Some(line.strip_prefix(between.0)?.strip_suffix(between.1)?.to_owned());
    (text.lines().filter_map(name).filter(|name| !name.starts_with(' ')).collect(), text)
}

#[test]
fn no_two_programs_are_called_alike() {
    let (systemd, text) = called("systemd", ("======== shop-", ".service"));
    assert_eq!(systemd, ["a-b-2", "a_b", "a.b", "a-b"]);
    assert!(text.contains("Requires=shop-a.b.service"), "{text}");
    assert!(text.contains("a@b: a@b is called a-b-2 there, because a-b is another one"), "{text}");
    let (launchd, _) = called("launchd", ("======== runup.shop.", ".plist"));
    assert_eq!(launchd, ["a-b-2", "a_b", "a-b-3", "a-b"]);
    let (_, text) = called("procfile", ("", ""));
    assert_eq!(
        ["\na-b-2: env", "\na_b: env", "\na.b: env", "\na-b: env"].map(|name| text.matches(name).count()),
        [1; 4],
        "{text}"
    );
    let (compose, text) = called("compose", ("  ", ":"));
    assert_eq!(compose, ["a-b-2", "a_b", "a.b", "a-b"]);
    assert!(text.contains("http://a.b:10003/"), "{text}");
    let (nomad, _) = called("nomad", ("      name     = \"", "\""));
    assert_eq!(nomad, ["a-b-2", "a_b", "a-b-3", "a-b"]);
    let (mut kubernetes, text) = called("kubernetes", ("  name: ", ""));
    kubernetes.dedup();
    assert_eq!(kubernetes, ["a-b-2", "a-b-3", "a-b-4", "a-b"]);
    assert!(text.contains("http://a-b-4:10003/") && text.contains("nc -z a-b-4 10003"), "{text}");
}
