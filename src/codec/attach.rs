//! What an attached client and the project say to each other once HTTP is done with: frames of a kind, a length and so many bytes.
//!
//! The kind is one byte, the length four, big-endian.

use serde::{Deserialize, Serialize};

/// The protocol's name in `Upgrade`.
pub const PROTOCOL: &str = "run-attach";

/// Below this path are the processes that can be attached to, by namespec.
pub const PATH: &str = "/attach/";

/// The longest frame, in bytes.
const LONGEST: usize = 1 << 20;

/// Kind and length.
const HEAD: usize = 5;

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Its lines.
    pub rows: u16,
    /// Its columns.
    pub columns: u16,
}

/// How the process is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// Our state word.
    pub word: String,
    /// 0 when it does not run.
    pub pid: u32,
    /// Runs since `up`.
    pub run: u32,
    /// It has a terminal of its own, rather than pipes.
    pub is_terminal: bool,
    /// What is typed reaches it.
    pub takes_input: bool,
    /// The last end, as a sentence; empty before the first.
    pub last_exit: String,
}

/// One thing that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Client: bytes for its stdin.
    Input(Vec<u8>),
    /// Client: its stdin ends.
    End,
    /// Client: the terminal it is shown on.
    Size {
        /// How large.
        size: WindowSize,
        /// The program is to draw everything anew.
        redraw: bool,
    },
    /// Project: how the process is now; the first frame, and again with every change.
    State(State),
    /// Project: output.
    Output {
        /// It is of stderr, where that is apart.
        is_stderr: bool,
        /// It was written before.
        is_past: bool,
        /// As the program wrote it.
        bytes: Vec<u8>,
    },
    /// Project: so many bytes of output are left out here.
    Missed(u64),
}

/// What came is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what came is no frame of the attach protocol")]
pub struct BadFrame;

impl Frame {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Input(bytes) => framed(b'i', &[], bytes),
            Self::End => framed(b'e', &[], &[]),
            Self::Size { size: WindowSize { rows, columns }, redraw } => {
                let ([a, b], [c, d]) = (rows.to_be_bytes(), columns.to_be_bytes());
                framed(b'w', &[a, b, c, d, u8::from(*redraw)], &[])
            }
            Self::State(state) => {
                // A state has string keys and no serializer that fails.
                let text = serde_json::to_vec(state).unwrap_or_default();
                framed(b's', &[], &text)
            }
            Self::Output { is_stderr, is_past, bytes } => {
                framed(b'o', &[u8::from(*is_stderr) | u8::from(*is_past) << 1], bytes)
            }
            Self::Missed(count) => framed(b'm', &count.to_be_bytes(), &[]),
        }
    }

    fn decode(kind: u8, body: &[u8]) -> Result<Self, BadFrame> {
        match (kind, body) {
            (b'i', bytes) => Ok(Self::Input(bytes.to_vec())),
            (b'e', []) => Ok(Self::End),
            (b'w', [a, b, c, d, redraw]) => {
                let (rows, columns) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
                Ok(Self::Size { size: WindowSize { rows, columns }, redraw: *redraw != 0 })
            }
            (b's', text) => serde_json::from_slice(text).map(Self::State).map_err(|_| BadFrame),
            (b'o', [flags, bytes @ ..]) => {
                Ok(Self::Output { is_stderr: flags & 1 != 0, is_past: flags & 2 != 0, bytes: bytes.to_vec() })
            }
            (b'm', count) => Ok(Self::Missed(u64::from_be_bytes(count.try_into().map_err(|_| BadFrame)?))),
            _ => Err(BadFrame),
        }
    }
}

fn framed(kind: u8, first: &[u8], rest: &[u8]) -> Vec<u8> {
    let length = first.len() + rest.len();
    debug_assert!(length <= LONGEST, "frames are made of single reads");
    let mut frame = Vec::with_capacity(HEAD + length);
    frame.push(kind);
    frame.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(first);
    frame.extend_from_slice(rest);
    frame
}

/// Puts frames together, however their bytes are cut.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    /// Takes in what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, once it is there whole.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, BadFrame> {
        let Some([kind, length @ ..]) = self.bytes.first_chunk::<HEAD>().copied() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| BadFrame)?;
        if length > LONGEST {
            return Err(BadFrame);
        }
        let Some(body) = self.bytes.get(HEAD..HEAD + length) else { return Ok(None) };
        let frame = Frame::decode(kind, body)?;
        self.bytes.drain(..HEAD + length);
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_comes_back_however_it_is_cut() {
        let state =
            State { word: "ready".into(), pid: 7, run: 2, is_terminal: true, takes_input: true, ..State::default() };
        let frames = [
            Frame::Input(vec![0, 255, b'x']),
            Frame::Input(Vec::new()),
            Frame::End,
            Frame::Size { size: WindowSize { rows: 40, columns: 300 }, redraw: true },
            Frame::State(state),
            Frame::Output { is_stderr: true, is_past: false, bytes: b"err".to_vec() },
            Frame::Output { is_stderr: false, is_past: true, bytes: b"out".to_vec() },
            Frame::Missed(1 << 40),
        ];
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        for length in [1, 3, bytes.len()] {
            let (mut decoder, mut found) = (Decoder::default(), Vec::new());
            for piece in bytes.chunks(length) {
                decoder.feed(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    found.push(frame);
                }
            }
            assert_eq!(found, frames);
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for bytes in
            [&b"x\0\0\0\0"[..], b"w\0\0\0\x01x", b"s\0\0\0\x01{", b"i\xff\0\0\0", b"o\0\0\0\0", b"m\0\0\0\x01x"]
        {
            let mut decoder = Decoder::default();
            decoder.feed(bytes);
            assert_eq!(decoder.next_frame(), Err(BadFrame), "{bytes:?}");
        }
    }
}
