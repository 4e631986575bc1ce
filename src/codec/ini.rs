//! The dialect of supervisord.conf: Python's `RawConfigParser` as supervisor 4.3.0 sets it up (supervisor `options.py`
//! `UnhosedConfigParser`; Python's own `configparser.py` `_read`).
//!
//! Not strict: a section that is there twice goes on where it stopped, of an option that is there twice the last one counts. Names of
//! options are lower-cased; `=` or `:`, whichever comes first, ends them. A line that is indented deeper than its option goes on with
//! the value, also after blank lines. `;` or `#` begins a comment at the start of a line and after white space, *even inside quotes*.
//! Values are raw: nothing is expanded or unquoted here.

use std::ops::Range;

/// What a text says. Whatever could be read is here, whatever could not is among the errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    /// In the order in which they first appear; `[DEFAULT]`, whose options hold for all sections, among them.
    pub sections: Vec<Section>,
    /// In the order of the lines.
    pub errors: Vec<IniError>,
}

/// The name of the section whose options every other section has as well.
pub const DEFAULTS: &str = "DEFAULT";

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What stands between the brackets, as it stands.
    pub name: String,
    /// The bytes of the name where it first appears.
    pub span: Range<usize>,
    /// In the order in which they first appear.
    pub entries: Vec<Entry>,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Lower-cased.
    pub key: String,
    /// The bytes of the key, where it was last written.
    pub key_span: Range<usize>,
    /// Its lines, joined by newlines.
    pub value: String,
    /// The bytes of the value, from its first line to its last; empty behind the key when there is none.
    pub value_span: Range<usize>,
}

/// A line that cannot be read. The original refuses the whole file for any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct IniError {
    /// Counted from 1.
    pub line: usize,
    /// The bytes of the line without the blanks around it.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub kind: IniErrorKind,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IniErrorKind {
    /// Nothing but comments may stand before the first section.
    #[error("it stands before the first [section]")]
    BeforeSections,
    /// Neither a section nor an option.
    #[error("it is neither [section] nor option = value")]
    NotAnOption,
    /// A value without a name.
    #[error("the option has no name")]
    NoName,
}

/// Reads a text. Never fails as a whole.
pub fn parse(text: &str) -> Ini {
    let mut reader = Reader::default();
    for (number, line) in lines(text).enumerate() {
        if !reader.line(&Line::new(line, text), number + 1) {
            break;
        }
    }
    reader.finish()
}

/// White space as Python has it: Unicode's, and the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// The lines of a text without their ends: `\n`, `\r\n` and `\r`, as Python reads a text file.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = &rest[..end];
        let after = &rest[end..];
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        Some(line)
    })
}

/// One line, looked at.
struct Line<'t> {
    /// Without the comment and the blanks around it.
    value: &'t str,
    /// Where the value begins in the text.
    at: usize,
    /// Characters before the first that is no blank.
    indent: usize,
    has_comment: bool,
}

impl<'t> Line<'t> {
    fn new(line: &'t str, text: &str) -> Self {
        let comment = comment_start(line);
        let kept = &line[..comment.unwrap_or(line.len())];
        let value = kept.trim_matches(is_space);
        let before = kept.len() - kept.trim_start_matches(is_space).len();
        let offset = line.as_ptr() as usize - text.as_ptr() as usize;
        Self {
            value,
            at: offset + if value.is_empty() { 0 } else { before },
            indent: line.chars().position(|c| !is_space(c)).unwrap_or(0),
            has_comment: comment.is_some(),
        }
    }

    fn span(&self) -> Range<usize> {
        self.at..self.at + self.value.len()
    }
}

/// Where the comment of a line begins.
///
/// Not simply the first sign after white space: the original looks at the first `;` and the first `#` together, then at the second of
/// each, and stops at the first pair in which one of them qualifies.
fn comment_start(line: &str) -> Option<usize> {
    if line.trim_matches(is_space).starts_with(['#', ';']) {
        return Some(0);
    }
    let (mut semicolons, mut hashes) = (line.match_indices(';'), line.match_indices('#'));
    loop {
        let pair = [semicolons.next(), hashes.next()];
        if pair.iter().all(Option::is_none) {
            return None;
        }
        let qualifies = |at: &usize| line[..*at].chars().next_back().is_none_or(is_space);
        let first = pair.into_iter().flatten().map(|(at, _)| at).filter(qualifies).min();
        if first.is_some() {
            return first;
        }
    }
}

/// Where the next line of a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    section: usize,
    entry: usize,
}

#[derive(Debug, Default)]
struct Reader {
    ini: Ini,
    section: Option<usize>,
    open: Option<Place>,
    indent: usize,
}

impl Reader {
    /// Takes in a line; `false` when the rest is not worth reading.
    fn line(&mut self, line: &Line<'_>, number: usize) -> bool {
        if line.value.is_empty() {
            if !line.has_comment
                && let Some(entry) = self.open()
            {
                entry.value.push('\n');
            }
            return true;
        }
        if line.indent > self.indent
            && let Some(entry) = self.open()
        {
            entry.value.push('\n');
            entry.value.push_str(line.value);
            entry.value_span =
                if entry.value_span.is_empty() { line.span() } else { entry.value_span.start..line.span().end };
            return true;
        }
        self.indent = line.indent;
        if let Some(name) = header(line.value) {
            self.begin_section(name, line.at + 1);
            return true;
        }
        let Some(section) = self.section else {
            self.error(line, number, IniErrorKind::BeforeSections);
            return false;
        };
        match line.value.find(['=', ':']) {
            Some(sign) => self.option(section, line, sign, number),
            None => self.error(line, number, IniErrorKind::NotAnOption),
        }
        true
    }

    fn open(&mut self) -> Option<&mut Entry> {
        let place = self.open?;
        self.ini.sections.get_mut(place.section)?.entries.get_mut(place.entry)
    }

    fn error(&mut self, line: &Line<'_>, number: usize, kind: IniErrorKind) {
        self.ini.errors.push(IniError { line: number, span: line.span(), kind });
    }

    fn begin_section(&mut self, name: &str, at: usize) {
        let sections = &mut self.ini.sections;
        let known = sections.iter().position(|section| section.name == name);
        self.section = Some(known.unwrap_or(sections.len()));
        self.open = None;
        if known.is_none() {
            sections.push(Section { name: name.to_owned(), span: at..at + name.len(), entries: Vec::new() });
        }
    }

    fn option(&mut self, section: usize, line: &Line<'_>, sign: usize, number: usize) {
        let (name, value) = (line.value[..sign].trim_end_matches(is_space), &line.value[sign + 1..]);
        let value = value.trim_matches(is_space);
        let value_at = if value.is_empty() { line.span().end } else { line.span().end - value.len() };
        if name.is_empty() {
            self.error(line, number, IniErrorKind::NoName);
        }
        let entry = Entry {
            key: name.to_lowercase(),
            key_span: line.at..line.at + name.len(),
            value: value.to_owned(),
            value_span: value_at..value_at + value.len(),
        };
        let entries = &mut self.ini.sections[section].entries;
        let known = entries.iter().position(|other| other.key == entry.key);
        let at = known.unwrap_or(entries.len());
        match known {
            Some(known) => entries[known] = entry,
            None => entries.push(entry),
        }
        self.open = (!name.is_empty()).then_some(Place { section, entry: at });
    }

    /// White space at the end of a value does not count, be it lines of it.
    fn finish(mut self) -> Ini {
        for entry in self.ini.sections.iter_mut().flat_map(|section| &mut section.entries) {
            entry.value.truncate(entry.value.trim_end_matches(is_space).len());
        }
        self.ini
    }
}

/// The name in `[name]`, up to the last bracket of the line; what follows that does not matter.
fn header(value: &str) -> Option<&str> {
    let inside = value.strip_prefix('[')?;
    let name = &inside[..inside.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value<'i>(ini: &'i Ini, key: &str) -> &'i Entry {
        ini.sections[0].entries.iter().find(|entry| entry.key == key).unwrap()
    }

    #[test]
    fn a_comment_begins_after_white_space_even_inside_quotes() {
        let ini = parse("[a]\nb=sh -c 'x ; y'\nc=sh -c 'x; y'\nd=1#2 # 3\n");
        assert_eq!(value(&ini, "b").value, "sh -c 'x");
        assert_eq!(value(&ini, "c").value, "sh -c 'x; y'");
        assert_eq!(value(&ini, "d").value, "1#2");
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "[program:wéb]\r\ncommand = /bin/cat ; note\r\n  -u\r\nempty =\r\n";
        let ini = parse(text);
        assert_eq!(&text[ini.sections[0].span.clone()], "program:wéb");
        let command = value(&ini, "command");
        assert_eq!((&text[command.key_span.clone()], command.value.as_str()), ("command", "/bin/cat\n-u"));
        assert_eq!(&text[command.value_span.clone()], "/bin/cat ; note\r\n  -u");
        assert!(value(&ini, "empty").value_span.is_empty());
    }

    #[test]
    fn every_bad_line_is_told_but_nothing_after_one_before_the_first_section() {
        let ini = parse("[a]\nx\n= 1\n  y\n");
        let told: Vec<String> = ini.errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "line 2: it is neither [section] nor option = value",
                "line 3: the option has no name",
                "line 4: it is neither [section] nor option = value"
            ]
        );
        let ini = parse("x = 1\ny\n");
        assert_eq!(ini.errors.len(), 1);
        assert_eq!(ini.errors[0].kind, IniErrorKind::BeforeSections);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_every_place_lies_in_the_text(text in "(\\PC|[\\[\\]=:;# \t\r\n\u{a0}ab]){0,80}") {
            let ini = parse(&text);
            let entries = ini.sections.iter().flat_map(|section| &section.entries);
            let spans = ini.sections.iter().map(|section| section.span.clone());
            let spans = spans.chain(entries.flat_map(|entry| [entry.key_span.clone(), entry.value_span.clone()]));
            for span in spans.chain(ini.errors.iter().map(|error| error.span.clone())) {
                prop_assert!(text.get(span.clone()).is_some(), "{:?} in {:?}", span, text);
            }
        }

        #[test]
        fn what_was_read_and_written_again_reads_the_same(keys in proptest::collection::btree_map("[a-z]{1,5}", "[a-z0-9/]{0,3}(\n[a-z]{1,3}){0,2}", 0..6)) {
            let lines: Vec<String> = keys.iter().map(|(key, value)| format!("{key} = {}", value.replace('\n', "\n  "))).collect();
            let ini = parse(&format!("[s]\n{}\n", lines.join("\n")));
            let read: std::collections::BTreeMap<String, String> =
                ini.sections[0].entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
            prop_assert_eq!(read, keys);
        }
    }
}
