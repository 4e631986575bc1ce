//! Answers about what became of a request: with the whole story of whatever is not as wished.

use std::fmt::Write;
use std::mem;

use serde_json::{Value, json};

use crate::cli::answers::{self, Asked};
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::cli::{project, why};
use crate::mcp::Answer;
use crate::mcp::answer::quoted;
use crate::model::status::{ProjectStatus, RequestReport};

/// Of how many failures the story is told.
const TOLD: usize = 5;

/// The answer to a request.
pub(super) fn answer(settings: &Settings, asked: Asked, report: &RequestReport) -> Result<Answer, CommandError> {
    let mut text = answers::render(asked, report, &settings.look(&settings.out));
    let mut json = json_of(report);
    let unwell = unwell(report);
    if !unwell.is_empty() {
        let (status, told) = failures(settings, &unwell, &mut json)?;
        text.push_str(&told);
        if report.timed_out {
            let _ = match asked {
                Asked::Stop => writeln!(text, "the stop goes on; status shows when it is over"),
                Asked::Start | Asked::Restart | Asked::Signal | Asked::Wait => {
                    writeln!(text, "{} goes on; wait waits on", status.project)
                }
            };
        }
    }
    Ok(Answer::new(&json, text).failed_if(answers::exit_code(report) != ExitCode::Fine))
}

/// The report as `--json` prints it.
pub(super) fn json_of(report: &RequestReport) -> Value {
    serde_json::to_value(answers::Json::of(report)).unwrap_or_default()
}

/// Those that are not as wished.
pub(super) fn unwell(report: &RequestReport) -> Vec<String> {
    report.processes.iter().filter(|process| !process.ok).map(|process| process.name.clone()).collect()
}

/// Tells the stories of these as text, and adds them to the JSON.
pub(super) fn failures(
    settings: &Settings,
    names: &[String],
    json: &mut Value,
) -> Result<(ProjectStatus, String), CommandError> {
    // It may end between two questions; then there is its last state.
    let (status, places) = project::status_now_or_last(settings).or_else(|_| project::status_now_or_last(settings))?;
    let known: Vec<String> =
        names.iter().filter(|name| status.processes.iter().any(|process| process.name == **name)).cloned().collect();
    if known.is_empty() {
        return Ok((status, String::new()));
    }
    let told = &known[..known.len().min(TOLD)];
    let answers = why::ask(&status, &places, told)?;
    json["failures"] = json!(answers.processes);
    let mut text = format!("\n{}", stories(answers, &status, settings));
    if known.len() > TOLD {
        let _ = writeln!(text, "and {} more; why tells of them", known.len() - TOLD);
    }
    Ok((status, text))
}

/// The stories, and behind them what the programs wrote: apart, so that it can pass for nothing else.
pub(super) fn stories(mut answers: why::Answers<'_>, status: &ProjectStatus, settings: &Settings) -> String {
    let mut lines = Vec::new();
    for answer in &mut answers.processes {
        let whose = answer.process.name.as_str();
        lines.extend(mem::take(&mut answer.last_lines).into_iter().map(|line| (whose, line)));
    }
    let mut text = why::render(&answers, status, settings);
    if !lines.is_empty() {
        text.push_str(&quoted(lines.iter().map(|(whose, line)| (*whose, line.as_str()))));
    }
    text
}
