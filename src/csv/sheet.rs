//! Rows of a sheet, as a spreadsheet's reader writes them: a line feed outside quotes ends each row, and each row without a value is an
//! empty line. A line is a row of the sheet here, also where a cell has line breaks.

use crate::json::split::{Pending, Span};

/// Splits the rows of a sheet. See the [module](self).
#[derive(Debug, Clone)]
pub struct SheetSplitter {
    /// Offset of the next byte.
    at: u64,
    /// Where the current row begins, and its number.
    row: u64,
    line: u64,
    is_quoted: bool,
    spans: u64,
}

impl SheetSplitter {
    /// A splitter of rows from `offset` on, in row `line`.
    #[must_use]
    pub fn new(offset: u64, line: u64) -> Self {
        SheetSplitter { at: offset, row: offset, line, is_quoted: false, spans: 0 }
    }

    /// Offset of the byte that the next block must begin with.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Row of that byte, from 1, and the offset at which it began.
    #[must_use]
    pub fn line(&self) -> (u64, u64) {
        (self.line, self.row)
    }

    /// Rows found so far.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.spans
    }

    /// The row that has begun and not ended, if one has.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        (self.at > self.row).then_some(Pending { start: self.row, line: self.line })
    }

    /// Reads a block, and appends the rows that ended in it to `spans`.
    pub fn feed(&mut self, block: &[u8], spans: &mut Vec<Span>) {
        for at in memchr::memchr2_iter(b'"', b'\n', block) {
            if block[at] == b'"' {
                // Two quotes within a cell are one, and change nothing.
                self.is_quoted = !self.is_quoted;
            } else if !self.is_quoted {
                self.end(self.at + at as u64, spans);
                self.row = self.at + at as u64 + 1;
                self.line += 1;
            }
        }
        self.at += block.len() as u64;
    }

    /// Ends the input. A last row without a line feed is appended to `spans`.
    pub fn finish(&mut self, spans: &mut Vec<Span>) {
        self.end(self.at, spans);
        self.row = self.at;
    }

    fn end(&mut self, end: u64, spans: &mut Vec<Span>) {
        if end > self.row {
            spans.push(Span { start: self.row, end, line: self.line, whole: true });
            self.spans += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_row_of_the_sheet() {
        let text = b"\n\na,\"b\n\"\"c\"\"\nd\"\n\ne\n\"\"\"\"\nf";
        for len in [1, 2, 3, 100] {
            let (mut splitter, mut spans) = (SheetSplitter::new(0, 1), Vec::new());
            text.chunks(len).for_each(|block| splitter.feed(block, &mut spans));
            assert_eq!(splitter.line(), (7, 24));
            assert_eq!(splitter.pending(), Some(Pending { start: 24, line: 7 }));
            splitter.finish(&mut spans);
            let rows: Vec<_> =
                spans.iter().map(|span| (span.line, &text[span.start as usize..span.end as usize])).collect();
            let expected: [(u64, &[u8]); 4] = [(3, b"a,\"b\n\"\"c\"\"\nd\""), (5, b"e"), (6, b"\"\"\"\""), (7, b"f")];
            assert_eq!(rows, expected, "{len}");
            assert_eq!(splitter.spans(), 4);
        }
    }
}
