//! `run mcp` as the clients of coding agents use it: by hand over its stdin and stdout, and with the official Python library.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the harness is shared with tests/e2e, which uses all of it")]
mod common;

mod agent;
mod end;
mod hostile;
mod places;
mod python;
mod tools;

/// The helper program.
const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

/// A program that is ready at once and stays, and a task before it.
fn shop() -> common::TestProject {
    common::TestProject::toml(&format!(
        "name = \"shop\"\n[task.migrate]\ncommand = \"{ACTOR} line migrated\"\n\
         [program.web]\ncommand = \"{ACTOR} web\"\nport = \"auto\"\nready = {{ http = \"/\" }}\ndepends_on = [\"migrate\"]\n\
         [program.extra]\ncommand = \"{ACTOR} linger\"\nautostart = false\n"
    ))
}
