//! supervisord.conf and the files that it includes: programs and groups, with their options, which have the same names here.

mod expansion;
mod option;

use crate::codec::ini::{self, Entry};
use crate::codec::shlex;
use crate::import::draft::{Draft, Lost, Section, Value};
use crate::import::names::Names;
use crate::import::supervisord::expansion::{checked, from_here};
use crate::import::supervisord::option::{NOT_UNDERSTOOD, option};
use crate::import::{Format, ImportError, Source};
use crate::model::SourceFile;
use crate::model::conf_options::ConfSection;

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
        match (entry.key.as_str(), shlex::unexpanded_pairs(&entry.value)) {
            ("environment", Ok(pairs)) => {
                for (name, value) in pairs {
                    match checked(&value, "", true) {
                        Ok(value) => draft.variable(name, value),
                        Err(why) => draft.lost.push(file.lost(entry, why)),
                    }
                }
            }
            ("environment", Err(_)) => draft.lost.push(file.lost(entry, NOT_UNDERSTOOD)),
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
                Err(_) => section.lost.push(file.lost(entry, NOT_UNDERSTOOD)),
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn an_environment_that_cannot_be_said_here_is_named() {
        let why = |environment: &str| {
            let text = format!("[supervisord]\nenvironment={environment}\n[program:a]\ncommand=a\n");
            let draft = read(&Source { name: "supervisord.conf", text: &text, beside: &[] }).unwrap();
            draft.lost.iter().map(|lost| format!("{}: {}", lost.what, lost.why)).collect::<Vec<_>>()
        };
        assert_eq!(why("A=\"1\",B=%(ENV_HOME)s/b"), Vec::<String>::new());
        assert_eq!(why("A=a@b"), ["environment: its value is not understood"]);
        assert_eq!(why("A=%(host_node_name)s"), ["environment: it has an expansion that run.toml does not have"]);
    }

    #[test]
    fn what_is_included_is_asked_for() {
        assert_eq!(includes("[include]\nfiles = %(here)s/conf.d/*.conf /etc/x.ini\n"), ["conf.d/*.conf", "/etc/x.ini"]);
    }
}
