//! The dialect and the header of a table, from its first bytes.
//!
//! The header is the first of the first rows that names an identity: a column with the email address or the number for text
//! messages. Only a delimiter under which there is a header is considered; of several, the one that gives the following rows as
//! many cells as the header.

use super::cells::Cells;
use super::sheet::SheetSplitter;
use super::split::RowSplitter;
use crate::json::split::Span;
use crate::model::position::Position;

/// Bytes that are looked at.
pub const LOOK_AT: usize = 1 << 20;
/// Rows within which the header must be.
pub const HEADER_WITHIN: usize = 20;
/// Most columns of a table.
pub const COLUMNS_MAX: usize = 10_000;
/// Bytes of the first row that are shown.
const SHOWN: usize = 200;
/// Rows behind the header that are compared with it.
const COMPARED: usize = 100;
/// Delimiters that are tried, the most usual first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// The form of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What stands between cells.
    pub delimiter: u8,
    /// The names of the columns, with white space around them left out. A column without a name is called `(column 5)`.
    pub header: Vec<String>,
    /// The header as it is in the input, without its line break.
    pub header_row: Vec<u8>,
    /// The line of the header, from 1.
    pub header_line: u64,
    /// Rows above the header.
    pub title_rows: usize,
    /// The first line is `sep=` with the delimiter, for spreadsheets.
    pub has_separator_line: bool,
    /// Lines end with a carriage return and a line feed.
    pub has_crlf: bool,
    /// It is a sheet of a spreadsheet: a line is a row, and there are no offsets.
    pub is_sheet: bool,
}

/// A table, and where its rows begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// Its form.
    pub table: Table,
    /// The end of the header.
    pub start: Position,
}

/// Why a text is no table of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoTable {
    /// There are no rows.
    Empty,
    /// None of the first rows names an identity.
    NoHeader {
        /// The first row that has a value, as it is.
        first: String,
        /// What stands between its cells, if anything that often does.
        delimiter: Option<u8>,
        /// The first row has an address: it is a contact.
        has_address: bool,
    },
    /// The header has more columns than [`COLUMNS_MAX`].
    TooManyColumns(usize),
    /// What would be the header opens a quote that is not closed.
    OpenQuote {
        /// The line of the quote, from 1.
        line: u64,
    },
}

/// The name of a delimiter, for people.
#[must_use]
pub fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b',' => "comma".into(),
        b';' => "semicolon".into(),
        b'\t' => "tab".into(),
        b'|' => "pipe".into(),
        other => char::from(other).to_string(),
    }
}

/// The delimiter of a name, or the byte itself.
#[must_use]
pub fn delimiter_of(name: &str) -> Option<u8> {
    let named = DELIMITERS.into_iter().find(|delimiter| delimiter_name(*delimiter) == name);
    named.or(match name.as_bytes() {
        [byte] if is_delimiter(*byte) => Some(*byte),
        _ => None,
    })
}

/// Looks at the first bytes of a text, which begins at `start`. `is_whole` says that it ends with them. `is_identity` knows the
/// names of identity columns.
///
/// # Errors
/// It has no header.
pub fn sniff(
    bytes: &[u8],
    is_whole: bool,
    start: Position,
    is_identity: &dyn Fn(&str) -> bool,
) -> Result<Sniffed, NoTable> {
    let is_whole = is_whole && bytes.len() <= LOOK_AT;
    let bytes = &bytes[..bytes.len().min(LOOK_AT)];
    let (separator, skipped) = match separator_line(bytes) {
        Some((delimiter, end)) => (Some(delimiter), end),
        None => (None, 0),
    };
    let start = start.after(&bytes[..skipped]);
    let bytes = &bytes[skipped..];
    let candidates = match &separator {
        Some(delimiter) => std::slice::from_ref(delimiter),
        None => &DELIMITERS[..],
    };
    let best_of = |delimiters: &[u8]| {
        let mut best: Option<Candidate> = None;
        for delimiter in delimiters {
            if let Some(candidate) = Candidate::find(bytes, is_whole, *delimiter, is_identity)
                && best.as_ref().is_none_or(|best| candidate.score > best.score)
            {
                best = Some(candidate);
            }
        }
        best
    };
    // The line may name another delimiter than the cells have.
    let best = best_of(candidates).or_else(|| best_of(&DELIMITERS));
    let Some(found) = best else {
        let open = candidates.iter().find_map(|delimiter| open_quote(bytes, *delimiter, is_identity));
        return Err(match open {
            Some(line) => NoTable::OpenQuote { line: start.line + line - 1 },
            None => no_header(bytes, is_whole),
        });
    };
    if found.names.len() > COLUMNS_MAX {
        return Err(NoTable::TooManyColumns(found.names.len()));
    }
    let [from, to] = [found.header.start, found.header.end].map(|at| at as usize);
    Ok(Sniffed {
        table: Table {
            delimiter: found.delimiter,
            header: found.names,
            header_row: bytes[from..to].to_vec(),
            header_line: start.line + found.header.line - 1,
            title_rows: found.index,
            has_separator_line: separator.is_some(),
            has_crlf: bytes[to..].starts_with(b"\r\n"),
            is_sheet: false,
        },
        start: after_rows(start, &bytes[..to]),
    })
}

/// The same for the rows of a sheet.
///
/// # Errors
/// It has no header.
pub fn sniff_sheet(bytes: &[u8], is_whole: bool, is_identity: &dyn Fn(&str) -> bool) -> Result<Sniffed, NoTable> {
    let is_whole = is_whole && bytes.len() <= LOOK_AT;
    let bytes = &bytes[..bytes.len().min(LOOK_AT)];
    let (mut splitter, mut rows) = (SheetSplitter::new(0, 1), Vec::new());
    splitter.feed(bytes, &mut rows);
    if is_whole {
        splitter.finish(&mut rows);
    }
    rows.truncate(HEADER_WITHIN + COMPARED);
    let text = |row: &Span| &bytes[row.start as usize..row.end as usize];
    let Some(found) = Candidate::of_rows(bytes, &rows, b',', is_identity) else {
        let first = rows.first().map(text);
        return Err(first.map_or(NoTable::Empty, |first| NoTable::NoHeader {
            first: String::from_utf8_lossy(&first[..first.len().min(SHOWN)]).into_owned(),
            delimiter: None,
            has_address: first.contains(&b'@'),
        }));
    };
    if found.names.len() > COLUMNS_MAX {
        return Err(NoTable::TooManyColumns(found.names.len()));
    }
    let Span { start, end, line, .. } = found.header;
    Ok(Sniffed {
        table: Table {
            delimiter: b',',
            header: found.names,
            header_row: text(&found.header).to_vec(),
            header_line: line,
            title_rows: found.index,
            has_separator_line: false,
            has_crlf: false,
            is_sheet: true,
        },
        start: Position { offset: end, line, column: end - start + 1, contact: None },
    })
}

/// The position behind these bytes, of which a carriage return alone ends a line as well.
fn after_rows(start: Position, bytes: &[u8]) -> Position {
    let mut position = start;
    let mut line_start = None;
    for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
        if bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n') {
            position.line += 1;
            line_start = Some(at + 1);
        }
    }
    position.offset += bytes.len() as u64;
    position.column = match line_start {
        Some(line_start) => (bytes.len() - line_start) as u64 + 1,
        None => position.column + bytes.len() as u64,
    };
    position
}

/// The delimiter of a line `sep=;`, and where the line ends.
fn separator_line(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let line = bytes[..end].trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let is_named = line.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"sep="));
    let tab = bytes.get(4) == Some(&b'\t') && end == 5;
    match line.get(4..) {
        Some([delimiter]) if is_named && is_delimiter(*delimiter) => Some((*delimiter, end)),
        // The tab was trimmed.
        Some([]) if is_named && tab => Some((b'\t', end)),
        _ => None,
    }
}

/// Whether a byte can stand between cells.
#[must_use]
pub fn is_delimiter(byte: u8) -> bool {
    byte == b'\t' || (byte.is_ascii_punctuation() && byte != b'"')
}

/// A header under one delimiter.
struct Candidate {
    delimiter: u8,
    names: Vec<String>,
    header: Span,
    /// Rows above it.
    index: usize,
    score: u64,
}

impl Candidate {
    fn find(bytes: &[u8], is_whole: bool, delimiter: u8, is_identity: &dyn Fn(&str) -> bool) -> Option<Candidate> {
        Candidate::of_rows(bytes, &rows(bytes, is_whole, delimiter), delimiter, is_identity)
    }

    fn of_rows(bytes: &[u8], rows: &[Span], delimiter: u8, is_identity: &dyn Fn(&str) -> bool) -> Option<Candidate> {
        let mut cells = Cells::default();
        let row_of = |span: &Span| &bytes[span.start as usize..span.end as usize];
        let (index, header, names) = rows.iter().take(HEADER_WITHIN).enumerate().find_map(|(index, span)| {
            let row = row_of(span);
            cells.read(row, delimiter);
            let names: Vec<String> = (0..cells.len()).map(|i| name(&cells.text(row, i), i)).collect();
            names.iter().any(|name| is_identity(name)).then_some((index, *span, names))
        })?;
        // A row with an address is a contact, and no title: the table begins without its header.
        let has_address = |span: &Span| {
            let row = row_of(span);
            cells.read(row, delimiter);
            (0..cells.len()).any(|i| is_address(&cells.text(row, i)))
        };
        if rows[..index].iter().any(has_address) {
            return None;
        }
        let behind = &rows[index + 1..];
        let same = behind.iter().take(COMPARED).filter(|span| {
            cells.read(row_of(span), delimiter);
            cells.len() == names.len()
        });
        let compared = behind.len().clamp(1, COMPARED);
        let share = same.count() * 1000 / compared;
        // One column is what any other delimiter gives as well.
        let score = if names.len() > 1 { 1 + share as u64 * 100_000 + names.len() as u64 } else { 0 };
        Some(Candidate { delimiter, names, header, index, score })
    }
}

/// Whether a cell is one address.
fn is_address(text: &str) -> bool {
    let text = text.trim();
    !text.contains(char::is_whitespace) && text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.'))
}

/// The name of a column.
fn name(text: &str, index: usize) -> String {
    let text = text.trim().trim_start_matches('\u{feff}');
    if text.is_empty() { format!("(column {})", index + 1) } else { text.to_owned() }
}

/// The first rows.
fn rows(bytes: &[u8], is_whole: bool, delimiter: u8) -> Vec<Span> {
    let mut splitter = RowSplitter::new(delimiter, 0, 1, 0);
    let mut spans = Vec::new();
    for block in bytes.chunks(4096) {
        if splitter.feed(block, &mut spans).is_err() || spans.len() > HEADER_WITHIN + COMPARED {
            return spans;
        }
    }
    if is_whole {
        // An open quote is reported when the rows are read.
        let _ = splitter.finish(&mut spans);
    }
    spans
}

/// The line of a quote that is not closed, in a row that is the header by its first line.
fn open_quote(bytes: &[u8], delimiter: u8, is_identity: &dyn Fn(&str) -> bool) -> Option<u64> {
    let mut splitter = RowSplitter::new(delimiter, 0, 1, 0);
    let mut spans = Vec::new();
    let Err(open) = splitter.feed(bytes, &mut spans).and_then(|()| splitter.finish(&mut spans)) else { return None };
    if spans.len() >= HEADER_WITHIN {
        return None;
    }
    let row = &bytes[splitter.pending()?.start as usize..];
    let line = row.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let mut cells = Cells::default();
    cells.read(line, delimiter);
    (0..cells.len()).any(|i| is_identity(&name(&cells.text(line, i), i))).then_some(open.line)
}

fn no_header(bytes: &[u8], is_whole: bool) -> NoTable {
    let Some(first) = rows(bytes, is_whole, b',').first().copied() else {
        return if is_whole {
            NoTable::Empty
        } else {
            NoTable::NoHeader { first: String::new(), delimiter: None, has_address: false }
        };
    };
    let row = &bytes[first.start as usize..first.end as usize];
    let count = |delimiter: &u8| row.iter().filter(|byte| *byte == delimiter).count();
    let delimiter = DELIMITERS.into_iter().max_by_key(count).filter(|delimiter| count(delimiter) > 0);
    NoTable::NoHeader {
        first: String::from_utf8_lossy(&row[..row.len().min(SHOWN)]).into_owned(),
        delimiter,
        has_address: row.contains(&b'@'),
    }
}

#[cfg(test)]
mod tests;
