//! Names for a notation whose alphabet is smaller than ours. Two of ours that would become one there are told apart by a number.

use std::collections::{BTreeMap, BTreeSet};

/// What a name of nothing but other signs is called.
const NAMELESS: &str = "program";

/// What each of our names is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, Label>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    /// What it would be called if it were alone.
    plain: String,
    /// What it is called.
    given: String,
}

impl Labels {
    /// Names, and what each would be called if it were alone. Whoever is called there as here keeps its name; of the others the first
    /// one has what it would be called, and the next one a number behind it.
    pub fn of(names: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut names: Vec<(String, String)> = names.into_iter().collect();
        names.sort_by_key(|(name, plain)| name != plain);
        let mut taken = BTreeSet::new();
        let label = |(name, plain): (String, String)| {
            let plain = if plain.is_empty() { NAMELESS.to_owned() } else { plain };
            let given = free(&plain, &taken);
            taken.insert(given.clone());
            (name, Label { plain, given })
        };
        Self(names.into_iter().map(label).collect())
    }

    /// What it is called there; as here, if it was not among the names.
    pub fn get<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, |label| &label.given)
    }

    /// That it is not called what one would expect, if it is not.
    pub fn remark(&self, name: &str) -> Option<String> {
        let Label { plain, given } = self.0.get(name).filter(|label| label.given != label.plain)?;
        Some(format!("is called {given} there, because {plain} is another one"))
    }
}

/// The name, or the first one with a number that nobody has.
fn free(plain: &str, taken: &BTreeSet<String>) -> String {
    let mut given = plain.to_owned();
    let mut number = 1;
    while taken.contains(&given) {
        number += 1;
        given = format!("{plain}-{number}");
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Labels {
        Labels::of(names.iter().map(|name| ((*name).to_owned(), name.replace(['.', '_', '!'], "-"))))
    }

    #[test]
    fn two_that_would_be_one_are_told_apart() {
        let labels = labels(&["a_b", "a.b", "a!b", "c"]);
        assert_eq!(["a_b", "a.b", "a!b", "c"].map(|name| labels.get(name)), ["a-b", "a-b-2", "a-b-3", "c"]);
        assert_eq!(labels.remark("a.b").as_deref(), Some("is called a-b-2 there, because a-b is another one"));
        assert_eq!((labels.remark("a_b"), labels.remark("c")), (None, None));
    }

    #[test]
    fn whose_name_may_stand_keeps_it() {
        let labels = labels(&["a_b", "a.b", "a-b-2", "a-b"]);
        assert_eq!(["a_b", "a.b", "a-b-2", "a-b"].map(|name| labels.get(name)), ["a-b-3", "a-b-4", "a-b-2", "a-b"]);
    }

    #[test]
    fn nobody_is_nameless() {
        let labels = Labels::of(["é", "ü"].map(|name| (name.to_owned(), String::new())));
        assert_eq!(["é", "ü"].map(|name| labels.get(name)), ["program", "program-2"]);
    }
}
