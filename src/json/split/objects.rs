//! Objects over several lines each, as `jq` and `json.dumps(indent=2)` write them one after another.
//!
//! A line break does not end a value here, so reading must resume elsewhere after a broken object: at the next line with a brace
//! where JSON allows none, indented like the objects before. Such input is rare, so this is a loop over bytes and not the
//! algorithm over masks, and the same for every backend.

use super::{SPACE_MAX, Span, Splitter, State};

/// The position within the line, and what is known of the current object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Margin {
    /// The line has only white space so far.
    blank: bool,
    /// A line break was read. The bytes before the first line are unknown.
    known: bool,
    /// White space before the first brace of an object, in bytes.
    indent: u64,
    /// The last byte that is not white space.
    last: u8,
    /// The byte that began the value.
    opened: u8,
}

impl Default for Margin {
    fn default() -> Self {
        Margin { blank: true, known: false, indent: 0, last: 0, opened: 0 }
    }
}

/// Reads a block, and appends the spans that ended in it.
pub(super) fn run(s: &mut Splitter, block: &[u8], spans: &mut Vec<Span>) {
    let base = s.at;
    let mut i = 0;
    while i < block.len() {
        if s.state == State::Nested && s.in_string != 0 && s.escaped == 0 {
            // Skip the inside of a string.
            let skipped = memchr::memchr3(b'"', b'\\', b'\n', &block[i..]).unwrap_or(block.len() - i);
            if skipped > 0 {
                i += skipped;
                // The skipped bytes belong to the object if it turns out to be broken here.
                s.closed_at = base + i as u64;
            }
            if i == block.len() {
                break;
            }
        }
        if byte(s, block[i], base + i as u64, spans) {
            i += 1;
        }
    }
    s.at = base + block.len() as u64;
}

/// Reads one byte. False: it must be read again, in another state.
///
/// Long because it is a state machine.
fn byte(s: &mut Splitter, byte: u8, at: u64, spans: &mut Vec<Span>) -> bool {
    let space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    match s.state {
        State::Nested if s.in_string != 0 => string(s, byte),
        State::Nested => match byte {
            b'{' if begins_another(s, at) && !may_hold_object(s) => {
                end_broken(s, spans);
                return false;
            }
            b'{' | b'[' => s.depth = s.depth.saturating_add(1),
            b'}' | b']' => {
                s.depth -= 1;
                if s.depth == 0 {
                    s.closed_at = at + 1;
                    s.state = State::Closed;
                }
            }
            b'"' => s.in_string = !0,
            _ => {}
        },
        State::Broken => {
            if byte == b'{' && begins_another(s, at) {
                end_broken(s, spans);
                return false;
            }
        }
        State::Closed => match byte {
            b' ' | b'\t' | b'\r' if at - s.closed_at < SPACE_MAX => {}
            b' ' | b'\t' | b'\r' => s.end_closed(spans),
            b'\n' => s.end_closed(spans),
            b'{' | b'[' => {
                s.end_closed(spans);
                return false;
            }
            0xef => s.begin_mark(at, s.line),
            _ => s.state = State::Other,
        },
        State::Mark => {
            if !s.take_mark(byte) {
                s.state = State::Other;
                return false;
            }
            // A mark at the start of a line does not belong to its indentation.
            if s.state == State::Blank && s.margin.blank {
                s.margin.known = false;
            }
            return true;
        }
        State::Other => {
            if byte == b'\n' {
                s.end_line(at, spans);
            }
        }
        // Before a value. The states of an array do not occur.
        _ if space => {}
        _ if byte == 0xef => {
            s.begin_mark(at, s.line);
            return true;
        }
        _ => {
            (s.start, s.start_line) = (at, s.line);
            s.state = State::Other;
            if matches!(byte, b'{' | b'[') {
                s.state = State::Nested;
                (s.depth, s.in_string, s.escaped) = (1, 0, 0);
                s.margin.opened = byte;
                if s.margin.blank && s.margin.known {
                    s.margin.indent = at - s.line_start;
                }
            }
        }
    }
    if byte == b'\n' {
        s.line += 1;
        s.line_start = at + 1;
        (s.margin.blank, s.margin.known) = (true, true);
    } else if !space {
        s.margin.blank = false;
        s.margin.last = byte;
        if matches!(s.state, State::Nested | State::Broken) {
            s.closed_at = at + 1;
        }
    }
    true
}

fn string(s: &mut Splitter, byte: u8) {
    match byte {
        // A string of JSON holds no line break.
        b'\n' => (s.state, s.in_string, s.escaped) = (State::Broken, 0, 0),
        _ if s.escaped == 1 => s.escaped = 0,
        b'\\' => s.escaped = 1,
        b'"' => s.in_string = 0,
        _ => {}
    }
}

/// Whether a brace at `at` has the indentation of the objects before.
fn begins_another(s: &Splitter, at: u64) -> bool {
    s.margin.blank && s.margin.known && at - s.line_start == s.margin.indent
}

/// Whether JSON allows an object here. A deeper level may be an array, where one may follow a comma.
fn may_hold_object(s: &Splitter) -> bool {
    match s.margin.last {
        b':' | b'[' => true,
        b',' => s.depth > 1 || s.margin.opened == b'[',
        _ => false,
    }
}

/// The object was not closed before the next one began.
fn end_broken(s: &mut Splitter, spans: &mut Vec<Span>) {
    spans.push(Span { start: s.start, end: s.closed_at, line: s.start_line, whole: false });
    (s.state, s.depth, s.in_string, s.escaped) = (State::Blank, 0, 0, 0);
}
