//! What a directory suggests: a file of another tool to be imported, else a template for its kind of project.

use std::collections::BTreeMap;

use crate::config::discover::looks_like_a_server;
use crate::import::format_of;

/// What is known of a directory: the names in it, and the texts of those that [`WANTED`] names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// Names of files and directories.
    pub names: Vec<String>,
    /// Texts of files, as far as they could be read.
    pub texts: BTreeMap<String, String>,
}

/// The files whose texts decide.
pub const WANTED: &[&str] = &["Gemfile", "package.json", "mix.exs", "composer.json", "Cargo.toml"];

/// A way to a run.toml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// From this file of another tool.
    Import(String),
    /// From this template, because of this file; none: because nothing else fits.
    Template {
        /// The template.
        name: &'static str,
        /// What gave it away.
        because: Option<&'static str>,
    },
}

/// Files that say best what is started, the best one first. A star stands for any ending.
const TOLD: &[&str] = &[
    "Procfile.dev",
    "Procfile",
    "process-compose.yaml",
    "process-compose.yml",
    "dekit.yaml",
    "dekit.yml",
    "mprocs.yaml",
    "mprocs.yml",
    "pitchfork.toml",
    "supervisord.conf",
    "supervisor.conf",
];

/// Compose files: they say what is started in containers, which a kind of project may know better.
const CONTAINERS: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// All ways that fit, the best one first; there is always one.
pub fn proposals(directory: &Directory) -> Vec<Proposal> {
    let has = |name: &str| directory.names.iter().any(|there| there == name);
    let import = |name: &&&str| has(name) && format_of(name, "").is_some();
    let told = TOLD.iter().filter(import).map(|name| Proposal::Import((*name).to_owned()));
    let kinds = kinds(directory).into_iter().map(|(name, because)| Proposal::Template { name, because: Some(because) });
    let scripts = serves(directory).then(|| Proposal::Import("package.json".to_owned()));
    let containers = CONTAINERS.iter().filter(import).map(|name| Proposal::Import((*name).to_owned()));
    let mut found: Vec<Proposal> = told.chain(kinds).chain(scripts).chain(containers).collect();
    if found.is_empty() {
        let is_node = has("package.json");
        let name = if is_node { "node" } else { "bare" };
        found.push(Proposal::Template { name, because: is_node.then_some("package.json") });
    }
    found
}

/// The kinds of project that the files give away.
fn kinds(directory: &Directory) -> Vec<(&'static str, &'static str)> {
    let has = |name: &str| directory.names.iter().any(|there| there == name);
    let says = |file: &str, word: &str| directory.texts.get(file).is_some_and(|text| text.contains(word));
    let rules: [(bool, &'static str, &'static str); 9] = [
        (says("Gemfile", "rails"), "rails", "Gemfile"),
        (has("manage.py"), "django", "manage.py"),
        (says("mix.exs", ":phoenix"), "phoenix", "mix.exs"),
        (has("artisan") || says("composer.json", "laravel/framework"), "laravel", "composer.json"),
        (has("pnpm-workspace.yaml"), "monorepo", "pnpm-workspace.yaml"),
        (has("turbo.json"), "monorepo", "turbo.json"),
        (has("nx.json"), "monorepo", "nx.json"),
        (has("go.mod"), "go", "go.mod"),
        (has("Cargo.toml") && !is_library(directory), "rust", "Cargo.toml"),
    ];
    let mut found: Vec<(&str, &str)> = Vec::new();
    for (fits, name, because) in rules {
        if fits && !found.iter().any(|(there, _)| *there == name) {
            found.push((name, because));
        }
    }
    found
}

/// A crate that says it is a library and nothing else.
fn is_library(directory: &Directory) -> bool {
    let text = directory.texts.get("Cargo.toml").map_or("", String::as_str);
    text.contains("[lib]") && !text.contains("[[bin]]") && !text.contains("[workspace]")
}

/// Whether package.json has a script that looks like a server.
fn serves(directory: &Directory) -> bool {
    let json =
        directory.texts.get("package.json").and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let scripts = json.as_ref().and_then(|json| json.get("scripts")?.as_object());
    scripts.is_some_and(|scripts| scripts.keys().any(|name| looks_like_a_server(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(names: &[&str], texts: &[(&str, &str)]) -> Directory {
        Directory {
            names: names.iter().chain(texts.iter().map(|(name, _)| name)).map(|name| (*name).to_owned()).collect(),
            texts: texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        }
    }

    fn best(names: &[&str], texts: &[(&str, &str)]) -> String {
        match &proposals(&directory(names, texts))[0] {
            Proposal::Import(file) => format!("from {file}"),
            Proposal::Template { name, .. } => (*name).to_owned(),
        }
    }

    #[test]
    fn what_another_tool_starts_is_better_than_any_guess() {
        assert_eq!(best(&["Procfile", "Procfile.dev", "go.mod"], &[("Gemfile", "gem \"rails\"")]), "from Procfile.dev");
        assert_eq!(best(&["mprocs.yaml", "compose.yaml"], &[]), "from mprocs.yaml");
        assert_eq!(best(&["compose.yaml"], &[]), "from compose.yaml");
    }

    #[test]
    fn the_files_give_the_kind_of_project_away() {
        for (names, texts, kind) in [
            (&[][..], &[("Gemfile", "gem \"rails\", \"~> 8\"")][..], "rails"),
            (&[], &[("Gemfile", "gem \"sinatra\"")], "bare"),
            (&["manage.py"], &[], "django"),
            (&[], &[("mix.exs", "{:phoenix, \"~> 1.7\"}")], "phoenix"),
            (&["artisan"], &[("package.json", "{\"scripts\": {\"dev\": \"vite\"}}")], "laravel"),
            (&["turbo.json"], &[("package.json", "{\"scripts\": {\"dev\": \"turbo dev\"}}")], "monorepo"),
            (&["go.mod"], &[], "go"),
            (&[], &[("Cargo.toml", "[package]\nname = \"x\"")], "rust"),
            (&[], &[("Cargo.toml", "[package]\n[lib]\n")], "bare"),
            (&[], &[("package.json", "{\"scripts\": {\"dev\": \"vite\"}}")], "from package.json"),
            (&[], &[("package.json", "{}")], "node"),
            (&["README.md"], &[], "bare"),
        ] {
            assert_eq!(best(names, texts), kind, "{names:?} {texts:?}");
        }
    }

    #[test]
    fn every_template_that_is_proposed_is_there() {
        let all = directory(
            &["manage.py", "artisan", "turbo.json", "go.mod"],
            &[("Gemfile", "rails"), ("mix.exs", ":phoenix"), ("Cargo.toml", "")],
        );
        for proposal in proposals(&all) {
            if let Proposal::Template { name, .. } = proposal {
                assert!(crate::templates::builtin::find(name).is_some(), "{name}");
            }
        }
    }
}
