//! Bytes to bit masks, 64 at a time.
//!
//! The masks are defined once, here, over [`Backend`]: 64 bytes in registers, and comparisons of all of them with one value.
//! Backends are thin, and [`Choice`] selects one at run time. [`scalar`] is the readable reference for the tests of all others. A
//! new backend (NEON, say) needs its operations and a line in [`Choice::available`].

pub mod scalar;
pub mod word;
#[cfg(target_arch = "x86_64")]
pub mod x86;

/// 64 bytes, and comparisons that return one bit for each, the first byte lowest.
pub trait Backend: Copy {
    /// Its name, for tests and benches.
    const NAME: &'static str;
    /// 64 bytes in registers.
    type Block: Copy;

    /// Loads 64 bytes.
    fn load(self, bytes: &[u8; 64]) -> Self::Block;

    /// The bytes, each with bit 0x20 set.
    fn fold(self, block: Self::Block) -> Self::Block;

    /// Which of them are `byte`.
    fn eq(self, block: Self::Block, byte: u8) -> u64;

    /// Which of them are `from` to `to`, both included.
    fn within(self, block: Self::Block, from: u8, to: u8) -> u64;

    /// Which of them are 0x80 and more.
    fn non_ascii(self, block: Self::Block) -> u64;

    /// What [`text`](Backend::text) must know of the block before.
    type Before: Copy;

    /// What it must know where there is none.
    fn nothing_before(self) -> Self::Before;

    /// The masks of a block of text, of which `before` describes the block before, and then this one.
    fn text(self, block: Self::Block, before: &mut Self::Before) -> TextMasks;

    /// Bit i of the result is the exclusive or of bits 0 to i. This turns the positions of quotes into the ranges between them.
    fn prefix_xor(self, bits: u64) -> u64;

    /// Writes `base` plus the number of each set bit, the lowest first. The rest of `offsets` is unspecified.
    #[inline(always)]
    fn positions(self, bits: u64, base: u32, offsets: &mut [u32; 64]) {
        scalar::positions(bits, base, offsets);
    }

    /// Whether each of 32 bytes is between the bytes at its index in `low` and `high`, both included. No byte of `low` may be above
    /// that of `high`.
    fn within32(self, bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool;
}

/// The bytes that the splitter needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StructureMasks {
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

impl StructureMasks {
    /// The masks of 64 bytes.
    #[inline(always)]
    pub fn of<B: Backend>(backend: B, bytes: &[u8; 64]) -> Self {
        let block = backend.load(bytes);
        // With bit 0x20 set, `[` and `{` are one value and so are `]` and `}`.
        let folded = backend.fold(block);
        StructureMasks {
            quote: backend.eq(block, b'"'),
            backslash: backend.eq(block, b'\\'),
            open: backend.eq(folded, b'{'),
            close: backend.eq(folded, b'}'),
            newline: backend.eq(block, b'\n'),
        }
    }
}

/// The bytes that the check for clean contacts needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextMasks {
    /// `"`
    pub quote: u64,
    /// Backslashes, control characters of ASCII, and `;`, `<`, `=`, `[`: few clean values have them, and every character reference of
    /// HTML, quoted-printable text and some words for no value do. Also the second of two spaces or quotes in a row, as at a
    /// space at either end of a string or at an empty string, and the second of two colons, which join several values.
    pub unclean: u64,
    /// Bytes outside ASCII.
    pub non_ascii: u64,
}

/// Whether the last byte of a block is a space or a quote, and whether it is a colon: 1 or 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Last {
    edge: u64,
    colon: u64,
}

impl TextMasks {
    /// The masks of 64 bytes, by one comparison for each kind of byte.
    #[inline(always)]
    pub fn of<B: Backend>(backend: B, block: B::Block, before: &mut Last) -> Self {
        let quote = backend.eq(block, b'"');
        let special = backend.within(block, 0, 0x1f)
            | backend.within(block, b';', b'=')
            | backend.within(block, b'[', b'\\')
            | backend.eq(block, 0x7f);
        let edge = quote | backend.eq(block, b' ');
        let colon = backend.eq(block, b':');
        let unclean = special | edge & (edge << 1 | before.edge) | colon & (colon << 1 | before.colon);
        *before = Last { edge: edge >> 63, colon: colon >> 63 };
        TextMasks { quote, unclean, non_ascii: backend.non_ascii(block) }
    }
}

/// The bytes that the check of an email address needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmailMasks {
    /// `@`
    pub at: u64,
    /// `.`
    pub dot: u64,
    /// `-`
    pub hyphen: u64,
    /// `a` to `z`
    pub lower: u64,
    /// `0` to `9`
    pub digit: u64,
    /// `A` to `Z`
    pub upper: u64,
    /// `_` and `+`, the other marks that are common before the `@`.
    pub mark: u64,
}

impl EmailMasks {
    /// The masks of 64 bytes.
    #[inline(always)]
    pub fn of<B: Backend>(backend: B, bytes: &[u8; 64]) -> Self {
        let block = backend.load(bytes);
        EmailMasks {
            at: backend.eq(block, b'@'),
            dot: backend.eq(block, b'.'),
            hyphen: backend.eq(block, b'-'),
            lower: backend.within(block, b'a', b'z'),
            digit: backend.within(block, b'0', b'9'),
            upper: backend.within(block, b'A', b'Z'),
            mark: backend.eq(block, b'_') | backend.eq(block, b'+'),
        }
    }
}

/// The bytes that divide a table of delimited text into rows and cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowMasks {
    /// `"`
    pub quote: u64,
    /// The delimiter of cells.
    pub delimiter: u64,
    /// `\n`
    pub newline: u64,
    /// `\r`
    pub carriage_return: u64,
    /// Spaces.
    pub space: u64,
}

impl RowMasks {
    /// The masks of 64 bytes.
    #[inline(always)]
    pub fn of<B: Backend>(backend: B, bytes: &[u8; 64], delimiter: u8) -> Self {
        let block = backend.load(bytes);
        RowMasks {
            quote: backend.eq(block, b'"'),
            delimiter: backend.eq(block, delimiter),
            newline: backend.eq(block, b'\n'),
            carriage_return: backend.eq(block, b'\r'),
            space: backend.eq(block, b' '),
        }
    }
}

/// Prefetches the memory at this address. Any address is allowed.
#[inline(always)]
pub fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch neither reads nor faults, whatever the address, and SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The backends of this program, whether or not this machine can run them.
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
        #[cfg(target_arch = "x86_64")]
        {
            if x86::Avx512::new().is_some() {
                return Choice::Avx512;
            }
            if x86::Avx2::new().is_some() {
                return Choice::Avx2;
            }
            Choice::Sse2
        }
        #[cfg(not(target_arch = "x86_64"))]
        Choice::Scalar
    }
}

/// Runs `$function(backend, $argument ...)`, which is generic over [`Backend`], compiled for the instructions of `$choice`, a
/// [`Choice`]; one that this machine cannot run falls back to the scalar one. `$function` must be `#[inline(always)]`.
macro_rules! with_backend {
    ($choice:expr, $function:path, ($($name:ident: $type:ty = $argument:expr),* $(,)?) -> $output:ty) => {{
        #[cfg(target_arch = "x86_64")]
        {
            use $crate::simd::x86;

            /// # Safety
            /// The processor must have the features named here; `backend` proves it.
            #[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
            unsafe fn avx2(backend: x86::Avx2, $($name: $type),*) -> $output {
                $function(backend, $($name),*)
            }

            /// # Safety
            /// The processor must have the features named here; `backend` proves it.
            #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
            unsafe fn avx512(backend: x86::Avx512, $($name: $type),*) -> $output {
                $function(backend, $($name),*)
            }

            match $choice {
                $crate::simd::Choice::Avx512 => match x86::Avx512::new() {
                    // SAFETY: the backend's value proves that the processor has the features.
                    Some(backend) => unsafe { avx512(backend, $($argument),*) },
                    None => $function($crate::simd::scalar::Scalar, $($argument),*),
                },
                $crate::simd::Choice::Avx2 => match x86::Avx2::new() {
                    // SAFETY: the backend's value proves that the processor has the features.
                    Some(backend) => unsafe { avx2(backend, $($argument),*) },
                    None => $function($crate::simd::scalar::Scalar, $($argument),*),
                },
                $crate::simd::Choice::Sse2 => $function(x86::Sse2, $($argument),*),
                $crate::simd::Choice::Scalar => $function($crate::simd::scalar::Scalar, $($argument),*),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = $choice;
            $function($crate::simd::scalar::Scalar, $($argument),*)
        }
    }};
}
pub(crate) use with_backend;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type All = (StructureMasks, [TextMasks; 2], EmailMasks, RowMasks, u64, [u64; 5], Vec<u32>, bool);

    #[inline(always)]
    fn all<B: Backend>(b: B, bytes: &[u8; 64]) -> All {
        let block = b.load(bytes);
        let odd = [
            b.within(block, 0, 255),
            b.within(block, 0x7f, 0x80),
            b.within(block, 255, 255),
            b.within(block, 9, 9),
            b.eq(b.fold(block), 0x20),
        ];
        let bits = b.within(block, b'A', b'z');
        let mut offsets = [0; 64];
        b.positions(bits, 1000, &mut offsets);
        let offsets = offsets[..bits.count_ones() as usize].to_vec();
        let some = |i: usize| bytes[i..].first_chunk().unwrap();
        let (mut low, mut high) = (*some(16), *some(32));
        for i in 0..32 {
            (low[i], high[i]) = (low[i].min(high[i]), low[i].max(high[i]));
        }
        let held = b.within32(some(0), &low, &high);
        let xor = b.prefix_xor(b.eq(block, b'"'));
        let rows = RowMasks::of(b, bytes, b';');
        // The same block twice: the second one has another before it.
        let mut before = b.nothing_before();
        let text = [b.text(block, &mut before), b.text(block, &mut before)];
        (StructureMasks::of(b, bytes), text, EmailMasks::of(b, bytes), rows, xor, odd, offsets, held)
    }

    fn masks_of(choice: Choice, bytes: &[u8; 64]) -> All {
        with_backend!(choice, all, (bytes: &[u8; 64] = bytes) -> All)
    }

    /// Mostly the bytes that matter and those that differ from them in one bit.
    fn block() -> impl Strategy<Value = [u8; 64]> {
        let byte = prop_oneof![
            4 => prop::sample::select(b"\"\\{}[]\n,:;<=>a \x0a\xa2\xdb\xfb\x02\x5b\x5c\x5d\x7b\x7c\x7d\x1b\x3b@.-_+09AZaz\x1f\x7f\x80".to_vec()),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 64).prop_map(|v| v.try_into().unwrap())
    }

    proptest! {
        #[test]
        fn every_backend_agrees_with_the_scalar_one(block in block()) {
            let expected = masks_of(Choice::Scalar, &block);
            for choice in Choice::available() {
                prop_assert_eq!(&masks_of(choice, &block), &expected, "{:?}", choice);
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

    fn held(choice: Choice, bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool {
        #[inline(always)]
        fn ask<B: Backend>(backend: B, bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool {
            backend.within32(bytes, low, high)
        }
        with_backend!(choice, ask, (bytes: &[u8; 32] = bytes, low: &[u8; 32] = low, high: &[u8; 32] = high) -> bool)
    }

    #[test]
    fn ranges() {
        for choice in Choice::available() {
            for at in 0..32 {
                for (low, high, byte) in [(b'0', b'9', b'5'), (0, 255, 200), (0x7f, 0x80, 0x80), (9, 9, 8)] {
                    for byte in [byte, low, high, low.wrapping_sub(1), high.wrapping_add(1)] {
                        let (mut bytes, mut lows, mut highs) = ([b'x'; 32], [0; 32], [255; 32]);
                        (bytes[at], lows[at], highs[at]) = (byte, low, high);
                        let expected = (low..=high).contains(&byte);
                        assert_eq!(
                            held(choice, &bytes, &lows, &highs),
                            expected,
                            "{choice:?} {at} {low} {byte} {high}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_bit_has_its_position() {
        for bits in [0, 1, 1 << 63, !0, 0xffff, 0x1_ffff, 0xffff_ffff, 0x1_ffff_ffff, !1, 0x5555_5555_5555_5555] {
            let expected: Vec<u32> = (0..64).filter(|i| bits >> i & 1 == 1).map(|i| i + 7).collect();
            for choice in Choice::available() {
                #[inline(always)]
                fn ask<B: Backend>(backend: B, bits: u64, offsets: &mut [u32; 64]) {
                    backend.positions(bits, 7, offsets);
                }
                let mut offsets = [0; 64];
                with_backend!(choice, ask, (bits: u64 = bits, offsets: &mut [u32; 64] = &mut offsets) -> ());
                assert_eq!(offsets[..expected.len()], expected, "{choice:?} {bits:#x}");
            }
        }
    }

    #[test]
    fn the_best_is_the_last() {
        assert_eq!(Choice::available().last(), Some(&Choice::best()));
    }
}
