//! Killed at any moment, an account loses no activity that was accepted and applies none twice.
//!
//! A few rounds run in `cargo test`; a thousand by hand:
//!
//! ```text
//! PRESORT_KILLS=1000 cargo test --release --test kill -- --nocapture
//! ```
//!
//! `PRESORT_KILLS_SEED` gives other moments. One account lives through all rounds: a server or an import, or both, is killed
//! while bodies arrive and run. At the end a second account, which nobody killed, gets the same bodies in the same order, and
//! the two must be the same in all but identifiers and times.

#![cfg(all(unix, feature = "cli", feature = "serve"))]

#[allow(dead_code)]
mod http;

use http::{IMPORT, JSON, Server, lines, presort, request};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

/// Random numbers that are the same in each run (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Contacts that bodies share.
const POOL: u64 = 4000;
const LISTS: [&str; 4] = ["Zero", "One", "Two", "Three"];
const FIELDS: [&str; 2] = ["Points", "Notes"];

/// Body `n`. It begins with contacts that are in no other body; the others have values that say where they came from, so that
/// the order of bodies shows. `lists` are the account's.
fn body(n: u64, lists: &[String]) -> String {
    let random = &mut Random::new(n);
    let size = match random.below(10) {
        0 => random.below(3000),
        1..4 => random.below(300),
        _ => random.below(30),
    };
    // Once this is applied, the number belongs to the second: applied again, it would not be the first's any more, an error.
    let number = |i: u64| format!("2{:09}", 500_000_000 + 2 * n + i);
    let mut contacts = vec![
        json!({"email": marker(n), "first_name": format!("Body {n}"), "sms_number": number(0)}),
        json!({"email": marker(n), "sms_number": number(1)}),
        json!({"email": format!("second-{n}@example.com"), "sms_number": number(0)}),
    ];
    for i in 0..size {
        let who = random.below(POOL);
        let mut contact = Map::new();
        let mut add = |name: &str, value: Value| contact.insert(name.into(), value);
        // A few have a number and nothing else, and get an address later.
        let by_number = random.one_in(20);
        if !by_number {
            add("email", json!(format!("Contact-{who}@Example.com")));
        }
        if by_number || random.one_in(10) {
            // Some numbers are asked for by two contacts: which of them has it is a matter of order.
            let of = if random.one_in(8) { (who + 1) % POOL } else { who };
            add("sms_number", json!(format!("3{:09}", 500_000_000 + of)));
            if random.one_in(2) {
                add("sms_consent_date", json!("2024-07-03"));
            }
        }
        add("last_name", json!(format!("{n}.{i}")));
        for name in ["first_name", "job_title", "company_name", "home_street", "work_city", "cf:Points", "cf:Notes"] {
            if random.one_in(3) {
                add(name, json!(format!("{name} {n}.{i}")));
            }
        }
        // Three kinds at most: the fourth to come is an error.
        for name in ["home_phone", "work_phone", "mobile_phone", "other_phone"] {
            if random.one_in(3) {
                add(name, json!(format!("508-{:03}-{:04}", 200 + n % 800, i)));
            }
        }
        if random.one_in(50) {
            add("birthday_month", json!(13));
        }
        contacts.push(contact.into());
    }
    let chosen: Vec<&String> = lists.iter().filter(|_| random.one_in(2)).collect();
    let chosen = if chosen.is_empty() { vec![&lists[0]] } else { chosen };
    let permission = if random.one_in(2) { "explicit" } else { "not_set" };
    json!({"import_data": contacts, "sms_permission_to_send": permission, "list_ids": chosen}).to_string()
}

fn marker(n: u64) -> String {
    format!("marker-{n}@example.com")
}

/// An account with the lists and fields of all bodies.
struct Account {
    path: PathBuf,
    lists: Vec<String>,
    fields: Vec<String>,
}

impl Account {
    fn new(path: PathBuf) -> Account {
        lines(&path, &["account", "init", path.to_str().unwrap()]);
        let add = |what: &str, name: &str, id: &str| {
            lines(&path, &["account", what, "add", name])[0][id].as_str().unwrap().to_owned()
        };
        let lists = LISTS.map(|name| add("lists", name, "list_id")).to_vec();
        let fields = FIELDS.map(|name| add("fields", name, "custom_field_id")).to_vec();
        Account { path, lists, fields }
    }

    /// All contacts without times, and with names in place of identifiers.
    fn contacts(&self) -> Vec<Value> {
        let mut contacts = lines(&self.path, &["account", "contacts"]);
        for contact in &mut contacts {
            self.plain(contact);
        }
        contacts
    }

    fn plain(&self, json: &mut Value) {
        match json {
            Value::Object(members) => {
                for name in ["contact_id", "phone_number_id", "street_address_id", "sms_channel_id"] {
                    members.remove(name);
                }
                for name in ["created_at", "updated_at"] {
                    members.remove(name);
                }
                if members.contains_key("permission_to_send") {
                    members.remove("opt_in_date");
                }
                members.values_mut().for_each(|value| self.plain(value));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.plain(item)),
            Value::String(text) => {
                let named = |ids: &[String], names: &[&'static str]| {
                    ids.iter().position(|id| id == text).map(|place| names[place])
                };
                if let Some(name) = named(&self.lists, &LISTS).or(named(&self.fields, &FIELDS)) {
                    *text = name.into();
                }
            }
            _ => {}
        }
    }

    fn export(&self) -> Vec<u8> {
        let output = presort(&self.path, &["account", "export"]);
        assert!(output.status.success());
        output.stdout
    }

    /// Activities, the oldest first.
    fn activities(&self) -> Vec<Value> {
        let mut activities = lines(&self.path, &["account", "activities"]);
        activities.reverse();
        activities
    }
}

/// What was told before a kill.
#[derive(Default)]
struct EnvelopeFinding {
    /// Activities that were accepted: the round, who asked, the identifier, the body.
    accepted: Vec<(u64, u64, String, u64)>,
    /// Activities that were said to be over, and when they were.
    over: HashMap<String, Value>,
}

struct Harness {
    account: Account,
    dir: PathBuf,
    told: Mutex<EnvelopeFinding>,
    /// The number of the next body.
    next: AtomicU64,
}

impl Harness {
    fn tell(&self, round: u64, who: u64, activity: &Value, n: u64) {
        let id = activity["activity_id"].as_str().unwrap().to_owned();
        self.told.lock().unwrap().accepted.push((round, who, id, n));
    }

    fn over(&self, activity: &Value) {
        let id = activity["activity_id"].as_str().unwrap().to_owned();
        let activity = short(activity);
        let before = self.told.lock().unwrap().over.insert(id, activity.clone());
        assert!(before.is_none_or(|before| before == activity), "what is over stays as it is: {activity}");
    }

    /// Posts bodies until the server is gone.
    fn client(&self, round: u64, who: u64, address: SocketAddr, bodies: u64) {
        for _ in 0..bodies {
            let (n, text) = self.body();
            match request(address, "POST", IMPORT, &[JSON], text.as_bytes()) {
                Ok(answer) if answer.status == 429 => std::thread::sleep(Duration::from_millis(5)),
                Ok(answer) => self.tell(round, who, &answer.expect(201), n),
                Err(_) => return,
            }
        }
    }

    fn body(&self) -> (u64, String) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        (n, body(n, &self.account.lists))
    }

    /// Looks what is over until the server is gone.
    fn watcher(&self, address: SocketAddr) {
        while let Ok(answer) = request(address, "GET", "/v3/activities?state=completed&limit=20", &[], b"") {
            for activity in answer.expect(200)["activities"].as_array().unwrap() {
                self.over(activity);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A server that gets bodies; killed so long after the first of them is sent.
    fn kill_server(&self, round: u64, random: &mut Random, after: Duration) {
        let mut server = Server::start(&self.account.path, &["--log", "none"]);
        let (address, clients) = (server.address, 2 + random.below(2));
        let go = &Barrier::new(usize::try_from(clients).unwrap() + 1);
        std::thread::scope(|scope| {
            for who in 0..clients {
                let bodies = 2 + random.below(7);
                scope.spawn(move || {
                    go.wait();
                    self.client(round, who, address, bodies);
                });
            }
            scope.spawn(move || self.watcher(address));
            go.wait();
            std::thread::sleep(after);
            server.kill();
        });
    }

    /// A server that does all that waits, and ends in order.
    fn drain(&self) {
        let server = Server::start(&self.account.path, &["--log", "none"]);
        server.drained();
        server.tell_to_end();
        let (status, _) = server.ended();
        assert_eq!(status.code(), Some(0));
    }

    /// A server that is killed while it starts, or takes up what the last one left.
    fn kill_start(&self, after: Duration) {
        let mut child = Server::spawn(&self.account.path, &["--log", "none"]);
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// `presort import` of a few bodies, which is killed so long after its start.
    fn kill_import(&self, round: u64, random: &mut Random, after: Duration) {
        let files: Vec<String> = (0..1 + random.below(5))
            .map(|_| {
                let (n, text) = self.body();
                let file = self.dir.join(format!("{n}.json"));
                std::fs::write(&file, text).unwrap();
                file.into_os_string().into_string().unwrap()
            })
            .collect();
        let mut child = Command::new(env!("CARGO_BIN_EXE_presort"))
            .args(["import", "--quiet", "--account"])
            .arg(&self.account.path)
            .args(&files)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let activity: Value = serde_json::from_str(line).unwrap();
            self.tell(round, u64::MAX, &activity, file_number(&activity).unwrap());
            self.over(&activity);
        }
        files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    }
}

/// An activity with its first errors: a page of activities has no more of each.
fn short(activity: &Value) -> Value {
    let mut activity = activity.clone();
    activity["activity_errors"].as_array_mut().unwrap().truncate(20);
    activity
}

/// The body that an activity of `presort import` was made from.
fn file_number(activity: &Value) -> Option<u64> {
    let file = Path::new(activity["source_file_name"].as_str()?);
    Some(file.file_stem()?.to_str()?.parse().unwrap())
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn nothing_is_lost_and_nothing_done_twice() {
    let rounds = variable("PRESORT_KILLS", 12);
    let seed = variable("PRESORT_KILLS_SEED", 0);
    let dir = tempfile::tempdir().unwrap();
    let harness = Harness {
        account: Account::new(dir.path().join("killed.account")),
        dir: dir.path().to_owned(),
        told: Mutex::default(),
        next: AtomicU64::new(0),
    };
    let mut kills = Vec::new();
    for round in 0..rounds {
        let random = &mut Random::new(seed.wrapping_mul(1 << 32) + round);
        // Most work is done soon after it comes: half of the kills are early.
        let longest = if random.one_in(2) { 40_000 } else { 150_000 };
        let after = Duration::from_micros(random.below(longest));
        match round % 6 {
            1 | 4 => harness.kill_start(after / 2),
            2 => harness.kill_import(round, random, after),
            5 => std::thread::scope(|scope| {
                let mut random_too = Random::new(random.below(u64::MAX >> 33));
                let after_too = Duration::from_micros(random.below(longest));
                let harness = &harness;
                scope.spawn(move || harness.kill_import(round, &mut random_too, after_too));
                harness.kill_server(round, random, after);
            }),
            _ => harness.kill_server(round, random, after),
        }
        kills.push(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
        // Else more and more would wait, and most kills would be the same.
        if round % 20 == 19 {
            harness.drain();
        }
        if round % 100 == 99 {
            eprintln!("{} kills", round + 1);
        }
    }
    harness.drain();
    harness.verify(&kills);
}

impl Harness {
    fn verify(&self, kills: &[String]) {
        let activities = self.account.activities();
        for activity in &activities {
            assert_eq!(activity["state"], "completed", "{activity}");
        }
        let mut contacts = lines(&self.account.path, &["account", "contacts"]);
        // What only one body has was made by it, and never touched again.
        let mut applied = Vec::new();
        for contact in &contacts {
            let address = contact["email_address"]["address"].as_str().unwrap_or("");
            let own = address.starts_with("marker-") || address.starts_with("second-");
            if own {
                assert_eq!(contact["created_at"], contact["updated_at"], "{contact}");
            }
            if let Some(n) = address.strip_prefix("marker-") {
                applied.push(n.split('@').next().unwrap().parse::<u64>().unwrap());
            }
        }
        // Contacts are in the order in which they were made: so these are the bodies in the order in which they were applied,
        // which is that of the activities.
        assert_eq!(applied.len(), activities.len());
        assert_eq!(applied.iter().collect::<HashSet<_>>().len(), applied.len());
        let place: HashMap<&str, usize> =
            activities.iter().enumerate().map(|(i, activity)| (activity["activity_id"].as_str().unwrap(), i)).collect();
        assert_eq!(place.len(), activities.len());
        for (activity, n) in activities.iter().zip(&applied) {
            assert!(file_number(activity).is_none_or(|file| file == *n), "{n}: {activity}");
        }
        let told = self.told.lock().unwrap();
        let mut last: HashMap<(u64, u64), usize> = HashMap::new();
        let mut latest = 0;
        let mut outlived = 0;
        let mut accepted = told.accepted.clone();
        // Within a round, each client's in their order.
        accepted.sort_by_key(|(round, ..)| *round);
        let mut rounds_end = 0;
        let mut round_now = 0;
        for (round, who, id, n) in &accepted {
            let at = *place.get(id.as_str()).unwrap_or_else(|| panic!("activity {id} of body {n} is lost"));
            assert_eq!(applied[at], *n, "activity {id} was made from body {n}");
            assert!(last.insert((*round, *who), at).is_none_or(|before| before < at), "body {n} came too early");
            if *round != round_now {
                (round_now, rounds_end) = (*round, latest);
            }
            assert!(at >= rounds_end, "body {n} came before one that was accepted in a round before");
            latest = latest.max(at + 1);
            let kill = &kills[usize::try_from(*round).unwrap()];
            outlived += u64::from(activities[at]["completed_at"].as_str().unwrap() > kill.as_str());
        }
        for (id, over) in &told.over {
            assert_eq!(short(&activities[place[id.as_str()]]), *over);
        }
        assert!(presort(&self.account.path, &["account", "check"]).status.success());
        // Nothing of what those that were killed had beside the account is left.
        let there = std::fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(there.collect::<Vec<_>>(), ["killed.account"]);

        let other = Account::new(self.dir.join("whole.account"));
        let bodies = self.dir.join("bodies");
        std::fs::create_dir(&bodies).unwrap();
        for (i, n) in applied.iter().enumerate() {
            std::fs::write(bodies.join(format!("payload-{:05}.json", i + 1)), body(*n, &other.lists)).unwrap();
        }
        let import = presort(&other.path, &["import", "--quiet", "--no-receipt", bodies.to_str().unwrap()]);
        assert!(matches!(import.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&import.stderr));
        let others = other.activities();
        assert_eq!(others.len(), activities.len());
        let mut errors = 0;
        for (one, two) in activities.iter().zip(&others) {
            for member in ["state", "percent_done", "status", "activity_errors"] {
                assert_eq!(one[member], two[member], "{one}");
            }
            errors += one["activity_errors"].as_array().unwrap().len();
        }
        assert!(self.account.export() == other.export(), "the exports are not the same");
        contacts.iter_mut().for_each(|contact| self.account.plain(contact));
        for (one, two) in contacts.iter().zip(other.contacts()) {
            assert_eq!(*one, two);
        }
        eprintln!(
            "{} kills, {} bodies, {} activities ({} accepted and told so, {} seen when they were over, {outlived} outlived a \
             kill), {} contacts, {errors} errors",
            kills.len(),
            self.next.load(Ordering::Relaxed),
            activities.len(),
            told.accepted.len(),
            told.over.len(),
            contacts.len(),
        );
        assert!(!told.accepted.is_empty() && errors > 0 && outlived > 0);
    }
}

#[test]
fn a_body_that_is_applied_twice_shows() {
    let dir = tempfile::tempdir().unwrap();
    let account = Account::new(dir.path().join("a.account"));
    let apply = |n: u64| {
        let file = dir.path().join(format!("{n}.json"));
        std::fs::write(&file, body(n, &account.lists)).unwrap();
        let output = presort(&account.path, &["import", "--quiet", file.to_str().unwrap()]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let errors = |activity: &Value| {
        let texts = activity["activity_errors"].as_array().unwrap();
        texts.iter().filter(|text| text.as_str().unwrap().starts_with("contact 0: ")).count()
    };
    let first = apply(7);
    assert_eq!((&first["state"], errors(&first)), (&json!("completed"), 0), "{first}");
    let second = apply(7);
    assert_eq!((&second["state"], errors(&second)), (&json!("completed"), 1), "{second}");
}

/// Activities that are no JSON imports, on an account with repeatable identifiers: so that a request can name contacts that an earlier
/// activity makes, and two accounts can be compared as they are.
struct Tasks {
    path: PathBuf,
    args: [&'static str; 4],
    server: Server,
}

const SEEDED: [&str; 4] = ["--ids", "seeded", "--log", "none"];

fn seeded(kind: u64, number: u64) -> String {
    format!("0000000{kind}-0000-7000-8000-{number:012x}")
}

/// Request `n`: its method, path, content type and body. Three of the lists stay, and each other one is deleted once.
fn task(n: u64) -> (&'static str, String, &'static str, String) {
    let random = &mut Random::new(n + 77);
    let list = |random: &mut Random| seeded(1, 1 + random.below(3));
    let contacts = |random: &mut Random| -> Vec<String> {
        let first = random.below(150);
        (0..random.below(40) + 1).map(|i| seeded(3, 1 + first + i)).collect()
    };
    let post = |name: &str, body: Value| ("POST", format!("/v3/activities/{name}"), JSON, body.to_string());
    match n % 6 {
        0 | 1 => {
            let mut csv = String::from("email,last_name,sms_number,phone\n");
            // Applied twice, the second contact's number is that of another contact: an error.
            csv += &format!(
                "{0},,2{1:09},\n{0},,2{2:09},\nsecond-{n}@example.com,,2{1:09},\n",
                marker(n),
                500_000_000 + 2 * n,
                500_000_001 + 2 * n
            );
            for i in 0..random.below(400) {
                let phone = if random.one_in(20) { "12" } else { "" };
                csv += &format!("contact-{}@example.com,{n}.{i},,{phone}\n", random.below(200));
            }
            let part = |name: &str, text: &str| {
                format!("--XX\r\nContent-Disposition: form-data; name={name}\r\n\r\n{text}\r\n")
            };
            let body = part("\"list_ids\"", &list(random)) + &part("\"file\"; filename=\"x.csv\"", &csv) + "--XX--\r\n";
            (
                "POST",
                "/v3/activities/contacts_file_import".into(),
                "Content-Type: multipart/form-data; boundary=XX",
                body,
            )
        }
        2 => {
            let (from, to) = (list(random), list(random));
            post("add_list_memberships", json!({"source": {"list_ids": [from]}, "list_ids": [to]}))
        }
        3 => post(
            "remove_list_memberships",
            json!({"source": {"contact_ids": contacts(random)}, "list_ids": [list(random)]}),
        ),
        4 => post("contact_delete", json!({"contact_ids": contacts(random)})),
        _ if n % 12 == 11 => ("DELETE", format!("/v3/contact_lists/{}", seeded(1, 4 + n / 12)), JSON, String::new()),
        _ => {
            let deleted_later = seeded(1, 4 + n / 12);
            post("add_list_memberships", json!({"source": {"all_active_contacts": true}, "list_ids": [deleted_later]}))
        }
    }
}

impl Tasks {
    fn new(path: PathBuf, lists: u64) -> Tasks {
        lines(&path, &["account", "init", path.to_str().unwrap()]);
        let server = Server::start(&path, &SEEDED);
        for i in 0..lists {
            server.post("/v3/contact_lists", &json!({"name": format!("List {i}")}).to_string()).expect(201);
        }
        Tasks { path, args: SEEDED, server }
    }

    fn restart(&mut self) {
        self.server = Server::start(&self.path, &self.args);
    }

    fn accepted(&self) -> u64 {
        let state = self.server.get("/_presort/state").expect(200);
        state["activities"].as_u64().unwrap() + state["activities_waiting"].as_u64().unwrap()
    }

    fn send(address: SocketAddr, n: u64) -> bool {
        let (method, path, kind, body) = task(n);
        match request(address, method, &path, &[kind], body.as_bytes()) {
            Ok(answer) => {
                assert!(matches!(answer.status, 201 | 202), "{method} {path}: {}", answer.text());
                true
            }
            Err(_) => false,
        }
    }

    /// Contacts, lists and activities without their times.
    fn all(&self) -> Vec<Value> {
        fn timeless(json: &mut Value) {
            match json {
                Value::Object(members) => {
                    members.retain(|name, _| !name.ends_with("_at") && !name.ends_with("_date"));
                    members.values_mut().for_each(timeless);
                }
                Value::Array(items) => items.iter_mut().for_each(timeless),
                _ => {}
            }
        }
        let mut all = Vec::new();
        for (collection, first) in [
            ("contacts", "/v3/contacts?status=all&include=list_memberships,phone_numbers&limit=500"),
            ("lists", "/v3/contact_lists?include_membership_count=all&limit=500"),
            ("activities", "/v3/activities?limit=500"),
        ] {
            let page = self.server.get(first).expect(200);
            assert_eq!(page["_links"], json!({}), "{first}");
            all.extend(page[collection].as_array().unwrap().iter().cloned());
        }
        all.iter_mut().for_each(timeless);
        all
    }
}

#[test]
fn activities_of_other_kinds_are_done_once() {
    let tasks = 12 * variable("PRESORT_KILLS", 12).div_ceil(2);
    let seed = variable("PRESORT_KILLS_SEED", 0);
    let dir = tempfile::tempdir().unwrap();
    let lists = 4 + tasks / 12;
    let mut killed = Tasks::new(dir.path().join("killed.account"), lists);
    let (mut n, mut kills) = (0, 0);
    while n < tasks {
        let random = &mut Random::new(seed.wrapping_mul(1 << 32) + n + kills);
        if random.one_in(4) {
            // Killed while the request is on its way, or while it or an earlier one runs.
            let address = killed.server.address;
            let client = std::thread::spawn(move || Tasks::send(address, n));
            std::thread::sleep(Duration::from_micros(random.below(30_000)));
            killed.server.kill();
            let was_told = client.join().unwrap();
            killed.restart();
            kills += 1;
            let is_accepted = killed.accepted() > n;
            assert!(is_accepted || !was_told, "request {n} was accepted and is lost");
            n += u64::from(is_accepted);
        } else {
            assert!(Tasks::send(killed.server.address, n));
            n += 1;
            assert_eq!(killed.accepted(), n);
        }
        // A list is deleted by the time that the next request looks for one.
        if n % 12 == 0 {
            killed.server.drained();
        }
    }
    killed.server.drained();
    let whole = Tasks::new(dir.path().join("whole.account"), lists);
    for n in 0..tasks {
        assert!(Tasks::send(whole.server.address, n));
    }
    whole.server.drained();
    let (one, two) = (killed.all(), whole.all());
    assert_eq!(one.len(), two.len());
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
    let states: HashSet<&str> = one.iter().filter_map(|activity| activity["state"].as_str()).collect();
    assert_eq!(states, HashSet::from(["completed"]));
    assert!(kills > 0);
    assert!(presort(&killed.path, &["account", "check"]).status.success());
    eprintln!("{kills} kills, {tasks} activities, {} contacts and lists", one.len() as u64 - tasks);
}
