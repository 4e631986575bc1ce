//! Several files as one: includes, `run.local.toml`, and the order of `-f`. Key by key; environments name by name.

use crate::config::raw::{RawData, RawKey, RawProject};

/// Who wins when both have a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// What was there first: a file wins over what it includes.
    Base,
    /// What comes later: `run.local.toml`, the next `-f`.
    Later,
}

/// Merges `other` into `base`. The order of `base` stays, what is new comes after it.
pub fn merge(base: &mut RawProject, other: RawProject, precedence: Precedence) {
    merge_keys(&mut base.top, other.top, precedence);
    for section in other.sections {
        let same = base.sections.iter_mut().find(|own| own.kind == section.kind && own.name == section.name);
        match same {
            Some(own) => merge_keys(&mut own.keys, section.keys, precedence),
            None => base.sections.push(section),
        }
    }
}

fn merge_keys(base: &mut Vec<RawKey>, other: Vec<RawKey>, precedence: Precedence) {
    for key in other {
        match base.iter_mut().find(|own| own.name == key.name) {
            Some(own) => merge_key(own, key, precedence),
            None => base.push(key),
        }
    }
}

fn merge_key(own: &mut RawKey, other: RawKey, precedence: Precedence) {
    if own.name == "environment"
        && let (RawData::Table(names), RawData::Table(more)) = (&mut own.value.data, &other.value.data)
    {
        merge_keys(names, more.clone(), precedence);
    } else if precedence == Precedence::Later {
        *own = other;
    }
}
