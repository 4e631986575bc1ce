//! What a person sees.

pub mod decode;
pub mod keys;
pub mod live;
pub mod names;
pub mod pick;
pub mod reason;
pub mod story;
pub mod terminal;
pub mod text;
pub mod theme;

#[cfg(test)]
mod sample_shop;
