//! Resetting an account, and going back to a snapshot of it: each in one transaction, also while activities run.
//!
//! Activities that wait are in another file, which cannot be part of the transaction. So the transaction notes up to which
//! activity all are over, and only then they leave the queue: however the process ends in between, none of them runs.

use super::clock::{set, setting};
use super::overview::Overview;
use super::{Account, Error, Result, connect, lock, private, schema, seed};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Most characters of a name.
const NAME_MAX: usize = 64;

/// The setting with the last activity that a reset cancelled.
const CANCELLED: &str = "cancelled";

/// The last activity that a reset cancelled: it and those before it are over.
pub(super) fn cancelled(transaction: &Transaction<'_>) -> Result<i64> {
    Ok(setting(transaction, CANCELLED)?.unwrap_or(0))
}

/// Takes a running activity out of the way, until it is dropped.
struct Cancelling<'a>(&'a Account);

impl Drop for Cancelling<'_> {
    fn drop(&mut self) {
        self.0.cancelling.store(0, Ordering::Relaxed);
        self.0.wake();
    }
}

impl Account {
    /// Cancels all activities, deletes everything, and applies the seeds again; with `empty` it forgets the seeds as well.
    ///
    /// # Errors
    /// The account cannot be written; it is as before.
    pub fn reset(&self, empty: bool) -> Result<Overview> {
        self.replace(None, |transaction| {
            let seeds = if empty { Vec::new() } else { seed::seeds(transaction)? };
            // It stays the same account.
            for table in tables(transaction)?.iter().filter(|table| *table != "identity") {
                transaction.execute(&format!("DELETE FROM {table}"), [])?;
            }
            seed::apply_all(transaction, self.stamp(), &seeds)
        })
    }

    /// Writes a snapshot of the account beside it. Activities that wait are not part of it. A snapshot of the same name is
    /// replaced.
    ///
    /// # Errors
    /// The name is invalid, or the snapshot cannot be written.
    pub fn snapshot(&self, name: &str) -> Result<()> {
        let path = self.snapshot_path(name)?;
        let part = self.beside("snapshot~");
        let io = |source| Error::Io { file: part.display().to_string(), source };
        let _one = lock(&self.snapshots);
        let file = private().create(true).truncate(true).open(&part).map_err(io)?;
        let written = connect(&self.real, false)
            .and_then(|connection| connection.execute("VACUUM INTO ?1", [part.to_string_lossy()]));
        let placed = written.map_err(|source| Error::database(&part, source)).and_then(|_| {
            file.sync_all().map_err(io)?;
            std::fs::rename(&part, &path).map_err(io)
        });
        if placed.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        placed
    }

    /// Makes the account what it was at a snapshot. Cancels all activities.
    ///
    /// # Errors
    /// There is no such snapshot, or the account cannot be written; it is as before.
    pub fn restore(&self, name: &str) -> Result<Overview> {
        let path = self.snapshot_path(name)?;
        let _one = lock(&self.snapshots);
        if !path.exists() {
            let names = self.snapshots()?.join(", ");
            let names = if names.is_empty() { "there is none".into() } else { format!("there are {names}") };
            return Err(Error::NotFound(format!("there is no snapshot {name}: {names}")));
        }
        prepare(&path)?;
        self.replace(Some(&path), |transaction| {
            for table in tables(transaction)? {
                let columns = columns(transaction, &table)?;
                transaction.execute(&format!("DELETE FROM {table}"), [])?;
                let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM snapshot.{table}");
                transaction.execute(&copy, [])?;
            }
            Ok(())
        })
    }

    /// The names of the snapshots, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn snapshots(&self) -> Result<Vec<String>> {
        let prefix = self.beside("snapshot-");
        let (Some(dir), Some(prefix)) = (prefix.parent(), prefix.file_name()) else { return Ok(Vec::new()) };
        let io = |source| Error::Io { file: dir.display().to_string(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let name = name.to_str().zip(prefix.to_str()).and_then(|(name, prefix)| name.strip_prefix(prefix));
            names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// A path beside that of the account.
    fn beside(&self, end: &str) -> PathBuf {
        let mut path = self.real.as_os_str().to_owned();
        path.push("-");
        path.push(end);
        PathBuf::from(path)
    }

    fn snapshot_path(&self, name: &str) -> Result<PathBuf> {
        if !is_name(name) {
            return Err(Error::Invalid(format!("the name of a snapshot has 1 to {NAME_MAX} letters, digits, - and _")));
        }
        Ok(self.beside(&format!("snapshot-{name}")))
    }

    /// Replaces everything in the account in one transaction, and cancels all activities.
    fn replace(&self, snapshot: Option<&Path>, work: impl FnOnce(&Transaction<'_>) -> Result<()>) -> Result<Overview> {
        let last = self.queue.last_waiting()?;
        // A running activity would keep the transaction waiting.
        self.cancelling.store(last, Ordering::Relaxed);
        let cancelling = Cancelling(self);
        let mut connection = lock(&self.writer);
        let replaced = with_snapshot(&mut connection, snapshot, |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let last = last.max(cancelled(&transaction)?);
            work(&transaction)?;
            set(&transaction, CANCELLED, last)?;
            transaction.commit()?;
            Ok(last)
        });
        drop(connection);
        let last = self.named(replaced)?;
        self.queue.remove_to(last)?;
        drop(cancelling);
        self.count_seeded_activities()?;
        self.overview()
    }
}

/// Runs work on a connection that has a snapshot attached, and does not look at foreign keys: everything is replaced.
fn with_snapshot<T>(
    connection: &mut Connection,
    snapshot: Option<&Path>,
    work: impl FnOnce(&mut Connection) -> Result<T>,
) -> Result<T> {
    if let Some(path) = snapshot {
        connection.execute("ATTACH DATABASE ?1 AS snapshot", [path.to_string_lossy()])?;
    }
    let done =
        connection.pragma_update(None, "foreign_keys", false).map_err(Error::from).and_then(|()| work(connection));
    let keys = connection.pragma_update(None, "foreign_keys", true);
    let detached = match snapshot {
        None => Ok(()),
        Some(_) => connection.execute_batch("DETACH DATABASE snapshot"),
    };
    let done = done?;
    keys?;
    detached?;
    Ok(done)
}

/// Checks that a file is a snapshot, and migrates one of an earlier version.
fn prepare(path: &Path) -> Result<()> {
    let foreign = || Error::NotAnAccount(format!("{} is not a snapshot that this presort can read", path.display()));
    let database = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => foreign(),
        _ => Error::database(path, source),
    };
    let mut connection = connect(path, true).map_err(database)?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(database)?;
    if id != schema::APPLICATION_ID {
        return Err(foreign());
    }
    schema::migrate(&mut connection).map_err(database)?.map_err(|_| foreign())
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The tables of the account.
fn tables(transaction: &Transaction<'_>) -> Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    Ok(transaction.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn columns(transaction: &Transaction<'_>, table: &str) -> Result<String> {
    let mut statement = transaction.prepare("SELECT name FROM pragma_table_info(?1, 'main')")?;
    let names = statement.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(names.join(", "))
}
