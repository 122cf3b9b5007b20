//! Who was seen before in the run, in 11 to 14 bytes a contact.
//!
//! Contacts are told apart by 60 bits of a hash of their identity: among ten million, the odds that any two are taken for
//! one are below one in twenty thousand. The first 65,536 go into an ordinary hash map, so that a small run costs little;
//! then a table of 10-byte entries takes over (48 bits of the hash, the index of the first contact; the other 12 bits choose
//! one of 4096 segments). Segments grow by an eighth each; from a page on they are anonymous maps, and what one lets go the
//! system has back at once, so that growing never needs much room beside what is there.

use crate::judge::Identity;
use memmap2::{MmapMut, MmapOptions};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::ops::{Deref, DerefMut};

/// Contacts up to which a hash map holds them.
const SMALL: usize = 1 << 16;
const SEGMENT_BITS: u32 = 12;
const TAG_BITS: u32 = 48;
/// Bytes of one entry: 6 of the hash, 4 of the index.
const ENTRY: usize = 10;
const PAGE: usize = 4096;
/// Index behind the last that an entry can hold; 0 in the table means "empty".
const INDEX_END: u64 = u32::MAX as u64;

/// The keys are hashes already.
#[derive(Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u64")
    }
    fn write_u64(&mut self, key: u64) {
        // The map takes its bits from the top.
        self.0 = key << (64 - SEGMENT_BITS - TAG_BITS);
    }
}

/// Where a segment's entries lie.
#[derive(Debug)]
enum Room {
    Heap(Box<[u8]>),
    Map(MmapMut),
}

impl Default for Room {
    fn default() -> Self {
        Room::Heap(Box::default())
    }
}

impl Deref for Room {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Room::Heap(bytes) => bytes,
            Room::Map(bytes) => bytes,
        }
    }
}

impl DerefMut for Room {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Room::Heap(bytes) => bytes,
            Room::Map(bytes) => bytes,
        }
    }
}

#[derive(Debug, Default)]
struct Segment {
    room: Room,
    /// Entries in it.
    len: usize,
    /// Entries it has room for.
    max: usize,
}

/// The contacts seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    small: HashMap<u64, u32, BuildHasherDefault<Same>>,
    segments: Vec<Segment>,
}

/// What was found of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It is seen for the first time.
    New,
    /// It was seen before; the index of the first.
    Before(u64),
}

impl Seen {
    /// Notes that contact `index` (of the whole run) has this identity, if no other had it before. Indexes beyond 2^32 - 2
    /// are not noted, only looked up.
    ///
    /// # Errors
    /// There is no memory for more.
    #[inline]
    pub fn see(&mut self, identity: Identity, index: u64) -> io::Result<Sight> {
        let key = identity as u64 >> (64 - SEGMENT_BITS - TAG_BITS);
        if self.segments.is_empty() {
            if self.small.len() < SMALL {
                return Ok(match self.small.entry(key) {
                    Entry::Occupied(entry) => Sight::Before(u64::from(*entry.get())),
                    Entry::Vacant(entry) => {
                        entry.insert(index.min(INDEX_END) as u32);
                        Sight::New
                    }
                });
            }
            self.segments.resize_with(1 << SEGMENT_BITS, Segment::default);
            for (key, index) in std::mem::take(&mut self.small) {
                self.see_large(key, u64::from(index))?;
            }
        }
        self.see_large(key, index)
    }

    /// Asks for the memory that [`Seen::see`] will look at, so that it is there by then: the table is far larger than any cache,
    /// and a look costs as much as everything else a contact costs.
    #[inline]
    pub fn expect(&self, identity: Identity) {
        let key = identity as u64 >> (64 - SEGMENT_BITS - TAG_BITS);
        let Some(segment) = self.segments.get((key & ((1 << SEGMENT_BITS) - 1)) as usize) else { return };
        let at = ((u128::from(key >> SEGMENT_BITS) * segment.max as u128) >> TAG_BITS) as usize * ENTRY;
        if let Some(entry) = segment.room.get(at) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a prefetch reads nothing as far as the program can tell, and this address is a valid one.
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                _mm_prefetch(std::ptr::from_ref(entry).cast(), _MM_HINT_T0);
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = entry;
        }
    }

    fn see_large(&mut self, key: u64, index: u64) -> io::Result<Sight> {
        let (number, tag) = (key & ((1 << SEGMENT_BITS) - 1), key >> SEGMENT_BITS);
        let segment = &mut self.segments[number as usize];
        if segment.len >= segment.fill() {
            segment.grow()?;
        }
        let at = match segment.find(tag) {
            Ok(first) => return Ok(Sight::Before(first)),
            Err(at) => at,
        };
        if index < INDEX_END {
            segment.put(at, tag, index as u32);
            segment.len += 1;
        }
        Ok(Sight::New)
    }

    /// Bytes of memory that its table has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.room.len() + size_of::<Segment>()).sum()
    }
}

impl Segment {
    /// The entry's hash, and its index plus one; 0 where it is empty.
    #[inline]
    fn entry(room: &[u8], at: usize) -> (u64, u32) {
        let bytes: &[u8; ENTRY] = room[at * ENTRY..].first_chunk().expect("a whole entry");
        let low = u64::from_le_bytes(*bytes.first_chunk().expect("8 of 10"));
        let index = u32::from_le_bytes(*bytes.last_chunk().expect("4 of 10"));
        (low & ((1 << TAG_BITS) - 1), index)
    }

    /// The index of the first contact with this hash, or where it would be put.
    #[inline]
    fn find(&self, tag: u64) -> Result<u64, usize> {
        let room = &*self.room;
        // The hash, stretched over the room.
        let mut at = ((u128::from(tag) * self.max as u128) >> TAG_BITS) as usize;
        loop {
            match Segment::entry(room, at) {
                (_, 0) => return Err(at),
                (found, index) if found == tag => return Ok(u64::from(index) - 1),
                _ => at = if at + 1 == self.max { 0 } else { at + 1 },
            }
        }
    }

    /// Entries at which it grows. A fuller table takes longer to look through; only a large one has to be full.
    #[inline]
    fn fill(&self) -> usize {
        if self.max <= 4 * PAGE / ENTRY { self.max / 4 * 3 } else { self.max / 8 * 7 }
    }

    fn put(&mut self, at: usize, tag: u64, index: u32) {
        let bytes = &mut self.room[at * ENTRY..(at + 1) * ENTRY];
        bytes[..6].copy_from_slice(&tag.to_le_bytes()[..6]);
        bytes[6..].copy_from_slice(&(index + 1).to_le_bytes());
    }

    fn grow(&mut self) -> io::Result<()> {
        let bytes = self.max * ENTRY;
        let room = if bytes < PAGE * 3 / 4 {
            Room::Heap(vec![0; ENTRY * (self.max + self.max / 4).max(16)].into())
        } else {
            let pages = bytes.div_ceil(PAGE);
            // A whole page at a time, and an eighth.
            let pages = if matches!(self.room, Room::Heap(_)) { pages } else { pages + pages.div_ceil(8) };
            // Populated: a page that is looked at before it is written to would cost two faults and a flush of every processor's
            // address cache.
            Room::Map(MmapOptions::new().len(pages * PAGE).populate().map_anon()?)
        };
        let mut grown = Segment { max: room.len() / ENTRY, room, len: self.len };
        for at in 0..self.max {
            let (tag, index) = Segment::entry(&self.room, at);
            if index > 0
                && let Err(at) = grown.find(tag)
            {
                grown.put(at, tag, index - 1);
            }
        }
        *self = grown;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(i: u64) -> Identity {
        xxhash_rust::xxh3::xxh3_128(&i.to_le_bytes())
    }

    #[test]
    fn tells_who_was_first() {
        let mut seen = Seen::default();
        let many = 300_000;
        for i in 0..many {
            assert_eq!(seen.see(identity(i), i).unwrap(), Sight::New, "{i}");
            if i % 3 == 0 {
                assert_eq!(seen.see(identity(i / 3), u64::from(u32::MAX)).unwrap(), Sight::Before(i / 3), "{i}");
            }
        }
        for i in 0..many {
            assert_eq!(seen.see(identity(i), 0).unwrap(), Sight::Before(i));
        }
    }

    #[test]
    fn takes_at_most_24_bytes_a_contact() {
        let mut seen = Seen::default();
        for i in 0..2_500_000u64 {
            seen.see(identity(i), i).unwrap();
            if i > SMALL as u64 && i % 50_000 == 0 {
                let limit = if i < 2_000_000 { 24 * i } else { 17 * i };
                assert!((seen.bytes() as u64) < limit, "{} bytes for {i}", seen.bytes());
            }
        }
    }

    #[test]
    fn indexes_have_an_end() {
        let mut seen = Seen::default();
        for i in 0..SMALL as u64 {
            seen.see(identity(i), i).unwrap();
        }
        assert_eq!(seen.see(identity(1 << 40), INDEX_END).unwrap(), Sight::New);
        assert_eq!(seen.see(identity(1 << 40), INDEX_END).unwrap(), Sight::New);
        assert_eq!(seen.see(identity(7), INDEX_END).unwrap(), Sight::Before(7));
    }
}
