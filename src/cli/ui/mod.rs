//! `run ui`: the project on the full screen of a terminal, or where its page is.

#[cfg(feature = "tui")]
mod book;
#[cfg(feature = "tui")]
mod errands;
#[cfg(feature = "tui")]
mod last_words;
#[cfg(feature = "tui")]
mod orders;
#[cfg(feature = "tui")]
mod session;
#[cfg(feature = "tui")]
mod stage;
mod web;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;

/// Show the project on the full screen: programs, logs, graph; `--web`: the address of its page.
///
/// Leaving it ends nothing: it is a client like any other. `?` lists the keys. Copying works by dragging the mouse.
///
/// With --web: without a TCP address in the config a port of loopback is opened for the page, until this command ends; then the
/// address opens once, in one browser, and the port shows nothing to anybody else.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// The page for a browser.
    #[arg(long)]
    pub web: bool,
    /// The stream of `run up` is behind it, and comes back when it ends.
    #[arg(long, hide = true, conflicts_with = "web")]
    pub from_stream: bool,
}

/// Shows it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    if args.web { web::run(settings) } else { full_screen(settings, args) }
}

#[cfg(feature = "tui")]
fn full_screen(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    use crate::cli::project;

    if !settings.stdin_is_terminal || !settings.out.is_terminal {
        let what = if settings.stdin_is_terminal { "stdout" } else { "stdin" };
        return Err(CommandError::user(format!("run ui needs a terminal, and {what} is none"))
            .hint("run ui --web      shows it in a browser")
            .hint("run status        says how it is")
            .hint("run logs -f       shows what is written"));
    }
    let connection = project::connect(settings)?;
    session::run(settings, connection, args.from_stream)
}

#[cfg(not(feature = "tui"))]
fn full_screen(_: &Settings, _: &Args) -> Result<ExitCode, CommandError> {
    Err(CommandError::user("this run was built without its full-screen terminal (cargo feature `tui`)")
        .hint("run ui --web      shows the project in a browser")
        .hint("run status -w     follows its states"))
}
