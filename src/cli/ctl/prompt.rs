//! The prompt on a terminal: line editing, history and completion. The only user of rustyline.

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::complete::{self, Names};
use super::input::Typed;

/// How many lines are remembered.
const REMEMBERED: usize = 10_000;

/// A line editor. At its end the history is written.
pub struct Prompt<F: Fn() -> Vec<Names>> {
    editor: Editor<Completions<F>, MemHistory>,
    history: Option<PathBuf>,
}

impl<F: Fn() -> Vec<Names>> Prompt<F> {
    /// A prompt that asks `ask` for the processes when they are to be completed.
    pub fn new(history: Option<&Path>, ask: F) -> io::Result<Self> {
        let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true);
        let config = config.max_history_size(REMEMBERED).map_err(to_io)?.build();
        let remembered = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, remembered).map_err(to_io)?;
        editor.set_helper(Some(Completions { ask, known: RefCell::new(None) }));
        // The first time there is none.
        let kept = history.and_then(|file| fs::read(file).ok()).unwrap_or_default();
        for line in String::from_utf8_lossy(&kept).lines() {
            editor.add_history_entry(line).map_err(to_io)?;
        }
        Ok(Self { editor, history: history.map(Path::to_owned) })
    }

    /// Waits for a line.
    pub fn line(&mut self, prompt: &str) -> io::Result<Typed> {
        if let Some(completions) = self.editor.helper_mut() {
            completions.known.take();
        }
        match self.editor.readline(prompt) {
            Ok(line) => Ok(Typed::Line(line)),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(ReadlineError::Interrupted) => Ok(Typed::Interrupted),
            Err(error) => Err(to_io(error)),
        }
    }
}

impl<F: Fn() -> Vec<Names>> Drop for Prompt<F> {
    fn drop(&mut self) {
        if let Some(history) = &self.history {
            // As supervisorctl: a history that cannot be kept is not worth a word.
            write(history, self.editor.history()).ok();
        }
    }
}

/// Plain lines, as readline writes them, in a file for its owner's eyes.
fn write(file: &Path, history: &MemHistory) -> io::Result<()> {
    let lines: String = history.into_iter().flat_map(|line| [line, "\n"]).collect();
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?.write_all(lines.as_bytes())
}

fn to_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// What the editor asks when Tab is pressed. The processes are asked for once a line.
struct Completions<F> {
    ask: F,
    known: RefCell<Option<Vec<Names>>>,
}

impl<F: Fn() -> Vec<Names>> Completer for Completions<F> {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let processes = || self.known.borrow_mut().get_or_insert_with(&self.ask).clone();
        let (start, names) = complete::candidates(&line[..at], processes);
        let pairs = names.into_iter().map(|name| Pair { replacement: format!("{name} "), display: name });
        Ok((start, pairs.collect()))
    }
}

impl<F> Hinter for Completions<F> {
    type Hint = String;
}

impl<F> Highlighter for Completions<F> {}

impl<F> Validator for Completions<F> {}

impl<F: Fn() -> Vec<Names>> Helper for Completions<F> {}
