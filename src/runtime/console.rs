//! Who is attached to a program: what they type, and the size of their terminal.

use nix::pty::Winsize;
use tokio::sync::oneshot;

use crate::codec::attach::WindowSize;
use crate::model::ProcessId;
use crate::runtime::driver::Driver;
use crate::runtime::spawner::Spawner;
use crate::runtime::stdin::Unwritten;
use crate::runtime::streams::{Console, window_size};

/// What an attached client wants of the driver.
#[derive(Debug)]
pub enum ConsoleWish {
    /// To know what its stdin is.
    Kind {
        /// Whose.
        process: ProcessId,
        /// Where that goes.
        reply: oneshot::Sender<ConsoleKind>,
    },
    /// To write to its stdin.
    Type {
        /// Whose.
        process: ProcessId,
        /// What.
        bytes: Vec<u8>,
        /// Whether that was possible; the bytes come back when there is no room for them.
        reply: oneshot::Sender<Result<(), (Unwritten, Vec<u8>)>>,
    },
    /// To end its stdin.
    End {
        /// Whose.
        process: ProcessId,
    },
    /// To be shown on a terminal of this size; `None`: no longer.
    Screen {
        /// Whose.
        process: ProcessId,
        /// Which client.
        viewer: u64,
        /// Rows and columns.
        size: Option<WindowSize>,
        /// The program is to draw everything anew.
        redraw: bool,
    },
}

/// What the stdin of a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleKind {
    /// A pipe of ours.
    Pipe,
    /// A terminal of ours.
    Terminal,
    /// Nothing of ours, or it does not run.
    None,
}

/// The terminals of attached clients, in the order in which they came: the size of the last one counts.
#[derive(Debug, Default)]
pub(super) struct Screens(Vec<(ProcessId, u64, Winsize)>);

impl Screens {
    fn set(&mut self, process: ProcessId, viewer: u64, size: Option<WindowSize>) {
        let found = self.0.iter().position(|(_, known, _)| *known == viewer);
        let size = size.map(|WindowSize { rows, columns }| Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        });
        match (found, size) {
            (Some(index), Some(size)) => self.0[index].2 = size,
            (None, Some(size)) => self.0.push((process, viewer, size)),
            (Some(index), None) => drop(self.0.remove(index)),
            (None, None) => {}
        }
    }

    fn size(&self, process: ProcessId) -> Option<Winsize> {
        self.0.iter().rev().find(|(of, _, _)| *of == process).map(|(_, _, size)| *size)
    }
}

impl<S: Spawner> Driver<S> {
    /// The size that a program's terminal has: that of who is attached, else what a prefix leaves of ours.
    pub(super) fn size_for(&self, process: ProcessId) -> Winsize {
        self.screens.size(process).unwrap_or_else(|| window_size(self.parts.terminals.prefix_columns))
    }

    pub(super) fn console(&mut self, wish: ConsoleWish) {
        match wish {
            // Whoever asked may be gone.
            ConsoleWish::Kind { process, reply } => drop(reply.send(self.kind(process))),
            ConsoleWish::Type { process, bytes, reply } => {
                let generation = self.sides.get(process.index()).map(|side| side.generation).unwrap_or_default();
                let kept = bytes.clone();
                let written = self.write_stdin(process, generation, bytes);
                let _ = reply.send(written.map_err(|why| (why, kept)));
            }
            ConsoleWish::End { process } => self.end_stdin(process),
            ConsoleWish::Screen { process, viewer, size, redraw } => {
                self.screens.set(process, viewer, size);
                self.show_size(process, redraw);
            }
        }
    }

    fn kind(&self, process: ProcessId) -> ConsoleKind {
        match self.sides.get(process.index()).and_then(|side| side.console.as_ref()) {
            Some(Console::Pipe(_)) => ConsoleKind::Pipe,
            Some(Console::Terminal(_)) => ConsoleKind::Terminal,
            Some(Console::None) | None => ConsoleKind::None,
        }
    }

    /// What was typed before is written first. A terminal cannot be closed for the program alone, and need not be: there the end is a
    /// character.
    fn end_stdin(&mut self, process: ProcessId) {
        let Some(side) = self.sides.get_mut(process.index()) else { return };
        if let Some(Console::Pipe(_)) = &side.console {
            side.console = None;
            if let Some(stdin) = side.stdin.take() {
                stdin.finish();
            }
        }
    }

    /// A program only draws anew when its size has changed, so for that it is another one for a moment.
    fn show_size(&self, process: ProcessId, redraw: bool) {
        let Some(console) = self.sides.get(process.index()).and_then(|side| side.console.as_ref()) else { return };
        let size = self.size_for(process);
        if redraw {
            console.resize(Winsize { ws_row: size.ws_row.saturating_sub(1).max(1), ..size });
        }
        console.resize(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(columns: u16) -> WindowSize {
        WindowSize { rows: 24, columns }
    }

    #[test]
    fn the_client_that_came_last_has_the_say_until_it_leaves() {
        let (shell, other) = (ProcessId(0), ProcessId(1));
        let mut screens = Screens::default();
        let columns = |screens: &Screens, of| screens.size(of).map(|size| size.ws_col);
        assert_eq!(columns(&screens, shell), None);
        screens.set(shell, 1, Some(size(80)));
        screens.set(shell, 2, Some(size(100)));
        screens.set(other, 3, Some(size(40)));
        screens.set(shell, 1, Some(size(90)));
        assert_eq!(columns(&screens, shell), Some(100));
        screens.set(shell, 2, None);
        screens.set(shell, 2, None);
        assert_eq!(columns(&screens, shell), Some(90));
        screens.set(shell, 1, None);
        assert_eq!((columns(&screens, shell), columns(&screens, other)), (None, Some(40)));
    }
}
