//! The prompt: lines until one ends it (supervisor `supervisorctl.py` `exec_cmdloop`, Python `cmd.py` `cmdloop`).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::complete::Names;
use super::input::Typed;
use super::process::Process;
use super::prompt::Prompt;
use super::session::Session;
use super::target::Target;
use super::trouble::Trouble;
use crate::cli::error::CommandError;

/// How long the server may take to name its processes for a completion.
const LIMIT: Duration = Duration::from_secs(1);

/// Shows the status, then does what is typed, until `quit`, the end of the input, or Ctrl-C.
pub fn run(session: &mut Session<'_>) -> Result<(), CommandError> {
    session.interrupt()?;
    session.run_line("status", None)?;
    let is_terminal = session.settings().stdin_is_terminal && session.settings().out.is_terminal;
    let prompt = format!("{}> ", session.target.prompt);
    let asked = Rc::new(RefCell::new(session.target.clone()));
    let mut editor = None;
    if is_terminal {
        let target = Rc::clone(&asked);
        editor = Some(Prompt::new(session.target.history.as_deref(), move || processes_of(&target.borrow()))?);
    }
    while !session.is_over {
        // `open` and a password change whom the completion asks.
        asked.replace(session.target.clone());
        let typed = match &mut editor {
            Some(editor) => editor.line(&prompt)?,
            None => plain_line(session, &prompt)?,
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

/// Without a terminal: the prompt is written, and a line is read.
fn plain_line(session: &mut Session<'_>, prompt: &str) -> Result<Typed, Trouble> {
    session.write(prompt.as_bytes())?;
    let (input, interrupt) = session.input()?;
    Ok(input.line(interrupt)?)
}

/// Asks a server for its processes; silent when it does not answer.
fn processes_of(target: &Target) -> Vec<Names> {
    let ask = || {
        let mut client = target.connect().ok()?;
        client.set_timeout(Some(LIMIT)).ok()?;
        Process::read_all(&client.call("supervisor.getAllProcessInfo", &[]).ok()?).ok()
    };
    ask().unwrap_or_default().into_iter().map(|process| (process.group, process.name)).collect()
}
