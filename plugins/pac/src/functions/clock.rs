//! `weekdayRange`, `dateRange` and `timeRange`.
//!
//! Always in UTC; a last argument `GMT` changes nothing. Ranges include both
//! ends, and one that ends before it begins goes on over the end of the week,
//! year, month or day. What is no range contains no time.

use std::time::{SystemTime, UNIX_EPOCH};

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAY: u64 = 24 * 60 * 60;

/// A point in time.
pub struct Moment {
    year: u64,
    /// From 0.
    month: u64,
    /// From 1.
    day: u64,
    /// From 0, Sunday.
    weekday: u64,
    /// Hour, minute, second.
    time: [u64; 3],
}

/// This moment.
pub fn now() -> Moment {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Moment::at(seconds)
}

/// A part of a date, as an argument gives it.
#[derive(Clone, Copy)]
enum Part {
    Day(u64),
    Month(u64),
    Year(u64),
}

impl Moment {
    /// The moment `seconds` after 1970 began. Days to date as in Howard
    /// Hinnant's `civil_from_days`.
    pub fn at(seconds: u64) -> Self {
        let days = seconds / DAY;
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let march = (5 * of_year + 2) / 153;
        let month = (march + 2) % 12;
        Self {
            year: year + era * 400 + u64::from(month < 2),
            month,
            day: of_year - (153 * march + 2) / 5 + 1,
            weekday: (days + 4) % 7,
            time: [seconds % DAY / 3_600, seconds / 60 % 60, seconds % 60],
        }
    }

    /// `weekdayRange(first[, last][, "GMT"])`.
    pub fn in_weekdays(&self, arguments: &[String]) -> bool {
        let weekdays: Option<Vec<_>> = without_zone(arguments)
            .iter()
            .map(|name| index(&WEEKDAYS, name))
            .collect();
        match weekdays.as_deref() {
            Some([day]) => self.weekday == *day,
            Some([first, last]) => within(first, &self.weekday, last),
            _ => false,
        }
    }

    /// `dateRange`: one day, month or year, or two of them, or two dates of
    /// two or three parts.
    pub fn in_dates(&self, arguments: &[String]) -> bool {
        let parts: Option<Vec<_>> = without_zone(arguments)
            .iter()
            .map(|argument| Part::read(argument))
            .collect();
        let Some(parts) = parts.filter(|parts| !parts.is_empty()) else {
            return false;
        };
        if let [part] = parts.as_slice() {
            return part.value() == part.of(self);
        }
        let (first, last) = parts.split_at(parts.len() / 2);
        let now: Vec<_> = first.iter().map(|part| part.of(self)).collect();
        let kinds = |parts: &[Part]| parts.iter().map(Part::rank).collect::<Vec<_>>();
        if kinds(first) != kinds(last) {
            return false;
        }
        let (first, now, last) = (
            ordered(first, first),
            ordered_values(first, &now),
            ordered(last, last),
        );
        let has_year = parts.iter().any(|part| matches!(part, Part::Year(_)));
        within(&first, &now, &last) && (first <= last || !has_year)
    }

    /// `timeRange`: one hour, or two times of hours, minutes and seconds as
    /// far as they are given.
    pub fn in_times(&self, arguments: &[String]) -> bool {
        let numbers: Option<Vec<u64>> = without_zone(arguments)
            .iter()
            .map(|argument| argument.trim().parse().ok())
            .collect();
        match numbers.as_deref() {
            Some([hour]) => self.time[0] == *hour,
            Some(numbers) if matches!(numbers.len(), 2 | 4 | 6) => {
                let (first, last) = numbers.split_at(numbers.len() / 2);
                within(first, &self.time[..first.len()], last)
            }
            _ => false,
        }
    }
}

impl Part {
    fn read(argument: &str) -> Option<Self> {
        let argument = argument.trim();
        if let Some(month) = index(&MONTHS, argument) {
            return Some(Self::Month(month));
        }
        match argument.parse().ok()? {
            day @ 1..=31 => Some(Self::Day(day)),
            year @ 1000.. => Some(Self::Year(year)),
            _ => None,
        }
    }

    fn value(&self) -> u64 {
        let (Self::Day(value) | Self::Month(value) | Self::Year(value)) = self;
        *value
    }

    /// The same part of `moment`.
    fn of(&self, moment: &Moment) -> u64 {
        match self {
            Self::Day(_) => moment.day,
            Self::Month(_) => moment.month,
            Self::Year(_) => moment.year,
        }
    }

    /// Years count before months, months before days.
    fn rank(&self) -> u8 {
        match self {
            Self::Year(_) => 0,
            Self::Month(_) => 1,
            Self::Day(_) => 2,
        }
    }
}

/// Values of `parts` in the order of their weight.
fn ordered(parts: &[Part], order: &[Part]) -> Vec<u64> {
    let values: Vec<_> = parts.iter().map(Part::value).collect();
    ordered_values(order, &values)
}

fn ordered_values(order: &[Part], values: &[u64]) -> Vec<u64> {
    let mut ranked: Vec<_> = order.iter().map(Part::rank).zip(values).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, value)| *value).collect()
}

/// Whether `now` is from `first` to `last`, over the end if need be.
fn within<T: PartialOrd + ?Sized>(first: &T, now: &T, last: &T) -> bool {
    if first <= last {
        first <= now && now <= last
    } else {
        first <= now || now <= last
    }
}

fn without_zone(arguments: &[String]) -> &[String] {
    match arguments {
        [rest @ .., zone] if zone.trim().eq_ignore_ascii_case("GMT") => rest,
        all => all,
    }
}

/// Place of `name` in `names`.
fn index(names: &[&str], name: &str) -> Option<u64> {
    let place = names
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name.trim()))?;
    u64::try_from(place).ok()
}
