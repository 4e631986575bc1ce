//! What became of a `start`, `stop`, `restart`, `signal` or `wait`: one line for each process, and the exit code.

use serde::Serialize;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json};
use crate::cli::settings::{Settings, Verbosity};
use crate::config::suggest;
use crate::model::Word;
use crate::model::status::{ProcessReport, ProjectStatus, RequestReport, SCHEMA};
use crate::ui::look::Look;
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::Ink;

/// What was asked, for the words of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `start`
    Start,
    /// `stop`
    Stop,
    /// `restart`
    Restart,
    /// `signal`
    Signal,
    /// `wait`
    Wait,
}

/// Prints the answer for a person, or as JSON.
pub fn show(settings: &Settings, asked: Asked, report: &RequestReport, as_json: bool) -> Result<(), CommandError> {
    if as_json {
        return print_json(&Json::of(report));
    }
    if settings.verbosity > Verbosity::Quiet {
        print(&render(asked, report, &settings.look(&settings.out)))?;
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    schema: u32,
    timed_out: bool,
    processes: &'a [ProcessReport],
}

impl<'a> Json<'a> {
    /// Of this report.
    pub fn of(report: &'a RequestReport) -> Self {
        Self { schema: SCHEMA, timed_out: report.timed_out, processes: &report.processes }
    }
}

/// One line for each process: `  ✓ web     ready   http://127.0.0.1:3102`.
pub fn render(asked: Asked, report: &RequestReport, look: &Look) -> String {
    let columns = report.processes.iter().map(|process| width(&clean(&process.name))).max().unwrap_or(0);
    report.processes.iter().map(|process| line(asked, process, report.timed_out, columns, look)).collect()
}

/// 0 when all is as wished, 1 when something failed, 124 when the time was over first.
pub fn exit_code(report: &RequestReport) -> ExitCode {
    if report.processes.iter().any(|process| !process.ok && process.answer != "timeout") {
        ExitCode::Failed
    } else if report.timed_out {
        ExitCode::TimedOut
    } else {
        ExitCode::Fine
    }
}

/// What to type about what did not come up; empty when all did.
pub fn next(report: &RequestReport, look: &Look) -> String {
    let unwell = report.processes.iter().find(|process| process.state == Word::Failed);
    let unwell = unwell.or_else(|| report.processes.iter().find(|process| !process.ok));
    unwell.map_or_else(String::new, |process| {
        let name = clean(&process.name);
        let commands = match process.answer.as_str() {
            // It has never run, so that it has no logs.
            "no such file" | "not executable" => vec!["check".to_owned(), format!("restart {name}")],
            _ => ["why", "logs", "restart"].map(|command| format!("{command} {name}")).to_vec(),
        };
        let lines: Vec<String> = commands.iter().map(|command| look.address.line(command)).collect();
        format!("  next: {}\n", lines.join("   -   "))
    })
}

/// Who keeps running though what it needs was stopped: `api needs db and keeps running …`. One line for each stopped one.
pub fn left_running(before: &ProjectStatus, report: &RequestReport, look: &Look) -> String {
    let is_stopped = |name: &str| report.processes.iter().any(|process| process.name == name);
    let is_up = |name: &&String| before.processes.iter().any(|process| process.name == **name && process.pid != 0);
    let stopped = before.processes.iter().filter(|process| is_stopped(&process.name));
    let lines = stopped.filter_map(|process| {
        let up = process.needed_by.iter().filter(|name| !is_stopped(name)).filter(is_up);
        let up: Vec<String> = up.map(|name| clean(name)).collect();
        let (verb, keep) = if up.len() == 1 { ("needs", "keeps") } else { ("need", "keep") };
        let (name, who) = (clean(&process.name), suggest::list(&up, "and"));
        let stop = look.address.line(&format!("stop --with-dependents {name}"));
        let them = if up.len() == 1 { "it" } else { "them" };
        let mark = look.mark(Word::Unhealthy);
        (!up.is_empty())
            .then(|| format!("  {mark} {who} {verb} {name} and {keep} running ({stop} stops {them} first)\n"))
    });
    lines.collect()
}

fn line(asked: Asked, process: &ProcessReport, timed_out: bool, columns: usize, look: &Look) -> String {
    let name = pad(&clean(&process.name), columns);
    let signs = look.theme.signs();
    let (ink, mark) = match (process.ok, asked) {
        (false, _) if process.answer == "timeout" || timed_out => (Ink::Warn, signs.waiting),
        (false, _) => (Ink::Bad, signs.failed),
        (true, Asked::Stop) => (Ink::Quiet, signs.stopped),
        (true, Asked::Start | Asked::Restart | Asked::Signal | Asked::Wait) => (Ink::Good, signs.ready),
    };
    let what = what(asked, process);
    let note = if process.note.is_empty() || process.note == what {
        String::new()
    } else {
        format!("   {}", look.theme.paint(Ink::Quiet, &clean(&process.note)))
    };
    format!("  {} {name}  {what}{note}\n", look.theme.paint(ink, mark))
}

/// What became of it, in words.
fn what(asked: Asked, process: &ProcessReport) -> String {
    match process.answer.as_str() {
        "done" => match asked {
            Asked::Stop => "stopped".to_owned(),
            Asked::Signal => "signalled".to_owned(),
            Asked::Start | Asked::Restart | Asked::Wait => process.state.to_string(),
        },
        "already started" => format!("{} already", process.state),
        "not running" if asked == Asked::Stop => format!("was not running ({})", process.state),
        "timeout" => format!("still {}", process.state),
        "" => process.state.to_string(),
        "was stopped by another request" | "was started again by another request" => process.answer.clone(),
        "failed" => "failed".to_owned(),
        "blocked" => "blocked".to_owned(),
        answer => format!("{}: {answer}", process.state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    fn report(entries: &[(&str, bool, &str, Word, &str)]) -> RequestReport {
        let processes = entries.iter().map(|(name, ok, answer, state, note)| ProcessReport {
            name: (*name).into(),
            ok: *ok,
            answer: (*answer).into(),
            state: *state,
            note: (*note).into(),
        });
        RequestReport { timed_out: false, processes: processes.collect() }
    }

    #[test]
    fn each_process_has_a_line_with_a_mark_and_a_word() {
        let report = report(&[
            ("db", true, "already started", Word::Ready, ""),
            ("web", true, "done", Word::Ready, "http://127.0.0.1:3102"),
            ("worker", false, "failed", Word::Failed, "exit 1: queue refused"),
            ("mail", false, "no such file", Word::Failed, ""),
        ]);
        assert_eq!(
            render(Asked::Start, &report, &Look::plain()),
            [
                "  + db      ready already\n",
                "  + web     ready   http://127.0.0.1:3102\n",
                "  x worker  failed   exit 1: queue refused\n",
                "  x mail    failed: no such file\n",
            ]
            .concat()
        );
        assert_eq!(exit_code(&report), ExitCode::Failed);
    }

    #[test]
    fn what_is_not_running_is_no_failure_of_a_stop() {
        let report =
            report(&[("web", true, "done", Word::Off, ""), ("worker", true, "not running", Word::Failed, "exit 1")]);
        assert_eq!(
            render(Asked::Stop, &report, &Look::plain()),
            "  # web     stopped\n  # worker  was not running (failed)   exit 1\n"
        );
        assert_eq!(exit_code(&report), ExitCode::Fine);
    }

    #[test]
    fn a_timeout_is_124_unless_something_failed() {
        let mut report = report(&[("api", false, "timeout", Word::Starting, "http 503")]);
        report.timed_out = true;
        assert_eq!(render(Asked::Wait, &report, &Look::plain()), "  . api  still starting   http 503\n");
        assert_eq!(exit_code(&report), ExitCode::TimedOut);
        report.processes[0].answer = "failed".into();
        assert_eq!(exit_code(&report), ExitCode::Failed);
    }

    #[test]
    fn a_stop_names_those_who_depend_on_it() {
        let shop = sample::shop();
        let stopped = report(&[("db", true, "done", Word::Off, "")]);
        assert_eq!(
            left_running(&shop, &stopped, &Look::plain()),
            "  ! api needs db and keeps running (run stop --with-dependents db stops it first)\n"
        );
        let both = report(&[("db", true, "done", Word::Off, ""), ("api", true, "done", Word::Off, "")]);
        let text = left_running(&shop, &both, &Look::plain());
        assert_eq!(text, "  ! web needs api and keeps running (run stop --with-dependents api stops it first)\n");
    }
}
