//! The tools that show output: `logs`, `search_logs`, `exec`.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::error::CommandError;
use crate::cli::exec;
use crate::cli::logs::{self, Sought};
use crate::cli::mcp::command::{self, Caught, End};
use crate::cli::mcp::verbs::limit;
use crate::cli::project::{self, Kept, Standing};
use crate::cli::settings::Settings;
use crate::logs::kept::{Cursor, Lines, LogLine, Query};
use crate::logs::search::{Search, SearchError, search};
use crate::mcp::answer::{first_part, quoted};
use crate::mcp::{Answer, Arguments, Stop};
use crate::model::FoundLine;
use crate::model::status::SCHEMA;
use crate::model::units::round_duration;
use crate::ui::suspended;

/// Bytes of output when nobody says how many.
const BYTES: usize = 16 * 1024;

/// Lines when nobody says how many.
const LINES: usize = 100;

/// What the JSON of a reply has beside the output.
const REST: usize = 4 * 1024;

/// The longest line in bytes; what is behind is cut.
const LONGEST: usize = 4 * 1024;

/// A line, as data and for reading.
struct Shown {
    json: Value,
    whose: String,
    text: String,
    /// As JSON.
    size: usize,
}

impl Shown {
    /// Of this line, whose text stands in this field.
    fn of(line: &impl Serialize, whose: &str, field: &str) -> Self {
        let mut json = serde_json::to_value(line).unwrap_or_default();
        let (part, out) = first_part(json[field].as_str().unwrap_or_default(), LONGEST);
        let text = if out == 0 { part.to_owned() } else { format!("{part} [{out} more bytes of this line]") };
        json[field] = text.clone().into();
        let size = json.to_string().len() + 1;
        Self { json, whose: whose.to_owned(), text, size }
    }
}

/// Lines within a budget of bytes.
struct Page {
    lines: VecDeque<Shown>,
    size: usize,
    most: usize,
}

impl Page {
    fn of(arguments: &Arguments) -> Self {
        Self { lines: VecDeque::new(), size: 0, most: arguments.count("max_bytes").unwrap_or(BYTES) }
    }

    fn add(&mut self, line: Shown) {
        self.size += line.size;
        self.lines.push_back(line);
    }

    fn is_full(&self) -> bool {
        self.size >= self.most
    }

    /// Drops the oldest until the rest fits; whether there were any.
    fn drop_oldest(&mut self) -> bool {
        let before = self.lines.len();
        while self.size > self.most && self.lines.len() > 1 {
            self.size -= self.lines.pop_front().map_or(0, |line| line.size);
        }
        self.lines.len() < before
    }

    fn answer(self, mut json: Value, tail: &str) -> Answer {
        // One long line may be more than what was asked for, and nothing may be lost: the cursor has passed it.
        let limit = self.most + 4 * LONGEST + 2 * json.to_string().len();
        let text = quoted(self.lines.iter().map(|line| (line.whose.as_str(), line.text.as_str()))) + tail;
        json["lines"] = self.lines.into_iter().map(|line| line.json).collect();
        Answer { limit, ..Answer::new(&json, text).with_list("lines", "ask for fewer lines, or for more max_bytes") }
    }
}

/// The last lines, or those behind a cursor.
pub(super) fn logs(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let names = arguments.words("names");
    let Sought { kept, logs, wanted } = logs::seek(settings, &names)?;
    let cursor = arguments.text("cursor").map(str::parse::<Cursor>).transpose();
    let cursor =
        cursor.map_err(|error| CommandError::user(format!("cursor: {error}")).hint("leave it out to begin anew"))?;
    let since = arguments.text("since").map(logs::since).transpose()?;
    let goes_on = cursor.is_some() || since.is_some();
    let most = arguments.count("lines").unwrap_or(LINES);
    let query = Query {
        processes: if names.is_empty() { Vec::new() } else { logs::names_of(&wanted) },
        last: (!goes_on).then_some(most),
        since,
        run: arguments.count("run").and_then(|run| u32::try_from(run).ok()),
    };
    // Whoever is not asked about now may be asked about with the next cursor.
    let ends = logs.ends()?;
    let mut lines = match &cursor {
        Some(cursor) => logs.lines_from(query, cursor)?,
        None => logs.lines(query)?,
    };
    let (page, has_more) =
        if goes_on { next_page(&mut lines, arguments, most, stop) } else { last_page(&mut lines, arguments, stop) };
    let cursor = lines.cursor().or(cursor.unwrap_or_default()).or(ends).to_string();
    let tail = match (has_more, goes_on) {
        (true, true) => format!("there is more: logs with cursor {cursor:?}\n"),
        (true, false) => format!(
            "older lines are left out: ask for more max_bytes, for one program, or search_logs\ncursor {cursor:?} shows what comes\n"
        ),
        (false, _) => format!("cursor {cursor:?} shows what comes\n"),
    };
    let json = json!({ "schema": SCHEMA, "project": kept.name, "cursor": cursor, "has_more": has_more });
    Ok(page.answer(json, &(tail + &why_no_more(&kept))))
}

/// That nothing more comes than what is kept, where the project stands still.
fn why_no_more(kept: &Kept) -> String {
    match kept.standing {
        Standing::Suspended(pid) => suspended::sentence(&kept.name, pid) + "\n",
        Standing::Up | Standing::Down => String::new(),
    }
}

/// Lines from here on, oldest first, until there are enough; whether there are more.
fn next_page(lines: &mut Lines, arguments: &Arguments, most: usize, stop: &Stop) -> (Page, bool) {
    let mut page = Page::of(arguments);
    while page.lines.len() < most && !page.is_full() && !stop.flag().load(Ordering::Relaxed) {
        match lines.next() {
            Some(line) => page.add(shown(&line)),
            None => return (page, false),
        }
    }
    (page, true)
}

/// All of these lines, or the last of them that fit; whether some do not.
fn last_page(lines: &mut Lines, arguments: &Arguments, stop: &Stop) -> (Page, bool) {
    let mut page = Page::of(arguments);
    let mut has_more = false;
    while !stop.flag().load(Ordering::Relaxed)
        && let Some(line) = lines.next()
    {
        page.add(shown(&line));
        has_more |= page.drop_oldest();
    }
    (page, has_more)
}

fn shown(line: &LogLine) -> Shown {
    Shown::of(&logs::Json::of(line), &line.process, "line")
}

/// The last lines that match.
pub(super) fn search_logs(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let names = arguments.words("names");
    let Sought { kept, logs, wanted } = logs::seek(settings, &names)?;
    let wish = Search {
        processes: if names.is_empty() { Vec::new() } else { logs::names_of(&wanted) },
        pattern: arguments.text("pattern").unwrap_or_default().to_owned(),
        since: arguments.text("since").map(logs::since).transpose()?,
        limit: arguments.count("lines").unwrap_or(LINES),
    };
    let found = search(logs.directory(), &wish, stop.flag()).map_err(|error| match error {
        SearchError::Pattern(_) => CommandError::user(format!("pattern: {error}")).hint("(?i)error|panic"),
        SearchError::Io(error) => error.into(),
    })?;
    let mut page = Page::of(arguments);
    for line in &found.lines {
        page.add(Shown::of(&Found::of(line), &line.process, "text"));
    }
    let has_more = page.drop_oldest() || found.has_more;
    let tail = match (page.lines.is_empty(), has_more) {
        (true, _) => "nothing matches\n",
        (false, true) => {
            "older lines match, too: a narrower pattern, one program, more lines or max_bytes shows them\n"
        }
        (false, false) => "",
    };
    let json = json!({ "schema": SCHEMA, "project": kept.name, "has_more": has_more });
    Ok(page.answer(json, &(tail.to_owned() + &why_no_more(&kept))))
}

/// A line as the method `run.logs` gives it.
#[derive(Debug, Serialize)]
struct Found<'a> {
    process: &'a str,
    channel: &'static str,
    at: u64,
    run: u32,
    text: &'a str,
}

impl<'a> Found<'a> {
    fn of(line: &'a FoundLine) -> Self {
        Self { process: &line.process, channel: line.channel.as_str(), at: line.at.0, run: line.run, text: &line.text }
    }
}

/// One command in the project's environment.
pub(super) fn exec(settings: &Settings, arguments: &Arguments, stop: &Stop) -> Result<Answer, CommandError> {
    let args = exec::Args { program: arguments.text("as").map(str::to_owned), command: arguments.command("command") };
    // Without a project the reason is a better one than that of the command.
    project::config_files(settings)?;
    let most = arguments.count("max_bytes").unwrap_or(BYTES);
    let mut output = Caught::of(most);
    let limit = limit(arguments);
    let end = command::run(exec::prepare(settings, &args)?, limit, Some(&stop.wire()?), &mut output)
        .map_err(|error| exec::not_run(settings, &args, &error))?;
    let text = output.text();
    let code = end.code();
    let how = match end {
        End::Itself(_) => format!("exit code {code}"),
        End::TimedOut => format!("ended after {}: the time was over", round_duration(limit)),
        End::GivenUp => "ended: nobody waits for it any more".to_owned(),
    };
    let mut json = json!({
        "schema": SCHEMA, "exit_code": code, "timed_out": end == End::TimedOut, "output": text
    });
    let mut told = format!("{how}\n");
    if !text.is_empty() {
        told.push_str(&quoted(text.lines().map(|line| ("", line))));
    }
    if output.dropped() > 0 {
        let cut = format!("{} bytes in the middle: ask for more max_bytes, or write them to a file", output.dropped());
        let _ = writeln!(told, "cut: {cut}");
        json["cut"] = cut.into();
    }
    // Each line stands behind a mark, and JSON writes line ends as two signs.
    let limit = 4 * most + REST;
    let answer = Answer::new(&json, told).with_list("output", "ask for more max_bytes, or write it to a file");
    Ok(Answer { limit, ..answer }.failed_if(code != 0))
}
