//! What is written to programs: events for listeners, and what clients send to a stdin.

use crate::codec::listener;
use crate::model::public_event::{Delivery, SharedText};
use crate::model::{Generation, ProcessId};
use crate::runtime::driver::Driver;
use crate::runtime::launcher::Launcher;
use crate::runtime::spawner::Spawner;
use crate::runtime::stdin::{StdinWriter, Unwritten};
use crate::runtime::streams::Console;
use crate::supervisor::action::{Answer, Outcome};
use crate::supervisor::event::{Event, RequestId};

impl<S: Spawner> Driver<S> {
    /// Writes to a stdin, and says whether that was possible.
    pub(super) fn send_stdin(
        &mut self,
        request: RequestId,
        process: ProcessId,
        generation: Generation,
        data: &SharedText,
    ) {
        let answer = match self.write_stdin(process, generation, data.as_str().as_bytes().to_vec()) {
            Ok(()) => Answer::Done,
            Err(Unwritten::Closed) => Answer::NoStdin,
            Err(Unwritten::Full) => Answer::StdinFull,
        };
        self.reply(request, Outcome::Each(vec![(process, answer)]));
    }

    /// An event that cannot be written goes to another listener.
    pub(super) fn deliver(&mut self, process: ProcessId, generation: Generation, delivery: &Delivery) {
        let envelope = listener::envelope(identifier(&self.parts.launcher), delivery);
        if self.write_stdin(process, generation, envelope).is_err() {
            self.pending.push_back(Event::ListenerDeaf { process, generation });
        }
    }

    pub(super) fn write_stdin(
        &mut self,
        process: ProcessId,
        generation: Generation,
        bytes: Vec<u8>,
    ) -> Result<(), Unwritten> {
        let side = self.sides.get_mut(process.index()).filter(|side| side.generation == generation);
        let Some(side) = side else { return Err(Unwritten::Closed) };
        let stdin = match &mut side.stdin {
            Some(stdin) => stdin,
            empty => {
                let console = side.console.as_ref().and_then(Console::fd).ok_or(Unwritten::Closed)?;
                empty.insert(StdinWriter::new(console).map_err(|_| Unwritten::Closed)?)
            }
        };
        stdin.write(bytes)
    }
}

/// What we call ourselves to listeners.
fn identifier(launcher: &Launcher) -> &str {
    launcher.project.supervisord.as_ref().map_or(&launcher.name, |conf| &conf.daemon.identifier)
}
