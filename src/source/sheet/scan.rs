//! What the XML of a document says beside the cells, found in its bytes as they pass.

use memchr::memmem;
use std::sync::LazyLock;

/// Bytes that are kept from one block to the next. No tag that is looked for is longer.
const KEPT: usize = 4 << 10;

/// The bytes that passed last.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// Where the last block begins.
    block: usize,
}

impl Window {
    /// Adds a block.
    pub(super) fn push(&mut self, block: &[u8]) {
        let kept = self.bytes.len().min(KEPT);
        self.bytes.drain(..self.bytes.len() - kept);
        self.block = kept;
        self.bytes.extend_from_slice(block);
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Where a text stands, each place once: those that end, with `behind` more bytes, in the last block.
    fn find<'w>(&'w self, finder: &'w memmem::Finder<'_>, behind: usize) -> impl Iterator<Item = usize> + 'w {
        let len = finder.needle().len() + behind;
        let from = (self.block + 1).saturating_sub(len);
        let hits = finder.find_iter(&self.bytes[from..]).map(move |at| from + at);
        hits.filter(move |at| at + len <= self.bytes.len())
    }

    /// The names of the tables of an OpenDocument file whose tags end in the last block.
    pub(super) fn table_names(&self, names: &mut Vec<String>) {
        static TABLE: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"<table:table "));
        for at in TABLE.find_iter(&self.bytes) {
            let tag = &self.bytes[at..];
            let Some(end) = memchr::memchr(b'>', tag).filter(|end| at + end >= self.block) else { continue };
            let tag = String::from_utf8_lossy(&tag[..end]);
            let name = attribute(&tag, "table:name").unwrap_or_default();
            names.push(quick_xml::escape::unescape(name).map_or_else(|_| name.to_owned(), |name| name.into_owned()));
        }
    }

    /// The largest number of shared texts that XLSX says it has.
    pub(super) fn shared_texts(&self) -> u64 {
        static COUNT: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"uniqueCount"));
        let count = |at: usize| {
            let mut digits = self.bytes[at..].iter().skip(b"uniqueCount".len());
            let is_between = |byte: &&u8| matches!(byte, b'=' | b'"' | b'\'') || byte.is_ascii_whitespace();
            let first = digits.by_ref().find(|byte| !is_between(byte))?;
            let digits = std::iter::once(first).chain(digits).take_while(|byte| byte.is_ascii_digit());
            Some(digits.fold(0u64, |n, digit| n.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
        };
        COUNT.find_iter(&self.bytes).filter_map(count).max().unwrap_or_default()
    }
}

/// The value of an attribute in a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let at = tag.find(&format!(" {name}="))? + name.len() + 2;
    let quote = tag[at..].chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    tag[at + 1..].split(quote).next()
}

/// Merged, hidden: what a person sees in a sheet of XLSX, and its cells do not say.
#[derive(Debug, Default)]
pub(super) struct Scan {
    window: Window,
    pub(super) merged: u64,
    pub(super) hidden_rows: u64,
    pub(super) hidden_columns: u64,
}

impl Scan {
    /// Looks at the next bytes of the sheet.
    pub(super) fn push(&mut self, block: &[u8]) {
        static HIDDEN: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b" hidden="));
        static MERGED: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"mergeCell "));
        self.window.push(block);
        let bytes = &self.window.bytes;
        for at in self.window.find(&HIDDEN, 2) {
            let value = &bytes[at + HIDDEN.needle().len()..];
            let is_hidden = matches!(value, [b'"' | b'\'', b'1' | b't', ..]);
            let Some(start) = memchr::memrchr(b'<', &bytes[..at]).filter(|_| is_hidden) else { continue };
            let tag = &bytes[start + 1..at];
            let name = tag.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            match name.rsplit(|byte| *byte == b':').next().unwrap_or_default() {
                _ if tag.contains(&b'>') => {}
                b"row" => self.hidden_rows += 1,
                b"col" => {
                    let end = memchr::memchr(b'>', &bytes[start..]).map_or(bytes.len(), |end| start + end);
                    let tag = String::from_utf8_lossy(&bytes[start..end]);
                    let number = |name| attribute(&tag, name).and_then(|text| text.parse::<u64>().ok());
                    let columns =
                        number("max").zip(number("min")).map_or(1, |(max, min)| (max + 1).saturating_sub(min));
                    self.hidden_columns += columns.clamp(1, 1 << 14);
                }
                _ => {}
            }
        }
        let is_tag = |at: &usize| at.checked_sub(1).is_some_and(|before| matches!(bytes[before], b'<' | b':'));
        self.merged += self.window.find(&MERGED, 0).filter(is_tag).count() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_is_counted_once_however_the_bytes_come() {
        let sheet = b"<cols><col min=\"2\" max=\"3\" hidden=\"1\"/><col hidden='true' min='5' max='5'/><col hidden=\"0\"/></cols>\
            <row r=\"1\" hidden=\"1\"><c><is><t>a hidden=\"1\"</t></is></c></row><x:row hidden=\"true\"/>\
            <mergeCells count=\"2\"><mergeCell ref=\"A1:B1\"/><x:mergeCell ref=\"A2:B2\"/></mergeCells>mergeCell ";
        for len in [1, 2, 3, 7, 50, 1000] {
            let mut scan = Scan::default();
            sheet.chunks(len).for_each(|block| scan.push(block));
            let columns = if len < 50 { 2 } else { 3 };
            assert_eq!((scan.merged, scan.hidden_rows), (2, 2), "{len}");
            assert!(scan.hidden_columns >= columns, "{len}");
        }
    }

    #[test]
    fn names_of_tables() {
        let content = b"<table:table table:name=\"A &amp; B\" x=\"1\"><table:table-row/></table:table><table:table table:name='C'>";
        for len in [1, 5, 1000] {
            let (mut window, mut names) = (Window::default(), Vec::new());
            for block in content.chunks(len) {
                window.push(block);
                window.table_names(&mut names);
            }
            assert_eq!(names, ["A & B", "C"], "{len}");
        }
    }

    #[test]
    fn numbers_of_shared_texts() {
        let mut window = Window::default();
        window.push(b"<sst count=\"9\" uniqueCount = '12");
        assert_eq!(window.shared_texts(), 12);
        window.push(b"34'>");
        assert_eq!(window.shared_texts(), 1234);
    }
}
