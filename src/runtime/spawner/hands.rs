//! Whoever executes programs: this thread, and, while more are to be executed, a second one. The thread that executes stands still
//! until the kernel has loaded the program, so that with a second one both processors of a small machine load programs.
//!
//! The second thread ends only with the process: a program's lifeline is tied to the thread that started it (prctl(2),
//! `PR_SET_PDEATHSIG`).

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::launch::launch;
use super::order::{Key, SpawnOrder, Step};
use crate::runtime::sys::Stack;

/// What became of an order.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) key: Key,
    pub(super) sweep: bool,
    /// The leader's pid, or the step that failed and the system's error number.
    pub(super) result: Result<u32, (Step, i32)>,
}

/// Both threads, seen from the first.
#[derive(Debug, Default)]
pub(super) struct Hands {
    stack: Stack,
    /// Made when it is first of use.
    second: Option<Second>,
}

/// The second thread.
#[derive(Debug)]
struct Second {
    orders: Sender<(Box<SpawnOrder>, String)>,
    launched: Receiver<Launched>,
    is_busy: bool,
}

impl Hands {
    /// Executes a program, or has it executed: then there is nothing to report yet. `more` says that the next order is there
    /// already.
    pub(super) fn launch(&mut self, order: Box<SpawnOrder>, mark: &str, more: bool) -> Option<Launched> {
        let order = if more { self.hand_over(order, mark)? } else { order };
        Some(execute(order, mark, &mut self.stack))
    }

    /// Gives the order back when the second thread has its hands full, or cannot be had.
    fn hand_over(&mut self, order: Box<SpawnOrder>, mark: &str) -> Option<Box<SpawnOrder>> {
        if self.second.is_none() {
            self.second = Second::begin().ok();
        }
        match &mut self.second {
            Some(second) if !second.is_busy => {
                second.is_busy = true;
                second.orders.send((order, mark.to_owned())).err().map(|refused| refused.0.0)
            }
            Some(_) | None => Some(order),
        }
    }

    /// What the second thread has done meanwhile.
    pub(super) fn done(&mut self) -> Option<Launched> {
        let second = self.second.as_mut().filter(|second| second.is_busy)?;
        let launched = second.launched.try_recv().ok()?;
        second.is_busy = false;
        Some(launched)
    }

    /// What the second thread is doing, when it has done it.
    pub(super) fn finish(&mut self) -> Option<Launched> {
        let second = self.second.as_mut().filter(|second| second.is_busy)?;
        second.is_busy = false;
        second.launched.recv().ok()
    }
}

impl Second {
    fn begin() -> io::Result<Self> {
        let (orders, ordered) = channel::<(Box<SpawnOrder>, String)>();
        let (done, launched) = channel();
        // It starts with our mask: every signal is blocked.
        thread::Builder::new().name("run-spawner-2".to_owned()).stack_size(128 << 10).spawn(move || {
            let mut stack = Stack::default();
            for (order, mark) in ordered {
                // The first thread is there as long as the process is.
                let _ = done.send(execute(order, &mark, &mut stack));
            }
        })?;
        Ok(Self { orders, launched, is_busy: false })
    }
}

fn execute(mut order: Box<SpawnOrder>, mark: &str, stack: &mut Stack) -> Launched {
    Launched { key: order.key, sweep: order.sweep, result: launch(&mut order, mark, stack) }
}
