//! Why a program could not be started, as a sentence. Pure but for [`missing_interpreter`].

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nix::errno::Errno;

use super::order::Step;
use crate::codec::python::repr;
use crate::model::Dialect;
use crate::supervisor::event::SpawnFailure;

/// What the sentence speaks of.
#[derive(Debug, Clone, Copy)]
pub struct SpawnFacts<'a> {
    /// The program as it was written.
    pub program: &'a str,
    /// Where it was to run, as people know it.
    pub directory: &'a str,
    /// How many directories its PATH has.
    pub path_entries: usize,
    /// Who it was to run as.
    pub user: Option<&'a str>,
    /// Whose words are used.
    pub dialect: Dialect,
    /// Whether what was found under its name is a directory.
    pub is_directory: bool,
    /// Whether that has a bit that lets anybody execute it.
    pub is_executable: bool,
    /// The interpreter that the file's first line names and that does not exist ([`missing_interpreter`]).
    pub missing_interpreter: Option<&'a str>,
}

/// Makes the sentence for a failed step: `no such file or directory: ./bin/api (looked in ./worker; PATH has 9 entries)`.
pub fn failure_message(step: Step, errno: i32, facts: &SpawnFacts<'_>) -> SpawnFailure {
    let error = Errno::from_raw(errno);
    if let (Step::Execute, Dialect::Supervisord) = (step, facts.dialect)
        && let Some(message) = theirs(error, facts)
    {
        return SpawnFailure { step: String::new(), errno, message };
    }
    let what = match error {
        Errno::EAGAIN => "no room for another process".to_owned(),
        _ => lower_first(error.desc()),
    };
    let (step_in_words, message) = match step {
        Step::Execute => ("could not start", execute_message(error, &what, facts)),
        Step::Directory => ("could not enter the directory", format!("{what}: {}", facts.directory)),
        Step::User => {
            let hint = if error == Errno::EPERM { " (only root may)" } else { "" };
            ("could not become user", format!("{what}: {}{hint}", facts.user.unwrap_or("?")))
        }
        Step::Fork => ("could not start", format!("{what}: {}", facts.program)),
        Step::Session => ("could not start", format!("{what}: no session of its own for {}", facts.program)),
        Step::Terminal => ("could not start", format!("{what}: no terminal for {}", facts.program)),
        Step::Streams => ("could not start", format!("{what}: no streams for {}", facts.program)),
        Step::Lifeline => ("could not start", format!("the spawner is gone: {}", facts.program)),
    };
    SpawnFailure { step: step_in_words.to_owned(), errno, message }
}

/// What supervisord says of what it looks at before it forks (supervisor `options.py` `check_execv_args`): people grep for it.
fn theirs(error: Errno, facts: &SpawnFacts<'_>) -> Option<String> {
    let program = repr(facts.program);
    match (error, facts.missing_interpreter) {
        (Errno::ENOENT, None) => Some(format!("can't find command {program}")),
        (Errno::EACCES, _) if facts.is_directory => Some(format!("command at {program} is a directory")),
        (Errno::EACCES, _) if facts.is_executable => Some(format!("no permission to run command {program}")),
        (Errno::EACCES, _) => Some(format!("command at {program} is not executable")),
        _ => None,
    }
}

fn execute_message(error: Errno, what: &str, facts: &SpawnFacts<'_>) -> String {
    let program = facts.program;
    match (error, facts.missing_interpreter) {
        (Errno::ENOENT, Some(interpreter)) if interpreter.ends_with('\r') => {
            let interpreter = interpreter.trim_end();
            format!(
                "the first line of {program} ends as lines do on Windows, so the system looks for {interpreter}\\r; \
                 sed -i 's/\\r$//' {program} mends it"
            )
        }
        (Errno::ENOENT, Some(interpreter)) => {
            format!("{what}: {interpreter}, the interpreter that the first line of {program} names")
        }
        (Errno::ENOENT, None) => {
            let entries = match facts.path_entries {
                1 => "1 entry".to_owned(),
                count => format!("{count} entries"),
            };
            format!("{what}: {program} (looked in {}; PATH has {entries})", facts.directory)
        }
        (Errno::EACCES, _) if facts.is_directory => format!("{program} is a directory"),
        (Errno::EACCES, _) => format!("{what}: {program} (is it executable?)"),
        (Errno::EINVAL, _) => format!("{what}: {program} (a zero byte in its command, environment or directory)"),
        _ => format!("{what}: {program}"),
    }
}

fn lower_first(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

/// The interpreter that a script's first line names, when the script is there and the interpreter is not: the system then says that
/// the *script* does not exist. To the system the carriage return of a line from Windows is part of the name.
pub fn missing_interpreter(script: &Path) -> Option<String> {
    let mut head = [0_u8; 256];
    let count = File::open(script).ok()?.read(&mut head).ok()?;
    let line = head[..count].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let interpreter = String::from_utf8_lossy(line).split([' ', '\t']).find(|word| !word.is_empty())?.to_owned();
    (!Path::new(&interpreter).exists()).then_some(interpreter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: SpawnFacts<'_> = SpawnFacts {
        program: "./bin/api",
        directory: "./worker",
        path_entries: 9,
        user: Some("postgres"),
        dialect: Dialect::Native,
        is_directory: false,
        is_executable: false,
        missing_interpreter: None,
    };

    fn sentence(step: Step, errno: Errno, facts: &SpawnFacts<'_>) -> String {
        failure_message(step, errno as i32, facts).sentence()
    }

    #[test]
    fn every_step_makes_a_sentence() {
        for (step, errno, expected) in [
            (
                Step::Execute,
                Errno::ENOENT,
                "could not start: no such file or directory: ./bin/api (looked in ./worker; PATH has 9 entries)",
            ),
            (Step::Execute, Errno::EACCES, "could not start: permission denied: ./bin/api (is it executable?)"),
            (Step::Execute, Errno::E2BIG, "could not start: argument list too long: ./bin/api"),
            (Step::Directory, Errno::ENOENT, "could not enter the directory: no such file or directory: ./worker"),
            (Step::User, Errno::EPERM, "could not become user: operation not permitted: postgres (only root may)"),
            (Step::Fork, Errno::EAGAIN, "could not start: no room for another process: ./bin/api"),
        ] {
            assert_eq!(sentence(step, errno, &FACTS), expected);
        }
    }

    #[test]
    fn a_supervisord_conf_hears_supervisords_words() {
        let theirs = SpawnFacts { dialect: Dialect::Supervisord, ..FACTS };
        for (errno, facts, expected) in [
            (Errno::ENOENT, theirs, "can't find command './bin/api'"),
            (Errno::EACCES, theirs, "command at './bin/api' is not executable"),
            (Errno::EACCES, SpawnFacts { is_directory: true, ..theirs }, "command at './bin/api' is a directory"),
            (Errno::EACCES, SpawnFacts { is_executable: true, ..theirs }, "no permission to run command './bin/api'"),
        ] {
            assert_eq!(failure_message(Step::Execute, errno as i32, &facts).sentence(), expected);
        }
        let lost = failure_message(Step::Directory, Errno::ENOENT as i32, &theirs).sentence();
        assert_eq!(lost, "could not enter the directory: no such file or directory: ./worker");
    }

    #[test]
    fn a_directory_is_called_one() {
        let facts = SpawnFacts { is_directory: true, ..FACTS };
        assert_eq!(sentence(Step::Execute, Errno::EACCES, &facts), "could not start: ./bin/api is a directory");
    }

    #[test]
    fn a_missing_interpreter_is_named_instead_of_the_script() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("api");
        std::fs::write(&script, "#!/no/such/python -u\n").unwrap();
        let interpreter = missing_interpreter(&script);
        let facts = SpawnFacts { missing_interpreter: interpreter.as_deref(), ..FACTS };
        assert_eq!(
            failure_message(Step::Execute, Errno::ENOENT as i32, &facts).message,
            "no such file or directory: /no/such/python, the interpreter that the first line of ./bin/api names"
        );
        std::fs::write(&script, "#! /bin/sh\t-e\n").unwrap();
        assert_eq!(missing_interpreter(&script), None);
        assert_eq!(missing_interpreter(Path::new("/no/such/file")), None);
    }

    #[test]
    fn a_script_with_the_line_ends_of_windows_is_told_as_that() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("api");
        for (first_line, interpreter) in [("#!/bin/sh\r\n", "/bin/sh"), ("#! /no/such/python\r\n", "/no/such/python")] {
            std::fs::write(&script, first_line).unwrap();
            let found = missing_interpreter(&script);
            let facts = SpawnFacts { missing_interpreter: found.as_deref(), ..FACTS };
            assert_eq!(
                failure_message(Step::Execute, Errno::ENOENT as i32, &facts).message,
                format!(
                    "the first line of ./bin/api ends as lines do on Windows, so the system looks for {interpreter}\\r; \
                     sed -i 's/\\r$//' ./bin/api mends it"
                )
            );
        }
        // Behind an argument it is the interpreter's business.
        std::fs::write(&script, "#!/bin/sh -e\r\n").unwrap();
        assert_eq!(missing_interpreter(&script), None);
    }
}
