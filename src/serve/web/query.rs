//! The words of an address: percent-decoded paths, and the pairs behind its question mark.

/// Reads `%XX`; what is no such thing stays as it is, what is no UTF-8 is replaced.
pub(super) fn decoded(text: &str) -> String {
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
    String::from_utf8_lossy(&plain).into_owned()
}

/// Writes a text so that it can stand in a query.
pub(super) fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The pairs of a query, as a form has them: `+` is a blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Of what stands behind the question mark.
    pub(super) fn of(query: Option<&str>) -> Self {
        let plain = |text: &str| decoded(&text.replace('+', " "));
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (plain(name), plain(value)))
                .collect(),
        )
    }

    /// The first value of a name; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(found, _)| found == name);
        first.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a name as a number; `Err` when it is none.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, NotANumber> {
        self.get(name).map(|value| value.parse().map_err(|_| NotANumber)).transpose()
    }
}

/// A value should have been a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub(super) struct NotANumber;

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn a_query_is_read_as_a_form() {
        let pairs = Pairs::of(Some("action=stop&processname=a%3Ab+c&x&=y&name=1&name=2"));
        assert_eq!(pairs.get("action"), Some("stop"));
        assert_eq!(pairs.get("processname"), Some("a:b c"));
        assert_eq!((pairs.get("x"), pairs.get("nothing")), (None, None));
        assert_eq!(pairs.all("name").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(Pairs::of(None), Pairs(Vec::new()));
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%4"), "%zz%4");
        assert_eq!(decoded("%+1"), "%+1");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }

    #[test]
    fn a_number_is_a_number_or_a_mistake() {
        let pairs = Pairs::of(Some("last=5&run=x"));
        assert_eq!(pairs.number("last"), Ok(Some(5)));
        assert_eq!(pairs.number("since"), Ok(None));
        assert_eq!(pairs.number("run"), Err(NotANumber));
    }

    proptest! {
        #[test]
        fn what_is_encoded_can_be_read_back(text in "\\PC{0,30}") {
            prop_assert_eq!(decoded(&encoded(&text)), text);
        }
    }
}
