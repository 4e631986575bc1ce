//! What is told of event listeners: that events got lost, and that a listener broke its protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::public_event::Delivery;
use crate::model::{Moment, Now, ProcessId};
use crate::ui::story::Story;
use crate::ui::text::clean;
use crate::ui::theme::Ink;

/// A pool that cannot keep up is told of at most this often.
const TELL_AGAIN: Duration = Duration::from_secs(5);

/// How many events each pool has lost, and how many of them have been told.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses {
    by_pool: BTreeMap<String, Loss>,
}

#[derive(Debug, Clone, Default)]
struct Loss {
    count: u64,
    told: Option<Moment>,
}

impl Losses {
    /// One more; how many it has lost so far, if that is to be told now.
    fn note(&mut self, pool: &str, now: Moment) -> Option<u64> {
        let loss = self.by_pool.entry(pool.to_owned()).or_default();
        loss.count += 1;
        if loss.told.is_some_and(|told| now.since(told) < TELL_AGAIN) {
            return None;
        }
        loss.told = Some(now);
        Some(loss.count)
    }
}

impl Story {
    /// The first loss of a pool, and then how many there were from time to time: a flood must not flood the screen.
    pub(super) fn event_dropped(&mut self, delivery: &Delivery, now: Now) -> Vec<String> {
        let Some(count) = self.losses.note(&delivery.pool, now.mono) else { return Vec::new() };
        let theme = self.telling.theme;
        let mark = theme.paint(Ink::Warn, theme.signs().warning);
        let so_far = if count == 1 { String::new() } else { format!(", {count} so far") };
        let pool = clean(&delivery.pool);
        vec![format!("  {mark} {pool} cannot keep up: an event was dropped{so_far} (buffer_size)")]
    }

    pub(super) fn listener_lost(&self, process: ProcessId, said: &str) -> String {
        let said = clean(said);
        self.line(
            Ink::Warn,
            process,
            &format!("broke the listener protocol: it said {said}; it gets no more events until it is restarted"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_that_loses_many_is_told_of_now_and_then() {
        let mut losses = Losses::default();
        assert_eq!(losses.note("mail", Moment(0)), Some(1));
        assert_eq!(losses.note("mail", Moment(1_000_000)), None);
        assert_eq!(losses.note("other", Moment(1_000_000)), Some(1));
        assert_eq!(losses.note("mail", Moment(5_000_000)), Some(3));
    }
}
