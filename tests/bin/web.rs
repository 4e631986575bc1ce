//! A web server in one file: it says what it was asked, streams events, changes protocol and hangs up, as the path says.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Between two looks at the file that the next event waits for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Serves at PORT until a signal ends it.
pub(crate) fn serve() -> Result<u8, Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", env::var("PORT")?.parse::<u16>()?))?;
    for (number, stream) in listener.incoming().enumerate() {
        let stream = stream?;
        // Whoever goes away in between is no concern of ours.
        thread::spawn(move || drop(converse(&stream, number)));
    }
    Ok(0)
}

/// Answers the requests of one connection, one after another.
fn converse(stream: &TcpStream, number: usize) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(head) = head(&mut reader)? {
        let line = head.lines().next().unwrap_or_default().to_owned();
        let path = line.split(' ').nth(1).unwrap_or_default();
        let lower = head.to_ascii_lowercase();
        if lower.contains("\r\nupgrade: websocket\r\n") {
            writer
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")?;
            return io::copy(&mut reader, &mut writer).map(drop);
        }
        match path {
            "/hang-up" => return Ok(()),
            "/events" => events(writer)?,
            _ => {
                let body = body(&mut reader, &lower)?;
                let text = format!("connection {number}\n{head}{body}");
                write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Mine: yes\r\n\r\n{text}", text.len())?;
            }
        }
    }
    Ok(())
}

/// The lines of a head, with its end; `None` when the client has closed.
fn head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

/// The body, by its length or in chunks.
fn body(reader: &mut impl BufRead, head: &str) -> io::Result<String> {
    let mut body = Vec::new();
    if head.contains("transfer-encoding: chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some((_, rest)) = head.split_once("content-length: ") {
        let size = rest.lines().next().and_then(|size| size.parse().ok()).unwrap_or(0);
        reader.by_ref().take(size).read_to_end(&mut body)?;
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Two server-sent events, the second when there is a file `next-event`.
fn events(mut writer: impl Write) -> io::Result<()> {
    writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    writer.write_all(b"9\r\ndata: 1\n\n\r\n")?;
    while fs::metadata("next-event").is_err() {
        thread::sleep(LOOK_EVERY);
    }
    writer.write_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
}
