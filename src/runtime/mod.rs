//! The driver, the spawner process, signals.

pub mod handle;
pub mod load;
pub mod notify_socket;
pub mod ports;
pub mod record;
