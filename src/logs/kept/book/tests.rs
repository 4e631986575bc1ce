//! Books that are read both ways, beside a writer.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::logs::hub::Keep;
use crate::logs::kept::writer::{Keeper, KeptWriter};

const ALL: Wanted<'static> = &|_| true;
const MUCH: u64 = 1 << 30;

fn keeper(directory: &Path) -> Keeper {
    Keeper::new(Some(Keep { directory: directory.to_owned(), bytes: 1 << 20, segment_bytes: 64 }))
}

fn log(keeper: &mut Keeper, name: &str) -> KeptWriter {
    keeper.open(name, Channel::Stdout).unwrap().unwrap()
}

fn texts(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.line.bytes).into_owned()).collect()
}

fn book(directory: &Path) -> Book {
    Book::open(KeptLogs::open(directory), Vec::new())
}

#[test]
fn it_is_read_backwards_and_forwards_over_segments_and_logs() {
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = keeper(directory.path());
    let (mut web, mut api) = (log(&mut keeper, "web"), log(&mut keeper, "api"));
    for number in 0..40_u64 {
        web.append(format!("web {number}\n").as_bytes(), WallTime(number * 100), 1).unwrap();
        api.append(format!("api {number}\n").as_bytes(), WallTime(number * 100 + 50), 1).unwrap();
    }
    let mut book = book(directory.path());
    assert_eq!(texts(&book.older(3, MUCH, ALL)), ["api 38", "web 39", "api 39"]);
    assert_eq!(texts(&book.older(2, MUCH, ALL)), ["api 37", "web 38"]);
    let rest = book.older(1000, MUCH, ALL);
    assert_eq!((rest.len(), texts(&rest[..1])), (75, vec!["web 0".to_owned()]));
    assert!(book.is_at_begin() && book.older(10, MUCH, ALL).is_empty());
    book.go_to(rest[40].place);
    assert_eq!(texts(&book.newer(2, MUCH, ALL)), texts(&rest[40..42]));
    assert_eq!(texts(&book.older(2, MUCH, ALL)), texts(&rest[38..40]));
    assert_eq!(book.newer(1000, MUCH, ALL).len(), 38);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = keeper(directory.path());
    let mut web = log(&mut keeper, "web");
    for number in 0..40_u64 {
        web.append(format!("web {number}\n").as_bytes(), WallTime(number), 1).unwrap();
    }
    let mut found = book(directory.path());
    assert_eq!(found.trouble(), None);
    let log = found.tracks[0].directory.clone();
    let first = log.join(layout::segment_name(found.tracks[0].begin()));
    fs::remove_file(&first).unwrap();
    symlink(&first, &first).unwrap();
    found = book(directory.path());
    assert!(found.trouble().unwrap().contains("cannot be read"));
    assert_eq!(texts(&found.older(1, MUCH, ALL)), ["web 39"], "the rest is there");
}

#[test]
fn what_is_forgotten_at_an_end_comes_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = keeper(directory.path());
    let mut web = log(&mut keeper, "web");
    web.append(b"a\nb\nc\n", WallTime(1), 1).unwrap();
    let mut book = book(directory.path());
    let all = book.older(9, MUCH, ALL);
    book.forget_last(&all[2]);
    book.forget_first(&all[0]);
    assert_eq!(texts(&book.newer(9, MUCH, ALL)), ["c"]);
    assert_eq!(texts(&book.older(9, MUCH, ALL)), ["a"]);
}

#[test]
fn an_open_line_comes_again_when_it_has_grown() {
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = keeper(directory.path());
    let mut web = log(&mut keeper, "web");
    web.append(b"one\nna", WallTime(1), 1).unwrap();
    let mut book = book(directory.path());
    let found = book.older(9, MUCH, ALL);
    assert_eq!((texts(&found), found[1].is_open), (vec!["one".to_owned(), "na".to_owned()], true));
    assert!(book.newer(9, MUCH, ALL).is_empty());
    web.append(b"me?", WallTime(2), 1).unwrap();
    let found = book.newer(9, MUCH, ALL);
    assert_eq!((texts(&found), found[0].is_open), (vec!["name?".to_owned()], true));
    web.append(b" x\ny\n", WallTime(3), 1).unwrap();
    let again = book.newer(9, MUCH, ALL);
    assert_eq!(texts(&again), ["name? x", "y"]);
    assert_eq!(again[0].place.offset, found[0].place.offset);
}

#[test]
fn runs_are_told_apart_and_found() {
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = keeper(directory.path());
    let mut web = log(&mut keeper, "web");
    web.append(b"a\nhalf", WallTime(1), 1).unwrap();
    web.append(b"b\n", WallTime(9), 2).unwrap();
    let mut book = book(directory.path());
    let all = book.older(9, MUCH, ALL);
    assert_eq!(texts(&all), ["a", "half", "b"]);
    assert_eq!(all.iter().map(|entry| entry.begins_run).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(book.runs(), [all[0].place, all[2].place]);
}

#[test]
fn a_scan_sees_every_line_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = keeper(directory.path());
    for name in ["web", "api"] {
        let mut log = log(&mut keeper, name);
        for at in 0..50_u64 {
            log.append(format!("{name} {at}\n").as_bytes(), WallTime(at), 1).unwrap();
        }
    }
    let (mut book, mut scan, mut count) = (book(directory.path()), Scan::default(), 0);
    while book.scan(&mut scan, &mut |_| count += 1) {}
    assert_eq!(count, 100);
}

#[test]
fn only_what_is_wanted_is_given_and_the_rest_is_passed() {
    let directory = tempfile::tempdir().unwrap();
    let mut keeper = keeper(directory.path());
    let mut web = log(&mut keeper, "web");
    for number in 0..100_u64 {
        web.append(format!("{number}\n").as_bytes(), WallTime(number), 1).unwrap();
    }
    let mut book = book(directory.path());
    let tens: Wanted<'_> = &|line| line.bytes.ends_with(b"0");
    assert_eq!(texts(&book.older(2, MUCH, tens)), ["80", "90"]);
    book.go_to_begin();
    assert_eq!(texts(&book.newer(3, MUCH, tens)), ["0", "10", "20"]);
}
