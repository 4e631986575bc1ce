//! The JSON Schema of run.toml, from the table of options: what editors complete and underline by.
//!
//! It follows the loader where a schema can. What it cannot say (names that have to exist, exactly one ready check that fits) is left
//! to `run check`; it never refuses what the loader takes.

use serde_json::{Map, Value, json};

use crate::model::options::{self, OptionKind, OptionSpec, SectionKind};
use crate::model::{EventType, ProbeSchema};

/// Where the schema is published.
pub const URL: &str = "https://raw.githubusercontent.com/runup-dev/runup/main/completions/run.schema.json";

/// The whole document.
pub fn schema(probes: &[ProbeSchema]) -> Value {
    let mut properties = section(SectionKind::Top, probes);
    properties.insert("environment".to_owned(), described(environment(), "Variables for every program."));
    let mut definitions = Map::new();
    for kind in SectionKind::ALL.into_iter().filter(|kind| *kind != SectionKind::Top) {
        let reference = json!({ "$ref": format!("#/definitions/{}", kind.word()) });
        let is_named = !matches!(kind, SectionKind::Control | SectionKind::Proxy);
        let property =
            if is_named { json!({ "type": "object", "additionalProperties": reference }) } else { reference };
        properties.insert(kind.word().to_owned(), described(property, about(kind)));
        definitions.insert(kind.word().to_owned(), table(section(kind, probes), required(kind)));
    }
    definitions.insert("ready".to_owned(), ready(probes));
    definitions.insert("alive".to_owned(), alive(probes));
    let mut document = table(properties, &[]);
    if let Value::Object(document) = &mut document {
        document.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        document.insert("$id".to_owned(), json!(URL));
        document.insert("title".to_owned(), json!("run.toml"));
        document.insert("description".to_owned(), json!("The programs of a project, for `run up`."));
        document.insert("definitions".to_owned(), Value::Object(definitions));
    }
    document
}

fn about(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Top => "Keys before the first section.",
        SectionKind::Program => "What is kept running.",
        SectionKind::Task => "What runs to its end and is then done.",
        SectionKind::Group => "Programs under one name.",
        SectionKind::Control => "How the running project is reached.",
        SectionKind::Listener => "A program that is told events, by supervisord's listener protocol.",
        SectionKind::Fcgi => "A program whose processes share a listening socket as their stdin.",
        SectionKind::Proxy => "Whether `run up` serves `http://NAME.PROJECT.localhost`.",
        SectionKind::RpcInterface => "A program that serves methods on the control socket.",
    }
}

fn required(kind: SectionKind) -> &'static [&'static str] {
    match kind {
        SectionKind::Program | SectionKind::Task | SectionKind::RpcInterface => &["command"],
        SectionKind::Listener => &["command", "events"],
        SectionKind::Fcgi => &["command", "socket"],
        SectionKind::Group => &["programs"],
        SectionKind::Top | SectionKind::Control | SectionKind::Proxy => &[],
    }
}

/// The options of a kind of section.
fn section(kind: SectionKind, probes: &[ProbeSchema]) -> Map<String, Value> {
    let words: Vec<&str> = probes.iter().map(|probe| probe.name).collect();
    options::of_section(kind).map(|option| (option.name.to_owned(), property(option, &words))).collect()
}

fn table(properties: Map<String, Value>, required: &[&str]) -> Value {
    let properties = Value::Object(properties);
    let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let (Value::Object(table), false) = (&mut table, required.is_empty()) {
        table.insert("required".to_owned(), json!(required));
    }
    table
}

fn described(mut schema: Value, text: &str) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), json!(text));
    }
    schema
}

/// One option: what it takes, what it means, what holds without it.
fn property(option: &OptionSpec, probes: &[&str]) -> Value {
    let text = match option.default {
        "" => option.doc.to_owned(),
        default => format!("{} Default: {default}.", option.doc),
    };
    let mut schema = described(kind(option.kind, probes), &text);
    // Where the default is a value and not words about one.
    if let (Value::Object(schema), Ok(default)) = (&mut schema, serde_json::from_str::<Value>(option.default)) {
        schema.insert("default".to_owned(), default);
    }
    schema
}

fn kind(kind: OptionKind, probes: &[&str]) -> Value {
    match kind {
        OptionKind::Text | OptionKind::Template | OptionKind::Path => json!({ "type": "string" }),
        OptionKind::Boolean => json!({ "type": "boolean" }),
        OptionKind::BooleanOr(words) => json!({ "anyOf": [{ "type": "boolean" }, { "enum": words }] }),
        OptionKind::Word(words) => json!({ "enum": words }),
        OptionKind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        OptionKind::Duration => duration(),
        OptionKind::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^\\s*[0-9]+\\s*([kKmMgG]?[iI]?[bB]?)\\s*$" },
        ] }),
        OptionKind::Octal => json!({ "type": "string", "pattern": "^(0o)?[0-7]+$" }),
        OptionKind::Signal => json!({ "anyOf": [
            { "type": "string", "examples": ["TERM", "INT", "HUP", "QUIT", "KILL"] },
            { "type": "integer", "minimum": 1 },
        ] }),
        OptionKind::Command => json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ] }),
        OptionKind::Names => json!({ "type": "array", "items": { "type": "string" } }),
        OptionKind::Events => {
            // In any case, as in a supervisord.conf.
            let names: Vec<&str> = EventType::all().map(EventType::name).collect();
            json!({ "type": "array", "items": { "type": "string", "examples": names }, "minItems": 1 })
        }
        OptionKind::Socket => json!({ "type": "string", "pattern": "^(unix|tcp)://" }),
        OptionKind::ExitCodes => {
            let code = json!({ "type": "integer", "minimum": 0, "maximum": 255 });
            json!({ "anyOf": [code, { "type": "array", "items": code, "minItems": 1 }] })
        }
        OptionKind::Environment => environment(),
        OptionKind::EnvFiles => {
            let file = json!({
                "type": "object",
                "properties": { "path": { "type": "string" }, "optional": { "type": "boolean" } },
                "required": ["path"],
                "additionalProperties": false,
            });
            let one = json!({ "anyOf": [{ "type": "string" }, file] });
            json!({ "anyOf": [{ "type": "string" }, file, { "type": "array", "items": one }] })
        }
        OptionKind::Dependencies => json!({ "type": "array", "items": dependency() }),
        // The words of the kinds are there for editors that complete before a kind is chosen.
        OptionKind::Ready => json!({ "$ref": "#/definitions/ready", "examples": probes }),
        OptionKind::Alive => json!({ "$ref": "#/definitions/alive" }),
        OptionKind::Port => port(),
        OptionKind::Ports => json!({ "type": "object", "additionalProperties": port() }),
    }
}

fn duration() -> Value {
    json!({ "anyOf": [
        { "type": "number", "minimum": 0 },
        { "type": "string", "pattern": "^\\s*([0-9.]+\\s*(ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)?\\s*)+$" },
    ] })
}

fn environment() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
}

fn port() -> Value {
    json!({ "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 65_535 },
        { "type": "string", "pattern": "^(auto|[0-9]+)$" },
    ] })
}

fn dependency() -> Value {
    json!({ "anyOf": [
        { "type": "string", "minLength": 1 },
        {
            "type": "object",
            "properties": {
                "name": { "type": "string", "description": "A program, task or group." },
                "until": {
                    "enum": ["started", "ready", "done", "exited"],
                    "description": "What of it has to be true. Default: ready, of a task done.",
                },
                "restart": { "type": "boolean", "description": "Restart with it." },
                "optional": { "type": "boolean", "description": "Order only: ignored if absent or failed." },
            },
            "required": ["name"],
            "additionalProperties": false,
        },
    ] })
}

/// Exactly one kind of check, and how it is asked.
fn ready(probes: &[ProbeSchema]) -> Value {
    let count = |text: &str| json!({ "type": "integer", "minimum": 1, "description": text });
    let mut properties = Map::new();
    for probe in probes {
        properties.insert(probe.name.to_owned(), described(probe_value(probe.name), probe.doc));
        for (param, doc) in probe.params {
            properties.insert((*param).to_owned(), json!({ "description": doc }));
        }
    }
    let every = "The longest wait between two attempts. Default: 500ms.";
    let timeout = "Over this the start counts as failed. Default: none.";
    properties.insert("every".to_owned(), described(duration(), every));
    properties.insert("timeout".to_owned(), described(duration(), timeout));
    properties.insert("successes".to_owned(), count("Passes in a row that make it ready. Default: 1."));
    properties.insert("failures".to_owned(), count("Failures after which the start counts as failed. Default: none."));
    let one_kind: Vec<Value> = probes.iter().map(|probe| json!({ "required": [probe.name] })).collect();
    let mut schema = table(properties, &[]);
    if let Value::Object(schema) = &mut schema {
        schema.insert("oneOf".to_owned(), Value::Array(one_kind));
    }
    schema
}

/// The same for a check that goes on: what arrives by itself cannot be asked.
fn alive(probes: &[ProbeSchema]) -> Value {
    let asked: Vec<ProbeSchema> =
        probes.iter().filter(|probe| !["log", "notify"].contains(&probe.name)).copied().collect();
    let mut schema = ready(&asked);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.remove("successes");
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            let description =
                property.get("description").and_then(Value::as_str).and_then(|text| text.strip_prefix("Ready "));
            if let Some(rest) = description.map(|rest| format!("Alive {rest}")) {
                property.insert("description".to_owned(), json!(rest));
            }
        }
        let every = "From one attempt to the next. Default: 10s.";
        let timeout = "An attempt without an answer after this long has failed. Default: 5s.";
        let failures = "Failures in a row after which it is restarted. Default: 3.";
        for (name, text) in [("every", every), ("timeout", timeout), ("failures", failures)] {
            if let Some(Value::Object(property)) = properties.get_mut(name) {
                property.insert("description".to_owned(), json!(text));
            }
        }
    }
    schema
}

/// What a kind of check takes.
fn probe_value(name: &str) -> Value {
    match name {
        "tcp" => json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 65_535 }, { "type": "string" }] }),
        "notify" => json!({ "enum": [true] }),
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}
