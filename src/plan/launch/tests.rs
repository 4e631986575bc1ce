//! What is executed for a command, and where.

use std::collections::BTreeMap;

use super::*;
use crate::plan::test_support::{instance, pairs, project, table, template};

fn launched(program: &Program) -> Result<Launch, LaunchError> {
    let shell = pairs(&[("PATH", "/bin"), ("HOME", "/h")]).into_iter().collect::<BTreeMap<_, _>>();
    let layers = Layers {
        shell: &shell,
        output: &[],
        project_files: &[],
        program_files: &[],
        project_name: "shop",
        run_id: None,
        server_url: None,
    };
    let mut ports = Ports::default();
    ports.insert("db".into(), None, 15432);
    launch(&project(), program, &instance("web", "web", 0), &ports, &layers)
}

/// The words of a command, `sh:` before them when a shell is called.
fn argv(command: Command) -> String {
    let launch = launched(&Program { command, ..Program::new("web") }).unwrap();
    let (shell, words) = match launch.argv.as_slice() {
        [shell, flag, script] if launch.through_shell && shell == "/bin/sh" && flag == "-c" => {
            ("sh:", vec![script.clone()])
        }
        words => ("", words.to_vec()),
    };
    assert_eq!(launch.through_shell, !shell.is_empty());
    format!("{shell}{}", words.join("|"))
}

fn line(text: &str) -> Command {
    Command::Line(template(text))
}

#[test]
fn plain_words_are_executed_as_they_stand() {
    assert_eq!(argv(line("python -m http.server")), "python|-m|http.server");
    assert_eq!(argv(line("node 'my file.js'")), "node|my file.js");
}

#[test]
fn one_command_takes_the_place_of_its_shell() {
    assert_eq!(argv(line(" postgres -p $PORT\n")), "sh:exec postgres -p $PORT");
    assert_eq!(argv(line("ls *.rb > x")), "sh:exec ls *.rb > x");
}

#[test]
fn several_commands_run_under_a_shell_as_they_stand() {
    assert_eq!(argv(line("cd x && make")), "sh:cd x && make");
    assert_eq!(argv(line("A=1 make")), "sh:A=1 make");
    assert_eq!(argv(line("a\nb")), "sh:a\nb");
}

#[test]
fn a_procfile_line_always_has_its_shell() {
    assert_eq!(argv(Command::Shell("rails s".to_owned())), "sh:exec rails s");
    assert_eq!(argv(Command::Shell("cd app; rails s".to_owned())), "sh:cd app; rails s");
    assert_eq!(argv(Command::Shell("echo ${db.port}".to_owned())), "sh:exec echo ${db.port}");
}

#[test]
fn an_array_is_executed_as_it_stands() {
    assert_eq!(argv(Command::Words(["a", "$B; c", "", "*"].map(template).to_vec())), "a|$B; c||*");
}

#[test]
fn references_in_a_command_are_filled_in() {
    assert_eq!(argv(line("psql -p ${db.port} x")), "psql|-p|15432|x");
    assert_eq!(argv(line("psql -p ${db.port} $X")), "sh:exec psql -p 15432 $X");
    assert_eq!(argv(Command::Words(["curl", "${db.url}/"].map(template).to_vec())), "curl|http://127.0.0.1:15432/");
    let error = launched(&Program { command: line("a ${api.port}"), ..Program::new("web") }).unwrap_err();
    assert_eq!(error.to_string(), "command: `${api.port}` is not known: `api` has no such port");
}

#[test]
fn an_empty_command_is_refused() {
    for command in [
        line(""),
        line(" \n"),
        Command::Words(Vec::new()),
        Command::Words(vec![template("")]),
        Command::Shell(String::new()),
    ] {
        assert_eq!(
            launched(&Program { command: command.clone(), ..Program::new("web") }),
            Err(LaunchError::Empty),
            "{command:?}"
        );
    }
}

#[test]
fn a_directory_is_against_the_root() {
    for (directory, expected) in [("./a", "/p/a"), ("/x/./y/", "/x/y"), ("${HOME}/b", "/h/b"), ("", "/p")] {
        let program = Program { directory: Some(template(directory)), ..Program::new("web") };
        assert_eq!(launched(&program).unwrap().directory, Path::new(expected), "{directory}");
    }
    assert_eq!(launched(&Program::new("web")).unwrap().directory, Path::new("/p"));
    let error = launched(&Program { directory: Some(template("${NO}")), ..Program::new("web") }).unwrap_err();
    assert_eq!(error.to_string(), "directory: `${NO}` is not defined");
}

#[test]
fn what_the_system_needs_is_handed_on() {
    let program = Program { umask: Some(0o22), user: Some("www".to_owned()), ..Program::new("web") };
    let launch = launched(&program).unwrap();
    assert_eq!((launch.umask, launch.user.as_deref()), (Some(0o22), Some("www")));
    assert_eq!(launch.environment.get("PATH"), Some("/bin"));
    assert_eq!(launch.environment.get("RUN_PROGRAM"), Some("web"));
}

#[test]
fn what_no_system_can_pass_on_is_refused() {
    let refused = |program: Program| launched(&program).unwrap_err().to_string();
    assert_eq!(refused(Program { command: line("a b\0"), ..Program::new("web") }), "the command holds a NUL character");
    assert_eq!(
        refused(Program { environment: table(&[("A", "\0")]), ..Program::new("web") }),
        "environment A holds a NUL character"
    );
    assert_eq!(
        refused(Program { environment: table(&[("A=B", "")]), ..Program::new("web") }),
        "`A=B` cannot be the name of a variable"
    );
    assert_eq!(
        refused(Program { directory: Some(template("a\0")), ..Program::new("web") }),
        "the directory holds a NUL character"
    );
}
