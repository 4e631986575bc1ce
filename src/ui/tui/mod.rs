//! The full-screen terminal, `run ui`: programs on the left, what one of them (or all) wrote on the right. A client like the page for
//! browsers; nothing of it lives in the supervisor.
//!
//! # Theory of operation
//!
//! * [`state`] is what is seen. Presses ([`input`]) and news of the project go in, [`state::Order`]s come out for the edge
//!   (`cli/ui`), which alone reads files, calls the project and owns the terminal.
//! * [`log`] is a bounded stretch of kept lines. The edge reads on at its ends ([`crate::logs::kept::Book`]) and hands it what it finds.
//! * [`draw`] makes cells of the state, [`backend`] makes bytes of cells. Whatever programs write passes [`paint`]: characters and
//!   colours, nothing else.
//! * [`screen`] is the terminal of a program that has one, while its keys go there.
//!
//! Everything here is pure but [`log`]'s input types; there is no clock: the time comes with the news.

pub mod areas;
pub mod backend;
pub mod clip;
pub mod details;
pub mod draw;
pub mod graph;
pub mod help;
pub mod input;
pub mod keys;
pub mod list;
pub mod log;
pub mod mouse;
pub mod paint;
pub mod pattern;
pub mod projects;
pub mod rows;
pub mod screen;
pub mod state;
pub mod terminal;
pub mod text;

#[cfg(test)]
mod tests;
