//! process-compose.yaml.

mod probe;
mod text;
mod watch;

use std::collections::BTreeSet;

use crate::codec::tree::{Entry, Node};
use crate::codec::yaml;
use crate::import::draft::{Draft, Section, Value};
use crate::import::fields::Fields;
use crate::import::inherit::{self, Inherit};
use crate::import::names::Names;
use crate::import::process_compose::text::Texts;
use crate::import::{Format, ImportError, Source, nothing_beside, parts};
use crate::model::Until;

/// The row of [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "process-compose",
    file_names: &["process-compose*.yaml", "process-compose*.yml"],
    marks: &["processes"],
    beside: nothing_beside,
    read,
};

/// Why keys of the project are not carried over.
const PROJECT: &[(&str, &str)] = &[
    ("log_location", "the logs of a project are kept in the state directory; `run logs` reads them"),
    ("log_configuration", "the logs of a project are kept and rotated in the state directory"),
    ("extends", "import that file as well; several -f are merged in order"),
    ("env_cmds", "a task, or the command itself, can ask for a value"),
];

/// Why keys of a process are not carried over.
const PROCESS: &[(&str, &str)] = &[
    ("log_configuration", "stdout_logfile_maxbytes and stdout_logfile_backups rotate a log file"),
    ("is_foreground", "start it by name: `run up NAME`"),
    ("is_daemon", "a program has to stay in the foreground; leave out the option that sends it into the background"),
    ("extends", "there is no such process"),
    ("schedule", "nothing is started by the clock; `run start` starts it"),
];

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let tree = yaml::parse(source.text)?;
    let mut draft = Draft::new(source.name);
    let mut top = Fields::of(source.name, &tree);
    top.pass(&["version", "log_level", "log_length", "log_format", "is_strict", "is_tui_disabled", "name"]);
    top.pass(&["disable_env_expansion", "ordered_shutdown", "vars"]);
    if let Some(mut shell) = top.inner("shell") {
        shell.pass(&["shell_command", "shell_argument"]);
        top.lost.extend(shell.finish(&[]));
    }
    let texts = Texts::of(&tree);
    if let Some(name) = tree.get("name").and_then(Node::text) {
        draft.top.push(("name", Value::text(Names::default().claim(name))));
    }
    top.pass_extensions();
    let processes = top.take("processes").and_then(Node::table).unwrap_or_default();
    if processes.is_empty() {
        return Err(ImportError::Nothing("it has no `processes`"));
    }
    draft.environment = variables(&mut top, &texts);
    draft.lost = top.finish(PROJECT);
    draft.notes.push(
        "process-compose starts nothing again unless `restart` says so; here a program that fails is tried again \
         (autorestart), and given up after some failures in a row (startretries)."
            .to_owned(),
    );
    let how = Inherit { parent: Node::text, replaced: &["namespace"] };
    let processes = &inherit::resolved(processes, how);
    let reading = Reading {
        source,
        texts,
        processes,
        names: Names::of(processes.iter().map(|entry| entry.key.as_str())),
        cascading: watch::cascading(processes, |process| needs(process).into_iter().map(|(name, ..)| name).collect()),
    };
    draft.sections = processes.iter().map(|entry| reading.process(entry)).collect();
    draft.sections.extend(reading.namespaces());
    Ok(draft)
}

struct Reading<'a> {
    source: &'a Source<'a>,
    texts: Texts,
    processes: &'a [Entry],
    names: Names,
    /// Whose restart restarts what depends on it.
    cascading: BTreeSet<&'a str>,
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

/// The namespaces of a process: one, or a list.
fn namespaces(process: &Node) -> Vec<String> {
    let Some(node) = process.get("namespace") else { return Vec::new() };
    node.texts().or_else(|| Some(vec![node.text()?.to_owned()])).unwrap_or_default()
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
        fields.pass(&["disable_ansi_colors", "namespace", "vars", "launch_timeout_seconds", "truncate_log"]);
        for other in namespaces(&entry.value).iter().skip(1) {
            let line = fields.line("namespace");
            fields.lose(line, format!("namespace: {other}"), "a program is in one group; the first one is kept");
        }
        let texts = self.texts.within(&entry.value);
        command(&mut fields, &mut section, &texts);
        let line = fields.line("working_dir");
        if let Some(directory) = fields.read("working_dir", Node::text) {
            let (directory, is_whole) = texts.filled(directory, None);
            if !is_whole {
                fields.lose(line, "working_dir", TEMPLATE);
            } else if directory != "." {
                section.set("directory", Value::Text(texts.value(&directory).text));
            }
        }
        self.depends_on(&mut fields, &mut section);
        probe::ready(&mut fields, &mut section, &texts, is_task);
        probe::alive(&mut fields, &mut section, &texts, is_task);
        restarts(&mut fields, &mut section, is_task);
        exit_codes(&mut fields, &mut section);
        shutdown(&mut fields, &mut section);
        watch::watch(&mut fields, &mut section);
        if waits_to_be_started(&mut fields) {
            section.set("autostart", Value::Boolean(false));
        }
        if ["is_tty", "is_interactive"].map(|key| fields.read(key, Node::boolean)).contains(&Some(true)) {
            section.set("tty", Value::Boolean(true));
        }
        for key in ["is_daemon", "is_elevated", "is_dotenv_disabled", "is_template_disabled"] {
            if entry.value.get(key).and_then(Node::boolean) == Some(false) {
                fields.pass(&[key]);
            }
        }
        let replicas = fields.read("replicas", Node::integer).filter(|count| *count > 1);
        section.set_some("numprocs", replicas.map(Value::Integer));
        log(&mut fields, &mut section, &texts);
        let file = fields.read("env_file", Node::text).map(|path| Value::Text(texts.value(path).text));
        section.set_some("env_file", file.map(|file| Value::List(vec![file])));
        section.environment = variables(&mut fields, &texts);
        fields.finish_into(&mut section, PROCESS);
        section
    }

    fn depends_on(&self, fields: &mut Fields<'_>, section: &mut Section) {
        if fields.take("depends_on").is_none() {
            return;
        }
        let own = self.processes.iter().find(|entry| self.name(&entry.key) == section.name);
        let mut edges = Vec::new();
        for (name, until, line) in own.map(|entry| needs(&entry.value)).unwrap_or_default() {
            match self.names.ours(name) {
                Some(ours) => {
                    let is_task = self.is_task(name);
                    edges.push(parts::dependency(
                        ours,
                        is_task,
                        parts::possible(until, is_task),
                        self.cascading.contains(name),
                        false,
                    ));
                }
                None => fields.lose(line, format!("depends_on: {name}"), "there is no such process"),
            }
        }
        if !edges.is_empty() {
            section.set("depends_on", Value::List(edges));
        }
    }

    /// A group for each namespace.
    fn namespaces(&self) -> Vec<Section> {
        let mut names = self.names.clone();
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for entry in self.processes {
            let Some(namespace) = namespaces(&entry.value).into_iter().next() else { continue };
            let member = self.name(&entry.key);
            match groups.iter_mut().find(|(there, _)| *there == namespace) {
                Some((_, members)) => members.push(member),
                None if namespace == "default" => {}
                None => groups.push((namespace, vec![member])),
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

const TEMPLATE: &str = "templates `{{…}}` in it are not filled in";

fn command(fields: &mut Fields<'_>, section: &mut Section, texts: &Texts) {
    let line = fields.line("command");
    let is_template = fields.take("is_template_disabled").and_then(Node::boolean) != Some(true);
    let entrypoint = fields.take("entrypoint").and_then(Node::texts);
    let command = fields.take("command").and_then(Node::text);
    let text = match (entrypoint, command) {
        (Some(words), None) => parts::shell_line(&words),
        (Some(_), Some(command)) => {
            let line = fields.line("entrypoint");
            fields.lose(line, "entrypoint", "process-compose leaves it out where there is a command");
            command.to_owned()
        }
        (None, Some(command)) => command.to_owned(),
        (None, None) => {
            fields.lose(line, "command", "there is none; write one in place of `false`");
            "false".to_owned()
        }
    };
    let (text, is_whole) = if is_template { texts.filled(&text, Some("$RUN_INSTANCE")) } else { (text, true) };
    if !is_whole {
        fields.lose(line, "command", TEMPLATE);
    }
    section.set("command", texts.command(texts.line(&text)));
}

/// `environment`, with the templates in its values.
fn variables(fields: &mut Fields<'_>, texts: &Texts) -> Vec<(String, String)> {
    let line = fields.line("environment");
    let filled = |value: &str| texts.value(&texts.filled(value, Some("${RUN_INSTANCE}")).0);
    let variables = parts::variables_with(fields, "environment", filled);
    for (name, value) in variables.iter().filter(|(_, value)| value.contains("{{")) {
        if !texts.filled(value, None).1 {
            fields.lose(line, format!("environment: {name}"), TEMPLATE);
        }
    }
    variables
}

/// A process that is disabled, in the foreground of its terminal or started by the clock does not start with the others.
fn waits_to_be_started(fields: &mut Fields<'_>) -> bool {
    let is_disabled = fields.read("disabled", Node::boolean) == Some(true);
    let is = |key: &str| fields.get(key).and_then(Node::boolean) == Some(true);
    let begins = |schedule: &Node| schedule.get("run_on_start").and_then(Node::boolean) == Some(true);
    is_disabled || is("is_foreground") || fields.get("schedule").is_some_and(|schedule| !begins(schedule))
}

/// `success_exit_codes`, which are good beside 0.
fn exit_codes(fields: &mut Fields<'_>, section: &mut Section) {
    let line = fields.line("success_exit_codes");
    let Some(codes) = fields.read("success_exit_codes", Node::list) else { return };
    let mut all = vec![0];
    for code in codes {
        match code.integer() {
            Some(code @ 0..=255) if !all.contains(&code) => all.push(code),
            Some(0..=255) => {}
            Some(_) | None => fields.lose(line, "success_exit_codes", "codes are numbers from 0 to 255"),
        }
    }
    section.set("exitcodes", Value::List(all.into_iter().map(Value::Integer).collect()));
}

/// `log_location`. process-compose makes the directory that it names; here it has to be there.
fn log(fields: &mut Fields<'_>, section: &mut Section, texts: &Texts) {
    let line = fields.line("log_location");
    let Some(path) = fields.read("log_location", Node::text) else { return };
    let (path, is_whole) = texts.filled(path, None);
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    if !is_whole || path.contains('{') || section.has("numprocs") {
        fields.lose(line, "log_location", "stdout_logfile has one name; `run logs` reads what every instance wrote");
    } else if matches!(directory, "" | "." | "/tmp" | "/var/tmp") {
        section.set("stdout_logfile", Value::Text(texts.value(&path).text));
    } else {
        let why = format!("`run logs` reads it; stdout_logfile writes a copy once the directory {directory} is there");
        fields.lose(line, "log_location", why);
    }
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
    let Some(mut inner) = fields.inner("shutdown") else { return };
    for (key, name) in [("command", "shutdown.command"), ("send_keys", "shutdown.send_keys")] {
        if inner.take(key).is_some() {
            inner.lose(inner.line(key), name, "a program is stopped by a signal (stopsignal)");
        }
    }
    let signal = inner.read("signal", |node| parts::signal(node.text()?));
    section.set_some("stopsignal", signal.filter(|signal| *signal != Value::text("TERM")));
    section.set_some("stopwaitsecs", inner.read("timeout_seconds", Node::duration).map(parts::duration));
    if inner.read("parent_only", Node::boolean) == Some(true) {
        section.set("stopasgroup", Value::Boolean(false));
    }
    fields.lost.extend(inner.finish(&[]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{emit, testing};

    #[test]
    fn a_check_finds_its_directory_whatever_is_in_its_name() {
        for (directory, expected) in [("app", "cd app"), ("it's", "cd 'it'\\''s'"), ("$HOME/app", "cd \"$HOME/app\"")] {
            let text = format!(
                "processes:\n  a:\n    command: b\n    readiness_probe:\n      exec: {{command: c, working_dir: \"{directory}\"}}\n"
            );
            let draft = read(&Source { name: "process-compose.yaml", text: &text, beside: &[] }).unwrap();
            let config: toml::Table = emit::run_toml(&draft).parse().unwrap();
            let check = config["program"]["a"]["ready"]["exec"].as_str().unwrap();
            assert_eq!(check, format!("{expected} && c"));
        }
    }

    #[test]
    fn a_file_without_processes_says_so() {
        assert_eq!(testing::refused("process-compose.yaml", "version: '0.5'\n"), "it has no `processes`");
        assert_eq!(
            testing::refused("process-compose.yaml", "processes: [\n"),
            "line 2: while parsing a node, did not find expected node content"
        );
    }
}
