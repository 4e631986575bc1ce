//! Which bytes of a log a client gets: supervisord's arithmetic (supervisor `options.py` `readFile`, `tailFile`). Pure.

/// The most that one answer holds, in bytes: a log of gigabytes must not become a message of gigabytes.
pub const MOST: u64 = 16 << 20;

/// Bytes from here on, so many at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first.
    pub start: u64,
    /// How many.
    pub length: u64,
}

/// What a tail shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailWindow {
    /// The bytes.
    pub window: Window,
    /// There is more before them than was asked for.
    pub overflow: bool,
}

/// An offset or a length that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a negative length, or a length with a negative offset")]
pub struct BadArguments;

/// What `readLog` and its kin show of a log of this size: a negative offset means the last so many bytes, length 0 everything behind
/// the offset. Of more than [`MOST`] the first ones, of a negative offset the last ones.
pub fn read(size: u64, offset: i64, length: i64) -> Result<Window, BadArguments> {
    match (u64::try_from(offset), u64::try_from(length)) {
        (Err(_), Ok(0)) => {
            let last = offset.unsigned_abs().min(size).min(MOST);
            Ok(Window { start: size - last, length: last })
        }
        (Err(_), _) | (Ok(_), Err(_)) => Err(BadArguments),
        (Ok(start), Ok(length)) => {
            let left = size.saturating_sub(start);
            let wanted = if length == 0 { left } else { length.min(left) };
            Ok(Window { start, length: wanted.min(MOST) })
        }
    }
}

/// What `tailProcessStdoutLog` and its kin show of a log of this size.
pub fn tail(size: u64, offset: i64, length: i64) -> TailWindow {
    let size_signed = i128::from(size);
    let (mut offset, mut length) = (i128::from(offset), i128::from(length));
    let overflow = size_signed > offset + length;
    if overflow {
        offset = size_signed - 1;
    }
    if offset + length > size_signed {
        if offset > size_signed - 1 {
            length = 0;
        }
        offset = size_signed - length;
    }
    let start = u64::try_from(offset).unwrap_or(0);
    let wanted = u64::try_from(length).unwrap_or(0).min(size.saturating_sub(start));
    let length = wanted.min(MOST);
    TailWindow { window: Window { start: start + (wanted - length), length }, overflow }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_is_bounded() {
        assert_eq!(read(MOST * 3, 5, 0), Ok(Window { start: 5, length: MOST }));
        assert_eq!(read(MOST * 3, -i64::MAX, 0), Ok(Window { start: MOST * 2, length: MOST }));
        assert_eq!(tail(MOST * 3, 0, i64::MAX).window, Window { start: MOST * 2, length: MOST });
    }

    proptest! {
        #[test]
        fn windows_lie_inside_the_log(size: u64, offset: i64, length: i64) {
            let read = read(size, offset, length);
            let tail = tail(size, offset, length).window;
            for window in [read.unwrap_or(tail), tail] {
                prop_assert!(window.length <= MOST);
                prop_assert!(window.length == 0 || window.start + window.length <= size);
            }
        }
    }
}
