//! Documents as other systems write them, from outside: contacts with something around them, other encodings, lines that are no
//! contacts, and rejects that come back.

#![cfg(feature = "cli")]

mod common;

use common::{Dir, LIST, Ran};
use serde_json::Value;
use std::fs;

const STREAM: [&str; 11] =
    ["clean", "--format", "ndjson", "-o", "out", "--report", "report", "--receipt", "receipt", "--force", "--threads"];

/// Cleans bytes to lines, once as a file and once as a pipe, which must give the same.
#[track_caller]
fn stream(dir: &Dir, input: &[u8], options: &[&str]) -> Ran {
    dir.write("in", input);
    let options = [&STREAM[..], &["2"], options].concat();
    let remove = |dir: &Dir| {
        for name in ["out", "report", "receipt"] {
            let _ = fs::remove_file(dir.path(name));
        }
    };
    remove(dir);
    let file = dir.run(&[&options[..], &["in"]].concat());
    let seen = |dir: &Dir| {
        let read = |name: &str| fs::read_to_string(dir.path(name)).unwrap_or_default();
        let receipt: Value = serde_json::from_str(&read("receipt")).unwrap_or_default();
        (read("out"), read("report"), receipt["contacts"].clone(), receipt["stopped"]["offset"].clone())
    };
    let by_file = seen(dir);
    remove(dir);
    let pipe = dir.feed(&options, input);
    assert_eq!((pipe.code(), seen(dir)), (file.code(), by_file), "{}\n{}", file.err, pipe.err);
    file
}

fn export(name: &str) -> Vec<u8> {
    let path = format!("{}/testdata/exports/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read(path).unwrap()
}

fn emails(dir: &Dir) -> Vec<String> {
    dir.lines("out").iter().map(|line| line["email"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn contacts_are_found_in_what_is_around_them() {
    let dir = Dir::new();
    for (name, records, sign) in [
        ("hubspot.json", "/results", Some("paging.next")),
        ("sf.json", "/records", None),
        ("mailchimp.json", "/members", None),
        ("ccget.json", "/contacts", Some("_links.next")),
        ("airtable.json", "/records", Some("offset")),
    ] {
        let ran = stream(&dir, &export(name), &[]);
        let receipt = dir.json("receipt");
        assert_eq!(
            (&receipt["input"][0]["shape"], &receipt["input"][0]["records"]),
            (&"wrapped".into(), &records.into())
        );
        assert_eq!(receipt["contacts"]["seen"], 1, "{name}");
        assert!(ran.err.contains(&format!("the contacts are in {records}")), "{}", ran.err);
        let signs: Vec<Value> = dir.lines("report").into_iter().filter(|line| line["code"] == "ENV014").collect();
        assert_eq!(signs.first().map(|line| line["field"].as_str().unwrap()), sign, "{name}");
        assert_eq!(receipt["findings"]["ENV014"].as_u64().is_some(), sign.is_some());
        assert!(sign.is_some() || !ran.err.contains("ENV014"));
        // Named, they are read without a look ahead.
        stream(&dir, &export(name), &["--records", records]);
        assert_eq!(dir.json("receipt")["contacts"]["seen"], 1);
    }
}

#[test]
fn an_array_is_taken_at_any_depth() {
    let dir = Dir::new();
    let contact = r#"{"email":"a@example.com"}"#;
    for (input, pointer) in [
        (format!(r#"{{"data":{{"items":[{contact}],"x":[{{}}]}},"y":[{{}}]}}"#), "/data/items"),
        (format!(r#"{{"a/b":{{"m~n":[{contact}]}}}}"#), "/a~1b/m~0n"),
        (format!(r#"[7,{{"k":[[],[{contact}]]}},{{"k":[]}}]"#), "/1/k/1"),
        (format!("{{\"\":[\n{contact}\n]\n}}\n"), "/"),
        (format!(r#"{{"\u0064ata":[{contact}]}}"#), "/data"),
        (format!("[{contact}]"), ""),
        (format!(r#"{{"list_ids":["{LIST}"],"import_data":[{contact}]}}"#), "/import_data"),
    ] {
        stream(&dir, input.as_bytes(), &["--records", pointer]).exits(0);
        assert_eq!(emails(&dir), ["a@example.com"], "{input}");
    }
    // Pages that were joined each have their contacts at the same place; only the last may say that there is more.
    let page = |n: u32, next: &str| {
        format!("{{\"total\":3,\"results\":[{{\"email\":\"p{n}@example.com\"}}],\"next\":{next}}}\n")
    };
    let pages = page(1, "\"/2\"") + "\u{feff}" + &page(2, "\"/3\"") + &page(3, "null");
    stream(&dir, pages.as_bytes(), &["--records", "/results"]).exits(0);
    assert_eq!(emails(&dir), ["p1@example.com", "p2@example.com", "p3@example.com"]);
    assert!(dir.lines("report").is_empty());
    let lost = page(1, "null") + "{\"error\":\"rate limit\"}\n";
    stream(&dir, lost.as_bytes(), &["--records", "/results"])
        .exits(2)
        .says(&["--records /results leads nowhere", "error (a string)"]);
    assert_eq!(emails(&dir), ["p1@example.com"]);
}

#[test]
fn pointers_that_lead_to_no_contacts_are_refused() {
    let dir = Dir::new();
    let input = br#"{"meta":{"count":2,"by":"x"},"name":"x","results":[{"email":"a@example.com"}]}"#;
    for (pointer, says) in [
        (
            "/nope",
            &["leads nowhere", "the document has the members meta (an object), name (a string), results (an array)"][..],
        ),
        ("/meta", &["leads to no array", "/meta has the members count (a number), by (a string)"]),
        ("/meta/items", &["leads nowhere", "/meta has the members count"]),
        ("/name", &["leads to no array", "/name is a string"]),
        ("/name/x", &["leads nowhere", "/name is a string"]),
        ("/results/0", &["leads to no array", "/results/0 has the members email"]),
        ("/results/x", &["/results is an array"]),
        ("", &["names the whole document"]),
        ("results", &["begins with a slash"]),
        ("/a~2", &["behind a tilde"]),
    ] {
        stream(&dir, input, &["--records", pointer]).exits(2).says(says);
        assert!(!dir.path("out").exists());
    }
    let long = "x".repeat(200_000);
    let huge = format!(r#"{{"{long}":1,"{long}y":[{{"email":"a@example.com"}}]}}"#);
    let ran = stream(&dir, huge.as_bytes(), &["--records", "/nope"]).exits(2);
    assert!(ran.err.len() < 2_000, "{}", ran.err.len());
    // One that long is found.
    let long = "x".repeat(3_000);
    let huge = format!(r#"{{"{long}":1,"{long}y":[{{"email":"a@example.com"}}]}}"#);
    stream(&dir, huge.as_bytes(), &["--records", &format!("/{long}y")]).exits(0);
    // Twice is once too often.
    let twice = br#"{"r":[{"email":"a@example.com"}],"r":[{"email":"b@example.com"}]}"#;
    stream(&dir, twice, &["--records", "/r"]).exits(2).says(&["/r is there twice"]);
    stream(&dir, twice, &[]).exits(2).says(&["several arrays", "/r (1 object), /r (1 object)"]);
}

#[test]
fn without_a_pointer_nothing_is_guessed() {
    let dir = Dir::new();
    let contact = r#"{"email":"a@example.com"}"#;
    let several = format!(r#"{{"people":[{contact}],"companies":[{{}},{{}}],"tags":["x"],"none":[]}}"#);
    stream(&dir, several.as_bytes(), &[]).exits(2).says(&[
        "several arrays",
        "/people (1 object), /companies (2 objects)",
        "--records /people",
    ]);
    let deep = format!(r#"{{"data":{{"people":[{contact}]}},"tags":[]}}"#);
    stream(&dir, format!(r#"{{"data":{{"people":[{contact}]}},"tags":["x"]}}"#).as_bytes(), &[])
        .exits(2)
        .says(&["/data/people (1 object)", "--records /data/people"]);
    stream(&dir, deep.as_bytes(), &["--records", "/data/people"]).exits(0);
    // Neither is one of several empty arrays taken; a single one is an export without contacts.
    stream(&dir, br#"{"a":[],"b":[ ]}"#, &[]).exits(2).says(&["are empty"]);
    stream(&dir, br#"{"results":[ ],"paging":{}}"#, &[]).exits(0).says(&["0 contacts seen"]);
    stream(&dir, br#"{"results":[]}"#, &["--records", "/results"]).exits(0);
    // A contact with an array of objects is a contact, and so are several objects.
    stream(&dir, br#"{"email":"a@example.com","phones":[{"n":1}]}"#, &[]).exits(1);
    assert_eq!(dir.json("receipt")["input"][0]["shape"], "ndjson");
    stream(&dir, br#"{"first_name":"Ana","phones":[{"n":1}],"streets":[{"n":1}]}"#, &[]).exits(1);
    assert_eq!(dir.json("receipt")["input"][0]["shape"], "ndjson");
    stream(&dir, b"{\"id\":1,\"phones\":[{}]}\n{\"id\":2,\"phones\":[{}]}\n", &[]).exits(1);
    assert_eq!(dir.json("receipt")["contacts"]["rejected"], 2);
    // A body stays one.
    let body = format!(r#"{{"results":[{{"x":1}}],"list_ids":["{LIST}"],"import_data":[{contact}]}}"#);
    stream(&dir, body.as_bytes(), &[]).exits(1);
    assert_eq!((dir.codes("report"), emails(&dir)), (vec!["ENV008".into()], vec!["a@example.com".into()]));
    stream(&dir, format!(r#"{{"list_ids":["{LIST}"],"contacts":[{contact}]}}"#).as_bytes(), &[])
        .exits(2)
        .says(&["ENV009"]);
    stream(&dir, br#"{"data":{"x":1}}"#, &[]).exits(2).says(&["ENV009"]);
}

#[test]
fn what_is_broken_around_contacts_ends_the_run_there() {
    let dir = Dir::new();
    let a = r#"{"email":"a@example.com"}"#;
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    for (input, offset) in [
        (format!(r#"{{"results":[{a},{{"email":NaN}}],"x":1}}"#), 47),
        (format!(r#"{{"results":[{a}"#), 37),
        (format!(r#"{{"results":[{a}] "x":1}}"#), 39),
        (format!(r#"{{"results":[{a}],"x":nope}}"#), 44),
        (format!(r#"{{"results":[{a}],}}"#), 39),
        (format!(r#"{{"results":[{a}],"x":[1,"#), 46),
        (format!(r#"{{"results":[{a}]}} {{}}"#), 0),
        (format!(r#"{{"results":[{a}]}}]"#), 39),
        (format!(r#"{{"results":[{a}],"x":{}}}"#, deep(100_000)), 107),
        (format!(r#"{{"x":{},"results":[{a}]}}"#, deep(60)), 0),
    ] {
        for options in [&["--records", "/results"][..], &[]] {
            let ran = stream(&dir, input.as_bytes(), options);
            let shown: String = input.chars().take(90).collect();
            if offset == 0 {
                continue;
            }
            assert_eq!(ran.code(), 2, "{shown} {options:?} {}", ran.err);
            // Without a pointer, what follows the object makes it a line.
            if dir.path("receipt").exists() && dir.json("receipt")["input"][0]["shape"] == "wrapped" {
                assert_eq!(dir.json("receipt")["stopped"]["offset"], offset, "{shown} {}", ran.err);
                assert_eq!(emails(&dir), ["a@example.com"], "{shown}");
            }
        }
    }
    let before = format!(r#"{{"x":{},"results":[{a}]}}"#, deep(100_000));
    stream(&dir, before.as_bytes(), &["--records", "/results"]).exits(2).says(&["nested deeper than 64"]);
    stream(&dir, before.as_bytes(), &[]).exits(2).says(&["nested deeper than 64"]);
}

/// Members before and behind the contacts, as many and as large as they like.
#[test]
fn what_is_around_contacts_may_be_large() {
    let dir = Dir::new();
    let contacts = common::many(30_000).trim_end().replace('\n', ",");
    let members =
        |from: u32| (from..from + 100_000).map(|i| format!("\"m{i}\":{{\"a\":[{i},\"]\"]}},")).collect::<String>();
    let text = "\\\"}]".repeat(300_000);
    let input = format!(
        "{{{}\"text\":\"{text}\",\"results\":[{contacts}],\n\"long\":[\"{text}\",{{\"x\":[1,2]}}],{}\"has_more\":true}}",
        members(0),
        members(100_000)
    );
    for options in [&[][..], &["--records", "/results"]] {
        stream(&dir, input.as_bytes(), options).exits(0).says(&["30,000 accepted", "not the whole export"]);
        assert_eq!(dir.json("receipt")["bytes_read"], input.len());
    }
    // A first line of 20 MB that begins with an unknown member is a contact.
    let first = format!("{{\"note\":[{{}}],\"x\":\"{}\",\"email\":\"a@example.com\"}}\n", "x".repeat(20 << 20));
    let lines = first + "{\"email\":\"b@example.com\"}\n";
    stream(&dir, lines.as_bytes(), &[]).exits(1).says(&["SYN002"]);
    assert_eq!(emails(&dir), ["b@example.com"]);
}

/// However the bytes of a pipe are cut, the same comes out.
#[test]
fn a_wrapper_may_be_cut_into_any_pieces() {
    use presort::{Cleaner, Pointer, Sink};
    struct Pieces<'p>(&'p [u8], usize);
    impl std::io::Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let len = self.1.min(buffer.len()).min(self.0.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }
    let text = "{\"m\\\"eta\":{\"next\":\"\",\"n\":[1,{\"]\":2}]},\n \"results\" : [ {\"email\":\"a@example.com\"},\n{\"email\":\"bad\"} ] , \"e\":1.5e3,\"paging\":{\"next\":{\"after\":\"\\u00e9\"}}}\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes(), &utf16] {
        for records in [None, Some("/results")] {
            let run = |size: usize| {
                let mut cleaner = Cleaner::builder();
                if let Some(records) = records {
                    cleaner = cleaner.records(Pointer::parse(records).unwrap());
                }
                let (mut out, mut findings, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
                let sink = Sink::lines(&mut out).findings(&mut findings).rejects(&mut rejects);
                let summary = cleaner.build().unwrap().clean(Pieces(bytes, size), sink).unwrap();
                assert!(summary.stop.is_none());
                let told = [out, findings, rejects].map(|bytes| String::from_utf8(bytes).unwrap());
                (told, summary.receipt.contacts, summary.receipt.bytes_read)
            };
            let whole = run(usize::MAX);
            assert_eq!((whole.1.accepted, whole.1.rejected, whole.2), (1, 1, bytes.len() as u64));
            assert!(whole.0[1].contains("paging.next") && whole.0[1].contains("\"line\":3"), "{}", whole.0[1]);
            for size in 1..40 {
                assert_eq!(run(size), whole, "{size}");
            }
        }
    }
}

#[test]
fn several_wrapped_inputs_are_one_run() {
    let dir = Dir::new();
    let page = |n: u32| format!(r#"{{"results":[{{"email":"p{n}@example.com"}}],"page":{n}}}"#);
    let names: Vec<String> = (0..5).map(|n| format!("page-{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let page = page(n as u32);
        let bytes =
            if n % 2 == 1 { page.encode_utf16().flat_map(u16::to_be_bytes).collect() } else { page.into_bytes() };
        dir.write(name, bytes);
    }
    let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
    dir.run(&[&["clean", "--format", "ndjson", "-o", "out", "--receipt", "receipt"], &inputs[..]].concat()).exits(0);
    assert_eq!(emails(&dir).len(), 5);
    let receipt = dir.json("receipt");
    let encodings: Vec<&Value> = receipt["input"].as_array().unwrap().iter().map(|input| &input["encoding"]).collect();
    assert_eq!(encodings[..2], [&Value::Null, &"UTF-16BE".into()]);
    assert_eq!(receipt["input"][1]["bytes_read"], fs::read(dir.path("page-1")).unwrap().len());
    assert_eq!(receipt["input"][1]["bytes_decoded"], fs::read(dir.path("page-1")).unwrap().len() / 2);
}

fn encoded(label: &str, text: &str) -> Vec<u8> {
    let units = || text.encode_utf16();
    let chars = || text.chars().map(u32::from);
    match label {
        "UTF-16LE" => units().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => units().flat_map(u16::to_be_bytes).collect(),
        "UTF-32LE" => chars().flat_map(u32::to_le_bytes).collect(),
        "UTF-32BE" => chars().flat_map(u32::to_be_bytes).collect(),
        _ => unreachable!(),
    }
}

#[test]
fn utf16_and_utf32_are_decoded() {
    let dir = Dir::new();
    let contact = r#"{"email":"jose@example.com","first_name":"José 😀"}"#;
    let many: String = (0..20_000).map(|i| format!("{{\"email\":\"é{i}\",\"first_name\":\"Zoë\"}}\n")).collect();
    for text in [
        format!("{contact}\n"),
        format!("[{contact}]"),
        format!(r#"{{"import_data":[{contact}],"list_ids":["{LIST}"]}}"#),
        format!(r#"{{"results":[{contact}],"n":1}}"#),
        many,
    ] {
        stream(&dir, text.as_bytes(), &[]);
        let as_utf8 = (dir.read("out"), dir.read("report"));
        for label in ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"] {
            let bytes = encoded(label, &text);
            stream(&dir, &bytes, &[]).says(&[&format!("read as {label}")]);
            assert_eq!((dir.read("out"), dir.read("report")), as_utf8, "{label}");
            let input = &dir.json("receipt")["input"][0];
            assert_eq!((&input["bytes_read"], &input["bytes_decoded"]), (&bytes.len().into(), &text.len().into()));
            assert_eq!(input["encoding"], label);
            // A mark is a character of three bytes in UTF-8.
            stream(&dir, &encoded(label, &format!("\u{feff}{text}")), &[]);
            assert_eq!(dir.read("out"), as_utf8.0);
        }
    }
    // Nothing but a mark, odd numbers of bytes, and what ends too early.
    stream(&dir, b"\xff\xfe", &[]).exits(2).says(&["the input is empty"]);
    stream(&dir, b"\xff\xfe\0", &[]).exits(2);
    stream(&dir, b"\xff\xfe\0\0", &[]).exits(2).says(&["the input is empty"]);
    let mut lines = encoded("UTF-16LE", "{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n{\"ema");
    lines.pop();
    stream(&dir, &lines, &[]).exits(1).says(&["the last line is incomplete"]);
    assert_eq!(emails(&dir), ["a@example.com", "b@example.com"]);
    // Half a pair: that contact is rejected, and nothing else is.
    for half in [0xd800u16, 0xdc00] {
        let mut lines = encoded("UTF-16BE", "{\"email\":\"a@example.com\",\"first_name\":\"");
        lines.extend(half.to_be_bytes());
        lines.extend(encoded("UTF-16BE", "x\"}\n{\"email\":\"b@example.com\"}\n"));
        stream(&dir, &lines, &[]).exits(1).says(&["bytes that are not UTF-16BE", "--encoding"]);
        assert_eq!(emails(&dir), ["b@example.com"]);
    }
}

#[test]
fn a_body_in_another_encoding_may_have_its_lists_last() {
    let dir = Dir::new();
    let contacts = common::many(40_000).trim_end().replace('\n', ",");
    let text = format!(r#"{{"import_data":[{contacts}],"list_ids":["{LIST}"]}}"#);
    dir.write("in", encoded("UTF-16LE", &text));
    dir.run(&["clean", "in", "--split", "-o", "bodies"]).exits(0);
    dir.write("utf8", &text);
    dir.run(&["clean", "utf8", "--split", "-o", "bodies8"]).exits(0);
    assert!(dir.read("bodies/payload-00001.json") == dir.read("bodies8/payload-00001.json"));
    assert_eq!(dir.json("bodies/receipt.json")["bytes_read"], encoded("UTF-16LE", &text).len());
}

#[test]
fn an_encoding_is_named() {
    let dir = Dir::new();
    let latin1 = export("latin1all.ndjson");
    let ran = stream(&dir, &latin1, &[]).exits(1).says(&["--encoding windows-1252"]);
    assert!(ran.err.contains("5 accepted"), "{}", ran.err);
    assert!(dir.lines("report")[0]["help"].as_str().unwrap().contains("--encoding windows-1252"));
    for label in ["windows-1252", "latin1", "ISO-8859-1"] {
        stream(&dir, &latin1, &["--encoding", label]).exits(0).says(&["10 accepted", "read as windows-1252"]);
        assert_eq!(dir.lines("out")[1]["first_name"], "José");
        // The position is that of the decoded bytes.
        assert_eq!(dir.json("receipt")["input"][0]["bytes_decoded"], 450);
    }
    assert_eq!(dir.json("receipt")["bytes_decoded"], 450);
    // What was rejected with the option is UTF-8, and comes back with it.
    let lines = b"{\"email\":\"bad\",\"first_name\":\"Jos\xe9\"}\nnonsense \xe9\n";
    for lines in [lines.to_vec(), lines.split_inclusive(|b| *b == b'\n').rev().collect::<Vec<_>>().concat()] {
        let options = ["--encoding", "latin1", "--rejects", "rejects"];
        stream(&dir, &lines, &options).exits(1);
        let rejects = dir.read("rejects");
        assert!(rejects.contains("José") && rejects.contains("nonsense é"));
        stream(&dir, rejects.as_bytes(), &options).exits(1);
        assert_eq!(dir.read("rejects"), rejects);
    }
    // In an array it ends the run.
    stream(&dir, b"[{\"email\":\"a@example.com\",\"first_name\":\"Jos\xe9\"}]", &[])
        .exits(2)
        .says(&["--encoding windows-1252"]);
    dir.write("in", &latin1);
    dir.run(&["clean", "in", "--encoding", "klingon"]).exits(2).says(&[
        "no encoding has this label",
        "windows-1252",
        "shift_jis",
    ]);
    // A mark says more than an option, and bytes that the encoding does not have reject their contact.
    stream(
        &dir,
        "\u{feff}{\"email\":\"a@example.com\",\"first_name\":\"José\"}\n".as_bytes(),
        &["--encoding", "latin1"],
    )
    .exits(0);
    assert_eq!(dir.lines("out")[0]["first_name"], "José");
    let lines = b"{\"email\":\"a@example.com\",\"first_name\":\"\x83\x65\"}\n{\"email\":\"b@example.com\",\"first_name\":\"\xa0\"}\n";
    stream(&dir, lines, &["--encoding", "shift_jis"]).exits(1).says(&["bytes that are not Shift_JIS"]);
    assert_eq!(emails(&dir), ["a@example.com"]);
}

#[test]
fn lines_as_other_tools_write_them() {
    let dir = Dir::new();
    stream(&dir, &export("es.ndjson"), &[]).exits(0).says(&["2 accepted, 0 rejected", "SYN005", "line 1"]);
    assert_eq!(emails(&dir), ["ana@x.example", "bo@x.example"]);
    assert_eq!(dir.codes("report"), ["SYN005"]);
    let receipt = dir.json("receipt");
    assert_eq!((&receipt["input"][0]["action_lines"], &receipt["input"][0]["contacts"]), (&2.into(), &2.into()));
    // Many of them, of which some are not clean.
    let many: String = (0..9_000)
        .map(|i| {
            let email = if i % 10 == 0 { "bad".to_owned() } else { format!("c{i}@example.com") };
            format!("{{\"index\":{{\"_id\":\"{i}\"}}}}\n{{\"email\":\"{email}\"}}\n")
        })
        .collect();
    stream(&dir, many.as_bytes(), &[]).exits(1).says(&["8,100 accepted, 900 rejected"]);
    assert_eq!(dir.lines("report")[1]["contact"], 10);
    assert_eq!(dir.lines("report")[1]["line"], 22);

    stream(&dir, &export("bom2.ndjson"), &[]).exits(0).says(&["SYN004", "line 2"]);
    assert_eq!(emails(&dir).len(), 2);
    stream(&dir, &export("joined.ndjson"), &[]).exits(0);
    assert_eq!(emails(&dir).len(), 2);
    stream(&dir, &export("twoarrays.json"), &[]).exits(0);
    assert_eq!(emails(&dir).len(), 2);
    stream(&dir, &export("lines_commas.json"), &[]).exits(1).says(&["a comma behind the contact", "sed"]);
    stream(&dir, b"[{\"email\":\"a@example.com\"}]{\"email\":\"b@example.com\"}", &[])
        .exits(2)
        .says(&["an object follows"]);
    let body = format!(r#"{{"list_ids":["{LIST}"],"import_data":[{{"email":"a@example.com"}}]}}"#);
    stream(&dir, format!("{body}\n{body}").as_bytes(), &[]).exits(2).says(&["another document follows"]);
}

#[test]
fn rejects_say_where_from_and_why() {
    let dir = Dir::new();
    dir.write("a", "{\"email\":\"a@example.com\"}\n{\"email\":\"bad\",\"zip\":[1]}\nnonsense \"x\"\n[1]\n");
    dir.write("b", "[\n{ \"email\": \"also bad\"\n}]");
    let options = ["--format", "ndjson", "-o", "out", "--force", "--rejects"];
    dir.run(&[&["clean", "a", "b"], &options[..], &["rejects"]].concat()).exits(1);
    let rejects = dir.read("rejects");
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!((lines.len(), lines[1], lines[2]), (4, "nonsense \"x\"", "[1]"));
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    let note = &first["presort"];
    assert_eq!((&note["input"], &note["contact"], &note["line"]), (&"a".into(), &1.into(), &2.into()));
    let findings: Vec<(&str, &str)> = note["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["field"].as_str().unwrap()))
        .collect();
    assert_eq!(findings, [("EML001", "email"), ("VAL001", "zip")]);
    assert!(note["findings"][0]["message"].as_str().unwrap().contains("exactly one @"));
    assert!(
        lines[3].starts_with("{ \"email\": \"also bad\",\"presort\":{\"input\":\"b\",\"contact\":0,\"line\":2,"),
        "{}",
        lines[3]
    );

    // They come back as they are, with their first origin.
    dir.write("back", &rejects);
    dir.run(&[&["clean", "back"], &options[..], &["again"]].concat()).exits(1);
    assert_eq!(dir.read("again"), rejects);
    // Once fixed, they have no finding, and the note is gone.
    let mended =
        rejects.replace("also bad", "b@example.com").replace("\"bad\"", "\"c@example.com\"").replace("[1]", "1");
    dir.write("mended", mended.lines().filter(|line| line.starts_with('{')).collect::<Vec<_>>().join("\n"));
    dir.run(&[&["clean", "mended", "--report", "report"], &options[..], &["again"]].concat()).exits(0);
    assert_eq!((dir.read("report"), dir.read("again")), (String::new(), String::new()));
    assert_eq!(dir.read("out"), "{\"email\":\"c@example.com\",\"zip\":\"1\"}\n{\"email\":\"b@example.com\"}\n");
    dir.run(&[&["clean", "a", "b", "--bare-rejects"], &options[..], &["rejects"]].concat()).exits(1);
    assert_eq!(
        dir.read("rejects"),
        "{\"email\":\"bad\",\"zip\":[1]}\nnonsense \"x\"\n[1]\n{ \"email\": \"also bad\"}\n"
    );
    // Data of that name that is not presort's stays, and is a member like any other.
    let own = "{\"email\":\"bad\",\"presort\":{\"input\":\"x\"}}\n";
    dir.write("own", own);
    dir.run(&[&["clean", "own", "--report", "report"], &options[..], &["rejects"]].concat()).exits(1);
    assert_eq!((dir.read("rejects"), dir.codes("report")), (own.to_owned(), vec!["EML001".into(), "CON004".into()]));
}

/// Whatever was rejected first, rejects are read as lines.
#[test]
fn rejects_may_begin_with_anything() {
    let good = "{\"email\":\"a@example.com\"}\n";
    let other = "{\"email\":\"b@example.com\"}\n";
    let bad = "{\"email\":\"bad\"}\n";
    for first in [
        &b"[{\"email\":\"x@example.com\"}]"[..],
        b"[{\"email\":",
        b"<br />",
        b"<b>Warning</b>: x on line 3",
        b"\x1f\x8b\x08\0",
        b"PK\x03\x04",
        b"{\"results\":[{\"email\":\"x@example.com\"}]}",
        b"{\"import_data\":[{\"email\":\"x@example.com\"}]}",
        b"{\"import_data\":[nonsense]}",
        b"{\"email\":NaN}",
        b"BEGIN:VCARD",
        b"callback({",
    ] {
        let dir = Dir::new();
        let first = [first, b"\n"].concat();
        dir.write("in", [good.as_bytes(), &first, other.as_bytes(), bad.as_bytes()].concat());
        let options = ["--format", "ndjson", "-o", "out", "--force", "--rejects"];
        let ran = dir.run(&[&["clean", "in"], &options[..], &["rejects"]].concat()).exits(1);
        assert!(ran.err.contains("2 accepted, 2 rejected"), "{}", ran.err);
        let rejects = fs::read(dir.path("rejects")).unwrap();
        for (way, ran) in [
            ("file", dir.run(&[&["clean", "rejects"], &options[..], &["again"]].concat())),
            ("pipe", dir.feed(&[&["clean"], &options[..], &["again"]].concat(), &rejects)),
        ] {
            assert!(ran.err.contains("0 accepted, 2 rejected"), "{way} {first:?}: {}", ran.err);
            assert!(fs::read(dir.path("again")).unwrap() == rejects, "{way} {first:?}");
        }
    }
}

#[test]
fn a_contact_that_comes_back_counts_once() {
    let dir = Dir::new();
    dir.write("in", "{\"email\":\"a@example.com\"}\n{\"email\":\"bad\"}\n{\"email\":\"worse\"}\n");
    let split = ["--split", "-o", "bodies", "--list-id", LIST];
    dir.run(&[&["clean", "in", "--rejects", "r1"], &split[..]].concat()).exits(1);
    assert!(dir.json("bodies/receipt.json")["in_all"].is_null());
    dir.write("mended", dir.read("r1").replace("\"email\":\"bad\"", "\"email\":\"b@example.com\""));
    dir.run(&[&["clean", "mended", "--append", "--rejects", "r2"], &split[..]].concat()).exits(1);
    let receipt = dir.json("bodies/receipt.json");
    assert_eq!((&receipt["contacts"]["seen"], &receipt["contacts"]["returned"]), (&2.into(), &2.into()));
    assert_eq!(receipt["in_all"], serde_json::json!({"seen": 3, "accepted": 2, "rejected": 1}));
    // The second time, and with somebody new.
    let more = dir.read("r2").replace("worse", "c@example.com") + "{\"email\":\"new@example.com\"}\n";
    dir.write("mended2", more);
    dir.run(&[&["clean", "mended2", "--append"], &split[..]].concat()).exits(0);
    let receipt = dir.json("bodies/receipt.json");
    assert_eq!(receipt["in_all"], serde_json::json!({"seen": 4, "accepted": 4, "rejected": 0}));
    assert_eq!(receipt["earlier_runs"].as_array().unwrap().len(), 2);
    // Rejects of runs into another directory are contacts of this one.
    dir.write("other", "{\"email\":\"d@example.com\",\"presort\":{\"input\":\"elsewhere\",\"contact\":0,\"line\":1,\"findings\":[]}}\n");
    dir.run(&[&["clean", "other", "--append"], &split[..]].concat()).exits(0);
    assert_eq!(dir.json("bodies/receipt.json")["in_all"]["seen"], 5);
}
