//! The architecture as a gate: who may use whom, what the pure layers may touch, and what nobody may write.
//!
//! A new layer or a new crate is a change of the table below, made on purpose. Test code is exempt from the table: it may set
//! its stage with whatever it needs.

#![expect(clippy::unwrap_used, reason = "a gate that cannot read the sources has to fail")]

mod source;

use regex::Regex;
use source::{SourceFile, root, source_files, without_comments_and_strings};

/// What a layer may use.
struct Layer {
    name: &'static str,
    /// No clock, file, environment, network, process or thread; checked by lints in its `mod.rs`.
    is_pure: bool,
    /// Other layers, or one module of them: `runtime::handle`.
    may_use: &'static [&'static str],
    /// Outside crates, besides [`CRATES_FOR_ALL`].
    crates: &'static [&'static str],
}

/// Crates that only describe data.
const CRATES_FOR_ALL: &[&str] = &["serde", "thiserror"];

const fn pure(name: &'static str, may_use: &'static [&'static str], crates: &'static [&'static str]) -> Layer {
    Layer { name, is_pure: true, may_use, crates }
}

const fn edge(name: &'static str, may_use: &'static [&'static str], crates: &'static [&'static str]) -> Layer {
    Layer { name, is_pure: false, may_use, crates }
}

const LAYERS: &[Layer] = &[
    pure("model", &[], &[]),
    pure("codec", &["model"], &["base64", "memchr", "quick_xml", "saphyr_parser", "serde_json"]),
    pure("config", &["model", "codec"], &["globset", "serde_json", "strsim", "toml"]),
    pure("import", &["model", "codec", "config"], &["serde_json", "toml"]),
    pure("templates", &["model", "codec", "config", "import"], &["minijinja", "serde_json", "toml"]),
    pure("plan", &["model"], &["petgraph", "shell_words"]),
    pure("supervisor", &["model", "plan"], &[]),
    pure("export", &["model", "codec", "plan"], &["unicode_width"]),
    pure("api", &["model", "codec", "supervisor", "export"], &["jiff", "serde_json", "strsim"]),
    edge("probe", &["model", "codec"], &["memchr", "regex", "tokio"]),
    edge("fault", &[], &[]),
    edge("logs", &["model", "codec", "fault"], &["bytes", "jiff", "libc", "memchr", "nix", "regex", "tokio"]),
    edge("registry", &["model", "fault"], &["libc", "nix", "serde_json", "tokio"]),
    edge(
        "runtime",
        &["model", "codec", "config", "plan", "supervisor", "fault", "probe", "logs"],
        &["globset", "ignore", "libc", "libm", "nix", "regex", "serde_json", "tokio"],
    ),
    edge("client", &["model", "codec"], &["base64", "memchr", "nix", "serde_json", "tokio"]),
    edge(
        "serve",
        &["model", "codec", "api", "export", "supervisor", "fault", "logs", "runtime::handle"],
        &["bytes", "http_body_util", "hyper", "hyper_util", "jiff", "libc", "nix", "serde_json", "sha1", "tokio"],
    ),
    edge("proxy", &["model", "codec", "registry"], &["bytes", "http_body_util", "hyper", "hyper_util", "tokio"]),
    edge(
        "ui",
        &["model", "codec", "plan", "supervisor", "logs", "client"],
        &[
            "annotate_snippets",
            "base64",
            "jiff",
            "libc",
            "nix",
            "owo_colors",
            "ratatui_core",
            "regex",
            "serde_json",
            "tokio",
            "unicode_width",
            "vt100",
        ],
    ),
    edge("mcp", &["model", "codec", "config::suggest"], &["rmcp", "serde_json", "tokio"]),
    edge(
        "cli",
        &[
            "model",
            "codec",
            "config",
            "import",
            "templates",
            "plan",
            "supervisor",
            "export",
            "api",
            "probe",
            "fault",
            "logs",
            "registry",
            "runtime",
            "client",
            "serve",
            "proxy",
            "ui",
            "mcp",
        ],
        &[
            "clap",
            "clap_complete",
            "clap_mangen",
            "jiff",
            "libc",
            "memchr",
            "nix",
            "ratatui_core",
            "rustyline",
            "serde_json",
            "shell_words",
            "terminal_size",
            "tokio",
        ],
    ),
    edge("main", &["cli"], &[]),
    edge("lib", &[], &[]),
];

/// The lints that hold inside a pure layer and nowhere else.
const PURITY_LINTS: &[&str] = &[
    "clippy::disallowed_methods",
    "clippy::disallowed_types",
    "clippy::wildcard_enum_match_arm",
    "clippy::iter_over_hash_type",
    "clippy::unwrap_used",
    "clippy::print_stdout",
];

/// A word that must not stand in the code of some files.
struct Forbidden {
    pattern: &'static str,
    /// Whether the rule holds in this file.
    holds: fn(&SourceFile) -> bool,
    advice: &'static str,
}

const FORBIDDEN: &[Forbidden] = &[
    Forbidden {
        pattern: r"\bunsafe\b",
        holds: |file| file.path != "runtime/sys.rs",
        advice: "only src/runtime/sys.rs may be unsafe: give it a safe function with a SAFETY comment and call that",
    },
    Forbidden {
        pattern: r"\b(Mutex|RwLock|LazyLock|thread_local)\b",
        holds: |_| true,
        advice: "one task owns each thing and the others send it messages; there are no locks and no hidden globals",
    },
    Forbidden {
        pattern: r"(^|[^'\w])static\s+(mut\s+)?[A-Z_]+\s*:",
        holds: |file| file.path != "runtime/sys.rs",
        advice: "no static state: pass it in, or make it a const",
    },
    Forbidden {
        pattern: r"\buse\s+[\w:]+::\*\s*;",
        holds: |_| true,
        advice: "name what is imported: imports are how the architecture is seen (globs are for test modules)",
    },
    Forbidden {
        pattern: r"#!?\[allow\(",
        holds: |_| true,
        advice: "write #[expect(…, reason = \"…\")]: it says why, and fails when it is no longer needed",
    },
    Forbidden {
        pattern: r"\bstd::(fs|net|process|thread|env)\b|\b(Instant|SystemTime)\b|\b(Zoned|Timestamp|TimeZone)::(now|system)\b",
        holds: |file| layer(layer_name(file)).is_pure,
        advice: "this layer is pure: the world enters as a value; do it at the edge and hand the answer in",
    },
];

fn layer(name: &str) -> &'static Layer {
    LAYERS.iter().find(|layer| layer.name == name).unwrap_or_else(|| {
        panic!("src/{name} is a new layer: give it a row in LAYERS of tests/layers.rs, and one in ARCHITECTURE.md")
    })
}

/// Where and what, one line a fault.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn production_files() -> impl Iterator<Item = &'static SourceFile> {
    source_files().iter().filter(|file| !file.is_test)
}

/// The directory or file right below `src/`: `runtime`, `main`, `lib`.
fn layer_name(file: &SourceFile) -> &str {
    file.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// What finds the paths of this crate in code, from below the crate on (`model::time`).
fn paths_of_ours() -> Regex {
    // In main.rs the library is an outside crate of the name `run`.
    Regex::new(r"(?:\bcrate|[^\w:]run)::(\w+(?:::\w+)?)").unwrap()
}

fn is_allowed(layer: &Layer, path: &str) -> bool {
    let reaches = |allowed: &str| path == allowed || path.starts_with(&format!("{allowed}::"));
    reaches(layer.name) || layer.may_use.iter().any(|allowed| reaches(allowed))
}

#[test]
fn a_layer_uses_only_the_layers_below_it() {
    let mut faults = Vec::new();
    let paths = paths_of_ours();
    for file in production_files() {
        let layer = layer(layer_name(file));
        for path in paths.captures_iter(&file.code).map(|found| found.get(1).unwrap()) {
            let (at, path) = (path.start(), path.as_str());
            if !is_allowed(layer, path) {
                faults.push(format!(
                    "src/{}:{}: `{path}` is not for {}, which may use {:?}; move the code up, or hand the value in",
                    file.path,
                    file.line(at),
                    layer.name,
                    layer.may_use
                ));
            }
        }
        if let Some(at) = file.code.find("crate::{") {
            let line = file.line(at);
            faults.push(format!(
                "src/{}:{line}: write one `use crate::layer::…` a layer, so that this test sees it",
                file.path
            ));
        }
    }
    assert_none(&faults);
}

#[test]
fn no_path_climbs_out_of_its_layer_by_super() {
    let climbs = Regex::new(r"\b(?:super::)+").unwrap();
    let mut faults = Vec::new();
    for file in production_files() {
        let depth = file.path.split('/').count() - usize::from(file.path.ends_with("/mod.rs"));
        for climb in climbs.find_iter(&file.code) {
            let supers = climb.as_str().matches("super::").count();
            if supers >= depth || supers > 1 {
                let line = file.line(climb.start());
                faults.push(format!(
                    "src/{}:{line}: write the path from `crate::`, not by `{}`",
                    file.path,
                    climb.as_str()
                ));
            }
        }
    }
    assert_none(&faults);
}

/// The names of our direct dependencies as code writes them.
fn dependencies() -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    names.map(|name| name.replace('-', "_")).collect()
}

/// Whether a name with `::` behind it is a module of the file's own rather than a crate.
fn is_own_module(file: &SourceFile, name: &str) -> bool {
    Regex::new(&format!(r"\bmod\s+{name}\s*[;{{]")).unwrap().is_match(&file.code)
}

#[test]
fn a_layer_uses_only_its_crates() {
    let mut faults = Vec::new();
    for name in dependencies() {
        let path = Regex::new(&format!(r"(?:^|[^\w:.])(?:::)?({name})::")).unwrap();
        for file in production_files().filter(|file| file.code.contains(&name)) {
            let layer = layer(layer_name(file));
            let is_granted = CRATES_FOR_ALL.contains(&name.as_str()) || layer.crates.contains(&name.as_str());
            if is_granted || is_own_module(file, &name) {
                continue;
            }
            faults.extend(path.captures_iter(&file.code).map(|found| {
                let line = file.line(found.get(1).unwrap().start());
                format!(
                    "src/{}:{line}: the crate `{name}` is not for {}; use {:?}",
                    file.path, layer.name, layer.crates
                )
            }));
        }
    }
    assert_none(&faults);
}

#[test]
fn a_crate_that_nobody_may_use_is_no_dependency() {
    let is_used = |name: &String| {
        CRATES_FOR_ALL.contains(&name.as_str()) || LAYERS.iter().any(|layer| layer.crates.contains(&name.as_str()))
    };
    let unused: Vec<String> = dependencies().into_iter().filter(|name| !is_used(name)).collect();
    assert!(
        unused.is_empty(),
        "no layer may use {unused:?}: take them out of Cargo.toml, or grant them in tests/layers.rs"
    );
}

#[test]
fn nobody_writes_what_is_forbidden() {
    let mut faults = Vec::new();
    for rule in FORBIDDEN {
        let pattern = Regex::new(&format!("(?m){}", rule.pattern)).unwrap();
        for file in production_files().filter(|file| (rule.holds)(file)) {
            faults.extend(pattern.find_iter(&file.code).map(|found| {
                format!("src/{}:{}: `{}`: {}", file.path, file.line(found.start()), found.as_str().trim(), rule.advice)
            }));
        }
    }
    assert_none(&faults);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = Regex::new(r"\b(TODO|FIXME|XXX|HACK)\b").unwrap();
    let mut faults = Vec::new();
    for file in source_files() {
        faults.extend(marks.find_iter(&file.text).map(|mark| {
            format!("src/{}:{}: `{}`: do it, or open an issue", file.path, file.line(mark.start()), mark.as_str())
        }));
    }
    assert_none(&faults);
}

#[test]
fn pure_layers_carry_their_lints() {
    let mut faults = Vec::new();
    for layer in LAYERS.iter().filter(|layer| layer.is_pure) {
        let path = format!("src/{}/mod.rs", layer.name);
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        let denied =
            text.split_once("#![deny(").and_then(|(_, rest)| rest.split_once(")]")).map_or("", |(lints, _)| lints);
        let missing: Vec<_> = PURITY_LINTS.iter().filter(|lint| !denied.contains(**lint)).collect();
        if !missing.is_empty() {
            faults.push(format!("{path}: add {missing:?} to its #![deny(…)]"));
        }
    }
    assert_none(&faults);
}

#[test]
fn every_file_says_what_it_is_for() {
    let files = source_files().iter().filter(|file| !file.is_test && file.path != "main.rs");
    let faults: Vec<String> = files
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| format!("src/{}:1: begin with a `//!` line that says what the module is for", file.path))
        .collect();
    assert_none(&faults);
}

#[test]
fn main_only_calls_the_library() {
    let lines = std::fs::read_to_string(root().join("src/main.rs")).unwrap().lines().count();
    assert!(lines <= 25, "src/main.rs has {lines} lines, at most 25: what it does belongs into src/cli");
}

#[test]
fn the_scanner_sees_code_and_nothing_else() {
    let text = "let a = 'x'; // crate::ui\nlet b: &'static str = \"crate::\\\"logs\"; r#\"unsafe\"#; /* static A: */ crate::model\n";
    let code = without_comments_and_strings(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(code.matches("crate::").count(), 1);
    assert!(code.contains("&'static str") && !code.contains("unsafe") && !code.contains('x'));
}
