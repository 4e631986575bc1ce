//! The status table: one line of facts about the project, one row for each process. Pure.
//!
//! Columns drop from the right when the terminal is narrow; NAME, STATE and NOTE never do.

use std::time::Duration;

use crate::model::Word;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::model::units::{human_duration, human_size};
use crate::ui::look::Look;
use crate::ui::text::{clean, cut_end, pad, width};
use crate::ui::theme::Ink;

/// The blanks between two columns.
const GAP: usize = 2;

/// What NOTE keeps before another column has to go.
const NOTE_LEAST: usize = 24;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    State,
    For,
    Runs,
    Pid,
    Port,
    Cpu,
    Mem,
    Note,
}

/// All columns from left to right.
const COLUMNS: [Column; 9] = [
    Column::Name,
    Column::State,
    Column::For,
    Column::Runs,
    Column::Pid,
    Column::Port,
    Column::Cpu,
    Column::Mem,
    Column::Note,
];

/// What goes first when it is narrow.
const DROPS: [Column; 6] = [Column::Mem, Column::Cpu, Column::Port, Column::Pid, Column::For, Column::Runs];

/// In what order the header counts: what is well, what is wrong, the rest.
const COUNTED: [Word; 10] = [
    Word::Ready,
    Word::Failed,
    Word::Blocked,
    Word::Unhealthy,
    Word::Retrying,
    Word::Starting,
    Word::Waiting,
    Word::Stopping,
    Word::Done,
    Word::Off,
];

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::State => "STATE",
            Self::For => "FOR",
            Self::Runs => "RUNS",
            Self::Pid => "PID",
            Self::Port => "PORT",
            Self::Cpu => "CPU",
            Self::Mem => "MEM",
            Self::Note => "NOTE",
        }
    }

    fn cell(self, process: &ProcessStatus) -> String {
        match self {
            Self::Name => clean(&process.name),
            Self::State => process.state.to_string(),
            Self::For => human_duration(Duration::from_millis(process.for_ms)),
            Self::Runs => process.runs.to_string(),
            Self::Pid if process.pid == 0 => String::new(),
            Self::Pid => process.pid.to_string(),
            Self::Port => process.ports.iter().map(|port| port.port.to_string()).collect::<Vec<_>>().join(","),
            Self::Cpu => process.cpu_percent.map(|percent| format!("{percent:.0}%")).unwrap_or_default(),
            Self::Mem => process.memory.map(human_size).unwrap_or_default(),
            Self::Note => clean(&process.note),
        }
    }

    /// Whether the column is left out when all its cells are empty.
    fn may_be_absent(self) -> bool {
        matches!(self, Self::Port | Self::Cpu | Self::Mem)
    }
}

/// A column that is shown: its cells and its width.
struct Shown {
    column: Column,
    cells: Vec<String>,
    width: usize,
}

/// The header line, the table of these processes in this order, and the project's notes.
pub fn render(status: &ProjectStatus, processes: &[&ProcessStatus], look: &Look) -> String {
    let mut text = header(status, look);
    text.push_str("\n\n");
    text.push_str(&rows(processes, look));
    if !status.notes.is_empty() {
        text.push('\n');
    }
    for note in &status.notes {
        text.push_str(look.mark(Word::Unhealthy));
        text.push(' ');
        text.push_str(&clean(note));
        text.push('\n');
    }
    text
}

/// `shop  ~/src/shop-fix-ui  up 4m12s  run.toml   3 ready  1 failed  1 done`
pub fn header(status: &ProjectStatus, look: &Look) -> String {
    let up = human_duration(Duration::from_millis(status.up_ms));
    let up = if status.state == "stopping" { format!("stopping, up {up}") } else { format!("up {up}") };
    let files = clean(&status.files.join(", "));
    let facts = [look.path(&status.root), up, files].into_iter().filter(|fact| !fact.is_empty());
    let facts = facts.fold(String::new(), |line, fact| line + "  " + &fact);
    let name = clean(&status.project);
    let counts = counts(&status.processes);
    let plain: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let needed = width(&name) + width(&facts) + 3 + width(&plain.join("  "));
    let between = if look.width.is_some_and(|columns| needed > columns) { "\n" } else { "   " };
    let painted: Vec<String> =
        counts.iter().zip(&plain).map(|((word, _), text)| look.theme.word(*word, text)).collect();
    format!("{}{facts}{between}{}", look.theme.paint(Ink::Strong, &name), painted.join("  ")).trim_end().to_owned()
}

/// How many processes are in each state; states without any are left out.
pub fn counts(processes: &[ProcessStatus]) -> Vec<(Word, usize)> {
    COUNTED
        .into_iter()
        .map(|word| (word, processes.iter().filter(|process| process.state == word).count()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The title row and one row for each process.
fn rows(processes: &[&ProcessStatus], look: &Look) -> String {
    let columns = fitting(processes, look.width);
    let note_room = look.width.map(|room| {
        let others = columns.iter().filter(|shown| shown.column != Column::Note);
        room.saturating_sub(others.map(|shown| shown.width + GAP).sum()).max(1)
    });
    let titles: Vec<String> = columns.iter().map(|shown| pad(shown.column.title(), shown.width)).collect();
    let mut text = look.theme.paint(Ink::Quiet, titles.join("  ").trim_end());
    text.push('\n');
    for (row, process) in processes.iter().enumerate() {
        let cells: Vec<String> =
            columns.iter().map(|shown| paint(shown, &shown.cells[row], process, note_room, look)).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The columns that fit. What was measured nowhere is not shown at all.
fn fitting(processes: &[&ProcessStatus], room: Option<usize>) -> Vec<Shown> {
    let mut columns: Vec<Shown> = COLUMNS
        .into_iter()
        .map(|column| {
            let cells: Vec<String> = processes.iter().map(|process| column.cell(process)).collect();
            let width = cells.iter().map(|cell| width(cell)).fold(width(column.title()), usize::max);
            Shown { column, cells, width }
        })
        .filter(|shown| !(shown.column.may_be_absent() && shown.cells.iter().all(String::is_empty)))
        .collect();
    for drop in DROPS {
        if room.is_none_or(|room| needed(&columns) <= room) {
            break;
        }
        columns.retain(|shown| shown.column != drop);
    }
    columns
}

/// The width that columns need at least.
fn needed(columns: &[Shown]) -> usize {
    let least = |shown: &Shown| match shown.column {
        Column::Note => shown.width.min(NOTE_LEAST),
        _ => shown.width + GAP,
    };
    columns.iter().map(least).sum()
}

fn paint(shown: &Shown, cell: &str, process: &ProcessStatus, note_room: Option<usize>, look: &Look) -> String {
    let blanks = " ".repeat(shown.width.saturating_sub(width(cell)));
    match shown.column {
        Column::State => look.theme.word(process.state, cell) + &blanks,
        Column::Runs if process.unasked_runs > 0 => look.theme.paint(Ink::Bad, cell) + &blanks,
        Column::Note => note_room.map_or_else(|| cell.to_owned(), |room| cut_end(cell, room, look.theme.signs().cut)),
        Column::Name | Column::For | Column::Runs | Column::Pid | Column::Port | Column::Cpu | Column::Mem => {
            cell.to_owned() + &blanks
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;
    use crate::ui::theme::Theme;

    fn table(look: &Look) -> String {
        let status = sample::shop();
        render(&status, &status.processes.iter().collect::<Vec<_>>(), look)
    }

    fn wide() -> Look {
        Look { home: Some("/home/ann".into()), ..Look::plain() }
    }

    #[test]
    fn the_table_reads_like_the_sketch() {
        assert_eq!(
            table(&wide()),
            "\
shop  ~/src/shop-fix-ui  up 4m12s  run.toml   3 ready  1 failed  1 done

NAME     STATE   FOR    RUNS  PID   PORT  CPU  MEM   NOTE
db       ready   4m10s  1     4102  5433  0%   41M
migrate  done    4m08s  1                            exit 0 in 0.9s
api      ready   1m02s  2     4188  3101  1%   88M   restarted: config change
web      ready   4m06s  1     4121  3102  0%   130M  http://127.0.0.1:3102
worker   failed  3m58s  4                            exit 1: queue refused: bad credentials
"
        );
    }

    #[test]
    fn columns_drop_from_the_right_when_it_is_narrow() {
        let titles = |columns: usize| {
            let text = table(&Look { width: Some(columns), ..wide() });
            text.lines().find(|line| line.starts_with("NAME")).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(titles(120), "NAME STATE FOR RUNS PID PORT CPU MEM NOTE");
        assert_eq!(titles(75), "NAME STATE FOR RUNS PID PORT CPU NOTE");
        assert_eq!(titles(70), "NAME STATE FOR RUNS PID PORT NOTE");
        assert_eq!(titles(65), "NAME STATE FOR RUNS PID NOTE");
        assert_eq!(titles(58), "NAME STATE FOR RUNS NOTE");
        assert_eq!(titles(50), "NAME STATE RUNS NOTE");
        assert_eq!(titles(20), "NAME STATE NOTE");
    }

    #[test]
    fn no_row_is_wider_than_the_terminal() {
        for columns in 40..140 {
            let text = table(&Look { width: Some(columns), ..wide() });
            for line in text.lines().skip_while(|line| !line.starts_with("NAME")) {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn a_narrow_header_puts_the_counts_on_a_line_of_their_own() {
        let text = table(&Look { width: Some(50), ..wide() });
        assert!(
            text.starts_with("shop  ~/src/shop-fix-ui  up 4m12s  run.toml\n3 ready  1 failed  1 done\n\n"),
            "{text}"
        );
    }

    #[test]
    fn runs_that_nobody_asked_for_and_failures_are_red() {
        let text = table(&Look { theme: Theme { colour: true, ascii: true }, ..wide() });
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(row("worker").contains("\x1b[31;1mfailed\x1b[0m"), "{:?}", row("worker"));
        assert!(row("worker").contains("\x1b[31;1m4\x1b[0m"), "{:?}", row("worker"));
        assert!(!row("api").contains("\x1b[31;1m"), "a restart that was asked for is no alarm: {:?}", row("api"));
    }

    #[test]
    fn what_was_measured_nowhere_has_no_column() {
        let mut status = sample::shop();
        for process in &mut status.processes {
            (process.cpu_percent, process.memory, process.ports) = (None, None, Vec::new());
        }
        let text = render(&status, &status.processes.iter().collect::<Vec<_>>(), &wide());
        assert!(text.contains("NAME     STATE   FOR    RUNS  PID   NOTE\n"), "{text}");
    }

    #[test]
    fn notes_of_the_project_stand_below_and_cannot_forge_rows() {
        let mut status = sample::shop();
        status.notes.push("api: port 3101 was taken\nweb  ready".into());
        let text = render(&status, &[], &wide());
        assert!(text.ends_with("\n! api: port 3101 was taken\\x0aweb  ready\n"), "{text}");
    }
}
