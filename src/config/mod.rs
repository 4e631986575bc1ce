//! Text to a project, with everything that is wrong with it at once. Pure.
//!
//! [`load`] never looks at the world. It is a function of what was asked for ([`Request`]) and of the facts that are known so
//! far ([`Known`]); where it lacks a fact (a file's bytes, the match of a pattern, whether a directory is there, whether a
//! command is on a PATH) it says so ([`Loaded::Needs`]), the edge looks, and calls again. So a config with includes loads
//! without a file system, and a test is a table of texts.
//!
//! The way of a text: `format` reads one file into a [`raw::RawProject`], `gather` and `merge` make one of several, `unknown`
//! answers keys and sections that do not exist, `lower` gives every option its type and default, `check` finds what is wrong
//! between programs and with the world. Nothing stops at the first mistake.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod check;
pub mod discover;
pub mod dotenv;
pub mod env_contents;
pub mod expand;
pub mod facts;
pub mod format;
pub mod gather;
pub mod layers;
pub mod lower;
pub mod merge;
pub mod percent;
pub mod place;
pub mod procfile;
pub mod raw;
pub mod request;
pub mod schema;
pub mod scope;
pub mod suggest;
pub mod testing;
pub mod unknown;

use crate::config::facts::{Known, Need, World};
use crate::config::request::{Request, Vocabulary};
use crate::model::{Diagnostics, Project};

/// What came of a try to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// These facts are missing: find them and call again. Each call asks for something new, so the loop ends.
    Needs(Vec<Need>),
    /// A project, and what is legal but unwise about it.
    Project(Box<Project>, Diagnostics),
    /// Everything that is wrong.
    Refused(Diagnostics),
}

/// Makes a project of what was asked for and what is known. The same arguments give the same result.
pub fn load(request: &Request, known: &Known, vocabulary: &Vocabulary) -> Loaded {
    let mut world = World::new(known);
    let mut report = Diagnostics::default();
    let gathered = gather::gather(request, &mut world, &mut report);
    if let Some(needs) = world.take_needs() {
        return Loaded::Needs(needs);
    }
    let project = gathered.map(|gathered| {
        unknown::check(&gathered.raw, gathered.is_torn, &report.sources, &mut report.list);
        percent::check(&gathered.raw, &report.sources, &mut report.list);
        let lowered = lower::lower(request, vocabulary, &gathered.raw, &mut world, &report.sources, &mut report.list);
        check::check(request, &lowered, &mut world, &report.sources, &mut report.list);
        if gathered.is_torn {
            // A text that could not be read to its end lost sections; what seems to miss them is no mistake of its own.
            report.list.retain(|diagnostic| !check::FOLLOWS_FROM_LOSS.contains(&diagnostic.code));
        }
        let env_contents = env_contents::of(request, &lowered.project, known);
        Project { files: gathered.files, env_contents, ..lowered.project }
    });
    if let Some(needs) = world.take_needs() {
        return Loaded::Needs(needs);
    }
    sort(&mut report);
    match project {
        Some(project) if !report.has_errors() => Loaded::Project(Box::new(project), report),
        Some(_) | None => Loaded::Refused(report),
    }
}

/// Puts mistakes in the order of the files, those without a place last.
fn sort(report: &mut Diagnostics) {
    report.list.sort_by_key(|diagnostic| {
        diagnostic.labels.first().map_or((usize::MAX, 0), |label| (label.span.file, label.span.start))
    });
}
