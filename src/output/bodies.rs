//! The bodies of a directory, compared with its receipt.

use super::body::{RECEIPT, hexadecimal};
use super::hash::Hash;
use super::part::is_body;
use crate::model::error::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Faults that are listed.
const FAULTS: usize = 5;

/// The entry of a body in a receipt.
#[derive(Debug, Clone, Deserialize)]
pub struct Written {
    /// Its file, without the directory.
    pub file: String,
    /// Contacts in it.
    #[serde(default)]
    pub contacts: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// The part of a receipt that lists its bodies.
#[derive(Deserialize)]
struct BodiesOfReceipt {
    payloads: Vec<Written>,
    /// Earlier runs that wrote into the same directory.
    #[serde(default)]
    earlier_runs: Vec<BodiesOfReceipt>,
    #[serde(default)]
    stopped: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    contacts: ContactsOfReceipt,
}

#[derive(Default, Deserialize)]
struct ContactsOfReceipt {
    #[serde(default)]
    rejected: u64,
    #[serde(default)]
    opted_out: u64,
}

impl BodiesOfReceipt {
    /// All bodies by their names. The entry of a later run takes precedence.
    fn bodies(&self, all: &mut BTreeMap<String, Written>) {
        self.earlier_runs.iter().for_each(|earlier| earlier.bodies(all));
        all.extend(self.payloads.iter().map(|written| (written.file.clone(), written.clone())));
    }
}

/// What a receipt says.
#[derive(Debug)]
pub struct ReadReceipt {
    /// Its bodies, and those of earlier runs, by their names.
    pub written: BTreeMap<String, Written>,
    /// The run stopped early.
    pub is_partial: bool,
    /// Contacts that the last run rejected.
    pub rejected: u64,
    /// Of these, those who opted out or are suppressed.
    pub opted_out: u64,
}

/// The names of the bodies in a directory, in their order.
///
/// # Errors
/// It cannot be read.
pub fn names(dir: &Path) -> Result<Vec<String>> {
    let name = dir.display().to_string();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| Error::io("read", &name, error))? {
        let entry = entry.map_err(|error| Error::io("read", &name, error))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.retain(|name| is_body(name));
    // Bodies after 99,999 have longer names.
    names.sort_by_key(|name| (name.len(), name.clone()));
    Ok(names)
}

/// The receipt of a directory, if it has one. `help` is what can be done with a broken one.
///
/// # Errors
/// It cannot be read, or is none.
pub fn receipt(dir: &Path, help: &str) -> Result<Option<ReadReceipt>> {
    let path = dir.join(RECEIPT);
    let name = path.display().to_string();
    let json = match std::fs::read(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &name, error)),
    };
    let receipt: BodiesOfReceipt = serde_json::from_slice(&json)
        .map_err(|error| Error::usage(format!("{name} is not a receipt of presort: {error}; {help}")))?;
    let mut written = BTreeMap::new();
    receipt.bodies(&mut written);
    let ContactsOfReceipt { rejected, opted_out } = receipt.contacts;
    Ok(Some(ReadReceipt { written, is_partial: receipt.stopped.is_some(), rejected, opted_out }))
}

/// How the bodies of a directory differ from its receipt, in words; `None` if they do not.
///
/// # Errors
/// A body cannot be read.
pub fn differences(dir: &Path, names: &[String], written: &BTreeMap<String, Written>) -> Result<Option<String>> {
    let mut faults = Vec::new();
    let missing = written.keys().filter(|file| !names.contains(file));
    faults.extend(missing.map(|file| format!("{file} is missing")));
    for file in names {
        match written.get(file) {
            None => faults.push(format!("{file} is not in the receipt")),
            Some(written) => faults.extend(difference(&dir.join(file), written)?.map(|what| format!("{file} {what}"))),
        }
    }
    if faults.is_empty() {
        return Ok(None);
    }
    let more = faults.len().saturating_sub(FAULTS);
    faults.truncate(FAULTS);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    Ok(Some(format!("the bodies are not those of {RECEIPT}: {}", faults.join("; "))))
}

/// How a file differs from its entry.
fn difference(path: &Path, written: &Written) -> Result<Option<String>> {
    let fail = |error| Error::io("read", path.display().to_string(), error);
    let mut file = File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    if bytes != written.bytes {
        return Ok(Some(format!("was changed: it has {bytes} bytes instead of {}", written.bytes)));
    }
    let (mut hash, mut buffer) = (Hash::default(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fail(error)),
        }
    }
    let is_same = hexadecimal(hash.end()).eq_ignore_ascii_case(&written.sha256);
    Ok((!is_same).then(|| "was changed: its SHA-256 differs".to_owned()))
}
