//! The table of commands. Help and completion are read from it.

use std::fmt::Write as _;

use super::columns::columns;
use super::commands::{config, foreground, logs, processes, server, shell, status};
use super::session::Session;
use super::trouble::Trouble;

/// One command.
#[derive(Debug, Clone, Copy)]
pub struct CtlCommand {
    /// What is typed.
    pub name: &'static str,
    /// Each way to type it, and what that does.
    pub usage: &'static [(&'static str, &'static str)],
    /// What may stand behind it.
    pub completes: Completes,
    /// Does it; the argument is the rest of the line.
    pub run: fn(&mut Session<'_>, &str) -> Result<(), Trouble>,
}

/// What may stand behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes {
    /// Nothing that could be known.
    Nothing,
    /// Names of commands.
    Actions,
    /// Names of groups.
    Groups,
    /// Names of processes and whole groups.
    Processes,
    /// A signal, then those.
    SignalThenProcesses,
}

/// All commands, family by family. What has no usage is not listed.
const FAMILIES: &[&[CtlCommand]] = &[
    status::COMMANDS,
    processes::COMMANDS,
    logs::COMMANDS,
    foreground::COMMANDS,
    config::COMMANDS,
    server::COMMANDS,
    shell::COMMANDS,
];

/// How wide a screen the list of commands is laid out for (Python `cmd.py` `print_topics`).
const SCREEN: usize = 79;

/// Where the second column of the help begins.
const DOC: usize = 32;

/// The commands that are listed, by name.
pub fn commands() -> Vec<&'static CtlCommand> {
    let mut all: Vec<_> = FAMILIES.iter().copied().flatten().filter(|command| !command.usage.is_empty()).collect();
    all.sort_by_key(|command| command.name);
    all
}

/// A command by its name.
pub fn find(name: &str) -> Option<&'static CtlCommand> {
    FAMILIES.iter().copied().flatten().find(|command| command.name == name)
}

impl CtlCommand {
    /// One line for each way to type it.
    pub fn help_text(&self) -> String {
        let mut text = String::new();
        for (synopsis, doc) in self.usage {
            // A String takes everything.
            writeln!(text, "{synopsis:DOC$}{}{doc}", if synopsis.len() < DOC { "" } else { "  " }).ok();
        }
        text
    }
}

/// The names of all commands but `help`, under a headline.
pub fn topics() -> String {
    let headline = "default commands (type help <topic>):";
    let names: Vec<&str> = commands().iter().map(|command| command.name).filter(|name| *name != "help").collect();
    format!("\n{headline}\n{}\n{}\n", "=".repeat(headline.len()), columns(&names, SCREEN))
}

/// What stands below the options in `run ctl -h`.
pub fn overview() -> String {
    let mut text = String::from("Actions (run ctl help ACTION tells more):\n");
    for command in commands() {
        if let [(synopsis, doc), ..] = command.usage {
            writeln!(text, "  {synopsis:DOC$}{doc}").ok();
        }
    }
    text.push_str("\nExit codes: those of supervisorctl; `status` ends with 3 when something listed is down, 4 when nobody answers.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_and_says_what_it_does() {
        let names: Vec<&str> = commands().iter().map(|command| command.name).collect();
        let mut once = names.clone();
        once.dedup();
        assert_eq!(names, once);
        for command in commands() {
            assert!(command.usage.iter().all(|(synopsis, doc)| synopsis.starts_with(command.name) && !doc.is_empty()));
        }
    }

    #[test]
    fn the_list_of_commands_is_that_of_supervisorctl() {
        let expected = [
            "",
            "default commands (type help <topic>):",
            "=====================================",
            "add    exit      open  reload  restart   start   tail   ",
            "avail  fg        pid   remove  shutdown  status  update ",
            "clear  maintail  quit  reread  signal    stop    version",
            "",
            "",
        ];
        assert_eq!(topics(), expected.join("\n"));
    }
}
