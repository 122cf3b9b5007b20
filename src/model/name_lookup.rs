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
    let key = name_key(name).expect("a short name");
    let (first, last) = ends(name, key).expect("a name of three bytes or more");
    slot_by(first, last, factor)
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
static KEYS: [(u64, u64); KNOWN.len()] = {
    let mut keys = [(0, 0); KNOWN.len()];
    let mut i = 0;
    while i < KNOWN.len() {
        keys[i] = name_key(MEMBERS[i].name.as_bytes()).expect("a short name");
        i += 1;
    }
    keys
};

/// The member of the table that has exactly this name.
#[inline]
#[must_use]
pub fn find(name: &[u8]) -> Option<MemberId> {
    let key = name_key(name)?;
    let (first, last) = ends(name, key)?;
    let id = MEMBER_AT[slot(first, last)];
    (KEYS.get(id as usize) == Some(&key)).then_some(id)
}

/// What [`slot`] takes, for a name with this key; none for a name of fewer than three bytes, which the table does not have.
#[inline(always)]
const fn ends(name: &[u8], key: (u64, u64)) -> Option<(u32, u32)> {
    let [_, .., y, z] = name else { return None };
    let quote = if name.len() == 3 { (b'"' as u32) << 24 } else { 0 };
    Some((key.0 as u32 | quote, u32::from_le_bytes([*y, *z, b'"', b':'])))
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

/// The bytes of a name and zeros behind them, as two words; none for a name that is empty, longer than those of the table, or
/// has a zero in it.
#[inline]
const fn name_key(name: &[u8]) -> Option<(u64, u64)> {
    let len = name.len();
    let key = match name.first_chunk::<8>() {
        None if len > 0 => (load_up_to_8(name), 0),
        Some(first) if len <= NAME_MAX => {
            let Some(last) = name.last_chunk::<8>() else { return None };
            // The last eight, without those among them that are of the first eight.
            let last = u64::from_le_bytes(*last);
            (u64::from_le_bytes(*first), if len == 8 { 0 } else { last >> (8 * (16 - len)) })
        }
        _ => return None,
    };
    // A zero at the end of a name would be taken for one behind it.
    if name[len - 1] == 0 { None } else { Some(key) }
}
