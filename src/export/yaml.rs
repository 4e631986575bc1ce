//! Strings of YAML, as the exports write them.

use crate::model::Grow;

/// A string: bare where no reader could take it for something else, in double quotes otherwise, in which YAML is JSON.
pub fn string(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n" | ".inf" | ".nan"
    );
    if begins_well && !is_word && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.put(format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A list in one line.
pub fn strings(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| string(text)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::yaml;

    proptest! {
        #[test]
        fn every_text_comes_back(text in "(\\PC|[\"\\\\'#:\n\t-]){0,30}|true|No|null|1e3|0x1") {
            let read = yaml::parse(&format!("a: {}\n", string(&text))).unwrap();
            prop_assert_eq!(read.get("a").unwrap().text(), Some(text.as_str()));
        }
    }
}
