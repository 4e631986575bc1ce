//! The screens of a stop.

use super::*;

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
        Notice::AllStopped { took: tenths(90), up: Duration::from_secs(302), failed: vec![WORKER], left: Vec::new() },
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
                Notice::OutOfReach { process: DB, pid: 4711, reason: "operation not permitted".into() },
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
  ✗ db        could not be signalled (pid 4711): operation not permitted
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
fn the_summary_names_three_and_counts_the_rest() {
    let project = shop();
    let state = with(&snapshot(&project, Word::Failed), DB, |info| {
        info.failed_otherwise = Some("no such file: ./db".to_owned());
    });
    let state = with(&state, API, |info| info.word = Word::Blocked);
    let mut story = Story::new(&project, &ports(), telling(PLAIN));
    let all = Notice::AllStopped {
        took: tenths(1),
        up: tenths(99),
        failed: vec![DB, API, CACHE, WEB, MIGRATE],
        left: Vec::new(),
    };
    assert_eq!(
        story.tell(&all, &state, now()).lines,
        [
            "  all stopped in 0.1s · up 9.9s · db failed (no such file: ./db) · api not started · cache failed · 2 more failed"
        ]
    );
}
