//! The bodies for `presort import`: files, standard input, and directories, which are checked against their receipt.

use crate::account::import::{Body, KEPT_MAX};
use crate::document::envelope::EnvelopeOverrides;
use crate::model::error::{Error, Result};
use crate::output::body::{RECEIPT, hexadecimal};
use crate::output::hash::Hash;
use crate::output::part::{is_body, part_of_body};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Faults of a directory that are listed.
const FAULTS: usize = 5;

/// A body to import.
pub struct BodyFile {
    path: PathBuf,
    /// Its name for people.
    pub name: String,
    /// Its entry in the receipt.
    written: Option<ReceiptEntry>,
}

/// The entry of a body in a receipt.
#[derive(Debug, Clone, Deserialize)]
struct ReceiptEntry {
    file: String,
    bytes: u64,
    sha256: String,
}

/// The part of a receipt that lists its bodies.
#[derive(Deserialize)]
struct BodiesOfReceipt {
    payloads: Vec<ReceiptEntry>,
    /// Earlier runs that wrote into the same directory.
    #[serde(default)]
    earlier_runs: Vec<BodiesOfReceipt>,
    #[serde(default)]
    stopped: Option<serde::de::IgnoredAny>,
}

impl BodiesOfReceipt {
    /// All bodies by their names. The entry of a later run takes precedence.
    fn bodies(&self, all: &mut BTreeMap<String, ReceiptEntry>) {
        self.earlier_runs.iter().for_each(|earlier| earlier.bodies(all));
        all.extend(self.payloads.iter().map(|written| (written.file.clone(), written.clone())));
    }
}

/// The bodies to import, checked before the import starts.
#[derive(Default)]
pub struct BodyFiles {
    /// The bodies, in their order.
    pub all: Vec<BodyFile>,
    /// Notes about them for the user.
    pub notes: Vec<String>,
}

/// The bodies of these paths. A directory stands for the bodies in it, in their order; they must match its receipt unless
/// `no_receipt`.
pub fn body_files(paths: &[PathBuf], no_receipt: bool) -> Result<BodyFiles> {
    let mut files = BodyFiles::default();
    for path in paths {
        if path.is_dir() {
            directory(path, no_receipt, &mut files)?;
            continue;
        }
        let name = match path.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => path.display().to_string(),
        };
        files.all.push(BodyFile { path: path.clone(), name, written: None });
    }
    Ok(files)
}

fn directory(dir: &Path, no_receipt: bool, files: &mut BodyFiles) -> Result<()> {
    let name = dir.display().to_string();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| Error::io("read", &name, error))? {
        let entry = entry.map_err(|error| Error::io("read", &name, error))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.retain(|name| is_body(name));
    // Bodies after 99,999 have longer names.
    names.sort_by_key(|name| (name.len(), name.clone()));
    let mut written = BTreeMap::new();
    let receipt = if no_receipt { None } else { receipt(dir)? };
    if let Some(receipt) = &receipt {
        receipt.bodies(&mut written);
        if names.is_empty() && written.is_empty() {
            return Err(Error::usage(format!("{name} has no bodies: according to its {RECEIPT}, none were written")));
        }
        check_against_receipt(dir, &names, &written)?;
        if receipt.stopped.is_some() {
            files.notes.push(format!(
                "according to its {RECEIPT}, the run that wrote {name} stopped early: the bodies hold only a part of its input"
            ));
        }
    }
    if names.is_empty() {
        return Err(Error::usage(format!("{name} has no payload-00001.json, nor any other body")));
    }
    if receipt.is_none() && !no_receipt && names.iter().any(|name| part_of_body(name).is_some()) {
        return Err(Error::usage(format!(
            "{name} has bodies of parts, and no {RECEIPT} of all of them: make it with presort receipt merge {name} -o {name}/{RECEIPT}; \
             --no-receipt imports the existing bodies"
        )));
    }
    if receipt.is_none() && !no_receipt {
        return Err(Error::usage(format!(
            "{name} has no {RECEIPT}, which is written last: bodies may be missing; --no-receipt imports the existing ones"
        )));
    }
    files.all.extend(names.into_iter().map(|file| {
        let path = dir.join(&file);
        BodyFile { name: path.display().to_string(), path, written: written.remove(&file) }
    }));
    Ok(())
}

/// The receipt of a directory, if it has one.
fn receipt(dir: &Path) -> Result<Option<BodiesOfReceipt>> {
    let path = dir.join(RECEIPT);
    let name = path.display().to_string();
    let json = match std::fs::read(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &name, error)),
    };
    let receipt = serde_json::from_slice(&json).map_err(|error| {
        Error::usage(format!("{name} is not a receipt of presort: {error}; --no-receipt imports the bodies without it"))
    })?;
    Ok(Some(receipt))
}

/// Checks that a directory has exactly the bodies of its receipt, unchanged.
fn check_against_receipt(dir: &Path, names: &[String], written: &BTreeMap<String, ReceiptEntry>) -> Result<()> {
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
        "{}: the bodies are not those of {RECEIPT}: {}; nothing was imported. Write them again, or import the existing bodies with \
         --no-receipt",
        dir.display(),
        faults.join("; ")
    )))
}

/// How a file differs from its entry.
fn difference(path: &Path, written: &ReceiptEntry) -> Result<Option<String>> {
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

impl BodyFile {
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
            // Of a body over the limit only the beginning is kept; the whole of it was checked before.
            if bytes_dropped > 0 {
                return written.bytes == bytes.len() as u64 + bytes_dropped;
            }
            let mut hash = Hash::default();
            hash.update(&bytes);
            hexadecimal(hash.end()).eq_ignore_ascii_case(&written.sha256)
        });
        if !is_same {
            let name = &self.name;
            return Err(Error::usage(format!("{name} changed since it was checked against {RECEIPT}; run again")));
        }
        Ok(Body { bytes, bytes_dropped, overrides: overrides.clone() })
    }
}
