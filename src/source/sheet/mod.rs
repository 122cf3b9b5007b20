//! Spreadsheets: one sheet of a workbook, as text that the table machinery reads.
//!
//! A thread reads the cells and writes rows: cells with commas between them, quoted where they have to be, one line feed behind each row
//! and one for each row without a value. So the number of a row in the sheet is the number of line feeds outside quotes before it, plus
//! one, whatever is in the cells.
//!
//! | file | what it does |
//! | --- | --- |
//! | `reader.rs` | the thread, and what reads from it |
//! | `rows.rs` | cells to rows |
//! | `text.rs` | values to text |
//! | `parts.rs` | the parts of a document for calamine, with bounds on what it holds |
//! | `scan.rs` | what the XML of a sheet says beside its cells |
//! | `xlsx.rs`, `xls.rs`, `ods.rs` | the formats |

mod ods;
mod parts;
mod reader;
mod rows;
mod scan;
mod text;
mod xls;
mod xlsx;

use super::archive::{COMPOUND, Member};
use super::sheet_info::SheetInfo;
use crate::model::error::{Error, Kind, Result};
use reader::SheetReader;
use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the threads that read sheets.
pub const THREAD: &str = "presort-sheet";

/// Sheets that an error names.
const NAMED: usize = 10;

/// The formats of spreadsheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetFormat {
    /// Office Open XML, with macros or without.
    Xlsx,
    /// The same with binary parts.
    Xlsb,
    /// Excel 97 to 2003.
    Xls,
    /// OpenDocument.
    Ods,
}

impl SheetFormat {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SheetFormat::Xlsx => "xlsx",
            SheetFormat::Xlsb => "xlsb",
            SheetFormat::Xls => "xls",
            SheetFormat::Ods => "ods",
        }
    }

    /// By the parts of an archive.
    pub(super) fn of_members(has: &dyn Fn(&str) -> bool) -> Option<SheetFormat> {
        if has("xl/workbook.xml") || has("xl\\workbook.xml") {
            Some(SheetFormat::Xlsx)
        } else if has("xl/workbook.bin") {
            Some(SheetFormat::Xlsb)
        } else if has("mimetype") && has("content.xml") {
            Some(SheetFormat::Ods)
        } else {
            None
        }
    }
}

/// Whether a file begins as XLS does, or as any Office document with a password.
pub(super) fn is_compound_file(head: &[u8]) -> bool {
    head.starts_with(COMPOUND)
}

/// A document that may be a spreadsheet.
#[derive(Debug, Clone)]
pub struct Workbook {
    /// What it looks like.
    pub format: SheetFormat,
    /// Its name, for people.
    pub name: String,
    /// Its path; none for a temporary file.
    pub(super) path: Option<PathBuf>,
    pub(super) file: Arc<File>,
    pub(super) len: u64,
    /// The parts of its archive.
    pub(super) members: Vec<Member>,
}

impl Workbook {
    pub(super) fn xls(name: String, path: Option<PathBuf>, file: Arc<File>, len: u64) -> Workbook {
        Workbook { format: SheetFormat::Xls, name, path, file, len, members: Vec::new() }
    }

    /// Opens one sheet: the one of this name, else the first that is visible.
    ///
    /// # Errors
    /// The document is damaged, has a password, is no spreadsheet, or does not have the sheet.
    pub fn sheet(self, asked: Option<&str>) -> Result<Sheet> {
        let read = Arc::default();
        let workbook = Arc::new(self);
        let opened = SheetReader::open(&workbook, &workbook.file, asked, Arc::clone(&read));
        let (info, reader) = opened.map_err(|refusal| refusal.error(&workbook.name))?;
        let name = format!("{}:{}", workbook.name, info.name);
        Ok(Sheet { name, workbook, info, read, prepared: Arc::new(Mutex::new(Some(reader))) })
    }
}

/// Why a document is not read.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    /// It is something else, or has no such sheet.
    NotContacts(String),
    /// It is damaged, or cannot be read to its end.
    Damaged(String),
}

impl Refusal {
    fn error(self, name: &str) -> Error {
        let input = name.to_owned();
        match self {
            Refusal::NotContacts(what) => Kind::NotContacts { input, what }.into(),
            Refusal::Damaged(what) => Kind::Compressed { input, what }.into(),
        }
    }
}

/// A sheet that cannot be read on. It is the payload of an [`std::io::Error`].
#[derive(Debug, Clone)]
pub(super) struct SheetFault(pub(super) String);

impl fmt::Display for SheetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SheetFault {}

/// A sheet, which is an input.
#[derive(Clone)]
pub struct Sheet {
    /// The name of the document and of the sheet, for people: `export.xlsx:Contacts`.
    pub name: String,
    pub(super) workbook: Arc<Workbook>,
    pub(super) info: SheetInfo,
    /// Bytes of the document that were used.
    pub(super) read: Arc<AtomicU64>,
    /// What opened it, until it is used.
    prepared: Arc<Mutex<Option<SheetReader>>>,
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Sheet {
    /// Closes what opened it: it is opened again when it is read.
    pub fn close(&self) {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A reader from its first row on.
    pub(super) fn reader(&self, file: &Arc<File>) -> std::io::Result<SheetReader> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = prepared {
            return Ok(reader);
        }
        let opened = SheetReader::open(&self.workbook, file, Some(&self.info.name), Arc::clone(&self.read));
        let (info, mut reader) = opened.map_err(|refusal| {
            let (Refusal::NotContacts(what) | Refusal::Damaged(what)) = refusal;
            std::io::Error::new(std::io::ErrorKind::InvalidData, SheetFault(what))
        })?;
        reader.report_to(&info.notes, &self.info.notes);
        Ok(reader)
    }
}

/// A sheet of a workbook, before one is chosen.
#[derive(Debug, Clone)]
pub(super) struct SheetName {
    pub(super) name: String,
    pub(super) is_visible: bool,
    /// It has cells: it is no chart and no macro.
    pub(super) has_cells: bool,
}

/// Chooses the sheet of this name, else the first that is visible.
fn choose(names: &[SheetName], asked: Option<&str>) -> std::result::Result<usize, Refusal> {
    let Some(asked) = asked else {
        let with = |is: fn(&SheetName) -> bool| names.iter().position(|name| name.has_cells && is(name));
        return with(|name| name.is_visible).or_else(|| with(|_| true)).ok_or_else(|| {
            let what = if names.is_empty() { "no sheets" } else { "charts only, and no sheet with cells" };
            Refusal::NotContacts(format!("the spreadsheet has {what}: was the export written?"))
        });
    };
    let exact = names.iter().position(|name| name.name == asked);
    let folded = || names.iter().position(|name| name.name.to_lowercase() == asked.to_lowercase());
    match exact.or_else(folded) {
        Some(at) if names[at].has_cells => Ok(at),
        Some(_) => Err(Refusal::NotContacts(format!("the sheet {asked:?} is a chart or a macro, and has no cells"))),
        None => {
            let names: Vec<&str> = names.iter().filter(|name| name.has_cells).map(|name| name.name.as_str()).collect();
            Err(Refusal::NotContacts(format!("there is no sheet {asked:?}; its sheets are: {}", list(&names))))
        }
    }
}

/// Names with commas.
#[must_use]
pub fn list(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let more = names.len() - shown.len();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_chosen() {
        let name = |name: &str, is_visible, has_cells| SheetName { name: name.into(), is_visible, has_cells };
        let names = [name("Chart", true, false), name("Old", false, true), name("Contacts", true, true)];
        assert_eq!(choose(&names, None).unwrap(), 2);
        assert_eq!(choose(&names[..2], None).unwrap(), 1);
        assert_eq!(choose(&names, Some("old")).unwrap(), 1);
        for (names, asked, says) in [
            (&names[..], Some("chart"), "is a chart"),
            (&names[..], Some("X"), "there is no sheet \"X\"; its sheets are: Old, Contacts"),
            (&names[..1], None, "charts only"),
            (&[], None, "no sheets"),
        ] {
            let Refusal::NotContacts(what) = choose(names, asked).unwrap_err() else { panic!("{says}") };
            assert!(what.contains(says), "{what}");
        }
    }
}
