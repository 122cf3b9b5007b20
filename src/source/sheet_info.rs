//! What a run reports about a spreadsheet.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The sheet of an input.
#[derive(Debug, Clone)]
pub struct SheetInfo {
    /// The format: `xlsx`, `xlsb`, `xls` or `ods`.
    pub format: &'static str,
    /// Its name.
    pub name: String,
    /// The other sheets, which are not read.
    pub others: Vec<String>,
    /// What is known at its end.
    pub notes: Arc<SheetNotes>,
}

/// What a person sees in a sheet and rows do not show.
#[derive(Debug, Default)]
pub struct SheetNotes {
    /// Merged areas.
    pub merged: AtomicU64,
    /// Rows that are hidden.
    pub hidden_rows: AtomicU64,
    /// Columns that are hidden, or groups of them.
    pub hidden_columns: AtomicU64,
}
