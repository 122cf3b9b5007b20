//! Rows of any system of the table: an object with all of its headers, as an export to CSV gives when it is made to JSON.

use super::apis::HONORIFICS;
use super::draft::*;
use super::people::*;
use super::record::*;
use super::tables::CUSTOM_FIELDS;
use crate::mapping::permission::{self, PermissionKind};
use crate::mapping::systems::{Header, System};
use crate::mapping::{AddressKind, Target, names};
use crate::model::member::{Family, MemberId};

/// A system of the table, ready to write records.
#[derive(Debug, Clone)]
pub(super) struct Flat {
    fields: Vec<Field>,
    numbers: Vec<&'static str>,
    addresses: Vec<AddressNames>,
}

#[derive(Debug, Clone)]
struct Field {
    name: &'static str,
    source: Source,
    /// What stands before each value: the guard of a spreadsheet.
    guard: &'static str,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Member(&'static str),
    /// A number, by its place.
    Number(&'static str, Style),
    /// A part of an address, by its place.
    Address(AddressNames, usize),
    /// Several parts of an address in one value.
    Joined(AddressNames, &'static [usize], &'static str),
    FullName,
    /// By a pattern of days, and what is written where there is none.
    Birthday(&'static str, &'static str),
    Anniversary(&'static str, &'static str),
    Permission(PermissionKind, Words),
    Custom,
    /// Custom fields, each as a member of its own.
    Customs,
    Honorific,
    Tags,
    Id,
    Day,
    Always(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum Style {
    AsIs,
    E164,
    Marked,
}

/// The words of a column about permission: of those who agreed, and of those who opted out.
type Words = [&'static str; 2];

impl Flat {
    pub(super) fn new(system: &'static System) -> Flat {
        Flat::with(system, |_| true)
    }

    /// With those headers of the system that `is_wanted` takes.
    pub(super) fn with(system: &'static System, is_wanted: impl Fn(&str) -> bool) -> Flat {
        let mut flat = Flat { fields: Vec::new(), numbers: Vec::new(), addresses: Vec::new() };
        let mut folded: Vec<String> = Vec::new();
        let mut targets: Vec<Target> = Vec::new();
        // Where two headers have one target, the table's notes say which one stands behind.
        let stands_behind = |header: &Header| {
            header.is_fallback()
                && system.headers.iter().any(|other| other.target() == header.target() && !other.is_fallback())
        };
        for header in &system.headers {
            let fold = names::fold(header.name);
            let target = header.target();
            let is_known = target != Target::None && targets.contains(&target);
            // Two spellings of one header are never in one file, and neither are two headers of one member.
            if !is_wanted(header.name) || folded.contains(&fold) || is_known || stands_behind(header) {
                continue;
            }
            let source = flat.source(header, &target);
            let guard = if header.note.contains("leading '") { "'" } else { "" };
            flat.fields.push(Field { name: header.name, source, guard });
            folded.push(fold);
            targets.push(target);
        }
        // A place for a street alone is none for an address, where there is a better one.
        let has_city = |place: &AddressNames| {
            flat.fields.iter().any(|field| match field.source {
                Source::Address(names, part) => names == *place && part == 2,
                Source::Joined(names, ..) => names == *place,
                _ => false,
            })
        };
        let better: Vec<AddressNames> = flat.addresses.iter().copied().filter(has_city).collect();
        if !better.is_empty() {
            flat.addresses = better;
        }
        flat
    }

    /// The names of its fields, in their order.
    pub(super) fn columns(&self) -> impl Iterator<Item = String> {
        self.fields.iter().flat_map(|field| match field.source {
            Source::Customs => CUSTOM_FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            _ => vec![field.name.to_owned()],
        })
    }

    pub(super) fn has_opt_outs(&self) -> bool {
        self.fields.iter().any(|field| {
            let Source::Permission(kind, _) = field.source else { return false };
            !matches!(kind, PermissionKind::ConsentTrace | PermissionKind::Caution)
        })
    }

    /// Where the values of a header come from. Places of numbers and addresses are noted.
    fn source(&mut self, header: &Header, target: &Target) -> Source {
        let note = header.note;
        match target {
            Target::Member(MemberId::Anniversary) if note.contains("0/0/00") => Source::Anniversary("M/D/Y", "0/0/00"),
            Target::Member(id) if id.info().family == Family::Phone => {
                self.numbers.push(id.info().name);
                let style = match note {
                    _ if note.contains("p:") => Style::Marked,
                    _ if note.contains("leading '") => Style::E164,
                    _ => Style::AsIs,
                };
                Source::Number(id.info().name, style)
            }
            Target::Member(id) => match AddressKind::of(*id) {
                Some((kind, part)) => Source::Address(self.place(kind), part),
                None => Source::Member(id.info().name),
            },
            Target::FullName => Source::FullName,
            Target::Birthday if note.contains("0/0/00") => Source::Birthday("M/D/Y", "0/0/00"),
            Target::Birthday if note.contains("no year") => Source::Birthday("mm/dd", ""),
            Target::Birthday => Source::Birthday("Y-mm-dd", ""),
            Target::WholeAddress(kind) => Source::Joined(self.place(*kind), &[0, 1, 2, 3, 4, 5], "  "),
            Target::CityState(kind) => Source::Joined(self.place(*kind), &[2, 3], ", "),
            Target::Custom(_) => Source::Customs,
            Target::None => of_none(header),
        }
    }

    fn place(&mut self, kind: AddressKind) -> AddressNames {
        let names = ADDRESSES[kind as usize];
        if !self.addresses.contains(&names) {
            self.addresses.push(names);
        }
        names
    }

    pub(super) fn write(&self, record: &mut Record, out: &mut Vec<u8>) {
        let mut numbers = record.numbers(&self.numbers);
        if self.fields.iter().any(|field| matches!(field.source, Source::Member("sms_number"))) {
            numbers.retain(|(_, member)| *member != "sms_number");
        }
        let addresses = record.addresses(&self.addresses);
        let mut custom = record.custom();
        let mut day = Vec::new();
        quoted(&mut day, |out| record.day().canonical(out));
        Object::write(out, |object| {
            for field in &self.fields {
                if let Source::Customs = field.source {
                    record.custom().for_each(|(name, value)| object.json(&format!("cf:{name}"), value));
                    continue;
                }
                object.add(field.name, |out| {
                    let start = out.len();
                    let address = |place: &AddressNames| {
                        addresses.iter().find(|(found, _)| found == place).map(|(_, names)| *names)
                    };
                    let value = match field.source {
                        Source::Member(name) => record.value(name),
                        Source::Address(place, part) => address(&place).and_then(|names| record.value(names[part])),
                        Source::Custom => custom.next().map(|(_, value)| value),
                        Source::Number(place, style) => {
                            let (style, before) = match style {
                                Style::AsIs => (PhoneStyle::AsIs, ""),
                                Style::E164 => (PhoneStyle::E164, ""),
                                Style::Marked => (PhoneStyle::E164, "p:"),
                            };
                            if let Some((_, member)) = numbers.iter().find(|(found, _)| *found == place) {
                                record.number(member, style, before, out);
                            }
                            None
                        }
                        Source::Joined(place, parts, between) => {
                            let names: Vec<&str> = address(&place)
                                .map_or(Vec::new(), |names| parts.iter().map(|part| names[*part]).collect());
                            record.join(&names, between, out);
                            None
                        }
                        source => {
                            made_up(source, record, &day, out);
                            None
                        }
                    };
                    out.extend_from_slice(value.unwrap_or_default());
                    if out.len() == start {
                        string(out, "");
                    } else if !field.guard.is_empty() && out[start] == b'"' && out.len() > start + 2 {
                        out.splice(start + 1..=start, field.guard.bytes());
                    }
                });
            }
            record.strangers().for_each(|(name, value)| object.json(name, value));
        });
    }
}

/// Writes what is no member of the draft, if there is anything.
fn made_up(source: Source, record: &mut Record, day: &[u8], out: &mut Vec<u8>) {
    match source {
        Source::FullName => {
            record.join(&["first_name", "last_name"], " ", out);
        }
        Source::Birthday(pattern, none) => {
            let is_known = record.birthday(pattern, out);
            if !is_known {
                string(out, none);
            }
        }
        Source::Anniversary(pattern, none) => match record.value("anniversary") {
            None => string(out, none),
            Some(value) => {
                let parts = value.get(1..11).map_or([None; 3], |text| {
                    [0..4, 5..7, 8..10].map(|range| std::str::from_utf8(&text[range]).ok()?.parse().ok())
                });
                match parts {
                    [Some(year), Some(month), Some(day)] if value.len() == 12 && month < 100 && day < 100 => {
                        quoted(out, |out| Day { year, month, day }.format(pattern, out));
                    }
                    // A mistake stays as it is.
                    _ => out.extend_from_slice(value),
                }
            }
        },
        Source::Permission(PermissionKind::ConsentTrace, ["", _]) => {
            out.extend_from_slice(day);
        }
        Source::Permission(_, [_, "DAY"]) if record.opted_out => out.extend_from_slice(day),
        Source::Permission(_, words) => string(out, words[usize::from(record.opted_out)]),
        Source::Honorific => {
            let some = record.rng.per_mille(300);
            string(out, if some { record.rng.pick(HONORIFICS) } else { "" });
        }
        Source::Tags => string(out, record.rng.pick(&["", "Newsletter", "Friends, Newsletter", "VIP"])),
        Source::Id => quoted(out, |out| number(out, 10_001 + record.person.index)),
        Source::Day => out.extend_from_slice(day),
        Source::Always(text) => string(out, text),
        _ => {}
    }
}

/// Where the values of a header come from that gives no member.
fn of_none(header: &Header) -> Source {
    let words = names::words(header.name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let (name, note) = (header.name, header.note);
    if note.starts_with("NOT a state") {
        return Source::Permission(PermissionKind::Status, ["active", "cancelled"]);
    }
    if let Some(permission) = permission::of_header(header) {
        let kind = permission.kind;
        let words = match kind {
            PermissionKind::OptOut if has(&["date", "time"]) => ["", "DAY"],
            PermissionKind::OptOut if name.chars().all(|c| !c.is_ascii_uppercase()) => ["false", "true"],
            PermissionKind::OptOut => ["No", "Yes"],
            PermissionKind::OptOutTrace => ["", "Unsubscribed by the contact"],
            PermissionKind::Consent if note.contains("SUBSCRIBED") => ["SUBSCRIBED", "UNSUBSCRIBED"],
            PermissionKind::Consent if note.contains("Express") => ["Express", "Unsubscribed"],
            PermissionKind::Consent => ["yes", "no"],
            PermissionKind::ConsentTrace if has(&["ip"]) => ["192.0.2.14", "192.0.2.14"],
            PermissionKind::ConsentTrace if has(&["source"]) => ["Web form", "Web form"],
            PermissionKind::Status if note.contains("Active/") => ["Active", "Unsubscribed"],
            PermissionKind::Status if note.contains("active/") => ["active", "unsubscribed"],
            // Kit's other column of this kind.
            PermissionKind::Status if note.contains("cancelled") => ["active", "cancelled"],
            PermissionKind::Status => ["subscribed", "unsubscribed"],
            PermissionKind::ConsentTrace | PermissionKind::Caution | PermissionKind::Word => ["", ""],
        };
        return Source::Permission(kind, words);
    }
    match note {
        _ if has(&["salutation"]) || note.starts_with("honorific") => Source::Honorific,
        _ if note.starts_with("tags") => Source::Tags,
        "date" => Source::Day,
        _ if note.starts_with("id") || note == "join key" => Source::Id,
        _ if note == "Individual/Organization" => Source::Always("Individual"),
        _ if note.starts_with("Y = organisation") => Source::Always("N"),
        _ if note.starts_with("decides kind") => Source::Always("Home"),
        "True/False" => Source::Always("True"),
        _ if header.member == "cf" => Source::Custom,
        _ => Source::Always(""),
    }
}
