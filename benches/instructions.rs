//! How many instructions the hot pieces take, counted by valgrind and compared with `benches/instructions.txt`.
//!
//! Unlike time, this hardly depends on the machine and not at all on its load, so a change that makes a piece dearer shows on
//! every push. Each piece runs in processes of its own, with one run and with five: the difference is four runs without the setup.
//!
//! `cargo bench --profile optimized --bench instructions` compares, `cargo bench --bench instructions -- --record` writes the file anew.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a report for a person; a measurement that fails has to stop"
)]

mod pieces;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use pieces::{PIECES, Piece};

/// How much dearer a piece may be than the file says, in percent. Another release of the compiler moves a piece by a few.
const MARGIN: u64 = 10;

/// How many runs the mean is taken of.
const RUNS: usize = 4;

/// What stands at the head of the file.
const HEAD: &str = "# Instructions of one run of each piece of benches/pieces, written by: cargo bench --profile optimized --bench instructions -- --record\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--piece", name, times] => run(name, times.parse().unwrap()),
        ["--record"] => record(),
        [] => compare(),
        _ => {
            println!("usage: cargo bench --profile optimized --bench instructions [-- --record]");
            ExitCode::from(2)
        }
    }
}

/// Runs a piece: this is what valgrind looks at.
fn run(name: &str, times: usize) -> ExitCode {
    let piece = PIECES.iter().find(|piece| piece.name == name).unwrap();
    let mut work = (piece.prepare)();
    for _ in 0..times {
        black_box(work());
    }
    ExitCode::SUCCESS
}

/// Instructions of one run.
fn count(piece: &Piece) -> u64 {
    let counted = |times: usize| {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
        valgrind.arg(std::env::current_exe().unwrap()).args(["--piece", piece.name, &times.to_string()]);
        let output = valgrind.output().expect("valgrind is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find_map(|line| line.split_once("I   refs:").or(line.split_once("I refs:")));
        let (_, number) = line.unwrap_or_else(|| panic!("{} is not counted:\n{said}", piece.name));
        number.trim().replace(',', "").parse::<u64>().unwrap()
    };
    counted(1 + RUNS).saturating_sub(counted(1)) / RUNS as u64
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
}

fn record() -> ExitCode {
    let mut text = HEAD.to_owned();
    for piece in PIECES {
        let count = count(piece);
        println!("{piece:<34} {count:>12}");
        let _ = writeln!(text, "{piece:<34} {count:>12}");
    }
    std::fs::write(file(), text).unwrap();
    ExitCode::SUCCESS
}

fn recorded() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(file()).unwrap();
    let entries = text.lines().filter(|line| !line.starts_with('#'));
    entries
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, count)| (name.to_owned(), count.trim().parse().unwrap()))
        .collect()
}

fn compare() -> ExitCode {
    let recorded = recorded();
    let mut dearer = Vec::new();
    for piece in PIECES {
        let now = count(piece);
        let Some(before) = recorded.get(piece.name).copied() else {
            println!("{piece:<34} {now:>12}  not recorded");
            dearer.push(piece.name);
            continue;
        };
        let tenths = (i128::from(now) - i128::from(before)) * 1000 / i128::from(before.max(1));
        println!("{piece:<34} {now:>12}  was {before:>12}  {:>+6}.{} %", tenths / 10, (tenths % 10).abs());
        if now > before + before * MARGIN / 100 {
            dearer.push(piece.name);
        }
    }
    if dearer.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("more than {MARGIN} % dearer, or not recorded: {}", dearer.join(", "));
    println!(
        "if that is on purpose: cargo bench --profile optimized --bench instructions -- --record, and say why in the commit"
    );
    ExitCode::FAILURE
}
