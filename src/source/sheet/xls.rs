//! XLS. calamine holds all of it in memory, so its size has a limit.

use super::reader::Work;
use super::rows::{RowWriter, Stop};
use super::{Refusal, text, xlsx};
use crate::source::archive::FileRange;
use calamine::{Reader, Xls, XlsError};
use memchr::memmem;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Largest file. Excel writes 65,536 rows and 256 columns at most.
const SIZE_MAX: u64 = 256 << 20;

/// What to do about a password.
pub(super) const PASSWORD: &str =
    "the spreadsheet has a password: open it in the program that made it, and save it without one";

/// Reads a sheet.
pub(super) fn read(work: &Work<'_>, rows: &mut RowWriter) -> Result<(), Stop> {
    let len = work.workbook.len;
    let mut bytes = Vec::new();
    let mut file = FileRange { file: Arc::clone(work.file), at: 0, end: len.min(SIZE_MAX) };
    file.read_to_end(&mut bytes).map_err(|error| Stop::Fault(error.to_string()))?;
    let has = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memmem::find(&bytes, &name).is_some()
    };
    let refuse = |what: &str| Err(Stop::Refused(Refusal::NotContacts(what.to_owned())));
    if has("EncryptedPackage") {
        return Err(Stop::Refused(Refusal::Damaged(PASSWORD.to_owned())));
    }
    if !has("Workbook") && !has("Book") {
        return refuse("this is an old Office document, and no spreadsheet: save the contacts as CSV");
    }
    if len > SIZE_MAX {
        return refuse("this XLS file has more than 256 MiB, and would be held in memory: save it as XLSX or CSV");
    }
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsError::Password => Stop::Refused(Refusal::Damaged(PASSWORD.to_owned())),
        error => Stop::Fault(error.to_string()),
    })?;
    let names = xlsx::names(book.sheets_metadata());
    let at = work.choose(&names)?;
    let range = book.worksheet_range(&names[at].name).map_err(|error| Stop::Fault(error.to_string()))?;
    let merged = book.merge_cells_by_sheet_id(at).map_or(0, |merged| merged.len());
    drop(book);
    work.notes.merged.store(merged as u64, Ordering::Relaxed);
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, cells) in (u64::from(first_row) + 1..).zip(range.rows()) {
        for (column, value) in (first_column..).zip(cells) {
            rows.cell(row, column, |out| text::of_data(value, out))?;
        }
    }
    Ok(())
}
