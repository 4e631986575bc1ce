//! The `Authorization` header of HTTP's Basic scheme (RFC 7617): a name and a password, joined by a colon, in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a client says who it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Everything before the first colon.
    pub username: Vec<u8>,
    /// Everything after it.
    pub password: Vec<u8>,
}

/// The value of the header.
pub fn write(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// Reads the value of the header; `None` when it is of another scheme, or malformed.
pub fn parse(value: &[u8]) -> Option<Login> {
    let bytes = STANDARD.decode(after_scheme(value, "Basic")?).ok()?;
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    Some(Login { username: bytes[..colon].to_vec(), password: bytes[colon + 1..].to_vec() })
}

/// What follows the name of a scheme, whose case does not matter (RFC 9110, 11.1).
pub fn after_scheme<'a>(value: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let (name, rest) = value.split_at_checked(scheme.len())?;
    let is_it = name.eq_ignore_ascii_case(scheme.as_bytes()) && rest.starts_with(b" ");
    is_it.then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        assert_eq!(write("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let login = parse(b"basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap();
        assert_eq!((login.username.as_slice(), login.password.as_slice()), (&b"Aladdin"[..], &b"open sesame"[..]));
    }

    #[test]
    fn what_is_no_login_is_none() {
        for value in ["", "Basic", "Basic ", "Basic !", "Basic QQ==", "Bearer QTpC", "BasicQTpC"] {
            assert!(parse(value.as_bytes()).is_none(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(username in "[^:]*", password in any::<String>()) {
            let login = parse(write(&username, &password).as_bytes()).unwrap();
            prop_assert!(login.username == username.as_bytes() && login.password == password.as_bytes());
        }

        #[test]
        fn no_bytes_panic(value in any::<Vec<u8>>()) {
            let _ = parse(&value);
        }
    }
}
