//! The splitter at every chunk size and by every backend.

use super::*;
use proptest::prelude::*;

type SplitResult = (Vec<Span>, Result<Status, SplitError>, Option<Pending>, u64);

fn split(bytes: &[u8], layout: Layout, chunk: usize, choice: Choice) -> SplitResult {
    let mut splitter = Splitter::with_backend(layout, 0, 1, 0, choice);
    let mut spans = Vec::new();
    for block in bytes.chunks(chunk.max(1)) {
        match splitter.feed(block, &mut spans) {
            Ok(Status::More) => {}
            stop => return (spans, stop, None, splitter.line().0),
        }
    }
    let pending = splitter.finish(&mut spans);
    (spans, Ok(Status::More), pending, splitter.line().0)
}

fn texts<'a>(bytes: &'a str, spans: &[Span]) -> Vec<&'a str> {
    spans.iter().map(|s| &bytes[s.start as usize..s.end as usize]).collect()
}

#[test]
fn arrays() {
    let text = "\n {\"a\":\"}]\\\"\"} ,[1,{}], \"x,]\" , 12 ,null,{\"b\":{\"c\":[]}} ] tail";
    for choice in Choice::available() {
        for chunk in 1..=text.len() {
            let (spans, status, ..) = split(text.as_bytes(), Layout::Array, chunk, choice);
            let expected = ["{\"a\":\"}]\\\"\"}", "[1,{}]", "\"x,]\"", "12", "null", "{\"b\":{\"c\":[]}}"];
            assert_eq!(texts(text, &spans), expected, "{choice:?} {chunk}");
            assert_eq!(status, Ok(Status::End(text.len() as u64 - 5)));
            assert_eq!(spans[0].line, 2);
        }
    }
}

#[test]
fn what_stands_between_contacts_is_checked() {
    let error = |text: &str| split(text.as_bytes(), Layout::Array, 7, Choice::best()).1.unwrap_err();
    let at = |text: &str| (error(text).at, error(text).line, error(text).fault);
    assert_eq!(at("{},]"), (2, 1, Fault::TrailingComma));
    assert_eq!(at("\n{},\n\n         ]"), (3, 2, Fault::TrailingComma));
    assert_eq!(at("{}\n{}]"), (3, 2, Fault::Expected("a comma or ]")));
    assert_eq!(at(",{}]"), (0, 1, Fault::Expected("a contact")));
    assert_eq!(at("{},,{}]"), (3, 1, Fault::Expected("a contact")));
    assert_eq!(at("{} // x\n]"), (3, 1, Fault::Comment));
    assert_eq!(at(&"[".repeat(100_000)), (64, 1, Fault::Depth));
}

/// Texts, lines and whether they are whole, at every chunk size and by every backend.
fn each_way(text: &str, layout: Layout, expected: &[(&str, u64, bool)]) {
    for choice in Choice::available() {
        for chunk in 1..=text.len() {
            let (spans, ..) = split(text.as_bytes(), layout, chunk, choice);
            let got: Vec<_> = texts(text, &spans).into_iter().zip(&spans).map(|(t, s)| (t, s.line, s.whole)).collect();
            assert_eq!(got, expected, "{choice:?} {chunk}");
        }
    }
}

#[test]
fn lines() {
    let text =
        "{\"a\":1}\n\n  \r\n {\"b\":\"\\\\\"} \r\n{\"c\":\"x\n{\"d\":{}}\nnull\n{\"e\":[1}\n{\"f\":1},\n{\"g\":1}";
    let expected = [
        ("{\"a\":1}", 1, true),
        ("{\"b\":\"\\\\\"}", 4, true),
        ("{\"c\":\"x", 5, false),
        ("{\"d\":{}}", 6, true),
        ("null", 7, false),
        ("{\"e\":[1}", 8, false),
        ("{\"f\":1},", 9, false),
        ("{\"g\":1}", 10, true),
    ];
    each_way(text, Layout::Lines, &expected);
}

#[test]
fn several_values_on_a_line() {
    let text = "{\"a\":1}{\"b\":2} \t[{\"c\":3}]{}\n\u{feff}{\"d\":4}\u{feff}\u{feff} {\"e\":5}x{}\n{}{\"f\":6\n\u{fec0}{}\n{}\u{fec0}";
    let expected = [
        ("{\"a\":1}", 1, true),
        ("{\"b\":2}", 1, true),
        ("[{\"c\":3}]", 1, true),
        ("{}", 1, true),
        ("{\"d\":4}", 2, true),
        ("{\"e\":5}x{}", 2, false),
        ("{}", 3, true),
        ("{\"f\":6", 3, false),
        ("\u{fec0}{}", 4, false),
        ("{}\u{fec0}", 5, false),
    ];
    each_way(text, Layout::Lines, &expected);
    for chunk in [1, 2, 64, text.len()] {
        let mut splitter = Splitter::new(Layout::Lines, 0, 1, 0);
        let mut spans = Vec::new();
        for block in text.as_bytes().chunks(chunk) {
            splitter.feed(block, &mut spans).unwrap();
        }
        assert_eq!(splitter.marks(), Some((3, Pending { start: 28, line: 2 })), "{chunk}");
    }
}

#[test]
fn a_value_does_not_wait_for_what_long_white_space_hides() {
    for layout in [Layout::Lines, Layout::Objects] {
        let text = format!("{{}}{}x\n", " ".repeat(2 * SPACE_MAX as usize));
        for chunk in [1, 1000, text.len()] {
            let mut splitter = Splitter::new(layout, 0, 1, 0);
            let mut spans = Vec::new();
            for block in text.as_bytes()[..text.len() - 2].chunks(chunk) {
                splitter.feed(block, &mut spans).unwrap();
            }
            assert_eq!((spans.len(), splitter.pending()), (1, None));
            splitter.feed(b"x\n", &mut spans).unwrap();
            assert_eq!((spans[0].end, spans[1].whole, spans.len()), (2, false, 2));
        }
    }
}

#[test]
fn several_arrays() {
    let text = "{},1]\n[]\u{feff}[{} ] \n [\n[]]\n";
    for choice in Choice::available() {
        for chunk in 1..=text.len() {
            let mut splitter = Splitter::with_backend(Layout::Array, 0, 1, 0, choice).series();
            let mut spans = Vec::new();
            for block in text.as_bytes().chunks(chunk) {
                assert_eq!(splitter.feed(block, &mut spans), Ok(Status::More));
            }
            let got: Vec<_> = texts(text, &spans).into_iter().zip(spans.iter().map(|s| s.line)).collect();
            assert_eq!(got, [("{}", 1), ("1", 1), ("{}", 2), ("[]", 4)], "{choice:?} {chunk}");
            assert!(splitter.is_between() && splitter.finish(&mut spans).is_none());
            assert_eq!((splitter.marks().map(|(n, _)| n), splitter.line().0), (Some(1), 5));
            let error = splitter.feed(b" x", &mut spans).unwrap_err();
            assert_eq!((error.at, error.line, error.fault), (text.len() as u64 + 1, 5, Fault::Trailing));
        }
    }
    for (cut, at) in [("{}][", None), ("{}]\u{fec0}", Some(3)), ("{}]{}", Some(3)), ("{}],[]", Some(3))] {
        let mut splitter = Splitter::new(Layout::Array, 0, 1, 0).series();
        let mut spans = Vec::new();
        let fed = cut.as_bytes().chunks(1).try_for_each(|b| splitter.feed(b, &mut spans).map(drop));
        assert_eq!(fed.err().map(|error| error.at), at, "{cut}");
        assert!(!splitter.is_between() || at.is_some());
    }
}

#[test]
fn objects_over_several_lines() {
    let text = concat!(
        "{\n  \"a\": \"}\",\n  \"b\": [\n{\n},\n{}]\n}\n\n{\n \"c\":\n{}\n} {}\n",
        // Not closed; with a line break in a string; with something behind it; rubbish; cut off.
        "{\n  \"d\": 1,\n{\n  \"e\": \"x\n}\n{\n  \"f\": 1\n},\nx {\n\u{feff}{\n}\n{\n  \"g\": {\n",
    );
    let expected = [
        ("{\n  \"a\": \"}\",\n  \"b\": [\n{\n},\n{}]\n}", 1, true),
        ("{\n \"c\":\n{}\n}", 9, true),
        ("{}", 12, true),
        ("{\n  \"d\": 1,", 13, false),
        ("{\n  \"e\": \"x\n}", 15, false),
        ("{\n  \"f\": 1\n},", 18, false),
        ("x {", 21, false),
        ("{\n}", 22, true),
        ("{\n  \"g\": {\n", 24, false),
    ];
    each_way(text, Layout::Objects, &expected);
    // As far from the margin as the objects before.
    let text = "\n  {\n    \"a\": 1\n  }\n  {\n    \"b\": 1\n  {\n  }\n";
    let expected = [("{\n    \"a\": 1\n  }", 2, true), ("{\n    \"b\": 1", 5, false), ("{\n  }", 7, true)];
    each_way(text, Layout::Objects, &expected);
    // All of a string that a line break cut off.
    let text = "{\n}\n{\n  \"a\": \"long te\\\"xt\n{\n}\n{\"b\n{\n}\n";
    let expected = [
        ("{\n}", 1, true),
        ("{\n  \"a\": \"long te\\\"xt", 3, false),
        ("{\n}", 5, true),
        ("{\"b", 7, false),
        ("{\n}", 8, true),
    ];
    each_way(text, Layout::Objects, &expected);
}

#[test]
fn a_cut_array_says_what_was_open() {
    let (spans, _, pending, _) = split(b"{},{\"a\":", Layout::Array, 3, Choice::best());
    assert_eq!(spans.len(), 1);
    assert_eq!(pending, Some(Pending { start: 3, line: 1 }));
}

fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let text = "[a-c{}\\[\\]\",:\\\\\n é😀\u{1}]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text, inner), 0..5).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn spans_are_what_serde_json_reads(
        values in prop::collection::vec(json(4), 0..12),
        pretty in any::<bool>(),
        chunk in 1usize..200,
    ) {
        let text = if pretty { serde_json::to_string_pretty(&values) } else { serde_json::to_string(&values) }.unwrap();
        let inside = &text[1..];
        for choice in Choice::available() {
            let (spans, status, ..) = split(inside.as_bytes(), Layout::Array, chunk, choice);
            prop_assert_eq!(status, Ok(Status::End(inside.len() as u64)));
            let read: Vec<serde_json::Value> =
                texts(inside, &spans).iter().map(|t| serde_json::from_str(t).unwrap()).collect();
            prop_assert_eq!(&read, &values);
            for span in &spans {
                let line = inside[..span.start as usize].matches('\n').count() as u64 + 1;
                prop_assert_eq!(span.line, line);
            }
        }
    }

    #[test]
    fn any_bytes_split_alike_at_every_chunk_size(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", "\"", "\\", "\\\\", "\n", " ", "a", "{\"a\":\"b\"}", "\"x\"", "1", "\r\n", "{}\n", "}{", "\n{", "\u{feff}", "\u{fec0}",
            "                                                                ",
        ]), 0..60),
        layout in prop::sample::select(vec![Layout::Array, Layout::Lines, Layout::Objects]),
    ) {
        let text = pieces.concat();
        let expected = split(text.as_bytes(), layout, usize::MAX, Choice::Scalar);
        for choice in Choice::available() {
            for chunk in [1, 2, 3, 5, 17, 63, 64, 65, 130, usize::MAX] {
                prop_assert_eq!(&split(text.as_bytes(), layout, chunk, choice), &expected, "{:?} {}", choice, chunk);
            }
        }
    }

    #[test]
    fn lines_are_lines(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", "\"", "\\", "\\\"", "\n", " ", "a", "{\"a\":\"b\"}", "\r\n", "{}\n", "\n{\"k\":[{}]}\n",
            "}{", "{} {}", "[{}]", "\u{feff}", "\u{fec0}",
        ]), 0..60),
    ) {
        let text = pieces.concat();
        let by_line = lines_of(&text);
        let expected = by_line.concat();
        for chunk in [1, 11, 64, usize::MAX] {
            let (spans, ..) = split(text.as_bytes(), Layout::Lines, chunk, Choice::best());
            let got: Vec<_> = spans.iter().map(|s| (s.start as usize, s.end as usize, s.whole)).collect();
            prop_assert_eq!(&got, &expected);
        }
        // A line of JSON is as many values as it holds.
        for (line, spans) in text.split('\n').zip(&by_line) {
            let read: Result<Vec<serde_json::Value>, _> =
                serde_json::Deserializer::from_str(line).into_iter().collect();
            if let Ok(values) = read
                && values.iter().all(|value| value.is_object() || value.is_array())
            {
                prop_assert_eq!(spans.len(), values.len());
                for ((start, end, whole), value) in spans.iter().zip(values) {
                    prop_assert!(whole);
                    prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text[*start..*end]).unwrap(), value);
                }
            }
        }
    }
}

/// What [`Layout::Lines`] means, in a loop that can be read: start, end and wholeness of the values of each line.
fn lines_of(text: &str) -> Vec<Vec<(usize, usize, bool)>> {
    let space = [' ', '\t', '\r', '\u{feff}'];
    let mut lines = Vec::new();
    let mut line_start = 0;
    for line in text.split('\n') {
        let mut spans = Vec::new();
        let mut rest = line.trim_start_matches(space);
        let at = |rest: &str| line_start + line.len() - rest.len();
        while !rest.is_empty() {
            let behind = value_end(rest).map(|end| rest[end..].trim_start_matches(space));
            match (value_end(rest), behind) {
                (Some(end), Some(behind)) if behind.is_empty() || behind.starts_with(['{', '[']) => {
                    spans.push((at(rest), at(rest) + end, true));
                    rest = behind;
                }
                _ => {
                    spans.push((at(rest), line_start + line.len(), false));
                    rest = "";
                }
            }
        }
        lines.push(spans);
        line_start += line.len() + 1;
    }
    lines
}

/// Where the object or array ends that begins a text, by its brackets and quotes.
fn value_end(text: &str) -> Option<usize> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let (mut depth, mut string, mut escaped) = (0, false, false);
    for (i, byte) in text.bytes().enumerate() {
        // A backslash escapes a quote outside of strings as well: it is broken one way or the other.
        let is_escaped = escaped;
        escaped = byte == b'\\' && !is_escaped;
        match byte {
            b'"' if !is_escaped => string = !string,
            b'{' | b'[' if !string => depth += 1,
            b'}' | b']' if !string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i + 1);
        }
    }
    None
}
