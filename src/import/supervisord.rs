//! supervisord.conf and the files that it includes: programs and groups, with their options, which have the same names here.

use crate::codec::ini::{self, Entry};
use crate::codec::shlex;
use crate::import::draft::{Draft, Lost, Section, Value};
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source, holes, parts};
use crate::model::SourceFile;
use crate::model::conf_options::ConfSection;
use crate::model::units::{parse_octal, parse_size};

/// The row of [`super::FORMATS`].
pub const FORMAT: Format =
    Format { name: "supervisord.conf", file_names: &["*.conf", "*.ini"], marks: &[], beside: includes, read };

/// The patterns of `[include]`.
fn includes(text: &str) -> Vec<String> {
    let ini = ini::parse(text);
    let sections = ini.sections.iter().filter(|section| section.name == "include");
    let files = sections.flat_map(|section| &section.entries).filter(|entry| entry.key == "files");
    files.flat_map(|entry| entry.value.split_whitespace()).map(|pattern| from_here(pattern).to_owned()).collect()
}

/// A path that begins with `%(here)s` is one from the project's root.
fn from_here(path: &str) -> &str {
    path.strip_prefix("%(here)s").map_or(path, |rest| rest.trim_start_matches('/'))
}

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let mut draft = Draft::new(source.name);
    let mut files = vec![File::new(source.name, source.text)];
    files.extend(source.beside.iter().map(|(name, text)| File::new(name, text)));
    let names = Names::of(files.iter().flat_map(File::names));
    for file in &files {
        let ini = ini::parse(&file.source.text);
        for error in &ini.errors {
            let text = file.source.text[error.span.clone()].to_owned();
            draft.lost.push(Lost { file: file.name(), line: error.line, what: text, why: error.kind.to_string() });
        }
        for one in &ini.sections {
            let (word, name) = one.name.split_once(':').unwrap_or((&one.name, ""));
            section(file, &Found { word, name, section: one }, &names, &mut draft);
        }
    }
    if !draft.sections.iter().any(|section| section.kind == "program") {
        return Err(ImportError::Nothing("it has no [program:NAME]"));
    }
    draft.notes.push(
        "Differently from supervisord, signals go to the whole process group (stopasgroup, killasgroup), and stderr \
         goes where stdout goes (redirect_stderr), unless a line says otherwise."
            .to_owned(),
    );
    let rank = |section: &Section| (section.kind != "control", section.kind == "group");
    draft.sections.sort_by_key(rank);
    Ok(draft)
}

struct File {
    source: SourceFile,
}

impl File {
    fn new(name: &str, text: &str) -> Self {
        Self { source: SourceFile { name: name.to_owned(), text: text.to_owned() } }
    }

    fn name(&self) -> String {
        self.source.name.clone()
    }

    /// Names of programs.
    fn names(&self) -> Vec<&str> {
        const KINDS: [&str; 3] = ["[program:", "[eventlistener:", "[fcgi-program:"];
        let name =
            |line: &'_ str| KINDS.iter().find_map(|kind| Some(line.strip_prefix(kind)?.split(']').next()?.len()));
        let heads = self.source.text.lines().map(str::trim_end).filter_map(|line| Some((line, name(line)?)));
        heads.filter_map(|(line, length)| line.split_once(':')?.1.get(..length)).collect()
    }

    fn lost(&self, entry: &Entry, why: &str) -> Lost {
        let line = self.source.position(entry.key_span.start).0;
        Lost { file: self.name(), line, what: entry.key.clone(), why: why.to_owned() }
    }

    fn lost_section(&self, found: &Found<'_>, why: &str) -> Lost {
        let line = self.source.position(found.section.span.start).0;
        Lost { file: self.name(), line, what: format!("[{}]", found.section.name), why: why.to_owned() }
    }
}

struct Found<'a> {
    word: &'a str,
    name: &'a str,
    section: &'a ini::Section,
}

fn section(file: &File, found: &Found<'_>, names: &Names, draft: &mut Draft) {
    let Some(kind) = ConfSection::of_word(found.word) else {
        draft.lost.push(file.lost_section(found, "supervisord does not know it either"));
        return;
    };
    match kind {
        ConfSection::Program => draft.sections.push(program("program", file, found, names)),
        ConfSection::Listener => draft.sections.push(program("eventlistener", file, found, names)),
        ConfSection::Fcgi => draft.sections.push(program("fcgi-program", file, found, names)),
        ConfSection::Group => draft.sections.push(group(file, found, names)),
        ConfSection::Supervisord => daemon(file, found, draft),
        ConfSection::InetServer => server(file, found, draft),
        ConfSection::UnixServer => {
            let why = "a project has a socket of its own, which `run ctl` finds; [control] socket names another";
            draft.lost.push(file.lost_section(found, why));
        }
        ConfSection::RpcInterface if found.name == "supervisor" => {}
        ConfSection::RpcInterface | ConfSection::CtlPlugin => {
            draft.lost.push(file.lost_section(found, "extensions are read from a supervisord.conf only"));
        }
        // What they say is known, or was done.
        ConfSection::Ctl | ConfSection::Include => {}
    }
}

/// `[supervisord]`: its environment is the project's, the rest is about the daemon.
fn daemon(file: &File, found: &Found<'_>, draft: &mut Draft) {
    for entry in &found.section.entries {
        match (entry.key.as_str(), shlex::pairs(&entry.value)) {
            ("environment", Ok(pairs)) => {
                for (name, value) in pairs {
                    draft.variable(name, expanded(&value, "", Place::Template).text);
                }
            }
            // They change nothing about what is started.
            ("nodaemon" | "loglevel" | "minfds" | "minprocs" | "nocleanup" | "silent" | "strip_ansi", _) => {}
            ("identifier", _) => draft.top.push(("name", Value::Text(Names::default().claim(&entry.value)))),
            ("logfile" | "logfile_maxbytes" | "logfile_backups" | "childlogdir", _) => {
                draft.lost.push(file.lost(entry, "logs are kept in the state directory; `run logs` reads them"));
            }
            ("pidfile", _) => draft.lost.push(file.lost(entry, "a running project is found without one")),
            ("user" | "umask" | "directory", _) => {
                draft.lost.push(file.lost(entry, "it is about the daemon; a program has the option too"));
            }
            (_, _) => draft.lost.push(file.lost(entry, "run.toml has nothing like it")),
        }
    }
}

/// `[inet_http_server]`: one address, with its name and password.
fn server(file: &File, found: &Found<'_>, draft: &mut Draft) {
    if draft.sections.iter().any(|section| section.kind == "control") {
        draft.lost.push(file.lost_section(found, "a project listens on one address"));
        return;
    }
    let mut section = Section::new("control", "");
    for entry in &found.section.entries {
        match entry.key.as_str() {
            "port" => {
                let address = entry.value.trim();
                let address = match address.strip_prefix('*') {
                    Some(port) => format!("0.0.0.0:{}", port.trim_start_matches(':')),
                    None if address.contains(':') => address.to_owned(),
                    None => format!("0.0.0.0:{address}"),
                };
                section.keys.insert(0, ("tcp", Value::Text(address)));
            }
            "username" | "password" if entry.value.contains("%(") => {
                section.lost.push(file.lost(entry, "an expansion that run.toml does not have here"));
            }
            "username" => section.set("username", Value::text(&entry.value)),
            "password" => section.set("password", Value::text(&entry.value)),
            _ => section.lost.push(file.lost(entry, "run.toml has nothing like it")),
        }
    }
    // There is never one without the other.
    if section.has("username") != section.has("password") {
        section.keys.retain(|(key, _)| *key == "tcp");
        let line = file.source.position(found.section.span.start).0;
        let why = "there has to be a password with it; without one only this machine may connect";
        section.lost.push(Lost { file: file.name(), line, what: "username".to_owned(), why: why.to_owned() });
    }
    draft.sections.push(section);
}

fn group(file: &File, found: &Found<'_>, names: &Names) -> Section {
    let mut section = Section::new("group", found.name);
    for entry in &found.section.entries {
        match entry.key.as_str() {
            "programs" => {
                let members = entry.value.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
                section.set("programs", Value::texts(members.map(|name| names.ours(name).unwrap_or(name))));
            }
            "priority" => match entry.value.trim().parse() {
                Ok(priority) => section.set("priority", Value::Integer(priority)),
                Err(_) => section.lost.push(file.lost(entry, "its value is not understood")),
            },
            _ => section.lost.push(file.lost(entry, "run.toml has nothing like it")),
        }
    }
    section
}

fn program(kind: &'static str, file: &File, found: &Found<'_>, names: &Names) -> Section {
    let name = names.ours(found.name).unwrap_or(found.name);
    let mut section = Section::new(kind, name);
    for entry in &found.section.entries {
        if let Err(why) = option(entry, found.name, &mut section) {
            section.lost.push(file.lost(entry, why));
        }
    }
    section.keys.retain(|(key, value)| (*key, value) != ("directory", &Value::text(".")));
    let is_here =
        |entry: &&Entry| ["command", "environment"].contains(&entry.key.as_str()) && entry.value.contains("%(here)s");
    if section.has("directory")
        && let Some(entry) = found.section.entries.iter().find(is_here)
    {
        section.lost.push(file.lost(entry, "`%(here)s` is written as `.`, which `directory` moves"));
    }
    without_a_file_its_limits_go(file, found, &mut section);
    if !section.has("command") {
        section.set("command", Value::text("false"));
    }
    let order = ["command", "directory"];
    section.keys.sort_by_key(|(key, _)| order.iter().position(|first| first == key).unwrap_or(order.len()));
    section
}

/// A log that goes to the stream has no size; one that was somewhere by itself is kept by us.
fn without_a_file_its_limits_go(file: &File, found: &Found<'_>, section: &mut Section) {
    for logfile in ["stdout_logfile", "stderr_logfile"] {
        if section.has(logfile) {
            continue;
        }
        let is_limit = |key: &str| matches!(key.strip_prefix(logfile), Some("_maxbytes" | "_backups"));
        section.keys.retain(|(key, _)| !is_limit(key));
        let entries = &found.section.entries;
        let is_device = entries.iter().any(|entry| entry.key == logfile && entry.value.trim().starts_with("/dev/"));
        for entry in entries.iter().filter(|entry| !is_device && is_limit(&entry.key)) {
            section.lost.push(file.lost(entry, "logs are kept in the state directory; `run logs` reads them"));
        }
    }
}

const NOT_UNDERSTOOD: &str = "its value is not understood";

/// One option of a program. Most are called the same here.
fn option(entry: &Entry, program: &str, section: &mut Section) -> Result<(), &'static str> {
    let value = entry.value.trim();
    let carried = match entry.key.as_str() {
        "command" => command(value, program)?,
        "directory" => path(value, program)?,
        "environment" => {
            for (name, value) in shlex::pairs(value).map_err(|_| NOT_UNDERSTOOD)? {
                section.variable(name, checked(&value, program, true)?);
            }
            return Ok(());
        }
        "autostart" if truth(value)? => return Ok(()),
        "redirect_stderr" if section.kind == "eventlistener" => return Ok(()),
        "autostart" | "redirect_stderr" | "stopasgroup" | "killasgroup" => Value::Boolean(truth(value)?),
        "autorestart" if value.eq_ignore_ascii_case("unexpected") => return Ok(()),
        "autorestart" => Value::Boolean(truth(value)?),
        "priority"
        | "startsecs"
        | "startretries"
        | "stopwaitsecs"
        | "numprocs"
        | "numprocs_start"
        | "stdout_logfile_backups"
        | "stderr_logfile_backups" => integer(value)?,
        "exitcodes" => {
            let codes: Result<Vec<i64>, _> = value.split(',').map(|code| code.trim().parse()).collect();
            Value::List(codes.map_err(|_| NOT_UNDERSTOOD)?.into_iter().map(Value::Integer).collect())
        }
        "stopsignal" => parts::signal(value).ok_or("no such signal")?,
        "umask" => parse_octal(value).map(|mask| Value::Text(format!("{mask:03o}"))).ok_or(NOT_UNDERSTOOD)?,
        "user" => Value::Text(checked(value, program, false)?),
        "stdout_logfile" | "stderr_logfile" if matches!(value.to_ascii_lowercase().as_str(), "auto" | "none" | "") => {
            return Ok(());
        }
        "stdout_logfile" | "stderr_logfile" if value.starts_with("/dev/") => return Ok(()),
        "stdout_logfile" | "stderr_logfile" if value.eq_ignore_ascii_case("syslog") => {
            return Err("there is no syslog; `| logger` in the command writes to it");
        }
        "stdout_logfile" | "stderr_logfile" => path(value, program)?,
        "stdout_logfile_maxbytes" | "stderr_logfile_maxbytes" => {
            parse_size(value).map(|_| Value::text(value)).ok_or(NOT_UNDERSTOOD)?
        }
        "process_name" => return process_name(value, program, section),
        "depends_on" if value.starts_with('[') => return Err("write the list as TOML has it"),
        "depends_on" => {
            let needs = value.split([',', '\n']).map(str::trim).filter(|need| !need.is_empty());
            Value::texts(needs)
        }
        "stdout_capture_maxbytes" | "stderr_capture_maxbytes" if section.kind != "eventlistener" => {
            parse_size(value).map(|_| Value::text(value)).ok_or(NOT_UNDERSTOOD)?
        }
        "stdout_events_enabled" | "stderr_events_enabled" if section.kind != "eventlistener" => {
            Value::Boolean(truth(value)?)
        }
        "events" if section.kind == "eventlistener" => {
            Value::texts(value.split([',', '\n']).map(str::trim).filter(|event| !event.is_empty()))
        }
        "buffer_size" if section.kind == "eventlistener" => integer(value)?,
        "socket" if section.kind == "fcgi-program" => Value::Text(checked(value, program, false)?),
        "socket_owner" if section.kind == "fcgi-program" => Value::Text(checked(value, program, false)?),
        "socket_backlog" if section.kind == "fcgi-program" => integer(value)?,
        "socket_mode" if section.kind == "fcgi-program" => {
            parse_octal(value).map(|mode| Value::Text(format!("{mode:04o}"))).ok_or(NOT_UNDERSTOOD)?
        }
        "stdout_syslog" | "stderr_syslog" => return Err("there is no syslog; `| logger` in the command writes to it"),
        "serverurl" => return Err("a program is told the project's own socket"),
        "ready" => return Err("write it as a table: ready = { tcp = 5432 }"),
        _ => return Err("run.toml has nothing like it"),
    };
    let key = KEYS.iter().find(|key| **key == entry.key).ok_or("run.toml has nothing like it")?;
    section.set(key, carried);
    Ok(())
}

/// Options that are called the same.
const KEYS: [&str; 34] = [
    "command",
    "directory",
    "autostart",
    "autorestart",
    "priority",
    "startsecs",
    "startretries",
    "stopwaitsecs",
    "stopsignal",
    "stopasgroup",
    "killasgroup",
    "redirect_stderr",
    "numprocs",
    "numprocs_start",
    "exitcodes",
    "umask",
    "user",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "depends_on",
    "stdout_capture_maxbytes",
    "stderr_capture_maxbytes",
    "stdout_events_enabled",
    "stderr_events_enabled",
    "events",
    "buffer_size",
    "socket",
    "socket_backlog",
    "socket_owner",
    "socket_mode",
];

fn truth(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(NOT_UNDERSTOOD),
    }
}

fn integer(value: &str) -> Result<Value, &'static str> {
    value.parse().map(Value::Integer).map_err(|_| NOT_UNDERSTOOD)
}

/// No shell reads a command there, so what a shell would make of its words is quoted.
fn command(value: &str, program: &str) -> Result<Value, &'static str> {
    let raw = shlex::split(value).map_err(|_| NOT_UNDERSTOOD)?;
    if raw.is_empty() {
        return Err("it is empty");
    }
    let words: Vec<Expanded> = raw.iter().map(|word| expanded(word, program, Place::Command)).collect();
    if words.iter().any(|word| word.text.contains("%(")) {
        return Err("it has an expansion that run.toml does not have");
    }
    if words.iter().any(|word| word.needs_shell) {
        let line: Vec<String> = words.iter().map(shell_word).collect();
        return Ok(Value::Text(line.join(" ")));
    }
    let is_plain = |word: &Expanded| parts::is_plain_word(&word.text);
    let is_line = words.iter().all(is_plain);
    let words: Vec<String> = words.into_iter().map(|word| word.text).collect();
    Ok(if is_line { Value::Text(words.join(" ")) } else { Value::texts(words) })
}

/// A word for the shell: our own holes are filled, everything else is text.
fn shell_word(word: &Expanded) -> String {
    if word.needs_shell {
        format!("\"{}\"", word.text)
    } else {
        parts::shell_line(std::slice::from_ref(&word.text)).replace('"', "'")
    }
}

fn path(value: &str, program: &str) -> Result<Value, &'static str> {
    let path = checked(from_here(value), program, true)?;
    Ok(Value::Text(if path.is_empty() { ".".to_owned() } else { path }))
}

fn checked(value: &str, program: &str, is_template: bool) -> Result<String, &'static str> {
    let place = if is_template { Place::Template } else { Place::Text };
    let text = expanded(value, program, place).text;
    if text.contains("%(") { Err("it has an expansion that run.toml does not have") } else { Ok(text) }
}

/// Where an expansion stands, and so what can take its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A word of a command: the shell fills its holes.
    Command,
    /// A value in which run.toml fills holes.
    Template,
    /// A value without holes.
    Text,
}

struct Expanded {
    text: String,
    /// A hole is in it that the shell has to fill; then it can stand between double quotes.
    needs_shell: bool,
}

/// `%(ENV_X)s` as `${X}`, `%(program_name)s` as the name, `%(process_num)d` as `${RUN_INSTANCE}`; `%%` as `%`. What has no like stays.
fn expanded(value: &str, program: &str, place: Place) -> Expanded {
    let mut out = Expanded { text: String::new(), needs_shell: false };
    let mut plain = String::new();
    let mut rest = value;
    let mut pieces: Vec<(String, bool)> = Vec::new();
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some((known, is_hole, behind)) = expansion(after, program, place) {
            if is_hole {
                pieces.push((std::mem::take(&mut plain), false));
                pieces.push((known, true));
                out.needs_shell = place == Place::Command;
            } else {
                plain.push_str(&known);
            }
            rest = behind;
        } else {
            plain.push('%');
            rest = after;
        }
    }
    plain.push_str(rest);
    pieces.push((plain, false));
    for (text, is_hole) in pieces {
        let text = match place {
            _ if is_hole => text,
            Place::Template => holes::literal(&text),
            Place::Command if out.needs_shell => escaped(&text),
            Place::Command | Place::Text => text,
        };
        out.text.push_str(&text);
    }
    out
}

/// A text between double quotes of the shell.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "$`\"\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// What stands behind a `%`: what takes its place, whether that is a hole, and what follows.
fn expansion<'t>(after: &'t str, program: &str, place: Place) -> Option<(String, bool, &'t str)> {
    if let Some(behind) = after.strip_prefix('%') {
        return Some(("%".to_owned(), false, behind));
    }
    let (name, behind) = after.strip_prefix('(')?.split_once(')')?;
    let digits = behind.chars().take_while(char::is_ascii_digit).count();
    let (format, behind) = (&behind[..digits], behind[digits..].get(1..)?);
    let (text, is_hole) = match name {
        "program_name" | "group_name" => (program.to_owned(), false),
        "here" => (".".to_owned(), false),
        "process_num" if place == Place::Text => return None,
        "process_num" if matches!(format, "" | "1" | "01") => ("${RUN_INSTANCE}".to_owned(), true),
        "process_num" if place == Place::Command => (format!("$(printf %{format}d $RUN_INSTANCE)"), true),
        _ if place == Place::Text => return None,
        _ => (format!("${{{}}}", name.strip_prefix("ENV_")?), true),
    };
    Some((text, is_hole, behind))
}

/// The usual names are those that run.toml gives.
fn process_name(value: &str, program: &str, section: &mut Section) -> Result<(), &'static str> {
    match value {
        "%(program_name)s" | "%(program_name)s_%(process_num)d" | "%(program_name)s_%(process_num)01d" => Ok(()),
        _ if value.contains("process_num") => Err("instances are called NAME_0, NAME_1 …"),
        _ => {
            section.set("process_name", Value::Text(checked(value, program, false)?));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_become_holes() {
        let text = |value: &str| expanded(value, "web", Place::Template).text;
        assert_eq!(text("%(ENV_HOME)s/%(program_name)s-%(process_num)01d 100%%"), "${HOME}/web-${RUN_INSTANCE} 100%");
        assert_eq!(text("${A}"), "$${A}");
        assert_eq!(text("%(host_node_name)s"), "%(host_node_name)s");
    }

    #[test]
    fn words_of_a_command_are_quoted_for_the_shell_that_fills_its_holes() {
        let line = |value: &str| command(value, "web").unwrap();
        assert_eq!(line("a --x=%(program_name)s"), Value::text("a --x=web"));
        assert_eq!(line("a '$HOME;'"), Value::texts(["a", "$HOME;"]));
        assert_eq!(line("a %(ENV_X)s$Y '$Z' b"), Value::text("a \"${X}\\$Y\" '$Z' b"));
        assert_eq!(line("a-%(process_num)02d"), Value::text("\"a-$(printf %02d $RUN_INSTANCE)\""));
    }

    #[test]
    fn a_name_without_its_password_is_not_kept() {
        let text = "[inet_http_server]\nport=9001\nusername=a\npassword=%(ENV_P)s\n[program:a]\ncommand=a\n";
        let draft = read(&Source { name: "supervisord.conf", text, beside: &[] }).unwrap();
        assert_eq!(draft.sections[0].keys, [("tcp", Value::text("0.0.0.0:9001"))]);
        let lost: Vec<&str> = draft.sections[0].lost.iter().map(|lost| lost.what.as_str()).collect();
        assert_eq!(lost, ["password", "username"]);
    }

    #[test]
    fn a_log_that_goes_to_the_stream_leaves_no_limits_behind() {
        let text = "[program:a]\ncommand=a\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
            stderr_logfile=AUTO\nstderr_logfile_maxbytes=1MB\nstderr_logfile_backups=3\n";
        let draft = read(&Source { name: "supervisord.conf", text, beside: &[] }).unwrap();
        assert_eq!(draft.sections[0].keys, [("command", Value::text("a"))]);
        let lost: Vec<&str> = draft.sections[0].lost.iter().map(|lost| lost.what.as_str()).collect();
        assert_eq!(lost, ["stderr_logfile_maxbytes", "stderr_logfile_backups"]);
    }

    #[test]
    fn what_is_included_is_asked_for() {
        assert_eq!(includes("[include]\nfiles = %(here)s/conf.d/*.conf /etc/x.ini\n"), ["conf.d/*.conf", "/etc/x.ini"]);
    }
}
