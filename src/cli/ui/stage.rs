//! The terminal while it is ours: keys in, frames out, and everything put back however it ends.

use std::io::{self, Write as _};
use std::panic;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use ratatui_core::layout::Size;
use ratatui_core::terminal::Terminal;

use crate::cli::error::CommandError;
use crate::fault::{self, Point};
use crate::ui::terminal::{CONTROLLING_TERMINAL, PATIENCE, RawTerminal, TerminalBytes, Typing};
use crate::ui::tui::backend::Ansi;
use crate::ui::tui::draw::draw;
use crate::ui::tui::log::Room;
use crate::ui::tui::state::State;
use crate::ui::tui::terminal::{BEGIN_FRAME, END_FRAME, ENTER, LEAVE};

/// See the module.
pub(super) struct Stage {
    raw: RawTerminal,
    bytes: TerminalBytes,
    canvas: Terminal<Ansi>,
    has_colour: bool,
    /// What other threads said when they panicked.
    panics: Receiver<String>,
    /// What the terminal shows may not be what was drawn last.
    is_stale: bool,
    /// What the terminal has not taken yet.
    out: Vec<u8>,
    /// The other screen is shown.
    is_taken: bool,
}

impl Stage {
    /// Takes the terminal over. Must be called inside a runtime.
    pub(super) fn enter(has_colour: bool) -> Result<Self, CommandError> {
        let path = Path::new(CONTROLLING_TERMINAL);
        let raw = RawTerminal::enter_for(path, Typing::Bytes)?;
        let bytes = TerminalBytes::open(path)?;
        let mut stage = Self {
            raw,
            bytes,
            canvas: canvas(has_colour),
            has_colour,
            panics: restore_on_panic(),
            is_stale: false,
            out: Vec::new(),
            is_taken: false,
        };
        stage.take();
        Ok(stage)
    }

    /// How large it is.
    pub(super) fn room() -> Room {
        let size = size();
        Room { columns: usize::from(size.width), rows: usize::from(size.height) }
    }

    /// What is typed next; `None` when the terminal has gone away. Nothing is lost when the waiting is given up.
    pub(super) async fn typed(&self) -> io::Result<Option<Vec<u8>>> {
        self.bytes.read().await
    }

    /// Whether everything drawn is on the screen.
    pub(super) fn is_written(&self) -> bool {
        self.out.is_empty()
    }

    /// Draws what has changed; it is written by [`Stage::write`].
    pub(super) fn draw(&mut self, state: &State) {
        assert!(fault::strike(Point::Draw).is_ok(), "a test wants this");
        // The size that the state was laid out for: the terminal may have another one by now, of which a signal tells.
        self.canvas.backend_mut().set_size(size_of(state.size));
        if std::mem::take(&mut self.is_stale) {
            // In the same frame, so that nobody sees an empty screen.
            let Ok(()) = self.canvas.clear();
        }
        let Ok(_) = self.canvas.draw(|frame| draw(state, frame));
        let frame = self.canvas.backend_mut().take();
        self.put(&[BEGIN_FRAME, &frame, END_FRAME].concat());
    }

    /// Adds bytes of another kind.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Writes as much as the terminal takes once it takes any; how much, for [`Stage::has_written`].
    pub(super) async fn write(&self) -> io::Result<usize> {
        self.bytes.write_some(&self.out).await
    }

    /// So much was written.
    pub(super) fn has_written(&mut self, written: usize) {
        self.out.drain(..written);
    }

    /// Everything is drawn anew next time.
    pub(super) fn forget(&mut self) {
        self.is_stale = true;
    }

    /// What a thread beside this one said when it panicked, the oldest first.
    pub(super) fn next_panic(&self) -> String {
        self.panics.try_recv().unwrap_or_else(|_| "panicked".to_owned())
    }

    /// Gives the terminal back for a while.
    pub(super) fn suspend(&mut self) {
        if std::mem::take(&mut self.is_taken) {
            self.out.clear();
            // Before a panic was told, its hook has left the other screen: once more, and the cursor would be put over what it says.
            if !thread::panicking() {
                self.bytes.write_within(&[END_FRAME, LEAVE].concat(), PATIENCE);
            }
            // A terminal that is gone needs none of it.
            let _ = self.raw.suspend();
        }
    }

    /// Whether it is ours.
    pub(super) fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// Whether it may be taken: whoever is continued in the background has to leave it alone.
    pub(super) fn is_in_front(&self) -> bool {
        self.raw.is_in_front()
    }

    /// Somebody else has it: nothing more is written.
    pub(super) fn lose(&mut self) {
        self.out.clear();
        self.is_taken = false;
    }

    /// And takes it again.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        self.raw.resume()?;
        self.take();
        Ok(())
    }

    fn take(&mut self) {
        self.is_taken = true;
        self.canvas = canvas(self.has_colour);
        self.put(ENTER);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.suspend();
    }
}

fn canvas(has_colour: bool) -> Terminal<Ansi> {
    let Ok(mut terminal) = Terminal::new(Ansi::new(size(), has_colour));
    // What it does to a cursor that it knows nothing of is done by the sequence that takes the terminal over.
    terminal.backend_mut().take();
    terminal
}

fn size() -> Size {
    let size = terminal_size::terminal_size_of(io::stdout()).or_else(terminal_size::terminal_size);
    size.map_or(Size::new(80, 24), |(width, height)| Size::new(width.0, height.0))
}

fn size_of(room: Room) -> Size {
    let cells = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    Size::new(cells(room.columns), cells(room.rows))
}

/// What a panic says would be lost with the other screen, so that is left first. A panic of another thread does not end this one: what it
/// says is kept for [`Stage::next_panic`] as long as somebody asks.
fn restore_on_panic() -> Receiver<String> {
    let before = panic::take_hook();
    let (panics, said) = mpsc::channel();
    let ours = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() != ours && panics.send(info.to_string()).is_ok() {
            return;
        }
        let mut stdout = io::stdout();
        stdout.write_all(&[END_FRAME, LEAVE].concat()).and_then(|()| stdout.flush()).ok();
        before(info);
    }));
    said
}
