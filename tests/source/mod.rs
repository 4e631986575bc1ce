//! What the gates need to know of our own source: which files there are, and their code without comments, strings and tests.
//!
//! A scanner of a hundred lines instead of a parser: the gates look for words, and words are all it has to get right.

#![expect(clippy::unwrap_used, reason = "a gate that cannot read the sources has to fail")]

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One file below `src/`.
pub(crate) struct SourceFile {
    /// `runtime/os/linux.rs`.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
    /// As long as `text`, with blanks in place of comments, strings and test code.
    pub(crate) code: String,
    /// Whether the whole file is test code.
    pub(crate) is_test: bool,
}

impl SourceFile {
    /// The line that a byte is on, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        line_of(&self.text, at)
    }
}

/// The line that a byte is on, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The directory of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a directory, sorted.
pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every file below `src/`, read once.
pub(crate) fn source_files() -> &'static [SourceFile] {
    static FILES: LazyLock<Vec<SourceFile>> = LazyLock::new(read_source_files);
    &FILES
}

fn read_source_files() -> Vec<SourceFile> {
    let source = root().join("src");
    let mut test_files = BTreeSet::new();
    let mut files: Vec<SourceFile> = rust_files(&source)
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let mut code = without_comments_and_strings(&text);
            for range in test_items(&code) {
                test_files.extend(file_of_module(&path, &code[range.clone()]));
                let blank: Vec<u8> = blanks(&code.as_bytes()[range.clone()]).collect();
                code.replace_range(range, std::str::from_utf8(&blank).unwrap());
            }
            let path = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            SourceFile { path, text, code, is_test: false }
        })
        .collect();
    for file in &mut files {
        let path = source.join(&file.path);
        file.is_test = test_files.iter().any(|test| path == test.with_extension("rs") || path.starts_with(test));
    }
    files
}

/// The text with every byte of comments, strings and character literals replaced by a blank; line ends stay.
pub(crate) fn without_comments_and_strings(text: &str) -> String {
    let mut code = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let end = end_of_literal(text, at);
        if end > at {
            code.extend(blanks(&text.as_bytes()[at..end]));
            at = end;
        } else {
            let next = at + text[at..].chars().next().map_or(1, char::len_utf8);
            code.extend_from_slice(&text.as_bytes()[at..next]);
            at = next;
        }
    }
    String::from_utf8(code).unwrap()
}

/// As many blanks as there are bytes, with the line ends kept.
fn blanks(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' })
}

/// Where the comment or literal that begins here ends; `at` itself when none begins here.
fn end_of_literal(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let follows_word = text[..at].ends_with(|previous: char| previous.is_alphanumeric() || previous == '_');
    if rest.starts_with("//") {
        return at + rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return at + rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if rest.starts_with('"') {
        return at + end_of_string(rest);
    }
    if !follows_word && (rest.starts_with("r\"") || rest.starts_with("r#") || rest.starts_with("br")) {
        let prefix = rest.find('"').unwrap_or(rest.len());
        let hashes = rest[..prefix].trim_start_matches(['b', 'r']);
        if hashes.chars().all(|sign| sign == '#') && prefix < rest.len() {
            let close = format!("\"{hashes}");
            return at + rest[prefix + 1..].find(&close).map_or(rest.len(), |end| prefix + 1 + end + close.len());
        }
    }
    if rest.starts_with('\'') {
        return at + end_of_character(rest);
    }
    at
}

/// The length of the string literal at the beginning of the text.
fn end_of_string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of the character literal at the beginning of the text; 0 for a lifetime.
fn end_of_character(rest: &str) -> usize {
    let mut signs = rest.char_indices().skip(1);
    match signs.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(0, |end| end + 4),
        Some(_) => signs.next().filter(|(_, sign)| *sign == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// The items that are compiled for tests only.
fn test_items(code: &str) -> Vec<Range<usize>> {
    code.match_indices("#[cfg(test)]").map(|(start, _)| start..end_of_item(code, start)).collect()
}

/// The end of the item that begins here: its semicolon, or the brace that closes its body.
pub(crate) fn end_of_item(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, sign) in code[start..].char_indices() {
        match sign {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && sign == '}' {
                    return start + offset + 1;
                }
            }
            ';' if depth == 0 => return start + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// For `mod name;` the path of the module's file without its ending.
fn file_of_module(parent: &Path, item: &str) -> Option<PathBuf> {
    let name = item.trim_end().strip_suffix(';')?.rsplit(' ').next()?;
    let is_module = item.contains("mod ");
    let stem = parent.file_stem()?.to_str()?;
    let directory = match stem {
        "mod" | "lib" | "main" => parent.parent()?.to_owned(),
        _ => parent.with_extension(""),
    };
    is_module.then(|| directory.join(name))
}
