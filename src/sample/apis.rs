//! Records as the interfaces of four systems answer them.

use super::draft::*;
use super::people::*;
use super::record::*;
use super::tables::CUSTOM_FIELDS;

/// Titles before a name.
pub(super) const HONORIFICS: &[&str] = &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."];

/// Where a person comes from.
const SOURCES: &[&str] = &["Web", "Trade Show", "Referral", "Phone Inquiry", "Partner"];

/// A name in small letters with `_` for what is no letter or digit: `loyalty_tier`.
fn snake(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// The name of a custom field of Salesforce: `Loyalty_Tier__c`.
fn salesforce_name(name: &str) -> String {
    name.replace(' ', "_") + "__c"
}

/// Columns of HubSpot's export to CSV, and the properties in them.
const HUBSPOT_COLUMNS: &[(&str, &str)] = &[
    ("Record ID", "hs_object_id"),
    ("First Name", "firstname"),
    ("Last Name", "lastname"),
    ("Email", "email"),
    ("Phone Number", "phone"),
    ("Mobile Phone Number", "mobilephone"),
    ("Job Title", "jobtitle"),
    ("Company Name", "company"),
    ("Street Address", "address"),
    ("City", "city"),
    ("State/Region", "state"),
    ("Postal Code", "zip"),
    ("Country/Region", "country"),
    ("Date of birth", "date_of_birth"),
    ("Lifecycle Stage", "lifecyclestage"),
    ("Create Date", "createdate"),
    ("Last modified date", "lastmodifieddate"),
    ("Unsubscribed from all email", "hs_email_optout"),
];

/// Columns of Salesforce's export of the object `Contact`, which are the names of its fields.
const SALESFORCE_COLUMNS: &[&str] = &[
    "Id",
    "Salutation",
    "FirstName",
    "LastName",
    "Name",
    "Email",
    "Title",
    "Phone",
    "MobilePhone",
    "HomePhone",
    "OtherPhone",
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
    "OtherStreet",
    "OtherCity",
    "OtherState",
    "OtherPostalCode",
    "OtherCountry",
    "Birthdate",
    "LeadSource",
    "HasOptedOutOfEmail",
    "HasOptedOutOfFax",
    "DoNotCall",
    "CreatedDate",
    "LastModifiedDate",
];

/// The names of the usual custom fields, without `cf:`.
fn custom_names() -> impl Iterator<Item = &'static str> {
    CUSTOM_FIELDS.iter().map(|(name, _)| &name[3..])
}

/// Headers of HubSpot's export to CSV, each with its property. Custom fields have their labels.
pub(super) fn hubspot_columns() -> impl Iterator<Item = (String, String)> {
    let own = HUBSPOT_COLUMNS.iter().map(|(header, property)| ((*header).to_owned(), (*property).to_owned()));
    own.chain(custom_names().map(|name| (name.to_owned(), snake(name))))
}

/// Headers of Salesforce's export to CSV, each with its field.
pub(super) fn salesforce_columns() -> impl Iterator<Item = (String, String)> {
    let own = SALESFORCE_COLUMNS.iter().map(|name| (*name).to_owned());
    own.chain(custom_names().map(salesforce_name)).map(|name| (name.clone(), name))
}

/// A moment with milliseconds, between quotes.
fn moment(record: &mut Record, end: &str, out: &mut Vec<u8>) {
    quoted(out, |out| {
        record.moment(out);
        put(out, end);
    });
}

/// A contact of HubSpot: properties by their internal names, which are null where they were never set.
pub(super) fn hubspot(record: &mut Record, out: &mut Vec<u8>) {
    let id = 501 + record.person.index;
    let mut created = Vec::new();
    moment(record, ".000Z", &mut created);
    Object::write(out, |object| {
        object.id("id", id);
        object.object("properties", |properties| {
            let simple = [("company", "company_name"), ("jobtitle", "job_title"), ("email", "email")];
            for (name, member) in [&simple[..], &[("firstname", "first_name"), ("lastname", "last_name")]].concat() {
                properties.json(name, record.value(member).unwrap_or(b"null"));
            }
            let numbers = record.numbers(&["phone", "mobile_phone"]);
            for (name, place) in [("phone", "phone"), ("mobilephone", "mobile_phone")] {
                let style = record.rng.pick(&[PhoneStyle::E164, PhoneStyle::Parentheses, PhoneStyle::AsIs]);
                match numbers.iter().find(|(found, _)| *found == place) {
                    Some((_, member)) => properties.add(name, |out| record.number(member, style, "", out)),
                    None => properties.json(name, b"null"),
                }
            }
            let address = record.addresses(&[PLAIN_ADDRESS]).first().map(|(_, names)| *names);
            properties.add("address", |out| {
                let street = address.map(|names| [names[0], names[1]]);
                let start = out.len();
                if !street.is_some_and(|street| record.join(&street, ", ", out)) {
                    out.truncate(start);
                    put(out, "null");
                }
            });
            for (name, part) in [("city", 2), ("state", 3), ("zip", 4), ("country", 5)] {
                properties.json(name, address.and_then(|names| record.value(names[part])).unwrap_or(b"null"));
            }
            properties.add("date_of_birth", |out| {
                let pattern = record.rng.pick(&["Y-mm-dd", "mm/dd/Y", "M/D/Y"]);
                if !record.birthday(pattern, out) {
                    put(out, "null");
                }
            });
            let never = ["null", "null", "\"\"", "\"false\""];
            let optout = if record.opted_out { "\"true\"" } else { record.rng.pick(&never) };
            properties.json("hs_email_optout", optout.as_bytes());
            properties.string("lifecyclestage", record.rng.pick(&["lead", "customer", "subscriber"]));
            for (name, value) in record.custom() {
                properties.json(&snake(name), value);
            }
            record.strangers().for_each(|(name, value)| properties.json(name, value));
            properties.json("createdate", &created);
            properties.add("lastmodifieddate", |out| moment(record, ".000Z", out));
            properties.id("hs_object_id", id);
        });
        object.json("createdAt", &created);
        object.add("updatedAt", |out| moment(record, ".000Z", out));
        object.json("archived", b"false");
    });
}

/// A member of an audience of Mailchimp: merge fields, which are empty texts where they were never set, and so is the address.
pub(super) fn mailchimp(record: &mut Record, out: &mut Vec<u8>) {
    let status = match record.opted_out {
        true => record.rng.pick(&["unsubscribed", "unsubscribed", "cleaned"]),
        false => "subscribed",
    };
    Object::write(out, |object| {
        object.add("id", |out| Record::uuid(1, record.person.index, out));
        object.json("email_address", record.value("email").unwrap_or(b"\"\""));
        object.add("full_name", |out| {
            record.join(&["first_name", "last_name"], " ", out);
        });
        object.string("email_type", "html");
        object.string("status", status);
        if record.opted_out && status == "unsubscribed" {
            object.string("unsubscribe_reason", "N/A (Unsubscribed by admin)");
        }
        object.object("merge_fields", |fields| mailchimp_fields(record, fields));
        object.add("timestamp_opt", |out| moment(record, "+00:00", out));
        object.string("ip_opt", "192.0.2.14");
        object.add("member_rating", |out| number(out, u64::from(record.rng.between(1, 5))));
        object.add("last_changed", |out| moment(record, "+00:00", out));
        object.string("language", record.rng.pick(&["", "en", "es"]));
        object.json("vip", b"false");
        object.string("source", record.rng.pick(&["Import", "Hosted Signup Form", "API"]));
        object.json("tags_count", b"0");
        object.json("tags", b"[]");
        object.string("list_id", "a1b2c3d4e5");
    });
}

fn mailchimp_fields(record: &mut Record, fields: &mut Object) {
    fields.json("FNAME", record.value("first_name").unwrap_or(b"\"\""));
    fields.json("LNAME", record.value("last_name").unwrap_or(b"\"\""));
    match record.addresses(&[PLAIN_ADDRESS]).first() {
        None => fields.string("ADDRESS", ""),
        Some((_, names)) => fields.object("ADDRESS", |address| {
            let parts = ["addr1", "addr2", "city", "state", "zip", "country"];
            for (name, part) in parts.into_iter().zip(names) {
                address.json(name, record.value(part).unwrap_or(b"\"\""));
            }
        }),
    }
    fields.add("PHONE", |out| match record.numbers(&["phone"]).first() {
        Some((_, member)) => record.number(member, PhoneStyle::AsIs, "", out),
        None => string(out, ""),
    });
    fields.add("BIRTHDAY", |out| {
        if !record.birthday("mm/dd", out) {
            string(out, "");
        }
    });
    fields.json("COMPANY", record.value("company_name").unwrap_or(b"\"\""));
    for (at, (_, value)) in record.custom().enumerate().take(20) {
        fields.json(&format!("MMERGE{}", at + 7), value);
    }
    record.strangers().for_each(|(name, value)| fields.json(name, value));
}

/// A contact of Salesforce as a query answers it: streets of several lines, null where nothing is.
pub(super) fn salesforce(record: &mut Record, out: &mut Vec<u8>) {
    let id = |out: &mut Vec<u8>| {
        let start = out.len();
        number(out, record.person.index);
        // Ids have 18 characters.
        let filled = out.len() - start;
        out.splice(
            start..start,
            b"0035e0000".iter().copied().chain(std::iter::repeat_n(b'0', 9usize.saturating_sub(filled))),
        );
    };
    Object::write(out, |object| {
        object.object("attributes", |attributes| {
            attributes.string("type", "Contact");
            attributes.add("url", |out| {
                quoted(out, |out| {
                    put(out, "/services/data/v58.0/sobjects/Contact/");
                    id(out);
                });
            });
        });
        object.add("Id", |out| quoted(out, id));
        let salutation = record.rng.per_mille(300).then(|| record.rng.pick(HONORIFICS));
        object.add("Salutation", |out| match salutation {
            Some(text) => string(out, text),
            None => put(out, "null"),
        });
        for (name, member) in
            [("FirstName", "first_name"), ("LastName", "last_name"), ("Email", "email"), ("Title", "job_title")]
        {
            object.json(name, record.value(member).unwrap_or(b"null"));
        }
        object.add("Name", |out| {
            record.join(&["first_name", "last_name"], " ", out);
        });
        let places = ["work_phone", "mobile_phone", "home_phone", "other_phone"];
        let numbers = record.numbers(&places);
        for (name, place) in ["Phone", "MobilePhone", "HomePhone", "OtherPhone"].into_iter().zip(places) {
            match numbers.iter().find(|(found, _)| *found == place) {
                Some((_, member)) => object.add(name, |out| record.number(member, PhoneStyle::Parentheses, "", out)),
                None => object.json(name, b"null"),
            }
        }
        let addresses = record.addresses(&[PLAIN_ADDRESS, OTHER_ADDRESS]);
        for (kind, place) in [("Mailing", PLAIN_ADDRESS), ("Other", OTHER_ADDRESS)] {
            let names = addresses.iter().find(|(found, _)| *found == place).map(|(_, names)| *names);
            salesforce_address(record, kind, names, object);
        }
        object.add("Birthdate", |out| {
            if !record.birthday("Y-mm-dd", out) {
                put(out, "null");
            }
        });
        object.string("LeadSource", record.rng.pick(SOURCES));
        object.json("HasOptedOutOfEmail", if record.opted_out { b"true" } else { b"false" });
        object.json("HasOptedOutOfFax", b"false");
        object.json("DoNotCall", if record.rng.per_mille(50) { b"true" } else { b"false" });
        record.custom().for_each(|(name, value)| object.json(&salesforce_name(name), value));
        record.strangers().for_each(|(name, value)| object.json(name, value));
        object.add("CreatedDate", |out| moment(record, ".000+0000", out));
        object.add("LastModifiedDate", |out| moment(record, ".000+0000", out));
    });
}

fn salesforce_address(record: &Record, kind: &str, names: Option<AddressNames>, object: &mut Object) {
    object.add(&format!("{kind}Street"), |out| {
        let start = out.len();
        if !names.is_some_and(|names| record.join(&names[..2], "\\r\\n", out)) {
            out.truncate(start);
            put(out, "null");
        }
    });
    for (name, part) in [("City", 2), ("State", 3), ("PostalCode", 4), ("Country", 5)] {
        let value = names.and_then(|names| record.value(names[part])).unwrap_or(b"null");
        object.json(&format!("{kind}{name}"), value);
    }
}

/// A contact of Constant Contact as the service itself answers it: what is not set is not there.
pub(super) fn constant_contact(record: &mut Record, out: &mut Vec<u8>) {
    Object::write(out, |object| {
        let index = record.person.index;
        object.add("contact_id", |out| Record::uuid(2, index, out));
        object.object("email_address", |email| {
            email.json("address", record.value("email").unwrap_or(b"null"));
            let agreed = record.rng.pick(&["implicit", "implicit", "explicit"]);
            email.string("permission_to_send", if record.opted_out { "unsubscribed" } else { agreed });
            email.add("created_at", |out| moment(record, "Z", out));
            email.add("updated_at", |out| moment(record, "Z", out));
            if record.opted_out {
                email.string("opt_out_source", "Contact");
                email.add("opt_out_date", |out| moment(record, "Z", out));
                email.string("opt_out_reason", "");
            } else {
                email.string("opt_in_source", "Account");
                email.add("opt_in_date", |out| moment(record, "Z", out));
            }
            email.string("confirm_status", "off");
        });
        for name in
            ["first_name", "last_name", "job_title", "company_name", "birthday_month", "birthday_day", "anniversary"]
        {
            if let Some(value) = record.value(name) {
                object.json(name, value);
            }
        }
        object.string("create_source", "Account");
        object.add("created_at", |out| moment(record, "Z", out));
        object.add("updated_at", |out| moment(record, "Z", out));
        record.strangers().for_each(|(name, value)| object.json(name, value));
        object.add("custom_fields", |out| {
            list(record.custom(), out, |(name, value), field| {
                let at = CUSTOM_FIELDS.iter().position(|(found, _)| found[3..] == *name).unwrap_or(CUSTOM_FIELDS.len());
                field.add("custom_field_id", |out| Record::uuid(3, at as u64, out));
                field.json("value", value);
            });
        });
        object.add("phone_numbers", |out| {
            let places = ["home_phone", "work_phone", "mobile_phone", "other_phone"];
            list(record.numbers(&places).into_iter(), out, |(place, member), phone| {
                phone.add("phone_number_id", |out| Record::uuid(4, 8 * index, out));
                phone.add("phone_number", |out| record.number(member, PhoneStyle::AsIs, "", out));
                phone.string("kind", &place[..place.len() - "_phone".len()]);
            });
        });
        object.add("street_addresses", |out| {
            let places = [HOME_ADDRESS, WORK_ADDRESS, OTHER_ADDRESS];
            list(record.addresses(&places).into_iter(), out, |(place, names), address| {
                address.add("street_address_id", |out| Record::uuid(5, 8 * index, out));
                address.string("kind", &place[0][..place[0].len() - "_street".len()]);
                address.add("street", |out| {
                    record.join(&names[..2], ", ", out);
                });
                for (name, member) in ["city", "state", "postal_code", "country"].into_iter().zip(&names[2..]) {
                    if let Some(value) = record.value(member) {
                        address.json(name, value);
                    }
                }
            });
        });
        object.add("list_memberships", |out| {
            out.push(b'[');
            Record::uuid(6, 1, out);
            out.push(b']');
        });
    });
}

/// Writes an array of objects.
fn list<T>(items: impl Iterator<Item = T>, out: &mut Vec<u8>, mut fill: impl FnMut(T, &mut Object)) {
    out.push(b'[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        Object::write(out, |object| fill(item, object));
    }
    out.push(b']');
}
