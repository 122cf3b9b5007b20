//! The reference: the meaning of the comparisons, in readable loops.

use super::{Backend, Last, TextMasks};

/// Plain Rust.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

#[inline(always)]
fn bits(bytes: &[u8; 64], is: impl Fn(u8) -> bool) -> u64 {
    bytes.iter().enumerate().fold(0, |mask, (i, byte)| mask | u64::from(is(*byte)) << i)
}

impl Backend for Scalar {
    const NAME: &'static str = "scalar";
    type Block = [u8; 64];

    #[inline(always)]
    fn load(self, bytes: &[u8; 64]) -> [u8; 64] {
        *bytes
    }

    #[inline(always)]
    fn fold(self, block: [u8; 64]) -> [u8; 64] {
        block.map(|byte| byte | 0x20)
    }

    #[inline(always)]
    fn eq(self, block: [u8; 64], byte: u8) -> u64 {
        bits(&block, |b| b == byte)
    }

    #[inline(always)]
    fn within(self, block: [u8; 64], from: u8, to: u8) -> u64 {
        bits(&block, |b| (from..=to).contains(&b))
    }

    #[inline(always)]
    fn non_ascii(self, block: [u8; 64]) -> u64 {
        bits(&block, |b| b >= 0x80)
    }

    type Before = Last;

    #[inline(always)]
    fn nothing_before(self) -> Last {
        Last::default()
    }

    #[inline(always)]
    fn text(self, block: Self::Block, before: &mut Last) -> TextMasks {
        TextMasks::of(self, block, before)
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        prefix_xor(bits)
    }

    #[inline(always)]
    fn within32(self, bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool {
        (0..32).fold(true, |all, i| all & (low[i] <= bytes[i]) & (bytes[i] <= high[i]))
    }
}

/// The numbers of the bits set, each plus `base`.
#[inline(always)]
pub fn positions(mut bits: u64, base: u32, offsets: &mut [u32; 64]) {
    let count = bits.count_ones() as usize;
    let mut at = 0;
    while at < count {
        // Eight at a time, needed or not: a loop of fixed length costs less than one with a condition.
        let Some(eight) = offsets[at..].first_chunk_mut::<8>() else { break };
        for offset in eight {
            *offset = base.wrapping_add(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
        at += 8;
    }
}

/// Prefix exclusive or by doubling: six shifts.
#[inline(always)]
#[must_use]
pub fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::StructureMasks;

    #[test]
    fn marks_what_it_says() {
        let mut block = [b' '; 64];
        block[..9].copy_from_slice(b"{\"a\\n\":[\n");
        block[63] = b']';
        let masks = StructureMasks::of(Scalar, &block);
        assert_eq!(masks.quote, 1 << 1 | 1 << 5);
        assert_eq!(masks.backslash, 1 << 3);
        assert_eq!(masks.open, 1 | 1 << 7);
        assert_eq!(masks.close, 1 << 63);
        assert_eq!(masks.newline, 1 << 8);
        assert_eq!(Scalar.prefix_xor(masks.quote), 0b11110);
    }
}
