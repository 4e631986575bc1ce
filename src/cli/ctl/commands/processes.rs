//! Acting on processes: `start`, `stop`, `restart`, `signal`.

use crate::api::fault::{
    ABNORMAL_TERMINATION, ALREADY_STARTED, BAD_NAME, BAD_SIGNAL, FAILED, NO_FILE, NOT_EXECUTABLE, NOT_RUNNING,
    SPAWN_ERROR, SUCCESS,
};
use crate::cli::ctl::command::{Completes, CtlCommand};
use crate::cli::ctl::process::{items, make_namespec, number, split_namespec, text};
use crate::cli::ctl::session::Session;
use crate::cli::ctl::trouble::Trouble;
use crate::cli::exit_code::CtlStatus;
use crate::codec::xmlrpc::Value;

/// The family's rows.
pub(in crate::cli::ctl) const COMMANDS: &[CtlCommand] = &[
    CtlCommand {
        name: "start",
        usage: &[
            ("start <name> [...]", "Start processes or groups"),
            ("start <group>:*", "Start all processes of a group"),
            ("start all", "Start all processes"),
        ],
        completes: Completes::Processes,
        run: start,
    },
    CtlCommand {
        name: "stop",
        usage: &[
            ("stop <name> [...]", "Stop processes or groups"),
            ("stop <group>:*", "Stop all processes of a group"),
            ("stop all", "Stop all processes"),
        ],
        completes: Completes::Processes,
        run: stop,
    },
    CtlCommand {
        name: "restart",
        usage: &[
            ("restart <name> [...]", "Stop, then start processes or groups; the config is not read again"),
            ("restart <group>:*", "All processes of a group"),
            ("restart all", "All processes"),
        ],
        completes: Completes::Processes,
        run: restart,
    },
    CtlCommand {
        name: "signal",
        usage: &[
            ("signal <signal> <name> [...]", "Send a signal to processes or groups"),
            ("signal <signal> <group>:*", "To all processes of a group"),
            ("signal <signal> all", "To all processes"),
        ],
        completes: Completes::SignalThenProcesses,
        run: signal,
    },
];

/// What one of these commands asks, and how it tells what became of it.
struct Deed<'a> {
    one: &'static str,
    group: &'static str,
    all: &'static str,
    /// What every call takes behind the name.
    extra: &'a [Value],
    /// The word for what went well.
    done: &'static str,
    /// The fault that is no failure.
    harmless: Option<i32>,
    /// What an unknown group ends with.
    no_group: CtlStatus,
    /// What is said of a fault.
    words: fn(i32) -> Option<&'static str>,
}

const START: Deed<'_> = Deed {
    one: "startProcess",
    group: "startProcessGroup",
    all: "startAllProcesses",
    extra: &[],
    done: "started",
    harmless: Some(ALREADY_STARTED),
    no_group: CtlStatus::BadArguments,
    words: start_words,
};

const STOP: Deed<'_> = Deed {
    one: "stopProcess",
    group: "stopProcessGroup",
    all: "stopAllProcesses",
    extra: &[],
    done: "stopped",
    harmless: Some(NOT_RUNNING),
    no_group: CtlStatus::Generic,
    words: stop_words,
};

fn start_words(code: i32) -> Option<&'static str> {
    Some(match code {
        BAD_NAME => "no such process",
        NO_FILE => "no such file",
        NOT_EXECUTABLE => "file is not executable",
        ALREADY_STARTED => "already started",
        SPAWN_ERROR => "spawn error",
        ABNORMAL_TERMINATION => "abnormal termination",
        _ => return None,
    })
}

fn stop_words(code: i32) -> Option<&'static str> {
    Some(match code {
        BAD_NAME => "no such process",
        BAD_SIGNAL => "bad signal name",
        NOT_RUNNING => "not running",
        _ => return None,
    })
}

fn start(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    if names.is_empty() {
        return session.refuse(CtlStatus::BadArguments, "Error: start requires a process name", "start");
    }
    START.perform(session, &names)
}

fn stop(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    if names.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: stop requires a process name", "stop");
    }
    STOP.perform(session, &names)
}

fn restart(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    if argument.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: restart requires a process name", "restart");
    }
    stop(session, argument)?;
    start(session, argument)
}

fn signal(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let [signal, names @ ..] = words.as_slice() else { return refuse_signal(session) };
    if names.is_empty() {
        return refuse_signal(session);
    }
    let deed = Deed {
        one: "signalProcess",
        group: "signalProcessGroup",
        all: "signalAllProcesses",
        extra: &[(*signal).into()],
        done: "signalled",
        harmless: None,
        no_group: CtlStatus::Generic,
        words: stop_words,
    };
    deed.perform(session, names)
}

fn refuse_signal(session: &mut Session<'_>) -> Result<(), Trouble> {
    session.refuse(CtlStatus::Generic, "Error: signal requires a signal name and a process name", "signal")
}

impl Deed<'_> {
    fn perform(&self, session: &mut Session<'_>, names: &[&str]) -> Result<(), Trouble> {
        if names.contains(&"all") {
            let results = session.call(self.all, self.extra)?;
            return self.tell_all(session, &results);
        }
        names.iter().try_for_each(|name| match split_namespec(name) {
            (group, None) => self.to_group(session, group),
            (group, Some(process)) => self.to_one(session, name, &make_namespec(group, Some(process))),
        })
    }

    fn call(&self, session: &mut Session<'_>, method: &str, name: &str) -> Result<Value, Trouble> {
        let params: Vec<Value> = [Value::from(name)].into_iter().chain(self.extra.iter().cloned()).collect();
        session.call(method, &params)
    }

    fn to_group(&self, session: &mut Session<'_>, group: &str) -> Result<(), Trouble> {
        match self.call(session, self.group, group) {
            Ok(results) => self.tell_all(session, &results),
            Err(trouble) if trouble.fault_code() == Some(BAD_NAME) => {
                session.fail(self.no_group);
                session.say(format_args!("{group}: ERROR (no such group)"))
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn to_one(&self, session: &mut Session<'_>, name: &str, shown: &str) -> Result<(), Trouble> {
        match self.call(session, self.one, name) {
            Ok(_) => session.say(format_args!("{shown}: {}", self.done)),
            Err(Trouble::Fault { code, text }) => self.tell(session, shown, code.into(), &text),
            Err(trouble) => Err(trouble),
        }
    }

    fn tell_all(&self, session: &mut Session<'_>, results: &Value) -> Result<(), Trouble> {
        items(results)?.iter().try_for_each(|result| {
            let name = make_namespec(text(result, "group")?, Some(text(result, "name")?));
            self.tell(session, &name, number(result, "status")?, text(result, "description")?)
        })
    }

    /// Says what became of one process, and notes what that means for the exit status.
    fn tell(&self, session: &mut Session<'_>, name: &str, status: i64, description: &str) -> Result<(), Trouble> {
        let code = i32::try_from(status).unwrap_or(0);
        match (self.words)(code) {
            Some(words) => session.say(format_args!("{name}: ERROR ({words})"))?,
            None if code == SUCCESS => session.say(format_args!("{name}: {}", self.done))?,
            // A failed stop or signal says itself what it is about; nobody expects a start to fail like that.
            None if code == FAILED && self.done != START.done => session.say(description)?,
            None => return Err(Trouble::unknown_code(status, name)),
        }
        session.fail_by_fault(status, self.harmless);
        Ok(())
    }
}
