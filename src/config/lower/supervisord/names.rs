//! The names that `%(…)s` can stand for, and what is told when one cannot.

use crate::config::lower::supervisord::expansion::{ExpandErrorKind, Expansions, expand};
use crate::config::place::within;
use crate::config::request::Request;
use crate::config::suggest;
use crate::model::{Diagnostic, SourceFile, Span};

/// What this machine calls itself.
pub const HOST: &str = "host_node_name";

/// What stands in every value: the directory of the main file, and the environment at the start.
pub fn at_start(request: &Request) -> Expansions {
    let mut names = Expansions::default();
    names.variables(request.shell.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    names.text("here", request.root.to_string_lossy());
    names
}

/// Expands a value; what cannot be is a mistake with its place.
pub fn expanded(
    option: &str,
    text: &str,
    span: Span,
    names: &Expansions,
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) -> Option<String> {
    let error = match expand(text, names) {
        Ok(expanded) => return Some(expanded),
        Err(error) => error,
    };
    let part = text.get(error.range.clone()).unwrap_or_default();
    let problem = Diagnostic::error("bad-expansion", format!("`{option}`: {}", error.kind));
    let problem = problem.at(within(sources, span, part), "here");
    problems.push(match &error.kind {
        ExpandErrorKind::Unknown(name) => problem.help(known(name, names)),
        ExpandErrorKind::Lone => problem.help("write %% for a percent sign"),
        ExpandErrorKind::Open | ExpandErrorKind::NoConversion | ExpandErrorKind::Conversion(_) => {
            problem.help("expected %(name)s, or %(process_num)02d for a number")
        }
    });
    None
}

/// What may have been meant, or what there is.
fn known(name: &str, names: &Expansions) -> String {
    if let Some(question) = suggest::did_you_mean(name, names.names()) {
        return question;
    }
    if let Some(variable) = name.strip_prefix("ENV_") {
        return format!("{variable} is not set in the environment, and not in [supervisord] environment");
    }
    let own: Vec<String> =
        names.names().filter(|name| !name.starts_with("ENV_")).map(|name| format!("%({name})s")).collect();
    format!("there are {} and %(ENV_X)s", suggest::list(&own, "and").replace(" and ", ", "))
}
