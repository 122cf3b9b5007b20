//! Bytes to contact spans.
//!
//! A [`Splitter`] does no I/O and keeps no bytes. The caller feeds it blocks of any size, down to one byte, and gets the spans
//! that ended in each. Its state between two blocks is a few words, so a contact may span any number of blocks; the caller
//! keeps the bytes from [`Splitter::pending`] on.
//!
//! It recognises strings, escapes and nesting, and nothing else: a span is one value whose quotes and brackets balance. The
//! parser decides whether it is JSON. At a wrong byte *between* contacts the splitter stops.
//!
//! A line of NDJSON may hold several objects or arrays, one after another: each is a value. Anything else behind a value makes
//! that value and the rest of its line one bad value. A byte-order mark between values, where files were joined, is skipped and
//! counted.

mod objects;
mod types;

pub use types::{Layout, Pending, Span, SplitError, Status};

use crate::model::fault::{Fault, MAX_DEPTH};
use crate::simd::{Backend, Choice, StructureMasks, prefetch, with_backend};

/// After this much white space behind a value, the value is complete whatever follows in its line. Without a limit, a caller
/// would have to keep the value for as long as white space goes on.
const SPACE_MAX: u64 = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Behind `[`: a value or `]`.
    First,
    /// Behind a comma: a value.
    Value,
    /// Behind a value: a comma or `]`.
    Behind,
    /// In a number, a word or garbage, up to the next byte that ends one.
    Scalar,
    /// In a string that is itself the value.
    String,
    /// In an object or array, `depth` deep.
    Nested,
    /// Lines: nothing but white space in this line yet.
    Blank,
    /// Lines: behind the object; white space to the end of the line.
    Closed,
    /// Lines: the line holds something else, and becomes one span as it is.
    Other,
    /// Behind the `]` of an array, where another array may follow.
    Between,
    /// In a byte-order mark that began in state `before_mark`.
    Mark,
    /// Objects: in an object that is not JSON, up to where the next one begins.
    Broken,
}

/// Finds the spans. See the [module](self).
#[derive(Debug, Clone)]
pub struct Splitter {
    layout: Layout,
    choice: Choice,
    state: State,
    depth: u32,
    /// All ones inside a string.
    in_string: u64,
    /// 1 when the next byte is escaped.
    escaped: u64,
    /// Offset of the next byte.
    at: u64,
    /// Line of the next byte.
    line: u64,
    /// Offset of the first byte of that line.
    line_start: u64,
    start: u64,
    start_line: u64,
    /// Lines: behind the last byte that is not white space, once the object is closed.
    closed_at: u64,
    spans: u64,
    /// Arrays: another one may follow.
    is_series: bool,
    /// Bytes of the byte-order mark that were read.
    mark: u8,
    before_mark: State,
    /// Byte-order marks between values.
    marks: u64,
    /// Where the first of them is.
    first_mark: Option<Pending>,
    margin: objects::Margin,
}

impl Splitter {
    /// A splitter whose first byte is at `offset`, in `line`, which began at `line_start`. For an array, that is the
    /// byte behind its `[`.
    #[must_use]
    pub fn new(layout: Layout, offset: u64, line: u64, line_start: u64) -> Self {
        Self::with_backend(layout, offset, line, line_start, Choice::best())
    }

    /// The same with a given backend, for tests and benches. One that is not in [`Choice::available`] falls back to the scalar
    /// backend.
    #[must_use]
    pub fn with_backend(layout: Layout, offset: u64, line: u64, line_start: u64, choice: Choice) -> Self {
        Splitter {
            layout,
            choice,
            state: if layout == Layout::Array { State::First } else { State::Blank },
            depth: 0,
            in_string: 0,
            escaped: 0,
            at: offset,
            line,
            line_start,
            start: offset,
            start_line: line,
            closed_at: offset,
            spans: 0,
            is_series: false,
            mark: 0,
            before_mark: State::Blank,
            marks: 0,
            first_mark: None,
            margin: objects::Margin::default(),
        }
    }

    /// Lets it go on behind the `]` of an array, where another array may follow. The input must then end between two arrays, see
    /// [`Splitter::is_between`].
    #[must_use]
    pub fn series(mut self) -> Self {
        self.is_series = true;
        self
    }

    /// Goes on in another array, behind its `[`: at `offset`, in `line`, which began at `line_start`. Spans are counted on.
    pub fn reopen(&mut self, offset: u64, line: u64, line_start: u64) {
        (self.state, self.depth, self.in_string, self.escaped) = (State::First, 0, 0, 0);
        (self.at, self.line, self.line_start) = (offset, line, line_start);
        (self.start, self.start_line) = (offset, line);
    }

    /// Offset of the byte that the next block must begin with.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Line of that byte, from 1, and the offset at which the line began.
    #[must_use]
    pub fn line(&self) -> (u64, u64) {
        (self.line, self.line_start)
    }

    /// Spans found so far.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.spans
    }

    /// The value that has begun and not ended, if one has.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        let state = if self.state == State::Mark { self.before_mark } else { self.state };
        let inside = match state {
            State::First | State::Value | State::Behind | State::Between => false,
            // These bytes may turn out not to be a byte-order mark.
            State::Blank => self.state == State::Mark,
            _ => true,
        };
        inside.then_some(Pending { start: self.start, line: self.start_line })
    }

    /// Offset behind the last byte that certainly belongs to the pending value.
    #[must_use]
    pub fn pending_end(&self) -> u64 {
        if self.state == State::Closed { self.closed_at } else { self.at }
    }

    /// Arrays: the last one is closed, and only white space followed.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.state == State::Between
    }

    /// How many byte-order marks stood between values, and where the first is.
    #[must_use]
    pub fn marks(&self) -> Option<(u64, Pending)> {
        self.first_mark.filter(|_| self.marks > 0).map(|first| (self.marks, first))
    }

    /// Whether a value has begun or must follow a comma, so that the input cannot end here.
    #[must_use]
    pub fn awaits_value(&self) -> bool {
        self.pending().is_some() || self.state == State::Value
    }

    /// Lines: the object of the last line is closed, and its line break is missing.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// How the values are laid out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Reads a block, and appends the spans that ended in it to `spans`.
    ///
    /// # Errors
    /// An invalid byte between contacts, or in an array nesting deeper than [`MAX_DEPTH`]. The spans before it were appended.
    pub fn feed(&mut self, block: &[u8], spans: &mut Vec<Span>) -> Result<Status, SplitError> {
        let before = spans.len();
        if self.layout == Layout::Objects {
            objects::run(self, block, spans);
            self.spans += (spans.len() - before) as u64;
            return Ok(Status::More);
        }
        let choice = self.choice;
        let status = with_backend!(choice, run, (
            splitter: &mut Splitter = self,
            block: &[u8] = block,
            spans: &mut Vec<Span> = spans,
        ) -> Result<Status, SplitError>);
        self.spans += (spans.len() - before) as u64;
        status
    }

    /// Ends the input. A last line without a line break is appended to `spans`. Returns the value that was cut off, if the layout
    /// does not allow an end here: always for an array without its `]`.
    pub fn finish(&mut self, spans: &mut Vec<Span>) -> Option<Pending> {
        match self.layout {
            Layout::Array if self.state == State::Between => None,
            Layout::Array => Some(self.pending().unwrap_or(Pending { start: self.at, line: self.line })),
            Layout::Lines | Layout::Objects | Layout::Rows | Layout::Cards => {
                let before = spans.len();
                self.end_line(self.at, spans);
                self.spans += (spans.len() - before) as u64;
                None
            }
        }
    }

    /// A line ends at `at`, the offset of its line break or of the end of the input.
    #[inline(always)]
    fn end_line(&mut self, at: u64, spans: &mut Vec<Span>) {
        let (end, whole) = match self.state {
            State::Blank => return,
            State::Closed => (self.closed_at, true),
            _ => (at, false),
        };
        spans.push(Span { start: self.start, end, line: self.start_line, whole });
        self.state = State::Blank;
        self.depth = 0;
    }

    /// The closed value is complete.
    fn end_closed(&mut self, spans: &mut Vec<Span>) {
        spans.push(Span { start: self.start, end: self.closed_at, line: self.start_line, whole: true });
        self.state = State::Blank;
        self.depth = 0;
    }

    /// A possible byte-order mark begins at `at`, in `line`.
    #[cold]
    fn begin_mark(&mut self, at: u64, line: u64) {
        self.before_mark = self.state;
        self.state = State::Mark;
        self.mark = 1;
        if self.before_mark != State::Closed {
            (self.start, self.start_line) = (at, line);
        }
        // The position of the mark itself, in case it is the first.
        if self.marks == 0 {
            self.first_mark = Some(Pending { start: at, line });
        }
    }

    /// Takes the next byte of a possible byte-order mark. False: it is not one.
    #[cold]
    fn take_mark(&mut self, byte: u8) -> bool {
        match (byte, self.mark) {
            (0xbb, 1) => self.mark = 2,
            (0xbf, 2) => {
                self.marks += 1;
                self.state = self.before_mark;
            }
            _ => {
                if self.marks == 0 {
                    self.first_mark = None;
                }
                return false;
            }
        }
        true
    }
}

/// Bits `from` and up.
#[inline(always)]
fn at_or_above(from: u32) -> u64 {
    if from >= 64 { 0 } else { !0 << from }
}

/// How many bytes ahead to prefetch. The splitter reads a mapped file first, and the processor's own prefetcher stops at the end
/// of a page.
const AHEAD: usize = 2048;

/// The loop over chunks, compiled for each backend.
#[inline(always)]
fn run<B: Backend>(backend: B, s: &mut Splitter, block: &[u8], spans: &mut Vec<Span>) -> Result<Status, SplitError> {
    let mut rest = block;
    while !rest.is_empty() {
        let status = if let Some((chunk, behind)) = rest.split_first_chunk::<64>() {
            rest = behind;
            prefetch(chunk.as_ptr().wrapping_add(AHEAD));
            chunk_of(s, backend, chunk, 64, spans)?
        } else {
            let mut chunk = [b' '; 64];
            chunk[..rest.len()].copy_from_slice(rest);
            let len = rest.len() as u32;
            rest = &[];
            chunk_of(s, backend, &chunk, len, spans)?
        };
        if let Status::End(_) = status {
            return Ok(status);
        }
    }
    Ok(Status::More)
}

/// The escaped bytes: in a run of backslashes, every second one, from the first, escapes the next byte.
/// `carry` is 1 when the byte before the chunk escapes the first of it; `len` is how many bytes of the chunk are real.
#[inline(always)]
fn escaped_bytes(backslash: u64, carry: &mut u64, len: u32) -> u64 {
    if backslash == 0 {
        let escaped = *carry;
        *carry = 0;
        return escaped;
    }
    // After simdjson: a subtraction walks each run at once, flipping every second bit of it.
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let potential = backslash & !*carry;
    let maybe_escaped = (potential << 1) | ODD;
    let escape_and_terminal = maybe_escaped.wrapping_sub(potential) ^ ODD;
    let escaped = escape_and_terminal ^ (backslash | *carry);
    let escape = escape_and_terminal & backslash;
    *carry = if len == 64 { escape >> 63 } else { escaped >> len & 1 };
    escaped
}

/// Reads one chunk, of which `len` bytes are real.
///
/// Long because it is a state machine: its states share the masks of the chunk, which stay in registers.
#[inline(always)]
fn chunk_of<B: Backend>(
    s: &mut Splitter,
    backend: B,
    chunk: &[u8; 64],
    len: u32,
    spans: &mut Vec<Span>,
) -> Result<Status, SplitError> {
    let masks = StructureMasks::of(backend, chunk);
    let escaped = escaped_bytes(masks.backslash, &mut s.escaped, len);
    let quote = masks.quote & !escaped;
    // From an opening quote up to, not including, its closing one.
    let mut in_string = backend.prefix_xor(quote) ^ s.in_string;
    let base = s.at;
    // The usual chunk lies within one contact: nothing opens, closes or ends in it.
    if s.state == State::Nested && (masks.open | masks.close) & !in_string | masks.newline == 0 {
        s.in_string = (in_string as i64 >> 63) as u64;
        s.at = base + u64::from(len);
        return Ok(Status::More);
    }
    // The line of the byte at bit `i`.
    let line_at = |s: &Splitter, i: u32| s.line + u64::from((masks.newline & !at_or_above(i)).count_ones());
    let mut i = 0u32;
    let mut closed_last = false;
    'chunk: while i < len {
        match s.state {
            State::Nested => {
                let mut brackets = (masks.open | masks.close) & !in_string & at_or_above(i);
                if s.layout == Layout::Lines {
                    // A line break ends the value, whole or not.
                    brackets |= masks.newline & at_or_above(i);
                }
                loop {
                    if brackets == 0 {
                        break 'chunk;
                    }
                    let bit = brackets.trailing_zeros();
                    brackets &= brackets - 1;
                    if masks.open >> bit & 1 == 1 {
                        if s.depth == MAX_DEPTH && s.layout == Layout::Array {
                            return Err(stop_at(s, &masks, bit, Fault::Depth));
                        }
                        // A line may be deeper: what overflows is not whole, and the parser reports it.
                        s.depth = s.depth.saturating_add(1);
                        continue;
                    }
                    i = bit + 1;
                    if masks.close >> bit & 1 == 1 {
                        s.depth -= 1;
                        if s.depth > 0 {
                            continue;
                        }
                        let end = base + u64::from(i);
                        let separator = if s.layout == Layout::Array { b',' } else { b'\n' };
                        let next_at_once =
                            chunk.get(i as usize..).is_some_and(|rest| rest.starts_with(&[separator, b'{']));
                        if next_at_once && i + 1 < len {
                            // The usual case in compact documents skips the states between two values.
                            spans.push(Span { start: s.start, end, line: s.start_line, whole: true });
                            i += 1;
                            s.start = base + u64::from(i);
                            s.start_line = line_at(s, i);
                            s.depth = 1;
                            brackets &= at_or_above(i + 1);
                            continue;
                        }
                        if s.layout == Layout::Array {
                            spans.push(Span { start: s.start, end, line: s.start_line, whole: true });
                            s.state = State::Behind;
                        } else {
                            s.closed_at = end;
                            s.state = State::Closed;
                        }
                    } else {
                        s.end_line(base + u64::from(bit), spans);
                        close_string(&mut in_string, &mut closed_last, bit);
                    }
                    continue 'chunk;
                }
            }
            State::First | State::Value | State::Behind => {
                let byte = chunk[i as usize];
                match (byte, s.state) {
                    (b' ' | b'\t' | b'\n' | b'\r', _) => {}
                    (b',', State::Behind) => {
                        s.state = State::Value;
                        // For the error, should nothing follow.
                        s.start = base + u64::from(i);
                        s.start_line = line_at(s, i);
                    }
                    (b']', State::Behind | State::First) if s.is_series => s.state = State::Between,
                    (b']', State::Behind | State::First) => {
                        let end = base + u64::from(i + 1);
                        let newlines = masks.newline & !at_or_above(i + 1);
                        advance_lines(s, newlines, base);
                        s.at = end;
                        return Ok(Status::End(end));
                    }
                    (b']', State::Value) | (b',', State::Value | State::First) | (_, State::Behind) => {
                        let fault = match (byte, s.state) {
                            (b']', _) => Fault::TrailingComma,
                            (b'/', _) => Fault::Comment,
                            (_, State::Behind) => Fault::Expected("a comma or ]"),
                            _ => Fault::Expected("a contact"),
                        };
                        let mut error = stop_at(s, &masks, i, fault);
                        if fault == Fault::TrailingComma {
                            (error.at, error.line) = (s.start, s.start_line);
                        }
                        return Err(error);
                    }
                    _ => {
                        s.start = base + u64::from(i);
                        s.start_line = line_at(s, i);
                        s.state = match byte {
                            b'{' | b'[' => {
                                s.depth = 1;
                                State::Nested
                            }
                            b'"' => State::String,
                            _ => State::Scalar,
                        };
                    }
                }
                i += 1;
            }
            State::Scalar => match chunk[i as usize] {
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b'[' | b']' | b'{' | b'}' => {
                    let end = base + u64::from(i);
                    spans.push(Span { start: s.start, end, line: s.start_line, whole: true });
                    s.state = State::Behind;
                }
                _ => i += 1,
            },
            State::String => {
                let closing = quote & at_or_above(i);
                if closing == 0 {
                    break;
                }
                i = closing.trailing_zeros() + 1;
                let end = base + u64::from(i);
                spans.push(Span { start: s.start, end, line: s.start_line, whole: true });
                s.state = State::Behind;
            }
            State::Blank => {
                match chunk[i as usize] {
                    b' ' | b'\t' | b'\r' | b'\n' => {}
                    0xef => s.begin_mark(base + u64::from(i), line_at(s, i)),
                    byte => {
                        s.start = base + u64::from(i);
                        s.start_line = line_at(s, i);
                        if matches!(byte, b'{' | b'[') {
                            s.depth = 1;
                            s.state = State::Nested;
                        } else {
                            s.state = State::Other;
                        }
                    }
                }
                i += 1;
            }
            State::Closed => {
                let at = base + u64::from(i);
                match chunk[i as usize] {
                    b' ' | b'\t' | b'\r' if at - s.closed_at < SPACE_MAX => {}
                    b' ' | b'\t' | b'\r' => s.end_closed(spans),
                    b'\n' => s.end_line(at, spans),
                    b'{' | b'[' => {
                        s.end_closed(spans);
                        (s.start, s.start_line) = (at, line_at(s, i));
                        s.depth = 1;
                        s.state = State::Nested;
                    }
                    0xef => s.begin_mark(at, line_at(s, i)),
                    _ => s.state = State::Other,
                }
                i += 1;
            }
            State::Between => {
                match chunk[i as usize] {
                    b' ' | b'\t' | b'\r' | b'\n' => {}
                    b'[' => s.state = State::First,
                    0xef => s.begin_mark(base + u64::from(i), line_at(s, i)),
                    b'{' => return Err(stop_at(s, &masks, i, Fault::Follows("an object follows the array"))),
                    _ => return Err(stop_at(s, &masks, i, Fault::Trailing)),
                }
                i += 1;
            }
            State::Mark => {
                if s.take_mark(chunk[i as usize]) {
                    i += 1;
                } else if s.before_mark == State::Between {
                    let mut error = stop_at(s, &masks, i, Fault::Trailing);
                    (error.at, error.line) = (s.start, s.start_line);
                    return Err(error);
                } else {
                    s.state = State::Other;
                }
            }
            // Occurs only in `Layout::Objects`, which has a loop of its own.
            State::Broken => break,
            State::Other => {
                let newline = masks.newline & at_or_above(i);
                if newline == 0 {
                    break;
                }
                let bit = newline.trailing_zeros();
                s.end_line(base + u64::from(bit), spans);
                close_string(&mut in_string, &mut closed_last, bit);
                i = bit + 1;
            }
        }
    }
    s.in_string = if closed_last { 0 } else { (in_string as i64 >> 63) as u64 };
    advance_lines(s, masks.newline & !at_or_above(len), base);
    s.at = base + u64::from(len);
    Ok(Status::More)
}

/// Ends a string at the line break at `bit`, which it cannot cross. `closed_last` carries this into the next chunk when the
/// line break is the last byte.
#[inline(always)]
fn close_string(in_string: &mut u64, closed_last: &mut bool, bit: u32) {
    if *in_string >> bit & 1 == 1 {
        *in_string ^= at_or_above(bit + 1);
        *closed_last = bit == 63;
    }
}

/// Leaves the splitter at the invalid byte at bit `i` of its chunk.
#[cold]
fn stop_at(s: &mut Splitter, masks: &StructureMasks, i: u32, fault: Fault) -> SplitError {
    advance_lines(s, masks.newline & !at_or_above(i), s.at);
    s.at += u64::from(i);
    SplitError { at: s.at, line: s.line, fault }
}

/// Moves line and its start past the line breaks in `newlines`.
#[inline(always)]
fn advance_lines(s: &mut Splitter, newlines: u64, base: u64) {
    if newlines != 0 {
        s.line += u64::from(newlines.count_ones());
        s.line_start = base + 64 - u64::from(newlines.leading_zeros());
    }
}

#[cfg(test)]
mod tests;
