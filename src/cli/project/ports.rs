//! The ports that the programs of a project have, or would get.

use std::collections::BTreeSet;

use crate::cli::error::CommandError;
use crate::cli::project::found::find;
use crate::cli::project::loaded::Loaded;
use crate::cli::settings::Settings;
use crate::model::Project;
use crate::model::status::ProjectStatus;
use crate::plan::ports::Ports;
use crate::runtime::ports;

/// The ports that programs have, or would get. Nothing is checked to be free; `"auto"` ones are entered into the ledger.
pub fn ports(settings: &Settings, loaded: &Loaded) -> Result<Ports, CommandError> {
    let status = match find(settings)? {
        Ok(mut connection) => connection.status_unless_gone()?,
        Err(_) => None,
    };
    let held = status.map(|status| held_ports(&loaded.project, &status)).unwrap_or_default();
    let ledger = loaded.homes.port_ledger();
    let request = ports::Request {
        project: &loaded.project,
        checkout: loaded.places.identity.as_str(),
        ledger: ledger.as_deref(),
        held: &held,
        own: &BTreeSet::new(),
        starts: &|_| false,
        holder_of: &|_| None,
    };
    match ports::assign(&request) {
        Ok((mut ports, _)) => {
            // What runs has what it was started with, `--port` included.
            for (program, name, port) in held.iter() {
                ports.insert(program.clone(), name.map(ToOwned::to_owned), port);
            }
            Ok(ports)
        }
        Err(taken) => {
            let messages: Vec<String> = taken.iter().map(|taken| taken.message(None)).collect();
            Err(CommandError::user(messages.join("\n")))
        }
    }
}

/// The base of each port from what the instances of a running project have.
fn held_ports(project: &Project, status: &ProjectStatus) -> Ports {
    let mut held = Ports::default();
    for (_, program, instance) in project.processes() {
        let name = instance.name.to_string();
        let ports = status.processes.iter().filter(|process| process.name == name).flat_map(|process| &process.ports);
        for port in ports {
            let base = u16::try_from(instance.number).ok().and_then(|number| port.port.checked_sub(number));
            let port_name = Some(port.name.clone()).filter(|name| !name.is_empty());
            if let Some(base) = base {
                held.insert(program.name.clone(), port_name, base);
            }
        }
    }
    held
}
