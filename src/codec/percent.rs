//! `%41` for `A`, as addresses have it (RFC 3986, 2.1).

/// The bytes that a text stands for; what is no such sign stays as it is.
pub fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = (*byte == b'%').then(|| digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2)))).flatten();
        let code = escape.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        plain.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    plain
}

/// A name in a path; `None` where it is no text.
pub fn name(path: &str) -> Option<String> {
    String::from_utf8(decoded(path)).ok()
}

/// Writes a text so that it can stand in a path or a query as one piece.
pub fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["100%", "%zz%4", "%+1", "%"] {
            assert_eq!(name(text).as_deref(), Some(text));
        }
        assert_eq!(name("gr%C3%BCn").as_deref(), Some("grün"));
        assert_eq!(name("%ff"), None);
    }

    #[test]
    fn a_name_in_a_path_has_no_sign_of_the_path_in_it() {
        assert_eq!(encoded("a b/ü%"), "a%20b%2F%C3%BC%25");
    }

    proptest! {
        #[test]
        fn what_is_encoded_can_be_read_back(text in "\\PC{0,30}") {
            prop_assert_eq!(name(&encoded(&text)), Some(text));
        }
    }
}
