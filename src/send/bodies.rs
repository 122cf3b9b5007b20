//! The bodies of a directory, and what they ask of an account.

use super::{Error, Result};
use crate::output::bodies;
use crate::output::body::{RECEIPT, hexadecimal};
use crate::output::hash::Hash;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// A body to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its file, without the directory.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Contacts in it.
    pub contacts: u64,
}

impl Body {
    /// A body of this name.
    #[must_use]
    pub fn new(file: &str, sha256: &str, contacts: u64) -> Body {
        Body { file: file.to_owned(), sha256: sha256.to_owned(), contacts }
    }
}

/// A directory of bodies that are those of its receipt.
#[derive(Debug)]
pub struct Bodies {
    /// Where they are.
    pub dir: PathBuf,
    /// The bodies, in their order.
    pub all: Vec<Body>,
    /// Contacts that cleaning rejected.
    pub rejected: u64,
    /// Of these, those who opted out.
    pub opted_out: u64,
    /// The run that wrote them stopped early.
    pub is_partial: bool,
}

impl Bodies {
    /// Reads a directory that `clean --split` wrote: every body is present and unchanged, and there is none besides.
    ///
    /// # Errors
    /// It is not so.
    pub fn verified(dir: &Path) -> Result<Bodies> {
        let name = dir.display().to_string();
        let again = "write the bodies again with presort clean --split";
        match std::fs::metadata(dir) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => {
                return Err(Error::could(format!(
                    "{name} is a file: name the directory of bodies that presort clean --split writes, or use presort deliver {name}"
                )));
            }
            Err(error) => return Err(crate::model::error::Error::io("read", name, error).into()),
        }
        let Some(receipt) = bodies::receipt(dir, again)? else {
            if bodies::names(dir)?.is_empty() {
                return Err(Error::could(format!(
                    "{name} has no bodies: presort clean EXPORT --split -o {name} writes them"
                )));
            }
            return Err(Error::could(format!(
                "{name} has no {RECEIPT}, which is written last: bodies may be missing; {again}"
            )));
        };
        let names = bodies::names(dir)?;
        if let Some(what) = bodies::differences(dir, &names, &receipt.written)? {
            return Err(Error::could(format!("{name}: {what}; {again}")));
        }
        let all: Vec<Body> = names
            .iter()
            .filter_map(|file| receipt.written.get(file))
            .map(|written| Body::new(&written.file, &written.sha256.to_ascii_lowercase(), written.contacts))
            .collect();
        if all.is_empty() {
            return Err(Error::could(format!(
                "{name} has no bodies: according to its {RECEIPT}, no contact was accepted"
            )));
        }
        let dir = dir.to_path_buf();
        let (rejected, opted_out) = (receipt.rejected, receipt.opted_out);
        Ok(Bodies { dir, all, rejected, opted_out, is_partial: receipt.is_partial })
    }

    /// Contacts in all of them.
    #[must_use]
    pub fn contacts(&self) -> u64 {
        self.all.iter().map(|body| body.contacts).sum()
    }

    /// The bytes of a body.
    ///
    /// # Errors
    /// It cannot be read, or has changed since it was verified.
    pub fn read(&self, body: &Body) -> Result<Vec<u8>> {
        let path = self.dir.join(&body.file);
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).map_err(|error| crate::model::error::Error::io("read", &name, error))?;
        let mut hash = Hash::default();
        hash.update(&bytes);
        if hexadecimal(hash.end()) != body.sha256 {
            return Err(Error::could(format!(
                "{name} changed since it was compared with {RECEIPT}; write the bodies again"
            )));
        }
        Ok(bytes)
    }

    /// What all of them ask of an account.
    ///
    /// # Errors
    /// A body cannot be read.
    pub fn needs(&self) -> Result<Needs> {
        let mut needs = Needs::default();
        for body in &self.all {
            needs.add(&self.read(body)?).map_err(|error| Error::could(format!("{}: {error}", body.file)))?;
        }
        Ok(needs)
    }
}

/// What bodies ask of an account.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Lists, by their identifiers.
    pub lists: BTreeSet<String>,
    /// Custom fields, by their names without `cf:`.
    pub fields: BTreeSet<String>,
}

impl Needs {
    /// Adds those of a body, without holding its contacts.
    fn add(&mut self, body: &[u8]) -> serde_json::Result<()> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        Envelope(self).deserialize(&mut reader)?;
        reader.end()
    }
}

struct Envelope<'n>(&'n mut Needs);

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request body")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "list_ids" => self.0.lists.extend(map.next_value::<Vec<String>>()?),
                "import_data" => map.next_value_seed(Contacts(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Contacts<'n>(&'n mut Needs);

impl<'de> DeserializeSeed<'de> for Contacts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Contacts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of contacts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut contacts: A) -> std::result::Result<(), A::Error> {
        while contacts.next_element_seed(Contact(self.0))?.is_some() {}
        Ok(())
    }
}

struct Contact<'n>(&'n mut Needs);

impl<'de> DeserializeSeed<'de> for Contact<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Contact<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a contact")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            if let Some(field) = name.strip_prefix("cf:")
                && !self.0.fields.contains(field)
            {
                self.0.fields.insert(field.to_owned());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A directory of bodies of so many contacts, and its receipt.
    pub fn directory(sizes: &[u64]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut payloads = Vec::new();
        for (&contacts, number) in sizes.iter().zip(1..) {
            let people: Vec<_> = (0..contacts)
                .map(|i| json!({"email": format!("c{number}-{i}@example.com"), "cf:Tier": "gold"}))
                .collect();
            let body = json!({"list_ids": ["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"], "import_data": people}).to_string();
            let file = format!("payload-{number:05}.json");
            std::fs::write(dir.path().join(&file), &body).unwrap();
            let mut hash = Hash::default();
            hash.update(body.as_bytes());
            let sha256 = hexadecimal(hash.end());
            payloads.push(json!({"file": file, "contacts": contacts, "bytes": body.len(), "sha256": sha256}));
        }
        let receipt = json!({"payloads": payloads, "contacts": {"rejected": 7, "opted_out": 2}});
        std::fs::write(dir.path().join(RECEIPT), receipt.to_string()).unwrap();
        dir
    }

    #[test]
    fn bodies_are_those_of_the_receipt() {
        let dir = directory(&[3, 2]);
        let bodies = Bodies::verified(dir.path()).unwrap();
        assert_eq!((bodies.contacts(), bodies.all.len(), bodies.rejected, bodies.opted_out), (5, 2, 7, 2));
        let needs = bodies.needs().unwrap();
        assert_eq!(needs.fields, ["Tier".to_owned()].into());
        assert_eq!(needs.lists.len(), 1);
        // Changed behind its back.
        let path = dir.path().join("payload-00002.json");
        let bytes = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, bytes.replace("gold", "iron")).unwrap();
        assert!(bodies.read(&bodies.all[1]).unwrap_err().to_string().contains("changed since"));
        let says = |what: &str| {
            let error = Bodies::verified(dir.path()).unwrap_err();
            assert!(error.to_string().contains(what) && error.status() == 2, "{error}");
        };
        says("payload-00002.json was changed: its SHA-256 differs");
        std::fs::write(&path, "{}").unwrap();
        says("payload-00002.json was changed: it has 2 bytes");
        std::fs::remove_file(&path).unwrap();
        says("payload-00002.json is missing");
        std::fs::write(&path, bytes).unwrap();
        std::fs::write(dir.path().join("payload-00003.json"), "{}").unwrap();
        says("payload-00003.json is not in the receipt");
        std::fs::remove_file(dir.path().join(RECEIPT)).unwrap();
        says("has no receipt.json");
    }

    #[test]
    fn what_is_no_body_has_no_needs() {
        for bad in ["", "[]", "{\"import_data\":[5]}", "{\"list_ids\":5}", "{} {}", "{\"import_data\":["] {
            assert!(Needs::default().add(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
