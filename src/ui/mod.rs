//! What a person sees.

pub mod address;
pub mod attached;
pub mod columns;
pub mod decode;
pub mod highlight;
pub mod keys;
pub mod live;
pub mod logs;
pub mod look;
pub mod modes;
pub mod names;
pub mod pick;
pub mod reason;
pub mod reload;
pub mod report;
pub mod story;
pub mod suspended;
pub mod table;
pub mod terminal;
pub mod text;
pub mod theme;
#[cfg(feature = "tui")]
pub mod tui;
pub mod why;

#[cfg(test)]
mod sample_shop;
#[cfg(test)]
pub(crate) mod sample_status;
