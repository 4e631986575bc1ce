//! What takes the terminal over and gives it back: the other screen, the mouse, pasted text in brackets. Pure.
//!
//! The modes of typing are in [`crate::ui::terminal::RawTerminal`].

/// To the other screen, which is cleared; no cursor; the mouse with its buttons and drags, in SGR's notation; pasted text in brackets.
pub const ENTER: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?1000h\x1b[?1002h\x1b[?1006h\x1b[?2004h";

/// All of it back. In another order than it came, so that what a terminal does not know disturbs nothing.
pub const LEAVE: &[u8] = b"\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[0m\x1b[?25h\x1b[?1049l";

/// A frame begins: nothing is shown before it ends, where the terminal knows that (mode 2026).
pub const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";

/// And ends.
pub const END_FRAME: &[u8] = b"\x1b[?2026l";
