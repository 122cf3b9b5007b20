//! Reading the members of contacts: joined in batches of several sizes, one at a time, and strictly.

#![allow(missing_docs, reason = "the harness makes public functions")]

mod corpus;

use corpus::Corpus;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use presort::json::parse::{Parsed, Parser, Strict};
use presort::json::split::Layout;
use presort::json::syntax;
use presort::model::member::Value;
use std::hint::black_box;

const CONTACTS: u64 = 16_000;

/// What was seen of the contacts; equal for every way of reading them.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    contacts: u64,
    members: u64,
    text_bytes: u64,
}

impl Seen {
    fn member(&mut self, name: &str, value: Value<'_>) {
        self.members += 1;
        self.text_bytes += name.len() as u64;
        if let Value::String(text) = black_box(value) {
            self.text_bytes += text.len() as u64;
        }
    }

    fn strictly(&mut self, contact: &[u8]) {
        let strict = Strict::parse(contact).expect("a sample is JSON").expect("a clean sample has objects only");
        self.contacts += 1;
        strict.members().for_each(|member| self.member(member.name, member.value));
    }
}

fn batches(c: &mut Criterion) {
    let corpus = Corpus::sample(CONTACTS, 0.0, Layout::Lines);
    let contacts: Vec<&[u8]> = corpus.each().collect();
    let mut expected = Seen::default();
    contacts.iter().for_each(|contact| expected.strictly(contact));

    let mut group = c.benchmark_group("parse batches");
    group.throughput(Throughput::BytesDecimal(corpus.bytes.len() as u64));
    let mut parser = Parser::new();
    for at_once in [1, 16, 64, 128, 256, 1024] {
        group.bench_with_input(BenchmarkId::from_parameter(at_once), &at_once, |b, at_once| {
            b.iter(|| {
                let mut seen = Seen::default();
                for batch in black_box(&contacts).chunks(*at_once) {
                    let good = parser.parse(batch.iter().copied(), |contacts| {
                        for contact in contacts {
                            seen.contacts += 1;
                            match contact {
                                Parsed::Members(members) => members.for_each(|m| seen.member(m.name, m.value)),
                                other => panic!("a clean sample has plain contacts only, not {other:?}"),
                            }
                        }
                    });
                    assert!(good);
                }
                assert_eq!(seen, expected);
            });
        });
    }
    group.finish();
}

fn strict(c: &mut Criterion) {
    for (name, mess) in [("strict clean", 0.0), ("strict messy", 100.0)] {
        let corpus = Corpus::sample(CONTACTS, mess, Layout::Lines);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::BytesDecimal(corpus.bytes.len() as u64));
        group.bench_function("check", |b| {
            b.iter(|| {
                let good = corpus.each().filter(|contact| syntax::check(black_box(contact)).is_ok()).count();
                assert_eq!(good as u64, CONTACTS);
            });
        });
        let read = |contact: &[u8]| Strict::parse(contact).expect("a sample is JSON").map(|s| s.members().count());
        let members: usize = corpus.each().filter_map(read).sum();
        group.bench_function("members", |b| {
            b.iter(|| assert_eq!(corpus.each().filter_map(|contact| read(black_box(contact))).sum::<usize>(), members));
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = batches, strict
}
criterion_main!(benches);
