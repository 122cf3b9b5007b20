//! The program from outside, in ordinary use: modes, limits, options, and what is told of them.

#![cfg(feature = "cli")]

mod common;

use common::{Dir, LIST, Ran, body, contacts, emails, many, names, presort, wait};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;

const OTHER_LIST: &str = "9d2b7f10-0c57-4b0e-8f5c-3a1d7e6b2c48";
const A: &str = r#"{"email":"a@example.com"}"#;
const B: &str = r#"{"email":"b@example.com"}"#;
const BAD: &str = r#"{"email":"bad"}"#;

/// A body with its envelope behind the contacts, as the official clients write it.
fn body_last(contacts: &str) -> String {
    format!(r#"{{"import_data":[{contacts}],"list_ids":["{LIST}"],"sms_permission_to_send":"not_set"}}"#)
}

/// The lines of the summary on standard error.
fn summary(ran: &Ran) -> Vec<&str> {
    ran.err.lines().skip_while(|line| !line.starts_with("presort: ")).collect()
}

#[test]
fn exit_statuses() {
    let dir = Dir::new();
    for (input, status) in [
        (body(A), 0),
        (body(r#"{"email":" a@EXAMPLE.com "}"#), 0),
        (body(&format!("{A},{A}")), 0),
        (body(r#"{"email":"a@example.com","phone":"1"}"#), 1),
        (body(r#"{"email":"a@example.com","hobby":"chess"}"#), 1),
        (body(&format!("{A},{BAD}")), 1),
        (body(A).replace("\"import_data\"", "\"note\":1,\"import_data\""), 1),
        (body("{"), 2),
        (body(A).replace(LIST, "x"), 2),
    ] {
        dir.write("in", input);
        dir.run(&["clean", "in"]).exits(status);
        dir.run(&["check", "in"]).exits(status);
        dir.run(&["clean", "in", "--split", "-o", "bodies", "--replace"]).exits(status);
    }
    for args in [
        &[][..],
        &["cleen"],
        &["clean", "--format", "xml"],
        &["clean", "--max-bytes", "4M"],
        &["clean", "--split"],
        &["clean", "--split", "-o", "-"],
        &["clean", "--split", "--format", "ndjson", "-o", "x"],
        &["clean", "in", "in"],
        &["clean", "--max-contacts", "0"],
        &["clean", "--as-of", "2024-02-30"],
        &["sample"],
        &["explain", "XYZ999"],
    ] {
        let ran = dir.run(args).exits(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{args:?}: {ran:?}");
    }
    dir.run(&["--version"]).exits(0);
}

/// Two contacts with white space between them, so that the body is of this size, and what is cleaned of it smaller.
fn sized(size: usize) -> String {
    let without = body(&format!("{A},{B}")).len();
    let input = body(&format!("{A},{}{B}", " ".repeat(size - without)));
    assert_eq!(input.len(), size);
    input
}

#[test]
fn the_boundary_of_one_body() {
    for limit in [1_000, 4_000_000] {
        let start_of_b = |input: &str| input.find(B).unwrap();
        // Bytes beyond the limit; the first contact that is dropped, where it begins, and the contacts that are left.
        type EnvelopeFinding = (Option<u64>, fn(&str, usize) -> usize);
        let cases: &[(i64, Option<EnvelopeFinding>, usize)] = &[
            (-1, None, 2),
            (0, None, 2),
            // The brace of the body is lost: no contact is.
            (1, Some((None, |_, limit| limit)), 2),
            // The brace of the last contact is the last byte inside.
            (2, Some((Some(2), |_, limit| limit)), 2),
            // ... and the first byte outside.
            (3, Some((Some(1), |input, _| input.find(B).unwrap())), 1),
            (60, Some((Some(1), |_, limit| limit)), 1),
        ];
        for (more, told, left) in cases {
            let input = sized((limit + more) as usize);
            let dir = Dir::new();
            dir.write("in", &input);
            let limit_text = limit.to_string();
            let args =
                ["clean", "in", "-o", "out", "--receipt", "receipt", "--max-bytes", &limit_text, "--report", "report"];
            let ran = dir.run(&args);
            assert_eq!(ran.code(), i32::from(told.is_some()), "{more}: {}", ran.err);
            assert_eq!(emails(contacts(&dir.json("out"))), ["a@example.com", "b@example.com"][..*left], "{more}");
            let receipt = dir.json("receipt");
            assert_eq!(receipt["contacts"]["seen"], *left, "{more}");
            assert_eq!(receipt["bytes_total"], input.len(), "{more}");
            match told {
                None => {
                    assert_eq!(receipt["dropped"], Value::Null, "{more}");
                    assert_eq!(receipt["bytes_read"], input.len(), "{more}");
                }
                Some((first, at)) => {
                    let at = at(&input, limit as usize);
                    let at = if *more == 60 { receipt["dropped"]["at_byte"].as_u64().unwrap() as usize } else { at };
                    assert!(at <= start_of_b(&input) || *left == 2);
                    // With both contacts whole, nothing says that a third would follow.
                    let first = (*left < 2).then_some(first);
                    let dropped = json!({"first_contact": first, "at_byte": at, "bytes": input.len() - at});
                    assert_eq!(receipt["dropped"], dropped, "{more}");
                    assert_eq!(receipt["bytes_not_read"], input.len() - at, "{more}");
                    assert!(ran.err.contains("dropped at the limit") && ran.err.contains("--split"), "{}", ran.err);
                }
            }
        }
    }
}

#[test]
fn the_boundary_of_one_body_from_a_pipe() {
    for limit in [1_000, 4_000_000] {
        for more in [-1, 0, 1, 2, 3, 4, 60] {
            let dir = Dir::new();
            let input = sized((limit + more) as usize);
            dir.write("in", &input);
            let limit = limit.to_string();
            let args = ["clean", "--max-bytes", &limit];
            let file = dir.run(&[&args[..], &["in"]].concat());
            let pipe = dir.feed(&args, input.as_bytes());
            assert_eq!((pipe.code(), pipe.text()), (file.code(), file.text()), "{limit} {more}: {}", pipe.err);
        }
    }
}

#[test]
fn an_envelope_beyond_the_boundary_is_an_error() {
    let dir = Dir::new();
    dir.write("in", body_last(&format!("{A},{}{B}", " ".repeat(1000))));
    let limited = ["clean", "in", "-o", "out", "--receipt", "receipt", "--max-bytes", "1000"];
    dir.run(&limited).exits(2).says(&["ENV012", "list_ids", "--list-id", "--split"]);
    assert_eq!(dir.names(), ["in"]);
    dir.run(&[&limited[..], &["--list-id", LIST]].concat()).exits(1).says(&["dropped at the limit"]);
    assert_eq!(dir.read("out"), format!(r#"{{"list_ids":["{LIST}"],"import_data":[{A}]}}"#));
    assert_eq!(dir.json("receipt")["dropped"]["first_contact"], 1);
    // Not one contact lies before it.
    dir.write("in", format!("{{\"note\":\"{}\",{}", "x".repeat(2000), &body(A)[1..]));
    dir.run(&[&limited[..], &["--force"]].concat()).exits(2).says(&["ENV012", "import_data"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_that_goes_on_behind_the_limit_is_left_alone() {
    let contacts = many(30_000).trim_end().replace('\n', ",");
    assert!(contacts.len() > 5_000_000);
    let envelope = format!(r#""list_ids":["{LIST}"],"sms_permission_to_send":"not_set""#);
    let option = ["--list-id", LIST];
    for (input, options) in [
        (format!("{{{envelope},\"import_data\":[{contacts}"), &[][..]),
        (format!("{{\"import_data\":[{contacts}"), &option),
        (format!("[{contacts}"), &option),
        (many(30_000), &option),
    ] {
        let dir = Dir::new();
        let mut child = dir.spawn(presort().args(["clean", "-o", "out", "--receipt", "receipt"]).args(options));
        let mut stdin = child.stdin.take().unwrap();
        // It has room for what is not read, and stays open.
        let feeding = std::thread::spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
            stdin
        });
        let ran = wait(child);
        drop(feeding.join().unwrap());
        let ran = ran.exits(1).says(&["dropped at the limit", "--split"]);
        assert!(summary(&ran).len() <= 10);
        let size = fs::metadata(dir.path("out")).unwrap().len();
        assert!((3_990_000..4_000_000).contains(&size), "{size}");
        let receipt = dir.json("receipt");
        assert_eq!(receipt["dropped"]["first_contact"], receipt["contacts"]["seen"]);
        assert_eq!((&receipt["dropped"]["bytes"], &receipt["bytes_total"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn the_most_contacts_of_a_body() {
    let dir = Dir::new();
    let five: Vec<String> = (0..5).map(|i| format!("{{\"email\":\"p{i}@example.com\"}}")).collect();
    let input = body(&five.join(","));
    dir.write("in", &input);
    let ran = dir.run(&["clean", "in", "-o", "out", "--receipt", "receipt", "--max-contacts", "3"]).exits(1);
    assert!(ran.err.contains("dropped at the limit") && ran.err.contains("contact 3"), "{}", ran.err);
    assert_eq!(contacts(&dir.json("out")).len(), 3);
    let at = input.find("{\"email\":\"p3").unwrap();
    let receipt = dir.json("receipt");
    assert_eq!(receipt["dropped"], json!({"first_contact": 3, "at_byte": at, "bytes": input.len() - at}));
    assert_eq!(receipt["contacts"]["seen"], 3);
    // Rejected contacts take no room.
    dir.write("in", body(&format!("{BAD},{},{BAD}", five[..3].join(","))));
    dir.run(&["clean", "in", "-o", "out", "--max-contacts", "3", "--force"]).exits(1);
    assert_eq!(contacts(&dir.json("out")).len(), 3);
    dir.run(&["clean", "in", "--split", "-o", "bodies", "--max-contacts", "2"]).exits(1);
    assert_eq!(names(&dir.path("bodies")), ["payload-00001.json", "payload-00002.json", "receipt.json"]);
    let receipt = dir.json("bodies/receipt.json");
    assert_eq!((&receipt["payloads"][0]["contacts"], &receipt["payloads"][1]["contacts"]), (&json!(2), &json!(1)));
    for payload in receipt["payloads"].as_array().unwrap() {
        let file = dir.path("bodies").join(payload["file"].as_str().unwrap());
        assert_eq!(fs::metadata(file).unwrap().len(), payload["bytes"].as_u64().unwrap());
    }
}

#[test]
fn a_body_that_grows_stays_below_the_limit() {
    let dir = Dir::new();
    let grows = |i: usize| format!("{{\"email\":\"p{i:03}@example.com\",\"phone\":\"1231231234\"}}");
    let all: Vec<String> = (0..100).map(grows).collect();
    let input = body(&all.join(","));
    let limit = input.len().to_string();
    dir.write("in", &input);
    let args = ["clean", "in", "-o", "out", "--receipt", "receipt", "--report", "report", "--max-bytes", &limit];
    dir.run(&args).exits(1).says(&["dropped at the limit"]);
    let out = dir.read("out");
    assert!(out.len() < input.len());
    let left = contacts(&dir.json("out")).len();
    assert!((90..100).contains(&left), "{left}");
    assert!(out.len() + all[0].len() + 3 >= input.len(), "one more would have fitted");
    let at = input.find(&grows(left)).unwrap();
    let receipt = dir.json("receipt");
    assert_eq!(receipt["dropped"], json!({"first_contact": left, "at_byte": at, "bytes": input.len() - at}));
    assert_eq!((&receipt["contacts"]["seen"], &receipt["findings"]["PHN004"]), (&json!(left), &json!(left)));
    // As digits, it does not grow; a body of exactly the limit is too large all the same.
    let digits = [&args[..], &["--phone-format", "digits", "--force"]].concat();
    dir.run(&digits).exits(1);
    assert_eq!(contacts(&dir.json("out")).len(), 99);
    // Split takes all of it.
    dir.run(&["clean", "in", "--split", "-o", "bodies", "--max-bytes", &limit]).exits(0);
    let receipt = dir.json("bodies/receipt.json");
    assert_eq!((&receipt["contacts"]["accepted"], &receipt["dropped"]), (&json!(100), &Value::Null));
    for payload in receipt["payloads"].as_array().unwrap() {
        assert!(payload["bytes"].as_u64().unwrap() < input.len() as u64);
    }
}

#[test]
fn the_envelope_may_stand_before_or_behind() {
    let dir = Dir::new();
    let some = format!("{A},{BAD},{B}");
    dir.write("first", body(&some));
    dir.write("last", body_last(&some));
    let expected = body(&format!("{A},{B}"));
    for name in ["first", "last"] {
        let file = dir.run(&["clean", name]).exits(1);
        assert_eq!(file.text(), expected);
        let pipe = dir.feed(&["clean"], dir.read(name).as_bytes()).exits(1);
        assert_eq!(pipe.text(), expected);
        assert!(!pipe.err.contains("temporary file"), "{}", pipe.err);
    }
}

#[test]
fn a_large_pipe_with_its_envelope_behind_is_spooled() {
    let dir = Dir::new();
    let some = many(25_000).trim_end().replace('\n', ",");
    assert!(some.len() > 4_200_000);
    dir.write("first", body(&some));
    dir.write("last", body_last(&some));
    let outputs = |out: &str| -> Vec<Vec<u8>> {
        let names = names(&dir.path(out));
        assert_eq!(names.len(), 3, "{names:?}");
        names[..2].iter().map(|name| fs::read(dir.path(out).join(name)).unwrap()).collect()
    };
    let spooled = |out: &str| dir.json(&format!("{out}/receipt.json"))["input"][0]["spooled"] == true;
    dir.run(&["clean", "first", "--split", "-o", "a"]).exits(0);
    dir.run(&["clean", "last", "--split", "-o", "b"]).exits(0);
    let last = dir.read("last");
    let ran = dir.feed(&["clean", "--split", "-o", "c"], last.as_bytes()).exits(0);
    assert!(ran.err.contains("temporary file") && ran.err.contains("--list-id"), "{}", ran.err);
    let known = ["clean", "--split", "-o", "d", "--list-id", LIST, "--sms-permission", "not_set"];
    let ran = dir.feed(&known, last.as_bytes()).exits(0);
    assert!(!ran.err.contains("temporary file"), "{}", ran.err);
    let expected = outputs("a");
    for out in ["b", "c", "d"] {
        assert!(outputs(out) == expected, "{out}");
        assert_eq!(spooled(out), out == "c", "{out}");
    }
}

#[test]
fn several_inputs_are_one_run() {
    let dir = Dir::new();
    dir.write("lines", format!("{A}\n{BAD}\n"));
    dir.write("array", format!("[{B},{{\"email\":\"A@Example.com\"}}]"));
    dir.write("body", body(r#"{"email":"c@example.com","phone":"5"},{"email":"b@example.com"}"#));
    let inputs = ["clean", "lines", "array", "body", "--report", "report", "--receipt", "receipt", "--force"];
    dir.run(&[&inputs[..], &["--format", "ndjson", "-o", "out"]].concat()).exits(1);
    let out = dir.lines("out");
    let expected = ["a@example.com", "b@example.com", "A@example.com", "c@example.com", "b@example.com"];
    assert_eq!(emails(&out), expected);
    let report = dir.lines("report");
    let told: Vec<_> =
        report.iter().map(|l| [&l["input"], &l["contact"], &l["code"]].map(ToString::to_string)).collect();
    let expected = [
        ["\"lines\"", "1", "\"EML001\""],
        ["\"array\"", "1", "\"DUP001\""],
        ["\"body\"", "0", "\"PHN001\""],
        ["\"body\"", "1", "\"DUP001\""],
    ];
    assert_eq!(told, expected);
    assert!(report[1]["message"].as_str().unwrap().contains("contact 0 of lines"), "{}", report[1]);
    assert!(report[3]["message"].as_str().unwrap().contains("contact 0 of array"), "{}", report[3]);
    let receipt = dir.json("receipt");
    let shapes: Vec<_> = receipt["input"].as_array().unwrap().iter().map(|i| [&i["shape"], &i["contacts"]]).collect();
    assert_eq!(json!(shapes), json!([["ndjson", 2], ["array", 2], ["body", 2]]));
    assert_eq!(receipt["contacts"]["seen"], 6);
    // Split mode takes the lists of the body, or of options.
    dir.run(&[&inputs[..], &["--split", "-o", "bodies"]].concat()).exits(1);
    assert_eq!(contacts(&dir.json("bodies/payload-00001.json")).len(), 5);
    // Bodies that differ.
    dir.write("other", body(A).replace(LIST, OTHER_LIST));
    dir.run(&["clean", "body", "other", "--split", "-o", "x"]).exits(2).says(&["ENV013", "other"]);
    dir.run(&["clean", "body", "other", "--split", "-o", "x", "--list-id", LIST]).exits(1);
    // A file and standard input.
    let ran = dir.feed(&["clean", "lines", "-", "--format", "ndjson"], b"[{\"email\":\"z@example.com\"}]").exits(1);
    assert_eq!(ran.text().lines().count(), 2);
}

#[test]
fn any_number_of_inputs() {
    let dir = Dir::new();
    let shapes: [(&str, String, usize); 6] = [
        ("lines", format!("{A}\n{B}\n"), 2),
        ("cut", format!("{A}\n{B}"), 2),
        ("array", format!("[{A},{B},{A}]"), 3),
        ("body", body(A), 1),
        ("none", "[]".to_owned(), 0),
        ("empty", String::new(), 0),
    ];
    for (name, text, contacts) in shapes {
        let names: Vec<String> = (0..40).map(|i| format!("{name}{i}")).collect();
        for name in &names {
            dir.write(name, &text);
        }
        for threads in ["1", "2", "3"] {
            let options = ["clean", "--format", "ndjson", "--threads", threads, "--receipt", "receipt", "--force"];
            let inputs: Vec<&str> = options.iter().copied().chain(names.iter().map(String::as_str)).collect();
            let ran = dir.run(&inputs).exits(0);
            assert_eq!(ran.text().lines().count(), 40 * contacts, "{name} {threads}");
            assert_eq!(dir.json("receipt")["contacts"]["seen"], 40 * contacts);
        }
    }
}

/// Two addresses of one hash under XXH3 without a seed: no contact is rejected for a hash that can be searched for.
#[test]
fn addresses_with_a_known_collision_are_two_contacts() {
    let dir = Dir::new();
    dir.write(
        "in",
        "{\"email\":\"umirq3s1rbd@l.eb\"}\n{\"email\":\"f5txnsywp0y@f.ob\"}\n{\"email\":\"F5txnsywp0y@f.ob\"}\n",
    );
    dir.run(&[
        "clean",
        "in",
        "-o",
        "out",
        "--format",
        "ndjson",
        "--duplicates",
        "first",
        "--rejects",
        "rejects",
        "--bare-rejects",
    ])
    .exits(1);
    assert_eq!(dir.read("out"), "{\"email\":\"umirq3s1rbd@l.eb\"}\n{\"email\":\"f5txnsywp0y@f.ob\"}\n");
    assert_eq!(dir.read("rejects"), "{\"email\":\"F5txnsywp0y@f.ob\"}\n");
}

#[test]
fn duplicates() {
    let dir = Dir::new();
    let lines = [
        r#"{"email":"Ann@example.com","city":"one"}"#,
        r#"{"email":"aNN@EXAMPLE.com","city":"two"}"#,
        r#"{"sms_number":"617-555-0123","city":"three"}"#,
        r#"{"sms_number":"(617) 555 0123","city":"four"}"#,
        r#"{"email":"other@example.com","sms_number":"617-555-0123","city":"five"}"#,
        // A rejected one does not stand in the way of a good one.
        r#"{"email":"late@example.com","email":"late@example.com"}"#,
        r#"{"email":"late@example.com","city":"six"}"#,
    ];
    dir.write("in", lines.join("\n"));
    let args = [
        "clean",
        "in",
        "--format",
        "ndjson",
        "-o",
        "out",
        "--force",
        "--report",
        "report",
        "--rejects",
        "rejects",
        "--bare-rejects",
    ];
    let cities = |dir: &Dir| -> Vec<String> {
        dir.lines("out").iter().map(|line| line["city"].as_str().unwrap().to_owned()).collect()
    };
    dir.run(&args).exits(1);
    assert_eq!(cities(&dir), ["one", "two", "three", "four", "five", "six"]);
    assert_eq!(dir.codes("report"), ["DUP001", "DUP001", "CON003"]);
    let outcomes: Vec<_> = dir.lines("report").iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["kept", "kept", "rejected"]);
    dir.run(&[&args[..], &["--duplicates", "first", "--receipt", "receipt"]].concat()).exits(1);
    assert_eq!(cities(&dir), ["one", "three", "five", "six"]);
    assert_eq!(dir.read("rejects"), format!("{}\n{}\n{}\n", lines[1], lines[3], lines[5]));
    let told: Vec<_> = dir.lines("report").iter().map(|l| [l["contact"].clone(), l["outcome"].clone()]).collect();
    assert_eq!(json!(told), json!([[1, "rejected"], [3, "rejected"], [5, "rejected"]]));
    assert!(dir.lines("report")[0]["message"].as_str().unwrap().contains("first: contact 0"));
    assert!(dir.lines("report")[1]["message"].as_str().unwrap().contains("first: contact 2"));
    let receipt = dir.json("receipt");
    assert_eq!((&receipt["contacts"]["duplicates"], &receipt["contacts"]["rejected"]), (&json!(2), &json!(3)));
    // Without rejects, duplicates alone leave the run clean only when they are kept.
    dir.write("in", format!("{A}\n{A}\n"));
    dir.run(&args).exits(0);
    dir.run(&[&args[..], &["--duplicates", "first"]].concat()).exits(1);
}

#[test]
fn rejects_are_fed_back() {
    let dir = Dir::new();
    let pretty = "{\n  \"email\": \"no at\",\r\n  \"city\" : \"x\\ny\"\n}";
    dir.write("in", body(&format!("{A},{pretty},null,{BAD}")));
    dir.run(&["clean", "in", "-o", "out", "--rejects", "rejects", "--bare-rejects"]).exits(1);
    let rejects = dir.read("rejects");
    assert_eq!(rejects, format!("{{  \"email\": \"no at\",  \"city\" : \"x\\ny\"}}\nnull\n{BAD}\n"));
    // As they are, they are rejected again.
    dir.run(&["clean", "rejects", "--format", "ndjson", "-o", "again", "--rejects", "rejects2", "--bare-rejects"])
        .exits(1);
    assert_eq!((dir.read("again"), dir.read("rejects2")), (String::new(), rejects.clone()));
    // Once fixed, they come through.
    dir.write(
        "mended",
        rejects.replace("no at", "b@example.com").replace("null\n", "").replace("\"bad\"", "\"c@x.co\""),
    );
    dir.run(&["clean", "mended", "--list-id", LIST, "-o", "mended.out"]).exits(0);
    assert_eq!(emails(contacts(&dir.json("mended.out"))), ["b@example.com", "c@x.co"]);
    // And nothing is made of no rejects.
    dir.write("in", body(A));
    dir.run(&["clean", "in", "-o", "out", "--rejects", "rejects", "--bare-rejects", "--force"]).exits(0);
    assert_eq!(dir.read("rejects"), "");
}

#[test]
fn rejects_that_do_not_begin_with_an_object_are_fed_back() {
    let dir = Dir::new();
    for first in ["null", "7", "\"x\"", "[]"] {
        dir.write("in", format!("[{first},{BAD}]"));
        dir.run(&[
            "clean",
            "in",
            "--format",
            "ndjson",
            "-o",
            "out",
            "--rejects",
            "rejects",
            "--bare-rejects",
            "--force",
        ])
        .exits(1);
        let rejects = dir.read("rejects");
        assert_eq!(rejects, format!("{first}\n{BAD}\n"));
        dir.run(&["clean", "rejects", "--format", "ndjson", "--rejects", "again", "--bare-rejects", "--force"])
            .exits(1);
        assert_eq!(dir.read("again"), rejects);
    }
}

#[test]
fn where_output_goes() {
    let dir = Dir::new();
    dir.write("in", body(&format!("{A},{BAD}")));
    // Standard output by default, and words on standard error only.
    let ran = dir.run(&["clean", "in"]).exits(1);
    assert_eq!(ran.text(), body(A));
    assert!(ran.err.contains("1 accepted, 1 rejected"), "{}", ran.err);
    assert_eq!(dir.run(&["clean", "in", "-o", "-"]).exits(1).text(), body(A));
    assert_eq!(dir.feed(&["clean", "-"], dir.read("in").as_bytes()).exits(1).text(), body(A));
    assert_eq!(dir.feed(&["clean"], dir.read("in").as_bytes()).exits(1).text(), body(A));
    // The report on standard output, beside an output file.
    let ran = dir.run(&["clean", "in", "-o", "out", "--report", "-"]).exits(1);
    let line = ran.json();
    assert_eq!((&line["code"], &line["contact"], &line["outcome"]), (&json!("EML001"), &json!(1), &json!("rejected")));
    assert_eq!((&line["value"], &line["offset"]), (&json!("bad"), &json!(body(&format!("{A},{BAD}")).find(BAD))));
    let ran = dir.run(&["clean", "in", "-o", "out", "--receipt", "-", "--force"]).exits(1);
    assert_eq!(ran.json()["contacts"]["seen"], 2);
    let ran = dir.run(&["check", "in", "--report", "-"]).exits(1);
    assert_eq!(ran.json()["code"], "EML001");
}

#[test]
fn quiet_is_quiet() {
    let dir = Dir::new();
    dir.write("in", body(&format!("{A},{BAD}")));
    for args in [
        &["clean", "in", "-o", "out"][..],
        &["clean", "in", "--split", "-o", "bodies"],
        &["check", "in"],
        &["clean", "in", "-o", "out2", "--redact", "--rejects", "rejects"],
        &["clean", "in", "-o", "out3", "--max-contacts", "1"],
    ] {
        let ran = dir.run(&[args, &["--quiet"]].concat()).exits(1);
        assert_eq!((ran.text(), &*ran.err), ("", ""), "{args:?}");
    }
    // But for what could not be done.
    dir.run(&["clean", "none", "--quiet"]).exits(2).says(&["cannot open none"]);
}

#[test]
fn check_writes_nothing() {
    let dir = Dir::new();
    let bad: Vec<String> = (0..25).map(|i| format!("{{\"email\":\"bad{i}\"}}")).collect();
    dir.write("in", body(&format!("{A},{}", bad.join(",\n"))));
    let ran = dir.run(&["check", "in"]).exits(1);
    assert_eq!(dir.names(), ["in"]);
    let listed: Vec<&str> = ran.text().lines().filter(|line| line.starts_with("error EML001: line ")).collect();
    assert_eq!(listed.len(), 20, "{}", ran.err);
    for (i, line) in listed.iter().enumerate() {
        assert!(line.contains(&format!("line {}, contact {}: email \"bad{i}\"", i + 1, i + 1)), "{line}");
    }
    assert!(ran.text().contains("... and 5 more"), "{}", ran.text());
    assert!(!ran.err.contains("error EML001: ") && summary(&ran).len() <= 15, "{}", ran.err);
    dir.run(&["check", "in", "--report", "report", "--receipt", "receipt"]).exits(1);
    assert_eq!(dir.lines("report").len(), 25);
    assert_eq!(dir.json("receipt")["mode"], "check");
    // Twenty are all.
    dir.write("in", body(&bad[..20].join(",")));
    let ran = dir.run(&["check", "in"]).exits(1);
    assert!(!ran.text().contains("more; --"), "{}", ran.text());
}

#[test]
fn a_summary_has_fifteen_lines_at_most() {
    let dir = Dir::new();
    dir.run(&["sample", "--contacts", "300", "--mess", "100", "-o", "in"]).exits(0);
    dir.run(&["sample", "--contacts", "300", "--mess", "100", "--format", "ndjson", "-o", "lines"]).exits(0);
    let list = ["--list-id", LIST];
    for args in [
        &["clean", "in", "-o", "a"][..],
        &["clean", "in", "-o", "b", "--max-contacts", "100", "--rejects", "r", "--report", "s"],
        &["clean", "in", "-o", "c", "--max-bytes", "20kB"],
        &["clean", "in", "--split", "-o", "d"],
        &["clean", "in", "--format", "ndjson", "-o", "e"],
        &["clean", "in", "lines", "--format", "ndjson", "-o", "f", "--duplicates", "first"],
        &["clean", "lines", "-o", "g", list[0], list[1], "--max-bytes", "20kB"],
        &["clean", "in", "-o", "h", "--redact", "--report", "t"],
        &["check", "in", "lines"],
    ] {
        let ran = dir.run(args).exits(1);
        let lines = summary(&ran);
        assert!((4..=15).contains(&lines.len()), "{args:?}: {}", ran.err);
        assert!(lines.iter().all(|line| line.chars().count() <= 100), "{args:?}: {}", ran.err);
        // Every rule that rejects is named.
        let report = dir.feed(&["check", args[1], "--format", "json", "-q"], b"").json();
        let is_rejecting = |fix: &&Value| fix["outcome"] == "rejected";
        for fix in report["fixes"].as_array().unwrap().iter().filter(is_rejecting).filter(|_| args.len() < 6) {
            assert!(ran.err.contains(fix["code"].as_str().unwrap()), "{args:?}: {fix} {}", ran.err);
        }
        assert!(lines.last().unwrap().starts_with("next: "), "{args:?}: {}", ran.err);
    }
    // A run that is stopped says why before.
    dir.write("cut", dir.read("lines").replace('\n', ",").replacen('{', "[{", 1));
    let ran = dir.run(&["clean", "cut", list[0], list[1], "-o", "i"]).exits(2);
    assert!(ran.err.lines().count() <= 16, "{}", ran.err);
    assert!(ran.err.starts_with("presort: error: cut: broken JSON at byte "), "{}", ran.err);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let dir = Dir::new();
    dir.write("in", body(&format!("{A},{BAD}")));
    let colourful = |args: &[&str], no_color: Option<&str>| {
        let mut command = presort();
        command.args(args);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        dir.feed_with(&mut command, b"").exits(1).err.contains('\x1b')
    };
    for verb in ["clean", "check"] {
        assert!(!colourful(&[verb, "in"], None));
        assert!(!colourful(&[verb, "in"], Some("1")));
        assert!(!colourful(&[verb, "in", "--color", "auto"], Some("1")));
        assert!(!colourful(&[verb, "in", "--color", "never"], None));
        assert!(colourful(&[verb, "in", "--color", "always"], None));
    }
}

#[test]
fn findings_of_a_check_go_to_standard_output() {
    let dir = Dir::new();
    let phone = r#"{"email":"a@example.com","phone":"555-1234"}"#;
    dir.write("in", body(&format!("{A},{BAD},{phone},{phone}")));
    let ran = dir.run(&["check", "in"]).exits(1);
    assert!(ran.text().starts_with("error EML001: line 1, contact 1: email \"bad\": "), "{}", ran.text());
    dir.run(&["check", "in", "--report", "report"]).exits(1);
    // The same lines, and the same in one document.
    let lines = dir.run(&["check", "in", "--format", "ndjson"]).exits(1);
    assert_eq!(lines.text(), dir.read("report"));
    let document = dir.run(&["check", "in", "--format", "json"]).exits(1).json();
    assert_eq!(document["findings"], Value::from(dir.lines("report")));
    assert_eq!(document["receipt"]["contacts"]["rejected"], 1);
    let fix = json!({"code": "PHN001", "outcome": "held_back", "field": "phone", "shape": "999-9999", "contacts": 2});
    assert!(document["fixes"].as_array().unwrap().contains(&fix), "{document}");
    // Nothing to tell is a document as well.
    dir.write("good", body(A));
    assert_eq!(dir.run(&["check", "good", "--format", "json"]).exits(0).json()["findings"], json!([]));
    assert_eq!(dir.run(&["check", "good", "--format", "ndjson"]).exits(0).text(), "");
    assert_eq!(dir.run(&["check", "good"]).exits(0).text(), "");
    // Each output has one place.
    for args in [&["--format", "json", "--report", "other"][..], &["--format", "text", "--receipt", "-"]] {
        dir.run(&[&["check", "in"], args].concat()).exits(2);
    }
    assert_eq!(dir.run(&["check", "in", "--receipt", "-"]).exits(1).json()["contacts"]["seen"], 4);
}

#[test]
fn the_exit_status_can_be_chosen() {
    let dir = Dir::new();
    dir.write("bad", body(&format!("{A},{BAD}")));
    dir.write("held", body(r#"{"email":"a@example.com","phone":"1"}"#));
    dir.write("twice", body(&format!("{A},{A}")));
    for (input, options, status) in [
        ("bad", &["--fail-on", "never"][..], 0),
        ("bad", &["--exit-zero"], 0),
        ("bad", &["--fail-on", "dropped"], 0),
        ("bad", &["--fail-on", "rejected"], 1),
        ("bad", &["--max-rejected", "1"], 0),
        ("bad", &["--max-rejected", "50%"], 0),
        ("bad", &["--max-rejected", "49%"], 1),
        ("bad", &["--max-rejected", "0"], 1),
        ("held", &[], 1),
        ("held", &["--fail-on", "rejected"], 0),
        ("held", &["--max-rejected", "0"], 0),
        ("held", &["--max-rejected", "0", "--fail-on", "held-back"], 1),
        ("twice", &[], 0),
        ("twice", &["--fail-on", "any"], 1),
        ("twice", &["--exit-zero", "--fail-on", "any"], 2),
        ("bad", &["--max-rejected", "many"], 2),
        ("none", &["--exit-zero"], 2),
    ] {
        dir.run(&[&["check", input], options].concat()).exits(status);
    }
    for (options, status) in
        [(&["--max-rejected", "100%"][..], 1), (&["--fail-on", "dropped"], 1), (&["--exit-zero"], 0)]
    {
        let limited = ["clean", "twice", "-o", "out", "--force", "--max-contacts", "1"];
        dir.run(&[&limited, options].concat()).exits(status);
    }
    // A run that accepts nothing writes no body, and may all the same be what was expected.
    dir.write("none-good", body(BAD));
    dir.run(&["clean", "none-good", "-o", "other"]).exits(1).says(&["no body was written"]);
    dir.run(&["clean", "none-good", "-o", "other", "--exit-zero"]).exits(0).says(&["no body was written"]);
}

/// A line without its values.
fn bare(line: &Value) -> Value {
    let mut line = line.clone();
    for name in ["value", "to", "value_chars"] {
        line.as_object_mut().unwrap().remove(name);
    }
    line
}

#[test]
fn redacted_values_are_nowhere() {
    let dir = Dir::new();
    dir.run(&["sample", "--contacts", "1500", "--mess", "100", "-o", "in"]).exits(0);
    dir.run(&["sample", "--contacts", "500", "--mess", "100", "--format", "ndjson", "-o", "lines.ndjson"]).exits(0);
    let broken = "{\"email\":\"broken@example.com\"\nnot json at all\n{\"email\":\"caf\u{e9}@m\u{fc}nchen.example\"}\n";
    dir.write("lines", dir.read("lines.ndjson") + broken);
    let run = |report: &str, changes: &str, redact: &[&str], key: Option<&str>| {
        let args = ["clean", "in", "lines", "--format", "ndjson", "-o", "out", "--force", "--as-of", "2024-01-01"];
        let mut command = presort();
        command.args(args).args(["--report", report, "--changes", changes]).args(redact);
        if let Some(key) = key {
            command.env("PRESORT_REDACT_KEY", key);
        }
        dir.feed_with(&mut command, b"").exits(1);
    };
    run("report", "changes", &[], None);
    run("report1", "changes1", &["--redact"], Some("a key of 16 bytes"));
    run("report2", "changes2", &["--redact"], Some("a key of 16 bytes"));
    run("report3", "changes3", &["--redact"], Some("another key of 16 bytes"));
    run("report4", "changes4", &["--redact"], None);
    run("report5", "changes5", &["--redact"], None);
    for name in ["report", "changes"] {
        let (raw, redacted) = (dir.lines(name), dir.lines(&format!("{name}1")));
        assert!(raw.len() > 500 && raw.len() == redacted.len());
        for (raw, redacted) in raw.iter().zip(&redacted) {
            assert_eq!(bare(raw), bare(redacted));
            for key in ["value", "to"] {
                let hidden = match &redacted[key] {
                    Value::String(text) => text.starts_with("hmac:") && text.len() == 37,
                    Value::Null | Value::Bool(_) => redacted[key] == raw[key],
                    _ => false,
                };
                assert!(hidden, "{key}: {redacted}");
                if let Some(text) = raw[key].as_str().filter(|text| text.chars().count() >= 5) {
                    let message = redacted["message"].as_str().unwrap();
                    assert!(!message.contains(text), "{text:?} is in {redacted}");
                }
            }
        }
        let text = |n: u8| dir.read(&format!("{name}{n}"));
        assert_eq!(text(1), text(2), "a key makes it repeatable");
        assert_ne!(text(1), text(3), "another key, another hash");
        assert_ne!(text(4), text(5), "without a key no two runs are alike");
    }
}

#[test]
fn redacted_values_are_not_on_standard_error() {
    let dir = Dir::new();
    dir.write("in", body(r#"{"email":"secret value"}"#));
    for verb in ["clean", "check"] {
        let ran = dir.run(&[verb, "in", "--redact", "--report", "-"]);
        assert!(!ran.err.contains("secret value"), "{}", ran.err);
    }
}

#[test]
fn a_list_or_permission_that_is_bad_is_not_on_standard_error_where_values_are_redacted() {
    let dir = Dir::new();
    let contact = r#"{"email":"a@example.com"}"#;
    dir.write("list", format!(r#"{{"list_ids":["secret value"],"import_data":[{contact}]}}"#));
    dir.write("sms", body(contact).replace("\"not_set\"", "\"secret value\""));
    dir.write("behind", format!(r#"{{"import_data":[{contact}],"list_ids":["secret value"]}}"#));
    for (file, code) in [("list", "ENV004"), ("sms", "ENV007"), ("behind", "ENV004")] {
        let args = ["clean", file, "-o", "out", "--force"];
        dir.run(&args).exits(2).says(&[code, "secret value"]);
        let ran = dir.run(&[&args[..], &["--redact", "--receipt", "receipt"]].concat()).exits(2).says(&[code]);
        assert!(!ran.err.contains("secret value"), "{}", ran.err);
        let piped = dir.feed(&["clean", "--redact", "-o", "out", "--force"], dir.read(file).as_bytes()).exits(2);
        assert!(!piped.err.contains("secret value"), "{}", piped.err);
    }
}

#[test]
fn a_key_that_can_be_guessed_is_refused() {
    let dir = Dir::new();
    dir.write("in", body(r#"{"email":"a@example.com"}"#));
    let run = |key: &str, redact: bool| {
        let mut command = presort();
        command.args(["clean", "in"]).args(redact.then_some("--redact")).env("PRESORT_REDACT_KEY", key);
        dir.feed_with(&mut command, b"")
    };
    run("fifteen bytes..", true).exits(2).says(&["PRESORT_REDACT_KEY has 15 bytes"]);
    run("sixteen bytes...", true).exits(0);
    run("fifteen bytes..", false).exits(0);
    run("", true).exits(0);
}

/// What comes from outside cannot act on the terminal, nor forge a line.
#[test]
#[cfg(unix)]
fn nothing_from_outside_reaches_the_terminal_raw() {
    let evil = "\u{1b}]0;x\u{7}\u{1b}[2J\r\npresort: all is well\u{202e}\u{9b}31m";
    let json = serde_json::to_string(evil).unwrap();
    let contacts = format!(
        "{{\"email\":{json}}}\n{{\"email\":\"a@example.com\",{json}:\"x\",\"cf:{}\":true}}\nno JSON {}\n",
        &json[1..json.len() - 1],
        evil.replace(['\r', '\n'], "")
    );
    let name = evil.replace(['/', '\r'], "");
    let dir = Dir::new();
    dir.write(&name, &contacts);
    dir.write("in", &contacts);
    dir.write("names", evil.replace('\u{1b}', "x"));
    let name = name.as_str();
    let runs: [&[&str]; 9] = [
        &["clean", name, "--format", "ndjson", "--progress", "always"],
        &["clean", name, "in", "--format", "ndjson", "-o", name, "--report", "report", "--rejects", name],
        &["clean", "in", "--format", "ndjson", "-o", name, "--force", "--rejects", &format!("{name}2")],
        &["check", name],
        &["check", "in", name],
        &["clean", &format!("{name}-none")],
        &["explain", name],
        &["clean", &format!("--{name}")],
        &["clean", "in", "--custom-fields", name],
    ];
    for args in runs {
        let ran = dir.run(args);
        let bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        // A bar moves the cursor by itself.
        let err = match args.contains(&"always") {
            true => ran.err.replace("\u{1b}[2K", "").replace("\u{1b}[1A", "").replace('\r', ""),
            false => ran.err.clone(),
        };
        assert!(!err.contains(bad), "{args:?}: {err:?}");
        assert!(!err.lines().any(|line| line.starts_with("presort: all is well")), "{args:?}: {err}");
        assert!(!ran.err.is_empty());
    }
}

/// What is wrong with a line, and what to do about that, is in the summary as well as in the report.
#[test]
fn the_summary_says_what_is_wrong_with_a_line() {
    let dir = Dir::new();
    let good = "{\"email\":\"a@example.com\"}\n";
    let cases: [(&[u8], &[&str]); 7] = [
        (b"{\"email\":NaN}\n", &["NaN is not a JSON value, at byte 9 of the line", "write null"]),
        (b"{\"email\":\"caf\xe9@example.com\"}\n", &["not UTF-8, at byte 13", "--encoding windows-1252"]),
        (b"{\"email\":\"b@example.com\",}\n", &["a comma with nothing behind it, at byte 24", "remove the comma"]),
        (b"{'email':1}\n", &["single quote", "use double quotes"]),
        (b"{\"email\":\"b@exam\n", &["in the middle of a value, at byte 16"]),
        (b"{\"email\":\"b@exam", &["the last line is incomplete, it ends at byte 16", "probably cut off"]),
        (b"{\"email\":\"b@exam\xc3", &["the last line is incomplete", "probably cut off"]),
    ];
    for (line, says) in cases {
        let input = [good.as_bytes(), line].concat();
        dir.write("in", &input);
        let piped = dir.feed(&["clean", "--format", "ndjson"], &input).exits(1).says(says);
        let ran = dir.run(&["clean", "in", "--format", "ndjson", "--report", "report", "--force"]).exits(1).says(says);
        assert!(piped.err.contains("SYN001") && ran.err.contains("SYN001"));
        let line = &dir.lines("report")[0];
        let told = format!("{}; {}", line["message"].as_str().unwrap(), line["help"].as_str().unwrap());
        for text in says {
            assert!(told.contains(text), "{text}: {told}");
        }
        dir.run(&["check", "in"]).exits(1).says(says);
    }
}

#[test]
fn one_custom_field_under_its_name_and_its_label_is_given_twice() {
    let dir = Dir::new();
    dir.write("in", "{\"email\":\"k2@x.example\",\"cf:Shirt Size\":\"L\",\"cf:Shirt_Size\":\"M\"}\n");
    dir.write("one", "{\"email\":\"k2@x.example\",\"cf:shirt-size\":\"L\",\"cf:Hat\":\"M\"}\n");
    let field = r#"{"custom_field_id":"x","label":"Shirt Size","name":"Shirt_Size","type":"string"}"#;
    dir.write("names", format!(r#"{{"custom_fields":[{field}]}}"#));
    let page = format!(r#"{{"custom_fields":[{field}],"_links":{{"next":{{"href":"/v3/x?cursor=abc"}}}}}}"#);
    dir.write("page", &page);
    dir.write("pages", format!("{page}\n{{\"custom_fields\":[]}}"));
    for (name, text) in [("empty", ""), ("blank", "\n cf:\n"), ("csv", "\"Shirt Size\"\n"), ("utf16", "\u{0}S\u{0}h")] {
        dir.write(name, text);
    }
    let args = ["clean", "--format", "ndjson", "--report", "report", "--force", "--custom-fields"];
    let run = |input: &str, names: &str| dir.run(&[&args[..], &[names, input]].concat());
    for names in ["names", "pages"] {
        let ran = run("in", names).exits(1);
        assert_eq!((ran.text(), dir.codes("report")), ("", vec!["CON003".to_owned()]));
    }
    run("one", "names").exits(1);
    let report = dir.lines("report");
    assert!(report[0]["message"].as_str().unwrap().contains("it has Shirt_Size, which differs by case"), "{report:?}");
    assert!(!report[1]["message"].as_str().unwrap().contains("it has"), "{report:?}");
    for (names, says) in [
        ("page", "one page of several"),
        ("empty", "names no custom field"),
        ("blank", "names no custom field"),
        ("csv", "in quotes"),
        ("utf16", "UTF-16BE"),
    ] {
        run("in", names).exits(2).says(&[names, says]);
    }
}

/// The settings of a library skip no check that nobody asked to skip.
#[test]
fn consent_of_tomorrow_is_bad_by_default() {
    use presort::rules::{Settings, date::Date};
    assert_eq!(Settings::default().as_of, Date::today());
}

#[test]
fn custom_fields_from_either_file() {
    let dir = Dir::new();
    dir.write("in", body(r#"{"email":"a@example.com","cf:Tier":"gold","cf:Teir":"silver"}"#));
    dir.write("names", "Tier\r\n\n  cf:Joined on \n");
    let json = json!({"custom_fields": [{"custom_field_id": "1", "label": "Tier", "name": "Tier", "type": "string"}]});
    dir.write("json", json.to_string());
    let args = ["clean", "in", "--report", "report", "--receipt", "receipt", "--force"];
    dir.run(&[&args[..], &["-o", "out"]].concat()).exits(0).says(&["names of custom fields were not checked"]);
    assert_eq!(dir.json("receipt")["custom_field_names_checked"], false);
    dir.write("spaced", body(r#"{ "email":"a@example.com","cf:Tier":null}"#));
    dir.run(&["clean", "spaced"]).exits(0).says(&["names of custom fields were not checked"]);
    dir.write("none", body(r#"{"email":"a@example.com"}"#));
    assert!(!dir.run(&["clean", "none"]).exits(0).err.contains("names of custom fields"));
    for file in ["names", "json"] {
        let ran = dir.run(&[&args[..], &["--custom-fields", file]].concat()).exits(1);
        assert_eq!(ran.text(), body(r#"{"email":"a@example.com","cf:Tier":"gold"}"#), "{file}");
        assert_eq!(dir.codes("report"), ["CUS003"]);
        assert_eq!(dir.json("receipt")["custom_field_names_checked"], true);
        assert!(!ran.err.contains("names of custom fields"), "{}", ran.err);
    }
    dir.write("bad", "{\"fields\":[]}");
    dir.run(&[&args[..], &["--custom-fields", "bad"]].concat()).exits(2).says(&["bad", "custom_fields"]);
    dir.run(&[&args[..], &["--custom-fields", "nothing"]].concat()).exits(2).says(&["cannot read nothing"]);
}

#[test]
fn what_counts_as_today() {
    let dir = Dir::new();
    let sms = r#"{"email":"a@example.com","sms_number":"617-555-0123","sms_consent_date":"2024-03-02"}"#;
    dir.write("in", body(sms).replace("not_set", "explicit"));
    dir.run(&["clean", "in", "--as-of", "2024-03-02"]).exits(0);
    let ran = dir.run(&["clean", "in", "--as-of", "2024-03-01", "--report", "report"]).exits(1);
    assert!(dir.codes("report").contains(&"SMS005".to_owned()));
    assert_eq!(contacts(&ran.json())[0], json!({"email": "a@example.com"}));
    dir.run(&["clean", "in"]).exits(0);
}

#[test]
fn the_longest_email() {
    let dir = Dir::new();
    let email = format!("{}@example.com", "x".repeat(39));
    assert_eq!(email.len(), 51);
    dir.write("in", body(&format!("{{\"email\":\"{email}\"}}")));
    dir.run(&["clean", "in", "--report", "report"]).exits(1).says(&["EML004"]);
    assert!(dir.lines("report")[0]["message"].as_str().unwrap().contains("51 characters, at most 50"));
    dir.run(&["clean", "in", "--email-max", "51"]).exits(0);
    dir.run(&["clean", "in", "--email-max", "80"]).exits(0);
}

#[test]
fn sizes_have_units() {
    let dir = Dir::new();
    dir.write("in", body(A));
    for (size, bytes) in [
        ("1234", 1234),
        ("2kB", 2000),
        ("2KiB", 2048),
        ("4M", 4_000_000),
        ("4MB", 4_000_000),
        ("4MiB", 4_194_304),
        ("1gb", 1_000_000_000),
    ] {
        dir.run(&["clean", "in", "--max-bytes", size, "--receipt", "receipt", "--force"]).exits(0);
        assert_eq!(dir.json("receipt")["limits"]["max_bytes"], bytes, "{size}");
    }
    for size in ["", "0", "4X", "4.5MB", "-1", "lots"] {
        dir.run(&["clean", "in", &format!("--max-bytes={size}")]).exits(2).says(&["--max-bytes"]);
    }
    // Too small for any contact.
    dir.write("array", format!("[{A}]"));
    dir.run(&["clean", "array", "--list-id", LIST, "--max-bytes", "50"]).exits(2).says(&["no room", "--max-bytes"]);
}

#[test]
fn samples_as_tables() {
    let dir = Dir::new();
    let sample = |more: &[&str]| {
        let args = [&["sample", "--contacts", "50", "--format", "csv", "--seed", "7"][..], more].concat();
        String::from_utf8(dir.run(&args).exits(0).out).unwrap()
    };
    let usual = sample(&["--mess", "0"]);
    assert!(usual.starts_with("email,first_name,last_name,job_title,") && !usual.contains('\r'));
    assert_eq!(usual.lines().count(), 51);
    assert_eq!(sample(&["--mess", "0", "--crlf"]), usual.replace('\n', "\r\n"));
    assert_eq!(sample(&["--mess", "0", "--bom"]), format!("\u{feff}{usual}"));
    assert!(sample(&["--quote-all"]).starts_with("\"email\",\"first_name\","));
    for (name, delimiter) in [("semicolon", ';'), ("tab", '\t'), ("pipe", '|'), (";", ';'), ("~", '~'), ("comma", ',')]
    {
        assert!(
            sample(&["--delimiter", name]).starts_with(&format!("email{delimiter}first_name{delimiter}")),
            "{name}"
        );
    }
    assert!(sample(&["--system", "hubspot"]).starts_with("Record ID,First Name,Last Name,Email,"));

    for bad in ["\"", "x", "\n", "", ",,", "é", "semi"] {
        dir.run(&["sample", "-c", "1", "-f", "csv", "--delimiter", bad]).exits(2).says(&["semicolon"]);
    }
    // The options of a table are for tables.
    for option in [&["--crlf"][..], &["--bom"], &["--quote-all"], &["--delimiter", "comma"], &["--delimiter", "tab"]] {
        dir.run(&[&["sample", "-c", "1"][..], option].concat()).exits(2).says(&["--format csv"]);
    }
}

#[test]
fn samples_are_repeatable() {
    let dir = Dir::new();
    let sample = |more: &[&str]| dir.run(&[&["sample", "--contacts", "200"][..], more].concat()).exits(0).out;
    assert_eq!(sample(&["--seed", "7"]), sample(&["--seed", "7"]));
    assert_ne!(sample(&["--seed", "7"]), sample(&["--seed", "8"]));
    assert_eq!(sample(&["--format", "ndjson"]).iter().filter(|b| **b == b'\n').count(), 200);
    // Nothing is wrong with one without a mess.
    let clean = String::from_utf8(sample(&["--mess", "0"])).unwrap();
    dir.write("in", &clean);
    let ran = dir.run(&["clean", "in", "--changes", "changes", "--report", "report"]).exits(0);
    assert_eq!(ran.text(), clean.trim_end_matches('\n'));
    assert_eq!((dir.read("changes"), dir.read("report")), (String::new(), String::new()));
    dir.run(&["clean", "in", "--split", "-o", "bodies"]).exits(0);
    assert_eq!(dir.read("bodies/payload-00001.json"), clean.trim_end_matches('\n'));
    dir.run(&["sample", "--contacts", "1", "-o", "in"]).exits(2).says(&["in is there already"]);
    assert_eq!(dir.read("in"), clean);
}

#[test]
fn output_does_not_depend_on_threads() {
    let dir = Dir::new();
    dir.run(&["sample", "--contacts", "2000", "--mess", "50", "-o", "in"]).exits(0);
    let outputs = |threads: &str| {
        let files = ["--report", "report", "--changes", "changes", "--rejects", "rejects", "--force"];
        dir.run(&[&["clean", "in", "-o", "out", "--threads", threads][..], &files].concat()).exits(1);
        ["out", "report", "changes", "rejects"].map(|name| fs::read(dir.path(name)).unwrap())
    };
    let one = outputs("1");
    for threads in ["2", "7"] {
        assert!(outputs(threads) == one, "{threads}");
    }
}

#[test]
fn a_bench_of_a_tiny_file() {
    let dir = Dir::new();
    dir.write("in", body(A));
    let found = dir.run(&["bench", "in", "--runs", "1", "--format", "json"]).exits(0).json();
    assert_eq!((&found["bytes"], &found["contacts"]), (&json!(body(A).len()), &json!(1)));
    let stages: Vec<_> = found["stages"].as_array().unwrap().iter().map(|row| row["stage"].clone()).collect();
    for stage in ["copy", "read", "split", "parse"] {
        assert!(stages.contains(&json!(stage)), "{stages:?}");
    }
    assert!(dir.run(&["bench", "in", "--runs", "1"]).exits(0).text().contains("MB/s"));
    dir.run(&["bench", "none"]).exits(2).says(&["none: No such file"]);
    assert_eq!(dir.names(), ["in"]);
}

#[test]
fn help_names_examples() {
    let dir = Dir::new();
    for verb in ["clean", "check", "explain", "bench", "sample"] {
        let ran = dir.run(&[verb, "--help"]).exits(0);
        assert!(ran.text().contains("Examples:\n  presort ") || ran.text().contains("Examples:"), "{verb}");
        assert!(ran.text().contains(&format!("presort {verb}")) && ran.err.is_empty(), "{verb}");
    }
    assert!(dir.run(&["--help"]).exits(0).text().contains("Exit status:"));
}

#[test]
fn rules_are_explained() {
    let dir = Dir::new();
    let all = dir.run(&["explain", "--format", "json"]).exits(0).json();
    let codes: Vec<&str> = all.as_array().unwrap().iter().map(|rule| rule["code"].as_str().unwrap()).collect();
    assert!(codes.len() > 40 && codes.contains(&"PHN001"));
    let table = dir.run(&["explain"]).exits(0);
    for code in codes {
        assert!(table.text().contains(code), "{code}");
        let one = dir.run(&["explain", &code.to_lowercase()]).exits(0);
        assert!(one.text().contains(code), "{code}");
    }
    dir.run(&["explain", "PHN999"]).exits(2).says(&["PHN999 is not a code", "presort explain"]);
}

#[test]
fn permission_to_send_text_messages() {
    let dir = Dir::new();
    let sms = [
        r#"{"email":"a@example.com","sms_number":"617-555-0123"}"#,
        r#"{"sms_number":"617-555-0124"}"#,
        r#"{"sms_number":"617-555-0125","sms_consent_date":"2023-01-31"}"#,
    ]
    .join(",");
    let run = |input: &str, more: &[&str]| {
        dir.write("in", input);
        let args = ["clean", "in", "--report", "report", "--force", "--as-of", "2024-01-01"];
        dir.run(&[&args[..], more].concat())
    };
    let explicit = body(&sms).replace("not_set", "explicit");
    let absent = body(&sms).replace(r#""sms_permission_to_send":"not_set","#, "");
    for (input, options) in [(&explicit, &[][..]), (&absent, &["--sms-permission", "explicit"])] {
        let out = run(input, options).exits(1).json();
        assert_eq!(out["sms_permission_to_send"], "explicit");
        assert_eq!(contacts(&out).len(), 2);
        assert_eq!(contacts(&out)[0], json!({"email": "a@example.com"}));
        assert_eq!(contacts(&out)[1]["sms_consent_date"], "2023-01-31");
        let told: Vec<_> = dir.lines("report").iter().map(|l| json!([l["contact"], l["code"], l["outcome"]])).collect();
        assert!(told.contains(&json!([0, "SMS004", "held_back"])), "{told:?}");
        assert!(told.iter().any(|told| told[0] == 1 && told[2] == "rejected"), "{told:?}");
        assert!(told.iter().all(|told| told[0] != 2), "{told:?}");
    }
    for (input, options, written) in [
        (&body(&sms), &[][..], json!("not_set")),
        (&absent, &[], Value::Null),
        (&explicit, &["--sms-permission", "not_set"], json!("not_set")),
    ] {
        let out = run(input, options).exits(0).json();
        assert_eq!(out["sms_permission_to_send"], written);
        assert_eq!(contacts(&out), contacts(&body(&sms).parse::<Value>().unwrap()));
        let told: Vec<_> = dir.lines("report").iter().map(|l| json!([l["contact"], l["code"], l["outcome"]])).collect();
        assert_eq!(told, [json!([2, "SMS007", "kept"])]);
    }
}

#[test]
fn lists_are_tidied() {
    let dir = Dir::new();
    let lists = format!(r#"["{}","{LIST}","{OTHER_LIST}"]"#, LIST.to_uppercase());
    dir.write("in", format!(r#"{{"list_ids":{lists},"import_data":[{A}]}}"#));
    let ran = dir.run(&["clean", "in", "--changes", "changes"]).exits(0);
    assert_eq!(ran.json()["list_ids"], json!([LIST, OTHER_LIST]));
    assert_eq!(dir.codes("changes"), ["ENV006", "ENV005"]);
    let ran = dir.run(&["clean", "in", "--list-id", OTHER_LIST]).exits(0);
    assert_eq!(ran.json()["list_ids"], json!([OTHER_LIST]));
}

#[test]
fn bad_fields_over_long_text_and_the_numbering_plan() {
    let dir = Dir::new();
    let long = "é".repeat(51);
    dir.write("in", body(&format!(r#"{{"email":"a@example.com","city":"{long}","phone":"123-123-1234"}}"#)));
    let first = |ran: Ran| contacts(&ran.json()).first().cloned().unwrap_or_default();
    let ran = dir.run(&["clean", "in"]).exits(1);
    assert_eq!(first(ran), json!({"email": "a@example.com", "phone": "123-123-1234"}));
    let ran = dir.run(&["clean", "in", "--truncate"]).exits(0);
    assert_eq!(first(ran)["city"], "é".repeat(50));
    let ran = dir.run(&["clean", "in", "--bad-field", "reject"]).exits(1).says(&["0 accepted, 1 rejected"]);
    assert!(ran.out.is_empty());
    let ran = dir.run(&["clean", "in", "--truncate", "--nanp"]).exits(1);
    assert_eq!(first(ran)["phone"], Value::Null);
}

#[test]
fn replacing_leaves_no_stale_body() {
    let dir = Dir::new();
    let five: Vec<String> = (0..5).map(|i| format!("{{\"email\":\"p{i}@example.com\"}}")).collect();
    dir.write("in", body(&five.join(",")));
    dir.run(&["clean", "in", "--split", "-o", "bodies", "--max-contacts", "1"]).exits(0);
    assert_eq!(names(&dir.path("bodies")).len(), 6);
    dir.run(&["clean", "in", "--split", "-o", "bodies", "--max-contacts", "3"]).exits(2).says(&["holds 5 bodies"]);
    assert_eq!(names(&dir.path("bodies")).len(), 6);
    dir.run(&["clean", "in", "--split", "-o", "bodies", "--max-contacts", "3", "--replace"]).exits(0);
    assert_eq!(names(&dir.path("bodies")), ["payload-00001.json", "payload-00002.json", "receipt.json"]);
    let receipt = dir.json("bodies/receipt.json");
    assert_eq!(receipt["payloads"].as_array().unwrap().len(), 2);
}

/// Consent is that of the body the contacts go to, whichever input they come from.
#[test]
fn consent_of_the_body_holds_for_every_input() {
    let dir = Dir::new();
    dir.write(
        "body",
        format!(
            r#"{{"list_ids":["{LIST}"],"sms_permission_to_send":"explicit","import_data":[{{"email":"a@example.com"}}]}}"#
        ),
    );
    dir.write("array", r#"[{"sms_number":"508-123-1235"}]"#);
    let ran = dir.run(&["clean", "body", "array", "--split", "-o", "bodies", "--rejects", "rejects", "--bare-rejects"]);
    ran.exits(1).says(&["SMS004", "array: line 1, contact 0"]);
    assert_eq!(dir.read("rejects"), "{\"sms_number\":\"508-123-1235\"}\n");
}

/// A path that is not UTF-8 is a path: the summary and the page repeat the command all the same.
#[cfg(unix)]
#[test]
fn paths_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt;
    let dir = Dir::new();
    let name = std::ffi::OsString::from_vec(b"n\xff.csv".to_vec());
    std::fs::write(dir.path("").join(&name), "email\na@example.com\nbad\n").unwrap();
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_presort"))
        .current_dir(dir.path(""))
        .arg("clean")
        .arg(&name)
        .args(["--format", "ndjson", "-o", "out", "--html", "page.html"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&program.stderr).into_owned();
    assert_eq!(program.status.code(), Some(1), "{text}");
    assert!(text.contains("1 accepted, 1 rejected") && text.contains("next: "), "{text}");
    assert!(dir.read("page.html").contains("presort clean"));
}
