//! Who was seen before in the run, in 11 to 24 bytes a contact.
//!
//! Contacts are told apart by 60 bits of a hash of their identity: among ten million, the odds that any two are taken for
//! one are below one in twenty thousand. The first 65,536 go into an ordinary hash map, so that a small run costs little;
//! then a table takes over that holds 48 bits of the hash, and the index of the first contact. The other 12 bits choose one
//! of 4096 segments, all of one size and each with open addressing of its own, in lines of 64 bytes: a look is, nearly always,
//! one line of the cache.
//!
//! The segments lie in one map, in huge pages where the system has them: a look into ordinary pages all over the table costs
//! several times as much, for the walk through the page tables alone. The map grows in place, a little at a time once it is
//! large, so that growing needs no second table beside the first.

use crate::judge::Identity;
use crate::scan::prefetch;
use memmap2::MmapMut;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;

/// Contacts up to which a hash map holds them.
const SMALL: usize = 1 << 16;
const SEGMENT_BITS: u32 = 12;
const SEGMENTS: usize = 1 << SEGMENT_BITS;
const TAG_BITS: u32 = 48;
/// Bytes of one line of a segment.
const LINE: usize = 64;
/// Entries in a line.
const ENTRIES: usize = 6;
/// What the map's size is a multiple of: a huge page.
const STEP: usize = 2 << 20;
/// Most bytes of a table that is made for contacts which have not come yet: the guess may be wrong, and the contacts that do
/// come are spread over all of it.
const GUESSED_MAX: usize = 48 << 20;
/// Index behind the last that an entry can hold.
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

/// The contacts seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    small: HashMap<u64, u32, BuildHasherDefault<Same>>,
    table: Option<Table>,
    /// Contacts that are likely to come in all.
    expected: u64,
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
        let key = key_of(identity);
        let Some(table) = &mut self.table else {
            if self.small.len() < SMALL {
                return Ok(match self.small.entry(key) {
                    Entry::Occupied(entry) => Sight::Before(u64::from(*entry.get())),
                    Entry::Vacant(entry) => {
                        entry.insert(index.min(INDEX_END) as u32);
                        Sight::New
                    }
                });
            }
            let mut table = Table::new(self.expected)?;
            for (key, index) in std::mem::take(&mut self.small) {
                table.see(key, u64::from(index))?;
            }
            return self.table.insert(table).see(key, index);
        };
        table.see(key, index)
    }

    /// True as long as [`Seen::expect_in_all`] is of use.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.table.is_none()
    }

    /// So many contacts are likely to come in all: a table made for them need not grow, which moves everything in it. A guess that
    /// is wrong costs some memory or time, and nothing else.
    pub fn expect_in_all(&mut self, contacts: u64) {
        self.expected = contacts;
    }

    /// Asks for the memory that [`Seen::see`] will look at, so that it is there by then: the table is far larger than any cache,
    /// and a look costs as much as everything else a contact costs.
    #[inline]
    pub fn expect(&self, identity: Identity) {
        let Some(table) = &self.table else { return };
        let (segment, tag) = split(key_of(identity));
        prefetch(table.map.as_ptr().wrapping_add((segment * table.room + home(tag, table.room)) * LINE));
    }

    /// Bytes of memory that its table has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.map.len())
    }
}

#[inline]
fn key_of(identity: Identity) -> u64 {
    identity >> (64 - SEGMENT_BITS - TAG_BITS)
}

/// The segment's number, and the bits that its entries hold.
#[inline]
fn split(key: u64) -> (usize, u64) {
    (key as usize & (SEGMENTS - 1), key >> SEGMENT_BITS)
}

#[derive(Debug)]
struct Table {
    map: MmapMut,
    /// Lines in each segment.
    room: usize,
    /// Entries in each segment.
    lens: Vec<u32>,
}

/// A line: the low 32 bits of each hash, the indexes, the high 16 bits of each hash, and how many there are.
type Line = [u8; LINE];
const INDEXES: usize = 4 * ENTRIES;
const HIGHS: usize = 8 * ENTRIES;
const COUNT: usize = 10 * ENTRIES;

#[inline(always)]
fn u32_at(line: &Line, at: usize) -> u32 {
    u32::from_le_bytes(*line[at..].first_chunk().expect("within the line"))
}

/// The hash and the index of entry `i`.
#[inline]
fn entry(line: &Line, i: usize) -> (u64, u32) {
    let high = u16::from_le_bytes(*line[HIGHS + 2 * i..].first_chunk().expect("within the line"));
    (u64::from(high) << 32 | u64::from(u32_at(line, 4 * i)), u32_at(line, INDEXES + 4 * i))
}

/// The line at which the search for a hash begins: the hash, stretched over the room.
#[inline]
fn home(tag: u64, room: usize) -> usize {
    (((tag >> (TAG_BITS - 32)) * room as u64) >> 32) as usize
}

/// Looks for a hash in a segment, and puts it there if it is not, with this index, where there is one. Somewhere in the segment
/// there must be room.
#[inline]
fn find_or_put(segment: &mut [Line], tag: u64, index: Option<u32>) -> Sight {
    let mut at = home(tag, segment.len());
    loop {
        let line = &mut segment[at];
        let count = usize::from(line[COUNT]);
        // All of them, whether or not they are there: that has no branches.
        let mut same = 0u32;
        for i in 0..ENTRIES {
            same |= u32::from(u32_at(line, 4 * i) == tag as u32) << i;
        }
        same &= !(!0 << count);
        while same != 0 {
            let (found, first) = entry(line, same.trailing_zeros() as usize);
            if found == tag {
                return Sight::Before(u64::from(first));
            }
            same &= same - 1;
        }
        if count < ENTRIES {
            if let Some(index) = index {
                line[4 * count..4 * count + 4].copy_from_slice(&(tag as u32).to_le_bytes());
                line[INDEXES + 4 * count..INDEXES + 4 * count + 4].copy_from_slice(&index.to_le_bytes());
                line[HIGHS + 2 * count..HIGHS + 2 * count + 2].copy_from_slice(&((tag >> 32) as u16).to_le_bytes());
                line[COUNT] = count as u8 + 1;
            }
            return Sight::New;
        }
        at = if at + 1 == segment.len() { 0 } else { at + 1 };
    }
}

impl Table {
    /// A table with room for so many contacts, or more.
    fn new(contacts: u64) -> io::Result<Table> {
        let map = MmapMut::map_anon(STEP)?;
        let mut table = Table { room: STEP / SEGMENTS / LINE, map, lens: vec![0; SEGMENTS] };
        // The fullest segment has this many of them, or a few more.
        let mean = contacts as f64 / SEGMENTS as f64;
        let fullest = mean + 3.7 * mean.sqrt();
        let room = (fullest / (ENTRIES as f64 - 0.25)) as usize + 1;
        let room = room.min(GUESSED_MAX / SEGMENTS / LINE);
        if room > table.room {
            // What cannot be had for a guess may never be needed.
            let _ = table.grow_to(room);
        }
        Ok(table)
    }

    #[inline]
    fn segment(&mut self, number: usize) -> &mut [Line] {
        &mut self.map.as_chunks_mut().0[number * self.room..(number + 1) * self.room]
    }

    #[inline]
    fn see(&mut self, key: u64, index: u64) -> io::Result<Sight> {
        let (number, tag) = split(key);
        // Some room stays, so that a search ends, and soon.
        if self.lens[number] as usize >= self.room * ENTRIES - self.room / 4 - 1 {
            self.grow()?;
        }
        let index = (index < INDEX_END).then_some(index as u32);
        let sight = find_or_put(self.segment(number), tag, index);
        self.lens[number] += u32::from(sight == Sight::New && index.is_some());
        Ok(sight)
    }

    /// Gives every segment more room. They move up one after the other, the last first: where one goes, only itself and those
    /// above it have been.
    #[cold]
    fn grow(&mut self) -> io::Result<()> {
        let old = self.room;
        let more = match self.map.len() {
            // As much as keeps an entry below 24 bytes: small segments fill less evenly than large ones.
            0..0x200_0000 => old / 2,
            0x200_0000..0x400_0000 => old / 4,
            _ => old / 16,
        };
        self.grow_to(old + more.max(1))
    }

    fn grow_to(&mut self, room: usize) -> io::Result<()> {
        let old = self.room;
        let bytes = (SEGMENTS * room * LINE).next_multiple_of(STEP);
        // All the room there is in whole huge pages.
        let room = bytes / SEGMENTS / LINE;
        self.resize(bytes)?;
        if self.lens.iter().all(|len| *len == 0) {
            self.room = room;
            return Ok(());
        }
        let lines: &mut [Line] = self.map.as_chunks_mut().0;
        let mut segment = vec![[0; LINE]; old];
        for number in (0..SEGMENTS).rev() {
            segment.copy_from_slice(&lines[number * old..(number + 1) * old]);
            let place = &mut lines[number * room..(number + 1) * room];
            // What lies behind the old end is zeros already.
            let stale = (SEGMENTS * old).saturating_sub(number * room).min(room);
            place[..stale].fill([0; LINE]);
            for line in &segment {
                for i in 0..usize::from(line[COUNT]) {
                    let (tag, index) = entry(line, i);
                    find_or_put(place, tag, Some(index));
                }
            }
        }
        self.room = room;
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn resize(&mut self, bytes: usize) -> io::Result<()> {
        // SAFETY: the map may move, and nothing points into it: it is borrowed for as long as this takes. It is anonymous, so
        // what is new in it can be read, as zeros.
        unsafe { self.map.remap(bytes, memmap2::RemapOptions::new().may_move(true))? };
        // Where the system has no huge pages to give, ordinary ones do.
        let _ = self.map.advise(memmap2::Advice::HugePage);
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn resize(&mut self, bytes: usize) -> io::Result<()> {
        let mut map = MmapMut::map_anon(bytes)?;
        map[..self.map.len()].copy_from_slice(&self.map);
        self.map = map;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(i: u64) -> Identity {
        xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes())
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
                // A table of two or three huge pages aside.
                let limit = (24 * i).max(6 << 20);
                assert!((seen.bytes() as u64) <= limit, "{} bytes for {i}", seen.bytes());
            }
        }
    }

    #[test]
    fn a_table_made_for_all_need_not_grow() {
        for (expected, all) in [(400_000, 400_000), (400_000, 1_000_000), (0, 400_000), (u64::MAX, 70_000)] {
            let mut seen = Seen::default();
            let mut sizes = std::collections::BTreeSet::new();
            for i in 0..all {
                if seen.is_small() {
                    seen.expect_in_all(expected);
                }
                assert_eq!(seen.see(identity(i), i).unwrap(), Sight::New);
                sizes.insert(seen.bytes());
            }
            for i in 0..all {
                assert_eq!(seen.see(identity(i), 0).unwrap(), Sight::Before(i));
            }
            assert_eq!(sizes.len() == 2, expected >= all, "{expected} {all}: {sizes:?}");
            assert!(expected != all || (seen.bytes() as u64) < 24 * all);
            assert!(seen.bytes() <= GUESSED_MAX + STEP);
        }
    }

    #[test]
    #[ignore = "takes a while and 130 MB: cargo test --release -- --ignored table"]
    fn a_large_table_is_full() {
        let mut seen = Seen::default();
        for i in 0..9_000_000u64 {
            seen.see(identity(i), i).unwrap();
            if i > 6_000_000 && i % 100_000 == 0 {
                assert!((seen.bytes() as u64) < 27 * i / 2, "{} bytes for {i}", seen.bytes());
            }
        }
        for i in 0..9_000_000u64 {
            assert_eq!(seen.see(identity(i), 0).unwrap(), Sight::Before(i));
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
