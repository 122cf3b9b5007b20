//! What the targets share: settings by a byte, and a batch of contacts cleaned.

use presort::clean::batch::Batch;
use presort::clean::cleaner::{BatchCleaner, Cleaned, OutputSelection, Separator};
use presort::json::split::{Layout, Span, Splitter};
use presort::rules::custom::Fields;
use presort::rules::date::Date;
use presort::rules::{BadField, PhoneFormat, Settings};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Settings of which each bit of `bits` is one.
#[must_use]
pub fn settings(bits: u8) -> Settings {
    let is = |bit: u8| bits >> bit & 1 == 1;
    Settings {
        email_max: if is(0) { 80 } else { 50 },
        bad_field: if is(1) { BadField::Reject } else { BadField::Hold },
        truncate: is(2),
        nanp: is(3),
        phone_format: if is(4) { PhoneFormat::Digits } else { PhoneFormat::Dashed },
        sms_explicit: is(5),
        custom_fields: is(6).then(|| {
            let mut fields: Fields = ["Tier", "id"].into_iter().collect();
            fields.add(["shirt_size", "Shirt Size"]);
            fields
        }),
        as_of: Date::new(2024, 2, 29).expect("it is a day"),
        ..Settings::default()
    }
}

/// The spans of a document by one call; those before a fault of syntax, if there is one.
#[must_use]
pub fn spans(bytes: &[u8], layout: Layout) -> Vec<Span> {
    let mut splitter = Splitter::new(layout, 0, 1, 0);
    let mut spans = Vec::new();
    let _ = splitter.feed(bytes, &mut spans);
    if layout != Layout::Array {
        splitter.finish(&mut spans);
    }
    spans
}

/// Cleans these contacts, with every output.
#[must_use]
pub fn clean(cleaner: &mut BatchCleaner, bytes: &[u8], layout: Layout, spans: &[Span], settings: &Settings) -> Cleaned {
    let batch = Batch { bytes, base: 0, line_start: 0, spans, first: 0, layout, has_gaps: false, input: 0, input_label: None, mapping: None };
    let wanted = OutputSelection { report: true, changes: true, rejects: true, ..OutputSelection::default() };
    let mut cleaned = Cleaned::default();
    cleaner.clean(&batch, settings, &wanted, Separator::Newline, &mut cleaned);
    cleaned
}

/// The members of a JSON object as serde_json reads them, in order, those given twice as well.
///
/// # Errors
/// It is no object.
pub fn members(json: &[u8]) -> serde_json::Result<Vec<(String, Value)>> {
    struct All;
    impl<'de> Visitor<'de> for All {
        type Value = Members;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }
    struct Members(Vec<(String, Value)>);
    impl<'de> Deserialize<'de> for Members {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(All)
        }
    }
    serde_json::from_slice::<Members>(json).map(|members| members.0)
}
