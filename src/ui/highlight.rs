//! TOML in colours: comments faint, sections and keys told apart.

use owo_colors::OwoColorize;

/// The text as it is, with colours where they are wanted.
pub fn toml(text: &str, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    let mut is_block = false;
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(&self::line(line, &mut is_block));
        out.push('\n');
    }
    out
}

/// One line. `is_block`: it stands inside of a text of several lines.
fn line(line: &str, is_block: &mut bool) -> String {
    let was_block = *is_block;
    if line.matches("'''").count() % 2 == 1 || line.matches("\"\"\"").count() % 2 == 1 {
        *is_block = !*is_block;
    }
    if was_block {
        return line.to_owned();
    }
    let (code, comment) = line.split_at(comment(line));
    let comment = if comment.is_empty() { String::new() } else { comment.dimmed().to_string() };
    if code.trim_start().starts_with('[') && !code.contains('=') {
        return format!("{}{comment}", code.cyan().bold());
    }
    match code.split_once('=') {
        Some((key, value)) if !key.contains(['"', '\'', '{', '[']) => format!("{}={value}{comment}", key.blue()),
        _ => format!("{code}{comment}"),
    }
}

/// Where the comment of a line begins; its end, where it has none.
fn comment(line: &str) -> usize {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some('"'), '\\') if !is_escaped => {
                is_escaped = true;
                continue;
            }
            (Some(open), c) if open == c && !is_escaped => quote = None,
            _ => {}
        }
        is_escaped = false;
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_it_is_the_text() {
        let text = "# c\n[a]\nb = \"#\" # d\n";
        assert_eq!(toml(text, false), text);
        let coloured = toml(text, true);
        let plain: Vec<String> = coloured.lines().map(|line| crate::codec::ansi::to_text(line.as_bytes())).collect();
        assert_ne!(coloured, text);
        assert_eq!(plain, text.lines().collect::<Vec<_>>());
    }

    #[test]
    fn a_comment_begins_outside_of_quotes() {
        for (line, at) in [("a = \"#\" # x", 8), ("# x", 0), ("a = '\"#'", 8), (r##"a = "\"#" #"##, 10)] {
            assert_eq!(comment(line), at, "{line}");
        }
    }
}
