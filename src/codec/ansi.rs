//! Makes a row of a program's output safe to show: whatever its bytes are, they stay on their row, behind their prefix.
//!
//! Colours and styles (SGR) pass where colour is wanted and are stripped elsewhere. On a terminal every other control is dropped,
//! and of a row that was overwritten by carriage returns the last state is shown. Elsewhere (a pipe, a file) every control is
//! shown escaped, `\x1b`, so that nothing is hidden. Bytes that are not UTF-8 pass as they are, save the C1 controls.

/// Where a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// It is a terminal.
    pub is_terminal: bool,
    /// Colours and styles pass.
    pub colour: bool,
}

impl Style {
    /// For readers of text: no colours, controls escaped.
    pub const TEXT: Self = Self { is_terminal: false, colour: false };
}

const ESC: u8 = 0x1b;
const RESET: &[u8] = b"\x1b[0m";

/// Whether these bytes can be shown as they are: printable ASCII, tabs and line ends. Without branches, so that a whole chunk is
/// looked at many bytes at a time.
pub fn is_plain(bytes: &[u8]) -> bool {
    bytes.chunks(512).all(|block| block.iter().fold(true, |plain, byte| plain & is_plain_byte(*byte)))
}

#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from taking many bytes at a time")]
fn is_plain_byte(byte: u8) -> bool {
    (byte.wrapping_sub(b' ') < 0x5f) | (byte == b'\t') | (byte == b'\n')
}

/// A row without carriage returns before its line end: CR-LF is LF.
pub fn trim_end(row: &[u8]) -> &[u8] {
    let end = row.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    &row[..end]
}

/// Appends a row as it may be shown.
pub fn render(row: &[u8], style: Style, out: &mut Vec<u8>) {
    let row = trim_end(row);
    if is_plain(row) && !row.contains(&b'\n') {
        out.extend_from_slice(row);
    } else if style.is_terminal {
        let start = out.len();
        for state in row.rsplit(|byte| *byte == b'\r') {
            out.truncate(start);
            if render_state(state, style, out) {
                return;
            }
        }
        out.truncate(start);
    } else {
        render_state(row, style, out);
    }
}

/// A row as text without colours, controls escaped.
pub fn to_text(row: &[u8]) -> String {
    let mut out = Vec::with_capacity(row.len());
    render(row, Style::TEXT, &mut out);
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Appends one state of a row; whether there is anything to see in it.
fn render_state(mut rest: &[u8], style: Style, out: &mut Vec<u8>) -> bool {
    let (mut is_visible, mut is_coloured) = (false, false);
    while let Some(at) = rest.iter().position(|byte| !is_plain_byte(*byte) || *byte == b'\n') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let before = out.len();
        let used = match rest[0] {
            ESC => match sgr(rest) {
                Some(length) => {
                    if style.colour {
                        out.extend_from_slice(&rest[..length]);
                        is_coloured = true;
                    }
                    is_visible |= at > 0;
                    rest = &rest[length..];
                    continue;
                }
                None if style.is_terminal => control_length(rest),
                None => push_escaped(ESC, out),
            },
            0x80.. => render_wide(rest, style, out),
            _ if style.is_terminal => 1,
            control => push_escaped(control, out),
        };
        is_visible |= at > 0 || out.len() > before;
        rest = &rest[used..];
    }
    out.extend_from_slice(rest);
    if is_coloured {
        out.extend_from_slice(RESET);
    }
    is_visible || !rest.is_empty()
}

/// The length of the SGR sequence at the front, if there is one. `ESC [ > 4 m` and the like end in `m` and are something else.
fn sgr(bytes: &[u8]) -> Option<usize> {
    let params = bytes.strip_prefix(b"\x1b[")?;
    let end = params.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (params[end] == b'm').then_some(end + 3)
}

/// How much of the front belongs to a control sequence (ECMA-48, 5.4 and 5.6). An unfinished string is not swallowed.
fn control_length(bytes: &[u8]) -> usize {
    let run = |from: usize, wanted: std::ops::RangeInclusive<u8>| {
        bytes[from..].iter().position(|byte| !wanted.contains(byte)).map_or(bytes.len(), |length| from + length)
    };
    let with_final = |at: usize, wanted: std::ops::RangeInclusive<u8>| {
        if bytes.get(at).is_some_and(|byte| wanted.contains(byte)) { at + 1 } else { at }
    };
    match bytes.get(1) {
        Some(b'[') => with_final(run(run(2, 0x30..=0x3f), 0x20..=0x2f), 0x40..=0x7e),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => string_length(bytes).unwrap_or(2),
        Some(0x20..=0x2f) => with_final(run(1, 0x20..=0x2f), 0x30..=0x7e),
        Some(0x30..=0x7e) => 2,
        Some(_) | None => 1,
    }
}

/// The length of a control string (a title, a link) with its terminator: BEL or `ESC \`.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let end = 2 + bytes[2..].iter().position(|byte| matches!(*byte, 0x07 | ESC))?;
    match bytes[end] {
        ESC => (bytes.get(end + 1) == Some(&b'\\')).then_some(end + 2),
        _ => Some(end + 1),
    }
}

/// Appends the bytes from 0x80 at the front, without C1 controls in either form, and returns how many there were.
fn render_wide(bytes: &[u8], style: Style, out: &mut Vec<u8>) -> usize {
    let length = bytes.iter().position(|byte| *byte < 0x80).unwrap_or(bytes.len());
    for chunk in bytes[..length].utf8_chunks() {
        for character in chunk.valid().chars() {
            match u8::try_from(u32::from(character)) {
                Ok(c1 @ 0x80..=0x9f) => push_c1(c1, style, out),
                _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            match byte {
                0x80..=0x9f => push_c1(*byte, style, out),
                _ => out.push(*byte),
            }
        }
    }
    length
}

fn push_c1(byte: u8, style: Style, out: &mut Vec<u8>) {
    if !style.is_terminal {
        push_escaped(byte, out);
    }
}

/// Appends `\x1b` for a byte, and returns how many bytes it stands for.
fn push_escaped(byte: u8, out: &mut Vec<u8>) -> usize {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIPE: Style = Style { is_terminal: false, colour: false };
    const TERMINAL: Style = Style { is_terminal: true, colour: true };

    fn shown(row: &[u8], style: Style) -> Vec<u8> {
        let mut out = b"p|".to_vec();
        render(row, style, &mut out);
        out.split_off(2)
    }

    fn text(row: &[u8], style: Style) -> String {
        String::from_utf8(shown(row, style)).expect("these tests show UTF-8")
    }

    #[test]
    fn colours_pass_to_a_terminal_with_a_reset_and_are_stripped_for_a_pipe() {
        assert_eq!(text(b"\x1b[31mred\x1b[38:5:9;1m!", TERMINAL), "\x1b[31mred\x1b[38:5:9;1m!\x1b[0m");
        assert_eq!(text(b"\x1b[31mred\x1b[m", PIPE), "red");
        assert_eq!(text(b"\x1b[31mred", Style { is_terminal: true, colour: false }), "red");
        assert_eq!(text(b"\x1b[31mred\x07", Style { is_terminal: false, colour: true }), "\x1b[31mred\\x07\x1b[0m");
    }

    #[test]
    fn a_terminal_drops_what_would_move_the_cursor() {
        for row in [
            &b"a\x1b[2Jb"[..],
            b"a\x1b[1;1Hb",
            b"a\x1bcb",
            b"a\x1b(0b",
            b"a\x1b]0;title\x07b",
            b"a\x1b]8;;x\x1b\\b",
            b"a\x08b",
            b"a\x1b[>4mb",
            b"a\x1b[?25lb",
            b"a\x0bb",
            b"a\x7fb",
            b"a\xc2\x85b",
            b"a\x9bb",
            b"ab\x1b",
            b"ab\x1b[",
            b"ab\x1b[31",
            b"a\x1bP1q\x1b\\b",
        ] {
            assert_eq!(text(row, TERMINAL), "ab", "{row:?}");
        }
        assert_eq!(text(b"a\x1b]0;no end", TERMINAL), "a0;no end");
    }

    #[test]
    fn a_pipe_sees_controls_escaped() {
        assert_eq!(text(b"a\x1b[2Jb\rc\x08\x00\x7f\tz", PIPE), "a\\x1b[2Jb\\x0dc\\x08\\x00\\x7f\tz");
        assert_eq!(text("a\u{85}b".as_bytes(), PIPE), "a\\x85b");
        assert_eq!(text(b"a\x9b1mb", PIPE), "a\\x9b1mb");
    }

    #[test]
    fn a_terminal_shows_the_last_state_of_an_overwritten_row() {
        assert_eq!(text(b"10%\r20%\r30%", TERMINAL), "30%");
        assert_eq!(text(b"10%\r20%\r", TERMINAL), "20%");
        assert_eq!(text(b"10%\r\x1b[K\r\x1b[0m", TERMINAL), "10%");
        assert_eq!(text(b"\r\r", TERMINAL), "");
        assert_eq!(text(b"10%\r20%\r\r", PIPE), "10%\\x0d20%");
    }

    #[test]
    fn bytes_that_are_no_utf8_pass_to_a_pipe() {
        assert_eq!(shown(b"caf\xe9 \xff\xfe \xc3\xa9", PIPE), b"caf\xe9 \xff\xfe \xc3\xa9");
        assert_eq!(text("grün ✓ 日本".as_bytes(), PIPE), "grün ✓ 日本");
    }

    #[test]
    fn plain_is_printable_ascii_tabs_and_line_ends() {
        for byte in 0..=255u8 {
            let is = matches!(byte, b' '..=b'~' | b'\t' | b'\n');
            assert_eq!(is_plain(&[byte]), is, "{byte:#x}");
        }
    }

    /// Removes well-formed SGR sequences.
    fn without_sgr(bytes: &[u8]) -> Vec<u8> {
        let (mut rest, mut out) = (bytes, Vec::new());
        while let Some(first) = rest.first() {
            let length = sgr(rest);
            out.extend(length.is_none().then_some(*first));
            rest = &rest[length.unwrap_or(1)..];
        }
        out
    }

    proptest! {
        #[test]
        fn nothing_shown_can_leave_its_row(
            row in proptest::collection::vec(prop_oneof![
                any::<u8>(), Just(ESC), Just(b'['), Just(b'm'), Just(b';'), Just(b'\r'), Just(0xc2), 0x80..=0x9fu8, Just(b'\n'),
            ], 0..60),
            is_terminal in any::<bool>(), colour in any::<bool>(),
        ) {
            let out = shown(&row, Style { is_terminal, colour });
            let plain = if colour { without_sgr(&out) } else { out.clone() };
            prop_assert!(plain.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)), "{out:?}");
            for chunk in plain.utf8_chunks() {
                prop_assert!(!chunk.valid().chars().any(|character| character != '\t' && character.is_control()), "{:?}", out);
                prop_assert!(!chunk.invalid().iter().any(|byte| (0x80..=0x9f).contains(byte)), "{:?}", out);
            }
            if out.contains(&ESC) {
                prop_assert!(out.ends_with(RESET));
            }
        }
    }
}
