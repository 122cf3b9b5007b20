//! The writer: takes cleaned batches in input order, finds duplicates, and sends every byte to its output. One thread at a time is
//! the writer.
//!
//! Long because what the writer adds up, and in which order, is one subject.

use crate::clean::cleaner::{BatchCleaner, Cleaned, OutputSelection, Separator, Stats, example};
use crate::clean::table_rejects::Noted;
use crate::csv::Cells;

use crate::clean::batch::Batch;
use crate::clean::causes::Causes;
use crate::clean::lines::{self, InputLabel, Place};
use crate::clean::mapped::{LateName, count_name};
use crate::clean::profile::Profile;
use crate::document::envelope::{EnvelopeFinding, FindingValue};
use crate::json::parse::raw_value;
use crate::model::error::{Error, Kind, Result};
use crate::model::finding::{Code, Detail, Example, Finding, Outcome, Raw, Severity, To};
use crate::model::member::Value;
use crate::model::position::Position;
use crate::output::file::Output;
use crate::output::receipt::Dropped;
use crate::rules::{Duplicates, Effect, Settings, rule};
pub use crate::run::contacts::ContactOutput;
use crate::run::duplicates::{DuplicateIndex, Lookup};
use crate::run::names::InputNames;
use crate::run::reader::Long;
use crate::source::Watch;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Findings that `check` lists in full.
pub const LISTED: usize = 20;

/// Findings of each code that a run with statistics keeps.
pub const KEPT: u8 = 200;

/// Whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// Go on.
    Yes,
    /// Broken input, or a full body: the run ends here.
    No,
}

/// A contact seen before.
#[derive(Debug, Clone, Copy)]
struct Duplicate {
    /// Index among the accepted contacts of its batch.
    accepted: usize,
    /// Index in the batch.
    contact: usize,
    /// Index of the first, in the run.
    first: u64,
}

/// The writer's files and counts. See the [module](self).
pub struct Writer<'j> {
    /// The settings of the rules, as the workers have them: under `not_set`, and under `explicit`.
    pub settings: &'j [Settings; 2],
    /// What to write beside the contacts.
    pub selection: &'j OutputSelection,
    /// Where contacts go.
    pub contacts: ContactOutput<'j>,
    /// The report.
    pub report: Option<Output<'j>>,
    /// The ledger.
    pub changes: Option<Output<'j>>,
    /// The rejects.
    pub rejects: Option<Output<'j>>,
    /// Names of the inputs, where there are several.
    pub names: &'j InputNames,
    /// Detect changes of the inputs; `None` for those that are no files.
    pub watches: Vec<Option<Arc<Watch>>>,
    /// Bytes of all inputs, where that is known.
    pub bytes_total: Option<u64>,
    /// Bytes of the inputs that are done.
    bytes_done: u64,
    /// The input that the last batch was of, and where that ended.
    pub reached: (usize, u64),
    seen: DuplicateIndex,
    cleaner: BatchCleaner,
    spare: [Cleaned; 2],
    /// Index in the run of the first contact of each input so far.
    pub starts: Vec<u64>,
    /// The counts of the workers.
    pub stats: Stats,
    /// What rejects contacts and holds values back.
    pub causes: Causes,
    /// Statistics, if the run asks for them.
    pub profile: Option<Profile>,
    /// The first findings of each code, if the run asks for statistics; errors and warnings only.
    pub kept: Vec<Example>,
    /// How many of each there are.
    kept_of: [u8; Code::COUNT],
    /// Some contact had a custom field.
    pub any_custom: bool,
    /// Values under names that the first records of an input do not have, by input.
    pub late_names: Vec<Vec<LateName>>,
    /// Names that are none of the contract, of a contact that was rejected for want of an address.
    pub unknown_names: Vec<String>,
    /// Contacts in the batches so far.
    pub judged: u64,
    /// Contacts written.
    pub written: u64,
    /// Lines written to the rejects.
    pub reject_lines: u64,
    /// Contacts seen before.
    pub duplicates: u64,
    /// What did not fit in the body.
    pub dropped: Option<Dropped>,
    /// What ended the run early, and the index of the input.
    pub stop: Option<(usize, Error)>,
    /// The first finding of each code, in input order.
    pub examples: Vec<Example>,
    /// The first findings, for `check`.
    pub listed: Vec<Example>,
}

impl<'j> Writer<'j> {
    /// A writer that has written nothing.
    #[must_use]
    pub fn new(
        settings: &'j [Settings; 2],
        selection: &'j OutputSelection,
        names: &'j InputNames,
        contacts: ContactOutput<'j>,
    ) -> Self {
        Writer {
            settings,
            selection,
            contacts,
            report: None,
            changes: None,
            rejects: None,
            names,
            watches: Vec::new(),
            bytes_total: None,
            bytes_done: 0,
            reached: (0, 0),
            seen: DuplicateIndex::default(),
            cleaner: BatchCleaner::default(),
            spare: Default::default(),
            starts: Vec::new(),
            stats: Stats::default(),
            causes: Causes::default(),
            profile: selection.statistics.then(|| Profile::new(selection.redactor.is_none())),
            kept: Vec::new(),
            kept_of: [0; Code::COUNT],
            any_custom: false,
            late_names: Vec::new(),
            unknown_names: Vec::new(),
            judged: 0,
            written: 0,
            reject_lines: 0,
            duplicates: 0,
            dropped: None,
            stop: None,
            examples: Vec::new(),
            listed: Vec::new(),
        }
    }

    /// Writes findings about the envelope of an input.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write_envelope_findings(&mut self, input: usize, findings: &[EnvelopeFinding]) -> Result<()> {
        for found in findings {
            let finding = finding_of(found);
            let Position { offset, line, .. } = found.position;
            let offset = self.selection.offset(input, offset);
            let place = Place { input: self.label(input), contact: None, offset, line, column: None };
            self.stats.codes[finding.code as usize] += 1;
            let mut line = Vec::new();
            lines::line(&place, &finding, self.selection.redactor.as_ref(), &mut line);
            let file = match finding.severity {
                Severity::Change => &mut self.changes,
                _ => {
                    self.example(example(input, &place, &finding, self.selection));
                    &mut self.report
                }
            };
            if let Some(file) = file {
                file.write(&line)?;
            }
        }
        Ok(())
    }

    fn label(&self, input: usize) -> Option<InputLabel<'j>> {
        self.names.label(input)
    }

    /// Whether a finding of this code is one that the run keeps, beside the first.
    fn is_shown(&self, code: Code) -> bool {
        let is_kept = self.selection.statistics && self.kept_of[code as usize] < KEPT;
        is_kept || self.listed.len() < LISTED
    }

    fn example(&mut self, example: Example) {
        let kept = &mut self.kept_of[example.code as usize];
        if self.selection.statistics && *kept < KEPT {
            *kept += 1;
            if *kept == KEPT {
                self.selection.saturated.set(example.code);
            }
            self.kept.push(example.clone());
        }
        if self.examples.iter().all(|known| known.code != example.code) {
            self.selection.known.set(example.code);
            self.examples.push(example.clone());
        }
        if self.listed.len() < LISTED {
            self.listed.push(example);
            if self.listed.len() == LISTED {
                self.selection.listed.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Rejects a contact that is too long to hold.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn long(&mut self, input: usize, long: &mut Long) -> Result<()> {
        self.begin_input(input);
        if let Some(profile) = &mut self.profile {
            profile.add_rejected(self.judged);
        }
        self.judged += 1;
        self.stats.rejected += 1;
        self.stats.rejecting[Code::SYN002 as usize] += 1;
        self.causes.add_rejected(Code::SYN002);
        let count = &mut self.stats.codes[Code::SYN002 as usize];
        *count += 1;
        let is_first = *count == 1;
        let place = Place {
            input: self.label(input),
            contact: Some(long.contact),
            offset: self.selection.offset(input, long.span.start),
            line: long.span.line,
            column: None,
        };
        let size = long.size();
        let finding = long.finding(&size);
        if is_first || self.is_shown(Code::SYN002) {
            self.example(example(input, &place, &finding, self.selection));
        }
        let mut noted = Noted::default();
        noted.add(&finding, None);
        if let Some(report) = &mut self.report {
            let mut line = Vec::new();
            lines::line(&place, &finding, self.selection.redactor.as_ref(), &mut line);
            report.write(&line)?;
        }
        if let (Some(rejects), Some(file)) = (&mut self.rejects, &mut long.file) {
            if let Some(table) = &self.selection.table {
                let mut own = Vec::new();
                table.own_cells(&[], input, long.span.line, &noted, &Cells::default(), &mut own);
                rejects.write(&own)?;
            }
            let mut block = vec![0; 64 << 10];
            loop {
                match file.read(&mut block).map_err(|error| Error::io("read", "a temporary file", error))? {
                    0 => break,
                    n => rejects.write(&block[..n])?,
                }
            }
            rejects.write(b"\n")?;
            self.reject_lines += 1;
        }
        Ok(())
    }

    /// Writes buffered output that can be read before the end: the input pauses.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn pause(&mut self) -> Result<()> {
        if let ContactOutput::Stream(output) = &mut self.contacts {
            output.pass_on()?;
        }
        [&mut self.report, &mut self.changes, &mut self.rejects].into_iter().flatten().try_for_each(Output::pass_on)
    }

    /// Notes where the contacts of an input, and of those before it, begin in the run.
    fn begin_input(&mut self, input: usize) {
        while self.starts.len() <= input {
            self.starts.push(self.judged);
        }
    }

    /// Writes one batch.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn batch(&mut self, batch: &Batch<'_>, explicit: bool, cleaned: &mut Cleaned) -> Result<More> {
        self.begin_input(batch.input);
        if let Err(error) = self.reach(batch) {
            self.stop = Some((self.reached.0, error));
            return Ok(More::No);
        }
        self.expect_contacts(batch);
        let mut duplicates = self.find_duplicates(batch, cleaned)?;
        let Some(cut) = self.write_contacts(batch, cleaned, &duplicates)? else {
            self.findings(batch, explicit, cleaned, &duplicates)?;
            self.judged += cleaned.checked as u64;
            if let Some((_, position, fault)) = cleaned.stop {
                let input = self.names[batch.input].clone();
                self.stop = Some((batch.input, Kind::Syntax { input, position, fault }.into()));
                return Ok(More::No);
            }
            return Ok(More::Yes);
        };
        // The body is full. Findings must end before the contact that did not fit, so the contacts before it are cleaned again, by
        // themselves.
        let before = Batch { spans: &batch.spans[..cut], ..*batch };
        let mut again = std::mem::take(&mut self.spare[0]);
        let settings = &self.settings[usize::from(explicit)];
        let (wanted, separator) = (self.selection, self.contacts.separator());
        self.cleaner.guarded(&before, &self.names[batch.input], &mut again, |cleaner, again| {
            cleaner.clean(&before, settings, wanted, separator, again);
        })?;
        duplicates.retain(|duplicate| duplicate.contact < cut);
        self.findings(&before, explicit, &mut again, &duplicates)?;
        self.judged += again.checked as u64;
        self.spare[0] = again;
        self.dropped = Some(Dropped {
            first_contact: Some(batch.first + cut as u64),
            at_byte: batch.spans[cut].start,
            bytes: None,
        });
        Ok(More::No)
    }

    /// Notes how far the inputs were written. An input that is done must not have changed.
    fn reach(&mut self, batch: &Batch<'_>) -> Result<()> {
        if self.reached.0 != batch.input {
            self.check_unchanged()?;
            self.bytes_done += self.reached.1;
            self.reached = (batch.input, 0);
        }
        if let Some(last) = batch.spans.last() {
            self.reached.1 = last.end;
        }
        Ok(())
    }

    /// Checks that the current input has not changed.
    ///
    /// # Errors
    /// It has.
    pub fn check_unchanged(&self) -> Result<()> {
        self.watches.get(self.reached.0).and_then(Option::as_deref).map_or(Ok(()), Watch::check)
    }

    /// Estimates the number of all contacts, from those so far and their bytes.
    fn expect_contacts(&mut self, batch: &Batch<'_>) {
        let Some(total) = self.bytes_total else { return };
        let contacts = self.judged + batch.spans.len() as u64;
        let bytes = (self.bytes_done + self.reached.1).max(1);
        self.seen.expect_in_all((contacts as f64 / bytes as f64 * total as f64) as u64);
    }

    fn find_duplicates(&mut self, batch: &Batch<'_>, cleaned: &Cleaned) -> Result<Vec<Duplicate>> {
        let mut duplicates = Vec::new();
        /// Contacts between the prefetched one and the one that is looked up.
        const AHEAD: usize = 16;
        for accepted in cleaned.accepted.iter().take(AHEAD) {
            self.seen.expect(accepted.identity);
        }
        for (i, accepted) in cleaned.accepted.iter().enumerate() {
            if let Some(ahead) = cleaned.accepted.get(i + AHEAD) {
                self.seen.expect(ahead.identity);
            }
            let index = self.judged + u64::from(accepted.contact);
            let lookup = self.seen.insert(accepted.identity, index);
            match lookup.map_err(|error| Error::io("find memory for", "the table of contacts seen", error))? {
                Lookup::New => {}
                Lookup::Before(first) => {
                    duplicates.push(Duplicate { accepted: i, contact: accepted.contact as usize, first });
                }
            }
        }
        debug_assert!(batch.spans.len() >= cleaned.checked);
        Ok(duplicates)
    }

    /// Writes the accepted contacts, without those that are rejected as duplicates. Returns the index in the batch of
    /// the first contact that did not fit.
    fn write_contacts(
        &mut self,
        batch: &Batch<'_>,
        cleaned: &mut Cleaned,
        duplicates: &[Duplicate],
    ) -> Result<Option<usize>> {
        let skipped: &[Duplicate] = match self.settings[0].duplicates {
            Duplicates::Keep => &[],
            Duplicates::First => duplicates,
        };
        let end_of = |i: usize| if i == 0 { 0 } else { cleaned.accepted[i - 1].end as usize };
        let mut from = 0;
        let ends = skipped.iter().map(|duplicate| duplicate.accepted).chain([cleaned.accepted.len()]);
        for to in ends {
            let some = &cleaned.accepted[from..to];
            let watch = self.watches.get(self.reached.0).and_then(Option::as_deref);
            let taken = self.contacts.take(&mut cleaned.out, end_of(from), some, batch, watch)?;
            self.written += taken as u64;
            if taken < some.len() {
                return Ok(Some(some[taken].contact as usize));
            }
            from = to + 1;
        }
        Ok(None)
    }

    /// Counts a batch and writes its findings.
    fn findings(
        &mut self,
        batch: &Batch<'_>,
        explicit: bool,
        cleaned: &mut Cleaned,
        duplicates: &[Duplicate],
    ) -> Result<()> {
        self.stats.add(&cleaned.stats);
        self.causes.add(&mut cleaned.causes);
        if let Some(profile) = &mut self.profile {
            profile.add(&cleaned.profile, self.judged);
        }
        self.any_custom |= cleaned.any_custom;
        if !cleaned.late_names.is_empty() {
            self.late_names.resize(self.late_names.len().max(batch.input + 1), Vec::new());
            for (name, count) in cleaned.late_names.drain(..) {
                count_name(&mut self.late_names[batch.input], name, count);
            }
        }
        for name in cleaned.unknown_names.drain(..) {
            if !self.unknown_names.contains(&name) {
                self.unknown_names.push(name);
            }
        }
        // In input order: a duplicate's finding may be the first of its code.
        let mut examples = std::mem::take(&mut cleaned.examples).into_iter().peekable();
        // Bytes of the report, the ledger and the rejects that are written.
        let mut done = [0, 0, 0];
        for duplicate in duplicates {
            let contact = batch.first + duplicate.contact as u64;
            while let Some(example) = examples.next_if(|example| example.contact <= Some(contact)) {
                self.example(example);
            }
            self.duplicates += 1;
            let (start, end) = marks(cleaned, duplicate.contact);
            let first = self.first(duplicate.first);
            if self.settings[0].duplicates == Duplicates::Keep {
                self.write_range(cleaned, done, Some(end))?;
                self.keep_duplicate(batch, duplicate.contact, first)?;
            } else {
                self.write_range(cleaned, done, Some(start))?;
                self.reject_duplicate(batch, explicit, duplicate.contact, first)?;
            }
            done = end;
        }
        for example in examples {
            self.example(example);
        }
        self.write_range(cleaned, done, None)
    }

    fn first(&self, index: u64) -> Detail<'j> {
        let input = self.starts.partition_point(|start| *start <= index).saturating_sub(1);
        let name = (self.names.len() > 1).then(|| self.names[input].as_str());
        Detail::First { input: name, contact: index - self.starts[input] }
    }

    /// Writes a range of report, ledger and rejects of a batch. Without `to`, writes to the end and replaces the buffers by empty ones.
    fn write_range(&mut self, cleaned: &mut Cleaned, from: [usize; 3], to: Option<[usize; 3]>) -> Result<()> {
        let told = [&mut cleaned.report, &mut cleaned.changes, &mut cleaned.rejects];
        let files = [&mut self.report, &mut self.changes, &mut self.rejects];
        for (i, (told, file)) in told.into_iter().zip(files).enumerate() {
            let bytes = &told[from[i]..to.map_or(told.len(), |to| to[i])];
            if i == 2 {
                self.reject_lines += match &self.selection.table {
                    Some(table) => table.count(bytes),
                    None => memchr::memchr_iter(b'\n', bytes).count() as u64,
                };
            }
            if let Some(file) = file
                && !bytes.is_empty()
            {
                if to.is_none() { file.give(told, from[i])? } else { file.write(bytes)? }
            }
        }
        Ok(())
    }

    fn keep_duplicate(&mut self, batch: &Batch<'_>, i: usize, detail: Detail<'j>) -> Result<()> {
        let span = &batch.spans[i];
        let place = Place {
            input: self.label(batch.input),
            contact: Some(batch.first + i as u64),
            offset: batch.offset(span),
            line: span.line,
            column: None,
        };
        let finding = kept_duplicate(detail);
        self.stats.codes[Code::DUP001 as usize] += 1;
        if self.stats.codes[Code::DUP001 as usize] == 1 || self.is_shown(Code::DUP001) {
            self.example(example(batch.input, &place, &finding, self.selection));
        }
        let mut noted = Noted::default();
        noted.add(&finding, None);
        if let Some(report) = &mut self.report {
            let mut line = Vec::new();
            lines::line(&place, &finding, self.selection.redactor.as_ref(), &mut line);
            report.write(&line)?;
        }
        Ok(())
    }

    /// Reverts the counts of an accepted contact, and reports it as rejected.
    fn reject_duplicate(&mut self, batch: &Batch<'_>, explicit: bool, i: usize, detail: Detail<'j>) -> Result<()> {
        let settings = &self.settings[usize::from(explicit)];
        let [mut accepted, mut rejected] = std::mem::take(&mut self.spare);
        let alone = Batch { spans: &batch.spans[i..=i], first: batch.first + i as u64, ..*batch };
        let (wanted, name) = (self.selection, &self.names[batch.input]);
        self.cleaner.guarded(&alone, name, &mut accepted, |cleaner, accepted| {
            cleaner.clean(&alone, settings, wanted, Separator::Newline, accepted);
        })?;
        self.cleaner.guarded(&alone, name, &mut rejected, |cleaner, rejected| {
            cleaner.reject_duplicate(&alone, 0, detail, settings, wanted, rejected);
        })?;
        self.stats.subtract(&accepted.stats);
        self.stats.add(&rejected.stats);
        self.causes.subtract(&mut accepted.causes);
        self.causes.add(&mut rejected.causes);
        if let Some(profile) = &mut self.profile {
            profile.replace(self.judged + i as u64, &accepted.profile, &rejected.profile);
        }
        for example in rejected.examples.drain(..) {
            self.example(example);
        }
        self.write_range(&mut rejected, [0; 3], None)?;
        self.spare = [accepted, rejected];
        Ok(())
    }
}

/// The finding about a contact that came before, and is written all the same.
pub(crate) fn kept_duplicate(first: Detail<'_>) -> Finding<'_> {
    Finding {
        code: Code::DUP001,
        severity: Severity::Warning,
        outcome: Outcome::Kept,
        field: None,
        value: Raw::Nothing,
        to: To::None,
        detail: first,
    }
}

/// A finding about an envelope, by its rule.
pub(crate) fn finding_of(found: &EnvelopeFinding) -> Finding<'_> {
    let rule = rule(found.code);
    Finding {
        code: found.code,
        severity: rule.severity,
        outcome: match (rule.severity, rule.effect) {
            (Severity::Change, _) => Outcome::Changed,
            (_, Effect::Keeps) => Outcome::Kept,
            _ => Outcome::HeldBack,
        },
        field: Some(&*found.field).filter(|field| !field.is_empty()),
        value: match &found.value {
            Some(FindingValue::Text(text)) => Raw::Value(Value::String(text)),
            Some(FindingValue::Json(json)) => Raw::Value(raw_value(json)),
            None => Raw::Nothing,
        },
        to: match (&found.to, rule.severity) {
            (Some(to), _) => To::Text(to),
            (None, Severity::Change) => To::LeftOut,
            (None, _) => To::None,
        },
        detail: Detail::None,
    }
}

/// The range of contact `i` of a batch in report, ledger and rejects.
fn marks(cleaned: &Cleaned, i: usize) -> ([usize; 3], [usize; 3]) {
    let ends = |m: &crate::clean::cleaner::Mark| [m.report as usize, m.changes as usize, m.rejects as usize];
    let at = cleaned.marks.partition_point(|mark| (mark.contact as usize) < i);
    let start = if at == 0 { [0; 3] } else { ends(&cleaned.marks[at - 1]) };
    let own = cleaned.marks.get(at).filter(|mark| mark.contact as usize == i);
    (start, own.map_or(start, ends))
}
