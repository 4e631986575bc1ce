//! The hot pieces: what is measured by time (`speed`) and by instructions (`instructions`). Each is prepared once and then run as often
//! as is asked; what it makes is handed back, so that nothing is optimised away.

mod world;

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use run::api::{self, Lookup, Outcome, Usage, View};
use run::codec::ansi::{Style, is_plain};
use run::codec::lines::Rows;
use run::codec::xmlrpc::{Call, parse_call, write_call, write_response};
use run::config::facts::FileFact;
use run::config::request::Vocabulary;
use run::config::testing::{load_supposing, request};
use run::config::{Loaded, load};
use run::logs::page::Page;
use run::model::program::Instance;
use run::model::{Channel, Dialect, Exit, Generation, Moment, Now, ProcessId, Program, ProgramName, WallTime};
use run::plan::graph::DependencyGraph;
use run::plan::order::start_order;
use run::supervisor::action::Action;
use run::supervisor::event::{Command, Event, RequestId, StartUntil};
use world::{bring_down, bring_up, chains, supervisor};

/// One run of a piece.
pub(crate) type Work = Box<dyn FnMut() -> Box<dyn Any>>;

/// A piece: its name, and what makes it ready to run.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn() -> Work,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All of them.
pub(crate) const PIECES: &[Piece] = &[
    Piece { name: "rows_plain_1MiB", prepare: rows_plain },
    Piece { name: "rows_coloured_1MiB", prepare: rows_coloured },
    Piece { name: "start_1000", prepare: start },
    Piece { name: "end_conf_1000", prepare: end_conf },
    Piece { name: "100_restarts_with_views_of_1000", prepare: restart_with_views },
    Piece { name: "xmlrpc_all_process_info_100", prepare: all_process_info },
    Piece { name: "load_conf_500", prepare: load_conf },
    Piece { name: "load_toml_500", prepare: load_toml },
    Piece { name: "graph_5000", prepare: graph },
];

/// Cuts chunks into rows and puts the prefix before each, as the output thread does.
fn rows(line: &'static str) -> Work {
    let chunk = line.repeat((1 << 20) / line.len());
    let mut buffer = Vec::with_capacity(4 << 20);
    Box::new(move || {
        buffer.clear();
        let mut rows = Rows::default();
        let style = Style { is_terminal: true, colour: true };
        let limit = usize::MAX;
        let mut page = Page { buffer: &mut buffer, limit, style, stamp: b"", open_mark: b"\\" };
        for mut chunk in chunk.as_bytes().chunks(64 << 10) {
            let is_plain = is_plain(chunk);
            page.put_rows(b"\x1b[36mapi    |\x1b[0m ", &mut rows, &mut chunk, is_plain, false);
        }
        Box::new(buffer.len())
    })
}

fn rows_plain() -> Work {
    rows("GET /products/4711 200 in 12 ms, 3 queries, 1 from the cache, 18 kB, keep-alive\n")
}

fn rows_coloured() -> Work {
    rows("\x1b[32mGET\x1b[0m /products/4711 \x1b[1m200\x1b[0m in 12 ms, 3 queries, 18 kB\r\n")
}

fn start() -> Work {
    let project = chains(1000);
    Box::new(move || Box::new(bring_up(&mut supervisor(&project))))
}

/// Up and down again, in a supervisord.conf, where one group stops after the other.
fn end_conf() -> Work {
    let mut project = Arc::unwrap_or_clone(chains(1000));
    project.dialect = Dialect::Supervisord;
    let project = Arc::new(project);
    Box::new(move || {
        let mut supervisor = supervisor(&project);
        bring_up(&mut supervisor);
        Box::new(bring_down(&mut supervisor))
    })
}

/// One process of a thousand is stopped and started again a hundred times, with a view after each of the four changes.
fn restart_with_views() -> Work {
    let mut supervisor = supervisor(&chains(1000));
    bring_up(&mut supervisor);
    let (process, mut generation, mut number) = (ProcessId(509), Generation(1), 0);
    let mut once = move || {
        let mut views = Vec::with_capacity(4);
        let mut take = |event: Event| {
            number += 1;
            let (mut actions, at) = (Vec::new(), Now { mono: Moment(1_000_000_000 + number), wall: WallTime(0) });
            supervisor.step(at, event, &mut actions);
            views.push(supervisor.snapshot());
            actions
        };
        let stop = Command::Stop { processes: vec![process], with_dependents: false, wait: false };
        take(Event::Command(RequestId(0), stop));
        take(Event::Exited { process, generation, exit: Exit::Code(0), survivors: false });
        let (until, with_needs) = (StartUntil::Accepted, false);
        let start = Command::Start { processes: vec![process], until, with_needs, timeout: None };
        let spawned = take(Event::Command(RequestId(0), start)).into_iter().find_map(|action| match action {
            Action::Spawn { generation, .. } => Some(generation),
            _ => None,
        });
        generation = spawned.expect("it is started again");
        take(Event::Spawned { process, generation, pid: 7 });
        views
    };
    Box::new(move || Box::new((0..100).map(|_| once().len()).sum::<usize>()))
}

/// Facts that nobody has.
struct Nothing;

impl Lookup for Nothing {
    fn port(&self, _: &ProgramName, _: Option<&str>) -> Option<u16> {
        None
    }

    fn usage(&self, _: &[u32]) -> Usage {
        Usage::new()
    }

    fn utc_offset(&self, _: WallTime) -> i32 {
        0
    }

    fn log_path(&self, _: &Program, _: &Instance, _: Channel) -> Option<PathBuf> {
        None
    }
}

/// From the text of the call to that of its answer.
fn all_process_info() -> Work {
    let project = chains(100);
    let snapshot = bring_up(&mut supervisor(&project));
    let call = write_call("supervisor.getAllProcessInfo", &[]);
    Box::new(move || {
        let call: Call = parse_call(&call).expect("what was written is read");
        let view = View {
            snapshot: &snapshot,
            now: Now { mono: Moment(90_000_000), wall: WallTime(90_000) },
            name: "shop",
            project: &project,
            last_read: &project,
            pid: 1,
            notes: &[],
            lookup: &Nothing,
        };
        let Ok(Outcome::Value(value)) = api::dispatch(&view, &call) else { unreachable!("it answers at once") };
        Box::new(write_response(&value))
    })
}

fn load_text(name: &'static str, text: &str) -> Work {
    let request = request(name);
    let vocabulary = Vocabulary { probes: run::probe::KINDS };
    let file = |path: &Path| match path {
        _ if path == request.files[0] => FileFact::Bytes(text.into()),
        _ => FileFact::Missing,
    };
    let (loaded, known) = load_supposing(&request, &vocabulary, file);
    assert!(matches!(loaded, Loaded::Project(..)), "{name} is refused");
    Box::new(move || Box::new(load(&request, &known, &Vocabulary { probes: run::probe::KINDS })))
}

fn load_conf() -> Work {
    let program = |number: usize| {
        format!(
            "[program:p{number}]\ncommand=/bin/cat --number {number} ; one\nstdout_logfile=none\nenvironment=A=\"1\",B=\"%(program_name)s\"\nautorestart=true\n"
        )
    };
    load_text("supervisord.conf", &format!("[supervisord]\n{}", (0..500).map(program).collect::<String>()))
}

fn load_toml() -> Work {
    let program = |number: usize| {
        let needs = if number.is_multiple_of(10) { String::new() } else { format!("\"p{}\"", number - 1) };
        format!(
            "[program.p{number}]\ncommand = \"cat --number {number}\"\ndepends_on = [{needs}]\nport = \"auto\"\nready = {{ http = \"/health\" }}\nenvironment = {{ A = \"1\", URL = \"${{p{number}.url}}/x\" }}\n"
        )
    };
    load_text("run.toml", &(0..500).map(program).collect::<String>())
}

fn graph() -> Work {
    let project = chains(5000);
    Box::new(move || {
        let graph = DependencyGraph::new(&project).expect("chains have no circle");
        Box::new(start_order(&project, &graph))
    })
}
