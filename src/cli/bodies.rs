//! The bodies for `presort import`: files, standard input, and directories, which are checked against their receipt.

use crate::account::import::{Body, KEPT_MAX};
use crate::document::envelope::EnvelopeOverrides;
use crate::model::error::{Error, Result};
use crate::output::bodies::{self, Written};
use crate::output::body::{RECEIPT, hexadecimal};
use crate::output::hash::Hash;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A body to import.
pub struct BodyFile {
    path: PathBuf,
    /// Its name for people.
    pub name: String,
    /// Its entry in the receipt.
    written: Option<Written>,
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
    let names = bodies::names(dir)?;
    let mut written = BTreeMap::new();
    let help = "--no-receipt imports the bodies without it";
    let receipt = if no_receipt { None } else { bodies::receipt(dir, help)? };
    let has_receipt = receipt.is_some();
    if let Some(receipt) = receipt {
        written = receipt.written;
        if names.is_empty() && written.is_empty() {
            return Err(Error::usage(format!("{name} has no bodies: according to its {RECEIPT}, none were written")));
        }
        if let Some(what) = bodies::differences(dir, &names, &written)? {
            return Err(Error::usage(format!(
                "{name}: {what}; nothing was imported. Write them again, or import the existing bodies with --no-receipt"
            )));
        }
        if receipt.is_partial {
            files.notes.push(format!(
                "according to its {RECEIPT}, the run that wrote {name} stopped early: the bodies hold only a part of its input"
            ));
        }
    }
    if names.is_empty() {
        return Err(Error::usage(format!("{name} has no payload-00001.json, nor any other body")));
    }
    if !has_receipt && !no_receipt {
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
        Ok(Body { bytes, bytes_dropped, overrides: overrides.clone(), ..Body::default() })
    }
}
