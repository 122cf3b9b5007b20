//! The page of `--html` and the table of `--profile`: what is in them, what never is, and how large they get.

#![cfg(all(unix, feature = "cli"))]

mod common;

use common::{Dir, LIST, body, presort};
use serde_json::json;

const PAGE_MAX: usize = 2_000_000;

/// The page of a check, without what differs between two runs of the same.
fn page(dir: &Dir, args: &[&str]) -> String {
    let ran = dir.run(&[&["check", "--format", "html"], args].concat());
    assert!(ran.code() < 2, "{}", ran.err);
    let text = ran.text().to_owned();
    let varies = |line: &&str| !line.contains("seconds") && !line.contains("per_second") && !line.contains("Command");
    text.lines().filter(varies).map(|line| format!("{line}\n")).collect()
}

/// What is between two texts.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start}")) + start.len();
    &text[from..from + text[from..].find(end).unwrap()]
}

#[test]
fn the_page_has_its_sections_in_order() {
    let dir = Dir::new();
    dir.run(&["sample", "--contacts", "2000", "--mess", "30", "-o", "in"]).exits(0);
    dir.run(&["clean", "in", "--split", "-o", "bodies", "--html", "page.html"]).exits(1);
    let text = dir.read("page.html");
    assert!(text.len() < PAGE_MAX && text.starts_with("<!doctype html>"), "{}", text.len());
    let mut at = 0;
    for id in ["fix", "charts", "fields", "columns", "findings", "rules", "made"] {
        let here = text.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no section {id}"));
        assert!(here > at, "{id}");
        at = here;
    }
    // The sentence says what the receipt says.
    let receipt = dir.json("bodies/receipt.json");
    let count = |name: &str| receipt["contacts"][name].as_u64().unwrap();
    let (accepted, rejected) = (count("accepted"), count("rejected"));
    let sentence = between(&text, "<h1>", "</h1>");
    assert!(sentence.starts_with(&format!("1,{} of 2,000 people are ready to import", accepted - 1000)), "{sentence}");
    assert!(sentence.contains(&format!("; {rejected} are not")) && sentence.contains(" would recover "), "{sentence}");
    // Each code that occurred is explained, and every anchor leads somewhere.
    for code in receipt["findings"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("id=\"rule-{code}\"")), "{code}");
    }
    for anchor in text.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(text.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    // It loads nothing.
    for loads in ["http:", "https:", "src=", "@import", "url(", "<iframe", "<img"] {
        assert!(!text.contains(loads), "{loads}");
    }
    assert_eq!(text.matches("<link ").count(), 1);
    assert!(text.contains(r#"<link rel="icon" href="data:,">"#));
}

#[test]
fn everything_is_escaped() {
    let dir = Dir::new();
    let evil = r#"<script>alert(1)</script>"#;
    let attribute = r#"x" onload="alert(2)"#;
    let contact =
        json!({"email": evil, "first_name": evil, "phone": attribute, evil: evil, "city": "x".repeat(60) + evil});
    let domain = json!({"email": "a@example.com", "phone": attribute, "cf:<b>": evil});
    dir.write("<b>in.json", body(&format!("{contact},{domain},{evil:?}")));
    let json = page(&dir, &["<b>in.json"]);
    let header = format!("email,\"{}\",<i>\na@example.com,{evil},{evil}\nb,c,d\n", attribute.replace('"', "\"\""));
    dir.write("in.csv", header);
    let table = page(&dir, &["in.csv"]);
    let cards = "BEGIN:VCARD\nVERSION:4.0\nFN:<script>x</script>\nEMAIL:<script>\nEND:VCARD\n";
    dir.write("in.vcf", cards);
    for text in [json, table, page(&dir, &["in.vcf"])] {
        assert_eq!(text.matches("<script").count(), 1, "only its own script");
        assert!(!text.contains("onload=\"") && !text.contains("<b>") && !text.contains("<i>"));
        assert!(text.contains("&#60;script") || text.contains("&lt;script"), "it is shown as text");
    }
}

#[test]
fn nothing_of_a_redacted_run_is_in_the_page() {
    let dir = Dir::new();
    let secret = r#"{"email":"secret@gmial.com","first_name":"Secret","phone":"5551234secret","city":"Secretville"}"#;
    let contacts: Vec<&str> = std::iter::repeat_n(secret, 130).collect();
    dir.write("in", body(&format!("{},{}", contacts.join(","), secret.replace('@', "#"))));
    let open = page(&dir, &["in"]);
    assert!(open.contains("Secretville") && open.contains("gmial.com") && open.contains("secret#gmial"));
    dir.write("in.csv", "Email Address,Shoe size\nsecret@gmial.com,secret-size\nsecret,secret-size\n");
    let open = page(&dir, &["in.csv"]);
    assert!(open.contains("secret-size"));
    for input in ["in", "in.csv"] {
        let shared = page(&dir, &[input, "--redact"]).to_lowercase();
        assert!(!shared.contains("secret") && !shared.contains("gmial"), "{input}");
        let profile = dir.run(&["check", input, "--redact", "--profile"]).exits(1);
        assert!(!profile.text().to_lowercase().contains("secret"), "{}", profile.text());
    }
}

#[test]
fn threads_and_pipes_make_no_difference() {
    let dir = Dir::new();
    dir.run(&["sample", "--contacts", "9000", "--mess", "60", "-o", "in"]).exits(0);
    dir.run(&["sample", "--contacts", "4000", "--mess", "60", "--seed", "2", "--format", "ndjson", "-o", "lines"])
        .exits(0);
    let options = ["--as-of", "2026-11-01", "--duplicates", "first"];
    let one = page(&dir, &[&["in", "lines", "--threads", "1"], &options[..]].concat());
    for threads in ["2", "5"] {
        let other = page(&dir, &[&["in", "lines", "--threads", threads], &options[..]].concat());
        assert!(one == other, "{threads} threads");
    }
    let table = |args: &[&str]| {
        let all = [&["check", "--profile", "--format", "json"], args, &options[..]].concat();
        dir.run(&all).exits(1).json()["profile"].clone()
    };
    let file = table(&["in"]);
    assert_eq!(file["contacts"], 9000);
    assert_eq!(file, table(&["in", "--threads", "4"]));
    let piped = [&["check", "--profile", "--format", "json", "-"], &options[..]].concat();
    assert_eq!(dir.feed(&piped, dir.read("in").as_bytes()).exits(1).json()["profile"], file);
}

#[test]
fn a_page_stays_small() {
    let dir = Dir::new();
    // Findings of many rules, with long values that grow when they are escaped, under many long names.
    let mut lines = String::new();
    for i in 0..6000 {
        let value = "<&\"'>".repeat(40);
        lines.push_str(
            &json!({
                "email": format!("{value}{i}"), "phone": value, "home_phone": value, "anniversary": value, "city": value,
                "birthday_day": value, "first_name": value, format!("name {i} {value}"): value, "sms_number": value,
                "zip": value, "work_phone": true, "state": [value],
            })
            .to_string(),
        );
        lines.push('\n');
    }
    dir.write("in", lines);
    let text = page(&dir, &["in"]);
    assert!((200_000..PAGE_MAX).contains(&text.len()), "{}", text.len());
    // Many columns, inputs and bodies.
    for i in 0..40 {
        let names: Vec<String> = (0..300).map(|n| format!("<column {i} {n} {}>", "x".repeat(200))).collect();
        dir.write(
            &format!("t{i}.csv"),
            format!("email,{}\na{i}@example.com,{}\n", names.join(","), "1,".repeat(299) + "1"),
        );
    }
    let inputs: Vec<String> = (0..40).map(|i| format!("t{i}.csv")).collect();
    let mut args =
        vec!["clean", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", "1", "--html", "many.html"];
    args.extend(inputs.iter().map(String::as_str));
    dir.run(&args).exits(0);
    assert!(dir.read("many.html").len() < PAGE_MAX);
    // Nobody at all.
    dir.write("none", body(""));
    assert!(page(&dir, &["none"]).contains("There was nobody to import."));
}

#[test]
fn the_table_of_fields() {
    let dir = Dir::new();
    let contacts: Vec<String> = (0..640)
        .map(|i| format!(r#"{{"email":"p{i}@gmail.com","phone":"508-123-{:04}","city":"Boston"}}"#, i % 10))
        .chain([r#"{"email":"x@gmial.com"}"#.to_owned()])
        .collect();
    dir.write("in", body(&contacts.join(",")));
    let ran = dir.run(&["check", "in", "--profile"]).exits(0);
    let row = |name: &str| {
        ran.text().lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(row("phone")[1..6], ["99.8", "%", "10", "12", "0"]);
    assert!(row("phone").contains(&"999-999-9999"), "{}", ran.text());
    assert!(row("city").contains(&"Boston"));
    assert!(ran.text().contains("1 address of gmial.com may be a typo of gmail.com"), "{}", ran.text());
    let profile = dir.run(&["check", "in", "--profile", "--format", "json"]).exits(0).json()["profile"].clone();
    assert_eq!((&profile["contacts"], &profile["sampled"]), (&json!(641), &json!(11)));
    // Without it there is none.
    assert_eq!(dir.run(&["check", "in", "--format", "json"]).exits(0).json().get("profile"), None);
    dir.run(&["check", "in", "--profile", "--format", "ndjson"]).exits(2);
}

#[test]
fn a_page_has_a_place_of_its_own() {
    let dir = Dir::new();
    dir.write("in", body(r#"{"email":"a@example.com"}"#));
    for clash in [&["--html", "in"][..], &["--html", "out", "-o", "out"], &["--html", "r", "--report", "r"]] {
        let ran =
            dir.feed_with(presort().args([&["clean", "in", "--format", "ndjson", "--force"], clash].concat()), b"");
        assert_eq!(ran.code(), 2, "{clash:?} {}", ran.err);
    }
    dir.write("page", "kept");
    dir.run(&["clean", "in", "-o", "out", "--html", "page"]).exits(2).says(&["page"]);
    assert_eq!(dir.read("page"), "kept");
    dir.run(&["clean", "in", "-o", "out", "--html", "page", "--force"]).exits(0);
    assert!(dir.read("page").contains("1 of 1 person"));
}
