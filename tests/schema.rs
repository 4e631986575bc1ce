//! `completions/run.schema.json` is what the table of options gives, takes what the loader takes, and refuses the slips that an
//! editor should underline.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has to fail")]

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use run::config::facts::FileFact;
use run::config::request::Vocabulary;
use run::config::testing::{load_supposing, request};
use run::config::{Loaded, schema};
use run::model::options::{OPTIONS, SectionKind};
use serde_json::{Value, json};

/// Set to write the file instead of comparing it.
const BLESS: &str = "UPDATE_GENERATED";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> Value {
    schema::schema(run::probe::KINDS)
}

#[test]
fn the_file_is_up_to_date() {
    let path = root().join("completions/run.schema.json");
    let text = format!("{:#}\n", document());
    if std::env::var_os(BLESS).is_some() {
        fs::write(&path, &text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{} is stale: {BLESS}=1 cargo test --test schema", path.display());
}

/// As much of JSON Schema as the document uses: the places that do not fit.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema.get("$ref") {
        let path = reference.as_str().unwrap().trim_start_matches('#');
        return faults(document, document.pointer(path).unwrap(), value, at);
    }
    let mut found = Vec::new();
    let mut fault = |fits: bool, what: &str| {
        if !fits {
            found.push(format!("{at}: {what}"));
        }
    };
    fault(schema.get("type").is_none_or(|types| has_type(types, value)), "wrong type");
    fault(
        schema.get("enum").and_then(Value::as_array).is_none_or(|words| words.contains(value)),
        "not one of the words",
    );
    if let (Some(pattern), Some(text)) = (schema.get("pattern"), value.as_str()) {
        fault(Regex::new(pattern.as_str().unwrap()).unwrap().is_match(text), "does not match");
    }
    if let (Some(least), Some(text)) = (schema.get("minLength"), value.as_str()) {
        fault(text.len() as u64 >= least.as_u64().unwrap(), "too short");
    }
    if let Some(number) = value.as_f64() {
        fault(schema.get("minimum").is_none_or(|low| number >= low.as_f64().unwrap()), "too small");
        fault(schema.get("maximum").is_none_or(|high| number <= high.as_f64().unwrap()), "too large");
    }
    if let Some(items) = value.as_array() {
        fault(schema.get("minItems").is_none_or(|least| items.len() as u64 >= least.as_u64().unwrap()), "too few");
        for (index, item) in items.iter().enumerate().filter(|_| schema.get("items").is_some()) {
            found.extend(faults(document, &schema["items"], item, &format!("{at}[{index}]")));
        }
    }
    found.extend(table_faults(document, schema, value, at));
    for (word, fits) in [("anyOf", 1..usize::MAX), ("oneOf", 1..2)] {
        let Some(branches) = schema.get(word).and_then(Value::as_array) else { continue };
        let count = branches.iter().filter(|branch| faults(document, branch, value, at).is_empty()).count();
        if !fits.contains(&count) {
            found.push(format!("{at}: {count} of {word}"));
        }
    }
    found
}

fn table_faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Some(entries) = value.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for key in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !entries.contains_key(key.as_str().unwrap()) {
            found.push(format!("{at}: no {key}"));
        }
    }
    for (key, value) in entries {
        let at = format!("{at}.{key}");
        let property = schema.get("properties").and_then(|properties| properties.get(key));
        match (property, schema.get("additionalProperties")) {
            (Some(property), _) => found.extend(faults(document, property, value, &at)),
            (None, Some(Value::Bool(false))) => found.push(format!("{at}: unknown")),
            (None, Some(other)) => found.extend(faults(document, other, value, &at)),
            (None, None) => {}
        }
    }
    found
}

fn has_type(types: &Value, value: &Value) -> bool {
    let one = |word: &Value| match word.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("{other} is not a type"),
    };
    types.as_array().map_or_else(|| one(types), |types| types.iter().any(one))
}

/// What the schema says of a run.toml.
fn of_toml(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap();
    let document = document();
    faults(&document, &document, &serde_json::to_value(table).unwrap(), "")
}

/// Whether the loader takes a text, in a world where everything is there.
fn loads(text: &str) -> bool {
    let file = |path: &Path| {
        let is_it = path.ends_with("run.toml");
        FileFact::Bytes(if is_it { text.into() } else { Vec::new() })
    };
    let vocabulary = Vocabulary { probes: run::probe::KINDS };
    let (loaded, _) = load_supposing(&request("run.toml"), &vocabulary, file);
    matches!(loaded, Loaded::Project(..))
}

/// Every run.toml below a directory.
fn run_tomls(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(run_tomls(&path));
        } else if path.file_name().unwrap() == "run.toml" {
            found.push(path);
        }
    }
    found
}

#[test]
fn it_takes_every_run_toml_that_loads() {
    let mut count = 0;
    for directory in ["examples", "tests/config/toml", "tests/import"] {
        for path in run_tomls(&root().join(directory)) {
            let text = fs::read_to_string(&path).unwrap();
            if loads(&text) {
                assert_eq!(of_toml(&text), Vec::<String>::new(), "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count} files");
}

#[test]
fn it_takes_the_example_of_every_option() {
    for option in OPTIONS {
        for section in option.sections {
            let command = if option.name == "command" { "" } else { "command = \"true\"\n" };
            let (head, needs) = match section {
                SectionKind::Top => (String::new(), ""),
                SectionKind::Program | SectionKind::Task => (format!("[{}.web]\n", section.word()), command),
                SectionKind::Listener => {
                    let events = if option.name == "events" { "" } else { "events = [\"EVENT\"]\n" };
                    (format!("[eventlistener.web]\n{events}"), command)
                }
                SectionKind::Fcgi => {
                    let socket = if option.name == "socket" { "" } else { "socket = \"tcp://h:1\"\n" };
                    (format!("[fcgi-program.web]\n{socket}"), command)
                }
                SectionKind::Group => {
                    ("[group.g]\n".to_owned(), if option.name == "programs" { "" } else { "programs = []\n" })
                }
                SectionKind::Control => ("[control]\n".to_owned(), ""),
                SectionKind::Proxy => ("[proxy]\n".to_owned(), ""),
                SectionKind::RpcInterface => ("[rpcinterface.x]\n".to_owned(), command),
            };
            let text = format!("{head}{needs}{} = {}\n", option.name, option.example);
            assert_eq!(of_toml(&text), Vec::<String>::new(), "{text}");
        }
    }
}

#[test]
fn it_refuses_what_an_editor_should_underline() {
    for (text, fault) in [
        ("nme = \"x\"\n", ".nme: unknown"),
        ("[program.web]\n", ".program.web: no \"command\""),
        ("[program.web]\ncomand = \"x\"\ncommand = \"x\"\n", ".program.web.comand: unknown"),
        ("[program.web]\ncommand = 1\n", ".program.web.command: 0 of anyOf"),
        ("[program.web]\ncommand = \"x\"\nport = 70000\n", ".program.web.port: 0 of anyOf"),
        ("[program.web]\ncommand = \"x\"\nstopwaitsecs = \"30 parsecs\"\n", ".program.web.stopwaitsecs: 0 of anyOf"),
        ("[program.web]\ncommand = \"x\"\nready = { tcp = 1, http = \"/\" }\n", ".program.web.ready: 2 of oneOf"),
        (
            "[program.web]\ncommand = \"x\"\ndepends_on = [{ name = \"a\", until = \"up\" }]\n",
            ".program.web.depends_on[0]: 0 of anyOf",
        ),
        ("[task.web]\ncommand = \"x\"\nready = { tcp = 1 }\n", ".task.web.ready: unknown"),
        ("[programm.web]\ncommand = \"x\"\n", ".programm: unknown"),
    ] {
        assert_eq!(of_toml(text), [fault], "{text}");
    }
}

#[test]
fn the_line_that_run_init_writes_leads_to_it() {
    assert_eq!(run::import::emit::SCHEMA_LINE, format!("#:schema {}", schema::URL));
    assert_eq!(document()["$id"], json!(schema::URL));
}
