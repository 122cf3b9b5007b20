//! A row to its cells.

use std::ops::Range;

/// Where the text of a cell is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes of the row.
    Row(Range<usize>),
    /// These bytes of the buffer of texts: the cell is not in the row as it is.
    Made(Range<usize>),
}

/// The cells of one row. It keeps its buffers.
#[derive(Debug, Default)]
pub struct Cells {
    pieces: Vec<Piece>,
    /// Each cell with its quotes.
    raw: Vec<Range<usize>>,
    made: Vec<u8>,
}

impl Cells {
    /// Reads a row, which has no line break at its end.
    pub fn read(&mut self, row: &[u8], delimiter: u8) {
        self.pieces.clear();
        self.raw.clear();
        self.made.clear();
        let mut at = 0;
        loop {
            let (piece, end) = self.cell(row, at, delimiter);
            self.pieces.push(piece);
            self.raw.push(at..end);
            if end >= row.len() {
                return;
            }
            at = end + 1;
        }
    }

    /// The cell that begins at `start`, and where it ends: at its delimiter, or with the row.
    fn cell(&mut self, row: &[u8], start: usize, delimiter: u8) -> (Piece, usize) {
        let end_of = |from: usize| memchr::memchr(delimiter, &row[from..]).map_or(row.len(), |at| from + at);
        let spaces = row[start..].iter().take_while(|byte| **byte == b' ').count();
        let open = start + spaces;
        if row.get(open) != Some(&b'"') {
            let end = end_of(start);
            return (Piece::Row(start..end), end);
        }
        let made = self.made.len();
        let mut from = open + 1;
        // The quote that closes is the first that no other follows.
        let close = loop {
            let Some(quote) = memchr::memchr(b'"', &row[from..]).map(|at| from + at) else { break row.len() };
            if row.get(quote + 1) != Some(&b'"') {
                break quote;
            }
            self.made.extend_from_slice(&row[from..=quote]);
            from = quote + 2;
        };
        let behind = (close + 1).min(row.len());
        let end = end_of(behind);
        let rest = &row[behind..end];
        let is_plain = self.made.len() == made && rest.iter().all(|byte| *byte == b' ');
        if is_plain {
            return (Piece::Row(open + 1..close), end);
        }
        self.made.extend_from_slice(&row[from..close]);
        if !rest.iter().all(|byte| *byte == b' ') {
            self.made.extend_from_slice(rest);
        }
        (Piece::Made(made..self.made.len()), end)
    }

    /// How many there are: at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether no row was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Where they are.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The bytes of a cell of this row.
    #[must_use]
    pub fn bytes<'t>(&'t self, row: &'t [u8], index: usize) -> &'t [u8] {
        match self.pieces.get(index) {
            Some(Piece::Row(range)) => &row[range.clone()],
            Some(Piece::Made(range)) => &self.made[range.clone()],
            None => &[],
        }
    }

    /// The bytes of a cell as they are in this row, with its quotes.
    #[must_use]
    pub fn raw<'t>(&self, row: &'t [u8], index: usize) -> &'t [u8] {
        self.raw.get(index).map_or(&[], |range| &row[range.clone()])
    }

    /// The text of a cell of this row, with replacement characters for what is not UTF-8.
    #[must_use]
    pub fn text(&self, row: &[u8], index: usize) -> String {
        String::from_utf8_lossy(self.bytes(row, index)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(row: &str) -> Vec<String> {
        let mut cells = Cells::default();
        cells.read(row.as_bytes(), b',');
        (0..cells.len()).map(|i| cells.text(row.as_bytes(), i)).collect()
    }

    #[test]
    fn quotes_and_spaces() {
        for (row, expected) in [
            ("", &[""][..]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("a,", &["a", ""]),
            (",", &["", ""]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"a\"\"b\",\"\",\"\"\"\"", &["a\"b", "", "\""]),
            (" \"a\" , b ,  \"c,d\"", &["a", " b ", "c,d"]),
            ("a \"b\" c,5\" pipe", &["a \"b\" c", "5\" pipe"]),
            ("\"a\" b,\"a\"b\"c\",d", &["a b", "ab\"c\"", "d"]),
            ("\"a\nb\",c", &["a\nb", "c"]),
        ] {
            assert_eq!(cells(row), expected, "{row}");
        }
    }

    #[test]
    fn a_row_that_ends_in_quotes_is_read_to_its_end() {
        assert_eq!(cells("a,\"b"), ["a", "b"]);
        assert_eq!(cells("\""), [""]);
        assert_eq!(cells("\"a\"\""), ["a\""]);
    }
}
