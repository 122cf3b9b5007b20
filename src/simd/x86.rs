//! x86-64: SSE2 (always there), AVX2, AVX-512.
//!
//! Only `new` makes a backend that needs more than SSE2, and it checks the processor first. So a value of the backend proves that
//! its instructions are available. Its methods are inlined into their callers, and run at full width only inside a function
//! with the same `target_feature`s (see `with_backend!`).

use super::{Backend, Last, TextMasks, scalar};
use std::arch::x86_64::*;

/// The same for each part of a block. (Not `map`: a closure would not be compiled for the backend's instructions.)
macro_rules! each {
    ($block:expr, |$v:ident| $of:expr) => {
        match $block {
            [a, b, c, d] => [
                {
                    let $v = a;
                    $of
                },
                {
                    let $v = b;
                    $of
                },
                {
                    let $v = c;
                    $of
                },
                {
                    let $v = d;
                    $of
                },
            ],
        }
    };
}

/// 16 bytes at a time. SSE2 is part of x86-64, so this needs no proof.
#[derive(Debug, Clone, Copy)]
pub struct Sse2;

impl Backend for Sse2 {
    const NAME: &'static str = "sse2";
    type Block = [__m128i; 4];

    #[inline(always)]
    fn load(self, bytes: &[u8; 64]) -> Self::Block {
        // SAFETY: SSE2 is part of x86-64; each load is an unaligned one of 16 bytes within the 64.
        unsafe { each!([0, 16, 32, 48], |at| _mm_loadu_si128(bytes.as_ptr().add(at).cast())) }
    }

    #[inline(always)]
    fn fold(self, block: Self::Block) -> Self::Block {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { each!(block, |v| _mm_or_si128(v, _mm_set1_epi8(0x20))) }
    }

    #[inline(always)]
    fn eq(self, block: Self::Block, byte: u8) -> u64 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { join16(each!(block, |v| _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(byte as i8))))) }
    }

    #[inline(always)]
    fn within(self, block: Self::Block, from: u8, to: u8) -> u64 {
        // A byte less `from`, without borrowing, is at most `to - from`.
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            join16(each!(block, |v| {
                let v = _mm_sub_epi8(v, _mm_set1_epi8(from as i8));
                _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8((to - from) as i8)), v))
            }))
        }
    }

    #[inline(always)]
    fn non_ascii(self, block: Self::Block) -> u64 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { join16(each!(block, |v| _mm_movemask_epi8(v))) }
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
        scalar::prefix_xor(bits)
    }

    #[inline(always)]
    fn within32(self, bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool {
        let halves = |bytes: &[u8; 32]| -> [[u8; 16]; 2] { [0, 16].map(|i| *bytes[i..].first_chunk().expect("half")) };
        let [bytes, low, high] = [bytes, low, high].map(halves);
        // SAFETY: SSE2 is part of x86-64.
        unsafe { within16(&bytes[0], &low[0], &high[0]) && within16(&bytes[1], &low[1], &high[1]) }
    }
}

#[inline(always)]
fn join16([a, b, c, d]: [i32; 4]) -> u64 {
    (a as u32 as u64) | (b as u32 as u64) << 16 | (c as u32 as u64) << 32 | (d as u32 as u64) << 48
}

/// 32 bytes at a time.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// The backend, if this machine has AVX2, PCLMULQDQ and what comes with them.
    #[must_use]
    #[inline]
    pub fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt");
        has.then_some(Avx2(()))
    }
}

impl Backend for Avx2 {
    const NAME: &'static str = "avx2";
    type Block = [__m256i; 2];

    #[inline(always)]
    fn load(self, bytes: &[u8; 64]) -> Self::Block {
        // SAFETY: `self` proves that AVX2 is there; each load is an unaligned one of 32 bytes within the 64.
        unsafe { [_mm256_loadu_si256(bytes.as_ptr().cast()), _mm256_loadu_si256(bytes.as_ptr().add(32).cast())] }
    }

    #[inline(always)]
    fn fold(self, [a, b]: Self::Block) -> Self::Block {
        // SAFETY: `self` proves that AVX2 is there.
        unsafe { [_mm256_or_si256(a, _mm256_set1_epi8(0x20)), _mm256_or_si256(b, _mm256_set1_epi8(0x20))] }
    }

    #[inline(always)]
    fn eq(self, [a, b]: Self::Block, byte: u8) -> u64 {
        // SAFETY: `self` proves that AVX2 is there.
        unsafe {
            let byte = _mm256_set1_epi8(byte as i8);
            join32(_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, byte)), _mm256_movemask_epi8(_mm256_cmpeq_epi8(b, byte)))
        }
    }

    #[inline(always)]
    fn within(self, [a, b]: Self::Block, from: u8, to: u8) -> u64 {
        // SAFETY: `self` proves that AVX2 is there.
        unsafe {
            let (from, most) = (_mm256_set1_epi8(from as i8), _mm256_set1_epi8((to - from) as i8));
            let (a, b) = (_mm256_sub_epi8(a, from), _mm256_sub_epi8(b, from));
            join32(
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(a, most), a)),
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(b, most), b)),
            )
        }
    }

    #[inline(always)]
    fn non_ascii(self, [a, b]: Self::Block) -> u64 {
        // SAFETY: `self` proves that AVX2 is there.
        unsafe { join32(_mm256_movemask_epi8(a), _mm256_movemask_epi8(b)) }
    }

    /// The [classes](TEXT_LOW) of the last 32 bytes.
    type Before = __m256i;

    #[inline(always)]
    fn nothing_before(self) -> __m256i {
        // SAFETY: `self` proves that AVX2 is there.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    fn text(self, [a, b]: Self::Block, before: &mut __m256i) -> TextMasks {
        // SAFETY: `self` proves that AVX2 is there.
        unsafe {
            let (a_class, b_class) = (text_class(a), text_class(b));
            let (a_unclean, b_unclean) = (unclean(a_class, *before), unclean(b_class, a_class));
            *before = b_class;
            TextMasks {
                quote: join32(_mm256_movemask_epi8(a_class), _mm256_movemask_epi8(b_class)),
                unclean: join32(_mm256_movemask_epi8(a_unclean), _mm256_movemask_epi8(b_unclean)),
                non_ascii: join32(_mm256_movemask_epi8(a), _mm256_movemask_epi8(b)),
            }
        }
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: `self` proves that PCLMULQDQ is there.
        unsafe { clmul_prefix_xor(bits) }
    }

    #[inline(always)]
    fn within32(self, bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool {
        // SAFETY: `self` proves that AVX2 is there.
        unsafe { within32(bytes, low, high) }
    }
}

/// Control characters, `;` to `=`, `[` and `\`, 0x7f: a class each. What belongs to one of them is [unclean](TextMasks::unclean).
const SPECIAL: u8 = 0b1111;
/// Spaces and quotes: two in a row are unclean.
const EDGE: u8 = 1 << 4;
/// Colons: so are they.
const COLON: u8 = 1 << 5;
/// Quotes. It is the highest bit, because that of each byte becomes a bit of the mask.
const QUOTE: u8 = 1 << 7;

/// Classes of bytes by their low four bits: a byte has those classes that it has by these and by its [high](TEXT_HIGH) four bits. A
/// byte outside ASCII has none.
static TEXT_LOW: [u8; 16] = {
    let mut low = [1; 16];
    low[0x0] |= EDGE;
    low[0x2] |= EDGE | QUOTE;
    low[0xa] |= COLON;
    low[0xb] |= 2 | 4;
    low[0xc] |= 2 | 4;
    low[0xd] |= 2;
    low[0xf] |= 8;
    low
};

/// Classes of bytes by their high four bits.
static TEXT_HIGH: [u8; 16] = {
    let mut high = [0; 16];
    high[0x0] = 1;
    high[0x1] = 1;
    high[0x2] = EDGE | QUOTE;
    high[0x3] = 2 | COLON;
    high[0x5] = 4;
    high[0x7] = 8;
    high
};

/// The [classes](TEXT_LOW) of 32 bytes.
///
/// # Safety
/// The processor must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn text_class(bytes: __m256i) -> __m256i {
    // SAFETY: the processor has AVX2. (A shuffle gives 0 for a byte outside ASCII.)
    unsafe {
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
        let (low, high) =
            (_mm256_shuffle_epi8(table32(&TEXT_LOW), bytes), _mm256_shuffle_epi8(table32(&TEXT_HIGH), high));
        _mm256_and_si256(low, high)
    }
}

/// 32 bytes, the highest bit of each set where the byte with this class is unclean, given the classes of the 32 bytes before.
///
/// # Safety
/// The processor must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn unclean(class: __m256i, before: __m256i) -> __m256i {
    // The classes of the byte before each.
    let before = _mm256_alignr_epi8::<15>(class, _mm256_permute2x128_si256::<0x21>(before, class));
    let either = _mm256_and_si256(class, _mm256_or_si256(before, _mm256_set1_epi8(SPECIAL as i8)));
    // Anything above zero reaches the highest bit.
    _mm256_adds_epu8(either, _mm256_set1_epi8(0x7f))
}

/// The table for both halves of a shuffle of 32 bytes.
///
/// # Safety
/// The processor must have AVX2.
#[inline(always)]
unsafe fn table32(table: &[u8; 16]) -> __m256i {
    // SAFETY: the load is an unaligned one of exactly 16 bytes.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())) }
}

#[inline(always)]
fn join32(a: i32, b: i32) -> u64 {
    (a as u32 as u64) | (b as u32 as u64) << 32
}

/// 64 bytes at a time.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    /// The backend, if this machine has AVX-512BW and VBMI2, PCLMULQDQ and what comes with them.
    #[must_use]
    #[inline]
    pub fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt");
        has.then_some(Avx512(()))
    }
}

impl Backend for Avx512 {
    const NAME: &'static str = "avx512";
    type Block = __m512i;

    #[inline(always)]
    fn load(self, bytes: &[u8; 64]) -> Self::Block {
        // SAFETY: `self` proves that AVX-512BW is there; the load is an unaligned one of exactly the 64 bytes.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn fold(self, block: Self::Block) -> Self::Block {
        // SAFETY: `self` proves that AVX-512BW is there.
        unsafe { _mm512_or_si512(block, _mm512_set1_epi8(0x20)) }
    }

    #[inline(always)]
    fn eq(self, block: Self::Block, byte: u8) -> u64 {
        // SAFETY: `self` proves that AVX-512BW is there.
        unsafe { _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(byte as i8)) }
    }

    #[inline(always)]
    fn within(self, block: Self::Block, from: u8, to: u8) -> u64 {
        // SAFETY: `self` proves that AVX-512BW is there.
        unsafe {
            let v = _mm512_sub_epi8(block, _mm512_set1_epi8(from as i8));
            _mm512_cmple_epu8_mask(v, _mm512_set1_epi8((to - from) as i8))
        }
    }

    #[inline(always)]
    fn non_ascii(self, block: Self::Block) -> u64 {
        // SAFETY: `self` proves that AVX-512BW is there.
        unsafe { _mm512_movepi8_mask(block) }
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
        // SAFETY: `self` proves that PCLMULQDQ is there.
        unsafe { clmul_prefix_xor(bits) }
    }

    #[inline(always)]
    fn positions(self, bits: u64, base: u32, offsets: &mut [u32; 64]) {
        // SAFETY: `self` proves that AVX-512 with VBMI2 is there.
        unsafe { compressed_positions(bits, base, offsets) }
    }

    #[inline(always)]
    fn within32(self, bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool {
        // SAFETY: `self` proves that AVX-512 is there, and with it AVX2.
        unsafe { within32(bytes, low, high) }
    }
}

/// The numbers 0 to 63.
static COUNT: [u8; 64] = {
    let mut count = [0; 64];
    let mut i = 0;
    while i < 64 {
        count[i] = i as u8;
        i += 1;
    }
    count
};

/// The numbers of the bits set, pushed together by one instruction; then 16 are written at a time, needed or not.
///
/// # Safety
/// The processor must have AVX-512F, BW and VBMI2.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
unsafe fn compressed_positions(bits: u64, base: u32, offsets: &mut [u32; 64]) {
    let base = _mm512_set1_epi32(base as i32);
    // SAFETY: the load is one of the table's 64 bytes, and each store is one of 16 offsets within the 64.
    unsafe {
        let numbers = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(COUNT.as_ptr().cast()));
        let offsets = offsets.as_mut_ptr();
        let some = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(numbers));
        _mm512_storeu_si512(offsets.cast(), _mm512_add_epi32(base, some));
        let count = bits.count_ones();
        if count > 16 {
            let some = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<1>(numbers));
            _mm512_storeu_si512(offsets.add(16).cast(), _mm512_add_epi32(base, some));
        }
        if count > 32 {
            let some = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<2>(numbers));
            _mm512_storeu_si512(offsets.add(32).cast(), _mm512_add_epi32(base, some));
            let some = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<3>(numbers));
            _mm512_storeu_si512(offsets.add(48).cast(), _mm512_add_epi32(base, some));
        }
    }
}

/// Sixteen comparisons at once: clamping to its range leaves a byte that is within it unchanged.
///
/// # Safety
/// The processor must have SSE2, which is part of x86-64.
#[inline(always)]
unsafe fn within16(bytes: &[u8; 16], low: &[u8; 16], high: &[u8; 16]) -> bool {
    // SAFETY: each load is an unaligned one of exactly 16 bytes.
    unsafe {
        let v = _mm_loadu_si128(bytes.as_ptr().cast());
        let low = _mm_loadu_si128(low.as_ptr().cast());
        let high = _mm_loadu_si128(high.as_ptr().cast());
        let held = _mm_max_epu8(_mm_min_epu8(v, high), low);
        _mm_movemask_epi8(_mm_cmpeq_epi8(held, v)) == 0xffff
    }
}

/// The same with 32 bytes.
///
/// # Safety
/// The processor must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn within32(bytes: &[u8; 32], low: &[u8; 32], high: &[u8; 32]) -> bool {
    // SAFETY: each load is an unaligned one of exactly 32 bytes.
    unsafe {
        let v = _mm256_loadu_si256(bytes.as_ptr().cast());
        let low = _mm256_loadu_si256(low.as_ptr().cast());
        let high = _mm256_loadu_si256(high.as_ptr().cast());
        let held = _mm256_max_epu8(_mm256_min_epu8(v, high), low);
        let differs = _mm256_xor_si256(held, v);
        _mm256_testz_si256(differs, differs) == 1
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
