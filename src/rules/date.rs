//! Dates: eight ways of writing a day, normalised to one.

use super::{Effect, Rule, ValueCheck, text};
use crate::model::finding::{Code, Detail, Severity};
use std::fmt::{self, Write as _};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::DAT001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "not a date in a form that the service accepts",
        help: "write it as YYYY-MM-DD; M/D/YYYY, YYYY/M/D and M-D-YYYY are understood too, the month before the day",
        why: "The contract lists the accepted forms; a time of day, a month's name or a two-digit year is not among them.",
        before: r#""anniversary":"15. July 2002""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::DAT002,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "there is no such day, or its year is not in 1900 to 2100",
        help: "check month and day: the month comes first when the year is last",
        why: "A date that does not exist is refused, or worse, becomes another one.",
        before: r#""anniversary":"02/30/2015""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::DAT003,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the date was written as YYYY-MM-DD",
        help: "nothing to do",
        why: "One form for all, which cannot be misread.",
        before: r#""anniversary":"7/4/2015""#,
        after: r#""anniversary":"2015-07-04""#,
    },
    Rule {
        code: Code::DAT004,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the time of day, midnight, was left out",
        help: "nothing to do",
        why: "Databases and programs write a day as its midnight. The contract takes days alone.",
        before: r#""anniversary":"2015-07-04T00:00:00Z""#,
        after: r#""anniversary":"2015-07-04""#,
    },
    Rule {
        code: Code::DAT005,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the parts of the date stand in another order",
        help: "name the order with --date-order, if all dates have it: dmy for day, month, year",
        why: "Most countries write the day first. One date in that order tells that the others may be in it too, and a date like \
              04/03/2001 does not show which it is: so the order is an option, and no guess.",
        before: r#""anniversary":"13/05/2001""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::DAT006,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the date is all zeros; the member was left out",
        help: "nothing to do",
        why: "Databases write a missing date this way. An import updates the members it carries.",
        before: r#""anniversary":"0000-00-00""#,
        after: "left out",
    },
];

/// The order of the parts of dates whose year is last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// `M/D/YYYY`, as in the US and in the contract.
    #[default]
    MonthFirst,
    /// `D/M/YYYY`
    DayFirst,
    /// The year is always first: `YYYY/M/D`. Others are bad.
    YearFirst,
}

/// What a date whose year is last tells about the order of its day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderClue {
    /// Only day first is a date: `13/05/2001`.
    DayFirst,
    /// Only month first is a date: `05/13/2001`.
    MonthFirst,
    /// Both are, and they are two days: `04/03/2001`.
    Ambiguous,
}

/// What `given` tells about the order of dates, if anything.
#[must_use]
pub fn order_clue(given: &str) -> Option<OrderClue> {
    let is = |order| matches!(parse_in(given, order), DateResult::Day(..) | DateResult::Midnight(_) | DateResult::Time);
    // A year in front has one meaning only, in whatever order the others are.
    if is(DateOrder::YearFirst) {
        return None;
    }
    match (is(DateOrder::DayFirst), is(DateOrder::MonthFirst)) {
        (true, false) => Some(OrderClue::DayFirst),
        (false, true) => Some(OrderClue::MonthFirst),
        // The fifth of May is the same either way.
        (true, true) if parse_in(given, DateOrder::DayFirst) != parse_in(given, DateOrder::MonthFirst) => {
            Some(OrderClue::Ambiguous)
        }
        _ => None,
    }
}

/// A day of the Gregorian calendar.
///
/// Not `jiff::civil::Date`, because every date of every contact is checked: the check takes 1.6 ns here and 3.4 ns with jiff
/// (`cargo bench --bench rules -- calendar`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year
    pub year: u16,
    /// Month, from 1
    pub month: u8,
    /// Day, from 1
    pub day: u8,
}

impl Date {
    /// Today, by the clock and time zone of this machine.
    #[must_use]
    pub fn today() -> Date {
        let today = jiff::Zoned::now().date();
        Date { year: today.year().unsigned_abs(), month: today.month().unsigned_abs(), day: today.day().unsigned_abs() }
    }

    /// The day, if the calendar has it and its year is in 1900 to 2100.
    #[must_use]
    #[inline]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let good = (1900..=2100).contains(&year) && day >= 1 && day <= days_in(month, is_leap(year));
        good.then_some(Date { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Days of a month; 0 where there is no such month.
#[must_use]
#[inline]
pub fn days_in(month: u8, leap: bool) -> u8 {
    match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The result of reading a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateResult {
    /// This day; true when it was written as `YYYY-MM-DD` already.
    Day(Date, bool),
    /// It is empty.
    Blank,
    /// It is all zeros, as databases write a date of none.
    Zero,
    /// This day, at its midnight.
    Midnight(Date),
    /// It has a time of day that is not midnight.
    Time,
    /// It breaks the rule of this code.
    Bad(Code),
}

/// The detail of a finding about a date with a time of day.
const TIME_OF_DAY: Detail<'static> = Detail::Cause {
    what: "it has a time of day",
    help: "write the day alone, as YYYY-MM-DD: which day a time is on depends on the time zone, so presort does not guess",
};

/// Checks a date without further conditions.
#[inline]
pub fn check(given: &str, order: DateOrder, buffer: &mut String) -> ValueCheck {
    parse_in(given, order).check(given, buffer)
}

impl DateResult {
    /// The answer for a value that reads so; a changed form is written to `buffer`.
    #[inline]
    pub(super) fn check(self, given: &str, buffer: &mut String) -> ValueCheck {
        let (day, code) = match self {
            DateResult::Day(_, true) => return ValueCheck::Same,
            DateResult::Day(day, false) => (day, Code::DAT003),
            DateResult::Midnight(day) => (day, Code::DAT004),
            DateResult::Blank => return ValueCheck::Blank,
            DateResult::Zero => return ValueCheck::Absent(Code::DAT006),
            DateResult::Time => return ValueCheck::Bad(Code::DAT001, TIME_OF_DAY),
            DateResult::Bad(code) => {
                return ValueCheck::Bad(code, text::control_in(given).map_or(Detail::None, Detail::Is));
            }
        };
        buffer.clear();
        let _ = write!(buffer, "{day}");
        ValueCheck::Changed(code)
    }
}

#[inline]
fn number(digits: &[u8]) -> Option<u16> {
    let good = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    good.then(|| digits.iter().fold(0u16, |n, d| n.wrapping_mul(10).wrapping_add(u16::from(d - b'0'))))
}

/// Reads a date. The month comes before the day.
#[must_use]
#[inline]
pub fn parse(given: &str) -> DateResult {
    parse_in(given, DateOrder::MonthFirst)
}

/// Reads a date whose parts are in this order, or whose year is in front.
#[must_use]
#[inline]
pub fn parse_in(given: &str, order: DateOrder) -> DateResult {
    if let [y @ .., b'-', m1, m2, b'-', d1, d2] = given.as_bytes()
        && y.len() == 4
        && let (Some(year), Some(month), Some(day)) = (number(y), number(&[*m1, *m2]), number(&[*d1, *d2]))
    {
        return match Date::new(year, month as u8, day as u8) {
            Some(date) => DateResult::Day(date, true),
            None if year == 0 && month == 0 && day == 0 => DateResult::Zero,
            None => DateResult::Bad(Code::DAT002),
        };
    }
    parse_slowly(given, order)
}

fn parse_slowly(given: &str, order: DateOrder) -> DateResult {
    let text = text::trim(given);
    if text.is_empty() {
        return DateResult::Blank;
    }
    if let Some(milliseconds) = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")) {
        return of_milliseconds(milliseconds).unwrap_or(DateResult::Bad(Code::DAT001));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '/' && c != '-').unwrap_or(text.len());
    let (day, time) = text.split_at(end);
    let time = if time.is_empty() { None } else { Some(is_midnight(time)) };
    let is_midnight = !matches!(time, Some(Some(false)));
    if is_midnight && is_zero(day) && time != Some(None) {
        return DateResult::Zero;
    }
    match (parse_day(day, order), time) {
        (_, Some(None)) => DateResult::Bad(Code::DAT001),
        (Err(code), _) => DateResult::Bad(code),
        (Ok(day), None) => DateResult::Day(day, false),
        (Ok(day), Some(Some(true))) => DateResult::Midnight(day),
        (Ok(_), Some(Some(false))) => DateResult::Time,
    }
}

/// True for three parts that are all zeros: `0/0/00`.
fn is_zero(text: &str) -> bool {
    let is_date = |separator| {
        let parts = text.split(separator);
        parts.clone().count() == 3 && parts.clone().all(|part| (1..=4).contains(&part.len()))
    };
    text.bytes().all(|b| matches!(b, b'0' | b'/' | b'-')) && (is_date('/') || is_date('-'))
}

/// A day in one of the forms of the contract, with the parts in this order where the year is last.
fn parse_day(text: &str, order: DateOrder) -> Result<Date, Code> {
    let separator = if text.contains('/') { '/' } else { '-' };
    let mut parts = text.split(separator).map(str::as_bytes);
    let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Code::DAT001);
    };
    let (year, month, day, is_year_last) = match (a.len(), b.len(), c.len()) {
        (4, 1..=2, 1..=2) => (a, b, c, false),
        (1..=2, 1..=2, 4) if order == DateOrder::DayFirst => (c, b, a, true),
        (1..=2, 1..=2, 4) => (c, a, b, true),
        _ => return Err(Code::DAT001),
    };
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return Err(Code::DAT001);
    };
    let (month, day) = (month as u8, day as u8);
    match Date::new(year, month, day) {
        Some(_) if is_year_last && order == DateOrder::YearFirst => Err(Code::DAT005),
        Some(date) => Ok(date),
        None if is_year_last && Date::new(year, day, month).is_some() => Err(Code::DAT005),
        None => Err(Code::DAT002),
    }
}

/// Whether the time of day behind a day is midnight, as it is written: `T00:00:00.000Z`, ` 0:00`, `, 12:00:00 AM`. None where
/// it is no time of day.
fn is_midnight(behind: &str) -> Option<bool> {
    let time = match behind.strip_prefix(['T', 't']) {
        Some(time) => time,
        None => behind.trim_start_matches(|c: char| c == ',' || c.is_whitespace()),
    };
    let clock_end = time.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(time.len());
    let (clock, mut rest) = time.split_at(clock_end);
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next());
    let is_part = |part: &str| (1..=2).contains(&part.len());
    if parts.next().is_some() || ![Some(hour), Some(minute), second].into_iter().flatten().all(is_part) {
        return None;
    }
    let is_zero = |part: &str| part.bytes().all(|b| b == b'0');
    let mut midnight = is_zero(minute) && second.is_none_or(is_zero);
    if let Some(behind) = rest.strip_prefix(['.', ',']).filter(|_| second.is_some()) {
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        if end == 0 {
            return None;
        }
        midnight &= is_zero(&behind[..end]);
        rest = &behind[end..];
    }
    rest = rest.trim_start();
    let half = rest.get(..2).filter(|half| half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm"));
    midnight &= match half {
        Some(half) => {
            rest = rest[2..].trim_start();
            half.eq_ignore_ascii_case("am") && (hour == "12" || is_zero(hour))
        }
        None => is_zero(hour),
    };
    is_zone(rest).then_some(midnight)
}

/// True for a time zone, or nothing: `Z`, `UTC`, `+02:00`, `-0500`.
fn is_zone(text: &str) -> bool {
    if ["", "z", "utc", "gmt"].iter().any(|zone| text.eq_ignore_ascii_case(zone)) {
        return true;
    }
    let Some(offset) = text.strip_prefix(['+', '-']) else { return false };
    let digits: Vec<u8> = offset.bytes().filter(|b| *b != b':').collect();
    matches!(digits.len(), 2 | 4) && offset.len() - digits.len() <= 1 && digits.iter().all(u8::is_ascii_digit)
}

/// The day of `/Date(1439424000000)/`: milliseconds since 1970, and perhaps the offset of a time zone behind them.
fn of_milliseconds(text: &str) -> Option<DateResult> {
    const DAY: i64 = 86_400_000;
    let sign = text.get(1..)?.find(['+', '-']).map_or(text.len(), |at| at + 1);
    let (milliseconds, offset) = text.split_at(sign);
    let mut milliseconds: i64 = milliseconds.parse().ok()?;
    if let (Some(sign), Some(digits)) = (offset.get(..1), offset.get(1..)) {
        if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let minutes: i64 = digits[..2].parse::<i64>().ok()? * 60 + digits[2..].parse::<i64>().ok()?;
        let minutes = if sign == "-" { -minutes } else { minutes };
        milliseconds = milliseconds.checked_add(minutes * 60_000)?;
    }
    let days = milliseconds.div_euclid(DAY);
    // The allowed years, with a margin: far outside of them, the time of day does not matter.
    if !(-1_000_000..1_000_000).contains(&days) {
        return Some(DateResult::Bad(Code::DAT002));
    }
    if milliseconds.rem_euclid(DAY) != 0 {
        return Some(DateResult::Time);
    }
    Some(civil(milliseconds).map_or(DateResult::Bad(Code::DAT002), DateResult::Midnight))
}

/// The day of a moment in UTC, in milliseconds since 1970, if [`Date`] has it. (With jiff, which takes 33 ns for the whole value;
/// arithmetic of our own took 42 ns.)
fn civil(milliseconds: i64) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    let day = jiff::tz::Offset::UTC.to_datetime(moment).date();
    Date::new(day.year().try_into().ok()?, day.month().unsigned_abs(), day.day().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let day = |s| match parse(s) {
            DateResult::Day(date, same) => {
                assert_eq!(same, date.to_string() == s);
                date.to_string()
            }
            other => panic!("{s}: {other:?}"),
        };
        for s in [
            "07/04/2015",
            "7/4/2015",
            "2015/07/04",
            "2015/7/4",
            "2015-07-04",
            "2015-7-4",
            "7-4-2015",
            "7-04-2015",
            " 7/4/2015 ",
            "\u{200b}2015-07-04",
        ] {
            assert_eq!(day(s), "2015-07-04", "{s}");
        }
        assert_eq!(day("2/29/2000"), "2000-02-29");
    }

    #[test]
    fn refused() {
        for (s, code) in [
            ("2/29/1900", Code::DAT002),
            ("2/30/2015", Code::DAT002),
            ("13/1/2015", Code::DAT005),
            ("13/1/2015 0:00", Code::DAT005),
            ("31/2/2015", Code::DAT002),
            ("32/1/2015", Code::DAT002),
            ("2015/13/1", Code::DAT002),
            ("0/1/2015", Code::DAT002),
            ("1/0/2015", Code::DAT002),
            ("1/1/1899", Code::DAT002),
            ("2101-01-01", Code::DAT002),
            ("2015-13-01", Code::DAT002),
            ("1/1/15", Code::DAT001),
            ("2015/03-15", Code::DAT001),
            ("2015-07-04\0", Code::DAT001),
            ("\u{1b}2015-07-04", Code::DAT001),
            ("2015-07-04\u{7f}", Code::DAT001),
            ("2015-07-04T", Code::DAT001),
            ("2015-07-04 noon", Code::DAT001),
            ("2015-07-04T00", Code::DAT001),
            ("2015-07-04T00:00:00 somewhere", Code::DAT001),
            ("2015-02-30T00:00:00Z", Code::DAT002),
            ("0001-01-01T00:00:00", Code::DAT002),
            ("/Date(-62135596800000)/", Code::DAT002),
            ("/Date(9223372036854775807)/", Code::DAT002),
            ("/Date()/", Code::DAT001),
            ("/Date(x)/", Code::DAT001),
            ("/Date(0+é)/", Code::DAT001),
            ("20150704", Code::DAT001),
            ("July 4, 2015", Code::DAT001),
            ("-2015-07-04", Code::DAT001),
            ("2015-07-04-", Code::DAT001),
            ("2015-٠٧-04", Code::DAT001),
            ("4.7.2015", Code::DAT001),
            ("12345", Code::DAT001),
        ] {
            assert_eq!(parse(s), DateResult::Bad(code), "{s}");
        }
        assert_eq!(parse(" "), DateResult::Blank);
    }

    #[test]
    fn zeros_are_no_date() {
        for s in [
            "0/0/00",
            "0000-00-00",
            "00/00/0000",
            "0/0/0000",
            " 0000-00-00 00:00:00",
            "0000-00-00T00:00:00Z",
            "00-00-00",
        ] {
            assert_eq!(parse(s), DateResult::Zero, "{s}");
        }
        for s in ["0", "00/00", "0000-00-00 01:00", "0/0-00", "0000-00-00 x", "000000", "//", "0//0"] {
            assert!(matches!(parse(s), DateResult::Bad(_)), "{s}: {:?}", parse(s));
        }
    }

    #[test]
    fn orders() {
        use DateOrder::{DayFirst, MonthFirst, YearFirst};
        let day = |text: &str, order| match parse_in(text, order) {
            DateResult::Day(day, _) | DateResult::Midnight(day) => Ok(day.to_string()),
            DateResult::Bad(code) => Err(code),
            other => panic!("{text}: {other:?}"),
        };
        let good = |text: &str| Ok(text.to_owned());
        for (text, month, first, year) in [
            ("13/05/2001", Err(Code::DAT005), good("2001-05-13"), Err(Code::DAT005)),
            ("05/13/2001", good("2001-05-13"), Err(Code::DAT005), Err(Code::DAT005)),
            ("04-03-2001", good("2001-04-03"), good("2001-03-04"), Err(Code::DAT005)),
            ("4/3/2001 0:00", good("2001-04-03"), good("2001-03-04"), Err(Code::DAT005)),
            ("2001/4/3", good("2001-04-03"), good("2001-04-03"), good("2001-04-03")),
            ("2001-04-03", good("2001-04-03"), good("2001-04-03"), good("2001-04-03")),
            ("31/02/2001", Err(Code::DAT002), Err(Code::DAT002), Err(Code::DAT002)),
        ] {
            assert_eq!(day(text, MonthFirst), month, "{text}");
            assert_eq!(day(text, DayFirst), first, "{text}");
            assert_eq!(day(text, YearFirst), year, "{text}");
        }
        for (text, clue) in [
            ("13/05/2001", Some(OrderClue::DayFirst)),
            ("13/05/2001 0:00", Some(OrderClue::DayFirst)),
            ("13/05/2001 10:30", Some(OrderClue::DayFirst)),
            ("5-13-2001", Some(OrderClue::MonthFirst)),
            ("04/03/2001", Some(OrderClue::Ambiguous)),
            ("04/04/2001", None),
            ("2001/4/3", None),
            ("2001-04-03", None),
            ("31/02/2001", None),
            ("0/0/00", None),
            ("x", None),
        ] {
            assert_eq!(order_clue(text), clue, "{text}");
        }
    }

    #[test]
    fn times_of_day() {
        let day = Date { year: 2001, month: 5, day: 6 };
        for s in [
            "2001-05-06T00:00:00Z",
            "2001-05-06T00:00:00",
            "2001-05-06T00:00:00.000Z",
            "2001-05-06T00:00",
            "2001-05-06 00:00:00",
            "2001-05-06 00:00:00 UTC",
            "2001-05-06T00:00:00+02:00",
            "2001-05-06 00:00:00 -0500",
            "5/6/2001 0:00",
            "5/6/2001 12:00:00 AM",
            "5/6/2001, 12:00:00\u{202f}AM",
            "5-6-2001 12:00am",
            " 2001/5/6 00:00:00.000000 ",
            "/Date(989107200000)/",
            "/Date(989107200000+0000)/",
            "/Date(989100000000+0200)/",
            "/Date(989125200000-0500)/",
        ] {
            assert_eq!(parse(s), DateResult::Midnight(day), "{s}");
        }
        for s in [
            "2001-05-06T02:07:46.819Z",
            "2001-05-06T00:00:00.001Z",
            "2001-05-06T00:00:01",
            "2001-05-06 00:01",
            "2001-05-06 24:00",
            "5/6/2001 12:00:00 PM",
            "5/6/2001 12:00",
            "5/6/2001 1:00 AM",
            "/Date(1439488954000)/",
        ] {
            assert_eq!(parse(s), DateResult::Time, "{s}");
        }
        assert_eq!(parse("/Date(0)/"), DateResult::Midnight(Date { year: 1970, month: 1, day: 1 }));
        assert_eq!(parse("/Date(-86400000)/"), DateResult::Midnight(Date { year: 1969, month: 12, day: 31 }));
        assert_eq!(parse("/Date(951782400000)/"), DateResult::Midnight(Date { year: 2000, month: 2, day: 29 }));
    }

    proptest! {
        #[test]
        fn every_form_of_a_day_is_that_day(year in 1900u16..=2100, month in 1u8..=12, day in 1u8..=31) {
            for text in [
                format!("{year}-{month:02}-{day:02}"), format!("{year}/{month}/{day}"), format!("{month}/{day:02}/{year}"),
                format!("{month:02}-{day}-{year}"),
            ] {
                match Date::new(year, month, day) {
                    Some(date) => prop_assert!(matches!(parse(&text), DateResult::Day(found, _) if found == date)),
                    None => prop_assert!(matches!(parse(&text), DateResult::Bad(Code::DAT002))),
                }
            }
        }
    }
}
