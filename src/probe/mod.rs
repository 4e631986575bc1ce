//! One ready check a file.
