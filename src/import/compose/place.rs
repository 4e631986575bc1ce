//! Where a service of a compose.yaml is at home: on this machine, as code of this project, or in docker.

use crate::codec::tree::{Entry, Node};
use crate::import::parts;

/// What keeps a service in docker; nothing where its command can run on this machine.
///
/// Only code of this project can: a service that is built here, or runs an image that is built here, or has a directory of the
/// project mounted as the one that it works in. The command of any other image needs what is in the image.
pub(super) fn kept_in_docker(entry: &Entry, services: &[Entry]) -> Option<String> {
    let service = &entry.value;
    let image = service.get("image").and_then(Node::text);
    let of_image = image.map_or("its own image".to_owned(), |image| format!("the image {image}"));
    let Some(first) = first_word(service) else {
        return Some(format!("{of_image} has the command, so it keeps running in docker"));
    };
    let is_own = context(service, services).is_some() || mounted_directory(service).is_some();
    if !is_own {
        return Some(format!("its command is one of {of_image}, so it keeps running in docker"));
    }
    if first.starts_with('-') {
        return Some(format!("its command begins with an option for {of_image}, so it keeps running in docker"));
    }
    let is_everywhere = ["/bin/", "/usr/bin/"].iter().any(|directory| first.starts_with(directory));
    (first.starts_with('/') && !is_everywhere)
        .then(|| format!("{first} is in {of_image}, so it keeps running in docker"))
}

/// The directory that a command runs in: the one that is mounted where it works, else the one that it is built from.
pub(super) fn directory(service: &Node, services: &[Entry]) -> Option<String> {
    let directory = mounted_directory(service).or_else(|| context(service, services).map(ToOwned::to_owned))?;
    let plain = directory.trim_start_matches("./").trim_end_matches('/');
    (!matches!(plain, "" | ".") && is_path(plain)).then(|| plain.to_owned())
}

/// The first word of what is executed.
fn first_word(service: &Node) -> Option<String> {
    let words = |key: &str| {
        let node = service.get(key)?;
        node.texts().or_else(|| node.text().map(|text| vec![text.to_owned()]))
    };
    let first = words("entrypoint").into_iter().chain(words("command")).flatten().next()?;
    first.split_whitespace().next().map(ToOwned::to_owned)
}

/// The directory that a service is built from, or that its image is built from by another service.
fn context<'a>(service: &'a Node, services: &'a [Entry]) -> Option<&'a str> {
    let own = |service: &'a Node| {
        let build = service.get("build")?;
        build.text().or_else(|| build.get("context").map_or(Some("."), Node::text))
    };
    let image = service.get("image").and_then(Node::text);
    let same =
        services.iter().filter(|other| image.is_some() && other.value.get("image").and_then(Node::text) == image);
    own(service).or_else(|| same.map(|other| &other.value).find_map(own))
}

/// The directory of this machine that is mounted over the one that the service works in.
fn mounted_directory(service: &Node) -> Option<String> {
    let works_in = service.get("working_dir").and_then(Node::text)?.trim_end_matches('/');
    let mounts = service.get("volumes").and_then(Node::list)?.iter().filter_map(mount);
    let below = |(source, target): (String, String)| {
        let rest = works_in.strip_prefix(target.trim_end_matches('/'))?;
        let rest = rest.strip_prefix('/').or_else(|| rest.is_empty().then_some(""))?;
        let source = source.trim_end_matches('/');
        Some(if rest.is_empty() { source.to_owned() } else { format!("{source}/{rest}") })
    };
    mounts.filter(|(source, _)| source.starts_with('.')).find_map(below)
}

/// A path of this machine and where it is mounted: `./web:/app:ro`, or a table.
fn mount(node: &Node) -> Option<(String, String)> {
    let text = |key: &str| node.get(key).and_then(Node::text).map(ToOwned::to_owned);
    match node.text() {
        Some(line) => {
            let mut words = line.split(':').map(ToOwned::to_owned);
            Some((words.next()?, words.next()?))
        }
        None => Some((text("source")?, text("target")?)),
    }
}

/// Whether a value is the address of this service, or has it: its name with a port, or as the host of a URL.
pub(super) fn is_at(value: &str, service: &str) -> bool {
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with([':', '/', ',', '?', ' ', ';']);
    let host_at = |at: usize| value.get(at..).and_then(|rest| rest.strip_prefix(service)).is_some_and(is_end);
    let is_port =
        |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
    value.strip_prefix(service).is_some_and(is_port)
        || ["//", "@"].into_iter().any(|before| value.match_indices(before).any(|(at, _)| host_at(at + before.len())))
}

/// Not an address to be cloned, and without a variable.
fn is_path(directory: &str) -> bool {
    parts::is_plain_word(directory) && !directory.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::yaml;

    fn of(text: &str) -> (Option<String>, Option<String>) {
        let tree = yaml::parse(text).unwrap();
        let services = tree.table().unwrap();
        (kept_in_docker(&services[0], services), directory(&services[0].value, services))
    }

    #[test]
    fn code_of_the_project_runs_here() {
        for (service, at) in [
            ("a: {build: ./web, command: npm start}", Some("web")),
            ("a: {build: {context: .}, entrypoint: bin/up, command: [-v]}", None),
            ("a: {build: {dockerfile: x}, command: /bin/sh -c true}", None),
            (
                "a: {image: node, command: npm start, working_dir: /app/web/, volumes: ['./code:/app']}",
                Some("code/web"),
            ),
            (
                "a: {image: node, command: npm start, working_dir: /a, volumes: [{type: bind, source: ../b, target: /a}]}",
                Some("../b"),
            ),
            ("a: {image: shop, command: work}\nb: {image: shop, build: ./shop}", Some("shop")),
            ("a: {build: 'https://example.org/x.git', command: x}", None),
        ] {
            assert_eq!(of(service), (None, at.map(ToOwned::to_owned)), "{service}");
        }
    }

    #[test]
    fn an_address_names_a_service() {
        for value in ["db:5432", "postgres://u:p@db:5432/x", "redis://db/0", "http://db", "x@db,y"] {
            assert!(is_at(value, "db"), "{value}");
        }
        for value in ["db", "dbx", "postgres://127.0.0.1/db", "db:local", "//dbs/", "my db", ""] {
            assert!(!is_at(value, "db"), "{value}");
        }
    }

    #[test]
    fn the_command_of_an_image_stays_in_docker() {
        for service in [
            "a: {image: redis}",
            "a: {image: minio, command: server /data}",
            "a: {image: node, command: npm start, volumes: ['./code:/app']}",
            "a: {image: node, command: x, working_dir: /app2, volumes: ['./code:/app', 'data:/app2']}",
            "a: {build: ., command: -js}",
            "a: {build: ., command: [/app/start.sh]}",
            "a: {build: .}",
        ] {
            assert!(of(service).0.is_some(), "{service}");
        }
    }
}
