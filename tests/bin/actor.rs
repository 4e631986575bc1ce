//! The one helper program of the tests: it exits, ignores TERM, forks, listens, notifies and floods, as its arguments say.
//!
//! Whatever goes on for a while says `ready` on its stdout when it is what it should be, and then stays until a signal ends it.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::parent_id;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getgroups, getpgrp, getpid, getsid, getuid, pause, setsid};

mod front;
mod host;
mod listener;
mod web;

type Outcome = Result<u8, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match act(&words) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "actor {}: {error}", arguments.join(" "));
            ExitCode::from(99)
        }
    }
}

fn act(words: &[&str]) -> Outcome {
    match *words {
        // exit CODE [after MS]
        ["exit", code, ref after @ ..] => wait(after).and_then(|()| Ok(code.parse()?)),
        // raise NUMBER: ended by a signal of its own
        ["raise", number] => Ok(raise(Signal::try_from(number.parse::<i32>()?)?).map(|()| 0)?),
        ["linger"] => linger(),
        ["ignore-term"] => ignore_term().and_then(|()| linger()),
        // SIGSTOPs itself, and would end with 0 when it is continued
        ["stopped"] => say("ready").and_then(|()| Ok(raise(Signal::SIGSTOP).map(|()| 0)?)),

        // The leader ends, its child stays in the group; `left PID` names it.
        ["fork-leave"] => leave(&["linger"]),
        // The same, and the child ignores TERM.
        ["polite-leader-stubborn-child"] => leave(&["ignore-term"]),
        // The same, in a session of its own.
        ["setsid-leave"] => leave(&["own-session", "linger"]),
        // Double fork and a session of its own: nothing ties it to its leader any more.
        ["daemonize"] => leave(&["leave", "own-session", "linger"]),
        // The same, and the daemon ignores TERM.
        ["stubborn-daemonize"] => leave(&["leave", "own-session", "ignore-term"]),
        // The leader stays, and so do a child in its group and one in a session of its own.
        ["family"] => family(),
        // The leader ends, its child keeps the stdout it has inherited, says nothing and ends after MS.
        ["hold-pipe", milliseconds] => {
            Command::new(env::current_exe()?).args(["exit", "0", "after", milliseconds]).spawn()?;
            Ok(0)
        }

        // listen PORT [after MS]; port 0 says which: `ready PORT`
        ["listen", port, ref after @ ..] => wait(after).and_then(|()| listen(port.parse()?)),
        // http PORT STATUS: answers every request with this status
        ["http", port, status] => http(port.parse()?, status),
        // web: at PORT, says what it was asked; streams, WebSockets
        ["web"] => web::serve(),
        // notify [after MS]: READY=1 to NOTIFY_SOCKET
        ["notify", ref after @ ..] => wait(after).and_then(|()| notify()),

        // event-listener FILE [reject, die, babble or stall, at its first event]
        ["event-listener", file, ref once @ ..] => listener::listen(file, once),
        // accept: on the listening socket that it has as stdin; answers with its pid
        ["accept"] => listener::accept(),

        // flood BYTES: lines of 100 bytes, as fast as they are taken
        ["flood", bytes] => flood(bytes.parse()?),
        ["line", text] => say(text).map(|()| 0),
        ["close-stdout"] => close_stdout(),
        ["env"] => report_environment(),
        ["report-self"] => report_self(),

        // The steps of the above.
        ["own-session", ref rest @ ..] => setsid().map_err(Into::into).and_then(|_| act(rest)),
        ["leave", ref rest @ ..] => leave(rest),

        // A supervisor with a real spawner that takes orders on stdin: see `host`.
        ["host"] => host::run(),
        // A front before a supervisor that does as told: see `front`.
        ["front", ref rest @ ..] => front::run(rest),
        _ => Err("unknown part".into()),
    }
}

fn say(text: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// `after MS`, or nothing.
fn wait(after: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    match *after {
        [] => {}
        ["after", milliseconds] => thread::sleep(Duration::from_millis(milliseconds.parse()?)),
        _ => return Err("expected `after MS`".into()),
    }
    Ok(())
}

fn linger() -> Outcome {
    say("ready")?;
    loop {
        pause();
    }
}

fn ignore_term() -> Result<(), Box<dyn std::error::Error>> {
    Ok(SigSet::from(Signal::SIGTERM).thread_block()?)
}

/// Starts another actor; returns when it has said something, with what it said.
fn start(words: &[&str]) -> Result<(Child, String), Box<dyn std::error::Error>> {
    let mut child =
        Command::new(env::current_exe()?).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
    Ok((child, line))
}

/// Starts another actor, waits until it is what it should be, says `left PID` and ends.
fn leave(words: &[&str]) -> Outcome {
    let (mut child, said) = start(words)?;
    if said.starts_with("left") {
        // A step in between: what it has left is the one to name, and by now has lost its parent.
        child.wait()?;
        say(said.trim_end())?;
    } else {
        say(&format!("left {}", child.id()))?;
    }
    Ok(0)
}

fn family() -> Outcome {
    let (near, _) = start(&["linger"])?;
    let (far, _) = start(&["own-session", "linger"])?;
    say(&format!("left {}", near.id()))?;
    say(&format!("left {}", far.id()))?;
    linger()
}

fn listen(port: u16) -> Outcome {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    say(&format!("ready {}", listener.local_addr()?.port()))?;
    loop {
        drop(listener.accept()?);
    }
}

fn http(port: u16, status: &str) -> Outcome {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    say(&format!("ready {}", listener.local_addr()?.port()))?;
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut head = [0; 4096];
        // Whoever goes away in between is no concern of ours.
        let _ = stream.read(&mut head);
        let _ = write!(stream, "HTTP/1.1 {status} As-Told\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    }
}

fn notify() -> Outcome {
    UnixDatagram::unbound()?.send_to(b"READY=1", env::var("NOTIFY_SOCKET")?)?;
    linger()
}

fn flood(bytes: usize) -> Outcome {
    let mut stdout = io::stdout().lock();
    for number in 0..bytes.div_ceil(100) {
        writeln!(stdout, "{number:099}")?;
    }
    stdout.flush()?;
    Ok(0)
}

fn close_stdout() -> Outcome {
    say("ready")?;
    nix::unistd::close(1)?;
    loop {
        pause();
    }
}

fn report_environment() -> Outcome {
    for (name, value) in env::vars_os() {
        say(&format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))?;
    }
    Ok(0)
}

/// What a program sees of itself, one `name value` a line. Rust itself ignores PIPE, so bit 12 of `SigIgn` says nothing.
fn report_self() -> Outcome {
    let status = fs::read_to_string("/proc/self/status")?;
    for name in ["SigIgn", "SigBlk"] {
        let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such line")?;
        say(&line.replace(":\t", " "))?;
    }
    let open = fs::read_dir("/proc/self/fd")?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut open: Vec<String> = open.collect();
    open.sort();
    // The last one is the listing itself.
    open.pop();
    let stat = fs::read_to_string("/proc/self/stat")?;
    let terminal = stat.rsplit(')').next().and_then(|rest| rest.split_ascii_whitespace().nth(4));
    let groups: Vec<String> = getgroups()?.iter().map(ToString::to_string).collect();
    say(&format!("pid {}", getpid()))?;
    say(&format!("parent {}", parent_id()))?;
    say(&format!("group {}", getpgrp()))?;
    say(&format!("session {}", getsid(None)?))?;
    say(&format!("terminal {}", terminal.unwrap_or("?")))?;
    say(&format!("descriptors {}", open.join(",")))?;
    say(&format!("umask {:03o}", umask(Mode::empty()).bits()))?;
    say(&format!("directory {}", env::current_dir()?.display()))?;
    say(&format!("user {}", getuid()))?;
    say(&format!("groups {}", groups.join(",")))?;
    let (soft, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)?;
    say(&format!("nofile {soft} {hard}"))?;
    Ok(0)
}
