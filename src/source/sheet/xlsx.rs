//! XLSX and XLSB: cells one by one, as calamine reads them.

use super::parts::Parts;
use super::reader::Work;
use super::rows::{RowWriter, Stop};
use super::{Refusal, SheetName, text};
use calamine::{Cell, DataRef, Reader, Sheet, SheetType, SheetVisible, Xlsb, Xlsx, XlsxError};
use std::fmt::Display;
use std::sync::atomic::Ordering;

/// The sheets of a workbook.
pub(super) fn names(sheets: &[Sheet]) -> Vec<SheetName> {
    let name = |sheet: &Sheet| SheetName {
        name: sheet.name.clone(),
        is_visible: sheet.visible == SheetVisible::Visible,
        has_cells: matches!(sheet.typ, SheetType::WorkSheet),
    };
    sheets.iter().map(name).collect()
}

/// Reads a sheet of XLSX.
pub(super) fn read(work: &Work<'_>, rows: &mut RowWriter) -> Result<(), Stop> {
    let parts = Parts::new(work);
    let mut book = Xlsx::new(parts.clone()).map_err(|error| match error {
        XlsxError::Password => Stop::Refused(Refusal::Damaged(super::xls::PASSWORD.to_owned())),
        error => parts.stop(&error),
    })?;
    let names = names(book.sheets_metadata());
    let at = work.choose(&names)?;
    parts.begin_sheet();
    let mut cells = book.worksheet_cells_reader(&names[at].name).map_err(|error| parts.stop(&error))?;
    copy(|| cells.next_cell(), &parts, rows)?;
    drop(cells);
    rows.finish()?;
    let scan = parts.finish()?;
    work.notes.merged.store(scan.merged, Ordering::Relaxed);
    work.notes.hidden_rows.store(scan.hidden_rows, Ordering::Relaxed);
    work.notes.hidden_columns.store(scan.hidden_columns, Ordering::Relaxed);
    Ok(())
}

/// Reads a sheet of XLSB.
pub(super) fn read_binary(work: &Work<'_>, rows: &mut RowWriter) -> Result<(), Stop> {
    let parts = Parts::new(work);
    let mut book = Xlsb::new(parts.clone()).map_err(|error| parts.stop(&error))?;
    let names = names(book.sheets_metadata());
    let at = work.choose(&names)?;
    parts.begin_sheet();
    let mut cells = book.worksheet_cells_reader(&names[at].name).map_err(|error| parts.stop(&error))?;
    copy(|| cells.next_cell(), &parts, rows)
}

/// Adds the cells that `next` returns to the rows.
#[inline]
fn copy<'b, E: Display>(
    mut next: impl FnMut() -> Result<Option<Cell<DataRef<'b>>>, E>,
    parts: &Parts,
    rows: &mut RowWriter,
) -> Result<(), Stop> {
    while let Some(cell) = next().map_err(|error| parts.stop(&error))? {
        parts.progress();
        let (row, column) = cell.get_position();
        rows.cell(u64::from(row) + 1, column, |out| text::of_ref(cell.get_value(), out))?;
    }
    Ok(())
}
