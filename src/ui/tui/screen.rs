//! The terminal of a program, seen while its keys go there: what it writes becomes cells (vt100), what is typed becomes its bytes. Pure.

use std::num::NonZeroU16;

use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use vt100::{MouseProtocolEncoding, MouseProtocolMode};

use crate::codec::attach::WindowSize;
use crate::ui::tui::paint::basic;

/// What takes the keys back: Ctrl-].
pub const LEAVE: u8 = 0x1d;

/// The same key where a program has switched the kitty keyboard protocol on.
const LEAVE_KITTY: &[u8] = b"\x1b[93;5u";

/// Around pasted text (mode 2004).
const PASTE: [&[u8]; 2] = [b"\x1b[200~", b"\x1b[201~"];

/// See the module.
pub struct Focus {
    /// Who has the keys.
    pub name: String,
    parser: vt100::Parser,
}

/// What it shows is too much to show here.
impl std::fmt::Debug for Focus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Focus").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What becomes of what was typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typed {
    /// For the program.
    pub bytes: Vec<u8>,
    /// The keys come back.
    pub leaves: bool,
}

impl Focus {
    /// A blank terminal of this size.
    pub fn new(name: &str, size: WindowSize) -> Self {
        let (rows, columns) = at_least_one(size);
        Self { name: name.to_owned(), parser: vt100::Parser::new(rows, columns, 0) }
    }

    /// Takes in what the program has written.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
    }

    /// It has another size now.
    pub fn resize(&mut self, size: WindowSize) {
        let (rows, columns) = at_least_one(size);
        self.parser.set_size(rows, columns);
    }

    /// Whether it shows its other screen, which it has to draw by itself.
    pub fn is_on_other_screen(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// Draws it; where the cursor is, unless that is hidden.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) -> Option<(u16, u16)> {
        let screen = self.parser.screen();
        for y in 0..area.height {
            for x in 0..area.width {
                let (Some(from), Some(to)) = (screen.cell(y, x), buffer.cell_mut((area.x + x, area.y + y))) else {
                    continue;
                };
                if from.is_wide_continuation() {
                    continue;
                }
                fill(from, to);
            }
        }
        let (y, x) = screen.cursor_position();
        let is_seen = !screen.hide_cursor() && x < area.width && y < area.height;
        is_seen.then_some((area.x + x, area.y + y))
    }

    /// What was typed, as the program expects it: cursor keys in the mode that it chose, pasted text and the mouse only where it asked
    /// for them, the mouse counted from its own corner.
    pub fn typed(&self, mut typed: &[u8], area: Rect) -> Typed {
        let mut out = Typed::default();
        while let [first, rest @ ..] = typed {
            if *first == LEAVE || typed.starts_with(LEAVE_KITTY) {
                out.leaves = true;
                break;
            }
            let used = self.sequence(typed, area, &mut out.bytes);
            if used > 0 {
                typed = &typed[used..];
            } else {
                out.bytes.push(*first);
                typed = rest;
            }
        }
        out
    }

    /// Translates the sequence at the front; 0 when there is none that has to be.
    fn sequence(&self, typed: &[u8], area: Rect, out: &mut Vec<u8>) -> usize {
        let screen = self.parser.screen();
        if let Some(mark) = PASTE.iter().find(|mark| typed.starts_with(mark)) {
            if screen.bracketed_paste() {
                out.extend_from_slice(mark);
            }
            return mark.len();
        }
        if let [0x1b, b'[', letter @ (b'A'..=b'D' | b'F' | b'H'), ..] = typed {
            out.extend_from_slice(&[0x1b, if screen.application_cursor() { b'O' } else { b'[' }, *letter]);
            return 3;
        }
        let Some(parameters) = typed.strip_prefix(b"\x1b[<") else { return 0 };
        let Some(end) = parameters.iter().position(|byte| matches!(byte, b'M' | b'm')) else { return 0 };
        if screen.mouse_protocol_mode() != MouseProtocolMode::None
            && screen.mouse_protocol_encoding() == MouseProtocolEncoding::Sgr
            && let Some(mouse) = moved(&parameters[..end], area)
        {
            out.extend_from_slice(format!("\x1b[<{mouse}{}", char::from(parameters[end])).as_bytes());
        }
        3 + end + 1
    }
}

/// The parameters of a mouse event, counted from the corner of the program's terminal; nothing outside of it.
fn moved(parameters: &[u8], area: Rect) -> Option<String> {
    let text = std::str::from_utf8(parameters).ok()?;
    let mut numbers = text.split(';').map(|number| number.parse::<u16>().ok());
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let column = column.checked_sub(area.x).filter(|column| (1..=area.width).contains(column))?;
    let row = row.checked_sub(area.y).filter(|row| (1..=area.height).contains(row))?;
    Some(format!("{button};{column};{row}"))
}

fn fill(from: &vt100::Cell, to: &mut Cell) {
    let mut style = Style::new().fg(colour(from.fgcolor())).bg(colour(from.bgcolor()));
    for (is_on, modifier) in [
        (from.bold(), Modifier::BOLD),
        (from.dim(), Modifier::DIM),
        (from.italic(), Modifier::ITALIC),
        (from.underline(), Modifier::UNDERLINED),
        (from.inverse(), Modifier::REVERSED),
    ] {
        if is_on {
            style = style.add_modifier(modifier);
        }
    }
    let is_text = from.has_contents() && !from.contents().chars().any(char::is_control);
    to.set_symbol(if is_text { from.contents() } else { " " }).set_style(style);
}

fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(number @ 0..16) => basic(number.into()),
        vt100::Color::Idx(number) => Color::Indexed(number),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

fn at_least_one(size: WindowSize) -> (NonZeroU16, NonZeroU16) {
    let one = |number: u16| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
    (one(size.rows), one(size.columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { x: 10, y: 5, width: 20, height: 4 };

    fn focus(written: &[u8]) -> Focus {
        let mut focus = Focus::new("shell", WindowSize { rows: 4, columns: 20 });
        focus.feed(written);
        focus
    }

    #[test]
    fn what_a_program_paints_stays_in_its_place() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 12));
        let cursor = focus(b"\x1b[2J\x1b[2;3H\x1b[31mhi\x1b[99;99Hx").draw(AREA, &mut buffer);
        assert_eq!((buffer[(12, 6)].symbol(), buffer[(12, 6)].fg), ("h", Color::Red));
        assert_eq!(buffer[(29, 8)].symbol(), "x");
        assert!(cursor.is_none_or(|(x, y)| AREA.contains((x, y).into())));
        assert_eq!(focus(b"\x1b[?25l").draw(AREA, &mut buffer), None);
    }

    #[test]
    fn a_terminal_without_a_size_is_one_character() {
        let mut focus = Focus::new("shell", WindowSize { rows: 0, columns: 0 });
        focus.feed("日本\r\n\r\nx".as_bytes());
        focus.resize(WindowSize { rows: 1, columns: 1 });
        focus.draw(Rect::new(0, 0, 1, 1), &mut Buffer::empty(Rect::new(0, 0, 1, 1)));
    }

    #[test]
    fn keys_arrive_in_the_mode_that_was_chosen() {
        assert_eq!(focus(b"").typed(b"a\x1b[A\x03", AREA).bytes, b"a\x1b[A\x03");
        assert_eq!(focus(b"\x1b[?1h").typed(b"\x1b[A", AREA).bytes, b"\x1bOA");
        assert_eq!(focus(b"").typed(b"\x1b[200~x\x1b[201~", AREA).bytes, b"x");
    }

    #[test]
    fn the_mouse_is_for_who_asked_and_counted_from_its_corner() {
        assert!(focus(b"").typed(b"\x1b[<0;12;7M", AREA).bytes.is_empty());
        let asked = focus(b"\x1b[?1000h\x1b[?1006h");
        assert_eq!(asked.typed(b"\x1b[<0;12;7M\x1b[<0;1;1M", AREA).bytes, b"\x1b[<0;2;2M");
    }

    #[test]
    fn what_takes_the_keys_back_is_not_typed() {
        let typed = focus(b"").typed(b"ab\x1dcd", AREA);
        assert_eq!((typed.bytes, typed.leaves), (b"ab".to_vec(), true));
    }
}
