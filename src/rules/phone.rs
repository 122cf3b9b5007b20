//! US phone numbers: the digits found among the punctuation, written one way; and how many a contact may have.

use super::number::{self, Float};
use super::{Effect, PhoneFormat, Rule, Settings, ValueCheck, text};
use crate::model::finding::{Code, Detail, Severity};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::PHN001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "not a US phone number: ten digits are required",
        help: "write ten digits, like 508-123-1235; the usual punctuation, a leading 1 and an extension are understood",
        why: "The import endpoint accepts US numbers only.",
        before: r#""home_phone":"12345""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::PHN002,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a number with the code of another country",
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
        help: "check area code and exchange: each is [2-9]XX and not N11; without --nanp they are not checked",
        why: "Checked only with --nanp: no phone has such a number, though the service may accept it.",
        before: r#""phone":"123-123-1234""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::PHN004,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the phone number was written in the usual form",
        help: "nothing to do",
        why: "The contract's own forms are 123-123-1234 and 1231231234; one form makes equal numbers equal.",
        before: r#""phone":"+1 (508) 123.1235 ext. 12""#,
        after: r#""phone":"508-123-1235 x12""#,
    },
    Rule {
        code: Code::PHN005,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "this kind has the same number already; the repeat was left out",
        help: "nothing to do",
        why: "phone and other_phone are both of kind other, so one of two equal numbers is enough.",
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
    Rule {
        code: Code::PHN008,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "this looks like the number of another country",
        help: "check it; keep a foreign number elsewhere, for example in a custom field",
        why: "The import endpoint accepts US numbers only, and accepts any ten digits as one. No US number begins with 0, and a number \
              beside an address in another country is rarely one.",
        before: r#""phone":"030-0074321","country":"Germany""#,
        after: "written as 030-007-4321, and kept",
    },
];

/// Why a number is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneFault {
    /// Fewer than ten digits.
    TooFew,
    /// More than ten digits.
    TooMany,
    /// It is two numbers, or more.
    Two,
    /// A spreadsheet wrote it with an exponent, so digits are lost: `6.18E+09`.
    Shortened,
    /// It contains something that is not part of a number.
    Other,
    /// The code of another country: behind a `+`, or behind `00` or `011`.
    Country,
    /// It has an extension where none is allowed.
    Extension,
    /// No number has this area code or exchange.
    Plan,
}

impl PhoneFault {
    /// The cause and its help; none where the rule's message and help are enough.
    fn cause(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            PhoneFault::TooFew => ("too few digits", "look the number up: area code, exchange and line are ten digits"),
            PhoneFault::TooMany => (
                "too many digits",
                "write ten digits; write an extension as x12, and a number of another country elsewhere",
            ),
            PhoneFault::Two => {
                ("two numbers in one value", "give each number a member of its own, like work_phone and mobile_phone")
            }
            PhoneFault::Shortened => (
                "a spreadsheet shortened it, and digits are lost",
                "format the column as text in the spreadsheet, and export it again",
            ),
            PhoneFault::Other => {
                ("it contains something that is not part of a number", "write the ten digits alone, like 508-123-1235")
            }
            PhoneFault::Country => {
                ("the number of another country", "keep it elsewhere, for example in a custom field")
            }
            PhoneFault::Plan => {
                ("no such area code or exchange", "check area code and exchange: each is [2-9]XX and not N11")
            }
            PhoneFault::Extension => return None,
        })
    }

    /// The cause as a finding has it.
    #[must_use]
    pub fn detail(self) -> Detail<'static> {
        self.cause().map_or(Detail::None, |(what, help)| Detail::Cause { what, help })
    }
}

/// The result of normalising a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneResult {
    /// It is normal as it is.
    Same,
    /// The normal form is in the buffer.
    Changed,
    /// It is empty.
    Blank,
    /// It is not a number.
    Bad(PhoneFault),
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
/// The longest one without a word or sign in front: more digits are another number.
const BARE_EXTENSION_MAX: usize = 6;
/// The longest one behind several pause marks.
const PAUSED_EXTENSION_MAX: usize = 9;

/// True for `ddd-ddd-dddd`.
#[inline]
fn is_dashed(number: &[u8]) -> bool {
    let Ok(number) = <&[u8; 12]>::try_from(number) else { return false };
    number.iter().enumerate().all(|(i, b)| if i == 3 || i == 7 { *b == b'-' } else { b.is_ascii_digit() })
}

/// Checks and normalises a number; a form that differs is written to `buffer`, which is cleared first.
#[inline]
pub fn normalise(given: &str, extension: Extension, settings: &Settings, buffer: &mut String) -> PhoneResult {
    if is_dashed(given.as_bytes()) && !settings.nanp && settings.phone_format == PhoneFormat::Dashed {
        return PhoneResult::Same;
    }
    normalise_slowly(given, extension, settings, buffer)
}

/// Hyphens and dashes.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '\u{ad}')
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || text::is_zero_width(c)
}

/// Punctuation between digits.
fn is_punctuation(c: char) -> bool {
    matches!(c, '.' | '(' | ')' | '/') || is_dash(c) || is_space(c)
}

/// Marks that make a telephone pause while it dials.
fn is_pause(c: char) -> bool {
    matches!(c, ',' | ';')
}

/// The digits of an extension that a word or a sign begins: `x12`, `ext. 12`, `ext #12`, `extension-12`, `#12`.
fn extension_of(rest: &str) -> Option<&str> {
    let word = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (mark, digits) = rest.split_at(rest.len() - word.len());
    let digits = if ["x", "ext", "extn", "extension"].iter().any(|word| mark.eq_ignore_ascii_case(word)) {
        digits.trim_start_matches(|c: char| matches!(c, '.' | ':' | '#' | '=') || is_dash(c) || is_space(c))
    } else {
        digits.strip_prefix('#').filter(|_| mark.is_empty())?.trim_start_matches(is_space)
    };
    let good = (1..=EXTENSION_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then_some(digits)
}

/// The digits of an extension that stands alone, behind a pause mark or in parentheses: up to `most` digits, or any of the ways
/// above.
fn bare_extension(text: &str, most: usize) -> Option<&str> {
    // Conference numbers end with the key that sends them.
    let text = text::trim(text.trim_end_matches('#'));
    let is_bare = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_bare { Some(text) } else { extension_of(text) }
}

/// What follows the digits of a number.
enum Behind<'a> {
    /// More of the number, or something else.
    Other,
    /// Pause marks only.
    Nothing,
    /// An extension.
    Extension(&'a str),
}

/// Reads what follows a complete number, from a comma, a semicolon or a parenthesis on.
fn behind(rest: &str) -> Behind<'_> {
    let found = match rest.strip_prefix('(') {
        Some(inside) => inside.strip_suffix(')').and_then(|inside| bare_extension(inside, BARE_EXTENSION_MAX)),
        None => {
            let digits = rest.trim_start_matches(|c: char| is_pause(c) || is_space(c));
            if digits.is_empty() {
                return Behind::Nothing;
            }
            // A single mark separates two numbers.
            let is_pause = rest.chars().take_while(|c| is_pause(*c)).count() > 1;
            bare_extension(digits, if is_pause { PAUSED_EXTENSION_MAX } else { BARE_EXTENSION_MAX })
        }
    };
    found.map_or(Behind::Other, Behind::Extension)
}

/// The digits of a text that a program wrote as a float, where it cannot be a number with a point between its groups. None
/// where digits are lost.
fn of_float(text: &str, digits: &mut String) -> Option<Option<()>> {
    match number::read(text, digits) {
        // Digits in groups, like 508.0000000, are a number as people write it.
        Float::Whole if matches!(digits.len(), 3 | 6) && text.len() == 11 => None,
        Float::Whole => Some(Some(())),
        Float::Shortened | Float::Infinite => Some(None),
        Float::Fraction | Float::No => None,
    }
}

/// Why a text with these digits is not a number.
fn count_fault(text: &str, digits: &[u8], count: usize) -> PhoneFault {
    let abroad = (digits.starts_with(b"00") && !digits.starts_with(b"001")) || digits.starts_with(b"011");
    match count {
        _ if is_two(text, count) => PhoneFault::Two,
        0 => PhoneFault::Other,
        1..=9 => PhoneFault::TooFew,
        // A leading 1 is never part of the ten digits.
        10 if digits[0] == b'1' => PhoneFault::TooFew,
        _ if abroad => PhoneFault::Country,
        _ => PhoneFault::TooMany,
    }
}

/// True where there are two numbers or more, with something between them, or without.
fn is_two(text: &str, count: usize) -> bool {
    let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    let parts_of = |least: usize, is_between: &dyn Fn(char) -> bool| {
        text.split(is_between).filter(|part| digits(part) >= least).count()
    };
    let is_between = |c: char| is_pause(c) || matches!(c, '/' | '|' | '&' | ':' | '\n' | '\r') || c.is_alphabetic();
    parts_of(7, &is_between) > 1 || parts_of(10, &char::is_whitespace) > 1 || count == 20
}

fn normalise_slowly(given: &str, extension: Extension, settings: &Settings, buffer: &mut String) -> PhoneResult {
    buffer.clear();
    let mut trimmed = text::trim(given);
    if trimmed.is_empty() {
        return PhoneResult::Blank;
    }
    if let Some(scheme) = trimmed.get(..4)
        && scheme.eq_ignore_ascii_case("tel:")
    {
        trimmed = text::trim(&trimmed[4..]);
    }
    let mut whole = String::new();
    match of_float(trimmed, &mut whole) {
        Some(Some(())) => trimmed = &whole,
        Some(None) => return PhoneResult::Bad(PhoneFault::Shortened),
        None => {}
    }
    // As many digits as the longest number has, and how many there are.
    let (mut digits, mut count, mut plus, mut more) = ([0u8; 13], 0, false, None);
    let mut other = false;
    for (at, c) in trimmed.char_indices() {
        match c {
            '0'..='9' => {
                if let Some(place) = digits.get_mut(count) {
                    *place = c as u8;
                }
                count += 1;
            }
            '+' if count == 0 && !plus => plus = true,
            'x' | 'X' | 'e' | 'E' | '#' if count > 0 => match extension_of(&trimmed[at..]) {
                Some(found) => {
                    more = Some(found);
                    break;
                }
                None => other = true,
            },
            // Ten digits that begin with 1 may lack the last one.
            '(' | ',' | ';' if number_of(&digits, count).is_some() && (count > 10 || digits[0] != b'1') => {
                match behind(&trimmed[at..]) {
                    Behind::Extension(found) => {
                        more = Some(found);
                        break;
                    }
                    Behind::Nothing => break,
                    Behind::Other => other |= c != '(',
                }
            }
            c if is_punctuation(c) => {}
            _ => other = true,
        }
    }
    let known = &digits[..count.min(digits.len())];
    let number = match number_of(&digits, count) {
        _ if plus && count > 0 && digits[0] != b'1' => return PhoneResult::Bad(PhoneFault::Country),
        _ if other => {
            let is_two = is_two(trimmed, count);
            return PhoneResult::Bad(if is_two { PhoneFault::Two } else { PhoneFault::Other });
        }
        // With a plus the 1 is that of the country.
        Some(number) if !plus || count == 11 => number,
        _ => return PhoneResult::Bad(count_fault(trimmed, known, count)),
    };
    if settings.nanp && !(is_plan_code(&number[..3]) && is_plan_code(&number[3..6])) {
        return PhoneResult::Bad(PhoneFault::Plan);
    }
    if more.is_some() && extension == Extension::Refused {
        return PhoneResult::Bad(PhoneFault::Extension);
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
    if buffer == given { PhoneResult::Same } else { PhoneResult::Changed }
}

/// The ten digits of a number, out of `count` that were found: those, or those behind `1` or `001`.
fn number_of(digits: &[u8; 13], count: usize) -> Option<[u8; 10]> {
    let number = match digits.get(..count)? {
        number @ [_, _, _, _, _, _, _, _, _, _] => number,
        [b'1', number @ ..] if number.len() == 10 => number,
        [b'0', b'0', b'1', number @ ..] if number.len() == 10 => number,
        _ => return None,
    };
    number.try_into().ok()
}

/// True for a number in its normal form that begins with 0: no US number does, and many of other countries do at home.
#[must_use]
#[inline]
pub fn begins_with_zero(number: &str) -> bool {
    number.starts_with('0')
}

/// True for the name of a country that is neither the US nor Canada. What has no letters names no country.
#[must_use]
pub fn is_foreign(country: &str) -> bool {
    // The usual spellings need no look at each letter.
    if matches!(country, "US" | "USA" | "United States" | "CA" | "Canada") {
        return false;
    }
    const NAMES: &[&str] = &[
        "us",
        "usa",
        "usofa",
        "america",
        "ca",
        "can",
        "kanada",
        "eeuu",
        "eua",
        "etatsunis",
        "étatsunis",
        "estadosunidos",
        "estadosunidosdeamérica",
        "estadosunidosdeamerica",
        "vereinigtestaaten",
        "vereinigtestaatenvonamerika",
        "statiuniti",
        "verenigdestaten",
        "canadá",
        // Their territories have their numbers.
        "pr",
        "pri",
        "puertorico",
        "gu",
        "gum",
        "guam",
        "vi",
        "vir",
        "usvirginislands",
        "virginislandsus",
        "as",
        "asm",
        "americansamoa",
        "mp",
        "mnp",
        "northernmarianaislands",
    ];
    // In a buffer on the stack, because every contact with a number and a country gets here. A longer name is foreign.
    let (mut buffer, mut len) = ([0; 48], 0);
    for c in country.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase) {
        let Some(room) = buffer.get_mut(len..len + c.len_utf8()) else { break };
        c.encode_utf8(room);
        len += c.len_utf8();
    }
    let name = std::str::from_utf8(&buffer[..len]).unwrap_or_default();
    let is_home = name.is_empty() || NAMES.contains(&name) || name.contains("unitedstates") || name.contains("canada");
    !is_home
}

/// `[2-9]XX` and not `N11`.
fn is_plan_code(code: &[u8]) -> bool {
    code[0] >= b'2' && &code[1..] != b"11"
}

/// Checks a voice number.
#[inline]
pub fn check(given: &str, settings: &Settings, buffer: &mut String) -> ValueCheck {
    match normalise(given, Extension::Kept, settings, buffer) {
        PhoneResult::Same => ValueCheck::Same,
        PhoneResult::Changed => ValueCheck::Changed(Code::PHN004),
        PhoneResult::Blank => ValueCheck::Blank,
        PhoneResult::Bad(PhoneFault::Country) => ValueCheck::Bad(Code::PHN002, Detail::None),
        PhoneResult::Bad(PhoneFault::Plan) => ValueCheck::Bad(Code::PHN003, Detail::None),
        PhoneResult::Bad(fault) => ValueCheck::Bad(Code::PHN001, fault.detail()),
    }
}

#[cfg(test)]
mod tests;
