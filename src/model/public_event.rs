//! supervisord's events as data: the tree of their types, and what each one says (supervisor `events.py`).
//!
//! An event is rendered once, when it happens, and shared from then on: it may wait in several pools, and its text may be large.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name::ProcessName;
use super::state::ProcessState;

/// A type of event. Who asks for one is told of all below it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// All of them.
    Event,
    /// Changes of a process's state.
    ProcessState,
    /// It became STOPPED.
    ProcessStateStopped,
    /// It became EXITED.
    ProcessStateExited,
    /// It became STARTING.
    ProcessStateStarting,
    /// It became STOPPING.
    ProcessStateStopping,
    /// It became BACKOFF.
    ProcessStateBackoff,
    /// It became FATAL.
    ProcessStateFatal,
    /// It became RUNNING.
    ProcessStateRunning,
    /// It became UNKNOWN.
    ProcessStateUnknown,
    /// What a process wrote between two marks.
    ProcessCommunication,
    /// … on its stdout.
    ProcessCommunicationStdout,
    /// … on its stderr.
    ProcessCommunicationStderr,
    /// What a process wrote.
    ProcessLog,
    /// … on its stdout.
    ProcessLogStdout,
    /// … on its stderr.
    ProcessLogStderr,
    /// What a client sent by `sendRemoteCommEvent`.
    RemoteCommunication,
    /// Changes of the supervisor's own state.
    SupervisorStateChange,
    /// It runs.
    SupervisorStateChangeRunning,
    /// It ends.
    SupervisorStateChangeStopping,
    /// Time passes.
    Tick,
    /// Five seconds have.
    Tick5,
    /// A minute has.
    Tick60,
    /// An hour has.
    Tick3600,
    /// Groups come and go.
    ProcessGroup,
    /// One came.
    ProcessGroupAdded,
    /// One went.
    ProcessGroupRemoved,
}

/// Every type with its name on the wire and the type above it.
const TREE: [(EventType, &str, Option<EventType>); 27] = {
    use EventType as E;
    [
        (E::Event, "EVENT", None),
        (E::ProcessState, "PROCESS_STATE", Some(E::Event)),
        (E::ProcessStateStopped, "PROCESS_STATE_STOPPED", Some(E::ProcessState)),
        (E::ProcessStateExited, "PROCESS_STATE_EXITED", Some(E::ProcessState)),
        (E::ProcessStateStarting, "PROCESS_STATE_STARTING", Some(E::ProcessState)),
        (E::ProcessStateStopping, "PROCESS_STATE_STOPPING", Some(E::ProcessState)),
        (E::ProcessStateBackoff, "PROCESS_STATE_BACKOFF", Some(E::ProcessState)),
        (E::ProcessStateFatal, "PROCESS_STATE_FATAL", Some(E::ProcessState)),
        (E::ProcessStateRunning, "PROCESS_STATE_RUNNING", Some(E::ProcessState)),
        (E::ProcessStateUnknown, "PROCESS_STATE_UNKNOWN", Some(E::ProcessState)),
        (E::ProcessCommunication, "PROCESS_COMMUNICATION", Some(E::Event)),
        (E::ProcessCommunicationStdout, "PROCESS_COMMUNICATION_STDOUT", Some(E::ProcessCommunication)),
        (E::ProcessCommunicationStderr, "PROCESS_COMMUNICATION_STDERR", Some(E::ProcessCommunication)),
        (E::ProcessLog, "PROCESS_LOG", Some(E::Event)),
        (E::ProcessLogStdout, "PROCESS_LOG_STDOUT", Some(E::ProcessLog)),
        (E::ProcessLogStderr, "PROCESS_LOG_STDERR", Some(E::ProcessLog)),
        (E::RemoteCommunication, "REMOTE_COMMUNICATION", Some(E::Event)),
        (E::SupervisorStateChange, "SUPERVISOR_STATE_CHANGE", Some(E::Event)),
        (E::SupervisorStateChangeRunning, "SUPERVISOR_STATE_CHANGE_RUNNING", Some(E::SupervisorStateChange)),
        (E::SupervisorStateChangeStopping, "SUPERVISOR_STATE_CHANGE_STOPPING", Some(E::SupervisorStateChange)),
        (E::Tick, "TICK", Some(E::Event)),
        (E::Tick5, "TICK_5", Some(E::Tick)),
        (E::Tick60, "TICK_60", Some(E::Tick)),
        (E::Tick3600, "TICK_3600", Some(E::Tick)),
        (E::ProcessGroup, "PROCESS_GROUP", Some(E::Event)),
        (E::ProcessGroupAdded, "PROCESS_GROUP_ADDED", Some(E::ProcessGroup)),
        (E::ProcessGroupRemoved, "PROCESS_GROUP_REMOVED", Some(E::ProcessGroup)),
    ]
};

impl EventType {
    /// All types, in the order of the tree.
    pub fn all() -> impl Iterator<Item = Self> {
        TREE.iter().map(|(kind, _, _)| *kind)
    }

    /// The name on the wire and in a config.
    pub fn name(self) -> &'static str {
        TREE[self as usize].1
    }

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        TREE.iter().find(|(_, known, _)| *known == name).map(|(kind, _, _)| *kind)
    }

    /// The type above it.
    pub fn parent(self) -> Option<Self> {
        TREE[self as usize].2
    }

    /// Whether who asks for this one is told of that one.
    pub fn covers(self, other: Self) -> bool {
        let mut next = Some(other);
        while let Some(kind) = next {
            if kind == self {
                return true;
            }
            next = kind.parent();
        }
        false
    }

    /// The event of becoming this state.
    pub fn of_state(state: ProcessState) -> Self {
        match state {
            ProcessState::Stopped => Self::ProcessStateStopped,
            ProcessState::Starting => Self::ProcessStateStarting,
            ProcessState::Running => Self::ProcessStateRunning,
            ProcessState::Backoff => Self::ProcessStateBackoff,
            ProcessState::Stopping => Self::ProcessStateStopping,
            ProcessState::Exited => Self::ProcessStateExited,
            ProcessState::Fatal => Self::ProcessStateFatal,
            ProcessState::Unknown => Self::ProcessStateUnknown,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

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

/// Which output of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputChannel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputChannel {
    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
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
        let mut text = format!("{} from_state:{}", who(process), from.name());
        let written = match to {
            ProcessState::Starting | ProcessState::Backoff => write!(text, " tries:{tries}"),
            ProcessState::Running | ProcessState::Stopping | ProcessState::Stopped => write!(text, " pid:{pid}"),
            ProcessState::Exited => write!(text, " expected:{} pid:{pid}", u8::from(expected)),
            ProcessState::Fatal | ProcessState::Unknown => Ok(()),
        };
        written.expect("writing to a String cannot fail");
        Self::new(EventType::of_state(to), text)
    }

    /// A process wrote something.
    pub fn output(process: &ProcessName, pid: u32, channel: OutputChannel, kind: OutputKind, data: &str) -> Self {
        let head = format!("{} pid:{pid}", who(process));
        match (kind, channel) {
            (OutputKind::Log, OutputChannel::Stdout) => {
                Self::new(EventType::ProcessLogStdout, format!("{head} channel:{}\n{data}", channel.name()))
            }
            (OutputKind::Log, OutputChannel::Stderr) => {
                Self::new(EventType::ProcessLogStderr, format!("{head} channel:{}\n{data}", channel.name()))
            }
            (OutputKind::Communication, OutputChannel::Stdout) => {
                Self::new(EventType::ProcessCommunicationStdout, format!("{head}\n{data}"))
            }
            (OutputKind::Communication, OutputChannel::Stderr) => {
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
    let mut text = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\'' if quote == '\'' => text.push_str("\\'"),
            0x20..=0x7e => text.push(char::from(*byte)),
            other => write!(text, "\\x{other:02x}").expect("writing to a String cannot fail"),
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_stands_in_the_order_of_the_enum() {
        for (index, (kind, name, parent)) in TREE.iter().enumerate() {
            assert_eq!(*kind as usize, index);
            assert_eq!(EventType::from_name(name), Some(*kind));
            assert!(parent.is_none_or(|parent| name.starts_with(parent.name()) || parent == EventType::Event));
        }
    }

    #[test]
    fn who_asks_for_a_branch_gets_its_leaves() {
        assert!(EventType::ProcessState.covers(EventType::ProcessStateFatal));
        assert!(EventType::Event.covers(EventType::Tick5));
        assert!(EventType::Tick5.covers(EventType::Tick5));
        assert!(!EventType::Tick5.covers(EventType::Tick60));
        assert!(!EventType::ProcessStateFatal.covers(EventType::ProcessState));
    }

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
        let (out, log) = (OutputChannel::Stdout, OutputKind::Log);
        let output = PublicEvent::output(&cat, 7, out, log, "x\n");
        assert_eq!(output.payload.as_str(), "processname:cat_1 groupname:cat pid:7 channel:stdout\nx\n");
        let output = PublicEvent::output(&cat, 7, OutputChannel::Stderr, OutputKind::Communication, "x");
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
