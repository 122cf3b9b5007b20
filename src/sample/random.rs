//! The random numbers of a sample.

/// SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA
/// 2014), with the constants of Vigna's public-domain `splitmix64.c`. Written out here, since
/// samples must never change, and a library may change its generator.
pub(super) struct Rng(u64);

/// The step of SplitMix64: 2^64 over the golden ratio, made odd.
pub(super) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: a bijection that spreads every bit over all others.
pub(super) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a stream of draws is for. Each purpose has its own stream, so that a person can be drawn
/// again without the rest of the contact, and stays the same whatever is wrong with it.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Plan = 1,
    Person = 2,
    Members = 3,
    Mistakes = 4,
    /// What a system adds to its contacts.
    System = 5,
    Permission = 6,
    /// How a contact's row is written.
    Row = 7,
}

impl Rng {
    pub(super) fn new(seed: u64, index: u64, purpose: Purpose) -> Self {
        let start = mix(seed.wrapping_add(GOLDEN.wrapping_mul(purpose as u64)));
        Rng(mix(start ^ mix(index.wrapping_add(GOLDEN))))
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number from 0 up to, not including, `end`. The bias, under `end` in 2^32, does not matter here.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        (((self.draw() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    /// True in `n` of 1,000 draws.
    pub(super) fn per_mille(&mut self, n: u32) -> bool {
        self.below(1000) < n
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}
