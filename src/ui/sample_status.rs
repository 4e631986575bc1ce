//! A running project for the tests of the screens: a shop.

use crate::model::Word;
use crate::model::status::{HistoryEntry, NeedStatus, PortStatus, ProbeStatus, ProcessStatus, ProjectStatus, SCHEMA};

/// 10:40:00 on the first day of 1970.
pub(crate) const STARTED: u64 = 38_400_000;

/// A process that is ready.
pub(crate) fn process(name: &str, place: u32) -> ProcessStatus {
    ProcessStatus {
        name: name.into(),
        program: name.into(),
        kind: "program".into(),
        place,
        state: Word::Ready,
        supervisord_state: "RUNNING".into(),
        for_ms: 250_000,
        since: STARTED + 2000,
        runs: 1,
        unasked_runs: 0,
        pid: 4102,
        ports: Vec::new(),
        url: None,
        proxied_url: None,
        alive: None,
        max_memory: None,
        cpu_percent: None,
        memory: None,
        note: String::new(),
        last_exit: String::new(),
        exit_code: None,
        could_not_start: false,
        ready_after_ms: Some(2100),
        ready_since: Some(STARTED + 2000),
        needs: Vec::new(),
        needed_by: Vec::new(),
        probe: None,
        watch: Vec::new(),
        last_change: None,
        history: vec![
            HistoryEntry { at: STARTED, what: "starting".into() },
            HistoryEntry { at: STARTED + 2000, what: "ready in 2.1s".into() },
        ],
        command: format!("./bin/{name}"),
        directory: "/home/ann/src/shop-fix-ui".into(),
        off_because: String::new(),
        retry_in_ms: None,
        listener: None,
    }
}

/// An edge that is satisfied.
pub(crate) fn need(name: &str, until: &str) -> NeedStatus {
    NeedStatus {
        name: name.into(),
        until: until.into(),
        satisfied: true,
        failed: false,
        optional: false,
        restart: false,
        state: Word::Ready,
        since: STARTED + 2000,
    }
}

/// The shop.
pub(crate) fn shop() -> ProjectStatus {
    let running = |name: &str, place, pid, port, cpu, mib: u64| ProcessStatus {
        pid,
        ports: vec![PortStatus { name: String::new(), port }],
        cpu_percent: Some(cpu),
        memory: Some(mib << 20),
        ..process(name, place)
    };
    ProjectStatus {
        schema: SCHEMA,
        project: "shop".into(),
        root: "/home/ann/src/shop-fix-ui".into(),
        files: vec!["run.toml".into()],
        pid: 4100,
        started: STARTED,
        up_ms: 252_000,
        state: "running".into(),
        ends_by_itself: false,
        processes: vec![
            ProcessStatus { needed_by: vec!["migrate".into(), "api".into()], ..running("db", 0, 4102, 5433, 0.2, 41) },
            ProcessStatus {
                kind: "task".into(),
                state: Word::Done,
                for_ms: 248_000,
                pid: 0,
                note: "exit 0 in 0.9s".into(),
                last_exit: "exited 0".into(),
                exit_code: Some(0),
                needed_by: vec!["api".into()],
                ..process("migrate", 1)
            },
            ProcessStatus {
                for_ms: 62_000,
                runs: 2,
                note: "restarted: config change".into(),
                needs: vec![need("db", "ready"), need("migrate", "done")],
                needed_by: vec!["web".into()],
                ..running("api", 2, 4188, 3101, 1.4, 88)
            },
            ProcessStatus {
                for_ms: 246_000,
                note: "http://127.0.0.1:3102".into(),
                url: Some("http://127.0.0.1:3102".into()),
                needs: vec![need("api", "ready")],
                ..running("web", 3, 4121, 3102, 0.0, 130)
            },
            ProcessStatus {
                state: Word::Failed,
                supervisord_state: "FATAL".into(),
                for_ms: 238_000,
                runs: 4,
                unasked_runs: 3,
                pid: 0,
                note: "exit 1: queue refused: bad credentials".into(),
                last_exit: "exited 1".into(),
                exit_code: Some(1),
                ..process("worker", 4)
            },
        ],
        notes: Vec::new(),
    }
}

/// The shop while web waits for an api that answers 503.
pub(crate) fn waiting_shop() -> ProjectStatus {
    let mut shop = shop();
    shop.processes[2] = ProcessStatus {
        state: Word::Starting,
        for_ms: 52_000,
        since: STARTED + 110_000,
        runs: 2,
        note: "http 503 \"migrations pending\", try 41".into(),
        ready_after_ms: None,
        ready_since: None,
        probe: Some(ProbeStatus {
            kind: "http".into(),
            target: "http 127.0.0.1:3101/health".into(),
            last: Some("http 503 \"migrations pending\"".into()),
            tries: 41,
            every_ms: 500,
            timeout_ms: Some(60_000),
        }),
        ..shop.processes[2].clone()
    };
    shop.processes[3] = ProcessStatus {
        state: Word::Waiting,
        for_ms: 130_000,
        runs: 0,
        pid: 0,
        needs: vec![
            need("db", "ready"),
            NeedStatus { satisfied: false, state: Word::Starting, since: STARTED + 110_000, ..need("api", "ready") },
        ],
        history: vec![
            HistoryEntry { at: STARTED, what: "waiting for db, api".into() },
            HistoryEntry { at: STARTED + 2000, what: "waiting for api".into() },
        ],
        ready_after_ms: None,
        ready_since: None,
        ..process("web", 3)
    };
    shop
}
