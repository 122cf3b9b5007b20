//! Which member a name is: one perfect hash over the names of the table.
//!
//! Two readers share it. [`MemberId::of`] has the name as a slice. The fast path has the offsets of the quotes around it, and
//! loads words of a fixed size beside them. So the hash takes only bytes that both can load without looking at the length.

use super::member::{KNOWN, MEMBERS, MemberId};

/// Slots of the hash. Any name has a slot, and no two names of the table share one.
pub const SLOTS: usize = 256;

/// Longest name in the table, in bytes.
const NAME_MAX: usize = 16;

/// The slot of a name, by its first four bytes and its last four, where a quote and a colon stand behind the name: the first
/// four of `zip` are `zip"`, and its last four are `ip":`.
#[inline(always)]
#[must_use]
pub const fn slot(first: u32, last: u32) -> usize {
    slot_by(first, last, FACTOR)
}

/// The slot of a name of the table.
#[must_use]
pub const fn slot_of(id: MemberId) -> usize {
    slot_of_by(id, FACTOR)
}

#[inline(always)]
const fn slot_by(first: u32, last: u32, factor: u64) -> usize {
    ((((last as u64) << 32 | first as u64).wrapping_mul(factor)) >> 56) as usize
}

const fn slot_of_by(id: MemberId, factor: u64) -> usize {
    let name = MEMBERS[id as usize].name.as_bytes();
    name_key(name).expect("a name of 3 to 16 bytes").slot(factor)
}

/// A factor by which no two names of the table fall into one slot.
const FACTOR: u64 = {
    let mut factor = 0x9e37_79b9_7f4a_7c15u64;
    loop {
        let mut taken = [false; SLOTS];
        let (mut i, mut good) = (0, true);
        while i < KNOWN.len() && good {
            let slot = slot_of_by(KNOWN[i], factor);
            good = !taken[slot];
            taken[slot] = true;
            i += 1;
        }
        if good {
            break factor;
        }
        factor = factor.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(2);
    }
};

/// The member at each slot.
static MEMBER_AT: [MemberId; SLOTS] = {
    let mut members = [MemberId::Unknown; SLOTS];
    let mut i = 0;
    while i < KNOWN.len() {
        members[slot_of(KNOWN[i])] = KNOWN[i];
        i += 1;
    }
    members
};

/// The keys of the table's names.
static KEYS: [NameKey; KNOWN.len()] = {
    let mut keys = [NameKey { first: 0, last: 0, len: 0 }; KNOWN.len()];
    let mut i = 0;
    while i < KNOWN.len() {
        keys[i] = name_key(MEMBERS[i].name.as_bytes()).expect("a name of 3 to 16 bytes");
        i += 1;
    }
    keys
};

/// The member of the table that has exactly this name.
#[inline]
#[must_use]
pub fn find(name: &[u8]) -> Option<MemberId> {
    let key = name_key(name)?;
    let id = MEMBER_AT[key.slot(FACTOR)];
    (KEYS.get(id as usize) == Some(&key)).then_some(id)
}

/// Up to eight bytes, the first lowest, and zeros behind them.
#[inline(always)]
#[must_use]
pub const fn load_up_to_8(bytes: &[u8]) -> u64 {
    match bytes {
        [] => 0,
        [a] => *a as u64,
        [a, b] => u16::from_le_bytes([*a, *b]) as u64,
        [a, b, c] => u32::from_le_bytes([*a, *b, *c, 0]) as u64,
        [a, b, c, d, ..] => {
            let low = u32::from_le_bytes([*a, *b, *c, *d]) as u64;
            // The last four, of which some may be among the first four.
            let [.., w, x, y, z] = bytes else { return low };
            let high = u32::from_le_bytes([*w, *x, *y, *z]) as u64;
            low | high << (8 * (bytes.len() - 4))
        }
    }
}

/// All of a name, in words.
#[derive(Clone, Copy, PartialEq, Eq)]
struct NameKey {
    /// The first eight bytes, or fewer and zeros.
    first: u64,
    /// The last eight, some of which may be among the first eight; 0 for a name of fewer.
    last: u64,
    len: usize,
}

impl NameKey {
    #[inline(always)]
    const fn slot(self, factor: u64) -> usize {
        let quote = if self.len == 3 { (b'"' as u32) << 24 } else { 0 };
        let ending = if self.len < 8 { self.first >> (8 * (self.len - 2)) } else { self.last >> 48 } as u32 & 0xffff;
        slot_by(self.first as u32 | quote, ending | (b'"' as u32) << 16 | (b':' as u32) << 24, factor)
    }
}

/// The key of a name; none where it is shorter or longer than those of the table.
#[inline(always)]
const fn name_key(name: &[u8]) -> Option<NameKey> {
    let len = name.len();
    if len < 3 || len > NAME_MAX {
        return None;
    }
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (load_up_to_8(name), 0),
    };
    Some(NameKey { first, last, len })
}
