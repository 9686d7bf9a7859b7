//! Go's time layouts: the reference time `Mon Jan 2 15:04:05 MST 2006`,
//! written as the result shall look.

mod reader;

use jiff::ZonedDateTime;

pub(super) use reader::parse;

/// A piece of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    Offset(Offset),
    /// So many decimals of a second, behind this sign.
    Fraction(char, usize),
    /// The same, without zeros at the end.
    ShortFraction(char, usize),
}

/// How an offset from UTC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offset {
    /// `Z` for UTC itself.
    z: bool,
    colons: bool,
    minutes: bool,
    seconds: bool,
}

/// Longer ones before those they begin with.
const PIECES: [(&str, Piece<'static>); 38] = [
    ("January", Piece::LongMonth),
    ("Jan", Piece::Month),
    ("Monday", Piece::LongWeekDay),
    ("Mon", Piece::WeekDay),
    ("MST", Piece::Zone),
    ("002", Piece::ZeroYearDay),
    ("01", Piece::ZeroMonth),
    ("02", Piece::ZeroDay),
    ("03", Piece::ZeroHour12),
    ("04", Piece::ZeroMinute),
    ("05", Piece::ZeroSecond),
    ("06", Piece::Year),
    ("15", Piece::Hour),
    ("1", Piece::NumMonth),
    ("2006", Piece::LongYear),
    ("2", Piece::Day),
    ("__2", Piece::SpaceYearDay),
    ("_2006", Piece::Text("_")),
    ("_2", Piece::SpaceDay),
    ("3", Piece::Hour12),
    ("4", Piece::Minute),
    ("5", Piece::Second),
    ("PM", Piece::UpperPm),
    ("pm", Piece::LowerPm),
    ("-07:00:00", offset(false, true, true, true)),
    ("-070000", offset(false, false, true, true)),
    ("-07:00", offset(false, true, true, false)),
    ("-0700", offset(false, false, true, false)),
    ("-07", offset(false, false, false, false)),
    ("Z07:00:00", offset(true, true, true, true)),
    ("Z070000", offset(true, false, true, true)),
    ("Z07:00", offset(true, true, true, false)),
    ("Z0700", offset(true, false, true, false)),
    ("Z07", offset(true, false, false, false)),
    (".0", Piece::Fraction('.', 0)),
    (",0", Piece::Fraction(',', 0)),
    (".9", Piece::ShortFraction('.', 0)),
    (",9", Piece::ShortFraction(',', 0)),
];

const fn offset(z: bool, colons: bool, minutes: bool, seconds: bool) -> Piece<'static> {
    Piece::Offset(Offset {
        z,
        colons,
        minutes,
        seconds,
    })
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The pieces of `layout`, in order.
fn pieces(layout: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut place) = (0, 0);
    while place < layout.len() {
        let rest = layout.get(place..).unwrap_or("");
        let Some((length, piece)) = piece(rest) else {
            place += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if start < place {
            pieces.push(Piece::Text(layout.get(start..place).unwrap_or("")));
        }
        pieces.push(piece);
        place += length;
        start = place;
    }
    if start < place {
        pieces.push(Piece::Text(layout.get(start..).unwrap_or("")));
    }
    pieces
}

/// The piece that `rest` begins with, and its length.
fn piece(rest: &str) -> Option<(usize, Piece<'static>)> {
    let fits = |(text, _): &&(&str, Piece<'static>)| rest.starts_with(text);
    let (text, piece) = PIECES.iter().find(fits)?;
    match *piece {
        Piece::Fraction(sign, _) => {
            decimals(rest, '0').map(|count| (count + 1, Piece::Fraction(sign, count)))
        }
        Piece::ShortFraction(sign, _) => {
            decimals(rest, '9').map(|count| (count + 1, Piece::ShortFraction(sign, count)))
        }
        // Not the beginning of another word.
        Piece::Month | Piece::WeekDay
            if rest
                .get(3..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())) =>
        {
            None
        }
        Piece::Text(_) => Some((1, *piece)),
        piece => Some((text.len(), piece)),
    }
}

/// How many times `digit` stands behind the sign, with no other digit behind.
fn decimals(rest: &str, digit: char) -> Option<usize> {
    let digits = rest.get(1..)?;
    let count = digits.len() - digits.trim_start_matches(digit).len();
    let behind = digits.get(count..)?;
    (!behind.starts_with(|c: char| c.is_ascii_digit())).then_some(count)
}

/// `time` as `layout` says.
pub(super) fn format(time: &ZonedDateTime, layout: &str) -> String {
    pieces(layout)
        .into_iter()
        .map(|piece| shown(time, piece))
        .collect()
}

fn shown(time: &ZonedDateTime, piece: Piece<'_>) -> String {
    let hour12 = (time.hour() + 11) % 12 + 1;
    let month = || name(&MONTHS, time.month() - 1);
    let day = || name(&DAYS, time.weekday().to_sunday_zero_offset());
    let short = |name: &str| name.get(..3).unwrap_or(name).to_owned();
    let afternoon = time.hour() >= 12;
    match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::LongMonth => month().to_owned(),
        Piece::Month => short(month()),
        Piece::NumMonth => time.month().to_string(),
        Piece::ZeroMonth => format!("{:02}", time.month()),
        Piece::LongWeekDay => day().to_owned(),
        Piece::WeekDay => short(day()),
        Piece::Day => time.day().to_string(),
        Piece::SpaceDay => format!("{:2}", time.day()),
        Piece::ZeroDay => format!("{:02}", time.day()),
        Piece::SpaceYearDay => format!("{:3}", time.day_of_year()),
        Piece::ZeroYearDay => format!("{:03}", time.day_of_year()),
        Piece::Hour => format!("{:02}", time.hour()),
        Piece::Hour12 => hour12.to_string(),
        Piece::ZeroHour12 => format!("{hour12:02}"),
        Piece::Minute => time.minute().to_string(),
        Piece::ZeroMinute => format!("{:02}", time.minute()),
        Piece::Second => time.second().to_string(),
        Piece::ZeroSecond => format!("{:02}", time.second()),
        Piece::LongYear => format!("{:04}", time.year()),
        Piece::Year => format!("{:02}", time.year().rem_euclid(100)),
        Piece::UpperPm => if afternoon { "PM" } else { "AM" }.to_owned(),
        Piece::LowerPm => if afternoon { "pm" } else { "am" }.to_owned(),
        Piece::Zone => zone(time),
        Piece::Offset(offset) => shown_offset(time.offset().seconds(), offset),
        Piece::Fraction(sign, count) => format!("{sign}{}", fraction(time, count)),
        Piece::ShortFraction(sign, count) => {
            let digits = fraction(time, count);
            match digits.trim_end_matches('0') {
                "" => String::new(),
                digits => format!("{sign}{digits}"),
            }
        }
    }
}

fn name(names: &'static [&'static str], index: i8) -> &'static str {
    let index = usize::try_from(index).unwrap_or(0);
    names.get(index).copied().unwrap_or("")
}

fn fraction(time: &ZonedDateTime, count: usize) -> String {
    let digits = format!("{:09}", time.subsec_nanosecond());
    let digits = digits.get(..count.min(9)).unwrap_or("").to_owned();
    format!("{digits}{}", "0".repeat(count.saturating_sub(9).min(100)))
}

/// The zone's short name.
fn zone(time: &ZonedDateTime) -> String {
    let info = time.time_zone().to_offset_info(time.timestamp());
    info.abbreviation().to_owned()
}

fn shown_offset(seconds: i32, offset: Offset) -> String {
    if seconds == 0 && offset.z {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let size = seconds.unsigned_abs();
    let colon = if offset.colons { ":" } else { "" };
    let mut text = format!("{sign}{:02}", size / 3600);
    if offset.minutes {
        text.push_str(&format!("{colon}{:02}", size / 60 % 60));
    }
    if offset.seconds {
        text.push_str(&format!("{colon}{:02}", size % 60));
    }
    text
}
