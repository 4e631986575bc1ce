//! Whether the kernel has killed for want of memory since we last looked: who dies by SIGKILL meanwhile was probably its choice.

use crate::runtime::os;

/// The kernel's count, as of the last look.
#[derive(Debug, Default)]
pub(super) struct MemoryKills {
    seen: Option<u64>,
}

impl MemoryKills {
    /// Looks, and tells whether there were more. The first look finds none.
    pub(super) fn have_grown(&mut self) -> bool {
        self.grow_to(os::memory_kills())
    }

    fn grow_to(&mut self, now: Option<u64>) -> bool {
        let seen = std::mem::replace(&mut self.seen, now);
        seen.zip(now).is_some_and(|(seen, now)| now > seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_seen_once_and_never_by_the_first_look() {
        let mut kills = MemoryKills::default();
        assert!(!kills.grow_to(Some(7)));
        assert!(!kills.grow_to(Some(7)));
        assert!(kills.grow_to(Some(9)));
        assert!(!kills.grow_to(Some(9)));
    }

    #[test]
    fn without_a_count_nothing_is_suspected() {
        let mut kills = MemoryKills::default();
        assert!(!kills.grow_to(None));
        assert!(!kills.grow_to(Some(3)));
        assert!(!kills.grow_to(None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_kernel_counts() {
        assert!(os::memory_kills().is_some());
    }
}
