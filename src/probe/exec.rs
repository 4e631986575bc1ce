//! `ready = { exec = "pg_isready" }`: a command exits 0. It is run by whoever made the context, never forked here.

use std::time::Duration;

use tokio::time::timeout;

use super::{Answer, ProbeContext};
use crate::model::units::human_duration;
use crate::model::{Exit, ProbeSchema};

/// How the kind presents itself.
pub const SCHEMA: ProbeSchema = ProbeSchema {
    name: "exec",
    value: "a command line for sh",
    doc: "Ready when this command exits 0. It runs under sh as the program's own user, in its environment and directory.",
    params: &[],
    problem: |_| None,
};

/// How long one attempt may take; then it is given up and its command ended.
const LIMIT: Duration = Duration::from_secs(30);

/// Longest part of a command's last line that is shown, in characters.
const LONGEST_LINE: usize = 80;

/// Runs the command once.
pub async fn check(command: &str, context: &ProbeContext) -> Answer {
    check_within(LIMIT, command, context).await
}

async fn check_within(limit: Duration, command: &str, context: &ProbeContext) -> Answer {
    match timeout(limit, (context.run)(command)).await {
        Ok(Ok((exit, line))) => judge(exit, &line),
        Ok(Err(error)) => Answer::fail(format!("exec could not run: {error}")),
        Err(_) => Answer::fail(format!("exec no answer in {}", human_duration(limit))),
    }
}

fn judge(exit: Exit, last_line: &str) -> Answer {
    let how = match exit {
        Exit::Code(0) => return Answer::pass("exec exit 0"),
        Exit::Code(code) => format!("exec exit {code}"),
        Exit::Signal { .. } => format!("exec {exit}"),
    };
    match shown(last_line) {
        line if line.is_empty() => Answer::fail(how),
        line => Answer::fail(format!("{how}: {line}")),
    }
}

/// A line of a program's output as a message may carry it: trimmed, without control characters, cut.
pub(super) fn shown(line: &str) -> String {
    let clean: String = line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = clean.trim();
    if clean.chars().count() <= LONGEST_LINE {
        clean.to_owned()
    } else {
        clean.chars().take(LONGEST_LINE - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::model::{Signal, WallTime};
    use crate::probe::RunCommand;

    fn context(run: RunCommand) -> ProbeContext {
        ProbeContext { directory: PathBuf::from("/"), started: WallTime(0), run }
    }

    fn ended(exit: Exit, line: &'static str) -> ProbeContext {
        context(Arc::new(move |_| Box::pin(async move { Ok((exit, line.to_owned())) })))
    }

    #[tokio::test]
    async fn the_exit_code_decides_and_the_last_line_explains() {
        let cases = [
            (Exit::Code(0), "accepting", Answer::pass("exec exit 0")),
            (Exit::Code(1), "no response\n", Answer::fail("exec exit 1: no response")),
            (Exit::Code(2), "", Answer::fail("exec exit 2")),
            (Exit::Signal { signal: Signal::KILL, core: false }, "", Answer::fail("exec killed by SIGKILL")),
        ];
        for (exit, line, answer) in cases {
            assert_eq!(check("pg_isready", &ended(exit, line)).await, answer);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_run_fails_with_the_reason() {
        let run: RunCommand = Arc::new(|_| Box::pin(async { Err(io::Error::other("no more processes")) }));
        assert_eq!(check("x", &context(run)).await, Answer::fail("exec could not run: no more processes"));
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_given_up() {
        let run: RunCommand = Arc::new(|_| Box::pin(std::future::pending()));
        let answer = check_within(Duration::from_millis(1), "x", &context(run)).await;
        assert_eq!(answer, Answer::fail("exec no answer in 0.0s"));
    }

    #[test]
    fn output_cannot_forge_a_line() {
        assert_eq!(shown("a\x1b[2Jb\rc"), "a [2Jb c");
        assert_eq!(shown(&"x".repeat(200)).chars().count(), 80);
    }
}
