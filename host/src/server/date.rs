//! `Date` of responses, once the wall clock has been set back.
//!
//! hyper writes the field by itself, and keeps its text until the wall clock has
//! come to the next second: set back by an hour, it would be an hour ahead of
//! the clock for an hour. Caches take it for the age of an answer (RFC 9111,
//! section 4.2.3).

use std::{
    cell::Cell,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue, header::DATE};

thread_local! {
    /// The latest that the clock has shown on this thread, whose text hyper has.
    static LATEST: Cell<SystemTime> = const { Cell::new(SystemTime::UNIX_EPOCH) };
}

/// Sets `Date` where hyper would write one that is over a second ahead.
pub(super) fn correct(headers: &mut HeaderMap) {
    let now = SystemTime::now();
    let latest = LATEST.get();
    if now >= latest {
        LATEST.set(now);
    } else if is_ahead(latest, now) && !headers.contains_key(DATE) {
        // A date is always a value.
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now)) {
            headers.insert(DATE, date);
        }
    }
}

fn is_ahead(latest: SystemTime, now: SystemTime) -> bool {
    let ahead = latest.duration_since(now);
    ahead.is_ok_and(|ahead| ahead > Duration::from_secs(1))
}
