//! Detects the shape of a document from its first bytes.

use super::binary;
use super::foreign::{PHP_WARNING, is_open_call, no_json, other_format};
use crate::clean::note::is_noted;
use crate::document::envelope::{IMPORT_DATA, is_member};
use crate::json::syntax::Cursor;
use crate::model::fault::{Fault, SyntaxError};
use crate::model::member::{Family, MemberId};
use crate::model::position::Position;

/// Bytes of the first object that are looked at.
const LOOK_AT: usize = 16 << 20;
/// Up to this many bytes, each new block is looked at again from the first byte. Beyond that, the bytes must have doubled, so that
/// the work stays in proportion to the input.
const LOOK_AGAIN: usize = 1 << 20;
/// Bytes within which a line must show that the document consists of lines.
const LINES_WITHIN: usize = 1 << 20;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The shapes contacts come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// A request body: an object with `import_data`.
    Body,
    /// A bare array of contacts, or several.
    Array,
    /// One or several contacts a line.
    #[serde(rename = "ndjson")]
    Lines,
    /// Contacts that are spread over several lines each, one after another.
    Objects,
    /// An object that holds the contacts in some array.
    Wrapped,
    /// A table of delimited text.
    Csv,
    /// A sheet of a spreadsheet.
    Spreadsheet,
    /// vCards.
    Vcard,
}

impl Shape {
    /// As receipts write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Shape::Body => "body",
            Shape::Array => "array",
            Shape::Lines => "ndjson",
            Shape::Objects => "objects",
            Shape::Wrapped => "wrapped",
            Shape::Csv => "csv",
            Shape::Spreadsheet => "spreadsheet",
            Shape::Vcard => "vcard",
        }
    }
}

/// What the first bytes of a document show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detected {
    /// Its shape.
    Shape(Shape),
    /// An object that could be a body, a wrapper, or a contact: only all of its members tell.
    Object,
}

/// Detects the shape of a document. The caller passes in more and more of it; the detector keeps only a few numbers.
#[derive(Debug)]
pub struct Detector {
    /// The first byte that is not known to be a byte-order mark or white space.
    at: Position,
    /// There was white space before it.
    space: bool,
    /// The first byte of the document itself is known.
    found: bool,
    /// Bytes from there on that did not show the shape.
    tried: usize,
    /// It is a request of the endpoint, which has no rejects.
    is_request: bool,
}

impl Default for Detector {
    fn default() -> Self {
        let at = Position { offset: 0, line: 1, column: 1, contact: None };
        Detector { at, space: false, found: false, tried: 0, is_request: false }
    }
}

impl Detector {
    /// A detector; for a request of the endpoint, notes of rejected contacts mean nothing.
    #[must_use]
    pub fn new(is_request: bool) -> Self {
        Detector { is_request, ..Detector::default() }
    }

    /// Where the document begins, behind byte-order marks and white space. The bytes before it are not needed any more.
    #[must_use]
    pub fn start(&self) -> Position {
        self.at
    }

    /// True while nothing but byte-order marks and white space came.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        !self.found
    }

    /// Looks at the document from [`Detector::start`] on: `bytes`, which are all the rest of it when `whole`. `Ok(None)`: more
    /// bytes are needed to tell.
    ///
    /// # Errors
    /// It is none of the shapes; the text says what it looks like and what to do.
    pub fn look(&mut self, bytes: &[u8], whole: bool) -> Result<Option<Detected>, String> {
        let mut bytes = bytes;
        if self.at.offset == 0 {
            // A signature has up to ten bytes.
            if bytes.len() < 10 && !whole {
                return Ok(None);
            }
            if let Some(what) = other_format(bytes) {
                return or_rejects(bytes, whole, what);
            }
        }
        if !self.found {
            bytes = self.skip(bytes, whole);
        }
        if !self.found {
            return match (whole, self.space) {
                (false, _) => Ok(None),
                (true, false) => Err("the input is empty; was the export written?".into()),
                (true, true) => Err("the input holds nothing but white space; was the export written?".into()),
            };
        }
        // Never more than this, however much has been read: file and pipe must come to the same.
        let text = &bytes[..bytes.len().min(LOOK_AT)];
        let whole = whole || text.len() == LOOK_AT;
        if !whole && self.tried >= LOOK_AGAIN && text.len() < self.tried.saturating_mul(2) {
            return Ok(None);
        }
        self.tried = text.len();
        match text[0] {
            b'[' => Ok(array(text, whole).map(Detected::Shape)),
            b'{' => Ok(object(text, whole, self.is_request)),
            b'<' => or_rejects(text, whole, no_json(text)),
            _ if line_that_is_no_json(text).is_some() => match behind_a_line(text, whole) {
                Ok(shape) => Ok(shape.map(Detected::Shape)),
                Err(what) => or_rejects(text, whole, what),
            },
            _ if binary::is_binary(text) => or_rejects(text, whole, binary::WHAT.to_owned()),
            _ if is_open_call(text) => or_rejects(text, whole, no_json(text)),
            _ => match other_lines(text, whole) {
                Some(true) => Ok(Some(Detected::Shape(Shape::Lines))),
                Some(false) => Err(no_json(text)),
                None => Ok(None),
            },
        }
    }

    /// Skips byte-order marks and white space, and returns the rest.
    fn skip<'b>(&mut self, bytes: &'b [u8], whole: bool) -> &'b [u8] {
        let mut rest = bytes;
        loop {
            let space = rest.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(rest.len());
            self.space |= space > 0;
            rest = &rest[space..];
            match rest.strip_prefix(MARK) {
                Some(behind) => rest = behind,
                None => break,
            }
        }
        // The start of a mark may go on in the next block.
        self.found = !rest.is_empty() && (whole || !MARK.starts_with(rest));
        self.at = self.at.after(&bytes[..bytes.len() - rest.len()]);
        rest
    }
}

/// The shape of a document that begins with `bytes`, by one call of a [`Detector`].
/// # Errors
/// As [`Detector::look`].
pub fn detect(bytes: &[u8], whole: bool) -> Result<Option<Detected>, String> {
    Detector::default().look(bytes, whole)
}

/// Recognises first lines that programs write before JSON. The text says what to do.
fn line_that_is_no_json(text: &[u8]) -> Option<&'static str> {
    const GUARDS: [&[u8]; 5] = [b")]}'", b")]}", b"while(1);", b"while (1);", b"for(;;);"];
    const PHP: [&str; 6] =
        ["Warning: ", "Notice: ", "Deprecated: ", "Fatal error: ", "Parse error: ", "Strict Standards: "];
    if GUARDS.iter().any(|guard| text.starts_with(guard)) {
        return Some(
            "this begins with a guard against scripts, like )]}', that is no JSON: take it out, for example with tail -n +2 FILE",
        );
    }
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(&line[..line.len().min(4096)]);
    let message = line.strip_prefix("PHP ").unwrap_or(&line);
    let is_php = PHP.iter().any(|kind| message.starts_with(kind)) && line.contains(" on line ");
    is_php.then_some(PHP_WARNING)
}

/// A document after such a line is refused with a message that names the line. If contacts follow, one per line, the line is one bad
/// line of many.
fn behind_a_line(text: &[u8], whole: bool) -> Result<Option<Shape>, String> {
    let mut at = 0;
    let mut what = "";
    // PHP may write several messages, with empty lines between them.
    while let Some(named) = line_that_is_no_json(&text[at..]) {
        what = named;
        let rest = &text[at..];
        let guard = rest.iter().position(|b| matches!(b, b'[' | b'{' | b'\n')).unwrap_or(rest.len());
        let end = if named == PHP_WARNING { memchr::memchr(b'\n', rest).unwrap_or(rest.len()) } else { guard };
        at += end;
        at += text[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    }
    let behind = &text[at..];
    let shape = match behind.first() {
        None if whole => return Err(what.to_owned()),
        None => None,
        Some(b'{') => object(behind, whole, false).map(|found| match found {
            Detected::Shape(shape) => shape,
            Detected::Object => Shape::Wrapped,
        }),
        Some(b'[') => array(behind, whole),
        Some(_) => match other_lines(text, whole) {
            Some(true) => Some(Shape::Lines),
            Some(false) => return Err(what.to_owned()),
            None => None,
        },
    };
    match shape {
        // The guard or message is a line of its own.
        Some(Shape::Lines) if memchr::memchr(b'\n', &text[..at]).is_some() => Ok(Some(Shape::Lines)),
        None => Ok(None),
        Some(_) => Err(what.to_owned()),
    }
}

/// An array of contacts, or a first line that happens to be an array.
fn array(text: &[u8], whole: bool) -> Option<Shape> {
    /// Bytes within which such a line must end.
    const LINE: usize = 64 << 10;
    // An array that begins with an object holds contacts, unless it is a line of rejects.
    if text[1..].trim_ascii_start().starts_with(b"{") {
        return Some(if is_rejects(text, whole, LINE)? { Shape::Lines } else { Shape::Array });
    }
    let Some(newline) = memchr::memchr(b'\n', &text[..text.len().min(LINE)]) else {
        return (whole || text.len() >= LINE).then_some(Shape::Array);
    };
    // An array with objects in it holds contacts, so it is the document.
    if text[..newline].contains(&b'{') || crate::json::syntax::check(&text[..newline]).is_err() {
        return Some(Shape::Array);
    }
    // The array ends in its line. With contacts on lines of their own after it, it is one bad line of many.
    Some(if other_lines(text, whole)? { Shape::Lines } else { Shape::Array })
}

/// True when a line after the first begins as a contact does: then the first is one bad line of many. None where more bytes
/// may show one.
fn other_lines(text: &[u8], whole: bool) -> Option<bool> {
    // Only this much of it, however much has been read: file and pipe must give the same answer.
    let head = &text[..text.len().min(LINES_WITHIN)];
    let found = head.split(|b| *b == b'\n').skip(1).any(|line| line.trim_ascii_start().starts_with(b"{"));
    (found || whole || text.len() >= LINES_WITHIN).then_some(found)
}

/// True if the document consists of contacts that presort rejected, which are UTF-8 whatever their input was. None where more bytes
/// may show it.
pub(super) fn is_rejects_file(bytes: &[u8], whole: bool) -> Option<bool> {
    let text = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let head = &text[..text.len().min(LINES_WITHIN)];
    let end = memchr::memchr(b'\n', head);
    if end.is_none() && !whole && text.len() < LINES_WITHIN {
        return None;
    }
    if is_noted(&head[..end.unwrap_or(head.len())]) { Some(true) } else { is_rejects(text, whole, LINES_WITHIN) }
}

/// A document that would be refused, unless it is rejects of presort: there, a line that was not JSON may come first.
fn or_rejects(text: &[u8], whole: bool, what: String) -> Result<Option<Detected>, String> {
    match is_rejects(text, whole, LINES_WITHIN) {
        Some(true) => Ok(Some(Detected::Shape(Shape::Lines))),
        Some(false) => Err(what),
        None => Ok(None),
    }
}

/// True when a line after the first is a contact that presort rejected, which its note tells: then all lines are rejects. The first
/// line that is JSON decides. None where more bytes may show it. The first line ends within `line_max`.
fn is_rejects(text: &[u8], whole: bool, line_max: usize) -> Option<bool> {
    let (head, whole) = match text.len() >= LINES_WITHIN {
        true => (&text[..LINES_WITHIN], true),
        false => (text, whole),
    };
    let Some(first) = memchr::memchr(b'\n', &head[..head.len().min(line_max)]) else {
        return (whole || head.len() >= line_max).then_some(false);
    };
    // An array whose contacts stand on lines of their own.
    if matches!(head[..first].trim_ascii_end(), b"[" | [.., b',']) {
        return Some(false);
    }
    let mut rest = &head[first + 1..];
    loop {
        let end = memchr::memchr(b'\n', rest);
        let line = rest[..end.unwrap_or(rest.len())].trim_ascii();
        if end.is_none() && !whole {
            return None;
        }
        if line.first() == Some(&b'{') {
            if is_noted(line) {
                return Some(true);
            }
            // A line that is not JSON has no note, and another may have one.
            if line.ends_with(b",") || crate::json::syntax::check(line).is_ok() {
                return Some(false);
            }
        }
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => return Some(false),
        }
    }
}

/// What a document is, if a run of presort wrote it and it has no contacts: a receipt, or lines about contacts. By the names in its
/// first object.
pub(super) fn output_of_presort(bytes: &[u8]) -> Option<&'static str> {
    let names = first_names(bytes);
    let has = |name: &&str| names.iter().any(|known| known == name);
    if names.first().is_some_and(|name| name == "version") && names.get(1).is_some_and(|name| name == "input") {
        return Some("it is a receipt of presort");
    }
    ["contact", "offset", "severity", "code", "outcome"]
        .iter()
        .all(has)
        .then_some("it is a report or ledger of presort")
}

/// The names in the object that `bytes` begin with, up to one whose value is not whole.
fn first_names(bytes: &[u8]) -> Vec<String> {
    const NAMES: usize = 16;
    let mut cursor = Cursor::new(bytes);
    let mut names = Vec::new();
    if cursor.peek() != Some(b'{') {
        return names;
    }
    cursor.at += 1;
    while names.len() < NAMES {
        cursor.skip_space();
        let Ok(name) = cursor.name() else { break };
        names.push(crate::json::syntax::unescape(&bytes[name]).into_owned());
        if cursor.value().is_err() {
            break;
        }
        cursor.skip_space();
        if cursor.expect(b',', "a comma or }").is_err() {
            break;
        }
    }
    names
}

/// An object: the envelope of a body, a wrapper, or the first contact of many.
fn object(bytes: &[u8], whole: bool, is_request: bool) -> Option<Detected> {
    use Detected::Shape as Known;
    let mut cursor = Cursor::new(bytes);
    cursor.at = 1;
    // A name that only a contact has; one that identifies it; one that only a body has.
    let (mut lines, mut identity, mut body) = (false, false, false);
    // A value that a contact would not have, and one that could be all contacts.
    let (mut nested, mut array) = (false, false);
    let mut look = || -> Result<bool, SyntaxError> {
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            nested = true;
            return Ok(false);
        }
        loop {
            let name = cursor.name()?;
            let name = crate::json::syntax::unescape(&bytes[name]);
            if name == IMPORT_DATA {
                return Ok(true);
            }
            body |= is_member(&name);
            let id = MemberId::of(&name);
            lines |= id != MemberId::Unknown;
            identity |= is_of_a_person(id);
            nested |= matches!(cursor.peek(), Some(b'[' | b'{'));
            array |= cursor.peek() == Some(b'[') && bytes[cursor.at + 1..].trim_ascii_start().starts_with(b"{");
            cursor.value()?;
            cursor.skip_space();
            if cursor.peek() == Some(b'}') {
                cursor.at += 1;
                return Ok(false);
            }
            cursor.expect(b',', "a comma or }")?;
            cursor.skip_space();
        }
    };
    let found = look();
    let end = cursor.at;
    // One with a city and an array of objects is no contact yet.
    lines &= identity || !array;
    match found {
        Ok(true) if is_request => Some(Known(Shape::Body)),
        Ok(true) => is_body(bytes, whole),
        Ok(false) => {
            // The first object decides: if it has line breaks inside, those after it may have them as well.
            let contacts = if bytes[..end].contains(&b'\n') { Shape::Objects } else { Shape::Lines };
            let next = bytes[end..].iter().find(|b| !b.is_ascii_whitespace());
            match next {
                // Contacts with something behind them that is none: told when they are read.
                Some(next) if array && !identity && !begins_another(*next) => return Some(Detected::Object),
                Some(_) => return Some(Known(contacts)),
                None if lines => return Some(Known(contacts)),
                None => {}
            }
            // Nothing in it says contact, and nothing follows: a body without its contacts, or a wrapper.
            whole.then_some(match (body, nested) {
                _ if is_noted(&bytes[..end]) => Known(contacts),
                (true, _) => Known(Shape::Body),
                (false, true) => Detected::Object,
                (false, false) => Known(contacts),
            })
        }
        Err(error) if error.fault == Fault::End && !whole => None,
        // A brace alone on its line begins an object over several lines, broken or not.
        Err(_) if lines && first_line(bytes) == b"{" => Some(Known(Shape::Objects)),
        Err(_) if lines => Some(Known(Shape::Lines)),
        // Broken, or longer than is looked at, before it showed what it is: one bad line of many, or something around contacts.
        Err(_) => match second_line(bytes) {
            Some(true) if !is_open(first_line(bytes)) => Some(Known(Shape::Lines)),
            None if !whole => None,
            _ if body => Some(Known(Shape::Body)),
            _ => Some(Detected::Object),
        },
    }
}

/// True for the members that only a person has. A wrapper may well have a city or a company.
pub(super) fn is_of_a_person(id: MemberId) -> bool {
    use MemberId::{Email, FirstName, LastName, SmsNumber};
    matches!(id, Email | SmsNumber | FirstName | LastName) || id.info().family == Family::Phone
}

/// True for the byte that another document begins with: an object, an array, or a byte-order mark before one.
pub(super) fn begins_another(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | 0xef)
}

/// An object with `import_data` is a body, unless it is a line of rejects: an input may have had one where a contact was due.
fn is_body(bytes: &[u8], whole: bool) -> Option<Detected> {
    let head = &bytes[..bytes.len().min(LINES_WITHIN)];
    let Some(newline) = memchr::memchr(b'\n', head) else {
        let is_known = whole || bytes.len() >= LINES_WITHIN;
        return is_known.then_some(Detected::Shape(if is_noted(head) { Shape::Lines } else { Shape::Body }));
    };
    let first = &head[..newline];
    let is_line = is_noted(first) || (!is_open(first) && is_rejects(bytes, whole, LINES_WITHIN)?);
    Some(Detected::Shape(if is_line { Shape::Lines } else { Shape::Body }))
}

/// True if brackets are open at the end of a line, and no string is: the value goes on in the next line.
fn is_open(line: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0i64, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth > 0 && !in_string
}

fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end()
}

/// True if the next line begins with a brace. In a body with a broken first line, no such line comes before the contacts. None if the
/// next line is not there yet.
fn second_line(bytes: &[u8]) -> Option<bool> {
    let newline = memchr::memchr(b'\n', bytes)?;
    let next = bytes[newline..].trim_ascii_start().first()?;
    Some(*next == b'{')
}

#[cfg(test)]
mod tests;
