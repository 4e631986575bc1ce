//! foreman's meaning, without its accidents.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> (RawProject, Vec<Diagnostic>) {
    parse(&ProcfileOptions::default(), 0, text)
}

/// A program as `name key=value …`.
fn shown(section: &RawSection) -> String {
    let value = |value: &RawValue| match &value.data {
        RawData::Text(text) => format!("{text:?}"),
        RawData::Integer(number) => number.to_string(),
        RawData::Boolean(boolean) => boolean.to_string(),
        other @ (RawData::Float(_) | RawData::Datetime(_) | RawData::List(_) | RawData::Table(_)) => {
            format!("{other:?}")
        }
    };
    let keys = section.keys.iter().map(|key| format!("{}={}", key.name, value(&key.value)));
    format!("{} {}", section.name.as_deref().unwrap(), keys.collect::<Vec<_>>().join(" "))
}

fn programs(options: &ProcfileOptions, text: &str) -> Vec<String> {
    let (project, diagnostics) = parse(options, 0, text);
    assert_eq!(diagnostics, [], "{text}");
    project.sections.iter().map(shown).collect()
}

fn messages(text: &str) -> Vec<String> {
    read(text).1.into_iter().map(|diagnostic| diagnostic.message).collect()
}

/// The text under the main label of the first diagnostic.
fn underlined(text: &str) -> &str {
    let span = read(text).1[0].labels[0].span;
    &text[span.start..span.end]
}

#[test]
fn a_name_and_a_command_make_a_program() {
    assert_eq!(
        programs(&ProcfileOptions::default(), "web: rails s -p $PORT\nworker:sidekiq\na_b-c.2:\t x: y\n"),
        [
            r#"web command="rails s -p $PORT" port=5000"#,
            r#"worker command="sidekiq" port=5100"#,
            r#"a_b-c.2 command="x: y" port=5200"#,
        ]
    );
}

#[test]
fn comments_and_blank_lines_stand_at_any_indent_and_take_no_port() {
    let text = "# all\n\n   \t\n  # indented\nweb: a # kept\n\t#x: y\nworker: b\n";
    assert_eq!(
        programs(&ProcfileOptions::default(), text),
        [r#"web command="a # kept" port=5000"#, r#"worker command="b" port=5100"#]
    );
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_accepted() {
    let text = "\u{feff}web: a\r\n\r\nworker: b";
    assert_eq!(
        programs(&ProcfileOptions::default(), text),
        [r#"web command="a" port=5000"#, r#"worker command="b" port=5100"#]
    );
    let (project, _) = read(text);
    let span = project.sections[0].span;
    assert_eq!(&text[span.start..span.end], "web");
    let span = project.sections[1].keys[0].value.span;
    assert_eq!(&text[span.start..span.end], "b");
}

#[test]
fn anything_else_is_an_error_with_its_place() {
    for (line, help) in [
        ("just words", "a command is one line; a comment begins with `#`"),
        ("  web: a", "a name begins at the very start of its line"),
        ("web : a", "the colon follows the name at once"),
        ("wéb: a", "a name has letters, digits, `_`, `-` and `.`"),
        ("my web: a", "a name has letters, digits, `_`, `-` and `.`"),
        (": a", "a name has letters, digits, `_`, `-` and `.`"),
        ("RACK_ENV=production", "variables belong into the file .env"),
    ] {
        let text = format!("ok: x\n{line}\n");
        let (project, diagnostics) = read(&text);
        assert_eq!(diagnostics.len(), 1, "{line}");
        assert_eq!(diagnostics[0].message, "a line has to be `name: command`", "{line}");
        assert_eq!(diagnostics[0].help, [help], "{line}");
        assert_eq!(underlined(&text), line.trim(), "{line}");
        assert_eq!(project.sections.len(), 1, "{line}");
    }
}

#[test]
fn a_duplicate_is_an_error_with_both_places() {
    let text = "web: a\nworker: b\nweb: c\nweb: d\n";
    let (_, diagnostics) = read(text);
    assert_eq!(diagnostics.len(), 2);
    assert_eq!(diagnostics[1].message, "`web` is there twice");
    let places: Vec<usize> = diagnostics[1].labels.iter().map(|label| label.span.start).collect();
    assert_eq!(places, [24, 0]);
}

#[test]
fn an_empty_command_is_an_error() {
    assert_eq!(
        messages("web:\nworker:  \nmail: # later\n"),
        ["`web` has no command", "`worker` has no command", "`mail` has no command"]
    );
    assert_eq!(underlined("web:"), "web");
    assert_eq!(messages("web: a\0b"), ["the command of `web` holds a NUL character"]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    assert_eq!(messages("x\nweb:\nok: 1\nok: 2\n").len(), 3);
}

#[test]
fn ports_begin_where_the_first_of_five_places_says() {
    let first = |options: &ProcfileOptions| programs(options, "web: a").remove(0);
    let mut options = ProcfileOptions { shell_port: Some("4000".to_owned()), ..ProcfileOptions::default() };
    assert!(first(&options).ends_with("port=4000"));
    options.env_file_port = Some("3000".to_owned());
    assert!(first(&options).ends_with("port=3000"));
    options.defaults.port = Some(2000);
    assert!(first(&options).ends_with("port=2000"));
    options.base_port = Some(1500);
    assert!(first(&options).ends_with("port=1500"));
}

#[test]
fn a_port_that_is_none_is_passed_over_with_a_warning() {
    let options = ProcfileOptions {
        env_file_port: Some("tcp://x".to_owned()),
        shell_port: Some("4000".to_owned()),
        ..ProcfileOptions::default()
    };
    let (project, diagnostics) = parse(&options, 0, "web: a");
    assert!(shown(&project.sections[0]).ends_with("port=4000"));
    assert_eq!(diagnostics[0].message, "PORT of .env is not a port number, so it does not decide where ports begin");
}

#[test]
fn the_formation_counts_instances_and_ports_stay_those_of_the_line() {
    let options =
        ProcfileOptions { formation: parse_formation("all=1,web=2,mail=0").unwrap(), ..ProcfileOptions::default() };
    assert_eq!(
        programs(&options, "web: a\nmail: b\nworker: c"),
        [
            r#"web command="a" port=5000 numprocs=2"#,
            r#"mail command="b" port=5100 autostart=false"#,
            r#"worker command="c" port=5200"#,
        ]
    );
}

#[test]
fn a_formation_without_all_starts_only_what_it_names() {
    let options = ProcfileOptions { formation: vec![("worker".to_owned(), 1)], ..ProcfileOptions::default() };
    assert_eq!(
        programs(&options, "web: a\nworker: c"),
        [r#"web command="a" port=5000 autostart=false"#, r#"worker command="c" port=5100"#]
    );
}

#[test]
fn an_unknown_name_in_the_formation_is_an_error() {
    let options = ProcfileOptions {
        formation: vec![("wbe".to_owned(), 2), ("postgres".to_owned(), 1)],
        ..ProcfileOptions::default()
    };
    let (_, diagnostics) = parse(&options, 0, "web: a\nworker: b");
    assert_eq!(diagnostics[0].message, "-m counts `wbe`, which the Procfile does not have");
    assert_eq!(diagnostics[0].help, ["did you mean `web`?"]);
    assert_eq!(diagnostics[1].help, ["it has web, worker"]);
}

#[test]
fn formations_are_checked() {
    assert_eq!(parse_formation(" all = 1 , web=2,").unwrap(), [("all".to_owned(), 1), ("web".to_owned(), 2)]);
    assert_eq!(parse_formation("web").unwrap_err().to_string(), "`web` is not NAME=COUNT, as in `all=1,web=2`");
    for bad in ["web=-1", "web=two", "web=", "web=4000000000"] {
        assert_eq!(parse_formation(bad), Err(FormationError::Count(bad.to_owned())), "{bad}");
    }
}

#[test]
fn ports_end_at_65535() {
    let lines: Vec<String> = (0..608).map(|number| format!("p{number}: a")).collect();
    let text = lines.join("\n");
    let (project, diagnostics) = read(&text);
    assert!(shown(&project.sections[605]).ends_with("port=65500"));
    assert_eq!(shown(&project.sections[606]), r#"p606 command="a""#);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].message, "`p606` and 1 more get no PORT: it would be above 65535");
}

#[test]
fn foreman_has_its_defaults_in_yaml() {
    let text = "---\n# ours\nport: 6000\nformation: 'all=1,web=2' # two\nenv: a.env, b.env\nroot: app\ntimeout: 20\n\
                procfile: Procfile.dev\ncolor: true\nnested:\n  port: 1\n";
    let (defaults, diagnostics) = read_foreman(1, text);
    assert_eq!(diagnostics, []);
    let at = |span: Option<Span>| span.map(|span| &text[span.start..span.end]);
    assert_eq!((at(defaults.env_span), at(defaults.root_span)), (Some("env: a.env, b.env"), Some("root: app")));
    assert_eq!(
        defaults,
        ProcfileDefaults {
            env_span: defaults.env_span,
            root_span: defaults.root_span,
            procfile: Some("Procfile.dev".to_owned()),
            root: Some("app".to_owned()),
            env_files: vec![("a.env".to_owned(), false), ("b.env".to_owned(), false)],
            port: Some(6000),
            port_step: None,
            formation: vec![("all".to_owned(), 1), ("web".to_owned(), 2)],
            formation_from: ".foreman",
            timeout: Some(20),
        }
    );
}

#[test]
fn a_bad_default_is_an_error_with_its_place() {
    let text = "port: 6000\ntimeout: soon\nformation: web\n";
    let (_, diagnostics) = read_foreman(3, text);
    assert_eq!(diagnostics[0].message, "`timeout` has to be a whole number of seconds");
    let span = diagnostics[0].labels[0].span;
    assert_eq!((span.file, &text[span.start..span.end]), (3, "timeout: soon"));
    assert!(diagnostics[1].message.starts_with("`formation` has to be like `all=1,web=2`"), "{diagnostics:?}");

    let text = "A=1\nexport OVERMIND_PORT=x\n";
    let (_, diagnostics) = read_overmind(2, text);
    assert_eq!(diagnostics[0].message, "`OVERMIND_PORT` has to be a port number, 1 to 65535");
    let span = diagnostics[0].labels[0].span;
    assert_eq!(&text[span.start..span.end], "export OVERMIND_PORT=x");
}

#[test]
fn what_overmind_would_do_otherwise_is_told() {
    let text = "OVERMIND_CAN_DIE=worker\nOVERMIND_SOCKET=x\nA=1\n";
    let (_, diagnostics) = read_overmind(1, text);
    let told: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(told, ["`OVERMIND_CAN_DIE` is not followed"]);
    let span = diagnostics[0].labels[0].span;
    assert_eq!(&text[span.start..span.end], "OVERMIND_CAN_DIE=worker");
}

#[test]
fn overmind_has_its_defaults_in_variables() {
    let text = "OVERMIND_PROCFILE=Procfile.dev\nOVERMIND_PORT=7000\nOVERMIND_PORT_STEP=10\nOVERMIND_TIMEOUT=3\n\
                OVERMIND_FORMATION=web=2\nOVERMIND_ROOT=app\nOVERMIND_ENV=more.env\nRAILS_ENV=test\n";
    let (defaults, diagnostics) = read_overmind(1, text);
    assert_eq!(diagnostics, []);
    assert_eq!((defaults.port, defaults.port_step, defaults.timeout), (Some(7000), Some(10), Some(3)));
    assert_eq!(defaults.procfile.as_deref(), Some("Procfile.dev"));
    let files: Vec<&str> = defaults.env_files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(files, [".overmind.env", ".env", "more.env"]);

    let options = ProcfileOptions { defaults, ..ProcfileOptions::default() };
    let (project, diagnostics) = parse(&options, 0, "web: a\nworker: b");
    assert_eq!(diagnostics, []);
    assert_eq!(
        project.sections.iter().map(shown).collect::<Vec<_>>(),
        [
            r#"web command="a" port=7000 numprocs=2 directory="app" stopwaitsecs=3"#,
            r#"worker command="b" port=7010 directory="app" stopwaitsecs=3"#,
        ]
    );
    assert_eq!(project.top[0].name, "env_file");
    let span = project.top[0].span;
    assert_eq!((span.file, span.start), (1, text.find("OVERMIND_ENV").unwrap()));
}

#[test]
fn one_file_of_defaults_fills_the_other() {
    let (foreman, _) = read_foreman(0, "port: 6000\n");
    let (overmind, _) = read_overmind(1, "OVERMIND_PORT=7000\nOVERMIND_FORMATION=web=2\n");
    let both = foreman.or(overmind);
    assert_eq!((both.port, both.formation_from), (Some(6000), ".overmind.env"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([a-c]|[-_.: #\t\r\n=\"']|é|\u{feff}){0,60}") {
        let (project, diagnostics) = read(&text);
        for span in diagnostics.iter().flat_map(|d| &d.labels).map(|label| label.span) {
            prop_assert!(text.get(span.start..span.end).is_some());
        }
        for section in &project.sections {
            prop_assert_eq!(text.get(section.span.start..section.span.end), section.name.as_deref());
        }
        read_foreman(0, &text);
        read_overmind(0, &text);
    }

    #[test]
    fn every_line_is_a_program_a_comment_or_a_mistake(lines in prop::collection::vec("[a-c:# ]{0,6}", 0..12)) {
        let (project, diagnostics) = read(&lines.join("\n"));
        let meant = lines.iter().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')).count();
        prop_assert_eq!(project.sections.len() + diagnostics.len(), meant);
    }
}
