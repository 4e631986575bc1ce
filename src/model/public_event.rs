//! supervisord's events as data: what each one says (supervisor `events.py`).
//!
//! An event is rendered once, when it happens, and shared from then on: it may wait in several pools, and its text may be large.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::channel::Channel;
use super::event_type::EventType;
use super::name::ProcessName;
use super::state::ProcessState;

/// A text that is shared rather than copied: it may be large, and several may hold it.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedText(Arc<str>);

impl SharedText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for SharedText {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SharedText {
    /// Whatever prints an event must not print megabytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 200;
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{:?}… ({} bytes)", &self.0[..end], self.0.len()),
            None => write!(f, "{:?}", &*self.0),
        }
    }
}

impl Serialize for SharedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SharedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// What became of output that is told as an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputKind {
    /// It was written.
    Log,
    /// It stood between the marks of a communication.
    Communication,
}

/// What stands behind the names in the event of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateFacts {
    /// The state before.
    pub from: ProcessState,
    /// Failures in a row.
    pub tries: u32,
    /// 0 when there is no process.
    pub pid: u32,
    /// Whether the last end was one of `exitcodes`.
    pub expected: bool,
}

/// One event, rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicEvent {
    /// Its type.
    pub kind: EventType,
    /// What it says.
    pub payload: SharedText,
}

impl PublicEvent {
    fn new(kind: EventType, payload: String) -> Self {
        Self { kind, payload: payload.into() }
    }

    /// A process became another state.
    pub fn state(process: &ProcessName, to: ProcessState, facts: StateFacts) -> Self {
        let StateFacts { from, tries, pid, expected } = facts;
        let more = match to {
            ProcessState::Starting | ProcessState::Backoff => format!(" tries:{tries}"),
            ProcessState::Running | ProcessState::Stopping | ProcessState::Stopped => format!(" pid:{pid}"),
            ProcessState::Exited => format!(" expected:{} pid:{pid}", u8::from(expected)),
            ProcessState::Fatal | ProcessState::Unknown => String::new(),
        };
        let text = format!("{} from_state:{}{more}", who(process), from.name());
        Self::new(EventType::of_state(to), text)
    }

    /// A process wrote something.
    pub fn output(process: &ProcessName, pid: u32, channel: Channel, kind: OutputKind, data: &str) -> Self {
        let head = format!("{} pid:{pid}", who(process));
        match (kind, channel) {
            (OutputKind::Log, Channel::Stdout) => {
                Self::new(EventType::ProcessLogStdout, format!("{head} channel:{}\n{data}", channel.as_str()))
            }
            (OutputKind::Log, Channel::Stderr) => {
                Self::new(EventType::ProcessLogStderr, format!("{head} channel:{}\n{data}", channel.as_str()))
            }
            (OutputKind::Communication, Channel::Stdout) => {
                Self::new(EventType::ProcessCommunicationStdout, format!("{head}\n{data}"))
            }
            (OutputKind::Communication, Channel::Stderr) => {
                Self::new(EventType::ProcessCommunicationStderr, format!("{head}\n{data}"))
            }
        }
    }

    /// A client sent something.
    pub fn remote(kind: &str, data: &str) -> Self {
        Self::new(EventType::RemoteCommunication, format!("type:{kind}\n{data}"))
    }

    /// The supervisor runs.
    pub fn running() -> Self {
        Self::new(EventType::SupervisorStateChangeRunning, String::new())
    }

    /// The supervisor ends.
    pub fn stopping() -> Self {
        Self::new(EventType::SupervisorStateChangeStopping, String::new())
    }

    /// So many seconds since 1970 have passed.
    pub fn tick(period: TickPeriod, when: u64) -> Self {
        Self::new(period.event(), format!("when:{when}"))
    }

    /// A group came.
    pub fn group_added(group: &str) -> Self {
        Self::new(EventType::ProcessGroupAdded, format!("groupname:{group}\n"))
    }

    /// A group went.
    pub fn group_removed(group: &str) -> Self {
        Self::new(EventType::ProcessGroupRemoved, format!("groupname:{group}\n"))
    }
}

fn who(process: &ProcessName) -> String {
    format!("processname:{} groupname:{}", process.process, process.group)
}

/// How often time is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TickPeriod {
    /// Every five seconds.
    Five,
    /// Every minute.
    Minute,
    /// Every hour.
    Hour,
}

impl TickPeriod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Five, Self::Minute, Self::Hour];

    /// Its length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Self::Five => 5,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }

    /// Its event.
    pub fn event(self) -> EventType {
        match self {
            Self::Five => EventType::Tick5,
            Self::Minute => EventType::Tick60,
            Self::Hour => EventType::Tick3600,
        }
    }
}

/// An event on its way to a member of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The pool: the name of the listener's section.
    pub pool: String,
    /// Counts the events that anybody is told of.
    pub serial: u64,
    /// Counts those of this pool.
    pub pool_serial: u64,
    /// The event.
    pub event: PublicEvent,
}

/// What a listener says on its stdout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListenerWord {
    /// `READY`: it takes an event.
    Ready,
    /// `RESULT`: it is done with one.
    Result {
        /// Whether it said OK.
        accepted: bool,
    },
    /// Anything else; the beginning of it. Nothing follows.
    Nonsense(String),
}

/// Bytes of an output as an event has them: text, or what Python prints for bytes that are none (supervisor `events.py` `payload`).
pub fn output_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("Undecodable: {}", python_bytes(bytes)),
    }
}

/// `b'caf\xe9\n'`, as Python's `repr` has it.
fn python_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let escaped = |byte: &u8| match byte {
        b'\\' => "\\\\".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\'' if quote == '\'' => "\\'".to_owned(),
        0x20..=0x7e => char::from(*byte).to_string(),
        other => format!("\\x{other:02x}"),
    };
    format!("b{quote}{}{quote}", bytes.iter().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_supervisords() {
        let cat = ProcessName::new("cat", "cat_1");
        let facts = StateFacts { from: ProcessState::Running, tries: 2, pid: 7, expected: false };
        let state = |to| PublicEvent::state(&cat, to, facts).payload.as_str().to_owned();
        let head = "processname:cat_1 groupname:cat from_state:RUNNING";
        assert_eq!(state(ProcessState::Exited), format!("{head} expected:0 pid:7"));
        assert_eq!(state(ProcessState::Backoff), format!("{head} tries:2"));
        assert_eq!(state(ProcessState::Stopping), format!("{head} pid:7"));
        assert_eq!(state(ProcessState::Fatal), head);
        let (out, log) = (Channel::Stdout, OutputKind::Log);
        let output = PublicEvent::output(&cat, 7, out, log, "x\n");
        assert_eq!(output.payload.as_str(), "processname:cat_1 groupname:cat pid:7 channel:stdout\nx\n");
        let output = PublicEvent::output(&cat, 7, Channel::Stderr, OutputKind::Communication, "x");
        assert_eq!(output.payload.as_str(), "processname:cat_1 groupname:cat pid:7\nx");
        assert_eq!(PublicEvent::remote("a", "b\nc").payload.as_str(), "type:a\nb\nc");
        assert_eq!(PublicEvent::tick(TickPeriod::Five, 25).payload.as_str(), "when:25");
        assert_eq!(PublicEvent::group_added("g").payload.as_str(), "groupname:g\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_python_shows_them() {
        assert_eq!(output_text("né".as_bytes()), "né");
        assert_eq!(output_text(b"a\xff'\n\\"), "Undecodable: b\"a\\xff'\\n\\\\\"");
        assert_eq!(output_text(b"\xff'\""), "Undecodable: b'\\xff\\'\"'");
    }
}
