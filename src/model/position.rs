//! Positions: byte offset, line, column and contact. The readers of bytes carry them forward, so nothing is scanned twice.

use std::fmt;

/// A place in one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Bytes from the start of the input, from 0; a byte-order mark counts.
    pub offset: u64,
    /// Line, from 1; a line ends with `\n`.
    pub line: u64,
    /// Byte within the line, from 1; 0 where it is not known.
    pub column: u64,
    /// Index of the contact, from 0, when the place is in or right before one.
    pub contact: Option<u64>,
}

impl Position {
    /// The place `bytes.len()` bytes after `self`, with line and column moved on past the line breaks in `bytes`.
    #[must_use]
    pub fn after(self, bytes: &[u8]) -> Position {
        let column = match memchr::memrchr(b'\n', bytes) {
            Some(last) => (bytes.len() - last) as u64,
            None if self.column == 0 => 0,
            None => self.column + bytes.len() as u64,
        };
        Position {
            offset: self.offset + bytes.len() as u64,
            line: self.line + memchr::memchr_iter(b'\n', bytes).count() as u64,
            column,
            contact: self.contact,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}, line {}", self.offset, self.line)?;
        if self.column > 0 {
            write!(f, ", column {}", self.column)?;
        }
        if let Some(contact) = self.contact {
            write!(f, ", contact {contact}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_over_line_breaks() {
        let start = Position { offset: 10, line: 3, column: 5, contact: Some(1) };
        assert_eq!(start.after(b"abc"), Position { offset: 13, line: 3, column: 8, contact: Some(1) });
        assert_eq!(start.after(b"a\nbc"), Position { offset: 14, line: 4, column: 3, contact: Some(1) });
        assert_eq!(start.after(b"a\n"), Position { offset: 12, line: 4, column: 1, contact: Some(1) });
        assert_eq!(start.after(b"").to_string(), "byte 10, line 3, column 5, contact 1");
    }
}
