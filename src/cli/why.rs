//! `run why NAME`: why it is not ready.

use clap_complete::engine::ArgValueCandidates;
use serde::Serialize;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::logs::last_lines;
use crate::cli::output::{print, print_json, say};
use crate::cli::select::select;
use crate::cli::settings::Settings;
use crate::cli::{complete, project, status};
use crate::logs::zone;
use crate::model::Word;
use crate::model::status::{ProcessStatus, ProjectStatus, SCHEMA};
use crate::registry::Places;
use crate::ui::text::clean;
use crate::ui::why;

/// Say why a program is not ready: each thing it needs, the last answer of its check, its last output, its history.
///
/// Works after the project went down, too. Exit code: 0 answered, 2 nobody of that name.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs; without any: those that are not ready.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// How many of the last lines of output are shown for what is not well.
const LAST_LINES: usize = 12;

/// Answers for each process that was named.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let (status, places) = project::status_now_or_last(settings)?;
    let answers = ask(&status, &places, &args.names)?;
    if args.json {
        print_json(&answers)?;
    } else {
        print(&render(&answers, &status, settings))?;
        if let Ok(mut connection) = project::find(settings)?
            && let Some(note) = status::about_files(&mut connection, &settings.address)
        {
            let look = settings.look(&settings.err);
            say(&format!("\n{} {}\n", look.mark(Word::Unhealthy), clean(&note)));
        }
    }
    Ok(ExitCode::Fine)
}

/// The answer for each process that was named; without names, for those that are not well.
pub fn ask<'a>(status: &'a ProjectStatus, places: &Places, names: &[String]) -> Result<Answers<'a>, CommandError> {
    let mut asked = select(status, names)?;
    if names.is_empty() {
        asked.retain(|process| !process.state.is_settled_well());
    }
    let answer = |process: &'a ProcessStatus| Answer {
        process,
        last_lines: if is_well(process) {
            Vec::new()
        } else {
            last_lines(places, &process.name, process.runs, LAST_LINES)
        },
    };
    let processes = asked.into_iter().map(answer).collect();
    Ok(Answers { schema: SCHEMA, project: &status.project, state: &status.state, processes })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Answers<'a> {
    schema: u32,
    project: &'a str,
    state: &'a str,
    /// One for each process.
    pub processes: Vec<Answer<'a>>,
}

/// One process, and its last lines where they help.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    /// Its state.
    pub process: &'a ProcessStatus,
    /// Without controls and colours.
    pub last_lines: Vec<String>,
}

/// The answers for a person.
pub fn render(answers: &Answers<'_>, status: &ProjectStatus, settings: &Settings) -> String {
    if answers.processes.is_empty() {
        return "everything that is wanted is ready\n".to_owned();
    }
    let (look, zone) = (settings.look(&settings.out), zone::local());
    let answers = answers.processes.iter();
    let answers = answers.map(|answer| why::render(answer.process, status, &answer.last_lines, &look, &zone));
    answers.collect::<Vec<_>>().join("\n")
}

/// Whether its output says nothing that is asked for here.
fn is_well(process: &ProcessStatus) -> bool {
    match process.state {
        Word::Off | Word::Waiting | Word::Blocked | Word::Ready | Word::Done | Word::Stopping => true,
        Word::Starting | Word::Unhealthy | Word::Retrying | Word::Failed => false,
    }
}
