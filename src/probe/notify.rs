//! `ready = { notify = true }`: the program says `READY=1` at sd_notify's socket. The datagrams are read by
//! `runtime::notify_socket`; here is what the kind says of itself.

use crate::model::ProbeSchema;

/// How the kind presents itself.
pub const SCHEMA: ProbeSchema = ProbeSchema {
    name: "notify",
    value: "true",
    doc: "Ready when the program says READY=1 at the socket named by NOTIFY_SOCKET, as sd_notify(3) has it.",
    params: &[],
    problem: |_| None,
};

/// How it is told that the program said so.
pub const SAID: &str = "notify READY=1";

/// What is said as long as it has not.
pub const WAITING: &str = "notify: no READY=1 yet";

/// What is said as long as it has not, with what it says of its progress (`STATUS=…`).
pub fn waiting(status: Option<&str>) -> String {
    match status {
        Some(status) => format!("notify \"{}\"", super::exec::shown(status)),
        None => WAITING.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_while_it_waits() {
        assert_eq!(waiting(Some("loading 3 of 9")), "notify \"loading 3 of 9\"");
        assert_eq!(waiting(None), WAITING);
    }
}
