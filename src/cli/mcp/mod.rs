//! `run mcp`: the MCP server for coding agents, on stdin and stdout.

#[cfg(feature = "mcp")]
mod command;
#[cfg(feature = "mcp")]
mod ensure_up;
#[cfg(feature = "mcp")]
mod output;
#[cfg(feature = "mcp")]
mod place;
#[cfg(feature = "mcp")]
mod reports;
#[cfg(feature = "mcp")]
mod verbs;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;

/// Serve the project to a coding agent: an MCP server on stdin and stdout.
///
/// The agent's client starts it: it is given the command `run` with the argument `mcp`. The project is the one that the client works
/// in, or the one addressed by -C, -p or -f. What the agent brings up lives on.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Let the agent change other projects, too; without it, it may only look at them.
    #[arg(long)]
    pub any_project: bool,
}

/// Serves until the client ends it.
#[cfg(feature = "mcp")]
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    use std::io::IsTerminal;

    use crate::cli::output::say;

    if settings.stdin_is_terminal || std::io::stdout().is_terminal() {
        say(
            "run mcp speaks MCP with the client of a coding agent, which starts it by itself (run mcp --help); Ctrl-C ends it\n",
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let verbs = verbs::Commands::new(settings.clone(), args.any_project);
    let served = runtime.block_on(crate::mcp::serve(verbs));
    // A read of stdin that is under way cannot be taken back.
    runtime.shutdown_background();
    served.map(|()| ExitCode::Fine).map_err(|error| CommandError::user(error.to_string()))
}

/// Says that it is not there.
#[cfg(not(feature = "mcp"))]
pub fn run(_settings: &Settings, _args: &Args) -> Result<ExitCode, CommandError> {
    Err(CommandError::user("this `run` was built without its MCP server")
        .hint("cargo install runup      builds it with everything (feature `mcp`)"))
}
