//! A record, read member by member over masks of 64 bytes.

use crate::clean::fast_path::PADDING;
use crate::rules::text;
use crate::simd::Backend;

/// The spaces between the parts of an object, 0 or 1: as few writers have both kinds, those of the record before are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spaces {
    pub(super) behind_colon: usize,
    pub(super) behind_comma: usize,
}

/// The first bytes of values that may say nothing.
pub(super) static FIRST: [bool; 256] = {
    let mut first = [false; 256];
    let mut i = 0;
    while i < 256 {
        first[i] = i <= b' ' as usize || i >= 0x80 || i == b'"' as usize || i == b'n' as usize;
        i += 1;
    }
    first
};

/// A record, with at least [`PADDING`] bytes behind it.
#[derive(Clone, Copy)]
pub(super) struct Record<'b> {
    bytes: &'b [u8],
    len: usize,
}

impl<'b> Record<'b> {
    /// The first `len` of these bytes. None if there is no padding behind them.
    pub(super) fn new(bytes: &'b [u8], len: usize) -> Option<Self> {
        (bytes.len() >= len.checked_add(PADDING)?).then_some(Record { bytes, len })
    }

    /// Bytes of the record and its padding. None if they begin behind the record.
    #[inline(always)]
    pub(super) fn load<const N: usize>(self, at: usize) -> Option<&'b [u8; N]> {
        const { assert!(N <= PADDING) };
        if at > self.len {
            return None;
        }
        // SAFETY: `at` is at most `len`, and behind that there are at least `PADDING` bytes, as `new` checks.
        Some(unsafe { &*self.bytes.as_ptr().add(at).cast() })
    }
}

/// A name and a value.
pub(super) struct Member {
    /// Where the name ends, from its quote on.
    pub(super) close: usize,
    /// Where the value begins in the record, and where what is behind it.
    pub(super) value: usize,
    pub(super) end: usize,
    is_string: bool,
    /// The first byte of the value, behind its quote.
    pub(super) first: u8,
    /// There may be two colons in a row.
    pub(super) has_colons: bool,
}

impl Member {
    /// What is between the quotes of a string, and any other value as it is.
    #[inline(always)]
    pub(super) fn text<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let quote = usize::from(self.is_string);
        bytes.get(self.value + quote..self.end - quote)
    }

    /// Whether the value says nothing, as the mapping sees it.
    #[inline(always)]
    pub(super) fn is_blank(&self, bytes: &[u8]) -> bool {
        match bytes.get(self.value + usize::from(self.is_string)) {
            None | Some(b'"') => true,
            Some(b'n') => !self.is_string,
            Some(first) if *first <= b' ' || !first.is_ascii() => self.text(bytes).is_some_and(is_blank),
            Some(_) => false,
        }
    }
}

/// A record that is being read.
pub(super) struct Scan<'b> {
    pub(super) record: Record<'b>,
    pub(super) spaces: Spaces,
    /// Whether there are escapes or control characters: behind them, quotes are not what they seem.
    pub(super) special: u64,
    pub(super) non_ascii: u64,
}

impl Scan<'_> {
    /// Finds the ends of the member that begins at byte `at`, where the window begins. Nothing if that is no member. If it may be one
    /// with other spaces, these are expected from now on.
    #[inline(always)]
    pub(super) fn member<B: Backend>(&mut self, backend: B, window: &[u8; PADDING], at: usize) -> Option<Member> {
        let block = backend.load(window.first_chunk()?);
        let quotes = backend.eq(block, b'"');
        let special = backend.within(block, 0, 0x1f) | backend.eq(block, b'\\');
        let non_ascii = backend.non_ascii(block);
        let colons = backend.eq(block, b':');
        if quotes & 1 == 0 {
            self.spaces.behind_comma = usize::from(window[0] == b' ');
            return None;
        }
        let behind = quotes & quotes.wrapping_sub(1);
        if behind == 0 {
            return self.long_member(at);
        }
        let close = behind.trailing_zeros() as usize & 63;
        // The colon is compared with the name.
        let mut value = close + 2;
        if self.spaces.behind_colon != 0 {
            if window[value] != b' ' {
                self.spaces.behind_colon = 0;
                return None;
            }
            value += 1;
        }
        let (mut first, is_string) = (window[value], window[value] == b'"');
        let value = at + value;
        let behind = behind & behind.wrapping_sub(1);
        let behind = behind & behind.wrapping_sub(1);
        let end = if !is_string {
            if first == b' ' {
                self.spaces.behind_colon = 1;
                return None;
            }
            end_of_value(self.record.bytes, value)?
        } else {
            first = window[value - at + 1];
            if behind != 0 {
                at + behind.trailing_zeros() as usize + 1
            } else {
                self.end_of_string(backend, (at + 64).max(value + 1))?
            }
        };
        if end >= self.record.len {
            return None;
        }
        let own = if end - at < 64 { (1 << (end - at)) - 1 } else { !0 };
        self.special |= special & own;
        self.non_ascii |= non_ascii & own;
        let has_colons = end - at >= 64 || colons & colons << 1 & own != 0;
        Some(Member { close, value, end, is_string, first, has_colons })
    }

    /// The same, if the name is longer than what is loaded at once.
    #[cold]
    fn long_member(&mut self, at: usize) -> Option<Member> {
        let Record { bytes, len } = self.record;
        let quote = |from: usize| Some(from + memchr::memchr(b'"', bytes.get(from..len)?)?);
        let close = quote(at + 1)? - at;
        let value = at + close + 2;
        let space = usize::from(*bytes.get(value)? == b' ');
        if space != self.spaces.behind_colon {
            self.spaces.behind_colon = space;
            return None;
        }
        let value = value + space;
        let is_string = *bytes.get(value)? == b'"';
        let end = if is_string { quote(value + 1)? + 1 } else { end_of_value(bytes, value)? };
        if end >= len {
            return None;
        }
        let member = bytes.get(at..end)?;
        self.special |= u64::from(member.iter().any(|byte| matches!(byte, 0..=0x1f | b'\\')));
        self.non_ascii |= u64::from(!member.is_ascii());
        let first = *bytes.get(value + usize::from(is_string))?;
        Some(Member { close, value, end, is_string, first, has_colons: true })
    }

    /// Where what is behind a string begins. No byte of the string before `from` is a quote.
    #[inline(always)]
    fn end_of_string<B: Backend>(&mut self, backend: B, mut from: usize) -> Option<usize> {
        loop {
            let block = backend.load(self.record.load(from)?);
            let quotes = backend.eq(block, b'"');
            let own = quotes.wrapping_sub(1) & !quotes;
            self.special |= (backend.within(block, 0, 0x1f) | backend.eq(block, b'\\')) & own;
            self.non_ascii |= backend.non_ascii(block) & own;
            if quotes != 0 {
                return Some(from + quotes.trailing_zeros() as usize + 1);
            }
            from += 64;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_loaded_from_behind_the_padding() {
        let mut bytes = vec![b'x'; 10 + PADDING];
        assert!(Record::new(&bytes, 11).is_none() && Record::new(&bytes, usize::MAX).is_none());
        bytes.push(b'!');
        let record = Record::new(&bytes, 10).unwrap();
        assert!(!record.load::<PADDING>(10).unwrap().contains(&b'!'));
        assert!(record.load::<1>(11).is_none() && record.load::<1>(usize::MAX).is_none());
    }
}
