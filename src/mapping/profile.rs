//! What is known of an input's columns before the mapping is decided: their names, and some of their values.

use super::columns::ByName;
use super::permission::StatusWord;
use super::{names, split};

/// Different names that are kept. More are decided one by one, when they are met.
pub const COLUMNS_MAX: usize = 10_000;
/// Bytes of a name. A longer one is no column of anybody.
pub const NAME_MAX: usize = 1024;
/// Values of a column that are kept.
const SAMPLES: usize = 3;
/// Bytes of a value that is kept.
const SAMPLE_MAX: usize = 60;
/// Records of which is known which columns they have.
const RECORDS_KNOWN: usize = 1024;
/// Bytes of a value that is looked at.
const LOOK_MAX: usize = 256;

/// The names and some values of the first records.
#[derive(Debug, Default, Clone)]
pub struct Profile {
    pub(super) columns: Vec<Observed>,
    by_name: ByName,
    pub(super) records: u32,
    /// The records are vCards, under the names that they get here.
    pub is_cards: bool,
    /// Cells whose name is not kept.
    refused: u64,
}

/// One column of a profile.
#[derive(Debug, Clone)]
pub(super) struct Observed {
    pub name: String,
    pub filled: u32,
    pub samples: Vec<String>,
    /// Values that are words of a status.
    pub status_words: u32,
    /// A value is a word of a status that says no for sure.
    pub says_no: bool,
    /// Values that are states of an account with a shop.
    pub account_states: u32,
    /// Values that are honorifics.
    pub honorifics: u32,
    /// Values with an `@`.
    pub addresses: u32,
    /// The records that have it, a bit each.
    records: [u64; RECORDS_KNOWN / 64],
}

impl Profile {
    /// A value of a column in the current record. The value may be empty. A name that is too long, or one too many, is not kept.
    pub fn cell(&mut self, column: &str, value: &str) {
        let index = match self.by_name.get(column) {
            Some(index) => *index as usize,
            None if self.columns.len() < COLUMNS_MAX && column.len() <= NAME_MAX => {
                let index = self.columns.len();
                self.by_name.insert(column.into(), index as u32);
                self.columns.push(Observed::new(column));
                index
            }
            None => {
                self.refused += 1;
                return;
            }
        };
        self.columns[index].add(value, self.records as usize);
    }

    /// A profile of a table with these columns, in this order. Two may have one name.
    #[must_use]
    pub fn of_columns(names: &[String]) -> Profile {
        let mut profile = Profile::default();
        for name in names {
            let index = profile.columns.len() as u32;
            profile.by_name.entry(name.as_str().into()).or_insert(index);
            profile.columns.push(Observed::new(name));
        }
        profile
    }

    /// A value of the column of this index in the current record.
    pub fn cell_at(&mut self, column: usize, value: &str) {
        if let Some(column) = self.columns.get_mut(column) {
            column.add(value, self.records as usize);
        }
    }

    /// The record is complete.
    pub fn end_record(&mut self) {
        self.records = self.records.saturating_add(1);
    }

    /// Records so far.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Whether nothing was met.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Cells whose name was not kept: it was longer than [`NAME_MAX`], or beyond [`COLUMNS_MAX`] names.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Observed {
    pub(super) fn new(name: &str) -> Self {
        Observed {
            name: name.to_owned(),
            filled: 0,
            samples: Vec::new(),
            status_words: 0,
            says_no: false,
            account_states: 0,
            honorifics: 0,
            addresses: 0,
            records: [0; RECORDS_KNOWN / 64],
        }
    }

    fn add(&mut self, value: &str, record: usize) {
        if let Some(word) = self.records.get_mut(record / 64) {
            *word |= 1 << (record % 64);
        }
        let value = names::cut(value, LOOK_MAX).trim();
        if value.is_empty() {
            return;
        }
        self.filled = self.filled.saturating_add(1);
        let word = StatusWord::of(value);
        self.status_words += u32::from(word.is_status);
        self.says_no |= word.says_no;
        self.account_states += u32::from(word.is_account_state);
        self.honorifics += u32::from(split::is_honorific(value));
        self.addresses += u32::from(value.contains('@'));
        if self.samples.len() < SAMPLES {
            let sample = names::cut(value, SAMPLE_MAX);
            let sample = if sample.len() < value.len() { format!("{sample}…") } else { sample.to_owned() };
            if !self.samples.contains(&sample) {
                self.samples.push(sample);
            }
        }
    }

    /// Whether fewer than one in twenty of so many records have it, with or without a value.
    pub(super) fn is_rare(&self, records: u32) -> bool {
        let known = (records as usize).min(RECORDS_KNOWN);
        let count: u32 = self.records.iter().map(|word| word.count_ones()).sum();
        count as usize * 20 < known
    }

    /// Whether some record has both columns.
    pub(super) fn meets(&self, other: &Observed) -> bool {
        self.records.iter().zip(&other.records).any(|(a, b)| a & b != 0)
    }

    /// Whether its values are those of a status. One that had no value yet may be.
    pub(super) fn is_status(&self) -> bool {
        self.says_no || self.status_words * 2 >= self.filled
    }

    /// Whether its values are honorifics.
    pub(super) fn is_honorific(&self) -> bool {
        self.filled > 0 && self.honorifics * 2 >= self.filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_and_keeps_a_few_values() {
        let mut profile = Profile::default();
        for value in ["a@x.example", "b@x.example", "b@x.example", "c@x.example", "d@x.example", " "] {
            profile.cell("Email", value);
            profile.cell("Title", if value == " " { "" } else { "Dr." });
            profile.end_record();
        }
        let email = &profile.columns[0];
        assert_eq!((email.filled, email.addresses, profile.records()), (5, 5, 6));
        assert_eq!(email.samples, ["a@x.example", "b@x.example", "c@x.example"]);
        assert!(profile.columns[1].is_honorific() && email.meets(&profile.columns[1]));
    }

    #[test]
    fn columns_that_never_meet() {
        let mut profile = Profile::default();
        for i in 0..2000 {
            profile.cell(if i % 2 == 0 { "email" } else { "e-mail" }, "a@x.example");
            profile.end_record();
        }
        assert!(!profile.columns[0].meets(&profile.columns[1]));
    }

    #[test]
    fn memory_is_bounded() {
        let mut profile = Profile::default();
        for i in 0..COLUMNS_MAX + 500 {
            profile.cell(&format!("name {i}"), &"é".repeat(1000));
        }
        profile.cell(&"n".repeat(100_000), "x");
        assert_eq!((profile.columns.len(), profile.refused()), (COLUMNS_MAX, 501));
        assert!(profile.columns.iter().all(|column| column.samples.iter().all(|sample| sample.len() < 70)));
    }

    #[test]
    fn statuses() {
        let of = |values: &[&str]| {
            let mut column = Observed::new("status");
            values.iter().enumerate().for_each(|(i, value)| column.add(value, i));
            column.is_status()
        };
        assert!(of(&["active", "unsubscribed"]));
        assert!(of(&["Lead", "Customer", "Customer", "unsubscribed"]));
        assert!(of(&[]));
        assert!(!of(&["Lead", "Customer", "inactive"]));
        assert!(!of(&["NY", "MA"]));
    }
}
