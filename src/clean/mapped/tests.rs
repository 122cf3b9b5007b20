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
    let batch = Batch {
        bytes: text.as_bytes(),
        base: 0,
        line_start: 0,
        spans: &spans,
        first: 0,
        layout: Layout::Lines,
        has_gaps: false,
        input: 0,
        input_name: None,
        mapping: Some(input),
    };
    translator.translate(&batch, input, &Settings::default());
    let translated = translator.batch(&batch);
    let one = |(i, span): (usize, &Span)| {
        let notes: Vec<Note<'_>> = translator.notes(i).collect();
        (String::from_utf8(translated.contact(span).to_vec()).unwrap(), format!("{notes:?}"))
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
        let direct = rewritten(Translator::default(), &records, &input);
        let thorough = rewritten(Translator::thorough(), &records, &input);
        for ((record, direct), thorough) in records.iter().zip(&direct).zip(&thorough) {
            prop_assert_eq!(direct, thorough, "{}", record);
        }
    }
}

/// The usual record takes the direct way.
#[test]
fn usual_records_are_direct() {
    let records: Vec<String> = (0..20)
        .map(|i| {
            format!(r#"{{"Email":"c{i}@x.example","First Name":"Zoë","Tags":"x","Unsubscribed":"no","Mobile":null}}"#)
        })
        .collect();
    let input = mapping_of(&records);
    let rewritten_by = |record: &str| {
        let span = Span { start: 7, end: 7 + record.len() as u64, line: 1, whole: true };
        let batch = Batch {
            bytes: record.as_bytes(),
            base: 7,
            line_start: 0,
            spans: &[span],
            first: 0,
            layout: Layout::Lines,
            has_gaps: false,
            input: 0,
            input_name: None,
            mapping: None,
        };
        let (mut direct, mut out) = (Direct::new(&input), Vec::new());
        direct.begin(&batch);
        direct.rewrite(&batch, &span, &mut out).then_some(out)
    };
    for record in &records {
        let out = rewritten_by(record).expect(record);
        assert!(out.starts_with(b"{\"email\":\"c"), "{record}");
    }
    for refused in
        [records[0].replace("\"no\"", "\"yes\""), records[0].replace("Zo", "\\u005a"), records[0].replace("}", "")]
    {
        assert_eq!(rewritten_by(&refused), None, "{refused}");
    }
}
