//! What could be typed next at the prompt (supervisor `supervisorctl.py` `Controller.complete`).

use super::command::{self, Completes};
use super::process::make_namespec;
use crate::model::Signal;

/// What ends a word besides white space: readline's own set, without `:`, `*` and `-`, which stand in names.
const DELIMITERS: &[char] = &[
    ' ', '\t', '\n', '`', '~', '!', '@', '#', '$', '%', '^', '&', '(', ')', '=', '+', '[', '{', ']', '}', '\\', '|',
    ';', '\'', '"', ',', '<', '>', '/', '?',
];

/// A process: its group and its name.
pub type Names = (String, String);

/// Where the word being typed begins, and what it could become. The processes are asked for only when they matter.
pub fn candidates(before: &str, processes: impl FnOnce() -> Vec<Names>) -> (usize, Vec<String>) {
    let start = before.rfind(DELIMITERS).map_or(0, |at| at + 1);
    let fragment = &before[start..];
    let mut found = offered(before, fragment, processes);
    found.retain(|candidate| candidate.starts_with(fragment));
    (start, found)
}

fn offered(before: &str, fragment: &str, processes: impl FnOnce() -> Vec<Names>) -> Vec<String> {
    let words: Vec<&str> = before.split_whitespace().collect();
    let is_first = words.is_empty() || words.len() == 1 && !before.ends_with(' ');
    let Some(action) = words.first().filter(|_| !is_first) else { return actions() };
    let is_second = words.len() == 1 || words.len() == 2 && !before.ends_with(' ');
    match command::find(action).map(|command| command.completes) {
        None | Some(Completes::Nothing) => Vec::new(),
        Some(Completes::Actions) => actions(),
        Some(Completes::Groups) => groups(&processes()),
        Some(Completes::Processes) => namespecs(&processes(), fragment),
        Some(Completes::SignalThenProcesses) if is_second => Signal::names().map(ToOwned::to_owned).collect(),
        Some(Completes::SignalThenProcesses) => namespecs(&processes(), fragment),
    }
}

fn actions() -> Vec<String> {
    command::commands().into_iter().map(|command| command.name.to_owned()).collect()
}

fn groups(processes: &[Names]) -> Vec<String> {
    let mut groups: Vec<String> = processes.iter().map(|(group, _)| group.clone()).collect();
    groups.dedup();
    groups
}

/// The names of all processes, and of the groups that hold others than one of their own name. With a colon typed, all as `group:…`.
fn namespecs(processes: &[Names], fragment: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (group, name) in processes {
        if !fragment.contains(':') && group == name {
            found.push(name.clone());
            continue;
        }
        found.push(format!("{group}:{name}"));
        let whole = make_namespec(group, None);
        if !found.contains(&whole) {
            found.push(whole);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str) -> (usize, Vec<String>) {
        let processes = [("cat", "cat"), ("web", "web_0"), ("web", "web_1"), ("web-dev", "web-dev")];
        candidates(line, || processes.iter().map(|(group, name)| ((*group).into(), (*name).into())).collect())
    }

    #[test]
    fn the_first_word_is_an_action() {
        assert_eq!(at("re").1, ["reload", "remove", "reread", "restart"]);
        assert_eq!(at("help st").1, ["start", "status", "stop"]);
        assert!(at("").1.contains(&"avail".to_owned()));
    }

    #[test]
    fn processes_and_whole_groups_follow_where_they_may() {
        assert_eq!(at("stop "), (5, ["cat", "web:web_0", "web:*", "web:web_1", "web-dev"].map(String::from).to_vec()));
        assert_eq!(at("stop cat web-"), (9, vec!["web-dev".to_owned()]));
        assert_eq!(at("tail web:").1, ["web:web_0", "web:*", "web:web_1"]);
        assert_eq!(at("start cat:").1, ["cat:cat", "cat:*"]);
        assert_eq!(at("tail -f c"), (8, vec!["cat".to_owned()]));
    }

    #[test]
    fn groups_follow_what_takes_groups_and_signals_come_before_names() {
        assert_eq!(at("update w").1, ["web", "web-dev"]);
        assert_eq!(at("signal US").1, ["USR1", "USR2"]);
        assert_eq!(at("signal USR1 c").1, ["cat"]);
        assert!(at("version ").1.is_empty() && at("nonsense ").1.is_empty());
    }
}
