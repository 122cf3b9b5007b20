//! A sample as CSV: a header, and each contact as a row under it.
//!
//! A row has what the contact's JSON has, as far as a cell can say it. So the cleaned contacts of both are the same, except for custom
//! fields that are no columns: those of contacts with more than 25, and those without a name.
//!
//! - A member that is null, empty or missing is an empty cell.
//! - A number is its digits. `true`, `false`, arrays and objects are empty cells, since JSON alone has them; in the column of the
//!   address they are text, so that the contact is rejected as in JSON. Other systems have them as text in every column.
//! - A name that is no column is left out, as cleaning leaves it out.
//! - A member that is there twice makes a row that is too long, so that the contact is rejected as in JSON.
//! - What is no contact at all is a row with a first name and no identity, and so is a contact without any value.
//!
//! Rows of messy contacts may also be written in a way that only CSV has: see `Oddity`.

use super::draft::{Draft, Member};
use super::google;
use super::people::Person;
use super::random::{Purpose, Rng};
use super::tables::CUSTOM_FIELDS;
use crate::csv;
use crate::mapping::Target;
use crate::mapping::systems::System;
use crate::model::member::{HOME_COUNTRY_SPACED, KNOWN, MemberId};

/// How CSV is written. The default is that of RFC 4180, with `\n` at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvDialect {
    /// What is between two cells: an ASCII character, neither a quote nor the end of a line.
    pub delimiter: u8,
    /// Lines end with `\r\n` instead of `\n`.
    pub crlf: bool,
    /// The file begins with a byte order mark.
    pub bom: bool,
    /// Every cell is quoted, instead of those that need it.
    pub quote_all: bool,
}

impl Default for CsvDialect {
    fn default() -> Self {
        CsvDialect { delimiter: b',', crlf: false, bom: false, quote_all: false }
    }
}

/// Members that no contact of a sample has: an address of a fourth kind, and a second line at work.
const NEVER: &[MemberId] = &[
    MemberId::WorkStreet2,
    MemberId::OtherStreet,
    MemberId::OtherStreet2,
    MemberId::OtherCity,
    MemberId::OtherState,
    MemberId::OtherZip,
    MemberId::OtherCountry,
];

/// The custom field that only mistakes have.
const NOTES: &str = "cf:Notes";

/// A column.
#[derive(Debug)]
struct Column {
    header: String,
    /// The name of its values in the record.
    member: String,
    /// A value that only JSON has is written as text.
    has_json: bool,
}

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// The object within the record that has the values, if the record itself does not.
    pub(super) inside: Option<&'static str>,
    /// The column for the name of a row without identity.
    name: usize,
}

impl Columns {
    /// Those of the contract, in the order of its table, and custom fields.
    pub(super) fn of_contract() -> Columns {
        let known = KNOWN.iter().filter(|id| !NEVER.contains(id)).map(|id| id.info().name);
        let custom = CUSTOM_FIELDS.iter().map(|(name, _)| *name).chain([NOTES]);
        let column =
            |name: &str| Column { header: name.to_owned(), member: name.to_owned(), has_json: name == "email" };
        Columns { columns: known.chain(custom).map(column).collect(), inside: None, name: 1 }
    }

    /// Columns of a system: pairs of a header and the name in the record.
    pub(super) fn of_system(system: &System, columns: impl IntoIterator<Item = (String, String)>) -> Columns {
        let columns: Vec<Column> =
            columns.into_iter().map(|(header, member)| Column { header, member, has_json: true }).collect();
        let target = |column: &Column| {
            system.headers.iter().find(|header| header.name == column.header).map(|header| header.target())
        };
        let is_name =
            |column: &Column| matches!(target(column), Some(Target::Member(MemberId::FirstName) | Target::FullName));
        let is_email = |column: &Column| target(column) == Some(Target::Member(MemberId::Email));
        let name = columns.iter().position(is_name).or_else(|| columns.iter().position(|column| !is_email(column)));
        Columns { columns, inside: None, name: name.unwrap_or_default() }
    }

    /// Those of one of Google's tables.
    pub(super) fn of_google(system: &System, names: &google::Names) -> Columns {
        Columns::of_system(system, google::columns(names).into_iter().map(|name| (name.clone(), name)))
    }

    fn find(&self, member: &[u8], hint: usize) -> Option<usize> {
        let is = |column: &Column| column.member.as_bytes() == member;
        match self.columns.get(hint) {
            Some(column) if is(column) => Some(hint),
            _ => self.columns.iter().position(is),
        }
    }
}

/// What is odd about the way that a row is written. Its cells are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Oddity {
    None,
    /// Empty cells at the end are missing.
    Short,
    /// Each cell is quoted.
    Quoted,
    /// White space stands around the quotes of a cell.
    Spaced,
    /// An empty line stands before it.
    BlankLine,
    /// Quotes inside a cell are written as they are, and the cell without quotes around it.
    StrayQuotes,
}

impl Oddity {
    /// Draws one for a messy contact: a few in a hundred have one, and stray quotes need a value with quotes.
    fn draw(rng: &mut Rng) -> Oddity {
        match rng.below(1000) {
            0..20 => Oddity::Short,
            20..30 => Oddity::Quoted,
            30..40 => Oddity::Spaced,
            40..45 => Oddity::BlankLine,
            45..500 => Oddity::StrayQuotes,
            _ => Oddity::None,
        }
    }
}

/// The cells of a row while it is made. Its buffers are used again for the next.
pub(super) struct Rows {
    columns: Columns,
    dialect: CsvDialect,
    text: Vec<u8>,
    /// Where each cell is in the text. None where nothing was said of it.
    cells: Vec<Option<(usize, usize)>>,
    /// Cells beyond the header.
    extra: Vec<(usize, usize)>,
    /// The column of the next name, if the record has them in order.
    hint: usize,
}

impl Rows {
    pub(super) fn new(columns: Columns, dialect: CsvDialect) -> Rows {
        let cells = vec![None; columns.columns.len()];
        Rows { columns, dialect, text: Vec::new(), cells, extra: Vec::new(), hint: 0 }
    }

    /// The header, as the file begins with it.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.dialect.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        for (at, column) in self.columns.columns.iter().enumerate() {
            self.separate(at, &mut out);
            self.put(column.header.as_bytes(), self.dialect.quote_all, &mut out);
        }
        self.end_line(&mut out);
        out
    }

    /// Appends the row of a draft, which was made of this person.
    pub(super) fn write_draft(&mut self, draft: &Draft, person: &Person, oddity: Option<&mut Rng>, out: &mut Vec<u8>) {
        self.clear();
        for Member { name, start, end } in &draft.members {
            self.place(name.as_bytes(), &draft.text[*start..*end]);
        }
        self.fill_blank(person);
        self.write(oddity, out);
    }

    /// Appends the row of a record of this person, which is an object as this generator writes it.
    pub(super) fn write_record(&mut self, record: &[u8], person: &Person, oddity: Option<&mut Rng>, out: &mut Vec<u8>) {
        self.clear();
        let mut values = record;
        if let Some(inside) = self.columns.inside {
            values = members(record).find(|(name, _)| *name == inside.as_bytes()).map_or(b"{}", |(_, value)| value);
        }
        members(values).for_each(|(name, value)| self.place(name, value));
        self.fill_blank(person);
        self.write(oddity, out);
    }

    /// Gives a row without any value a name: it would be a blank line, which is no contact.
    fn fill_blank(&mut self, person: &Person) {
        let has_value = |&(start, end): &(usize, usize)| {
            self.text[start..end].iter().any(|byte| !matches!(byte, b' ' | b'"' | b'\r' | b'\n'))
        };
        if self.cells.iter().flatten().chain(&self.extra).any(has_value) {
            return;
        }
        let start = self.text.len();
        self.text.extend_from_slice(person.first.as_bytes());
        self.cells[self.columns.name] = Some((start, self.text.len()));
    }

    /// Appends the row of what is no object: a name, and for an array more cells than the header has.
    pub(super) fn write_no_contact(&mut self, value: &[u8], person: &Person, out: &mut Vec<u8>) {
        self.clear();
        let mut cell = |fill: &dyn Fn(&mut Vec<u8>)| {
            let start = self.text.len();
            fill(&mut self.text);
            (start, self.text.len())
        };
        let name = cell(&|text| text.extend_from_slice(person.first.as_bytes()));
        if value.first() == Some(&b'[') {
            self.extra.push(cell(&|text| person.address(text)));
            self.extra.push(cell(&|text| text.extend_from_slice(person.last.as_bytes())));
        }
        self.cells[self.columns.name] = Some(name);
        self.write(None, out);
    }

    fn clear(&mut self) {
        self.text.clear();
        self.cells.fill(None);
        self.extra.clear();
        self.hint = 0;
    }

    /// Takes a member to its cell, if there is a column for it.
    fn place(&mut self, name: &[u8], value: &[u8]) {
        let mut unescaped = Vec::new();
        let name = if name.contains(&b'\\') {
            unescape(name, &mut unescaped);
            &unescaped
        } else if name == HOME_COUNTRY_SPACED.as_bytes() {
            MemberId::HomeCountry.info().name.as_bytes()
        } else {
            name
        };
        let Some(at) = self.columns.find(name, self.hint) else { return };
        self.hint = at + 1;
        let start = self.text.len();
        match value.first() {
            Some(b'"') => unescape(&value[1..value.len() - 1], &mut self.text),
            Some(b'-' | b'0'..=b'9') => self.text.extend_from_slice(value),
            Some(b'n') | None => {}
            Some(_) if self.columns.columns[at].has_json => self.text.extend_from_slice(value),
            Some(_) => {}
        }
        if self.cells[at].is_none() {
            self.cells[at] = Some((start, self.text.len()));
            return;
        }
        // An empty cell would be no reason to reject the row.
        if self.text.len() == start {
            self.text.extend_from_slice(b"null");
        }
        self.extra.push((start, self.text.len()));
    }

    fn write(&self, oddity: Option<&mut Rng>, out: &mut Vec<u8>) {
        let mut oddities = oddity;
        let oddity = oddities.as_deref_mut().map_or(Oddity::None, Oddity::draw);
        let cell = |(start, end): (usize, usize)| &self.text[start..end];
        let cells = || self.cells.iter().map(|range| range.map_or(&b""[..], cell));
        let mut length = self.cells.len();
        if oddity == Oddity::Short && self.extra.is_empty() {
            // A row without any cell would be no row.
            length = cells().rposition(|cell| !cell.is_empty()).map_or(length, |last| last + 1);
        }
        let spaced = match (oddity, oddities) {
            (Oddity::Spaced, Some(rng)) => {
                let filled: Vec<usize> = cells()
                    .enumerate()
                    .filter_map(|(at, cell)| (!cell.is_empty() && !cell.contains(&b'"')).then_some(at))
                    .collect();
                (!filled.is_empty()).then(|| (rng.pick(&filled), rng.pick(&[(" ", ""), ("", " "), (" ", " ")])))
            }
            _ => None,
        };
        if oddity == Oddity::BlankLine {
            self.end_line(out);
        }
        let quoted = self.dialect.quote_all || oddity == Oddity::Quoted;
        for (at, cell) in cells().take(length).chain(self.extra.iter().map(|range| cell(*range))).enumerate() {
            self.separate(at, out);
            match spaced {
                Some((spaced, (before, after))) if spaced == at => {
                    out.extend_from_slice(before.as_bytes());
                    self.put(cell, true, out);
                    out.extend_from_slice(after.as_bytes());
                }
                _ if oddity == Oddity::StrayQuotes && !quoted && self.may_stray(cell) => out.extend_from_slice(cell),
                _ => self.put(cell, quoted, out),
            }
        }
        self.end_line(out);
    }

    /// Writes the delimiter before each cell but the first.
    fn separate(&self, at: usize, out: &mut Vec<u8>) {
        if at > 0 {
            out.push(self.dialect.delimiter);
        }
    }

    fn end_line(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.dialect.crlf { b"\r\n" } else { b"\n" });
    }

    /// Writes a cell, quoted if it must be or if `quoted`.
    fn put(&self, cell: &[u8], quoted: bool, out: &mut Vec<u8>) {
        if !quoted && !cell.iter().any(|byte| self.is_special(*byte)) {
            out.extend_from_slice(cell);
        } else {
            csv::write::quoted(cell, out);
        }
    }

    fn is_special(&self, byte: u8) -> bool {
        byte == self.dialect.delimiter || matches!(byte, b'"' | b'\r' | b'\n')
    }

    /// Whether a cell has quotes and can still be read when they are written as they are.
    fn may_stray(&self, cell: &[u8]) -> bool {
        cell.contains(&b'"')
            && cell.first().is_some_and(u8::is_ascii_alphanumeric)
            && !cell.iter().any(|byte| *byte != b'"' && self.is_special(*byte))
    }
}

/// The stream that the oddity of a contact is drawn from.
pub(super) fn oddities(seed: u64, index: u64) -> Rng {
    Rng::new(seed, index, Purpose::Row)
}

/// The members of a compact object that this generator wrote: names and values as they stand in it.
fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = object.strip_prefix(b"{").unwrap_or_default();
    std::iter::from_fn(move || {
        let name = rest.get(..value_end(rest)).filter(|name| name.len() > 1)?;
        let after = rest.get(name.len() + 1..)?;
        let value = &after[..value_end(after)];
        rest = after.get(value.len() + 1..).unwrap_or_default();
        Some((&name[1..name.len() - 1], value))
    })
}

/// Where the value ends that the text begins with.
fn value_end(text: &[u8]) -> usize {
    let (mut depth, mut in_string, mut is_escaped) = (0u32, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b',' | b':' | b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Appends the text that is between the quotes of a JSON string. The generator escapes no more than is read here.
fn unescape(escaped: &[u8], out: &mut Vec<u8>) {
    let mut rest = escaped;
    let mut high = None;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let Some(kind) = rest.get(at + 1) else { return };
        rest = &rest[at + 2..];
        match kind {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let hex = rest.get(..4).and_then(|hex| std::str::from_utf8(hex).ok());
                let unit = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0xfffd);
                rest = rest.get(4..).unwrap_or_default();
                if (0xd800..0xdc00).contains(&unit) {
                    high = Some(unit);
                    continue;
                }
                let code = match high.take() {
                    Some(high) if (0xdc00..0xe000).contains(&unit) => {
                        0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00)
                    }
                    _ => unit,
                };
                let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(*other),
        }
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests;
