//! The driver, the spawner process, signals.

pub mod clock;
pub mod handle;
