//! Pages of a collection: as many as are asked for, and where the next page begins.

use super::{Error, Result};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

/// Items of a page when nobody says how many.
pub const LIMIT: u64 = 50;

/// One page of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// What the next page is asked for with; none on the last.
    pub next: Option<i64>,
    /// Items in all, where that was asked for.
    pub count: Option<u64>,
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Most items.
    pub limit: u64,
    /// [`Page::next`] of the page before; none for the first.
    pub after: Option<i64>,
    /// Count the items of all pages.
    pub count: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Wanted { limit: LIMIT, after: None, count: false }
    }
}

impl Wanted {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Wanted { limit: i64::MAX as u64 - 1, ..Wanted::default() }
    }

    /// One more than the page has, so that it shows whether there is a next.
    pub(super) fn limit_and_one(self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// Makes a page of rows, each with what the page behind it would be asked for with.
    pub(super) fn page<T>(self, mut rows: Vec<(i64, T)>, count: Option<u64>) -> Page<T> {
        let more = rows.len() as u64 > self.limit;
        rows.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        let next = if more { rows.last().map(|(key, _)| *key) } else { None };
        Page { items: rows.into_iter().map(|(_, item)| item).collect(), next, count }
    }
}

/// A link, as the service writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The path, with its query.
    pub href: String,
}

/// A name that something new is to have: trimmed, not empty, not too long.
pub(super) fn name(what: &str, name: &str, limit: usize) -> Result<String> {
    // As contacts are written.
    let name: String = name.trim().nfc().collect();
    let chars = name.chars().count();
    if name.is_empty() {
        return Err(Error::Invalid(format!("{what} is missing or blank")));
    }
    if chars > limit {
        return Err(Error::Invalid(format!("{what} has {chars} characters: {limit} are allowed")));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("{what} has a control character or a line break in it")));
    }
    Ok(name)
}
