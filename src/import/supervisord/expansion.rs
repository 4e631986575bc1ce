//! What takes the place of supervisord's `%(…)s` in a run.toml.

use crate::import::holes;

/// A path that begins with `%(here)s` is one from the project's root.
pub(super) fn from_here(path: &str) -> &str {
    path.strip_prefix("%(here)s").map_or(path, |rest| rest.trim_start_matches('/'))
}

/// A value with its expansions, all of which run.toml has to have.
pub(super) fn checked(value: &str, program: &str, is_template: bool) -> Result<String, &'static str> {
    let place = if is_template { Place::Template } else { Place::Text };
    let text = expanded(value, program, place).text;
    if text.contains("%(") { Err("it has an expansion that run.toml does not have") } else { Ok(text) }
}

/// Where an expansion stands, and so what can take its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A word of a command: the shell fills its holes.
    Command,
    /// A value in which run.toml fills holes.
    Template,
    /// A value without holes.
    Text,
}

pub(super) struct Expanded {
    pub(super) text: String,
    /// A hole is in it that the shell has to fill; then it can stand between double quotes.
    pub(super) needs_shell: bool,
}

/// `%(ENV_X)s` as `${X}`, `%(program_name)s` as the name, `%(process_num)d` as `${RUN_INSTANCE}`; `%%` as `%`. What has no like stays.
pub(super) fn expanded(value: &str, program: &str, place: Place) -> Expanded {
    let mut out = Expanded { text: String::new(), needs_shell: false };
    let mut plain = String::new();
    let mut rest = value;
    let mut pieces: Vec<(String, bool)> = Vec::new();
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some((known, is_hole, behind)) = expansion(after, program, place) {
            if is_hole {
                pieces.push((std::mem::take(&mut plain), false));
                pieces.push((known, true));
                out.needs_shell = place == Place::Command;
            } else {
                plain.push_str(&known);
            }
            rest = behind;
        } else {
            plain.push('%');
            rest = after;
        }
    }
    plain.push_str(rest);
    pieces.push((plain, false));
    for (text, is_hole) in pieces {
        let text = match place {
            _ if is_hole => text,
            Place::Template => holes::literal(&text),
            Place::Command if out.needs_shell => escaped(&text),
            Place::Command | Place::Text => text,
        };
        out.text.push_str(&text);
    }
    out
}

/// A text between double quotes of the shell.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "$`\"\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// What stands behind a `%`: what takes its place, whether that is a hole, and what follows.
fn expansion<'t>(after: &'t str, program: &str, place: Place) -> Option<(String, bool, &'t str)> {
    if let Some(behind) = after.strip_prefix('%') {
        return Some(("%".to_owned(), false, behind));
    }
    let (name, behind) = after.strip_prefix('(')?.split_once(')')?;
    let digits = behind.chars().take_while(char::is_ascii_digit).count();
    let (format, behind) = (&behind[..digits], behind[digits..].get(1..)?);
    let (text, is_hole) = match name {
        "program_name" | "group_name" => (program.to_owned(), false),
        "here" => (".".to_owned(), false),
        "process_num" if place == Place::Text => return None,
        "process_num" if matches!(format, "" | "1" | "01") => ("${RUN_INSTANCE}".to_owned(), true),
        "process_num" if place == Place::Command => (format!("$(printf %{format}d $RUN_INSTANCE)"), true),
        _ if place == Place::Text => return None,
        _ => (format!("${{{}}}", name.strip_prefix("ENV_")?), true),
    };
    Some((text, is_hole, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_become_holes() {
        let text = |value: &str| expanded(value, "web", Place::Template).text;
        assert_eq!(text("%(ENV_HOME)s/%(program_name)s-%(process_num)01d 100%%"), "${HOME}/web-${RUN_INSTANCE} 100%");
        assert_eq!(text("${A}"), "$${A}");
        assert_eq!(text("%(host_node_name)s"), "%(host_node_name)s");
    }
}
