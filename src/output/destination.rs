//! Where an output goes: a path, or a writer of the caller.

use crate::model::error::{Kind, Result};
use crate::output::file::Output;
use crate::output::path::is_stdout;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where one output of a run goes: a path or a writer.
///
/// Functions that take an `impl Into<Destination>` accept
/// - `&mut W` for any writer that is `Write + Send`: a `Vec<u8>`, a file, a socket. Bytes arrive as the run goes.
/// - a path (`&Path`, `PathBuf`, `&str`): the file appears whole when the run is done, or not at all. `-` is standard output.
pub struct Destination<'o>(Target<'o>);

enum Target<'o> {
    Path(PathBuf),
    Writer(Box<dyn Write + Send + 'o>),
}

impl<'o> Destination<'o> {
    /// Opens it for writing; `what` names a writer in errors.
    pub(crate) fn open(self, what: &str, force: bool) -> Result<Output<'o>> {
        match self.0 {
            Target::Path(path) => Output::create(&path, force),
            Target::Writer(writer) => Ok(Output::writer(what, writer)),
        }
    }

    /// The path, unless it is a writer.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Target::Path(path) => Some(path),
            Target::Writer(_) => None,
        }
    }

    /// True for a file that gets its name when it is finished: until then, nobody has read any of it.
    pub(crate) fn is_file(&self) -> bool {
        self.path().is_some_and(|path| !is_stdout(path))
    }

    /// Fails early if it is a file that exists and may not be overwritten.
    pub(crate) fn refuse_existing(&self, force: bool) -> Result<()> {
        match self.path() {
            Some(path) if !force && !is_stdout(path) && path.is_file() => {
                Err(Kind::Exists { file: path.display().to_string() }.into())
            }
            _ => Ok(()),
        }
    }
}

impl<'o, W: Write + Send> From<&'o mut W> for Destination<'o> {
    fn from(writer: &'o mut W) -> Self {
        Destination(Target::Writer(Box::new(writer)))
    }
}

impl From<PathBuf> for Destination<'_> {
    fn from(path: PathBuf) -> Self {
        Destination(Target::Path(path))
    }
}

impl From<&PathBuf> for Destination<'_> {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&Path> for Destination<'_> {
    fn from(path: &Path) -> Self {
        path.to_path_buf().into()
    }
}

impl From<&str> for Destination<'_> {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Target::Writer(_) => f.write_str("Writer"),
        }
    }
}
