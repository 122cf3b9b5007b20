//! Contacts of Google: every column of its table, whoever has nothing for it, and several values joined in one.

use super::apis::HONORIFICS;
use super::draft::*;
use super::people::*;
use super::random::Rng;
use super::record::*;

/// Of 1,000 people, those with a second number or address under the same label.
const JOINED: u32 = 80;

/// The names of one of the two tables.
pub(super) struct Names {
    first: &'static str,
    last: &'static str,
    /// What the column of a kind is called: `Phone 1 - Label`.
    label: &'static str,
    company: &'static str,
    title: &'static str,
    tags: &'static str,
    /// The table has a column for the whole name.
    has_name: bool,
}

/// The table since 2024.
pub(super) const NEW: Names = Names {
    first: "First Name",
    last: "Last Name",
    label: "Label",
    company: "Organization Name",
    title: "Organization Title",
    tags: "Labels",
    has_name: false,
};

/// The table before.
pub(super) const OLD: Names = Names {
    first: "Given Name",
    last: "Family Name",
    label: "Type",
    company: "Organization 1 - Name",
    title: "Organization 1 - Title",
    tags: "Group Membership",
    has_name: true,
};

/// Writes a contact.
pub(super) fn google(record: &mut Record, names: &Names, out: &mut Vec<u8>) {
    let empty = b"\"\"";
    Object::write(out, |object| {
        if names.has_name {
            object.add("Name", |out| {
                record.join(&["first_name", "last_name"], " ", out);
            });
        }
        object.json(names.first, record.value("first_name").unwrap_or(empty));
        object.json(names.last, record.value("last_name").unwrap_or(empty));
        let prefix = if record.rng.per_mille(100) { record.rng.pick(HONORIFICS) } else { "" };
        object.string("Name Prefix", prefix);
        object.string("Nickname", "");
        object.json(names.company, record.value("company_name").unwrap_or(empty));
        object.json(names.title, record.value("job_title").unwrap_or(empty));
        object.add("Birthday", |out| {
            // Whoever does not tell the year.
            let pattern = if record.rng.per_mille(300) { "--mm-dd" } else { "Y-mm-dd" };
            if !record.birthday(pattern, out) {
                string(out, "");
            }
        });
        object.string("Notes", "");
        let groups = ["* myContacts", "* myContacts ::: Friends", "Newsletter ::: * myContacts"];
        object.string(names.tags, record.rng.pick(&groups));
        emails(record, names, object);
        phones(record, names, object);
        address(record, names, object);
        let anniversary = record.value("anniversary");
        if !names.has_name {
            object.string("Event 1 - Label", if anniversary.is_some() { "Anniversary" } else { "" });
            object.json("Event 1 - Value", anniversary.unwrap_or(empty));
            let custom = record.custom().next();
            object.string("Custom Field 1 - Label", custom.map_or("", |(name, _)| name));
            object.json("Custom Field 1 - Value", custom.map_or(empty, |(_, value)| value));
        }
        record.strangers().for_each(|(name, value)| object.json(name, value));
    });
}

fn emails(record: &mut Record, names: &Names, object: &mut Object) {
    let label = record.rng.pick(&["* ", "* Home", "* Work", "Other"]);
    object.string(&format!("E-mail 1 - {}", names.label), label);
    object.add("E-mail 1 - Value", |out| {
        let joined = record.rng.per_mille(JOINED);
        match record.text("email").filter(|_| joined) {
            Some(text) => quoted(out, |out| {
                out.extend_from_slice(text);
                put(out, " ::: ");
                record.person.short_local_part(out);
                put(out, "@second.example");
            }),
            None => out.extend_from_slice(record.value("email").unwrap_or(b"\"\"")),
        }
    });
}

/// Up to three numbers, each with its kind. Two of one kind are in one value.
fn phones(record: &mut Record, names: &Names, object: &mut Object) {
    const KINDS: [(&str, &str); 5] = [
        ("mobile_phone", "Mobile"),
        ("home_phone", "Home"),
        ("work_phone", "Work"),
        ("other_phone", "Other"),
        ("phone", ""),
    ];
    let numbers = record.numbers(&KINDS.map(|(place, _)| place));
    for at in 0..3 {
        let number = numbers.get(at).copied();
        let kind = |place| KINDS.iter().find(|(found, _)| *found == place).map_or("", |(_, kind)| kind);
        object.string(&format!("Phone {} - {}", at + 1, names.label), number.map_or("", |(place, _)| kind(place)));
        object.add(&format!("Phone {} - Value", at + 1), |out| {
            let Some((_, member)) = number else { return string(out, "") };
            record.number(member, PhoneStyle::Spaced, "", out);
            if numbers.len() == 1 && out.last() == Some(&b'"') && record.rng.per_mille(JOINED) {
                out.pop();
                second_number(&mut record.rng, out);
            }
        });
    }
}

fn second_number(rng: &mut Rng, out: &mut Vec<u8>) {
    put(out, " ::: +1 ");
    PhoneNumber::draw(rng).dashed(out);
    out.push(b'"');
}

fn address(record: &mut Record, names: &Names, object: &mut Object) {
    let address = record.addresses(ADDRESSES).first().map(|(_, names)| *names);
    let kind = match address {
        Some(WORK_ADDRESS) => "Work",
        Some(_) => "Home",
        None => "",
    };
    object.string(&format!("Address 1 - {}", names.label), kind);
    object.add("Address 1 - Formatted", |out| match &address {
        Some(names) => {
            let parts = [names[0], names[1], names[2], names[3], names[4], names[5]];
            record.join(&parts, "\\n", out);
        }
        None => string(out, ""),
    });
    for (name, part) in [
        ("Street", 0),
        ("City", 2),
        ("PO Box", 6),
        ("Region", 3),
        ("Postal Code", 4),
        ("Country", 5),
        ("Extended Address", 1),
    ] {
        let value = address.as_ref().and_then(|names| record.value(names.get(part)?));
        object.json(&format!("Address 1 - {name}"), value.unwrap_or(b"\"\""));
    }
}

/// The columns of a table, in the order of its records.
pub(super) fn columns(names: &Names) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    columns.extend(names.has_name.then(|| "Name".to_owned()));
    let simple = [names.first, names.last, "Name Prefix", "Nickname", names.company, names.title, "Birthday", "Notes"];
    columns.extend(simple.map(str::to_owned));
    columns.push(names.tags.to_owned());
    let label = names.label;
    let numbered = |kind: &str, at: usize| [format!("{kind} {at} - {label}"), format!("{kind} {at} - Value")];
    columns.extend(numbered("E-mail", 1));
    columns.extend((1..=3).flat_map(|at| numbered("Phone", at)));
    columns.push(format!("Address 1 - {label}"));
    let parts = ["Formatted", "Street", "City", "PO Box", "Region", "Postal Code", "Country", "Extended Address"];
    columns.extend(parts.map(|part| format!("Address 1 - {part}")));
    if !names.has_name {
        columns.extend(numbered("Event", 1));
        columns.extend(numbered("Custom Field", 1));
    }
    columns
}
