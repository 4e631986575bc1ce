//! Fills the page of the log from what is kept, as it is needed.

use std::os::fd::{AsRawFd, RawFd};

use tokio::io::unix::AsyncFd;

use crate::logs::kept::{Book, KeptLogs, KeptNews, Place, Scan, Written};
use crate::ui::tui::log::LogPage;

/// The most lines that are read at once.
const PIECE: usize = 2000;

/// The most bytes that are looked at for them.
const LOOK: u64 = 4 << 20;

/// Whoever follows and is farther behind than this goes to the end at once, in bytes.
const FAR: u64 = 8 << 20;

/// See the module.
pub(super) struct Reader {
    logs: KeptLogs,
    book: Book,
    news: Option<AsyncFd<News>>,
    /// How far a search has come.
    scan: Option<Scan>,
    /// What could not be read, as it was told.
    told: Option<String>,
    /// There is something to read.
    pub(super) is_due: bool,
}

struct News(KeptNews);

impl AsRawFd for News {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Reader {
    /// Of these logs, none of which is open before [`Reader::turn_to`]. Must be called inside a runtime.
    pub(super) fn of(logs: KeptLogs) -> Self {
        Self { news: listen(&logs), book: Book::closed(logs.clone()), logs, scan: None, told: None, is_due: true }
    }

    /// The logs.
    pub(super) fn logs(&self) -> &KeptLogs {
        &self.logs
    }

    /// The logs of others, from their ends on.
    pub(super) fn turn_to(&mut self, processes: Vec<String>, page: &mut LogPage, rows: usize) {
        self.book = Book::open(self.logs.clone(), processes);
        page.clear();
        self.read_end(page, rows);
        self.begin_search(page);
    }

    /// Whether news can be waited for; else the logs are to be looked at now and then.
    pub(super) fn hears(&self) -> bool {
        self.news.is_some()
    }

    /// Waits until something was written.
    pub(super) async fn written(&mut self) {
        let Some(news) = &self.news else { return std::future::pending().await };
        let Ok(mut ready) = news.readable().await else { return std::future::pending().await };
        let written = news.get_ref().0.take();
        ready.clear_ready();
        match written {
            Written::Nothing => {}
            Written::Lines => self.is_due = true,
            Written::OtherLogs => self.look_again(),
        }
    }

    /// There may be other logs than before.
    pub(super) fn look_again(&mut self) {
        if let Some(news) = &self.news {
            news.get_ref().0.watch();
        }
        self.book.look_again();
        self.is_due = true;
    }

    /// What cannot be read, unless that was told before.
    pub(super) fn new_trouble(&mut self) -> Option<String> {
        let trouble = self.book.trouble();
        if trouble == self.told.as_deref() {
            return None;
        }
        self.told = trouble.map(ToOwned::to_owned);
        self.told.clone()
    }

    /// Reads on at both ends, as far as the page wants; whether it has changed.
    pub(super) fn read_on(&mut self, page: &mut LogPage, rows: usize) -> bool {
        self.is_due = false;
        let mut has_changed = false;
        if page.takes_newer() {
            has_changed |= self.read_newer(page, rows);
        } else {
            page.is_at_end = false;
        }
        if page.needs_older(rows) {
            has_changed |= self.read_older(page);
            self.is_due |= page.needs_older(rows);
        }
        has_changed
    }

    fn read_newer(&mut self, page: &mut LogPage, rows: usize) -> bool {
        if page.follows() && !self.book.is_at_end() && self.book.bytes_behind() > FAR {
            self.book.go_to_end();
            page.clear();
            self.read_end(page, rows);
            return true;
        }
        let was_at_end = page.is_at_end;
        let entries = self.book.newer(PIECE, LOOK, &|line| page.wants(line));
        let has_come = !entries.is_empty();
        for entry in page.append(entries) {
            self.book.forget_first(&entry);
        }
        page.is_at_end = self.book.is_at_end();
        self.is_due |= !page.is_at_end;
        has_come || was_at_end != page.is_at_end
    }

    fn read_older(&mut self, page: &mut LogPage) -> bool {
        let entries = self.book.older(PIECE, LOOK, &|line| page.wants(line));
        let has_come = !entries.is_empty();
        for entry in page.prepend(entries) {
            self.book.forget_last(&entry);
        }
        page.is_at_begin = self.book.is_at_begin();
        has_come
    }

    fn read_end(&mut self, page: &mut LogPage, rows: usize) {
        let entries = self.book.older(rows.saturating_mul(3).max(200), LOOK, &|line| page.wants(line));
        page.prepend(entries);
        (page.is_at_begin, page.is_at_end) = (self.book.is_at_begin(), true);
        self.is_due = true;
    }

    /// Shows the beginning of everything.
    pub(super) fn go_to_begin(&mut self, page: &mut LogPage) {
        self.book.go_to_begin();
        self.refill(page);
        page.show_first();
    }

    /// Shows what is around a line.
    pub(super) fn go_to(&mut self, place: Place, page: &mut LogPage, room: crate::ui::tui::log::Room) {
        if page.show(place, room) {
            return;
        }
        self.book.go_to(place);
        self.refill(page);
        // From there to above it.
        page.show_first();
        self.read_older(page);
        if !page.show(place, room) {
            page.show_first();
        }
    }

    fn refill(&mut self, page: &mut LogPage) {
        page.clear();
        let entries = self.book.newer(PIECE, LOOK, &|line| page.wants(line));
        page.append(entries);
        page.is_at_end = self.book.is_at_end();
        page.is_at_begin = self.book.is_at_begin();
        self.is_due = true;
    }

    /// The beginning of the run before what is seen, or of the next one behind it.
    pub(super) fn run_from(&mut self, seen: Option<Place>, forward: bool) -> Option<Place> {
        let runs = self.book.runs();
        let seen = seen?;
        let is_before = |run: &&Place| (run.at, run.track, run.offset) < (seen.at, seen.track, seen.offset);
        if forward {
            runs.iter().find(|run| !is_before(run) && **run != seen).copied()
        } else {
            runs.iter().rev().find(is_before).copied()
        }
    }

    /// Looks for what the page looks for, from the beginning.
    pub(super) fn begin_search(&mut self, page: &mut LogPage) {
        self.scan = page.search.as_mut().map(|search| {
            (search.is_looking, search.current) = (true, None);
            search.hits.clear();
            search.is_cut = false;
            Scan::default()
        });
    }

    /// Whether it is looking.
    pub(super) fn is_searching(&self) -> bool {
        self.scan.is_some()
    }

    /// Looks at the next piece; whether that was the last one.
    pub(super) fn search_on(&mut self, page: &mut LogPage) -> bool {
        let Some(scan) = &mut self.scan else { return false };
        let goes_on = page.search.is_some() && self.book.scan(scan, &mut |entry| page.note_hit(entry));
        if !goes_on {
            self.scan = None;
            if let Some(search) = &mut page.search {
                search.is_looking = false;
                search.settle();
            }
        }
        !goes_on
    }
}

/// Registers the news of these logs with the runtime.
#[expect(
    deprecated,
    reason = "its successor is unsafe; what it asks for holds: the news own their descriptor until they are dropped"
)]
fn listen(logs: &KeptLogs) -> Option<AsyncFd<News>> {
    AsyncFd::new(News(KeptNews::new(logs)?)).ok()
}
