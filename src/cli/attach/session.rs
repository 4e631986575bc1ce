//! The conversation: frames in, keys out, until one of both sides leaves.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use nix::sys::signal::{Signal as Number, raise};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::Args;
use super::input::{Input, LEAVE, Typed, before_leaving, has_interrupt};
use super::screen::Screen;
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::client::ClientError;
use crate::client::attach::{Hearing, Saying};
use crate::codec::attach::{Frame, State};
use crate::ui::terminal::Typing;
use crate::ui::text::clean;

/// How long who leaves waits for a project that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why the conversation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The user left, or our stdin has ended.
    Left,
    /// The program that was waited for has ended.
    Ended,
    /// The project, or the process in it, is gone.
    Gone,
    /// A signal of this number.
    Signal(i32),
}

/// What a step of the conversation leads to.
type Step = Result<ControlFlow<Over>, CommandError>;

/// One attachment, seen from here.
pub(super) struct Session<'a> {
    args: &'a Args,
    connection: &'a mut Connection,
    name: &'a str,
    /// As it may be shown.
    label: String,
    screen: Screen,
    input: Input,
    state: Option<State>,
    /// Something has come that was written while we looked.
    has_lived: bool,
    /// The end of our stdin was passed on.
    has_ended: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        settings: &Settings,
        args: &'a Args,
        connection: &'a mut Connection,
        name: &'a str,
    ) -> Result<Self, CommandError> {
        Ok(Self {
            args,
            connection,
            name,
            label: clean(name),
            screen: Screen::new(settings)?,
            input: Input::open()?,
            state: None,
            has_lived: false,
            has_ended: false,
        })
    }

    /// Goes on until it is over, and says why.
    pub(super) async fn run(mut self, mut hearing: Hearing, mut saying: Saying) -> Result<ExitCode, CommandError> {
        let mut endings = Endings::listen()?;
        let over = tokio::select! {
            over = self.converse(&mut hearing, &mut saying) => over?,
            signal = endings.next() => Over::Signal(signal),
        };
        // First, so that nothing that follows can keep the terminal.
        self.screen.leave();
        let over = if over == Over::Left { self.hand_over(hearing, saying, &mut endings).await } else { over };
        self.part(over)
    }

    /// What was typed last still arrives; a project that is gone needs it no more. A person does not wait for one that hangs.
    async fn hand_over(&self, mut hearing: Hearing, mut saying: Saying, endings: &mut Endings) -> Over {
        let patience = if self.input.is_terminal() { PATIENCE } else { Duration::MAX };
        let arrived = async {
            let _ = saying.finish().await;
            while let Ok(Some(_)) = hearing.next().await {}
        };
        tokio::select! {
            _ = timeout(patience, arrived) => Over::Left,
            signal = endings.next() => Over::Signal(signal),
        }
    }

    async fn converse(&mut self, hearing: &mut Hearing, saying: &mut Saying) -> Result<Over, CommandError> {
        let mut resized = signal(SignalKind::window_change())?;
        let mut suspended = signal(SignalKind::from_raw(Number::SIGTSTP as i32))?;
        let mut continued = signal(SignalKind::from_raw(Number::SIGCONT as i32))?;
        loop {
            // A pipe waits for who is to read it.
            let listens = self.input.is_terminal() || (self.runs() && !self.has_ended);
            let step = tokio::select! {
                frame = hearing.next() => match frame {
                    Ok(Some(frame)) => self.take(frame, saying).await?,
                    Ok(None) | Err(ClientError::NotRunning) => Break(Over::Gone),
                    Err(error) => return Err(error.into()),
                },
                typed = self.input.next(), if listens => self.typed(typed?, saying).await?,
                _ = resized.recv() => self.tell_size(saying, false).await?,
                _ = suspended.recv() => {
                    self.screen.suspend();
                    // Cannot fail for this process and this signal; if it did, we would merely not be suspended.
                    let _ = raise(Number::SIGSTOP);
                    Continue(())
                }
                _ = continued.recv() => {
                    self.screen.resume().await?;
                    self.tell_size(saying, true).await?
                }
            };
            if let Break(over) = step {
                return Ok(over);
            }
        }
    }

    fn runs(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.pid != 0)
    }

    async fn take(&mut self, frame: Frame, saying: &mut Saying) -> Step {
        match frame {
            Frame::State(state) => return self.changed(state, saying).await,
            Frame::Output { is_stderr, is_past: true, bytes } if !self.has_lived => {
                if self.screen.past(is_stderr, &bytes).await? {
                    return self.tell_size(saying, true).await;
                }
            }
            Frame::Output { is_stderr, is_past, bytes } => {
                self.has_lived = true;
                self.screen.output(is_stderr, &bytes).await?;
                if is_past {
                    return self.tell_size(saying, true).await;
                }
            }
            Frame::Missed(bytes) if self.screen.size().is_none() => {
                self.screen.say(&format!("… {bytes} bytes of {} came too fast and are not shown", self.label));
            }
            Frame::Missed(_) | Frame::Input(_) | Frame::End | Frame::Size { .. } => {}
        }
        Ok(Continue(()))
    }

    /// The process is another way now.
    async fn changed(&mut self, now: State, saying: &mut Saying) -> Step {
        let before = self.state.replace(now.clone());
        let same_run =
            before.as_ref().is_some_and(|before| before.run == now.run && (before.pid != 0) == (now.pid != 0));
        if same_run {
            return Ok(Continue(()));
        }
        if before.as_ref().is_some_and(|before| before.pid != 0) {
            self.screen.end_run().await?;
            if self.has_ended {
                return Ok(Break(Over::Ended));
            }
            self.screen.say(&end_of_run(&self.label, &now));
        }
        if now.pid != 0 {
            return self.begin(before.is_some(), saying).await;
        }
        if before.is_none() {
            self.screen.begin(false, self.input.is_terminal().then_some(Typing::Lines(LEAVE)))?;
            self.screen.say(&format!("waiting for {}; Ctrl-] leaves", self.label));
        }
        Ok(Continue(()))
    }

    /// A run is there.
    async fn begin(&mut self, is_another: bool, saying: &mut Saying) -> Step {
        let Some(State { run, is_terminal, takes_input, .. }) = self.state else { return Ok(Continue(())) };
        let typing = if is_terminal { Typing::Bytes } else { Typing::Lines(LEAVE) };
        let verb = if is_another { "runs" } else { "is attached" };
        let how = match (takes_input, is_terminal, self.input.is_terminal()) {
            (false, _, _) => "it has no stdin here; Ctrl-] leaves",
            (true, true, true) => "every key goes to it; Ctrl-] leaves",
            (true, false, true) => "lines go to its stdin; Ctrl-] leaves",
            (true, _, false) => "our stdin goes to its stdin",
        };
        self.screen.say(&format!("{} {verb} (run {run}): {how}", self.label));
        self.screen.begin(is_terminal, self.input.is_terminal().then_some(typing))?;
        self.tell_size(saying, false).await
    }

    async fn tell_size(&mut self, saying: &mut Saying, redraw: bool) -> Step {
        match self.screen.size().filter(|_| self.runs()) {
            Some(size) => send(saying, &Frame::Size { size, redraw }).await,
            None => Ok(Continue(())),
        }
    }

    async fn typed(&mut self, typed: Typed, saying: &mut Saying) -> Step {
        match typed {
            Typed::Gone => Ok(Break(Over::Signal(Number::SIGHUP as i32))),
            Typed::End if self.args.eof && !self.screen.types_bytes() && self.runs() => {
                self.has_ended = true;
                send(saying, &Frame::End).await
            }
            Typed::End => Ok(Break(Over::Left)),
            Typed::Bytes(bytes) if self.input.is_terminal() => self.keys(bytes, saying).await,
            Typed::Bytes(bytes) => send(saying, &Frame::Input(bytes)).await,
        }
    }

    async fn keys(&mut self, bytes: Vec<u8>, saying: &mut Saying) -> Step {
        let (takes_bytes, runs) = (self.screen.types_bytes(), self.runs());
        if let Some(before) = before_leaving(&bytes) {
            self.screen.was_typed_on();
            if takes_bytes && runs && !before.is_empty() {
                let _ = send(saying, &Frame::Input(before.to_vec())).await?;
            }
            return Ok(Break(Over::Left));
        }
        if runs && !self.has_ended {
            return send(saying, &Frame::Input(bytes)).await;
        }
        if takes_bytes && has_interrupt(&bytes) {
            return Ok(Break(Over::Left));
        }
        if !takes_bytes {
            let why = if runs { "its stdin has ended" } else { "it does not run" };
            self.screen.say(&format!("nothing was sent to {}: {why}", self.label));
        }
        Ok(Continue(()))
    }

    /// The last word, and the exit code.
    fn part(&mut self, over: Over) -> Result<ExitCode, CommandError> {
        match over {
            Over::Left => {
                let goes_on = if self.runs() { "; it goes on" } else { "" };
                self.screen.say(&format!("left {}{goes_on}", self.label));
                Ok(ExitCode::Fine)
            }
            Over::Ended => Ok(ExitCode::Fine),
            Over::Gone => {
                let (project, label) = (clean(&self.connection.owner().name), &self.label);
                let is_there = self.connection.status_unless_gone()?.is_some_and(|status| {
                    status.state == "running" && !status.processes.iter().any(|process| process.name == self.name)
                });
                let text =
                    if is_there { format!("{label} is gone from {project}") } else { format!("{project} has ended") };
                self.screen.say(&text);
                Ok(ExitCode::Fine)
            }
            Over::Signal(number) if number == Number::SIGINT as i32 => self.part(Over::Left),
            Over::Signal(number) => Ok(ExitCode::Program(u8::try_from(128 + number).unwrap_or(u8::MAX))),
        }
    }
}

/// What is said of a run that is over. Who is started again at once may be heard of only when the next run is there.
fn end_of_run(label: &str, now: &State) -> String {
    let how = if now.last_exit.is_empty() { now.word.clone() } else { clean(&now.last_exit) };
    let next = if now.pid == 0 { "; Ctrl-] leaves, the next run comes here" } else { "" };
    format!("{label} has ended: {how}{next}")
}

/// A project that does not listen any more has ended, which is heard in its own time.
async fn send(saying: &mut Saying, frame: &Frame) -> Step {
    match saying.say(frame).await {
        Ok(()) | Err(ClientError::NotRunning) => Ok(Continue(())),
        Err(error) => Err(error.into()),
    }
}

/// Signals that end us, heard even while a terminal takes nothing.
struct Endings {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    quit: Signal,
}

impl Endings {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> i32 {
        let signal = tokio::select! {
            _ = self.interrupt.recv() => Number::SIGINT,
            _ = self.terminate.recv() => Number::SIGTERM,
            _ = self.hangup.recv() => Number::SIGHUP,
            _ = self.quit.recv() => Number::SIGQUIT,
        };
        signal as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_is_told_even_if_the_next_is_there_already() {
        let ended = State { word: "stopped".into(), run: 1, last_exit: "exited 0".into(), ..State::default() };
        assert_eq!(end_of_run("web", &ended), "web has ended: exited 0; Ctrl-] leaves, the next run comes here");
        let runs_again = State { word: "running".into(), pid: 7, run: 2, ..ended };
        assert_eq!(end_of_run("web", &runs_again), "web has ended: exited 0");
    }
}
