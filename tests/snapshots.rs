//! What a person reads, as snapshots: every help text, and the summaries of runs. A change of wording is a change of a file in
//! `tests/snapshots`; `INSTA_UPDATE=always cargo test --test snapshots` accepts it.

#![cfg(all(feature = "cli", feature = "account", feature = "send", feature = "serve"))]

#[cfg(unix)]
mod support;

use insta::assert_snapshot;
use std::path::Path;
use std::process::{Command, Output};

fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_presort"));
    // Help is wrapped to the width of the terminal.
    command.current_dir(dir).args(args).env("COLUMNS", "100").env_remove("PRESORT_ACCOUNT").env_remove("NO_COLOR");
    command.env("XDG_CONFIG_HOME", "/nowhere").env("XDG_STATE_HOME", dir.join("state"));
    for variable in ["BASE_URL", "CLIENT_ID", "ACCESS_TOKEN"] {
        command.env_remove(format!("PRESORT_{variable}"));
    }
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
        "login",
        "logout",
        "whoami",
        "plan",
        "send",
        "deliver",
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

/// What a person reads of `plan`, `send` and the like, against a simulated service.
#[cfg(unix)]
mod service {
    use super::support::{Deed, Fake, IMPORT, LIST};
    use super::{assert_snapshot, run, text, without_times};
    use serde_json::{Value, json};
    use std::path::Path;

    /// Both outputs of a run, and its exit status.
    fn said(dir: &Path, fake: &Fake, args: &[&str]) -> String {
        let output = run(dir, &[args, &["--base-url", &fake.base()]].concat());
        let both = text(output.stdout) + &without_times(&text(output.stderr));
        let both = both.replace(&fake.address.to_string(), "SERVICE");
        format!("{both}exit status: {}\n", output.status.code().unwrap())
    }

    /// Seven contacts, two of which are rejected, in bodies of two.
    fn bodies() -> (tempfile::TempDir, Fake) {
        let dir = tempfile::tempdir().unwrap();
        let rows: String = ["ann", "bob", "cy", "", "dora", "eve", "nobody"]
            .iter()
            .map(|name| match *name {
                "nobody" => "nobody,x\n".to_owned(),
                "" => ",x\n".to_owned(),
                name => format!("{name}@example.com,gold\n"),
            })
            .collect();
        std::fs::write(dir.path().join("export.csv"), format!("Email,Tier\n{rows}")).unwrap();
        let args = ["clean", "export.csv", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", "2", "-q"];
        let args = [&args[..], &["--rename", "Tier=cf:Tier", "--rejects", "rejects.csv"]].concat();
        assert_eq!(run(dir.path(), &args).status.code(), Some(1));
        (dir, Fake::start())
    }

    const SEND: [&str; 4] = ["send", "bodies", "--rate", "100"];

    #[test]
    fn plan() {
        let (dir, fake) = bodies();
        assert_snapshot!("plan", said(dir.path(), &fake, &["plan", "bodies", "--create-fields"]));
    }

    #[test]
    fn all_is_imported() {
        let (dir, fake) = bodies();
        assert_snapshot!("send", said(dir.path(), &fake, &SEND));
    }

    #[test]
    fn some_are_refused() {
        let (dir, fake) = bodies();
        fake.ends("completed", 1, &["Line 3: the address bounced before"]).ends("timed_out", 2, &[]).ends(
            "completed",
            1,
            &["an odd thing"],
        );
        assert_snapshot!("send_with_refused", said(dir.path(), &fake, &SEND));
    }

    #[test]
    fn errors_about_imported_contacts() {
        let (dir, fake) = bodies();
        fake.ends("completed", 0, &["Line 3: the phone number was left out"]).ends("completed", 0, &[]);
        assert_snapshot!("send_with_lost_values", said(dir.path(), &fake, &[&SEND[..], &["--create-fields"]].concat()));
    }

    #[test]
    fn it_is_stopped() {
        let (dir, fake) = bodies();
        fake.then("POST", IMPORT, Deed::Well).then("POST", IMPORT, Deed::Answer(503, Value::Null));
        fake.then("GET", "/v3/activities", Deed::Answer(503, json!({"message": "later"})));
        assert_snapshot!("send_stopped", said(dir.path(), &fake, &[&SEND[..], &["--retries", "0"]].concat()));
    }

    #[test]
    fn a_delivery() {
        let (dir, fake) = bodies();
        let args = ["deliver", "export.csv", "--list", "News", "--yes", "--rename", "Tier=cf:Tier", "--create-fields"];
        let args = [&args[..], &["--rate", "100", "--as-of", "2026-01-31"]].concat();
        assert_snapshot!("deliver", said(dir.path(), &fake, &args));
    }

    #[test]
    fn a_login() {
        let (dir, fake) = bodies();
        let auth = fake.auth();
        let mut all = said(dir.path(), &fake, &["login", "--client-id", "client-1", "--auth-url", &auth]);
        // The day on which the token ends is a day from now.
        let who = said(dir.path(), &fake, &["whoami"]);
        let ends = who.find("token: ends ").unwrap() + "token: ends ".len();
        all += &format!("{}[time]{}", &who[..ends], &who[ends + "2026-01-31T00:00:00Z".len()..]);
        all += &said(dir.path(), &fake, &["logout"]);
        all += &said(dir.path(), &fake, &["login", "--client-id", "another", "--auth-url", &auth]);
        assert_snapshot!("login", all);
    }

    #[test]
    fn what_cannot_be() {
        let (dir, fake) = bodies();
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        let mut all = String::new();
        for of in ["empty", "missing", "export.csv"] {
            all += &said(dir.path(), &fake, &["send", of]);
        }
        fake.model().lists.clear();
        all += &said(dir.path(), &fake, &SEND);
        fake.model().tokens = ["another".to_owned()].into();
        all += &said(dir.path(), &fake, &SEND);
        let body = dir.path().join("bodies/payload-00002.json");
        std::fs::write(&body, std::fs::read_to_string(&body).unwrap().replace("gold", "iron")).unwrap();
        all += &said(dir.path(), &fake, &SEND);
        assert_snapshot!("send_errors", all);
    }
}
