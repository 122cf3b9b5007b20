use super::*;
use crate::json::split::{Layout, Span};

/// The statistics of contacts, one a line, in batches of `size`.
fn statistics(lines: &[String], size: usize, values: bool) -> Statistics {
    let mut profile = Profile::new(values);
    for (b, batch) in lines.chunks(size).enumerate() {
        let text = batch.join("\n");
        let mut at = 0;
        let spans: Vec<Span> = batch
            .iter()
            .map(|line| {
                let start = at;
                at += line.len() as u64 + 1;
                Span { start, end: at - 1, line: 1, whole: true }
            })
            .collect();
        let first = (b * size) as u64;
        let batch = Batch { first, ..Batch::of(text.as_bytes(), &spans, Layout::Lines) };
        let mut counted = BatchProfile::default();
        counted.batch(&batch, spans.len(), values);
        for i in 0..spans.len() {
            if (first + i as u64).is_multiple_of(10) {
                counted.outcome(i, Segment { rejected: 1, ..Segment::default() });
                counted.finding("email", Outcome::Rejected);
            }
        }
        profile.add(&counted, first);
    }
    profile.finish(vec![0])
}

fn lines(n: usize) -> Vec<String> {
    (0..n)
        .map(|i| {
            let domain = if i % 100 == 3 { "gmial.com" } else { "example.com" };
            format!("{{\"email\":\"p{i}@{domain}\",\"phone\": \"508-123-{:04}\", \"city\":\"x{}\",\"zip\":\" \",\"odd{}\":1}}", i % 50, i % 7, i % 120)
        })
        .collect()
}

#[test]
fn members_are_counted() {
    let all = statistics(&lines(1000), 1000, true);
    let field = |name: &str| all.fields.iter().find(|field| field.name == name).unwrap();
    assert_eq!((all.contacts, all.sampled), (1000, 16));
    let phone = field("phone");
    assert_eq!((phone.filled, phone.shortest, phone.longest, phone.mean), (1000, 12, 12, 12.0));
    assert!((48..=52).contains(&phone.distinct), "{phone:?}");
    assert_eq!(phone.shapes, [("999-999-9999".to_owned(), 16)]);
    assert_eq!(field("email").rejected, 100);
    assert!(all.fields.iter().all(|field| field.name != "zip"), "blank values are none");
    assert_eq!(all.typos, [DomainTypo { domain: "gmial.com".to_owned(), meant: "gmail.com", contacts: 10 }]);
    // A hundred other names have statistics of their own.
    assert_eq!(all.fields.len(), 3 + NAMES_MAX);
    assert!(all.other_values > 0);
    let seen: u64 = all.strip.iter().map(|segment| segment.seen).sum();
    let rejected: u64 = all.strip.iter().map(|segment| segment.rejected).sum();
    assert_eq!((seen, rejected, all.segment), (1000, 100, 4));
}

#[test]
fn batches_do_not_matter() {
    let lines = lines(1000);
    let all = statistics(&lines, 1000, true);
    for size in [1, 3, 64, 999] {
        assert_eq!(statistics(&lines, size, true), all, "{size}");
    }
}

#[test]
fn without_values_there_are_none() {
    let all = statistics(&lines(300), 7, false);
    assert!(all.typos.is_empty());
    assert!(all.fields.iter().all(|field| field.values.is_empty() && field.samples.is_empty()));
    assert!(!all.fields[0].shapes.is_empty());
}
