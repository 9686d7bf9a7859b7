//! Bodies too long to keep: made up as they are sent, summed as they arrive.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Period of a [`Pattern`]: a prime, so that a lost, doubled or swapped piece
/// of any usual buffer size changes the sum.
const PERIOD: usize = 65_521;
/// How much of a body is kept to look at.
const KEPT: usize = 64 << 10;

/// A body of any length that looks random and costs no memory.
#[derive(Debug, Clone)]
pub struct Pattern {
    block: Bytes,
    left: u64,
}

/// Length and SHA-256 of a body, and how it starts.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest {
    /// In bytes.
    pub length: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// The first 64 KiB.
    pub start: Vec<u8>,
}

/// Sums a body up.
#[derive(Debug, Default)]
pub(crate) struct Summing {
    length: u64,
    sum: Sha256,
    start: Vec<u8>,
}

impl Pattern {
    /// A body of `length` bytes.
    #[must_use]
    pub fn new(length: u64) -> Self {
        let mut state = 0x9e37_79b9_u32;
        let block = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        });
        Self {
            block: block.take(PERIOD).collect(),
            left: length,
        }
    }

    /// What a receiver must have got.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut summing = Summing::default();
        self.clone().for_each(|piece| summing.add(&piece));
        summing.finish()
    }

    /// The whole body. For short ones.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.clone().flatten().collect()
    }

    /// Bytes that are left.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.left
    }
}

impl Iterator for Pattern {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return None;
        }
        let length = usize::try_from(self.left).unwrap_or(PERIOD).min(PERIOD);
        self.left -= length as u64;
        Some(self.block.slice(..length))
    }
}

impl Summing {
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        self.sum.update(piece);
        let room = KEPT.saturating_sub(self.start.len());
        self.start
            .extend_from_slice(&piece[..piece.len().min(room)]);
    }

    pub(crate) fn finish(self) -> Digest {
        let sum = self.sum.finalize();
        Digest {
            length: self.length,
            sha256: sum.iter().map(|byte| format!("{byte:02x}")).collect(),
            start: self.start,
        }
    }
}

impl Digest {
    /// The first 64 KiB as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.start).into_owned()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = String::from_utf8_lossy(&self.start[..self.start.len().min(80)]);
        write!(f, "{} bytes, {}, {start:?}…", self.length, self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_piece_changes_the_sum() {
        let whole = Pattern::new(200_000).bytes();
        let mut summing = Summing::default();
        summing.add(&whole[..65_536]);
        summing.add(&whole[65_536..]);
        assert_eq!(summing.finish(), Pattern::new(200_000).digest());

        let mut lossy = Summing::default();
        lossy.add(&whole[..65_536]);
        lossy.add(&whole[131_072..]);
        assert_ne!(lossy.finish().sha256, Pattern::new(200_000).digest().sha256);
    }
}
