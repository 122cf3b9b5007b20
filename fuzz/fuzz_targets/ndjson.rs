//! One contact a line, against serde_json: no line is lost, what is accepted holds what was given or a finding says why not, and
//! cleaning what is clean changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::clean::cleaner::{BatchCleaner, Cleaned};
use presort::json::split::Layout;
use presort_fuzz::{clean, members, settings, spans};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

type Members = Vec<(String, Value)>;

/// A byte-order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What serde_json makes of a line.
enum Line {
    /// Objects, with their members, and arrays: each is a contact, if a bad one.
    Contacts(Vec<Option<Members>>),
    /// Something else: one contact or several, and a bad one among them.
    Bad,
    /// It cannot be said: a number that it has no room for, or byte-order marks.
    Unknown,
}

fn read(line: &[u8]) -> Line {
    let has_mark = line.windows(3).any(|bytes| bytes == MARK);
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<Value>();
    let (mut contacts, mut start) = (Vec::new(), 0);
    while let Some(value) = values.next() {
        let end = values.byte_offset();
        match value {
            Ok(Value::Object(_)) => contacts.push(Some(members(&line[start..end]).expect("it is an object"))),
            Ok(Value::Array(_)) => contacts.push(None),
            Err(error) if has_mark || error.to_string().contains("out of range") => return Line::Unknown,
            Ok(_) | Err(_) => return Line::Bad,
        }
        start = end;
    }
    Line::Contacts(contacts)
}

/// A line without what may stand around its contacts.
fn stripped(mut line: &[u8]) -> &[u8] {
    let space = |byte: &u8| b" \t\r".contains(byte);
    loop {
        let len = line.len();
        line = line.strip_prefix(MARK).unwrap_or(line);
        line = &line[line.iter().take_while(|byte| space(byte)).count()..];
        if line.len() == len {
            return &line[..len - line.iter().rev().take_while(|byte| space(byte)).count()];
        }
    }
}

/// The findings of each contact: field and outcome.
fn findings(cleaned: &Cleaned) -> HashMap<u64, Vec<(String, String)>> {
    let mut all: HashMap<u64, Vec<(String, String)>> = HashMap::new();
    for lines in [&cleaned.report, &cleaned.changes] {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Value = serde_json::from_slice(line).expect("a finding is JSON");
            let contact = line["contact"].as_u64().expect("it has a contact");
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            all.entry(contact).or_default().push((text("field"), text("outcome")));
        }
    }
    all
}

/// Holds an accepted contact against what was given.
fn check(given: &[(String, Value)], out: &[(String, Value)], told: &[(String, String)], email_max: usize) {
    let names: HashSet<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), given.len(), "a member was given twice");
    assert!(told.iter().all(|(_, outcome)| outcome != "rejected"));
    let is_told = |name: &str| told.iter().any(|(field, _)| field == name);
    for (name, value) in given {
        let same = out.iter().any(|(written, now)| written == name && now == value);
        assert!(same || is_told(name), "{name} is not what it was, and nothing says so");
    }
    let mut written = HashSet::new();
    for (name, value) in out {
        assert!(written.insert(name.as_str()), "{name} is written twice");
        let spaced = name.replace('_', " ");
        let second = name.strip_suffix("street").map(|kind| format!("{kind}street2"));
        let is_given = names.contains(name.as_str()) || names.contains(spaced.as_str());
        assert!(is_given || second.is_some_and(|second| names.contains(second.as_str())), "{name} was not given");
        match value {
            Value::Number(number) => {
                assert!(name.starts_with("birthday_") && (1..=31).contains(&number.as_u64().unwrap_or(0)));
            }
            Value::String(text) => {
                let limit = match name.as_str() {
                    "email" => email_max,
                    name if name.contains("street") || name.starts_with("cf:") => 255,
                    _ => 50,
                };
                assert!((1..=limit).contains(&text.chars().count()), "{name}: {text}");
                assert!(!text.chars().any(char::is_control) && text.trim() == text, "{name}: {text:?}");
            }
            other => panic!("{name}: {other}"),
        }
    }
    assert!(written.contains("email") || written.contains("sms_number"));
    assert_eq!(written.contains("birthday_month"), written.contains("birthday_day"));
}

/// A contact with nothing but an address that no rule has anything against.
fn is_plain(members: &[(String, Value)]) -> bool {
    let [(name, Value::String(email))] = members else { return false };
    let good = |text: &str| (1..20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase());
    let parts = email.strip_suffix(".com").and_then(|email| email.split_once('@'));
    name == "email" && parts.is_some_and(|(local, domain)| good(local) && good(domain))
}

fuzz_target!(|data: &[u8]| {
    let [bits, bytes @ ..] = data else { return };
    let settings = settings(*bits);
    let found = spans(bytes, Layout::Lines);
    let mut cleaner = BatchCleaner::default();
    let cleaned = clean(&mut cleaner, bytes, Layout::Lines, &found, &settings);
    // Every line is counted, once.
    let stats = &cleaned.stats;
    assert!(cleaned.stop.is_none());
    assert_eq!((stats.accepted + stats.rejected) as usize, found.len());
    assert_eq!(stats.accepted as usize, cleaned.accepted.len());
    let line_breaks = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(line_breaks(&cleaned.rejects), stats.rejected as usize);
    assert_eq!(line_breaks(&cleaned.out), stats.accepted as usize);
    let told = findings(&cleaned);
    let mut start = 0;
    let mut accepted = vec![None; found.len()];
    for contact in &cleaned.accepted {
        accepted[contact.contact as usize] = Some(&cleaned.out[start..contact.end as usize]);
        start = contact.end as usize;
    }
    let mut rest = 0..found.len();
    for (line, number) in bytes.split(|byte| *byte == b'\n').map(stripped).zip(1..) {
        let there: Vec<usize> = rest.clone().take_while(|i| found[*i].line == number).collect();
        rest.start += there.len();
        for i in &there {
            let told = told.get(&(*i as u64)).map_or(&[][..], Vec::as_slice);
            let is_rejected = told.iter().any(|(_, outcome)| outcome == "rejected");
            assert_eq!(is_rejected, accepted[*i].is_none(), "contact {i} was not told of as what it is");
        }
        if line.is_empty() {
            assert!(there.is_empty(), "nothing is in line {number}");
            continue;
        }
        match read(line) {
            Line::Contacts(contacts) => {
                assert_eq!(there.len(), contacts.len(), "line {number}");
                for (i, given) in there.into_iter().zip(contacts) {
                    let told = told.get(&(i as u64)).map_or(&[][..], Vec::as_slice);
                    match (given, accepted[i]) {
                        (Some(given), Some(out)) => {
                            let out = members(out).expect("what is written is an object");
                            check(&given, &out, told, settings.email_max);
                            assert!(!is_plain(&given) || (out == given && told.is_empty()));
                        }
                        (Some(given), None) => assert!(!is_plain(&given), "it was rejected"),
                        (None, accepted) => assert!(accepted.is_none(), "contact {i} is none"),
                    }
                }
            }
            Line::Bad => assert!(there.iter().any(|i| accepted[*i].is_none()), "line {number} was not told of"),
            Line::Unknown => {}
        }
    }
    assert!(rest.is_empty());

    let again = clean(&mut cleaner, &cleaned.out, Layout::Lines, &spans(&cleaned.out, Layout::Lines), &settings);
    assert_eq!(String::from_utf8_lossy(&again.out), String::from_utf8_lossy(&cleaned.out));
    assert_eq!((again.stats.rejected, again.stats.changed, again.stats.held_back), (0, 0, 0));
    assert!(again.changes.is_empty() && again.rejects.is_empty());
});
