//! Properties that hold for any bytes: no panic, bounded memory, nothing lost on the way out and back in, and no difference between
//! bytes that come at once and bytes that come in pieces.
//!
//! The same checks are the targets of cargo-fuzz (`fuzz/`), where a nightly compiler is. Here every seed of theirs is checked, and
//! many cases that are made of them by small changes.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod stream;
mod targets;
mod text;
mod wire;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use targets::{TARGETS, Target};

/// Meters the memory of this process.
#[global_allocator]
static METER: PeakAlloc = PeakAlloc;

static TURN: Mutex<()> = Mutex::new(());

macro_rules! properties {
    ($($name:ident),* $(,)?) => {
        /// The names of the tests below.
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                holds(stringify!($name));
            }
        )*
    };
}

properties!(
    ansi, basic_auth, capture, conf, dotenv, extension, guard, http, ini, lines, listener, notify, percent, procfile,
    shlex, strip, template, toml, xmlrpc, yaml,
);

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_property_is_tested_and_fuzzed_and_has_seeds() {
    let table: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(TESTED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), table);
    assert_eq!(names(&fuzz().join("fuzz_targets")), table);
    assert_eq!(names(&fuzz().join("corpus")), table);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in table {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "fuzz/Cargo.toml has no [[bin]] {name}");
        let text = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("check(\"{name}\", data)")), "fuzz_targets/{name}.rs checks something else");
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let directory = fuzz().join("corpus").join(name);
    let mut paths: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn holds(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(name);
    assert!(seeds.len() >= 3, "{name} has {} seeds", seeds.len());
    for seed in &seeds {
        checked(target, seed).unwrap();
    }
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    runner.run(&like(&seeds), |bytes| checked(target, &bytes)).unwrap();
}

/// Runs a check and looks at the memory that it held at once.
fn checked(target: &Target, bytes: &[u8]) -> Result<(), TestCaseError> {
    let used = {
        // The meter counts the whole process, so one check runs at a time.
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let before = METER.current_usage();
        METER.reset_peak_usage();
        (target.check)(bytes);
        METER.peak_usage().saturating_sub(before) as u64
    };
    let allowed = (target.memory << 10) + target.memory_per_byte * bytes.len() as u64;
    prop_assert!(used <= allowed, "{} bytes held for {} of input", used, bytes.len());
    Ok(())
}

/// Bytes like the seeds, with a few changes, and any bytes at all.
fn like(seeds: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> {
    let seed = || proptest::sample::select(seeds.to_vec());
    let change = (
        any::<u8>(),
        any::<proptest::sample::Index>(),
        0_usize..12,
        seed(),
        proptest::collection::vec(any::<u8>(), 0..4),
    );
    prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..300),
        6 => (seed(), proptest::collection::vec(change, 1..6)).prop_map(|(mut bytes, changes)| {
            for (kind, place, length, other, junk) in changes {
                let at = place.index(bytes.len() + 1);
                let end = (at + length).min(bytes.len());
                match kind % 4 {
                    0 => drop(bytes.splice(at..at, junk)),
                    1 => drop(bytes.drain(at..end)),
                    2 => {
                        let from = place.index(other.len() + 1);
                        let piece = other[from..].iter().copied().take(40).collect::<Vec<_>>();
                        drop(bytes.splice(at..end, piece));
                    }
                    _ => {
                        let piece = bytes[at..end].to_vec();
                        drop(bytes.splice(at..at, piece));
                    }
                }
            }
            bytes
        }),
    ]
}
