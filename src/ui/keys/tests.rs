//! Presses, and what they come to.

use super::*;
use crate::ui::sample_shop::{API, CACHE, DB, MIGRATE, WEB, project, several, shop, snapshot, with};

const PLAIN: Theme = Theme { colour: false, ascii: false };

fn keys() -> (Keys, Snapshot) {
    let project = shop();
    (Keys::new(Names::of(&project, PLAIN), PLAIN, "run"), snapshot(&project, Word::Ready))
}

/// Presses each character, then returns what the last key led to.
fn type_in(keys: &mut Keys, snapshot: &Snapshot, text: &str, last: Key) -> Vec<KeyAction> {
    for c in text.chars() {
        keys.press(Key::Char(c), snapshot);
    }
    keys.press(last, snapshot)
}

fn done(action: KeyAction) -> Vec<KeyAction> {
    vec![KeyAction::Prompt(None), action]
}

fn prompt(actions: &[KeyAction]) -> &str {
    match actions {
        [KeyAction::Prompt(Some(text))] => text,
        other => panic!("no prompt: {other:?}"),
    }
}

#[test]
fn a_part_of_a_name_picks_and_enter_takes_it() {
    let (mut keys, state) = keys();
    assert_eq!(type_in(&mut keys, &state, "rap", Key::Enter), done(KeyAction::Restart(vec![API])));
    assert_eq!(type_in(&mut keys, &state, "rmig", Key::Enter), done(KeyAction::Restart(vec![MIGRATE])));
    assert!(!keys.is_picking());
}

#[test]
fn a_number_picks_by_place() {
    let (mut keys, state) = keys();
    assert_eq!(type_in(&mut keys, &state, "r5", Key::Enter), done(KeyAction::Restart(vec![WEB])));
    assert_eq!(type_in(&mut keys, &state, "w2", Key::Enter), done(KeyAction::Why(CACHE)));
}

#[test]
fn what_begins_with_the_text_comes_first() {
    let names = ["web-proxy", "proxy", "api"].map(|name| crate::ui::sample_shop::program(name, None));
    let project = project(names.to_vec());
    let mut keys = Keys::new(Names::of(&project, PLAIN), PLAIN, "run");
    let state = snapshot(&project, Word::Ready);
    assert_eq!(type_in(&mut keys, &state, "rpro", Key::Enter), done(KeyAction::Restart(vec![ProcessId(1)])));
}

#[test]
fn the_prompt_shows_what_enter_would_take() {
    let (mut keys, state) = keys();
    let open = keys.press(Key::Char('r'), &state);
    assert_eq!(prompt(&open), "restart: ▏ 1 db  2 cache  3 migrate  4 api  5 web   (* all, Esc cancels)");
    let typed = keys.press(Key::Char('a'), &state);
    assert_eq!(prompt(&typed), "restart: a▏ 4 api  2 cache  3 migrate   (Enter: api, * all, Esc cancels)");
    let wrong = keys.press(Key::Char('z'), &state);
    assert_eq!(prompt(&wrong), "restart: az▏    (nothing has such a name, * all, Esc cancels)");
}

#[test]
fn escape_cancels_and_nothing_was_done() {
    let (mut keys, state) = keys();
    assert_eq!(type_in(&mut keys, &state, "rapi", Key::Escape), [KeyAction::Prompt(None)]);
    assert_eq!(keys.press(Key::Escape, &state), []);
    assert_eq!(type_in(&mut keys, &state, "r", Key::Backspace), [KeyAction::Prompt(None)]);
    assert_eq!(type_in(&mut keys, &state, "r", Key::Enter), [KeyAction::Prompt(None)]);
    assert_eq!(keys.press(Key::Char('q'), &state), [KeyAction::Quit]);
}

#[test]
fn a_wrong_name_leaves_the_pick_open_to_be_mended() {
    let (mut keys, state) = keys();
    prompt(&type_in(&mut keys, &state, "rapix", Key::Enter));
    assert!(keys.is_picking());
    assert_eq!(type_in(&mut keys, &state, "", Key::Backspace).len(), 1);
    assert_eq!(keys.press(Key::Enter, &state), done(KeyAction::Restart(vec![API])));
    type_in(&mut keys, &state, "rzzz", Key::Clear);
    assert_eq!(type_in(&mut keys, &state, "db", Key::Enter), done(KeyAction::Restart(vec![DB])));
}

#[test]
fn the_filter_takes_parts_and_a_star_shows_all_again() {
    let (mut keys, state) = keys();
    let shown = vec![API, CACHE, MIGRATE];
    assert_eq!(type_in(&mut keys, &state, "la", Key::Enter), done(KeyAction::ShowOnly(Some(shown.clone()))));
    assert_eq!(keys.filter(), Some(shown.as_slice()));
    assert_eq!(type_in(&mut keys, &state, "la", Key::Enter), [KeyAction::Prompt(None)]);
    assert_eq!(type_in(&mut keys, &state, "l*", Key::Enter), done(KeyAction::ShowOnly(None)));
    assert_eq!(keys.filter(), None);
}

#[test]
fn a_group_is_taken_whole() {
    let project = project(vec![several("worker", 3)]);
    let mut keys = Keys::new(Names::of(&project, PLAIN), PLAIN, "run");
    let state = snapshot(&project, Word::Ready);
    let all: Vec<ProcessId> = (0..3).map(ProcessId).collect();
    assert_eq!(type_in(&mut keys, &state, "rworker", Key::Enter), done(KeyAction::Restart(all)));
    assert_eq!(type_in(&mut keys, &state, "rworker_1", Key::Enter), done(KeyAction::Restart(vec![ProcessId(1)])));
}

#[test]
fn x_stops_what_is_up_and_starts_what_is_not() {
    let (mut keys, state) = keys();
    let state = with(&state, API, |info| info.word = Word::Off);
    assert_eq!(type_in(&mut keys, &state, "xdb", Key::Enter), done(KeyAction::Stop(vec![DB])));
    assert_eq!(type_in(&mut keys, &state, "xapi", Key::Enter), done(KeyAction::Start(vec![API])));
    let open = keys.press(Key::Char('x'), &state);
    assert!(
        prompt(&open).starts_with("stop or start: ▏ 1 db (ready)  2 cache (ready)  3 migrate (ready)  4 api (off)")
    );
}

#[test]
fn why_alone_asks_about_the_first_that_is_not_ready() {
    let (mut keys, state) = keys();
    let nothing = KeyAction::Print("  everything is as it should be".to_owned());
    assert_eq!(type_in(&mut keys, &state, "w", Key::Enter), done(nothing));
    let state = with(&state, MIGRATE, |info| info.word = Word::Waiting);
    assert_eq!(type_in(&mut keys, &state, "w", Key::Enter), done(KeyAction::Why(MIGRATE)));
    let state = with(&state, WEB, |info| info.word = Word::Failed);
    assert_eq!(type_in(&mut keys, &state, "w", Key::Enter), done(KeyAction::Why(WEB)));
}

#[test]
fn capital_r_restarts_what_failed_by_itself() {
    let (mut keys, state) = keys();
    assert_eq!(keys.press(Key::Char('R'), &state), [KeyAction::Print("  nothing has failed".to_owned())]);
    let state = with(&state, DB, |info| info.word = Word::Failed);
    let state = with(&state, API, |info| info.word = Word::Blocked);
    assert_eq!(keys.press(Key::Char('R'), &state), [KeyAction::Restart(vec![DB])]);
}

#[test]
fn what_is_stopping_cannot_be_detached_from() {
    let (mut keys, state) = keys();
    let stopping = Snapshot { is_shutting_down: true, ..state };
    let said = "  it is stopping: there is nothing left to detach from".to_owned();
    assert_eq!(keys.press(Key::Char('d'), &stopping), [KeyAction::Print(said)]);
}

#[test]
fn detaching_says_how_to_come_back_first() {
    let (mut keys, state) = keys();
    let text =
        "  detached, everything keeps running\n  run up: this stream again   ·   run status   ·   run down: stop it";
    assert_eq!(keys.press(Key::Char('d'), &state), [KeyAction::Print(text.to_owned()), KeyAction::Detach]);
}

#[test]
fn the_list_of_keys_has_every_key() {
    let list = help(PLAIN);
    for key in ["s", "l", "r", "R", "x", "w", "d", "q", "?"] {
        assert!(list.lines().any(|line| line.starts_with(&format!("  {key}  "))), "{key}");
    }
    assert!(list.lines().all(|line| line.len() < 80));
}
