//! Text to a project, with everything that is wrong with it at once. Pure.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod discover;
pub mod dotenv;
pub mod expand;
pub mod procfile;
pub mod raw;
