//! Marks and colours. Every screen reads without them: a mark always stands beside a word.

use owo_colors::{AnsiColors, DynColors, OwoColorize, Style, XtermColors};

use crate::model::Word;
use crate::ui::text::{cut_middle, pad};

/// The widest a name may be before its middle is cut.
pub const NAME_COLUMNS: usize = 20;

/// How one stream of ours is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// Whether colours are written.
    pub colour: bool,
    /// Whether only ASCII signs are written.
    pub ascii: bool,
}

/// The signs that are ours, in one of the two alphabets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// Starting.
    pub starting: &'static str,
    /// Waiting, or not ready yet.
    pub waiting: &'static str,
    /// Ready or done.
    pub ready: &'static str,
    /// Unhealthy, or worth a look.
    pub warning: &'static str,
    /// Failed.
    pub failed: &'static str,
    /// Once more.
    pub again: &'static str,
    /// Stopped.
    pub stopped: &'static str,
    /// Between the parts of a line.
    pub dot: &'static str,
    /// From one to the next.
    pub arrow: &'static str,
    /// Before an afterthought.
    pub dash: &'static str,
    /// Where something was cut, or more is to come.
    pub cut: &'static str,
    /// Between a name and its line.
    pub bar: &'static str,
    /// The upper corner of a box.
    pub top: &'static str,
    /// The lower corner of a box.
    pub bottom: &'static str,
    /// The edge of a box.
    pub rule: &'static str,
}

/// The signs of a UTF-8 terminal.
const UNICODE: Signs = Signs {
    starting: "▸",
    waiting: "…",
    ready: "✓",
    warning: "!",
    failed: "✗",
    again: "↻",
    stopped: "■",
    dot: "·",
    arrow: "→",
    dash: "—",
    cut: "…",
    bar: "│",
    top: "┌",
    bottom: "└",
    rule: "─",
};

/// The same where only ASCII is safe.
const ASCII: Signs = Signs {
    starting: ">",
    waiting: ".",
    ready: "+",
    warning: "!",
    failed: "x",
    again: "~",
    stopped: "#",
    dot: "-",
    arrow: "->",
    dash: "-",
    cut: "..",
    bar: "|",
    top: "+",
    bottom: "+",
    rule: "-",
};

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// As it should be.
    Good,
    /// On its way.
    Busy,
    /// Of less interest.
    Quiet,
    /// Worth a look.
    Warn,
    /// Failed.
    Bad,
    /// Of more interest.
    Strong,
}

/// The colours of programs, by place in the file. The first five are the terminal's own, which its user chose to be readable; the
/// others are shades of the 256 that keep a contrast of 3 to black and to white (a test computes it). Red is left to failures.
const PALETTE: [Shade; 16] = [
    Shade::Own(AnsiColors::Cyan),
    Shade::Own(AnsiColors::Yellow),
    Shade::Own(AnsiColors::Green),
    Shade::Own(AnsiColors::Magenta),
    Shade::Own(AnsiColors::Blue),
    Shade::Xterm(166),
    Shade::Xterm(30),
    Shade::Xterm(97),
    Shade::Xterm(64),
    Shade::Xterm(168),
    Shade::Xterm(67),
    Shade::Xterm(136),
    Shade::Xterm(127),
    Shade::Xterm(66),
    Shade::Xterm(61),
    Shade::Xterm(101),
];

/// One colour of the palette.
#[derive(Debug, Clone, Copy)]
enum Shade {
    /// One of the sixteen that the terminal's user chose.
    Own(AnsiColors),
    /// One of the 256, by number.
    Xterm(u8),
}

impl From<Shade> for DynColors {
    fn from(shade: Shade) -> Self {
        match shade {
            Shade::Own(colour) => Self::Ansi(colour),
            Shade::Xterm(number) => Self::Xterm(XtermColors::from(number)),
        }
    }
}

impl Theme {
    /// The signs of this theme.
    pub fn signs(self) -> &'static Signs {
        if self.ascii { &ASCII } else { &UNICODE }
    }

    /// Colours a text by what it means.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        let style = match ink {
            Ink::Good => Style::new().color(AnsiColors::Green),
            Ink::Busy => Style::new().color(AnsiColors::Cyan),
            Ink::Quiet => Style::new().dimmed(),
            Ink::Warn => Style::new().color(AnsiColors::Yellow),
            Ink::Bad => Style::new().color(AnsiColors::Red).bold(),
            Ink::Strong => Style::new().bold(),
        };
        self.styled(style, text)
    }

    /// Colours a text as the program at this place in the file.
    pub fn program(self, place: usize, text: &str) -> String {
        self.styled(Style::new().color(DynColors::from(PALETTE[place % PALETTE.len()])), text)
    }

    /// Colours a state word, or another text about it.
    pub fn word(self, word: Word, text: &str) -> String {
        match ink_of(word) {
            Some(ink) => self.paint(ink, text),
            None => text.to_owned(),
        }
    }

    /// What stands before a program's lines: its name, aligned, and a bar, in its colour.
    pub fn prefix(self, place: usize, name: &str, columns: usize) -> String {
        let name = pad(&self.cut_name(name), columns);
        format!("{} ", self.program(place, &format!("{name} {}", self.signs().bar)))
    }

    /// A name that fits the column of names.
    pub fn cut_name(self, name: &str) -> String {
        cut_middle(name, NAME_COLUMNS, self.signs().cut)
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { text.style(style).to_string() } else { text.to_owned() }
    }
}

/// The colour of a state word; `None` for the terminal's own.
pub fn ink_of(word: Word) -> Option<Ink> {
    match word {
        Word::Off => Some(Ink::Quiet),
        Word::Waiting => None,
        Word::Starting => Some(Ink::Busy),
        Word::Ready | Word::Done => Some(Ink::Good),
        Word::Unhealthy | Word::Stopping => Some(Ink::Warn),
        Word::Retrying | Word::Blocked | Word::Failed => Some(Ink::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of one of the 6x6x6 colours (WCAG 2.2, "relative luminance").
    fn luminance(number: u8) -> f64 {
        let level = |step: u8| if step == 0 { 0.0 } else { f64::from(55 + 40 * u16::from(step)) / 255.0 };
        let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        let cube = number - 16;
        let [red, green, blue] = [cube / 36, cube / 6 % 6, cube % 6].map(|step| linear(level(step)));
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn every_shade_is_readable_on_black_and_on_white() {
        for colour in PALETTE {
            if let Shade::Xterm(number) = colour {
                let light = luminance(number);
                let (on_black, on_white) = ((light + 0.05) / 0.05, 1.05 / (light + 0.05));
                assert!(on_black >= 3.0 && on_white >= 3.0, "{number}: {on_black:.1} on black, {on_white:.1} on white");
            }
        }
    }

    #[test]
    fn no_two_neighbours_share_a_colour() {
        let theme = Theme { colour: true, ascii: false };
        for place in 0..40 {
            assert_ne!(theme.program(place, "x"), theme.program(place + 1, "x"));
        }
    }

    #[test]
    fn a_place_has_its_colour_for_ever() {
        let theme = Theme { colour: true, ascii: false };
        assert_eq!(theme.prefix(0, "db", 7), "\x1b[36mdb      │\x1b[0m ");
        assert_eq!(theme.prefix(5, "db", 2), "\x1b[38;5;166mdb │\x1b[0m ");
        assert_eq!(Theme { colour: false, ascii: true }.prefix(0, "db", 7), "db      | ");
    }

    #[test]
    fn the_ascii_signs_are_ascii_and_tell_states_apart() {
        let signs = Theme { colour: false, ascii: true }.signs();
        let marks =
            [signs.starting, signs.waiting, signs.ready, signs.warning, signs.failed, signs.again, signs.stopped];
        assert_eq!(marks.concat(), ">.+!x~#");
        assert!(
            [signs.dot, signs.arrow, signs.dash, signs.cut, signs.bar, signs.top, signs.bottom, signs.rule]
                .iter()
                .all(|sign| sign.is_ascii())
        );
    }
}
