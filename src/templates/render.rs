//! A template and values for its variables to a run.toml.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use crate::config::suggest;
use crate::import::emit::{SCHEMA_LINE, escaped};
use crate::model::{Diagnostic, Diagnostics, Span};
use crate::templates::header::{Template, Variable};

/// Steps that a template may take: enough for any config, and an end for a loop that has none.
const FUEL: u64 = 1_000_000;

/// Fills a template in. `directory` is the name of the directory that the run.toml is for, which defaults can name. Everything that
/// is wrong comes back at once.
pub fn render(template: &Template, directory: &str, given: &[(String, String)]) -> Result<String, Diagnostics> {
    let mut problems = unknown(template, given);
    let mut values = BTreeMap::from([("directory".to_owned(), directory.to_owned())]);
    for variable in &template.variables {
        match value(template, variable, given, &values) {
            Ok(value) => drop(values.insert(variable.name.clone(), value)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        match fill(&template.source.text[template.body..], &values, Strings::Escaped) {
            Ok(text) => return Ok(with_schema(&text)),
            Err(error) => problems.push(complaint(template, &error, &values)),
        }
    }
    Err(Diagnostics { sources: vec![template.source.clone()], list: problems })
}

/// Names that were given and are no variables.
fn unknown(template: &Template, given: &[(String, String)]) -> Vec<Diagnostic> {
    let names = || template.variables.iter().map(|variable| variable.name.as_str());
    let is_unknown = |(name, _): &&(String, String)| !names().any(|known| known == name);
    let problem = |(name, _): &(String, String)| {
        let problem = Diagnostic::error("unknown-variable", format!("{} has no variable `{name}`", template.name));
        let there: Vec<&str> = names().collect();
        problem.help(match suggest::did_you_mean(name, names()) {
            Some(hint) => hint,
            None if there.is_empty() => "it has none".to_owned(),
            None => format!("it has {}", there.join(", ")),
        })
    };
    given.iter().filter(is_unknown).map(problem).collect()
}

/// What a variable is: the last that was given, else its default.
fn value(
    template: &Template,
    variable: &Variable,
    given: &[(String, String)],
    earlier: &BTreeMap<String, String>,
) -> Result<String, Diagnostic> {
    let name = &variable.name;
    let said = given.iter().rev().find(|(there, _)| there == name).map(|(_, value)| value.clone());
    let value = match (said, &variable.default) {
        (Some(value), _) => value,
        (None, Some(default)) => fill(default, earlier, Strings::Plain).map_err(|error| {
            let problem =
                Diagnostic::error("template", format!("the default of `{name}` cannot be made: {}", said_by(&error)));
            problem.at(variable.span, "")
        })?,
        (None, None) => {
            let problem =
                Diagnostic::error("missing-variable", format!("{} needs a value for `{name}`", template.name));
            return Err(problem
                .at(variable.span, variable.doc.clone())
                .help(format!("run init --template {} --set {name}=…", template.name)));
        }
    };
    if variable.choices.is_empty() || variable.choices.contains(&value) {
        return Ok(value);
    }
    let problem = Diagnostic::error("wrong-value", format!("`{name}` cannot be `{value}`"));
    let problem = problem.at(variable.span, format!("it is one of {}", variable.choices.join(", ")));
    Err(match suggest::did_you_mean(&value, variable.choices.iter().map(String::as_str)) {
        Some(hint) => problem.help(hint),
        None => problem,
    })
}

/// How values are put in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strings {
    /// As they are.
    Plain,
    /// As the content of a TOML string.
    Escaped,
}

fn fill(text: &str, values: &BTreeMap<String, String>, strings: Strings) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    if strings == Strings::Escaped {
        environment.set_formatter(|out, _state, value| {
            let text = value.to_string();
            out.write_str(&if value.is_safe() { text } else { escaped(&text) }).map_err(Into::into)
        });
    }
    environment.render_str(text, values)
}

/// What the template engine says, on one line.
fn said_by(error: &minijinja::Error) -> String {
    let detail = error.detail().unwrap_or_default();
    if detail.is_empty() { error.kind().to_string() } else { format!("{}: {detail}", error.kind()) }
}

/// A mistake in the template, with its line.
fn complaint(template: &Template, error: &minijinja::Error, values: &BTreeMap<String, String>) -> Diagnostic {
    let body = &template.source.text[template.body..];
    let place = error.range().filter(|range| range.end <= body.len()).unwrap_or_else(|| line(body, error.line()));
    let span = Span::new(0, template.body + place.start..template.body + place.end);
    if error.kind() != ErrorKind::UndefinedError {
        return Diagnostic::error("template", format!("the template cannot be filled in: {}", said_by(error)))
            .at(span, "");
    }
    let text = &template.source.text[span.start..span.end];
    let word: String = text.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let problem = Diagnostic::error("unknown-variable", "the template names a variable that it does not have");
    let problem = problem.at(span, suggest::did_you_mean(&word, values.keys().map(String::as_str)).unwrap_or_default());
    problem.help("a variable is named in the head: [[variable]] name = \"…\"")
}

/// The place of a line.
fn line(text: &str, number: Option<usize>) -> std::ops::Range<usize> {
    let before = number.unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    start..end
}

/// The first line tells editors the schema.
fn with_schema(text: &str) -> String {
    let text = text.trim_start_matches('\n');
    if text.starts_with("#:schema") { text.to_owned() } else { format!("{SCHEMA_LINE}\n{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceFile;
    use crate::templates::header;

    fn template(head: &str, body: &str) -> Template {
        let text = format!("+++\n{head}\n+++\n{body}");
        header::parse("shop", SourceFile { name: "shop.toml".into(), text }).unwrap()
    }

    fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const HEAD: &str = r#"
[[variable]]
name = "project"
default = "{{ directory }}"
[[variable]]
name = "customer"
doc = "Whose it is."
[[variable]]
name = "size"
default = "small"
choices = ["small", "large"]"#;

    fn said(problems: &Diagnostics) -> Vec<String> {
        problems
            .list
            .iter()
            .map(|problem| format!("{}: {} {}", problem.code, problem.message, problem.help.join(" ")))
            .collect()
    }

    #[test]
    fn values_are_filled_in_and_cannot_leave_their_string() {
        let template = template(
            HEAD,
            "name = \"{{ project }}-{{ customer }}\"\n{% if size == \"large\" %}\nbig = 1\n{% endif %}\n",
        );
        let text = |pairs| render(&template, "shop", &given(pairs)).unwrap().split_once('\n').unwrap().1.to_owned();
        assert_eq!(text(&[("customer", "a\"b\nc")]), "name = \"shop-a\\\"b\\nc\"\n");
        assert_eq!(text(&[("customer", "x"), ("size", "large")]), "name = \"shop-x\"\nbig = 1\n");
    }

    #[test]
    fn everything_that_is_wrong_with_the_values_is_told_at_once() {
        let template = template(HEAD, "name = \"x\"\n");
        let problems = render(&template, "shop", &given(&[("custmer", "x"), ("size", "larg")])).unwrap_err();
        assert_eq!(
            said(&problems),
            [
                "unknown-variable: shop has no variable `custmer` did you mean `customer`?",
                "missing-variable: shop needs a value for `customer` run init --template shop --set customer=…",
                "wrong-value: `size` cannot be `larg` did you mean `large`?",
            ]
        );
        assert_eq!(problems.list[1].labels[0].text, "Whose it is.");
    }

    #[test]
    fn a_mistake_in_the_template_has_its_place() {
        let misspelt = template("", "a = 1\nname = \"{{ projct }}\"\n");
        let problems = render(&misspelt, "shop", &[]).unwrap_err();
        assert_eq!(problems.list[0].code, "unknown-variable");
        let span = problems.list[0].labels[0].span;
        assert_eq!(misspelt.source.position(span.start).0, 5, "{problems:?}");
        let broken = template("", "{% if %}\n");
        assert!(
            said(&render(&broken, "x", &[]).unwrap_err())[0].starts_with("template: the template cannot be filled in")
        );
    }

    #[test]
    fn a_loop_without_end_ends() {
        let endless = template("", "{% for a in range(9000) %}{% for b in range(9000) %}x{% endfor %}{% endfor %}");
        assert!(render(&endless, "x", &[]).is_err());
    }
}
