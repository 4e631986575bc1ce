//! Our side of the screen while attached: what is shown, in which way, and how everything is put back.

use std::io;
use std::path::Path;

use crate::cli::error::CommandError;
use crate::cli::output::{print_bytes, say};
use crate::cli::settings::{Settings, Verbosity};
use crate::codec::ansi::Style;
use crate::codec::attach::WindowSize;
use crate::ui::attached::{Lines, last_rows};
use crate::ui::modes::Modes;
use crate::ui::terminal::{CONTROLLING_TERMINAL, PATIENCE, RawTerminal, TerminalBytes, Typing};

/// Rows that our own lines take.
const OURS: u16 = 2;

/// The screen. Dropping it puts everything back.
pub(super) struct Screen {
    /// Where output goes, when that is a terminal.
    terminal: Option<TerminalBytes>,
    /// The terminal that is typed on.
    typed_on: Option<RawTerminal>,
    style: Style,
    is_quiet: bool,
    /// Bytes pass as they are: both we and the program have a terminal.
    is_direct: bool,
    lines: Lines,
    modes: Modes,
    /// The cursor may stand in a line.
    is_line_open: bool,
}

impl Screen {
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        let terminal = settings.out.is_terminal.then(|| TerminalBytes::open(Path::new(CONTROLLING_TERMINAL)));
        let style = Style { is_terminal: settings.out.is_terminal, colour: settings.out.colour };
        Ok(Self {
            terminal: terminal.transpose()?,
            typed_on: None,
            style,
            is_quiet: settings.verbosity == Verbosity::Quiet,
            is_direct: false,
            lines: Lines::new(style),
            modes: Modes::default(),
            is_line_open: false,
        })
    }

    /// From here on the program has a terminal, or not; `typing` is what becomes of our keys, if we have any.
    pub(super) fn begin(&mut self, has_terminal: bool, typing: Option<Typing>) -> io::Result<()> {
        self.is_direct = has_terminal && self.terminal.is_some();
        match (&mut self.typed_on, typing) {
            (Some(typed_on), Some(typing)) => typed_on.change(typing)?,
            (None, Some(typing)) => {
                self.typed_on = Some(RawTerminal::enter_for(Path::new(CONTROLLING_TERMINAL), typing)?);
            }
            (_, None) => {}
        }
        Ok(())
    }

    /// Whether every key goes to the program.
    pub(super) fn types_bytes(&self) -> bool {
        self.typed_on.as_ref().is_some_and(|terminal| terminal.typing() == Typing::Bytes)
    }

    /// The size of our terminal, where the program is to know it.
    pub(super) fn size(&self) -> Option<WindowSize> {
        self.is_direct.then(our_size).flatten()
    }

    /// Shows what was written before we came. Whatever was in it, it asks our terminal nothing. Whether the program has to draw anew.
    pub(super) async fn past(&mut self, is_stderr: bool, bytes: &[u8]) -> Result<bool, CommandError> {
        if self.is_direct {
            self.modes.feed(bytes);
            let redo = self.modes.redo();
            self.show(&redo).await?;
            if self.modes.is_on_other_screen() {
                return Ok(true);
            }
        }
        let rows = our_size().map_or(0, |size| size.rows.saturating_sub(OURS));
        if self.terminal.is_some() {
            let text = self.lines.feed(is_stderr, last_rows(bytes, usize::from(rows)));
            let text = if self.is_direct { with_returns(&text) } else { text };
            self.show(&text).await?;
        }
        Ok(false)
    }

    /// Shows what is written now.
    pub(super) async fn output(&mut self, is_stderr: bool, bytes: &[u8]) -> Result<(), CommandError> {
        if self.is_direct {
            self.modes.feed(bytes);
            return self.show(bytes).await;
        }
        let text = self.lines.feed(is_stderr, bytes);
        self.show(&text).await
    }

    /// The run is over: nothing of it stays switched on.
    pub(super) async fn end_run(&mut self) -> Result<(), CommandError> {
        let mut rest = self.lines.finish();
        if self.is_direct {
            rest = std::mem::take(&mut self.modes).undo();
            self.lines = Lines::new(self.style);
        }
        self.show(&rest).await
    }

    /// Says something of our own, on a line of its own.
    pub(super) fn say(&mut self, text: &str) {
        if !self.is_quiet {
            let (before, end) = (if self.is_line_open { "\n" } else { "" }, "\n");
            let line = format!("{before}{text}{end}");
            say(&if self.types_bytes() { line.replace('\n', "\r\n") } else { line });
            self.is_line_open = false;
        }
    }

    /// What was typed has moved the cursor.
    pub(super) fn was_typed_on(&mut self) {
        self.is_line_open = self.terminal.is_some();
    }

    /// Puts everything back for a while.
    pub(super) fn suspend(&mut self) {
        if let Some(terminal) = self.terminal.as_ref().filter(|_| self.is_direct) {
            terminal.write_within(&self.modes.undo(), PATIENCE);
        }
        if let Some(typed_on) = &self.typed_on {
            // A terminal that is gone needs none of it.
            let _ = typed_on.suspend();
        }
    }

    /// And takes it again.
    pub(super) async fn resume(&mut self) -> Result<(), CommandError> {
        if let Some(typed_on) = &self.typed_on {
            typed_on.resume()?;
        }
        let redo = if self.is_direct { self.modes.redo() } else { Vec::new() };
        self.show(&redo).await
    }

    /// Puts everything back for good.
    pub(super) fn leave(&mut self) {
        self.suspend();
        (self.typed_on, self.is_direct) = (None, false);
    }

    async fn show(&mut self, bytes: &[u8]) -> Result<(), CommandError> {
        if let Some(last) = bytes.last() {
            self.is_line_open = self.terminal.is_some() && *last != b'\n';
        }
        match &self.terminal {
            Some(terminal) => Ok(terminal.write_all(bytes).await?),
            None => print_bytes(bytes),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

fn our_size() -> Option<WindowSize> {
    terminal_size::terminal_size().map(|(width, height)| WindowSize { rows: height.0, columns: width.0 })
}

/// For a terminal that takes line ends as they are.
fn with_returns(text: &[u8]) -> Vec<u8> {
    text.iter().fold(Vec::with_capacity(text.len()), |mut out, byte| {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
        out
    })
}
