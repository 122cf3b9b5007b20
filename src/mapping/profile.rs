//! What is known of an input's columns before the mapping is decided.

/// Different names that are kept. More are decided one by one, when they are met.
pub const COLUMNS_MAX: usize = 10_000;
/// Bytes of a name. A longer one is no column of anybody.
pub const NAME_MAX: usize = 1024;

/// The names and some values of the first records.
#[derive(Debug, Default)]
pub struct Profile {}

impl Profile {
    /// A value of a column in the current record. The value may be empty.
    pub fn cell(&mut self, _column: &str, _value: &str) {}

    /// The record is complete.
    pub fn end_record(&mut self) {}
}
