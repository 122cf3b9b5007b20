//! The journal on the disk.

use super::bodies::Body;
use super::claims::{Candidate, Claims};
use super::journal::{Entry, Event};
use super::sender::Log;
use super::{Error, Result};
use crate::model::error;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Its name in the directory of the bodies.
pub const NAME: &str = "send.journal";

/// The journal of a directory, locked while it is open.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    name: String,
    /// What was in it when it was opened, without an incomplete last line.
    pub before: Vec<u8>,
    /// What other deliveries of this machine see; `None` if there is no place for it.
    pub claims: Option<Claims>,
}

impl JournalFile {
    /// Opens the journal of a directory, or begins one.
    ///
    /// # Errors
    /// It cannot be read or written, or another process sends these bodies.
    pub fn open(dir: &Path) -> Result<JournalFile> {
        let path = dir.join(NAME);
        let name = path.display().to_string();
        let fail = |doing, error| Error::from(error::Error::io(doing, &name, error));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| fail("write", error))?;
        match file.try_lock() {
            // Where the file system has no locks, the user is trusted.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::could(format!(
                    "another presort sends the bodies of {}: wait for it, or end it",
                    dir.display()
                )));
            }
        }
        let mut before = Vec::new();
        file.read_to_end(&mut before).map_err(|error| fail("read", error))?;
        let complete = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        if complete < before.len() {
            before.truncate(complete);
            file.set_len(complete as u64).map_err(|error| fail("write", error))?;
        }
        file.seek(SeekFrom::Start(complete as u64)).map_err(|error| fail("read", error))?;
        file.sync_all().map_err(|error| fail("write", error))?;
        // The name itself must survive as well. Some systems cannot open directories.
        if let Ok(dir) = File::open(dir) {
            let _ = dir.sync_all();
        }
        Ok(JournalFile { file, name, before, claims: None })
    }
}

impl Log for JournalFile {
    fn append(&mut self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_vec(entry).map_err(|error| Error::could(format!("{}: {error}", self.name)))?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.map_err(|error| error::Error::io("write", &self.name, error).into())
    }

    fn share(&mut self, body: &Body, event: &Event) -> Result<()> {
        self.claims.as_mut().map_or(Ok(()), |claims| claims.note(body, event))
    }

    fn claim(&mut self, body: &Body, candidates: &[Candidate]) -> Result<Option<String>> {
        // Without the claims of others, any activity can be another's.
        self.claims.as_mut().map_or(Ok(None), |claims| claims.claim(body, candidates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_line_is_cut_off_and_a_second_sender_refused() {
        let dir = tempfile::tempdir().unwrap();
        let entry = Entry {
            at: String::new(),
            base_url: "b".into(),
            account: None,
            file: None,
            sha256: None,
            event: Event::Answer { status: 200 },
        };
        let mut journal = JournalFile::open(dir.path()).unwrap();
        assert!(journal.before.is_empty());
        journal.append(&entry).unwrap();
        let error = JournalFile::open(dir.path()).unwrap_err();
        assert!(error.to_string().starts_with("another presort sends"), "{error}");
        drop(journal);
        let path = dir.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], br#"{"at":"#].concat()).unwrap();
        let mut journal = JournalFile::open(dir.path()).unwrap();
        assert_eq!(journal.before, whole);
        journal.append(&entry).unwrap();
        drop(journal);
        assert_eq!(std::fs::read(&path).unwrap(), [&whole[..], &whole[..]].concat());
    }
}
