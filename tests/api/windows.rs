//! The windows of logs, compared with those that supervisord gave for logs of the bytes `a b c …`: `record_windows.py` has written them.

use run::logs::window::{BadArguments, TailWindow, Window, read, tail};

const RECORDED: &str = include_str!("windows.tsv");

fn text(window: Window, size: u64) -> String {
    let all: Vec<u8> = (b'a'..=b'z').cycle().take(usize::try_from(size).unwrap()).collect();
    let start = usize::try_from(window.start).unwrap().min(all.len());
    String::from_utf8(all[start..start + usize::try_from(window.length).unwrap()].to_vec()).unwrap()
}

#[test]
fn every_window_is_the_one_that_supervisord_gives() {
    let mut count = 0;
    for row in RECORDED.lines().filter(|row| !row.starts_with('#')) {
        let fields: Vec<&str> = row.split('\t').collect();
        let [method, size, offset, length, answer] = fields[..] else { panic!("{row}") };
        let (size, offset, length) = (size.parse().unwrap(), offset.parse().unwrap(), length.parse().unwrap());
        let ours = if method == "read" {
            read(size, offset, length)
                .map_or_else(|BadArguments| "BAD_ARGUMENTS".to_owned(), |window| text(window, size))
        } else {
            let TailWindow { window, overflow } = tail(size, offset, length);
            format!("{} {size} {overflow}", text(window, size))
        };
        assert_eq!(ours, answer, "{row}");
        count += 1;
    }
    assert!(count > 800, "{count} rows");
}
