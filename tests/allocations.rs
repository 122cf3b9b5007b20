//! Cleaning allocates nothing for a contact once its buffers have grown; counted by the allocator itself.

use presort::clean::cleaner::{BatchCleaner, Cleaned, OutputSelection, Separator};

use presort::clean::batch::Batch;
use presort::json::split::{Layout, Span, Splitter};
use presort::output::body::Earlier;
use presort::rules::Settings;
use presort::run::job::{Job, Mode, run};
use presort::sample::{Sample, SampleFormat, write};
use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;

/// Counts what each thread asks the system for.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is about to end has no counter any more, and nobody asks for it.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(memory) }
    }

    unsafe fn alloc_zeroed(&self, memory: Memory) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(memory) }
    }

    unsafe fn realloc(&self, old: *mut u8, memory: Memory, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(old, memory, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, memory: Memory) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(old, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A made-up export, and where its contacts are.
fn export(contacts: u64, mess: f64, format: SampleFormat) -> (Vec<u8>, Vec<Span>) {
    let mut bytes = Vec::new();
    write(&Sample { contacts, seed: 11, mess, format }, &mut bytes).unwrap();
    let (layout, start) = match format {
        SampleFormat::Ndjson => (Layout::Lines, 0),
        SampleFormat::Csv(_) => unreachable!("these are spans of JSON"),
        SampleFormat::Payload => {
            let key = b"\"import_data\":[";
            (Layout::Array, bytes.windows(key.len()).position(|at| at == key).unwrap() + key.len())
        }
    };
    let mut spans = Vec::new();
    Splitter::new(layout, start as u64, 1, 0).feed(&bytes[start..], &mut spans).unwrap();
    assert_eq!(spans.len() as u64, contacts);
    (bytes, spans)
}

/// What cleaning all of these contacts asks the system for, when it has been done before.
fn allocations(bytes: &[u8], spans: &[Span], format: SampleFormat) -> u64 {
    let layout = if format == SampleFormat::Payload { Layout::Array } else { Layout::Lines };
    let settings = Settings { sms_explicit: true, ..Settings::default() };
    let wanted = OutputSelection { report: true, changes: true, rejects: true, ..OutputSelection::default() };
    for code in presort::model::finding::Code::ALL {
        // An example of each code is kept for the summary; it is the first only.
        wanted.known.set(*code);
    }
    let (mut cleaner, mut cleaned) = (BatchCleaner::default(), Cleaned::default());
    let mut all = || {
        for (i, spans) in spans.chunks(500).enumerate() {
            let first = i as u64 * 500;
            let batch = Batch { first, ..Batch::of(bytes, spans, layout) };
            cleaner.clean(&batch, &settings, &wanted, Separator::Newline, &mut cleaned);
            assert!(cleaned.stop.is_none() && cleaned.checked == spans.len());
        }
    };
    all();
    let before = ALLOCATIONS.get();
    all();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(vec![1, 2, 3]));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}

#[test]
fn clean_contacts_allocate_nothing() {
    for format in [SampleFormat::Payload, SampleFormat::Ndjson] {
        let (bytes, spans) = export(20_000, 0.0, format);
        assert_eq!(allocations(&bytes, &spans, format), 0, "{format:?}");
    }
}

#[test]
fn messy_contacts_allocate_next_to_nothing() {
    for format in [SampleFormat::Payload, SampleFormat::Ndjson] {
        // What remains: a hint to a name that is nearly right, text with escapes in a contact that simd-json cannot read.
        // And, once in a batch, each cause with its examples.
        for (mess, most) in [(5.0, 1_000), (100.0, 12_000)] {
            let (bytes, spans) = export(20_000, mess, format);
            let allocations = allocations(&bytes, &spans, format);
            assert!(allocations <= most, "{allocations} for 20,000 contacts of {format:?}, {mess} % messy");
        }
    }
}

/// A whole run in this thread: what it allocates is windows and the table of contacts seen, not contacts.
#[test]
fn a_run_allocates_for_its_windows() {
    let temporary = tempfile::tempdir().unwrap();
    let whole = |contacts: u64, mode: Mode| {
        let (bytes, _) = export(contacts, 0.0, SampleFormat::Payload);
        let (input, output) = (temporary.path().join("input.json"), temporary.path().join("output"));
        std::fs::write(&input, &bytes).unwrap();
        let job = Job { force: true, earlier: Earlier::Replace, ..Job::new(vec![input], mode, output) };
        let before = ALLOCATIONS.get();
        let summary = run(&job).unwrap();
        assert!(summary.stop.is_none() && summary.receipt.contacts.accepted == contacts);
        ALLOCATIONS.get() - before
    };
    for mode in [Mode::Stream, Mode::Check, Mode::Split(temporary.path().join("bodies"))] {
        let (some, more) = (whole(10_000, mode.clone()), whole(50_000, mode.clone()));
        // 40,000 contacts are some ten windows, three bodies, and a few turns of the tables.
        assert!(more - some < 400, "{mode:?}: {some} for 10,000 contacts, {more} for 50,000");
    }
}
