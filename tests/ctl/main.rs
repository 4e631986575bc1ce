//! `run ctl` beside supervisorctl: what the original said and asked is replayed against a server of cardboard, both are played against
//! the real supervisord where it is installed, and our own projects are controlled.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the harness has more than these tests need")]
mod common;

mod cardboard;
mod live;
mod ours;
mod replay;
mod scenario;
mod terminal;

use common::{TestProject, free_port};

/// A project whose control server is on a TCP port, too, for ann with the password `secret`; and its address.
fn behind_a_password(programs: &str) -> (TestProject, String) {
    let port = free_port();
    let control = format!("[control]\ntcp = \"127.0.0.1:{port}\"\nusername = \"ann\"\npassword = \"secret\"\n");
    (TestProject::toml(&format!("{programs}{control}")), format!("http://127.0.0.1:{port}"))
}
