//! All running projects of this user, asked at the same time.

use std::thread;
use std::time::Duration;

use crate::cli::connection::{Connection, is_suspended};
use crate::model::status::ProjectStatus;
use crate::proxy::{Directory, Listed};
use crate::registry::{self, Homes, OwnerFacts, Running};

/// How long one that is stuck may hold up the list of all.
const LIMIT: Duration = Duration::from_secs(2);

/// Every running project, and its state where it answers; by name and directory.
pub fn everyone(homes: &Homes) -> Vec<(Running, Option<ProjectStatus>)> {
    let all = registry::list(homes);
    let answers: Vec<Option<ProjectStatus>> = thread::scope(|scope| {
        let asked: Vec<_> = all.iter().map(|running| scope.spawn(|| status_of(homes, running))).collect();
        asked.into_iter().map(|one| one.join().ok().flatten()).collect()
    });
    all.into_iter().zip(answers).collect()
}

/// The state of one that has not told it.
pub fn unanswered(owner: &OwnerFacts) -> &'static str {
    if is_suspended(owner) { "suspended" } else { "silent" }
}

fn status_of(homes: &Homes, running: &Running) -> Option<ProjectStatus> {
    if is_suspended(&running.owner) {
        return None;
    }
    Connection::open(homes.clone(), running.clone()).ok()??.with_limit(LIMIT).status().ok()
}

/// The running projects as the proxy asks for them.
#[derive(Debug)]
pub struct RunningProjects {
    homes: Homes,
}

impl RunningProjects {
    /// Those of these homes.
    pub fn new(homes: Homes) -> Self {
        Self { homes }
    }
}

impl Directory for RunningProjects {
    fn projects(&self) -> Vec<Listed> {
        let listed = |running: Running| Listed { key: running.places.identity.to_string(), name: running.owner.name };
        registry::list(&self.homes).into_iter().map(listed).collect()
    }

    fn status(&self, key: &str) -> Option<ProjectStatus> {
        let mut all = registry::list(&self.homes).into_iter();
        let running = all.find(|running| running.places.identity.as_str() == key)?;
        status_of(&self.homes, &running)
    }
}
