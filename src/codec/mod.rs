//! Bytes and values, where no library does it. Pure.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod ansi;
pub mod attach;
pub mod basic_auth;
pub mod capture;
pub mod extension;
pub mod ini;
pub mod json_answer;
pub mod lines;
pub mod listener;
pub mod markup;
pub mod notify;
pub mod painting;
pub mod percent;
pub mod python;
pub mod shlex;
pub mod strip;
pub mod tree;
pub mod xmlrpc;
pub mod yaml;
