//! Who was seen before in the run. A large run takes some 6 bytes of memory for each contact, and 8 of a temporary file.
//!
//! Contacts are told apart by 64 bits, their [identity](crate::model::identity), under a key that cannot be known beforehand: among ten
//! million, whatever they are, the odds that any two are taken for one are below one in three hundred thousand. Identities are noted
//! one behind the other, by the index of their contact, in a log: all but its end is in a temporary file. What is looked up for each
//! contact is a table of 34 bits of the identity and, of the index of the first contact, 16 bits: which block of the log it is in.
//! Only when the 34 bits are there is the block read, which is for contacts that were seen before and one in a thousand or so of the
//! others; it has the whole identity, and where it lies is the index.
//!
//! The first 65,536 contacts go into an ordinary hash map, so that a small run costs little. The table that takes over has 1024
//! segments (10 bits of the identity), all of one size and each with open addressing of its own, in lines of 64 bytes: a look is,
//! nearly always, one line of the cache.
//!
//! The segments lie in one map, in huge pages where the system has them: a look into ordinary pages all over the table costs
//! several times as much, for the walk through the page tables alone. The map grows in place, a little at a time once it is
//! large, so that growing needs no second table beside the first. Where it is known how many contacts are likely to come it grows to
//! what they need, but never beyond `BYTES_A_CONTACT` for each that has come.
//!
//! All of that counts on identities that are spread evenly. Those of a keyed hash are; but neither memory nor time is staked on it.
//! A table that would have to grow beyond its measure for the sake of one segment, or in which a look meets many others with the
//! same 34 bits, is laid out anew from the log, by other bits: a hash of the identity under a key of its own.
//!
//! Long because a quarter of it is tests, and the table and the log are one data structure.

use crate::model::identity::{Identity, IdentityKey};
use crate::simd::prefetch;
use memmap2::MmapMut;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Seek, SeekFrom, Write};

/// Contacts up to which a hash map holds them.
const SMALL: usize = 1 << 16;
const SEGMENT_BITS: u32 = 10;
const SEGMENTS: usize = 1 << SEGMENT_BITS;
const TAG_BITS: u32 = 24;
/// Bytes of one line of a segment.
const LINE: usize = 64;
/// Entries in a line.
const ENTRIES: usize = 12;
/// The size of the map is a multiple of this: a huge page.
const STEP: usize = 2 << 20;
/// Most bytes for each contact that has come.
const BYTES_A_CONTACT: u64 = 24;
/// Others with the same 34 bits that a look may meet: more are no chance.
const ALIKE: u32 = 16;
/// Identities that the log has in memory before it goes to a file, and then at its end.
const LOG_IN_MEMORY: usize = 1 << 18;
const LOG_END: usize = 1 << 15;
/// Contacts of a block of the log, as a power of two, at first.
const BLOCK_BITS: u32 = 8;

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
        self.0 = key;
    }
}

/// The contacts seen so far.
#[derive(Debug, Default)]
pub struct DuplicateIndex {
    small: HashMap<Identity, u64, BuildHasherDefault<Same>>,
    large: Option<Box<Large>>,
    /// Contacts that are likely to come in all.
    expected: u64,
}

/// Whether an identity came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// It is seen for the first time.
    New,
    /// It was seen before; the index of the first.
    Before(u64),
}

impl DuplicateIndex {
    /// Notes that contact `index` (of the whole run) has this identity, if no other had it before. Indexes go up from call to call.
    ///
    /// # Errors
    /// There is no memory for more, or the temporary file cannot be read.
    #[inline]
    pub fn insert(&mut self, identity: Identity, index: u64) -> io::Result<Lookup> {
        // A log has zeros where no contact was noted.
        let identity = identity.max(1);
        let Some(large) = &mut self.large else {
            if self.small.len() < SMALL {
                return Ok(match self.small.entry(identity) {
                    Entry::Occupied(entry) => Lookup::Before(*entry.get()),
                    Entry::Vacant(entry) => {
                        entry.insert(index);
                        Lookup::New
                    }
                });
            }
            let mut large = Box::new(Large::new()?);
            let mut small: Vec<(Identity, u64)> = std::mem::take(&mut self.small).into_iter().collect();
            small.sort_unstable_by_key(|(_, index)| *index);
            for (identity, index) in small {
                large.insert(identity, index, 0)?;
            }
            return self.large.insert(large).insert(identity, index, self.expected);
        };
        large.insert(identity, index, self.expected)
    }

    /// So many contacts are likely to come in all: a table that grows, which moves everything in it, grows to what they need. A
    /// guess that is wrong costs some memory or time, and nothing else.
    pub fn expect_in_all(&mut self, contacts: u64) {
        self.expected = contacts;
    }

    /// Prefetches the memory that [`DuplicateIndex::insert`] will read: the table is far larger than any cache,
    /// and a look costs as much as everything else a contact costs.
    #[inline]
    pub fn expect(&self, identity: Identity) {
        let Some(large) = &self.large else { return };
        let table = &large.table;
        let (segment, tag) = table.split(identity);
        prefetch(table.map.as_ptr().wrapping_add((segment * table.room + home(tag, table.room)) * LINE));
    }

    /// Bytes of memory that it has for a large run.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.large.as_ref().map_or(0, |large| large.table.map.len() + large.log.bytes())
    }
}

/// The table and the log of a large run.
#[derive(Debug)]
struct Large {
    table: Table,
    log: Log,
    /// The contacts that the table had when it was laid out anew.
    laid_out: u64,
}

impl Large {
    fn new() -> io::Result<Large> {
        Ok(Large { table: Table::new()?, log: Log::default(), laid_out: 0 })
    }

    #[inline]
    fn insert(&mut self, identity: Identity, index: u64, expected: u64) -> io::Result<Lookup> {
        if self.table.is_full(self.table.split(identity).0) {
            self.make_room(identity, index, expected)?;
        }
        while index >> self.table.block_bits > u64::from(u16::MAX) {
            self.table.make_blocks_larger();
        }
        let (number, tag) = self.table.split(identity);
        let block_bits = self.table.block_bits;
        let log = &mut self.log;
        let mut sight = Ok(Lookup::New);
        let mut alike = 0;
        let place = find(self.table.segment(number), tag, |block| {
            match log.find(identity, u64::from(block) << block_bits, 1 << block_bits) {
                Ok(None) => {
                    alike += 1;
                    false
                }
                Ok(Some(first)) => {
                    sight = Ok(Lookup::Before(first));
                    true
                }
                Err(error) => {
                    sight = Err(error);
                    true
                }
            }
        });
        if let Some((line, entry)) = place {
            put(&mut self.table.segment(number)[line], entry, tag, (index >> block_bits) as u16);
            self.table.lens[number] += 1;
            self.table.len += 1;
            self.log.note(identity, index)?;
        }
        if alike > ALIKE && self.may_lay_out() {
            self.lay_out(index)?;
        }
        sight
    }

    /// Makes room in the segment of this identity: `index` contacts came before it.
    #[cold]
    fn make_room(&mut self, identity: Identity, index: u64, expected: u64) -> io::Result<()> {
        let most = BYTES_A_CONTACT.saturating_mul(index).saturating_sub(self.log.bytes() as u64);
        while self.table.is_full(self.table.split(identity).0) {
            if self.table.grow(most, expected)? {
                continue;
            }
            if self.may_lay_out() {
                self.lay_out(index)?;
            } else {
                self.table.grow(u64::MAX, 0)?;
            }
        }
        Ok(())
    }

    /// Whether the table has twice the contacts that it had the last time: all layouts of a run together cost no more than a few
    /// times what it costs to fill the table.
    fn may_lay_out(&self) -> bool {
        self.table.len >= 2 * self.laid_out
    }

    /// Lays the table out anew, by bits that identities were not made for.
    #[cold]
    fn lay_out(&mut self, index: u64) -> io::Result<()> {
        self.laid_out = self.table.len;
        self.table.clear();
        self.table.key = Some(Box::new(IdentityKey::draw()));
        let (table, log) = (&mut self.table, &mut self.log);
        let most = BYTES_A_CONTACT.saturating_mul(index).saturating_sub(log.bytes() as u64);
        log.each(|identity, index| {
            let (number, tag) = table.split(identity);
            while table.is_full(number) {
                if !table.grow(most, 0)? {
                    table.grow(u64::MAX, 0)?;
                }
            }
            let block = (index >> table.block_bits) as u16;
            if let Some((line, entry)) = find(table.segment(number), tag, |_| false) {
                put(&mut table.segment(number)[line], entry, tag, block);
                table.lens[number] += 1;
                table.len += 1;
            }
            Ok(())
        })
    }
}

/// The identities of contacts by their index, zeros where none was noted.
#[derive(Debug, Default)]
struct Log {
    /// All but the end, where a file could be made; it may be shorter, by zeros.
    file: Option<File>,
    /// The file takes no more.
    full: bool,
    /// Index of the first that is not in the file.
    start: u64,
    /// That one and those behind it.
    end: Vec<Identity>,
    /// What was read last from the file, as the bytes of identities, from which index on.
    read: Vec<u8>,
    read_start: u64,
}

/// Bytes of an identity in the file.
const SIZE: usize = size_of::<Identity>();

impl Log {
    /// Notes an identity. That it cannot go to the file is no error: then the log stays in memory.
    #[inline]
    fn note(&mut self, identity: Identity, index: u64) -> io::Result<()> {
        debug_assert!(index >= self.start + self.end.len() as u64, "indexes go up");
        let mut at = (index - self.start) as usize;
        if at >= self.end.capacity() {
            self.make_room(index)?;
            at = (index - self.start) as usize;
        }
        self.end.resize(at, 0);
        self.end.push(identity);
        Ok(())
    }

    #[cold]
    fn make_room(&mut self, index: u64) -> io::Result<()> {
        let most = if self.start == 0 { LOG_IN_MEMORY } else { LOG_END };
        if index - self.start >= most as u64 && !self.full {
            match self.write() {
                Ok(()) => {
                    // There may be far fewer from now on.
                    self.end = Vec::new();
                    self.start = index;
                }
                // Identities in the file can be read from there.
                Err(_) => self.full = true,
            }
        }
        let need = index - self.start + 1;
        let room = if self.full { need + need / 8 } else { (2 * need).clamp(LOG_END as u64, most as u64) };
        let more = (room as usize).saturating_sub(self.end.len());
        self.end.try_reserve_exact(more).map_err(|_| io::ErrorKind::OutOfMemory.into())
    }

    /// Writes the identities in memory to the file.
    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(self.start * SIZE as u64))?;
        let mut bytes = Vec::new();
        for some in self.end.chunks(LOG_END) {
            bytes.clear();
            bytes.extend(some.iter().flat_map(|identity| identity.to_ne_bytes()));
            file.write_all(&bytes)?;
        }
        Ok(())
    }

    /// Bytes of memory that it has.
    fn bytes(&self) -> usize {
        self.end.capacity() * SIZE + self.read.capacity()
    }

    /// The index of the contact that has this identity, of `len` from `from` on.
    fn find(&mut self, identity: Identity, from: u64, len: u64) -> io::Result<Option<u64>> {
        let index = |at: Option<usize>, from| at.map(|at| from + at as u64);
        step(len);
        let in_file = self.start.saturating_sub(from).min(len);
        if in_file > 0 {
            if self.read_start != from || (self.read.len() as u64) < in_file * SIZE as u64 {
                self.read(from, in_file as usize)?;
            }
            let bytes = identity.to_ne_bytes();
            let at = self.read.as_chunks().0.iter().position(|noted| *noted == bytes);
            if at.is_some() {
                return Ok(index(at, from));
            }
        }
        let end = (from + len).saturating_sub(self.start).min(self.end.len() as u64) as usize;
        let from = from.max(self.start);
        let some = self.end.get((from - self.start) as usize..end).unwrap_or_default();
        Ok(index(some.iter().position(|noted| *noted == identity), from))
    }

    /// Every identity with its index, in order.
    fn each(&mut self, mut take: impl FnMut(Identity, u64) -> io::Result<()>) -> io::Result<()> {
        let mut from = 0;
        while from < self.start {
            self.read(from, (self.start - from).min(LOG_END as u64) as usize)?;
            for (index, bytes) in (from..).zip(self.read.as_chunks().0) {
                let identity = Identity::from_ne_bytes(*bytes);
                if identity != 0 {
                    take(identity, index)?;
                }
            }
            from += LOG_END as u64;
        }
        // A block is far smaller.
        self.read = Vec::new();
        for (index, identity) in (self.start..).zip(&self.end) {
            if *identity != 0 {
                take(*identity, index)?;
            }
        }
        Ok(())
    }

    /// Reads so many identities of the file; what is behind its end is zeros, and left out.
    #[cold]
    fn read(&mut self, from: u64, len: usize) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            self.read.clear();
            return Ok(());
        };
        let start = from * SIZE as u64;
        self.read.resize(len * SIZE, 0);
        let mut done = 0;
        while done < self.read.len() {
            match read_at(file, &mut self.read[done..], start + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.read.clear();
                    return Err(error);
                }
            }
        }
        self.read.truncate(done);
        self.read_start = from;
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &mut File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, at)
}

#[cfg(not(unix))]
fn read_at(file: &mut File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    file.seek(SeekFrom::Start(at))?;
    io::Read::read(file, bytes)
}

#[derive(Debug)]
struct Table {
    map: MmapMut,
    /// Lines in each segment.
    room: usize,
    /// Entries in each segment.
    lens: Vec<u32>,
    /// Entries in all.
    len: u64,
    /// How many contacts are in a block of the log, as a power of two.
    block_bits: u32,
    /// What identities are hashed with once more, where they turned out to be uneven.
    key: Option<Box<IdentityKey>>,
}

/// A line: the low 16 bits of the tags, the high 8 of them, the blocks, and how many there are.
type Line = [u8; LINE];
const HIGHS: usize = 2 * ENTRIES;
const BLOCKS: usize = 3 * ENTRIES;
const COUNT: usize = 5 * ENTRIES;

#[inline(always)]
fn word_at(line: &Line, at: usize) -> u16 {
    u16::from_le_bytes(*line[at..].first_chunk().expect("within the line"))
}

#[inline(always)]
fn tag_at(line: &Line, i: usize) -> u32 {
    u32::from(line[HIGHS + i]) << 16 | u32::from(word_at(line, 2 * i))
}

#[inline(always)]
fn block_at(line: &Line, i: usize) -> u16 {
    word_at(line, BLOCKS + 2 * i)
}

#[inline]
fn put(line: &mut Line, i: usize, tag: u32, block: u16) {
    let [low, middle, high, _] = tag.to_le_bytes();
    line[2 * i..2 * i + 2].copy_from_slice(&[low, middle]);
    line[HIGHS + i] = high;
    line[BLOCKS + 2 * i..BLOCKS + 2 * i + 2].copy_from_slice(&block.to_le_bytes());
    line[COUNT] = i as u8 + 1;
}

/// The line at which the search for a tag begins: the tag, scaled to the number of lines.
#[inline]
fn home(tag: u32, room: usize) -> usize {
    ((u64::from(tag) * room as u64) >> TAG_BITS) as usize
}

/// Looks for a tag in a segment, and asks of each that is there, by its block, whether it is the one. If none is: the line and the
/// place in it where it is to be put. Somewhere in the segment there must be room.
#[inline]
fn find(segment: &[Line], tag: u32, mut is_it: impl FnMut(u16) -> bool) -> Option<(usize, usize)> {
    let mut at = home(tag, segment.len());
    loop {
        step(1);
        let line = &segment[at];
        let count = usize::from(line[COUNT]);
        // All of them, whether or not they are there: that has no branches.
        let (mut same, mut same_high) = (0u32, 0u32);
        for i in 0..ENTRIES {
            same |= u32::from(word_at(line, 2 * i) == tag as u16) << i;
        }
        for i in 0..ENTRIES {
            same_high |= u32::from(line[HIGHS + i] == (tag >> 16) as u8) << i;
        }
        same &= same_high & !(!0 << count);
        while same != 0 {
            if is_it(block_at(line, same.trailing_zeros() as usize)) {
                return None;
            }
            same &= same - 1;
        }
        if count < ENTRIES {
            return Some((at, count));
        }
        at = if at + 1 == segment.len() { 0 } else { at + 1 };
    }
}

impl Table {
    fn new() -> io::Result<Table> {
        let map = MmapMut::map_anon(STEP)?;
        Ok(Table {
            room: STEP / SEGMENTS / LINE,
            map,
            lens: vec![0; SEGMENTS],
            len: 0,
            block_bits: BLOCK_BITS,
            key: None,
        })
    }

    /// Empties it and keeps its size.
    fn clear(&mut self) {
        self.map.fill(0);
        self.lens.fill(0);
        self.len = 0;
    }

    /// The number of the segment that an identity belongs to, and the bits that its entry has there.
    #[inline]
    fn split(&self, identity: Identity) -> (usize, u32) {
        let bits = match &self.key {
            None => identity,
            Some(key) => key.again(identity),
        };
        ((bits >> (64 - SEGMENT_BITS)) as usize, (bits << SEGMENT_BITS >> (64 - TAG_BITS)) as u32)
    }

    #[inline]
    fn segment(&mut self, number: usize) -> &mut [Line] {
        &mut self.map.as_chunks_mut().0[number * self.room..(number + 1) * self.room]
    }

    /// Whether a segment has no room for one more. Some always stays, so that a search ends, and soon.
    #[inline]
    fn is_full(&self, number: usize) -> bool {
        self.lens[number] as usize >= self.room * ENTRIES - self.room / 4 - 1
    }

    /// Makes the blocks of the log twice as large: there are no more numbers for them.
    #[cold]
    fn make_blocks_larger(&mut self) {
        self.block_bits += 1;
        let lines: &mut [Line] = self.map.as_chunks_mut().0;
        for line in lines {
            for i in 0..usize::from(line[COUNT]) {
                let (tag, block, count) = (tag_at(line, i), block_at(line, i), line[COUNT]);
                put(line, i, tag, block >> 1);
                line[COUNT] = count;
            }
        }
    }

    /// Gives every segment more room, but not so much that the table has more than `most` bytes: false, if it would. It is made
    /// for `expected` contacts, where those are more. Segments move up one after the other, the last first: where one goes, only
    /// itself and those above it have been.
    #[cold]
    fn grow(&mut self, most: u64, expected: u64) -> io::Result<bool> {
        let old = self.room;
        let more = match self.map.len() {
            // As much as keeps an entry below 24 bytes: small segments fill less evenly than large ones.
            0..0x200_0000 => old / 2,
            0x200_0000..0x400_0000 => old / 4,
            _ => old / 16,
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let bytes = |room: usize| (SEGMENTS * room * LINE).next_multiple_of(STEP);
        let next = old + more.max(1);
        if bytes(next) > most {
            return Ok(false);
        }
        // The fullest segment has this many of them, or a few more.
        let mean = expected as f64 / SEGMENTS as f64;
        let fullest = mean + 3.7 * mean.sqrt();
        let guess = (fullest / (ENTRIES as f64 - 0.25)) as usize + 1;
        let guess = guess.min(most / STEP * STEP / SEGMENTS / LINE);
        // Memory for the estimate may not be needed after all: fall back to the next size.
        if guess <= next || self.grow_to(guess).is_err() {
            self.grow_to(next)?;
        }
        Ok(true)
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
                    let tag = tag_at(line, i);
                    if let Some((at, free)) = find(place, tag, |_| false) {
                        put(&mut place[at], free, tag, block_at(line, i));
                    }
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

/// Lines of the table that were looked at, and identities of the log, in tests.
#[inline(always)]
fn step(_steps: u64) {
    #[cfg(test)]
    tests::STEPS.with(|steps| steps.set(steps.get() + _steps));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        pub(super) static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    fn identity(i: u64) -> Identity {
        xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes())
    }

    #[test]
    fn tells_who_was_first() {
        let mut seen = DuplicateIndex::default();
        let many = 300_000;
        for i in 0..many {
            assert_eq!(seen.insert(identity(i), 2 * i).unwrap(), Lookup::New, "{i}");
            if i % 3 == 0 {
                assert_eq!(seen.insert(identity(i / 3), 2 * i + 1).unwrap(), Lookup::Before(i / 3 * 2), "{i}");
            }
        }
        for i in 0..many {
            assert_eq!(seen.insert(identity(i), 2 * many).unwrap(), Lookup::Before(2 * i));
        }
    }

    /// Most of the log is in its file, and some contacts were never noted.
    #[test]
    fn tells_who_was_first_long_ago() {
        let mut seen = DuplicateIndex::default();
        let mut index = 0;
        let mut indexes = Vec::new();
        for i in 0..1_500_000u64 {
            // Gaps of all sizes: none, some contacts, more than the log has in memory.
            index += match i {
                1_200_000 => 5 << 20,
                1_200_001 => LOG_END as u64,
                _ if i % 1000 == 0 => i % 7777,
                _ => 1,
            };
            indexes.push(index);
            assert_eq!(seen.insert(identity(i), index).unwrap(), Lookup::New, "{i}");
        }
        let large = seen.large.as_ref().unwrap();
        assert!(large.log.file.is_some() && !large.log.full);
        assert!(large.log.start > 5 << 20 && large.log.end.len() > 1 && large.log.end.capacity() <= LOG_END);
        // Near the file's end, all over it, and what is in memory.
        for i in (0..1_500_000).step_by(97).chain(1_199_900..1_200_100).chain(1_499_000..1_500_000) {
            assert_eq!(seen.insert(identity(i), index + 1).unwrap(), Lookup::Before(indexes[i as usize]), "{i}");
        }
    }

    #[test]
    fn a_log_that_cannot_be_written_stays_in_memory() {
        for written in [false, true] {
            let mut log = Log { full: !written, ..Log::default() };
            let many = LOG_IN_MEMORY as u64 + 3 * LOG_END as u64;
            for i in 0..many {
                if written && i == many - LOG_END as u64 {
                    assert!(log.start > 0);
                    log.full = true;
                }
                log.note(identity(i), i).unwrap();
            }
            assert!(log.start + (log.end.len() as u64) == many && (log.start > 0) == written);
            for i in (0..many).step_by(1009) {
                assert_eq!(log.find(identity(i), i / 256 * 256, 256).unwrap(), Some(i));
                assert_eq!(log.find(identity(i), i / 256 * 256 + 256, 256).unwrap(), None);
            }
        }
    }

    /// The bits that a table has are the same: only the log tells these apart.
    #[test]
    fn tags_that_are_the_same_are_not_taken_for_each_other() {
        let mut seen = DuplicateIndex::default();
        for i in 0..SMALL as u64 {
            seen.insert(identity(i), i).unwrap();
        }
        let alike = |i: u64| 0x1234_5678_9abc_0000_u64 + i;
        for i in 0..30 {
            assert_eq!(seen.insert(alike(i), 1_000_000 + i * 100).unwrap(), Lookup::New);
        }
        for i in 0..30 {
            assert_eq!(seen.insert(alike(i), 2_000_000).unwrap(), Lookup::Before(1_000_000 + i * 100));
        }
    }

    #[test]
    fn indexes_have_no_end() {
        let mut seen = DuplicateIndex::default();
        for i in 0..SMALL as u64 + 9 {
            seen.insert(identity(i), i).unwrap();
        }
        let mut log = Log { full: true, ..Log::default() };
        assert!(log.note(1, u64::MAX / 8).is_err(), "there is no memory for that");
        for i in (20..36u64).step_by(5) {
            assert_eq!(seen.insert(identity(1 << i), 1 << i).unwrap(), Lookup::New);
        }
        for i in (20..36u64).step_by(5) {
            assert_eq!(seen.insert(identity(1 << i), 1 << 36).unwrap(), Lookup::Before(1 << i));
        }
        assert_eq!(seen.insert(identity(7), 1 << 36).unwrap(), Lookup::Before(7));
    }

    /// What so many contacts may take: in the smallest table and a log that has no file yet, or 24 bytes each.
    #[track_caller]
    fn assert_small(seen: &DuplicateIndex, contacts: u64) {
        let limit = (24 * contacts).max((4 << 20) + 4096);
        assert!(seen.bytes() as u64 <= limit, "{} bytes for {contacts}", seen.bytes());
    }

    #[test]
    fn takes_at_most_24_bytes_a_contact() {
        let mut seen = DuplicateIndex::default();
        for i in 0..2_500_000u64 {
            seen.insert(identity(i), i).unwrap();
            if i % 1000 == 0 {
                assert_small(&seen, i + 1);
            }
        }
        assert!(seen.large.unwrap().table.key.is_none(), "it was even");
    }

    #[test]
    fn a_guess_saves_growing_and_is_not_relied_on() {
        for (expected, all) in [(700_000, 700_000), (0, 700_000), (400_000, 1_000_000), (u64::MAX, 400_000)] {
            let mut seen = DuplicateIndex::default();
            let mut sizes = std::collections::BTreeSet::new();
            for i in 0..all {
                seen.expect_in_all(expected);
                assert_eq!(seen.insert(identity(i), i).unwrap(), Lookup::New);
                sizes.extend(seen.large.as_ref().map(|large| large.table.map.len()));
                if i % 1000 == 0 {
                    assert_small(&seen, i + 1);
                }
            }
            for i in 0..all {
                assert_eq!(seen.insert(identity(i), all).unwrap(), Lookup::Before(i));
            }
            if expected == all {
                assert_eq!(sizes.len(), 2, "{sizes:?}");
            }
        }
    }

    /// Sees these contacts twice and asks for no more steps, and no more memory, than contacts like any others take.
    fn flood(made: impl Fn(u64) -> Identity + Copy, many: u64) -> DuplicateIndex {
        let mut seen = DuplicateIndex::default();
        STEPS.set(0);
        let identities = (0..SMALL as u64).map(identity).chain((0..many).map(made));
        for (i, identity) in identities.enumerate() {
            let i = i as u64;
            assert_eq!(seen.insert(identity, i).unwrap(), Lookup::New, "{i}");
            if i.is_multiple_of(1000) {
                assert_small(&seen, i + 1);
            }
        }
        let all = SMALL as u64 + many;
        // The few that were met before the table was laid out anew, and a line or two for each contact each time.
        let new = STEPS.replace(0);
        assert!(new < 20 * all, "{new} steps for {all}");
        for i in 0..many {
            assert_eq!(seen.insert(made(i), all).unwrap(), Lookup::Before(SMALL as u64 + i));
        }
        let again = STEPS.get();
        assert!(again < (2 + (2 << BLOCK_BITS)) * many, "{again} steps for {many}");
        seen
    }

    /// Even if the key were known: identities that all belong to one segment, or have all the bits of the table in common, cost no
    /// more than others, wherever the log is.
    #[test]
    fn identities_made_to_collide_cost_no_more() {
        let one_segment = |i| identity(i) >> SEGMENT_BITS;
        let one_line = |i: u64| 0x1234_5678_8000_0000 | (i * 0x9e37_79b1 % (1 << 30));
        let in_a_row = |i: u64| i + 1;
        for (name, made) in
            [("segment", &one_segment as &dyn Fn(u64) -> Identity), ("line", &one_line), ("row", &in_a_row)]
        {
            for many in [30_000, 400_000] {
                let seen = flood(made, many);
                assert!(seen.large.unwrap().table.key.is_some(), "{name} {many}");
            }
        }
    }

    /// Addresses that would all belong to one segment if their hash had no key.
    #[test]
    fn addresses_made_to_collide_are_like_others() {
        let key = IdentityKey::draw();
        let address = |i: u64| {
            let mut text = *b"xxxxxxxxxxx@example.com\0";
            for (at, digit) in text[..11].iter_mut().enumerate() {
                *digit = b'a' + (i >> (4 * at) & 15) as u8;
            }
            text
        };
        let is_made = |text: &[u8; 24]| xxhash_rust::xxh3::xxh3_64(&text[..23]) >> (64 - SEGMENT_BITS) == 0;
        let made: Vec<Identity> =
            (0..).map(address).filter(is_made).map(|text| key.identity(true, &text, 23)).take(12_000).collect();
        let seen = flood(|i| made[i as usize], 12_000);
        assert!(seen.large.unwrap().table.key.is_none());
    }

    #[test]
    #[ignore = "takes a while, 100 MB, and as much on the disk: cargo test --release -- --ignored table"]
    fn a_large_table_is_full() {
        let mut seen = DuplicateIndex::default();
        for i in 0..12_000_000u64 {
            seen.insert(identity(i), i).unwrap();
            if i > 9_500_000 && i % 100_000 == 0 {
                assert!((seen.bytes() as u64) < 15 * i / 2, "{} bytes for {i}", seen.bytes());
            }
        }
        for i in 0..12_000_000u64 {
            assert_eq!(seen.insert(identity(i), 12_000_000).unwrap(), Lookup::Before(i));
        }
    }
}
