//! What whoever serves logs needs: where they are, and the output thread that can clear them.

use std::path::{Path, PathBuf};

use crate::logs::hub::Hub;
use crate::logs::place::LogPlaces;

/// See the module. Cheap enough to clone; without anything in it there are no logs.
#[derive(Clone, Default)]
pub struct LogDesk {
    /// Where the output of processes is.
    pub places: LogPlaces,
    /// The file of the main log.
    pub main_log: Option<PathBuf>,
    /// Who writes them all.
    pub hub: Option<Hub>,
}

impl LogDesk {
    /// The file of the main log.
    pub fn main_log(&self) -> Option<&Path> {
        self.main_log.as_deref()
    }
}

impl std::fmt::Debug for LogDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { places, main_log, hub: _ } = self;
        f.debug_struct("LogDesk").field("places", places).field("main_log", main_log).finish_non_exhaustive()
    }
}
