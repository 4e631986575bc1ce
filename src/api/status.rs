//! The whole state as [`ProjectStatus`]: what `run.status` and `run.why` answer.

use std::collections::BTreeMap;
use std::path::Path;

use super::method::{Usage, View};
use super::note::{note, off_because};
use crate::model::name::ProgramName;
use crate::model::status::{
    HistoryEntry, ListenerStatus, NeedStatus, PortStatus, ProbeStatus, ProcessStatus, ProjectStatus, SCHEMA,
};
use crate::model::template::{Part, ProgramFact};
use crate::model::{AliveSpec, Exit, Program, ReadyKind, ReadySpec, Signal, Template, local_name};
use crate::supervisor::snapshot::{NeedInfo, ProcessInfo};

/// The project and all its processes, in start order.
pub fn project_status(view: &View<'_>) -> ProjectStatus {
    let everyone: Vec<_> = view.snapshot.start_order.iter().filter_map(|id| view.snapshot.get(*id)).collect();
    let root = &view.project.root;
    ProjectStatus {
        schema: SCHEMA,
        project: view.name.to_owned(),
        root: root.display().to_string(),
        files: view.project.files.iter().map(|file| relative(file, root)).collect(),
        pid: view.pid,
        started: view.snapshot.began_wall.0,
        up_ms: millis(view.now.mono.since(view.snapshot.began)),
        state: state(view).to_owned(),
        ends_by_itself: view.snapshot.is_ending_by_itself,
        processes: process_statuses(view, &everyone),
        notes: view.notes.to_vec(),
    }
}

fn state(view: &View<'_>) -> &'static str {
    match (view.snapshot.is_shutting_down, view.snapshot.is_restarting) {
        (true, true) => "restarting",
        (true, false) => "stopping",
        (false, _) => "running",
    }
}

/// These processes, in the order given.
pub fn process_statuses(view: &View<'_>, infos: &[&ProcessInfo]) -> Vec<ProcessStatus> {
    let pids: Vec<_> = infos.iter().map(|info| info.pid).filter(|pid| *pid != 0).collect();
    let usage = if pids.is_empty() { Usage::new() } else { view.lookup.usage(&pids) };
    let programs: BTreeMap<&ProgramName, (u32, &Program)> =
        (0..).zip(&view.project.programs).map(|(place, program)| (&program.name, (place, program))).collect();
    infos.iter().map(|info| process_status(view, info, programs.get(&info.program).copied(), &usage)).collect()
}

/// Note of one process, for the answers of commands.
pub(super) fn note_of(view: &View<'_>, info: &ProcessInfo) -> String {
    let program = view.project.program(&info.program);
    let url = program.and_then(|program| url(view, info, program));
    let url = url.map(|url| proxied_url(view, info).unwrap_or(url));
    note(view.snapshot, view.now.mono, info, program, url.as_deref())
}

fn process_status(
    view: &View<'_>,
    info: &ProcessInfo,
    program: Option<(u32, &Program)>,
    usage: &Usage,
) -> ProcessStatus {
    let (place, program) = program.map_or((0, None), |(place, program)| (place, Some(program)));
    let url = program.and_then(|program| url(view, info, program));
    let proxied_url = url.as_ref().and_then(|_| proxied_url(view, info));
    let used = usage.get(&info.pid).copied();
    ProcessStatus {
        name: info.name.to_string(),
        program: info.program.to_string(),
        kind: if info.is_task { "task" } else { "program" }.to_owned(),
        place,
        state: info.word,
        supervisord_state: info.state.name().to_owned(),
        for_ms: millis(view.now.mono.since(info.since)),
        since: info.since_wall.0,
        runs: info.runs,
        unasked_runs: info.unasked_runs,
        pid: info.pid,
        ports: program.map(|program| ports(view, info, program)).unwrap_or_default(),
        note: note(view.snapshot, view.now.mono, info, program, proxied_url.as_deref().or(url.as_deref())),
        url,
        proxied_url,
        cpu_percent: used.map(|(percent, _)| percent),
        memory: used.map(|(_, bytes)| bytes),
        last_exit: info.last_exit.map_or_else(String::new, |exit| ended(exit, info.was_stopped)),
        could_not_start: info.could_not_start,
        exit_code: info.last_exit.map(Exit::shell_code),
        ready_after_ms: info.ready_after.map(millis),
        ready_since: info.ready_wall.map(|time| time.0),
        needs: info.needs.iter().filter_map(|need| need_status(view, need)).collect(),
        needed_by: info
            .needed_by
            .iter()
            .filter_map(|id| view.snapshot.get(*id))
            .map(|by| by.name.to_string())
            .collect(),
        probe: program.and_then(|program| Some(probe_status(view, info, program, program.ready.as_ref()?))),
        alive: program.and_then(|program| Some(alive_status(view, info, program, program.alive.as_ref()?))),
        max_memory: program.and_then(|program| program.max_memory),
        watch: program.map(|program| program.watch.clone()).unwrap_or_default(),
        last_change: info.last_change.clone(),
        history: info
            .history
            .iter()
            .map(|change| HistoryEntry { at: change.at.0, what: change.what.clone() })
            .collect(),
        command: program.map_or_else(String::new, |program| program.command.display()),
        directory: program.map_or_else(String::new, |program| directory(view, info, program)),
        off_because: off_because(info, program),
        listener: info.listener.map(|listener| ListenerStatus {
            state: listener.state.name().to_owned(),
            waiting: u32::try_from(listener.waiting).unwrap_or(u32::MAX),
        }),
        retry_in_ms: info.retry_at.map(|at| millis(at.since(view.now.mono))),
    }
}

fn need_status(view: &View<'_>, need: &NeedInfo) -> Option<NeedStatus> {
    let other = view.snapshot.get(need.process)?;
    Some(NeedStatus {
        name: other.name.to_string(),
        until: need.until.as_str().to_owned(),
        satisfied: need.is_satisfied,
        failed: need.has_failed,
        optional: need.optional,
        restart: need.restart,
        state: other.word,
        since: other.since_wall.0,
    })
}

fn probe_status(view: &View<'_>, info: &ProcessInfo, program: &Program, ready: &ReadySpec) -> ProbeStatus {
    let kind = ready.kind.name();
    ProbeStatus {
        kind: kind.to_owned(),
        target: format!("{kind} {}", probe_target(view, info, program, &ready.kind)).trim_end().to_owned(),
        last: info.last_probe.clone(),
        tries: info.probe_tries,
        every_ms: if ready.kind.is_event() { 0 } else { millis(ready.every) },
        timeout_ms: ready.timeout.map(millis),
    }
}

fn alive_status(view: &View<'_>, info: &ProcessInfo, program: &Program, alive: &AliveSpec) -> ProbeStatus {
    let kind = alive.kind.name();
    ProbeStatus {
        kind: kind.to_owned(),
        target: format!("{kind} {}", probe_target(view, info, program, &alive.kind)),
        last: info.last_alive.clone(),
        tries: info.alive_tries,
        every_ms: millis(alive.every),
        timeout_ms: Some(millis(alive.timeout)),
    }
}

/// How a run has ended. Of one that was asked to stop it is no news that the stop signal has ended it.
fn ended(exit: Exit, was_stopped: bool) -> String {
    match exit {
        Exit::Signal { signal: Signal::KILL, .. } | Exit::Code(1..) if was_stopped => format!("stopped, {exit}"),
        Exit::Signal { .. } | Exit::Code(_) if was_stopped => "stopped".to_owned(),
        Exit::Signal { .. } | Exit::Code(_) => exit.to_string(),
    }
}

fn probe_target(view: &View<'_>, info: &ProcessInfo, program: &Program, kind: &ReadyKind) -> String {
    match kind {
        ReadyKind::Tcp(target) => {
            let target = resolved(view, info, program, target);
            if target.contains(':') { target } else { format!("127.0.0.1:{target}") }
        }
        ReadyKind::Http { url, .. } => {
            let url = resolved(view, info, program, url);
            url.strip_prefix("http://").map(ToOwned::to_owned).unwrap_or(url)
        }
        ReadyKind::Exec(text) | ReadyKind::Log(text) => text.clone(),
        ReadyKind::Notify | ReadyKind::Described => String::new(),
        ReadyKind::File(path) => resolved(view, info, program, path),
    }
}

/// A template with the ports filled in. Variables stay as they were written: their values never leave.
fn resolved(view: &View<'_>, info: &ProcessInfo, program: &Program, template: &Template) -> String {
    let fill = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Variable(name) if name == "PORT" => {
            port(view, info, program, None).map_or_else(|| "${PORT}".to_owned(), |port| port.to_string())
        }
        Part::Variable(name) => format!("${{{name}}}"),
        Part::Program { program: other, fact } => fact_text(view, info, program, other, fact)
            .unwrap_or_else(|| Template { parts: vec![part.clone()] }.to_string()),
    };
    template.parts.iter().map(fill).collect()
}

fn fact_text(
    view: &View<'_>,
    info: &ProcessInfo,
    program: &Program,
    other: &ProgramName,
    fact: &ProgramFact,
) -> Option<String> {
    let (ProgramFact::Port(name) | ProgramFact::Url(name)) = fact;
    let port = if other == &program.name {
        port(view, info, program, name.as_deref())?
    } else {
        view.lookup.port(other, name.as_deref())?
    };
    Some(match fact {
        ProgramFact::Port(_) => port.to_string(),
        ProgramFact::Url(_) => local_url(port),
    })
}

fn ports(view: &View<'_>, info: &ProcessInfo, program: &Program) -> Vec<PortStatus> {
    let number = |name: Option<&str>| port(view, info, program, name);
    program
        .ports
        .iter()
        .filter_map(|spec| {
            let port = number(spec.name.as_deref())?;
            Some(PortStatus { name: spec.name.clone().unwrap_or_default(), port })
        })
        .collect()
}

/// The port of this instance: the program's plus the instance's number.
fn port(view: &View<'_>, info: &ProcessInfo, program: &Program, name: Option<&str>) -> Option<u16> {
    let base = view.lookup.port(&program.name, name)?;
    let number = program.instances.iter().find(|instance| instance.name == info.name).map_or(0, |one| one.number);
    u16::try_from(u32::from(base).checked_add(number)?).ok()
}

/// Where a browser would go: only for what says that it speaks http.
fn url(view: &View<'_>, info: &ProcessInfo, program: &Program) -> Option<String> {
    match program.ready.as_ref()?.kind {
        ReadyKind::Http { .. } => port(view, info, program, None).map(local_url),
        ReadyKind::Tcp(_)
        | ReadyKind::Exec(_)
        | ReadyKind::Log(_)
        | ReadyKind::Notify
        | ReadyKind::File(_)
        | ReadyKind::Described => None,
    }
}

/// Where a browser would go by name.
fn proxied_url(view: &View<'_>, info: &ProcessInfo) -> Option<String> {
    let proxy = view.project.proxy;
    proxy.enable.then(|| local_name::url(&info.name.process, view.name, proxy.port))
}

fn local_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn directory(view: &View<'_>, info: &ProcessInfo, program: &Program) -> String {
    let root = &view.project.root;
    match &program.directory {
        None => root.display().to_string(),
        Some(template) => root.join(resolved(view, info, program, template)).display().to_string(),
    }
}

fn relative(file: &Path, root: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).display().to_string()
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
