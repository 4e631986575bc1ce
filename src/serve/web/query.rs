//! The words of an address: percent-decoded paths, and the pairs behind its question mark.

use crate::codec::percent;

/// Reads `%XX`; what is no UTF-8 is replaced.
pub(super) fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent::decoded(text)).into_owned()
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
    fn what_is_no_text_is_replaced() {
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }

    #[test]
    fn a_number_is_a_number_or_a_mistake() {
        let pairs = Pairs::of(Some("last=5&run=x"));
        assert_eq!(pairs.number("last"), Ok(Some(5)));
        assert_eq!(pairs.number("since"), Ok(None));
        assert_eq!(pairs.number("run"), Err(NotANumber));
    }
}
