//! Whole numbers that software wrote as floats: `2139.0`, `2.139E3`.

/// More digits than this do not survive a float.
const DIGITS_MAX: usize = 15;

/// The result of reading a text as a number with a point or an exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Float {
    /// It is not such a number.
    No,
    /// A whole number, all of whose digits are there.
    Whole,
    /// A number that is not whole.
    Fraction,
    /// A whole number that has more digits than were written, or than a float holds: some are lost.
    Shortened,
    /// A number beyond the range of floats.
    Infinite,
}

/// Reads `text`; the digits of a [whole](Float::Whole) number are written to `whole`, which is cleared first.
#[must_use]
pub fn read(text: &str, whole: &mut String) -> Float {
    // Most texts are plain digits, or no number at all: one look at their bytes is enough.
    let mut is_marked = false;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'+' | b'-' => {}
            b'.' | b'e' | b'E' => is_marked = true,
            _ => return Float::No,
        }
    }
    if !is_marked {
        return Float::No;
    }
    let (negative, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text),
    };
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (number, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let power = exponent.map(|power| power.strip_prefix(['+', '-']).unwrap_or(power));
    let is_float = (fraction.is_some() || power.is_some())
        && !integer.is_empty()
        && is_digits(integer)
        && fraction.is_none_or(is_digits)
        && power.is_none_or(|power| !power.is_empty() && is_digits(power));
    if !is_float {
        return Float::No;
    }
    let fraction = fraction.unwrap_or_default();
    let digits = || integer.bytes().chain(fraction.bytes());
    // An exponent of more digits than this type holds is beyond any text.
    let power = power.map_or(0, |power| power.parse::<i32>().unwrap_or(i32::MAX));
    let power = if exponent.is_some_and(|power| power.starts_with('-')) { -i64::from(power) } else { power.into() };
    // Digits before the point, once it has moved by the exponent.
    let point = integer.len() as i64 + power;
    let is_zero = digits().all(|b| b == b'0');
    let count = if is_zero && exponent.is_some() {
        1
    } else {
        if text.parse::<f64>().is_ok_and(f64::is_infinite) {
            return Float::Infinite;
        }
        let count = point.max(0) as usize;
        if count > integer.len() + fraction.len() {
            return Float::Shortened;
        }
        if digits().skip(count).any(|b| b != b'0') {
            return Float::Fraction;
        }
        count
    };
    let zeros = digits().take(count).take_while(|b| *b == b'0').count();
    if count - zeros > DIGITS_MAX {
        return Float::Shortened;
    }
    whole.clear();
    if negative && !is_zero {
        whole.push('-');
    }
    // Leading zeros were written on purpose, except in a mantissa with an exponent.
    let skip = if exponent.is_some() { zeros.min(count.saturating_sub(1)) } else { 0 };
    whole.extend(digits().take(count).skip(skip).map(char::from));
    Float::Whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values() {
        let mut whole = String::from("left over");
        for (text, digits) in [
            ("2139.0", "2139"),
            ("60609.00", "60609"),
            ("2139.", "2139"),
            ("02139.0", "02139"),
            ("00000.0", "00000"),
            ("2.139E3", "2139"),
            ("21.39e2", "2139"),
            ("2.1390E3", "2139"),
            ("0.2139E4", "2139"),
            ("21390E-1", "2139"),
            ("6.175550101E+09", "6175550101"),
            ("6175550101.0", "6175550101"),
            ("-2139.0", "-2139"),
            ("0.0", "0"),
            ("-0.0", "0"),
            ("0e400", "0"),
            ("0.000e-9", "0"),
            ("7e0", "7"),
            ("123456789012345.0", "123456789012345"),
        ] {
            assert_eq!(read(text, &mut whole), Float::Whole, "{text}");
            assert_eq!(whole, digits, "{text}");
        }
        for (text, float) in [
            ("6.18E+09", Float::Shortened),
            ("1e3", Float::Shortened),
            ("1E+2", Float::Shortened),
            ("1234567890123456.0", Float::Shortened),
            ("1.234567890123456E15", Float::Shortened),
            ("1e308", Float::Shortened),
            ("1e400", Float::Infinite),
            ("-1e400", Float::Infinite),
            ("1e99999999999999999999", Float::Infinite),
            ("9.5", Float::Fraction),
            ("9.51E1", Float::Fraction),
            ("0.1e-7", Float::Fraction),
            ("1e-99999999999999999999", Float::Fraction),
            ("2139", Float::No),
            ("-0", Float::No),
            ("", Float::No),
            (".5", Float::No),
            ("1e", Float::No),
            ("1e+", Float::No),
            ("1.2.3", Float::No),
            ("1e2e3", Float::No),
            ("+1.0", Float::No),
            ("02139-1.0", Float::No),
            ("E1 6AN", Float::No),
            ("1,5.0", Float::No),
        ] {
            assert_eq!(read(text, &mut whole), float, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_way_of_writing_a_number_gives_its_digits(n in 1u64..1_000_000_000_000_000) {
            let mut whole = String::new();
            let digits = n.to_string();
            let exponent = digits.len() - 1;
            let mantissa = format!("{}.{}", &digits[..1], &digits[1..]);
            for text in [format!("{n}.0"), format!("{n}.00"), format!("{mantissa}E{exponent}"), format!("{mantissa}0e+{exponent:02}")] {
                prop_assert_eq!(read(&text, &mut whole), Float::Whole);
                prop_assert_eq!(&whole, &digits);
            }
            prop_assert_eq!(read(&format!("{mantissa}E{}", exponent + 1), &mut whole), Float::Shortened);
        }

        #[test]
        fn nothing_else_is_taken(text in "[0-9.eE+-]{0,9}|\\PC{0,9}") {
            let mut whole = String::new();
            if read(&text, &mut whole) == Float::Whole {
                prop_assert_eq!(whole.parse::<f64>().unwrap(), text.parse::<f64>().unwrap());
                prop_assert_eq!(read(&whole, &mut String::new()), Float::No);
            }
        }
    }
}
