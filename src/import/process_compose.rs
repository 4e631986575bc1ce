//! process-compose.yaml.

use std::time::Duration;

use crate::codec::tree::{Entry, Node};
use crate::codec::yaml;
use crate::import::draft::{Draft, Section, Value};
use crate::import::fields::Fields;
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source, holes, nothing_beside, parts};
use crate::model::Until;

/// The row of [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "process-compose",
    file_names: &["process-compose*.yaml", "process-compose*.yml"],
    mark: "processes",
    beside: nothing_beside,
    read,
};

/// Why keys of the project are not carried over.
const PROJECT: &[(&str, &str)] = &[
    ("log_location", "the logs of a project are kept in the state directory; `run logs` reads them"),
    ("log_configuration", "the logs of a project are kept and rotated in the state directory"),
    ("shell", "commands run under /bin/sh; a command can name another shell itself"),
    ("extends", "import that file as well; several -f are merged in order"),
    ("vars", "there are no template variables; [environment] has what commands can use"),
    ("env_cmds", "a task, or the command itself, can ask for a value"),
];

/// Why keys of a process are not carried over.
const PROCESS: &[(&str, &str)] = &[
    ("log_configuration", "stdout_logfile_maxbytes and stdout_logfile_backups rotate a log file"),
    ("is_foreground", "start it by name: `run up NAME`"),
    ("is_daemon", "a program has to stay in the foreground; leave out the option that sends it into the background"),
    ("vars", "there are no template variables; `environment` has what the command can use"),
    ("schedule", "nothing is started by the clock"),
];

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let tree = yaml::parse(source.text)?;
    let mut draft = Draft::new(source.name);
    let mut top = Fields::of(source.name, &tree);
    top.pass(&["version", "log_level", "log_length", "log_format", "is_strict", "is_tui_disabled", "name"]);
    top.pass(&["disable_env_expansion", "ordered_shutdown"]);
    if let Some(name) = tree.get("name").and_then(Node::text) {
        draft.top.push(("name", Value::text(Names::default().claim(name))));
    }
    top.pass_extensions();
    let processes = top.take("processes").and_then(Node::table).unwrap_or_default();
    if processes.is_empty() {
        return Err(ImportError::Nothing("it has no `processes`"));
    }
    draft.environment = parts::interpolated_variables(&mut top, "environment");
    draft.lost = top.finish(PROJECT);
    draft.notes.push(
        "process-compose starts nothing again unless `restart` says so; here a program that fails is tried again \
         (autorestart)."
            .to_owned(),
    );
    let reading = Reading { source, processes, names: Names::of(processes.iter().map(|entry| entry.key.as_str())) };
    draft.sections = processes.iter().map(|entry| reading.process(entry)).collect();
    draft.sections.extend(reading.namespaces());
    Ok(draft)
}

struct Reading<'a> {
    source: &'a Source<'a>,
    processes: &'a [Entry],
    names: Names,
}

/// What stands in `depends_on`: names with conditions, or names alone.
fn needs(process: &Node) -> Vec<(&str, Until, usize)> {
    let Some(needs) = process.get("depends_on") else { return Vec::new() };
    if let Some(items) = needs.list() {
        return items.iter().filter_map(|item| Some((item.text()?, Until::Started, item.line))).collect();
    }
    let until = |entry: &Entry| match entry.value.get("condition").and_then(Node::text) {
        Some("process_healthy" | "process_log_ready") => Until::Ready,
        Some("process_completed") => Until::Exited,
        Some("process_completed_successfully") => Until::Done,
        Some(_) | None => Until::Started,
    };
    needs.table().unwrap_or_default().iter().map(|entry| (entry.key.as_str(), until(entry), entry.line)).collect()
}

impl Reading<'_> {
    fn name(&self, original: &str) -> String {
        self.names.ours(original).unwrap_or(original).to_owned()
    }

    /// Somebody waits for its end.
    fn is_task(&self, name: &str) -> bool {
        let mut all = self.processes.iter().flat_map(|entry| needs(&entry.value));
        all.any(|(need, until, _)| need == name && matches!(until, Until::Done | Until::Exited))
    }

    fn process(&self, entry: &Entry) -> Section {
        let is_task = self.is_task(&entry.key);
        let name = self.name(&entry.key);
        let mut section = Section::new(if is_task { "task" } else { "program" }, name);
        let mut fields = Fields::of(self.source.name, &entry.value);
        section.comments.extend(fields.take("description").and_then(Node::text).map(ToOwned::to_owned));
        fields.pass_extensions();
        fields.pass(&["disable_ansi_colors", "namespace"]);
        command(&mut fields, &mut section);
        let directory = fields.read("working_dir", Node::text).map(|text| holes::interpolated(text).text);
        section.set_some("directory", directory.map(Value::Text));
        self.depends_on(&mut fields, &mut section);
        ready(&mut fields, &mut section, is_task);
        alive(&mut fields, &mut section, is_task);
        restarts(&mut fields, &mut section, is_task);
        shutdown(&mut fields, &mut section);
        if fields.read("disabled", Node::boolean) == Some(true) {
            section.set("autostart", Value::Boolean(false));
        }
        if fields.read("is_tty", Node::boolean) == Some(true) {
            section.set("tty", Value::Boolean(true));
        }
        let replicas = fields.read("replicas", Node::integer).filter(|count| *count > 1);
        section.set_some("numprocs", replicas.map(Value::Integer));
        let log = fields.read("log_location", Node::text);
        section.set_some("stdout_logfile", log.map(Value::text));
        section.environment = parts::interpolated_variables(&mut fields, "environment");
        fields.finish_into(&mut section, PROCESS);
        section
    }

    fn depends_on(&self, fields: &mut Fields<'_>, section: &mut Section) {
        if fields.take("depends_on").is_none() {
            return;
        }
        let line = fields.line("depends_on");
        let own = self.processes.iter().find(|entry| self.name(&entry.key) == section.name);
        let mut edges = Vec::new();
        for (name, until, line) in own.map(|entry| needs(&entry.value)).unwrap_or_default() {
            match self.names.ours(name) {
                Some(ours) => {
                    let is_task = self.is_task(name);
                    edges.push(parts::dependency(ours, is_task, parts::possible(until, is_task), false, false));
                }
                None => fields.lose(line, format!("depends_on: {name}"), "there is no such process"),
            }
        }
        if edges.is_empty() {
            fields.lose(line, "depends_on", "it names nothing");
        } else {
            section.set("depends_on", Value::List(edges));
        }
    }

    /// A group for each namespace.
    fn namespaces(&self) -> Vec<Section> {
        let mut names = self.names.clone();
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for entry in self.processes {
            let Some(namespace) = entry.value.get("namespace").and_then(Node::text) else { continue };
            let member = self.name(&entry.key);
            match groups.iter_mut().find(|(there, _)| there == namespace) {
                Some((_, members)) => members.push(member),
                None if namespace == "default" => {}
                None => groups.push((namespace.to_owned(), vec![member])),
            }
        }
        let group = |(namespace, members): (String, Vec<String>)| {
            let mut section = Section::new("group", names.claim(&namespace));
            section.set("programs", Value::texts(members));
            section
        };
        groups.into_iter().map(group).collect()
    }
}

fn command(fields: &mut Fields<'_>, section: &mut Section) {
    let line = fields.line("command");
    let entrypoint = fields.take("entrypoint").and_then(Node::texts);
    let command = fields.take("command").and_then(Node::text);
    let text = match (entrypoint, command) {
        (Some(words), None) => parts::shell_line(&words),
        (Some(words), Some(arguments)) => format!("{} {arguments}", parts::shell_line(&words)),
        (None, Some(command)) => command.to_owned(),
        (None, None) => {
            fields.lose(line, "command", "there is none; write one in place of `false`");
            "false".to_owned()
        }
    };
    let text = holes::for_shell(&text).replace("{{.PC_REPLICA_NUM}}", "$RUN_INSTANCE");
    if text.contains("{{") {
        fields.lose(line, "command", "templates `{{…}}` are not filled in");
    }
    section.set("command", Value::Text(text));
}

fn ready(fields: &mut Fields<'_>, section: &mut Section, is_task: bool) {
    let log = fields.read("ready_log_line", Node::text);
    let probe = fields.take("readiness_probe");
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
            match check(probe) {
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
fn check(probe: &Node) -> Result<Vec<(String, Value)>, &'static str> {
    let number = |key: &str| probe.get(key).and_then(Node::integer).filter(|number| *number > 0);
    let mut check = vec![kind(probe)?];
    let every = number("period_seconds");
    if let Some(seconds) = every.and_then(|seconds| u64::try_from(seconds).ok()) {
        check.push(("every".to_owned(), parts::duration(Duration::from_secs(seconds))));
    }
    if let Some(count) = number("success_threshold").filter(|count| *count > 1) {
        check.push(("successes".to_owned(), Value::Integer(count)));
    }
    if let (Some(count), Some(every)) = (number("failure_threshold"), every) {
        let delay = number("initial_delay_seconds").unwrap_or(0);
        check.push(("failures".to_owned(), Value::Integer(count + (delay + every - 1) / every)));
    }
    Ok(check)
}

/// The probe of what is up. Ours begins once the program is ready, so that without a ready check the delay says when that is.
fn alive(fields: &mut Fields<'_>, section: &mut Section, is_task: bool) {
    let Some(probe) = fields.take("liveness_probe") else { return };
    let line = fields.line("liveness_probe");
    if is_task {
        return fields.lose(line, "liveness_probe", "a task is waited for until it is done");
    }
    let asked = match kind(probe) {
        Ok(asked) => asked,
        Err(why) => return fields.lose(line, "liveness_probe", why),
    };
    let number = |key: &str| probe.get(key).and_then(Node::integer).filter(|number| *number > 0);
    let seconds = |key: &str| Some(parts::duration(Duration::from_secs(u64::try_from(number(key)?).ok()?)));
    let mut check = vec![asked];
    check.extend(seconds("period_seconds").map(|every| ("every".to_owned(), every)));
    check.extend(seconds("timeout_seconds").map(|timeout| ("timeout".to_owned(), timeout)));
    check.extend(number("failure_threshold").map(|count| ("failures".to_owned(), Value::Integer(count))));
    section.set("alive", Value::Table(check));
    if !section.has("ready") {
        section.set_some("startsecs", seconds("initial_delay_seconds"));
    }
}

fn kind(probe: &Node) -> Result<(String, Value), &'static str> {
    if let Some(exec) = probe.get("exec") {
        let command = exec.get("command").and_then(Node::text).ok_or("it has no command")?;
        let command = holes::for_shell(command);
        return Ok(match exec.get("working_dir").and_then(Node::text) {
            Some(directory) => ("exec".to_owned(), Value::Text(format!("cd '{directory}' && {command}"))),
            None => ("exec".to_owned(), Value::Text(command)),
        });
    }
    let http = probe.get("http_get").ok_or("it asks in no way that is known here")?;
    let text = |key: &str| http.get(key).and_then(Node::text);
    if text("scheme").is_some_and(|scheme| !scheme.eq_ignore_ascii_case("http")) {
        return Err("the check speaks plain http; `exec` with curl can do more");
    }
    let port = text("port");
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("its port is a template");
    }
    Ok((
        "http".to_owned(),
        Value::Text(parts::url(text("host").unwrap_or("127.0.0.1"), port, text("path").unwrap_or("/"))),
    ))
}

fn restarts(fields: &mut Fields<'_>, section: &mut Section, is_task: bool) {
    let Some(mut inner) = fields.inner("availability") else { return };
    let line = fields.line("availability");
    let policy = inner.read("restart", Node::text).unwrap_or_default().replace('-', "_");
    let word = match policy.as_str() {
        "always" => Some(Value::Boolean(true)),
        "no" | "false" | "exit_on_failure" => Some(Value::Boolean(false)),
        _ => None,
    };
    if is_task {
        if policy == "always" {
            inner.lose(line, "availability.restart", "a task runs once; what waits for its end could never start");
        }
    } else {
        section.set_some("autorestart", word);
    }
    if policy == "exit_on_failure" {
        inner.lose(
            line,
            "availability.restart",
            "a failure does not end the run; `exit_on_end = true` does at any end",
        );
    }
    section.set_some("startretries", inner.read("max_restarts", Node::integer).filter(|n| *n > 0).map(Value::Integer));
    if inner.read("exit_on_end", Node::boolean) == Some(true) {
        section.set("exit_on_end", Value::Boolean(true));
    }
    if inner.take("backoff_seconds").is_some() {
        inner.lose(line, "availability.backoff_seconds", "tries are 0, 1, 2, 3 … seconds apart");
    }
    fields.lost.extend(inner.finish(&[]));
}

fn shutdown(fields: &mut Fields<'_>, section: &mut Section) {
    let Some(node) = fields.take("shutdown") else { return };
    let line = node.line;
    if node.get("command").is_some() {
        fields.lose(line, "shutdown.command", "a program is stopped by a signal (stopsignal)");
    }
    let signal = node.get("signal").and_then(Node::text).and_then(parts::signal);
    section.set_some("stopsignal", signal.filter(|signal| *signal != Value::text("TERM")));
    section.set_some("stopwaitsecs", node.get("timeout_seconds").and_then(Node::duration).map(parts::duration));
    if node.get("parent_only").and_then(Node::boolean) == Some(true) {
        section.set("stopasgroup", Value::Boolean(false));
    }
}

#[cfg(test)]
mod tests {
    use crate::import::testing;

    #[test]
    fn a_file_without_processes_says_so() {
        assert_eq!(testing::refused("process-compose.yaml", "version: '0.5'\n"), "it has no `processes`");
        assert_eq!(
            testing::refused("process-compose.yaml", "processes: [\n"),
            "line 2: while parsing a node, did not find expected node content"
        );
    }
}
