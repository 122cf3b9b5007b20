//! Dates: eight ways of writing a day, written one way.

use super::{Effect, Rule, text};
use crate::finding::{Code, Severity};
use std::fmt;

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::DAT001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "not a date in a form the service reads",
        help: "write it as YYYY-MM-DD; M/D/YYYY, YYYY/M/D and M-D-YYYY are understood too, the month before the day",
        why: "The contract lists the forms it takes; a time of day, a month's name or a two-digit year is not among them.",
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
        why: "One form, the one that cannot be misread, for all.",
        before: r#""anniversary":"7/4/2015""#,
        after: r#""anniversary":"2015-07-04""#,
    },
];

/// A day of the Gregorian calendar.
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
    /// The last one there is.
    pub const MAX: Date = Date { year: 9999, month: 12, day: 31 };

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

/// What a date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// This day; true when it was written as `YYYY-MM-DD` already.
    Day(Date, bool),
    /// Nothing is there.
    Blank,
    /// It breaks the rule of this code.
    Bad(Code),
}

#[inline]
fn number(digits: &[u8]) -> Option<u16> {
    let good = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    good.then(|| digits.iter().fold(0u16, |n, d| n.wrapping_mul(10).wrapping_add(u16::from(d - b'0'))))
}

/// Reads a date.
#[must_use]
#[inline]
pub fn parse(given: &str) -> Parsed {
    if let [y @ .., b'-', m1, m2, b'-', d1, d2] = given.as_bytes()
        && y.len() == 4
        && let (Some(year), Some(month), Some(day)) = (number(y), number(&[*m1, *m2]), number(&[*d1, *d2]))
    {
        return match Date::new(year, month as u8, day as u8) {
            Some(date) => Parsed::Day(date, true),
            None => Parsed::Bad(Code::DAT002),
        };
    }
    parse_slowly(given)
}

fn parse_slowly(given: &str) -> Parsed {
    let text = text::trim(given);
    if text.is_empty() {
        return Parsed::Blank;
    }
    let separator = if text.contains('/') { '/' } else { '-' };
    let mut parts = text.split(separator).map(str::as_bytes);
    let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Parsed::Bad(Code::DAT001);
    };
    let (year, month, day) = match (a.len(), b.len(), c.len()) {
        (4, 1..=2, 1..=2) => (a, b, c),
        (1..=2, 1..=2, 4) => (c, a, b),
        _ => return Parsed::Bad(Code::DAT001),
    };
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return Parsed::Bad(Code::DAT001);
    };
    match Date::new(year, month as u8, day as u8) {
        Some(date) => Parsed::Day(date, false),
        None => Parsed::Bad(Code::DAT002),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let day = |s| match parse(s) {
            Parsed::Day(date, same) => {
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
            ("13/1/2015", Code::DAT002),
            ("0/1/2015", Code::DAT002),
            ("1/0/2015", Code::DAT002),
            ("1/1/1899", Code::DAT002),
            ("2101-01-01", Code::DAT002),
            ("2015-13-01", Code::DAT002),
            ("1/1/15", Code::DAT001),
            ("2015/03-15", Code::DAT001),
            ("2015-07-04T00:00:00Z", Code::DAT001),
            ("20150704", Code::DAT001),
            ("July 4, 2015", Code::DAT001),
            ("-2015-07-04", Code::DAT001),
            ("2015-07-04-", Code::DAT001),
            ("2015-٠٧-04", Code::DAT001),
            ("4.7.2015", Code::DAT001),
            ("12345", Code::DAT001),
        ] {
            assert_eq!(parse(s), Parsed::Bad(code), "{s}");
        }
        assert_eq!(parse(" "), Parsed::Blank);
    }

    proptest! {
        #[test]
        fn every_form_of_a_day_is_that_day(year in 1900u16..=2100, month in 1u8..=12, day in 1u8..=31) {
            for text in [
                format!("{year}-{month:02}-{day:02}"), format!("{year}/{month}/{day}"), format!("{month}/{day:02}/{year}"),
                format!("{month:02}-{day}-{year}"),
            ] {
                match Date::new(year, month, day) {
                    Some(date) => prop_assert!(matches!(parse(&text), Parsed::Day(found, _) if found == date)),
                    None => prop_assert_eq!(parse(&text), Parsed::Bad(Code::DAT002)),
                }
            }
        }
    }
}
