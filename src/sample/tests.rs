use std::collections::{HashMap, HashSet};

use serde_json::Value;
use unicode_normalization::is_nfc;

use super::people::EMAIL_MAX;
use super::*;

fn sample(contacts: u64, seed: u64, mess: f64, format: SampleFormat) -> Vec<u8> {
    let mut out = Vec::new();
    let sample = Sample { contacts, seed, mess, format };
    write(&sample, &mut out).expect("writing to memory cannot fail");
    out
}

fn contacts(contacts: u64, seed: u64, mess: f64) -> Vec<Value> {
    let bytes = sample(contacts, seed, mess, SampleFormat::Ndjson);
    let text = std::str::from_utf8(&bytes).expect("a sample is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// FNV-1a, 64 bits.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The contacts of a sample that have one mistake only, for which `select` returns true.
fn with_only(select: impl Fn(Mistake) -> bool) -> Vec<(Mistake, Value)> {
    let maker = Maker::new(3, 100.0);
    let all = contacts(20_000, 3, 100.0);
    let found: Vec<_> = (0..)
        .zip(all)
        .filter_map(|(index, contact)| match maker.plan(index) {
            Plan { first: Some(kind), second: None } if select(kind) => Some((kind, contact)),
            _ => None,
        })
        .collect();
    assert!(!found.is_empty());
    found
}

fn characters(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

#[test]
fn same_arguments_same_bytes() {
    for format in [SampleFormat::Payload, SampleFormat::Ndjson] {
        assert_eq!(sample(3000, 7, 20.0, format), sample(3000, 7, 20.0, format));
        assert_ne!(sample(10, 7, 20.0, format), sample(10, 8, 20.0, format));
    }
}

/// Tests and reports name samples by their arguments. When this test fails, revert the change that made it fail:
/// otherwise every such name refers to a different sample.
#[test]
fn bytes_never_change() {
    let clean = sample(2000, 1, 0.0, SampleFormat::Payload);
    let messy = sample(20_000, 1, 100.0, SampleFormat::Ndjson);
    assert_eq!((fingerprint(&clean), fingerprint(&messy)), (0xd252_2f27_73f3_5e6d, 0x9de1_a03b_5aae_ad6b));
}

#[test]
fn longer_sample_begins_with_the_shorter() {
    let short = sample(500, 5, 30.0, SampleFormat::Ndjson);
    let long = sample(1500, 5, 30.0, SampleFormat::Ndjson);
    assert!(long.starts_with(&short));

    let short = sample(500, 5, 30.0, SampleFormat::Payload);
    let long = sample(1500, 5, 30.0, SampleFormat::Payload);
    assert!(long.starts_with(&short[..short.len() - "]}\n".len()]));
}

#[test]
fn both_formats_hold_the_same_contacts() {
    let payload = sample(800, 2, 40.0, SampleFormat::Payload);
    assert_eq!(payload.iter().filter(|&&byte| byte == b'\n').count(), 1);
    let body: Value = serde_json::from_slice(&payload).expect("a payload is JSON");
    assert_eq!(body["sms_permission_to_send"], "explicit");
    assert_eq!(body["list_ids"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["import_data"], Value::from(contacts(800, 2, 40.0)));
}

#[test]
fn no_contacts_is_a_sample_too() {
    assert!(sample(0, 1, 5.0, SampleFormat::Ndjson).is_empty());
    assert!(sample(0, 1, 5.0, SampleFormat::Payload).ends_with(b"\"import_data\":[]}\n"));
}

#[test]
fn average_size() {
    for mess in [0.0, 5.0] {
        let bytes = sample(100_000, 1, mess, SampleFormat::Ndjson).len();
        assert!((255..=270).contains(&(bytes / 100_000)), "{bytes}");
    }
}

#[test]
fn pieces_are_large() {
    struct Pieces(Vec<usize>);
    impl Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0.push(piece.len());
            Ok(piece.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut pieces = Pieces(Vec::new());
    let sample = Sample { contacts: 5000, seed: 1, mess: 100.0, format: SampleFormat::Payload };
    write(&sample, &mut pieces).expect("this writer takes all");
    let (_, full) = pieces.0.split_last().expect("there is output");
    assert!(!full.is_empty());
    assert!(full.iter().all(|&length| (PIECE..PIECE + LARGEST_CONTACT).contains(&length)));
}

#[test]
fn clean_contacts_are_canonical() {
    let mut emails = HashSet::new();
    let mut accented = 0;
    let mut escaped = 0;
    for contact in contacts(30_000, 9, 0.0) {
        let members = contact.as_object().expect("a clean contact is an object");
        assert!((9..=12).contains(&members.len()), "{contact}");
        let email = contact["email"].as_str().expect("a clean contact has an address");
        assert!(email.len() <= EMAIL_MAX && email.is_ascii(), "{email}");
        assert_eq!(email, email.to_lowercase());
        assert!(emails.insert(email.to_owned()), "{email}");
        let mut plain = true;
        for (name, value) in members {
            if name.starts_with("birthday") {
                assert!(value.is_u64());
                continue;
            }
            let text = value.as_str().expect("all but birthdays is text");
            assert!((1..=EMAIL_MAX).contains(&text.chars().count()), "{text}");
            assert!(is_nfc(text), "{text}");
            assert_eq!(text, text.split_whitespace().collect::<Vec<_>>().join(" "));
            plain &= text.is_ascii();
            escaped += u32::from(text.contains(['"', '\\']));
            let shape: String = text.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect();
            if name.ends_with("phone") || name == "sms_number" {
                assert_eq!(shape, "ddd-ddd-dddd");
                for start in [0, 4] {
                    assert!(text.as_bytes()[start] >= b'2' && &text[start + 1..start + 3] != "11", "{text}");
                }
            }
            if name == "anniversary" || name == "sms_consent_date" {
                assert_eq!(shape, "dddd-dd-dd");
            }
        }
        assert_eq!(members.contains_key("sms_number"), members.contains_key("sms_consent_date"));
        if let (Some(month), Some(day)) = (contact["birthday_month"].as_u64(), contact["birthday_day"].as_u64()) {
            assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            assert!(!(month == 2 && day > 29));
        }
        accented += u32::from(!plain);
    }
    assert!((1800..3300).contains(&accented), "{accented} of 30,000");
    assert!((150..600).contains(&escaped), "{escaped} of 30,000");
}

#[test]
fn clean_sample_has_no_null() {
    let bytes = sample(20_000, 4, 0.0, SampleFormat::Ndjson);
    let text = std::str::from_utf8(&bytes).expect("a sample is UTF-8");
    for never in ["null", "true", "false", ":\"\"", "\\u", "  ", "{}", "[]"] {
        assert!(!text.contains(never), "{never}");
    }
}

#[test]
fn large_indices_keep_addresses_short_and_apart() {
    let mut emails = HashSet::new();
    for index in (0..2000).map(|i| u64::MAX - i).chain((0..2000).map(|i| 99_999_000 + i)) {
        let mut email = Vec::new();
        Person::draw(1, index).address(&mut email);
        assert!(email.len() <= EMAIL_MAX);
        assert!(emails.insert(email));
    }
}

#[test]
fn mess_is_the_share_of_messy_contacts() {
    for (mess, from, to) in [(0.0, 0, 0), (5.0, 4700, 5300), (50.0, 49_000, 51_000), (100.0, 100_000, 100_000)] {
        let maker = Maker::new(1, mess);
        let messy = (0..100_000).filter(|&index| maker.plan(index).first.is_some()).count();
        assert!((from..=to).contains(&messy), "{mess}: {messy}");
    }
}

#[test]
fn contacts_out_of_the_mess_stay_clean() {
    let maker = Maker::new(6, 25.0);
    for (index, (clean, mixed)) in contacts(2000, 6, 0.0).into_iter().zip(contacts(2000, 6, 25.0)).enumerate() {
        if maker.plan(index as u64).first.is_none() {
            assert_eq!(clean, mixed);
        }
    }
}

#[test]
fn every_kind_occurs() {
    const MESSY: u64 = 50_000;
    let maker = Maker::new(1, 100.0);
    let mut counts: HashMap<Mistake, u64> = HashMap::new();
    for index in 0..MESSY {
        let plan = maker.plan(index);
        for kind in [plan.first, plan.second].into_iter().flatten() {
            *counts.entry(kind).or_default() += 1;
        }
    }
    for (kind, weight) in MISTAKES {
        assert!(weight * 1000 >= 3 * WEIGHTS, "{kind:?} is too rare");
        let count = counts.get(kind).copied().unwrap_or(0);
        assert!(count * 1000 >= 3 * MESSY, "{kind:?}: {count}");
    }
    assert_eq!(counts.len(), MISTAKES.len(), "a kind stands twice in the table");
}

#[test]
fn every_mistake_shows() {
    let clean = contacts(20_000, 3, 0.0);
    let messy = contacts(20_000, 3, 100.0);
    let maker = Maker::new(3, 100.0);
    for (index, (clean, messy)) in (0..).zip(clean.iter().zip(&messy)) {
        // A member given twice can be lost on the way through this reader.
        if maker.plan(index).first != Some(Mistake::Name(NameMistake::Twice)) {
            assert_ne!(clean, messy, "{index}: {:?}", maker.plan(index));
        }
    }
}

#[test]
fn first_contact_is_always_an_object_of_its_own() {
    for seed in 0..2000 {
        let first = &contacts(1, seed, 100.0)[0];
        assert!(first.is_object(), "{first}");
    }
}

#[test]
fn duplicates_repeat_an_earlier_address() {
    let maker = Maker::new(3, 100.0);
    let mut seen = HashSet::new();
    let mut repeated = 0;
    for (index, contact) in (0..).zip(contacts(20_000, 3, 100.0)) {
        let email = contact["email"].as_str().unwrap_or_default().to_ascii_lowercase();
        let plan = maker.plan(index);
        if let (Some(Mistake::Email(EmailMistake::Duplicate | EmailMistake::DuplicateOtherCase)), None) =
            (plan.first, plan.second)
        {
            repeated += u32::from(seen.contains(&email));
            assert!(seen.contains(&email) || index < 10, "{index}: {email}");
        }
        seen.insert(email);
    }
    assert!(repeated > 100);
}

#[test]
fn what_is_too_long_is_too_long() {
    for (kind, contact) in with_only(|kind| {
        matches!(
            kind,
            Mistake::Text(TextMistake::TooLong | TextMistake::StreetTooLong)
                | Mistake::Custom(CustomMistake::ValueTooLong | CustomMistake::NameTooLong | CustomMistake::TooMany)
                | Mistake::Email(EmailMistake::TooLong)
                | Mistake::Sms(SmsMistake::TooLong)
        )
    }) {
        let members = contact.as_object().expect("these are objects");
        let shows = match kind {
            Mistake::Text(TextMistake::StreetTooLong) => characters(&contact["street"]) > 255,
            Mistake::Text(_) => members.iter().any(|(name, value)| {
                !name.starts_with("cf:") && characters(value) > if name == "street" { 255 } else { 50 }
            }),
            Mistake::Custom(CustomMistake::ValueTooLong) => characters(&contact["cf:Notes"]) > 255,
            Mistake::Custom(CustomMistake::NameTooLong) => members.keys().any(|name| name.chars().count() > 3 + 50),
            Mistake::Custom(_) => members.keys().filter(|name| name.starts_with("cf:")).count() > 25,
            Mistake::Email(_) => characters(&contact["email"]) > EMAIL_MAX,
            _ => characters(&contact["sms_number"]) > 16,
        };
        assert!(shows, "{kind:?}: {contact}");
    }
}

#[test]
fn decomposed_text_is_decomposed() {
    for (_, contact) in with_only(|kind| kind == Mistake::Text(TextMistake::Decomposed)) {
        let members = contact.as_object().expect("these are objects");
        assert!(members.values().any(|value| value.as_str().is_some_and(|text| !is_nfc(text))));
    }
}
