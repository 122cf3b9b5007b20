//! Whole runs in memory on a table, beside the same contacts as lines of JSON: what the format costs.

#![allow(missing_docs, reason = "the harness makes public functions")]

mod corpus;

use corpus::sample;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use presort::sample::{CsvDialect, SampleFormat};
use presort::{Cleaner, Sink};
use std::hint::black_box;
use std::time::Duration;

const CONTACTS: u64 = 32_000;

/// Cleans to lines; gives the numbers of accepted and rejected contacts.
fn clean(cleaner: &Cleaner, bytes: &[u8], lines: &mut Vec<u8>) -> (u64, u64) {
    lines.clear();
    let summary = cleaner.clean(bytes, Sink::lines(lines)).expect("a sample can be cleaned");
    assert!(summary.stop.is_none());
    (summary.receipt.contacts.accepted, summary.receipt.contacts.rejected)
}

fn tables(c: &mut Criterion) {
    let cleaner = Cleaner::builder().threads(1).build().expect("the settings are usual");
    let usual = CsvDialect::default();
    let mut group = c.benchmark_group("tables");
    for (mess, percent) in [(0.0, "clean"), (5.0, "5 % messy")] {
        let mut accepted = None;
        for (name, format) in [
            ("lines of JSON", SampleFormat::Ndjson),
            ("CSV", SampleFormat::Csv(usual)),
            ("CSV, all cells quoted", SampleFormat::Csv(CsvDialect { quote_all: true, ..usual })),
            ("semicolons and CRLF", SampleFormat::Csv(CsvDialect { delimiter: b';', crlf: true, ..usual })),
        ] {
            let bytes = sample(CONTACTS, mess, format);
            let mut lines = Vec::new();
            let expected = clean(&cleaner, &bytes, &mut lines);
            assert_eq!(expected.0 + expected.1, CONTACTS, "{name}");
            // The same people in every format.
            assert_eq!(*accepted.get_or_insert(expected.0), expected.0, "{name}");
            // Contacts, not bytes: a table has no names in its rows.
            group.throughput(Throughput::Elements(CONTACTS));
            group.bench_function(format!("{percent}, {name}"), |b| {
                b.iter(|| assert_eq!(clean(&cleaner, black_box(&bytes), &mut lines), expected));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = tables
}
criterion_main!(benches);
