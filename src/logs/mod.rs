//! The output thread, the kept logs and their readers. May use: model, codec.
//!
//! # Theory of operation
//!
//! One thread ([`hub::Hub::start`]) with one epoll loop owns everything that programs write to and everything their output goes
//! to: pipes and ptys, the kept logs, the log files that a user names, and the screen. Output never passes through the
//! supervisor's loop, so a flood or a stopped terminal cannot delay a signal or an answer.
//!
//! * A *source* is one open pipe or pty of one incarnation. A *track* is everything that one channel of one process ever
//!   says: its kept log, its place on the screen, the row that is not finished yet.
//! * A turn of the loop reads into one arena (quiet sources first, floods in turn), renders whole rows into the screen's buffer,
//!   writes that once, and then appends the same raw bytes to each kept log with one write.
//! * The screen is a cursor over the kept log. While its buffer has room the bytes go to it straight from the arena. While it has
//!   none, sources are read into the kept log alone and the track *lags*; when there is room again the track is caught up from
//!   the file. So nothing is lost and nothing grows.
//! * A pipe or file misses nothing: a source is left unread only when the kept log would have to drop what the screen has not had
//!   (or when there is no kept log). A terminal that takes nothing for a second skips, visibly.
//! * Readiness is edge-triggered and remembered, so leaving a source unread costs nothing, and a quiet project never wakes us.
//!
//! # Where it is
//!
//! * The thread: [`hub`] is its remote, `wake` and `orders` what it is told, `output` the loop, `turn` what moves bytes.
//! * What becomes of a program's bytes there: `source`, `track`, `slot`, `tap`, `view`; when it waits with them: `lag`, `flow`.
//! * The screen: `screen`, `sink`, `page`, `stamp`, and `own` for our own lines.
//! * Files: [`kept`] is ours; `copies`, `rotate`, `auto` and `syslog` are what a user asked for, `main_log` is supervisord's.
//! * Readers: `place` says where the output of a process is, [`read`], [`window`], `tail`, `log_tail` and [`search`] look there, and
//!   `desk` is what whoever serves them holds.

pub mod hub;
pub mod kept;
pub mod page;
pub mod read;
pub mod search;
pub mod window;
pub mod zone;

mod auto;
mod copies;
mod desk;
mod flow;
mod lag;
mod log_tail;
mod main_log;
mod orders;
mod os;
mod output;
mod own;
mod place;
mod rotate;
mod screen;
mod sink;
mod slot;
mod source;
mod stamp;
mod syslog;
mod tail;
mod tap;
mod track;
mod turn;
mod view;
mod wake;

pub use auto::AutoLogs;
pub use copies::{Cleared, Clearing};
pub use desk::LogDesk;
pub use hub::{
    Attach, Channel, CrashBox, Hub, HubError, Keep, Label, Matcher, Outlet, OutputConfig, OutputEvent, TailLines,
    Timestamps,
};
pub use log_tail::LogTail;
pub use main_log::{MainLog, MainLogSettings};
pub use place::{LogPlace, LogPlaces};
pub use tap::{Share, Tapping};
pub use view::{View, Views};
