//! Follows a log, byte for byte: its last bytes, then what is written from now on, through rotation and clearing. What `/logtail`
//! sends.
//!
//! The kernel says when there is something (inotify), and files are read on a thread for blocking work. Nothing is read ahead: who
//! does not take bytes holds up nobody and costs one piece of memory.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

use crate::logs::kept::{segment_file, segment_starts};
use crate::logs::os::{FileNews, WatchedFile};
use crate::logs::place::LogPlace;

/// What is said when bytes that were not sent yet are gone (supervisor `http.py` `tail_f_producer`).
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// How much is sent at once.
const PIECE: usize = 64 * 1024;

/// How often it is looked where the kernel has no watch left for us.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// See the module.
pub struct LogTail {
    /// `None` only while a piece is being read.
    cursor: Option<Cursor>,
    news: News,
    modified: SystemTime,
}

impl LogTail {
    /// Begins so many bytes before the end. `None`: there is no such log now.
    pub async fn open(place: LogPlace, last: u64) -> io::Result<Option<Self>> {
        // Watched first and looked at then, so that nothing falls in between.
        let news = News::of(&place);
        let opened = spawn_blocking(move || Cursor::open(&place, last)).await.map_err(io::Error::other)?;
        match opened {
            Ok((cursor, modified)) => Ok(Some(Self { cursor: Some(cursor), news, modified })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// When it was last written.
    pub fn modified(&self) -> SystemTime {
        self.modified
    }

    /// The next bytes; waits until there are some.
    pub async fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let Some(mut cursor) = self.cursor.take() else { return Err(ErrorKind::BrokenPipe.into()) };
            let read = spawn_blocking(move || (cursor.read(), cursor)).await;
            let (piece, cursor) = read.map_err(io::Error::other)?;
            let was_watched = self.news.keep_up(&cursor);
            self.cursor = Some(cursor);
            let piece = piece?;
            if !piece.is_empty() {
                return Ok(piece);
            }
            // What was written before the file was watched woke nobody: it is looked for once more.
            if was_watched {
                self.news.wait().await;
            }
        }
    }
}

/// A place in a log.
enum Cursor {
    File { path: PathBuf, file: File, at: u64 },
    Kept { directory: PathBuf, at: u64 },
}

impl Cursor {
    fn open(place: &LogPlace, last: u64) -> io::Result<(Self, SystemTime)> {
        match place {
            LogPlace::Nowhere | LogPlace::Device(_) => Err(ErrorKind::NotFound.into()),
            LogPlace::File(log) => {
                if !fs::metadata(&log.path)?.is_file() {
                    return Err(ErrorKind::NotFound.into());
                }
                let file = File::open(&log.path)?;
                let found = file.metadata()?;
                let at = found.len().saturating_sub(last);
                Ok((Self::File { path: log.path.clone(), file, at }, found.modified()?))
            }
            LogPlace::Kept(directory) => {
                let starts = segment_starts(directory)?;
                let (Some(begin), Some(latest)) = (starts.first(), starts.last()) else {
                    return Err(ErrorKind::NotFound.into());
                };
                let found = fs::metadata(segment_file(directory, *latest))?;
                let at = (latest + found.len()).saturating_sub(last).max(*begin);
                Ok((Self::Kept { directory: directory.clone(), at }, found.modified()?))
            }
        }
    }

    /// The next piece; empty when there is nothing now.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::File { path, file, at } => read_file(path, file, at),
            Self::Kept { directory, at } => read_kept(directory, at),
        }
    }
}

/// Reads on in a file, and goes over to the one that has taken its place once it is read.
fn read_file(path: &Path, file: &mut File, at: &mut u64) -> io::Result<Vec<u8>> {
    let found = file.metadata()?;
    if found.len() < *at {
        *at = 0;
        return Ok(TRUNCATED.to_vec());
    }
    let piece = piece(file, *at)?;
    *at += piece.len() as u64;
    if !piece.is_empty() {
        return Ok(piece);
    }
    match fs::metadata(path) {
        Ok(now) if (now.dev(), now.ino()) != (found.dev(), found.ino()) && now.is_file() => {
            (*file, *at) = (File::open(path)?, 0);
            read_file(path, file, at)
        }
        // It was removed: whoever writes it may begin another.
        Ok(_) | Err(_) => Ok(piece),
    }
}

fn read_kept(directory: &Path, at: &mut u64) -> io::Result<Vec<u8>> {
    loop {
        let starts = segment_starts(directory)?;
        let Some(index) = starts.iter().rposition(|start| *start <= *at) else {
            let Some(begin) = starts.first() else { return Ok(Vec::new()) };
            *at = *begin;
            return Ok(TRUNCATED.to_vec());
        };
        let piece = match File::open(segment_file(directory, starts[index])) {
            Ok(file) => piece(&file, *at - starts[index])?,
            // Removed just now: the next look at the directory tells.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        *at += piece.len() as u64;
        match starts.get(index + 1) {
            // The end of a piece is where the next one begins; one that ends earlier has lost something.
            Some(next) if piece.is_empty() && *at < *next => *at = *next,
            Some(_) | None => return Ok(piece),
        }
    }
}

fn piece(file: &File, at: u64) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE];
    let length = file.read_at(&mut piece, at)?;
    piece.truncate(length);
    piece.shrink_to_fit();
    Ok(piece)
}

/// Wakes when something has happened to a log. Without a watch it wakes now and then.
struct News {
    watch: Option<AsyncFd<FileNews>>,
    /// The file that is watched, and as whom.
    file: Option<(WatchedFile, (u64, u64))>,
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for what cannot go wrong here: the descriptor is owned and never changed"
)]
fn register(watch: FileNews) -> io::Result<AsyncFd<FileNews>> {
    AsyncFd::with_interest(watch, Interest::READABLE)
}

impl News {
    /// Watches the directory: of a file for another one at its place, of a kept log for everything.
    fn of(place: &LogPlace) -> Self {
        let watch = FileNews::new().and_then(|watch| {
            match place {
                LogPlace::Nowhere | LogPlace::Device(_) => {}
                LogPlace::Kept(directory) => watch.watch_writes(directory)?,
                LogPlace::File(log) => watch.watch_names(log.path.parent().unwrap_or(Path::new("/")))?,
            }
            Ok(watch)
        });
        Self { watch: watch.ok().and_then(|watch| register(watch).ok()), file: None }
    }

    /// Watches the file that the cursor is in. Whether it was watched before, or cannot be.
    fn keep_up(&mut self, cursor: &Cursor) -> bool {
        let (Cursor::File { path, file, .. }, Some(watch)) = (cursor, &self.watch) else { return true };
        let Ok(found) = file.metadata() else { return true };
        let identity = (found.dev(), found.ino());
        if self.file.is_some_and(|(_, known)| known == identity) {
            return true;
        }
        if let Some((old, _)) = self.file.take() {
            watch.get_ref().forget(old);
        }
        match watch.get_ref().watch_file(path) {
            Ok(Some(watched)) => self.file = Some((watched, identity)),
            // It was removed: what takes its place is seen in the directory.
            Ok(None) => return true,
            Err(_) => self.watch = None,
        }
        false
    }

    async fn wait(&mut self) {
        let Some(watch) = &self.watch else { return tokio::time::sleep(LOOK_AGAIN).await };
        let Ok(mut ready) = watch.readable().await else { return tokio::time::sleep(LOOK_AGAIN).await };
        watch.get_ref().forget_all();
        ready.clear_ready();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::logs::hub::{Channel, Keep};
    use crate::logs::kept::{Keeper, KeptWriter};
    use crate::model::{LogFile, WallTime};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn named(path: &Path) -> LogPlace {
        LogPlace::File(LogFile { path: path.to_owned(), maxbytes: 0, backups: 0 })
    }

    fn append(path: &Path, text: &str) {
        File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Reads until so much has come.
    async fn expect(tail: &mut LogTail, text: &str) {
        let mut all = Vec::new();
        while all.len() < text.len() {
            let next = tokio::time::timeout(PATIENCE, tail.next());
            all.extend(next.await.unwrap_or_else(|_| panic!("only {:?}", String::from_utf8_lossy(&all))).unwrap());
        }
        assert_eq!(String::from_utf8_lossy(&all), text);
    }

    #[tokio::test]
    async fn a_file_is_followed_through_rotation_removal_and_cutting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.log");
        append(&path, "one\ntwo\n");
        let mut tail = LogTail::open(named(&path), 4).await.unwrap().unwrap();
        expect(&mut tail, "two\n").await;
        append(&path, "three\n");
        expect(&mut tail, "three\n").await;
        append(&path, "last of the old\n");
        fs::rename(&path, directory.path().join("web.log.1")).unwrap();
        append(&path, "new\n");
        expect(&mut tail, "last of the old\nnew\n").await;
        fs::remove_file(&path).unwrap();
        append(&path, "newer\n");
        expect(&mut tail, "newer\n").await;
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        expect(&mut tail, "==> File truncated <==\n").await;
        append(&path, "again\n");
        expect(&mut tail, "again\n").await;
    }

    #[tokio::test]
    async fn a_kept_log_is_followed_over_its_pieces_and_through_clearing() {
        let directory = tempfile::tempdir().unwrap();
        let keep = Keep { directory: directory.path().into(), bytes: 20, segment_bytes: 10 };
        let mut log = Keeper::new(Some(keep)).open("web", Channel::Stdout).unwrap().unwrap();
        let write = |log: &mut KeptWriter, text: &str| {
            log.append(text.as_bytes(), WallTime(1), 1).unwrap();
        };
        write(&mut log, "0123456789");
        let place = LogPlace::Kept(directory.path().join("web/stdout"));
        let mut tail = LogTail::open(place, 3).await.unwrap().unwrap();
        expect(&mut tail, "789").await;
        write(&mut log, "abcdefghij");
        write(&mut log, "x");
        expect(&mut tail, "abcdefghijx").await;
        log.clear().unwrap();
        write(&mut log, "y");
        expect(&mut tail, "y").await;
        write(&mut log, "unread");
        log.clear().unwrap();
        write(&mut log, "z");
        let mut all = Vec::new();
        while !all.ends_with(b"z") {
            all.extend(tokio::time::timeout(PATIENCE, tail.next()).await.unwrap().unwrap());
        }
        assert_eq!(String::from_utf8_lossy(&all), "==> File truncated <==\nz");
    }

    #[tokio::test]
    async fn there_is_nothing_to_follow_where_there_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(LogTail::open(named(&directory.path().join("nope")), 9).await.unwrap().is_none());
        assert!(LogTail::open(named(directory.path()), 9).await.unwrap().is_none());
        assert!(LogTail::open(LogPlace::Nowhere, 9).await.unwrap().is_none());
        assert!(LogTail::open(LogPlace::Kept(directory.path().into()), 9).await.unwrap().is_none());
    }

    /// What it falls back to when inotify has no watch left.
    #[tokio::test]
    async fn without_a_watch_it_looks_now_and_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.log");
        append(&path, "");
        let mut tail = LogTail::open(named(&path), 4).await.unwrap().unwrap();
        tail.news.watch = None;
        let writer = tokio::spawn(async move { append(&path, "three\n") });
        expect(&mut tail, "three\n").await;
        writer.await.unwrap();
    }
}
