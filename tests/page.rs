//! The page of the sandbox, over sockets: what it shows, that it is text, its pages, its actions, and who may not use them.

#![cfg(all(unix, feature = "cli", feature = "serve"))]

#[allow(dead_code)]
mod http;

use http::{Answer, IMPORT, JSON, Server, lines, request};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const MULTIPART: &str = "Content-Type: multipart/form-data; boundary=XX";
const EVIL: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";

struct Sandbox {
    dir: TempDir,
    path: PathBuf,
    server: Server,
}

impl Sandbox {
    fn new(args: &[&str]) -> Sandbox {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.account");
        lines(&path, &["account", "init", path.to_str().unwrap()]);
        let server = Server::start(&path, &[&["--ids", "seeded"], args].concat());
        Sandbox { dir, path, server }
    }

    /// A page; it must have the headers of all pages, and no other script than those of the server.
    fn page(&self, path: &str) -> String {
        let answer = self.server.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        is_safe(&answer);
        answer.text().to_owned()
    }

    fn view(&self, path: &str) -> String {
        self.page(&format!("/_presort/page/{path}"))
    }

    fn act(&self, path: &str, body: &str) -> Answer {
        let path = format!("/_presort/page/{path}");
        request(self.server.address, "POST", &path, &[FORM], body.as_bytes()).unwrap()
    }

    fn list(&self, name: &str) -> String {
        let list = self.server.post("/v3/contact_lists", &json!({"name": name}).to_string()).expect(201);
        list["list_id"].as_str().unwrap().to_owned()
    }

    fn import(&self, list: &str, contacts: &Value) -> Value {
        let body = json!({"list_ids": [list], "import_data": contacts}).to_string();
        self.server.finished(self.server.post(IMPORT, &body).expect(201)["activity_id"].as_str().unwrap())
    }

    fn upload(&self, name: &str, text: &str) -> Answer {
        let body = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--XX--\r\n"
        );
        request(self.server.address, "POST", "/_presort/page/files", &[MULTIPART], body.as_bytes()).unwrap()
    }
}

fn is_safe(answer: &Answer) {
    let policy = answer.header("content-security-policy").unwrap();
    for part in
        ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let text = answer.text();
    for tag in text.split("<script").skip(1) {
        let is_ours =
            [" type=\"module\" src=\"/_presort/page/live.js\">", " type=\"module\" src=\"/_presort/page/drop.js\">"];
        assert!(is_ours.iter().any(|ours| tag.starts_with(ours)), "<script{}", &tag[..tag.len().min(80)]);
    }
    for bad in ["<img", "onerror=\"", "javascript:", "style=", "http://", "https://", "<iframe"] {
        assert!(!text.contains(bad), "{bad}: {text}");
    }
}

#[test]
fn an_import_is_shown_with_its_errors_beside_its_contacts() {
    let s = Sandbox::new(&[]);
    assert!(s.page("/").contains("There is none."));
    let list = s.list("News");
    let done = s.import(
        &list,
        &json!([{"email": "ann@example.com", "phone": "12"}, {"email": "joe@", "first_name": "Joe"}, {"email": "eve@example.com"}]),
    );
    let id = done["activity_id"].as_str().unwrap();
    let front = s.page("/");
    assert!(front.contains(&format!("<tr id=\"activity-{id}\">")) && front.contains("1 completed."), "{front}");
    let page = s.view(&format!("activities/{id}"));
    let rows: Vec<&str> = page.split("<tr>").skip(2).map(|row| row.split("</tr>").next().unwrap()).collect();
    assert_eq!(rows.len(), 2, "{page}");
    assert!(rows[0].contains(">contact 0</a>") && rows[0].contains("<code>PHN001</code>"), "{}", rows[0]);
    assert!(rows[0].contains("ann@example.com") && !rows[0].contains("joe@"), "{}", rows[0]);
    assert!(rows[1].contains(">contact 1<") && rows[1].contains("<code>EML003</code>"), "{}", rows[1]);
    assert!(rows[1].contains("&#34;Joe&#34;") && !rows[1].contains("<a "), "{}", rows[1]);
    // The contact says which activity changed it, until a request for it alone comes.
    let contact = s.server.get("/v3/contacts?email=ann@example.com").expect(200)["contacts"][0]["contact_id"].clone();
    let path = format!("contacts/{}", contact.as_str().unwrap());
    assert!(s.view(&path).contains(&format!("href=\"/_presort/page/activities/{id}\">{id}</a>")));
    let change = json!({"email_address": {"address": "ann@example.com"}, "update_source": "Account"}).to_string();
    request(s.server.address, "PUT", &format!("/v3/{path}"), &[JSON], change.as_bytes()).unwrap().expect(200);
    let page = s.view(&path);
    assert!(!page.contains(id) && page.contains("a request for this contact"), "{page}");
    // What is not there is said on a page.
    for path in ["activities/x", "contacts/x", "requests/999", "files/9"] {
        let answer = s.server.get(&format!("/_presort/page/{path}"));
        assert_eq!(answer.status, 404, "{path}");
        is_safe(&answer);
        assert!(answer.text().contains("<p role=\"alert\">"), "{path}");
    }
    s.server.get("/_presort/page/nothing").expect(404);
}

#[test]
fn everything_is_text() {
    let s = Sandbox::new(&[]);
    let list = s.list(&format!("a{EVIL}"));
    let evil: String = EVIL.chars().take(50).collect();
    let field = json!({"label": evil, "type": "single_select", "choices": [{"choice_label": EVIL}]}).to_string();
    let field = s.server.post("/v3/contact_custom_fields", &field).expect(201);
    s.server.post("/v3/contact_tags", &json!({"name": EVIL}).to_string()).expect(201);
    let contact = json!({"email_address": {"address": "ann@example.com"}, "first_name": evil, "last_name": evil,
        "company_name": evil, "job_title": evil, "create_source": "Account", "list_memberships": [list],
        "street_addresses": [{"kind": "home", "street": EVIL, "city": evil}], "notes": [{"content": EVIL}],
        "custom_fields": [{"custom_field_id": field["custom_field_id"], "value": EVIL}],
        "taggings": ["00000005-0000-7000-8000-000000000001"]});
    s.server.post("/v3/contacts", &contact.to_string()).expect(201);
    let done =
        s.import(&list, &json!([{"email": EVIL, "first_name": EVIL, EVIL: EVIL}, {"email": "x", "cf:<b>": EVIL}]));
    request(s.server.address, "POST", &format!("/v3/{}", "%3Cscript%3E<script>"), &[JSON], EVIL.as_bytes()).unwrap();
    let file = s.upload("<script>.csv", &format!("email,{0}\nann@example.com,{0}\n{0},x\n", EVIL.replace('"', "\"\"")));
    assert_eq!(file.status, 303, "{}", file.text());
    let activity = format!("activities/{}", done["activity_id"].as_str().unwrap());
    let mut found = 0;
    for path in [
        "activities",
        &activity,
        "contacts",
        "contacts?q=%3Cscript%3E%22%3E%3Cscript%3E",
        "contacts/00000003-0000-7000-8000-000000000001",
        "lists",
        "lists?done=%3Cscript%3E",
        "requests",
        "requests/4",
        "requests/5",
        "requests/6",
        "files",
        "files/1",
    ] {
        let page = s.view(path);
        found += page.matches("&#60;script&#62;").count();
        assert!(!page.contains("<b>"), "{path}");
    }
    assert!(found > 20, "{found}");
    // Refused actions show the text as well.
    let answer = s.act("lists", &format!("name={}", "%3Cscript%3E".repeat(200)));
    assert_eq!(answer.status, 400);
    is_safe(&answer);
    let answer = s.server.get("/_presort/page/contacts?list=%3Cscript%3E");
    assert_eq!(answer.status, 404);
    is_safe(&answer);
}

#[test]
fn tables_have_pages_and_contacts_are_found() {
    let s = Sandbox::new(&[]);
    let list = s.list("News");
    let other = s.list("Other");
    let contacts: Vec<Value> =
        (0..120).map(|i| json!({"email": format!("n{i:03}@example.com"), "first_name": format!("Name{i}")})).collect();
    s.import(&list, &json!(contacts));
    s.import(&other, &json!([{"email": "last@example.com", "last_name": "Lee"}]));
    let mut path = "/_presort/page/contacts".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = s.page(&path);
        seen.push(page.matches("<tr id=\"contact-").count());
        let Some((_, next)) = page.split_once("rel=\"next\"") else { break };
        assert!(next.starts_with(">Further ones"));
        let before = page.split("rel=\"next\"").next().unwrap();
        path = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().replace("&#38;", "&");
    }
    assert_eq!(seen, [50, 50, 21]);
    let count = |query: &str| s.view(&format!("contacts?{query}")).matches("<tr id=\"contact-").count();
    assert_eq!((count("q=n07"), count("q=Lee"), count("q=LAST%40"), count("q=100%25")), (10, 1, 1, 0));
    assert_eq!((count(&format!("list={other}")), count(&format!("list={other}&q=n07"))), (1, 0));
    // Newest first.
    assert!(s.view("contacts").split("<tr id=\"contact-").nth(1).unwrap().contains("last@example.com"));
    // Errors, activities and requests have pages, too.
    let bad: Vec<Value> = (0..250).map(|i| json!({"email": format!("bad{i}")})).collect();
    let done = s.import(&list, &json!(bad));
    let id = done["activity_id"].as_str().unwrap();
    let page = s.view(&format!("activities/{id}?from=200"));
    assert!(page.contains("201 to 250 of 250") && page.contains(">contact 249<") && page.contains("bad249"), "{page}");
    for i in 0..60 {
        s.import(&list, &json!([{"email": format!("m{i}@example.com")}]));
    }
    let front = s.page("/");
    assert_eq!(front.matches("<tr id=\"activity-").count(), 50);
    assert!(front.contains("63 completed.") && front.contains("rel=\"next\""));
    assert!(s.page("/?state=failed").contains("There is none."));
    let requests = s.view("requests");
    assert_eq!(requests.matches("<tr id=\"request-").count(), 50);
    let next = requests.split("before=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(s.view(&format!("requests?before={next}")).matches("<tr id=\"request-").count(), 50);
}

#[test]
fn lists_and_fields_are_made_renamed_and_deleted() {
    let s = Sandbox::new(&[]);
    let done = |answer: Answer, name: &str| {
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(answer.header("location"), Some(format!("/_presort/page/lists?done={name}").as_str()));
    };
    done(s.act("lists", "name=News+%26+more"), "list");
    let lists = || s.server.get("/v3/contact_lists").expect(200)["lists"].clone();
    assert_eq!(lists()[0]["name"], "News & more");
    assert!(s.view("lists?done=list").contains("The list was created."));
    let again = s.act("lists", "name=news+%26+MORE");
    assert_eq!(again.status, 409);
    assert!(again.text().contains("there already is a list named"), "{}", again.text());
    assert_eq!(s.act("lists", "name=").status, 400);
    let id = lists()[0]["list_id"].as_str().unwrap().to_owned();
    // A description and a mark stay.
    let put = json!({"name": "News", "description": "d", "favorite": true}).to_string();
    request(s.server.address, "PUT", &format!("/v3/contact_lists/{id}"), &[JSON], put.as_bytes()).unwrap().expect(200);
    done(s.act(&format!("lists/{id}/rename"), "name=Shop"), "list-renamed");
    assert_eq!(
        (&lists()[0]["name"], &lists()[0]["description"], &lists()[0]["favorite"]),
        (&json!("Shop"), &json!("d"), &json!(true))
    );
    done(s.act(&format!("lists/{id}/delete"), ""), "list-deleted");
    s.server.drained();
    assert_eq!(lists(), json!([]));
    assert!(s.page("/").contains("Deletion of a list"));
    assert_eq!(s.act(&format!("lists/{id}/rename"), "name=x").status, 404);

    done(s.act("fields", "label=Shirt+size&type=single_select&choices=S%3B+M%3B"), "field");
    let fields = || s.server.get("/v3/contact_custom_fields").expect(200)["custom_fields"].clone();
    assert_eq!((&fields()[0]["name"], &fields()[0]["choices"][1]["choice_label"]), (&json!("Shirt_size"), &json!("M")));
    let id = fields()[0]["custom_field_id"].as_str().unwrap().to_owned();
    done(s.act(&format!("fields/{id}/rename"), "label=Size"), "field-renamed");
    assert!(s.view("lists").contains("cf:Size"));
    done(s.act(&format!("fields/{id}/delete"), ""), "field-deleted");
    assert_eq!(fields(), json!([]));
    let json = request(s.server.address, "POST", "/_presort/page/lists", &[JSON], b"{\"name\":\"x\"}").unwrap();
    assert_eq!(json.status, 415);
    assert_eq!(request(s.server.address, "DELETE", "/_presort/page/lists", &[], b"").unwrap().status, 405);
}

#[test]
fn a_file_is_checked_and_imported() {
    let s = Sandbox::new(&[]);
    s.server.post("/v3/contact_custom_fields", r#"{"label":"Tier","type":"string"}"#).expect(201);
    let checked = s.upload("people.csv", "E-Mail;First Name;cf:Tier;Shoe\nann@example.com;Ann;gold;7\njoe@;Joe;;8\n");
    assert_eq!((checked.status, checked.header("location")), (303, Some("/_presort/page/files/1")));
    let page = s.view("files/1");
    assert!(page.contains("1 of 2 people can be imported; 1 cannot."), "{page}");
    assert!(
        page.contains("line 3, contact 1") && page.contains("<code>EML003</code>") && page.contains("joe@"),
        "{page}"
    );
    assert!(page.contains("Import 1 person") && page.contains("not in the import"), "{page}");
    assert_eq!(s.server.get("/v3/contacts").expect(200)["contacts"], json!([]), "nothing is imported yet");
    assert!(s.view("files").contains("people.csv"));
    let none = s.act("files/1/import", "sms_permission_to_send=not_set");
    assert!(none.status == 400 && none.text().contains("choose a list"), "{}", none.text());
    let list = s.list("News");
    let imported = s.act("files/1/import", &format!("list={list}&new_list=Fresh"));
    assert_eq!(imported.status, 303, "{}", imported.text());
    let location = imported.header("location").unwrap();
    let done = s.server.finished(location.rsplit('/').next().unwrap());
    assert_eq!((&done["source_file_name"], &done["status"]["list_count"]), (&json!("people.csv"), &json!(2)));
    let contact = &s.server.get("/v3/contacts?include=custom_fields").expect(200)["contacts"][0];
    assert_eq!((&contact["first_name"], &contact["custom_fields"][0]["value"]), (&json!("Ann"), &json!("gold")));
    // The journal has no file that was only checked.
    let journal = s.server.get("/_presort/journal").expect(200);
    assert!(!journal["requests"].as_array().unwrap().iter().any(|entry| entry["path"] == "/_presort/page/files"));

    // What cannot be read says why, without the path of the temporary file.
    for (name, text) in [("a.json", "{"), ("b.bin", "\u{0}\u{1}\u{2}"), ("c.csv", "")] {
        let answer = s.upload(name, text);
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        is_safe(&answer);
        assert!(answer.text().contains(name) && !answer.text().contains("/tmp"), "{}", answer.text());
    }
    let nameless = s.upload("", "x");
    assert!(nameless.status == 400 && nameless.text().contains("Choose a file first."), "{}", nameless.text());
    // JSON, with the lists of its own.
    let body = json!({"list_ids": [list], "import_data": [{"email": "eve@example.com"}]}).to_string();
    assert_eq!(s.upload("../../body.json", &body).status, 303);
    assert!(s.view("files/2").contains("All of 1 person can be imported."));
    // Only the last few files are kept.
    for _ in 0..4 {
        assert_eq!(s.upload("x.csv", "email\na@example.com\n").status, 303);
    }
    assert_eq!(s.server.get("/_presort/page/files/2").status, 404);
    let many = s.act("files/2/import", &format!("list={list}"));
    assert_eq!(many.status, 404);
    // They are beside the account, and a server that was killed leaves none for long.
    let kept = || {
        let names = std::fs::read_dir(s.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().contains("-file-")).count()
    };
    assert_eq!(kept(), 4);
    let mut server = s.server;
    server.kill();
    assert_eq!(kept(), 4);
    let _server = Server::start(&s.path, &[]);
    assert_eq!(kept(), 0);
}

#[test]
fn a_page_that_did_not_change_is_not_sent_again() {
    let s = Sandbox::new(&[]);
    let list = s.list("News");
    for path in ["/", "/_presort/page/contacts", "/_presort/page/lists"] {
        let tag = s.server.get(path).header("etag").unwrap().to_owned();
        let known = [format!("If-None-Match: {tag}")];
        let ask = || request(s.server.address, "GET", path, &[&known[0]], b"").unwrap();
        let same = ask();
        assert_eq!((same.status, same.body.len()), (304, 0), "{path}");
        s.import(&list, &json!([{"email": format!("{}@example.com", path.len())}]));
        assert_eq!(ask().status, 200, "{path}");
    }
    assert_eq!(
        s.server.get("/_presort/state").expect(200)["last_request"],
        1 + 3 + polls(&s),
        "looking leaves no trace"
    );
}

/// Requests for activities by [`Server::finished`], which the journal has.
fn polls(s: &Sandbox) -> u64 {
    let requests = s.server.get("/_presort/journal?limit=1000").expect(200)["requests"].as_array().unwrap().clone();
    requests.iter().filter(|entry| entry["path"].as_str().unwrap().starts_with("/v3/activities/0")).count() as u64
}

#[test]
fn the_page_says_what_is_not_normal() {
    let s = Sandbox::new(&["--quota", "1000"]);
    assert!(s.page("/").contains("0 of 1,000 requests of this day are used."));
    s.server.post("/_presort/clock", r#"{"advance":"25h"}"#).expect(200);
    let rules = json!([{"path": "/", "kind": "status", "code": 503, "times": 9}]).to_string();
    s.server.post("/_presort/faults", &rules).expect(200);
    let page = s.page("/");
    assert!(page.contains("The clock is 1 day, 1 hour ahead."), "{page}");
    assert!(page.contains("1 rule for faults is in force"), "{page}");
    s.server.get("/v3/contacts").expect(503);
    let requests = s.view("requests");
    assert!(requests.contains("fault: status"), "{requests}");
    s.server.get("/v3/nothing").expect(503);
}

#[test]
fn foreign_pages_and_other_hosts_can_do_nothing() {
    let s = Sandbox::new(&[]);
    let list = s.list("News");
    let port = s.server.address.port();
    let own = format!("Origin: http://localhost:{port}");
    let foreign: [&[&str]; 5] = [
        &["Origin: http://localhost:1"],
        &["Origin: null"],
        &["Origin: https://evil.example"],
        &["Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: cross-site", "Origin: null"],
    ];
    let rename = format!("lists/{list}/rename");
    let delete = format!("lists/{list}/delete");
    for headers in foreign {
        for path in ["lists", &rename, &delete, "fields", "files", "files/1/import"] {
            let path = format!("/_presort/page/{path}");
            let body = b"name=Evil&label=Evil&type=string&new_list=Evil";
            let answer = request(s.server.address, "POST", &path, &[headers, &[FORM]].concat(), body).unwrap();
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
    let state = s.server.get("/_presort/state").expect(200);
    assert_eq!((&state["lists"], &state["custom_fields"], &state["activities"]), (&json!(1), &json!(0), &json!(0)));
    // The page itself may. The host of the tests is localhost, at another port than the server's.
    let raw = |host: &str, origin: &str| {
        let body = "name=Mine";
        let head = format!(
            "POST /_presort/page/lists HTTP/1.1\r\nHost: {host}\r\n{origin}\r\nSec-Fetch-Site: same-origin\r\n{FORM}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = http::Connection::open(s.server.address).unwrap();
        connection.send(head.as_bytes()).unwrap();
        connection.answer().unwrap().status
    };
    assert_eq!(raw(&format!("localhost:{port}"), &own), 303);
    assert_eq!(raw("evil.example", "Origin: http://evil.example"), 421);
    let mut connection = http::Connection::open(s.server.address).unwrap();
    connection.send(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").unwrap();
    assert_eq!(connection.answer().unwrap().status, 421);
}

#[test]
fn the_page_needs_the_token_and_is_there_only_with_control() {
    let s = Sandbox::new(&[]);
    let token = s.path.with_extension("token");
    std::fs::write(&token, "secret").unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let Sandbox { dir: _dir, path, mut server } = s;
    server.kill();
    let server = Server::start(&path, &["--token-file", token.to_str().unwrap()]);
    // "any:secret" and "any:wrong" in base64.
    let (right, wrong) = ("Authorization: Basic YW55OnNlY3JldA==", "Authorization: Basic YW55Ondyb25n");
    for path in ["/", "/_presort/page/contacts", "/_presort/page/live.js"] {
        let ask = |headers: &[&str]| request(server.address, "GET", path, headers, b"").unwrap();
        let refused = ask(&[]);
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.header("www-authenticate").unwrap().starts_with("Basic "), "{path}");
        assert_eq!((ask(&[wrong]).status, ask(&[right]).status), (401, 200), "{path}");
        assert_eq!(ask(&["Authorization: Bearer secret"]).status, 200, "{path}");
    }
    // The API takes no password.
    assert_eq!(request(server.address, "GET", "/v3/contacts", &[right], b"").unwrap().status, 401);
    drop(server);
    // Other machines can reach this address: no control, no page.
    let args = ["--listen", "0.0.0.0:0", "--token-file", token.to_str().unwrap()];
    let open = |more: &[&str]| {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_presort"))
            .args(["serve", "--account"])
            .arg(&path)
            .args(args)
            .args(more)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.take().unwrap()), &mut line).unwrap();
        let port: u16 = line.split("0.0.0.0:").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        let status = request(([127, 0, 0, 1], port).into(), "GET", "/", &[right], b"").unwrap().status;
        child.kill().unwrap();
        child.wait().unwrap();
        status
    };
    assert_eq!((open(&[]), open(&["--control"])), (404, 200));
}
