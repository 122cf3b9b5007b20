//! What keeps an account from doing what it was asked.

use std::{fmt, io};

/// A result of the account.
pub type Result<T> = std::result::Result<T, Error>;

/// What keeps an account from doing what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What was asked for cannot be: what is wrong, and what to do.
    Invalid(String),
    /// There is no such thing in the account.
    NotFound(String),
    /// Something of that name is there already.
    Conflict(String),
    /// As many activities wait as may.
    Full,
    /// The core could not read the body.
    Body(crate::error::Error),
    /// The file is no account of ours, or one of a later version.
    NotAnAccount(String),
    /// SQLite would not.
    Database {
        /// The account.
        file: String,
        /// What it said.
        source: rusqlite::Error,
    },
    /// The operating system would not.
    Io {
        /// The file.
        file: String,
        /// What it said.
        source: io::Error,
    },
}

impl Error {
    /// True when another process writes to the account: what was to be done can be tried again.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        matches!(self, Error::Database { source, .. }
            if matches!(source.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked)))
    }
}

impl From<crate::error::Error> for Error {
    fn from(error: crate::error::Error) -> Self {
        Error::Body(error)
    }
}

impl From<rusqlite::Error> for Error {
    /// The account's name is put in where the error leaves it.
    fn from(source: rusqlite::Error) -> Self {
        Error::Database { file: String::new(), source }
    }
}

impl From<rusqlite::types::FromSqlError> for Error {
    fn from(source: rusqlite::types::FromSqlError) -> Self {
        rusqlite::Error::from(source).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(what) | Error::NotFound(what) | Error::Conflict(what) | Error::NotAnAccount(what) => {
                f.write_str(what)
            }
            Error::Full => write!(
                f,
                "{} activities wait in this account, which is as many as may: wait until some are done",
                super::QUEUED_MAX
            ),
            Error::Body(error) => error.fmt(f),
            Error::Database { file, source } => {
                write!(f, "{file}: {source}")?;
                match source.sqlite_error_code() {
                    Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                        f.write_str("; another program works on this account: try again when it is done")
                    }
                    Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen) => f.write_str(
                        "; an account must be a file that can be written, in a directory that can be, even to look at it",
                    ),
                    Some(rusqlite::ErrorCode::DiskFull) => f.write_str("; make room on the disk and run again"),
                    _ => Ok(()),
                }
            }
            Error::Io { file, source } => write!(f, "{file}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Body(error) => Some(error),
            Error::Database { source, .. } => Some(source),
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
