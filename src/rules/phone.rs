//! US phone numbers: the digits found among the punctuation, written one way; and how many a contact may have.

use super::{Effect, PhoneFormat, Rule, Settings, text};
use crate::finding::{Code, Severity};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::PHN001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "not a US phone number: ten digits are wanted",
        help: "write ten digits, like 508-123-1235; the usual punctuation, a leading 1 and an extension are understood",
        why: "The import endpoint takes US numbers only.",
        before: r#""home_phone":"12345""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::PHN002,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a number with another country's code",
        help: "keep it elsewhere, for example in a custom field: the service takes US numbers only",
        why: "International phone numbers are not supported by the import endpoint.",
        before: r#""work_phone":"+44 20 7946 0958""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::PHN003,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "not a number of the North American Numbering Plan",
        help: "check area code and exchange: each is [2-9]XX and not N11; without --nanp they are not looked at",
        why: "Asked for by --nanp: no phone has such a number, though the service may take it.",
        before: r#""phone":"123-123-1234""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::PHN004,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the phone number was written the usual way",
        help: "nothing to do",
        why: "The contract's own forms are 123-123-1234 and 1231231234; one form makes equal numbers equal.",
        before: r#""phone":"+1 (508) 123.1235 ext. 12""#,
        after: r#""phone":"508-123-1235 x12""#,
    },
    Rule {
        code: Code::PHN005,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the same number stands under this kind already; it was left out here",
        help: "nothing to do",
        why: "phone and other_phone are both of kind other; one of two equal numbers says all.",
        before: r#""phone":"508-123-1235","other_phone":"(508) 123-1235""#,
        after: r#""phone":"508-123-1235""#,
    },
    Rule {
        code: Code::PHN006,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a second, different number of kind other",
        help: "give one of the two another kind: home_phone, work_phone or mobile_phone",
        why: "phone and other_phone are both of kind other, and a contact has one number of a kind. phone stays.",
        before: r#""phone":"508-123-1235","other_phone":"508-123-9999""#,
        after: "other_phone is held back",
    },
    Rule {
        code: Code::PHN007,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "more than three phone numbers",
        help: "keep the three that matter; the first three in the order phone, home, work, mobile, other stay",
        why: "A contact of the service has at most three phone numbers.",
        before: r#""phone":"...","home_phone":"...","work_phone":"...","mobile_phone":"...""#,
        after: "mobile_phone is held back",
    },
];

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not ten digits, or something that is no part of a number.
    Digits,
    /// A `+` with another country's code.
    Country,
    /// It has an extension where none may be.
    Extension,
    /// Area code or exchange that no number has.
    Plan,
}

/// What became of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phone {
    /// It is normal as it is.
    Same,
    /// The normal form is in the buffer.
    Changed,
    /// Nothing is there.
    Blank,
    /// It is no number.
    Bad(Fault),
}

/// Whether an extension may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// Voice numbers: it is kept.
    Kept,
    /// Text messages: it is a fault.
    Refused,
}

/// The longest extension, so that a number with it stays within its 50 characters.
const EXTENSION_MAX: usize = 20;

/// True for `ddd-ddd-dddd`.
#[inline]
fn is_dashed(number: &[u8]) -> bool {
    let Ok(number) = <&[u8; 12]>::try_from(number) else { return false };
    number.iter().enumerate().all(|(i, b)| if i == 3 || i == 7 { *b == b'-' } else { b.is_ascii_digit() })
}

/// Checks and normalises a number; a form that differs is written to `buffer`, which is cleared first.
#[inline]
pub fn normalise(given: &str, extension: Extension, settings: &Settings, buffer: &mut String) -> Phone {
    if is_dashed(given.as_bytes()) && !settings.nanp && settings.phone_format == PhoneFormat::Dashed {
        return Phone::Same;
    }
    normalise_slowly(given, extension, settings, buffer)
}

/// Punctuation that people put between digits.
fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '-' | '.' | '(' | ')' | '/' | '\u{2010}'
            ..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '\u{ad}'
    ) || c.is_whitespace()
        || text::is_zero_width(c)
}

/// The digits of the extension, when `rest` is how one is written: `x12`, `ext. 12`, `extension 12`, `#12`.
fn extension_of(rest: &str) -> Option<&str> {
    let word = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (mark, digits) = rest.split_at(rest.len() - word.len());
    let known = ["x", "ext", "extn", "extension"].iter().any(|w| mark.eq_ignore_ascii_case(w));
    let digits = match (known, mark) {
        (true, _) => digits.trim_start_matches(['.', ':', '#']),
        (false, "") => digits.strip_prefix('#')?,
        _ => return None,
    };
    let digits = text::trim(digits.trim_start_matches(['.', ':']));
    let good = (1..=EXTENSION_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then_some(digits)
}

fn normalise_slowly(given: &str, extension: Extension, settings: &Settings, buffer: &mut String) -> Phone {
    buffer.clear();
    let trimmed = text::trim(given);
    if trimmed.is_empty() {
        return Phone::Blank;
    }
    let (mut digits, mut count, mut plus, mut more) = ([0u8; 13], 0, false, None);
    for (at, c) in trimmed.char_indices() {
        match c {
            '0'..='9' => {
                if count == digits.len() {
                    return Phone::Bad(if plus && digits[0] != b'1' { Fault::Country } else { Fault::Digits });
                }
                digits[count] = c as u8;
                count += 1;
            }
            '+' if count == 0 && !plus => plus = true,
            'x' | 'X' | 'e' | 'E' | '#' if count > 0 => {
                let Some(found) = extension_of(&trimmed[at..]) else { return Phone::Bad(Fault::Digits) };
                more = Some(found);
                break;
            }
            c if is_punctuation(c) => {}
            _ => return Phone::Bad(Fault::Digits),
        }
    }
    let number: &[u8; 10] = match (&digits[..count], plus) {
        ([b'1', number @ ..], _) if number.len() == 10 => number.try_into().expect("ten digits"),
        ([b'1', ..], true) => return Phone::Bad(Fault::Digits),
        ([], true) => return Phone::Bad(Fault::Digits),
        (_, true) => return Phone::Bad(Fault::Country),
        ([b'0', b'0', b'1', number @ ..], _) if number.len() == 10 => number.try_into().expect("ten digits"),
        (number, _) => match number.try_into() {
            Ok(number) => number,
            Err(_) => return Phone::Bad(Fault::Digits),
        },
    };
    if settings.nanp && !(is_plan_code(&number[..3]) && is_plan_code(&number[3..6])) {
        return Phone::Bad(Fault::Plan);
    }
    if more.is_some() && extension == Extension::Refused {
        return Phone::Bad(Fault::Extension);
    }
    for (i, digit) in number.iter().enumerate() {
        if settings.phone_format == PhoneFormat::Dashed && (i == 3 || i == 6) {
            buffer.push('-');
        }
        buffer.push(*digit as char);
    }
    if let Some(more) = more {
        buffer.push_str(" x");
        buffer.push_str(more);
    }
    if buffer == given { Phone::Same } else { Phone::Changed }
}

/// `[2-9]XX` and not `N11`.
fn is_plan_code(code: &[u8]) -> bool {
    code[0] >= b'2' && &code[1..] != b"11"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(given: &str, extension: Extension, settings: &Settings) -> Result<String, Phone> {
        let mut buffer = String::from("left over");
        match normalise(given, extension, settings, &mut buffer) {
            Phone::Same => Ok(given.to_owned()),
            Phone::Changed => Ok(buffer),
            other => Err(other),
        }
    }

    #[test]
    fn voice() {
        let settings = Settings::default();
        for (from, to) in [
            ("508-123-1235", "508-123-1235"),
            ("5081231235", "508-123-1235"),
            ("(508) 123-1235", "508-123-1235"),
            ("508.123.1235", "508-123-1235"),
            ("508/123/1235", "508-123-1235"),
            ("+1 508 123 1235", "508-123-1235"),
            ("(+1) 508 123 1235", "508-123-1235"),
            ("1-508-123-1235", "508-123-1235"),
            ("001 508 123 1235", "508-123-1235"),
            ("508\u{a0}123\u{2011}1235", "508-123-1235"),
            ("508\u{2013}123\u{2014}1235", "508-123-1235"),
            ("\u{202d}(508) 123-1235\u{202c}", "508-123-1235"),
            (" 508-123-1235 ", "508-123-1235"),
            ("508-123-1235 x12", "508-123-1235 x12"),
            ("508-123-1235x12", "508-123-1235 x12"),
            ("508-123-1235 ext. 12", "508-123-1235 x12"),
            ("508-123-1235 Extension: 12", "508-123-1235 x12"),
            ("508-123-1235 #12", "508-123-1235 x12"),
            ("1231231234", "123-123-1234"),
        ] {
            assert_eq!(run(from, Extension::Kept, &settings).as_deref(), Ok(to), "{from}");
        }
        for (from, fault) in [
            ("12345", Fault::Digits),
            ("555-5555", Fault::Digits),
            ("(275)76227382", Fault::Digits),
            ("11 555-555-5555", Fault::Digits),
            ("2(757)622-7382", Fault::Digits),
            ("508-123-1235 or 508-123-1236", Fault::Digits),
            ("508-123-1235 x", Fault::Digits),
            ("508-123-1235 x1a", Fault::Digits),
            ("n/a", Fault::Digits),
            ("+", Fault::Digits),
            ("+1 508 123 123", Fault::Digits),
            ("+44 20 7946 0958", Fault::Country),
            ("+2(267)362-8910", Fault::Country),
            ("+5081231235", Fault::Country),
            ("+380 44 000 000 0000 0", Fault::Country),
            ("٥٠٨-123-1235", Fault::Digits),
        ] {
            assert_eq!(run(from, Extension::Kept, &settings), Err(Phone::Bad(fault)), "{from}");
        }
        assert_eq!(run(" \u{200b}", Extension::Kept, &settings), Err(Phone::Blank));
    }

    #[test]
    fn options() {
        let refused = |s| run(s, Extension::Refused, &Settings::default());
        assert_eq!(refused("508-123-1235 x12"), Err(Phone::Bad(Fault::Extension)));
        let digits = Settings { phone_format: PhoneFormat::Digits, ..Settings::default() };
        assert_eq!(run("508-123-1235 x7", Extension::Kept, &digits).as_deref(), Ok("5081231235 x7"));
        assert_eq!(run("5081231235", Extension::Kept, &digits).as_deref(), Ok("5081231235"));
        let nanp = Settings { nanp: true, ..Settings::default() };
        for (from, good) in
            [("508-423-1235", true), ("508-123-1235", false), ("911-423-1235", false), ("508-411-1235", false)]
        {
            assert_eq!(run(from, Extension::Kept, &nanp).is_ok(), good, "{from}");
        }
    }

    proptest! {
        #[test]
        fn normal_numbers_stay(given in "[+1 ]{0,3}[(]?[0-9]{3}[) .-]{0,2}[0-9]{3}[ .\u{2011}-]?[0-9]{4}( ?(x|ext|#)[0-9]{1,3})?|[0-9+ x()-]{0,20}") {
            for settings in [Settings::default(), Settings { phone_format: PhoneFormat::Digits, ..Settings::default() }] {
                if let Ok(once) = run(&given, Extension::Kept, &settings) {
                    prop_assert_eq!(run(&once, Extension::Kept, &settings), Ok(once));
                }
            }
        }
    }
}
