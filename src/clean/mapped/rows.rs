//! Rows of a table that need no more than names, as nearly all do: every cell for a member of its own or for none, no quote within a
//! cell, nothing that JSON escapes. They are written as JSON in one pass over masks of 64 bytes, with no list of cells. Every other
//! row is refused, and read as in the module above; a test compares both ways.

use super::gate::Gate;
use super::{InputMapping, append_line, is_only_holder, member_prefix, padded_record};
use crate::clean::batch::Batch;
use crate::clean::fast_path::PADDING;
use crate::csv::Table;
use crate::json::split::Span;
use crate::mapping::{Column, How, Target};
use crate::model::member::Family;
use crate::rules::text;
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::simd::{Backend, Choice, with_backend};

/// Most bytes of a member's name with its punctuation. A longer one takes the other way.
const PREFIX: usize = 64;

/// What a column's cells become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Skip,
    /// A string.
    Text,
    /// A number where it looks like a month or a day, else a string.
    Number,
    /// What the other way finds.
    Refused,
}

#[derive(Debug, Clone)]
struct Plan {
    kind: Kind,
    /// A comma, the member's name, a colon and a quote, with bytes of no meaning behind them.
    prefix: [u8; PREFIX],
    prefix_len: usize,
    gate: Gate,
}

/// Writes rows as JSON. See the [module](self).
#[derive(Debug)]
pub(super) struct Rows {
    choice: Choice,
    delimiter: u8,
    plans: Vec<Plan>,
    /// Some column may hold several values, joined by ` ::: `.
    any_joined: bool,
    /// The row that is being written, with room for all its columns.
    line: Vec<u8>,
    /// A row behind which there are no more bytes.
    padded: Vec<u8>,
}

impl Rows {
    /// For the rows of a table.
    pub(super) fn new(input: &InputMapping, table: &Table, choice: Choice) -> Self {
        let columns = &input.mapping.columns;
        Rows {
            choice,
            delimiter: table.delimiter,
            plans: columns.iter().map(|column| plan(column, columns, table.is_sheet)).collect(),
            any_joined: columns.iter().any(Column::is_joined),
            line: Vec::new(),
            padded: Vec::new(),
        }
    }

    /// Appends the rows from `first` on to `out`, a line each, up to the first that needs another look. Returns how many it wrote.
    pub(super) fn write(&mut self, batch: &Batch<'_>, first: usize, out: &mut Vec<u8>, spans: &mut Vec<Span>) -> usize {
        let choice = self.choice;
        with_backend!(choice, write_rows, (
            rows: &mut Rows = self,
            batch: &Batch<'_> = batch,
            rest: &[Span] = &batch.spans[first..],
            out: &mut Vec<u8> = out,
            spans: &mut Vec<Span> = spans,
        ) -> usize)
    }
}

fn plan(column: &Column, columns: &[Column], is_sheet: bool) -> Plan {
    let mut name = member_prefix(&column.target);
    let is_birthday = matches!(column.target, Target::Member(id) if id.info().family == Family::Birthday);
    let is_direct = column.is_direct() && !column.decides && !matches!(column.found, How::Unmentioned | How::Own);
    let is_taken = name.is_some() && is_direct && is_only_holder(column, columns);
    let name = name.get_or_insert_default();
    if !name.is_empty() {
        name.push(b'"');
    }
    let kind = match column.target {
        _ if !is_taken || name.len() > PREFIX => Kind::Refused,
        Target::None => Kind::Skip,
        _ if is_birthday => Kind::Number,
        _ => Kind::Text,
    };
    let mut prefix = [0; PREFIX];
    let prefix_len = name.len().min(PREFIX);
    prefix[..prefix_len].copy_from_slice(&name[..prefix_len]);
    Plan { kind, prefix, prefix_len, gate: Gate::new(column.permission).of_sheet(is_sheet) }
}

#[inline(always)]
fn write_rows<B: Backend>(
    backend: B,
    rows: &mut Rows,
    batch: &Batch<'_>,
    rest: &[Span],
    out: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> usize {
    let mut padded = std::mem::take(&mut rows.padded);
    let mut done = 0;
    for span in rest {
        let bytes = padded_record(batch, span, &mut padded);
        let Some(used) = rows.write_row(backend, bytes, (span.end - span.start) as usize) else { break };
        append_line(&rows.line[..used], span, out, spans);
        done += 1;
    }
    rows.padded = padded;
    done
}

impl Rows {
    /// Writes a row of `len` bytes, behind which there are [`PADDING`] more, as a line. Returns its length with its line break, or
    /// nothing if the row needs another look.
    #[inline(always)]
    fn write_row<B: Backend>(&mut self, backend: B, bytes: &[u8], len: usize) -> Option<usize> {
        // The other way rejects a row that is too large.
        if len as u64 > CONTACT_BYTES_MAX {
            return None;
        }
        let Rows { delimiter, plans, line, .. } = self;
        let delimiter = *delimiter;
        let room = len + plans.len() * (PREFIX + 4) + 2 * PADDING;
        if line.len() < room {
            line.resize(room * 2, 0);
        }
        let mut row = Row { bytes, line, used: 0, quoted: 0, column: 0 };
        let (mut start, mut inside) = (0, 0u64);
        let (mut quotes, mut non_ascii, mut joint) = (0, 0u64, 0u64);
        let mut base = 0;
        while base < len {
            let block = backend.load(bytes[base..].first_chunk()?);
            let real = if len - base >= 64 { !0u64 } else { (1 << (len - base)) - 1 };
            let quote = backend.eq(block, b'"') & real;
            let mut ends = backend.eq(block, delimiter) & real;
            non_ascii |= backend.non_ascii(block) & real;
            let colon = backend.eq(block, b':');
            joint |= colon & colon << 1;
            if quote | inside != 0 {
                let within = backend.prefix_xor(quote) ^ inside;
                inside = ((within as i64) >> 63) as u64;
                ends &= !within;
                quotes += quote.count_ones();
            }
            // What JSON escapes, apart from quotes. The delimiter may be a tab, and a tab inside quotes is none.
            let special = (backend.within(block, 0, 0x1f) & !ends | backend.eq(block, b'\\')) & real;
            if special != 0 {
                return None;
            }
            while ends != 0 {
                let end = base + ends.trailing_zeros() as usize;
                ends &= ends - 1;
                row.cell(plans, start, end)?;
                start = end + 1;
            }
            base += 64;
        }
        row.cell(plans, start, len)?;
        // Every quote is the first or the last byte of a cell.
        let is_plain = quotes == 2 * row.quoted && !(joint != 0 && self.any_joined);
        if !is_plain || non_ascii != 0 && std::str::from_utf8(&bytes[..len]).is_err() {
            return None;
        }
        let used = row.used;
        self.line[0] = b'{';
        // A row of which nothing is taken.
        let used = used.max(1);
        self.line[used] = b'}';
        self.line[used + 1] = b'\n';
        Some(used + 2)
    }
}

/// A row that is being written.
struct Row<'r> {
    bytes: &'r [u8],
    line: &'r mut [u8],
    /// Bytes that are written.
    used: usize,
    /// Cells in quotes.
    quoted: u32,
    /// Index of the next cell.
    column: usize,
}

impl Row<'_> {
    /// Writes the cell between these offsets.
    #[inline(always)]
    fn cell(&mut self, plans: &mut [Plan], start: usize, end: usize) -> Option<()> {
        let column = self.column;
        self.column += 1;
        if start == end {
            return Some(());
        }
        // A value beyond the header needs another look.
        let plan = plans.get_mut(column)?;
        let (mut start, mut end) = (start, end);
        if self.bytes[start] == b'"' {
            if end - start < 2 || self.bytes[end - 1] != b'"' {
                return None;
            }
            (start, end) = (start + 1, end - 1);
            self.quoted += 1;
            if start == end {
                return Some(());
            }
        }
        if plan.kind == Kind::Refused {
            return None;
        }
        let first = self.bytes[start];
        if (first <= b' ' || !first.is_ascii()) && is_blank(&self.bytes[start..end]) {
            return Some(());
        }
        plan.gate.check(&self.bytes[start..end])?;
        let prefix_len = match plan.kind {
            Kind::Skip | Kind::Refused => return Some(()),
            Kind::Text => plan.prefix_len,
            Kind::Number if is_small_number(&self.bytes[start..end]) => plan.prefix_len - 1,
            Kind::Number => plan.prefix_len,
        };
        self.copy32(&plan.prefix, 0, self.used)?;
        if prefix_len > 32 {
            self.copy32(&plan.prefix, 32, self.used + 32)?;
        }
        self.used += prefix_len;
        let len = end - start;
        let bytes = self.bytes;
        self.copy32(bytes, start, self.used)?;
        if len > 32 {
            self.line.get_mut(self.used..self.used + len)?.copy_from_slice(bytes.get(start..end)?);
        }
        self.used += len;
        if prefix_len == plan.prefix_len {
            *self.line.get_mut(self.used)? = b'"';
            self.used += 1;
        }
        Some(())
    }

    /// Copies 32 bytes, of which those that count are overwritten by nothing, and the others by what follows.
    #[inline(always)]
    fn copy32(&mut self, from: &[u8], at: usize, to: usize) -> Option<()> {
        let from: &[u8; 32] = from.get(at..)?.first_chunk()?;
        *self.line.get_mut(to..)?.first_chunk_mut()? = *from;
        Some(())
    }
}

/// Whether a cell is a month or a day as JSON writes it.
#[inline]
pub(super) fn is_small_number(cell: &[u8]) -> bool {
    match cell {
        [b'1'..=b'9'] => true,
        [b'1'..=b'9', second] => second.is_ascii_digit(),
        _ => false,
    }
}

#[inline(never)]
fn is_blank(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|cell| text::trim(cell).is_empty())
}

#[cfg(test)]
mod tests;
