//! Our reading of supervisord.conf against the original's: answers of supervisor 4.3.0, recorded by `tests/oracle/record.py`.

#![expect(clippy::unwrap_used, reason = "a test may unwrap")]

use std::collections::BTreeMap;

use run::codec::ini::{self, DEFAULTS};
use run::codec::shlex;
use run::config::lower::supervisord::expansion::{Expansions, expand};
use serde_json::{Value, json};

/// Compares ours with every recorded answer; `null` means refused.
fn compare(recorded: &str, ours: impl Fn(&str) -> Option<Value>) {
    let cases: Vec<(String, Value)> = serde_json::from_str(recorded).unwrap();
    assert!(cases.len() > 200, "the recording has gone");
    for (input, theirs) in cases {
        let ours = ours(&input).unwrap_or(Value::Null);
        assert_eq!(ours, theirs, "of {input:?}");
    }
}

#[test]
fn the_file_is_read_as_the_original_reads_it() {
    compare(include_str!("oracle/ini.json"), |text| {
        let ini = ini::parse(text);
        let entries = |name: &str| -> Vec<(String, String)> {
            let section = ini.sections.iter().find(|section| section.name == name);
            let entries = section.map(|section| section.entries.as_slice()).unwrap_or_default();
            entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
        };
        let names = ini.sections.iter().map(|section| section.name.as_str()).filter(|name| *name != DEFAULTS);
        let sections: Vec<(&str, Vec<(String, String)>)> = names.map(|name| (name, entries(name))).collect();
        ini.errors.is_empty().then(|| json!({ "sections": sections, "defaults": entries(DEFAULTS) }))
    });
}

#[test]
fn commands_are_cut_as_the_original_cuts_them() {
    compare(include_str!("oracle/split.json"), |text| shlex::split(text).ok().map(|words| json!(words)));
}

#[test]
fn environments_are_read_as_the_original_reads_them() {
    compare(include_str!("oracle/environment.json"), |text| {
        shlex::pairs(text).ok().map(|pairs| json!(pairs.into_iter().collect::<BTreeMap<_, _>>()))
    });
}

#[test]
fn names_are_expanded_as_the_original_expands_them() {
    let mut names = Expansions::default();
    for (name, value) in [("here", "/etc"), ("program_name", "web"), ("ENV_HOME", "/home/me"), ("ENV_ODD", "a%b")] {
        names.text(name, value);
    }
    names.number("process_num", 3);
    names.number("numprocs", 12);
    compare(include_str!("oracle/expand.json"), |text| expand(text, &names).ok().map(|expanded| json!(expanded)));
}
