//! Errors of an account.

use crate::document::envelope::IMPORT_DATA;
use crate::model::error::Kind;
use crate::model::finding::Code;
use crate::rules::rule;
use rusqlite::ErrorCode;
use std::io::Write;
use std::path::Path;
use std::{fmt, io};

/// A result of the account.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of an account.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The request is invalid: what is wrong, and what to do.
    Invalid(String),
    /// What is wrong with a contact, one text for each value.
    Refused(Vec<String>),
    /// There is no such thing in the account.
    NotFound(String),
    /// It conflicts with the present state, as a name that is taken.
    Conflict(String),
    /// The queue is full.
    Full,
    /// The core cannot read the body.
    Body(crate::model::error::Error),
    /// The file is not an account of presort, or is one of a later version.
    NotAnAccount(String),
    /// The work ended early: why.
    Halted(String),
    /// A database operation failed.
    Database {
        /// The account's file.
        file: String,
        /// The error of SQLite.
        source: rusqlite::Error,
        /// The error of the operating system, where SQLite only reports that an operation failed.
        cause: Option<io::Error>,
    },
    /// An I/O operation failed.
    Io {
        /// The file.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// The audience of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The author of a request over HTTP, who has no command line.
    Http,
    /// The user of `presort import`, who has that verb's options.
    Import,
}

/// Options of `presort import` that help with a body.
const IMPORT_OPTIONS: [&str; 2] = ["--list-id", "--sms-permission"];

/// True for a help text that names only options that the audience has.
fn is_for(help: &str, audience: Audience) -> bool {
    let options = help.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).filter(|word| word.starts_with("--"));
    options.into_iter().all(|option| audience == Audience::Import && IMPORT_OPTIONS.contains(&option))
}

/// How to fix a breach of the envelope's rules. The texts of the rules themselves are for users of `presort clean`.
fn help(code: Code, audience: Audience) -> Option<&'static str> {
    use Code::{ENV001, ENV007, ENV009, ENV012};
    let help = match (code, audience) {
        (ENV001, Audience::Http) => "name 1 to 50 lists in list_ids, beside import_data",
        (ENV001, Audience::Import) => "give --list-id UUID (repeatable), or list_ids in the body",
        (ENV007, Audience::Http) => "write explicit or not_set, or leave it out",
        (ENV009, Audience::Http) => "send an object with import_data, an array of contacts, and list_ids",
        (ENV012, Audience::Http) => {
            "put list_ids and sms_permission_to_send before import_data, or send fewer contacts at once"
        }
        (ENV012, Audience::Import) => "put list_ids before import_data, or give --list-id (and --sms-permission)",
        _ => rule(code).help,
    };
    is_for(help, audience).then_some(help)
}

/// The message for this audience, without a help text that it cannot follow.
fn message_for(error: &crate::model::error::Error, audience: Audience) -> String {
    match error.kind() {
        Kind::Envelope { code, input, position, detail, .. } => {
            let mut text = format!("{input}: {code}: {}", rule(*code).message);
            if !detail.is_empty() {
                text += &format!(": {detail}");
            }
            if let Some(position) = position {
                text += &format!(" (at {position})");
            }
            if let Some(help) = help(*code, audience) {
                text += &format!("; {help}");
            }
            text
        }
        // Of its own help, neither audience can follow any: it names options of `presort clean`.
        Kind::NotContacts { input, what } if audience == Audience::Http || !is_for(what, audience) => {
            // The kind of input, without the command that converts it.
            let is = what.split(':').next().filter(|is| is.starts_with("this ")).map(|is| format!("{is}; "));
            let is = is.unwrap_or_default();
            format!("{input}: {is}it must be a JSON object with {IMPORT_DATA} and list_ids, in UTF-8")
        }
        _ => {
            let text = error.to_string();
            // The help text is the last part of a message.
            match text.rsplit_once("; ") {
                Some((what, help)) if !is_for(help, audience) => what.to_owned(),
                // Some have it behind a colon.
                _ => match text.rsplit_once(": ") {
                    Some((what, help)) if !is_for(help, audience) => what.to_owned(),
                    _ => text,
                },
            }
        }
    }
}

/// Repeats what SQLite tried, for the error of the operating system: SQLite only reports that an I/O operation failed. This must
/// not open the account itself: closing it again would release SQLite's locks.
fn cause(path: &Path) -> Option<io::Error> {
    #[cfg(unix)]
    if path.exists()
        && let Err(error) = rustix::fs::access(path, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK)
    {
        return Some(error.into());
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // More than the smallest write of SQLite.
    let probe = || tempfile::tempfile_in(dir)?.write_all(&[0; 64 << 10]);
    probe().err()
}

impl Error {
    /// An error of SQLite on this file.
    pub(super) fn database(path: &Path, source: rusqlite::Error) -> Error {
        use ErrorCode::{CannotOpen, PermissionDenied, ReadOnly, SystemIoFailure};
        let cause = match source.sqlite_error_code() {
            Some(SystemIoFailure | CannotOpen | ReadOnly | PermissionDenied) => cause(path),
            _ => None,
        };
        Error::Database { file: path.display().to_string(), source, cause }
    }

    /// The message for one audience. It names nothing that only another audience can do.
    #[must_use]
    pub fn for_audience(&self, audience: Audience) -> String {
        match self {
            Error::Body(error) => message_for(error, audience),
            other => other.to_string(),
        }
    }

    /// True when another process writes to the account: the operation can be retried.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        use ErrorCode::{DatabaseBusy, DatabaseLocked};
        matches!(self, Error::Database { source, .. }
            if matches!(source.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked)))
    }
}

impl From<crate::model::error::Error> for Error {
    fn from(error: crate::model::error::Error) -> Self {
        Error::Body(error)
    }
}

impl From<Error> for crate::model::error::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Body(error) => error,
            other => crate::model::error::Error::usage(other.to_string()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    /// The caller adds the name of the account.
    fn from(source: rusqlite::Error) -> Self {
        Error::Database { file: String::new(), source, cause: None }
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
            Error::Invalid(what)
            | Error::NotFound(what)
            | Error::Conflict(what)
            | Error::NotAnAccount(what)
            | Error::Halted(what) => f.write_str(what),
            Error::Refused(texts) => f.write_str(&texts.join("; ")),
            Error::Full => write!(
                f,
                "{} activities wait in this local account, which is the limit: wait until some are over",
                super::QUEUED_MAX
            ),
            Error::Body(error) => error.fmt(f),
            Error::Database { file, source, cause } => {
                write!(f, "{file}: {source}")?;
                if let Some(cause) = cause {
                    write!(f, ": {cause}")?;
                }
                let kind = cause.as_ref().map(io::Error::kind);
                match (kind, source.sqlite_error_code()) {
                    (Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded), _)
                    | (_, Some(ErrorCode::DiskFull)) => f.write_str(
                        "; make room on the disk and run again (even reading a local account needs some)",
                    ),
                    (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => {
                        f.write_str("; another program works on this local account: try again later")
                    }
                    (_, Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied))
                    | (Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem), _) => f.write_str(
                        "; reading a local account needs write access to its file and its directory",
                    ),
                    (_, Some(ErrorCode::SystemIoFailure)) => f.write_str(
                        "; the account's files could not be read or written: check the disk, and the limits on the size of files",
                    ),
                    _ => Ok(()),
                }
            }
            Error::Io { file, source } => {
                write!(f, "{file}: {source}")?;
                match source.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        f.write_str("; make room on the disk and run again")
                    }
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                        f.write_str("; reading a local account needs write access to its file and its directory")
                    }
                    _ => Ok(()),
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn no_message_names_what_its_reader_cannot_do() {
        for rule in rules::envelope::RULES {
            let error = crate::document::envelope::breach(rule.code, "the body", None, "");
            assert!(!message_for(&error, Audience::Http).contains("--"), "{}", rule.code);
            for word in message_for(&error, Audience::Import).split([' ', ',', ';', ')', '(']) {
                assert!(!word.starts_with("--") || IMPORT_OPTIONS.contains(&word), "{}: {word}", rule.code);
            }
            assert!(error.to_string().starts_with(message_for(&error, Audience::Http).split("; ").next().unwrap()));
        }
        let usage = crate::model::error::Error::usage("there is no room; give --max-bytes more");
        assert_eq!(message_for(&usage, Audience::Http), "there is no room");
        assert_eq!(message_for(&usage, Audience::Import), "there is no room");
        let what = "this looks like a table: name the encoding (--encoding utf-16le), or read it with --from csv";
        let table = crate::model::error::Error::from(Kind::NotContacts { input: "the body".into(), what: what.into() });
        for audience in [Audience::Http, Audience::Import] {
            let text = message_for(&table, audience);
            assert!(
                text.starts_with("the body: this looks like a table; it must be") && !text.contains("--"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_error_of_the_system_is_included() {
        let failure = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let path = Path::new("/nowhere/at/all/a.account");
        let text = Error::database(path, failure(rusqlite::ffi::SQLITE_IOERR)).to_string();
        assert!(text.contains("disk I/O error: No such file or directory"), "{text}");
        let dir = tempfile::tempdir().unwrap();
        let text = Error::database(&dir.path().join("a"), failure(rusqlite::ffi::SQLITE_IOERR)).to_string();
        assert!(text.contains("limits on the size of files"), "{text}");
        let text = Error::database(path, failure(rusqlite::ffi::SQLITE_FULL)).to_string();
        assert!(text.contains("make room on the disk"), "{text}");
    }
}
