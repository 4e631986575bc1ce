//! A bare `run`: the state of what runs here, or what could be started.

use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, say};
use crate::cli::project::{self, NotUp};
use crate::cli::settings::Settings;
use crate::cli::status;
use crate::model::Word;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::ui::look::Look;
use crate::ui::table;
use crate::ui::text::{pad, width};

/// Says what there is to say.
pub fn run(settings: &Settings) -> Result<ExitCode, CommandError> {
    match project::find(settings)? {
        Ok(mut connection) => running(settings, &mut connection),
        Err(not_up) => stopped(settings, &not_up),
    }
}

fn running(settings: &Settings, connection: &mut Connection) -> Result<ExitCode, CommandError> {
    let status = status::ask(connection, settings)?;
    let processes: Vec<&ProcessStatus> = status.processes.iter().collect();
    let look = settings.look(&settings.out);
    print(&format!("{}\n{}", table::render(&status, &processes, &look), next(&status, &look)))?;
    Ok(status::verdict(&processes))
}

/// What to type next: first about what is wrong.
fn next(status: &ProjectStatus, look: &Look) -> String {
    let unwell = status.processes.iter().find(|process| process.state.is_failure());
    let unwell = unwell.or_else(|| status.processes.iter().find(|process| !process.state.is_settled_well()));
    let mut commands = match unwell {
        Some(process) if process.state == Word::Failed => {
            vec![format!("why {}", process.name), format!("restart {}", process.name)]
        }
        Some(process) => vec![format!("why {}", process.name)],
        None => Vec::new(),
    };
    commands.extend(["logs -f", "down", "--help"].map(str::to_owned));
    let lines: Vec<String> = commands.iter().map(|command| look.address.line(command)).collect();
    format!("next: {}\n", lines.join(&format!("  {}  ", look.theme.signs().dot)))
}

/// What `run up` would start. Mistakes in the config are reported here, too.
fn stopped(settings: &Settings, not_up: &NotUp) -> Result<ExitCode, CommandError> {
    let loaded = project::load(settings)?;
    let mut ending = String::new();
    let mut next = vec![(&not_up.up, format!("starts {}", project::counted(&loaded.project)))];
    if let Some((failure, why)) = &not_up.failure {
        ending = failure.sentence() + "\n";
        next.push((why, "tells more of that".to_owned()));
    }
    let columns = next.iter().map(|(command, _)| width(command)).max().unwrap_or(0);
    let next: Vec<String> =
        next.iter().map(|(command, does)| format!("{}   {does}\n", pad(command, columns))).collect();
    say(&format!(
        "{} is not up   ({})\n{ending}next: {}",
        loaded.display_name,
        loaded.file_names().join(", "),
        next.join("      ")
    ));
    Ok(ExitCode::NotUp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    #[test]
    fn what_is_wrong_comes_first() {
        let mut shop = sample::shop();
        assert_eq!(
            next(&shop, &Look::plain()),
            "next: run why worker  -  run restart worker  -  run logs -f  -  run down  -  run --help\n"
        );
        shop.processes[4].state = Word::Starting;
        assert!(next(&shop, &Look::plain()).starts_with("next: run why worker  -  run logs -f"));
        shop.processes[4].state = Word::Ready;
        assert_eq!(next(&shop, &Look::plain()), "next: run logs -f  -  run down  -  run --help\n");
    }
}
