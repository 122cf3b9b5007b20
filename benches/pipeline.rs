//! One worker's part in memory, and whole runs from file to file.

#![allow(missing_docs, reason = "the harness makes public functions")]

mod corpus;

use corpus::{Corpus, Worker, sample};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use presort::clean::cleaner::OutputSelection;
use presort::json::split::Layout;
use presort::output::hash::Hash;
use presort::rules::Settings;
use presort::run::job::{Job, Mode, run};
use presort::sample::SampleFormat;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

fn worker(c: &mut Criterion) {
    const CONTACTS: u64 = 32_000;
    let settings = Settings { sms_explicit: true, ..Settings::default() };
    let mut group = c.benchmark_group("worker");
    for (name, mess, layout) in [
        ("clean array", 0.0, Layout::Array),
        ("clean lines", 0.0, Layout::Lines),
        ("5 % messy array", 5.0, Layout::Array),
        ("5 % messy lines", 5.0, Layout::Lines),
    ] {
        let corpus = Corpus::sample(CONTACTS, mess, layout);
        let (mut worker, wanted) = (Worker::default(), OutputSelection::default());
        let (expected, _) = worker.clean(&corpus, &settings, &wanted);
        assert_eq!(expected.accepted + expected.rejected, CONTACTS);
        // All that a worker finds in a clean sample is nothing.
        assert_eq!(expected.rejected + expected.held_back + expected.changed == 0, mess == 0.0, "{expected:?}");
        group.throughput(Throughput::BytesDecimal(corpus.bytes.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let (stats, written) = worker.clean(black_box(&corpus), &settings, &wanted);
                assert_eq!(stats, expected);
                written
            });
        });
    }
    group.finish();
}

/// A body in pieces, as a run hashes it.
fn hashes(c: &mut Criterion) {
    let body: Vec<u8> = (0..4_000_000u32).map(|i| (i.wrapping_mul(7) >> 3) as u8).collect();
    let mut group = c.benchmark_group("hash");
    group.throughput(Throughput::BytesDecimal(4_000_000));
    group.bench_function("a body", |b| {
        b.iter(|| {
            let mut hash = Hash::default();
            body.chunks(100_000).for_each(|piece| hash.update(black_box(piece)));
            hash.end()
        });
    });
    group.finish();
}

fn whole(c: &mut Criterion) {
    const CONTACTS: u64 = 62_000;
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let input = temporary.path().join("sample.json");
    let bytes = sample(CONTACTS, 5.0, SampleFormat::Payload);
    fs::write(&input, &bytes).expect("the sample can be written");
    let lines: PathBuf = temporary.path().join("out.ndjson");
    let bodies: PathBuf = temporary.path().join("bodies");

    let mut group = c.benchmark_group("run");
    group.throughput(Throughput::BytesDecimal(bytes.len() as u64));
    let clear = || {
        let _ = fs::remove_file(&lines);
        let _ = fs::remove_dir_all(&bodies);
    };
    group.bench_function("copy", |b| {
        b.iter_batched(clear, |()| fs::copy(&input, &lines).expect("it can be copied"), BatchSize::PerIteration);
    });
    for threads in [1, 2] {
        for (name, mode) in [("stream", Mode::Stream), ("split", Mode::Split(bodies.clone()))] {
            let job = Job { threads, ..Job::new(vec![input.clone()], mode, lines.clone()) };
            group.bench_function(format!("{name} {threads} threads"), |b| {
                let once = |()| {
                    let summary = run(black_box(&job)).expect("the run can be done");
                    assert!(summary.stop.is_none());
                    assert_eq!(summary.receipt.contacts.seen, CONTACTS);
                    assert_eq!(summary.receipt.bytes_read, bytes.len() as u64);
                };
                b.iter_batched(clear, once, BatchSize::PerIteration);
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4));
    targets = worker, hashes, whole
}
criterion_main!(benches);
