//! From arguments, environment and facts to resolved choices. Pure: parsing only validates, this decides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::args::{Colour, GlobalArgs};
use crate::ui::address::Address;
use crate::ui::look::Look;
use crate::ui::theme::Theme;

/// What the edge found out about where we run.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Where we were called; absolute.
    pub directory: PathBuf,
    /// Whether stdin is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
}

/// How one of our two streams is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Whether a person may be looking.
    pub is_terminal: bool,
    /// Whether colours are written.
    pub colour: bool,
    /// Whether marks are ASCII: no UTF-8 locale, `RUN_ASCII=1`, or no terminal.
    pub ascii: bool,
    /// Columns, where it is a terminal.
    pub width: Option<usize>,
}

impl Stream {
    /// A stream into a file or pipe.
    pub fn plain() -> Self {
        Self { is_terminal: false, colour: false, ascii: true, width: None }
    }

    /// Colours and signs of this stream.
    pub fn theme(&self) -> Theme {
        Theme { colour: self.colour, ascii: self.ascii }
    }
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// `-q`: errors and what was asked for.
    Quiet,
    /// The usual.
    Normal,
    /// `-v`: more.
    Verbose,
}

/// The resolved choices that all commands share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the project is looked for: where we were called, or `-C`. Absolute.
    pub directory: PathBuf,
    /// `-f`, absolute.
    pub files: Vec<PathBuf>,
    /// `-p`.
    pub name: Option<String>,
    /// Our stdout.
    pub out: Stream,
    /// Our stderr.
    pub err: Stream,
    /// Whether someone can type.
    pub stdin_is_terminal: bool,
    /// How much is said.
    pub verbosity: Verbosity,
    /// The user's home, for `~` in paths.
    pub home: Option<String>,
    /// Our environment as it was at the start.
    pub environment: BTreeMap<String, String>,
    /// How the project was addressed, for what is said to type next.
    pub address: Address,
}

/// Decides everything that arguments, environment and terminal have a say in.
pub fn resolve(args: &GlobalArgs, environment: BTreeMap<String, String>, facts: &Facts) -> Settings {
    let directory = args.directory.as_deref().map_or_else(|| facts.directory.clone(), |d| facts.directory.join(d));
    let is_ascii = !is_utf8(&environment) || is_set(&environment, "RUN_ASCII");
    let stream = |is_terminal: bool| Stream {
        is_terminal,
        colour: is_coloured(args.color, &environment, is_terminal),
        ascii: is_ascii || !is_terminal,
        width: if is_terminal { width(&environment, facts) } else { None },
    };
    Settings {
        files: args.files.iter().map(|file| directory.join(file)).collect(),
        directory,
        name: args.name.clone(),
        out: stream(facts.stdout_is_terminal),
        err: stream(facts.stderr_is_terminal),
        stdin_is_terminal: facts.stdin_is_terminal,
        verbosity: match (args.quiet, args.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        },
        home: environment.get("HOME").filter(|home| !home.is_empty()).cloned(),
        environment,
        address: address(args),
    }
}

/// The options of place, as they were typed.
fn address(args: &GlobalArgs) -> Address {
    let path = |option: &str, path: &Path| format!(" {option} {}", shell_words::quote(&path.to_string_lossy()));
    let directory = args.directory.as_deref().map(|directory| path("-C", directory)).unwrap_or_default();
    let name = args.name.as_ref().map(|name| format!(" -p {}", shell_words::quote(name))).unwrap_or_default();
    let files = args.files.iter().map(|file| path("-f", file)).collect();
    Address { program: format!("run{directory}{name}"), files }
}

impl Settings {
    /// The same choices for the project in another directory, or of another name.
    #[must_use]
    pub fn at(&self, directory: &Path, name: Option<&str>) -> Self {
        let directory = self.directory.join(directory);
        let args =
            GlobalArgs { directory: Some(directory.clone()), name: name.map(str::to_owned), ..GlobalArgs::default() };
        Self { address: address(&args), directory, files: Vec::new(), name: args.name, ..self.clone() }
    }

    /// What a screen on this stream is drawn for.
    pub fn look(&self, stream: &Stream) -> Look {
        Look { theme: stream.theme(), width: stream.width, home: self.home.clone(), address: self.address.clone() }
    }
}

/// `--color`, then `NO_COLOR` (no-color.org), `FORCE_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors), `TERM`.
fn is_coloured(choice: Colour, environment: &BTreeMap<String, String>, is_terminal: bool) -> bool {
    let value = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    match choice {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if value("NO_COLOR").is_some() => false,
        Colour::Auto => match (value("FORCE_COLOR"), value("CLICOLOR_FORCE")) {
            (Some(force), _) => !matches!(force, "0" | "false"),
            (None, Some(force)) if force != "0" => true,
            _ => is_terminal && value("TERM") != Some("dumb") && value("CLICOLOR") != Some("0"),
        },
    }
}

/// The locale's character set by POSIX precedence: `LC_ALL`, `LC_CTYPE`, `LANG`.
fn is_utf8(environment: &BTreeMap<String, String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| environment.get(*name).filter(|value| !value.is_empty()))
        .is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

fn is_set(environment: &BTreeMap<String, String>, name: &str) -> bool {
    environment.get(name).is_some_and(|value| !value.is_empty() && value != "0")
}

fn width(environment: &BTreeMap<String, String>, facts: &Facts) -> Option<usize> {
    let columns = environment.get("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    facts.width.filter(|width| *width > 0).or(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn terminal() -> Facts {
        Facts {
            directory: PathBuf::from("/home/ann/src"),
            stdin_is_terminal: true,
            stdout_is_terminal: true,
            stderr_is_terminal: true,
            width: Some(80),
        }
    }

    fn colour(choice: Colour, pairs: &[(&str, &str)], facts: &Facts) -> bool {
        resolve(&GlobalArgs { color: choice, ..GlobalArgs::default() }, environment(pairs), facts).out.colour
    }

    #[test]
    fn the_flag_wins_over_the_environment_and_the_environment_over_the_terminal() {
        let pipe = Facts { stdout_is_terminal: false, ..terminal() };
        assert!(colour(Colour::Auto, &[("TERM", "xterm")], &terminal()));
        assert!(!colour(Colour::Auto, &[], &pipe));
        assert!(!colour(Colour::Auto, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], &terminal()));
        assert!(colour(Colour::Auto, &[("NO_COLOR", "")], &terminal()));
        assert!(colour(Colour::Auto, &[("FORCE_COLOR", "1")], &pipe));
        assert!(!colour(Colour::Auto, &[("FORCE_COLOR", "0")], &terminal()));
        assert!(colour(Colour::Auto, &[("CLICOLOR_FORCE", "1")], &pipe));
        assert!(!colour(Colour::Auto, &[("TERM", "dumb")], &terminal()));
        assert!(colour(Colour::Always, &[("NO_COLOR", "1")], &pipe));
        assert!(!colour(Colour::Never, &[("FORCE_COLOR", "1")], &terminal()));
    }

    #[test]
    fn what_is_typed_next_means_the_project_that_was_addressed() {
        let args = GlobalArgs {
            directory: Some("my shop".into()),
            files: vec!["a.toml".into(), "b.toml".into()],
            name: Some("two".to_owned()),
            ..GlobalArgs::default()
        };
        let address = resolve(&args, environment(&[]), &terminal()).address;
        assert_eq!(address.line("why api"), "run -C 'my shop' -p two why api");
        assert_eq!(address.line("up"), "run -C 'my shop' -p two -f a.toml -f b.toml up");
    }

    #[test]
    fn marks_are_ascii_without_a_utf8_locale_and_without_a_terminal() {
        let ascii = |pairs: &[(&str, &str)], facts: &Facts| {
            resolve(&GlobalArgs::default(), environment(pairs), facts).out.ascii
        };
        assert!(!ascii(&[("LANG", "de_DE.UTF-8")], &terminal()));
        assert!(!ascii(&[("LC_CTYPE", "C.utf8")], &terminal()));
        assert!(ascii(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], &terminal()));
        assert!(ascii(&[("LANG", "de_DE.UTF-8"), ("RUN_ASCII", "1")], &terminal()));
        assert!(ascii(&[], &terminal()));
        assert!(ascii(&[("LANG", "C.UTF-8")], &Facts { stdout_is_terminal: false, ..terminal() }));
    }

    #[test]
    fn files_are_meant_from_the_directory_that_was_named() {
        let args = GlobalArgs {
            directory: Some("../shop".into()),
            files: vec!["Procfile.dev".into(), "/etc/run.toml".into()],
            ..GlobalArgs::default()
        };
        let settings = resolve(&args, BTreeMap::new(), &terminal());
        assert_eq!(settings.directory, PathBuf::from("/home/ann/src/../shop"));
        assert_eq!(
            settings.files,
            [PathBuf::from("/home/ann/src/../shop/Procfile.dev"), PathBuf::from("/etc/run.toml")]
        );
    }
}
