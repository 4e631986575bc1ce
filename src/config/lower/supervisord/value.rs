//! One text to one typed value, as supervisor 4.3.0 reads it (`datatypes.py`). Each reader says only whether it fits; an empty reason
//! means: what the option takes.

use std::time::Duration;

use crate::model::supervisord::{Credentials, FcgiAddress, LogLevel};
use crate::model::units::{parse_octal, parse_truth};
use crate::model::{Autorestart, Signal};

/// What a reader gives.
pub type Read<T> = Result<T, &'static str>;

/// A century: more than anyone waits, and no sum of times comes near the end of the clock.
const LONGEST: u64 = 100 * 366 * 86_400;

/// A whole number as Python reads one: a sign, digits, `_` between them.
pub fn integer(text: &str) -> Read<i64> {
    let text = text.trim();
    let is_grouped = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    let digits = text.replace('_', "");
    if is_grouped { digits.parse().map_err(|_| "") } else { Err("") }
}

/// A number of which less than nothing means nothing.
pub fn count(text: &str) -> Read<u32> {
    let number = integer(text)?.max(0);
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Whole seconds; below zero is zero.
pub fn seconds(text: &str) -> Read<Duration> {
    let seconds = u64::try_from(integer(text)?.max(0)).unwrap_or_default();
    Ok(Duration::from_secs(seconds.min(LONGEST)))
}

/// A priority.
pub fn priority(text: &str) -> Read<i32> {
    let bound = i64::from(i32::MAX);
    Ok(i32::try_from(integer(text)?.clamp(-bound, bound)).unwrap_or_default())
}

/// `yes true on 1` and `no false off 0` in any case.
pub fn boolean(text: &str) -> Read<bool> {
    parse_truth(text).ok_or("")
}

/// `autorestart`.
pub fn autorestart(text: &str) -> Read<Autorestart> {
    if text.eq_ignore_ascii_case("unexpected") {
        return Ok(Autorestart::Unexpected);
    }
    boolean(text).map(|always| if always { Autorestart::Always } else { Autorestart::Never })
}

/// A number of bytes, with KB, MB or GB in powers of 1024; below zero is zero, which means no limit.
pub fn size(text: &str) -> Read<u64> {
    let lower = text.to_lowercase();
    let units = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];
    let unit = units.into_iter().find_map(|(unit, scale)| Some((lower.strip_suffix(unit)?, scale)));
    let (number, scale) = unit.unwrap_or((&lower, 1));
    let number = u64::try_from(integer(number)?.max(0)).unwrap_or_default();
    number.checked_mul(scale).ok_or("")
}

/// A mode in octal.
pub fn octal(text: &str) -> Read<u32> {
    parse_octal(text).ok_or("")
}

/// A signal by number or name, with or without `SIG`.
pub fn signal(text: &str) -> Read<Signal> {
    let upper = text.trim().to_ascii_uppercase();
    // Names that Python knows besides: aliases and the ends of the real-time range (signal(7)).
    let number = match upper.strip_prefix("SIG").unwrap_or(&upper) {
        "CLD" => 17,
        "POLL" => 29,
        "IOT" => 6,
        "RTMIN" | "34" => 34,
        "RTMAX" | "64" => 64,
        _ => return Signal::parse(text).ok_or("no such signal"),
    };
    Ok(Signal(number))
}

/// Exit codes with commas between them; nothing is no code at all.
pub fn exit_codes(text: &str) -> Read<Vec<i32>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let code = |code: &str| i32::try_from(integer(code)?).ok().filter(|code| (0..=255).contains(code)).ok_or("");
    text.split(',').map(code).collect()
}

/// Texts with commas between them; nothing is none.
pub fn list(text: &str) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { text.split(',').map(|item| item.trim().to_owned()).collect() }
}

/// A level of the main log.
pub fn log_level(text: &str) -> Read<LogLevel> {
    LogLevel::parse(text).ok_or("")
}

/// `host:port`, `*:port`, `:port` or `port`: the host, empty for all interfaces, and the port.
pub fn address(text: &str) -> Read<(String, u16)> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port = integer(port)?;
    let port = u16::try_from(port).ok().filter(|port| *port > 0).ok_or("a port is a number from 1 to 65535")?;
    Ok((if host == "*" { String::new() } else { host.to_lowercase() }, port))
}

/// Where an fcgi-program listens; mode and owner are read elsewhere.
pub fn fcgi_address(text: &str) -> Read<FcgiAddress> {
    if let Some(path) = text.strip_prefix("unix://") {
        let address = FcgiAddress::Unix { path: path.into(), mode: 0o700, owner: None };
        return path.starts_with('/').then_some(address).ok_or("the path of a UNIX socket has to be absolute");
    }
    let (host, port) = text.strip_prefix("tcp://").and_then(|rest| rest.split_once(':')).ok_or("")?;
    let is_host = !host.is_empty() && !host.contains(char::is_whitespace);
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| is_host && is_number && *port > 0).ok_or("")?;
    Ok(FcgiAddress::Tcp { host: host.to_lowercase(), port })
}

/// Both or neither.
pub fn credentials(username: Option<String>, password: Option<String>) -> Read<Option<Credentials>> {
    match (username, password) {
        (Some(username), Some(_)) if username.contains(':') => Err("a user name cannot have a colon"),
        (Some(_), Some(password)) if is_broken_digest(&password) => Err("`{SHA}` takes 40 hex digits"),
        (Some(username), Some(password)) => Ok(Some(Credentials { username, password })),
        (None, None) => Ok(None),
        (Some(_), None) => Err("`username` without `password`"),
        (None, Some(_)) => Err("`password` without `username`"),
    }
}

/// Whether a password says that it is a digest and is none (supervisor `http.py` `encrypted_dictionary_authorizer`).
fn is_broken_digest(password: &str) -> bool {
    let hex = password.strip_prefix("{SHA}");
    hex.is_some_and(|hex| hex.len() != 40 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, number) in [("5", 5), (" -5 ", -5), ("+1_000", 1000), ("007", 7)] {
            assert_eq!(integer(text), Ok(number), "{text}");
        }
        for bad in ["", "1.5", "5s", "_1", "1__0", "0x10"] {
            assert!(integer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_know_two_letters_and_powers_of_1024() {
        assert_eq!(size("50MB"), Ok(50 << 20));
        assert_eq!(size("1 kb"), Ok(1024));
        assert_eq!(size("0"), Ok(0));
        for bad in ["1M", "1MiB", "MB", "1.5MB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn booleans_have_eight_words() {
        for (word, truth) in [("YES", true), ("on", true), ("1", true), ("False", false), ("off", false), ("no", false)]
        {
            assert_eq!(boolean(word), Ok(truth));
        }
        assert!(boolean("y").is_err() && boolean("").is_err());
        assert_eq!(autorestart("Unexpected"), Ok(Autorestart::Unexpected));
    }

    #[test]
    fn addresses_may_leave_out_the_host() {
        assert_eq!(address("127.0.0.1:9001"), Ok(("127.0.0.1".to_owned(), 9001)));
        for all in ["*:9001", ":9001", "9001"] {
            assert_eq!(address(all), Ok((String::new(), 9001)), "{all}");
        }
        assert!(address("localhost:").is_err() && address("0").is_err() && address("70000").is_err());
    }

    #[test]
    fn exit_codes_are_bytes() {
        assert_eq!(exit_codes("0, 2"), Ok(vec![0, 2]));
        assert_eq!(exit_codes(""), Ok(Vec::new()));
        assert!(exit_codes("256").is_err() && exit_codes("0,").is_err());
    }
}
