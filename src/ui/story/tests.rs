//! The screens of a start, a crash and a stop, told from notices.

mod crash;
mod foreign;
mod start;
mod stop;

use super::*;
use crate::model::{Dialect, ProcessName};
use crate::supervisor::notice::{Reason, StopWhy};
use crate::ui::sample_shop::{
    API, CACHE, DB, MIGRATE, WEB, now, ports, program, project, several, shop, snapshot, tenths, with,
};

const PLAIN: Theme = Theme { colour: false, ascii: false };
const ASCII: Theme = Theme { colour: false, ascii: true };
const COLOUR: Theme = Theme { colour: true, ascii: false };

/// The shop with a worker in place of web.
fn with_worker() -> Project {
    let mut project = shop();
    project.programs[4] = program("worker", None);
    project
}

const WORKER: ProcessId = WEB;

fn telling(theme: Theme) -> Telling {
    Telling { theme, keys: true, ..Telling::default() }
}

/// What the logs would hand over.
#[derive(Default)]
struct TailLines {
    lines: Vec<String>,
    total: usize,
}

fn tail_of(count: usize, total: usize) -> TailLines {
    TailLines { lines: (0..count).map(|n| format!("line {}", total - count + n + 1)).collect(), total }
}

/// Tells all of it and draws every box with these lines.
fn screen(story: &mut Story, notices: &[Notice], snapshot: &Snapshot, tail: &TailLines) -> String {
    let mut lines = Vec::new();
    for notice in notices {
        let said = story.tell(notice, snapshot, now());
        lines.extend(said.lines);
        lines.extend(
            said.tail.into_iter().flat_map(|request| request.render(&tail.lines, tail.total, None, &TimeZone::UTC)),
        );
    }
    lines.join("\n")
}

fn told(project: &Project, theme: Theme, notices: &[Notice]) -> String {
    let mut story = Story::new(project, &ports(), telling(theme));
    screen(&mut story, notices, &snapshot(project, Word::Ready), &TailLines::default())
}

/// Compares with a screen that was written below the opening quote.
fn assert_screen(actual: &str, expected: &str) {
    let expected = expected.strip_prefix("\n").unwrap_or(expected).trim_end();
    assert!(actual == expected, "\n--- told ---\n{actual}\n--- expected ---\n{expected}\n");
}
