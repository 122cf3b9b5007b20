//! Zip archives from outside: members as inputs, from a file and from a pipe, and what is wrong with them.

#![cfg(all(feature = "cli", feature = "compression"))]

mod common;

use common::zip::{How, zip};
use common::{Dir, Ran};
use flate2::Compression;
use std::io::Write;

const MEMBERS: [(&str, &[u8]); 7] = [
    ("a.csv", b"email,name\na@example.com,A\n"),
    ("__MACOSX/._a.csv", b"\0\x05\x16\x07"),
    ("sub/", b""),
    ("sub/.DS_Store", b"\0\0\0\x01Bud1"),
    ("../../b.csv", b"Email;First Name\nb@example.com;B\nbad;C\n"),
    ("readme.txt", b"These are our contacts, enjoy.\n"),
    ("a.csv", b"{\"email\":\"c@example.com\"}\n"),
];

/// From a file, from a pipe and redirected: all give the same.
#[track_caller]
fn clean(dir: &Dir, archive: &[u8]) -> Ran {
    dir.write("in.zip", archive);
    let args = ["clean", "--format", "ndjson", "-o", "out", "--force", "--receipt", "receipt", "--rejects", "rejects"];
    let pipe = dir.feed(&args, archive);
    let out = std::fs::read(dir.path("out")).unwrap_or_default();
    let file = dir.run(&[&args[..], &["--report", "report", "in.zip"]].concat());
    assert_eq!(pipe.code(), file.code(), "{}\n{}", pipe.err, file.err);
    assert_eq!(out, std::fs::read(dir.path("out")).unwrap_or_default());
    file
}

#[test]
fn members_are_inputs_of_their_own() {
    for how in [How::default(), How { is_stored: true, ..How::default() }, How { is_zip64: true, ..How::default() }] {
        let dir = Dir::new();
        let ran = clean(&dir, &zip(&MEMBERS, how)).exits(1);
        ran.says(&["3 inputs", "in.zip:readme.txt was left out"]);
        assert_eq!(common::emails(&dir.lines("out")), ["a@example.com", "b@example.com", "c@example.com"]);
        let receipt = dir.json("receipt");
        let names: Vec<&str> =
            receipt["input"].as_array().unwrap().iter().map(|input| input["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["in.zip:a.csv", "in.zip:../../b.csv", "in.zip:a.csv"]);
        assert_eq!(receipt["input"][0]["compression"], "zip");
        let finding = &dir.lines("report")[0];
        assert_eq!((&finding["input"], &finding["line"]), (&"in.zip:../../b.csv".into(), &3.into()));
        // Nothing is written under a member's name.
        assert_eq!(dir.names(), ["in.zip", "out", "receipt", "rejects", "report"]);
    }
}

#[test]
fn three_tables_become_bodies() {
    let dir = Dir::new();
    let tables: Vec<(String, String)> = (0..3)
        .map(|i| {
            let rows: String = (0..20_000).map(|n| format!("c{i}-{n}@example.com,Ana\n")).collect();
            (format!("{i}.csv"), format!("email,first_name\n{rows}"))
        })
        .collect();
    let members: Vec<(&str, &[u8])> = tables.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    dir.write("in.zip", zip(&members, How::default()));
    dir.run(&["clean", "--split", "-o", "bodies", "--list-id", common::LIST, "in.zip"]).exits(0).says(&["60,000"]);
    dir.run(&["map", "in.zip"]).exits(2).says(&["3 files in this"]);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let dir = Dir::new();
    let good: [(&str, &[u8]); 1] = [("a.csv", b"email\na@example.com\n")];
    clean(&dir, &zip(&good, How { is_encrypted: true, ..How::default() })).exits(2).says(&["a.csv", "encrypted"]);
    clean(&dir, &zip(&good, How { wrong_crc: true, ..How::default() })).exits(2).says(&["checksum"]);
    let inner = zip(&good, How::default());
    clean(&dir, &zip(&[("inner.zip", &inner)], How::default())).exits(2).says(&["archive in an archive"]);
    clean(&dir, &inner[..inner.len() - 9]).exits(2).says(&["zip archive", "incomplete"]);
    clean(&dir, &zip(&[], How::default())).exits(2).says(&["no files in it"]);
    clean(&dir, &zip(&[("x.bin", b"\0\x01\x02")], How::default())).exits(2).says(&["has contacts", "x.bin"]);
    for (name, word) in [("Index/Document.iwa", "Numbers"), ("word/document.xml", "Office document")] {
        let other: [(&str, &[u8]); 2] = [("[Content_Types].xml", b""), (name, b"")];
        let members = if word == "Numbers" { &other[1..] } else { &other[..] };
        clean(&dir, &zip(members, How::default())).exits(2).says(&[word]);
    }
    // A broken directory ends the run, and never hangs it.
    for at in (0..inner.len()).step_by(3) {
        let mut broken = inner.clone();
        broken[at] ^= 0x55;
        dir.write("in.zip", &broken);
        let code = dir.run(&["check", "-q", "in.zip"]).code();
        assert!((0..=2).contains(&code), "{at}");
    }
}

#[test]
fn a_bomb_ends_the_run() {
    let dir = Dir::new();
    let bomb = vec![b' '; 40 << 20];
    clean(&dir, &zip(&[("a.csv", &bomb)], How::default())).exits(2).says(&["without a contact"]);
    let text = format!("email\na@example.com\n{}", "\n".repeat(40 << 20));
    clean(&dir, &zip(&[("a.csv", text.as_bytes())], How::default())).exits(2).says(&["without a contact"]);
}

#[test]
fn archives_in_a_directory_and_beside_others() {
    let dir = Dir::new();
    let gz = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"email\nz@example.com\n").unwrap();
        encoder.finish().unwrap()
    };
    std::fs::create_dir(dir.path("in")).unwrap();
    dir.write("in/b.zip", zip(&[("z.csv.gz", &gz)], How::default()));
    dir.write("in/a.csv", b"email\na@example.com\n");
    dir.write("in/c.zip", zip(&[], How::default()));
    dir.run(&["clean", "--format", "ndjson", "-o", "out", "in"]).exits(0).says(&["in/c.zip was left out"]);
    assert_eq!(common::emails(&dir.lines("out")), ["a@example.com", "z@example.com"]);
    // Standard input that is no archive is read as before, beside one.
    let args = ["clean", "--format", "ndjson", "-o", "out", "--force", "-"];
    for (text, code) in [("email\np@example.com\n", 0), ("P", 2), ("PK\x03\x04 is no archive\n", 2)] {
        let ran = dir.feed(&args, text.as_bytes());
        assert_eq!(ran.code(), code, "{text} {}", ran.err);
    }
}
