//! A service for a test that does what it is told: it fails at the request that the test names, and is well otherwise.

#![allow(dead_code)]

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// Where bodies are posted.
pub const IMPORT: &str = "/v3/activities/contacts_json_import";
/// The list that the account has.
pub const LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Nothing is done, and this is the answer.
    Answer(u16, Value),
    /// The same with another header.
    Header(u16, Value, &'static str, &'static str),
    /// The connection ends before anything is done.
    Close,
    /// It is done, and the connection ends without an answer.
    CloseAfter,
    /// It is done, and there is no answer for so long.
    HangAfter(Duration),
    /// It is done, and answered with this status.
    DoneBut(u16),
    /// It is done and answered as always.
    Well,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub token: Option<String>,
    pub body: Vec<u8>,
}

/// How an activity ends.
#[derive(Debug, Clone)]
pub struct Ending {
    pub state: &'static str,
    /// Contacts that are not imported.
    pub lost: u64,
    pub errors: Vec<String>,
}

/// An activity.
#[derive(Debug, Clone)]
struct Activity {
    id: String,
    created: f64,
    contacts: u64,
    looks: u32,
    ending: Ending,
}

/// The service.
pub struct Model {
    pub seen: Vec<Seen>,
    /// What happens to the next requests of a method whose path begins so.
    script: VecDeque<(&'static str, &'static str, Deed)>,
    /// How the next activities end; well, without one.
    pub endings: VecDeque<Ending>,
    /// Looks at an activity until it is over.
    pub looks: u32,
    activities: Vec<Activity>,
    /// Access tokens that are accepted; any, if it is empty.
    pub tokens: BTreeSet<String>,
    /// The refresh token that is accepted.
    pub refresh: Option<String>,
    /// Each use of a refresh token ends it.
    pub rotates: bool,
    /// No refresh token is given.
    pub is_short: bool,
    pub lists: Vec<String>,
    pub fields: Vec<String>,
    /// How often each address was imported.
    pub contacts: BTreeMap<String, u32>,
    /// Seconds by which the service's clock is ahead.
    pub ahead: f64,
    /// Looks at the device flow until the user allowed it.
    pub pending: u32,
    /// The challenge of a login by browser.
    pub challenge: Option<String>,
    issued: u32,
}

/// A running service.
pub struct Fake {
    pub address: SocketAddr,
    model: Arc<Mutex<Model>>,
}

impl Fake {
    pub fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let model = Arc::new(Mutex::new(Model {
            seen: Vec::new(),
            script: VecDeque::new(),
            endings: VecDeque::new(),
            looks: 1,
            activities: Vec::new(),
            tokens: BTreeSet::new(),
            refresh: None,
            rotates: true,
            is_short: false,
            lists: vec![LIST.to_owned()],
            fields: Vec::new(),
            contacts: BTreeMap::new(),
            ahead: 0.0,
            pending: 1,
            challenge: None,
            issued: 0,
        }));
        std::thread::spawn({
            let model = Arc::clone(&model);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let model = Arc::clone(&model);
                    std::thread::spawn(move || serve(&stream, &model));
                }
            }
        });
        Fake { address, model }
    }

    pub fn base(&self) -> String {
        format!("http://{}/v3", self.address)
    }

    pub fn auth(&self) -> String {
        format!("http://{}/oauth2/default/v1", self.address)
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What happens to the next request of this method whose path begins so.
    pub fn then(&self, method: &'static str, path: &'static str, deed: Deed) -> &Fake {
        self.model().script.push_back((method, path, deed));
        self
    }

    pub fn ends(&self, state: &'static str, lost: u64, errors: &[&str]) -> &Fake {
        let errors = errors.iter().map(|error| (*error).to_owned()).collect();
        self.model().endings.push_back(Ending { state, lost, errors });
        self
    }

    /// Requests of this method whose path begins so.
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.model().seen.iter().filter(|seen| seen.method == method && seen.path.starts_with(path)).count()
    }

    /// Bodies that were imported, by their number of contacts.
    pub fn imported(&self) -> Vec<u64> {
        self.model().activities.iter().map(|activity| activity.contacts).collect()
    }
}

fn serve(stream: &TcpStream, model: &Mutex<Model>) {
    let mut reader = BufReader::new(stream);
    while let Some(seen) = read(&mut reader) {
        let (answer, deed) = {
            let mut model = model.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            model.seen.push(seen.clone());
            let scripted =
                model.script.iter().position(|(method, path, _)| *method == seen.method && seen.path.starts_with(path));
            let deed = scripted.and_then(|at| model.script.remove(at)).map_or(Deed::Well, |(_, _, deed)| deed);
            let answer = match &deed {
                Deed::Answer(status, body) | Deed::Header(status, body, ..) => (*status, body.clone()),
                Deed::Close => (0, Value::Null),
                _ => model.answer(&seen),
            };
            let date = jiff_date(model.now());
            let mut text = format!("HTTP/1.1 {} X\r\nDate: {date}\r\nContent-Type: application/json\r\n", answer.0);
            if let Deed::Header(_, _, name, value) = &deed {
                text += &format!("{name}: {value}\r\n");
            }
            let body = if answer.1.is_null() { String::new() } else { answer.1.to_string() };
            (format!("{text}Content-Length: {}\r\n\r\n{body}", body.len()), deed)
        };
        let answer = match deed {
            Deed::Close | Deed::CloseAfter => return,
            Deed::HangAfter(time) => return std::thread::sleep(time),
            Deed::DoneBut(status) => format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"),
            _ => answer,
        };
        let mut stream = stream;
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut token) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => token = value.trim().strip_prefix("Bearer ").map(str::to_owned),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { method, path, token, body })
}

/// The time as a `Date` header.
fn jiff_date(seconds: f64) -> String {
    let time = jiff::Timestamp::from_second(seconds as i64).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

impl Model {
    pub fn now(&self) -> f64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64() + self.ahead
    }

    fn answer(&mut self, seen: &Seen) -> (u16, Value) {
        let path = seen.path.split('?').next().unwrap();
        if let Some(path) = path.strip_prefix("/oauth2/default/v1") {
            return self.oauth(path, &String::from_utf8_lossy(&seen.body));
        }
        if !self.tokens.is_empty() && !seen.token.as_ref().is_some_and(|token| self.tokens.contains(token)) {
            return (401, json!({"error_key": "unauthorized", "error_message": "the token is no good"}));
        }
        match (seen.method.as_str(), path) {
            ("GET", "/v3/account/summary") => {
                (200, json!({"encoded_account_id": "a07e1abc", "organization_name": "Acme"}))
            }
            ("GET", "/v3/contact_lists") => {
                let lists: Vec<Value> = self.lists.iter().map(|id| json!({"list_id": id, "name": "News"})).collect();
                (200, json!({"lists": lists, "_links": {}}))
            }
            ("POST", "/v3/contact_lists") => {
                self.lists.push(LIST.to_owned());
                (201, json!({"list_id": LIST, "name": "News"}))
            }
            ("GET", "/v3/contact_custom_fields") => {
                let fields: Vec<Value> = self.fields.iter().map(|name| json!({"name": name, "label": name})).collect();
                (200, json!({"custom_fields": fields, "_links": {}}))
            }
            ("POST", "/v3/contact_custom_fields") => {
                let field: Value = serde_json::from_slice(&seen.body).unwrap();
                self.fields.push(field["label"].as_str().unwrap().to_owned());
                (201, field)
            }
            ("POST", IMPORT) => self.import(&seen.body),
            ("GET", "/v3/activities") => {
                let mut activities: Vec<Value> =
                    self.activities.iter_mut().rev().map(|activity| activity.look(self.looks)).collect();
                // The collection is brief.
                for errors in activities.iter_mut().filter_map(|activity| activity["activity_errors"].as_array_mut()) {
                    errors.truncate(1);
                }
                (200, json!({"activities": activities, "_links": {}}))
            }
            ("GET", path) if path.starts_with("/v3/activities/") => {
                let looks = self.looks;
                let found = self.activities.iter_mut().find(|activity| path.ends_with(&activity.id));
                found.map_or((404, json!([{"error_key": "not_found"}])), |activity| (200, activity.look(looks)))
            }
            _ => (404, json!([{"error_key": "not_found", "error_message": "no such path"}])),
        }
    }

    fn import(&mut self, body: &[u8]) -> (u16, Value) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return (400, json!([{"error_key": "contacts.api.validation.error", "error_message": "no JSON"}]));
        };
        let all = body["import_data"].as_array().unwrap();
        let addresses: Vec<&str> = all.iter().filter_map(|contact| contact["email"].as_str()).collect();
        let contacts = all.len() as u64;
        let id = format!("activity-{}", self.activities.len());
        let ending = self.endings.pop_front();
        let ending = ending.unwrap_or(Ending { state: "completed", lost: 0, errors: Vec::new() });
        for (address, line) in addresses.iter().zip(2..) {
            let is_named = |error: &String| error.starts_with(&format!("Line {line}:")) || error.contains(address);
            if ending.lost < contacts && (ending.lost == 0 || !ending.errors.iter().any(is_named)) {
                *self.contacts.entry((*address).to_owned()).or_default() += 1;
            }
        }
        self.activities.push(Activity { id: id.clone(), created: self.now(), contacts, looks: 0, ending });
        (201, json!({"activity_id": id, "state": "initialized"}))
    }

    fn oauth(&mut self, path: &str, form: &str) -> (u16, Value) {
        let pairs: Vec<(String, String)> = form
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.replace("%3A", ":").replace("%2F", "/")))
            .collect();
        let value = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str());
        let denied = |error: &str| (400, json!({"error": error, "error_description": "as the test wants it"}));
        if value("client_id") != Some("client-1") {
            return (401, json!({"error": "invalid_client"}));
        }
        match (path, value("grant_type")) {
            ("/device/authorize", None) => {
                assert_eq!(value("scope"), Some("contact_data+account_read+offline_access"));
                (
                    200,
                    json!({"device_code": "device-1", "user_code": "ABCD-EFGH", "interval": 1, "expires_in": 60,
                           "verification_uri": "https://example.com/activate"}),
                )
            }
            ("/token", Some("urn:ietf:params:oauth:grant-type:device_code")) => {
                if value("device_code") != Some("device-1") {
                    return denied("invalid_grant");
                }
                if self.pending > 0 {
                    self.pending -= 1;
                    return denied("authorization_pending");
                }
                (200, self.issue())
            }
            ("/token", Some("authorization_code")) => {
                assert_eq!(value("code"), Some("code-1"));
                assert_eq!(value("code_verifier").map(str::len), Some(43));
                (200, self.issue())
            }
            ("/token", Some("refresh_token")) => match (value("refresh_token"), &self.refresh) {
                (Some(given), Some(good)) if given == good => (200, self.issue()),
                _ => denied("invalid_grant"),
            },
            _ => denied("unsupported_grant_type"),
        }
    }

    /// New tokens; the ones before end.
    fn issue(&mut self) -> Value {
        self.issued += 1;
        let access = format!("access-{}", self.issued);
        self.tokens = [access.clone()].into();
        let mut answer = json!({"access_token": access, "expires_in": 86400, "token_type": "Bearer"});
        if !self.is_short && (self.rotates || self.refresh.is_none()) {
            let refresh = format!("refresh-{}", self.issued);
            answer["refresh_token"] = json!(refresh);
            self.refresh = Some(refresh);
        }
        answer
    }
}

impl Activity {
    fn look(&mut self, looks: u32) -> Value {
        let is_over = self.looks >= looks;
        self.looks += 1;
        let created = jiff::Timestamp::from_second(self.created as i64).unwrap().to_string();
        let mut activity = json!({
            "activity_id": self.id, "state": "processing", "created_at": created,
            "status": {"items_total_count": self.contacts, "person_count": self.contacts},
        });
        if is_over {
            activity["state"] = json!(self.ending.state);
            activity["activity_errors"] = json!(self.ending.errors);
            activity["status"]["items_completed_count"] = json!(self.contacts - self.ending.lost);
            activity["status"]["error_count"] = json!(self.ending.errors.len());
        }
        activity
    }
}
