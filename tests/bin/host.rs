//! A supervisor of a few lines around a real spawner, so that tests can shoot either: one order a line on stdin, one report a
//! line on stdout.
//!
//! ```text
//! spawn KEY [option…] -- WORD…      options: out=FILE in=DIRECTORY umask=OCTAL user=UID:GID NAME=VALUE leave tty
//! signal KEY NUMBER leader|group|tree
//! signal-all NUMBER
//! release KEY
//! shutdown MILLISECONDS
//! ```
//! The first line said is `spawner PID`. When the spawner is gone, it says `gone`, sweeps and ends; with its own stdin it ends at once.

use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use nix::pty::openpty;
use tokio::sync::mpsc;

use run::model::{Exit, Signal};
use run::runtime::os;
use run::runtime::spawner::{self, Account, Born, Key, Order, Report, SpawnOrder, Spawner, SpawnerEnd, Stdio};
use run::supervisor::action::Scope;

use super::{Outcome, say};

pub(crate) fn run() -> Outcome {
    let end = match spawner::fork(&format!("test-{}", std::process::id()))? {
        Born::Spawner(birth) => birth.live(()),
        Born::Supervisor(end) => end,
    };
    os::raise_open_descriptor_limit()?;
    say(&format!("spawner {}", end.pid()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(end))
}

async fn serve(end: SpawnerEnd) -> Outcome {
    let mut spawner = end.connect()?;
    let mut lines = lines();
    let mut masters = Vec::new();
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => spawner.order(read_order(&line, &mut masters)?),
                None => return Ok(0),
            },
            report = spawner.report() => match report {
                Some(report) => shown(&report).map_or(Ok(()), |line| say(&line))?,
                None => break,
            },
        }
    }
    say("gone")?;
    os::sweep_descendants(Duration::from_millis(200), &os::Inherited::default());
    say("swept by the supervisor")?;
    Ok(0)
}

/// Lines of stdin, read by a thread of its own: it lives as long as the process.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What the end itself says already is not shown.
fn shown(report: &Report) -> Option<String> {
    let line = match report {
        Report::Spawned { key, pid } => format!("spawned {} {pid}", key.0),
        Report::SpawnFailed { key, step, errno } => format!("failed {} {step:?} {errno}", key.0),
        Report::Exited { key, exit, survivors } => {
            let exit = match exit {
                Exit::Code(code) => format!("code {code}"),
                Exit::Signal { signal, .. } => format!("signal {}", signal.0),
            };
            format!("exited {} {exit} {}", key.0, if *survivors { "survivors" } else { "alone" })
        }
        Report::LeftBehind { .. } => return None,
        Report::OutOfReach { key, signal, errno } => format!("out of reach {} {signal} {errno}", key.0),
        Report::Vanished { key } => format!("vanished {}", key.0),
        Report::Swept { names } => {
            let names: Vec<String> = names.iter().map(|(pid, name)| format!("{name}:{pid}")).collect();
            format!("swept {}", names.join(","))
        }
    };
    Some(line)
}

fn read_order(line: &str, masters: &mut Vec<OwnedFd>) -> Result<Order, Box<dyn Error>> {
    let words = shell_words::split(line)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(match *words {
        ["spawn", key, ref rest @ ..] => Order::Spawn(Box::new(read_spawn(Key(key.parse()?), rest, masters)?)),
        ["signal", key, number, scope] => Order::Signal {
            key: Key(key.parse()?),
            signal: Signal(number.parse()?),
            scope: match scope {
                "leader" => Scope::Leader,
                "group" => Scope::Group,
                _ => Scope::Tree,
            },
        },
        ["signal-all", number] => Order::SignalAll { signal: Signal(number.parse()?) },
        ["release", key] => Order::Release { key: Key(key.parse()?) },
        ["shutdown", milliseconds] => Order::Shutdown { grace: Duration::from_millis(milliseconds.parse()?) },
        _ => return Err(format!("not an order: {line}").into()),
    })
}

fn read_spawn(key: Key, words: &[&str], masters: &mut Vec<OwnedFd>) -> Result<SpawnOrder, Box<dyn Error>> {
    let (options, argv) = words.split_at(words.iter().position(|word| *word == "--").ok_or("no --")?);
    let mut order = SpawnOrder {
        key,
        argv: argv[1..].iter().map(OsString::from).collect(),
        env: std::env::vars().collect(),
        directory: PathBuf::from("."),
        umask: None,
        user: None,
        stdio: streams(None)?,
        sweep: true,
        goes_ahead: false,
    };
    for option in options {
        match option.split_once('=') {
            Some(("out", file)) => order.stdio = streams(Some(file))?,
            Some(("in", directory)) => order.directory = directory.into(),
            Some(("umask", mask)) => order.umask = Some(u32::from_str_radix(mask, 8)?),
            Some(("user", ids)) => {
                let (uid, gid) = ids.split_once(':').ok_or("no gid")?;
                order.user = Some(Account { uid: uid.parse()?, gid: gid.parse()?, groups: vec![gid.parse()?] });
            }
            Some((name, value)) => order.env.set(name, value),
            None if *option == "leave" => order.sweep = false,
            None => {
                let pty = openpty(None, None)?;
                masters.push(pty.master);
                order.stdio = Stdio::Terminal(pty.slave);
            }
        }
    }
    Ok(order)
}

fn streams(file: Option<&str>) -> io::Result<Stdio> {
    let stdin = File::open("/dev/null")?.into();
    let stdout = File::options().append(true).create(true).open(file.unwrap_or("/dev/null"))?.into();
    Ok(Stdio::Streams { stdin, stdout, stderr: None })
}
