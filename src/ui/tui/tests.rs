//! Tests of what is seen, on terminals of several sizes.

use std::sync::Arc;

use jiff::tz::TimeZone;
use ratatui_core::backend::TestBackend;
use ratatui_core::layout::Rect;
use ratatui_core::style::Color;
use ratatui_core::terminal::Terminal;

use crate::client::events::Change;
use crate::logs::Channel;
use crate::logs::kept::{Entry, LogLine, Place};
use crate::model::status::{ProcessStatus, ProjectStatus, RequestReport};
use crate::model::{WallTime, Word};
use crate::ui::look::Look;
use crate::ui::sample_status as sample;
use crate::ui::theme::Theme;
use crate::ui::tui::draw::draw;
use crate::ui::tui::input::{Decoder, Key, Press};
use crate::ui::tui::log::Room;
use crate::ui::tui::projects::ProjectRow;
use crate::ui::tui::state::{Link, Order, Page, Pane, State, Verb};

fn entry(process: &str, number: u64, run: u32, text: &str) -> Entry {
    let line = LogLine {
        process: Arc::from(process),
        channel: Channel::Stdout,
        at: WallTime(number),
        up: 1,
        run,
        bytes: text.as_bytes().to_vec(),
        is_finished: true,
    };
    let place = Place { at: WallTime(number), track: 0, offset: number * 1000 };
    Entry { line, place, end: (number + 1) * 1000, begins_run: false, is_open: false }
}

fn state(status: ProjectStatus, columns: usize, rows: usize, theme: Theme) -> State {
    let look = Look { theme, ..Look::plain() };
    let mut state = State::new(look, TimeZone::UTC, false);
    state.size = Room { columns, rows };
    state.now = sample::STARTED + 252_000;
    state.connected(status);
    state
}

/// The shop of the guide: worker has failed.
fn shop(columns: usize, rows: usize) -> State {
    let mut state = state(sample::shop(), columns, rows, Theme { colour: true, ascii: false });
    let mut again = entry("worker", 3, 4, "\x1b[31mRuntimeError\x1b[0m: queue refused: bad credentials");
    again.begins_run = true;
    state.log.append(vec![entry("worker", 1, 3, "connecting to queue"), entry("worker", 2, 3, "Traceback"), again]);
    (state.log.is_at_end, state.log.is_at_begin) = (true, true);
    state
}

fn terminal(state: &State) -> Terminal<TestBackend> {
    let columns = u16::try_from(state.size.columns).unwrap();
    let rows = u16::try_from(state.size.rows).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(state, frame)).unwrap();
    terminal
}

fn screen(state: &State) -> String {
    let terminal = terminal(state);
    let buffer = terminal.backend().buffer();
    let Rect { width, height, .. } = buffer.area;
    let row = |y| {
        let cells = (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        cells.trim_end().to_owned()
    };
    (0..height).map(row).collect::<Vec<_>>().join("\n")
}

fn press(state: &mut State, bytes: &[u8]) -> Vec<Order> {
    let presses = Decoder::default().feed(bytes);
    presses.into_iter().flat_map(|press| state.press(press)).collect()
}

#[test]
fn the_screen_of_a_shop_with_a_failure() {
    insta::assert_snapshot!(screen(&shop(80, 14)), @"
 shop   3 ready  1 failed  1 done                              up 4m   run.toml
┌ programs ─────────────┬ worker · run 4 · failed: exit 1: queue refu…─ follow ┐
│ ✗ worker    ↻3 failed │connecting to queue                                   │
│ ✓ db               4m │Traceback                                             │
│ ✓ migrate        done │── run 4 ─────────────────────────────────────────────│
│ ✓ api           ↻1 4m │RuntimeError: queue refused: bad credentials          │
│ ✓ web              4m │── exited 1 · failed ─────────────────────────────────│
│                       │                                                      │
│                       │                                                      │
│                       │                                                      │
│                       │                                                      │
│                       │                                                      │
└───────────────────────┴──────────────────────────────────────────────────────┘
 ? keys  q quit  enter focus  / search  r restart  x start  w why  a all logs
");
}

#[test]
fn a_frame_that_is_smaller_than_what_was_laid_out_is_drawn_as_far_as_it_goes() {
    for (columns, rows) in [(80, 24), (20, 5), (1, 1), (100, 1), (1, 40)] {
        for keys in ["", "a", "w", "g", "P", "/x"] {
            let mut state = shop(100, 40);
            press(&mut state, keys.as_bytes());
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            terminal.draw(|frame| draw(&state, frame)).unwrap();
        }
    }
}

#[test]
fn on_a_narrow_terminal_the_list_and_the_page_take_turns() {
    let mut state = shop(40, 10);
    insta::assert_snapshot!(screen(&state), @"
 shop   3 ready  1 failed  1 done
┌ programs ────────────────────────────┐
│ ✗ worker                   ↻3 failed │
│ ✓ db                              4m │
│ ✓ migrate                       done │
│ ✓ api                          ↻1 4m │
│ ✓ web                             4m │
│                                      │
└──────────────────────────────────────┘
 ? keys  q quit  enter focus  / search
");
    press(&mut state, b"\t");
    insta::assert_snapshot!(screen(&state), @"
 shop   3 ready  1 failed  1 done
┌ worker · run 4 · failed: ex…─ follow ┐
│connecting to queue                   │
│Traceback                             │
│── run 4 ─────────────────────────────│
│RuntimeError: queue refused: bad crede│
│ntials                                │
│── exited 1 · failed ─────────────────│
└──────────────────────────────────────┘
 ? keys  q quit  enter focus  / search
");
}

#[test]
fn where_only_ascii_is_safe_there_is_nothing_else() {
    let mut state = shop(120, 12);
    state.look.theme = Theme { colour: false, ascii: true };
    let seen = screen(&state);
    assert!(seen.is_ascii(), "{seen}");
    insta::assert_snapshot!(seen, @"
 shop   3 ready  1 failed  1 done                                                                      up 4m   run.toml
+ programs -------------+ worker - run 4 - failed: exit 1: queue refused: bad credentials --------------------- follow +
| x worker    ~3 failed |connecting to queue                                                                           |
| + db               4m |Traceback                                                                                     |
| + migrate        done |-- run 4 -------------------------------------------------------------------------------------|
| + api           ~1 4m |RuntimeError: queue refused: bad credentials                                                  |
| + web              4m |-- exited 1 - failed -------------------------------------------------------------------------|
|                       |                                                                                              |
|                       |                                                                                              |
|                       |                                                                                              |
+-----------------------+----------------------------------------------------------------------------------------------+
 ? keys  q quit  enter focus  / search  r restart  x start  w why  a all logs  g graph  d details  f filter  P projects
");
}

#[test]
fn the_logs_of_all_stand_behind_their_names() {
    let mut state = shop(80, 10);
    assert_eq!(press(&mut state, b"a"), [Order::OpenLog]);
    assert!(state.scope().is_empty());
    state.log.append(vec![entry("web", 4, 1, "listening on a port that takes quite a few words to tell of")]);
    insta::assert_snapshot!(screen(&state), @"
 shop   3 ready  1 failed  1 done                              up 4m   run.toml
┌ programs ─────────────┬ all programs ──────────────────────────────── follow ┐
│ ✗ worker    ↻3 failed │worker  │ connecting to queue                         │
│ ✓ db               4m │worker  │ Traceback                                   │
│ ✓ migrate        done │worker  │ ── run 4 ───────────────────────────────────│
│ ✓ api           ↻1 4m │worker  │ RuntimeError: queue refused: bad credentials│
│ ✓ web              4m │web     │ listening on a port that takes quite a few w│
│                       │        │ ords to tell of                             │
└───────────────────────┴──────────────────────────────────────────────────────┘
 ? keys  q quit  enter focus  / search  r restart  x start  w why  a one log
");
}

#[test]
fn no_size_is_too_small() {
    for (columns, rows) in
        [(1, 1), (2, 2), (3, 3), (5, 4), (12, 6), (13, 5), (59, 3), (60, 4), (200, 2), (1, 50), (300, 100)]
    {
        for keys in [&b""[..], b"\t", b"w", b"g", b"d", b"?", b"a", b"/", b"P"] {
            let mut state = shop(columns, rows);
            press(&mut state, keys);
            press(&mut state, b"jk\x1b[5~\x1b[6~\x1b[<64;1;1M\x1b[<0;1;1M\x1b[<32;2;2M\x1b[<0;1;1m");
            screen(&state);
        }
    }
}

#[test]
fn failed_ones_stand_on_top_until_that_is_switched_off() {
    let mut state = shop(80, 24);
    let names = |state: &State| state.listed().iter().map(|process| process.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&state), ["worker", "db", "migrate", "api", "web"]);
    press(&mut state, b"o");
    assert_eq!(names(&state), ["db", "migrate", "api", "web", "worker"]);
    assert_eq!(state.selected.as_deref(), Some("worker"));
}

#[test]
fn programs_are_restarted_stopped_and_started() {
    let mut state = shop(80, 24);
    let worker = || vec!["worker".to_owned()];
    assert_eq!(press(&mut state, b"r"), [Order::Ask(Verb::Restart, worker())]);
    assert_eq!(press(&mut state, b"x"), [Order::Ask(Verb::Start, worker())]);
    assert_eq!(press(&mut state, b"R"), [Order::Ask(Verb::Restart, worker())]);
    assert_eq!(press(&mut state, b"j"), [Order::OpenLog]);
    assert_eq!(press(&mut state, b"x"), [Order::Ask(Verb::Stop, vec!["db".to_owned()])]);
    assert_eq!(press(&mut state, b"\r"), [Order::Attach("db".to_owned())]);
    state.answered(Verb::Stop, Ok(RequestReport { timed_out: false, processes: Vec::new() }));
    state.answered(Verb::Stop, Err("no\x1b[2J".to_owned()));
    assert_eq!(state.notice.as_ref().unwrap().text, "no");
}

#[test]
fn nothing_is_asked_of_a_project_that_has_ended() {
    let mut state = shop(80, 24);
    assert!(state.ended().is_empty());
    assert!(press(&mut state, b"r").is_empty());
    assert!(screen(&state).contains("shop has ended   enter wait for its return   q leave"));
    assert_eq!(press(&mut state, b"\r"), [Order::AwaitReturn]);
    assert_eq!(state.link, Link::Awaited);
    let mut status = sample::shop();
    status.pid += 1;
    assert_eq!(state.connected(status), [Order::OpenLog]);
    assert!(screen(&state).contains("it is up again"));
}

#[test]
fn leaving_is_one_key_and_goes_back_to_the_stream_where_there_is_one() {
    for keys in [&b"q"[..], b"\x03"] {
        assert_eq!(press(&mut shop(80, 24), keys), [Order::Leave]);
    }
    assert!(press(&mut shop(80, 24), b"\x1b").is_empty());
    assert!(press(&mut shop(80, 24), b"t").is_empty());
    for keys in [&b"t"[..], b"\x1b", b"q"] {
        let mut state = shop(80, 24);
        state.from_stream = true;
        assert_eq!(press(&mut state, keys), [Order::Leave]);
    }
    let mut state = shop(80, 24);
    state.from_stream = true;
    press(&mut state, b"w");
    assert!(press(&mut state, b"\x1b").is_empty() && state.page == Page::Log, "a page is closed first");
    assert_eq!(state.ended(), [Order::Leave]);
}

#[test]
fn a_search_is_typed_and_counted() {
    let mut state = shop(80, 24);
    assert!(press(&mut state, b"/queu").is_empty());
    assert!(screen(&state).contains("look for: queu"));
    assert_eq!(press(&mut state, b"e\r"), [Order::Search]);
    let lines: Vec<Entry> = state.log.lines().cloned().collect();
    for entry in &lines {
        state.log.note_hit(entry);
    }
    press(&mut state, b"n");
    assert!(screen(&state).contains("/queue 2/2+"), "{}", screen(&state));
    press(&mut state, b"n");
    assert!(screen(&state).contains("/queue 1/2+"));
    press(&mut state, b"\x1b");
    assert!(state.log.search.is_none());
    assert!(press(&mut state, b"/abc\x1b[<64;50;5M\x1b").is_empty() && state.prompt.is_none());
}

#[test]
fn a_filter_and_a_level_read_the_log_anew() {
    let mut state = shop(80, 24);
    assert_eq!(press(&mut state, b"fqueue\r"), [Order::OpenLog]);
    assert_eq!(state.log.filter.as_ref().unwrap().text, "queue");
    assert_eq!(press(&mut state, b"e"), [Order::OpenLog]);
    assert!(screen(&state).contains("only queue · warnings, errors"));
    assert_eq!(press(&mut state, b"\x1b"), [Order::OpenLog]);
    assert!(state.log.filter.is_none());
}

#[test]
fn a_log_that_is_held_says_how_much_is_new() {
    let mut state = shop(80, 6);
    press(&mut state, b" ");
    state.log.append((10..223).map(|number| entry("worker", number, 4, "more")).collect());
    assert!(screen(&state).contains("213 new ↓"), "{}", screen(&state));
    press(&mut state, b"\tG");
    assert!(screen(&state).contains("follow"));
}

#[test]
fn pages_of_text_are_opened_and_closed_by_the_same_key() {
    let mut state = shop(100, 30);
    assert_eq!(press(&mut state, b"w"), [Order::LastLines("worker".into(), 4)]);
    state.last_lines = vec!["the last \x1b[2Jword".into()];
    state.rebuild();
    assert!(screen(&state).contains("worker is failed") && screen(&state).contains("the last word"));
    press(&mut state, b"w");
    assert_eq!(state.page, Page::Log);
    assert_eq!(press(&mut state, b"d"), [Order::Environment("worker".into())]);
    state.environment = vec!["API_KEY=***".into()];
    state.rebuild();
    assert!(screen(&state).contains("API_KEY=***") && screen(&state).contains("./bin/worker"));
    press(&mut state, b"g");
    insta::assert_snapshot!(screen(&state).lines().skip(1).take(12).collect::<Vec<_>>().join("\n"), @"
┌ programs ─────────────┬ graph ───────────────────────────────────────────────────────────────────┐
│ ✗ worker    ↻3 failed │in the order of the start; * is the slowest chain                         │
│ ✓ db               4m │                                                                          │
│ ✓ migrate        done │✓ db        ready +2s (took 2.1s)                                         │
│ ✓ api           ↻1 4m │✓ migrate * done +2s (took 2.1s)                                          │
│ ✓ web              4m │✓ └ api   * ready +2s (took 2.1s)   needs db until ready ✓, migrate until │
│                       │                                    done ✓                                │
│                       │✓   └ web * ready +2s (took 2.1s)   needs api until ready ✓               │
│                       │✗ worker    failed                                                        │
│                       │                                                                          │
│                       │slowest chain: migrate 2.1s → api 2.1s → web 2.1s                         │
│                       │                                                                          │
");
    press(&mut state, b"?");
    assert!(screen(&state).contains("Ctrl-] takes them"));
}

#[test]
fn projects_are_listed_and_chosen() {
    let mut state = shop(100, 30);
    assert_eq!(press(&mut state, b"P"), [Order::ListProjects]);
    let project = |name: &str, is_here| ProjectRow {
        identity: format!("id-{name}"),
        name: name.into(),
        branch: "main".into(),
        state: "3/3 ready".into(),
        root: format!("/src/{name}"),
        is_here,
    };
    state.projects = vec![project("blog", false), project("shop\x1b[2J", true)];
    assert!(screen(&state).contains("* shop  main  3/3 ready  /src/shop"));
    press(&mut state, b"jk");
    assert_eq!(press(&mut state, b"xrR"), [], "the programs are behind the list");
    assert_eq!(press(&mut state, b"\r"), [Order::SwitchTo("id-blog".into())]);
}

#[test]
fn the_mouse_chooses_scrolls_what_is_below_it_and_copies_what_it_marks() {
    let mut state = shop(80, 24);
    assert_eq!(press(&mut state, b"\x1b[<0;5;4M"), [Order::OpenLog], "the second row");
    assert_eq!(state.selected.as_deref(), Some("db"));
    state.log.append((10..100).map(|number| entry("db", number, 1, "line")).collect());
    press(&mut state, b"\x1b[<64;50;10M");
    assert!(!state.log.follows() && state.pane == Pane::List);
    press(&mut state, b"G");
    let area = state.areas().page;
    let at = |x: u16, y: u16| format!("{};{}", area.x + x + 1, area.y + y + 1);
    let drag = format!("\x1b[<0;{}M\x1b[<32;{}M\x1b[<0;{}m", at(1, 0), at(1, 1), at(1, 1));
    assert_eq!(press(&mut state, drag.as_bytes()), [Order::Copy("ine\nli".into())]);
    assert!(screen(&state).contains("copied 2 lines"));
    let release = format!("\x1b[<0;{}m", at(1, 1));
    assert!(press(&mut state, release.as_bytes()).is_empty(), "a click elsewhere ends with a release, too");
    press(&mut state, &drag.as_bytes()[..=drag.find('M').unwrap()]);
    assert!(state.marked.is_some());
    state.select("api");
    assert!(state.marked.is_none(), "lines of another log");
}

#[test]
fn what_nobody_takes_is_not_called_copied() {
    let mut state = shop(80, 24);
    press(&mut state, b"y");
    state.copied(true);
    assert!(screen(&state).contains("copied 1 line"));
    state.copied(false);
    assert!(screen(&state).contains("nothing is copied"), "{}", screen(&state));
}

#[test]
fn many_projects_are_scrolled_by_pages_the_wheel_and_clicks() {
    let mut state = shop(80, 12);
    press(&mut state, b"P");
    let row = |number: usize| ProjectRow {
        identity: format!("id-{number}"),
        name: format!("project{number}"),
        branch: String::new(),
        state: "1/1 ready".into(),
        root: "/p".into(),
        is_here: false,
    };
    state.projects = (0..100).map(row).collect();
    press(&mut state, b"\x1b[6~\x1b[6~");
    assert_eq!(state.project_at, 14, "two pages of seven rows further");
    press(&mut state, b"\x1b[<65;50;5M");
    assert_eq!(state.project_at, 17);
    let area = state.areas().page;
    press(&mut state, format!("\x1b[<0;{};{}M", area.x + 1, area.bottom()).as_bytes());
    assert_eq!(state.project_at, 17, "the last row that is seen");
    press(&mut state, b"\x1b[5~\x1b[5~\x1b[5~");
    assert_eq!(state.project_at, 0);
}

#[test]
fn a_project_that_could_not_be_reached_is_waited_for() {
    let mut state = shop(80, 12);
    state.link = Link::Connecting;
    state.not_reached("it does not answer");
    assert_eq!(state.link, Link::Awaited);
    assert!(screen(&state).contains("waiting for its return") && screen(&state).contains("it does not answer"));
}

#[test]
fn a_project_that_stands_still_says_so_with_what_continues_it_until_it_goes_on() {
    let mut state = shop(80, 12);
    assert!(!state.looked_at(None));
    assert!(state.looked_at(Some(4100)) && !state.looked_at(Some(4100)));
    let seen = screen(&state);
    assert!(seen.lines().next().unwrap().ends_with("suspended"), "{seen}");
    assert!(seen.ends_with("shop is suspended   kill -CONT 4100 continues it, fg where it was Ctrl-Z"), "{seen}");
    assert_eq!(press(&mut state, b"r"), [], "who could do it stands still");
    assert!(screen(&state).ends_with("kill -CONT 4100 continues the project"), "{}", screen(&state));
    assert_eq!(press(&mut state, b"j"), [Order::OpenLog], "what is kept can be read");
    state.size.columns = 40;
    assert!(screen(&state).ends_with("shop is suspended   kill -CONT 4100"), "{}", screen(&state));
    assert!(state.looked_at(None) && state.link == Link::Up);
    assert!(screen(&state).ends_with("enter focus  / search"), "{}", screen(&state));
    state.ended();
    assert!(!state.looked_at(Some(4100)) && state.link == Link::Ended);
}

#[test]
fn hostile_text_moves_nothing_and_forges_nothing() {
    let mut hostile = sample::shop();
    hostile.project = "sh\x1b[2Jop\nx".into();
    hostile.processes[4].note = "exit 1\x1b]0;title\x07\r\n\u{202e}evil".into();
    hostile.files = vec!["run\x1b[31m.toml".into()];
    let mut state = state(hostile, 100, 12, Theme { colour: true, ascii: false });
    let bad = "a\x1b[1;1Hb\x1b[?1049lc\x1b]52;c;AAAA\x07d\re\x08\x00\u{9b}2J\u{202e}f";
    state.log.append(vec![entry("worker", 1, 4, bad), entry("worker", 2, 4, &"\u{301}".repeat(500))]);
    for keys in [&b""[..], b"a", b"w", b"d"] {
        press(&mut state, keys);
        let terminal = terminal(&state);
        for cell in terminal.backend().buffer().content() {
            assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", cell.symbol());
        }
    }
}

#[test]
fn what_is_to_be_known_of_the_project_stands_in_its_line() {
    let mut noted = sample::shop();
    noted.notes = vec!["port 3101 (api) is taken, 3102 is used".into()];
    let state = state(noted, 100, 12, Theme { colour: true, ascii: false });
    assert!(screen(&state).lines().next().unwrap().contains("! port 3101 (api) is taken"), "{}", screen(&state));
}

#[test]
fn colours_of_programs_are_shown() {
    let state = shop(80, 14);
    let terminal = terminal(&state);
    let buffer = terminal.backend().buffer();
    let red = buffer.content().iter().filter(|cell| cell.fg == Color::Red && cell.symbol() == "R").count();
    assert_eq!(red, 1, "RuntimeError");
}

#[test]
fn a_program_that_is_gone_is_not_looked_at_any_more() {
    let mut state = shop(80, 24);
    let change = Change {
        state: "running".into(),
        order: vec!["db".into(), "new".into()],
        notes: Vec::new(),
        processes: vec![ProcessStatus { state: Word::Failed, ..sample::process("new", 7) }],
    };
    assert_eq!(state.changed(change), [Order::OpenLog]);
    assert_eq!(state.selected.as_deref(), Some("new"));
    assert_eq!(state.failed_meanwhile, ["new"]);
    assert_eq!(state.listed().len(), 2);
}

#[test]
fn whoever_fails_again_or_gives_up_while_it_is_seen_has_failed_meanwhile() {
    let mut shop = sample::shop();
    let worker = ProcessStatus { state: Word::Retrying, runs: 2, ..shop.processes[4].clone() };
    shop.processes[4] = worker.clone();
    let mut state = state(shop.clone(), 80, 24, Theme::default());
    let mut tell = |worker: ProcessStatus| {
        let order = shop.processes.iter().map(|process| process.name.clone()).collect();
        state.changed(Change { state: "running".into(), order, notes: Vec::new(), processes: vec![worker] });
        state.failed_meanwhile.clone()
    };
    assert_eq!(tell(worker.clone()), [""; 0]);
    assert_eq!(tell(ProcessStatus { state: Word::Failed, ..worker.clone() }), ["worker"]);
    assert_eq!(tell(ProcessStatus { runs: 3, ..worker }), ["worker"], "it is named once");
}

#[test]
fn the_clock_ticks_by_the_minute_once_everything_is_older() {
    let mut state = shop(80, 24);
    assert_eq!(state.next_tick(), Some(sample::STARTED + 300_000));
    state.now = sample::STARTED + 30_000;
    assert_eq!(state.next_tick(), Some(sample::STARTED + 31_000));
    state.ended();
    assert_eq!(state.next_tick(), None);
}

#[test]
fn pasted_text_is_typed_where_something_is_typed_and_else_nowhere() {
    let mut state = shop(80, 24);
    assert!(state.press(Press::Paste("rx".into())).is_empty());
    state.press(Press::Key(Key::Char('/')));
    state.press(Press::Paste("bad\r\ncred".into()));
    assert_eq!(state.prompt.as_ref().unwrap().typed, "badcred");
}

/// Sixty programs, p00 to p59.
fn crowd(columns: usize, rows: usize) -> State {
    let processes: Vec<ProcessStatus> = (0..60).map(|at| sample::process(&format!("p{at:02}"), at)).collect();
    state(ProjectStatus { processes, ..sample::shop() }, columns, rows, Theme { colour: true, ascii: false })
}

#[test]
fn a_list_that_is_longer_than_the_screen_is_paged_while_it_is_in_front() {
    let mut state = crowd(80, 14);
    let chosen = |state: &State| state.selected.clone().unwrap();
    for (keys, there) in [("\x1b[6~", "p09"), ("\x1b[6~", "p18"), ("\x1b[5~", "p09"), ("G", "p59"), ("\x1b[H", "p00")] {
        assert_eq!(press(&mut state, keys.as_bytes()), [Order::OpenLog], "{keys:?}");
        assert_eq!(chosen(&state), there, "{keys:?}");
        assert!(screen(&state).contains(there), "{keys:?}");
    }
    press(&mut state, b"\x1b[F");
    assert_eq!(chosen(&state), "p59");
    press(&mut state, b"\t\x1b[5~");
    assert_eq!(chosen(&state), "p59", "with the page in front they scroll it");
    let mut narrow = shop(40, 20);
    press(&mut narrow, b"\x1b[F");
    assert_eq!(chosen(&narrow), "web", "nothing else is seen there");
}

#[test]
fn g_goes_to_the_end_of_what_is_in_front_and_the_help_says_of_what() {
    let mut state = crowd(80, 14);
    state.log.append((0..100).map(|number| entry("p00", number, 1, "line")).collect());
    state.log.is_at_end = true;
    press(&mut state, b" ");
    press(&mut state, b"G");
    assert!(state.selected.as_deref() == Some("p59") && !state.log.follows(), "the list is in front");
    press(&mut state, b" ");
    assert!(state.log.follows(), "whatever is in front");
    press(&mut state, b" \tG");
    assert!(state.log.follows(), "the page is in front");
    let mut short = shop(140, 40);
    press(&mut short, b" G");
    assert!(short.log.follows() && short.selected.as_deref() == Some("worker"), "all of the list is seen");
    press(&mut short, b"?");
    let help = screen(&short);
    let told = [
        "home end G   the beginning; the end",
        "longer than the screen, or alone on it, all these move",
        "follow the log",
    ];
    assert!(told.iter().all(|told| help.contains(told)), "{help}");
}

#[test]
fn a_search_on_a_narrow_terminal_shows_its_hits() {
    let mut state = shop(40, 10);
    press(&mut state, b"/queue|what is a long text and not there\r");
    let lines: Vec<Entry> = state.log.lines().cloned().collect();
    for entry in &lines {
        state.log.note_hit(entry);
    }
    press(&mut state, b"n");
    let seen = screen(&state);
    assert!(seen.contains("connecting to queue") && seen.contains("/queue|what"), "{seen}");
    assert!(seen.lines().nth(1).unwrap().contains(" 2/2+"), "{seen}");
}

#[test]
fn a_long_name_of_a_project_hides_nothing() {
    let mut long = sample::shop();
    long.project = "a-checkout-with-a-name-that-goes-on-and-on-and-on-for-longer-than-anybody-would-type".into();
    let mut state = state(long, 80, 10, Theme { colour: true, ascii: false });
    let first = |state: &State| screen(state).lines().next().unwrap().to_owned();
    assert!(first(&state).contains("3 ready  1 failed  1 done") && first(&state).ends_with("run.toml"));
    state.size = Room { columns: 40, rows: 10 };
    assert!(first(&state).contains("3 ready"), "{}", first(&state));
    state.ended();
    assert!(screen(&state).ends_with(" has ended   enter wait   q leave"), "{}", screen(&state));
}

#[test]
fn who_was_up_when_the_project_was_killed_is_shown_as_off_without_a_word_on_how_it_ended() {
    let mut state = shop(80, 14);
    let name = "api".to_owned();
    state.status.as_mut().unwrap().processes[2].last_exit = "exited 1".into();
    press(&mut state, b"o");
    state.select(&name);
    state.ended();
    let seen = screen(&state);
    assert!(seen.contains("3 off"), "{seen}");
    assert!(!seen.contains("ready") && !seen.contains("exited 1"), "{seen}");
    state.select("worker");
    assert!(screen(&state).contains("exited 1"), "who had failed before has");
}
