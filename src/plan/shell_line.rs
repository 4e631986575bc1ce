//! Looks at a command line as a shell would, to learn how much of a shell it needs: none, one that is replaced by the
//! program at once, or one that stays.
//!
//! The answer errs on one side only: whatever is not surely a single command stays with `sh` as it was written.

use crate::model::command::SHELL_WORDS;

/// How much of a shell a command line needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// None: these are its words.
    Words(Vec<String>),
    /// One command with expansions or redirections: `exec` may be put before it.
    Simple,
    /// Several commands, or what only a shell can do.
    Compound,
}

/// Tells the shape of a command line.
pub fn shape(line: &str) -> Shape {
    match needs_shell(line) {
        None => Shape::Compound,
        Some(true) => Shape::Simple,
        Some(false) => shell_words::split(line).map_or(Shape::Compound, Shape::Words),
    }
}

/// Whether a single command has what only a shell expands or redirects; `None` when the line is not surely a single command.
fn needs_shell(line: &str) -> Option<bool> {
    let text = line.trim();
    let mut scanner = Scanner { text: text.as_bytes(), position: 0, needs_shell: false };
    scanner.word()?;
    if scanner.needs_shell || !stands_alone(&text[..scanner.position]) {
        return None;
    }
    while scanner.position < scanner.text.len() {
        scanner.step()?;
    }
    Some(scanner.needs_shell)
}

/// Whether the first word names a command that can be executed.
fn stands_alone(written: &str) -> bool {
    let Ok(words) = shell_words::split(written) else { return false };
    let [word] = words.as_slice() else { return false };
    let is_assignment = written.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    !word.is_empty() && !word.starts_with('-') && !is_assignment && !SHELL_WORDS.contains(&word.as_str())
}

/// A place in a line. Every method answers `None` where a second command begins, or might.
struct Scanner<'t> {
    text: &'t [u8],
    position: usize,
    needs_shell: bool,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.position + ahead).copied()
    }

    /// Takes one word.
    fn word(&mut self) -> Option<()> {
        while let Some(byte) = self.peek(0) {
            if matches!(byte, b' ' | b'\t' | b'<' | b'>') {
                break;
            }
            self.part_of_word(byte)?;
        }
        Some(())
    }

    /// Takes blanks, a comment's mark, a redirection or a word.
    fn step(&mut self) -> Option<()> {
        match self.peek(0)? {
            b' ' | b'\t' => self.position += 1,
            b'#' => self.comment()?,
            b'<' | b'>' => self.redirection()?,
            _ => self.word()?,
        }
        Some(())
    }

    /// Takes a comment, if it is the end of the line. Nothing in it quotes.
    fn comment(&mut self) -> Option<()> {
        self.needs_shell = true;
        if self.text[self.position..].contains(&b'\n') {
            return None;
        }
        self.position = self.text.len();
        Some(())
    }

    /// Takes the operator of a redirection; its target is the next word. A here-document needs further lines.
    fn redirection(&mut self) -> Option<()> {
        self.needs_shell = true;
        match (self.peek(0)?, self.peek(1)) {
            (b'<', Some(b'<')) => return None,
            (b'<', Some(b'&' | b'>')) | (b'>', Some(b'&' | b'>' | b'|')) => self.position += 2,
            _ => self.position += 1,
        }
        Some(())
    }

    /// Takes one character, quotation or expansion of a word.
    fn part_of_word(&mut self, byte: u8) -> Option<()> {
        match byte {
            b';' | b'&' | b'|' | b'(' | b')' | b'`' | b'\n' => return None,
            b'\'' => return self.single_quotes(),
            b'"' => return self.double_quotes(),
            b'$' => return self.dollar(),
            b'\\' => {
                // A line may go on behind a backslash; at the very end, shells differ.
                self.needs_shell |= self.peek(1)? == b'\n';
                self.position += 2;
                return Some(());
            }
            b'*' | b'?' | b'[' | b'{' | b'~' => self.needs_shell = true,
            _ => {}
        }
        self.position += 1;
        Some(())
    }

    fn single_quotes(&mut self) -> Option<()> {
        let length = self.text[self.position + 1..].iter().position(|byte| *byte == b'\'')?;
        self.position += length + 2;
        Some(())
    }

    fn double_quotes(&mut self) -> Option<()> {
        self.position += 1;
        loop {
            match self.peek(0)? {
                b'"' => break,
                b'`' => return None,
                b'$' => self.dollar()?,
                b'\\' => {
                    self.peek(1)?;
                    self.position += 2;
                }
                _ => self.position += 1,
            }
        }
        self.position += 1;
        Some(())
    }

    /// Takes `$NAME`, `${…}`, `$(…)`, or a dollar sign that stands for itself.
    fn dollar(&mut self) -> Option<()> {
        self.position += 1;
        match self.peek(0) {
            Some(b'{') => {
                self.needs_shell = true;
                self.braces()
            }
            Some(b'(') => {
                self.needs_shell = true;
                self.position += 1;
                self.substitution()
            }
            Some(byte) if byte.is_ascii_alphanumeric() || b"_@*#?-$!".contains(&byte) => {
                self.needs_shell = true;
                self.position += 1;
                Some(())
            }
            // Some shells have a quotation of their own for each of these.
            Some(b'\'' | b'"' | b'[') => None,
            Some(_) | None => Some(()),
        }
    }

    /// Takes `{…}` of an expansion, as long as nothing in it quotes or nests.
    fn braces(&mut self) -> Option<()> {
        loop {
            match self.peek(0)? {
                b'}' => break,
                b'\'' | b'"' | b'\\' | b'`' | b'$' | b'\n' => return None,
                _ => self.position += 1,
            }
        }
        self.position += 1;
        Some(())
    }

    /// Takes what follows `$(` up to its parenthesis. Should that be found too early, what follows looks like a second
    /// command; a comment or a here-document could hide it, so neither is taken.
    fn substitution(&mut self) -> Option<()> {
        loop {
            match self.peek(0)? {
                b')' => break,
                b'(' => {
                    self.position += 1;
                    self.substitution()?;
                }
                b'\'' => self.single_quotes()?,
                b'"' => self.double_quotes()?,
                b'$' => self.dollar()?,
                b'`' | b'\n' | b'#' => return None,
                b'<' if self.peek(1) == Some(b'<') => return None,
                b'\\' => {
                    self.peek(1)?;
                    self.position += 2;
                }
                _ => self.position += 1,
            }
        }
        self.position += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests;
