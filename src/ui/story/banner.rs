//! The first line of the stream, and the banner once everything is up.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use crate::model::units::human_duration;
use crate::model::{Now, ProcessId, Program, ProgramName, Project, ReadyKind, Word, local_name};
use crate::plan::ports::Ports;
use crate::supervisor::snapshot::Snapshot;
use crate::ui::keys;
use crate::ui::story::Story;
use crate::ui::story::crash::put_before;
use crate::ui::story::stamp::stamp;
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::Ink;

/// What the header says beyond the config; each part is left out when it is not known.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeaderFacts<'a> {
    /// The display name, fixed at `up`.
    pub name: &'a str,
    /// The linked git worktree, if this checkout is one.
    pub worktree: Option<&'a str>,
    /// Whether the control socket answers.
    pub socket_ready: bool,
}

/// What of the config stands in the header.
#[derive(Debug, Clone)]
pub(super) struct Title {
    pub(super) files: String,
    count: String,
}

/// One port that a person may want to open.
#[derive(Debug, Clone)]
pub(super) struct Address {
    processes: Vec<ProcessId>,
    /// `api`, or `api metrics` for a named port.
    name: String,
    ports: RangeInclusive<u16>,
    is_web: bool,
    /// By its name, through the proxy.
    proxied: Option<String>,
}

impl Title {
    /// Counts what is active.
    pub(super) fn of(project: &Project) -> Self {
        let root = project.root.to_string_lossy();
        let files = project.files.iter().map(|file| {
            let shown = relative(&file.to_string_lossy(), &root);
            clean(shown.strip_prefix("./").unwrap_or(&shown))
        });
        let (tasks, programs): (Vec<_>, Vec<_>) =
            project.programs.iter().filter(|program| project.is_active(program)).partition(|program| program.is_task());
        let counts = [(programs.len(), "program"), (tasks.len(), "task")];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        let count = told.map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }));
        Self { files: files.collect::<Vec<_>>().join(" + "), count: count.collect::<Vec<_>>().join(", ") }
    }
}

impl Address {
    /// Every declared port of an active program: web addresses first, else in the order of the file.
    pub(super) fn all(
        project: &Project,
        display_name: &str,
        ports: &Ports,
        processes_of: impl Fn(&ProgramName) -> Vec<ProcessId>,
    ) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for program in project.programs.iter().filter(|program| project.is_active(program)) {
            if program.ports.is_empty() {
                continue;
            }
            let processes = processes_of(&program.name);
            for spec in &program.ports {
                let Some(base) = ports.get(&program.name, spec.name.as_deref()) else { continue };
                let is_web = spec.name.is_none() && is_web(program);
                let proxy = project.proxy;
                let proxied =
                    (is_web && proxy.enable).then(|| local_name::url(program.name.as_str(), display_name, proxy.port));
                all.push(Self {
                    processes: processes.clone(),
                    name: clean(&[program.name.as_str(), spec.name.as_deref().unwrap_or("")].join(" "))
                        .trim_end()
                        .to_owned(),
                    ports: instance_ports(program, base),
                    is_web,
                    proxied,
                });
            }
        }
        all.sort_by_key(|address| !address.is_web);
        all
    }

    /// `http://web.shop.localhost:7777   (127.0.0.1:3102)` behind the proxy, `http://127.0.0.1:3101` for what is known to speak HTTP,
    /// else `127.0.0.1:5433`.
    fn text(&self) -> String {
        match &self.proxied {
            Some(url) => format!("{url}   ({})", self.place("")),
            None => self.place(if self.is_web { "http://" } else { "" }),
        }
    }

    fn place(&self, scheme: &str) -> String {
        let (first, last) = (self.ports.start(), self.ports.end());
        if first == last {
            format!("{scheme}127.0.0.1:{first}")
        } else {
            format!("{scheme}127.0.0.1:{first} to {last}")
        }
    }
}

/// The ports of all instances: the base plus each number.
fn instance_ports(program: &Program, base: u16) -> RangeInclusive<u16> {
    let port = |number: u32| base.saturating_add(u16::try_from(number).unwrap_or(u16::MAX));
    let numbers = || program.instances.iter().map(|instance| instance.number);
    port(numbers().min().unwrap_or(0))..=port(numbers().max().unwrap_or(0))
}

/// Only an http check proves that a port speaks HTTP.
fn is_web(program: &Program) -> bool {
    matches!(program.ready.as_ref().map(|ready| &ready.kind), Some(ReadyKind::Http { .. }))
}

/// A path as seen from the root: `./worker`; the root itself is empty, a path elsewhere stays as it is.
pub(super) fn relative(path: &str, root: &str) -> String {
    if path.is_empty() || path == "." || path == root {
        return String::new();
    }
    match Path::new(path).strip_prefix(root) {
        Ok(inside) => format!("./{}", inside.to_string_lossy()),
        Err(_) if Path::new(path).is_relative() && !path.starts_with('.') => format!("./{path}"),
        Err(_) => path.to_owned(),
    }
}

impl Story {
    /// `shop · run.toml · 4 programs, 1 task · worktree fix-ui · socket ready`, and the notes.
    pub fn header(&self, facts: &HeaderFacts<'_>, now: Now) -> Vec<String> {
        let theme = self.telling.theme;
        let worktree = facts.worktree.map(|name| format!("worktree {}", clean(name)));
        let socket = facts.socket_ready.then(|| "socket ready".to_owned());
        let known = [Some(self.title.files.clone()), Some(self.title.count.clone()), worktree, socket];
        let name = theme.paint(Ink::Strong, &clean(facts.name));
        let parts = std::iter::once(name).chain(known.into_iter().flatten()).filter(|part| !part.is_empty());
        let mut lines = vec![parts.collect::<Vec<_>>().join(&format!(" {} ", theme.signs().dot))];
        lines.extend(self.notes());
        put_before(&stamp(self.telling.stamps, &self.telling.zone, now, now.mono), &mut lines);
        lines
    }

    fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let theme = self.telling.theme;
        self.telling
            .notes
            .iter()
            .map(move |note| format!("  {} {}", theme.paint(Ink::Warn, theme.signs().warning), clean(note)))
    }

    pub(super) fn all_ready(
        &mut self,
        after: Duration,
        chain: &[(ProcessId, Duration)],
        snapshot: &Snapshot,
    ) -> Vec<String> {
        let theme = self.telling.theme;
        let after = human_duration(after);
        let up = if self.had_banner { format!("all up now, after {after}") } else { format!("up in {after}") };
        let up = theme.paint(Ink::Good, &up);
        let links = chain.iter().map(|(id, took)| format!("{} {}", self.names.label(*id), human_duration(*took)));
        let links = links.collect::<Vec<_>>().join(&format!(" {} ", theme.signs().arrow));
        let slowest = match chain.len() {
            0 => String::new(),
            1 => format!(" {} slowest {links}", theme.signs().dot),
            _ => format!(" {} slowest chain {links}", theme.signs().dot),
        };
        self.banner(&format!("{up}{slowest}"), snapshot)
    }

    pub(super) fn settled(&mut self, after: Duration, failed: &[ProcessId], snapshot: &Snapshot) -> Vec<String> {
        let theme = self.telling.theme;
        let when = if self.had_banner { "any more".to_owned() } else { format!("after {}", human_duration(after)) };
        let text = format!("not all up {when}: {} failed", self.names.list(failed));
        let own = failed.iter().find(|id| snapshot.get(**id).is_none_or(|info| info.word == Word::Failed));
        let next = match own.or(failed.first()) {
            Some(id) => format!(" {} {} why {}", theme.signs().dot, self.telling.command, self.names.full(*id)),
            None => String::new(),
        };
        self.banner(&format!("{}{next}", theme.paint(Ink::Bad, &text)), snapshot)
    }

    /// The first line, what to know, where to click and what to press. All but the line itself is shown once.
    fn banner(&mut self, first: &str, snapshot: &Snapshot) -> Vec<String> {
        if std::mem::replace(&mut self.had_banner, true) {
            return vec![format!("  {first}")];
        }
        let mut lines = vec![String::new(), format!("  {first}")];
        lines.extend(self.notes());
        let shown: Vec<&Address> = self.addresses.iter().filter(|address| is_wanted(address, snapshot)).collect();
        let columns = shown.iter().map(|address| width(&address.name)).max().unwrap_or(0);
        lines.extend(shown.iter().map(|address| {
            let place = address.processes.first().map_or(0, |id| self.names.place(*id));
            let blanks = width(&pad(&address.name, columns)) - width(&address.name);
            let name = self.telling.theme.program(place, &address.name);
            format!("  {name}{}  {}", " ".repeat(blanks), address.text())
        }));
        if self.telling.keys {
            lines.push(format!("  {}", self.telling.theme.paint(Ink::Quiet, &keys::hint(self.telling.theme))));
        }
        lines
    }
}

/// Whether at least one of its processes is meant to be up.
fn is_wanted(address: &Address, snapshot: &Snapshot) -> bool {
    address.processes.iter().any(|id| snapshot.get(*id).is_some_and(|info| info.word != Word::Off))
}
