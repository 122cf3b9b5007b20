//! Pages of a collection.

use super::{Error, Result};
use serde::Serialize;
use std::io;
use unicode_normalization::UnicodeNormalization;

/// The default number of items of a page.
pub const LIMIT: u64 = 50;

/// One page of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// [`PageRequest::after`] for the next page; none on the last page.
    pub next: Option<i64>,
    /// Items of all pages, if counted.
    pub count: Option<u64>,
}

/// A request for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Most items.
    pub limit: u64,
    /// [`Page::next`] of the page before; none for the first.
    pub after: Option<i64>,
    /// Count the items of all pages.
    pub count: bool,
    /// The size limit of a page in bytes of JSON. Further items are on the next page; each page has at least one item.
    pub bytes: u64,
}

impl Default for PageRequest {
    fn default() -> Self {
        PageRequest { limit: LIMIT, after: None, count: false, bytes: u64::MAX }
    }
}

impl PageRequest {
    /// One page with everything.
    #[must_use]
    pub fn all() -> Self {
        PageRequest { limit: i64::MAX as u64 - 1, ..PageRequest::default() }
    }

    /// One more than the page has: the extra row shows that there is a next page.
    pub(super) fn limit_and_one(self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// Makes a page of rows, each with the cursor of a page that follows it. Rows that the page has no room for are not
    /// read.
    pub(super) fn page<T: Serialize>(
        self,
        rows: impl IntoIterator<Item = Result<(i64, T)>>,
        count: Option<u64>,
    ) -> Result<Page<T>> {
        let mut page = Page { items: Vec::new(), next: None, count };
        let (mut last, mut size) = (None, Size(0));
        for row in rows {
            let (key, item) = row?;
            if self.bytes < u64::MAX {
                // Counting cannot fail; a value that cannot be serialised fails when it is written.
                let _ = serde_json::to_writer(&mut size, &item);
            }
            let is_full = page.items.len() as u64 >= self.limit || size.0 >= self.bytes;
            if is_full && !page.items.is_empty() {
                page.next = last;
                break;
            }
            page.items.push(item);
            last = Some(key);
        }
        Ok(page)
    }
}

/// A writer that counts bytes.
struct Size(u64);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A link, in the form of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The path, with its query.
    pub href: String,
}

/// Checks the length of a text in characters.
pub(super) fn length(what: &str, text: &str, limit: usize) -> Result<()> {
    match text.chars().count() {
        chars if chars > limit => Err(Error::Invalid(format!("{what} has {chars} characters: {limit} are allowed"))),
        _ => Ok(()),
    }
}

/// A name for something new: trimmed, not empty, not too long.
pub(super) fn name(what: &str, name: &str, limit: usize) -> Result<String> {
    // Contacts are written in NFC, too.
    let name: String = name.trim().nfc().collect();
    if name.is_empty() {
        return Err(Error::Invalid(format!("{what} is missing or blank")));
    }
    length(what, &name, limit)?;
    if name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("{what} contains a control character or a line break")));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_limit_or_its_bytes() {
        let of = |request: PageRequest| {
            let rows = ["aaaa", "bb", "c", "dddddddd"].into_iter().zip(1..).map(|(text, key)| Ok((key, text)));
            let page = request.page(rows, None).unwrap();
            (page.items.len(), page.next)
        };
        assert_eq!(of(PageRequest::default()), (4, None));
        assert_eq!(of(PageRequest { limit: 4, ..PageRequest::default() }), (4, None));
        assert_eq!(of(PageRequest { limit: 3, ..PageRequest::default() }), (3, Some(3)));
        // With their quotes they have 6, 4, 3 and 10 bytes.
        assert_eq!(of(PageRequest { bytes: 11, ..PageRequest::default() }), (2, Some(2)));
        assert_eq!(of(PageRequest { bytes: 24, ..PageRequest::default() }), (4, None));
        assert_eq!(of(PageRequest { bytes: 1, ..PageRequest::default() }), (1, Some(1)));
    }
}
