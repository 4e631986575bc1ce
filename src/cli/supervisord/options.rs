//! supervisord's command line: its options, what their values may be, and the help (supervisor `options.py` `ServerOptions`). Pure but
//! for the question whether a directory is there, which the caller answers.

use std::path::{Path, PathBuf};

use crate::cli::getopt::{self, Opt, Typed};
use crate::codec::python::{self, repr};
use crate::config::lower::supervisord::value;

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// There is none: the option says `true`.
    Flag,
    /// Any text.
    Text,
    /// An octal mode.
    Octal,
    /// A directory that is there.
    Directory,
    /// A file in a directory that is there.
    File,
    /// A number of bytes.
    Bytes,
    /// A whole number.
    Number,
    /// A level of the main log.
    Level,
}

/// What an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// An option of `[supervisord]` of this name.
    Daemon(&'static str),
    /// The config file.
    Configuration,
    Help,
    Version,
    /// Accepted, and nothing follows.
    Nothing,
}

struct Row {
    opt: Opt,
    meaning: Meaning,
    kind: Kind,
    /// What stands in the help for the value, and what the option does.
    help: (&'static str, &'static str),
}

const fn row(
    short: Option<char>,
    long: &'static str,
    meaning: Meaning,
    kind: Kind,
    help: (&'static str, &'static str),
) -> Row {
    let takes_value = !matches!(kind, Kind::Flag);
    Row { opt: Opt { short, long: Some(long), takes_value }, meaning, kind, help }
}

const fn daemon(short: char, long: &'static str, kind: Kind, value: &'static str, help: &'static str) -> Row {
    row(Some(short), long, Meaning::Daemon(long), kind, (value, help))
}

/// Every option, in the order of the help.
const ROWS: &[Row] = &[
    row(
        Some('c'),
        "configuration",
        Meaning::Configuration,
        Kind::Text,
        ("FILENAME", "the configuration file; without it the usual places are searched"),
    ),
    daemon('n', "nodaemon", Kind::Flag, "", "stay in the foreground (nodaemon=true in the file)"),
    daemon('s', "silent", Kind::Flag, "", "write no log to stdout (silent=true in the file)"),
    row(Some('h'), "help", Meaning::Help, Kind::Flag, ("", "print this help and exit")),
    row(
        Some('v'),
        "version",
        Meaning::Version,
        Kind::Flag,
        ("", "print the version of supervisord that this one follows, and exit"),
    ),
    daemon('u', "user", Kind::Text, "USER", "become this user (a name or a number)"),
    daemon('m', "umask", Kind::Octal, "UMASK", "file mode mask of the daemon and its programs (default 022)"),
    daemon('d', "directory", Kind::Directory, "DIRECTORY", "directory to go to when daemonized"),
    daemon('l', "logfile", Kind::File, "FILENAME", "the main log"),
    daemon('y', "logfile_maxbytes", Kind::Bytes, "BYTES", "size at which the main log is rotated"),
    daemon('z', "logfile_backups", Kind::Number, "NUM", "how many old main logs are kept"),
    daemon(
        'e',
        "loglevel",
        Kind::Level,
        "LEVEL",
        "level of the main log (critical,error,warn,info,debug,trace,blather)",
    ),
    daemon('j', "pidfile", Kind::File, "FILENAME", "file that the pid of the daemon is written to"),
    daemon('i', "identifier", Kind::Text, "STR", "what this instance calls itself"),
    daemon('q', "childlogdir", Kind::Directory, "DIRECTORY", "directory for the log files of programs that name none"),
    daemon('k', "nocleanup", Kind::Flag, "", "leave such files of an earlier run alone"),
    daemon('a', "minfds", Kind::Number, "NUM", "open files that must be possible"),
    daemon('t', "strip_ansi", Kind::Flag, "", "take escape sequences out of log files"),
    row(None, "minprocs", Meaning::Daemon("minprocs"), Kind::Number, ("NUM", "processes that must be possible")),
    row(
        None,
        "exit-on-failure",
        Meaning::Daemon("exit_on_failure"),
        Kind::Flag,
        ("", "end everything, with its exit code, when a program fails for good"),
    ),
    row(
        None,
        "profile_options",
        Meaning::Nothing,
        Kind::Text,
        ("OPTIONS", "accepted and without meaning: there is no Python to be profiled"),
    ),
    Row {
        opt: Opt { short: Some('?'), long: None, takes_value: false },
        meaning: Meaning::Nothing,
        kind: Kind::Flag,
        help: ("", ""),
    },
];

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The help.
    Help,
    /// The version.
    Version,
    /// To run.
    Run(CommandLine),
}

/// A command line that makes sense.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// `-c`.
    pub configuration: Option<PathBuf>,
    /// Options of `[supervisord]`, as they would be written there.
    pub options: Vec<(&'static str, String)>,
}

/// Reads a command line, or says what is wrong with it in the original's words. `is_directory` looks whether a directory is there.
pub fn parse(words: &[String], is_directory: &dyn Fn(&Path) -> bool) -> Result<Asked, String> {
    let table: Vec<Opt> = ROWS.iter().map(|row| row.opt).collect();
    let (typed, rest) = getopt::parse(&table, words)?;
    if !rest.is_empty() {
        let rest: Vec<String> = rest.iter().map(|word| repr(word)).collect();
        return Err(format!("positional arguments are not supported: [{}]", rest.join(", ")));
    }
    let mut line = CommandLine::default();
    for (place, one) in typed.iter().enumerate() {
        let row = &ROWS[one.row];
        if let Err(why) = check(row.kind, &one.value, is_directory) {
            return Err(format!("invalid value for {} {}: {why}", one.name, repr(&one.value)));
        }
        if let Some(conflict) = getopt::conflict(&typed[..=place], |row| ROWS[row].meaning == Meaning::Nothing) {
            return Err(conflict);
        }
        match row.meaning {
            Meaning::Help => return Ok(Asked::Help),
            Meaning::Version => return Ok(Asked::Version),
            Meaning::Configuration => line.configuration = Some(PathBuf::from(&one.value)),
            Meaning::Daemon(name) => line.options.push((name, written(row.kind, one))),
            Meaning::Nothing => {}
        }
    }
    Ok(Asked::Run(line))
}

/// As it would stand in the file.
fn written(kind: Kind, one: &Typed) -> String {
    if kind == Kind::Flag { "true".to_owned() } else { one.value.clone() }
}

/// Why a value does not fit (supervisor `datatypes.py`).
fn check(kind: Kind, text: &str, is_directory: &dyn Fn(&Path) -> bool) -> Result<(), String> {
    let number = |text: &str| match python::int(text) {
        Some(_) => Ok(()),
        None => Err(format!("invalid literal for int() with base 10: {}", repr(text))),
    };
    match kind {
        Kind::Flag | Kind::Text => Ok(()),
        Kind::Number => number(text),
        Kind::Bytes => {
            let lower = text.to_lowercase();
            number(["kb", "mb", "gb"].iter().find_map(|unit| lower.strip_suffix(unit)).unwrap_or(&lower))
        }
        Kind::Octal => match value::octal(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("{text} can not be converted to an octal type")),
        },
        Kind::Level => match value::log_level(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("bad logging level name {}", repr(text))),
        },
        Kind::Directory if is_directory(Path::new(text)) => Ok(()),
        Kind::Directory => Err(format!("{text} is not an existing directory")),
        Kind::File => match Path::new(text).parent() {
            Some(parent) if !parent.as_os_str().is_empty() && !is_directory(parent) => {
                Err(format!("The directory named as part of the path {text} does not exist"))
            }
            Some(_) | None => Ok(()),
        },
    }
}

/// The help.
pub fn help(program: &str) -> String {
    let mut text =
        format!("supervisord -- keep a set of programs running.\n\nUsage: {program} [options]\n\nOptions:\n");
    for row in ROWS {
        let names = match (row.opt.short, row.opt.long) {
            (Some(short), Some(long)) => format!("-{short}/--{long}"),
            (None, Some(long)) => format!("--{long}"),
            (_, None) => continue,
        };
        let (value, what) = row.help;
        let blank = if value.is_empty() { "" } else { " " };
        text.extend([names.as_str(), blank, value, " -- ", what, "\n"]);
    }
    text
}

/// What stands on stderr for a mistake.
pub fn usage(program: &str, message: &str) -> String {
    format!("Error: {message}\nFor help, use {program} -h\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Asked, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words, &|path| path == Path::new("/tmp"))
    }

    #[test]
    fn options_become_options_of_the_file() {
        let Ok(Asked::Run(line)) = parsed("-nkc a.conf -e debug -y 1MB --user=www -j /tmp/pid --exit-on-failure")
        else {
            panic!("not read")
        };
        assert_eq!(line.configuration, Some("a.conf".into()));
        let options: Vec<String> = line.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            options.join(" "),
            "nodaemon=true nocleanup=true loglevel=debug logfile_maxbytes=1MB user=www pidfile=/tmp/pid exit_on_failure=true"
        );
    }

    #[test]
    fn help_and_version_come_at_their_turn() {
        assert_eq!(parsed("-n -h"), Ok(Asked::Help));
        assert_eq!(parsed("--vers -h"), Ok(Asked::Version));
        assert!(parsed("-a x -h").is_err());
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_the_original() {
        for (line, message) in [
            ("-n foo it's", "positional arguments are not supported: ['foo', \"it's\"]"),
            ("-a x", "invalid value for -a 'x': invalid literal for int() with base 10: 'x'"),
            ("-y 5Q", "invalid value for -y '5Q': invalid literal for int() with base 10: '5q'"),
            ("-e loud", "invalid value for -e 'loud': bad logging level name 'loud'"),
            ("-m 9", "invalid value for -m '9': 9 can not be converted to an octal type"),
            ("-d /nope", "invalid value for -d '/nope': /nope is not an existing directory"),
            (
                "-l /nope/x",
                "invalid value for -l '/nope/x': The directory named as part of the path /nope/x does not exist",
            ),
            ("-nn", "conflicting command line option '-n'"),
        ] {
            assert_eq!(parsed(line), Err(message.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_help_names_every_option() {
        let help = help("/usr/bin/supervisord");
        assert!(help.contains("Usage: /usr/bin/supervisord [options]\n"));
        assert!(help.contains("\n-c/--configuration FILENAME -- ") && help.contains("\n--minprocs NUM -- "));
        assert_eq!(help.lines().filter(|line| line.starts_with('-')).count(), ROWS.len() - 1);
    }
}
