//! An event listener, and a process of an fcgi-program.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use super::{Outcome, say};

/// Appends every event to a file, as it came and with a line end, and accepts it; or does once as told.
pub(crate) fn listen(file: &str, once: &[&str]) -> Outcome {
    let mut stdin = io::stdin().lock();
    let mut once = once.first();
    loop {
        say("READY")?;
        let mut head = String::new();
        if stdin.read_line(&mut head)? == 0 {
            return Ok(0);
        }
        let length = head.trim_end().rsplit("len:").next().ok_or("no length")?.parse()?;
        let event = head + &characters(&mut stdin, length)? + "\n";
        OpenOptions::new().create(true).append(true).open(file)?.write_all(event.as_bytes())?;
        let mut stdout = io::stdout();
        match once.take() {
            Some(&"reject") => stdout.write_all(b"RESULT 4\nFAIL")?,
            Some(&"die") if !fs::exists("died")? => {
                fs::write("died", "")?;
                return Ok(1);
            }
            Some(&"babble") => say("hello")?,
            Some(&"stall") => loop {
                nix::unistd::pause();
            },
            Some(_) | None => stdout.write_all(b"RESULT 2\nOK")?,
        }
    }
}

/// So many characters, whatever they are in bytes.
fn characters(stream: &mut impl Read, count: usize) -> Result<String, Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    let mut seen = 0;
    while seen < count || std::str::from_utf8(&bytes).is_err() {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
        seen += usize::from(byte[0] & 0xc0 != 0x80);
    }
    Ok(String::from_utf8(bytes)?)
}

/// Accepts on what it has as stdin, and answers with its pid.
pub(crate) fn accept() -> Outcome {
    say("ready")?;
    let listener = UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    for stream in listener.incoming() {
        write!(stream?, "{}", std::process::id())?;
    }
    Ok(0)
}
