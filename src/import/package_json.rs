//! package.json: the scripts that look like servers.

use serde_json::Value as Json;

use crate::config::discover::looks_like_a_server;
use crate::import::draft::{Draft, Section, Value};
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source};

/// The row of [`super::FORMATS`].
pub const FORMAT: Format =
    Format { name: "package.json", file_names: &["package.json"], mark: "", beside: lock_files, read };

/// Lock files, and whose they are.
const MANAGERS: [(&str, &str); 6] = [
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
];

fn lock_files(_text: &str) -> Vec<String> {
    MANAGERS.iter().map(|(file, _)| (*file).to_owned()).collect()
}

/// A script.
struct Script<'a> {
    name: &'a str,
    command: &'a str,
    line: usize,
}

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let json: Json = serde_json::from_str(source.text)
        .map_err(|error| ImportError::Syntax { line: error.line().max(1), message: error.to_string() })?;
    let scripts = scripts(source.text, &json);
    let servers: Vec<&Script<'_>> = scripts.iter().filter(|script| looks_like_a_server(script.name)).collect();
    if servers.is_empty() {
        return Err(ImportError::Nothing("none of its scripts looks like a server"));
    }
    let mut draft = Draft::new(source.name);
    let manager = manager(source, &json);
    let names = Names::of(servers.iter().map(|script| script.name));
    let started = |script: &Script<'_>| servers.iter().filter(|other| starts(script.command, other.name)).count();
    let first = servers.iter().find(|script| script.name == "dev" || script.name == "start").map(|script| script.name);
    for script in &servers {
        if started(script) > 0 {
            draft.lose(script.line, script.name, "it starts others, which are programs of their own here");
            continue;
        }
        let mut section = Section::new("program", names.ours(script.name).unwrap_or(script.name));
        section.comments.push(script.command.to_owned());
        section.set("command", Value::Text(format!("{manager} run {}", script.name)));
        let is_other_way = ["start", "serve", "server", "preview", "watch"].contains(&script.name);
        if is_other_way && first.is_some_and(|first| first != script.name) {
            section.comments.push("Not started by itself: it seems to be another way of running the same.".to_owned());
            section.set("autostart", Value::Boolean(false));
        }
        draft.sections.push(section);
    }
    draft
        .notes
        .push("A server that listens on $PORT is ready when it accepts connections: port = \"auto\".".to_owned());
    for script in scripts.iter().filter(|script| !looks_like_a_server(script.name)) {
        let is_hook = ["pre", "post"].iter().any(|hook| {
            script.name.strip_prefix(hook).is_some_and(|rest| scripts.iter().any(|other| other.name == rest))
        });
        if !is_hook {
            draft.lose(script.line, script.name, "it does not look like a server; a [task.NAME] runs once");
        }
    }
    Ok(draft)
}

/// The scripts in the order of the text.
fn scripts<'a>(text: &str, json: &'a Json) -> Vec<Script<'a>> {
    let table = json.get("scripts").and_then(Json::as_object);
    let begin = text.find("\"scripts\"").unwrap_or(0);
    let mut found: Vec<(usize, Script<'a>)> = table
        .into_iter()
        .flatten()
        .filter_map(|(name, command)| {
            let command = command.as_str().filter(|command| !command.trim().is_empty())?;
            let at = place(text, begin, name);
            let line = text[..at].matches('\n').count() + 1;
            Some((at, Script { name, command, line }))
        })
        .collect();
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, script)| script).collect()
}

/// Where a key stands behind a place: its name in quotes, with a colon behind it.
fn place(text: &str, begin: usize, name: &str) -> usize {
    let quoted = Json::from(name).to_string();
    let is_key = |at: &usize| text[at + quoted.len()..].trim_start().starts_with(':');
    text[begin..].match_indices(&quoted).map(|(at, _)| begin + at).find(is_key).unwrap_or(begin)
}

/// What runs the scripts: what the file says, else whose lock file is there.
fn manager(source: &Source<'_>, json: &Json) -> String {
    let said = json.get("packageManager").and_then(Json::as_str).and_then(|said| said.split('@').next());
    let known = |name: &str| MANAGERS.iter().any(|(_, manager)| *manager == name);
    if let Some(said) = said.filter(|said| known(said)) {
        return said.to_owned();
    }
    let is_there = |file: &str| source.beside.iter().any(|(name, _)| name == file);
    MANAGERS.iter().find(|(file, _)| is_there(file)).map_or("npm", |(_, manager)| manager).to_owned()
}

/// Whether a script runs another one: `npm run dev:api`, `run-p dev:*`, `concurrently "npm:dev:*"`.
fn starts(command: &str, name: &str) -> bool {
    let words: Vec<&str> = command.split([' ', '"', '\'', '\t']).filter(|word| !word.is_empty()).collect();
    let runs_several = words.iter().any(|word| matches!(*word, "run-p" | "npm-run-all" | "npm-run-all2" | "run-s"));
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default();
        let pattern =
            word.strip_prefix("npm:").or_else(|| word.strip_prefix("yarn:")).or_else(|| word.strip_prefix("pnpm:"));
        let pattern = pattern.or_else(|| (runs_several || matches!(before, "run" | "yarn" | "pnpm")).then_some(*word));
        pattern.is_some_and(|pattern| crate::model::name::glob(pattern, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::testing;

    #[test]
    fn a_script_is_known_to_start_others() {
        assert!(starts("concurrently \"npm:dev:*\" -k", "dev:api"));
        assert!(starts("run-p dev:api dev:web", "dev:web"));
        assert!(starts("npm run server & npm run client", "client"));
        assert!(!starts("vite --host", "dev"));
        assert!(!starts("next dev", "dev"));
    }

    #[test]
    fn the_lock_file_tells_who_runs_the_scripts() {
        let text = r#"{"scripts": {"dev": "vite"}}"#;
        let source = |beside: &'static [(String, String)]| Source { name: "package.json", text, beside };
        let json = serde_json::from_str(text).unwrap();
        assert_eq!(manager(&source(&[]), &json), "npm");
        let beside: &'static [(String, String)] = Box::leak(Box::new([("yarn.lock".to_owned(), String::new())]));
        assert_eq!(manager(&source(beside), &json), "yarn");
        let said = serde_json::json!({ "packageManager": "pnpm@9.1.0" });
        assert_eq!(manager(&source(beside), &said), "pnpm");
    }

    #[test]
    fn a_file_without_servers_says_so() {
        let said = testing::refused("package.json", r#"{"scripts": {"build": "x"}}"#);
        assert_eq!(said, "none of its scripts looks like a server");
    }
}
