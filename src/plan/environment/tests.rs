//! Layers of an environment, holes and ports.

use super::*;
use crate::model::template::Part;
use crate::plan::test_support::{instance, pairs, project, table};

const NONE: &[(String, String)] = &[];

/// Layers with nothing in them but a shell.
fn layers(shell: &BTreeMap<String, String>) -> Layers<'_> {
    Layers {
        shell,
        output: NONE,
        project_files: NONE,
        program_files: NONE,
        project_name: "shop",
        run_id: None,
        server_url: None,
    }
}

fn shell(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs(of).into_iter().collect()
}

/// `value (layer)` of one variable.
fn shown(environment: &Environment<'_>, name: &str) -> String {
    match (environment.get(name), environment.layer(name)) {
        (Some(value), Some(from)) => format!("{value} ({})", from.as_str()),
        _ => "unset".to_owned(),
    }
}

#[test]
fn each_layer_wins_over_those_beneath_it() {
    let names = ["A", "B", "C", "D", "E", "F", "PORT"];
    let upto = |count: usize, value: &str| -> Vec<(String, String)> {
        names[..count].iter().map(|name| ((*name).to_owned(), value.to_owned())).collect()
    };
    let shell: BTreeMap<_, _> = upto(7, "shell").into_iter().collect();
    let (output, project_files, program_files) = (upto(5, "output"), upto(4, "project file"), upto(2, "program file"));
    let mut project = project();
    project.environment = table(&[("A", "table"), ("B", "table"), ("C", "table")]);
    let mut web = Program::new("web");
    web.environment = table(&[("A", "own")]);
    web.ports = vec![crate::model::PortSpec { name: None, request: crate::model::PortRequest::Auto }];
    let mut ports = Ports::default();
    ports.insert("web".into(), None, 5000);
    let layers =
        Layers { output: &output, project_files: &project_files, program_files: &program_files, ..layers(&shell) };
    let made = compose(&project, Some((&web, &instance("web", "web", 0))), &ports, &layers).unwrap();
    let seen: Vec<String> = names.iter().map(|name| shown(&made, name)).collect();
    assert_eq!(
        seen,
        [
            "own (environment)",
            "program file (env_file)",
            "table ([environment])",
            "project file (project env_file)",
            "output (output)",
            "shell (shell)",
            "5000 (port)",
        ]
    );
}

#[test]
fn the_shell_first_wins_over_env_files_only() {
    let shell = shell(&[("A", "shell"), ("B", "shell"), ("C", "shell")]);
    let (project_files, program_files) =
        (pairs(&[("A", "file"), ("N", "file")]), pairs(&[("B", "file"), ("C", "file")]));
    let mut project = project();
    project.env_order = EnvOrder::Shell;
    project.environment = table(&[("C", "table")]);
    let layers = Layers { project_files: &project_files, program_files: &program_files, ..layers(&shell) };
    let made = compose(&project, None, &Ports::default(), &layers).unwrap();
    let seen = ["A", "B", "C", "N"].map(|name| shown(&made, name));
    assert_eq!(seen, ["shell (shell)", "shell (shell)", "table ([environment])", "file (project env_file)"]);
}

#[test]
fn holes_see_what_is_beneath_and_what_stands_before() {
    let shell = shell(&[("PATH", "/bin"), ("X", "shell")]);
    let project_files = pairs(&[("X", "file")]);
    let mut project = project();
    project.environment = table(&[("PATH", "/opt:${PATH}"), ("Y", "${X}")]);
    let mut web = Program::new("web");
    web.environment = table(&[("PATH", "./bin:${PATH}"), ("Z", "${Y}-${PATH}"), ("WHO", "${RUN_PROCESS}")]);
    let layers = Layers { project_files: &project_files, ..layers(&shell) };
    let made = compose(&project, Some((&web, &instance("web", "web", 0))), &Ports::default(), &layers).unwrap();
    assert_eq!(made.get("Z").unwrap(), "file-./bin:/opt:/bin");
    assert_eq!(made.get("WHO").unwrap(), "web");
}

#[test]
fn a_hole_does_not_see_a_later_entry() {
    let mut project = project();
    project.environment = table(&[("A", "${B}"), ("B", "1")]);
    let error = compose(&project, None, &Ports::default(), &layers(&BTreeMap::new())).unwrap_err();
    assert_eq!(error.to_string(), "environment A: `${B}` is not defined");
}

#[test]
fn ports_of_other_programs_are_filled_in() {
    let mut ports = Ports::default();
    ports.insert("db".into(), None, 15432);
    ports.insert("api".into(), Some("admin".to_owned()), 3000);
    let mut project = project();
    project.environment = table(&[("DB", "postgres://127.0.0.1:${db.port}/x"), ("ADMIN", "${api.url.admin}/")]);
    let shell = BTreeMap::new();
    let made = compose(&project, None, &ports, &layers(&shell)).unwrap();
    assert_eq!(made.get("DB").unwrap(), "postgres://127.0.0.1:15432/x");
    assert_eq!(made.get("ADMIN").unwrap(), "http://127.0.0.1:3000/");

    project.environment = table(&[("NO", "${api.port.http}")]);
    let error = compose(&project, None, &ports, &layers(&BTreeMap::new())).unwrap_err();
    assert_eq!(error.to_string(), "environment NO: `${api.port.http}` is not known: `api` has no such port");
}

#[test]
fn a_process_is_told_who_it_is() {
    let shell = shell(&[("SUPERVISOR_SERVER_URL", "unix:///other"), ("NOTIFY_SOCKET", "/other"), ("RUN_ID", "other")]);
    let layers = Layers { server_url: Some("unix:///ours"), run_id: Some("cafe"), ..layers(&shell) };
    let worker = Program::new("worker");
    let made =
        compose(&project(), Some((&worker, &instance("worker", "worker_3", 3))), &Ports::default(), &layers).unwrap();
    let all: Vec<String> = made.iter().map(|(name, variable)| format!("{name}={}", variable.value)).collect();
    assert_eq!(
        all,
        [
            "RUN_ID=cafe",
            "RUN_INSTANCE=3",
            "RUN_PROCESS=worker:worker_3",
            "RUN_PROGRAM=worker",
            "RUN_PROJECT=shop",
            "SUPERVISOR_ENABLED=1",
            "SUPERVISOR_GROUP_NAME=worker",
            "SUPERVISOR_PROCESS_NAME=worker_3",
            "SUPERVISOR_SERVER_URL=unix:///ours",
        ]
    );
}

#[test]
fn a_command_in_the_project_is_no_process_of_another_one() {
    let shell = shell(&[("SUPERVISOR_PROCESS_NAME", "web"), ("RUN_PROGRAM", "web"), ("HOME", "/h")]);
    let made = compose(&project(), None, &Ports::default(), &layers(&shell)).unwrap();
    assert_eq!(made.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["HOME", "RUN_PROJECT"]);
}

#[test]
fn an_instance_adds_its_number_to_every_port() {
    let mut web = Program::new("web");
    web.ports = [None, Some("admin-ui".to_owned())]
        .map(|name| crate::model::PortSpec { name, request: crate::model::PortRequest::Auto })
        .to_vec();
    let mut ports = Ports::default();
    ports.insert("web".into(), None, 5000);
    ports.insert("web".into(), Some("admin-ui".to_owned()), 65535);
    let empty = BTreeMap::new();
    let made = compose(&project(), Some((&web, &instance("web", "web_0", 0))), &ports, &layers(&empty)).unwrap();
    assert_eq!((made.get("PORT").unwrap(), made.get("PORT_ADMIN_UI").unwrap()), ("5000", "65535"));
    let error = compose(&project(), Some((&web, &instance("web", "web_2", 2))), &ports, &layers(&empty)).unwrap_err();
    assert_eq!(error.to_string(), "the port of instance 2 of web would be above 65535");
}

#[test]
fn a_procfile_has_ps_counting_from_one() {
    let mut project = project();
    project.dialect = Dialect::Procfile;
    let web = Program::new("web");
    let empty = BTreeMap::new();
    let made = compose(&project, Some((&web, &instance("web", "web", 0))), &Ports::default(), &layers(&empty)).unwrap();
    assert_eq!(made.get("PS").unwrap(), "web.1");
    project.dialect = Dialect::Native;
    let made = compose(&project, Some((&web, &instance("web", "web", 0))), &Ports::default(), &layers(&empty)).unwrap();
    assert_eq!(made.get("PS"), None);
}

#[test]
fn nothing_of_ours_can_be_overridden() {
    let mut web = Program::new("web");
    web.environment = table(&[("RUN_PROGRAM", "forged")]);
    let empty = BTreeMap::new();
    let made =
        compose(&project(), Some((&web, &instance("web", "web", 0))), &Ports::default(), &layers(&empty)).unwrap();
    assert_eq!(shown(&made, "RUN_PROGRAM"), "web (run)");
}

#[test]
fn resolving_keeps_text_as_it_is() {
    let template = Template { parts: vec![Part::Text("a".to_owned()), Part::Variable("B".to_owned())] };
    let resolved = resolve(&template, |name| Some(format!("<{name}>")), |_, _| None);
    assert_eq!(resolved.as_deref(), Ok("a<B>"));
}

#[test]
fn values_that_name_one_another_twice_do_not_grow_without_end() {
    let twice = |of: u32| {
        let hole = || Part::Variable(format!("A{of}"));
        (format!("A{}", of + 1), Template { parts: vec![hole(), hole()] })
    };
    let mut project = project();
    project.environment = table(&[("A0", "0123456789")]);
    project.environment.extend((0..60).map(twice));
    let empty = BTreeMap::new();
    let error = compose(&project, None, &Ports::default(), &layers(&empty)).unwrap_err();
    assert!(error.to_string().contains("longer than a program may be given"), "{error}");
}

#[test]
fn a_secret_is_hidden_where_another_variable_names_it() {
    let shell = shell(&[("API_TOKEN", "t0k"), ("HOST", "db")]);
    let mut project = project();
    let value =
        |text: &str, name: &str| Template { parts: vec![Part::Text(text.to_owned()), Part::Variable(name.to_owned())] };
    project.environment = vec![
        ("HEADER".to_owned(), value("Bearer ", "API_TOKEN")),
        ("ARGUMENTS".to_owned(), value("-H ", "HEADER")),
        ("PLACE".to_owned(), value("at ", "HOST")),
    ];
    let made = compose(&project, None, &Ports::default(), &layers(&shell)).unwrap().into_owned();
    let told = |name: &str| made.iter().find(|(known, _)| *known == name).unwrap().1.shown(name);
    assert_eq!([told("HEADER"), told("ARGUMENTS"), told("PLACE")], ["Bearer ***", "-H Bearer ***", "at db"]);
    assert_eq!(made.get("ARGUMENTS"), Some("-H Bearer t0k"), "the program gets it");
}
