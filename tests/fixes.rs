//! What to fix first, held against a count by hand: the report has every finding, and from it follows what each fix is worth.

use presort::model::finding::{Code, Outcome};
use presort::rules::{BadField, Duplicates, Effect, has_shape, rule};
use presort::{Cleaner, Limits, Sink};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

/// A fix without its worth: rule, outcome, member, shape.
type Key = (String, bool, Option<String>, Option<String>);

/// The shape of a short text, by its definition.
fn shape(text: &str) -> String {
    let has_letters = text.chars().any(|c| c.is_alphabetic());
    let classes: Vec<char> = text
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            c if c.is_alphabetic() => 'a',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let mut shape = String::new();
    for class in classes {
        let is_joined = shape.ends_with(class) && (matches!(class, 'a' | ' ') || class == '9' && has_letters);
        if !is_joined {
            shape.push(class);
        }
    }
    shape
}

/// What a line of the report does by itself.
fn own(line: &Value, bad_field: BadField) -> Option<Outcome> {
    let code = Code::parse(line["code"].as_str().unwrap()).unwrap();
    let is_warning = line["severity"] == "warning";
    match rule(code).effect {
        _ if code == Code::DUP001 => (line["outcome"] == "rejected").then_some(Outcome::Rejected),
        Effect::Rejects | Effect::Stops => Some(Outcome::Rejected),
        Effect::HoldsBack if line["field"] == "email" => Some(Outcome::Rejected),
        Effect::HoldsBack if bad_field == BadField::Reject && !is_warning => Some(Outcome::Rejected),
        Effect::HoldsBack => Some(Outcome::HeldBack),
        Effect::Keeps | Effect::Changes => None,
    }
}

/// The fixes by the report alone, each with its worth.
fn by_hand(report: &str, bad_field: BadField) -> BTreeMap<Key, u64> {
    let mut contacts: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for line in report.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(contact) = line["contact"].as_u64() {
            contacts.entry(contact).or_default().push(line);
        }
    }
    let mut sole: BTreeMap<Key, u64> = BTreeMap::new();
    for lines in contacts.values() {
        let is_rejected = lines.iter().any(|line| line["outcome"] == "rejected");
        let keys = |outcome: Outcome| -> BTreeSet<Key> {
            let lines = lines.iter().filter(|line| own(line, bad_field) == Some(outcome));
            lines
                .map(|line| {
                    let code = line["code"].as_str().unwrap().to_owned();
                    let value = match &line["value"] {
                        Value::String(text) => Some(text.clone()),
                        Value::Number(n) => Some(n.to_string()),
                        _ => None,
                    };
                    let shape = value.filter(|_| has_shape(Code::parse(&code).unwrap())).map(|value| shape(&value));
                    (code, is_rejected, line["field"].as_str().map(str::to_owned), shape)
                })
                .collect()
        };
        let mut keys_of = if is_rejected { keys(Outcome::Rejected) } else { keys(Outcome::HeldBack) };
        if is_rejected && keys_of.is_empty() {
            // A number that was held back was all that identified the contact.
            keys_of = keys(Outcome::HeldBack);
        }
        if keys_of.len() == 1 {
            *sole.entry(keys_of.pop_first().unwrap()).or_default() += 1;
        }
    }
    let mut fixes = BTreeMap::new();
    for ((code, is_rejected, field, shape), n) in &sole {
        if matches!(code.as_str(), "OPT001" | "OPT004" | "DUP001") {
            continue;
        }
        let same = sole.iter().filter(|((c, r, f, _), _)| (c, r, f) == (code, is_rejected, field));
        let all: u64 = same.map(|(_, n)| n).sum();
        let shape = shape.clone().filter(|_| *n >= 2 && n * 10 >= all);
        *fixes.entry((code.clone(), *is_rejected, field.clone(), shape)).or_default() += n;
    }
    fixes
}

/// A member, good or bad.
fn member() -> impl Strategy<Value = (&'static str, Value)> {
    let phone = prop_oneof![
        Just("508-123-1235".to_owned()),
        "[0-9]{3}-[0-9]{4}",
        "[0-9]{1,5}",
        Just("+44 20 7946 0958".to_owned()),
        Just("call me 5".to_owned())
    ];
    let date = prop_oneof![Just("2001-02-03".to_owned()), Just("31/31/2001".to_owned()), Just("soon".to_owned())];
    prop_oneof![
        4 => phone.clone().prop_map(|phone| ("phone", Value::from(phone))),
        2 => phone.clone().prop_map(|phone| ("home_phone", Value::from(phone))),
        2 => (1..99_999u32).prop_map(|phone| ("work_phone", Value::from(phone))),
        3 => date.prop_map(|date| ("anniversary", Value::from(date))),
        1 => phone.prop_map(|phone| ("sms_number", Value::from(phone))),
        1 => Just(("first_name", Value::from("x".repeat(60)))),
        1 => Just(("city", Value::Bool(true))),
        1 => "hobby|dog".prop_map(|name| (if name == "dog" { "dog" } else { "hobby" }, Value::from("x"))),
        1 => (0..15u8).prop_map(|month| ("birthday_month", Value::from(month))),
    ]
}

/// A contact. Members may be repeated.
fn contact() -> impl Strategy<Value = String> {
    let email = prop_oneof![
        6 => "[a-f]@example\\.com".prop_map(Some),
        1 => "[a-z]{1,9}[0-9]{0,3}".prop_map(Some),
        1 => "[a-z]{1,5}\\.\\.[a-z]{1,3}@example\\.com".prop_map(Some),
        1 => Just(Some("é b@example.com".to_owned())),
        1 => Just(None),
    ];
    let object = (email, proptest::collection::vec(member(), 0..4)).prop_map(|(email, members)| {
        let email = email.map(|email| format!("\"email\":{}", Value::from(email)));
        let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}", email.into_iter().chain(members).collect::<Vec<_>>().join(","))
    });
    prop_oneof![20 => object, 1 => Just("7".to_owned()), 1 => Just("\"x\"".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fixes_are_worth_what_the_report_says(
        contacts in proptest::collection::vec(contact(), 0..60),
        first in any::<bool>(),
        reject in any::<bool>(),
        max_contacts in prop_oneof![Just(1000u64), 1..20u64],
    ) {
        let input = format!("[{}]", contacts.join(","));
        let bad_field = if reject { BadField::Reject } else { BadField::Hold };
        let duplicates = if first { Duplicates::First } else { Duplicates::Keep };
        let limits = Limits { max_contacts, ..Limits::default() };
        let builder = Cleaner::builder().list_id(LIST).bad_field(bad_field).duplicates(duplicates).limits(limits);
        let mut before = None;
        for threads in [1, 3] {
            let cleaner = builder.clone().threads(threads).build().unwrap();
            let (mut body, mut report) = (Vec::new(), Vec::new());
            let summary = cleaner.clean(input.as_bytes(), Sink::body(&mut body).findings(&mut report)).unwrap();
            let fixes: BTreeMap<Key, u64> = summary
                .fixes
                .iter()
                .map(|fix| {
                    let is_rejected = fix.outcome == Outcome::Rejected;
                    ((fix.code.to_string(), is_rejected, fix.field.clone(), fix.shape.clone()), fix.contacts)
                })
                .collect();
            prop_assert_eq!(&fixes, &by_hand(std::str::from_utf8(&report).unwrap(), bad_field));
            prop_assert!(summary.fixes.is_sorted_by_key(|fix| std::cmp::Reverse(fix.contacts)));
            // A contact that has no other error is one of those that are not in the output, or not complete.
            let worth = |outcome| summary.fixes.iter().filter(|fix| fix.outcome == outcome).map(|fix| fix.contacts).sum::<u64>();
            prop_assert!(worth(Outcome::Rejected) <= summary.receipt.contacts.rejected);
            prop_assert!(worth(Outcome::HeldBack) <= summary.receipt.contacts.accepted_with_held_back);
            let same = (summary.fixes, summary.rejecting, summary.holding);
            prop_assert_eq!(before.get_or_insert_with(|| same.clone()), &same);
        }
    }
}
