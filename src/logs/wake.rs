//! Wakes the output thread, once for however many orders come before it has looked.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::logs::os::Bell;

/// A descriptor that can be read when there are orders.
#[derive(Debug)]
pub(super) struct Wake {
    bell: Bell,
    /// Somebody has said so, or is about to, since the orders were last taken.
    is_told: AtomicBool,
    /// Somebody gives several orders, and will tell of them together.
    is_held: AtomicBool,
    /// There is something to be told of then.
    is_owed: AtomicBool,
}

impl Wake {
    pub(super) fn new() -> nix::Result<Self> {
        let no = || AtomicBool::new(false);
        Ok(Self { bell: Bell::new()?, is_told: no(), is_held: no(), is_owed: no() })
    }

    /// There is an order: call it when it can be taken.
    pub(super) fn tell(&self) {
        // In one order with `release`: either it sees the debt, or we see that nobody is there to pay it.
        self.is_owed.store(true, Ordering::SeqCst);
        if !self.is_held.load(Ordering::SeqCst) {
            self.tell_now();
        }
    }

    /// From here on orders are told of together, by [`Self::release`]. One at a time may hold.
    pub(super) fn hold(&self) {
        self.is_held.store(true, Ordering::SeqCst);
    }

    /// Tells of what has come since [`Self::hold`].
    pub(super) fn release(&self) {
        self.is_held.store(false, Ordering::SeqCst);
        if self.is_owed.swap(false, Ordering::SeqCst) {
            self.tell_now();
        }
    }

    /// There is an order whose answer is waited for.
    pub(super) fn tell_now(&self) {
        // Whoever owes has given its order before this, which is enough for both.
        self.is_owed.store(false, Ordering::SeqCst);
        if !self.is_told.swap(true, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    /// Orders are about to be taken: what comes from here on is told of again.
    pub(super) fn begin_taking(&self) {
        self.is_told.swap(false, Ordering::AcqRel);
    }

    /// Sleeps again until somebody tells.
    pub(super) fn calm(&self) {
        self.bell.hush();
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_until_orders_are_taken() {
        let wake = Wake::new().unwrap();
        wake.tell();
        wake.tell();
        assert!(wake.bell.hush());
        wake.tell();
        assert!(!wake.bell.hush(), "whoever was woken has not looked yet");
        wake.begin_taking();
        wake.tell();
        assert!(wake.bell.hush());
    }

    #[test]
    fn what_is_held_is_told_together_and_only_if_there_is_something() {
        let wake = Wake::new().unwrap();
        wake.tell();
        assert!(wake.bell.hush());
        wake.begin_taking();
        wake.hold();
        wake.release();
        assert!(!wake.bell.hush());
        wake.hold();
        wake.tell();
        wake.tell();
        assert!(!wake.bell.hush(), "it is told by the release");
        wake.release();
        assert!(wake.bell.hush());
        wake.begin_taking();
        wake.hold();
        wake.tell_now();
        assert!(wake.bell.hush(), "somebody waits for it");
    }
}
