//! Marking: the offsets of quotes, of bytes that no clean contact has, and of bytes outside ASCII.

use super::patterns::CUSTOM_SLOT;
use crate::model::name_lookup;
use crate::simd::Backend;

/// Readable bytes behind the marked ones. With them, a load of a fixed size needs no check against the end of the bytes.
pub const PADDING: usize = 96;

/// Words of 64 bytes for whose quotes room is made at once.
const WORDS: usize = 32;

/// Offsets of one kind of byte in ascending order, each below the number of marked bytes.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    /// The offsets, four that are the number of marked bytes, and leftovers.
    offsets: Vec<u32>,
    count: usize,
}

impl Offsets {
    /// Room for the offsets of this many words, and 64 more.
    #[inline(always)]
    fn room(&mut self, words: usize) -> &mut [u32] {
        let len = self.count + (words + 1) * 64;
        if self.offsets.len() < len {
            self.grow(len);
        }
        &mut self.offsets[self.count..]
    }

    /// Appends the offsets of the set bits; the lowest bit is at `base`.
    #[inline(always)]
    fn push<B: Backend>(&mut self, backend: B, bits: u64, base: u32) {
        let Some(room) = self.room(0).first_chunk_mut() else { return };
        backend.positions(bits, base, room);
        self.count += bits.count_ones() as usize;
    }

    #[cold]
    fn grow(&mut self, len: usize) {
        self.offsets.resize((self.offsets.len() * 2).max(len), 0);
    }

    /// All offsets, and four sentinels behind them.
    pub(super) fn all(&self) -> &[u32] {
        &self.offsets[..self.count + 4]
    }

    /// Appends the sentinels.
    fn end(&mut self, len: u32) {
        self.room(0)[..4].fill(len);
    }
}

/// The offsets of the bytes that decide whether a contact is clean.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) quotes: Offsets,
    /// Bytes that no clean contact has.
    pub(super) unclean: Offsets,
    /// Bytes outside ASCII.
    pub(super) non_ascii: Offsets,
}

/// Bytes that were marked, with [`PADDING`] behind them.
#[derive(Clone, Copy)]
pub(super) struct Marked<'b> {
    pub(super) bytes: &'b [u8],
    len: usize,
}

impl<'b> Marked<'b> {
    /// Marks the first `len` of these bytes.
    #[inline(always)]
    pub(super) fn new<B: Backend>(backend: B, marks: &mut Marks, bytes: &'b [u8], len: usize) -> Self {
        assert!(bytes.len() >= len + PADDING);
        let Marks { quotes, unclean, non_ascii } = marks;
        (quotes.count, unclean.count, non_ascii.count) = (0, 0, 0);
        let mut marker = Marker { before: backend.nothing_before(), unclean, non_ascii };
        let (words, rest) = bytes[..len].as_chunks::<64>();
        let mut base = 0;
        for words in words.chunks(WORDS) {
            let room = quotes.room(words.len());
            let mut count = 0;
            for word in words {
                debug_assert!(room.len() >= count + 64);
                // SAFETY: there is room for 64 offsets for each of these words.
                let room = unsafe { &mut *room.as_mut_ptr().add(count).cast() };
                let bits = marker.mark(backend, base, word, !0);
                backend.positions(bits, base, room);
                count += bits.count_ones() as usize;
                base += 64;
            }
            quotes.count += count;
        }
        let mut last = [0; 64];
        last[..rest.len()].copy_from_slice(rest);
        let bits = marker.mark(backend, base, &last, !(!0 << rest.len()));
        quotes.push(backend, bits, base);
        for offsets in [quotes, marker.unclean, marker.non_ascii] {
            offsets.end(len as u32);
        }
        Marked { bytes, len }
    }

    /// Bytes without marks, for tests of what is loaded.
    #[cfg(test)]
    pub(super) fn unmarked(bytes: &'b [u8], len: usize) -> Self {
        assert!(bytes.len() >= len + PADDING);
        Marked { bytes, len }
    }

    /// Loads `N` bytes, the first `SKIP` behind `offset`. An offset beyond the marked bytes counts as their end.
    #[inline(always)]
    pub(super) fn load<const SKIP: usize, const N: usize>(&self, offset: u32) -> &'b [u8; N] {
        // SAFETY: the offset is at most `len`.
        unsafe { self.load_at::<SKIP, N>(offset.min(self.len as u32)) }
    }

    /// The same without the check of the offset.
    ///
    /// # Safety
    /// `offset` is at most `len`, as are all [`Offsets`] of these bytes.
    #[inline(always)]
    pub(super) unsafe fn load_at<const SKIP: usize, const N: usize>(&self, offset: u32) -> &'b [u8; N] {
        const { assert!(SKIP + N <= PADDING) };
        debug_assert!(offset as usize <= self.len && self.len + PADDING <= self.bytes.len());
        // SAFETY: `offset` is at most `len`; behind `len` there are `PADDING` bytes, as `new` asserts, and `SKIP + N` is at most
        // `PADDING`.
        unsafe { &*self.bytes.as_ptr().add(offset as usize + SKIP).cast() }
    }

    /// The slot of the name between these two quotes.
    ///
    /// # Safety
    /// Both offsets are at most `len`, and `close` is at least 2.
    #[inline(always)]
    pub(super) unsafe fn slot(&self, open: u32, close: u32) -> usize {
        // SAFETY: as above.
        let (first, last) = unsafe { (self.load_at::<1, _>(open), self.load_at::<0, _>(close - 2)) };
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        let slot = name_lookup::slot(first, last);
        let is_custom = first & 0xff_ffff == u32::from_le_bytes(*b"cf:\0");
        // No branch: about one name in ten is a custom field, at no predictable place.
        std::hint::select_unpredictable(is_custom, CUSTOM_SLOT, slot)
    }
}

/// The state of marking, from one word of 64 bytes to the next.
struct Marker<'m, B: Backend> {
    before: B::Before,
    unclean: &'m mut Offsets,
    non_ascii: &'m mut Offsets,
}

impl<B: Backend> Marker<'_, B> {
    /// Marks 64 bytes, of which those in `real` are there, and gives the bits of the quotes. (A method and not a closure: a closure
    /// is not compiled for the backend's instructions.)
    #[inline(always)]
    fn mark(&mut self, backend: B, base: u32, bytes: &[u8; 64], real: u64) -> u64 {
        let text = backend.text(backend.load(bytes), &mut self.before);
        let (unclean, non_ascii) = (text.unclean & real, text.non_ascii & real);
        if unclean != 0 {
            self.unclean.push(backend, unclean, base);
        }
        if non_ascii != 0 {
            self.non_ascii.push(backend, non_ascii, base);
        }
        text.quote & real
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Choice, scalar::Scalar, with_backend};

    #[test]
    fn nothing_is_loaded_from_behind_the_padding() {
        let mut marks = Marks::default();
        let mut bytes = vec![b'x'; 10 + PADDING];
        bytes.push(b'!');
        bytes[10 + 3] = b'y';
        let marked = Marked::new(Scalar, &mut marks, &bytes, 10);
        // SAFETY: the marked bytes end at 10.
        assert_eq!(unsafe { marked.load_at::<3, 2>(10) }, b"yx");
        for offset in [10, 11, 1 << 20, u32::MAX] {
            assert_eq!(marked.load::<3, 2>(offset), b"yx", "{offset}");
            assert!(!marked.load::<{ PADDING - 64 }, 64>(offset).contains(&b'!'));
        }
    }

    #[test]
    fn all_offsets_are_within_the_marked_bytes() {
        for choice in Choice::available() {
            for len in 0..200 {
                let mut marks = Marks::default();
                let mut bytes = vec![b'"'; len];
                bytes.resize(len + PADDING, b'"');
                #[inline(always)]
                fn mark<B: Backend>(backend: B, marks: &mut Marks, bytes: &[u8], len: usize) -> usize {
                    Marked::new(backend, marks, bytes, len).len
                }
                let marked = with_backend!(choice, mark, (
                    marks: &mut Marks = &mut marks,
                    bytes: &[u8] = &bytes,
                    len: usize = len,
                ) -> usize);
                assert_eq!((marked, marks.quotes.count), (len, len));
                for offsets in [&marks.quotes, &marks.unclean, &marks.non_ascii] {
                    assert!(offsets.all().iter().all(|offset| *offset as usize <= len) && offsets.all().is_sorted());
                    assert!(offsets.all().len() >= offsets.count + 4);
                }
            }
        }
    }

    #[test]
    #[should_panic = "bytes.len() >= len + PADDING"]
    fn bytes_without_padding_are_refused() {
        Marked::new(Scalar, &mut Marks::default(), &[0; PADDING + 9], 10);
    }
}
