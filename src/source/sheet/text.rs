//! Values of cells to text.

use calamine::{Data, DataRef, ExcelDateTime};
use jiff::ToSpan;
use jiff::civil::DateTime;
use std::fmt::Write;

/// Whole numbers from here on have more digits than a spreadsheet keeps.
const WHOLE_MAX: f64 = 1e15;
/// The serial number of the first day behind the year 9999.
const DAYS_MAX: f64 = 2_958_466.0;

/// Appends a value of XLSX or XLSB.
#[inline]
pub(super) fn of_ref(value: &DataRef<'_>, out: &mut String) {
    match value {
        DataRef::SharedString(text) => out.push_str(text),
        DataRef::String(text) | DataRef::DurationIso(text) => out.push_str(text),
        DataRef::Float(number) => self::number(*number, out),
        DataRef::Int(number) => write(out, *number),
        DataRef::Bool(is) => write(out, *is),
        DataRef::DateTime(date) => self::date(*date, out),
        DataRef::DateTimeIso(text) => iso_date(text, out),
        DataRef::Error(error) => write(out, error),
        DataRef::Empty => {}
    }
}

/// Appends a value of XLS.
pub(super) fn of_data(value: &Data, out: &mut String) {
    match value {
        Data::String(text) | Data::DurationIso(text) => out.push_str(text),
        Data::Float(number) => self::number(*number, out),
        Data::Int(number) => write(out, *number),
        Data::Bool(is) => write(out, *is),
        Data::DateTime(date) => self::date(*date, out),
        Data::DateTimeIso(text) => iso_date(text, out),
        Data::Error(error) => write(out, error),
        Data::Empty => {}
    }
}

fn write(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

/// Appends a number: a whole one with all its digits, as long as a spreadsheet keeps them. From 16 digits on it does not, and the
/// number is written as a spreadsheet shows it, so that the rules for numbers that lost digits apply.
pub(super) fn number(number: f64, out: &mut String) {
    if number.fract() == 0.0 && number.abs() < WHOLE_MAX {
        let mut digits = itoa::Buffer::new();
        out.push_str(digits.format(number as i64));
    } else if (1e-7..WHOLE_MAX).contains(&number.abs()) {
        write(out, number);
    } else {
        let text = format!("{number:E}");
        match text.split_once('E') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                let _ = write!(out, "{digits}E+{exponent}");
            }
            _ => out.push_str(&text),
        }
    }
}

/// Appends a date, with its time of day if that is not midnight; a time alone, or a duration, as hours, minutes and seconds.
fn date(date: ExcelDateTime, out: &mut String) {
    let serial = date.as_f64();
    if !(0.0..DAYS_MAX).contains(&serial) {
        return number(serial, out);
    }
    if date.is_duration() || serial < 1.0 && serial.fract() != 0.0 {
        let seconds = (serial * 86_400.0).round() as u64;
        let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        return;
    }
    let (year, month, day, hour, minute, second, milli) = date.to_ymd_hms_milli();
    let known = DateTime::new(
        i16::try_from(year).unwrap_or(i16::MAX),
        i8::try_from(month).unwrap_or(0),
        i8::try_from(day).unwrap_or(0),
        i8::try_from(hour).unwrap_or(0),
        i8::try_from(minute).unwrap_or(0),
        i8::try_from(second).unwrap_or(0),
        0,
    );
    // The serial number of a time of day is seldom exact.
    let rounded = known.and_then(|at| if milli >= 500 { at.checked_add(1.second()) } else { Ok(at) });
    match rounded {
        Ok(at) if at.time() == jiff::civil::Time::midnight() => write(out, at.date()),
        Ok(at) => write(out, at.strftime("%Y-%m-%dT%H:%M:%S")),
        // Excel has a 29th of February in 1900.
        Err(_) => {
            let _ = write!(out, "{year:04}-{month:02}-{day:02}");
        }
    }
}

/// Appends a date of ISO 8601, without a time of day that is midnight.
pub(super) fn iso_date(text: &str, out: &mut String) {
    let day = match text.split_once('T') {
        Some((day, time)) if time.bytes().all(|byte| matches!(byte, b'0' | b':' | b'.' | b'Z')) => day,
        _ => text,
    };
    out.push_str(day);
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn numbers_keep_their_digits() {
        for (value, text) in [
            (6175550101.0, "6175550101"),
            (123456789012345.0, "123456789012345"),
            (-0.0, "0"),
            (2139.0, "2139"),
            (-7.0, "-7"),
            (0.1, "0.1"),
            (1234.5, "1234.5"),
            (1e15, "1E+15"),
            (1.23456789012345e18, "1.23456789012345E+18"),
            (1e-9, "1E-9"),
            (f64::INFINITY, "inf"),
        ] {
            let mut out = String::new();
            number(value, &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn dates_are_those_of_iso() {
        let of = |serial, kind, is_1904| {
            let mut out = String::new();
            date(ExcelDateTime::new(serial, kind, is_1904), &mut out);
            out
        };
        use ExcelDateTimeType::{DateTime, TimeDelta};
        for (serial, kind, is_1904, text) in [
            (37017.0, DateTime, false, "2001-05-06"),
            (35555.0, DateTime, true, "2001-05-06"),
            (37017.5, DateTime, false, "2001-05-06T12:00:00"),
            (37_017.999_999_99, DateTime, false, "2001-05-07"),
            (1.0, DateTime, false, "1900-01-01"),
            (60.0, DateTime, false, "1900-02-29"),
            (61.0, DateTime, false, "1900-03-01"),
            (0.25, DateTime, false, "06:00:00"),
            (1.5, TimeDelta, false, "36:00:00"),
            (-1.0, DateTime, false, "-1"),
            (1e9, DateTime, false, "1000000000"),
        ] {
            assert_eq!(of(serial, kind, is_1904), text);
        }
        for (iso, text) in [
            ("2001-05-06T00:00:00", "2001-05-06"),
            ("2001-05-06T00:00:00.000Z", "2001-05-06"),
            ("2001-05-06T10:30:00", "2001-05-06T10:30:00"),
            ("2001-05-06", "2001-05-06"),
        ] {
            let mut out = String::new();
            iso_date(iso, &mut out);
            assert_eq!(out, text);
        }
    }
}
