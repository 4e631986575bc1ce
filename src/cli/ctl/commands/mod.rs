//! The commands, one family a file.

pub(super) mod config;
pub(super) mod foreground;
pub(super) mod logs;
pub(super) mod processes;
pub(super) mod server;
pub(super) mod shell;
pub(super) mod status;
