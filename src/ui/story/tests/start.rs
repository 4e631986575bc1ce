//! The screens of a start.

use super::*;

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
  keys: s status  l only…  r restart…  t full screen  d detach  q stop  ? help
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
  keys: s status  l only..  r restart..  t full screen  d detach  q stop  ? help
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
  keys: s status  l only…  r restart…  t full screen  d detach  q stop  ? help
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
