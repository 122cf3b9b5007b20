//! SHA-256 of bodies, two at a time.
//!
//! The processor's own instructions for SHA-256 wait for each other: one message keeps them busy half of the time, and two
//! messages side by side take little longer than one. So bodies are kept in memory until there are two of them. Where the
//! processor has no such instructions, and for a body alone, it is the `sha2` crate.
//!
//! Source: FIPS 180-4, and Intel's description of the SHA extensions.

use sha2::block_api::compress256;

/// Bytes of a block.
const BLOCK: usize = 64;
/// The first state of a hash: FIPS 180-4, 5.3.3.
const BEGIN: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A hash, 32 bytes.
pub type Digest = [u8; 32];

#[derive(Debug, Clone, Copy)]
struct State([u32; 8]);

impl Default for State {
    fn default() -> Self {
        State(BEGIN)
    }
}

impl State {
    /// The hash of a message of `len` bytes, all of whose whole blocks are in this state, and these are the rest.
    fn end(mut self, rest: &[u8], len: u64) -> Digest {
        debug_assert!(rest.len() < BLOCK);
        let mut last = [[0; BLOCK]; 2];
        last[0][..rest.len()].copy_from_slice(rest);
        last[0][rest.len()] = 0x80;
        // The length, in bits, must fit behind it.
        let blocks = if rest.len() + 9 > BLOCK { 2 } else { 1 };
        last[blocks - 1][BLOCK - 8..].copy_from_slice(&(len * 8).to_be_bytes());
        compress256(&mut self.0, &last[..blocks]);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.0) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }
}

/// The hash of one message that comes in pieces.
#[derive(Debug, Clone, Default)]
pub struct Hash {
    state: State,
    /// The bytes that are not a whole block yet.
    rest: Vec<u8>,
    len: u64,
}

impl Hash {
    /// More of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut message =
            Message { rest: std::mem::take(&mut self.rest), now: bytes, ..Message::of(std::iter::empty()) };
        loop {
            let blocks = message.blocks();
            if blocks.is_empty() {
                break;
            }
            compress256(&mut self.state.0, blocks);
            let done = blocks.len();
            message.take(done);
        }
        self.rest = message.rest;
        self.len += bytes.len() as u64;
    }

    /// What it is of all that came.
    #[must_use]
    pub fn end(self) -> Digest {
        self.state.end(&self.rest, self.len)
    }
}

/// The hashes of two messages, each in its pieces.
#[must_use]
pub fn two<'p>(messages: [impl Iterator<Item = &'p [u8]>; 2]) -> [Digest; 2] {
    let mut states = [State::default(); 2];
    let [mut one, mut other] = messages.map(Message::of);
    loop {
        let blocks = [one.blocks(), other.blocks()];
        // When one has ended, the other goes on alone.
        let both = blocks[0].len().min(blocks[1].len());
        let done = if both > 0 { [both; 2] } else { [blocks[0].len(), blocks[1].len()] };
        match done {
            [0, 0] => break,
            [_, 0] => compress256(&mut states[0].0, blocks[0]),
            [0, _] => compress256(&mut states[1].0, blocks[1]),
            _ => {
                let [first, second] = &mut states;
                compress_two([&mut first.0, &mut second.0], [&blocks[0][..both], &blocks[1][..both]]);
            }
        }
        one.take(done[0]);
        other.take(done[1]);
    }
    [states[0].end(&one.rest, one.len), states[1].end(&other.rest, other.len)]
}

/// A message that lies in pieces, seen as blocks.
struct Message<'p, P> {
    pieces: P,
    /// What is left of the piece whose turn it is.
    now: &'p [u8],
    /// Less than a block from the pieces before it, or one block.
    rest: Vec<u8>,
    /// Bytes of all pieces so far.
    len: u64,
}

impl<'p, P: Iterator<Item = &'p [u8]>> Message<'p, P> {
    fn of(pieces: P) -> Self {
        Message { pieces, now: &[], rest: Vec::new(), len: 0 }
    }

    /// Some whole blocks that come next; none at the end of the message.
    fn blocks(&mut self) -> &[[u8; BLOCK]] {
        loop {
            if !self.rest.is_empty() {
                let (some, behind) = self.now.split_at(self.now.len().min(BLOCK - self.rest.len()));
                self.rest.extend_from_slice(some);
                self.now = behind;
            } else if self.now.len() < BLOCK {
                self.rest.extend_from_slice(self.now);
                self.now = &[];
            }
            if self.rest.len() == BLOCK || (self.rest.is_empty() && self.now.len() >= BLOCK) {
                break;
            }
            match self.pieces.next() {
                Some(piece) => {
                    self.now = piece;
                    self.len += piece.len() as u64;
                }
                None => return &[],
            }
        }
        if self.rest.is_empty() { self.now.as_chunks().0 } else { self.rest.as_chunks().0 }
    }

    /// So many of them are done.
    fn take(&mut self, blocks: usize) {
        if blocks == 0 {
            return;
        }
        if self.rest.is_empty() {
            self.now = &self.now[blocks * BLOCK..];
        } else {
            self.rest.clear();
        }
    }
}

/// Takes as many blocks into one state as into the other.
fn compress_two(states: [&mut [u32; 8]; 2], blocks: [&[[u8; BLOCK]]; 2]) {
    debug_assert_eq!(blocks[0].len(), blocks[1].len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1") {
        // SAFETY: the processor has just said that it has these instructions.
        return unsafe { x86::compress_two(states, blocks) };
    }
    for (state, blocks) in states.into_iter().zip(blocks) {
        compress256(state, blocks);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::BLOCK;
    use std::arch::x86_64::*;

    /// FIPS 180-4, 4.2.2.
    #[rustfmt::skip]
    static K: [u32; 64] = [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    /// Four rounds of each message with these words of theirs.
    macro_rules! rounds {
        ($group:expr, $ab:ident, $cd:ident, $words:expr) => {{
            // SAFETY: the four constants are within the table.
            let k = unsafe { _mm_loadu_si128(K.as_ptr().add(4 * $group).cast()) };
            let (one, two) = (_mm_add_epi32($words[0], k), _mm_add_epi32($words[1], k));
            $cd[0] = _mm_sha256rnds2_epu32($cd[0], $ab[0], one);
            $cd[1] = _mm_sha256rnds2_epu32($cd[1], $ab[1], two);
            $ab[0] = _mm_sha256rnds2_epu32($ab[0], $cd[0], _mm_shuffle_epi32(one, 0x0e));
            $ab[1] = _mm_sha256rnds2_epu32($ab[1], $cd[1], _mm_shuffle_epi32(two, 0x0e));
        }};
    }

    /// The next four words of each message, in the place of the oldest four.
    macro_rules! schedule {
        ($a:ident, $b:ident, $c:ident, $d:ident) => {
            $a[0] = _mm_sha256msg2_epu32(
                _mm_add_epi32(_mm_sha256msg1_epu32($a[0], $b[0]), _mm_alignr_epi8($d[0], $c[0], 4)),
                $d[0],
            );
            $a[1] = _mm_sha256msg2_epu32(
                _mm_add_epi32(_mm_sha256msg1_epu32($a[1], $b[1]), _mm_alignr_epi8($d[1], $c[1], 4)),
                $d[1],
            );
        };
    }

    /// See [`super::compress_two`].
    ///
    /// # Safety
    /// The processor must have SHA, SSSE3 and SSE4.1.
    #[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
    pub unsafe fn compress_two(states: [&mut [u32; 8]; 2], blocks: [&[[u8; BLOCK]]; 2]) {
        let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        let zero = _mm_setzero_si128();
        let (mut ab, mut cd) = ([zero; 2], [zero; 2]);
        for lane in 0..2 {
            // SAFETY: both halves of the state are within it.
            let (low, high) = unsafe {
                let state: *const __m128i = states[lane].as_ptr().cast();
                (_mm_loadu_si128(state), _mm_loadu_si128(state.add(1)))
            };
            let (low, high) = (_mm_shuffle_epi32(low, 0xb1), _mm_shuffle_epi32(high, 0x1b));
            ab[lane] = _mm_alignr_epi8(low, high, 8);
            cd[lane] = _mm_blend_epi16(high, low, 0xf0);
        }
        for (one, two) in blocks[0].iter().zip(blocks[1]) {
            let (ab_before, cd_before) = (ab, cd);
            let words = |at: usize| {
                // SAFETY: `at` is 0 to 3, and each of these loads is one of 16 bytes within the 64 of a block.
                let (one, two) = unsafe {
                    (
                        _mm_loadu_si128(one.as_ptr().cast::<__m128i>().add(at)),
                        _mm_loadu_si128(two.as_ptr().cast::<__m128i>().add(at)),
                    )
                };
                [one, two]
            };
            let [mut a, mut b, mut c, mut d] = [words(0), words(1), words(2), words(3)];
            for words in [&mut a, &mut b, &mut c, &mut d] {
                words[0] = _mm_shuffle_epi8(words[0], swap);
                words[1] = _mm_shuffle_epi8(words[1], swap);
            }
            rounds!(0, ab, cd, a);
            rounds!(1, ab, cd, b);
            rounds!(2, ab, cd, c);
            rounds!(3, ab, cd, d);
            for group in [4, 8, 12] {
                schedule!(a, b, c, d);
                rounds!(group, ab, cd, a);
                schedule!(b, c, d, a);
                rounds!(group + 1, ab, cd, b);
                schedule!(c, d, a, b);
                rounds!(group + 2, ab, cd, c);
                schedule!(d, a, b, c);
                rounds!(group + 3, ab, cd, d);
            }
            for lane in 0..2 {
                ab[lane] = _mm_add_epi32(ab[lane], ab_before[lane]);
                cd[lane] = _mm_add_epi32(cd[lane], cd_before[lane]);
            }
        }
        for (lane, state) in states.into_iter().enumerate() {
            let (low, high) = (_mm_shuffle_epi32(ab[lane], 0x1b), _mm_shuffle_epi32(cd[lane], 0xb1));
            // SAFETY: both halves of the state are within it.
            unsafe {
                let state: *mut __m128i = state.as_mut_ptr().cast();
                _mm_storeu_si128(state, _mm_blend_epi16(low, high, 0xf0));
                _mm_storeu_si128(state.add(1), _mm_alignr_epi8(high, low, 8));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    fn check(one: &[u8], other: &[u8], piece: usize, other_piece: usize) {
        let expected = [one, other].map(|message| Digest::from(Sha256::digest(message)));
        assert_eq!(two([one.chunks(piece), other.chunks(other_piece)]), expected);
        let mut hash = Hash::default();
        one.chunks(piece).for_each(|piece| hash.update(piece));
        assert_eq!(hash.end(), expected[0]);
    }

    #[test]
    fn every_length_around_a_block() {
        for len in 0..200usize {
            let message = |salt: usize, len: usize| (0..len).map(|i| (i * 7 + salt) as u8).collect::<Vec<u8>>();
            for (piece, other_piece) in [(50, 64), (64, 1000), (1, 63)] {
                check(&message(1, len), &message(2, len), piece, other_piece);
                check(&message(1, len), &message(2, 77), piece, other_piece);
                check(&message(1, 500), &message(2, len), piece, other_piece);
            }
        }
    }

    proptest! {
        #[test]
        fn as_the_library_has_it(
            one in prop::collection::vec(any::<u8>(), 0..3000),
            other in prop::collection::vec(any::<u8>(), 0..3000),
            piece in 1..500usize,
            other_piece in 1..500usize,
        ) {
            check(&one, &other, piece, other_piece);
        }

        #[test]
        fn two_messages_do_not_touch_each_other(
            blocks in prop::collection::vec(any::<([[u8; 32]; 2], [[u8; 32]; 2])>(), 0..9),
            begin in any::<[[u32; 8]; 2]>(),
        ) {
            let join = |halves: [[u8; 32]; 2]| -> [u8; BLOCK] { halves.concat().try_into().unwrap() };
            let [one, two]: [Vec<[u8; BLOCK]>; 2] =
                [blocks.iter().map(|b| join(b.0)).collect(), blocks.iter().map(|b| join(b.1)).collect()];
            let (mut both, mut each) = (begin, begin);
            let [first, second] = &mut both;
            compress_two([first, second], [&one, &two]);
            compress256(&mut each[0], &one);
            compress256(&mut each[1], &two);
            prop_assert_eq!(both, each);
        }
    }
}
