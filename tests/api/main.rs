//! The control socket: what each method answers, to the byte, and how the socket behaves.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail where they stand, as the test may")]

mod extension;
mod logtail;
mod notes;
mod pairs;
mod sample;
mod server;
mod socket;
mod windows;
