//! The real binary, from outside: what a person types, sees and is left with. One file a theme.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod attach;
mod attach_terminal;
mod bare;
mod commands;
mod control;
mod crash;
mod detach;
mod dotenv;
mod dropin;
mod examples;
mod extension;
mod health;
mod init;
mod joining;
mod listeners;
mod logs;
mod many;
mod mistakes;
mod output;
mod procfile;
mod proxy;
mod ready;
mod record;
mod reload;
mod stop;
mod supervisord;
mod survive;
mod up_story;
mod watch;
mod web;
