//! Cells to rows of text.

use super::Refusal;
use super::reader::Message;
use crate::csv;
use crossbeam_channel::Sender;
use std::ops::Range;

/// Most rows of a sheet, as in Excel and LibreOffice.
pub(super) const ROWS_MAX: u64 = 1 << 20;
/// Most columns of a sheet, as in Excel and LibreOffice.
pub(super) const COLUMNS_MAX: u64 = 1 << 14;
/// Bytes of rows that go on together.
const BLOCK: usize = 128 << 10;

/// Why a sheet is not read on.
#[derive(Debug)]
pub(super) enum Stop {
    /// The receiver is gone.
    Closed,
    /// The document is not read.
    Refused(Refusal),
    /// It is damaged: how.
    Fault(String),
    /// It is too large: how, and what to do.
    Limit(String),
}

/// Writes the rows of a sheet.
pub(super) struct RowWriter {
    messages: Sender<Message>,
    block: Vec<u8>,
    /// The current row, from 1; 0 before the first.
    row: u64,
    /// The last row that was written; empty ones count only when another follows.
    written: u64,
    /// Cells of the current row with a value, in the order in which they came.
    cells: Vec<(u32, Range<usize>)>,
    /// Their text.
    text: String,
    is_sorted: bool,
}

impl RowWriter {
    pub(super) fn new(messages: Sender<Message>) -> Self {
        RowWriter {
            messages,
            block: Vec::with_capacity(BLOCK + (BLOCK >> 3)),
            row: 0,
            written: 0,
            cells: Vec::new(),
            text: String::new(),
            is_sorted: true,
        }
    }

    /// The last row that was written, from 1; 0 before the first.
    pub(super) fn last_row(&self) -> u64 {
        self.written
    }

    /// Forgets the current row, which is not complete, and sends those before it.
    pub(super) fn abandon(&mut self) {
        self.cells.clear();
        self.text.clear();
        // The receiver may be gone.
        let _ = self.finish();
    }

    /// Bytes of text in the current row.
    pub(super) fn row_len(&self) -> usize {
        self.text.len()
    }

    /// Adds a cell of this row, from 1, and column, from 0. `write` appends its text.
    #[inline]
    pub(super) fn cell(&mut self, row: u64, column: u32, write: impl FnOnce(&mut String)) -> Result<(), Stop> {
        if row != self.row {
            self.begin_row(row)?;
        }
        let start = self.text.len();
        write(&mut self.text);
        if self.text.len() > start {
            self.is_sorted &= self.cells.last().is_none_or(|(last, _)| *last < column);
            self.cells.push((column, start..self.text.len()));
        }
        Ok(())
    }

    fn begin_row(&mut self, row: u64) -> Result<(), Stop> {
        if row < self.row {
            return Err(Stop::Fault(format!("row {row} stands behind row {}", self.row)));
        }
        if row > ROWS_MAX {
            return Err(Stop::Fault(format!("it has a row {row}, and a sheet has {ROWS_MAX} at most")));
        }
        self.end_row()?;
        self.row = row;
        Ok(())
    }

    /// Writes the current row, if it has a value.
    fn end_row(&mut self) -> Result<(), Stop> {
        if self.cells.iter().all(|(_, range)| self.text[range.clone()].trim().is_empty()) {
            self.cells.clear();
            self.text.clear();
            return Ok(());
        }
        if !self.is_sorted {
            self.cells.sort_by_key(|(column, _)| *column);
            // Of two cells at one place, the last counts.
            self.cells.reverse();
            self.cells.dedup_by_key(|(column, _)| *column);
            self.cells.reverse();
            self.is_sorted = true;
        }
        while self.written + 1 < self.row {
            self.written += 1;
            self.block.push(b'\n');
        }
        let mut at = 0;
        for (column, range) in &self.cells {
            while at < *column {
                self.block.push(b',');
                at += 1;
            }
            csv::write::cell(self.text[range.clone()].as_bytes(), b',', &mut self.block);
        }
        self.block.push(b'\n');
        self.written = self.row;
        self.cells.clear();
        self.text.clear();
        if self.block.len() >= BLOCK { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), Stop> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK + (BLOCK >> 3)));
        self.messages.send(Message::Rows(block)).map_err(|_| Stop::Closed)
    }

    /// Repeats the current row, if it is `row`: so many rows behind it are the same.
    pub(super) fn repeat(&mut self, times: u64, row: u64) -> Result<(), Stop> {
        if self.cells.is_empty() || self.row != row {
            return Ok(());
        }
        for _ in 0..times {
            let (cells, text, row) = (self.cells.clone(), self.text.clone(), self.row);
            self.begin_row(row + 1)?;
            (self.cells, self.text) = (cells, text);
        }
        Ok(())
    }

    /// Writes the last row.
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        self.end_row()?;
        if self.block.is_empty() { Ok(()) } else { self.send() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of these cells.
    fn rows(cells: &[(u64, u32, &str)]) -> Result<String, Stop> {
        let (tx, rx) = crossbeam_channel::unbounded();
        let mut rows = RowWriter::new(tx);
        let mut result = Ok(());
        for (row, column, text) in cells {
            result = result.and_then(|()| rows.cell(*row, *column, |out| out.push_str(text)));
        }
        result.and_then(|()| rows.finish())?;
        drop(rows);
        let texts = rx.iter().map(|message| match message {
            Message::Rows(rows) => String::from_utf8(rows).unwrap(),
            _ => panic!("there are only rows"),
        });
        Ok(texts.collect())
    }

    #[test]
    fn a_row_of_the_sheet_is_a_line() {
        let cells = [(2, 1, "a,b"), (2, 3, "c\nd"), (5, 0, "\""), (6, 0, " "), (9, 0, " x"), (9, 9, "")];
        assert_eq!(rows(&cells).unwrap(), "\n,\"a,b\",,\"c\nd\"\n\n\n\"\"\"\"\n\n\n\n\" x\"\n");
        assert_eq!(rows(&[(1, 0, " "), (7, 2, "\n")]).unwrap(), "");
    }

    #[test]
    fn cells_may_be_out_of_order_and_rows_not() {
        assert_eq!(rows(&[(1, 2, "c"), (1, 0, "a"), (1, 2, "d")]).unwrap(), "a,,d\n");
        assert!(
            matches!(rows(&[(2, 0, "a"), (1, 0, "b")]), Err(Stop::Fault(what)) if what == "row 1 stands behind row 2")
        );
        assert!(matches!(rows(&[(ROWS_MAX + 1, 0, "a")]), Err(Stop::Fault(_))));
    }
}
