//! From what the service says was wrong to the contact that it means.

use super::bodies::Body;
use super::origins::From;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeSet, HashMap};

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

    fn find(&self, error: &str) -> Option<(usize, MappedBy)> {
        // An address is sure; a line depends on what the service counts.
        let trim = |word: &str| word.trim_matches(|c| "<>()[]\"',;:.!?".contains(c)).to_lowercase();
        let address = error
            .split_whitespace()
            .filter(|word| word.contains('@'))
            .find_map(|word| self.by_address.get(&trim(word)));
        if let Some(&index) = address {
            return Some((index, MappedBy::Address));
        }
        let count = self.contacts.len();
        if let Some(line) = number_behind(error, "line") {
            let index = usize::try_from(line).ok()?.checked_sub(2)?;
            return (index < count).then_some((index, MappedBy::Line));
        }
        let index = usize::try_from(number_behind(error, "contact").filter(|_| error.starts_with("contact "))?).ok()?;
        (index < count).then_some((index, MappedBy::Index))
    }
}

/// How an error was mapped to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// Which contacts of a body the service names, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The contact of each error, in the order of the errors.
    by_error: Vec<Option<(usize, MappedBy)>>,
}

impl Named {
    /// Those that these errors name.
    #[must_use]
    pub fn new(contacts: &ContactsOfBody<'_>, errors: &[String]) -> Named {
        Named { by_error: errors.iter().map(|error| contacts.find(error)).collect() }
    }

    /// Different contacts that are named.
    #[must_use]
    pub fn contacts(&self) -> u64 {
        self.by_error.iter().flatten().map(|(index, _)| index).collect::<BTreeSet<_>>().len() as u64
    }

    /// Errors that name no contact.
    #[must_use]
    pub fn errors_without(&self) -> u64 {
        self.by_error.iter().filter(|found| found.is_none()).count() as u64
    }
}

/// What became of a contact that an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The service did not import it.
    Refused,
    /// The service imported every contact of the body, so the error is about one of the values.
    Imported,
    /// The service names more contacts than it did not import: it may be one of either.
    Unclear,
    /// The activity ended before the service was done.
    Unknown,
}

/// An answer of the service about one contact, or one that names none.
#[derive(Debug)]
pub struct Answer<'b> {
    /// Its words; `None` if it gives no reason.
    pub error: Option<&'b str>,
    /// The contact's place in the body, and how it was found.
    pub found: Option<(usize, MappedBy)>,
    contact: Option<&'b RawValue>,
}

/// The answers about a body that was refused as a whole: one for each contact. An error that names a contact is beside it, and the
/// others are beside all the rest.
#[must_use]
pub fn all<'b>(contacts: &ContactsOfBody<'b>, named: &Named, errors: &'b [String]) -> Vec<Answer<'b>> {
    let with = || named.by_error.iter().zip(errors);
    let common = with().find_map(|(found, error)| found.is_none().then_some(error)).or(errors.first());
    let mut own: HashMap<usize, (&String, MappedBy)> = HashMap::new();
    for (found, error) in with() {
        if let Some((index, by)) = found {
            own.entry(*index).or_insert((error, *by));
        }
    }
    let answer = |(index, contact): (usize, &&'b RawValue)| {
        let (error, by) = match own.get(&index) {
            Some((error, by)) => (Some(error.as_str()), *by),
            None => (common.map(String::as_str), MappedBy::Body),
        };
        Answer { error: error.filter(|error| !error.is_empty()), found: Some((index, by)), contact: Some(contact) }
    };
    contacts.contacts.iter().enumerate().map(answer).collect()
}

/// The answers of a body of which some contacts were refused: one for each error.
#[must_use]
pub fn some<'b>(contacts: &ContactsOfBody<'b>, named: &Named, errors: &'b [String]) -> Vec<Answer<'b>> {
    let answer = |(found, error): (&Option<(usize, MappedBy)>, &'b String)| Answer {
        error: Some(error.as_str()),
        found: *found,
        contact: found.and_then(|(index, _)| contacts.contacts.get(index).copied()),
    };
    named.by_error.iter().zip(errors).map(answer).collect()
}

impl Answer<'_> {
    /// As a line of JSON.
    #[must_use]
    pub fn line(&self, body: &Body, activity_id: Option<&str>, fate: Fate, from: Option<&From>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Line<'l> {
            body: &'l str,
            #[serde(skip_serializing_if = "Option::is_none")]
            activity_id: Option<&'l str>,
            outcome: Option<Fate>,
            error: Option<&'l str>,
            mapped_by: Option<MappedBy>,
            index: Option<usize>,
            from: Option<&'l From>,
            contact: Option<&'l RawValue>,
        }
        let line = Line {
            body: &body.file,
            activity_id,
            outcome: self.found.map(|_| fate),
            error: self.error,
            mapped_by: self.found.map(|(_, by)| by),
            index: self.found.map(|(index, _)| index),
            from,
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
            ("<B@EXAMPLE.COM>: bounced", Some((1, MappedBy::Address))),
            ("nobody@example.com at Line 3", Some((1, MappedBy::Line))),
            ("deadline 3 passed", None),
            ("a baseline", None),
            ("", None),
        ] {
            assert_eq!(contacts.find(error), found, "{error}");
        }
    }

    #[test]
    fn lines_of_answers() {
        let body = br#"{"import_data":[{"email":"a@example.com"},{"email":"B@Example.com"},{"sms_number":"1"}],"list_ids":[]}"#;
        let contacts = ContactsOfBody::new(body);
        let errors = ["Line 3: \"odd\"".to_owned(), "lost".to_owned(), "Line 3: odd as well".to_owned()];
        let named = Named::new(&contacts, &errors);
        assert_eq!((named.contacts(), named.errors_without()), (1, 1));
        let from = From {
            input: "export.csv".into(),
            contact: 17,
            line: Some(19),
            rejected_before: None,
            not_looked_up: None,
        };
        let file = Body::new("p", "s", 3);
        let line =
            |answer: &Answer<'_>, from| String::from_utf8(answer.line(&file, Some("x"), Fate::Refused, from)).unwrap();
        let some = some(&contacts, &named, &errors);
        assert_eq!(some.len(), 3);
        assert_eq!(
            line(&some[0], Some(&from)),
            r#"{"body":"p","activity_id":"x","outcome":"refused","error":"Line 3: \"odd\"","mapped_by":"line","index":1,"from":{"input":"export.csv","contact":17,"line":19},"contact":{"email":"B@Example.com"}}"#
        );
        assert_eq!(
            line(&some[1], None),
            r#"{"body":"p","activity_id":"x","outcome":null,"error":"lost","mapped_by":null,"index":null,"from":null,"contact":null}"#
        );
        // Of a body that failed, each contact has one line, with its own error or else the common one.
        let all = super::all(&contacts, &named, &errors);
        let said: Vec<_> = all.iter().map(|answer| (answer.error, answer.found)).collect();
        assert_eq!(
            said,
            [
                (Some("lost"), Some((0, MappedBy::Body))),
                (Some("Line 3: \"odd\""), Some((1, MappedBy::Line))),
                (Some("lost"), Some((2, MappedBy::Body)))
            ]
        );
        assert!(super::all(&contacts, &Named::default(), &[]).iter().all(|answer| answer.error.is_none()));
        assert!(super::all(&ContactsOfBody::new(b"{"), &named, &errors).is_empty());
    }
}
