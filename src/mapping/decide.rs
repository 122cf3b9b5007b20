//! Which column is which member.

use super::columns::{Column, Mapping};
use super::file::MapFile;
use super::profile::Profile;
use std::fmt;

/// What becomes of columns that nothing knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unmapped {
    /// They are not in the output.
    #[default]
    Leave,
    /// They become custom fields.
    Custom,
    /// The run ends.
    Error,
}

/// What the user said about columns.
#[derive(Debug, Clone, Default)]
pub struct MapOptions {
    /// Columns to leave out.
    pub ignore: Vec<String>,
    /// Columns and what each becomes: a member, `cf:NAME`, or several members with commas.
    pub rename: Vec<(String, String)>,
    /// The map file.
    pub file: Option<MapFile>,
    /// Systems and synonyms count.
    pub auto: bool,
    /// What becomes of columns that nothing knows.
    pub unmapped: Unmapped,
}

/// Why no mapping can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapError {
    /// The map file does not mention these columns.
    Unmentioned(Vec<String>),
    /// These columns would be custom fields, and they are too many.
    TooManyCustom(Vec<String>),
    /// Nothing knows these columns, and that is an error.
    Unmapped(Vec<String>),
    /// This is no target, in a rename of this column.
    UnknownTarget {
        /// The column.
        from: String,
        /// What it should become.
        to: String,
        /// A member with a similar name.
        suggestion: Option<&'static str>,
    },
    /// Two columns were renamed to one member.
    TwoColumns {
        /// The member.
        member: String,
        /// The columns.
        columns: [String; 2],
    },
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for MapError {}

/// What decides names that are met later.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {}

/// Decides what each column becomes.
///
/// # Errors
/// [`MapError`]
pub fn decide(_profile: &Profile, _options: &MapOptions) -> Result<Mapping, MapError> {
    Err(MapError::Unmapped(Vec::new()))
}

pub(super) fn late(_mapping: &Mapping, _name: &str) -> Column {
    unimplemented!()
}
