//! superlance 2.0.0, unchanged.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::common::free_port;
use crate::daemon::Stage;
use crate::side::{Side, tool};

on_both! {
    crashmail_tells_of_an_unexpected_end,
    httpok_starts_a_stuck_server_again,
    memmon_starts_a_large_program_again,
    fatalmailbatch_tells_of_who_was_given_up,
    crashmailbatch_gathers_crashes,
    crashsms_sends_a_short_one,
}

/// A listener that runs a tool of superlance.
fn listener(name: &str, arguments: &str, events: &str) -> String {
    let program = tool(name);
    format!(
        "[eventlistener:{name}]\ncommand = {} {arguments}\nevents = {events}\nstderr_logfile = %(here)s/{name}.err\n\n",
        program.display()
    )
}

fn crashmail_tells_of_an_unexpected_end(side: Side) {
    let conf = listener(
        "crashmail",
        "-p bad -p good -s \"sh -c 'cat >> %(here)s/mail'\" -m me@example.org",
        "PROCESS_STATE_EXITED",
    ) + "[program:bad]\ncommand = sh -c 'exit 3'\nstartsecs = 0\nautorestart = false\n\n\
           [program:good]\ncommand = true\nstartsecs = 0\nautorestart = false\n";
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    stage.wait_for_text("mail", "Process bad in group bad exited unexpectedly");
    let mail = stage.read("mail");
    assert!(mail.contains("To: me@example.org\nSubject: ") && mail.contains("bad crashed at "), "{mail}");
    daemon.wait_state("good", "EXITED");
    assert!(!stage.read("mail").contains("good"));
}

fn httpok_starts_a_stuck_server_again(side: Side) {
    let port = free_port();
    let actor = env!("CARGO_BIN_EXE_actor");
    let conf = listener("httpok", &format!("-p web -t 5 http://127.0.0.1:{port}/"), "TICK_5")
        + &format!("[program:web]\ncommand = {actor} http {port} 500\nstartsecs = 0\n");
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    daemon.wait_state("web", "RUNNING");
    let pid = daemon.pid("web");
    daemon.wait_until("it was started again", || daemon.pid("web") != pid && daemon.state("web") == "RUNNING");
    stage.wait_for_text("httpok.err", "web is in RUNNING state, restarting");
    stage.wait_for_text("httpok.err", "web restarted");
}

fn memmon_starts_a_large_program_again(side: Side) {
    if !crate::common::has_tool("ps") {
        return;
    }
    let conf = listener("memmon", "-p large=1KB -p small=10GB", "TICK_5")
        + "[program:large]\ncommand = cat\nstartsecs = 0\n[program:small]\ncommand = cat\nstartsecs = 0\n";
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    daemon.wait_state("large", "RUNNING");
    daemon.wait_state("small", "RUNNING");
    let [large, small] = ["large", "small"].map(|name| daemon.pid(name));
    daemon.wait_until("it was started again", || ![large, 0].contains(&daemon.pid("large")));
    stage.wait_for_text("memmon.err", "Restarting large:large");
    assert_eq!(daemon.pid("small"), small);
}

/// A mail server that takes letters.
fn mail_server() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (letters, receiver) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let reader = BufReader::new(stream.try_clone().unwrap());
            let mut say = |text: &str| drop(stream.write_all(format!("{text}\r\n").as_bytes()));
            say("220 here");
            let mut letter: Option<String> = None;
            for line in reader.lines().map_while(Result::ok) {
                match &mut letter {
                    Some(text) if line == "." => {
                        // The test may be over already.
                        let _ = letters.send(std::mem::take(text));
                        letter = None;
                        say("250 taken");
                    }
                    Some(text) => {
                        text.push_str(&line);
                        text.push('\n');
                    }
                    None if line.eq_ignore_ascii_case("data") => {
                        letter = Some(String::new());
                        say("354 go on");
                    }
                    None if line.eq_ignore_ascii_case("quit") => say("221 bye"),
                    None => say("250 fine"),
                }
            }
        }
    });
    (port, receiver)
}

/// The letter that a batch sends for this program.
fn letter(side: Side, name: &str, program: &str) -> String {
    let (port, letters) = mail_server();
    let options = format!("-t me@example.org -f you@example.org -H 127.0.0.1:{port} -e TICK_5 -i 0.05");
    let stage = Stage::new(side, &[listener(name, &options, "PROCESS_STATE,TICK_5"), program.to_owned()].concat());
    let _daemon = stage.start();
    letters
        .recv_timeout(crate::common::PATIENCE)
        .unwrap_or_else(|_| panic!("{}\n{}", stage.read(&format!("{name}.err")), stage.read("main.log")))
}

fn fatalmailbatch_tells_of_who_was_given_up(side: Side) {
    let letter = letter(side, "fatalmailbatch", "[program:bad]\ncommand = false\nstartsecs = 5\nstartretries = 0\n");
    assert!(letter.contains("Process bad:bad failed to start too many times"), "{letter}");
}

const CRASH: &str = "[program:bad]\ncommand = sh -c 'exit 3'\nstartsecs = 0\nautorestart = false\n";

fn crashmailbatch_gathers_crashes(side: Side) {
    let letter = letter(side, "crashmailbatch", CRASH);
    assert!(letter.contains("Process bad:bad (pid ") && letter.contains("died unexpectedly"), "{letter}");
}

fn crashsms_sends_a_short_one(side: Side) {
    let letter = letter(side, "crashsms", CRASH);
    assert!(letter.contains("[bad:bad]") && letter.contains("exited unexpectedly"), "{letter}");
}
