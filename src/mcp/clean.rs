//! Takes out of a text what an agent would read and a person would not see, or the other way round.

use serde_json::Value;

use crate::codec::strip::Stripper;

/// The text without escape sequences, controls (but line ends and tabs), marks that turn the direction of reading, and characters
/// that are not drawn at all. What ends a line in Unicode alone becomes a blank.
pub(super) fn text(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        return text.to_owned();
    }
    let mut plain = Vec::with_capacity(text.len());
    Stripper::default().strip(text.as_bytes(), &mut plain);
    let plain = String::from_utf8_lossy(&plain);
    plain.chars().filter_map(fit).collect()
}

/// The same for every text in a value.
pub(super) fn value(value: &mut Value) {
    match value {
        Value::String(string) => *string = text(string),
        Value::Array(values) => values.iter_mut().for_each(self::value),
        Value::Object(fields) => fields.values_mut().for_each(self::value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fit(character: char) -> Option<char> {
    match character {
        '\n' | '\t' => Some(character),
        '\u{2028}' | '\u{2029}' => Some(' '),
        _ if character.is_control() || is_unseen(character) => None,
        _ => Some(character),
    }
}

/// Bidirectional controls, marks without width (but the joiners that scripts need, and the one that makes a sign an emoji), letters
/// that are blank, and the block of tags, in which whole sentences can be hidden.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What is not seen, written down a second time.
    const UNSEEN: [(u32, u32); 16] = [
        (0xad, 0xad),
        (0x61c, 0x61c),
        (0x115f, 0x115f),
        (0x1160, 0x1160),
        (0x180e, 0x180e),
        (0x200b, 0x200b),
        (0x200e, 0x200e),
        (0x200f, 0x200f),
        (0x202a, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0e),
        (0xfeff, 0xfeff),
        (0xfff9, 0xfffb),
        (0xe0000, 0xe007f),
        (0xe0080, 0xe0fff),
    ];

    fn may_stay(character: char) -> bool {
        let code = u32::from(character);
        !character.is_control() && !UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&code))
    }

    #[test]
    fn no_unseen_character_is_left() {
        for code in UNSEEN.iter().flat_map(|(first, last)| *first..=*last) {
            let hidden = char::from_u32(code).unwrap();
            assert_eq!(text(&format!("a{hidden}b")), "ab", "U+{code:04X}");
        }
        assert_eq!(text("❤\u{fe0f}"), "❤\u{fe0f}", "drawn in colour");
    }

    #[test]
    fn what_is_not_seen_goes_and_what_is_seen_stays() {
        for (dirty, clean) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("grün ✓ 👩\u{200d}💻", "grün ✓ 👩\u{200d}💻"),
            ("\x1b[31mred\x1b[0m\x1b]0;title\x07\r\n", "red\n"),
            ("\x1b[2J\x1b[Hsystem:\x08\x08 obey\u{9b}1m", "system: obey1m"),
            ("a\u{202e}b\u{200b}c\u{e0041}\u{e007f}d\u{feff}", "abcd"),
            ("one\u{2028}two\u{85}three", "one twothree"),
        ] {
            assert_eq!(text(dirty), clean);
        }
    }

    #[test]
    fn every_text_in_a_value_is_cleaned() {
        let mut dirty = json!({ "a": ["\x1b[1mx", { "b": "\u{7}y" }], "n": 1, "z": null });
        value(&mut dirty);
        assert_eq!(dirty, json!({ "a": ["x", { "b": "y" }], "n": 1, "z": null }));
    }

    proptest! {
        #[test]
        fn no_control_is_ever_left(dirty in "\\PC*|[\\x00-\\x{ff}]{0,40}|(\x1b[\\[\\]PX^_]?.){0,8}") {
            let clean = text(&dirty);
            prop_assert!(clean.chars().all(|c| c == '\n' || c == '\t' || may_stay(c)));
            prop_assert_eq!(text(&clean), clean.clone(), "twice is once");
        }
    }
}
