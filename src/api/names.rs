//! The words with which a user names processes: `web`, `worker:*`, a group, a glob.

use super::fault::{BAD_NAME, Fault};
use crate::codec::xmlrpc::Value;
use crate::model::ProcessId;
use crate::supervisor::snapshot::{OffBecause, ProcessInfo, Snapshot};

/// What a word that names nobody in particular reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everybody.
    Everybody,
    /// Not those whose profile is inactive: only their own name activates them.
    Active,
}

/// The processes that any of these words selects, each once, in the order of the words and, within a word, of the file.
pub(super) fn resolve(snapshot: &Snapshot, words: &Value, reach: Reach) -> Result<Vec<ProcessId>, Fault> {
    let mut chosen = Vec::new();
    for word in words.as_array().unwrap_or_default() {
        let word = word.as_str().ok_or_else(|| Fault::new(BAD_NAME, "a name must be a string"))?;
        if select(snapshot, word, Reach::Everybody).next().is_none() {
            return Err(unknown(snapshot, word));
        }
        for info in select(snapshot, word, reach) {
            if !chosen.contains(&info.id) {
                chosen.push(info.id);
            }
        }
    }
    Ok(chosen)
}

/// The one process that a word selects; several are as wrong as none.
pub(super) fn resolve_one<'a>(snapshot: &'a Snapshot, word: &str) -> Result<&'a ProcessInfo, Fault> {
    let mut matching = select(snapshot, word, Reach::Everybody);
    let Some(first) = matching.next() else { return Err(unknown(snapshot, word)) };
    let others: Vec<_> = matching.map(|info| info.name.to_string()).collect();
    if others.is_empty() {
        Ok(first)
    } else {
        Err(Fault::new(BAD_NAME, format_args!("`{word}` names several: {}, {}", first.name, others.join(", "))))
    }
}

fn select<'a>(snapshot: &'a Snapshot, word: &str, reach: Reach) -> impl Iterator<Item = &'a ProcessInfo> {
    let is_wide = word == "all" || word.contains(['*', '?']);
    snapshot
        .processes
        .iter()
        .map(|info| &**info)
        .filter(move |info| info.name.matches(word) || info.program.as_str() == word)
        .filter(move |info| reach == Reach::Everybody || !is_wide || info.off_because != Some(OffBecause::Profile))
}

/// The fault for a word that names nobody, with what was probably meant.
fn unknown(snapshot: &Snapshot, word: &str) -> Fault {
    let close = close_names(snapshot, word);
    if close.is_empty() {
        Fault::new(BAD_NAME, format_args!("no program `{word}`"))
    } else {
        let quoted: Vec<_> = close.iter().map(|name| format!("`{name}`")).collect();
        Fault::new(BAD_NAME, format_args!("no program `{word}`, did you mean {}?", quoted.join(" or ")))
    }
}

/// The nearest names, at most three, no further away than a third of the word.
fn close_names(snapshot: &Snapshot, word: &str) -> Vec<String> {
    let limit = (word.chars().count() / 3).max(1);
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let mut ranked: Vec<(usize, String)> = snapshot
        .processes
        .iter()
        .flat_map(|info| {
            [info.name.to_string(), info.name.process.clone(), info.program.to_string(), info.name.group.clone()]
        })
        .map(|name| {
            let distance = if plain(&name) == plain(word) { 0 } else { strsim::damerau_levenshtein(&name, word) };
            (distance, name)
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    ranked.sort();
    ranked.dedup();
    let nearest = ranked.first().map(|(distance, _)| *distance);
    ranked.into_iter().filter(|(distance, _)| Some(*distance) == nearest).map(|(_, name)| name).take(3).collect()
}
