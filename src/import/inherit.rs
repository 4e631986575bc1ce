//! `extends` of a process or service: another one of the same file, under its own keys.

use crate::codec::tree::{Data, Entry, Node};

/// How a tool has it.
#[derive(Debug, Clone, Copy)]
pub struct Inherit {
    /// The name in an `extends`, where that means another one of the same file.
    pub parent: fn(&Node) -> Option<&str>,
    /// Keys of which the upper one holds, whatever it is.
    pub replaced: &'static [&'static str],
}

/// The processes with what they take from others. A name that is unknown, or a circle, takes nothing, and its `extends` stays.
pub fn resolved(all: &[Entry], how: Inherit) -> Vec<Entry> {
    let whole = |entry: &Entry| Entry { value: with_parents(&entry.value, all, all.len(), how), ..entry.clone() };
    all.iter().map(whole).collect()
}

/// A process over the one that it extends, which extends others at most `depth` deep.
fn with_parents(process: &Node, processes: &[Entry], depth: usize, how: Inherit) -> Node {
    let parent = process.get("extends").and_then(how.parent);
    let parent = parent.and_then(|name| processes.iter().find(|entry| entry.key == name));
    let (Some(parent), Some(depth)) = (parent, depth.checked_sub(1)) else { return process.clone() };
    let parent = with_parents(&parent.value, processes, depth, how);
    if parent.get("extends").is_some() {
        return process.clone();
    }
    let own = process.table().unwrap_or_default().iter().filter(|entry| entry.key != "extends");
    let own = Node { line: process.line, data: Data::Table(own.cloned().collect()) };
    over(&parent, &own, how)
}

/// Tables are merged key by key and lists joined, as both tools do it; for everything else the upper one holds.
fn over(lower: &Node, upper: &Node, how: Inherit) -> Node {
    let data = match (&lower.data, &upper.data) {
        (Data::List(below), Data::Table(_)) if pairs(below).is_some() => {
            let below = Node { line: lower.line, data: Data::Table(pairs(below).unwrap_or_default()) };
            over(&below, upper, how).data
        }
        (Data::Table(_), Data::List(above)) if pairs(above).is_some() => {
            let above = Node { line: upper.line, data: Data::Table(pairs(above).unwrap_or_default()) };
            over(lower, &above, how).data
        }
        (Data::Table(below), Data::Table(above)) => {
            let mut entries = below.clone();
            for entry in above {
                match entries.iter_mut().find(|there| there.key == entry.key) {
                    Some(there) if how.replaced.contains(&entry.key.as_str()) => *there = entry.clone(),
                    Some(there) => *there = Entry { value: over(&there.value, &entry.value, how), ..entry.clone() },
                    None => entries.push(entry.clone()),
                }
            }
            Data::Table(entries)
        }
        (Data::List(below), Data::List(above)) => Data::List([below.as_slice(), above.as_slice()].concat()),
        (_, above) => above.clone(),
    };
    Node { line: upper.line, data }
}

/// `NAME=value` in a list as a table, which it means as well.
fn pairs(items: &[Node]) -> Option<Vec<Entry>> {
    let pair = |item: &Node| {
        let (key, value) = item.text()?.split_once('=')?;
        Some(Entry { key: key.to_owned(), line: item.line, value: Node::quoted(item.line, value) })
    };
    items.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::yaml;

    #[test]
    fn a_process_has_what_it_extends() {
        let text = "a: {command: x, environment: [A=1, B=1], availability: {restart: always, max_restarts: 2}}\n\
                    b: {extends: a, environment: [B=2], availability: {restart: 'no'}}\n\
                    c: {extends: b, command: y}\n\
                    d: {extends: e}\n\
                    e: {extends: d}\n\
                    f: {extends: none}\n";
        let tree = yaml::parse(text).unwrap();
        let all = resolved(tree.table().unwrap(), Inherit { parent: Node::text, replaced: &[] });
        let process = |name: &str| &all.iter().find(|entry| entry.key == name).unwrap().value;
        let c = process("c");
        assert_eq!(c.get("command").unwrap().text(), Some("y"));
        assert_eq!(c.get("environment").unwrap().texts().unwrap(), ["A=1", "B=1", "B=2"]);
        assert_eq!(c.get("availability").unwrap().get("max_restarts").unwrap().integer(), Some(2));
        assert_eq!(process("b").get("availability").unwrap().get("restart").unwrap().text(), Some("no"));
        for (name, extends) in [("c", None), ("d", Some("e")), ("f", Some("none"))] {
            assert_eq!(process(name).get("extends").and_then(Node::text), extends, "{name}");
        }
    }
    #[test]
    fn a_list_and_a_table_of_variables_are_one() {
        let text = "a: {command: [x, y], environment: [A=1, B=1]}\nb: {extends: {service: a}, command: [z], environment: {B: 2}}\n";
        let tree = yaml::parse(text).unwrap();
        let how = Inherit { parent: |node| node.get("service")?.text(), replaced: &["command"] };
        let all = resolved(tree.table().unwrap(), how);
        let b = &all[1].value;
        assert_eq!(b.get("command").unwrap().texts().unwrap(), ["z"]);
        let variables = b.get("environment").unwrap();
        assert_eq!(["A", "B"].map(|name| variables.get(name).unwrap().text().unwrap()), ["1", "2"]);
    }
}
