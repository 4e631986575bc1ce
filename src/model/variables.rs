//! The variables of a process in the form that the system takes: `NAME=value` after `NAME=value`, each with the zero byte that ends it
//! (execve(2)).
//!
//! They are one piece of memory, because a start hands dozens of them on for each program: from us to the spawner, and to the program.

use std::fmt;

/// The environment of a process. The order is that in which they were set.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(String);

impl Variables {
    /// Takes in what [`Self::as_bytes`] gave; `None` for anything else.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let read = Self(String::from_utf8(bytes).ok()?);
        let is_whole = read.0.is_empty() || read.0.ends_with('\0');
        (is_whole && read.0.split_terminator('\0').all(|variable| variable.contains('='))).then_some(read)
    }

    /// All of them, each with its zero byte.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Sets one, in place of what it was. A zero byte, which no system can hand on, is left out.
    pub fn set(&mut self, name: &str, value: &str) {
        if self.get(name).is_some() {
            *self = self.iter().filter(|(known, _)| *known != name).collect();
        }
        self.push(name, value);
    }

    /// What one is set to.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split_terminator('\0').filter_map(|variable| variable.split_once('='))
    }

    fn push(&mut self, name: &str, value: &str) {
        self.0.reserve(name.len() + value.len() + 2);
        self.0.extend(name.split('\0'));
        self.0.push('=');
        self.0.extend(value.split('\0'));
        self.0.push('\0');
    }
}

/// The names are different.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut made = Self::default();
        for (name, value) in pairs {
            made.push(name.as_ref(), value.as_ref());
        }
        made
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_as_the_system_takes_them() {
        let made: Variables = [("A", "b=c"), ("EMPTY", "")].into_iter().collect();
        assert_eq!(made.as_bytes(), b"A=b=c\0EMPTY=\0");
        assert_eq!((made.get("A"), made.get("EMPTY"), made.get("b")), (Some("b=c"), Some(""), None));
        assert_eq!(Variables::from_bytes(made.as_bytes().to_vec()), Some(made));
    }

    #[test]
    fn what_is_set_again_is_there_once() {
        let mut made: Variables = [("A", "1"), ("AA", "2")].into_iter().collect();
        made.set("A", "3");
        made.set("B", "4");
        assert_eq!(made.iter().collect::<Vec<_>>(), [("AA", "2"), ("A", "3"), ("B", "4")]);
    }

    #[test]
    fn a_zero_byte_begins_no_other_variable() {
        let made: Variables = [("A", "1\0LD_PRELOAD=x")].into_iter().collect();
        assert_eq!(made.as_bytes(), b"A=1LD_PRELOAD=x\0");
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [&b"A=1"[..], b"A\0", b"A=1\0\0", b"\xff=\0"] {
            assert_eq!(Variables::from_bytes(bytes.to_vec()), None, "{bytes:?}");
        }
        assert_eq!(Variables::from_bytes(Vec::new()), Some(Variables::default()));
    }
}
