//! `presort send` and its helpers from outside, against a service that fails as the test wants it.

#![cfg(all(unix, feature = "cli", feature = "send"))]

mod common;
mod support;

use common::{Dir, Ran, kill, presort, wait};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;
use support::{Deed, Fake, IMPORT, LIST};

/// A directory with bodies of three contacts each, and an empty state directory.
fn bodies(contacts: u64) -> Dir {
    let dir = Dir::new();
    let lines: String =
        (0..contacts).map(|i| format!("{{\"email\":\"c{i}@example.com\",\"cf:Tier\":\"gold\"}}\n")).collect();
    dir.write("export.ndjson", lines);
    let args = ["clean", "export.ndjson", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", "3", "-q"];
    dir.run(&args).exits(0);
    dir
}

/// The program in a state directory of its own, with these arguments and the address of a service, which may be any.
fn command_at(dir: &Dir, base: &str, args: &[&str]) -> Command {
    let mut command = presort();
    command.args(args).args(["--base-url", base]).env("XDG_STATE_HOME", dir.path("state"));
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    command
}

/// The same with the address of the simulated service.
fn command(dir: &Dir, fake: &Fake, args: &[&str]) -> Command {
    command_at(dir, &fake.base(), args)
}

fn run(dir: &Dir, fake: &Fake, args: &[&str]) -> Ran {
    dir.feed_with(&mut command(dir, fake, args), b"")
}

fn send(dir: &Dir, fake: &Fake, more: &[&str]) -> Ran {
    run(dir, fake, &[&["send", "bodies", "--rate", "100"], more].concat())
}

fn result(dir: &Dir) -> Value {
    let result = dir.json("bodies/result.json");
    let n = |name: &str| result["contacts"][name].as_u64().unwrap();
    assert_eq!(n("accepted"), n("imported") + n("refused") + n("unknown") + n("not_sent"), "{result}");
    result
}

#[track_caller]
fn counts(dir: &Dir) -> [u64; 5] {
    let result = result(dir);
    ["accepted", "imported", "refused", "unknown", "not_sent"].map(|name| result["contacts"][name].as_u64().unwrap())
}

fn refused(dir: &Dir) -> Vec<Value> {
    dir.lines("bodies/refused.ndjson")
}

fn events(dir: &Dir, event: &str) -> usize {
    dir.lines("bodies/send.journal").iter().filter(|line| line["event"] == event).count()
}

#[test]
fn all_goes_well() {
    let (dir, fake) = (bodies(8), Fake::start());
    fake.model().fields.push("Tier".into());
    let ran = send(&dir, &fake, &[]).exits(0).says(&["8 of 8 contacts imported", "3 bodies"]);
    assert_eq!(ran.out, b"");
    assert_eq!(counts(&dir), [8, 8, 0, 0, 0]);
    assert_eq!(fake.imported(), [3, 3, 2]);
    assert_eq!(refused(&dir), Vec::<Value>::new());
    let journal = dir.lines("bodies/send.journal");
    for line in &journal {
        assert_eq!((&line["base_url"], &line["account"]), (&json!(fake.base()), &json!("a07e1abc")), "{line}");
    }
    assert!(!dir.read("bodies/send.journal").contains("@example.com"));
    run(&dir, &fake, &["plan", "bodies"]).exits(0).says(&["all of these bodies were sent"]);
    // Again: nothing is sent, and the bodies are verified all the same.
    send(&dir, &fake, &[]).exits(0);
    assert_eq!(fake.imported().len(), 3);
    let body = dir.read("bodies/payload-00002.json");
    dir.write("bodies/payload-00002.json", body.replace("gold", "iron"));
    send(&dir, &fake, &[]).exits(2).says(&["payload-00002.json was changed"]);
    dir.write("bodies/payload-00002.json", body);
    dir.write("bodies/payload-00004.json", "{}");
    send(&dir, &fake, &[]).exits(2).says(&["payload-00004.json is not in the receipt"]);
    // Another service is another delivery.
    std::fs::remove_file(dir.path("bodies/payload-00004.json")).unwrap();
    let other = Fake::start();
    send(&dir, &other, &[]).exits(0).says(&["the account lacks custom fields: Tier"]);
    assert_eq!(other.imported(), [3, 3, 2]);
}

#[test]
fn three_kinds_of_429() {
    let (dir, fake) = (bodies(6), Fake::start());
    let throttled = json!({"error_key": "throttled", "error_message": "slower"});
    let full = json!([{"error_key": "contacts.api.queue", "error_message": "1,000 activities are queued"}]);
    fake.then("POST", IMPORT, Deed::Header(429, throttled.clone(), "Retry-After", "1"))
        .then("GET", "/v3/activities", Deed::Answer(429, throttled.clone()))
        .then("POST", IMPORT, Deed::Well)
        .then("POST", IMPORT, Deed::Answer(429, full));
    send(&dir, &fake, &[]).exits(0);
    assert_eq!(counts(&dir), [6, 6, 0, 0, 0]);
    assert_eq!(fake.imported(), [3, 3]);
    assert!(result(&dir)["bodies"].as_array().unwrap().iter().all(|body| body["sent"] == 1));

    let dir = bodies(6);
    let fake = Fake::start();
    let quota = json!({"error_key": "quota_exceeded", "error_message": "no more today"});
    fake.then("POST", IMPORT, Deed::Well).then("POST", IMPORT, Deed::Answer(429, quota));
    send(&dir, &fake, &[]).exits(3).says(&["quota of today is used up", "T00:00:00Z", "3 not sent"]);
    assert_eq!(counts(&dir)[4], 3);
    // The next day.
    fake.model().ahead = 86_400.0;
    send(&dir, &fake, &[]).exits(0);
    assert_eq!((counts(&dir), fake.imported()), ([6, 6, 0, 0, 0], vec![3, 3]));
}

#[test]
fn its_own_quota_stops_it_too() {
    let (dir, fake) = (bodies(6), Fake::start());
    send(&dir, &fake, &["--quota", "4"]).exits(3).says(&["the 4 requests of today are used up"]);
    assert_eq!(fake.imported().len(), 1);
    assert_eq!(counts(&dir)[4], 3);
    fake.model().ahead = 86_400.0;
    send(&dir, &fake, &["--quota", "8"]).exits(0);
    assert_eq!((counts(&dir), fake.imported().len()), ([6, 6, 0, 0, 0], 2));
}

#[test]
fn errors_of_the_service_and_of_the_network() {
    let (dir, fake) = (bodies(12), Fake::start());
    fake.then("POST", IMPORT, Deed::Answer(503, json!({"message": "later"})))
        .then("POST", IMPORT, Deed::DoneBut(500))
        .then("POST", IMPORT, Deed::Close)
        .then("POST", IMPORT, Deed::CloseAfter)
        .then("POST", IMPORT, Deed::HangAfter(Duration::from_secs(20)))
        .then("GET", "/v3/activities", Deed::Close)
        .then("GET", "/v3/activities", Deed::DoneBut(500));
    send(&dir, &fake, &["--timeout", "2"]).exits(0);
    assert_eq!(counts(&dir), [12, 12, 0, 0, 0]);
    // What arrived without an answer was found, and not sent again.
    assert_eq!(fake.imported(), [3, 3, 3, 3]);
    assert_eq!(events(&dir, "not_there"), 2);
    let found = dir.lines("bodies/send.journal").iter().filter(|line| line["found"] == true).count();
    assert_eq!(found, 3);
}

/// Sends the bodies of another directory than `bodies`.
fn send_dir(dir: &Dir, fake: &Fake, bodies: &str) -> Ran {
    run(dir, fake, &["send", bodies, "--rate", "100"])
}

/// A body that was lost is not taken for one of another directory that has as many contacts: these contacts would be lost.
#[test]
fn an_activity_of_another_delivery_is_not_taken_for_its_own() {
    let (dir, fake) = (bodies(3), Fake::start());
    dir.write(
        "other.ndjson",
        "{\"email\":\"o1@example.com\"}\n{\"email\":\"o2@example.com\"}\n{\"email\":\"o3@example.com\"}\n",
    );
    dir.run(&["clean", "other.ndjson", "--split", "-o", "other", "--list-id", LIST, "-q"]).exits(0);
    fake.then("POST", IMPORT, Deed::Well).then("POST", IMPORT, Deed::Close);
    send(&dir, &fake, &[]).exits(0);
    send_dir(&dir, &fake, "other").exits(0).says(&["1 body sent more than once"]);
    assert_eq!(fake.imported(), [3, 3]);
    let id = |bodies: &str| dir.json(&format!("{bodies}/result.json"))["bodies"][0]["activity_id"].clone();
    assert_ne!(id("bodies"), id("other"));
    assert!(common::names(&dir.path("state/presort/claims")).len() == 1);

    // One is killed while its body goes out, and another directory is sent before it goes on.
    for arrives in [false, true] {
        let fake = Fake::start();
        fake.then("POST", IMPORT, if arrives { Deed::HangAfter(Duration::from_secs(20)) } else { Deed::Close });
        let mut first = command(&dir, &fake, &["send", "bodies", "--rate", "100", "--retries", "0"]);
        let mut first = first.current_dir(dir.path(".")).spawn().unwrap();
        if arrives {
            until(|| !fake.imported().is_empty());
        } else {
            until(|| {
                dir.read("bodies/send.journal")
                    .lines()
                    .any(|line| line.contains(&fake.base()) && line.contains("\"unclear\""))
            });
        }
        let _ = first.kill();
        first.wait().unwrap();
        fake.then("POST", IMPORT, Deed::Close);
        send_dir(&dir, &fake, "other").exits(0);
        send(&dir, &fake, &[]).exits(0);
        let (one, other) = (id("bodies"), id("other"));
        assert_ne!(one, other);
        let mut arrived: Vec<String> = fake.model().contacts.keys().cloned().collect();
        arrived.sort();
        assert_eq!(
            arrived,
            [
                "c0@example.com",
                "c1@example.com",
                "c2@example.com",
                "o1@example.com",
                "o2@example.com",
                "o3@example.com"
            ]
        );
    }
}

/// That a body was found, and not answered, can be seen.
#[test]
fn what_was_found_is_shown() {
    let (dir, fake) = (bodies(6), Fake::start());
    fake.then("POST", IMPORT, Deed::CloseAfter);
    send(&dir, &fake, &[]).exits(0).says(&["1 body not answered, and found among the activities"]);
    let found: Vec<Value> =
        result(&dir)["bodies"].as_array().unwrap().iter().map(|body| body["found"].clone()).collect();
    assert_eq!(found, [json!(true), Value::Null]);
    // A time of the server that is no time is no reason to panic.
    let journal = dir.read("bodies/send.journal");
    let end = journal.lines().position(|line| line.contains("\"sending\"")).unwrap();
    let mut lines: Vec<String> = journal.lines().take(end + 1).map(str::to_owned).collect();
    let mut last: Value = serde_json::from_str(&lines[end]).unwrap();
    last["server_time"] = json!(i64::MIN);
    lines[end] = last.to_string();
    dir.write("bodies/send.journal", lines.join("\n") + "\n");
    send(&dir, &fake, &[]).exits(0);
}

/// A token that may not read the account in one run, and may in the next, sends nothing twice.
#[test]
fn an_account_that_is_named_in_one_run_only_is_the_same() {
    let forbidden = || Deed::Answer(403, json!([{"error_key": "unauthorized"}]));
    for first in [true, false] {
        let (dir, fake) = (bodies(3), Fake::start());
        for is_forbidden in [first, !first, first] {
            if is_forbidden {
                fake.then("GET", "/v3/account/summary", forbidden());
            }
            send(&dir, &fake, &[]).exits(0);
            assert_eq!(counts(&dir), [3, 3, 0, 0, 0]);
        }
        assert_eq!(fake.imported(), [3]);
        // Several accounts: which one is it?
        let journal = dir.read("bodies/send.journal");
        let (own, said) = if first { ("null", "sent to other") } else { ("\"a07e1abc\"", "a07e1abc and other") };
        let other = journal.replace(&format!("\"account\":{own}"), "\"account\":\"other\"");
        dir.write("bodies/send.journal", journal + &other);
        if !first {
            fake.then("GET", "/v3/account/summary", forbidden());
        }
        send(&dir, &fake, &[]).exits(2).says(&["bodies/send.journal", said, "account_read"]);
        assert_eq!(fake.imported(), [3]);
    }
}

/// What the account lacks is looked for after an interruption as well.
#[test]
fn fields_are_created_after_an_interruption() {
    let (dir, fake) = (bodies(3), Fake::start());
    fake.then("POST", IMPORT, Deed::Close);
    send(&dir, &fake, &["--retries", "0"]).exits(3);
    // The journal ends as that of a process that was killed while it sent.
    let journal = dir.read("bodies/send.journal");
    let end = journal.lines().position(|line| line.contains("\"sending\"")).unwrap();
    let lines: Vec<&str> = journal.lines().take(end + 1).collect();
    dir.write("bodies/send.journal", lines.join("\n") + "\n");
    send(&dir, &fake, &["--create-fields"]).exits(0);
    assert_eq!(fake.model().fields, ["Tier"]);
    assert_eq!(fake.imported(), [3]);
}

/// What the service said is kept while a body that failed cannot be sent again.
#[test]
fn answers_are_kept_until_bodies_can_be_sent_again() {
    let (dir, fake) = (bodies(3), Fake::start());
    fake.ends("failed", 3, &["something broke"]);
    send(&dir, &fake, &[]).exits(1);
    let lines = refused(&dir);
    assert_eq!(lines.len(), 3);
    let lists = std::mem::take(&mut fake.model().lists);
    send(&dir, &fake, &["--retry-failed"]).exits(2).says(&["list"]);
    assert_eq!((refused(&dir), counts(&dir)), (lines, [3, 0, 3, 0, 0]));
    fake.model().lists = lists;
    send(&dir, &fake, &["--retry-failed"]).exits(0);
    assert_eq!(counts(&dir), [3, 3, 0, 0, 0]);
}

#[test]
fn a_service_that_is_down_is_left_for_now() {
    let (dir, fake) = (bodies(3), Fake::start());
    for _ in 0..3 {
        fake.then("GET", "/v3/account", Deed::Answer(503, Value::Null));
    }
    send(&dir, &fake, &["--retries", "1"]).exits(3).says(&["503", "run the same command again later"]);
    let gone = format!("http://127.0.0.1:{}/v3", {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    });
    let at = |base: &str, args: &[&str]| dir.feed_with(&mut command_at(&dir, base, args), b"");
    at(&gone, &["send", "bodies", "--retries", "0"]).exits(3).says(&[&gone]);
    // A proxy of the environment is named, without what may be secret in it.
    let (proxy, port) =
        (gone.replace("http://", "http://me:hush@").replace("/v3", ""), gone.split([':', '/']).nth(4).unwrap());
    let mut through = command_at(&dir, "https://service.example/v3", &["send", "bodies", "--retries", "0"]);
    through.env("PRESORT_ACCESS_TOKEN", "t").env("HTTPS_PROXY", proxy).env_remove("NO_PROXY").env_remove("no_proxy");
    let ran = dir.feed_with(&mut through, b"").exits(3).says(&[&format!("through the proxy 127.0.0.1:{port}")]);
    assert!(!ran.err.contains("hush"), "{}", ran.err);
    // What is for this machine goes through none.
    let mut direct = command(&dir, &fake, &["plan", "bodies"]);
    let ran = dir.feed_with(direct.env("HTTP_PROXY", &gone).env("ALL_PROXY", &gone), b"").exits(0);
    assert!(ran.text().contains("Acme"), "{}", ran.err);
    // A plan needs no service.
    let ran = at(&gone, &["plan", "bodies", "--quota", "3"]).exits(0).says(&["nothing was checked", &gone]);
    assert!(ran.text().contains("lists: not checked"), "{}", ran.text());
    at("http://api.cc.email/v3", &["send", "bodies"]).exits(2).says(&["anyone on the way"]);
    dir.feed_with(command(&dir, &fake, &["send", "bodies"]).env("PRESORT_ACCESS_TOKEN", "two words"), b"").exits(2);
}

#[test]
fn bodies_that_fail_and_are_sent_again() {
    let (dir, fake) = (bodies(15), Fake::start());
    fake.ends("completed", 1, &["Line 3: the address is not valid"])
        .ends("failed", 3, &["something broke"])
        .ends("timed_out", 3, &[])
        .ends("completed", 1, &["c9@example.com bounced before"]);
    let bad = json!([{"error_key": "contacts.api.validation.error", "error_message": "not this one"}]);
    for _ in 0..4 {
        fake.then("POST", IMPORT, Deed::Well);
    }
    fake.then("POST", IMPORT, Deed::Answer(400, bad));
    send(&dir, &fake, &[]).exits(1).says(&["4 of 15 contacts imported", "8 refused", "3 unknown", "--retry-failed"]);
    assert_eq!(counts(&dir), [15, 4, 8, 3, 0]);
    let lines = refused(&dir);
    assert_eq!(lines.len(), 8);
    assert_eq!((&lines[0]["mapped_by"], &lines[0]["contact"]["email"]), (&json!("line"), &json!("c1@example.com")));
    assert_eq!((&lines[1]["mapped_by"], &lines[1]["error"]), (&json!("body"), &json!("something broke")));
    assert_eq!((&lines[4]["mapped_by"], &lines[4]["index"]), (&json!("address"), &json!(0)));
    assert_eq!(lines[5]["error"], "not this one");
    // Without being asked to, nothing is sent again.
    send(&dir, &fake, &[]).exits(1);
    assert_eq!(fake.imported().len(), 4);
    send(&dir, &fake, &["--retry-failed"]).exits(1).says(&["13 of 15 contacts imported", "2 refused"]);
    assert_eq!(counts(&dir), [15, 13, 2, 0, 0]);
    assert_eq!(fake.imported().len(), 7);
}

/// A messy export: some rows are rejected, one is empty, and addresses say which line they are on.
fn messy(dir: &Dir, lines: usize, per_body: &str) {
    let rows: String = (2..=lines)
        .map(|line| match line % 5 {
            0 => format!("no address {line},Bad\n"),
            3 if line % 2 == 0 => "\n".to_owned(),
            _ => format!("line-{line}@example.com,Good\n"),
        })
        .collect();
    dir.write("export.csv", format!("Email,First Name\n{rows}"));
    let args = ["clean", "export.csv", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", per_body, "-q"];
    dir.run(&[&args[..], &["--rejects", "rejects.csv"]].concat()).exits(1);
}

#[test]
fn what_is_refused_is_found_in_the_export() {
    let (dir, fake) = (Dir::new(), Fake::start());
    messy(&dir, 41, "10");
    fake.ends("completed", 3, &["Line 11: bad", "line-7@example.com is on the list of bounces", "nobody knows"])
        .ends("failed", 10, &["broken", "Line 5: this is why"])
        .ends("completed", 0, &["Line 2: the phone is not valid"]);
    let ran = send(&dir, &fake, &[]).exits(1);
    let lines = refused(&dir);
    assert_eq!(lines.len(), 3 + 10 + 1);
    for line in lines.iter().filter(|line| !line["index"].is_null()) {
        let address = line["contact"]["email"].as_str().unwrap();
        let expected: u64 = address.trim_start_matches("line-").split('@').next().unwrap().parse().unwrap();
        assert_eq!((&line["from"]["input"], &line["from"]["line"]), (&json!("export.csv"), &json!(expected)), "{line}");
        // The same as presort where says.
        let body = format!("bodies/{}", line["body"].as_str().unwrap());
        let place = dir.run(&["where", &body, &line["index"].to_string(), "--format", "json"]).exits(0).json();
        assert_eq!((&place["line"], &place["contact"]), (&line["from"]["line"], &line["from"]["contact"]));
    }
    assert_eq!((&lines[2]["from"], &lines[2]["outcome"]), (&Value::Null, &Value::Null));
    let outcomes: Vec<&str> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, [["refused"; 12].as_slice(), &["imported"]].concat());
    let own: Vec<&Value> = lines[3..13].iter().filter(|line| line["error"] != "broken").collect();
    assert_eq!((own.len(), &own[0]["index"]), (1, &json!(3)));
    // Ten lines for a person.
    let place = format!("export.csv, line {}: Line 11: bad", lines[0]["from"]["line"]);
    assert!(ran.err.contains(&place) && ran.err.contains("and 3 more"), "{}", ran.err);
    // To be fixed and sent again.
    let again = ["clean", "bodies/refused.ndjson", "--contact", "/contact", "--format", "ndjson", "-q"];
    let again = dir.run(&again).exits(1);
    let emails: Vec<String> = again.text().lines().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect();
    let named = lines.iter().filter_map(|line| line["contact"]["email"].as_str());
    assert_eq!(emails, named.collect::<Vec<_>>());
    // An export that is gone is no reason to fail: the body and the place in it are known.
    std::fs::remove_file(dir.path("export.csv")).unwrap();
    send(&dir, &fake, &[]).exits(1);
    let line = &refused(&dir)[1];
    assert!(line["from"]["line"].is_null() && line["from"]["not_looked_up"].as_str().unwrap().contains("no longer"));
    assert_eq!(line["contact"], lines[1]["contact"]);
}

/// The bodies of a directory by their state, with the addresses in them.
fn addresses(dir: &Dir) -> Vec<(String, BTreeSet<String>)> {
    let result = result(dir);
    let of_body = |body: &Value| {
        let contacts = dir.json(&format!("bodies/{}", body["file"].as_str().unwrap()));
        let contacts = common::contacts(&contacts).iter().map(|contact| contact["email"].as_str().unwrap().to_owned());
        (body["state"].as_str().unwrap().to_owned(), contacts.collect())
    };
    result["bodies"].as_array().unwrap().iter().map(of_body).collect()
}

/// A made-up export with every kind of fault: each of its contacts is in exactly one place, and the service's own books agree.
#[test]
fn every_contact_of_an_export_has_one_answer() {
    let (dir, fake) = (Dir::new(), Fake::start());
    let rows: Vec<String> = (2..=121)
        .map(|line| match line % 10 {
            3 => format!("line-{line},yes\n"),
            7 => format!("line-{line}@example.com,no\n"),
            9 => ",yes\n".to_owned(),
            _ => format!("line-{line}@example.com,yes\n"),
        })
        .collect();
    dir.write("export.csv", format!("Email,Subscribed\n{}", rows.concat()));
    let args = ["clean", "export.csv", "--split", "-o", "bodies", "--list-id", LIST, "--max-contacts", "12", "-q"];
    dir.run(&[&args[..], &["--rejects", "rejects.csv"]].concat()).exits(1);
    fake.ends("completed", 0, &[])
        .ends("completed", 2, &["Line 5: no", "line-22@example.com bounced"])
        .ends("failed", 12, &["broken"])
        .ends("timed_out", 12, &[])
        .ends("completed", 0, &["Line 2: the phone is not valid"]);
    for _ in 0..5 {
        fake.then("POST", IMPORT, Deed::Well);
    }
    fake.then("POST", IMPORT, Deed::Answer(400, json!([{"error_message": "not this one"}]))).then(
        "POST",
        IMPORT,
        Deed::Answer(429, json!({"error_key": "quota_exceeded"})),
    );
    send(&dir, &fake, &["--in-flight", "1"]).exits(3);

    // Each by what the files say.
    let mut places: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    let line = |address: &str| address.trim_start_matches("line-").split('@').next().unwrap().parse::<u64>().unwrap();
    let (header, rejects) =
        dir.read("rejects.csv").split_once('\n').map(|(h, r)| (h.to_owned(), r.to_owned())).unwrap();
    let column = header.split(',').position(|name| name == "presort_line").unwrap();
    for row in rejects.lines() {
        places.entry(row.split(',').nth(column).unwrap().parse().unwrap()).or_default().push("rejected by presort");
    }
    let mut refused_addresses = BTreeSet::new();
    for refused in refused(&dir).iter().filter(|refused| refused["outcome"] == "refused") {
        places.entry(refused["from"]["line"].as_u64().unwrap()).or_default().push("refused by the service");
        refused_addresses.insert(refused["contact"]["email"].as_str().unwrap().to_owned());
    }
    for (state, addresses) in addresses(&dir) {
        for address in addresses {
            match state.as_str() {
                "waiting" => places.entry(line(&address)).or_default().push("not sent"),
                "timed_out" => places.entry(line(&address)).or_default().push("unknown"),
                "failed" | "refused" => assert!(refused_addresses.contains(&address), "{address}"),
                "completed" if refused_addresses.contains(&address) => {}
                "completed" => {
                    assert_eq!(fake.model().contacts.get(&address), Some(&1), "{address}");
                    places.entry(line(&address)).or_default().push("imported");
                }
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!(places.keys().copied().collect::<Vec<_>>(), (2..=121).collect::<Vec<u64>>());
    assert!(places.values().all(|places| places.len() == 1), "{places:?}");
    let count = |place: &str| places.values().filter(|places| places[0] == place).count() as u64;
    let [accepted, imported, refused, unknown, not_sent] = counts(&dir);
    assert_eq!(
        [imported, refused, unknown, not_sent],
        ["imported", "refused by the service", "unknown", "not sent"].map(count)
    );
    assert_eq!([accepted, imported, refused, unknown, not_sent], [84, 34, 26, 12, 12]);
    let rejected = result(&dir)["rejected_by_clean"].as_u64().unwrap();
    assert_eq!((rejected, count("rejected by presort"), accepted + rejected), (36, 36, 120));
    assert_eq!(fake.model().contacts.len() as u64, imported);
}

#[test]
fn an_error_that_names_no_contact_is_kept() {
    let (dir, fake) = (bodies(3), Fake::start());
    fake.ends("completed", 2, &["an odd thing"]);
    send(&dir, &fake, &[]).exits(1);
    // One error is one contact; of the other nothing is said.
    assert_eq!(counts(&dir), [3, 1, 1, 1, 0]);
    let lines = refused(&dir);
    assert_eq!((&lines[0]["error"], &lines[0]["contact"]), (&json!("an odd thing"), &Value::Null));
    assert_eq!(result(&dir)["notes"].as_array().unwrap().len(), 1);
}

#[test]
fn what_the_account_lacks() {
    let (dir, fake) = (bodies(3), Fake::start());
    fake.model().lists.clear();
    send(&dir, &fake, &[]).exits(2).says(&["the account has no list", LIST]);
    assert_eq!((fake.imported().len(), counts(&dir)), (0, [3, 0, 0, 0, 3]));
    fake.model().lists.push(LIST.to_uppercase());
    send(&dir, &fake, &["--create-fields"]).exits(0);
    assert_eq!(fake.model().fields, ["Tier"]);
}

#[test]
fn a_plan_sends_nothing() {
    let (dir, fake) = (bodies(8), Fake::start());
    let ran = run(&dir, &fake, &["plan", "bodies", "--create-fields"]).exits(0);
    for part in [
        "3 bodies with 8 contacts",
        "account \"Acme\"",
        "within one day's quota of 10,000",
        "to the list News",
        "lacks Tier",
        "POST /contact_custom_fields",
    ] {
        assert!(ran.text().contains(part), "{part}: {}", ran.text());
    }
    assert!(!ran.err.contains("were sent"), "{}", ran.err);
    assert_eq!(fake.count("POST", ""), 0);
    assert!(!dir.path("bodies/send.journal").exists());
    // Without the service.
    dir.write("lists", format!("{LIST}\n"));
    dir.write("fields", "Tier\n");
    let mut offline = presort();
    offline.args(["plan", "bodies", "--lists", "lists", "--custom-fields", "fields", "--format", "json"]);
    let plan = dir.feed_with(offline.env("XDG_STATE_HOME", dir.path("state")), b"").exits(0).json();
    assert_eq!((&plan["lists_missing"], &plan["fields_missing"]), (&json!([]), &json!([])));
    let mut offline = presort();
    let offline =
        offline.args(["plan", "bodies"]).env("XDG_STATE_HOME", dir.path("state")).env_remove("PRESORT_ACCESS_TOKEN");
    let ran = dir.feed_with(offline, b"").exits(0);
    assert!(ran.text().contains("lists: not checked"), "{}", ran.text());
    std::fs::remove_file(dir.path("bodies/payload-00001.json")).unwrap();
    run(&dir, &fake, &["plan", "bodies"]).exits(2).says(&["payload-00001.json is missing"]);
}

/// Logs in by the device flow.
fn log_in(dir: &Dir, fake: &Fake) -> Ran {
    let auth = fake.auth();
    let mut login = command(dir, fake, &["login", "--auth-url", &auth]);
    dir.feed_with(login.env("PRESORT_CLIENT_ID", "client-1"), b"").exits(0).says(&["ABCD-EFGH", "logged in"])
}

#[test]
fn a_login_and_a_token_that_expires() {
    let (dir, fake) = (bodies(6), Fake::start());
    fake.model().tokens = ["none yet".to_owned()].into();
    send(&dir, &fake, &[]).exits(2).says(&["wants a token"]);
    log_in(&dir, &fake);
    let ran = run(&dir, &fake, &["whoami"]).exits(0);
    for part in ["Acme", "contact_data", "and is replaced then"] {
        assert!(ran.text().contains(part), "{part}: {}", ran.text());
    }
    // The access token expires between two bodies.
    fake.then("POST", IMPORT, Deed::Well).then("POST", IMPORT, Deed::Answer(401, json!({"error_key": "unauthorized"})));
    let ran = send(&dir, &fake, &[]).exits(0);
    assert_eq!((counts(&dir), fake.imported()), ([6, 6, 0, 0, 0], vec![3, 3]));
    let texts = [ran.err, dir.read("bodies/send.journal"), dir.read("bodies/result.json")].concat();
    assert!(!texts.contains("access-") && !texts.contains("refresh-"), "{texts}");
    let last = fake.model().seen.last().unwrap().token.clone();
    assert_eq!(last.as_deref(), Some("access-2"));
    // Another service does not get the tokens.
    let other = Fake::start();
    other.model().tokens = ["other".to_owned()].into();
    send(&dir, &other, &[]).exits(2);
    assert!(other.model().seen.iter().all(|seen| seen.token.is_none()));
    // The refresh token is good for nothing any more.
    fake.model().refresh = Some("another".into());
    fake.model().tokens = ["another".to_owned()].into();
    send(&dir, &fake, &["--retry-failed"]).exits(2).says(&["invalid_grant", "log in again"]);
    run(&dir, &fake, &["logout"]).exits(0).says(&["are removed"]);
    run(&dir, &fake, &["logout"]).exits(0).says(&["there are no tokens"]);
}

#[test]
fn logins_without_a_refresh_token_and_with_one_that_lasts() {
    let (dir, fake) = (bodies(6), Fake::start());
    // The device flow may give none.
    fake.model().is_short = true;
    log_in(&dir, &fake).says(&["this login ends with its access token"]);
    let ran = run(&dir, &fake, &["whoami"]).exits(0);
    assert!(ran.text().contains("token: ends ") && !ran.text().contains("replaced"), "{}", ran.text());
    fake.model().tokens = ["another".to_owned()].into();
    send(&dir, &fake, &[]).exits(2).says(&["has expired; log in again"]);
    // One that is not replaced when it is used is used again.
    (fake.model().is_short, fake.model().rotates) = (false, false);
    log_in(&dir, &fake);
    let refresh = fake.model().refresh.clone();
    for expired in [json!({"error_key": "unauthorized"}), Value::Null] {
        fake.then("POST", IMPORT, Deed::Answer(401, expired)).then("POST", IMPORT, Deed::Well);
    }
    send(&dir, &fake, &[]).exits(0);
    assert_eq!((counts(&dir), fake.imported(), fake.model().refresh.clone()), ([6, 6, 0, 0, 0], vec![3, 3], refresh));
    assert_eq!(fake.model().seen.last().unwrap().token.as_deref(), Some("access-4"));
}

#[test]
fn a_refresh_token_is_used_once_by_two_senders() {
    let (one, fake) = (bodies(3), Fake::start());
    log_in(&one, &fake);
    one.run(&["clean", "export.ndjson", "--split", "-o", "more", "--list-id", LIST, "-q"]).exits(0);
    // The access token is not good any more; each use of a refresh token ends it.
    fake.model().tokens = ["another".to_owned()].into();
    let start = |bodies: &str| one.spawn(&mut command(&one, &fake, &["send", bodies, "--rate", "100"]));
    let children = [start("bodies"), start("more")];
    for child in children {
        wait(child).exits(0);
    }
    assert_eq!(fake.imported().len(), 2);
}

#[test]
fn a_rotated_token_that_was_not_received_means_to_log_in() {
    let (dir, fake) = (bodies(3), Fake::start());
    log_in(&dir, &fake);
    fake.model().tokens = ["another".to_owned()].into();
    // The service rotates the token, and the answer does not come: the old one is worth nothing any more.
    fake.then("POST", "/oauth2/default/v1/token", Deed::CloseAfter);
    send(&dir, &fake, &[]).exits(2).says(&["invalid_grant", "presort login"]);
    log_in(&dir, &fake);
    send(&dir, &fake, &[]).exits(0);
}

#[test]
fn a_crash_between_a_rotated_token_and_the_disk_means_to_log_in() {
    let (dir, fake) = (bodies(3), Fake::start());
    log_in(&dir, &fake);
    // Killed while the answer is on its way: the service has rotated the token, and this machine does not know.
    fake.model().tokens = ["another".to_owned()].into();
    let rotations = fake.count("POST", "/oauth2/default/v1/token");
    fake.then("POST", "/oauth2/default/v1/token", Deed::HangAfter(Duration::from_secs(20)));
    let child = dir.spawn(&mut command(&dir, &fake, &["send", "bodies"]));
    until(|| fake.count("POST", "/oauth2/default/v1/token") > rotations);
    kill(child.id(), libc::SIGKILL);
    let _ = child.wait_with_output().unwrap();
    send(&dir, &fake, &[]).exits(2).says(&["invalid_grant", "presort login"]);
    log_in(&dir, &fake);
    // Received, and the disk takes nothing: the new token is not used, and the old one stays in its file.
    fake.model().tokens = ["another".to_owned()].into();
    let before = std::fs::read(token_file(&dir)).unwrap();
    let mut plan = Command::new("bash");
    let script = format!("ulimit -f 0; exec {} plan bodies --base-url {}", env!("CARGO_BIN_EXE_presort"), fake.base());
    plan.args(["-c", &script]).env("XDG_STATE_HOME", dir.path("state")).env("XDG_CONFIG_HOME", "/nowhere");
    let ran = dir.feed_with(plan.env_remove("PRESORT_ACCESS_TOKEN"), b"").exits(2);
    assert!(ran.err.contains("cannot write") && !ran.err.contains("access-"), "{}", ran.err);
    assert_eq!(std::fs::read(token_file(&dir)).unwrap(), before);
    let issued = fake.model().tokens.first().unwrap().clone();
    assert!(fake.model().seen.iter().all(|seen| seen.token.as_ref() != Some(&issued)));
    log_in(&dir, &fake);
    send(&dir, &fake, &[]).exits(0);
    assert_eq!(fake.imported(), [3]);
}

/// The only file of tokens.
fn token_file(dir: &Dir) -> std::path::PathBuf {
    let tokens = dir.path("state/presort/tokens");
    let names: Vec<String> = common::names(&tokens).into_iter().filter(|name| name.ends_with(".json")).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    tokens.join(&names[0])
}

/// Waits until something is so.
#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < common::PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_laptop_that_is_closed_loses_nothing() {
    for is_killed in [false, true] {
        let (dir, fake) = (bodies(18), Fake::start());
        log_in(&dir, &fake);
        let child = dir.spawn(&mut command(&dir, &fake, &["send", "bodies", "--rate", "10"]));
        until(|| fake.imported().len() >= 2);
        kill(child.id(), libc::SIGSTOP);
        // An hour passes, and a day for the token.
        fake.model().ahead = 3600.0;
        fake.model().tokens = ["another".to_owned()].into();
        if is_killed {
            kill(child.id(), libc::SIGKILL);
            let _ = child.wait_with_output().unwrap();
            send(&dir, &fake, &[]).exits(0);
        } else {
            kill(child.id(), libc::SIGCONT);
            wait(child).exits(0);
        }
        assert_eq!(counts(&dir), [18, 18, 0, 0, 0]);
        assert_eq!(fake.imported().len(), 6);
        assert!(fake.model().contacts.values().all(|times| *times == 1) && fake.model().contacts.len() == 18);
    }
}

#[test]
fn a_token_of_the_environment_is_enough() {
    let (dir, fake) = (bodies(3), Fake::start());
    fake.model().tokens = ["env-token".to_owned()].into();
    let args = ["send", "bodies", "--rate", "100"];
    dir.feed_with(command(&dir, &fake, &args).env("PRESORT_ACCESS_TOKEN", "env-token"), b"").exits(0);
    let dir = bodies(3);
    let ran = dir.feed_with(command(&dir, &fake, &args).env("PRESORT_ACCESS_TOKEN", "stale-token"), b"").exits(2);
    assert!(ran.err.contains("PRESORT_ACCESS_TOKEN") && !ran.err.contains("stale-token"), "{}", ran.err);
}

#[test]
fn redirects_are_not_followed() {
    let (dir, fake, other) = (bodies(3), Fake::start(), Fake::start());
    let to: &'static str = Box::leak(format!("{}/account/summary", other.base()).into_boxed_str());
    fake.then("GET", "/v3/account", Deed::Header(302, Value::Null, "Location", to));
    let mut command = command(&dir, &fake, &["send", "bodies"]);
    dir.feed_with(command.env("PRESORT_ACCESS_TOKEN", "t"), b"").exits(2).says(&["redirect"]);
    assert_eq!(other.count("GET", ""), 0);
}

#[test]
fn ctrl_c_and_a_second_sender() {
    let (dir, fake) = (bodies(9), Fake::start());
    fake.model().looks = 1_000_000;
    let child = dir.spawn(&mut command(&dir, &fake, &["send", "bodies", "--rate", "20"]));
    until(|| fake.imported().len() >= 3);
    send(&dir, &fake, &[]).exits(2).says(&["another presort sends the bodies"]);
    kill(child.id(), libc::SIGINT);
    wait(child).exits(3).says(&["interrupted", "9 unknown: the service is not done"]);
    assert_eq!(counts(&dir), [9, 0, 0, 9, 0]);
    fake.model().looks = 0;
    send(&dir, &fake, &[]).exits(0);
    assert_eq!((counts(&dir), fake.imported().len()), ([9, 9, 0, 0, 0], 3));
}

#[test]
fn killed_a_dozen_times_it_comes_to_the_same_end() {
    let (dir, fake) = (bodies(60), Fake::start());
    fake.model().looks = 2;
    for round in 0..12u64 {
        let child = dir.spawn(&mut command(&dir, &fake, &["send", "bodies", "--rate", "50"]));
        std::thread::sleep(Duration::from_millis(40 + round * 37 % 150));
        kill(child.id(), libc::SIGKILL);
        let _ = child.wait_with_output().unwrap();
    }
    send(&dir, &fake, &[]).exits(0);
    assert_eq!(counts(&dir), [60, 60, 0, 0, 0]);
    // Every body arrived, and none that arrived was sent again: the account is that of a run without faults.
    assert_eq!(fake.imported().len(), 20);
    let expected = (0..60).map(|i| (format!("c{i}@example.com"), 1)).collect();
    assert_eq!(fake.model().contacts, expected);
    assert!(result(&dir)["bodies"].as_array().unwrap().iter().all(|body| body["activity_id"].is_string()));
}

#[test]
fn a_login_by_browser() {
    use std::io::{BufRead, BufReader, Read, Write};
    let (dir, fake) = (bodies(3), Fake::start());
    let auth = fake.auth();
    let args = ["login", "--browser", "--port", "0", "--client-id", "client-1", "--auth-url", &auth];
    let mut child = dir.spawn(&mut command(&dir, &fake, &args));
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    let address = line.split("open ").nth(1).unwrap().split(' ').next().unwrap();
    let value = |name: &str| {
        let rest = address.split(&format!("{name}=")).nth(1).unwrap();
        rest.split('&').next().unwrap().to_owned()
    };
    assert!(address.starts_with(&format!("{auth}/authorize?response_type=code")), "{address}");
    assert_eq!(
        (value("code_challenge_method"), value("scope")),
        ("S256".into(), "contact_data+account_read+offline_access".into())
    );
    let port = value("redirect_uri").split("127.0.0.1%3A").nth(1).unwrap().split('%').next().unwrap().to_owned();
    let visit = |target: String| {
        let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(visit("/callback?code=code-1&state=forged".into()).starts_with("HTTP/1.1 404"));
    assert!(visit(format!("/callback?code=code-1&state={}", value("state"))).starts_with("HTTP/1.1 200"));
    let ran = wait(child);
    assert_eq!(ran.code(), 0);
    run(&dir, &fake, &["whoami"]).exits(0);
}

/// A delivery of an export of which one contact is rejected.
fn deliver(dir: &Dir, fake: &Fake, more: &[&str]) -> Ran {
    run(dir, fake, &[&["deliver", "export.csv", "--list", "News", "--rate", "100"], more].concat())
}

fn delivery() -> (Dir, Fake) {
    let dir = Dir::new();
    dir.write("export.csv", "Email,First Name\nann@example.com,Ann\nnobody,Bob\njoe@example.com,Joe\n");
    (dir, Fake::start())
}

#[test]
fn a_delivery_is_the_whole_way() {
    let (dir, fake) = delivery();
    deliver(&dir, &fake, &[]).exits(2).says(&["--yes"]);
    assert!(!dir.path("export.csv.presort").exists());
    let nobodys = ["deliver", "export.csv", "--list", "Nobody's", "--yes"];
    run(&dir, &fake, &nobodys).exits(2).says(&["it has News", "--create-lists"]);
    assert!(!dir.path("export.csv.presort").exists());
    let missing = run(&dir, &fake, &["deliver", "missing.csv", "--list", "News", "--yes"]).exits(2);
    assert!(missing.err.contains("missing.csv") && !dir.path("missing.csv.presort").exists(), "{}", missing.err);
    // Interrupted by the quota of the day.
    let quota = json!({"error_key": "quota_exceeded"});
    fake.then("POST", IMPORT, Deed::Answer(429, quota));
    let ran = deliver(&dir, &fake, &["--yes"]).exits(3);
    let ran = ran.says(&["1 body with 2 contacts", "Acme", "to the list News", "next: the same command goes on"]);
    assert!(!ran.err.contains("[y/N]"), "{}", ran.err);
    let receipt = dir.read("export.csv.presort/receipt.json");
    let ran = deliver(&dir, &fake, &["--yes"]).exits(1);
    ran.says(&["was cleaned before", "2 of 2 contacts imported", "1 rejected by clean"]);
    assert_eq!(dir.read("export.csv.presort/receipt.json"), receipt);
    assert_eq!(fake.imported(), [2]);
    // Everything is in one directory.
    assert_eq!(dir.names(), ["export.csv", "export.csv.presort", "state"]);
    let expected = [
        "deliver.json",
        "findings.ndjson",
        "payload-00001.json",
        "receipt.json",
        "refused.ndjson",
        "rejects.csv",
        "report.html",
        "result.json",
        "send.journal",
    ];
    assert_eq!(common::names(&dir.path("export.csv.presort")), expected);
    assert!(dir.read("export.csv.presort/rejects.csv").contains("nobody,Bob"));
    assert!(dir.read("export.csv.presort/report.html").contains("EML001"));
    let body = fake.model().seen.iter().find(|seen| seen.path == IMPORT).unwrap().body.clone();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["list_ids"], json!([LIST]));
    deliver(&dir, &fake, &["--yes"]).exits(1);
    assert_eq!(fake.imported(), [2]);
    run(&dir, &fake, &["deliver", "export.csv", "--list", LIST, "--yes"]).exits(2).says(&["goes to the list News"]);
    dir.write("export.csv", "Email\nann@example.com\n");
    deliver(&dir, &fake, &["--yes"]).exits(2).says(&["changed since its delivery began"]);
    assert_eq!(fake.imported(), [2]);
}

/// The options of cleaning hold until a body was sent; after that they cannot change.
#[test]
fn a_delivery_does_not_ignore_options_of_cleaning() {
    let (dir, fake) = delivery();
    dir.write("unsub.txt", "ann@example.com\n");
    let quota = || Deed::Answer(429, json!({"error_key": "quota_exceeded"}));
    // Nothing was sent: it is cleaned again, with another export and other options.
    fake.then("GET", "/v3/contact_lists", Deed::Well).then("GET", "/v3/contact_lists", quota());
    deliver(&dir, &fake, &["--yes", "-q"]).exits(3);
    dir.write("export.csv", "Email\nann@example.com\njoe@example.com\nsue@example.com\n");
    fake.then("POST", IMPORT, quota());
    deliver(&dir, &fake, &["--yes", "--suppress", "unsub.txt"]).exits(3).says(&["1 body with 2 contacts"]);
    // A body went out: neither the options nor what is in their files may differ.
    for more in [&["--yes"][..], &["--yes", "--suppress", "unsub.txt", "--truncate"]] {
        deliver(&dir, &fake, more).exits(2).says(&["other options of cleaning", "export.csv.presort"]);
    }
    dir.write("unsub.txt", "joe@example.com\n");
    let args = ["--yes", "--suppress", "unsub.txt"];
    deliver(&dir, &fake, &args).exits(2).says(&["their files have changed"]);
    assert_eq!(fake.imported(), Vec::<u64>::new());
    // What changes no contact may differ.
    dir.write("unsub.txt", "ann@example.com\n");
    deliver(&dir, &fake, &[&args[..], &["--threads", "1", "--color", "never"]].concat()).exits(1);
    assert_eq!(fake.imported(), [2]);
    assert!(!dir.read("export.csv.presort/payload-00001.json").contains("ann@example.com"));
}

#[test]
fn files_of_others_are_not_replaced_by_a_delivery() {
    let (dir, fake) = delivery();
    std::fs::create_dir(dir.path("export.csv.presort")).unwrap();
    dir.write("export.csv.presort/receipt.json", "mine");
    deliver(&dir, &fake, &["--yes"]).exits(2).says(&["export.csv.presort is not empty"]);
    assert_eq!(common::names(&dir.path("export.csv.presort")), ["receipt.json"]);
    std::fs::remove_file(dir.path("export.csv.presort/receipt.json")).unwrap();
    // With --create-lists, a list whose name differs by case is the one that the service would not create again.
    run(&dir, &fake, &["deliver", "export.csv", "--list", "news", "--create-lists", "--yes"]).exits(1);
    assert_eq!(fake.imported(), [2]);
}

#[test]
fn the_status_of_a_delivery_is_the_worse_one() {
    // Everything is clean, and the service refuses one.
    let (dir, fake) = delivery();
    dir.write("export.csv", "Email\nann@example.com\njoe@example.com\n");
    fake.ends("completed", 1, &["Line 3: no"]);
    deliver(&dir, &fake, &["--yes"]).exits(1).says(&["export.csv, line 3: Line 3: no"]);
    // Nothing was wrong anywhere.
    let (dir, fake) = delivery();
    dir.write("export.csv", "Email\nann@example.com\n");
    deliver(&dir, &fake, &["--yes"]).exits(0);
    // What cleaning may do to the status, it may here.
    let (dir, fake) = delivery();
    deliver(&dir, &fake, &["--yes", "--exit-zero"]).exits(0);
    // No contact is left to send.
    let (dir, fake) = delivery();
    dir.write("export.csv", "Email\nnobody\n");
    deliver(&dir, &fake, &["--yes"]).exits(2).says(&["no contact was accepted"]);
    assert_eq!(fake.count("POST", ""), 0);
    // Cleaning fails, and is tried again when what was wrong is right.
    let (dir, fake) = delivery();
    deliver(&dir, &fake, &["--yes", "--map", "map.toml"]).exits(2).says(&["map.toml"]);
    assert_eq!(fake.count("POST", ""), 0);
    deliver(&dir, &fake, &["--yes"]).exits(1);
    assert_eq!(fake.imported(), [2]);
}

#[test]
fn a_delivery_that_is_killed_anywhere_goes_on() {
    let (dir, fake) = delivery();
    dir.run(&["sample", "--contacts", "30000", "--mess", "10", "--format", "csv", "-o", "export.csv", "--force"])
        .exits(0);
    fake.model().looks = 2;
    for round in 0..8u64 {
        let args = ["deliver", "export.csv", "--list", "News", "--rate", "100", "--yes", "-q"];
        let child = dir.spawn(&mut command(&dir, &fake, &args));
        std::thread::sleep(Duration::from_millis(150 + round * 331 % 1500));
        kill(child.id(), libc::SIGKILL);
        let _ = child.wait_with_output().unwrap();
    }
    let ran = deliver(&dir, &fake, &["--yes"]).exits(1);
    let result = dir.json("export.csv.presort/result.json");
    let accepted = result["contacts"]["accepted"].as_u64().unwrap();
    assert_eq!(result["contacts"]["imported"], accepted, "{}", ran.err);
    assert_eq!(fake.imported().iter().sum::<u64>(), accepted);
    assert_eq!(fake.imported().len(), result["bodies"].as_array().unwrap().len());
    let seen = dir.json("export.csv.presort/receipt.json")["contacts"]["seen"].as_u64().unwrap();
    assert_eq!(accepted + result["rejected_by_clean"].as_u64().unwrap(), seen);
}

#[test]
fn a_list_is_created_for_a_delivery() {
    let (dir, fake) = delivery();
    fake.model().lists.clear();
    deliver(&dir, &fake, &["--yes", "--create-lists"]).exits(1);
    assert_eq!((fake.count("POST", "/v3/contact_lists"), fake.imported()), (1, vec![2]));
}

/// A delivery at a terminal of util-linux's `script`. `None` without it.
fn at_a_terminal(dir: &Dir, fake: &Fake) -> Option<Command> {
    let found = std::env::split_paths(&std::env::var_os("PATH")?).any(|folder| folder.join("script").is_file());
    if !found || cfg!(not(target_os = "linux")) {
        eprintln!("skipped: script is not installed");
        return None;
    }
    let presort = env!("CARGO_BIN_EXE_presort");
    let line =
        format!("exec {presort} deliver export.csv --list News --rate 100 --progress never --base-url {}", fake.base());
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.env("XDG_STATE_HOME", dir.path("state")).env("XDG_CONFIG_HOME", "/nowhere").env("TERM", "dumb");
    script.env_remove("PRESORT_ACCESS_TOKEN").env_remove("PRESORT_CONFIG");
    Some(script)
}

/// Types an answer when it is asked for. Gives what stood on the terminal, and the status.
fn answers(dir: &Dir, mut script: Command, answer: &[u8]) -> (String, Option<i32>) {
    use std::io::{Read, Write};
    let mut child = dir.spawn(&mut script);
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut text, mut buffer) = (Vec::new(), [0; 1024]);
    let mut is_asked = false;
    loop {
        match screen.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => text.extend_from_slice(&buffer[..read]),
        }
        if !is_asked && text.windows(5).any(|part| part == b"[y/N]") {
            is_asked = true;
            keyboard.write_all(answer).unwrap();
        }
    }
    (String::from_utf8_lossy(&text).into_owned(), child.wait().unwrap().code())
}

/// Ctrl-C at the question ends it at once.
#[test]
fn a_question_can_be_interrupted() {
    let (dir, fake) = delivery();
    let Some(script) = at_a_terminal(&dir, &fake) else { return };
    let (text, status) = answers(&dir, script, b"\x03");
    assert!(text.contains("interrupted") && text.contains("nothing was sent"), "{text}");
    assert_eq!((status, fake.count("POST", "")), (Some(128 + libc::SIGINT), 0));
    assert_eq!(answers(&dir, at_a_terminal(&dir, &fake).unwrap(), b"y\n").1, Some(1));
    assert_eq!(fake.imported(), [2]);
}

#[test]
fn a_delivery_asks_before_it_sends() {
    let (dir, fake) = delivery();
    let Some(script) = at_a_terminal(&dir, &fake) else { return };
    let (text, status) = answers(&dir, script, b"n\n");
    assert!(text.contains("Send 2 contacts in 1 body to News of Acme? 1 rejected, 0 opted out. [y/N]"), "{text}");
    assert!(text.contains("nothing was sent"), "{text}");
    assert_eq!((status, fake.count("POST", "")), (Some(3), 0));
    assert_eq!(answers(&dir, at_a_terminal(&dir, &fake).unwrap(), b"yes\n").1, Some(1));
    assert_eq!(fake.imported(), [2]);
    // What was agreed to is not asked again.
    let (text, status) = answers(&dir, at_a_terminal(&dir, &fake).unwrap(), b"");
    assert!(status == Some(1) && !text.contains("[y/N]"), "{text}");
}
