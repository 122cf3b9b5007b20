//! What was accepted and is not done: a second SQLite file beside the account's, like the log that SQLite itself keeps there.
//!
//! An import is one transaction, and SQLite has one writer a file: were bodies accepted into the account itself, every client would
//! wait for the import that runs. So they go to `FILE-queue`, and leave it when their activity is in the account. What is in
//! both was done, and only has to leave: whatever ends the process in between, an activity is applied once.
//!
//! The file goes away with the last process that has it open, if nothing waits in it. Each holds a shared lock on it, so that
//! the last one knows.

use super::import::{Body, Options};
use super::values::{Id, Time};
use super::{Error, QUEUED_MAX, Result, connect, lock};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS waiting (
        seq INTEGER PRIMARY KEY,
        activity_id BLOB NOT NULL UNIQUE,
        source_file_name TEXT,
        created_at INTEGER NOT NULL,
        bytes_dropped INTEGER NOT NULL,
        options TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
";

/// An activity that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its place in the order of all activities: microseconds since 1970, and greater than that of the one before.
    pub seq: i64,
    /// Its identifier.
    pub id: Id,
    /// The file that the body came from.
    pub source_file_name: Option<String>,
    /// When it was accepted.
    pub created_at: Time,
}

/// The queue of an account.
#[derive(Debug)]
pub struct Queue {
    path: PathBuf,
    /// None once it is closed.
    connection: Mutex<Option<Connection>>,
    /// Holds the lock. It must be closed after the connections: the system forgets SQLite's locks on a file when any handle of
    /// this process to it is closed.
    file: Option<File>,
}

impl Queue {
    /// Opens the queue of an account; makes it where there is none.
    pub fn open(account: &Path) -> Result<Queue> {
        let mut name = account.as_os_str().to_owned();
        name.push("-queue");
        let path = PathBuf::from(name);
        let io = |source| Error::Io { file: path.display().to_string(), source };
        let file = loop {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
            file.lock_shared().map_err(io)?;
            // It may have gone away between the two.
            if is_at(&file, &path) {
                break file;
            }
        };
        let made = || -> rusqlite::Result<Connection> {
            let connection = connect(&path, true)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        };
        let connection = made().map_err(|source| Error::Database { file: path.display().to_string(), source })?;
        Ok(Queue { path, connection: Mutex::new(Some(connection)), file: Some(file) })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut connection = lock(&self.connection);
        let Some(connection) = connection.as_mut() else {
            return Err(Error::Invalid("the account is closed".into()));
        };
        work(connection).map_err(|error| match error {
            Error::Database { file, source } if file.is_empty() => {
                Error::Database { file: self.path.display().to_string(), source }
            }
            other => other,
        })
    }

    /// Puts an activity at the end. When this is done, it is on the disk.
    ///
    /// # Errors
    /// As many wait as may, or it cannot be written.
    pub fn push(&self, body: &Body, source_file_name: Option<&str>) -> Result<Waiting> {
        let options = serde_json::to_string(&body.options).unwrap_or_default();
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (count, last): (u64, Option<i64>) = transaction
                .prepare_cached("SELECT count(*), max(seq) FROM waiting")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if count >= QUEUED_MAX {
                return Err(Error::Full);
            }
            // Under the lock, so that identifiers are in the order of the queue.
            let (id, now) = (Id::new(), Time::now());
            let seq = jiff::Timestamp::now().as_microsecond().max(last.map_or(0, |last| last + 1));
            transaction
                .prepare_cached(
                    "INSERT INTO waiting (seq, activity_id, source_file_name, created_at, bytes_dropped, options, body)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![seq, id, source_file_name, now, body.bytes_dropped as i64, options, body.bytes])?;
            transaction.commit()?;
            Ok(Waiting { seq, id, source_file_name: source_file_name.map(str::to_owned), created_at: now })
        })
    }

    /// The one that has waited longest, with its body; none if its options cannot be read.
    pub fn first(&self) -> Result<Option<(Waiting, Option<Body>)>> {
        self.with(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT seq, activity_id, source_file_name, created_at, bytes_dropped, options, body FROM waiting
                     ORDER BY seq LIMIT 1",
                )?
                .query_row([], |row| {
                    let waiting = Waiting {
                        seq: row.get(0)?,
                        id: row.get(1)?,
                        source_file_name: row.get(2)?,
                        created_at: row.get(3)?,
                    };
                    let options: Option<Options> = serde_json::from_str(row.get_ref(5)?.as_str()?).ok();
                    let bytes_dropped = row.get::<_, i64>(4)?.unsigned_abs();
                    let bytes = row.get(6)?;
                    Ok((waiting, options.map(|options| Body { bytes, bytes_dropped, options })))
                })
                .optional()?)
        })
    }

    /// One that waits.
    pub fn find(&self, id: Id) -> Result<Option<Waiting>> {
        self.with(|connection| {
            Ok(connection
                .prepare_cached("SELECT seq, source_file_name, created_at FROM waiting WHERE activity_id = ?1")?
                .query_row([id], |row| {
                    Ok(Waiting { seq: row.get(0)?, id, source_file_name: row.get(1)?, created_at: row.get(2)? })
                })
                .optional()?)
        })
    }

    /// Takes one away that is in the account.
    pub fn remove(&self, id: Id) -> Result<()> {
        self.with(|connection| {
            // Should this be lost, it is found in the account and taken away again.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            let done = connection.prepare_cached("DELETE FROM waiting WHERE activity_id = ?1")?.execute([id]);
            connection.pragma_update(None, "synchronous", "FULL")?;
            done?;
            Ok(())
        })
    }

    /// How many wait.
    pub fn count(&self) -> Result<u64> {
        self.with(|connection| {
            Ok(connection.prepare_cached("SELECT count(*) FROM waiting")?.query_row([], |row| row.get(0))?)
        })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let is_empty = self.count().is_ok_and(|count| count == 0);
        drop(lock(&self.connection).take());
        let Some(file) = self.file.take() else { return };
        // Only the last may, and nobody may open it meanwhile and keep it: who does looks again once it has the lock.
        let _ = file.unlock();
        match file.try_lock() {
            Ok(()) if is_empty && is_at(&file, &self.path) && is_unused(&self.path) => {
                let _ = std::fs::remove_file(&self.path);
            }
            Ok(()) | Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

/// True when SQLite left nothing beside the file, as it does when its last connection was closed in order.
fn is_unused(path: &Path) -> bool {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name).exists()
    };
    !beside("-wal") && !beside("-shm")
}

/// True when the file is the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        match (file.metadata(), path.metadata()) {
            (Ok(file), Ok(path)) => (file.dev(), file.ino()) == (path.dev(), path.ino()),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        // A file that is open does not go away there.
        let _ = file;
        path.exists()
    }
}
