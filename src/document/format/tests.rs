//! Shapes of documents, whole and in parts.

use super::*;

fn shape(text: &str) -> Result<Option<Detected>, String> {
    // The answer for a part must be the answer for the whole.
    let whole = detect(text.as_bytes(), true);
    let mut detector = Detector::default();
    for end in 0..text.len() {
        let start = detector.start().offset as usize;
        for part in [detect(&text.as_bytes()[..end], false), detector.look(&text.as_bytes()[start..end], false)] {
            if let Ok(Some(part)) = part {
                assert_eq!(whole, Ok(Some(part)), "{text:?} to {end}");
            }
        }
    }
    let start = detector.start();
    assert_eq!(detector.look(&text.as_bytes()[start.offset as usize..], true), whole);
    assert_eq!(
        detector.start(),
        start.after(&text.as_bytes()[start.offset as usize..detector.start().offset as usize])
    );
    whole
}

#[test]
fn shapes() {
    use Shape::*;
    for (text, expected) in [
        ("[]", Array),
        ("\u{feff} [", Array),
        (r#"{"import_data":["#, Body),
        (r#"{"x":{"email":1},"list_ids":["#, Body),
        (r#"{"import\u005fdata":["#, Body),
        (r#"{"email":"a"}"#, Lines),
        ("{\"email\":\"a\"}\n{\"email\":\"b\"}", Lines),
        ("{\"cf:x\":\"a\"}\n", Lines),
        ("{}\n{\"email\":\"b\"}", Lines),
        ("{\"id\":7}\n{\"id\":8}", Lines),
        ("{\"email\":\"a\n{\"email\":\"b\"}", Lines),
        ("{email:\"a\"}\n{\"email\":\"b\"}", Lines),
        ("null\n7\n{\"email\":\"a\"}", Lines),
        ("garbage\n{\"email\":\"a\"}\n", Lines),
        (")]}'\n{\"email\":\"a\"}\n{\"email\":\"b\"}\n", Lines),
        ("Warning: x in y on line 3\n\n{\"email\":\"a\"}\n{\"email\":\"b\"}\n", Lines),
        ("cb(1)\n{\"email\":\"a\"}", Lines),
        ("[]\n{\"email\":\"a\"}", Lines),
        ("[1]\nnull", Array),
        ("[1]\nnull\n {}", Lines),
        ("[]\n\n", Array),
        ("[\n]", Array),
        ("{\"list_ids\":[\"x\"],\"email\":\"bad\"}", Lines),
        ("{\"list_ids\":[\"x\"]}", Body),
        ("{\"foo\":1}", Lines),
        ("{\n \"email\": \"a\"\n}\n{\n}", Objects),
        ("{\n \"email\": \"a\"\n}\n", Objects),
        ("{\n \"foo\": 1\n}\n", Objects),
        ("{\n \"results\": []\n}\n{\n}", Objects),
        ("{\n \"email\": \"a\",,\n}\n{\n}", Objects),
        ("{\"email\": \"a\",,\n}\n{\n}", Lines),
        ("{\"email\":\"a\"}{\"email\":\"b\"}", Lines),
        ("[{}]\n[{}]", Array),
        ("\u{feff}\n\u{feff} {\"email\":\"a\"}", Lines),
    ] {
        assert_eq!(shape(text), Ok(Some(Detected::Shape(expected))), "{text:?}");
    }
}

/// Only all members tell, which are gone over later.
#[test]
fn objects_that_could_be_anything() {
    for text in [
        "{}",
        "{email:\"a\"}",
        r#"{"contacts":[]}"#,
        "{\n \"results\": []\n}\n",
        r#"{"results":[{"email":"a"}],"paging":{}}"#,
        r#"{"company_name":"x","people":[{"email":"a"}]}"#,
        "{\"results\": [\n{\"email\":NaN},\n{}]}",
        r#"{"results":[{"email":"a"},{"#,
    ] {
        assert_eq!(shape(text), Ok(Some(Detected::Object)), "{text:?}");
    }
}

/// Whatever lines come first, rejects are lines.
#[test]
fn rejects_are_recognised() {
    let note = r#""presort":{"input":"in","contact":0,"line":1,"findings":[]}"#;
    let rejected = format!("{{\"email\":\"x\",{note}}}\n");
    for first in [
        "[{\"email\":\"a@b.co\"}]",
        "[{\"email\":\"a\"",
        "<br />",
        "<b>Warning</b>: x on line 3",
        "\u{1f}\u{8b}\u{8}",
        "PK\u{3}\u{4}",
        "Warning: x in y on line 3",
        "callback({",
        "{\"import_data\":[NaN]}",
        "a,b",
        "[1]\n<br />\n{\"email\":NaN}",
    ] {
        let text = format!("{first}\n{rejected}");
        assert_eq!(shape(&text), Ok(Some(Detected::Shape(Shape::Lines))), "{text}");
    }
    for alone in [r#"{"import_data":[]"#, r#"{"results":[{"a":1}]"#, r#"{"x":{}"#] {
        for end in ["", "\n"] {
            let text = format!("{alone},{note}}}{end}");
            assert_eq!(shape(&text), Ok(Some(Detected::Shape(Shape::Lines))), "{text}");
        }
    }
    // In an array, the member is a contact's.
    let text = format!("[\n{{\"email\":\"x\",{note}}}\n]");
    assert_eq!(shape(&text), Ok(Some(Detected::Shape(Shape::Array))));
    assert_eq!(shape("[{}]\n{\"email\":\"a\"}"), Ok(Some(Detected::Shape(Shape::Array))));
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
        (b"PK\x05\x06", "zip"),
        (b"\xfd7zXZ\0\0", "xz -dc"),
        (b"BZh91AY&SY\0", "bzip2 -dc"),
        (b"BZh9\x17\x72\x45\x38\x50\x90", "bzip2 -dc"),
        (b"BZh9 is a name", "expected a request body"),
        (b"\x04\x22\x4d\x18", "lz4 -dc"),
        (b"\x1f\x9d\x90", "compress:"),
        (b"7z\xbc\xaf\x27\x1c", "7z x"),
        (b"Rar!\x1a\x07\x01", "unrar"),
        (b"email,first_name\na@b.c,Joe\n", "CSV"),
        (b"<html>", "XML"),
        (b"null", "expected a request body"),
        (b"\xff\xfe{\0", "iconv -f UTF-16LE -t"),
        (b"{\0\"\0", "iconv -f UTF-16LE -t"),
        (b"[\0\n\0", "iconv -f UTF-16LE -t"),
        (b"e\0m\0", "iconv -f UTF-16LE -t"),
        (b"\n\0{\0", "iconv -f UTF-16LE -t"),
        (b"\0{\0\"", "iconv -f UTF-16BE -t"),
        (b"\xff\xfe\0\0{\0\0\0", "iconv -f UTF-32LE -t"),
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

/// However small the blocks, each byte of a long first object is looked at a few times at most.
#[test]
fn a_long_first_object_is_not_looked_at_for_each_block() {
    let text = [b"{\"x\":\"".as_slice(), &vec![b'x'; 12 << 20]].concat();
    let mut detector = Detector::default();
    let mut looked = 0;
    for end in (4..text.len()).step_by(4096) {
        let before = detector.tried;
        assert_eq!(detector.look(&text[..end], false), Ok(None));
        if detector.tried != before {
            looked += end;
        }
    }
    // Up to a mebibyte each block is looked at, which no longer input makes more.
    assert!(looked < (128 << 20) + 3 * text.len(), "{looked}");
    // Behind a contact that shows what it is, nothing is waited for.
    assert_eq!(detect(b"{\"email\":\"a\"}\n\n", false), Ok(Some(Detected::Shape(Shape::Lines))));
}
