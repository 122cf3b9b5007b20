//! Contacts under other names: each record of a batch is rewritten under the contract's own names first, and the rest of the
//! cleaning, fast path included, reads what was written.
//!
//! A record that is no JSON object is left as it is, so that the rules report it. Findings have the place of the record in the
//! input, and what the rewriting found itself (values that were split or held back, people who opted out) is handed over as
//! [`Note`]s.

mod direct;
mod gate;
mod late_names;
mod reader;
mod rows;

use crate::clean::batch::Batch;
use crate::clean::fast_path::PADDING;
use crate::clean::flatten::LeafKind;
use crate::clean::table_rejects::own_columns;
use crate::clean::validator::Note;
use crate::csv::Table;
use crate::json::pointer::Pointer;
use crate::json::split::{Layout, Span};
use crate::json::write::{close_object, json_string};
use crate::mapping::{
    Column, HeldReason, How, Late, Mapping, Meaning, Permission, PermissionColumn, Piece, SplitKind, Target,
};
use crate::model::finding::{Code, Outcome, Severity};
use crate::model::member::{Family, MemberId};
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::rules::{OptedOut, Settings};
use crate::simd::Choice;
use crate::vcard::{CardReader, NotText};
use direct::Direct;
pub use late_names::{LATE_NAMES_MAX, LateName, count_name};
use reader::{Cell, RecordReader, Unread};
use rows::Rows;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// How the records of an input become contacts.
#[derive(Debug, Clone)]
pub struct InputMapping {
    /// What each name becomes.
    pub mapping: Mapping,
    /// The object within each record that is the contact.
    pub contact: Option<Pointer>,
    /// The form of the table, if the records are its rows.
    pub table: Option<Arc<Table>>,
    /// The records are vCards.
    pub is_cards: bool,
}

/// A note about a contact, by ranges of the translator's text.
#[derive(Debug)]
struct PendingNote {
    contact: u32,
    code: Code,
    severity: Severity,
    outcome: Outcome,
    field: Option<Range<usize>>,
    value: Range<usize>,
    to: Option<Range<usize>>,
}

/// What rewrites the records that need no more than other names.
// There is one for each worker.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum OnePass {
    Records(Direct),
    Rows(Rows),
}

impl OnePass {
    fn new(input: &InputMapping, choice: Choice) -> Option<OnePass> {
        match &input.table {
            None if input.is_cards => None,
            Some(table) => Some(OnePass::Rows(Rows::new(input, table, choice))),
            None => Direct::new(input, choice).map(OnePass::Records),
        }
    }

    /// Appends the records from `first` on, a line each, up to the first that needs another look. Returns how many it wrote.
    fn write(&mut self, batch: &Batch<'_>, first: usize, out: &mut Vec<u8>, spans: &mut Vec<Span>) -> usize {
        match self {
            OnePass::Records(direct) => direct.write(batch, first, out, spans),
            OnePass::Rows(rows) => rows.write(batch, first, out, spans),
        }
    }
}

/// Rewrites the contacts of batches. It keeps its buffers.
#[derive(Debug)]
pub struct Translator {
    out: Vec<u8>,
    spans: Vec<Span>,
    notes: Vec<PendingNote>,
    texts: String,
    late: Late,
    /// The input whose names they are.
    late_of: Option<usize>,
    opted_out: OptedOut,
    late_names: Vec<LateName>,
    one_pass: Option<OnePass>,
    /// Of rows that were rejected before, the columns with the input and the line of the first time.
    origin: Option<(usize, usize)>,
    record: RecordReader,
    cards: CardReader,
    /// A card as JSON.
    card: Vec<u8>,
    /// What rewrites records the direct way. None for tests that compare both ways: every record is read to cells.
    choice: Option<Choice>,
}

impl Default for Translator {
    fn default() -> Self {
        Translator::with_backend(Some(Choice::best()))
    }
}

impl Translator {
    fn with_backend(choice: Option<Choice>) -> Self {
        Translator {
            out: Vec::new(),
            spans: Vec::new(),
            notes: Vec::new(),
            texts: String::new(),
            late: Late::default(),
            late_of: None,
            opted_out: OptedOut::default(),
            late_names: Vec::new(),
            one_pass: None,
            origin: None,
            record: RecordReader::default(),
            cards: CardReader::default(),
            card: Vec::new(),
            choice,
        }
    }

    /// Rewrites the contacts of a batch.
    pub fn translate(&mut self, batch: &Batch<'_>, input: &InputMapping, settings: &Settings) {
        self.opted_out = settings.opted_out;
        self.record.mapped.date_order = settings.date_order;
        self.out.clear();
        self.spans.clear();
        self.notes.clear();
        self.texts.clear();
        self.late_names.clear();
        if self.late_of != Some(batch.input) {
            self.late_of = Some(batch.input);
            self.late = Late::default();
            self.one_pass = self.choice.and_then(|choice| OnePass::new(input, choice));
            let own = input.table.as_ref().map(|table| own_columns(table));
            self.origin = own.and_then(|[name, line, ..]| name.zip(line));
        }
        let mut one_pass = self.one_pass.take();
        let mut i = 0;
        loop {
            if let Some(one_pass) = &mut one_pass {
                i += one_pass.write(batch, i, &mut self.out, &mut self.spans);
            }
            let Some(span) = batch.spans.get(i) else { break };
            let start = self.out.len();
            self.write_thoroughly(i as u32, span, batch.contact(span), input);
            let end = self.out.len();
            self.out.push(b'\n');
            let whole = span.whole || input.is_cards;
            self.spans.push(Span { start: start as u64, end: end as u64, whole, ..*span });
            i += 1;
        }
        self.one_pass = one_pass;
        self.out.resize(self.out.len() + PADDING, 0);
    }

    /// Writes a record by its cells. What cannot be read stays as it is, for the rules to report.
    fn write_thoroughly(&mut self, contact: u32, span: &Span, bytes: &[u8], input: &InputMapping) {
        if input.is_cards {
            return self.write_card(contact, span, bytes, input);
        }
        let start = self.out.len();
        let is_candidate = span.whole && bytes.len() as u64 <= CONTACT_BYTES_MAX;
        let is_written = is_candidate
            && match std::str::from_utf8(bytes) {
                Ok(record) => self.rewrite(contact, record, input),
                Err(error) if input.table.is_some() => {
                    self.out.extend_from_slice(b"{}");
                    let at = format!("byte {} of the row", error.valid_up_to());
                    self.note(contact, Code::TAB002, Severity::Error, Outcome::Rejected, None, &at, None);
                    true
                }
                Err(_) => false,
            };
        if !is_written {
            self.out.truncate(start);
            self.out.extend_from_slice(bytes);
        }
    }

    /// Writes a vCard by its properties. One that cannot be read is rejected here.
    fn write_card(&mut self, contact: u32, span: &Span, bytes: &[u8], input: &InputMapping) {
        let mut card = std::mem::take(&mut self.card);
        card.clear();
        let reject = match self.cards.json(bytes, &mut card) {
            _ if !span.whole => Some(Code::TAB003),
            Err(NotText) => Some(Code::TAB004),
            Ok(()) => None,
        };
        match (reject, std::str::from_utf8(&card)) {
            (None, Ok(record)) => {
                self.rewrite(contact, record, input);
            }
            (code, _) => {
                self.out.extend_from_slice(b"{}");
                let value = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
                let code = code.unwrap_or(Code::TAB004);
                self.note(contact, code, Severity::Error, Outcome::Rejected, None, &value, None);
            }
        }
        self.card = card;
    }

    /// The batch as it was rewritten.
    #[must_use]
    pub fn batch<'b>(&'b self, batch: &Batch<'b>) -> Batch<'b> {
        Batch {
            bytes: &self.out,
            base: 0,
            line_start: 0,
            spans: &self.spans,
            layout: Layout::Lines,
            has_gaps: false,
            mapping: None,
            ..*batch
        }
    }

    /// Whether there are notes about a contact.
    #[must_use]
    pub fn has_notes(&self, contact: usize) -> bool {
        self.notes.binary_search_by_key(&(contact as u32), |note| note.contact).is_ok()
    }

    /// The contacts that have notes, some of them several times.
    pub fn noted(&self) -> impl Iterator<Item = usize> {
        self.notes.iter().map(|note| note.contact as usize)
    }

    /// The notes about a contact.
    pub fn notes(&self, contact: usize) -> impl Iterator<Item = Note<'_>> + Clone {
        let first = self.notes.partition_point(|note| (note.contact as usize) < contact);
        let of_contact = self.notes[first..].iter().take_while(move |note| note.contact as usize == contact);
        of_contact.map(|note| Note {
            code: note.code,
            severity: note.severity,
            outcome: note.outcome,
            field: note.field.clone().map(|range| &self.texts[range]),
            value: &self.texts[note.value.clone()],
            to: note.to.clone().map(|range| &self.texts[range]),
        })
    }

    /// Values under late names that are not in the output.
    #[must_use]
    pub fn late_names(&self) -> &[LateName] {
        &self.late_names
    }

    /// The column that `field` of a contact came from. The record is read again, because few contacts have findings.
    #[must_use]
    pub fn column_of(record: &[u8], field: &str, code: Code, input: &InputMapping) -> Option<String> {
        let mut card = Vec::new();
        if input.is_cards {
            CardReader::default().json(record, &mut card).ok()?;
        }
        let record = std::str::from_utf8(if input.is_cards { &card } else { record }).ok()?;
        let (mut reader, mut late) = (RecordReader::default(), Late::default());
        reader.read(record, input, &mut late).ok()?;
        let column = |index| input.mapping.column(late.columns(), index);
        let name_of = |index| column(index).map(|column| column.name.clone());
        let member = reader.mapped.members.iter().find(|member| match member.id {
            MemberId::Custom => {
                matches!(column(member.column), Some(Column { target: Target::Custom(name), .. }) if name == field)
            }
            id => id.info().name == field,
        });
        let held = || reader.mapped.held.iter().find(|held| held.member.info().name == field).map(|held| held.column);
        let cell = || {
            let is_named = |cell: &&Cell| {
                column(cell.column).is_some_and(|column| column.name == field || target_name(column) == Some(field))
            };
            reader.cells.iter().find(is_named).map(|cell| cell.column)
        };
        let member = || member.map(|member| member.column);
        if code == Code::TAB005 {
            let is_of_field = |index: &usize| {
                column(*index).is_some_and(|column| target_name(column).unwrap_or(&column.name) == field)
            };
            return reader.errors.iter().map(|(index, _)| *index).find(is_of_field).and_then(name_of);
        }
        // What is held back is not what the member has.
        let is_held =
            matches!(code, Code::MAP005 | Code::MAP006 | Code::MAP007 | Code::MAP008 | Code::MAP009 | Code::MAP012);
        let known = if is_held { held().or_else(member) } else { member().or_else(held) };
        known.or_else(cell).and_then(name_of)
    }

    /// Writes a record under the contract's names. False if it is not a record.
    fn rewrite(&mut self, contact: u32, record: &str, input: &InputMapping) -> bool {
        match self.record.read(record, input, &mut self.late) {
            Err(Unread::NoObject) => return false,
            Err(Unread::LongRow(cells)) => {
                self.out.extend_from_slice(b"{}");
                let value = format!("{cells} cells");
                self.note(contact, Code::TAB001, Severity::Error, Outcome::Rejected, None, &value, None);
                return true;
            }
            Err(Unread::NoContact) => {
                self.out.extend_from_slice(b"{}");
                let pointer = input.contact.as_ref().map(ToString::to_string).unwrap_or_default();
                self.note(contact, Code::MAP010, Severity::Error, Outcome::Rejected, None, &pointer, None);
                return true;
            }
            Ok(()) => {}
        }
        let reader = std::mem::take(&mut self.record);
        self.write_members(&reader, record, input);
        self.note_all(contact, &reader, record, input);
        self.record = reader;
        self.late.end_record();
        true
    }

    fn write_members(&mut self, reader: &RecordReader, record: &str, input: &InputMapping) {
        let Translator { out, late, origin, .. } = self;
        let column = |index: usize| input.mapping.column(late.columns(), index);
        let start = out.len();
        let begin = |out: &mut Vec<u8>, id: MemberId, index: usize| {
            out.push(b',');
            match (id, column(index).map(|column| &column.target)) {
                (MemberId::Custom, Some(Target::Custom(name))) => {
                    json_string(name, out);
                    out.push(b':');
                }
                _ => out.extend_from_slice(id.info().key.as_bytes()),
            }
        };
        let mut written: HashSet<(usize, MemberId)> = HashSet::new();
        for member in &reader.mapped.members {
            // A name that is given twice has its own note.
            if !reader.repeated.is_empty()
                && reader.is_repeated(member.column)
                && !written.insert((member.column, member.id))
            {
                continue;
            }
            begin(out, member.id, member.column);
            let cell = &reader.cells[member.cell];
            match &member.piece {
                Piece::Whole if cell.leaf.kind == LeafKind::Cell => {
                    let text = reader.text(member.cell, record);
                    let is_birthday = member.id.info().family == Family::Birthday;
                    // A table has no numbers.
                    if is_birthday && rows::is_small_number(text.as_bytes()) {
                        out.extend_from_slice(text.as_bytes());
                    } else {
                        json_string(text, out);
                    }
                }
                Piece::Whole if cell.leaf.kind != LeafKind::List => {
                    out.extend_from_slice(record[cell.leaf.json.clone()].as_bytes());
                }
                // The month and the day of a birthday are numbers.
                Piece::Made(_) if member.id.info().family == Family::Birthday => {
                    out.extend_from_slice(reader.member_text(member, record).as_bytes());
                }
                _ => json_string(reader.member_text(member, record), out),
            }
        }
        // Values that say nothing. The rules report them, as they do under the contract's names.
        let mut given: u64 = reader.mapped.members.iter().map(|member| member.id.bit()).fold(0, |all, bit| all | bit);
        for (i, cell) in reader.cells.iter().enumerate() {
            // An empty cell of a table is no value.
            if cell.leaf.kind == LeafKind::Cell {
                break;
            }
            let Some(Column { target: Target::Member(id), .. }) = column(cell.column) else { continue };
            if given & id.bit() == 0 && reader.text(i, record).trim().is_empty() {
                given |= id.bit();
                begin(out, *id, cell.column);
                let is_list = cell.leaf.kind == LeafKind::Nothing && record.as_bytes()[cell.leaf.json.start] != b'n';
                out.extend_from_slice(if is_list { b"null" } else { record[cell.leaf.json.clone()].as_bytes() });
            }
        }
        if let Some((name, line)) = *origin {
            let text = |column| {
                let cell = reader.cells.iter().position(|cell| cell.column == column)?;
                Some(reader.text(cell, record)).filter(|text| !text.is_empty())
            };
            if let (Some(name), Some(line)) = (text(name), text(line).and_then(|line| line.parse::<u64>().ok())) {
                out.extend_from_slice(b",\"presort\":{\"input\":");
                json_string(name, out);
                out.extend_from_slice(format!(",\"contact\":0,\"line\":{line},\"findings\":[]}}").as_bytes());
            }
        }
        if let Some(note) = &reader.note {
            out.extend_from_slice(b",\"presort\":");
            out.extend_from_slice(record[note.clone()].as_bytes());
        }
        close_object(out, start);
    }

    /// Notes what happened to the values of a record.
    fn note_all(&mut self, contact: u32, reader: &RecordReader, record: &str, input: &InputMapping) {
        for (index, cell) in &reader.repeated {
            let name = self.column_name(*index, input);
            let value = reader.text(*cell, record);
            self.note(contact, Code::CON003, Severity::Error, Outcome::Rejected, Some(&name), value, None);
        }
        for (index, error) in &reader.errors {
            let Some(column) = input.mapping.columns.get(*index).filter(|column| !column.is_unmapped()) else {
                continue;
            };
            let field = target_name(column).unwrap_or(&column.name).to_owned();
            let (severity, outcome) = (Severity::Warning, Outcome::Kept);
            self.note(contact, Code::TAB005, severity, outcome, Some(&field), &record[error.clone()], None);
        }
        for permission in &reader.mapped.permissions {
            self.note_permission(contact, permission, reader.text(permission.cell, record), input);
        }
        for held in reader.mapped.held.iter().filter(|held| !reader.is_repeated(held.column)) {
            let code = match held.reason {
                HeldReason::UnclearName => Code::MAP005,
                HeldReason::UnclearBirthday => Code::MAP006,
                HeldReason::UnclearAddress => Code::MAP007,
                HeldReason::NoRoom => Code::MAP008,
                HeldReason::Taken => Code::MAP009,
                HeldReason::NoTelephone => Code::MAP012,
            };
            let value = &reader.text(held.cell, record)[held.part.clone()];
            let field = held.member.info().name;
            self.note(contact, code, Severity::Error, Outcome::HeldBack, Some(field), value, None);
        }
        for split in &reader.mapped.splits {
            let code = match split.kind {
                SplitKind::FullName => Code::MAP001,
                SplitKind::Birthday => Code::MAP002,
                SplitKind::Address => Code::MAP003,
                SplitKind::Joined | SplitKind::Marker => Code::MAP004,
            };
            let value = reader.text(split.cell, record);
            for member in &split.members {
                let Some(member) = reader.mapped.members.get(*member) else { continue };
                let to = reader.member_text(member, record);
                let field = member.id.info().name;
                self.note(contact, code, Severity::Change, Outcome::Changed, Some(field), value, Some(to));
            }
        }
        self.note_late_names(contact, reader, record, input);
    }

    /// Notes or counts values under names that the first records do not have. The mapping was decided without these names.
    fn note_late_names(&mut self, contact: u32, reader: &RecordReader, record: &str, input: &InputMapping) {
        let known = input.mapping.columns.len();
        for (i, cell) in reader.cells.iter().enumerate() {
            let Some(column) = cell.column.checked_sub(known).and_then(|late| self.late.columns().get(late)) else {
                continue;
            };
            let value = reader.text(i, record);
            if value.trim().is_empty() {
                continue;
            }
            if column.found == How::Unmentioned {
                let name = column.name.clone();
                self.note(contact, Code::MAP011, Severity::Error, Outcome::HeldBack, Some(&name), value, None);
            } else if column.is_unmapped() {
                let name = column.name.clone();
                count_name(&mut self.late_names, name, 1);
            }
        }
    }

    fn note_permission(&mut self, contact: u32, permission: &Permission, value: &str, input: &InputMapping) {
        let name = self.column_name(permission.column, input);
        if let Some((code, severity, outcome)) = opt_out(permission.permission, permission.meaning, self.opted_out) {
            self.note(contact, code, severity, outcome, Some(&name), value, None);
        }
    }

    fn column_name(&self, index: usize, input: &InputMapping) -> String {
        input.mapping.column(self.late.columns(), index).map(|column| column.name.clone()).unwrap_or_default()
    }

    #[allow(clippy::too_many_arguments)]
    fn note(
        &mut self,
        contact: u32,
        code: Code,
        severity: Severity,
        outcome: Outcome,
        field: Option<&str>,
        value: &str,
        to: Option<&str>,
    ) {
        let texts = &mut self.texts;
        let mut keep = |text: &str| {
            let start = texts.len();
            texts.push_str(text);
            start..texts.len()
        };
        let (field, value, to) = (field.map(&mut keep), keep(value), to.map(&mut keep));
        self.notes.push(PendingNote { contact, code, severity, outcome, field, value, to });
    }
}

/// The finding for what a column says about permission, if it calls for one.
#[must_use]
pub fn opt_out(column: PermissionColumn, meaning: Meaning, opted_out: OptedOut) -> Option<(Code, Severity, Outcome)> {
    let code = match meaning {
        _ if opted_out == OptedOut::Ignore => return None,
        Meaning::Passes | Meaning::Silent => return None,
        Meaning::OptedOut => Code::OPT001,
        Meaning::Unclear if column.unclear_rejects() => Code::OPT002,
        Meaning::Unclear => return Some((Code::OPT003, Severity::Warning, Outcome::Kept)),
    };
    Some(match opted_out {
        OptedOut::Keep => (code, Severity::Warning, Outcome::Kept),
        _ => (code, Severity::Error, Outcome::Rejected),
    })
}

/// A comma and the member's name with its colon, as JSON; nothing for a column whose values are not in the output. None for values that
/// are no single member.
fn member_prefix(target: &Target) -> Option<Vec<u8>> {
    let mut prefix = Vec::new();
    match target {
        Target::None => {}
        Target::Member(id) => prefix.extend_from_slice(format!(",{}", id.info().key).as_bytes()),
        Target::Custom(name) => {
            prefix.push(b',');
            json_string(name, &mut prefix);
            prefix.push(b':');
        }
        _ => return None,
    }
    Some(prefix)
}

/// Whether two columns have the same member.
fn is_rival(column: &Column, other: &Column) -> bool {
    column.target != Target::None && other.target == column.target && !std::ptr::eq(column, other)
}

/// Whether no other column has the member of this one.
fn is_only_holder(column: &Column, columns: &[Column]) -> bool {
    !columns.iter().any(|other| is_rival(column, other))
}

/// Appends a record that is written as a line, with its line break.
#[inline(always)]
fn append_line(line: &[u8], span: &Span, out: &mut Vec<u8>, spans: &mut Vec<Span>) {
    let start = out.len() as u64;
    out.extend_from_slice(line);
    spans.push(Span { start, end: out.len() as u64 - 1, ..*span });
}

/// The bytes from a record on, at least [`PADDING`] of them behind it: a load of a fixed size needs them. The last records of an input
/// are copied.
#[inline(always)]
fn padded_record<'a>(batch: &'a Batch<'_>, span: &Span, padded: &'a mut Vec<u8>) -> &'a [u8] {
    let bytes = &batch.bytes[(span.start - batch.base) as usize..];
    let len = (span.end - span.start) as usize;
    if bytes.len() >= len + PADDING {
        return bytes;
    }
    padded.clear();
    padded.extend_from_slice(&bytes[..len]);
    padded.resize(len + PADDING, 0);
    padded
}

/// The name that a column's value gets.
fn target_name(column: &Column) -> Option<&str> {
    match &column.target {
        Target::Member(id) => Some(id.info().name),
        Target::Custom(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
