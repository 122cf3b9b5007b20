//! `presort where`: the contact of an input that a contact of a body was.

use super::args::TextFormat;
use crate::clean::note;
use crate::csv::{Cells, Table};
use crate::document::envelope::EnvelopeOverrides;
use crate::document::table::InputFormat;
use crate::document::{Document, Opening, ReadOptions};
use crate::json::pointer::Pointer;
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::output::body::{RECEIPT, hexadecimal};
use crate::output::file::Output;
use crate::output::hash::Hash;
use crate::output::origins::Origin;
use crate::output::part::{part_of_body, receipt_name};
use crate::output::receipt::FileReceipt;
use crate::run::inputs::{InputFile, expand};
use crate::run::reader::{Next, ReadBatch, Reader};
use crate::source::Encoding;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `presort where`.
#[derive(Args)]
pub(super) struct Where {
    /// The body
    body: PathBuf,
    /// The contact: its index in the body's import_data, from 0
    contact: u64,
    /// The receipt of the run that wrote the body [default: receipt.json beside it]
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// The output format: text or JSON
    #[arg(short, long, value_enum, default_value_t = TextFormat::Text)]
    format: TextFormat,
}

/// The part of a receipt that says where contacts came from.
#[derive(Deserialize)]
struct Run {
    input: Vec<Input>,
    payloads: Vec<Body>,
    /// The oldest first.
    #[serde(default)]
    earlier_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Body {
    file: String,
    contacts: u64,
    bytes: u64,
    sha256: String,
    from: Option<Vec<Origin>>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: String,
    records: Option<String>,
    encoding: Option<String>,
    file: Option<FileReceipt>,
    mapping: Option<Mapping>,
    sheet: Option<Sheet>,
}

#[derive(Deserialize)]
struct Sheet {
    name: String,
}

#[derive(Deserialize)]
struct Mapping {
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Column {
    column: String,
    to: String,
}

/// A contact in an input that is still what it was.
struct Found {
    line: u64,
    offset: u64,
    /// What its member `presort` says: it had been rejected before, and came back.
    note: Option<Value>,
}

impl Where {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let file = self.body.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let receipt = self.receipt.clone().unwrap_or_else(|| self.receipt_beside(&file));
        let run = read_receipt(&receipt)?;
        let Some((run, body)) = body_of(&run, &file) else {
            return Err(Error::usage(format!("{} names no body {file}", receipt.display())));
        };
        check_body(&self.body, body)?;
        let Some(origins) = &body.from else {
            return Err(Error::usage(format!(
                "{} is of an older version, which did not note where contacts came from: write the bodies again",
                receipt.display()
            )));
        };
        if self.contact >= body.contacts {
            return Err(Error::usage(format!(
                "{} has {} contacts, the first of which is 0: there is no contact {}",
                self.body.display(),
                body.contacts,
                self.contact
            )));
        }
        let place = place_of(origins, self.contact)
            .and_then(|(origin, contact)| Some((origin, contact, run.input.get(origin.input)?)));
        let Some((origin, contact, input)) = place else {
            return Err(Error::usage(format!("{} contradicts itself about {file}", receipt.display())));
        };
        let found = find(input, contact).map_err(|why| (why, known_line(origin, contact)));
        let text = match self.format {
            TextFormat::Text => text(input, contact, &found),
            TextFormat::Json => json_of(origin, input, contact, &found),
        };
        let mut output = Output::create(Path::new("-"), false)?;
        output.write(text.as_bytes())?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Where {
    /// The receipt beside a body: that of its run or, without one, that of its part.
    fn receipt_beside(&self, file: &str) -> PathBuf {
        let of_run = self.body.with_file_name(RECEIPT);
        match part_of_body(file) {
            Some(part) if !of_run.exists() => self.body.with_file_name(receipt_name(Some(&part))),
            _ => of_run,
        }
    }
}

fn read_receipt(path: &Path) -> Result<Run> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::usage(format!(
            "there is no {name}, which says where contacts came from; --receipt FILE names another one"
        )),
        _ => Error::io("read", &name, error),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| Error::usage(format!("{name} is not a receipt of presort: {error}")))
}

/// The entry of a body, and the run that wrote it. The entry of a later run takes precedence.
fn body_of<'r>(run: &'r Run, file: &str) -> Option<(&'r Run, &'r Body)> {
    let own = run.payloads.iter().find(|body| body.file == file).map(|body| (run, body));
    own.or_else(|| run.earlier_runs.iter().rev().find_map(|run| body_of(run, file)))
}

/// Checks that a body is the one of the receipt. One that is gone cannot be another.
fn check_body(path: &Path, body: &Body) -> Result<()> {
    let name = path.display().to_string();
    let is_same = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(meta) if meta.len() != body.bytes => false,
        _ => {
            let mut hash = Hash::default();
            hash.update(&fs::read(path).map_err(|error| Error::io("read", &name, error))?);
            hexadecimal(hash.end()).eq_ignore_ascii_case(&body.sha256)
        }
    };
    if !is_same {
        return Err(Error::usage(format!(
            "{name} is not the body that its receipt names: it was changed, or is of another run"
        )));
    }
    Ok(())
}

/// The origin of a contact of the body, and its index in that input.
fn place_of(origins: &[Origin], index: u64) -> Option<(&Origin, u64)> {
    let mut left = index;
    for origin in origins {
        match left.checked_sub(origin.contacts()) {
            Some(rest) => left = rest,
            None => return Some((origin, origin.contact(left)?)),
        }
    }
    None
}

/// The line of a contact, if the receipt has it.
fn known_line(origin: &Origin, contact: u64) -> Option<u64> {
    match contact {
        _ if contact == origin.first_contact => Some(origin.first_line),
        _ if contact == origin.last_contact => Some(origin.last_line),
        _ => None,
    }
}

/// Looks a contact up in its input; or says why that is not possible.
fn find(input: &Input, contact: u64) -> std::result::Result<Found, String> {
    let Some(file) = &input.file else { return Err("the input was no file".to_owned()) };
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
    look_up(input, path, contact)
        .map_err(|error| format!("{} cannot be read as before: {error}", file.path))?
        .ok_or_else(|| {
            format!("{} has no contact {contact} when it is read without the options of that run", file.path)
        })
}

/// How an input was read.
fn reading(input: &Input) -> ReadOptions {
    let columns = input.mapping.iter().flat_map(|mapping| &mapping.columns);
    let is_identity = |column: &&Column| column.to.split(',').any(|member| member == "email" || member == "sms_number");
    ReadOptions {
        records: input.records.as_deref().and_then(|records| Pointer::parse(records).ok()),
        contact: None,
        encoding: input.encoding.as_deref().and_then(|encoding| Encoding::of_label(encoding).ok()),
        format: match input.shape.as_str() {
            _ if input.sheet.is_some() => InputFormat::Spreadsheet,
            "csv" => InputFormat::Csv,
            "vcard" => InputFormat::Vcard,
            _ => InputFormat::Json,
        },
        identity_names: columns.filter(is_identity).map(|column| column.column.clone()).collect(),
        sheet: input.sheet.as_ref().map(|sheet| sheet.name.clone()),
    }
}

fn look_up(input: &Input, path: PathBuf, contact: u64) -> Result<Option<Found>> {
    let reading = reading(input);
    // A member of an archive has a name of its own behind that of the archive.
    let archive = path.display().to_string();
    let base = path.file_name().map(OsStr::to_os_string);
    let is_it = |file: &InputFile| {
        let name = file.name();
        let member = name.strip_prefix(&archive).unwrap_or(&name);
        name == archive
            || input.name.strip_suffix(member).is_some_and(|name| Path::new(name).file_name() == base.as_deref())
    };
    let Some(file) = expand(&[path], &[], &reading)?.files.into_iter().find(is_it) else { return Ok(None) };
    let overrides = EnvelopeOverrides::default();
    let opening = Opening { may_be_empty: true, ..Opening::whole(&overrides, &reading) };
    let document = Document::of(file.open()?, opening)?;
    let (names, table) = ([file.name()], document.table.clone());
    let (mut reader, mut read) = (Reader::new(vec![document], vec![false], None), ReadBatch::default());
    loop {
        match reader.next(&mut read) {
            Next::Batch => {}
            Next::EnvelopeFindings(..) | Next::Pause => continue,
            Next::End => return reader.take_stop().map_or(Ok(None), Err),
        }
        let Some(batch) = read.batch(&names).filter(|_| !read.is_truncated()) else { continue };
        let span = contact.checked_sub(batch.first).and_then(|at| batch.spans.get(usize::try_from(at).ok()?));
        if let Some(span) = span {
            let note = match &table {
                Some(table) => note_of_row(table, batch.contact(span)),
                None => note_of_json(batch.contact(span)),
            };
            return Ok(Some(Found { line: span.line, offset: span.start, note }));
        }
        if contact < batch.first {
            return Ok(None);
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

fn text(input: &Input, contact: u64, found: &std::result::Result<Found, (String, Option<u64>)>) -> String {
    let mut text = format!("input: {}\ncontact: {contact}\n", printable(&input.name));
    match found {
        Ok(found) => {
            text += &format!("line: {}\nbyte: {}\n", found.line, found.offset);
            if let Some(note) = &found.note {
                let part = |name: &str| match note.get(name)? {
                    Value::String(part) => Some(part.clone()),
                    part => Some(format!("{name} {part}")),
                };
                let before: Vec<String> = ["input", "contact", "line"].into_iter().filter_map(part).collect();
                let before = before.join(", ");
                text += &format!("rejected before: {}\n", printable(&before));
            }
        }
        Err((_, Some(line))) => text += &format!("line: {line}\n"),
        Err((why, None)) => text += &format!("line: unknown, because {}\n", printable(why)),
    }
    text
}

fn json_of(
    origin: &Origin,
    input: &Input,
    contact: u64,
    found: &std::result::Result<Found, (String, Option<u64>)>,
) -> String {
    let (line, offset, note, why) = match found {
        Ok(found) => (Some(found.line), Some(found.offset), found.note.clone(), None),
        Err((why, line)) => (*line, None, None, Some(why.clone())),
    };
    let json = json!({
        "input": input.name,
        "input_index": origin.input,
        "contact": contact,
        "line": line,
        "offset": offset,
        "rejected_before": note,
        "not_looked_up": why,
    });
    format!("{json}\n")
}
