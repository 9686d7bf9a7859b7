//! sprig: dates. The local time zone is that of the environment variable `TZ`,
//! or the system's.

use std::rc::Rc;

use jiff::{
    SignedDuration, Timestamp, ZonedDateTime, civil,
    tz::{Offset, TimeZone},
};

use super::{Call, Function, Returned, Type, function, layout};
use crate::template::value::{Failure, Value, fail};

const TEXT: Type = Type::Text;
const ANY: Type = Type::Any;
const TIME: Type = Type::Time;

/// What `htmlDate` writes.
const HTML: &str = "2006-01-02";

pub(super) const FUNCTIONS: &[Function] = &[
    function("now", &[], |call| Ok(time(now(call)))),
    function("date", &[TEXT, ANY], |call| {
        let zone = call.world.zone.clone();
        in_zone(call, call.str(0), call.value(1), zone)
    }),
    function("dateInZone", &[TEXT, ANY, TEXT], |call| {
        in_zone(call, call.str(0), call.value(1), zone(call, call.str(2)))
    }),
    function("date_in_zone", &[TEXT, ANY, TEXT], |call| {
        in_zone(call, call.str(0), call.value(1), zone(call, call.str(2)))
    }),
    function("htmlDate", &[ANY], |call| {
        let zone = call.world.zone.clone();
        in_zone(call, HTML, call.value(0), zone)
    }),
    function("htmlDateInZone", &[ANY, TEXT], |call| {
        in_zone(call, HTML, call.value(0), zone(call, call.str(1)))
    }),
    // A duration that is none changes nothing, as in sprig.
    function("dateModify", &[TEXT, TIME], |call| {
        Ok(modified(call).unwrap_or_else(|_| call.value(1).clone()))
    }),
    function("date_modify", &[TEXT, TIME], |call| {
        Ok(modified(call).unwrap_or_else(|_| call.value(1).clone()))
    }),
    function("mustDateModify", &[TEXT, TIME], modified),
    function("must_date_modify", &[TEXT, TIME], modified),
    function("toDate", &[TEXT, TEXT], |call| {
        Ok(to_date(call).unwrap_or_else(|_| time(zero())))
    }),
    function("mustToDate", &[TEXT, TEXT], to_date),
    function("unixEpoch", &[TIME], |call| {
        let seconds = of(call, call.value(0)).timestamp().as_second();
        call.text(seconds.to_string())
    }),
    function("ago", &[ANY], |call| {
        let since = call
            .world
            .now
            .duration_since(of(call, call.value(0)).timestamp());
        let seconds = (since.as_millis() + 500).div_euclid(1000);
        call.text(duration(i64::try_from(seconds).unwrap_or(0)))
    }),
    function("duration", &[ANY], |call| {
        let seconds = match call.value(0) {
            Value::Text(text) => text.parse().unwrap_or(0),
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        call.text(duration(seconds))
    }),
    function("durationRound", &[ANY], |call| {
        let duration = match call.value(0) {
            Value::Text(text) => parse_duration(text).unwrap_or(SignedDuration::ZERO),
            Value::Int64(nanoseconds) => SignedDuration::from_nanos(*nanoseconds),
            Value::Time(time) => call.world.now.duration_since(time.timestamp()),
            _ => SignedDuration::ZERO,
        };
        call.text(rounded(duration.as_secs().unsigned_abs()))
    }),
];

fn time(time: ZonedDateTime) -> Value {
    Value::Time(Rc::new(time))
}

fn now(call: &Call<'_>) -> ZonedDateTime {
    call.world.now.to_zoned_datetime(call.world.zone.clone())
}

/// Go's time before any other, which stands for none.
fn zero() -> ZonedDateTime {
    let date = civil::DateTime::constant(1, 1, 1, 0, 0, 0, 0);
    date.to_zoned_datetime(TimeZone::UTC).unwrap_or_default()
}

/// A zone by its name; UTC for one that is not known, as in sprig.
fn zone(call: &Call<'_>, name: &str) -> TimeZone {
    match name {
        "" | "UTC" => TimeZone::UTC,
        "Local" => call.world.zone.clone(),
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

/// The time a value is: a number counts seconds from 1970; what is no time is
/// now.
fn of(call: &Call<'_>, value: &Value) -> ZonedDateTime {
    match value {
        Value::Time(time) => (**time).clone(),
        Value::Int(seconds) | Value::Int64(seconds) => match Timestamp::from_second(*seconds) {
            Ok(timestamp) => timestamp.to_zoned_datetime(call.world.zone.clone()),
            Err(_) => now(call),
        },
        _ => now(call),
    }
}

fn in_zone(call: &Call<'_>, layout: &str, value: &Value, zone: TimeZone) -> Returned {
    let time = of(call, value).timestamp().to_zoned_datetime(zone);
    // No piece becomes longer than twenty times itself.
    call.heap.room(layout.len().saturating_mul(20))?;
    call.text(layout::format(&time, layout))
}

fn modified(call: &Call<'_>) -> Returned {
    let Some(duration) = parse_duration(call.str(0)) else {
        return fail("invalid duration");
    };
    let moved = of(call, call.value(1)).checked_add(duration);
    moved
        .map(time)
        .map_err(|_| Failure("the date is out of range".to_owned()))
}

fn to_date(call: &Call<'_>) -> Returned {
    let bad = || Failure("the date does not fit its layout".to_owned());
    let parsed = layout::parse(call.str(0), call.str(1)).ok_or_else(bad)?;
    let zone = match parsed.offset {
        Some(0) => TimeZone::UTC,
        Some(seconds) => Offset::from_seconds(seconds)
            .map_err(|_| bad())?
            .to_time_zone(),
        None => call.world.zone.clone(),
    };
    parsed
        .time
        .to_zoned_datetime(zone)
        .map(time)
        .map_err(|_| bad())
}

/// Go's `time.ParseDuration`: numbers with units, such as `-1h30m`.
fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, behind) = behind.split_at(end.unwrap_or(behind.len()));
        let scale = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = behind;
    }
    let signed = if negative { -seconds } else { seconds };
    SignedDuration::try_from_secs_f64(signed).ok()
}

/// Seconds as Go shows a duration: `1h0m5s`.
fn duration(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let size = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (size / 3600, size / 60 % 60, size % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// The largest unit that a duration is longer than.
fn rounded(seconds: u64) -> String {
    const DAY: u64 = 24 * 3600;
    let units = [
        (365 * DAY, "y"),
        (30 * DAY, "mo"),
        (DAY, "d"),
        (3600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let unit = units.iter().find(|(length, _)| seconds > *length);
    match unit {
        Some((length, name)) => format!("{}{name}", seconds / length),
        None => "0s".to_owned(),
    }
}

/// As Go prints a time.
pub(in crate::template) fn shown(time: &ZonedDateTime) -> String {
    layout::format(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// As Go writes a time in JSON.
pub(in crate::template) fn rfc3339(time: &ZonedDateTime) -> String {
    layout::format(time, "2006-01-02T15:04:05.999999999Z07:00")
}
