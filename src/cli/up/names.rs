//! The proxy of `[proxy] enable`: names below `.localhost` for the programs of all projects, as long as this one is up.

use std::sync::Arc;

use crate::cli::project::Loaded;
use crate::cli::running::RunningProjects;
use crate::cli::up::doors::holder;
use crate::logs::Hub;
use crate::proxy::{News, Plan, Proxy};

/// Starts it, if the project wants it. A project is no worse off without, so trouble is only told.
pub(super) fn start(loaded: &Loaded, hub: &Hub) -> Option<Proxy> {
    let wanted = loaded.project.proxy;
    if !wanted.enable {
        return None;
    }
    let homes = loaded.homes.clone();
    let plan = Plan { homes: homes.clone(), port: wanted.port, project: Some(loaded.display_name.clone()) };
    let teller = hub.clone();
    let started = Proxy::start(plan, Arc::new(RunningProjects::new(homes.clone())), move |news| match news {
        News::Waiting(_) | News::Serving(_) => {}
        News::Taken(port) => teller.say(format!(
            "  names below .localhost lead nowhere: port {port} ([proxy]) is taken by {}",
            holder(port, &homes)
        )),
        News::Failed(problem) => teller.say(format!("  names below .localhost lead nowhere: {problem}")),
    });
    started.map_err(|error| hub.say(format!("  names below .localhost lead nowhere: {error}"))).ok()
}
