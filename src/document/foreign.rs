//! Other formats than those that are read, by their first bytes, and what to do with each.

use crate::source::Encoding;

pub(super) const PHP_WARNING: &str =
    "this begins with a message of PHP: correct the program that wrote the export, or take the message out";

/// Formats with a known signature.
pub(super) fn other_format(bytes: &[u8]) -> Option<String> {
    // The endpoint gets these bytes as they are; elsewhere they were decoded before.
    if let Some(encoding) = Encoding::sniff(bytes) {
        return Some(format!(
            "this is {}: convert it to UTF-8 (iconv -f {} -t UTF-8)",
            encoding.family(),
            encoding.name()
        ));
    }
    let what = match bytes {
        [0x1f, 0x8b, ..] => "this is compressed with gzip: unpack it first (gzip -dc FILE | presort ...)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "this is compressed with zstd: unpack it first (zstd -dc FILE | presort ...)",
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
            "this is a zip archive: if it is a file or standard input of its own, it is incomplete: get all of it"
        }
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => {
            "this is an Excel workbook (XLS) or another old Office document: read it as a file of its own, or save its sheet as CSV"
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            "this is compressed with xz: unpack it first (xz -dc FILE | presort ...)"
        }
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
            "this is compressed with bzip2: unpack it first (bzip2 -dc FILE | presort ...)"
        }
        [4, 0x22, 0x4d, 0x18, ..] => "this is compressed with lz4: unpack it first (lz4 -dc FILE | presort ...)",
        [0x1f, 0x9d, ..] => "this is compressed with compress: unpack it first (gzip -dc FILE | presort ...)",
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => "this is a 7z archive: unpack it first (7z x FILE)",
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => "this is a RAR archive: unpack it first (unrar x FILE)",
        _ => return None,
    };
    Some(what.to_owned())
}

/// The message for text that is not JSON.
pub(super) fn no_json(text: &[u8]) -> String {
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
        "these are vCards, which `presort clean` reads; "
    } else if is_sql(text) {
        "this is a dump of a database, in SQL: export the table of contacts as CSV or JSON; "
    } else if is_jsonp(line) {
        "this is JSONP, a call of a function with the JSON in it: ask for JSON without a callback, or take the name and the \
         parentheses out; "
    } else if text.starts_with(b"<") {
        "this looks like XML or HTML (a table that begins so is read with --from csv): "
    } else if separators > 0 && !text.starts_with(b"'") {
        "this looks like CSV, not JSON; "
    } else {
        ""
    };
    format!("{looks}{WANTED}")
}

/// True for the first lines of database dumps: a comment that says so, or a statement.
pub(super) fn is_sql(text: &[u8]) -> bool {
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

/// True for JSONP whose call continues after the first line.
pub(super) fn is_open_call(text: &[u8]) -> bool {
    let Some(newline) = memchr::memchr(b'\n', text) else { return false };
    let line = text[..newline].trim_ascii_end();
    is_jsonp(line) && !line.ends_with(b")") && !line.ends_with(b";")
}

/// True for `callback({`, `/**/ my.callback ([` and the like.
pub(super) fn is_jsonp(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"/**/").unwrap_or(line).trim_ascii_start();
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.')).count();
    let behind = line[name..].trim_ascii_start();
    name > 0 && behind.first() == Some(&b'(') && {
        let inside = behind[1..].trim_ascii_start();
        matches!(inside.first(), None | Some(b'{' | b'['))
    }
}
