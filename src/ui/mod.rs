//! What a person sees.

pub mod names;
pub mod text;
pub mod theme;
