//! `readiness_probe` and `ready_log_line` as a ready check, `liveness_probe` as one of what is up.

use std::time::Duration;

use crate::codec::tree::Node;
use crate::import::draft::{Section, Value};
use crate::import::fields::Fields;
use crate::import::parts;
use crate::import::process_compose::text::Texts;

/// Reads both keys of a process.
pub(super) fn ready(fields: &mut Fields<'_>, section: &mut Section, texts: &Texts, is_task: bool) {
    let log = fields.read("ready_log_line", Node::text);
    let probe = fields.inner("readiness_probe");
    let line = fields.line(if probe.is_some() { "readiness_probe" } else { "ready_log_line" });
    if is_task {
        if log.is_some() || probe.is_some() {
            fields.lose(line, "readiness_probe", "a task is waited for until it is done");
        }
        return;
    }
    let check = match (probe, log) {
        (Some(probe), log) => {
            if log.is_some() {
                fields.lose(fields.line("ready_log_line"), "ready_log_line", "a program has one ready check");
            }
            match check(probe, fields, texts) {
                Ok(check) => check,
                Err(why) => {
                    fields.lose(line, "readiness_probe", why);
                    return;
                }
            }
        }
        (None, Some(log)) => vec![("log".to_owned(), Value::Text(parts::regex(log)))],
        (None, None) => return,
    };
    section.set("ready", Value::Table(check));
}

/// A probe as a ready check. It begins at once here, so that a delay before the first attempt is not needed; the time that the
/// delay and the attempts would have taken is kept.
fn check(mut probe: Fields<'_>, fields: &mut Fields<'_>, texts: &Texts) -> Result<Vec<(String, Value)>, &'static str> {
    probe.pass(&["timeout_seconds"]);
    let mut check = kind(&mut probe, texts)?;
    let mut number = |key: &str| probe.read(key, Node::integer).filter(|number| *number > 0);
    let (every, delay) = (number("period_seconds"), number("initial_delay_seconds").unwrap_or(0));
    let (successes, failures) = (number("success_threshold"), number("failure_threshold"));
    if let Some(seconds) = every.and_then(|seconds| u64::try_from(seconds).ok()) {
        check.push(("every".to_owned(), parts::duration(Duration::from_secs(seconds))));
    }
    if let Some(count) = successes.filter(|count| *count > 1) {
        check.push(("successes".to_owned(), Value::Integer(count)));
    }
    if let (Some(count), Some(every)) = (failures, every) {
        let whole = delay.saturating_add(every - 1) / every;
        check.push(("failures".to_owned(), Value::Integer(count.saturating_add(whole))));
    }
    fields.lost.extend(probe.finish(&[]));
    Ok(check)
}

/// The probe of what is up. Ours begins once the program is ready, so that without a ready check the delay says when that is.
pub(super) fn alive(fields: &mut Fields<'_>, section: &mut Section, texts: &Texts, is_task: bool) {
    let line = fields.line("liveness_probe");
    let Some(mut probe) = fields.inner("liveness_probe") else { return };
    if is_task {
        return fields.lose(line, "liveness_probe", "a task is waited for until it is done");
    }
    let mut check = match kind(&mut probe, texts) {
        Ok(check) => check,
        Err(why) => return fields.lose(line, "liveness_probe", why),
    };
    probe.pass(&["success_threshold"]);
    let mut number = |key: &str| probe.read(key, Node::integer).filter(|number| *number > 0);
    let seconds = |number: Option<i64>| Some(parts::duration(Duration::from_secs(u64::try_from(number?).ok()?)));
    check.extend(seconds(number("period_seconds")).map(|every| ("every".to_owned(), every)));
    check.extend(seconds(number("timeout_seconds")).map(|timeout| ("timeout".to_owned(), timeout)));
    check.extend(number("failure_threshold").map(|count| ("failures".to_owned(), Value::Integer(count))));
    let delay = number("initial_delay_seconds");
    section.set("alive", Value::Table(check));
    if !section.has("ready") {
        section.set_some("startsecs", seconds(delay));
    }
    fields.lost.extend(probe.finish(&[]));
}

fn kind(probe: &mut Fields<'_>, texts: &Texts) -> Result<Vec<(String, Value)>, &'static str> {
    const TEMPLATE: &str = "templates `{{…}}` in it are not filled in";
    if let Some(mut exec) = probe.inner("exec") {
        let command = exec.read("command", Node::text).ok_or("it has no command")?;
        let directory = exec.read("working_dir", Node::text).map(|text| texts.filled(text, None));
        probe.lost.extend(exec.finish(&[]));
        let (command, is_whole) = texts.filled(command, Some("$RUN_INSTANCE"));
        if !is_whole || directory.as_ref().is_some_and(|(_, is_whole)| !is_whole) {
            return Err(TEMPLATE);
        }
        let command = texts.check(texts.line(&command));
        let command = match directory {
            Some((directory, _)) => {
                format!("{} && {command}", parts::shell_line(&["cd".to_owned(), texts.line(&directory)]))
            }
            None => command,
        };
        return Ok(vec![("exec".to_owned(), Value::Text(command))]);
    }
    let mut http = probe.inner("http_get").ok_or("it asks in no way that is known here")?;
    let mut word = |key: &str| http.read(key, Node::text).map(|text| texts.filled(text, None));
    let (scheme, host, port, path) = (word("scheme"), word("host"), word("port"), word("path"));
    if [&scheme, &host, &port, &path].into_iter().flatten().any(|(_, is_whole)| !is_whole) {
        return Err(TEMPLATE);
    }
    let text = |word: &'_ Option<(String, bool)>| word.as_ref().map(|(text, _)| text.clone());
    if text(&scheme).is_some_and(|scheme| !scheme.eq_ignore_ascii_case("http")) {
        return Err("the check speaks plain http; `exec` with curl can do more");
    }
    let port = text(&port);
    if port.as_ref().is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("its port is no number");
    }
    let host = text(&host).unwrap_or_else(|| "127.0.0.1".to_owned());
    let url = parts::url(&host, port.as_deref(), text(&path).as_deref().unwrap_or("/"));
    if !parts::is_http_target(&url) {
        return Err("its address is not understood");
    }
    let mut check = vec![("http".to_owned(), Value::Text(url))];
    if let Some(status) = http.read("status_code", Node::integer).filter(|status| *status != 200) {
        check.push(("status".to_owned(), Value::List(vec![Value::Integer(status)])));
    }
    probe.lost.extend(http.finish(&[]));
    Ok(check)
}
