//! `run attach NAME`: a program's terminal, or its stdin and output.

mod input;
mod screen;
mod session;

use clap_complete::engine::ArgValueCandidates;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::cli::{complete, project, select};
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::ui::text::clean;
use session::Session;

/// Attach to a program: its terminal, or lines to its stdin; Ctrl-] leaves.
///
/// A program with a terminal (`tty = true`, or one that `run up` gave a terminal) gets every key, Ctrl-C too, and the size of ours. To any
/// other one lines are sent, and Ctrl-C leaves. Its last lines come first; everything is logged as always. Several may be attached.
/// Leaving never ends the program, nor its stdin.
///
/// Exit code: 0 left, or the project has ended; 2 not up, not running, or not to be attached to.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// One process.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::running))]
    pub name: String,
    /// Wait for it when it is not running.
    #[arg(long)]
    pub wait: bool,
    /// End its stdin when ours ends, and stay until it has ended. Not for a program with a terminal: there Ctrl-D is a key.
    #[arg(long)]
    pub eof: bool,
}

/// Attaches until the user leaves or the project ends.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let mut connection = project::connect(settings)?;
    let status = connection.status()?;
    let process = one(&status, &args.name)?;
    if process.pid == 0 && !args.wait {
        return Err(not_running(process));
    }
    let name = process.name.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (hearing, saying) = connection.attach(&name)?;
        let session = Session::new(settings, args, &mut connection, &name)?;
        session.run(hearing, saying).await
    })
}

/// The one process that a word means.
fn one<'a>(status: &'a ProjectStatus, word: &str) -> Result<&'a ProcessStatus, CommandError> {
    let found = select::select(status, &[word.to_owned()])?;
    match found.as_slice() {
        [process] => Ok(process),
        many => {
            let names: Vec<String> = many.iter().map(|process| clean(&process.name)).collect();
            let error = CommandError::user(format!("`{word}` means {} processes; one can be attached to", names.len()));
            Err(names.iter().fold(error, |error, name| error.hint(format!("run attach {name}"))))
        }
    }
}

fn not_running(process: &ProcessStatus) -> CommandError {
    let name = clean(&process.name);
    let note = if process.note.is_empty() { String::new() } else { format!(": {}", clean(&process.note)) };
    CommandError::project(format!("{name} is {}{note}", process.state))
        .hint(format!("run start {name}          starts it"))
        .hint(format!("run attach --wait {name}  waits for it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    #[test]
    fn one_process_is_meant_or_it_is_said_which_there_are() {
        let mut shop = sample::shop();
        for number in 0..2 {
            let mut process = sample::process(&format!("mail:mail_{number}"), 5);
            process.program = "mail".into();
            shop.processes.push(process);
        }
        assert_eq!(one(&shop, "web").unwrap().name, "web");
        assert_eq!(one(&shop, "mail_1").unwrap().name, "mail:mail_1");
        let error = one(&shop, "mail").unwrap_err();
        assert_eq!(error.message, "`mail` means 2 processes; one can be attached to");
        assert_eq!(error.hints, ["run attach mail:mail_0", "run attach mail:mail_1"]);
        assert_eq!(one(&shop, "wbe").unwrap_err().message, "shop has no program or group `wbe`");
    }
}
