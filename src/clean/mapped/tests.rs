//! The direct way against the thorough one.

use super::*;
use crate::clean::flatten::flatten;
use crate::mapping::{MapOptions, Profile, decide};
use proptest::prelude::*;
use proptest::sample::select;

fn mapping_of(records: &[String]) -> InputMapping {
    let mut profile = Profile::default();
    for record in records {
        if flatten(record, None, |path, leaf| profile.cell(path, &leaf.text(record))).is_ok() {
            profile.end_record();
        }
    }
    InputMapping {
        table: None,
        mapping: decide(&profile, &MapOptions { auto: true, ..MapOptions::default() }).unwrap(),
        contact: None,
        is_cards: false,
    }
}

/// The records as they are rewritten, each with its notes.
fn rewritten(mut translator: Translator, records: &[String], input: &InputMapping) -> Vec<(String, String)> {
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    let mut at = 0;
    let spans: Vec<Span> = records
        .iter()
        .map(|record| {
            let span = Span { start: at, end: at + record.len() as u64, line: 1, whole: true };
            at = span.end + 1;
            span
        })
        .collect();
    let batch = Batch { mapping: Some(input), ..Batch::of(text.as_bytes(), &spans, Layout::Lines) };
    let records = translated(&mut translator, &batch, input).into_iter();
    records.map(|(record, notes)| (String::from_utf8(record).unwrap(), notes)).collect()
}

/// Each record of a batch as it is rewritten, with its place and its notes.
pub(super) fn translated(
    translator: &mut Translator,
    batch: &Batch<'_>,
    input: &InputMapping,
) -> Vec<(Vec<u8>, String)> {
    translator.translate(batch, input, &Settings::default());
    let translated = translator.batch(batch);
    assert_eq!(translated.spans.len(), batch.spans.len());
    let one = |(i, span): (usize, &Span)| {
        let notes: Vec<Note<'_>> = translator.notes(i).collect();
        (translated.contact(span).to_vec(), format!("{span:?} {notes:?}"))
    };
    translated.spans.iter().enumerate().map(one).collect()
}

fn record() -> impl Strategy<Value = String> {
    let name = select(vec![
        "Email",
        "E-mail",
        "First Name",
        "Last Name",
        "Full Name",
        "Phone",
        "Mobile Phone",
        "Phone 1 - Value",
        "City",
        "Zip",
        "Company",
        "Title",
        "Birthday",
        "Unsubscribed",
        "Status",
        "Favourite colour",
        "cf:Tier",
        "presort",
        "Nam\\u0065",
        "Stra\u{df}e",
        "Address",
        "Labels",
    ]);
    let value = select(vec![
        "\"a@x.example\"",
        "\"Ana\"",
        "\"Ana Li\"",
        "\"\"",
        "\"  \"",
        "\"\u{a0}\"",
        "null",
        "true",
        "false",
        "12",
        "0",
        "1.50",
        "-3",
        "\"617-555-0101\"",
        "\"617-555-0101 ::: 617-555-0102\"",
        "\"yes\"",
        "\"no\"",
        "\"perhaps\"",
        "\"unsubscribed\"",
        "\"02/03\"",
        "\"\\u00e9\"",
        "\"J\u{fc}rgen\"",
        "{\"a\":\"b\"}",
        "[\"x\",\"y\"]",
        "[]",
        "12345678901234567890123",
        "\"null\"",
    ]);
    let spaces = select(vec!["", "", "", " "]);
    (prop::collection::vec((name, value), 0..6), spaces).prop_map(|(members, space)| {
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{space}{value}")).collect();
        format!("{{{}}}", members.join(&format!(",{space}")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_agree(records in prop::collection::vec(record(), 1..12)) {
        let input = mapping_of(&records);
        let thorough = rewritten(Translator::with_backend(None), &records, &input);
        for choice in Choice::available() {
            let direct = rewritten(Translator::with_backend(Some(choice)), &records, &input);
            for ((record, direct), thorough) in records.iter().zip(&direct).zip(&thorough) {
                prop_assert_eq!(direct, thorough, "{:?} {}", choice, record);
            }
        }
    }
}

/// What the direct way makes of a record that ends where the bytes end, or with others behind it. None if it refuses.
fn directly(choice: Choice, record: &str, behind: &str, input: &InputMapping) -> Option<String> {
    let bytes = format!("{record}{behind}");
    let span = Span { start: 7, end: 7 + record.len() as u64, line: 1, whole: true };
    let placed = [span];
    let batch = Batch { base: 7, ..Batch::of(bytes.as_bytes(), &placed, Layout::Lines) };
    let (mut out, mut spans) = (b"before\n".to_vec(), Vec::new());
    let count = Direct::new(input, choice).unwrap().write(&batch, 0, &mut out, &mut spans);
    assert_eq!(count, spans.len());
    let span = spans.first()?;
    assert_eq!((span.start, span.end as usize + 1, out.last()), (7, out.len(), Some(&b'\n')));
    Some(String::from_utf8(out[7..out.len() - 1].to_vec()).unwrap())
}

fn usual_records() -> Vec<String> {
    let record = |i| {
        format!(
            r#"{{"Email":"c{i}@x.example","First Name":"Zoë","Tags":"x","Unsubscribed":"no","Mobile":null,"Birthday Month":0}}"#
        )
    };
    (0..20).map(record).collect()
}

/// The usual record takes the direct way.
#[test]
fn usual_records_are_direct() {
    let records = usual_records();
    let input = mapping_of(&records);
    for choice in Choice::available() {
        for record in &records {
            let out = directly(choice, record, "", &input).expect(record);
            assert!(out.starts_with("{\"email\":\"c"), "{record}");
        }
        let spaced = records[0].replace(':', ": ").replace(",\"", ", \"");
        assert_eq!(directly(choice, &spaced, "", &input), directly(choice, &records[0], "", &input));
        for refused in [
            records[0].replace("\"no\"", "\"yes\""),
            records[0].replace("Zo", "\\u005a"),
            records[0].replace("Zo", "Z\to"),
            records[0].replace("First Name", "Email"),
            records[0].replace("First Name", "New Name"),
            records[0].replace("\":\"x", "\":x"),
            records[0].replace("\":\"x", "\"::\"x"),
            records[0].replace("\":\"x", "\",\"x"),
            records[0].replace('}', ",}"),
            records[0].replace('}', ", }"),
            records[0].replace(":0}", ":01}"),
            records[0].replace(":0}", ":0.5}"),
        ] {
            assert_eq!(directly(choice, &refused, "", &input), None, "{choice:?} {refused}");
        }
    }
}

/// No beginning of a record is taken for one, whatever is behind it: what follows in the input, or nothing.
#[test]
fn no_part_of_a_record_is_one() {
    let records = usual_records();
    let input = mapping_of(&records);
    let record = &records[7];
    for choice in Choice::available() {
        let whole = directly(choice, record, "", &input);
        assert!(whole.is_some());
        for behind in ["\n", "}\n{\"Email\":\"", "\",\"", &" ".repeat(300), &"\"".repeat(300)] {
            assert_eq!(directly(choice, record, behind, &input), whole, "{choice:?} {behind}");
        }
        for end in (0..record.len()).filter(|end| record.is_char_boundary(*end)) {
            for behind in ["", &record[end..], "}", "\"}", "\n"] {
                assert_eq!(directly(choice, &record[..end], behind, &input), None, "{choice:?} {end} {behind}");
            }
        }
    }
}

/// Values and names of every length, around the sizes of what is loaded and copied at once.
#[test]
fn lengths() {
    for name_len in [1, 2, 5, 6, 7, 8, 9, 15, 16, 28, 29, 30, 31, 32, 33, 40, 59, 60, 61, 62, 63, 64, 90, 200] {
        let name = "n".repeat(name_len);
        let records = vec![format!(r#"{{"{name}":"x","Email":"a@x.example"}}"#)];
        let mut input = mapping_of(&records);
        input.mapping.columns[0].target = Target::Custom("Kind".to_owned());
        for len in (0..140).chain([255, 256, 257, 1000]) {
            for value in ["x".repeat(len), "é".repeat(len)] {
                let records = [
                    format!(r#"{{"{name}":"{value}","Email":"a@x.example"}}"#),
                    format!(r#"{{"Email":"a@x.example","{name}":"{value}"}}"#),
                ];
                let thorough = rewritten(Translator::with_backend(None), &records, &input);
                for choice in Choice::available() {
                    let direct = rewritten(Translator::with_backend(Some(choice)), &records, &input);
                    assert_eq!(direct, thorough, "{choice:?} {name_len} {len}");
                    let taken = records.iter().filter_map(|record| directly(choice, record, "", &input)).count();
                    assert_eq!(taken, 2, "{choice:?} {name_len} {len}");
                    let escaped = records[1].replace(&format!("\"{value}\""), &format!("\"{value}\\\\\""));
                    assert_eq!(directly(choice, &escaped, "", &input), None, "{choice:?} {name_len} {len}");
                }
            }
        }
    }
}
