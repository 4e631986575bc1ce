//! The main log: what supervisord writes of itself, line by line as it writes it (supervisor `loggers.py`, `options.py`
//! `make_logger`): `2026-11-22 13:00:00,123 INFO spawned: 'clock' with pid 2848`.
//!
//! It belongs to the output thread, so that a slow disk or a stopped terminal holds up nobody; others send it lines through
//! [`Hub::log`](crate::logs::Hub::log). Which lines there are is decided where they come from.

use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::codec::python;
use crate::logs::rotate::{Rotating, UserLog};
use crate::logs::sink::{FINISH, Sink};
use crate::logs::syslog::Syslog;
use crate::logs::zone;
use crate::model::supervisord::{Daemon, LogLevel};
use crate::model::{Channel, LogFile, WallTime};

/// What waits for a reader of ours that does not read; lines beyond it do not reach him.
const BACKLOG: usize = 1 << 20;

/// How the main log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MainLogSettings {
    /// The file and its rotation.
    pub file: Option<LogFile>,
    /// Instead of a file: to the system's log.
    pub to_syslog: bool,
    /// What is written: this and everything above.
    pub level: LogLevel,
    /// Every line goes to our standard output, too.
    pub also_to_stdout: bool,
}

impl MainLogSettings {
    /// As a supervisord.conf says.
    pub fn of_daemon(daemon: &Daemon, also_to_stdout: bool) -> Self {
        let (maxbytes, backups) = (daemon.logfile_maxbytes, daemon.logfile_backups);
        Self {
            file: daemon.logfile.clone().map(|path| LogFile { path, maxbytes, backups }),
            to_syslog: daemon.logfile.is_none(),
            level: daemon.loglevel,
            also_to_stdout,
        }
    }

    /// In a file of ours, for a project that says nothing of it: 1 MiB and one older file.
    pub fn kept_at(path: PathBuf) -> Self {
        let file = Some(LogFile { path, maxbytes: 1 << 20, backups: 1 });
        Self { file, to_syslog: false, level: LogLevel::Info, also_to_stdout: false }
    }
}

/// The main log, open.
#[derive(Debug)]
pub struct MainLog {
    level: LogLevel,
    file: Option<Rotating>,
    /// A logfile that is a device, and our standard output.
    sinks: [Option<Sink>; SINKS],
    syslog: Option<Syslog>,
    /// Looked up at the first line: it may take milliseconds.
    zone: Option<TimeZone>,
}

/// How many sinks there may be.
pub(super) const SINKS: usize = 2;

impl MainLog {
    /// Opens it, so that who asked for a file that cannot be written is told before anything starts. Call it after the last fork: it
    /// may start a thread.
    pub fn open(settings: &MainLogSettings) -> io::Result<Self> {
        let (file, device) = match settings.file.clone().map(UserLog::open).transpose()? {
            None => (None, None),
            Some(UserLog::File(file)) => (Some(file), None),
            Some(UserLog::Device(file)) => (None, Some(Sink::private(file.into()))),
        };
        let stdout =
            if settings.also_to_stdout { Some(Sink::open(io::stdout().as_fd().try_clone_to_owned()?)?) } else { None };
        let syslog = settings.to_syslog.then(Syslog::default);
        Ok(Self { level: settings.level, file, sinks: [device, stdout], syslog, zone: None })
    }

    /// From which level on lines are written.
    pub(super) fn level(&self) -> LogLevel {
        self.level
    }

    /// Whether lines of a level are written.
    pub(super) fn wants(&self, level: LogLevel) -> bool {
        level >= self.level
    }

    /// Writes a line, if its level is wanted.
    pub(super) fn write(&mut self, level: LogLevel, at: WallTime, text: &str, now: Instant) -> io::Result<()> {
        if !self.wants(level) {
            return Ok(());
        }
        let line = format!("{} {} {text}\n", self.stamp(at), letters(level));
        if let Some(syslog) = &mut self.syslog {
            line.lines().for_each(|line| syslog.send(line.as_bytes(), at));
        }
        self.put(line.as_bytes(), now);
        self.file.as_mut().map_or(Ok(()), |file| file.append(line.as_bytes()))
    }

    /// What a program wrote, as level `debug` has it (supervisor `dispatchers.py` `_log`).
    pub(super) fn write_output(
        &mut self,
        (name, channel): (&str, Channel),
        bytes: &[u8],
        at: WallTime,
        now: Instant,
    ) -> io::Result<()> {
        let text = std::str::from_utf8(bytes)
            .map_or_else(|_| format!("Undecodable: {}", python::bytes_repr(bytes)), str::to_owned);
        let text = format!("{} {} output:\n{text}", python::repr(name), channel.as_str());
        self.write(LogLevel::Debug, at, &text, now)
    }

    /// Opens the file anew.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Rotating::reopen)
    }

    /// Removes the file and begins another; a reader of ours is told (supervisor `rpcinterface.py` `clearLog`).
    pub(super) fn clear(&mut self, at: WallTime, now: Instant) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.clear()?;
        if self.wants(LogLevel::Info) {
            let line = format!("{} INFO reopening log file\n", self.stamp(at));
            self.put(line.as_bytes(), now);
        }
        Ok(())
    }

    /// The sinks that are to be watched, with their numbers.
    pub(super) fn sinks(&self) -> impl Iterator<Item = (usize, &Sink)> {
        self.sinks.iter().enumerate().filter_map(|(number, sink)| Some((number, sink.as_ref()?)))
    }

    /// A sink takes bytes again, or never will.
    pub(super) fn unblock(&mut self, number: usize, is_gone: bool, now: Instant) {
        let Some(slot) = self.sinks.get_mut(number) else { return };
        if let Some(sink) = slot {
            sink.unblock();
            if is_gone || sink.flush(now).is_err() {
                *slot = None;
            }
        }
    }

    /// Writes what is left, without waiting long.
    pub(super) fn close(&mut self) {
        for sink in self.sinks.iter_mut().filter_map(Option::take) {
            sink.finish(Instant::now() + FINISH);
        }
    }

    fn put(&mut self, line: &[u8], now: Instant) {
        for slot in &mut self.sinks {
            let Some(sink) = slot else { continue };
            if sink.pending() < BACKLOG {
                sink.buffer().extend_from_slice(line);
            }
            if sink.flush(now).is_err() {
                *slot = None;
            }
        }
    }

    /// `2026-11-22 13:00:00,123`, local time.
    fn stamp(&mut self, at: WallTime) -> String {
        let zone = self.zone.get_or_insert_with(zone::local).clone();
        let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
        let zoned = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX).to_zoned(zone);
        format!("{},{:03}", zoned.strftime("%Y-%m-%d %H:%M:%S"), zoned.millisecond())
    }
}

/// How a level is written (supervisor `loggers.py` `LevelsByName`).
fn letters(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Critical => "CRIT",
        LogLevel::Error => "ERRO",
        LogLevel::Warn => "WARN",
        LogLevel::Info => "INFO",
        LogLevel::Debug => "DEBG",
        LogLevel::Trace => "TRAC",
        LogLevel::Blather => "BLAT",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn log(directory: &tempfile::TempDir, level: LogLevel) -> (MainLog, PathBuf) {
        let path = directory.path().join("main.log");
        let settings = MainLogSettings { level, ..MainLogSettings::kept_at(path.clone()) };
        (MainLog { zone: Some(TimeZone::UTC), ..MainLog::open(&settings).unwrap() }, path)
    }

    #[test]
    fn a_line_looks_as_supervisord_writes_it() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, path) = log(&directory, LogLevel::Info);
        let (at, now) = (WallTime(1_795_352_400_007), Instant::now());
        log.write(LogLevel::Info, at, "spawned: 'clock' with pid 2848", now).unwrap();
        log.write(LogLevel::Debug, at, "not wanted", now).unwrap();
        log.write(LogLevel::Critical, at, "x", now).unwrap();
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            "2026-11-22 13:00:00,007 INFO spawned: 'clock' with pid 2848\n2026-11-22 13:00:00,007 CRIT x\n"
        );
    }

    #[test]
    fn output_is_copied_at_debug_and_named_undecodable_when_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, path) = log(&directory, LogLevel::Debug);
        let (at, now) = (WallTime(0), Instant::now());
        log.write_output(("cat", Channel::Stdout), b"hello\n", at, now).unwrap();
        log.write_output(("it's", Channel::Stderr), b"\xff", at, now).unwrap();
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            "1970-01-01 00:00:00,000 DEBG 'cat' stdout output:\nhello\n\n\
             1970-01-01 00:00:00,000 DEBG \"it's\" stderr output:\nUndecodable: b'\\xff'\n"
        );
    }

    #[test]
    fn clearing_begins_another_file() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, path) = log(&directory, LogLevel::Info);
        log.write(LogLevel::Info, WallTime(0), "old", Instant::now()).unwrap();
        log.clear(WallTime(0), Instant::now()).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "");
    }
}
