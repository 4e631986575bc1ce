//! What has to be there before a start: directories, env files, commands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::codec::shlex;
use crate::config::dotenv::{self, EnvProblem};
use crate::config::facts::{FileFact, World};
use crate::config::lower::{Lowered, ProgramPlaces, settings};
use crate::config::place::within;
use crate::config::request::Request;
use crate::config::scope::Scope;
use crate::model::command::SHELL_WORDS;
use crate::model::{Command, Diagnostic, Dialect, EnvFile, Program, ReadyKind, ReadySpec, Severity, SourceFile, Span};

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
    let is_lenient = project.dialect == Dialect::Supervisord;
    let is_procfile = project.dialect == Dialect::Procfile;
    let mut looking =
        Looking { root: &project.root, is_lenient, is_procfile, world, sources, problems, told: BTreeSet::new() };
    let mut before = Scope::of_shell(request);
    for (file, span) in project.env_files.iter().zip(&lowered.places.env_files) {
        looking.env_file(file, *span, &before);
        before.add_files(request, std::slice::from_ref(file), looking.world);
    }
    let common = Scope::of_project(request, project, looking.world);
    for ((program, places), is_active) in super::programs(lowered).zip(active) {
        if !is_active {
            continue;
        }
        let mut before = common.clone();
        for (file, span) in program.env_files.iter().zip(&places.env_files) {
            looking.env_file(file, Some(*span), &before);
            before.add_files(request, std::slice::from_ref(file), looking.world);
        }
        let mut scope = common.with_files_and_ports(request, program, looking.world);
        scope.add_entries(&program.environment);
        if let Some(directory) = looking.directory(&scope, program, places)
            && !is_procfile
        {
            looking.command(&scope, program, places, &directory);
            looking.exec_check(&scope, program, places, &directory);
        }
        looking.log_files(program, places);
        looking.user(program, places);
    }
}

struct Looking<'l, 'k> {
    root: &'l Path,
    /// What keeps one program from starting does not keep the others: supervisord finds out at the start.
    is_lenient: bool,
    /// Its programs have one place to run in, and one line names its env files.
    is_procfile: bool,
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

    /// A mistake that keeps one program from starting.
    fn push_one(&mut self, problem: Diagnostic) {
        let severity = if self.is_lenient { Severity::Warning } else { problem.severity };
        self.problems.push(Diagnostic { severity, ..problem });
    }

    /// Its lines see what was defined before it.
    fn env_file(&mut self, file: &EnvFile, span: Option<Span>, before: &Scope) {
        let Some(fact) = self.world.file(&file.path) else { return };
        if !self.told.insert(file.path.clone()) {
            return;
        }
        let name = self.name(&file.path);
        match fact {
            FileFact::Missing if file.optional => {}
            FileFact::Missing => {
                let problem = Diagnostic::error("missing-file", format!("the env file {name} is not there"));
                let help = if self.is_procfile {
                    "write it, or take it out of the line that names it".to_owned()
                } else {
                    format!("env_file = [{{ path = \"{name}\", optional = true }}] if it may be missing")
                };
                self.problems.push(problem.at_opt(span, format!("looked for {}", file.path.display())).help(help));
            }
            FileFact::Unusable(why) => {
                let problem = Diagnostic::error("missing-file", format!("the env file {name} cannot be read: {why}"));
                self.problems.push(problem.at_opt(span, "named here"));
            }
            FileFact::Bytes(bytes) => {
                let problems = dotenv::parse(&String::from_utf8_lossy(bytes), &before.known()).problems;
                let will_be_known =
                    |problem: &EnvProblem| problem.empty.as_ref().is_some_and(|name| before.defines(name));
                for problem in problems.into_iter().filter(|problem| !will_be_known(problem)) {
                    let message = format!("{name}:{}: {}", problem.line, problem.message);
                    let warning = Diagnostic::warning("env-line", message);
                    self.problems.push(match problem.empty {
                        None => warning.help("this line alone is left out"),
                        Some(variable) => warning.help(format!("write ${{{variable}:-}} if it may be empty")),
                    });
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
        let span = places.values.get("directory").copied();
        if self.is_procfile && self.problems.iter().any(|problem| problem.code == "missing-directory") {
            return None;
        }
        let who = if self.is_procfile { "everything" } else { program.name.as_str() };
        let problem = Diagnostic::error("missing-directory", format!("{who} runs in a directory that is not there"));
        let problem = problem.at_opt(span, format!("looked for {}", path.display()));
        let tilde = template.as_literal().and_then(|text| text.strip_prefix("~/"));
        self.push_one(match tilde {
            Some(rest) if !self.is_lenient => {
                problem.help(format!("`~` is the shell's; write directory = \"${{HOME}}/{rest}\""))
            }
            Some(rest) => problem.help(format!("`~` is the shell's; write directory=%(ENV_HOME)s/{rest}")),
            None => problem,
        });
        None
    }

    /// Copies of the output need a directory that is there (supervisor `options.py` `existing_dirpath`).
    fn log_files(&mut self, program: &Program, places: &ProgramPlaces) {
        let files = [("stdout_logfile", &program.stdout_logfile), ("stderr_logfile", &program.stderr_logfile)];
        for (key, file) in files {
            let Some(directory) = file.as_ref().and_then(|file| file.path.parent()) else { continue };
            if self.world.is_directory(directory) == Some(false) {
                let message = format!("the directory of {}'s `{key}` is not there", program.name);
                let problem = Diagnostic::error("missing-directory", message);
                let looked = format!("looked for {}", directory.display());
                self.problems.push(problem.at_opt(places.values.get(key).copied(), looked));
            }
        }
    }

    /// A program whose user is not there starts nowhere (supervisor `datatypes.py` `name_to_uid`).
    fn user(&mut self, program: &Program, places: &ProgramPlaces) {
        let Some(user) = &program.user else { return };
        if self.world.has_user(user) == Some(false) {
            let message = format!("{} runs as the user `{user}`, whom this machine does not have", program.name);
            let problem = Diagnostic::error("missing-user", message);
            self.problems.push(problem.at_opt(places.values.get("user").copied(), "a name or a number"));
        }
    }

    /// The command of an `exec` check, where it can be told; it is looked for as the program's own is.
    fn exec_check(&mut self, scope: &Scope, program: &Program, places: &ProgramPlaces, directory: &Path) {
        let Some(ReadySpec { kind: ReadyKind::Exec(line), .. }) = &program.ready else { return };
        let Some(word) = first_word(line) else { return };
        if word.contains('/') || self.is_on_path(scope, &word, directory) != Some(false) {
            return;
        }
        let span = places.values.get("ready").map(|span| within(self.sources, *span, &word));
        let message = format!("the check of {} runs `{word}`, which is not on its PATH", program.name);
        let problem = Diagnostic::error("missing-command", message).at_opt(span, "it could never be ready");
        self.problems.push(problem.help(format!("install it, or name it by its path, such as \"./bin/{word}\"")));
    }

    /// Whether a bare word is on the PATH of a program; `None` where that is not known.
    fn is_on_path(&mut self, scope: &Scope, word: &str, directory: &Path) -> Option<bool> {
        self.world.has_command(word, &path_of(scope, directory)?)
    }

    /// A bare word has to be on the program's PATH; a path may be built by a task first.
    fn command(&mut self, scope: &Scope, program: &Program, places: &ProgramPlaces, directory: &Path) {
        let Some(word) = command_word(&program.command) else { return };
        if self.is_lenient && shlex::split(&word).is_err() {
            // A line that cannot be cut into words, which has been told of.
            return;
        }
        let span = places.values.get("command").map(|span| within(self.sources, *span, &word));
        if word.contains('/') {
            if self.world.has_command(&word, &[directory.to_owned()]) == Some(false) {
                let message = format!("{} runs `{word}`, which is not there yet or not executable", program.name);
                let problem = Diagnostic::warning("command-not-yet", message);
                self.problems
                    .push(problem.at_opt(span, format!("it is looked for in {} at the start", directory.display())));
            }
            return;
        }
        let Some(path) = path_of(scope, directory) else { return };
        if self.world.has_command(&word, &path) == Some(false) {
            let message = format!("{} runs `{word}`, which is not on its PATH", program.name);
            let looked = format!("looked in {} director{}", path.len(), if path.len() == 1 { "y" } else { "ies" });
            let problem = Diagnostic::error("missing-command", message).at_opt(span, looked);
            self.push_one(problem.help(format!("install it, or name it by its path, such as \"./bin/{word}\"")));
        }
    }
}

/// The word that has to be a command, if it can be told without a shell: the first one of a list or of a line that is a single
/// command and begins with a plain word. `None` for anything compound, for builtins, and for words with holes.
fn command_word(command: &Command) -> Option<String> {
    match command {
        Command::Words(words) => Some(words.first()?.as_literal()?.to_owned()).filter(|word| !word.is_empty()),
        Command::Line(line) => first_word(&line.to_string()),
        Command::Shell(_) => None,
    }
}

fn first_word(line: &str) -> Option<String> {
    let line = line.trim();
    if line.contains([';', '|', '&', '(', ')', '{', '}', '`', '\n', '<', '>', '!']) && !is_one_command(line) {
        return None;
    }
    let word = line.split_whitespace().next()?;
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+@%:,".contains(c);
    (word.chars().all(is_plain) && !SHELL_WORDS.contains(&word)).then(|| word.to_owned())
}

/// The directories of a program's PATH. An empty entry means the working directory, as for a shell.
fn path_of(scope: &Scope, directory: &Path) -> Option<Vec<PathBuf>> {
    Some(scope.get("PATH")?.split(':').map(|entry| settings::absolute(directory, entry)).collect())
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
