//! The shortcut for clean contacts against the parser: the same in everything they give, with every backend.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::clean::cleaner::{BatchCleaner, Cleaned};
use presort::json::split::Layout;
use presort::simd::Choice;
use presort_fuzz::{clean, settings, spans};

fn assert_same(one: &Cleaned, other: &Cleaned, choice: Choice) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&one.out), text(&other.out), "{choice:?}");
    assert_eq!(text(&one.report), text(&other.report), "{choice:?}");
    assert_eq!(text(&one.changes), text(&other.changes), "{choice:?}");
    assert_eq!(text(&one.rejects), text(&other.rejects), "{choice:?}");
    assert_eq!(one.accepted, other.accepted, "{choice:?}");
    assert_eq!(one.marks, other.marks, "{choice:?}");
    assert_eq!(one.stats, other.stats, "{choice:?}");
    assert_eq!(one.checked, other.checked, "{choice:?}");
    assert_eq!(one.stop.is_some(), other.stop.is_some(), "{choice:?}");
}

fuzz_target!(|data: &[u8]| {
    let [bits, how, bytes @ ..] = data else { return };
    let layout = [Layout::Lines, Layout::Array, Layout::Objects][usize::from(how % 3)];
    let (settings, spans) = (settings(*bits), spans(bytes, layout));
    let parsed = clean(&mut BatchCleaner::without_fast_path(), bytes, layout, &spans, &settings);
    for choice in Choice::available() {
        let fast = clean(&mut BatchCleaner::with_backend(choice), bytes, layout, &spans, &settings);
        assert_same(&fast, &parsed, choice);
    }
});
