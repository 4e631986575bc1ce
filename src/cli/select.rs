//! From the words a user typed to processes, with a suggestion where a word means nobody.

use crate::cli::error::CommandError;
use crate::config::suggest;
use crate::model::ProcessName;
use crate::model::status::{ProcessStatus, ProjectStatus};

/// The processes that the words mean, in the order of the status and each once; all without a word. A word that means nobody
/// is an error.
pub fn select<'a>(status: &'a ProjectStatus, words: &[String]) -> Result<Vec<&'a ProcessStatus>, CommandError> {
    let unknown: Vec<&String> =
        words.iter().filter(|word| !status.processes.iter().any(|process| matches(process, word))).collect();
    if let Some(word) = unknown.first() {
        return Err(unknown_name(word, &status.project, &names(status)));
    }
    let is_meant = |process: &&ProcessStatus| words.is_empty() || words.iter().any(|word| matches(process, word));
    Ok(status.processes.iter().filter(is_meant).collect())
}

/// Whether a word means a process: by its name, program, group or a glob.
pub fn matches(process: &ProcessStatus, word: &str) -> bool {
    process.program == word || process_name(&process.name).matches(word)
}

/// Names of processes and programs, each once, in the order of the status.
pub fn names(status: &ProjectStatus) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for process in &status.processes {
        for name in [&process.program, &process.name] {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// That nobody is called so, and who may have been meant.
pub fn unknown_name(word: &str, project: &str, names: &[String]) -> CommandError {
    let error = CommandError::user(format!("{project} has no program or group `{word}`"));
    match suggest::did_you_mean(word, names.iter().map(String::as_str)) {
        Some(hint) => error.hint(hint),
        None if names.len() == 1 => error.hint(format!("there is only {}", names[0])),
        None => error.hint(format!("there are {}", names.join(", "))),
    }
}

/// The name as the wire has it: `web`, or `worker:worker_0`.
pub fn process_name(text: &str) -> ProcessName {
    let (group, process) = text.split_once(':').unwrap_or((text, text));
    ProcessName::new(group, process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    fn shop() -> ProjectStatus {
        let mut shop = sample::shop();
        for number in 0..2 {
            let mut process = sample::process(&format!("mail:mail_{number}"), 5);
            process.program = "mail".into();
            shop.processes.push(process);
        }
        shop
    }

    fn selected(words: &[&str]) -> Result<Vec<String>, CommandError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Ok(select(&shop(), &words)?.into_iter().map(|process| process.name.clone()).collect())
    }

    #[test]
    fn words_select_by_name_program_group_and_glob_each_once() {
        assert_eq!(selected(&["web", "db", "w*"]).unwrap(), ["db", "web", "worker"]);
        assert_eq!(selected(&["mail"]).unwrap(), ["mail:mail_0", "mail:mail_1"]);
        assert_eq!(selected(&["mail:*", "mail_1"]).unwrap(), ["mail:mail_0", "mail:mail_1"]);
        assert_eq!(selected(&[]).unwrap().len(), 7);
    }

    #[test]
    fn a_word_that_means_nobody_is_an_error_with_a_suggestion() {
        let error = selected(&["web", "wroker"]).unwrap_err();
        assert_eq!(error.message, "shop has no program or group `wroker`");
        assert_eq!(error.hints, ["did you mean `worker`?"]);
        let error = selected(&["x"]).unwrap_err();
        assert_eq!(error.hints, ["there are db, migrate, api, web, worker, mail, mail:mail_0, mail:mail_1"]);
    }
}
