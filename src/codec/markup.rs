//! Text that stays text between the tags of HTML and XML, and in a quoted attribute.

/// Writes a text with its five signs as references; what neither HTML nor XML can carry becomes U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(sign),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            control if control.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn what_is_escaped_can_neither_open_a_tag_nor_close_a_quote(text in "\\PC{0,20}|[<>&\"'\\x00-\\x1f\u{85}\u{fffe}]{0,20}") {
            let safe = escaped(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'', '\r', '\0', '\u{1b}']), "{safe}");
            let document = format!("<a b=\"{safe}\">{safe}</a>");
            let document = roxmltree::Document::parse(&document).unwrap();
            let said = document.root_element().text().unwrap_or_default();
            prop_assert_eq!(said.chars().count(), text.chars().count());
        }
    }
}
