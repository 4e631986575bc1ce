//! Which key of a program means what to a running process. The table is the rule; a new field of [`Program`] stops the build here
//! until somebody has decided.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::program::Instance;
use crate::model::supervisord::{LogChoice, StreamOptions};
use crate::model::template::Part;
use crate::model::units::human_size;
use crate::model::{
    Autorestart, Command, Dependency, KeyChange, KeyFate, LogFile, PortRequest, PortSpec, Program, ProgramName,
    ReadyKind, ReadySpec, Template,
};

/// Whether another program has other ports than before, which values can name.
pub(super) type Moved<'a> = &'a dyn Fn(&ProgramName) -> bool;

/// One key.
struct Rule {
    key: &'static str,
    /// Takes effect with a new run only.
    needs_restart: bool,
    /// The value, to compare.
    differs: fn(&Program, &Program) -> bool,
    /// The value, to tell; only of what is a number or a word and never a secret.
    told: Option<fn(&Program) -> String>,
}

/// A key that takes a new run.
const fn restart(key: &'static str, differs: fn(&Program, &Program) -> bool) -> Rule {
    Rule { key, needs_restart: true, differs, told: None }
}

/// A key that a running process takes in.
const fn in_place(key: &'static str, differs: fn(&Program, &Program) -> bool, told: fn(&Program) -> String) -> Rule {
    Rule { key, needs_restart: false, differs, told: Some(told) }
}

/// Every key but `environment`, whose names are told one by one, and the port that is told with its number.
const RULES: &[Rule] = &[
    restart("program", |a, b| a.name != b.name),
    restart("kind", |a, b| a.kind != b.kind),
    restart("command", |a, b| a.command != b.command),
    restart("directory", |a, b| a.directory != b.directory),
    restart("env_file", |a, b| a.env_files != b.env_files),
    restart("ready", |a, b| check(a) != check(b)),
    restart("redirect_stderr", |a, b| a.redirect_stderr != b.redirect_stderr),
    restart("tty", |a, b| a.tty != b.tty),
    restart("umask", |a, b| a.umask != b.umask),
    restart("user", |a, b| a.user != b.user),
    restart("serverurl", |a, b| a.extras.serverurl != b.extras.serverurl),
    restart("role", |a, b| a.extras.role != b.extras.role),
    restart("stdout capture, events or syslog", |a, b| taps(&a.extras.stdout) != taps(&b.extras.stdout)),
    restart("stderr capture, events or syslog", |a, b| taps(&a.extras.stderr) != taps(&b.extras.stderr)),
    Rule { told: Some(ports), ..restart("port", |a, b| a.ports != b.ports) },
    in_place("ready.every", |a, b| timing_differs(a, b, |r| r.every), |p| time(timing(p, |r| r.every))),
    in_place("ready.timeout", |a, b| timing_differs(a, b, |r| r.timeout), |p| time(timing(p, |r| r.timeout).flatten())),
    in_place("ready.successes", |a, b| timing_differs(a, b, |r| r.successes), |p| some(timing(p, |r| r.successes))),
    in_place(
        "ready.failures",
        |a, b| timing_differs(a, b, |r| r.failures),
        |p| some(timing(p, |r| r.failures).flatten()),
    ),
    Rule { told: None, ..in_place("alive", |a, b| a.alive != b.alive, |_| String::new()) },
    in_place("max_memory", |a, b| a.max_memory != b.max_memory, |p| memory(p.max_memory)),
    Rule { told: None, ..in_place("on_crash", |a, b| a.on_crash != b.on_crash, |_| String::new()) },
    in_place("depends_on", |a, b| a.depends_on != b.depends_on, |p| needs(&p.depends_on)),
    in_place("profiles", |a, b| a.profiles != b.profiles, |p| list(&p.profiles)),
    in_place("priority", |a, b| a.priority != b.priority, |p| p.priority.to_string()),
    in_place("autostart", |a, b| a.autostart != b.autostart, |p| p.autostart.to_string()),
    in_place("autorestart", |a, b| a.autorestart != b.autorestart, |p| autorestart(p.autorestart).to_owned()),
    in_place("startsecs", |a, b| a.startsecs != b.startsecs, |p| seconds(p.startsecs)),
    in_place("startretries", |a, b| a.startretries != b.startretries, |p| p.startretries.to_string()),
    in_place("retry", |a, b| a.retry != b.retry, |p| format!("{:?}", p.retry).to_lowercase()),
    in_place(
        "exitcodes",
        |a, b| a.exitcodes != b.exitcodes,
        |p| list(&p.exitcodes.iter().map(ToString::to_string).collect::<Vec<_>>()),
    ),
    in_place("exit_on_end", |a, b| a.exit_on_end != b.exit_on_end, |p| p.exit_on_end.to_string()),
    in_place("stopsignal", |a, b| a.stopsignal != b.stopsignal, |p| p.stopsignal.to_string()),
    in_place("stopwaitsecs", |a, b| a.stopwaitsecs != b.stopwaitsecs, |p| seconds(p.stopwaitsecs)),
    in_place("stopasgroup", |a, b| a.stopasgroup != b.stopasgroup, |p| p.stopasgroup.to_string()),
    in_place("killasgroup", |a, b| a.killasgroup != b.killasgroup, |p| p.killasgroup.to_string()),
    in_place("watch", |a, b| a.watch != b.watch, |p| list(&p.watch)),
    in_place("stdout_logfile", |a, b| stdout(a) != stdout(b), |p| log(p.stdout_logfile.as_ref())),
    in_place("stderr_logfile", |a, b| stderr(a) != stderr(b), |p| log(p.stderr_logfile.as_ref())),
];

/// Does nothing but name every field: whoever adds one has to give it a rule above.
#[expect(dead_code, reason = "it is only compiled")]
fn every_field_has_a_rule(program: &Program) {
    let Program {
        name: _,
        kind: _,
        command: _,
        instances: _,
        directory: _,
        environment: _,
        env_files: _,
        depends_on: _,
        ready: _,
        alive: _,
        max_memory: _,
        on_crash: _,
        ports: _,
        profiles: _,
        priority: _,
        autostart: _,
        autorestart: _,
        startsecs: _,
        startretries: _,
        retry: _,
        exitcodes: _,
        exit_on_end: _,
        stopsignal: _,
        stopwaitsecs: _,
        stopasgroup: _,
        killasgroup: _,
        redirect_stderr: _,
        tty: _,
        watch: _,
        stdout_logfile: _,
        stderr_logfile: _,
        umask: _,
        user: _,
        extras: _,
    } = program;
}

/// The keys of a program that differ, as one of its instances has them.
pub(super) fn changes(
    old: &Program,
    old_instance: &Instance,
    new: &Program,
    new_instance: &Instance,
    moved: Moved<'_>,
) -> Vec<KeyChange> {
    let mut changes = environment_keys("environment", &old.environment, &new.environment, moved);
    for rule in RULES {
        if (rule.differs)(old, new) {
            changes.push(KeyChange {
                key: rule.key.to_owned(),
                values: rule.told.map(|told| (told(old), told(new))).filter(|(was, is)| was != is),
                fate: KeyFate::Changed,
                needs_restart: rule.needs_restart,
            });
        } else if rule.needs_restart && names_moved(rule.key, new, moved) {
            changes.push(needs_restart(&format!("a port that {} names", rule.key), None));
        }
    }
    if old_instance.number != new_instance.number {
        let numbers = (old_instance.number.to_string(), new_instance.number.to_string());
        changes.push(needs_restart("process_num", Some(numbers)));
    }
    changes
}

/// A key that takes a new run.
pub(super) fn needs_restart(key: &str, values: Option<(String, String)>) -> KeyChange {
    KeyChange { key: key.to_owned(), values, fate: KeyFate::Changed, needs_restart: true }
}

/// A name in an environment, which takes a new run; its values are never told.
pub(super) fn name_in(table: &str, name: &str, fate: KeyFate) -> KeyChange {
    KeyChange { fate, ..needs_restart(&format!("{table} {name}"), None) }
}

/// The names of an environment whose values differ, or name a port that does.
pub(super) fn environment_keys(
    table: &str,
    old: &[(String, Template)],
    new: &[(String, Template)],
    moved: Moved<'_>,
) -> Vec<KeyChange> {
    let value = |of: &[(String, Template)], name: &str| of.iter().rfind(|(n, _)| n == name).map(|(_, v)| v.clone());
    let names: BTreeSet<&String> = old.iter().chain(new).map(|(name, _)| name).collect();
    let differing = names.into_iter().filter_map(|name| {
        let (was, is) = (value(old, name), value(new, name));
        let differs = was != is || is.as_ref().is_some_and(|template| mentions(template, moved));
        differs.then(|| name_in(table, name, KeyFate::of(was.is_some(), is.is_some())))
    });
    differing.collect()
}

/// Whether the value of a key names a port that is another now.
fn names_moved(key: &str, program: &Program, moved: Moved<'_>) -> bool {
    let templates: Vec<&Template> = match (key, &program.command) {
        ("command", Command::Words(words)) => words.iter().collect(),
        ("command", Command::Line(line)) => vec![line],
        ("directory", _) => program.directory.iter().collect(),
        ("ready", _) => match program.ready.as_ref().map(|ready| &ready.kind) {
            Some(ReadyKind::Tcp(template) | ReadyKind::File(template) | ReadyKind::Http { url: template, .. }) => {
                vec![template]
            }
            Some(ReadyKind::Exec(_) | ReadyKind::Log(_) | ReadyKind::Notify | ReadyKind::Described) | None => {
                Vec::new()
            }
        },
        _ => Vec::new(),
    };
    // Its own port is a key of its own.
    templates.into_iter().any(|template| mentions(template, &|name| name != &program.name && moved(name)))
}

fn mentions(template: &Template, moved: Moved<'_>) -> bool {
    template.parts.iter().any(|part| match part {
        Part::Program { program, .. } => moved(program),
        Part::Text(_) | Part::Variable(_) => false,
    })
}

/// What is asked of it before it counts as ready.
fn check(program: &Program) -> Option<&ReadyKind> {
    program.ready.as_ref().map(|ready| &ready.kind)
}

/// A check that is new or gone has no timings to compare.
fn timing_differs<T: PartialEq>(old: &Program, new: &Program, of: fn(&ReadySpec) -> T) -> bool {
    timing(old, of).zip(timing(new, of)).is_some_and(|(was, is)| was != is)
}

fn timing<T>(program: &Program, of: fn(&ReadySpec) -> T) -> Option<T> {
    program.ready.as_ref().map(of)
}

/// What looks at an output besides the screen and the logs.
fn taps(stream: &StreamOptions) -> (u64, bool, bool) {
    (stream.capture_maxbytes, stream.events_enabled, stream.syslog)
}

type LogFacts<'a> = (Option<&'a LogFile>, &'a LogChoice, u64, u32);

fn stdout(program: &Program) -> LogFacts<'_> {
    let stream = &program.extras.stdout;
    (program.stdout_logfile.as_ref(), &stream.logfile, stream.maxbytes, stream.backups)
}

fn stderr(program: &Program) -> LogFacts<'_> {
    let stream = &program.extras.stderr;
    (program.stderr_logfile.as_ref(), &stream.logfile, stream.maxbytes, stream.backups)
}

fn log(file: Option<&LogFile>) -> String {
    file.map_or_else(
        || "none".to_owned(),
        |file| format!("{} ({}, {} old)", file.path.display(), human_size(file.maxbytes), file.backups),
    )
}

fn ports(program: &Program) -> String {
    let one = |spec: &PortSpec| {
        let number = match spec.request {
            PortRequest::Fixed(number) => number.to_string(),
            PortRequest::Auto => "auto".to_owned(),
        };
        spec.name.as_ref().map_or_else(|| number.clone(), |name| format!("{name} {number}"))
    };
    list(&program.ports.iter().map(one).collect::<Vec<_>>())
}

fn needs(of: &[Dependency]) -> String {
    list(&of.iter().map(|need| need.program.to_string()).collect::<Vec<_>>())
}

fn list(of: &[String]) -> String {
    if of.is_empty() { "none".to_owned() } else { of.join(", ") }
}

fn time(of: Option<Duration>) -> String {
    of.map_or_else(|| "none".to_owned(), seconds)
}

/// As people write it in a config.
fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{}s", time.as_secs()) } else { format!("{}ms", time.as_millis()) }
}

fn memory(of: Option<u64>) -> String {
    of.map_or_else(|| "none".to_owned(), human_size)
}

fn some(of: Option<u32>) -> String {
    of.map_or_else(|| "none".to_owned(), |number| number.to_string())
}

fn autorestart(of: Autorestart) -> &'static str {
    match of {
        Autorestart::Never => "false",
        Autorestart::Unexpected => "unexpected",
        Autorestart::Always => "true",
    }
}
