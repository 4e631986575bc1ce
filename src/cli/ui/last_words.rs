//! What is said when the full screen is left: the last lines of whoever failed while nobody saw the stream.

use crate::cli::logs::last_lines;
use crate::cli::output::say;
use crate::cli::settings::{Settings, Verbosity};
use crate::registry::Running;
use crate::ui::text::clean;
use crate::ui::tui::state::{Link, State, has_failed};

/// So many lines of each.
const LINES: usize = 20;

/// Says it. Where a stream comes back, that has it all.
pub(super) fn tell(settings: &Settings, state: &State, running: &Running) {
    if state.from_stream || settings.verbosity == Verbosity::Quiet {
        return;
    }
    let look = settings.look(&settings.err);
    let signs = look.theme.signs();
    if state.link == Link::Ended {
        say(&format!("{} has ended\n", clean(&running.owner.name)));
    }
    let failed = state.listed().into_iter().filter(|process| has_failed(process.state));
    for process in failed.filter(|process| state.failed_meanwhile.contains(&process.name)) {
        let name = clean(&process.name);
        // A retry that is on its way has not failed yet.
        let run = if process.pid == 0 { process.runs } else { process.runs.saturating_sub(1) };
        let lines = last_lines(&running.places, &process.name, run, LINES);
        let said = match lines.len() {
            0 => "no output".to_owned(),
            1 => "last line".to_owned(),
            count => format!("last {count} lines"),
        };
        say(&format!("{} {name}, run {run}, {}, {said}\n", signs.top, clean(&process.last_exit)));
        for line in &lines {
            say(&format!("{} {}\n", signs.bar, clean(line)));
        }
        let next = look.address.line(&format!("why {name}"));
        say(&format!("{} next: {next}\n", signs.bottom));
    }
}
