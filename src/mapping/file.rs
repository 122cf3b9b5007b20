//! Map files: a mapping as TOML, to be edited and given back.

use super::columns::Mapping;
use std::fmt;

/// A map file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapFile {}

/// What is wrong with a map file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The column in that line, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}; {}", self.line, self.column, self.message, self.help)
    }
}

impl std::error::Error for FileError {}

impl MapFile {
    /// Reads a map file.
    ///
    /// # Errors
    /// It is no TOML, or says something that is no mapping.
    pub fn parse(_text: &str) -> Result<MapFile, FileError> {
        Ok(MapFile::default())
    }
}

/// The mapping as a map file.
#[must_use]
pub fn render(_mapping: &Mapping) -> String {
    String::new()
}

/// The mapping as JSON, for programs.
#[must_use]
pub fn render_json(_mapping: &Mapping) -> String {
    String::new()
}
