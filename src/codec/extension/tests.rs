//! Calls and answers of an extension, its description, and lines that are neither.

use proptest::prelude::*;

use super::*;

fn read(line: &str) -> Result<Answer, Stray> {
    parse_answer(line.as_bytes())
}

#[test]
fn a_request_is_one_line() {
    let line = write_request(7, "add", vec![json!("a\nb"), json!(2)]);
    assert_eq!(
        String::from_utf8(line).unwrap(),
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"add\",\"params\":[\"a\\nb\",2]}\n"
    );
}

#[test]
fn the_first_request_says_what_is_to_be_served() {
    let options = [("colour".to_owned(), "red".to_owned())];
    let line = write_greeting(0, &Greeting { namespace: "shop", project: "demo", options: &options });
    let sent: Json = serde_json::from_slice(&line).unwrap();
    assert_eq!(sent["method"], DESCRIBE);
    let version = env!("CARGO_PKG_VERSION");
    let params = json!({"protocol": 1, "namespace": "shop", "project": "demo", "version": version, "options": {"colour": "red"}});
    assert_eq!(sent["params"], params);
}

#[test]
fn an_answer_is_a_result_or_an_error() {
    assert_eq!(read(r#"{"id":1,"result":[1,null]}"#), Ok(Answer { id: 1, outcome: Ok(json!([1, null])) }));
    assert_eq!(
        read(r#"{"jsonrpc":"2.0","id":2,"result":null,"error":null}"#),
        Ok(Answer { id: 2, outcome: Ok(Json::Null) })
    );
    let refused = CallError::Refused { code: 10, message: "BAD_NAME: x".to_owned() };
    assert_eq!(
        read(r#"{"id":3,"error":{"code":10,"message":"BAD_NAME: x"}}"#),
        Ok(Answer { id: 3, outcome: Err(refused) })
    );
    let wordless = CallError::Refused { code: -32000, message: "it gave no reason".to_owned() };
    assert_eq!(read(r#"{"id":3,"error":"no"}"#), Ok(Answer { id: 3, outcome: Err(wordless) }));
}

#[test]
fn what_answers_nothing_is_shown_cut_and_without_controls() {
    for line in
        ["hello", "", "{}", r#"{"id":1}"#, r#"{"id":1,"result":1,"error":{"code":1}}"#, r#"{"id":"1","result":1}"#]
    {
        assert!(read(line).is_err(), "{line}");
    }
    let stray = read(&format!("\u{1b}[31m{}", "x".repeat(200))).unwrap_err().to_string();
    assert_eq!(stray, format!("wrote a line that is no answer to a request:  [31m{}…", "x".repeat(75)));
}

#[test]
fn a_description_has_names_signatures_and_help() {
    let answer = json!({"methods": [
        {"name": "add", "params": [{"name": "a", "type": "int"}, {"name": "b", "type": "int", "optional": true}], "returns": "int", "help": "Adds."},
        {"name": "free.form"},
    ]});
    let methods = parse_description(&answer).unwrap();
    assert_eq!(
        (methods[0].usage(), methods[0].returns, methods[0].help.as_str()),
        ("(int a, [int b])".into(), Type::Int, "Adds.")
    );
    assert_eq!((methods[1].usage(), methods[1].returns), ("(…)".into(), Type::Any));
}

#[test]
fn a_wrong_description_is_told_in_a_line() {
    let told = |answer: Json| parse_description(&answer).unwrap_err();
    assert_eq!(told(json!([])), "its description has no list `methods`");
    assert_eq!(told(json!({"methods": [{}]})), "it describes a method without a `name`");
    assert_eq!(told(json!({"methods": [{"name": "rpc.x"}]})), "`rpc.x` cannot be the name of a method");
    assert_eq!(told(json!({"methods": [{"name": "a"}, {"name": "a"}]})), "it describes `a` twice");
    assert_eq!(
        told(json!({"methods": [{"name": "a", "returns": "integer"}]})),
        "a has the type \"integer\", which is none of any, string, int, double, boolean, array, struct"
    );
}

fn lines_of(chunks: &[&[u8]]) -> Vec<Result<Vec<u8>, TooLong>> {
    let mut lines = Lines::default();
    let mut found = Vec::new();
    for mut chunk in chunks.iter().copied() {
        while let Some(line) = lines.take(&mut chunk) {
            found.push(line);
        }
        assert!(lines.held() <= LONGEST);
    }
    found
}

#[test]
fn a_line_that_is_too_long_costs_itself_alone() {
    let long = vec![b'x'; LONGEST + 1];
    let whole = [b"a\n".as_slice(), &long, b"\nb\n"].concat();
    let expected = vec![Ok(b"a".to_vec()), Err(TooLong), Ok(b"b".to_vec())];
    assert_eq!(lines_of(&[&whole]), expected);
    let chunks: Vec<&[u8]> = whole.chunks(1 << 16).collect();
    assert_eq!(lines_of(&chunks), expected);
}

proptest! {
    #[test]
    fn lines_do_not_depend_on_chunks(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), size in 1_usize..20) {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(lines_of(&chunks), lines_of(&[&bytes]));
    }

    #[test]
    fn no_line_makes_the_reader_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(parse_answer(&line));
    }
}
