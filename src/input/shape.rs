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
        return Err(what);
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
        _ if line_that_is_no_json(&bytes[start..]).is_some() => behind_a_line(bytes, start, whole),
        _ if is_open_call(&bytes[start..]) => Err(no_json(&bytes[start..])),
        _ => match other_lines(&bytes[start..], whole) {
            Some(true) => Ok(Some(Shape::Lines(start))),
            Some(false) => Err(no_json(&bytes[start..])),
            None => Ok(None),
        },
    }
}

/// What a first line is that programs write before JSON, and what to do about it.
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

const PHP_WARNING: &str =
    "this begins with a message of PHP: correct the program that wrote the export, or take the message out";

/// A document behind such a line is refused: told as what it is, and never read as lines. Where contacts stand on lines of their
/// own behind it, it is one bad line of many.
fn behind_a_line(bytes: &[u8], start: usize, whole: bool) -> Result<Option<Shape>, String> {
    let mut at = start;
    let mut what = "";
    // PHP may have had more than one thing to say, with empty lines between.
    while let Some(named) = line_that_is_no_json(&bytes[at..]) {
        what = named;
        let rest = &bytes[at..];
        let guard = rest.iter().position(|b| matches!(b, b'[' | b'{' | b'\n')).unwrap_or(rest.len());
        let end = if named == PHP_WARNING { memchr::memchr(b'\n', rest).unwrap_or(rest.len()) } else { guard };
        at += end;
        at += bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    }
    let behind = &bytes[at..];
    let shape = match behind.first() {
        None if whole || at >= LOOK_AT => return Err(what.to_owned()),
        None => return Ok(None),
        Some(b'{') => object(bytes, at, whole),
        Some(b'[') => Ok(array(bytes, at, whole)),
        Some(_) => Ok(match other_lines(&bytes[start..], whole) {
            Some(true) => Some(Shape::Lines(start)),
            Some(false) => return Err(what.to_owned()),
            None => None,
        }),
    };
    match shape {
        // A line of its own: the guard or message is a line before it.
        Ok(Some(Shape::Lines(_))) if memchr::memchr(b'\n', &bytes[start..at]).is_some() => {
            Ok(Some(Shape::Lines(start)))
        }
        Ok(None) => Ok(None),
        _ => Err(what.to_owned()),
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
fn other_format(bytes: &[u8]) -> Option<String> {
    // Without a byte-order mark iconv has to be told the order, or takes the machine's own.
    let encoding = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [1..=0x7f, 0, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0, 1..=0x7f, ..] => Some("UTF-32BE"),
        [1..=0x7f, 0, ..] => Some("UTF-16LE"),
        [0, 1..=0x7f, ..] => Some("UTF-16BE"),
        _ => None,
    };
    if let Some(encoding) = encoding {
        let name = encoding.trim_end_matches(|c: char| c.is_alphabetic());
        return Some(format!("this is {name}: convert it to UTF-8 (iconv -f {encoding} -t UTF-8)"));
    }
    let what = match bytes {
        [0x1f, 0x8b, ..] => "this is compressed with gzip: unpack it first (gzip -dc FILE | presort ...)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "this is compressed with zstd: unpack it first (zstd -dc FILE | presort ...)",
        [b'P', b'K', 3, 4, ..] => "this is a zip archive or a spreadsheet: export the contacts as JSON",
        _ => return None,
    };
    Some(what.to_owned())
}

/// What to say of text that is not JSON.
fn no_json(text: &[u8]) -> String {
    const WANTED: &str = "expected a request body {...}, an array [...] of contacts, or one contact {...} a line";
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let begins = |words: &[&str]| {
        words.iter().any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())))
    };
    let head = &text[..text.len().min(4096)];
    let has = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    let separators = line.iter().filter(|b| matches!(b, b',' | b';' | b'\t')).count();
    let is_php =
        [">Warning<", ">Notice<", ">Deprecated<", ">Fatal error<", ">Parse error<"].iter().any(|kind| has(kind))
            && has(" on line ");
    let looks = if is_php {
        return PHP_WARNING.to_owned();
    } else if begins(&["BEGIN:VCARD"]) {
        "these are vCards: export the contacts as JSON, or convert them first; "
    } else if is_sql(text) {
        "this is a dump of a database, in SQL: export the table of contacts as JSON; "
    } else if is_jsonp(line) {
        "this is JSONP, a call of a function with the JSON in it: ask for JSON without a callback, or take the name and the \
         parentheses out; "
    } else if text.starts_with(b"<") {
        "this looks like XML or HTML: "
    } else if separators > 0 && !text.starts_with(b"'") {
        "this looks like CSV: convert it to JSON first; "
    } else {
        ""
    };
    format!("{looks}{WANTED}")
}

/// True for what dumps of databases begin with: a comment that says so, or a statement.
fn is_sql(text: &[u8]) -> bool {
    const STATEMENTS: [&str; 11] = [
        "insert into ",
        "create table ",
        "create database ",
        "drop table ",
        "begin transaction;",
        "begin;",
        "start transaction;",
        "pragma ",
        "set ",
        "use ",
        "copy ",
    ];
    let head = String::from_utf8_lossy(&text[..text.len().min(4096)]).to_ascii_lowercase();
    head.starts_with("pgdmp")
        || head.starts_with("/*!")
        || (head.starts_with("--") && (head.contains("dump") || head.contains("sql")))
        || STATEMENTS.iter().any(|statement| head.starts_with(statement)) && head.contains(';')
}

/// True for JSONP whose call goes on behind its first line.
fn is_open_call(text: &[u8]) -> bool {
    let Some(newline) = memchr::memchr(b'\n', text) else { return false };
    let line = text[..newline].trim_ascii_end();
    is_jsonp(line) && !line.ends_with(b")") && !line.ends_with(b";")
}

/// True for `callback({`, `/**/ my.callback ([` and the like.
fn is_jsonp(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"/**/").unwrap_or(line).trim_ascii_start();
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.')).count();
    let behind = line[name..].trim_ascii_start();
    name > 0 && behind.first() == Some(&b'(') && {
        let inside = behind[1..].trim_ascii_start();
        matches!(inside.first(), None | Some(b'{' | b'['))
    }
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
            (")]}'\n{\"email\":\"a\"}\n{\"email\":\"b\"}\n", Lines(0)),
            ("Warning: x in y on line 3\n\n{\"email\":\"a\"}\n{\"email\":\"b\"}\n", Lines(0)),
            ("cb(1)\n{\"email\":\"a\"}", Lines(0)),
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
            (b"\xff\xfe{\0", "iconv -f UTF-16 -t"),
            (b"{\0\"\0", "iconv -f UTF-16LE -t"),
            (b"[\0\n\0", "iconv -f UTF-16LE -t"),
            (b"e\0m\0", "iconv -f UTF-16LE -t"),
            (b"\n\0{\0", "iconv -f UTF-16LE -t"),
            (b"\0{\0\"", "iconv -f UTF-16BE -t"),
            (b"\xff\xfe\0\0{\0\0\0", "iconv -f UTF-32 -t"),
            (b"{\0\0\0", "iconv -f UTF-32LE -t"),
            (b"\0\0\0[", "iconv -f UTF-32BE -t"),
            (b"BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n", "vCards"),
            (b"begin:vcard\n", "vCards"),
            (b"callback({\"email\":\"a@b.co\"});", "JSONP"),
            (b"/**/ jQuery12_3.cb ([\n{}\n])", "JSONP"),
            (b"cb(\n[1])", "JSONP"),
            (b"-- MySQL dump 10.13  Distrib 8.0\n", "SQL"),
            (b"--\n-- PostgreSQL database dump\n--\n", "SQL"),
            (b"/*!40101 SET NAMES utf8 */;\n", "SQL"),
            (b"INSERT INTO `contacts` VALUES (1,'a@b.co');\n", "SQL"),
            (b"create table contacts (email text);\n", "SQL"),
            (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "SQL"),
            (b")]}'\n{\"import_data\":[]}", "guard against scripts"),
            (b")]}',\n[{\"email\":\"a@b.co\"}]", "guard against scripts"),
            (b")]}'{\"email\":\"a@b.co\"}", "guard against scripts"),
            (b"while(1);[{}]", "guard against scripts"),
            (b"for(;;);{\"import_data\":[]}", "guard against scripts"),
            (b")]}'\n", "guard against scripts"),
            (b"<br />\n<b>Warning</b>:  foo in <b>/x.php</b> on line <b>3</b><br />\n{\"email\":1}", "PHP"),
            (b"\nWarning: foo() in /x.php on line 3\n[{\"email\":1}]", "PHP"),
            (b"PHP Notice:  x in /x.php on line 3\n\nNotice: x in /x.php on line 3\n{\"import_data\":[]}", "PHP"),
            (b"Fatal error: x in /x.php on line 3", "PHP"),
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
