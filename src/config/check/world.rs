//! What has to be there before a start: directories, env files, commands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::dotenv;
use crate::config::facts::{FileFact, World};
use crate::config::lower::{Lowered, ProgramPlaces, settings};
use crate::config::place::within;
use crate::config::request::Request;
use crate::config::scope::Scope;
use crate::model::{Command, Diagnostic, Dialect, EnvFile, Program, SourceFile, Span, Template};

/// What a shell knows without looking: builtins and keywords.
const SHELL_WORDS: &[&str] = &[
    "alias", "bg", "break", "case", "cd", "command", "continue", "do", "done", "elif", "else", "esac", "eval", "exec",
    "exit", "export", "fg", "fi", "for", "getopts", "hash", "if", "jobs", "let", "local", "read", "readonly", "return",
    "set", "shift", "source", "then", "times", "trap", "type", "ulimit", "umask", "unalias", "unset", "until", "wait",
    "while", "function", "select", "time", "in", "builtin", "declare", "shopt",
];

/// Looks at the env files of all and at what the active programs need; what an inactive profile lacks hurts nobody.
pub fn check(
    request: &Request,
    lowered: &Lowered,
    active: &[bool],
    world: &mut World<'_>,
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) {
    let project = &lowered.project;
    let mut looking = Looking { root: &project.root, world, sources, problems, told: BTreeSet::new() };
    for (file, span) in project.env_files.iter().zip(&lowered.places.env_files) {
        looking.env_file(file, *span);
    }
    let common = Scope::of_project(request, project, looking.world);
    for ((program, places), is_active) in super::programs(lowered).zip(active) {
        if !is_active {
            continue;
        }
        for (file, span) in program.env_files.iter().zip(&places.env_files) {
            looking.env_file(file, Some(*span));
        }
        let mut scope = common.with_files_and_ports(request, program, looking.world);
        scope.add_entries(&program.environment);
        if let Some(directory) = looking.directory(&scope, program, places)
            && project.dialect == Dialect::Native
        {
            looking.command(&scope, program, places, &directory);
        }
    }
}

struct Looking<'l, 'k> {
    root: &'l Path,
    world: &'l mut World<'k>,
    sources: &'l [SourceFile],
    problems: &'l mut Vec<Diagnostic>,
    /// Env files that were complained about already.
    told: BTreeSet<PathBuf>,
}

impl Looking<'_, '_> {
    fn name<'p>(&self, path: &'p Path) -> std::path::Display<'p> {
        path.strip_prefix(self.root).unwrap_or(path).display()
    }

    fn env_file(&mut self, file: &EnvFile, span: Option<Span>) {
        let Some(fact) = self.world.file(&file.path) else { return };
        if !self.told.insert(file.path.clone()) {
            return;
        }
        let name = self.name(&file.path);
        match fact {
            FileFact::Missing if file.optional => {}
            FileFact::Missing => {
                let problem = Diagnostic::error("missing-file", format!("the env file {name} is not there"));
                let help = format!("env_file = [{{ path = \"{name}\", optional = true }}] if it may be missing");
                self.problems.push(problem.at_opt(span, format!("looked for {}", file.path.display())).help(help));
            }
            FileFact::Unusable(why) => {
                let problem = Diagnostic::error("missing-file", format!("the env file {name} cannot be read: {why}"));
                self.problems.push(problem.at_opt(span, "named here"));
            }
            FileFact::Bytes(bytes) => {
                let text = dotenv::parse(&String::from_utf8_lossy(bytes), &std::collections::BTreeMap::new());
                for problem in text.problems {
                    let message = format!("{name}:{}: {}", problem.line, problem.message);
                    self.problems.push(Diagnostic::warning("env-line", message).help("this line alone is left out"));
                }
            }
        }
    }

    /// The program's directory, if it is known and there.
    fn directory(&mut self, scope: &Scope, program: &Program, places: &ProgramPlaces) -> Option<PathBuf> {
        let Some(template) = &program.directory else { return Some(self.root.to_owned()) };
        let path = settings::absolute(self.root, &scope.resolve(template)?);
        if self.world.is_directory(&path)? {
            return Some(path);
        }
        let problem =
            Diagnostic::error("missing-directory", format!("{} runs in a directory that is not there", program.name));
        self.problems
            .push(problem.at_opt(places.values.get("directory").copied(), format!("looked for {}", path.display())));
        None
    }

    /// A bare word has to be on the program's PATH; a path may be built by a task first.
    fn command(&mut self, scope: &Scope, program: &Program, places: &ProgramPlaces, directory: &Path) {
        let Some(word) = command_word(&program.command) else { return };
        let span = places.values.get("command").map(|span| within(self.sources, *span, &word));
        if word.contains('/') {
            if self.world.has_command(&word, &[directory.to_owned()]) == Some(false) {
                let message = format!("{} runs `{word}`, which is not there yet", program.name);
                let problem = Diagnostic::warning("command-not-yet", message);
                self.problems
                    .push(problem.at_opt(span, format!("it is looked for in {} at the start", directory.display())));
            }
            return;
        }
        let Some(path) = scope.get("PATH") else { return };
        // An empty entry means the working directory, as for a shell.
        let path: Vec<PathBuf> = path.split(':').map(|entry| settings::absolute(directory, entry)).collect();
        if self.world.has_command(&word, &path) == Some(false) {
            let message = format!("{} runs `{word}`, which is not on its PATH", program.name);
            let looked = format!("looked in {} director{}", path.len(), if path.len() == 1 { "y" } else { "ies" });
            let problem = Diagnostic::error("missing-command", message).at_opt(span, looked);
            self.problems.push(problem.help(format!("install it, or name it by its path, such as \"./bin/{word}\"")));
        }
    }
}

/// The word that has to be a command, if it can be told without a shell: the first one of a list or of a line that is a single
/// command and begins with a plain word. `None` for anything compound, for builtins, and for words with holes.
pub fn command_word(command: &Command) -> Option<String> {
    match command {
        Command::Words(words) => Some(words.first()?.as_literal()?.to_owned()).filter(|word| !word.is_empty()),
        Command::Line(line) => first_word(line),
        Command::Shell(_) => None,
    }
}

fn first_word(line: &Template) -> Option<String> {
    let line = line.to_string();
    let line = line.trim();
    if line.contains([';', '|', '&', '(', ')', '{', '}', '`', '\n', '<', '>', '!']) && !is_one_command(line) {
        return None;
    }
    let word = line.split_whitespace().next()?;
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+@%:,".contains(c);
    (word.chars().all(is_plain) && !SHELL_WORDS.contains(&word)).then(|| word.to_owned())
}

/// Whether the only thing special about a line is a `${…}` of ours or the shell's.
fn is_one_command(line: &str) -> bool {
    let without_holes =
        line.split("${").skip(1).fold(line.split("${").next().unwrap_or_default().to_owned(), |mut all, part| {
            all.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
            all
        });
    !without_holes.contains([';', '|', '&', '(', ')', '{', '}', '`', '\n', '!'])
}
