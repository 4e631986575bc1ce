//! Where the supervisor meets the machine: what happens becomes events, and what it decides is done.
//!
//! [`driver`] is the loop and the only owner of the state; everybody else holds a [`handle`]. What an action comes to is in
//! `perform`, `talk`, `hook` and `health`, one subject a file. [`spawner`] is the process that forks programs, waits for them and
//! signals them; [`front`] stands before us where a shell waits. [`load`] and [`reload`] look at the disk for the pure loader of the
//! config, [`watch`] says when to. [`os`] is what differs between Linux and macOS, and [`sys`] the only file with `unsafe`.

pub mod clock;
pub mod console;
pub mod daemon;
pub mod driver;
mod ends;
pub mod env_files;
pub mod extension;
mod fcgi;
pub mod front;
pub mod handle;
mod health;
pub mod helpers;
mod hook;
pub mod launcher;
mod listening;
pub mod load;
mod memory_kills;
pub mod narrator;
pub mod notify_socket;
pub mod os;
mod perform;
pub mod ports;
pub mod record;
pub mod reload;
pub mod rest;
mod side;
pub mod signals;
pub mod spawner;
pub mod stdin;
pub mod strangers;
pub mod streams;
pub mod sys;
mod talk;
pub mod watch;
