//! Inputs that are tables: found by their header, and read in rows.

use super::{ReadOptions, is_end};
use crate::csv::sniff::{self, LOOK_AT, NoTable, Sniffed, delimiter_name};
use crate::mapping::is_identity;
use crate::model::error::{Error, Kind, Result};
use crate::model::position::Position;
use crate::source::{Encoding, Source};

/// Bytes of a table that have no NUL, or it is something else.
const NUL_WITHIN: usize = 4096;

/// Sheets that an error names.
const SHEETS: usize = 8;

/// What an input is read as: a format by name, or what it looks like. See
/// [`CleanerBuilder::format`](crate::CleanerBuilder::format).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputFormat {
    /// What the first bytes show: JSON of any shape, or a table with a header.
    #[default]
    Detect,
    /// JSON of any shape. A table is refused.
    Json,
    /// A table of delimited text: CSV, TSV, or with `;` or `|` between cells. It must have a header that names a column with the email
    /// address or the number for text messages within its first 20 rows.
    Csv,
    /// vCards.
    Vcard,
    /// A spreadsheet: XLSX, XLSB, XLS or ODS. Only files are read as such.
    Spreadsheet,
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
    let is_known = |name: &str| is_identity(name) || reading.identity_names.iter().any(|known| known == name);
    let mut ended = false;
    let start = loop {
        let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
        let (start, first) = skip_blank(bytes);
        // What is skipped stays in memory.
        if start > LOOK_AT {
            return if is_asked { Err(white_space(source.name())) } else { Ok(None) };
        }
        match first {
            Some(_) if is_asked => break start,
            Some(_) => match may_be_table(&bytes[start..], ended) {
                Some(true) => break start,
                Some(false) => return Ok(None),
                None => ended = is_end(source, 0)?,
            },
            None if ended => return Ok(None),
            None => ended = is_end(source, 0)?,
        }
    };
    ended = fill(source, start + LOOK_AT)?;
    let bytes = source.current().map_or(&[][..], |chunk| chunk.from(start as u64));
    if !is_asked && is_other(&bytes[..bytes.len().min(LOOK_AT)], ended, &is_known) {
        return Ok(None);
    }
    // Decoded by a guess, another format would not be known any more.
    if !is_asked && super::foreign::other_format(bytes).is_some() {
        return Ok(None);
    }
    let guess = guess(bytes, ended, reading);
    if let Some(encoding) = guess {
        source.decode_as(encoding)?;
        ended = fill(source, start + LOOK_AT)?;
    }
    let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
    let position = Position { offset: 0, line: 1, column: 1, contact: None }.after(&bytes[..start]);
    let text = &bytes[start..];
    let nul = memchr::memchr(0, &text[..text.len().min(NUL_WITHIN)]).map(|at| start + at);
    let what = match (sniff::sniff(text, ended, position, &is_known), nul) {
        (Ok(_), Some(at)) if !is_asked => format!(
            "this looks like a table, but byte {at} is NUL, which no text has: name the encoding (--encoding utf-16le), \
             or read it as it is with --from csv"
        ),
        (Ok(found), _) => return Ok(Some((found, guess.is_some()))),
        (Err(NoTable::OpenQuote { line }), _) => {
            format!("the header opens a quote in line {line} that is not closed: close it")
        }
        (Err(NoTable::TooManyColumns(count)), _) => format!(
            "the header has {count} columns, at most {} are read: look for a line break that is missing behind the header",
            sniff::COLUMNS_MAX
        ),
        (Err(no_table), _) if is_asked || looks_like_rows(text, &no_table) => no_header(no_table),
        (Err(_), _) => return Ok(None),
    };
    Err(Kind::NotContacts { input: source.name().to_owned(), what }.into())
}

/// The error of an input that must be a spreadsheet, and is none.
pub(super) fn no_spreadsheet(input: &str) -> Error {
    let what = "this is no spreadsheet (XLSX, XLSB, XLS or ODS): leave out --from spreadsheet".to_owned();
    Kind::NotContacts { input: input.to_owned(), what }.into()
}

/// Finds the header of a sheet.
///
/// # Errors
/// The sheet cannot be read, or has no header.
pub(super) fn find_in_sheet(source: &mut Source<'_>, reading: &ReadOptions) -> Result<Sniffed> {
    let is_known = |name: &str| is_identity(name) || reading.identity_names.iter().any(|known| known == name);
    let ended = fill(source, LOOK_AT)?;
    let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
    let no_table = match sniff::sniff_sheet(bytes, ended, &is_known) {
        Ok(found) => return Ok(found),
        Err(no_table) => no_table,
    };
    let (name, others) = source.sheet().map_or((String::new(), Vec::new()), |sheet| {
        let shown: Vec<String> = sheet.others.iter().take(SHEETS).map(|name| format!("{name:?}")).collect();
        (format!("{:?}", sheet.name), shown)
    });
    let mut what = match no_table {
        NoTable::Empty => format!("the sheet {name} is empty"),
        NoTable::TooManyColumns(count) => {
            format!("the header of the sheet {name} has {count} columns, and at most {} are read", sniff::COLUMNS_MAX)
        }
        NoTable::NoHeader { .. } | NoTable::OpenQuote { .. } => {
            no_header(no_table).replacen("this looks like a table, but", &format!("this is the sheet {name}, and"), 1)
        }
    };
    match others.is_empty() {
        true if what.ends_with("is empty") => what.push_str(", and the only one; was the export written?"),
        true => {}
        false => what.push_str(&format!("; --sheet NAME reads another one: {}", others.join(", "))),
    }
    Err(Kind::NotContacts { input: source.name().to_owned(), what }.into())
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
    let is_whole = is_whole && bytes.len() <= LOOK_AT;
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
    // An address above the header is no title.
    let is_first = |found: Sniffed| {
        let above = found.start.offset as usize - found.table.header_row.len();
        !bytes[..above].contains(&b'@')
    };
    !is_vcard(bytes) && sniff::sniff(bytes, true, start, &is_identity).is_ok_and(is_first)
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

/// Whether a document that begins so may be a table: not if it begins as JSON or XML does. None where more bytes tell.
fn may_be_table(text: &[u8], ended: bool) -> Option<bool> {
    const BLANK_MAX: usize = 4096;
    // Behind tabs, too: they may be the empty cells of a table, or the indentation of JSON.
    let head = text.trim_ascii_start();
    if head.is_empty() && !ended && text.len() < LOOK_AT {
        return None;
    }
    let Some((first @ (b'{' | b'[' | b'<'), rest)) = head.split_first() else { return Some(true) };
    if *first == b'<' {
        return Some(false);
    }
    let head = rest[..rest.len().min(BLANK_MAX)].trim_ascii_start();
    if head.len() < b"false".len() && !ended && rest.len() < BLANK_MAX {
        return None;
    }
    let starts = |word: &&[u8]| head.starts_with(word);
    Some(match (first, head.first()) {
        (_, None) => false,
        // An empty array, and something behind it.
        (b'[', Some(b']')) => head.len() > 1,
        (b'{', Some(next)) => !matches!(next, b'"' | b'}'),
        (_, Some(next)) => {
            let is_value = matches!(next, b'"' | b'[' | b'{' | b'-' | b'0'..=b'9' | b'/');
            !is_value && ![&b"true"[..], b"false", b"null"].iter().any(starts)
        }
    })
}

fn is_vcard(text: &[u8]) -> bool {
    const BEGIN: &[u8] = b"BEGIN:VCARD";
    text.get(..BEGIN.len()).is_some_and(|head| head.eq_ignore_ascii_case(BEGIN))
}

/// Whether a line begins as a contact of JSON does.
fn begins_contact(line: &[u8]) -> bool {
    line.strip_prefix(b"{").is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b'"' | b'}')))
}

/// Formats that have their own message, and JSON that is broken at its start. `{` at the start, or a line of JSON further down, is
/// that of a table only if it has a header, and no JSON right behind it.
fn is_other(text: &[u8], is_whole: bool, is_known: &dyn Fn(&str) -> bool) -> bool {
    let first = text.trim_ascii_start().first();
    if is_vcard(text) {
        return true;
    }
    let mut lines = text.split(|byte| *byte == b'\n').skip(1).map(<[u8]>::trim_ascii_start);
    if !matches!(first, Some(b'{' | b'[')) && !lines.any(begins_contact) {
        return false;
    }
    let start = Position { offset: 0, line: 1, column: 1, contact: None };
    // `{"email":` and `[email` are names to those who ignore punctuation.
    let is_plain = |name: &str| !name.contains(['{', '}', '[', ']', '"', '\'', ':']) && is_known(name);
    match sniff::sniff(text, is_whole, start, &is_plain) {
        Ok(found) => {
            let is_first = found.table.header_line == 1 || !matches!(first, Some(b'{' | b'['));
            let behind = text[found.start.offset as usize..].trim_ascii_start();
            !is_first || found.table.header.len() == 1 && behind.is_empty() || begins_contact(behind)
        }
        Err(NoTable::OpenQuote { .. } | NoTable::TooManyColumns(_)) => matches!(first, Some(b'{' | b'[')),
        Err(_) => true,
    }
}

fn white_space(input: &str) -> Error {
    let what = format!("the first {LOOK_AT} bytes are white space: take them out");
    Kind::NotContacts { input: input.to_owned(), what }.into()
}

/// Whether a text without a header is a table all the same: lines with delimiters or addresses in them.
fn looks_like_rows(bytes: &[u8], no_table: &NoTable) -> bool {
    if has_separator_line(bytes) {
        return true;
    }
    let NoTable::NoHeader { delimiter, has_address, first } = no_table else { return false };
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let is_text = !first.contains('\u{fffd}')
        && !first.contains(is_control)
        && !bytes.starts_with(b"'")
        && !first.contains(['(', '{', '<']);
    let is_statement = first.trim_end().ends_with(';') && first.contains(' ');
    is_text && !is_statement && (*has_address || delimiter.is_some_and(|delimiter| has_same_cells(bytes, delimiter)))
}

/// Whether a text begins with the line that tells spreadsheets the delimiter.
fn has_separator_line(bytes: &[u8]) -> bool {
    bytes.get(..4).is_some_and(|line| line.eq_ignore_ascii_case(b"sep="))
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
    // Whose address it is stays out of messages.
    let (row, help) = if has_address {
        let help = "put a row with the names of the columns above it, like email,first_name";
        ("a contact".to_owned(), help)
    } else {
        (format!("{first:?}"), "if a column has another name, say which: --rename NAME=email")
    };
    format!(
        "this looks like a table, but none of the first {rows} rows names a column with the email address or the SMS number; \
         the first row is {row}{cells}; {help}"
    )
}
