//! What `[eventlistener:NAME]` and `[fcgi-program:NAME]` have that `[program:NAME]` has not.

use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::section::Section;
use crate::config::lower::supervisord::{servers, value};
use crate::config::suggest;
use crate::model::conf_options::ConfSection;
use crate::model::supervisord::{FcgiAddress, FcgiSocket, Listener, Role};
use crate::model::{Diagnostic, EventType, Span};

/// `supervisor_stdout`, which many images have, prints what programs write.
const IN_ITS_PLACE: &str = "run up shows what every program writes; run supervisord does where it has stdout_logfile=/dev/stdout and \
                            stdout_logfile_maxbytes=0";

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
        let problem = servers::plugin(&section.title(), &handler).at(section.span("result_handler"), "this is Python");
        let prints = handler.starts_with("supervisor_stdout:");
        section.push(if prints { problem.help(IN_ITS_PLACE) } else { problem });
    }
    let buffer_size = section.read("buffer_size", names, value::integer).unwrap_or(10);
    if buffer_size < 1 {
        section.wrong("buffer_size", "at least 1");
    }
    let written = value::list(&section.text("events", names).unwrap_or_default().to_uppercase());
    if written.is_empty() {
        section.missing("events");
    }
    let mut events = Vec::new();
    for name in &written {
        match EventType::from_name(name) {
            Some(event) => events.push(event),
            None => section.push(unknown_event(name, section.span("events"))),
        }
    }
    events.sort();
    events.dedup();
    Role::Listener(Listener { buffer_size: u32::try_from(buffer_size).unwrap_or(1), events })
}

/// The mistake of a type of event that does not exist.
pub fn unknown_event(name: &str, span: Span) -> Diagnostic {
    let label = suggest::did_you_mean(name, EventType::all().map(EventType::name));
    let problem = Diagnostic::error("wrong-value", format!("`{name}` is not a type of event"));
    problem.at(span, label.unwrap_or_else(|| "no such type".to_owned()))
}

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
