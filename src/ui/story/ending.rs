//! The stop story, from the first Ctrl-C to the summary.

use std::time::Duration;

use crate::model::units::{and_others, human_duration, round_duration};
use crate::model::{Dialect, ProcessId, Word};
use crate::supervisor::notice::StopWhy;
use crate::supervisor::snapshot::Snapshot;
use crate::ui::reason::short_exit;
use crate::ui::story::Story;
use crate::ui::text::{clean, cut_end};
use crate::ui::theme::Ink;

/// How many failed ones a summary names.
const NAMED: usize = 3;

impl Story {
    pub(super) fn stopping(&mut self, count: usize, now: bool) -> Vec<String> {
        (self.is_ending, self.is_killing) = (true, self.is_killing || now);
        let hint = if self.telling.on_terminal { " (again: kill now)" } else { "" };
        let text = match (count, now) {
            (0, _) => return Vec::new(),
            (count, true) => format!("killing {count} now"),
            (1, false) => format!("stopping 1{hint}"),
            (count, false) => format!("stopping {count} in reverse order{hint}"),
        };
        vec![format!("  {}", self.telling.theme.paint(Ink::Strong, &text))]
    }

    pub(super) fn stopped(&mut self, process: ProcessId, after: Duration, why: StopWhy, killed: bool) -> String {
        let took = human_duration(after);
        let was_busy = self.known.get_mut(process.index()).is_some_and(|known| std::mem::take(&mut known.was_busy));
        let brief = self.is_ending && !was_busy;
        let text = match why {
            StopWhy::Shutdown if killed && self.is_killing => "killed".to_owned(),
            StopWhy::Shutdown if killed => format!("killed after {took}"),
            StopWhy::Shutdown if brief => took.clone(),
            StopWhy::Shutdown => format!("stopped after {took}"),
            StopWhy::User => format!("stopped by you ({took})"),
            StopWhy::Restart => format!("stopped for a restart ({took})"),
            StopWhy::Changed => format!("stopped for its new config ({took})"),
            StopWhy::Files => format!("stopped for its changed files ({took})"),
            StopWhy::Removed => format!("stopped: gone from the config ({took})"),
            StopWhy::Dependency(on) => format!("stopped: its dependency {} went away ({took})", self.names.label(on)),
            StopWhy::NotReady => format!("stopped: not ready in time ({took})"),
            StopWhy::Unhealthy => format!("stopped: unhealthy ({took})"),
            StopWhy::Background => format!("ended in the background ({took})"),
            StopWhy::Leftovers => format!("what it had left behind is gone ({took})"),
        };
        let text = if killed && why != StopWhy::Shutdown { format!("{text}, {}", self.by_kill(process)) } else { text };
        self.line(Ink::Quiet, process, &text)
    }

    /// `restarting: src/main.rs changed (+2)`
    pub(super) fn files_changed(&self, process: ProcessId, file: &str, more: usize, snapshot: &Snapshot) -> String {
        let theme = self.telling.theme;
        let is_task = snapshot.get(process).is_some_and(|info| info.is_task);
        let verb = if is_task { "again" } else { "restarting" };
        let others = and_others(more);
        self.marked(
            &theme.paint(Ink::Busy, theme.signs().again),
            process,
            &format!("{verb}: {} changed{others}", clean(file)),
        )
    }

    pub(super) fn rewrites_itself(&self, process: ProcessId, file: &str) -> String {
        let (name, run) = (self.names.label(process), &self.telling.command);
        let text = format!("changes {} itself within moments of every start, which no longer restarts it", clean(file));
        self.line(Ink::Warn, process, &format!("{text}; {run} restart {name}"))
    }

    /// Why it had to be killed.
    fn by_kill(&self, process: ProcessId) -> String {
        match self.known.get(process.index()) {
            Some(known) => {
                let patience = round_duration(known.stopwaitsecs);
                format!("by SIGKILL: {} did not end it within {patience}", known.stopsignal)
            }
            None => "by SIGKILL".to_owned(),
        }
    }

    /// `still busy after 8s of 10s, SIGTERM sent; SIGKILL at 10s`
    pub(super) fn still_stopping(&mut self, process: ProcessId, elapsed: Duration, limit: Duration) -> String {
        let (elapsed, limit) = (round_duration(elapsed), round_duration(limit));
        let sent = match self.known.get_mut(process.index()) {
            Some(known) => {
                known.was_busy = true;
                format!(", {} sent", known.stopsignal)
            }
            None => String::new(),
        };
        self.line(Ink::Warn, process, &format!("still busy after {elapsed} of {limit}{sent}; SIGKILL at {limit}"))
    }

    pub(super) fn will_not_die(&self, process: ProcessId) -> String {
        let pid = match self.known.get(process.index()).map_or(0, |known| known.pid) {
            0 => String::new(),
            pid => format!(" (pid {pid})"),
        };
        let text = format!("SIGKILL has not ended it{pid}: the kernel holds it, most often in a disk or network call");
        self.line(Ink::Bad, process, &self.telling.theme.paint(Ink::Bad, &text))
    }

    pub(super) fn ends_run(&self, process: ProcessId, code: u8) -> String {
        let rule = match self.dialect {
            Dialect::Procfile if code != 0 => " (--keep-going lets the others run)",
            Dialect::Procfile | Dialect::Native | Dialect::Supervisord => "",
        };
        let ink = if code == 0 { Ink::Quiet } else { Ink::Bad };
        self.line(ink, process, &format!("its end ends the run, exit code {code}{rule}"))
    }

    /// `all stopped in 9.0s · up 5m02s · worker failed (exit 1)`
    pub(super) fn all_stopped(
        &self,
        took: Duration,
        up: Duration,
        (failed, left): (&[ProcessId], &[ProcessId]),
        snapshot: &Snapshot,
    ) -> String {
        let theme = self.telling.theme;
        let others: Vec<&str> = left.iter().map(|id| self.names.label(*id)).collect();
        let but = if others.is_empty() { String::new() } else { format!(" but {}", others.join(", ")) };
        let mut parts =
            vec![format!("all{but} stopped in {}", human_duration(took)), format!("up {}", human_duration(up))];
        let named = failed.iter().take(NAMED);
        parts.extend(named.map(|id| theme.paint(Ink::Bad, &self.how_it_failed(*id, snapshot))));
        if failed.len() > NAMED {
            parts.push(theme.paint(Ink::Bad, &format!("{} more failed", failed.len() - NAMED)));
        }
        format!("  {}", parts.join(&format!(" {} ", theme.signs().dot)))
    }

    /// `worker failed (exit 1)`, `web not started`.
    fn how_it_failed(&self, process: ProcessId, snapshot: &Snapshot) -> String {
        let label = self.names.label(process);
        let Some(info) = snapshot.get(process) else { return format!("{label} failed") };
        if info.word == Word::Blocked || (info.runs == 0 && info.spawn_error.is_empty()) {
            return format!("{label} not started");
        }
        match (info.failed_otherwise.as_deref(), info.last_exit) {
            (Some(why), _) => format!("{label} failed ({})", cut_end(&clean(why), 60, self.telling.theme.signs().cut)),
            (None, Some(exit)) => format!("{label} failed ({})", short_exit(exit)),
            (None, None) => format!("{label} failed"),
        }
    }
}
