//! The difference of two projects, by example and by property.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::program::Instance;
use crate::model::template::{Part, ProgramFact};
use crate::model::{
    Autorestart, Command, Dependency, Dialect, EnvFile, Group, GroupChanges, KeyFate, LogFile, PortRequest, PortSpec,
    ReadyKind, ReadySpec, Template, Until,
};
use crate::plan::testing::project;

fn shop() -> Project {
    project(&[("db", &[]), ("cache", &[]), ("api", &["db", "cache"])])
}

/// What one edit of the api's program changes: the effect, and the keys as they are told.
fn after(edit: impl FnOnce(&mut Program)) -> (Effect, Vec<String>) {
    let (old, mut new) = (shop(), shop());
    edit(&mut new.programs[2]);
    let plan = diff(&old, &new);
    assert_eq!((plan.changes.len(), plan.unchanged), (1, 2), "{plan:?}");
    let told = |key: &KeyChange| match &key.values {
        Some((was, is)) => format!("{} {was} -> {is}", key.key),
        None => key.key.clone(),
    };
    (plan.changes[0].effect, plan.changes[0].keys.iter().map(told).collect())
}

fn port(number: u16) -> Vec<PortSpec> {
    vec![PortSpec { name: None, request: PortRequest::Fixed(number) }]
}

fn names<'a>(changes: impl Iterator<Item = &'a ProcessChange>) -> Vec<&'a str> {
    changes.map(|change| change.name.as_str()).collect()
}

#[test]
fn what_is_new_and_gone_is_told_by_name() {
    let plan = diff(&shop(), &project(&[("db", &[]), ("api", &["db"]), ("mail", &["api"])]));
    assert_eq!(names(plan.with(Effect::Add)), ["mail"]);
    assert_eq!(names(plan.with(Effect::Remove)), ["cache"]);
    assert_eq!(names(plan.with(Effect::Keep)), ["api"]);
    assert_eq!(plan.unchanged, 1);
    assert_eq!(plan.changes[1].after, ["api".into()]);
}

#[test]
fn what_a_run_is_made_of_takes_a_new_one() {
    let restart = |edit: fn(&mut Program)| {
        let (effect, keys) = after(edit);
        assert_eq!(effect, Effect::Restart, "{keys:?}");
        keys
    };
    assert_eq!(restart(|api| api.command = Command::Shell("false".into())), ["command"]);
    assert_eq!(restart(|api| api.directory = Some(Template::literal("api"))), ["directory"]);
    assert_eq!(restart(|api| api.user = Some("nobody".into())), ["user"]);
    assert_eq!(restart(|api| api.ports = port(3000)), ["port none -> 3000"]);
    assert_eq!(restart(|api| api.ready = Some(ReadySpec::new(ReadyKind::Notify))), ["ready"]);
    assert_eq!(restart(|api| api.instances[0].number = 3), ["process_num 0 -> 3"]);
}

#[test]
fn what_only_the_supervisor_looks_at_is_taken_in() {
    let keep = |edit: fn(&mut Program)| {
        let (effect, keys) = after(edit);
        assert_eq!(effect, Effect::Keep, "{keys:?}");
        keys
    };
    assert_eq!(keep(|api| api.autorestart = Autorestart::Always), ["autorestart unexpected -> true"]);
    assert_eq!(keep(|api| api.startretries = 9), ["startretries 3 -> 9"]);
    assert_eq!(keep(|api| api.stopwaitsecs = Duration::from_secs(5)), ["stopwaitsecs 10s -> 5s"]);
    assert_eq!(keep(|api| api.profiles = vec!["full".into()]), ["profiles none -> full"]);
    assert_eq!(keep(|api| drop(api.depends_on.pop())), ["depends_on db, cache -> db"]);
    let log = |api: &mut Program| {
        api.stdout_logfile = Some(LogFile { path: "/log/api".into(), maxbytes: 1 << 20, backups: 2 });
    };
    assert_eq!(keep(log).len(), 1);
}

#[test]
fn a_check_is_another_by_what_it_asks_and_not_by_its_patience() {
    let (mut old, mut new) = (shop(), shop());
    let spec = ReadySpec { timeout: Some(Duration::from_secs(30)), ..ReadySpec::new(ReadyKind::Notify) };
    old.programs[0].ready = Some(spec.clone());
    new.programs[0].ready = Some(ReadySpec { timeout: Some(Duration::from_mins(1)), ..spec });
    let plan = diff(&old, &new);
    assert_eq!(plan.changes[0].effect, Effect::Keep);
    assert_eq!(plan.changes[0].keys[0].key, "ready.timeout");
}

#[test]
fn the_environment_is_told_by_name_and_never_by_value() {
    let secret =
        |value: &str| vec![("TOKEN".to_owned(), Template::literal(value)), ("A".into(), Template::literal("1"))];
    let (mut old, mut new) = (shop(), shop());
    old.programs[2].environment = secret("hunter2");
    new.programs[2].environment = secret("swordfish");
    let plan = diff(&old, &new);
    assert_eq!(plan.changes[0].keys[0].key, "environment TOKEN");
    let told = format!("{plan:?}");
    assert!(!told.contains("hunter2") && !told.contains("swordfish"), "{told}");
}

#[test]
fn what_stands_above_the_programs_counts_for_each() {
    let (old, mut new) = (shop(), shop());
    new.environment = vec![("RUST_LOG".into(), Template::literal("debug"))];
    let plan = diff(&old, &new);
    assert_eq!(plan.with(Effect::Restart).count(), 3);
    assert_eq!(plan.changes[0].keys[0].key, "[environment] RUST_LOG");
    assert_eq!(plan.groups, GroupChanges::default(), "supervisord compares programs alone");
}

#[test]
fn an_env_file_counts_for_those_who_read_it_by_the_names_that_differ() {
    let file = PathBuf::from("/shop/api.env");
    let at = |hash: u64| {
        let mut project = shop();
        project.programs[2].env_files = vec![EnvFile { path: file.clone(), optional: false }];
        project.env_contents = BTreeMap::from([(file.clone(), BTreeMap::from([("A".into(), 1), ("B".into(), hash)]))]);
        project
    };
    let plan = diff(&at(2), &at(3));
    assert_eq!(names(plan.with(Effect::Restart)), ["api"]);
    assert_eq!(plan.changes[0].keys, [rules::needs_restart("api.env B", None)]);
    let without = |name: &str| {
        let mut project = at(2);
        project.env_contents.values_mut().for_each(|names| names.retain(|other, _| other != name));
        project
    };
    let fates = |plan: &ReloadPlan| plan.changes[0].keys.iter().map(|key| key.fate).collect::<Vec<_>>();
    assert_eq!(fates(&diff(&at(2), &without("A"))), [KeyFate::Removed]);
    assert_eq!(fates(&diff(&without("A"), &at(2))), [KeyFate::Added]);
}

#[test]
fn whoever_names_a_port_that_is_another_now_is_started_anew() {
    let at = |number: u16| {
        let mut project = shop();
        project.programs[0].ports = port(number);
        let url = Template { parts: vec![Part::Program { program: "db".into(), fact: ProgramFact::Port(None) }] };
        project.programs[2].environment = vec![("DATABASE_URL".into(), url)];
        project
    };
    let plan = diff(&at(5432), &at(5433));
    assert_eq!(names(plan.with(Effect::Restart)), ["db", "api"]);
    assert_eq!(plan.changes[1].keys[0].key, "environment DATABASE_URL");
}

#[test]
fn instances_come_and_go_one_by_one() {
    let with = |count: u32| Project::new("/shop", vec![Program::new("worker").times(count)]);
    let plan = diff(&with(2), &with(4));
    assert_eq!(names(plan.with(Effect::Add)), ["worker:worker_2", "worker:worker_3"]);
    assert_eq!(plan.unchanged, 2);
    assert_eq!(plan.groups.changed, ["worker"]);
    assert_eq!(names(diff(&with(4), &with(2)).with(Effect::Remove)), ["worker:worker_2", "worker:worker_3"]);
}

#[test]
fn what_a_running_project_cannot_take_in_is_said() {
    let (old, mut new) = (shop(), shop());
    new.control.tcp = Some("127.0.0.1:9001".into());
    let plan = diff(&old, &new);
    assert!(plan.is_empty());
    assert_eq!(plan.waiting, ["[control]"]);
}

/// `[group:g]` of a and b, and c alone.
fn conf() -> Project {
    let mut project = project(&[("a", &[]), ("b", &[]), ("c", &[])]);
    project.dialect = Dialect::Supervisord;
    for program in &mut project.programs[..2] {
        program.instances[0].name.group = "g".to_owned();
    }
    project.groups = vec![Group { name: "g".into(), programs: vec!["a".into(), "b".into()], priority: 10 }];
    project
}

#[test]
fn a_group_is_another_when_anything_of_it_is() {
    let changed = |edit: fn(&mut Project)| {
        let mut new = conf();
        edit(&mut new);
        diff(&conf(), &new).groups
    };
    let only = |name: &str| GroupChanges { changed: vec![name.into()], ..GroupChanges::default() };
    assert_eq!(changed(|_| {}), GroupChanges::default());
    assert_eq!(changed(|new| new.programs[0].startretries = 9), only("g"));
    assert_eq!(changed(|new| new.groups[0].priority = 11), only("g"));
    assert_eq!(changed(|new| new.programs.swap(0, 1)), only("g"));
    assert_eq!(changed(|new| new.programs[2].environment.push(("A".into(), Template::literal("1")))), only("c"));
    let gone = changed(|new| drop(new.programs.pop()));
    assert_eq!(gone, GroupChanges { removed: vec!["c".into()], ..GroupChanges::default() });
}

#[test]
fn a_group_is_taken_over_alone() {
    let mut new = conf();
    new.programs[0].startretries = 9;
    new.programs[2].startretries = 9;
    let taken = with_group(&conf(), &new, "c");
    assert_eq!(names(diff(&conf(), &taken).changes.iter()), ["c"]);
    assert_eq!(diff(&taken, &new).groups.changed, ["g"]);
    let without = without_group(&conf(), "g");
    assert_eq!(diff(&conf(), &without).groups.removed, ["g"]);
    assert_eq!(diff(&without, &with_group(&without, &conf(), "g")).groups.added, ["g"]);
    let same = with_group(&without, &conf(), "g");
    assert!(diff(&conf(), &same).is_empty());
}

fn a_program() -> impl Strategy<Value = Program> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let small = 0u32..3;
    (name, small.clone(), small.clone(), small.clone(), 1u32..4).prop_map(|(name, command, retries, edge, count)| {
        let mut program = Program::new(name).times(count);
        program.command = Command::Shell(format!("run {command}"));
        program.startretries = retries;
        if edge > 0 && name != "a" {
            program.depends_on = vec![Dependency::new("a", if edge == 1 { Until::Ready } else { Until::Started })];
        }
        program
    })
}

fn a_project() -> impl Strategy<Value = Project> {
    (prop::collection::vec(a_program(), 0..5), 0u32..3).prop_map(|(mut programs, level)| {
        let mut seen = Vec::new();
        programs.retain(|program| {
            let is_new = !seen.contains(&program.name);
            seen.push(program.name.clone());
            is_new
        });
        let environment = vec![("LEVEL".to_owned(), Template::literal(level.to_string()))];
        Project { environment, ..Project::new("/shop", programs) }
    })
}

/// Everything that a process is made of.
type Facts = BTreeMap<String, (Program, Instance, Vec<(String, Template)>)>;

fn facts(project: &Project) -> Facts {
    let fact = |(_, program, instance): (_, &Program, &Instance)| {
        let program = Program { instances: Vec::new(), ..program.clone() };
        (instance.name.to_string(), (program, instance.clone(), project.environment.clone()))
    };
    project.processes().map(fact).collect()
}

/// What the plan makes of the old one, taking from the new one only what it names.
fn apply(plan: &ReloadPlan, old: &Project, new: &Project) -> Facts {
    let (mut result, new) = (facts(old), facts(new));
    for change in &plan.changes {
        match change.effect {
            Effect::Remove => drop(result.remove(&change.name)),
            Effect::Add | Effect::Keep | Effect::Restart => {
                result.insert(change.name.clone(), new[&change.name].clone());
            }
        }
    }
    result
}

proptest! {
    #[test]
    fn a_difference_applied_to_the_old_is_the_new(old in a_project(), new in a_project()) {
        let plan = diff(&old, &new);
        prop_assert_eq!(apply(&plan, &old, &new), facts(&new));
        let named = plan.changes.len() - plan.with(Effect::Remove).count();
        prop_assert_eq!(named + plan.unchanged as usize, new.processes().count());
    }

    #[test]
    fn there_is_no_difference_to_oneself(project in a_project()) {
        let plan = diff(&project, &project.clone());
        prop_assert!(plan.is_empty() && plan.groups == GroupChanges::default() && plan.waiting.is_empty());
    }

    #[test]
    fn what_is_new_one_way_is_gone_the_other(old in a_project(), new in a_project()) {
        let (there, back) = (diff(&old, &new), diff(&new, &old));
        prop_assert_eq!(names(there.with(Effect::Add)), names(back.with(Effect::Remove)));
        prop_assert_eq!(there.unchanged, back.unchanged);
        prop_assert_eq!(there.groups.added, back.groups.removed);
    }
}
