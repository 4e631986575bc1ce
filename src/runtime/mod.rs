//! The driver, the spawner process, signals.

pub mod handle;
pub mod load;
