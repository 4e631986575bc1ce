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
}

impl Wake {
    pub(super) fn new() -> nix::Result<Self> {
        Ok(Self { bell: Bell::new()?, is_told: AtomicBool::new(false) })
    }

    /// There is an order: call it when it can be taken.
    pub(super) fn tell(&self) {
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
}
