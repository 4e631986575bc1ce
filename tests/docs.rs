//! What the documentation shows is true: every TOML block loads without a remark, every command line parses, every link leads
//! somewhere, no command is praised that does not exist, and every test that a promise names is there.

#![expect(clippy::unwrap_used, reason = "a gate that cannot read the documentation has to fail")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use regex::Regex;
use run::cli::args::Args;
use run::config::request::Vocabulary;
use run::config::testing::remarks;

const VOCABULARY: Vocabulary = Vocabulary { probes: run::probe::KINDS };

/// A document: its path below the package, and its text.
struct Document {
    name: String,
    text: String,
}

/// A fenced block: its language, its text, and the line it begins on.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
    line: usize,
}

/// The directory of the package.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<Document> {
    let mut names: Vec<String> = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned).to_vec();
    for directory in ["docs", "examples"] {
        names.extend(markdown_below(&root().join(directory)));
    }
    let read = |name: String| Document { text: fs::read_to_string(root().join(&name)).unwrap(), name };
    names.into_iter().map(read).collect()
}

fn markdown_below(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let here = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let here = here.map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
    here.chain(directories.iter().flat_map(|path| markdown_below(path))).collect()
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let fence = Regex::new(r"(?ms)^```(\w*)\n(.*?)^```$").unwrap();
    fence
        .captures_iter(text)
        .map(|found| {
            let body = found.get(2).unwrap();
            Block {
                language: found.get(1).unwrap().as_str(),
                text: body.as_str(),
                line: text[..body.start()].matches('\n').count() + 1,
            }
        })
        .collect()
}

/// The documents with their fenced blocks blanked out.
fn prose(text: &str) -> String {
    let fence = Regex::new(r"(?ms)^```.*?^```$").unwrap();
    fence.replace_all(text, |found: &regex::Captures<'_>| "\n".repeat(found[0].matches('\n').count())).into_owned()
}

#[test]
fn every_toml_block_loads_without_a_remark() {
    let mut count = 0;
    for document in documents() {
        for block in blocks(&document.text).into_iter().filter(|block| block.language == "toml") {
            let remarks = remarks(block.text, &VOCABULARY);
            assert!(remarks.is_empty(), "{}:{}: {}", document.name, block.line, remarks.join("\n"));
            count += 1;
        }
    }
    assert!(count >= 4, "the documentation has examples");
}

#[test]
fn a_block_with_a_mistake_would_be_seen() {
    assert_ne!(remarks("[program.web]\ncomand = \"true\"\n", &VOCABULARY), Vec::<String>::new());
}

#[test]
fn the_examples_themselves_load_without_a_remark() {
    for name in ["quickstart", "shop", "extend"] {
        let text = fs::read_to_string(root().join("examples").join(name).join("run.toml")).unwrap();
        assert_eq!(remarks(&text, &VOCABULARY), Vec::<String>::new(), "examples/{name}/run.toml");
    }
}

#[test]
fn every_block_has_a_known_language() {
    for document in documents() {
        for block in blocks(&document.text) {
            let is_known = ["toml", "sh", "text"].contains(&block.language);
            assert!(is_known, "{}:{}: write toml, sh or text behind the fence", document.name, block.line);
        }
    }
}

#[test]
fn every_command_line_of_ours_parses() {
    for document in documents() {
        for block in blocks(&document.text).into_iter().filter(|block| block.language == "sh") {
            let lines = block.text.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim());
            for line in lines.filter(|line| line.starts_with("run ")) {
                let words = shell_words::split(line).unwrap();
                assert!(
                    Args::try_parse_from(words).is_ok(),
                    "{}:{}: `{line}` does not parse",
                    document.name,
                    block.line
                );
            }
            for path in block.text.split_whitespace().filter(|word| word.starts_with("examples/")) {
                assert!(root().join(path).exists(), "{}:{}: there is no {path}", document.name, block.line);
            }
        }
    }
}

#[test]
fn every_command_that_is_mentioned_exists_or_is_called_not_built() {
    let args = Args::command();
    // `help` is taken before the commands are looked at.
    let commands: Vec<&str> = args.get_subcommands().map(clap::Command::get_name).chain(["help"]).collect();
    let mention = Regex::new(r"`run ([a-z]+)").unwrap();
    for document in documents() {
        for section in prose(&document.text).split("\n## ") {
            let is_built = !section.starts_with("Not built yet");
            for found in mention.captures_iter(section) {
                let exists = commands.contains(&&found[1]);
                let complaint = if exists { "is built" } else { "is not there" };
                assert_eq!(exists, is_built, "{}: `run {}` {complaint}", document.name, &found[1]);
            }
        }
    }
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split_once("## Commands").unwrap().1.split_once("\n## ").unwrap().0;
    for command in Args::command().get_subcommands().map(|command| command.get_name().to_owned()) {
        let row = Regex::new(&format!(r"`(run )?{command}\b")).unwrap();
        assert!(row.is_match(table), "README.md: `run {command}` is missing in the table of commands");
    }
}

#[test]
fn every_link_into_the_repository_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]+)\)").unwrap();
    for document in documents() {
        let directory = root().join(&document.name).parent().unwrap().to_owned();
        for found in link.captures_iter(&prose(&document.text)) {
            assert!(directory.join(&found[1]).exists(), "{}: {} is not there", document.name, &found[1]);
        }
    }
}

/// The text of every Rust file of the repository.
fn sources(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let here = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let here = here.map(|path| fs::read_to_string(path).unwrap());
    here.chain(directories.iter().flat_map(|path| sources(path))).collect()
}

#[test]
fn every_promise_of_reliability_names_tests_that_are_there() {
    let code: String = ["src", "tests"].iter().flat_map(|directory| sources(&root().join(directory))).collect();
    let tests: std::collections::BTreeSet<&str> = Regex::new(r"\n\s*(?:async )?fn (\w+)\(")
        .unwrap()
        .captures_iter(&code)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let name = Regex::new(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`").unwrap();
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise")) {
        assert!(name.is_match(row), "docs/reliability.md: no test proves {row}");
    }
    for found in name.captures_iter(&text) {
        assert!(tests.contains(&found[1]), "docs/reliability.md: there is no test `{}`", &found[1]);
    }
}
