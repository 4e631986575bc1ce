//! `run env [NAME]`: the environment that a program gets, and where each value comes from.

use clap_complete::engine::ArgValueCandidates;
use serde::Serialize;

use crate::cli::complete;
use crate::cli::environment::{self, Subject};
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json, say};
use crate::cli::settings::{Settings, Verbosity};
use crate::model::status::SCHEMA;
use crate::plan::environment::{Environment, Layer};
use crate::ui::look::Look;
use crate::ui::theme::Ink;

/// Show the environment that a program gets; without a name, that of a command in the project (run exec).
///
/// What looks secret is masked, and what only the shell sets is left out.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// The program.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::configured))]
    pub name: Option<String>,
    /// Show secrets as they are.
    #[arg(long)]
    pub reveal: bool,
    /// Also what only the shell sets.
    #[arg(short, long)]
    pub all: bool,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// Shows it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let subject = args.name.as_deref().map_or(Subject::Project, Subject::Program);
    let environment = environment::compose(settings, subject)?.environment;
    let entries = entries(&environment, args);
    if args.json {
        print_json(&Json { schema: SCHEMA, program: args.name.as_deref(), environment: entries })?;
        return Ok(ExitCode::Fine);
    }
    print(&render(&entries, &settings.look(&settings.out), settings.out.is_terminal))?;
    let hidden = environment.iter().len() - entries.len();
    if hidden > 0 && settings.verbosity > Verbosity::Quiet && settings.err.is_terminal {
        say(&format!("and {hidden} that the shell sets (--all shows them)\n"));
    }
    Ok(ExitCode::Fine)
}

/// What a program gets beside what the shell sets, a line each, secrets masked.
pub fn masked(settings: &Settings, program: &str) -> Result<Vec<String>, CommandError> {
    let environment = environment::compose(settings, Subject::Program(program))?.environment;
    let entries = entries(&environment, &Args::default());
    Ok(entries.iter().map(|entry| format!("{}={}  # {}", entry.name, entry.value, entry.from)).collect())
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Json<'a> {
    schema: u32,
    program: Option<&'a str>,
    environment: Vec<Entry>,
}

/// One variable as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Entry {
    name: String,
    value: String,
    from: &'static str,
    masked: bool,
}

fn entries(environment: &Environment<'_>, args: &Args) -> Vec<Entry> {
    let shown = environment.iter().filter(|(_, variable)| args.all || variable.from != Layer::Shell);
    shown
        .map(|(name, variable)| {
            let value = if args.reveal { variable.value.clone().into_owned() } else { variable.shown(name) };
            let (from, masked) = (variable.from.as_str(), value != variable.value);
            Entry { name: name.to_owned(), value, from, masked }
        })
        .collect()
}

/// `NAME=value` lines that a shell could read, with the origin behind them on a terminal.
fn render(entries: &[Entry], look: &Look, with_origin: bool) -> String {
    let line = |entry: &Entry| {
        let value = if entry.masked { entry.value.as_str().into() } else { shell_words::quote(&entry.value) };
        let pair = format!("{}={value}", entry.name);
        if with_origin {
            format!("{pair}  {}\n", look.theme.paint(Ink::Quiet, &format!("# {}", entry.from)))
        } else {
            format!("{pair}\n")
        }
    };
    entries.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Environment<'static> {
        let mut environment = Environment::default();
        for (name, value, layer) in [
            ("DATABASE_URL", "postgres://ann:hunter2@127.0.0.1:5433/shop", Layer::ProgramTable),
            ("GREETING", "good day", Layer::ProjectFile),
            ("HOME", "/home/ann", Layer::Shell),
            ("PORT", "3101", Layer::Port),
        ] {
            environment.set(name, value, layer);
        }
        environment
    }

    #[test]
    fn what_the_shell_sets_is_left_out_and_secrets_are_masked() {
        let entries = entries(&sample(), &Args::default());
        assert_eq!(
            entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
            ["DATABASE_URL", "GREETING", "PORT"]
        );
        assert!(entries[0].masked);
        assert!(!entries[0].value.contains("hunter2"), "{}", entries[0].value);
    }

    #[test]
    fn reveal_and_all_show_everything() {
        let entries = entries(&sample(), &Args { reveal: true, all: true, ..Args::default() });
        assert_eq!(entries.len(), 4);
        assert!(entries[0].value.contains("hunter2"));
        let text = render(&entries, &Look::plain(), false);
        assert!(text.contains("\nGREETING='good day'\nHOME=/home/ann\n"), "{text}");
    }

    #[test]
    fn on_a_terminal_the_origin_stands_behind_the_value() {
        let text = render(&entries(&sample(), &Args::default()), &Look::plain(), true);
        assert!(text.ends_with("\nPORT=3101  # port\n"), "{text}");
    }
}
