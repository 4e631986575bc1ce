//! Elements one after the other, as the reader of values wants them. Nothing is built in between: the answer of a large project is a
//! tenth of a megabyte, and a tree of it was thirteen times as much.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::ParseError;

/// What comes next in an element.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// An element begins.
    Open(Tag<'a>),
    /// A part of the text.
    Text(Cow<'a, str>),
    /// The element that was open ends.
    Close,
}

/// The tag of an element.
#[derive(Debug)]
pub(super) struct Tag<'a>(BytesStart<'a>);

impl Tag<'_> {
    /// Its name without a prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

/// A document that is being read.
pub(super) struct Elements<'a> {
    reader: Reader<&'a [u8]>,
    /// How many elements it may still have.
    left: u32,
}

impl<'a> Elements<'a> {
    /// Begins a document whose outermost element must be this one; it is open afterwards.
    pub(super) fn begin(text: &'a str, root: &'static str, most: u32) -> Result<Self, ParseError> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut document = Self { reader, left: most };
        let mut first = document.event()?;
        while matches!(first, Event::Decl(_)) || is_blank(&first) {
            first = document.event()?;
        }
        let is_root = matches!(&first, Event::Start(tag) if tag.local_name().into_inner() == root);
        if is_root { Ok(document) } else { Err(ParseError::Missing(root)) }
    }

    /// What comes next. There is something as long as the outermost element has not ended.
    pub(super) fn next(&mut self) -> Result<Piece<'a>, ParseError> {
        loop {
            // One match, without another function in between: to hand an event on costs more than to find it.
            return Ok(match self.reader.read_event() {
                Ok(Event::Text(text)) => Piece::Text(legal(text.xml10_content())?),
                Ok(Event::Start(tag)) => {
                    self.left =
                        self.left.checked_sub(1).ok_or_else(|| ParseError::Xml("too many elements".to_owned()))?;
                    Piece::Open(Tag(tag))
                }
                Ok(Event::End(_)) => Piece::Close,
                Ok(Event::Comment(_) | Event::PI(_)) => continue,
                Ok(Event::CData(text)) => Piece::Text(legal(text.xml10_content())?),
                Ok(Event::GeneralRef(reference)) => Piece::Text(legal(meant(&reference)?)?),
                Ok(Event::Eof) => return Err(ParseError::Xml("it ends too early".to_owned())),
                Ok(Event::Decl(_) | Event::Empty(_) | Event::DocType(_)) => {
                    return Err(ParseError::Xml("something out of place".to_owned()));
                }
                Err(error) => return Err(ParseError::Xml(error.to_string())),
            });
        }
    }

    /// The next event outside of the outermost element that says something: no comment, nothing for other programs, and never a DTD.
    fn event(&mut self) -> Result<Event<'a>, ParseError> {
        loop {
            let event = self.reader.read_event().map_err(|error| ParseError::Xml(error.to_string()))?;
            if matches!(event, Event::DocType(_)) {
                return Err(ParseError::Xml("a DTD is not read".to_owned()));
            }
            if !matches!(event, Event::Comment(_) | Event::PI(_)) {
                return Ok(event);
            }
        }
    }

    /// The next element within the one that is open; `None` at its end. Text between them means nothing.
    pub(super) fn child(&mut self) -> Result<Option<Tag<'a>>, ParseError> {
        loop {
            match self.next()? {
                Piece::Open(tag) => return Ok(Some(tag)),
                Piece::Text(_) => {}
                Piece::Close => return Ok(None),
            }
        }
    }

    /// The next element of this name within the one that is open; others are passed over.
    pub(super) fn named(&mut self, name: &'static str) -> Result<(), ParseError> {
        while let Some(tag) = self.child()? {
            if tag.name() == name {
                return Ok(());
            }
            self.close()?;
        }
        Err(ParseError::Missing(name))
    }

    /// Passes over what is left of the element that is open.
    pub(super) fn close(&mut self) -> Result<(), ParseError> {
        let mut open = 1_u32;
        while open > 0 {
            match self.next()? {
                Piece::Open(_) => open += 1,
                Piece::Text(_) => {}
                Piece::Close => open -= 1,
            }
        }
        Ok(())
    }

    /// All text of the element that is open, to its end.
    pub(super) fn text(&mut self) -> Result<String, ParseError> {
        let mut all = String::new();
        loop {
            match self.next()? {
                Piece::Open(_) => self.close()?,
                Piece::Text(text) => all.push_str(&text),
                Piece::Close => return Ok(all),
            }
        }
    }

    /// Nothing may follow the outermost element, which is closed.
    pub(super) fn end(mut self) -> Result<(), ParseError> {
        let mut last = self.event()?;
        while is_blank(&last) {
            last = self.event()?;
        }
        if matches!(last, Event::Eof) { Ok(()) } else { Err(ParseError::Xml("something follows its end".to_owned())) }
    }
}

fn is_blank(event: &Event<'_>) -> bool {
    matches!(event, Event::Text(text) if text.trim_ascii().is_empty())
}

/// An element that has no place there.
pub(super) fn unexpected(tag: &Tag<'_>) -> ParseError {
    ParseError::Unexpected(tag.name().to_owned())
}

/// What a reference stands for: a character by its number, or one of the five names that need no DTD.
fn meant(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, ParseError> {
    let character = reference.resolve_char_ref().map_err(|error| ParseError::Xml(error.to_string()))?;
    let named = || resolve_predefined_entity(reference).map(Cow::Borrowed);
    let meant = character.map(|character| Cow::Owned(character.into())).or_else(named);
    meant.ok_or_else(|| ParseError::Xml(format!("unknown entity `{}`", &**reference)))
}

/// Characters that XML 1.0 cannot carry are refused, also where they were written as references.
fn legal(text: Cow<'_, str>) -> Result<Cow<'_, str>, ParseError> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
    let is_legal = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    let illegal = if is_plain { None } else { text.chars().find(|c| !is_legal(*c)) };
    match illegal {
        None => Ok(text),
        Some(found) => Err(ParseError::Xml(format!("a character that it cannot carry, {found:?}"))),
    }
}
