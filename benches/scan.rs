//! Finding the contacts and the rows of tables: every backend this machine can run, beside a plain copy and a count of line breaks.

#![allow(missing_docs, reason = "the harness makes public functions")]

mod corpus;

use corpus::{Corpus, sample, split};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use presort::csv::RowSplitter;
use presort::document::SLICE;
use presort::json::split::Layout;
use presort::sample::{CsvDialect, SampleFormat};
use presort::simd::Choice;
use std::hint::black_box;

const CONTACTS: u64 = 32_000;

fn yardsticks(c: &mut Criterion) {
    let corpus = Corpus::sample(CONTACTS, 5.0, Layout::Lines);
    let mut group = c.benchmark_group("yardstick");
    group.throughput(Throughput::BytesDecimal(corpus.bytes.len() as u64));
    let mut copy = vec![0; corpus.bytes.len()];
    group.bench_function("copy", |b| b.iter(|| black_box(&mut copy[..]).copy_from_slice(black_box(&corpus.bytes))));
    group.bench_function("line breaks", |b| {
        b.iter(|| assert_eq!(memchr::memchr_iter(b'\n', black_box(&corpus.bytes)).count() as u64, CONTACTS));
    });
    group.finish();
}

fn backends(c: &mut Criterion) {
    for (name, layout) in [("split array", Layout::Array), ("split lines", Layout::Lines)] {
        let corpus = Corpus::sample(CONTACTS, 5.0, layout);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::BytesDecimal(corpus.bytes.len() as u64));
        let mut spans = Vec::new();
        for choice in Choice::available() {
            group.bench_function(format!("{choice:?}").to_lowercase(), |b| {
                b.iter(|| assert_eq!(split(black_box(&corpus.bytes), layout, choice, &mut spans), CONTACTS));
            });
        }
        group.finish();
    }
}

/// What makes splitting harder or easier: contacts that are short, indented, full of escapes.
fn shapes(c: &mut Criterion) {
    let short = "{\"email\":\"a@b.example\"}\n".repeat(100_000).into_bytes();
    let values: Vec<serde_json::Value> = Corpus::sample(8_000, 5.0, Layout::Lines)
        .each()
        .map(|contact| serde_json::from_slice(contact).expect("a sample is JSON"))
        .collect();
    let pretty = serde_json::to_vec_pretty(&values).expect("values can be written")[1..].to_vec();
    let escaped = "{\"email\":\"a@b.example\",\"cf:path\":\"\\\\\\\\\\\"{[\\\\\"}\n".repeat(50_000).into_bytes();
    let mut group = c.benchmark_group("split shape");
    let mut spans = Vec::new();
    for (name, bytes, layout, contacts) in [
        ("short", &short, Layout::Lines, 100_000),
        ("indented", &pretty, Layout::Array, 8_000),
        ("escapes", &escaped, Layout::Lines, 50_000),
    ] {
        group.throughput(Throughput::BytesDecimal(bytes.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| assert_eq!(split(black_box(bytes), layout, Choice::best(), &mut spans), contacts));
        });
    }
    group.finish();
}

/// Rows of a table: every backend, then what makes them harder. Spaces in front of quotes are read byte by byte.
fn rows(c: &mut Criterion) {
    let table = |dialect| sample(CONTACTS, 5.0, SampleFormat::Csv(dialect));
    let usual = table(CsvDialect::default());
    let quoted = table(CsvDialect { quote_all: true, ..CsvDialect::default() });
    let spaced = "a@b.example, \"Ann\", \"Boston\"\n".repeat(CONTACTS as usize).into_bytes();
    let mut spans = Vec::new();
    let mut count = |bytes: &[u8], choice| {
        let mut splitter = RowSplitter::with_backend(b',', 0, 1, 0, choice);
        for slice in bytes.chunks(SLICE) {
            spans.clear();
            splitter.feed(slice, &mut spans).expect("every quote is closed");
        }
        splitter.finish(&mut spans).expect("every quote is closed");
        splitter.spans()
    };
    let mut group = c.benchmark_group("split rows");
    let backends = Choice::available().into_iter().map(|choice| (format!("{choice:?}").to_lowercase(), &usual, choice));
    let shapes = [("quoted", &quoted), ("spaces before quotes", &spaced)];
    let shapes = shapes.map(|(name, bytes)| (name.to_owned(), bytes, Choice::best()));
    for (name, bytes, choice) in backends.chain(shapes) {
        let expected = count(bytes, Choice::Scalar);
        assert!(expected >= CONTACTS, "{name}: {expected}");
        group.throughput(Throughput::BytesDecimal(bytes.len() as u64));
        group.bench_function(name, |b| b.iter(|| assert_eq!(count(black_box(bytes), choice), expected)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = yardsticks, backends, shapes, rows
}
criterion_main!(benches);
