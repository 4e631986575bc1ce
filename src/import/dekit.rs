//! dekit.yaml, what mprocs has become.

use crate::codec::shlex;
use crate::codec::tree::{Entry, Node};
use crate::codec::yaml;
use crate::import::draft::{Draft, Section, Value};
use crate::import::fields::Fields;
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source, holes, mprocs, nothing_beside, parts};
use crate::model::Until;

/// The row of [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "dekit",
    file_names: &["dekit.yaml", "dekit.yml", "dekit.*.yaml"],
    marks: &["tasks", "procs"],
    beside: nothing_beside,
    read,
};

const PROJECT: &[(&str, &str)] = &[
    ("load", "import that file as well; `include` merges several run.toml"),
    ("log", "the logs of a project are kept in the state directory; `run logs` reads them"),
    ("on_idle", "the run ends by itself when only tasks were left and all are over"),
];

const TASK: &[(&str, &str)] = &[
    ("tags", "`profiles` and [group.NAME] put programs together"),
    ("log", "the logs of a project are kept in the state directory; stdout_logfile writes a further copy"),
    ("vars", "there are no template variables; `environment` has what the command can use"),
];

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let tree = yaml::parse(source.text)?;
    let mut draft = Draft::new(source.name);
    let mut top = Fields::of(source.name, &tree);
    top.pass(&["kernel", "tui", "keymap"]);
    // Its versions call them differently.
    let mut either = |new: &str, old: &str| top.take(new).or_else(|| top.take(old));
    let tasks = either("tasks", "procs").and_then(Node::table).unwrap_or_default();
    let defaults = either("defaults", "proc_defaults");
    if tasks.is_empty() {
        return Err(ImportError::Nothing("it has no `tasks`"));
    }
    draft.lost = top.finish(PROJECT);
    draft.notes.push("dekit starts by itself only what has `autostart: true`, and so does this file.".to_owned());
    let reading = Reading { source, tasks, names: Names::of(tasks.iter().map(|entry| entry.key.as_str())) };
    draft.sections = tasks.iter().map(|entry| reading.task(entry, defaults)).collect();
    Ok(draft)
}

struct Reading<'a> {
    source: &'a Source<'a>,
    tasks: &'a [Entry],
    names: Names,
}

/// A task with the defaults of the file under its own keys.
fn with_defaults(task: &Node, defaults: Option<&Node>) -> Node {
    let mut merged = task.clone();
    if let (crate::codec::tree::Data::Table(entries), Some(defaults)) =
        (&mut merged.data, defaults.and_then(Node::table))
    {
        let missing: Vec<Entry> =
            defaults.iter().filter(|entry| !entries.iter().any(|own| own.key == entry.key)).cloned().collect();
        entries.extend(missing);
    }
    merged
}

impl Reading<'_> {
    fn is_task(&self, name: &str) -> bool {
        let task = self.tasks.iter().find(|entry| entry.key == name);
        task.is_some_and(|entry| entry.value.get("type").and_then(Node::text) == Some("job"))
    }

    fn task(&self, entry: &Entry, defaults: Option<&Node>) -> Section {
        let is_task = self.is_task(&entry.key);
        let kind = if is_task { "task" } else { "program" };
        let mut section = Section::new(kind, self.names.ours(&entry.key).unwrap_or(&entry.key));
        let node = with_defaults(&entry.value, defaults);
        let mut fields = Fields::of(self.source.name, &node);
        fields.pass(&["type", "scrollback_len", "mouse_scroll_speed"]);
        section.comments.extend(fields.take("label").and_then(Node::text).map(ToOwned::to_owned));
        command(&mut fields, &mut section);
        let directory = fields.read("cwd", Node::text).map(mprocs::directory).filter(|text| !text.is_empty());
        section.set_some("directory", directory.map(Value::Text));
        self.depends_on(&mut fields, &mut section);
        ready(&mut fields, &mut section, is_task);
        if fields.read("autostart", Node::boolean) != Some(true) {
            section.set("autostart", Value::Boolean(false));
        }
        let restarts = fields.read("autorestart", Node::text).map(|word| matches!(word, "true" | "always"));
        if !is_task && node.get("autorestart").and_then(Node::text) != Some("on-failure") {
            section.set("autorestart", Value::Boolean(restarts.unwrap_or(false)));
        }
        mprocs::stop(&mut fields, &mut section);
        mprocs::environment(&mut fields, &mut section);
        fields.finish_into(&mut section, TASK);
        section
    }

    fn depends_on(&self, fields: &mut Fields<'_>, section: &mut Section) {
        let line = fields.line("deps");
        let Some(deps) = fields.read("deps", Node::texts) else { return };
        let mut edges = Vec::new();
        for dep in deps {
            let dep = dep.trim_start_matches('/');
            let is_task = self.is_task(dep);
            let until = if is_task { Until::Done } else { Until::Ready };
            match self.names.ours(dep) {
                Some(ours) => edges.push(parts::dependency(ours, is_task, until, false, false)),
                None => fields.lose(line, format!("deps: {dep}"), "there is no such task in this file"),
            }
        }
        section.set("depends_on", Value::List(edges));
    }
}

fn command(fields: &mut Fields<'_>, section: &mut Section) {
    let line = fields.line("script");
    let cmd = fields.take("cmd");
    let command = match (fields.read("shell", Node::text), cmd, fields.read("script", Node::text)) {
        (Some(shell), _, _) => Value::text(shell),
        (None, Some(node), _) => node.texts().map_or_else(|| cut(node.text().unwrap_or("false")), Value::texts),
        (None, None, Some(script)) => {
            fields.lose(line, "script", "dekit runs it itself; whether node can is to be seen");
            Value::texts(["node", script])
        }
        (None, None, None) => {
            fields.lose(line, "cmd", "there is no command; write one in place of `false`");
            Value::text("false")
        }
    };
    section.set("command", command);
}

/// A line that no shell reads: what a shell would make of its words is kept from it.
fn cut(line: &str) -> Value {
    match shlex::split(line) {
        Ok(words) if words.iter().all(|word| parts::is_plain_word(word)) => Value::text(words.join(" ")),
        Ok(words) => Value::texts(words),
        Err(_) => Value::text(line),
    }
}

fn ready(fields: &mut Fields<'_>, section: &mut Section, is_task: bool) {
    let log = fields.read("ready_log", Node::text);
    let check = fields.take("ready");
    let line = fields.line(if check.is_some() { "ready" } else { "ready_log" });
    if (log.is_some() || check.is_some()) && is_task {
        fields.lose(line, "ready", "a task is waited for until it is done");
        return;
    }
    let text = |key: &str| check?.get(key)?.text();
    let mut ready = if let Some(text) = text("log").or(log) {
        vec![("log".to_owned(), Value::Text(parts::regex(text)))]
    } else if let Some(target) = text("tcp") {
        vec![("tcp".to_owned(), target.parse().map_or_else(|_| Value::text(target), Value::Integer))]
    } else if let Some(url) = text("http") {
        vec![("http".to_owned(), Value::Text(holes::literal(url)))]
    } else if let Some(path) = text("file") {
        vec![("file".to_owned(), Value::Text(holes::literal(path)))]
    } else if let Some(command) = check.and_then(|check| check.get("cmd")) {
        let line =
            command.texts().map_or_else(|| command.text().unwrap_or_default().to_owned(), |w| parts::shell_line(&w));
        vec![("exec".to_owned(), Value::Text(line))]
    } else {
        return;
    };
    for (theirs, ours) in [("interval", "every"), ("timeout", "timeout")] {
        if let Some(duration) = check.and_then(|check| check.get(theirs)).and_then(Node::duration) {
            ready.push((ours.to_owned(), parts::duration(duration)));
        }
    }
    section.set("ready", Value::Table(ready));
}
