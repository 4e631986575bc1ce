//! One conversation: lines are taken apart and done, one after the other, and what they leave is the exit status.

use std::io::{self, Write};

use super::command::{self, CtlCommand};
use super::input::{Input, Typed};
use super::interrupt::Interrupt;
use super::plugin;
use super::target::Target;
use super::trouble::Trouble;
use crate::api::fault::{ABNORMAL_TERMINATION, NOT_RUNNING, SPAWN_ERROR, SUCCESS, UNKNOWN_METHOD};
use crate::cli::error::CommandError;
use crate::cli::exit_code::CtlStatus;
use crate::cli::output::say;
use crate::cli::settings::Settings;
use crate::client::Client;
use crate::codec::xmlrpc::Value;

/// The version of supervisord's interface that this client speaks (supervisor `rpcinterface.py` `API_VERSION`).
const API_VERSION: &str = "3.0";

/// A conversation.
pub struct Session<'a> {
    /// With whom.
    pub target: Target,
    /// Whether the prompt is to end.
    pub is_over: bool,
    settings: &'a Settings,
    out: &'a mut dyn Write,
    status: CtlStatus,
    client: Option<Client>,
    interrupt: Option<Interrupt>,
    input: Option<Input>,
}

impl<'a> Session<'a> {
    /// A conversation that has not begun.
    pub fn new(target: Target, settings: &'a Settings, out: &'a mut dyn Write) -> Self {
        let status = CtlStatus::Fine;
        Self { target, is_over: false, settings, out, status, client: None, interrupt: None, input: None }
    }

    /// What the conversation ends with.
    pub fn status(&self) -> CtlStatus {
        self.status
    }

    /// The settings of the command line.
    pub fn settings(&self) -> &Settings {
        self.settings
    }

    /// Notes a failure. Nothing that goes well afterwards takes it back.
    pub fn fail(&mut self, status: CtlStatus) {
        self.status = status;
    }

    /// Notes a fault by its code, unless it is the one that is no failure here (supervisor `supervisorctl.py`
    /// `set_exitstatus_from_xmlrpc_fault`).
    pub fn fail_by_fault(&mut self, code: i64, harmless: Option<i32>) {
        let is = |fault: i32| code == i64::from(fault);
        if is(SUCCESS) || harmless.is_some_and(is) {
            return;
        }
        let is_dead = [SPAWN_ERROR, ABNORMAL_TERMINATION, NOT_RUNNING].into_iter().any(is);
        self.status = if is_dead { CtlStatus::NotRunning } else { CtlStatus::Generic };
    }

    /// Does the words of a command line. A command that is not ours is looked for on the PATH.
    pub fn run_words(&mut self, words: &[String]) -> Result<(), CommandError> {
        self.run_line(&words.join(" "), Some(words))
    }

    /// Does a line. What goes wrong with it is told; only an output that nobody reads, or Ctrl-C, is an error.
    pub fn run_line(&mut self, line: &str, words: Option<&[String]>) -> Result<(), CommandError> {
        let done = match parse(line) {
            None => Ok(()),
            Some((name, argument, line)) => match command::find(name) {
                Some(command) => self.run_command(command, argument),
                None => self.run_unknown(line, words),
            },
        };
        self.client = None;
        Ok(done.or_else(|trouble| self.tell(trouble))?)
    }

    /// A command, and what becomes of it when the server wants a password (supervisor `supervisorctl.py` `onecmd`): at the prompt
    /// the user is asked for one; else it is tried once more, and fails again.
    fn run_command(&mut self, command: &CtlCommand, argument: &str) -> Result<(), Trouble> {
        loop {
            match (command.run)(self, argument) {
                Err(Trouble::Status { code: 401, .. }) => {}
                done => return done,
            }
            self.client = None;
            self.say("Server requires authentication")?;
            if !self.target.is_interactive {
                self.fail(CtlStatus::Generic);
                return (command.run)(self, argument);
            }
            self.target.username = Some(self.ask("Username:")?);
            self.target.password = Some(self.ask_secret("Password:")?);
            self.say("")?;
        }
    }

    fn run_unknown(&mut self, line: &str, words: Option<&[String]>) -> Result<(), Trouble> {
        if let Some(status) = plugin::run(self, line, words)? {
            self.status = status;
            return Ok(());
        }
        self.fail(CtlStatus::Generic);
        if let Some(plugin) = self.target.plugins.first() {
            say(&format!(
                "[{plugin}] is a plugin in Python, which is not loaded; a program run-ctl-NAME takes its place\n"
            ));
        }
        self.say(format_args!("*** Unknown syntax: {line}"))
    }

    fn tell(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        match trouble {
            Trouble::Own(_) => Err(trouble),
            Trouble::Interrupted => {
                self.is_over = true;
                self.say("")
            }
            Trouble::Fault { .. }
            | Trouble::Status { .. }
            | Trouble::Connect { .. }
            | Trouble::NotUp(_)
            | Trouble::Lost
            | Trouble::Raised { .. } => {
                self.fail(CtlStatus::Generic);
                self.say(format_args!("error: {trouble}"))
            }
        }
    }

    /// Writes a line.
    pub fn say(&mut self, line: impl std::fmt::Display) -> Result<(), Trouble> {
        self.write(format!("{line}\n").as_bytes())
    }

    /// Writes bytes at once.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.out.write_all(bytes).and_then(|()| self.out.flush()).map_err(Trouble::Own)
    }

    /// Writes what a command has to say about itself.
    pub fn help_of(&mut self, name: &str) -> Result<(), Trouble> {
        let text = command::find(name).map(CtlCommand::help_text).unwrap_or_default();
        self.write(text.as_bytes())
    }

    /// Refuses a command line: a sentence, and the help.
    pub fn refuse(&mut self, status: CtlStatus, sentence: &str, command: &str) -> Result<(), Trouble> {
        self.say(sentence)?;
        self.fail(status);
        self.help_of(command)
    }

    /// Calls `supervisor.METHOD`.
    pub fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, Trouble> {
        let client = match &mut self.client {
            Some(client) => client,
            none => {
                let mut client = self.target.connect()?;
                if let Some(interrupt) = &self.interrupt {
                    client.interrupted_by(interrupt.handle()?);
                }
                none.insert(client)
            }
        };
        let answer = client.call(&format!("supervisor.{method}"), params).map_err(Trouble::from);
        if matches!(answer, Err(Trouble::Interrupted)) {
            self.forget_interrupt();
        }
        if matches!(answer, Err(ref trouble) if trouble.fault_code().is_none()) {
            self.client = None;
        }
        answer
    }

    /// The next call connects again.
    pub fn disconnect(&mut self) {
        self.client = None;
    }

    /// Whether the server is there and speaks our version; else says what is wrong (supervisor `supervisorctl.py` `upcheck`).
    pub fn upcheck(&mut self) -> Result<bool, Trouble> {
        let (status, sentence) = match self.call("getVersion", &[]) {
            Ok(version) if version.as_str() == Some(API_VERSION) => return Ok(true),
            Ok(version) => {
                let version = version.as_str().unwrap_or("unknown");
                (
                    CtlStatus::WrongVersion,
                    format!("The server speaks version {version} of the interface, not {API_VERSION}."),
                )
            }
            Err(trouble) if trouble.fault_code() == Some(UNKNOWN_METHOD) => (
                CtlStatus::Unimplemented,
                "The server has no supervisor namespace: its configuration lacks [rpcinterface:supervisor].".to_owned(),
            ),
            Err(Trouble::NotUp(sentence)) => (CtlStatus::NotRunning, sentence),
            Err(Trouble::Connect { error }) if error.kind() == io::ErrorKind::ConnectionRefused => {
                (CtlStatus::Refused, format!("{} refused connection", self.target.url()))
            }
            Err(Trouble::Connect { error })
                if error.kind() == io::ErrorKind::NotFound && error.raw_os_error().is_some() =>
            {
                (CtlStatus::NotRunning, format!("{} no such file", self.target.url()))
            }
            Err(trouble) => return Err(trouble),
        };
        self.fail(status);
        self.say(sentence)?;
        Ok(false)
    }

    /// From now on Ctrl-C ends what is waited for, not us.
    pub fn interrupt(&mut self) -> Result<&Interrupt, Trouble> {
        match &mut self.interrupt {
            Some(interrupt) => Ok(interrupt),
            none => Ok(none.insert(Interrupt::catch()?)),
        }
    }

    /// What was pressed so far is not meant for us.
    pub fn forget_interrupt(&self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.clear();
        }
    }

    /// Our stdin, and what interrupts waits.
    pub fn input(&mut self) -> Result<(&mut Input, Option<&Interrupt>), Trouble> {
        let input = match &mut self.input {
            Some(input) => input,
            none => none.insert(Input::stdin()?),
        };
        Ok((input, self.interrupt.as_ref()))
    }

    /// Asks for a line.
    pub fn ask(&mut self, question: &str) -> Result<String, Trouble> {
        self.write(question.as_bytes())?;
        let (input, interrupt) = self.input()?;
        let typed = input.line(interrupt)?;
        input.reopen();
        line_of(typed)
    }

    /// Asks for a line that is not shown. The question goes to stderr, as Python's `getpass` has it.
    fn ask_secret(&mut self, question: &str) -> Result<String, Trouble> {
        say(question);
        // Else Ctrl-C would end us while the terminal shows nothing.
        self.interrupt()?;
        let (input, interrupt) = self.input()?;
        let typed = input.secret(interrupt)?;
        input.reopen();
        if typed == Typed::Interrupted {
            self.fail(CtlStatus::Generic);
        }
        line_of(typed)
    }
}

fn line_of(typed: Typed) -> Result<String, Trouble> {
    match typed {
        Typed::Line(line) => Ok(line),
        Typed::End => Err(Trouble::raised("EOFError", "EOF when reading a line")),
        Typed::Interrupted => Err(Trouble::Interrupted),
    }
}

/// The command of a line, its argument, and the line; `None` for an empty one (Python `cmd.py` `parseline`). `?` means help.
fn parse(line: &str) -> Option<(&str, &str, &str)> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    if let Some(topic) = line.strip_prefix('?') {
        return Some(("help", topic.trim(), line));
    }
    let end = line.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').unwrap_or(line.len());
    Some((&line[..end], line[end..].trim(), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_and_its_argument() {
        assert_eq!(parse("  "), None);
        assert_eq!(parse(" tail -f web "), Some(("tail", "-f web", "tail -f web")));
        assert_eq!(parse("?start"), Some(("help", "start", "?start")));
        assert_eq!(parse("tail-f"), Some(("tail", "-f", "tail-f")));
        assert_eq!(parse("!ls"), Some(("", "!ls", "!ls")));
    }
}
