//! Properties of what programs write.

use run::codec::ansi::{self, Style};
use run::codec::capture::{Capture, Piece};
use run::codec::lines::{ROW_CAP, Rows};
use run::codec::listener::ListenerReader;
use run::codec::strip::Stripper;
use run::model::public_event::ListenerWord;

/// What may be shown of a row: no control but tabs and whole colours, and text stays text.
pub(crate) fn ansi(data: &[u8]) {
    for is_terminal in [false, true] {
        for colour in [false, true] {
            let mut out = Vec::new();
            ansi::render(data, Style { is_terminal, colour }, &mut out);
            assert!(colour || !out.contains(&0x1b));
            assert_harmless(&out);
        }
    }
    let text = ansi::to_text(data);
    assert_eq!(ansi::to_text(text.as_bytes()), text);
}

fn assert_harmless(out: &[u8]) {
    let text = String::from_utf8_lossy(out);
    let mut rest = text.as_ref();
    while let Some(at) = rest.find(|c: char| c.is_control() && c != '\t') {
        let colour = rest[at..].strip_prefix("\u{1b}[").unwrap_or_else(|| panic!("a control passes: {text:?}"));
        let end = colour.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':')).expect("a colour ends");
        assert!(colour[end..].starts_with('m'), "not a colour: {text:?}");
        rest = &colour[end + 1..];
    }
}

/// Lines, however they are cut into chunks: nothing lost but carriage returns before a line end, nothing added, bounded pieces, and no character torn. Odd inputs are
/// repeated until a line is too long for one row.
pub(crate) fn lines(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let data =
        if first % 2 == 0 || rest.is_empty() { rest.to_vec() } else { rest.repeat(3 * ROW_CAP / rest.len() + 1) };
    let at_a_time = if data.len() > ROW_CAP { 4093 } else { usize::from(*first) / 2 % 16 + 1 };
    let whole = rows_of(&[&data]);
    assert_eq!(joined(&rows_of(&data.chunks(at_a_time).collect::<Vec<_>>())), joined(&whole));
    let expected: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let lines = joined(&whole);
    assert!(lines.len() + 1 >= expected.len() && lines.len() <= expected.len());
    assert!(lines.iter().zip(&expected).all(|(line, expected)| ansi::trim_end(line) == ansi::trim_end(expected)));
    if std::str::from_utf8(&data).is_ok() {
        assert!(whole.iter().all(|(row, _)| std::str::from_utf8(row).is_ok()), "a character is torn");
    }
}

/// Rows, and whether a line ends with each.
type Found = Vec<(Vec<u8>, bool)>;

fn rows_of(chunks: &[&[u8]]) -> Found {
    let (mut rows, mut found) = (Rows::default(), Vec::new());
    for mut chunk in chunks.iter().copied() {
        while let Some(row) = rows.take(&mut chunk) {
            assert!(row.bytes.len() <= ROW_CAP);
            found.push((row.bytes.to_vec(), row.is_finished));
        }
        assert!(rows.unfinished().is_none_or(|held| held.len() <= ROW_CAP));
    }
    if let Some(rest) = rows.close() {
        found.push((rest.to_vec(), true));
    }
    found
}

/// Whole lines.
fn joined(rows: &Found) -> Vec<Vec<u8>> {
    let (mut lines, mut is_open) = (Vec::<Vec<u8>>::new(), false);
    for (row, is_finished) in rows {
        match lines.last_mut().filter(|_| is_open) {
            Some(line) => line.extend_from_slice(row),
            None => lines.push(row.clone()),
        }
        is_open = !is_finished;
    }
    lines
}

/// How the first byte of an input cuts the rest.
fn cut(data: &[u8]) -> (&[u8], usize) {
    match data.split_first() {
        Some((first, rest)) => (rest, usize::from(*first) % 16 + 1),
        None => (data, 1),
    }
}

/// What an event listener says: the same words however they are cut, in turns, and nothing after nonsense. Only more words at once
/// than any listener has are taken for nonsense when they come in one piece.
pub(crate) fn listener(data: &[u8]) {
    const AT_ONCE: usize = 8;
    let (data, at_a_time) = cut(data);
    let words = |chunks: &mut dyn Iterator<Item = &[u8]>| -> Vec<ListenerWord> {
        let mut reader = ListenerReader::default();
        chunks.flat_map(|chunk| reader.feed(chunk)).collect()
    };
    let whole = words(&mut std::iter::once(data));
    let is_sense = |word: &&ListenerWord| !matches!(word, ListenerWord::Nonsense(_));
    let sense = |words: &[ListenerWord]| words.iter().take_while(is_sense).cloned().collect::<Vec<_>>();
    assert!(whole.len() <= sense(&whole).len() + 1, "something follows nonsense");
    let pieces = words(&mut data.chunks(at_a_time));
    if whole.len() <= AT_ONCE {
        assert_eq!((sense(&pieces), pieces.len()), (sense(&whole), whole.len()));
    } else {
        assert!(sense(&pieces).starts_with(&sense(&whole)));
    }
}

/// Communications: the same output and the same messages however they are cut, and none longer than its limit.
pub(crate) fn capture(data: &[u8]) {
    let (data, at_a_time) = cut(data);
    let read = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut capture = Capture::new(at_a_time);
        let (mut plain, mut captured, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        for chunk in chunks {
            capture.feed(chunk, |piece| match piece {
                Piece::Plain(bytes) => plain.extend_from_slice(bytes),
                Piece::Captured(bytes) => captured.extend_from_slice(bytes),
                Piece::Whole(message) => whole.push(message),
            });
        }
        plain.extend(capture.finish());
        (plain, captured, whole)
    };
    let whole = read(&mut std::iter::once(data));
    assert!(whole.0.len() + whole.1.len() <= data.len());
    assert!(whole.2.iter().all(|message| message.len() <= at_a_time));
    assert_eq!(read(&mut data.chunks(at_a_time)).2, whole.2);
    assert_eq!(read(&mut data.chunks(at_a_time)).0, whole.0);
}

/// Escape sequences taken out: the same however they are cut, no more than there was, and no line end lost.
pub(crate) fn strip(data: &[u8]) {
    let (data, at_a_time) = cut(data);
    let stripped = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let (mut stripper, mut out) = (Stripper::default(), Vec::new());
        chunks.for_each(|chunk| stripper.strip(chunk, &mut out));
        out
    };
    let whole = stripped(&mut std::iter::once(data));
    let line_ends = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count();
    assert!(whole.len() <= data.len() && line_ends(&whole) == line_ends(data) && !whole.contains(&0x1b));
    assert_eq!(stripped(&mut data.chunks(at_a_time)), whole);
}
