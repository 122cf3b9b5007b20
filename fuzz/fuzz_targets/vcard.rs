//! vCards: any blocks give the same cards, no byte with something in it is outside of them, and each is read to an object whose
//! names differ, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::vcard::{CardReader, CardSplitter};

fuzz_target!(|data: &[u8]| {
    let [size, bytes @ ..] = data else { return };
    let split = |size: usize| {
        let mut splitter = CardSplitter::new(0, 1, 0);
        let mut spans = Vec::new();
        for block in bytes.chunks(size) {
            splitter.feed(block, &mut spans);
        }
        splitter.finish(&mut spans);
        spans
    };
    let spans = split(bytes.len().max(1));
    assert_eq!(split(usize::from(*size).max(1)), spans);
    let is_blank = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.trim_matches(['\u{feff}', ' ', '\t', '\n', '\r']).is_empty()
    };
    let mut reader = CardReader::default();
    let mut at = 0;
    for span in &spans {
        assert!(is_blank(&bytes[at..span.start as usize]));
        at = span.end as usize;
        let mut out = Vec::new();
        if reader.json(&bytes[span.start as usize..at], &mut out).is_ok() {
            let object: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(&out).expect("a card is an object");
            assert_eq!(presort_fuzz::members(&out).expect("it has members").len(), object.len());
        } else {
            assert!(out.is_empty());
        }
    }
    assert!(is_blank(&bytes[at..]));
});
