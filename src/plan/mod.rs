//! The graph, orders, environments and ports. Pure.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod definition;
pub mod environment;
pub mod graph;
pub mod launch;
pub mod order;
pub mod ports;
pub mod reload;
pub mod select;
pub mod shell_line;
#[cfg(test)]
mod test_support;
#[doc(hidden)]
pub mod testing;
