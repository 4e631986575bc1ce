//! The simulation: random projects, random children and random requests around the pure supervisor, with the
//! invariants of [`check`] and [`deliveries`] looked at after every step.
//!
//! * `cargo test --test sim` runs a few thousand schedules.
//! * `RUN_SIM=100000 cargo test --release --test sim` runs that many; CI does this.
//! * `RUN_SIM_SEED=42 cargo test --test sim -- --nocapture` replays one, with every step printed.
//!
//! A failing schedule is shrunk (requests and processes are taken out while it still fails) before it is reported. Seeds that
//! once failed stand in [`SEEDS`] and are run first, for ever.

#![expect(clippy::print_stdout, reason = "a replay shows its steps, and a long run its size")]

mod check;
mod deliveries;
mod random;
mod schedule;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use schedule::Schedule;
use world::World;

/// Seeds that found a bug once.
const SEEDS: &[u64] = &[4871, 7892, 10_104, 18_742, 94_314, 128_375, 4563, 13_448, 401_426, 902_733];

/// How many schedules a plain `cargo test` runs.
const DEFAULT_SCHEDULES: u64 = 3000;

#[test]
fn every_schedule_keeps_the_invariants() {
    if let Some(seed) = number("RUN_SIM_SEED") {
        let schedule = Schedule::random(seed);
        println!("{}", schedule.describe());
        World::run(&schedule, true);
        return;
    }
    let count = number("RUN_SIM").unwrap_or(DEFAULT_SCHEDULES);
    let first = number("RUN_SIM_FIRST").unwrap_or(0);
    std::panic::set_hook(Box::new(|_| {}));
    let mut steps = 0;
    for seed in SEEDS.iter().copied().chain(first..first + count) {
        match attempt(&Schedule::random(seed)) {
            Ok(taken) => steps += taken,
            Err(message) => report(seed, &message),
        }
    }
    drop(std::panic::take_hook());
    println!("{count} schedules, {steps} steps, no broken invariant");
}

#[test]
fn the_same_seed_gives_the_same_actions() {
    for seed in 0..200 {
        let schedule = Schedule::random(seed);
        assert_eq!(World::run(&schedule, false).log, World::run(&schedule, false).log, "seed {seed}");
    }
}

/// Runs one schedule; the message of its panic, if it has one.
fn attempt(schedule: &Schedule) -> Result<u64, String> {
    catch_unwind(AssertUnwindSafe(|| World::run(schedule, false).steps)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// Shrinks a failing schedule and reports it.
fn report(seed: u64, message: &str) -> ! {
    let mut smallest = (Schedule::random(seed), message.to_owned());
    loop {
        let smaller = smallest.0.smaller().into_iter().find_map(|s| attempt(&s).err().map(|message| (s, message)));
        match smaller {
            Some(found) => smallest = found,
            None => break,
        }
    }
    drop(std::panic::take_hook());
    panic!(
        "seed {seed}: {}\nshrunk from: {message}\nschedule, shrunk:\n{}replay: RUN_SIM_SEED={seed} cargo test --test sim",
        smallest.1,
        smallest.0.describe()
    );
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
