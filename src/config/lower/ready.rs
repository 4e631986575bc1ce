//! `ready = { … }`: exactly one kind of check, its parameters, and how often and how long it is asked.

use crate::config::expand::Holes;
use crate::config::lower::keys::{Keys, misfit};
use crate::config::lower::template::{self, Placed, own_port, prefixed};
use crate::config::lower::value::{self, Read, Wrong};
use crate::config::lower::{Context, ProgramPlaces};
use crate::config::raw::{RawData, RawKey, RawValue};
use crate::config::suggest;
use crate::model::template::Part;
use crate::model::{AliveSpec, Diagnostic, Dialect, ProbeSchema, Program, ReadyKind, ReadySpec, Template};

/// The keys that every kind has.
const COMMON: [&str; 4] = ["every", "timeout", "successes", "failures"];

/// Before a port alone. A name, because a server that binds `localhost` may be found over IPv6 only, or over IPv4 only.
const THIS_MACHINE: &str = "localhost:";

/// Reads `ready` into the program. A program of run.toml that declares a port and says nothing is ready when the port accepts.
pub fn ready(context: Context<'_>, keys: &mut Keys<'_>, program: &mut Program, places: &mut ProgramPlaces) {
    if program.is_task() {
        return;
    }
    let Some(value) = keys.value("ready") else {
        if program.main_port().is_some() && context.dialect != Dialect::Procfile {
            program.ready = Some(ReadySpec::new(ReadyKind::Tcp(own_port(THIS_MACHINE, ""))));
        }
        return;
    };
    let RawData::Table(table) = &value.data else {
        keys.read("ready", |_| Err::<(), _>(Wrong::Type));
        return;
    };
    let mut reading = Reading { context, program, places, problems: keys.problems, which: Which::Ready };
    let spec = reading.spec(value, table);
    program.ready = spec;
}

/// Reads `alive` into the program.
pub fn alive(context: Context<'_>, keys: &mut Keys<'_>, program: &mut Program, places: &mut ProgramPlaces) {
    let Some(value) = keys.value("alive").filter(|_| !program.is_task()) else { return };
    let RawData::Table(table) = &value.data else {
        keys.read("alive", |_| Err::<(), _>(Wrong::Type));
        return;
    };
    let mut reading = Reading { context, program, places, problems: keys.problems, which: Which::Alive };
    let Some(spec) = reading.spec(value, table) else { return };
    if spec.kind.is_event() {
        let message = format!("`{}` cannot be asked again and again", spec.kind.name());
        let problem = Diagnostic::error("alive-check", message).at(value.span, "it happens once");
        keys.problems.push(problem.help("tcp, http, exec or file"));
        return;
    }
    let every = table.iter().any(|key| key.name == "every").then_some(spec.every);
    program.alive = Some(AliveSpec::of(spec, every));
}

struct Reading<'r, 'a> {
    context: Context<'a>,
    program: &'r Program,
    places: &'r mut ProgramPlaces,
    problems: &'r mut Vec<Diagnostic>,
    which: Which,
}

/// Which of the two checks is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Ready,
    Alive,
}

impl Which {
    fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Alive => "alive",
        }
    }

    /// With its article.
    fn one(self) -> &'static str {
        match self {
            Self::Ready => "a ready",
            Self::Alive => "an alive",
        }
    }

    /// The code of its own mistakes.
    fn code(self) -> &'static str {
        match self {
            Self::Ready => "ready-check",
            Self::Alive => "alive-check",
        }
    }

    /// Whether it has this key, beside those of a kind. What goes on for ever needs no number of successes.
    fn has(self, key: &str) -> bool {
        COMMON.contains(&key) && (self == Self::Ready || key != "successes")
    }

    /// Whether this kind can be asked for it: what arrives by itself arrives once.
    fn asks(self, kind: &str) -> bool {
        self == Self::Ready || !["log", "notify"].contains(&kind)
    }
}

impl<'r, 'a> Reading<'r, 'a> {
    fn spec(&mut self, value: &RawValue, table: &[RawKey]) -> Option<ReadySpec> {
        let kinds: Vec<&RawKey> = table.iter().filter(|key| self.is_kind(&key.name)).collect();
        self.unknown_keys(table, kinds.first().map(|key| key.name.as_str()));
        let first = match kinds.as_slice() {
            [only] => only,
            [first, second, ..] => {
                let message = format!("{} has two {} checks", self.program.name, self.which.word());
                let problem = Diagnostic::error(self.which.code(), message);
                self.problems.push(problem.at(second.span, "and this").at(first.span, "this").help("keep one of them"));
                first
            }
            [] => {
                let kinds: Vec<&str> = self.kinds().collect();
                let message = format!("`{}` of {} asks nothing", self.which.word(), self.program.name);
                let problem = Diagnostic::error(self.which.code(), message);
                self.problems.push(problem.at(value.span, format!("expected one of {}", kinds.join(", "))));
                return None;
            }
        };
        let kind = self.kind(first, table).and_then(|kind| self.judged(kind));
        // What is wrong with the common keys is told even where the check itself is wrong.
        let mut spec = ReadySpec::new(ReadyKind::Notify);
        self.common(table, &mut spec);
        match kind {
            Ok(kind) => Some(ReadySpec { kind, ..spec }),
            Err(wrong) => {
                let takes = self.takes(&first.name);
                self.problems.push(misfit(&first.name, &takes, &first.value, &wrong));
                None
            }
        }
    }

    /// The kinds that may be chosen from.
    fn kinds(&self) -> impl Iterator<Item = &'static str> + Clone + use<'r, 'a> {
        let which = self.which;
        self.context.vocabulary.probes.iter().map(|probe| probe.name).filter(move |kind| which.asks(kind))
    }

    fn is_kind(&self, name: &str) -> bool {
        self.context.vocabulary.probes.iter().any(|probe| probe.name == name)
    }

    fn schema(&self, kind: &str) -> Option<&'static ProbeSchema> {
        self.context.vocabulary.probes.iter().find(|probe| probe.name == kind)
    }

    /// What a kind takes, in the words of its schema.
    fn takes(&self, kind: &str) -> String {
        self.schema(kind).map(|probe| probe.value.to_owned()).unwrap_or_default()
    }

    /// What could never pass is refused; a value with holes is judged when they are filled in.
    fn judged(&self, kind: ReadyKind) -> Read<ReadyKind> {
        let problem = kind.literal().and_then(|value| (self.schema(kind.name())?.problem)(value));
        problem.map_or(Ok(kind), |problem| Err(Wrong::Value(problem)))
    }

    fn unknown_keys(&mut self, table: &[RawKey], kind: Option<&str>) {
        let probes = self.context.vocabulary.probes;
        let params = |name: &str| probes.iter().find(|probe| probe.name == name).map_or(&[][..], |probe| probe.params);
        for key in table {
            let name = key.name.as_str();
            let is_param = kind.is_some_and(|kind| params(kind).iter().any(|(param, _)| *param == name));
            if self.which.has(name) || self.is_kind(name) || is_param {
                continue;
            }
            let which = self.which;
            let known = self.kinds().chain(COMMON.into_iter().filter(move |key| which.has(key)));
            let owner = probes.iter().find(|probe| probe.params.iter().any(|(param, _)| *param == name));
            let peer = [
                ("port", "tcp"),
                ("http_get", "http"),
                ("url", "http"),
                ("command", "exec"),
                ("output", "log"),
                ("delay", "every"),
                ("interval", "every"),
                ("retries", "failures"),
                ("period", "every"),
                ("test", "exec"),
                ("cmd", "exec"),
            ];
            let label = match (owner, peer.iter().find(|(theirs, _)| *theirs == name)) {
                (Some(owner), _) => format!("it belongs to `{}`", owner.name),
                (None, Some((_, ours))) => format!("the word here is `{ours}`"),
                (None, None) => suggest::did_you_mean(name, known.clone())
                    .unwrap_or_else(|| format!("there are {}", known.collect::<Vec<_>>().join(", "))),
            };
            let message = format!("`{name}` is not a key of {} check", which.one());
            let problem = Diagnostic::error("unknown-key", message);
            self.problems.push(problem.at(key.span, label));
        }
    }

    fn kind(&mut self, key: &RawKey, table: &[RawKey]) -> Read<ReadyKind> {
        match key.name.as_str() {
            "tcp" => self.tcp(&key.value).map(ReadyKind::Tcp),
            "http" => {
                let status = self.status(table);
                Ok(ReadyKind::Http { url: self.http(&key.value)?, status })
            }
            "exec" => value::some_text(&key.value).map(ReadyKind::Exec),
            "log" => value::some_text(&key.value).map(ReadyKind::Log),
            "notify" if value::boolean(&key.value)? => Ok(ReadyKind::Notify),
            "notify" => Err(Wrong::Value(format!("leave `{}` out instead", self.which.word()))),
            "file" => self.template(&key.value).map(ReadyKind::File),
            // A kind of the vocabulary that lowering does not know: a row was added there and not here.
            other => Err(Wrong::Value(format!("`{other}` is not built in"))),
        }
    }

    /// A string with holes, noted for the checks.
    fn template(&mut self, value: &RawValue) -> Read<Template> {
        let text = value::some_text(value)?;
        let template = template::parse(&text, value.span, Holes::All, self.context.sources, self.problems);
        self.places.templates.push(Placed { template: template.clone(), span: value.span, earlier: None });
        Ok(template)
    }

    /// A port of this machine, or host and port.
    fn tcp(&mut self, value: &RawValue) -> Read<Template> {
        if let RawData::Integer(_) = value.data {
            let port = value::integer(value, 1, 65_535)?;
            return Ok(Template::literal(format!("{THIS_MACHINE}{port}")));
        }
        let template = self.template(value)?;
        let has_host = template.parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(':')));
        Ok(if has_host { template } else { prefixed(THIS_MACHINE, template) })
    }

    /// A URL, or a path on the program's own port.
    fn http(&mut self, value: &RawValue) -> Read<Template> {
        let template = self.template(value)?;
        let front = match template.parts.first() {
            Some(Part::Text(text)) => text.as_str(),
            Some(Part::Variable(_) | Part::Program { .. }) | None => return Ok(template),
        };
        if front.starts_with("http://") {
            return Ok(template);
        }
        if !front.starts_with('/') {
            let label = if front.starts_with("https://") { "the check speaks plain http" } else { "" };
            return Err(Wrong::Value(label.to_owned()));
        }
        if self.program.main_port().is_none() {
            return Err(Wrong::Value(format!("{} declares no `port` to ask for this path", self.program.name)));
        }
        let mut url = own_port("http://localhost:", "");
        url.parts.extend(template.parts);
        Ok(url)
    }

    /// `status`: a number, a range `"200-299"`, or a list of them.
    fn status(&mut self, table: &[RawKey]) -> Vec<(u16, u16)> {
        let Some(key) = table.iter().find(|key| key.name == "status") else { return vec![ReadyKind::STATUS] };
        let items = key.value.data.as_list().filter(|items| !items.is_empty());
        let items = items.unwrap_or(std::slice::from_ref(&key.value));
        let mut ranges = Vec::new();
        for item in items {
            match status_range(item) {
                Ok(range) => ranges.push(range),
                Err(wrong) => {
                    self.problems.push(misfit(
                        "status",
                        "a status such as 200, or a range such as \"200-299\"",
                        item,
                        &wrong,
                    ));
                }
            }
        }
        ranges
    }

    fn common(&mut self, table: &[RawKey], spec: &mut ReadySpec) {
        for key in table {
            let value = &key.value;
            let count = |value: &RawValue| Ok(u32::try_from(value::integer(value, 1, 1_000_000)?).unwrap_or(1));
            let (read, takes) = match key.name.as_str() {
                "every" => (positive(value).map(|every| spec.every = every), DURATION),
                "timeout" => (positive(value).map(|timeout| spec.timeout = Some(timeout)), DURATION),
                "successes" => (count(value).map(|count| spec.successes = count), "a whole number from 1"),
                "failures" => (count(value).map(|count| spec.failures = Some(count)), "a whole number from 1"),
                _ => continue,
            };
            if let Err(wrong) = read {
                self.problems.push(misfit(&key.name, takes, value, &wrong));
            }
        }
    }
}

const DURATION: &str = "a number of seconds above 0, or a string such as \"500ms\", \"30s\", \"5m\"";

fn positive(value: &RawValue) -> Read<std::time::Duration> {
    let duration = value::duration(value)?;
    if duration.is_zero() { Err(Wrong::Value(String::new())) } else { Ok(duration) }
}

fn status_range(value: &RawValue) -> Read<(u16, u16)> {
    if let RawData::Text(text) = &value.data {
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let range = low.trim().parse().ok().zip(high.trim().parse().ok());
        return range.filter(|(low, high)| low <= high && (100..600).contains(low)).ok_or(Wrong::Value(String::new()));
    }
    let status = u16::try_from(value::integer(value, 100, 599)?).unwrap_or_default();
    Ok((status, status))
}
