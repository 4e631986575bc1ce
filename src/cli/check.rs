//! `run check`: everything that is wrong with the config, at once.

use clap::ValueEnum;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, say};
use crate::cli::project::{self, LoadOptions};
use crate::cli::settings::Settings;
use crate::model::{Diagnostics, Project, Severity};
use crate::ui::report;

/// Check the config and report everything that is wrong with it. Starts nothing.
///
/// Exit code: 0 fine (there may be warnings), 2 there are errors.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// How the report is written.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// The same as --format json.
    #[arg(long)]
    pub json: bool,
    /// Check with this profile active; may be given several times.
    #[arg(long, value_name = "PROFILE", value_delimiter = ',')]
    pub profile: Vec<String>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// With the source underlined.
    Human,
    /// A document with a schema number.
    Json,
}

/// Checks it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let (diagnostics, summary) = ask(settings, &args.profile)?;
    let code = if diagnostics.has_errors() { ExitCode::Usage } else { ExitCode::Fine };
    if args.json || args.format == Format::Json {
        print(&format!("{}\n", report::json(&diagnostics)))?;
        return Ok(code);
    }
    say(&report::human(&diagnostics, settings.err.colour));
    print(&summary.unwrap_or_default())?;
    Ok(code)
}

/// Everything that is wrong, and in one line what was checked when it loads.
pub fn ask(settings: &Settings, profiles: &[String]) -> Result<(Diagnostics, Option<String>), CommandError> {
    let options = LoadOptions { profiles: profiles.to_vec(), ..LoadOptions::default() };
    match project::load_with(settings, &options) {
        Ok(loaded) => {
            let summary = summary(&loaded.project, &loaded.warnings);
            Ok((loaded.warnings, Some(summary)))
        }
        Err(CommandError { diagnostics: Some(diagnostics), .. }) => Ok((*diagnostics, None)),
        Err(error) => Err(error),
    }
}

/// `run.toml: 4 programs, 1 task, no mistakes`
fn summary(project: &Project, warnings: &Diagnostics) -> String {
    let file = project.files.first().and_then(|file| file.strip_prefix(&project.root).ok());
    let file = file.map_or_else(|| project.name.clone(), |file| file.display().to_string());
    let warnings = warnings.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning).count();
    let mistakes = match warnings {
        0 => "no mistakes".to_owned(),
        1 => "1 warning".to_owned(),
        count => format!("{count} warnings"),
    };
    format!("{file}: {}, {mistakes}\n", project::counted(project))
}
