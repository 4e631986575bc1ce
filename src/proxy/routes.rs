//! Where a name leads now. The projects are asked on threads for that, and their answers hold for a moment.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::proxy::names::{self, Meant};

/// How long it is believed who runs, and that a program is not ready.
const SHORT: Duration = Duration::from_millis(300);

/// How long it is believed that a program is ready. Whoever connects finds out sooner.
const LONG: Duration = Duration::from_secs(2);

/// A running project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What it is asked by.
    pub key: String,
    /// Display name.
    pub name: String,
}

/// Who runs. Both questions may block, and are asked on threads of their own.
pub trait Directory: Send + Sync + 'static {
    /// Every running project.
    fn projects(&self) -> Vec<Listed>;
    /// The state of one; `None` when it does not answer.
    fn status(&self, key: &str) -> Option<ProjectStatus>;
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub enum Route {
    /// To this port of this machine.
    To {
        /// The port.
        port: u16,
        /// Whose state it is known by.
        key: String,
        /// Who is asked.
        process: Box<ProcessStatus>,
    },
    /// The program is there, and there is no use in asking it.
    NotReady(Box<ProcessStatus>),
    /// The program has no port.
    NoPort(Box<ProcessStatus>),
    /// The project itself is meant, or nothing that it has.
    Project {
        /// The project.
        status: Rc<ProjectStatus>,
        /// Whether a program was asked for that it does not have.
        is_missing: bool,
    },
    /// Several projects are called so.
    Several(Vec<String>),
    /// The project is up and does not answer.
    Silent(String),
    /// No project is called so.
    Nobody,
}

type Answer = (Instant, Option<Rc<ProjectStatus>>);

/// What was asked lately.
pub struct Routes {
    directory: Arc<dyn Directory>,
    listed: RefCell<Option<(Instant, Rc<[Listed]>)>>,
    answers: RefCell<BTreeMap<String, Answer>>,
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
    }
}

impl Routes {
    /// Routes that ask this directory.
    pub fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory, listed: RefCell::default(), answers: RefCell::default() }
    }

    /// Where these labels lead.
    pub async fn find(&self, labels: &[String]) -> Route {
        let listed = self.projects().await;
        let (project, rest) = match names::project(labels, &listed) {
            Meant::One(project, rest) => (project, rest),
            Meant::Several(several) => return Route::Several(several.iter().map(|one| one.name.clone()).collect()),
            Meant::Nobody => return Route::Nobody,
        };
        let Some(status) = self.status(&project.key, LONG).await else { return Route::Silent(project.name.clone()) };
        let is_well = |status: &ProjectStatus| {
            names::process(rest, &status.processes)
                .is_some_and(|(process, port)| names::is_up(process) && port.is_some())
        };
        // Bad news grows old sooner.
        let status = if is_well(&status) { Some(status) } else { self.status(&project.key, SHORT).await };
        let Some(status) = status else { return Route::Silent(project.name.clone()) };
        match names::process(rest, &status.processes) {
            None => Route::Project { is_missing: !rest.is_empty(), status },
            Some((process, Some(port))) if names::is_up(process) => {
                Route::To { port, key: project.key.clone(), process: Box::new(process.clone()) }
            }
            Some((process, Some(_))) => Route::NotReady(Box::new(process.clone())),
            Some((process, None)) => Route::NoPort(Box::new(process.clone())),
        }
    }

    /// Every project that answers.
    pub async fn all(&self) -> Vec<Rc<ProjectStatus>> {
        let mut all = Vec::new();
        for project in self.projects().await.iter() {
            all.extend(self.status(&project.key, LONG).await);
        }
        all
    }

    /// What was known of a project is not so any more.
    pub fn forget(&self, key: &str) {
        self.answers.borrow_mut().remove(key);
    }

    async fn projects(&self) -> Rc<[Listed]> {
        let known = self.listed.borrow().as_ref().filter(|(at, _)| at.elapsed() < SHORT).map(|(_, all)| Rc::clone(all));
        if let Some(known) = known {
            return known;
        }
        let directory = Arc::clone(&self.directory);
        let all: Rc<[Listed]> = spawn_blocking(move || directory.projects()).await.unwrap_or_default().into();
        self.answers.borrow_mut().retain(|key, _| all.iter().any(|one| one.key == *key));
        *self.listed.borrow_mut() = Some((Instant::now(), Rc::clone(&all)));
        all
    }

    async fn status(&self, key: &str, limit: Duration) -> Option<Rc<ProjectStatus>> {
        let known = self.answers.borrow().get(key).filter(|(at, _)| at.elapsed() < limit).cloned();
        if let Some((_, Some(status))) = known {
            return Some(status);
        }
        let (directory, asked) = (Arc::clone(&self.directory), key.to_owned());
        let status = spawn_blocking(move || directory.status(&asked)).await.ok().flatten().map(Rc::new);
        self.answers.borrow_mut().insert(key.to_owned(), (Instant::now(), status.clone()));
        status
    }
}
