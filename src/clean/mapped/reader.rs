//! Reads one record, of JSON or a row of a table, to cells.

use super::InputMapping;
use super::gate::is_sheet_error;
use crate::clean::flatten::{Leaf, LeafKind, NoCells, flatten};
use crate::csv::{self, Table};
use crate::json::parse::recycle;
use crate::mapping::{Late, MappedMember, MappedRecord, Piece};
use std::ops::Range;

/// A cell of the current record.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) leaf: Leaf,
    /// Its text in the buffer of texts, if it is not in the record as it is.
    pub(super) text: Option<Range<usize>>,
}

/// Reads one record.
#[derive(Debug, Default)]
pub(super) struct RecordReader {
    pub(super) cells: Vec<Cell>,
    /// The note of an earlier run. It goes along as it is.
    pub(super) note: Option<Range<usize>>,
    pub(super) refs: Vec<(usize, &'static str)>,
    pub(super) cell_texts: String,
    pub(super) mapped: MappedRecord,
    /// The number of the record in which each column was met last.
    pub(super) met: Vec<u64>,
    pub(super) number: u64,
    /// Columns that the record has twice or more often, each with the cell of the second time.
    pub(super) repeated: Vec<(usize, usize)>,
    /// Columns of a spreadsheet in which the row has an error, and what it is.
    pub(super) errors: Vec<(usize, Range<usize>)>,
    pub(super) row: csv::Cells,
}

/// Why a record is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is no JSON object.
    NoObject,
    /// There is no object at the pointer to the contact.
    NoContact,
    /// The row has this many cells, some of them with a value behind the last column.
    LongRow(usize),
}

impl RecordReader {
    /// Reads a row to cells, and maps them.
    pub(super) fn read_row(&mut self, row: &str, table: &Table, input: &InputMapping) -> Result<(), Unread> {
        self.cells.clear();
        self.cell_texts.clear();
        self.note = None;
        self.repeated.clear();
        self.errors.clear();
        self.row.read(row.as_bytes(), table.delimiter);
        let columns = table.header.len();
        for (column, piece) in self.row.pieces().iter().enumerate() {
            let text = self.row.bytes(row.as_bytes(), column);
            if column >= columns {
                if text.trim_ascii().is_empty() {
                    continue;
                }
                return Err(Unread::LongRow(self.row.len()));
            }
            // What is unknown about permission is no permission.
            if table.is_sheet
                && is_sheet_error(text)
                && input.mapping.columns.get(column).is_none_or(|c| c.permission.is_none())
            {
                if let csv::Piece::Row(range) = piece {
                    self.errors.push((column, range.clone()));
                }
                continue;
            }
            let (json, text) = match piece {
                csv::Piece::Row(range) => (range.clone(), None),
                csv::Piece::Made(_) => {
                    let start = self.cell_texts.len();
                    self.cell_texts.push_str(&String::from_utf8_lossy(text));
                    (0..0, Some(start..self.cell_texts.len()))
                }
            };
            self.cells.push(Cell { column, leaf: Leaf { json, kind: LeafKind::Cell }, text });
        }
        let mut refs: Vec<(usize, &str)> = recycle(std::mem::take(&mut self.refs));
        refs.extend(self.cells.iter().map(|cell| (cell.column, text_of(cell, row, &self.cell_texts))));
        input.mapping.record(&[], &refs, &mut self.mapped);
        self.refs = recycle(refs);
        Ok(())
    }

    /// Reads a record to cells, and maps them.
    pub(super) fn read(&mut self, record: &str, input: &InputMapping, late: &mut Late) -> Result<(), Unread> {
        if let Some(table) = &input.table {
            return self.read_row(record, table, input);
        }
        self.number += 1;
        self.cells.clear();
        self.cell_texts.clear();
        self.note = None;
        self.repeated.clear();
        let mut guess = 0;
        let RecordReader { cells, cell_texts, met, number, note, repeated, .. } = self;
        flatten(record, input.contact.as_ref(), |path, leaf| {
            if leaf.kind == LeafKind::Note {
                *note = Some(leaf.json);
                return;
            }
            let column = input.mapping.find_near(path, guess).unwrap_or_else(|| late.find(&input.mapping, path));
            guess = column + 1;
            if met.len() <= column {
                met.resize(column + 1, 0);
            }
            if std::mem::replace(&mut met[column], *number) == *number {
                repeated.push((column, cells.len()));
            }
            let text = match leaf.kind {
                LeafKind::Escaped | LeafKind::List => {
                    let start = cell_texts.len();
                    cell_texts.push_str(&leaf.text(record));
                    Some(start..cell_texts.len())
                }
                _ => None,
            };
            cells.push(Cell { column, leaf, text });
        })
        .map_err(|error| match error {
            NoCells::NoObject => Unread::NoObject,
            NoCells::NoContact => Unread::NoContact,
        })?;
        let mut refs: Vec<(usize, &str)> = recycle(std::mem::take(&mut self.refs));
        refs.extend(self.cells.iter().map(|cell| (cell.column, text_of(cell, record, &self.cell_texts))));
        input.mapping.record(late.columns(), &refs, &mut self.mapped);
        self.refs = recycle(refs);
        self.repeated.sort_unstable();
        self.repeated.dedup_by_key(|(column, _)| *column);
        Ok(())
    }

    pub(super) fn is_repeated(&self, column: usize) -> bool {
        self.repeated.binary_search_by_key(&column, |(column, _)| *column).is_ok()
    }

    pub(super) fn text<'t>(&'t self, cell: usize, record: &'t str) -> &'t str {
        text_of(&self.cells[cell], record, &self.cell_texts)
    }

    /// The text of a member.
    pub(super) fn member_text<'t>(&'t self, member: &MappedMember, record: &'t str) -> &'t str {
        match &member.piece {
            Piece::Whole => self.text(member.cell, record),
            Piece::Part(range) => &self.text(member.cell, record)[range.clone()],
            Piece::Made(range) => &self.mapped.made[range.clone()],
        }
    }
}

fn text_of<'t>(cell: &Cell, record: &'t str, texts: &'t str) -> &'t str {
    match (&cell.text, cell.leaf.kind) {
        (Some(range), _) => &texts[range.clone()],
        (None, LeafKind::Nothing) => "",
        (None, LeafKind::Plain) => &record[cell.leaf.json.start + 1..cell.leaf.json.end - 1],
        (None, _) => &record[cell.leaf.json.clone()],
    }
}
