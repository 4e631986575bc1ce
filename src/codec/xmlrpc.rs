//! XML-RPC: calls and answers as text, both ways. The tags come from an XML library; the writer is ours, one buffer long.
//!
//! The layout of what is written (line ends included) is that of Python's `xmlrpc.client`, which every client of supervisord
//! is used to. No DTD is ever read, nesting is bounded by [`DEPTH`], and a call has a limit of elements.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::reader::{Elements, Piece, Tag, unexpected};

pub use value::Value;

mod reader;
mod value;

/// How deep values may be nested.
pub const DEPTH: usize = 64;

/// How many elements a call may have; a body of 4 MiB could hold half a million.
const MOST_ELEMENTS: u32 = 200_000;

/// A method and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `supervisor.getState`.
    pub method: String,
    /// In order.
    pub params: Vec<Value>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// What the method returned.
    Value(Value),
    /// What it refused.
    Fault {
        /// supervisord's fault code.
        code: i32,
        /// `NAME` or `NAME: detail`.
        text: String,
    },
}

/// Why a text is no call or no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The XML library refused it; also a DTD.
    #[error("not XML: {0}")]
    Xml(String),
    /// An element that has no place there.
    #[error("unexpected <{0}>")]
    Unexpected(String),
    /// An element that should be there.
    #[error("no <{0}>")]
    Missing(&'static str),
    /// A value that its type does not allow.
    #[error("`{text}` is no {kind}")]
    Invalid {
        /// The type's tag.
        kind: &'static str,
        /// What stood there.
        text: String,
    },
    /// Nested deeper than [`DEPTH`].
    #[error("nested more than {DEPTH} deep")]
    TooDeep,
}

/// Reads a call. A missing `<params>` means no arguments, as supervisord has it (supervisor `xmlrpc.py` `continue_request`).
pub fn parse_call(text: &str) -> Result<Call, ParseError> {
    let mut call = Elements::begin(text, "methodCall", MOST_ELEMENTS)?;
    let (mut method, mut params) = (None, None);
    while let Some(tag) = call.child()? {
        match tag.name() {
            "methodName" if method.is_none() => method = Some(call.text()?),
            "params" if params.is_none() => params = Some(parse_params(&mut call)?),
            _ => call.close()?,
        }
    }
    call.end()?;
    let method = method.as_deref().map(str::trim).filter(|method| !method.is_empty());
    let method = method.ok_or(ParseError::Missing("methodName"))?.to_owned();
    Ok(Call { method, params: params.unwrap_or_default() })
}

/// Reads an answer.
pub fn parse_response(text: &str) -> Result<Response, ParseError> {
    let mut answer = Elements::begin(text, "methodResponse", u32::MAX)?;
    let mut response = None;
    while let Some(tag) = answer.child()? {
        match tag.name() {
            "fault" if response.is_none() => response = Some(parse_fault(&mut answer)?),
            "params" if response.is_none() => {
                let first = parse_params(&mut answer)?.into_iter().next();
                response = Some(Response::Value(first.ok_or(ParseError::Missing("param"))?));
            }
            _ => answer.close()?,
        }
    }
    answer.end()?;
    response.ok_or(ParseError::Missing("params"))
}

/// Writes a call.
pub fn write_call(method: &str, params: &[Value]) -> String {
    let mut out = String::with_capacity(256);
    out.push_str("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    escape(&mut out, method);
    out.push_str("</methodName>\n<params>\n");
    for param in params {
        write_param(&mut out, param);
    }
    out.push_str("</params>\n</methodCall>\n");
    out
}

/// Writes an answer.
pub fn write_response(value: &Value) -> String {
    let mut out = String::with_capacity(512);
    out.push_str("<?xml version='1.0'?>\n<methodResponse>\n<params>\n");
    write_param(&mut out, value);
    out.push_str("</params>\n</methodResponse>\n");
    out
}

/// Writes a refusal.
pub fn write_fault(code: i32, text: &str) -> String {
    let mut out = String::with_capacity(384);
    out.push_str("<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    write_value(&mut out, &Value::fault(code, text));
    out.push_str("</fault>\n</methodResponse>\n");
    out
}

fn parse_fault(fault: &mut Elements<'_>) -> Result<Response, ParseError> {
    let value = parse_only_value(fault)?;
    let code = value.get("faultCode").and_then(Value::as_int).ok_or(ParseError::Missing("faultCode"))?;
    let text = value.get("faultString").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Response::Fault { code: i32::try_from(code).unwrap_or(i32::MAX), text })
}

fn parse_params(params: &mut Elements<'_>) -> Result<Vec<Value>, ParseError> {
    let mut values = Vec::new();
    while let Some(tag) = params.child()? {
        if tag.name() != "param" {
            return Err(unexpected(&tag));
        }
        values.push(parse_only_value(params)?);
    }
    Ok(values)
}

/// The `<value>` in the element that is open, to the end of that element.
fn parse_only_value(element: &mut Elements<'_>) -> Result<Value, ParseError> {
    element.named("value")?;
    let value = parse_value(element, 0)?;
    element.close()?;
    Ok(value)
}

/// Reads a `<value>` that is open, to its end; without a type inside it is a string.
fn parse_value(value: &mut Elements<'_>, depth: usize) -> Result<Value, ParseError> {
    if depth >= DEPTH {
        return Err(ParseError::TooDeep);
    }
    let mut text = String::new();
    loop {
        match value.next()? {
            Piece::Text(part) => text.push_str(&part),
            Piece::Close => return Ok(Value::String(text)),
            Piece::Open(tag) => {
                let typed = parse_typed(value, &tag, depth)?;
                value.close()?;
                return Ok(typed);
            }
        }
    }
}

/// Reads an element that names the type of its content, to its end.
fn parse_typed(typed: &mut Elements<'_>, tag: &Tag<'_>, depth: usize) -> Result<Value, ParseError> {
    match tag.name() {
        "string" => typed.text().map(Value::String),
        "int" | "i1" | "i2" | "i4" | "i8" => scalar(typed, "int", |text| text.parse().ok()).map(Value::Int),
        "boolean" => Ok(Value::Bool(typed.text()?.trim() == "1")),
        "double" => scalar(typed, "double", |text| text.parse().ok()).map(Value::Double),
        "dateTime.iso8601" => typed.text().map(Value::DateTime),
        "base64" => scalar(typed, "base64", decode).map(Value::Base64),
        "nil" => typed.close().map(|()| Value::Nil),
        "array" => {
            typed.named("data")?;
            let mut items = Vec::new();
            while typed.child()?.is_some() {
                items.push(parse_value(typed, depth + 1)?);
            }
            typed.close().map(|()| Value::Array(items))
        }
        "struct" => {
            let mut members = Vec::new();
            while typed.child()?.is_some() {
                members.push(parse_member(typed, depth + 1)?);
            }
            Ok(Value::Struct(members))
        }
        _ => Err(unexpected(tag)),
    }
}

fn parse_member(member: &mut Elements<'_>, depth: usize) -> Result<(String, Value), ParseError> {
    let (mut name, mut value) = (None, None);
    while let Some(tag) = member.child()? {
        match tag.name() {
            "name" if name.is_none() => name = Some(member.text()?),
            "value" if value.is_none() => value = Some(parse_value(member, depth)?),
            _ => member.close()?,
        }
    }
    Ok((name.ok_or(ParseError::Missing("name"))?, value.ok_or(ParseError::Missing("value"))?))
}

fn scalar<T>(
    element: &mut Elements<'_>,
    kind: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ParseError> {
    let text = element.text()?;
    read(text.trim()).ok_or(ParseError::Invalid { kind, text })
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

fn write_param(out: &mut String, value: &Value) {
    out.push_str("<param>\n");
    write_value(out, value);
    out.push_str("</param>\n");
}

fn write_value(out: &mut String, value: &Value) {
    out.push_str("<value>");
    match value {
        Value::Int(number) => write_int(out, *number),
        Value::Bool(yes) => out.push_str(if *yes { "<boolean>1</boolean>" } else { "<boolean>0</boolean>" }),
        Value::String(text) => tagged(out, "string", text),
        Value::Double(number) => put(out, format_args!("<double>{number:?}</double>")),
        Value::Nil => out.push_str("<nil/>"),
        Value::DateTime(text) => tagged(out, "dateTime.iso8601", text),
        Value::Base64(bytes) => tagged(out, "base64", &STANDARD.encode(bytes)),
        Value::Array(items) => {
            out.push_str("<array><data>\n");
            for item in items {
                write_value(out, item);
            }
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>\n");
            for (name, value) in members {
                out.push_str("<member>\n<name>");
                escape(out, name);
                out.push_str("</name>\n");
                write_value(out, value);
                out.push_str("</member>\n");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>\n");
}

/// `<int>` where 32 bits hold it, which is all that XML-RPC promises; `<i8>`, which Python reads too, where they do not.
fn write_int(out: &mut String, number: i64) {
    match i32::try_from(number) {
        Ok(number) => put(out, format_args!("<int>{number}</int>")),
        Err(_) => put(out, format_args!("<i8>{number}</i8>")),
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing into a String cannot fail");
}

fn tagged(out: &mut String, tag: &str, text: &str) {
    out.push('<');
    out.push_str(tag);
    out.push('>');
    escape(out, text);
    out.push_str("</");
    out.push_str(tag);
    out.push('>');
}

/// Escapes markup; CR as a reference, since a parser would make it LF; what XML 1.0 cannot carry becomes U+FFFD.
fn escape(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let replacement = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\r' => "&#13;",
            '\t' | '\n' => continue,
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(replacement);
        from = at + c.len_utf8();
    }
    out.push_str(&text[from..]);
}

#[cfg(test)]
mod tests;
