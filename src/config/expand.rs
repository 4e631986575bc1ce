//! Finds the `${…}` holes of a value. Nothing is filled in here: that happens when a process is spawned.
//!
//! A program may be called anything a file name may hold, a dot included, so a dotted reference is read from its first
//! `.port` or `.url` on.

use std::ops::Range;

use crate::model::template::{Part, ProgramFact};
use crate::model::{ProgramName, Template};

/// Which holes are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holes {
    /// Only `${program.port}` and its kin, as in `command`: everything else is left to the shell.
    Dotted,
    /// `${NAME}` too, as in `environment`, `directory` and `ready`. `$${` is a literal `${`.
    All,
}

/// A hole that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpandError {
    /// The bytes of the text that it concerns.
    pub range: Range<usize>,
    /// One sentence, lower case, no full stop.
    pub message: String,
}

/// Splits a value into text and holes. Every hole that is wrong is reported.
pub fn parse(text: &str, holes: Holes) -> Result<Template, Vec<ExpandError>> {
    let mut parts = Vec::new();
    let mut errors = Vec::new();
    let mut literal = String::new();
    let mut position = 0;
    while let Some(found) = text[position..].find('$') {
        let dollar = position + found;
        literal.push_str(&text[position..dollar]);
        let (end, piece) = match read(text, dollar, holes) {
            Ok(piece) => piece,
            Err(error) => {
                let end = error.range.end;
                errors.push(error);
                (end, Piece::Text(""))
            }
        };
        match piece {
            Piece::Text(text) => literal.push_str(text),
            Piece::Hole(part) => {
                push_text(&mut parts, &mut literal);
                parts.push(part);
            }
        }
        position = end;
    }
    literal.push_str(&text[position..]);
    push_text(&mut parts, &mut literal);
    if errors.is_empty() { Ok(Template { parts }) } else { Err(errors) }
}

/// What stands at a dollar sign.
enum Piece<'t> {
    Text(&'t str),
    Hole(Part),
}

/// Moves the text gathered so far into the parts.
fn push_text(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Text(std::mem::take(literal)));
    }
}

/// Reads what begins at a dollar sign; answers where it ends, too.
fn read(text: &str, dollar: usize, holes: Holes) -> Result<(usize, Piece<'_>), ExpandError> {
    let rest = &text[dollar..];
    let as_text = |length: usize| Ok((dollar + length, Piece::Text(&rest[..length])));
    if rest.starts_with("$$") {
        return match holes {
            Holes::All if rest.starts_with("$${") => Ok((dollar + 2, Piece::Text("$"))),
            Holes::All => as_text(1),
            // The shell's own pid, whatever follows it.
            Holes::Dotted => as_text(2),
        };
    }
    if !rest.starts_with("${") || (holes == Holes::Dotted && is_escaped(&text[..dollar])) {
        return as_text(1);
    }
    let Some(close) = rest.find('}') else {
        return match holes {
            Holes::Dotted => as_text(1),
            Holes::All => {
                Err(ExpandError { range: dollar..text.len(), message: "`${` is not closed by a `}`".to_owned() })
            }
        };
    };
    let end = dollar + close + 1;
    let inner = &rest[2..close];
    if let Some(part) = reference(inner) {
        return Ok((end, Piece::Hole(part)));
    }
    match holes {
        Holes::All if is_variable(inner) => Ok((end, Piece::Hole(Part::Variable(inner.to_owned())))),
        Holes::Dotted if !is_misspelt_reference(inner) => as_text(1),
        Holes::All | Holes::Dotted => Err(ExpandError { range: dollar..end, message: complaint(inner) }),
    }
}

/// Whether an odd number of backslashes stands at the end: what follows is the shell's plain text.
fn is_escaped(before: &str) -> bool {
    before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Reads `api.port`, `api.port.NAME`, `api.url`, `api.url.NAME`.
fn reference(inner: &str) -> Option<Part> {
    inner.match_indices('.').find_map(|(dot, _)| {
        let (program, fact) = (&inner[..dot], &inner[dot + 1..]);
        let (fact, port) = match fact.split_once('.') {
            Some((fact, port)) => (fact, Some(port)),
            None => (fact, None),
        };
        let port_name = port.map(ToOwned::to_owned);
        let fact = match fact {
            "port" => ProgramFact::Port(port_name),
            "url" => ProgramFact::Url(port_name),
            _ => return None,
        };
        (is_word(program) && port.is_none_or(|port| is_word(port) && !port.contains('.')))
            .then(|| Part::Program { program: ProgramName::new(program), fact })
    })
}

/// Whether the text can be the name of a program or a port.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
}

/// Whether the text can be the name of a variable. Env files may name some with a dash.
fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Whether this can only have been meant for us: no shell takes a dot in a name. With a dash before the dot it may be the
/// shell's `${NAME-default}`.
fn is_misspelt_reference(inner: &str) -> bool {
    is_word(inner) && inner.split_once('.').is_some_and(|(name, _)| !name.is_empty() && !name.contains('-'))
}

/// Says what is wrong with what stands between the braces.
fn complaint(inner: &str) -> String {
    if let Some((program, port)) = inner.split_once(".ports.").filter(|_| is_word(inner)) {
        return format!("`${{{inner}}}`: a named port is written `${{{program}.port.{port}}}`");
    }
    if let Some((name, _)) =
        inner.split_once(":-").or_else(|| inner.split_once('-')).filter(|(name, _)| is_variable(name))
    {
        return format!(
            "`${{{inner}}}`: there are no defaults here; set {name} in .env or in [environment] and write `${{{name}}}`"
        );
    }
    match inner.rsplit_once('.') {
        None if inner.is_empty() => "`${}` names nothing".to_owned(),
        Some((program, fact)) if is_word(inner) && !program.is_empty() => format!(
            "`${{{inner}}}`: `{fact}` cannot be asked of a program; write `${{{program}.port}}`, \
             `${{{program}.port.NAME}}` or `${{{program}.url}}`"
        ),
        Some(_) | None => {
            format!("`${{{inner}}}`: only a name may stand between the braces, as in `${{NAME}}` or `${{api.port}}`")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn variable(name: &str) -> Part {
        Part::Variable(name.to_owned())
    }

    fn program(name: &str, fact: ProgramFact) -> Part {
        Part::Program { program: name.into(), fact }
    }

    fn parts(text: &str, holes: Holes) -> Vec<Part> {
        parse(text, holes).unwrap().parts
    }

    #[test]
    fn variables_and_facts_about_programs_are_holes() {
        assert_eq!(
            parts("postgres://127.0.0.1:${db.port}/${NAME}?u=${api.url}", Holes::All),
            [
                text("postgres://127.0.0.1:"),
                program("db", ProgramFact::Port(None)),
                text("/"),
                variable("NAME"),
                text("?u="),
                program("api", ProgramFact::Url(None)),
            ]
        );
    }

    #[test]
    fn ports_have_names() {
        assert_eq!(parts("${api.port.http}", Holes::All), [program("api", ProgramFact::Port(Some("http".to_owned())))]);
        assert_eq!(parts("${api.url.admin}", Holes::All), [program("api", ProgramFact::Url(Some("admin".to_owned())))]);
    }

    #[test]
    fn a_program_may_have_dots_and_dashes_in_its_name() {
        assert_eq!(parts("${my-api.v2.port}", Holes::Dotted), [program("my-api.v2", ProgramFact::Port(None))]);
    }

    #[test]
    fn a_dollar_without_a_brace_is_text() {
        for plain in ["$NAME", "costs 5$", "$$", "$", "a$b$$c", "", "}{"] {
            assert_eq!(parse(plain, Holes::All).unwrap().as_literal(), Some(plain), "{plain}");
        }
    }

    #[test]
    fn two_dollars_before_a_brace_are_one() {
        assert_eq!(parts("$${NAME} $$NAME", Holes::All), [text("${NAME} $$NAME")]);
    }

    #[test]
    fn a_command_leaves_to_the_shell_what_is_the_shells() {
        for shell in [
            "a $PORT ${PORT} ${X:-a.b} ${X%.txt} ${X-www.example.org}",
            "echo $$ $${api.port} \\${api.port} ${",
            "a ${} ${#} ${x",
        ] {
            assert_eq!(parse(shell, Holes::Dotted).unwrap().as_literal(), Some(shell), "{shell}");
        }
        assert_eq!(
            parts("x -p ${db.port} $PORT \\\\${db.port}", Holes::Dotted),
            [
                text("x -p "),
                program("db", ProgramFact::Port(None)),
                text(" $PORT \\\\"),
                program("db", ProgramFact::Port(None))
            ]
        );
    }

    #[test]
    fn what_cannot_be_meant_for_the_shell_is_an_error_in_a_command_too() {
        let errors = parse("run ${api.prot}", Holes::Dotted).unwrap_err();
        assert_eq!(errors[0].range, 4..15);
        assert_eq!(
            errors[0].message,
            "`${api.prot}`: `prot` cannot be asked of a program; write `${api.port}`, `${api.port.NAME}` or `${api.url}`"
        );
    }

    #[test]
    fn a_named_port_asked_for_in_the_plural_is_set_right() {
        let errors = parse("${api.ports.debug} ${ X }", Holes::All).unwrap_err();
        assert_eq!(errors[0].message, "`${api.ports.debug}`: a named port is written `${api.port.debug}`");
        assert!(errors[1].message.contains("only a name may stand"), "{}", errors[1]);
    }

    #[test]
    fn every_bad_hole_is_reported_with_its_place() {
        let errors = parse("${} ${A} ${X:-1} ${open", Holes::All).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.range.clone()).collect::<Vec<_>>(), [0..3, 9..16, 17..23]);
        assert_eq!(errors[0].message, "`${}` names nothing");
        assert!(errors[1].message.contains("there are no defaults here; set X"), "{}", errors[1]);
        assert_eq!(errors[2].message, "`${` is not closed by a `}`");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[${}a-c.port\\\\ é]{0,40}", all in any::<bool>()) {
            let holes = if all { Holes::All } else { Holes::Dotted };
            if let Err(errors) = parse(&text, holes) {
                for error in errors {
                    prop_assert!(text.get(error.range).is_some());
                }
            }
        }

        #[test]
        fn a_command_is_shown_as_it_was_written(text in "[${}a-c.port\\\\ é]{0,40}") {
            if let Ok(template) = parse(&text, Holes::Dotted) {
                prop_assert_eq!(template.to_string(), text);
            }
        }
    }
}
