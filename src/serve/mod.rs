//! Answers on the control socket: one HTTP server per project, on a UNIX socket that only its owner can open.
//!
//! [`listen`] lets connections in, [`wire`] bounds how long a request may take to arrive, [`rpc`] speaks HTTP, [`door`] performs what a
//! method of [`crate::api`] decided. Everything waits without blocking: a call that takes an hour costs a task, and a client that goes
//! away takes its waiting with it.

pub mod door;
pub mod listen;

mod rpc;
mod wire;

pub use door::UsageSource;
pub use listen::{ListenError, Listener, serve};
