//! Cells as bytes for a terminal: what [`ratatui_core`] draws with. The bytes are collected, and written by whoever owns the terminal
//! when it takes them, so that a terminal that is stopped stops nobody.

use std::convert::Infallible;
use std::io::Write;

use ratatui_core::backend::{Backend, ClearType, WindowSize};
use ratatui_core::buffer::Cell;
use ratatui_core::layout::{Position, Size};
use ratatui_core::style::{Color, Modifier};

/// See the module.
#[derive(Debug)]
pub struct Ansi {
    bytes: Vec<u8>,
    size: Size,
    has_colour: bool,
    /// What the terminal writes with now.
    pen: Pen,
    cursor: Option<(u16, u16)>,
}

/// Colours and modifiers of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

impl Ansi {
    /// For a terminal of this size. Without colour only bold, dim, underlined and inverse text is told apart.
    pub fn new(size: Size, has_colour: bool) -> Self {
        Self { bytes: Vec::new(), size, has_colour, pen: PLAIN, cursor: None }
    }

    /// The terminal has another size.
    pub fn set_size(&mut self, size: Size) {
        self.size = size;
    }

    /// What is to be written.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a vector cannot fail.
        let _ = self.bytes.write_fmt(text);
    }

    fn set_pen(&mut self, pen: Pen) {
        if pen == self.pen {
            return;
        }
        self.bytes.extend_from_slice(b"\x1b[0");
        for (modifier, number) in [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::ITALIC, 3),
            (Modifier::UNDERLINED, 4),
            (Modifier::REVERSED, 7),
            (Modifier::CROSSED_OUT, 9),
        ] {
            if pen.modifier.contains(modifier) {
                self.put(format_args!(";{number}"));
            }
        }
        if self.has_colour {
            self.put_colour(pen.fg, 30);
            self.put_colour(pen.bg, 40);
        }
        self.bytes.push(b'm');
        self.pen = pen;
    }

    fn put_colour(&mut self, colour: Color, base: u8) {
        let number = match colour {
            Color::Reset => return,
            Color::Indexed(number) => return self.put(format_args!(";{};5;{number}", base + 8)),
            Color::Rgb(r, g, b) => return self.put(format_args!(";{};2;{r};{g};{b}", base + 8)),
            Color::Black => 0,
            Color::Red => 1,
            Color::Green => 2,
            Color::Yellow => 3,
            Color::Blue => 4,
            Color::Magenta => 5,
            Color::Cyan => 6,
            Color::Gray => 7,
            Color::DarkGray => 60,
            Color::LightRed => 61,
            Color::LightGreen => 62,
            Color::LightYellow => 63,
            Color::LightBlue => 64,
            Color::LightMagenta => 65,
            Color::LightCyan => 66,
            Color::White => 67,
        };
        self.put(format_args!(";{}", base + number));
    }
}

impl Backend for Ansi {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            if self.cursor != Some((x, y)) {
                self.put(format_args!("\x1b[{};{}H", y + 1, x + 1));
            }
            self.set_pen(Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
            self.bytes.extend_from_slice(cell.symbol().as_bytes());
            // A wide character, or one at the edge, leaves the cursor where terminals do not agree.
            let is_plain = cell.symbol().len() == 1 && x + 1 < self.size.width;
            self.cursor = is_plain.then_some((x + 1, y));
        }
        self.set_pen(PLAIN);
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.bytes.extend_from_slice(b"\x1b[?25l");
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.bytes.extend_from_slice(b"\x1b[?25h");
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        let Position { x, y } = position.into();
        self.put(format_args!("\x1b[{};{}H", y + 1, x + 1));
        self.cursor = Some((x, y));
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, _: ClearType) -> Result<(), Infallible> {
        self.bytes.extend_from_slice(b"\x1b[0m\x1b[2J");
        (self.pen, self.cursor) = (PLAIN, None);
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui_core::style::Style;

    use super::*;

    fn drawn(has_colour: bool) -> String {
        let mut ansi = Ansi::new(Size::new(10, 2), has_colour);
        let mut red = Cell::new("a");
        red.set_style(Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        let plain = Cell::new("b");
        ansi.draw([(0, 0, &red), (1, 0, &plain), (5, 1, &plain)].into_iter()).unwrap();
        String::from_utf8(ansi.take()).unwrap()
    }

    #[test]
    fn cells_are_written_with_as_few_movements_as_needed() {
        assert_eq!(drawn(true), "\x1b[1;1H\x1b[0;1;31ma\x1b[0mb\x1b[2;6Hb");
    }

    #[test]
    fn without_colour_there_is_none() {
        assert_eq!(drawn(false), "\x1b[1;1H\x1b[0;1ma\x1b[0mb\x1b[2;6Hb");
    }
}
