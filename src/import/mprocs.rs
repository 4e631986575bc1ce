//! mprocs.yaml.

use crate::codec::tree::{Data, Entry, Node};
use crate::codec::yaml;
use crate::import::draft::{Draft, Section, Value};
use crate::import::fields::Fields;
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source, holes, nothing_beside, parts};
use crate::model::Until;

/// The row of [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "mprocs",
    file_names: &["mprocs.yaml", "mprocs.yml", "mprocs.*.yaml"],
    marks: &["procs"],
    beside: nothing_beside,
    read,
};

/// Keys about its screen, which have no bearing on what is started.
const SCREEN: &[&str] = &[
    "hide_keymap_window",
    "mouse_scroll_speed",
    "scrollback",
    "proc_list_width",
    "proc_list_title",
    "keymap_procs",
    "keymap_term",
    "keymap_copy",
];

const PROJECT: &[(&str, &str)] = &[
    ("server", "a project has a socket of its own; [control] tcp opens a port"),
    ("proc_log", "the logs of a project are kept in the state directory; `run logs` reads them"),
    ("on_all_finished", "the run ends by itself when only tasks were left and all are over"),
];

const PROC: &[(&str, &str)] =
    &[("log", "the logs of a project are kept in the state directory; stdout_logfile writes a further copy")];

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let tree = yaml::parse(source.text)?;
    let mut draft = Draft::new(source.name);
    let mut top = Fields::of(source.name, &tree);
    top.pass(SCREEN);
    let procs = top.take("procs").and_then(Node::table).unwrap_or_default();
    draft.lost = top.finish(PROJECT);
    draft.notes.push(
        "mprocs starts nothing again unless `autorestart` says so; here a program that fails is tried again."
            .to_owned(),
    );
    let names = Names::of(procs.iter().map(|entry| entry.key.as_str()));
    for entry in procs {
        if entry.value.is_null() {
            draft.lose(entry.line, entry.key.clone(), "it is switched off");
        } else {
            draft.sections.push(proc(source, entry, &names));
        }
    }
    if draft.sections.is_empty() {
        return Err(ImportError::Nothing("it has no `procs`"));
    }
    Ok(draft)
}

fn proc(source: &Source<'_>, entry: &Entry, names: &Names) -> Section {
    let mut section = Section::new("program", names.ours(&entry.key).unwrap_or(&entry.key));
    match &entry.value.data {
        Data::Text { text, .. } => section.set("command", Value::text(text)),
        Data::List(_) => section.set("command", parts::command(entry.value.texts().unwrap_or_default())),
        Data::Null | Data::Table(_) => {
            let mut fields = Fields::of(source.name, &entry.value);
            table(&mut fields, &mut section, names);
            fields.finish_into(&mut section, PROC);
        }
    }
    section
}

fn table(fields: &mut Fields<'_>, section: &mut Section, names: &Names) {
    command(fields, section);
    let directory = fields.read("cwd", select).map(|text| directory(&text));
    section.set_some("directory", directory.filter(|text| !text.is_empty()).map(Value::Text));
    depends_on(fields, section, names);
    section.set_some("autostart", fields.read("autostart", Node::boolean).filter(|starts| !starts).map(Value::Boolean));
    section.set_some("autorestart", fields.read("autorestart", Node::boolean).map(Value::Boolean));
    stop(fields, section);
    environment(fields, section);
}

/// A text, or the one that is meant on Linux among those of several systems.
pub(super) fn select(node: &Node) -> Option<String> {
    chosen(node)?.text().map(ToOwned::to_owned)
}

fn chosen(node: &Node) -> Option<&Node> {
    match node.get("$select") {
        Some(_) => node.get("linux").or_else(|| node.get("$else")),
        None => Some(node),
    }
}

/// A path of theirs: `<CONFIG_DIR>` is where relative paths start anyway. Empty for the root of the project.
pub(super) fn directory(text: &str) -> String {
    let below = text.strip_prefix("<CONFIG_DIR>").map(|below| below.trim_start_matches('/'));
    let path = below.unwrap_or(text);
    if path == "." { String::new() } else { holes::literal(path) }
}

fn command(fields: &mut Fields<'_>, section: &mut Section) {
    let line = fields.line("shell");
    let words = fields.read("cmd", Node::texts);
    let shell = fields.read("shell", select);
    if fields.take("shell").is_some_and(|node| node.get("$select").is_some()) {
        fields.lose(line, "shell", "only what it runs on Linux is kept");
    }
    let command = match (shell, words) {
        (Some(line), _) => Value::Text(line),
        (None, Some(words)) => Value::texts(words),
        (None, None) => {
            fields.lose(line, "shell", "there is no command; write one in place of `false`");
            Value::text("false")
        }
    };
    section.set("command", command);
}

fn depends_on(fields: &mut Fields<'_>, section: &mut Section, names: &Names) {
    let line = fields.line("deps");
    let Some(deps) = fields.read("deps", Node::texts) else { return };
    let mut edges = Vec::new();
    for dep in deps {
        match names.ours(&dep) {
            Some(ours) => edges.push(parts::dependency(ours, false, Until::Ready, false, false)),
            None => fields.lose(line, format!("deps: {dep}"), "there is no such process"),
        }
    }
    section.set("depends_on", Value::List(edges));
}

/// What ends it: a signal, or keys, or a command.
pub(super) fn stop(fields: &mut Fields<'_>, section: &mut Section) {
    let Some(node) = fields.take("stop") else { return };
    let line = node.line;
    let word = node.text().or_else(|| node.get("signal").and_then(Node::text));
    let keys = node.get("send-keys").and_then(Node::texts);
    let signal = match (word, keys.as_deref()) {
        (Some("hard-kill"), _) => parts::signal("KILL"),
        (Some(word), _) => parts::signal(word),
        (None, Some([key])) if key.eq_ignore_ascii_case("<c-c>") => parts::signal("INT"),
        (None, _) => None,
    };
    match signal {
        Some(signal) if signal == Value::text("TERM") => {}
        Some(signal) => section.set("stopsignal", signal),
        None => fields.lose(line, "stop", "a program is stopped by a signal (stopsignal)"),
    }
    if node.get("group").and_then(Node::boolean) == Some(false) {
        section.set("stopasgroup", Value::Boolean(false));
    }
}

/// `env` and `add_path`.
pub(super) fn environment(fields: &mut Fields<'_>, section: &mut Section) {
    for (name, value, line) in fields.read("env", variables).unwrap_or_default() {
        match value {
            Some(value) => section.variable(name, holes::literal(&value)),
            None => fields.lose(line, format!("env: {name}"), "a variable cannot be taken away; `env -u NAME …` can"),
        }
    }
    let Some(node) = fields.take("add_path") else { return };
    let paths = node.texts().or_else(|| select(node).map(|path| vec![path]));
    if let Some(paths) = paths {
        let paths: Vec<String> = paths.iter().map(|path| directory(path)).collect();
        section.variable("PATH", format!("${{PATH}}:{}", paths.join(":")));
    }
}

/// Names and values; a null is a variable to be taken away.
fn variables(node: &Node) -> Option<Vec<(String, Option<String>, usize)>> {
    let entries = chosen(node)?.table()?.iter();
    Some(entries.map(|entry| (entry.key.clone(), select(&entry.value), entry.line)).collect())
}

#[cfg(test)]
mod tests {
    use crate::import::testing;

    #[test]
    fn a_file_without_procs_says_so() {
        assert_eq!(testing::refused("mprocs.yaml", "procs: {}\n"), "it has no `procs`");
    }
}
