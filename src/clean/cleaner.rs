//! The cleaner of batches: parse, validate, write. No threads and no I/O. Each worker has a [`BatchCleaner`], and hands a
//! [`Cleaned`] to the writer.
//!
//! Long because the ways that a contact can take are one subject.

pub use super::cleaned::{Accepted, Cleaned, Mark, Stats};
use super::finding_writer::FindingWriter;
pub use super::finding_writer::example;
pub use super::selection::{KnownCodes, OutputSelection, Separator};
use crate::clean::batch::Batch;
use crate::clean::fast_path::{Classifier, Compact, FastPath};
use crate::clean::lines::{self, Place};
use crate::clean::mapped::Translator;
use crate::clean::note::{self, Origin};
use crate::clean::profile::Segment;
use crate::clean::table_rejects::reject_as_json;
use crate::clean::validator::{Buffers, Findings, Validator, Verdict};
use crate::csv::Cells;
use crate::json::parse::{Parsed, ParsedContacts, Parser, Strict, raw_value};
use crate::json::split::Layout;
use crate::json::syntax::{self};
use crate::model::error::{Kind, Result, panic_text};
use crate::model::fault::{Fault, SyntaxError};
use crate::model::finding::{Code, Detail, Finding, Outcome, Raw, Severity, To};
use crate::model::identity::Identity;
use crate::model::member::{Member, Value};
use crate::rules::{Settings, whole::CONTACT_BYTES_MAX};
use crate::vcard::CardReader;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of contacts that are parsed as one array: few enough for the tape to stay in the second-level cache, and enough to make
/// the cost of a call negligible.
const PARSED_AT_ONCE: usize = 32 * 1024;

/// One worker's parser and buffers.
#[derive(Default)]
pub struct BatchCleaner {
    classifier: Classifier,
    translator: Translator,
    parser: Parser,
    buffers: Buffers,
    strict: Strict<'static>,
    /// Contacts as they were when they were checked to be UTF-8: another process may write to a mapped file at any time.
    copies: Vec<u8>,
    /// Every contact goes through the parser, for tests that compare both ways.
    parse_all: bool,
}

/// What [`BatchCleaner::clean`] and its parts share for one batch.
struct BatchContext<'w> {
    settings: &'w Settings,
    selection: &'w OutputSelection,
    separator: Separator,
    /// The contacts under the contract's names.
    batch: &'w Batch<'w>,
    /// The contacts as they are in the input: the same, unless their names were mapped.
    raw: &'w Batch<'w>,
    /// What the mapping noted, if there is one.
    translator: Option<&'w Translator>,
    /// How each contact is cleaned.
    classifier: &'w Classifier,
    strict: &'w mut Strict<'static>,
    copies: &'w mut Vec<u8>,
    cleaned: &'w mut Cleaned,
}

impl BatchCleaner {
    /// A cleaner that sends every contact through the parser, clean or not: slower, with the same results.
    #[must_use]
    pub fn without_fast_path() -> Self {
        BatchCleaner { parse_all: true, ..BatchCleaner::default() }
    }

    /// A cleaner with a given backend, for tests and benches.
    #[must_use]
    pub fn with_backend(choice: crate::simd::Choice) -> Self {
        BatchCleaner { classifier: Classifier::with_backend(choice), ..BatchCleaner::default() }
    }

    /// Runs `work` on a batch. A panic in it becomes an error that names the input and the contact.
    ///
    /// # Errors
    /// [`Kind::Bug`] for a panic.
    pub fn guarded(
        &mut self,
        batch: &Batch<'_>,
        input: &str,
        cleaned: &mut Cleaned,
        work: impl FnOnce(&mut BatchCleaner, &mut Cleaned),
    ) -> Result<()> {
        catch_unwind(AssertUnwindSafe(|| work(self, cleaned))).map_err(|panic| {
            // The buffers may be in any state.
            *self = BatchCleaner::default();
            let position = batch.position(cleaned.at, 0);
            Kind::Bug { input: input.to_owned(), position, what: panic_text(&*panic) }.into()
        })
    }

    /// Cleans a batch into `cleaned`, which is emptied first.
    pub fn clean(
        &mut self,
        batch: &Batch<'_>,
        settings: &Settings,
        selection: &OutputSelection,
        separator: Separator,
        cleaned: &mut Cleaned,
    ) {
        cleaned.clear();
        let Some(input) = batch.mapping else {
            self.clean_translated(batch, batch, None, settings, selection, separator, cleaned);
            return profile(batch, selection, cleaned);
        };
        let mut translator = std::mem::take(&mut self.translator);
        translator.translate(batch, input, settings);
        let translated = translator.batch(batch);
        self.clean_translated(&translated, batch, Some(&translator), settings, selection, separator, cleaned);
        profile(&translated, selection, cleaned);
        cleaned.late_names.extend_from_slice(translator.late_names());
        self.translator = translator;
    }

    /// Cleans a batch that is `raw` under the contract's names.
    #[allow(clippy::too_many_arguments)]
    fn clean_translated(
        &mut self,
        batch: &Batch<'_>,
        raw: &Batch<'_>,
        translator: Option<&Translator>,
        settings: &Settings,
        selection: &OutputSelection,
        separator: Separator,
        cleaned: &mut Cleaned,
    ) {
        self.classify(batch, translator, settings);
        let classifier = &self.classifier;
        cleaned.any_custom = classifier.any_custom;
        let paths = &classifier.paths;
        let (strict, copies) = (&mut self.strict, &mut self.copies);
        let mut work = BatchContext {
            settings,
            selection,
            separator,
            batch,
            raw,
            translator,
            classifier,
            strict,
            copies,
            cleaned,
        };
        let mut i = 0;
        while i < batch.spans.len() && work.cleaned.stop.is_none() {
            // A range whose contacts, as far as they need the parser, are parsed together.
            let (mut end, mut bytes, mut to_parse) = (i, 0, 0);
            while let Some(span) = batch.spans.get(end) {
                if paths[end] == FastPath::Parse {
                    let joinable = span.whole && span.end - span.start <= CONTACT_BYTES_MAX;
                    if !joinable || bytes >= PARSED_AT_ONCE {
                        break;
                    }
                    bytes += (span.end - span.start) as usize + 1;
                    to_parse += 1;
                }
                end += 1;
            }
            if end == i {
                self.buffers = work.clean_alone(i, std::mem::take(&mut self.buffers), None);
                i += 1;
                continue;
            }
            let buffers = &mut self.buffers;
            let parsed = to_parse == 0 || {
                let contacts = batch.spans[i..end].iter().zip(&paths[i..end]);
                let contacts =
                    contacts.filter(|(_, path)| **path == FastPath::Parse).map(|(span, _)| batch.contact(span));
                self.parser.parse(contacts, |contacts| {
                    *buffers = work.clean_parsed(i..end, contacts, std::mem::take(buffers));
                })
            };
            if to_parse == 0 {
                self.buffers = work.clean_unparsed(i..end, std::mem::take(&mut self.buffers));
            } else if !parsed {
                // One of them is broken: each is cleaned by itself.
                for (i, path) in (i..end).zip(&paths[i..end]) {
                    let buffers = std::mem::take(&mut self.buffers);
                    self.buffers = match path {
                        FastPath::Parse => work.clean_alone(i, buffers, None),
                        _ => work.clean_unparsed(i..i + 1, buffers),
                    };
                    if work.cleaned.stop.is_some() {
                        break;
                    }
                }
            }
            i = end;
        }
    }

    /// Decides how each contact is cleaned.
    fn classify(&mut self, batch: &Batch<'_>, translator: Option<&Translator>, settings: &Settings) {
        if self.parse_all || batch.has_gaps {
            self.classifier.paths.clear();
            self.classifier.paths.resize(batch.spans.len(), FastPath::Parse);
            self.classifier.any_custom = false;
        } else {
            self.classifier.classify(batch, settings);
        }
        for contact in translator.into_iter().flat_map(Translator::noted) {
            // It may be canonical, but it is not without findings.
            if matches!(self.classifier.paths[contact], FastPath::Canonical(_)) {
                self.classifier.paths[contact] = FastPath::Parse;
            }
        }
    }

    /// Rejects contact `i` of a batch as a duplicate of `first`.
    pub fn reject_duplicate(
        &mut self,
        batch: &Batch<'_>,
        i: usize,
        first: Detail<'_>,
        settings: &Settings,
        selection: &OutputSelection,
        cleaned: &mut Cleaned,
    ) {
        cleaned.clear();
        let mut translator = std::mem::take(&mut self.translator);
        let alone = Batch { spans: &batch.spans[i..=i], first: batch.first + i as u64, ..*batch };
        if let Some(input) = batch.mapping {
            translator.translate(&alone, input, settings);
        }
        let translated = batch.mapping.map(|_| translator.batch(&alone));
        let mut work = BatchContext {
            settings,
            selection,
            separator: Separator::Newline,
            batch: translated.as_ref().unwrap_or(&alone),
            raw: &alone,
            translator: translated.is_some().then_some(&translator),
            classifier: &self.classifier,
            strict: &mut self.strict,
            copies: &mut self.copies,
            cleaned,
        };
        self.buffers = work.clean_alone(0, std::mem::take(&mut self.buffers), Some(first));
        self.translator = translator;
    }
}

impl<'w> BatchContext<'w> {
    fn place(&self, i: usize) -> Place<'w> {
        let span = &self.raw.spans[i];
        Place {
            input: self.raw.input_label,
            contact: Some(self.raw.first + i as u64),
            offset: self.raw.offset(span),
            line: span.line,
            column: None,
        }
    }

    /// Cleans a range of contacts. Those that need the parser were parsed together, and are `contacts`.
    fn clean_parsed<'a>(
        &mut self,
        range: Range<usize>,
        mut contacts: ParsedContacts<'_, 'a>,
        mut buffers: Buffers,
    ) -> Buffers {
        let mut done = range.start;
        for i in range.clone() {
            if self.classifier.paths[i] != FastPath::Parse {
                continue;
            }
            buffers = self.clean_unparsed(done..i, buffers);
            done = i + 1;
            buffers = match contacts.next() {
                Some(Parsed::Members(members)) => {
                    let mut validator = Validator::new(self.settings, buffers).mapped(self.translator.is_some());
                    self.validate(i, b"", members, None, &mut validator);
                    validator.into_buffers()
                }
                Some(Parsed::Strict | Parsed::Other) | None => self.clean_alone(i, buffers, None),
            };
        }
        self.clean_unparsed(done..range.end, buffers)
    }

    /// Cleans a range of contacts that are canonical or compact.
    fn clean_unparsed(&mut self, range: Range<usize>, mut buffers: Buffers) -> Buffers {
        let classifier = self.classifier;
        let index_of = |i: usize| classifier.compact.partition_point(|compact| (compact.contact as usize) < i);
        let compact = &classifier.compact[index_of(range.start)..index_of(range.end)];
        if compact.is_empty() {
            self.copy_canonical(range);
            return buffers;
        }
        let bytes_of = |batch: &Batch<'w>, one: &Compact| batch.contact(&batch.spans[one.contact as usize]);
        let mut copies = std::mem::take(self.copies);
        copies.clear();
        for one in compact {
            copies.extend_from_slice(bytes_of(self.batch, one));
        }
        let mut done = range.start;
        if let Ok(mut rest) = std::str::from_utf8(&copies) {
            let mut validator = Validator::new(self.settings, buffers).mapped(self.translator.is_some());
            for one in compact {
                let i = one.contact as usize;
                self.copy_canonical(done..i);
                done = i + 1;
                let (text, behind) = rest.split_at(bytes_of(self.batch, one).len());
                rest = behind;
                let members = &classifier.members[one.members.0 as usize..one.members.1 as usize];
                let members = members.iter().map(|member| member.of(text));
                self.validate(i, text.as_bytes(), members, None, &mut validator);
            }
            buffers = validator.into_buffers();
        } else {
            // They were UTF-8 when they were classified: another process is writing to the file.
            for one in compact {
                let i = one.contact as usize;
                self.copy_canonical(done..i);
                done = i + 1;
                buffers = self.clean_alone(i, buffers, None);
            }
        }
        *self.copies = copies;
        self.copy_canonical(done..range.end);
        buffers
    }

    /// Copies a range of canonical contacts, as many at once as lie one byte apart.
    fn copy_canonical(&mut self, range: Range<usize>) {
        let spans = self.batch.spans;
        let cleaned = &mut *self.cleaned;
        let mut from = range.start;
        while from < range.end {
            let mut to = from + 1;
            while to < range.end && spans[to].start == spans[to - 1].end + 1 {
                to += 1;
            }
            let base = self.batch.base;
            let (start, end) = ((spans[from].start - base) as usize, (spans[to - 1].end - base) as usize);
            let comma = self.separator == Separator::Comma;
            if comma {
                cleaned.out.push(b',');
            }
            let out_start = cleaned.out.len();
            cleaned.out.extend_from_slice(&self.batch.bytes[start..end]);
            if !comma {
                cleaned.out.push(b'\n');
            }
            for ((i, span), path) in (from..to).zip(&spans[from..to]).zip(&self.classifier.paths[from..to]) {
                let FastPath::Canonical(identity) = *path else { unreachable!("the contact is canonical") };
                let mut end = (span.end - base) as usize - start + out_start;
                if i + 1 < to {
                    // The byte between two contacts: a comma, a line break or, within a line, a space.
                    cleaned.out[end] = if comma { b',' } else { b'\n' };
                }
                end += usize::from(!comma);
                cleaned.accepted.push(Accepted { contact: i as u32, end: end as u32, identity });
            }
            from = to;
        }
        if !range.is_empty() {
            cleaned.stats.accepted += range.len() as u64;
            cleaned.checked = range.end;
        }
    }

    /// Cleans one contact, read by the strict parser.
    fn clean_alone(&mut self, i: usize, buffers: Buffers, duplicate_of: Option<Detail<'_>>) -> Buffers {
        let mut copy = std::mem::take(self.copies);
        copy.clear();
        copy.extend_from_slice(self.batch.contact(&self.batch.spans[i]));
        let buffers = self.clean_strictly(&copy, i, buffers, duplicate_of);
        *self.copies = copy;
        buffers
    }

    /// The same, with a copy of its bytes.
    fn clean_strictly(
        &mut self,
        contact: &[u8],
        i: usize,
        buffers: Buffers,
        duplicate_of: Option<Detail<'_>>,
    ) -> Buffers {
        self.cleaned.at = i;
        // What a vCard has beside text does not count.
        let span = if self.raw.layout == Layout::Cards { &self.batch.spans[i] } else { &self.raw.spans[i] };
        let too_large = span.end - span.start > CONTACT_BYTES_MAX;
        let is_line = self.raw.layout != Layout::Array;
        if too_large && is_line {
            // It may be JSON all the same, and then it gets a note.
            let is_json = self.selection.notes.is_some() && syntax::check(contact).is_ok();
            self.reject(i, Code::SYN002, None, Raw::Bytes(contact), Detail::None, is_json);
            return buffers;
        }
        match std::mem::take(self.strict).recycle().read(contact) {
            Err(error) if is_line => self.bad_line(i, contact, error),
            Err(error) => {
                // The span is whole, so nothing was cut off: a word that ends early is not a value.
                let (at, fault) = match error.fault {
                    Fault::End => (0, Fault::Expected("a contact")),
                    fault => (error.at, fault),
                };
                self.cleaned.stop = Some((i, self.raw.position(i, at), fault));
            }
            Ok(_) if too_large => {
                self.reject(i, Code::SYN002, None, Raw::Bytes(contact), Detail::None, true);
            }
            Ok(None) => {
                let text = std::str::from_utf8(contact).unwrap_or_default().trim_ascii();
                let value = match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                    Some(inside) => syntax::unescape(inside.as_bytes()),
                    None => text.into(),
                };
                let value = if text.starts_with('"') { Value::String(&value) } else { raw_value(&value) };
                self.reject(i, Code::CON001, None, Raw::Value(value), Detail::Is(value.kind().name()), true);
            }
            Ok(Some(strict)) => {
                let mut validator = Validator::new(self.settings, buffers).mapped(self.translator.is_some());
                self.validate(i, b"", strict.members(), duplicate_of, &mut validator);
                let buffers = validator.into_buffers();
                *self.strict = strict.recycle();
                return buffers;
            }
        }
        buffers
    }

    fn bad_line(&mut self, i: usize, contact: &[u8], error: SyntaxError) {
        // The last character may be cut off as well.
        let is_end = error.fault == Fault::End
            || (error.fault == Fault::Utf8
                && std::str::from_utf8(&contact[error.at..]).is_err_and(|error| error.error_len().is_none()));
        let at = format!("at byte {} of the line", error.at);
        let (code, what, help) = match error.fault {
            Fault::Depth => (Code::SYN003, at, Fault::Depth.help()),
            _ if is_end && self.is_last(i) => (
                Code::SYN001,
                format!("the last line is incomplete, it ends {at}"),
                "the input was probably cut off: export it again",
            ),
            Fault::Trailing if contact[error.at..].trim_ascii() == b"," => (
                Code::SYN001,
                format!("a comma behind the contact, {at}"),
                "lines have no commas between them: sed 's/,$//' FILE takes them out",
            ),
            Fault::Utf8 => match self.selection.encodings.get(self.batch.input).copied().flatten() {
                Some(encoding) => (
                    Code::SYN001,
                    format!("bytes that are not {encoding}, {at}"),
                    "name the encoding that the file has: --encoding LABEL",
                ),
                None => (
                    Code::SYN001,
                    format!("{}, {at}", Fault::Utf8),
                    "if the whole file has another encoding, name it: --encoding windows-1252 is the most common",
                ),
            },
            fault => (Code::SYN001, format!("{fault}, {at}"), fault.help()),
        };
        self.reject(i, code, None, Raw::Bytes(contact), Detail::Cause { what: &what, help }, false);
    }

    /// True for the last line of the input without a line break.
    fn is_last(&self, i: usize) -> bool {
        self.raw.spans[i].end == self.raw.base + self.raw.bytes.len() as u64
    }

    /// Rejects a contact that is not an object of members.
    fn reject(&mut self, i: usize, code: Code, field: Option<&str>, value: Raw<'_>, detail: Detail<'_>, is_json: bool) {
        let place = self.place(i);
        let severity = Severity::Error;
        let outcome = Outcome::Rejected;
        self.findings(i, place).take(&Finding { code, severity, outcome, field, value, to: To::None, detail });
        self.finish(i, Verdict::default(), None, is_json);
    }

    fn findings(&mut self, i: usize, place: Place<'w>) -> FindingWriter<'_> {
        FindingWriter {
            selection: self.selection,
            place,
            record: self.raw.mapping.map(|input| (self.raw.contact(&self.raw.spans[i]), input)),
            input: self.raw.input,
            report: &mut self.cleaned.report,
            changes: &mut self.cleaned.changes,
            findings: &mut self.cleaned.findings,
            noted: &mut self.cleaned.noted,
            noted_row: &mut self.cleaned.noted_row,
            unknown_names: &mut self.cleaned.unknown_names,
            stats: &mut self.cleaned.stats,
            examples: &mut self.cleaned.examples,
            causes: &mut self.cleaned.causes,
            profile: &mut self.cleaned.profile,
        }
    }

    /// Runs the rules on contact `i`.
    #[inline]
    fn validate<'a>(
        &mut self,
        i: usize,
        bytes: &[u8],
        members: impl Iterator<Item = Member<'a>>,
        duplicate_of: Option<Detail<'a>>,
        validator: &mut Validator<'a, '_>,
    ) where
        'w: 'a,
    {
        self.cleaned.at = i;
        #[cfg(test)]
        tests::panic_on_request(self.batch.contact(&self.batch.spans[i]));
        // The finding writer borrows the rest of `cleaned`.
        let mut out = std::mem::take(&mut self.cleaned.out);
        let start = out.len();
        if self.separator == Separator::Comma {
            out.push(b',');
        }
        let translator = self.translator.filter(|translator| translator.has_notes(i));
        let mut findings = self.findings(i, self.place(i));
        let (verdict, identity) = match translator {
            None => validator.contact(bytes, members, duplicate_of, &mut out, &mut findings),
            Some(translator) => {
                let notes = translator.notes(i);
                validator.noted_contact(notes, bytes, members, duplicate_of, &mut out, &mut findings)
            }
        };
        if !verdict.accepted {
            out.truncate(start);
        }
        self.cleaned.any_custom |= validator.any_custom();
        self.cleaned.out = out;
        self.finish(i, verdict, identity, true);
    }

    /// Counts a contact, writes it to the rejects if it is one, and marks the lengths of the outputs.
    #[inline]
    fn finish(&mut self, i: usize, verdict: Verdict, identity: Option<Identity>, is_json: bool) {
        let cleaned = &mut *self.cleaned;
        cleaned.checked = i + 1;
        cleaned.stats.returned += u64::from(verdict.returned);
        cleaned.stats.clues.combine(&verdict.clues, u64::wrapping_add);
        if self.selection.statistics {
            cleaned.profile.outcome(i, segment_of(&verdict));
        }
        let at = (self.raw.input, self.raw.first + i as u64, self.raw.spans[i].line);
        cleaned.causes.end_contact(verdict.accepted, &mut cleaned.stats, self.selection.statistics.then_some(at));
        if verdict.accepted {
            if self.separator == Separator::Newline {
                cleaned.out.push(b'\n');
            }
            cleaned.stats.accepted += 1;
            cleaned.stats.held_back += u64::from(verdict.held_back);
            cleaned.stats.changed += u64::from(verdict.changed);
            let end = cleaned.out.len() as u32;
            cleaned.accepted.push(Accepted { contact: i as u32, end, identity: identity.unwrap_or_default() });
        } else {
            cleaned.stats.rejected += 1;
            cleaned.stats.opted_out += u64::from(verdict.opted_out);
            if self.selection.rejects {
                self.write_reject(i, is_json);
            }
            self.cleaned.noted_row.clear();
            self.cleaned.noted.clear();
        }
        let cleaned = &mut *self.cleaned;
        let ends = (cleaned.report.len() as u32, cleaned.changes.len() as u32, cleaned.rejects.len() as u32);
        let before = cleaned.marks.last().map_or((0, 0, 0), |m| (m.report, m.changes, m.rejects));
        if ends != before {
            let (report, changes, rejects) = ends;
            cleaned.marks.push(Mark { contact: i as u32, report, changes, rejects });
        }
    }

    /// Writes contact `i` to the rejects, as it is in the input.
    fn write_reject(&mut self, i: usize, is_json: bool) {
        let (raw, selection, cleaned) = (self.raw, self.selection, &mut *self.cleaned);
        let span = &raw.spans[i];
        let contact = raw.contact(span);
        let rejects = &mut cleaned.rejects;
        let name = selection.notes.as_ref().map(|names| names.get(raw.input).map_or("", String::as_str));
        let origin = name.map(|input| Origin { input, contact: raw.first + i as u64, line: span.line });
        if let Some(table) = raw.mapping.and_then(|input| input.table.as_ref()) {
            let mut cells = Cells::default();
            return match &selection.table {
                Some(rows) => rows.reject(contact, raw.input, span.line, &cleaned.noted_row, &mut cells, rejects),
                None => reject_as_json(contact, table, origin, &cleaned.noted, &mut cells, rejects),
            };
        }
        let mut card = Vec::new();
        let contact = match raw.layout {
            Layout::Cards if CardReader::default().json(contact, &mut card).is_ok() => &card,
            // It goes as it came, on one line.
            Layout::Cards => return lines::reject_lines(contact, rejects),
            _ => contact,
        };
        match (is_json, raw.layout, origin) {
            (false, Layout::Objects, _) => lines::reject_lines(contact, rejects),
            (true, _, Some(origin)) => note::reject(contact, origin, &cleaned.noted, rejects),
            _ => lines::reject(contact, is_json, rejects),
        }
    }
}

/// Counts the contacts of a cleaned batch, if the run asks for statistics.
fn profile(batch: &Batch<'_>, selection: &OutputSelection, cleaned: &mut Cleaned) {
    if selection.statistics {
        cleaned.profile.batch(batch, cleaned.checked, selection.redactor.is_none());
    }
}

/// What the strip shows of a contact.
fn segment_of(verdict: &Verdict) -> Segment {
    let mut segment = Segment::default();
    match verdict {
        Verdict { accepted: false, opted_out, .. } => {
            (segment.rejected, segment.opted_out) = (1, u64::from(*opted_out))
        }
        Verdict { held_back: true, .. } => segment.held_back = 1,
        Verdict { changed, .. } => segment.changed = u64::from(*changed),
    }
    segment
}

#[cfg(test)]
pub(crate) mod tests;
