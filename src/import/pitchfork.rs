//! pitchfork.toml.

use toml::de::{DeTable, DeValue};

use crate::codec::tree::{Data, Entry, Node};
use crate::import::draft::{Draft, Section, Value};
use crate::import::fields::Fields;
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source, holes, nothing_beside, parts};
use crate::model::Until;
use crate::model::units::parse_size;

/// The row of [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "pitchfork",
    file_names: &["pitchfork.toml", "pitchfork.*.toml"],
    marks: &[],
    beside: nothing_beside,
    read,
};

const PROJECT: &[(&str, &str)] = &[
    ("settings", "they are about pitchfork's own supervisor"),
    ("slugs", "they belong to pitchfork's proxy"),
    ("namespaces", "every directory is a project of its own"),
];

const DAEMON: &[(&str, &str)] = &[
    ("boot_start", "nothing is started with the machine; `run export systemd` writes units"),
    ("cron", "nothing is started by the clock; `run start` starts it"),
    ("watch_mode", "there is one way to watch, and another where that is exhausted"),
    ("auto_bump_port", "a port that is taken is an error; `port = \"auto\"` finds a free one and keeps it"),
    ("port_bump_attempts", "a port that is taken is an error; `port = \"auto\"` finds a free one and keeps it"),
    ("mise", "write `mise x -- …` in the command"),
    ("cpu_limit", "run.toml has no such limit"),
];

const HOOKS: &[(&str, &str)] = &[
    ("on_ready", "a task that depends on the program runs when it is ready"),
    ("on_stop", "there is a hook for failures only (on_crash)"),
    ("on_exit", "there is a hook for failures only (on_crash)"),
    ("on_output", "there is a hook for failures only (on_crash)"),
];

/// Their checks: the key, our word, and what is asked where it stands in a table.
const READY: &[(&str, &str, &str)] = &[
    ("ready_http", "http", "url"),
    ("ready_cmd", "exec", "run"),
    ("ready_port", "tcp", "port"),
    ("ready_output", "log", "pattern"),
];

const HEALTH: &[(&str, &str, &str)] =
    &[("health_http", "http", "url"), ("health_cmd", "exec", "run"), ("health_port", "tcp", "port")];

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let tree = toml_tree(source.text)?;
    let mut draft = Draft::new(source.name);
    let mut top = Fields::of(source.name, &tree);
    if let Some(name) = top.read("namespace", Node::text) {
        draft.top.push(("name", Value::text(name)));
    }
    let daemons = top.take("daemons").and_then(Node::table).unwrap_or_default();
    if daemons.is_empty() {
        return Err(ImportError::Nothing("it has no [daemons.NAME]"));
    }
    for variable in top.take("env").and_then(Node::table).unwrap_or_default() {
        let value = variable.value.text().unwrap_or_default();
        if value.contains("{{") {
            top.lose(variable.line, format!("env.{}", variable.key), "templates `{{…}}` in it are not filled in");
        }
        draft.variable(variable.key.clone(), holes::literal(value));
    }
    let groups = top.take("groups").and_then(Node::table).unwrap_or_default();
    draft.lost = top.finish(PROJECT);
    draft.notes.push(
        "pitchfork starts nothing again unless `retry` says so; here a program that fails is tried again \
         (startretries)."
            .to_owned(),
    );
    let mut names = Names::of(daemons.iter().map(|entry| entry.key.as_str()));
    draft.sections = daemons.iter().map(|entry| daemon(source, entry, &names)).collect();
    for entry in groups {
        let members = entry.value.get("daemons").and_then(Node::texts).unwrap_or_default();
        let mut section = Section::new("group", names.claim(&entry.key));
        section.set("programs", Value::texts(members.iter().filter_map(|name| names.ours(name))));
        draft.sections.push(section);
    }
    Ok(draft)
}

/// The document as a tree with lines.
fn toml_tree(text: &str) -> Result<Node, ImportError> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    if let Some(error) = errors.first() {
        let line = error.span().map_or(1, |span| line_of(span.start));
        return Err(ImportError::Syntax { line, message: error.message().to_owned() });
    }
    Ok(Node { line: 1, data: table_data(table.get_ref(), &line_of) })
}

fn table_data(table: &DeTable<'_>, line_of: &impl Fn(usize) -> usize) -> Data {
    let mut entries: Vec<(usize, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let at = key.span().start;
            let data = value_data(value.get_ref(), line_of);
            let value = Node { line: line_of(value.span().start), data };
            (at, Entry { key: key.get_ref().to_string(), line: line_of(at), value })
        })
        .collect();
    entries.sort_by_key(|(at, _)| *at);
    Data::Table(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn value_data(value: &DeValue<'_>, line_of: &impl Fn(usize) -> usize) -> Data {
    let bare = |text: String| Data::Text { text, is_bare: true };
    match value {
        DeValue::String(text) => Data::Text { text: text.to_string(), is_bare: false },
        DeValue::Integer(number) => bare(number.to_string()),
        DeValue::Float(number) => bare(number.to_string()),
        DeValue::Boolean(truth) => bare(truth.to_string()),
        DeValue::Datetime(time) => bare(time.to_string()),
        DeValue::Array(items) => {
            let item = |item: &toml::Spanned<DeValue<'_>>| Node {
                line: line_of(item.span().start),
                data: value_data(item.get_ref(), line_of),
            };
            Data::List(items.iter().map(item).collect())
        }
        DeValue::Table(table) => table_data(table, line_of),
    }
}

fn daemon(source: &Source<'_>, entry: &Entry, names: &Names) -> Section {
    let mut section = Section::new("program", names.ours(&entry.key).unwrap_or(&entry.key));
    let mut fields = Fields::of(source.name, &entry.value);
    // What starts in a shell's hook starts with the project here.
    fields.pass(&["auto"]);
    if fields.get("auto_bump_port").and_then(Node::boolean) != Some(true) {
        fields.pass(&["auto_bump_port", "port_bump_attempts"]);
    }
    let own = Own { names, name: &entry.key };
    let line = fields.line("run");
    let command = fields.read("run", Node::text);
    if command.is_none() {
        fields.lose(line, "run", "there is no command; write one in place of `false`");
    }
    let command = command.unwrap_or("false").trim_start_matches("exec ");
    section.set("command", Value::text(own.text(&mut fields, line, "run", command, false)));
    if fields.get("cron").is_some() {
        section.set("autostart", Value::Boolean(false));
    }
    let directory = fields.read("dir", Node::text).filter(|path| *path != ".").map(holes::literal);
    section.set_some("directory", directory.map(Value::Text));
    depends_on(&mut fields, &mut section, names);
    port(&mut fields, &mut section);
    ready(&mut fields, &mut section, &own);
    alive(&mut fields, &mut section, &own);
    let limit = fields.read("memory_limit", |node| node.text().filter(|text| parse_size(text).is_some()));
    section.set_some("max_memory", limit.map(Value::text));
    hooks(&mut fields, &mut section);
    retry(&mut fields, &mut section);
    section.set_some("watch", fields.read("watch", Node::texts).map(Value::texts));
    section.set_some("user", fields.read("user", Node::text).map(Value::text));
    if fields.read("pty", Node::boolean) == Some(true) {
        section.set("tty", Value::Boolean(true));
    }
    stop(&mut fields, &mut section);
    for variable in fields.take("env").and_then(Node::table).unwrap_or_default() {
        let value = variable.value.text().unwrap_or_default();
        let value = own.text(&mut fields, variable.line, &format!("env.{}", variable.key), value, true);
        section.variable(variable.key.clone(), value);
    }
    fields.finish_into(&mut section, DAEMON);
    section
}

/// What the templates of a daemon can name.
struct Own<'a> {
    names: &'a Names,
    name: &'a str,
}

impl Own<'_> {
    /// A text with their `{{ daemons.redis.port }}` as our `${redis.port}`.
    fn text(&self, fields: &mut Fields<'_>, line: usize, what: &str, text: &str, is_value: bool) -> String {
        let plain = |text: &str| if is_value { holes::literal(text) } else { text.to_owned() };
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inner, behind)) = after.split_once("}}") else { break };
            out.push_str(&plain(before));
            if let Some(hole) = self.hole(inner.trim()) {
                out.push_str(&hole);
            } else {
                fields.lose(line, what, format!("`{{{{{inner}}}}}` is not filled in"));
                out.push_str(&plain(&format!("{{{{{inner}}}}}")));
            }
            rest = behind;
        }
        out.push_str(&plain(rest));
        out
    }

    /// `daemons.NAME.port`, `daemons.NAME.ports[1]` and the names of daemons.
    fn hole(&self, inner: &str) -> Option<String> {
        if inner == "name" {
            return Some(self.name.to_owned());
        }
        let (name, field) = inner.strip_prefix("daemons.")?.rsplit_once('.')?;
        let ours = self.names.ours(name)?;
        let number = field.strip_prefix("ports[").and_then(|rest| rest.strip_suffix(']'));
        match (field, number.and_then(|number| number.parse::<usize>().ok())) {
            ("port", _) | (_, Some(0)) => Some(format!("${{{ours}.port}}")),
            (_, Some(number @ 1..100)) => Some(format!("${{{ours}.port.p{}}}", number + 1)),
            ("name", _) => Some(name.to_owned()),
            _ => None,
        }
    }
}

fn depends_on(fields: &mut Fields<'_>, section: &mut Section, names: &Names) {
    let line = fields.line("depends");
    let Some(needs) = fields.read("depends", Node::texts) else { return };
    let mut edges = Vec::new();
    for need in needs {
        match names.ours(&need) {
            Some(ours) => edges.push(parts::dependency(ours, false, Until::Ready, false, false)),
            None => fields.lose(line, format!("depends: {need}"), "there is no such daemon in this file"),
        }
    }
    if !edges.is_empty() {
        section.set("depends_on", Value::List(edges));
    }
}

/// `port = 3000`, `port = { expect = [3000] }` or `expected_port = [3000]`: the first is PORT.
fn port(fields: &mut Fields<'_>, section: &mut Section) {
    let expected = fields.take("expected_port");
    let line = fields.line("port");
    let bump = fields.get("port").and_then(|port| port.get("bump"));
    if bump.is_some_and(|bump| bump.boolean() != Some(false) && bump.integer() != Some(0)) {
        fields.lose(
            line,
            "port.bump",
            "a port that is taken is an error; `port = \"auto\"` finds a free one and keeps it",
        );
    }
    let node = fields.take("port").map(|port| port.get("expect").unwrap_or(port)).or(expected);
    let Some(node) = node else { return };
    let ports: Vec<i64> = match node.list() {
        Some(items) => items.iter().filter_map(Node::integer).collect(),
        None => node.integer().into_iter().collect(),
    };
    let mut ports = ports.into_iter().filter(|port| (1..=65_535).contains(port));
    match ports.next() {
        Some(first) => section.set("port", Value::Integer(first)),
        None => fields.lose(line, "port", "its value is not understood"),
    }
    let more: Vec<(String, Value)> =
        (2..).zip(ports).map(|(number, port)| (format!("p{number}"), Value::Integer(port))).collect();
    if !more.is_empty() {
        section.set("ports", Value::Table(more));
    }
}

fn ready(fields: &mut Fields<'_>, section: &mut Section, own: &Own<'_>) {
    let check = check(fields, own, READY, &[("timeout", "timeout")]);
    let line = fields.line("ready_delay");
    let delay = fields.read("ready_delay", Node::duration);
    if check.is_some() && delay.is_some() {
        fields.lose(line, "ready_delay", "a program has one ready check");
    }
    match (check, delay) {
        (Some(check), _) => section.set("ready", Value::Table(check)),
        (None, Some(delay)) => section.set("startsecs", parts::duration(delay)),
        (None, None) => {}
    }
}

/// Their check of what is up already begins with the start, ours once it is ready.
fn alive(fields: &mut Fields<'_>, section: &mut Section, own: &Own<'_>) {
    let check = check(fields, own, HEALTH, &[("interval", "every"), ("timeout", "timeout"), ("retries", "failures")]);
    section.set_some("alive", check.map(Value::Table));
}

/// The first of several checks, with its timing.
fn check(
    fields: &mut Fields<'_>,
    own: &Own<'_>,
    kinds: &[(&str, &str, &str)],
    timing: &[(&str, &'static str)],
) -> Option<Vec<(String, Value)>> {
    let mut chosen: Option<Vec<(String, Value)>> = None;
    for &(theirs, ours, inner) in kinds {
        let line = fields.line(theirs);
        let Some(node) = fields.take(theirs) else { continue };
        let target = node.get(inner).unwrap_or(node);
        let words = target.texts().map(|words| parts::shell_line(&words));
        let Some(target) = target.text().map(ToOwned::to_owned).or(words) else {
            fields.lose(line, theirs, "its value is not understood");
            continue;
        };
        if chosen.is_some() {
            fields.lose(line, theirs, "a program has one check of a kind");
            continue;
        }
        if target.starts_with("https:") {
            fields.lose(line, theirs, "the check speaks plain http; `exec` with curl can do more");
            continue;
        }
        let is_value = matches!(ours, "http" | "tcp");
        let target = own.text(fields, line, theirs, &target, is_value);
        if ours == "http" && !parts::is_http_target(&target) {
            fields.lose(line, theirs, "its address is not understood");
            continue;
        }
        let value = match target.parse() {
            Ok(port) if ours == "tcp" => Value::Integer(port),
            _ => Value::Text(target),
        };
        let mut check = vec![(ours.to_owned(), value)];
        let status = node.get("status").and_then(Node::list).unwrap_or_default();
        let status: Vec<Value> = status.iter().filter_map(Node::integer).map(Value::Integer).collect();
        if !status.is_empty() {
            check.push(("status".to_owned(), Value::List(status)));
        }
        for (theirs, ours) in timing {
            let time = |node: &Node| match *ours {
                "failures" => node.integer().filter(|count| *count > 0).map(Value::Integer),
                _ => node.duration().map(parts::duration),
            };
            check.extend(node.get(theirs).and_then(time).map(|value| ((*ours).to_owned(), value)));
        }
        chosen = Some(check);
    }
    chosen
}

/// Their hooks are about one kind of failure each, ours is called at all and told which it is.
fn hooks(fields: &mut Fields<'_>, section: &mut Section) {
    let line = fields.line("hooks");
    let Some(mut inner) = fields.inner("hooks") else { return };
    let mut parts = Vec::new();
    for (key, state) in [("on_retry", "retrying"), ("on_fail", "failed")] {
        let Some(command) = inner.read(key, |node| node.text().or_else(|| node.get("run")?.text())) else { continue };
        let command = command.replace("PITCHFORK_EXIT_CODE", "RUN_EXIT").replace("PITCHFORK_RETRY_COUNT", "RUN_RUNS");
        if command.contains("PITCHFORK_") {
            inner.lose(
                line,
                format!("hooks.{key}"),
                "its variables have other names: RUN_PROGRAM, RUN_REASON, RUN_EXIT",
            );
        }
        parts.push(format!("if [ \"$RUN_STATE\" = {state} ]; then {command}; fi"));
    }
    if !parts.is_empty() {
        section.set("on_crash", Value::Text(parts.join("; ")));
    }
    fields.lost.extend(inner.finish(HOOKS));
}

/// A number of tries, or `true` for as many as it takes.
fn retry(fields: &mut Fields<'_>, section: &mut Section) {
    let Some(node) = fields.take("retry") else { return };
    let count = node.get("count").unwrap_or(node);
    match (count.integer(), count.boolean()) {
        (Some(tries), _) => section.set("startretries", Value::Integer(tries.clamp(0, 1_000_000))),
        (None, Some(true)) => section.set("startretries", Value::Integer(1_000_000)),
        (None, _) => section.set("startretries", Value::Integer(0)),
    }
}

fn stop(fields: &mut Fields<'_>, section: &mut Section) {
    let line = fields.line("stop_signal");
    let Some(node) = fields.take("stop_signal") else { return };
    match node.text().or_else(|| node.get("signal").and_then(Node::text)).and_then(parts::signal) {
        Some(signal) => section.set("stopsignal", signal),
        None => fields.lose(line, "stop_signal", "no such signal"),
    }
    section.set_some("stopwaitsecs", node.get("timeout").and_then(Node::duration).map(parts::duration));
}

#[cfg(test)]
mod tests {
    use crate::import::testing;

    #[test]
    fn a_mistake_has_its_line() {
        let said = testing::refused("pitchfork.toml", "[daemons.web]\nrun = \n");
        assert!(said.starts_with("line 2: "), "{said}");
        assert_eq!(testing::refused("pitchfork.toml", "namespace = 'x'\n"), "it has no [daemons.NAME]");
    }
}
