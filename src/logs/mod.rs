//! The output thread, the kept logs and their readers.
