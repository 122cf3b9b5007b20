//! The way back: from a contact of a body to the contact of the input that it was, by the receipt's ranges.

use crate::clean::note;
use crate::csv::{Cells, Table};
use crate::document::envelope::EnvelopeOverrides;
use crate::document::table::InputFormat;
use crate::document::{Document, Opening, ReadOptions};
use crate::json::pointer::Pointer;
use crate::model::error::{Error, Result};
use crate::output::origins::Origin;
use crate::output::receipt::FileReceipt;
use crate::run::inputs::{InputFile, expand};
use crate::run::names::InputNames;
use crate::run::reader::{Next, ReadBatch, Reader};
use crate::source::Encoding;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The part of a receipt that says where contacts came from.
#[derive(Debug, Deserialize)]
pub struct OriginReceipt {
    /// What was read.
    pub input: Vec<OriginInput>,
    payloads: Vec<OriginBody>,
    /// The oldest first.
    #[serde(default)]
    earlier_runs: Vec<OriginReceipt>,
}

/// A body, and where its contacts came from.
#[derive(Debug, Deserialize)]
pub struct OriginBody {
    file: String,
    /// Contacts in it.
    pub contacts: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Its ranges; `None` if the receipt is of a version that had none.
    pub from: Option<Vec<Origin>>,
}

/// An input, and how it was read.
#[derive(Debug, Deserialize)]
pub struct OriginInput {
    /// Its name.
    pub name: String,
    shape: String,
    records: Option<String>,
    encoding: Option<String>,
    file: Option<FileReceipt>,
    mapping: Option<Mapping>,
    sheet: Option<Sheet>,
}

#[derive(Debug, Deserialize)]
struct Sheet {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Mapping {
    columns: Vec<Column>,
}

#[derive(Debug, Deserialize)]
struct Column {
    column: String,
    to: String,
}

/// A contact in an input that is still what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The line that it begins on, from 1.
    pub line: u64,
    /// The byte that it begins at.
    pub offset: u64,
    /// What its member `presort` says: it had been rejected before, and came back.
    pub note: Option<Value>,
}

impl OriginReceipt {
    /// Reads the receipt of a run.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<OriginReceipt> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::usage(format!(
                "there is no {name}, which says where contacts came from; --receipt FILE names another one"
            )),
            _ => Error::io("read", &name, error),
        })?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::usage(format!("{name} is not a receipt of presort: {error}")))
    }

    /// The entry of a body, and the run that wrote it. The entry of a later run takes precedence.
    #[must_use]
    pub fn body(&self, file: &str) -> Option<(&OriginReceipt, &OriginBody)> {
        let own = self.payloads.iter().find(|body| body.file == file).map(|body| (self, body));
        own.or_else(|| self.earlier_runs.iter().rev().find_map(|run| run.body(file)))
    }
}

impl OriginBody {
    /// The origin of a contact of the body, and its index in that input.
    #[must_use]
    pub fn place(&self, index: u64) -> Option<(&Origin, u64)> {
        let mut left = index;
        for origin in self.from.iter().flatten() {
            match left.checked_sub(origin.contacts()) {
                Some(rest) => left = rest,
                None => return Some((origin, origin.contact(left)?)),
            }
        }
        None
    }

    /// The origin of each contact of the body, and its index in that input, in their order.
    pub fn places(&self) -> impl Iterator<Item = (&Origin, u64)> {
        let origins = self.from.iter().flatten();
        origins.flat_map(|origin| origin.each().map(move |contact| (origin, contact)))
    }
}

impl OriginInput {
    /// Looks a contact up; or says why that is not possible.
    ///
    /// # Errors
    /// The input is not there, or has changed, or has no such contact.
    pub fn find(&self, contact: u64) -> std::result::Result<Found, String> {
        self.cursor()?.find(contact)?.ok_or_else(|| {
            let name = self.file.as_ref().map_or("", |file| &file.path);
            format!("{name} has no contact {contact} when it is read without the options of that run")
        })
    }

    /// Opens the input, to look several contacts up in one pass.
    ///
    /// # Errors
    /// The input is not there, or has changed.
    pub fn cursor(&self) -> std::result::Result<Cursor, String> {
        let Some(file) = &self.file else { return Err("the input was no file".to_owned()) };
        let path = PathBuf::from(&file.path);
        let now = match fs::metadata(&path) {
            Ok(meta) => FileReceipt::new(&path, meta.len(), meta.modified().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(format!("{} is no longer there", file.path));
            }
            Err(error) => return Err(format!("{} cannot be read: {error}", file.path)),
        };
        if now.as_ref() != Some(file) {
            return Err(format!("{} has changed since", file.path));
        }
        let name = file.path.clone();
        match self.open(path) {
            Ok(open) => Ok(Cursor { name, open }),
            Err(error) => Err(cannot_be_read(&name, &error)),
        }
    }

    /// How it was read.
    fn reading(&self) -> ReadOptions {
        let columns = self.mapping.iter().flat_map(|mapping| &mapping.columns);
        let is_identity =
            |column: &&Column| column.to.split(',').any(|member| member == "email" || member == "sms_number");
        ReadOptions {
            records: self.records.as_deref().and_then(|records| Pointer::parse(records).ok()),
            contact: None,
            encoding: self.encoding.as_deref().and_then(|encoding| Encoding::of_label(encoding).ok()),
            format: match self.shape.as_str() {
                _ if self.sheet.is_some() => InputFormat::Spreadsheet,
                "csv" => InputFormat::Csv,
                "vcard" => InputFormat::Vcard,
                _ => InputFormat::Json,
            },
            identity_names: columns.filter(is_identity).map(|column| column.column.clone()).collect(),
            sheet: self.sheet.as_ref().map(|sheet| sheet.name.clone()),
        }
    }

    fn open(&self, path: PathBuf) -> Result<Option<Open>> {
        let reading = self.reading();
        // A member of an archive has a name of its own behind that of the archive.
        let archive = path.display().to_string();
        let base = path.file_name().map(OsStr::to_os_string);
        let is_it = |file: &InputFile| {
            let name = file.name();
            let member = name.strip_prefix(&archive).unwrap_or(&name);
            name == archive
                || self.name.strip_suffix(member).is_some_and(|name| Path::new(name).file_name() == base.as_deref())
        };
        let Some(file) = expand(&[path], &[], &reading)?.files.into_iter().find(is_it) else { return Ok(None) };
        let overrides = EnvelopeOverrides::default();
        let opening = Opening { may_be_empty: true, ..Opening::whole(&overrides, &reading) };
        let document = Document::of(file.open()?, opening)?;
        Ok(Some(Open {
            names: InputNames::one(&file.name()),
            table: document.table.clone(),
            reader: Reader::new(vec![document], vec![false], None),
            read: ReadBatch::default(),
            has_batch: false,
        }))
    }
}

fn cannot_be_read(name: &str, error: &Error) -> String {
    format!("{name} cannot be read as before: {error}")
}

/// An input that is read again, from its beginning on.
pub struct Cursor {
    name: String,
    /// `None` if the input, a member of an archive, is not there any more.
    open: Option<Open>,
}

struct Open {
    names: InputNames,
    table: Option<Arc<Table>>,
    reader: Reader<'static>,
    read: ReadBatch,
    /// The last batch, in which the next contact may be as well.
    has_batch: bool,
}

impl Cursor {
    /// Looks a contact up. `None` if it is not there, or lies before the one that was looked up last.
    ///
    /// # Errors
    /// The input cannot be read as it was.
    pub fn find(&mut self, contact: u64) -> std::result::Result<Option<Found>, String> {
        let Some(open) = &mut self.open else { return Ok(None) };
        open.find(contact).map_err(|error| cannot_be_read(&self.name, &error))
    }
}

impl Open {
    fn find(&mut self, contact: u64) -> Result<Option<Found>> {
        loop {
            if self.has_batch
                && let Some(batch) = self.read.batch(&self.names).filter(|_| !self.read.is_truncated())
            {
                let Some(at) = contact.checked_sub(batch.first) else { return Ok(None) };
                if let Some(span) = usize::try_from(at).ok().and_then(|at| batch.spans.get(at)) {
                    let note = match &self.table {
                        Some(table) => note_of_row(table, batch.contact(span)),
                        None => note_of_json(batch.contact(span)),
                    };
                    return Ok(Some(Found { line: span.line, offset: span.start, note }));
                }
            }
            self.has_batch = false;
            match self.reader.next(&mut self.read) {
                Next::Batch => self.has_batch = true,
                Next::EnvelopeFindings(..) | Next::Pause => {}
                Next::End => return self.reader.take_stop().map_or(Ok(None), Err),
            }
        }
    }
}

/// The note in a contact that had been rejected.
fn note_of_json(contact: &[u8]) -> Option<Value> {
    let contact = serde_json::from_slice::<Value>(contact).ok()?;
    contact.get(note::NAME).filter(|note| note.is_object()).cloned()
}

/// The same in the columns of a row.
fn note_of_row(table: &Table, row: &[u8]) -> Option<Value> {
    let mut cells = Cells::default();
    cells.read(row, table.delimiter);
    let cell = |name: &str| {
        let column = table.header.iter().position(|column| column == name)?;
        (column < cells.len()).then(|| cells.text(row, column))
    };
    let line: u64 = cell("presort_line")?.parse().ok()?;
    Some(json!({"input": cell("presort_input")?, "line": line}))
}
