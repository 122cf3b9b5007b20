//! Inputs that are tables: found by their header, and read in rows.

use super::{ReadOptions, is_end};
use crate::csv::sniff::{self, LOOK_AT, NoTable, Sniffed, delimiter_name};
use crate::mapping::is_identity;
use crate::model::error::{Kind, Result};
use crate::model::position::Position;
use crate::source::{Encoding, Source};

/// What is wanted of an input: a format by name, or what it looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputFormat {
    /// What the first bytes show.
    #[default]
    Detect,
    /// JSON of any shape.
    Json,
    /// A table of delimited text.
    Csv,
    /// vCards.
    Vcard,
}

/// Looks for a table at the start of an input. None: the input is JSON, or shows that it is something else. True: its encoding is a
/// guess.
///
/// # Errors
/// The input cannot be read, or is a table without a header.
pub(super) fn find(source: &mut Source<'_>, reading: &ReadOptions) -> Result<Option<(Sniffed, bool)>> {
    let is_asked = reading.format == InputFormat::Csv;
    if !matches!(reading.format, InputFormat::Detect | InputFormat::Csv) {
        return Ok(None);
    }
    let mut ended = false;
    let start = loop {
        let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
        let (start, first) = skip_blank(bytes);
        match first {
            Some(first) if is_asked || may_be_table(first, &bytes[start..]) => break start,
            Some(_) => return Ok(None),
            // Filling of any length is the detector's business, which keeps none of it.
            None if ended || start >= LOOK_AT => return Ok(None),
            None => ended = is_end(source, 0)?,
        }
    };
    ended = fill(source, start + LOOK_AT)?;
    let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
    if !is_asked && is_other(&bytes[start..]) {
        return Ok(None);
    }
    let guess = guess(&bytes[start..], ended, reading);
    if let Some(encoding) = guess {
        source.decode_as(encoding)?;
        ended = fill(source, start + LOOK_AT)?;
    }
    let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
    let is_known = |name: &str| is_identity(name) || reading.identity_names.iter().any(|known| known == name);
    let position = Position { offset: 0, line: 1, column: 1, contact: None }.after(&bytes[..start]);
    let found = sniff::sniff(&bytes[start..], ended, position, &is_known);
    let input = source.name().to_owned();
    match found {
        Ok(found) => Ok(Some((found, guess.is_some()))),
        Err(NoTable::TooManyColumns(count)) => {
            let what = format!(
                "the header has {count} columns, at most {} are read: look for a line break that is missing behind the header",
                sniff::COLUMNS_MAX
            );
            Err(Kind::NotContacts { input, what }.into())
        }
        Err(no_table) if is_asked || looks_like_rows(&bytes[start..], &no_table) => {
            Err(Kind::NotContacts { input, what: no_header(no_table) }.into())
        }
        Err(_) => Ok(None),
    }
}

/// Reads until this many bytes are there. Returns whether the input ends with them. These are the same bytes for a file and for a
/// pipe, however it comes.
pub(super) fn fill(source: &mut Source<'_>, len: usize) -> Result<bool> {
    while source.current().is_none_or(|chunk| chunk.bytes().len() < len) {
        if is_end(source, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The encoding of text that is not UTF-8, if none is asked for. One with more characters of UTF-8 than other bytes is UTF-8 with
/// some broken rows.
#[cfg(feature = "tables")]
pub(super) fn guess(bytes: &[u8], is_whole: bool, reading: &ReadOptions) -> Option<Encoding> {
    if reading.encoding.is_some() {
        return None;
    }
    let bytes = &bytes[..bytes.len().min(LOOK_AT)];
    let guess = Encoding::guess(bytes, is_whole)?;
    let (mut good, mut bad) = (0, 0);
    for chunk in bytes[guess.at..].utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good += bytes[..guess.at].utf8_chunks().flat_map(|chunk| chunk.valid().chars()).filter(|c| !c.is_ascii()).count();
    (bad > good).then_some(guess.encoding)
}

#[cfg(not(feature = "tables"))]
pub(super) fn guess(_: &[u8], _: bool, _: &ReadOptions) -> Option<Encoding> {
    None
}

/// Whether a text begins as a table of contacts does: with a header.
#[must_use]
pub fn has_header(bytes: &[u8]) -> bool {
    let start = Position { offset: 0, line: 1, column: 1, contact: None };
    sniff::sniff(bytes, true, start, &is_identity).is_ok()
}

/// Skips byte-order marks and white space. Tabs stay: a table may begin with an empty cell.
pub(super) fn skip_blank(bytes: &[u8]) -> (usize, Option<u8>) {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let Some(first) = rest.first() else { return (at, None) };
        if rest.starts_with(b"\xef\xbb\xbf") {
            at += 3;
        } else if b"\xef\xbb\xbf".starts_with(&rest[..rest.len().min(3)]) {
            // A mark that goes on in the next block.
            return (at, None);
        } else if matches!(first, b'\n' | b'\r' | b' ') {
            at += 1;
        } else {
            return (at, Some(*first));
        }
    }
}

/// Whether a document that begins so may be a table: not if it begins as JSON does.
fn may_be_table(first: u8, rest: &[u8]) -> bool {
    !matches!(first, b'{' | b'[' | b'<') || rest.starts_with(b"[]") && rest.len() > 2
}

/// Formats that have their own message, and lines of contacts with one that is broken in front.
fn is_other(bytes: &[u8]) -> bool {
    let starts = |text: &str| bytes.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()));
    let has_contact_line =
        bytes.split(|byte| *byte == b'\n').skip(1).any(|line| line.trim_ascii_start().starts_with(b"{"));
    starts("BEGIN:VCARD") || has_contact_line || memchr::memchr(0, &bytes[..bytes.len().min(4096)]).is_some()
}

/// Whether a text without a header is a table all the same: lines with delimiters or addresses in them.
fn looks_like_rows(bytes: &[u8], no_table: &NoTable) -> bool {
    let NoTable::NoHeader { delimiter, has_address, first } = no_table else { return false };
    let is_text = !first.contains('\u{fffd}') && !bytes.starts_with(b"'") && !first.contains(['(', '{', '<']);
    let is_statement = first.trim_end().ends_with(';') && first.contains(' ');
    is_text && !is_statement && (*has_address || delimiter.is_some_and(|delimiter| has_same_cells(bytes, delimiter)))
}

/// Whether the first two lines have as many delimiters.
fn has_same_cells(bytes: &[u8], delimiter: u8) -> bool {
    let count = |line: &[u8]| line.iter().filter(|byte| **byte == delimiter).count();
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()).map(count);
    let first = lines.next().unwrap_or_default();
    first > 0 && lines.next().is_none_or(|second| second == first)
}

fn no_header(no_table: NoTable) -> String {
    let NoTable::NoHeader { first, delimiter, has_address } = no_table else {
        return "the table is empty; was the export written?".to_owned();
    };
    let rows = sniff::HEADER_WITHIN;
    let first = crate::model::printable::cut(first.lines().next().unwrap_or_default(), 100).to_owned();
    let cells =
        delimiter.map_or(String::new(), |delimiter| format!(" (cells divided by {})", delimiter_name(delimiter)));
    let help = if has_address {
        "the first row is a contact: put a row with the names of the columns above it, like email,first_name"
    } else {
        "if a column has another name, say which: --rename NAME=email"
    };
    format!(
        "this looks like a table, but none of the first {rows} rows names a column with the email address or the SMS number; \
         the first row is {first:?}{cells}; {help}"
    )
}
