//! `run ports`: every port and URL of the project here, or of all that run.

use std::path::Path;

use clap_complete::engine::ArgValueCandidates;
use serde::Serialize;

use crate::cli::complete;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json};
use crate::cli::project;
use crate::cli::running::everyone;
use crate::cli::select::{select, unknown_name};
use crate::cli::settings::Settings;
use crate::cli::up::holder_of;
use crate::model::status::{PortStatus, ProcessStatus, ProjectStatus, SCHEMA};
use crate::model::{Word, local_name};
use crate::registry::{self, Homes, ProxyFacts};
use crate::runtime::ports::is_free;
use crate::ui::columns;
use crate::ui::look::Look;

/// Show every port and URL.
///
/// Of a project that is down: the ports that it would get, and who has them meanwhile.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs; without any: all.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// Of every running project on this machine.
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// One port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortRow {
    /// The program.
    pub program: String,
    /// The process: `web`, or `worker:worker_0`.
    pub process: String,
    /// The name inside `ports`; empty for the main one.
    pub name: String,
    /// The number.
    pub port: u16,
    /// The state of the process.
    pub state: Word,
    /// `http://127.0.0.1:PORT` when it is known to speak HTTP.
    pub url: Option<String>,
    /// Its name behind the proxy, while one runs; of use to what speaks HTTP.
    pub proxied_url: Option<String>,
    /// Who has the port of a program that is down.
    pub taken_by: Option<String>,
}

impl PortRow {
    /// Where a browser goes: for what is known to speak HTTP.
    pub fn web(&self) -> Option<&str> {
        self.url.as_ref().map(|url| self.proxied_url.as_ref().unwrap_or(url).as_str())
    }

    /// Where a browser goes if it must.
    pub fn address(&self) -> String {
        self.proxied_url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{}", self.port))
    }
}

/// The ports of a project.
#[derive(Debug, Clone, Serialize)]
struct ProjectPorts {
    project: String,
    root: String,
    state: String,
    ports: Vec<PortRow>,
}

/// All there is to say.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    schema: u32,
    /// The proxy, while one runs.
    proxy: Option<&'a ProxyFacts>,
    projects: &'a [ProjectPorts],
}

/// Shows them.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let homes = Homes::of_this_user();
    let proxy = registry::proxies(&homes).into_iter().next();
    let projects = if args.all {
        let answered = everyone(&homes).into_iter().filter_map(|(_, status)| status);
        answered
            .map(|status| of_status(&status, &status.processes.iter().collect::<Vec<_>>(), proxy.as_ref()))
            .collect()
    } else {
        vec![of_one(settings, args, proxy.as_ref())?]
    };
    if args.json {
        print_json(&Answer { schema: SCHEMA, proxy: proxy.as_ref(), projects: &projects })?;
    } else {
        print(&drawn(&projects, args.all, &settings.look(&settings.out)))?;
    }
    Ok(ExitCode::Fine)
}

/// The project here: as it runs, else as the config has it.
fn of_one(settings: &Settings, args: &Args, proxy: Option<&ProxyFacts>) -> Result<ProjectPorts, CommandError> {
    if let Ok(mut connection) = project::find(settings)?
        && let Some(status) = connection.status_unless_gone()?
    {
        let chosen = select(&status, &args.names)?;
        return Ok(of_status(&status, &chosen, proxy));
    }
    let loaded = project::load(settings)?;
    let assigned = project::ports(settings, &loaded)?;
    let project = &loaded.project;
    for name in &args.names {
        if !project
            .processes()
            .any(|(_, program, instance)| program.name.as_str() == name || instance.name.matches(name))
        {
            let known: Vec<String> = project.programs.iter().map(|program| program.name.to_string()).collect();
            return Err(unknown_name(name, &project.name, &known));
        }
    }
    let mut ports = Vec::new();
    for (_, program, instance) in project.processes() {
        let is_meant = |name: &String| program.name.as_str() == name || instance.name.matches(name);
        if !args.names.is_empty() && !args.names.iter().any(is_meant) {
            continue;
        }
        for spec in &program.ports {
            let base = assigned.get(&program.name, spec.name.as_deref());
            let number = u16::try_from(instance.number).ok();
            let Some(port) = base.zip(number).and_then(|(base, number)| base.checked_add(number)) else { continue };
            ports.push(PortRow {
                program: program.name.to_string(),
                process: instance.name.to_string(),
                name: spec.name.clone().unwrap_or_default(),
                port,
                state: Word::Off,
                url: None,
                proxied_url: None,
                taken_by: (!is_free(port)).then(|| taken_by(port, settings, &loaded.homes)),
            });
        }
    }
    let root = project.root.display().to_string();
    Ok(ProjectPorts { project: loaded.display_name.clone(), root, state: "off".to_owned(), ports })
}

fn taken_by(port: u16, settings: &Settings, homes: &Homes) -> String {
    let home = settings.home.as_deref().map(Path::new);
    holder_of(port, homes).map_or_else(|| "a process of another user".to_owned(), |holder| holder.describe(home))
}

fn of_status(status: &ProjectStatus, processes: &[&ProcessStatus], proxy: Option<&ProxyFacts>) -> ProjectPorts {
    let ports = processes.iter().flat_map(|process| rows(process, &status.project, proxy));
    ProjectPorts {
        project: status.project.clone(),
        root: status.root.clone(),
        state: status.state.clone(),
        ports: ports.collect(),
    }
}

/// The ports of a process of a running project.
pub fn rows(process: &ProcessStatus, project: &str, proxy: Option<&ProxyFacts>) -> Vec<PortRow> {
    let own_name = process.name.rsplit(':').next().unwrap_or_default();
    let proxied = |port: &PortStatus| {
        let url = local_name::url(own_name, project, proxy?.port);
        let before = if port.name.is_empty() { String::new() } else { local_name::label(&port.name) + "." };
        Some(url.replacen("http://", &format!("http://{before}"), 1))
    };
    let of = |port: &PortStatus| PortRow {
        program: process.program.clone(),
        process: process.name.clone(),
        name: port.name.clone(),
        port: port.port,
        state: process.state,
        url: process.url.clone().filter(|_| port.name.is_empty()),
        proxied_url: proxied(port),
        taken_by: None,
    };
    process.ports.iter().map(of).collect()
}

fn drawn(projects: &[ProjectPorts], all: bool, look: &Look) -> String {
    let row = |project: &ProjectPorts, row: &PortRow| {
        let state = row.taken_by.as_ref().map_or_else(|| row.state.to_string(), |holder| format!("taken by {holder}"));
        let name = if all { project.project.clone() } else { String::new() };
        let url = row.web().map(ToOwned::to_owned).unwrap_or_default();
        vec![name, row.process.clone(), row.name.clone(), row.port.to_string(), url, state]
    };
    let rows: Vec<Vec<String>> =
        projects.iter().flat_map(|project| project.ports.iter().map(move |port| row(project, port))).collect();
    match (rows.is_empty(), projects) {
        (true, [one]) if !all => format!("no program of {} has a port\n", one.project),
        (true, []) => "no project is up\n".to_owned(),
        (true, _) => "no program that runs has a port\n".to_owned(),
        (false, _) => {
            columns::draw(&["PROJECT", "PROGRAM", "NAME", "PORT", "URL", "STATE"], &rows, look.theme, look.width)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    const PROXY: ProxyFacts = ProxyFacts { pid: 7, port: 7777, project: None };

    fn port(name: &str, port: u16) -> PortStatus {
        PortStatus { name: name.to_owned(), port }
    }

    fn shop() -> ProjectStatus {
        let mut shop = sample::shop();
        let api = &mut shop.processes[2];
        (api.url, api.ports) = (Some("http://127.0.0.1:3101".into()), vec![port("", 3101), port("debug", 9229)]);
        shop
    }

    fn text(proxy: Option<&ProxyFacts>) -> String {
        let shop = shop();
        let processes: Vec<_> = shop.processes[..3].iter().collect();
        drawn(&[of_status(&shop, &processes, proxy)], false, &Look::plain())
    }

    #[test]
    fn every_port_has_a_line() {
        assert_eq!(
            text(None),
            "\
PROGRAM  NAME   PORT  URL                    STATE
db              5433                         ready
api             3101  http://127.0.0.1:3101  ready
api      debug  9229                         ready
"
        );
    }

    #[test]
    fn while_a_proxy_runs_what_speaks_http_is_shown_by_its_name() {
        assert!(text(Some(&PROXY)).contains("api             3101  http://api.shop.localhost:7777  ready\n"));
        let rows = rows(&shop().processes[2], "shop@fix", Some(&PROXY));
        assert_eq!(rows[1].proxied_url.as_deref(), Some("http://debug.api.fix.shop.localhost:7777"));
        assert_eq!(rows[1].web(), None);
    }
}
