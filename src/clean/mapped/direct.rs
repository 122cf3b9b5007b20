//! Records that need no more than other names, as nearly all do: flat, compact, every value for a member of its own or for none.
//! They are rewritten in one pass, with no list of cells. Every other record is refused, and read as in the module above; a test
//! compares both ways.

use super::InputMapping;
use crate::clean::batch::Batch;
use crate::clean::fast_path::{PADDING, Quotes};
use crate::json::split::Span;
use crate::json::write::{close_object, json_string};
use crate::mapping::{How, Meaning, PermissionColumn, Target};
use crate::rules::text;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a column takes.
#[derive(Debug, Default)]
struct Plan {
    /// The name in the record.
    name: Text,
    /// A comma, and the member's name with its colon; nothing where the value is not in the output.
    prefix: Text,
    /// The member is one of the table: a value that says nothing goes along, for the rules to report.
    is_known: bool,
    /// A value may be several.
    is_joined: bool,
    /// Its values need a closer look.
    is_refused: bool,
    permission: Option<PermissionColumn>,
}

/// Bytes that are compared and copied at once.
const WIDE: usize = 32;

/// A text, and the same in a form that is compared and copied without a loop.
#[derive(Debug, Default)]
struct Text {
    text: Box<[u8]>,
    /// The text and zeros, if it is not longer.
    wide: Option<[u8; WIDE]>,
    /// The bits that the text has of these bytes.
    mask: [u8; WIDE],
}

impl Text {
    fn new(text: &[u8]) -> Self {
        let (mut wide, mut mask) = ([0; WIDE], [0; WIDE]);
        let is_short = text.len() <= WIDE;
        if is_short {
            wide[..text.len()].copy_from_slice(text);
            mask[..text.len()].fill(!0);
        }
        Text { text: text.into(), wide: is_short.then_some(wide), mask }
    }

    /// Whether this is the text `at` of these bytes.
    #[inline]
    fn is(&self, bytes: &[u8], at: Range<usize>) -> bool {
        if at.len() != self.text.len() {
            return false;
        }
        match (&self.wide, bytes.get(at.start..).and_then(|bytes| bytes.first_chunk::<WIDE>())) {
            (Some(wide), Some(given)) => {
                let words = |bytes: &[u8; WIDE]| -> [u64; WIDE / 8] {
                    std::array::from_fn(|i| u64::from_le_bytes(std::array::from_fn(|j| bytes[i * 8 + j])))
                };
                let (given, wide, mask) = (words(given), words(wide), words(&self.mask));
                (0..WIDE / 8).fold(0, |differs, i| differs | (given[i] ^ wide[i]) & mask[i]) == 0
            }
            _ => bytes.get(at) == Some(&*self.text),
        }
    }
}

/// No column.
const NONE: u32 = u32::MAX;

/// Rewrites records in one pass. See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Direct {
    plans: Vec<Plan>,
    /// The columns by the hash of their names: a table with room to spare.
    table: Vec<u32>,
    /// The seed of the hash, so that no names can be made to collide.
    seed: u64,
    /// For each column, the last two columns that were found after it. The last entry is for the start of a record.
    next: Vec<[u32; 2]>,
    /// The number of the record in which each column was met last.
    met: Vec<u64>,
    number: u64,
    /// Values that say nothing, which come behind the others.
    blank: Vec<(u32, Range<usize>)>,
    quotes: Quotes,
    /// The records of a batch behind which there are no more bytes.
    padded: Vec<u8>,
    /// Where in the quotes, the unclean bytes and the bytes outside ASCII the current record begins.
    at: [usize; 3],
    /// The batch is in [`padded`](Direct::padded).
    is_copied: bool,
    /// Offset of the marked bytes in the input.
    base: u64,
}

impl Direct {
    /// For the records of an input.
    pub(super) fn new(input: &InputMapping) -> Self {
        if input.contact.is_some() {
            return Direct::default();
        }
        let columns = &input.mapping.columns;
        let holders = |target: &Target| columns.iter().filter(|other| other.target == *target).count();
        let plan = |column: &crate::mapping::Column| {
            let (prefix, is_known, is_one) = match &column.target {
                Target::None => (Vec::new(), false, true),
                Target::Member(id) => (format!(",{}", id.info().key).into_bytes(), true, holders(&column.target) == 1),
                Target::Custom(name) => {
                    let mut prefix = vec![b','];
                    json_string(name, &mut prefix);
                    prefix.push(b':');
                    (prefix, false, holders(&column.target) == 1)
                }
                _ => (Vec::new(), false, false),
            };
            // A path or an escape is not found as it stands in the record.
            let is_plain_name = !column.name.bytes().any(|b| matches!(b, b'"' | b'\\' | b'/' | b'~' | 0..=0x1f));
            Plan {
                name: Text::new(column.name.as_bytes()),
                prefix: Text::new(&prefix),
                is_known,
                is_joined: column.is_joined(),
                is_refused: !is_one || !is_plain_name || column.found == How::Own || !column.is_direct(),
                permission: column.permission,
            }
        };
        let mut direct = Direct {
            plans: columns.iter().map(plan).collect(),
            table: vec![NONE; (columns.len() * 4).next_power_of_two().max(16)],
            seed: RandomState::new().hash_one(0),
            next: vec![[NONE; 2]; columns.len() + 1],
            met: vec![0; columns.len()],
            ..Direct::default()
        };
        for i in 0..direct.plans.len() {
            let mut at = place(&direct.plans[i].name.text, direct.seed, direct.table.len());
            while direct.table[at] != NONE {
                at = (at + 1) % direct.table.len();
            }
            direct.table[at] = i as u32;
        }
        direct
    }

    /// Finds the quotes of a batch.
    pub(super) fn begin(&mut self, batch: &Batch<'_>) {
        let (Some(first), Some(last)) = (batch.spans.first(), batch.spans.last()) else { return };
        if self.plans.is_empty() {
            return;
        }
        let [from, to] = [first.start, last.end].map(|at| (at - batch.base) as usize);
        self.base = first.start;
        self.at = [0; 3];
        self.is_copied = batch.bytes.len() < to + PADDING;
        if !self.is_copied {
            self.quotes.find(&batch.bytes[from..], to - from);
        } else {
            self.padded.clear();
            self.padded.extend_from_slice(&batch.bytes[from..to]);
            self.padded.resize(to - from + PADDING, 0);
            self.quotes.find(&self.padded, to - from);
        }
    }

    /// Appends the record `span` of the batch under the contract's names. False if it needs another look; what was appended is of no
    /// use then.
    pub(super) fn rewrite(&mut self, batch: &Batch<'_>, span: &Span, out: &mut Vec<u8>) -> bool {
        if self.plans.is_empty() {
            return false;
        }
        let record = batch.contact(span);
        let base = (span.start - self.base) as u32;
        let end = base + record.len() as u32;
        let lists = [self.quotes.quotes(), self.quotes.unclean(), self.quotes.non_ascii()];
        for (at, list) in self.at.iter_mut().zip(lists) {
            while list[*at] < base {
                *at += 1;
            }
        }
        // Behind an escape, quotes are not what they seem; the bytes of a mapped file may change at any time.
        let is_json = |at: &u32| !matches!(record.get((*at - base) as usize), None | Some(b'\\' | 0..=0x1f));
        let unclean = &lists[1][self.at[1]..];
        if !unclean.iter().take_while(|at| **at < end).all(is_json) {
            return false;
        }
        if lists[2][self.at[2]] < end && std::str::from_utf8(record).is_err() {
            return false;
        }
        // Two colons in a row are marked.
        let may_be_joined = unclean[0] < end;
        let padded = std::mem::take(&mut self.padded);
        let marked = if self.is_copied { &padded } else { &batch.bytes[(self.base - batch.base) as usize..] };
        let is_done = marked
            .get(base as usize..)
            .is_some_and(|bytes| self.rewrite_members(bytes, record.len(), base, may_be_joined, out).is_some());
        self.padded = padded;
        is_done
    }

    /// Rewrites the record that is the first `len` of these bytes, with padding behind it.
    fn rewrite_members(
        &mut self,
        bytes: &[u8],
        len: usize,
        base: u32,
        may_be_joined: bool,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let Direct { plans, table, next, met, number, blank, quotes, at: [quotes_at, ..], seed, .. } = self;
        *number += 1;
        blank.clear();
        let quotes = quotes.quotes();
        let start = out.len();
        // The index of the next quote, where it is to be, the column before, and what of `out` is written.
        let (mut at, mut expected, mut before, mut written) = (*quotes_at, 1, plans.len(), start);
        if bytes.first() != Some(&b'{') {
            return None;
        }
        loop {
            let &[open, close, value_open, value_close] = quotes.get(at..)?.first_chunk()?;
            let relative = |quote: u32| quote.wrapping_sub(base) as usize;
            let (open, close) = (relative(open), relative(close));
            // The name, between its quotes.
            if open != expected || close >= len || bytes.get(close + 1) != Some(&b':') {
                return None;
            }
            let index = column(bytes, open + 1..close, plans, table, *seed, &mut next[before])?;
            before = index;
            let plan = &plans[index];
            if plan.is_refused || std::mem::replace(&mut met[index], *number) == *number {
                return None;
            }
            let first = close + 2;
            let (value, text) = if relative(value_open) == first {
                at += 4;
                let end = relative(value_close);
                (first..end + 1, first + 1..end)
            } else {
                at += 2;
                let value = first..end_of_value(bytes, first)?;
                (value.clone(), value)
            };
            if value.end >= len {
                return None;
            }
            let is_blank = is_blank(bytes, &text, &value);
            if let Some(permission) = plan.permission {
                let text = if is_blank { "" } else { std::str::from_utf8(bytes.get(text.clone())?).ok()? };
                if matches!(permission.meaning(text), Meaning::OptedOut | Meaning::Unclear) {
                    return None;
                }
            }
            let end = value.end;
            if is_blank {
                if plan.is_known {
                    blank.push((index as u32, value));
                }
            } else if !plan.prefix.text.is_empty() {
                if may_be_joined && plan.is_joined && memchr::memmem::find(bytes.get(text)?, b":::").is_some() {
                    return None;
                }
                written = append(out, written, &plan.prefix, bytes, value)?;
            }
            match bytes.get(end)? {
                b',' => expected = end + 1,
                b'}' if end + 1 == len => break,
                _ => return None,
            }
        }
        out.truncate(written);
        for (index, value) in blank.iter() {
            out.extend_from_slice(&plans[*index as usize].prefix.text);
            out.extend_from_slice(bytes.get(value.clone())?);
        }
        close_object(out, start);
        *quotes_at = at;
        Some(())
    }
}

/// Writes a prefix and a value at `written` of `out`, and gives where they end. `out` may be longer than that.
#[inline]
fn append(out: &mut Vec<u8>, written: usize, prefix: &Text, bytes: &[u8], value: Range<usize>) -> Option<usize> {
    let len = value.len();
    let rounded = len.next_multiple_of(WIDE);
    let room = written..written + WIDE + rounded;
    if out.len() < room.end {
        grow(out, room.end);
    }
    let (Some(wide), Some(from)) = (&prefix.wide, bytes.get(value.start..value.start + rounded)) else {
        out.truncate(written);
        out.extend_from_slice(&prefix.text);
        out.extend_from_slice(bytes.get(value)?);
        return Some(out.len());
    };
    let to = out.get_mut(room)?;
    *to.first_chunk_mut()? = *wide;
    let (to, _) = to.get_mut(prefix.text.len()..)?.as_chunks_mut::<WIDE>();
    for (to, from) in to.iter_mut().zip(from.as_chunks::<WIDE>().0) {
        *to = *from;
    }
    Some(written + prefix.text.len() + len)
}

/// Makes room, and some more, so that this is seldom needed.
#[cold]
fn grow(out: &mut Vec<u8>, len: usize) {
    out.resize(len + 512, 0);
}

/// Where the search for a name begins in a table of this length, a power of two.
#[inline]
fn place(name: &[u8], seed: u64, len: usize) -> usize {
    xxh3_64_with_seed(name, seed) as usize & (len - 1)
}

/// The column of a name. `next` holds the last two columns that were found after the same column: they are compared first.
#[inline]
fn column(
    bytes: &[u8],
    name: Range<usize>,
    plans: &[Plan],
    table: &[u32],
    seed: u64,
    next: &mut [u32; 2],
) -> Option<usize> {
    for index in *next {
        if let Some(plan) = plans.get(index as usize)
            && plan.name.is(bytes, name.clone())
        {
            return Some(index as usize);
        }
    }
    let name = bytes.get(name)?;
    let mut at = place(name, seed, table.len());
    loop {
        let index = table[at];
        if *plans.get(index as usize)?.name.text == *name {
            *next = [index, next[0]];
            return Some(index as usize);
        }
        at = (at + 1) & (table.len() - 1);
    }
}

/// Where the value that begins at `start` ends: a number or a word.
#[inline]
fn end_of_value(record: &[u8], start: usize) -> Option<usize> {
    let rest = record.get(start..)?;
    match rest.first()? {
        b'n' => rest.starts_with(b"null").then_some(start + 4),
        b't' => rest.starts_with(b"true").then_some(start + 4),
        b'f' => rest.starts_with(b"false").then_some(start + 5),
        // Whole numbers. Others are left to the reader that knows them.
        b'1'..=b'9' => {
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (len < 19 && !matches!(rest.get(len), Some(b'.' | b'e' | b'E'))).then_some(start + len)
        }
        _ => None,
    }
}

/// Whether a value says nothing, as the mapping sees it. `text` is what is between the quotes of a string.
#[inline]
fn is_blank(bytes: &[u8], text: &Range<usize>, value: &Range<usize>) -> bool {
    match bytes.get(text.start) {
        None | Some(b'"') => true,
        Some(b'n') => text == value && bytes.get(value.clone()) == Some(b"null"),
        Some(first) if *first <= b' ' || !first.is_ascii() => {
            let text = bytes.get(text.clone()).and_then(|text| std::str::from_utf8(text).ok());
            text.is_some_and(|text| text::trim(text).is_empty())
        }
        Some(_) => false,
    }
}
