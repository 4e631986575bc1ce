//! Tests of the page of a log.

use std::sync::Arc;

use super::*;
use crate::logs::Channel;
use crate::model::WallTime;

const ROOM: Room = Room { columns: 10, rows: 3 };

fn entry(number: u64, text: &str) -> Entry {
    let line = LogLine {
        process: Arc::from("web"),
        channel: Channel::Stdout,
        at: WallTime(number),
        up: 1,
        run: 1,
        bytes: text.as_bytes().to_vec(),
        is_finished: true,
    };
    let place = Place { at: WallTime(number), track: 0, offset: number * 1000 };
    Entry { line, place, end: (number + 1) * 1000, begins_run: false, is_open: false }
}

fn page(count: u64) -> LogPage {
    let mut page = LogPage::new();
    page.append((0..count).map(|number| entry(number, &format!("line {number}"))).collect());
    page.is_at_end = true;
    page
}

fn seen(page: &LogPage, room: Room) -> Vec<String> {
    let text = |row: Visible| row.pieces.into_iter().map(|piece| piece.text).collect();
    page.layout(room, None).into_iter().map(text).collect()
}

#[test]
fn it_follows_until_it_is_scrolled_and_never_jumps_then() {
    let mut page = page(10);
    assert_eq!(seen(&page, ROOM), ["line 7", "line 8", "line 9"]);
    page.append(vec![entry(10, "line 10")]);
    assert_eq!(seen(&page, ROOM)[2], "line 10");
    page.scroll(-2, ROOM, None);
    assert_eq!(seen(&page, ROOM), ["line 6", "line 7", "line 8"]);
    page.append((11..20).map(|number| entry(number, "more")).collect());
    assert_eq!((seen(&page, ROOM)[0].as_str(), page.new), ("line 6", 9));
    page.scroll(100, ROOM, None);
    assert!(page.follows() && page.new == 0);
}

#[test]
fn what_is_read_on_the_way_to_the_end_is_not_new() {
    let mut page = page(0);
    page.clear();
    page.append((0..5).map(|number| entry(number, "first")).collect());
    page.show_first();
    page.append((5..9).map(|number| entry(number, "kept")).collect());
    assert_eq!(page.new, 0);
    page.is_at_end = true;
    page.append(vec![entry(9, "written now")]);
    // A flood: there is more than was read.
    page.is_at_end = false;
    page.append(vec![entry(10, "and this")]);
    assert_eq!(page.new, 2);
}

#[test]
fn long_lines_are_wrapped_and_their_rows_scrolled_one_by_one() {
    let mut page = page(0);
    page.append(vec![entry(0, "first"), entry(1, "abcdefghijklmnopqrstuvwxyz"), entry(2, "last")]);
    assert_eq!(seen(&page, ROOM), ["klmnopqrst", "uvwxyz", "last"]);
    page.scroll(-1, ROOM, None);
    assert_eq!(seen(&page, ROOM), ["abcdefghij", "klmnopqrst", "uvwxyz"]);
    page.scroll(-9, ROOM, None);
    assert_eq!(seen(&page, ROOM)[0], "first");
    page.wraps = false;
    assert_eq!(seen(&page, ROOM), ["first", "abcdefghij", "last"]);
    page.left = 5;
    assert_eq!(seen(&page, ROOM), ["", "fghijklmno", ""]);
}

#[test]
fn wide_characters_are_never_cut() {
    let mut page = page(0);
    page.append(vec![entry(0, "日本語テキスト")]);
    assert_eq!(seen(&page, Room { columns: 5, rows: 9 }), ["日本", "語テ", "キス", "ト"]);
    assert_eq!(seen(&page, Room { columns: 1, rows: 2 }).len(), 2);
}

#[test]
fn what_it_holds_is_bounded_and_what_goes_is_told() {
    let mut page = page(0);
    let most = u64::try_from(MOST_LINES).unwrap();
    let forgotten = page.append((0..most + 5).map(|number| entry(number, "x")).collect());
    assert_eq!((forgotten.len(), page.lines().count()), (5, MOST_LINES));
    page.show_first();
    assert!(!page.takes_newer());
    let forgotten = page.prepend(vec![entry(3, "old"), entry(4, "old")]);
    assert_eq!(forgotten.iter().map(|entry| entry.place.at.0).collect::<Vec<_>>(), [most + 4, most + 3]);
    assert!(!page.is_at_end);
    assert_eq!(seen(&page, ROOM)[0], "x", "what is seen stays");
}

#[test]
fn an_open_line_is_replaced_when_it_grows() {
    let mut page = page(1);
    page.append(vec![Entry { is_open: true, ..entry(1, "na") }, entry(2, "between")]);
    page.append(vec![entry(1, "name?")]);
    assert_eq!(seen(&page, ROOM), ["line 0", "name?", "between"]);
}

#[test]
fn runs_stand_below_a_rule() {
    let mut page = page(1);
    let mut next = entry(1, "again");
    (next.begins_run, next.line.run) = (true, 2);
    page.append(vec![next]);
    let rows = page.layout(ROOM, Some("exited 1"));
    assert_eq!(rows.iter().map(|row| row.kind).collect::<Vec<_>>(), [Kind::Rule, Kind::Line, Kind::Rule]);
    assert_eq!((rows[0].pieces[0].text.as_str(), rows[2].pieces[0].text.as_str()), ("run 2", "exited 1"));
}

#[test]
fn a_search_goes_from_place_to_place_and_round() {
    let mut page = page(0);
    page.search = Some(Search {
        pattern: Pattern::new("b").unwrap(),
        hits: Vec::new(),
        is_cut: false,
        current: None,
        is_looking: false,
        jumps: false,
    });
    page.append(vec![entry(0, "ab"), entry(1, "x"), entry(2, "bb"), entry(3, "x")]);
    let hits = page.search.as_ref().unwrap().hits.clone();
    assert_eq!(hits.len(), 2);
    assert_eq!(page.step(true, ROOM, None), Some(hits[1]), "the newest is the nearest");
    assert_eq!(page.step(true, ROOM, None), Some(hits[0]));
    assert_eq!(page.step(false, ROOM, None), Some(hits[1]));
    assert!(page.show(hits[0], ROOM) && !page.follows());
    assert_eq!(seen(&page, ROOM)[0], "ab");
}

#[test]
fn of_too_many_places_the_newest_are_held() {
    let mut page = page(0);
    let pattern = Pattern::new("x").unwrap();
    let mut search = Search { pattern, hits: Vec::new(), is_cut: false, current: None, is_looking: true, jumps: false };
    search.hits.reserve(200_001);
    page.search = Some(search);
    // Log by log: the second one is older.
    for number in (150_000..200_000).chain(0..150_001) {
        page.note_hit(&entry(number, "x"));
    }
    let search = page.search.as_mut().unwrap();
    search.is_looking = false;
    search.settle();
    assert_eq!((search.hits.len(), search.is_cut), (100_000, true));
    assert_eq!((search.hits[0].at.0, search.hits[99_999].at.0), (100_000, 199_999));
    page.note_hit(&entry(5, "x"));
    page.note_hit(&entry(200_000, "x"));
    let search = page.search.as_ref().unwrap();
    assert_eq!((search.hits[0].at.0, search.hits[100_000].at.0), (100_000, 200_000));
}

#[test]
fn what_is_marked_is_copied_as_it_was_written() {
    let mut page = page(0);
    page.append(vec![entry(0, "abcdefghijklmnopqrstuvwxyz"), entry(1, "second"), entry(2, "third")]);
    let rows = page.layout(Room { columns: 10, rows: 5 }, None);
    let from = page.point_at(&rows[1], 2);
    let to = page.point_at(&rows[3], 2);
    assert_eq!((from, to), (Point { number: 0, char: 12 }, Point { number: 1, char: 2 }));
    page.selection = Some((to, from));
    assert_eq!(page.selected_text().unwrap(), "mnopqrstuvwxyz\nsec");
    assert_eq!(page.current_text(ROOM, None).unwrap(), "third");
    assert_eq!(page.page_text(ROOM, None), "abcdefghijklmnopqrstuvwxyz\nsecond\nthird");
}

#[test]
fn only_what_is_wanted_belongs_to_it() {
    let mut page = page(0);
    page.filter = Pattern::new("refused");
    page.level = Level::Errors;
    assert!(page.wants(&entry(0, "\x1b[31mERROR\x1b[0m: refused").line));
    assert!(!page.wants(&entry(0, "refused").line));
    assert!(!page.wants(&entry(0, "ERROR").line));
}
