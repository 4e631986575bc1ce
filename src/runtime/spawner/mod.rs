//! The spawner.

pub mod channel;
pub mod order;
pub mod wire;
