//! CPU and memory of programs, for `run status`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::runtime::os;
use crate::serve::UsageSource;

/// Measures when asked. CPU is the share of one core over the life of each program so far, as ps(1) has it: it needs no second
/// look, and nothing is measured while nobody asks.
pub(super) fn source() -> UsageSource {
    Arc::new(|pids: &[u32]| {
        let now = os::ticks_now();
        let usage = os::usage(pids).into_iter();
        usage.map(|(pid, usage)| (pid, (usage.cpu_percent(now), usage.memory))).collect::<BTreeMap<u32, (f32, u64)>>()
    })
}
