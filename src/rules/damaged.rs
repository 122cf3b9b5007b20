//! Values that software has damaged on their way: text guards of spreadsheets, error values, words for no value, text that was read
//! in the wrong encoding, escapes of other formats, several values in one, and the extended JSON of MongoDB.

use super::{Effect, Rule, text};
use crate::model::finding::{Code, Detail, Severity};
use std::borrow::Cow;

const RULE: Rule = Rule {
    code: Code::VAL007,
    severity: Severity::Warning,
    effect: Effect::Keeps,
    message: "",
    help: "nothing to do",
    why: "",
    before: "",
    after: "kept, with a warning",
};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::VAL007,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the text guard of a spreadsheet was removed",
        why: "Exports for spreadsheets guard text with an apostrophe or a formula, so that zeros and plus signs stay. An apostrophe is a \
              guard only before a number, a date or a formula.",
        before: r#""zip":"=\"02139\"","phone":"'6175550101""#,
        after: r#""zip":"02139","phone":"617-555-0101""#,
        ..RULE
    },
    Rule {
        code: Code::VAL008,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a program wrote this in place of a value",
        help: "look the value up in the source, or leave it empty there",
        why: "Error values and the names that programs have for nothing are no data of a person.",
        before: r##""company_name":"#N/A","street":"[object Object]""##,
        after: "both are held back: the contact goes on without them",
    },
    Rule {
        code: Code::VAL009,
        message: "this looks like the word of a program for no value",
        help: "leave it out with --null-text and this text, unless it is meant: some people are called Null",
        why: "Databases and programs export missing values as words. Some of these words are names too.",
        before: r#""last_name":"NULL""#,
        ..RULE
    },
    Rule {
        code: Code::VAL010,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "this text stands for no value; the member was left out",
        why: "The option --null-text says so. An import updates the members it carries.",
        before: r#""last_name":"NULL"   (with --null-text NULL)"#,
        after: "left out",
        ..RULE
    },
    Rule {
        code: Code::VAL011,
        message: "this looks like UTF-8 that was read as Windows-1252",
        help: "export the source again as UTF-8, and open it as UTF-8 in every program on the way",
        why: "Such text shows two or three characters for each accented letter. The damage lies in the source: presort does not guess \
              the letters.",
        before: "\"last_name\":\"M\u{c3}\u{bc}ller\"",
        ..RULE
    },
    Rule {
        code: Code::VAL012,
        message: "a character was lost and replaced by U+FFFD",
        help: "export the source again as UTF-8, or give presort the original file with --encoding",
        why: "A program that read the text in the wrong encoding replaced what it could not read. The letter cannot be known.",
        before: "\"city\":\"K\u{fffd}ln\"",
        ..RULE
    },
    Rule {
        code: Code::VAL013,
        message: "this looks like a character reference of HTML",
        help: "decode the references where the data comes from, or export from the database and not from a web page",
        why: "The service takes text, not HTML: people would read the reference.",
        before: r#""last_name":"O&#039;Brien""#,
        ..RULE
    },
    Rule {
        code: Code::VAL014,
        message: "this looks like the quoted-printable encoding of email and vCards",
        help: "export the source as UTF-8 without that encoding, for example as vCard 3.0 or later",
        why: "Each letter outside ASCII is an equals sign and two digits there. People would read those.",
        before: r#""last_name":"M=C3=BCller""#,
        ..RULE
    },
    Rule {
        code: Code::VAL015,
        message: "a backslash stands before a quote, as in the text of a program or of SQL",
        help: "export the source again with a tool that reads these escapes",
        why: "Databases and programs escape quotes this way. People would read the backslash.",
        before: r#""last_name":"O\\'Neil""#,
        ..RULE
    },
    Rule {
        code: Code::VAL016,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "one of several values that stood in one",
        why: "Address books join values with three colons. The first goes to its member; further phone numbers go to kinds that are free.",
        before: r#""phone":"617-555-0101 ::: 617-555-0102""#,
        after: r#""phone":"617-555-0101","home_phone":"617-555-0102""#,
        ..RULE
    },
    Rule {
        code: Code::VAL017,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "there is no member for this further value",
        help: "keep it in a custom field, or make it a contact of its own",
        why: "Address books join values with three colons. A member takes one of them.",
        before: r#""email":"a@example.com ::: b@example.com""#,
        after: "the first address stays; the second is held back",
    },
    Rule {
        code: Code::VAL018,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the value was taken out of the extended JSON of MongoDB",
        why: "mongoexport writes numbers, dates and identifiers as objects that name their type.",
        before: r#""zip":{"$numberInt":"60609"}"#,
        after: r#""zip":"60609""#,
        ..RULE
    },
];

/// A value without the text guard of a spreadsheet: `'02139`, `="02139"`, `"=""02139"""`. None if it has no guard.
///
/// An apostrophe is a guard only before a number, a date or a formula: `'t Hooft` is a name.
#[must_use]
pub fn unguarded(value: &str) -> Option<Cow<'_, str>> {
    let value = text::trim(value);
    if let Some(rest) = value.strip_prefix('\'') {
        let is_number = |rest: &str| {
            let is_part = |b: u8| b.is_ascii_digit() || b" +-./:(),".contains(&b);
            rest.bytes().any(|b| b.is_ascii_digit()) && rest.bytes().all(is_part)
        };
        // `'508-123-1235 x12` and `'2001-05-06T00:00:00Z`.
        let is_extended = || {
            let count = |is: fn(&u8) -> bool| rest.bytes().filter(is).count();
            let is_part = |b: u8| b.is_ascii_alphanumeric() || b" +-./:(),#".contains(&b);
            rest.bytes().all(is_part) && count(u8::is_ascii_digit) >= 8 && count(u8::is_ascii_alphabetic) <= 3
        };
        let is_guard = rest.starts_with('=') || is_number(rest) || is_extended();
        return is_guard.then_some(Cow::Borrowed(rest));
    }
    if let Some(quoted) = value.strip_prefix("\"=\"\"").and_then(|rest| rest.strip_suffix("\"\"\"")) {
        return Some(undoubled(quoted.into()));
    }
    let quoted = value.strip_prefix("=\"")?.strip_suffix('"')?;
    // A formula of several texts is no guard.
    let is_one = !quoted.replace("\"\"", "").contains('"');
    is_one.then(|| undoubled(quoted.into()))
}

/// A text in which each quote is doubled.
fn undoubled(quoted: Cow<'_, str>) -> Cow<'_, str> {
    if quoted.contains("\"\"") { quoted.replace("\"\"", "\"").into() } else { quoted }
}

/// What is wrong with a value that a program wrote in place of one: `#N/A`, `undefined`. None for all others.
#[must_use]
pub fn placeholder(value: &str) -> Option<Detail<'static>> {
    let value = text::trim(value);
    let (what, help) = match value.as_bytes().first()? {
        b'#' => {
            const ERRORS: &[&str] = &[
                "#N/A",
                "#REF!",
                "#VALUE!",
                "#NAME?",
                "#DIV/0!",
                "#NULL!",
                "#NUM!",
                "#SPILL!",
                "#CALC!",
                "#ERROR!",
                "#FIELD!",
                "#BLOCKED!",
                "#CONNECT!",
                "#UNKNOWN!",
                "#GETTING_DATA",
            ];
            if ERRORS.contains(&value) {
                ("an error value of a spreadsheet", "correct the formula in the spreadsheet, and export it again")
            } else if value.len() >= 3 && value.bytes().all(|b| b == b'#') {
                ("a spreadsheet's column was too narrow", "widen the column in the spreadsheet, and export it again")
            } else {
                return None;
            }
        }
        b'[' if value.split(',').all(|part| part.trim() == "[object Object]") => (
            "a program wrote an object without its content",
            "export the fields of the object, each as a value of its own",
        ),
        b'u' if value == "undefined" => ("JavaScript has no value here", "leave the member out, or use null"),
        b'N' if value == "NaN" => ("a program has no number here", "leave the member out, or use null"),
        _ => return None,
    };
    Some(Detail::Cause { what, help })
}

/// True for a value that is a program's word for none: `NULL`, `None`, `nan`, `N/A`, `-`.
#[must_use]
pub fn is_null_word(value: &str) -> bool {
    let value = text::trim(value);
    match value.as_bytes() {
        [b'-', rest @ ..] => rest.len() < 4 && rest.iter().all(|b| *b == b'-'),
        [b'n' | b'N' | b'(' | b'<' | b'\\', ..] if value.len() <= 6 => {
            // Only Python writes None so: in lower case it is a word that people use.
            let words = ["null", "nan", "n/a", "n.a.", "(null)", "<null>", "<na>", "<n/a>"];
            matches!(value, "None" | "\\N") || words.iter().any(|word| word.eq_ignore_ascii_case(value))
        }
        _ => false,
    }
}

/// The detail of an error about a value that is a program's word for none.
pub const NULL_WORD: Detail<'static> = Detail::Cause {
    what: "a program's word for no value",
    help: "leave it out with --null-text and this text, or leave it empty in the source",
};

/// Separates several values in one.
pub const JOINT: &str = ":::";

/// The first of several values that ` ::: ` joins, and the others; none for one value.
#[must_use]
pub fn joined(value: &str) -> Option<(&str, &str)> {
    let bytes = value.as_bytes();
    let at = memchr::memchr_iter(b':', bytes).find(|at| bytes[*at..].starts_with(JOINT.as_bytes()))?;
    let is_apart = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let (first, rest) = (&value[..at], &value[at + JOINT.len()..]);
    if !is_apart(first.chars().next_back()) || !is_apart(rest.chars().next()) {
        return None;
    }
    let first = text::trim(first);
    if first.is_empty() {
        // Nothing stands in front: the value begins behind it.
        let rest = text::trim(rest);
        return Some(joined(rest).unwrap_or((rest, "")));
    }
    Some((first, rest))
}

/// The values of the second part of [`joined`].
pub fn others(rest: &str) -> impl Iterator<Item = &str> {
    rest.split(JOINT).map(text::trim).filter(|part| !part.is_empty())
}

/// True for a text that is neither a text guard nor what programs write in place of a value. No rule of this family has anything
/// else to say of ASCII without `&`, `;`, `=`, backslashes and [joints](JOINT).
#[must_use]
pub fn is_value(text: &str) -> bool {
    unguarded(text).is_none() && placeholder(text).is_none() && !is_null_word(text)
}

/// Whether a text may be [UTF-8 that was read wrongly](is_mojibake), or has lost characters: cheap, and false for most texts.
#[must_use]
#[inline]
pub fn may_be_misread(text: &str) -> bool {
    // A letter from U+00C2 on, and behind it a character that stands for the second byte of UTF-8: one up to U+00BF, or one of those
    // that Windows-1252 has in place of control characters. Or U+FFFD.
    let is_bad = |three: &[u8]| match three {
        [0xc3, _, last] => matches!(last, 0xc2 | 0xc5 | 0xc6 | 0xcb | 0xe2),
        three => three == b"\xef\xbf\xbd",
    };
    text.as_bytes().windows(3).any(is_bad)
}

/// Passes the code of each damage that a text shows to `found`.
pub fn damages(value: &str, mut found: impl FnMut(Code)) {
    if !value.is_ascii() {
        if is_mojibake(value) {
            found(Code::VAL011);
        }
        if value.contains('\u{fffd}') {
            found(Code::VAL012);
        }
    }
    // One look for the first byte of each of the rest.
    let bytes = value.as_bytes();
    let Some(first) = memchr::memchr3(b'&', b'=', b'\\', bytes) else { return };
    let rest = &bytes[first..];
    if has_reference(rest) {
        found(Code::VAL013);
    }
    if is_quoted_printable(bytes) {
        found(Code::VAL014);
    }
    if rest.windows(2).any(|two| matches!(two, [b'\\', b'\'' | b'"'])) {
        found(Code::VAL015);
    }
}

/// The byte of a character in Windows-1252. (The five bytes without a character stand for the control characters of their values, as
/// browsers have it.)
fn windows_1252(c: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match c {
        '\0'..='\u{ff}' => Some(c as u8),
        _ => HIGH.iter().position(|high| *high == c).map(|at| 0x80 + at as u8),
    }
}

/// True for UTF-8 that was read as Windows-1252: encoded as that, the text is UTF-8 again, and readable.
///
/// A lone `Ã` or `São` is none, because the byte behind that letter does not go on with a character.
#[must_use]
pub fn is_mojibake(value: &str) -> bool {
    if !may_be_misread(value) {
        return false;
    }
    let Some(bytes) = value.chars().map(windows_1252).collect::<Option<Vec<u8>>>() else { return false };
    let Ok(decoded) = String::from_utf8(bytes) else { return false };
    // Controls of the upper half are no text; U+00A0 and soft hyphens are.
    decoded.chars().all(|c| !matches!(c, '\u{80}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fffd}'))
}

/// True where the text has `&#39;`, `&#x27;`, or a name of HTML: `&amp;`.
fn has_reference(text: &[u8]) -> bool {
    /// The names of HTML 4 for ASCII, spaces, punctuation and the letters of western Europe, which are what exports have.
    const NAMES: &str = " amp lt gt quot apos nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg \
        plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml \
        Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash \
        Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave \
        iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml OElig oelig \
        Scaron scaron Yuml circ tilde ensp emsp thinsp zwnj zwj ndash mdash lsquo rsquo sbquo ldquo rdquo bdquo bull hellip euro trade ";
    memchr::memchr_iter(b'&', text).any(|at| {
        let rest = &text[at + 1..];
        let Some(end) = rest.iter().take(9).position(|b| *b == b';') else { return false };
        let name = &rest[..end];
        match name {
            [b'#', b'x' | b'X', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit),
            [b'#', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
            [_, _, ..] if name.iter().all(u8::is_ascii_alphanumeric) => {
                let name = std::str::from_utf8(name).unwrap_or_default();
                NAMES.split(' ').any(|known| known == name)
            }
            _ => false,
        }
    })
}

/// The byte of `=XX`, where the text begins with that.
fn quoted_byte(text: &[u8]) -> Option<u8> {
    let hex = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    };
    match text {
        [b'=', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// True where the text has a character of UTF-8 as quoted-printable (`=C3=BC`), or a letter of Latin-1 within a word (`=FC`).
fn is_quoted_printable(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'=', &text[at..]) {
        let start = at + found;
        let mut run = Vec::new();
        at = start;
        // A character has at most four bytes; what follows is looked at again.
        while run.len() < 4
            && let Some(byte) = quoted_byte(&text[at..])
            && byte >= 0x80
        {
            run.push(byte);
            at += 3;
        }
        let is_character = match std::str::from_utf8(&run) {
            Ok(text) => !text.is_empty(),
            Err(error) => error.valid_up_to() > 0,
        };
        let is_letter = || {
            let before = start.checked_sub(1).is_some_and(|before| text[before].is_ascii_alphabetic());
            run.len() == 1 && run[0] >= 0xc0 && before && text.get(at).is_some_and(u8::is_ascii_lowercase)
        };
        if is_character || is_letter() {
            return true;
        }
        at = at.max(start + 1);
    }
    false
}

/// The value within extended JSON of MongoDB, as `mongoexport` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extended {
    /// Text, a date, or an identifier.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// None.
    Nothing,
}

/// Reads extended JSON of MongoDB: an object whose one member names a type. None for any other value.
#[must_use]
pub fn extended(json: &str) -> Option<Extended> {
    use serde_json::Value;
    /// Bytes that are looked at. Wrappers are short.
    const MAX: usize = 4 << 10;
    if json.len() > MAX || !json.contains("\"$") {
        return None;
    }
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(json) else { return None };
    let mut members = object.into_iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else { return None };
    match (name.as_str(), value) {
        ("$numberLong" | "$numberInt" | "$numberDouble" | "$numberDecimal", Value::String(text)) => {
            Some(Extended::Number(text))
        }
        ("$numberLong" | "$numberInt" | "$numberDouble" | "$numberDecimal", Value::Number(number)) => {
            Some(Extended::Number(number.to_string()))
        }
        ("$oid" | "$symbol" | "$uuid" | "$date", Value::String(text)) => Some(Extended::Text(text)),
        ("$date", Value::Number(number)) => moment(&number.to_string()),
        ("$date", Value::Object(inner)) => match inner.get("$numberLong")? {
            Value::String(text) if inner.len() == 1 => moment(text),
            Value::Number(number) if inner.len() == 1 => moment(&number.to_string()),
            _ => None,
        },
        ("$undefined", _) => Some(Extended::Nothing),
        _ => None,
    }
}

/// A moment in milliseconds since 1970, as text.
fn moment(milliseconds: &str) -> Option<Extended> {
    let moment = jiff::Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?;
    Some(Extended::Text(moment.to_string()))
}

#[cfg(test)]
mod tests;
