//! Bytes to contact spans.
//!
//! A [`Splitter`] does no I/O and keeps no bytes: it is fed blocks of any size, one byte included, and answers with the
//! spans that ended in each. What it carries from one block to the next is a few words, so a contact may lie across any
//! number of blocks; the caller keeps the bytes from [`Splitter::pending`] on.
//!
//! It tells strings, escapes and nesting, and nothing else: a span is one value whose quotes and brackets balance. Whether
//! it is JSON is the parser's business. Where the bytes *between* contacts are wrong, it stops there.

use crate::scan::{Backend, Choice, Structure, prefetch, with_backend};
use crate::syntax::{Fault, MAX_DEPTH};

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
    /// One a line.
    Lines,
}

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
        let inside = !matches!(self.state, State::First | State::Value | State::Behind | State::Blank);
        inside.then_some(Pending { start: self.start, line: self.start_line })
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
            Layout::Array => Some(self.pending().unwrap_or(Pending { start: self.at, line: self.line })),
            Layout::Lines => {
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
    let masks = Structure::of(backend, chunk);
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
                    byte => {
                        s.start = base + u64::from(i);
                        s.start_line = line_at(s, i);
                        if byte == b'{' {
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
                match chunk[i as usize] {
                    b' ' | b'\t' | b'\r' => {}
                    b'\n' => s.end_line(base + u64::from(i), spans),
                    _ => s.state = State::Other,
                }
                i += 1;
            }
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
fn stop_at(s: &mut Splitter, masks: &Structure, i: u32, fault: Fault) -> SplitError {
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

    #[test]
    fn lines() {
        let text =
            "{\"a\":1}\n\n  \r\n {\"b\":\"\\\\\"} \r\n{\"c\":\"x\n{\"d\":{}}\nnull\n{\"e\":[1}\n{\"f\":1},\n{\"g\":1}";
        for choice in Choice::available() {
            for chunk in 1..=text.len() {
                let (spans, ..) = split(text.as_bytes(), Layout::Lines, chunk, choice);
                let expected: [(&str, u64, bool); 8] = [
                    ("{\"a\":1}", 1, true),
                    ("{\"b\":\"\\\\\"}", 4, true),
                    ("{\"c\":\"x", 5, false),
                    ("{\"d\":{}}", 6, true),
                    ("null", 7, false),
                    ("{\"e\":[1}", 8, false),
                    ("{\"f\":1},", 9, false),
                    ("{\"g\":1}", 10, true),
                ];
                let got: Vec<_> =
                    texts(text, &spans).into_iter().zip(&spans).map(|(t, s)| (t, s.line, s.whole)).collect();
                assert_eq!(got, expected, "{choice:?} {chunk}");
            }
        }
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
                "{", "}", "[", "]", ",", "\"", "\\", "\\\\", "\n", " ", "a", "{\"a\":\"b\"}", "\"x\"", "1", "\r\n", "{}\n",
                "                                                                ",
            ]), 0..60),
            lines in any::<bool>(),
        ) {
            let text = pieces.concat();
            let layout = if lines { Layout::Lines } else { Layout::Array };
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
            ]), 0..60),
        ) {
            let text = pieces.concat();
            let (spans, ..) = split(text.as_bytes(), Layout::Lines, 11, Choice::best());
            let expected: Vec<&str> = text.split('\n').filter(|l| !l.trim_matches([' ', '\t', '\r']).is_empty()).collect();
            let got = texts(&text, &spans);
            prop_assert_eq!(got.len(), expected.len());
            for ((got, expected), span) in got.iter().zip(&expected).zip(&spans) {
                prop_assert_eq!(got.trim_matches([' ', '\t', '\r']), expected.trim_matches([' ', '\t', '\r']));
                if serde_json::from_str::<serde_json::Value>(expected).is_ok_and(|v| v.is_object()) {
                    prop_assert!(span.whole);
                }
            }
        }
    }
}
