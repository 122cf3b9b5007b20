//! From an export to a local account over HTTP: `clean`, `plan` and `send` against `presort serve`, which is the rehearsal that the
//! documents recommend.

#![cfg(all(unix, feature = "cli", feature = "account", feature = "send", feature = "serve"))]

mod common;
#[allow(dead_code)]
mod http;

use common::{Dir, Ran, kill, presort};
use http::Server;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// An export of messy contacts, a local account with a list, and bodies of forty contacts for it.
fn export() -> (Dir, String) {
    let dir = Dir::new();
    dir.run(&["sample", "--contacts", "400", "--mess", "20", "--seed", "11", "--format", "csv", "-o", "export.csv"])
        .exits(0);
    dir.run(&["account", "init", "local.account"]).exits(0);
    let list = dir.run(&["account", "lists", "add", "News", "--account", "local.account"]).exits(0).json();
    let list = list["list_id"].as_str().unwrap().to_owned();
    let args = ["clean", "export.csv", "--split", "-o", "bodies", "--list-id", &list, "--max-contacts", "40", "-q"];
    dir.run(&[&args[..], &["--rejects", "rejects.csv"]].concat()).exits(1);
    (dir, list)
}

/// The program with the address of a service.
fn command(dir: &Dir, base: &str, args: &[&str]) -> Command {
    let mut command = presort();
    command.args(args).args(["--base-url", base]).env("XDG_STATE_HOME", dir.path("state"));
    command
}

fn run(dir: &Dir, base: &str, args: &[&str]) -> Ran {
    dir.feed_with(&mut command(dir, base, args), b"")
}

fn base(address: SocketAddr) -> String {
    format!("http://{address}/v3")
}

/// The contacts of an account, without what differs from one run to the next.
fn contacts(dir: &Dir, account: &str) -> BTreeSet<String> {
    let exported = dir.run(&["account", "export", "--account", account]).exits(0);
    exported.text().lines().map(str::to_owned).collect()
}

/// The contacts that come of importing the bodies without a service in between.
fn expected(dir: &Dir, list: &str) -> BTreeSet<String> {
    dir.run(&["account", "init", "expected.account"]).exits(0);
    let other = dir.run(&["account", "lists", "add", "News", "--account", "expected.account"]).exits(0).json();
    assert_ne!(other["list_id"], list);
    let fields = dir.run(&["account", "fields", "list", "--account", "local.account"]).exits(0);
    for field in fields.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let label = field["label"].as_str().unwrap().to_owned();
        dir.run(&["account", "fields", "add", &label, "--account", "expected.account"]).exits(0);
    }
    let list = other["list_id"].as_str().unwrap();
    let ran = dir.run(&["import", "--account", "expected.account", "--list-id", list, "bodies/payload-00001.json"]);
    assert!(ran.code() < 2, "{}", ran.err);
    for body in common::names(&dir.path("bodies")).iter().filter(|name| name.starts_with("payload-")).skip(1) {
        let ran = dir.run(&["import", "--account", "expected.account", "--list-id", list, &format!("bodies/{body}")]);
        assert!(ran.code() < 2, "{}", ran.err);
    }
    contacts(dir, "expected.account")
}

fn counts(dir: &Dir) -> [u64; 5] {
    let result = dir.json("bodies/result.json");
    let counts = ["accepted", "imported", "refused", "unknown", "not_sent"]
        .map(|name| result["contacts"][name].as_u64().unwrap_or_else(|| panic!("{name}: {result}")));
    assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{result}");
    counts
}

#[test]
fn an_export_arrives_in_a_local_account() {
    let (dir, list) = export();
    let receipt = dir.json("bodies/receipt.json");
    let accepted = receipt["contacts"]["accepted"].as_u64().unwrap();
    let mut server = Server::start(&dir.path("local.account"), &["--log", "none"]);
    let base = base(server.address);
    let plan = run(&dir, &base, &["plan", "bodies", "--create-fields", "--format", "json"]).exits(0).json();
    assert_eq!((plan["contacts"].as_u64(), plan["lists_missing"].as_array().map(Vec::len)), (Some(accepted), Some(0)));
    let missing = plan["fields_missing"].as_array().unwrap().len();
    assert!(missing > 0 && plan["creates"].as_array().unwrap().len() == missing, "{plan}");
    assert_eq!(server.get("/v3/activities").expect(200)["activities"].as_array().unwrap().len(), 0);

    let ran = run(&dir, &base, &["send", "bodies", "--rate", "100", "--create-fields"]).exits(0);
    let bodies = plan["bodies"].as_u64().unwrap();
    ran.says(&[&format!("{accepted} of {accepted} contacts imported from {bodies} bodies")]);
    assert_eq!(counts(&dir), [accepted, accepted, 0, 0, 0]);
    assert!(dir.json("bodies/result.json")["bodies"].as_array().unwrap().iter().all(|body| body["sent"] == 1));
    assert_eq!(dir.read("bodies/refused.ndjson"), "");
    // Once more: nothing is sent.
    run(&dir, &base, &["send", "bodies"]).exits(0);
    let activities = server.get("/v3/activities").expect(200);
    assert_eq!(activities["activities"].as_array().unwrap().len() as u64, bodies);
    server.kill();
    assert_eq!(contacts(&dir, "local.account"), expected(&dir, &list));
}

/// What this account's endpoint says of values that it does not take leads to the export as well.
#[test]
fn values_that_the_account_does_not_take_are_named() {
    let (dir, _) = export();
    let server = Server::start(&dir.path("local.account"), &["--log", "none"]);
    let ran = run(&dir, &base(server.address), &["send", "bodies", "--rate", "100"]).exits(0);
    ran.says(&["lacks custom fields", "about values of imported contacts", "bodies/refused.ndjson"]);
    let export = dir.read("export.csv");
    let export: Vec<&str> = export.lines().collect();
    let lines = dir.lines("bodies/refused.ndjson");
    assert!(lines.len() > 100);
    for line in &lines {
        assert_eq!((&line["outcome"], &line["mapped_by"]), (&"imported".into(), &"index".into()), "{line}");
        let row = export[usize::try_from(line["from"]["line"].as_u64().unwrap()).unwrap() - 1].to_ascii_lowercase();
        let email = line["contact"]["email"].as_str();
        assert!(email.is_none_or(|email| row.contains(&email.to_ascii_lowercase())), "{line}: {row}");
    }
}

/// Logs in to a sandbox by the device flow, as a person would.
fn log_in(dir: &Dir, server: &Server) {
    use std::io::{BufRead, BufReader};
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
    let auth = format!("http://{}/oauth2/default/v1", server.address);
    let args = ["login", "--client-id", "presort-test", "--auth-url", &auth];
    let mut child = dir.spawn(&mut command(dir, &base(server.address), &args));
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let code = line.trim().rsplit(' ').next().unwrap();
    let page = server.get(&format!("/activate?user_code={code}"));
    let hidden = page.text().split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let approval = format!("request={hidden}&decision=approve");
    let path = "/oauth2/default/v1/authorize";
    let done = http::request(server.address, "POST", path, &[FORM], approval.as_bytes()).unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(common::wait(child).code(), 0);
}

/// The sandbox fails in every way that it can, with logins that end, and the account is that of a run without faults.
#[test]
fn a_sandbox_that_fails_in_every_way_gets_everything_in_the_end() {
    let (dir, list) = export();
    let mut server =
        Server::start(&dir.path("local.account"), &["--log", "none", "--oauth", "--activity-errors", "published"]);
    let base = base(server.address);
    run(&dir, &base, &["send", "bodies"]).exits(2).says(&["the service wants a token"]);
    log_in(&dir, &server);
    let who = run(&dir, &base, &["whoami"]).exits(0);
    assert!(who.text().contains("contact_data") && who.text().contains("list: News"), "{}", who.text());

    let of_import = |kind: &str| format!(r#"{{"path":"{}","method":"POST","times":1,{kind}}}"#, http::IMPORT);
    let kinds = [
        r#""kind":"throttled""#,
        r#""kind":"status","code":500"#,
        r#""kind":"close""#,
        r#""kind":"close_after""#,
        r#""kind":"expired_token""#,
        r#""kind":"activity_failed""#,
        r#""kind":"activity_timed_out""#,
        r#""kind":"queue_full""#,
        r#""kind":"quota""#,
    ];
    let rules: Vec<String> = kinds.iter().map(|kind| of_import(kind)).collect();
    assert_eq!(server.post("/_presort/faults", &format!("[{}]", rules.join(","))).status, 200);
    let ran = run(&dir, &base, &["send", "bodies", "--rate", "100", "--create-fields"]).exits(3);
    ran.says(&["the quota of today is used up", "T00:00:00Z"]);
    // The next day, when the access token has ended as well.
    assert_eq!(server.post("/_presort/clock", r#"{"advance":"25h"}"#).status, 200);
    run(&dir, &base, &["send", "bodies", "--rate", "100"]).exits(1).says(&["40 refused", "40 unknown"]);
    let [accepted, imported, refused, unknown, not_sent] = counts(&dir);
    assert_eq!((imported, refused, unknown, not_sent), (accepted - 80, 40, 40, 0));
    // The activity that timed out has an error as well, which names no contact.
    let lines = dir.lines("bodies/refused.ndjson");
    let refused: Vec<&Value> = lines.iter().filter(|line| line["outcome"] == "refused").collect();
    assert_eq!((refused.len(), lines.len()), (40, 41));
    assert!(refused.iter().all(|line| line["from"]["line"].is_u64()));
    run(&dir, &base, &["send", "bodies", "--rate", "100", "--retry-failed"]).exits(0);
    assert_eq!(counts(&dir), [accepted, accepted, 0, 0, 0]);
    server.kill();
    assert_eq!(contacts(&dir, "local.account"), expected(&dir, &list));
    // No token is anywhere but in its file.
    let tokens = dir.path("state/presort/tokens");
    let name = common::names(&tokens).into_iter().find(|name| name.ends_with(".json")).unwrap();
    let tokens: Value = serde_json::from_slice(&std::fs::read(tokens.join(name)).unwrap()).unwrap();
    for file in ["send.journal", "result.json", "refused.ndjson"] {
        let text = dir.read(&format!("bodies/{file}"));
        for token in ["access_token", "refresh_token"] {
            assert!(!text.contains(tokens[token].as_str().unwrap()), "{file} has the {token}");
        }
    }
}

/// A server at this address, when it listens.
fn serve_at(dir: &Dir, address: SocketAddr) -> Child {
    let mut command = presort();
    command.args(["serve", "--account", "local.account", "--log", "none", "--listen", &address.to_string()]);
    command.current_dir(dir.root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let began = std::time::Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < common::PATIENCE, "no server at {address}");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn server_and_sender_are_killed_and_nothing_is_lost() {
    let (dir, list) = export();
    let mut first = Server::start(&dir.path("local.account"), &["--log", "none"]);
    let address = first.address;
    let base = base(address);
    run(&dir, &base, &["send", "bodies", "--rate", "100", "--create-fields", "--quota", "12"]).exits(3);
    first.kill();
    for round in 0..4u64 {
        let mut server = serve_at(&dir, address);
        let sender = dir.spawn(&mut command(&dir, &base, &["send", "bodies", "--rate", "20"]));
        std::thread::sleep(Duration::from_millis(60 + round * 53));
        // Each goes first in turn.
        let order = if round % 2 == 0 { [server.id(), sender.id()] } else { [sender.id(), server.id()] };
        order.into_iter().for_each(|id| kill(id, libc::SIGKILL));
        let _ = (server.wait().unwrap(), sender.wait_with_output().unwrap());
    }
    // The server alone, and the sender goes on by itself.
    let mut server = serve_at(&dir, address);
    let sender = dir.spawn(&mut command(&dir, &base, &["send", "bodies", "--rate", "20", "--retries", "30"]));
    std::thread::sleep(Duration::from_millis(200));
    server.kill().unwrap();
    server.wait().unwrap();
    let mut server = serve_at(&dir, address);
    let accepted = dir.json("bodies/receipt.json")["contacts"]["accepted"].as_u64().unwrap();
    common::wait(sender).exits(0);
    assert_eq!(counts(&dir), [accepted, accepted, 0, 0, 0]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(contacts(&dir, "local.account"), expected(&dir, &list));
    // What was sent twice is what the journal says.
    let result = dir.json("bodies/result.json");
    let sent: u64 = result["bodies"].as_array().unwrap().iter().map(|body| body["sent"].as_u64().unwrap()).sum();
    let activities = dir.run(&["account", "activities", "--account", "local.account"]).exits(0);
    assert!(activities.text().lines().count() as u64 <= sent, "{sent}: {}", activities.text());
}
