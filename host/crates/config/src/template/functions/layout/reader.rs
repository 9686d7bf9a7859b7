//! Times read by a layout.

use jiff::civil;

use super::{DAYS, MONTHS, Offset, Piece, pieces};

/// What a text says by a layout.
pub(in crate::template) struct Parsed {
    pub(in crate::template) time: civil::DateTime,
    /// Seconds east of UTC, if the text tells.
    pub(in crate::template) offset: Option<i32>,
}

/// Reads `text` by `layout`. What the layout leaves out is the first of its
/// kind: January, midnight.
pub(in crate::template) fn parse(layout: &str, text: &str) -> Option<Parsed> {
    let mut reader = Reader {
        rest: text,
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
        afternoon: None,
        offset: None,
    };
    for piece in pieces(layout) {
        reader.piece(piece)?;
    }
    if !reader.rest.is_empty() {
        return None;
    }
    let hour = match (reader.afternoon, reader.hour) {
        (Some(true), hour) if hour < 12 => hour + 12,
        (Some(false), 12) => 0,
        (_, hour) => hour,
    };
    let (month, day) = (
        i8::try_from(reader.month).ok()?,
        i8::try_from(reader.day).ok()?,
    );
    let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(reader.minute).ok()?);
    let second = i8::try_from(reader.second).ok()?;
    let year = i16::try_from(reader.year).ok()?;
    let nanosecond = reader.nanosecond;
    let time = civil::DateTime::new(year, month, day, hour, minute, second, nanosecond);
    Some(Parsed {
        time: time.ok()?,
        offset: reader.offset,
    })
}

struct Reader<'a> {
    rest: &'a str,
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: i32,
    nanosecond: i32,
    afternoon: Option<bool>,
    offset: Option<i32>,
}

impl Reader<'_> {
    fn piece(&mut self, piece: Piece<'_>) -> Option<()> {
        match piece {
            Piece::Text(text) => self.rest = self.rest.strip_prefix(text)?,
            Piece::LongMonth => self.month = self.name(&MONTHS, false)? + 1,
            Piece::Month => self.month = self.name(&MONTHS, true)? + 1,
            Piece::NumMonth => self.month = self.number(1, 2)?,
            Piece::ZeroMonth => self.month = self.number(2, 2)?,
            Piece::LongWeekDay => drop(self.name(&DAYS, false)?),
            Piece::WeekDay => drop(self.name(&DAYS, true)?),
            Piece::Day => self.day = self.number(1, 2)?,
            Piece::SpaceDay => {
                self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                self.day = self.number(1, 2)?;
            }
            Piece::ZeroDay => self.day = self.number(2, 2)?,
            Piece::SpaceYearDay | Piece::ZeroYearDay => return None,
            Piece::Hour => self.hour = self.number(2, 2)?,
            Piece::Hour12 => self.hour = self.number(1, 2)?,
            Piece::ZeroHour12 => self.hour = self.number(2, 2)?,
            Piece::Minute => self.minute = self.number(1, 2)?,
            Piece::ZeroMinute => self.minute = self.number(2, 2)?,
            Piece::Second => self.second = self.seconds(1)?,
            Piece::ZeroSecond => self.second = self.seconds(2)?,
            Piece::LongYear => self.year = self.number(4, 4)?,
            Piece::Year => {
                let year = self.number(2, 2)?;
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Piece::UpperPm => self.afternoon = Some(self.either("AM", "PM")?),
            Piece::LowerPm => self.afternoon = Some(self.either("am", "pm")?),
            Piece::Zone => {
                let end = self.rest.find(|c: char| !c.is_ascii_uppercase());
                let (zone, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                if zone == "UTC" || zone == "GMT" {
                    self.offset = Some(0);
                }
            }
            Piece::Offset(offset) => self.offset = Some(self.offset(offset)?),
            Piece::Fraction(..) | Piece::ShortFraction(..) => self.fraction()?,
        }
        Some(())
    }

    fn name(&mut self, names: &[&str], short: bool) -> Option<i32> {
        for (index, name) in (0..).zip(names) {
            let name = if short { name.get(..3)? } else { name };
            let start = self.rest.get(..name.len());
            if start.is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.rest = self.rest.get(name.len()..)?;
                return Some(index);
            }
        }
        None
    }

    fn number(&mut self, least: usize, most: usize) -> Option<i32> {
        let digits = self.rest.bytes().take(most);
        let count = digits.take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits.parse().ok()
    }

    /// Decimals may follow, also without a place in the layout.
    fn seconds(&mut self, least: usize) -> Option<i32> {
        let seconds = self.number(least, 2)?;
        self.fraction()?;
        Some(seconds)
    }

    fn fraction(&mut self) -> Option<()> {
        let Some(digits) = self.rest.strip_prefix(['.', ',']) else {
            return Some(());
        };
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return Some(());
        }
        let (digits, rest) = digits.split_at(count);
        self.rest = rest;
        let nine = format!("{digits:0<9}");
        self.nanosecond = nine.get(..9)?.parse().ok()?;
        Some(())
    }

    fn either(&mut self, no: &str, yes: &str) -> Option<bool> {
        let found = self.rest.starts_with(yes);
        let word = if found { yes } else { no };
        self.rest = self.rest.strip_prefix(word)?;
        Some(found)
    }

    fn offset(&mut self, offset: Offset) -> Option<i32> {
        if offset.z
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            return Some(0);
        }
        let west = !self.either("-", "+")?;
        let mut seconds = self.number(2, 2)? * 3600;
        for (wanted, unit) in [(offset.minutes, 60), (offset.seconds, 1)] {
            if wanted {
                if offset.colons {
                    self.rest = self.rest.strip_prefix(':')?;
                }
                seconds += self.number(2, 2)? * unit;
            }
        }
        Some(if west { -seconds } else { seconds })
    }
}
