//! What `[eventlistener.NAME]` and `[fcgi-program.NAME]` of run.toml have that `[program.NAME]` has not; and what its output is
//! listened to for.

use crate::config::lower::Context;
use crate::config::lower::keys::Keys;
use crate::config::lower::settings::absolute;
use crate::config::lower::supervisord::{role, value as conf};
use crate::config::lower::value::{self, Read, Wrong};
use crate::config::raw::{RawData, RawValue};
use crate::model::options::SectionKind;
use crate::model::supervisord::{FcgiAddress, FcgiSocket, Listener, Role, StreamOptions};
use crate::model::{Diagnostic, EventType, Program, Tty};

/// The priority of a listener about which nothing is said (supervisor `options.py` `process_groups_from_parser`).
const LISTENER_PRIORITY: i32 = -1;

/// Before the keys are read: a listener starts first, and its stdout is a protocol.
pub fn defaults(section: SectionKind, program: &mut Program) {
    if section == SectionKind::Listener {
        program.priority = LISTENER_PRIORITY;
    }
    if matches!(section, SectionKind::Listener | SectionKind::Fcgi) {
        program.tty = Tty::Never;
    }
}

/// Reads the keys that only these sections have.
pub fn role(context: Context<'_>, keys: &mut Keys<'_>, program: &mut Program) {
    match keys.section {
        SectionKind::Listener => {
            program.redirect_stderr = false;
            program.extras.role = listener(keys, program);
        }
        SectionKind::Fcgi => program.extras.role = fcgi(context, keys, program),
        SectionKind::Top
        | SectionKind::Program
        | SectionKind::Task
        | SectionKind::Group
        | SectionKind::Control
        | SectionKind::Proxy
        | SectionKind::RpcInterface => {}
    }
    if keys.section != SectionKind::Listener {
        stream(keys, "stdout", &mut program.extras.stdout);
        stream(keys, "stderr", &mut program.extras.stderr);
    }
}

fn stream(keys: &mut Keys<'_>, channel: &str, options: &mut StreamOptions) {
    keys.set(&format!("{channel}_capture_maxbytes"), value::size, &mut options.capture_maxbytes);
    keys.set(&format!("{channel}_events_enabled"), value::boolean, &mut options.events_enabled);
}

fn listener(keys: &mut Keys<'_>, program: &Program) -> Role {
    let buffer_size = keys.number("buffer_size").unwrap_or(10);
    let mut events = events(keys, program);
    events.sort();
    events.dedup();
    Role::Listener(Listener { buffer_size, events })
}

/// The event types that are known; what is wrong with the others is told.
fn events(keys: &mut Keys<'_>, program: &Program) -> Vec<EventType> {
    let Some(written) = keys.value("events") else {
        missing(keys, program, "events", "events = [\"PROCESS_STATE_EXITED\"]");
        return Vec::new();
    };
    if keys.read("events", some_names).is_none() {
        return Vec::new();
    }
    let mut events = Vec::new();
    for item in written.data.as_list().unwrap_or_default() {
        match event(item) {
            Ok(event) => events.push(event),
            Err(problem) => keys.problems.push(problem),
        }
    }
    events
}

fn some_names(written: &RawValue) -> Read<()> {
    let names = value::names(written)?;
    if names.is_empty() { Err(Wrong::Value("it is empty".to_owned())) } else { Ok(()) }
}

fn event(item: &RawValue) -> Result<EventType, Diagnostic> {
    let name = item.data.as_text().unwrap_or_default().to_uppercase();
    EventType::from_name(&name).ok_or_else(|| role::unknown_event(&name, item.span))
}

fn fcgi(context: Context<'_>, keys: &mut Keys<'_>, program: &Program) -> Role {
    let backlog = keys.number("socket_backlog");
    let owner = keys.read("socket_owner", value::some_text);
    let mode = keys.read("socket_mode", value::octal);
    if keys.value("socket").is_none() {
        missing(keys, program, "socket", "socket = \"unix:///path\" or \"tcp://localhost:9000\"");
    }
    match keys.read("socket", |value| address(context, value)) {
        Some(FcgiAddress::Unix { path, mode: usual, owner: _ }) => {
            Role::Fcgi(FcgiSocket { address: FcgiAddress::Unix { path, mode: mode.unwrap_or(usual), owner }, backlog })
        }
        Some(address @ FcgiAddress::Tcp { .. }) => {
            for key in ["socket_owner", "socket_mode"] {
                if let Some(span) = keys.span(key) {
                    let problem = Diagnostic::warning("useless-key", format!("`{key}` does nothing"));
                    keys.problems.push(problem.at(span, "only a UNIX socket has owner and mode"));
                }
            }
            Role::Fcgi(FcgiSocket { address, backlog })
        }
        None => Role::Plain,
    }
}

/// As supervisord has it, and `unix://path` relative to the root as well.
fn address(context: Context<'_>, value: &RawValue) -> Read<FcgiAddress> {
    let RawData::Text(text) = &value.data else { return Err(Wrong::Type) };
    if let Some(path) = text.strip_prefix("unix://").filter(|path| !path.is_empty() && !path.contains('\0')) {
        return Ok(FcgiAddress::Unix { path: absolute(&context.request.root, path), mode: 0o700, owner: None });
    }
    conf::fcgi_address(text).map_err(|why| Wrong::Value(why.to_owned()))
}

fn missing(keys: &mut Keys<'_>, program: &Program, name: &str, help: &str) {
    let message = format!("{} {} has no `{name}`", keys.section.word(), program.name);
    let problem = Diagnostic::error("missing-key", message).at_opt(keys.span("command"), "it belongs to this");
    keys.problems.push(problem.help(help));
}
