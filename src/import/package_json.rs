//! package.json: the scripts that look like servers.

use serde_json::Value as Json;

use crate::config::discover::looks_like_a_server;
use crate::import::draft::{Draft, Section, Value};
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source};

/// The row of [`super::FORMATS`].
pub const FORMAT: Format =
    Format { name: "package.json", file_names: &["package.json"], marks: &[], beside: lock_files, read };

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
    let manager = manager(&json, |file| source.beside.iter().any(|(name, _)| name == file));
    let names = Names::of(servers.iter().map(|script| script.name));
    let started = |script: &Script<'_>| {
        servers.iter().filter(|other| other.name != script.name && starts(script.command, other.name)).count()
    };
    let is_plain = |script: &Script<'_>| {
        started(script) == 0 && runner(script.command).is_none() && !is_other_way(script, &servers, &started)
    };
    let has_plain = servers.iter().any(|script| is_plain(script));
    for script in &servers {
        if started(script) > 0 {
            draft.lose(script.line, script.name, "it starts others, which are programs of their own here");
            continue;
        }
        if let Some(runner) = runner(script.command) {
            let why = format!("it runs {runner}, which starts programs of its own; `run init --from` reads its file");
            draft.lose(script.line, script.name, why);
            if has_plain || !draft.sections.is_empty() {
                continue;
            }
        }
        let mut section = Section::new("program", names.ours(script.name).unwrap_or(script.name));
        section.comments.push(script.command.to_owned());
        section.set("command", Value::Text(format!("{manager} run {}", script.name)));
        if is_other_way(script, &servers, &started) {
            section.comments.push("Not started by itself: it seems to be another way of running the same.".to_owned());
            section.set("autostart", Value::Boolean(false));
        }
        draft.sections.push(section);
    }
    if draft.sections.is_empty() {
        return Err(ImportError::Nothing("its scripts only start each other"));
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
    draft.lost.sort();
    Ok(draft)
}

/// Whether a script runs what another one runs already: `start` beside `dev`, `dev:mock` beside a `dev` that is a server itself.
fn is_other_way(script: &Script<'_>, servers: &[&Script<'_>], started: &impl Fn(&Script<'_>) -> usize) -> bool {
    let (group, last) = script.name.rsplit_once(':').map_or(("", script.name), |(group, last)| (group, last));
    let sibling = |word: &str| if group.is_empty() { word.to_owned() } else { format!("{group}:{word}") };
    let is_there = |name: &str| name != script.name && servers.iter().any(|other| other.name == name);
    if ["start", "serve", "server", "preview", "watch"].contains(&last) && is_there(&sibling("dev")) {
        return true;
    }
    if ["serve", "server", "preview", "watch"].contains(&last) && is_there(&sibling("start")) {
        return true;
    }
    let is_base = |other: &&&Script<'_>| script.name.strip_prefix(other.name).is_some_and(|rest| rest.starts_with(':'));
    servers.iter().filter(is_base).any(|base| started(base) == 0)
}

/// The tool that a script runs to start several programs from a file of its own.
fn runner(command: &str) -> Option<&str> {
    const RUNNERS: [&str; 8] =
        ["mprocs", "dekit", "foreman", "overmind", "hivemind", "honcho", "process-compose", "pitchfork"];
    command.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word)).find(|word| RUNNERS.contains(word))
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
fn manager(json: &Json, is_there: impl Fn(&str) -> bool) -> &'static str {
    let said = json.get("packageManager").and_then(Json::as_str).and_then(|said| said.split('@').next());
    let said = MANAGERS.iter().find(|(_, manager)| said == Some(manager));
    let found = said.or_else(|| MANAGERS.iter().find(|(file, _)| is_there(file)));
    found.map_or("npm", |(_, manager)| manager)
}

/// What runs the scripts of a package.json that lies beside these files.
pub fn runs_scripts(package_json: &str, beside: &[String]) -> &'static str {
    let json = serde_json::from_str(package_json).unwrap_or_default();
    manager(&json, |file| beside.iter().any(|name| name == file))
}

/// Whether a script runs another one: `npm run dev:api`, `run-p dev:*`, `concurrently "npm:dev:*"`.
fn starts(command: &str, name: &str) -> bool {
    // In another directory it is the script of another package.json.
    let command = command.split("cd ").next().unwrap_or(command);
    let words: Vec<&str> = command.split([' ', '"', '\'', '\t']).filter(|word| !word.is_empty()).collect();
    let runs_several = words.iter().any(|word| matches!(*word, "run-p" | "npm-run-all" | "npm-run-all2" | "run-s"));
    words.iter().enumerate().any(|(at, word)| {
        let back = |by: usize| at.checked_sub(by).and_then(|at| words.get(at)).copied().unwrap_or_default();
        let is_manager = |word: &str| MANAGERS.iter().any(|(_, manager)| *manager == word);
        let is_run = (back(1) == "run" && is_manager(back(2))) || (back(1) != "npm" && is_manager(back(1)));
        let pattern =
            word.strip_prefix("npm:").or_else(|| word.strip_prefix("yarn:")).or_else(|| word.strip_prefix("pnpm:"));
        let pattern = pattern.or_else(|| (runs_several || is_run).then_some(*word));
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
        assert!(starts("bun web:dev", "web:dev"));
        assert!(!starts("next dev", "dev"));
        assert!(!starts("turbo run dev", "dev"));
        assert!(!starts("cd apps/web && bun run dev", "dev"));
        assert!(!starts("pnpm --filter web run dev", "dev"));
    }

    #[test]
    fn one_way_of_running_the_same_starts_by_itself() {
        let text = r#"{"scripts": {"dev": "vite", "dev:mock": "MOCK=1 vite", "start": "x", "story:dev": "a", "story:preview": "b",
            "api:start": "c", "api:serve": "d", "all:dev": "mprocs --config x.yaml", "up": "npx foreman start"}}"#;
        let draft = read(&Source { name: "package.json", text, beside: &[] }).unwrap();
        let waits = |section: &&Section| section.has("autostart");
        let names = |sections: Vec<&Section>| sections.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            names(draft.sections.iter().filter(waits).collect()),
            ["dev-mock", "start", "story-preview", "api-serve"]
        );
        let starts = draft.sections.iter().filter(|one| !waits(one)).collect();
        assert_eq!(names(starts), ["dev", "story-dev", "api-start"]);
        let lost: Vec<&str> = draft.lost.iter().map(|lost| lost.what.as_str()).collect();
        assert_eq!(lost, ["all:dev", "up"]);
    }

    #[test]
    fn a_script_that_runs_another_tool_is_kept_where_no_other_starts_by_itself() {
        let text = r#"{"scripts": {"dev": "mprocs", "dev:other": "mprocs -c other.yaml", "preview": "vite preview"}}"#;
        let draft = read(&Source { name: "package.json", text, beside: &[] }).unwrap();
        let names: Vec<&str> = draft.sections.iter().map(|section| section.name.as_str()).collect();
        assert_eq!((names, draft.lost.len()), (vec!["dev", "preview"], 2));
    }

    #[test]
    fn the_lock_file_tells_who_runs_the_scripts() {
        let text = r#"{"scripts": {"dev": "vite"}}"#;
        let lock = ["README".to_owned(), "yarn.lock".to_owned()];
        assert_eq!(runs_scripts(text, &[]), "npm");
        assert_eq!(runs_scripts(text, &lock), "yarn");
        assert_eq!(runs_scripts(r#"{"packageManager": "pnpm@9.1.0"}"#, &lock), "pnpm");
        assert_eq!(runs_scripts(r#"{"packageManager": "other@1"}"#, &lock), "yarn");
    }

    #[test]
    fn a_file_without_servers_says_so() {
        let said = testing::refused("package.json", r#"{"scripts": {"build": "x"}}"#);
        assert_eq!(said, "none of its scripts looks like a server");
    }
}
