//! One part of a larger job: a partition of an export that a run of its own cleans, beside runs for the other parts.
//!
//! Each part has an id, which is in the names of its files. Runs of different parts write into one directory at the same time. A part
//! that is run again replaces what it wrote before, so a job can repeat a part that failed, or that it lost sight of.

use crate::model::error::{Error, Result};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Most characters of an id.
const ID_MAX: usize = 64;

/// Digits of the number in the name of a body, at least.
const DIGITS: usize = 5;

/// The id of a part, and how many parts there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    id: String,
    parts: Option<u64>,
}

impl Part {
    /// A part of a job that has this many parts, where that is known.
    ///
    /// # Errors
    /// The id cannot be in the name of a file everywhere. The text says what to write.
    pub fn new(id: &str, parts: Option<u64>) -> std::result::Result<Part, String> {
        let is_good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if id.is_empty() || id.len() > ID_MAX || !id.bytes().all(is_good) {
            return Err(format!("write 1 to {ID_MAX} letters of ASCII, digits, - or _"));
        }
        Ok(Part { id: id.to_owned(), parts })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many parts there are, where that is known.
    #[must_use]
    pub fn parts(&self) -> Option<u64> {
        self.parts
    }

    /// The name of a file that this part has one of: `report-ID.ndjson`.
    #[must_use]
    pub fn file(&self, kind: &str, extension: &str) -> String {
        format!("{kind}-{}.{extension}", self.id)
    }

    /// Waits until no other run of this part writes to the directory, and keeps others out while the result lives.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn lock(&self, dir: &Path) -> Result<PartLock> {
        let path = dir.join(format!(".presort-part-{}.lock", self.id));
        let fail = |error| Error::io("lock", path.display().to_string(), error);
        loop {
            let file = File::options().create(true).append(true).open(&path).map_err(fail)?;
            match file.lock() {
                // The run before may have removed the file between the two calls. Then its lock excludes no other run.
                Ok(()) if is_at(&file, &path) => return Ok(PartLock { path, _file: file }),
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Some file systems have no locks. What is renamed is whole all the same.
                Err(_) => return Ok(PartLock { path, _file: file }),
            }
        }
    }
}

/// Whether an open file is still the one of this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    file.metadata().ok().map(identity) == std::fs::metadata(path).ok().map(identity)
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// The right to write the files of a part.
#[derive(Debug)]
pub struct PartLock {
    path: PathBuf,
    _file: File,
}

impl Drop for PartLock {
    fn drop(&mut self) {
        // It is removed while it is locked: a run that waits for it notices, and takes a new one.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Name of the receipt beside the bodies of a run, or of one part.
#[must_use]
pub fn receipt_name(part: Option<&Part>) -> String {
    part.map_or_else(|| "receipt.json".to_owned(), |part| part.file("receipt", "json"))
}

/// Name of body `number`, from 1.
#[must_use]
pub fn body_name(part: Option<&Part>, number: usize) -> String {
    match part {
        Some(part) => format!("payload-{}-{number:0DIGITS$}.json", part.id),
        None => format!("payload-{number:0DIGITS$}.json"),
    }
}

/// The number in the name of a body of this run or part.
#[must_use]
pub fn number_of(part: Option<&Part>, name: &str) -> Option<usize> {
    let rest = name.strip_prefix("payload-")?.strip_suffix(".json")?;
    let number = match part {
        Some(part) => rest.strip_prefix(part.id())?.strip_prefix('-')?,
        None => rest,
    };
    let number = number.parse().ok()?;
    (body_name(part, number) == name).then_some(number)
}

/// The id in the name of a part's receipt, `receipt-ID.json`.
#[must_use]
pub fn id_of_receipt(name: &str) -> Option<&str> {
    let id = name.strip_prefix("receipt-")?.strip_suffix(".json")?;
    Part::new(id, None).is_ok().then_some(id)
}

/// The part that a body is of, by its name; none of the body of a whole run.
#[must_use]
pub fn part_of_body(name: &str) -> Option<Part> {
    let (id, _) = name.strip_prefix("payload-")?.rsplit_once('-')?;
    Part::new(id, None).ok().filter(|part| number_of(Some(part), name).is_some())
}

/// True for the names of bodies, of whole runs and of parts.
#[must_use]
pub fn is_body(name: &str) -> bool {
    number_of(None, name).is_some() || part_of_body(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for id in ["0", "a", "2024-01-01_x", "-", &"x".repeat(64)] {
            assert_eq!(Part::new(id, None).unwrap().id(), id);
        }
        for id in ["", "a b", "a/b", "..", "a.b", "\u{e9}", "a\n", &"x".repeat(65)] {
            assert!(Part::new(id, None).is_err(), "{id:?}");
        }
    }

    #[test]
    fn names() {
        let part = |id: &str| Part::new(id, None).unwrap();
        assert_eq!(body_name(None, 7), "payload-00007.json");
        assert_eq!(body_name(Some(&part("a-1")), 123_456), "payload-a-1-123456.json");
        assert_eq!(number_of(Some(&part("a-1")), "payload-a-1-123456.json"), Some(123_456));
        // Those of another part, and of none.
        assert_eq!(number_of(Some(&part("a")), "payload-a-1-00001.json"), None);
        assert_eq!(number_of(Some(&part("a")), "payload-00001.json"), None);
        assert_eq!(number_of(None, "payload-1-00001.json"), None);
        for name in ["payload-00001.json", "payload-a-00001.json", "payload---00001.json", "payload-123456.json"] {
            assert!(is_body(name), "{name}");
        }
        for name in
            ["payload-1.json", "payload-a-1.json", "payload--00001.json", "payload-a-00001.json.tmp", "receipt.json"]
        {
            assert!(!is_body(name), "{name}");
        }
        assert_eq!(id_of_receipt("receipt-a-1.json"), Some("a-1"));
        assert_eq!((id_of_receipt("receipt.json"), id_of_receipt("receipt-.json")), (None, None));
    }

    #[test]
    fn one_run_of_a_part_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let part = Part::new("a", None).unwrap();
        let first = part.lock(dir.path()).unwrap();
        // Another part does not wait.
        drop(Part::new("b", None).unwrap().lock(dir.path()).unwrap());
        let (tx, rx) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _second = part.lock(dir.path()).unwrap();
                tx.send("second").unwrap();
            });
            tx.send("first").unwrap();
            drop(first);
        });
        assert_eq!(rx.iter().take(2).collect::<Vec<_>>(), ["first", "second"]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
