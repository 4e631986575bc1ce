//! Why a run ended, as a sentence.

use crate::model::{Exit, Signal};
use crate::supervisor::notice::Reason;
use crate::ui::text::clean;
use crate::ui::theme::Signs;

/// The whole sentence: `exited 1`, `killed by SIGSEGV (core dumped)`, `not ready within 60s (last: http 503)`. Who has killed it
/// can be guessed when the kernel ran out of memory around that time.
pub fn sentence(reason: &Reason, out_of_memory: bool, signs: &Signs) -> String {
    match reason {
        Reason::Exit(exit) => exit_sentence(*exit, out_of_memory, signs),
        Reason::Signalled(_)
        | Reason::Background(_)
        | Reason::Unhealthy(_)
        | Reason::Spawn(_)
        | Reason::NotReady { .. } => clean(&reason.to_string()),
    }
}

/// The few words that name a repeated end: `exit 1`, `killed by SIGSEGV`.
pub fn short(reason: &Reason, signs: &Signs) -> String {
    match reason {
        Reason::Exit(exit) | Reason::Signalled(exit) => short_exit(*exit),
        Reason::Spawn(_) | Reason::NotReady { .. } | Reason::Background(_) | Reason::Unhealthy(_) => {
            sentence(reason, false, signs)
        }
    }
}

/// The few words for an end: `exit 1`, `killed by SIGSEGV`.
pub fn short_exit(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal { signal, .. } => format!("killed by {signal}"),
    }
}

/// An end that nobody of us caused. The signals that ask or force a program to end raise the question who sent them.
fn exit_sentence(exit: Exit, out_of_memory: bool, signs: &Signs) -> String {
    match exit {
        Exit::Signal { signal: Signal::KILL, .. } => {
            let suspect = if out_of_memory { "; probably the kernel's out-of-memory killer" } else { "" };
            format!("{exit} {} not by us{suspect}", signs.dash)
        }
        Exit::Signal { signal: Signal::TERM | Signal::INT | Signal::HUP, .. } => {
            format!("{exit} {} not by us", signs.dash)
        }
        Exit::Code(_) | Exit::Signal { .. } => exit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ui::theme::Theme;

    fn said(reason: &Reason, out_of_memory: bool) -> String {
        sentence(reason, out_of_memory, Theme::default().signs())
    }

    fn signal(number: i32, core: bool) -> Reason {
        Reason::Exit(Exit::Signal { signal: Signal(number), core })
    }

    #[test]
    fn every_end_is_a_sentence() {
        let not_ready = Reason::NotReady { limit: Duration::from_mins(1), last: Some("http 503".to_owned()) };
        let spawn = Reason::Spawn("no such file or directory: ./bin/api (looked in ./worker)".to_owned());
        for (reason, text) in [
            (Reason::Exit(Exit::Code(1)), "exited 1"),
            (signal(11, true), "killed by SIGSEGV (core dumped)"),
            (signal(9, false), "killed by SIGKILL — not by us"),
            (signal(15, false), "killed by SIGTERM — not by us"),
            (Reason::Signalled(Exit::Signal { signal: Signal::KILL, core: false }), "killed by SIGKILL, sent by you"),
            (not_ready, "not ready within 60s (last: http 503)"),
            (spawn, "could not start: no such file or directory: ./bin/api (looked in ./worker)"),
            (Reason::Spawn("could not enter the directory: ./x".to_owned()), "could not enter the directory: ./x"),
        ] {
            assert_eq!(said(&reason, false), text);
        }
    }

    #[test]
    fn the_memory_killer_is_suspected_only_with_a_fact_at_hand() {
        assert_eq!(
            said(&signal(9, false), true),
            "killed by SIGKILL — not by us; probably the kernel's out-of-memory killer"
        );
        assert_eq!(said(&signal(15, false), true), "killed by SIGTERM — not by us");
        assert_eq!(said(&Reason::Exit(Exit::Code(1)), true), "exited 1");
    }
}
