//! `run status`: what runs, as a table or as JSON, once or as it changes.

use std::cmp::Reverse;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use clap_complete::engine::ArgValueCandidates;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::cli::complete;
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json, print_json_line, say};
use crate::cli::project::{self, NotUp};
use crate::cli::select::{matches, select};
use crate::cli::settings::Settings;
use crate::logs::zone;
use crate::model::status::{ProcessStatus, ProjectStatus, SCHEMA};
use crate::ui::address::Address;
use crate::ui::look::{Look, clock};
use crate::ui::text::{clean, pad, width};
use crate::ui::{report, table};

/// Show what runs.
///
/// Exit code: 0 all ready (tasks done), 1 something failed, 2 not up, 3 still starting.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs; without any: all.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
    /// Go on with one line for each change of state, until the project is down.
    #[arg(short = 'w', long)]
    pub watch: bool,
    /// The order of the rows; without it: the order of the start.
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<By>,
}

/// What the rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The name.
    Name,
    /// The state, failures first.
    State,
    /// CPU, highest first.
    Cpu,
    /// Memory, highest first.
    Mem,
}

/// How often a watched status is asked for. There is no event stream on the socket yet; since each process carries its history,
/// no change is lost between two questions.
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// Shows the status.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let mut connection = match project::find(settings)? {
        Ok(connection) => connection,
        Err(not_up) => return tell_not_up(&not_up, args),
    };
    let status = ask(&mut connection, settings)?;
    let shown = sorted(select(&status, &args.names)?, args.by);
    if args.watch {
        return watch(&mut connection, settings, args, status.clone());
    }
    if args.json {
        print_json(&only(&status, &shown))?;
    } else {
        print(&table::render(&status, &shown, &settings.look(&settings.out)))?;
    }
    Ok(verdict(&shown))
}

/// The state of everything, with a note when the files are others now than those that it runs by.
pub fn ask(connection: &mut Connection, settings: &Settings) -> Result<ProjectStatus, CommandError> {
    let mut status = connection.status()?;
    status.notes.extend(about_files(connection, &settings.address));
    Ok(status)
}

/// That the files are others now than those that it runs by, and whether they would load.
pub fn about_files(connection: &mut Connection, address: &Address) -> Option<String> {
    let differing = connection.changed_files();
    if differing.is_empty() {
        return None;
    }
    // A project that does not say what is wrong still says what has changed.
    let refused = connection.reload(true).map(|report| report.refused).unwrap_or_default();
    Some(beside_its_files(&differing, &refused, address))
}

fn beside_its_files(differing: &[String], refused: &str, address: &Address) -> String {
    let (has, does) = if differing.len() == 1 { ("has", "does") } else { ("have", "do") };
    let files = differing.join(", ");
    if let Some(mistake) = report::first_mistake(refused) {
        let check = address.line("check");
        let files = format!("{files} {has} changed since and {does} not load");
        format!("{files}: {mistake}; all keeps running as it was, {check} shows more")
    } else {
        let (take, show) = (address.line("reload"), address.line("reload --dry-run"));
        format!("{files} {has} changed since; {take} takes it over, {show} shows what")
    }
}

/// The status with these processes alone.
pub fn only(status: &ProjectStatus, shown: &[&ProcessStatus]) -> ProjectStatus {
    ProjectStatus { processes: shown.iter().map(|process| (*process).clone()).collect(), ..status.clone() }
}

/// 0 all ready or done (or not wanted), 1 something failed, 3 still on its way.
pub fn verdict(processes: &[&ProcessStatus]) -> ExitCode {
    if processes.iter().any(|process| process.state.is_failure()) {
        ExitCode::Failed
    } else if processes.iter().all(|process| process.state.is_settled_well()) {
        ExitCode::Fine
    } else {
        ExitCode::StillStarting
    }
}

/// What JSON says of a project that is not up.
#[derive(Debug, Serialize)]
pub struct Down<'a> {
    schema: u32,
    project: &'a str,
    state: &'static str,
    processes: [(); 0],
}

impl<'a> Down<'a> {
    /// Of this one.
    pub fn of(not_up: &'a NotUp) -> Self {
        Self { schema: SCHEMA, project: &not_up.project, state: "off", processes: [] }
    }
}

fn tell_not_up(not_up: &NotUp, args: &Args) -> Result<ExitCode, CommandError> {
    if args.json {
        print_json(&Down::of(not_up))?;
    } else {
        say(&format!("{}\n", not_up.sentence()));
    }
    Ok(ExitCode::NotUp)
}

fn sorted(mut processes: Vec<&ProcessStatus>, by: Option<By>) -> Vec<&ProcessStatus> {
    match by {
        None => {}
        Some(By::Name) => processes.sort_by(|a, b| a.name.cmp(&b.name)),
        Some(By::State) => processes.sort_by_key(|process| {
            let state = process.state;
            (!state.is_failure(), state.is_settled_well(), state.as_str())
        }),
        Some(By::Cpu) => processes.sort_by(|a, b| {
            b.cpu_percent.unwrap_or(-1.0).total_cmp(&a.cpu_percent.unwrap_or(-1.0)).then_with(|| a.name.cmp(&b.name))
        }),
        Some(By::Mem) => processes.sort_by_key(|process| Reverse(process.memory)),
    }
    processes
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transition {
    /// The version of this JSON.
    pub schema: u32,
    /// Wall time, milliseconds since 1970.
    pub at: u64,
    /// Whose.
    pub name: String,
    /// In the words of the stream.
    pub what: String,
}

/// What happened between two looks, in the order of time. A history that no longer reaches back to the first look counts whole.
pub fn transitions(before: &ProjectStatus, after: &ProjectStatus) -> Vec<Transition> {
    let mut found = Vec::new();
    for process in &after.processes {
        let known = before.processes.iter().find(|other| other.name == process.name);
        let last = known.and_then(|known| known.history.last());
        let seen = last.and_then(|last| process.history.iter().rposition(|entry| entry == last)).map_or(0, |at| at + 1);
        found.extend(process.history[seen..].iter().map(|entry| Transition {
            schema: SCHEMA,
            at: entry.at,
            name: process.name.clone(),
            what: entry.what.clone(),
        }));
    }
    found.sort_by_key(|transition| transition.at);
    found
}

/// `10:42:07  web     ready in 1.2s`
fn transition_line(transition: &Transition, columns: usize, zone: &TimeZone) -> String {
    let name = pad(&clean(&transition.name), columns);
    format!("{}  {name}  {}\n", clock(transition.at, zone), clean(&transition.what))
}

fn watch(
    connection: &mut Connection,
    settings: &Settings,
    args: &Args,
    first: ProjectStatus,
) -> Result<ExitCode, CommandError> {
    let look = settings.look(&settings.out);
    let zone = zone::local();
    let is_meant =
        |process: &ProcessStatus| args.names.is_empty() || args.names.iter().any(|word| matches(process, word));
    let columns = first.processes.iter().map(|process| width(&clean(&process.name))).max().unwrap_or(0);
    print_first(&first, args, &look)?;
    let tell = |before: &ProjectStatus, mut after: ProjectStatus| -> Result<ProjectStatus, CommandError> {
        after.processes.retain(&is_meant);
        for transition in transitions(before, &after) {
            if args.json {
                print_json_line(&transition)?;
            } else {
                print(&transition_line(&transition, columns, &zone))?;
            }
        }
        Ok(after)
    };
    let mut before = first;
    loop {
        thread::sleep(WATCH_EVERY);
        let Some(after) = connection.status_unless_gone()? else { break };
        before = tell(&before, after)?;
    }
    connection.wait_until_gone();
    let last = project::last_status(&connection.running().places);
    if let Some(last) = last.filter(|last| last.started == before.started) {
        before = tell(&before, last)?;
    }
    if !args.json {
        say(&format!("{} is down\n", clean(&before.project)));
    }
    Ok(verdict(&before.processes.iter().filter(|process| is_meant(process)).collect::<Vec<_>>()))
}

fn print_first(status: &ProjectStatus, args: &Args, look: &Look) -> Result<(), CommandError> {
    let shown = sorted(select(status, &args.names)?, args.by);
    if args.json {
        print_json_line(&only(status, &shown))
    } else {
        print(&format!("{}\n", table::render(status, &shown, look)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Word;
    use crate::model::status::HistoryEntry;
    use crate::ui::sample_status as sample;

    fn verdict_of(words: &[Word]) -> ExitCode {
        let processes: Vec<ProcessStatus> =
            words.iter().map(|word| ProcessStatus { state: *word, ..sample::process("web", 0) }).collect();
        verdict(&processes.iter().collect::<Vec<_>>())
    }

    #[test]
    fn files_that_have_changed_are_told_with_what_is_wrong_with_them() {
        let told = |refused| beside_its_files(&["run.toml".to_owned()], refused, &Address::default());
        assert_eq!(told(""), "run.toml has changed since; run reload takes it over, run reload --dry-run shows what");
        assert_eq!(
            told("error[unknown-key]: unknown key `prot`\n --> run.toml:3:1\n  |\n3 | prot = 1\n"),
            "run.toml has changed since and does not load: unknown key `prot` (run.toml:3:1); all keeps running as it was, \
             run check shows more"
        );
    }

    #[test]
    fn the_exit_code_says_ready_failed_or_still_starting() {
        assert_eq!(verdict_of(&[Word::Ready, Word::Done, Word::Off]), ExitCode::Fine);
        assert_eq!(verdict_of(&[Word::Ready, Word::Starting]), ExitCode::StillStarting);
        assert_eq!(verdict_of(&[Word::Waiting, Word::Failed]), ExitCode::Failed);
        assert_eq!(verdict_of(&[Word::Ready, Word::Blocked]), ExitCode::Failed);
    }

    #[test]
    fn a_crash_loop_is_never_fine() {
        assert_eq!(verdict_of(&[Word::Ready, Word::Retrying]), ExitCode::StillStarting);
    }

    #[test]
    fn only_what_is_new_in_the_histories_is_told_in_the_order_of_time() {
        let before = sample::shop();
        let mut after = before.clone();
        let entry = |at, what: &str| HistoryEntry { at: sample::STARTED + at, what: what.into() };
        after.processes[3].history.push(entry(9000, "exited 1"));
        after.processes[3].history.push(entry(9100, "starting"));
        after.processes[0].history.push(entry(9050, "stopped"));
        let lines: Vec<String> = transitions(&before, &after)
            .iter()
            .map(|transition| transition_line(transition, 3, &TimeZone::UTC))
            .collect();
        assert_eq!(lines, ["10:40:09  web  exited 1\n", "10:40:09  db   stopped\n", "10:40:09  web  starting\n"]);
        assert_eq!(transitions(&after, &after), []);
    }

    #[test]
    fn a_history_that_was_overrun_is_told_whole() {
        let before = sample::shop();
        let mut after = before.clone();
        after.processes[0].history = vec![HistoryEntry { at: sample::STARTED + 9000, what: "starting".into() }];
        assert_eq!(transitions(&before, &after).len(), 1);
    }

    #[test]
    fn rows_can_be_sorted() {
        let shop = sample::shop();
        let names = |by: Option<By>| -> Vec<String> {
            sorted(shop.processes.iter().collect(), by).iter().map(|process| process.name.clone()).collect()
        };
        assert_eq!(names(None), ["db", "migrate", "api", "web", "worker"]);
        assert_eq!(names(Some(By::Name)), ["api", "db", "migrate", "web", "worker"]);
        assert_eq!(names(Some(By::State))[0], "worker");
        assert_eq!(names(Some(By::Cpu))[0], "api");
        assert_eq!(names(Some(By::Mem))[..2], ["web", "api"]);
    }
}
