//! A project for the tests of the drawings.

use crate::export::graph::GraphView;
use crate::model::{Dependency, Program, Project, ReadyKind, ReadySpec, Template, Until};

/// db and cache; a migration; an api with a web page and four workers above it.
pub(crate) fn shop() -> GraphView {
    let mut db = Program::new("db");
    db.ready = Some(ReadySpec::new(ReadyKind::Tcp(Template::literal("127.0.0.1:5433"))));
    let mut cache = Program::new("cache");
    cache.priority = 1;
    let mut migrate = Program::new_task("migrate");
    migrate.depends_on = vec![Dependency::new("db", Until::Ready)];
    let mut api = Program::new("api");
    api.depends_on = vec![Dependency::new("db", Until::Ready), Dependency::new("migrate", Until::Done)];
    let mut web = Program::new("web");
    web.depends_on = vec![
        Dependency::new("api", Until::Ready),
        Dependency { optional: true, ..Dependency::new("mail", Until::Ready) },
        Dependency { restart: true, ..Dependency::new("cache", Until::Started) },
    ];
    let mut worker = Program::new("worker").times(4);
    worker.depends_on = vec![Dependency::new("api", Until::Ready)];
    worker.profiles = vec!["full".into()];
    GraphView::of(&Project::new("/src/shop", vec![db, cache, migrate, api, web, worker]))
}
