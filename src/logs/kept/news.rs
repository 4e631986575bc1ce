//! That something was written to kept logs, for who waits for several things at once.

use std::os::fd::{AsRawFd, RawFd};

use nix::poll::PollTimeout;

use crate::logs::kept::layout;
use crate::logs::kept::reader::KeptLogs;
use crate::logs::os::{FileNews, Happened};

/// A descriptor that is readable when something was written.
#[derive(Debug)]
pub struct KeptNews {
    logs: KeptLogs,
    news: FileNews,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing.
    Nothing,
    /// Lines.
    Lines,
    /// There may be other logs than before.
    OtherLogs,
}

impl KeptNews {
    /// Of these logs; `None` where files cannot be watched, so that they have to be looked at now and then.
    pub fn new(logs: &KeptLogs) -> Option<Self> {
        let news = Self { logs: logs.clone(), news: FileNews::new().ok()? };
        news.watch();
        Some(news)
    }

    /// Takes in all that has happened.
    pub fn take(&self) -> Written {
        let mut written = Written::Nothing;
        loop {
            match self.news.wait(PollTimeout::ZERO) {
                Happened::Nothing => break,
                Happened::Written if written == Written::Nothing => written = Written::Lines,
                Happened::Written => {}
                Happened::Others => written = Written::OtherLogs,
            }
        }
        if written == Written::OtherLogs {
            self.watch();
        }
        written
    }

    /// Watches everything that there is. What cannot be watched now is when its directory is there and this is called again.
    pub fn watch(&self) {
        let root = self.logs.directory();
        self.news.watch_names(root).ok();
        for process in self.logs.processes().unwrap_or_default() {
            let directory = root.join(layout::directory_name(&process));
            self.news.watch_names(&directory).ok();
            for channel in ["stdout", "stderr"] {
                self.news.watch_writes(&directory.join(channel)).ok();
            }
        }
    }
}

impl AsRawFd for KeptNews {
    fn as_raw_fd(&self) -> RawFd {
        self.news.as_raw_fd()
    }
}
