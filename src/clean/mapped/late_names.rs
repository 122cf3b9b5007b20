//! Names that the first records do not have.

/// A value that was under an unmapped name that the first records do not have.
pub type LateName = (String, u64);

/// Different late names that are counted by name. Further ones are counted together, under an empty name.
pub const LATE_NAMES_MAX: usize = 1_000;

/// Counts a name among others, in the order in which they came.
pub fn count_name(names: &mut Vec<LateName>, name: String, count: u64) {
    if let Some((_, known)) = names.iter_mut().find(|(known, _)| *known == name) {
        *known += count;
    } else if names.len() < LATE_NAMES_MAX {
        names.push((name, count));
    } else {
        match names.last_mut() {
            Some((other, others)) if other.is_empty() => *others += count,
            _ => names.push((String::new(), count)),
        }
    }
}
