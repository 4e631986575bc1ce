//! The official Python library as the client.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{has_tool, skipped};
use crate::shop;

/// The interpreter of a venv with the library.
fn python() -> Option<PathBuf> {
    let Some(venv) = std::env::var_os("RUN_MCP_VENV") else {
        skipped("RUN_MCP_VENV names no venv with mcp");
        return None;
    };
    has_tool("python3").then(|| PathBuf::from(venv).join("bin/python"))
}

#[test]
fn the_official_client_gets_along_with_it() {
    let Some(python) = python() else { return };
    let project = shop();
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/client.py")).arg(env!("CARGO_BIN_EXE_run"));
    project.put_into_world(&mut command);
    project.finish(command).expect_code(0).expect_text("all is well");
}
