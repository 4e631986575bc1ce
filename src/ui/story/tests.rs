//! The screens of a start, a crash and a stop, told from notices.

use proptest::prelude::*;

use super::*;
use crate::model::{Dialect, ProcessName};
use crate::supervisor::notice::{Reason, StopWhy};
use crate::ui::reason::OutOfMemory;
use crate::ui::sample_shop::{
    API, CACHE, DB, MIGRATE, WEB, now, ports, program, project, several, shop, snapshot, tenths, with,
};

const PLAIN: Theme = Theme { colour: false, ascii: false };
const ASCII: Theme = Theme { colour: false, ascii: true };
const COLOUR: Theme = Theme { colour: true, ascii: false };

/// The shop with a worker in place of web.
fn with_worker() -> Project {
    let mut project = shop();
    project.programs[4] = program("worker", None);
    project
}

const WORKER: ProcessId = WEB;

fn telling(theme: Theme) -> Telling {
    Telling { theme, keys: true, ..Telling::default() }
}

/// What the logs would hand over.
#[derive(Default)]
struct TailLines {
    lines: Vec<String>,
    total: usize,
}

fn tail_of(count: usize, total: usize) -> TailLines {
    TailLines { lines: (0..count).map(|n| format!("line {}", total - count + n + 1)).collect(), total }
}

/// Tells all of it and draws every box with these lines.
fn screen(story: &mut Story, notices: &[Notice], snapshot: &Snapshot, tail: &TailLines) -> String {
    let mut lines = Vec::new();
    for notice in notices {
        let said = story.tell(notice, snapshot, now());
        lines.extend(said.lines);
        lines.extend(said.tail.into_iter().flat_map(|request| request.render(&tail.lines, tail.total)));
    }
    lines.join("\n")
}

fn told(project: &Project, theme: Theme, notices: &[Notice]) -> String {
    let mut story = Story::new(project, &ports(), telling(theme));
    screen(&mut story, notices, &snapshot(project, Word::Ready), &TailLines::default())
}

/// Compares with a screen that was written below the opening quote.
fn assert_screen(actual: &str, expected: &str) {
    let expected = expected.strip_prefix("\n").unwrap_or(expected).trim_end();
    assert!(actual == expected, "\n--- told ---\n{actual}\n--- expected ---\n{expected}\n");
}

fn good_start() -> Vec<Notice> {
    let ready =
        |process, count, how: &str| Notice::Ready { process, after: tenths(count), how: how.to_owned(), run: 1 };
    vec![
        Notice::Starting { process: DB },
        Notice::Starting { process: CACHE },
        ready(CACHE, 2, "tcp 6380"),
        Notice::Waiting { process: API, on: vec![DB, MIGRATE] },
        Notice::Waiting { process: MIGRATE, on: vec![DB] },
        Notice::NotReadyYet { process: DB, elapsed: tenths(20), last: Some("tcp 5433 refused".to_owned()), tries: 4 },
        ready(DB, 21, "tcp 5433"),
        Notice::Starting { process: MIGRATE },
        Notice::Done { process: MIGRATE, after: tenths(9), exit: Exit::Code(0) },
        ready(API, 12, "http 200 /health"),
        ready(WEB, 8, ""),
        Notice::AllReady { after: tenths(43), chain: vec![(DB, tenths(21)), (MIGRATE, tenths(9)), (API, tenths(12))] },
    ]
}

#[test]
fn a_good_start_reads_as_a_story() {
    assert_screen(
        &told(&shop(), PLAIN, &good_start()),
        "
  ▸ db        starting
  ▸ cache     starting
  ✓ cache     ready in 0.2s   tcp 6380
  … api       waiting for db, migrate
  … migrate   waiting for db
  … db        not ready yet (2s): tcp 5433 refused, try 4
  ✓ db        ready in 2.1s   tcp 5433
  ▸ migrate   starting
  ✓ migrate   done in 0.9s    exit 0
  ✓ api       ready in 1.2s   http 200 /health
  ✓ web       ready in 0.8s

  up in 4.3s · slowest chain db 2.1s → migrate 0.9s → api 1.2s
  api    http://127.0.0.1:3101
  db     127.0.0.1:5433
  cache  127.0.0.1:6380
  web    127.0.0.1:3102
  keys: s status  l only…  r restart…  d detach  q stop  ? help
",
    );
}

#[test]
fn with_the_proxy_what_speaks_http_is_shown_by_its_name() {
    let project = Project { proxy: crate::model::Proxy { enable: true, port: 7777 }, ..shop() };
    let mut story = Story::new(&project, &ports(), Telling { project: "shop@fix-ui".to_owned(), ..telling(PLAIN) });
    let text = screen(&mut story, &good_start(), &snapshot(&project, Word::Ready), &TailLines::default());
    assert!(text.contains("\n  api    http://api.fix-ui.shop.localhost:7777   (127.0.0.1:3101)\n"), "{text}");
    assert!(text.contains("\n  db     127.0.0.1:5433\n"), "{text}");
}

#[test]
fn a_good_start_reads_the_same_in_ascii() {
    assert_screen(
        &told(&shop(), ASCII, &good_start()),
        "
  > db        starting
  > cache     starting
  + cache     ready in 0.2s   tcp 6380
  . api       waiting for db, migrate
  . migrate   waiting for db
  . db        not ready yet (2s): tcp 5433 refused, try 4
  + db        ready in 2.1s   tcp 5433
  > migrate   starting
  + migrate   done in 0.9s    exit 0
  + api       ready in 1.2s   http 200 /health
  + web       ready in 0.8s

  up in 4.3s - slowest chain db 2.1s -> migrate 0.9s -> api 1.2s
  api    http://127.0.0.1:3101
  db     127.0.0.1:5433
  cache  127.0.0.1:6380
  web    127.0.0.1:3102
  keys: s status  l only..  r restart..  d detach  q stop  ? help
",
    );
}

#[test]
fn colours_stand_on_marks_and_names() {
    let lines = told(&shop(), COLOUR, &good_start()[..4]).replace('\x1b', "^");
    assert_screen(
        &lines,
        "
  ^[36m▸^[0m ^[36mdb^[0m        starting
  ^[36m▸^[0m ^[33mcache^[0m     starting
  ^[32m✓^[0m ^[33mcache^[0m     ready in 0.2s   tcp 6380
  … ^[35mapi^[0m       waiting for db, migrate
",
    );
}

#[test]
fn the_header_has_only_what_is_known() {
    let mut story = Story::new(&shop(), &ports(), telling(PLAIN));
    let facts = HeaderFacts { name: "shop", worktree: Some("fix-ui"), socket_ready: true };
    assert_eq!(story.header(&facts, now()), ["shop · run.toml · 4 programs, 1 task · worktree fix-ui · socket ready"]);
    story.telling.notes = vec!["api: port 3101 is taken by node (pid 9921), so it has 3103".to_owned()];
    assert_eq!(
        story.header(&HeaderFacts { name: "shop", ..HeaderFacts::default() }, now()),
        ["shop · run.toml · 4 programs, 1 task", "  ! api: port 3101 is taken by node (pid 9921), so it has 3103"]
    );
}

#[test]
fn what_does_not_run_under_this_profile_is_not_counted() {
    let mut project = project(vec![program("db", None), program("a-very-long-name", None)]);
    project.programs[1].profiles = vec!["full".to_owned()];
    let story = Story::new(&project, &ports(), telling(PLAIN));
    assert_eq!(
        story.header(&HeaderFacts { name: "shop", ..HeaderFacts::default() }, now()),
        ["shop · run.toml · 1 program"]
    );
    assert_eq!(story.names().columns(), 2);
}

#[test]
fn without_a_terminal_every_line_of_ours_has_the_time() {
    let telling = Telling { stamps: Stamps::Clock, keys: false, ..telling(ASCII) };
    let mut story = Story::new(&shop(), &ports(), telling);
    let notices =
        [Notice::Starting { process: DB }, Notice::AllReady { after: tenths(43), chain: vec![(DB, tenths(21))] }];
    let state = with(&snapshot(&shop(), Word::Off), DB, |info| info.word = Word::Ready);
    assert_screen(
        &screen(&mut story, &notices, &state, &TailLines::default()),
        "
10:42:09.500   > db        starting

10:42:09.500   up in 4.3s - slowest db 2.1s
10:42:09.500   db  127.0.0.1:5433
",
    );
}

#[test]
fn relative_stamps_count_from_the_start() {
    let mut story = Story::new(&shop(), &ports(), Telling { stamps: Stamps::Relative, ..telling(PLAIN) });
    let said = story.tell(&Notice::Starting { process: DB }, &snapshot(&shop(), Word::Starting), now());
    assert_eq!(said.lines, ["   +4.3s   ▸ db        starting"]);
}

#[test]
fn instances_of_one_program_are_counted() {
    let project = project(vec![several("worker", 4), program("api", None)]);
    let waits = |count: u32| Notice::Waiting { process: ProcessId(4), on: (0..count).map(ProcessId).collect() };
    assert_screen(
        &told(
            &project,
            PLAIN,
            &[waits(4), waits(3), waits(1), Notice::AllReady { after: tenths(9), chain: Vec::new() }],
        ),
        "
  … api        waiting for worker (all 4)
  … api        waiting for worker (3 of 4)
  … api        waiting for worker_0

  up in 0.9s
  worker  127.0.0.1:4000 to 4003
  api     127.0.0.1:3101
  keys: s status  l only…  r restart…  d detach  q stop  ? help
",
    );
}

#[test]
fn a_silent_check_says_what_it_waits_for() {
    let mut project = shop();
    project.programs[0].ready = Some(crate::model::ReadySpec::new(ReadyKind::Log("ready to accept".to_owned())));
    project.programs[1].ready = Some(crate::model::ReadySpec::new(ReadyKind::Notify));
    let not_yet = |process| Notice::NotReadyYet { process, elapsed: tenths(50), last: None, tries: 0 };
    assert_screen(
        &told(&project, PLAIN, &[not_yet(DB), not_yet(CACHE), not_yet(API)]),
        "
  … db        not ready yet (5s): no line has matched ready to accept so far
  … cache     not ready yet (5s): it has not sent READY=1 so far
  … api       not ready yet (5s): its http check has not answered so far
",
    );
}

fn crash(run: u32, again: Option<u64>, first: bool) -> Notice {
    Notice::Crashed {
        process: WORKER,
        run,
        reason: Reason::Exit(Exit::Code(1)),
        after: tenths(20),
        again_in: again.map(Duration::from_secs),
        first,
    }
}

fn gave_up(tries: u32, reason: Reason, each_time: bool) -> Notice {
    Notice::GaveUp { process: WORKER, run: tries, tries, reason, each_time, after: tenths(20) }
}

#[test]
fn a_crash_loop_ends_in_a_box_and_what_to_type() {
    let project = with_worker();
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    story.spawned(WORKER, 4711);
    let notices = [crash(1, Some(0), false), crash(2, Some(1), false), gave_up(4, Reason::Exit(Exit::Code(1)), true)];
    let tail = TailLines {
        lines: [
            "Traceback (most recent call last):",
            "  File \"worker.py\", line 5",
            "\x1b[31mRuntimeError\x1b[0m: refused\x07",
        ]
        .map(ToOwned::to_owned)
        .to_vec(),
        total: 31,
    };
    assert_screen(
        &screen(&mut story, &notices, &snapshot(&project, Word::Retrying), &tail),
        "
  ✗ worker    exited 1 after 2.0s (run 1)              ↻ again now
  ✗ worker    exited 1 after 2.0s (run 2)              ↻ again in 1s
  ✗ worker    gave up after 4 runs, exit 1 each time
  ┌ worker, run 4, last 3 of 31 lines ──────────────────────────────────
  │ Traceback (most recent call last):
  │   File \"worker.py\", line 5
  │ RuntimeError: refused\\x07
  └ since 10:42:07 · cwd ./worker · python worker.py · pid 4711
  next: run logs worker --run 4   ·   run why worker   ·   run restart worker
",
    );
}

#[test]
fn the_first_crash_shows_the_last_lines_and_the_repeats_are_one_line_each() {
    let project = with_worker();
    let mut story = Story::new(&project, &ports(), telling(ASCII));
    let notices = [crash(1, Some(0), true), crash(2, Some(1), false)];
    assert_screen(
        &screen(&mut story, &notices, &snapshot(&project, Word::Retrying), &tail_of(2, 2)),
        "
  x worker    exited 1 after 2.0s (run 1)              ~ again now
  + worker, run 1, all 2 lines -----------------------------------------
  | line 1
  | line 2
  + since 10:42:07 - cwd ./worker - python worker.py
  x worker    exited 1 after 2.0s (run 2)              ~ again in 1s
",
    );
}

#[test]
fn an_end_that_autorestart_leaves_alone_says_what_to_type() {
    let project = with_worker();
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    assert_screen(
        &screen(&mut story, &[crash(1, None, false)], &snapshot(&project, Word::Failed), &TailLines::default()),
        "
  ✗ worker    exited 1 after 2.0s (run 1)
  ┌ worker, run 1, no output ───────────────────────────────────────────
  └ since 10:42:07 · cwd ./worker · python worker.py
  next: run logs worker --run 1   ·   run why worker   ·   run restart worker
",
    );
}

#[test]
fn giving_up_names_what_happened() {
    let project = with_worker();
    let first_line = |notice: &Notice| {
        Story::new(&project, &ports(), telling(PLAIN))
            .tell(notice, &snapshot(&project, Word::Failed), now())
            .lines
            .join("\n")
    };
    let spawn = Reason::Spawn("no such file or directory: ./bin/api".to_owned());
    let not_ready = Reason::NotReady { limit: Duration::from_mins(1), last: Some("http 503".to_owned()) };
    for (notice, text) in [
        (gave_up(1, Reason::Exit(Exit::Code(3)), true), "failed: exited 3 after 2.0s"),
        (gave_up(4, not_ready.clone(), true), "gave up after 4 runs, not ready within 60s (last: http 503) each time"),
        (gave_up(4, Reason::Exit(Exit::Code(3)), false), "gave up after 4 runs, the last: exited 3 after 2.0s"),
    ] {
        assert_eq!(first_line(&notice), format!("  ✗ worker    {text}"));
    }
    assert_screen(
        &first_line(&gave_up(4, spawn, true)),
        "
  ✗ worker    gave up after 4 tries: could not start: no such file or directory: ./bin/api
  next: run why worker   ·   run restart worker
",
    );
}

#[test]
fn the_memory_killer_is_named_only_for_the_run_it_ended() {
    let project = with_worker();
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let killed = |run| Notice::Crashed {
        process: WORKER,
        run,
        reason: Reason::Exit(Exit::Signal { signal: Signal::KILL, core: false }),
        after: tenths(20),
        again_in: Some(Duration::ZERO),
        first: false,
    };
    story.spawned(WORKER, 1);
    story.ran_out_of_memory(WORKER, OutOfMemory { memory: None });
    let state = snapshot(&project, Word::Retrying);
    let first = story.tell(&killed(1), &state, now()).lines.concat();
    assert!(first.contains("not by us; probably the kernel's out-of-memory killer after 2.0s (run 1)"), "{first}");
    story.spawned(WORKER, 2);
    let second = story.tell(&killed(2), &state, now()).lines.concat();
    assert!(second.contains("killed by SIGKILL — not by us after 2.0s (run 2)"), "{second}");
}

#[test]
fn a_looping_program_is_never_called_ready() {
    let project = with_worker();
    let state = with(&snapshot(&project, Word::Ready), WORKER, |info| {
        info.word = Word::Retrying;
        info.failures = 1;
    });
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let notices = [Notice::Ready { process: WORKER, after: tenths(5), how: "tcp 4000".to_owned(), run: 2 }];
    assert_screen(
        &screen(&mut story, &notices, &state, &TailLines::default()),
        "
  ↻ worker    up again in 0.5s (run 2), ready once it holds for 10s   tcp 4000
",
    );
}

#[test]
fn what_a_failure_keeps_down_says_so_and_why() {
    let project = with_worker();
    let state = with(&snapshot(&project, Word::Failed), API, |info| {
        info.word = Word::Blocked;
        info.blocked_by = Some(WORKER);
    });
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let notices = [
        Notice::Blocked { process: API, by: WORKER },
        Notice::Blocked { process: DB, by: API },
        Notice::Unblocked { process: API },
        Notice::SettledWithFailures { after: tenths(43), failed: vec![API, WORKER] },
    ];
    assert_screen(
        &screen(&mut story, &notices, &state, &TailLines::default()),
        "
  … api       not started: worker failed (it needs worker)
  … db        not started: worker failed (it needs api, which needs worker)
  … api       waiting again: the dependency that had failed has recovered

  not all up after 4.3s: api, worker failed · run why worker
  api     http://127.0.0.1:3101
  db      127.0.0.1:5433
  cache   127.0.0.1:6380
  worker  127.0.0.1:4000
  keys: s status  l only…  r restart…  d detach  q stop  ? help
",
    );
}

fn stopped(process: ProcessId, count: u64, why: StopWhy, killed: bool) -> Notice {
    Notice::Stopped { process, after: tenths(count), why, killed }
}

#[test]
fn the_stop_story_ends_with_a_summary() {
    let project = with_worker();
    let state = with(&snapshot(&project, Word::Off), WORKER, |info| info.last_exit = Some(Exit::Code(1)));
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let notices = [
        Notice::Stopping { count: 4, now: false },
        stopped(WEB, 1, StopWhy::Shutdown, false),
        stopped(API, 3, StopWhy::Shutdown, false),
        Notice::StillStopping { process: DB, elapsed: tenths(80), limit: tenths(100) },
        stopped(DB, 86, StopWhy::Shutdown, false),
        stopped(CACHE, 50, StopWhy::Shutdown, true),
        Notice::AllStopped { took: tenths(90), up: Duration::from_secs(302), failed: vec![WORKER] },
    ];
    assert_screen(
        &screen(&mut story, &notices, &state, &TailLines::default()),
        "
  stopping 4 in reverse order (again: kill now)
  ■ worker    0.1s
  ■ api       0.3s
  ! db        still busy after 8s of 10s, SIGTERM sent; SIGKILL at 10s
  ■ db        stopped after 8.6s
  ■ cache     killed after 5.0s
  all stopped in 9.0s · up 5m02s · worker failed (exit 1)
",
    );
}

#[test]
fn a_second_ctrl_c_kills_without_reproaches() {
    assert_screen(
        &told(
            &shop(),
            PLAIN,
            &[
                Notice::Stopping { count: 1, now: false },
                Notice::Stopping { count: 1, now: true },
                stopped(DB, 2, StopWhy::Shutdown, true),
            ],
        ),
        "
  stopping 1 (again: kill now)
  killing 1 now
  ■ db        killed
",
    );
}

#[test]
fn every_other_stop_has_its_reason() {
    assert_screen(
        &told(
            &shop(),
            PLAIN,
            &[
                stopped(DB, 1, StopWhy::User, false),
                stopped(API, 2, StopWhy::Restart, false),
                stopped(WEB, 3, StopWhy::Dependency(DB), false),
                stopped(DB, 100, StopWhy::User, true),
                Notice::Leftovers { process: WEB },
                stopped(WEB, 3, StopWhy::Leftovers, false),
                Notice::WillNotDie { process: DB },
                Notice::EndsRun { process: WEB, code: 3 },
            ],
        ),
        "
  ■ db        stopped by you (0.1s)
  ■ api       stopped for a restart (0.2s)
  ■ web       stopped: its dependency db went away (0.3s)
  ■ db        stopped by you (10s), by SIGKILL: SIGTERM did not end it within 10s
  ! web       left processes behind, which are ended now
  ■ web       what it had left behind is gone (0.3s)
  ✗ db        SIGKILL has not ended it: the kernel holds it, most often in a disk or network call
  ✗ web       its end ends the run, exit code 3
",
    );
}

#[test]
fn a_procfile_says_how_to_keep_the_others() {
    let project = Project { dialect: Dialect::Procfile, ..shop() };
    let line = told(&project, PLAIN, &[Notice::EndsRun { process: WEB, code: 3 }]);
    assert_eq!(line, "  ✗ web       its end ends the run, exit code 3 (--keep-going lets the others run)");
}

#[test]
fn what_ended_before_it_was_ready_is_not_said_to_have_failed() {
    let project = with_worker();
    let state = with(&snapshot(&project, Word::Done), API, |info| {
        info.word = Word::Blocked;
        info.blocked_by = Some(WORKER);
    });
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let lines = story.tell(&Notice::Blocked { process: API, by: WORKER }, &state, now()).lines;
    assert_eq!(lines, ["  … api       not started: worker ended before it was ready (it needs worker)"]);
}

#[test]
fn the_summary_names_three_and_counts_the_rest() {
    let project = shop();
    let state = with(&snapshot(&project, Word::Failed), DB, |info| {
        info.failed_otherwise = Some("no such file: ./db".to_owned())
    });
    let state = with(&state, API, |info| info.word = Word::Blocked);
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let all = Notice::AllStopped { took: tenths(1), up: tenths(99), failed: vec![DB, API, CACHE, WEB, MIGRATE] };
    assert_eq!(
        story.tell(&all, &state, now()).lines,
        [
            "  all stopped in 0.1s · up 9.9s · db failed (no such file: ./db) · api not started · cache failed · 2 more failed"
        ]
    );
}

#[test]
fn long_names_are_cut_in_the_column_and_whole_in_commands() {
    let project = project(vec![program("a-very-long-program-name-indeed", None)]);
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let notice = Notice::Crashed {
        process: DB,
        run: 1,
        reason: Reason::Spawn("could not start: x".to_owned()),
        after: Duration::ZERO,
        again_in: None,
        first: true,
    };
    let lines = story.tell(&notice, &snapshot(&project, Word::Failed), now()).lines;
    assert_eq!(lines[0], "  ✗ a-very-lon…me-indeed   could not start: x (run 1)");
    assert_eq!(
        lines[1],
        "  next: run why a-very-long-program-name-indeed   ·   run restart a-very-long-program-name-indeed"
    );
}

/// Removes what our own colours consist of: ESC, `[`, digits and semicolons, `m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix('m') {
            Some(rest) => text + rest,
            None => text + "\x1b" + part,
        }
    })
}

/// Every notice that carries foreign text.
fn foreign(text: &str) -> Vec<Notice> {
    let spawn = Reason::Spawn(text.to_owned());
    let not_ready = Reason::NotReady { limit: tenths(1), last: Some(text.to_owned()) };
    vec![
        Notice::Ready { process: DB, after: tenths(1), how: text.to_owned(), run: 1 },
        Notice::NotReadyYet { process: DB, elapsed: tenths(1), last: Some(text.to_owned()), tries: 1 },
        Notice::Crashed { process: DB, run: 1, reason: spawn.clone(), after: tenths(1), again_in: None, first: true },
        Notice::Crashed {
            process: DB,
            run: 1,
            reason: not_ready.clone(),
            after: tenths(1),
            again_in: None,
            first: true,
        },
        Notice::GaveUp { process: DB, run: 1, tries: 2, reason: not_ready, each_time: true, after: tenths(1) },
        Notice::GaveUp { process: DB, run: 1, tries: 2, reason: spawn, each_time: true, after: tenths(1) },
        Notice::AllReady { after: tenths(1), chain: vec![(DB, tenths(1))] },
        Notice::AllStopped { took: tenths(1), up: tenths(1), failed: vec![DB] },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_foreign_text_reaches_the_terminal_as_a_control(
        text in prop_oneof![any::<String>(), "[\\x00-\\x1f\\x7f\u{80}-\u{9f}\\[m;0-9a]{0,20}"],
    ) {
        let mut project = project(vec![program("db", None)]);
        project.programs[0].command = crate::model::Command::Shell(text.clone());
        project.programs[0].directory = Some(crate::model::Template::literal(text.clone()));
        project.programs[0].instances[0].name = ProcessName::new("db", text.clone());
        let state = with(&snapshot(&project, Word::Failed), DB, |info| info.failed_otherwise = Some(text.clone()));
        let mut story = Story::new(&project, &ports(), Telling { notes: vec![text.clone()], ..telling(COLOUR) });
        let tail = TailLines { lines: vec![text.clone()], total: 9 };
        let mut lines = story.header(&HeaderFacts { name: &text, worktree: Some(&text), socket_ready: true }, now());
        lines.extend(screen(&mut story, &foreign(&text), &state, &tail).split('\n').map(ToOwned::to_owned));
        for line in lines {
            prop_assert!(!without_colours(&line).chars().any(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn the_banner_is_shown_once_and_later_turns_are_one_line() {
    let project = shop();
    let mut story = Story::new(&project, &Ports::default(), Telling { keys: false, ..telling(PLAIN) });
    let settled = |count, failed| Notice::SettledWithFailures { after: tenths(count), failed };
    let notices = [
        settled(43, vec![API]),
        settled(50, vec![API, WEB]),
        Notice::AllReady { after: tenths(60), chain: vec![(API, tenths(2))] },
    ];
    assert_screen(
        &screen(&mut story, &notices, &snapshot(&project, Word::Failed), &TailLines::default()),
        "

  not all up after 4.3s: api failed · run why api
  not all up any more: api, web failed · run why api
  all up now, after 6.0s · slowest api 0.2s
",
    );
}
