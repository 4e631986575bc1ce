//! `on_crash`: a command of the user's own that is told of each failure. It runs beside everything else, for a bounded time, and
//! nothing waits for it but the end of the project, for a moment.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use tokio::time::error::Elapsed;
use tokio::time::{timeout, timeout_at};

use crate::model::Exit;
use crate::model::units::{human_duration, round_duration};
use crate::runtime::driver::{Driver, Later, Woken};
use crate::runtime::helpers::HookInput;
use crate::runtime::signals::Signals;
use crate::runtime::spawner::Spawner;
use crate::supervisor::action::Crash;

/// How long a hook may take; then it is ended.
const LIMIT: Duration = Duration::from_secs(30);

/// How long the end of the project waits for hooks.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// How many of the run's last lines it is given.
const LINES: usize = 50;

impl<S: Spawner> Driver<S> {
    /// Runs the hook of a process that has crashed.
    pub(super) fn on_crash(&mut self, crash: Crash) {
        let Some(definition) = self.parts.supervisor.definition(crash.process) else { return };
        let Some(command) = definition.program().on_crash.clone() else { return };
        let name = definition.instance().name.to_string();
        let (hub, desk, later) = (self.parts.hub.clone(), self.desk.clone(), self.later.clone());
        self.hooks += 1;
        tokio::spawn(async move {
            let tail = hub.last_lines(crash.process, crash.run, LINES).await;
            let input =
                HookInput { run: crash.run, variables: variables(&crash), text: text(&name, &crash, &tail.lines) };
            let outcome = timeout(LIMIT, desk.run_hook(crash.process, command, input)).await;
            // The driver outlives its tasks; after its end nobody listens.
            drop(
                later.send(Later::HookEnded(problem(&outcome).map(|problem| format!("on_crash of {name} {problem}")))),
            );
        });
    }

    /// One is over; what went wrong with it is told.
    pub(super) fn hook_ended(&mut self, problem: Option<String>) {
        self.hooks = self.hooks.saturating_sub(1);
        if let Some(problem) = problem {
            self.parts.narrator.remark(problem);
        }
    }

    /// The project has ended: hooks that are under way get a moment. A signal ends that as well.
    pub(super) async fn finish_hooks(&mut self, signals: &mut Signals) {
        let until = (Instant::now() + LAST_MOMENT).into();
        while self.hooks > 0 {
            match timeout_at(until, self.wake(signals)).await {
                Err(_) | Ok(Woken::Signal(_) | Woken::Report(None)) => return,
                Ok(woken) => self.woken(woken),
            }
            self.publish();
        }
    }
}

/// What it finds in its environment beside the program's own.
fn variables(crash: &Crash) -> Vec<(String, String)> {
    let exit = crash.exit.map(|exit| exit.shell_code().to_string()).unwrap_or_default();
    let state = if crash.again_in.is_some() { "retrying" } else { "failed" };
    [
        ("RUN_REASON", crash.reason.to_string()),
        ("RUN_EXIT", exit),
        ("RUN_RUNS", crash.run.to_string()),
        ("RUN_STATE", state.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value.replace('\0', "")))
    .into()
}

/// What it reads: the reason in a line, an empty line, the run's last lines.
fn text(name: &str, crash: &Crash, lines: &[String]) -> String {
    let next = match crash.again_in {
        None => "no further try".to_owned(),
        Some(Duration::ZERO) => "again now".to_owned(),
        Some(wait) => format!("again in {}", round_duration(wait)),
    };
    let mut text =
        format!("{name}: {} (run {}, after {}), {next}\n", crash.reason, crash.run, human_duration(crash.after));
    for (at, line) in lines.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{gap}{line}");
    }
    text
}

/// What is worth a line about a hook.
fn problem(outcome: &Result<io::Result<Exit>, Elapsed>) -> Option<String> {
    match outcome {
        Ok(Ok(Exit::Code(0))) => None,
        Ok(Ok(exit)) => Some(exit.to_string()),
        Ok(Err(error)) => Some(format!("could not run: {error}")),
        Err(_) => Some(format!("was ended: it took longer than {}", round_duration(LIMIT))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ProcessId, Signal};
    use crate::supervisor::notice::Reason;

    fn crash(exit: Exit, again_in: Option<Duration>) -> Crash {
        let after = Duration::from_millis(2040);
        Crash { process: ProcessId(0), run: 3, reason: Reason::Exit(exit), exit: Some(exit), after, again_in }
    }

    #[test]
    fn a_hook_reads_the_reason_and_the_last_lines() {
        let lines = ["connecting".to_owned(), "refused".to_owned()];
        let told = text("worker", &crash(Exit::Code(1), Some(Duration::from_secs(2))), &lines);
        assert_eq!(told, "worker: exited 1 (run 3, after 2.0s), again in 2s\n\nconnecting\nrefused\n");
        let told = text("worker", &crash(Exit::Code(1), None), &[]);
        assert_eq!(told, "worker: exited 1 (run 3, after 2.0s), no further try\n");
    }

    #[test]
    fn a_hook_finds_the_facts_in_its_environment() {
        let exit = Exit::Signal { signal: Signal(11), core: true };
        let found: Vec<String> =
            variables(&crash(exit, None)).iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            found,
            ["RUN_REASON=killed by SIGSEGV (core dumped)", "RUN_EXIT=139", "RUN_RUNS=3", "RUN_STATE=failed"]
        );
    }

    #[test]
    fn a_hook_that_does_well_is_not_spoken_of() {
        assert_eq!(problem(&Ok(Ok(Exit::Code(0)))), None);
        assert_eq!(problem(&Ok(Ok(Exit::Code(127)))).as_deref(), Some("exited 127"));
    }
}
