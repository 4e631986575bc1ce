//! Texts that grow piece by piece.

use std::fmt::{self, Write};

/// A text that takes formatted pieces at its end.
pub trait Grow {
    /// Adds `format_args!(…)`.
    fn put(&mut self, piece: fmt::Arguments<'_>);
}

impl Grow for String {
    fn put(&mut self, piece: fmt::Arguments<'_>) {
        self.write_fmt(piece).expect("a String refuses nothing");
    }
}
