//! The head of a template: what it is, and its variables.

use serde::Deserialize;

use crate::model::{Diagnostic, Diagnostics, SourceFile, Span};

/// The line before and after the head.
const FENCE: &str = "+++";

/// A template, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// As `--template` names it.
    pub name: String,
    /// What it is, in a sentence.
    pub doc: String,
    /// In the order of the head.
    pub variables: Vec<Variable>,
    /// The whole text, for messages.
    pub source: SourceFile,
    /// Where the run.toml begins in it.
    pub body: usize,
}

/// A variable of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// As `--set` names it.
    pub name: String,
    /// What it is, in a sentence.
    pub doc: String,
    /// What holds when nothing is said, itself with holes; `None`: it has to be said.
    pub default: Option<String>,
    /// The values it can have; none: any.
    pub choices: Vec<String>,
    /// The place of its name.
    pub span: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(default)]
    doc: String,
    #[serde(default)]
    variable: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: toml::Spanned<String>,
    #[serde(default)]
    doc: String,
    default: Option<String>,
    #[serde(default)]
    choices: Vec<String>,
}

/// Reads the head of a template. A text without one is a template without variables.
pub fn parse(name: &str, source: SourceFile) -> Result<Template, Diagnostics> {
    let Some((head, at, body)) = split(&source.text) else {
        let (doc, variables) = (String::new(), Vec::new());
        return Ok(Template { name: name.to_owned(), doc, variables, source, body: 0 });
    };
    match toml::from_str::<Head>(head) {
        Ok(head) => {
            let variables = head.variable.into_iter().map(|entry| variable(entry, at));
            Ok(Template { name: name.to_owned(), doc: head.doc, variables: variables.collect(), body, source })
        }
        Err(error) => {
            let place = error.span().unwrap_or(0..0);
            let span = Span::new(0, at + place.start..at + place.end);
            let problem =
                Diagnostic::error("template", format!("the head of the template is wrong: {}", error.message()));
            let problem = problem.at(span, "").help(
                "the head has `doc` and for each variable [[variable]] with `name`, `doc`, `default` and `choices`",
            );
            Err(Diagnostics { sources: vec![source], list: vec![problem] })
        }
    }
}

fn variable(entry: Entry, at: usize) -> Variable {
    let span = entry.name.span();
    Variable {
        span: Span::new(0, at + span.start..at + span.end),
        name: entry.name.into_inner(),
        doc: entry.doc,
        default: entry.default,
        choices: entry.choices,
    }
}

/// The head, where it begins, and where the rest begins.
fn split(text: &str) -> Option<(&str, usize, usize)> {
    let at = text.strip_prefix(FENCE)?.find('\n')? + FENCE.len() + 1;
    let end = text[at..].find(&format!("\n{FENCE}"))? + at + 1;
    let body = text[end..].find('\n').map_or(text.len(), |line| end + line + 1);
    Some((&text[at..end], at, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceFile {
        SourceFile { name: "t.toml".into(), text: text.into() }
    }

    #[test]
    fn variables_have_their_places_in_the_whole_text() {
        let text = "+++\ndoc = \"A.\"\n[[variable]]\nname = \"project\"\n+++\nname = \"{{ project }}\"\n";
        let template = parse("t", source(text)).unwrap();
        let span = template.variables[0].span;
        assert_eq!(&text[span.start..span.end], "\"project\"");
        assert_eq!(&text[template.body..], "name = \"{{ project }}\"\n");
    }

    #[test]
    fn a_text_without_a_head_is_all_body() {
        let template = parse("t", source("[program.web]\n")).unwrap();
        assert_eq!((template.body, template.variables.len()), (0, 0));
    }

    #[test]
    fn a_wrong_head_is_shown_with_its_place() {
        let problems = parse("t", source("+++\ndco = \"A\"\n+++\n")).unwrap_err();
        assert!(problems.list[0].message.contains("unknown field `dco`"), "{:?}", problems.list);
        assert_eq!(problems.list[0].labels[0].span.start, 4);
    }
}
