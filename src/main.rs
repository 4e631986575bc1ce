//! The binary: calls the library, nothing else.

fn main() {}
