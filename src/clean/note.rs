//! The note in a rejected contact: a last member `presort` that says where the contact came from and why it was rejected. A contact
//! that is fixed and fed back in still has it. It is left out then, without a finding, and tells that the contact was counted before.

use crate::clean::lines;
use crate::json::syntax::{self, unescape};
use crate::json::write::json_string;
use crate::model::finding::Finding;
use crate::rules::whole::CONTACT_BYTES_MAX;
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;

/// Bytes of findings after which no more are added. With more, a contact that is fixed could be too large because of its note.
const FINDINGS_MAX: usize = 16 << 10;
/// Characters of a member's name that are kept.
const FIELD_MAX: usize = 200;

/// Name of the member.
pub const NAME: &str = "presort";

/// A note, as far as presort reads it.
#[derive(Debug, Deserialize)]
struct Note<'n> {
    #[serde(borrow)]
    input: Cow<'n, str>,
    contact: u64,
    line: u64,
    #[serde(borrow, rename = "findings")]
    _findings: Vec<NotedFinding<'n>>,
}

#[derive(Debug, Deserialize)]
struct NotedFinding<'n> {
    #[serde(borrow, rename = "code")]
    _code: Cow<'n, str>,
    #[serde(borrow, rename = "message")]
    _message: Cow<'n, str>,
}

/// Where a contact was first read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'o> {
    /// Name of the input.
    pub input: &'o str,
    /// Index in the input, from 0.
    pub contact: u64,
    /// Line on which it begins, from 1.
    pub line: u64,
}

/// The input that a note names; none if the value is no note of presort but data of another system.
#[must_use]
pub fn input_of(json: &str) -> Option<Cow<'_, str>> {
    // The reader takes an array of the values as well.
    let note = if json.starts_with('{') { serde_json::from_str::<Note<'_>>(json).ok() } else { None };
    note.map(|note| note.input)
}

/// True if a value of the member is a note of presort.
#[must_use]
pub fn is_note(json: &str) -> bool {
    input_of(json).is_some()
}

/// Appends a finding of a rejected contact to its note.
pub(super) fn add_finding(finding: &Finding<'_>, findings: &mut Vec<u8>) {
    if findings.len() > FINDINGS_MAX {
        return;
    }
    if !findings.is_empty() {
        findings.push(b',');
    }
    findings.extend_from_slice(b"{\"code\":\"");
    findings.extend_from_slice(finding.code.as_str().as_bytes());
    findings.extend_from_slice(b"\",\"field\":");
    match finding.field {
        Some(field) => match field.char_indices().nth(FIELD_MAX) {
            Some((end, _)) => json_string(&format!("{}...", &field[..end]), findings),
            None => json_string(field, findings),
        },
        None => findings.extend_from_slice(b"null"),
    }
    findings.extend_from_slice(b",\"message\":");
    json_string(&lines::report_message(finding), findings);
    findings.push(b'}');
}

/// Appends a rejected contact, which is JSON, to the rejects on one line, with a note as its last member. A note of an earlier run is
/// replaced: the contact keeps its first origin. A contact that is no object, or has its own member of that name, gets no note; nor
/// does one that would be too large with it, and is not without.
pub fn reject(contact: &[u8], origin: Origin<'_>, findings: &[u8], rejects: &mut Vec<u8>) {
    let mut members: Vec<(Range<usize>, bool)> = Vec::new();
    let mut first = None;
    let mut has_own = false;
    let is_object = syntax::members(contact, |name, value| {
        let mut is_old = false;
        if unescape(&contact[name.clone()]) == NAME {
            let text = std::str::from_utf8(&contact[value.clone()]).unwrap_or_default();
            match serde_json::from_str::<Note<'_>>(text) {
                Ok(note) if text.starts_with('{') => {
                    is_old = true;
                    first.get_or_insert((note.input, note.contact, note.line));
                }
                _ => has_own = true,
            }
        }
        members.push((name.start - 1..value.end, is_old));
    });
    if !is_object || has_own {
        return lines::reject(contact, true, rejects);
    }
    let start = rejects.len();
    let close = memchr::memrchr(b'}', contact).unwrap_or(contact.len());
    let mut is_empty = true;
    let mut done = 0;
    for (i, (member, is_old)) in members.iter().enumerate() {
        if !is_old {
            is_empty = false;
            continue;
        }
        // The member goes with the comma before it or, for the first one that stays, the comma behind it.
        let (from, to) = match (is_empty, members.get(i + 1)) {
            (true, Some((next, _))) => (member.start, next.start),
            (true, None) => (member.start, member.end),
            (false, _) => {
                let before = members[i - 1].0.end;
                let comma = memchr::memchr(b',', &contact[before..member.start]);
                (before + comma.unwrap_or(0), member.end)
            }
        };
        lines::without_line_breaks(&contact[done..from.max(done)], rejects);
        done = to;
    }
    lines::without_line_breaks(&contact[done..close], rejects);
    if !is_empty {
        rejects.push(b',');
    }
    let origin = match &first {
        Some((input, contact, line)) => Origin { input, contact: *contact, line: *line },
        None => origin,
    };
    rejects.extend_from_slice(b"\"presort\":{\"input\":");
    json_string(origin.input, rejects);
    for (name, n) in [(&b",\"contact\":"[..], origin.contact), (b",\"line\":", origin.line)] {
        rejects.extend_from_slice(name);
        rejects.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
    }
    rejects.extend_from_slice(b",\"findings\":[");
    rejects.extend_from_slice(findings);
    rejects.extend_from_slice(b"]}}\n");
    let max = CONTACT_BYTES_MAX as usize;
    if contact.len() <= max && rejects.len() - start > max {
        rejects.truncate(start);
        lines::reject(contact, true, rejects);
    }
}

/// True for a line of rejects: an object whose last member is a note. For the detection of formats, so it is strict.
#[must_use]
pub fn is_noted(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    // Looking is cheap, reading is not.
    if line.first() != Some(&b'{') || memchr::memmem::rfind(line, b"\"presort\"").is_none() {
        return false;
    }
    let mut is_last = false;
    let is_object = syntax::members(line, |name, value| {
        is_last = unescape(&line[name]) == NAME && std::str::from_utf8(&line[value.clone()]).is_ok_and(is_note);
    });
    is_object && is_last
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: Origin<'static> = Origin { input: "a\"b", contact: 7, line: 9 };

    fn rejected(contact: &str, origin: Origin<'_>, findings: &str) -> String {
        let mut out = Vec::new();
        reject(contact.as_bytes(), origin, findings.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn notes_are_added_and_replaced() {
        let note = r#""presort":{"input":"a\"b","contact":7,"line":9,"findings":[]}"#;
        assert_eq!(rejected("{}", ORIGIN, ""), format!("{{{note}}}\n"));
        assert_eq!(rejected("{\"a\":\n1 \n}", ORIGIN, ""), format!("{{\"a\":1 ,{note}}}\n"));
        // An earlier one is replaced wherever it stands, and its origin is kept.
        let other = Origin { input: "later", contact: 0, line: 1 };
        let finding = r#"{"code":"EML001","field":null,"message":"m"}"#;
        let again = note.replace("[]", &format!("[{finding}]"));
        for contact in [
            format!(r#"{{"a":1,"b":2,{note}}}"#),
            format!(r#"{{{note},"a":1,"b":2}}"#),
            format!(r#"{{"a":1,{note},"b":2}}"#),
            format!(r#"{{{note},{note},"a":1,{note},"b":2,{note}}}"#),
        ] {
            assert_eq!(rejected(&contact, other, finding), format!("{{\"a\":1,\"b\":2,{again}}}\n"), "{contact}");
        }
        assert_eq!(rejected(&format!("{{{note}}}"), other, finding), format!("{{{again}}}\n"));
    }

    #[test]
    fn a_note_makes_no_contact_too_large() {
        let contact = |len: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(len));
        let (max, around) = (CONTACT_BYTES_MAX as usize, contact(0).len());
        for (len, has_note) in [(max - around - 200, true), (max - around, false), (max, true)] {
            let contact = contact(len);
            let out = rejected(&contact, ORIGIN, "");
            assert_eq!(is_noted(out.as_bytes()), has_note, "{len}");
            assert!(has_note || out == format!("{contact}\n"));
        }
    }

    #[test]
    fn data_of_others_stays() {
        for contact in [r#"{"presort":1}"#, r#"{"presort":{"input":"x"},"a":2}"#, "[1]", "null", "7"] {
            assert_eq!(rejected(contact, ORIGIN, ""), format!("{contact}\n"));
            assert!(!is_noted(contact.as_bytes()));
        }
        assert!(!is_note("[]") && !is_note(r#"["x",0,1,[]]"#) && !is_note(r#"{"input":"x","contact":0,"line":1}"#));
    }

    proptest! {
        /// What comes out is the same contact with a note that is recognised, and doing it again changes nothing.
        #[test]
        fn a_note_is_read_back(members in prop::collection::vec(("[a-z]{1,3}", "\\PC{0,5}"), 0..5), space in "[ \n]{0,2}", input in "\\PC{0,9}") {
            let text: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}{space}:{}", serde_json::json!(name), serde_json::json!(value)))
                .collect();
            let contact = format!("{{{space}{}{space}}}", text.join(&format!("{space},")));
            let origin = Origin { input: &input, contact: 3, line: 4 };
            let once = rejected(&contact, origin, "");
            prop_assert!(is_noted(once.as_bytes()), "{once}");
            prop_assert_eq!(once.matches('\n').count(), 1);
            prop_assert_eq!(&rejected(&once, ORIGIN, ""), &once);
            let read: serde_json::Value = serde_json::from_str(&once).unwrap();
            prop_assert_eq!(read["presort"]["input"].as_str(), Some(input.as_str()));
            for (name, _) in &members {
                let value = &members.iter().rev().find(|(other, _)| other == name).unwrap().1;
                prop_assert_eq!(read[name].as_str(), Some(value.as_str()));
            }
        }
    }
}
