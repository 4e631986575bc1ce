//! Orders and reports as bytes. Both ends are the same binary, so there is no version and nothing is optional.
//!
//! A frame is a length (four bytes, little-endian) and a body: one byte for the variant, then its fields in order. Descriptors
//! travel beside the bytes, in the order in which the body speaks of them.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use super::order::{Account, Key, Order, Report, SpawnOrder, Stdio, Step};
use crate::model::{Exit, Signal, Variables};
use crate::supervisor::action::Scope;

/// The bytes are not what the other end would have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message between the supervisor and its spawner")]
pub struct Malformed;

/// Writes a frame for an order; the descriptors go with its first byte.
pub fn encode_order(order: Order) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut frame = Writer::new();
    let mut fds = Vec::new();
    match order {
        Order::Spawn(order) => {
            frame.u8(1);
            frame.spawn(*order, &mut fds);
        }
        Order::Signal { key, signal, scope } => {
            frame.u8(2);
            frame.u64(key.0);
            frame.i32(signal.0);
            frame.u8(match scope {
                Scope::Leader => 0,
                Scope::Group => 1,
                Scope::Tree => 2,
            });
        }
        Order::SignalAll { signal } => {
            frame.u8(3);
            frame.i32(signal.0);
        }
        Order::Release { key } => {
            frame.u8(4);
            frame.u64(key.0);
        }
        Order::Shutdown { grace } => {
            frame.u8(5);
            frame.u64(u64::try_from(grace.as_millis()).unwrap_or(u64::MAX));
        }
    }
    (frame.finish(), fds)
}

/// Reads the body of an order's frame, taking its descriptors from the front of `fds`.
pub fn decode_order(body: &[u8], fds: &mut VecDeque<OwnedFd>) -> Result<Order, Malformed> {
    let mut body = Reader(body);
    Ok(match body.u8()? {
        1 => Order::Spawn(Box::new(body.spawn(fds)?)),
        2 => Order::Signal { key: body.key()?, signal: Signal(body.i32()?), scope: body.scope()? },
        3 => Order::SignalAll { signal: Signal(body.i32()?) },
        4 => Order::Release { key: body.key()? },
        5 => Order::Shutdown { grace: Duration::from_millis(body.u64()?) },
        _ => return Err(Malformed),
    })
}

/// Writes a frame for a report.
pub fn encode_report(report: &Report) -> Vec<u8> {
    let mut frame = Writer::new();
    match report {
        Report::Spawned { key, pid } => {
            frame.u8(1);
            frame.u64(key.0);
            frame.u32(*pid);
        }
        Report::SpawnFailed { key, step, errno } => {
            frame.u8(2);
            frame.u64(key.0);
            frame.u8(*step as u8);
            frame.i32(*errno);
        }
        Report::Exited { key, exit, survivors } => {
            frame.u8(3);
            frame.u64(key.0);
            frame.exit(*exit);
            frame.u8(u8::from(*survivors));
        }
        Report::Vanished { key } => {
            frame.u8(4);
            frame.u64(key.0);
        }
        Report::LeftBehind { key, pids } => {
            frame.u8(6);
            frame.u64(key.0);
            frame.count(pids.len());
            for pid in pids {
                frame.u32(*pid);
            }
        }
        Report::OutOfReach { key, signal, errno } => {
            frame.u8(7);
            frame.u64(key.0);
            frame.i32(signal.0);
            frame.i32(*errno);
        }
        Report::Swept { names } => {
            frame.u8(5);
            frame.count(names.len());
            for (pid, name) in names {
                frame.u32(*pid);
                frame.bytes(name.as_bytes());
            }
        }
    }
    frame.finish()
}

/// Reads the body of a report's frame.
pub fn decode_report(body: &[u8]) -> Result<Report, Malformed> {
    let mut body = Reader(body);
    Ok(match body.u8()? {
        1 => Report::Spawned { key: body.key()?, pid: body.u32()? },
        2 => Report::SpawnFailed {
            key: body.key()?,
            step: Step::from_number(body.u8()?).ok_or(Malformed)?,
            errno: body.i32()?,
        },
        3 => Report::Exited { key: body.key()?, exit: body.exit()?, survivors: body.u8()? != 0 },
        4 => Report::Vanished { key: body.key()? },
        6 => Report::LeftBehind { key: body.key()?, pids: body.list(Reader::u32)? },
        7 => Report::OutOfReach { key: body.key()?, signal: Signal(body.i32()?), errno: body.i32()? },
        5 => Report::Swept { names: body.list(|body| Ok((body.u32()?, body.text()?)))? },
        _ => return Err(Malformed),
    })
}

/// A frame being written.
struct Writer(Vec<u8>);

impl Writer {
    fn new() -> Self {
        Self(vec![0; 4])
    }

    fn finish(mut self) -> Vec<u8> {
        let length =
            u32::try_from(self.0.len() - 4).expect("a message is far below 4 GiB: the system limits argv and env");
        self.0[..4].copy_from_slice(&length.to_le_bytes());
        self.0
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn i32(&mut self, value: i32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("no list of a message is that long"));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn exit(&mut self, exit: Exit) {
        let (kind, number) = match exit {
            Exit::Code(code) => (0, code),
            Exit::Signal { signal, core: false } => (1, signal.0),
            Exit::Signal { signal, core: true } => (2, signal.0),
        };
        self.u8(kind);
        self.i32(number);
    }

    fn spawn(&mut self, order: SpawnOrder, fds: &mut Vec<OwnedFd>) {
        self.u64(order.key.0);
        self.count(order.argv.len());
        for word in &order.argv {
            self.bytes(word.as_bytes());
        }
        self.bytes(order.env.as_bytes());
        self.bytes(order.directory.as_os_str().as_bytes());
        self.u8(u8::from(order.umask.is_some()));
        self.u32(order.umask.unwrap_or_default());
        self.u8(u8::from(order.user.is_some()));
        if let Some(user) = &order.user {
            self.u32(user.uid);
            self.u32(user.gid);
            self.count(user.groups.len());
            user.groups.iter().for_each(|group| self.u32(*group));
        }
        match order.stdio {
            Stdio::Terminal(slave) => {
                self.u8(0);
                fds.push(slave);
            }
            Stdio::Streams { stdin, stdout, stderr } => {
                self.u8(if stderr.is_some() { 2 } else { 1 });
                fds.extend([stdin, stdout]);
                fds.extend(stderr);
            }
        }
        self.u8(u8::from(order.sweep));
        self.u8(u8::from(order.goes_ahead));
    }
}

/// What is left of a body.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn key(&mut self) -> Result<Key, Malformed> {
        Ok(Key(self.u64()?))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    fn os_string(&mut self) -> Result<OsString, Malformed> {
        Ok(OsString::from_vec(self.bytes()?.to_vec()))
    }

    fn text(&mut self) -> Result<String, Malformed> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let count = self.u32()?;
        (0..count).map(|_| read(self)).collect()
    }

    fn scope(&mut self) -> Result<Scope, Malformed> {
        match self.u8()? {
            0 => Ok(Scope::Leader),
            1 => Ok(Scope::Group),
            2 => Ok(Scope::Tree),
            _ => Err(Malformed),
        }
    }

    fn exit(&mut self) -> Result<Exit, Malformed> {
        let kind = self.u8()?;
        let number = self.i32()?;
        match kind {
            0 => Ok(Exit::Code(number)),
            1 | 2 => Ok(Exit::Signal { signal: Signal(number), core: kind == 2 }),
            _ => Err(Malformed),
        }
    }

    fn user(&mut self) -> Result<Option<Account>, Malformed> {
        if self.u8()? == 0 {
            return Ok(None);
        }
        Ok(Some(Account { uid: self.u32()?, gid: self.u32()?, groups: self.list(Reader::u32)? }))
    }

    fn stdio(&mut self, fds: &mut VecDeque<OwnedFd>) -> Result<Stdio, Malformed> {
        let kind = self.u8()?;
        let mut next = || fds.pop_front().ok_or(Malformed);
        match kind {
            0 => Ok(Stdio::Terminal(next()?)),
            1 => Ok(Stdio::Streams { stdin: next()?, stdout: next()?, stderr: None }),
            2 => Ok(Stdio::Streams { stdin: next()?, stdout: next()?, stderr: Some(next()?) }),
            _ => Err(Malformed),
        }
    }

    fn spawn(&mut self, fds: &mut VecDeque<OwnedFd>) -> Result<SpawnOrder, Malformed> {
        let key = self.key()?;
        let argv = self.list(Reader::os_string)?;
        let env = Variables::from_bytes(self.bytes()?.to_vec()).ok_or(Malformed)?;
        let directory = OsStr::from_bytes(self.bytes()?).into();
        let has_umask = self.u8()? != 0;
        let umask = Some(self.u32()?).filter(|_| has_umask);
        let user = self.user()?;
        let stdio = self.stdio(fds)?;
        let (sweep, goes_ahead) = (self.u8()? != 0, self.u8()? != 0);
        Ok(SpawnOrder { key, argv, env, directory, umask, user, stdio, sweep, goes_ahead })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use proptest::prelude::*;

    use super::*;

    fn spare() -> OwnedFd {
        File::open("/dev/null").unwrap().into()
    }

    fn spawn_order() -> SpawnOrder {
        SpawnOrder {
            key: Key(1 << 40),
            argv: vec!["sh".into(), OsString::from_vec(vec![0xff, 0xfe]), "".into()],
            env: [("A", "b=c"), ("EMPTY", "")].into_iter().collect(),
            directory: "/tmp/a b".into(),
            umask: Some(0o27),
            user: Some(Account { uid: 1, gid: 2, groups: vec![3, 4] }),
            stdio: Stdio::Streams { stdin: spare(), stdout: spare(), stderr: Some(spare()) },
            sweep: true,
            goes_ahead: true,
        }
    }

    fn there_and_back(order: Order) -> Order {
        let (frame, fds) = encode_order(order);
        assert_eq!(frame.len() - 4, u32::from_le_bytes(frame[..4].try_into().unwrap()) as usize);
        let mut fds = VecDeque::from(fds);
        let order = decode_order(&frame[4..], &mut fds).unwrap();
        assert!(fds.is_empty());
        order
    }

    #[test]
    fn a_spawn_order_survives_the_way() {
        let sent = spawn_order();
        let Stdio::Streams { stdin, .. } = &sent.stdio else { panic!() };
        let stdin = stdin.as_raw_fd();
        let shown = format!("{sent:?}");
        let Order::Spawn(received) = there_and_back(Order::Spawn(Box::new(sent))) else { panic!("another order") };
        assert_eq!(format!("{received:?}"), shown);
        let Stdio::Streams { stdin: received, .. } = &received.stdio else { panic!() };
        assert_eq!(received.as_raw_fd(), stdin, "descriptors keep their order");
    }

    #[test]
    fn absent_options_survive_the_way() {
        let mut sent = spawn_order();
        sent.umask = None;
        sent.user = None;
        sent.stdio = Stdio::Terminal(spare());
        let shown = format!("{sent:?}");
        let Order::Spawn(received) = there_and_back(Order::Spawn(Box::new(sent))) else { panic!("another order") };
        assert_eq!(format!("{received:?}"), shown);
    }

    #[test]
    fn the_small_orders_survive_the_way() {
        for make in [
            || Order::Signal { key: Key(9), signal: Signal::TERM, scope: Scope::Tree },
            || Order::Signal { key: Key(9), signal: Signal::KILL, scope: Scope::Leader },
            || Order::SignalAll { signal: Signal(19) },
            || Order::Release { key: Key(u64::MAX) },
            || Order::Shutdown { grace: Duration::from_millis(1500) },
        ] {
            assert_eq!(format!("{:?}", there_and_back(make())), format!("{:?}", make()));
        }
    }

    #[test]
    fn every_report_survives_the_way() {
        let key = Key(3);
        for report in [
            Report::Spawned { key, pid: 4711 },
            Report::SpawnFailed { key, step: Step::Directory, errno: 2 },
            Report::Exited { key, exit: Exit::Code(-1), survivors: true },
            Report::Exited { key, exit: Exit::Signal { signal: Signal(35), core: true }, survivors: false },
            Report::LeftBehind { key, pids: vec![4711, 1] },
            Report::Vanished { key },
            Report::OutOfReach { key, signal: Signal::TERM, errno: 1 },
            Report::Swept { names: vec![(1, "node".into()), (2, String::new())] },
        ] {
            assert_eq!(decode_report(&encode_report(&report)[4..]), Ok(report));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_report(&bytes);
            let _ = decode_order(&bytes, &mut VecDeque::new());
        }
    }
}
