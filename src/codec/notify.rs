//! The datagrams of `sd_notify(3)`: lines of `NAME=value`, of which a few concern us.

/// What a program says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyItem {
    /// `READY=1`: it is up.
    Ready,
    /// `STOPPING=1`: it is going down by itself.
    Stopping,
    /// `STATUS=…`: what it is doing, for people to read; without control characters.
    Status(String),
    /// `MAINPID=…`: the process that speaks for it from now on.
    MainPid(u32),
}

/// Reads a datagram. What does not concern us (`FDSTORE`, `WATCHDOG`, `X_…`) and what is malformed is left out.
pub fn parse(datagram: &[u8]) -> Vec<NotifyItem> {
    datagram.split(|byte| *byte == b'\n').filter_map(item).collect()
}

fn item(line: &[u8]) -> Option<NotifyItem> {
    let line = String::from_utf8_lossy(line);
    let (name, value) = line.split_once('=')?;
    match (name, value) {
        ("READY", "1") => Some(NotifyItem::Ready),
        ("STOPPING", "1") => Some(NotifyItem::Stopping),
        ("STATUS", text) => Some(NotifyItem::Status(text.chars().filter(|c| !c.is_control()).collect())),
        ("MAINPID", pid) => pid.parse().ok().filter(|pid| *pid > 0).map(NotifyItem::MainPid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn the_lines_that_concern_us_are_read_in_order() {
        let datagram = b"STATUS=loading\x1b[2J 3 of 9\nFDSTORE=1\nMAINPID=4711\nREADY=1\nSTOPPING=1\nX_A=b";
        assert_eq!(
            parse(datagram),
            [
                NotifyItem::Status("loading[2J 3 of 9".to_owned()),
                NotifyItem::MainPid(4711),
                NotifyItem::Ready,
                NotifyItem::Stopping,
            ]
        );
    }

    #[test]
    fn what_is_malformed_says_nothing() {
        for datagram in [&b""[..], b"READY", b"READY=0", b"READY=1 ", b"ready=1", b"MAINPID=x", b"MAINPID=0", b"\n\n="]
        {
            assert_eq!(parse(datagram), [], "{datagram:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            parse(&bytes);
        }

        #[test]
        fn a_status_never_forges_a_line(text in any::<String>()) {
            for item in parse(format!("STATUS={text}").as_bytes()) {
                if let NotifyItem::Status(text) = item {
                    assert!(!text.chars().any(char::is_control));
                }
            }
        }
    }
}
