//! compose.yaml, for its commands: what a container adds to a command (image, volumes, networks) is named and left behind. A service
//! whose command is in an image keeps running in docker, as a program that waits for it.

mod place;
mod ports;

use crate::codec::tree::{Data, Entry, Node};
use crate::codec::yaml;
use crate::import::compose::ports::{ports, published};
use crate::import::draft::{Draft, Section, Value};
use crate::import::fields::Fields;
use crate::import::inherit::{self, Inherit};
use crate::import::names::Names;
use crate::import::{Format, ImportError, Source, holes, nothing_beside, parts};
use crate::model::Until;

/// The row of [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "compose",
    file_names: &[
        "compose.yaml",
        "compose.yml",
        "compose.*.yaml",
        "compose.*.yml",
        "docker-compose*.yaml",
        "docker-compose*.yml",
    ],
    marks: &["services"],
    beside: nothing_beside,
    read,
};

const PROJECT: &[(&str, &str)] = &[
    ("volumes", "programs use the files of this machine"),
    ("networks", "programs share the network of this machine"),
    ("secrets", "put them into .env"),
    ("configs", "programs use the files of this machine"),
    ("include", "import that file as well; `include` merges several run.toml"),
];

const SERVICE: &[(&str, &str)] = &[
    ("image", "its command runs on this machine and has to be installed here"),
    ("build", "its command runs on this machine; a [task.NAME] can build what it needs"),
    ("volumes", "the program uses the files of this machine"),
    ("networks", "the program shares the network of this machine"),
    ("network_mode", "the program shares the network of this machine"),
    ("extends", "it is in another file; write what it takes from there"),
    ("scale", "numprocs starts several"),
    ("develop", "`watch` restarts a program when its files change"),
    ("secrets", "put them into .env"),
    ("configs", "the program uses the files of this machine"),
    ("deploy", "it is about containers; numprocs starts several"),
    ("healthcheck", "it asks inside of the container"),
    ("expose", "the program shares the network of this machine"),
];

/// Keys about containers that nobody misses outside of one.
const CONTAINER: &[&str] = &[
    "container_name",
    "hostname",
    "labels",
    "logging",
    "platform",
    "pull_policy",
    "init",
    "stdin_open",
    "cap_add",
    "cap_drop",
    "security_opt",
    "shm_size",
    "restart",
    "tmpfs",
    "dns",
    "privileged",
    "read_only",
];

/// A service of the same file; one of another file stays named.
const EXTENDS: Inherit = Inherit {
    parent: |node| if node.get("file").is_some() { None } else { node.text().or_else(|| node.get("service")?.text()) },
    replaced: &["command", "entrypoint", "test"],
};

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let tree = yaml::parse(source.text)?;
    let mut draft = Draft::new(source.name);
    let mut top = Fields::of(source.name, &tree);
    top.pass(&["version"]);
    if let Some(name) = top.read("name", Node::text).filter(|name| !name.contains('$')) {
        draft.top.push(("name", Value::Text(Names::default().claim(name))));
    }
    let services = top.take("services").and_then(Node::table).unwrap_or_default();
    if services.is_empty() {
        return Err(ImportError::Nothing("it has no `services`"));
    }
    let services = &inherit::resolved(services, EXTENDS);
    top.pass_extensions();
    draft.lost = top.finish(PROJECT);
    draft.notes.push(
        "Commands run on this machine, so other services are at 127.0.0.1 and not at their names; what has no command \
         of its own runs in docker."
            .to_owned(),
    );
    let reading = Reading { source, services, names: Names::of(services.iter().map(|entry| entry.key.as_str())) };
    draft.sections = services.iter().map(|entry| reading.service(entry)).collect();
    Ok(draft)
}

struct Reading<'a> {
    source: &'a Source<'a>,
    services: &'a [Entry],
    names: Names,
}

/// What stands in `depends_on`: names, conditions, whether a restart is passed on, whether it may be missing.
fn needs(service: &Node) -> Vec<(&str, Until, bool, bool, usize)> {
    let Some(needs) = service.get("depends_on") else { return Vec::new() };
    if let Some(items) = needs.list() {
        return items.iter().filter_map(|item| Some((item.text()?, Until::Started, false, false, item.line))).collect();
    }
    let need = |entry: &'_ Entry| {
        let until = match entry.value.get("condition").and_then(Node::text) {
            Some("service_healthy") => Until::Ready,
            Some("service_completed_successfully") => Until::Done,
            Some(_) | None => Until::Started,
        };
        let truth = |key: &str| entry.value.get(key).and_then(Node::boolean);
        (until, truth("restart") == Some(true), truth("required") == Some(false), entry.line)
    };
    let entries = needs.table().unwrap_or_default().iter();
    entries
        .map(|entry| {
            let (until, restart, is_optional, line) = need(entry);
            (entry.key.as_str(), until, restart, is_optional, line)
        })
        .collect()
}

/// A command: words, or a line that compose cuts into words.
fn words(node: &Node) -> Option<String> {
    match &node.data {
        Data::Text { text, .. } => Some(text.clone()),
        Data::List(_) => node.texts().map(|words| parts::shell_line(&words)),
        Data::Null | Data::Table(_) => None,
    }
}

impl Reading<'_> {
    fn is_task(&self, name: &str) -> bool {
        let mut all = self.services.iter().flat_map(|entry| needs(&entry.value));
        all.any(|(need, until, ..)| need == name && until == Until::Done)
    }

    fn service(&self, entry: &Entry) -> Section {
        let is_task = self.is_task(&entry.key);
        let name = self.names.ours(&entry.key).unwrap_or(&entry.key);
        let mut section = Section::new(if is_task { "task" } else { "program" }, name);
        let mut fields = Fields::of(self.source.name, &entry.value);
        fields.pass(CONTAINER);
        fields.pass_extensions();
        let kept = place::kept_in_docker(entry, self.services);
        let is_here = kept.is_none();
        if let Some(why) = kept {
            fields.lose(entry.line, entry.key.clone(), why);
            self.in_docker(entry, &mut fields, &mut section, is_task);
        } else {
            self.hosts(entry, &mut fields);
            on_this_machine(&mut fields, &mut section, place::directory(&entry.value, self.services), is_task);
        }
        self.depends_on(entry, &mut fields, &mut section);
        let profiles = fields.read("profiles", Node::texts).filter(|profiles| !profiles.is_empty());
        section.set_some("profiles", profiles.map(Value::texts));
        let restart = entry.value.get("restart").and_then(Node::text);
        if is_here && !is_task && matches!(restart, Some("always" | "unless-stopped")) {
            section.set("autorestart", Value::Boolean(true));
        }
        fields.finish_into(&mut section, SERVICE);
        section
    }

    /// Variables that name another service as a host.
    fn hosts(&self, entry: &Entry, fields: &mut Fields<'_>) {
        let variables = entry.value.get("environment").and_then(parts::variables).unwrap_or_default();
        for (name, value, line) in variables {
            let is_host = |service: &str, value: &str| {
                place::is_at(value, service) || (value == service && name.to_ascii_uppercase().contains("HOST"))
            };
            let host = self.services.iter().find(|service| value.is_some_and(|value| is_host(&service.key, value)));
            if let Some(host) = host {
                let why =
                    format!("it names the service {}, which is at 127.0.0.1 and its published port here", host.key);
                fields.lose(line, name, why);
            }
        }
    }

    /// What is in an image: docker compose runs it, and its check is asked through docker compose.
    fn in_docker(&self, entry: &Entry, fields: &mut Fields<'_>, section: &mut Section, is_task: bool) {
        fields.pass(&[
            "image",
            "command",
            "entrypoint",
            "build",
            "volumes",
            "networks",
            "network_mode",
            "extends",
            "secrets",
            "configs",
            "deploy",
            "scale",
            "develop",
            "expose",
            "user",
            "working_dir",
            "env_file",
            "environment",
            "tty",
            "stop_signal",
        ]);
        let service = parts::shell_line(std::slice::from_ref(&entry.key));
        let file = if self.source.name.contains("compose.y") && !self.source.name.contains('/') {
            String::new()
        } else {
            format!(" -f {}", parts::shell_line(&[self.source.name.to_owned()]))
        };
        let how = if is_task { "run --rm --no-deps" } else { "up --no-log-prefix --no-deps" };
        section.set("command", Value::Text(format!("docker compose{file} {how} {service}")));
        section.set_some("stopwaitsecs", fields.read("stop_grace_period", Node::duration).map(parts::duration));
        let published = published(fields.take("ports")).ports;
        if !is_task && entry.value.get("healthcheck").is_some() {
            healthcheck(fields, section, |command| {
                format!("docker compose{file} exec -T {service} sh -c {}", parts::inner_line(command))
            });
        } else if let (Some(port), false) = (published.first().and_then(|(host, _)| *host), is_task) {
            section.set("ready", Value::table([("tcp", Value::Integer(port))]));
        }
    }

    fn depends_on(&self, entry: &Entry, fields: &mut Fields<'_>, section: &mut Section) {
        fields.pass(&["depends_on"]);
        let mut edges = Vec::new();
        for (name, until, restart, is_optional, line) in needs(&entry.value) {
            let is_task = self.is_task(name);
            match self.names.ours(name) {
                Some(ours) => {
                    let until = parts::possible(until, is_task);
                    edges.push(parts::dependency(ours, is_task, until, restart, is_optional));
                }
                None => fields.lose(line, format!("depends_on: {name}"), "there is no such service in this file"),
            }
        }
        if !edges.is_empty() {
            section.set("depends_on", Value::List(edges));
        }
    }
}

/// A service with a command: the command, and what is about it rather than about its container.
fn on_this_machine(fields: &mut Fields<'_>, section: &mut Section, directory: Option<String>, is_task: bool) {
    let entrypoint = fields.read("entrypoint", words);
    let command = fields.read("command", words);
    let line = [entrypoint, command].into_iter().flatten().collect::<Vec<_>>().join(" ");
    section.set("command", Value::Text(holes::for_shell(line.trim_end())));
    section.set_some("directory", directory.map(Value::Text));
    let at = fields.line("working_dir");
    if let Some(directory) = fields.read("working_dir", Node::text).filter(|_| !section.has("directory")) {
        fields.lose(at, "working_dir", format!("{directory} is a directory of the container"));
    }
    env_files(fields, section);
    ports(fields, section);
    if !is_task {
        healthcheck(fields, section, holes::for_shell);
    }
    section.set_some("stopsignal", fields.read("stop_signal", |node| parts::signal(node.text()?)));
    section.set_some("stopwaitsecs", fields.read("stop_grace_period", Node::duration).map(parts::duration));
    fields.pass(&["user"]);
    if fields.read("tty", Node::boolean) == Some(true) {
        section.set("tty", Value::Boolean(true));
    }
    section.environment = parts::interpolated_variables(fields, "environment");
}

/// `env_file`: a path, or a list of paths and `{ path, required }`.
fn env_files(fields: &mut Fields<'_>, section: &mut Section) {
    let Some(node) = fields.take("env_file") else { return };
    let one = std::slice::from_ref(node);
    let file = |node: &Node| {
        if let Some(path) = node.text() {
            return Some(Value::text(path));
        }
        let path = Value::text(node.get("path")?.text()?);
        let is_optional = node.get("required").and_then(Node::boolean) == Some(false);
        Some(if is_optional { Value::table([("path", path), ("optional", Value::Boolean(true))]) } else { path })
    };
    section.set("env_file", Value::List(node.list().unwrap_or(one).iter().filter_map(file).collect()));
}

/// The health check as a ready check.
fn healthcheck(fields: &mut Fields<'_>, section: &mut Section, wrap: impl FnOnce(&str) -> String) {
    let Some(node) = fields.take("healthcheck") else { return };
    let test = node.get("test");
    let command = match test.map(|test| (test.text(), test.texts())) {
        Some((Some(line), _)) => line.to_owned(),
        Some((None, Some(words))) => match words.split_first() {
            Some((first, rest)) if first == "CMD-SHELL" => rest.join(" "),
            Some((first, rest)) if first == "CMD" => parts::shell_line(rest),
            _ => return,
        },
        Some((None, None)) | None => return,
    };
    let mut check = vec![("exec".to_owned(), Value::Text(wrap(&command)))];
    let every = node.get("interval").and_then(Node::duration).filter(|every| !every.is_zero());
    if let Some(every) = every {
        check.push(("every".to_owned(), parts::duration(every)));
    }
    if let (Some(every), Some(retries)) = (every, node.get("retries").and_then(Node::integer)) {
        let grace = node.get("start_period").and_then(Node::duration).unwrap_or_default();
        let retries = u32::try_from(retries).unwrap_or(3);
        check.push(("timeout".to_owned(), parts::duration(grace.saturating_add(every.saturating_mul(retries)))));
    }
    section.set("ready", Value::Table(check));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::testing;

    #[test]
    fn a_patience_beyond_all_times_is_no_mistake_of_ours() {
        let text = "services:\n  a:\n    command: b\n    build: .\n    healthcheck: {test: c, interval: 9999999999999999s, retries: 4000000000}\n";
        let draft = read(&Source { name: "compose.yaml", text, beside: &[] }).unwrap();
        assert!(draft.sections[0].has("ready"));
    }

    #[test]
    fn a_file_without_services_says_so() {
        assert_eq!(testing::refused("compose.yaml", "volumes: {}\n"), "it has no `services`");
    }
}
