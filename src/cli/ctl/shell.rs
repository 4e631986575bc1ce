//! The prompt: lines until one ends it (supervisor `supervisorctl.py` `exec_cmdloop`, Python `cmd.py` `cmdloop`).

use std::time::Duration;

use super::complete::Names;
use super::input::Typed;
use super::process::Process;
use super::prompt::Prompt;
use super::session::Session;
use super::target::Target;
use crate::cli::error::CommandError;

/// How long the server may take to name its processes for a completion.
const LIMIT: Duration = Duration::from_secs(1);

/// Shows the status, then does what is typed, until `quit`, the end of the input, or Ctrl-C.
pub fn run(session: &mut Session<'_>) -> Result<(), CommandError> {
    session.interrupt()?;
    session.run_line("status", None)?;
    let is_terminal = session.settings().stdin_is_terminal && session.settings().out.is_terminal;
    let prompt = format!("{}> ", session.target.prompt);
    let mut editor = None;
    while !session.is_over {
        let typed = if is_terminal {
            let target = session.target.clone();
            let editor = match &mut editor {
                Some((known, editor)) if *known == target => editor,
                stale => {
                    // Written before the next one reads it.
                    *stale = None;
                    let ask = processes_of(target.clone());
                    &mut stale.insert((target.clone(), Prompt::new(target.history.as_deref(), ask)?)).1
                }
            };
            editor.line(&prompt)?
        } else {
            session.write(prompt.as_bytes())?;
            let (input, interrupt) = session.input()?;
            input.line(interrupt)?
        };
        match typed {
            Typed::Line(line) => session.run_line(&line, None)?,
            Typed::End => session.run_line("EOF", None)?,
            Typed::Interrupted => {
                session.say("")?;
                session.is_over = true;
            }
        }
    }
    Ok(())
}

/// Asks a server for its processes; silent when it does not answer.
fn processes_of(target: Target) -> impl Fn() -> Vec<Names> {
    move || {
        let ask = || {
            let mut client = target.connect().ok()?;
            client.set_timeout(Some(LIMIT)).ok()?;
            Process::read_all(&client.call("supervisor.getAllProcessInfo", &[]).ok()?).ok()
        };
        ask().unwrap_or_default().into_iter().map(|process| (process.group, process.name)).collect()
    }
}
