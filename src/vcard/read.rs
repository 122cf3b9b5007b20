//! A card to a JSON object.
//!
//! Its names are stable, so that one mapping holds for all cards of an input: properties in upper case, with a type that decides the
//! member (`TEL;CELL`, `ADR;WORK`) and with a part of a structured value (`N;LAST`, `ADR;HOME;CITY`). Of several values of a
//! property, the preferred one has the plain name, and the others are numbered (`EMAIL;2`); telephone numbers of one kind are one value,
//! joined by ` ::: ` as Google joins them, since the service has room for three.

use super::lines::{Properties, Property};
use super::text::{decode, parts, unescape};
use crate::json::write::{close_object, json_string};

/// Values of one name that are numbered. Further ones are joined to the last.
const NUMBERED_MAX: usize = 9;
/// Bytes of a property's name. A longer one is cut: nobody has such a name.
const NAME_MAX: usize = 60;
/// Groups that a label is kept of.
const GROUPS_MAX: usize = 64;
/// Values of a card that have names of their own. Further ones have one name.
const VALUES_MAX: usize = 300;
/// Between values that are one.
const JOINT: &str = " ::: ";

/// The card has bytes that are no text in its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotText;

/// Reads cards, one at a time. It keeps its buffers.
#[derive(Debug, Default)]
pub struct CardReader {
    property: Property,
    values: Vec<Value>,
    /// Labels of groups, as Apple writes them: `item1.X-ABLabel:_$!<Mobile>!$_`.
    labels: Vec<(String, String)>,
}

/// A value of a card.
#[derive(Debug)]
struct Value {
    /// `EMAIL`, `TEL;HOME`, `ADR;WORK`.
    name: String,
    group: String,
    /// From 1, the most preferred; 0 where the card says nothing.
    pref: u8,
    value: Content,
}

#[derive(Debug)]
enum Content {
    Text(String),
    /// Street, street2, city, state, zip, country.
    Address([String; 6]),
}

/// The parts of an address in names.
pub(super) const PARTS: [&str; 6] = ["STREET", "STREET2", "CITY", "STATE", "ZIP", "COUNTRY"];

impl CardReader {
    /// Appends a card as a JSON object.
    ///
    /// # Errors
    /// [`NotText`]; nothing was appended.
    pub fn json(&mut self, card: &[u8], out: &mut Vec<u8>) -> Result<(), NotText> {
        self.values.clear();
        self.labels.clear();
        let mut property = std::mem::take(&mut self.property);
        let mut properties = Properties::new(card);
        while properties.next(&mut property) {
            let Some(text) = decode(&property) else {
                self.property = property;
                return Err(NotText);
            };
            self.take(&property, &text);
        }
        self.property = property;
        self.apply_labels();
        self.drop_name_of_company();
        self.sort_addresses();
        self.write(out);
        Ok(())
    }

    fn push(&mut self, name: impl Into<String>, property: &Property, value: Content) {
        let is_empty = match &value {
            Content::Text(text) => text.trim().is_empty(),
            Content::Address(parts) => parts.iter().all(|part| part.trim().is_empty()),
        };
        if is_empty {
            return;
        }
        let name = if self.values.len() < VALUES_MAX { name.into() } else { "(MORE)".to_owned() };
        let pref = property.pref.unwrap_or(0);
        self.values.push(Value { name, group: property.group.clone(), pref, value });
    }

    fn take(&mut self, property: &Property, text: &str) {
        let name = crate::model::printable::cut(&property.name, NAME_MAX);
        match name {
            "N" => {
                for (part, text) in ["LAST", "FIRST", "MIDDLE", "PREFIX", "SUFFIX"].iter().zip(parts(text)) {
                    self.push(format!("N;{part}"), property, Content::Text(text));
                }
            }
            "ORG" => {
                let mut parts = parts(text).into_iter();
                self.push("ORG", property, Content::Text(parts.next().unwrap_or_default()));
                let units: Vec<String> = parts.filter(|unit| !unit.is_empty()).collect();
                self.push("ORG;UNIT", property, Content::Text(units.join(", ")));
            }
            "ADR" => {
                let kind = kind(&property.types, &[("HOME", "HOME"), ("WORK", "WORK"), ("OTHER", "OTHER")]);
                self.push(with_kind("ADR", kind), property, Content::Address(address(&parts(text))));
            }
            "TEL" => {
                let number = unescape(text);
                self.push(with_kind("TEL", phone_kind(&property.types)), property, Content::Text(telephone(&number)));
            }
            "EMAIL" => {
                let address = unescape(text);
                let bare = address.trim();
                let is_uri = bare.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:"));
                let address = if is_uri { &bare[7..] } else { bare };
                self.push("EMAIL", property, Content::Text(address.to_owned()));
            }
            "BDAY" => self.push("BDAY", property, Content::Text(date(&unescape(text)))),
            "ANNIVERSARY"
            | "X-ANNIVERSARY"
            | "X-EVOLUTION-ANNIVERSARY"
            | "X-KADDRESSBOOK-X-ANNIVERSARY"
            | "X-ABDATE" => {
                let name = if name == "X-ABDATE" { name } else { "ANNIVERSARY" };
                self.push(name, property, Content::Text(date(&unescape(text))));
            }
            "X-ABLABEL" if self.labels.len() < GROUPS_MAX => {
                let label = text.trim().trim_start_matches("_$!<").trim_end_matches(">!$_").to_ascii_uppercase();
                self.labels.push((property.group.clone(), label));
            }
            "X-ABLABEL" => {}
            "" => self.push("(TEXT)", property, Content::Text(text.to_owned())),
            name => self.push(name, property, Content::Text(unescape(text))),
        }
    }

    /// The label of a group says the kind where the property does not.
    fn apply_labels(&mut self) {
        for value in self.values.iter_mut().filter(|value| !value.group.is_empty()) {
            let Some((_, label)) = self.labels.iter().find(|(group, _)| *group == value.group) else { continue };
            let types = std::slice::from_ref(label);
            match value.name.as_str() {
                "TEL" => value.name = with_kind("TEL", phone_kind(types)),
                "ADR" => {
                    let kind = kind(types, &[("HOME", "HOME"), ("WORK", "WORK"), ("OTHER", "OTHER")]);
                    value.name = with_kind("ADR", kind);
                }
                "X-ABDATE" if label == "ANNIVERSARY" => value.name = "ANNIVERSARY".to_owned(),
                _ => {}
            }
        }
    }

    /// The card of a company has its name as that of a person too.
    fn drop_name_of_company(&mut self) {
        let text = |name: &str| {
            self.values.iter().find(|value| value.name == name).and_then(|value| match &value.value {
                Content::Text(text) => Some(text.trim()),
                Content::Address(_) => None,
            })
        };
        let has_name = text("N;LAST").is_some() || text("N;FIRST").is_some();
        if !has_name && text("FN").is_some() && text("FN") == text("ORG") {
            self.values.retain(|value| value.name != "FN");
        }
    }

    /// The service has room for three addresses: a second one of a kind goes to the next that is free.
    fn sort_addresses(&mut self) {
        const KINDS: [&str; 3] = ["ADR;HOME", "ADR;WORK", "ADR;OTHER"];
        // For the service, an address without a kind is that at home.
        let kind = |name: &str| match name {
            "ADR" | "ADR;HOME" => Some(0),
            "ADR;WORK" => Some(1),
            "ADR;OTHER" => Some(2),
            _ => None,
        };
        let mut addresses: Vec<usize> =
            (0..self.values.len()).filter(|i| kind(&self.values[*i].name).is_some()).collect();
        addresses.sort_by_key(|i| preference(self.values[*i].pref));
        let mut used = [false; 3];
        let mut rest = Vec::new();
        for i in addresses {
            match kind(&self.values[i].name) {
                Some(kind) if !used[kind] => used[kind] = true,
                _ => rest.push(i),
            }
        }
        for i in rest {
            let free = used.iter().position(|used| !used);
            self.values[i].name = match free {
                Some(free) => {
                    used[free] = true;
                    KINDS[free].to_owned()
                }
                None => "ADR;MORE".to_owned(),
            };
        }
    }

    /// Writes the values under their names.
    fn write(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        // By name, in the order in which names come first; the preferred value first, otherwise as they stand.
        let mut names: Vec<&str> = Vec::new();
        let mut keys = Vec::with_capacity(self.values.len());
        for value in &self.values {
            let place = names.iter().position(|name| *name == value.name).unwrap_or_else(|| {
                names.push(&value.name);
                names.len() - 1
            });
            keys.push((place, preference(value.pref)));
        }
        order.sort_by_key(|i| keys[*i]);
        let mut at = 0;
        while at < order.len() {
            let place = keys[order[at]].0;
            let count = order[at..].iter().take_while(|i| keys[**i].0 == place).count();
            let values: Vec<&Value> = order[at..at + count].iter().map(|i| &self.values[*i]).collect();
            write_values(&values, out);
            at += count;
        }
        close_object(out, start);
    }
}

/// What sorts values: a value without a preference stands behind those that have one.
fn preference(pref: u8) -> u8 {
    if pref == 0 { u8::MAX } else { pref }
}

/// Writes the values of one name.
fn write_values(values: &[&Value], out: &mut Vec<u8>) {
    let mut member = |name: &str, text: &str| {
        out.push(b',');
        json_string(name, out);
        out.push(b':');
        json_string(text, out);
    };
    let texts: Vec<&str> = values
        .iter()
        .filter_map(|value| match &value.value {
            Content::Text(text) => Some(text.as_str()),
            Content::Address(_) => None,
        })
        .collect();
    let Some(Value { name, .. }) = values.first() else { return };
    if name.starts_with("TEL") {
        return member(name, &texts.join(JOINT));
    }
    let numbered = |i: usize| if i == 0 { name.clone() } else { format!("{name};{}", i + 1) };
    for (i, text) in texts.iter().enumerate().take(NUMBERED_MAX - 1) {
        member(&numbered(i), text);
    }
    if let Some(rest) = texts.get(NUMBERED_MAX - 1..).filter(|rest| !rest.is_empty()) {
        member(&numbered(NUMBERED_MAX - 1), &rest.join(JOINT));
    }
    for (i, value) in values.iter().enumerate().take(NUMBERED_MAX) {
        let Content::Address(parts) = &value.value else { continue };
        for (part, text) in PARTS.iter().zip(parts).filter(|(_, text)| !text.trim().is_empty()) {
            member(&format!("{};{part}", numbered(i)), text);
        }
    }
}

fn with_kind(name: &str, kind: Option<&str>) -> String {
    kind.map_or(name.to_owned(), |kind| format!("{name};{kind}"))
}

/// The first kind that the types name.
fn kind(types: &[String], kinds: &[(&str, &'static str)]) -> Option<&'static str> {
    kinds.iter().find(|(word, _)| types.iter().any(|name| name == word)).map(|(_, kind)| *kind)
}

/// The kind of a telephone: what is no telephone for people comes first, then what says more.
fn phone_kind(types: &[String]) -> Option<&'static str> {
    let kinds = [
        ("FAX", "FAX"),
        ("HOMEFAX", "FAX"),
        ("HOME FAX", "FAX"),
        ("WORKFAX", "FAX"),
        ("WORK FAX", "FAX"),
        ("OTHER FAX", "FAX"),
        ("PAGER", "PAGER"),
        ("MODEM", "MODEM"),
        ("BBS", "BBS"),
        ("ISDN", "ISDN"),
        ("TEXTPHONE", "TEXTPHONE"),
        ("CELL", "CELL"),
        ("MOBILE", "CELL"),
        ("IPHONE", "CELL"),
        ("WORK", "WORK"),
        ("HOME", "HOME"),
        ("OTHER", "OTHER"),
    ];
    kind(types, &kinds)
}

/// A telephone number without what makes it a URI.
fn telephone(number: &str) -> String {
    let number = number.trim();
    let Some(uri) = number.get(..4).filter(|start| start.eq_ignore_ascii_case("tel:")).map(|_| &number[4..]) else {
        return number.to_owned();
    };
    let mut parts = uri.split(';');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some((_, extension)) = part.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("ext")) {
            text += " x";
            text += extension;
        }
    }
    text
}

/// A date, with dashes where it has none. Its time is left out.
fn date(text: &str) -> String {
    let text = text.trim();
    let day = text.split(['T', 't']).next().unwrap_or_default();
    if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
    }
    let is_day = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_day { day.to_owned() } else { text.to_owned() }
}

/// The parts of an address: box, suite, street, city, region, code, country.
fn address(parts: &[String]) -> [String; 6] {
    let part = |i: usize| parts.get(i).map_or("", |part| part.trim());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let post_box = if digits(part(0)) { format!("PO Box {}", part(0)) } else { part(0).to_owned() };
    // Without a street, the box or the suite is what stands there.
    let mut lines = [part(2), &post_box, part(1)].into_iter().filter(|line| !line.is_empty());
    let street = lines.next().unwrap_or_default().to_owned();
    let street2: Vec<&str> = lines.collect();
    [street, street2.join(", "), part(3).to_owned(), part(4).to_owned(), part(5).to_owned(), part(6).to_owned()]
}

#[cfg(test)]
mod tests;
