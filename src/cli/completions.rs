//! `run completions SHELL`: the script that makes a shell ask us what could be typed next.

use clap::ValueEnum;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::print_bytes;
use crate::cli::settings::Settings;

/// Print the completion script for a shell.
///
/// Names of programs are completed from the running project, else from the config. The script belongs where the shell looks:
/// for bash ~/.local/share/bash-completion/completions/run, for zsh a directory of $fpath as _run, for fish
/// ~/.config/fish/completions/run.fish.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// The variable through which a shell's script asks us. Not clap's `COMPLETE`, which a user's environment may well have.
pub const ASK_VARIABLE: &str = "RUN_COMPLETE";

/// The function that bash calls.
const COLONS: &str = include_str!("colons.bash");

/// The script of a shell, for a binary called `run` on the PATH.
pub fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let completer: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    let mut script = Vec::new();
    completer.write_registration(ASK_VARIABLE, "run", "run", "run", &mut script)?;
    let mut trimmed = script.trim_ascii().to_vec();
    trimmed.push(b'\n');
    Ok(match shell {
        Shell::Bash => with_colons(&String::from_utf8_lossy(&trimmed)).into_bytes(),
        Shell::Zsh | Shell::Fish => trimmed,
    })
}

/// Puts our function before clap's, so that names with a colon are completed.
fn with_colons(script: &str) -> String {
    COLONS.to_owned() + &script.replace("-F _clap_complete_run run", "-F _run run")
}

/// Prints it.
pub fn run(_settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    print_bytes(&script(args.shell)?)?;
    Ok(ExitCode::Fine)
}
