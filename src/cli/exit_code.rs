//! The exit statuses of `run`. This is the only place with numbers.

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// All is well.
    Fine,
    /// A program failed.
    Failed,
    /// A usage or config error, or what was asked could not be done.
    Usage,
    /// `status`: the project is not up.
    NotUp,
    /// `status`: something is still starting.
    StillStarting,
    /// A time limit was over first.
    TimedOut,
    /// Ended by the second Ctrl-C.
    Killed,
    /// The code of a program, handed on as it stands.
    Program(u8),
    /// What `ctl` ends with, as supervisorctl would.
    Ctl(CtlStatus),
}

/// The exit statuses of supervisorctl (supervisor `supervisorctl.py` `LSBInitExitStatuses`, `LSBStatusExitStatuses`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CtlStatus {
    /// All is well.
    Fine,
    /// Something went wrong.
    Generic,
    /// The command line makes no sense.
    BadArguments,
    /// The server lacks supervisord's methods.
    Unimplemented,
    /// `status`: something that was listed is down.
    SomethingIsDown,
    /// The server refused the connection.
    Refused,
    /// `status`: nobody answers, or a name is unknown.
    Unknown,
    /// The server speaks another version.
    WrongVersion,
    /// A program, or the server, does not run.
    NotRunning,
    /// The code of a `run-ctl-NAME`.
    Plugin(u8),
}

impl CtlStatus {
    fn number(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Generic => 1,
            Self::BadArguments => 2,
            Self::Unimplemented | Self::SomethingIsDown => 3,
            Self::Refused | Self::Unknown => 4,
            Self::WrongVersion => 5,
            Self::NotRunning => 7,
            Self::Plugin(code) => code,
        }
    }
}

impl From<CtlStatus> for ExitCode {
    fn from(status: CtlStatus) -> Self {
        Self::Ctl(status)
    }
}

impl ExitCode {
    /// The number the shell sees.
    pub fn number(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage | Self::NotUp => 2,
            Self::StillStarting => 3,
            Self::TimedOut => 124,
            Self::Killed => 130,
            Self::Program(code) => code,
            Self::Ctl(status) => status.number(),
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_documents() {
        let all = [ExitCode::Fine, ExitCode::Failed, ExitCode::NotUp, ExitCode::StillStarting, ExitCode::TimedOut];
        assert_eq!(all.map(ExitCode::number), [0, 1, 2, 3, 124]);
        assert_eq!(ExitCode::Usage.number(), 2);
        assert_eq!(ExitCode::Killed.number(), 130);
        assert_eq!(ExitCode::Program(7).number(), 7);
    }
}
