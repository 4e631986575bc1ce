//! Everything that supervisord 4.3.0 offers, asked of the original and of ours in the same words.
//!
//! A case is a function that takes a [`Side`](side::Side): it starts a daemon of that side in a world of its own, drives it with the
//! clients that people have (supervisorctl, `xmlrpc.client`, superlance, a bare socket), and asserts. [`on_both!`] makes two tests of
//! it, so whoever doubts a line runs it on the original: `cargo test --test compat original`. Where ours is different on purpose, a case
//! says so by a name of `differences.rs`, and the document of that name says why.
//!
//! `RUN_SUPERVISOR_VENV` names a venv with supervisor 4.3.0 and superlance 2.0.0; without it nothing here can run, and says so.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the harness has more than these tests need")]
mod common;

#[path = "../ctl/scenario.rs"]
#[expect(dead_code, reason = "the recording has more than is compared here")]
mod scenario;

/// Makes two tests of each case: `original::NAME` and `ours::NAME`.
macro_rules! on_both {
    ($($case:ident,)*) => {
        mod original {
            $(#[test] fn $case() { $crate::side::play($crate::side::Side::Original, concat!(module_path!(), "::", stringify!($case)), super::$case); })*
        }
        mod ours {
            $(#[test] fn $case() { $crate::side::play($crate::side::Side::Ours, concat!(module_path!(), "::", stringify!($case)), super::$case); })*
        }
    };
}

mod bridge;
mod daemon;
mod differences;
mod preload;
mod response;
mod side;

mod command_line;
mod config_info;
mod coverage;
mod ctl;
mod daemon_options;
mod environment;
mod events;
mod fcgi;
mod file_format;
mod http;
mod identity;
mod info;
mod logs;
mod main_log;
mod on_purpose;
mod options;
mod processes;
mod protocol;
mod reload;
mod servers;
mod states;
mod stdin;
mod superlance;
mod talk;
mod transcript;
