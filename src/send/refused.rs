//! From what the service says was wrong to the contact that it means.

use super::bodies::Body;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// The contacts of a body.
#[derive(Debug)]
pub struct ContactsOfBody<'b> {
    contacts: Vec<&'b RawValue>,
    /// Which contact has an address, in lower case. Of two, the first.
    by_address: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Envelope<'b> {
    #[serde(borrow)]
    import_data: Vec<&'b RawValue>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    email: Option<String>,
}

impl<'b> ContactsOfBody<'b> {
    /// Reads a body. What is none has no contacts.
    #[must_use]
    pub fn new(body: &'b [u8]) -> Self {
        let contacts =
            serde_json::from_slice(body).map_or_else(|_| Vec::new(), |envelope: Envelope<'b>| envelope.import_data);
        let mut by_address = HashMap::new();
        for (index, contact) in contacts.iter().enumerate() {
            if let Ok(Address { email: Some(email) }) = serde_json::from_str(contact.get()) {
                by_address.entry(email.to_lowercase()).or_insert(index);
            }
        }
        ContactsOfBody { contacts, by_address }
    }
}

/// How an error was mapped to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappedBy {
    /// `Line N`: the first contact is line 2, behind a header.
    Line,
    /// `contact N`, as `presort serve` says: the first contact is 0.
    Index,
    /// An address that one of the contacts has.
    Address,
    /// The error is about all of the body.
    Body,
}

impl MappedBy {
    fn as_str(self) -> &'static str {
        match self {
            MappedBy::Line => "line",
            MappedBy::Index => "index",
            MappedBy::Address => "address",
            MappedBy::Body => "body",
        }
    }
}

/// A contact that the service refused, or an error that could not be mapped to one.
#[derive(Debug)]
pub struct Refused<'b> {
    error: &'b str,
    found: Option<(usize, MappedBy)>,
    contact: Option<&'b RawValue>,
}

/// All contacts of a body that failed as a whole.
#[must_use]
pub fn all<'b>(contacts: &ContactsOfBody<'b>, errors: &'b [String]) -> Vec<Refused<'b>> {
    let error = errors.first().map_or("", String::as_str);
    let refused = |(index, contact): (usize, &&'b RawValue)| Refused {
        error,
        found: Some((index, MappedBy::Body)),
        contact: Some(contact),
    };
    contacts.contacts.iter().enumerate().map(refused).collect()
}

/// The contacts that these errors name.
#[must_use]
pub fn named<'b>(contacts: &ContactsOfBody<'b>, errors: &'b [String]) -> Vec<Refused<'b>> {
    let refused = |error: &'b String| {
        let found = find(contacts, error);
        Refused { error, found, contact: found.map(|(index, _)| contacts.contacts[index]) }
    };
    errors.iter().map(refused).collect()
}

fn find(contacts: &ContactsOfBody<'_>, error: &str) -> Option<(usize, MappedBy)> {
    // An address is sure; a line depends on what the service counts.
    let trim = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let address = error
        .split_whitespace()
        .filter(|word| word.contains('@'))
        .find_map(|word| contacts.by_address.get(&trim(word)));
    if let Some(&index) = address {
        return Some((index, MappedBy::Address));
    }
    let count = contacts.contacts.len();
    if let Some(line) = number_behind(error, "line") {
        let index = usize::try_from(line).ok()?.checked_sub(2)?;
        return (index < count).then_some((index, MappedBy::Line));
    }
    let index = usize::try_from(number_behind(error, "contact").filter(|_| error.starts_with("contact "))?).ok()?;
    (index < count).then_some((index, MappedBy::Index))
}

/// The number behind a word, in `Line 17: ...` or `(line 17)`.
fn number_behind(text: &str, word: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    for (at, _) in lower.match_indices(word) {
        let is_whole = !lower[..at].ends_with(|c: char| c.is_alphanumeric());
        let rest = lower[at + word.len()..].trim_start_matches([' ', ':', '#']);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if is_whole && digits > 0 && rest.len() < lower.len() - at - word.len() {
            return rest[..digits].parse().ok();
        }
    }
    None
}

impl Refused<'_> {
    /// As a line of JSON.
    #[must_use]
    pub fn line(&self, body: &Body, activity_id: Option<&str>) -> Vec<u8> {
        #[derive(serde::Serialize)]
        struct Line<'l> {
            body: &'l str,
            #[serde(skip_serializing_if = "Option::is_none")]
            activity_id: Option<&'l str>,
            error: &'l str,
            mapped_by: Option<&'static str>,
            index: Option<usize>,
            contact: Option<&'l RawValue>,
        }
        let line = Line {
            body: &body.file,
            activity_id,
            error: self.error,
            mapped_by: self.found.map(|(_, by)| by.as_str()),
            index: self.found.map(|(index, _)| index),
            contact: self.contact,
        };
        serde_json::to_vec(&line).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_find_their_contacts() {
        let body = br#"{"import_data":[{"email":"a@example.com"},{"email":"B@Example.com"},{"sms_number":"1"}],"list_ids":[]}"#;
        let contacts = ContactsOfBody::new(body);
        for (error, found) in [
            ("Line 2: bad birthday", Some((0, MappedBy::Line))),
            ("bad number (line 4)", Some((2, MappedBy::Line))),
            ("Line 5: beyond", None),
            ("Line 1: the header", None),
            ("Line 99999999999999999999999", None),
            ("contact 1: EML001, email: bad", Some((1, MappedBy::Index))),
            ("contact 3: beyond", None),
            ("Line 2: b@example.com, is on the list of bounces", Some((1, MappedBy::Address))),
            ("nobody@example.com at Line 3", Some((1, MappedBy::Line))),
            ("deadline 3 passed", None),
            ("a baseline", None),
            ("", None),
        ] {
            assert_eq!(find(&contacts, error), found, "{error}");
        }
        let errors = ["Line 3: \"odd\"".to_owned(), "lost".to_owned()];
        let lines: Vec<String> = named(&contacts, &errors)
            .iter()
            .map(|refused| String::from_utf8(refused.line(&Body::new("p", "s", 3), Some("x"))).unwrap())
            .collect();
        assert_eq!(
            lines,
            [
                r#"{"body":"p","activity_id":"x","error":"Line 3: \"odd\"","mapped_by":"line","index":1,"contact":{"email":"B@Example.com"}}"#,
                r#"{"body":"p","activity_id":"x","error":"lost","mapped_by":null,"index":null,"contact":null}"#
            ]
        );
        assert_eq!(all(&contacts, &errors).len(), 3);
        assert!(all(&ContactsOfBody::new(b"{"), &errors).is_empty());
    }
}
