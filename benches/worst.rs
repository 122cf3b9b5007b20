//! The exports that are hardest on a worker. None of them may cost many times what a clean one does.

#![allow(missing_docs, reason = "the harness makes public functions")]

mod corpus;

use corpus::{Corpus, Worker};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use presort::clean::cleaner::OutputSelection;
use presort::json::split::Layout;
use presort::rules::Settings;
use serde_json::Value;
use std::fmt::Write as _;
use std::hint::black_box;

const CONTACTS: u64 = 8_000;

/// One kind of export: its contacts, how many of them come through, and what is wanted beside them.
struct Case {
    name: &'static str,
    corpus: Corpus,
    accepted: Option<u64>,
    all_outputs: bool,
}

fn cases() -> Vec<Case> {
    let case = |name, corpus, accepted| Case { name, corpus, accepted, all_outputs: false };
    vec![
        case("clean, to compare", Corpus::sample(CONTACTS, 0.0, Layout::Lines), Some(CONTACTS)),
        case("all bad", Corpus::sample(CONTACTS, 100.0, Layout::Lines), None),
        Case {
            name: "all bad, report, changes and rejects",
            corpus: Corpus::sample(CONTACTS, 100.0, Layout::Lines),
            accepted: None,
            all_outputs: true,
        },
        Case {
            name: "all rejected, report and rejects",
            corpus: Corpus::changed(CONTACTS, |mut contact| {
                contact["email"] = "nobody".into();
                contact.as_object_mut().expect("a contact is an object").remove("sms_number");
                contact.to_string()
            }),
            accepted: Some(0),
            all_outputs: true,
        },
        case("all escaped", Corpus::changed(CONTACTS, |contact| escaped(&contact)), Some(CONTACTS)),
        case("all non-ASCII", Corpus::changed(CONTACTS, |contact| foreign(contact).to_string()), Some(CONTACTS)),
        case("all decomposed", Corpus::changed(CONTACTS, |contact| decomposed(contact).to_string()), Some(CONTACTS)),
        case("indented", indented(), Some(CONTACTS)),
        case("tiny contacts", tiny(100_000), Some(100_000)),
        case("no members", Corpus::new("{}\n".repeat(200_000).into_bytes(), Layout::Lines), Some(0)),
        case("1 MiB contacts, one value", Corpus::new(one_value().repeat(4).into_bytes(), Layout::Lines), Some(4)),
        case(
            "1 MiB contacts, many members",
            Corpus::new(many_members().repeat(4).into_bytes(), Layout::Lines),
            Some(4),
        ),
        case("1 MiB contacts, all quotes", Corpus::new(quotes().repeat(4).into_bytes(), Layout::Lines), Some(4)),
    ]
}

/// Every character of every value written as an escape.
fn escaped(contact: &Value) -> String {
    let mut text = String::from("{");
    for (name, value) in contact.as_object().expect("a contact is an object") {
        let _ = write!(text, "{}\"{name}\":", if text.len() > 1 { "," } else { "" });
        match value {
            Value::String(value) => {
                text.push('"');
                value.encode_utf16().for_each(|unit| write!(text, "\\u{unit:04x}").expect("memory takes it"));
                text.push('"');
            }
            other => text.push_str(&other.to_string()),
        }
    }
    text + "}"
}

/// The texts of a contact, but for those with rules of their own, made anew.
fn with_texts(mut contact: Value, text: &str) -> Value {
    let own = ["email", "phone", "anniversary", "sms", "zip", "country"];
    for (name, value) in contact.as_object_mut().expect("a contact is an object") {
        if value.is_string() && !own.iter().any(|own| name.contains(own)) {
            *value = text.into();
        }
    }
    contact
}

fn foreign(contact: Value) -> Value {
    with_texts(contact, "\u{c5}ngstr\u{f6}m \u{c7}elik \u{6771}\u{4eac} \u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}")
}

fn decomposed(contact: Value) -> Value {
    with_texts(contact, "Ange\u{301}lique  Bjo\u{308}rn Nun\u{303}ez")
}

fn indented() -> Corpus {
    let contacts: Vec<Value> = Corpus::sample(CONTACTS, 0.0, Layout::Lines)
        .each()
        .map(|contact| serde_json::from_slice(contact).expect("a sample is JSON"))
        .collect();
    let text = serde_json::to_vec_pretty(&contacts).expect("values can be written");
    Corpus::new(text[1..].to_vec(), Layout::Array)
}

fn tiny(contacts: usize) -> Corpus {
    let mut text = String::new();
    for i in 0..contacts {
        let _ = writeln!(text, "{{\"email\":\"{i}@a.bc\"}}");
    }
    Corpus::new(text.into_bytes(), Layout::Lines)
}

/// Just below the largest contact there may be.
const LARGE: usize = (1 << 20) - 100;

fn one_value() -> String {
    format!("{{\"email\":\"a@b.example\",\"cf:Notes\":\"{}\"}}\n", "lorem ipsum ".repeat(LARGE / 12))
}

/// Unknown names, all different: every one is held against those before it, and told of.
fn many_members() -> String {
    let mut text = String::from("{\"email\":\"a@b.example\"");
    for i in 0.. {
        if text.len() + 20 > LARGE {
            break;
        }
        let _ = write!(text, ",\"x{i}\":\"y\"");
    }
    text + "}\n"
}

fn quotes() -> String {
    format!("{{\"email\":\"a@b.example\",\"cf:Notes\":\"{}\"}}\n", "\\\"".repeat(LARGE / 2 - 50))
}

fn worst(c: &mut Criterion) {
    let settings = Settings { sms_explicit: true, ..Settings::default() };
    let mut group = c.benchmark_group("worst");
    for Case { name, corpus, accepted, all_outputs } in cases() {
        let wanted = OutputSelection {
            report: all_outputs,
            changes: all_outputs,
            rejects: all_outputs,
            ..OutputSelection::default()
        };
        let mut worker = Worker::default();
        let (expected, _) = worker.clean(&corpus, &settings, &wanted);
        assert_eq!(expected.accepted + expected.rejected, corpus.contacts, "{name}");
        assert_eq!(expected.accepted, accepted.unwrap_or(expected.accepted), "{name}: {expected:?}");
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

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = worst
}
criterion_main!(benches);
