//! The stream of a project that somebody else runs: its kept output from now on, and each change of state. Ctrl-C only leaves.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use nix::unistd::{getpgrp, tcgetpgrp};

use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::logs::{self, Turn};
use crate::cli::output::say;
use crate::cli::project;
use crate::cli::select::process_name;
use crate::cli::settings::{Settings, Verbosity};
use crate::cli::status::{Transition, transitions};
use crate::cli::up::full_screen;
use crate::model::status::ProjectStatus;
use crate::model::{Signal, Word};
use crate::runtime::clock::Clock;
use crate::runtime::os::Signals;
use crate::ui::keys::HAS_FULL_SCREEN;
use crate::ui::look::Look;
use crate::ui::terminal::{CONTROLLING_TERMINAL, RawTerminal};
use crate::ui::text::{clean, pad, width};

/// How often it is looked whether Ctrl-C was typed or something has changed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many lines that each program has said since the project is up are shown.
const LAST_LINES: usize = 10;

/// Shows the stream of these processes, or of all, until Ctrl-C or the project's end.
pub(super) fn stream(
    settings: &Settings,
    mut connection: Connection,
    before: &ProjectStatus,
    names: &[String],
    timestamps: u8,
    with_keys: bool,
) -> Result<ExitCode, CommandError> {
    let keys = JoinedKeys::open(settings, with_keys);
    let mut signals = Signals::new(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::CONT])?;
    let look = settings.look(&settings.err);
    let project = clean(&connection.owner().name);
    let is_quiet = settings.verbosity == Verbosity::Quiet;
    let tell = |text: String| {
        if !is_quiet {
            say(&text);
        }
    };
    let tell_changes = |before: &ProjectStatus, now: &ProjectStatus| {
        let changes = transitions(before, now).into_iter();
        let shown = changes.filter(|one| names.is_empty() || names.contains(&one.name));
        shown.for_each(|one| tell(line(&one, now, &look)));
    };
    let full = if keys.is_some() { "; t shows the full screen" } else { "" };
    tell(format!("  Ctrl-C leaves, and everything keeps running{full}\n"));
    // What was said before is of another time, by programs that may be gone.
    let began = i64::try_from(connection.owner().since.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let follow = logs::Args {
        names: names.to_vec(),
        follow: true,
        last: Some(LAST_LINES),
        since: began.map(|began| began.to_string()),
        timestamps,
        ..logs::Args::default()
    };
    let mut last = before.clone();
    let mut has_left = false;
    let sought = logs::seek(settings, &follow.names)?;
    let code = logs::run_beside(settings, &follow, sought, LOOK_EVERY, &mut || {
        while let Some(caught) = signals.take()? {
            if caught.signal != Signal::CONT {
                has_left = true;
                return Ok(Turn::Leave);
            }
            // The shell had its own settings meanwhile.
            keys.as_ref().map_or(Ok(()), |keys| keys.raw.resume())?;
        }
        if let Some(keys) = keys.as_ref().filter(|keys| keys.wants_full_screen()) {
            let at = Clock::start().now().wall;
            keys.show_full_screen(settings)?;
            return Ok(Turn::Anew(at));
        }
        if let Some(now) = connection.status_if_answered()? {
            tell_changes(&last, &now);
            last = now;
        }
        Ok(Turn::GoOn)
    })?;
    // What ended it was too quick for a look.
    if !has_left && let Some(end) = project::last_status(&connection.running().places).filter(|end| end.pid == last.pid)
    {
        tell_changes(&last, &end);
    }
    let dot = look.theme.signs().dot;
    tell(if has_left {
        let (up, down) = (look.address.line("up"), look.address.line("down"));
        format!("\n  left; {project} keeps running   {dot}   {up}: this stream again   {dot}   {down}: stop it\n")
    } else {
        format!("  {project} is down\n")
    });
    Ok(code)
}

/// The one key of a stream that is not ours: it shows the full screen.
struct JoinedKeys {
    raw: RawTerminal,
    terminal: File,
}

impl JoinedKeys {
    /// `None` where there are no keys, or no full screen.
    fn open(settings: &Settings, is_wanted: bool) -> Option<Self> {
        if !(is_wanted && HAS_FULL_SCREEN && settings.stdin_is_terminal && settings.err.is_terminal) {
            return None;
        }
        let path = Path::new(CONTROLLING_TERMINAL);
        let raw = RawTerminal::enter(path).ok()?;
        let terminal = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()?;
        Some(Self { raw, terminal })
    }

    /// Whether the key was pressed. What is typed in the background is the shell's.
    fn wants_full_screen(&self) -> bool {
        let mut typed = [0; 64];
        let is_ours = tcgetpgrp(&self.terminal).is_ok_and(|group| group == getpgrp());
        let count = if is_ours { (&self.terminal).read(&mut typed).unwrap_or(0) } else { 0 };
        typed[..count].contains(&b't')
    }

    /// Shows it on our terminal until it is left.
    fn show_full_screen(&self, settings: &Settings) -> Result<(), CommandError> {
        self.raw.lend()?;
        let command = full_screen(settings);
        let shown = command.start().and_then(|mut child| child.wait());
        command.clean_up(shown.as_ref().ok().copied());
        self.raw.take_back()?;
        shown.map(drop).map_err(CommandError::from)
    }
}

/// `  ✓ web     ready in 1.2s`
fn line(transition: &Transition, now: &ProjectStatus, look: &Look) -> String {
    let label = |name: &str| clean(&process_name(name).process);
    let columns = now.processes.iter().map(|process| width(&label(&process.name))).max().unwrap_or(0);
    let process = now.processes.iter().find(|process| process.name == transition.name);
    let latest = process.filter(|process| process.history.last().is_some_and(|entry| entry.what == transition.what));
    let word = latest.map_or_else(|| word_of(&transition.what), |process| process.state);
    let mark = look.theme.word(word, look.mark(word));
    format!("  {mark} {}   {}\n", pad(&label(&transition.name), columns), clean(&transition.what))
}

/// The state that a change which is not the latest led to, as far as its words tell.
fn word_of(what: &str) -> Word {
    let begins = |words: &[&str]| words.iter().any(|word| what.starts_with(word));
    if begins(&["starting"]) {
        Word::Starting
    } else if begins(&["ready", "done"]) {
        Word::Ready
    } else if begins(&["exited", "killed"]) {
        Word::Failed
    } else {
        Word::Off
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::status::{HistoryEntry, SCHEMA};
    use crate::ui::sample_status as sample;

    #[test]
    fn a_change_is_a_line_with_the_mark_of_the_state() {
        let mut shop = sample::shop();
        shop.processes[4].history = vec![HistoryEntry { at: 1, what: "exited 1".into() }];
        let change = Transition { schema: SCHEMA, at: 1, name: "worker".into(), what: "exited 1".into() };
        assert_eq!(line(&change, &shop, &Look::plain()), "  x worker    exited 1\n");
        let earlier = Transition { what: "starting, run 4".into(), ..change };
        assert_eq!(line(&earlier, &shop, &Look::plain()), "  > worker    starting, run 4\n");
        let earlier = Transition { what: "killed by SIGKILL".into(), ..earlier };
        assert_eq!(line(&earlier, &shop, &Look::plain()), "  x worker    killed by SIGKILL\n");
    }
}
