//! From the files that were asked for to one raw project: reading, includes, `run.local.toml`, the order of `-f`.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::config::facts::{FileFact, World};
use crate::config::format::{self, ConfigFormat, Parsed, Source, supervisord};
use crate::config::lower::supervisord::include;
use crate::config::merge::{Precedence, merge};
use crate::config::raw::{RawData, RawKey, RawProject, RawSection, RawValue};
use crate::config::request::Request;
use crate::model::{Diagnostic, Diagnostics, Dialect, SourceFile, Span};

/// How deep includes may be nested.
const MAX_DEPTH: usize = 8;

/// What was written, in all files together.
#[derive(Debug)]
pub struct Gathered {
    /// Merged.
    pub raw: RawProject,
    /// The config files that were read, the main one first.
    pub files: Vec<PathBuf>,
    /// Whether parts of a text could not be read.
    pub is_torn: bool,
}

/// Reads and merges all files. `None` when there is nothing to go on with; the reasons are in the report, or are needs.
pub fn gather(request: &Request, world: &mut World<'_>, report: &mut Diagnostics) -> Option<Gathered> {
    if let Some(words) = &request.one_off {
        return Some(Gathered { raw: one_off(words, report), files: Vec::new(), is_torn: false });
    }
    let mut gathering = Gathering { request, world, report, files: Vec::new(), is_torn: false };
    let raw = gathering.main_files();
    let (files, is_torn) = (gathering.files, gathering.is_torn);
    raw.map(|raw| Gathered { raw, files, is_torn })
}

/// Who includes a file.
#[derive(Debug, Clone, Default)]
struct Chain {
    /// The files on the way, outermost first.
    files: Vec<PathBuf>,
    /// The pattern that named it.
    place: Option<Span>,
}

struct Gathering<'g, 'k> {
    request: &'g Request,
    world: &'g mut World<'k>,
    report: &'g mut Diagnostics,
    files: Vec<PathBuf>,
    is_torn: bool,
}

impl Gathering<'_, '_> {
    fn main_files(&mut self) -> Option<RawProject> {
        let mut whole: Option<RawProject> = None;
        for path in &self.request.files {
            let mut raw = self.file(path, &Chain::default());
            if path.file_name().is_some_and(|name| name == "run.toml") {
                let local = self.local(&path.with_file_name("run.local.toml"));
                if let (Some(raw), Some(local)) = (&mut raw, local) {
                    merge(raw, local, Precedence::Later);
                }
            }
            let Some(raw) = raw else { continue };
            match &mut whole {
                Some(whole) if whole.dialect != raw.dialect => self.report.push(mixed(path)),
                Some(whole) => merge(whole, raw, Precedence::Later),
                None => whole = Some(raw),
            }
        }
        whole
    }

    /// The file of local overrides, where there is one.
    fn local(&mut self, path: &Path) -> Option<RawProject> {
        match self.world.file(path)? {
            FileFact::Missing => None,
            FileFact::Bytes(_) | FileFact::Unusable(_) => self.file(path, &Chain::default()),
        }
    }

    /// One file with everything it includes.
    fn file(&mut self, path: &Path, chain: &Chain) -> Option<RawProject> {
        let is_theirs = self.request.as_supervisord.is_some();
        self.file_of(if is_theirs { &supervisord::FORMAT } else { format::of(path) }, path, chain)
    }

    /// One file of this format with everything it includes.
    fn file_of(&mut self, format: &ConfigFormat, path: &Path, chain: &Chain) -> Option<RawProject> {
        let file = self.source(path, chain);
        let beside = self.beside(path, format)?;
        let file = file?;
        if !self.files.contains(&path.to_owned()) {
            self.files.push(path.to_owned());
        }
        let text = self.report.sources[file].text.clone();
        let Parsed { mut raw, problems, is_torn } =
            (format.parse)(&Source { file, text: &text, request: self.request, beside: &beside });
        self.report.list.extend(problems);
        self.is_torn |= is_torn;
        if raw.dialect == Dialect::Native
            && let Some(at) = raw.top.iter().position(|key| key.name == "include")
        {
            let include = raw.top.remove(at);
            self.include(path, &include, chain, &mut raw);
        }
        if raw.dialect == Dialect::Supervisord {
            self.supervisord_include(path, chain, &mut raw);
        }
        Some(raw)
    }

    /// `[include]` of a supervisord.conf, which goes one file deep; what is included wins, because it is read later.
    fn supervisord_include(&mut self, path: &Path, chain: &Chain, raw: &mut RawProject) {
        let here = path.parent().unwrap_or(Path::new("/"));
        if !chain.files.is_empty() {
            supervisord::expand_here(raw, &here.to_string_lossy());
            let nested = include::take_section(raw).as_ref().map(include::not_followed);
            return self.report.list.extend(nested);
        }
        let Diagnostics { sources, list } = &mut *self.report;
        let Some(include) = include::take(raw, self.request, self.world, sources, list) else { return };
        supervisord::expand_here(raw, &here.to_string_lossy());
        for pattern in &include.patterns {
            let Some(found) = self.world.glob(here, pattern) else { continue };
            if found.is_empty() {
                self.report.push(include::no_match(&here.join(pattern), include.span));
            }
            for found in found.iter().map(|found| by_name(found)) {
                let chain = Chain { files: vec![path.to_owned()], place: Some(include.span) };
                if let Some(included) = self.file_of(&supervisord::FORMAT, &found, &chain) {
                    merge(raw, included, Precedence::Later);
                }
            }
        }
    }

    /// The small files beside a config that its format takes defaults from. `None` while one is not known yet.
    fn beside(&mut self, path: &Path, format: &ConfigFormat) -> Option<BTreeMap<&'static str, (usize, String)>> {
        let mut texts = BTreeMap::new();
        let mut is_known = true;
        for &name in format.beside {
            match self.world.file(&path.with_file_name(name)) {
                Some(FileFact::Bytes(bytes)) => {
                    let text = String::from_utf8_lossy(bytes).into_owned();
                    let source = SourceFile { name: name.to_owned(), text: text.clone() };
                    texts.insert(name, (self.report.sources.len(), text));
                    self.report.sources.push(source);
                }
                Some(FileFact::Missing | FileFact::Unusable(_)) => {}
                None => is_known = false,
            }
        }
        is_known.then_some(texts)
    }

    /// Reads a file into the sources; its index.
    fn source(&mut self, path: &Path, chain: &Chain) -> Option<usize> {
        let name = display(&self.request.root, path);
        let refuse = |why: &str| {
            Diagnostic::error("missing-file", format!("{name} cannot be read: {why}"))
                .at_opt(chain.place, "included here")
        };
        match self.world.file(path)? {
            FileFact::Missing => self.report.push(refuse("no such file")),
            FileFact::Unusable(why) => self.report.push(refuse(why)),
            FileFact::Bytes(bytes) => {
                let file = self.report.sources.len();
                let (text, problem) = decode(bytes, file);
                self.report.sources.push(SourceFile { name, text });
                self.is_torn |= problem.is_some();
                self.report.list.extend(problem);
                return Some(file);
            }
        }
        None
    }

    /// Merges what `include` names below the file that names it.
    fn include(&mut self, path: &Path, key: &RawKey, chain: &Chain, raw: &mut RawProject) {
        let RawData::List(patterns) = &key.value.data else {
            let label = "expected a list such as [\"run.d/*.toml\"]";
            return self
                .report
                .push(Diagnostic::error("wrong-type", "`include` takes a list of patterns").at(key.value.span, label));
        };
        let mut files = chain.files.clone();
        files.push(path.to_owned());
        let mut included: Option<RawProject> = None;
        for pattern in patterns {
            let chain = Chain { files: files.clone(), place: Some(pattern.span) };
            for path in self.matches(path, pattern) {
                let Some(raw) = self.included(&path, &chain) else { continue };
                match &mut included {
                    Some(included) => merge(included, raw, Precedence::Later),
                    None => included = Some(raw),
                }
            }
        }
        if let Some(included) = included {
            merge(raw, included, Precedence::Base);
        }
    }

    /// The files that one pattern means.
    fn matches(&mut self, path: &Path, pattern: &RawValue) -> Vec<PathBuf> {
        let RawData::Text(text) = &pattern.data else {
            let problem =
                Diagnostic::error("wrong-type", "`include` takes patterns as strings").at(pattern.span, "not a string");
            self.report.push(problem);
            return Vec::new();
        };
        let base = path.parent().unwrap_or(Path::new("/"));
        if !text.contains(['*', '?']) {
            return vec![by_name(&base.join(text))];
        }
        let found = self.world.glob(base, text).unwrap_or_default();
        found.iter().map(|path| by_name(path)).collect()
    }

    fn included(&mut self, path: &Path, chain: &Chain) -> Option<RawProject> {
        let name = display(&self.request.root, path);
        if chain.files.iter().any(|file| file == path) {
            let problem = Diagnostic::error("include", format!("{name} includes itself"));
            let around =
                chain.files.iter().map(|file| display(&self.request.root, file)).collect::<Vec<_>>().join(" → ");
            self.report.push(problem.at_opt(chain.place, format!("{around} → {name}")));
            return None;
        }
        if chain.files.len() > MAX_DEPTH {
            let problem = Diagnostic::error("include", format!("includes are nested more than {MAX_DEPTH} deep"));
            self.report.push(problem.at_opt(chain.place, format!("{name} is one too many")));
            return None;
        }
        if self.files.iter().any(|file| file == path) {
            return None;
        }
        let raw = self.file(path, chain)?;
        if raw.dialect != Dialect::Native {
            self.report.push(mixed(path));
            return None;
        }
        Some(raw)
    }
}

fn mixed(path: &Path) -> Diagnostic {
    let format = format::of(path).name;
    Diagnostic::error("format", format!("{} is a {format}, the other file is not", path.display()))
        .help("files that are merged have to be of one format")
}

/// A path as the user would name it.
fn display(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// A path without `.` and `..`, so that one file has one name and a circle of includes is seen.
fn by_name(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    plain
}

/// Bytes as text without a byte order mark; what is not UTF-8 is a mistake with its place.
fn decode(bytes: &[u8], file: usize) -> (String, Option<Diagnostic>) {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let problem = Diagnostic::error("syntax", "this is UTF-16, not UTF-8 text").at(Span::new(file, 0..0), "");
        return (String::new(), Some(problem.help("save it as UTF-8; iconv -f UTF-16 -t UTF-8 converts it")));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(error) => {
            let at = error.valid_up_to();
            let text = String::from_utf8_lossy(bytes).into_owned();
            let span = Span::new(file, at..at + char::REPLACEMENT_CHARACTER.len_utf8());
            let problem = Diagnostic::error("syntax", "this is not UTF-8 text")
                .at(span, format!("byte 0x{:02x}", bytes.get(at).copied().unwrap_or_default()));
            (text, Some(problem))
        }
    }
}

/// `up -- CMD` as if it had been written: one program that ends the run with its end.
fn one_off(words: &[String], report: &mut Diagnostics) -> RawProject {
    let mut text = String::new();
    let mut values = Vec::new();
    for word in words {
        let start = text.len();
        text.push_str(word);
        values.push(RawValue {
            span: Span::new(report.sources.len(), start..text.len()),
            data: RawData::Text(word.clone()),
        });
        text.push(' ');
    }
    let span = Span::new(report.sources.len(), 0..text.trim_end().len());
    report.sources.push(SourceFile { name: "command line".to_owned(), text });
    let command = match values.as_slice() {
        [only] => only.clone(),
        _ => RawValue { span, data: RawData::List(values) },
    };
    let key = |name: &str, value: RawValue| RawKey { name: name.to_owned(), span, value };
    let truth = |truth| RawValue { span, data: RawData::Boolean(truth) };
    let keys = vec![
        key("command", command),
        key("exit_on_end", truth(true)),
        key("autorestart", truth(false)),
        key("startsecs", RawValue { span, data: RawData::Integer(0) }),
    ];
    let section = RawSection { kind: "program".to_owned(), name: Some(one_off_name(words)), span, keys };
    RawProject { dialect: Dialect::Native, top: Vec::new(), sections: vec![section] }
}

/// The last part of the first word's path, without what a name may not contain.
fn one_off_name(words: &[String]) -> String {
    let first = words.first().and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let last = first.rsplit('/').next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control() && *c != ':').collect();
    if name.is_empty() { "command".to_owned() } else { name }
}
