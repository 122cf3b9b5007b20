//! What a test controls in `presort serve`: the journal, the clock, faults, limits and identifiers.

#![cfg(all(unix, feature = "cli", feature = "serve"))]

#[allow(dead_code)]
mod http;

use http::{Connection, IMPORT, JSON, Server, head, lines, request};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An account in a directory of its own, with one list.
struct Account {
    _dir: TempDir,
    path: PathBuf,
    list: String,
}

impl Account {
    fn empty() -> Account {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.account");
        lines(&path, &["account", "init", path.to_str().unwrap()]);
        Account { _dir: dir, path, list: String::new() }
    }

    fn new() -> Account {
        let mut account = Account::empty();
        let list = &lines(&account.path, &["account", "lists", "add", "News"])[0]["list_id"];
        account.list = list.as_str().unwrap().to_owned();
        account
    }

    fn serve(&self, args: &[&str]) -> Server {
        Server::start(&self.path, args)
    }

    fn body(&self, contacts: &Value) -> String {
        json!({"import_data": contacts, "list_ids": [self.list]}).to_string()
    }
}

fn set(server: &Server, rules: &Value) -> Value {
    server.post("/_presort/faults", &rules.to_string()).expect(200)
}

fn import(server: &Server, body: &str) -> Value {
    let id = server.post(IMPORT, body).expect(201)["activity_id"].as_str().unwrap().to_owned();
    server.finished(&id)
}

/// The journal, the oldest first.
fn journal(server: &Server) -> Vec<Value> {
    let mut requests = server.get("/_presort/journal?limit=1000").expect(200)["requests"].as_array().unwrap().clone();
    requests.reverse();
    requests
}

#[test]
fn the_journal_has_what_was_requested() {
    let account = Account::new();
    let server = account.serve(&[]);
    let body = account.body(&json!([{"email": "ann@example.com"}]));
    server.post(IMPORT, &body).expect(201);
    server.get("/v3/contacts?limit=1").expect(200);
    server.get("/v3/nothing").expect(404);
    assert_eq!(request(server.address, "PUT", "/v3/contacts", &[], b"").unwrap().status, 405);
    let foreign = ["Origin: https://evil.example", JSON];
    assert_eq!(request(server.address, "POST", IMPORT, &foreign, b"{}").unwrap().status, 403);
    let long = account.body(&json!([{"email": "ann@example.com", "street": "x".repeat(100_000)}]));
    server.post(IMPORT, &long).expect(201);
    let requests = journal(&server);
    let short = |entry: &Value| json!([entry["method"], entry["path"], entry["status"], entry["matched"]]);
    assert_eq!(
        requests.iter().map(short).collect::<Vec<Value>>(),
        [
            json!(["POST", IMPORT, 201, true]),
            json!(["GET", "/v3/contacts?limit=1", 200, true]),
            json!(["GET", "/v3/nothing", 404, false]),
            json!(["PUT", "/v3/contacts", 405, false]),
            json!(["POST", IMPORT, 403, true]),
            json!(["POST", IMPORT, 201, true]),
        ]
    );
    assert_eq!((&requests[0]["body"], &requests[0]["body_bytes"]), (&json!(body), &json!(body.len())));
    assert_eq!(requests[5]["body"].as_str().unwrap(), &long[..64 << 10]);
    assert_eq!((&requests[5]["body_bytes"], &requests[5]["body_cut"]), (&json!(long.len()), &json!(true)));
    assert!(requests.iter().all(|entry| entry["at"].as_str().is_some_and(|at| at.ends_with('Z'))));
    // Pages, and what came since.
    let page = server.get("/_presort/journal?limit=2").expect(200);
    assert_eq!((&page["requests"][0]["id"], page["requests"].as_array().unwrap().len()), (&json!(6), 2));
    let next = server.get(page["_links"]["next"]["href"].as_str().unwrap()).expect(200);
    assert_eq!(next["requests"][0]["id"], 4);
    let since = server.get("/_presort/journal?after=5").expect(200);
    assert_eq!((since["requests"].as_array().unwrap().len(), &since["_links"]), (1, &json!({})));
    assert_eq!(server.get("/_presort/journal?limit=0").status, 400);
    assert_eq!(server.get("/_presort/journal?before=x").status, 400);
}

#[test]
fn the_journal_is_bounded() {
    let account = Account::empty();
    let server = account.serve(&["--log", "none"]);
    let body = "x".repeat(60_000);
    let mut connection = Connection::open(server.address).unwrap();
    for _ in 0..1010 {
        connection.request("POST", "/v3/contact_lists", &[JSON], body.as_bytes()).unwrap();
    }
    let state = server.get("/_presort/state").expect(200);
    assert_eq!(state["last_request"], 1010);
    // A page has about a megabyte of bodies.
    let page = server.get("/_presort/journal?limit=1000");
    assert!(page.body.len() < 2_000_000, "{}", page.body.len());
    let oldest = server.get("/_presort/journal?before=13").expect(200);
    assert_eq!(oldest["requests"].as_array().unwrap().len(), 2);
    let resident = server.resident();
    assert!(resident < 250 << 20, "{} MiB", resident >> 20);
}

#[test]
fn control_needs_a_loopback_address_or_the_option_and_the_token() {
    let account = Account::empty();
    let token = account.path.with_extension("token");
    std::fs::write(&token, "secret").unwrap();
    let token = ["--token-file", token.to_str().unwrap()];
    let bearer = ["Authorization: Bearer secret"];
    let state = |port: u16, headers: &[&str]| {
        request(([127, 0, 0, 1], port).into(), "GET", "/_presort/state", headers, b"").unwrap().status
    };
    let server = account.serve(&token);
    let port = server.address.port();
    assert_eq!((state(port, &[]), state(port, &bearer)), (401, 200));
    drop(server);
    for (options, without, with) in [(&[][..], 404, 404), (&["--control"], 401, 200)] {
        let mut open = std::process::Command::new(env!("CARGO_BIN_EXE_presort"))
            .args(["serve", "--listen", "0.0.0.0:0", "--account"])
            .arg(&account.path)
            .args(token)
            .args(options)
            .env_remove("RUST_LOG")
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let line = BufReader::new(open.stderr.take().unwrap()).lines().map_while(Result::ok).find_map(|line| {
            let port = line.strip_prefix("presort: listening on http://0.0.0.0:")?.split('/').next()?;
            port.parse::<u16>().ok()
        });
        let answers = line.map(|port| (state(port, &[]), state(port, &bearer)));
        open.kill().unwrap();
        open.wait().unwrap();
        assert_eq!(answers, Some((without, with)), "{options:?}");
    }
}

/// An answer of 429: one object.
fn too_many(answer: &http::Answer, key: &str) {
    let object = answer.expect(429);
    assert_eq!(object["error_key"], key, "{object}");
    assert!(object["error_message"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(answer.header("retry-after"), None);
}

#[test]
fn a_day_has_so_many_requests() {
    let account = Account::empty();
    let server = account.serve(&["--quota", "3"]);
    for _ in 0..3 {
        server.get("/v3/contacts").expect(200);
    }
    too_many(&server.get("/v3/contacts"), "quota_exceeded");
    too_many(&server.post("/v3/contact_lists", r#"{"name":"x"}"#), "quota_exceeded");
    assert_eq!(server.get("/healthz").status, 200);
    let state = server.get("/_presort/state").expect(200);
    assert_eq!((&state["quota"]["limit"], &state["quota"]["used"]), (&json!(3), &json!(3)));
    assert!(state["quota"]["resets_at"].as_str().unwrap().ends_with("T00:00:00.000Z"));
    assert_eq!(state["lists"], 0);
    server.post("/_presort/clock", r#"{"advance":"24h"}"#).expect(200);
    server.get("/v3/contacts").expect(200);
    assert_eq!(server.get("/_presort/state").expect(200)["quota"]["used"], 1);
}

#[test]
fn the_clock_moves_what_goes_by_it() {
    let account = Account::new();
    let server = account.serve(&[]);
    let done = import(&server, &account.body(&json!([{"email": "ann@example.com"}])));
    let activity = format!("/v3/activities/{}", done["activity_id"].as_str().unwrap());
    let today = server.get("/v3/contacts").header("date").unwrap().to_owned();
    let moved = server.post("/_presort/clock", r#"{"advance":"9d23h"}"#).expect(200);
    assert_eq!(moved["ahead_seconds"], (9 * 24 + 23) * 3600);
    server.get(&activity).expect(200);
    let answer = server.get("/v3/contacts");
    let date = answer.header("date").unwrap();
    assert_ne!(date, today);
    assert_eq!((date.len(), &date[26..]), (29, "GMT"));
    let now = moved["now"].as_str().unwrap();
    assert_eq!(&date[5..7], &now[8..10], "{date} {now}");
    server.post("/_presort/clock", r#"{"advance":"2h"}"#).expect(200);
    server.get(&activity).expect(404);
    let list = server.post("/v3/contact_lists", r#"{"name":"Later"}"#).expect(201);
    assert_eq!(
        &list["created_at"].as_str().unwrap()[..10],
        &server.get("/_presort/state").expect(200)["clock"]["now"].as_str().unwrap()[..10]
    );
    for bad in ["{}", "", "[]", r#"{"advance":"-1h"}"#, r#"{"advance":"soon"}"#, r#"{"advance":"300000d"}"#] {
        assert_eq!(server.post("/_presort/clock", bad).status, 400, "{bad}");
    }
}

#[test]
fn seeded_identifiers_repeat() {
    let run = || {
        let account = Account::empty();
        let mut ids = Vec::new();
        for (list, email) in [("One", "ann@example.com"), ("Two", "joe@example.com")] {
            // A restart goes on where it was.
            let server = account.serve(&["--ids", "seeded"]);
            let made = server.post("/v3/contact_lists", &json!({"name": list}).to_string()).expect(201);
            let field = server.post("/v3/contact_custom_fields", &json!({"label": list, "type": "string"}).to_string());
            ids.push(made["list_id"].as_str().unwrap().to_owned());
            ids.push(field.expect(201)["custom_field_id"].as_str().unwrap().to_owned());
            let body = json!({"import_data": [{"email": email}], "list_ids": [made["list_id"]]}).to_string();
            let done = import(&server, &body);
            assert_eq!(done["status"]["items_completed_count"], 1, "{done}");
            ids.push(done["activity_id"].as_str().unwrap().to_owned());
            let contact = &server.get(&format!("/v3/contacts?email={email}")).expect(200)["contacts"][0];
            ids.push(contact["contact_id"].as_str().unwrap().to_owned());
        }
        ids
    };
    let ids = run();
    assert_eq!(ids, run());
    let id = |kind: u8, number: u8| format!("0000000{kind}-0000-7000-8000-00000000000{number}");
    assert_eq!(ids, [id(1, 1), id(2, 1), id(4, 1), id(3, 1), id(1, 2), id(2, 2), id(4, 2), id(3, 2)]);
}

#[test]
fn errors_are_worded_as_asked() {
    let account = Account::new();
    let body = account.body(&json!([{"email": "a@example.com"}, {"first_name": "Nobody"}, {"email": "a@example.com"}]));
    let server = account.serve(&["--activity-errors", "published"]);
    let done = import(&server, &body);
    let texts: Vec<&str> = done["activity_errors"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(texts[0], "Line 3: neither an email address nor a number for text messages");
    assert!(texts[1].starts_with("Line 4: ") && !texts[1].contains("DUP001"), "{texts:?}");
    assert_eq!(server.get("/v3/activities").expect(200)["activities"][0]["activity_errors"], done["activity_errors"]);
    drop(server);
    let server = account.serve(&[]);
    let id = done["activity_id"].as_str().unwrap();
    let ours = server.get(&format!("/v3/activities/{id}")).expect(200);
    assert!(ours["activity_errors"][1].as_str().unwrap().starts_with("contact 2: DUP001"), "{ours}");
}

#[test]
fn faults_of_each_kind_happen_on_demand() {
    let account = Account::new();
    let server = account.serve(&[]);
    let lists = "/v3/contact_lists";
    let once = |kind: &str| json!([{"path": lists, "method": "GET", "kind": kind, "times": 1, "code": 503, "ms": 400}]);
    for (kind, key) in [("throttled", "throttled"), ("quota", "quota_exceeded"), ("queue_full", "queue_full")] {
        set(&server, &once(kind));
        server.get("/v3/contacts").expect(200);
        too_many(&server.get(lists), key);
        server.get(lists).expect(200);
    }
    set(&server, &once("status"));
    assert_eq!(server.get(lists).expect(503)[0]["error_key"], "service_unavailable");
    server.get(lists).expect(200);
    set(&server, &once("expired_token"));
    assert_eq!(server.get(lists).expect(401)["error_key"], "unauthorized");
    set(&server, &once("delay"));
    let began = Instant::now();
    server.get(lists).expect(200);
    assert!(began.elapsed() >= Duration::from_millis(400));
    // Nothing is done, or everything is, and there is no answer.
    for (kind, count) in [("close", 1), ("close_after", 2)] {
        set(&server, &json!([{"path": lists, "method": "POST", "kind": kind, "nth": 1}]));
        let mut connection = Connection::open(server.address).unwrap();
        let body = json!({"name": kind}).to_string();
        connection.send(format!("{}{body}", head("POST", lists, &[JSON], body.len())).as_bytes()).unwrap();
        assert!(connection.is_closed(), "{kind}");
        assert_eq!(server.get("/_presort/state").expect(200)["lists"], count, "{kind}");
    }
    let faults: Vec<Value> =
        journal(&server).iter().map(|entry| entry["fault"].clone()).filter(|f| !f.is_null()).collect();
    let all = ["throttled", "quota", "queue_full", "status", "expired_token", "delay", "close", "close_after"];
    assert_eq!(faults, all);
    let closed = journal(&server).into_iter().find(|entry| entry["fault"] == "close").unwrap();
    assert_eq!(closed["status"], Value::Null);
}

#[test]
fn activities_go_wrong_on_demand() {
    let account = Account::new();
    let server = account.serve(&["--activity-timeout", "30"]);
    let body = account.body(&json!([{"email": "ann@example.com"}]));
    let rule = |kind: &str| json!([{"path": "/v3", "kind": kind, "times": 1, "ms": 700}]);
    for (kind, state) in [("activity_failed", "failed"), ("activity_timed_out", "timed_out")] {
        set(&server, &rule(kind));
        let done = import(&server, &body);
        assert_eq!((&done["state"], done["activity_errors"].as_array().unwrap().len()), (&json!(state), 1));
        assert_eq!(server.get("/v3/contacts").expect(200)["contacts"], json!([]));
    }
    set(&server, &rule("activity_slow"));
    let began = Instant::now();
    let id = server.post(IMPORT, &body).expect(201)["activity_id"].as_str().unwrap().to_owned();
    while server.get(&format!("/v3/activities/{id}")).expect(200)["state"] != "processing" {
        assert!(began.elapsed() < Duration::from_millis(700));
    }
    let done = server.finished(&id);
    assert!(began.elapsed() >= Duration::from_millis(700));
    assert_eq!((&done["state"], &done["status"]["items_completed_count"]), (&json!("completed"), &json!(1)));
    assert_eq!(import(&server, &body)["state"], "completed");
}

#[test]
fn the_same_seed_gives_the_same_faults_again() {
    let account = Account::empty();
    let rule = json!([{"path": "/v3/contacts", "kind": "status", "code": 500, "probability": 0.4, "seed": 11}]);
    let mut runs = Vec::new();
    for _ in 0..2 {
        let server = account.serve(&["--log", "none"]);
        // Rules do not outlive the process.
        assert_eq!(server.get("/_presort/state").expect(200)["faults"], json!([]));
        for _ in 0..2 {
            set(&server, &rule);
            runs.push((0..50).map(|_| server.get("/v3/contacts").status).collect::<Vec<u16>>());
        }
        assert_eq!(set(&server, &json!([])), json!({"faults": []}));
        assert!((0..50).all(|_| server.get("/v3/contacts").status == 200));
        set(&server, &rule);
    }
    let failed = runs[0].iter().filter(|status| **status == 500).count();
    assert!((10..30).contains(&failed), "{:?}", runs[0]);
    assert!(runs.iter().all(|run| *run == runs[0]));
}

#[test]
fn a_bad_rule_changes_nothing_and_is_named() {
    let account = Account::empty();
    let server = account.serve(&[]);
    set(&server, &json!([{"path": "/v3/contacts", "kind": "status", "code": 500, "times": 1}]));
    let good = json!({"path": "/v3", "kind": "close", "times": 1});
    for (bad, member) in [
        (json!({"path": "/v3", "kind": "explode", "times": 1}), "kind"),
        (json!({"path": "/v3", "kind": "status", "times": 1}), "code"),
        (json!({"path": "/v3", "kind": "close"}), "times"),
    ] {
        let answer = server.post("/_presort/faults", &json!([good, bad]).to_string()).expect(400);
        let message = answer[0]["error_message"].as_str().unwrap();
        assert!(message.starts_with(&format!("rule 1, {member}: ")), "{message}");
    }
    for bad in ["", "{", "{}", "3"] {
        assert_eq!(server.post("/_presort/faults", bad).status, 400, "{bad}");
    }
    assert_eq!(server.get("/v3/contacts").status, 500);
}

fn seed() -> Value {
    json!({
        "lists": [{"name": "news"}, {"name": "Shop", "list_id": "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"}],
        "custom_fields": [{"label": "Tier", "type": "string"}],
        "contacts": [
            {"email": "ann@example.com", "first_name": "Ann", "lists": ["news", "shop"], "cf:Tier": "gold"},
            {"email": "Joe@example.com", "lists": ["news"], "unsubscribed": true},
            {"email": "sue@example.com", "phone": "(508) 123-1235", "unsubscribed": false},
        ],
    })
}

/// All that a client can see of an account.
fn visible(server: &Server) -> Value {
    json!([
        server.get("/v3/contacts?include=custom_fields,list_memberships,phone_numbers").expect(200),
        server.get("/v3/contact_lists?include_membership_count=all").expect(200),
        server.get("/v3/contact_custom_fields").expect(200),
        server.get("/v3/activities").expect(200),
    ])
}

/// The same without times, which differ after a reset.
fn timeless(server: &Server) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Object(members) => {
                members.retain(|name, _| !name.ends_with("_at") && !name.ends_with("_date"));
                members.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut all = visible(server);
    strip(&mut all);
    all
}

#[test]
fn an_account_begins_with_its_seed() {
    let account = Account::empty();
    let file = account.path.with_extension("seed");
    std::fs::write(&file, seed().to_string()).unwrap();
    let option = ["--ids", "seeded", "--seed", file.to_str().unwrap()];
    let server = account.serve(&option);
    let contacts = server.get("/v3/contacts?include=list_memberships,custom_fields").expect(200);
    let (ann, joe) = (&contacts["contacts"][0], &contacts["contacts"][1]);
    assert_eq!(ann["contact_id"], "00000003-0000-7000-8000-000000000001");
    let lists = ["00000001-0000-7000-8000-000000000001", "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"];
    assert_eq!((&ann["list_memberships"], &ann["custom_fields"][0]["value"]), (&json!(lists), &json!("gold")));
    assert_eq!(joe["email_address"]["permission_to_send"], "unsubscribed");
    assert_eq!(joe["list_memberships"], json!([]));
    let first = timeless(&server);
    // What came since goes with a reset.
    server.post("/v3/contact_lists", r#"{"name":"More"}"#).expect(201);
    let body = json!({"import_data": [{"email": "new@example.com"}], "list_ids": [lists[0]]}).to_string();
    import(&server, &body);
    assert_ne!(timeless(&server), first);
    let reset = server.post("/_presort/reset", "").expect(200);
    assert_eq!((&reset["contacts"], &reset["lists"], &reset["activities"]), (&json!(3), &json!(2), &json!(0)));
    assert_eq!(timeless(&server), first);
    // The same requests give the same again.
    assert_eq!(import(&server, &body)["activity_id"], "00000004-0000-7000-8000-000000000001");
    drop(server);
    // The same seed, in other white space, changes nothing; another one is refused.
    std::fs::write(&file, serde_json::to_string_pretty(&seed()).unwrap()).unwrap();
    let server = account.serve(&option);
    assert_eq!(server.get("/_presort/state").expect(200)["contacts"], 4);
    drop(server);
    for (other, says) in
        [(r#"{"lists":[{"name":"other"}]}"#, "is not empty"), ("[]", "seed"), (r#"{"list":[]}"#, "`list`")]
    {
        std::fs::write(&file, other).unwrap();
        let refused = Server::spawn(&account.path, &option).wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && text.contains(says), "{text}");
    }
}

#[test]
fn identifiers_that_a_seed_gives_are_not_given_again() {
    let account = Account::empty();
    let server = account.serve(&["--ids", "seeded"]);
    let id = |number: u8| format!("00000001-0000-7000-8000-00000000000{number}");
    let lists = json!({"lists": [{"name": "a", "list_id": id(5)}, {"name": "b"}]});
    server.post("/_presort/seed", &lists.to_string()).expect(200);
    let lists = server.get("/v3/contact_lists").expect(200);
    assert_eq!((&lists["lists"][0]["list_id"], &lists["lists"][1]["list_id"]), (&json!(id(5)), &json!(id(6))));
    server.post("/_presort/seed", &json!({"lists": [{"name": "c", "list_id": id(6)}]}).to_string()).expect(409);
}

#[test]
fn seeds_add_to_an_account_or_change_nothing() {
    let account = Account::new();
    let server = account.serve(&[]);
    let before = visible(&server);
    let one = |contact: Value| json!({"lists": [{"name": "x"}], "contacts": [{"email": "a@example.com"}, contact]});
    for (bad, status, says) in [
        (one(json!({"email": "bad@@example.com"})), 400, "contact 1: EML"),
        (
            one(json!({"email": "b@example.com", "lists": ["nowhere"]})),
            400,
            "contact 1: there is no list named nowhere",
        ),
        (one(json!({"email": "b@example.com", "lists": "x"})), 400, "contact 1: lists"),
        (one(json!({"email": "b@example.com", "cf:none": "x"})), 400, "contact 1: CUS003"),
        (one(json!({"sms_number": "5081231235", "unsubscribed": true})), 400, "unsubscribed needs an email"),
        (one(json!({"email": "b@example.com", "unsubscribed": 1})), 400, "unsubscribed is true or false"),
        (json!({"lists": [{"name": "News", "list_id": "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"}]}), 409, "list_id"),
        (json!({"lists": [{"name": "n", "list_id": "7"}]}), 400, "not a UUID"),
        (json!({"custom_fields": [{"label": "x", "type": "colour"}]}), 400, "colour"),
        (json!({"contacts": 3}), 400, "the seed"),
        (json!([]), 400, "the seed"),
    ] {
        let answer = server.post("/_presort/seed", &bad.to_string()).expect(status);
        let message = answer[0]["error_message"].as_str().unwrap();
        assert!(message.contains(says), "{says}: {message}");
        assert_eq!(visible(&server), before, "{bad}");
    }
    let seeded = server.post("/_presort/seed", &seed().to_string()).expect(200);
    assert_eq!(seeded, json!({"lists": 2, "custom_fields": 1, "contacts": 3}));
    // The list that was there stays; a second time nothing is there twice.
    let once = timeless(&server);
    server.post("/_presort/seed", &seed().to_string()).expect(200);
    assert_eq!(timeless(&server), once);
    assert_eq!(server.get("/_presort/state").expect(200)["lists"], 2);
    // More contacts than a request may have.
    let many: Vec<Value> =
        (0..41_000).map(|i| json!({"email": format!("m{i}@example.com"), "lists": ["news"]})).collect();
    server.post("/_presort/seed", &json!({"contacts": many}).to_string()).expect(200);
    assert_eq!(server.get("/_presort/state").expect(200)["contacts"], 41_003);
    assert_eq!(server.post("/_presort/reset", "{}").expect(200)["contacts"], 41_003);
    assert_eq!(server.post("/_presort/reset", r#"{"empty":true}"#).expect(200)["lists"], 0);
    assert_eq!(server.post("/_presort/reset", "").expect(200)["contacts"], 0);
    assert_eq!(server.post("/_presort/reset", "[]").status, 400);
}

#[test]
fn a_snapshot_brings_everything_back() {
    let account = Account::empty();
    let server = account.serve(&[]);
    server.post("/_presort/seed", &seed().to_string()).expect(200);
    let list = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";
    let body = |email: &str| json!({"import_data": [{"email": email}], "list_ids": [list]}).to_string();
    import(&server, &body("one@example.com"));
    let before = visible(&server);
    assert_eq!(server.post("/_presort/snapshot", r#"{"name":"be_fore-1"}"#).expect(200), json!({"name": "be_fore-1"}));
    import(&server, &body("two@example.com"));
    server.post("/_presort/reset", "").expect(200);
    server.post("/_presort/snapshot", r#"{"name":"after"}"#).expect(200);
    assert_eq!(server.get("/_presort/state").expect(200)["snapshots"], json!(["after", "be_fore-1"]));
    assert_eq!(server.post("/_presort/restore", r#"{"name":"be_fore-1"}"#).expect(200)["contacts"], 4);
    assert_eq!(visible(&server), before);
    drop(server);
    // They are private, outlive the process, and can be written again.
    use std::os::unix::fs::PermissionsExt;
    let file = format!("{}-snapshot-after", account.path.display());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let server = account.serve(&[]);
    assert_eq!(visible(&server), before);
    server.post("/_presort/snapshot", r#"{"name":"after"}"#).expect(200);
    server.post("/_presort/reset", r#"{"empty":true}"#).expect(200);
    server.post("/_presort/restore", r#"{"name":"after"}"#).expect(200);
    assert_eq!(visible(&server), before);
    let missing = server.post("/_presort/restore", r#"{"name":"none"}"#).expect(404);
    assert!(missing[0]["error_message"].as_str().unwrap().contains("be_fore-1"), "{missing}");
    let long = "x".repeat(65);
    for bad in ["", "a/b", "..", "a b", "é", &long] {
        for path in ["/_presort/snapshot", "/_presort/restore"] {
            assert_eq!(server.post(path, &json!({"name": bad}).to_string()).status, 400, "{bad}");
        }
    }
    std::fs::write(format!("{}-snapshot-junk", account.path.display()), "no snapshot, and longer than a header")
        .unwrap();
    assert!(server.post("/_presort/restore", r#"{"name":"junk"}"#).status >= 400);
    assert_eq!(visible(&server), before);
}

#[test]
fn a_reset_cancels_what_waits_and_what_runs() {
    let account = Account::empty();
    let server = account.serve(&["--ids", "seeded"]);
    server.post("/_presort/seed", &seed().to_string()).expect(200);
    let first = timeless(&server);
    let list = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";
    let contacts: Vec<Value> = (0..20_000).map(|i| json!({"email": format!("c{i}@example.com")})).collect();
    let body = json!({"import_data": contacts, "list_ids": [list]}).to_string();
    for wait in [0, 50, 300] {
        let ids: Vec<String> = (0..4)
            .map(|_| server.post(IMPORT, &body).expect(201)["activity_id"].as_str().unwrap().to_owned())
            .collect();
        std::thread::sleep(Duration::from_millis(wait));
        assert_eq!(server.post("/_presort/reset", "").expect(200)["activities_waiting"], 0);
        assert_eq!(timeless(&server), first);
        for id in ids {
            server.get(&format!("/v3/activities/{id}")).expect(404);
        }
        // The next one runs.
        let small = json!({"import_data": [{"email": "next@example.com"}], "list_ids": [list]}).to_string();
        assert_eq!(import(&server, &small)["status"]["items_completed_count"], 1);
        server.post("/_presort/reset", "").expect(200);
    }
    let log = server.log();
    assert!(!log.contains("ERROR"), "{log}");
}

/// A process that is killed during a reset or a restore leaves the account as it was before, or as it is after.
#[test]
fn whoever_kills_a_reset_finds_a_whole_account() {
    let account = Account::empty();
    let mut server = account.serve(&["--log", "none"]);
    let contacts: Vec<Value> =
        (0..3000).map(|i| json!({"email": format!("s{i}@example.com"), "lists": ["news"]})).collect();
    server.post("/_presort/seed", &json!({"lists": [{"name": "news"}], "contacts": contacts}).to_string()).expect(200);
    let list = server.get("/v3/contact_lists").expect(200)["lists"][0]["list_id"].clone();
    let more: Vec<Value> = (0..2000).map(|i| json!({"email": format!("m{i}@example.com")})).collect();
    let body = json!({"import_data": more, "list_ids": [list]}).to_string();
    import(&server, &body);
    server.post("/_presort/snapshot", r#"{"name":"more"}"#).expect(200);
    let mut seen = [0, 0];
    for round in 0..16_u64 {
        let (path, say) = [("/_presort/reset", ""), ("/_presort/restore", r#"{"name":"more"}"#)][round as usize % 2];
        // What waits belongs to the account before; it must not run in the one after.
        server.post(IMPORT, &body);
        let mut connection = Connection::open(server.address).unwrap();
        connection.send(format!("{}{say}", head("POST", path, &[JSON], say.len())).as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(round * 9));
        server.kill();
        server = account.serve(&["--log", "none"]);
        server.drained();
        let state = server.get("/_presort/state").expect(200);
        let count = state["contacts"].as_u64().unwrap();
        assert!(count == 3000 || count == 5000, "{state}");
        // What waited before a reset never runs after it.
        assert!(count == 5000 || state["activities"] == 0, "{state}");
        seen[usize::from(count == 5000)] += 1;
        assert!(lines(&account.path, &["account", "check"]).is_empty());
        server.post("/_presort/restore", r#"{"name":"more"}"#).expect(200);
    }
    assert!(seen[0] + seen[1] == 16, "{seen:?}");
}

/// What is not an import goes by the same clock, identifiers and faults.
#[test]
fn further_resources_go_by_the_clock_the_identifiers_and_the_faults() {
    let account = Account::new();
    let server = account.serve(&["--ids", "seeded"]);
    server.post("/_presort/clock", r#"{"advance":"9d"}"#).expect(200);
    let now = server.get("/_presort/state").expect(200)["clock"]["now"].as_str().unwrap()[..10].to_owned();
    let list = server.post("/v3/contact_lists", r#"{"name":"Shop"}"#).expect(201);
    let tag = server.post("/v3/contact_tags", r#"{"name":"vip"}"#).expect(201);
    let contact = json!({"email_address": {"address": "ann@example.com"}, "create_source": "Account",
        "list_memberships": [list["list_id"]], "taggings": [tag["tag_id"]], "notes": [{"content": "hello"}],
        "sms_channel": {"full_sms_address": "15081231235", "sms_channel_consents": [{"sms_consent_permission": "explicit"}]}});
    let contact = server.post("/v3/contacts", &contact.to_string()).expect(201);
    let id = |kind: u8| json!(format!("0000000{kind}-0000-7000-8000-000000000001"));
    assert_eq!(
        (&list["list_id"], &tag["tag_id"], &contact["contact_id"], &contact["notes"][0]["note_id"]),
        (&id(1), &id(5), &id(3), &id(6))
    );
    for at in [
        &list["created_at"],
        &tag["created_at"],
        &contact["created_at"],
        &contact["notes"][0]["created_at"],
        &contact["sms_channel"]["sms_channel_consents"][0]["opt_in_date"],
    ] {
        assert_eq!(at.as_str().unwrap()[..10], now, "{contact}");
    }
    let counts = || server.get("/v3/contacts/counts?include=new_subscribers").expect(200)["new_subscriber"].clone();
    assert_eq!(counts(), 1);

    // Each way to start an activity that is no import.
    let delete = |path: String| request(server.address, "DELETE", &path, &[], b"").unwrap().expect(202);
    let (list_id, tag_id) = (list["list_id"].as_str().unwrap(), tag["tag_id"].as_str().unwrap());
    let contacts = json!({"contact_ids": [contact["contact_id"]]}).to_string();
    let one = json!({"source": {"all_active_contacts": true}, "list_ids": [account.list]}).to_string();
    let file = "--XX\r\nContent-Disposition: form-data; name=\"list_ids\"\r\n\r\n".to_owned()
        + &account.list
        + "\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\nemail\njoe@example.com\n\r\n--XX--\r\n";
    let started: [&dyn Fn() -> Value; 6] = [
        &|| server.post("/v3/activities/contact_delete", &contacts).expect(201),
        &|| server.post("/v3/activities/add_list_memberships", &one).expect(201),
        &|| server.post("/v3/activities/remove_list_memberships", &one).expect(201),
        &|| delete(format!("/v3/contact_lists/{list_id}")),
        &|| delete(format!("/v3/contact_tags/{tag_id}")),
        &|| {
            let kind = "Content-Type: multipart/form-data; boundary=XX";
            let path = "/v3/activities/contacts_file_import";
            request(server.address, "POST", path, &[kind], file.as_bytes()).unwrap().expect(201)
        },
    ];
    for (kind, state) in [("activity_failed", "failed"), ("activity_timed_out", "timed_out")] {
        set(&server, &json!([{"path": "/v3", "kind": kind, "times": started.len()}]));
        for start in started {
            let done = server.finished(start()["activity_id"].as_str().unwrap());
            assert_eq!(done["state"], state, "{done}");
        }
    }
    assert_eq!(server.get("/v3/contacts/counts").expect(200)["total"], 1);
    assert_eq!(server.get(&format!("/v3/contact_lists/{list_id}")).expect(200)["name"], "Shop");
    server.get(&format!("/v3/contact_tags/{tag_id}")).expect(200);
    // The rules are used up.
    assert_eq!(
        server.finished(delete(format!("/v3/contact_tags/{tag_id}"))["activity_id"].as_str().unwrap())["state"],
        "completed"
    );
    server.get(&format!("/v3/contact_tags/{tag_id}")).expect(404);

    // A month later nobody is new, and the account is still the same one after a reset.
    server.post("/_presort/clock", r#"{"advance":"31d"}"#).expect(200);
    assert_eq!(counts(), 0);
    let summary = server.get("/v3/account/summary").expect(200);
    server.post("/_presort/reset", "").expect(200);
    assert_eq!(server.get("/v3/account/summary").expect(200), summary);
    assert_eq!(server.get("/v3/contact_tags").expect(200)["tags"], json!([]));
}

#[test]
fn a_seed_has_typed_fields_and_deleted_contacts_do_not_count() {
    let account = Account::empty();
    let server = account.serve(&["--ids", "seeded"]);
    let seed = json!({"lists": [{"name": "news"}],
        "custom_fields": [{"label": "Size", "type": "single_select", "choices": [{"choice_label": "L"}, {"choice_label": "XL"}]}],
        "contacts": [{"email": "ann@example.com", "cf:Size": "XL"}, {"email": "joe@example.com"}]});
    server.post("/_presort/seed", &seed.to_string()).expect(200);
    let field = &server.get("/v3/contact_custom_fields").expect(200)["custom_fields"][0];
    assert_eq!(field["choices"][1]["choice_label"], "XL");
    let page = server.get("/v3/contacts?include=custom_fields").expect(200);
    assert_eq!(page["contacts"][0]["custom_fields"][0]["choice_ids"], json!(["2"]));
    let id = page["contacts"][1]["contact_id"].as_str().unwrap();
    assert_eq!(request(server.address, "DELETE", &format!("/v3/contacts/{id}"), &[], b"").unwrap().status, 204);
    assert_eq!(server.get("/_presort/state").expect(200)["contacts"], 1);
    server.post("/_presort/snapshot", r#"{"name":"one"}"#).expect(200);
    server.post("/_presort/reset", "").expect(200);
    assert_eq!(server.get("/_presort/state").expect(200)["contacts"], 2);
    server.post("/_presort/restore", r#"{"name":"one"}"#).expect(200);
    assert_eq!(server.get("/_presort/state").expect(200)["contacts"], 1);
    let field = &server.get("/v3/contact_custom_fields").expect(200)["custom_fields"][0];
    assert_eq!(field["choices"].as_array().unwrap().len(), 2);
}
