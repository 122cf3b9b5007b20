//! The cleaner as a whole, and the fast path against the parser.

use super::*;
use crate::json::split::Splitter;
use crate::model::position::Position;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// A contact that ends with `"PANIC_AGAIN":[]}` was cleaned before.
pub(crate) static SEEN: AtomicBool = AtomicBool::new(false);

pub(super) fn panic_on_request(contact: &[u8]) {
    assert!(!contact.ends_with(b"\"PANIC\":[]}"), "asked for by a test");
    let again = contact.ends_with(b"\"PANIC_AGAIN\":[]}") && SEEN.swap(true, Ordering::Relaxed);
    assert!(!again, "asked for by a test, the second time");
}

fn clean(text: &str, layout: Layout) -> Cleaned {
    let mut splitter = Splitter::new(layout, 0, 1, 0);
    let mut spans = Vec::new();
    splitter.feed(text.as_bytes(), &mut spans).unwrap();
    splitter.finish(&mut spans);
    let batch = Batch::of(text.as_bytes(), &spans, layout);
    let selection = OutputSelection { report: true, changes: true, rejects: true, ..OutputSelection::default() };
    let mut cleaned = Cleaned::default();
    BatchCleaner::default().clean(&batch, &Settings::default(), &selection, Separator::Newline, &mut cleaned);
    cleaned
}

#[test]
fn a_batch_of_everything() {
    let lines = concat!(
        "{\"email\":\"a@example.com\"}\n",
        "{\"email\":\"b@example.com\",\"zip\":60609.0}\n",
        "{\"email\":\"c@example.com\"\n",
        "null\n",
        "{\"email\":\"d\"}\n",
        "{\"email\":\"e@example.com\",\"phone_numbers\":[ {} ]}\n",
    );
    let cleaned = clean(lines, Layout::Lines);
    let out = "{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\",\"zip\":\"60609\"}\n{\"email\":\"e@example.com\"}\n";
    assert_eq!(String::from_utf8_lossy(&cleaned.out), out);
    let rejects = "{\"email\":\"c@example.com\"\nnull\n{\"email\":\"d\"}\n";
    assert_eq!(String::from_utf8_lossy(&cleaned.rejects), rejects);
    assert_eq!((cleaned.stats.accepted, cleaned.stats.rejected, cleaned.checked), (3, 3, 6));
    assert_eq!((cleaned.stats.held_back, cleaned.stats.changed), (1, 1));
    assert_eq!(cleaned.accepted.iter().map(|a| a.contact).collect::<Vec<_>>(), [0, 1, 5]);
    assert_eq!(cleaned.marks.iter().map(|m| m.contact).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let codes: Vec<Code> = cleaned.examples.iter().map(|e| e.code).collect();
    assert_eq!(codes, [Code::SYN001, Code::CON001, Code::EML001, Code::CON004]);
}

#[test]
fn broken_syntax_in_an_array_stops_at_the_byte() {
    let text = "{\"email\":\"a@example.com\"},\n {\"email\":NaN},{\"email\":\"b@example.com\"}]";
    let cleaned = clean(text, Layout::Array);
    let (contact, position, fault) = cleaned.stop.unwrap();
    assert_eq!((contact, fault), (1, Fault::NotAValue("NaN")));
    assert_eq!(position, Position { offset: 37, line: 2, column: 11, contact: Some(1) });
    assert_eq!((cleaned.stats.accepted, cleaned.checked), (1, 1));
}

#[test]
fn contacts_over_a_mebibyte_are_rejected_and_counted() {
    let big = format!("{{\"email\":\"a@example.com\",\"cf:x\":\"{}\"}}", "x".repeat(1 << 20));
    for layout in [Layout::Lines, Layout::Array] {
        let text = match layout {
            Layout::Lines | Layout::Objects | Layout::Rows | Layout::Cards => {
                format!("{big}\n{{\"email\":\"b@example.com\"}}\n")
            }
            Layout::Array => format!("{big},{{\"email\":\"b@example.com\"}}]"),
        };
        let cleaned = clean(&text, layout);
        assert_eq!((cleaned.stats.accepted, cleaned.stats.rejected), (1, 1));
        assert_eq!(cleaned.stats.codes[Code::SYN002 as usize], 1);
        assert_eq!(cleaned.rejects.len(), big.len() + 1);
    }
}

/// Cleans a batch of contacts that are laid out as `layout`.
fn clean_by(
    cleaner: &mut BatchCleaner,
    contacts: &[String],
    layout: Layout,
    settings: &Settings,
    separator: Separator,
) -> Cleaned {
    let text = match layout {
        Layout::Array => contacts.join(",") + "]",
        Layout::Lines | Layout::Objects | Layout::Rows | Layout::Cards => contacts.join("\n") + "\n",
    };
    let mut splitter = Splitter::new(layout, 0, 1, 0);
    let mut spans = Vec::new();
    // A broken contact may stop the splitter; a run cleans what it found before.
    let _ = splitter.feed(text.as_bytes(), &mut spans);
    let batch = Batch::of(text.as_bytes(), &spans, layout);
    let selection = OutputSelection { report: true, changes: true, rejects: true, ..OutputSelection::default() };
    let mut cleaned = Cleaned::default();
    cleaner.clean(&batch, settings, &selection, separator, &mut cleaned);
    cleaned
}

/// The fast path and the parser must give the same results for any contacts.
fn both_ways(contacts: &[String], settings: &Settings) {
    for layout in [Layout::Array, Layout::Lines] {
        for separator in [Separator::Comma, Separator::Newline] {
            let parsed = clean_by(&mut BatchCleaner::without_fast_path(), contacts, layout, settings, separator);
            for choice in crate::simd::Choice::available() {
                let cleaned = clean_by(&mut BatchCleaner::with_backend(choice), contacts, layout, settings, separator);
                let show = |c: &Cleaned| {
                    [&c.out, &c.report, &c.changes, &c.rejects].map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                };
                assert_eq!(show(&cleaned), show(&parsed), "{choice:?} {contacts:?}");
                assert_eq!(cleaned.accepted, parsed.accepted);
                assert_eq!(cleaned.marks, parsed.marks);
                assert_eq!(
                    (&cleaned.stats, &cleaned.stop, cleaned.checked),
                    (&parsed.stats, &parsed.stop, parsed.checked)
                );
                assert_eq!(cleaned.examples, parsed.examples);
                assert!(cleaned.stop.is_some() || cleaned.any_custom == parsed.any_custom);
            }
        }
    }
}

/// What is inserted.
const PIECES: &[&str] = &[
    "\"",
    "\\",
    " ",
    "  ",
    "\u{a0}",
    "é",
    "e\u{301}",
    "\t",
    "\u{7f}",
    ",",
    ":",
    "{",
    "}",
    "0",
    "1",
    "-",
    "@",
    ".",
    "\"x\":1",
    "null",
    "\"email\":\"a@b.co\",",
    "\"phone\":\"508-123-1235\",",
    "\"phone\":\"030-007-4321\",",
    "\"sms_number\":\"0300074321\",",
    "\"country\":\"Uganda\",",
    "\"work_country\":\"Canada\",",
    "\"zip\":\"2139.0\",",
    "\"home_zip\":2.139E3,",
    "\"cf:Points\":1e3,",
    "\"cf:Shirt Size\":\"M\",",
    "\"anniversary\":\"2015-07-04T00:00:00Z\",",
    ".0",
    "E3",
    "0",
    "\\u0000",
    "\u{9b}",
    ">",
    "\"street2\":\"x\",",
    "\"home_city\":\"y\",",
    "\\u0041",
    "xn--",
    "[1]",
    " ::: ",
    "&amp;",
    "=C3=BC",
    "\u{c3}\u{bc}",
    "\u{fffd}",
    "'",
    "\"zip\":{\"$numberInt\":\"2139\"},",
];

/// Values that software has damaged, and values like those.
const VALUES: &[&str] = &[
    "NULL",
    "Null",
    "None",
    "none",
    "nan",
    "N/A",
    "-",
    "--",
    "undefined",
    "NaN",
    "#N/A",
    "####",
    "[object Object]",
    "(null)",
    "<NA>",
    "'02139",
    "'t Hooft",
    "2139",
    "601",
    "2139-0001",
    "02139",
    "S\u{e3}o",
    "\u{c3}",
    "M\u{c3}\u{bc}ller",
    "\u{c5}\u{81}ukasz",
    "\u{160}ima",
    "a ::: b",
    "a:::b",
    ":::",
    "A&M",
    "R&D;",
    "O&#39;Neil",
    "D=FCmmy",
    "x=y",
    "unknown",
    "Ned",
    "No",
    "uma",
    "(x)",
    "13/05/2001",
    "04/03/2001",
    "0000-00-00",
    "617-555-0101 ::: 617-555-0102",
];

/// Contacts of a generated export, and mutations of them: bytes removed, doubled and changed, and pieces of other contacts
/// inserted.
fn mutations(count: u64, seed: u64) -> Vec<String> {
    use crate::sample::{Sample, SampleFormat, write};
    let mut out = Vec::new();
    let sample = Sample { contacts: count, seed, mess: 20.0, format: SampleFormat::Ndjson };
    write(&sample, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut state = seed | 1;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as usize % below.max(1)
    };
    text.lines()
        .map(|line| {
            let mut chars: Vec<char> = line.chars().collect();
            for _ in 0..[0, 0, 1, 1, 2, 3][random(6)] {
                if chars.is_empty() {
                    break;
                }
                let at = random(chars.len());
                match random(6) {
                    5 => {
                        let start =
                            chars[at..].windows(3).position(|three| three == ['"', ':', '"']).map(|i| at + i + 3);
                        let end = start.and_then(|start| Some(start + chars[start..].iter().position(|c| *c == '"')?));
                        if let (Some(start), Some(end)) = (start, end) {
                            chars.splice(start..end, VALUES[random(VALUES.len())].chars());
                        }
                    }
                    0 => drop(chars.remove(at)),
                    1 => chars.insert(at, chars[at]),
                    2 => {
                        chars[at] =
                            char::from_u32(chars[at] as u32 ^ 1 << random(7)).filter(|c| *c != '\n').unwrap_or('x')
                    }
                    _ => {
                        let piece: Vec<char> = PIECES[random(PIECES.len())].chars().collect();
                        chars.splice(at..at, piece);
                    }
                }
            }
            chars.into_iter().filter(|c| *c != '\n').collect()
        })
        .collect()
}

fn differential(batches: u64) {
    for batch in 0..batches {
        let contacts = mutations(40, batch + 1);
        let settings = Settings {
            sms_explicit: batch % 2 == 0,
            truncate: batch % 3 == 0,
            nanp: batch % 5 == 0,
            phone_format: if batch % 7 == 0 { crate::rules::PhoneFormat::Digits } else { Default::default() },
            bad_field: if batch % 11 == 0 { crate::rules::BadField::Reject } else { Default::default() },
            custom_fields: (batch % 13 == 0).then(|| {
                let mut fields: crate::rules::custom::Fields = ["Source", "Points"].into_iter().collect();
                fields.add(["Loyalty Tier", "Shirt Size"]);
                fields
            }),
            contact_bytes_max: if batch % 17 == 0 { 250 } else { usize::MAX },
            as_of: crate::rules::date::Date { year: 2023, month: 6, day: 1 },
            fix_zip: batch % 4 == 0,
            date_order: if batch % 6 == 0 { crate::rules::date::DateOrder::DayFirst } else { Default::default() },
            null_texts: if batch % 9 == 0 {
                ["unknown", "US", "S\u{e3}o"].map(str::to_owned).into()
            } else {
                Vec::new()
            },
            ..Settings::default()
        };
        both_ways(&contacts, &settings);
    }
}

#[test]
fn both_ways_agree_on_ten_thousand_contacts() {
    differential(250);
}

#[test]
#[ignore = "takes minutes: cargo test --release -- --ignored millions"]
fn both_ways_agree_on_millions_of_contacts() {
    differential(50_000);
}

#[test]
fn contacts_that_are_not_clean_as_a_whole_need_no_parser() {
    for contact in [
        r#"{"email":"Joe@EXAMPLE.com","first_name":"Ann"}"#,
        r#"{"email":"a@b.co","id":"7"}"#,
        r#"{"email":"a@b.co","city":"x","city":"y"}"#,
        r#"{"email":"a@b.co","street2":"x"}"#,
        r#"{"email":"a@b.co","sms_consent_date":"2024-07-03"}"#,
        r#"{"email":"a@b.co","cf:a":"x","cf:a":"x"}"#,
        r#"{"email":"a@b.co","zip":-0.5e3,"tags":[{"a":"b"},"c"],"city":"Zürich"}"#,
        r#"{"first_name":"x"}"#,
    ] {
        let contacts = vec![contact.to_owned(); 3];
        let mut cleaner = BatchCleaner::default();
        clean_by(&mut cleaner, &contacts, Layout::Lines, &Settings::default(), Separator::Newline);
        assert_eq!(cleaner.classifier.compact.len(), 3, "{contact}");
        both_ways(&contacts, &Settings::default());
    }
}

#[test]
fn most_messy_contacts_need_no_parser() {
    let settings = Settings::default();
    let contacts: Vec<String> = (0..100)
        .map(|i| format!(r#"{{"email":"a{i}@b.co","first_name":" x","phone":"1-508-123-1235","zip":{}}}"#, i + 1))
        .collect();
    let mut cleaner = BatchCleaner::default();
    let cleaned = clean_by(&mut cleaner, &contacts, Layout::Lines, &settings, Separator::Newline);
    assert_eq!((cleaned.stats.accepted, cleaner.classifier.compact.len()), (100, 100));
    let first = cleaned.out.split(|byte| *byte == b'\n').next().unwrap();
    let expected = r#"{"email":"a0@b.co","first_name":"x","phone":"508-123-1235","zip":"1"}"#;
    assert_eq!(String::from_utf8_lossy(first), expected);
}

#[test]
fn the_fast_path_takes_the_clean_contacts_of_an_export() {
    use crate::sample::{Sample, SampleFormat, write};
    let mut out = Vec::new();
    write(&Sample { contacts: 2000, seed: 3, mess: 0.0, format: SampleFormat::Ndjson }, &mut out).unwrap();
    let contacts: Vec<String> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    let settings = Settings { sms_explicit: true, ..Settings::default() };
    let mut cleaner = BatchCleaner::default();
    let cleaned = clean_by(&mut cleaner, &contacts, Layout::Lines, &settings, Separator::Newline);
    assert_eq!(cleaned.stats.accepted, 2000);
    let taken = cleaner.classifier.paths.iter().filter(|path| matches!(path, FastPath::Canonical(_))).count();
    // Escapes and rarer addresses are left to the parser.
    assert!(taken > 1900, "{taken} of 2000");
}
