//! How the supervisor's own work grows with the number of programs, without any process (`cargo bench --bench scale`).

#[path = "pieces/world.rs"]
mod world;

use std::sync::Arc;

use divan::Bencher;
use run::model::{Dialect, Project};
use run::plan::ports::Ports;
use run::supervisor::Supervisor;
use run::supervisor::edition::Edition;
use run::supervisor::event::{Command, Event, RequestId};
use world::{LATER, bring_down, bring_up, chains, play, supervisor};

const PROGRAMS: [usize; 3] = [1000, 2000, 5000];

fn main() {
    divan::main();
}

/// A project that is up.
fn up(project: &Arc<Project>) -> Supervisor {
    let mut supervisor = supervisor(project);
    bring_up(&mut supervisor);
    supervisor
}

fn conf(count: usize) -> Arc<Project> {
    let mut project = Arc::unwrap_or_clone(chains(count));
    project.dialect = Dialect::Supervisord;
    Arc::new(project)
}

#[divan::bench(args = PROGRAMS, sample_count = 20)]
fn start(bencher: Bencher<'_, '_>, count: usize) {
    let project = chains(count);
    bencher.with_inputs(|| supervisor(&project)).bench_local_refs(bring_up);
}

/// One step that changes nothing, and the view after it.
#[divan::bench(args = PROGRAMS)]
fn tick(bencher: Bencher<'_, '_>, count: usize) {
    let mut supervisor = up(&chains(count));
    bencher.bench_local(|| {
        play(&mut supervisor, LATER, Event::Tick);
        supervisor.snapshot()
    });
}

/// The config is taken over again with one of its programs changed, which starts anew.
#[divan::bench(args = PROGRAMS, sample_count = 20)]
fn reload_of_one(bencher: Bencher<'_, '_>, count: usize) {
    let before = chains(count);
    let mut after = Arc::unwrap_or_clone(Arc::clone(&before));
    after.programs[count / 2].umask = Some(0o77);
    let edition = Edition::new(Arc::new(after), Ports::default()).expect("chains have no circle");
    bencher.with_inputs(|| up(&before)).bench_local_refs(|supervisor| {
        play(supervisor, LATER, Event::Command(RequestId(1), Command::Reload(edition.clone())));
        supervisor.snapshot()
    });
}

#[divan::bench(args = PROGRAMS, sample_count = 20)]
fn end(bencher: Bencher<'_, '_>, count: usize) {
    let project = chains(count);
    bencher.with_inputs(|| up(&project)).bench_local_refs(bring_down);
}

/// As a supervisord.conf ends: one group after the other.
#[divan::bench(args = PROGRAMS, sample_count = 20)]
fn end_conf(bencher: Bencher<'_, '_>, count: usize) {
    let project = conf(count);
    bencher.with_inputs(|| up(&project)).bench_local_refs(bring_down);
}
