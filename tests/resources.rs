//! The resources beside imports, from outside: lists, fields, contacts, tags, files and bulk activities, over sockets.

#![cfg(all(unix, feature = "cli", feature = "serve"))]

#[allow(dead_code)]
mod http;

use http::{Answer, JSON, Server, lines, request};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

const UNKNOWN: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

/// A server on a new account.
struct Sandbox {
    _dir: TempDir,
    path: PathBuf,
    server: Server,
}

impl Sandbox {
    fn new() -> Sandbox {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.account");
        lines(&path, &["account", "init", path.to_str().unwrap()]);
        let server = Server::start(&path, &[]);
        Sandbox { _dir: dir, path, server }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/v3{path}");
        match body {
            Value::Null => request(self.server.address, method, &path, &[], b""),
            body => request(self.server.address, method, &path, &[JSON], body.to_string().as_bytes()),
        }
        .unwrap()
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null).expect(200)
    }

    fn list(&self, name: &str) -> String {
        text(&self.send("POST", "/contact_lists", &json!({"name": name})).expect(201)["list_id"])
    }

    fn field(&self, body: &Value) -> Value {
        self.send("POST", "/contact_custom_fields", body).expect(201)
    }

    fn contact(&self, email: &str, lists: &[&str]) -> String {
        let body = json!({"email_address": {"address": email}, "create_source": "Account", "list_memberships": lists});
        text(&self.send("POST", "/contacts", &body).expect(201)["contact_id"])
    }

    /// Waits for an activity that was just accepted.
    fn finished(&self, answer: &Answer, status: u16) -> Value {
        let accepted = answer.expect(status);
        assert_eq!(accepted["state"], "initialized");
        self.server.finished(accepted["activity_id"].as_str().unwrap())
    }

    fn members(&self, list: &str) -> Vec<String> {
        let page = self.get(&format!("/contacts?lists={list}&limit=500"));
        page["contacts"].as_array().unwrap().iter().map(|c| text(&c["email_address"]["address"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The messages of an array of errors.
fn messages(answer: &Answer, status: u16) -> Vec<String> {
    let errors = answer.expect(status);
    errors.as_array().unwrap().iter().map(|error| text(&error["error_message"])).collect()
}

#[test]
fn one_list() {
    let s = Sandbox::new();
    let (news, shop) = (s.list("News"), s.list("Shop"));
    let path = format!("/contact_lists/{news}");
    assert_eq!(s.get(&path)["name"], "News");
    let put = s.send("PUT", &path, &json!({"name": "Newsletter", "description": "All", "favorite": true})).expect(200);
    assert_eq!(
        (&put["name"], &put["description"], &put["favorite"]),
        (&json!("Newsletter"), &json!("All"), &json!(true))
    );
    assert_eq!(s.get(&path), put);
    // What does not come is removed.
    let put = s.send("PUT", &path, &json!({"name": "Newsletter"})).expect(200);
    assert_eq!((put.get("description"), &put["favorite"]), (None, &json!(false)));
    s.send("PUT", &path, &json!({"name": "shop"})).expect(409);
    s.send("PUT", &path, &json!({"name": " "})).expect(400);
    s.contact("a@example.com", &[&news, &shop]);
    assert_eq!(s.get(&format!("{path}?include_membership_count=all"))["membership_count"], 1);
    let done = s.finished(&s.send("DELETE", &path, &Value::Null), 202);
    assert_eq!((&done["state"], &done["status"]["items_completed_count"]), (&json!("completed"), &json!(1)));
    for method in ["GET", "DELETE"] {
        s.send(method, &path, &Value::Null).expect(404);
    }
    s.send("PUT", &path, &json!({"name": "x"})).expect(404);
    let contact = &s.get("/contacts?include=list_memberships")["contacts"][0];
    assert_eq!(contact["list_memberships"], json!([shop]));
    let other = s.send("POST", &path, &json!({}));
    assert_eq!((other.status, other.header("allow")), (405, Some("GET,HEAD,PUT,DELETE")));
    s.send("POST", "/contact_lists/7", &json!({})).expect(404);
}

#[test]
fn one_custom_field() {
    let s = Sandbox::new();
    let body = json!({"label": "Favourite fruit", "type": "multi_select", "metadata": {"display_type": "checkbox"},
        "choices": [{"choice_label": "Apple"}, {"choice_label": "Pear", "display_order": 7}]});
    let field = s.field(&body);
    assert_eq!(field["metadata"], json!({"display_type": "checkbox"}));
    assert_eq!((&field["choices"][0]["choice_id"], &field["choices"][1]["display_order"]), (&json!(1), &json!(7)));
    let path = format!("/contact_custom_fields/{}", text(&field["custom_field_id"]));
    assert_eq!(s.get(&path), field);
    assert_eq!(s.get("/contact_custom_fields")["custom_fields"], json!([field]));
    let change =
        json!({"label": "Fruit", "choices": [{"choice_id": 2, "choice_label": "Quince"}, {"choice_label": "Fig"}]});
    let put = s.send("PUT", &path, &change).expect(200);
    let choices: Vec<(&Value, &Value)> =
        put["choices"].as_array().unwrap().iter().map(|c| (&c["choice_id"], &c["choice_label"])).collect();
    assert_eq!(choices, [(&json!(2), &json!("Quince")), (&json!(3), &json!("Fig"))]);
    assert_eq!((&put["label"], &put["name"]), (&json!("Fruit"), &json!("Fruit")));
    for (status, body) in [
        (400, json!({"choices": [{"choice_id": 99, "choice_label": "x"}]})),
        (400, json!({"choices": [{"choice_label": "x"}, {"choice_label": "X"}]})),
        (400, json!({"label": "Fruit", "type": "string"})),
        (400, json!({"label": " "})),
    ] {
        messages(&s.send("PUT", &path, &body), status);
    }
    s.field(&json!({"label": "Tier", "type": "string"}));
    s.send("PUT", &path, &json!({"label": "tier"})).expect(409);
    let bad = json!({"label": "x", "type": "string", "choices": [{"choice_label": "x"}]});
    s.send("POST", "/contact_custom_fields", &bad).expect(400);
    assert_eq!(s.send("DELETE", &path, &Value::Null).status, 204);
    s.send("GET", &path, &Value::Null).expect(404);
    s.send("DELETE", &path, &Value::Null).expect(404);
}

fn everything(field: &Value, list: &str, tag: &str) -> Value {
    json!({
        "email_address": {"address": "Zoe@EXAMPLE.com", "permission_to_send": "explicit"},
        "first_name": "  Zoë ", "last_name": "Núñez", "job_title": "CEO", "company_name": "Co",
        "birthday_month": 2, "birthday_day": 29, "anniversary": "7/3/2015", "create_source": "Contact",
        "custom_fields": [{"custom_field_id": field["custom_field_id"], "choice_ids": ["1", "2"]}],
        "phone_numbers": [{"phone_number": "(212) 555-0101", "kind": "home"}, {"phone_number": "212.555.0102", "kind": "work"}],
        "street_addresses": [{"kind": "home", "street": "1 Main St", "city": "Boston", "state": "MA", "postal_code": "02110", "country": "US"}],
        "list_memberships": [list], "taggings": [tag], "notes": [{"content": "second"}, {"content": "first"}],
        "sms_channel": {"full_sms_address": "+1 (508) 123-1235",
            "sms_channel_consents": [{"sms_consent_permission": "explicit", "consent_type": "promotional_sms"}]}
    })
}

#[test]
fn one_contact() {
    let s = Sandbox::new();
    let list = s.list("News");
    let tag =
        text(&s.send("POST", "/contact_tags", &json!({"name": "VIP", "tag_source": "Contact"})).expect(201)["tag_id"]);
    let choices = json!([{"choice_label": "Apple"}, {"choice_label": "Pear"}]);
    let field = s.field(&json!({"label": "Fruit", "type": "multi_select", "choices": choices}));
    let made = s.send("POST", "/contacts", &everything(&field, &list, &tag)).expect(201);
    let email = &made["email_address"];
    assert_eq!((&email["address"], &email["permission_to_send"]), (&json!("Zoe@example.com"), &json!("explicit")));
    assert_eq!((&email["opt_in_source"], &made["create_source"]), (&json!("Contact"), &json!("Contact")));
    assert_eq!((&made["first_name"], &made["anniversary"]), (&json!("Zoë"), &json!("2015-07-03")));
    assert_eq!(
        made["custom_fields"][0],
        json!({"custom_field_id": field["custom_field_id"], "value": "Apple; Pear", "choice_ids": ["1", "2"]})
    );
    assert_eq!(made["phone_numbers"][0]["phone_number"], "212-555-0101");
    assert_eq!(made["street_addresses"][0]["postal_code"], "02110");
    assert_eq!((&made["list_memberships"], &made["taggings"]), (&json!([list]), &json!([tag])));
    assert_eq!((&made["notes"][0]["content"], &made["notes"][1]["content"]), (&json!("second"), &json!("first")));
    assert_eq!(made["sms_channel"]["sms_address"], "5081231235");
    assert_eq!(made["sms_channel"]["sms_channel_consents"][0]["sms_consent_permission"], "explicit");

    let id = text(&made["contact_id"]);
    let path = format!("/contacts/{id}");
    let all = "custom_fields,list_memberships,phone_numbers,street_addresses,taggings,notes";
    assert_eq!(s.get(&format!("{path}?include={all}")), made);
    assert_eq!(s.get(&format!("/contacts?tags={tag}"))["contacts"][0]["contact_id"], json!(id));

    // What was read can be written back.
    let mut again = made.clone();
    again["update_source"] = json!("Account");
    let same = s.send("PUT", &path, &again).expect(200);
    for part in ["custom_fields", "list_memberships", "taggings", "first_name", "anniversary", "birthday_day", "notes"]
    {
        assert_eq!(same[part], made[part], "{part}");
    }
    assert_eq!(same["phone_numbers"].as_array().unwrap().len(), 2);

    // Texts that do not come are removed, sub-resources that do not come stay.
    let put = s
        .send("PUT", &path, &json!({"update_source": "Account", "last_name": "Smith", "phone_numbers": []}))
        .expect(200);
    assert_eq!((put.get("first_name"), put.get("birthday_day"), &put["last_name"]), (None, None, &json!("Smith")));
    assert_eq!((&put["phone_numbers"], &put["custom_fields"]), (&json!([]), &made["custom_fields"]));
    assert_eq!(put["email_address"]["address"], "Zoe@example.com");

    assert_eq!(s.send("DELETE", &path, &Value::Null).status, 204);
    s.send("DELETE", &path, &Value::Null).expect(404);
    assert_eq!(s.get("/contacts")["contacts"], json!([]));
    assert_eq!(s.get("/contacts?status=deleted")["contacts"][0]["contact_id"], json!(id));
    assert_eq!(s.get(&path)["deleted_at"].as_str().unwrap().len(), 10);
    let twice = messages(
        &s.send(
            "POST",
            "/contacts",
            &json!({"email_address": {"address": "zoe@example.com"}, "create_source": "Account"}),
        ),
        409,
    );
    assert!(twice[0].contains(&id) && twice[0].contains("deleted"), "{twice:?}");
    let back = s.send("PUT", &path, &json!({"update_source": "Account"})).expect(200);
    assert_eq!((back.get("deleted_at"), &back["list_memberships"]), (None, &json!([])));
}

#[test]
fn a_contact_is_checked_by_the_rules_of_an_import() {
    let s = Sandbox::new();
    let path = format!("/contacts/{}", s.contact("taken@example.com", &[]));
    s.contact("other@example.com", &[]);
    let contact = |members: Value| {
        let mut body = json!({"email_address": {"address": "a@example.com"}, "create_source": "Account"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    for (status, says, members) in [
        (400, "EML002", json!({"email_address": {"address": "two..dots@example.com"}})),
        (400, "BDY003", json!({"birthday_month": 2, "birthday_day": 30})),
        (400, "CON002", json!({"email_address": null, "first_name": "Nobody"})),
        (400, "PHN001", json!({"phone_numbers": [{"phone_number": "123", "kind": "home"}]})),
        (400, "kind is home", json!({"phone_numbers": [{"phone_number": "212-555-0101", "kind": "car"}]})),
        (
            400,
            "kind work",
            json!({"phone_numbers": [{"phone_number": "212-555-0101", "kind": "work"}, {"phone_number": "212-555-0102", "kind": "work"}]}),
        ),
        (400, "no such list", json!({"list_memberships": [UNKNOWN]})),
        (400, "no custom field", json!({"custom_fields": [{"custom_field_id": UNKNOWN, "value": "x"}]})),
        (400, "no tag", json!({"taggings": [UNKNOWN]})),
        (400, "create_source", json!({"create_source": "me"})),
        (400, "create_source", json!({"create_source": null})),
        (
            400,
            "permission_to_send",
            json!({"email_address": {"address": "a@example.com", "permission_to_send": "yes"}}),
        ),
        (400, "TXT001", json!({"first_name": "x".repeat(51)})),
        (409, "is that of contact", json!({"email_address": {"address": "TAKEN@example.com"}})),
    ] {
        let errors = messages(&s.send("POST", "/contacts", &contact(members.clone())), status);
        assert!(errors.iter().any(|text| text.contains(says)), "{members}: {errors:?}");
    }
    let two =
        json!({"birthday_month": 13, "birthday_day": 1, "phone_numbers": [{"phone_number": "1", "kind": "home"}]});
    assert!(messages(&s.send("POST", "/contacts", &contact(two)), 400).len() >= 2);
    let taken = json!({"update_source": "Account", "email_address": {"address": "other@example.com"}});
    messages(&s.send("PUT", &path, &taken), 409);
    messages(&s.send("PUT", &path, &json!({"first_name": "x"})), 400);
    messages(&s.send("PUT", &format!("/contacts/{UNKNOWN}"), &json!({"update_source": "Account"})), 404);
    assert_eq!(s.get("/contacts?include_count=true")["contacts_count"], 2);
}

#[test]
fn signing_up() {
    let s = Sandbox::new();
    let (news, shop) = (s.list("News"), s.list("Shop"));
    let field = text(&s.field(&json!({"label": "Tier", "type": "string"}))["custom_field_id"]);
    let form = json!({"email_address": "joe@example.com", "first_name": "Joe", "list_memberships": [news], "phone_number": "212-555-0101",
        "street_address": {"kind": "work", "city": "Salem"}, "custom_fields": [{"custom_field_id": field, "value": "gold"}]});
    let made = s.send("POST", "/contacts/sign_up_form", &form).expect(201);
    assert_eq!(made["action"], "created");
    let path = format!("/contacts/{}", text(&made["contact_id"]));
    let all = format!("{path}?include=custom_fields,list_memberships,phone_numbers,street_addresses");
    let contact = s.get(&all);
    assert_eq!(
        (&contact["phone_numbers"][0]["kind"], &contact["street_addresses"][0]["kind"]),
        (&json!("other"), &json!("work"))
    );
    assert_eq!(
        (&contact["create_source"], &contact["email_address"]["permission_to_send"]),
        (&json!("Contact"), &json!("explicit"))
    );

    lines(&s.path, &["account", "unsubscribe", "joe@example.com"]);
    let form = json!({"email_address": "JOE@example.com", "last_name": "Smith", "list_memberships": [shop]});
    let again = s.send("POST", "/contacts/sign_up_form", &form).expect(200);
    assert_eq!((&again["action"], &again["contact_id"]), (&json!("updated"), &made["contact_id"]));
    let contact = s.get(&all);
    assert_eq!((&contact["first_name"], &contact["last_name"]), (&json!("Joe"), &json!("Smith")));
    assert_eq!((&contact["list_memberships"], &contact["custom_fields"][0]["value"]), (&json!([shop]), &json!("gold")));
    assert_eq!(contact["email_address"]["permission_to_send"], "explicit");
    assert_eq!(contact["email_address"].get("opt_out_date"), None);
    for bad in [
        json!({"email_address": "x@example.com"}),
        json!({"email_address": "x@example.com", "list_memberships": []}),
        json!({"email_address": "x@", "list_memberships": [news]}),
        json!({"list_memberships": [news]}),
    ] {
        messages(&s.send("POST", "/contacts/sign_up_form", &bad), 400);
    }
    assert_eq!(s.get("/contacts?include_count=true")["contacts_count"], 1);
}

#[test]
fn counts_tags_and_the_account() {
    let s = Sandbox::new();
    s.contact("a@example.com", &[]);
    let gone = s.contact("b@example.com", &[]);
    s.contact("c@example.com", &[]);
    lines(&s.path, &["account", "unsubscribe", "c@example.com"]);
    s.send("DELETE", &format!("/contacts/{gone}"), &Value::Null);
    let counts = json!({"total": 2, "explicit": 0, "implicit": 1, "pending": 0, "unsubscribed": 1});
    assert_eq!(s.get("/contacts/counts"), counts);
    assert_eq!(s.get("/contacts/counts?include=new_subscribers")["new_subscriber"], 1);
    s.send("GET", "/contacts/counts?include=x", &Value::Null).expect(400);

    let tag = s.send("POST", "/contact_tags", &json!({"name": "VIP"})).expect(201);
    s.send("POST", "/contact_tags", &json!({"name": "vip"})).expect(409);
    s.send("POST", "/contact_tags", &json!({"name": "x", "tag_source": "me"})).expect(400);
    let path = format!("/contact_tags/{}", text(&tag["tag_id"]));
    assert_eq!(s.send("PUT", &path, &json!({"name": "Gold"})).expect(200)["name"], "Gold");
    let body =
        json!({"email_address": {"address": "t@example.com"}, "create_source": "Account", "taggings": [tag["tag_id"]]});
    let tagged = text(&s.send("POST", "/contacts", &body).expect(201)["contact_id"]);
    assert_eq!(s.get(&format!("{path}?include_count=true"))["contacts_count"], 1);
    assert_eq!(s.get("/contact_tags?include_count=true&limit=1")["tags"][0]["contacts_count"], 1);
    let done = s.finished(&s.send("DELETE", &path, &Value::Null), 202);
    assert_eq!(done["state"], "completed");
    s.send("GET", &path, &Value::Null).expect(404);
    assert_eq!(s.get(&format!("/contacts/{tagged}?include=taggings"))["taggings"], json!([]));

    let summary = s.get("/account/summary");
    assert_eq!(summary["organization_name"], "a");
    assert_eq!(summary["encoded_account_id"].as_str().unwrap().len(), 12);
    assert_eq!(
        s.get("/account/summary?extra_fields=physical_address,company_logo")["physical_address"]["country_code"],
        "US"
    );
    s.send("GET", "/account/summary?extra_fields=x", &Value::Null).expect(400);
}

#[test]
fn contacts_in_bulk() {
    let s = Sandbox::new();
    let (news, shop) = (s.list("News"), s.list("Shop"));
    let ids: Vec<String> = ["a", "b", "c"].map(|name| s.contact(&format!("{name}@example.com"), &[&news])).into();
    lines(&s.path, &["account", "unsubscribe", "c@example.com"]);
    let add = "/activities/add_list_memberships";
    let body = json!({"source": {"contact_ids": [ids[0], ids[1], ids[2], UNKNOWN]}, "list_ids": [shop]});
    let done = s.finished(&s.send("POST", add, &body), 201);
    for (name, count) in [
        ("items_total_count", 4),
        ("items_completed_count", 2),
        ("cannot_add_to_list_count", 1),
        ("error_count", 1),
        ("list_count", 1),
    ] {
        assert_eq!(done["status"][name], count, "{name}: {done}");
    }
    assert!(text(&done["activity_errors"][0]).contains(UNKNOWN));
    assert_eq!(s.members(&shop), ["a@example.com", "b@example.com"]);
    let remove = "/activities/remove_list_memberships";
    let body = json!({"source": {"list_ids": [shop]}, "exclude": {"contact_ids": [ids[0]]}, "list_ids": [news, shop]});
    let done = s.finished(&s.send("POST", remove, &body), 201);
    assert_eq!((&done["status"]["items_completed_count"], &done["status"]["list_count"]), (&json!(1), &json!(2)));
    assert_eq!(
        (s.members(&news), s.members(&shop)),
        (vec!["a@example.com".to_owned()], vec!["a@example.com".to_owned()])
    );
    let done =
        s.finished(&s.send("POST", add, &json!({"source": {"all_active_contacts": true}, "list_ids": [news]})), 201);
    assert_eq!(done["status"]["items_completed_count"], 2);
    let done =
        s.finished(&s.send("POST", add, &json!({"source": {"all_active_contacts": true}, "list_ids": [UNKNOWN]})), 201);
    assert_eq!(done["state"], "failed");
    assert!(text(&done["activity_errors"][0]).contains("IMP001"), "{done}");

    let delete = "/activities/contact_delete";
    let done = s.finished(&s.send("POST", delete, &json!({"contact_ids": [ids[2], ids[2], UNKNOWN]})), 201);
    assert_eq!((&done["status"]["items_completed_count"], &done["status"]["error_count"]), (&json!(1), &json!(1)));
    let done = s.finished(&s.send("POST", delete, &json!({"list_ids": [news]})), 201);
    assert_eq!(done["status"]["items_completed_count"], 2);
    assert_eq!(s.get("/contacts/counts")["total"], 0);
    // An import brings a contact back.
    let body = json!({"import_data": [{"email": "a@example.com"}], "list_ids": [news]});
    s.finished(&s.send("POST", "/activities/contacts_json_import", &body), 201);
    assert_eq!(s.members(&news), ["a@example.com"]);
    let many: Vec<&str> = vec![UNKNOWN; 501];
    for (path, body) in [
        (delete, json!({})),
        (delete, json!({"contact_ids": [], "list_ids": []})),
        (delete, json!({"contact_ids": ["7"]})),
        (delete, json!({"contact_ids": many})),
        (delete, json!({"contact_ids": [UNKNOWN], "list_ids": [UNKNOWN]})),
        (add, json!({"source": {"contact_ids": [UNKNOWN]}})),
        (add, json!({"source": {}, "list_ids": [news]})),
        (add, json!({"source": {"contact_ids": [UNKNOWN], "all_active_contacts": true}, "list_ids": [news]})),
        (add, json!({"source": {"segment_id": 3}, "list_ids": [news]})),
        (
            remove,
            json!({"source": {"contact_ids": [UNKNOWN]}, "exclude": {"contact_ids": [UNKNOWN]}, "list_ids": [news]}),
        ),
        (remove, json!({"source": {"contact_ids": "x"}, "list_ids": [news]})),
    ] {
        messages(&s.send("POST", path, &body), 400);
    }
}

/// A form with these fields; a name with a semicolon has a file's name behind it.
fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, value) in fields {
        let (name, file) = name.split_once(';').unwrap_or((name, ""));
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        body += &format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    (body + "--XX--\r\n").into_bytes()
}

#[test]
fn files_are_imported_as_clean_reads_them() {
    let s = Sandbox::new();
    let list = s.list("News");
    s.field(&json!({"label": "Tier", "type": "string"}));
    let path = "/v3/activities/contacts_file_import";
    let send = |fields: &[(&str, &str)]| {
        let kind = "Content-Type: multipart/form-data; boundary=XX";
        request(s.server.address, "POST", path, &[kind], &form(fields)).unwrap()
    };
    let csv =
        "email,first_name,phone,cf:Tier,cf:Nope\njoe@example.com,Joe,(212) 555-0101,gold,x\nbad@@example.com,Bad,,,\n";
    let done = s.finished(&send(&[("file;contacts.csv", csv), ("list_ids", &list)]), 201);
    assert_eq!((&done["state"], &done["source_file_name"]), (&json!("completed"), &json!("contacts.csv")));
    for (name, count) in
        [("items_total_count", 2), ("items_completed_count", 1), ("correctable_count", 1), ("list_count", 1)]
    {
        assert_eq!(done["status"][name], count, "{name}: {done}");
    }
    let errors: Vec<String> = done["activity_errors"].as_array().unwrap().iter().map(text).collect();
    assert!(errors.iter().any(|error| error.starts_with("contact 1: EML001")), "{errors:?}");
    let contact = &s.get("/contacts?include=phone_numbers,custom_fields")["contacts"][0];
    assert_eq!(
        (&contact["phone_numbers"][0]["phone_number"], &contact["custom_fields"][0]["value"]),
        (&json!("212-555-0101"), &json!("gold"))
    );

    // Fields in another order, consent, and a number.
    let csv = "sms_number,sms_consent_date\n508-123-1235,2024-07-03\n";
    let fields = [("list_ids", list.as_str()), ("sms_permission_to_send", "explicit"), ("file;x.csv", csv)];
    assert_eq!(s.finished(&send(&fields), 201)["status"]["items_completed_count"], 1);

    // A file over the limits: whole rows up to there.
    let rows: String = (0..40_010).map(|i| format!("r{i}@example.com\n")).collect();
    let done = s.finished(&send(&[("file;x.csv", &format!("email\n{rows}")), ("list_ids", &list)]), 201);
    assert_eq!(
        (&done["status"]["items_total_count"], &done["status"]["items_completed_count"]),
        (&json!(39_999), &json!(39_999))
    );
    assert!(text(&done["activity_errors"][0]).contains("39999 contacts"), "{}", done["activity_errors"]);
    let rows: String = (0..20_000).map(|i| format!("s{i:05}@example.com,{}\n", "y".repeat(230))).collect();
    let done = s.finished(&send(&[("file;x.csv", &format!("email,street\n{rows}")), ("list_ids", &list)]), 201);
    let whole = (4_000_000 - 13) / (18 + 1 + 230 + 1);
    assert_eq!(done["status"]["items_completed_count"], whole, "{}", done["status"]);

    for (status, fields) in [
        (400, vec![("list_ids", list.as_str())]),
        (400, vec![("file;x.csv", "email\na@example.com\n")]),
        (400, vec![("file;x.csv", "email\na@example.com\n"), ("list_ids", "news")]),
        (400, vec![("file;x.csv", ""), ("list_ids", &list)]),
        (400, vec![("file;x.csv", "first_name\nJoe\n"), ("list_ids", &list)]),
        (400, vec![("file;x.csv", "PK\u{3}\u{4}"), ("list_ids", &list)]),
        (400, vec![("file;x.csv", "email\n"), ("list_ids", &list), ("sms_permission_to_send", "yes")]),
        (415, vec![("file;x.xlsx", "email\na@example.com\n"), ("list_ids", &list)]),
    ] {
        let answer = send(&fields);
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text());
    }
    request(s.server.address, "POST", path, &[JSON], b"{}").unwrap().expect(415);
    let cut = form(&[("file;x.csv", "email\na@example.com\n")]);
    let kind = "Content-Type: multipart/form-data; boundary=XX";
    request(s.server.address, "POST", path, &[kind], &cut[..cut.len() - 10]).unwrap().expect(400);
}
