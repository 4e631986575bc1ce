//! YAML to a [`Node`]: anchors and merge keys are resolved, and a document that would unfold without measure is refused.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use crate::codec::tree::{Data, Entry, Node};

/// Values that a document may have once its aliases are unfolded.
const MOST_NODES: usize = 100_000;

/// How deep values may be nested.
const DEEPEST: usize = 64;

/// A document that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct YamlError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Reads the first document of a text. An empty one is a null.
///
/// A bracket that closes a list or table at the indentation of its key is read too, although YAML 1.2 wants it further in: the
/// readers of the tools that such files are written for take it.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    let mut text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    loop {
        match parse_strictly(&text) {
            // Only inside of brackets is indentation what the parser complains of there.
            Err(error) if error.message == "invalid indentation" => {
                text = bracket_further_in(&text, error.line).ok_or(error)?;
            }
            read => return read,
        }
    }
}

/// The text with a line that begins with a closing bracket moved in as far as no block goes; nothing where it has been already,
/// or where the line is another one.
fn bracket_further_in(text: &str, line: usize) -> Option<String> {
    const FAR: usize = 4 * DEEPEST;
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let rest = text.get(start..)?;
    let at = rest.find(|c: char| c != ' ')?;
    (at < FAR && rest[at..].starts_with([']', '}']))
        .then(|| format!("{}{}{}", &text[..start], " ".repeat(FAR), &text[start..]))
}

fn parse_strictly(text: &str) -> Result<Node, YamlError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new(), budget: MOST_NODES };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, line) => return Ok(Node { line, data: Data::Null }),
            (event, line) => return reader.node(event, line, 0),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// By the number of the anchor: the value, and how many nodes it has.
    anchors: BTreeMap<usize, (Node, usize)>,
    /// Nodes that may still come.
    budget: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, usize), YamlError> {
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, 1)),
            Some(Ok((event, span))) => Ok((event, span.start.line().max(1))),
            Some(Err(error)) => Err(YamlError { line: error.marker().line().max(1), message: error.info().to_owned() }),
        }
    }

    fn spend(&mut self, nodes: usize, line: usize) -> Result<(), YamlError> {
        match self.budget.checked_sub(nodes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => {
                Err(YamlError { line, message: "the document is too large once its aliases are unfolded".to_owned() })
            }
        }
    }

    /// The value that begins with this event.
    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<Node, YamlError> {
        if depth > DEEPEST {
            return Err(YamlError { line, message: format!("values are nested more than {DEEPEST} deep") });
        }
        let before = self.budget;
        self.spend(1, line)?;
        let (anchor, data) = match event {
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(YamlError { line, message: "an alias stands inside of its own anchor".to_owned() });
                };
                self.spend(size, line)?;
                return Ok(Node { line, ..node });
            }
            Event::Scalar(text, style, anchor, _) => (anchor, scalar(text.into_owned(), style)),
            Event::SequenceStart(anchor, _) => (anchor, Data::List(self.items(depth)?)),
            Event::MappingStart(anchor, _) => (anchor, Data::Table(self.entries(depth)?)),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => (0, Data::Null),
        };
        let node = Node { line, data };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), before - self.budget));
        }
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd | Event::StreamEnd, _) => return Ok(items),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, YamlError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                break;
            }
            let key = self.node(event, line, depth + 1)?;
            let (event, value_line) = self.next()?;
            let value = self.node(event, value_line, depth + 1)?;
            match key.data {
                Data::Text { text, is_bare: true } if text == "<<" => merged.push(value),
                Data::Text { text, .. } => entries.push(Entry { key: text, line, value }),
                Data::Null | Data::List(_) | Data::Table(_) => {
                    return Err(YamlError { line, message: "a key has to be a word".to_owned() });
                }
            }
        }
        merge(&mut entries, &merged);
        Ok(entries)
    }
}

/// What a word means. Inside quotes and blocks everything is text.
fn scalar(text: String, style: ScalarStyle) -> Data {
    let is_bare = style == ScalarStyle::Plain;
    if is_bare && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL") {
        return Data::Null;
    }
    Data::Text { text, is_bare }
}

/// Adds the entries of the merged tables whose keys are not there yet; earlier tables win.
fn merge(entries: &mut Vec<Entry>, merged: &[Node]) {
    for node in merged {
        let tables = node.list().unwrap_or(std::slice::from_ref(node));
        for entry in tables.iter().filter_map(Node::table).flatten() {
            if !entries.iter().any(|there| there.key == entry.key) {
                entries.push(entry.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Grow;

    fn read(text: &str) -> Node {
        parse(text).unwrap()
    }

    #[test]
    fn values_know_their_lines() {
        let tree = read("a: 1\nb:\n  - x\n  - 'y'\nc: {d: true}\n");
        let lines: Vec<usize> = tree.table().unwrap().iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [1, 2, 5]);
        assert_eq!(tree.get("b").unwrap().list().unwrap()[1], Node::quoted(4, "y"));
        assert_eq!(tree.get("a").unwrap().integer(), Some(1));
        assert_eq!(tree.get("c").unwrap().get("d").unwrap().boolean(), Some(true));
    }

    #[test]
    fn quotes_make_a_text_of_anything() {
        let tree = read("a: \"yes\"\nb: no\nc: ~\nd: '~'\n");
        assert_eq!(tree.get("a").unwrap().boolean(), None);
        assert_eq!(tree.get("b").unwrap().boolean(), Some(false));
        assert!(tree.get("c").unwrap().is_null());
        assert_eq!(tree.get("d").unwrap().text(), Some("~"));
    }

    #[test]
    fn anchors_and_merge_keys_are_resolved() {
        let tree = read("x: &base {a: 1, b: 2}\ny:\n  <<: *base\n  b: 3\nz: [*base]\n");
        let y = tree.get("y").unwrap();
        assert_eq!((y.get("a").unwrap().integer(), y.get("b").unwrap().integer()), (Some(1), Some(3)));
        assert_eq!(tree.get("z").unwrap().list().unwrap()[0].get("b").unwrap().integer(), Some(2));
    }

    #[test]
    fn a_bracket_may_close_at_the_indentation_of_its_key() {
        let tree = read("a:\n  b: [\n      'x',\n      'y'\n  ]\n  c: {d: [\n    1\n  ],\n  }\n  e: |\n    {\n    }\n");
        let a = tree.get("a").unwrap();
        assert_eq!(a.get("b").unwrap().texts(), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(a.get("c").unwrap().get("d").unwrap().texts(), Some(vec!["1".to_owned()]));
        assert_eq!(a.get("e").unwrap().text(), Some("{\n}\n"));
        assert_eq!(a.table().unwrap().last().unwrap().line, 10);
        assert_eq!(parse("a: 1\n]\n").unwrap_err().line, 2);
    }

    #[test]
    fn what_unfolds_without_measure_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            text.put(format_args!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
        }
        assert!(parse(&text).unwrap_err().message.contains("too large"));
        assert!(parse(&"[".repeat(100)).is_err());
    }

    #[test]
    fn a_mistake_has_its_line() {
        assert_eq!(parse("a: 1\nb: [1\nc: 2\n").unwrap_err().line, 3);
        assert_eq!(read(""), Node { line: 1, data: Data::Null });
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[-a:&*<>{}\\[\\],#|'\"\n ]){0,60}") {
            drop(parse(&text));
        }
    }
}
