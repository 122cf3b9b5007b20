//! What a run asks of the cleaner beside the contacts themselves.

use crate::clean::lines::Redactor;
use crate::clean::table_rejects::TableRejects;
use crate::model::finding::Code;
use std::sync::atomic::{AtomicBool, Ordering};

/// What separates cleaned contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A comma before each.
    Comma,
    /// A line break after each.
    Newline,
}

/// Which outputs a run writes beside the cleaned contacts.
#[derive(Debug, Default)]
pub struct OutputSelection {
    /// Report lines (errors and warnings).
    pub report: bool,
    /// Ledger lines (changes).
    pub changes: bool,
    /// Rejected contacts.
    pub rejects: bool,
    /// Rejected contacts get a [note](crate::clean::note); these are the names of the inputs.
    pub notes: Option<Vec<String>>,
    /// Rejects are a table, as all inputs are.
    pub table: Option<TableRejects>,
    /// The encodings that the inputs are decoded from; none for UTF-8.
    pub encodings: Vec<Option<&'static str>>,
    /// Which inputs are sheets of spreadsheets.
    pub sheets: Vec<bool>,
    /// Findings as data, changes included ([`Cleaned::findings`](crate::clean::cleaned::Cleaned::findings)).
    pub findings: bool,
    /// Examples for each fix, and statistics of members and of where in the input things go wrong.
    pub statistics: bool,
    /// Replaces values in report and ledger by hashes.
    pub redactor: Option<Redactor>,
    /// Collect every finding as an example, not only one of each code.
    pub listed: AtomicBool,
    /// Codes that have an example already.
    pub known: KnownCodes,
    /// Codes that have as many findings as the [statistics](Self::statistics) keep.
    pub saturated: KnownCodes,
}

impl OutputSelection {
    /// An offset in an input; none in a spreadsheet.
    #[must_use]
    pub fn offset(&self, input: usize, offset: u64) -> Option<u64> {
        (self.sheets.get(input) != Some(&true)).then_some(offset)
    }
}

/// One flag for each code.
#[derive(Debug)]
pub struct KnownCodes([AtomicBool; Code::COUNT]);

impl Default for KnownCodes {
    fn default() -> Self {
        KnownCodes([const { AtomicBool::new(false) }; Code::COUNT])
    }
}

impl KnownCodes {
    /// Sets the flag of a code.
    pub fn set(&self, code: Code) {
        self.0[code as usize].store(true, Ordering::Relaxed);
    }

    pub(super) fn get(&self, code: Code) -> bool {
        self.0[code as usize].load(Ordering::Relaxed)
    }
}
