//! Birthdays: a month and a day, both or neither.

use super::date::days_in;
use super::number::{self, Float};
use super::{Effect, Rule, text};
use crate::model::finding::{Code, Severity};
use crate::model::member::Value;

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::BDY001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "not a whole number of a month (1 to 12) or day (1 to 31)",
        help: "write a whole number; birthday_month and birthday_day are both held back when one is bad",
        why: "The service takes whole numbers in these ranges only.",
        before: r#""birthday_month":"July","birthday_day":4"#,
        after: "both are held back: the contact goes on without a birthday",
    },
    Rule {
        code: Code::BDY002,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the other half of the birthday is missing or bad",
        help: "give both birthday_month and birthday_day, or neither",
        why: "The contract requires birthday_month with birthday_day, and the other way round.",
        before: r#""birthday_month":7"#,
        after: "held back: the contact goes on without a birthday",
    },
    Rule {
        code: Code::BDY003,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the month does not have that day",
        help: "check that month and day are not swapped",
        why: "There is no such birthday. 29 February is one.",
        before: r#""birthday_month":2,"birthday_day":30"#,
        after: "both are held back: the contact goes on without a birthday",
    },
    Rule {
        code: Code::BDY004,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "written as a whole number",
        help: "nothing to do",
        why: "The schema's type for birthdays is integer.",
        before: r#""birthday_month":"07","birthday_day":4.0"#,
        after: r#""birthday_month":7,"birthday_day":4"#,
    },
];

/// What half a birthday is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// This number; true when it was written as a whole number already.
    Number(u8, bool),
    /// Nothing is there.
    Blank,
    /// It is no number, or not in its range.
    Bad,
}

/// Reads a month (`max` 12) or a day (`max` 31).
#[must_use]
#[inline]
pub fn parse(given: &Value<'_>, max: u8) -> Half {
    let in_range = |n: u64, same| match u8::try_from(n) {
        Ok(n) if n >= 1 && n <= max => Half::Number(n, same),
        _ => Half::Bad,
    };
    match *given {
        Value::Integer(n) => in_range(n, true),
        Value::Null => Half::Blank,
        Value::Number(text) => digits(text).map_or(Half::Bad, |n| in_range(n, false)),
        Value::String(text) => match text::trim(text) {
            "" => Half::Blank,
            text => digits(text).map_or(Half::Bad, |n| in_range(n, false)),
        },
        Value::Bool(_) | Value::Nested(_) => Half::Bad,
    }
}

/// Digits, or a whole number written as a float: `7`, `07`, `7.0`, `1.2E1`. Spreadsheets write all of these.
fn digits(text: &str) -> Option<u64> {
    let mut whole = String::new();
    let digits = match number::read(text, &mut whole) {
        // A point with nothing behind it was cut off.
        Float::Whole if !text.ends_with('.') => whole.as_str(),
        _ => text,
    };
    let good = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if good { digits.parse().ok() } else { None }
}

/// True when the month has that day, in a leap year.
#[must_use]
#[inline]
pub fn exists(month: u8, day: u8) -> bool {
    day <= days_in(month, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (value, half) in [
            (Value::Integer(7), Half::Number(7, true)),
            (Value::Integer(12), Half::Number(12, true)),
            (Value::Integer(13), Half::Bad),
            (Value::Integer(0), Half::Bad),
            (Value::Integer(263), Half::Bad),
            (Value::Number("7.0"), Half::Number(7, false)),
            (Value::Number("7.00"), Half::Number(7, false)),
            (Value::Number("7.5"), Half::Bad),
            (Value::Number("7e0"), Half::Number(7, false)),
            (Value::Number("1.2E1"), Half::Number(12, false)),
            (Value::String("1.2E+01"), Half::Number(12, false)),
            (Value::Number("1e1"), Half::Bad),
            (Value::Number("1e400"), Half::Bad),
            (Value::String("7\0"), Half::Bad),
            (Value::Number("-7"), Half::Bad),
            (Value::Number("-0"), Half::Bad),
            (Value::String("7"), Half::Number(7, false)),
            (Value::String(" 07 "), Half::Number(7, false)),
            (Value::String("7.0"), Half::Number(7, false)),
            (Value::String("7."), Half::Bad),
            (Value::String("July"), Half::Bad),
            (Value::String(" "), Half::Blank),
            (Value::String("00000000000000000000007"), Half::Bad),
            (Value::Null, Half::Blank),
            (Value::Bool(true), Half::Bad),
            (Value::Nested("[7]"), Half::Bad),
        ] {
            assert_eq!(parse(&value, 12), half, "{value:?}");
        }
    }

    #[test]
    fn days() {
        assert!(exists(2, 29) && !exists(2, 30) && exists(4, 30) && !exists(4, 31) && exists(12, 31));
    }
}
