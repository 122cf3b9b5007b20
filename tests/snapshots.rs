//! What a person reads, as snapshots: every help text, and the summaries of runs. A change of wording is a change of a file in
//! `tests/snapshots`; `INSTA_UPDATE=always cargo test --test snapshots` accepts it.

#![cfg(all(feature = "cli", feature = "account", feature = "serve"))]

use insta::assert_snapshot;
use std::path::Path;
use std::process::{Command, Output};

fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_presort"));
    // Help is wrapped to the width of the terminal.
    command.current_dir(dir).args(args).env("COLUMNS", "100").env_remove("PRESORT_ACCOUNT").env_remove("NO_COLOR");
    command.env("XDG_CONFIG_HOME", "/nowhere");
    command.output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn help(args: &[&str]) -> String {
    let output = run(Path::new("."), &[args, &["--help"]].concat());
    assert!(output.status.success(), "{args:?}");
    text(output.stdout)
}

/// Replaces `(0.1 s, 12.3 MB/s)`.
fn without_times(summary: &str) -> String {
    let mut filtered = String::new();
    for line in summary.lines() {
        let times = line.find("/s)").and_then(|end| Some((line[..end].rfind('(')?, end + "/s)".len())));
        match times {
            Some((start, end)) => filtered += &format!("{}([time], [speed]){}\n", &line[..start], &line[end..]),
            None => filtered += &format!("{line}\n"),
        }
    }
    filtered
}

/// The summary of a run, and its exit status.
fn summary(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    format!("{}exit status: {}\n", without_times(&text(output.stderr)), output.status.code().unwrap())
}

/// A directory with `sample.json`, 1,000 contacts of which 200 are messy.
fn sample() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let args = ["sample", "--contacts", "1000", "--mess", "20", "-o", "sample.json"];
    assert!(run(dir.path(), &args).status.success());
    dir
}

#[test]
fn help_of_every_verb() {
    assert_snapshot!("help", help(&[]));
    let verbs = [
        "clean",
        "check",
        "map",
        "explain",
        "bench",
        "sample",
        "account",
        "import",
        "serve",
        "where",
        "receipt",
        "config",
        "completions",
        "man",
    ];
    for verb in verbs {
        assert_snapshot!(format!("help_{verb}"), help(&[verb]));
    }
    for verb in ["merge", "verify"] {
        assert_snapshot!(format!("help_receipt_{verb}"), help(&["receipt", verb]));
    }
    let account = ["init", "lists", "fields", "contacts", "export", "activities", "unsubscribe", "check"];
    for verb in account {
        assert_snapshot!(format!("help_account_{verb}"), help(&["account", verb]));
    }
    for verb in ["lists", "fields"] {
        assert_snapshot!(format!("help_account_{verb}_add"), help(&["account", verb, "add"]));
    }
}

#[test]
fn summary_of_a_body() {
    let dir = sample();
    assert_snapshot!(summary(dir.path(), &["clean", "sample.json", "-o", "out.json"]));
}

#[test]
fn summary_of_bodies_with_rejects() {
    let dir = sample();
    let args = ["clean", "sample.json", "--split", "-o", "bodies", "--rejects", "rejects", "--report", "report"];
    assert_snapshot!(summary(dir.path(), &args));
}

#[test]
fn summary_of_lines_in_colour() {
    let dir = sample();
    let args = ["clean", "sample.json", "--format", "ndjson", "-o", "out", "--color", "always"];
    assert_snapshot!(summary(dir.path(), &args).replace('\x1b', "<ESC>"));
}

#[test]
fn summary_of_a_check() {
    let dir = sample();
    assert_snapshot!(summary(dir.path(), &["check", "sample.json", "--as-of", "2026-01-31"]));
}

#[test]
fn summary_of_broken_input() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("broken.json"), "{\"import_data\":[{\"email\":\"a@example.com\"},{]}").unwrap();
    assert_snapshot!(summary(dir.path(), &["check", "broken.json"]));
}

#[test]
fn summary_of_an_import() {
    let dir = sample();
    assert!(run(dir.path(), &["account", "init", "a.account"]).status.success());
    let list = run(dir.path(), &["account", "lists", "add", "News", "--account", "a.account"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let list = list["list_id"].as_str().unwrap();
    let args = ["import", "--account", "a.account", "--list-id", list, "sample.json"];
    assert_snapshot!(summary(dir.path(), &args));
}

#[test]
fn samples_as_tables() {
    for (name, args) in [
        ("table", &["--contacts", "20", "--mess", "80", "--seed", "5"][..]),
        ("table_of_google", &["--contacts", "3", "--mess", "0", "--system", "google"]),
        ("table_of_salesforce", &["--contacts", "3", "--mess", "0", "--system", "salesforce"]),
    ] {
        let output = run(Path::new("."), &[&["sample", "--format", "csv"], args].concat());
        assert_snapshot!(name, text(output.stdout));
    }
}

#[test]
fn times_are_filtered() {
    assert_eq!(without_times("a (b)\n  to x (0.1 s, 1.3 MB/s); y\n"), "a (b)\n  to x ([time], [speed]); y\n");
}
