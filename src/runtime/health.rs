//! Asking programs whether they are still well: their alive checks, and how much memory they hold.

use std::sync::Arc;

use crate::model::{Generation, ProcessId};
use crate::probe::{self, Answer, ProbeContext, ResolvedProbe};
use crate::runtime::driver::{Driver, Later};
use crate::runtime::os;
use crate::runtime::spawner::Spawner;
use crate::supervisor::action::Measured;

impl<S: Spawner> Driver<S> {
    /// Makes one attempt of an alive check. The supervisor cuts one that takes too long.
    pub(super) fn check_alive(&mut self, process: ProcessId, generation: Generation, attempt: u32) {
        let (later, runner) = (self.later.clone(), self.desk.runner(process));
        // The driver outlives its tasks; after its end nobody listens.
        let answer = move |answer| drop(later.send(Later::Checked((process, generation), attempt, answer)));
        let resolved = match self.alive_check(process) {
            Ok(resolved) => resolved,
            Err(problem) => return answer(Answer::fail(problem)),
        };
        let Some(side) = self.sides.get_mut(process.index()) else { return };
        let context = ProbeContext { directory: side.directory.clone(), started: side.started, run: runner };
        let task = tokio::spawn(async move { answer(probe::check(&resolved, &context).await) });
        side.checking = Some(task.abort_handle());
    }

    /// The alive check with its templates filled in, worked out once for a run and a config.
    fn alive_check(&mut self, process: ProcessId) -> Result<Arc<ResolvedProbe>, String> {
        let side = self.sides.get(process.index()).ok_or("there is no such process")?;
        if let Some(known) = &side.alive {
            return known.clone();
        }
        let launcher = Arc::clone(&self.parts.launcher);
        let definition = self.parts.supervisor.definition(process).ok_or("there is no such process")?;
        let (program, instance) = (definition.program(), definition.instance());
        let kind = &program.alive.as_ref().ok_or("there is no such check")?.kind;
        let launch = launcher.launch(program, instance).map_err(|failure| failure.message)?;
        let resolved = launcher.probe(kind, (program, instance), &launch.environment).map(Arc::new);
        self.sides[process.index()].alive = Some(resolved.clone());
        resolved
    }

    /// Measures, off the loop: a look at the whole process table takes its time.
    pub(super) fn measure(&self, whom: Vec<Measured>) {
        let later = self.later.clone();
        tokio::task::spawn_blocking(move || {
            let roots: Vec<(u32, u64)> = whom.iter().map(|one| (one.pid, one.limit)).collect();
            let held = os::memory(&roots);
            let found = whom.iter().filter_map(|one| Some(((one.process, one.generation), *held.get(&one.pid)?)));
            // The driver outlives its tasks; after its end nobody listens.
            drop(later.send(Later::Measured(found.collect())));
        });
    }
}
