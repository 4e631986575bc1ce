//! The commands; puts it all together.
