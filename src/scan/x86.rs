//! x86-64: SSE2 (always there), AVX2, AVX-512.
//!
//! A backend that needs more than SSE2 can only be made by `new`, which asks the processor first; so a value of it is
//! the proof that its instructions may be run. Its methods are inlined into whoever calls them, and run at full width
//! only inside a function that has the same `target_feature`s (see `split.rs`).

use super::{Backend, Masks, scalar};
use std::arch::x86_64::*;

/// 16 bytes at a time. SSE2 is part of x86-64, so this needs no proof.
#[derive(Debug, Clone, Copy)]
pub struct Sse2;

impl Backend for Sse2 {
    const NAME: &'static str = "sse2";

    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> Masks {
        let mut masks = Masks::default();
        // SAFETY: SSE2 is part of every x86-64 processor; the loads are unaligned ones, each of 16 bytes within the 64.
        unsafe {
            for i in 0..4 {
                let v = _mm_loadu_si128(block.as_ptr().add(i * 16).cast());
                // With bit 0x20 set, `[` and `{` are one value and so are `]` and `}`.
                let folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
                let eq = |v, byte: u8| {
                    u64::from(_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(byte as i8))) as u32) << (i * 16)
                };
                masks.quote |= eq(v, b'"');
                masks.backslash |= eq(v, b'\\');
                masks.open |= eq(folded, b'{');
                masks.close |= eq(folded, b'}');
                masks.newline |= eq(v, b'\n');
            }
        }
        masks
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        scalar::prefix_xor(bits)
    }
}

/// 32 bytes at a time.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// The backend, if this machine has AVX2 and PCLMULQDQ (and POPCNT, BMI1, which come with them).
    #[must_use]
    pub fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1");
        has.then_some(Avx2(()))
    }
}

impl Backend for Avx2 {
    const NAME: &'static str = "avx2";

    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> Masks {
        let mut masks = Masks::default();
        // SAFETY: `self` proves that AVX2 is there; the loads are unaligned ones, each of 32 bytes within the 64.
        unsafe {
            for i in 0..2 {
                let v = _mm256_loadu_si256(block.as_ptr().add(i * 32).cast());
                let folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
                let eq = |v, byte: u8| {
                    u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(byte as i8))) as u32)
                        << (i * 32)
                };
                masks.quote |= eq(v, b'"');
                masks.backslash |= eq(v, b'\\');
                masks.open |= eq(folded, b'{');
                masks.close |= eq(folded, b'}');
                masks.newline |= eq(v, b'\n');
            }
        }
        masks
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: `self` proves that PCLMULQDQ is there.
        unsafe { clmul_prefix_xor(bits) }
    }
}

/// 64 bytes at a time.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    /// The backend, if this machine has AVX-512BW and PCLMULQDQ (and POPCNT, BMI1).
    #[must_use]
    pub fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1");
        has.then_some(Avx512(()))
    }
}

impl Backend for Avx512 {
    const NAME: &'static str = "avx512";

    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> Masks {
        // SAFETY: `self` proves that AVX-512BW is there; the load is an unaligned one of exactly the 64 bytes.
        unsafe {
            let v = _mm512_loadu_si512(block.as_ptr().cast());
            let folded = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
            Masks {
                quote: _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'"' as i8)),
                backslash: _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'\\' as i8)),
                open: _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8(b'{' as i8)),
                close: _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8(b'}' as i8)),
                newline: _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b'\n' as i8)),
            }
        }
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: `self` proves that PCLMULQDQ is there.
        unsafe { clmul_prefix_xor(bits) }
    }
}

/// A carry-less multiply by all ones is a prefix exclusive or.
///
/// # Safety
/// The processor must have PCLMULQDQ.
#[inline]
#[target_feature(enable = "pclmulqdq")]
unsafe fn clmul_prefix_xor(bits: u64) -> u64 {
    let product = _mm_clmulepi64_si128(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1), 0);
    _mm_cvtsi128_si64(product) as u64
}
