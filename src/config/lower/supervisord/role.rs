//! What `[eventlistener:NAME]` and `[fcgi-program:NAME]` have that `[program:NAME]` has not.

use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::section::Section;
use crate::config::lower::supervisord::{servers, value};
use crate::config::suggest;
use crate::model::Diagnostic;
use crate::model::conf_options::ConfSection;
use crate::model::supervisord::{FcgiAddress, FcgiSocket, Listener, Role};

/// The result handler that needs no Python.
const OWN_HANDLER: &str = "supervisor.dispatchers:default_handler";

/// What the kind of section adds.
pub fn role(section: &mut Section<'_>, names: &Expansions, redirects: bool) -> Role {
    match section.kind {
        ConfSection::Listener => listener(section, names, redirects),
        ConfSection::Fcgi => fcgi(section, names),
        ConfSection::Program
        | ConfSection::Supervisord
        | ConfSection::Ctl
        | ConfSection::UnixServer
        | ConfSection::InetServer
        | ConfSection::Include
        | ConfSection::Group
        | ConfSection::RpcInterface
        | ConfSection::CtlPlugin => Role::Plain,
    }
}

fn listener(section: &mut Section<'_>, names: &Expansions, redirects: bool) -> Role {
    if redirects {
        let problem = Diagnostic::error("wrong-value", "an event listener cannot have redirect_stderr=true");
        section.push(problem.at(section.span("redirect_stderr"), "its stdout is the listener protocol"));
    }
    if let Some(handler) = section.text("result_handler", names).filter(|handler| handler != OWN_HANDLER) {
        section.push(servers::plugin(&section.title(), &handler).at(section.span("result_handler"), "this is Python"));
    }
    let buffer_size = section.read("buffer_size", names, value::integer).unwrap_or(10);
    if buffer_size < 1 {
        section.wrong("buffer_size", "at least 1");
    }
    let mut events = value::list(&section.text("events", names).unwrap_or_default().to_uppercase());
    events.sort();
    events.dedup();
    if events.is_empty() {
        section.missing("events");
    }
    for event in &events {
        if !EVENTS.contains(&event.as_str()) {
            let label = suggest::did_you_mean(event, EVENTS.iter().copied());
            let problem = Diagnostic::error("wrong-value", format!("`{event}` is not a type of event"));
            section.push(problem.at(section.span("events"), label.unwrap_or_else(|| "no such type".to_owned())));
        }
    }
    Role::Listener(Listener { buffer_size: u32::try_from(buffer_size).unwrap_or(1), events })
}

/// The types of event that a listener may ask for (supervisor `events.py` `EventTypes`).
const EVENTS: &[&str] = &[
    "EVENT",
    "PROCESS_STATE",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_LOG",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
];

fn fcgi(section: &mut Section<'_>, names: &Expansions) -> Role {
    let backlog = section.read("socket_backlog", names, |text| {
        u16::try_from(value::integer(text)?).ok().filter(|backlog| *backlog > 0).ok_or("a number from 1 to 65535")
    });
    let (owner, mode) = (section.text("socket_owner", names), section.read("socket_mode", names, value::octal));
    if section.written("socket").is_none_or(str::is_empty) {
        section.missing("socket");
        return Role::Plain;
    }
    match section.read("socket", names, value::fcgi_address) {
        Some(FcgiAddress::Unix { path, mode: usual, owner: _ }) => {
            let address = FcgiAddress::Unix { path, mode: mode.unwrap_or(usual), owner };
            Role::Fcgi(FcgiSocket { address, backlog })
        }
        Some(address @ FcgiAddress::Tcp { .. }) => {
            let key = if owner.is_some() { "socket_owner" } else { "socket_mode" };
            if owner.is_some() || mode.is_some() {
                section.wrong(key, "only a UNIX socket has owner and mode");
            }
            Role::Fcgi(FcgiSocket { address, backlog })
        }
        None => Role::Plain,
    }
}
