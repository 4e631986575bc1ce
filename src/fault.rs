//! Failures on demand, for the tests of what follows from them: no room for a process, no descriptor, a full disk.
//!
//! Only with the feature `faults`, which the package, as its own dev-dependency, switches on for its tests and for nobody else. Then a
//! point fails as long as the directory that `RUN_FAULTS` names has a file of the point's name, with the system's error number in it.
//! So a test makes and mends a failure while the real binary runs, and nothing has to be remembered here.

use std::io;

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The copy of the spawner that becomes a program.
    Fork,
    /// The pipes or the terminal of a program.
    Streams,
    /// Taking a connection.
    Accept,
    /// Appending to a kept log, after half of the bytes.
    KeepLog,
    /// Appending to a log file that the user named.
    UserLog,
    /// What is written in the state directory beside logs.
    State,
    /// Drawing the full screen, which panics then.
    Draw,
    /// What the full screen does beside drawing, which panics then.
    Errand,
}

impl Point {
    /// Every point.
    pub const ALL: [Self; 8] =
        [Self::Fork, Self::Streams, Self::Accept, Self::KeepLog, Self::UserLog, Self::State, Self::Draw, Self::Errand];

    /// The name of the file that makes it fail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Streams => "streams",
            Self::Accept => "accept",
            Self::KeepLog => "keep-log",
            Self::UserLog => "user-log",
            Self::State => "state",
            Self::Draw => "draw",
            Self::Errand => "errand",
        }
    }
}

/// Fails with the error that a test wants at this point, if one does.
#[cfg(feature = "faults")]
pub fn strike(point: Point) -> io::Result<()> {
    let Some(directory) = std::env::var_os("RUN_FAULTS") else { return Ok(()) };
    let wanted = std::fs::read_to_string(std::path::Path::new(&directory).join(point.name())).ok();
    match wanted.and_then(|text| text.trim().parse().ok()) {
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        None => Ok(()),
    }
}

/// Nothing fails on demand in a build for users.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn strike(_: Point) -> io::Result<()> {
    Ok(())
}
