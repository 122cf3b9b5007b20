// Long because it has a table for each of many exports.

use super::*;
use crate::mapping::permission::PermissionKind;
use crate::mapping::systems::systems;
use proptest::prelude::*;

/// A profile of records with the same columns, all of them there.
pub(in crate::mapping) fn profile(records: &[&[(&str, &str)]]) -> Profile {
    let mut profile = Profile::default();
    for record in records {
        for (name, value) in *record {
            profile.cell(name, value);
        }
        profile.end_record();
    }
    profile
}

pub(in crate::mapping) fn auto() -> MapOptions {
    MapOptions { auto: true, ..MapOptions::default() }
}

/// The members of each column, with a question mark where it is a fallback.
pub(in crate::mapping) fn targets(mapping: &Mapping) -> Vec<(String, String)> {
    let target = |column: &Column| {
        let mark = if column.fallback { "?" } else { "" };
        column.target.members().join(",") + mark
    };
    mapping.columns.iter().map(|column| (column.name.clone(), target(column))).collect()
}

/// The mapping of names alone.
fn of_names(names: &[&str]) -> Mapping {
    let record: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
    decide(&profile(&[&record]), &auto()).unwrap()
}

fn target_of(mapping: &Mapping, name: &str) -> String {
    targets(mapping).into_iter().find(|(found, _)| found == name).unwrap().1
}

#[test]
fn what_is_about_a_number_is_no_number() {
    let mapping = of_names(&[
        "email",
        "phone_numbers/mobile/phone_number_id",
        "phone_numbers/mobile/country_code",
        "phones/work_phone_type",
        "phones/home_number",
        "phones/mobile 2",
    ]);
    let found = targets(&mapping);
    let found: Vec<&str> = found.iter().map(|(_, target)| target.as_str()).collect();
    assert_eq!(found, ["email", "-", "-", "-", "home_phone", "mobile_phone"]);
}

/// Every system, by its own headers: each header is what the table says, or another header has its member already.
#[test]
fn each_system_is_recognised_by_its_headers() {
    for system in systems().iter().filter(|system| !system.name.starts_with("vcard")) {
        let mut headers: Vec<&str> = Vec::new();
        for header in &system.headers {
            // The prefix of custom fields is no header.
            if !headers.contains(&header.name) && header.name != "cf:NAME" {
                headers.push(header.name);
            }
        }
        let record: Vec<(&str, &str)> =
            headers.iter().map(|name| (*name, if *name == "Value" { "a@x.example" } else { "" })).collect();
        let mapping = decide(&profile(&[&record]), &auto()).unwrap();
        let found = mapping.system.unwrap_or_else(|| panic!("{} is not recognised", system.name));
        assert_eq!((found.name, found.others), (system.name, 0));
        assert_eq!(found.matched, headers.len(), "{}", system.name);
        for header in system.headers.iter().filter(|header| header.name != "cf:NAME") {
            let column = &mapping.columns[mapping.find(header.name).unwrap()];
            assert!(
                matches!(column.found, How::System | How::Taken(_)),
                "{}: {} was found as {:?}",
                system.name,
                header.name,
                column.found
            );
            let wanted = header.target();
            match column.found {
                // Another column has it.
                How::Taken(by) => {
                    let members = members_of(&wanted);
                    let other = members_of(&mapping.columns[by].target);
                    assert!(members.iter().any(|member| other.contains(member)), "{}: {}", system.name, header.name);
                }
                // Further phones and addresses go to the next kind.
                _ if column.target != wanted => {
                    let family = |target: &Target| match target {
                        Target::Member(id) => Some(id.info().family),
                        _ => None,
                    };
                    assert_eq!(family(&column.target), family(&wanted), "{}: {}", system.name, header.name);
                    let first = mapping.columns.iter().any(|column| column.target == wanted);
                    assert!(first, "{}: {} is not {wanted:?}", system.name, header.name);
                }
                _ => {}
            }
            if let Some(permission) = crate::mapping::permission::of_header(header) {
                let found = column.permission.map(|found| found.kind);
                // A status with no values yet is one.
                let good = found == Some(permission.kind) || found == Some(PermissionKind::Status);
                assert!(good, "{}: {} says {found:?}, not {:?}", system.name, header.name, permission.kind);
            }
        }
    }
}

/// Parts of an export of a known system, as people choose columns, are never mapped to something else than the table says.
#[test]
fn parts_of_a_system_are_never_something_else() {
    for system in systems().iter().filter(|system| !system.name.starts_with("vcard")) {
        for step in 2..5 {
            for start in 0..step {
                let mut headers: Vec<&str> =
                    system.headers.iter().skip(start).step_by(step).map(|header| header.name).collect();
                headers.dedup();
                let mapping = of_names(&headers);
                if mapping.system.is_none_or(|found| found.name != system.name || found.others > 0) {
                    continue;
                }
                for column in &mapping.columns {
                    let header = system.headers.iter().find(|header| header.name == column.name).unwrap();
                    let is_member = header.target() != Target::None || column.target == Target::None;
                    assert!(is_member, "{}: {} became {:?}", system.name, column.name, column.target);
                }
            }
        }
    }
}

// Long because it is a table.
#[test]
fn exports_as_they_come() {
    // HubSpot's API.
    let mapping = of_names(&[
        "id",
        "properties/email",
        "properties/firstname",
        "properties/lastname",
        "properties/phone",
        "properties/createdate",
        "properties/hs_object_id",
        "createdAt",
        "archived",
    ]);
    assert_eq!(mapping.system.unwrap().name, "hubspot");
    for (name, member) in [
        ("id", "-"),
        ("properties/email", "email"),
        ("properties/firstname", "first_name"),
        ("properties/lastname", "last_name"),
        ("properties/phone", "phone"),
        ("properties/createdate", "-"),
        ("archived", "-"),
    ] {
        assert_eq!(target_of(&mapping, name), member, "{name}");
    }
    // Mailchimp's API.
    let mapping = of_names(&[
        "id",
        "email_address",
        "status",
        "merge_fields/FNAME",
        "merge_fields/LNAME",
        "merge_fields/ADDRESS/addr1",
        "merge_fields/ADDRESS/city",
        "merge_fields/ADDRESS/state",
        "merge_fields/ADDRESS/zip",
        "merge_fields/PHONE",
        "merge_fields/BIRTHDAY",
    ]);
    for (name, member) in [
        ("email_address", "email"),
        ("status", "-"),
        ("merge_fields/FNAME", "first_name"),
        ("merge_fields/LNAME", "last_name"),
        ("merge_fields/ADDRESS/addr1", "street"),
        ("merge_fields/ADDRESS/city", "city"),
        ("merge_fields/ADDRESS/state", "state"),
        ("merge_fields/ADDRESS/zip", "zip"),
        ("merge_fields/PHONE", "phone"),
        ("merge_fields/BIRTHDAY", "birthday_month,birthday_day"),
    ] {
        assert_eq!(target_of(&mapping, name), member, "{name}");
    }
    assert_eq!(mapping.columns[2].permission.unwrap().kind, PermissionKind::Status);
    // Salesforce's API, and Airtable.
    let mapping = of_names(&[
        "attributes/type",
        "attributes/url",
        "Id",
        "Email",
        "FirstName",
        "LastName",
        "MailingStreet",
        "MailingPostalCode",
        "Birthdate",
    ]);
    assert_eq!(mapping.system.unwrap().name, "salesforce-contact-api");
    assert_eq!(target_of(&mapping, "MailingPostalCode"), "zip");
    assert_eq!(target_of(&mapping, "Birthdate"), "birthday_month,birthday_day");
    assert_eq!(target_of(&mapping, "attributes/type"), "-");
    let mapping = of_names(&["id", "createdTime", "fields/Email", "fields/Name"]);
    assert_eq!(target_of(&mapping, "fields/Email"), "email");
    assert_eq!(target_of(&mapping, "fields/Name"), "first_name,last_name");
    // The service's own answer.
    let mapping = of_names(&[
        "contact_id",
        "email_address/address",
        "email_address/permission_to_send",
        "first_name",
        "phone_numbers/home/phone_number",
        "phone_numbers/mobile/phone_number",
        "street_addresses/home/street",
        "street_addresses/home/kind",
        "custom_fields/value",
        "list_memberships",
    ]);
    for (name, member) in [
        ("contact_id", "-"),
        ("email_address/address", "email"),
        ("email_address/permission_to_send", "-"),
        ("first_name", "first_name"),
        ("phone_numbers/home/phone_number", "home_phone"),
        ("phone_numbers/mobile/phone_number", "mobile_phone"),
        ("street_addresses/home/street", "home_street"),
        ("custom_fields/value", "-"),
        ("list_memberships", "-"),
    ] {
        assert_eq!(target_of(&mapping, name), member, "{name}");
    }
    assert!(mapping.columns[2].permission.is_some());
}

#[test]
fn other_people_are_not_the_contact() {
    let mapping = of_names(&[
        "owner_id/name",
        "owner_id/email",
        "org_id/name",
        "org_id/address",
        "name",
        "email/0/value",
        "email/1/value",
        "phone/0/value",
        "phone/0/label",
        "spouse/first_name",
        "lastReferredBy/phone",
        "tags/0/name",
        "campaign/city",
    ]);
    for (name, member) in [
        ("owner_id/name", "-"),
        ("owner_id/email", "-"),
        ("org_id/name", "company_name"),
        ("org_id/address", "-"),
        ("name", "first_name,last_name"),
        ("email/0/value", "email"),
        ("email/1/value", "email?"),
        ("phone/0/value", "phone"),
        ("spouse/first_name", "-"),
        ("lastReferredBy/phone", "-"),
        ("tags/0/name", "-"),
        ("campaign/city", "-"),
    ] {
        assert_eq!(target_of(&mapping, name), member, "{name}");
    }
    assert_eq!(mapping.columns[7].label, Some(crate::mapping::Label::Phone(8)));
    // A part that nobody knows counts if the whole person is in it, and nowhere else.
    let record: &[(&str, &str)] =
        &[("id", "1"), ("kontakt/email", "a@x.example"), ("kontakt/first_name", "Ana"), ("elsewhere/city", "Rome")];
    let mapping = decide(&profile(&[record]), &auto()).unwrap();
    assert_eq!(target_of(&mapping, "kontakt/email"), "email");
    assert_eq!(target_of(&mapping, "kontakt/first_name"), "first_name");
    assert_eq!(target_of(&mapping, "elsewhere/city"), "-");
    let record: &[(&str, &str)] = &[("email", "a@x.example"), ("x/email", "b@x.example"), ("x/first_name", "Bo")];
    let mapping = decide(&profile(&[record]), &auto()).unwrap();
    assert_eq!(target_of(&mapping, "x/email"), "-");
    assert_eq!(target_of(&mapping, "x/first_name"), "-");
}

#[test]
fn exports_of_systems_that_the_table_does_not_have() {
    // Shopify's API: who has no account with the shop may be written to.
    let record: &[(&str, &str)] = &[
        ("id", "1"),
        ("email", "a@x.example"),
        ("first_name", "Ana"),
        ("last_name", "Li"),
        ("state", "disabled"),
        ("phone", "+16175550101"),
        ("addresses/0/address1", "1 Elm"),
        ("addresses/0/city", "Rome"),
        ("default_address/address1", "1 Elm"),
        ("default_address/city", "Rome"),
        ("default_address/zip", "13440"),
        ("email_marketing_consent/state", "not_subscribed"),
        ("email_marketing_consent/opt_in_level", "single_opt_in"),
        ("sms_marketing_consent/state", "not_subscribed"),
    ];
    let mapping = decide(&profile(&[record]), &auto()).unwrap();
    let kind = |name: &str| mapping.columns[mapping.find(name).unwrap()].permission.map(|permission| permission.kind);
    for (name, member) in [
        ("state", "-"),
        ("addresses/0/city", "city"),
        ("default_address/city", "-"),
        ("default_address/zip", "-"),
        ("email_marketing_consent/state", "-"),
    ] {
        assert_eq!(target_of(&mapping, name), member, "{name}");
    }
    assert_eq!(kind("state"), Some(PermissionKind::Word));
    assert_eq!(kind("email_marketing_consent/state"), Some(PermissionKind::Consent));
    assert_eq!(kind("email_marketing_consent/opt_in_level"), Some(PermissionKind::ConsentTrace));
    assert_eq!(kind("sms_marketing_consent/state"), None);
    // Brevo, Zoho, Intercom and Klaviyo.
    let mapping = of_names(&[
        "email",
        "emailBlacklisted",
        "smsBlacklisted",
        "attributes/FIRSTNAME",
        "attributes/LASTNAME",
        "Owner/email",
        "Account_Name/name",
        "Email_Opt_Out",
        "unsubscribed_from_emails",
        "attributes/subscriptions/email/marketing/consent",
        "attributes/subscriptions/sms/marketing/consent",
        "Work City",
        "Business Phone Number",
        "Main Fax",
    ]);
    for (name, member, permission) in [
        ("email", "email", false),
        ("emailBlacklisted", "-", true),
        ("smsBlacklisted", "-", false),
        ("attributes/FIRSTNAME", "first_name", false),
        ("attributes/LASTNAME", "last_name", false),
        ("Owner/email", "-", false),
        ("Account_Name/name", "company_name", false),
        ("Email_Opt_Out", "-", true),
        ("unsubscribed_from_emails", "-", true),
        ("attributes/subscriptions/email/marketing/consent", "-", true),
        ("attributes/subscriptions/sms/marketing/consent", "-", false),
        ("Work City", "work_city", false),
        ("Business Phone Number", "work_phone", false),
        ("Main Fax", "-", false),
    ] {
        assert_eq!(target_of(&mapping, name), member, "{name}");
        assert_eq!(mapping.columns[mapping.find(name).unwrap()].permission.is_some(), permission, "{name}");
    }
}

#[test]
fn spellings_that_never_meet_are_all_taken() {
    let mapping = decide(
        &profile(&[
            &[("Email Address", "ana@x.example"), ("First Name", "Ana")],
            &[("EMAIL", "bo@x.example"), ("FIRST_NAME", "Bo")],
            &[("e-mail", "cy@x.example")],
            &[("email ", "di@x.example")],
            &[("\u{feff}email", "ed@x.example"), ("first_name", "Ed")],
            &[("\"email\"", "fy@x.example")],
        ]),
        &auto(),
    )
    .unwrap();
    let emails = targets(&mapping).into_iter().filter(|(_, target)| target.starts_with("email")).count();
    let names = targets(&mapping).into_iter().filter(|(_, target)| target.starts_with("first_name")).count();
    assert_eq!((emails, names), (6, 3), "{:?}", targets(&mapping));
    // Those that meet are not.
    let mapping = of_names(&["Email", "E-Mail Address", "x"]);
    assert_eq!(target_of(&mapping, "E-Mail Address"), "-");
    assert_eq!(mapping.columns[1].found, How::Taken(0));
}

#[test]
fn values_decide_where_names_do_not() {
    let of = |records: &[&[(&str, &str)]]| decide(&profile(records), &auto()).unwrap();
    let mapping = of(&[&[("email", "a@x.example"), ("title", "Mr.")], &[("email", "b@x.example"), ("title", "Dr")]]);
    assert_eq!(target_of(&mapping, "title"), "-");
    let mapping =
        of(&[&[("email", "a@x.example"), ("title", "Director")], &[("email", "b@x.example"), ("title", "Dr")]]);
    assert_eq!(target_of(&mapping, "title"), "-", "half of them are honorifics");
    let mapping = of(&[&[("email", "a@x.example"), ("title", "Director")]]);
    assert_eq!(target_of(&mapping, "title"), "job_title");
    // A status, and a word that is none.
    let kind = |mapping: &Mapping, at: usize| mapping.columns[at].permission.map(|permission| permission.kind);
    let mapping = of(&[
        &[("email", "a@x.example"), ("status", "active")],
        &[("email", "b@x.example"), ("status", "unsubscribed")],
    ]);
    assert_eq!(kind(&mapping, 1), Some(PermissionKind::Status));
    let mapping =
        of(&[&[("email", "a@x.example"), ("status", "Lead")], &[("email", "b@x.example"), ("status", "Customer")]]);
    assert_eq!(kind(&mapping, 1), Some(PermissionKind::Word));
    assert!(mapping.columns[1].is_unmapped());
    let mapping = of(&[&[("email", "a@x.example"), ("status", "")]]);
    assert_eq!(kind(&mapping, 1), Some(PermissionKind::Status));
    // Names of Kit's, with states.
    let kit: &[(&str, &str)] = &[("first_name", "Ana"), ("email", "a@x.example"), ("created_at", "x"), ("state", "MA")];
    let mapping = of(&[kit]);
    assert_eq!((target_of(&mapping, "state").as_str(), kind(&mapping, 3)), ("state", None));
    let kit: &[(&str, &str)] =
        &[("first_name", "Ana"), ("email", "a@x.example"), ("created_at", "x"), ("state", "active")];
    let mapping = of(&[kit]);
    assert_eq!((target_of(&mapping, "state").as_str(), kind(&mapping, 3)), ("-", Some(PermissionKind::Status)));
    // A state that is a status.
    let mapping = of(&[&[("email", "a@x.example"), ("zip", "02139"), ("state", "cancelled")]]);
    assert_eq!((target_of(&mapping, "state").as_str(), kind(&mapping, 2)), ("-", Some(PermissionKind::Status)));
    let mapping = of(&[&[("email", "a@x.example"), ("zip", "02139"), ("state", "MA")]]);
    assert_eq!((target_of(&mapping, "state").as_str(), kind(&mapping, 2)), ("state", None));
    // An email column that holds flags stands behind one with addresses.
    let mapping = of(&[&[("email", "yes"), ("email_address", "a@x.example")]]);
    assert_eq!(target_of(&mapping, "email_address"), "email");
    assert_eq!(target_of(&mapping, "email"), "-");
}

#[test]
fn opt_outs_are_found_whatever_the_mapping() {
    let names = ["email", "opt_out", "HasOptedOutOfEmail", "Accepts Email Marketing", "sms_opt_in", "subscribed"];
    let record: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
    let profile = profile(&[&record]);
    for options in [
        MapOptions::default(),
        auto(),
        MapOptions { ignore: names[1..].iter().map(|name| (*name).to_owned()).collect(), ..auto() },
        MapOptions { unmapped: Unmapped::Custom, ..auto() },
        MapOptions { rename: vec![("opt_out".to_owned(), "cf:Out".to_owned())], ..MapOptions::default() },
    ] {
        let mapping = decide(&profile, &options).unwrap();
        let says: Vec<bool> = mapping.columns.iter().map(|column| column.permission.is_some()).collect();
        assert_eq!(says, [false, true, true, true, false, true], "{options:?}");
        assert!(mapping.columns[2].target == Target::None);
    }
    // A paid subscription is no consent.
    let mapping = of_names(&["email", "active_subscription", "expiry", "created_at"]);
    assert_eq!(mapping.columns[1].permission, None);
}

#[test]
fn what_the_user_says_comes_first() {
    let record: &[(&str, &str)] =
        &[("Email", "a@x.example"), ("Work Mail", "b@x.example"), ("Tier", "gold"), ("Notes", "x")];
    let options = MapOptions {
        ignore: vec!["Notes".to_owned(), "Nothing".to_owned()],
        rename: vec![("Work Mail".to_owned(), "email".to_owned()), ("Tier".to_owned(), "cf:Tier".to_owned())],
        ..auto()
    };
    let mapping = decide(&profile(&[record]), &options).unwrap();
    for (name, target) in [("Email", "-"), ("Work Mail", "email"), ("Tier", "cf:Tier"), ("Notes", "-")] {
        assert_eq!(target_of(&mapping, name), target, "{name}");
    }
    assert_eq!((mapping.columns[0].found, mapping.columns[3].found), (How::Taken(1), How::Ignored));
    assert_eq!(mapping.unused, ["Nothing"]);
    // Without automatic mapping, only that and the contract's own names count.
    let options = MapOptions { auto: false, ..options };
    let record: &[(&str, &str)] = &[("email", "a@x.example"), ("First Name", "Ana"), ("Tier", "gold")];
    let mapping = decide(&profile(&[record]), &options).unwrap();
    assert_eq!(target_of(&mapping, "First Name"), "-");
    assert_eq!(target_of(&mapping, "email"), "email");
    assert_eq!(target_of(&mapping, "Tier"), "cf:Tier");
    // A name within a record may be given by its last part.
    let rename = vec![("tier".to_owned(), "cf:Tier".to_owned())];
    let mapping = decide(&profile(&[&[("properties/tier", "gold")]]), &MapOptions { rename, ..auto() }).unwrap();
    assert_eq!(target_of(&mapping, "properties/tier"), "cf:Tier");
    // A name that a column has as a whole is that column.
    let rename = vec![("mail".to_owned(), "email".to_owned())];
    let record: &[(&str, &str)] = &[("mail", "a@x.example"), ("boss/mail", "b@x.example")];
    let mapping = decide(&profile(&[record]), &MapOptions { rename, ..auto() }).unwrap();
    assert_eq!((target_of(&mapping, "mail").as_str(), target_of(&mapping, "boss/mail").as_str()), ("email", "-"));
}

#[test]
fn mistakes_in_options() {
    let record: &[(&str, &str)] = &[("a", "1"), ("b", "2")];
    let rename = |pairs: &[(&str, &str)]| {
        let rename = pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        decide(&profile(&[record]), &MapOptions { rename, ..auto() })
    };
    let error = rename(&[("a", "frist_name")]).unwrap_err();
    assert!(error.to_string().contains("`first_name`"), "{error}");
    let error = rename(&[("a", "bogus thing")]).unwrap_err();
    assert!(error.to_string().contains("cf:NAME"), "{error}");
    let error = rename(&[("a", "email"), ("b", "email")]).unwrap_err();
    assert!(matches!(&error, MapError::TwoColumns { member, .. } if member == "email"), "{error:?}");
    assert!(rename(&[("a", "email"), ("b", "email?")]).is_ok());
    let error = rename(&[("a", "first_name,last_name"), ("b", "last_name")]).unwrap_err();
    assert!(error.to_string().contains("last_name"), "{error}");
    let options = MapOptions { unmapped: Unmapped::Error, ..auto() };
    let error = decide(&profile(&[&[("email", "a@x.example"), ("Tier", "x")]]), &options).unwrap_err();
    assert_eq!(error, MapError::Unmapped(vec!["Tier".to_owned()]));
}

#[test]
fn unmapped_columns_as_custom_fields() {
    let names: Vec<String> = (0..26).map(|i| format!("field {i}")).collect();
    let record = |n: usize| -> Vec<(&str, &str)> {
        [("email", "a@x.example")].into_iter().chain(names[..n].iter().map(|name| (name.as_str(), "x"))).collect()
    };
    let options = MapOptions { unmapped: Unmapped::Custom, ..auto() };
    let mapping = decide(&profile(&[&record(25)]), &options).unwrap();
    assert_eq!(target_of(&mapping, "field 7"), "cf:field 7");
    assert!(
        matches!(decide(&profile(&[&record(26)]), &options), Err(MapError::TooManyCustom(names)) if names.len() == 26)
    );
    // Permission, long names and names that are taken are no fields.
    let long = "n".repeat(60);
    let record: Vec<(&str, &str)> =
        vec![("email", ""), ("Opt out", ""), ("a/tier", ""), ("b/tier", ""), (&long, ""), ("presort", "")];
    let mapping = decide(&profile(&[&record]), &options).unwrap();
    for (name, target) in
        [("Opt out", "-"), ("a/tier", "cf:tier"), ("b/tier", "cf:b/tier"), (&long, "-"), ("presort", "-")]
    {
        assert_eq!(target_of(&mapping, name), target, "{name}");
    }
    assert_eq!(mapping.late("c/tier").target, Target::Custom("cf:c/tier".to_owned()));
    assert_eq!(mapping.late("opted out").target, Target::None);
}

#[test]
fn further_phones_and_addresses() {
    let mapping = of_names(&["Email", "Phone", "Telephone", "Phone Number", "Mobile", "x"]);
    let all: Vec<String> = targets(&mapping).into_iter().map(|(_, target)| target).collect();
    assert_eq!(all, ["email", "phone", "home_phone", "-", "mobile_phone", "-"]);
    let google: Vec<&str> = vec![
        "First Name",
        "Last Name",
        "E-mail 1 - Value",
        "E-mail 2 - Value",
        "Phone 1 - Label",
        "Phone 1 - Value",
        "Phone 2 - Label",
        "Phone 2 - Value",
        "Address 1 - Label",
        "Address 1 - Street",
        "Address 1 - PO Box",
        "Address 1 - Extended Address",
        "Address 2 - Label",
        "Address 2 - Street",
        "Address 2 - City",
    ];
    let mapping = of_names(&google);
    for (name, target) in [
        ("E-mail 1 - Value", "email"),
        ("E-mail 2 - Value", "-"),
        ("Phone 1 - Value", "phone"),
        ("Phone 2 - Value", "home_phone"),
        ("Address 1 - Street", "street"),
        ("Address 1 - PO Box", "street2"),
        ("Address 1 - Extended Address", "street2?"),
    ] {
        assert_eq!(target_of(&mapping, name), target, "{name}");
    }
}

#[test]
fn late_names_are_decided_alike_and_take_nothing_away() {
    let mapping =
        decide(&profile(&[&[("Email", "a@x.example"), ("First Name", "Ana"), ("Street", "1 Elm")]]), &auto()).unwrap();
    let late = |name: &str| {
        let column = mapping.late(name);
        (column.target.members().join(","), column.fallback)
    };
    assert_eq!(late("Last Name"), ("last_name".to_owned(), false));
    assert_eq!(late("e-mail address"), ("email".to_owned(), true));
    assert_eq!(late("Street Address"), ("-".to_owned(), false), "half of another address");
    assert_eq!(late("Title"), ("-".to_owned(), false));
    assert_eq!(late("job title"), ("job_title".to_owned(), false));
    assert_eq!(late("tier"), ("-".to_owned(), false));
    assert_eq!(late("owner/email"), ("-".to_owned(), false));
    assert!(mapping.late("unsubscribed").permission.is_some());
    assert!(mapping.late("status").permission.is_some(), "its values are not known");
    assert!(mapping.late(&"email".repeat(100_000)).target == Target::None);
    let mut late = crate::mapping::Late::default();
    let first = late.find(&mapping, "Last Name");
    assert_eq!((first, late.find(&mapping, "Last Name"), late.find(&mapping, "Email")), (3, 3, 0));
    for i in 0..30_000 {
        late.find(&mapping, &format!("name {i}"));
        late.end_record();
        assert!(late.columns().len() <= 10_001);
    }
}

#[test]
fn many_names_and_long_ones_are_decided_in_time() {
    let mut many = Profile::default();
    for i in 0..12_000 {
        many.cell(&format!("E-mial {i}"), "x");
        many.cell(&format!("Phone {i} - Value"), "x");
    }
    many.cell(&"é".repeat(50_000), "x");
    many.end_record();
    let start = std::time::Instant::now();
    let mapping = decide(&many, &auto()).unwrap();
    assert_eq!(mapping.columns.len(), crate::mapping::profile::COLUMNS_MAX);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn presort_leaves_its_own_columns_out() {
    let mapping = of_names(&["email", "presort_input", "presort_line", "presort/findings/0/code", "presort"]);
    assert!(mapping.columns[1..].iter().all(|column| column.found == How::Own));
    assert_eq!(mapping.unmapped().count(), 0);
}

#[test]
fn names_that_are_nearly_known_are_suggested_and_not_taken() {
    let mapping = of_names(&["Emial", "frist name", "Tier", "City"]);
    let suggested: Vec<Option<&str>> = mapping.columns.iter().map(|column| column.suggestion.as_deref()).collect();
    assert_eq!(suggested, [Some("email"), Some("first_name"), None, None]);
    assert_eq!(target_of(&mapping, "Emial"), "-");
}

fn any_name() -> impl Strategy<Value = String> {
    let known: Vec<&'static str> =
        systems().iter().flat_map(|system| system.headers.iter().map(|header| header.name)).collect();
    prop_oneof![
        proptest::sample::select(known).prop_map(str::to_owned),
        ".{0,12}",
        "(properties|owner|address|phones|email)/(email|city|0|name|Phone)",
        "(status|title|name|unsubscribed|Opt In)",
    ]
}

proptest! {
    /// No member has two columns, but for those that stand behind the first; and whatever the order of names, late ones are the
    /// same.
    #[test]
    fn each_member_has_one_column(
        records in proptest::collection::vec(proptest::collection::vec((any_name(), "[a-z@]{0,6}"), 0..8), 0..6),
        late in any_name(),
    ) {
        let records: Vec<Vec<(&str, &str)>> =
            records.iter().map(|record| record.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()).collect();
        let records: Vec<&[(&str, &str)]> = records.iter().map(Vec::as_slice).collect();
        let mapping = decide(&profile(&records), &auto()).unwrap();
        let mut held = HashSet::new();
        for column in mapping.columns.iter().filter(|column| !column.fallback) {
            for member in members_of(&column.target) {
                prop_assert!(held.insert(member), "{:?} twice: {:?}", member, targets(&mapping));
            }
        }
        for (i, column) in mapping.columns.iter().enumerate() {
            prop_assert_eq!(mapping.find(&column.name), Some(i));
            prop_assert_eq!(mapping.find_near(&column.name, i + 1), Some(i));
        }
        if mapping.find(&late).is_none() {
            let column = mapping.late(&late);
            let takes = members_of(&column.target).iter().any(|member| mapping.holders.contains_key(member));
            prop_assert!(!takes || column.fallback);
            prop_assert_eq!(column, mapping.late(&late));
        }
    }
}

/// Names that a few records have do not hide which system wrote the rest; names that everybody uses tell none.
#[test]
fn rare_names_hide_no_system_and_common_names_tell_none() {
    let of = |rare_each: usize| {
        let mut profile = Profile::default();
        for i in 0..200 {
            for (name, value) in [("E-mail 1 - Value", "a@x.example"), ("Given Name", "A"), ("Family Name", "B")] {
                profile.cell(name, value);
            }
            profile.cell("Group Membership", "* myContacts");
            if i % rare_each == 0 {
                (0..8).for_each(|n| profile.cell(&format!("misspelled {n}"), "x"));
            }
            profile.end_record();
        }
        decide(&profile, &auto()).unwrap()
    };
    let mapping = of(100);
    assert_eq!(mapping.system.map(|system| (system.matched, system.headers)), Some((4, 4)));
    assert_eq!(target_of(&mapping, "E-mail 1 - Value"), "email");
    assert!(of(2).system.is_none());
    let records: &[&[(&str, &str)]] =
        &[&[("id", "rec1"), ("createdTime", "2023-01-01"), ("fields/Email", "a@x.example"), ("fields/Name", "Ana Li")]];
    let mapping = decide(&profile(records), &auto()).unwrap();
    assert!(mapping.system.is_none());
    assert_eq!(target_of(&mapping, "fields/Email"), "email");
}
