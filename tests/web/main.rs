//! The page in a real browser: what a person sees of a running project, and does to it, with a mouse and without one.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the harness is shared with tests/e2e, which uses all of it")]
mod common;

mod browser;
mod page;
mod widths;
