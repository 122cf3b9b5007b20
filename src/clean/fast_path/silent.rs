//! Custom fields that say nothing about permission for email, by their names. The rules look at all others: `cf:Unsubscribed`.

use crate::mapping::permission;
use crate::rules::custom::NAME_MAX;

/// Bytes of the longest name, with `cf:` in front.
const BYTES_MAX: usize = NAME_MAX + 3;
/// Names that are remembered, at most: a power of two.
const SLOTS: usize = 256;
/// Places where one name may be.
const PROBES: usize = 4;

/// Names that were looked at and say nothing. An export has few, in contact after contact.
#[derive(Debug)]
pub(super) struct SilentNames {
    /// The length of each name, or zero, and the name.
    slots: Box<[(u8, [u8; BYTES_MAX])]>,
}

impl Default for SilentNames {
    fn default() -> Self {
        SilentNames { slots: vec![(0, [0; BYTES_MAX]); SLOTS].into() }
    }
}

impl SilentNames {
    /// Whether a name, with its `cf:`, says nothing about permission. False is always safe.
    #[inline]
    pub fn is_silent(&mut self, name: &[u8]) -> bool {
        let Some((_, &last)) = name.split_last_chunk::<4>() else { return false };
        let first = (u32::from_le_bytes(last).wrapping_mul(0x9e37_79b1) >> 24) as usize;
        for at in first..first + PROBES {
            let (len, known) = &self.slots[at % SLOTS];
            if *len == 0 {
                break;
            }
            if usize::from(*len) == name.len() && is_same(known, name) {
                return true;
            }
        }
        self.look(name, first)
    }

    /// Looks at a name that is not remembered.
    #[cold]
    fn look(&mut self, name: &[u8], first: usize) -> bool {
        let mut copy = [0; BYTES_MAX];
        let Some(bytes) = copy.get_mut(..name.len()) else { return false };
        // A copy, because another process may write to the mapped file.
        bytes.copy_from_slice(name);
        let is_silent = std::str::from_utf8(bytes).is_ok_and(|name| permission::of_name(name).is_none());
        if is_silent {
            let free = (first..first + PROBES).map(|at| at % SLOTS).find(|at| self.slots[*at].0 == 0);
            self.slots[free.unwrap_or(first)] = (name.len() as u8, copy);
        }
        is_silent
    }
}

/// Whether a name is the first bytes of a known one, by two words that overlap: as most are short, a call costs more.
#[inline]
fn is_same(known: &[u8; BYTES_MAX], name: &[u8]) -> bool {
    let known = &known[..name.len().min(BYTES_MAX)];
    if name.len() > 16 {
        return *known == *name;
    }
    if let (Some(a), Some(b)) = (known.first_chunk::<8>(), name.first_chunk::<8>()) {
        return a == b && known.last_chunk::<8>() == name.last_chunk::<8>();
    }
    known.first_chunk::<4>() == name.first_chunk::<4>() && known.last_chunk::<4>() == name.last_chunk::<4>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_length_are_compared_whole() {
        for len in 4..=40 {
            let name = vec![b'n'; len];
            let mut known = [0; BYTES_MAX];
            known[..len].copy_from_slice(&name);
            assert!(is_same(&known, &name));
            for at in 0..len {
                let mut other = name.clone();
                other[at] = b'x';
                assert!(!is_same(&known, &other), "{len}, {at}");
            }
        }
    }

    #[test]
    fn names_are_told_apart() {
        let mut names = SilentNames::default();
        for _ in 0..3 {
            for i in 0..2_000 {
                assert!(names.is_silent(format!("cf:Tier {i}").as_bytes()));
                assert!(!names.is_silent(format!("cf:{i} unsubscribed").as_bytes()));
            }
            assert!(names.is_silent("cf:Größe".as_bytes()));
            assert!(names.is_silent(format!("cf:{}", "x".repeat(NAME_MAX)).as_bytes()));
            for name in ["", "cf:", "cf:Opt-out", "cf:DoNotEmail", "cf:opt in", "cf:Subscription status"] {
                assert!(!names.is_silent(name.as_bytes()), "{name}");
            }
            assert!(!names.is_silent(b"cf:\xff") && !names.is_silent(format!("cf:{}", "x".repeat(200)).as_bytes()));
        }
    }
}
