//! Everything about one program: what is started and where, ports, checks, environment, events. Pure.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::status::{ProbeStatus, ProcessStatus};
use crate::model::units::{human_size, round_duration};
use crate::ui::look::{Look, clock};
use crate::ui::text::{clean, pad};
use crate::ui::theme::Ink;
use crate::ui::tui::paint::{self, Painted};

/// The column that labels stand in.
const LABEL: usize = 12;

/// The page. `environment` is `NAME=value` lines with secrets masked, empty until they are known.
pub fn lines(process: &ProcessStatus, environment: &[String], look: &Look, zone: &TimeZone) -> Vec<Painted> {
    let mut text = Vec::new();
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push(format!("{} {value}", look.theme.paint(Ink::Quiet, &pad(name, LABEL))));
        }
    };
    let state = look.theme.word(process.state, process.state.as_str());
    fact(&clean(&process.kind), &look.theme.paint(Ink::Strong, &clean(&process.name)));
    fact("state", &format!("{state} since {} ({})", clock(process.since, zone), process.supervisord_state));
    fact("note", &clean(&process.note));
    fact("off", &clean(&process.off_because));
    fact("command", &clean(&process.command));
    fact("directory", &look.path(&process.directory));
    if process.pid != 0 {
        fact("pid", &process.pid.to_string());
    }
    let ports = process.ports.iter().map(|port| match port.name.as_str() {
        "" => port.port.to_string(),
        name => format!("{} {}", clean(name), port.port),
    });
    fact("ports", &ports.collect::<Vec<_>>().join(", "));
    fact("url", &clean(process.url.as_deref().unwrap_or_default()));
    fact("by name", &clean(process.proxied_url.as_deref().unwrap_or_default()));
    fact("runs", &format!("{}, {} of them after a failure", process.runs, process.unasked_runs));
    fact("ended", &clean(&process.last_exit));
    fact("cpu", &process.cpu_percent.map(|percent| format!("{percent:.0}%")).unwrap_or_default());
    fact("memory", &process.memory.map(human_size).unwrap_or_default());
    fact("max memory", &process.max_memory.map(human_size).unwrap_or_default());
    fact("ready check", &process.probe.as_ref().map(probe).unwrap_or_default());
    fact("alive check", &process.alive.as_ref().map(probe).unwrap_or_default());
    fact("watches", &clean(&process.watch.join(", ")));
    fact("changed", &clean(process.last_change.as_deref().unwrap_or_default()));
    let needs: Vec<String> =
        process.needs.iter().map(|need| format!("{} until {}", clean(&need.name), need.until)).collect();
    fact("needs", &needs.join(", "));
    fact("needed by", &clean(&process.needed_by.join(", ")));
    section(
        &mut text,
        look,
        "events",
        process.history.iter().map(|entry| format!("{} {}", clock(entry.at, zone), clean(&entry.what))),
    );
    section(&mut text, look, "environment (secrets masked)", environment.iter().map(|line| clean(line)));
    text.iter().map(|line| paint::line(line)).collect()
}

fn section(text: &mut Vec<String>, look: &Look, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("  {line}")).collect();
    if !lines.is_empty() {
        text.push(String::new());
        text.push(look.theme.paint(Ink::Strong, title));
        text.extend(lines);
    }
}

fn probe(probe: &ProbeStatus) -> String {
    let every = round_duration(Duration::from_millis(probe.every_ms));
    let every = if probe.every_ms == 0 { String::new() } else { format!(" every {every}") };
    let last = probe.last.as_ref().map(|last| format!(", last: {}", clean(last))).unwrap_or_default();
    let tries = if probe.tries == 0 { String::new() } else { format!(", try {}", probe.tries) };
    format!("{}{every}{last}{tries}", clean(&probe.target))
}
