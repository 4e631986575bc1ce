//! The tool `ensure_up`: `run up -d` as anybody would type it, then a wait on the project's socket. So what it starts is nobody's child
//! of ours, and lives on.

use std::env;
use std::fmt::Write;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::api::fault::SHUTDOWN_STATE;
use crate::cli::answers;
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::mcp::command::{self, Caught};
use crate::cli::mcp::reports;
use crate::cli::mcp::verbs::{insist_on_names, limit, refused};
use crate::cli::project::{self, LoadOptions};
use crate::cli::select::select;
use crate::cli::settings::Settings;
use crate::cli::status;
use crate::client::ClientError;
use crate::mcp::{Answer, Arguments, Stop};
use crate::model::status::{ProcessStatus, ProjectStatus, RequestReport, SCHEMA};
use crate::ui::{report, table};

/// How long `run up -d` may take to begin: it reads the config and leaves.
const BEGIN: Duration = Duration::from_mins(1);

/// The most bytes of what it says.
const SAID: usize = 256 * 1024;

/// What `run up` ends with when it refuses.
const REFUSED: i32 = 2;

/// Makes sure that the project is up.
pub(super) fn answer(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let names = arguments.words("names");
    insist_on_names(&names)?;
    let was_up = project::find(settings)?.is_ok();
    let mut said = Caught::of(SAID);
    let end = command::run(up(settings, arguments, &names)?, BEGIN, None, &mut said)?;
    if end.code() == REFUSED {
        let options =
            LoadOptions { names: names.clone(), profiles: arguments.words("profile"), ..LoadOptions::default() };
        if let Err(error) = project::load_with(settings, &options)
            && error.diagnostics.is_some()
        {
            return if was_up { runs_on(settings, &names, error) } else { Err(error) };
        }
        let text = told_by_up(&said);
        let message = text.trim_start_matches("error: ").trim_end();
        let json = json!({ "schema": SCHEMA, "error": { "message": message, "help": [] } });
        return Ok(Answer::new(&json, text).failed_if(true));
    }
    match wait(settings, &names, limit(arguments), stop)? {
        Some((report, status)) => told(settings, &names, was_up, &report, &status),
        None => ended(settings, &names, was_up, &told_by_up(&said)),
    }
}

/// `run up -d`, which leaves at once; waiting is ours.
fn up(settings: &Settings, arguments: &Arguments, names: &[String]) -> Result<Command, CommandError> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("up").arg("-C").arg(&settings.directory);
    if let Some(name) = &settings.name {
        command.arg("-p").arg(name);
    }
    for file in &settings.files {
        command.arg("-f").arg(file);
    }
    command.args(["--detach", "--timeout", "0"]);
    for profile in arguments.words("profile") {
        command.arg(format!("--profile={profile}"));
    }
    command.args(names);
    Ok(command)
}

/// What it said, without lines of the config, which may hold secrets.
fn told_by_up(said: &Caught) -> String {
    // Behind a gap nobody knows how a line began.
    if said.dropped() > 0 {
        return "error: run up has said more than can be shown; check_config shows what is wrong with the config\n"
            .to_owned();
    }
    report::without_source(&said.text())
}

/// Waits until it is ready, or something has failed; `None` once the project has ended, also when that began after it was ready.
fn wait(
    settings: &Settings,
    names: &[String],
    limit: Duration,
    stop: &Stop,
) -> Result<Option<(RequestReport, ProjectStatus)>, CommandError> {
    let Ok(connection) = project::find(settings)? else { return Ok(None) };
    let mut connection = connection.interrupted_by(stop.wire()?);
    let report = match connection.wait_unless_gone(names, limit) {
        Ok(report) => report,
        Err(ClientError::NotRunning | ClientError::Fault { code: SHUTDOWN_STATE, .. }) => {
            await_end(&connection, limit, stop);
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    match connection.status_unless_gone()? {
        Some(status) if status.state != "stopping" => Ok(Some((report, status))),
        Some(_) => {
            await_end(&connection, limit, stop);
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Returns when nothing of the project is left, or nobody waits any more.
fn await_end(connection: &Connection, limit: Duration, stop: &Stop) {
    let began = Instant::now();
    while connection.is_held() && began.elapsed() < limit && !stop.flag().load(Ordering::Relaxed) {
        connection.wait_until_gone();
    }
}

/// The config has a mistake, and what is up runs on by what it said before: the mistake, and where everything is.
fn runs_on(settings: &Settings, names: &[String], error: CommandError) -> Result<Answer, CommandError> {
    let Ok((status, _)) = project::status_now_or_last(settings) else { return Err(error) };
    let Ok(shown) = select(&status, names) else { return Err(error) };
    let state = match status::verdict(&shown) {
        ExitCode::Fine => "ready",
        ExitCode::Failed => "failed",
        _ => "starting",
    };
    let mut answer = refused(&error.addressed(&settings.address));
    for (field, value) in head(&status, true, state) {
        answer.json[field] = value;
    }
    let table = table::render(&status, &shown, &settings.look(&settings.out));
    let _ = write!(answer.text, "\n{} runs on as it was:\n{table}{}", status.project, urls_told(&shown));
    Ok(answer)
}

fn told(
    settings: &Settings,
    names: &[String],
    was_up: bool,
    report: &RequestReport,
    status: &ProjectStatus,
) -> Result<Answer, CommandError> {
    let shown = select(status, names)?;
    // What was ready may have failed since, and the table below shows it.
    let mut unwell = reports::unwell(report);
    let failed = shown.iter().filter(|one| one.state.is_failure() && !unwell.contains(&one.name));
    let failed: Vec<String> = failed.map(|one| one.name.clone()).collect();
    let state = match answers::exit_code(report) {
        _ if !failed.is_empty() => "failed",
        ExitCode::Fine => "ready",
        ExitCode::TimedOut => "starting",
        _ => "failed",
    };
    unwell.extend(failed);
    let mut json = reports::json_of(report);
    for (field, value) in head(status, was_up, state) {
        json[field] = value;
    }
    let before = if was_up { "was up already" } else { "is up now" };
    let now = match state {
        "ready" => "everything is ready",
        "starting" => "not everything is ready yet; wait waits on",
        _ => "something has failed",
    };
    let table = table::render(status, &shown, &settings.look(&settings.out));
    let mut text = format!("{} {before}: {now}\n{table}{}", status.project, urls_told(&shown));
    if !unwell.is_empty() {
        text.push_str(&reports::failures(settings, &unwell, &mut json)?.1);
    }
    Ok(Answer::new(&json, text).failed_if(state != "ready"))
}

/// It is not up any more: all of its tasks are over, or a failure has ended it.
fn ended(settings: &Settings, names: &[String], was_up: bool, said: &str) -> Result<Answer, CommandError> {
    let Ok((status, _)) = project::status_now_or_last(settings) else {
        return Err(CommandError::project(format!("it did not come up\n{said}")));
    };
    let failed: Vec<String> =
        select(&status, names)?.iter().filter(|one| one.state.is_failure()).map(|one| one.name.clone()).collect();
    let state = if failed.is_empty() { "ended" } else { "failed" };
    let mut json = json!({ "schema": SCHEMA, "timed_out": false, "processes": [] });
    for (field, value) in head(&status, was_up, state) {
        json[field] = value;
    }
    let mut text = format!("{} has ended\n", status.project);
    if failed.is_empty() {
        text.push_str(&table::render(&status, &select(&status, &[])?, &settings.look(&settings.out)));
    } else {
        text.push_str(&reports::failures(settings, &failed, &mut json)?.1);
    }
    Ok(Answer::new(&json, text).failed_if(!failed.is_empty()))
}

/// What the JSON has beside the report.
fn head(status: &ProjectStatus, was_up: bool, state: &str) -> Map<String, Value> {
    let urls = status.processes.iter().filter_map(|one| Some((one.name.clone(), Value::from(one.url.clone()?))));
    let urls: Map<String, Value> = urls.collect();
    let mut head = Map::new();
    head.insert("project".to_owned(), status.project.clone().into());
    head.insert("root".to_owned(), status.root.clone().into());
    head.insert("was_up".to_owned(), was_up.into());
    head.insert("state".to_owned(), state.into());
    head.insert("urls".to_owned(), urls.into());
    head.insert("notes".to_owned(), status.notes.clone().into());
    head
}

fn urls_told(shown: &[&ProcessStatus]) -> String {
    let lines = shown.iter().filter_map(|one| Some(format!("{}: {}\n", one.name, one.url.as_ref()?)));
    lines.collect()
}
