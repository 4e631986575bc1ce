//! The screens of a crash, and of what a failure keeps down.

use super::*;

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
fn a_box_is_as_narrow_as_the_terminal_and_nothing_in_it_is_lost() {
    let project = with_worker();
    let written = ["ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 6379)".to_owned()];
    let drawn = |columns| {
        let mut story = Story::new(&project, &ports(), telling(PLAIN));
        story.spawned(WORKER, 4711);
        let notice = gave_up(4, Reason::Exit(Exit::Code(1)), true);
        let tail = story.tell(&notice, &snapshot(&project, Word::Failed), now()).tail.unwrap();
        tail.render(&written, 31, Some(columns), &TimeZone::UTC).join("\n")
    };
    assert_screen(
        &drawn(80),
        "
  ┌ worker, run 4, last line of 31 ─────────────────────────────────────
  │ ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 6379)
  └ since 10:42:07 · cwd ./worker · python worker.py · pid 4711
  next: run logs worker --run 4   ·   run why worker   ·   run restart worker
",
    );
    assert_screen(
        &drawn(60),
        "
  ┌ worker, run 4, last line of 31 ─────────────────────────
  │ ConnectionRefusedError: [Errno 111] Connect call failed
  │ ('127.0.0.1', 6379)
  └ since 10:42:07 · cwd ./worker · python worker.py
    pid 4711
  next: run logs worker --run 4   ·   run why worker
        run restart worker
",
    );
    assert_screen(
        &drawn(40),
        "
  ┌ worker, run 4, last line of 31 ─────
  │ ConnectionRefusedError: [Errno 111]
  │ Connect call failed ('127.0.0.1',
  │ 6379)
  └ since 10:42:07 · cwd ./worker
    python worker.py · pid 4711
  next: run logs worker --run 4
        run why worker
        run restart worker
",
    );
}

#[test]
fn the_line_of_a_crash_is_as_narrow_as_the_terminal() {
    let project = with_worker();
    let drawn = |columns| {
        let mut story = Story::new(&project, &ports(), telling(PLAIN));
        let said = story.tell(&crash(2, Some(1), false), &snapshot(&project, Word::Retrying), now());
        said.with_first_line_in(columns).lines.join("\n")
    };
    let whole = "  ✗ worker    exited 1 after 2.0s (run 2)              ↻ again in 1s";
    assert_eq!([drawn(None), drawn(Some(80)), drawn(Some(width(whole)))], [whole; 3]);
    assert_eq!(drawn(Some(60)), "  ✗ worker    exited 1 after 2.0s (run 2)   ↻ again in 1s");
    assert_eq!(drawn(Some(50)), "  ✗ worker    exited 1 after 2.0s (run 2)\n    ↻ again in 1s");
    assert_eq!(drawn(Some(30)), "  ✗ worker    exited 1 after\n    2.0s (run 2)\n    ↻ again in 1s");
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
  next: run check   ·   run restart worker
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
    story.ran_out_of_memory(WORKER);
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
  keys: s status  l only…  r restart…  t full screen  d detach  q stop  ? help
",
    );
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
    assert_eq!(lines[1], "  next: run check   ·   run restart a-very-long-program-name-indeed");
}
