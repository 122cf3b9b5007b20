//! Input that is broken, cut off, of another kind, or hostile: what the program says, and what it leaves behind.

#![cfg(feature = "cli")]
#![cfg(unix)]

mod common;

use common::{Dir, LIST, Ran, body, contacts, emails, kill, many, names, presort, wait};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Runs `clean` on a file of these bytes, with every output asked for.
#[track_caller]
fn clean(dir: &Dir, input: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    dir.write("in", input);
    let all = [
        "clean",
        "in",
        "-o",
        "out",
        "--report",
        "report",
        "--changes",
        "changes",
        "--rejects",
        "rejects",
        "--bare-rejects",
    ];
    dir.run(&[&all[..], &["--receipt", "receipt", "--force"], more].concat())
}

/// What it is, the input, options, and words of the message.
type Refused<'a> = (&'a str, &'a [u8], &'a [&'a str], &'a [&'a str]);

/// Each of these is refused before any output, with these words.
#[track_caller]
fn refused(cases: &[Refused<'_>]) {
    for (label, input, options, says) in cases {
        let dir = Dir::new();
        let ran = clean(&dir, input, options);
        assert_eq!(ran.code(), 2, "{label}: {}", ran.err);
        for text in *says {
            assert!(ran.err.contains(text), "{label}: {text:?} is not in {:?}", ran.err);
        }
        assert!(ran.out.is_empty(), "{label}");
        assert_eq!(dir.names(), ["in"], "{label}");
    }
}

#[test]
fn input_that_holds_no_contacts_is_refused_by_name() {
    refused(&[
        ("empty", b"", &[], &["the input is empty"]),
        ("a mark alone", b"\xef\xbb\xbf", &[], &["the input is empty"]),
        ("white space", b" \n\t\r\n  ", &[], &["nothing but white space"]),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", &[], &["the gzip data is cut off"]),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\0", &[], &["the zstd data is cut off"]),
        ("zip", b"PK\x03\x04\x14\0", &[], &["a zip archive"]),
        ("HTML", b"<!DOCTYPE html>\n", &[], &["looks like XML or HTML"]),
        ("null", b"null", &[], &["expected a request body"]),
    ]);
}

#[test]
fn envelopes_that_break_a_rule_are_refused() {
    let lists = |lists: &str| format!(r#"{{"list_ids":{lists},"import_data":[{{"email":"a@example.com"}}]}}"#);
    let fifty_one: Vec<String> = (0..51).map(|i| format!("\"{i:08}-a579-43c5-bb1a-58ed29bf0a6a\"")).collect();
    let fifty_one = lists(&format!("[{}]", fifty_one.join(",")));
    let data = |data: &str| format!(r#"{{"list_ids":["{LIST}"],"import_data":{data}}}"#);
    let sms = |sms: &str| {
        format!(
            r#"{{"list_ids":["{LIST}"],"sms_permission_to_send":{sms},"import_data":[{{"email":"a@example.com"}}]}}"#
        )
    };
    let twice = |member: &str| {
        let envelope = format!(r#""list_ids":["{LIST}"],"sms_permission_to_send":"not_set""#);
        [
            format!(r#"{{{envelope},{member},"import_data":[]}}"#),
            format!(r#"{{{member},"import_data":[],{envelope}}}"#),
            format!(r#"{{"import_data":[],{envelope},{member}}}"#),
        ]
    };
    let list = format!("\"list_ids\":[\"{LIST}\"]");
    let [list_1, list_2, list_3] = twice(&list);
    let [sms_1, sms_2, sms_3] = twice("\"sms_permission_to_send\":\"explicit\"");
    let data_twice = [
        format!(r#"{{{list},"import_data":[],"import_data":[]}}"#),
        format!(r#"{{"import_data":[{{"email":"a@example.com"}}],{list},"import_data":[]}}"#),
    ];
    refused(&[
        ("[] without a list", b"[]", &[], &["ENV001", "list_ids is missing", "--list-id"]),
        ("{}", b"{}", &[], &["ENV009", "import_data is missing"]),
        ("no import_data", lists("[]").replace("import_data", "contacts").as_bytes(), &[], &["ENV009"]),
        ("import_data an object", data("{}").as_bytes(), &[], &["ENV010", "an object"]),
        ("import_data a string", data("\"x\"").as_bytes(), &[], &["ENV010", "a string"]),
        ("import_data null", data("null").as_bytes(), &[], &["ENV010", "null"]),
        ("list_ids missing", br#"{"import_data":[{"email":"a@example.com"}]}"#, &[], &["ENV001", "list_ids"]),
        ("list_ids a string", lists(&format!("\"{LIST}\"")).as_bytes(), &[], &["ENV002", "a string"]),
        ("list_ids null", lists("null").as_bytes(), &[], &["ENV002", "null"]),
        ("list_ids of numbers", lists("[1]").as_bytes(), &[], &["ENV002", "not all of it is strings"]),
        ("list_ids 51 long", fifty_one.as_bytes(), &[], &["ENV003", "51"]),
        ("list_ids empty", lists("[]").as_bytes(), &[], &["ENV003"]),
        ("list_ids of names", lists("[\"my list\"]").as_bytes(), &[], &["ENV004", "my list"]),
        ("a UUID in braces", lists(&format!("[\"{{{LIST}}}\"]")).as_bytes(), &[], &["ENV004"]),
        ("--list-id no UUID", b"[]", &["--list-id", "7"], &["ENV004", "--list-id"]),
        ("sms_permission yes", sms("\"yes\"").as_bytes(), &[], &["ENV007", "yes"]),
        ("sms_permission true", sms("true").as_bytes(), &[], &["ENV007", "true"]),
        ("sms_permission Explicit", sms("\"Explicit\"").as_bytes(), &[], &["ENV007", "Explicit"]),
        ("list_ids twice before", list_1.as_bytes(), &[], &["ENV011", "list_ids"]),
        ("list_ids twice around", list_2.as_bytes(), &[], &["ENV011", "list_ids"]),
        ("list_ids twice behind", list_3.as_bytes(), &[], &["ENV011", "list_ids"]),
        ("sms_permission twice before", sms_1.as_bytes(), &[], &["ENV011", "sms_permission_to_send"]),
        ("sms_permission twice around", sms_2.as_bytes(), &[], &["ENV011", "sms_permission_to_send"]),
        ("sms_permission twice behind", sms_3.as_bytes(), &[], &["ENV011", "sms_permission_to_send"]),
        ("import_data twice", data_twice[0].as_bytes(), &[], &["ENV011", "import_data"]),
        ("import_data twice apart", data_twice[1].as_bytes(), &[], &["ENV011", "import_data"]),
    ]);
}

#[test]
fn an_empty_array_is_an_empty_import() {
    let dir = Dir::new();
    let ran = clean(&dir, "[]", &["--list-id", LIST]).exits(0).says(&["nothing to import"]);
    assert!(ran.out.is_empty());
    assert!(!dir.path("out").exists());
    clean(&dir, "[]", &["--format", "ndjson"]).exits(0);
    assert_eq!(dir.read("out"), "");
    clean(&dir, body(" \n "), &[]).exits(0).says(&["no body was written"]);
    assert!(!dir.path("out").exists());
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let dir = Dir::new();
    for input in [body(r#"{"email":"a@example.com"}"#), "{\"email\":\"a@example.com\"}\n".into()] {
        clean(&dir, format!("\u{feff}{input}"), &["--list-id", LIST, "--sms-permission", "not_set"]).exits(0);
        assert_eq!(dir.read("out"), body(r#"{"email":"a@example.com"}"#));
    }
}

#[test]
fn contacts_that_are_no_objects_are_rejected_with_their_type() {
    let dir = Dir::new();
    let bad = ["null", "-7.5", "\"a@example.com\"", "[{\"email\":\"b@example.com\"}]", "true", "[]"];
    let input = format!("[{{\"email\":\"a@example.com\"}},{}\n,{{\"email\":\"z@example.com\"}}]", bad.join(" , "));
    clean(&dir, &input, &["--list-id", LIST]).exits(1);
    assert_eq!(emails(contacts(&dir.json("out"))), ["a@example.com", "z@example.com"]);
    assert_eq!(dir.read("rejects").lines().collect::<Vec<_>>(), bad);
    let report = dir.lines("report");
    let kinds = ["null", "a number", "a string", "an array", "true or false", "an array"];
    assert_eq!(report.len(), bad.len());
    for (i, (line, kind)) in report.iter().zip(kinds).enumerate() {
        assert_eq!((&line["code"], &line["outcome"]), (&"CON001".into(), &"rejected".into()));
        assert_eq!(line["contact"], i + 1);
        assert!(line["message"].as_str().unwrap().ends_with(kind), "{line}");
    }
    assert_eq!(dir.json("receipt")["contacts"]["rejected"], bad.len());
}

#[test]
fn a_body_cut_off_at_any_byte_is_refused() {
    let contacts = r#"{"email":"a@example.com","zip":60609},{"email":"é@x.co","cf:a":"\n"}"#;
    let first = body(contacts);
    let last = format!(r#"{{"import_data":[{contacts}],"list_ids":["{LIST}"],"sms_permission_to_send":"not_set"}}"#);
    let spared = ["--list-id", LIST, "--sms-permission", "not_set"];
    for (document, options) in [(&first, &[][..]), (&last, &[]), (&last, &spared)] {
        let document = document.as_bytes();
        for end in 0..document.len() {
            let dir = Dir::new();
            let ran = clean(&dir, &document[..end], options);
            let context = format!("{:?}: {}", String::from_utf8_lossy(&document[..end]), ran.err);
            assert_eq!(ran.code(), 2, "{context}");
            let says = ["at byte ", "is empty", "ENV0"];
            assert!(says.iter().any(|text| ran.err.contains(text)), "{context}");
            assert!(ran.err.starts_with("presort: error: "), "{context}");
            let left = dir.names();
            assert!(!left.iter().any(|name| name.starts_with('.')), "{left:?}");
            if left.contains(&"out".to_owned()) {
                dir.json("out");
                assert!(dir.json("receipt")["stopped"]["offset"].is_u64(), "{context}");
            }
        }
        assert_ne!(clean(&Dir::new(), document, options).code(), 2);
    }
}

/// Contacts with broken syntax: what is wrong, and the contact, in which `^` stands before the byte that is named.
const BROKEN: &[(&str, &[u8])] = &[
    ("NaN is not a JSON value", br#"{"email":"b@example.com","zip":^NaN}"#),
    ("Infinity is not a JSON value", br#"{"email":"b@example.com","zip":^Infinity}"#),
    ("not a JSON", br#"{"email":"b@example.com","zip":^-Infinity}"#),
    ("undefined is not a JSON value", br#"{"email":"b@example.com","zip":^undefined}"#),
    ("None is not a JSON value", br#"{"email":"b@example.com","zip":^None}"#),
    ("a comment", br#"{"email":"b@example.com", ^/* old */ "zip":"1"}"#),
    ("a comment", br#"{"email":"b@example.com","zip": ^// old"#),
    ("a single quote", br#"{^'email':"b@example.com"}"#),
    ("a single quote", br#"{"email":^'b@example.com'}"#),
    ("a comma with nothing behind it", br#"{"email":"b@example.com"^,}"#),
    ("a comma with nothing behind it", br#"{"email":"b@example.com","zip":[1^,]}"#),
    ("expected a comma or }", br#"{"email":"b@example.com" ^"zip":"1"}"#),
    ("expected a colon", br#"{"email" ^"b@example.com"}"#),
    ("expected a comma or ]", br#"{"email":"b@example.com","zip":["1"^}}"#),
    ("expected a comma or }", br#"{"email":"b@example.com","zip":{"a":1^]}"#),
    ("half of a surrogate pair", br#"{"email":"b@example.com","city":"^\ud83d"}"#),
    ("half of a surrogate pair", br#"{"email":"b@example.com","city":"^\ude00"}"#),
    ("half of a surrogate pair", br#"{"email":"b@example.com","city":"^\ud83d\ud83d"}"#),
    ("not UTF-8", b"{\"email\":\"b@example.com\",\"city\":\"^\xff\"}"),
    ("not UTF-8", b"{\"email\":\"b@example.com\",\"city\":\"^\xc0\xaf\"}"),
    ("not UTF-8", b"{\"email\":\"b@example.com\",\"city\":\"^\xed\xa0\x80\"}"),
    ("(0x00) inside a string", b"{\"email\":\"b@example.com\",\"city\":\"a^\0b\"}"),
    ("(0x09) inside a string", b"{\"email\":\"b@example.com\",\"city\":\"a^\tb\"}"),
    ("escape that JSON does not know", br#"{"email":"b@example.com","city":"^\x41"}"#),
    ("a leading zero", br#"{"email":"b@example.com","zip":0^07}"#),
    ("not a JSON number", br#"{"email":"b@example.com","zip":^+1}"#),
    ("not a JSON number", br#"{"email":"b@example.com","zip":^.5}"#),
    ("a member name in double quotes", br#"{^email:"b@example.com"}"#),
];

/// Without the mark, and where it stood.
fn unmarked(marked: &[u8]) -> (Vec<u8>, usize) {
    let at = marked.iter().position(|b| *b == b'^').expect("a mark");
    ([&marked[..at], &marked[at + 1..]].concat(), at)
}

/// Makes sure that a run stopped at this byte with one contact written.
#[track_caller]
fn stopped(dir: &Dir, ran: &Ran, says: &str, offset: usize, line: u64, column: u64, contact: u64) {
    assert_eq!(ran.code(), 2, "{says}: {}", ran.err);
    assert!(ran.err.contains(says), "{says:?} is not in {}", ran.err);
    assert!(ran.err.contains(&format!("byte {offset},")), "{offset} is not in {}", ran.err);
    let receipt = dir.json("receipt");
    let stop = &receipt["stopped"];
    let place = [&stop["offset"], &stop["line"], &stop["column"], &stop["contact"]].map(Value::as_u64);
    assert_eq!(place, [Some(offset as u64), Some(line), Some(column), Some(contact)], "{says}: {receipt:#}");
    let total = fs::metadata(dir.path("in")).unwrap().len();
    assert_eq!(receipt["bytes_not_read"], total - offset as u64, "{says}: {receipt:#}");
    assert_eq!(receipt["bytes_read"], offset, "{says}: {receipt:#}");
    assert_eq!(receipt["contacts"]["seen"], contact, "{says}: {receipt:#}");
    let reports = ["changes", "in", "receipt", "rejects", "report"];
    if contact == 0 {
        // A body without a contact is not written.
        assert_eq!(dir.names(), reports, "{says}");
        return;
    }
    assert_eq!(emails(contacts(&dir.json("out"))).len() as u64, contact, "{says}");
    assert_eq!(dir.names(), ["changes", "in", "out", "receipt", "rejects", "report"], "{says}");
}

#[test]
fn broken_syntax_ends_a_json_run_at_that_byte() {
    for (says, marked) in BROKEN {
        let (bad, at) = unmarked(marked);
        let before = b"[{\"email\":\"a@example.com\"},\n ";
        let input = [&before[..], &bad, b",\n{\"email\":\"z@example.com\"}]\n"].concat();
        let dir = Dir::new();
        let ran = clean(&dir, &input, &["--list-id", LIST]);
        stopped(&dir, &ran, says, before.len() + at, 2, 2 + at as u64, 1);
    }
}

#[test]
fn a_raw_line_break_in_a_string_ends_a_json_run() {
    let dir = Dir::new();
    let input = "[{\"email\":\"a@example.com\"},\n {\"city\":\"a\nb\"}]";
    let ran = clean(&dir, input, &["--list-id", LIST]);
    stopped(&dir, &ran, "(0x0a) inside a string", input.len() - 5, 2, 12, 1);
}

#[test]
fn broken_syntax_between_contacts_ends_a_json_run_at_that_byte() {
    let cases: &[(&str, &str, u64)] = &[
        ("expected a comma or ]", "[{\"email\":\"a@example.com\"} ^{\"email\":\"b@example.com\"}]", 1),
        ("a comma with nothing behind it", "[{\"email\":\"a@example.com\"}^,]", 1),
        ("", "[{\"email\":\"a@example.com\"},^,{\"email\":\"b@example.com\"}]", 1),
        ("", "[^,{\"email\":\"a@example.com\"}]", 0),
        ("", "[{\"email\":\"a@example.com\"}^}", 1),
        ("", "[{\"email\":\"a@example.com\"}^:{}]", 1),
    ];
    for (says, marked, contact) in cases {
        let (input, at) = unmarked(marked.as_bytes());
        let dir = Dir::new();
        let ran = clean(&dir, &input, &["--list-id", LIST]);
        stopped(&dir, &ran, says, at, 1, at as u64 + 1, *contact);
    }
}

#[test]
fn a_bare_word_in_a_contacts_place_is_named() {
    for word in ["nul", "tru", "-", "1.", "1e"] {
        let dir = Dir::new();
        let ran = clean(&dir, format!("[{{\"email\":\"a@example.com\"}},{word},null]"), &["--list-id", LIST]).exits(2);
        assert!(!ran.err.contains("cut off"), "{word}: {}", ran.err);
    }
}

#[test]
fn what_stands_behind_the_document_ends_the_run() {
    let good = r#"{"email":"a@example.com"}"#;
    for behind in ["x", "]", "}", "[]", "\0", &body(good)] {
        for document in [format!("[{good}]"), body(good)] {
            if behind == "[]" && document.starts_with('[') {
                // Several arrays are one export.
                continue;
            }
            let dir = Dir::new();
            let input = format!("{document} \n {behind}");
            let ran = clean(&dir, &input, &["--list-id", LIST, "--sms-permission", "not_set"]).exits(2).says(&[
                match behind.as_bytes()[0] {
                    b'{' if document.starts_with('[') => "an object follows the array",
                    b'{' | b'[' => "another document follows",
                    _ => "something more after the value",
                },
                &format!("byte {},", document.len() + 3),
                "line 2, column 2",
            ]);
            assert!(ran.out.is_empty());
            assert_eq!(emails(contacts(&dir.json("out"))), ["a@example.com"]);
            let receipt = dir.json("receipt");
            assert_eq!(receipt["stopped"]["offset"], document.len() + 3);
            assert_eq!(receipt["bytes_not_read"], behind.len());
        }
    }
}

#[test]
fn a_truncated_array_keeps_what_was_whole() {
    let dir = Dir::new();
    let input = "[{\"email\":\"a@example.com\"},\n{\"email\":\"b@example.com\"},\n{\"email\":\"c@exam";
    let ran = clean(&dir, input, &["--list-id", LIST]);
    stopped(&dir, &ran, "ends in the middle", input.len(), 3, 17, 2);
}

#[test]
fn bad_lines_are_rejected_and_the_good_ones_go_on() {
    let mut bad: Vec<Vec<u8>> = BROKEN.iter().map(|(_, marked)| unmarked(marked).0).collect();
    bad.push(b"{\"email\":\"b@example.com\"".to_vec());
    bad.push(b"{\"email\":\"b@example.com".to_vec());
    bad.push(b"{\"email\":\"b@example.com\"}}".to_vec());
    bad.push(b"{\"email\":\"b@example.com\"} x {\"email\":\"c@example.com\"}".to_vec());
    bad.push(b"{\"email\":\"b@example.com\"},".to_vec());
    bad.push(b"[".to_vec());
    bad.push(b"garbage \\ \" [".to_vec());
    let mut input = b"{\"email\":\"first@example.com\"}\n".to_vec();
    let mut expected = vec!["first@example.com".to_owned()];
    for (i, line) in bad.iter().enumerate() {
        input.extend_from_slice(line);
        input.extend_from_slice(format!("\n{{\"email\":\"good{i}@example.com\"}}\n").as_bytes());
        expected.push(format!("good{i}@example.com"));
    }
    let dir = Dir::new();
    clean(&dir, &input, &["--format", "ndjson"]).exits(1);
    assert_eq!(emails(&dir.lines("out")), expected);
    let rejects = fs::read(dir.path("rejects")).unwrap();
    let lines: Vec<&[u8]> = rejects.strip_suffix(b"\n").unwrap().split(|b| *b == b'\n').collect();
    assert_eq!(lines, bad);
    let codes = dir.codes("report");
    assert_eq!(codes.len(), bad.len());
    assert!(codes.iter().all(|code| code == "SYN001"), "{codes:?}");
    for ((says, marked), line) in BROKEN.iter().zip(dir.lines("report")) {
        let message = line["message"].as_str().unwrap();
        assert!(message.contains(says), "{says}: {message}");
        assert!(message.ends_with(&format!("at byte {} of the line", unmarked(marked).1)), "{message}");
    }
    let receipt = dir.json("receipt");
    assert_eq!(receipt["contacts"]["seen"], 2 * bad.len() + 1);
    assert_eq!(receipt["contacts"]["rejected"], bad.len());
    assert_eq!(receipt["stopped"], Value::Null);
}

#[test]
fn lines_may_end_as_they_like() {
    let dir = Dir::new();
    let lines = ["{\"email\":\"a@example.com\"}", "{\"email\":\"b@example.com\"}", "{\"email\":\"c@example.com\"}"];
    let cleaned = format!("{}\n", lines.join("\n"));
    for input in [
        lines.join("\n"),
        lines.join("\r\n"),
        format!("{}\r\n", lines.join("\r\n")),
        format!("\n\n  \n{}\n\t\n\r\n", lines.join("\n\n \r\n")),
    ] {
        clean(&dir, &input, &["--format", "ndjson"]).exits(0);
        assert_eq!(dir.read("out"), cleaned, "{input:?}");
        assert_eq!(dir.json("receipt")["contacts"]["seen"], 3, "{input:?}");
        assert_eq!(dir.json("receipt")["bytes_read"], input.len(), "{input:?}");
    }
}

#[test]
fn white_space_may_go_on_for_long() {
    let dir = Dir::new();
    let space = " \n\t\r".repeat(10_000_000 / 4);
    let input = format!("[{{\"email\":\"a@example.com\"}},{space}{{\"email\":\"b@example.com\"}}{space}]{space}");
    for options in [&["--format", "ndjson"][..], &["--max-bytes", "1GB"]] {
        clean(&dir, &input, &[&["--list-id", LIST][..], options].concat()).exits(0);
        assert_eq!(dir.read("out").matches("@example.com").count(), 2);
        assert_eq!(dir.json("receipt")["bytes_read"], input.len());
    }
    let input = format!(
        "{space}{{\"email\":\"a@example.com\"}}{}\n{{\"email\":\"b@example.com\"}}{space}",
        " ".repeat(900_000)
    );
    clean(&dir, &input, &["--format", "ndjson"]).exits(0);
    assert_eq!(emails(&dir.lines("out")), ["a@example.com", "b@example.com"]);
}

/// A contact of which a value is nested until the contact is so deep.
fn nested(depth: usize) -> String {
    let arrays = depth - 1;
    format!("{{\"email\":\"deep@example.com\",\"city\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays))
}

#[test]
fn nesting_is_bounded() {
    let json = |depth| format!("[{{\"email\":\"a@example.com\"}},{},{{\"email\":\"z@example.com\"}}]", nested(depth));
    let lines = |depth| json(depth)[1..].replace("},", "}\n").trim_end_matches(']').to_owned();
    for (input, options) in [(json(64), ["--list-id", LIST]), (lines(64), ["--format", "ndjson"])] {
        let dir = Dir::new();
        clean(&dir, input, &options).exits(1);
        assert_eq!(dir.codes("report"), ["VAL001"]);
        assert_eq!(dir.read("out").matches("@example.com").count(), 3);
    }
    for depth in [65, 100_000] {
        let dir = Dir::new();
        let ran = clean(&dir, json(depth), &["--list-id", LIST]);
        let at = json(depth).find("[[").unwrap() + 63;
        stopped(&dir, &ran, "nested deeper than 64", at, 1, at as u64 + 1, 1);
        let dir = Dir::new();
        clean(&dir, lines(depth), &["--format", "ndjson"]).exits(1);
        assert_eq!(dir.codes("report"), ["SYN003"]);
        assert_eq!(emails(&dir.lines("out")), ["a@example.com", "z@example.com"]);
        assert_eq!(dir.read("rejects"), format!("{}\n", nested(depth)));
    }
}

#[test]
fn a_contact_of_more_than_one_mebibyte_is_rejected() {
    let large = format!("{{\"email\":\"large@example.com\",\"city\":\"{}\"}}", "x".repeat(2 << 20));
    let good = ["{\"email\":\"a@example.com\"}", "{\"email\":\"z@example.com\"}"];
    for (input, options) in [
        (format!("[{},{large},{}]", good[0], good[1]), ["--list-id", LIST]),
        (format!("{}\n{large}\n{}", good[0], good[1]), ["--format", "ndjson"]),
    ] {
        let dir = Dir::new();
        clean(&dir, &input, &options).exits(1).says(&["SYN002"]);
        assert_eq!(dir.codes("report"), ["SYN002"]);
        assert_eq!(dir.read("out").matches("@example.com").count(), 2);
        assert!(dir.read("rejects") == format!("{large}\n"));
        // The report's value is cut, and says how long it was.
        let line = &dir.lines("report")[0];
        assert_eq!(line["value"].as_str().unwrap().chars().count(), 1000);
        assert_eq!(line["value_chars"], large.len());
    }
}

#[test]
fn a_contact_that_never_ends_ends_the_run_of_an_array() {
    let endless = format!("{{\"email\":\"{}", "x".repeat(20_000_000));
    let array = format!("[{{\"email\":\"a@example.com\"}},{endless}");
    for options in [&["--format", "ndjson"][..], &["--list-id", LIST, "--max-bytes", "1GB"]] {
        let dir = Dir::new();
        let says = ["a contact of more than 16777216 bytes", "byte 27, line 1, contact 1"];
        clean(&dir, &array, options).exits(2).says(&says);
        assert_eq!(dir.read("out").matches("@example.com").count(), 1);
        let receipt = dir.json("receipt");
        assert_eq!(receipt["stopped"]["contact"], 1);
        assert_eq!(receipt["bytes_not_read"], array.len() - receipt["bytes_read"].as_u64().unwrap() as usize);
    }
}

/// A line of any length is one rejected contact, with all of its bytes, from file and pipe, at any number of threads.
#[test]
fn a_line_that_is_too_long_to_be_held_is_one_reject() {
    let good = |name: &str| format!("{{\"email\":\"{name}@example.com\"}}");
    let closed = format!("{{\"email\":\"x@example.com\",\"city\":\"{}\"}}", "\u{e9}".repeat(17_000_000 / 2));
    let open = format!("{{\"email\":\"{}", "x".repeat(18_000_000));
    let rubbish = "rubbish ".repeat(2_200_000).trim_end().to_owned();
    let input = [&good("a"), &closed, &good("b"), &open, &rubbish, "", &good("c"), &open].join("\n");
    let dir = Dir::new();
    for threads in ["1", "3"] {
        let options = ["--format", "ndjson", "--threads", threads];
        clean(&dir, &input, &options).exits(1).says(&["SYN002"]);
        let names: Vec<String> = ["a", "b", "c"].map(|name| format!("{name}@example.com")).into();
        assert_eq!(emails(&dir.lines("out")), names);
        assert!(dir.read("rejects") == [&*closed, &open, &rubbish, &open, ""].join("\n"));
        let report = dir.lines("report");
        let at = |line: &Value| (line["contact"].as_u64().unwrap(), line["line"].as_u64().unwrap());
        assert_eq!(report.iter().map(at).collect::<Vec<_>>(), [(1, 2), (3, 4), (4, 5), (6, 8)]);
        for (line, text) in report.iter().zip([&closed, &open, &rubbish, &open]) {
            assert_eq!((&line["code"], &line["outcome"]), (&"SYN002".into(), &"rejected".into()));
            assert!(line["message"].as_str().unwrap().ends_with(&format!("it has {} bytes", text.len())), "{line}");
            assert_eq!(line["value"], text.chars().take(1000).collect::<String>());
        }
        let receipt = dir.json("receipt");
        assert_eq!((&receipt["contacts"]["seen"], &receipt["bytes_read"]), (&7.into(), &input.len().into()));
        let told = dir.read("report");
        let all = ["clean", "--report", "report", "--rejects", "rejects", "--bare-rejects", "--force"];
        let ran = dir.feed(&[&all[..], &options].concat(), input.as_bytes()).exits(1);
        assert!(ran.out == dir.read("out").as_bytes() && told == dir.read("report"));
        assert!(dir.read("rejects") == [&*closed, &open, &rubbish, &open, ""].join("\n"));
    }
    // Without rejects, and in a body.
    dir.run(&["clean", "in", "--format", "ndjson"]).exits(1);
    clean(&dir, format!("{}\n{open}", good("a")), &["--list-id", LIST, "--max-bytes", "17MB"]).exits(1);
    assert_eq!(dir.json("receipt")["contacts"]["rejected"], 1);
    assert_eq!(emails(contacts(&dir.json("out"))), ["a@example.com"]);
}

/// Several JSON values on a line, several arrays in a file, and objects that are spread over lines are that many contacts.
#[test]
fn joined_documents() {
    let a = r#"{"email":"a@example.com"}"#;
    let b = r#"{"email":"b@example.com"}"#;
    let pretty = |name: &str| format!("{{\n  \"email\": \"{name}@example.com\"\n}}");
    let spread = |separator: &str| [pretty("a"), pretty("b")].join(separator);
    for input in [
        format!("{a}{b}"),
        format!("{a}  {b}\n"),
        format!("{a}\t{b}"),
        format!("{a}\r{b}\r"),
        format!("[{a}]\n[{b}]\n"),
        format!("[{a}][] [\n{b}]"),
        format!("\u{feff}[{a}]\u{feff}\n[{b}]"),
        format!("{a}\n\u{feff}{b}\n"),
        format!("{a}\u{feff}{b}"),
        spread("\n"),
        spread(""),
        format!("\u{feff}{}\n", spread("\n\u{feff}")),
    ] {
        for options in [&["--format", "ndjson"][..], &["--list-id", LIST]] {
            let dir = Dir::new();
            clean(&dir, &input, options).exits(0);
            let out = if options.len() == 2 && options[0] == "--format" {
                dir.lines("out")
            } else {
                contacts(&dir.json("out")).to_vec()
            };
            assert_eq!(emails(&out), ["a@example.com", "b@example.com"], "{input:?}");
            assert_eq!(dir.json("receipt")["bytes_read"], input.len(), "{input:?}");
            let marks = usize::from(input.chars().skip(1).any(|c| c == '\u{feff}'));
            assert_eq!(dir.codes("report"), vec!["SYN004"; marks], "{input:?}");
            let pipe = dir.feed(&[&["clean"], options].concat(), input.as_bytes()).exits(0);
            assert!(pipe.out == dir.read("out").as_bytes(), "{input:?}");
        }
    }
}

/// A broken object among some that are spread over lines is one reject on one line; the next one is read again.
#[test]
fn a_broken_object_that_is_spread_over_lines_is_one_reject() {
    let dir = Dir::new();
    let input = concat!(
        "{\n  \"email\": \"a@example.com\"\n}\n",
        "{\n  \"email\": \"b@example.com\",\n",
        "{\n  \"email\": \"c@example.com\"\n}\n",
        "{\n  \"email\": \"d@exa\nmple.com\"\n}\n",
        "{\n  \"email\": NaN\n}\n",
        "{\n  \"email\": \"e@example.com\"\n}\n",
        "{\n  \"email\": \"f@exam",
    );
    clean(&dir, input, &["--format", "ndjson"]).exits(1);
    assert_eq!(emails(&dir.lines("out")), ["a@example.com", "c@example.com", "e@example.com"]);
    let rejects = [
        "{   \"email\": \"b@example.com\",",
        "{   \"email\": \"d@exa mple.com\" }",
        "{   \"email\": NaN }",
        "{   \"email\": \"f@exam",
    ];
    assert_eq!(dir.read("rejects").lines().collect::<Vec<_>>(), rejects);
    let report = dir.lines("report");
    let lines: Vec<u64> = report.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [4, 9, 13, 19]);
    assert!(report[3]["message"].as_str().unwrap().contains("incomplete"));
}

#[test]
fn a_last_line_that_was_cut_off_is_told_as_that() {
    let dir = Dir::new();
    for (last, is_cut) in [
        ("{\"email\": \"b@example.com\"", true),
        ("{\"email\": \"b@exam", true),
        ("{\"email\": \"b@example.com\"\n", false),
        ("{\"email\": NaN", false),
    ] {
        clean(&dir, format!("{{\"email\":\"a@example.com\"}}\n{last}"), &["--format", "ndjson"]).exits(1);
        let message = dir.lines("report")[0]["message"].as_str().unwrap().to_owned();
        assert_eq!(message.contains("the last line is incomplete"), is_cut, "{last}: {message}");
        assert_eq!(dir.read("rejects").trim_end(), last.trim_end());
    }
    // In the middle of a character.
    let input = b"{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\",\"city\":\"Z\xc3";
    clean(&dir, input, &["--format", "ndjson"]).exits(1);
    assert!(dir.lines("report")[0]["message"].as_str().unwrap().contains("the last line is incomplete"));
}

#[test]
fn a_comma_behind_each_line_is_named() {
    let dir = Dir::new();
    let input = "{\"email\":\"a@example.com\"},\n{\"email\":\"b@example.com\"} , \n{\"email\":\"c@example.com\"}\n";
    clean(&dir, input, &["--format", "ndjson"]).exits(1);
    assert_eq!(emails(&dir.lines("out")), ["c@example.com"]);
    for line in dir.lines("report") {
        assert!(line["message"].as_str().unwrap().contains("a comma behind the contact"), "{line}");
    }
}

/// A body that is broken before its lists are known: no body is written, and all else that can be told is.
#[test]
fn a_body_that_is_broken_before_its_lists_is_told() {
    let good = "{\"email\":\"a@example.com\",\"zip\":\"1\"},{\"email\":\"bad\"}";
    let cut = format!("{{\"import_data\":[{good}");
    let cut_behind = format!("{cut}],\"list_ids\":[\"{LIST}\",");
    let no_colon = format!("{cut}],\"list_ids\" ");
    let no_comma = format!("{cut} ");
    for (input, offset) in [
        (cut.clone(), cut.len()),
        (cut_behind.clone(), cut_behind.len()),
        (format!("{no_colon}\"{LIST}\"}}"), no_colon.len()),
        (format!("{no_comma}x],\"list_ids\":[\"{LIST}\"]}}"), no_comma.len()),
    ] {
        for options in [&[][..], &["--threads", "3"]] {
            let dir = Dir::new();
            let ran =
                clean(&dir, &input, options).exits(2).says(&["at byte", "2 contacts seen", "no body was written"]);
            assert!(ran.out.is_empty());
            assert_eq!(dir.names(), ["changes", "in", "receipt", "rejects", "report"]);
            assert_eq!(dir.read("rejects"), "{\"email\":\"bad\"}\n");
            assert!(!dir.codes("report").is_empty());
            let receipt = dir.json("receipt");
            assert_eq!(receipt["stopped"]["offset"], offset, "{input}: {receipt:#}");
            let contacts = &receipt["contacts"];
            let counts = ["seen", "accepted", "rejected", "not_written"].map(|name| contacts[name].as_u64().unwrap());
            assert_eq!(counts, [2, 1, 1, 1]);
            assert_eq!(receipt["payloads"], Value::Array(Vec::new()));
            assert_eq!(receipt["bytes_read"], offset);
        }
        let dir = Dir::new();
        dir.write("in", &input);
        dir.run(&["clean", "in", "--split", "-o", "bodies", "--rejects", "rejects"]).exits(2);
        assert_eq!(names(&dir.path("bodies")), ["receipt.json"]);
        assert_eq!(dir.json("bodies/receipt.json")["contacts"]["rejected"], 1);
        dir.run(&["check", "in", "--receipt", "receipt"]).exits(2);
        assert_eq!(dir.json("receipt")["contacts"]["seen"], 2);
    }
}

/// None of these takes more than in proportion to its size: each was quadratic once.
#[test]
fn long_envelopes_and_long_white_space_are_read_once() {
    let dir = Dir::new();
    let began = Instant::now();
    let space = " \n\t\r".repeat(8 << 20);
    let contact = "{\"email\":\"a@example.com\"}";
    let list = format!("\"list_ids\"{space}:[{space}\"{LIST}\"]");
    for input in [
        format!("{contact}{}", "\n".repeat(32 << 20)),
        format!("{space}{{{list}{space},\"import_data\":[{contact}]{space}}}{space}"),
        format!("{{\"import_data\":[{contact}]{space},{space}{list}{space}}}{space}"),
    ] {
        for way in ["file", "pipe"] {
            let options = ["--max-bytes", "1GB", "--list-id", LIST, "--sms-permission", "not_set"];
            let ran = match way {
                "file" => clean(&dir, &input, &options),
                _ => dir.feed(&[&["clean", "-o", "out", "--force"], &options[..]].concat(), input.as_bytes()),
            };
            ran.exits(0);
            assert_eq!(dir.read("out"), body(contact));
        }
    }
    let members = |n: usize| (0..n).map(|i| format!("\"x{i}\":{i},")).collect::<String>();
    for (members, code) in [(members(1_000), 1), (members(1_001), 2), (members(600_000), 2)] {
        let front = format!("{{{members}\"list_ids\":[\"{LIST}\"],\"import_data\":[{contact}]}}");
        let back = format!("{{\"import_data\":[{contact}],{members}\"list_ids\":[\"{LIST}\"]}}");
        for input in [front, back] {
            let ran = clean(&dir, &input, &["--max-bytes", "1GB"]).exits(code);
            assert!(code == 1 || ran.err.contains("more than 1000 members"), "{}", ran.err);
        }
    }
    let ids: String = (0..300_000).map(|i| format!("\"{i:08}-a579-43c5-bb1a-58ed29bf0a6a\",")).collect();
    let input = format!("{{\"list_ids\":[{ids}\"{LIST}\"],\"import_data\":[{contact}]}}");
    clean(&dir, &input, &["--max-bytes", "1GB"]).exits(2).says(&["ENV003", "51 or more"]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn a_fault_behind_line_breaks_has_its_place() {
    for (input, offset) in [("[{\"email\":\n\nx", 12), ("[{\"email\":\"a@example.com\"}\n,\n{\"a\":\n\n\nx", 37)] {
        let dir = Dir::new();
        clean(&dir, input, &["--list-id", LIST]).exits(2);
        assert_eq!(dir.json("receipt")["stopped"]["offset"], offset, "{input:?}");
    }
}

/// Lines that come slowly go out as they come, and so does what is told of them.
#[test]
fn slow_lines_go_out_as_they_come() {
    for threads in ["1", "2"] {
        let dir = Dir::new();
        let mut child = dir.spawn(presort().args(["clean", "--format", "ndjson", "--threads", threads]));
        let mut stdin = child.stdin.take().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut waited = Duration::ZERO;
        for i in 0..5 {
            write!(stdin, "{{\"email\":\"c{i}@example.com\"}}\n{{\"ema").unwrap();
            stdin.flush().unwrap();
            let began = Instant::now();
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            waited += began.elapsed();
            assert_eq!(line, format!("{{\"email\":\"c{i}@example.com\"}}\n"));
            writeln!(stdin, "il\":\"d{i}@example.com\"}}").unwrap();
            line.clear();
            out.read_line(&mut line).unwrap();
            assert_eq!(line, format!("{{\"email\":\"d{i}@example.com\"}}\n"));
        }
        drop(stdin);
        wait(child).exits(0);
        // Some 80 ms each; machines that do much else take longer.
        assert!(waited < Duration::from_secs(5), "{waited:?}");
    }
}

#[test]
fn many_members_and_members_given_twice() {
    let dir = Dir::new();
    let fields: Vec<String> = (0..10_000).map(|i| format!("\"cf:f{i}\":\"{i}\"")).collect();
    let large = format!("{{\"email\":\"a@example.com\",{}}}\n", fields.join(","));
    clean(&dir, &large, &["--format", "ndjson"]).exits(1);
    let codes = dir.codes("report");
    assert_eq!((codes.len(), codes.iter().all(|code| code == "CUS002")), (9_975, true));
    assert_eq!(dir.lines("out")[0].as_object().unwrap().len(), 26);

    let mut twice: Vec<String> = ["\"email\":\"a@example.com\"", "\"zip\":null", "\"cf:a\":\"1\"", "\"hobby\":1"]
        .iter()
        .map(|member| format!("{{\"email\":\"a@example.com\",{member},\"city\":\"x\",{member}}}"))
        .collect();
    // The same name in another spelling.
    twice.push(r#"{"email":"a@example.com","\u0065mail":"b@example.com"}"#.into());
    twice.push(r#"{"email":"a@example.com","home country":"US","home_country":"US"}"#.into());
    let last = fields[9_999].clone();
    twice.push(format!("{{\"email\":\"a@example.com\",{},{last}}}", fields.join(",")));
    clean(&dir, twice.join("\n"), &["--format", "ndjson"]).exits(1);
    assert_eq!(dir.read("out"), "");
    assert_eq!(dir.read("rejects").lines().collect::<Vec<_>>(), twice);
    let told = dir.lines("report");
    for contact in 0..twice.len() {
        assert!(told.iter().any(|line| line["contact"] == contact && line["code"] == "CON003"), "{contact}");
    }
}

#[test]
fn numbers_are_taken_by_their_own_digits() {
    let dir = Dir::new();
    let numbers = ["-0", "1.50", "123456789012345678901234567890", "-123456789012345678901234567890", "0"];
    let more = ["18446744073709551616", "9007199254740993", "0.1000", "9.51E1"];
    for number in numbers.iter().chain(&more) {
        for input in [
            format!("[{{\"email\":\"a@example.com\",\"zip\":{number},\"cf:n\":{number}}}]"),
            format!("{{\"email\":\"a@example.com\",\"zip\":{number},\"cf:n\":{number}}}\n"),
        ] {
            clean(&dir, input, &["--format", "ndjson"]).exits(0);
            let out = &dir.lines("out")[0];
            assert_eq!((&out["zip"], &out["cf:n"]), (&(*number).into(), &(*number).into()));
            // Line by line, as not every reader takes a number that no float holds.
            let changes = dir.read("changes");
            assert_eq!((changes.lines().count(), changes.matches("\"VAL002\"").count()), (2, 2), "{changes}");
            assert_eq!(changes.matches(&format!("\"to\":\"{number}\"")).count(), 2, "{changes}");
        }
    }
    // What lost digits is no zip, and what no float holds is nothing.
    for (number, kept) in [("1E+5", true), ("1e999", false)] {
        let input = format!("{{\"email\":\"a@example.com\",\"zip\":{number},\"cf:n\":{number}}}\n");
        clean(&dir, input, &["--format", "ndjson"]).exits(1);
        let out = &dir.lines("out")[0];
        assert_eq!((out.get("zip"), out.get("cf:n")), (None, kept.then(|| number.into()).as_ref()));
    }
}

#[test]
fn inputs_that_cannot_be_read() {
    let dir = Dir::new();
    fs::create_dir(dir.path("folder")).unwrap();
    dir.run(&["clean", "folder"]).exits(2).says(&["folder is an empty directory"]);
    dir.run(&["clean", "none.json"]).exits(2).says(&["cannot open none.json", "No such file"]);
    dir.run(&["check", "none.json"]).exits(2).says(&["cannot open none.json"]);
    dir.run(&["clean", "--format", "ndjson", "folder/none", "-o", "out"]).exits(2).says(&["cannot open"]);
    assert_eq!(dir.names(), ["folder"]);
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        use std::os::unix::fs::PermissionsExt;
        let path = dir.write("secret.json", "[]");
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        dir.run(&["clean", "secret.json"]).exits(2).says(&["cannot open secret.json", "denied"]);
    }
}

/// A body with one good contact, one that changes, and one that is rejected.
fn mixed() -> String {
    body(r#"{"email":"a@example.com"},{"email":" b@example.com "},{"email":"c"}"#)
}

#[test]
fn outputs_that_cannot_be_written() {
    for option in ["-o", "--report", "--changes", "--rejects", "--receipt"] {
        let dir = Dir::new();
        fs::create_dir(dir.path("folder")).unwrap();
        dir.write("in", mixed());
        for (place, says) in [("none/out", "cannot create none/out"), ("folder", "cannot create folder")] {
            for force in [&[][..], &["--force"]] {
                let mut args = vec!["clean", "in", option, place];
                args.extend(force);
                dir.run(&args).exits(2).says(&[says]);
                assert_eq!(dir.names(), ["folder", "in"], "{option} {place}");
            }
        }
        if cfg!(target_os = "linux") {
            let ran = dir.run(&["clean", "in", option, "/dev/full"]);
            assert_eq!(ran.code(), 2, "{option}: {}", ran.err);
            assert!(ran.err.contains("cannot write /dev/full"), "{option}: {}", ran.err);
            assert_eq!(dir.names(), ["folder", "in"], "{option}");
        }
    }
}

#[test]
fn standard_output_that_is_full_is_an_error() {
    if cfg!(target_os = "linux") {
        let dir = Dir::new();
        dir.write("in", mixed());
        for args in [&["clean", "in"][..], &["--help"], &["clean", "--help"], &["--version"], &["explain"]] {
            let full = fs::File::options().write(true).open("/dev/full").unwrap();
            let child = presort()
                .args(args)
                .current_dir(dir.root())
                .stdout(Stdio::from(full))
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            wait(child).exits(2).says(&["cannot write standard output", "No space left"]);
        }
    }
}

#[test]
fn what_is_there_is_left_alone_without_force() {
    for option in ["-o", "--report", "--changes", "--rejects", "--receipt"] {
        let dir = Dir::new();
        dir.write("in", mixed());
        dir.write("old", "old");
        let ran = dir.run(&["clean", "in", option, "old"]).exits(2).says(&["old is there already", "--force"]);
        assert!(ran.out.is_empty());
        assert_eq!((dir.read("old"), dir.names()), ("old".into(), vec!["in".into(), "old".into()]), "{option}");
        dir.run(&["clean", "in", option, "old", "--force"]).exits(1);
        assert!(dir.read("old").len() > 3, "{option}");
        assert_eq!(dir.names(), ["in", "old"], "{option}");
    }
    // The input itself.
    let dir = Dir::new();
    dir.write("in", mixed());
    dir.run(&["clean", "in", "-o", "in"]).exits(2).says(&["in is there already"]);
    assert_eq!(dir.read("in"), mixed());
    dir.run(&["clean", "in", "-o", "in", "--force"]).exits(1);
    assert_eq!(emails(contacts(&dir.json("in"))), ["a@example.com", "b@example.com"]);
}

#[test]
fn a_directory_with_bodies_of_another_run() {
    let dir = Dir::new();
    dir.write("in", mixed());
    fs::create_dir(dir.path("bodies")).unwrap();
    dir.write("bodies/payload-00007.json", "old");
    dir.write("bodies/notes.txt", "mine");
    dir.run(&["clean", "in", "--split", "-o", "bodies"]).exits(2).says(&["bodies holds 1 body", "--replace"]);
    assert_eq!(names(&dir.path("bodies")), ["notes.txt", "payload-00007.json"]);
    dir.run(&["clean", "in", "--split", "-o", "bodies", "--replace"]).exits(1);
    assert_eq!(names(&dir.path("bodies")), ["notes.txt", "payload-00001.json", "receipt.json"]);
    // A file in the directory's place.
    dir.run(&["clean", "in", "--split", "-o", "in", "--force"]).exits(2).says(&["in"]);
    assert_eq!(dir.read("in"), mixed());
}

#[test]
fn two_outputs_to_one_file() {
    let dir = Dir::new();
    dir.write("in", mixed());
    for args in [
        &["-o", "out", "--report", "out"][..],
        &["-o", "out", "--rejects", "x", "--receipt", "x"],
        &["--report", "-"],
        &["-o", "out", "--report", "-", "--changes", "-"],
    ] {
        let ran = dir.run(&[&["clean", "in", "--force"][..], args].concat()).exits(2).says(&["two outputs go to"]);
        assert!(ran.out.is_empty());
        assert_eq!(dir.names(), ["in"], "{args:?}");
    }
}

#[test]
fn two_outputs_to_one_file_in_two_spellings() {
    let dir = Dir::new();
    dir.write("in", mixed());
    fs::create_dir(dir.path("folder")).unwrap();
    let absolute = dir.path("out").display().to_string();
    for other in ["./out", "folder/../out", &absolute] {
        dir.run(&["clean", "in", "--force", "-o", "out", "--report", other]).exits(2).says(&["two outputs go to"]);
        assert_eq!(dir.names(), ["folder", "in"], "{other}");
    }
}

#[test]
fn an_output_in_the_place_of_a_body() {
    for name in ["bodies/payload-00001.json", "bodies/receipt.json"] {
        let dir = Dir::new();
        dir.write("in", mixed());
        fs::create_dir(dir.path("bodies")).unwrap();
        let ran = dir.run(&["clean", "in", "--split", "-o", "bodies", "--force", "--report", name]);
        ran.exits(2).says(&["the path of a body"]);
    }
}

#[test]
fn a_bad_first_line_is_rejected_like_any_other() {
    let dir = Dir::new();
    for bad in ["null", "7", "\"x\"", "[]", "[1]", "garbage", "a, b", "'x'"] {
        clean(&dir, format!("{bad}\n{{\"email\":\"a@example.com\"}}\n"), &["--format", "ndjson"]).exits(1);
        assert_eq!(dir.read("rejects"), format!("{bad}\n"));
        assert_eq!(emails(&dir.lines("out")), ["a@example.com"]);
    }
}

#[test]
fn a_truncated_body_keeps_what_was_whole() {
    let whole = format!(r#"{{"list_ids":["{LIST}"],"import_data":[{{"email":"a@example.com"}},{{"email":"b@exam"#);
    let dir = Dir::new();
    let ran = clean(&dir, &whole, &[]);
    stopped(&dir, &ran, "ends in the middle", whole.len(), 1, whole.len() as u64 + 1, 1);
}

#[test]
fn standard_input_is_read_once() {
    let dir = Dir::new();
    for verb in [&["clean", "--format", "ndjson"][..], &["check"]] {
        let args = [verb, &["-", "-"]].concat();
        dir.feed(&args, b"{\"email\":\"a@example.com\"}\n").exits(2).says(&["standard input can be read only once"]);
    }
}

#[test]
fn a_reader_that_has_enough_ends_the_run_quietly() {
    let dir = Dir::new();
    dir.write("in", many(40_000));
    let began = Instant::now();
    let mut child = dir.spawn(presort().args(["clean", "in", "--format", "ndjson"]));
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"email\":\"person0000000@example.com\""));
    drop(out);
    let ran = wait(child);
    assert!(matches!((ran.status.code(), ran.status.signal()), (Some(0), _) | (_, Some(libc::SIGPIPE))), "{ran:?}");
    assert_eq!(ran.err, "");
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(dir.names(), ["in"]);
}

#[test]
fn a_signal_leaves_no_half_written_file() {
    let lines = many(6_000);
    let array = format!("[{}", lines.trim_end().replace('\n', ","));
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        for (input, options) in [
            (&lines, &["--format", "ndjson", "-o", "out"][..]),
            (&array, &["--list-id", LIST, "-o", "out"]),
            (&array, &["--list-id", LIST, "--split", "-o", "bodies"]),
        ] {
            let dir = Dir::new();
            let mut command = presort();
            command.args(["clean", "--report", "report", "--rejects", "rejects", "--receipt", "receipt"]).args(options);
            let mut child = dir.spawn(&mut command);
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(input.as_bytes()).unwrap();
            // It is in the middle of its work when its files are there.
            let began = Instant::now();
            let unfinished = |dir: &Dir| {
                let bodies = dir.path("bodies");
                let inside = if bodies.is_dir() { names(&bodies).len() } else { 0 };
                dir.names().iter().filter(|name| name.starts_with('.')).count() + inside
            };
            while unfinished(&dir) < 4 {
                assert!(began.elapsed() < Duration::from_secs(60), "it did not begin");
                std::thread::sleep(Duration::from_millis(5));
            }
            kill(child.id(), signal);
            let ran = wait(child);
            assert_eq!(ran.status.signal(), Some(signal), "{ran:?}");
            drop(stdin);
            let left = dir.names();
            assert!(left.is_empty() || left == ["bodies"], "{left:?}");
            if left == ["bodies"] {
                assert_eq!(names(&dir.path("bodies")), Vec::<String>::new());
            }
        }
    }
}

#[test]
fn a_file_that_gets_shorter_while_it_is_read() {
    let lines = many(64_000_000 / 180);
    for size in [1_000_000, 0] {
        let dir = Dir::new();
        let path = dir.write("in", &lines);
        let mut command = presort();
        command.args(["clean", "--format", "ndjson", "in", "--threads", "2", "--receipt", "receipt"]);
        let mut child = dir.spawn(&mut command);
        let mut out = child.stdout.take().unwrap();
        // It has begun to write, and must wait for somebody to read.
        let mut first = [0];
        out.read_exact(&mut first).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        fs::File::options().write(true).open(path).unwrap().set_len(size).unwrap();
        let draining = std::thread::spawn(move || {
            let mut rest = Vec::new();
            out.read_to_end(&mut rest).unwrap();
            rest
        });
        let ran = wait(child).exits(2).says(&["shorter"]);
        assert!(!ran.err.contains(": 0 bytes at first"), "{}", ran.err);
        let rest = draining.join().unwrap();
        let whole = [&first[..], &rest].concat();
        // What was written is whole lines of what was there.
        assert!(whole.is_empty() || whole.ends_with(b"\n"));
        assert!(lines.as_bytes().starts_with(&whole));
        assert!(dir.json("receipt")["stopped"]["message"].as_str().unwrap().contains("shorter"));
    }
}

/// A report in a directory of bodies that is not there yet must not take a body's place, however it is spelled.
#[test]
fn an_output_in_the_place_of_a_body_to_be() {
    for name in ["fresh/payload-00001.json", "./fresh/receipt.json", "fresh/../fresh/payload-00007.json"] {
        for force in [&[][..], &["--force"]] {
            let dir = Dir::new();
            dir.write("in", mixed());
            let args = ["clean", "in", "--split", "-o", "fresh", "--report", name];
            dir.run(&[&args[..], force].concat()).exits(2);
            assert!(!dir.path("fresh/payload-00001.json").exists(), "{name}");
        }
    }
}

/// How far a document is looked into before its shape is told must not depend on how it is read.
#[test]
fn a_long_first_line_is_the_same_from_file_and_pipe() {
    for first in [" ".to_owned() + &"x".repeat(1_400_000), " [1]\n".to_owned() + &" \n".repeat(700_000)] {
        let input = format!("{first}\n{{\"email\":\"a@example.com\"}}\n");
        let dir = Dir::new();
        dir.write("in", &input);
        let file = dir.run(&["clean", "--format", "ndjson", "in"]);
        let pipe = dir.feed(&["clean", "--format", "ndjson"], input.as_bytes());
        assert_eq!(file.code(), pipe.code());
        assert_eq!(file.out, pipe.out);
    }
}

/// Among several inputs, one that holds nothing is no contacts; alone it is an error.
#[test]
fn an_empty_input_among_others() {
    for nothing in ["", " \n", "\u{feff}", "\u{feff}\n"] {
        let dir = Dir::new();
        dir.write("in", "{\"email\":\"a@example.com\"}\n");
        dir.write("none", nothing);
        dir.run(&["clean", "--format", "ndjson", "none", "in", "none"]).exits(0);
        dir.run(&["clean", "--format", "ndjson", "none"]).exits(2).says(&["the input"]);
    }
}
