use super::*;

fn shape(text: &str) -> String {
    Shape::of(text).as_str().to_owned()
}

#[test]
fn shapes() {
    for (text, expected) in [
        ("555-1234", "999-9999"),
        ("+44 20 7946 0958", "+99 99 9999 9999"),
        ("joe12.smith@example.com", "a9.a@a.a"),
        ("laura+102#my-shop.example", "a+9#a-a.a"),
        ("Bücher   12", "a 9"),
        ("", ""),
        ("a\u{0}b\u{fffd}", "a?a?"),
        ("1-1-1-1-1-1-1-1-1-1-1-1-1", "9-9-9-9-9-9-9-9-9-9-9..."),
        ("1-1-1-1-1-1-1-1-1-1-1-1-", "9-9-9-9-9-9-9-9-9-9-9-9-"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

fn finding<'a>(code: Code, field: &'a str, value: &'a str) -> Finding<'a> {
    Finding {
        code,
        severity: crate::model::finding::Severity::Error,
        outcome: Outcome::HeldBack,
        field: Some(field),
        value: Raw::Value(Value::String(value)),
        to: crate::model::finding::To::None,
        detail: crate::model::finding::Detail::None,
    }
}

/// Counts of contacts that each have one error of a member of their own, in batches of `size`.
fn counted(size: usize, contacts: &[(Code, String, String)]) -> Vec<Fix> {
    let (mut all, mut stats) = (Causes::default(), Stats::default());
    // The buffers of one batch are those of the next.
    let mut causes = Causes::default();
    for (b, batch) in contacts.chunks(size).enumerate() {
        for (i, (code, field, value)) in batch.iter().enumerate() {
            causes.note(&finding(*code, field, value), Outcome::HeldBack, true);
            causes.end_contact(true, &mut stats, Some((0, (b * size + i) as u64, 1)));
        }
        all.add(&mut causes);
    }
    assert!(all.entries.len() <= FIXES_MAX + Code::COUNT);
    all.fixes()
}

#[test]
fn memory_is_bounded_and_batches_do_not_matter() {
    // More names than are counted one by one, then more shapes of one member.
    let mut contacts: Vec<(Code, String, String)> =
        (0..5000).map(|i| (Code::CON004, format!("name {i}"), String::new())).collect();
    contacts.extend((0..3000).map(|i| (Code::PHN001, "phone".to_owned(), "1".repeat(i % 20) + &"-".repeat(i % 7))));
    contacts.extend(contacts.clone());
    let one = counted(1, &contacts);
    assert_eq!(one.iter().map(|fix| fix.contacts).sum::<u64>(), 16_000);
    for size in [7, 1000, 20_000] {
        assert_eq!(counted(size, &contacts), one, "{size}");
    }
    contacts.reverse();
    assert_eq!(counted(1, &contacts), counted(999, &contacts));
}

#[test]
fn what_was_added_can_be_taken_back() {
    let (mut all, mut stats) = (Causes::default(), Stats::default());
    let once = |all: &mut Causes, stats: &mut Stats, back: bool| {
        let mut causes = Causes::default();
        causes.note(&finding(Code::PHN001, "phone", "1"), Outcome::HeldBack, true);
        causes.end_contact(true, stats, Some((0, 1, 1)));
        if back { all.subtract(&mut causes) } else { all.add(&mut causes) }
    };
    once(&mut all, &mut stats, false);
    once(&mut all, &mut stats, false);
    assert_eq!((all.fixes()[0].contacts, stats.holding[Code::PHN001 as usize]), (2, 2));
    once(&mut all, &mut stats, true);
    once(&mut all, &mut stats, true);
    assert_eq!(all.fixes(), []);
}
