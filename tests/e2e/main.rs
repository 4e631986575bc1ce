//! The real binary, from outside: what a person types, sees and is left with. One file a theme.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod attach;
mod attach_terminal;
mod bare;
mod calls;
mod cgroups;
mod commands;
mod control;
mod crash;
mod detach;
mod doors;
mod dotenv;
mod dropin;
mod examples;
mod exhausted;
mod extension;
mod faults;
mod fcgi;
#[cfg(feature = "tui")]
mod full_screen;
mod hard_to_end;
mod health;
mod init;
mod joining;
mod killed_tests;
mod listeners;
mod logs;
mod lost_config;
mod many;
mod mistakes;
mod output;
mod poor_world;
mod procfile;
mod proxy;
mod ready;
mod record;
mod reload;
mod shot;
mod stop;
mod stranger;
mod supervisord;
mod survive;
mod suspend;
mod trees;
mod up_story;
mod watch;
mod web;
