//! Bytes to contact spans.
//!
//! A [`Splitter`] does no I/O and keeps no bytes: it is fed blocks of any size, one byte included, and answers with the
//! spans that ended in each. What it carries from one block to the next is a few words, so a contact may lie across any
//! number of blocks; the caller keeps the bytes from [`Splitter::pending`] on.
//!
//! It tells strings, escapes and nesting, and nothing else: a span is one value whose quotes and brackets balance. Whether
//! it is JSON is the parser's business. Where the bytes *between* contacts are wrong, it stops there.
//!
//! A line of NDJSON may hold several objects or arrays, one behind another: each is a value of its own. Anything else that
//! stands behind a value makes that value and the rest of its line one bad value. A byte-order mark between values, where
//! files were joined, is skipped and counted.

mod objects;

use crate::model::fault::{Fault, MAX_DEPTH};
use crate::simd::{Backend, Choice, StructureMasks, prefetch, with_backend};

/// One value, as it lies in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Offset of its first byte.
    pub start: u64,
    /// Offset behind its last byte.
    pub end: u64,
    /// Line of its first byte, from 1.
    pub line: u64,
    /// Quotes and brackets balance, and nothing but this value is there. Always so in an array; a line may hold anything.
    pub whole: bool,
}

/// How the values are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Inside a JSON array, from behind its `[` to its `]`.
    Array,
    /// One or several a line; no value crosses a line break.
    Lines,
    /// Objects that are spread over several lines each, one behind another.
    Objects,
}

/// Spaces behind a value after which it stands by itself, whatever follows in its line: the value must not be kept for as long
/// as white space goes on.
const SPACE_MAX: u64 = 64 << 10;

/// What a block led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All of it was read; more may come.
    More,
    /// The array's `]` was found. The offset behind it; the bytes from there on were not looked at.
    End(u64),
}

/// Bytes between the contacts, or nesting, that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitError {
    /// Offset of the byte.
    pub at: u64,
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// The value that has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Offset of its first byte.
    pub start: u64,
    /// Line of its first byte, from 1.
    pub line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Behind `[`: a value or `]`.
    First,
    /// Behind a comma: a value.
    Value,
    /// Behind a value: a comma or `]`.
    Behind,
    /// In a number, a word or rubbish, to the next byte that ends one.
    Scalar,
    /// In a string that is itself the value.
    String,
    /// In an object or array, `depth` deep.
    Nested,
    /// Lines: nothing but white space in this line yet.
    Blank,
    /// Lines: behind the object; white space to the end of the line.
    Closed,
    /// Lines: something else is in this line; it goes out as it is.
    Other,
    /// Behind the `]` of an array, where another array may follow.
    Between,
    /// In a byte-order mark that began in the state `before_mark`.
    Mark,
    /// Objects: in an object that cannot be JSON; it goes on to where the next one begins.
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
    /// Bytes of the byte-order mark that have come.
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

    /// The same with the backend told, for tests and benches. It must be one of [`Choice::available`]; another falls
    /// back to the scalar one.
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

    /// Makes it go on behind the `]` of an array: other arrays may follow, and their values count on. The input must end
    /// between two arrays then, see [`Splitter::is_between`].
    #[must_use]
    pub fn series(mut self) -> Self {
        self.is_series = true;
        self
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
            // The bytes of what may be no byte-order mark after all.
            State::Blank => self.state == State::Mark,
            _ => true,
        };
        inside.then_some(Pending { start: self.start, line: self.start_line })
    }

    /// Offset behind the last byte that is sure to belong to the value that has begun and not ended.
    #[must_use]
    pub fn pending_end(&self) -> u64 {
        if self.state == State::Closed { self.closed_at } else { self.at }
    }

    /// Arrays: the last one is closed, and nothing but white space came behind it.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.state == State::Between
    }

    /// How many byte-order marks stood between values, and where the first is.
    #[must_use]
    pub fn marks(&self) -> Option<(u64, Pending)> {
        self.first_mark.filter(|_| self.marks > 0).map(|first| (self.marks, first))
    }

    /// True when a further value has begun, or a comma says that one must: what the input ends with now is not all of it.
    #[must_use]
    pub fn awaits_value(&self) -> bool {
        self.pending().is_some() || self.state == State::Value
    }

    /// Lines: the object of the last line is closed, and only its line break has not come.
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
    /// A byte between contacts that cannot stand there, or nesting deeper than [`MAX_DEPTH`] (arrays only; a deep line is
    /// its own affair). The spans before it have been appended.
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

    /// The input ends here. Lines: the last line, when no line break ended it, is appended to `spans`. Gives the value
    /// that was cut off, if the layout does not let it end here: always for an array, whose `]` has not come.
    pub fn finish(&mut self, spans: &mut Vec<Span>) -> Option<Pending> {
        match self.layout {
            Layout::Array if self.state == State::Between => None,
            Layout::Array => Some(self.pending().unwrap_or(Pending { start: self.at, line: self.line })),
            Layout::Lines | Layout::Objects => {
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

    /// The closed value stands by itself.
    fn end_closed(&mut self, spans: &mut Vec<Span>) {
        spans.push(Span { start: self.start, end: self.closed_at, line: self.start_line, whole: true });
        self.state = State::Blank;
        self.depth = 0;
    }

    /// The first byte of what may be a byte-order mark is at `at`, in `line`.
    #[cold]
    fn begin_mark(&mut self, at: u64, line: u64) {
        self.before_mark = self.state;
        self.state = State::Mark;
        self.mark = 1;
        if self.before_mark != State::Closed {
            (self.start, self.start_line) = (at, line);
        }
        // Where the mark itself is, should it be the first.
        if self.marks == 0 {
            self.first_mark = Some(Pending { start: at, line });
        }
    }

    /// Takes the next byte of what may be a byte-order mark. False: it is none.
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

/// Bytes ahead of the splitter, which is the first to look at a mapped file, that are asked for: the processor itself foresees
/// no further than the end of a page.
const AHEAD: usize = 2048;

/// The algorithm, once for every backend.
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

/// The bytes that a run of backslashes escapes: every second one of it, counted from its first, escapes the next.
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
                        // Lines are not held to a depth here; what overflows is not whole, and the parser sees it.
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
                            // As compact documents have it: without a walk through the states between two values.
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
                        // For whoever finds that nothing follows it.
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
            // Only where objects are spread over lines, which is read elsewhere.
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

/// A string cannot cross the line break at `bit`: what follows is outside of it. Where nothing follows in this chunk,
/// `closed_last` says so for the next one.
#[inline(always)]
fn close_string(in_string: &mut u64, closed_last: &mut bool, bit: u32) {
    if *in_string >> bit & 1 == 1 {
        *in_string ^= at_or_above(bit + 1);
        *closed_last = bit == 63;
    }
}

/// Leaves the splitter at the byte at bit `i` of its chunk, which cannot be.
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Outcome = (Vec<Span>, Result<Status, SplitError>, Option<Pending>, u64);

    fn split(bytes: &[u8], layout: Layout, chunk: usize, choice: Choice) -> Outcome {
        let mut splitter = Splitter::with_backend(layout, 0, 1, 0, choice);
        let mut spans = Vec::new();
        for block in bytes.chunks(chunk.max(1)) {
            match splitter.feed(block, &mut spans) {
                Ok(Status::More) => {}
                stop => return (spans, stop, None, splitter.line().0),
            }
        }
        let pending = splitter.finish(&mut spans);
        (spans, Ok(Status::More), pending, splitter.line().0)
    }

    fn texts<'a>(bytes: &'a str, spans: &[Span]) -> Vec<&'a str> {
        spans.iter().map(|s| &bytes[s.start as usize..s.end as usize]).collect()
    }

    #[test]
    fn arrays() {
        let text = "\n {\"a\":\"}]\\\"\"} ,[1,{}], \"x,]\" , 12 ,null,{\"b\":{\"c\":[]}} ] tail";
        for choice in Choice::available() {
            for chunk in 1..=text.len() {
                let (spans, status, ..) = split(text.as_bytes(), Layout::Array, chunk, choice);
                let expected = ["{\"a\":\"}]\\\"\"}", "[1,{}]", "\"x,]\"", "12", "null", "{\"b\":{\"c\":[]}}"];
                assert_eq!(texts(text, &spans), expected, "{choice:?} {chunk}");
                assert_eq!(status, Ok(Status::End(text.len() as u64 - 5)));
                assert_eq!(spans[0].line, 2);
            }
        }
    }

    #[test]
    fn what_stands_between_contacts_is_checked() {
        let error = |text: &str| split(text.as_bytes(), Layout::Array, 7, Choice::best()).1.unwrap_err();
        let at = |text: &str| (error(text).at, error(text).line, error(text).fault);
        assert_eq!(at("{},]"), (2, 1, Fault::TrailingComma));
        assert_eq!(at("\n{},\n\n         ]"), (3, 2, Fault::TrailingComma));
        assert_eq!(at("{}\n{}]"), (3, 2, Fault::Expected("a comma or ]")));
        assert_eq!(at(",{}]"), (0, 1, Fault::Expected("a contact")));
        assert_eq!(at("{},,{}]"), (3, 1, Fault::Expected("a contact")));
        assert_eq!(at("{} // x\n]"), (3, 1, Fault::Comment));
        assert_eq!(at(&"[".repeat(100_000)), (64, 1, Fault::Depth));
    }

    /// Texts, lines and whether they are whole, at every chunk size and by every backend.
    fn each_way(text: &str, layout: Layout, expected: &[(&str, u64, bool)]) {
        for choice in Choice::available() {
            for chunk in 1..=text.len() {
                let (spans, ..) = split(text.as_bytes(), layout, chunk, choice);
                let got: Vec<_> =
                    texts(text, &spans).into_iter().zip(&spans).map(|(t, s)| (t, s.line, s.whole)).collect();
                assert_eq!(got, expected, "{choice:?} {chunk}");
            }
        }
    }

    #[test]
    fn lines() {
        let text =
            "{\"a\":1}\n\n  \r\n {\"b\":\"\\\\\"} \r\n{\"c\":\"x\n{\"d\":{}}\nnull\n{\"e\":[1}\n{\"f\":1},\n{\"g\":1}";
        let expected = [
            ("{\"a\":1}", 1, true),
            ("{\"b\":\"\\\\\"}", 4, true),
            ("{\"c\":\"x", 5, false),
            ("{\"d\":{}}", 6, true),
            ("null", 7, false),
            ("{\"e\":[1}", 8, false),
            ("{\"f\":1},", 9, false),
            ("{\"g\":1}", 10, true),
        ];
        each_way(text, Layout::Lines, &expected);
    }

    #[test]
    fn several_values_on_a_line() {
        let text = "{\"a\":1}{\"b\":2} \t[{\"c\":3}]{}\n\u{feff}{\"d\":4}\u{feff}\u{feff} {\"e\":5}x{}\n{}{\"f\":6\n\u{fec0}{}\n{}\u{fec0}";
        let expected = [
            ("{\"a\":1}", 1, true),
            ("{\"b\":2}", 1, true),
            ("[{\"c\":3}]", 1, true),
            ("{}", 1, true),
            ("{\"d\":4}", 2, true),
            ("{\"e\":5}x{}", 2, false),
            ("{}", 3, true),
            ("{\"f\":6", 3, false),
            ("\u{fec0}{}", 4, false),
            ("{}\u{fec0}", 5, false),
        ];
        each_way(text, Layout::Lines, &expected);
        for chunk in [1, 2, 64, text.len()] {
            let mut splitter = Splitter::new(Layout::Lines, 0, 1, 0);
            let mut spans = Vec::new();
            for block in text.as_bytes().chunks(chunk) {
                splitter.feed(block, &mut spans).unwrap();
            }
            assert_eq!(splitter.marks(), Some((3, Pending { start: 28, line: 2 })), "{chunk}");
        }
    }

    #[test]
    fn a_value_does_not_wait_for_what_long_white_space_hides() {
        for layout in [Layout::Lines, Layout::Objects] {
            let text = format!("{{}}{}x\n", " ".repeat(2 * SPACE_MAX as usize));
            for chunk in [1, 1000, text.len()] {
                let mut splitter = Splitter::new(layout, 0, 1, 0);
                let mut spans = Vec::new();
                for block in text.as_bytes()[..text.len() - 2].chunks(chunk) {
                    splitter.feed(block, &mut spans).unwrap();
                }
                assert_eq!((spans.len(), splitter.pending()), (1, None));
                splitter.feed(b"x\n", &mut spans).unwrap();
                assert_eq!((spans[0].end, spans[1].whole, spans.len()), (2, false, 2));
            }
        }
    }

    #[test]
    fn several_arrays() {
        let text = "{},1]\n[]\u{feff}[{} ] \n [\n[]]\n";
        for choice in Choice::available() {
            for chunk in 1..=text.len() {
                let mut splitter = Splitter::with_backend(Layout::Array, 0, 1, 0, choice).series();
                let mut spans = Vec::new();
                for block in text.as_bytes().chunks(chunk) {
                    assert_eq!(splitter.feed(block, &mut spans), Ok(Status::More));
                }
                let got: Vec<_> = texts(text, &spans).into_iter().zip(spans.iter().map(|s| s.line)).collect();
                assert_eq!(got, [("{}", 1), ("1", 1), ("{}", 2), ("[]", 4)], "{choice:?} {chunk}");
                assert!(splitter.is_between() && splitter.finish(&mut spans).is_none());
                assert_eq!((splitter.marks().map(|(n, _)| n), splitter.line().0), (Some(1), 5));
                let error = splitter.feed(b" x", &mut spans).unwrap_err();
                assert_eq!((error.at, error.line, error.fault), (text.len() as u64 + 1, 5, Fault::Trailing));
            }
        }
        for (cut, at) in [("{}][", None), ("{}]\u{fec0}", Some(3)), ("{}]{}", Some(3)), ("{}],[]", Some(3))] {
            let mut splitter = Splitter::new(Layout::Array, 0, 1, 0).series();
            let mut spans = Vec::new();
            let fed = cut.as_bytes().chunks(1).try_for_each(|b| splitter.feed(b, &mut spans).map(drop));
            assert_eq!(fed.err().map(|error| error.at), at, "{cut}");
            assert!(!splitter.is_between() || at.is_some());
        }
    }

    #[test]
    fn objects_over_several_lines() {
        let text = concat!(
            "{\n  \"a\": \"}\",\n  \"b\": [\n{\n},\n{}]\n}\n\n{\n \"c\":\n{}\n} {}\n",
            // Not closed; with a line break in a string; with something behind it; rubbish; cut off.
            "{\n  \"d\": 1,\n{\n  \"e\": \"x\n}\n{\n  \"f\": 1\n},\nx {\n\u{feff}{\n}\n{\n  \"g\": {\n",
        );
        let expected = [
            ("{\n  \"a\": \"}\",\n  \"b\": [\n{\n},\n{}]\n}", 1, true),
            ("{\n \"c\":\n{}\n}", 9, true),
            ("{}", 12, true),
            ("{\n  \"d\": 1,", 13, false),
            ("{\n  \"e\": \"x\n}", 15, false),
            ("{\n  \"f\": 1\n},", 18, false),
            ("x {", 21, false),
            ("{\n}", 22, true),
            ("{\n  \"g\": {\n", 24, false),
        ];
        each_way(text, Layout::Objects, &expected);
        // As far from the margin as the objects before.
        let text = "\n  {\n    \"a\": 1\n  }\n  {\n    \"b\": 1\n  {\n  }\n";
        let expected = [("{\n    \"a\": 1\n  }", 2, true), ("{\n    \"b\": 1", 5, false), ("{\n  }", 7, true)];
        each_way(text, Layout::Objects, &expected);
        // All of a string that a line break cut off.
        let text = "{\n}\n{\n  \"a\": \"long te\\\"xt\n{\n}\n{\"b\n{\n}\n";
        let expected = [
            ("{\n}", 1, true),
            ("{\n  \"a\": \"long te\\\"xt", 3, false),
            ("{\n}", 5, true),
            ("{\"b", 7, false),
            ("{\n}", 8, true),
        ];
        each_way(text, Layout::Objects, &expected);
    }

    #[test]
    fn a_cut_array_says_what_was_open() {
        let (spans, _, pending, _) = split(b"{},{\"a\":", Layout::Array, 3, Choice::best());
        assert_eq!(spans.len(), 1);
        assert_eq!(pending, Some(Pending { start: 3, line: 1 }));
    }

    fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let text = "[a-c{}\\[\\]\",:\\\\\n é😀\u{1}]{0,12}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(depth, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((text, inner), 0..5).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn spans_are_what_serde_json_reads(
            values in prop::collection::vec(json(4), 0..12),
            pretty in any::<bool>(),
            chunk in 1usize..200,
        ) {
            let text = if pretty { serde_json::to_string_pretty(&values) } else { serde_json::to_string(&values) }.unwrap();
            let inside = &text[1..];
            for choice in Choice::available() {
                let (spans, status, ..) = split(inside.as_bytes(), Layout::Array, chunk, choice);
                prop_assert_eq!(status, Ok(Status::End(inside.len() as u64)));
                let read: Vec<serde_json::Value> =
                    texts(inside, &spans).iter().map(|t| serde_json::from_str(t).unwrap()).collect();
                prop_assert_eq!(&read, &values);
                for span in &spans {
                    let line = inside[..span.start as usize].matches('\n').count() as u64 + 1;
                    prop_assert_eq!(span.line, line);
                }
            }
        }

        #[test]
        fn any_bytes_split_alike_at_every_chunk_size(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", "\"", "\\", "\\\\", "\n", " ", "a", "{\"a\":\"b\"}", "\"x\"", "1", "\r\n", "{}\n", "}{", "\n{", "\u{feff}", "\u{fec0}",
                "                                                                ",
            ]), 0..60),
            layout in prop::sample::select(vec![Layout::Array, Layout::Lines, Layout::Objects]),
        ) {
            let text = pieces.concat();
            let expected = split(text.as_bytes(), layout, usize::MAX, Choice::Scalar);
            for choice in Choice::available() {
                for chunk in [1, 2, 3, 5, 17, 63, 64, 65, 130, usize::MAX] {
                    prop_assert_eq!(&split(text.as_bytes(), layout, chunk, choice), &expected, "{:?} {}", choice, chunk);
                }
            }
        }

        #[test]
        fn lines_are_lines(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", "\"", "\\", "\\\"", "\n", " ", "a", "{\"a\":\"b\"}", "\r\n", "{}\n", "\n{\"k\":[{}]}\n",
                "}{", "{} {}", "[{}]", "\u{feff}", "\u{fec0}",
            ]), 0..60),
        ) {
            let text = pieces.concat();
            let by_line = lines_of(&text);
            let expected = by_line.concat();
            for chunk in [1, 11, 64, usize::MAX] {
                let (spans, ..) = split(text.as_bytes(), Layout::Lines, chunk, Choice::best());
                let got: Vec<_> = spans.iter().map(|s| (s.start as usize, s.end as usize, s.whole)).collect();
                prop_assert_eq!(&got, &expected);
            }
            // A line of JSON is as many values as it holds.
            for (line, spans) in text.split('\n').zip(&by_line) {
                let read: Result<Vec<serde_json::Value>, _> =
                    serde_json::Deserializer::from_str(line).into_iter().collect();
                if let Ok(values) = read
                    && values.iter().all(|value| value.is_object() || value.is_array())
                {
                    prop_assert_eq!(spans.len(), values.len());
                    for ((start, end, whole), value) in spans.iter().zip(values) {
                        prop_assert!(whole);
                        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text[*start..*end]).unwrap(), value);
                    }
                }
            }
        }
    }

    /// What [`Layout::Lines`] means, in a loop that can be read: start, end and wholeness of the values of each line.
    fn lines_of(text: &str) -> Vec<Vec<(usize, usize, bool)>> {
        let space = [' ', '\t', '\r', '\u{feff}'];
        let mut lines = Vec::new();
        let mut line_start = 0;
        for line in text.split('\n') {
            let mut spans = Vec::new();
            let mut rest = line.trim_start_matches(space);
            let at = |rest: &str| line_start + line.len() - rest.len();
            while !rest.is_empty() {
                let behind = value_end(rest).map(|end| rest[end..].trim_start_matches(space));
                match (value_end(rest), behind) {
                    (Some(end), Some(behind)) if behind.is_empty() || behind.starts_with(['{', '[']) => {
                        spans.push((at(rest), at(rest) + end, true));
                        rest = behind;
                    }
                    _ => {
                        spans.push((at(rest), line_start + line.len(), false));
                        rest = "";
                    }
                }
            }
            lines.push(spans);
            line_start += line.len() + 1;
        }
        lines
    }

    /// Where the object or array ends that begins a text, by its brackets and quotes.
    fn value_end(text: &str) -> Option<usize> {
        if !text.starts_with(['{', '[']) {
            return None;
        }
        let (mut depth, mut string, mut escaped) = (0, false, false);
        for (i, byte) in text.bytes().enumerate() {
            // A backslash escapes a quote outside of strings as well: it is broken one way or the other.
            let is_escaped = escaped;
            escaped = byte == b'\\' && !is_escaped;
            match byte {
                b'"' if !is_escaped => string = !string,
                b'{' | b'[' if !string => depth += 1,
                b'}' | b']' if !string => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(i + 1);
            }
        }
        None
    }
}
