//! A reload's plan as rows: what is new, gone, other, and how many stay as they are.

use crate::model::{Effect, KeyChange, ProcessChange, ReloadPlan};
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::{Ink, Theme};

/// The most that the middle column takes before the last one is no longer kept in line.
const WIDEST: usize = 48;

/// One row before it is put in columns.
struct Row {
    mark: &'static str,
    ink: Ink,
    name: String,
    what: String,
    then: String,
}

/// `~ api   environment LOG_LEVEL changed   restart`, one row for each key; instances of a program that fare alike are one.
pub fn rows(plan: &ReloadPlan, theme: Theme) -> Vec<String> {
    let mut rows: Vec<Row> = Vec::new();
    let mut rest = plan.changes.as_slice();
    while let Some((first, _)) = rest.split_first() {
        let alike = rest.iter().take_while(|other| fares_as(first, other)).count();
        rows.extend(rows_of(first, alike, theme));
        rest = &rest[alike..];
    }
    let names = rows.iter().map(|row| width(&row.name)).max().unwrap_or(0);
    let whats = rows.iter().map(|row| width(&row.what)).filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut lines: Vec<String> = rows.iter().map(|row| line(row, names, whats, theme)).collect();
    if plan.unchanged > 0 {
        lines.push(format!("= {} unchanged", plan.unchanged));
    }
    let waiting = |what: &String| {
        let mark = theme.paint(Ink::Warn, theme.signs().warning);
        format!("{mark} {} has changed: the next run up takes it in", clean(what))
    };
    lines.extend(plan.waiting.iter().map(waiting));
    lines
}

fn fares_as(one: &ProcessChange, other: &ProcessChange) -> bool {
    one.program == other.program && one.effect == other.effect && one.keys == other.keys && one.is_off == other.is_off
}

fn rows_of(change: &ProcessChange, alike: usize, theme: Theme) -> Vec<Row> {
    let label = change.name.rsplit(':').next().unwrap_or(&change.name);
    let name = match alike {
        1 => theme.cut_name(&clean(label)),
        count => format!("{} ({count})", theme.cut_name(&clean(change.program.as_str()))),
    };
    let row = |mark, ink, what: &str, then: String| Row { mark, ink, name: name.clone(), what: what.to_owned(), then };
    match change.effect {
        Effect::Add => vec![row("+", Ink::Good, "new", start(change))],
        Effect::Remove => {
            vec![row("-", Ink::Bad, "gone", if change.is_off { "it was off" } else { "stop" }.to_owned())]
        }
        Effect::Restart | Effect::Keep => {
            let keys = change.keys.iter().enumerate().map(|(at, key)| {
                let then = match (key.needs_restart, change.is_off) {
                    (true, false) => "restart",
                    (true, true) => "at its next start",
                    (false, _) => "in place",
                };
                let row = row("~", Ink::Warn, &told(key, theme), then.to_owned());
                if at == 0 { row } else { Row { mark: " ", name: String::new(), ..row } }
            });
            keys.collect()
        }
    }
}

fn start(change: &ProcessChange) -> String {
    if change.is_off {
        return "not started by itself".to_owned();
    }
    let after: Vec<String> = change.after.iter().map(|name| clean(name.as_str())).collect();
    if after.is_empty() { "start".to_owned() } else { format!("start after {}", after.join(", ")) }
}

fn told(key: &KeyChange, theme: Theme) -> String {
    match &key.values {
        Some((was, is)) => format!("{} {} {} {}", clean(&key.key), clean(was), theme.signs().arrow, clean(is)),
        None => format!("{} {}", clean(&key.key), key.fate.word()),
    }
}

fn line(row: &Row, names: usize, whats: usize, theme: Theme) -> String {
    let mark = if row.mark == " " { " ".to_owned() } else { theme.paint(row.ink, row.mark) };
    format!("{mark} {}   {}   {}", pad(&row.name, names), pad(&row.what, whats), row.then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeyFate;

    const PLAIN: Theme = Theme { colour: false, ascii: true };

    fn change(name: &str, program: &str, effect: Effect, keys: Vec<KeyChange>) -> ProcessChange {
        ProcessChange { name: name.into(), program: program.into(), effect, keys, after: Vec::new(), is_off: false }
    }

    fn key(key: &str, values: Option<(&str, &str)>, needs_restart: bool) -> KeyChange {
        let values = values.map(|(was, is)| (was.to_owned(), is.to_owned()));
        KeyChange { key: key.into(), values, fate: KeyFate::Changed, needs_restart }
    }

    #[test]
    fn what_is_off_is_not_said_to_start() {
        let level = key("environment LOG_LEVEL", None, true);
        let off = |name, effect, keys| ProcessChange { is_off: true, ..change(name, name, effect, keys) };
        let changes = vec![off("api", Effect::Restart, vec![level]), off("mail", Effect::Add, Vec::new())];
        assert_eq!(
            rows(&ReloadPlan { changes, ..ReloadPlan::default() }, PLAIN).join("\n"),
            "\
~ api    environment LOG_LEVEL changed   at its next start
+ mail   new                             not started by itself"
        );
    }

    #[test]
    fn a_plan_is_told_row_by_row() {
        let timeout = key("ready.timeout", Some(("30s", "60s")), false);
        let level = key("environment LOG_LEVEL", None, true);
        let gone = KeyChange { fate: KeyFate::Removed, ..key(".env PROXY", None, true) };
        let mail = ProcessChange { after: vec!["db".into()], ..change("mail", "mail", Effect::Add, Vec::new()) };
        let plan = ReloadPlan {
            changes: vec![
                change("api", "api", Effect::Restart, vec![level.clone(), gone, timeout.clone()]),
                change("worker:worker_0", "worker", Effect::Keep, vec![timeout.clone()]),
                change("worker:worker_1", "worker", Effect::Keep, vec![timeout]),
                mail,
                change("cache", "cache", Effect::Remove, Vec::new()),
            ],
            unchanged: 2,
            waiting: vec!["[control]".into()],
            ..ReloadPlan::default()
        };
        assert_eq!(
            rows(&plan, PLAIN).join("\n"),
            "\
~ api          environment LOG_LEVEL changed   restart
               .env PROXY removed              restart
               ready.timeout 30s -> 60s        in place
~ worker (2)   ready.timeout 30s -> 60s        in place
+ mail         new                             start after db
- cache        gone                            stop
= 2 unchanged
! [control] has changed: the next run up takes it in"
        );
    }
}
