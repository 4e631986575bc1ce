//! The table of all options of a supervisord.conf: the checker of unknown options, its messages and the reference are read from it.
//!
//! Names, kinds and defaults are those of supervisor 4.3.0 (`options.py` `read_config`, `_processes_from_section`); the last rows of
//! `[program:NAME]` are ours.

use std::fmt;

/// The kinds of section that a supervisord.conf has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfSection {
    /// `[supervisord]`.
    Supervisord,
    /// `[supervisorctl]`.
    Ctl,
    /// `[unix_http_server]`, with or without a name.
    UnixServer,
    /// `[inet_http_server]`, with or without a name.
    InetServer,
    /// `[include]`.
    Include,
    /// `[program:NAME]`.
    Program,
    /// `[fcgi-program:NAME]`.
    Fcgi,
    /// `[eventlistener:NAME]`.
    Listener,
    /// `[group:NAME]`.
    Group,
    /// `[rpcinterface:NAME]`, whose options belong to the interface.
    RpcInterface,
    /// `[ctlplugin:NAME]`, whose options belong to the plugin.
    CtlPlugin,
}

impl ConfSection {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Supervisord,
        Self::Ctl,
        Self::UnixServer,
        Self::InetServer,
        Self::Include,
        Self::Program,
        Self::Fcgi,
        Self::Listener,
        Self::Group,
        Self::RpcInterface,
        Self::CtlPlugin,
    ];

    /// What stands before the colon.
    pub fn word(self) -> &'static str {
        match self {
            Self::Supervisord => "supervisord",
            Self::Ctl => "supervisorctl",
            Self::UnixServer => "unix_http_server",
            Self::InetServer => "inet_http_server",
            Self::Include => "include",
            Self::Program => "program",
            Self::Fcgi => "fcgi-program",
            Self::Listener => "eventlistener",
            Self::Group => "group",
            Self::RpcInterface => "rpcinterface",
            Self::CtlPlugin => "ctlplugin",
        }
    }

    /// The section that a word names.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.word() == word)
    }

    /// Whether a name behind a colon makes sense, and whether it has to be there.
    pub fn takes_name(self) -> (bool, bool) {
        match self {
            Self::Supervisord | Self::Ctl | Self::Include => (false, false),
            Self::UnixServer | Self::InetServer => (true, false),
            Self::Program | Self::Fcgi | Self::Listener | Self::Group | Self::RpcInterface | Self::CtlPlugin => {
                (true, true)
            }
        }
    }

    /// Whether its options are somebody else's.
    pub fn is_open(self) -> bool {
        match self {
            Self::RpcInterface | Self::CtlPlugin => true,
            Self::Supervisord
            | Self::Ctl
            | Self::UnixServer
            | Self::InetServer
            | Self::Include
            | Self::Program
            | Self::Fcgi
            | Self::Listener
            | Self::Group => false,
        }
    }
}

/// What a value may be; [`fmt::Display`] says it in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfKind {
    /// Any text.
    Text,
    /// A path.
    Path,
    /// A path, `AUTO`, `NONE` or `syslog`.
    LogFile,
    /// Words, cut as a shell would; no shell runs them.
    Command,
    /// `true` or `false`.
    Boolean,
    /// `true`, `false` or `unexpected`.
    Autorestart,
    /// A whole number.
    Integer,
    /// A number of bytes.
    Size,
    /// A mode in octal.
    Octal,
    /// A signal.
    Signal,
    /// Exit codes.
    ExitCodes,
    /// `KEY=value,KEY=value`.
    Environment,
    /// Names with commas between them.
    Names,
    /// A level of the main log.
    LogLevel,
    /// `host:port`, `*:port` or a port.
    Address,
    /// Where an fcgi-program listens.
    Socket,
    /// `name:STATE name:STATE`.
    WaitFor,
    /// What is needed first.
    Dependencies,
    /// A ready check.
    Ready,
}

impl fmt::Display for ConfKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Path => "a path",
            Self::LogFile => "a path, AUTO or NONE",
            Self::Command => "words, quoted as for a shell",
            Self::Boolean => "true or false (or yes, no, on, off, 1, 0)",
            Self::Autorestart => "true, false or unexpected",
            Self::Integer => "a whole number",
            Self::Size => "a number of bytes, or one with KB, MB or GB",
            Self::Octal => "an octal mode such as 022",
            Self::Signal => "a signal such as TERM, INT or HUP",
            Self::ExitCodes => "exit codes from 0 to 255 with commas between them",
            Self::Environment => "pairs such as KEY=\"value\",OTHER=\"value\"",
            Self::Names => "names with commas between them",
            Self::LogLevel => "critical, error, warn, info, debug, trace or blather",
            Self::Address => "host:port, *:port or a port",
            Self::Socket => "tcp://host:port or unix:///path",
            Self::WaitFor => "program:STATE entries with blanks between them",
            Self::Dependencies => "names such as db, migrate:done, or a list as in run.toml",
            Self::Ready => "a check such as tcp 5432, or a table as in run.toml",
        })
    }
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct ConfOption {
    /// The key.
    pub name: &'static str,
    /// Where it may stand.
    pub sections: &'static [ConfSection],
    /// What it takes.
    pub kind: ConfKind,
}

const fn row(sections: &'static [ConfSection], name: &'static str, kind: ConfKind) -> ConfOption {
    ConfOption { name, sections, kind }
}

const DAEMON: &[ConfSection] = &[ConfSection::Supervisord];
const CTL: &[ConfSection] = &[ConfSection::Ctl];
const UNIX: &[ConfSection] = &[ConfSection::UnixServer];
const INET: &[ConfSection] = &[ConfSection::InetServer];
const SERVERS: &[ConfSection] = &[ConfSection::UnixServer, ConfSection::InetServer, ConfSection::Ctl];
const PROGRAM: &[ConfSection] = &[ConfSection::Program];
const PROGRAMS: &[ConfSection] = &[ConfSection::Program, ConfSection::Fcgi, ConfSection::Listener];
const FCGI: &[ConfSection] = &[ConfSection::Fcgi];
const LISTENER: &[ConfSection] = &[ConfSection::Listener];
const GROUP: &[ConfSection] = &[ConfSection::Group];
const PLUGIN: &[ConfSection] = &[ConfSection::RpcInterface];

/// Every option, section by section.
pub const CONF_OPTIONS: &[ConfOption] = &[
    row(DAEMON, "logfile", ConfKind::Path),
    row(DAEMON, "logfile_maxbytes", ConfKind::Size),
    row(DAEMON, "logfile_backups", ConfKind::Integer),
    row(DAEMON, "loglevel", ConfKind::LogLevel),
    row(DAEMON, "pidfile", ConfKind::Path),
    row(DAEMON, "umask", ConfKind::Octal),
    row(DAEMON, "nodaemon", ConfKind::Boolean),
    row(DAEMON, "silent", ConfKind::Boolean),
    row(DAEMON, "minfds", ConfKind::Integer),
    row(DAEMON, "minprocs", ConfKind::Integer),
    row(DAEMON, "nocleanup", ConfKind::Boolean),
    row(DAEMON, "childlogdir", ConfKind::Path),
    row(DAEMON, "user", ConfKind::Text),
    row(DAEMON, "directory", ConfKind::Path),
    row(DAEMON, "strip_ansi", ConfKind::Boolean),
    row(DAEMON, "environment", ConfKind::Environment),
    row(DAEMON, "exit_on_failure", ConfKind::Boolean),
    row(DAEMON, "identifier", ConfKind::Text),
    row(UNIX, "file", ConfKind::Path),
    row(UNIX, "chmod", ConfKind::Octal),
    row(UNIX, "chown", ConfKind::Text),
    row(INET, "port", ConfKind::Address),
    row(CTL, "serverurl", ConfKind::Text),
    row(SERVERS, "username", ConfKind::Text),
    row(SERVERS, "password", ConfKind::Text),
    row(CTL, "prompt", ConfKind::Text),
    row(CTL, "history_file", ConfKind::Path),
    row(&[ConfSection::Include], "files", ConfKind::Text),
    row(PROGRAMS, "command", ConfKind::Command),
    row(PROGRAMS, "process_name", ConfKind::Text),
    row(PROGRAMS, "numprocs", ConfKind::Integer),
    row(PROGRAMS, "numprocs_start", ConfKind::Integer),
    row(PROGRAMS, "priority", ConfKind::Integer),
    row(PROGRAMS, "autostart", ConfKind::Boolean),
    row(PROGRAMS, "startsecs", ConfKind::Integer),
    row(PROGRAMS, "startretries", ConfKind::Integer),
    row(PROGRAMS, "autorestart", ConfKind::Autorestart),
    row(PROGRAMS, "exitcodes", ConfKind::ExitCodes),
    row(PROGRAMS, "stopsignal", ConfKind::Signal),
    row(PROGRAMS, "stopwaitsecs", ConfKind::Integer),
    row(PROGRAMS, "stopasgroup", ConfKind::Boolean),
    row(PROGRAMS, "killasgroup", ConfKind::Boolean),
    row(PROGRAMS, "user", ConfKind::Text),
    row(PROGRAMS, "redirect_stderr", ConfKind::Boolean),
    row(PROGRAMS, "stdout_logfile", ConfKind::LogFile),
    row(PROGRAMS, "stdout_logfile_maxbytes", ConfKind::Size),
    row(PROGRAMS, "stdout_logfile_backups", ConfKind::Integer),
    row(PROGRAMS, "stdout_capture_maxbytes", ConfKind::Size),
    row(PROGRAMS, "stdout_events_enabled", ConfKind::Boolean),
    row(PROGRAMS, "stdout_syslog", ConfKind::Boolean),
    row(PROGRAMS, "stderr_logfile", ConfKind::LogFile),
    row(PROGRAMS, "stderr_logfile_maxbytes", ConfKind::Size),
    row(PROGRAMS, "stderr_logfile_backups", ConfKind::Integer),
    row(PROGRAMS, "stderr_capture_maxbytes", ConfKind::Size),
    row(PROGRAMS, "stderr_events_enabled", ConfKind::Boolean),
    row(PROGRAMS, "stderr_syslog", ConfKind::Boolean),
    row(PROGRAMS, "environment", ConfKind::Environment),
    row(PROGRAMS, "directory", ConfKind::Path),
    row(PROGRAMS, "umask", ConfKind::Octal),
    row(PROGRAMS, "serverurl", ConfKind::Text),
    row(FCGI, "socket", ConfKind::Socket),
    row(FCGI, "socket_backlog", ConfKind::Integer),
    row(FCGI, "socket_owner", ConfKind::Text),
    row(FCGI, "socket_mode", ConfKind::Octal),
    row(LISTENER, "buffer_size", ConfKind::Integer),
    row(LISTENER, "events", ConfKind::Names),
    row(LISTENER, "result_handler", ConfKind::Text),
    row(GROUP, "programs", ConfKind::Names),
    row(GROUP, "priority", ConfKind::Integer),
    row(PLUGIN, "supervisor.rpcinterface_factory", ConfKind::Text),
    row(PLUGIN, "command", ConfKind::Command),
    row(PLUGIN, "directory", ConfKind::Path),
    row(PLUGIN, "environment", ConfKind::Environment),
    row(PLUGIN, "user", ConfKind::Text),
    row(PLUGIN, "timeout", ConfKind::Integer),
    row(PROGRAM, "depends_on", ConfKind::Dependencies),
    row(PROGRAM, "ready", ConfKind::Ready),
    row(PROGRAM, "dependent_startup", ConfKind::Boolean),
    row(PROGRAM, "dependent_startup_wait_for", ConfKind::WaitFor),
    row(PROGRAM, "dependent_startup_inherit_priority", ConfKind::Boolean),
];

/// The options of one kind of section, in the order of the table.
pub fn of_section(section: ConfSection) -> impl Iterator<Item = &'static ConfOption> {
    CONF_OPTIONS.iter().filter(move |option| option.sections.contains(&section))
}

/// Finds an option.
pub fn find(section: ConfSection, name: &str) -> Option<&'static ConfOption> {
    of_section(section).find(|option| option.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_section_has_an_option_twice() {
        for section in ConfSection::ALL {
            let mut names: Vec<&str> = of_section(section).map(|option| option.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{section:?}");
        }
    }
}
