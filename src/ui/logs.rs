//! Lines of kept logs on our stdout: time, prefix in the program's colour, and the line made harmless. Pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::codec::ansi::{self, Style};
use crate::logs::Channel;
use crate::logs::kept::LogLine;
use crate::model::WallTime;
use crate::ui::text::{clean, width};
use crate::ui::theme::{Ink, Theme};

/// What stands before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// Nothing.
    None,
    /// `10:42:07.123`
    Clock,
    /// `2026-11-22 10:42:07.123`
    Date,
}

/// A process as its lines are introduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// Its namespec.
    pub name: String,
    /// What is written before its lines: its name within its group.
    pub label: String,
    /// The place of its program in the file, which gives the colour.
    pub place: usize,
}

/// Turns lines into bytes. A line that came in pieces is put together again where nothing came between.
#[derive(Debug)]
pub struct Renderer {
    theme: Theme,
    style: Style,
    stamp: Stamp,
    zone: TimeZone,
    speakers: Vec<Speaker>,
    columns: usize,
    /// Whose line is not finished yet.
    open: Option<(String, Channel)>,
}

impl Renderer {
    /// For these processes. The prefix is as wide as the longest label.
    pub fn new(theme: Theme, is_terminal: bool, stamp: Stamp, zone: TimeZone, speakers: Vec<Speaker>) -> Self {
        let columns = speakers.iter().map(|speaker| width(&theme.cut_name(&clean(&speaker.label)))).max().unwrap_or(0);
        let style = Style { is_terminal, colour: theme.colour };
        Self { theme, style, stamp, zone, speakers, columns, open: None }
    }

    /// Appends one line, or a piece of one.
    pub fn line(&mut self, line: &LogLine, out: &mut Vec<u8>) {
        let is_continued = self
            .open
            .as_ref()
            .is_some_and(|(name, channel)| name.as_str() == &*line.process && *channel == line.channel);
        if !is_continued {
            self.finish(out);
            out.extend_from_slice(self.stamp(line.at).as_bytes());
            out.extend_from_slice(self.prefix(&line.process).as_bytes());
        }
        ansi::render(&line.bytes, self.style, out);
        if line.is_finished {
            out.push(b'\n');
            self.open = None;
        } else {
            self.open = Some((line.process.to_string(), line.channel));
        }
    }

    /// Ends a line that was not finished.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            out.push(b'\n');
        }
    }

    /// A process that nobody introduced (it began after us) gets the next colour.
    fn prefix(&mut self, name: &str) -> String {
        let known = self.speakers.iter().position(|speaker| speaker.name == name);
        let index = known.unwrap_or_else(|| {
            let label = name.rsplit(':').next().unwrap_or(name).to_owned();
            let place = self.speakers.iter().map(|speaker| speaker.place + 1).max().unwrap_or(0);
            self.speakers.push(Speaker { name: name.to_owned(), label, place });
            self.speakers.len() - 1
        });
        let speaker = &self.speakers[index];
        self.theme.prefix(speaker.place, &clean(&speaker.label), self.columns)
    }

    fn stamp(&self, at: WallTime) -> String {
        let format = match self.stamp {
            Stamp::None => return String::new(),
            Stamp::Clock => "%H:%M:%S%.3f",
            Stamp::Date => "%Y-%m-%d %H:%M:%S%.3f",
        };
        let instant = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let text = instant.map(|at| at.to_zoned(self.zone.clone()).strftime(format).to_string()).unwrap_or_default();
        format!("{} ", self.theme.paint(Ink::Quiet, &text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker(name: &str, label: &str, place: usize) -> Speaker {
        Speaker { name: name.into(), label: label.into(), place }
    }

    fn line(process: &str, text: &str, is_finished: bool) -> LogLine {
        LogLine {
            process: process.into(),
            channel: Channel::Stdout,
            at: WallTime(38_527_123),
            up: 1,
            run: 1,
            bytes: text.as_bytes().to_vec(),
            is_finished,
        }
    }

    fn rendered(theme: Theme, is_terminal: bool, stamp: Stamp, lines: &[LogLine]) -> String {
        let speakers = vec![speaker("web", "web", 0), speaker("mail:mail_0", "mail_0", 1)];
        let mut renderer = Renderer::new(theme, is_terminal, stamp, TimeZone::UTC, speakers);
        let mut out = Vec::new();
        for line in lines {
            renderer.line(line, &mut out);
        }
        renderer.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    const PLAIN: Theme = Theme { colour: false, ascii: true };

    #[test]
    fn lines_have_aligned_prefixes() {
        let lines = [line("web", "GET /", true), line("mail:mail_0", "sent", true), line("late", "hello", true)];
        assert_eq!(rendered(PLAIN, false, Stamp::None, &lines), "web    | GET /\nmail_0 | sent\nlate   | hello\n");
    }

    #[test]
    fn a_line_in_pieces_is_one_line_unless_another_speaks_between() {
        let pieces = [line("web", "abc", false), line("web", "def", true)];
        assert_eq!(rendered(PLAIN, false, Stamp::None, &pieces), "web    | abcdef\n");
        let torn = [line("web", "abc", false), line("mail:mail_0", "sent", true), line("web", "def", false)];
        assert_eq!(rendered(PLAIN, false, Stamp::None, &torn), "web    | abc\nmail_0 | sent\nweb    | def\n");
    }

    #[test]
    fn times_stand_in_front_when_asked_for() {
        let lines = [line("web", "GET /", true)];
        assert_eq!(rendered(PLAIN, false, Stamp::Clock, &lines), "10:42:07.123 web    | GET /\n");
        assert_eq!(rendered(PLAIN, false, Stamp::Date, &lines), "1970-01-01 10:42:07.123 web    | GET /\n");
    }

    #[test]
    fn a_programs_colours_pass_to_a_terminal_and_not_to_a_pipe() {
        let lines = [line("web", "\x1b[31mred\x1b[0m", true)];
        let theme = Theme { colour: true, ascii: false };
        assert!(rendered(theme, true, Stamp::None, &lines).contains("\x1b[31mred\x1b[0m"));
        assert_eq!(rendered(PLAIN, false, Stamp::None, &lines), "web    | red\n");
    }

    #[test]
    fn no_program_can_forge_a_line_of_another() {
        let lines = [line("web", "x\rmail_0 | forged\x1b[2K\x08", true)];
        let text = rendered(PLAIN, false, Stamp::None, &lines);
        assert!(text.starts_with("web    | "), "{text:?}");
        assert!(!text.contains('\r') && text.matches('\n').count() == 1, "{text:?}");
    }
}
