//! What needs what, in the order of the start, with the times of the start and the slowest chain. Pure.

use std::time::Duration;

use crate::model::Word;
use crate::model::status::{NeedStatus, ProcessStatus, ProjectStatus};
use crate::model::units::round_duration;
use crate::ui::look::Look;
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::Ink;
use crate::ui::tui::paint::{self, Painted};

/// How far a graph is indented at most, in steps.
const DEEPEST: usize = 8;

/// The page.
pub fn lines(status: &ProjectStatus, look: &Look) -> Vec<Painted> {
    let chain = slowest_chain(status);
    let signs = look.theme.signs();
    let named = |process: &ProcessStatus| {
        let depth = depth(status, &process.name, 0);
        let edge = if depth == 0 { String::new() } else { format!("{}{} ", "  ".repeat(depth - 1), signs.bottom) };
        format!("{edge}{}", clean(&process.name))
    };
    let columns = status.processes.iter().map(|process| width(&named(process))).max().unwrap_or(0);
    let times: Vec<String> = status.processes.iter().map(|process| time(process, status)).collect();
    let time_columns = times.iter().map(|time| width(time)).max().unwrap_or(0);
    let mut text =
        vec![look.theme.paint(Ink::Strong, "in the order of the start; * is the slowest chain"), String::new()];
    for (process, time) in status.processes.iter().zip(&times) {
        let mark = look.theme.word(process.state, look.mark(process.state));
        let is_critical = chain.contains(&process.name.as_str());
        let name = pad(&named(process), columns);
        let name = if is_critical { look.theme.paint(Ink::Strong, &name) } else { name };
        let star = if is_critical { "*" } else { " " };
        let needs: Vec<String> = process.needs.iter().map(|need| edge(need, look)).collect();
        let needs = if needs.is_empty() { String::new() } else { format!("   needs {}", needs.join(", ")) };
        text.push(format!("{mark} {name} {star} {}{needs}", pad(time, time_columns)));
    }
    if chain.len() > 1 {
        let told: Vec<String> = chain
            .iter()
            .filter_map(|name| status.processes.iter().find(|process| process.name == *name))
            .map(|process| format!("{} {}", clean(&process.name), took(process)))
            .collect();
        text.push(String::new());
        text.push(format!("slowest chain: {}", told.join(&format!(" {} ", signs.arrow))));
    }
    text.iter().map(|line| paint::line(line)).collect()
}

/// `db until ready ✓`
fn edge(need: &NeedStatus, look: &Look) -> String {
    let signs = look.theme.signs();
    let mark = match (need.satisfied, need.failed) {
        (true, _) => look.theme.paint(Ink::Good, signs.ready),
        (false, true) => look.theme.paint(Ink::Bad, signs.failed),
        (false, false) => signs.waiting.to_owned(),
    };
    let notes = match (need.optional, need.restart) {
        (true, true) => " (optional, restarts with it)",
        (true, false) => " (optional)",
        (false, true) => " (restarts with it)",
        (false, false) => "",
    };
    format!("{} until {} {mark}{notes}", clean(&need.name), need.until)
}

/// When it was there, counted from the start of the project, and how long it took.
fn time(process: &ProcessStatus, status: &ProjectStatus) -> String {
    match there(process) {
        Some(at) => {
            let after = round_duration(Duration::from_millis(at.saturating_sub(status.started)));
            format!("{} +{after} (took {})", process.state, took(process))
        }
        None => process.state.to_string(),
    }
}

/// Since when it is what others wait for.
fn there(process: &ProcessStatus) -> Option<u64> {
    match process.state {
        Word::Ready | Word::Unhealthy => process.ready_since,
        Word::Done => process.ready_since.or(Some(process.since)),
        Word::Off | Word::Waiting | Word::Blocked | Word::Starting | Word::Retrying | Word::Stopping | Word::Failed => {
            None
        }
    }
}

fn took(process: &ProcessStatus) -> String {
    round_duration(Duration::from_millis(process.ready_after_ms.unwrap_or(0)))
}

/// How many must come before it, one after the other. There are no circles in a project that is up.
fn depth(status: &ProjectStatus, name: &str, so_far: usize) -> usize {
    let process = status.processes.iter().find(|process| process.name == name);
    let Some(process) = process.filter(|_| so_far < DEEPEST) else { return 0 };
    process.needs.iter().map(|need| depth(status, &need.name, so_far + 1) + 1).max().unwrap_or(0)
}

/// Who had to be there before it could start. Whoever had only to be started, and started at once, is passed over for those that it
/// waited for itself.
fn waited_for<'a>(status: &'a ProjectStatus, process: &'a ProcessStatus) -> Vec<&'a ProcessStatus> {
    let find = |name: &str| status.processes.iter().find(|process| process.name == name);
    let known = process.needs.iter().filter_map(|need| Some((need, find(&need.name)?)));
    known.flat_map(|(need, one)| if need.until == "started" { waited_for(status, one) } else { vec![one] }).collect()
}

/// The last one to be there, before it whoever it waited for longest, and so on; first things first.
fn slowest_chain(status: &ProjectStatus) -> Vec<&str> {
    let Some(mut at) = status.processes.iter().filter(|one| there(one).is_some()).max_by_key(|one| there(one)) else {
        return Vec::new();
    };
    let mut chain = vec![at.name.as_str()];
    while chain.len() <= status.processes.len() {
        let needs = waited_for(status, at).into_iter().filter(|one| there(one).is_some());
        let Some(next) = needs.max_by_key(|one| there(one)) else { break };
        chain.push(next.name.as_str());
        at = next;
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status::{need, shop};

    #[test]
    fn who_had_only_to_be_started_is_no_link_of_the_slowest_chain() {
        let mut status = shop();
        status.processes.retain(|process| ["db", "api", "web"].contains(&process.name.as_str()));
        for (at, name) in ["db", "api", "web"].into_iter().enumerate() {
            let process = status.processes.iter_mut().find(|process| process.name == name).unwrap();
            process.state = Word::Ready;
            process.ready_since = Some(1000 * (at as u64 + 1));
            process.needs = match name {
                "api" => vec![need("db", "ready")],
                "web" => vec![need("api", "started")],
                _ => Vec::new(),
            };
        }
        assert_eq!(slowest_chain(&status), ["db", "web"]);
        status.processes.iter_mut().find(|process| process.name == "web").unwrap().needs[0].until = "ready".into();
        assert_eq!(slowest_chain(&status), ["db", "api", "web"]);
    }
}
