//! The splitter finds the same contacts whatever the size of the blocks that it is fed, with every backend.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::json::split::{Layout, Span, Splitter};
use presort::simd::Choice;

/// What came of a document, in a form that can be compared.
#[derive(Debug, PartialEq)]
struct Found {
    spans: Vec<Span>,
    end: String,
    line: (u64, u64),
    offset: Option<u64>,
}

fn split(bytes: &[u8], layout: Layout, choice: Choice, size: usize) -> Found {
    let mut splitter = Splitter::with_backend(layout, 0, 1, 0, choice);
    let mut spans = Vec::new();
    for block in bytes.chunks(size) {
        match splitter.feed(block, &mut spans) {
            Ok(presort::json::split::Status::More) => {}
            end => return Found { spans, end: format!("{end:?}"), line: splitter.line(), offset: None },
        }
    }
    let (line, offset) = (splitter.line(), Some(splitter.offset()));
    let end = format!("{:?}", splitter.finish(&mut spans));
    assert_eq!(splitter.spans(), spans.len() as u64);
    Found { spans, end, line, offset }
}

fuzz_target!(|data: &[u8]| {
    let [how, bytes @ ..] = data else { return };
    let layout = [Layout::Lines, Layout::Array, Layout::Objects][usize::from(how % 3)];
    let expected = split(bytes, layout, Choice::Scalar, bytes.len().max(1));
    let mut end = 0;
    for span in &expected.spans {
        assert!(end <= span.start && span.start < span.end && span.end <= bytes.len() as u64);
        let before = &bytes[..span.start as usize];
        assert_eq!(span.line, 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64);
        // Nothing but what may stand between contacts lies between them.
        let between = bytes[end as usize..span.start as usize].split(|byte| b" \t\r\n,".contains(byte));
        assert!(between.flat_map(|some| some.chunks(3)).all(|some| some == b"\xef\xbb\xbf"), "{end} to {}", span.start);
        end = span.end;
    }
    // Every size for what is short, and those around the scanner's words for what is long.
    let all = bytes.len().clamp(1, 80);
    for choice in Choice::available() {
        for size in (1..=all).chain([127, 128, 129, 1 << 16]) {
            assert_eq!(split(bytes, layout, choice, size), expected, "{choice:?} {size}");
        }
    }
});
