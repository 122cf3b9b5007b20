//! A list of addresses that must not be imported.

use super::text;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// The addresses of a suppression list, as sorted hashes of 16 bytes: 10 million of them take 160 MB, whatever their length.
///
/// Two addresses that share a hash are not expected in any list: 10 million addresses against a contact have odds of 2^-104. The
/// hash has a random seed, and whoever could still make two of one hash would only suppress an address of their own.
#[derive(Debug, Clone)]
pub struct SuppressionList {
    hashes: Vec<u128>,
    /// How many of the hashes are sorted and each there once.
    sorted: usize,
    seed: u64,
    lines: u64,
    without_address: u64,
}

impl Default for SuppressionList {
    fn default() -> Self {
        use std::hash::{BuildHasher, RandomState};
        SuppressionList {
            hashes: Vec::new(),
            sorted: 0,
            seed: RandomState::new().hash_one(0),
            lines: 0,
            without_address: 0,
        }
    }
}

/// Bytes of the longest address that is looked at.
const ADDRESS_MAX: usize = 1024;
/// Hashes that wait until they are sorted, at least. Sorting from time to time drops repeats, so that they take no memory.
const WAITING_MIN: usize = 1 << 16;

/// An address without what may stand around it. None where there is none.
fn address_in(text: &str) -> Option<&str> {
    let bare = text::trim(text).trim_matches(|c: char| c == '\'' || c.is_whitespace());
    let (local, domain) = bare.rsplit_once('@')?;
    let good = !local.is_empty() && !domain.is_empty() && !local.contains('@') && bare.len() <= ADDRESS_MAX;
    good.then_some(bare)
}

/// The addresses in a line: it may be a row of a table, or `Name <address>`, or an address after `mailto:`. All of them count,
/// because who is missed is written to.
fn addresses_in(line: &str) -> impl Iterator<Item = &str> {
    let separates =
        |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '<' | '>' | '"' | '(' | ')' | '[' | ']');
    line.split(separates).flat_map(|part| {
        // A bar separates columns, and some addresses have one.
        let columns = part.contains('|').then(|| part.split('|')).into_iter().flatten();
        std::iter::once(part).chain(columns).filter_map(address_in)
    })
}

impl SuppressionList {
    /// A list of these lines.
    pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = SuppressionList::default();
        for line in lines {
            list.push_line(line);
        }
        list.finish();
        list
    }

    /// Adds the addresses in a line, of any length. A line without one is counted. Empty lines are ignored. Returns whether there
    /// was one.
    pub fn push_line(&mut self, line: &str) -> bool {
        if text::trim(line).is_empty() {
            return false;
        }
        self.lines += 1;
        let mut any = false;
        for address in addresses_in(line) {
            any = true;
            let hash = self.hash(address);
            self.hashes.push(hash);
            if self.hashes.len() - self.sorted > WAITING_MIN.max(self.sorted) {
                self.finish();
            }
        }
        self.without_address += u64::from(!any);
        any
    }

    /// To call once all lines are in.
    pub fn finish(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.sorted = self.hashes.len();
    }

    /// Addresses, each once. Call [`finish`](Self::finish) before.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether it has no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Lines that were not empty.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Lines without an address.
    #[must_use]
    pub fn without_address(&self) -> u64 {
        self.without_address
    }

    /// Whether it has this address. Case is ignored. Call [`finish`](Self::finish) before.
    #[must_use]
    pub fn contains(&self, address: &str) -> bool {
        debug_assert_eq!(self.sorted, self.hashes.len(), "the list is not finished");
        if self.hashes.is_empty() {
            return false;
        }
        let Some(address) = address_in(address) else { return false };
        self.hashes.binary_search(&self.hash(address)).is_ok()
    }

    /// The hash of an address in small letters; the domain in its ASCII form.
    fn hash(&self, address: &str) -> u128 {
        let mut buffer = [0u8; ADDRESS_MAX];
        if address.is_ascii() {
            let lower = &mut buffer[..address.len()];
            lower.copy_from_slice(address.as_bytes());
            lower.make_ascii_lowercase();
            return xxh3_128_with_seed(lower, self.seed);
        }
        let lower = match address.rsplit_once('@') {
            Some((local, domain)) => {
                let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
                format!("{}@{domain}", local.to_lowercase())
            }
            None => address.to_lowercase(),
        };
        xxh3_128_with_seed(lower.as_bytes(), self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn lines_of_all_sorts() {
        let list = SuppressionList::of_lines([
            "ana@x.example",
            " BO@X.Example \r",
            "\"cy@x.example\",",
            "Di <di@x.example>",
            "mailto:ed@x.example",
            "\u{feff}fy@x.example",
            "gu@müller.example",
            "Email",
            "",
            "   ",
            "two@x.example, one@x.example",
            "@x.example",
            "ana@x.example",
            "hy@x.example,Hy Li,2024-01-02",
            "\"Li, Jo\";\"jo@x.example\";yes",
            "Ky\tky@x.example\t1",
            "Ly|ly@x.example|1",
            "m|y@x.example",
            "EMAIL;TYPE=HOME:ny@x.example",
            "o'brien@x.example",
        ]);
        for address in [
            "ana@x.example",
            "ANA@X.EXAMPLE",
            "bo@x.example",
            "cy@x.example",
            "di@x.example",
            "ed@x.example",
            "fy@x.example",
            "gu@xn--mller-kva.example",
            " ana@x.example ",
            "one@x.example",
            "two@x.example",
            "hy@x.example",
            "jo@x.example",
            "ky@x.example",
            "ly@x.example",
            "m|y@x.example",
            "ny@x.example",
            "o'brien@x.example",
        ] {
            assert!(list.contains(address), "{address}");
        }
        for address in ["an@x.example", "", "ana", "Email", "three@x.example"] {
            assert!(!list.contains(address), "{address}");
        }
        assert_eq!((list.lines(), list.without_address()), (18, 2));
    }

    #[test]
    fn empty_lists() {
        let empty = SuppressionList::of_lines([]);
        assert!(empty.is_empty() && empty.lines() == 0 && !empty.contains("a@x.example"));
        let none = SuppressionList::of_lines(["Name", "Ana"]);
        assert!(none.is_empty() && none.without_address() == 2);
    }

    #[test]
    fn repeats_take_no_memory() {
        let mut list = SuppressionList::default();
        for i in 0..400_000 {
            list.push_line(["a@x.example", "b@x.example", "c@x.example"][i % 3]);
            assert!(list.hashes.len() <= WAITING_MIN + 4);
        }
        list.finish();
        assert_eq!(list.len(), 3);
    }

    #[test]
    fn long_lines_are_read_to_their_end() {
        let (long, too_long) = ("x".repeat(1_000_000), format!("{}@x.example", "y".repeat(2000)));
        let list = SuppressionList::of_lines([&*long, &too_long, &format!("{long},ana@x.example")]);
        assert_eq!((list.len(), list.without_address()), (1, 2));
        assert!(list.contains("ana@x.example"));
    }

    proptest! {
        #[test]
        fn it_is_a_set_without_case(lines in proptest::collection::vec("[a-dA-D]{1,2}@[xyXY]\\.example|[a-c]{0,3}", 0..60)) {
            let list = SuppressionList::of_lines(lines.iter().map(String::as_str));
            let set: HashSet<String> = lines.iter().filter(|line| line.contains('@')).map(|line| line.to_lowercase()).collect();
            prop_assert_eq!(list.len(), set.len());
            for address in ["a@x.example", "AB@Y.example", "d@X.example", "dd@y.EXAMPLE"] {
                prop_assert_eq!(list.contains(address), set.contains(&address.to_lowercase()));
            }
        }

        #[test]
        fn any_line_is_taken(line in ".{0,60}") {
            let list = SuppressionList::of_lines([line.as_str()]);
            prop_assert_eq!(list.is_empty(), list.without_address() == list.lines());
        }
    }
}
