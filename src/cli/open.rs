//! `run open [NAME]`: a program in the browser.

use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap_complete::engine::ArgValueCandidates;

use crate::cli::complete;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::print;
use crate::cli::ports::{PortRow, rows};
use crate::cli::project;
use crate::cli::select::select;
use crate::cli::settings::Settings;
use crate::model::status::ProjectStatus;
use crate::registry::{self, Homes};

/// Open a program in the browser, and print where that is.
///
/// Without a name: the one that speaks HTTP, if there is one only. The browser is $BROWSER, else the desktop's.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// A program, or NAME.PORT for one of its further ports.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::running))]
    pub name: Option<String>,
    /// Print the URL and open nothing.
    #[arg(long)]
    pub print: bool,
}

/// How long a browser is watched for failing at once.
const WATCHED: Duration = Duration::from_millis(700);

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Browsers that need the terminal until they are left.
const IN_TERMINAL: [&str; 6] = ["w3m", "lynx", "links", "elinks", "www-browser", "browsh"];

/// Opens it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let status = project::connect(settings)?.status()?;
    let proxy = registry::proxies(&Homes::of_this_user()).into_iter().next();
    let all: Vec<PortRow> =
        status.processes.iter().flat_map(|process| rows(process, &status.project, proxy.as_ref())).collect();
    let url = match &args.name {
        Some(name) => named(&status, &all, name)?.address(),
        None => only(&all, &status.project)?.address(),
    };
    print(&format!("{url}\n"))?;
    match browser(settings).filter(|_| !args.print) {
        Some(browser) => start(&browser, &url).map(|()| ExitCode::Fine),
        None => Ok(ExitCode::Fine),
    }
}

/// The port that a word means: the main one of a program, or a further one by `NAME.PORT`.
fn named<'a>(status: &ProjectStatus, all: &'a [PortRow], word: &str) -> Result<&'a PortRow, CommandError> {
    if let Some((program, port)) = word.rsplit_once('.')
        && let Some(row) = all.iter().find(|row| (row.program == program || row.process == program) && row.name == port)
    {
        return Ok(row);
    }
    let words = [word.to_owned()];
    let processes = select(status, &words)?;
    let of = |row: &&PortRow| processes.iter().any(|process| process.name == row.process);
    let rows: Vec<&PortRow> = all.iter().filter(of).collect();
    let main = rows.iter().find(|row| row.name.is_empty());
    match (main, rows.as_slice()) {
        (Some(row), _) => Ok(row),
        (None, [row]) => Ok(row),
        (None, []) => Err(CommandError::user(format!("{word} has no port")).hint("port = \"auto\" gives it one")),
        (None, several) => Err(which(&format!("{word} has several ports"), several)),
    }
}

/// The one that speaks HTTP, else the only one.
fn only<'a>(all: &'a [PortRow], project: &str) -> Result<&'a PortRow, CommandError> {
    let web: Vec<&PortRow> = all.iter().filter(|row| row.url.is_some()).collect();
    let main: Vec<&PortRow> = all.iter().filter(|row| row.name.is_empty()).collect();
    match (web.as_slice(), main.as_slice()) {
        ([row], _) | ([], [row]) => Ok(row),
        ([], []) => Err(CommandError::user(format!("no program of {project} has a port"))),
        ([], several) | (several, _) => Err(which("several could be meant", several)),
    }
}

fn which(what: &str, rows: &[&PortRow]) -> CommandError {
    let name = |row: &PortRow| match row.name.as_str() {
        "" => row.process.clone(),
        port => format!("{}.{port}", row.process),
    };
    let hint =
        |error: CommandError, row: &&PortRow| error.hint(format!("run open {}     {}", name(row), row.address()));
    rows.iter().fold(CommandError::user(what), hint)
}

/// The command of the browser, word by word; `None` where there is none to see it.
fn browser(settings: &Settings) -> Option<Vec<String>> {
    let variable = |name: &str| settings.environment.get(name).filter(|value| !value.is_empty());
    if let Some(own) = variable("BROWSER") {
        // Several are separated by colons, as other tools have it; the first one that parses is taken.
        return own.split(':').find_map(|one| shell_words::split(one).ok().filter(|words| !words.is_empty()));
    }
    if cfg!(target_os = "macos") {
        return Some(vec!["open".to_owned()]);
    }
    let has_screen = variable("DISPLAY").or(variable("WAYLAND_DISPLAY")).is_some();
    has_screen.then(|| vec!["xdg-open".to_owned()])
}

/// Starts it and leaves it running; one that fails at once, or that needs the terminal, is waited for.
fn start(browser: &[String], url: &str) -> Result<(), CommandError> {
    let Some((program, rest)) = browser.split_first() else { return Ok(()) };
    let failed = |error: io::Error| CommandError::user(format!("could not start {program}: {error}"));
    let mut command = Command::new(program);
    let has_place = rest.iter().any(|word| word.contains("%s"));
    command.args(rest.iter().map(|word| word.replace("%s", url)));
    if !has_place {
        command.arg(url);
    }
    let name = program.rsplit('/').next().unwrap_or_default();
    let ended = if IN_TERMINAL.contains(&name) {
        Some(command.status().map_err(failed)?)
    } else {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        soon_ended(&mut command.spawn().map_err(failed)?).map_err(failed)?
    };
    match ended {
        Some(status) if !status.success() => Err(CommandError::user(format!("{program} failed: {status}"))),
        Some(_) | None => Ok(()),
    }
}

fn soon_ended(child: &mut Child) -> io::Result<Option<std::process::ExitStatus>> {
    let began = Instant::now();
    while began.elapsed() < WATCHED {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Word;
    use crate::ui::sample_status as sample;

    fn row(program: &str, name: &str, port: u16, is_web: bool) -> PortRow {
        PortRow {
            program: program.into(),
            process: program.into(),
            name: name.into(),
            port,
            state: Word::Ready,
            url: is_web.then(|| format!("http://127.0.0.1:{port}")),
            proxied_url: None,
            taken_by: None,
        }
    }

    #[test]
    fn without_a_name_the_one_that_speaks_http_is_meant() {
        let (db, web, api) = (row("db", "", 1, false), row("web", "", 2, true), row("api", "", 3, true));
        let chosen = |rows: &[PortRow]| only(rows, "shop").map(|row| row.port).map_err(|error| error.hints);
        assert_eq!(chosen(&[db.clone(), web.clone()]), Ok(2));
        assert_eq!(chosen(std::slice::from_ref(&db)), Ok(1));
        let both =
            vec!["run open web     http://127.0.0.1:2".to_owned(), "run open api     http://127.0.0.1:3".to_owned()];
        assert_eq!(chosen(&[db, web, api]), Err(both));
        assert!(chosen(&[]).is_err());
    }

    #[test]
    fn a_named_port_is_written_behind_a_dot() {
        let (shop, all) = (sample::shop(), [row("api", "", 3101, true), row("api", "debug", 9229, false)]);
        let port = |word: &str| named(&shop, &all, word).map(|row| row.port).ok();
        assert_eq!((port("api"), port("api.debug")), (Some(3101), Some(9229)));
        assert_eq!((port("web"), port("nobody")), (None, None));
    }
}
