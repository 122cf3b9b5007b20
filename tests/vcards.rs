//! vCards from outside: what phones and address books write, what is wrong with it, rejects that come back.

#![cfg(feature = "cli")]

mod common;

use common::{Dir, Ran};
use serde_json::{Value, json};
use std::fs;

const OUTPUTS: [&str; 5] = ["out", "report", "changes", "rejects", "receipt"];

/// Cleans vCards to lines: from a file and from a pipe, in one thread and in two. All must give the same.
#[track_caller]
fn clean(dir: &Dir, input: impl AsRef<[u8]>, options: &[&str]) -> Ran {
    dir.write("in", input.as_ref());
    let mut runs = Vec::new();
    for (threads, is_pipe) in [("1", true), ("2", true), ("2", false)] {
        OUTPUTS.iter().for_each(|name| {
            let _ = fs::remove_file(dir.path(name));
        });
        let mut args = vec!["clean", "--format", "ndjson", "-o", "out", "--threads", threads];
        args.extend(["--report", "report", "--changes", "changes", "--rejects", "rejects", "--receipt", "receipt"]);
        args.extend(options);
        let ran = if is_pipe { dir.feed(&args, input.as_ref()) } else { dir.run(&[&args[..], &["in"]].concat()) };
        let read = |name: &&str| {
            let text = String::from_utf8_lossy(&fs::read(dir.path(name)).unwrap_or_default()).into_owned();
            text.replace("\"standard input\"", "\"in\"")
        };
        let files: Vec<String> = OUTPUTS[..4].iter().map(read).collect();
        runs.push((ran.code(), files, ran));
    }
    let (code, files, ran) = runs.remove(2);
    for (other_code, other_files, other) in &runs {
        assert_eq!((other_code, other_files), (&code, &files), "{}\n{}", ran.err, other.err);
    }
    ran
}

fn card(lines: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{lines}\r\nEND:VCARD\r\n")
}

/// An address book as a phone exports it.
fn address_book() -> String {
    let photo: String = (0..40).map(|_| format!(" {}\r\n", "QUJD".repeat(18))).collect();
    let old = format!(
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;;\r\n\
         FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen M=\r\n=C3=BCller\r\nTEL;CELL;PREF:617-555-0101\r\nTEL;WORK:617-555-0102\r\n\
         TEL;FAX;WORK:617-555-0103\r\nEMAIL;HOME:jurgen@example.com\r\nEMAIL;WORK;PREF:j.mueller@example.com\r\n\
         ADR;HOME:;;1 Main St;Boston;MA;02139;USA\r\nORG:Acme\r\nTITLE:Dr.\r\nBDAY:1980-02-03\r\n\
         PHOTO;ENCODING=BASE64;JPEG:QUJD\r\n{photo}\r\nEND:VCARD\r\n"
    );
    let three = card(
        "N:Li;Ana;;;\r\nFN:Ana Li\r\nitem1.EMAIL;type=INTERNET:ana@exam\r\n ple.com\r\nitem1.X-ABLabel:_$!<Home>!$_\r\n\
         item2.ADR;type=WORK:;;2 B St\\nSuite 5;New York;NY;10001;\r\nitem3.TEL:617-555-0104\r\nitem3.X-ABLabel:_$!<Mobile>!$_\r\n\
         item4.X-ABDATE:2010-05-06\r\nitem4.X-ABLabel:_$!<Anniversary>!$_",
    );
    let four = "BEGIN:VCARD\nVERSION:4.0\nFN:Bo Wu\nEMAIL;PREF=1:mailto:bo@example.com\nBDAY:--0711\n\
        TEL;VALUE=uri;TYPE=\"voice,home\":tel:+1-617-555-0105\nTEL;TYPE=home:617-555-0106\nEND:VCARD\n";
    format!("{old}{three}\r\n{four}")
}

#[test]
fn an_address_book_of_three_versions() {
    let dir = Dir::new();
    clean(&dir, address_book(), &[]).exits(0).says(&["vcard", "EMAIL;2", "TEL;FAX"]);
    assert_eq!(
        dir.lines("out"),
        [
            json!({"email": "j.mueller@example.com", "first_name": "Jürgen", "last_name": "Müller", "mobile_phone": "617-555-0101",
                "work_phone": "617-555-0102", "home_street": "1 Main St", "home_city": "Boston", "home_state": "MA",
                "home_zip": "02139", "home_country": "USA", "company_name": "Acme", "job_title": "Dr.",
                "birthday_month": 2, "birthday_day": 3}),
            json!({"email": "ana@example.com", "first_name": "Ana", "last_name": "Li", "mobile_phone": "617-555-0104",
                "work_street": "2 B St Suite 5", "work_city": "New York", "work_state": "NY", "work_zip": "10001",
                "anniversary": "2010-05-06"}),
            json!({"email": "bo@example.com", "first_name": "Bo", "last_name": "Wu", "phone": "617-555-0106",
                "home_phone": "617-555-0105", "birthday_month": 7, "birthday_day": 11}),
        ]
    );
    let receipt = dir.json("receipt");
    assert_eq!(receipt["input"][0]["shape"], "vcard");
    dir.run(&["clean", "--split", "-o", "bodies", "--list-id", common::LIST, "in"]).exits(0);
    let maps = dir.run(&["map", "in"]).exits(0);
    assert!(maps.text().contains("\"TEL;CELL\" = \"mobile_phone\""), "{}", maps.text());
}

#[test]
fn findings_have_the_place_and_the_property() {
    let dir = Dir::new();
    let text = format!("\r\n{}{}", card("FN:A\r\nEMAIL:a@example.com"), card("EMAIL:b@@example.com\r\nTEL;CELL:12"));
    clean(&dir, &text, &[]).exits(1).says(&["1 accepted", "1 rejected"]);
    let report = dir.lines("report");
    assert_eq!(
        (&report[0]["contact"], &report[0]["line"], &report[0]["column"]),
        (&json!(1), &json!(7), &json!("EMAIL")),
        "{report:?}"
    );
    let second = text.rfind("BEGIN").unwrap();
    assert_eq!(report[0]["offset"], json!(second));
}

#[test]
fn a_card_without_an_end_is_rejected() {
    let dir = Dir::new();
    let open = "BEGIN:VCARD\nVERSION:3.0\nFN:Open\nEMAIL:open@example.com\n";
    let good = card("FN:A\r\nEMAIL:a@example.com");
    clean(&dir, format!("{open}{good}text\n{open}"), &[]).exits(1).says(&["1 accepted", "3 rejected", "TAB003"]);
    let rejects = dir.lines("rejects");
    assert_eq!((rejects.len(), &rejects[0]["EMAIL"]), (3, &json!("open@example.com")));
    let lines: Vec<&Value> = rejects.iter().map(|reject| &reject["presort"]["line"]).collect();
    assert_eq!(lines, [&json!(1), &json!(10), &json!(11)]);
    // Fed back in, the names are known.
    let again = fs::read(dir.path("rejects")).unwrap();
    clean(&dir, again, &["--map", "auto"]).exits(1).says(&["2 accepted", "1 rejected"]);
}

#[test]
fn encodings_of_cards() {
    let dir = Dir::new();
    let text = card("FN:Jürgen Müller\r\nEMAIL:j@example.com");
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let named =
        [b"BEGIN:VCARD\nN;CHARSET=ISO-8859-1:M\xfcller;J\xfcrgen\nEMAIL:j@example.com\nEND:VCARD\n", "é".as_bytes()]
            .concat();
    for (bytes, code) in [(text.clone().into_bytes(), 0), (latin, 0), (wide, 0), (named, 1)] {
        clean(&dir, &bytes, &[]).exits(code);
        assert_eq!(
            dir.lines("out"),
            [json!({"email": "j@example.com", "first_name": "Jürgen", "last_name": "Müller"})]
        );
    }
    let bad = card("FN;ENCODING=QUOTED-PRINTABLE:J=FCrgen\r\nEMAIL:j@example.com");
    clean(&dir, bad, &[]).exits(1).says(&["TAB004", "--encoding windows-1252"]);
}

#[test]
fn photos_and_long_cards() {
    let dir = Dir::new();
    let photo = |len: usize| {
        let lines: String = (0..len / 60).map(|_| format!(" {}\r\n", "QUJD".repeat(15))).collect();
        card(&format!("FN:A\r\nPHOTO;ENCODING=b;TYPE=JPEG:QUJD\r\n{lines}EMAIL:a@example.com"))
    };
    // A picture does not count, as long as the card can be held.
    clean(&dir, photo(3 << 20), &[]).exits(0);
    assert_eq!(dir.lines("out"), [json!({"email": "a@example.com", "first_name": "A"})]);
    let small = card("FN:B\r\nEMAIL:b@example.com");
    clean(&dir, format!("{}{small}", photo(17 << 20)), &[]).exits(1).says(&["1 accepted", "1 rejected", "SYN002"]);
    // So does text that is no member; a value that is too long is the rules' business.
    clean(&dir, card(&format!("EMAIL:a@example.com\r\nNOTE:{}", "x".repeat(2 << 20))), &[]).exits(0);
}

#[test]
fn formats_by_name_and_together() {
    let dir = Dir::new();
    dir.write("book.txt", card("FN:A\r\nEMAIL:a@example.com").as_bytes());
    dir.write("b.csv", b"email\nb@example.com\n");
    dir.write("c.json", b"{\"email\":\"c@example.com\"}\n");
    dir.run(&["clean", "--format", "ndjson", "-o", "all", "book.txt", "b.csv", "c.json"]).exits(0);
    assert_eq!(dir.lines("all").len(), 3);
    dir.run(&["clean", "--format", "ndjson", "--from", "vcard", "b.csv"]).exits(1).says(&["TAB003"]);
    dir.run(&["clean", "--format", "ndjson", "--from", "json", "book.txt"]).exits(2).says(&["vCards"]);
    dir.write("list", card("FN:A\r\nEMAIL:a@example.com").as_bytes());
    dir.run(&["clean", "--format", "ndjson", "--suppress", "list", "book.txt"]).exits(1).says(&["OPT004"]);
    dir.write("empty", b"\n");
    dir.run(&["clean", "--format", "ndjson", "--from", "vcard", "empty"]).exits(2);
}
