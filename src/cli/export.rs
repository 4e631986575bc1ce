//! `run export FORMAT`: the project in the notation of another tool.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueHint;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, say};
use crate::cli::project::{self, LoadOptions};
use crate::cli::settings::{Settings, Verbosity};
use crate::export::unit::Site;
use crate::export::{EXPORT_FORMATS, ExportFormat, Exported};

/// Write the project in the notation of another tool: its programs, order, checks and environment.
///
/// What the notation cannot say is named on stderr and as a comment. Values that look secret are left out, unless they are asked
/// for. Several files are printed one after the other, each under its name.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The notation.
    #[arg(value_name = "FORMAT", value_parser = PossibleValuesParser::new(EXPORT_FORMATS.iter().map(|format| {
        PossibleValue::new(format.name).help(format.doc)
    })))]
    pub format: String,
    /// Write the files into this directory. Those that are there are left alone without --force.
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Overwrite files that are there.
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Write also what looks secret.
    #[arg(long)]
    pub with_secrets: bool,
    /// Export also the programs of this profile; may be given several times.
    #[arg(long, value_name = "PROFILE", value_delimiter = ',')]
    pub profile: Vec<String>,
}

/// Exports it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let options = LoadOptions { profiles: args.profile.clone(), ..LoadOptions::default() };
    let loaded = project::load_with(settings, &options)?;
    let ports = project::ports(settings, &loaded)?;
    let site =
        Site { project: &loaded.project, name: &loaded.display_name, ports: &ports, with_secrets: args.with_secrets };
    let exported = (format_of(&args.format).render)(&site);
    match &args.output {
        Some(directory) => write(&settings.directory.join(directory), &exported, args.force)?,
        None => print(&shown(&exported))?,
    }
    if settings.verbosity > Verbosity::Quiet {
        let mark = settings.err.theme().signs().warning;
        let remarks: Vec<String> = exported.remarks.iter().map(|remark| format!("{mark} {remark}\n")).collect();
        say(&remarks.concat());
    }
    Ok(ExitCode::Fine)
}

fn format_of(name: &str) -> &'static ExportFormat {
    EXPORT_FORMATS.iter().find(|format| format.name == name).unwrap_or(&EXPORT_FORMATS[0])
}

/// One file as it is, several under their names.
fn shown(exported: &Exported) -> String {
    match exported.files.as_slice() {
        [file] => file.text.clone(),
        files => {
            let shown = files.iter().map(|file| format!("# ==== {}\n{}\n", file.path, file.text));
            shown.collect::<Vec<_>>().concat()
        }
    }
}

/// Writes all files, or none where one is in the way.
fn write(directory: &Path, exported: &Exported, force: bool) -> Result<(), CommandError> {
    let refused = |path: &Path, error: &std::io::Error| {
        CommandError::user(format!("could not write {}: {error}", path.display()))
    };
    let paths: Vec<PathBuf> = exported.files.iter().map(|file| directory.join(&file.path)).collect();
    if let Some(there) = paths.iter().find(|path| path.exists() && !force) {
        let error = CommandError::user(format!("{} is there already, so nothing was written", there.display()));
        return Err(error.hint("--force overwrites it"));
    }
    fs::create_dir_all(directory).map_err(|error| refused(directory, &error))?;
    for (path, file) in paths.iter().zip(&exported.files) {
        fs::write(path, &file.text).map_err(|error| refused(path, &error))?;
        say(&format!("wrote {}\n", path.display()));
    }
    Ok(())
}
