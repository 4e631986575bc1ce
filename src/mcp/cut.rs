//! Cuts what is too long for one reply: texts at the ends of lines and characters, values at the entries of their list.

use serde_json::Value;

/// Which end of a text is worth more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The beginning.
    Front,
    /// The end.
    Back,
}

/// As many whole lines as fit into so many bytes; of a single line that does not fit, as many characters.
pub(super) fn text(text: &str, most: usize, keep: Keep) -> &str {
    if text.len() <= most {
        return text;
    }
    match keep {
        Keep::Front => {
            let end = text.floor_char_boundary(most);
            text[..end].rfind('\n').map_or(&text[..end], |at| &text[..=at])
        }
        Keep::Back => {
            let start = text.ceil_char_boundary(text.len() - most);
            let is_whole = text[..start].ends_with('\n');
            let line = text[start..].find('\n').map(|at| start + at + 1).filter(|at| !is_whole && *at < text.len());
            &text[line.unwrap_or(start)..]
        }
    }
}

/// What was taken out of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shortened {
    /// So many of the entries.
    pub(super) out: usize,
    /// How many there were.
    pub(super) of: usize,
}

/// Takes entries off the end of the list in this field until the value fits into so many bytes of JSON. What does not fit even so has
/// its longest texts cut.
pub(super) fn value(value: &mut Value, list: &str, most: usize) -> Option<Shortened> {
    let size = |value: &Value| value.to_string().len();
    let mut left = size(value);
    if left <= most {
        return None;
    }
    let mut shortened = Shortened { out: 0, of: 0 };
    if let Some(entries) = value.get_mut(list).and_then(Value::as_array_mut) {
        shortened.of = entries.len();
        while left > most && entries.len() > 1 {
            // The comma before it, too.
            left -= entries.pop().map_or(0, |entry| size(&entry) + 1);
            shortened.out += 1;
        }
    }
    let mut longest = most / 2;
    while size(value) > most && longest > 16 {
        shorten_texts(value, longest);
        longest /= 2;
    }
    Some(shortened)
}

fn shorten_texts(value: &mut Value, longest: usize) {
    match value {
        Value::String(string) if string.len() > longest => {
            string.truncate(string.floor_char_boundary(longest));
            string.push('…');
        }
        Value::Array(values) => values.iter_mut().for_each(|value| shorten_texts(value, longest)),
        Value::Object(fields) => fields.values_mut().for_each(|value| shorten_texts(value, longest)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_cut_where_a_line_ends() {
        let lines = "one\ntwo\nthree\n";
        assert_eq!(text(lines, 14, Keep::Front), lines);
        assert_eq!(text(lines, 9, Keep::Front), "one\ntwo\n");
        assert_eq!(text(lines, 8, Keep::Front), "one\ntwo\n");
        assert_eq!(text(lines, 9, Keep::Back), "three\n");
        assert_eq!(text(lines, 10, Keep::Back), "two\nthree\n");
        assert_eq!(text(lines, 6, Keep::Back), "three\n");
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_between_characters() {
        assert_eq!(text("größer", 3, Keep::Front), "gr");
        assert_eq!(text("größer", 4, Keep::Front), "grö");
        assert_eq!(text("größer", 4, Keep::Back), "ßer");
        assert_eq!(text("größer", 3, Keep::Back), "er");
        assert_eq!(text("größer\n", 4, Keep::Back), "er\n");
    }

    #[test]
    fn a_list_loses_its_last_entries() {
        let mut long = json!({ "schema": 1, "lines": ["a".repeat(40), "b".repeat(40), "c".repeat(40)] });
        assert_eq!(value(&mut long.clone(), "lines", 1000), None);
        assert_eq!(value(&mut long, "lines", 120), Some(Shortened { out: 1, of: 3 }));
        assert_eq!(long["lines"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_has_no_list_loses_the_ends_of_its_texts() {
        let mut long = json!({ "schema": 1, "text": "ö".repeat(500), "other": "short" });
        assert_eq!(value(&mut long, "lines", 200), Some(Shortened { out: 0, of: 0 }));
        assert!(long.to_string().len() <= 200 && long["other"] == "short", "{long}");
    }

    proptest! {
        #[test]
        fn what_is_left_fits(words in "(\\PC{0,9}\n?){0,9}", most in 0usize..60) {
            for keep in [Keep::Front, Keep::Back] {
                let cut = text(&words, most, keep);
                prop_assert!(cut.len() <= most && words.contains(cut));
            }
        }
    }
}
