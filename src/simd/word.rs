//! Eight bytes at a time, in an ordinary register: for short text, where a block of 64 would be mostly empty.

use crate::model::name_lookup::load_up_to_8;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that is `byte`.
#[inline(always)]
const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (byte as u64 * ONES);
    // A byte that is not zero has its high bit set by itself or by the sum of the others.
    !(((differs & !HIGHS) + !HIGHS) | differs) & HIGHS
}

/// The high bit of each byte below `limit`, which is at most 0x80.
#[inline(always)]
const fn below(word: u64, limit: u8) -> u64 {
    // With the high bit set, nothing is borrowed from the byte above.
    !((word | HIGHS) - limit as u64 * ONES) & !word & HIGHS
}

/// Bytes before the first quote, backslash or control character, or all of them.
#[inline]
#[must_use]
pub fn plain_prefix(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    let odd = |word: u64| equal(word, b'"') | equal(word, b'\\') | below(word, 0x20);
    for (i, word) in words.iter().enumerate() {
        let odd = odd(u64::from_le_bytes(*word));
        if odd != 0 {
            return i * 8 + odd.trailing_zeros() as usize / 8;
        }
    }
    // The zeros behind the text count as control characters, the first of them at its end.
    let odd = odd(load_up_to_8(rest));
    words.len() * 8 + (odd.trailing_zeros() as usize / 8).min(rest.len())
}

/// True for printable ASCII with no space at an end, no two spaces together, and at least one byte.
#[inline]
#[must_use]
pub fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    // As if a space had come before the first byte.
    let (mut space_before, mut bad) = (0x80, 0);
    for word in words {
        let word = u64::from_le_bytes(*word);
        let space = equal(word, b' ');
        bad |= (word & HIGHS) | below(word, 0x20) | equal(word, 0x7f) | (space & (space << 8 | space_before));
        space_before = space >> 56;
    }
    if !rest.is_empty() {
        // Fill the missing bytes with a visible one.
        let word = load_up_to_8(rest) | (b'x' as u64 * ONES) << (8 * rest.len());
        let space = equal(word, b' ');
        bad |= (word & HIGHS) | below(word, 0x20) | equal(word, 0x7f) | (space & (space << 8 | space_before));
    }
    bad == 0 && text.last().is_some_and(|last| *last != b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_at_every_place() {
        for len in 0..20 {
            for at in 0..len {
                for byte in 0..=255u8 {
                    let mut text = vec![b'x'; len];
                    text[at] = byte;
                    let odd = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(plain_prefix(&text), if odd { at } else { len }, "{byte:#x} at {at} of {len}");
                    let plain = (0x21..0x7f).contains(&byte) || (byte == b' ' && at > 0 && at + 1 < len);
                    assert_eq!(is_plain(&text), plain, "{byte:#x} at {at} of {len}");
                }
            }
        }
        assert!(!is_plain(b"") && plain_prefix(b"") == 0);
    }

    #[test]
    fn short_loads() {
        for len in 0..=8 {
            let bytes: Vec<u8> = (1..=len as u8).collect();
            let expected = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            assert_eq!(load_up_to_8(&bytes), expected, "{len}");
        }
    }

    proptest! {
        #[test]
        fn as_said(text in "[ a-c\"\\\\\u{0}\u{1f}\u{7f}é]{0,40}|[ ab]{0,40}") {
            let text = text.as_bytes();
            let odd = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\';
            prop_assert_eq!(plain_prefix(text), text.iter().position(odd).unwrap_or(text.len()));
            let plain = text.iter().all(|b| (0x20..0x7f).contains(b))
                && text.first().is_some_and(|b| *b != b' ')
                && text.last() != Some(&b' ')
                && !text.windows(2).any(|two| two == b"  ");
            prop_assert_eq!(is_plain(text), plain);
        }
    }
}
