//! Bytes to bit masks, 64 at a time: which of them are quotes, backslashes, brackets, line breaks.
//!
//! The splitter is written once, over [`Backend`]; a backend does nothing but compare 64 bytes with constants, and is
//! chosen at run time ([`with_backend!`]). [`scalar`] is the readable reference that the others are tested against.

pub mod scalar;
#[cfg(target_arch = "x86_64")]
pub mod x86;

/// One bit for each of 64 bytes, the first byte lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Masks {
    /// `"`
    pub quote: u64,
    /// `\`
    pub backslash: u64,
    /// `{` or `[`
    pub open: u64,
    /// `}` or `]`
    pub close: u64,
    /// `\n`
    pub newline: u64,
}

/// A way to make masks.
pub trait Backend: Copy {
    /// Its name, for tests and benches.
    const NAME: &'static str;

    /// The masks of 64 bytes.
    fn masks(self, block: &[u8; 64]) -> Masks;

    /// Bit i of the answer is the exclusive or of bits 0 to i: it turns the positions of quotes into the stretches
    /// between them.
    fn prefix_xor(self, bits: u64) -> u64;
}

/// The backends this program has, whether or not this machine can run them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Plain Rust, any machine.
    Scalar,
    /// 16 bytes at a time; every x86-64 machine.
    Sse2,
    /// 32 bytes at a time, with a carry-less multiply.
    Avx2,
    /// 64 bytes at a time, with a carry-less multiply.
    Avx512,
}

impl Choice {
    /// Those this machine can run, the best last.
    #[must_use]
    pub fn available() -> Vec<Choice> {
        #[allow(unused_mut)]
        let mut all = vec![Choice::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            all.push(Choice::Sse2);
            if x86::Avx2::new().is_some() {
                all.push(Choice::Avx2);
            }
            if x86::Avx512::new().is_some() {
                all.push(Choice::Avx512);
            }
        }
        all
    }

    /// The best this machine can run.
    #[must_use]
    pub fn best() -> Choice {
        *Choice::available().last().expect("the scalar backend is always there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masks_of(choice: Choice, block: &[u8; 64]) -> (Masks, u64) {
        fn run<B: Backend>(b: B, block: &[u8; 64]) -> (Masks, u64) {
            let masks = b.masks(block);
            (masks, b.prefix_xor(masks.quote))
        }
        match choice {
            Choice::Scalar => run(scalar::Scalar, block),
            #[cfg(target_arch = "x86_64")]
            Choice::Sse2 => run(x86::Sse2, block),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2 => run(x86::Avx2::new().unwrap(), block),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512 => run(x86::Avx512::new().unwrap(), block),
            #[cfg(not(target_arch = "x86_64"))]
            _ => unreachable!(),
        }
    }

    /// Mostly the bytes that matter and those that differ from them in one bit.
    fn block() -> impl Strategy<Value = [u8; 64]> {
        let byte = prop_oneof![
            4 => prop::sample::select(b"\"\\{}[]\n,:a \x0a\xa2\xdb\xfb\x02\x5b\x5c\x5d\x7b\x7c\x7d\x1b\x3b".to_vec()),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 64).prop_map(|v| v.try_into().unwrap())
    }

    proptest! {
        #[test]
        fn every_backend_agrees_with_the_scalar_one(block in block()) {
            let expected = masks_of(Choice::Scalar, &block);
            for choice in Choice::available() {
                prop_assert_eq!(masks_of(choice, &block), expected, "{:?}", choice);
            }
        }
    }

    #[test]
    fn every_byte_value_is_told_apart() {
        for byte in 0..=255u8 {
            for at in [0usize, 15, 16, 31, 32, 63] {
                let mut block = [b'a'; 64];
                block[at] = byte;
                let expected = masks_of(Choice::Scalar, &block);
                for choice in Choice::available() {
                    assert_eq!(masks_of(choice, &block), expected, "{choice:?} {byte:#x} at {at}");
                }
            }
        }
    }
}
