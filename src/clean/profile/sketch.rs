//! Counts distinct values in constant memory: HyperLogLog with Ertl's estimator (arXiv:1702.01284), which needs no tables.

/// Bits of a hash that choose a register.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;

/// Updates that are kept as they come, before there are registers.
const FEW: usize = 256;

/// A sketch of the distinct values among many. Two merge to that of both, in any order. The standard error is 1.6 %.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    few: Vec<(u16, u8)>,
    registers: Vec<u8>,
}

impl Sketch {
    /// Adds a value by its hash.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) {
        let register = (hash >> (64 - PRECISION)) as u16;
        // One more than the zeros in front of the other bits.
        let rank = ((hash << PRECISION) | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
        self.update(register, rank);
    }

    #[inline]
    fn update(&mut self, register: u16, rank: u8) {
        if !self.registers.is_empty() {
            raise(&mut self.registers, register, rank);
            return;
        }
        self.few.push((register, rank));
        if self.few.len() == FEW {
            self.widen();
        }
    }

    /// Moves the updates that were kept into registers.
    fn widen(&mut self) {
        self.registers.resize(REGISTERS, 0);
        self.few.drain(..).for_each(|(register, rank)| raise(&mut self.registers, register, rank));
    }

    /// Adds the values of another.
    pub(super) fn merge(&mut self, other: &Sketch) {
        if other.registers.is_empty() {
            other.few.iter().for_each(|(register, rank)| self.update(*register, *rank));
            return;
        }
        if self.registers.is_empty() {
            self.widen();
        }
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *mine = (*mine).max(*theirs);
        }
    }

    pub(super) fn clear(&mut self) {
        self.few.clear();
        // Without registers, a batch of few values is a short list again.
        self.registers.clear();
    }

    /// The number of distinct values, about.
    pub(super) fn estimate(&self) -> u64 {
        let mut registers = self.registers.clone();
        registers.resize(REGISTERS, 0);
        self.few.iter().for_each(|(register, rank)| raise(&mut registers, *register, *rank));
        let mut counts = [0u32; 66];
        registers.iter().for_each(|rank| counts[usize::from(*rank)] += 1);
        let (m, last) = (REGISTERS as f64, (64 - PRECISION) as usize);
        let mut z = m * tau(1.0 - f64::from(counts[last + 1]) / m);
        for count in counts[1..=last].iter().rev() {
            z = 0.5 * (z + f64::from(*count));
        }
        z += m * sigma(f64::from(counts[0]) / m);
        (m * m / (2.0 * std::f64::consts::LN_2) / z).round() as u64
    }
}

#[inline]
fn raise(registers: &mut [u8], register: u16, rank: u8) {
    let mine = &mut registers[usize::from(register)];
    *mine = rank.max(*mine);
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    fn sketch(values: std::ops::Range<u64>) -> Sketch {
        let mut sketch = Sketch::default();
        values.for_each(|i| sketch.insert(xxh3_64(&i.to_le_bytes())));
        sketch
    }

    #[test]
    fn estimates_are_close() {
        assert_eq!(Sketch::default().estimate(), 0);
        for n in [1, 2, 10, 100, 1000, 5000, 12_000, 100_000, 1_000_000] {
            let (estimate, exact) = (sketch(0..n).estimate() as f64, n as f64);
            // Three standard errors, and one where there are few.
            assert!((estimate - exact).abs() <= exact * 0.05 + 0.5, "{n}: {estimate}");
        }
    }

    #[test]
    fn repeats_do_not_count_and_parts_add_up() {
        let mut twice = sketch(0..3000);
        twice.merge(&sketch(0..3000));
        assert_eq!(twice.estimate(), sketch(0..3000).estimate());
        for (at, end) in [(10, 20), (100, 5000), (4990, 5000), (5000, 5000)] {
            let (mut a, b) = (sketch(0..at), sketch(at..end));
            a.merge(&b);
            assert_eq!(a.estimate(), sketch(0..end).estimate());
            let mut c = b.clone();
            c.merge(&sketch(0..at));
            assert_eq!(c.estimate(), a.estimate());
        }
    }

    #[test]
    fn any_hash_has_its_register() {
        let mut sketch = Sketch::default();
        for hash in [0, u64::MAX, 1, 1 << 52, (1 << 52) - 1] {
            (0..300).for_each(|_| sketch.insert(hash));
        }
        assert!(sketch.estimate() <= 5);
    }
}
