//! `run logs`: output from the project's kept log, also after it went down.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;
use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print_bytes, print_json_line, say};
use crate::cli::project::{self, Kept, Standing};
use crate::cli::select::{process_name, unknown_name};
use crate::cli::settings::{Settings, Verbosity};
use crate::cli::{args, complete};
use crate::codec::ansi;
use crate::logs::Channel;
use crate::logs::kept::{Cursor, KeptLogs, Lines, LogLine, Query};
use crate::logs::zone;
use crate::model::status::SCHEMA;
use crate::model::{WallTime, units};
use crate::registry::Places;
use crate::ui::logs::{Renderer, Speaker, Stamp};
use crate::ui::suspended;

/// Show output from the project's log, also after it went down.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs; without any: all.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// Go on with what is written from now on, until the project is down.
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines of each program.
    #[arg(short = 'n', long = "lines", value_name = "N", value_parser = args::line_count)]
    pub last: Option<usize>,
    /// Only what was written since: 10m ago, at 10:42 today, at "2026-11-22 10:42", or behind the cursor of --max-bytes.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// End behind the line that reaches so many bytes, and tell the cursor with which --since goes on; as the last line of --json.
    #[arg(long, value_name = "N", conflicts_with = "follow", value_parser = args::byte_count)]
    pub max_bytes: Option<usize>,
    /// Only this run since the last `up`, from 1.
    #[arg(long, value_name = "K", value_parser = args::run_number)]
    pub run: Option<u32>,
    /// Time before every line; -tt with the date.
    #[arg(short = 't', long, action = clap::ArgAction::Count)]
    pub timestamps: u8,
    /// One JSON object for each line, with a schema number.
    #[arg(long)]
    pub json: bool,
    // Takes the place of the global `-f`, which means --follow here.
    #[doc = "Use this config file; several are merged in order."]
    #[arg(id = "files", long = "file", value_name = "FILE", help_heading = "Global options")]
    pub files: Vec<PathBuf>,
}

/// How much is collected before it is written.
const BATCH: usize = 64 * 1024;

/// How often it is looked whether a followed project is still up.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Shows it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let sought = seek(settings, &args.names)?;
    let name = sought.kept.name.clone();
    let code = run_beside(settings, args, sought, LOOK_EVERY, &mut || Ok(Turn::GoOn))?;
    if args.follow {
        tell(settings, &format!("{name} is down; {} starts it", settings.address.line("up")));
    }
    Ok(code)
}

/// What is to be done after a look at a followed log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Follow it further.
    GoOn,
    /// End here.
    Leave,
    /// Nobody saw the screen for a while: go on with the last lines of each that were written since this time.
    Anew(WallTime),
}

/// So many of the last lines of each are shown after such a while.
const AFTER_A_WHILE: usize = 200;

/// Shows what was sought; while it is followed, `between` is asked this often whether to go on.
pub fn run_beside(
    settings: &Settings,
    args: &Args,
    sought: Sought,
    every: Duration,
    between: &mut dyn FnMut() -> Result<Turn, CommandError>,
) -> Result<ExitCode, CommandError> {
    let (since, cursor) = args.since.as_deref().map_or(Ok((None, None)), begin)?;
    let Sought { kept, logs, wanted } = sought;
    let query = Query {
        processes: if args.names.is_empty() { Vec::new() } else { names_of(&wanted) },
        last: args.last,
        since,
        run: args.run,
    };
    let mut writer = Writer::new(settings, args, wanted);
    if args.max_bytes.is_some() || (cursor.is_some() && !args.follow) {
        let page = show_page(&logs, query, cursor.unwrap_or_default(), args.max_bytes, &mut writer)?;
        writer.end()?;
        tell_if_suspended(settings, &kept);
        page.tell(settings, args)?;
        return Ok(ExitCode::Fine);
    }
    let mut lines = match &cursor {
        Some(cursor) => logs.lines_from(query.clone(), cursor)?,
        None => logs.lines(query.clone())?,
    };
    for line in lines.by_ref() {
        writer.write(&line)?;
    }
    if !args.json {
        writer.flush()?;
        kept.notes.iter().for_each(|note| tell(settings, &format!("! {note}")));
    }
    if args.follow {
        writer.flush()?;
        if kept.standing == Standing::Down {
            let (name, up) = (&kept.name, settings.address.line("up"));
            tell(
                settings,
                &format!("{name} is down; {up} starts it, and what it writes then comes here (Ctrl-C leaves)"),
            );
        }
        tell_if_suspended(settings, &kept);
        follow(settings, &kept, lines, &mut writer, every, between, |since| {
            logs.lines(Query { last: Some(AFTER_A_WHILE), since: Some(since), ..query.clone() })
        })?;
        return writer.end().map(|()| ExitCode::Fine);
    }
    if writer.is_silent() && kept.notes.is_empty() && !args.json {
        tell(settings, &nothing(&kept.name, args));
    }
    writer.end()?;
    tell_if_suspended(settings, &kept);
    Ok(ExitCode::Fine)
}

/// A line of ours, unless nothing is to be said.
fn tell(settings: &Settings, line: &str) {
    if settings.verbosity > Verbosity::Quiet {
        say(&format!("{line}\n"));
    }
}

/// Why nothing more comes than what is kept, where the project stands still.
fn tell_if_suspended(settings: &Settings, kept: &Kept) {
    if let Standing::Suspended(pid) = kept.standing {
        tell(settings, &suspended::sentence(&kept.name, pid));
    }
}

/// A project's kept logs, and whose of them are meant.
#[derive(Debug)]
pub struct Sought {
    /// The project.
    pub kept: Kept,
    /// Its logs.
    pub logs: KeptLogs,
    /// Those whom the words mean.
    pub wanted: Vec<Speaker>,
}

/// Finds the logs of the project here, up or not, and those whom the words mean: all without a word.
pub fn seek(settings: &Settings, names: &[String]) -> Result<Sought, CommandError> {
    let kept = project::kept(settings)?;
    let Some(directory) = kept.places.logs() else {
        return Err(CommandError::project(format!("{} keeps no logs: there is no state directory", kept.name)));
    };
    let logs = KeptLogs::open(directory);
    let speakers = speakers(&kept, &logs.processes()?);
    let wanted = wanted(&speakers, names, &kept.name)?;
    Ok(Sought { kept, logs, wanted })
}

/// How far was read.
#[derive(Debug, Serialize)]
struct Page {
    schema: u32,
    cursor: String,
    has_more: bool,
}

/// Shows what is behind the cursor, up to the line that reaches so many bytes.
fn show_page(
    logs: &KeptLogs,
    query: Query,
    from: Cursor,
    most: Option<usize>,
    writer: &mut Writer,
) -> Result<Page, CommandError> {
    // Whoever is not asked about now may be asked about with the next cursor.
    let ends = logs.ends()?;
    let mut lines = if from == Cursor::default() { logs.lines(query)? } else { logs.lines_from(query, &from)? };
    let mut left = most.unwrap_or(usize::MAX);
    while left > 0
        && let Some(line) = lines.next()
    {
        left = left.saturating_sub(line.bytes.len() + 1);
        writer.write(&line)?;
    }
    let cursor = lines.cursor().or(from).or(ends).to_string();
    Ok(Page { schema: SCHEMA, cursor, has_more: left == 0 && lines.next().is_some() })
}

impl Page {
    /// Tells how to go on.
    fn tell(&self, settings: &Settings, args: &Args) -> Result<(), CommandError> {
        if args.json {
            return print_json_line(self);
        }
        if settings.verbosity > Verbosity::Quiet {
            let what = if self.has_more { "there is more" } else { "that is all; what comes" };
            say(&format!("{what}: {}\n", settings.address.line(&self.next(args))));
        }
        Ok(())
    }

    /// The same question, from here on.
    fn next(&self, args: &Args) -> String {
        let mut words = vec!["logs".to_owned(), "--since".to_owned(), self.cursor.clone()];
        let numbers = [
            ("--max-bytes", args.max_bytes.map(|most| most.to_string())),
            ("--run", args.run.map(|run| run.to_string())),
        ];
        words.extend(numbers.into_iter().filter_map(|(option, number)| Some([option.to_owned(), number?])).flatten());
        words.extend((args.timestamps > 0).then(|| format!("-{}", "t".repeat(args.timestamps.into()))));
        words.extend(args.names.iter().cloned());
        shell_words::join(words)
    }
}

/// That the log has nothing of what was asked for.
fn nothing(project: &str, args: &Args) -> String {
    let whose = if args.names.is_empty() { project.to_owned() } else { args.names.join(", ") };
    let run = args.run.map(|run| format!(" in run {run} since the last `up`")).unwrap_or_default();
    let since = args.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
    format!("no output of {whose}{run}{since}")
}

/// Goes on until the project that was up is down; of one that was not up, until Ctrl-C.
fn follow(
    settings: &Settings,
    kept: &Kept,
    lines: Lines,
    writer: &mut Writer,
    every: Duration,
    between: &mut dyn FnMut() -> Result<Turn, CommandError>,
    since: impl Fn(WallTime) -> io::Result<Lines>,
) -> Result<(), CommandError> {
    let mut follow = lines.follow();
    let mut standing = kept.standing;
    loop {
        let new = follow.wait(every);
        for line in &new {
            writer.write(line)?;
        }
        writer.flush()?;
        match between()? {
            Turn::GoOn => {}
            Turn::Leave => return Ok(()),
            Turn::Anew(at) => {
                let mut lines = since(at)?;
                for line in lines.by_ref() {
                    writer.write(&line)?;
                }
                follow = lines.follow();
            }
        }
        let now = match standing {
            // Who has written something was up, even where it is down again before it is looked at.
            Standing::Up | Standing::Down if !new.is_empty() => Standing::Up,
            Standing::Up | Standing::Down | Standing::Suspended(_) => kept.standing_now(),
        };
        match (standing, now) {
            (Standing::Up | Standing::Suspended(_), Standing::Down) => return Ok(()),
            (Standing::Up | Standing::Down, Standing::Suspended(pid)) => {
                tell(settings, &suspended::sentence(&kept.name, pid));
            }
            (Standing::Suspended(_), Standing::Up) => tell(settings, &format!("{} goes on", kept.name)),
            (Standing::Up | Standing::Down, Standing::Up)
            | (Standing::Down, Standing::Down)
            | (Standing::Suspended(_), Standing::Suspended(_)) => {}
        }
        standing = now;
    }
}

/// The last lines of a run, without controls and colours; none where there is no log.
pub fn last_lines(places: &Places, name: &str, run: u32, count: usize) -> Vec<String> {
    let query = Query { processes: vec![name.to_owned()], last: Some(count), since: None, run: Some(run) };
    let lines = places.logs().and_then(|directory| KeptLogs::open(directory).lines(query).ok());
    lines.into_iter().flatten().map(|line| ansi::to_text(&line.bytes)).collect()
}

/// Everybody who may have said something: the project's processes in their order, then those that are in its log alone.
fn speakers(kept: &Kept, logged: &[String]) -> Vec<Speaker> {
    let mut speakers: Vec<Speaker> = kept.processes.iter().map(|(name, place)| speaker(name, *place)).collect();
    for name in logged {
        if !speakers.iter().any(|speaker| &speaker.name == name) {
            let place = speakers.iter().map(|speaker| speaker.place + 1).max().unwrap_or(0);
            speakers.push(speaker(name, place));
        }
    }
    speakers
}

fn speaker(name: &str, place: usize) -> Speaker {
    Speaker { name: name.to_owned(), label: process_name(name).process, place }
}

/// Those whom the words mean; all without a word.
fn wanted(speakers: &[Speaker], words: &[String], project: &str) -> Result<Vec<Speaker>, CommandError> {
    let is_meant = |speaker: &Speaker, word: &String| process_name(&speaker.name).matches(word);
    if let Some(word) = words.iter().find(|word| !speakers.iter().any(|speaker| is_meant(speaker, word))) {
        return Err(unknown_name(word, project, &names_of(speakers)));
    }
    let chosen = speakers.iter().filter(|speaker| words.is_empty() || words.iter().any(|word| is_meant(speaker, word)));
    Ok(chosen.cloned().collect())
}

/// Their names.
pub fn names_of(speakers: &[Speaker]) -> Vec<String> {
    speakers.iter().map(|speaker| speaker.name.clone()).collect()
}

/// Where reading begins: at a moment, or behind a cursor.
fn begin(text: &str) -> Result<(Option<WallTime>, Option<Cursor>), CommandError> {
    match text.parse::<Cursor>() {
        Ok(cursor) if !text.is_empty() => Ok((None, Some(cursor))),
        Ok(_) | Err(_) => Ok((Some(since(text)?), None)),
    }
}

/// A moment: so long ago, a time of today, a date and time, or RFC 3339.
pub fn since(text: &str) -> Result<WallTime, CommandError> {
    let now = Zoned::now();
    since_at(text, &now).ok_or_else(|| {
        CommandError::user(format!("--since: `{text}` is no time"))
            .hint("--since 10m   --since 10:42   --since \"2026-11-22 10:42\"   --since 2026-11-22T10:42:00Z")
    })
}

fn since_at(text: &str, now: &Zoned) -> Option<WallTime> {
    let zone = now.time_zone();
    let millis = if let Some(ago) = units::parse_duration(text.strip_suffix(" ago").unwrap_or(text)) {
        now.timestamp().as_millisecond().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))
    } else if let Ok(at) = text.parse::<Timestamp>() {
        at.as_millisecond()
    } else if let Ok(at) = text.parse::<civil::DateTime>() {
        at.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()
    } else {
        let time = text.parse::<civil::Time>().ok()?;
        now.date().to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()
    };
    Some(WallTime(u64::try_from(millis).unwrap_or(0)))
}

/// What `--json` prints for each line.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    schema: u32,
    process: &'a str,
    stream: &'static str,
    at: u64,
    up: u32,
    run: u32,
    line: String,
    finished: bool,
}

impl<'a> Json<'a> {
    /// Of this line.
    pub fn of(line: &'a LogLine) -> Self {
        Self {
            schema: SCHEMA,
            process: &line.process,
            stream: match line.channel {
                Channel::Stdout => "stdout",
                Channel::Stderr => "stderr",
            },
            at: line.at.0,
            up: line.up,
            run: line.run,
            line: ansi::to_text(&line.bytes),
            finished: line.is_finished,
        }
    }
}

/// Our stdout: rendered lines in batches, or JSON.
struct Writer {
    renderer: Renderer,
    as_json: bool,
    /// Something was written.
    has_spoken: bool,
    buffer: Vec<u8>,
}

impl Writer {
    fn new(settings: &Settings, args: &Args, speakers: Vec<Speaker>) -> Self {
        let stamp = match args.timestamps {
            0 => Stamp::None,
            1 => Stamp::Clock,
            _ => Stamp::Date,
        };
        // Finding the zone takes longer than everything else here.
        let zone = if stamp == Stamp::None { TimeZone::UTC } else { zone::local() };
        let renderer = Renderer::new(settings.out.theme(), settings.out.is_terminal, stamp, zone, speakers);
        Self { renderer, as_json: args.json, has_spoken: false, buffer: Vec::new() }
    }

    fn is_silent(&self) -> bool {
        !self.has_spoken
    }

    fn write(&mut self, line: &LogLine) -> Result<(), CommandError> {
        self.has_spoken = true;
        if self.as_json {
            return print_json_line(&Json::of(line));
        }
        self.renderer.line(line, &mut self.buffer);
        if self.buffer.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        let result = print_bytes(&self.buffer);
        self.buffer.clear();
        result
    }

    fn end(mut self) -> Result<(), CommandError> {
        self.renderer.finish(&mut self.buffer);
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_reads_durations_times_and_dates() {
        let now: Zoned = "2026-11-22T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let at = |text: &str| since_at(text, &now).map(|at| at.0);
        let eleven = u64::try_from("2026-11-22T11:00:00Z".parse::<Timestamp>().unwrap().as_millisecond()).unwrap();
        assert_eq!(at("10m"), Some(eleven - 600_000));
        assert_eq!(at("10m ago"), at("10m"));
        assert_eq!(at("30"), Some(eleven - 30_000));
        assert_eq!(at("11:30"), Some(eleven - 30 * 60_000));
        assert_eq!(at("2026-11-22 11:59:59"), Some(eleven - 1000));
        assert_eq!(at("2026-11-22T10:59:00Z"), Some(eleven - 60_000));
        assert_eq!(at("yesterday"), None);
        assert_eq!(at("11:30 ago"), None);
        assert_eq!(at("99999999d"), Some(0));
    }

    #[test]
    fn the_next_page_is_asked_for_with_the_same_words() {
        let page = Page { schema: SCHEMA, cursor: "web:1:20".into(), has_more: true };
        assert_eq!(page.next(&Args::default()), "logs --since web:1:20");
        let names = vec!["web".to_owned(), "worker:*".to_owned()];
        let args = Args { names, max_bytes: Some(4096), run: Some(2), timestamps: 2, ..Args::default() };
        assert_eq!(page.next(&args), "logs --since web:1:20 --max-bytes 4096 --run 2 -tt web 'worker:*'");
    }

    #[test]
    fn names_mean_processes_and_a_wrong_one_is_an_error() {
        let kept = [("web", 0), ("mail:mail_0", 1), ("mail:mail_1", 1)];
        let speakers: Vec<Speaker> = kept.iter().map(|(name, place)| speaker(name, *place)).collect();
        let chosen = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            wanted(&speakers, &words, "shop").map(|speakers| names_of(&speakers))
        };
        assert_eq!(chosen(&["mail"]).unwrap(), ["mail:mail_0", "mail:mail_1"]);
        assert_eq!(chosen(&[]).unwrap().len(), 3);
        assert_eq!(chosen(&["wbe"]).unwrap_err().message, "shop has no program or group `wbe`");
        assert_eq!(speakers[1].label, "mail_0");
    }
}
