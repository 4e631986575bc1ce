//! The end: whatever programs have left goes before we do, with the spawner or without it.

use std::time::Duration;

use tokio::time::timeout;

use crate::runtime::driver::Driver;
use crate::runtime::os;
use crate::runtime::spawner::{Order, Report, Spawner};

/// How long the last sweep gives to what is left.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// How long the spawner may take for that sweep before we do it ourselves.
const SWEEP_LIMIT: Duration = Duration::from_secs(5);

/// How long the spawner may take to end once it has swept.
const SPAWNER_MOMENT: Duration = Duration::from_millis(500);

impl<S: Spawner> Driver<S> {
    /// Everything is down as far as the supervisor knows: the spawner ends what is left and then itself.
    pub(super) async fn sweep(&mut self) {
        self.parts.spawner.order(Order::Shutdown { grace: LAST_GRACE });
        let swept = timeout(SWEEP_LIMIT, async {
            loop {
                match self.parts.spawner.report().await {
                    Some(Report::Swept { names }) => break names,
                    Some(_) => {}
                    None => break os::sweep_descendants(LAST_GRACE, &self.parts.inherited),
                }
            }
        });
        let names = swept.await.unwrap_or_else(|_| os::sweep_descendants(Duration::ZERO, &self.parts.inherited));
        if !names.is_empty() {
            self.parts.narrator.leftovers(&names);
        }
        // Nothing of ours outlives us, not even the spawner by a moment.
        let gone = async { while self.parts.spawner.report().await.is_some() {} };
        drop(timeout(SPAWNER_MOMENT, gone).await);
    }

    /// The spawner was shot. What was below it has become ours, and goes.
    pub(super) fn lost_spawner(&mut self) -> u8 {
        self.parts
            .narrator
            .remark("the spawner process was killed from outside; ending everything it had started".to_owned());
        let names = os::sweep_descendants(LAST_GRACE, &self.parts.inherited);
        self.parts.narrator.leftovers(&names);
        1
    }
}
