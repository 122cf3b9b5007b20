//! The reference: what the masks mean, in a loop that can be read.

use super::{Backend, Masks};

/// Plain Rust.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

impl Backend for Scalar {
    const NAME: &'static str = "scalar";

    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> Masks {
        let mut masks = Masks::default();
        for (i, byte) in block.iter().enumerate() {
            let bit = 1 << i;
            match byte {
                b'"' => masks.quote |= bit,
                b'\\' => masks.backslash |= bit,
                b'{' | b'[' => masks.open |= bit,
                b'}' | b']' => masks.close |= bit,
                b'\n' => masks.newline |= bit,
                _ => {}
            }
        }
        masks
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        prefix_xor(bits)
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

    #[test]
    fn marks_what_it_says() {
        let mut block = [b' '; 64];
        block[..9].copy_from_slice(b"{\"a\\n\":[\n");
        block[63] = b']';
        let masks = Scalar.masks(&block);
        assert_eq!(masks.quote, 1 << 1 | 1 << 5);
        assert_eq!(masks.backslash, 1 << 3);
        assert_eq!(masks.open, 1 | 1 << 7);
        assert_eq!(masks.close, 1 << 63);
        assert_eq!(masks.newline, 1 << 8);
        assert_eq!(Scalar.prefix_xor(masks.quote), 0b11110);
    }
}
