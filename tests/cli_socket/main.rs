//! The commands that ask a running project, against a real socket with a supervisor of cardboard behind it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail where they stand, as the test may")]

#[path = "../api/sample.rs"]
mod sample;

mod commands;
mod running;
