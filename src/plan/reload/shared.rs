//! What stands above the programs and counts for each: `[environment]`, env files, the ports of others. And what a running project
//! cannot take in.

use std::collections::BTreeSet;
use std::path::Path;

use super::Side;
use super::rules::{environment_keys, name_in, needs_restart};
use crate::model::{EnvFile, KeyChange, KeyFate, ProgramName, Project};

/// The keys above the programs that differ for a process.
pub(super) fn keys(old: Side<'_>, new: Side<'_>) -> Vec<KeyChange> {
    let moved = |name: &ProgramName| has_moved(old.project, new.project, name);
    let mut keys = environment_keys("[environment]", &old.project.environment, &new.project.environment, &moved);
    if old.project.env_files != new.project.env_files {
        keys.push(needs_restart("env_file of the project", None));
    }
    let files = new.project.env_files.iter().chain(&new.program.env_files);
    let mut told: BTreeSet<&Path> = BTreeSet::new();
    for EnvFile { path, .. } in files.filter(|file| is_common(old, file)) {
        if told.insert(path) {
            keys.extend(content_keys(old, new, path));
        }
    }
    keys
}

/// A file that was not among its env files before is told of as such, not name by name.
fn is_common(old: Side<'_>, file: &EnvFile) -> bool {
    old.project.env_files.iter().chain(&old.program.env_files).any(|other| other.path == file.path)
}

/// The names in one env file whose values differ.
fn content_keys(old: Side<'_>, new: Side<'_>, path: &Path) -> Vec<KeyChange> {
    let shown = path.strip_prefix(&new.project.root).unwrap_or(path).display().to_string();
    let empty = std::collections::BTreeMap::new();
    let was = old.env.get(path).unwrap_or(&empty);
    let is = new.env.get(path).unwrap_or(&empty);
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let differ = names.into_iter().filter(|name| was.get(*name) != is.get(*name));
    let fate = |name: &String| KeyFate::of(was.contains_key(name), is.contains_key(name));
    differ.map(|name| name_in(&shown, name, fate(name))).collect()
}

/// Whether a program that others may name has other ports than before.
pub(super) fn has_moved(old: &Project, new: &Project, name: &ProgramName) -> bool {
    let ports = |project: &Project| project.program(name).map(|program| program.ports.clone());
    ports(old) != ports(new)
}

/// What only the next `run up` takes in.
pub(super) fn waiting(old: &Project, new: &Project) -> Vec<String> {
    let servers = |project: &Project| {
        let conf = project.supervisord.as_deref();
        conf.map(|conf| (conf.daemon.clone(), conf.unix_servers.clone(), conf.inet_servers.clone()))
    };
    let differences = [
        (old.name != new.name, "the name"),
        (old.control != new.control, "[control]"),
        (old.proxy != new.proxy, "[proxy]"),
        (old.control == new.control && servers(old) != servers(new), "[supervisord] and its servers"),
    ];
    differences.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what.to_owned()).collect()
}
