//! Documents as supervisord and its clients write them, and texts that are none.

use proptest::prelude::*;

use super::*;

fn call(params: &str) -> Result<Call, ParseError> {
    parse_call(&format!("<methodCall><methodName>m</methodName>{params}</methodCall>"))
}

fn value(xml: &str) -> Result<Value, ParseError> {
    call(&format!("<params><param>{xml}</param></params>")).map(|mut call| call.params.remove(0))
}

#[test]
fn a_call_without_params_is_a_call() {
    assert_eq!(call("").expect("a call"), Call { method: "m".into(), params: vec![] });
    assert_eq!(call("<params/>").expect("a call").params, vec![]);
}

#[test]
fn values_are_read_as_supervisord_reads_them() {
    for (xml, expected) in [
        ("<value>bare</value>", Value::from("bare")),
        ("<value></value>", Value::from("")),
        ("<value><string/></value>", Value::from("")),
        ("<value>\n <string>a</string>\n</value>", Value::from("a")),
        ("<value><string>a<!-- c -->b<![CDATA[<c>]]></string></value>", Value::from("ab<c>")),
        ("<value><i4> -7 </i4></value>", Value::Int(-7)),
        ("<value><i8>1700000000000</i8></value>", Value::Int(1_700_000_000_000)),
        ("<value><boolean>1</boolean></value>", Value::Bool(true)),
        ("<value><boolean>true</boolean></value>", Value::Bool(false)),
        ("<value><double>1.5</double></value>", Value::Double(1.5)),
        ("<value><base64>aGVs\nbG8=</base64></value>", Value::Base64(b"hello".to_vec())),
        ("<value><nil/></value>", Value::Nil),
        ("<value><array><data/></array></value>", Value::Array(vec![])),
    ] {
        assert_eq!(value(xml), Ok(expected), "{xml}");
    }
}

#[test]
fn what_says_nothing_is_passed_over() {
    let text = "<?xml version='1.0' encoding='utf-8'?><!-- a --><methodCall x='1'><other><name/></other>\r\n<methodName>m</methodName>\
                <?php?><params><param><value>a&#13;\r\nb &lt;&#x41;&gt;<b>c</b></value></param></params></methodCall>\n<!-- z -->";
    let read = parse_call(text);
    assert_eq!(read, Err(ParseError::Unexpected("b".into())));
    let read = parse_call(&text.replace("<b>c</b>", "<!-- c -->d"));
    assert_eq!(read, Ok(Call { method: "m".into(), params: vec![Value::from("a\r\nb <A>d")] }));
}

#[test]
fn a_call_has_a_limit_of_elements() {
    let many = |count| call(&format!("<params>{}</params>", "<param><value/></param>".repeat(count)));
    assert_eq!(many(90_000).expect("a call").params.len(), 90_000);
    assert!(many(110_000).is_err());
}

#[test]
fn what_is_no_call_is_refused() {
    for bad in [
        "",
        "no xml",
        "<methodCall/>",
        "<methodCall><methodName/></methodCall>",
        "<methodCall><methodName> </methodName></methodCall>",
        "<methodResponse><methodName>m</methodName></methodResponse>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><methodCall><methodName>m</methodName></methodCall>",
        "<methodCall><methodName>m</methodName><params><value>1</value></params></methodCall>",
        "<methodCall><methodName>m</methodName>",
        "<methodCall><methodName>m</methodCall></methodName>",
        "<methodCall><methodName>m</methodName></methodCall><more/>",
        "<methodCall><methodName>m</methodName></methodCall> more",
        "more <methodCall><methodName>m</methodName></methodCall>",
        "<methodCall><methodName>m&what;</methodName></methodCall>",
        "<methodCall><methodName>m&#0;</methodName></methodCall>",
        "<methodCall><methodName>m&#x1b;</methodName></methodCall>",
        "<methodCall><methodName>m\u{1}</methodName></methodCall>",
    ] {
        assert!(parse_call(bad).is_err(), "{bad}");
    }
    for bad in ["<value><int>x</int></value>", "<value><base64>!</base64></value>", "<value><what/></value>"] {
        assert!(value(bad).is_err(), "{bad}");
    }
}

#[test]
fn nesting_is_bounded_and_depth_never_overflows_the_stack() {
    let nested = |depth: usize| {
        let (open, close) = ("<value><array><data>", "</data></array></value>");
        value(&format!("{}<value/>{}", open.repeat(depth), close.repeat(depth)))
    };
    assert!(nested(DEPTH - 1).is_ok());
    assert_eq!(nested(DEPTH), Err(ParseError::TooDeep));
    assert!(nested(60_000).is_err());
    assert!(parse_call(&"<a>".repeat(1_000_000)).is_err());
}

#[test]
fn an_answer_has_the_layout_of_pythons_library() {
    let value = Value::Struct(vec![("a".into(), Value::Int(1)), ("b".into(), Value::Array(vec![Value::Bool(true)]))]);
    assert_eq!(
        write_response(&value),
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n<member>\n<name>a</name>\n\
         <value><int>1</int></value>\n</member>\n<member>\n<name>b</name>\n<value><array><data>\n\
         <value><boolean>1</boolean></value>\n</data></array></value>\n</member>\n</struct></value>\n</param>\n</params>\n\
         </methodResponse>\n"
    );
    assert_eq!(
        write_fault(10, "BAD_NAME: <x>"),
        "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n\
         <value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n\
         <value><string>BAD_NAME: &lt;x&gt;</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n"
    );
}

#[test]
fn what_xml_cannot_carry_is_replaced_and_cr_survives() {
    let text = write_response(&Value::from("a\r\n\tb\u{1b}[1m\0\u{ffff}"));
    assert!(text.contains("<string>a&#13;\n\tb\u{fffd}[1m\u{fffd}\u{fffd}</string>"), "{text}");
    assert_eq!(parse_response(&text), Ok(Response::Value(Value::from("a\r\n\tb\u{fffd}[1m\u{fffd}\u{fffd}"))));
}

#[test]
fn a_fault_is_read_back() {
    let fault = Response::Fault { code: 70, text: "NOT_RUNNING: web".into() };
    assert_eq!(parse_response(&write_fault(70, "NOT_RUNNING: web")), Ok(fault));
}

#[test]
fn json_goes_both_ways() {
    let json = serde_json::json!({"a": [1, 1.5, null, true, "x"], "b": {"c": 1_700_000_000_000_i64}});
    assert_eq!(serde_json::Value::from(Value::from(json.clone())), json);
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace(|c: char| c.is_control() && !"\r\n\t".contains(c), ""))
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(Value::String),
        prop::num::f64::NORMAL.prop_map(Value::Double),
        Just(Value::Nil),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Base64),
        text().prop_map(Value::DateTime),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..6).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(params in prop::collection::vec(any_value(), 0..4)) {
        prop_assert_eq!(parse_call(&write_call("a.b", &params)), Ok(Call { method: "a.b".into(), params: params.clone() }));
        for value in params {
            prop_assert_eq!(parse_response(&write_response(&value)), Ok(Response::Value(value)));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>(), cut in any::<prop::sample::Index>()) {
        let whole = write_call("m", &[Value::from(text.as_str()), Value::Array(vec![Value::Int(1)])]);
        let at = (0..=cut.index(whole.len() + 1)).rev().find(|at| whole.is_char_boundary(*at)).expect("0 is one");
        let _ = parse_call(&text);
        let _ = parse_call(&whole[..at]);
        let _ = parse_response(&whole[at..]);
    }
}
