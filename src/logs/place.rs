//! Where the output of each process can be read: in the log file that was named, in one that nobody named, or in the kept log.

use std::path::{Path, PathBuf};

use crate::logs::auto::AutoLogs;
use crate::logs::kept::layout;
use crate::model::program::Instance;
use crate::model::supervisord::LogChoice;
use crate::model::{Channel, LogFile, ProcessName, Program, ProgramName, Project};

/// Where one output of a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPlace {
    /// It is not to be read: there is none, it goes where stdout goes, or nobody wants it.
    Nowhere,
    /// In this directory of the kept logs.
    Kept(PathBuf),
    /// In a file.
    File(LogFile),
    /// In something that cannot be read again, such as our own stdout.
    Device(PathBuf),
}

impl LogPlace {
    /// What to write: the file, and where output is not shown anyway a device, too.
    pub fn into_copy(self, with_devices: bool) -> Option<LogFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Device(path) if with_devices => Some(LogFile { path, maxbytes: 0, backups: 0 }),
            Self::Nowhere | Self::Kept(_) | Self::Device(_) => None,
        }
    }

    /// The file, if it is one.
    pub fn into_file(self) -> Option<LogFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Nowhere | Self::Kept(_) | Self::Device(_) => None,
        }
    }

    /// What is reported as the log file; of a kept log the link that leads to its latest piece.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Nowhere => None,
            Self::Kept(directory) => Some(directory.join(layout::LATEST)),
            Self::File(file) => Some(file.path.clone()),
            Self::Device(path) => Some(path.clone()),
        }
    }
}

/// Knows the place of every output. It holds nothing of the project, so a changed one is no news to it.
#[derive(Debug, Clone, Default)]
pub struct LogPlaces {
    kept: Option<PathBuf>,
    auto: Option<AutoLogs>,
}

impl LogPlaces {
    /// `kept`: the directory of kept logs, if logs are kept. `auto`: where outputs of a supervisord.conf go that no file was named for.
    pub fn new(kept: Option<PathBuf>, auto: Option<AutoLogs>) -> Self {
        Self { kept, auto }
    }

    /// The directory of kept logs.
    pub fn kept(&self) -> Option<&Path> {
        self.kept.as_deref()
    }

    /// Makes the files of a project's outputs that nobody named and that are not there yet; what failed, in words.
    pub fn make_unnamed(&self, project: &Project) -> Vec<String> {
        let mut failed = Vec::new();
        for (_, program, instance) in project.processes() {
            for file in Channel::BOTH.into_iter().filter_map(|channel| self.of(program, instance, channel).into_file())
            {
                let is_unnamed = self.auto.as_ref().is_some_and(|auto| auto.is_in(&file.path));
                if is_unnamed && let Err(error) = AutoLogs::make(&file.path) {
                    failed.push(format!("could not make {}: {error}", file.path.display()));
                }
            }
        }
        failed
    }

    /// Where an output of this instance goes.
    pub fn of(&self, program: &Program, instance: &Instance, channel: Channel) -> LogPlace {
        let own = instance.own.as_ref();
        let (file, choice) = match channel {
            Channel::Stderr if program.redirect_stderr => return LogPlace::Nowhere,
            Channel::Stdout => {
                (own.map_or(&program.stdout_logfile, |own| &own.stdout_logfile), &program.extras.stdout.logfile)
            }
            Channel::Stderr => {
                (own.map_or(&program.stderr_logfile, |own| &own.stderr_logfile), &program.extras.stderr.logfile)
            }
        };
        match (file, choice) {
            (Some(file), _) => LogPlace::File(file.clone()),
            (None, LogChoice::Off) => LogPlace::Nowhere,
            (None, LogChoice::Screen(path)) => LogPlace::Device(path.clone()),
            (None, LogChoice::Auto | LogChoice::File) => self.unnamed(program, &instance.name, channel),
        }
    }

    /// The same for a process by its names; `None`: there is no such process.
    pub fn of_process(
        &self,
        project: &Project,
        (program, name): (&ProgramName, &ProcessName),
        channel: Channel,
    ) -> Option<LogPlace> {
        let program = project.program(program)?;
        let instance = program.instances.iter().find(|instance| instance.name == *name)?;
        Some(self.of(program, instance, channel))
    }

    fn unnamed(&self, program: &Program, name: &ProcessName, channel: Channel) -> LogPlace {
        if let Some(auto) = &self.auto {
            let options = if channel == Channel::Stdout { &program.extras.stdout } else { &program.extras.stderr };
            let (maxbytes, backups) = (options.maxbytes, options.backups);
            return LogPlace::File(LogFile { path: auto.path(name, channel), maxbytes, backups });
        }
        let kept = self.kept.as_ref();
        kept.map_or(LogPlace::Nowhere, |kept| LogPlace::Kept(layout::directory(kept, &name.to_string(), channel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::supervisord::StreamOptions;

    fn place(places: &LogPlaces, program: &Program, channel: Channel) -> String {
        let path = places.of(program, &program.instances[0], channel).path();
        path.map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    }

    #[test]
    fn a_named_file_comes_first_then_the_choice_then_the_kept_log() {
        let places = LogPlaces::new(Some("/state/logs".into()), None);
        let apart = Program { redirect_stderr: false, ..Program::new("web") };
        assert_eq!(place(&places, &apart, Channel::Stderr), "/state/logs/web/stderr/latest.log");
        assert_eq!(place(&places, &Program::new("web"), Channel::Stderr), "-");
        let file = Some(LogFile { path: "/log/web".into(), maxbytes: 0, backups: 0 });
        let named = Program { stdout_logfile: file, ..apart.clone() };
        assert_eq!(place(&places, &named, Channel::Stdout), "/log/web");
        let mut chosen = apart;
        for (choice, path) in [(LogChoice::Off, "-"), (LogChoice::Screen("/dev/stdout".into()), "/dev/stdout")] {
            chosen.extras.stdout = StreamOptions { logfile: choice, ..StreamOptions::default() };
            assert_eq!(place(&places, &chosen, Channel::Stdout), path);
        }
        assert_eq!(place(&LogPlaces::default(), &Program::new("web"), Channel::Stdout), "-");
    }

    #[test]
    fn an_instance_has_its_own_file() {
        let mut program = Program::new("web").times(2);
        let own = crate::model::program::Own {
            command: program.command.clone(),
            directory: None,
            environment: Vec::new(),
            stdout_logfile: Some(LogFile { path: "/log/1".into(), maxbytes: 0, backups: 0 }),
            stderr_logfile: None,
        };
        program.instances[1].own = Some(Box::new(own));
        let places = LogPlaces::new(Some("/k".into()), None);
        let path = |at: usize| places.of(&program, &program.instances[at], Channel::Stdout).path();
        assert_eq!(path(0), Some("/k/web:web_0/stdout/latest.log".into()));
        assert_eq!(path(1), Some("/log/1".into()));
    }
}
