//! Wakes the output thread, once for however many orders come before it has looked.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// A descriptor that can be read when there are orders.
#[derive(Debug)]
pub(super) struct Wake {
    fd: EventFd,
    /// Somebody has said so, or is about to, since the orders were last taken.
    is_told: AtomicBool,
}

impl Wake {
    pub(super) fn new() -> nix::Result<Self> {
        let fd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { fd, is_told: AtomicBool::new(false) })
    }

    /// There is an order: call it when it can be taken.
    pub(super) fn tell(&self) {
        if !self.is_told.swap(true, Ordering::AcqRel) {
            // A full counter can be read as well.
            let _ = self.fd.write(1);
        }
    }

    /// Orders are about to be taken: what comes from here on is told of again.
    pub(super) fn begin_taking(&self) {
        self.is_told.swap(false, Ordering::AcqRel);
    }

    /// Sleeps again until somebody tells.
    pub(super) fn calm(&self) {
        // Only that it can be read matters, not the count.
        let _ = self.fd.read();
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
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
        assert_eq!(wake.fd.read(), Ok(1));
        wake.tell();
        assert!(wake.fd.read().is_err(), "whoever was woken has not looked yet");
        wake.begin_taking();
        wake.tell();
        assert_eq!(wake.fd.read(), Ok(1));
    }
}
