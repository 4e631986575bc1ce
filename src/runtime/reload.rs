//! Reading the config again, as it was read at `up`: the same files, options and shell. In a task that may block, never on the loop.
//!
//! A config that does not load, or whose ports somebody else has, changes nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

use crate::config::request::{Request, Vocabulary};
use crate::model::status::SourceMark;
use crate::model::{ConfigRefusal, ConfigWish, Diagnostics, PortRequest, Program, Project, ReloadPlan};
use crate::plan::ports::Ports;
use crate::plan::reload::{with_group, without_group};
use crate::runtime::handle::Handle;
use crate::runtime::load::{is_as_marked, load_project};
use crate::runtime::ports::{self, Holder};
use crate::supervisor::action::Outcome;
use crate::supervisor::edition::Edition;
use crate::supervisor::event::Command;
use crate::supervisor::snapshot::Snapshot;

/// Everything that decides what the config becomes, apart from its text.
pub struct Source {
    /// What was asked of the loader at `up`.
    pub request: Request,
    /// The words of the other layers.
    pub vocabulary: Vocabulary,
    /// The project's identity in the registry.
    pub checkout: String,
    /// The ledger of ports; `None` when there is no place for one.
    pub ledger: Option<PathBuf>,
    /// The user's home, for messages.
    pub home: Option<PathBuf>,
    /// What the user should know of this run, whatever the config says.
    pub notes: Vec<String>,
    /// Looks up who sits on a port.
    pub holder_of: Box<dyn Fn(u16) -> Option<Holder> + Send + Sync>,
    /// Mistakes as a refusal.
    pub describe: fn(&Diagnostics) -> ConfigRefusal,
}

/// Where wishes about the config are seen to, one at a time.
pub struct Desk {
    source: Arc<Source>,
    turn: Semaphore,
    /// A cell that everybody reads; whoever has read the config replaces what is in it.
    last_read: watch::Sender<Option<Arc<Project>>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("files", &self.source.request.files).finish_non_exhaustive()
    }
}

/// What came of reading the config, and the files as they were then.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What it says, or everything that is wrong with it.
    pub project: Result<Arc<Project>, ConfigRefusal>,
    /// The files and patterns that were looked at.
    pub sources: Vec<SourceMark>,
}

/// A config that loaded.
#[derive(Debug, Clone)]
struct Read {
    project: Arc<Project>,
    sources: Vec<SourceMark>,
}

impl Desk {
    /// A desk that has read nothing yet.
    pub fn new(source: Source) -> Self {
        Self { source: Arc::new(source), turn: Semaphore::new(1), last_read: watch::channel(None).0 }
    }

    /// What the config said when it was last read here.
    pub fn last_read(&self) -> Option<Arc<Project>> {
        self.last_read.borrow().clone()
    }

    /// Does what is wished, against the state when its turn has come.
    pub(super) async fn perform(&self, handle: &Handle, wish: ConfigWish) -> Result<ReloadPlan, ConfigRefusal> {
        // Never closed; if it were, nobody could be kept apart any more.
        let _turn = self.turn.acquire().await.map_err(|_| ConfigRefusal::Ending)?;
        let active = handle.snapshot();
        match wish {
            ConfigWish::Glance => Ok(ReloadPlan { files: differing(&active).await?, ..ReloadPlan::default() }),
            ConfigWish::Compare => Ok(active.diff(&self.read(&active).await?.project)),
            ConfigWish::Reload => {
                let read = self.read(&active).await?;
                self.take_over(handle, &active, read, Command::Reload).await
            }
            ConfigWish::Restart => {
                let read = self.read(&active).await?;
                self.take_over(handle, &active, read, |_| Command::BeginAnew).await
            }
            ConfigWish::Activate(profiles) => {
                let project = with_profiles(&active.project, profiles);
                self.take_over(handle, &active, in_part(&active, project), Command::Reload).await
            }
            ConfigWish::AddGroup(group) => {
                let other = self.last_read().unwrap_or_else(|| Arc::clone(&active.project));
                let project = with_group(&active.project, &other, &group);
                self.take_over(handle, &active, in_part(&active, project), Command::Reload).await
            }
            ConfigWish::RemoveGroup(group) => {
                let project = without_group(&active.project, &group);
                self.take_over(handle, &active, in_part(&active, project), Command::Reload).await
            }
        }
    }

    /// Reads, and does nothing; `None` when the reader itself came to grief.
    pub(super) async fn look(&self, handle: &Handle) -> Option<Reading> {
        let _turn = self.turn.acquire().await.ok()?;
        self.read_all(&handle.snapshot()).await.ok()
    }

    /// Takes over what was read before.
    pub(super) async fn take(&self, handle: &Handle, reading: Reading) -> Result<ReloadPlan, ConfigRefusal> {
        let _turn = self.turn.acquire().await.map_err(|_| ConfigRefusal::Ending)?;
        let read = reading.into_read()?;
        self.take_over(handle, &handle.snapshot(), read, Command::Reload).await
    }

    async fn read(&self, active: &Snapshot) -> Result<Read, ConfigRefusal> {
        self.read_all(active).await?.into_read()
    }

    /// Under the profiles that are active by now: some may have been asked for after `up`.
    async fn read_all(&self, active: &Snapshot) -> Result<Reading, ConfigRefusal> {
        let (source, profiles) = (Arc::clone(&self.source), active.project.active_profiles.clone());
        let loaded = spawn_blocking(move || {
            let outcome = load_project(&Request { profiles, ..source.request.clone() }, &source.vocabulary);
            let project = outcome.project.map(Arc::new).ok_or_else(|| (source.describe)(&outcome.diagnostics));
            Reading { project, sources: outcome.sources }
        });
        let reading = loaded.await.map_err(|_| ConfigRefusal::Ending)?;
        if let Ok(project) = &reading.project {
            self.last_read.send_replace(Some(Arc::clone(project)));
        }
        Ok(reading)
    }

    async fn take_over(
        &self,
        handle: &Handle,
        active: &Snapshot,
        read: Read,
        command: fn(Edition) -> Command,
    ) -> Result<ReloadPlan, ConfigRefusal> {
        let plan = active.diff(&read.project);
        let (source, active) = (Arc::clone(&self.source), active.clone());
        let edition = spawn_blocking(move || source.edition(&active, read));
        let edition = edition.await.map_err(|_| ConfigRefusal::Ending)??;
        match handle.request(command(edition)).await {
            Ok(Outcome::Accepted | Outcome::Each(_) | Outcome::TimedOut(_)) => Ok(plan),
            Ok(Outcome::ShuttingDown) | Err(_) => Err(ConfigRefusal::Ending),
        }
    }
}

impl Reading {
    fn into_read(self) -> Result<Read, ConfigRefusal> {
        let Self { project, sources } = self;
        Ok(Read { project: project?, sources })
    }
}

/// The project with more profiles active.
fn with_profiles(project: &Project, profiles: Vec<String>) -> Project {
    let mut project = project.clone();
    project.active_profiles.extend(profiles);
    project.active_profiles.sort_unstable();
    project.active_profiles.dedup();
    project
}

/// The files that are not as they were, relative to the project where possible.
async fn differing(active: &Snapshot) -> Result<Vec<String>, ConfigRefusal> {
    let (sources, root) = (Arc::clone(&active.sources), active.project.root.clone());
    let look = spawn_blocking(move || {
        let others = sources.iter().filter(|mark| !is_as_marked(mark));
        others.map(|mark| mark.shown(&root)).collect()
    });
    look.await.map_err(|_| ConfigRefusal::Ending)
}

/// A project of which only a part is as the files have it: it still differs from them.
fn in_part(active: &Snapshot, project: Project) -> Read {
    Read { project: Arc::new(project), sources: active.sources.to_vec() }
}

impl Source {
    /// Gives ports to what is new; what runs keeps its own.
    fn edition(&self, active: &Snapshot, read: Read) -> Result<Edition, ConfigRefusal> {
        let project = &*read.project;
        let request = ports::Request {
            project,
            checkout: &self.checkout,
            ledger: self.ledger.as_deref(),
            held: &held(active, project),
            own: &own(active),
            starts: &|program| program.autostart && project.is_active(program),
            holder_of: &*self.holder_of,
        };
        let (ports, notes) = ports::assign(&request).map_err(|taken| {
            let messages: Vec<String> = taken.iter().map(|one| one.message(self.home.as_deref())).collect();
            ConfigRefusal::Unfit(messages.join("\n"))
        })?;
        let edition = Edition::new(Arc::clone(&read.project), ports);
        let edition = edition.map_err(|circle| ConfigRefusal::Unfit(circle.to_string()))?;
        let notes = self.notes.iter().cloned().chain(notes.iter().map(ToString::to_string)).collect();
        Ok(edition.with(notes, read.sources))
    }
}

/// The ports that stay: a number of the user's that is the same, and every one of ours.
fn held(active: &Snapshot, project: &Project) -> Ports {
    let mut held = Ports::default();
    for (name, port_name, port) in active.ports.iter() {
        let request = |project: &Project| {
            let program = project.program(name)?;
            program.ports.iter().find(|spec| spec.name.as_deref() == port_name).map(|spec| spec.request)
        };
        let stays = match (request(&active.project), request(project)) {
            (Some(PortRequest::Auto), Some(PortRequest::Auto)) => true,
            (_, Some(PortRequest::Fixed(number))) => number == port,
            (_, Some(PortRequest::Auto) | None) => false,
        };
        if stays {
            held.insert(name.clone(), port_name.map(ToOwned::to_owned), port);
        }
    }
    held
}

/// Every number that our programs have now.
fn own(active: &Snapshot) -> BTreeSet<u16> {
    let of = |program: &Program| -> Vec<u16> {
        program.instances.iter().filter_map(|instance| u16::try_from(instance.number).ok()).collect()
    };
    let all = active.ports.iter().filter_map(|(name, _, base)| Some((base, of(active.project.program(name)?))));
    all.flat_map(|(base, numbers)| numbers.into_iter().filter_map(move |number| base.checked_add(number))).collect()
}
