//! OpenDocument spreadsheets, event by event: nothing of them is held but one row. (calamine holds all sheets, with all their repeated
//! cells: a few bytes of a small file take any amount of memory.)

use super::reader::Work;
use super::rows::{COLUMNS_MAX, RowWriter, Stop};
use super::scan::Window;
use super::text;
use super::{Refusal, SheetName};
use crate::source::archive::{Member, MemberReader};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The type of a spreadsheet; that of a template is longer.
const TYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";
/// Most bytes of one tag or text, and of one row.
const EVENT_MAX: u64 = 16 << 20;
/// Bytes of the list of parts that are looked at.
const MANIFEST_MAX: u64 = 4 << 20;

/// A part, read in bounds.
struct Bounded {
    reader: MemberReader,
    used: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
    /// Bytes since the last event.
    passed: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.reader.read(buffer)?;
        self.read.store(self.used.load(Ordering::Relaxed), Ordering::Relaxed);
        self.passed.set(self.passed.get() + len as u64);
        if self.passed.get() > EVENT_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "one tag or text has more than 16 MiB"));
        }
        Ok(len)
    }
}

fn fault(error: impl std::fmt::Display) -> Stop {
    Stop::Fault(error.to_string())
}

/// The part of this name.
fn part<'w>(work: &'w Work<'_>, name: &str) -> Result<&'w Member, Stop> {
    let found = work.workbook.members.iter().find(|member| member.name == name);
    found.ok_or_else(|| Stop::Fault(format!("it has no {name}")))
}

/// The first bytes of a part.
fn head(work: &Work<'_>, name: &str, len: u64) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    let reader = MemberReader::new(part(work, name)?, work.file, Arc::default()).map_err(fault)?;
    reader.take(len).read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

/// Reads a sheet.
pub(super) fn read(work: &Work<'_>, rows: &mut RowWriter) -> Result<(), Stop> {
    let kind = String::from_utf8_lossy(&head(work, "mimetype", 200)?).trim().to_owned();
    if !kind.starts_with(TYPE) {
        let what = format!("this is an OpenDocument file, and no spreadsheet ({kind}): save the contacts as CSV");
        return Err(Stop::Refused(Refusal::NotContacts(what)));
    }
    if let Ok(manifest) = head(work, "META-INF/manifest.xml", MANIFEST_MAX)
        && memchr::memmem::find(&manifest, b"encryption-data").is_some()
    {
        return Err(Stop::Refused(Refusal::Damaged(super::xls::PASSWORD.to_owned())));
    }
    let content = part(work, "content.xml")?;
    let name = |name| SheetName { name, is_visible: true, has_cells: true };
    let names: Vec<SheetName> = table_names(work, content)?.into_iter().map(name).collect();
    let at = work.choose(&names)?;
    let used = Arc::default();
    let reader = MemberReader::new(content, work.file, Arc::clone(&used)).map_err(fault)?;
    let passed = Rc::<Cell<u64>>::default();
    let bounded = Bounded { reader, used, read: Arc::clone(&work.read), passed: Rc::clone(&passed) };
    let mut xml = Reader::from_reader(BufReader::with_capacity(64 << 10, bounded));
    xml.config_mut().expand_empty_elements = true;
    xml.config_mut().check_end_names = false;
    let mut table = Table { before: Some(at), ..Table::default() };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer).map_err(fault)?;
        passed.set(0);
        match table.event(&event, rows)? {
            Next::Go => {}
            Next::Over => break,
            Next::Cut => return Err(Stop::Fault("the sheet does not end".to_owned())),
        }
    }
    work.notes.merged.store(table.merged, Ordering::Relaxed);
    work.notes.hidden_rows.store(table.hidden_rows, Ordering::Relaxed);
    work.notes.hidden_columns.store(table.hidden_columns, Ordering::Relaxed);
    Ok(())
}

/// The names of all sheets.
fn table_names(work: &Work<'_>, content: &Member) -> Result<Vec<String>, Stop> {
    let mut reader = MemberReader::new(content, work.file, Arc::default()).map_err(fault)?;
    let (mut window, mut names) = (Window::default(), Vec::new());
    let mut block = vec![0; 64 << 10];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(names),
            Ok(n) => {
                window.push(&block[..n]);
                window.table_names(&mut names);
            }
            // The rows before it are read.
            Err(_) if !names.is_empty() => return Ok(names),
            Err(error) => return Err(fault(error)),
        }
    }
}

/// What comes after an event.
enum Next {
    Go,
    /// The sheet is over.
    Over,
    /// The document ends within the sheet.
    Cut,
}

/// Where the reader is.
#[derive(Default)]
struct Table {
    /// Sheets before the one that is read; none within it.
    before: Option<usize>,
    /// Rows so far.
    row: u64,
    /// How often the current row is there.
    row_times: u64,
    column: u64,
    cell: Option<OpenCell>,
    /// Elements within which nothing counts: comments, tables in cells.
    skipped: u64,
    merged: u64,
    hidden_rows: u64,
    hidden_columns: u64,
}

/// The current cell.
#[derive(Default)]
struct OpenCell {
    times: u64,
    kind: String,
    value: Option<String>,
    is_error: bool,
    text: String,
    /// Paragraphs so far.
    paragraphs: u64,
    /// Within a paragraph.
    is_text: bool,
}

/// An attribute, without its prefix.
fn attributes(tag: &BytesStart<'_>, mut take: impl FnMut(&str, &str)) -> Result<(), Stop> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(fault)?;
        let value = quick_xml::escape::unescape(&attribute.value).map_err(fault)?;
        let name: &str = attribute.key.as_ref();
        take(name.rsplit(':').next().unwrap_or_default(), &value);
    }
    Ok(())
}

impl Table {
    fn event(&mut self, event: &Event<'_>, rows: &mut RowWriter) -> Result<Next, Stop> {
        match event {
            Event::Eof => return Ok(Next::Cut),
            Event::Start(tag) => self.start(tag)?,
            Event::End(tag) => {
                let name = tag.local_name();
                return self.end(name.as_ref(), rows);
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let name: &str = entity.as_ref();
                let known = quick_xml::escape::resolve_xml_entity(name).map(str::to_owned);
                let character = || entity.resolve_char_ref().ok().flatten().map(String::from);
                let text = known.or_else(character).unwrap_or_else(|| format!("&{name};"));
                self.text(&text);
            }
            _ => {}
        }
        if self.cell.as_ref().is_some_and(|cell| cell.text.len() as u64 > EVENT_MAX) {
            return Err(Stop::Fault("a cell has more than 16 MiB".to_owned()));
        }
        Ok(Next::Go)
    }

    fn text(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell
            && self.skipped == 0
            && cell.is_text
        {
            cell.text.push_str(text);
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Stop> {
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if let Some(before) = self.before {
            if name == "table" && tag.name().as_ref() == "table:table" {
                self.before = before.checked_sub(1);
            }
            return Ok(());
        }
        if self.skipped > 0 || matches!(name, "annotation" | "table" | "shapes" | "forms" | "frame" | "custom-shape") {
            self.skipped += 1;
            return Ok(());
        }
        match name {
            "table-column" | "table-row" => {
                let (mut times, mut is_hidden) = (1u64, false);
                attributes(tag, |name, value| match name {
                    "number-columns-repeated" | "number-rows-repeated" => times = value.parse().unwrap_or(1),
                    "visibility" => is_hidden = value != "visible",
                    _ => {}
                })?;
                let hidden = if is_hidden { times } else { 0 };
                if name == "table-row" {
                    (self.row_times, self.column) = (times, 0);
                    self.hidden_rows += hidden;
                } else {
                    self.hidden_columns += hidden;
                }
            }
            "table-cell" | "covered-table-cell" => {
                let mut cell = OpenCell { times: 1, ..OpenCell::default() };
                let mut is_merged = false;
                attributes(tag, |name, value| match name {
                    "number-columns-repeated" => cell.times = value.parse().unwrap_or(1),
                    "number-columns-spanned" | "number-rows-spanned" => is_merged |= value != "1",
                    "value-type" if value == "error" => cell.is_error = true,
                    "value-type" if cell.kind.is_empty() => value.clone_into(&mut cell.kind),
                    "value" | "date-value" | "boolean-value" | "string-value" => cell.value = Some(value.to_owned()),
                    _ => {}
                })?;
                self.merged += u64::from(is_merged);
                self.cell = Some(cell);
            }
            _ => {
                if let Some(cell) = &mut self.cell {
                    cell.start(name, tag)?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, name: &str, rows: &mut RowWriter) -> Result<Next, Stop> {
        if self.before.is_some() {
            return Ok(Next::Go);
        }
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(Next::Go);
        }
        match name {
            "table" => return Ok(Next::Over),
            "table-cell" | "covered-table-cell" => {
                if let Some(cell) = self.cell.take() {
                    self.write(&cell, rows)?;
                }
            }
            "table-row" => {
                rows.repeat(self.row_times.saturating_sub(1), self.row + 1)?;
                self.row = self.row.saturating_add(self.row_times);
            }
            "p" => {
                if let Some(cell) = &mut self.cell {
                    cell.is_text = false;
                }
            }
            _ => {}
        }
        Ok(Next::Go)
    }

    fn write(&mut self, cell: &OpenCell, rows: &mut RowWriter) -> Result<(), Stop> {
        let column = self.column;
        self.column = column.saturating_add(cell.times);
        let mut value = String::new();
        cell.write(&mut value);
        if value.is_empty() {
            return Ok(());
        }
        if self.column > COLUMNS_MAX {
            return Err(Stop::Fault(format!("row {} has more than {COLUMNS_MAX} columns", self.row + 1)));
        }
        for column in column..self.column {
            rows.cell(self.row + 1, column as u32, |out| out.push_str(&value))?;
            if rows.row_len() as u64 > EVENT_MAX {
                return Err(Stop::Fault(format!("row {} has more than 16 MiB", self.row + 1)));
            }
        }
        Ok(())
    }
}

impl OpenCell {
    /// An element within the cell.
    fn start(&mut self, name: &str, tag: &BytesStart<'_>) -> Result<(), Stop> {
        match name {
            "p" => {
                if self.paragraphs > 0 {
                    self.text.push('\n');
                }
                self.paragraphs += 1;
                self.is_text = true;
            }
            "tab" => self.text.push('\t'),
            "line-break" => self.text.push('\n'),
            "s" => {
                let mut count = 1;
                attributes(tag, |name, value| {
                    if name == "c" {
                        count = value.parse().unwrap_or(1);
                    }
                })?;
                self.text.extend(std::iter::repeat_n(' ', count.min(1 << 15)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Appends its text.
    fn write(&self, out: &mut String) {
        let value = self.value.as_deref();
        match (self.kind.as_str(), value) {
            _ if self.is_error => out.push_str(&self.text),
            ("float" | "percentage" | "currency", Some(value)) => match value.parse() {
                Ok(number) => text::number(number, out),
                Err(_) => out.push_str(value),
            },
            ("date", Some(value)) => text::iso_date(value, out),
            ("boolean", Some(value)) => out.push_str(value),
            ("string", Some(value)) => out.push_str(value),
            _ => out.push_str(&self.text),
        }
    }
}
