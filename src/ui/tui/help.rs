//! The list of keys. Pure.

use crate::ui::theme::{Ink, Theme};
use crate::ui::tui::paint::{self, Painted};

/// What does what, in the order of the page.
const KEYS: &[(&str, &str)] = &[
    ("up down k j", "another program; with the page in front: a line"),
    ("tab  h l", "the list or the page in front"),
    ("pgup pgdn", "a page of the log (also Ctrl-B and Ctrl-F; Ctrl-U and Ctrl-D: half of one)"),
    ("home end G", "the beginning; the end, and follow it (End and G)"),
    ("", "with a list in front that is longer than the screen, or alone on it, all these move in it"),
    ("space", "follow the log, or stay here, whatever is in front"),
    ("[ ]", "the run before, the next run"),
    ("", ""),
    ("/", "look for a text or an expression; n and N go from one to the next"),
    ("f", "show only lines with a text"),
    ("e", "show only what looks like warnings and errors; again: only errors; again: all"),
    ("a", "the logs of all programs, or of one"),
    ("z", "wrap long lines, or cut them (left and right move then)"),
    ("o", "those in trouble first, or the order of the start"),
    ("", ""),
    ("r", "restart the program; R: all that failed"),
    ("x", "stop it, or start it and what it needs"),
    ("enter", "give it the keys, where it has a terminal; Ctrl-] takes them back"),
    ("w", "why it is what it is"),
    ("d", "everything about it: command, environment, ports, checks, events"),
    ("g", "the graph: what needs what, and how long the start took"),
    ("P", "another project"),
    ("", ""),
    ("y  Y", "copy the line that was found, or the last one; copy all that is seen"),
    ("drag", "copies what is marked when the button is let go (Shift leaves it to the terminal)"),
    ("S", "write the log to a file"),
    ("ctrl-z", "suspend; Ctrl-L draws everything anew"),
    ("esc", "back: closes a page, a search, a filter"),
];

/// The page.
pub fn lines(theme: Theme, from_stream: bool) -> Vec<Painted> {
    let leaving = if from_stream {
        [("t  q", "back to the stream; everything goes on"), ("ctrl-c", "the same")]
    } else {
        [("q", "leave; everything goes on"), ("ctrl-c", "the same")]
    };
    let row = |(key, what): &(&str, &str)| {
        let key = format!("{key:<12}");
        paint::line(&format!("{} {what}", theme.paint(Ink::Strong, &key)))
    };
    KEYS.iter().map(row).chain(leaving.iter().map(row)).collect()
}
