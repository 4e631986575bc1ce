//! The tree of supervisord's types of event (supervisor `events.py` `EventTypes`).

use std::fmt;

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
}
