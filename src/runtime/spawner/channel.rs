//! Frames and descriptors over a stream socket. Nothing here waits: what does not go out now stays queued.
//!
//! Descriptors go with the first byte of their frame, so they have arrived when the frame is whole (unix(7), `SCM_RIGHTS`), and
//! both sides hand them over in order.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

use crate::runtime::{os, sys};

/// More bytes than any order can have: argv and environment together are limited to a few MiB by the system.
const LONGEST_FRAME: usize = 64 << 20;

/// How many bytes are taken at once: a few orders. All of it is written to before, so it is our memory from the first time on.
const RECEIVED_AT_ONCE: usize = 16 << 10;

/// The most descriptors that one frame carries.
const MOST_DESCRIPTORS: usize = 3;

/// How far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// Nothing is left.
    Whole,
    /// The socket is full; it says when it takes more.
    Full,
    /// Too many descriptors are under way; nobody says when there is room again, so try a little later.
    Crowded,
}

/// Frames that wait to be sent.
#[derive(Debug, Default)]
pub struct Outbox {
    parcels: VecDeque<Parcel>,
}

/// One or more frames; only the first may have descriptors.
#[derive(Debug)]
struct Parcel {
    bytes: Vec<u8>,
    sent: usize,
    fds: Vec<OwnedFd>,
}

impl Outbox {
    /// Queues a frame.
    pub fn push(&mut self, bytes: Vec<u8>, fds: Vec<OwnedFd>) {
        match self.parcels.back_mut() {
            Some(last) if fds.is_empty() => last.bytes.extend(bytes),
            _ => self.parcels.push_back(Parcel { bytes, sent: 0, fds }),
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// Sends what the socket takes without waiting.
    pub fn flush(&mut self, socket: BorrowedFd<'_>) -> io::Result<Flushed> {
        while let Some(parcel) = self.parcels.front_mut() {
            match parcel.send(socket) {
                Ok(()) => {}
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return Ok(Flushed::Full),
                Err(Errno::ETOOMANYREFS) => return Ok(Flushed::Crowded),
                Err(errno) => return Err(errno.into()),
            }
            if parcel.sent == parcel.bytes.len() {
                self.parcels.pop_front();
            }
        }
        Ok(Flushed::Whole)
    }
}

impl Parcel {
    fn send(&mut self, socket: BorrowedFd<'_>) -> nix::Result<()> {
        let fds: Vec<RawFd> = self.fds.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&fds)];
        let control = if fds.is_empty() { &rights[..0] } else { &rights[..] };
        let bytes = [IoSlice::new(&self.bytes[self.sent..])];
        let flags = MsgFlags::MSG_DONTWAIT | os::NO_SIGNAL;
        self.sent += sendmsg::<()>(socket.as_raw_fd(), &bytes, control, flags, None)?;
        self.fds.clear();
        Ok(())
    }
}

/// What a receive brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Bytes; there may be more.
    Something,
    /// Nothing now.
    Nothing,
    /// The other end is gone.
    End,
}

/// Bytes and descriptors that have arrived.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Where the first frame that was not taken yet begins.
    start: usize,
    /// Descriptors of frames that were not taken yet.
    pub fds: VecDeque<OwnedFd>,
}

impl Inbox {
    /// Takes in what has arrived, as much as fits at once.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<Received> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let kept = self.bytes.len();
        self.bytes.resize(kept + RECEIVED_AT_ONCE, 0);
        let received = self.receive_into(kept, socket);
        self.bytes.truncate(kept + received.as_ref().map_or(0, |count| count.unwrap_or(0)));
        if self.bytes.is_empty() {
            // Most of the time nothing comes.
            self.bytes = Vec::new();
        }
        Ok(match received? {
            None => Received::Nothing,
            Some(0) => Received::End,
            Some(_) => Received::Something,
        })
    }

    /// Returns how many bytes have arrived, 0 at the end; `None` when there are none now.
    fn receive_into(&mut self, kept: usize, socket: BorrowedFd<'_>) -> io::Result<Option<usize>> {
        let mut control = nix::cmsg_space!([RawFd; MOST_DESCRIPTORS]);
        let flags = MsgFlags::MSG_DONTWAIT | os::RECEIVE_CLOSE_ON_EXEC;
        let mut slices = [IoSliceMut::new(&mut self.bytes[kept..])];
        let (count, fds) = match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags) {
            Ok(message) => (message.bytes, message.cmsgs()?.flat_map(descriptors).collect::<Vec<_>>()),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(Errno::ECONNRESET) => return Ok(Some(0)),
            Err(errno) => return Err(errno.into()),
        };
        self.fds.extend(fds);
        Ok(Some(count))
    }

    /// The body of the next whole frame.
    pub fn next_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let rest = &self.bytes[self.start..];
        let Some((head, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > LONGEST_FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let body = body.to_vec();
        self.start += 4 + length;
        Ok(Some(body))
    }
}

fn descriptors(message: ControlMessageOwned) -> Vec<OwnedFd> {
    match message {
        ControlMessageOwned::ScmRights(fds) => fds.into_iter().map(sys::own).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut frame = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        frame.extend(body);
        frame
    }

    fn next(inbox: &mut Inbox, socket: &UnixStream) -> Vec<u8> {
        loop {
            if let Some(body) = inbox.next_frame().unwrap() {
                return body;
            }
            assert_eq!(inbox.receive(socket.as_fd()).unwrap(), Received::Something);
        }
    }

    #[test]
    fn a_full_socket_keeps_frames_and_descriptors_in_order() {
        let (near, far) = UnixStream::pair().unwrap();
        let mut outbox = Outbox::default();
        let mut inbox = Inbox::default();
        let mut readers = Vec::new();
        for number in 0..40_u8 {
            let (reader, writer) = io::pipe().unwrap();
            outbox.push(frame(&vec![number; 50_000]), vec![writer.into()]);
            outbox.push(frame(&[number, 1]), vec![]);
            readers.push(reader);
        }
        assert_eq!(outbox.flush(near.as_fd()).unwrap(), Flushed::Full);
        for number in 0..40_u8 {
            assert_eq!(next(&mut inbox, &far), vec![number; 50_000]);
            File::from(inbox.fds.pop_front().unwrap()).write_all(&[number]).unwrap();
            outbox.flush(near.as_fd()).unwrap();
            assert_eq!(next(&mut inbox, &far), vec![number, 1]);
            outbox.flush(near.as_fd()).unwrap();
        }
        assert!(outbox.is_empty() && inbox.fds.is_empty());
        for (number, mut reader) in readers.into_iter().enumerate() {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).unwrap();
            assert_eq!(text, [u8::try_from(number).unwrap()], "and no copy of the writing end is left");
        }
        drop(near);
        assert_eq!(inbox.receive(far.as_fd()).unwrap(), Received::End);
    }

    #[test]
    fn a_monstrous_length_is_refused() {
        let mut inbox = Inbox { bytes: vec![0xff; 8], ..Inbox::default() };
        assert!(inbox.next_frame().is_err());
    }
}
