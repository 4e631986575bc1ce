//! `run why NAME`: why a process is what it is: each thing it needs, what its check said, what happened, what to type. Pure.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::Word;
use crate::model::status::{NeedStatus, ProbeStatus, ProcessStatus, ProjectStatus};
use crate::model::units::{human_duration, round_duration};
use crate::ui::look::{Look, clock};
use crate::ui::text::{clean, fill, pad, width, wrap};
use crate::ui::theme::Ink;

/// How many of the latest changes of state are told.
const HISTORY_SHOWN: usize = 8;

/// [`ProjectStatus::state`] of a project that has ended.
pub const OFF: &str = "off";

/// The column that labels stand in.
const LABEL: usize = 9;

/// The bar before a line of output, and a blank.
const BAR: usize = 2;

/// A terminal that is narrower breaks the lines itself.
const NARROWEST: usize = 20;

/// The whole answer. `last_lines` are the latest lines of output, where they help: empty for a process that is well.
pub fn render(
    process: &ProcessStatus,
    project: &ProjectStatus,
    last_lines: &[String],
    look: &Look,
    zone: &TimeZone,
) -> String {
    let label = |name, text: &str| labelled(name, &wrap(text, room(look)));
    let listed = |name, items: &[String]| {
        let between = format!(" {} ", look.theme.signs().dot);
        labelled(name, &fill(items.iter().map(String::as_str), &between, room(look)))
    };
    let mut lines = vec![below_each_other(&wrap(&head(process, look), room(look)))];
    lines.extend(needs(process, project, look, zone));
    lines.extend(process.probe.iter().map(|probe| label("  probe", &probe_text(probe, process))));
    lines.extend(process.alive.iter().map(|alive| label("  alive", &probe_text(alive, process))));
    lines.extend(facts(process, look).into_iter().map(|(name, text)| label(name, &text)));
    if !last_lines.is_empty() {
        let which =
            if last_lines.len() == 1 { "last line".to_owned() } else { format!("last {} lines", last_lines.len()) };
        lines.push(label("  output", &format!("{which} of run {}", process.runs)));
        let bar = look.theme.signs().bar;
        let room = room(look).saturating_sub(BAR);
        let rows = last_lines.iter().flat_map(|line| wrap(&clean(line), room));
        lines.extend(rows.map(|row| format!("{}{bar} {row}", " ".repeat(LABEL))));
    }
    if !process.history.is_empty() {
        lines.push(listed("history", &history(process, zone)));
    }
    let next =
        if project.state == OFF { vec!["up".to_owned(), format!("logs {}", process.name)] } else { next(process) };
    let next: Vec<String> = next.iter().map(|command| look.address.line(command)).collect();
    lines.push(listed("next", &next));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// `web is waiting (2m10s): waiting for api`
fn head(process: &ProcessStatus, look: &Look) -> String {
    let name = look.theme.paint(Ink::Strong, &clean(&process.name));
    let state = look.theme.word(process.state, process.state.as_str());
    let note = if process.note.is_empty() { String::new() } else { format!(": {}", clean(&process.note)) };
    format!("{name} is {state} ({}){note}", human_duration(Duration::from_millis(process.for_ms)))
}

/// One line for each edge, and below an open one what its check last said.
fn needs(process: &ProcessStatus, project: &ProjectStatus, look: &Look, zone: &TimeZone) -> Vec<String> {
    let columns = process.needs.iter().map(|need| width(&clean(&need.name))).max().unwrap_or(0);
    let label = |name, text: &str| labelled(name, &wrap(text, room(look)));
    let mut lines = Vec::new();
    for need in &process.needs {
        let name = pad(&clean(&need.name), columns);
        lines.push(label("  needs", &format!("{name}  {}", need_text(need, look, zone))));
        let target = project.processes.iter().find(|other| other.name == need.name);
        if let Some(target) = target.filter(|_| !need.satisfied) {
            match &target.probe {
                Some(probe) => lines.push(label("", &format!("probe  {}", probe_text(probe, target)))),
                None if !target.note.is_empty() => lines.push(label("", &clean(&target.note))),
                None => {}
            }
        }
    }
    lines
}

/// `ready ✓ since 10:40:02`, or `until ready — starting since 10:41:50`
fn need_text(need: &NeedStatus, look: &Look, zone: &TimeZone) -> String {
    let signs = look.theme.signs();
    let mut notes = String::new();
    if need.optional {
        notes.push_str(", optional");
    }
    if need.restart {
        notes.push_str(", restarts with it");
    }
    let since = clock(need.since, zone);
    let state = look.theme.word(need.state, need.state.as_str());
    if need.satisfied {
        let mark = look.theme.paint(Ink::Good, signs.ready);
        format!("{} {mark} {state} since {since}{notes}", need.until)
    } else if need.failed {
        let mark = look.theme.paint(Ink::Bad, signs.failed);
        format!("until {} {mark} {state} since {since}{notes}", need.until)
    } else {
        format!("until {} {} {state} since {since}{notes}", need.until, signs.dash)
    }
}

/// `http 127.0.0.1:3101/health every 0.5s, last: 503 "migrations pending" (try 41, timeout 60s in 8s)`
fn probe_text(probe: &ProbeStatus, process: &ProcessStatus) -> String {
    let every = Duration::from_millis(probe.every_ms);
    let every = if every.is_zero() { String::new() } else { format!(" every {}", round_duration(every)) };
    let last = probe.last.as_ref().map(|last| format!(", last: {}", clean(last))).unwrap_or_default();
    let text = format!("{}{every}{last}", clean(&probe.target));
    let mut notes = Vec::new();
    if probe.tries > 0 {
        notes.push(format!("try {}", probe.tries));
    }
    if let Some(timeout) = probe.timeout_ms {
        let limit = round_duration(Duration::from_millis(timeout));
        notes.push(match process.state {
            Word::Starting => {
                let left = Duration::from_millis(timeout.saturating_sub(process.for_ms));
                format!("timeout {limit} in {}", round_duration(left))
            }
            _ => format!("timeout {limit}"),
        });
    }
    if notes.is_empty() { text } else { format!("{text} ({})", notes.join(", ")) }
}

/// What else there is to know, each with its label.
fn facts(process: &ProcessStatus, look: &Look) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if !process.off_because.is_empty() {
        facts.push(("  off", clean(&process.off_because)));
    }
    if !process.watch.is_empty() {
        let last = process.last_change.as_ref().map(|last| format!(", last: {}", clean(last))).unwrap_or_default();
        facts.push(("  watch", format!("{}{last}", clean(&process.watch.join(", ")))));
    }
    if !process.last_exit.is_empty() {
        facts.push(("  ended", clean(&process.last_exit)));
    }
    if process.runs > 0 {
        let unasked = match process.unasked_runs {
            0 => String::new(),
            count => format!(", {count} of them after a failure"),
        };
        let retry = process.retry_in_ms.map(Duration::from_millis);
        let retry = retry.map(|wait| format!(", the next in {}", round_duration(wait))).unwrap_or_default();
        facts.push(("  runs", format!("{}{unasked}{retry}", process.runs)));
    }
    if let Some(listener) = &process.listener {
        let waiting = match listener.waiting {
            0 => "none waits".to_owned(),
            1 => "1 waits".to_owned(),
            count => format!("{count} wait"),
        };
        facts.push(("  events", format!("{}, {waiting}", clean(&listener.state))));
    }
    if !process.needed_by.is_empty() {
        facts.push(("  needed", format!("by {}", clean(&process.needed_by.join(", ")))));
    }
    if !process.command.is_empty() {
        facts.push(("  it is", format!("{} (in {})", clean(&process.command), look.path(&process.directory))));
    }
    facts
}

/// `10:40:00 waiting for db, api`, `10:40:02 waiting for api`
fn history(process: &ProcessStatus, zone: &TimeZone) -> Vec<String> {
    let skipped = process.history.len().saturating_sub(HISTORY_SHOWN);
    let entries = process.history.iter().skip(skipped);
    entries.map(|entry| format!("{} {}", clock(entry.at, zone), clean(&entry.what))).collect()
}

/// The commands that help next, each without the `run` before it.
fn next(process: &ProcessStatus) -> Vec<String> {
    let name = &process.name;
    let open = process.needs.iter().find(|need| !need.satisfied).map(|need| need.name.as_str());
    match process.state {
        Word::Waiting => {
            let mut next: Vec<String> = open.iter().map(|need| format!("why {need}")).collect();
            next.extend(open.iter().map(|need| format!("logs {need} --since 2m")));
            next.push(format!("start {name} --no-deps"));
            next
        }
        Word::Blocked => {
            let failed = process.needs.iter().find(|need| need.failed).map(|need| need.name.as_str()).or(open);
            let failed = failed.unwrap_or(name);
            vec![format!("why {failed}"), format!("logs {failed}"), format!("restart {failed}")]
        }
        Word::Starting | Word::Unhealthy | Word::Stopping => vec![format!("logs -f {name}")],
        Word::Retrying | Word::Failed if process.could_not_start => {
            vec!["check".to_owned(), format!("restart {name}")]
        }
        Word::Retrying | Word::Failed => {
            vec![format!("logs {name} --run {}", process.runs.max(1)), format!("restart {name}")]
        }
        Word::Off => vec![format!("start {name}")],
        Word::Ready | Word::Done => vec![format!("logs {name}"), format!("restart {name}")],
    }
}

/// A label, and the lines of a text behind it.
fn labelled(name: &str, text: &[String]) -> String {
    format!("{} {}", pad(name, LABEL - 1), below_each_other(text))
}

/// Lines of which all but the first begin where texts stand.
fn below_each_other(lines: &[String]) -> String {
    lines.join(&format!("\n{}", " ".repeat(LABEL)))
}

/// The columns behind a label.
fn room(look: &Look) -> usize {
    look.width.map_or(usize::MAX, |columns| columns.max(NARROWEST) - LABEL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    fn why(name: &str, project: &ProjectStatus, last_lines: &[&str]) -> String {
        let process = project.processes.iter().find(|process| process.name == name).unwrap();
        let lines: Vec<String> = last_lines.iter().map(|line| (*line).to_owned()).collect();
        let look = Look { home: Some("/home/ann".into()), ..Look::plain() };
        render(process, project, &lines, &look, &TimeZone::UTC)
    }

    #[test]
    fn a_waiting_one_names_each_need_and_the_last_answer_of_the_open_one() {
        assert_eq!(
            why("web", &sample::waiting_shop(), &[]),
            "\
web is waiting (2m10s)
  needs  db   ready + ready since 10:40:02
  needs  api  until ready - starting since 10:41:50
         probe  http 127.0.0.1:3101/health every 0.5s, last: http 503 \"migrations pending\" (try 41, timeout 60s in 8s)
  it is  ./bin/web (in ~/src/shop-fix-ui)
history  10:40:00 waiting for db, api - 10:40:02 waiting for api
next     run why api - run logs api --since 2m - run start web --no-deps
"
        );
    }

    #[test]
    fn a_narrow_terminal_gets_lines_that_fit_with_whole_words_and_commands() {
        let mut shop = sample::waiting_shop();
        shop.processes[3].note = "waiting for api, which is not ready yet".into();
        let look = Look { width: Some(40), ..Look::plain() };
        let written = ["Error: connect ECONNREFUSED 127.0.0.1:6379".to_owned()];
        assert_eq!(
            render(&shop.processes[3], &shop, &written, &look, &TimeZone::UTC),
            "\
web is waiting (2m10s): waiting
         for api, which is not ready yet
  needs  db   ready + ready since
         10:40:02
  needs  api  until ready - starting
         since 10:41:50
         probe  http
         127.0.0.1:3101/health every
         0.5s, last: http 503
         \"migrations pending\" (try 41,
         timeout 60s in 8s)
  it is  ./bin/web (in
         /home/ann/src/shop-fix-ui)
  output last line of run 0
         | Error: connect ECONNREFUSED
         | 127.0.0.1:6379
history  10:40:00 waiting for db, api
         10:40:02 waiting for api
next     run why api
         run logs api --since 2m
         run start web --no-deps
"
        );
    }

    #[test]
    fn a_failed_one_shows_how_it_ended_and_its_last_lines() {
        assert_eq!(
            why("worker", &sample::shop(), &["Traceback:", "RuntimeError: \x1b[31mqueue refused\x1b[0m"]),
            "\
worker is failed (3m58s): exit 1: queue refused: bad credentials
  ended  exited 1
  runs   4, 3 of them after a failure
  it is  ./bin/worker (in ~/src/shop-fix-ui)
  output last 2 lines of run 4
         | Traceback:
         | RuntimeError: queue refused
history  10:40:00 starting - 10:40:02 ready in 2.1s
next     run logs worker --run 4 - run restart worker
"
        );
    }

    #[test]
    fn one_that_could_not_be_started_has_no_logs_to_look_at() {
        let mut shop = sample::shop();
        shop.processes[4].could_not_start = true;
        let text = why("worker", &shop, &[]);
        assert!(text.ends_with("next     run check - run restart worker\n"), "{text}");
    }

    #[test]
    fn a_blocked_one_points_at_what_failed() {
        let mut shop = sample::shop();
        shop.processes[3].state = Word::Blocked;
        shop.processes[3].note = "needs worker: failed".into();
        shop.processes[3].needs = vec![
            sample::need("api", "ready"),
            NeedStatus { satisfied: false, failed: true, state: Word::Failed, ..sample::need("worker", "ready") },
        ];
        let text = why("web", &shop, &[]);
        assert!(text.starts_with("web is blocked (4m06s): needs worker: failed\n"), "{text}");
        assert!(text.contains("  needs  worker  until ready x failed since 10:40:02\n"), "{text}");
        assert!(text.ends_with("next     run why worker - run logs worker - run restart worker\n"), "{text}");
    }

    #[test]
    fn an_off_one_says_why_and_how_to_start_it() {
        let mut shop = sample::shop();
        shop.processes[4].state = Word::Off;
        shop.processes[4].off_because = "stopped by you".into();
        let text = why("worker", &shop, &[]);
        assert!(text.contains("\n  off    stopped by you\n"), "{text}");
        assert!(text.ends_with("next     run start worker\n"), "{text}");
    }

    #[test]
    fn a_retrying_one_says_when_the_next_try_comes() {
        let mut shop = sample::shop();
        shop.processes[4].state = Word::Retrying;
        shop.processes[4].retry_in_ms = Some(2000);
        assert!(why("worker", &shop, &[]).contains("runs   4, 3 of them after a failure, the next in 2s\n"));
    }
}
