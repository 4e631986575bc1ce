//! One raw value to one typed value. Each reader says only whether it fits; the words come from the table of options.

use std::time::Duration;

use crate::config::raw::{RawData, RawValue};
use crate::model::units::{parse_duration, parse_octal, parse_size};
use crate::model::{Autorestart, PortRequest, Signal, Tty};

/// Why a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Another kind of value altogether.
    Type,
    /// The right kind with the wrong content, in words for the label; empty: what the option takes.
    Value(String),
}

/// What a reader gives.
pub type Read<T> = Result<T, Wrong>;

/// What kind of value it is, with its article.
pub fn kind_of(data: &RawData) -> &'static str {
    match data {
        RawData::Text(_) => "a string",
        RawData::Integer(_) => "a whole number",
        RawData::Float(_) => "a number with a fraction",
        RawData::Boolean(_) => "a boolean",
        RawData::Datetime(_) => "a date",
        RawData::List(_) => "a list",
        RawData::Table(_) => "a table",
    }
}

/// A string.
pub fn text(value: &RawValue) -> Read<String> {
    let text = value.data.as_text().ok_or(Wrong::Type)?;
    if text.contains('\0') {
        return Err(Wrong::Value("a NUL byte cannot be handed on".to_owned()));
    }
    Ok(text.to_owned())
}

/// A string that is not empty.
pub fn some_text(value: &RawValue) -> Read<String> {
    let text = text(value)?;
    if text.trim().is_empty() { Err(Wrong::Value("it is empty".to_owned())) } else { Ok(text) }
}

/// A string, or a number as one: `user = 1000`, `stopsignal = 15`.
pub fn text_or_number(value: &RawValue) -> Read<String> {
    value.data.as_integer().map_or_else(|| some_text(value), |number| Ok(number.to_string()))
}

/// `true` or `false`.
pub fn boolean(value: &RawValue) -> Read<bool> {
    value.data.as_boolean().ok_or(Wrong::Type)
}

/// `true`, `false` or a word.
fn boolean_or<T>(value: &RawValue, on: T, off: T, word: &str, other: T) -> Read<T> {
    if let Some(truth) = value.data.as_boolean() {
        return Ok(if truth { on } else { off });
    }
    let text = value.data.as_text().ok_or(Wrong::Type)?;
    if text == word { Ok(other) } else { Err(Wrong::Value(String::new())) }
}

/// supervisord's `autorestart`.
pub fn autorestart(value: &RawValue) -> Read<Autorestart> {
    boolean_or(value, Autorestart::Always, Autorestart::Never, "unexpected", Autorestart::Unexpected)
}

/// `tty`.
pub fn tty(value: &RawValue) -> Read<Tty> {
    boolean_or(value, Tty::Always, Tty::Never, "auto", Tty::Auto)
}

/// A whole number in a range.
pub fn integer(value: &RawValue, low: i64, high: i64) -> Read<i64> {
    let number = value.data.as_integer().ok_or(Wrong::Type)?;
    if (low..=high).contains(&number) { Ok(number) } else { Err(Wrong::Value(String::new())) }
}

/// Seconds, or a string with a unit.
pub fn duration(value: &RawValue) -> Read<Duration> {
    let parsed = match &value.data {
        RawData::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        RawData::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
        RawData::Text(text) => parse_duration(text),
        RawData::Boolean(_) | RawData::Datetime(_) | RawData::List(_) | RawData::Table(_) => return Err(Wrong::Type),
    };
    // A century is more than anyone waits, and keeps every sum of times far from the end of the clock.
    parsed.filter(|duration| duration.as_secs() < 100 * 366 * 86_400).ok_or(Wrong::Value(String::new()))
}

/// Bytes, or a string with a unit.
pub fn size(value: &RawValue) -> Read<u64> {
    let bytes = match value.data.as_integer() {
        Some(bytes) => u64::try_from(bytes).ok(),
        None => parse_size(value.data.as_text().ok_or(Wrong::Type)?),
    };
    bytes.ok_or(Wrong::Value(String::new()))
}

/// A file mode. TOML has no number with a leading zero, so it stands in quotes.
pub fn octal(value: &RawValue) -> Read<u32> {
    parse_octal(&text(value)?).ok_or(Wrong::Value(String::new()))
}

/// A signal.
pub fn signal(value: &RawValue) -> Read<Signal> {
    Signal::parse(&text_or_number(value)?).ok_or(Wrong::Value("no such signal".to_owned()))
}

/// One exit code or several.
pub fn exit_codes(value: &RawValue) -> Read<Vec<i32>> {
    let code = |value: &RawValue| match integer(value, 0, 255) {
        Ok(code) => Ok(i32::try_from(code).unwrap_or_default()),
        Err(Wrong::Value(_)) => Err(Wrong::Value("an exit code is a number from 0 to 255".to_owned())),
        Err(wrong) => Err(wrong),
    };
    match value.data.as_list() {
        Some([]) => Err(Wrong::Value("no code would count as expected".to_owned())),
        Some(items) => each(items, code),
        None => Ok(vec![code(value)?]),
    }
}

/// Reads every item of a list; what does not fit is told by its number.
pub fn each<'a, T>(items: &'a [RawValue], read: impl Fn(&'a RawValue) -> Read<T>) -> Read<Vec<T>> {
    let numbered = |(at, item): (usize, &'a RawValue)| {
        read(item).map_err(|wrong| match wrong {
            Wrong::Type => Wrong::Value(format!("entry {} is {}", at + 1, kind_of(&item.data))),
            Wrong::Value(label) if !label.is_empty() => Wrong::Value(format!("entry {}: {label}", at + 1)),
            Wrong::Value(_) => wrong,
        })
    };
    items.iter().enumerate().map(numbered).collect()
}

/// A list of strings.
pub fn names(value: &RawValue) -> Read<Vec<String>> {
    each(value.data.as_list().ok_or(Wrong::Type)?, some_text)
}

/// Patterns of files; one that begins with `!` takes out what others have let in.
pub fn patterns(value: &RawValue) -> Read<Vec<String>> {
    let pattern = |value: &RawValue| {
        let pattern = some_text(value)?;
        let plain = pattern.strip_prefix('!').unwrap_or(&pattern);
        match globset::Glob::new(plain) {
            Ok(_) => Ok(pattern),
            Err(error) => Err(Wrong::Value(format!("`{plain}` is no pattern: {}", error.kind()))),
        }
    };
    each(value.data.as_list().ok_or(Wrong::Type)?, pattern)
}

/// A port number or `"auto"`.
pub fn port(value: &RawValue) -> Read<PortRequest> {
    let port = match value.data.as_text() {
        Some("auto") => return Ok(PortRequest::Auto),
        Some(text) => text.parse().map_err(|_| Wrong::Value(String::new()))?,
        None => u16::try_from(integer(value, 1, 65_535)?).unwrap_or_default(),
    };
    if port == 0 { Err(Wrong::Value(String::new())) } else { Ok(PortRequest::Fixed(port)) }
}
