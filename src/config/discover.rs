//! Which file is the config of a directory, given what is there; and what else is there, for whoever has none yet.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::model::Dialect;

/// The names that make a directory a project, the first that is there wins.
pub const CONFIG_NAMES: [&str; 4] = ["run.toml", "Procfile.dev", "Procfile", "supervisord.conf"];

/// What there is to choose from in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which one.
    pub directory: PathBuf,
    /// The names of its configs.
    pub names: Vec<String>,
    /// Whether a git work tree begins here.
    pub is_git_root: bool,
}

/// Whose rules a file follows, by its name.
pub fn dialect_of(path: &Path) -> Dialect {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "toml" => Dialect::Native,
        "conf" | "ini" => Dialect::Supervisord,
        _ => Dialect::Procfile,
    }
}

/// Chooses the config: the nearest directory that has one. The listings go from the working directory upwards; nothing above
/// the first git root counts.
pub fn discover(listings: &[Listing]) -> Option<PathBuf> {
    let root = listings.iter().position(|listing| listing.is_git_root).unwrap_or(listings.len());
    listings.iter().take(root + 1).find_map(|listing| {
        let name = CONFIG_NAMES.into_iter().find(|name| listing.names.iter().any(|there| there == name))?;
        Some(listing.directory.join(name))
    })
}

/// What a directory without a config has to offer for one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Scripts of package.json that look like servers, in its order.
    pub scripts: Vec<String>,
    /// Files that other tools start things from, and whose they are.
    pub files: Vec<(String, &'static str)>,
}

/// Files that tell what a project starts, and whose they are. A name that ends in a dot is the beginning of one.
const OTHER_FILES: [(&str, &str); 17] = [
    ("compose.yaml", "docker compose"),
    ("compose.yml", "docker compose"),
    ("docker-compose.yaml", "docker compose"),
    ("docker-compose.yml", "docker compose"),
    ("process-compose.yaml", "process-compose"),
    ("process-compose.yml", "process-compose"),
    ("mprocs.yaml", "mprocs"),
    ("pitchfork.toml", "pitchfork"),
    ("supervisor.conf", "supervisord"),
    ("supervisord.ini", "supervisord"),
    ("ecosystem.config.js", "pm2"),
    ("circus.ini", "circus"),
    ("Tiltfile", "tilt"),
    ("justfile", "just"),
    ("Justfile", "just"),
    ("Makefile", "make"),
    ("Procfile.", "foreman"),
];

/// Looks for what could become a config among the names of a directory's files. `package_json` is the text of that file, if it is
/// there.
pub fn hints(names: &[String], package_json: Option<&str>) -> Hints {
    let is = |known: &str, name: &str| name == known || (known.ends_with('.') && name.starts_with(known));
    let files = OTHER_FILES.into_iter().flat_map(|(known, tool)| {
        names.iter().filter(move |name| is(known, name)).map(move |name| (name.clone(), tool))
    });
    let scripts = package_json.and_then(|text| serde_json::from_str::<PackageJson>(text).ok()).unwrap_or_default();
    Hints {
        scripts: scripts.scripts.0.into_iter().filter(|name| looks_like_a_server(name)).collect(),
        files: files.collect(),
    }
}

impl Hints {
    /// One line for each kind of find, such as `package.json with 3 scripts that look like servers: dev, worker, db:up`.
    pub fn lines(&self) -> Vec<String> {
        let scripts = match self.scripts.as_slice() {
            [] => None,
            [script] => Some(format!("package.json with a script that looks like a server: {script}")),
            scripts => Some(format!(
                "package.json with {} scripts that look like servers: {}",
                scripts.len(),
                scripts.join(", ")
            )),
        };
        let files = self.files.iter().map(|(name, tool)| match *tool {
            "make" | "just" => name.clone(),
            tool => format!("{name} of {tool}"),
        });
        scripts.into_iter().chain(files).collect()
    }
}

/// Whether a script keeps running: a part of its name between colons begins or ends with a word that says so, and no word says
/// that it does something else and is done.
pub fn looks_like_a_server(name: &str) -> bool {
    const SERVERS: [&str; 9] = ["dev", "start", "serve", "server", "worker", "watch", "up", "preview", "storybook"];
    const TASKS: [&str; 29] = [
        "build",
        "test",
        "tests",
        "lint",
        "check",
        "format",
        "migrate",
        "migration",
        "seed",
        "reset",
        "create",
        "drop",
        "generate",
        "down",
        "stop",
        "kill",
        "logs",
        "status",
        "health",
        "shell",
        "console",
        "rollback",
        "setup",
        "install",
        "clean",
        "deploy",
        "sync",
        "dry",
        "rotate",
    ];
    let is_server = |part: &str| {
        let mut words = part.split(['-', '_', '.']);
        let ends = [words.next(), words.next_back()];
        ends.into_iter().flatten().any(|word| SERVERS.contains(&word))
    };
    let is_task = name.split([':', '-', '_', '.']).any(|word| TASKS.contains(&word));
    (name == "db" || name.split(':').any(is_server)) && !is_task
}

/// As much of package.json as we want.
#[derive(Default, Deserialize)]
struct PackageJson {
    #[serde(default)]
    scripts: Scripts,
}

/// The names of the scripts in the order of the file.
#[derive(Default)]
struct Scripts(Vec<String>);

impl<'de> Deserialize<'de> for Scripts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Scripts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of scripts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scripts, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.push(name);
                }
                Ok(Scripts(names))
            }
        }

        deserializer.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn listing(directory: &str, configs: &[&str], is_git_root: bool) -> Listing {
        Listing { directory: directory.into(), names: names(configs), is_git_root }
    }

    #[test]
    fn run_toml_comes_before_procfiles_and_supervisords() {
        let mut names = vec!["supervisord.conf", "Procfile", "Procfile.dev", "run.toml"];
        for expected in ["run.toml", "Procfile.dev", "Procfile", "supervisord.conf"] {
            assert_eq!(discover(&[listing("/p", &names, false)]), Some(Path::new("/p").join(expected)));
            names.pop();
        }
        assert_eq!(discover(&[listing("/p", &["run.local.toml"], false)]), None);
    }

    #[test]
    fn the_nearest_directory_wins() {
        let listings =
            [listing("/p/a/b", &[], false), listing("/p/a", &["Procfile"], false), listing("/p", &["run.toml"], true)];
        assert_eq!(discover(&listings), Some("/p/a/Procfile".into()));
    }

    #[test]
    fn the_git_root_is_the_last_that_counts() {
        let above = listing("/", &["run.toml"], false);
        assert_eq!(discover(&[listing("/p", &["Procfile"], true), above.clone()]), Some("/p/Procfile".into()));
        assert_eq!(discover(&[listing("/p", &[], true), above.clone()]), None);
        assert_eq!(discover(&[listing("/p", &[], false), above]), Some("/run.toml".into()));
    }

    #[test]
    fn the_name_tells_the_format() {
        for (name, dialect) in [
            ("run.toml", Dialect::Native),
            ("dev.TOML", Dialect::Native),
            ("supervisord.conf", Dialect::Supervisord),
            ("x.ini", Dialect::Supervisord),
            ("Procfile", Dialect::Procfile),
            ("Procfile.dev", Dialect::Procfile),
            (".toml", Dialect::Procfile),
        ] {
            assert_eq!(dialect_of(Path::new(name)), dialect, "{name}");
        }
    }

    #[test]
    fn scripts_that_look_like_servers_are_named_in_their_order() {
        let package = r#"{ "name": "x", "scripts": { "dev": "vite", "build": "vite build", "predev": "x", "worker": "node w",
            "db:up": "docker", "db:migrate": "x", "test:watch": "x", "dev:api": "y" } }"#;
        let hints = hints(&names(&["package.json"]), Some(package));
        assert_eq!(hints.scripts, ["dev", "worker", "db:up", "dev:api"]);
        assert_eq!(hints.lines(), ["package.json with 4 scripts that look like servers: dev, worker, db:up, dev:api"]);
    }

    #[test]
    fn a_script_that_only_mentions_a_server_does_not_look_like_one() {
        for name in [
            "rotate:api-server-key",
            "sanitize:demo-db",
            "dev:down",
            "dev:stack:kill",
            "db:shell",
            "db:studio",
            "dev:setup",
        ] {
            assert!(!looks_like_a_server(name), "{name}");
        }
        for name in ["db", "api-dev", "dev-api", "story:dev", "web:start:local", "watch.css"] {
            assert!(looks_like_a_server(name), "{name}");
        }
    }

    #[test]
    fn files_of_other_tools_are_named() {
        let names = names(&["README.md", "docker-compose.yml", "Procfile.test", "Makefile"]);
        let found = hints(&names, Some(r#"{"scripts": {"start": "x"}}"#));
        assert_eq!(
            found.lines(),
            [
                "package.json with a script that looks like a server: start",
                "docker-compose.yml of docker compose",
                "Makefile",
                "Procfile.test of foreman",
            ]
        );
    }

    #[test]
    fn a_package_json_that_is_none_is_passed_over() {
        for text in ["", "[]", "{", r#"{"scripts": []}"#, r#"{"scripts": {"dev": 1}}"#, "{}"] {
            let found = hints(&names(&[]), Some(text));
            assert!(found.files.is_empty(), "{text}");
            assert_eq!(found.scripts.len(), usize::from(text.contains("dev")), "{text}");
        }
    }
}
