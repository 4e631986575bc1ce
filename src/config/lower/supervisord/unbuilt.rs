//! What is accepted and does nothing: options and sections that nobody knows, and plugins in Python.

use crate::codec::ini::DEFAULTS;
use crate::config::lower::supervisord::section::title;
use crate::config::raw::{RawKey, RawProject, RawSection};
use crate::config::suggest;
use crate::model::Diagnostic;
use crate::model::conf_options::{self, ConfSection};

/// Sections and options that supervisord does not know: third-party tools read them, or they are slips.
pub fn unknown(raw: &RawProject, problems: &mut Vec<Diagnostic>) {
    for section in &raw.sections {
        match ConfSection::of_word(&section.kind) {
            _ if section.kind == DEFAULTS && section.name.is_none() => {}
            Some(kind) => unknown_options(kind, section, problems),
            None => problems.push(unknown_section(section)),
        }
    }
}

fn unknown_section(section: &RawSection) -> Diagnostic {
    let fits = |kind: &ConfSection| {
        let (may_have_name, must_have_name) = kind.takes_name();
        if section.name.is_some() { may_have_name } else { !must_have_name }
    };
    let words = ConfSection::ALL.into_iter().filter(fits).map(ConfSection::word);
    let label = suggest::closest(&section.kind, words).first().map(|word| {
        let name = section.name.as_ref().map(|name| format!(":{name}")).unwrap_or_default();
        format!("did you mean [{word}{name}]?")
    });
    let problem =
        Diagnostic::warning("unknown-section", format!("{} is not a section of supervisord's", title(section)));
    problem.at(section.span, label.unwrap_or_else(|| "left to whoever reads it".to_owned()))
}

fn unknown_options(kind: ConfSection, section: &RawSection, problems: &mut Vec<Diagnostic>) {
    let (may_have_name, _) = kind.takes_name();
    if section.name.is_some() && !may_have_name {
        let problem = Diagnostic::warning("unknown-section", format!("{} is not read", title(section)));
        problems.push(problem.at(section.span, format!("[{}] has no name", kind.word())));
        return;
    }
    if kind.is_open() {
        return;
    }
    let is_unknown = |key: &&RawKey| !key.name.is_empty() && conf_options::find(kind, &key.name).is_none();
    for key in section.keys.iter().filter(is_unknown) {
        let names = conf_options::of_section(kind).map(|option| option.name);
        let label = suggest::did_you_mean(&key.name, names).unwrap_or_else(|| "left to whoever reads it".to_owned());
        let message = format!("`{}` is not an option of {}", key.name, title(section));
        problems.push(Diagnostic::warning("unknown-option", message).at(key.span, label));
    }
}

/// Plugins of supervisorctl, which are in Python. The daemon has nothing to do with them; whoever types their commands is told why
/// they are not there.
pub fn ctl_plugins(raw: &RawProject, problems: &mut Vec<Diagnostic>) {
    for section in raw.sections.iter().filter(|section| section.kind == ConfSection::CtlPlugin.word()) {
        let what = format!("{} is a plugin in Python, which run ctl does not load", title(section));
        let problem = Diagnostic::warning("python-plugin", what).at(section.span, "this does nothing");
        problems.push(problem.help("a program run-ctl-NAME on the PATH adds the command NAME to run ctl"));
    }
}
