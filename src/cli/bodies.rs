//! The bodies that `presort import` is given: files, standard input, and directories, which are held against their receipt.

use crate::account::import::{Body, KEPT_MAX};
use crate::document::envelope::EnvelopeOverrides;
use crate::model::error::{Error, Result};
use crate::output::body::{RECEIPT, hexadecimal, is_ours};
use crate::output::hash::Hash;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Faults of a directory that are told.
const FAULTS: usize = 5;

/// A body that is to be imported: where it is, and what it is called.
pub struct Payload {
    path: PathBuf,
    /// What it is called.
    pub name: String,
    /// What the receipt says of it.
    written: Option<Written>,
}

/// A body, as a receipt has it.
#[derive(Debug, Clone, Deserialize)]
struct Written {
    file: String,
    bytes: u64,
    sha256: String,
}

/// As much of a receipt as says which bodies there are.
#[derive(Deserialize)]
struct Receipt {
    payloads: Vec<Written>,
    /// Runs before that wrote into the same directory.
    #[serde(default)]
    earlier_runs: Vec<Receipt>,
    #[serde(default)]
    stopped: Option<serde::de::IgnoredAny>,
}

impl Receipt {
    /// All bodies by their names; what a later run says of one holds.
    fn bodies(&self, all: &mut BTreeMap<String, Written>) {
        self.earlier_runs.iter().for_each(|earlier| earlier.bodies(all));
        all.extend(self.payloads.iter().map(|written| (written.file.clone(), written.clone())));
    }
}

/// What was named, looked at before anything is imported.
#[derive(Default)]
pub struct Payloads {
    /// The bodies, in their order.
    pub all: Vec<Payload>,
    /// What the user is to know about them.
    pub notes: Vec<String>,
}

/// The bodies that are named: a directory stands for those in it, in their order. They must be those of its receipt, unless
/// `no_receipt` says that it does not matter.
pub fn payloads(named: &[PathBuf], no_receipt: bool) -> Result<Payloads> {
    let mut payloads = Payloads::default();
    for path in named {
        if path.is_dir() {
            directory(path, no_receipt, &mut payloads)?;
            continue;
        }
        let name = match path.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => path.display().to_string(),
        };
        payloads.all.push(Payload { path: path.clone(), name, written: None });
    }
    Ok(payloads)
}

fn directory(dir: &Path, no_receipt: bool, payloads: &mut Payloads) -> Result<()> {
    let name = dir.display().to_string();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| Error::io("read", &name, error))? {
        let entry = entry.map_err(|error| Error::io("read", &name, error))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.retain(|name| is_ours(name) && name != RECEIPT);
    // More than 99,999 have longer names.
    names.sort_by_key(|name| (name.len(), name.clone()));
    let mut written = BTreeMap::new();
    let receipt = if no_receipt { None } else { receipt(dir)? };
    if let Some(receipt) = &receipt {
        receipt.bodies(&mut written);
        if names.is_empty() && written.is_empty() {
            return Err(Error::usage(format!("{name} has no bodies: by its {RECEIPT} none were written")));
        }
        hold_against(dir, &names, &written)?;
        if receipt.stopped.is_some() {
            payloads.notes.push(format!(
                "by its {RECEIPT}, the run that wrote {name} stopped early: the bodies have only a part of its input"
            ));
        }
    }
    if names.is_empty() {
        return Err(Error::usage(format!("{name} has no payload-00001.json, nor any other body")));
    }
    if receipt.is_none() && !no_receipt {
        return Err(Error::usage(format!(
            "{name} has no {RECEIPT}, which is written last: bodies may be missing; --no-receipt imports those that are there"
        )));
    }
    payloads.all.extend(names.into_iter().map(|file| {
        let path = dir.join(&file);
        Payload { name: path.display().to_string(), path, written: written.remove(&file) }
    }));
    Ok(())
}

/// The receipt of a directory, if it has one.
fn receipt(dir: &Path) -> Result<Option<Receipt>> {
    let path = dir.join(RECEIPT);
    let name = path.display().to_string();
    let json = match std::fs::read(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &name, error)),
    };
    let receipt = serde_json::from_slice(&json).map_err(|error| {
        Error::usage(format!("{name} is no receipt of presort: {error}; --no-receipt imports the bodies without it"))
    })?;
    Ok(Some(receipt))
}

/// Makes sure that a directory has the bodies of its receipt, as they were written, and no others.
fn hold_against(dir: &Path, names: &[String], written: &BTreeMap<String, Written>) -> Result<()> {
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
        return Ok(());
    }
    let more = faults.len().saturating_sub(FAULTS);
    faults.truncate(FAULTS);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    Err(Error::usage(format!(
        "{}: the bodies are not those of {RECEIPT}: {}; nothing was imported. Write them again, or import what is there with \
         --no-receipt",
        dir.display(),
        faults.join("; ")
    )))
}

/// How a file differs from what was written.
fn difference(path: &Path, written: &Written) -> Result<Option<String>> {
    let fail = |error| Error::io("read", path.display().to_string(), error);
    let mut file = File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    if bytes != written.bytes {
        return Ok(Some(format!("was changed: it has {bytes} bytes, and {} were written", written.bytes)));
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
    Ok((!is_same).then(|| "was changed: its SHA-256 is another".to_owned()))
}

impl Payload {
    /// Reads the body, as much of it as an import can use.
    pub fn read(&self, overrides: &EnvelopeOverrides) -> Result<Body> {
        let fail = |error| Error::io("read", &self.name, error);
        let mut input: Box<dyn Read> = match self.path.to_str() {
            Some("-") => Box::new(io::stdin().lock()),
            _ => Box::new(File::open(&self.path).map_err(fail)?),
        };
        let mut bytes = Vec::new();
        input.by_ref().take(KEPT_MAX as u64).read_to_end(&mut bytes).map_err(fail)?;
        let mut bytes_dropped = 0;
        if bytes.len() == KEPT_MAX {
            bytes_dropped = match std::fs::metadata(&self.path) {
                Ok(meta) if meta.is_file() => meta.len().saturating_sub(KEPT_MAX as u64),
                _ => io::copy(&mut input, &mut io::sink()).map_err(fail)?,
            };
        }
        let is_same = self.written.as_ref().is_none_or(|written| {
            // Of a body over the limit only the beginning was kept; all of it was looked at before.
            if bytes_dropped > 0 {
                return written.bytes == bytes.len() as u64 + bytes_dropped;
            }
            let mut hash = Hash::default();
            hash.update(&bytes);
            hexadecimal(hash.end()).eq_ignore_ascii_case(&written.sha256)
        });
        if !is_same {
            let name = &self.name;
            return Err(Error::usage(format!("{name} was changed since it was held against {RECEIPT}; run again")));
        }
        Ok(Body { bytes, bytes_dropped, overrides: overrides.clone() })
    }
}
