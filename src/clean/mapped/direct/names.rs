//! The columns of an input, found by their names as they stand in a record.

use super::{PREFIX, WIDE};
use crate::clean::fast_path::PADDING;
use crate::clean::mapped::gate::Gate;
use crate::clean::mapped::{is_rival, member_prefix};
use crate::mapping::{Column, How, Target};
use crate::simd::Backend;
use std::hash::{BuildHasher, RandomState};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Places of [`Names::first`], a power of two.
const PLACES: usize = 1024;
/// Multipliers that are tried for it.
const TRIES: u64 = 32;
/// No column.
const NONE: u32 = u32::MAX;

/// What a column takes.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Plan {
    /// The name in the record, its quote and its colon.
    name: Box<[u8]>,
    /// The least and the greatest that the first bytes of a record's name may be if it is this one: the same as far as the name goes.
    low: [u8; WIDE],
    high: [u8; WIDE],
    /// A comma, and the member's name with its colon, with bytes of no meaning behind them.
    pub(super) prefix: [u8; PREFIX],
    /// Bytes of the prefix that count: none where the value is not in the output.
    pub(super) prefix_len: usize,
    /// The number of the record in which the column was met last; the greatest where its values need a closer look.
    pub(super) met: u64,
    /// Other columns with the same member. A record with two of them needs a closer look.
    pub(super) rivals: Box<[u32]>,
    /// The member is one of the table: a value that says nothing goes along, for the rules to report.
    pub(super) is_known: bool,
    /// A value may be several.
    pub(super) is_joined: bool,
    /// A value may be several, or say something about permission.
    pub(super) is_checked: bool,
    pub(super) gate: Gate,
}

impl Plan {
    /// For a column, which is one of these.
    pub(super) fn new(column: &Column, columns: &[Column]) -> Self {
        let text = member_prefix(&column.target);
        let rivals = (0..).zip(columns).filter(|(_, other)| is_rival(column, other)).map(|(i, _)| i).collect();
        let is_taken = text.is_some();
        let text = text.unwrap_or_default();
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
        let is_refused = !is_taken || !is_plain_name || is_own || !column.is_direct() || text.len() > PREFIX;
        let gate = Gate::new(column.permission);
        Plan {
            name: name.into(),
            low,
            high,
            prefix,
            prefix_len,
            met: if is_refused { u64::MAX } else { 0 },
            rivals,
            is_known: matches!(column.target, Target::Member(_)),
            is_joined: column.is_joined(),
            is_checked: column.is_joined() || gate.is_there(),
            gate,
        }
    }

    /// Whether this is the column of the name behind the quote with which the window begins.
    #[inline(always)]
    pub(super) fn is<B: Backend>(&self, backend: B, window: &[u8; PADDING]) -> bool {
        let [_, name @ ..] = window;
        name.first_chunk().is_some_and(|first| backend.within32(first, &self.low, &self.high))
            && (self.name.len() <= WIDE || name.get(..self.name.len()) == Some(&*self.name))
    }
}

/// The columns by their names.
#[derive(Debug)]
pub(super) struct Names {
    /// By a hash of some bytes of the name, which takes few instructions and no branch: column 0 where there is none.
    pub(super) first: Box<[u16; PLACES]>,
    /// Multipliers of that hash.
    pub(super) factors: [u64; 3],
    /// By a hash of the whole name, for those that share a place there: a table with room to spare.
    all: Vec<u32>,
    /// The seed of the hash, so that no names can be made to collide.
    seed: u64,
}

impl Names {
    pub(super) fn new(plans: &[Plan]) -> Self {
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
                first[place(&window, plan.name.len() - 1, &factors)] = index;
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
    pub(super) fn find(&self, name: &[u8], plans: &[Plan]) -> Option<usize> {
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

/// The place of a name among [`PLACES`]. The window begins with the quote before the name; `close` is where that behind it is. (For
/// a name that is longer than that, some place.)
#[inline(always)]
pub(super) fn place(window: &[u8; PADDING], close: usize, factors: &[u64; 3]) -> usize {
    // At most 63, so that nothing is to be checked.
    let word = |at: usize| window[at & 63..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    // Of a short name, the first word has all, and what is behind the quote is shifted out.
    let first = word(1) << (64 - 8 * close.min(8));
    let others = if close < 8 { 0 } else { !0 };
    let (middle, last) = (word((close >> 1).wrapping_sub(3)) & others, word(close.wrapping_sub(8)) & others);
    let product = |word: u64, i: usize| word.wrapping_mul(factors[i]);
    let sum = product(first, 0).wrapping_add(product(middle, 1)).wrapping_add(product(last, 2));
    (sum >> (64 - PLACES.trailing_zeros())) as usize & (PLACES - 1)
}
