//! The table of all config options: help, docs, the JSON schema, completions and the checker of unknown keys are read from it.
//!
//! A new option is a row here, a field of the noun it belongs to, and a line in `config::lower`; the tests of `config` insist on it.

use super::program::MOST_INSTANCES;
use std::fmt;

use super::reload::ReloadMode;

/// The kinds of section that run.toml has. `[environment]` is not here: its keys are the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionKind {
    /// Keys before the first section.
    Top,
    /// `[program.NAME]`.
    Program,
    /// `[task.NAME]`.
    Task,
    /// `[eventlistener.NAME]`.
    Listener,
    /// `[fcgi-program.NAME]`.
    Fcgi,
    /// `[group.NAME]`.
    Group,
    /// `[control]`.
    Control,
    /// `[proxy]`.
    Proxy,
    /// `[rpcinterface.NAME]`.
    RpcInterface,
}

impl SectionKind {
    /// All of them, in the order of the docs.
    pub const ALL: [Self; 9] = [
        Self::Top,
        Self::Program,
        Self::Task,
        Self::Group,
        Self::Control,
        Self::Proxy,
        Self::Listener,
        Self::Fcgi,
        Self::RpcInterface,
    ];

    /// The word between the brackets; empty for [`SectionKind::Top`].
    pub const fn word(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::Program => "program",
            Self::Task => "task",
            Self::Listener => "eventlistener",
            Self::Fcgi => "fcgi-program",
            Self::Group => "group",
            Self::Control => "control",
            Self::Proxy => "proxy",
            Self::RpcInterface => "rpcinterface",
        }
    }

    /// The section that a word names.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| !word.is_empty() && kind.word() == word)
    }

    /// Whether what it describes is a program like others.
    pub fn is_program(self) -> bool {
        match self {
            Self::Program | Self::Task | Self::Listener | Self::Fcgi => true,
            Self::Top | Self::Group | Self::Control | Self::Proxy | Self::RpcInterface => false,
        }
    }

    /// Whether its sections have names.
    pub fn has_names(self) -> bool {
        self.is_program() || self == Self::Group || self == Self::RpcInterface
    }
}

/// What a value may be; [`fmt::Display`] says it in words, as a message or a manual needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// A string without holes.
    Text,
    /// A string in which `${…}` is expanded.
    Template,
    /// A path, relative ones against the project's root.
    Path,
    /// `true` or `false`.
    Boolean,
    /// `true`, `false` or one of these words.
    BooleanOr(&'static [&'static str]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number in this range.
    Integer(i64, i64),
    /// A number of seconds, or a string with a unit.
    Duration,
    /// A number of bytes, or a string with a unit.
    Size,
    /// A file mode in octal.
    Octal,
    /// A signal by name or number.
    Signal,
    /// A string for the shell, or a list of words.
    Command,
    /// A list of strings.
    Names,
    /// A list of types of event.
    Events,
    /// A UNIX socket or a TCP address, as a URL.
    Socket,
    /// One exit code or a list of them.
    ExitCodes,
    /// A table of NAME = value.
    Environment,
    /// A path, or a list of paths and `{ path, optional }`.
    EnvFiles,
    /// Names, or `{ name, until, restart, optional }`.
    Dependencies,
    /// A ready check.
    Ready,
    /// An alive check.
    Alive,
    /// A port number or `"auto"`.
    Port,
    /// A table of port names.
    Ports,
}

impl fmt::Display for OptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text | Self::Template => f.write_str("a string"),
            Self::Path => f.write_str("a path in quotes"),
            Self::Boolean => f.write_str("true or false"),
            Self::BooleanOr(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                write!(f, "true, false or {}", words.join(" or "))
            }
            Self::Word(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                f.write_str(&words.join(" or "))
            }
            Self::Integer(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Duration => f.write_str("a number of seconds, or a string such as \"500ms\", \"30s\", \"5m\""),
            Self::Size => f.write_str("a number of bytes, or a string such as \"512KiB\", \"50MB\""),
            Self::Octal => f.write_str("an octal mode in quotes such as \"022\""),
            Self::Signal => f.write_str("a signal such as \"TERM\", \"INT\" or \"HUP\""),
            Self::Command => f.write_str("a string for the shell, or a list of words"),
            Self::Names => f.write_str("a list of names such as [\"a\", \"b\"]"),
            Self::Events => f.write_str("a list such as [\"PROCESS_STATE_EXITED\", \"TICK_60\"]"),
            Self::Socket => f.write_str("\"unix:///path\" or \"tcp://host:port\""),
            Self::ExitCodes => f.write_str("an exit code, or a list such as [0, 2]"),
            Self::Environment => f.write_str("a table such as { NAME = \"value\" }"),
            Self::EnvFiles => {
                f.write_str("a path, or a list such as [\".env\", { path = \".env.local\", optional = true }]")
            }
            Self::Dependencies => f.write_str("a list such as [\"db\", { name = \"api\", until = \"started\" }]"),
            Self::Ready => f.write_str("a table such as { tcp = 5432 } or { http = \"/health\", timeout = \"60s\" }"),
            Self::Alive => f.write_str("a table such as { http = \"/health\", every = \"10s\", failures = 3 }"),
            Self::Port => f.write_str("a port number from 1 to 65535, or \"auto\""),
            Self::Ports => f.write_str("a table such as { http = \"auto\", debug = 9229 }"),
        }
    }
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The key.
    pub name: &'static str,
    /// Where it may stand.
    pub sections: &'static [SectionKind],
    /// What it takes.
    pub kind: OptionKind,
    /// What holds when it is not there, in the notation of the file or in words; empty when there is none.
    pub default: &'static str,
    /// One sentence for the docs.
    pub doc: &'static str,
    /// A value other than the default, as it stands in a file.
    pub example: &'static str,
}

const TOP: &[SectionKind] = &[SectionKind::Top];
/// Everything that is run.
const ALL: &[SectionKind] = &[SectionKind::Program, SectionKind::Task, SectionKind::Listener, SectionKind::Fcgi];
/// What is kept running.
const KEPT: &[SectionKind] = &[SectionKind::Program, SectionKind::Listener, SectionKind::Fcgi];
/// Whose stdout is its own.
const SPEAKING: &[SectionKind] = &[SectionKind::Program, SectionKind::Task, SectionKind::Fcgi];
const PROGRAM: &[SectionKind] = &[SectionKind::Program, SectionKind::Fcgi];
const BOTH: &[SectionKind] = &[SectionKind::Program, SectionKind::Task];
const LISTENER: &[SectionKind] = &[SectionKind::Listener];
const FCGI: &[SectionKind] = &[SectionKind::Fcgi];
/// Whatever has a command.
const COMMANDS: &[SectionKind] =
    &[SectionKind::Program, SectionKind::Task, SectionKind::Listener, SectionKind::Fcgi, SectionKind::RpcInterface];
const EXTENSION: &[SectionKind] = &[SectionKind::RpcInterface];
const GROUP: &[SectionKind] = &[SectionKind::Group];
const CONTROL: &[SectionKind] = &[SectionKind::Control];
const PROXY: &[SectionKind] = &[SectionKind::Proxy];

/// A row of [`OPTIONS`].
const fn row(
    sections: &'static [SectionKind],
    name: &'static str,
    kind: OptionKind,
    default: &'static str,
    example: &'static str,
    doc: &'static str,
) -> OptionSpec {
    OptionSpec { name, sections, kind, default, doc, example }
}

/// Every option of run.toml, section by section.
pub const OPTIONS: &[OptionSpec] = &[
    row(TOP, "name", OptionKind::Text, "the directory's name", "\"shop\"", "The name of the project."),
    row(
        TOP,
        "env_file",
        OptionKind::EnvFiles,
        "[{ path = \".env\", optional = true }]",
        "[{ path = \"extra.env\", optional = true }]",
        "Files of NAME=value lines for every program; the last one wins.",
    ),
    row(
        TOP,
        "include",
        OptionKind::Names,
        "[]",
        "[\"run.d/*.toml\"]",
        "Further files, as patterns relative to this one; what this file says wins over them.",
    ),
    row(
        TOP,
        "reload",
        OptionKind::Word(&ReloadMode::WORDS),
        "\"auto\"; for a supervisord.conf \"off\"",
        "\"ask\"",
        "What happens when this file, or one that belongs to it, is saved: it is taken over, the plan is shown, or nothing.",
    ),
    row(
        COMMANDS,
        "command",
        OptionKind::Command,
        "",
        "\"sleep 2\"",
        "What is run: a list is executed as it stands, a string runs under sh where it needs one.",
    ),
    row(COMMANDS, "directory", OptionKind::Template, "the project's root", "\"sub\"", "Where it runs."),
    row(
        COMMANDS,
        "environment",
        OptionKind::Environment,
        "{}",
        "{ EXAMPLE = \"1\" }",
        "Variables for this program, above `[environment]` and every env file.",
    ),
    row(
        COMMANDS,
        "env_file",
        OptionKind::EnvFiles,
        "[]",
        "[{ path = \"extra.env\", optional = true }]",
        "Files of NAME=value lines for this program, read at every start.",
    ),
    row(
        SPEAKING,
        "depends_on",
        OptionKind::Dependencies,
        "[]",
        "[\"other\"]",
        "What has to be ready (a task: done) before this one starts.",
    ),
    row(
        PROGRAM,
        "ready",
        OptionKind::Ready,
        "tcp on its `port`, else RUNNING after `startsecs`",
        "{ tcp = 5432 }",
        "The check that tells when it is ready.",
    ),
    row(
        PROGRAM,
        "alive",
        OptionKind::Alive,
        "none",
        "{ tcp = 5432, every = \"5s\" }",
        "A check that is made for as long as it is ready; after `failures` in a row it is restarted.",
    ),
    row(
        PROGRAM,
        "max_memory",
        OptionKind::Size,
        "none",
        "\"1GiB\"",
        "Restarted when it and all its descendants together hold more.",
    ),
    row(
        SPEAKING,
        "on_crash",
        OptionKind::Text,
        "none",
        "'cat > \"crash-of-$RUN_PROGRAM.txt\"'",
        "Run by sh after each failure, with the reason and the last lines on its stdin; RUN_REASON, RUN_EXIT, RUN_RUNS and RUN_STATE say more.",
    ),
    row(SPEAKING, "port", OptionKind::Port, "none", "\"auto\"", "Its port, handed to it as PORT."),
    row(
        SPEAKING,
        "ports",
        OptionKind::Ports,
        "{}",
        "{ debug = 9229 }",
        "Further ports by name, handed to it as PORT_NAME.",
    ),
    row(
        ALL,
        "profiles",
        OptionKind::Names,
        "[]",
        "[\"full\"]",
        "Started only when one of these is asked for; none: always.",
    ),
    row(
        ALL,
        "priority",
        OptionKind::Integer(-1_000_000, 1_000_000),
        "999",
        "1",
        "Lower starts first among those that could start at the same moment, and stops last.",
    ),
    row(ALL, "autostart", OptionKind::Boolean, "true", "false", "Started with the project."),
    row(
        KEPT,
        "autorestart",
        OptionKind::BooleanOr(&["unexpected"]),
        "\"unexpected\"",
        "true",
        "Started again after its end: always, never, or when the exit code is not one of `exitcodes`.",
    ),
    row(KEPT, "startsecs", OptionKind::Duration, "1", "\"5s\"", "How long it must live to be RUNNING."),
    row(
        ALL,
        "startretries",
        OptionKind::Integer(0, 1_000_000),
        "3; a task 0",
        "5",
        "Tries after the first before it has failed.",
    ),
    row(ALL, "exitcodes", OptionKind::ExitCodes, "[0]", "[0, 2]", "Exit codes that count as expected."),
    row(SPEAKING, "exit_on_end", OptionKind::Boolean, "false", "true", "Its end ends the whole run, with its code."),
    row(ALL, "stopsignal", OptionKind::Signal, "\"TERM\"", "\"INT\"", "What asks it to stop."),
    row(ALL, "stopwaitsecs", OptionKind::Duration, "10", "\"5s\"", "How long it may take to stop before SIGKILL."),
    row(ALL, "stopasgroup", OptionKind::Boolean, "true", "false", "`stopsignal` goes to its whole process group."),
    row(
        ALL,
        "killasgroup",
        OptionKind::Boolean,
        "true",
        "false",
        "SIGKILL goes to its whole process group and to every descendant.",
    ),
    row(
        SPEAKING,
        "redirect_stderr",
        OptionKind::Boolean,
        "true, unless `stderr_logfile` is given",
        "false",
        "Its stderr goes where its stdout goes, so that the order of its lines is kept.",
    ),
    row(
        BOTH,
        "tty",
        OptionKind::BooleanOr(&["auto"]),
        "\"auto\"",
        "true",
        "A terminal of its own instead of pipes; \"auto\": when ours is one.",
    ),
    row(
        SPEAKING,
        "watch",
        OptionKind::Names,
        "[]",
        "[\"src/**/*.rs\", \"Cargo.toml\"]",
        "Files, as patterns relative to its directory, whose change restarts it; `!` before one takes out, and so does .gitignore.",
    ),
    row(ALL, "stdout_logfile", OptionKind::Path, "none", "\"out.log\"", "A further copy of its stdout."),
    row(
        ALL,
        "stdout_logfile_maxbytes",
        OptionKind::Size,
        "\"50MB\"",
        "\"1MB\"",
        "Size at which that copy is rotated; 0 for never.",
    ),
    row(ALL, "stdout_logfile_backups", OptionKind::Integer(0, 10_000), "10", "2", "How many rotated copies are kept."),
    row(ALL, "stderr_logfile", OptionKind::Path, "none", "\"err.log\"", "A further copy of its stderr."),
    row(
        ALL,
        "stderr_logfile_maxbytes",
        OptionKind::Size,
        "\"50MB\"",
        "\"1MB\"",
        "Size at which that copy is rotated; 0 for never.",
    ),
    row(ALL, "stderr_logfile_backups", OptionKind::Integer(0, 10_000), "10", "2", "How many rotated copies are kept."),
    row(ALL, "umask", OptionKind::Octal, "ours", "\"022\"", "The file mode mask it starts with."),
    row(
        COMMANDS,
        "user",
        OptionKind::Text,
        "ours",
        "\"nobody\"",
        "The user it runs as, with its exec checks and its on_crash; only root may choose.",
    ),
    row(ALL, "numprocs", OptionKind::Integer(1, MOST_INSTANCES as i64), "1", "2", "How many instances are started."),
    row(ALL, "numprocs_start", OptionKind::Integer(0, 1_000_000), "0", "1", "The number of the first instance."),
    row(
        ALL,
        "process_name",
        OptionKind::Text,
        "the program's name",
        "\"other_name\"",
        "The name of the process; with several instances `_0`, `_1` … is added.",
    ),
    row(
        SPEAKING,
        "stdout_capture_maxbytes",
        OptionKind::Size,
        "0",
        "\"1MB\"",
        "How much of a communication on its stdout is kept; 0: its marks mean nothing.",
    ),
    row(
        SPEAKING,
        "stderr_capture_maxbytes",
        OptionKind::Size,
        "0",
        "\"1MB\"",
        "The same for its stderr, where that is apart.",
    ),
    row(
        SPEAKING,
        "stdout_events_enabled",
        OptionKind::Boolean,
        "false",
        "true",
        "Event listeners are told what it writes to stdout.",
    ),
    row(
        SPEAKING,
        "stderr_events_enabled",
        OptionKind::Boolean,
        "false",
        "true",
        "Event listeners are told what it writes to stderr, where that is apart.",
    ),
    row(
        LISTENER,
        "events",
        OptionKind::Events,
        "",
        "[\"PROCESS_STATE_EXITED\", \"TICK_60\"]",
        "The types of event it is told of; a type stands for all below it.",
    ),
    row(
        LISTENER,
        "buffer_size",
        OptionKind::Integer(1, 1_000_000),
        "10",
        "100",
        "How many events wait for it before the oldest is dropped.",
    ),
    row(
        FCGI,
        "socket",
        OptionKind::Socket,
        "",
        "\"unix://php.sock\"",
        "The socket that its processes share as their stdin.",
    ),
    row(
        FCGI,
        "socket_backlog",
        OptionKind::Integer(1, 65_535),
        "the system's",
        "128",
        "How many connections wait to be accepted.",
    ),
    row(
        FCGI,
        "socket_owner",
        OptionKind::Text,
        "its user",
        "\"www-data:www-data\"",
        "Whose a UNIX socket is: user or user:group.",
    ),
    row(FCGI, "socket_mode", OptionKind::Octal, "\"0700\"", "\"0770\"", "The mode of a UNIX socket."),
    row(GROUP, "programs", OptionKind::Names, "", "[\"web\", \"other\"]", "The members, by name."),
    row(
        GROUP,
        "priority",
        OptionKind::Integer(-1_000_000, 1_000_000),
        "999",
        "1",
        "supervisord's priority of the group.",
    ),
    row(
        CONTROL,
        "socket",
        OptionKind::Path,
        "in the per-project runtime directory",
        "\"run.sock\"",
        "The UNIX socket of the running project.",
    ),
    row(
        CONTROL,
        "tcp",
        OptionKind::Text,
        "none",
        "\"127.0.0.1:9001\"",
        "`host:port` to listen on as well; beyond loopback only with a password.",
    ),
    row(
        CONTROL,
        "username",
        OptionKind::Text,
        "none",
        "\"me\"",
        "Asked for on every listener, as in supervisord; with `password`.",
    ),
    row(
        EXTENSION,
        "timeout",
        OptionKind::Duration,
        "10",
        "\"30s\"",
        "How long an answer of the extension is waited for before the call fails.",
    ),
    row(CONTROL, "password", OptionKind::Text, "none", "\"secret\"", "Plain, or `{SHA}` and 40 hex digits."),
    row(
        PROXY,
        "enable",
        OptionKind::Boolean,
        "false",
        "true",
        "Programs get names such as http://web.shop.localhost:7777, for all projects by whichever comes first.",
    ),
    row(PROXY, "port", OptionKind::Integer(1, 65_535), "7777", "7788", "Where the proxy listens, on loopback only."),
];

/// The options of one kind of section, in the order of the table.
pub fn of_section(section: SectionKind) -> impl Iterator<Item = &'static OptionSpec> {
    OPTIONS.iter().filter(move |option| option.sections.contains(&section))
}

/// Finds an option.
pub fn find(section: SectionKind, name: &str) -> Option<&'static OptionSpec> {
    of_section(section).find(|option| option.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_section_has_a_key_twice() {
        for section in SectionKind::ALL {
            let mut names: Vec<&str> = of_section(section).map(|option| option.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{section:?}");
        }
    }

    #[test]
    fn every_row_says_what_it_is() {
        for option in OPTIONS {
            assert!(option.doc.ends_with('.'), "{}", option.name);
            assert!(!option.example.is_empty() && option.example != option.default, "{}", option.name);
        }
    }
}
