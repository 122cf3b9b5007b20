//! The account from outside: `presort account` and `presort import`.

#![cfg(all(feature = "cli", feature = "account"))]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// An account in a directory of its own.
struct Account {
    dir: TempDir,
}

impl Account {
    fn new() -> Account {
        let account = Account { dir: tempfile::tempdir().unwrap() };
        account.good(&["account", "init", "a.account"]);
        account
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_presort"))
            .args(args)
            .current_dir(self.dir.path())
            .env("PRESORT_ACCOUNT", "a.account")
            .output()
            .unwrap()
    }

    fn good(&self, args: &[&str]) -> Vec<Value> {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        lines(&output.stdout)
    }

    /// Makes a list; gives its identifier.
    fn list(&self, name: &str) -> String {
        self.good(&["account", "lists", "add", name])[0]["list_id"].as_str().unwrap().to_owned()
    }

    /// Imports a body; gives the exit status and the activity.
    fn import(&self, body: &Value) -> (i32, Value) {
        std::fs::write(self.path("body.json"), body.to_string()).unwrap();
        let output = self.run(&["import", "body.json"]);
        let activity = lines(&output.stdout).pop().unwrap_or(Value::Null);
        (output.status.code().unwrap(), activity)
    }

    fn contacts(&self) -> Vec<Value> {
        self.good(&["account", "contacts"])
    }

    fn export(&self) -> Vec<Value> {
        self.good(&["account", "export"])
    }
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn fixtures_of_the_account_come_out_as_they_say() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/rules");
    let mut ran = 0;
    for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !code.starts_with("IMP") {
            continue;
        }
        let fixture: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(fixture["mode"], "import", "{code}");
        let account = Account::new();
        let lists: BTreeMap<&str, String> = fixture["lists"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_str().unwrap())
            .map(|n| (n, account.list(n)))
            .collect();
        for field in fixture["fields"].as_array().unwrap() {
            account.good(&["account", "fields", "add", field.as_str().unwrap()]);
        }
        let mut last = (0, Value::Null);
        for body in fixture["bodies"].as_array().unwrap() {
            let mut text = body.to_string();
            for (name, id) in &lists {
                text = text.replace(&format!("${name}"), id);
            }
            last = account.import(&serde_json::from_str(&text).unwrap());
        }
        assert_eq!(json!(last.0), fixture["exit"], "{code}: {}", last.1);
        assert_eq!(last.1["state"], fixture["state"], "{code}: {}", last.1);
        assert_eq!(last.1["activity_errors"], fixture["activity_errors"], "{code}");
        assert_eq!(json!(account.export()), fixture["contacts"], "{code}");
        assert!(fixture["activity_errors"].to_string().contains(&code));
        ran += 1;
    }
    assert_eq!(ran, 5);
}

#[test]
fn a_new_contact_has_all_that_came() {
    let account = Account::new();
    let (news, shop) = (account.list("News"), account.list("Shop"));
    let field = account.good(&["account", "fields", "add", "Favourite colour"]).remove(0);
    assert_eq!((&field["name"], &field["type"]), (&json!("Favourite_colour"), &json!("string")));
    let contact = json!({
        "email": "Joe@Example.com", "first_name": "Joe", "last_name": "Jones", "job_title": "Cook", "company_name": "Pans",
        "birthday_month": 2, "birthday_day": 29, "anniversary": "11/15/2006",
        "phone": "(508) 123-0001", "home_phone": "5081230002", "mobile_phone": "508.123.0003",
        "street": "1 Maple Lane", "street2": "Apt. 3", "city": "Chicago", "state": "IL", "zip": "60609", "country": "USA",
        "work_street": "2 Oak Way", "work_city": "Boston", "other_zip": "02139",
        "cf:Favourite_colour": "green", "sms_number": "508-123-1235", "sms_consent_date": "07-03-2024"
    });
    let body = json!({"import_data": [contact], "sms_permission_to_send": "explicit", "list_ids": [news, shop]});
    let (exit, activity) = account.import(&body);
    assert_eq!(exit, 0, "{activity}");
    assert_eq!(
        activity["status"],
        json!({"items_total_count": 1, "items_completed_count": 1, "person_count": 1, "error_count": 0,
            "correctable_count": 0, "cannot_add_to_list_count": 0, "list_count": 2})
    );
    assert_eq!((&activity["state"], &activity["percent_done"]), (&json!("completed"), &json!(100)));
    let mut contacts = account.contacts();
    assert_eq!(contacts.len(), 1);
    let mut contact = contacts.remove(0);
    let mut times = Vec::new();
    take_times(&mut contact, &mut times);
    for time in &times {
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    }
    for id in ["contact_id", "phone_number_id", "street_address_id", "sms_channel_id"] {
        take_ids(&mut contact, id);
    }
    let phone = |kind: &str, number: &str| json!({"kind": kind, "phone_number": number, "update_source": "Account", "create_source": "Account"});
    assert_eq!(
        contact,
        json!({
            "email_address": {"address": "Joe@example.com", "permission_to_send": "implicit", "opt_in_source": "Account", "confirm_status": "off"},
            "first_name": "Joe", "last_name": "Jones", "job_title": "Cook", "company_name": "Pans",
            "birthday_month": 2, "birthday_day": 29, "anniversary": "2006-11-15",
            "create_source": "Account", "update_source": "Account",
            "custom_fields": [{"custom_field_id": field["custom_field_id"], "value": "green"}],
            "phone_numbers": [phone("home", "508-123-0002"), phone("mobile", "508-123-0003"), phone("other", "508-123-0001")],
            "street_addresses": [
                {"kind": "home", "street": "1 Maple Lane Apt. 3", "city": "Chicago", "state": "IL", "postal_code": "60609", "country": "USA"},
                {"kind": "other", "postal_code": "02139"},
                {"kind": "work", "street": "2 Oak Way", "city": "Boston"}
            ],
            "list_memberships": [news, shop],
            "sms_channel": {
                "sms_address": "5081231235", "dial_code": "1", "country_code": "US",
                "update_source": "Account", "create_source": "Account",
                "sms_channel_consents": [{"sms_consent_permission": "explicit", "consent_type": "promotional_sms"}]
            }
        })
    );
}

/// Takes all moments out of JSON.
fn take_times(json: &mut Value, times: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            for name in ["created_at", "updated_at", "opt_in_date", "opt_out_date"] {
                times.extend(members.remove(name).map(|time| time.as_str().unwrap().to_owned()));
            }
            members.values_mut().for_each(|value| take_times(value, times));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_times(item, times)),
        _ => {}
    }
}

fn take_ids(json: &mut Value, id: &str) {
    match json {
        Value::Object(members) => {
            if let Some(id) = members.remove(id) {
                assert_eq!(id.as_str().unwrap().len(), 36);
            }
            members.values_mut().for_each(|value| take_ids(value, id));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_ids(item, id)),
        _ => {}
    }
}

#[test]
fn only_what_came_is_updated() {
    let account = Account::new();
    let (one, two) = (account.list("One"), account.list("Two"));
    for field in ["a", "b"] {
        account.good(&["account", "fields", "add", field]);
    }
    let import = |list: &str, permission: &str, contact: Value| {
        let body = json!({"list_ids": [list], "sms_permission_to_send": permission, "import_data": [contact]});
        let (exit, activity) = account.import(&body);
        assert_eq!(exit, 0, "{activity}");
    };
    import(
        &one,
        "not_set",
        json!({"email": "joe@example.com", "first_name": "Joe", "last_name": "Jones", "birthday_month": 1, "birthday_day": 2,
            "home_phone": "508-123-0001", "work_phone": "508-123-0002", "street": "1 Maple Lane", "city": "Chicago",
            "work_city": "Boston", "cf:a": "1", "cf:b": "2", "sms_number": "508-123-1235"}),
    );
    let before = account.contacts().remove(0);
    assert_eq!(before["sms_channel"]["sms_channel_consents"][0]["sms_consent_permission"], "not_set");
    // By the address, in another case: the address stays as it was.
    import(
        &two,
        "not_set",
        json!({"email": "JOE@example.com", "last_name": "Smith", "work_phone": "508-123-0003", "home_street": "3 Elm St", "cf:b": "3"}),
    );
    assert_eq!(
        account.export(),
        [
            json!({"email": "joe@example.com", "first_name": "Joe", "last_name": "Smith", "birthday_month": 1, "birthday_day": 2,
            "home_phone": "508-123-0001", "work_phone": "508-123-0003", "home_street": "3 Elm St", "work_city": "Boston",
            "cf:a": "1", "cf:b": "3", "sms_number": "508-123-1235"})
        ]
    );
    // By the number; and consent that is given later counts.
    import(&two, "explicit", json!({"sms_number": "5081231235", "sms_consent_date": "2024-07-03", "first_name": "Jo"}));
    let after = account.contacts().remove(0);
    assert_eq!(after["contact_id"], before["contact_id"]);
    assert_eq!(after["first_name"], "Jo");
    assert_eq!(after["list_memberships"], json!([one, two]));
    let consent = |contact: &Value| contact["sms_channel"]["sms_channel_consents"][0].clone();
    assert_eq!(consent(&after)["sms_consent_permission"], "explicit");
    // It is not taken away by an import that says nothing of it.
    import(&two, "not_set", json!({"email": "joe@example.com", "sms_number": "5081231235"}));
    let later = account.contacts().remove(0);
    assert_eq!(consent(&later)["sms_consent_permission"], "explicit");
    assert_eq!(consent(&later)["opt_in_date"], "2024-07-03T00:00:00.000Z");
    assert_eq!(later["email_address"]["permission_to_send"], "implicit");
    // Another number comes without it.
    import(&two, "not_set", json!({"email": "joe@example.com", "sms_number": "5081231236"}));
    assert_eq!(consent(&account.contacts().remove(0))["sms_consent_permission"], "not_set");
    // A contact with a number alone gets an address.
    import(&one, "not_set", json!({"sms_number": "5081239999"}));
    import(&one, "not_set", json!({"sms_number": "5081239999", "email": "ann@example.com"}));
    let ann = &account.contacts()[1];
    assert_eq!(ann["email_address"]["address"], "ann@example.com");
    assert_eq!(ann["email_address"]["permission_to_send"], "implicit");
}

#[test]
fn who_unsubscribed_is_added_to_no_list() {
    let account = Account::new();
    let list = account.list("News");
    let body = json!({"list_ids": [list], "import_data": [{"email": "joe@example.com"}, {"email": "ann@example.com"}]});
    account.import(&body);
    account.good(&["account", "unsubscribe", "JOE@example.com"]);
    let body = json!({"list_ids": [list], "import_data": [{"email": "joe@example.com", "first_name": "Joe"}, {"email": "ann@example.com"}]});
    let (exit, activity) = account.import(&body);
    assert_eq!(exit, 1);
    assert_eq!(activity["status"]["cannot_add_to_list_count"], 1);
    assert_eq!(activity["status"]["items_completed_count"], 2);
    let contacts = account.contacts();
    assert_eq!(contacts[0]["first_name"], "Joe");
    assert_eq!(contacts[0]["email_address"]["permission_to_send"], "unsubscribed");
    assert_eq!(contacts[0]["email_address"]["opt_out_source"], "Contact");
    assert_eq!(contacts[0]["list_memberships"], json!([]));
    assert_eq!(account.good(&["account", "lists", "list"])[0]["membership_count"], 1);
    assert!(!account.run(&["account", "unsubscribe", "nobody@example.com"]).status.success());
}

#[test]
fn errors_are_counted_by_kind_and_name_their_contact() {
    let account = Account::new();
    let list = account.list("News");
    let body = json!({"list_ids": [list], "import_data": [
        {"email": "good@example.com"},
        {"email": "bad@@example.com"},
        {"email": "b@example.com", "birthday_month": 13, "birthday_day": 1},
        {"email": "c@example.com", "anniversary": "yesterday"},
        {"first_name": "Nobody"},
        {"email": "d@example.com", "home_phone": "12345"},
        {"email": "e@example.com", "cf:Unknown": "x"},
        7
    ]});
    let (exit, activity) = account.import(&body);
    assert_eq!(exit, 1);
    let status = &activity["status"];
    assert_eq!((&status["items_total_count"], &status["items_completed_count"]), (&json!(8), &json!(5)));
    // The second half of a birthday is told as well.
    assert_eq!((&status["correctable_count"], &status["error_count"]), (&json!(5), &json!(3)), "{activity}");
    assert_eq!(
        status["errors_by_code"],
        json!({"BDY001": 1, "BDY002": 1, "CON001": 1, "CON002": 1, "CUS003": 1, "DAT001": 1, "EML001": 1, "PHN001": 1})
    );
    let errors: Vec<&str> =
        activity["activity_errors"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
    for text in [
        "contact 1: EML001, email: ",
        "contact 2: BDY001, birthday_month: ",
        "contact 3: DAT001, anniversary: ",
        "contact 4: CON002",
        "contact 5: PHN001, home_phone: ",
        "contact 6: CUS003, cf:Unknown: ",
        "contact 7: CON001",
    ] {
        assert!(errors.iter().any(|error| error.starts_with(text)), "{text} is not in {errors:#?}");
    }
}

#[test]
fn a_body_over_the_limit_says_what_was_dropped() {
    let account = Account::new();
    let list = account.list("News");
    let contacts: Vec<Value> = (0..30_000)
        .map(|i| json!({"email": format!("c{i}@example.com"), "street": format!("{i} {}", "x".repeat(150))}))
        .collect();
    let body = json!({"list_ids": [list], "import_data": contacts}).to_string();
    assert!(body.len() > 5_000_000);
    std::fs::write(account.path("large.json"), &body).unwrap();
    let output = account.run(&["import", "large.json", "--list-id", &list]);
    assert_eq!(output.status.code(), Some(1), "{}", error(&output));
    let activity = &lines(&output.stdout)[0];
    // The last contact that ends before the limit.
    let mut end = 4_000_000;
    while !body[..end].ends_with("},") {
        end -= 1;
    }
    let whole = body[..end].matches("\"email\"").count() as u64;
    assert_eq!(activity["status"]["items_total_count"], whole);
    assert_eq!(activity["status"]["items_completed_count"], whole);
    let dropped = format!("{} bytes were dropped, from byte {end} on; contact {whole} and those", body.len() - end);
    let said = activity["activity_errors"][0].as_str().unwrap();
    assert!(said.contains(&dropped), "{said} does not say {dropped}");
    assert_eq!(account.contacts().len() as u64, whole);
    // Forty thousand contacts are as many as a body may have.
    let contacts: Vec<Value> =
        (0..40_003).map(|i| json!({"sms_number": format!("{:010}", 2_000_000_000 + i)})).collect();
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": contacts}));
    assert_eq!(exit, 1);
    assert_eq!(activity["status"]["items_completed_count"], 40_000);
    assert!(activity["activity_errors"][0].as_str().unwrap().contains("contact 40000 and those"), "{activity}");
}

#[test]
fn a_directory_of_payloads_is_imported_in_order_and_twice_changes_nothing() {
    let account = Account::new();
    let list = account.list("News");
    let presort = |args: &[&str]| account.run(args);
    assert!(presort(&["sample", "--contacts", "3000", "--mess", "20", "-o", "sample.json"]).status.success());
    let split =
        presort(&["clean", "sample.json", "--split", "-o", "bodies", "--list-id", &list, "--max-bytes", "100kB"]);
    assert_eq!(split.status.code(), Some(1));
    for field in ["Source", "Allergies", "Points", "Notes"] {
        account.good(&["account", "fields", "add", field]);
    }
    let first = presort(&["import", "bodies", "--sms-permission", "not_set"]);
    let activities = lines(&first.stdout);
    assert!(activities.len() > 5 && matches!(first.status.code(), Some(0 | 1)), "{}", error(&first));
    for (i, activity) in activities.iter().enumerate() {
        let file = activity["source_file_name"].as_str().unwrap();
        assert!(file.ends_with(&format!("payload-{:05}.json", i + 1)), "{file}");
        assert_eq!(activity["state"], "completed");
    }
    let export = account.export();
    // What is exported can be imported again, and is the same then.
    let text: String = export.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(account.path("export.ndjson"), text).unwrap();
    let again = presort(&["import", "export.ndjson", "--list-id", &list]);
    assert_eq!(again.status.code(), Some(0), "{} {}", error(&again), String::from_utf8_lossy(&again.stdout));
    assert_eq!(account.export(), export);
    // The newest first.
    let told = account.good(&["account", "activities"]);
    assert_eq!(told.len(), activities.len() + 1);
    assert_eq!(told.last().unwrap()["activity_id"], activities[0]["activity_id"]);
    assert_eq!(account.good(&["account", "activities", "--state", "failed"]).len(), 0);
    account.good(&["account", "check"]);
}

#[test]
fn every_contact_that_was_not_imported_is_named() {
    let account = Account::new();
    let list = account.list("News");
    account.import(&json!({"list_ids": [list], "import_data": [{"email": "a@example.com"}, {"email": "b@example.com", "sms_number": "5081231235"}]}));
    // Values that are held back, more than are told, and contacts that are rejected among and behind them.
    let mut contacts: Vec<Value> =
        (0..1500).map(|i| json!({"email": format!("c{i}@example.com"), "cf:None": "x"})).collect();
    contacts.push(json!({"first_name": "Nobody"}));
    contacts.push(json!({"email": "a@example.com", "sms_number": "5081231235"}));
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": contacts}));
    assert_eq!(exit, 1);
    let errors: Vec<&str> =
        activity["activity_errors"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
    assert!(errors.iter().any(|error| error.starts_with("contact 1500: CON002")));
    assert!(errors.iter().any(|error| error.starts_with("contact 1501: IMP002")));
    assert_eq!(errors.last(), Some(&"500 more values were not imported, and are not listed here"));
    assert_eq!(activity["status"]["error_count"], 1501);
    assert_eq!(activity["status"]["errors_by_code"], json!({"CON002": 1, "CUS003": 1500, "IMP002": 1}));
}

#[test]
fn a_custom_field_goes_by_its_name_and_by_its_label() {
    let account = Account::new();
    let list = account.list("News");
    account.good(&["account", "fields", "add", "Shirt Size"]);
    let contacts =
        json!([{"email": "a@example.com", "cf:Shirt Size": "L"}, {"email": "b@example.com", "cf:Shirt_Size": "M"}]);
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": contacts}));
    assert_eq!(exit, 0, "{activity}");
    let export = account.export();
    assert_eq!((&export[0]["cf:Shirt_Size"], &export[1]["cf:Shirt_Size"]), (&json!("L"), &json!("M")));
    // What the account prints of its fields is what clean takes.
    let fields = account.run(&["account", "fields", "list"]).stdout;
    std::fs::write(account.path("fields.ndjson"), fields).unwrap();
    let cleaned = account.run(&["clean", "body.json", "--custom-fields", "fields.ndjson"]);
    assert_eq!(cleaned.status.code(), Some(0), "{}", error(&cleaned));
}

#[test]
fn a_body_of_which_nothing_is_accepted_is_done() {
    let account = Account::new();
    let list = account.list("News");
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": [{"first_name": "Nobody"}]}));
    assert_eq!((exit, &activity["state"]), (1, &json!("completed")), "{activity}");
    assert_eq!(activity["status"]["errors_by_code"], json!({"CON002": 1}));
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": []}));
    assert_eq!((exit, &activity["state"]), (0, &json!("completed")), "{activity}");
    assert!(account.contacts().is_empty());
}

/// A field has a name and a label: both in one contact are the same member twice.
#[test]
fn a_field_given_by_name_and_by_label_rejects_the_contact() {
    let account = Account::new();
    let list = account.list("News");
    account.good(&["account", "fields", "add", "Shirt Size"]);
    account.good(&["account", "fields", "add", "Tier"]);
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": [
        {"email": "a@example.com", "cf:Shirt Size": "L", "cf:Tier": "gold", "cf:Shirt_Size": "M"},
        {"email": "b@example.com", "cf:Shirt_Size": "S", "cf:Shirt Size": "S"},
        {"email": "c@example.com", "cf:Shirt Size": "XL", "cf:Tier": "gold"}
    ]}));
    assert_eq!(exit, 1, "{activity}");
    assert_eq!(activity["status"]["items_completed_count"], 1);
    assert_eq!(activity["status"]["errors_by_code"], json!({"CON003": 2}));
    let text = activity["activity_errors"][0].as_str().unwrap();
    assert!(text.starts_with("contact 0: CON003, cf:Shirt_Size: "), "{text}");
    assert_eq!(account.export(), [json!({"email": "c@example.com", "cf:Shirt_Size": "XL", "cf:Tier": "gold"})]);
}

/// The account merges them without a word: the import says so, and it is a warning.
#[test]
fn contacts_that_a_body_has_twice_are_told() {
    let account = Account::new();
    let list = account.list("News");
    let contacts = json!([
        {"email": "joe@example.com", "first_name": "Joe"},
        {"sms_number": "508-123-1235"},
        {"email": "JOE@example.com", "first_name": "Joseph"},
        {"sms_number": "(508) 123-1235"},
        {"email": "ann@example.com"}
    ]);
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": contacts}));
    assert_eq!(exit, 0, "{activity}");
    let errors: Vec<&str> =
        activity["activity_errors"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with("contact 2: DUP001: ") && errors[0].contains("contact 0"), "{errors:?}");
    assert!(errors[1].starts_with("contact 3: DUP001: ") && errors[1].contains("contact 1"), "{errors:?}");
    let status = &activity["status"];
    assert_eq!((&status["error_count"], &status["items_completed_count"]), (&json!(0), &json!(5)));
    assert_eq!(status["errors_by_code"], json!({"DUP001": 2}));
    assert_eq!(account.contacts().len(), 3);
    // However many there are, their texts are bounded and their count is told.
    let many: Vec<Value> =
        (0..1502).map(|i| json!({"email": "joe@example.com", "first_name": format!("Joe {i}")})).collect();
    let (exit, activity) = account.import(&json!({"list_ids": [list], "import_data": many}));
    assert_eq!((exit, &activity["status"]["errors_by_code"]), (0, &json!({"DUP001": 1501})));
    let errors = activity["activity_errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1001);
    assert!(errors[1000].as_str().unwrap().contains("501 more contacts"), "{}", errors[1000]);
}

/// Makes bodies of an export; gives their names.
fn split(account: &Account, list: &str) -> Vec<String> {
    let _ = std::fs::remove_dir_all(account.path("bodies"));
    let _ = std::fs::remove_file(account.path("sample.json"));
    assert!(account.run(&["sample", "--contacts", "600", "--mess", "0", "-o", "sample.json"]).status.success());
    let args = ["clean", "sample.json", "--split", "-o", "bodies", "--list-id", list, "--max-bytes", "40kB"];
    assert!(account.run(&args).status.code() <= Some(1));
    let entries = std::fs::read_dir(account.path("bodies")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("payload-"));
    names.sort();
    assert!(names.len() > 3, "{names:?}");
    names
}

#[test]
fn bodies_are_held_against_their_receipt() {
    let account = Account::new();
    let refused = |what: &dyn Fn(&Path), says: &[&str]| {
        split(&account, &account.list("News"));
        what(&account.path("bodies"));
        let output = account.run(&["import", "bodies"]);
        assert_eq!(output.status.code(), Some(2), "{}", error(&output));
        for text in says.iter().chain(&["--no-receipt"]) {
            assert!(error(&output).contains(text), "{text} is not in {}", error(&output));
        }
        assert!(account.good(&["account", "activities"]).is_empty());
        assert!(account.contacts().is_empty());
        // The person may know better.
        let output = account.run(&["import", "bodies", "--no-receipt"]);
        assert!(output.status.code() <= Some(1) && !output.stdout.is_empty(), "{}", error(&output));
        for name in ["a.account", "a.account-queue"] {
            let _ = std::fs::remove_file(account.path(name));
        }
        account.good(&["account", "init", "a.account"]);
    };
    let edit = |dir: &Path, name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        assert!(text.contains(from));
        std::fs::write(dir.join(name), text.replacen(from, to, 1)).unwrap();
    };
    refused(&|dir| std::fs::remove_file(dir.join("payload-00002.json")).unwrap(), &["payload-00002.json is missing"]);
    refused(
        &|dir| edit(dir, "payload-00003.json", "\"email\"", "\"emaiI\""),
        &["payload-00003.json was changed", "SHA-256"],
    );
    refused(&|dir| edit(dir, "payload-00001.json", "[{", "[ {"), &["payload-00001.json was changed", "bytes"]);
    refused(
        &|dir| assert!(std::fs::copy(dir.join("payload-00001.json"), dir.join("payload-00099.json")).is_ok()),
        &["payload-00099.json is not in the receipt"],
    );
    refused(
        &|dir| std::fs::rename(dir.join("payload-00001.json"), dir.join("payload-00098.json")).unwrap(),
        &["payload-00001.json is missing", "payload-00098.json is not in the receipt"],
    );
    refused(&|dir| std::fs::remove_file(dir.join("receipt.json")).unwrap(), &["bodies has no receipt.json"]);
    refused(&|dir| std::fs::write(dir.join("receipt.json"), "{").unwrap(), &["receipt.json is not a receipt"]);
    refused(&|dir| std::fs::write(dir.join("receipt.json"), "{}").unwrap(), &["receipt.json is not a receipt"]);
    // Earlier runs into the same directory have their own part of the receipt.
    let names = split(&account, &account.list("Other"));
    let path = account.path("bodies/receipt.json");
    let mut receipt: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let first = receipt["payloads"].as_array_mut().unwrap().remove(0);
    receipt["earlier_runs"] = json!([{"payloads": [first]}]);
    std::fs::write(&path, receipt.to_string()).unwrap();
    let output = account.run(&["import", "bodies"]);
    assert!(output.status.code() <= Some(1), "{}", error(&output));
    assert_eq!(lines(&output.stdout).len(), names.len());
}

/// A limit on the size of files does what a full disk does, without one.
#[cfg(unix)]
#[test]
fn an_import_that_fails_does_not_queue_its_body_again() {
    let account = Account::new();
    let list = account.list("News");
    let contacts: Vec<Value> = (0..6000)
        .map(|i| json!({"email": format!("c{i}@example.com"), "home_city": format!("City {i}"), "work_city": format!("City {i}"),
            "home_phone": "508-123-0001", "work_phone": "508-123-0002"}))
        .collect();
    let body = json!({"list_ids": [list], "import_data": contacts}).to_string();
    std::fs::write(account.path("body.json"), &body).unwrap();
    let program = env!("CARGO_BIN_EXE_presort");
    // Enough for the queue, and not for what the body becomes in the account. In blocks of 512 bytes.
    let blocks = body.len() * 3 / 2 / 512;
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec {program} import body.json");
    for _ in 0..3 {
        let output = Command::new("sh")
            .args(["-c", &limited])
            .current_dir(account.dir.path())
            .env("PRESORT_ACCOUNT", "a.account")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", error(&output));
        assert!(error(&output).contains("waits in the local account"), "{}", error(&output));
        let waiting = account.good(&["account", "activities", "--state", "initialized"]);
        assert_eq!(waiting.len(), 1, "{}", error(&output));
    }
    let output = account.run(&["import", "body.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", error(&output));
    let activities = account.good(&["account", "activities"]);
    assert_eq!((activities.len(), &activities[0]["state"]), (1, &json!("completed")));
    assert_eq!(account.contacts().len(), 6000);
    // Once it is done, the same body is imported again.
    account.good(&["import", "body.json"]);
    assert_eq!(account.good(&["account", "activities"]).len(), 2);
}

/// No room for what SQLite needs even to look at an account: what is wrong is told.
#[cfg(unix)]
#[test]
fn verbs_that_only_read_say_why_they_cannot() {
    let account = Account::new();
    let limited = format!("trap '' XFSZ; ulimit -f 8; exec {} account contacts", env!("CARGO_BIN_EXE_presort"));
    let output = Command::new("sh")
        .args(["-c", &limited])
        .current_dir(account.dir.path())
        .env("PRESORT_ACCOUNT", "a.account")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", error(&output));
    assert!(error(&output).contains("File too large"), "{}", error(&output));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_an_account() {
    use std::os::unix::fs::PermissionsExt;
    let account = Account::new();
    let list = account.list("News");
    std::fs::write(account.path("b.account"), "").unwrap();
    account.good(&["account", "init", "b.account"]);
    let library = presort::account::Account::open(&account.path("a.account")).unwrap();
    let bytes = json!({"list_ids": [list], "import_data": []}).to_string().into_bytes();
    library.accept(&presort::account::import::Body { bytes, ..Default::default() }, None).unwrap();
    let mut there = 0;
    for entry in std::fs::read_dir(account.dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        there += 1;
    }
    assert!(there >= 5, "the account, the queue and what SQLite keeps beside them: {there}");
}

#[test]
fn import_speaks_of_its_own_options() {
    let account = Account::new();
    let list = account.list("News");
    let long = "x".repeat(4_000_000);
    for (body, says) in [
        (json!({"import_data": [{"email": "a@example.com"}]}).to_string(), "--list-id UUID"),
        (r#"{"list_ids":["x"],"import_data":[]}"#.to_owned(), "ENV004"),
        (format!(r#"{{"list_ids":["{list}"],"sms_permission_to_send":"yes","import_data":[]}}"#), "--sms-permission"),
        (
            format!(r#"{{"import_data":[{{"email":"a@example.com","cf:x":"{long}"}}],"list_ids":["{list}"]}}"#),
            "before import_data",
        ),
        ("email,first_name\na@example.com,Ann\n".to_owned(), "CSV"),
    ] {
        std::fs::write(account.path("body.json"), body).unwrap();
        let output = account.run(&["import", "body.json"]);
        let error = error(&output);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(says) && error.contains("body.json"), "{says}: {error}");
        for foreign in ["--format", "--split", "presort clean", "--max-bytes"] {
            assert!(!error.contains(foreign), "{foreign}: {error}");
        }
    }
}

#[test]
fn a_date_of_consent_is_kept_whatever_it_is_good_for() {
    let account = Account::new();
    let list = account.list("News");
    let with = |contact: Value, permission: &str| {
        let (exit, activity) = account
            .import(&json!({"list_ids": [list], "sms_permission_to_send": permission, "import_data": [contact]}));
        assert_eq!(exit, 0, "{activity}");
    };
    with(json!({"email": "a@example.com", "sms_consent_date": "2024-01-02"}), "explicit");
    with(json!({"sms_number": "508-123-1235", "sms_consent_date": "2024-01-03"}), "not_set");
    assert_eq!(
        account.export(),
        [
            json!({"email": "a@example.com", "sms_consent_date": "2024-01-02"}),
            json!({"sms_number": "508-123-1235", "sms_consent_date": "2024-01-03"})
        ]
    );
    let consent = |i: usize| account.contacts()[i]["sms_channel"]["sms_channel_consents"][0].clone();
    assert_eq!((&consent(1)["sms_consent_permission"], consent(1).get("opt_in_date")), (&json!("not_set"), None));
    // A number without a date does not make the date that is there one of consent.
    with(json!({"email": "a@example.com", "sms_number": "508-123-9999"}), "not_set");
    assert_eq!(consent(0)["sms_consent_permission"], "not_set");
}

/// Whoever reads the activities may have enough of them: the import goes on.
#[cfg(unix)]
#[test]
fn an_import_goes_on_when_nobody_reads() {
    let account = Account::new();
    let list = account.list("News");
    for i in 1..=20 {
        let contacts: Vec<Value> =
            (0..300).map(|c| json!({"email": format!("b{i}c{c}@example.com"), "phone": "1"})).collect();
        let body = json!({"list_ids": [list], "import_data": contacts}).to_string();
        std::fs::create_dir_all(account.path("bodies")).unwrap();
        std::fs::write(account.path(&format!("bodies/payload-{i:05}.json")), body).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_presort"))
        .args(["import", "bodies", "--no-receipt", "--account", "a.account"])
        .current_dir(account.dir.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", error(&output));
    assert!(
        error(&output).contains("6,000 of 6,000 contacts imported into the local account from 20 bodies"),
        "{}",
        error(&output)
    );
    assert_eq!(account.contacts().len(), 6000);
}

#[cfg(unix)]
#[test]
fn an_account_is_the_same_by_any_name() {
    let account = Account::new();
    let list = account.list("News");
    std::os::unix::fs::symlink("a.account", account.path("link")).unwrap();
    let body = json!({"list_ids": [list], "import_data": [{"email": "joe@example.com"}]});
    std::fs::write(account.path("body.json"), body.to_string()).unwrap();
    account.good(&["import", "body.json", "--account", "link"]);
    let library = presort::account::Account::open(&account.path("link")).unwrap();
    let body = presort::account::import::Body { bytes: body.to_string().into_bytes(), ..Default::default() };
    let waits = library.accept(&body, None).unwrap();
    assert!(account.path("a.account-queue").exists() && !account.path("link-queue").exists());
    let told = account.good(&["account", "activities", "--state", "initialized"]);
    assert_eq!(told[0]["activity_id"], waits.activity_id);
}

#[test]
fn what_waited_in_another_account_is_not_taken_over() {
    let account = Account::new();
    let list = account.list("News");
    let library = presort::account::Account::open(&account.path("a.account")).unwrap();
    let bytes = json!({"list_ids": [list], "import_data": []}).to_string().into_bytes();
    library.accept(&presort::account::import::Body { bytes, ..Default::default() }, None).unwrap();
    drop(library);
    std::fs::remove_file(account.path("a.account")).unwrap();
    let output = account.run(&["account", "init", "a.account"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error(&output).contains("a.account-queue exists"), "{}", error(&output));
    // An empty file is left from an interrupted call.
    std::fs::write(account.path("b.account"), "").unwrap();
    account.good(&["account", "init", "b.account"]);
}

#[test]
fn an_account_is_one_file() {
    let account = Account::new();
    let list = account.list("News");
    account.import(&json!({"list_ids": [list], "import_data": [{"email": "joe@example.com"}]}));
    account.contacts();
    account.good(&["account", "activities"]);
    let mut names: Vec<String> = std::fs::read_dir(account.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("a.account"))
        .collect();
    names.sort();
    assert_eq!(names, ["a.account"]);
    // And can be moved.
    std::fs::rename(account.path("a.account"), account.path("b.account")).unwrap();
    assert_eq!(account.good(&["account", "contacts", "--account", "b.account"]).len(), 1);
}

#[test]
fn what_cannot_be_is_said() {
    let account = Account::new();
    let said = |args: &[&str], exit: i32, text: &str| {
        let output = account.run(args);
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", error(&output));
        assert!(error(&output).contains(text), "{args:?}: {}", error(&output));
    };
    said(&["account", "init", "a.account"], 2, "already exists");
    said(&["account", "lists", "list", "--account", "no.account"], 2, "presort account init no.account creates one");
    said(&["account", "init", "no/such/directory"], 2, "there is no directory no/such");
    said(&["account", "lists", "list", "--account", "."], 2, ". is a directory");
    std::fs::write(account.path("text"), "This is no database, whatever else it may be.").unwrap();
    said(&["account", "lists", "list", "--account", "text"], 2, "text is not an account of presort");
    said(&["account", "lists", "add", "  "], 2, "missing or blank");
    said(&["account", "lists", "add", &"x".repeat(256)], 2, "256 characters: 255");
    account.list("News");
    said(&["account", "lists", "add", "news"], 2, "there already is a list named news");
    said(&["account", "fields", "add", "x", "--type", "colour"], 2, "colour is not a type");
    said(&["account", "contacts", "--list-id", "x"], 2, "x is not a list_id");
    said(&["account", "activities", "--state", "done"], 2, "initialized, processing");
    said(&["account", "activities", "--cancel", "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"], 2, "there is no activity");
    said(&["import", "missing.json"], 2, "missing.json");
    said(&["import", "."], 2, "has no payload-00001.json");
    std::fs::write(account.path("broken.json"), r#"{"list_ids":[],"import_data":[{"email":"a@b.co"},{"email":]}"#)
        .unwrap();
    said(&["import", "broken.json"], 2, "broken.json: ");
    std::fs::write(account.path("empty.json"), "").unwrap();
    said(&["import", "empty.json"], 2, "empty.json");
    assert_eq!(account.good(&["account", "activities"]).len(), 0);
    assert!(account.good(&["account", "contacts"]).is_empty());
}
