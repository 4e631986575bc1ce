//! Sessions of browsers: a cookie that says who it is, and a token that a change has to show beside it.
//!
//! Nothing is stored. Both are made from the session's number with a key that only this server has, so they end with it. The cookie
//! goes out by itself with every request, the token only where our own page puts it: that is what another page cannot do.

use core::fmt;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

use hyper::header::{COOKIE, HeaderMap};
use sha1::{Digest as _, Sha1};

use super::secret::Secret;

/// The block of SHA-1 in bytes (RFC 2104 calls it B).
const BLOCK: usize = 64;

/// The maker and checker of cookies and tokens.
#[derive(Clone)]
pub struct Sessions {
    key: [u8; 32],
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions(…)")
    }
}

impl Sessions {
    /// With this key, which nobody else knows.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// With a key of chance.
    pub(super) fn by_chance() -> io::Result<Self> {
        chance().map(Self::new)
    }

    /// A new session: its number, which is 32 hex digits.
    pub(super) fn begin() -> io::Result<String> {
        chance::<16>().map(|number| hex(&number))
    }

    /// The name of the cookie at a port. Cookies do not know ports, and several projects share one host.
    pub fn cookie_name(port: u16) -> String {
        format!("run_session_{port}")
    }

    /// The cookie's value for a session.
    pub fn cookie(&self, session: &str) -> String {
        format!("{session}.{}", self.mark("session", session))
    }

    /// The token with which a session may change something.
    pub fn token(&self, session: &str) -> String {
        self.mark("token", session)
    }

    /// The session that a request belongs to. Another server of this host may have set a cookie of the same name: whichever is ours
    /// counts.
    pub fn of<'a>(&self, headers: &'a HeaderMap, port: u16) -> Option<&'a str> {
        let name = Self::cookie_name(port);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let values = pairs.filter(|(found, _)| *found == name).filter_map(|(_, value)| value.split_once('.'));
        values.filter(|(session, mark)| self.is_mark("session", session, mark)).map(|(session, _)| session).next()
    }

    /// Whether this is the token of the session; takes as long for every guess of the same length.
    pub fn is_token(&self, session: &str, sent: &str) -> bool {
        self.is_mark("token", session, sent)
    }

    fn is_mark(&self, purpose: &str, session: &str, sent: &str) -> bool {
        Secret::of(&self.mark(purpose, session)).is(sent.as_bytes())
    }

    /// HMAC (RFC 2104) over what it is for and for whom.
    fn mark(&self, purpose: &str, session: &str) -> String {
        let pad = |byte: u8| {
            let mut block = [byte; BLOCK];
            block.iter_mut().zip(self.key).for_each(|(padded, key)| *padded ^= key);
            block
        };
        let inner = Sha1::new().chain_update(pad(0x36)).chain_update(purpose).chain_update(":").chain_update(session);
        hex(&Sha1::new().chain_update(pad(0x5c)).chain_update(inner.finalize()).finalize())
    }
}

/// Bytes that nobody can guess.
pub(super) fn chance<const LENGTH: usize>() -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    const SESSION: &str = "00112233445566778899aabbccddeeff";

    fn sessions() -> Sessions {
        Sessions::new([7; 32])
    }

    fn cookies(lines: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_mark_is_an_hmac() {
        // `printf 'token:b' | openssl dgst -sha1 -mac HMAC -macopt hexkey:0707…07`
        assert_eq!(sessions().mark("token", "b"), "9d6ce89fe389eb9acfb8a593d19b0fb999bd28ff");
    }

    #[test]
    fn a_session_is_known_by_its_cookie_and_by_nothing_else() {
        let ours = format!("run_session_9001={}", sessions().cookie(SESSION));
        assert_eq!(sessions().of(&cookies(slice::from_ref(&ours)), 9001), Some(SESSION));
        assert_eq!(sessions().of(&cookies(&["a=b; ".to_owned() + &ours + "; c=d"]), 9001), Some(SESSION));
        let strange = format!("run_session_9001={}", Sessions::new([8; 32]).cookie(SESSION));
        assert_eq!(sessions().of(&cookies(&[strange.clone(), ours.clone()]), 9001), Some(SESSION), "a tossed cookie");
        for wrong in
            [strange, ours.replace("9001", "9002"), ours.replace('f', "e"), format!("run_session_9001={SESSION}")]
        {
            assert_eq!(sessions().of(&cookies(slice::from_ref(&wrong)), 9001), None, "{wrong}");
        }
        assert_eq!(sessions().of(&HeaderMap::new(), 9001), None);
    }

    #[test]
    fn a_token_is_bound_to_its_session_and_is_no_cookie() {
        let token = sessions().token(SESSION);
        assert!(sessions().is_token(SESSION, &token));
        assert!(!sessions().is_token("ffeeddccbbaa99887766554433221100", &token));
        assert!(!sessions().is_token(SESSION, &token[..39]));
        assert!(!sessions().is_token(SESSION, ""));
        assert!(!Sessions::new([8; 32]).is_token(SESSION, &token));
        assert!(!sessions().cookie(SESSION).contains(&token));
    }

    #[test]
    fn what_is_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", sessions()), "Sessions(…)");
        assert_ne!(Sessions::begin().unwrap(), Sessions::begin().unwrap());
    }
}
