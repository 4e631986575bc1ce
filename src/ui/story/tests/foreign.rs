//! Text of others in our lines.

use proptest::prelude::*;

use super::*;

/// Removes what our own colours consist of: ESC, `[`, digits and semicolons, `m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix('m') {
            Some(rest) => text + rest,
            None => text + "\x1b" + part,
        }
    })
}

/// Every notice that carries foreign text.
fn foreign(text: &str) -> Vec<Notice> {
    let spawn = Reason::Spawn(text.to_owned());
    let not_ready = Reason::NotReady { limit: tenths(1), last: Some(text.to_owned()) };
    vec![
        Notice::Ready { process: DB, after: tenths(1), how: text.to_owned(), run: 1 },
        Notice::NotReadyYet { process: DB, elapsed: tenths(1), last: Some(text.to_owned()), tries: 1 },
        Notice::Crashed { process: DB, run: 1, reason: spawn.clone(), after: tenths(1), again_in: None, first: true },
        Notice::Crashed {
            process: DB,
            run: 1,
            reason: not_ready.clone(),
            after: tenths(1),
            again_in: None,
            first: true,
        },
        Notice::GaveUp { process: DB, run: 1, tries: 2, reason: not_ready, each_time: true, after: tenths(1) },
        Notice::GaveUp { process: DB, run: 1, tries: 2, reason: spawn, each_time: true, after: tenths(1) },
        Notice::AllReady { after: tenths(1), chain: vec![(DB, tenths(1))] },
        Notice::AllStopped { took: tenths(1), up: tenths(1), failed: vec![DB], left: Vec::new() },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_foreign_text_reaches_the_terminal_as_a_control(
        text in prop_oneof![any::<String>(), "[\\x00-\\x1f\\x7f\u{80}-\u{9f}\\[m;0-9a]{0,20}"],
    ) {
        let mut project = project(vec![program("db", None)]);
        project.programs[0].command = crate::model::Command::Shell(text.clone());
        project.programs[0].directory = Some(crate::model::Template::literal(text.clone()));
        project.programs[0].instances[0].name = ProcessName::new("db", text.clone());
        let state = with(&snapshot(&project, Word::Failed), DB, |info| info.failed_otherwise = Some(text.clone()));
        let mut story = Story::new(&project, &ports(), Telling { notes: vec![text.clone()], ..telling(COLOUR) });
        let tail = TailLines { lines: vec![text.clone()], total: 9 };
        let mut lines = story.header(&HeaderFacts { name: &text, worktree: Some(&text), socket_ready: true }, now());
        lines.extend(screen(&mut story, &foreign(&text), &state, &tail).split('\n').map(ToOwned::to_owned));
        for line in lines {
            prop_assert!(!without_colours(&line).chars().any(char::is_control), "{line:?}");
        }
    }
}
