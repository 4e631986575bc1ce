//! XML-RPC: calls and answers as text, both ways. The tags come from an XML library; the writer is ours, one buffer long.
//!
//! The layout of what is written (line ends included) is that of Python's `xmlrpc.client`, which every client of supervisord
//! is used to. No DTD is ever read, nesting is bounded by [`DEPTH`] and the number of nodes of a call by [`NODES`].

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node, ParsingOptions};

pub use value::Value;

mod value;

/// How deep values may be nested.
pub const DEPTH: usize = 64;

/// How many XML nodes a call may have; a body of 4 MiB could hold a million, at 80 bytes each.
pub const NODES: u32 = 200_000;

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
    let document = document(text, NODES)?;
    let root = named_root(&document, "methodCall")?;
    let method = child(root, "methodName").ok_or(ParseError::Missing("methodName"))?.text().unwrap_or("").trim();
    if method.is_empty() {
        return Err(ParseError::Missing("methodName"));
    }
    let params = match child(root, "params") {
        Some(params) => elements(params).map(parse_param).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(Call { method: method.to_owned(), params })
}

/// Reads an answer.
pub fn parse_response(text: &str) -> Result<Response, ParseError> {
    let document = document(text, u32::MAX)?;
    let root = named_root(&document, "methodResponse")?;
    if let Some(fault) = child(root, "fault") {
        let value = parse_value(child(fault, "value").ok_or(ParseError::Missing("value"))?, 0)?;
        let code = value.get("faultCode").and_then(Value::as_int).ok_or(ParseError::Missing("faultCode"))?;
        let text = value.get("faultString").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Ok(Response::Fault { code: i32::try_from(code).unwrap_or(i32::MAX), text });
    }
    let params = child(root, "params").ok_or(ParseError::Missing("params"))?;
    parse_param(elements(params).next().ok_or(ParseError::Missing("param"))?).map(Response::Value)
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

fn document(text: &str, nodes_limit: u32) -> Result<Document<'_>, ParseError> {
    let options = ParsingOptions { nodes_limit, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| ParseError::Xml(error.to_string()))
}

fn named_root<'a, 'i>(document: &'a Document<'i>, name: &'static str) -> Result<Node<'a, 'i>, ParseError> {
    let root = document.root_element();
    if root.tag_name().name() == name { Ok(root) } else { Err(ParseError::Missing(name)) }
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    elements(node).find(|node| node.tag_name().name() == name)
}

fn parse_param(param: Node<'_, '_>) -> Result<Value, ParseError> {
    if param.tag_name().name() != "param" {
        return Err(ParseError::Unexpected(param.tag_name().name().to_owned()));
    }
    parse_value(child(param, "value").ok_or(ParseError::Missing("value"))?, 0)
}

/// Reads a `<value>`; without a type inside it is a string.
fn parse_value(node: Node<'_, '_>, depth: usize) -> Result<Value, ParseError> {
    if depth >= DEPTH {
        return Err(ParseError::TooDeep);
    }
    let Some(typed) = elements(node).next() else { return Ok(Value::String(full_text(node))) };
    match typed.tag_name().name() {
        "string" => Ok(Value::String(full_text(typed))),
        "int" | "i1" | "i2" | "i4" | "i8" => scalar(typed, "int", |text| text.parse().ok()).map(Value::Int),
        "boolean" => Ok(Value::Bool(full_text(typed).trim() == "1")),
        "double" => scalar(typed, "double", |text| text.parse().ok()).map(Value::Double),
        "dateTime.iso8601" => Ok(Value::DateTime(full_text(typed))),
        "base64" => scalar(typed, "base64", decode).map(Value::Base64),
        "nil" => Ok(Value::Nil),
        "array" => {
            let data = child(typed, "data").ok_or(ParseError::Missing("data"))?;
            elements(data).map(|item| parse_value(item, depth + 1)).collect::<Result<_, _>>().map(Value::Array)
        }
        "struct" => {
            elements(typed).map(|member| parse_member(member, depth + 1)).collect::<Result<_, _>>().map(Value::Struct)
        }
        other => Err(ParseError::Unexpected(other.to_owned())),
    }
}

fn parse_member(member: Node<'_, '_>, depth: usize) -> Result<(String, Value), ParseError> {
    let name = child(member, "name").ok_or(ParseError::Missing("name"))?;
    let value = child(member, "value").ok_or(ParseError::Missing("value"))?;
    Ok((full_text(name), parse_value(value, depth)?))
}

fn scalar<T>(node: Node<'_, '_>, kind: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, ParseError> {
    let text = full_text(node);
    read(text.trim()).ok_or(ParseError::Invalid { kind, text })
}

/// All text of an element: a comment or a CDATA section splits it into several nodes.
fn full_text(node: Node<'_, '_>) -> String {
    let mut texts = node.children().filter(Node::is_text).filter_map(|node| node.text());
    let mut all = texts.next().unwrap_or("").to_owned();
    texts.for_each(|text| all.push_str(text));
    all
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
