//! `run down`: stop everything in reverse order, from anywhere in the project.

use std::thread;
use std::time::{Duration, Instant};

use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::say;
use crate::cli::project;
use crate::cli::settings::{Settings, Verbosity};
use crate::model::status::ProjectStatus;
use crate::model::units::{human_duration, round_duration};
use crate::ui::look::Look;
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::Ink;

/// Stop everything in reverse order, and return when nothing is left.
///
/// Works from anywhere in the project. Exit code: 0 down, or not up in the first place.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {}

/// How long the supervisor may take to end as a process once its lock is free.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// How often it is looked whether the project is gone.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// When it is said who is still busy; then each time after twice as long.
const FIRST_REMINDER: Duration = Duration::from_secs(2);

/// Stops the project.
pub fn run(settings: &Settings, _args: &Args) -> Result<ExitCode, CommandError> {
    let mut connection = match project::find(settings)? {
        Ok(connection) => connection,
        Err(not_up) => {
            say(&format!("{}\n", not_up.sentence()));
            return Ok(ExitCode::Fine);
        }
    };
    let first = connection.status_unless_gone()?;
    let began = Instant::now();
    connection.down()?;
    let mut progress =
        Progress::new(first.as_ref(), settings.look(&settings.err), settings.verbosity == Verbosity::Quiet);
    progress.begin();
    wait_until_gone(&mut connection, began, &mut progress)?;
    let left_behind = project::last_status(&connection.running().places);
    progress.end(left_behind.as_ref(), began.elapsed());
    Ok(ExitCode::Fine)
}

fn wait_until_gone(connection: &mut Connection, began: Instant, progress: &mut Progress) -> Result<(), CommandError> {
    let mut reminder = FIRST_REMINDER;
    while let Some(status) = connection.status_unless_gone()? {
        progress.take(Some(&status), began.elapsed());
        if began.elapsed() >= reminder {
            progress.remind(began.elapsed());
            reminder *= 2;
        }
        thread::sleep(LOOK_EVERY);
    }
    while connection.is_held() {
        thread::sleep(LOOK_EVERY);
    }
    // It lets go of its lock last; what is left of it then is its end as a process.
    let until = Instant::now() + LAST_MOMENT;
    while !connection.has_ended() && Instant::now() < until {
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Who is still up, and what is said of it.
struct Progress {
    up: Vec<String>,
    stopped: usize,
    project: String,
    up_ms: u64,
    columns: usize,
    look: Look,
    is_quiet: bool,
}

impl Progress {
    fn new(first: Option<&ProjectStatus>, look: Look, is_quiet: bool) -> Self {
        let (project, up_ms) = first.map_or((String::new(), 0), |first| (clean(&first.project), first.up_ms));
        let up: Vec<String> = first.into_iter().flat_map(running).collect();
        let columns = up.iter().map(|name| width(name)).max().unwrap_or(0);
        Self { up, stopped: 0, project, up_ms, columns, look, is_quiet }
    }

    fn begin(&self) {
        let count = self.up.len();
        self.say(&format!("  stopping {count} in reverse order\n"));
    }

    /// Says who has stopped since the last look.
    fn take(&mut self, status: Option<&ProjectStatus>, elapsed: Duration) {
        let still: Vec<String> = status.into_iter().flat_map(running).collect();
        let (left, gone): (Vec<String>, Vec<String>) =
            std::mem::take(&mut self.up).into_iter().partition(|name| still.contains(name));
        self.up = left;
        self.stopped += gone.len();
        for name in gone {
            self.say(&self.stopped_line(&name, status, elapsed));
        }
    }

    /// `  ■ db   stopped after 8.6s`, or that it had to be killed.
    fn stopped_line(&self, name: &str, status: Option<&ProjectStatus>, elapsed: Duration) -> String {
        let signs = self.look.theme.signs();
        let process = status.and_then(|status| status.processes.iter().find(|process| clean(&process.name) == name));
        let last = process.and_then(|process| process.history.last());
        let is_killed = last.is_some_and(|entry| entry.what.starts_with("killed"));
        let (ink, mark, what) = if is_killed {
            (Ink::Warn, signs.warning, "killed: it did not stop by itself,")
        } else {
            (Ink::Quiet, signs.stopped, "stopped")
        };
        let mark = self.look.theme.paint(ink, mark);
        format!("  {mark} {}  {what} after {}\n", pad(name, self.columns), human_duration(elapsed))
    }

    fn remind(&self, elapsed: Duration) {
        if self.up.is_empty() {
            return;
        }
        let signs = self.look.theme.signs();
        let elapsed = round_duration(elapsed);
        self.say(&format!("  {} still stopping after {elapsed}: {}\n", signs.waiting, self.up.join(", ")));
    }

    /// Those that stopped since the last look are known from the state that the project has left behind.
    fn end(mut self, left_behind: Option<&ProjectStatus>, took: Duration) {
        self.take(left_behind, took);
        self.take(None, took);
        self.say(&self.summary(took));
    }

    /// `  all stopped in 9.0s · shop was up 5m02s`
    fn summary(&self, took: Duration) -> String {
        let dot = self.look.theme.signs().dot;
        let up = human_duration(Duration::from_millis(self.up_ms));
        format!("  all stopped in {} {dot} {} was up {up}\n", human_duration(took), self.project)
    }

    fn say(&self, text: &str) {
        if !self.is_quiet {
            say(text);
        }
    }
}

/// Those that have a live process.
fn running(status: &ProjectStatus) -> impl Iterator<Item = String> + '_ {
    status.processes.iter().rev().filter(|process| process.pid != 0).map(|process| clean(&process.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::status::HistoryEntry;
    use crate::ui::sample_status as sample;

    #[test]
    fn those_with_a_live_process_are_stopped_last_started_first() {
        assert_eq!(running(&sample::shop()).collect::<Vec<_>>(), ["web", "api", "db"]);
    }

    #[test]
    fn each_end_is_told_once_and_the_summary_counts_the_time() {
        let mut progress = Progress::new(Some(&sample::shop()), Look::plain(), true);
        let mut later = sample::shop();
        later.processes[3].pid = 0;
        progress.take(Some(&later), Duration::from_millis(100));
        assert_eq!(progress.up, ["api", "db"]);
        assert_eq!(progress.stopped, 1);
        progress.take(Some(&later), Duration::from_millis(200));
        assert_eq!(progress.stopped, 1);
        let long = Duration::from_millis(8600);
        assert_eq!(progress.stopped_line("db", Some(&later), long), "  # db   stopped after 8.6s\n");
        later.processes[0].history = vec![HistoryEntry { at: 1, what: "killed after 8.6s".into() }];
        let killed = progress.stopped_line("db", Some(&later), long);
        assert_eq!(killed, "  ! db   killed: it did not stop by itself, after 8.6s\n");
        assert_eq!(progress.summary(Duration::from_secs(9)), "  all stopped in 9.0s - shop was up 4m12s\n");
    }
}
