//! Conversations with an extension, over pipes.

use std::time::Instant;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, Lines as Requests};

use super::*;

/// The program's side of a conversation.
struct Program {
    requests: Requests<BufReader<pipe::Receiver>>,
    answers: pipe::Sender,
    news: mpsc::UnboundedReceiver<News>,
}

const LONG: Duration = Duration::from_mins(1);

fn serves(timeout: Duration) -> Extension {
    Extension { namespace: "x".to_owned(), timeout, options: Vec::new() }
}

fn connect(extensions: &Extensions, timeout: Duration) -> Program {
    let (stdin, requests) = pipe::pipe().unwrap();
    let (answers, stdout) = pipe::pipe().unwrap();
    let (tell, news) = mpsc::unbounded_channel();
    let wires = (stdin.into_blocking_fd().unwrap(), stdout.into_blocking_fd().unwrap());
    extensions.connect(&serves(timeout), "demo", wires, Box::new(move |one| drop(tell.send(one)))).unwrap();
    Program { requests: BufReader::new(requests).lines(), answers, news }
}

impl Program {
    async fn request(&mut self) -> Json {
        serde_json::from_str(&self.requests.next_line().await.unwrap().unwrap()).unwrap()
    }

    async fn say(&mut self, line: &str) {
        self.answers.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn answer(&mut self, request: &Json, result: Json) {
        self.say(&json!({"id": request["id"], "result": result}).to_string()).await;
    }

    /// Takes in the greeting and says what it serves.
    async fn describe(&mut self) {
        let greeting = self.request().await;
        assert_eq!(
            (greeting["method"].as_str(), greeting["params"]["namespace"].as_str()),
            (Some("rpc.describe"), Some("x"))
        );
        self.answer(&greeting, json!({"methods": [{"name": "echo"}]})).await;
        assert_eq!(self.news.recv().await, Some(News::Described(1)));
    }
}

/// A call under way.
fn ask(extensions: &Extensions, argument: u32) -> tokio::task::JoinHandle<Result<Json, CallError>> {
    let extensions = extensions.clone();
    tokio::spawn(async move { extensions.call("x", "echo", vec![json!(argument)]).await })
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order() {
    let extensions = Extensions::default();
    let mut program = connect(&extensions, LONG);
    assert_eq!(extensions.methods_of("x"), None);
    program.describe().await;
    let (first, second) = (ask(&extensions, 1), ask(&extensions, 2));
    let requests = [program.request().await, program.request().await];
    for request in requests.iter().rev() {
        program.answer(request, request["params"][0].clone()).await;
    }
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(json!(1)), Ok(json!(2))));
    assert_eq!(extensions.methods_of("x").unwrap()[0].name, "echo");
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_with_its_time_and_disturbs_no_other() {
    let extensions = Extensions::default();
    // The next call has to be answered within it, on however busy a machine.
    let limit = Duration::from_secs(1);
    let mut program = connect(&extensions, limit);
    program.describe().await;
    let hung = ask(&extensions, 1);
    let late = program.request().await;
    assert_eq!(hung.await.unwrap(), Err(CallError::TimedOut(limit)));
    program.answer(&late, json!("late")).await;
    let next = ask(&extensions, 2);
    let request = program.request().await;
    program.answer(&request, json!("in time")).await;
    assert_eq!(next.await.unwrap(), Ok(json!("in time")));
}

#[tokio::test]
async fn a_program_that_ends_fails_its_open_calls_at_once() {
    let extensions = Extensions::default();
    let mut program = connect(&extensions, LONG);
    program.describe().await;
    let began = Instant::now();
    let open = ask(&extensions, 1);
    program.request().await;
    drop(program);
    assert_eq!(open.await.unwrap(), Err(CallError::NotRunning));
    assert_eq!(ask(&extensions, 2).await.unwrap(), Err(CallError::NotRunning));
    assert!(began.elapsed() < LONG / 2);
    assert_eq!(extensions.call("y", "z", Vec::new()).await, Err(CallError::NotRunning));
}

#[tokio::test]
async fn a_new_run_takes_the_calls_and_the_methods_stay_known_meanwhile() {
    let extensions = Extensions::default();
    let mut first = connect(&extensions, LONG);
    first.describe().await;
    let mut second = connect(&extensions, LONG);
    assert!(extensions.methods_of("x").is_some());
    let call = ask(&extensions, 1);
    second.describe().await;
    let request = second.request().await;
    second.answer(&request, json!("second")).await;
    assert_eq!(call.await.unwrap(), Ok(json!("second")));
    assert_eq!(first.requests.next_line().await.unwrap(), None);
}

/// Begins a call, and gives the conversation time to take it in; whether it is still open then.
async fn stays_open(extensions: &Extensions, open: &mut Vec<tokio::task::JoinHandle<Result<Json, CallError>>>) -> bool {
    open.push(ask(extensions, 1));
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
    !open.last().is_some_and(tokio::task::JoinHandle::is_finished)
}

#[tokio::test]
async fn calls_that_wait_for_a_silent_program_are_bounded_and_make_room_when_they_are_given_up() {
    let extensions = Extensions::default();
    let mut program = connect(&extensions, LONG);
    program.describe().await;
    let mut open = Vec::new();
    while stays_open(&extensions, &mut open).await {
        assert!(open.len() <= IN_FLIGHT + QUEUE, "{} calls wait at once", open.len());
    }
    assert!(open.len() > IN_FLIGHT);
    assert_eq!(open.pop().unwrap().await.unwrap(), Err(CallError::Busy));
    for call in open.drain(..) {
        call.abort();
        drop(call.await);
    }
    assert!(stays_open(&extensions, &mut open).await);
}

#[tokio::test]
async fn a_wrong_description_and_stray_lines_are_told() {
    let extensions = Extensions::default();
    let mut program = connect(&extensions, LONG);
    for _ in 0..STRAYS + 2 {
        program.say("hello").await;
    }
    program.say("").await;
    program.say(r#"{"id": 0, "error": {"code": -32601, "message": "no such method"}}"#).await;
    for _ in 0..STRAYS {
        let stray = "wrote a line that is no answer to a request: hello".to_owned();
        assert_eq!(program.news.recv().await, Some(News::Stray(stray)));
    }
    let why = "rpc.describe was refused: no such method".to_owned();
    assert_eq!(program.news.recv().await, Some(News::Useless(why)));
    assert_eq!(extensions.methods_of("x"), None);
}
