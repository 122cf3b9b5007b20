//! A batch of contacts: parsed, judged, written. No threads and no I/O here; a [`BatchCleaner`] is what one worker works with, and
//! a [`Cleaned`] is what it hands to the writer.

use crate::clean::batch::Batch;
use crate::clean::fast_path::{Canonical, LEFT, Plain};
use crate::clean::lines::{self, Place, Redactor};
use crate::clean::owned::OwnedFinding;
use crate::clean::validator::{Buffers, Findings, Validator, Verdict};
use crate::json::parse::{Contacts, Parsed, Parser, Strict, raw_value};
use crate::json::split::Layout;
use crate::json::syntax::{self};
use crate::model::error::{Kind, Result, panic_text};
use crate::model::fault::{Fault, SyntaxError};
use crate::model::finding::{Code, Detail, Example, Finding, Outcome, Raw, Severity, To};
use crate::model::identity::Identity;
use crate::model::member::{Member, Value};
use crate::model::position::Position;
use crate::rules::{Settings, whole::CONTACT_BYTES_MAX};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of contacts that are parsed as one array: small enough for the tape to stay in the second-level cache, large enough
/// that the cost of a call is nothing.
const PARSED_AT_ONCE: usize = 32 * 1024;

/// What stands between cleaned contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A comma before each.
    Comma,
    /// A line break behind each.
    Newline,
}

/// What is wanted of a run beside the cleaned contacts.
#[derive(Debug, Default)]
pub struct OutputSelection {
    /// Report lines (errors and warnings).
    pub report: bool,
    /// Lines of the change ledger.
    pub changes: bool,
    /// Rejected contacts.
    pub rejects: bool,
    /// Findings as data, changes included ([`Cleaned::findings`]).
    pub findings: bool,
    /// Replace values in report and ledger.
    pub redactor: Option<Redactor>,
    /// The first findings, for a person, and not one of each code only.
    pub listed: AtomicBool,
    /// Codes of which an example is known: no more are wanted.
    pub known: Known,
}

/// One flag a code.
#[derive(Debug)]
pub struct Known([AtomicBool; Code::COUNT]);

impl Default for Known {
    fn default() -> Self {
        Known([const { AtomicBool::new(false) }; Code::COUNT])
    }
}

impl Known {
    /// An example of this code is known now.
    pub fn set(&self, code: Code) {
        self.0[code as usize].store(true, Ordering::Relaxed);
    }

    fn get(&self, code: Code) -> bool {
        self.0[code as usize].load(Ordering::Relaxed)
    }
}

/// Counts of contacts and findings. They add up by plain addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Contacts that are in the output.
    pub accepted: u64,
    /// Contacts that are not.
    pub rejected: u64,
    /// Accepted contacts of which some value was held back.
    pub held_back: u64,
    /// Accepted contacts of which some value was changed.
    pub changed: u64,
    /// Findings by code.
    pub codes: [u64; Code::COUNT],
}

impl Default for Stats {
    fn default() -> Self {
        Stats { accepted: 0, rejected: 0, held_back: 0, changed: 0, codes: [0; Code::COUNT] }
    }
}

impl Stats {
    /// Adds `other`.
    pub fn add(&mut self, other: &Stats) {
        self.combine(other, u64::wrapping_add);
    }

    /// Takes `other`, which was added before, away.
    pub fn subtract(&mut self, other: &Stats) {
        self.combine(other, u64::wrapping_sub);
    }

    fn combine(&mut self, other: &Stats, by: fn(u64, u64) -> u64) {
        self.accepted = by(self.accepted, other.accepted);
        self.rejected = by(self.rejected, other.rejected);
        self.held_back = by(self.held_back, other.held_back);
        self.changed = by(self.changed, other.changed);
        for (mine, theirs) in self.codes.iter_mut().zip(&other.codes) {
            *mine = by(*mine, *theirs);
        }
    }
}

/// An accepted contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its place in the batch.
    pub contact: u32,
    /// Where it ends in [`Cleaned::out`], a line break behind it included.
    pub end: u32,
    /// Who it is.
    pub identity: Identity,
}

/// How far the other outputs have come behind a contact that wrote to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its place in the batch.
    pub contact: u32,
    /// Behind its lines in [`Cleaned::report`].
    pub report: u32,
    /// Behind its lines in [`Cleaned::changes`].
    pub changes: u32,
    /// Behind its line in [`Cleaned::rejects`].
    pub rejects: u32,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// Cleaned contacts, each with its separator.
    pub out: Vec<u8>,
    /// Those contacts.
    pub accepted: Vec<Accepted>,
    /// Report lines.
    pub report: Vec<u8>,
    /// Ledger lines.
    pub changes: Vec<u8>,
    /// Rejected contacts, one a line.
    pub rejects: Vec<u8>,
    /// Contacts that wrote to one of the three.
    pub marks: Vec<Mark>,
    /// Findings as data, each with the index of its contact in the input.
    pub findings: Vec<(u64, OwnedFinding)>,
    /// What was counted.
    pub stats: Stats,
    /// Findings for a person.
    pub examples: Vec<Example>,
    /// Some contact had a custom field. (Of a batch with a [stop](Cleaned::stop), perhaps one behind it.)
    pub any_custom: bool,
    /// Broken syntax in this contact of the batch, at this byte: it and those behind it were not judged.
    pub stop: Option<(usize, Position, Fault)>,
    /// Contacts judged: all of the batch, or those before the stop.
    pub judged: usize,
    /// The contact that is being judged, for whoever catches a panic.
    pub at: usize,
}

impl Cleaned {
    /// Empties everything and keeps its room.
    pub fn clear(&mut self) {
        self.out.clear();
        self.accepted.clear();
        self.report.clear();
        self.changes.clear();
        self.rejects.clear();
        self.marks.clear();
        self.findings.clear();
        self.stats = Stats::default();
        self.examples.clear();
        self.any_custom = false;
        self.stop = None;
        self.judged = 0;
        self.at = 0;
    }
}

/// Takes findings of one contact, counts them, and writes what is wanted of them.
struct Sink<'x> {
    wanted: &'x OutputSelection,
    place: Place<'x>,
    input: usize,
    report: &'x mut Vec<u8>,
    changes: &'x mut Vec<u8>,
    findings: &'x mut Vec<(u64, OwnedFinding)>,
    stats: &'x mut Stats,
    examples: &'x mut Vec<Example>,
}

impl Findings for Sink<'_> {
    fn take(&mut self, finding: &Finding<'_>) {
        let count = &mut self.stats.codes[finding.code as usize];
        *count += 1;
        if self.wanted.findings {
            self.findings.push((self.place.contact.unwrap_or_default(), OwnedFinding::new(finding)));
        }
        let to = match finding.severity {
            Severity::Change if self.wanted.changes => &mut *self.changes,
            Severity::Change => return,
            Severity::Error | Severity::Warning => {
                let new = *count == 1 && !self.wanted.known.get(finding.code);
                if new || self.wanted.listed.load(Ordering::Relaxed) {
                    self.examples.push(example(self.input, &self.place, finding, self.wanted));
                }
                if !self.wanted.report {
                    return;
                }
                &mut *self.report
            }
        };
        lines::line(&self.place, finding, self.wanted.redactor.as_ref(), to);
    }
}

/// A finding for a person; without its value, where values are to be replaced.
#[must_use]
pub fn example(input: usize, place: &Place<'_>, finding: &Finding<'_>, wanted: &OutputSelection) -> Example {
    let text = if wanted.redactor.is_some() { "".into() } else { lines::value_text(&finding.value) };
    let mut value: String = text.chars().take(60).collect();
    if value.len() < text.len() {
        value.push_str("...");
    }
    Example {
        code: finding.code,
        input,
        contact: place.contact,
        line: place.line,
        severity: finding.severity,
        outcome: finding.outcome,
        field: finding.field.map(str::to_owned),
        value,
        message: lines::message(finding),
        cause: lines::cause(finding).map(str::to_owned),
        help: lines::help(finding).to_owned(),
    }
}

/// One worker's parser and buffers.
#[derive(Default)]
pub struct BatchCleaner {
    canonical: Canonical,
    parser: Parser,
    judge: Buffers,
    strict: Strict<'static>,
    /// Contacts as they were when they were found to be text: a mapped file may be written to by others at any time.
    copies: Vec<u8>,
    /// Every contact goes through the parser, for tests of the two ways against each other.
    parse_all: bool,
}

/// Cleans one group of contacts; everything that [`BatchCleaner::clean`] and its parts share.
struct BatchContext<'w> {
    settings: &'w Settings,
    wanted: &'w OutputSelection,
    separator: Separator,
    batch: &'w Batch<'w>,
    /// Which contacts are clean, and which are plain.
    canonical: &'w Canonical,
    strict: &'w mut Strict<'static>,
    copies: &'w mut Vec<u8>,
    cleaned: &'w mut Cleaned,
}

impl BatchCleaner {
    /// A cleaner that sends every contact through the parser, clean or not: slower, and the same in all it gives.
    #[must_use]
    pub fn without_shortcut() -> Self {
        BatchCleaner { parse_all: true, ..BatchCleaner::default() }
    }

    /// A cleaner with the backend of its check told, for tests and benches.
    #[must_use]
    pub fn with_backend(choice: crate::simd::Choice) -> Self {
        BatchCleaner { canonical: Canonical::with_backend(choice), ..BatchCleaner::default() }
    }

    /// Does some work of this cleaner on a batch. A panic in it becomes an error that names the input and the contact.
    ///
    /// # Errors
    /// There was one.
    pub fn guarded(
        &mut self,
        batch: &Batch<'_>,
        input: &str,
        cleaned: &mut Cleaned,
        work: impl FnOnce(&mut BatchCleaner, &mut Cleaned),
    ) -> Result<()> {
        catch_unwind(AssertUnwindSafe(|| work(self, cleaned))).map_err(|panic| {
            // What it was in the middle of is of no more use.
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
        wanted: &OutputSelection,
        separator: Separator,
        cleaned: &mut Cleaned,
    ) {
        cleaned.clear();
        if self.parse_all {
            self.canonical.verdicts.clear();
            self.canonical.verdicts.resize(batch.spans.len(), LEFT);
            self.canonical.any_custom = false;
        } else {
            self.canonical.judge(batch, settings);
        }
        let canonical = &self.canonical;
        cleaned.any_custom = canonical.any_custom;
        let verdicts = &canonical.verdicts;
        let (strict, copies) = (&mut self.strict, &mut self.copies);
        let mut work = BatchContext { settings, wanted, separator, batch, canonical, strict, copies, cleaned };
        let mut i = 0;
        while i < batch.spans.len() && work.cleaned.stop.is_none() {
            // A stretch whose contacts, but for the clean ones, can be parsed together.
            let (mut end, mut bytes, mut left) = (i, 0, 0);
            while let Some(span) = batch.spans.get(end) {
                if verdicts[end] == LEFT {
                    let joinable = span.whole && span.end - span.start <= CONTACT_BYTES_MAX;
                    if !joinable || bytes >= PARSED_AT_ONCE {
                        break;
                    }
                    bytes += (span.end - span.start) as usize + 1;
                    left += 1;
                }
                end += 1;
            }
            if end == i {
                self.judge = work.alone(i, std::mem::take(&mut self.judge), None);
                i += 1;
                continue;
            }
            let buffers = &mut self.judge;
            let good = left == 0 || {
                let contacts = batch.spans[i..end].iter().zip(&verdicts[i..end]);
                let contacts = contacts.filter(|(_, verdict)| **verdict == LEFT).map(|(span, _)| batch.contact(span));
                self.parser.parse(contacts, |contacts| {
                    *buffers = work.stretch(i..end, contacts, std::mem::take(buffers));
                })
            };
            if left == 0 {
                self.judge = work.without_parser(i..end, std::mem::take(&mut self.judge));
            } else if !good {
                for (i, verdict) in (i..end).zip(&verdicts[i..end]) {
                    let buffers = std::mem::take(&mut self.judge);
                    self.judge = match *verdict {
                        LEFT => work.alone(i, buffers, None),
                        _ => work.without_parser(i..i + 1, buffers),
                    };
                    if work.cleaned.stop.is_some() {
                        break;
                    }
                }
            }
            i = end;
        }
    }

    /// Cleans contact `i` of a batch as one that was seen before, so that it is rejected.
    pub fn reject_duplicate(
        &mut self,
        batch: &Batch<'_>,
        i: usize,
        first: Detail<'_>,
        settings: &Settings,
        wanted: &OutputSelection,
        cleaned: &mut Cleaned,
    ) {
        cleaned.clear();
        let (canonical, strict, copies) = (&self.canonical, &mut self.strict, &mut self.copies);
        let separator = Separator::Newline;
        let mut work = BatchContext { settings, wanted, separator, batch, canonical, strict, copies, cleaned };
        self.judge = work.alone(i, std::mem::take(&mut self.judge), Some(first));
    }
}

impl<'w> BatchContext<'w> {
    fn place(&self, i: usize) -> Place<'w> {
        let span = &self.batch.spans[i];
        Place {
            input: self.batch.input_name,
            contact: Some(self.batch.first + i as u64),
            offset: span.start,
            line: span.line,
        }
    }

    /// A stretch of contacts: those that are neither clean nor plain were parsed together.
    fn stretch<'a>(
        &mut self,
        range: std::ops::Range<usize>,
        mut contacts: Contacts<'_, 'a>,
        mut buffers: Buffers,
    ) -> Buffers {
        let mut done = range.start;
        for i in range.clone() {
            if self.canonical.verdicts[i] != LEFT {
                continue;
            }
            buffers = self.without_parser(done..i, buffers);
            done = i + 1;
            buffers = match contacts.next() {
                Some(Parsed::Members(members)) => {
                    let mut judge = Validator::new(self.settings, buffers);
                    self.judge(i, b"", members, None, &mut judge);
                    judge.into_buffers()
                }
                Some(Parsed::Strict | Parsed::Other) | None => self.alone(i, buffers, None),
            };
        }
        self.without_parser(done..range.end, buffers)
    }

    /// A stretch of contacts that are clean or plain.
    fn without_parser(&mut self, range: std::ops::Range<usize>, mut buffers: Buffers) -> Buffers {
        let canonical = self.canonical;
        let from = canonical.plain.partition_point(|plain| (plain.contact as usize) < range.start);
        let to = canonical.plain.partition_point(|plain| (plain.contact as usize) < range.end);
        let plain = &canonical.plain[from..to];
        if plain.is_empty() {
            self.copy(range);
            return buffers;
        }
        let bytes_of = |batch: &Batch<'w>, plain: &Plain| batch.contact(&batch.spans[plain.contact as usize]);
        let mut copies = std::mem::take(self.copies);
        copies.clear();
        for plain in plain {
            copies.extend_from_slice(bytes_of(self.batch, plain));
        }
        let mut done = range.start;
        if let Ok(mut rest) = std::str::from_utf8(&copies) {
            let mut judge = Validator::new(self.settings, buffers);
            for plain in plain {
                let i = plain.contact as usize;
                self.copy(done..i);
                done = i + 1;
                let (text, behind) = rest.split_at(bytes_of(self.batch, plain).len());
                rest = behind;
                let members = &canonical.members[plain.members.0 as usize..plain.members.1 as usize];
                self.judge(i, text.as_bytes(), members.iter().map(|member| member.of(text)), None, &mut judge);
            }
            buffers = judge.into_buffers();
        } else {
            // They were text when they were found to be plain: somebody is writing to the file.
            for plain in plain {
                let i = plain.contact as usize;
                self.copy(done..i);
                done = i + 1;
                buffers = self.alone(i, buffers, None);
            }
        }
        *self.copies = copies;
        self.copy(done..range.end);
        buffers
    }

    /// Clean contacts go out as they are, and as many at once as lie one byte apart.
    fn copy(&mut self, range: std::ops::Range<usize>) {
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
            // What a contact's first byte moves by on its way out.
            let moved = cleaned.out.len();
            cleaned.out.extend_from_slice(&self.batch.bytes[start..end]);
            if !comma {
                cleaned.out.push(b'\n');
            }
            for (i, span) in (from..to).zip(&spans[from..to]) {
                let mut end = (span.end - base) as usize - start + moved;
                if i + 1 < to {
                    // What lies between two contacts of an array or of lines: a comma, a line break or, on one line, a space.
                    cleaned.out[end] = if comma { b',' } else { b'\n' };
                }
                end += usize::from(!comma);
                cleaned.accepted.push(Accepted {
                    contact: i as u32,
                    end: end as u32,
                    identity: self.canonical.verdicts[i],
                });
            }
            from = to;
        }
        if !range.is_empty() {
            cleaned.stats.accepted += range.len() as u64;
            cleaned.judged = range.end;
        }
    }

    /// A contact by itself, read strictly.
    fn alone(&mut self, i: usize, buffers: Buffers, duplicate_of: Option<Detail<'_>>) -> Buffers {
        let mut copy = std::mem::take(self.copies);
        copy.clear();
        copy.extend_from_slice(self.batch.contact(&self.batch.spans[i]));
        let buffers = self.alone_as(&copy, i, buffers, duplicate_of);
        *self.copies = copy;
        buffers
    }

    /// The same, with these bytes.
    fn alone_as(&mut self, contact: &[u8], i: usize, buffers: Buffers, duplicate_of: Option<Detail<'_>>) -> Buffers {
        self.cleaned.at = i;
        let span = &self.batch.spans[i];
        let too_large = span.end - span.start > CONTACT_BYTES_MAX;
        let is_line = self.batch.layout != Layout::Array;
        if too_large && is_line {
            self.reject(i, Code::SYN002, None, Raw::Bytes(contact), Detail::None, false);
            return buffers;
        }
        match std::mem::take(self.strict).recycle().read(contact) {
            Err(error) if is_line => self.bad_line(i, contact, error),
            Err(error) => {
                // The span is whole, so nothing was cut off: a word that ends too soon is no value.
                let (at, fault) = match error.fault {
                    Fault::End => (0, Fault::Expected("a contact")),
                    fault => (error.at, fault),
                };
                self.cleaned.stop = Some((i, self.batch.position(i, at), fault));
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
                let mut judge = Validator::new(self.settings, buffers);
                self.judge(i, b"", strict.members(), duplicate_of, &mut judge);
                let buffers = judge.into_buffers();
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
            fault => (Code::SYN001, format!("{fault}, {at}"), fault.help()),
        };
        self.reject(i, code, None, Raw::Bytes(contact), Detail::Cause { what: &what, help }, false);
    }

    /// True for a line that the input ends with: behind any other, at least its line break is there.
    fn is_last(&self, i: usize) -> bool {
        self.batch.spans[i].end == self.batch.base + self.batch.bytes.len() as u64
    }

    /// A contact that is rejected unread.
    fn reject(&mut self, i: usize, code: Code, field: Option<&str>, value: Raw<'_>, detail: Detail<'_>, is_json: bool) {
        let place = self.place(i);
        let severity = Severity::Error;
        let outcome = Outcome::Rejected;
        self.sink(place).take(&Finding { code, severity, outcome, field, value, to: To::None, detail });
        self.done(i, Verdict::default(), None, is_json);
    }

    fn sink(&mut self, place: Place<'w>) -> Sink<'_> {
        Sink {
            wanted: self.wanted,
            place,
            input: self.batch.input,
            report: &mut self.cleaned.report,
            changes: &mut self.cleaned.changes,
            findings: &mut self.cleaned.findings,
            stats: &mut self.cleaned.stats,
            examples: &mut self.cleaned.examples,
        }
    }

    #[inline]
    fn judge<'a>(
        &mut self,
        i: usize,
        bytes: &[u8],
        members: impl Iterator<Item = Member<'a>>,
        duplicate_of: Option<Detail<'a>>,
        judge: &mut Validator<'a, '_>,
    ) {
        self.cleaned.at = i;
        #[cfg(test)]
        tests::panic_if_asked(self.batch.contact(&self.batch.spans[i]));
        // Out of the way of the sink, which has the rest.
        let mut out = std::mem::take(&mut self.cleaned.out);
        let start = out.len();
        if self.separator == Separator::Comma {
            out.push(b',');
        }
        let mut sink = self.sink(self.place(i));
        let (verdict, identity) = judge.contact(bytes, members, duplicate_of, &mut out, &mut sink);
        if !verdict.accepted {
            out.truncate(start);
        }
        self.cleaned.any_custom |= judge.any_custom();
        self.cleaned.out = out;
        self.done(i, verdict, identity, true);
    }

    /// Counts a contact, writes the reject, and marks how far the outputs have come.
    #[inline]
    fn done(&mut self, i: usize, verdict: Verdict, identity: Option<Identity>, is_json: bool) {
        let cleaned = &mut *self.cleaned;
        cleaned.judged = i + 1;
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
            if self.wanted.rejects {
                let contact = self.batch.contact(&self.batch.spans[i]);
                match (is_json, self.batch.layout) {
                    (false, Layout::Objects) => lines::reject_lines(contact, &mut cleaned.rejects),
                    _ => lines::reject(contact, is_json, &mut cleaned.rejects),
                }
            }
        }
        let ends = (cleaned.report.len() as u32, cleaned.changes.len() as u32, cleaned.rejects.len() as u32);
        let before = cleaned.marks.last().map_or((0, 0, 0), |m| (m.report, m.changes, m.rejects));
        if ends != before {
            let (report, changes, rejects) = ends;
            cleaned.marks.push(Mark { contact: i as u32, report, changes, rejects });
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::json::split::Splitter;

    /// A contact that ends with `"PANIC_AGAIN":[]}` was cleaned before.
    pub(crate) static SEEN: AtomicBool = AtomicBool::new(false);

    pub(super) fn panic_if_asked(contact: &[u8]) {
        assert!(!contact.ends_with(b"\"PANIC\":[]}"), "asked for by a test");
        let again = contact.ends_with(b"\"PANIC_AGAIN\":[]}") && SEEN.swap(true, Ordering::Relaxed);
        assert!(!again, "asked for by a test, the second time");
    }

    fn clean(text: &str, layout: Layout) -> Cleaned {
        let mut splitter = Splitter::new(layout, 0, 1, 0);
        let mut spans = Vec::new();
        splitter.feed(text.as_bytes(), &mut spans).unwrap();
        splitter.finish(&mut spans);
        let batch = Batch {
            bytes: text.as_bytes(),
            base: 0,
            line_start: 0,
            spans: &spans,
            first: 0,
            layout,
            input: 0,
            input_name: None,
        };
        let wanted = OutputSelection { report: true, changes: true, rejects: true, ..OutputSelection::default() };
        let mut cleaned = Cleaned::default();
        BatchCleaner::default().clean(&batch, &Settings::default(), &wanted, Separator::Newline, &mut cleaned);
        cleaned
    }

    #[test]
    fn a_batch_of_everything() {
        let lines = concat!(
            "{\"email\":\"a@example.com\"}\n",
            "{\"email\":\"b@example.com\",\"zip\":60609.0}\n",
            "{\"email\":\"c@example.com\"\n",
            "null\n",
            "{\"email\":\"d\"}\n",
            "{\"email\":\"e@example.com\",\"phone_numbers\":[ {} ]}\n",
        );
        let cleaned = clean(lines, Layout::Lines);
        let out = "{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\",\"zip\":\"60609\"}\n{\"email\":\"e@example.com\"}\n";
        assert_eq!(String::from_utf8_lossy(&cleaned.out), out);
        let rejects = "{\"email\":\"c@example.com\"\nnull\n{\"email\":\"d\"}\n";
        assert_eq!(String::from_utf8_lossy(&cleaned.rejects), rejects);
        assert_eq!((cleaned.stats.accepted, cleaned.stats.rejected, cleaned.judged), (3, 3, 6));
        assert_eq!((cleaned.stats.held_back, cleaned.stats.changed), (1, 1));
        assert_eq!(cleaned.accepted.iter().map(|a| a.contact).collect::<Vec<_>>(), [0, 1, 5]);
        assert_eq!(cleaned.marks.iter().map(|m| m.contact).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let codes: Vec<Code> = cleaned.examples.iter().map(|e| e.code).collect();
        assert_eq!(codes, [Code::SYN001, Code::CON001, Code::EML001, Code::CON004]);
    }

    #[test]
    fn broken_syntax_in_an_array_stops_at_the_byte() {
        let text = "{\"email\":\"a@example.com\"},\n {\"email\":NaN},{\"email\":\"b@example.com\"}]";
        let cleaned = clean(text, Layout::Array);
        let (contact, position, fault) = cleaned.stop.unwrap();
        assert_eq!((contact, fault), (1, Fault::NotAValue("NaN")));
        assert_eq!(position, Position { offset: 37, line: 2, column: 11, contact: Some(1) });
        assert_eq!((cleaned.stats.accepted, cleaned.judged), (1, 1));
    }

    #[test]
    fn contacts_over_a_mebibyte_are_rejected_and_counted() {
        let big = format!("{{\"email\":\"a@example.com\",\"cf:x\":\"{}\"}}", "x".repeat(1 << 20));
        for layout in [Layout::Lines, Layout::Array] {
            let text = match layout {
                Layout::Lines | Layout::Objects => format!("{big}\n{{\"email\":\"b@example.com\"}}\n"),
                Layout::Array => format!("{big},{{\"email\":\"b@example.com\"}}]"),
            };
            let cleaned = clean(&text, layout);
            assert_eq!((cleaned.stats.accepted, cleaned.stats.rejected), (1, 1));
            assert_eq!(cleaned.stats.codes[Code::SYN002 as usize], 1);
            assert_eq!(cleaned.rejects.len(), big.len() + 1);
        }
    }

    /// What a batch of contacts, laid out as `layout`, comes to by a cleaner.
    fn clean_by(
        cleaner: &mut BatchCleaner,
        contacts: &[String],
        layout: Layout,
        settings: &Settings,
        separator: Separator,
    ) -> Cleaned {
        let text = match layout {
            Layout::Array => contacts.join(",") + "]",
            Layout::Lines | Layout::Objects => contacts.join("\n") + "\n",
        };
        let mut splitter = Splitter::new(layout, 0, 1, 0);
        let mut spans = Vec::new();
        // Broken contacts may leave the splitter somewhere; what it found before that is what a run would clean.
        let _ = splitter.feed(text.as_bytes(), &mut spans);
        let batch = Batch {
            bytes: text.as_bytes(),
            base: 0,
            line_start: 0,
            spans: &spans,
            first: 0,
            layout,
            input: 0,
            input_name: None,
        };
        let wanted = OutputSelection { report: true, changes: true, rejects: true, ..OutputSelection::default() };
        let mut cleaned = Cleaned::default();
        cleaner.clean(&batch, settings, &wanted, separator, &mut cleaned);
        cleaned
    }

    /// The shortcut and the parser must come to the same, whatever the contacts.
    fn both_ways(contacts: &[String], settings: &Settings) {
        for layout in [Layout::Array, Layout::Lines] {
            for separator in [Separator::Comma, Separator::Newline] {
                let parsed = clean_by(&mut BatchCleaner::without_shortcut(), contacts, layout, settings, separator);
                for choice in crate::simd::Choice::available() {
                    let cleaned =
                        clean_by(&mut BatchCleaner::with_backend(choice), contacts, layout, settings, separator);
                    let show = |c: &Cleaned| {
                        [&c.out, &c.report, &c.changes, &c.rejects]
                            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                    };
                    assert_eq!(show(&cleaned), show(&parsed), "{choice:?} {contacts:?}");
                    assert_eq!(cleaned.accepted, parsed.accepted);
                    assert_eq!(cleaned.marks, parsed.marks);
                    assert_eq!(
                        (&cleaned.stats, &cleaned.stop, cleaned.judged),
                        (&parsed.stats, &parsed.stop, parsed.judged)
                    );
                    assert_eq!(cleaned.examples, parsed.examples);
                    assert!(cleaned.stop.is_some() || cleaned.any_custom == parsed.any_custom);
                }
            }
        }
    }

    /// Contacts of a made-up export, and mutations of them: bytes struck out, doubled, changed, and pieces of other contacts
    /// put in.
    fn mutations(count: u64, seed: u64) -> Vec<String> {
        use crate::sample::{Sample, SampleFormat, write};
        let mut out = Vec::new();
        let sample = Sample { contacts: count, seed, mess: 20.0, format: SampleFormat::Ndjson };
        write(&sample, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut state = seed | 1;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 33) as usize % below.max(1)
        };
        let pieces = [
            "\"",
            "\\",
            " ",
            "  ",
            "\u{a0}",
            "é",
            "e\u{301}",
            "\t",
            "\u{7f}",
            ",",
            ":",
            "{",
            "}",
            "0",
            "1",
            "-",
            "@",
            ".",
            "\"x\":1",
            "null",
            "\"email\":\"a@b.co\",",
            "\"phone\":\"508-123-1235\",",
            "\"phone\":\"030-007-4321\",",
            "\"sms_number\":\"0300074321\",",
            "\"country\":\"Uganda\",",
            "\"work_country\":\"Canada\",",
            "\"zip\":\"2139.0\",",
            "\"home_zip\":2.139E3,",
            "\"cf:Points\":1e3,",
            "\"cf:Shirt Size\":\"M\",",
            "\"anniversary\":\"2015-07-04T00:00:00Z\",",
            ".0",
            "E3",
            "0",
            "\\u0000",
            "\u{9b}",
            ">",
            "\"street2\":\"x\",",
            "\"home_city\":\"y\",",
            "\\u0041",
            "xn--",
            "[1]",
        ];
        text.lines()
            .map(|line| {
                let mut chars: Vec<char> = line.chars().collect();
                for _ in 0..[0, 0, 1, 1, 2, 3][random(6)] {
                    if chars.is_empty() {
                        break;
                    }
                    let at = random(chars.len());
                    match random(5) {
                        0 => drop(chars.remove(at)),
                        1 => chars.insert(at, chars[at]),
                        2 => {
                            chars[at] =
                                char::from_u32(chars[at] as u32 ^ 1 << random(7)).filter(|c| *c != '\n').unwrap_or('x')
                        }
                        _ => {
                            let piece: Vec<char> = pieces[random(pieces.len())].chars().collect();
                            chars.splice(at..at, piece);
                        }
                    }
                }
                chars.into_iter().filter(|c| *c != '\n').collect()
            })
            .collect()
    }

    fn differential(batches: u64) {
        for batch in 0..batches {
            let contacts = mutations(40, batch + 1);
            let settings = Settings {
                sms_explicit: batch % 2 == 0,
                truncate: batch % 3 == 0,
                nanp: batch % 5 == 0,
                phone_format: if batch % 7 == 0 { crate::rules::PhoneFormat::Digits } else { Default::default() },
                bad_field: if batch % 11 == 0 { crate::rules::BadField::Reject } else { Default::default() },
                custom_fields: (batch % 13 == 0).then(|| {
                    let mut fields: crate::rules::custom::Fields = ["Source", "Points"].into_iter().collect();
                    fields.add(["Loyalty Tier", "Shirt Size"]);
                    fields
                }),
                contact_bytes_max: if batch % 17 == 0 { 250 } else { usize::MAX },
                as_of: crate::rules::date::Date { year: 2023, month: 6, day: 1 },
                ..Settings::default()
            };
            both_ways(&contacts, &settings);
        }
    }

    #[test]
    fn both_ways_agree_on_ten_thousand_contacts() {
        differential(250);
    }

    #[test]
    #[ignore = "takes minutes: cargo test --release -- --ignored millions"]
    fn both_ways_agree_on_millions_of_contacts() {
        differential(50_000);
    }

    #[test]
    fn contacts_that_are_not_clean_as_a_whole_need_no_parser() {
        for contact in [
            r#"{"email":"Joe@EXAMPLE.com","first_name":"Ann"}"#,
            r#"{"email":"a@b.co","id":"7"}"#,
            r#"{"email":"a@b.co","city":"x","city":"y"}"#,
            r#"{"email":"a@b.co","street2":"x"}"#,
            r#"{"email":"a@b.co","sms_consent_date":"2024-07-03"}"#,
            r#"{"email":"a@b.co","cf:a":"x","cf:a":"x"}"#,
            r#"{"email":"a@b.co","zip":-0.5e3,"tags":[{"a":"b"},"c"],"city":"Zürich"}"#,
            r#"{"first_name":"x"}"#,
        ] {
            let contacts = vec![contact.to_owned(); 3];
            let mut cleaner = BatchCleaner::default();
            clean_by(&mut cleaner, &contacts, Layout::Lines, &Settings::default(), Separator::Newline);
            assert_eq!(cleaner.canonical.plain.len(), 3, "{contact}");
            both_ways(&contacts, &Settings::default());
        }
    }

    #[test]
    fn most_messy_contacts_need_no_parser() {
        let settings = Settings::default();
        let contacts: Vec<String> = (0..100)
            .map(|i| format!(r#"{{"email":"a{i}@b.co","first_name":" x","phone":"1-508-123-1235","zip":{}}}"#, i + 1))
            .collect();
        let mut cleaner = BatchCleaner::default();
        let cleaned = clean_by(&mut cleaner, &contacts, Layout::Lines, &settings, Separator::Newline);
        assert_eq!((cleaned.stats.accepted, cleaner.canonical.plain.len()), (100, 100));
        let first = cleaned.out.split(|byte| *byte == b'\n').next().unwrap();
        let expected = r#"{"email":"a0@b.co","first_name":"x","phone":"508-123-1235","zip":"1"}"#;
        assert_eq!(String::from_utf8_lossy(first), expected);
    }

    #[test]
    fn the_shortcut_takes_the_clean_contacts_of_an_export() {
        use crate::sample::{Sample, SampleFormat, write};
        let mut out = Vec::new();
        write(&Sample { contacts: 2000, seed: 3, mess: 0.0, format: SampleFormat::Ndjson }, &mut out).unwrap();
        let contacts: Vec<String> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
        let settings = Settings { sms_explicit: true, ..Settings::default() };
        let mut cleaner = BatchCleaner::default();
        let cleaned = clean_by(&mut cleaner, &contacts, Layout::Lines, &settings, Separator::Newline);
        assert_eq!(cleaned.stats.accepted, 2000);
        let taken = cleaner.canonical.verdicts.iter().filter(|v| **v > crate::clean::fast_path::PLAIN).count();
        // Escapes and rarer addresses are left to the parser.
        assert!(taken > 1900, "{taken} of 2000");
    }
}
