//! The output thread with real pipes and terminals: what programs write is shown and kept, whole, in order, whatever the reader does.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests themselves do")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::unistd::pipe;
use proptest::prelude::*;
use run::codec::ansi;
use run::logs::kept::{KeptLogs, Query};
use run::logs::{
    Attach, Channel, Clearing, CrashBox, Hub, Keep, Label, MainLog, MainLogSettings, Matcher, Outlet, OutputConfig,
    OutputEvent, Timestamps, View, Views,
};
use run::model::supervisord::LogLevel;
use run::model::{Generation, LogFile, ProcessId, WallTime};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const PATIENCE: Duration = Duration::from_secs(20);

/// A hub whose screen is read by the test.
struct Rig {
    hub: Hub,
    events: UnboundedReceiver<OutputEvent>,
    directory: TempDir,
}

impl Rig {
    fn new(outlet: Option<Outlet>, change: impl FnOnce(&mut OutputConfig)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = OutputConfig {
            outlet,
            keep: Some(Keep::new(directory.path().join("logs"))),
            colour: false,
            ascii: false,
            timestamps: Timestamps::Off,
            main_log: None,
        };
        change(&mut config);
        let (sender, events) = unbounded_channel();
        let hub = Hub::start(config, sender).unwrap();
        Self { hub, events, directory }
    }

    /// A program: its number, and the end that it writes to.
    fn program(&self, number: u32) -> File {
        self.hub.register(ProcessId(number), Label { name: name(number), prefix: format!("{} │ ", name(number)) });
        self.attach(number, 1, Channel::Stdout, |_| {})
    }

    fn attach(&self, number: u32, run: u32, channel: Channel, change: impl FnOnce(&mut Attach)) -> File {
        let (from, to) = pipe().unwrap();
        let mut attach = Attach::plain(ProcessId(number), Generation(run), run, channel, from);
        change(&mut attach);
        self.hub.attach(attach);
        File::from(to)
    }

    fn event(&mut self) -> OutputEvent {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(event) = self.events.try_recv() {
                return event;
            }
            assert!(Instant::now() < deadline, "no event came");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The next event that is not the end of an output.
    fn news(&mut self) -> OutputEvent {
        loop {
            match self.event() {
                OutputEvent::Drained { .. } => {}
                news => return news,
            }
        }
    }

    /// Whether anything has come but ends of outputs.
    fn has_more_news(&mut self) -> bool {
        let mut events = std::iter::from_fn(|| self.events.try_recv().ok());
        events.any(|event| !matches!(event, OutputEvent::Drained { .. }))
    }

    fn logs(&self) -> KeptLogs {
        KeptLogs::open(self.directory.path().join("logs"))
    }

    fn kept(&self, query: Query) -> Vec<String> {
        self.logs()
            .lines(query)
            .unwrap()
            .map(|line| format!("{}: {}", line.process, ansi::to_text(&line.bytes)))
            .collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // What it still wrote would be left behind when the directory is removed.
        self.hub.stop(Duration::ZERO);
    }
}

fn name(number: u32) -> String {
    format!("p{number}")
}

/// A screen that is one pipe for everything, and the end to read.
fn piped() -> (Outlet, File) {
    let (from, to) = pipe().unwrap();
    (Outlet { stderr: to.try_clone().unwrap(), stdout: to }, File::from(from))
}

/// A screen that is a terminal, and its master.
fn terminal() -> (Outlet, File) {
    let pty = openpty(None, None).unwrap();
    let mut raw = nix::sys::termios::tcgetattr(&pty.slave).unwrap();
    nix::sys::termios::cfmakeraw(&mut raw);
    nix::sys::termios::tcsetattr(&pty.slave, nix::sys::termios::SetArg::TCSANOW, &raw).unwrap();
    (Outlet { stderr: pty.slave.try_clone().unwrap(), stdout: pty.slave }, File::from(pty.master))
}

/// Reads everything in a thread of its own.
fn reading(mut from: File) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let (mut all, mut block) = (Vec::new(), vec![0; 65536]);
        // A terminal whose other end is closed says EIO.
        while let Ok(length @ 1..) = from.read(&mut block) {
            all.extend_from_slice(&block[..length]);
        }
        all
    })
}

/// Reads until the text is there; everything read so far.
fn read_until(from: &mut File, text: &str) -> String {
    let (mut all, mut block) = (Vec::new(), [0; 4096]);
    loop {
        let length = from.read(&mut block).unwrap_or(0);
        assert!(length > 0, "the screen ended before {text:?}: {:?}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&block[..length]);
        let seen = String::from_utf8_lossy(&all);
        if seen.contains(text) {
            return seen.into_owned();
        }
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Numbered lines of one program, written in blocks that do not end on line ends.
fn numbered(number: u32, lines: usize) -> Vec<u8> {
    (0..lines).flat_map(|line| format!("@{number}:{line:06}:{}#\n", "x".repeat(line % 97)).into_bytes()).collect()
}

fn flood(mut to: File, bytes: Vec<u8>) -> JoinHandle<()> {
    thread::spawn(move || {
        for block in bytes.chunks(4000) {
            to.write_all(block).unwrap();
        }
    })
}

/// What one program's rows say, without the prefix.
fn rows_of(output: &str, number: u32) -> String {
    let prefix = format!("{} │ ", name(number));
    output.split_inclusive('\n').filter_map(|line| line.strip_prefix(&prefix)).collect()
}

#[test]
fn no_line_of_64_floods_is_lost_doubled_or_cut() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let reader = reading(screen);
    let floods: Vec<_> = (0..64).map(|number| flood(rig.program(number), numbered(number, 2000))).collect();
    for flood in floods {
        flood.join().unwrap();
    }
    assert!(rig.hub.stop(PATIENCE));
    let output = String::from_utf8(reader.join().unwrap()).unwrap();
    assert_eq!(output.lines().count(), 64 * 2000);
    for number in 0..64 {
        assert!(rows_of(&output, number).as_bytes() == numbered(number, 2000), "program {number}");
    }
}

#[test]
fn a_reader_that_stops_for_a_while_blocks_nobody_and_misses_nothing() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let floods: Vec<_> = (0..8).map(|number| flood(rig.program(number), numbered(number, 20_000))).collect();
    for flood in floods {
        flood.join().unwrap();
    }
    let reader = reading(screen);
    assert!(rig.hub.stop(PATIENCE));
    let output = String::from_utf8(reader.join().unwrap()).unwrap();
    for number in 0..8 {
        assert!(rows_of(&output, number).as_bytes() == numbered(number, 20_000), "program {number}");
    }
}

#[test]
fn a_rest_at_any_moment_loses_nothing_of_what_is_on_its_way() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    rig.hub.rest();
    let flood = flood(rig.program(0), numbered(0, 20_000));
    while !flood.is_finished() {
        rig.hub.rest();
        thread::sleep(Duration::from_millis(1));
    }
    rig.hub.rest();
    let reader = reading(screen);
    assert!(rig.hub.stop(PATIENCE));
    let output = String::from_utf8(reader.join().unwrap()).unwrap();
    assert!(rows_of(&output, 0).as_bytes() == numbered(0, 20_000));
}

#[test]
fn a_pipe_pushes_back_when_retention_would_overtake_it() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |config| {
        let keep = config.keep.as_mut().unwrap();
        (keep.bytes, keep.segment_bytes) = (256 * 1024, 64 * 1024);
    });
    let bytes = numbered(0, 40_000);
    let flood = flood(rig.program(0), bytes.clone());
    wait_until("the log is full", || rig.logs().lines(Query::default()).unwrap().count() > 2000);
    assert!(!flood.is_finished());
    let reader = reading(screen);
    flood.join().unwrap();
    assert!(rig.hub.stop(PATIENCE));
    assert!(rows_of(&String::from_utf8(reader.join().unwrap()).unwrap(), 0).as_bytes() == bytes);
}

#[test]
fn without_a_kept_log_a_pipe_misses_nothing_either() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |config| config.keep = None);
    let flood = flood(rig.program(0), numbered(0, 40_000));
    let reader = reading(screen);
    flood.join().unwrap();
    assert!(rig.hub.stop(PATIENCE));
    let output = String::from_utf8(reader.join().unwrap()).unwrap();
    assert!(rows_of(&output, 0).as_bytes() == numbered(0, 40_000));
}

#[cfg(target_os = "linux")]
#[test]
fn who_floods_alone_gets_a_wider_pipe_and_only_a_few_do() {
    let room = |program: &File| fcntl(program, FcntlArg::F_GETPIPE_SZ).unwrap();
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let reader = reading(screen);
    let megabyte = format!("{}\n", "y".repeat(1023)).repeat(1024);
    let mut programs: Vec<File> = (0..9).map(|number| rig.program(number)).collect();
    let ninth = programs.pop().unwrap();
    let usual = room(&ninth);
    let mut written = 0;
    for program in &mut programs {
        wait_until("its pipe is wider", || {
            program.write_all(megabyte.as_bytes()).unwrap();
            written += 1024;
            room(program) > usual
        });
    }
    for _ in 0..8 {
        (&ninth).write_all(megabyte.as_bytes()).unwrap();
        written += 1024;
    }
    assert_eq!(room(&ninth), usual);
    drop((programs, ninth));
    assert!(rig.hub.stop(PATIENCE));
    assert_eq!(String::from_utf8(reader.join().unwrap()).unwrap().lines().count(), written);
}

#[test]
fn a_line_of_ten_megabytes_comes_in_marked_pieces() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let reader = reading(screen);
    let mut bytes = vec![b'y'; 10_000_000];
    bytes.extend(b"\nafter\n");
    flood(rig.program(0), bytes).join().unwrap();
    assert!(rig.hub.stop(PATIENCE));
    let output = rows_of(&String::from_utf8(reader.join().unwrap()).unwrap(), 0);
    let rows: Vec<_> = output.lines().collect();
    let (last, pieces) = rows.split_last().unwrap();
    assert_eq!(*last, "after");
    let (end, open) = pieces.split_last().unwrap();
    assert!(open.iter().all(|row| row.ends_with('⏎')) && !end.ends_with('⏎'));
    assert_eq!(pieces.iter().map(|row| row.trim_end_matches('⏎').len()).sum::<usize>(), 10_000_000);
}

#[test]
fn bytes_that_are_no_utf8_reach_a_pipe_and_the_log_as_they_are() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let reader = reading(screen);
    rig.program(0).write_all(b"caf\xe9 \xff\xfe\r\n").unwrap();
    assert!(rig.hub.stop(PATIENCE));
    assert_eq!(reader.join().unwrap(), b"p0 \xe2\x94\x82 caf\xe9 \xff\xfe\n");
    let lines: Vec<_> = KeptLogs::open(rig.directory.path().join("logs")).lines(Query::default()).unwrap().collect();
    assert_eq!(lines[0].bytes, b"caf\xe9 \xff\xfe\r");
}

#[test]
fn a_partial_line_is_shown_after_a_while_and_whole_at_the_end() {
    let (outlet, mut screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let mut program = rig.program(0);
    program.write_all(b"name? ").unwrap();
    assert_eq!(read_until(&mut screen, "\n"), "p0 │ name? ⏎\n");
    program.write_all(b"\nbye").unwrap();
    drop(program);
    assert_eq!(read_until(&mut screen, "\n"), "p0 │ bye\n");
}

#[test]
fn a_terminal_sees_the_last_state_of_a_progress_bar() {
    let (outlet, mut screen) = terminal();
    let rig = Rig::new(Some(outlet), |config| config.colour = true);
    rig.program(0).write_all(b"10%\r20%\r\x1b[32m30%\x1b[0m\x1b[K\ndone\n").unwrap();
    assert_eq!(read_until(&mut screen, "done\n"), "p0 │ \x1b[32m30%\x1b[0m\x1b[0m\np0 │ done\n");
}

#[test]
fn what_is_painted_is_not_streamed_and_who_paints_is_told_once() {
    let (outlet, mut master) = terminal();
    let rig = Rig::new(Some(outlet), |_| {});
    let mut program = rig.program(0);
    program.write_all(b"one\n\x1b[?1000l\x1b[?1049h\x1b[2J\x1b[1;1Hpainted\n~\n").unwrap();
    assert!(rig.hub.flush(PATIENCE));
    program.write_all(b"again\x1b[?1049l\x1b[?1049hmore\n\x1b[?1049ltwo\n").unwrap();
    let shown = read_until(&mut master, "two");
    assert!(!shown.contains("painted") && !shown.contains("again") && !shown.contains("more\r"), "{shown}");
    assert_eq!(shown.matches("paints the whole screen, which is not shown here: run attach p0").count(), 1, "{shown}");
    assert_eq!(shown.lines().count(), 3, "{shown}");
    let (outlet, mut reader) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    rig.program(0).write_all(b"\x1b[?1049hpainted\n\x1b[?1049ltwo\n").unwrap();
    assert!(read_until(&mut reader, "two").contains("painted"), "a pipe misses nothing");
}

#[test]
fn a_screen_that_goes_away_is_told_once_and_logs_go_on() {
    let (outlet, screen) = piped();
    let mut rig = Rig::new(Some(outlet), |_| {});
    let mut program = rig.program(0);
    drop(screen);
    assert!(matches!(rig.news(), OutputEvent::ScreenGone { .. }));
    for line in 0..1000 {
        writeln!(program, "line {line}").unwrap();
    }
    rig.hub.say("nobody hears this".to_owned());
    assert!(rig.hub.stop(PATIENCE));
    assert_eq!(rig.kept(Query::default()).len(), 1000);
    assert!(rig.events.try_recv().is_err());
}

#[test]
fn a_quiet_line_passes_beside_floods() {
    let (outlet, mut screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let (stop, is_stopped) = mpsc::channel::<()>();
    let mut floods = [rig.program(1), rig.program(2)];
    let flooding = thread::spawn(move || {
        let block = numbered(7, 40);
        while is_stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            for to in &mut floods {
                to.write_all(&block).unwrap();
            }
        }
    });
    let mut quiet = rig.program(0);
    for round in 0..20 {
        writeln!(quiet, "quiet {round}").unwrap();
        read_until(&mut screen, &format!("p0 │ quiet {round}\n"));
    }
    drop(stop);
    let reader = reading(screen);
    flooding.join().unwrap();
    assert!(rig.hub.stop(PATIENCE));
    reader.join().unwrap();
}

#[test]
fn a_quiet_line_is_put_ahead_of_what_waits_for_the_reader() {
    let (outlet, mut reader) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let (mut quiet, loud) = (rig.program(1), rig.program(2));
    quiet.write_all(b"begun\n").unwrap();
    read_until(&mut reader, "begun");
    let lines = 40_000;
    let writer = flood(loud, numbered(2, lines));
    let kept_of = |number: u32| rig.kept(Query { processes: vec![name(number)], ..Query::default() }).len();
    wait_until("the flood is kept", || kept_of(2) == lines);
    for line in 1..=3 {
        writeln!(quiet, "line {line}").unwrap();
        wait_until("it is kept, too", || kept_of(1) == 1 + line);
    }
    writer.join().unwrap();
    let reader = reading(reader);
    assert!(rig.hub.stop(PATIENCE));
    let output = String::from_utf8(reader.join().unwrap()).unwrap();
    assert_eq!(rows_of(&output, 2).into_bytes(), numbered(2, lines), "the flood is whole and in order");
    assert_eq!(rows_of(&output, 1), "line 1\nline 2\nline 3\n");
    let at = output.find("line 3").unwrap();
    assert!(at < (64 << 10) + 200, "behind no more than the pipe had taken, and the row that was begun, but at {at}");
}

#[test]
fn who_is_loud_now_and_quiet_then_keeps_his_order_beside_others() {
    let (outlet, mut screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let slow_reader = thread::spawn(move || {
        let (mut output, mut block) = (Vec::new(), vec![0; 8 << 10]);
        while let Ok(length @ 1..) = screen.read(&mut block) {
            output.extend_from_slice(&block[..length]);
            thread::yield_now();
        }
        output
    });
    let turns = (0..4_usize).map(|number| {
        let mut to = rig.program(u32::try_from(number).unwrap());
        thread::spawn(move || {
            let bytes = numbered(u32::try_from(number).unwrap(), 20_000);
            let (mut rest, mut turn) = (&bytes[..], number);
            while !rest.is_empty() {
                let length = if turn.is_multiple_of(5) { 40_000 } else { 100 };
                let (now, then) = rest.split_at(length.min(rest.len()));
                to.write_all(now).unwrap();
                (rest, turn) = (then, turn + 1);
            }
        })
    });
    turns.collect::<Vec<_>>().into_iter().for_each(|writer| writer.join().unwrap());
    assert!(rig.hub.stop(PATIENCE));
    let output = String::from_utf8(slow_reader.join().unwrap()).unwrap();
    for number in 0..4 {
        assert!(rows_of(&output, number).as_bytes() == numbered(number, 20_000), "program {number}");
    }
}

#[test]
fn a_terminal_that_stalls_skips_visibly_and_counts_right() {
    let (outlet, screen) = terminal();
    let rig = Rig::new(Some(outlet), |config| {
        let keep = config.keep.as_mut().unwrap();
        (keep.bytes, keep.segment_bytes) = (1 << 20, 256 * 1024);
    });
    // Twice what is kept: it can only be written when the stalled terminal does not hold it up.
    let writer = flood(rig.program(0), numbered(0, 40_000));
    let began = Instant::now();
    while !writer.is_finished() {
        assert!(began.elapsed() < PATIENCE, "the stalled terminal holds it up");
        thread::sleep(Duration::from_millis(1));
    }
    let reader = reading(screen);
    assert!(rig.hub.stop(PATIENCE));
    let output = rows_of(&String::from_utf8(reader.join().unwrap()).unwrap(), 0);
    let (marks, shown): (Vec<_>, Vec<_>) =
        output.lines().partition(|row| row.ends_with("lines not shown (run logs p0)"));
    let missed: usize = marks.iter().map(|mark| mark.split(' ').nth(1).unwrap().parse::<usize>().unwrap()).sum();
    assert!(missed > 0 && !marks.is_empty());
    assert_eq!(missed + shown.len(), 40_000);
    assert!(shown.iter().all(|row| row.ends_with('#')), "no row is cut");
    assert_eq!(*shown.last().unwrap(), output_row(39_999));
}

fn output_row(line: usize) -> String {
    String::from_utf8(numbered(0, line + 1)).unwrap().lines().last().unwrap().to_owned()
}

#[test]
fn a_stopped_reader_cannot_hold_up_the_end() {
    let (outlet, _screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    flood(rig.program(0), numbered(0, 20_000)).join().unwrap();
    let began = Instant::now();
    assert!(!rig.hub.stop(Duration::from_millis(50)));
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// Longer in all than a reader that has stopped is waited for.
#[test]
fn a_slow_reader_is_waited_for_at_the_end_while_it_reads() {
    const LIMIT: Duration = Duration::from_secs(2);
    let (outlet, mut screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    flood(rig.program(0), numbered(0, 20_000)).join().unwrap();
    let reader = thread::spawn(move || {
        let (mut all, mut block) = (Vec::new(), vec![0; 65536]);
        while let Ok(length @ 1..) = screen.read(&mut block) {
            all.extend_from_slice(&block[..length]);
            thread::sleep(if all.len() < 500_000 { LIMIT / 5 } else { Duration::ZERO });
        }
        all
    });
    let began = Instant::now();
    assert!(rig.hub.stop(LIMIT), "after {:?}", began.elapsed());
    assert!(began.elapsed() > LIMIT, "{:?}", began.elapsed());
    drop(rig);
    let output = String::from_utf8(reader.join().unwrap()).unwrap();
    assert!(rows_of(&output, 0).as_bytes() == numbered(0, 20_000));
}

#[test]
fn drained_comes_after_the_last_line() {
    let (outlet, mut screen) = piped();
    let mut rig = Rig::new(Some(outlet), |_| {});
    let mut program = rig.program(0);
    program.write_all(b"last words").unwrap();
    drop(program);
    rig.hub.ended(ProcessId(0), Generation(1), false);
    assert_eq!(rig.event(), OutputEvent::Drained { process: ProcessId(0), generation: Generation(1) });
    rig.hub.say("p0 exited".to_owned());
    assert_eq!(read_until(&mut screen, "exited\n"), "p0 │ last words\np0 exited\n");
}

/// So that nobody has to ask when the leader ends a moment later.
#[test]
fn the_end_of_all_outputs_is_told_unasked() {
    let mut rig = Rig::new(None, |_| {});
    let stdout = rig.program(0);
    let stderr = rig.attach(0, 1, Channel::Stderr, |_| {});
    drop(stdout);
    rig.hub.flush(PATIENCE);
    assert!(rig.events.try_recv().is_err(), "one is still open");
    drop(stderr);
    assert_eq!(rig.event(), OutputEvent::Drained { process: ProcessId(0), generation: Generation(1) });
}

#[test]
fn a_descendant_that_holds_the_pipe_delays_nothing_and_is_let_go() {
    let (outlet, _screen) = piped();
    let mut rig = Rig::new(Some(outlet), |_| {});
    let mut held = rig.program(0);
    rig.hub.ended(ProcessId(0), Generation(1), false);
    assert_eq!(rig.event(), OutputEvent::Drained { process: ProcessId(0), generation: Generation(1) });
    wait_until("the reader is gone", || held.write_all(b"x\n").is_err());
}

/// Who writes without a pause is looked at by the clock; that may lose nothing at an end, nor what comes after a silence.
#[test]
fn lines_without_a_pause_are_all_there_at_the_end_and_later_ones_come() {
    for is_still_held in [false, true] {
        let (outlet, mut screen) = piped();
        let mut rig = Rig::new(Some(outlet), |_| {});
        let mut program = rig.program(0);
        let mut written = 0;
        for burst in [3000, 1, 3000] {
            for number in written..written + burst {
                program.write_all(format!("{number} of many lines\n").as_bytes()).unwrap();
            }
            written += burst;
            if burst == 1 {
                read_until(&mut screen, "3000 of many lines\n");
                thread::sleep(Duration::from_millis(20));
            }
        }
        let held = is_still_held.then(|| program.try_clone().unwrap());
        drop(program);
        rig.hub.ended(ProcessId(0), Generation(1), false);
        assert_eq!(rig.event(), OutputEvent::Drained { process: ProcessId(0), generation: Generation(1) });
        rig.hub.say("p0 exited".to_owned());
        let rows = read_until(&mut screen, "exited\n");
        let lines: Vec<String> = (3001..6001).map(|number| format!("p0 │ {number} of many lines\n")).collect();
        assert!(rows == lines.concat() + "p0 exited\n", "{is_still_held}: lines are missing");
        drop(held);
    }
}

/// A reader that is busy elsewhere lets the last lines of a run wait in its pipe for longer than its end may take, and then there is the
/// next run. The screen's pipe and a small log are full, so that nothing more is read.
#[test]
fn what_a_run_has_left_in_its_pipe_comes_before_the_next_run() {
    // Whoever else holds it open is read on, or not.
    for keep_open in [false, true] {
        two_runs_one_after_the_other(keep_open);
    }
}

fn two_runs_one_after_the_other(keep_open: bool) {
    let (outlet, screen) = piped();
    let mut rig = Rig::new(Some(outlet), |config| {
        let keep = config.keep.as_mut().unwrap();
        (keep.bytes, keep.segment_bytes) = (256 * 1024, 64 * 1024);
    });
    let mut first = rig.program(0);
    fcntl(&first, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let (mut count, mut last) = (0, Instant::now());
    wait_until("nothing more is read", || {
        while first.write_all(format!("{count} of many lines\n").as_bytes()).is_ok() {
            (count, last) = (count + 1, Instant::now());
        }
        last.elapsed() > Duration::from_millis(300)
    });
    rig.hub.ended(ProcessId(0), Generation(1), keep_open);
    assert_eq!(rig.event(), OutputEvent::Drained { process: ProcessId(0), generation: Generation(1) });
    let mut second = rig.attach(0, 2, Channel::Stdout, |_| {});
    for number in count..count + 500 {
        second.write_all(format!("{number} of many lines\n").as_bytes()).unwrap();
    }
    drop(second);
    let reader = reading(screen);
    assert!(rig.hub.stop(PATIENCE));
    drop(first);
    let lines: Vec<String> = (0..count + 500).map(|number| format!("{number} of many lines\n")).collect();
    let expected = lines.concat();
    assert!(rows_of(&String::from_utf8(reader.join().unwrap()).unwrap(), 0) == expected, "lines of two runs are mixed");
}

#[test]
fn a_descendant_is_read_on_if_told_so() {
    let (outlet, mut screen) = piped();
    let mut rig = Rig::new(Some(outlet), |_| {});
    let mut held = rig.program(0);
    rig.hub.ended(ProcessId(0), Generation(1), true);
    rig.event();
    held.write_all(b"still here\n").unwrap();
    assert_eq!(read_until(&mut screen, "\n"), "p0 │ still here\n");
}

#[test]
fn the_line_that_means_ready_is_reported_once() {
    let (outlet, _screen) = piped();
    let mut rig = Rig::new(Some(outlet), |_| {});
    rig.program(0);
    let ready = Matcher::Ready(regex::bytes::Regex::new("listening on \\d+").unwrap());
    let mut program = rig.attach(0, 3, Channel::Stdout, |attach| attach.matchers.push(ready));
    program.write_all(b"starting\n\x1b[1mlistening\x1b[0m on 80\nlistening on 81\n").unwrap();
    let (process, generation, line) = (ProcessId(0), Generation(3), "listening on 80".to_owned());
    assert_eq!(rig.news(), OutputEvent::Matched { process, generation, line });
    assert!(rig.hub.stop(PATIENCE));
    assert!(!rig.has_more_news());
}

/// Takes pieces until one ends with a text.
fn seen(views: &mut Views, text: &str) -> Vec<View> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut pieces: Vec<View> = Vec::new();
        while pieces.last().is_none_or(|piece| !piece.bytes.ends_with(text.as_bytes())) {
            pieces.push(tokio::time::timeout(PATIENCE, views.next()).await.expect("a piece in time").unwrap());
        }
        pieces
    })
}

#[test]
fn a_viewer_sees_the_end_of_the_current_run_and_then_what_comes() {
    let mut rig = Rig::new(None, |_| {});
    rig.program(0).write_all(b"of the run before\n").unwrap();
    rig.program(1).write_all(b"of somebody else\n").unwrap();
    let mut program = rig.attach(0, 2, Channel::Stdout, |attach| {
        attach.matchers.push(Matcher::Ready(regex::bytes::Regex::new("before").unwrap()));
    });
    program.write_all(b"\x1b[2Jbefore\n").unwrap();
    rig.news();
    assert!(rig.hub.flush(PATIENCE));
    let mut views = Views::open(&rig.hub, ProcessId(0));
    let piece =
        |is_past, bytes: &[u8]| View { run: 2, channel: Channel::Stdout, is_past, missed: 0, bytes: bytes.to_vec() };
    assert_eq!(seen(&mut views, "before\n"), [piece(true, b"\x1b[2Jbefore\n")]);
    program.write_all(b"live").unwrap();
    assert_eq!(seen(&mut views, "live"), [piece(false, b"live")]);
}

#[test]
fn a_viewer_that_takes_nothing_holds_up_nobody_and_is_told_what_it_missed() {
    let rig = Rig::new(None, |_| {});
    let mut program = rig.program(0);
    program.write_all(b"begin\n").unwrap();
    let mut views = Views::open(&rig.hub, ProcessId(0));
    seen(&mut views, "begin\n");
    let flood: Vec<u8> = (0..1_000_000_u32).flat_map(|number| format!("{number:07}\n").into_bytes()).collect();
    program.write_all(&flood).unwrap();
    program.write_all(b"end\n").unwrap();
    assert!(rig.hub.flush(PATIENCE));
    let mut at = 0;
    let expected = [&flood[..], b"end\n"].concat();
    for View { missed, bytes, .. } in seen(&mut views, "end\n") {
        at += usize::try_from(missed).unwrap();
        assert!(expected[at..].starts_with(&bytes), "in order, none doubled, and as many left out as it says");
        at += bytes.len();
    }
    assert_eq!(at, expected.len());
}

fn boxed(rig: &Rig, number: u32, run: u32, max_lines: usize) {
    let render = Box::new(|tail: run::logs::TailLines| {
        let mut rows = vec![format!("last {} of {} lines", tail.lines.len(), tail.total)];
        rows.extend(tail.lines.iter().map(|line| format!("| {line}")));
        rows
    });
    rig.hub.crash_box(CrashBox { process: ProcessId(number), run, max_lines, render });
}

#[test]
fn a_crash_box_has_the_last_lines_of_its_run() {
    for is_kept in [true, false] {
        let (outlet, mut screen) = piped();
        let mut rig = Rig::new(Some(outlet), |config| config.keep = config.keep.take().filter(|_| is_kept));
        rig.program(0).write_all(b"first run\nunfinished").unwrap();
        let mut second = rig.attach(0, 2, Channel::Stdout, |_| {});
        read_until(&mut screen, "unfinished\n");
        second.write_all(b"one\ntwo\n\x1b[31mthree\x1b[0m").unwrap();
        drop(second);
        rig.hub.ended(ProcessId(0), Generation(2), false);
        while rig.event() != (OutputEvent::Drained { process: ProcessId(0), generation: Generation(2) }) {}
        boxed(&rig, 0, 2, 2);
        rig.hub.say("next".to_owned());
        let output = read_until(&mut screen, "next\n");
        let (_, shown) = output.split_once("p0 │ three\n").unwrap();
        assert_eq!(shown, "last 2 of 3 lines\n| two\n| three\nnext\n", "kept: {is_kept}");
    }
}

#[test]
fn only_the_wanted_ones_are_shown_and_all_are_kept() {
    let (outlet, mut screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let (mut one, mut two) = (rig.program(1), rig.program(2));
    rig.hub.show_only(Some(vec![ProcessId(2)]));
    one.write_all(b"hidden\n").unwrap();
    wait_until("it is kept", || !rig.kept(Query::default()).is_empty());
    two.write_all(b"shown\n").unwrap();
    assert_eq!(read_until(&mut screen, "\n"), "p2 │ shown\n");
    let mut new = rig.program(3);
    new.write_all(b"not asked for\n").unwrap();
    wait_until("the new one is kept", || rig.kept(Query::default()).len() > 2);
    two.write_all(b"again\n").unwrap();
    assert_eq!(read_until(&mut screen, "\n"), "p2 │ again\n");
    rig.hub.show_only(None);
    assert!(rig.hub.flush(PATIENCE));
    one.write_all(b"back\n").unwrap();
    assert_eq!(read_until(&mut screen, "\n"), "p1 │ back\n");
}

#[test]
fn the_live_line_stays_below_and_never_reaches_a_pipe() {
    let (outlet, mut screen) = terminal();
    let rig = Rig::new(Some(outlet), |_| {});
    rig.hub.set_live(Some("1 waiting".to_owned()));
    read_until(&mut screen, "1 waiting\x1b[0m\x1b[?7h");
    rig.program(0).write_all(b"hello\n").unwrap();
    assert_eq!(read_until(&mut screen, "?7h"), "\r\x1b[Kp0 │ hello\n\x1b[?7l1 waiting\x1b[0m\x1b[?7h");
    rig.hub.set_live(None);
    rig.hub.say("all ready".to_owned());
    assert_eq!(read_until(&mut screen, "ready\n"), "\r\x1b[Kall ready\n");

    let (outlet, mut screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    rig.hub.set_live(Some("1 waiting".to_owned()));
    rig.hub.say("said".to_owned());
    assert_eq!(read_until(&mut screen, "\n"), "said\n");
}

#[test]
fn our_own_lines_go_to_standard_error() {
    let (out_from, out) = pipe().unwrap();
    let (err_from, err) = pipe().unwrap();
    let rig = Rig::new(Some(Outlet { stdout: out, stderr: err }), |_| {});
    rig.program(0).write_all(b"program\n").unwrap();
    rig.hub.say("ours\nand more".to_owned());
    assert!(rig.hub.stop(PATIENCE));
    assert_eq!(reading(File::from(out_from)).join().unwrap(), "p0 │ program\n".as_bytes());
    assert_eq!(reading(File::from(err_from)).join().unwrap(), b"ours\nand more\n");
}

#[test]
fn a_muted_screen_is_let_go() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let mut program = rig.program(0);
    rig.hub.say("bye".to_owned());
    assert!(rig.hub.flush(PATIENCE));
    rig.hub.mute_screen();
    assert_eq!(reading(screen).join().unwrap(), b"bye\n");
    program.write_all(b"kept\n").unwrap();
    wait_until("it is kept", || rig.kept(Query::default()) == ["p0: kept"]);
}

#[test]
fn a_log_that_cannot_be_kept_is_told_once_and_the_screen_goes_on() {
    let (outlet, screen) = piped();
    let mut rig = Rig::new(Some(outlet), |config| config.keep = Some(Keep::new("/proc/nowhere")));
    let reader = reading(screen);
    for number in 0..2 {
        rig.program(number).write_all(b"shown\n").unwrap();
    }
    assert!(matches!(rig.news(), OutputEvent::KeepingFailed { reason } if reason.contains("/proc/nowhere")));
    assert!(rig.hub.stop(PATIENCE));
    assert!(!rig.has_more_news());
    assert_eq!(String::from_utf8(reader.join().unwrap()).unwrap().lines().count(), 2);
}

#[test]
fn a_copy_goes_to_the_users_file_and_to_what_cannot_seek() {
    let (outlet, _screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    rig.program(0);
    let (file, fifo) = (rig.directory.path().join("web.log"), rig.directory.path().join("fifo"));
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let copied_to = |path: &PathBuf| {
        let logfile = Some(LogFile { path: path.clone(), maxbytes: 8, backups: 1 });
        move |attach: &mut Attach| attach.logfile = logfile
    };
    let mut out = rig.attach(0, 1, Channel::Stdout, copied_to(&file));
    let mut err = rig.attach(0, 1, Channel::Stderr, copied_to(&fifo));
    out.write_all(b"12345678\n").unwrap();
    wait_until("it is rotated", || fs::read(file.with_extension("log.1")).is_ok_and(|bytes| bytes == b"12345678\n"));
    err.write_all(b"a long line that would be rotated\n").unwrap();
    read_until(&mut File::options().read(true).write(true).open(&fifo).unwrap(), "would be rotated\n");
}

/// Waits for an answer of the output thread outside of any runtime.
fn wait_for<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(answer)
}

#[test]
fn a_copy_is_without_escape_sequences_if_that_is_wanted_and_the_kept_log_has_them() {
    let (outlet, _screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    rig.program(0);
    let file = rig.directory.path().join("web.log");
    let logfile = Some(LogFile { path: file.clone(), maxbytes: 0, backups: 0 });
    let mut out = rig.attach(0, 1, Channel::Stdout, |attach| {
        (attach.logfile, attach.strips_ansi) = (logfile, true);
    });
    out.write_all(b"\x1b[31mred\x1b[").unwrap();
    wait_until("the first part is read", || fs::read(&file).is_ok_and(|bytes| bytes == b"red"));
    out.write_all(b"0m plain\n").unwrap();
    wait_until("the sequence is whole", || fs::read(&file).is_ok_and(|bytes| bytes == b"red plain\n"));
    let kept = rig.directory.path().join("logs/p0/stdout/latest.log");
    assert_eq!(fs::read(kept).unwrap(), b"\x1b[31mred\x1b[0m plain\n");
}

#[test]
fn logs_that_were_moved_away_are_begun_anew_when_asked() {
    let (outlet, _screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    rig.program(0);
    let (file, moved) = (rig.directory.path().join("web.log"), rig.directory.path().join("moved"));
    let logfile = Some(LogFile { path: file.clone(), maxbytes: 0, backups: 0 });
    let mut out = rig.attach(0, 1, Channel::Stdout, |attach| attach.logfile = logfile);
    out.write_all(b"one\n").unwrap();
    wait_until("it is written", || fs::read(&file).is_ok_and(|bytes| bytes == b"one\n"));
    fs::rename(&file, &moved).unwrap();
    rig.hub.reopen_logs();
    assert!(rig.hub.flush(PATIENCE));
    out.write_all(b"two\n").unwrap();
    wait_until("it is written anew", || fs::read(&file).is_ok_and(|bytes| bytes == b"two\n"));
    assert_eq!(fs::read(moved).unwrap(), b"one\n");
}

#[test]
fn cleared_logs_are_empty_and_go_on_whether_open_or_not() {
    let (outlet, _screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let mut out = rig.program(0);
    let (open, closed) = (rig.directory.path().join("err.log"), rig.directory.path().join("old.log"));
    fs::write(&closed, "old").unwrap();
    let logfile = Some(LogFile { path: open.clone(), maxbytes: 0, backups: 0 });
    let mut err = rig.attach(0, 1, Channel::Stderr, |attach| attach.logfile = logfile);
    out.write_all(b"one\n").unwrap();
    err.write_all(b"two\n").unwrap();
    wait_until("both are kept", || rig.kept(Query::default()).len() == 2 && open.exists());
    let process = ProcessId(0);
    let missing = rig.directory.path().join("missing");
    let files = vec![open.clone(), closed.clone(), missing.clone()];
    let cleared = wait_for(rig.hub.clear_logs(vec![Clearing { process, files }]));
    assert_eq!(cleared, [(process, Ok(()))]);
    assert_eq!([&open, &closed].map(|path| fs::read_to_string(path).unwrap()), ["", ""]);
    assert!(!missing.exists());
    assert!(rig.kept(Query::default()).is_empty());
    out.write_all(b"three\n").unwrap();
    err.write_all(b"four\n").unwrap();
    wait_until("they go on", || rig.kept(Query::default()).len() == 2);
    wait_until("the file goes on", || fs::read(&open).unwrap() == b"four\n");
}

#[test]
fn a_log_that_cannot_be_cleared_is_told_and_the_others_are_cleared() {
    let rig = Rig::new(None, |_| {});
    rig.program(0);
    let blocked = rig.directory.path().join("directory");
    fs::create_dir(&blocked).unwrap();
    let logs = [(0, vec![blocked]), (1, vec![])];
    let logs = logs.map(|(number, files)| Clearing { process: ProcessId(number), files });
    let cleared = wait_for(rig.hub.clear_logs(logs.into()));
    assert!(cleared[0].1.is_err() && cleared[1].1.is_ok(), "{cleared:?}");
}

#[test]
fn the_main_log_has_our_lines_and_at_debug_what_programs_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("main.log");
    let settings = MainLogSettings { level: LogLevel::Debug, ..MainLogSettings::kept_at(path.clone()) };
    let main = MainLog::open(&settings).unwrap();
    let rig = Rig::new(None, |config| config.main_log = Some(main));
    rig.hub.log(LogLevel::Info, WallTime(0), "spawned: 'p0' with pid 7");
    rig.hub.log(LogLevel::Trace, WallTime(0), "not this");
    rig.hub.register(ProcessId(0), Label { name: "group:p0".into(), prefix: String::new() });
    rig.attach(0, 1, Channel::Stdout, |_| {}).write_all(b"hello\n").unwrap();
    let text = || fs::read_to_string(&path).unwrap();
    wait_until("the output is there", || text().ends_with("DEBG 'p0' stdout output:\nhello\n\n"));
    assert!(text().contains("INFO spawned: 'p0' with pid 7\n") && !text().contains("not this"), "{}", text());
    assert_eq!(wait_for(rig.hub.clear_main_log()), Ok(()));
    assert_eq!(text(), "");
}

#[test]
fn a_main_log_that_is_a_full_fifo_holds_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let main = MainLog::open(&MainLogSettings::kept_at(fifo.clone())).unwrap();
    let rig = Rig::new(None, |config| config.main_log = Some(main));
    for number in 0..5_000 {
        rig.hub.log(LogLevel::Info, WallTime(0), format!("line {number} {}", "x".repeat(80)));
    }
    assert!(rig.hub.flush(PATIENCE));
    let mut reader = File::options().read(true).write(true).open(&fifo).unwrap();
    let text = read_until(&mut reader, "line 4999 ");
    assert_eq!(text.matches("INFO line ").count(), 5_000);
}

#[test]
fn times_stand_before_the_prefix() {
    let (outlet, mut screen) = piped();
    let rig = Rig::new(Some(outlet), |config| config.timestamps = Timestamps::Relative);
    rig.program(0).write_all(b"x\n").unwrap();
    let line = read_until(&mut screen, "\n");
    assert!(line.starts_with("   +") && line.ends_with("s p0 │ x\n"), "{line:?}");
}

#[test]
fn two_runs_and_two_ups_are_told_apart() {
    let (outlet, screen) = piped();
    let rig = Rig::new(Some(outlet), |_| {});
    let reader = reading(screen);
    rig.program(0).write_all(b"up 1, run 1, unfinished").unwrap();
    wait_until("it is kept", || rig.kept(Query::default()).len() == 1);
    rig.attach(0, 2, Channel::Stdout, |_| {}).write_all(b"up 1, run 2\n").unwrap();
    assert!(rig.hub.stop(PATIENCE));
    let keep = Keep::new(rig.logs().directory());
    let second = Rig::new(None, |config| config.keep = Some(keep));
    second.program(0).write_all(b"up 2, run 1\n").unwrap();
    assert!(second.hub.stop(PATIENCE));
    assert_eq!(rig.kept(Query::default()), ["p0: up 1, run 1, unfinished", "p0: up 1, run 2", "p0: up 2, run 1"]);
    assert_eq!(rig.kept(Query { run: Some(1), ..Query::default() }), ["p0: up 2, run 1"]);
    assert_eq!(rig.kept(Query { run: Some(2), ..Query::default() }), Vec::<String>::new());
    let found: Vec<_> = rig.logs().lines(Query::default()).unwrap().map(|line| (line.up, line.run)).collect();
    assert_eq!(found, [(1, 1), (1, 2), (2, 1)]);
    reader.join().unwrap();
}

#[test]
fn the_last_lines_of_each_process_are_merged_by_time() {
    let rig = Rig::new(None, |config| {
        let keep = config.keep.as_mut().unwrap();
        (keep.bytes, keep.segment_bytes) = (1 << 20, 1000);
    });
    let (mut one, mut two) = (rig.program(1), rig.program(2));
    for round in 0..200 {
        writeln!(one, "one {round}").unwrap();
        wait_until("one is kept", || {
            rig.kept(Query { last: Some(1), ..Query::default() }).contains(&format!("p1: one {round}"))
        });
        if round % 50 == 49 {
            writeln!(two, "two {round}").unwrap();
            wait_until("two is kept", || {
                rig.kept(Query { last: Some(1), ..Query::default() }).contains(&format!("p2: two {round}"))
            });
        }
    }
    let last = |last, processes: &[&str]| {
        let processes = processes.iter().map(|name| (*name).to_owned()).collect();
        rig.kept(Query { last: Some(last), processes, ..Query::default() })
    };
    assert_eq!(last(2, &["p1"]), ["p1: one 198", "p1: one 199"]);
    assert_eq!(last(150, &["p1"])[0], "p1: one 50", "over segments");
    assert_eq!(last(1000, &["p2"]).len(), 4);
    let all = rig.kept(Query::default());
    let at = all.iter().position(|line| line == "p2: two 99").unwrap();
    let before = |line: &str| all[..at].contains(&line.to_owned());
    // Lines of the same millisecond may change places.
    assert!(all.len() == 204 && before("p1: one 98") && !before("p1: one 110"), "{all:?}");
    let since = rig.logs().lines(Query::default()).unwrap().nth(at).unwrap().at;
    let later = rig.kept(Query { since: Some(since), ..Query::default() });
    assert!(later.contains(&"p2: two 99".to_owned()) && !later.contains(&"p1: one 90".to_owned()), "{later:?}");
    assert_eq!(rig.kept(Query { since: Some(WallTime(u64::MAX)), ..Query::default() }), Vec::<String>::new());
}

#[test]
fn what_is_written_later_can_be_followed() {
    let rig = Rig::new(None, |_| {});
    let mut follow = rig.logs().lines(Query { last: Some(1), ..Query::default() }).unwrap().follow();
    let mut next = |count: usize| {
        let mut lines = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while lines.len() < count && Instant::now() < deadline {
            lines.extend(follow.wait(Duration::from_secs(1)).into_iter().map(|line| ansi::to_text(&line.bytes)));
        }
        lines
    };
    let mut one = rig.program(1);
    one.write_all(b"first\nsecond\n").unwrap();
    assert_eq!(next(2), ["first", "second"]);
    let mut two = rig.program(2);
    two.write_all(b"other\n").unwrap();
    assert_eq!(next(1), ["other"]);
    one.write_all(b"prompt> ").unwrap();
    assert_eq!(next(1), ["prompt> "]);
    one.write_all(b"\nthird\n").unwrap();
    assert_eq!(next(1), ["third"]);
}

#[test]
fn a_socket_and_a_file_are_written_too() {
    let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("err");
    let stderr = File::create(&path).unwrap().into();
    let rig = Rig::new(Some(Outlet { stdout: OwnedFd::from(far), stderr }), |_| {});
    let reader = thread::spawn(move || {
        let mut all = String::new();
        near.read_to_string(&mut all).unwrap();
        all
    });
    flood(rig.program(0), numbered(0, 20_000)).join().unwrap();
    rig.hub.say("ours".to_owned());
    assert!(rig.hub.stop(PATIENCE));
    assert!(rows_of(&reader.join().unwrap(), 0).as_bytes() == numbered(0, 20_000));
    assert_eq!(fs::read_to_string(path).unwrap(), "ours\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_program_can_forge_the_prefix_of_another(
        chunks in proptest::collection::vec((0..2u32, prop_oneof![
            "[\\x00-\\x7f]{0,40}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..40),
            Just("\r\np1 │ forged".into()), Just("\x1b[1A\x1b[2Kp1 │ forged\n".into()), Just("\u{85}p1 │ forged".into()),
        ]), 0..12),
        is_terminal in any::<bool>(),
    ) {
        let (outlet, screen) = if is_terminal { terminal() } else { piped() };
        let rig = Rig::new(Some(outlet), |config| config.colour = true);
        let reader = reading(screen);
        let mut programs = [rig.program(0), rig.program(1)];
        for (number, chunk) in &chunks {
            programs[*number as usize].write_all(chunk).unwrap();
        }
        drop(programs);
        prop_assert!(rig.hub.stop(PATIENCE));
        let output = reader.join().unwrap();
        for line in output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            prop_assert!(line.starts_with("p0 │ ".as_bytes()) || line.starts_with("p1 │ ".as_bytes()));
            prop_assert!(!line.contains(&b'\r') && !line.contains(&0x08) && !line.contains(&0x0b));
        }
        let wrote = |number| chunks.iter().filter(|(of, _)| *of == number).map(|(_, chunk)| chunk.len()).sum::<usize>();
        if wrote(1) == 0 {
            prop_assert!(!output.split(|byte| *byte == b'\n').any(|line| line.starts_with("p1".as_bytes())));
        }
    }
}
