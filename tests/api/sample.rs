//! A project made by hand, one process in each interesting state.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use run::model::{
    Command, Dependency, Exit, Generation, Kind, LogFile, Moment, Now, PortRequest, PortSpec, ProcessId, ProcessName,
    ProcessState, Program, Project, ReadyKind, ReadySpec, Signal, Template, Until, WallTime, Word,
};
use run::plan::ports::Ports;
use run::runtime::handle::Facts;
use run::supervisor::snapshot::{Change, NeedInfo, OffBecause, ProcessInfo, Snapshot};

/// Nov 14 2023, 22:13:20 UTC, in seconds.
const BEGAN: u64 = 1_700_000_000;

pub(crate) const DB: ProcessId = ProcessId(0);
pub(crate) const MIGRATE: ProcessId = ProcessId(1);
pub(crate) const API: ProcessId = ProcessId(2);
pub(crate) const WEB: ProcessId = ProcessId(3);
pub(crate) const WORKER_0: ProcessId = ProcessId(4);
pub(crate) const WORKER_1: ProcessId = ProcessId(5);
pub(crate) const MAIL: ProcessId = ProcessId(6);
pub(crate) const ADMIN: ProcessId = ProcessId(7);

/// 100 s after the start.
pub(crate) fn now() -> Now {
    at(100)
}

fn at(second: u64) -> Now {
    Now { mono: Moment(second * 1_000_000), wall: WallTime((BEGAN + second) * 1000) }
}

fn program(name: &str) -> Program {
    Program {
        command: Command::Line(Template::literal(format!("./bin/{name}"))),
        environment: vec![("TOKEN".into(), Template::literal("secret"))],
        redirect_stderr: false,
        ..Program::new(name)
    }
}

fn instance(group: &str, process: &str, number: u32) -> run::model::program::Instance {
    run::model::program::Instance::new(ProcessName::new(group, process), number)
}

fn needs(names: &[&str]) -> Vec<Dependency> {
    names.iter().map(|name| Dependency::new(*name, Until::Ready)).collect()
}

fn own_port() -> Vec<PortSpec> {
    vec![PortSpec { name: None, request: PortRequest::Auto }]
}

/// `PORT` of a program, as a config refers to it.
fn port_of(program: &str) -> run::model::template::Part {
    run::model::template::Part::Program { program: program.into(), fact: run::model::template::ProgramFact::Port(None) }
}

fn text(text: &str) -> run::model::template::Part {
    run::model::template::Part::Text(text.into())
}

pub(crate) fn project() -> Project {
    let log = |name: &str| LogFile { path: PathBuf::from(format!("/log/{name}.log")), maxbytes: 0, backups: 0 };
    let db_port = Template { parts: vec![text("127.0.0.1:"), port_of("db")] };
    let health = Template { parts: vec![text("http://127.0.0.1:"), port_of("api"), text("/health")] };
    let http = ReadyKind::Http { url: health, status: vec![(200, 399)] };
    let programs = vec![
        Program {
            ports: own_port(),
            ready: Some(ReadySpec::new(ReadyKind::Tcp(db_port))),
            stdout_logfile: Some(log("db")),
            stderr_logfile: Some(log("db-err")),
            ..program("db")
        },
        Program { kind: Kind::Task, depends_on: needs(&["db"]), ..program("migrate") },
        Program {
            depends_on: needs(&["db", "migrate"]),
            ports: own_port(),
            ready: Some(ReadySpec { timeout: Some(Duration::from_mins(1)), ..ReadySpec::new(http) }),
            directory: Some(Template::literal("backend")),
            ..program("api")
        },
        Program { depends_on: needs(&["api"]), ..program("web") },
        Program {
            instances: vec![instance("worker", "worker_0", 0), instance("worker", "worker_1", 1)],
            ports: own_port(),
            redirect_stderr: true,
            stderr_logfile: Some(log("never")),
            ..program("worker")
        },
        Program { depends_on: needs(&["worker"]), ..program("mail") },
        Program { profiles: vec!["full".into()], ..program("admin") },
    ];
    Project {
        name: "shop".into(),
        files: vec!["/src/shop/run.toml".into(), "/etc/shop.toml".into()],
        ..Project::new("/src/shop", programs)
    }
}

pub(crate) fn facts() -> Facts {
    Facts { name: "shop-fix".into(), state_directory: None, pid: 4100 }
}

pub(crate) fn ports() -> Ports {
    let mut ports = Ports::default();
    ports.insert("db".into(), None, 5433);
    ports.insert("api".into(), None, 3101);
    ports.insert("worker".into(), None, 4000);
    ports
}

/// A process that is off.
fn info(project: &Project, id: ProcessId) -> ProcessInfo {
    let (_, program, instance) = project.processes().find(|(found, ..)| *found == id).unwrap();
    ProcessInfo {
        since: at(0).mono,
        since_wall: at(0).wall,
        generation: Generation(1),
        ..ProcessInfo::off(id, program, instance.name.clone())
    }
}

fn need(process: ProcessId, is_satisfied: bool, has_failed: bool) -> NeedInfo {
    NeedInfo { process, until: Until::Ready, is_satisfied, has_failed, optional: false, restart: false }
}

/// Spawned at a second, in a word since another.
fn spawned(info: ProcessInfo, second: u64, word: Word, since: u64) -> ProcessInfo {
    ProcessInfo {
        word,
        started_wall: at(second).wall,
        since: at(since).mono,
        since_wall: at(since).wall,
        runs: 1,
        ..info
    }
}

pub(crate) fn processes(project: &Project) -> Vec<ProcessInfo> {
    let off = |id| info(project, id);
    let db = ProcessInfo {
        state: ProcessState::Running,
        pid: 4102,
        ready_wall: Some(at(2).wall),
        ready_after: Some(Duration::from_millis(2100)),
        last_alive: None,
        env_read: None,
        alive_fails: 0,
        alive_tries: 0,
        last_probe: Some("tcp 5433".into()),
        probe_tries: 4,
        needed_by: vec![MIGRATE, API],
        history: Arc::new([Change { at: at(2).wall, what: "ready in 2.1s".into() }]),
        ..spawned(off(DB), 0, Word::Ready, 2)
    };
    let migrate = ProcessInfo {
        state: ProcessState::Exited,
        stopped_wall: at(3).wall,
        ready_after: Some(Duration::from_millis(900)),
        last_exit: Some(Exit::Code(0)),
        needs: vec![need(DB, true, false)],
        needed_by: vec![API],
        ..spawned(off(MIGRATE), 2, Word::Done, 3)
    };
    let api = ProcessInfo {
        state: ProcessState::Running,
        pid: 4188,
        runs: 2,
        unasked_runs: 1,
        last_exit: Some(Exit::Signal { signal: Signal(11), core: true }),
        last_alive: None,
        env_read: None,
        alive_fails: 0,
        alive_tries: 0,
        last_probe: Some("http 503 /health".into()),
        probe_tries: 41,
        needs: vec![need(DB, true, false), need(MIGRATE, true, false)],
        needed_by: vec![WEB],
        ..spawned(off(API), 60, Word::Starting, 60)
    };
    let web = ProcessInfo {
        word: Word::Waiting,
        state: ProcessState::Starting,
        needs: vec![need(API, false, false)],
        ..off(WEB)
    };
    let worker_0 = ProcessInfo {
        state: ProcessState::Fatal,
        runs: 4,
        unasked_runs: 3,
        failures: 4,
        stopped_wall: at(42).wall,
        last_exit: Some(Exit::Code(1)),
        failed_otherwise: None,
        could_not_start: false,
        spawn_error: "Exited too quickly (process log may have details)".into(),
        needed_by: vec![MAIL],
        ..spawned(off(WORKER_0), 40, Word::Failed, 42)
    };
    let worker_1 = ProcessInfo {
        state: ProcessState::Backoff,
        failures: 2,
        stopped_wall: at(99).wall,
        last_exit: Some(Exit::Code(1)),
        retry_at: Some(at(102).mono),
        ..spawned(off(WORKER_1), 98, Word::Retrying, 99)
    };
    let mail = ProcessInfo {
        word: Word::Blocked,
        state: ProcessState::Fatal,
        blocked_by: Some(WORKER_0),
        needs: vec![need(WORKER_0, false, true)],
        ..off(MAIL)
    };
    let admin = ProcessInfo { off_because: Some(OffBecause::Profile), ..off(ADMIN) };
    vec![db, migrate, api, web, worker_0, worker_1, mail, admin]
}

pub(crate) fn snapshot() -> Snapshot {
    let processes: Vec<_> = processes(&project()).into_iter().map(Arc::new).collect();
    Snapshot {
        project: Arc::new(project()),
        ports: Arc::new(ports()),
        notes: Arc::new(["port 5432 (db) is taken, it got 5433".to_owned()]),
        sources: Arc::new([]),
        start_order: [DB, WORKER_0, WORKER_1, ADMIN, MIGRATE, MAIL, API, WEB].into(),
        processes: processes.into(),
        began: at(0).mono,
        began_wall: at(0).wall,
        is_shutting_down: false,
        is_restarting: false,
        is_ending_by_itself: false,
    }
}
