//! OAuth for tests, from outside: `presort serve --oauth`, over sockets.

#![cfg(all(unix, feature = "cli", feature = "serve"))]

#[allow(dead_code)]
mod http;

use http::{Answer, JSON, Server, lines, presort, request};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const BASE: &str = "/oauth2/default/v1";
const CALLBACK: &str = "http%3A%2F%2Flocalhost%3A3000%2Fcb";

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
        let server = Server::start(&path, &[&["--oauth"], args].concat());
        Sandbox { dir, path, server }
    }

    fn form(&self, path: &str, headers: &[&str], body: &str) -> Answer {
        request(self.server.address, "POST", path, &[&[FORM], headers].concat(), body.as_bytes()).unwrap()
    }

    fn token(&self, body: &str) -> Answer {
        self.form(&format!("{BASE}/token"), &[], body)
    }

    fn authorize(&self, query: &str) -> Answer {
        self.server.get(&format!("{BASE}/authorize?{query}"))
    }

    fn call(&self, method: &str, path: &str, token: &Value) -> u16 {
        let bearer = format!("Authorization: Bearer {}", token.as_str().unwrap());
        request(self.server.address, method, path, &[JSON, &bearer], b"{}").unwrap().status
    }

    /// The code that the user's approval gives.
    fn code(&self, scope: &str) -> String {
        let query = format!(
            "response_type=code&client_id=app&redirect_uri={CALLBACK}&scope={scope}&state=a%26b&code_challenge={CHALLENGE}&code_challenge_method=S256"
        );
        let page = self.authorize(&query);
        assert_eq!(page.status, 200, "{}", page.text());
        let answer =
            self.form(&format!("{BASE}/authorize"), &[], &format!("request={}&decision=approve", hidden(&page)));
        assert_eq!(answer.status, 303);
        let location = answer.header("location").unwrap().to_owned();
        let code =
            location.strip_prefix("http://localhost:3000/cb?code=").unwrap().strip_suffix("&state=a%26b").unwrap();
        code.to_owned()
    }

    fn exchange(&self, code: &str) -> Answer {
        self.token(&format!(
            "grant_type=authorization_code&client_id=app&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}"
        ))
    }
}

/// What the page's form sends back.
fn hidden(page: &Answer) -> String {
    let text = page.text();
    let from = text.find("name=\"request\" value=\"").unwrap() + 22;
    text[from..].split('"').next().unwrap().to_owned()
}

fn error(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.expect(status)["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_code_becomes_tokens_that_are_needed_for_everything() {
    let s = Sandbox::new(&[]);
    s.server.get("/v3/contacts").expect(401);
    assert_eq!(s.call("GET", "/v3/contacts", &json!("x")), 401);
    let code = s.code("contact_data+offline_access");
    let answer = s.exchange(&code);
    let tokens = answer.expect(200);
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]),
        (&json!("Bearer"), &json!(86400), &json!("contact_data offline_access"))
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(s.call("GET", "/v3/contacts", &tokens["access_token"]), 200);
    assert_eq!(s.call("GET", "/v3/account/summary", &tokens["access_token"]), 403);
    let refresh = |token: &Value| {
        s.token(&format!("grant_type=refresh_token&client_id=app&refresh_token={}", token.as_str().unwrap()))
    };
    let more = refresh(&tokens["refresh_token"]).expect(200);
    assert_eq!(error(&refresh(&tokens["refresh_token"]), 400), "invalid_grant");
    assert_eq!(s.call("GET", "/v3/contacts", &more["access_token"]), 200);
    let account = s.exchange(&s.code("account_read")).expect(200);
    assert_eq!(account.get("refresh_token"), None);
    assert_eq!(s.call("GET", "/v3/account/summary", &account["access_token"]), 200);
    assert_eq!(s.call("GET", "/v3/contacts", &account["access_token"]), 403);
    // A code that comes twice ends what it gave.
    assert_eq!(error(&s.exchange(&code), 400), "invalid_grant");
    assert_eq!(s.call("GET", "/v3/contacts", &more["access_token"]), 401);
    let log = s.server.log();
    for secret in [&code, tokens["access_token"].as_str().unwrap(), more["refresh_token"].as_str().unwrap(), VERIFIER] {
        assert!(!log.contains(secret), "the log has a secret");
    }
}

#[test]
fn authorisations_are_checked() {
    let s = Sandbox::new(&[]);
    let good = format!(
        "response_type=code&client_id=app&redirect_uri={CALLBACK}&scope=contact_data&state=x&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    // No redirect to an address that is not the client's.
    for bad in [
        good.replace("client_id=app", "client_id="),
        good.replace("client_id=app", "client_id=%3Cscript%3E"),
        good.replace(CALLBACK, "https%3A%2F%2Fapp.example%2F%23x"),
        good.replace(CALLBACK, "http%3A%2F%2Fapp.example%2F"),
        good.replace(CALLBACK, "javascript%3Aalert(1)"),
        format!("{good}&state=y"),
    ] {
        let page = s.authorize(&bad);
        assert_eq!(page.status, 400, "{bad}");
        assert!(page.header("location").is_none() && !page.text().contains("<script"), "{bad}");
    }
    for (says, bad) in [
        ("unsupported_response_type", good.replace("response_type=code", "response_type=token")),
        ("invalid_scope", good.replace("scope=contact_data", "scope=contact_data%2Boffline_access")),
        ("invalid_scope", good.replace("scope=contact_data", "scope=everything")),
        ("invalid_request", good.replace("=S256", "=plain")),
        ("invalid_request", good.replace(CHALLENGE, "short")),
        ("invalid_request", good.replace(&format!("&code_challenge={CHALLENGE}&code_challenge_method=S256"), "")),
    ] {
        let answer = s.authorize(&bad);
        let location = answer.header("location").unwrap_or("");
        assert!(
            answer.status == 303 && location.contains(&format!("error={says}")) && location.ends_with("&state=x"),
            "{bad}: {location}"
        );
    }
    let page = s.authorize(&good);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("form-action 'self' http://localhost:3000;"),
        "{policy}"
    );
    assert!(!page.text().contains("<script"));
    let request = hidden(&page);
    let decide =
        |decision: &str| s.form(&format!("{BASE}/authorize"), &[], &format!("request={request}&decision={decision}"));
    let denied = decide("deny");
    assert!(denied.header("location").unwrap().starts_with("http://localhost:3000/cb?error=access_denied"));
    assert_eq!(decide("approve").status, 400);
    // Another page cannot answer for the user.
    let foreign = s.form(&format!("{BASE}/authorize"), &["Origin: https://evil.example"], "request=x&decision=approve");
    assert_eq!(foreign.status, 403);
    for (says, status, body) in [
        ("invalid_client", 401, "grant_type=refresh_token&refresh_token=x"),
        ("invalid_client", 401, "grant_type=refresh_token&refresh_token=x&client_id=app&client_secret=x"),
        ("invalid_grant", 400, "grant_type=refresh_token&refresh_token=x&client_id=app"),
        ("unsupported_grant_type", 400, "grant_type=password&client_id=app"),
        ("invalid_request", 400, "client_id=app"),
        ("invalid_request", 400, "grant_type=authorization_code&client_id=app&code=x&code=y"),
    ] {
        assert_eq!(error(&s.token(body), status), says, "{body}");
    }
}

#[test]
fn devices_are_connected_by_their_user() {
    let s = Sandbox::new(&[]);
    let device = s.form(&format!("{BASE}/device/authorize"), &[], "client_id=tv&scope=contact_data").expect(200);
    assert_eq!(
        (&device["interval"], device["verification_uri"].as_str().unwrap().ends_with("/activate")),
        (&json!(5), true)
    );
    let poll = || {
        let code = device["device_code"].as_str().unwrap();
        s.token(&format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code={code}"
        ))
    };
    assert_eq!(error(&poll(), 400), "authorization_pending");
    assert_eq!(error(&poll(), 400), "slow_down");
    assert_eq!(s.server.get("/activate").status, 200);
    assert_eq!(s.server.get("/activate?user_code=BBBB-BBBB").status, 400);
    let page = s.server.get(&format!("/activate?user_code={}", device["user_code"].as_str().unwrap()));
    let done = s.form(&format!("{BASE}/authorize"), &[], &format!("request={}&decision=approve", hidden(&page)));
    assert!(done.status == 200 && done.text().contains("connected"), "{}", done.text());
    std::thread::sleep(std::time::Duration::from_millis(10_500));
    let tokens = poll().expect(200);
    assert_eq!(s.call("GET", "/v3/contacts", &tokens["access_token"]), 200);
    assert_eq!(error(&poll(), 400), "invalid_grant");
}

#[test]
fn clients_with_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("clients.json");
    let clients =
        json!([{"client_id": "web", "client_secret": "s3cret+1", "redirect_uris": ["http://localhost:3000/cb"]}]);
    std::fs::write(&file, clients.to_string()).unwrap();
    let s = Sandbox::new(&["--oauth-clients", file.to_str().unwrap()]);
    let page = s.authorize(&format!("response_type=code&client_id=web&redirect_uri={CALLBACK}&scope=contact_data"));
    let answer = s.form(&format!("{BASE}/authorize"), &[], &format!("request={}&decision=approve", hidden(&page)));
    let code = answer.header("location").unwrap().strip_prefix("http://localhost:3000/cb?code=").unwrap();
    let body = format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}");
    assert_eq!(error(&s.token(&format!("{body}&client_id=web&client_secret=s3cret%2B2")), 401), "invalid_client");
    assert_eq!(error(&s.token(&format!("{body}&client_id=web")), 401), "invalid_client");
    // web:s3cret%2B1
    let basic = "Authorization: Basic d2ViOnMzY3JldCUyQjE=";
    let tokens = s.form(&format!("{BASE}/token"), &[basic], &body).expect(200);
    assert_eq!(s.call("GET", "/v3/contacts", &tokens["access_token"]), 200);
    assert_eq!(
        s.authorize(&format!("response_type=code&client_id=app&redirect_uri={CALLBACK}&scope=contact_data")).status,
        400
    );
    assert!(s.dir.path().exists() && !s.server.log().contains("s3cret"));

    for args in
        [&["--oauth", "--listen", "0.0.0.0:0"][..], &["--oauth-clients", "x"], &["--oauth", "--token-file", "x"]]
    {
        assert_eq!(presort(&s.path, &[&["serve"], args].concat()).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn tokens_end_by_the_clock_and_the_journal_has_no_secret() {
    let s = Sandbox::new(&[]);
    let code = s.code("contact_data+offline_access");
    let tokens = s.exchange(&code).expect(200);
    let later = |time: &str| s.server.post("/_presort/clock", &json!({"advance": time}).to_string()).expect(200);
    later("23h");
    assert_eq!(s.call("GET", "/v3/contacts", &tokens["access_token"]), 200);
    later("2h");
    assert_eq!(s.call("GET", "/v3/contacts", &tokens["access_token"]), 401);
    let body =
        format!("grant_type=refresh_token&client_id=app&refresh_token={}", tokens["refresh_token"].as_str().unwrap());
    let more = s.token(&body).expect(200);
    assert_eq!(s.call("GET", "/v3/contacts", &more["access_token"]), 200);
    let late = s.code("contact_data");
    later("6m");
    assert_eq!(error(&s.exchange(&late), 400), "invalid_grant");
    later("181d");
    let body =
        format!("grant_type=refresh_token&client_id=app&refresh_token={}", more["refresh_token"].as_str().unwrap());
    assert_eq!(error(&s.token(&body), 400), "invalid_grant");
    s.server.get("/activate?user_code=SECRET-CODE");
    let journal = s.server.get("/_presort/journal?limit=1000");
    for secret in [
        &code,
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
        more["access_token"].as_str().unwrap(),
        VERIFIER,
        "SECRET-CODE",
    ] {
        assert!(!journal.text().contains(secret), "the journal has a secret");
    }
    let requests = journal.expect(200)["requests"].as_array().unwrap().clone();
    let token = format!("{BASE}/token");
    assert!(requests.iter().any(|entry| entry["path"] == token.as_str() && entry["status"] == 200));
}

#[test]
fn without_the_option_there_is_none_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.account");
    lines(&path, &["account", "init", path.to_str().unwrap()]);
    let server = Server::start(&path, &[]);
    for path in [&format!("{BASE}/authorize"), "/activate"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let description = server.get("/openapi.json").expect(200);
    assert_eq!(description["openapi"], "3.0.3");
    // Every path of the description exists: another method than its own is wrong, not unknown.
    for (path, operations) in description["paths"].as_object().unwrap() {
        let path = path.replace("{", "").replace("}", "");
        let path = match path.rsplit_once('/') {
            Some((before, id)) if id.ends_with("_id") => format!("{before}/04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"),
            _ => path,
        };
        let answer = request(server.address, "PATCH", &path, &[JSON], b"{}").unwrap();
        assert_eq!(answer.status, 405, "{path}");
        let allowed = answer.header("allow").unwrap().to_lowercase();
        let described: Vec<&str> =
            operations.as_object().unwrap().keys().map(String::as_str).filter(|m| *m != "parameters").collect();
        let allowed: Vec<&str> = allowed.split(',').map(str::trim).filter(|method| *method != "head").collect();
        assert!(
            described.len() == allowed.len() && described.iter().all(|m| allowed.contains(m)),
            "{path}: {described:?} {allowed:?}"
        );
    }
}
