//! Hooks that would show the name of a variable instead of its value: sh fills in nothing between single quotes.

use crate::config::lower::Lowered;
use crate::model::Diagnostic;

/// Warns of each.
pub fn check(lowered: &Lowered, problems: &mut Vec<Diagnostic>) {
    for (program, places) in super::programs(lowered) {
        let Some(name) = program.on_crash.as_deref().and_then(quoted_variable) else { continue };
        let span = places.values.get("on_crash").copied().unwrap_or(places.name);
        let problem = Diagnostic::warning("quoted-variable", format!("on_crash of {} says `${name}`", program.name));
        let problem = problem.at(span, "sh fills in nothing between single quotes");
        problems.push(problem.help(format!("put double quotes around ${name}")));
    }
}

/// The first variable of ours between single quotes. What goes to another shell (`sh -c '…'`) is filled in there.
fn quoted_variable(command: &str) -> Option<&str> {
    if command.contains(" -c ") {
        return None;
    }
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in command.char_indices() {
        let is_escaped = before == '\\' && quote != Some('\'');
        before = if is_escaped { ' ' } else { c };
        match (c, quote) {
            (_, _) if is_escaped => {}
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('$', Some('\'')) if command[at..].starts_with("$RUN_") => {
                let rest = &command[at + 1..];
                let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
                return Some(&rest[..end]);
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_between_single_quotes_is_seen() {
        assert_eq!(quoted_variable("notify-send '$RUN_PROGRAM crashed'"), Some("RUN_PROGRAM"));
        assert_eq!(quoted_variable("echo \"it's\" '$RUN_EXIT'"), Some("RUN_EXIT"));
        for fine in [
            "notify-send \"$RUN_PROGRAM crashed\"",
            "sh -c 'echo $RUN_PROGRAM'",
            "echo \"it's $RUN_EXIT\"",
            "echo it\\'s $RUN_EXIT",
            "echo '$HOME'",
        ] {
            assert_eq!(quoted_variable(fine), None, "{fine}");
        }
    }
}
