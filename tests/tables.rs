//! Nothing is forgotten: every probe, format, subcommand, example and test file stands where it is read from.

#![expect(clippy::unwrap_used, reason = "a gate that cannot read the sources has to fail")]

mod source;

use std::fs;
use std::path::Path;

use source::{SourceFile, end_of_item, line_of, root, rust_files, source_files};

/// Names of the modules right in a directory.
fn stems(directory: &str) -> Vec<String> {
    let directory = root().join(directory);
    let modules = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let is_module =
        |path: &Path| path.extension().is_some_and(|ending| ending == "rs") || path.join("mod.rs").is_file();
    let names =
        modules.filter(|path| is_module(path)).map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| name != "mod" && name != "tests").collect()
}

/// The text from a mark to the end of the item that it begins.
fn item(path: &str, mark: &str) -> String {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let start = text.find(mark).unwrap_or_else(|| panic!("{path} has no `{mark}`"));
    text[start..end_of_item(&text, start)].to_owned()
}

#[test]
fn every_probe_stands_in_the_table() {
    let table = item("src/probe/mod.rs", "pub const KINDS");
    for stem in stems("src/probe") {
        assert!(
            table.contains(&format!("{stem}::SCHEMA")),
            "src/probe/{stem}.rs: add `{stem}::SCHEMA` to KINDS in mod.rs"
        );
    }
}

#[test]
fn every_config_format_stands_in_the_table() {
    let table = item("src/config/format/mod.rs", "pub const FORMATS");
    for stem in stems("src/config/format") {
        assert!(
            table.contains(&format!("{stem}::FORMAT")),
            "src/config/format/{stem}.rs: add `{stem}::FORMAT` to FORMATS"
        );
    }
}

#[test]
fn every_import_format_stands_in_the_table() {
    let table = item("src/import/mod.rs", "pub const FORMATS");
    let shared = ["draft", "emit", "fields", "holes", "inherit", "names", "parts", "testing"];
    for stem in stems("src/import").into_iter().filter(|stem| !shared.contains(&stem.as_str())) {
        assert!(table.contains(&format!("{stem}::FORMAT")), "src/import/{stem}.rs: add `{stem}::FORMAT` to FORMATS");
    }
}

#[test]
fn every_export_format_stands_in_a_table() {
    let tables =
        item("src/export/mod.rs", "pub const EXPORT_FORMATS") + &item("src/export/mod.rs", "pub const GRAPH_FORMATS");
    let shared = ["graph", "json", "labels", "sample", "unit", "yaml"];
    for stem in stems("src/export").into_iter().filter(|stem| !shared.contains(&stem.as_str())) {
        assert!(tables.contains(&format!("{stem}::FORMAT")), "src/export/{stem}.rs: add `{stem}::FORMAT` to a table");
    }
}

#[test]
fn every_template_stands_in_the_table() {
    let table = item("src/templates/builtin.rs", "pub const BUILTIN");
    for entry in fs::read_dir(root().join("templates/init")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(table.contains(&format!("/{name}\")")), "templates/init/{name}: add it to BUILTIN");
    }
}

/// Files of `src/cli` that hold no subcommand but what the subcommands share.
const NO_SUBCOMMANDS: &[&str] = &[
    "answers",
    "args",
    "bare",
    "called_as",
    "complete",
    "connection",
    "environment",
    "error",
    "exit_code",
    "getopt",
    "mistyped",
    "output",
    "project",
    "running",
    "select",
    "settings",
];

#[test]
fn every_file_of_the_command_line_is_a_subcommand_or_on_the_list() {
    let commands = item("src/cli/args.rs", "pub enum Command");
    let files = stems("src/cli");
    for stem in &files {
        let is_command = commands.contains(&format!("({stem}::Args)"));
        let is_listed = NO_SUBCOMMANDS.contains(&stem.as_str());
        assert!(
            is_command != is_listed,
            "src/cli/{stem}.rs: a variant of `Command`, or a row in NO_SUBCOMMANDS, and not both"
        );
    }
    for name in NO_SUBCOMMANDS {
        assert!(files.iter().any(|stem| stem == name), "NO_SUBCOMMANDS names `{name}`, which is not in src/cli");
    }
}

/// Whether a file declares a module.
fn declares(file: &Path, module: &str) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let declaration = format!("mod {module};");
    text.lines()
        .any(|line| line == declaration || line.starts_with("pub") && line.ends_with(&format!(" {declaration}")))
}

#[test]
fn no_test_file_is_forgotten() {
    let tests = root().join("tests");
    for entry in fs::read_dir(&tests).unwrap().map(|entry| entry.unwrap().path()) {
        let main = entry.join("main.rs");
        if !main.is_file() {
            continue;
        }
        for file in rust_files(&entry).into_iter().filter(|file| file.parent() == Some(&entry) && *file != main) {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            assert!(declares(&main, stem), "{}: add `mod {stem};` to {}", file.display(), main.display());
        }
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("autotests"), "Cargo.toml: cargo finds tests/*.rs by itself; do not switch that off");
}

#[test]
fn no_source_file_is_forgotten() {
    let source = root().join("src");
    for file in rust_files(&source) {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let (module, directory) = match stem {
            "main" | "lib" => continue,
            "mod" => (
                file.parent().unwrap().file_name().unwrap().to_str().unwrap(),
                file.parent().unwrap().parent().unwrap(),
            ),
            _ => (stem, file.parent().unwrap()),
        };
        let parents = [
            directory.join("lib.rs"),
            directory.join("mod.rs"),
            directory.with_extension("rs"),
            directory.join("main.rs"),
        ];
        let is_declared = parents.iter().any(|parent| declares(parent, module));
        assert!(is_declared, "{}: no parent declares `mod {module};`, so it is never compiled", file.display());
    }
}

#[test]
fn every_example_explains_itself_and_is_tested() {
    let tested = fs::read_to_string(root().join("tests/e2e/examples.rs")).unwrap();
    for entry in fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(entry.join("README.md").is_file(), "examples/{name}: write a README.md");
        assert!(tested.contains(&format!("\"{name}\"")), "examples/{name}: start it in tests/e2e/examples.rs");
    }
}

/// Functions of a file: their lengths in lines, from the first to the last, and where they are.
fn functions(file: &SourceFile) -> Vec<(usize, String)> {
    let starts = file.code.match_indices("fn ").filter(|(at, _)| file.code[..*at].ends_with([' ', '\n', '(']));
    starts
        .map(|(at, _)| {
            let length = line_of(&file.code, end_of_item(&file.code, at) - 1) - line_of(&file.code, at) + 1;
            let name: String =
                file.code[at + 3..].chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect();
            (length, format!("src/{}:{} {name}", file.path, file.line(at)))
        })
        .collect()
}

/// Information, not a gate: the tail of our lengths (`cargo test --test tables -- --nocapture longest`).
#[test]
#[expect(clippy::print_stdout, reason = "information for a reader")]
fn the_longest_functions_and_files_are_known() {
    let files = || source_files().iter().filter(|file| !file.is_test);
    let mut long_functions: Vec<_> = files().flat_map(functions).collect();
    let mut long_files: Vec<_> = files()
        .map(|file| (file.code.lines().filter(|line| !line.trim().is_empty()).count(), format!("src/{}", file.path)))
        .collect();
    for (title, list) in [("lines of functions", &mut long_functions), ("lines of code of files", &mut long_files)] {
        list.sort();
        println!("{title}:");
        list.iter().rev().take(10).for_each(|(length, place)| println!("  {length:>4}  {place}"));
        assert!(!list.is_empty());
    }
}
