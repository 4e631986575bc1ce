//! `run ctl` beside supervisorctl: what the original said and asked is replayed against a server of cardboard, both are played against
//! the real supervisord where it is installed, and our own projects are controlled.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the harness has more than these tests need")]
mod common;

mod cardboard;
mod live;
mod ours;
mod replay;
mod scenario;
mod terminal;
