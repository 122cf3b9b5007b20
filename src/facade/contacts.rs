//! Contacts as an iterator.

use super::cleaner::READER;
use crate::clean::batch::Batch;
use crate::clean::cleaner::{BatchCleaner, Cleaned, OutputSelection, Separator};
use crate::clean::owned::OwnedFinding;
use crate::document::envelope::{EnvelopeFinding, EnvelopeOverrides, SmsPermission};
use crate::document::{Document, Opening, ReadOptions};
use crate::mapping::MapOptions;
use crate::model::error::{Error, Kind, Result};
use crate::model::finding::Detail;
use crate::model::position::Position;
use crate::rules::{Duplicates, Settings};
use crate::run::duplicates::{DuplicateIndex, Lookup};
use crate::run::mapping::map_document;
use crate::run::names::InputNames;
use crate::run::reader::{Long, Next, ReadBatch, Reader};
use crate::run::writer::{finding_of, kept_duplicate};
use crate::source::{Encoding, Source};
use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;

/// One contact of the input, cleaned. See [`Cleaner::contacts`](crate::Cleaner::contacts).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contact {
    /// It goes out, perhaps without some values.
    #[non_exhaustive]
    Accepted {
        /// Index in the input, from 0.
        index: u64,
        /// Line on which it begins, from 1.
        line: u64,
        /// Offset of its first byte in the input.
        offset: u64,
        /// The cleaned contact, as one JSON object without line breaks.
        json: String,
        /// What was held back, changed or only noticed.
        findings: Vec<OwnedFinding>,
    },
    /// It does not go out.
    #[non_exhaustive]
    Rejected {
        /// Index in the input, from 0.
        index: u64,
        /// Line on which it begins, from 1.
        line: u64,
        /// Offset of its first byte in the input.
        offset: u64,
        /// Its bytes as they are in the input.
        raw: Vec<u8>,
        /// `raw` has only the first bytes: the contact is longer than 16 MiB.
        is_truncated: bool,
        /// The reasons, and everything else that was found.
        findings: Vec<OwnedFinding>,
    },
}

impl Contact {
    /// Index in the input, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        match self {
            Contact::Accepted { index, .. } | Contact::Rejected { index, .. } => *index,
        }
    }

    /// Where it begins in the input; the column is not known.
    ///
    /// ```
    /// # use presort::Cleaner;
    /// let lines = b"{\"email\":\"a@example.com\"}\n{\"email\":\"x\"}\n";
    /// let second = Cleaner::builder().build()?.contacts(&lines[..]).nth(1).unwrap()?;
    /// assert_eq!((second.index(), second.position().line, second.position().offset), (1, 2, 26));
    /// # Ok::<(), presort::Error>(())
    /// ```
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Contact::Accepted { index, line, offset, .. } | Contact::Rejected { index, line, offset, .. } => {
                Position { offset: *offset, line: *line, column: 0, contact: Some(*index) }
            }
        }
    }

    /// True if it goes out.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Contact::Accepted { .. })
    }

    /// What was found: errors, warnings and changes.
    #[must_use]
    pub fn findings(&self) -> &[OwnedFinding] {
        match self {
            Contact::Accepted { findings, .. } | Contact::Rejected { findings, .. } => findings,
        }
    }
}

/// Iterates over the contacts of a reader. See [`Cleaner::contacts`](crate::Cleaner::contacts).
///
/// An item is an error if the input cannot be read, holds no contacts or is broken; the iterator ends behind it.
///
/// Duplicates are found across the whole input, which takes up to 24 bytes of memory per contact.
pub struct Contacts<'i> {
    settings: Settings,
    overrides: EnvelopeOverrides,
    reading: ReadOptions,
    mapping: MapOptions,
    envelope_findings: Vec<OwnedFinding>,
    state: State<'i>,
}

enum State<'i> {
    Unopened(Box<dyn Read + Send + 'i>),
    Reading(Box<Reading<'i>>),
    Done,
}

impl<'i> Contacts<'i> {
    pub(super) fn new(
        settings: Settings,
        overrides: EnvelopeOverrides,
        reading: ReadOptions,
        mapping: MapOptions,
        reader: Box<dyn Read + Send + 'i>,
    ) -> Self {
        Contacts {
            settings,
            overrides,
            reading,
            mapping,
            envelope_findings: Vec::new(),
            state: State::Unopened(reader),
        }
    }

    /// Findings about the envelope of a body. They are complete when the iterator has ended: members may follow the contacts.
    ///
    /// ```
    /// # use presort::Cleaner;
    /// let body = br#"{"source":"crm","import_data":[{"email":"a@example.com"}]}"#;
    /// let mut contacts = Cleaner::builder().build()?.contacts(&body[..]);
    /// assert_eq!(contacts.by_ref().count(), 1);
    /// assert_eq!(contacts.envelope_findings()[0].field.as_deref(), Some("source"));
    /// # Ok::<(), presort::Error>(())
    /// ```
    #[must_use]
    pub fn envelope_findings(&self) -> &[OwnedFinding] {
        &self.envelope_findings
    }

    fn try_next(&mut self) -> Result<Option<Contact>> {
        if let State::Unopened(_) = self.state
            && let State::Unopened(reader) = std::mem::replace(&mut self.state, State::Done)
        {
            self.state = State::Reading(Box::new(self.open(reader)?));
        }
        match &mut self.state {
            State::Reading(reading) => reading.next(&self.settings, &mut self.envelope_findings),
            State::Unopened(_) | State::Done => Ok(None),
        }
    }

    fn open(&mut self, reader: Box<dyn Read + Send + 'i>) -> Result<Reading<'i>> {
        let source = Source::pipe(READER.to_owned(), reader);
        let mut document = Document::of(source, Opening::whole(&self.overrides, &self.reading))?;
        map_document(&self.mapping, self.reading.contact.as_ref(), &mut document)?;
        let (_, found) = document.found.resolve(READER, &self.overrides, false)?;
        self.envelope_findings.extend(owned(&found));
        let permission = self.overrides.sms_permission.or_else(|| document.found.sms_permission());
        self.settings.sms_explicit = permission == Some(SmsPermission::Explicit);
        let encodings = vec![document.source.encoding().map(Encoding::name)];
        let selection = OutputSelection { findings: true, encodings, ..OutputSelection::default() };
        Ok(Reading {
            reader: Reader::new(vec![document], vec![self.settings.sms_explicit], None),
            names: InputNames::one(READER),
            selection,
            read: ReadBatch::default(),
            cleaner: BatchCleaner::default(),
            cleaned: Cleaned::default(),
            rejected: Cleaned::default(),
            seen: DuplicateIndex::default(),
            next: 0,
            accepted: 0,
            found: 0,
        })
    }
}

impl Iterator for Contacts<'_> {
    type Item = Result<Contact>;

    fn next(&mut self) -> Option<Result<Contact>> {
        let next = self.try_next();
        if !matches!(next, Ok(Some(_))) {
            self.state = State::Done;
        }
        next.transpose()
    }
}

impl FusedIterator for Contacts<'_> {}

impl fmt::Debug for Contacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contacts").finish_non_exhaustive()
    }
}

fn owned(found: &[EnvelopeFinding]) -> impl Iterator<Item = OwnedFinding> {
    found.iter().map(|found| OwnedFinding::new(&finding_of(found)))
}

/// An input that is being read, and its current batch.
struct Reading<'i> {
    reader: Reader<'i>,
    names: InputNames,
    selection: OutputSelection,
    read: ReadBatch,
    cleaner: BatchCleaner,
    cleaned: Cleaned,
    /// A duplicate, cleaned again to be rejected.
    rejected: Cleaned,
    seen: DuplicateIndex,
    /// The next contact of the batch, the next of those accepted, and the next finding.
    next: usize,
    accepted: usize,
    found: usize,
}

impl Reading<'_> {
    fn next(&mut self, settings: &Settings, envelope_findings: &mut Vec<OwnedFinding>) -> Result<Option<Contact>> {
        loop {
            if self.next < self.cleaned.checked {
                return self.contact(settings).map(Some);
            }
            if let Some((_, position, fault)) = self.cleaned.stop.take() {
                return Err(Kind::Syntax { input: READER.to_owned(), position, fault }.into());
            }
            match self.reader.next(&mut self.read) {
                Next::Batch => {
                    self.clean(settings)?;
                    if let Some(long) = self.read.take_long() {
                        return Ok(Some(reject_long(&long)));
                    }
                }
                Next::EnvelopeFindings(_, found) => envelope_findings.extend(owned(&found)),
                Next::Pause => {}
                Next::End => return self.reader.take_stop().map_or(Ok(None), Err),
            }
        }
    }

    fn clean(&mut self, settings: &Settings) -> Result<()> {
        (self.next, self.accepted, self.found) = (0, 0, 0);
        self.cleaned.clear();
        let Some(batch) = self.read.batch(&self.names) else { return Ok(()) };
        let selection = &self.selection;
        self.cleaner.guarded(&batch, READER, &mut self.cleaned, |cleaner, cleaned| {
            cleaner.clean(&batch, settings, selection, Separator::Newline, cleaned);
        })
    }

    /// The next contact of the batch.
    fn contact(&mut self, settings: &Settings) -> Result<Contact> {
        let batch = self.read.batch(&self.names).ok_or_else(|| bug("a batch without contacts"))?;
        let i = self.next;
        self.next += 1;
        let span = &batch.spans[i];
        let (index, line, offset) = (batch.first + i as u64, span.line, span.start);
        let found = &self.cleaned.findings[self.found..];
        let own = found.partition_point(|(contact, _)| *contact <= index);
        self.found += own;
        let mut findings: Vec<OwnedFinding> = found[..own].iter().map(|(_, finding)| finding.clone()).collect();
        let rejected = |findings| {
            let raw = batch.contact(span).to_vec();
            Contact::Rejected { index, line, offset, raw, is_truncated: false, findings }
        };
        let accepted = match self.cleaned.accepted.get(self.accepted) {
            Some(accepted) if accepted.contact as usize == i => accepted,
            _ => return Ok(rejected(findings)),
        };
        let start = if self.accepted == 0 { 0 } else { self.cleaned.accepted[self.accepted - 1].end as usize };
        self.accepted += 1;
        let lookup = self.seen.insert(accepted.identity, index);
        match lookup.map_err(|error| Error::io("find memory for", "the table of contacts seen", error))? {
            Lookup::New => {}
            Lookup::Before(first) => {
                let detail = Detail::First { input: None, contact: first };
                if settings.duplicates == Duplicates::First {
                    let alone = Batch { spans: &batch.spans[i..=i], first: index, ..batch };
                    let selection = &self.selection;
                    self.cleaner.guarded(&alone, READER, &mut self.rejected, |cleaner, cleaned| {
                        cleaner.reject_duplicate(&alone, 0, detail, settings, selection, cleaned);
                    })?;
                    return Ok(rejected(self.rejected.findings.drain(..).map(|(_, finding)| finding).collect()));
                }
                findings.push(OwnedFinding::new(&kept_duplicate(detail)));
            }
        }
        // Without the line break.
        let json = &self.cleaned.out[start..accepted.end as usize - 1];
        let json = std::str::from_utf8(json).map_err(|_| bug("a cleaned contact is not UTF-8"))?.to_owned();
        Ok(Contact::Accepted { index, line, offset, json, findings })
    }
}

fn bug(what: &str) -> Error {
    Kind::Counts { what: what.to_owned() }.into()
}

fn reject_long(long: &Long) -> Contact {
    let size = long.size();
    Contact::Rejected {
        index: long.contact,
        line: long.span.line,
        offset: long.span.start,
        raw: long.head.clone(),
        is_truncated: true,
        findings: vec![OwnedFinding::new(&long.finding(&size))],
    }
}
