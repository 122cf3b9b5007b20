//! The types of custom fields: whether a value fits.

use crate::rules::date::{DateResult, parse};
use jiff::Timestamp;
use jiff::civil::DateTime;

/// The type of a field whose values are not any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// A day.
    Date,
    /// A day, or a day and a time.
    DateTime,
    /// A number.
    Number,
    /// An amount.
    Currency,
    /// `true` or `false`.
    Boolean,
    /// One of these labels. Without any, values cannot be checked.
    SingleSelect(Vec<String>),
    /// Some of these labels.
    MultiSelect(Vec<String>),
}

impl FieldType {
    /// The type of this name in the service; `None` where any text fits.
    #[must_use]
    pub fn of(name: &str, labels: Vec<String>) -> Option<FieldType> {
        Some(match name {
            "date" => FieldType::Date,
            "datetime" => FieldType::DateTime,
            "number" => FieldType::Number,
            "currency" => FieldType::Currency,
            "boolean" => FieldType::Boolean,
            "single_select" if !labels.is_empty() => FieldType::SingleSelect(labels),
            "multi_select" if !labels.is_empty() => FieldType::MultiSelect(labels),
            _ => return None,
        })
    }

    /// What a value is not, if it does not fit.
    #[must_use]
    pub fn misfit(&self, value: &str) -> Option<&'static str> {
        let is_label = |labels: &[String], value: &str| {
            labels.iter().any(|label| label == value || label.to_lowercase() == value.to_lowercase())
        };
        let (fits, what) = match self {
            FieldType::Date => (is_day(value), "no date"),
            FieldType::DateTime => (is_day(value) || is_moment(value), "no date and time"),
            FieldType::Number => (is_number(value), "no number"),
            FieldType::Currency => (is_number(value.strip_prefix('$').unwrap_or(value)), "no amount"),
            FieldType::Boolean => {
                (value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"), "neither true nor false")
            }
            FieldType::SingleSelect(labels) => (is_label(labels, value), "none of the choices"),
            FieldType::MultiSelect(labels) => {
                let fits = is_label(labels, value) || super::chosen(value).iter().all(|part| is_label(labels, part));
                (fits, "not made of the choices")
            }
        };
        (!fits).then_some(what)
    }
}

fn is_day(value: &str) -> bool {
    matches!(parse(value), DateResult::Day(..) | DateResult::Midnight(_))
}

fn is_moment(value: &str) -> bool {
    value.parse::<Timestamp>().is_ok() || value.parse::<DateTime>().is_ok() || matches!(parse(value), DateResult::Time)
}

/// True for a decimal number: a sign, digits that may be in groups of three, and a fraction.
fn is_number(value: &str) -> bool {
    let value = value.strip_prefix(['-', '+']).unwrap_or(value);
    let (whole, fraction) = value.split_once('.').map_or((value, None), |(whole, fraction)| (whole, Some(fraction)));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_whole = match whole.contains(',') {
        true => are_digits(first) && first.len() <= 3 && groups.all(|group| group.len() == 3 && are_digits(group)),
        false => are_digits(first),
    };
    (is_whole || (whole.is_empty() && fraction.is_some())) && fraction.is_none_or(are_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_types() {
        let labels = || vec!["Apple".to_owned(), "Pear, green".to_owned()];
        for (name, good, bad) in [
            ("date", &["2024-07-03", "7/3/2024"][..], &["2024-02-30", "soon", "2024-07-03T10:00:00Z"][..]),
            ("datetime", &["2024-07-03T10:00:00Z", "2024-07-03 10:00", "2024-07-03"], &["10:00", "x"]),
            ("number", &["1", "-1.5", "1,234,567.8", "0.5", ".5"], &["", "1,23", "1.", "$1", "one", "1e5", "."]),
            ("currency", &["$1,000.00", "12.5", "-3"], &["12 USD", "$"]),
            ("boolean", &["true", "FALSE"], &["yes", "1", "truth"]),
            ("single_select", &["Apple", "apple", "Pear, green"], &["Apple; Pear, green", "Fig", ""]),
            ("multi_select", &["Apple", "Pear, green", "Apple; pear, green", "apple,apple"], &["Apple; Fig", "Pear"]),
        ] {
            let kind = FieldType::of(name, labels()).unwrap();
            for value in good {
                assert_eq!(kind.misfit(value), None, "{name} {value:?}");
            }
            for value in bad {
                assert!(kind.misfit(value).is_some(), "{name} {value:?}");
            }
        }
        assert!(FieldType::of("string", labels()).is_none() && FieldType::of("text_area", vec![]).is_none());
        assert!(FieldType::of("single_select", vec![]).is_none() && FieldType::of("x", vec![]).is_none());
    }
}
