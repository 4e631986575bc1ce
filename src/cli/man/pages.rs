//! The pages of the manual.

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::args::Args;
use crate::cli::man::config_page;

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// As `run man` names it: `run`, `up`, `run.toml`.
    pub name: String,
    /// The section of the manual.
    pub section: u8,
    /// In the notation of man.
    pub roff: String,
    /// For a terminal without man.
    pub plain: String,
}

impl Page {
    /// The name of its file without the section: `run-up`.
    pub fn stem(&self) -> String {
        if self.name.starts_with("run") { self.name.clone() } else { format!("run-{}", self.name) }
    }

    /// The name of its file: `run-up.1`.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.stem(), self.section)
    }
}

/// All pages: run, each command, run.toml.
pub fn all() -> Vec<Page> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![page("run", command.clone())];
    pages.extend(
        command.get_subcommands().filter(|sub| !sub.is_hide_set()).map(|sub| page(sub.get_name(), sub.clone())),
    );
    pages.push(config_page::page());
    pages
}

fn page(name: &str, command: Command) -> Page {
    let plain = command.clone().render_long_help().to_string();
    let mut roff = Vec::new();
    // Into memory, where nothing can fail.
    Man::new(command).source(concat!("run ", env!("CARGO_PKG_VERSION"))).manual("runup").render(&mut roff).ok();
    let mut roff = String::from_utf8_lossy(&roff).into_owned();
    if name == "run" {
        roff.push_str(".SH \"SEE ALSO\"\n.BR run.toml (5),\n.BR supervisorctl (1)\n");
    } else {
        roff.push_str(".SH \"SEE ALSO\"\n.BR run (1),\n.BR run.toml (5)\n");
    }
    Page { name: name.to_owned(), section: 1, roff, plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_page() {
        let names: Vec<String> = all().into_iter().map(|page| page.file_name()).collect();
        for name in ["run.1", "run-up.1", "run-init.1", "run-man.1", "run.toml.5"] {
            assert!(names.iter().any(|there| there == name), "{name} in {names:?}");
        }
    }

    #[test]
    fn pages_say_what_they_are_about() {
        for page in all() {
            for heading in [".TH ", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH \"SEE ALSO\"\n"] {
                assert!(page.roff.contains(heading), "{}: no {heading}", page.name);
            }
            assert!(!page.plain.is_empty(), "{}", page.name);
        }
    }
}
