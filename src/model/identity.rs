//! The identity of a contact, as 64 bits: a hash of the email address in lower case, or else of the number, under a key that each
//! run draws.
//!
//! The key is what makes the hash safe against input that was made on purpose. Without it, addresses of one hash could be searched
//! for beforehand: two of them would be taken for one contact, and many of them would all fall into one place of a table. The hash
//! is multilinear (Lemire and Kaser, "Strongly universal string hashing is fast"): the words of the text, each multiplied by a
//! random factor of 128 bits, are added to a random start, and the upper half of the sum counts. This has a proof instead of
//! experience: whatever two different texts are, the pair of their hashes is each of the 2^128 possible pairs with the same odds.
//! (In the word that differs, the difference is an odd number times 2^t with t below 64. Times the factor, its bits from t upwards
//! are uniform, and so is the upper half of the second sum whatever the first one is.) So any two contacts are taken for one with
//! odds of 2^-64, and a place of 34 bits is shared with odds of 2^-34: input that was made without the key does no better than any
//! other. A fast hash with a secret seed has no such bound; for several of them, texts are known that collide under every seed.
//! `SipHash` would do as well, at three times the instructions.
//!
//! A bijection at the end keeps those odds, and hides the structure that sums of many similar texts have.
//!
//! Nothing of the key or of a hash is ever written: which key it was makes no difference to any output.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// The identity of a contact.
pub type Identity = u64;

/// Words of the longest text and its end.
const WORDS: usize = 40;

/// The key of a run's identities.
#[derive(Clone)]
pub struct IdentityKey {
    /// Where the sum of a number begins, and that of an address.
    starts: [u128; 2],
    /// What each word is multiplied by.
    factors: [u128; WORDS],
}

/// The key is secret, so it is not shown.
impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey")
    }
}

impl IdentityKey {
    /// A new key. The standard library draws 128 bits from the operating system; they are made longer by the keyed hash that its
    /// maps have.
    #[must_use]
    pub fn draw() -> Self {
        let random = RandomState::new();
        let mut count = 0u64;
        let mut word = || {
            count += 1;
            u128::from(random.hash_one(count))
        };
        let mut wide = || word() << 64 | word();
        IdentityKey { starts: std::array::from_fn(|_| wide()), factors: std::array::from_fn(|_| wide()) }
    }

    /// The identity of the contact that has this address, in lower case, or this number: the first `len` bytes of `text`. The
    /// bytes behind them are ignored.
    ///
    /// # Panics
    /// `len` is not below the length of `text`.
    #[must_use]
    #[inline(always)]
    pub fn identity<const N: usize>(&self, is_email: bool, text: &[u8; N], len: usize) -> Identity {
        const { assert!(N.is_multiple_of(8) && N / 8 <= WORDS) };
        let words = text.as_chunks::<8>().0;
        let word = |i: usize| u64::from_le_bytes(words[i]);
        let last = len / 8;
        let mut sum = self.starts[usize::from(is_email)];
        for (i, factor) in self.factors[..last].iter().enumerate() {
            sum = sum.wrapping_add(factor.wrapping_mul(u128::from(word(i))));
        }
        // A mark where the text ends, and zeros behind it: no two texts have the same words.
        let end = 1 << (len % 8 * 8);
        let rest = word(last) & (end - 1) | end;
        sum = sum.wrapping_add(self.factors[last].wrapping_mul(u128::from(rest)));
        mix((sum >> 64) as u64)
    }

    /// A hash of an identity under this key, for a table that found identities to be uneven.
    #[must_use]
    #[inline]
    pub fn again(&self, identity: Identity) -> Identity {
        let sum = self.starts[0].wrapping_add(self.factors[0].wrapping_mul(u128::from(identity)));
        mix((sum >> 64) as u64)
    }
}

/// The last step of `MurmurHash3`, a bijection.
#[inline(always)]
fn mix(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ bits >> 33
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use xxhash_rust::xxh3::xxh3_64;

    fn of(key: &IdentityKey, is_email: bool, text: &[u8]) -> Identity {
        let mut room = [b'?'; 320];
        room[..text.len()].copy_from_slice(text);
        key.identity(is_email, &room, text.len())
    }

    /// The same, word by word as the definition has it.
    fn defined(key: &IdentityKey, is_email: bool, text: &[u8]) -> Identity {
        let mut padded = [text, &[1]].concat();
        padded.resize(padded.len().next_multiple_of(8), 0);
        let words = padded.chunks(8).map(|word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte)));
        let sum = words
            .zip(key.factors)
            .fold(key.starts[usize::from(is_email)], |sum, (word, factor)| sum.wrapping_add(word.wrapping_mul(factor)));
        mix((sum >> 64) as u64)
    }

    #[test]
    fn it_is_as_defined_at_every_length() {
        let key = IdentityKey::draw();
        let text: Vec<u8> = (0..320u32).map(|i| (i * 7 + 1) as u8).collect();
        let mut all = HashSet::new();
        for len in 0..320 {
            for is_email in [false, true] {
                let identity = of(&key, is_email, &text[..len]);
                assert_eq!(identity, defined(&key, is_email, &text[..len]), "{len}");
                assert!(all.insert(identity), "{len}");
            }
            if len < 64 {
                let room = *text.first_chunk::<64>().unwrap();
                assert_eq!(key.identity(true, &room, len), of(&key, true, &text[..len]));
            }
        }
        // The bytes behind the text are ignored, and zeros at its end count.
        assert_eq!(key.identity(true, b"abcdefghijklmnop", 9), key.identity(true, b"abcdefghi???????", 9));
        assert_ne!(of(&key, true, b"abc"), of(&key, true, b"abc\0"));
    }

    #[test]
    fn every_bit_of_the_text_and_of_the_key_counts() {
        let (key, other) = (IdentityKey::draw(), IdentityKey::draw());
        let text = *b"joe.q-public+news@mail.example.com";
        assert_ne!(of(&key, true, &text), of(&other, true, &text));
        assert_ne!(of(&key, true, &text), of(&key, false, &text));
        let mut all = HashSet::from([of(&key, true, &text)]);
        for bit in 0..text.len() * 8 {
            let mut changed = text;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(all.insert(of(&key, true, &changed)), "{bit}");
        }
        assert_eq!(format!("{key:?}"), "IdentityKey");
    }

    /// Two addresses that have one hash under a seed that is known.
    #[test]
    fn addresses_made_to_collide_are_told_apart() {
        let (one, other) = (b"umirq3s1rbd@l.eb", b"f5txnsywp0y@f.ob");
        assert_eq!(xxh3_64(one), xxh3_64(other));
        for _ in 0..1000 {
            let key = IdentityKey::draw();
            assert_ne!(of(&key, true, one), of(&key, true, other));
        }
    }

    /// Similar texts are spread evenly by the bits that select a slot of the duplicate index.
    #[test]
    fn similar_texts_are_spread_evenly() {
        const TEXTS: usize = 1 << 16;
        const SLOTS: usize = 1 << 10;
        for place in [0, 7, 8, 15] {
            let key = IdentityKey::draw();
            let mut counts = [0usize; SLOTS];
            for i in 0..TEXTS {
                let mut text = *b"aaaaaaaaaaaaaaaaaaaaaaaa";
                text[place..place + 4].copy_from_slice(&(i as u32).to_le_bytes());
                counts[(of(&key, true, &text) >> 54) as usize] += 1;
            }
            let mean = TEXTS / SLOTS;
            assert!(counts.iter().all(|count| (mean / 4..mean * 3).contains(count)), "{place}: {counts:?}");
        }
    }
}
