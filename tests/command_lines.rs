//! Compares what `plan::shell_line` says of a command line with what `sh` makes of it.

use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use run::plan::shell_line::{Shape, shape};

/// Runs a script in an empty directory and environment.
fn sh(script: &str, directory: &Path) -> Output {
    Command::new("/bin/sh")
        .args(["-c", script])
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("X", "x y")
        .output()
        .expect("sh runs")
}

/// What the script wrote and how it ended.
fn outcome(script: &str, directory: &Path) -> (String, Option<i32>) {
    let output = sh(script, directory);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

/// Pieces of command lines, glued together with and without blanks. Nothing among them runs in the background, and
/// nothing writes to a file but `/dev/null`.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b c",
        " ",
        " ",
        "\t",
        "'",
        "\"",
        "\\",
        "\\$",
        "\\;",
        "$X",
        "${X}",
        "${N:-d}",
        "$",
        "$(",
        ")",
        "(",
        "}",
        "{",
        ";",
        " && ",
        " || ",
        " | ",
        "\n",
        "#",
        " #",
        "*",
        "?",
        "[",
        "]",
        "~",
        "=",
        "!",
        "%s",
        "echo b",
        " >/dev/null",
        " 2>&1",
        "''",
        "\"a b\"",
        "'a $X;b'",
        "`",
        "case a in a) echo c;; esac",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_single_command_means_the_same_after_exec(rest in pieces()) {
        let directory = tempfile::tempdir().expect("a directory");
        // A shell's pid differs from call to call.
        prop_assume!(!rest.contains("$$"));
        let line = format!("printf '[%s]' {rest}");
        match shape(&line) {
            Shape::Compound => {}
            Shape::Words(words) => {
                let ran = Command::new(&words[0]).args(&words[1..]).output().expect("printf runs");
                let ran = (String::from_utf8_lossy(&ran.stdout).into_owned(), ran.status.code());
                prop_assert_eq!(ran, outcome(&line, directory.path()), "{}", line);
            }
            Shape::Simple => {
                let replaced = outcome(&format!("exec {line}"), directory.path());
                prop_assert_eq!(replaced, outcome(&line, directory.path()), "{}", line);
            }
        }
    }
}

#[test]
fn a_simple_command_leaves_no_shell_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let line = "sh -c 'echo $PPID' $X >&1";
    assert_eq!(shape(line), Shape::Simple);
    let own = std::process::id().to_string();
    let (parent, _) = outcome(&format!("exec {line}"), directory.path());
    assert_eq!(parent.trim(), own);
}
