//! The body of an answer: whole, or piece by piece as it comes about.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// See the module.
#[derive(Debug)]
pub(super) enum Answer {
    /// All of it; `None` once it is sent.
    Whole(Option<Bytes>),
    /// What is sent here, until the sender is dropped. Goes out chunked. The channel is bounded, so that who makes the pieces waits for who
    /// reads them.
    Pieces(mpsc::Receiver<Bytes>),
}

impl<T: Into<Bytes>> From<T> for Answer {
    fn from(text: T) -> Self {
        Self::Whole(Some(text.into()))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(text) => {
                Poll::Ready(text.take().filter(|text| !text.is_empty()).map(|text| Ok(Frame::data(text))))
            }
            Self::Pieces(pieces) => pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(text) => text.as_ref().is_none_or(Bytes::is_empty),
            Self::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}
