//! Templates of a run.toml: their variables, what they become, and which one fits a directory. Pure.
//!
//! A template is a run.toml with `{{ holes }}` in Jinja's notation and a head of TOML between two lines of `+++` that says what it
//! is and which variables it has. Values are escaped as they are put in, so that no value can end the string it stands in.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod builtin;
pub mod header;
pub mod propose;
pub mod render;

pub use header::{Template, Variable};
