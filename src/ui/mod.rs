//! What a person sees.
pub mod report;
