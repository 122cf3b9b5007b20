//! The queue of accepted activities: a second SQLite file beside the account's, like the log that SQLite itself keeps there.
//!
//! An import is one transaction, and SQLite has one writer per file: if bodies were accepted into the account itself, every client
//! would wait for the running import. So they go to `FILE-queue`, and leave it once their activity is in the account. An activity
//! in both files was applied, and only has to leave the queue: however the process ends in between, it is applied once.
//!
//! The last process that has the file open deletes it if the queue is empty. Each process holds a shared lock on it, so that
//! the last one knows that it is the last.

use super::clock::{IdOf, Stamp};
use super::import::{Body, KEPT_MAX};
use super::tasks::Work;
use super::values::{Id, Time};
use super::{Error, QUEUED_MAX, Result, connect, lock, patiently, private};
use crate::document::envelope::EnvelopeOverrides;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS waiting (
        seq INTEGER PRIMARY KEY,
        activity_id BLOB NOT NULL UNIQUE,
        source_file_name TEXT,
        created_at INTEGER NOT NULL,
        bytes_dropped INTEGER NOT NULL,
        asked TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
";

/// What an activity was asked for, beside its body.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(flatten)]
    overrides: EnvelopeOverrides,
    #[serde(skip_serializing_if = "Work::is_json_import")]
    work: Work,
}

/// What a waiting activity does, from what it was asked for.
pub(super) fn work_of(asked: &str) -> Work {
    serde_json::from_str(asked).map_or_else(|_| Work::default(), |asked: Asked| asked.work)
}

/// A waiting activity.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its position in the order of all activities: microseconds since 1970, and greater than that of the one before.
    pub seq: i64,
    /// Its identifier.
    pub id: Id,
    /// The file that the body came from.
    pub source_file_name: Option<String>,
    /// When it was accepted.
    pub created_at: Time,
    /// What it does.
    pub work: Work,
}

/// The queue of an account.
#[derive(Debug)]
pub struct Queue {
    path: PathBuf,
    /// `None` once it is closed.
    connection: Mutex<Option<Connection>>,
    /// The greatest [`Waiting::seq`] so far: a clock may go back.
    last: AtomicI64,
    /// The number of the last seeded identifier.
    number: AtomicU64,
    /// Holds the lock. It must be closed after the connections: POSIX drops SQLite's locks on a file when this process closes
    /// any handle to it.
    file: Option<File>,
}

impl Queue {
    /// The path of the queue of an account.
    pub fn path_of(account: &Path) -> PathBuf {
        let mut name = account.as_os_str().to_owned();
        name.push("-queue");
        PathBuf::from(name)
    }

    /// Opens the queue of an account, or creates it. `last` is the greatest [`Waiting::seq`] in the account.
    pub fn open(account: &Path, last: i64) -> Result<Queue> {
        let path = Queue::path_of(account);
        let io = |source| Error::Io { file: path.display().to_string(), source };
        let file = loop {
            let file = private().create(true).truncate(false).open(&path).map_err(io)?;
            file.lock_shared().map_err(io)?;
            // It may have been deleted between the two.
            if is_at(&file, &path) {
                break file;
            }
        };
        let open = || -> rusqlite::Result<Connection> {
            let connection = connect(&path, true)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        };
        let connection = patiently(open).map_err(|source| Error::database(&path, source))?;
        Ok(Queue {
            path,
            connection: Mutex::new(Some(connection)),
            last: AtomicI64::new(last),
            number: AtomicU64::new(0),
            file: Some(file),
        })
    }

    /// Sets the number of the last seeded identifier.
    pub fn seed(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// The path of its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut connection = lock(&self.connection);
        let Some(connection) = connection.as_mut() else {
            return Err(Error::Invalid("the account is closed".into()));
        };
        work(connection).map_err(|error| match error {
            Error::Database { file, source, .. } if file.is_empty() => Error::database(&self.path, source),
            other => other,
        })
    }

    /// Appends an activity, with as much of its body as an import can use. Once this returns, it is on the disk.
    ///
    /// # Errors
    /// The queue is full, or cannot be written.
    pub fn push(&self, body: &Body, source_file_name: Option<&str>, stamp: Stamp) -> Result<Waiting> {
        self.put(body, source_file_name, false, stamp)
    }

    /// Like [`Queue::push`], but returns the waiting activity if the same body of the same file waits already.
    ///
    /// # Errors
    /// As [`Queue::push`].
    pub fn push_once(&self, body: &Body, source_file_name: &str, stamp: Stamp) -> Result<Waiting> {
        self.put(body, Some(source_file_name), true, stamp)
    }

    fn put(&self, body: &Body, source_file_name: Option<&str>, once: bool, stamp: Stamp) -> Result<Waiting> {
        let asked = Asked { overrides: body.overrides.clone(), work: body.work };
        let asked = serde_json::to_string(&asked).unwrap_or_default();
        let kept = &body.bytes[..body.bytes.len().min(KEPT_MAX)];
        let dropped = body.bytes_dropped + (body.bytes.len() - kept.len()) as u64;
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if once {
                let duplicate = transaction
                    .prepare_cached(
                        "SELECT seq, activity_id, created_at FROM waiting
                         WHERE source_file_name = ?1 AND bytes_dropped = ?2 AND asked = ?3 AND body = ?4 LIMIT 1",
                    )?
                    .query_row(params![source_file_name, dropped as i64, asked, kept], |row| {
                        let source_file_name = source_file_name.map(str::to_owned);
                        Ok(Waiting {
                            seq: row.get(0)?,
                            id: row.get(1)?,
                            source_file_name,
                            created_at: row.get(2)?,
                            work: body.work,
                        })
                    })
                    .optional()?;
                if let Some(duplicate) = duplicate {
                    return Ok(duplicate);
                }
            }
            let (count, last): (u64, Option<i64>) = transaction
                .prepare_cached("SELECT count(*), max(seq) FROM waiting")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if count >= QUEUED_MAX {
                return Err(Error::Full);
            }
            // In the transaction, so that identifiers are in the order of the queue.
            let id = match stamp.seeded {
                true => IdOf::Activity.seeded(self.number.fetch_add(1, Ordering::Relaxed) + 1),
                false => Id::new(),
            };
            let now = stamp.now;
            let last = last.unwrap_or(0).max(self.last.load(Ordering::Relaxed));
            let seq = jiff::Timestamp::now().as_microsecond().max(last + 1);
            transaction
                .prepare_cached(
                    "INSERT INTO waiting (seq, activity_id, source_file_name, created_at, bytes_dropped, asked, body)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![seq, id, source_file_name, now, dropped as i64, asked, kept])?;
            transaction.commit()?;
            self.last.fetch_max(seq, Ordering::Relaxed);
            let source_file_name = source_file_name.map(str::to_owned);
            Ok(Waiting { seq, id, source_file_name, created_at: now, work: body.work })
        })
    }

    /// The activity that has waited longest, with its body; no body if its options cannot be read.
    pub fn first(&self) -> Result<Option<(Waiting, Option<Body>)>> {
        self.with(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT seq, activity_id, source_file_name, created_at, bytes_dropped, asked, body FROM waiting
                     ORDER BY seq LIMIT 1",
                )?
                .query_row([], |row| {
                    let asked: Option<Asked> = serde_json::from_str(row.get_ref(5)?.as_str()?).ok();
                    let waiting = Waiting {
                        seq: row.get(0)?,
                        id: row.get(1)?,
                        source_file_name: row.get(2)?,
                        created_at: row.get(3)?,
                        work: asked.as_ref().map_or_else(Work::default, |asked| asked.work),
                    };
                    let bytes_dropped = row.get::<_, i64>(4)?.unsigned_abs();
                    let bytes = row.get(6)?;
                    let body = asked.map(|Asked { overrides, work }| Body { bytes, bytes_dropped, overrides, work });
                    Ok((waiting, body))
                })
                .optional()?)
        })
    }

    /// A waiting activity by its identifier.
    pub fn find(&self, id: Id) -> Result<Option<Waiting>> {
        self.with(|connection| {
            Ok(connection
                .prepare_cached("SELECT seq, source_file_name, created_at, asked FROM waiting WHERE activity_id = ?1")?
                .query_row([id], |row| {
                    Ok(Waiting {
                        seq: row.get(0)?,
                        id,
                        source_file_name: row.get(1)?,
                        created_at: row.get(2)?,
                        work: work_of(row.get_ref(3)?.as_str()?),
                    })
                })
                .optional()?)
        })
    }

    /// Removes an activity that is in the account.
    pub fn remove(&self, id: Id) -> Result<()> {
        self.with(|connection| {
            // If the deletion is lost, the next open finds the activity in the account and removes it again.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            let done = connection.prepare_cached("DELETE FROM waiting WHERE activity_id = ?1")?.execute([id]);
            connection.pragma_update(None, "synchronous", "FULL")?;
            done?;
            Ok(())
        })
    }

    /// The position of the last activity that waits; 0 if none does.
    pub fn last_waiting(&self) -> Result<i64> {
        self.with(|connection| {
            let last: Option<i64> =
                connection.prepare_cached("SELECT max(seq) FROM waiting")?.query_row([], |row| row.get(0))?;
            Ok(last.unwrap_or(0))
        })
    }

    /// Removes the activities up to a position. Later ones get greater positions.
    pub fn remove_to(&self, seq: i64) -> Result<()> {
        self.last.fetch_max(seq, Ordering::Relaxed);
        self.with(|connection| {
            connection.prepare_cached("DELETE FROM waiting WHERE seq <= ?1")?.execute([seq])?;
            Ok(())
        })
    }

    /// Puts an activity back, for tests.
    #[cfg(test)]
    pub fn put_back(&self, waiting: &Waiting, body: &Body) -> Result<()> {
        self.with(|connection| {
            connection.execute(
                "INSERT INTO waiting (seq, activity_id, created_at, bytes_dropped, asked, body)
                 VALUES (?1, ?2, ?3, 0, '{}', ?4)",
                params![waiting.seq, waiting.id, waiting.created_at, body.bytes],
            )?;
            Ok(())
        })
    }

    /// The number of waiting activities.
    pub fn count(&self) -> Result<u64> {
        self.with(|connection| {
            Ok(connection.prepare_cached("SELECT count(*) FROM waiting")?.query_row([], |row| row.get(0))?)
        })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        drop(lock(&self.connection).take());
        let Some(file) = self.file.take() else { return };
        // Only the last process may delete the file. A process that opens it meanwhile checks its path again under the lock.
        let _ = file.unlock();
        match file.try_lock() {
            // This lock shows everything that others wrote before they released theirs, and no process opens the queue before it is released.
            Ok(()) if is_at(&file, &self.path) && is_empty(&self.path) && is_unused(&self.path) => {
                let _ = std::fs::remove_file(&self.path);
            }
            Ok(()) | Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

/// True when the queue is empty. This closes its connection, and with it SQLite deletes its files beside the queue.
fn is_empty(path: &Path) -> bool {
    let count = || -> rusqlite::Result<u64> {
        connect(path, true)?.query_row("SELECT count(*) FROM waiting", [], |row| row.get(0))
    };
    count().is_ok_and(|count| count == 0)
}

/// True when SQLite has no files beside the queue, as after an orderly close of the last connection.
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
        // An open file cannot be deleted there.
        let _ = file;
        path.exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::envelope::SmsPermission;

    fn stamp() -> Stamp {
        Stamp { now: Time::now(), seeded: false, activity: None }
    }

    fn body(text: &str) -> Body {
        Body {
            bytes: text.into(),
            bytes_dropped: 7,
            overrides: EnvelopeOverrides {
                sms_permission: Some(SmsPermission::Explicit),
                ..EnvelopeOverrides::default()
            },
            work: Work::FileImport,
        }
    }

    #[test]
    fn what_waits_comes_out_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(&dir.path().join("a"), 0).unwrap();
        let pushed: Vec<Waiting> =
            (0..20).map(|i| queue.push(&body(&i.to_string()), Some("name"), stamp()).unwrap()).collect();
        assert!(pushed.is_sorted_by(|a, b| a.seq < b.seq && a.id < b.id));
        assert_eq!(queue.count().unwrap(), 20);
        assert!(queue.find(pushed[3].id).unwrap().is_some());
        for (i, expected) in pushed.iter().enumerate() {
            let (waiting, found) = queue.first().unwrap().unwrap();
            assert_eq!((waiting.id, waiting.seq), (expected.id, expected.seq));
            assert_eq!(waiting.source_file_name.as_deref(), Some("name"));
            let found = found.unwrap();
            assert_eq!((found.bytes, found.bytes_dropped), (i.to_string().into_bytes(), 7));
            assert_eq!((found.overrides.sms_permission, found.work), (Some(SmsPermission::Explicit), Work::FileImport));
            queue.remove(waiting.id).unwrap();
        }
        assert!(queue.first().unwrap().is_none());
    }

    #[test]
    fn a_body_that_waits_is_not_put_in_once_more() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(&dir.path().join("a"), 0).unwrap();
        let first = queue.push_once(&body("x"), "x.json", stamp()).unwrap();
        assert_eq!(queue.push_once(&body("x"), "x.json", stamp()).unwrap().id, first.id);
        // Another file, another body, other lists.
        queue.push_once(&body("x"), "y.json", stamp()).unwrap();
        queue.push_once(&body("y"), "x.json", stamp()).unwrap();
        queue.push_once(&Body { overrides: EnvelopeOverrides::default(), ..body("x") }, "x.json", stamp()).unwrap();
        assert_eq!(queue.count().unwrap(), 4);
        // A body from HTTP has no file name, so each is queued.
        (0..2).for_each(|_| drop(queue.push(&body("x"), None, stamp()).unwrap()));
        assert_eq!(queue.count().unwrap(), 6);
        queue.remove(first.id).unwrap();
        assert_ne!(queue.push_once(&body("x"), "x.json", stamp()).unwrap().id, first.id);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(&dir.path().join("a"), 0).unwrap();
        queue.push(&body("x"), None, stamp()).unwrap();
        for name in ["a-queue", "a-queue-wal", "a-queue-shm"] {
            let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
        }
    }

    #[test]
    fn places_go_up_when_the_clock_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let later = i64::MAX / 2;
        let queue = Queue::open(&dir.path().join("a"), later).unwrap();
        let pushed = queue.push(&body(""), None, stamp()).unwrap();
        assert_eq!(pushed.seq, later + 1);
        queue.remove(pushed.id).unwrap();
        assert_eq!(queue.push(&body(""), None, stamp()).unwrap().seq, later + 2);
    }

    #[test]
    fn it_takes_only_so_many() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(&dir.path().join("a"), 0).unwrap();
        queue.with(|connection| Ok(connection.pragma_update(None, "synchronous", "OFF")?)).unwrap();
        for _ in 0..QUEUED_MAX {
            queue.push(&body(""), None, stamp()).unwrap();
        }
        assert!(matches!(queue.push(&body(""), None, stamp()), Err(Error::Full)));
        let (first, _) = queue.first().unwrap().unwrap();
        queue.remove(first.id).unwrap();
        queue.push(&body(""), None, stamp()).unwrap();
    }

    #[test]
    fn the_file_goes_with_the_last_that_has_it_open_when_nothing_waits() {
        let dir = tempfile::tempdir().unwrap();
        let account = dir.path().join("a");
        let there = || dir.path().join("a-queue").exists();
        let (one, two) = (Queue::open(&account, 0).unwrap(), Queue::open(&account, 0).unwrap());
        drop(one);
        assert!(there(), "the other has it open");
        let waiting = two.push(&body("x"), None, stamp()).unwrap();
        drop(two);
        assert!(there(), "something waits");
        let three = Queue::open(&account, 0).unwrap();
        assert_eq!(three.first().unwrap().unwrap().0.id, waiting.id);
        three.remove(waiting.id).unwrap();
        drop(three);
        assert!(!there());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    /// A process that opens the queue while another closes it never writes into a deleted file.
    #[test]
    fn nothing_is_lost_between_closing_and_opening() {
        let dir = tempfile::tempdir().unwrap();
        let account = dir.path().join("a");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let pushed = Queue::open(&account, 0).unwrap().push(&body("x"), None, stamp()).unwrap();
                        let queue = Queue::open(&account, 0).unwrap();
                        assert!(queue.find(pushed.id).unwrap().is_some(), "it was written into a file that went away");
                        queue.remove(pushed.id).unwrap();
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
