//! The options of a program, most of which are called the same in a run.toml.

use crate::codec::ini::Entry;
use crate::codec::shlex;
use crate::import::draft::{Section, Value};
use crate::import::parts;
use crate::import::supervisord::expansion::{Expanded, Place, checked, expanded, from_here};
use crate::model::units::{parse_octal, parse_size, parse_truth};

pub(super) const NOT_UNDERSTOOD: &str = "its value is not understood";

/// One option of a program. Most are called the same here.
pub(super) fn option(entry: &Entry, program: &str, section: &mut Section) -> Result<(), &'static str> {
    let value = entry.value.trim();
    let carried = match entry.key.as_str() {
        "command" => command(value, program)?,
        "directory" => path(value, program)?,
        "environment" => {
            for (name, value) in shlex::unexpanded_pairs(value).map_err(|_| NOT_UNDERSTOOD)? {
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
    parse_truth(value).ok_or(NOT_UNDERSTOOD)
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
    fn words_of_a_command_are_quoted_for_the_shell_that_fills_its_holes() {
        let line = |value: &str| command(value, "web").unwrap();
        assert_eq!(line("a --x=%(program_name)s"), Value::text("a --x=web"));
        assert_eq!(line("a '$HOME;'"), Value::texts(["a", "$HOME;"]));
        assert_eq!(line("a %(ENV_X)s$Y '$Z' b"), Value::text("a \"${X}\\$Y\" '$Z' b"));
        assert_eq!(line("a-%(process_num)02d"), Value::text("\"a-$(printf %02d $RUN_INSTANCE)\""));
    }
}
