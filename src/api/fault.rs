//! supervisord's fault codes and their names (supervisor `xmlrpc.py` `Faults`).

/// A refusal: a code, and `NAME` or `NAME: detail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One of the codes below.
    pub code: i32,
    /// Its name, and what it is about.
    pub text: String,
}

/// No such method.
pub const UNKNOWN_METHOD: i32 = 1;
/// Too many or too few arguments, or of the wrong type.
pub const INCORRECT_PARAMETERS: i32 = 2;
/// An argument has a value it cannot have.
pub const BAD_ARGUMENTS: i32 = 3;
/// No such method to describe.
pub const SIGNATURE_UNSUPPORTED: i32 = 4;
/// The project is going down.
pub const SHUTDOWN_STATE: i32 = 6;
/// No such process or group.
pub const BAD_NAME: i32 = 10;
/// No such signal.
pub const BAD_SIGNAL: i32 = 11;
/// The program's file does not exist.
pub const NO_FILE: i32 = 20;
/// The program's file cannot be executed.
pub const NOT_EXECUTABLE: i32 = 21;
/// Something else went wrong.
pub const FAILED: i32 = 30;
/// It ended or was stopped while it was waited for.
pub const ABNORMAL_TERMINATION: i32 = 40;
/// It could not be spawned.
pub const SPAWN_ERROR: i32 = 50;
/// It is up or on its way.
pub const ALREADY_STARTED: i32 = 60;
/// It is not up.
pub const NOT_RUNNING: i32 = 70;
/// No fault at all: the status of what went well.
pub const SUCCESS: i32 = 80;

/// The group is in use already.
pub const ALREADY_ADDED: i32 = 90;
/// Something of the group is up.
pub const STILL_RUNNING: i32 = 91;
/// The config does not load.
pub const CANT_REREAD: i32 = 92;

const NAMES: &[(i32, &str)] = &[
    (UNKNOWN_METHOD, "UNKNOWN_METHOD"),
    (INCORRECT_PARAMETERS, "INCORRECT_PARAMETERS"),
    (BAD_ARGUMENTS, "BAD_ARGUMENTS"),
    (SIGNATURE_UNSUPPORTED, "SIGNATURE_UNSUPPORTED"),
    (SHUTDOWN_STATE, "SHUTDOWN_STATE"),
    (BAD_NAME, "BAD_NAME"),
    (BAD_SIGNAL, "BAD_SIGNAL"),
    (NO_FILE, "NO_FILE"),
    (NOT_EXECUTABLE, "NOT_EXECUTABLE"),
    (FAILED, "FAILED"),
    (ABNORMAL_TERMINATION, "ABNORMAL_TERMINATION"),
    (SPAWN_ERROR, "SPAWN_ERROR"),
    (ALREADY_STARTED, "ALREADY_STARTED"),
    (NOT_RUNNING, "NOT_RUNNING"),
    (SUCCESS, "SUCCESS"),
    (ALREADY_ADDED, "ALREADY_ADDED"),
    (STILL_RUNNING, "STILL_RUNNING"),
    (CANT_REREAD, "CANT_REREAD"),
];

impl Fault {
    /// A fault without detail.
    pub fn plain(code: i32) -> Self {
        Self { code, text: name(code).to_owned() }
    }

    /// A fault with a detail, mostly the name that was asked for.
    pub fn new(code: i32, detail: impl std::fmt::Display) -> Self {
        Self { code, text: format!("{}: {detail}", name(code)) }
    }
}

fn name(code: i32) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == code).map_or("UNKNOWN", |(_, name)| name)
}
