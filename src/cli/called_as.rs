//! supervisord's two names: as commands of ours, and as the name of a link to our binary. Their command lines are theirs alone, so they
//! are recognised before ours is parsed.

use std::path::Path;

use clap::Parser;

use crate::cli::args::{self, GlobalArgs};

/// Whom we stand in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// supervisord.
    Daemon,
    /// supervisorctl.
    Ctl,
}

/// A command line of supervisord's or supervisorctl's.
#[derive(Debug, Clone)]
pub struct Called {
    /// Whose it is.
    pub stand_in: StandIn,
    /// What was typed to call it, as its messages name it: `/usr/bin/supervisord`, `run supervisord`.
    pub program: String,
    /// Our own options, which stand before the name.
    pub global: GlobalArgs,
    /// Everything behind the name.
    pub words: Vec<String>,
}

/// Recognises either name; `line` begins with the name that we were called by.
pub fn called(line: &[String]) -> Option<Called> {
    let (program, words) = line.split_first()?;
    let name = Path::new(program).file_name()?.to_str()?;
    if let Some(stand_in) = stand_in(name) {
        let global = GlobalArgs::default();
        return Some(Called { stand_in, program: program.clone(), global, words: words.to_vec() });
    }
    let at = words.iter().position(|word| stand_in(word).is_some())?;
    let (ours, theirs) = (&line[..=at], &words[at..]);
    // What stands before has to be options of ours: `run logs supervisord` means a program of that name.
    let args = args::Args::try_parse_from(ours).ok().filter(|args| args.command.is_none())?;
    let (name, words) = theirs.split_first()?;
    let program = format!("{program} {name}");
    Some(Called { stand_in: stand_in(name)?, program, global: args.global, words: words.to_vec() })
}

fn stand_in(name: &str) -> Option<StandIn> {
    match name {
        "supervisord" => Some(StandIn::Daemon),
        "supervisorctl" => Some(StandIn::Ctl),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<(StandIn, String, Vec<String>)> {
        let line: Vec<String> = line.split(' ').map(str::to_owned).collect();
        called(&line).map(|called| (called.stand_in, called.program, called.words))
    }

    #[test]
    fn the_name_of_a_link_says_whose_command_line_it_is() {
        let words = vec!["-n".to_owned(), "-c".to_owned(), "up".to_owned()];
        let expected = (StandIn::Daemon, "/opt/bin/supervisord".to_owned(), words);
        assert_eq!(of("/opt/bin/supervisord -n -c up"), Some(expected));
        assert_eq!(of("supervisorctl"), Some((StandIn::Ctl, "supervisorctl".to_owned(), Vec::new())));
    }

    #[test]
    fn options_of_ours_may_stand_before_the_command_and_none_behind_it() {
        let expected = (StandIn::Daemon, "run supervisord".to_owned(), vec!["-q".to_owned(), "logs".to_owned()]);
        assert_eq!(of("run supervisord -q logs"), Some(expected.clone()));
        assert_eq!(of("run -C shop supervisord -q logs"), Some(expected));
    }

    #[test]
    fn a_program_of_that_name_is_not_meant() {
        for line in ["run", "run up", "run logs supervisord", "run up supervisorctl", "run -C supervisord up"] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
