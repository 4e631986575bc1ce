//! `[rpcinterface.NAME]`: a program of the user's serves methods, and whatever it does, nobody hangs.

use run::client::{Client, ClientError};
use run::codec::xmlrpc::Value;

use super::common::{PATIENCE, TestProject, all_files};

/// Answers, hangs, dies, or says what it should not, as it is asked.
const NAUGHTY: &str = r#"
id() { id=${line#*'"id":'}; id=${id%%,*}; }
while IFS= read -r line; do
	id
	case $line in
	*rpc.describe*) echo "{\"id\":$id,\"result\":{\"methods\":[{\"name\":\"echo\",\"params\":[{\"name\":\"what\"}]},{\"name\":\"hang\"},{\"name\":\"die\"},{\"name\":\"chat\"},{\"name\":\"late\"}]}}" ;;
	*'"echo"'*) params=${line#*'"params":['}; printf '%s\n' "{\"id\":$id,\"result\":${params%']}'}}" ;;
	*'"hang"'*) ;;
	*'"die"'*) echo "dying" >&2; exit 3 ;;
	*'"chat"'*) echo "hello"; echo "{\"id\":$id,\"error\":{\"code\":10,\"message\":\"BAD_NAME: chat\"}}" ;;
	*) echo "{\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no such method\"}}" ;;
	esac
done
"#;

const TOML: &str = "\
[program.web]
command = [\"sleep\", \"1000\"]
startsecs = 0
[rpcinterface.x]
command = [\"sh\", \"naughty.sh\"]
timeout = \"2s\"
";

fn naughty() -> TestProject {
    TestProject::toml(TOML).file("naughty.sh", NAUGHTY)
}

/// A client of the project's socket.
fn client(project: &TestProject) -> Client {
    let is_socket = |path: &std::path::PathBuf| {
        use std::os::unix::fs::FileTypeExt;
        std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
    };
    let socket = all_files(&project.runtime()).into_iter().find(is_socket).expect("the project has a socket");
    Client::connect(&socket).unwrap()
}

fn fault(answer: Result<Value, ClientError>) -> (i32, String) {
    match answer {
        Err(ClientError::Fault { code, text }) => (code, text),
        other => panic!("no fault: {other:?}"),
    }
}

#[test]
fn its_methods_are_called_and_its_faults_come_through() {
    let project = naughty();
    let up = project.up();
    up.wait_for_banner();
    let mut client = client(&project);
    let hello = Value::Struct(vec![("a<b".into(), Value::Array(vec!["é\n".into(), Value::Int(1), Value::Bool(true)]))]);
    assert_eq!(client.call("x.echo", std::slice::from_ref(&hello)).unwrap(), hello);
    assert_eq!(fault(client.call("x.echo", &[])), (2, "INCORRECT_PARAMETERS: usage: x.echo(any what)".to_owned()));
    assert_eq!(fault(client.call("x.chat", &[])), (10, "BAD_NAME: chat".to_owned()));
    assert_eq!(fault(client.call("x.late", &[])), (1, "UNKNOWN_METHOD: no such method".to_owned()));
    assert_eq!(fault(client.call("x.nope", &[])), (1, "UNKNOWN_METHOD".to_owned()));
    up.wait_for("rpcinterface.x wrote a line that is no answer to a request: hello");
    let call = |name: &str, params: Vec<Value>| {
        Value::Struct(vec![("methodName".into(), name.into()), ("params".into(), params.into())])
    };
    let calls = vec![call("x.echo", vec![7.into()]), call("x.chat", vec![]), call("supervisor.getState", vec![])];
    let answers = client.call("system.multicall", &[calls.into()]).unwrap();
    let answers = answers.as_array().unwrap();
    assert_eq!((&answers[0], &answers[1]), (&Value::Int(7), &Value::fault(10, "BAD_NAME: chat")));
    assert_eq!(answers[2].get("statename").and_then(Value::as_str), Some("RUNNING"));
    up.interrupt().expect_code(0);
}

#[test]
fn a_hung_call_and_a_dead_extension_are_faults_and_it_comes_up_again() {
    let project = naughty();
    let up = project.up();
    up.wait_for_banner();
    let first = project.pid("rpcinterface.x");
    let mut client = client(&project);
    let late = "FAILED: x.hang: the extension did not answer within 2.0s";
    assert_eq!(fault(client.call("x.hang", &[])), (30, late.to_owned()));
    assert_eq!(client.call("x.echo", &[1.into()]).unwrap(), Value::Int(1), "others are still answered");
    assert_eq!(fault(client.call("x.die", &[])), (30, "FAILED: x.die: the extension is not running".to_owned()));
    let is_back = || client.call("x.echo", &[2.into()]).is_ok();
    project.wait_until("the extension is back", PATIENCE, is_back);
    assert_ne!(project.pid("rpcinterface.x"), first);
    assert!(project.run(&["logs", "rpcinterface.x"]).stdout.contains("dying"));
    project.run(&["stop", "rpcinterface.x"]).expect_code(0);
    let gone = "FAILED: x.echo: the extension is not running";
    assert_eq!(fault(client.call("x.echo", &[1.into()])), (30, gone.to_owned()));
    up.interrupt().expect_code(0);
}

#[test]
fn a_program_that_serves_nothing_fails_and_says_why() {
    let project = naughty().file("naughty.sh", "read line; echo '{\"id\":0,\"result\":[]}'; cat >/dev/null\n");
    let up = project.up();
    project.wait_until("it is being tried again", PATIENCE, || {
        project.process("rpcinterface.x").is_some_and(|process| process["runs"].as_u64() >= Some(2))
    });
    up.wait_for("its description has no list `methods`");
    up.interrupt();
}

#[test]
fn a_supervisord_conf_has_them_too() {
    let conf = "[supervisord]\n[program:web]\ncommand=sleep 1000\nstartsecs=0\n[rpcinterface:x]\ncommand=sh naughty.sh\ncolour=red\n";
    let project = TestProject::empty().file("supervisord.conf", conf).file("naughty.sh", NAUGHTY);
    let up = project.up();
    up.wait_for("rpcinterface.x");
    project.wait_for_word("rpcinterface.x", "ready");
    let mut client = client(&project);
    assert_eq!(client.call("x.echo", &["a".into()]).unwrap(), Value::from("a"));
    up.interrupt().expect_code(0);
}

#[test]
fn tasks_alone_do_not_keep_it_up() {
    let toml = "[task.t]\ncommand = [\"true\"]\n[rpcinterface.x]\ncommand = [\"sh\", \"naughty.sh\"]\n";
    let project = TestProject::toml(toml).file("naughty.sh", NAUGHTY);
    project.run(&["up"]).expect_code(0);
}
