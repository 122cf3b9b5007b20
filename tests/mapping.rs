//! Mapping and opt-outs from outside: options, map files, suppression lists, and what is wrong with them.

#![cfg(feature = "cli")]

mod common;

use common::{Dir, emails};
use serde_json::json;

const CLEAN: [&str; 6] = ["clean", "in", "--format", "ndjson", "-o", "out"];

fn clean<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CLEAN[..], &["--report", "report", "--receipt", "receipt", "--force"], more].concat()
}

/// An export under other names, every tenth person of which opted out.
fn export(count: usize) -> String {
    let line = |i: usize| {
        let no = if i.is_multiple_of(10) { "yes" } else { "no" };
        json!({"E-mail": format!("c{i}@example.com"), "First Name": "Ana", "Cell": "617-555-0101", "Tier": "gold", "Unsubscribed": no})
    };
    (0..count).map(|i| format!("{}\n", line(i))).collect()
}

#[test]
fn names_are_mapped_renamed_and_ignored() {
    let dir = Dir::new();
    dir.write("in", export(20));
    dir.run(&clean(&["--map", "auto"])).exits(1).says(&["names:", "not in the output: Tier", "2 opted out"]);
    let first = &dir.lines("out")[0];
    assert_eq!(*first, json!({"email": "c1@example.com", "first_name": "Ana", "mobile_phone": "617-555-0101"}));
    let receipt = dir.json("receipt");
    assert_eq!(receipt["contacts"]["opted_out"], 2);
    assert_eq!(receipt["input"][0]["mapping"]["unmapped"][0]["column"], "Tier");
    let options =
        ["--map", "auto", "--rename", "Tier=cf:Tier", "--rename", "Cell=work_phone", "--ignore", "First Name"];
    dir.run(&clean(&options)).exits(1);
    let first = &dir.lines("out")[0];
    assert_eq!(*first, json!({"email": "c1@example.com", "work_phone": "617-555-0101", "cf:Tier": "gold"}));
    dir.run(&clean(&["--map", "auto", "--unmapped", "custom"])).exits(1);
    assert_eq!(dir.lines("out")[0]["cf:Tier"], "gold");
    dir.run(&clean(&["--map", "auto", "--unmapped", "error"])).exits(2).says(&["Tier"]);
}

/// What the program prints as a map is read back to the same contacts.
#[test]
fn a_map_that_was_printed_does_the_same() {
    let dir = Dir::new();
    dir.write("in", export(50));
    dir.run(&clean(&["--map", "auto"])).exits(1);
    let auto = dir.read("out");
    dir.run(&["map", "in", "-o", "map.toml"]).exits(0);
    dir.run(&clean(&["--map", "map.toml"])).exits(1);
    assert_eq!(dir.read("out"), auto);
    let printed = dir.run(&["map", "in", "--format", "json"]).exits(0);
    let columns = printed.json()["columns"].as_array().unwrap().clone();
    let email = columns.iter().find(|column| column["name"] == "E-mail").unwrap();
    assert_eq!(email["members"], json!(["email"]));
    // A column that the map does not know ends the run before any output.
    dir.write("in", export(50).replace("Tier", "Level"));
    dir.write("out", "older");
    dir.run(&clean(&["--map", "map.toml"])).exits(2).says(&["Level"]);
    assert_eq!(dir.read("out"), "older");
}

#[test]
fn any_number_of_threads_file_or_pipe_is_the_same() {
    let dir = Dir::new();
    // Every fifth needs the thorough way, and the last has a name that the first records do not have.
    let mut text = export(30_000).replace("5@example.com\",", "5@example.com\",\"Full\\u0020Name\":\"x\",");
    text.push_str("{\"E-mail\":\"late@example.com\",\"Nickname\":\"L\"}\n");
    dir.write("in", &text);
    dir.run(&clean(&["--map", "auto", "--threads", "1"])).exits(1).says(&["Nickname"]);
    let expected = [dir.read("out"), dir.read("report")];
    for threads in ["2", "5"] {
        dir.run(&clean(&["--map", "auto", "--threads", threads])).exits(1);
        assert_eq!([dir.read("out"), dir.read("report")], expected, "{threads}");
    }
    let pipe = ["clean", "--format", "ndjson", "-o", "out", "--report", "report", "--force", "--map", "auto"];
    dir.feed(&pipe, text.as_bytes()).exits(1);
    assert_eq!([dir.read("out"), dir.read("report")], expected);
}

#[test]
fn a_bad_map_says_where_and_what() {
    let dir = Dir::new();
    dir.write("in", export(3));
    for (map, texts) in [
        ("[columns]\n\"E-mail\" = \"emale\"\n", &["line 2", "emale", "email"][..]),
        ("[columns]\n\"E-mail\" = \"email\"\n\"E-mail\" = \"phone\"\n", &["line 3", "twice"]),
        ("[columns]\n\"E-mail\" = \"email\"\n\"Mail\" = \"email\"\n", &["line 3", "Mail"]),
        ("[columns\n", &["line 1", "TOML"]),
        ("[colums]\n", &["line 1", "colums"]),
        ("", &["line 1", "[columns]"]),
        ("[columns]\n", &["does not mention", "E-mail", "Tier"]),
    ] {
        dir.write("map", map);
        dir.run(&clean(&["--map", "map"])).exits(2).says(texts);
    }
    dir.run(&clean(&["--map", "nowhere"])).exits(2).says(&["cannot read nowhere"]);
    dir.run(&clean(&["--rename", "Tier=teir"])).exits(2).says(&["Tier", "teir"]);
    dir.run(&clean(&["--rename", "Tier"])).exits(2).says(&["FROM=TO"]);
    dir.run(&["map", "in", "--contact", "/nowhere"]).exits(2).says(&["--contact"]);
    assert!(!dir.path("out").exists());
}

#[test]
fn suppression_lists() {
    let dir = Dir::new();
    dir.write("in", "{\"email\":\"a@example.com\"}\n{\"email\":\"B@example.com\"}\n{\"email\":\"c@example.com\"}\n");
    dir.write("lines", "\u{feff}<b@EXAMPLE.com>\r\nno address\n\n");
    dir.write("export", "[{\"Email Address\":\"c@example.com\",\"First Name\":\"x\"},{\"First Name\":\"y\"}]");
    dir.run(&clean(&["--suppress", "lines", "--suppress", "export"])).exits(1).says(&["2 opted out"]);
    assert_eq!(emails(&dir.lines("out")), ["a@example.com"]);
    assert_eq!(dir.codes("report"), ["OPT004", "OPT004"]);
    for (name, text, says) in [
        ("none", "", "empty"),
        ("words", "no\naddress\n", "no address"),
        ("other", "[{\"Name\":\"x\"}]", "email address"),
    ] {
        dir.write(name, text);
        dir.run(&clean(&["--suppress", name])).exits(2).says(&[name, says]);
    }
}

/// Who is missed in a list is written to: all addresses in a line count, and a pipe is read from its first byte.
#[test]
fn suppression_lists_as_they_come() {
    let dir = Dir::new();
    dir.write("in", "{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n");
    let utf16: Vec<u8> = "\u{feff}Email\r\nb@example.com\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = format!("{},b@example.com\n", "note ".repeat(100_000));
    for list in [
        b"Email,Name\nb@example.com,Bo\n".to_vec(),
        b"\"Li, Bo\";\"b@example.com\"\n".to_vec(),
        b"x@example.com\rb@example.com\r".to_vec(),
        b"BEGIN:VCARD\nEMAIL;TYPE=HOME:b@example.com\nEND:VCARD\n".to_vec(),
        long.into_bytes(),
        utf16,
    ] {
        dir.write("list", list);
        dir.run(&clean(&["--suppress", "list"])).exits(1).says(&["1 opted out"]);
        assert_eq!(emails(&dir.lines("out")), ["a@example.com"]);
    }
    dir.write("some", "b@example.com\nEmail\n?\n");
    dir.run(&clean(&["--suppress", "some"])).exits(1).says(&["some: 2 of 3 lines"]);
}

/// An export from a pipe is longer than what tells that it is one.
#[cfg(unix)]
#[test]
fn a_suppression_list_may_be_a_pipe() {
    use std::io::Write;
    let dir = Dir::new();
    let line = |i: usize| format!("{{\"email\":\"p{i}@example.com\",\"first_name\":\"Ana\"}}\n");
    let all: String = (0..10_000).map(line).collect();
    dir.write("in", &all);
    let made = std::process::Command::new("mkfifo").arg(dir.path("list")).status();
    assert!(made.is_ok_and(|status| status.success()));
    let path = dir.path("list");
    let writer = std::thread::spawn(move || {
        std::fs::OpenOptions::new().write(true).open(path).and_then(|mut pipe| pipe.write_all(all.as_bytes()))
    });
    dir.run(&clean(&["--suppress", "list"])).exits(1).says(&["0 rejected, 10,000 opted out"]);
    assert!(writer.join().unwrap().is_ok());
}

#[test]
fn one_contact_under_other_names_is_a_contact() {
    let dir = Dir::new();
    for (text, count) in [
        (r#"{"Email":"a@example.com","Address":{"City":"Rome"}}"#, 1),
        (r#"{"Email":"a@example.com","tags":[{"n":1}]}"#, 1),
        (r#"{"id":7,"properties":{"email":"a@example.com"}}"#, 1),
        ("{\n \"properties\": {\"email\": \"a@example.com\"}\n}\n", 1),
    ] {
        dir.write("in", text);
        dir.run(&clean(&["--map", "auto"])).exits(0);
        assert_eq!(emails(&dir.lines("out")).len(), count, "{text}");
    }
    // Several people are not one.
    dir.write("in", r#"{"a":{"email":"a@example.com"},"b":{"email":"b@example.com"}}"#);
    dir.run(&clean(&["--map", "auto"])).exits(2).says(&["ENV009"]);
}

#[test]
fn a_name_given_twice_is_one_finding() {
    let dir = Dir::new();
    dir.write(
        "in",
        r#"{"E-mail":"a@example.com","First Name":"A","First Name":"B","First Name":"C","Tier":1,"Tier":2}"#,
    );
    dir.run(&clean(&["--map", "auto"])).exits(1);
    assert_eq!(dir.codes("report"), ["CON003", "CON003"]);
}

#[test]
fn people_who_opted_out_are_rejected_or_kept_with_a_warning() {
    let dir = Dir::new();
    dir.write(
        "in",
        "{\"email\":\"a@example.com\",\"opt_out\":true}\n{\"email\":\"b@example.com\",\"sms_opt_out\":true}\n",
    );
    dir.run(&clean(&[])).exits(1).says(&["1 opted out"]);
    assert_eq!(emails(&dir.lines("out")), ["b@example.com"]);
    dir.run(&clean(&["--opted-out", "keep"])).exits(1);
    assert_eq!(emails(&dir.lines("out")), ["a@example.com", "b@example.com"]);
    assert!(dir.codes("report").contains(&"OPT001".to_owned()));
}

/// Without a map, the program says what the names look like, and which option takes them.
#[test]
fn an_export_under_other_names_is_recognised() {
    let dir = Dir::new();
    dir.write("in", export(10));
    dir.run(&clean(&[])).exits(1).says(&["next:", "--map auto", "presort map"]);
    assert!(dir.lines("out").is_empty());
}

#[test]
fn many_and_long_names() {
    let dir = Dir::new();
    let long = "n".repeat(100_000);
    let mut text = format!("{{\"Email\":\"a@example.com\",\"{long}\":\"x\"}}\n{{\"Email\":\"b@example.com\"}}\n");
    for i in 0..10_500 {
        text.push_str(&format!("{{\"Email\":\"c{i}@example.com\",\"name {i}\":\"x\"}}\n"));
    }
    dir.write("in", text);
    dir.run(&clean(&["--map", "auto"])).exits(0).says(&["and ", " more"]);
    assert_eq!(dir.lines("out").len(), 10_502);
}

/// Each kind of input is in the line of names, and what is left out of any.
#[test]
fn the_summary_has_the_names_of_all_inputs() {
    let dir = Dir::new();
    dir.write("a.csv", "Email,First Name,Shoe Size\na@example.com,Ann,7\n");
    dir.write("b.csv", "Email,Hat Size\nb@example.com,8\n");
    dir.write("c.csv", "Email,First Name,Shoe Size\nc@example.com,Cem,9\n");
    let ran = dir.run(&["check", "a.csv", "b.csv", "c.csv"]);
    ran.says(&["names: 2 of 3 mapped, 1 of 2 mapped; not in the output: Shoe Size, Hat Size"]);
}
