//! The loader from texts to projects and reports: one directory a case under `tests/config/toml`, with what it gives beside it.

#![expect(clippy::unwrap_used, reason = "a test may unwrap")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use run::config::Loaded;
use run::config::facts::FileFact;
use run::config::request::{Request, Vocabulary};
use run::config::testing::load_supposing;
use run::model::options::{self, OPTIONS, SectionKind};
use run::model::{Program, Project};
use run::runtime::load::load_project;
use run::ui::report;

const VOCABULARY: Vocabulary = Vocabulary { probes: run::probe::KINDS };

fn request(root: &Path) -> Request {
    let shell = [("HOME", "/home/me"), ("PATH", "/usr/bin:/bin")];
    Request {
        root: root.to_owned(),
        files: vec![root.join("run.toml")],
        fallback_name: "fallback".to_owned(),
        shell: shell.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Request::default()
    }
}

/// Everything that a case gives, as a text.
fn outcome(request: &Request) -> String {
    let outcome = load_project(request, &VOCABULARY);
    let mut text = report::human(&outcome.diagnostics, false);
    if let Some(project) = &outcome.project {
        text.push_str(&render(project));
    } else {
        writeln!(text, "\nrefused: {}", report::summary(&outcome.diagnostics)).unwrap();
    }
    text.replace(&request.root.display().to_string(), "$ROOT")
}

/// A project in few lines: of each program only what differs from a program about which nothing was said.
fn render(project: &Project) -> String {
    let Project {
        name,
        root: _,
        files,
        dialect,
        env_files,
        env_contents: _,
        environment,
        programs,
        groups,
        control,
        proxy,
        reload,
        active_profiles,
        env_order,
        supervisord,
    } = project;
    let mut text = format!("project {name} {dialect:?} {env_order:?} profiles {active_profiles:?}\n");
    for file in files {
        writeln!(text, "  file {}", file.display()).unwrap();
    }
    for file in env_files {
        writeln!(text, "  env_file {} optional {}", file.path.display(), file.optional).unwrap();
    }
    for (name, value) in environment {
        writeln!(text, "  {name}={value}").unwrap();
    }
    for group in groups {
        writeln!(text, "  {group:?}").unwrap();
    }
    if *control != run::model::Control::default() {
        writeln!(text, "  {control:?}").unwrap();
    }
    if *proxy != run::model::Proxy::default() {
        writeln!(text, "  {proxy:?}").unwrap();
    }
    let usual = if supervisord.is_some() { run::model::ReloadMode::Off } else { run::model::ReloadMode::Auto };
    if *reload != usual {
        writeln!(text, "  reload {reload:?}").unwrap();
    }
    if let Some(supervisord) = supervisord {
        let plain = format!("{:#?}", run::model::supervisord::Supervisord::default());
        for line in format!("{supervisord:#?}").lines().filter(|line| !plain.lines().any(|other| other == *line)) {
            writeln!(text, "  {}", line.trim_start()).unwrap();
        }
    }
    let plain = match dialect {
        run::model::Dialect::Supervisord => conf_of("[supervisord]\n[program:plain]\ncommand=true"),
        run::model::Dialect::Native | run::model::Dialect::Procfile => project_of("[program.plain]\ncommand = 'true'"),
    };
    let plain = plain.unwrap();
    let plain = fields(&plain.programs[0]);
    for program in programs {
        let own = fields(program);
        for (field, value) in own.iter().filter(|(field, value)| plain.get(*field) != Some(*value)) {
            writeln!(text, "{} {field}: {value}", program.name).unwrap();
        }
    }
    text
}

/// The fields of a program as texts. A new field has to be named here, or this does not compile.
fn fields(program: &Program) -> BTreeMap<&'static str, String> {
    let Program {
        name: _,
        kind,
        command,
        instances,
        directory,
        environment,
        env_files,
        depends_on,
        ready,
        alive,
        max_memory,
        on_crash,
        watch,
        ports,
        profiles,
        priority,
        autostart,
        autorestart,
        startsecs,
        startretries,
        retry,
        exitcodes,
        exit_on_end,
        stopsignal,
        stopwaitsecs,
        stopasgroup,
        killasgroup,
        redirect_stderr,
        tty,
        stdout_logfile,
        stderr_logfile,
        umask,
        user,
        extras,
    } = program;
    let instance = |instance: &run::model::program::Instance| {
        let program = program.as_run_by(instance);
        let environment: Vec<String> =
            program.environment.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let own = format!("{{ {}{} {:?} }}", program.command.display(), environment.concat(), program.stdout_logfile);
        format!("{}#{}{}", instance.name, instance.number, if instance.own.is_some() { own.as_str() } else { "" })
    };
    let instances: Vec<String> = instances.iter().map(instance).collect();
    let environment: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let depends_on: Vec<String> = depends_on
        .iter()
        .map(|edge| {
            let restart = if edge.restart { " restart" } else { "" };
            let optional = if edge.optional { " optional" } else { "" };
            format!("{} {}{restart}{optional}", edge.program, edge.until.as_str())
        })
        .collect();
    BTreeMap::from([
        ("kind", format!("{kind:?}")),
        ("command", command.display()),
        ("instances", instances.join(" ")),
        ("directory", directory.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("environment", environment.join(" ")),
        ("env_files", format!("{env_files:?}")),
        ("depends_on", depends_on.join(", ")),
        ("alive", alive.as_ref().map(|alive| format!("{alive:?}")).unwrap_or_default()),
        ("on_crash", on_crash.clone().unwrap_or_default()),
        ("max_memory", max_memory.map(|bytes| bytes.to_string()).unwrap_or_default()),
        ("watch", watch.join(" ")),
        ("ready", ready.as_ref().map(ready_text).unwrap_or_default()),
        (
            "ports",
            ports
                .iter()
                .map(|port| format!("{}={:?}", port.name.as_deref().unwrap_or("PORT"), port.request))
                .collect::<Vec<_>>()
                .join(" "),
        ),
        ("profiles", profiles.join(" ")),
        ("priority", priority.to_string()),
        ("autostart", autostart.to_string()),
        ("autorestart", format!("{autorestart:?}")),
        ("startsecs", format!("{startsecs:?}")),
        ("startretries", startretries.to_string()),
        ("retry", format!("{retry:?}")),
        ("exitcodes", format!("{exitcodes:?}")),
        ("exit_on_end", exit_on_end.to_string()),
        ("stopsignal", stopsignal.to_string()),
        ("stopwaitsecs", format!("{stopwaitsecs:?}")),
        ("stopasgroup", stopasgroup.to_string()),
        ("killasgroup", killasgroup.to_string()),
        ("redirect_stderr", redirect_stderr.to_string()),
        ("tty", format!("{tty:?}")),
        ("stdout_logfile", format!("{stdout_logfile:?}")),
        ("stderr_logfile", format!("{stderr_logfile:?}")),
        ("umask", umask.map(|mask| format!("{mask:o}")).unwrap_or_default()),
        ("user", user.clone().unwrap_or_default()),
        ("extras", format!("{extras:?}")),
    ])
}

fn ready_text(ready: &run::model::ReadySpec) -> String {
    use run::model::ReadyKind;
    let what = match &ready.kind {
        ReadyKind::Tcp(target) => target.to_string(),
        ReadyKind::Http { url, status } => format!("{url} {status:?}"),
        ReadyKind::Exec(text) | ReadyKind::Log(text) => text.clone(),
        ReadyKind::Notify | ReadyKind::Described => String::new(),
        ReadyKind::File(path) => path.to_string(),
    };
    let (every, timeout) = (ready.every, ready.timeout);
    format!("{} {what} every {every:?} timeout {timeout:?} {}/{:?}", ready.kind.name(), ready.successes, ready.failures)
}

#[test]
fn every_run_toml_gives_what_stands_beside_it() {
    check_cases("toml", "run.toml");
}

#[test]
fn every_supervisord_conf_gives_what_stands_beside_it() {
    check_cases("supervisord", "supervisord.conf");
}

fn check_cases(format: &str, file: &str) {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(format);
    let mut names: Vec<PathBuf> = cases.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 10, "the cases have gone");
    for case in names {
        let text = outcome(&Request { files: vec![case.join(file)], ..request(&case) });
        insta::with_settings!({ snapshot_path => &case, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("expected", text);
        });
    }
}

/// Configs in the shape of those that people have, in a world where everything is that they name. The first line says which remarks
/// are right.
#[test]
fn configs_as_they_are_in_the_wild_load_without_a_false_remark() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/wild");
    let mut files: Vec<PathBuf> = directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "the files have gone");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut request = Request { files: vec![directory.join(name)], ..request(&directory) };
        for (name, value) in [("WEB_CONCURRENCY", "3"), ("GEOMETRY", "800x600"), ("VNC_PASSWORD", "secret")] {
            request.shell.insert(name.to_owned(), value.to_owned());
        }
        let (is_loaded, diagnostics) = match load_texts(&request, &[(name, text.as_bytes())]) {
            Loaded::Project(_, diagnostics) => (true, diagnostics),
            Loaded::Refused(diagnostics) => (false, diagnostics),
            Loaded::Needs(_) => unreachable!("the facts were found"),
        };
        assert!(is_loaded, "{}", report::human(&diagnostics, false));
        let expected = text.lines().next().and_then(|line| line.strip_prefix("; expects:")).unwrap();
        let expected: Vec<&str> = expected.split_whitespace().collect();
        let mut told: Vec<&str> = diagnostics.list.iter().map(|diagnostic| diagnostic.code).collect();
        told.retain(|code| *code != "not-built");
        told.dedup();
        assert_eq!(told, expected, "{name}\n{}", report::human(&diagnostics, false));
    }
}

/// Loads texts by name, without a file system: what is not given is not there, every command and directory is.
fn load_texts(request: &Request, texts: &[(&str, &[u8])]) -> Loaded {
    let file = |path: &Path| {
        let text = texts.iter().find(|(name, _)| request.root.join(name) == path);
        text.map_or(FileFact::Missing, |(_, bytes)| FileFact::Bytes(bytes.to_vec()))
    };
    load_supposing(request, &VOCABULARY, file).0
}

fn project_of(text: &str) -> Option<Project> {
    match load_texts(&request(Path::new("/project")), &[("run.toml", text.as_bytes())]) {
        Loaded::Project(project, _) => Some(*project),
        Loaded::Refused(_) | Loaded::Needs(_) => None,
    }
}

fn conf_of(text: &str) -> Option<Project> {
    let root = Path::new("/project");
    let request = Request { files: vec![root.join("supervisord.conf")], ..request(root) };
    match load_texts(&request, &[("supervisord.conf", text.as_bytes())]) {
        Loaded::Project(project, _) => Some(*project),
        Loaded::Refused(_) | Loaded::Needs(_) => None,
    }
}

/// Codes of all that is wrong.
fn codes(request: &Request, texts: &[(&str, &[u8])]) -> Vec<&'static str> {
    match load_texts(request, texts) {
        Loaded::Project(_, diagnostics) | Loaded::Refused(diagnostics) => {
            diagnostics.list.iter().map(|diagnostic| diagnostic.code).collect()
        }
        Loaded::Needs(_) => unreachable!("the facts were found"),
    }
}

/// A config in which one key of one section has this value.
fn with_key(section: SectionKind, key: &str, value: &str) -> String {
    let other = "[program.other]\ncommand = 'true'\n";
    let command = if key == "command" { "" } else { "command = 'true'\n" };
    match section {
        SectionKind::Top => format!("{key} = {value}\n{other}"),
        SectionKind::Program => format!("[program.web]\n{command}{key} = {value}\n{other}"),
        SectionKind::Task => format!("[task.web]\n{command}{key} = {value}\n{other}"),
        SectionKind::Listener => {
            let events = if key == "events" { "" } else { "events = ['TICK_5']\n" };
            format!("[eventlistener.web]\n{command}{events}{key} = {value}\n{other}")
        }
        SectionKind::Fcgi => {
            let socket = if key == "socket" { "" } else { "socket = 'unix:///web.sock'\n" };
            format!("[fcgi-program.web]\n{command}{socket}{key} = {value}\n{other}")
        }
        SectionKind::RpcInterface => format!("[rpcinterface.web]\n{command}{key} = {value}\n{other}"),
        SectionKind::Group => {
            let programs = if key == "programs" { "" } else { "programs = ['other']\n" };
            format!("[group.all-of-them]\n{programs}{key} = {value}\n{other}[program.web]\ncommand = 'true'\n")
        }
        SectionKind::Control => {
            let partner = match key {
                "username" => "password = 'x'\n",
                "password" => "username = 'x'\n",
                _ => "",
            };
            format!("{other}[control]\n{partner}{key} = {value}\n")
        }
        SectionKind::Proxy => format!("{other}[proxy]\n{key} = {value}\n"),
    }
}

fn rows() -> impl Iterator<Item = (SectionKind, &'static options::OptionSpec)> {
    OPTIONS.iter().flat_map(|option| option.sections.iter().map(move |section| (*section, option)))
}

#[test]
fn every_option_is_read_and_refuses_a_date() {
    for (section, option) in rows() {
        let text = with_key(section, option.name, "1979-05-27");
        let request = request(Path::new("/project"));
        let Loaded::Refused(diagnostics) = load_texts(&request, &[("run.toml", text.as_bytes())]) else {
            panic!("{section:?} {} takes a date", option.name);
        };
        let at = text.find("1979").unwrap();
        let hit = diagnostics.list.iter().any(|one| one.code == "wrong-type" && one.labels[0].span.start == at);
        assert!(hit, "{section:?} {}: {:?}", option.name, diagnostics.list);
    }
}

#[test]
fn the_example_of_every_option_changes_the_project() {
    for (section, option) in rows().filter(|(_, option)| option.name != "include") {
        let (key, suffix) = (option.name, ["_maxbytes", "_backups"]);
        let file = suffix.iter().find_map(|suffix| key.strip_suffix(suffix)).filter(|file| file.ends_with("logfile"));
        let base = match file {
            Some(file) => format!("{file} = 'x.log'\n"),
            None => String::new(),
        };
        let base = if key == "numprocs_start" { "numprocs = 2\n".to_owned() } else { base };
        let with = with_key(section, key, option.example).replace(&format!("{key} ="), &format!("{base}{key} ="));
        let without = with_key(section, "KEY", "1").replace("KEY = 1\n", &base);
        let without = match key {
            "programs" => without.replace("'other'", ""),
            "events" => without.replace("[eventlistener.web]\n", "[eventlistener.web]\nevents = ['TICK_5']\n"),
            "socket" => without.replace("[fcgi-program.web]\n", "[fcgi-program.web]\nsocket = 'unix:///web.sock'\n"),
            _ => without,
        };
        let (with, without) = (project_of(&with), project_of(&without));
        assert!(with.is_some(), "{section:?} {key} = {} is refused", option.example);
        assert_ne!(with, without, "{section:?} {key}");
    }
}

#[test]
fn later_files_win_key_by_key() {
    let root = Path::new("/project");
    let mut request = request(root);
    request.files = vec![root.join("run.toml"), root.join("more.toml")];
    let texts: [(&str, &[u8]); 3] = [
        ("run.toml", b"[program.a]\ncommand = 'one'\npriority = 1\nautostart = false\n"),
        ("run.local.toml", b"[program.a]\ncommand = 'two'\npriority = 2\n"),
        ("more.toml", b"[program.a]\ncommand = 'three'\n[program.b]\ncommand = 'b'\n"),
    ];
    let Loaded::Project(project, _) = load_texts(&request, &texts) else { panic!("refused") };
    let a = &project.programs[0];
    assert_eq!((a.command.display().as_str(), a.priority, a.autostart), ("three", 2, false));
    assert_eq!(project.programs[1].name.as_str(), "b");
    assert_eq!(project.files, ["run.toml", "run.local.toml", "more.toml"].map(|name| root.join(name)));
}

#[test]
fn includes_nested_too_deep_are_refused() {
    let texts: Vec<(String, String)> = (0..12)
        .map(|depth| {
            let name = if depth == 0 { "run.toml".to_owned() } else { format!("{depth}.toml") };
            (name, format!("include = ['{}.toml']\n[program.p{depth}]\ncommand = 'true'\n", depth + 1))
        })
        .collect();
    let texts: Vec<(&str, &[u8])> = texts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    assert_eq!(codes(&request(Path::new("/project")), &texts), ["include"]);
}

#[test]
fn naming_a_program_activates_what_it_needs() {
    let text =
        b"[program.db]\ncommand = 'true'\nprofiles = ['x']\n[program.api]\ncommand = 'true'\ndepends_on = ['db']\n";
    let mut request = request(Path::new("/project"));
    assert_eq!(codes(&request, &[("run.toml", text)]), ["inactive-program"]);
    request.names = vec!["api".to_owned()];
    assert!(codes(&request, &[("run.toml", text)]).is_empty());
    request.names.clear();
    request.profiles = vec!["x".to_owned()];
    assert!(codes(&request, &[("run.toml", text)]).is_empty());
}

#[test]
fn the_command_line_sets_ports_and_counts() {
    let text = b"[program.web]\ncommand = 'true'\nport = 'auto'\n[program.api]\ncommand = 'true'\n[task.t]\ncommand = 'true'\n";
    let mut request = request(Path::new("/project"));
    request.port_overrides = vec![("web".to_owned(), 3111)];
    request.formation = vec![("web".to_owned(), 2), ("all".to_owned(), 0)];
    let Loaded::Project(project, _) = load_texts(&request, &[("run.toml", text)]) else { panic!("refused") };
    assert_eq!(fields(&project.programs[0])["ports"], "PORT=Fixed(3111)");
    assert_eq!(fields(&project.programs[0])["instances"], "web:web_0#0 web:web_1#1");
    assert_eq!(project.programs.iter().map(|program| program.autostart).collect::<Vec<_>>(), [true, false, true]);
    request.formation = vec![("wep".to_owned(), 2)];
    request.port_overrides = vec![("wep".to_owned(), 2)];
    request.base_port = Some(6000);
    assert_eq!(codes(&request, &[("run.toml", text)]), ["unknown-program", "wrong-value", "unknown-program"]);
}

#[test]
fn one_command_without_a_file_is_a_project_that_ends_with_it() {
    let mut request = request(Path::new("/project"));
    request.one_off = Some(["/opt/bin/npm", "run", "a b"].map(ToOwned::to_owned).to_vec());
    let Loaded::Project(project, _) = load_texts(&request, &[]) else { panic!("refused") };
    let program = &project.programs[0];
    assert_eq!((program.name.as_str(), program.exit_on_end), ("npm", true));
    assert_eq!(program.command.display(), "/opt/bin/npm run 'a b'");
}

#[test]
fn this_machines_name_can_stand_in_a_supervisord_conf() {
    let project = conf_of("[supervisord]\n[program:web]\ncommand=true %(host_node_name)s\n").unwrap();
    assert_eq!(project.programs[0].command.display(), "true node");
}

#[test]
fn a_number_at_the_end_of_all_numbers_is_one() {
    let project = conf_of("[supervisord]\n[program:web]\ncommand=true\nnumprocs_start=9223372036854775807\n").unwrap();
    assert_eq!(project.programs[0].instances.len(), 1);
}

#[test]
fn what_the_command_line_says_of_other_formats_is_refused_for_a_supervisord_conf() {
    let root = Path::new("/project");
    let formation = vec![("web".to_owned(), 2)];
    let request = Request { files: vec![root.join("a.conf")], formation, base_port: Some(5000), ..request(root) };
    let text = b"[supervisord]\n[program:web]\ncommand=true\n";
    assert_eq!(codes(&request, &[("a.conf", text)]), ["wrong-value", "wrong-value"]);
}

#[test]
fn a_later_supervisord_conf_overrides_option_by_option() {
    let root = Path::new("/project");
    let request = Request { files: vec![root.join("a.conf"), root.join("b.ini")], ..request(root) };
    let texts: [(&str, &[u8]); 2] = [
        ("a.conf", b"[supervisord]\n[program:web]\ncommand=one\npriority=1\n"),
        ("b.ini", b"[program:web]\ncommand=two\n"),
    ];
    let Loaded::Project(project, _) = load_texts(&request, &texts) else { panic!("refused") };
    assert_eq!((project.programs[0].command.display().as_str(), project.programs[0].priority), ("two", 1));
}

#[test]
fn a_procfile_has_foremans_defaults() {
    let root = Path::new("/project");
    let mut request = request(root);
    request.files = vec![root.join("Procfile")];
    request.formation = vec![("all".to_owned(), 1), ("web".to_owned(), 2), ("off".to_owned(), 0)];
    let texts: [(&str, &[u8]); 2] = [("Procfile", b"web: serve $PORT\noff: x\nwork: y\n"), (".env", b"PORT=7000\n")];
    let Loaded::Project(project, _) = load_texts(&request, &texts) else { panic!("refused") };
    let web = fields(&project.programs[0]);
    assert_eq!(web["instances"], "web:web.1#0 web:web.2#1");
    assert_eq!((web["ports"].as_str(), web["ready"].as_str()), ("PORT=Fixed(7000)", ""));
    assert_eq!((web["autorestart"].as_str(), web["startsecs"].as_str()), ("Never", "0ns"));
    assert_eq!(project.programs[0].command, run::model::Command::Shell("serve $PORT".to_owned()));
    assert!(!project.programs[1].autostart);
    assert_eq!(fields(&project.programs[2])["ports"], "PORT=Fixed(7200)");
    request.keep_going = true;
    let Loaded::Project(project, _) = load_texts(&request, &texts) else { panic!("refused") };
    assert_eq!(fields(&project.programs[0])["autorestart"], "Unexpected");
}

#[test]
fn mistakes_of_a_procfile_and_of_what_lies_beside_it_have_their_places() {
    let root = Path::new("/project");
    let mut request = request(root);
    request.files = vec![root.join("Procfile.dev")];
    let texts: [(&str, &[u8]); 2] = [("Procfile.dev", b"web: a\nweb: b\n?\n"), (".foreman", b"port: many\n")];
    let Loaded::Refused(diagnostics) = load_texts(&request, &texts) else { panic!("loaded") };
    let text = report::human(&diagnostics, false);
    assert!(text.contains("--> Procfile.dev:2:1") && text.contains("--> Procfile.dev:3:1"), "{text}");
    assert!(text.contains("--> .foreman:1:"), "{text}");

    let texts: [(&str, &[u8]); 2] =
        [("Procfile.dev", b"web: a\nworker: b\n"), (".foreman", b"port: 6000\nenv: gone.env\n")];
    let Loaded::Refused(diagnostics) = load_texts(&request, &texts) else { panic!("loaded") };
    let text = report::human(&diagnostics, false);
    assert!(text.contains("--> .foreman:2:") && !text.contains("env_file ="), "{text}");
}

#[test]
fn the_formats_and_the_search_agree_on_names() {
    use run::config::{discover, format};
    use run::model::Dialect;
    for (name, format, dialect) in [
        ("run.toml", "run.toml", Dialect::Native),
        ("x.TOML", "run.toml", Dialect::Native),
        ("supervisord.conf", "supervisord.conf", Dialect::Supervisord),
        ("a.ini", "supervisord.conf", Dialect::Supervisord),
        ("Procfile.dev", "Procfile", Dialect::Procfile),
    ] {
        assert_eq!(format::of(Path::new(name)).name, format, "{name}");
        assert_eq!(discover::dialect_of(Path::new(name)), dialect, "{name}");
    }
}

#[test]
fn a_file_that_is_not_text_is_told_with_its_place() {
    let texts: [(&str, &[u8]); 1] = [("run.toml", b"[program.a]\ncommand = '\xff'\n")];
    let Loaded::Refused(diagnostics) = load_texts(&request(Path::new("/project")), &texts) else { panic!("loaded") };
    assert_eq!(diagnostics.list[0].message, "this is not UTF-8 text");
    assert_eq!(diagnostics.sources[0].position(diagnostics.list[0].labels[0].span.start), (2, 12));
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_accepted() {
    let text = "\u{feff}[program.a]\r\ncommand = 'true'\r\n";
    assert_eq!(project_of(text).map(|project| project.programs.len()), Some(1));
}

/// Texts that look like configs, so that the deeper code is reached.
fn almost_toml() -> impl Strategy<Value = String> {
    let keys: Vec<&str> = OPTIONS.iter().map(|option| option.name).chain(["a", "b", "zzz"]).collect();
    let examples = OPTIONS.iter().map(|option| option.example).chain([
        "1",
        "''",
        "['a', 'b']",
        "{}",
        "[[]]",
        "'${a.port} ${x'",
        "{ name = 'b', until = 'done' }",
        "{ tcp = '${b.port}', http = '/' }",
        "1979-05-27",
        "\"ü",
    ]);
    let sections = [
        "[program.a]",
        "[program.b]",
        "[task.b]",
        "[task.c]",
        "[group.g]",
        "[control]",
        "[environment]",
        "[program]",
        "[x]",
        "[program.a.environment]",
    ];
    let line = prop_oneof![
        3 => (proptest::sample::select(keys), proptest::sample::select(examples.collect::<Vec<_>>())).prop_map(|(key, value)| format!("{key} = {value}")),
        2 => proptest::sample::select(sections.to_vec()).prop_map(ToOwned::to_owned),
        1 => ".{0,12}",
    ];
    proptest::collection::vec(line, 0..30).prop_map(|lines| lines.join("\n"))
}

/// Texts that look like a supervisord.conf.
fn almost_conf() -> impl Strategy<Value = String> {
    use run::model::conf_options::CONF_OPTIONS;
    let keys: Vec<&str> = CONF_OPTIONS.iter().map(|option| option.name).collect();
    let values = [
        "1",
        "",
        "true",
        "a,b",
        "%(process_num)02d",
        "%(",
        "A=\"1\"",
        "/x ; y",
        "tcp 1",
        "{ tcp = 1 }",
        "[",
        "b:ready",
        "é",
        "-1",
        "999999999999999999999",
        "TICK_5",
        "unix:///s",
        "*:1",
        "%(program_name)s_%(process_num)d",
        "\n  more",
    ];
    let sections = [
        "[supervisord]",
        "[program:a]",
        "[program:b]",
        "[group:g]",
        "[eventlistener:e]",
        "[fcgi-program:f]",
        "[include]",
        "[unix_http_server]",
        "[inet_http_server:x]",
        "[rpcinterface:r]",
        "[supervisorctl]",
        "[DEFAULT]",
        "[x]",
        "[program:]",
        "[program]",
    ];
    let line = prop_oneof![
        3 => (proptest::sample::select(keys), proptest::sample::select(values.to_vec())).prop_map(|(key, value)| format!("{key}={value}")),
        2 => proptest::sample::select(sections.to_vec()).prop_map(ToOwned::to_owned),
        1 => ".{0,12}",
    ];
    proptest::collection::vec(line, 0..30).prop_map(|lines| format!("[supervisord]\n{}", lines.join("\n")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_loader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let loaded = load_texts(&request(Path::new("/project")), &[("run.toml", &bytes)]);
        prop_assert!(!matches!(loaded, Loaded::Needs(_)));
    }

    #[test]
    fn no_supervisord_conf_makes_the_loader_or_the_report_panic(text in almost_conf()) {
        let root = Path::new("/project");
        let request = Request { files: vec![root.join("a.conf")], ..request(root) };
        match load_texts(&request, &[("a.conf", text.as_bytes())]) {
            Loaded::Project(_, diagnostics) | Loaded::Refused(diagnostics) => {
                report::human(&diagnostics, true);
            }
            Loaded::Needs(_) => prop_assert!(false),
        }
    }

    #[test]
    fn no_text_makes_the_loader_or_the_report_panic(text in almost_toml()) {
        match load_texts(&request(Path::new("/project")), &[("run.toml", text.as_bytes())]) {
            Loaded::Project(_, diagnostics) => {
                prop_assert!(!diagnostics.has_errors());
                report::human(&diagnostics, true);
            }
            Loaded::Refused(diagnostics) => {
                prop_assert!(diagnostics.has_errors());
                report::human(&diagnostics, false);
                report::json(&diagnostics);
            }
            Loaded::Needs(_) => prop_assert!(false),
        }
    }
}
