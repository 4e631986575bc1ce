//! The choice of an `"auto"` port: a function of the ledger and of what is free.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::ledger::{Entry, Ledger};
use crate::model::{ProgramName, stable_hash};

/// Where `"auto"` ports come from.
pub(super) const RANGE: RangeInclusive<u16> = 10_000..=19_999;

/// How many numbers the range has.
const SIZE: u16 = 10_000;

/// A port that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want<'a> {
    pub(super) program: &'a ProgramName,
    /// `None`: the main one.
    pub(super) name: Option<&'a str>,
    /// What the instances add to it.
    pub(super) offsets: &'a [u16],
}

impl Want<'_> {
    /// How many numbers in a row belong to it.
    fn count(&self) -> u16 {
        self.offsets.iter().max().map_or(1, |last| last.saturating_add(1))
    }
}

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) port: u16,
    /// The one that the ledger has for it, when that one cannot be had now.
    pub(super) moved_from: Option<u16>,
}

/// The numbers that a port and its instances take.
pub(super) fn span_of(port: u16, offsets: &[u16]) -> impl Iterator<Item = u16> + '_ {
    offsets.iter().filter_map(move |offset| port.checked_add(*offset))
}

/// Chooses a port for a checkout (identity and directory), and writes it into the ledger when it is the first time.
/// `reserved` are numbers that this project uses otherwise.
pub(super) fn choose(
    want: &Want<'_>,
    checkout: (&str, &str),
    ledger: &mut Ledger,
    reserved: &BTreeSet<u16>,
    is_free: &mut dyn FnMut(u16) -> bool,
) -> Choice {
    let key = (checkout.0, want.program.as_str(), want.name);
    let others = ledger.numbers_except(key);
    let count = want.count();
    let fits = |port: u16| {
        let last = port.saturating_add(count - 1);
        RANGE.contains(&last) && !(port..=last).any(|number| others.contains(&number) || reserved.contains(&number))
    };
    let mut usable = |port: u16| fits(port) && span_of(port, want.offsets).all(&mut *is_free);

    if let Some(entry) = ledger.find(key) {
        let home = entry.port;
        if usable(home) {
            entry.count = entry.count.max(count);
            return Choice { port: home, moved_from: None };
        }
        let port = from(home).skip(1).find(|port| usable(*port)).unwrap_or(home);
        return Choice { port, moved_from: Some(home) };
    }
    let first = first_choice(key);
    let port = from(first).find(|port| usable(*port)).unwrap_or(first);
    ledger.entries.push(Entry::new(checkout, want.program.as_str(), want.name, port, count));
    Choice { port, moved_from: None }
}

/// Where the search for a checkout's, a program's and a name's port begins.
fn first_choice((checkout, program, name): (&str, &str, Option<&str>)) -> u16 {
    let hash = stable_hash(&[checkout.as_bytes(), program.as_bytes(), name.unwrap_or("").as_bytes()]);
    let place = u16::try_from(hash % u64::from(SIZE)).expect("a remainder of 10000 fits");
    RANGE.start() + place
}

/// All numbers of the range once, from one on.
fn from(first: u16) -> impl Iterator<Item = u16> {
    let place = first.saturating_sub(*RANGE.start());
    (0..SIZE).map(move |step| RANGE.start() + (place + step) % SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: (&str, &str) = ("00000000000000aa", "/src/shop");
    const OTHER: (&str, &str) = ("00000000000000bb", "/src/other");

    fn pick(ledger: &mut Ledger, checkout: (&str, &str), program: &str, taken: &[u16]) -> Choice {
        pick_several(ledger, checkout, program, &[0], taken)
    }

    fn pick_several(
        ledger: &mut Ledger,
        checkout: (&str, &str),
        program: &str,
        offsets: &[u16],
        taken: &[u16],
    ) -> Choice {
        let program = ProgramName::new(program);
        let want = Want { program: &program, name: None, offsets };
        choose(&want, checkout, ledger, &BTreeSet::new(), &mut |port| !taken.contains(&port))
    }

    fn staying(port: u16) -> Choice {
        Choice { port, moved_from: None }
    }

    #[test]
    fn the_same_checkout_and_name_give_the_same_port_with_or_without_a_ledger() {
        let first = pick(&mut Ledger::default(), SHOP, "api", &[]);
        assert_eq!(first, pick(&mut Ledger::default(), SHOP, "api", &[]));
        assert_ne!(first, pick(&mut Ledger::default(), OTHER, "api", &[]));
        assert_ne!(first, pick(&mut Ledger::default(), SHOP, "web", &[]));
        assert_eq!(first.port, 15_942, "the choice is the same in every release");
    }

    #[test]
    fn a_stranger_on_it_moves_it_for_once() {
        let mut ledger = Ledger::default();
        let home = pick(&mut ledger, SHOP, "api", &[]).port;
        let moved = pick(&mut ledger, SHOP, "api", &[home, home + 1]);
        assert_eq!(moved, Choice { port: home + 2, moved_from: Some(home) });
        assert_eq!(pick(&mut ledger, SHOP, "api", &[]), staying(home));
    }

    #[test]
    fn the_first_choice_that_is_taken_is_never_promised() {
        let first = pick(&mut Ledger::default(), SHOP, "api", &[]).port;
        let mut ledger = Ledger::default();
        assert_eq!(pick(&mut ledger, SHOP, "api", &[first]), staying(first + 1));
        assert_eq!(pick(&mut ledger, SHOP, "api", &[]), staying(first + 1), "and what was given stays");
    }

    #[test]
    fn what_another_checkout_has_is_not_given_away() {
        let mut ledger = Ledger::default();
        let first = pick(&mut Ledger::default(), SHOP, "api", &[]).port;
        ledger.entries.push(Entry::new(OTHER, "db", None, first - 1, 3));
        assert_eq!(pick(&mut ledger, SHOP, "api", &[]), staying(first + 2));
    }

    #[test]
    fn instances_get_numbers_in_a_row() {
        let mut ledger = Ledger::default();
        let first = pick_several(&mut Ledger::default(), SHOP, "worker", &[0, 1, 2], &[]).port;
        assert_eq!(pick_several(&mut ledger, SHOP, "worker", &[0, 1, 2], &[first + 2]), staying(first + 3));
        let others = ledger.numbers_except(("", "", None));
        assert_eq!(others.into_iter().collect::<Vec<_>>(), [first + 3, first + 4, first + 5]);
    }

    #[test]
    fn more_instances_keep_the_port_where_there_is_room() {
        let mut ledger = Ledger::default();
        let home = pick(&mut ledger, SHOP, "worker", &[]).port;
        assert_eq!(pick_several(&mut ledger, SHOP, "worker", &[0, 1], &[]), staying(home));
        assert!(ledger.numbers_except(("", "", None)).contains(&(home + 1)));
        ledger.entries.push(Entry::new(OTHER, "db", None, home + 2, 1));
        let crowded = pick_several(&mut ledger, SHOP, "worker", &[0, 1, 2], &[]);
        assert_eq!(crowded, Choice { port: home + 3, moved_from: Some(home) });
    }

    #[test]
    fn the_search_goes_round_and_stays_inside() {
        assert_eq!(from(19_999).take(2).collect::<Vec<_>>(), [19_999, 10_000]);
        assert_eq!(from(10_000).count(), 10_000);
    }

    #[test]
    fn when_nothing_is_free_the_first_choice_is_tried() {
        let program = ProgramName::new("api");
        let want = Want { program: &program, name: None, offsets: &[0] };
        let choice = choose(&want, SHOP, &mut Ledger::default(), &BTreeSet::new(), &mut |_| false);
        assert_eq!(choice, pick(&mut Ledger::default(), SHOP, "api", &[]));
    }
}
