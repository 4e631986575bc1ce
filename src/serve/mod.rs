//! Answers on the control socket: one HTTP server per project, on a UNIX socket that only its owner can open, and on TCP if asked.
//!
//! [`listen`] lets connections in, [`wire`] bounds how long a request may take to arrive, [`rpc`] speaks HTTP, [`guard`] decides whether
//! a request may go on, [`door`] performs what a method of [`crate::api`] decided. Everything waits without blocking: a call that takes an hour costs a task, and a client that goes
//! away takes its waiting with it. [`web`] is what a browser gets: the page at `/` and the JSON under `/api/v1` that it lives on.

pub mod door;
pub mod guard;
pub mod listen;
pub mod secret;
pub mod session;

mod attach;
mod attempts;
mod body;
mod logs;
mod logtail;
mod rpc;
mod socket;
mod tcp;
mod unix;
mod web;
mod wire;

pub use door::UsageSource;
pub use guard::Policy;
pub use listen::{ListenError, Listener, serve};
pub use unix::Sharing;
