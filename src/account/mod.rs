//! The account: contacts, contact lists, custom fields and activities, in one SQLite file.
//!
//! Everything that writes goes through one connection; readers have connections of their own and see the last state that was
//! committed. What is committed is on the disk (`synchronous=FULL`), and an import is one transaction, with the state of its
//! activity in it: whatever ends the process, an activity was applied or it was not. What waits is in a second file beside the
//! first, so that accepting a body need not wait for an import (`queue.rs`).

pub mod activities;
pub mod contacts;
pub mod error;
pub mod fields;
pub mod import;
pub mod lists;
pub mod page;
mod queue;
pub mod runner;
mod schema;
mod values;

pub use error::{Audience, Error, Result};

use queue::Queue;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most activities that wait or run.
pub const QUEUED_MAX: u64 = 1000;
/// How long the status of an activity that is done is kept, in days.
pub const KEPT_DAYS: i64 = 10;
/// How long to wait for another process that writes to the account. An import takes far less.
const BUSY: Duration = Duration::from_secs(5);
/// Connections that are kept for readers.
const READERS_KEPT: usize = 8;

/// An account that is open. All threads may use it. A process opens an account once: when one of two is closed, the system forgets
/// the locks of the other (POSIX has it so), and other processes may write over it.
#[derive(Debug)]
pub struct Account {
    /// As it was named.
    path: PathBuf,
    /// Without links.
    real: PathBuf,
    /// Closed before the writer, which as the last one puts everything into the one file.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
    /// The activity that runs.
    running: Mutex<Option<runner::Running>>,
    /// Activities that were accepted since somebody last looked.
    accepted: Mutex<u64>,
    more: Condvar,
    /// What waits. It is closed last.
    queue: Queue,
}

/// How a transaction ends, and what it comes to.
enum Transacted<T> {
    /// Everything it wrote stays.
    Commit(T),
    /// It writes nothing.
    RollBack(T),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    /// Makes an account in a file that is not there.
    ///
    /// # Errors
    /// The file is there, or cannot be made.
    pub fn create(path: &Path) -> Result<Account> {
        let io = |source| Error::Io { file: path.display().to_string(), source };
        let queue = Queue::path_of(path);
        if queue.exists() && !path.exists() {
            return Err(Error::Conflict(format!(
                "{} is there, of an account that was here: put that account back, or remove it",
                queue.display()
            )));
        }
        // So that of two who make it at once, one fails. An empty file is one that somebody began to make.
        let made = match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() && meta.len() == 0 => restrict(path),
            _ => private().create_new(true).open(path).map(drop),
        };
        match made {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Error::Conflict(format!("{} is there already", path.display())));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let dir = path.parent().unwrap_or(path);
                return Err(Error::NotFound(format!("there is no directory {}", dir.display())));
            }
            Err(error) => return Err(io(error)),
        }
        let account = Account::open_with(path, true);
        if account.is_err() {
            let _ = std::fs::remove_file(path);
        }
        account
    }

    /// Opens an account.
    ///
    /// # Errors
    /// There is none, it is no account, or one of a later version.
    pub fn open(path: &Path) -> Result<Account> {
        if path.is_dir() {
            return Err(Error::NotAnAccount(format!("{} is a directory: name the account's file", path.display())));
        }
        if !path.exists() {
            return Err(Error::NotFound(format!(
                "there is no account {0}: presort account init {0} makes one",
                path.display()
            )));
        }
        Account::open_with(path, false)
    }

    fn open_with(path: &Path, new: bool) -> Result<Account> {
        let foreign = || Error::NotAnAccount(format!("{} is not an account of presort", path.display()));
        let database = |source: rusqlite::Error| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => foreign(),
            _ => Error::database(path, source),
        };
        // By whatever name it is opened, it is one account with one queue.
        let real =
            std::fs::canonicalize(path).map_err(|source| Error::Io { file: path.display().to_string(), source })?;
        if real.to_str().is_none() {
            return Err(Error::Invalid(format!("{}: an account has a path in UTF-8", real.display())));
        }
        let mut connection = connect(&real, true).map_err(database)?;
        // Whether it is ours is asked before anything is written.
        let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(database)?;
        if !new && id != schema::APPLICATION_ID {
            return Err(foreign());
        }
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(database)?;
        if mode != "wal" {
            patiently(|| connection.pragma_update(None, "journal_mode", "WAL")).map_err(database)?;
        }
        if let Err(version) = schema::migrate(&mut connection).map_err(database)? {
            return Err(Error::NotAnAccount(format!(
                "{} is an account of version {version}, and this presort knows up to {}: take a later one",
                path.display(),
                schema::MIGRATIONS.len()
            )));
        }
        let last = connection
            .query_row("SELECT max(seq) FROM activities", [], |row| row.get::<_, Option<i64>>(0))
            .map_err(database)?;
        let queue = Queue::open(&real, last.unwrap_or(0))?;
        let account = Account {
            path: path.to_path_buf(),
            real,
            writer: Mutex::new(connection),
            readers: Mutex::default(),
            running: Mutex::default(),
            accepted: Mutex::default(),
            more: Condvar::new(),
            queue,
        };
        account.forget_what_is_over()?;
        Ok(account)
    }

    /// Takes out of the queue what is in the account, as when the process ended between the two: later, the account may have
    /// forgotten that it was done.
    fn forget_what_is_over(&self) -> Result<()> {
        let over = self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT activity_id FROM queue.waiting WHERE activity_id IN (SELECT activity_id FROM activities)",
            )?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?)
        })?;
        over.into_iter().try_for_each(|id| self.queue.remove(id))
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes something, all of it or nothing.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.write_or_roll_back(|transaction| work(transaction).map(Transacted::Commit))
    }

    /// Writes something, all of it or nothing; `work` decides which.
    fn write_or_roll_back<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<Transacted<T>>) -> Result<T> {
        let mut connection = lock(&self.writer);
        let transact = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            match work(&transaction)? {
                Transacted::Commit(value) => transaction.commit().map(|()| value).map_err(Error::from),
                // Dropping the transaction rolls it back.
                Transacted::RollBack(value) => Ok(value),
            }
        };
        self.named(transact(&mut connection))
    }

    /// Puts the account's name into an error that has none yet.
    fn named<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error {
            Error::Database { file, source, .. } if file.is_empty() => Error::database(&self.path, source),
            other => other,
        })
    }

    /// Reads from one state of the account.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.named(self.read_unnamed(work))
    }

    fn read_unnamed<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let kept = lock(&self.readers).pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.real, false)?;
                let queue = self.queue.path().to_string_lossy();
                connection.execute("ATTACH DATABASE ?1 AS queue", [queue])?;
                connection
            }
        };
        let transaction = connection.transaction()?;
        let done = work(&transaction);
        transaction.finish()?;
        let mut readers = lock(&self.readers);
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        done
    }

    /// True when it can be read.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.read(|transaction| Ok(transaction.query_row("SELECT 1 FROM sqlite_schema", [], |_| Ok(()))?)).is_ok()
    }

    /// What `PRAGMA integrity_check` and `foreign_key_check` find: nothing, as it should be.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn check(&self) -> Result<Vec<String>> {
        self.read(|transaction| {
            let ask = |pragma: &str| -> rusqlite::Result<Vec<String>> {
                transaction.prepare(pragma)?.query_map([], |row| row.get(0))?.collect()
            };
            let mut found = ask("PRAGMA integrity_check")?;
            found.retain(|line| line != "ok");
            let broken = ask("PRAGMA foreign_key_check")?;
            found.extend(broken.into_iter().map(|table| format!("a row of {table} points to nothing")));
            Ok(found)
        })
    }
}

/// Options to make a file that its owner alone can read: people's addresses are in it. SQLite gives the same mode to what it
/// makes beside the file.
fn private() -> std::fs::OpenOptions {
    let mut options = std::fs::File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Gives a file that is there that mode.
fn restrict(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let _ = path;
    Ok(())
}

/// Tries again, for as long as others are waited for, what another connection is in the way of: where one makes the file or, as
/// the last, closes it, SQLite itself does not wait.
fn patiently<T>(mut work: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let began = std::time::Instant::now();
    loop {
        match work() {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && began.elapsed() < BUSY =>
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            done => return done,
        }
    }
}

/// A connection with all that is asked of each.
fn connect(path: &Path, write: bool) -> rusqlite::Result<Connection> {
    let access = if write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    if write {
        connection.pragma_update(None, "synchronous", "FULL")?;
        // In KiB: what an import of one body touches.
        connection.pragma_update(None, "cache_size", -32_768)?;
    }
    Ok(connection)
}
