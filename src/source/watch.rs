//! Detects whether a file changed while it was read, by its identity, size and time of modification.

use crate::model::error::{Error, Kind, Result};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The state of a file at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    /// Device and inode; zeros where the system has none.
    id: (u64, u64),
    len: u64,
    modified: Option<SystemTime>,
    /// Time of the last change of the file or its metadata, and the number of its names (hard links); zeros if the system has neither.
    /// A program can set the time of modification back, but not this one.
    changed: (i64, i64, u64),
}

impl Stamp {
    fn of(meta: &Metadata) -> Stamp {
        #[cfg(unix)]
        let (id, changed) = {
            use std::os::unix::fs::MetadataExt;
            ((meta.dev(), meta.ino()), (meta.ctime(), meta.ctime_nsec(), meta.nlink()))
        };
        #[cfg(not(unix))]
        let (id, changed) = ((0, 0), (0, 0, 0));
        Stamp { id, len: meta.len(), modified: meta.modified().ok(), changed }
    }
}

/// Watches one file. The reader and the writer of a run share it: the writer checks again before it renames an output.
#[derive(Debug)]
pub struct Watch {
    name: String,
    /// Path of the file; none for a file that was redirected to standard input.
    path: Option<PathBuf>,
    first: Stamp,
    /// The file while it is open.
    file: Mutex<Option<Arc<File>>>,
    /// The file may grow: the format is one contact a line, and added lines do not change those before them.
    may_grow: AtomicBool,
    /// Its size when it was last seen to have grown, in bytes; 0 if it did not grow.
    grown_to: AtomicU64,
}

impl Watch {
    /// The path, the size and the time of modification when it was opened; `None` for a file that was redirected to standard input.
    pub fn opened(&self) -> Option<(&Path, u64, Option<SystemTime>)> {
        Some((self.path.as_deref()?, self.first.len, self.first.modified))
    }

    pub(super) fn new(name: &str, path: Option<PathBuf>, file: &Arc<File>, meta: &Metadata) -> Watch {
        Watch {
            name: name.to_owned(),
            path,
            first: Stamp::of(meta),
            file: Mutex::new(Some(Arc::clone(file))),
            may_grow: AtomicBool::new(false),
            grown_to: AtomicU64::new(0),
        }
    }

    /// Allows the file to grow. Bytes that are added are not read, and do not stop the run.
    pub fn allow_growth(&self) {
        self.may_grow.store(true, Ordering::Relaxed);
    }

    /// The size that the file grew to, in bytes, if it did.
    #[must_use]
    pub fn grown_to(&self) -> Option<u64> {
        Some(self.grown_to.load(Ordering::Relaxed)).filter(|size| *size > 0)
    }

    /// Closes the file, if it can be opened again. Returns whether it was closed.
    pub(super) fn close(&self) -> bool {
        if self.path.is_none() {
            return false;
        }
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
        true
    }

    /// Opens the file again.
    ///
    /// # Errors
    /// It cannot be opened, or it is another file, or its size changed.
    pub(super) fn reopen(&self) -> Result<Arc<File>> {
        let io = |error| Error::io("open", &self.name, error);
        let Some(path) = &self.path else { return Err(io(io::ErrorKind::Unsupported.into())) };
        let file = Arc::new(File::open(path).map_err(io)?);
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&file));
        self.check()?;
        Ok(file)
    }

    /// Checks that the file has not changed since the watch began.
    ///
    /// # Errors
    /// It changed, or its state cannot be read.
    pub fn check(&self) -> Result<()> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let meta = match (file, &self.path) {
            (Some(file), _) => file.metadata(),
            (None, Some(path)) => path.metadata(),
            (None, None) => return Ok(()),
        };
        let now = match meta {
            Ok(meta) => Stamp::of(&meta),
            // It was removed after it was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("read", &self.name, error)),
        };
        let first = self.first;
        if now.id != first.id {
            return Err(self.changed(first.len, now.len));
        }
        // A file that was removed is still the same file. Another file at its path is a change.
        if let Some(meta) = self.path.as_ref().and_then(|path| path.metadata().ok())
            && Stamp::of(&meta).id != first.id
        {
            return Err(self.changed(first.len, meta.len()));
        }
        if now.len > first.len && self.may_grow.load(Ordering::Relaxed) {
            self.grown_to.store(now.len, Ordering::Relaxed);
            return Ok(());
        }
        // A new or removed hard link does not change the content.
        let is_touched = now.changed.2 == first.changed.2 && now.changed != first.changed;
        if now.len != first.len || now.modified != first.modified || is_touched {
            return Err(self.changed(first.len, now.len));
        }
        Ok(())
    }

    fn changed(&self, before: u64, now: u64) -> Error {
        Kind::Changed { input: self.name.clone(), before, now }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    fn watch(path: &Path) -> Watch {
        let file = Arc::new(File::open(path).unwrap());
        let meta = file.metadata().unwrap();
        Watch::new("in", Some(path.to_path_buf()), &file, &meta)
    }

    fn is_changed(result: Result<()>) -> bool {
        result.is_err_and(|error| matches!(error.kind(), Kind::Changed { .. }))
    }

    #[test]
    fn every_kind_of_change_is_detected() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in");
        let fresh = || {
            fs::write(&path, "0123456789").unwrap();
            // The clock of the file system is coarse.
            let old = File::options().write(true).open(&path).unwrap();
            old.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000)).unwrap();
            watch(&path)
        };
        let write = |text: &str| {
            let mut file = File::options().write(true).truncate(false).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        let same = fresh();
        same.check().unwrap();
        assert_eq!(same.grown_to(), None);

        let rewritten = fresh();
        write("x");
        assert!(is_changed(rewritten.check()));

        #[cfg(unix)]
        {
            // The time of modification is put back.
            let restored = fresh();
            let before = path.metadata().unwrap().modified().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            write("y");
            File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
            assert!(is_changed(restored.check()));
        }

        let shorter = fresh();
        File::options().write(true).open(&path).unwrap().set_len(4).unwrap();
        assert!(is_changed(shorter.check()));

        let longer = fresh();
        write("0123456789ab");
        assert!(is_changed(longer.check()));
        longer.allow_growth();
        longer.check().unwrap();
        assert_eq!(longer.grown_to(), Some(12));

        let gone = fresh();
        fs::remove_file(&path).unwrap();
        gone.check().unwrap();
        #[cfg(unix)]
        {
            fs::write(&path, "0123456789").unwrap();
            assert!(is_changed(gone.check()));
        }
    }

    #[test]
    fn a_file_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in");
        fs::write(&path, "0123456789").unwrap();
        let watch = watch(&path);
        assert!(watch.close());
        watch.check().unwrap();
        watch.reopen().unwrap();
        assert!(watch.close());
        fs::write(&path, "01234").unwrap();
        assert!(is_changed(watch.check()));
        assert!(is_changed(watch.reopen().map(drop)));
        fs::remove_file(&path).unwrap();
        assert!(matches!(watch.reopen().unwrap_err().kind(), Kind::Io { doing: "open", .. }));
    }
}
