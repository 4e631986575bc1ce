//! Text with colour sequences as styled text for a screen. Pure: whatever comes in, nothing but characters and styles comes out.

use ratatui_core::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthChar;

use crate::codec::ansi;

/// A piece of one line in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its characters; none of them is a control.
    pub text: String,
    /// How they look.
    pub style: Style,
}

/// A line in pieces.
pub type Painted = Vec<Piece>;

/// Where a tabulator leads, in columns.
const TAB: usize = 8;

/// Colours pass, everything else that is no text is dropped.
const COLOURED: ansi::Style = ansi::Style { is_terminal: true, colour: true };

/// A line of a program's output.
pub fn output(bytes: &[u8]) -> Painted {
    let mut shown = Vec::with_capacity(bytes.len());
    ansi::render(bytes, COLOURED, &mut shown);
    line(&String::from_utf8_lossy(&shown))
}

/// The same as plain text, as a search sees it and as it is copied.
pub fn plain(bytes: &[u8]) -> String {
    output(bytes).into_iter().map(|piece| piece.text).collect()
}

/// One line whose only controls are colour sequences.
pub fn line(text: &str) -> Painted {
    let (mut pieces, mut style, mut column) = (Vec::new(), Style::new(), 0);
    let mut open = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                close(&mut pieces, &mut open, style);
                style = after_sequence(&mut rest, style);
            }
            '\t' => {
                let blanks = TAB - column % TAB;
                open.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            c if c.is_control() => {}
            c if is_unseen(c) => {
                let escaped = c.escape_unicode().to_string();
                column += escaped.len();
                open.push_str(&escaped);
            }
            c => {
                open.push(c);
                column += c.width().unwrap_or(0);
            }
        }
    }
    close(&mut pieces, &mut open, style);
    pieces
}

/// Several lines.
pub fn lines(text: &str) -> Vec<Painted> {
    text.lines().map(line).collect()
}

/// A line in one style.
pub fn styled(text: &str, style: Style) -> Painted {
    let mut pieces = line(text);
    for piece in &mut pieces {
        piece.style = style;
    }
    pieces
}

fn close(pieces: &mut Painted, open: &mut String, style: Style) {
    if !open.is_empty() {
        pieces.push(Piece { text: std::mem::take(open), style });
    }
}

/// Unicode's bidirectional controls, which change the order in which neighbours are drawn, and characters that are not seen at all or
/// take a place that terminals do not agree on: soft hyphen, fillers, variation selectors (but for that of emoji), annotations.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{fff9}'..='\u{fffb}'
    )
}

/// Reads what follows an ESC; a colour changes the style, everything else is passed.
fn after_sequence(rest: &mut std::str::Chars<'_>, style: Style) -> Style {
    let mut ahead = rest.clone();
    if ahead.next() != Some('[') {
        return style;
    }
    let mut parameters = String::new();
    for c in ahead.by_ref() {
        if ('@'..='~').contains(&c) {
            *rest = ahead;
            return if c == 'm' { sgr(&parameters, style) } else { style };
        }
        parameters.push(c);
    }
    *rest = ahead;
    style
}

/// Select Graphic Rendition (ECMA-48 8.3.117), with the 256 and the 16 million colours of ITU T.416.
fn sgr(parameters: &str, mut style: Style) -> Style {
    let numbers: Vec<u16> = parameters.split([';', ':']).map(|number| number.parse().unwrap_or(0)).collect();
    let mut at = 0;
    while let Some(number) = numbers.get(at) {
        at += 1;
        style = match number {
            0 => Style::new(),
            38 | 48 => {
                let (colour, used) = long_colour(&numbers[at..]);
                at += used;
                match colour {
                    Some(colour) if *number == 38 => style.fg(colour),
                    Some(colour) => style.bg(colour),
                    None => style,
                }
            }
            number => short(*number, style),
        };
    }
    style
}

fn short(number: u16, style: Style) -> Style {
    match number {
        1 => style.add_modifier(Modifier::BOLD),
        2 => style.add_modifier(Modifier::DIM),
        3 => style.add_modifier(Modifier::ITALIC),
        4 => style.add_modifier(Modifier::UNDERLINED),
        7 => style.add_modifier(Modifier::REVERSED),
        9 => style.add_modifier(Modifier::CROSSED_OUT),
        22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
        23 => style.remove_modifier(Modifier::ITALIC),
        24 => style.remove_modifier(Modifier::UNDERLINED),
        27 => style.remove_modifier(Modifier::REVERSED),
        29 => style.remove_modifier(Modifier::CROSSED_OUT),
        30..=37 => style.fg(basic(number - 30)),
        39 => Style { fg: None, ..style },
        40..=47 => style.bg(basic(number - 40)),
        49 => Style { bg: None, ..style },
        90..=97 => style.fg(basic(number - 90 + 8)),
        100..=107 => style.bg(basic(number - 100 + 8)),
        _ => style,
    }
}

/// One of the terminal's own sixteen.
pub fn basic(number: u16) -> Color {
    const COLOURS: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    COLOURS[usize::from(number) % COLOURS.len()]
}

/// What follows 38 or 48, and how many numbers that is.
fn long_colour(numbers: &[u16]) -> (Option<Color>, usize) {
    let byte = |at: usize| numbers.get(at).and_then(|number| u8::try_from(*number).ok());
    match numbers.first() {
        Some(5) => (byte(1).map(Color::Indexed), 2),
        Some(2) => match (byte(1), byte(2), byte(3)) {
            (Some(r), Some(g), Some(b)) => (Some(Color::Rgb(r, g, b)), 4),
            _ => (None, 4),
        },
        _ => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_become_styles_and_everything_else_goes() {
        let painted = output(b"\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07plain\x1b[38;5;208mx");
        let shown: Vec<(&str, Style)> = painted.iter().map(|piece| (piece.text.as_str(), piece.style)).collect();
        assert_eq!(
            shown,
            [
                ("red", Style::new().fg(Color::Red)),
                (" plain", Style::new()),
                ("x", Style::new().fg(Color::Indexed(208)))
            ]
        );
    }

    #[test]
    fn a_tabulator_leads_to_the_next_eighth_column_and_directions_are_written_out() {
        assert_eq!(plain(b"a\tb"), "a       b");
        assert_eq!(plain("evil\u{202e}txt".as_bytes()), "evil\\u{202e}txt");
        assert_eq!(plain("a\u{ad}\u{61c}\u{3164}\u{fe0e}b".as_bytes()), "a\\u{ad}\\u{61c}\\u{3164}\\u{fe0e}b");
        assert_eq!(plain("\u{2764}\u{fe0f}".as_bytes()), "\u{2764}\u{fe0f}");
        assert_eq!(plain(b"10%\r20%"), "20%");
        assert_eq!(plain(b"\xff\xfeok"), "\u{fffd}\u{fffd}ok");
    }

    proptest! {
        #[test]
        fn no_control_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!plain(&bytes).chars().any(char::is_control));
        }
    }
}
