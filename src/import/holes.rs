//! `$NAME` and its kin in the values of other tools, written as run.toml has them: `${NAME}`, and `$${` for a plain `${`.

use crate::model::Grow;

/// A text in which a dollar sign means nothing.
pub fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// A value in the notation of docker compose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// As run.toml has it.
    pub text: String,
    /// Holes that were filled with their default, or that have no like here.
    pub settled: Vec<String>,
}

/// Reads `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$`. Where there is a default it is written down.
pub fn interpolated(text: &str) -> Filled {
    let mut filled = Filled { text: String::new(), settled: Vec::new() };
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        filled.text.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(after) = after.strip_prefix('$') {
            filled.text.push_str(if after.starts_with('{') { "$$" } else { "$" });
            rest = after;
        } else if let Some(end) = after.strip_prefix('{').and_then(closing) {
            hole(&after[1..=end], &mut filled);
            rest = &after[end + 2..];
        } else {
            let name: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let plain = match name.chars().next() {
                Some(first) if !first.is_ascii_digit() => format!("${{{name}}}"),
                None if after.starts_with('{') => "$$".to_owned(),
                Some(_) | None => format!("${name}"),
            };
            filled.text.push_str(&plain);
            rest = &after[name.len()..];
        }
    }
    filled.text.push_str(rest);
    filled
}

/// Where the brace that is open at the start of the text is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// How many bytes behind a dollar sign belong to its hole: a name, or what stands in braces; 0 where there is none.
pub fn length(after: &str) -> usize {
    if let Some(end) = after.strip_prefix('{').and_then(closing) {
        return end + 2;
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = after.starts_with(|c: char| is_name(c) && !c.is_ascii_digit());
    if starts { after.find(|c| !is_name(c)).unwrap_or(after.len()) } else { 0 }
}

fn hole(inner: &str, filled: &mut Filled) {
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (name, operator) = inner.split_at(end);
    let operator = operator.strip_prefix(':').unwrap_or(operator);
    match (operator.get(..1), operator.get(1..)) {
        (None | Some("?"), _) if !name.is_empty() => filled.text.put(format_args!("${{{name}}}")),
        (Some("-"), Some(default)) if !name.is_empty() => {
            filled.settled.push(format!("${{{inner}}}"));
            let default = interpolated(default);
            filled.text.push_str(&default.text);
            filled.settled.extend(default.settled);
        }
        _ => {
            filled.settled.push(format!("${{{inner}}}"));
            filled.text.push_str(&literal(&format!("${{{inner}}}")));
        }
    }
}

/// A command of docker compose or process-compose for a shell: two dollar signs are one.
pub fn for_shell(text: &str) -> String {
    text.replace("$$", "$")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: &str) -> String {
        interpolated(value).text
    }

    #[test]
    fn names_get_their_braces() {
        assert_eq!(text("a $B/${C}:$"), "a ${B}/${C}:$");
        assert_eq!(text("${A:?must be set} ${B?}"), "${A} ${B}");
        assert_eq!(text("$$HOME $${A} $5"), "$HOME $${A} $5");
    }

    #[test]
    fn defaults_are_written_down_and_named() {
        let filled = interpolated("x:${PORT:-${ALT-80}}/${N:+n}");
        assert_eq!(filled.text, "x:80/$${N:+n}");
        assert_eq!(filled.settled, ["${PORT:-${ALT-80}}", "${ALT-80}", "${N:+n}"]);
    }

    proptest! {
        #[test]
        fn whatever_comes_out_can_be_read(value in "[${}:?a-cA ]{0,20}") {
            let text = text(&value);
            let template = crate::config::expand::parse(&text, crate::config::expand::Holes::All);
            prop_assert!(template.is_ok(), "{}", text);
        }

        #[test]
        fn a_literal_comes_back(value in "[${}a ]{0,20}") {
            let template = crate::config::expand::parse(&literal(&value), crate::config::expand::Holes::All).unwrap();
            prop_assert_eq!(template.as_literal(), Some(value.as_str()));
        }
    }
}
