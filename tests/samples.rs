//! Samples of other systems, cleaned from outside: the same people come out as of the plain sample, but for those who opted out.

mod common;

use common::{Dir, emails};
use presort::mapping::Target;
use presort::mapping::systems::{self, System};
use presort::model::member::{Family, MemberId};
use presort::sample::SampleSystem;
use serde_json::Value;
use std::collections::BTreeSet;

const COUNT: usize = 300;

/// Names that people use for systems, and what the receipt calls them.
const SHORT: &[(&str, &str)] = &[
    ("mailchimp", "mailchimp-api"),
    ("salesforce", "salesforce-contact-api"),
    ("google", "google-contacts-new"),
    ("constantcontact", "constantcontact-v3-api"),
];

const PHONES: &[&str] = &["phone", "mobile_phone", "work_phone", "home_phone", "other_phone", "sms_number"];
const KINDS: &[&str] = &["", "home_", "work_", "other_"];

/// The plain sample: what the people of every system are.
fn people(dir: &Dir) -> Vec<Value> {
    dir.run(&["sample", "--contacts", "300", "--mess", "0", "--format", "ndjson", "-o", "people", "--force"]).exits(0);
    dir.lines("people")
}

/// Values of some members, each once.
fn values<'a>(contact: &'a Value, names: &[&str]) -> BTreeSet<&'a str> {
    names.iter().filter_map(|name| contact[*name].as_str()).collect()
}

/// A part of whichever address there is.
fn address<'a>(contact: &'a Value, part: &str) -> Option<&'a str> {
    KINDS.iter().find_map(|kind| contact[format!("{kind}{part}")].as_str())
}

/// What a run makes of an input: the cleaned lines, the counts, and the findings of each contact, without its place in the file.
#[derive(Debug, PartialEq)]
struct Cleaned {
    lines: Vec<u8>,
    counts: Value,
    rejected: BTreeSet<u64>,
    findings: Vec<String>,
}

/// Cleans an input from a file, or from a pipe if it has no name.
fn cleaned_plain(dir: &Dir, input: &[u8], file: Option<&str>, threads: &str) -> Cleaned {
    let clean =
        "clean --sms-permission explicit --format ndjson -o out --force --report report --receipt receipt --threads";
    let mut args: Vec<&str> = clean.split(' ').collect();
    args.push(threads);
    match file {
        Some(file) => {
            dir.write(file, input);
            args.push(file);
            dir.run(&args).exits(1)
        }
        None => dir.feed(&args, input).exits(1),
    };
    let report = dir.lines("report");
    let rejected = report.iter().filter(|line| line["outcome"] == "rejected");
    Cleaned {
        lines: std::fs::read(dir.path("out")).unwrap(),
        counts: dir.json("receipt")["contacts"].clone(),
        rejected: rejected.map(|line| line["contact"].as_u64().unwrap()).collect(),
        findings: report
            .iter()
            .map(|line| {
                ["contact", "code", "severity", "field", "outcome", "value"]
                    .map(|name| line[name].to_string())
                    .join(" ")
            })
            .collect(),
    }
}

/// The same contacts come out of a table and of lines, whatever is wrong with them. Custom fields that are no columns are the
/// exception: see `without_columns`.
#[test]
fn a_table_is_cleaned_like_its_lines() {
    let dir = Dir::new();
    for (seed, mess) in [("1", "5"), ("2", "50"), ("3", "100")] {
        let sample = |format: &str| {
            let args = ["sample", "-c", "20000", "--seed", seed, "--mess", mess, "--format", format];
            dir.run(&args).exits(0).out
        };
        let lines = cleaned_plain(&dir, &sample("ndjson"), Some("in"), "2");
        let rows = cleaned_plain(&dir, &sample("csv"), Some("in"), "2");
        assert_eq!(lines.rejected, rows.rejected, "{seed}");
        for count in ["seen", "accepted", "rejected"] {
            assert_eq!(lines.counts[count], rows.counts[count], "{seed} {count}");
        }
        let (lines, rows) = (json_lines(&lines.lines), json_lines(&rows.lines));
        assert_eq!(lines.len(), rows.len());
        for (line, row) in lines.into_iter().zip(rows) {
            assert_eq!(without_columns(line), row, "{seed}");
        }
    }
}

/// Contacts without mistakes that only one of both formats can have: everything is the same, up to the order of
/// members, which is that of the columns.
#[test]
fn clean_contacts_are_the_same() {
    let dir = Dir::new();
    let clean = |input: &[u8]| {
        let args = ["clean", "--format", "ndjson", "-o", "out", "--force", "--receipt", "receipt"];
        dir.feed(&args, input).exits(0);
        (dir.lines("out"), dir.json("receipt")["contacts"].clone())
    };
    let sample = |format: &str| dir.run(&["sample", "-c", "20000", "--mess", "0", "--format", format]).exits(0).out;
    assert!(clean(&sample("ndjson")) == clean(&sample("csv")));
}

/// However a table is written and read, the same comes out.
#[test]
fn dialects_threads_and_pipes_change_nothing() {
    let dir = Dir::new();
    let sample = |options: &[&str]| {
        dir.run(&[&["sample", "-c", "3000", "--seed", "9", "--mess", "60", "--format", "csv"], options].concat())
            .exits(0)
            .out
    };
    let plain = sample(&[]);
    let expected = cleaned_plain(&dir, &plain, Some("in"), "1");
    assert!(expected.rejected.len() > 50 && expected.findings.len() > 500);
    for options in [
        &[][..],
        &["--delimiter", "semicolon"],
        &["--delimiter", "tab"],
        &["--delimiter", "pipe"],
        &["--quote-all"],
        &["--crlf"],
        &["--bom"],
        &["--delimiter", "semicolon", "--quote-all", "--crlf", "--bom"],
    ] {
        let table = sample(options);
        for (file, threads) in [(Some("in"), "1"), (Some("in"), "2"), (None, "1"), (None, "2")] {
            let found = cleaned_plain(&dir, &table, file, threads);
            assert!(found == expected, "{options:?} {file:?} {threads}");
        }
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &plain).unwrap();
    let packed = packed.finish().unwrap();
    for (file, threads) in [(Some("in.gz"), "2"), (None, "1")] {
        assert!(cleaned_plain(&dir, &packed, file, threads) == expected, "{file:?}");
    }
}

fn json_lines(lines: &[u8]) -> Vec<Value> {
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// A cleaned contact without the custom fields that a table of the sample has no columns for.
fn without_columns(mut contact: Value) -> Value {
    let members = contact.as_object_mut().unwrap();
    members.retain(|name, _| !name.starts_with("cf:Survey") && name != "cf: ");
    contact
}

/// Tables of other systems give the people back as their JSON does.
#[test]
fn every_table_gives_the_people_back() {
    let dir = Dir::new();
    let people = people(&dir);
    let (_, opted_out, _) = cleaned(&dir, "hubspot", "ndjson");
    for name in SampleSystem::names() {
        let known = SampleSystem::named(name).unwrap().csv_name();
        let (accepted, rejected, receipt) = cleaned(&dir, name, "csv");
        assert_eq!(receipt["input"][0]["mapping"]["system"], known, "{name}");
        let has_opt_outs = SampleSystem::named(name).unwrap().has_opt_outs();
        assert_eq!(rejected, if has_opt_outs { opted_out.clone() } else { BTreeSet::new() }, "{name}");
        let stayed: Vec<Value> =
            (0..).zip(&people).filter(|(at, _)| !rejected.contains(at)).map(|(_, person)| person.clone()).collect();
        assert_eq!(emails(&accepted), emails(&stayed), "{name}");
        let system = systems::systems().iter().find(|system| system.name == known).unwrap();
        stayed.iter().zip(&accepted).for_each(|(person, contact)| same_person(system, person, contact));
    }
}

/// Cleans a sample of a system into `out`, and gives the accepted contacts, the rejected ones' indices, and the receipt.
fn cleaned(dir: &Dir, name: &str, format: &str) -> (Vec<Value>, BTreeSet<usize>, Value) {
    let sample =
        dir.run(&["sample", "--system", name, "--contacts", "300", "--mess", "0", "--format", format]).exits(0);
    let clean = "clean --map auto --format ndjson -o out --force --receipt receipt --report report";
    let ran = dir.feed(&clean.split(' ').collect::<Vec<_>>(), &sample.out);
    assert!(matches!(ran.code(), 0 | 1), "{name}: {}", ran.err);
    let report = dir.lines("report");
    let contacts = |is: &dyn Fn(&Value) -> bool| -> BTreeSet<usize> {
        report.iter().filter(|line| is(line)).map(|line| line["contact"].as_u64().unwrap() as usize).collect()
    };
    let rejected = contacts(&|line| line["outcome"] == "rejected");
    assert_eq!(rejected, contacts(&|line| line["code"] == "OPT001"), "{name}: nobody else is rejected");
    (dir.lines("out"), rejected, dir.json("receipt"))
}

/// Makes sure that a person of the plain sample is the contact that came through a system.
fn same_person(system: &System, person: &Value, contact: &Value) {
    let name = system.name;
    let has = |target: &Target| system.headers.iter().any(|header| header.target() == *target);
    let has_member = |id| has(&Target::Member(id));
    for (id, member) in [
        (MemberId::FirstName, "first_name"),
        (MemberId::LastName, "last_name"),
        (MemberId::CompanyName, "company_name"),
        (MemberId::JobTitle, "job_title"),
    ] {
        if has_member(id) {
            assert_eq!(contact[member], person[member], "{name}: {person}");
        }
    }
    if has(&Target::Birthday) || has_member(MemberId::BirthdayDay) {
        assert_eq!(contact["birthday_month"], person["birthday_month"], "{name}: {contact}");
        assert_eq!(contact["birthday_day"], person["birthday_day"], "{name}: {contact}");
    }
    let is_phone = |header: &&systems::Header| match header.target() {
        Target::Member(id) => id.info().family == Family::Phone,
        _ => false,
    };
    let places: BTreeSet<&str> = system.headers.iter().filter(is_phone).map(|header| header.member).collect();
    // A number for text messages goes where other numbers go, unless it has a place of its own.
    let kinds = if has_member(MemberId::SmsNumber) { &PHONES[..5] } else { PHONES };
    let (wanted, found) = (values(person, kinds), values(contact, kinds));
    if has_member(MemberId::SmsNumber) {
        assert_eq!(contact["sms_number"], person["sms_number"], "{name}");
    }
    // Google has three columns of one name.
    let places = if name.starts_with("google-contacts") { 3 } else { places.len() };
    let kept = found.intersection(&wanted).count();
    assert_eq!(kept, wanted.len().min(places), "{name}: {contact}");
    let parts = [("city", MemberId::City), ("state", MemberId::State), ("zip", MemberId::Zip)];
    for (part, id) in parts {
        let has = has_member(id) || system.headers.iter().any(|header| header.member.ends_with(&format!("_{part}")));
        if has {
            // A text guard in front of letters stays: only numbers are unwrapped.
            let found = address(contact, part).map(|text| text.trim_start_matches('\''));
            assert_eq!(found, address(person, part), "{name}: {contact}");
        }
    }
    if system.headers.iter().any(|header| header.member.ends_with("street")) {
        let (wanted, found) = (address(person, "street"), address(contact, "street"));
        assert_eq!(wanted.is_some(), found.is_some(), "{name}: {contact}");
        assert!(found.unwrap_or_default().starts_with(wanted.unwrap_or_default()), "{name}: {contact}");
    }
}

#[test]
fn every_system_gives_the_people_back() {
    let dir = Dir::new();
    let people = people(&dir);
    let (_, opted_out, _) = cleaned(&dir, "hubspot", "ndjson");
    assert!((3..=30).contains(&opted_out.len()), "{opted_out:?}");
    for name in SampleSystem::names() {
        let known = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, known)| *known);
        let (accepted, rejected, receipt) = cleaned(&dir, name, "ndjson");
        assert_eq!(receipt["input"][0]["mapping"]["system"], known, "{name}");
        let nobody = BTreeSet::new();
        let expected = if SampleSystem::named(name).unwrap().has_opt_outs() { &opted_out } else { &nobody };
        assert_eq!(&rejected, expected, "{name}");
        assert_eq!(receipt["contacts"]["accepted"], COUNT - rejected.len(), "{name}");

        let stayed: Vec<Value> =
            (0..).zip(&people).filter(|(at, _)| !rejected.contains(at)).map(|(_, person)| person.clone()).collect();
        assert_eq!(emails(&accepted), emails(&stayed), "{name}");
        let system = systems::systems().iter().find(|system| system.name == known).unwrap();
        stayed.iter().zip(&accepted).for_each(|(person, contact)| same_person(system, person, contact));
    }
}

#[test]
fn a_payload_has_the_records_of_the_lines() {
    let dir = Dir::new();
    for (name, shape) in [
        ("hubspot", "/results"),
        ("mailchimp", "/members"),
        ("salesforce", "/records"),
        ("constantcontact", "/contacts"),
        ("google", ""),
        ("klaviyo", ""),
    ] {
        let sample = |format: &str| {
            dir.run(&["sample", "--system", name, "-c", "50", "--mess", "60", "--format", format]).exits(0).out
        };
        let payload: Value = serde_json::from_slice(&sample("payload")).unwrap();
        let lines = String::from_utf8(sample("ndjson")).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(payload.pointer(shape), Some(&Value::from(lines)), "{name}");
        // The wrapper is found, and says nothing against the number of records.
        let (_, rejected, receipt) = cleaned(&dir, name, "payload");
        assert_eq!(receipt["contacts"]["seen"], COUNT);
        assert_eq!(rejected.is_empty(), matches!(name, "google"), "{name}");
        let more_pages = receipt["findings"]["ENV014"].as_u64().unwrap_or(0);
        assert_eq!(more_pages, u64::from(name == "hubspot"), "{name}");
    }
}

/// What each record says about permission, in the words of the system itself.
#[test]
fn opt_outs_are_in_the_words_of_the_system() {
    let dir = Dir::new();
    type SaysNo = fn(&Value) -> bool;
    let says_no: &[(&str, SaysNo)] = &[
        ("hubspot", |record| record["properties"]["hs_email_optout"] == "true"),
        ("mailchimp", |record| record["status"] != "subscribed"),
        ("salesforce", |record| record["HasOptedOutOfEmail"] == true),
        ("constantcontact", |record| record["email_address"]["permission_to_send"] == "unsubscribed"),
        ("klaviyo", |record| record["Email Marketing Consent"] != "SUBSCRIBED"),
    ];
    for (name, says_no) in says_no {
        let (_, rejected, _) = cleaned(&dir, name, "ndjson");
        dir.run(&["sample", "--system", name, "-c", "300", "--mess", "0", "-f", "ndjson", "-o", "in", "--force"])
            .exits(0);
        let said: BTreeSet<usize> =
            (0..).zip(dir.lines("in")).filter(|(_, record)| says_no(record)).map(|(at, _)| at).collect();
        assert_eq!(rejected, said, "{name}");
        assert!(!said.is_empty());
    }
}

#[test]
fn quirks_are_there() {
    let dir = Dir::new();
    let sample = |name: &str| {
        let args = ["sample", "--system", name, "-c", "2000", "--mess", "0", "-f", "ndjson"];
        String::from_utf8(dir.run(&args).exits(0).out).unwrap()
    };
    for (name, quirks) in [
        ("hubspot", &["\"properties\":{", "\"address\":null", "\"archived\":false"][..]),
        (
            "mailchimp",
            &["\"ADDRESS\":\"\"", "\"ADDRESS\":{\"addr1\":", "\"status\":\"cleaned\"", "\"status\":\"unsubscribed\""],
        ),
        ("salesforce", &["\\r\\n", "\"attributes\":{\"type\":\"Contact\"", "\"Salutation\":\"Dr.\"", "\"Phone\":\"("]),
        (
            "google",
            &[
                "@second.example",
                " ::: +1 ",
                "\"Birthday\":\"--",
                "* myContacts ::: Friends",
                "\"Name Prefix\":\"Mr.\"",
            ],
        ),
        ("google-contacts-old", &["\"Name\":\"", "\"Phone 1 - Type\":\"Mobile\""]),
        ("constantcontact", &["\"kind\":\"work\"", "\"custom_field_id\":\"", "\"opt_out_date\":\""]),
        ("outlook-web", &["\"Birthday\":\"0/0/00\"", "\"Title\":\"Mrs.\""]),
        ("facebook-lead-ads", &["\"phone_number\":\"p:+1", "\"full_name\":\""]),
        ("shopify-customers", &["\"Default Address Zip\":\"'"]),
    ] {
        let text = sample(name);
        for quirk in quirks {
            assert!(text.contains(quirk), "{name} never has {quirk}");
        }
    }
    // Month and day, whatever the person.
    for line in sample("mailchimp").lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let birthday = record["merge_fields"]["BIRTHDAY"].as_str().unwrap();
        assert!(birthday.is_empty() || birthday.len() == 5 && birthday.as_bytes()[2] == b'/', "{birthday}");
    }
}

#[test]
fn an_unknown_system_is_a_usage_error() {
    let dir = Dir::new();
    for name in ["nobody", "", "HubSpot", "vcard", "generic-synonyms"] {
        let ran = dir.run(&["sample", "--contacts", "1", "--system", name, "-o", "out"]).exits(2);
        ran.says(&["hubspot", "mailchimp", "salesforce", "google", "constantcontact", "klaviyo"]);
    }
    assert!(dir.names().is_empty());
}

/// Mistakes of every kind, in every system: JSON all the same, repeatable, and nobody is lost count of.
#[test]
fn messy_samples_hold() {
    let dir = Dir::new();
    for name in SampleSystem::names() {
        let args = ["sample", "--system", name, "-c", "400", "--mess", "100", "--seed", "5", "-f", "ndjson"];
        let sample = dir.run(&args).exits(0).out;
        assert_eq!(sample, dir.run(&args).exits(0).out, "{name}");
        let text = std::str::from_utf8(&sample).unwrap();
        for line in text.lines() {
            serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{name}: {e}: {line}"));
        }
        let ran = dir.feed(&["check", "--map", "auto", "--receipt", "receipt", "--force"], &sample);
        assert_eq!(ran.code(), 1, "{name}: {}", ran.err);
        let contacts = &dir.json("receipt")["contacts"];
        assert_eq!(contacts["seen"], 400, "{name}");
        let sum = contacts["accepted"].as_u64().unwrap() + contacts["rejected"].as_u64().unwrap();
        assert_eq!(sum, 400, "{name}");
    }
}
