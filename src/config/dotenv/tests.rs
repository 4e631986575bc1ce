//! Lines of an env file, one rule a test, and bytes that are none.

use proptest::prelude::*;

use super::*;

fn read_file(text: &str) -> EnvText {
    let outer = [("OUTER", "outside"), ("A", "outer a"), ("EMPTY", "")];
    parse(text, &outer.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// The value of `A` in a file that has no mistakes.
fn value(text: &str) -> String {
    let read = read_file(text);
    assert_eq!(read.problems, [], "{text}");
    let pair = read.pairs.into_iter().find(|(name, _)| name == "A");
    pair.unwrap_or_else(|| panic!("no A in {text}")).1
}

fn problem_lines(text: &str) -> Vec<usize> {
    read_file(text).problems.iter().map(|problem| problem.line).collect()
}

fn names(text: &str) -> Vec<String> {
    read_file(text).pairs.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn export_and_blanks_round_the_equals_sign_are_taken_away() {
    for text in ["A=1", "export A=1", "  export\tA = 1  ", "A =1", "A= 1", "\tA\t=\t1\t"] {
        assert_eq!(value(text), "1", "{text:?}");
    }
}

#[test]
fn export_can_be_a_name() {
    assert_eq!(names("export=1"), ["export"]);
    assert_eq!(names("export = 1"), ["export"]);
    assert_eq!(names("exported=1"), ["exported"]);
}

#[test]
fn unquoted_blanks_and_backslashes_are_kept() {
    assert_eq!(value("A=hello  world"), "hello  world");
    assert_eq!(value("A=C:\\new\\table"), "C:\\new\\table");
    assert_eq!(value("A={\"k\": 1}"), "{\"k\": 1}");
    assert_eq!(value("A=it's \"so\""), "it's \"so\"");
}

#[test]
fn backslash_n_is_a_line_end_in_double_quotes_only() {
    assert_eq!(value("A=\"a\\nb\""), "a\nb");
    assert_eq!(value("A='a\\nb'"), "a\\nb");
    assert_eq!(value("A=a\\nb"), "a\\nb");
}

#[test]
fn other_backslashes_in_double_quotes_are_kept() {
    assert_eq!(value("A=\"a\\tb\\é\""), "a\\tb\\é");
    assert_eq!(value("A=\"say \\\"hi\\\" \\\\ \\${OUTER}\""), "say \"hi\" \\ ${OUTER}");
}

#[test]
fn double_quotes_go_over_lines() {
    assert_eq!(value("A=\"-----BEGIN\n  abc=\n\nEND\" # key\nB=1"), "-----BEGIN\n  abc=\n\nEND");
    assert_eq!(value("A=\"a\r\nb\"\r\n"), "a\nb");
    assert_eq!(names("A=\"a\n#b\"\nB=1"), ["A", "B"]);
}

#[test]
fn a_comment_begins_with_a_hash_after_a_blank() {
    assert_eq!(value("# x\n  # y\n\nA=a#b # c # d"), "a#b");
    assert_eq!(value("A=a\t# b"), "a");
    assert_eq!(value("A=#fff"), "#fff");
    assert_eq!(value("A= # nothing"), "");
    assert_eq!(value("A=\"a # b\"  # c"), "a # b");
    assert_eq!(value("A='a # b' # c"), "a # b");
}

#[test]
fn empty_is_empty() {
    for text in ["A=", "A= ", "A=\"\"", "A=''"] {
        assert_eq!(value(text), "", "{text:?}");
    }
}

#[test]
fn braces_see_earlier_lines_before_the_outside() {
    assert_eq!(value("A=${OUTER}/x"), "outside/x");
    assert_eq!(value("B=b\nA=\"${B}-${OUTER}\""), "b-outside");
    assert_eq!(value("OUTER=inside\nA=${OUTER}"), "inside");
    assert_eq!(value("A=${A}:more"), "outer a:more");
    assert_eq!(value("A=1\nA=${A}2"), "12");
}

#[test]
fn nothing_is_expanded_in_single_quotes_and_nothing_is_run() {
    assert_eq!(value("A='${OUTER}'"), "${OUTER}");
    assert_eq!(value("A=$(id) `id`"), "$(id) `id`");
}

#[test]
fn a_dollar_that_begins_no_braces_is_a_dollar() {
    assert_eq!(value("A=$2y$10$abc"), "$2y$10$abc");
    assert_eq!(value("A=\"$2y$10$abc $OUTER\""), "$2y$10$abc $OUTER");
    assert_eq!(value("A=5$ ${ ${} ${a b}"), "5$ ${ ${} ${a b}");
}

#[test]
fn a_default_stands_in_for_the_unset_and_the_empty() {
    assert_eq!(value("A=${NO:-d e}"), "d e");
    assert_eq!(value("A=${EMPTY:-d}"), "d");
    assert_eq!(value("A=${OUTER:-d}"), "outside");
    assert_eq!(value("A=\"${NO:-}\""), "");
}

#[test]
fn an_undefined_name_is_reported_and_empty() {
    let read = read_file("B=1\nA=x${NO}y");
    assert_eq!(read.pairs[1], ("A".to_owned(), "xy".to_owned()));
    assert_eq!(read.problems[0].line, 2);
    assert_eq!(read.problems[0].to_string(), "`${NO}` is defined neither above nor in the environment, so it is empty");
}

#[test]
fn the_last_duplicate_wins() {
    let read = read_file("A=1\nB=2\nA=3");
    assert_eq!(read.pairs, [("B".to_owned(), "2".to_owned()), ("A".to_owned(), "3".to_owned())]);
}

#[test]
fn names_may_have_dashes_dots_and_digits() {
    assert_eq!(names("my-key=1\na.b=2\n1st=3\n_=4"), ["my-key", "a.b", "1st", "_"]);
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_accepted() {
    let read = read_file("\u{feff}A=1\r\nB='2'\r\n\r\n");
    assert_eq!(read.pairs, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
    assert_eq!(read.problems, []);
}

#[test]
fn a_bad_line_costs_only_itself() {
    let text = "A=1\nno equals sign\n=x\ncafé=1\nexport B\nC='a' b\nD=\"a\"b\nE=5";
    assert_eq!(names(text), ["A", "E"]);
    assert_eq!(problem_lines(text), [2, 3, 4, 5, 6, 7]);
}

#[test]
fn an_unclosed_quote_costs_only_its_line() {
    assert_eq!(names("A=\"x\nB=2\nC=3"), ["B", "C"]);
    assert_eq!(names("A='x\nB='2'\nC=3"), ["B", "C"]);
    assert_eq!(names("A=\"x\nB=\"2\"\nC=\"3\""), ["B", "C"]);
    assert_eq!(problem_lines("A=\"x\nB=\"2\"\nC=\"3\""), [1]);
    assert_eq!(read_file("A=\"x").problems[0].message, "the quote is not closed");
}

#[test]
fn a_message_never_shows_the_text_of_the_line() {
    for text in ["hunter2", "hunter 2=x", "A='hunter2", "A='x' hunter2"] {
        let read = read_file(text);
        assert_eq!(read.problems.len(), 1, "{text}");
        assert!(!read.problems[0].message.contains("hunter"), "{text}");
    }
}

#[test]
fn a_value_with_nul_is_refused() {
    assert_eq!(problem_lines("A=a\0b\nB=1"), [1]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([AB= \t'\"\\\\$#{}:\r\n-]|export|é|\u{feff}){0,60}") {
        let read = read_file(&text);
        prop_assert!(read.problems.iter().all(|problem| problem.line <= text.lines().count()));
    }

    #[test]
    fn any_value_survives_double_quotes(text in "[^\0\r]{0,40}") {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        prop_assert_eq!(value(&format!("A=\"{quoted}\"")), text);
    }

    #[test]
    fn lines_after_a_bad_one_are_read(bad in "[a-z '\"$\\\\#]{0,20}") {
        let read = read_file(&format!("X={bad}\nLAST=\"1\""));
        prop_assert!(read.pairs.contains(&("LAST".to_owned(), "1".to_owned())), "{bad}");
    }
}

#[test]
fn values_that_name_one_another_twice_do_not_grow_without_end() {
    let doubled = (1..60).map(|line| format!("A{line}=${{A{}}}${{A{}}}", line - 1, line - 1));
    let lines: Vec<String> =
        ["A0=0123456789".to_owned()].into_iter().chain(doubled).chain(["LAST=1".to_owned()]).collect();
    let read = parse(&lines.join("\n"), &BTreeMap::new());
    assert!(read.pairs.iter().map(|(_, value)| value.len()).sum::<usize>() <= MOST_TEXT);
    assert_eq!(read.pairs.last().unwrap().0, "LAST");
    let problem = read.problems.iter().find(|problem| problem.empty.is_none()).unwrap();
    assert!(problem.message.contains("longer than a program may be given"), "{problem}");
}
