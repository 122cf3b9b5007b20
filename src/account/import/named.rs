//! The contacts that the errors of an import name, as they came. The body itself is gone once its activity is over, and the index of a
//! contact alone says little to a person.

use super::Incoming;
use crate::account::tasks::Work;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Most characters of a contact.
const ONE_MAX: usize = 500;
/// Most bytes of all contacts of an activity.
const ALL_MAX: usize = 256 << 10;

/// Texts of contacts by their index in the body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedContacts {
    texts: BTreeMap<u64, String>,
    bytes: usize,
}

impl NamedContacts {
    /// Keeps the text of a contact, unless it is known or there are too many.
    fn add(&mut self, index: u64, text: impl FnOnce() -> Option<String>) {
        if self.bytes >= ALL_MAX || self.texts.contains_key(&index) {
            return;
        }
        if let Some(text) = text() {
            self.bytes += text.len();
            self.texts.insert(index, text);
        }
    }

    /// Keeps the contact at an offset of the body.
    pub(super) fn add_at(&mut self, index: u64, body: &[u8], offset: u64, work: Work) {
        self.add(index, || {
            let rest = body.get(usize::try_from(offset).ok()?..)?;
            shown(&rest[..end(rest, work)])
        });
    }

    /// Keeps a contact of the cleaned body by its identity.
    pub(super) fn add_cleaned(&mut self, index: u64, contact: &Incoming<'_>) {
        self.add(index, || {
            let members = [
                ("email", &contact.email),
                ("sms_number", &contact.sms_number),
                ("first_name", &contact.first_name),
                ("last_name", &contact.last_name),
            ];
            let members: serde_json::Map<_, _> = members
                .into_iter()
                .filter_map(|(name, text)| Some((name.to_owned(), text.as_deref()?.into())))
                .collect();
            serde_json::to_string(&members).ok()
        });
    }

    /// A JSON object of the texts by index.
    pub(in crate::account) fn to_json(&self) -> String {
        serde_json::to_string(&self.texts).unwrap_or_default()
    }
}

/// Where a contact ends that begins with the text.
fn end(rest: &[u8], work: Work) -> usize {
    if work == Work::JsonImport {
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        if let Some(Ok(_)) = values.next() {
            return values.byte_offset();
        }
    }
    memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
}

/// The beginning of a text. `None` for one in an encoding of two bytes or more a character.
fn shown(text: &[u8]) -> Option<String> {
    let start = &text[..text.len().min(4 * ONE_MAX)];
    if start.contains(&0) {
        return None;
    }
    let mut shown: String = String::from_utf8_lossy(start).trim().chars().take(ONE_MAX).collect();
    if shown.len() < text.trim_ascii().len() && shown.chars().count() == ONE_MAX {
        shown.push_str("...");
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_kept_as_they_came_within_limits() {
        let body = br#"[{"email":"a","x":[1]}, {"email":"b"#;
        let mut named = NamedContacts::default();
        named.add_at(0, body, 1, Work::JsonImport);
        named.add_at(0, body, 24, Work::JsonImport);
        named.add_at(1, body, 24, Work::JsonImport);
        named.add_at(2, body, 999, Work::JsonImport);
        named.add_at(3, b"email\na@b,c\r\nd", 6, Work::FileImport);
        named.add_at(4, b"a\0b\0", 0, Work::FileImport);
        named.add_at(5, "é".repeat(600).as_bytes(), 0, Work::FileImport);
        assert_eq!(named.texts[&0], r#"{"email":"a","x":[1]}"#);
        assert_eq!((named.texts[&1].as_str(), named.texts[&3].as_str()), (r#"{"email":"b"#, "a@b,c"));
        assert_eq!(named.texts[&5], "é".repeat(500) + "...");
        assert_eq!(named.texts.keys().copied().collect::<Vec<u64>>(), [0, 1, 3, 5]);
        for index in 10..5000 {
            named.add_at(index, &[b'x'; 500], 0, Work::FileImport);
        }
        assert!(named.bytes < ALL_MAX + 2000 && named.texts.len() < 600);
    }
}
