//! A command line that has a word or an option which `run` does not know: whoever comes from another tool types that tool's, and is
//! told what is typed here.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::error::CommandError;
use crate::ui::text::{pad, width};

/// What other tools call it (foreman, overmind, docker compose, process-compose, supervisorctl), what is typed here, and what that does.
type Row = (&'static [&'static str], &'static str, &'static str);

const COMMANDS: &[Row] = &[
    (&["connect", "fg"], "run attach NAME", "its terminal, or lines to its stdin; Ctrl-] leaves"),
    (&["echo", "tail", "log"], "run logs -f [NAME]", "follows the output"),
    (&["quit", "kill", "shutdown"], "run down", "stops everything in order"),
    (&["ps", "ls", "list", "info", "process"], "run status", "shows what runs"),
    (&["monitor", "top", "stats"], "run status -w", "follows what changes; run ui shows it on the full screen"),
    (&["run"], "run exec -- CMD", "runs one command in the project's environment"),
    (&["s", "dev", "daemon"], "run up", "starts the project; -d in the background"),
    (
        &["create", "scale", "formation"],
        "run up -m NAME=COUNT",
        "that many of each, with a Procfile; elsewhere numprocs",
    ),
    (&["watch"], "run up", "restarts whoever has watch = [\"src/**\"] in run.toml when a file changes"),
    (&["update", "reread", "project", "add", "remove"], "run reload", "applies the config; --dry-run shows the plan"),
    (
        &["config", "validate", "lint"],
        "run check",
        "says what is wrong with the config; run env NAME what a program gets",
    ),
    (&["pause", "unpause"], "run signal STOP NAME", "pauses a program, CONT continues it"),
    (&["avail", "clear", "maintail", "pid"], "run ctl …", "has supervisorctl's commands"),
    (&["import", "new"], "run init", "writes a run.toml, also from a file of another tool"),
    (&["version"], "run --version", ""),
];

const OPTIONS_OF_UP: &[Row] = &[
    (
        &["-D", "--daemonize", "--detached", "--background", "--daemon"],
        "run up -d",
        "leaves it running in the background",
    ),
    (&["-e", "--env", "--env-file"], "env_file = [\"FILE\"]", "in run.toml; without it .env is read"),
    (&["-l", "--processes"], "run up NAME …", "starts these and what they need"),
    (&["-c", "--concurrency", "--scale"], "run up -m NAME=COUNT", "that many of each"),
    (&["--procfile", "--config", "--root"], "run -f FILE up", "uses this config; run -C DIR up this directory"),
    (
        &["-w", "--watch", "--build", "--hot-reload"],
        "watch = [\"src/**\"]",
        "in run.toml restarts a program when a file changes",
    ),
    (
        &["--abort-on-container-exit", "--exit-code-from"],
        "exit_on_end = true",
        "of a program or task in run.toml ends the run with its code; run up --exit-on-end with anybody's",
    ),
    (&["--abort-on-container-failure"], "run up --exit-on-failure", "ends everything when a program fails"),
    (
        &["-r", "--auto-restart", "--can-die", "--any-can-die"],
        "run up --keep-going",
        "starts again what fails, and ends nothing else",
    ),
    (&["--tui", "--use-uds", "--keep-project"], "run ui", "shows the full screen, as key t does in the stream"),
];

const OPTIONS_OF_LOGS: &[Row] = &[(&["--tail"], "run logs -n N", "shows the last N lines")];

/// Commands that want names, and what does the same to the whole project.
const WITHOUT_NAMES: &[Row] = &[
    (&["run start"], "run up", "starts the project"),
    (&["run stop"], "run down", "stops the project"),
    (&["run restart"], "run restart '*'", "restarts all of them"),
];

/// What is said of a word or an option that is not ours, and of names that are not there; `None` where the mistake is another one.
pub fn told(error: &clap::Error) -> Option<CommandError> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => Some(unknown_command(error, &text(error, ContextKind::InvalidSubcommand)?)),
        ErrorKind::UnknownArgument => Some(unknown_argument(error, &text(error, ContextKind::InvalidArg)?)),
        ErrorKind::MissingRequiredArgument => {
            let command = command_of(error);
            let all = row(WITHOUT_NAMES, &command)?;
            let named = (format!("{command} NAME …"), "the programs, groups or globs that are meant");
            Some(hinted(CommandError::user(format!("{command} takes names")), vec![named, all]))
        }
        _ => None,
    }
}

fn unknown_command(error: &clap::Error, word: &str) -> CommandError {
    let similar = texts(error, ContextKind::SuggestedSubcommand);
    let next = match row(COMMANDS, word) {
        Some(ours) => vec![ours],
        None if similar.is_empty() => vec![
            (format!("run up {word}"), "starts the program of this name"),
            ("run --help".to_owned(), "shows the commands"),
        ],
        None => similar.iter().map(|name| (format!("run {name}"), "")).collect(),
    };
    hinted(CommandError::user(format!("run has no command `{word}`")), next)
}

fn unknown_argument(error: &clap::Error, word: &str) -> CommandError {
    let command = command_of(error);
    let what = if word.starts_with('-') { "has no option" } else { "has no use for" };
    let ours = match command.as_str() {
        "run up" => row(OPTIONS_OF_UP, word),
        "run logs" => row(OPTIONS_OF_LOGS, word),
        "run down" if !word.starts_with('-') => Some((format!("run stop {word}"), "stops this one alone")),
        _ => None,
    };
    let next = ours.map_or_else(
        || {
            let similar = texts(error, ContextKind::SuggestedArg);
            let similar = similar.iter().map(|name| (format!("{command} {name}"), ""));
            similar.chain([(format!("{command} --help"), "shows what it takes")]).collect()
        },
        |ours| vec![ours],
    );
    hinted(CommandError::user(format!("{command} {what} `{word}`")), next)
}

/// What is typed here instead, and what that does.
fn row(rows: &[Row], word: &str) -> Option<(String, &'static str)> {
    let (_, here, does) = rows.iter().find(|(theirs, ..)| theirs.contains(&word))?;
    Some(((*here).to_owned(), does))
}

/// The error with what to type, the explanations under one another.
fn hinted(error: CommandError, next: Vec<(String, &str)>) -> CommandError {
    let columns = next.iter().map(|(command, _)| width(command)).max().unwrap_or(0);
    let hint = |(command, does): (String, &str)| format!("{}      {does}", pad(&command, columns));
    next.into_iter().map(hint).fold(error, |error, hint| error.hint(hint.trim_end()))
}

/// The command whose option it would be, as it is typed: `run up`.
fn command_of(error: &clap::Error) -> String {
    let usage = text(error, ContextKind::Usage).unwrap_or_default();
    let words = usage.split_whitespace().skip_while(|word| *word != "run");
    let names = words.take_while(|word| word.starts_with(char::is_alphabetic));
    names.collect::<Vec<_>>().join(" ")
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    error.get(kind).map(ToString::to_string)
}

/// The nearest first.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.iter().rev().cloned().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Args;
    use crate::cli::settings::Stream;

    fn said(line: &str) -> String {
        let error = Args::command().try_get_matches_from(line.split(' ')).unwrap_err();
        told(&error).map(|error| error.render(&Stream::plain())).unwrap_or_default()
    }

    #[test]
    fn a_command_of_another_tool_is_answered_with_ours() {
        assert_eq!(
            said("run connect web"),
            "error: run has no command `connect`\nhelp: run attach NAME      its terminal, or lines to its stdin; Ctrl-] leaves\n"
        );
        assert!(said("run -C shop quit").contains("help: run down      "));
        assert!(said("run shutdown").contains("help: run down      "), "clap takes stop for similar");
        assert!(said("run run ls").contains("help: run exec -- CMD      "));
    }

    #[test]
    fn a_misspelt_command_is_told_the_one_that_was_meant() {
        assert_eq!(said("run staus"), "error: run has no command `staus`\nhelp: run status\n      run start\n");
    }

    #[test]
    fn another_word_may_be_the_name_of_a_program() {
        assert_eq!(
            said("run frontend"),
            "error: run has no command `frontend`\nhelp: run up frontend      starts the program of this name\n      run --help           shows the commands\n"
        );
    }

    #[test]
    fn an_option_of_another_tool_is_answered_with_what_does_it_here() {
        assert_eq!(
            said("run up -D"),
            "error: run up has no option `-D`\nhelp: run up -d      leaves it running in the background\n"
        );
        assert!(said("run -q up --env .env.test").contains("help: env_file = [\"FILE\"]      in run.toml"));
        assert!(said("run logs --tail 5").contains("help: run logs -n N"));
        assert_eq!(
            said("run status --jsno"),
            "error: run status has no option `--jsno`\nhelp: run status --json\n      run status --help      shows what it takes\n"
        );
        assert!(said("run --detahc").starts_with("error: run has no option `--detahc`\nhelp: run --help"));
    }

    #[test]
    fn who_names_nobody_is_told_what_means_everybody() {
        assert_eq!(
            said("run stop"),
            "error: run stop takes names\nhelp: run stop NAME …      the programs, groups or globs that are meant\n      \
             run down             stops the project\n"
        );
        assert_eq!(said("run attach"), "", "what clap says is enough");
    }

    #[test]
    fn who_is_taken_down_alone_is_stopped() {
        assert_eq!(
            said("run down web"),
            "error: run down has no use for `web`\nhelp: run stop web      stops this one alone\n"
        );
    }

    #[test]
    fn what_is_typed_here_exists_and_what_is_typed_there_does_not() {
        let args = Args::command();
        let mut full = args.clone();
        full.build();
        let taken = |name: &str| full.find_subcommand(name).is_some();
        for (theirs, here, _) in COMMANDS {
            assert!(theirs.iter().all(|word| !taken(word)), "{theirs:?} is ours");
            let word = here.split(' ').nth(1).unwrap();
            assert!(word.starts_with("--") || taken(word), "`{here}` is not");
        }
        for (name, rows) in [("up", OPTIONS_OF_UP), ("logs", OPTIONS_OF_LOGS)] {
            for option in rows.iter().flat_map(|(theirs, ..)| *theirs) {
                let error = args.clone().try_get_matches_from(["run", name, option, "x"]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnknownArgument, "run {name} {option}");
            }
        }
    }
}
