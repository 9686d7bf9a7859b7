//! What the frames of an HTTP/2 client cost it.
//!
//! h2 answers, counts or drops each frame by itself; a flood of cheap ones (PING,
//! SETTINGS, PRIORITY, RST_STREAM, empty DATA, CONTINUATION) breaks none of its
//! rules and keeps a core busy. Here such frames are paid for from an account
//! that requests, answers taken, and time fill. Who overdraws it is cut.

use tokio::time::Instant;

use super::{
    limits::{FRAME_ACCOUNT, FRAMES_PER_REQUEST, FRAMES_PER_SECOND, RESET_COST, WRITTEN_PER_FRAME},
    streams::{DATA, END_STREAM, HEADERS, Header, Headers, RST_STREAM, Streams, Unsent},
};

/// Bytes of the client's preface (RFC 9113 section 3.4), before all frames.
const PREFACE: usize = 24;

/// The account of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    headers: Headers,
    streams: Streams,
    account: u32,
    filled: Instant,
    /// Bytes written that have not filled the account yet.
    written: u32,
}

impl Frames {
    /// Behind so many bytes of the connection.
    pub(super) fn after(bytes: usize) -> Self {
        Self {
            headers: Headers::after(PREFACE.saturating_sub(bytes)),
            streams: Streams::new(),
            account: FRAME_ACCOUNT,
            filled: Instant::now(),
            written: 0,
        }
    }

    /// Follows `bytes`; whether they could be paid for.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> bool {
        self.fill_by_time();
        while let Some(header) = self.headers.next(&mut bytes) {
            self.streams.came(&header);
            if !self.pay(header) {
                return false;
            }
        }
        true
    }

    /// The client has been sent `bytes`.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        self.streams.sent(bytes);
        self.wrote(bytes.len());
    }

    /// Answers that have not gone out to their end.
    pub(super) fn unsent(&self) -> Unsent {
        self.streams.unsent()
    }

    fn wrote(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.written = self.written.saturating_add(bytes);
        self.fill(self.written / WRITTEN_PER_FRAME);
        self.written %= WRITTEN_PER_FRAME;
    }

    /// Pays for a frame.
    fn pay(&mut self, header: Header) -> bool {
        let cost = match header.kind {
            DATA if header.length > 0 || header.flags & END_STREAM != 0 => 0,
            HEADERS => {
                self.fill(FRAMES_PER_REQUEST);
                0
            }
            RST_STREAM => RESET_COST,
            _ => 1,
        };
        match self.account.checked_sub(cost) {
            Some(left) => {
                self.account = left;
                true
            }
            None => false,
        }
    }

    fn fill(&mut self, frames: u32) {
        self.account = self.account.saturating_add(frames).min(FRAME_ACCOUNT);
    }

    fn fill_by_time(&mut self) {
        let seconds = self.filled.elapsed().as_secs();
        if seconds > 0 {
            self.filled = Instant::now();
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.fill(seconds.saturating_mul(FRAMES_PER_SECOND));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    fn fresh() -> Frames {
        Frames::after(PREFACE)
    }

    /// How many times `bytes` can be read in a row.
    fn lasts(frames: &mut Frames, bytes: &[u8]) -> u32 {
        let all = 0..FRAME_ACCOUNT * 4;
        let times = all.take_while(|_| frames.read(bytes)).count();
        // The connection would end with the one refused; here it goes on.
        frames.headers = Headers::after(0);
        u32::try_from(times).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_lasts_as_long_as_the_account() {
        let empty_data = [0, 0, 0, 0, 0, 0, 0, 0, 1];
        let reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];
        assert_eq!(lasts(&mut fresh(), &PING), FRAME_ACCOUNT);
        assert_eq!(lasts(&mut fresh(), &empty_data), FRAME_ACCOUNT);
        assert_eq!(lasts(&mut fresh(), &reset), FRAME_ACCOUNT / RESET_COST);
    }

    #[tokio::test(start_paused = true)]
    async fn how_the_bytes_are_cut_makes_no_difference() {
        let mut frames = Frames::after(3);
        let mut bytes = vec![0; PREFACE - 3];
        (0..FRAME_ACCOUNT).for_each(|_| bytes.extend(PING));
        assert!(bytes.chunks(7).all(|part| frames.read(part)));
        assert_eq!(frames.account, 0);
        assert!(!frames.read(&PING));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_answers_and_time_fill_it() {
        let mut frames = fresh();
        lasts(&mut frames, &PING);
        frames.read(&[0, 0, 1, HEADERS, 5, 0, 0, 0, 1, 0x82]);
        assert_eq!(lasts(&mut frames, &PING), FRAMES_PER_REQUEST);
        for _ in 0..10 {
            frames.wrote(WRITTEN_PER_FRAME as usize / 2);
        }
        assert_eq!(lasts(&mut frames, &PING), 5);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        assert_eq!(lasts(&mut frames, &PING), FRAMES_PER_SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_cost_nothing() {
        let mut frames = fresh();
        let data = [0, 0, 1, DATA, 0, 0, 0, 0, 1, 7];
        assert_eq!(lasts(&mut frames, &data), FRAME_ACCOUNT * 4);
    }
}
