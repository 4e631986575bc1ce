//! The prompt's own: `help`, `quit`, `exit`, and what the end of the input means.

use crate::cli::ctl::command::{self, Completes, CtlCommand};
use crate::cli::ctl::session::Session;
use crate::cli::ctl::trouble::Trouble;

/// The family's rows.
pub(in crate::cli::ctl) const COMMANDS: &[CtlCommand] = &[
    CtlCommand {
        name: "help",
        usage: &[("help", "The list of commands"), ("help <command>", "What a command does")],
        completes: Completes::Actions,
        run: help,
    },
    CtlCommand { name: "quit", usage: &[("quit", "Leave")], completes: Completes::Nothing, run: quit },
    CtlCommand { name: "exit", usage: &[("exit", "Leave")], completes: Completes::Nothing, run: quit },
    CtlCommand { name: "EOF", usage: &[], completes: Completes::Nothing, run: quit },
];

fn help(session: &mut Session<'_>, topic: &str) -> Result<(), Trouble> {
    if topic.is_empty() {
        return session.write(command::topics().as_bytes());
    }
    match command::find(topic).filter(|command| !command.usage.is_empty()) {
        Some(command) => session.write(command.help_text().as_bytes()),
        None => session.say(format_args!("*** No help on {topic}")),
    }
}

fn quit(session: &mut Session<'_>, _: &str) -> Result<(), Trouble> {
    session.is_over = true;
    session.say("")
}
