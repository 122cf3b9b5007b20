//! Errors that stop a run. A fault of one contact is a [`Finding`](crate::model::finding::Finding), and stops nothing.

use crate::model::fault::Fault;
use crate::model::finding::Code;
use crate::model::position::Position;
use std::any::Any;
use std::cmp::Ordering;
use std::{fmt, io};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a run stopped: what is wrong, where, and what to do about it.
pub struct Error(Box<Kind>);

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Kind {
    /// The request is invalid.
    #[non_exhaustive]
    Usage {
        /// What is wrong, and what to do.
        what: String,
    },
    /// An I/O operation failed.
    #[non_exhaustive]
    Io {
        /// What was being done: `read`, `write`, `create` ...
        doing: &'static str,
        /// The file, or standard input or output, by name.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The reader of standard output has closed it. The run ends quietly.
    ClosedPipe,
    /// The output file exists.
    #[non_exhaustive]
    Exists {
        /// The file.
        file: String,
    },
    /// A directory for bodies holds bodies of another run.
    #[non_exhaustive]
    HoldsBodies {
        /// The directory.
        dir: String,
        /// How many there are.
        bodies: usize,
        /// A receipt stands beside them: the run that wrote them finished.
        has_receipt: bool,
    },
    /// The input is not JSON in any supported form.
    #[non_exhaustive]
    NotContacts {
        /// The input.
        input: String,
        /// What it is, and what to do.
        what: String,
    },
    /// Broken JSON.
    #[non_exhaustive]
    Syntax {
        /// The input.
        input: String,
        /// The byte.
        position: Position,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Compressed data that is cut off or broken.
    #[non_exhaustive]
    Compressed {
        /// The input.
        input: String,
        /// What is wrong, where, and what to do.
        what: String,
    },
    /// A contact, or the part around the contacts, exceeds the limits of memory.
    #[non_exhaustive]
    TooLarge {
        /// The input.
        input: String,
        /// Where it begins.
        position: Position,
        /// What is too large, and what to do.
        what: String,
    },
    /// The request body breaks a rule of the envelope.
    #[non_exhaustive]
    Envelope {
        /// The rule.
        code: Code,
        /// What the rule says is wrong.
        message: &'static str,
        /// What the rule says to do.
        help: &'static str,
        /// The input.
        input: String,
        /// Where, if known.
        position: Option<Position>,
        /// What the message adds.
        detail: String,
    },
    /// The input changed while it was read, so the bytes may mix two versions.
    #[non_exhaustive]
    Changed {
        /// The input.
        input: String,
        /// Its size at first, in bytes.
        before: u64,
        /// Its size when the change was detected, in bytes.
        now: u64,
    },
    /// The caller stopped the run ([`Progress::must_end`](crate::run::reader::Progress::must_end)).
    Halted,
    /// A bug of presort, found at this contact.
    #[non_exhaustive]
    Bug {
        /// The input.
        input: String,
        /// The contact.
        position: Position,
        /// What the panic said.
        what: String,
    },
    /// Counts that should be equal are not: a bug of presort.
    #[non_exhaustive]
    Counts {
        /// Which.
        what: String,
    },
}

impl Error {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.0
    }

    /// The request is invalid.
    pub fn usage(what: impl Into<String>) -> Self {
        Kind::Usage { what: what.into() }.into()
    }

    /// An I/O operation failed.
    pub fn io(doing: &'static str, file: impl Into<String>, source: io::Error) -> Self {
        Kind::Io { doing, file: file.into(), source }.into()
    }

    /// Whether the input is broken. The output written before is valid.
    #[must_use]
    pub fn is_broken_input(&self) -> bool {
        matches!(
            self.kind(),
            Kind::Syntax { .. }
                | Kind::TooLarge { .. }
                | Kind::Changed { .. }
                | Kind::Bug { .. }
                | Kind::Envelope { .. }
                | Kind::Compressed { .. }
        ) || matches!(self.kind(), Kind::Io { doing: "read", .. })
    }

    /// The error without values from the input, for a run that redacts its reports.
    #[must_use]
    pub fn without_value(mut self) -> Self {
        if let Kind::Envelope { code: Code::ENV004 | Code::ENV007, detail, .. } = &mut *self.0 {
            "the value is not shown".clone_into(detail);
        }
        self
    }

    /// The position in the input, if known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self.kind() {
            Kind::Syntax { position, .. } | Kind::TooLarge { position, .. } | Kind::Bug { position, .. } => {
                Some(*position)
            }
            Kind::Envelope { position, .. } => *position,
            _ => None,
        }
    }
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Error(Box::new(kind))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Usage { what } => f.write_str(what),
            Kind::Io { doing, file, source } => {
                write!(f, "cannot {doing} {file}: {source}")?;
                match source.kind() {
                    io::ErrorKind::FileTooLarge => {
                        f.write_str("; the shell (ulimit -f) or the file system allows no larger file")
                    }
                    io::ErrorKind::BrokenPipe => f.write_str("; what reads it has ended: run it again"),
                    io::ErrorKind::StorageFull => f.write_str("; make room, or write to another disk"),
                    _ => Ok(()),
                }
            }
            Kind::ClosedPipe => f.write_str("the output was closed"),
            Kind::Halted => f.write_str("the run was ended before it was done"),
            Kind::Exists { file } => {
                write!(f, "{file} is there already; --force overwrites it, or name another output")
            }
            Kind::HoldsBodies { dir, bodies, has_receipt } => {
                let noun = if *bodies == 1 { "body" } else { "bodies" };
                match has_receipt {
                    true => write!(
                        f,
                        "{dir} holds {bodies} {noun} of an earlier run: --append adds to them, --replace removes them, or name \
                         another directory"
                    ),
                    false => write!(
                        f,
                        "{dir} holds {bodies} {noun} of a run that did not finish, as there is no receipt: --replace removes them, \
                         or name another directory"
                    ),
                }
            }
            Kind::NotContacts { input, what } | Kind::Compressed { input, what } => write!(f, "{input}: {what}"),
            Kind::Syntax { input, position, fault } => {
                let what = if *fault == Fault::OpenQuote { "a broken row" } else { "broken JSON" };
                write!(f, "{input}: {what} at {position}: {fault}; {}", fault.help())
            }
            Kind::TooLarge { input, position, what } => write!(f, "{input}: at {position}: {what}"),
            Kind::Envelope { code, message, help, input, position, detail } => {
                write!(f, "{input}: {code}: {}", message)?;
                if !detail.is_empty() {
                    write!(f, ": {detail}")?;
                }
                if let Some(position) = position {
                    write!(f, " (at {position})")?;
                }
                write!(f, "; {}", help)
            }
            Kind::Changed { input, before, now } => {
                write!(f, "{input}: the file changed while it was read: ")?;
                match now.cmp(before) {
                    Ordering::Less => write!(f, "it got shorter, from {before} to {now} bytes")?,
                    Ordering::Greater => write!(f, "it grew from {before} to {now} bytes")?,
                    Ordering::Equal => f.write_str("it was written to or replaced")?,
                }
                f.write_str("; run again when nothing writes to it")
            }
            Kind::Bug { input, position, what } => write!(
                f,
                "{input}: an internal error at {position}: {what}; please report this, with that contact if you can"
            ),
            Kind::Counts { what } => {
                write!(f, "an internal error: the counts do not add up: {what}; please report this")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            Kind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
