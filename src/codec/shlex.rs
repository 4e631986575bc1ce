//! Words and pairs as Python's `shlex` cuts them, because supervisord does (supervisor `process.py` `get_execv_args`,
//! `datatypes.py` `dict_of_key_value_pairs`; Python's own `shlex.py` `read_token`).

use std::iter::Peekable;
use std::str::Chars;

/// A text that cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShlexError {
    /// A quote is open at the end.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A backslash is the last character.
    #[error("nothing follows the backslash at the end")]
    OpenEscape,
    /// `environment` that is not `KEY=value,KEY=value`.
    #[error("expected KEY=value pairs with commas between them")]
    NotPairs,
}

/// White space between words: not all that Unicode calls so.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Cuts a command into words: `shlex.split`. Quotes and backslashes as in a shell, nothing else is special, `#` neither.
pub fn split(text: &str) -> Result<Vec<String>, ShlexError> {
    let mut words = Vec::new();
    let mut chars = text.chars();
    let mut word: Option<String> = None;
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(chars.next().ok_or(ShlexError::OpenEscape)?),
            _ if is_blank(c) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Reads up to the closing quote. Inside of double quotes a backslash escapes itself and the quote.
fn quoted(quote: char, chars: &mut Chars<'_>, word: &mut String) -> Result<(), ShlexError> {
    loop {
        match chars.next().ok_or(ShlexError::OpenQuote)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match chars.next().ok_or(ShlexError::OpenEscape)? {
                escaped @ ('"' | '\\') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            c => word.push(c),
        }
    }
}

/// Reads `environment=`: `A="1",B=2`. The last of two equal keys wins; the place of the first stays.
///
/// A value without quotes holds letters and digits of ASCII, `_` and `/.+-():`, anything else needs quotes. What separates the pairs is
/// not looked at, as there.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, ShlexError> {
    cut(text, is_word)
}

/// Reads `environment=` before its `%(…)s` are expanded, as supervisord does it first: they belong to the words that they stand in.
pub fn unexpanded_pairs(text: &str) -> Result<Vec<(String, String)>, ShlexError> {
    cut(text, |c| is_word(c) || c == '%')
}

fn cut(text: &str, is_word: fn(char) -> bool) -> Result<Vec<(String, String)>, ShlexError> {
    let tokens = tokens(text, is_word)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    for group in tokens.chunks(4) {
        let [key, sign, value, ..] = group else { return Err(ShlexError::NotPairs) };
        if sign != "=" {
            return Err(ShlexError::NotPairs);
        }
        let value = value.trim_matches(['\'', '"']).to_owned();
        match pairs.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => *known = value,
            None => pairs.push((key.clone(), value)),
        }
    }
    Ok(pairs)
}

/// The characters of a word without quotes.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c)
}

/// Cuts as `shlex.shlex(text)` with supervisor's word characters does: words, quoted texts with their quotes, single signs.
fn tokens(text: &str, is_word: fn(char) -> bool) -> Result<Vec<String>, ShlexError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '#' => skip_line(&mut chars),
            '\'' | '"' => tokens.push(quoted_token(c, &mut chars)?),
            _ if is_blank(c) => {}
            _ if is_word(c) => tokens.push(word_token(c, &mut chars, is_word)),
            _ => tokens.push(c.to_string()),
        }
    }
    Ok(tokens)
}

/// A quoted text, quotes and all.
fn quoted_token(quote: char, chars: &mut Peekable<Chars<'_>>) -> Result<String, ShlexError> {
    let mut token = String::from(quote);
    loop {
        let c = chars.next().ok_or(ShlexError::OpenQuote)?;
        token.push(c);
        if c == quote {
            return Ok(token);
        }
    }
}

/// A word. A quote in its middle is a character like others, and a comment does not end it: it goes on in the next line.
fn word_token(first: char, chars: &mut Peekable<Chars<'_>>, is_word: fn(char) -> bool) -> String {
    let mut token = String::from(first);
    while let Some(c) = chars.next_if(|c| is_word(*c) || matches!(c, '\'' | '"' | '#')) {
        if c == '#' { skip_line(chars) } else { token.push(c) }
    }
    token
}

fn skip_line(chars: &mut Peekable<Chars<'_>>) {
    chars.find(|c| *c == '\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hash_in_a_command_is_no_comment() {
        assert_eq!(split("a # 'b c' \"d\\\"e\" f\\ g").unwrap(), ["a", "#", "b c", "d\"e", "f g"]);
        assert_eq!(split("'"), Err(ShlexError::OpenQuote));
        assert_eq!(split("a\\"), Err(ShlexError::OpenEscape));
    }

    #[test]
    fn commas_need_quotes_and_paths_do_not() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("A=\"1,2\",PATH=/usr/bin:/bin,\n B='x y'").unwrap(),
            [pair("A", "1,2"), pair("PATH", "/usr/bin:/bin"), pair("B", "x y")]
        );
        assert_eq!(pairs("A=a@b"), Err(ShlexError::NotPairs));
    }

    #[test]
    fn what_is_expanded_later_is_part_of_its_word() {
        let cut = unexpanded_pairs("A=%(ENV_HOME)s/.cache, B=%(process_num)02d,C=\"%(here)s\"").unwrap();
        let values: Vec<&str> = cut.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["%(ENV_HOME)s/.cache", "%(process_num)02d", "%(here)s"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[ab'\"\\\\#=,\n ]){0,40}") {
            let _ = split(&text);
            let _ = pairs(&text);
            let _ = unexpanded_pairs(&text);
        }

        #[test]
        fn quoted_words_come_back(words in proptest::collection::vec("[^'\0]{0,8}", 0..5)) {
            let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            prop_assert_eq!(split(&line.join(" ")).unwrap(), words);
        }
    }
}
