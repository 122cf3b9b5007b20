//! Bytes to rows. The splitter gets blocks of any size, and returns the rows that ended in each.
//!
//! Sixty-four bytes are one step: the quotes' parity says what is inside quotes, and the line breaks outside end rows. That holds as
//! long as every quote that opens stands at the start of a cell. Where one does not, the step is done byte by byte.

use crate::json::split::{Pending, Span, SplitError};
use crate::model::fault::Fault;
use crate::simd::{Backend, Choice, RowMasks, with_backend};

/// Most bytes of a quoted cell, with its first quote. In a longer one, the closing quote is missing.
pub const QUOTED_MAX: u64 = 1 << 20;

/// Where in a row the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a cell, or behind spaces there.
    Start,
    /// In a cell without quotes, or behind what follows the closing quote of one.
    Plain,
    /// Inside quotes.
    Quoted,
    /// Behind a quote that closes, unless another one follows.
    Closed,
}

/// Splits a table into rows. See the [module](self).
#[derive(Debug, Clone)]
pub struct RowSplitter {
    choice: Choice,
    delimiter: u8,
    /// Offset of the next byte.
    at: u64,
    state: State,
    /// The last byte was a space at the start of a cell.
    after_space: bool,
    /// The last byte was a line feed, or a carriage return: 1 or 0.
    after_newline: u64,
    after_return: u64,
    /// The line of the last byte, and where it begins.
    line: u64,
    line_start: u64,
    /// Where the current row begins, and in which line.
    row: u64,
    row_line: u64,
    /// The current row has a value.
    has_value: bool,
    /// The quote that opened the current cell.
    quote: u64,
    quote_line: u64,
    spans: u64,
}

impl RowSplitter {
    /// A splitter of rows from `offset` on, in line `line`, which begins at `line_start`.
    #[must_use]
    pub fn new(delimiter: u8, offset: u64, line: u64, line_start: u64) -> Self {
        Self::with_backend(delimiter, offset, line, line_start, Choice::best())
    }

    /// The same with a given backend, for tests and benches.
    #[must_use]
    pub fn with_backend(delimiter: u8, offset: u64, line: u64, line_start: u64, choice: Choice) -> Self {
        RowSplitter {
            choice,
            delimiter,
            at: offset,
            state: State::Start,
            after_space: false,
            after_newline: 0,
            after_return: 0,
            line,
            line_start,
            row: offset,
            row_line: line,
            has_value: false,
            quote: 0,
            quote_line: 0,
            spans: 0,
        }
    }

    /// Offset of the byte that the next block must begin with.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Line of that byte, from 1, and the offset at which the line began.
    #[must_use]
    pub fn line(&self) -> (u64, u64) {
        match self.after_newline | self.after_return {
            0 => (self.line, self.line_start),
            _ => (self.line + 1, self.at),
        }
    }

    /// Rows found so far.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.spans
    }

    /// The row that has begun and not ended, if one has.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        (self.at > self.row).then_some(Pending { start: self.row, line: self.row_line })
    }

    /// Reads a block, and appends the rows that ended in it to `spans`.
    ///
    /// # Errors
    /// A quoted cell of more than [`QUOTED_MAX`] bytes. The rows before it were appended.
    pub fn feed(&mut self, block: &[u8], spans: &mut Vec<Span>) -> Result<(), SplitError> {
        let before = spans.len();
        let choice = self.choice;
        let result = with_backend!(choice, run, (
            splitter: &mut RowSplitter = self,
            block: &[u8] = block,
            spans: &mut Vec<Span> = spans,
        ) -> Result<(), SplitError>);
        self.spans += (spans.len() - before) as u64;
        result
    }

    /// Ends the input. A last row without a line break is appended to `spans`.
    ///
    /// # Errors
    /// The input ends inside quotes.
    pub fn finish(&mut self, spans: &mut Vec<Span>) -> Result<(), SplitError> {
        if self.state == State::Quoted {
            return Err(self.open_quote());
        }
        if self.has_value {
            spans.push(Span { start: self.row, end: self.at, line: self.row_line, whole: true });
            self.spans += 1;
        }
        (self.row, self.has_value) = (self.at, false);
        Ok(())
    }

    fn open_quote(&self) -> SplitError {
        SplitError { at: self.quote, line: self.quote_line, fault: Fault::OpenQuote }
    }

    /// Reads up to 64 bytes: the first `len` of them.
    #[inline(always)]
    fn step<B: Backend>(
        &mut self,
        backend: B,
        bytes: &[u8; 64],
        len: u32,
        spans: &mut Vec<Span>,
    ) -> Result<(), SplitError> {
        let real = !0u64 >> (64 - len);
        let masks = RowMasks::of(backend, bytes, self.delimiter);
        let quote = masks.quote & real;
        let (newline, carriage_return) = (masks.newline & real, masks.carriage_return & real);
        let was_quoted = self.state == State::Quoted;
        let inside = backend.prefix_xor(quote) ^ if was_quoted { !0 } else { 0 };
        let opens = quote & inside;
        let breaks = newline | carriage_return;
        // A cell begins behind these. Two quotes in a row are one, inside a cell.
        let begins = masks.delimiter | breaks;
        let may_open = (begins | quote) << 1 | u64::from(self.may_open());
        let is_long = (was_quoted || self.state == State::Closed) && self.at + u64::from(len) - self.quote > QUOTED_MAX;
        if opens & !may_open != 0 || is_long {
            return self.step_by_bytes(&bytes[..len as usize], spans);
        }
        // Bits of the bytes that begin a line.
        let lines = (newline << 1 | self.after_newline | (carriage_return << 1 | self.after_return) & !newline) & real;
        let value = real & !(breaks | quote | masks.space | masks.delimiter & !inside);
        let mut ends = breaks & !inside;
        let mut done = 0u64;
        while ends != 0 {
            let i = ends.trailing_zeros();
            ends &= ends - 1;
            let below = (1u64 << i) - 1;
            let end = self.at + u64::from(i);
            if self.has_value || value & below & !done != 0 {
                spans.push(Span { start: self.row, end, line: self.row_line, whole: true });
            }
            done = below | 1 << i;
            self.has_value = false;
            self.row = end + 1;
            self.row_line = self.line + u64::from((lines & done).count_ones()) + 1;
        }
        self.has_value |= value & !done != 0;
        // Of two quotes in a row, the second opens nothing.
        let first_quotes = opens & !(quote << 1 | u64::from(self.state == State::Closed));
        if first_quotes != 0 {
            let at = 63 - first_quotes.leading_zeros();
            self.quote = self.at + u64::from(at);
            self.quote_line = self.line + u64::from((lines & (!0 >> (63 - at))).count_ones());
        }
        self.end_step(bytes, len, inside, lines, (begins, quote, masks.space));
        Ok(())
    }

    /// What is carried to the next step.
    #[inline(always)]
    fn end_step(&mut self, bytes: &[u8; 64], len: u32, inside: u64, lines: u64, masks: (u64, u64, u64)) {
        let (begins, quote, space) = masks;
        if lines != 0 {
            self.line += u64::from(lines.count_ones());
            self.line_start = self.at + u64::from(63 - lines.leading_zeros());
        }
        self.at += u64::from(len);
        let last = len - 1;
        let bit = |mask: u64| mask >> last & 1 != 0;
        self.after_newline = u64::from(bytes[last as usize] == b'\n');
        self.after_return = u64::from(bytes[last as usize] == b'\r');
        self.state = if bit(inside) {
            State::Quoted
        } else if bit(quote) {
            State::Closed
        } else if bit(begins) {
            State::Start
        } else if bit(space) {
            // Spaces at the start of a cell are skipped.
            let others = !space & (!0 >> (63 - last));
            match others {
                0 if self.state == State::Start => State::Start,
                0 => State::Plain,
                _ if begins & !inside & 1 << (63 - others.leading_zeros()) != 0 => State::Start,
                _ => State::Plain,
            }
        } else {
            State::Plain
        };
        self.after_space = self.state == State::Start && bit(space);
    }

    /// A quote here opens a cell, or is the second of two.
    fn may_open(&self) -> bool {
        match self.state {
            State::Start => !self.after_space,
            State::Closed => true,
            State::Plain | State::Quoted => false,
        }
    }

    /// The same step, as the rules say it.
    #[inline(never)]
    fn step_by_bytes(&mut self, bytes: &[u8], spans: &mut Vec<Span>) -> Result<(), SplitError> {
        for byte in bytes {
            let at = self.at;
            if self.after_newline == 1 || (self.after_return == 1 && *byte != b'\n') {
                self.line += 1;
                self.line_start = at;
            }
            (self.after_newline, self.after_return) = (u64::from(*byte == b'\n'), u64::from(*byte == b'\r'));
            if self.state == State::Quoted && at - self.quote > QUOTED_MAX {
                return Err(self.open_quote());
            }
            self.at += 1;
            let is_break = matches!(byte, b'\n' | b'\r');
            if is_break && self.state != State::Quoted {
                if self.has_value {
                    spans.push(Span { start: self.row, end: at, line: self.row_line, whole: true });
                }
                (self.row, self.row_line, self.has_value) = (self.at, self.line + 1, false);
                (self.state, self.after_space) = (State::Start, false);
                continue;
            }
            let is_end = *byte == self.delimiter && self.state != State::Quoted;
            self.has_value |= !(is_end || is_break || matches!(byte, b' ' | b'"'));
            self.after_space = false;
            self.state = match (self.state, *byte) {
                (State::Quoted, b'"') => State::Closed,
                (State::Quoted, _) => State::Quoted,
                _ if is_end => State::Start,
                (State::Start, b'"') => {
                    (self.quote, self.quote_line) = (at, self.line);
                    State::Quoted
                }
                (State::Closed, b'"') => State::Quoted,
                (State::Start, b' ') => {
                    self.after_space = true;
                    State::Start
                }
                _ => State::Plain,
            };
        }
        Ok(())
    }
}

#[inline(always)]
fn run<B: Backend>(
    backend: B,
    splitter: &mut RowSplitter,
    block: &[u8],
    spans: &mut Vec<Span>,
) -> Result<(), SplitError> {
    let (chunks, rest) = block.as_chunks::<64>();
    for chunk in chunks {
        splitter.step(backend, chunk, 64, spans)?;
    }
    if !rest.is_empty() {
        let mut last = [0; 64];
        last[..rest.len()].copy_from_slice(rest);
        splitter.step(backend, &last, rest.len() as u32, spans)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
