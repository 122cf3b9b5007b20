//! Walkers over random documents, in pieces of any size.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

const START: Position = Position { offset: 0, line: 1, column: 1, contact: None };

/// Random JSON, up to a few levels deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        "[a-c\"\\\\\\[\\]{}é, :\n]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-c/~\"]{0,3}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Feeds a document piece by piece. Where contacts begin, the rest of their array is taken from `text`.
fn walk(mut walker: Walker, text: &str, piece: usize) -> Result<(Walker, Vec<(u64, usize)>)> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let bytes = &text.as_bytes()[at..(at + piece).min(text.len())];
        if let Some(Event::Records(position)) = walker.feed(bytes)? {
            assert_eq!(position, START.after(&text.as_bytes()[..position.offset as usize]));
            let from = position.offset as usize;
            let mut splitter = Splitter::new(Layout::Array, position.offset, 1, 0);
            let mut spans = Vec::new();
            let Ok(Status::End(end)) = splitter.feed(&text.as_bytes()[from..], &mut spans) else { panic!("{text}") };
            records.push((position.offset, spans.len()));
            walker.resume(START.after(&text.as_bytes()[..end as usize]));
        }
        at = walker.offset() as usize;
    }
    assert!(walker.is_closed(), "{text}");
    assert_eq!(walker.position(), START.after(text.as_bytes()));
    Ok((walker, records))
}

/// Pointers to all arrays, with their lengths.
fn arrays(value: &Value, pointer: &str, found: &mut Vec<(String, usize)>) {
    let step = |name: &str| format!("{pointer}{}", Pointer::member(name));
    match value {
        Value::Array(items) => {
            found.push((pointer.to_owned(), items.len()));
            items.iter().enumerate().for_each(|(i, item)| arrays(item, &step(&i.to_string()), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| arrays(member, &step(name), found)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn every_array_is_found_by_its_pointer(members in prop::collection::vec(("[a-c]{0,2}", json()), 1..5), pretty: bool, piece in 1usize..40) {
        let value = Value::Object(members.into_iter().collect());
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let mut all = Vec::new();
        arrays(&value, "", &mut all);
        for (pointer, len) in &all {
            let walker = Walker::new("in", Some(Pointer::parse(pointer).unwrap()), START);
            let (_, records) = walk(walker, &text, piece).unwrap();
            prop_assert_eq!(records.len(), 1, "{} {}", pointer, text);
            prop_assert_eq!(records[0].1, *len);
        }
        for missing in ["/zz", "/a/zz/0"] {
            let walker = Walker::new("in", Some(Pointer::parse(missing).unwrap()), START);
            prop_assert!(walk(walker, &text, piece).is_err());
        }
        // A survey has the arrays at depth 1 that are empty or begin with an object.
        let (walker, _) = walk(Walker::new("in", None, START), &text, piece).unwrap();
        let near: Vec<(String, u64)> = walker.survey.candidates.iter().filter(|one| one.is_near).map(|one| (one.pointer.clone(), one.objects)).collect();
        let expected: Vec<(String, u64)> = value
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_array()?)))
            .filter(|(_, items)| items.first().is_none_or(Value::is_object))
            .map(|(name, items)| (Pointer::member(name).to_string(), items.len() as u64))
            .collect();
        prop_assert_eq!(near, expected, "{}", text);
    }

    /// Whatever bytes come, a walker neither panics nor hangs, and the answer does not depend on the pieces.
    #[test]
    fn any_bytes_give_the_same_in_any_pieces(bytes in "[\\[\\]{}\",:a1 \n\\\\]{0,40}", piece in 1usize..9) {
        let run = |piece: usize| {
            let mut walker = Walker::new("in", Some(Pointer::member("a")), START).series();
            let mut at = 0;
            let mut told = Vec::new();
            while at < bytes.len() {
                match walker.feed(&bytes.as_bytes()[at..(at + piece).min(bytes.len())]) {
                    Ok(Some(Event::Records(position))) => {
                        told.push(format!("{position:?}"));
                        // As if the array ended at once.
                        walker.resume(position);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        told.push(error.to_string());
                        break;
                    }
                }
                at = walker.offset() as usize;
            }
            told
        };
        prop_assert_eq!(run(piece), run(1000));
    }
}

#[test]
fn survey_tells_what_an_object_is() {
    let survey = |text: &str| walk(Walker::new("in", None, START), text, 3).unwrap().0.survey;
    assert!(survey(r#"{"import_data":[]}"#).is_body && survey(r#"{"list_ids":1}"#).is_body);
    assert!(survey(r#"{"x":[{}],"email":"a"}"#).is_contact);
    assert!(!survey(r#"{"x":{"email":"a"}}"#).is_contact);
    assert_eq!(survey(r#"{"x":[{},{}],"y":[1]}"#).records(), Some(Pointer::parse("/x")));
    assert_eq!(survey(r#"{"x":[{}],"y":[]}"#).records(), Some(Pointer::parse("/x")));
    assert_eq!(survey(r#"{"x":[],"y":1}"#).records(), Some(Pointer::parse("/x")));
    assert_eq!(survey(r#"{"x":[1],"y":{}}"#).records(), None);
    assert!(survey(r#"{"x":[{}],"y":[{}]}"#).records().unwrap().unwrap_err().contains("several"));
    assert!(survey(r#"{"x":{"y":[{}]}}"#).records().unwrap().unwrap_err().contains("/x/y (1 object)"));
}
