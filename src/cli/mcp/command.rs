//! Runs one command to its end, with a limit of time and of memory for its output.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How often it is looked whether the command has ended while somebody else holds its output open.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How long a command has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);

/// How much is read at once.
const BLOCK: usize = 16 * 1024;

/// How much may still be in a pipe when its writer has ended: what Linux lets anybody make of one (pipe(7), `pipe-max-size`).
const PIPE: usize = 1024 * 1024;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Itself(ExitStatus),
    /// The time was over: it was ended.
    TimedOut,
    /// Nobody waits any more: it was ended.
    GivenUp,
}

impl End {
    /// What a shell would say; 124 after a timeout.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Itself(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            Self::TimedOut => 124,
            Self::GivenUp => 130,
        }
    }
}

/// Runs it, with no input and both outputs as one, in a process group of its own. `wire`: when it becomes readable, nobody waits.
pub(super) fn run(
    mut command: Command,
    limit: Duration,
    wire: Option<&UnixStream>,
    output: &mut Caught,
) -> io::Result<End> {
    let (pipe, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
    let child = command.spawn()?;
    // It holds our copies of the other end.
    drop(command);
    let mut at_work = AtWork { child, pipe: Some(pipe), output };
    let until = Instant::now().checked_add(limit);
    loop {
        if let Some(status) = at_work.look(wire, until)? {
            return Ok(End::Itself(status));
        }
        if wire.is_some_and(is_readable) {
            at_work.end()?;
            return Ok(End::GivenUp);
        }
        if is_over(until) {
            at_work.end()?;
            return Ok(End::TimedOut);
        }
    }
}

struct AtWork<'a> {
    child: Child,
    pipe: Option<PipeReader>,
    output: &'a mut Caught,
}

impl AtWork<'_> {
    /// Takes what there is of the output, waiting a moment for something to happen; the status once it has ended.
    fn look(&mut self, wire: Option<&UnixStream>, until: Option<Instant>) -> io::Result<Option<ExitStatus>> {
        {
            let fds = [self.pipe.as_ref().map(AsFd::as_fd), wire.map(AsFd::as_fd)];
            let mut fds: Vec<_> = fds.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            poll(&mut fds, PollTimeout::try_from(LOOK_EVERY).unwrap_or(PollTimeout::ZERO)).ok();
        }
        let status = self.child.try_wait()?;
        // What it wrote before its end is there now. Who holds the output open is not waited for, and may write for ever.
        let mut left = PIPE;
        while left > 0 && self.pipe.as_ref().is_some_and(is_readable) {
            left = left.saturating_sub(self.read()?);
            if status.is_none() || is_over(until) || wire.is_some_and(is_readable) {
                break;
            }
        }
        Ok(status)
    }

    /// Reads a piece; its length.
    fn read(&mut self) -> io::Result<usize> {
        let mut block = [0; BLOCK];
        let Some(pipe) = &mut self.pipe else { return Ok(0) };
        let length = pipe.read(&mut block)?;
        match length {
            0 => self.pipe = None,
            length => self.output.add(&block[..length]),
        }
        Ok(length)
    }

    /// Ends it with all of its process group: politely, then not.
    fn end(&mut self) -> io::Result<()> {
        let group = Pid::from_raw(self.child.id().cast_signed());
        let until = Instant::now() + GRACE;
        killpg(group, Signal::SIGTERM).ok();
        while Instant::now() < until {
            if self.look(None, Some(until))?.is_some() {
                break;
            }
        }
        killpg(group, Signal::SIGKILL).ok();
        self.child.wait().map(drop)
    }
}

fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

fn is_readable(fd: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// The beginning and the end of an output, in bounded memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caught {
    half: usize,
    front: Vec<u8>,
    back: VecDeque<u8>,
    dropped: u64,
}

impl Caught {
    /// For at most so many bytes.
    pub(super) fn of(most: usize) -> Self {
        Self { half: most / 2, front: Vec::new(), back: VecDeque::new(), dropped: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = (self.half - self.front.len()).min(bytes.len());
        let (front, rest) = bytes.split_at(room);
        self.front.extend_from_slice(front);
        self.back.extend(rest);
        let over = self.back.len().saturating_sub(self.half);
        self.back.drain(..over);
        self.dropped += over as u64;
    }

    /// As text. Where something is missing in the middle, a line says how much.
    pub(super) fn text(&self) -> String {
        let mut bytes = self.front.clone();
        if self.dropped > 0 {
            bytes.extend_from_slice(format!("\n[{} bytes are left out here]\n", self.dropped).as_bytes());
        }
        bytes.extend(&self.back);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How many bytes are missing.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    fn sh(line: &str, limit: Duration, wire: Option<&UnixStream>) -> (End, String) {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        let mut output = Caught::of(1000);
        let end = run(command, limit, wire, &mut output).unwrap();
        (end, output.text())
    }

    #[test]
    fn both_outputs_come_in_order_with_the_code() {
        let (end, text) = sh("echo one; echo two >&2; echo three; exit 3", Duration::from_mins(1), None);
        assert_eq!((end.code(), text.as_str()), (3, "one\ntwo\nthree\n"));
        assert_eq!(sh("kill -9 $$", Duration::from_mins(1), None).0.code(), 137);
    }

    #[test]
    fn who_holds_the_output_open_is_not_waited_for() {
        let (end, text) = sh("sleep 100 & echo $!", Duration::from_mins(1), None);
        assert_eq!(end.code(), 0);
        nix::sys::signal::kill(Pid::from_raw(text.trim().parse().unwrap()), Signal::SIGKILL).unwrap();
    }

    #[test]
    fn who_goes_on_writing_is_not_waited_for() {
        let (sender, ended) = channel();
        thread::spawn(move || sender.send(sh("yes &", Duration::from_mins(1), None).0.code()));
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(0));
    }

    #[test]
    fn when_the_time_is_over_the_whole_group_is_ended() {
        // On a busy machine a shell may not have come to its first word when the time is over.
        let limits = [100, 1_000, 10_000].map(Duration::from_millis);
        let mut ends = limits.into_iter().map(|limit| sh("sleep 100 & echo $!; wait", limit, None));
        let (end, text) = ends.find(|(_, text)| !text.is_empty()).unwrap();
        assert_eq!((end, end.code()), (End::TimedOut, 124));
        let sleeper = Pid::from_raw(text.trim().parse().unwrap());
        let began = Instant::now();
        // Somebody else reaps it.
        let is_over = || {
            let stat = std::fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        while !is_over() {
            assert!(began.elapsed() < Duration::from_secs(20), "{sleeper} lives on");
            thread::yield_now();
        }
    }

    #[test]
    fn a_command_that_nobody_waits_for_is_ended() {
        let (near, far) = UnixStream::pair().unwrap();
        drop(near);
        assert_eq!(sh("sleep 100", Duration::from_mins(1), Some(&far)).0, End::GivenUp);
    }

    #[test]
    fn of_a_flood_the_beginning_and_the_end_are_kept() {
        let mut caught = Caught::of(20);
        caught.add(b"0123456789abc");
        caught.add(b"defghijklmnopqrstuvwxyz");
        assert_eq!(caught.text(), "0123456789\n[16 bytes are left out here]\nqrstuvwxyz");
        assert_eq!(caught.dropped(), 16);
        let mut all = Caught::of(20);
        all.add(b"0123456789abc");
        assert_eq!(all.text(), "0123456789abc");
    }
}
