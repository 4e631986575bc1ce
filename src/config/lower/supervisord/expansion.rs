//! `%(name)s`: Python's formatting with a table of names, as far as a config can mean it (supervisor `options.py` `expand`).
//!
//! Two differences, both of them errors here: a conversion without a name (the original prints the whole table of names), and
//! conversions to floating point.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use crate::config::layers::Layers;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
}

/// The names that may stand in a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expansions {
    values: Layers<Value>,
}

impl Expansions {
    /// Adds a text.
    pub fn text(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name, Value::Text(value.into()));
    }

    /// Adds a number.
    pub fn number(&mut self, name: impl Into<String>, value: i64) {
        self.values.insert(name, Value::Number(value));
    }

    /// Adds variables as `ENV_NAME`.
    pub fn variables<'v>(&mut self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) {
        for (name, value) in variables {
            self.text(format!("ENV_{name}"), value);
        }
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.names()
    }

    /// Copies that are made from now on share what is here.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { values: self.values.shared() }
    }
}

/// A value that cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandError {
    /// The bytes of the text that it concerns.
    pub range: Range<usize>,
    /// Why.
    pub kind: ExpandErrorKind,
}

/// Why a value cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandErrorKind {
    /// No such name.
    #[error("`{0}` is not a name that can stand here")]
    Unknown(String),
    /// A `%` that begins nothing.
    #[error("a lone `%`")]
    Lone,
    /// A parenthesis is open at the end.
    #[error("`%(` is not closed")]
    Open,
    /// Nothing says how the value is written.
    #[error("`s` is missing behind the parenthesis")]
    NoConversion,
    /// A letter that means nothing, or not for this value.
    #[error("`{0}` cannot write this value")]
    Conversion(char),
}

/// Fills in the names. `%%` is one `%`.
pub fn expand(text: &str, expansions: &Expansions) -> Result<String, ExpandError> {
    let mut expanded = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '%' {
            expanded.push(c);
            continue;
        }
        match hole(text, &mut chars, expansions) {
            Ok(value) => expanded.push_str(&value),
            Err(kind) => {
                let end = chars.peek().map_or(text.len(), |(end, _)| *end);
                return Err(ExpandError { range: at..end, kind });
            }
        }
    }
    Ok(expanded)
}

/// How a value is written: what stands between the name and the letter.
#[derive(Debug, Default)]
struct Format {
    left: bool,
    zero: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// The widest value that is written; more is no config.
const WIDEST: usize = 4096;

type Chars<'t> = Peekable<CharIndices<'t>>;

/// What follows a `%`.
fn hole(text: &str, chars: &mut Chars<'_>, expansions: &Expansions) -> Result<String, ExpandErrorKind> {
    let name = match chars.peek() {
        Some((_, '%')) => {
            chars.next();
            return Ok("%".to_owned());
        }
        Some((_, '(')) => Some(name(text, chars)?),
        _ => None,
    };
    let value = match name {
        Some(name) => Some(expansions.values.get(name).ok_or_else(|| ExpandErrorKind::Unknown(name.to_owned()))?),
        None => None,
    };
    let format = format(chars);
    let Some((_, letter)) = chars.next() else {
        return Err(if value.is_some() { ExpandErrorKind::NoConversion } else { ExpandErrorKind::Lone });
    };
    match value {
        None => Err(ExpandErrorKind::Lone),
        Some(value) => format.write(value, letter),
    }
}

/// The name in parentheses, which may be nested.
fn name<'t>(text: &'t str, chars: &mut Chars<'_>) -> Result<&'t str, ExpandErrorKind> {
    let mut depth = 0;
    let mut start = None;
    for (at, c) in chars.by_ref() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        let start = *start.get_or_insert(at + 1);
        if depth == 0 {
            return Ok(text.get(start..at).unwrap_or_default());
        }
    }
    Err(ExpandErrorKind::Open)
}

/// Flags, width, precision, and C's length letters, which mean nothing.
fn format(chars: &mut Chars<'_>) -> Format {
    let mut format = Format::default();
    while let Some((_, flag)) = chars.next_if(|(_, c)| "-0+ #".contains(*c)) {
        match flag {
            '-' => format.left = true,
            '0' => format.zero = true,
            '+' => format.plus = true,
            ' ' => format.blank = true,
            _ => format.alternate = true,
        }
    }
    format.width = digits(chars).unwrap_or(0);
    if chars.next_if(|(_, c)| *c == '.').is_some() {
        format.precision = Some(digits(chars).unwrap_or(0));
    }
    chars.next_if(|(_, c)| "hlL".contains(*c));
    format
}

fn digits(chars: &mut Chars<'_>) -> Option<usize> {
    let mut number = None;
    while let Some((_, digit)) = chars.next_if(|(_, c)| c.is_ascii_digit()) {
        let digit = digit.to_digit(10).unwrap_or_default() as usize;
        number = Some((number.unwrap_or(0) * 10 + digit).min(WIDEST));
    }
    number
}

impl Format {
    fn write(&self, value: &Value, letter: char) -> Result<String, ExpandErrorKind> {
        match (letter, value) {
            ('s', Value::Text(text)) => Ok(self.pad_text(text)),
            ('s' | 'r' | 'a', Value::Number(number)) => Ok(self.pad_text(&number.to_string())),
            ('d' | 'i' | 'u', Value::Number(number)) => {
                Ok(self.pad_number(*number, "", &number.unsigned_abs().to_string()))
            }
            ('x', Value::Number(number)) => Ok(self.pad_number(*number, "0x", &format!("{:x}", number.unsigned_abs()))),
            ('X', Value::Number(number)) => Ok(self.pad_number(*number, "0X", &format!("{:X}", number.unsigned_abs()))),
            ('o', Value::Number(number)) => Ok(self.pad_number(*number, "0o", &format!("{:o}", number.unsigned_abs()))),
            ('c', Value::Text(text)) if text.chars().count() == 1 => Ok(self.pad_text(text)),
            ('c', Value::Number(number)) => {
                let sign = u32::try_from(*number).ok().and_then(char::from_u32);
                sign.map(|sign| self.pad_text(&sign.to_string())).ok_or(ExpandErrorKind::Conversion(letter))
            }
            _ => Err(ExpandErrorKind::Conversion(letter)),
        }
    }

    fn pad_text(&self, text: &str) -> String {
        let kept: String = text.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
        let fill = " ".repeat(self.width.saturating_sub(kept.chars().count()));
        if self.left { kept + &fill } else { fill + &kept }
    }

    fn pad_number(&self, number: i64, mark: &str, digits: &str) -> String {
        let sign = match number {
            ..0 => "-",
            _ if self.plus => "+",
            _ if self.blank => " ",
            _ => "",
        };
        let mark = if self.alternate { mark } else { "" };
        let least = self.precision.unwrap_or(1).max(if self.zero && !self.left {
            self.width.saturating_sub(sign.len() + mark.len())
        } else {
            0
        });
        let zeros = "0".repeat(least.saturating_sub(digits.len()));
        let whole = Self { precision: None, zero: false, ..*self };
        whole.pad_text(&format!("{sign}{mark}{zeros}{digits}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_lone_percent_and_an_unknown_name_are_errors_with_their_place() {
        let mut names = Expansions::default();
        names.text("here", "/etc");
        let error = expand("date +%Y", &names).unwrap_err();
        assert_eq!((error.range, error.kind), (6..8, ExpandErrorKind::Lone));
        let error = expand("%(here)s %(hare)s", &names).unwrap_err();
        assert_eq!(error.range, 9..16);
        assert_eq!(error.kind.to_string(), "`hare` is not a name that can stand here");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[%()a-eés0-9.# -]{0,30}") {
            let mut names = Expansions::default();
            names.number("a", -7);
            if let Err(error) = expand(&text, &names) {
                prop_assert!(text.get(error.range).is_some());
            }
        }
    }
}
