//! A program as every export sees it: ports are numbers, holes are filled, secrets are left out, and what has no like is noted.

use std::path::Path;

use crate::export::labels::Labels;
use crate::model::template::{Part, ProgramFact};
use crate::model::{Command, Dependency, Grow, Program, ProgramName, Project, ReadyKind, Template};
use crate::plan::environment::looks_secret;
use crate::plan::ports::Ports;
use crate::plan::shell_line::{Shape, shape};

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The project.
    pub project: &'a Project,
    /// What it is called.
    pub name: &'a str,
    /// The numbers of its ports.
    pub ports: &'a Ports,
    /// Whether what looks secret is written as it is.
    pub with_secrets: bool,
}

/// Where programs find one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts<'a> {
    /// On this machine.
    Loopback,
    /// Each under its name there.
    Names(&'a Labels),
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Words, executed as they stand.
    Words(Vec<String>),
    /// A line for the shell.
    Line(String),
}

impl Run {
    /// As words: a line goes to `sh`, which is replaced where it is one command.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Words(words) => words.clone(),
            Self::Line(line) => {
                let line = if shape(line) == Shape::Compound { line.clone() } else { format!("exec {line}") };
                vec!["/bin/sh".to_owned(), "-c".to_owned(), line]
            }
        }
    }

    /// As a line for the shell.
    pub fn line(&self) -> String {
        match self {
            Self::Words(words) => words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "),
            Self::Line(line) => line.clone(),
        }
    }
}

/// A word as a shell takes it for itself.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A text for the shell on one line. What has line breaks may hold quotes, comments and blocks across them, so it is spelled for
/// `printf` and read by the same shell, and so is what has one of `spelled` behind a blank.
pub fn one_line(text: &str, spelled: &[char]) -> String {
    let text = text.trim();
    let is_spelled = |(before, c): (char, char)| before.is_whitespace() && spelled.contains(&c);
    if !text.contains('\n') && !text.chars().zip(text.chars().skip(1)).any(is_spelled) {
        return text.to_owned();
    }
    let mut format = String::new();
    for c in text.chars() {
        match c {
            '\n' => format.push_str("\\n"),
            '\\' => format.push_str("\\\\"),
            '%' => format.push_str("%%"),
            '\'' => format.push_str("'\\''"),
            _ if spelled.contains(&c) => format.put(format_args!("\\{:03o}", u32::from(c))),
            _ => format.push(c),
        }
    }
    format!("eval \"$(printf '{format}')\"")
}

/// A ready check with its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Host and port.
    Tcp(String),
    /// A URL.
    Http(String),
    /// A command line.
    Exec(String),
    /// A regular expression over lines.
    Log(String),
    /// `sd_notify`.
    Notify,
    /// A path.
    File(String),
}

impl Ready {
    /// The check as a command for `sh`, where one can ask.
    pub fn as_command(&self) -> Option<String> {
        match self {
            Self::Tcp(target) => {
                let (host, port) = target.rsplit_once(':')?;
                Some(format!("bash -c {}", shell_word(&format!(": </dev/tcp/{host}/{port}"))))
            }
            Self::Http(url) => Some(format!("curl -fsS -o /dev/null {}", shell_word(url))),
            Self::Exec(command) => Some(command.clone()),
            Self::File(path) => Some(format!("test -e {}", shell_word(path))),
            Self::Log(_) | Self::Notify => None,
        }
    }

    /// Port and path of a URL.
    pub fn port_and_path(url: &str) -> Option<(u16, String)> {
        let rest = url.strip_prefix("http://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let port = authority.rsplit_once(':').map_or(Some(80), |(_, port)| port.parse().ok())?;
        Some((port, if path.is_empty() { "/".to_owned() } else { path.to_owned() }))
    }
}

/// One program, ready to be written in another notation.
#[derive(Debug, Clone)]
pub struct Unit<'a> {
    /// The program.
    pub program: &'a Program,
    /// What it runs.
    pub run: Run,
    /// Where; absolute.
    pub directory: String,
    /// Names and values.
    pub environment: Vec<(String, String)>,
    /// Names that nothing fills here: `${NAME}` of them stands in the values.
    pub holes: Vec<String>,
    /// Names that are left out because they look secret.
    pub secrets: Vec<String>,
    /// The variable that carries each port, and the port of the first instance.
    pub ports: Vec<(String, u16)>,
    /// How it is known to be ready.
    pub ready: Option<Ready>,
    /// What it needs, without what is not exported.
    pub needs: Vec<&'a Dependency>,
    /// What cannot be said in any notation.
    pub remarks: Vec<String>,
}

impl Unit<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.program.name.as_str()
    }

    /// How many instances it has.
    pub fn count(&self) -> usize {
        self.program.instances.len()
    }

    /// The port that PORT carries.
    pub fn main_port(&self) -> Option<u16> {
        self.ports.iter().find(|(name, _)| name == "PORT").map(|(_, port)| *port)
    }

    /// What cannot be said, with the name in front.
    pub fn remark(&mut self, text: impl AsRef<str>) {
        let remark = format!("{}: {}", self.program.name, text.as_ref());
        self.remarks.push(remark);
    }
}

/// Whether another tool gets this program: an active one that does not serve methods on our socket, which nobody else has.
fn is_exported(site: &Site<'_>, program: &Program) -> bool {
    site.project.is_active(program) && !program.serves_others()
}

fn exported<'a>(site: &Site<'a>) -> impl Iterator<Item = &'a Program> {
    let site = *site;
    site.project.programs.iter().filter(move |program| is_exported(&site, program))
}

/// All programs that are exported.
pub fn units<'a>(site: &Site<'a>, hosts: Hosts<'_>) -> Vec<Unit<'a>> {
    exported(site).map(|program| unit(site, program, hosts)).collect()
}

/// What the programs that are exported are called there.
pub fn program_labels(site: &Site<'_>, plain: fn(&str) -> String) -> Labels {
    Labels::of(exported(site).map(|program| (program.name.to_string(), plain(program.name.as_str()))))
}

/// What their processes are called there, by their namespecs.
pub fn process_labels(site: &Site<'_>, plain: fn(&str) -> String) -> Labels {
    let instances = exported(site).flat_map(|program| &program.instances);
    Labels::of(instances.map(|instance| (instance.name.to_string(), plain(&instance.name.process))))
}

/// Programs that are not exported, and why.
pub fn left_out(site: &Site<'_>) -> Vec<String> {
    let left = site.project.programs.iter().filter(|program| !is_exported(site, program));
    left.map(|program| {
        if program.serves_others() {
            format!("{}: it serves methods on the socket of `run up`", program.name)
        } else {
            format!("{}: only with --profile {}", program.name, program.profiles.join(" or "))
        }
    })
    .collect()
}

/// The env files of the project, as people name them; those of one program are its own affair ([`own_env_files`]).
pub fn project_env_files(site: &Site<'_>) -> Vec<String> {
    site.project.env_files.iter().map(|file| below(site, &file.path)).collect()
}

/// The env files of one program.
pub fn own_env_files(site: &Site<'_>, unit: &Unit<'_>) -> Vec<String> {
    unit.program.env_files.iter().map(|file| below(site, &file.path)).collect()
}

/// A path, from the project's root where it is below.
fn below(site: &Site<'_>, path: &Path) -> String {
    path.strip_prefix(&site.project.root).unwrap_or(path).display().to_string()
}

fn unit<'a>(site: &Site<'a>, program: &'a Program, hosts: Hosts<'_>) -> Unit<'a> {
    let mut filling = Filling { site, hosts, known: Vec::new(), unknown: Vec::new() };
    let ports: Vec<(String, u16)> = program
        .ports
        .iter()
        .filter_map(|spec| Some((spec.variable(), site.ports.get(&program.name, spec.name.as_deref())?)))
        .collect();
    filling.known.extend(ports.iter().map(|(name, port)| (name.clone(), port.to_string())));
    let directory = match &program.directory {
        Some(template) => site.project.root.join(filling.fill(template)),
        None => site.project.root.clone(),
    };
    let mut secrets = Vec::new();
    let mut environment: Vec<(String, String)> = Vec::new();
    for (name, template) in site.project.environment.iter().chain(&program.environment) {
        let value = filling.fill(template);
        for known in [&mut environment, &mut filling.known] {
            known.retain(|(there, _)| there != name);
        }
        secrets.retain(|there| there != name);
        if !site.with_secrets && looks_secret(name, &value) {
            // Nor does it get out with a value that names it.
            secrets.push(name.clone());
        } else {
            environment.push((name.clone(), value.clone()));
            filling.known.push((name.clone(), value));
        }
    }
    let run = match &program.command {
        Command::Words(words) => Run::Words(words.iter().map(|word| filling.fill(word)).collect()),
        Command::Shell(line) => Run::Line(line.clone()),
        Command::Line(line) => {
            let line = filling.fill(line);
            match shape(&line) {
                Shape::Words(words) => Run::Words(words),
                Shape::Simple | Shape::Compound => Run::Line(line),
            }
        }
    };
    let ready = program.ready.as_ref().and_then(|ready| match &ready.kind {
        ReadyKind::Tcp(target) => Some(Ready::Tcp(filling.fill(target))),
        ReadyKind::Http { url, .. } => Some(Ready::Http(filling.fill(url))),
        ReadyKind::Exec(command) => Some(Ready::Exec(command.clone())),
        ReadyKind::Log(pattern) => Some(Ready::Log(pattern.clone())),
        ReadyKind::Notify => Some(Ready::Notify),
        ReadyKind::File(path) => Some(Ready::File(site.project.root.join(filling.fill(path)).display().to_string())),
        ReadyKind::Described => None,
    });
    let is_there =
        |need: &&Dependency| site.project.program(&need.program).is_some_and(|program| is_exported(site, program));
    let holes = std::mem::take(&mut filling.unknown);
    let mut unit = Unit {
        program,
        run,
        directory: directory.display().to_string(),
        environment,
        holes,
        secrets,
        ports,
        ready,
        needs: program.depends_on.iter().filter(is_there).collect(),
        remarks: Vec::new(),
    };
    let watched = [
        ("alive", program.alive.is_some()),
        ("max_memory", program.max_memory.is_some()),
        ("on_crash", program.on_crash.is_some()),
    ];
    let watched: Vec<&str> = watched.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect();
    if !watched.is_empty() {
        unit.remark(format!("not carried over: {}", watched.join(", ")));
    }
    for name in unit.holes.clone() {
        unit.remark(format!("${{{name}}} has to come from the environment there"));
    }
    if !unit.secrets.is_empty() {
        let names = unit.secrets.join(", ");
        unit.remark(format!("left out because it looks secret: {names} (--with-secrets writes it)"));
    }
    unit
}

/// Fills holes, and notes those that nothing fills.
struct Filling<'s, 'a> {
    site: &'s Site<'a>,
    hosts: Hosts<'s>,
    known: Vec<(String, String)>,
    unknown: Vec<String>,
}

impl Filling<'_, '_> {
    /// A value: variables that are known are filled in, others stay as they are.
    fn fill(&mut self, template: &Template) -> String {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable(name) => text.push_str(&self.variable(name)),
                Part::Program { program, fact } => self.fact(&mut text, program, fact),
            }
        }
        text
    }

    /// A variable's value, or the hole where there is none.
    fn variable(&mut self, name: &str) -> String {
        if let Some((_, value)) = self.known.iter().rev().find(|(there, _)| there == name) {
            return value.clone();
        }
        if !self.unknown.iter().any(|there| there == name) {
            self.unknown.push(name.to_owned());
        }
        format!("${{{name}}}")
    }

    /// A port, behind the host that its program has there.
    fn fact(&self, text: &mut String, program: &ProgramName, fact: &ProgramFact) {
        let (name, is_url) = match fact {
            ProgramFact::Port(name) => (name, false),
            ProgramFact::Url(name) => (name, true),
        };
        let port = self.site.ports.get(program, name.as_deref()).map(|port| port.to_string()).unwrap_or_default();
        if is_url {
            text.push_str("http://127.0.0.1:");
        }
        if let Hosts::Names(labels) = self.hosts {
            for loopback in ["127.0.0.1:", "localhost:"] {
                if let Some(before) = text.strip_suffix(loopback) {
                    *text = format!("{before}{}:", labels.get(program.as_str()));
                    break;
                }
            }
        }
        text.push_str(&port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_other_value_either() {
        let token = Part::Variable("API_TOKEN".to_owned());
        let header = Template { parts: vec![Part::Text("Bearer ".to_owned()), token] };
        let project = Project {
            environment: vec![("API_TOKEN".to_owned(), Template::literal("hunter2"))],
            ..Project::new(
                "/shop",
                vec![Program { environment: vec![("HEADER".to_owned(), header)], ..Program::new("web") }],
            )
        };
        let ports = Ports::default();
        let exported = |with_secrets| {
            let site = Site { project: &project, name: "shop", ports: &ports, with_secrets };
            let unit = units(&site, Hosts::Loopback).remove(0);
            (unit.environment.last().unwrap().1.clone(), unit.remarks)
        };
        let left_out = "web: left out because it looks secret: API_TOKEN (--with-secrets writes it)";
        let missing = "web: ${API_TOKEN} has to come from the environment there";
        assert_eq!(exported(false), ("Bearer ${API_TOKEN}".to_owned(), vec![missing.to_owned(), left_out.to_owned()]));
        assert_eq!(exported(true), ("Bearer hunter2".to_owned(), vec![]));
    }

    #[test]
    fn a_line_with_breaks_is_spelled_for_the_same_shell() {
        assert_eq!(one_line("echo a # b\n", &[]), "echo a # b");
        let text = "echo 'a\n50% \\' # one\nfor x in 1; do\n  echo $x ;done";
        assert_eq!(
            one_line(text, &[';', '#']),
            r#"eval "$(printf 'echo '\''a\n50%% \\'\'' \043 one\nfor x in 1\073 do\n  echo $x \073done')""#
        );
        assert_eq!(one_line("echo 'a ;b'", &[';']), r#"eval "$(printf 'echo '\''a \073b'\''')""#);
    }
}
