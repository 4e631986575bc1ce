//! The one line at the bottom of a terminal: loud while something is wrong, useful while something starts, absent otherwise.
//!
//! It changes only when the state does, so nothing moves when nothing happens.

use crate::model::{ProcessId, Word};
use crate::supervisor::snapshot::{ProcessInfo, Snapshot};
use crate::ui::names::Names;
use crate::ui::text::{clean, cut_end};
use crate::ui::theme::{Ink, Theme};

/// How many are named before they are only counted.
const NAMED: usize = 3;

/// The live line for a state, at most `width` columns; `filter` is the `l` key's choice. `None` when all is well and all is shown.
///
/// `worker failed · 3 ready · 1 waiting`
pub fn live_line(
    snapshot: &Snapshot,
    names: &Names,
    theme: Theme,
    width: usize,
    filter: Option<&[ProcessId]>,
) -> Option<String> {
    let (state, ink) = match state(snapshot, names) {
        Some((parts, ink)) => (parts, Some(ink)),
        None => (Vec::new(), None),
    };
    let filter = filter.map(|shown| format!("only {} (l, * shows all)", names.list(shown)));
    let parts: Vec<String> = state.into_iter().chain(filter).collect();
    if parts.is_empty() {
        return None;
    }
    let line = fit(&parts.join(&format!(" {} ", theme.signs().dot)), width, theme);
    Some(ink.map_or_else(|| line.clone(), |ink| theme.paint(ink, &line)))
}

/// Cuts a line to the terminal; the last column stays free, where some terminals would wrap.
pub fn fit(line: &str, width: usize, theme: Theme) -> String {
    cut_end(line, width.saturating_sub(1), theme.signs().cut)
}

/// What is worth saying, and in which colour.
fn state(snapshot: &Snapshot, names: &Names) -> Option<(Vec<String>, Ink)> {
    let all_in = |word: Word| -> Vec<&ProcessInfo> { in_order(snapshot).filter(|info| info.word == word).collect() };
    let told = |word: Word| Some(all_in(word)).filter(|all| !all.is_empty()).map(|all| naming(&all, names, word));
    let counted =
        |word: Word| Some(all_in(word).len()).filter(|count| *count > 0).map(|count| format!("{count} {word}"));
    if snapshot.is_shutting_down {
        let open: Vec<String> = told(Word::Stopping).into_iter().collect();
        return (!open.is_empty()).then_some((open, Ink::Warn));
    }
    let loud: Vec<String> = [Word::Failed, Word::Retrying].into_iter().filter_map(told).collect();
    let unhealthy = told(Word::Unhealthy);
    if !loud.is_empty() || unhealthy.is_some() || !all_in(Word::Blocked).is_empty() {
        let ink = if loud.is_empty() && all_in(Word::Blocked).is_empty() { Ink::Warn } else { Ink::Bad };
        let rest = [Word::Blocked, Word::Ready, Word::Starting, Word::Waiting, Word::Stopping, Word::Done];
        let parts = loud.into_iter().chain(unhealthy).chain(rest.into_iter().filter_map(counted));
        return Some((parts.collect(), ink));
    }
    let starting = all_in(Word::Starting);
    if starting.is_empty() && all_in(Word::Waiting).is_empty() {
        return None;
    }
    let first = match starting.as_slice() {
        [] => told(Word::Waiting).into_iter().collect(),
        [only] => vec![one_starting(only, names)],
        several => vec![naming(several, names, Word::Starting)],
    };
    let waiting = counted(Word::Waiting).filter(|_| !starting.is_empty());
    let parts = first.into_iter().chain(waiting).chain([Word::Ready, Word::Done].into_iter().filter_map(counted));
    Some((parts.collect(), Ink::Busy))
}

/// All processes in the order in which they start.
fn in_order(snapshot: &Snapshot) -> impl Iterator<Item = &ProcessInfo> {
    snapshot.start_order.iter().filter_map(|id| snapshot.get(*id))
}

/// `worker, mail failed`; many are only counted.
fn naming(all: &[&ProcessInfo], names: &Names, word: Word) -> String {
    let ids: Vec<ProcessId> = all.iter().map(|info| info.id).collect();
    if ids.len() > NAMED { format!("{} {word}", ids.len()) } else { format!("{} {word}", names.list(&ids)) }
}

/// `db starting: tcp 5433 refused`
fn one_starting(info: &ProcessInfo, names: &Names) -> String {
    let last = info.last_probe.as_deref().map(|last| format!(": {}", clean(last))).unwrap_or_default();
    format!("{} starting{last}", names.label(info.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_shop::{API, CACHE, DB, MIGRATE, WEB, shop, snapshot, with};

    const PLAIN: Theme = Theme { colour: false, ascii: false };

    fn line(snapshot: &Snapshot, filter: Option<&[ProcessId]>) -> Option<String> {
        live_line(snapshot, &Names::of(&shop(), PLAIN), PLAIN, 80, filter)
    }

    fn words(words: [Word; 5]) -> Snapshot {
        let start = snapshot(&shop(), Word::Ready);
        [DB, CACHE, MIGRATE, API, WEB]
            .into_iter()
            .zip(words)
            .fold(start, |state, (id, word)| with(&state, id, |info| info.word = word))
    }

    #[test]
    fn nothing_is_shown_when_all_is_well() {
        assert_eq!(line(&words([Word::Ready, Word::Off, Word::Done, Word::Ready, Word::Ready]), None), None);
    }

    #[test]
    fn a_failure_stays_loud() {
        let state = words([Word::Ready, Word::Ready, Word::Done, Word::Waiting, Word::Failed]);
        assert_eq!(line(&state, None).unwrap(), "web failed · 2 ready · 1 waiting · 1 done");
        let theme = Theme { colour: true, ascii: true };
        let red = live_line(&state, &Names::of(&shop(), theme), theme, 80, None).unwrap();
        assert_eq!(red, "\x1b[31;1mweb failed - 2 ready - 1 waiting - 1 done\x1b[0m");
    }

    #[test]
    fn a_loop_is_as_loud_as_a_failure() {
        let state = words([Word::Retrying, Word::Failed, Word::Done, Word::Blocked, Word::Failed]);
        assert_eq!(line(&state, None).unwrap(), "cache, web failed · db retrying · 1 blocked · 1 done");
        assert_eq!(line(&words([Word::Failed; 5]), None).unwrap(), "5 failed");
    }

    #[test]
    fn a_start_says_what_it_waits_for() {
        let state = words([Word::Starting, Word::Ready, Word::Waiting, Word::Waiting, Word::Waiting]);
        let state = with(&state, DB, |info| info.last_probe = Some("tcp 5433 refused".to_owned()));
        assert_eq!(line(&state, None).unwrap(), "db starting: tcp 5433 refused · 3 waiting · 1 ready");
        let state = words([Word::Starting, Word::Starting, Word::Waiting, Word::Waiting, Word::Waiting]);
        assert_eq!(line(&state, None).unwrap(), "db, cache starting · 3 waiting");
    }

    #[test]
    fn a_stop_names_who_is_still_there() {
        let mut state = words([Word::Stopping, Word::Off, Word::Done, Word::Off, Word::Failed]);
        state.is_shutting_down = true;
        assert_eq!(line(&state, None).unwrap(), "db stopping");
    }

    #[test]
    fn the_filter_is_shown_while_it_holds() {
        let state = words([Word::Ready; 5]);
        assert_eq!(line(&state, Some(&[API, WEB])).unwrap(), "only api, web (l, * shows all)");
        let state = words([Word::Ready, Word::Ready, Word::Ready, Word::Ready, Word::Unhealthy]);
        assert_eq!(line(&state, Some(&[API])).unwrap(), "web unhealthy · 4 ready · only api (l, * shows all)");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_line() {
        let names = Names::of(&shop(), PLAIN);
        let state = words([Word::Ready, Word::Ready, Word::Done, Word::Waiting, Word::Failed]);
        assert_eq!(live_line(&state, &names, PLAIN, 16, None).unwrap(), "web failed · 2…");
    }
}
