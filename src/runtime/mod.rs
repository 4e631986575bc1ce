//! The driver, the spawner process, signals.

pub mod front;
pub mod handle;
pub mod os;
pub mod spawner;
pub mod sys;
