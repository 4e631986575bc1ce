//! The further copies of what a program writes: the log file that a user named, the system's log, and at level `debug` the main log.
//! And what can be done to logs from outside: lines of the main log, opening anew, clearing.

use std::io;
use std::path::PathBuf;

use tokio::sync::oneshot;

use crate::codec::lines::Rows;
use crate::codec::strip::Stripper;
use crate::logs::hub::Attach;
use crate::logs::main_log::MainLog;
use crate::logs::output::{Output, Token};
use crate::logs::rotate::UserLog;
use crate::logs::sink::Sink;
use crate::logs::stamp::wall_now;
use crate::logs::syslog::Syslog;
use crate::logs::track::{Copy, Keeping};
use crate::model::supervisord::LogLevel;
use crate::model::{Channel, LogFile, ProcessId};

/// Whether logs were cleared, and the reason if they were not.
pub type Cleared = Result<(), String>;

/// The logs of one process that are to be cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing {
    /// Whose.
    pub process: ProcessId,
    /// Its log files, which may be open or not.
    pub files: Vec<PathBuf>,
}

/// What else is done with a track's bytes.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// Escape sequences do not reach the copies.
    stripper: Option<Stripper>,
    /// Whole lines go to the system's log.
    syslog: Option<Rows>,
}

impl Extra {
    pub(crate) fn of(attach: &Attach) -> Self {
        Self { stripper: attach.strips_ansi.then(Stripper::default), syslog: attach.to_syslog.then(Rows::default) }
    }
}

impl Output {
    /// Hands bytes to whoever has asked for a further copy.
    pub(super) fn copy(&mut self, index: usize, bytes: &[u8]) -> io::Result<()> {
        let wants_output = self.main.as_ref().is_some_and(|main| main.wants(LogLevel::Debug));
        let track = &mut self.tracks[index];
        if track.copy.is_none() && track.extra.syslog.is_none() && !wants_output {
            return Ok(());
        }
        let mut plain = Vec::new();
        let bytes = match &mut track.extra.stripper {
            Some(stripper) => {
                stripper.strip(bytes, &mut plain);
                &plain
            }
            None => bytes,
        };
        let name = process_part(&self.known[track.process.index()].name);
        if let Some(rows) = &mut track.extra.syslog {
            log_rows(rows, bytes, name, self.syslog.get_or_insert_default());
        }
        if let Some(main) = self.main.as_mut().filter(|_| wants_output) {
            main.write_output((name, track.channel), bytes, wall_now(), self.now)?;
        }
        track.copy(bytes, self.now)
    }

    /// Opens the further copy, unless it is open already.
    pub(super) fn copy_to(&mut self, index: usize, logfile: Option<LogFile>) {
        let track = &mut self.tracks[index];
        let is_open = match (&track.copy, &logfile) {
            (Some(Copy::File(file)), Some(spec)) => file.is(spec),
            (None, None) => true,
            (Some(_), _) | (None, Some(_)) => false,
        };
        if is_open {
            return;
        }
        track.copy = None;
        let Some(spec) = logfile else { return };
        let path = spec.path.display().to_string();
        let opened = UserLog::open(spec).map(|log| match log {
            UserLog::File(file) => Copy::File(file),
            UserLog::Device(file) => Copy::Device(Sink::private(file.into())),
        });
        match opened {
            Ok(copy) => {
                if let Copy::Device(sink) = &copy {
                    // A device like /dev/null cannot be waited for, and need not be.
                    let _ = self.poller.add_writer(sink, Token::Copy(index).encode());
                }
                self.tracks[index].copy = Some(copy);
            }
            Err(error) => self.tell_keeping_failed(&format!("{path}: {error}")),
        }
    }

    /// Does something to the main log, if there is one.
    pub(super) fn with_main(&mut self, what: impl FnOnce(&mut MainLog) -> io::Result<()>) {
        if let Some(main) = &mut self.main
            && let Err(error) = what(main)
        {
            self.tell_keeping_failed(&format!("the main log: {error}"));
        }
    }

    /// Opens every log file anew: somebody has moved them away.
    pub(super) fn reopen_logs(&mut self) {
        self.with_main(MainLog::reopen);
        for index in 0..self.tracks.len() {
            if let Some(Copy::File(file)) = &mut self.tracks[index].copy
                && let Err(error) = file.reopen()
            {
                let path = file.path().display().to_string();
                self.tell_keeping_failed(&format!("{path}: {error}"));
            }
        }
    }

    pub(super) fn clear_main_log(&mut self, done: oneshot::Sender<Cleared>) {
        let cleared = match &mut self.main {
            Some(main) => main.clear(wall_now(), self.now).map_err(|error| error.to_string()),
            None => Err("there is no main log".to_owned()),
        };
        // Who asked may have gone away.
        let _ = done.send(cleared);
    }

    pub(super) fn clear_logs(&mut self, logs: Vec<Clearing>, done: oneshot::Sender<Vec<(ProcessId, Cleared)>>) {
        let clear = |log: Clearing| (log.process, self.clear(&log).map_err(|error| error.to_string()));
        let _ = done.send(logs.into_iter().map(clear).collect());
    }

    fn clear(&mut self, log: &Clearing) -> io::Result<()> {
        for channel in Channel::BOTH {
            self.clear_kept(log.process, channel)?;
        }
        for path in &log.files {
            let tracks = self.known.get(log.process.index()).map_or(&[][..], |known| &known.tracks);
            let is_it = |track: &&usize| match &self.tracks[**track].copy {
                Some(Copy::File(file)) => file.path() == path,
                Some(Copy::Device(_)) | None => false,
            };
            let open = tracks.iter().find(is_it).copied();
            match open.and_then(|index| self.tracks[index].copy.as_mut()) {
                Some(Copy::File(file)) => file.clear()?,
                Some(Copy::Device(_)) | None => cut(path)?,
            }
        }
        Ok(())
    }

    /// Clears the kept log of a channel, also one of an earlier `up` that has not been opened in this one.
    fn clear_kept(&mut self, process: ProcessId, channel: Channel) -> io::Result<()> {
        let Some(name) = self.known.get(process.index()).map(|known| known.name.clone()) else { return Ok(()) };
        if name.is_empty() || !self.keeper.has(&name, channel) {
            return Ok(());
        }
        let index = self.track(process, channel);
        self.open_kept(index);
        match &mut self.tracks[index] {
            track if track.keeping == Keeping::Yes => {
                track.kept.as_mut().map_or(Ok(()), super::kept::KeptWriter::clear)
            }
            _ => Ok(()),
        }
    }
}

/// Empties a file that nobody of ours has open, if it is there.
fn cut(path: &std::path::Path) -> io::Result<()> {
    match std::fs::OpenOptions::new().write(true).truncate(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// supervisord calls a process by its name inside its group.
fn process_part(namespec: &str) -> &str {
    namespec.split_once(':').map_or(namespec, |(_, process)| process)
}

fn log_rows(rows: &mut Rows, mut bytes: &[u8], name: &str, syslog: &mut Syslog) {
    while let Some(row) = rows.take(&mut bytes) {
        let line = [name.as_bytes(), b" ", row.bytes].concat();
        syslog.send(&line, wall_now());
    }
}
