//! What ends a delivery.

use crate::model;
use std::fmt;

/// A result of this wing.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a delivery, a login or a plan ended early.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be done until someone changes something.
    Could(String),
    /// The service does not accept the token, or there is none.
    Login(String),
    /// It stopped for now: the same command goes on later.
    Later(String),
    /// A file, or the request itself.
    Local(model::error::Error),
}

impl Error {
    /// It cannot be done until someone changes something.
    pub fn could(what: impl Into<String>) -> Error {
        Error::Could(what.into())
    }

    /// The same command goes on later.
    pub fn later(what: impl Into<String>) -> Error {
        Error::Later(what.into())
    }

    /// The exit status: 3 if running it again is all there is to do.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Error::Later(_) => 3,
            _ => 2,
        }
    }
}

impl From<model::error::Error> for Error {
    fn from(error: model::error::Error) -> Error {
        Error::Local(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Could(what) | Error::Login(what) | Error::Later(what) => f.write_str(what),
            Error::Local(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
