//! Made-up exports in memory, split as a run splits them.

#![allow(dead_code, reason = "each bench uses a part of it")]

use presort::clean::cleaner::{BatchCleaner, Cleaned, OutputSelection, Separator, Stats};

use presort::clean::batch::Batch;
use presort::document::SLICE;
use presort::json::split::{Layout, Span, Splitter, Status};
use presort::rules::Settings;
use presort::sample::{Sample, SampleFormat};
use presort::simd::Choice;

/// An export, and where its contacts are.
pub struct Corpus {
    /// Its bytes; for an array, those behind the `[`.
    pub bytes: Vec<u8>,
    /// How the contacts are laid out.
    pub layout: Layout,
    /// How many there are.
    pub contacts: u64,
    /// The contacts of each slice, as a run hands them to its workers.
    batches: Vec<Vec<Span>>,
}

impl Corpus {
    /// A sample of contacts, of which `mess` percent have a mistake.
    pub fn sample(contacts: u64, mess: f64, layout: Layout) -> Corpus {
        let bytes = match layout {
            Layout::Lines | Layout::Objects | Layout::Rows | Layout::Cards => {
                sample(contacts, mess, SampleFormat::Ndjson)
            }
            Layout::Array => {
                let body = sample(contacts, mess, SampleFormat::Payload);
                let name = b"\"import_data\":[";
                let at = memchr::memmem::find(&body, name).expect("a body has import_data");
                body[at + name.len()..].to_vec()
            }
        };
        let corpus = Corpus::new(bytes, layout);
        assert_eq!(corpus.contacts, contacts);
        corpus
    }

    /// The same contacts, one a line, each made anew by `change`.
    pub fn changed(contacts: u64, change: impl Fn(serde_json::Value) -> String) -> Corpus {
        let mut text = String::new();
        for line in sample(contacts, 0.0, SampleFormat::Ndjson).split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
            text.push_str(&change(serde_json::from_slice(line).expect("a sample is JSON")));
            text.push('\n');
        }
        let corpus = Corpus::new(text.into_bytes(), Layout::Lines);
        assert_eq!(corpus.contacts, contacts);
        corpus
    }

    /// These bytes, split.
    pub fn new(bytes: Vec<u8>, layout: Layout) -> Corpus {
        let mut splitter = Splitter::new(layout, 0, 1, 0);
        let mut batches = Vec::new();
        for slice in bytes.chunks(SLICE) {
            let mut spans = Vec::new();
            let status = splitter.feed(slice, &mut spans).expect("the corpus can be split");
            batches.push(spans);
            if let Status::End(_) = status {
                break;
            }
        }
        if layout == Layout::Lines {
            splitter.finish(batches.last_mut().expect("the corpus is not empty"));
        }
        batches.retain(|spans| !spans.is_empty());
        let contacts = batches.iter().map(|spans| spans.len() as u64).sum();
        Corpus { bytes, layout, contacts, batches }
    }

    /// The contacts, batch by batch.
    pub fn batches(&self) -> impl Iterator<Item = Batch<'_>> {
        let mut first = 0;
        self.batches.iter().map(move |spans| {
            let batch = Batch { first, ..Batch::of(&self.bytes, spans, self.layout) };
            first += spans.len() as u64;
            batch
        })
    }

    /// The contacts, one by one.
    pub fn each(&self) -> impl Iterator<Item = &[u8]> {
        let spans = self.batches.iter().flatten();
        spans.map(|span| &self.bytes[span.start as usize..span.end as usize])
    }
}

/// A worker with its buffers.
#[derive(Default)]
pub struct Worker {
    cleaner: BatchCleaner,
    cleaned: Cleaned,
}

impl Worker {
    /// Cleans the whole corpus as one worker would; gives the counts and the bytes written of all outputs.
    pub fn clean(&mut self, corpus: &Corpus, settings: &Settings, wanted: &OutputSelection) -> (Stats, usize) {
        let (mut stats, mut written) = (Stats::default(), 0);
        for batch in corpus.batches() {
            self.cleaner.clean(&batch, settings, wanted, Separator::Newline, &mut self.cleaned);
            assert!(self.cleaned.stop.is_none(), "the corpus has no broken syntax");
            stats.add(&self.cleaned.stats);
            let lines = [&self.cleaned.out, &self.cleaned.report, &self.cleaned.changes, &self.cleaned.rejects];
            written += lines.map(Vec::len).iter().sum::<usize>();
        }
        (stats, written)
    }
}

/// A sample's bytes.
pub fn sample(contacts: u64, mess: f64, format: SampleFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let sample = Sample { contacts, seed: 1, mess, format };
    presort::sample::write(&sample, &mut bytes).expect("memory takes all of it");
    bytes
}

/// Splits `bytes` slice by slice with one backend; gives the number of contacts.
pub fn split(bytes: &[u8], layout: Layout, choice: Choice, spans: &mut Vec<Span>) -> u64 {
    let mut splitter = Splitter::with_backend(layout, 0, 1, 0, choice);
    for slice in bytes.chunks(SLICE) {
        spans.clear();
        match splitter.feed(slice, spans).expect("the corpus can be split") {
            Status::More => {}
            Status::End(_) => return splitter.spans(),
        }
    }
    splitter.finish(spans);
    splitter.spans()
}
