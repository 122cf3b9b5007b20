//! What shape a document has, from its first bytes.

use crate::contact::MemberId;
use crate::envelope::{IMPORT_DATA, is_member};
use crate::syntax::{Cursor, Fault, SyntaxError};

/// Bytes within which the first object must show what it is; an object that does not is taken for a line.
const LOOK_AT: usize = 16 << 20;

/// The shapes contacts come in. Each has the offset of its first byte that is not a byte-order mark or white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A request body: an object with `import_data`.
    Body(usize),
    /// A bare array of contacts.
    Array(usize),
    /// One contact a line.
    Lines(usize),
}

/// Tells the shape of a document that begins with `bytes`, which are all of it when `whole`. `Ok(None)`: more bytes are
/// needed to tell.
///
/// # Errors
/// It is none of the shapes; the text says what it looks like and what to do.
pub fn detect(bytes: &[u8], whole: bool) -> Result<Option<Shape>, String> {
    if let Some(what) = other_format(bytes) {
        return Err(what.to_owned());
    }
    let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let Some(start) = bytes[mark..].iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')) else {
        return match (whole, bytes.len() > mark) {
            (false, _) => Ok(None),
            (true, false) => Err("the input is empty; was the export written?".into()),
            (true, true) => Err("the input holds nothing but white space; was the export written?".into()),
        };
    };
    let start = mark + start;
    match bytes[start] {
        b'[' => Ok(array(bytes, start, whole)),
        b'{' => object(bytes, start, whole),
        b'<' => Err(no_json(&bytes[start..])),
        _ => match other_lines(&bytes[start..], whole) {
            Some(true) => Ok(Some(Shape::Lines(start))),
            Some(false) => Err(no_json(&bytes[start..])),
            None => Ok(None),
        },
    }
}

/// An array of contacts, or a first line that happens to be an array.
fn array(bytes: &[u8], start: usize, whole: bool) -> Option<Shape> {
    /// Longest such line.
    const LINE: usize = 64 << 10;
    let text = &bytes[start..];
    let Some(newline) = memchr::memchr(b'\n', &text[..text.len().min(LINE)]) else {
        return (whole || text.len() >= LINE).then_some(Shape::Array(start));
    };
    // One with objects in it holds contacts: it is the document, and what follows it is not.
    if text[..newline].contains(&b'{') || crate::syntax::check(&text[..newline]).is_err() {
        return Some(Shape::Array(start));
    }
    // The array is closed in its line. With contacts on lines of their own behind it, it is one bad line of many.
    Some(if other_lines(text, whole)? { Shape::Lines(start) } else { Shape::Array(start) })
}

/// True when a line behind the first begins as a contact does: then the first is one bad line of many. None where more bytes
/// may show one.
fn other_lines(text: &[u8], whole: bool) -> Option<bool> {
    /// Bytes within which such a line must come.
    const LOOK_AT: usize = 1 << 20;
    // Never more of it, however much has been read: file and pipe must come to the same.
    let head = &text[..text.len().min(LOOK_AT)];
    let found = head.split(|b| *b == b'\n').skip(1).any(|line| line.trim_ascii_start().starts_with(b"{"));
    (found || whole || text.len() >= LOOK_AT).then_some(found)
}

/// Formats that are told by their first bytes.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [b'{' | b'[', 0, 0, 0, ..] | [0, 0, 0, b'{' | b'[', ..] => {
            "this is UTF-32: convert it to UTF-8 (iconv -f UTF-32 -t UTF-8)"
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => {
            "this is UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)"
        }
        [0x1f, 0x8b, ..] => "this is compressed with gzip: unpack it first (gzip -dc FILE | presort ...)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "this is compressed with zstd: unpack it first (zstd -dc FILE | presort ...)",
        [b'P', b'K', 3, 4, ..] => "this is a zip archive or a spreadsheet: export the contacts as JSON",
        _ => return None,
    })
}

/// What to say of text that is not JSON.
fn no_json(text: &[u8]) -> String {
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let separators = line.iter().filter(|b| matches!(b, b',' | b';' | b'\t')).count();
    let looks = if text.starts_with(b"<") {
        "this looks like XML or HTML: "
    } else if separators > 0 && !text.starts_with(b"'") {
        "this looks like CSV: convert it to JSON first; "
    } else {
        ""
    };
    format!("{looks}expected a request body {{...}}, an array [...] of contacts, or one contact {{...}} a line")
}

/// An object: the envelope of a body, or the first line of many.
fn object(bytes: &[u8], start: usize, whole: bool) -> Result<Option<Shape>, String> {
    let more = |at: usize| !whole && at < LOOK_AT;
    let mut cursor = Cursor::new(bytes);
    cursor.at = start + 1;
    // A name that only a contact has; one that only a body has; a value that a contact would not have.
    let (mut lines, mut body, mut nested) = (false, false, false);
    let mut look = || -> Result<bool, SyntaxError> {
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            nested = true;
            return Ok(false);
        }
        loop {
            let name = cursor.name()?;
            let name = crate::syntax::unescape(&bytes[name]);
            if name == IMPORT_DATA {
                return Ok(true);
            }
            body |= is_member(&name);
            lines |= MemberId::of(&name) != MemberId::Unknown;
            nested |= matches!(cursor.peek(), Some(b'[' | b'{'));
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
    match found {
        Ok(true) => Ok(Some(Shape::Body(start))),
        Ok(false) => {
            let spread = memchr::memchr(b'\n', &bytes[start..end]).is_some();
            let behind = bytes[end..].iter().find(|b| !b.is_ascii_whitespace());
            match behind {
                None if more(end) => Ok(None),
                // Nothing in it says contact, and nothing follows: a body without its contacts.
                None if !lines && (body || nested) => Ok(Some(Shape::Body(start))),
                _ if spread => Err(
                    "the contacts are spread over several lines each: write one contact a line (jq -c . FILE), or all \
                                    of them as an array (jq -s . FILE)"
                        .into(),
                ),
                _ => Ok(Some(Shape::Lines(start))),
            }
        }
        Err(error) if error.fault == Fault::End && more(bytes.len()) => Ok(None),
        Err(_) if lines => Ok(Some(Shape::Lines(start))),
        // Broken before it showed what it is: one bad line of many, or a body; reading it as that says where.
        Err(_) => Ok(match second_line(&bytes[start..]) {
            Some(true) => Some(Shape::Lines(start)),
            None if more(bytes.len()) => None,
            _ => Some(Shape::Body(start)),
        }),
    }
}

/// True when the first line ends with a brace and the next one begins with one; none where the next one is not there yet.
fn second_line(bytes: &[u8]) -> Option<bool> {
    let newline = memchr::memchr(b'\n', bytes)?;
    let next = bytes[newline..].trim_ascii_start().first()?;
    Some(bytes[..newline].trim_ascii_end().ends_with(b"}") && *next == b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<Option<Shape>, String> {
        // What is told from a part must be what is told from the whole.
        let whole = detect(text.as_bytes(), true);
        for end in 0..text.len() {
            if let Ok(Some(part)) = detect(&text.as_bytes()[..end], false) {
                assert_eq!(whole, Ok(Some(part)), "{text:?} to {end}");
            }
        }
        whole
    }

    #[test]
    fn shapes() {
        use Shape::*;
        for (text, expected) in [
            ("[]", Array(0)),
            ("\u{feff} [", Array(4)),
            (r#"{"import_data":["#, Body(0)),
            (r#"{"x":{"email":1},"list_ids":["#, Body(0)),
            (r#"{"import\u005fdata":["#, Body(0)),
            ("{}", Body(0)),
            (r#"{"contacts":[]}"#, Body(0)),
            (r#"{"email":"a"}"#, Lines(0)),
            ("{\"email\":\"a\"}\n{\"email\":\"b\"}", Lines(0)),
            ("{\"cf:x\":\"a\"}\n", Lines(0)),
            ("{}\n{\"email\":\"b\"}", Lines(0)),
            ("{\"id\":7}\n{\"id\":8}", Lines(0)),
            ("{\"email\":\"a\n{\"email\":\"b\"}", Lines(0)),
            ("{email:\"a\"}\n{\"email\":\"b\"}", Lines(0)),
            ("{email:\"a\"}", Body(0)),
            ("null\n7\n{\"email\":\"a\"}", Lines(0)),
            ("garbage\n{\"email\":\"a\"}\n", Lines(0)),
            ("[]\n{\"email\":\"a\"}", Lines(0)),
            ("[1]\nnull", Array(0)),
            ("[1]\nnull\n {}", Lines(0)),
            ("[]\n\n", Array(0)),
            ("[\n]", Array(0)),
            ("{\"list_ids\":[\"x\"],\"email\":\"bad\"}", Lines(0)),
            ("{\"list_ids\":[\"x\"]}", Body(0)),
            ("{\"foo\":1}", Lines(0)),
        ] {
            assert_eq!(shape(text), Ok(Some(expected)), "{text:?}");
        }
    }

    #[test]
    fn refused_by_name() {
        for (bytes, says) in [
            (&b""[..], "empty"),
            (b" \n", "white space"),
            (b"\xef\xbb\xbf", "empty"),
            (b"\xff\xfe{\0", "UTF-16"),
            (b"\xfe\xff\0{", "UTF-16"),
            (b"{\0\"\0", "UTF-16"),
            (b"\xff\xfe\0\0", "UTF-32"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"(\xb5/\xfd", "zstd"),
            (b"PK\x03\x04", "zip"),
            (b"email,first_name\na@b.c,Joe\n", "CSV"),
            (b"<html>", "XML"),
            (b"null", "expected a request body"),
            (b"{\n \"email\": \"a\"\n}\n{\n}", "several lines"),
            (b"{\n \"email\": \"a\"\n}\n", "several lines"),
        ] {
            let error = detect(bytes, true).unwrap_err();
            assert!(error.contains(says), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn more_is_asked_for() {
        assert_eq!(detect(b"", false), Ok(None));
        assert_eq!(detect(b"{\"x\":\"", false), Ok(None));
        assert_eq!(detect(b"{\"email\":1", false), Ok(None));
    }
}
