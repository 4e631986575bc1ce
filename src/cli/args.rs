//! The command line: syntax only. What it means is decided in [`crate::cli::settings`] and in the commands.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as _, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};

use crate::cli::{
    attach, check, completions, ctl, down, env, exec, export, graph, init, logs, man, mcp, open, ports, projects,
    proxy, reload, restart, signal, start, status, stop, supervisorctl, supervisord, ui, up, wait, why,
};
use crate::model::program::MOST_INSTANCES;
use crate::model::units;

/// Brings a whole development environment up: in dependency order, each program started the moment what it needs is ready.
///
/// Without a command: the state of the project here, or what could be started.
#[derive(Debug, Parser)]
#[command(name = "run", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 fine, 1 a program failed, 2 usage or config error or not up, 124 time limit over, \
                        130 killed by the second Ctrl-C."
)]
pub struct Args {
    /// What all commands share.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What all commands share.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Look for the project in this directory.
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Use this config file; several are merged in order.
    #[arg(short = 'f', long = "file", value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Run or address the project under this name, beside others in the same directory.
    #[arg(id = "project", short = 'p', long = "project", value_name = "NAME", global = true, value_parser = project_name)]
    pub name: Option<String>,
    /// When to write colours.
    #[arg(long, value_name = "auto|always|never", default_value = "auto", global = true, hide_possible_values = true)]
    pub color: Colour,
    /// Say only what was asked for.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
}

/// When colours are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands. One file each.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the help of a command is the doc comment of its Args, and one here would hide it")]
pub enum Command {
    Up(up::Args),
    Down(down::Args),
    Status(status::Args),
    Start(start::Args),
    Stop(stop::Args),
    Restart(restart::Args),
    Reload(reload::Args),
    Signal(signal::Args),
    Attach(attach::Args),
    Logs(logs::Args),
    Why(why::Args),
    Wait(wait::Args),
    Check(check::Args),
    Graph(graph::Args),
    Exec(exec::Args),
    Env(env::Args),
    Ports(ports::Args),
    Open(open::Args),
    Projects(projects::Args),
    Proxy(proxy::Args),
    Ctl(ctl::Args),
    Init(init::Args),
    Export(export::Args),
    Man(man::Args),
    Supervisord(supervisord::Args),
    Supervisorctl(supervisorctl::Args),
    Ui(ui::Args),
    Mcp(mcp::Args),
    Completions(completions::Args),
}

/// Adds the arguments of one command.
type Augment = fn(clap::Command) -> clap::Command;

/// The commands that are waited for: what they take is known without the arguments of all the others.
const QUICK: [(&str, Augment); 3] =
    [("up", up::Args::augment_args), ("status", status::Args::augment_args), ("ctl", ctl::Args::augment_args)];

/// The command line where the command is the first word and one of those that are waited for. A third of the time from `run up` to
/// the first program would go by with making the other commands' arguments. `None`: whatever it is, it has to be parsed in full, with
/// all that can be said about a mistake.
pub fn parse_quickly(line: impl IntoIterator<Item = OsString>) -> Option<Args> {
    let line: Vec<OsString> = line.into_iter().collect();
    if let Some(command) = plain(&line) {
        return Some(Args { global: GlobalArgs::default(), command: Some(command) });
    }
    let (name, augment) = QUICK.iter().find(|(name, _)| line.get(1).is_some_and(|word| word == name))?;
    let command = GlobalArgs::augment_args(clap::Command::new("run").disable_help_flag(true));
    let matches = command.subcommand(augment(clap::Command::new(*name))).try_get_matches_from(line).ok()?;
    Args::from_arg_matches(&matches).ok()
}

/// What is typed most often, for which nothing has to be looked up: one of those commands without an option.
fn plain(line: &[OsString]) -> Option<Command> {
    let words: Option<Vec<&str>> = line.iter().skip(1).map(|word| word.to_str()).collect();
    match words?.as_slice() {
        ["up"] => Some(Command::Up(up::Args::default())),
        ["status"] => Some(Command::Status(status::Args::default())),
        ["ctl", action @ ..] if !action.iter().any(|word| word.starts_with('-')) => {
            let action = action.iter().map(|word| (*word).to_owned()).collect();
            Some(Command::Ctl(ctl::Args { action, ..ctl::Args::default() }))
        }
        _ => None,
    }
}

/// `run help up` as `run up --help`, which every other tool takes, too.
pub fn help_as_option(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line: Vec<OsString> = line.into_iter().collect();
    if line.get(1).is_some_and(|word| word == "help") {
        line.remove(1);
        line.truncate(2);
        line.push("--help".into());
    }
    line
}

/// Reads `30`, `30s`, `5m`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    units::parse_duration(text).ok_or_else(|| "not a duration such as 500ms, 30s or 5m".to_owned())
}

/// Reads how many lines are wanted.
pub fn line_count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "not a number of lines such as 20".to_owned())
}

/// Reads which run is meant.
pub fn run_number(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "not the number of a run; 1 is the first since `up`".to_owned())
}

/// Reads how many bytes are wanted at most.
pub fn byte_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("0 bytes are nothing; without --max-bytes comes all there is".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("not a number of bytes such as 65536".to_owned()),
    }
}

/// Reads the name of a project. It stands in titles and lists; a directory's may have blanks, a branch's slashes.
pub fn project_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err("a project's name is one line of text".to_owned());
    }
    Ok(text.to_owned())
}

/// One `--port`: the base for a Procfile, or the number of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortChoice {
    /// `6000`.
    Base(u16),
    /// `api=3111`.
    Named(String, u16),
}

/// Reads `6000` or `api=3111`.
pub fn port_choice(text: &str) -> Result<PortChoice, String> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let wrong = || "neither a port (1 to 65535) nor NAME=PORT".to_owned();
    match text.split_once('=') {
        None => number(text).map(PortChoice::Base).ok_or_else(wrong),
        Some((name, port)) if !name.is_empty() => {
            number(port).map(|port| PortChoice::Named(name.to_owned(), port)).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

/// How many instances of a program: `web=2`, or `all=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formation {
    /// The program, or `all`.
    pub program: String,
    /// How many; 0 for none.
    pub count: u32,
}

/// Reads `web=2`.
pub fn formation(text: &str) -> Result<Formation, String> {
    let parts = text.trim().split_once('=').map(|(name, count)| (name.trim(), count.trim().parse::<u32>()));
    match parts {
        Some((_, Ok(count))) if count > MOST_INSTANCES => Err(format!("a program runs {MOST_INSTANCES} times at most")),
        Some((name, Ok(count))) if !name.is_empty() => Ok(Formation { program: name.to_owned(), count }),
        _ => Err("not NAME=COUNT, such as web=2".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Args {
        Args::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn a_count_that_is_too_great_is_said_and_not_cut() {
        assert!(formation("web=1000").is_ok());
        assert_eq!(formation("web=1001").unwrap_err(), "a program runs 1000 times at most");
        assert_eq!(formation("web=-1").unwrap_err(), "not NAME=COUNT, such as web=2");
    }

    #[test]
    fn the_table_of_arguments_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_is_parsed_quickly_is_what_is_parsed_in_full() {
        let lines = [
            "run up",
            "run status",
            "run ctl",
            "run ctl signal HUP web:*",
            "run up -d --timeout 90s -m all=1,web=2 --port api=3111 -tt web -C shop -p two --color never",
            "run up -- npm run -d",
            "run status --json -w -q",
            "run ctl -c conf -p secret status web:*",
            "run ctl -- -x",
        ];
        for line in lines {
            let words = || line.split(' ').map(OsString::from);
            let quick = parse_quickly(words()).map(|args| format!("{args:?}"));
            let full = Args::try_parse_from(words()).ok().map(|args| format!("{args:?}"));
            assert!(full.is_some(), "{line}");
            assert_eq!(quick, full, "{line}");
        }
    }

    #[test]
    fn what_is_a_mistake_or_a_question_is_left_to_the_full_parser() {
        for line in
            ["run up --help", "run up --no-such", "run -q up", "run", "run logs", "run status --by size", "run up -V"]
        {
            assert!(parse_quickly(line.split(' ').map(OsString::from)).is_none(), "{line}");
        }
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for line in ["run -C shop -f Procfile -p two -q up", "run up -C shop -f Procfile -p two -q"] {
            let args = parse(line);
            assert_eq!(args.global.directory, Some("shop".into()), "{line}");
            assert_eq!(args.global.files, [PathBuf::from("Procfile")], "{line}");
            assert_eq!(args.global.name.as_deref(), Some("two"), "{line}");
            assert!(args.global.quiet, "{line}");
        }
    }

    #[test]
    fn a_name_behind_a_command_is_not_the_name_of_the_project() {
        for line in ["run env api", "run why api", "run exec --as api true", "run up api"] {
            assert_eq!(parse(line).global.name, None, "{line}");
        }
    }

    #[test]
    fn f_means_follow_behind_logs_and_file_before_it() {
        let args = parse("run -f Procfile logs -f web");
        assert_eq!(args.global.files, [PathBuf::from("Procfile")]);
        let Some(Command::Logs(logs)) = args.command else { panic!("not logs") };
        assert!(logs.follow);
        assert_eq!(logs.names, ["web"]);
    }

    #[test]
    fn up_takes_names_and_a_command_of_its_own() {
        let Some(Command::Up(up)) = parse("run up -d --timeout 90s -m all=1,web=2 --port api=3111 -tt web").command
        else {
            panic!("not up")
        };
        assert!(up.detach);
        assert_eq!(up.timeout, Some(Duration::from_secs(90)));
        assert_eq!(up.formation[1], Formation { program: "web".into(), count: 2 });
        assert_eq!(up.port, [PortChoice::Named("api".into(), 3111)]);
        assert_eq!(up.timestamps, 2);
        assert_eq!(up.names, ["web"]);
        let Some(Command::Up(up)) = parse("run up -- npm run -d").command else { panic!("not up") };
        assert_eq!(up.command, ["npm", "run", "-d"]);
        assert!(up.names.is_empty());
    }

    #[test]
    fn a_project_is_addressed_by_whatever_it_is_called() {
        for name in ["shop@fix/ui", "my shop", "größe"] {
            let args = Args::try_parse_from(["run", "-p", name, "status"]).unwrap();
            assert_eq!(args.global.name.as_deref(), Some(name));
        }
    }

    #[test]
    fn help_is_a_word_as_well() {
        let said = |line: &str| help_as_option(line.split(' ').map(OsString::from)).join(std::ffi::OsStr::new(" "));
        assert_eq!(said("run help"), "run --help");
        assert_eq!(said("run help up"), "run up --help");
        assert_eq!(said("run ctl help"), "run ctl help");
    }

    #[test]
    fn what_is_no_number_is_refused_with_what_would_be_one() {
        let told = |line: &str| Args::try_parse_from(line.split(' ')).unwrap_err().to_string();
        assert!(told("run logs -n x").contains("not a number of lines such as 20"));
        assert!(told("run logs -n=-3").contains("not a number of lines such as 20"));
        for number in ["x", "0", "99999999999"] {
            let told = told(&format!("run logs --run {number}"));
            assert!(told.contains("not the number of a run; 1 is the first since `up`"), "{told}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for line in [
            "run up --keep-going --exit-on-failure",
            "run up --port 0",
            "run up --port =1",
            "run up -m web",
            "run up web -- npm start",
            "run -q -v status",
            "run wait --timeout soon",
            "run stop",
            "run status --by size",
            "run -p  up",
            "run -p a\tb up",
        ] {
            assert!(Args::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
