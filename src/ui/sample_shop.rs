//! The project that the screens of the tests show, made by hand.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Command, Generation, Kind, Moment, Now, PortRequest, PortSpec, ProcessId, ProcessName, ProcessState, Program,
    ProgramName, Project, ReadyKind, ReadySpec, Template, WallTime, Word,
};
use crate::plan::ports::Ports;
use crate::supervisor::snapshot::{ProcessInfo, Snapshot};

pub(super) const DB: ProcessId = ProcessId(0);
pub(super) const CACHE: ProcessId = ProcessId(1);
pub(super) const MIGRATE: ProcessId = ProcessId(2);
pub(super) const API: ProcessId = ProcessId(3);
pub(super) const WEB: ProcessId = ProcessId(4);

/// db, cache, migrate, api and web.
pub(super) fn shop() -> Project {
    let mut db = program("db", Some(ReadyKind::Tcp(Template::literal("127.0.0.1:5433"))));
    db.stopwaitsecs = Duration::from_secs(10);
    let cache = program("cache", None);
    let migrate = Program { kind: Kind::Task, ports: Vec::new(), ..program("migrate", None) };
    let url = Template::literal("http://127.0.0.1:3101/health");
    let api = program("api", Some(ReadyKind::Http { url, status: vec![(200, 399)] }));
    let web = program("web", Some(ReadyKind::Tcp(Template::literal("127.0.0.1:3102"))));
    project(vec![db, cache, migrate, api, web])
}

/// A project of these programs.
pub(super) fn project(programs: Vec<Program>) -> Project {
    Project::new("/src/shop", programs)
}

/// A program with one port.
pub(super) fn program(name: &str, ready: Option<ReadyKind>) -> Program {
    Program {
        command: Command::Line(Template::literal(format!("python {name}.py"))),
        directory: Some(Template::literal(format!("/src/shop/{name}"))),
        ready: ready.map(ReadySpec::new),
        ports: vec![PortSpec { name: None, request: PortRequest::Auto }],
        stopwaitsecs: Duration::from_secs(5),
        ..Program::new(name)
    }
}

/// The same program several times over: `worker:worker_0`, ….
pub(super) fn several(name: &str, count: u32) -> Program {
    program(name, None).times(count)
}

/// The ports of the shop.
pub(super) fn ports() -> Ports {
    let mut ports = Ports::default();
    for (name, port) in [("db", 5433), ("cache", 6380), ("api", 3101), ("web", 3102), ("worker", 4000)] {
        ports.insert(ProgramName::from(name), None, port);
    }
    ports
}

/// Every process of a project in this state.
pub(super) fn snapshot(project: &Project, word: Word) -> Snapshot {
    let processes: Vec<Arc<ProcessInfo>> = project
        .processes()
        .map(|(id, program, instance)| Arc::new(info(id, program, instance.name.clone(), word)))
        .collect();
    Snapshot {
        project: Arc::new(project.clone()),
        ports: Arc::new(ports()),
        notes: Arc::new([]),
        sources: Arc::new([]),
        start_order: processes.iter().map(|info| info.id).collect(),
        processes: processes.into(),
        began: Moment(0),
        began_wall: WallTime(0),
        is_shutting_down: false,
        is_restarting: false,
        is_ending_by_itself: false,
    }
}

fn info(id: ProcessId, program: &Program, name: ProcessName, word: Word) -> ProcessInfo {
    ProcessInfo {
        word,
        state: ProcessState::Running,
        generation: Generation(1),
        pid: 4711,
        runs: 1,
        ..ProcessInfo::off(id, program, name)
    }
}

/// The same snapshot with one process changed.
pub(super) fn with(snapshot: &Snapshot, id: ProcessId, change: impl FnOnce(&mut ProcessInfo)) -> Snapshot {
    let mut processes: Vec<_> = snapshot.processes.iter().cloned().collect();
    change(Arc::make_mut(&mut processes[id.index()]));
    Snapshot { processes: processes.into(), ..snapshot.clone() }
}

/// 10:42:09.500 on the day of the epoch, 4.3 s after the project began.
pub(super) fn now() -> Now {
    Now { mono: Moment(4_300_000), wall: WallTime(38_529_500) }
}

/// A duration in tenths of a second.
pub(super) fn tenths(count: u64) -> Duration {
    Duration::from_millis(count * 100)
}
