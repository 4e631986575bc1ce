//! `RUN_RECORD=file`: every event of a run with its time, one JSON line each. The supervisor is a function, so feeding the
//! lines to a fresh one repeats what a user saw.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::model::Now;
use crate::supervisor::event::{Event, Recorded};

/// Appends to a record.
#[derive(Debug)]
pub struct Recorder {
    file: BufWriter<File>,
}

impl Recorder {
    /// Opens a record, keeping what is in it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: BufWriter::new(file) })
    }

    /// Adds one step.
    pub fn record(&mut self, now: Now, event: &Event) -> io::Result<()> {
        let step = Recorded { mono: now.mono, wall: now.wall.0, event: event.clone() };
        serde_json::to_writer(&mut self.file, &step)?;
        self.file.write_all(b"\n")
    }

    /// Hands the steps of a turn to the system, so that they survive a crash of ours.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Why a record cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The record.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A line is no step, or one of another version.
    #[error("{}:{line}: not a recorded step of this version: {source}", path.display())]
    Line {
        /// The record.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Reads a record step by step. A last line that was cut off in the middle is where it ends.
pub fn replay(path: &Path) -> Result<impl Iterator<Item = Result<Recorded, ReplayError>>, ReplayError> {
    let io_error = |path: PathBuf| move |source| ReplayError::Io { path, source };
    let mut file = BufReader::new(File::open(path).map_err(io_error(path.to_owned()))?);
    let path = path.to_owned();
    let mut line = 0;
    Ok(std::iter::from_fn(move || {
        let mut text = Vec::new();
        line += 1;
        match file.read_until(b'\n', &mut text) {
            Ok(_) if text.last() != Some(&b'\n') => None,
            Ok(_) => {
                let step = serde_json::from_slice(&text);
                Some(step.map_err(|source| ReplayError::Line { path: path.clone(), line, source }))
            }
            Err(error) => Some(Err(io_error(path.clone())(error))),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Exit, Generation, Moment, ProcessId, WallTime};
    use crate::supervisor::event::{Urgency, Verdict};

    fn steps() -> Vec<(Now, Event)> {
        let (process, generation) = (ProcessId(1), Generation(2));
        let now = |mono| Now { mono: Moment(mono), wall: WallTime(1_700_000_000_000 + mono / 1000) };
        vec![
            (now(0), Event::Begin { processes: None, with_needs: true }),
            (now(1_000), Event::Probed { process, generation, verdict: Verdict::Pass("tcp 5433".to_owned()) }),
            (now(2_000), Event::Exited { process, generation, exit: Exit::Code(1), survivors: false }),
            (now(3_000), Event::Terminate(Urgency::Polite)),
        ]
    }

    fn recorded(path: &Path) {
        let mut recorder = Recorder::open(path).unwrap();
        for (now, event) in steps() {
            recorder.record(now, &event).unwrap();
        }
        recorder.flush().unwrap();
    }

    #[test]
    fn what_was_recorded_is_replayed() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("record");
        recorded(&path);
        let read: Vec<(Now, Event)> = replay(&path)
            .unwrap()
            .map(|step| step.unwrap())
            .map(|step| (Now { mono: step.mono, wall: WallTime(step.wall) }, step.event))
            .collect();
        assert_eq!(read, steps());
    }

    #[test]
    fn a_record_that_was_cut_off_ends_there() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("record");
        recorded(&path);
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 4]).unwrap();
        assert_eq!(replay(&path).unwrap().flatten().count(), steps().len() - 1);
    }

    #[test]
    fn a_line_that_is_no_step_is_named() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("record");
        recorded(&path);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"nonsense\n").unwrap();
        let error = replay(&path).unwrap().find_map(Result::err).unwrap();
        assert!(error.to_string().contains("record:5: not a recorded step"), "{error}");
    }
}
