//! `run ui --web`: where the project's page is.

use serde::Deserialize;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, say};
use crate::cli::project;
use crate::cli::settings::{Settings, Verbosity};
use crate::client::Follow;
use crate::ui::text::clean;

/// The longest line that tells an address.
const LONGEST: usize = 4 << 10;

/// Where the page is.
#[derive(Debug, Deserialize)]
struct Opened {
    url: String,
    /// Whether it is there only as long as we are.
    held: bool,
}

/// Prints the address, and stays while it is held.
pub(super) fn run(settings: &Settings) -> Result<ExitCode, CommandError> {
    let connection = project::connect(settings)?;
    let name = clean(&connection.owner().name);
    let mut answer = connection.open_page()?;
    let opened = opened(&mut answer)?;
    print(&format!("{}\n", clean(&opened.url)))?;
    if !opened.held {
        return Ok(ExitCode::Fine);
    }
    let is_quiet = settings.verbosity == Verbosity::Quiet;
    if !is_quiet {
        say(&format!("{name}: the address opens once; the page is there until this command ends (Ctrl-C)\n"));
    }
    // Whatever ends it, the page is gone then.
    while let Ok(Some(_)) = answer.read_some() {}
    if !is_quiet {
        say(&format!("{name} has ended\n"));
    }
    Ok(ExitCode::Fine)
}

/// The first line of the answer.
fn opened(answer: &mut Follow) -> Result<Opened, CommandError> {
    let mut text = Vec::new();
    while !text.contains(&b'\n') && text.len() < LONGEST {
        match answer.read_some()? {
            Some(bytes) => text.extend_from_slice(&bytes),
            None => break,
        }
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice(line).map_err(|_| CommandError::project("the project did not say where its page is"))
}
