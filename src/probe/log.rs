//! `ready = { log = "listening on" }`: a line of output matches. The output thread matches the lines; here is what the kind
//! says of itself.

use regex::Regex;

use super::exec::shown;
use crate::model::ProbeSchema;

/// How the kind presents itself.
pub const SCHEMA: ProbeSchema = ProbeSchema {
    name: "log",
    value: "a regular expression",
    doc: "Ready when a line of the program's output matches.",
    params: &[],
    problem,
};

fn problem(pattern: &str) -> Option<String> {
    let error = Regex::new(pattern).err()?.to_string();
    Some(format!("not a regular expression: {}", last_line(&error)))
}

/// How a line that matched is told: `log "listening on 127.0.0.1:3101"`.
pub fn said(line: &str) -> String {
    format!("log \"{}\"", shown(line))
}

/// What is said as long as none has matched.
pub fn waiting(pattern: &str) -> String {
    format!("log: no line matches `{}` yet", shown(pattern))
}

/// The reason alone: the crate draws the expression above it, which our own message underlines.
fn last_line(message: &str) -> &str {
    let line = message.lines().last().unwrap_or(message);
    line.strip_prefix("error: ").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_expression_is_refused_with_its_reason() {
        assert_eq!(problem("ready (in"), Some("not a regular expression: unclosed group".to_owned()));
        assert_eq!(problem("ready in \\d+ms"), None);
    }

    #[test]
    fn the_line_that_matched_is_shown() {
        assert_eq!(said("  listening on 3101\r"), "log \"listening on 3101\"");
    }
}
