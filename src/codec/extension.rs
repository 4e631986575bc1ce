//! How a program of the user's serves a namespace of methods (`[rpcinterface.NAME]`): JSON-RPC 2.0, one message a line, requests on
//! its stdin and answers on its stdout. `docs/extending.md` has the protocol for those who write such programs.
//!
//! Here are the messages; who is asked, and how long an answer is waited for, is `runtime::extension`'s business.

use std::time::Duration;

use memchr::memchr;
use serde_json::{Map, Value as Json, json};

use crate::model::units::human_duration;

pub use description::{MethodDescription, ParamDescription, Type, parse_description};

mod description;

/// The version of the protocol, told in the first request.
pub const PROTOCOL: u32 = 1;

/// The first request: what is served? JSON-RPC keeps names that begin with `rpc.` for such things.
pub const DESCRIBE: &str = "rpc.describe";

/// The longest line in bytes: as long as the longest call that the control socket takes.
pub const LONGEST: usize = 4 << 20;

/// What a stray line is shown with at most.
const SHOWN: usize = 80;

/// Codes that JSON-RPC 2.0 defines itself or keeps for later.
pub const RESERVED: std::ops::RangeInclusive<i64> = -32768..=-32000;
/// No such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Arguments that the method does not take.
pub const INVALID_PARAMS: i64 = -32602;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It ended, or has not come up.
    #[error("the extension is not running")]
    NotRunning,
    /// It has said nothing for this long.
    #[error("the extension did not answer within {}", human_duration(*.0))]
    TimedOut(Duration),
    /// Too many calls wait for it.
    #[error("the extension is busy with other calls")]
    Busy,
    /// It said no.
    #[error("{message}")]
    Refused {
        /// JSON-RPC's or its own.
        code: i64,
        /// In its words.
        message: String,
    },
}

/// An answer to the request of this number.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The number of the request.
    pub id: u64,
    /// What it came to.
    pub outcome: Result<Json, CallError>,
}

/// A line that answers nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("wrote a line that is no answer to a request: {0}")]
pub struct Stray(String);

/// What an extension is told before it is asked anything.
#[derive(Debug, Clone, Copy)]
pub struct Greeting<'a> {
    /// The namespace it serves.
    pub namespace: &'a str,
    /// The project's name.
    pub project: &'a str,
    /// The options of its section that are its own.
    pub options: &'a [(String, String)],
}

/// Writes the first request.
pub fn write_greeting(id: u64, greeting: &Greeting<'_>) -> Vec<u8> {
    let text = |(name, value): &(String, String)| (name.clone(), Json::String(value.clone()));
    let options: Map<String, Json> = greeting.options.iter().map(text).collect();
    let params = json!({
        "protocol": PROTOCOL,
        "namespace": greeting.namespace,
        "project": greeting.project,
        "version": env!("CARGO_PKG_VERSION"),
        "options": options,
    });
    write_request(id, DESCRIBE, params)
}

/// Writes a request with its line end. Its members stand in this order and without blanks, so that a shell can cut them.
pub fn write_request(id: u64, method: &str, params: impl Into<Json>) -> Vec<u8> {
    let (method, params) = (Json::from(method), params.into());
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{method},\"params\":{params}}}\n").into_bytes()
}

/// Reads a line. `jsonrpc` may be left out, and members that nobody knows do no harm.
pub fn parse_answer(line: &[u8]) -> Result<Answer, Stray> {
    answer(line).ok_or_else(|| Stray(shown(line)))
}

fn answer(line: &[u8]) -> Option<Answer> {
    let Ok(Json::Object(mut members)) = serde_json::from_slice(line) else { return None };
    let id = members.get("id")?.as_u64()?;
    let error = members.remove("error").filter(|error| !error.is_null());
    let outcome = match (members.remove("result"), error) {
        (None | Some(Json::Null), Some(error)) => Err(refusal(&error)),
        (Some(result), None) => Ok(result),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(Answer { id, outcome })
}

fn refusal(error: &Json) -> CallError {
    let code = error.get("code").and_then(Json::as_i64).unwrap_or(*RESERVED.end());
    let message = error.get("message").and_then(Json::as_str).unwrap_or("it gave no reason");
    CallError::Refused { code, message: message.to_owned() }
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN * 4)]);
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if text.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

/// Cuts what an extension says into lines, in chunks of any size. At most [`LONGEST`] bytes are held.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
    /// The line was too long: the rest of it is dropped.
    is_skipping: bool,
}

/// A line longer than [`LONGEST`], which was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("wrote a line of more than {} MiB, which is left out", LONGEST >> 20)]
pub struct TooLong;

impl Lines {
    /// Takes the next line from the front of the chunk, without its end. `None`: the chunk is used up.
    pub fn take(&mut self, chunk: &mut &[u8]) -> Option<Result<Vec<u8>, TooLong>> {
        while !chunk.is_empty() {
            let end = memchr(b'\n', chunk);
            let (piece, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
            *chunk = rest.get(1..).unwrap_or_default();
            let was_skipping = self.is_skipping;
            if was_skipping || self.held.len() + piece.len() > LONGEST {
                (self.held, self.is_skipping) = (Vec::new(), end.is_none());
                if !was_skipping {
                    return Some(Err(TooLong));
                }
            } else {
                self.held.extend_from_slice(piece);
                if end.is_some() {
                    return Some(Ok(std::mem::take(&mut self.held)));
                }
            }
        }
        None
    }

    /// How many bytes are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests;
