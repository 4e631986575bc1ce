//! The driver, the spawner process, signals.

pub mod clock;
pub mod daemon;
pub mod driver;
mod ends;
pub mod env_files;
pub mod extension;
pub mod front;
pub mod handle;
mod health;
pub mod helpers;
pub mod launcher;
mod listening;
pub mod load;
pub mod narrator;
pub mod notify_socket;
pub mod os;
mod perform;
pub mod ports;
pub mod record;
pub mod reload;
mod side;
pub mod signals;
pub mod spawner;
pub mod strangers;
pub mod streams;
pub mod sys;
