//! The endpoint from outside: `presort serve`, over sockets.

#![cfg(all(unix, feature = "cli", feature = "serve"))]

#[allow(dead_code)]
mod http;

use http::{Connection, HANG, IMPORT, JSON, Server, head, lines, presort, request};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An account in a directory of its own, with one list.
struct Account {
    dir: TempDir,
    path: PathBuf,
    list: String,
}

impl Account {
    fn new() -> Account {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.account");
        lines(&path, &["account", "init", path.to_str().unwrap()]);
        let list = lines(&path, &["account", "lists", "add", "News"])[0]["list_id"].as_str().unwrap().to_owned();
        Account { dir, path, list }
    }

    fn serve(&self, args: &[&str]) -> Server {
        Server::start(&self.path, args)
    }

    fn body(&self, contacts: &Value) -> String {
        json!({"import_data": contacts, "sms_permission_to_send": "not_set", "list_ids": [self.list]}).to_string()
    }

    /// A body of so many contacts, each of so many bytes or more.
    fn large(&self, contacts: usize, bytes: usize) -> String {
        let street = "x".repeat(bytes);
        let contact = |i| json!({"email": format!("c{i}@example.com"), "street": format!("{i} {street}")});
        self.body(&(0..contacts).map(contact).collect())
    }

    fn activities(&self) -> Vec<Value> {
        lines(&self.path, &["account", "activities"])
    }
}

/// Posts a body that must be accepted; gives the identifier.
fn accepted(server: &Server, body: &str) -> String {
    server.post(IMPORT, body).expect(201)["activity_id"].as_str().unwrap().to_owned()
}

/// An answer that must be an array of errors.
fn fault(answer: &http::Answer, status: u16) -> String {
    let errors = answer.expect(status);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let errors = errors.as_array().unwrap();
    assert!(!errors.is_empty());
    for error in errors {
        let members: Vec<&String> = error.as_object().unwrap().keys().collect();
        assert_eq!(members, ["error_key", "error_message"]);
        assert!(members.iter().all(|name| error[name.as_str()].as_str().is_some_and(|text| !text.is_empty())));
    }
    errors[0]["error_message"].as_str().unwrap().to_owned()
}

fn texts(json: &Value) -> Vec<&str> {
    json.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn each_request_is_answered_as_the_table_says() {
    let account = Account::new();
    let server = account.serve(&[]);
    let answer = server.post("/v3/contact_lists", r#"{"name":"Shop","description":"Who bought","favorite":true}"#);
    let shop = answer.expect(201);
    assert_eq!(
        (&shop["name"], &shop["description"], &shop["favorite"]),
        (&json!("Shop"), &json!("Who bought"), &json!(true))
    );
    let lists = server.get("/v3/contact_lists?include_count=true&include_membership_count=all");
    assert!(lists.text().starts_with(r#"{"lists":[{"#), "{}", lists.text());
    let lists = lists.expect(200);
    assert_eq!((&lists["lists_count"], &lists["_links"]), (&json!(2), &json!({})));
    assert_eq!(lists["lists"][1]["list_id"], shop["list_id"]);
    assert_eq!(lists["lists"][1]["membership_count"], 0);

    let field = server.post("/v3/contact_custom_fields", r#"{"label":"Shoe size","type":"number"}"#).expect(201);
    assert_eq!((&field["name"], &field["type"]), (&json!("Shoe_size"), &json!("number")));
    let fields = server.get("/v3/contact_custom_fields");
    assert!(fields.text().starts_with(r#"{"custom_fields":[{"#), "{}", fields.text());
    assert_eq!(fields.expect(200), json!({"custom_fields": [field], "_links": {}}));

    let body = account.body(&json!([
        {"email": "joe@example.com", "first_name": "Joe", "cf:Shoe_size": "43", "home_phone": "508-123-0001"},
        {"email": "bad@@example.com"}
    ]));
    let answer = server.post(IMPORT, &body);
    let activity = answer.expect(201);
    let id = activity["activity_id"].as_str().unwrap();
    assert_eq!(id.len(), 36);
    assert_eq!((&activity["state"], &activity["percent_done"]), (&json!("initialized"), &json!(0)));
    assert_eq!(activity["_links"]["self"]["href"], json!(format!("/v3/activities/{id}")));
    let done = server.finished(id);
    assert_eq!((&done["state"], &done["percent_done"]), (&json!("completed"), &json!(100)));
    let counts = [
        ("items_total_count", 2),
        ("items_completed_count", 1),
        ("person_count", 2),
        ("error_count", 0),
        ("correctable_count", 1),
        ("cannot_add_to_list_count", 0),
        ("list_count", 1),
    ];
    for (name, count) in counts {
        assert_eq!(done["status"][name], count, "{name}: {done}");
    }
    assert!(texts(&done["activity_errors"])[0].starts_with("contact 1: EML001, email: "), "{done}");
    for time in ["created_at", "updated_at", "started_at", "completed_at"] {
        assert!(done[time].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{done}");
    }
    let activities = server.get("/v3/activities?state=completed&limit=500");
    assert!(activities.text().starts_with(r#"{"activities":[{"#), "{}", activities.text());
    assert_eq!(activities.expect(200), json!({"activities": [done], "_links": {}}));
    assert_eq!(server.get("/v3/activities?state=failed").expect(200), json!({"activities": [], "_links": {}}));

    let contacts = server.get("/v3/contacts?email=JOE%40example.com&include_count=true");
    let (array, count) = (contacts.text().find(r#""contacts":["#), contacts.text().find("contacts_count"));
    assert!(array == Some(1) && count > array, "{}", contacts.text());
    let contacts = contacts.expect(200);
    assert_eq!(contacts["contacts_count"], 1);
    let contact = &contacts["contacts"][0];
    assert_eq!(
        (&contact["first_name"], &contact["email_address"]["permission_to_send"]),
        (&json!("Joe"), &json!("implicit"))
    );
    let id = contact["contact_id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v3/contacts/{id}")).expect(200), *contact);

    let alive = server.get("/healthz");
    assert_eq!((alive.status, alive.text()), (200, "ok\n"));
    let metrics = server.get("/metrics");
    assert_eq!(metrics.status, 200);
    for line in [
        "presort_requests_total{method=\"POST\",route=\"/v3/activities/contacts_json_import\",status=\"201\"} 1"
            .to_owned(),
        "presort_activities_total{state=\"completed\"} 1".to_owned(),
        "presort_contacts_total{outcome=\"imported\"} 1".to_owned(),
        "presort_contacts_total{outcome=\"refused\"} 1".to_owned(),
        format!("presort_body_bytes_total {}", body.len()),
        "presort_activities_waiting 0".to_owned(),
        "# EOF".to_owned(),
    ] {
        assert!(metrics.text().lines().any(|there| there == line), "{line} is not in {}", metrics.text());
    }
}

#[test]
fn what_cannot_be_is_an_array_of_errors() {
    let account = Account::new();
    let server = account.serve(&[]);
    let good = account.body(&json!([{"email": "joe@example.com"}]));
    let none = json!({"import_data": [{"email": "joe@example.com"}], "sms_permission_to_send": "not_set"}).to_string();
    let twice = json!([good, good]).to_string();
    let text = "Content-Type: text/plain";
    let nobody = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";
    let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(200_000));
    let described = format!(r#"{{"name":"Long","description":"{}"}}"#, "x".repeat(2001));
    let (activity, contact) = (format!("/v3/activities/{nobody}"), format!("/v3/contacts/{nobody}"));
    let requests: &[(u16, &str, &str, &[&str], &str)] = &[
        (400, "POST", IMPORT, &[JSON], ""),
        (400, "POST", IMPORT, &[JSON], r#"{"import_data":[{"email":"a@example.com"},"#),
        (400, "POST", IMPORT, &[JSON], &good[..good.len() - 1]),
        (400, "POST", IMPORT, &[JSON], &format!("{good}x")),
        (400, "POST", IMPORT, &[JSON], "null"),
        (400, "POST", IMPORT, &[JSON], "{}"),
        (400, "POST", IMPORT, &[JSON], &twice),
        (400, "POST", IMPORT, &[JSON], &none),
        (400, "POST", IMPORT, &[JSON], &good.replace(&account.list, "news")),
        (400, "POST", IMPORT, &[JSON], &good.replace("import_data", "contacts")),
        (400, "POST", IMPORT, &[JSON], &good.replace("[{", "{\"a\":{").replace("}]", "}}")),
        (415, "POST", IMPORT, &[], &good),
        (415, "POST", IMPORT, &[text], &good),
        (415, "POST", IMPORT, &["Content-Type: multipart/form-data; boundary=x"], &good),
        (415, "POST", IMPORT, &[JSON, "Content-Encoding: gzip"], &good),
        (415, "POST", "/v3/contact_lists", &[text], r#"{"name":"x"}"#),
        (415, "POST", "/v3/contact_custom_fields", &[], r#"{"label":"x","type":"string"}"#),
        (400, "POST", "/v3/contact_lists", &[JSON], "{"),
        (400, "POST", "/v3/contact_lists", &[JSON], r#"{"name":7}"#),
        (400, "POST", "/v3/contact_lists", &[JSON], r#"{"name":" "}"#),
        (400, "POST", "/v3/contact_lists", &[JSON], &huge),
        (409, "POST", "/v3/contact_lists", &[JSON], r#"{"name":"NEWS"}"#),
        (201, "POST", "/v3/contact_custom_fields", &[JSON], r#"{"label":"Size","type":"string"}"#),
        (409, "POST", "/v3/contact_custom_fields", &[JSON], r#"{"label":"size","type":"string"}"#),
        (400, "POST", "/v3/contact_custom_fields", &[JSON], r#"{"label":"Colour","type":"colour"}"#),
        (404, "GET", &activity, &[], ""),
        (404, "GET", "/v3/activities/7", &[], ""),
        (404, "GET", &contact, &[], ""),
        (404, "GET", "/v3", &[], ""),
        (404, "GET", "/v3/", &[], ""),
        (404, "GET", "/v3/nothing", &[], ""),
        (404, "GET", "/nothing", &[], ""),
        (405, "POST", "/", &[], ""),
        (405, "GET", IMPORT, &[], ""),
        (405, "PUT", IMPORT, &[JSON], &good),
        (405, "DELETE", "/v3/contacts", &[], ""),
        (405, "DELETE", &activity, &[], ""),
        (400, "PUT", &contact, &[JSON], "{}"),
        (404, "PUT", &contact, &[JSON], r#"{"update_source":"Account"}"#),
        (405, "POST", &contact, &[JSON], "{}"),
        (404, "DELETE", "/v3/activities/7", &[], ""),
        (415, "POST", "/v3/activities/contacts_file_import", &[JSON], "{}"),
        (404, "POST", "/v3/activities/contact_exports", &[JSON], "{}"),
        (404, "POST", "/v3/activities/", &[JSON], "{}"),
        (400, "POST", "/v3/contacts/sign_up_form", &[JSON], "{}"),
        (405, "GET", "/v3/contacts/sign_up_form", &[], ""),
        (404, "PUT", "/v3/nothing", &[JSON], "{}"),
        (404, "POST", "/nothing", &[JSON], "{}"),
        (400, "POST", "/v3/contact_lists", &[JSON], &described),
        (405, "POST", "/v3/activities", &[JSON], "{}"),
        (405, "POST", "/healthz", &[], ""),
        (400, "GET", "/v3/activities?limit=501", &[], ""),
        (400, "GET", "/v3/activities?limit=0", &[], ""),
        (400, "GET", "/v3/activities?state=done", &[], ""),
        (400, "GET", "/v3/activities?cursor=!", &[], ""),
        (400, "GET", "/v3/contacts?tags=x", &[], ""),
        (400, "GET", "/v3/contacts?nothing=x", &[], ""),
        (400, "GET", "/v3/contacts?lists=x", &[], ""),
        (400, "GET", "/v3/contacts?include=everything", &[], ""),
        (400, "GET", "/v3/contacts?status=gone", &[], ""),
        (400, "GET", "/v3/contacts?include_count=yes", &[], ""),
        (400, "GET", "/v3/contact_lists?status=gone", &[], ""),
    ];
    for (status, method, path, headers, body) in requests {
        let answer = request(server.address, method, path, headers, body.as_bytes()).unwrap();
        assert_eq!(
            answer.status,
            *status,
            "{method} {path} {headers:?} {}: {}",
            &body[..body.len().min(200)],
            answer.text()
        );
        if *status != 201 {
            fault(&answer, *status);
        }
        assert_eq!(answer.header("allow").is_some(), *status == 405, "{method} {path}");
    }
    // Nothing of all this was accepted.
    assert_eq!(server.get("/v3/activities").expect(200), json!({"activities": [], "_links": {}}));
    // A list that the account does not have is found when the body runs.
    let id = accepted(&server, &good.replace(&account.list, nobody));
    let activity = server.finished(&id);
    assert_eq!(activity["state"], "failed");
    assert!(texts(&activity["activity_errors"])[0].contains(nobody), "{activity}");
    assert_eq!(server.get("/v3/contacts").expect(200)["contacts"], json!([]));
    // The media type may have a parameter, and any case.
    let answer =
        request(server.address, "POST", IMPORT, &["content-type: Application/JSON; charset=utf-8"], good.as_bytes());
    answer.unwrap().expect(201);
}

#[test]
fn without_the_token_nothing_is_told() {
    let account = Account::new();
    let file = account.dir.path().join("token");
    std::fs::write(&file, "s3cret-Token\n").unwrap();
    let mode = |mode| std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    let server = account.serve(&["--token-file", file.to_str().unwrap()]);
    server.says("other users can read or write the secrets");
    mode(0o600);
    let server = account.serve(&["--token-file", file.to_str().unwrap()]);
    assert!(!server.log().contains("warning"), "{}", server.log());
    let good = account.body(&json!([{"email": "joe@example.com"}]));
    for headers in [
        &[JSON][..],
        &[JSON, "Authorization: Bearer s3cret-Toke"],
        &[JSON, "Authorization: Bearer s3cret-Tokem"],
        &[JSON, "Authorization: Bearer s3cret-Token2"],
        &[JSON, "Authorization: Bearer"],
        &[JSON, "Authorization: Basic s3cret-Token"],
        &[JSON, "Authorization: s3cret-Token"],
        &[JSON, "Authorization: B\u{e4}rer s3cret-Token"],
    ] {
        for (method, path) in [("POST", IMPORT), ("GET", "/v3/contacts"), ("GET", "/v3/nothing"), ("PUT", IMPORT)] {
            let answer = request(server.address, method, path, headers, good.as_bytes()).unwrap();
            let error = answer.expect(401);
            assert_eq!(error["error_key"], "unauthorized", "{headers:?}");
            assert!(error["error_message"].as_str().is_some_and(|text| !text.contains("s3cret")));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    for scheme in ["Bearer", "bearer"] {
        let token = format!("Authorization: {scheme} s3cret-Token");
        request(server.address, "POST", IMPORT, &[JSON, &token], good.as_bytes()).unwrap().expect(201);
        let activities = request(server.address, "GET", "/v3/activities", &[&token], b"").unwrap().expect(200);
        assert!(!activities["activities"].as_array().unwrap().is_empty());
    }
    // What watches the process has no token.
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/metrics").status, 200);
    server.get("/v3/contacts").expect(401);
}

#[test]
fn other_machines_need_a_token() {
    let account = Account::new();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let output = presort(&account.path, &["serve", "--listen", listen]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("--token-file"), "{error}");
    }
    let file = account.dir.path().join("token");
    for bad in ["", "\n", "two words", "t\u{f6}ken"] {
        std::fs::write(&file, bad).unwrap();
        let output =
            presort(&account.path, &["serve", "--listen", "127.0.0.1:0", "--token-file", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
    }
    std::fs::write(&file, "token").unwrap();
    let server = account.serve(&[]);
    let taken = server.address.to_string();
    let output = presort(&account.path, &["serve", "--listen", &taken]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&taken));
}

#[test]
fn pages_lead_to_each_other() {
    let account = Account::new();
    let server = account.serve(&[]);
    for i in 0..7 {
        let contacts = (0..5).map(|j| json!({"email": format!("c{}@example.com", i * 5 + j)})).collect();
        accepted(&server, &account.body(&contacts));
        server.post("/v3/contact_lists", &json!({"name": format!("List {i}")}).to_string()).expect(201);
        server
            .post("/v3/contact_custom_fields", &json!({"label": format!("f{i}"), "type": "string"}).to_string())
            .expect(201);
    }
    server.drained();
    // As a client does: the first member that is no link, until there is no next.
    let walk = |path: &str, key: &str| {
        let (mut items, mut sizes, mut href) = (Vec::new(), Vec::new(), path.to_owned());
        loop {
            let answer = server.get(&href);
            assert!(answer.text().starts_with("{\"") && answer.text()[2..].contains("\":["), "{}", answer.text());
            let first = answer.text()[2..].split('"').next().unwrap().to_owned();
            let page = answer.expect(200);
            let array = page[&first].as_array().unwrap_or_else(|| panic!("{first} is no array: {page}"));
            sizes.push(array.len());
            items.extend(array.iter().map(|item| item[key].as_str().unwrap().to_owned()));
            match page["_links"].get("next") {
                None => return (items, sizes),
                Some(next) => href = next["href"].as_str().unwrap().to_owned(),
            }
            assert!(href.starts_with("/v3/"), "{href}");
        }
    };
    let all = |path: &str, key: &str, count: usize, pages: &[usize]| {
        let (items, sizes) = walk(path, key);
        assert_eq!(sizes, pages, "{path}");
        assert_eq!(items.iter().collect::<std::collections::HashSet<_>>().len(), count, "{path}");
        items
    };
    all("/v3/contacts?limit=10&status=all", "contact_id", 35, &[10, 10, 10, 5]);
    all("/v3/contacts?limit=35", "contact_id", 35, &[35]);
    all(&format!("/v3/contacts?limit=17&lists={}&include_count=true", account.list), "contact_id", 35, &[17, 17, 1]);
    all("/v3/contact_lists?limit=3&include_count=true", "list_id", 8, &[3, 3, 2]);
    all("/v3/contact_custom_fields?limit=2", "custom_field_id", 7, &[2, 2, 2, 1]);
    let activities = all("/v3/activities?limit=2&state=completed", "activity_id", 7, &[2, 2, 2, 1]);
    let newest: Vec<String> =
        account.activities().iter().map(|activity| activity["activity_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(activities, newest);
}

#[test]
fn sub_resources_come_on_request_only() {
    let account = Account::new();
    let server = account.serve(&[]);
    server.post("/v3/contact_custom_fields", r#"{"label":"Size","type":"string"}"#).expect(201);
    let body = account
        .body(&json!([{"email": "joe@example.com", "cf:Size": "43", "home_phone": "508-123-0001", "city": "Boston"}]));
    server.finished(&accepted(&server, &body));
    let parts = ["custom_fields", "list_memberships", "phone_numbers", "street_addresses", "taggings", "notes"];
    let there = |contact: &Value| parts.iter().copied().filter(|part| contact.get(part).is_some()).collect::<Vec<_>>();
    let ask = |query: &str| server.get(&format!("/v3/contacts?{query}")).expect(200)["contacts"][0].clone();
    let plain = ask("");
    assert_eq!(there(&plain), [""; 0]);
    let id = plain["contact_id"].as_str().unwrap();
    for part in parts {
        let contact = ask(&format!("include={part}"));
        assert_eq!(there(&contact), [part]);
        assert_eq!(server.get(&format!("/v3/contacts/{id}?include={part}")).expect(200), contact);
    }
    let two = ask("include=phone_numbers,list_memberships");
    assert_eq!(there(&two), ["list_memberships", "phone_numbers"]);
    assert_eq!(two["list_memberships"], json!([account.list]));
    assert_eq!(two["phone_numbers"][0]["phone_number"], "508-123-0001");
    // A list of parameters may also come one by one.
    assert_eq!(ask("include=phone_numbers&include=list_memberships"), two);
    assert_eq!(server.get("/v3/contacts").expect(200).get("contacts_count"), None);
}

#[test]
fn more_requests_than_allowed_are_refused() {
    let account = Account::new();
    let server = account.serve(&["--rate-limit", "1"]);
    let began = Instant::now();
    let (mut good, mut refused) = (0, 0);
    while refused < 5 || good < 2 {
        let answer = server.get("/v3/activities");
        match answer.status {
            200 => good += 1,
            _ => {
                // As the published service answers: an object, and nothing is said of when to try again.
                let error = answer.expect(429);
                assert_eq!(error["error_key"], "throttled");
                let message = error["error_message"].as_str().unwrap();
                assert!(message.contains("more than 1 requests a second"), "{message}");
                assert_eq!(answer.header("retry-after"), None);
                refused += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // As many as there were seconds, and one at the start.
        assert!(good <= began.elapsed().as_secs() + 1);
        assert!(began.elapsed() < HANG);
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_full_queue_takes_no_more() {
    use presort::account::{Account as Opened, Error, import::Body};
    let account = Account::new();
    let open = Opened::open(&account.path).unwrap();
    let of = |text: String| Body { bytes: text.into_bytes(), ..Body::default() };
    let small = account.body(&json!([{"email": "joe@example.com"}]));
    let (large, import) = (of(account.large(20_000, 100)), of(small.clone()));
    // The first keep the server busy later.
    (0..5).for_each(|_| drop(open.accept(&large, None).unwrap()));
    let fill = || {
        loop {
            match open.accept(&import, None) {
                Ok(activity) => assert_eq!(activity.state.as_str(), "initialized"),
                Err(Error::Full) => return,
                Err(error) => panic!("{error}"),
            }
        }
    };
    fill();
    assert_eq!(open.waiting().unwrap(), 1000);
    // When one is taken back, another can come.
    let last = open.activities(None, presort::account::page::PageRequest::default()).unwrap().items.remove(0);
    open.cancel(&last.activity_id).unwrap();
    open.accept(&import, None).unwrap();
    assert!(matches!(open.accept(&import, None), Err(Error::Full)));
    let server = account.serve(&[]);
    let began = Instant::now();
    let answer = loop {
        let answer = server.post(IMPORT, &small);
        if answer.status != 201 {
            break answer;
        }
        // It had done one just before.
        assert!(began.elapsed() < HANG);
        fill();
    };
    let error = answer.expect(429);
    assert_eq!(error["error_key"], "queue_full");
    assert!(error["error_message"].as_str().unwrap().starts_with("1000 activities wait"), "{error}");
    // Everything else goes on.
    server.post("/v3/contact_lists", r#"{"name":"Shop"}"#).expect(201);
    server.get("/v3/activities?state=initialized").expect(200);
}

#[test]
fn what_is_under_way_at_the_end_is_told_so() {
    let account = Account::new();
    let server = account.serve(&[]);
    let body = account.body(&json!([{"email": "joe@example.com"}]));
    let (first, second) = body.split_at(body.len() / 2);
    let mut slow = Connection::open(server.address).unwrap();
    slow.send(head("POST", IMPORT, &[JSON], body.len()).as_bytes()).unwrap();
    slow.send(first.as_bytes()).unwrap();
    let mut begun = Connection::open(server.address).unwrap();
    begun.send(b"GET /v3/contacts HTTP/1.1\r\nHost: loc").unwrap();
    let mut idle = Connection::open(server.address).unwrap();
    let mut used = Connection::open(server.address).unwrap();
    used.request("GET", "/v3/contacts", &[], b"").unwrap().expect(200);
    server.tell_to_end();
    server.says("shutting down");
    // Nobody waits for these two.
    assert!(idle.is_closed() && used.is_closed());
    slow.send(second.as_bytes()).unwrap();
    let answer = slow.answer().unwrap();
    fault(&answer, 503);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(slow.is_closed());
    begun.send(b"alhost\r\n\r\n").unwrap();
    fault(&begun.answer().unwrap(), 503);
    assert!(Connection::open(server.address).is_err());
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(account.activities().is_empty());
}

#[test]
fn what_runs_at_the_end_is_parked() {
    let account = Account::new();
    let server = account.serve(&[]);
    let body = account.large(12_000, 100);
    let ids = [(); 3].map(|()| accepted(&server, &body));
    server.tell_to_end();
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    let activities = account.activities();
    assert_eq!((activities.len(), &activities[0]["activity_id"]), (3, &json!(ids[2])));
    assert_eq!(activities[0]["state"], "initialized", "{activities:?}");
    let contacts = lines(&account.path, &["account", "contacts"]).len();
    assert!(contacts == 0 || contacts == 12_000, "half of a body was imported: {contacts}");
    let server = account.serve(&[]);
    for id in &ids {
        let activity = server.finished(id);
        assert_eq!(
            (&activity["state"], &activity["status"]["items_completed_count"]),
            (&json!("completed"), &json!(12_000))
        );
    }
    server.tell_to_end();
    assert_eq!(server.ended().0.code(), Some(0));
    assert!(presort(&account.path, &["account", "check"]).status.success());
}

#[test]
fn a_body_over_the_limit_is_read_to_its_end() {
    let account = Account::new();
    let server = account.serve(&[]);
    let body = account.large(32_000, 120).replacen('{', &format!(r#"{{"list_ids":["{}"],"#, account.list), 1);
    let body = body.replacen(&format!(r#","list_ids":["{}"]}}"#, account.list), "}", 1);
    assert!(body.len() > 5_000_000);
    // The last contact that ends before the limit.
    let end = body[..4_000_000].rfind("},").unwrap() + 2;
    let whole = body[..end].matches("\"email\"").count();
    let told = |id: &str, length: usize| {
        let activity = server.finished(id);
        assert_eq!(activity["state"], "completed");
        assert_eq!(activity["status"]["items_completed_count"], whole);
        let dropped = format!("{} bytes were dropped, from byte {end} on; contact {whole} and those", length - end);
        let said = texts(&activity["activity_errors"])[0].to_owned();
        assert!(said.contains(&dropped), "{said} does not say {dropped}");
    };
    let mut connection = Connection::open(server.address).unwrap();
    let answer = connection.request("POST", IMPORT, &[JSON], body.as_bytes()).unwrap();
    told(answer.expect(201)["activity_id"].as_str().unwrap(), body.len());
    // All of it was read, so that the connection is good for more.
    connection.request("GET", "/v3/activities", &[], b"").unwrap().expect(200);

    // In chunks nobody knows how much there is before it has come.
    let chunked = format!("POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.send(chunked.as_bytes()).unwrap();
    for chunk in body.as_bytes().chunks(99_999) {
        connection.send(format!("{:x}\r\n", chunk.len()).as_bytes()).unwrap();
        connection.send(chunk).unwrap();
        connection.send(b"\r\n").unwrap();
    }
    connection.send(b"0\r\n\r\n").unwrap();
    told(connection.answer().unwrap().expect(201)["activity_id"].as_str().unwrap(), body.len());

    // Far over the limit: what was announced is what is lost, and the rest is not waited for.
    let announced = 500_000_000;
    connection.send(head("POST", IMPORT, &[JSON], announced).as_bytes()).unwrap();
    connection.send(body.as_bytes()).unwrap();
    let blanks = vec![b' '; 1 << 20];
    // The server may stop reading before all of them have come.
    let _ = (0..280).try_for_each(|_| connection.send(&blanks));
    let answer = connection.answer().unwrap();
    assert_eq!(answer.header("connection"), Some("close"));
    told(answer.expect(201)["activity_id"].as_str().unwrap(), announced);
}

#[test]
fn a_body_that_breaks_off_is_not_accepted() {
    let account = Account::new();
    let server = account.serve(&[]);
    let body = account.large(6000, 100);
    for announced in [body.len() + 1, 200_000_000] {
        let mut connection = Connection::open(server.address).unwrap();
        connection.send(head("POST", IMPORT, &[JSON], announced).as_bytes()).unwrap();
        connection.send(body.as_bytes()).unwrap();
        connection.finish().unwrap();
        let message = fault(&connection.answer().unwrap(), 400);
        assert!(message.contains("broke off"), "{message}");
        assert!(connection.is_closed());
        // Nobody there any more who reads the answer.
        let mut connection = Connection::open(server.address).unwrap();
        connection.send(head("POST", IMPORT, &[JSON], announced).as_bytes()).unwrap();
        connection.send(body.as_bytes()).unwrap();
        drop(connection);
    }
    let mut connection = Connection::open(server.address).unwrap();
    let chunked = format!("POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.send(format!("{chunked}5\r\nhello\r\nnonsense\r\n").as_bytes()).unwrap();
    fault(&connection.answer().unwrap(), 400);
    // The connections that were dropped are gone before this is asked.
    let began = Instant::now();
    while !server.get("/metrics").text().lines().any(|line| line == "presort_connections 1") {
        assert!(began.elapsed() < HANG);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.get("/v3/activities").expect(200)["activities"], json!([]));
}

#[test]
fn who_is_slow_holds_up_nobody_else() {
    let account = Account::new();
    let server = account.serve(&[]);
    let open = || Connection::open(server.address).unwrap();
    let idle: Vec<Connection> = (0..300).map(|_| open()).collect();
    let body = account.body(&json!([{"email": "slow@example.com"}]));
    let mut slow: Vec<Connection> = (0..20)
        .map(|_| {
            let mut slow = open();
            slow.send(head("POST", IMPORT, &[JSON], body.len()).as_bytes()).unwrap();
            slow.send(&body.as_bytes()[..20]).unwrap();
            slow
        })
        .collect();
    let mut endless = open();
    endless.send(b"GET /v3/contacts HTTP/1.1\r\nHost: localhost\r\nX-Long: ").unwrap();
    endless.send("a".repeat(30_000).as_bytes()).unwrap();
    let began = Instant::now();
    for i in 0..20 {
        let body = account.body(&json!([{"email": format!("c{i}@example.com")}]));
        server.finished(&accepted(&server, &body));
        server.get("/v3/contacts").expect(200);
    }
    // Well before anybody is cut off for being slow.
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    // All of them are still there; those that were used above are gone soon.
    let there = format!("presort_connections {}", idle.len() + slow.len() + 2);
    while !server.get("/metrics").text().lines().any(|line| line == there) {
        assert!(began.elapsed() < Duration::from_secs(12), "{}", server.get("/metrics").text());
    }
    // They come to their end all the same.
    for slow in &mut slow {
        slow.send(&body.as_bytes()[20..]).unwrap();
        slow.answer().unwrap().expect(201);
    }
    // A head that is longer than any that has a meaning is not read on.
    let _ = (0..100).try_for_each(|_| endless.send("a".repeat(10_000).as_bytes()));
    assert_eq!(endless.answer().unwrap().status, 431);
    server.drained();
    assert_eq!(account.activities().len(), 40);
}

/// What the server does with those who never go on: it takes longer than a test should.
#[test]
#[ignore = "waits until the server cuts off who is slow"]
fn who_never_goes_on_is_cut_off() {
    let account = Account::new();
    let server = account.serve(&[]);
    let mut slow = Connection::open(server.address).unwrap();
    slow.send(head("POST", IMPORT, &[JSON], 100).as_bytes()).unwrap();
    let mut endless = Connection::open(server.address).unwrap();
    endless.send(b"GET /v3/contacts HTTP/1.1\r\nHost: localhost\r\nX-Long: ").unwrap();
    let mut silent = Connection::open(server.address).unwrap();
    let answer = slow.answer().unwrap();
    fault(&answer, 408);
    assert!(slow.is_closed() && endless.answer().is_err() && silent.is_closed());
}

#[test]
fn what_is_no_request_does_no_harm() {
    let account = Account::new();
    let server = account.serve(&[]);
    let import = |headers: &str| format!("POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\n{headers}\r\n{{}}");
    let garbage: [&[u8]; 12] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\0\0\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET  /v3/contacts HTTP/1.1\r\n\r\n",
        b"GET /v3/contacts HTTP/9.9\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v3/contacts HTTP/1.1\r\nno header\r\n\r\n",
        b"GET /v3/\xff HTTP/1.1\r\nX: \0\r\n\r\n",
        &[b'A'; 100_000],
        import("Content-Length: -1\r\n").leak().as_bytes(),
        import("Content-Length: 2\r\nContent-Length: 3\r\n").leak().as_bytes(),
        import("Content-Length: 99999999999999999999999\r\n").leak().as_bytes(),
    ];
    for bytes in garbage {
        let mut connection = Connection::open(server.address).unwrap();
        let _ = connection.send(bytes);
        let _ = connection.finish();
        // It is refused, or there is no answer at all.
        if let Ok(answer) = connection.answer() {
            assert!((400..=505).contains(&answer.status) && answer.status != 500, "{bytes:?}: {}", answer.status);
        }
        assert!(connection.is_closed());
        server.get("/v3/contacts").expect(200);
    }
    assert_eq!(server.get("/v3/activities").expect(200)["activities"], json!([]));
}

#[test]
fn requests_come_in_all_ways_that_are_allowed() {
    let account = Account::new();
    let server = account.serve(&[]);
    let body = account.body(&json!([{"email": "joe@example.com"}]));
    let mut connection = Connection::open(server.address).unwrap();
    // In small chunks, with trailers behind them.
    connection
        .send(
            format!("POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n")
                .as_bytes(),
        )
        .unwrap();
    for chunk in body.as_bytes().chunks(7) {
        connection.send(&[format!("{:X};x=y\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()).unwrap();
    }
    connection.send(b"0\r\nX-Trailer: 1\r\n\r\n").unwrap();
    let id = connection.answer().unwrap().expect(201)["activity_id"].as_str().unwrap().to_owned();
    assert_eq!(server.finished(&id)["status"]["items_completed_count"], 1);
    // One that asks before it sends its body.
    connection.send(head("POST", IMPORT, &[JSON, "Expect: 100-continue"], body.len()).as_bytes()).unwrap();
    assert_eq!(connection.answer().unwrap().status, 100);
    connection.send(body.as_bytes()).unwrap();
    connection.answer().unwrap().expect(201);
    // Two at once, byte by byte.
    let two = format!("{}{}", head("GET", "/v3/contacts", &[], 0), head("GET", "/v3/activities", &[], 0));
    for byte in two.bytes() {
        connection.send(&[byte]).unwrap();
    }
    assert!(connection.answer().unwrap().expect(200)["contacts"].is_array());
    assert!(connection.answer().unwrap().expect(200)["activities"].is_array());
    // One that closes, and an old one.
    let close = connection.request("GET", "/v3/contacts", &["Connection: close"], b"").unwrap();
    assert_eq!((close.status, connection.is_closed()), (200, true));
    let mut old = Connection::open(server.address).unwrap();
    old.send(b"GET /v3/contacts HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!((old.answer().unwrap().status, old.is_closed()), (200, true));
    // One that is refused before it sends its body is not asked for it.
    let mut refused = Connection::open(server.address).unwrap();
    refused.send(head("POST", IMPORT, &["Expect: 100-continue"], body.len()).as_bytes()).unwrap();
    fault(&refused.answer().unwrap(), 415);
}

#[test]
fn bodies_that_come_at_once_run_one_after_the_other() {
    let account = Account::new();
    let server = account.serve(&[]);
    let bodies = Mutex::new(HashMap::new());
    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let (bodies, account, server) = (&bodies, &account, &server);
            scope.spawn(move || {
                for i in 0..5 {
                    let body = thread * 5 + i;
                    // Each has two of three contacts of a hundred.
                    let contacts: Vec<usize> = (0..100).filter(|who| (who + body) % 3 > 0).collect();
                    let said = format!("body {body}");
                    let whole = contacts.iter().map(|who| {
                        json!({"email": format!("c{who}@example.com"), "first_name": said, "last_name": said, "job_title": said,
                            "company_name": said, "home_street": said, "home_city": said})
                    });
                    let id = accepted(server, &account.body(&whole.collect()));
                    bodies.lock().unwrap().insert(id, (said, contacts));
                }
            });
        }
    });
    server.drained();
    let bodies = bodies.into_inner().unwrap();
    let activities = account.activities();
    assert_eq!(activities.len(), 40);
    // The last activity that has a contact is the one whose values it has.
    let mut last = HashMap::new();
    for activity in activities.iter().rev() {
        assert_eq!(activity["state"], "completed");
        let (said, contacts) = &bodies[activity["activity_id"].as_str().unwrap()];
        assert_eq!(activity["status"]["items_completed_count"], contacts.len());
        last.extend(contacts.iter().map(|who| (format!("c{who}@example.com"), said)));
    }
    let export = lines(&account.path, &["account", "export"]);
    assert_eq!((export.len(), last.len()), (100, 100));
    for contact in &export {
        let said = last[contact["email"].as_str().unwrap()];
        for name in ["first_name", "last_name", "job_title", "company_name", "home_street", "home_city"] {
            assert_eq!(contact[name], **said, "{contact}");
        }
    }
}

#[test]
fn the_log_names_nobody() {
    let account = Account::new();
    let file = account.dir.path().join("token");
    std::fs::write(&file, "s3cret-Token").unwrap();
    let server = account.serve(&["--log", "json", "--token-file", file.to_str().unwrap()]);
    let token = "Authorization: Bearer s3cret-Token";
    let ask = |method: &str, path: &str, headers: &[&str], body: &str| {
        let headers = [&[token], headers].concat();
        request(server.address, method, path, &headers, body.as_bytes()).unwrap()
    };
    let body = account.body(&json!([
        {"email": "private@example.com", "first_name": "Privately", "sms_number": "508-123-1235"},
        {"email": "private@@example.com", "cf:Private": "private"},
        {"email": "second-private@example.com", "sms_number": "508-123-1235", "home_street": "1 Private Lane"}
    ]));
    let activity = ask("POST", IMPORT, &[JSON], &body).expect(201);
    let path = format!("/v3/activities/{}", activity["activity_id"].as_str().unwrap());
    let began = Instant::now();
    while !ask("GET", &path, &[], "").expect(200)["completed_at"].is_string() {
        assert!(began.elapsed() < HANG);
    }
    ask("GET", "/v3/contacts?email=private%40example.com", &[], "").expect(200);
    ask("GET", "/v3/contacts?include=private@example.com", &[], "").expect(400);
    ask("GET", "/v3/contacts/private@example.com", &[], "").expect(404);
    ask("GET", "/v3/private@example.com", &[], "").expect(404);
    ask("GET", "/private@example.com?token=s3cret-Token", &[], "").expect(404);
    ask("POST", IMPORT, &[JSON], r#"{"import_data":[{"email":"private@example.com"}],"private@example.com":}"#)
        .expect(400);
    ask("POST", "/v3/contact_lists", &[JSON], r#"{"name":{"private@example.com":1}}"#).expect(400);
    ask("PRIVATE", "/v3/contacts", &["X-Private: private@example.com"], "").expect(405);
    request(server.address, "GET", "/v3/contacts", &["Authorization: Bearer s3cret-Tokem"], b"").unwrap().expect(401);
    server.tell_to_end();
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0));
    let mut requests = 0;
    for line in log.lines().filter(|line| !line.starts_with("presort: listening on ")) {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        requests += usize::from(line["fields"]["message"] == "request");
    }
    assert!(requests >= 10, "{log}");
    assert!(log.contains(activity["activity_id"].as_str().unwrap()), "{log}");
    let small = log.to_lowercase();
    for secret in
        ["s3cret", "private@", "private%40", "privately", "private lane", "123-1235", "1231235", "example.com"]
    {
        assert!(!small.contains(secret), "{secret} is in {log}");
    }
}

#[test]
fn a_body_is_accepted_while_another_runs() {
    let account = Account::new();
    let server = account.serve(&[]);
    let (large, small) = (account.large(20_000, 100), account.body(&json!([{"email": "joe@example.com"}])));
    let began = Instant::now();
    // The first may be done before the second is there: then it is tried again.
    loop {
        let first = accepted(&server, &large);
        let path = format!("/v3/activities/{first}");
        let mut activity = server.get(&path).expect(200);
        while activity["completed_at"].is_null() && activity["percent_done"] == 0 {
            activity = server.get(&path).expect(200);
        }
        let second = accepted(&server, &small);
        let after = server.get(&path).expect(200);
        let behind = server.get(&format!("/v3/activities/{second}")).expect(200);
        if after["completed_at"].is_null() {
            assert_eq!((&activity["state"], &after["state"]), (&json!("processing"), &json!("processing")));
            let done = |activity: &Value| activity["percent_done"].as_u64().unwrap();
            assert!(0 < done(&activity) && done(&activity) <= done(&after) && done(&after) < 100, "{activity} {after}");
            assert_eq!(behind["percent_done"].as_u64().unwrap() == 0, behind["completed_at"].is_null());
            // They are done in their order.
            let (second, first) = (server.finished(&second), server.get(&path).expect(200));
            assert!(first["completed_at"].as_str() <= second["started_at"].as_str(), "{first} {second}");
            assert_eq!((&first["state"], &second["state"]), (&json!("completed"), &json!("completed")));
            return;
        }
        server.drained();
        assert!(began.elapsed() < HANG, "no body was accepted while another ran");
    }
}

#[test]
fn another_process_may_work_on_the_account_meanwhile() {
    let account = Account::new();
    let server = account.serve(&[]);
    let large = account.large(12_000, 100);
    let first = [(); 3].map(|()| accepted(&server, &large));
    let last = accepted(&server, &account.body(&json!([{"email": "last@example.com"}])));
    // Taken back while it waits.
    let cancelled = lines(&account.path, &["account", "activities", "--cancel", &last]);
    assert_eq!(cancelled[0]["state"], "cancelled");
    // An import does what waits before it, together with the server.
    let file = account.dir.path().join("other.json");
    std::fs::write(&file, account.body(&json!([{"email": "other@example.com"}]))).unwrap();
    let other = lines(&account.path, &["import", file.to_str().unwrap()]).remove(0);
    assert_eq!((&other["state"], &other["status"]["items_completed_count"]), (&json!("completed"), &json!(1)));
    for id in &first {
        let activity = server.get(&format!("/v3/activities/{id}")).expect(200);
        assert_eq!(
            (&activity["state"], &activity["status"]["items_completed_count"]),
            (&json!("completed"), &json!(12_000))
        );
    }
    assert_eq!(server.finished(&last)["state"], "cancelled");
    // What is done cannot be taken back.
    assert!(!presort(&account.path, &["account", "activities", "--cancel", &first[0]]).status.success());
    assert_eq!(server.finished(&first[0])["state"], "completed");
    assert_eq!(server.get("/v3/contacts?email=last@example.com").expect(200)["contacts"], json!([]));
    assert_eq!(server.get("/v3/contacts?limit=1&include_count=true").expect(200)["contacts_count"], 12_001);
    server.signal(libc::SIGINT);
    assert_eq!(server.ended().0.code(), Some(0));
    // Nothing is left beside the account.
    let there = std::fs::read_dir(account.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut there: Vec<_> = there.collect();
    there.sort();
    assert_eq!(there, ["a.account", "other.json"]);
}

#[test]
fn a_path_that_cannot_be_read_is_an_array_of_errors() {
    let account = Account::new();
    let server = account.serve(&[]);
    for path in ["/v3/activities/%FF", "/v3/contacts/%FF"] {
        let answer = server.get(path);
        assert!(matches!(answer.status, 400 | 404));
        fault(&answer, answer.status);
    }
}

#[test]
fn a_new_account_has_nothing_of_one_that_was_deleted() {
    let account = Account::new();
    let mut server = account.serve(&[]);
    let body = account.large(12_000, 100);
    (0..3).for_each(|_| drop(accepted(&server, &body)));
    server.kill();
    for end in ["", "-wal", "-shm"] {
        let mut name = account.path.clone().into_os_string();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
    // Either it is refused, or the account is empty.
    if presort(&account.path, &["account", "init", account.path.to_str().unwrap()]).status.success() {
        assert!(account.activities().is_empty());
    }
}

#[test]
fn a_refusal_reaches_who_sends_all_of_a_large_body_first() {
    let account = Account::new();
    let file = account.dir.path().join("token");
    std::fs::write(&file, "token").unwrap();
    let server = account.serve(&["--token-file", file.to_str().unwrap()]);
    let body = account.large(30_000, 100);
    assert!(body.len() > 4_000_000);
    let token = "Authorization: Bearer token";
    let requests: [(u16, &str, &str, &[&str]); 4] = [
        (401, "POST", IMPORT, &[JSON]),
        (415, "POST", IMPORT, &[token]),
        (404, "POST", "/v3/nothing", &[token, JSON]),
        (405, "PUT", IMPORT, &[token, JSON]),
    ];
    for (status, method, path, headers) in requests {
        // Errors while it sends are what a client would tell its user in place of the answer.
        let answer = request(server.address, method, path, headers, body.as_bytes())
            .unwrap_or_else(|error| panic!("in place of {status}: {error}"));
        answer.expect(status);
    }
}

#[test]
fn an_account_whose_name_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff.account"));
    let init = std::process::Command::new(env!("CARGO_BIN_EXE_presort")).args(["account", "init"]).arg(&path).output();
    let init = init.unwrap();
    assert_eq!(init.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&init.stderr).contains("UTF-8"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// By DNS rebinding, a web page's own name leads to this machine: it stays in the Host header.
#[test]
fn only_its_own_names_are_served() {
    let account = Account::new();
    let server = account.serve(&["--host", "CRM.example", "--host", "2001:db8::1"]);
    let port = server.address.port();
    let body = account.body(&json!([{"email": "joe@example.com"}]));
    let ask = |path: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        let mut connection = Connection::open(server.address).unwrap();
        match path {
            IMPORT => {
                let length = body.len();
                let head = format!("POST {path} HTTP/1.1\r\n{hosts}{JSON}\r\nContent-Length: {length}\r\n\r\n");
                connection.send(head.as_bytes()).unwrap();
                connection.send(body.as_bytes()).unwrap();
            }
            _ => connection.send(format!("GET {path} HTTP/1.1\r\n{hosts}\r\n").as_bytes()).unwrap(),
        }
        connection.answer().unwrap()
    };
    for path in ["/v3/contacts", "/v3/nothing", "/", "/healthz", "/metrics", IMPORT] {
        for host in ["evil.example", "evil.example:8080", "192.0.2.7", "localhost.evil.example"] {
            fault(&ask(path, &[host]), 421);
        }
        fault(&ask(path, &[]), 400);
        fault(&ask(path, &[""]), 400);
        fault(&ask(path, &["localhost", "localhost"]), 400);
        fault(&ask(path, &["localhost", "evil.example"]), 400);
        fault(&ask(path, &["local host"]), 400);
    }
    assert_eq!(server.get("/v3/activities").expect(200)["activities"], json!([]));
    let with_port = format!("127.0.0.1:{port}");
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        &with_port,
        "[::1]:80",
        "crm.example",
        "crm.EXAMPLE:443",
        "[2001:db8::1]",
    ] {
        ask("/v3/contacts", &[host]).expect(200);
        ask(IMPORT, &[host]).expect(201);
    }
    // A target with a host of its own is for that host.
    fault(&ask("http://evil.example/v3/contacts", &["localhost"]), 421);
    ask("http://localhost/v3/contacts", &["localhost"]).expect(200);
    for bad in ["a:80", "*", "http://a"] {
        assert_eq!(presort(&account.path, &["serve", "--host", bad]).status.code(), Some(2), "{bad}");
    }
}

#[test]
fn a_foreign_page_changes_nothing() {
    let account = Account::new();
    let server = account.serve(&["--cors", "https://app.example"]);
    let body = account.body(&json!([{"email": "joe@example.com"}]));
    let ask = |method: &str, path: &str, headers: &[&str], body: &str| {
        request(server.address, method, path, &[headers, &[JSON]].concat(), body.as_bytes()).unwrap()
    };
    for foreign in [
        &["Origin: https://evil.example"][..],
        &["Origin: null"],
        &["Origin: http://localhost:3000"],
        &["Sec-Fetch-Site: cross-site"],
        &["Origin: http://localhost", "Sec-Fetch-Site: cross-site"],
    ] {
        fault(&ask("POST", IMPORT, foreign, &body), 403);
        fault(&ask("POST", "/v3/contact_lists", foreign, r#"{"name":"Evil"}"#), 403);
        fault(&ask("DELETE", "/v3/contacts", foreign, ""), 403);
        let read = ask("GET", "/v3/contacts", foreign, "");
        read.expect(200);
        assert_eq!(read.header("access-control-allow-origin"), None, "{foreign:?}");
    }
    assert_eq!(server.get("/v3/activities").expect(200)["activities"], json!([]));
    assert_eq!(server.get("/v3/contact_lists").expect(200)["lists"].as_array().unwrap().len(), 1);
    // Its own page, a program, and the page that was allowed.
    ask("POST", IMPORT, &["Origin: http://localhost", "Sec-Fetch-Site: same-origin"], &body).expect(201);
    ask("POST", IMPORT, &[], &body).expect(201);
    let app = "Origin: https://app.example";
    let answer = ask("POST", IMPORT, &[app, "Sec-Fetch-Site: cross-site"], &body);
    answer.expect(201);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    let preflight = ask("OPTIONS", IMPORT, &[app, "Access-Control-Request-Method: POST"], "");
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    assert!(preflight.header("access-control-allow-headers").is_some_and(|names| names.contains("Authorization")));
    let other = ask("OPTIONS", IMPORT, &["Origin: https://evil.example", "Access-Control-Request-Method: POST"], "");
    assert_eq!((other.status, other.header("access-control-allow-origin")), (405, None));
}

/// A client may close its half of the connection once all of its request is sent.
#[test]
fn a_half_closed_request_is_answered_logged_and_counted() {
    let account = Account::new();
    let server = account.serve(&[]);
    let body = account.body(&json!([{"email": "joe@example.com"}]));
    for i in 1..=5 {
        let mut connection = Connection::open(server.address).unwrap();
        connection.send(&[head("POST", IMPORT, &[JSON], body.len()).as_bytes(), body.as_bytes()].concat()).unwrap();
        connection.finish().unwrap();
        connection.answer().unwrap().expect(201);
        assert!(connection.is_closed());
        let counted = format!(
            "presort_requests_total{{method=\"POST\",route=\"/v3/activities/contacts_json_import\",status=\"201\"}} {i}"
        );
        assert!(server.get("/metrics").text().lines().any(|line| line == counted), "{counted}");
    }
    let mut connection = Connection::open(server.address).unwrap();
    connection.send(head("GET", "/v3/contacts", &[], 0).as_bytes()).unwrap();
    connection.finish().unwrap();
    connection.answer().unwrap().expect(200);
    // One that is gone altogether is counted as well: what it asked for was done.
    let mut gone = Connection::open(server.address).unwrap();
    gone.send(&[head("POST", IMPORT, &[JSON], body.len()).as_bytes(), body.as_bytes()].concat()).unwrap();
    drop(gone);
    let began = Instant::now();
    let all = || server.get("/v3/activities?limit=100").expect(200)["activities"].as_array().unwrap().len();
    while all() < 6 {
        assert!(began.elapsed() < HANG);
    }
    let counted = "status=\"201\"} 6";
    while !server.get("/metrics").text().lines().any(|line| line.ends_with(counted)) {
        assert!(began.elapsed() < HANG, "{}", server.get("/metrics").text());
    }
    assert_eq!(server.log().matches("status=201").count(), 6, "{}", server.log());
}

#[test]
fn a_log_line_has_a_bound() {
    let account = Account::new();
    let server = account.serve(&[]);
    let long = "M".repeat(60_000);
    assert_eq!(request(server.address, &long, "/v3/contacts", &[], b"").unwrap().status, 405);
    let path = format!("/v3/{}", "p".repeat(50_000));
    let answer = server.get(&path);
    fault(&answer, 404);
    let answer = server.get(&format!("/v3/activities/{}", "i".repeat(50_000)));
    assert!(answer.body.len() < 2000, "{}", answer.body.len());
    server.tell_to_end();
    let (_, log) = server.ended();
    assert!(log.lines().all(|line| line.len() < 1000), "{log}");
}

/// Lists of a page take a bounded number of bytes, and what clients do not read is bounded as well.
#[test]
fn who_does_not_read_takes_little_memory() {
    let account = Account::new();
    {
        use presort::account::{Account as Opened, lists::NewList};
        let open = Opened::open(&account.path).unwrap();
        for i in 0..400 {
            let description = Some("\u{1F4EE}".repeat(2000));
            open.add_list(&NewList { name: format!("List {i}"), description, favorite: None }).unwrap();
        }
    }
    let server = account.serve(&[]);
    let (mut href, mut lists, mut pages) = ("/v3/contact_lists?limit=1000".to_owned(), 0, 0);
    loop {
        let answer = server.get(&href);
        assert!(answer.body.len() < 1_200_000, "{}", answer.body.len());
        let page = answer.expect(200);
        lists += page["lists"].as_array().unwrap().len();
        pages += 1;
        match page["_links"].get("next") {
            Some(next) => href = next["href"].as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert!(lists == 401 && pages > 2, "{lists} lists on {pages} pages");
    let mut clients = Vec::new();
    for _ in 0..200 {
        let mut client = Connection::open(server.address).unwrap();
        // More than the system keeps for a connection.
        for _ in 0..20 {
            client.send(head("GET", "/v3/contact_lists?limit=1000", &[], 0).as_bytes()).unwrap();
        }
        clients.push(client);
    }
    std::thread::sleep(Duration::from_secs(2));
    let resident = server.resident();
    assert!(resident < 400 << 20, "{} MiB", resident >> 20);
    drop(clients);
    let began = Instant::now();
    while server.get("/v3/contact_lists?limit=1000").status != 200 {
        assert!(began.elapsed() < HANG, "memory is not given back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn messages_over_http_name_no_option() {
    let account = Account::new();
    let server = account.serve(&[]);
    let long = "x".repeat(4_000_000);
    let list = &account.list;
    for (body, says) in [
        (r#"{"import_data":[{"email":"a@example.com"}]}"#.to_owned(), "list_ids"),
        (r#"{"list_ids":[],"import_data":[]}"#.to_owned(), "1 to 50"),
        (r#"{"list_ids":["x"],"import_data":[]}"#.to_owned(), "UUID"),
        (format!(r#"{{"list_ids":["{list}"],"sms_permission_to_send":"yes","import_data":[]}}"#), "not_set"),
        (
            format!(r#"{{"import_data":[{{"email":"a@example.com","cf:x":"{long}"}}],"list_ids":["{list}"]}}"#),
            "before import_data",
        ),
        (format!(r#"{{"list_ids":["{list}"]}}"#), "import_data"),
        (format!(r#"{{"list_ids":["{list}"],"import_data":[{{"email":NaN}}]}}"#), "NaN"),
        ("email,first_name\na@example.com,Ann\n".to_owned(), "CSV"),
        ("[]".to_owned(), "list_ids"),
        (" ".to_owned(), "JSON"),
        (long.clone(), "JSON"),
    ] {
        let message = fault(&server.post(IMPORT, &body), 400);
        assert!(message.contains(says), "{says}: {message}");
        for foreign in ["--", "presort", "exit status", "iconv"] {
            assert!(!message.contains(foreign), "{foreign}: {message}");
        }
    }
}
