//! `watch`: its directories and filters as patterns, its cascade as `restart = true` on the edges of all that come after.

use std::collections::BTreeSet;

use crate::codec::tree::{Entry, Node};
use crate::import::draft::{Section, Value};
use crate::import::fields::Fields;

/// Reads the key of a process.
pub(super) fn watch(fields: &mut Fields<'_>, section: &mut Section) {
    let Some(mut inner) = fields.inner("watch") else { return };
    // Ours settle by themselves, have no bound, and are no matter of Windows.
    inner.pass(&["debounce", "max_entries", "buffer_size", "cascade"]);
    let line = inner.line("disable_default_excludes");
    if inner.read("disable_default_excludes", Node::boolean) == Some(true) {
        let why = "what .gitignore ignores and hidden files are watched where a pattern names them without `*`";
        inner.lose(line, "watch.disable_default_excludes", why);
    }
    let mut patterns = Vec::new();
    for node in inner.read("paths", Node::list).unwrap_or_default() {
        let mut path = inner.within(node);
        patterns.extend(below(&mut path));
        inner.lost.extend(path.finish(&[]));
    }
    if !patterns.is_empty() {
        section.set("watch", Value::texts(patterns));
    }
    fields.lost.extend(inner.finish(&[]));
}

/// One directory, or file, with its filters. A pattern without a slash means a name at any depth.
fn below(path: &mut Fields<'_>) -> Vec<String> {
    let root = path.read("path", Node::text).unwrap_or(".").trim_start_matches("./").trim_end_matches('/');
    let under = |pattern: &str| {
        let depth = if pattern.contains('/') { "" } else { "**/" };
        let pattern = format!("{depth}{}", pattern.trim_start_matches("./"));
        if matches!(root, "" | ".") { pattern } else { format!("{root}/{pattern}") }
    };
    let mut filters = |key: &str| path.read(key, Node::texts).unwrap_or_default();
    let (include, exclude) = (filters("include"), filters("exclude"));
    let mut patterns: Vec<String> = include.iter().map(|pattern| under(pattern)).collect();
    if patterns.is_empty() {
        patterns.push(if matches!(root, "" | ".") { "**".to_owned() } else { root.to_owned() });
    }
    patterns.extend(exclude.iter().map(|pattern| format!("!{}", under(pattern))));
    patterns
}

/// Those whose restart takes along who depends on them: with a cascade, and all that come after such a one.
pub(super) fn cascading<'a>(processes: &'a [Entry], needs: impl Fn(&'a Node) -> Vec<&'a str>) -> BTreeSet<&'a str> {
    let has_cascade = |entry: &&Entry| {
        entry.value.get("watch").and_then(|watch| watch.get("cascade")).and_then(Node::boolean) == Some(true)
    };
    let mut all: BTreeSet<&str> = processes.iter().filter(has_cascade).map(|entry| entry.key.as_str()).collect();
    loop {
        let comes_after = |entry: &'a Entry| needs(&entry.value).iter().any(|need| all.contains(need));
        let others = processes.iter().filter(|entry| !all.contains(entry.key.as_str()));
        let more: Vec<&str> = others.filter(|entry| comes_after(entry)).map(|entry| entry.key.as_str()).collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}
