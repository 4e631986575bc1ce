//! `run reload`: take over the config as it is now, or see what that would change.

use std::time::Duration;

use crate::cli::answers::{self, Asked};
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json, say};
use crate::cli::settings::{Settings, Verbosity};
use crate::cli::{args, project};
use crate::model::status::{ProjectStatus, RequestReport};
use crate::model::{Effect, ReloadReport};
use crate::ui::reload;

/// Apply the config as it is now, or show the plan.
///
/// What is new is started, what is gone is stopped, what differs is restarted where it has to be; everything else keeps running.
/// A config that does not load changes nothing.
///
/// Exit code: 0 fine, 1 something that was started has failed, 2 not up or the config does not load, 124 time limit over.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Return at once, without waiting until what was started is ready.
    #[arg(long, conflicts_with = "dry_run")]
    pub no_wait: bool,
    /// Give up waiting after this long (124); the starts go on.
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    pub timeout: Option<Duration>,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// Reloads.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let mut connection = project::connect(settings)?;
    let report = connection.reload(args.dry_run)?;
    let is_loud = !args.json && settings.verbosity > Verbosity::Quiet;
    if args.json {
        print_json(&report)?;
    } else if !report.refused.is_empty() {
        say(&format!("{}\nnothing was taken over, everything keeps running\n", report.refused));
    } else if is_loud {
        print(&told(settings, &report))?;
    }
    if !report.refused.is_empty() {
        return Ok(ExitCode::Usage);
    }
    if args.dry_run || args.no_wait {
        return Ok(ExitCode::Fine);
    }
    let Some(waited) = wait(args, &mut connection, &report)? else { return Ok(ExitCode::Fine) };
    if is_loud {
        say(&answers::render(Asked::Wait, &waited, &settings.look(&settings.err)));
        say(&answers::next(&waited, &settings.look(&settings.err)));
    }
    Ok(answers::exit_code(&waited))
}

/// The plan for a person.
pub fn told(settings: &Settings, report: &ReloadReport) -> String {
    let plan = &report.plan;
    if plan.is_empty() && plan.waiting.is_empty() {
        return "nothing has changed\n".to_owned();
    }
    reload::rows(plan, settings.out.theme()).into_iter().map(|row| row + "\n").collect()
}

/// Waits for what the plan starts, save what does not start by itself; `None` when that is nobody.
pub fn wait(
    args: &Args,
    connection: &mut Connection,
    report: &ReloadReport,
) -> Result<Option<RequestReport>, CommandError> {
    let names = started(report, &connection.status()?);
    if names.is_empty() {
        return Ok(None);
    }
    connection.wait(&names, args.timeout).map(Some)
}

fn started(report: &ReloadReport, status: &ProjectStatus) -> Vec<String> {
    let started = report.plan.changes.iter().filter(|change| match change.effect {
        Effect::Add | Effect::Restart => true,
        Effect::Keep | Effect::Remove => false,
    });
    let is_on = |name: &&String| {
        status.processes.iter().any(|process| process.name == **name && process.off_because.is_empty())
    };
    started.map(|change| &change.name).filter(is_on).cloned().collect()
}
