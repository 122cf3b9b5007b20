//! Where a contact of a body came from: receipts, and `presort where`.

#![cfg(all(feature = "cli", feature = "compression"))]

mod common;

use common::{Dir, LIST, Ran, presort, wait};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;

#[track_caller]
fn run(dir: &Dir, args: &[&str]) -> Ran {
    dir.run(args)
}

/// Splits inputs into bodies of seven contacts.
#[track_caller]
fn split(dir: &Dir, more: &[&str]) -> Ran {
    let args = ["clean", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", "7", "--duplicates", "first"];
    let ran = run(dir, &[&args[..], more].concat());
    assert!(ran.code() < 2, "{}", ran.err);
    ran
}

fn receipt(dir: &Dir) -> Value {
    serde_json::from_slice(&fs::read(dir.path("bodies/receipt.json")).unwrap()).unwrap()
}

/// The contacts of a body.
fn contacts(dir: &Dir, file: &str) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&fs::read(dir.path("bodies").join(file)).unwrap()).unwrap();
    body["import_data"].as_array().unwrap().clone()
}

fn where_is(dir: &Dir, file: &str, contact: usize) -> Value {
    run(dir, &["where", &format!("bodies/{file}"), &contact.to_string(), "--format", "json"]).exits(0).json()
}

/// A messy export: a third is rejected, and some are duplicates. The address says which line it is.
fn messy(name: &str, lines: usize) -> String {
    (0..lines)
        .map(|i| match i * 7 % 10 {
            0 | 1 => format!("{{\"email\":\"no address {i}\"}}\n"),
            2 => "{\"email\":\"again@example.com\"}\n".to_owned(),
            3 if i % 4 == 0 => "\n".to_owned(),
            _ => format!("{{\"email\":\"{name}-{}@example.com\",\"first_name\":\" x\"}}\n", i + 1),
        })
        .collect()
}

/// The address of a contact of a body.
fn address(contact: &Value) -> &str {
    contact["email"].as_str().or_else(|| contact["email_address"].as_str()).unwrap()
}

/// Checks of every contact of every body that it is found at the line of its input that its address names.
fn check_all(dir: &Dir, expect_lines: bool) -> usize {
    let receipt = receipt(dir);
    let mut seen = 0;
    let runs = receipt["earlier_runs"].as_array().into_iter().flatten().chain([&receipt]);
    for run in runs {
        for payload in run["payloads"].as_array().unwrap() {
            let file = payload["file"].as_str().unwrap();
            for (i, contact) in contacts(dir, file).iter().enumerate() {
                let place = where_is(dir, file, i);
                seen += 1;
                let address = address(contact);
                if address.starts_with("again@") {
                    continue;
                }
                let (name, line) = address.split_once('@').unwrap().0.rsplit_once('-').unwrap();
                assert!(place["input"].as_str().unwrap().contains(name), "{address}: {place}");
                if expect_lines {
                    assert_eq!(place["line"].as_u64(), line.parse().ok(), "{address}: {place}");
                }
            }
        }
    }
    seen
}

#[test]
fn every_contact_is_found_at_its_line() {
    let dir = Dir::new();
    for name in ["a", "b", "c"] {
        dir.write(name, messy(name, 30));
    }
    split(&dir, &["a", "b", "c"]);
    let receipt = receipt(&dir);
    assert!(receipt["payloads"].as_array().unwrap().len() > 4);
    let seen = check_all(&dir, true);
    assert_eq!(seen as u64, receipt["contacts"]["accepted"].as_u64().unwrap());
    assert!(receipt["contacts"]["rejected"].as_u64().unwrap() > 20, "{receipt}");
    // The ranges are those of the contacts: they end where the first and the last are.
    for payload in receipt["payloads"].as_array().unwrap() {
        let file = payload["file"].as_str().unwrap();
        let from = payload["from"].as_array().unwrap();
        let last = contacts(&dir, file).len() - 1;
        assert_eq!(where_is(&dir, file, 0)["line"], from[0]["first_line"]);
        assert_eq!(where_is(&dir, file, last)["contact"], from[from.len() - 1]["last_contact"]);
        assert_eq!(where_is(&dir, file, last)["line"], from[from.len() - 1]["last_line"]);
    }
    let body = receipt["payloads"][2]["file"].as_str().unwrap();
    let text = run(&dir, &["where", &format!("bodies/{body}"), "3"]).exits(0);
    assert!(text.text().contains("input: ") && text.text().contains("\nline: "), "{}", text.text());
}

#[test]
fn threads_and_pipes_make_no_difference() {
    let dir = Dir::new();
    dir.write("a", messy("a", 3000));
    let mut all = Vec::new();
    for threads in ["1", "2", "5"] {
        let args = ["clean", "a", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", "100", "--replace"];
        run(&dir, &[&args[..], &["--threads", threads]].concat());
        all.push(receipt(&dir)["payloads"].clone());
    }
    assert!(all.iter().all(|payloads| *payloads == all[0]));
    let piped = ["clean", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", "100", "--replace"];
    dir.feed_with(presort().args(piped), messy("a", 3000).as_bytes());
    assert_eq!(receipt(&dir)["payloads"], all[0]);
    let place = where_is(&dir, "payload-00001.json", 50);
    assert!(place["line"].is_null() && place["not_looked_up"].as_str().unwrap().contains("no file"), "{place}");
}

#[test]
fn rejects_that_come_back_are_followed() {
    let dir = Dir::new();
    dir.write("a", messy("a", 30));
    split(&dir, &["a", "--rejects", "rejects"]);
    let rejects = fs::read_to_string(dir.path("rejects")).unwrap();
    let fixed = rejects.replace("no address ", "rejects-");
    // Each line has its own number in its address.
    let fixed: String = fixed
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let mut contact: Value = serde_json::from_str(line).unwrap();
            contact["email"] = format!("rejects-{}@example.com", i + 1).into();
            format!("{contact}\n")
        })
        .collect();
    dir.write("rejects", fixed);
    split(&dir, &["rejects", "--append"]);
    check_all(&dir, true);
    let newest = receipt(&dir)["payloads"][0]["file"].as_str().unwrap().to_owned();
    let place = where_is(&dir, &newest, 0);
    assert_eq!(place["input"], "rejects");
    assert_eq!(place["rejected_before"]["input"], "a", "{place}");
    let text = run(&dir, &["where", &format!("bodies/{newest}"), "0"]).exits(0);
    assert!(text.text().contains("rejected before: a, contact "), "{}", text.text());
    // And those of the first run are still there.
    assert_eq!(where_is(&dir, "payload-00001.json", 0)["input"], "a");
}

#[test]
fn rows_that_come_back_are_followed() {
    let dir = Dir::new();
    dir.write("t.csv", table());
    split(&dir, &["t.csv", "--rename", "Mail=email", "--rejects", "rejects.csv"]);
    let fixed = fs::read_to_string(dir.path("rejects.csv")).unwrap().replacen("nothing", "fixed@example.com", 1);
    dir.write("rejects.csv", fixed);
    split(&dir, &["rejects.csv", "--rename", "Mail=email", "--append"]);
    let newest = receipt(&dir)["payloads"][0]["file"].as_str().unwrap().to_owned();
    let place = where_is(&dir, &newest, 0);
    assert_eq!((&place["input"], &place["line"]), (&"rejects.csv".into(), &2.into()));
    // The fourth row, behind one that takes two lines.
    assert_eq!(place["rejected_before"], serde_json::json!({"input": "t.csv", "line": 6}), "{place}");
    let text = run(&dir, &["where", &format!("bodies/{newest}"), "0"]).exits(0);
    assert!(text.text().contains("rejected before: t.csv, line 6\n"), "{}", text.text());
}

/// A table whose first column has another name, with a row over two lines.
fn table() -> String {
    let mut text = String::from("Mail,Note\n");
    let mut line = 2;
    for i in 0..30 {
        let note = if i % 5 == 0 { "\"two\nlines\"" } else { "one" };
        let mail = if i % 7 == 3 { "nothing".to_owned() } else { format!("t-{line}@example.com") };
        text += &format!("{mail},{note}\n");
        line += if i % 5 == 0 { 2 } else { 1 };
    }
    text
}

#[test]
fn tables_compressed_inputs_and_archives_are_looked_up() {
    use std::io::Write;
    let gz = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let dir = Dir::new();
    dir.write("t.csv", table());
    split(&dir, &["t.csv", "--rename", "Mail=email"]);
    assert!(check_all(&dir, true) > 20);
    dir.write("t.csv.gz", gz(&table()));
    split(&dir, &["t.csv.gz", "--rename", "Mail=email", "--replace"]);
    assert!(check_all(&dir, true) > 20);
    dir.write("a.gz", gz(&messy("a", 40)));
    split(&dir, &["a.gz", "--replace"]);
    check_all(&dir, true);
    // UTF-16, with a byte order mark.
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(messy("u", 40).encode_utf16()).flat_map(u16::to_le_bytes).collect();
    dir.write("u", utf16);
    split(&dir, &["u", "--replace"]);
    check_all(&dir, true);
    // Within something.
    let lines = messy("w", 40).lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(",\n");
    dir.write("w", format!("{{\"total\":1,\"results\":[{lines}]}}"));
    split(&dir, &["w", "--replace", "--records", "/results"]);
    check_all(&dir, false);
    let place = where_is(&dir, "payload-00001.json", 1);
    assert!(place["line"].as_u64().is_some_and(|line| line > 1) && place["not_looked_up"].is_null(), "{place}");
}

#[test]
fn what_is_no_longer_there_is_said() {
    let dir = Dir::new();
    dir.write("a", messy("a", 40));
    split(&dir, &["a"]);
    // From any directory, by any path.
    fs::create_dir(dir.path("elsewhere")).unwrap();
    let body = dir.path("bodies/payload-00002.json");
    let whole = body.to_str().unwrap().to_owned();
    let at = |args: &[&str]| {
        let mut command = presort();
        command.current_dir(dir.path("elsewhere")).args(args).stdin(Stdio::null());
        wait(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let found = at(&["where", &whole, "3", "--format", "json"]).exits(0).json();
    assert!(found["line"].is_u64() && found["offset"].is_u64(), "{found}");
    assert_eq!(at(&["where", "../bodies/payload-00002.json", "3", "--format", "json"]).exits(0).json(), found);
    // A body that was moved has its receipt elsewhere.
    fs::copy(&body, dir.path("elsewhere/payload-00002.json")).unwrap();
    at(&["where", "payload-00002.json", "3"]).exits(2).says(&["receipt.json", "--receipt"]);
    let moved = at(&["where", "payload-00002.json", "3", "--receipt", "../bodies/receipt.json", "--format", "json"]);
    assert_eq!(moved.exits(0).json(), found);
    for (args, says) in [
        (&["where", &whole, "7"][..], "has 7 contacts"),
        (&["where", "../bodies/payload-00099.json", "0"], "names no body payload-00099.json"),
        (&["where", "../a", "0"], "there is no ../receipt.json"),
    ] {
        at(args).exits(2).says(&[says]);
    }
    // The export has changed: its contacts are known, the line of most is not.
    dir.write("a", messy("a", 41));
    let changed = where_is(&dir, "payload-00002.json", 3);
    assert_eq!(changed["contact"], found["contact"]);
    assert!(
        changed["line"].is_null() && changed["not_looked_up"].as_str().unwrap().contains("has changed"),
        "{changed}"
    );
    assert!(where_is(&dir, "payload-00002.json", 0)["line"].is_u64());
    fs::remove_file(dir.path("a")).unwrap();
    let text = run(&dir, &["where", "bodies/payload-00002.json", "3"]).exits(0);
    assert!(text.text().contains("line: unknown") && text.text().contains("no longer there"), "{}", text.text());
    // The body has changed.
    fs::write(&body, fs::read_to_string(&body).unwrap().replace("a-", "b-")).unwrap();
    run(&dir, &["where", "bodies/payload-00002.json", "3"]).exits(2).says(&["not the body"]);
    // The receipt is of another program.
    dir.write("bodies/receipt.json", "{}");
    run(&dir, &["where", "bodies/payload-00001.json", "3"]).exits(2).says(&["not a receipt"]);
}

/// Ranges: every tenth contact is rejected, and the receipt stays far smaller than the bodies.
#[test]
fn the_receipt_stays_small() {
    let dir = Dir::new();
    let lines: String = (0..100_000)
        .map(|i| match i % 10 {
            3 => "{\"email\":\"nothing\"}\n".to_owned(),
            _ => format!("{{\"email\":\"a-{i}@example.com\"}}\n"),
        })
        .collect();
    dir.write("in", &lines);
    run(&dir, &["clean", "in", "--split", "-o", "bodies", "--list-id", LIST]).exits(1);
    let size = fs::metadata(dir.path("bodies/receipt.json")).unwrap().len();
    assert!(size < 30_000, "{size} bytes for 10,000 gaps");
    assert!(Path::new(&dir.path("bodies/payload-00002.json")).exists());
    let line = where_is(&dir, "payload-00002.json", 5)["line"].as_u64().unwrap();
    assert_eq!(address(&contacts(&dir, "payload-00002.json")[5]), format!("a-{}@example.com", line - 1));
}
