//! Findings as lines of JSON: the report (errors and warnings) and the ledger of changes; and the rejects.
//!
//! A bad export has a line for each contact, so lines are written by hand, for speed. A property test compares them with
//! serde_json.

use crate::json::write::{json_escaped, json_string};
use crate::model::finding::{Detail, Finding, Raw, To};
use crate::model::member::Value;
use crate::rules::rule;
use hmac::{Hmac, KeyInit, Mac};
use std::borrow::Cow;

/// Longest value in a report, in characters.
pub const VALUE_MAX: usize = 1_000;

/// What a finding says of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputLabel<'a> {
    /// Its name, where there are several.
    Input(&'a str),
    /// The sheet of the only workbook.
    Sheet(&'a str),
}

/// Where a finding's contact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The input, where the run has several or it is a sheet.
    pub input: Option<InputLabel<'a>>,
    /// Index of the contact in its input; none for the envelope.
    pub contact: Option<u64>,
    /// Offset of its first byte in the input; none in a spreadsheet.
    pub offset: Option<u64>,
    /// Its line, from 1.
    pub line: u64,
    /// The column that the member came from, where names were mapped.
    pub column: Option<&'a str>,
}

/// Replaces values by a keyed hash: equal values stay equal, and cannot be recovered without the key.
#[derive(Debug, Clone)]
pub struct Redactor {
    mac: Hmac<sha2::Sha256>,
}

impl Redactor {
    /// With this key: HMAC-SHA-256, of which the first 128 bits are written.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Redactor { mac: Hmac::new_from_slice(key).expect("HMAC takes a key of any length") }
    }

    fn hash(&self, text: &[u8], line: &mut Vec<u8>) {
        let mut mac = self.mac.clone();
        mac.update(text);
        line.extend_from_slice(b"\"hmac:");
        for byte in &mac.finalize().into_bytes()[..16] {
            for digit in [byte >> 4, byte & 15] {
                line.push(b"0123456789abcdef"[usize::from(digit)]);
            }
        }
        line.push(b'"');
    }
}

/// Appends the line of one finding, its line break included.
pub fn line(place: &Place<'_>, finding: &Finding<'_>, redactor: Option<&Redactor>, line: &mut Vec<u8>) {
    let rule = rule(finding.code);
    line.push(b'{');
    if let Some(label) = place.input {
        let (key, name) = match label {
            InputLabel::Input(name) => (&b"\"input\":"[..], name),
            InputLabel::Sheet(name) => (&b"\"sheet\":"[..], name),
        };
        line.extend_from_slice(key);
        json_string(name, line);
        line.push(b',');
    }
    line.extend_from_slice(b"\"contact\":");
    match place.contact {
        Some(contact) => number(contact, line),
        None => line.extend_from_slice(b"null"),
    }
    line.extend_from_slice(b",\"offset\":");
    match place.offset {
        Some(offset) => number(offset, line),
        None => line.extend_from_slice(b"null"),
    }
    line.extend_from_slice(b",\"line\":");
    number(place.line, line);
    for (name, word) in
        [(&b",\"severity\":\""[..], finding.severity.as_str()), (b"\",\"code\":\"", finding.code.as_str())]
    {
        line.extend_from_slice(name);
        line.extend_from_slice(word.as_bytes());
    }
    line.extend_from_slice(b"\",\"field\":");
    match finding.field {
        Some(field) => json_string(field, line),
        None => line.extend_from_slice(b"null"),
    }
    if let Some(column) = place.column {
        line.extend_from_slice(b",\"column\":");
        json_string(column, line);
    }
    line.extend_from_slice(b",\"value\":");
    value(&finding.value, redactor, line);
    match (finding.to, redactor) {
        (To::None, _) => {}
        (To::LeftOut, _) => line.extend_from_slice(b",\"to\":null"),
        (to, redactor) => {
            line.extend_from_slice(b",\"to\":");
            match (to, redactor) {
                (To::Text(text), None) => string(text, line),
                (To::Text(text), Some(redactor)) => redactor.hash(text.as_bytes(), line),
                (To::Integer(n), None) => number(u64::from(n), line),
                (To::Integer(n), Some(redactor)) => redactor.hash(n.to_string().as_bytes(), line),
                (To::None | To::LeftOut, _) => {}
            }
        }
    }
    line.extend_from_slice(b",\"message\":\"");
    line.extend_from_slice(rule.message.as_bytes());
    detail(&finding.detail, line);
    line.extend_from_slice(b"\",\"help\":\"");
    match finding.detail {
        Detail::Hint(help) | Detail::Cause { help, .. } => json_escaped(help.as_bytes(), line),
        _ => line.extend_from_slice(rule.help.as_bytes()),
    }
    line.extend_from_slice(b"\",\"outcome\":\"");
    line.extend_from_slice(finding.outcome.as_str().as_bytes());
    line.extend_from_slice(b"\"}\n");
}

/// The message of a finding, as a report line has it.
pub(super) fn report_message(finding: &Finding<'_>) -> String {
    let mut more = Vec::new();
    detail(&finding.detail, &mut more);
    format!("{}{}", rule(finding.code).message, crate::json::syntax::unescape(&more))
}

/// The message of a finding, for a person.
#[must_use]
pub fn message(finding: &Finding<'_>) -> String {
    let mut text = rule(finding.code).message.as_bytes().to_vec();
    let mut more = Vec::new();
    detail(&finding.detail, &mut more);
    match finding.detail {
        Detail::Hint(help) => {
            more.extend_from_slice(b": ");
            json_escaped(help.as_bytes(), &mut more);
        }
        Detail::Cause { help, .. } => {
            more.extend_from_slice(b"; ");
            json_escaped(help.as_bytes(), &mut more);
        }
        _ => {}
    }
    text.extend_from_slice(crate::json::syntax::unescape(&more).as_bytes());
    String::from_utf8_lossy(&text).into_owned()
}

/// The cause of a finding, if it has one.
#[must_use]
pub fn cause<'a>(finding: &Finding<'a>) -> Option<&'a str> {
    match finding.detail {
        Detail::Cause { what, .. } => Some(what),
        _ => None,
    }
}

/// The help of a finding.
#[must_use]
pub fn help(finding: &Finding<'_>) -> &'static str {
    match finding.detail {
        Detail::Hint(help) | Detail::Cause { help, .. } => help,
        _ => rule(finding.code).help,
    }
}

/// Appends a detail to the message, as the inside of a JSON string.
fn detail(detail: &Detail<'_>, line: &mut Vec<u8>) {
    match *detail {
        Detail::None | Detail::Hint(_) => {}
        Detail::Length { chars, limit } => {
            line.extend_from_slice(b": ");
            number(chars as u64, line);
            line.extend_from_slice(b" characters, at most ");
            number(limit as u64, line);
        }
        Detail::Is(what) | Detail::Cause { what, .. } => {
            line.extend_from_slice(b": ");
            json_escaped(what.as_bytes(), line);
        }
        Detail::Similar(name) => {
            line.extend_from_slice(b"; it has ");
            json_escaped(name.as_bytes(), line);
            line.extend_from_slice(b", which differs by case, punctuation or cf: only");
        }
        Detail::First { input, contact } => {
            line.extend_from_slice(b" (first: contact ");
            number(contact, line);
            if let Some(input) = input {
                line.extend_from_slice(b" of ");
                json_escaped(input.as_bytes(), line);
            }
            line.push(b')');
        }
    }
}

/// The text of a value: a string's own, everything else as JSON.
#[must_use]
pub fn value_text<'a>(value: &Raw<'a>) -> Cow<'a, str> {
    match *value {
        Raw::Nothing => Cow::Borrowed(""),
        Raw::Bytes(bytes) => String::from_utf8_lossy(bytes),
        Raw::Value(value) => match value {
            Value::String(text) | Value::Number(text) | Value::Nested(text) => Cow::Borrowed(text),
            Value::Integer(n) => Cow::Owned(n.to_string()),
            Value::Null => Cow::Borrowed("null"),
            Value::Bool(true) => Cow::Borrowed("true"),
            Value::Bool(false) => Cow::Borrowed("false"),
        },
    }
}

fn value(value: &Raw<'_>, redactor: Option<&Redactor>, line: &mut Vec<u8>) {
    match (value, redactor) {
        (Raw::Nothing, _) => line.extend_from_slice(b"null"),
        // These hold no personal data.
        (Raw::Value(Value::Null | Value::Bool(_)), _) => line.extend_from_slice(value_text(value).as_bytes()),
        (_, Some(redactor)) => redactor.hash(value_text(value).as_bytes(), line),
        (Raw::Value(Value::String(text)), None) => string(text, line),
        (Raw::Value(Value::Integer(n)), None) => number(*n, line),
        // Short numbers, arrays and objects are written as JSON on one line.
        (Raw::Value(Value::Number(text) | Value::Nested(text)), None)
            if text.len() <= VALUE_MAX && is_readable(text) =>
        {
            without_line_breaks(text.as_bytes(), line);
        }
        (_, None) => string(&value_text(value), line),
    }
}

/// False for JSON that many readers refuse: numbers that no float holds, like 1e999.
fn is_readable(json: &str) -> bool {
    !json.contains(['e', 'E']) || serde_json::from_str::<serde_json::Value>(json).is_ok()
}

/// A string, cut to [`VALUE_MAX`] characters. The length of one that is cut follows it.
fn string(text: &str, line: &mut Vec<u8>) {
    if text.len() > VALUE_MAX
        && let Some((end, _)) = text.char_indices().nth(VALUE_MAX)
    {
        json_string(&text[..end], line);
        line.extend_from_slice(b",\"value_chars\":");
        number(text.chars().count() as u64, line);
    } else {
        json_string(text, line);
    }
}

/// Appends a contact to the rejects on one line: its bytes without line breaks between tokens. Bytes that are not JSON are one
/// line already, and are copied.
pub fn reject(bytes: &[u8], is_json: bool, rejects: &mut Vec<u8>) {
    if is_json {
        without_line_breaks(bytes, rejects)
    } else {
        rejects.extend_from_slice(bytes)
    }
    rejects.push(b'\n');
}

/// The same for bytes over several lines that are not JSON: a space replaces each line break.
pub fn reject_lines(bytes: &[u8], rejects: &mut Vec<u8>) {
    on_one_line(bytes).for_each(|part| rejects.extend_from_slice(part));
    rejects.push(b'\n');
}

/// The parts of these bytes with a space for each line break.
pub fn on_one_line(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').flat_map(|line| match line {
        [line @ .., b'\n'] => [line, b" "],
        line => [line, b""],
    })
}

/// Removes line breaks, which JSON has only between tokens.
pub(super) fn without_line_breaks(json: &[u8], out: &mut Vec<u8>) {
    let mut done = 0;
    for at in memchr::memchr2_iter(b'\n', b'\r', json) {
        out.extend_from_slice(&json[done..at]);
        done = at + 1;
    }
    out.extend_from_slice(&json[done..]);
}

fn number(n: u64, line: &mut Vec<u8>) {
    line.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Code, Outcome, Severity};
    use proptest::prelude::*;

    fn finding<'a>(value: Raw<'a>, to: To<'a>, field: &'a str, detail: Detail<'a>) -> Finding<'a> {
        Finding {
            code: Code::PHN001,
            severity: Severity::Error,
            outcome: Outcome::HeldBack,
            field: Some(field),
            value,
            to,
            detail,
        }
    }

    fn text(place: &Place<'_>, finding: &Finding<'_>, redactor: Option<&Redactor>) -> String {
        let mut out = Vec::new();
        line(place, finding, redactor, &mut out);
        String::from_utf8(out).unwrap()
    }

    const PLACE: Place<'static> = Place { input: None, contact: Some(17), offset: Some(4821), line: 1, column: None };

    #[test]
    fn the_line_of_the_manual() {
        let phone = finding(Raw::Value(Value::String("12345")), To::None, "home_phone", Detail::None);
        let expected = concat!(
            r#"{"contact":17,"offset":4821,"line":1,"severity":"error","code":"PHN001","field":"home_phone","value":"12345","#,
            r#""message":"not a US phone number: ten digits are required","help":"write ten digits, like 508-123-1235; the usual "#,
            r#"punctuation, a leading 1 and an extension are understood","outcome":"held_back"}"#,
            "\n"
        );
        assert_eq!(text(&PLACE, &phone, None), expected);
        assert_eq!(
            message(&finding(Raw::Nothing, To::None, "x", Detail::Is("a \"b\""))),
            "not a US phone number: ten digits are required: a \"b\""
        );
    }

    #[test]
    fn redacted_values_are_hashes() {
        let (a, b) = (Redactor::new(b"one"), Redactor::new(b"two"));
        let phone = finding(Raw::Value(Value::String("secret")), To::Text("secreT"), "zip", Detail::None);
        let lines = [text(&PLACE, &phone, Some(&a)), text(&PLACE, &phone, Some(&a)), text(&PLACE, &phone, Some(&b))];
        assert!(!lines[0].to_lowercase().contains("secret"));
        assert_eq!(lines[0], lines[1]);
        assert_ne!(lines[0], lines[2]);
        let read: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        // RFC 4231 has no short key; this is what any HMAC-SHA-256 gives for key "one" and this text.
        assert!(read["value"].as_str().unwrap().starts_with("hmac:") && read["value"].as_str().unwrap().len() == 37);
        assert_ne!(read["value"], read["to"]);
    }

    #[test]
    fn rejects_are_one_line_each() {
        let mut out = Vec::new();
        reject(b"{\n  \"a\": \"x  y\",\r\n \"b\":1}", true, &mut out);
        reject(b"{\"a\":\r}", false, &mut out);
        assert_eq!(out, b"{  \"a\": \"x  y\", \"b\":1}\n{\"a\":\r}\n");
    }

    proptest! {
        #[test]
        fn lines_are_json(value in "\\PC{0,20}|[\u{0}-\u{7f}]{0,1100}|é{990,1010}", field in "\\PC{0,9}", input in "[\u{0}-\u{7f}]{0,9}", is in "\\PC{0,9}") {
            for (raw, cut) in [
                (Raw::Value(Value::String(&value)), value.as_str()),
                (Raw::Bytes(value.as_bytes()), value.as_str()),
            ] {
                let phone = finding(raw, To::Text(&value), &field, Detail::Is(&is));
                let line = text(&Place { input: Some(InputLabel::Input(&input)), ..PLACE }, &phone, None);
                let lines = line.matches('\n').count();
                prop_assert_eq!(lines, 1);
                let read: serde_json::Value = serde_json::from_str(&line).unwrap();
                let cut: String = cut.chars().take(VALUE_MAX).collect();
                prop_assert_eq!(read["value"].as_str(), Some(cut.as_str()));
                prop_assert_eq!(read["field"].as_str(), Some(field.as_str()));
                prop_assert_eq!(read["input"].as_str(), Some(input.as_str()));
                prop_assert!(read["message"].as_str().unwrap().ends_with(&is));
            }
        }
    }
}
