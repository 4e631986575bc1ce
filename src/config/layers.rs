//! Names with values, of which copies share what was there before them: every program sees the whole shell and has little of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers<V> {
    shared: Arc<BTreeMap<String, V>>,
    own: BTreeMap<String, V>,
}

impl<V> Default for Layers<V> {
    fn default() -> Self {
        Self { shared: Arc::default(), own: BTreeMap::new() }
    }
}

impl<V: Clone> Layers<V> {
    /// Gives a name a value.
    pub fn insert(&mut self, name: impl Into<String>, value: V) {
        self.own.insert(name.into(), value);
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.own.get(name).or_else(|| self.shared.get(name))
    }

    /// All names, each once, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.own.keys().chain(self.shared.keys()).map(String::as_str).collect::<BTreeSet<_>>().into_iter()
    }

    /// Everything up to here is shared by the copies that are made from now on.
    #[must_use]
    pub fn shared(mut self) -> Self {
        let mut all = Arc::unwrap_or_clone(std::mem::take(&mut self.shared));
        all.append(&mut self.own);
        Self { shared: Arc::new(all), own: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_covers_what_it_shares() {
        let mut below = Layers::default();
        below.insert("HOME", 1);
        below.insert("PORT", 2);
        let below = below.shared();
        let mut copy = below.clone();
        copy.insert("PORT", 3);
        assert_eq!((copy.get("PORT"), copy.get("HOME"), below.get("PORT")), (Some(&3), Some(&1), Some(&2)));
        assert_eq!(copy.names().collect::<Vec<_>>(), ["HOME", "PORT"]);
        assert_eq!(copy.clone().shared().get("PORT"), Some(&3));
    }
}
