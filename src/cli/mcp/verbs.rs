//! The verbs behind the tools: the same code that answers the commands.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::answers::{self, Asked};
use crate::cli::connection::Connection;
use crate::cli::error::{CommandError, ErrorKind};
use crate::cli::mcp::{ensure_up, output, place, reports};
use crate::cli::settings::{Settings, Stream, Verbosity};
use crate::cli::{check, graph, project, reload, restart, select, start, status, stop, wait, why};
use crate::export::json::GraphJson;
use crate::mcp::{Answer, Arguments, Call, Stop, Tool, Verbs};
use crate::model::Word;
use crate::model::status::RequestReport;
use crate::ui::{report, table};

/// How long is waited when nobody says: clients give up after a minute.
const WAIT: Duration = Duration::from_secs(50);

/// How often it is looked whether what was stopped is down.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The commands, for an agent.
#[derive(Debug)]
pub(super) struct Commands {
    settings: Settings,
    any_project: bool,
}

impl Commands {
    /// For the project that these settings address.
    pub(super) fn new(settings: Settings, any_project: bool) -> Self {
        // Nobody sees colours, and every sign has to be read.
        let (out, err) = (Stream::plain(), Stream::plain());
        Self { settings: Settings { out, err, verbosity: Verbosity::Normal, ..settings }, any_project }
    }
}

impl Verbs for Commands {
    fn answer(&self, call: &Call, stop: &Stop) -> Answer {
        let answered = place::of(&self.settings, call, self.any_project)
            .and_then(|settings| ask(&settings, call, stop).map_err(|error| error.addressed(&settings.address)));
        answered.unwrap_or_else(|error| refused(&error))
    }
}

/// An error as an agent gets it.
pub(super) fn refused(error: &CommandError) -> Answer {
    let Some(diagnostics) = &error.diagnostics else { return Answer::refused(&error.message, &error.hints) };
    let mut answer = Answer::refused(&report::summary(diagnostics), &["check_config shows the same".to_owned()]);
    answer.text = report::for_agents(diagnostics);
    if let Ok(json) = serde_json::from_str::<Value>(&report::json(diagnostics)) {
        answer.json["diagnostics"] = json["diagnostics"].clone();
    }
    answer
}

fn ask(settings: &Settings, call: &Call, stop: &Stop) -> Result<Answer, CommandError> {
    let arguments = &call.arguments;
    match call.tool {
        Tool::EnsureUp => ensure_up::answer(settings, arguments, stop),
        Tool::Status => status(settings, arguments, stop),
        Tool::Why => why(settings, arguments),
        Tool::Logs => output::logs(settings, arguments, stop),
        Tool::SearchLogs => output::search_logs(settings, arguments, stop),
        Tool::Start => start(settings, arguments, stop),
        Tool::Stop => self::stop(settings, arguments, stop),
        Tool::Restart => restart(settings, arguments, stop),
        Tool::Wait => wait(settings, arguments, stop),
        Tool::Reload => reload(settings, arguments, stop),
        Tool::CheckConfig => check_config(settings, arguments),
        Tool::Graph => graph(settings, arguments),
        Tool::Exec => output::exec(settings, arguments, stop),
    }
}

/// The project that runs here; an answer is waited for until nobody waits for ours.
fn connect(settings: &Settings, stop: &Stop) -> Result<Connection, CommandError> {
    match project::find(settings)? {
        Ok(connection) => Ok(connection.interrupted_by(stop.wire()?)),
        Err(not_up) => Err(CommandError::from(not_up).hint("so does ensure_up")),
    }
}

/// That no word is an option in disguise, where words become a command line.
pub(super) fn insist_on_names(names: &[String]) -> Result<(), CommandError> {
    match names.iter().find(|name| name.starts_with('-')) {
        Some(name) => Err(CommandError::new(ErrorKind::User, format!("`{name}` is not the name of a program"))),
        None => Ok(()),
    }
}

/// How long a call waits.
pub(super) fn limit(arguments: &Arguments) -> Duration {
    arguments.duration("timeout").unwrap_or(WAIT)
}

fn status(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let connection = match project::find(settings)? {
        Ok(connection) => connection,
        Err(not_up) => {
            let text = format!("{}; so does ensure_up\n", not_up.sentence());
            return Ok(Answer::new(&status::Down::of(&not_up), text));
        }
    };
    let status = status::ask(&mut connection.interrupted_by(stop.wire()?), settings)?;
    let shown = select::select(&status, &arguments.words("names"))?;
    let mut text = table::render(&status, &shown, &settings.look(&settings.out));
    for process in &shown {
        text.extend(process.url.as_ref().map(|url| format!("{}: {url}\n", process.name)));
    }
    Ok(Answer::new(&status::only(&status, &shown), text))
}

fn why(settings: &Settings, arguments: &Arguments) -> Result<Answer, CommandError> {
    let (status, places) = project::status_now_or_last(settings)?;
    let answers = why::ask(&status, &places, &arguments.words("names"))?;
    let answer = Answer::new(&answers, "");
    Ok(Answer { text: reports::stories(answers, &status, settings), ..answer })
}

fn start(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let args = start::Args {
        names: arguments.words("names"),
        no_deps: arguments.flag("no_deps"),
        no_wait: arguments.flag("no_wait"),
        timeout: Some(limit(arguments)),
        json: true,
    };
    let report = start::ask(&mut connect(settings, stop)?, &args)?;
    reports::answer(settings, Asked::Start, &report)
}

fn stop(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let args = stop::Args {
        names: arguments.words("names"),
        with_dependents: arguments.flag("with_dependents"),
        no_wait: true,
        json: true,
    };
    let mut connection = connect(settings, stop)?;
    let (before, mut report) = stop::ask(&mut connection, &args)?;
    if !arguments.flag("no_wait") {
        await_stopped(&mut connection, &mut report, limit(arguments), stop)?;
    }
    let mut answer = reports::answer(settings, Asked::Stop, &report)?;
    let left = answers::left_running(&before, &report, &settings.look(&settings.out));
    answer.text.push_str(&left);
    answer.json["left_running"] = left.trim().into();
    Ok(answer)
}

/// Looks until they are down, or the time is over: then the report says of which this is not known.
fn await_stopped(
    connection: &mut Connection,
    report: &mut RequestReport,
    limit: Duration,
    stop: &Stop,
) -> Result<(), CommandError> {
    let until = Instant::now().checked_add(limit);
    loop {
        // With the project everything has ended.
        let status = connection.status_unless_gone()?;
        let now = |name: &str| status.as_ref()?.processes.iter().find(|process| process.name == name);
        let is_over = until.is_some_and(|until| Instant::now() >= until) || stop.flag().load(Ordering::Relaxed);
        let mut is_open = false;
        for process in report.processes.iter_mut().filter(|process| process.ok) {
            let (state, note, pid) =
                now(&process.name).map_or((Word::Off, "", 0), |now| (now.state, now.note.as_str(), now.pid));
            (process.state, process.note) = (state, note.to_owned());
            if pid != 0 || state == Word::Stopping {
                is_open = true;
                if is_over {
                    (process.ok, process.answer) = (false, "timeout".to_owned());
                }
            }
        }
        if is_over || !is_open {
            report.timed_out = is_open;
            return Ok(());
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn restart(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let args = restart::Args {
        names: arguments.words("names"),
        no_wait: arguments.flag("no_wait"),
        timeout: Some(limit(arguments)),
        json: true,
    };
    let report = restart::ask(&mut connect(settings, stop)?, &args)?;
    reports::answer(settings, Asked::Restart, &report)
}

fn wait(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let args = wait::Args { names: arguments.words("names"), timeout: Some(limit(arguments)), json: true };
    let report = wait::ask(&mut connect(settings, stop)?, &args)?;
    reports::answer(settings, Asked::Wait, &report)
}

fn reload(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let args = reload::Args {
        dry_run: arguments.flag("dry_run"),
        no_wait: arguments.flag("no_wait"),
        timeout: Some(limit(arguments)),
        json: true,
    };
    let mut connection = connect(settings, stop)?;
    let mut report = connection.reload(args.dry_run)?;
    report.refused = report::without_source(&report.refused);
    if !report.refused.is_empty() {
        let text = format!("{}\nnothing was taken over, everything keeps running\n", report.refused);
        return Ok(Answer::new(&report, text).failed_if(true));
    }
    let mut answer = Answer::new(&report, reload::told(settings, &report));
    let waits = !args.dry_run && !args.no_wait;
    if let Some(waited) = if waits { reload::wait(&args, &mut connection, &report)? } else { None } {
        let told = reports::answer(settings, Asked::Wait, &waited)?;
        answer.text.push_str(&told.text);
        answer.json["waited"] = told.json;
        answer.is_error = told.is_error;
    }
    Ok(answer)
}

fn check_config(settings: &Settings, arguments: &Arguments) -> Result<Answer, CommandError> {
    let (diagnostics, summary) = check::ask(settings, &arguments.words("profile"))?;
    let text = format!("{}{}", report::for_agents(&diagnostics), summary.unwrap_or_default());
    let json: Value = serde_json::from_str(&report::json(&diagnostics)).unwrap_or_default();
    let answer = Answer::new(&json, text);
    Ok(answer.with_list("diagnostics", "correct these first, or run check in a shell"))
}

fn graph(settings: &Settings, arguments: &Arguments) -> Result<Answer, CommandError> {
    let view = graph::view(settings, &arguments.words("names"))?;
    let text = (graph::format_of("text").render)(&view);
    Ok(Answer::new(&GraphJson::of(&view), text).with_list("nodes", "name the programs that you want to see"))
}
