//! Which lines need a shell, and for how long.

use proptest::prelude::*;

use super::*;

fn words_of(line: &str) -> Vec<String> {
    match shape(line) {
        Shape::Words(words) => words,
        other @ (Shape::Simple | Shape::Compound) => panic!("{line}: {other:?}"),
    }
}

#[test]
fn plain_words_need_no_shell() {
    assert_eq!(words_of("python -m http.server 8000"), ["python", "-m", "http.server", "8000"]);
    assert_eq!(words_of("  a\t b=c:/d,e@f%g+h^i\n"), ["a", "b=c:/d,e@f%g+h^i"]);
    assert_eq!(words_of("a b#c é 5$ $. =x"), ["a", "b#c", "é", "5$", "$.", "=x"]);
}

#[test]
fn quotes_alone_need_no_shell() {
    assert_eq!(
        words_of(r#"node "my file.js" 'a $B;c' a\ b "" x"y"z"#),
        ["node", "my file.js", "a $B;c", "a b", "", "xyz"]
    );
    assert_eq!(words_of(r#"a "b\$c\d" '\'"#), ["a", r"b$c\d", r"\"]);
    assert_eq!(words_of("'my tool' x"), ["my tool", "x"]);
}

#[test]
fn one_command_with_expansions_is_simple() {
    for line in [
        "postgres -D .pg -p $PORT",
        "a ${PORT}",
        "a ${X:-b c}",
        "a ${X:-b;c}",
        "a \"$PORT\"",
        "a *.rb",
        "a b?",
        "a [ab]",
        "a ~/x",
        "a {b,c}",
        "a $@ $# $? $$",
        "a # comment; it's a \"comment",
        "a $(cat b)",
        "a \"$(cat \"b c\")\"",
        "a $((1 + 2)) $(b (c))",
        "a $(b; c | d)",
        "a \\\nb",
    ] {
        assert_eq!(shape(line), Shape::Simple, "{line}");
    }
}

#[test]
fn one_command_with_redirections_is_simple() {
    for line in ["a > b", "a>b", "a 2>&1", "a >>b 2>c <d", "a >| b", "a <&3", "a 2>&1 >\"b c\""] {
        assert_eq!(shape(line), Shape::Simple, "{line}");
    }
}

#[test]
fn several_commands_stay_with_the_shell() {
    for line in [
        "a; b",
        "a && b",
        "a || b",
        "a | b",
        "a & b",
        "a &",
        "a\nb",
        "(a)",
        "a $x; b",
        "a 2>&1 | b",
        "a >b & c",
        "a &>b",
        "a <(b)",
        "a <<E",
        "a `b`",
        "a \"`b`\"",
        "a # c\nb",
        "a #\\\nb",
        "a $(b) ; c",
        "a $(case b in b) echo c;; esac)",
        "a $(b # ')\n) ; c",
        "f() { a; }",
        "a '; b",
        "a \"; b",
        "a \\",
        "a ${X:-'}; b '}",
        "a $'x'",
        "",
        "  ",
        "# a",
    ] {
        assert_eq!(shape(line), Shape::Compound, "{line}");
    }
}

#[test]
fn what_only_a_shell_can_do_stays_with_it() {
    for line in [
        "cd x",
        "source .venv/bin/activate",
        ". ./env",
        "ulimit -n 4096",
        "export A=1",
        "exec a",
        "'cd' x",
        "if a",
        "while a",
        "{ a",
        "! a",
        "time a",
        "A=1 a",
        "A=1",
        "A+=1 a",
        "A=\"x y\" a",
        "$CMD a",
        "~/bin/a b",
        "./*/a",
        "> b a",
        "-a b",
        "'' b",
    ] {
        assert_eq!(shape(line), Shape::Compound, "{line}");
    }
    for line in ["cdrom x", "./cd x", "forever a", "a-b=c d"] {
        assert!(matches!(shape(line), Shape::Words(_)), "{line}");
    }
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(line in "([a-c]|[ \t\n'\"\\\\$(){}\\[\\]<>|&;#*?~=!`é-]){0,40}") {
        shape(&line);
    }

    #[test]
    fn quoted_words_come_back(words in prop::collection::vec("[^\0]{0,12}", 1..6)) {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        let line = format!("run {}", quoted.join(" "));
        let found = words_of(&line);
        prop_assert_eq!(&found[1..], &words[..]);
    }
}
