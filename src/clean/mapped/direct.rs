//! Records that need no more than other names, as nearly all do: flat, compact, every value for a member of its own or for none.
//! They are rewritten in one pass, with no list of cells. Every other record is refused, and read as in the module above; a test
//! compares both ways.

use super::InputMapping;
use crate::clean::batch::Batch;
use crate::clean::fast_path::{PADDING, Quotes};
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
    name: Box<[u8]>,
    /// A comma, and the member's name with its colon; nothing where the value is not in the output.
    prefix: Box<[u8]>,
    /// The member is one of the table: a value that says nothing goes along, for the rules to report.
    is_known: bool,
    /// A value may be several.
    is_joined: bool,
    /// Its values need a closer look.
    is_refused: bool,
    permission: Option<PermissionColumn>,
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
                name: column.name.as_bytes().into(),
                prefix: prefix.into(),
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
            let mut at = place(&direct.plans[i].name, direct.seed, direct.table.len());
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
        if batch.bytes.len() >= to + PADDING {
            self.quotes.find(&batch.bytes[from..], to - from);
        } else {
            self.padded.clear();
            self.padded.extend_from_slice(&batch.bytes[from..to]);
            self.padded.resize(to - from + PADDING, 0);
            self.quotes.find(&self.padded, to - from);
        }
    }

    /// Appends a record of the batch under the contract's names, which begins at offset `start` of the input. False if it needs
    /// another look; what was appended is of no use then.
    pub(super) fn rewrite(&mut self, record: &[u8], start: u64, out: &mut Vec<u8>) -> bool {
        if self.plans.is_empty() {
            return false;
        }
        let base = (start - self.base) as u32;
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
        self.rewrite_members(record, base, out).is_some()
    }

    fn rewrite_members(&mut self, record: &[u8], base: u32, out: &mut Vec<u8>) -> Option<()> {
        let Direct { plans, table, next, met, number, blank, quotes, at: [at, ..], seed, .. } = self;
        *number += 1;
        blank.clear();
        let start = out.len();
        let mut quotes = quotes.quotes()[*at..].iter().map(|at| at.wrapping_sub(base) as usize);
        let (mut at, mut before) = (1, plans.len());
        if record.first() != Some(&b'{') {
            return None;
        }
        loop {
            // The name, between its quotes.
            let (open, close) = (quotes.next()?, quotes.next()?);
            if open != at || record.get(close + 1) != Some(&b':') {
                return None;
            }
            let index = column(record, open + 1..close, plans, table, *seed, &mut next[before])?;
            before = index;
            let plan = &plans[index];
            if plan.is_refused || std::mem::replace(&mut met[index], *number) == *number {
                return None;
            }
            let first = close + 2;
            let (value, text) = if record.get(first) == Some(&b'"') {
                if quotes.next()? != first {
                    return None;
                }
                let end = quotes.next()?;
                (first..end + 1, record.get(first + 1..end)?)
            } else {
                let value = first..end_of_value(record, first)?;
                (value.clone(), &record[value])
            };
            at = value.end;
            let json = record.get(value.clone())?;
            let is_blank = is_blank(text, json);
            if let Some(permission) = plan.permission {
                let text = if is_blank { "" } else { std::str::from_utf8(text).ok()? };
                if matches!(permission.meaning(text), Meaning::OptedOut | Meaning::Unclear) {
                    return None;
                }
            }
            if is_blank {
                if plan.is_known {
                    blank.push((index as u32, value));
                }
            } else if !plan.prefix.is_empty() {
                if plan.is_joined && text.contains(&b':') && memchr::memmem::find(text, b":::").is_some() {
                    return None;
                }
                out.extend_from_slice(&plan.prefix);
                out.extend_from_slice(json);
            }
            match record.get(at)? {
                b',' => at += 1,
                b'}' if at + 1 == record.len() => break,
                _ => return None,
            }
        }
        for (index, value) in blank.iter() {
            out.extend_from_slice(&plans[*index as usize].prefix);
            out.extend_from_slice(&record[value.clone()]);
        }
        close_object(out, start);
        Some(())
    }
}

/// Where the search for a name begins in a table of this length, a power of two.
#[inline]
fn place(name: &[u8], seed: u64, len: usize) -> usize {
    xxh3_64_with_seed(name, seed) as usize & (len - 1)
}

/// The column of a name. `next` holds the last two columns that were found after the same column: they are compared first.
#[inline]
fn column(
    record: &[u8],
    name: Range<usize>,
    plans: &[Plan],
    table: &[u32],
    seed: u64,
    next: &mut [u32; 2],
) -> Option<usize> {
    let name = record.get(name)?;
    for index in *next {
        if let Some(plan) = plans.get(index as usize)
            && *plan.name == *name
        {
            return Some(index as usize);
        }
    }
    let mut at = place(name, seed, table.len());
    loop {
        let index = table[at];
        if *plans.get(index as usize)?.name == *name {
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

/// Whether a value says nothing, as the mapping sees it.
#[inline]
fn is_blank(text: &[u8], json: &[u8]) -> bool {
    match text.first() {
        None => true,
        Some(b'n') => json == b"null",
        Some(first) if *first <= b' ' || !first.is_ascii() => {
            std::str::from_utf8(text).is_ok_and(|text| text::trim(text).is_empty())
        }
        Some(_) => false,
    }
}
