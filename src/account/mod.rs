//! The account: contacts, contact lists, custom fields and activities, in one SQLite file.
//!
//! All writes go through one connection. Readers have their own connections and see the last committed state. A commit is on the
//! disk (`synchronous=FULL`), and an import is one transaction that includes the state of its activity: however the process ends,
//! an activity was applied or it was not. Waiting activities are in a second file beside the first, so that accepting a body
//! does not wait for an import (`queue.rs`).

pub mod activities;
pub mod clock;
pub mod contacts;
pub mod error;
pub mod fields;
pub mod import;
pub mod lists;
pub mod overview;
pub mod page;
mod queue;
pub mod runner;
mod schema;
pub mod seed;
mod snapshot;
pub mod summary;
pub mod tags;
pub mod tasks;
pub(crate) mod values;

pub use error::{Audience, Error, Result};

use queue::Queue;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most activities that wait or run.
pub const QUEUED_MAX: u64 = 1000;
/// How long the status of a finished activity is kept, in days.
pub const KEPT_DAYS: i64 = 10;
/// How long to wait for another process that writes to the account. An import takes far less.
const BUSY: Duration = Duration::from_secs(5);
/// Connections that are kept open for readers.
const READERS_KEPT: usize = 8;

/// An open account, for all threads. A process must open an account only once: when it closes one of two handles, POSIX drops the
/// file locks of the other as well, and other processes may then write at the same time.
#[derive(Debug)]
pub struct Account {
    /// As the user gave it.
    path: PathBuf,
    /// Without symbolic links.
    real: PathBuf,
    /// Closed before the writer: the last connection to close merges the log into the file.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
    /// The running activity.
    running: Mutex<Option<runner::Running>>,
    /// Activities accepted since the last [`Account::wait_for_more`].
    accepted: Mutex<u64>,
    more: Condvar,
    clock: clock::Clock,
    /// While the account is reset: activities up to this one must end.
    cancelling: AtomicI64,
    /// Held while a snapshot is written or read.
    snapshots: Mutex<()>,
    /// New identifiers are repeatable.
    seeded: bool,
    /// Waiting activities. Closed last.
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
    /// Creates an account in a new file.
    ///
    /// # Errors
    /// The file exists, or cannot be created.
    pub fn create(path: &Path) -> Result<Account> {
        let io = |source| Error::Io { file: path.display().to_string(), source };
        let queue = Queue::path_of(path);
        if queue.exists() && !path.exists() {
            return Err(Error::Conflict(format!(
                "{} exists and belongs to an earlier account: restore that account, or remove the file",
                queue.display()
            )));
        }
        // `create_new` lets only one of two concurrent calls succeed. An empty file is left from an interrupted call.
        let made = match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() && meta.len() == 0 => restrict(path),
            _ => private().create_new(true).open(path).map(drop),
        };
        match made {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Error::Conflict(format!("{} already exists", path.display())));
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
    /// The file does not exist, is not an account, or is one of a later version.
    pub fn open(path: &Path) -> Result<Account> {
        if path.is_dir() {
            return Err(Error::NotAnAccount(format!("{} is a directory: give the account's file", path.display())));
        }
        if !path.exists() {
            return Err(Error::NotFound(format!(
                "there is no account {0}: presort account init {0} creates one",
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
        // The queue belongs to the real file, whatever path it is opened by.
        let real =
            std::fs::canonicalize(path).map_err(|source| Error::Io { file: path.display().to_string(), source })?;
        if real.to_str().is_none() {
            return Err(Error::Invalid(format!("{}: the path of an account must be UTF-8", real.display())));
        }
        let mut connection = connect(&real, true).map_err(database)?;
        // Check that it is an account before writing anything.
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
                "{} is an account of version {version}, and this presort supports versions up to {}: use a later one",
                path.display(),
                schema::MIGRATIONS.len()
            )));
        }
        let last = connection
            .query_row(
                "SELECT max(seq) FROM (SELECT seq FROM activities UNION ALL SELECT value FROM settings WHERE name = 'cancelled')",
                [],
                |row| row.get::<_, Option<i64>>(0),
            )
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
            clock: clock::Clock::default(),
            cancelling: AtomicI64::new(0),
            snapshots: Mutex::default(),
            seeded: false,
            queue,
        };
        account.drop_finished()?;
        Ok(account)
    }

    /// Removes finished activities from the queue, where a process ended before it could: once the account has deleted their
    /// status, they would run again.
    fn drop_finished(&self) -> Result<()> {
        let (over, cancelled) = self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT activity_id FROM queue.waiting WHERE activity_id IN (SELECT activity_id FROM activities)",
            )?;
            let over = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((over, snapshot::cancelled(transaction)?))
        })?;
        if cancelled > 0 {
            self.queue.remove_to(cancelled)?;
        }
        over.into_iter().try_for_each(|id| self.queue.remove(id))
    }

    /// The path of its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a write transaction.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.write_or_roll_back(|transaction| work(transaction).map(Transacted::Commit))
    }

    /// Runs a write transaction; `work` decides how it ends.
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

    /// Adds the account's name to an error without one.
    fn named<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error {
            Error::Database { file, source, .. } if file.is_empty() => Error::database(&self.path, source),
            other => other,
        })
    }

    /// Runs a read transaction: it sees one state of the account.
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

    /// True when the account can be read.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.read(|transaction| Ok(transaction.query_row("SELECT 1 FROM sqlite_schema", [], |_| Ok(()))?)).is_ok()
    }

    /// The faults that `PRAGMA integrity_check` and `foreign_key_check` find; none in a sound account.
    ///
    /// # Errors
    /// The account cannot be read.
    pub fn check(&self) -> Result<Vec<String>> {
        self.read(|transaction| {
            let ask = |pragma: &str| -> rusqlite::Result<Vec<String>> {
                transaction.prepare(pragma)?.query_map([], |row| row.get(0))?.collect()
            };
            let mut found = ask("PRAGMA integrity_check")?;
            found.retain(|line| line != "ok");
            let broken = ask("PRAGMA foreign_key_check")?;
            found.extend(broken.into_iter().map(|table| format!("a row of {table} refers to a missing row")));
            Ok(found)
        })
    }
}

/// Options to create a file that only its owner can read: it holds people's addresses. SQLite gives the same mode to its own
/// files beside it.
fn private() -> std::fs::OpenOptions {
    let mut options = std::fs::File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Gives an existing file that mode.
fn restrict(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let _ = path;
    Ok(())
}

/// Retries while another connection is in the way, up to the busy timeout. SQLite itself does not wait for a connection that
/// creates the file or closes it as the last one.
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

/// Opens a connection with the settings that all connections have.
fn connect(path: &Path, write: bool) -> rusqlite::Result<Connection> {
    let access = if write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    if write {
        connection.pragma_update(None, "synchronous", "FULL")?;
        // In KiB: the pages that an import of one body touches.
        connection.pragma_update(None, "cache_size", -32_768)?;
    }
    Ok(connection)
}
