//! The few habits of Python that show in what supervisord and supervisorctl write.

/// `repr` of a string: single quotes unless there are only single ones inside; what cannot be seen is escaped.
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for sign in text.chars() {
        match sign {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            sign if sign == quote => out.extend(['\\', sign]),
            sign if sign.is_control() => out.extend(format!("\\x{:02x}", u32::from(sign)).chars()),
            sign => out.push(sign),
        }
    }
    out.push(quote);
    out
}

/// `repr` of bytes: as that of a string, with a `b` in front, and what is no printable ASCII escaped.
pub fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = String::with_capacity(bytes.len() + 3);
    out.extend(['b', quote]);
    for byte in bytes {
        match char::from(*byte) {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            sign if sign == quote => out.extend(['\\', sign]),
            sign @ ' '..='~' => out.push(sign),
            _ => out.extend(format!("\\x{byte:02x}").chars()),
        }
    }
    out.push(quote);
    out
}

/// `int(text)`: white space around it, a sign and single underscores between digits are fine.
pub fn int(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let is_number = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number { format!("{sign}{}", digits.replace('_', "")).parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_python_quotes_them() {
        for (text, quoted) in [
            ("stdlog", "'stdlog'"),
            ("it's", "\"it's\""),
            ("it's \"it\"", "'it\\'s \"it\"'"),
            ("a\\b\n\x1b", "'a\\\\b\\n\\x1b'"),
            ("grün", "'grün'"),
        ] {
            assert_eq!(repr(text), quoted);
        }
    }

    #[test]
    fn bytes_are_quoted_as_python_quotes_them() {
        assert_eq!(bytes_repr(b"it's \xff\n\x00~"), r#"b"it's \xff\n\x00~""#);
        assert_eq!(bytes_repr(b"\\'\""), r#"b'\\\'"'"#);
    }

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, number) in [("100", Some(100)), ("-5", Some(-5)), ("+1_000", Some(1000)), (" 7 ", Some(7))] {
            assert_eq!(int(text), number, "{text}");
        }
        for text in ["", "f", "1__0", "_1", "1.5", "--1", "0x10"] {
            assert_eq!(int(text), None, "{text}");
        }
    }
}
