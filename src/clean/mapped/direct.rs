//! Records that need no more than other names, as nearly all do: flat, with at most a space behind a colon or comma, every value for
//! a member of its own or for none. They are rewritten in one pass over masks of 64 bytes, with no list of cells. Every other record
//! is refused, and read as in the module above; a test compares both ways.

use super::InputMapping;
use super::gate::Gate;
use super::padded_record;
use crate::clean::batch::Batch;
use crate::clean::fast_path::PADDING;
use crate::json::split::Span;
use crate::json::write::json_string;
use crate::mapping::{Column, How, Target};
use crate::rules::text;
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::simd::{Backend, Choice, with_backend};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes that are compared and copied at once.
const WIDE: usize = 32;
/// Most bytes of a member's name with its punctuation. A longer one takes the other way.
const PREFIX: usize = 64;
/// Places of [`Names::first`], a power of two.
const PLACES: usize = 1024;
/// Multipliers that are tried for it.
const TRIES: u64 = 32;
/// No column.
const NONE: u32 = u32::MAX;

/// What a column takes.
#[derive(Debug)]
struct Plan {
    /// The name in the record, its quote and its colon.
    name: Box<[u8]>,
    /// The least and the greatest that the first bytes of a record's name may be if it is this one: the same as far as the name goes.
    low: [u8; WIDE],
    high: [u8; WIDE],
    /// A comma, and the member's name with its colon, with bytes of no meaning behind them.
    prefix: [u8; PREFIX],
    /// Bytes of the prefix that count: none where the value is not in the output.
    prefix_len: usize,
    /// The number of the record in which the column was met last.
    met: u64,
    /// The member is one of the table: a value that says nothing goes along, for the rules to report.
    is_known: bool,
    /// A value may be several.
    is_joined: bool,
    /// Its values need a closer look.
    is_refused: bool,
    gate: Gate,
}

impl Plan {
    fn new(column: &Column, holders: usize) -> Self {
        let mut text = Vec::new();
        let (is_known, is_one) = match &column.target {
            Target::None => (false, true),
            Target::Member(id) => {
                text.extend_from_slice(format!(",{}", id.info().key).as_bytes());
                (true, holders == 1)
            }
            Target::Custom(name) => {
                text.push(b',');
                json_string(name, &mut text);
                text.push(b':');
                (false, holders == 1)
            }
            _ => (false, false),
        };
        // A path or an escape is not found as it stands in the record.
        let is_plain_name = !column.name.bytes().any(|b| matches!(b, b'"' | b'\\' | b'/' | b'~' | 0..=0x1f));
        let is_own = column.found == How::Own;
        let name = format!("{}\":", column.name).into_bytes();
        let (mut low, mut high, mut prefix) = ([0; WIDE], [!0; WIDE], [0; PREFIX]);
        for (i, byte) in name.iter().take(WIDE).enumerate() {
            (low[i], high[i]) = (*byte, *byte);
        }
        let prefix_len = text.len().min(PREFIX);
        prefix[..prefix_len].copy_from_slice(&text[..prefix_len]);
        Plan {
            name: name.into(),
            low,
            high,
            prefix,
            prefix_len,
            met: 0,
            is_known,
            is_joined: column.is_joined(),
            is_refused: !is_one || !is_plain_name || is_own || !column.is_direct() || text.len() > PREFIX,
            gate: Gate::new(column.permission),
        }
    }

    /// Whether this is the column of the name that begins `at` the window's byte.
    #[inline(always)]
    fn is<B: Backend>(&self, backend: B, window: &[u8; PADDING], at: usize) -> bool {
        let Some(first) = window.get(at..).and_then(|name| name.first_chunk()) else { return false };
        backend.within32(first, &self.low, &self.high)
            && (self.name.len() <= WIDE || window.get(at..at + self.name.len()) == Some(&*self.name))
    }
}

/// The columns by their names.
#[derive(Debug)]
struct Names {
    /// By a hash of some bytes of the name, which takes few instructions and no branch: column 0 where there is none.
    first: Box<[u16; PLACES]>,
    /// Multipliers of that hash.
    factors: [u64; 3],
    /// By a hash of the whole name, for those that share a place there: a table with room to spare.
    all: Vec<u32>,
    /// The seed of the hash, so that no names can be made to collide.
    seed: u64,
}

impl Names {
    fn new(plans: &[Plan]) -> Self {
        let random = RandomState::new();
        let seed = random.hash_one(0);
        let mut names = Names {
            first: Box::new([0; PLACES]),
            factors: [0; 3],
            all: vec![NONE; (plans.len() * 4).next_power_of_two().max(16)],
            seed,
        };
        let mut best = 0;
        for attempt in 0..TRIES {
            let factors = [0, 1, 2].map(|i| random.hash_one((attempt, i)) | 1);
            let mut first = Box::new([0; PLACES]);
            let mut found = 0;
            // The first of those that share a place has it.
            for (i, plan) in plans.iter().enumerate().rev() {
                let Ok(index) = u16::try_from(i) else { continue };
                let mut window = [0; PADDING];
                let len = plan.name.len().min(PADDING - 1);
                window[1..=len].copy_from_slice(&plan.name[..len]);
                window[0] = b'"';
                if let Some(place) = place(&window, plan.name.len() - 1, &factors) {
                    first[place] = index;
                }
            }
            first.iter().for_each(|index| found += usize::from(*index != 0));
            if found >= best {
                (best, names.first, names.factors) = (found, first, factors);
            }
            if found + 1 >= plans.len() {
                break;
            }
        }
        for (i, plan) in plans.iter().enumerate() {
            let mut at = names.start(&plan.name);
            while names.all[at] != NONE {
                at = (at + 1) % names.all.len();
            }
            names.all[at] = i as u32;
        }
        names
    }

    /// Where the search for a name with its quote and colon begins in the table of all.
    fn start(&self, name: &[u8]) -> usize {
        xxh3_64_with_seed(name, self.seed) as usize & (self.all.len() - 1)
    }

    /// The column of a name with its quote and colon, by the table of all.
    #[cold]
    fn find(&self, name: &[u8], plans: &[Plan]) -> Option<usize> {
        let mut at = self.start(name);
        loop {
            let index = self.all[at] as usize;
            if *plans.get(index)?.name == *name {
                return Some(index);
            }
            at = (at + 1) & (self.all.len() - 1);
        }
    }
}

/// The place of a name among [`PLACES`]. The window begins with the quote before the name; `close` is where that behind it is.
#[inline(always)]
fn place(window: &[u8; PADDING], close: usize, factors: &[u64; 3]) -> Option<usize> {
    let word = |at: usize| Some(u64::from_le_bytes(*window.get(at..)?.first_chunk()?));
    let is_short = close < 8;
    let first = word(1)? & if is_short { (1 << (8 * close)) - 1 } else { !0 };
    let (middle, last) = (word((close >> 1).max(3) - 3)?, word(close.max(8) - 8)?);
    // Of a short name, the first word has all.
    let (middle, last) = if is_short { (0, 0) } else { (middle, last) };
    let product = |word: u64, i: usize| word.wrapping_mul(factors[i]);
    let sum = product(first, 0).wrapping_add(product(middle, 1)).wrapping_add(product(last, 2));
    Some((sum >> (64 - PLACES.trailing_zeros())) as usize & (PLACES - 1))
}

/// Rewrites records in one pass. See the [module](self).
#[derive(Debug)]
pub(super) struct Direct {
    choice: Choice,
    plans: Vec<Plan>,
    names: Names,
    /// The number of the current record.
    number: u64,
    /// Values that say nothing, which come behind the others.
    blank: Vec<(usize, Range<usize>)>,
    /// The record that is being written, with room for all its columns.
    line: Vec<u8>,
    /// A record behind which there are no more bytes.
    padded: Vec<u8>,
}

impl Direct {
    /// For the records of an input; none where they are not in a line of JSON each.
    pub(super) fn new(input: &InputMapping, choice: Choice) -> Option<Self> {
        let columns = &input.mapping.columns;
        if input.contact.is_some() || input.table.is_some() || columns.is_empty() {
            return None;
        }
        let holders = |target: &Target| columns.iter().filter(|other| other.target == *target).count();
        let plans: Vec<Plan> = columns.iter().map(|column| Plan::new(column, holders(&column.target))).collect();
        Some(Direct {
            choice,
            names: Names::new(&plans),
            plans,
            number: 0,
            blank: Vec::new(),
            line: Vec::new(),
            padded: Vec::new(),
        })
    }

    /// Appends the records from `first` on to `out`, a line each, up to the first that needs another look. Returns how many it were.
    pub(super) fn write(&mut self, batch: &Batch<'_>, first: usize, out: &mut Vec<u8>, spans: &mut Vec<Span>) -> usize {
        let choice = self.choice;
        with_backend!(choice, write_records, (
            direct: &mut Direct = self,
            batch: &Batch<'_> = batch,
            rest: &[Span] = &batch.spans[first..],
            out: &mut Vec<u8> = out,
            spans: &mut Vec<Span> = spans,
        ) -> usize)
    }
}

#[inline(always)]
fn write_records<B: Backend>(
    backend: B,
    direct: &mut Direct,
    batch: &Batch<'_>,
    rest: &[Span],
    out: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> usize {
    let mut padded = std::mem::take(&mut direct.padded);
    let mut done = 0;
    for span in rest {
        let len = (span.end - span.start) as usize;
        if !span.whole || len as u64 > CONTACT_BYTES_MAX {
            break;
        }
        let bytes = padded_record(batch, span, &mut padded);
        let Some(used) = direct.write_record(backend, bytes, len) else { break };
        let start = out.len() as u64;
        out.extend_from_slice(&direct.line[..used]);
        spans.push(Span { start, end: out.len() as u64 - 1, ..*span });
        done += 1;
    }
    direct.padded = padded;
    done
}

impl Direct {
    /// Writes the record that is the first `len` of these bytes, behind which there are [`PADDING`] more, as a line. Returns its length
    /// with its line break, or nothing if the record needs another look.
    #[inline(always)]
    fn write_record<B: Backend>(&mut self, backend: B, bytes: &[u8], len: usize) -> Option<usize> {
        let Direct { plans, names, number, blank, line, .. } = self;
        let room = len + plans.len() * PREFIX + 2 * PADDING;
        if line.len() < room {
            line.resize(room * 2, 0);
        }
        *number += 1;
        blank.clear();
        let mut line = Line { bytes: line, used: 0 };
        let mut scan = Scan { bytes, len, special: 0, non_ascii: 0 };
        if bytes.first() != Some(&b'{') {
            return None;
        }
        let mut at = 1;
        loop {
            let window: &[u8; PADDING] = bytes.get(at..)?.first_chunk()?;
            let member = scan.member(backend, window, at)?;
            let mut index = place(window, member.close, &names.factors).map_or(0, |place| names.first[place] as usize);
            if !plans[index].is(backend, window, 1) {
                index = names.find(bytes.get(at + 1..at + member.close + 2)?, plans)?;
            }
            let plan = &mut plans[index];
            if plan.is_refused || std::mem::replace(&mut plan.met, *number) == *number {
                return None;
            }
            let (value, end) = (member.value, member.end);
            if member.is_blank(bytes) {
                if plan.is_known {
                    blank.push((index, value..end));
                }
            } else {
                if plan.gate.is_there() {
                    plan.gate.check(member.text(bytes)?)?;
                }
                if plan.prefix_len != 0 {
                    if plan.is_joined && memchr::memmem::find(member.text(bytes)?, b":::").is_some() {
                        return None;
                    }
                    line.append(&plan.prefix, plan.prefix_len, bytes.get(value..)?, end - value)?;
                }
            }
            match bytes.get(end)? {
                b',' => at = end + 1 + usize::from(bytes.get(end + 1) == Some(&b' ')),
                b'}' if end + 1 == len => break,
                _ => return None,
            }
        }
        if scan.special != 0 || scan.non_ascii != 0 && std::str::from_utf8(bytes.get(..len)?).is_err() {
            return None;
        }
        for (index, value) in blank.iter() {
            let plan = &plans[*index];
            line.append(&plan.prefix, plan.prefix_len, bytes.get(value.start..)?, value.len())?;
        }
        line.close()
    }
}

/// A name and a value.
struct Member {
    /// Where the name ends, from its quote on.
    close: usize,
    /// Where the value begins in the record, and where what is behind it.
    value: usize,
    end: usize,
    is_string: bool,
}

impl Member {
    /// What is between the quotes of a string, and any other value as it is.
    #[inline(always)]
    fn text<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let quote = usize::from(self.is_string);
        bytes.get(self.value + quote..self.end - quote)
    }

    /// Whether the value says nothing, as the mapping sees it.
    #[inline(always)]
    fn is_blank(&self, bytes: &[u8]) -> bool {
        match bytes.get(self.value + usize::from(self.is_string)) {
            None | Some(b'"') => true,
            Some(b'n') => !self.is_string,
            Some(first) if *first <= b' ' || !first.is_ascii() => self.text(bytes).is_some_and(is_blank),
            Some(_) => false,
        }
    }
}

/// A record that is being read.
struct Scan<'b> {
    bytes: &'b [u8],
    /// Bytes of the record, behind which there are [`PADDING`] more.
    len: usize,
    /// Whether there are escapes or control characters: behind them, quotes are not what they seem.
    special: u64,
    non_ascii: u64,
}

impl Scan<'_> {
    /// Finds the ends of the member that begins at byte `at`, where the window begins. Nothing if that is no member.
    #[inline(always)]
    fn member<B: Backend>(&mut self, backend: B, window: &[u8; PADDING], at: usize) -> Option<Member> {
        let block = backend.load(window.first_chunk()?);
        let quotes = backend.eq(block, b'"');
        let special = backend.within(block, 0, 0x1f) | backend.eq(block, b'\\');
        let non_ascii = backend.non_ascii(block);
        let behind = quotes & quotes.wrapping_sub(1);
        if quotes & 1 == 0 {
            return None;
        }
        if behind == 0 {
            return self.long_member(at);
        }
        let close = behind.trailing_zeros() as usize;
        // The colon is compared with the name.
        let value = close + 2 + usize::from(*window.get(close + 2)? == b' ');
        let is_string = *window.get(value)? == b'"';
        let behind = behind & (behind - 1);
        let behind = behind & behind.wrapping_sub(1);
        let value = at + value;
        let end = if !is_string {
            end_of_value(self.bytes, value)?
        } else if behind != 0 {
            at + behind.trailing_zeros() as usize + 1
        } else {
            self.end_of_string(backend, (at + 64).max(value + 1))?
        };
        if end >= self.len {
            return None;
        }
        let own = if end - at < 64 { (1 << (end - at)) - 1 } else { !0 };
        self.special |= special & own;
        self.non_ascii |= non_ascii & own;
        Some(Member { close, value, end, is_string })
    }

    /// The same, if the name is longer than what is loaded at once.
    #[cold]
    fn long_member(&mut self, at: usize) -> Option<Member> {
        let quote = |from: usize| Some(from + memchr::memchr(b'"', self.bytes.get(from..self.len)?)?);
        let close = quote(at + 1)? - at;
        let value = at + close + 2 + usize::from(*self.bytes.get(at + close + 2)? == b' ');
        let is_string = *self.bytes.get(value)? == b'"';
        let end = if is_string { quote(value + 1)? + 1 } else { end_of_value(self.bytes, value)? };
        if end >= self.len {
            return None;
        }
        let member = self.bytes.get(at..end)?;
        self.special |= u64::from(member.iter().any(|byte| matches!(byte, 0..=0x1f | b'\\')));
        self.non_ascii |= u64::from(!member.is_ascii());
        Some(Member { close, value, end, is_string })
    }

    /// Where what is behind a string begins. No byte of the string before `from` is a quote.
    #[inline(always)]
    fn end_of_string<B: Backend>(&mut self, backend: B, mut from: usize) -> Option<usize> {
        while from < self.len {
            let block = backend.load(self.bytes.get(from..)?.first_chunk()?);
            let quotes = backend.eq(block, b'"');
            let own = quotes.wrapping_sub(1) & !quotes;
            self.special |= (backend.within(block, 0, 0x1f) | backend.eq(block, b'\\')) & own;
            self.non_ascii |= backend.non_ascii(block) & own;
            if quotes != 0 {
                return Some(from + quotes.trailing_zeros() as usize + 1);
            }
            from += 64;
        }
        None
    }
}

/// A line that is being written.
struct Line<'l> {
    bytes: &'l mut [u8],
    /// Bytes that are written.
    used: usize,
}

impl Line<'_> {
    /// Appends a prefix and the first `len` of these bytes. It copies whole blocks: what is not to be there is overwritten by what follows.
    #[inline(always)]
    fn append(&mut self, prefix: &[u8; PREFIX], prefix_len: usize, value: &[u8], len: usize) -> Option<()> {
        let to = self.bytes.get_mut(self.used..)?;
        *to.first_chunk_mut::<WIDE>()? = *prefix.first_chunk()?;
        if prefix_len > WIDE {
            *to.first_chunk_mut()? = *prefix;
        }
        let to = to.get_mut(prefix_len..)?;
        *to.first_chunk_mut::<WIDE>()? = *value.first_chunk()?;
        let mut at = WIDE;
        while at < len {
            *to.get_mut(at..)?.first_chunk_mut::<WIDE>()? = *value.get(at..)?.first_chunk()?;
            at += WIDE;
        }
        self.used += prefix_len + len;
        Some(())
    }

    /// Makes an object and a line of it: the first comma becomes the brace. Returns the length.
    #[inline(always)]
    fn close(self) -> Option<usize> {
        // A record of which nothing is taken.
        let used = self.used.max(1);
        *self.bytes.first_mut()? = b'{';
        self.bytes.get_mut(used..used + 2)?.copy_from_slice(b"}\n");
        Some(used + 2)
    }
}

/// Where the value that begins at `start` ends: a number or a word.
#[inline]
fn end_of_value(record: &[u8], start: usize) -> Option<usize> {
    let rest = record.get(start..)?;
    match rest.first()? {
        b'n' => rest.starts_with(b"null").then_some(start + 4),
        // No digit may follow.
        b'0' => matches!(rest.get(1), Some(b',' | b'}')).then_some(start + 1),
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

#[inline(never)]
fn is_blank(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text::trim(text).is_empty())
}
