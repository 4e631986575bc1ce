//! Files in the shape of real ones: `tests/import/CASE` holds the file, the run.toml it becomes, and what is not carried over.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has to fail")]

use std::fs;
use std::path::{Path, PathBuf};

use run::config::request::Vocabulary;
use run::config::testing::remarks;
use run::import::{FORMATS, Source, emit, format_of};

/// Set to write the files instead of comparing them.
const BLESS: &str = "UPDATE_GENERATED";

/// The file of each case, by its directory. A format can have several.
const CASES: &[(&str, &str)] = &[
    ("compose", "compose.yaml"),
    ("compose_extends", "compose.yaml"),
    ("compose_images", "docker-compose.yml"),
    ("dekit", "dekit.yaml"),
    ("dekit_procs", "dekit.yaml"),
    ("mprocs", "mprocs.yaml"),
    ("mprocs_scripts", "mprocs.yaml"),
    ("package_json", "package.json"),
    ("package_json_variants", "package.json"),
    ("pitchfork", "pitchfork.toml"),
    ("pitchfork_templates", "pitchfork.toml"),
    ("process_compose", "process-compose.yaml"),
    ("process_compose_literal", "compose.yaml"),
    ("process_compose_templates", "process-compose.yml"),
    ("process_compose_watch", "process-compose.yaml"),
    ("procfile", "Procfile"),
    ("procfile_overmind", "Procfile"),
    ("procfile_rails", "Procfile.dev"),
    ("supervisord", "supervisord.conf"),
];

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import")
}

#[test]
fn every_format_has_its_case() {
    let text = |case: &str, file: &str| fs::read_to_string(cases().join(case).join(file)).unwrap();
    let format = |(case, file): &(&str, &str)| format_of(file, &text(case, file)).unwrap().name;
    let formats: Vec<&str> = CASES.iter().map(format).collect();
    for format in FORMATS {
        assert!(formats.contains(&format.name), "{}: add a case", format.name);
    }
    for entry in fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(CASES.iter().any(|(case, _)| *case == name), "tests/import/{name} is in no row of CASES");
    }
}

#[test]
fn every_file_becomes_what_stands_beside_it_and_loads_without_a_remark() {
    for (case, name) in CASES {
        let directory = cases().join(case);
        let text = fs::read_to_string(directory.join(name)).unwrap();
        let beside = beside(&directory, name);
        let draft = (format_of(name, &text).unwrap().read)(&Source { name, text: &text, beside: &beside }).unwrap();
        let lost: Vec<String> = draft.all_lost().iter().map(|lost| format!("{lost}\n")).collect();
        let written = emit::run_toml(&draft);
        assert_eq!(remarks(&written, &Vocabulary { probes: run::probe::KINDS }), Vec::<String>::new(), "{written}");
        for (file, text) in [("run.toml", written), ("lost.txt", lost.concat())] {
            if std::env::var_os(BLESS).is_some() {
                fs::write(directory.join(file), &text).unwrap();
            }
            let expected = fs::read_to_string(directory.join(file)).unwrap_or_default();
            assert!(
                text == expected,
                "tests/import/{case}/{file}: {BLESS}=1 cargo test --test import writes it\n{text}"
            );
        }
    }
}

#[test]
fn everything_that_is_lost_is_named_in_the_file_too() {
    for (case, _) in CASES {
        let written = fs::read_to_string(cases().join(case).join("run.toml")).unwrap();
        // Comments are broken at blanks.
        let written = written.replace("\n# ", " ");
        for line in fs::read_to_string(cases().join(case).join("lost.txt")).unwrap().lines() {
            assert!(written.contains(line), "tests/import/{case}/run.toml does not say: {line}");
        }
    }
}

/// All other files of a case, those below directories too.
fn beside(directory: &Path, name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            let relative = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if ![name, "run.toml", "lost.txt"].contains(&relative.as_str()) {
                found.push((relative, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
