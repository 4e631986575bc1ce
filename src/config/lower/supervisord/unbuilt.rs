//! What is accepted and does nothing (yet): options and sections that nobody knows, and those whose machinery is not there. Each
//! thing is told once, whatever the number of places.

use crate::codec::ini::DEFAULTS;
use crate::config::lower::supervisord::section::title;
use crate::config::raw::{RawKey, RawProject, RawSection};
use crate::config::suggest;
use crate::model::conf_options::{self, ConfSection};
use crate::model::{Diagnostic, Program, Span};

/// Options of programs that need what is not there.
const STREAMS: &[(&str, &str)] =
    &[("capture_maxbytes", "communication events"), ("events_enabled", "events of output")];

/// How many places are shown.
const PLACES: usize = 3;

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
    let words = ConfSection::ALL.into_iter().map(ConfSection::word);
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

/// What is written and waits for its machinery.
pub fn not_built(raw: &RawProject, programs: &[Program], problems: &mut Vec<Diagnostic>) {
    let of = |kind: ConfSection| raw.sections.iter().filter(move |section| section.kind == kind.word());
    let mut tell = |what: &str, places: Vec<Span>| problems.extend(told(what, &places));
    tell("[eventlistener:NAME]", of(ConfSection::Listener).map(|section| section.span).collect());
    tell("[fcgi-program:NAME]", of(ConfSection::Fcgi).map(|section| section.span).collect());
    tell("[ctlplugin:NAME]", of(ConfSection::CtlPlugin).map(|section| section.span).collect());
    for (option, what) in STREAMS {
        let keys = of(ConfSection::Program).flat_map(|section| section.keys.iter().map(move |key| (section, key)));
        tell(
            what,
            keys.filter(|(section, key)| asks(programs, section, key, option)).map(|(_, key)| key.span).collect(),
        );
    }
}

/// Whether an option of a program's asks for this of one of its outputs: `stdout_events_enabled=false` asks for nothing.
fn asks(programs: &[Program], section: &RawSection, key: &RawKey, option: &str) -> bool {
    let Some((channel, rest)) = key.name.split_once('_') else { return false };
    if rest != option {
        return false;
    }
    let name = section.name.as_deref().unwrap_or_default().trim();
    let Some(program) = programs.iter().find(|program| program.name.as_str() == name) else { return false };
    let stream = if channel == "stdout" { &program.extras.stdout } else { &program.extras.stderr };
    match option {
        "capture_maxbytes" => stream.capture_maxbytes > 0,
        _ => stream.events_enabled,
    }
}

fn told(what: &str, places: &[Span]) -> Option<Diagnostic> {
    let (first, rest) = places.split_first()?;
    let problem = Diagnostic::warning("not-built", format!("not built yet: {what}")).at(*first, "this does nothing");
    let problem = rest.iter().take(PLACES - 1).fold(problem, |problem, place| problem.at(*place, ""));
    let more = places.len().saturating_sub(PLACES);
    Some(if more > 0 { problem.help(format!("and {more} more like these")) } else { problem })
}
