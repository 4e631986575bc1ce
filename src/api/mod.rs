//! The methods of the control socket: from a snapshot and arguments to a value, a fault or a command. Pure.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]
