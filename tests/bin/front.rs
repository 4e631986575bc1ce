//! A front before a supervisor of a few lines. The supervisor says `supervisor PID` and then does as told: `exit CODE`,
//! `raise NUMBER`, `linger`, `detach CODE` (and lingers).

use run::runtime::front::{OnTerminal, Role, split};

use super::{Outcome, act, say};

pub(crate) fn run(words: &[&str]) -> Outcome {
    let handle = match split()? {
        Role::Front(front) => return Ok(front.run(&OnTerminal::default())?),
        Role::Supervisor(handle) => handle,
    };
    say(&format!("supervisor {}", std::process::id()))?;
    match *words {
        ["detach", code] => {
            handle.detach(code.parse()?)?;
            act(&["linger"])
        }
        // Without the handle nothing can come from here any more, and the front must still wait.
        ["exit" | "raise", ..] => {
            drop(handle);
            act(words)
        }
        _ => act(words),
    }
}
