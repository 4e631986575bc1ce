//! What only the owner knows, kept as a digest and compared in a time that says nothing about it.

use core::fmt;
use std::hint::black_box;

use sha1::{Digest as _, Sha1};

/// A password, of which only the SHA-1 digest is kept: supervisord's `{SHA}` passwords are nothing else, and two digests have
/// the same length whatever was guessed. SHA-1 is weak as a store of passwords; that is supervisord's format, not our choice.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 20]);

impl Secret {
    /// A secret in clear.
    pub fn of(text: &str) -> Self {
        Self(Sha1::digest(text).into())
    }

    /// A password as a config has it: plain, or `{SHA}` and the 40 hex digits of its digest.
    pub fn of_password(written: &str) -> Self {
        written.strip_prefix("{SHA}").and_then(digest).map_or_else(|| Self::of(written), Self)
    }

    /// Whether a guess is right; takes as long for every guess of the same length.
    pub fn is(&self, guess: &[u8]) -> bool {
        let guess: [u8; 20] = Sha1::digest(guess).into();
        let differing = self.0.iter().zip(guess).fold(0, |differing, (ours, theirs)| differing | (ours ^ theirs));
        black_box(differing) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Reads 40 hex digits.
fn digest(hex: &str) -> Option<[u8; 20]> {
    let mut digest = [0; 20];
    if hex.len() != 2 * digest.len() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_password_and_its_digest_are_the_same_secret() {
        let digest = "{SHA}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8";
        assert_eq!(Secret::of_password("password"), Secret::of_password(digest));
        assert_eq!(Secret::of_password(digest), Secret::of_password(&digest.to_uppercase()));
    }

    #[test]
    fn only_the_whole_secret_is_right() {
        let secret = Secret::of_password("thepassword");
        assert!(secret.is(b"thepassword"));
        for guess in [&b""[..], b"thepasswor", b"thepassword ", b"Thepassword", b"\xff"] {
            assert!(!secret.is(guess), "{guess:?}");
        }
    }

    #[test]
    fn the_digest_itself_opens_nothing() {
        let digest = "{SHA}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8";
        assert!(!Secret::of_password(digest).is(digest.as_bytes()));
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Secret::of("x")), "Secret(…)");
    }
}
