//! `[program:NAME]`, `[fcgi-program:NAME]`, `[eventlistener:NAME]`: every option, typed, over supervisord's defaults (supervisor
//! `options.py` `_processes_from_section`).

use std::path::{Path, PathBuf};

use crate::codec::shlex;
use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::section::{Section, absolute_from};
use crate::config::lower::supervisord::{role, servers, value};
use crate::config::request::Request;
use crate::model::conf_options::ConfSection;
use crate::model::name::name_problem;
use crate::model::program::{Instance, Own};
use crate::model::supervisord::{Daemon, LogChoice, StreamOptions};
use crate::model::{Command, Diagnostic, LogFile, ProcessName, Program, RetryPolicy, Template, Tty};

/// The most processes that a program may have; more is a slip of the finger.
const MOST: u32 = 1000;

/// The priority of an event listener about which nothing is said: it starts first and stops last.
const LISTENER_PRIORITY: i32 = -1;

/// Paths that are our own stdout or stderr.
const SCREEN: [&str; 8] = [
    "/dev/stdout",
    "/dev/stderr",
    "/dev/fd/1",
    "/dev/fd/2",
    "/proc/self/fd/1",
    "/proc/self/fd/2",
    "/proc/1/fd/1",
    "/proc/1/fd/2",
];

/// What a program lives in.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The groups that have it: those that list it, else its own.
    pub groups: &'a [String],
    /// What `%(…)s` can stand for everywhere.
    pub names: &'a Expansions,
    /// `[supervisord]`.
    pub daemon: &'a Daemon,
    /// Whether `[supervisord]` says something about the mask.
    pub sets_umask: bool,
}

/// Lowers one section. A program without any process has no instances.
pub fn program(name: &str, section: &mut Section<'_>, around: Surroundings<'_>) -> Program {
    let names = names(name, around);
    let mut program =
        Program { retry: RetryPolicy::Supervisord, tty: Tty::Never, instances: Vec::new(), ..Program::new(name) };
    if section.kind == ConfSection::Listener {
        program.priority = LISTENER_PRIORITY;
    }
    life(section, &names, &mut program);
    stopping(section, &names, &mut program);
    program.umask = section.read("umask", &names, value::octal).or(around.sets_umask.then_some(around.daemon.umask));
    program.user = section.text("user", &names);
    program.extras.serverurl =
        section.text("serverurl", &names).filter(|url| !url.is_empty() && !url.trim().eq_ignore_ascii_case("auto"));
    program.redirect_stderr = section.read("redirect_stderr", &names, value::boolean).unwrap_or(false);
    program.extras.role = role::role(section, &names, program.redirect_stderr);
    stream(section, &names, "stdout", &mut program.extras.stdout);
    stream(section, &names, "stderr", &mut program.extras.stderr);
    instances(section, &names, around, &mut program);
    program
}

/// What `%(…)s` can stand for in the whole section.
pub fn names(name: &str, around: Surroundings<'_>) -> Expansions {
    let mut names = around.names.clone();
    names.text("program_name", name);
    names.text("group_name", around.groups.first().map_or(name, String::as_str));
    names
}

fn life(section: &mut Section<'_>, names: &Expansions, program: &mut Program) {
    section.set("priority", names, value::priority, &mut program.priority);
    section.set("autostart", names, value::boolean, &mut program.autostart);
    section.set("autorestart", names, value::autorestart, &mut program.autorestart);
    program.startsecs = section.seconds("startsecs", names).unwrap_or(program.startsecs);
    section.set("startretries", names, value::count, &mut program.startretries);
    section.set("exitcodes", names, value::exit_codes, &mut program.exitcodes);
}

fn stopping(section: &mut Section<'_>, names: &Expansions, program: &mut Program) {
    section.set("stopsignal", names, value::signal, &mut program.stopsignal);
    program.stopwaitsecs = section.seconds("stopwaitsecs", names).unwrap_or(program.stopwaitsecs);
    program.stopasgroup = section.read("stopasgroup", names, value::boolean).unwrap_or(false);
    program.killasgroup = section.read("killasgroup", names, value::boolean).unwrap_or(program.stopasgroup);
    if program.stopasgroup && !program.killasgroup {
        let problem = Diagnostic::error("wrong-value", "stopasgroup=true does not go with killasgroup=false");
        let problem = problem.at(section.span("killasgroup"), "what ignores the stop signal would be left behind");
        section.push(problem.help("take `killasgroup` out: it follows `stopasgroup`"));
    }
}

/// What is said of one output beside its file, which may differ from process to process.
fn stream(section: &mut Section<'_>, names: &Expansions, channel: &str, options: &mut StreamOptions) {
    let key = |rest: &str| format!("{channel}_{rest}");
    section.set(&key("logfile_maxbytes"), names, value::size, &mut options.maxbytes);
    section.set(&key("logfile_backups"), names, value::count, &mut options.backups);
    section.set(&key("capture_maxbytes"), names, value::size, &mut options.capture_maxbytes);
    section.set(&key("events_enabled"), names, value::boolean, &mut options.events_enabled);
    section.set(&key("syslog"), names, value::boolean, &mut options.syslog);
}

/// The processes: one for each number in each group. What `process_num` makes different is theirs alone.
fn instances(section: &mut Section<'_>, names: &Expansions, around: Surroundings<'_>, program: &mut Program) {
    let count = section.read("numprocs", names, value::count).unwrap_or(1);
    let first = section.read("numprocs_start", names, value::integer).unwrap_or(0);
    let pattern = section.written("process_name").unwrap_or("%(program_name)s").trim();
    let is_written = section.key("process_name").is_some();
    if count == 0 {
        let problem = Diagnostic::warning("no-process", format!("{} has no process", program.name));
        section.push(problem.at(section.span("numprocs"), "none are asked for"));
        return;
    }
    if count > MOST {
        section.wrong("numprocs", "that is more than 1000");
        return;
    }
    if count > 1 && !pattern.contains("%(process_num)") {
        let problem = Diagnostic::error(
            "wrong-value",
            format!("the {count} processes of {} need a number in their names", program.name),
        );
        let key = if is_written { "process_name" } else { "numprocs" };
        section.push(
            problem
                .at(section.span(key), "`process_name` has no %(process_num)d")
                .help("process_name = %(program_name)s_%(process_num)02d"),
        );
        return;
    }
    let mut seen: Option<Own> = None;
    for group in around.groups {
        for number in (0..i64::from(count)).map(|place| first.saturating_add(place)) {
            let mut names = names.clone();
            names.text("group_name", group.as_str());
            names.number("process_num", number);
            names.number("numprocs", i64::from(count));
            let process = section.expanded("process_name", pattern, &names);
            if let Some(problem) = process.as_deref().and_then(name_problem).filter(|_| is_written) {
                section.wrong("process_name", problem);
            }
            let process = process.unwrap_or_default();
            let own = own(section, &mut names, around, program);
            let name = ProcessName::new(group.as_str(), process);
            let is_like_the_first = seen.as_ref().is_none_or(|seen| *seen == own);
            let mut instance = Instance::new(name, u32::try_from(number).unwrap_or_default());
            instance.own = (!is_like_the_first).then(|| Box::new(own.clone()));
            program.instances.push(instance);
            seen.get_or_insert(own);
        }
    }
    if let Some(Own { command, directory, environment, stdout_logfile, stderr_logfile }) = seen {
        (program.command, program.directory, program.environment) = (command, directory, environment);
        (program.stdout_logfile, program.stderr_logfile) = (stdout_logfile, stderr_logfile);
    }
}

/// What one process runs, and where.
fn own(section: &mut Section<'_>, names: &mut Expansions, around: Surroundings<'_>, program: &mut Program) -> Own {
    let environment = servers::environment(section, names).unwrap_or_default();
    names.variables(environment.iter().map(|(name, value)| (name.as_str(), value.as_literal().unwrap_or_default())));
    let directory = directory(section, names, around.daemon);
    let workplace = workplace(section.request, around.daemon);
    let base = workplace.as_deref().unwrap_or(&section.request.root);
    let stdout_logfile = log_file(section, names, base, "stdout", &mut program.extras.stdout);
    let mut stderr_logfile = log_file(section, names, base, "stderr", &mut program.extras.stderr);
    if program.redirect_stderr {
        if stderr_logfile.take().is_some() {
            let problem = Diagnostic::warning("useless-key", "`stderr_logfile` gets nothing");
            section.push(problem.at(section.span("stderr_logfile"), "redirect_stderr=true sends its stderr to stdout"));
        }
        program.extras.stderr.logfile = LogChoice::Off;
    }
    Own { command: command(section, names), directory, environment, stdout_logfile, stderr_logfile }
}

/// The words of the command. One that cannot be cut into words is one word, which nobody will find at the start: like the original, the
/// rest of an old file comes up.
pub(super) fn command(section: &mut Section<'_>, names: &Expansions) -> Command {
    if section.key("command").is_none() {
        section.missing("command");
        return Command::Words(Vec::new());
    }
    let Some(line) = section.text("command", names) else { return Command::Words(Vec::new()) };
    match shlex::split(&line) {
        Ok(words) if words.is_empty() => section.wrong("command", "it is empty"),
        Ok(words) => return Command::Words(words.into_iter().map(Template::literal).collect()),
        Err(error) => {
            let problem = Diagnostic::warning("no-words", "`command` cannot be cut into words, so it cannot start");
            let problem = problem.at(section.span("command"), error.to_string());
            let is_cut = section.written("command").is_some_and(|line| line.contains(['\'', '"']));
            let help = "` ;` and ` #` begin a comment, even inside quotes: leave out the blank before them";
            section.push(if is_cut { problem.help(help) } else { problem });
            return Command::Words(vec![Template::literal(line)]);
        }
    }
    Command::Words(Vec::new())
}

/// Where the daemon is when it starts programs; `None`: at the root. supervisord itself enters its directory only when it leaves the
/// foreground (supervisor `options.py` `_daemonize`).
fn workplace(request: &Request, daemon: &Daemon) -> Option<PathBuf> {
    let own = daemon.directory.clone();
    match &request.as_supervisord {
        None => own,
        Some(asked) => Some(own.filter(|_| !daemon.nodaemon).unwrap_or_else(|| asked.started_in.clone())),
    }
}

/// Where it runs: its own directory, below the daemon's where it is relative.
pub(super) fn directory(section: &mut Section<'_>, names: &Expansions, daemon: &Daemon) -> Option<Template> {
    let base = workplace(section.request, daemon);
    let path: PathBuf = match section.text("directory", names) {
        Some(own) => base.unwrap_or_default().join(own),
        None => base?,
    };
    Some(Template::literal(path.to_string_lossy()))
}

/// Which file an output goes to, and its rotation.
fn log_file(
    section: &mut Section<'_>,
    names: &Expansions,
    base: &Path,
    channel: &str,
    options: &mut StreamOptions,
) -> Option<LogFile> {
    let key = format!("{channel}_logfile");
    let written = section.text(&key, names)?;
    let path = absolute_from(base, section.request, &written);
    options.logfile = match written.to_lowercase().as_str() {
        "none" | "off" => LogChoice::Off,
        "auto" => LogChoice::Auto,
        "syslog" => {
            options.syslog = true;
            LogChoice::Off
        }
        _ if SCREEN.iter().any(|screen| path.as_os_str() == *screen) => LogChoice::Screen(path.clone()),
        _ => LogChoice::File,
    };
    if options.logfile != LogChoice::File {
        return None;
    }
    Some(LogFile { path, maxbytes: options.maxbytes, backups: options.backups })
}
