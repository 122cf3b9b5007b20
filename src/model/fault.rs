//! The ways in which bytes are not JSON.

use std::fmt;

/// Deepest nesting of one contact, the contact's own braces counted.
pub const MAX_DEPTH: u32 = 64;

/// A fault, and the byte of the slice at which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntaxError {
    /// Index of the first invalid byte.
    pub at: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// The ways in which bytes are not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end in the middle of a value.
    End,
    /// Another byte was expected; the text says which.
    Expected(&'static str),
    /// A comma with no value behind it.
    TrailingComma,
    /// `NaN`, `Infinity`, `undefined`, `None`, `True` and the like.
    NotAValue(&'static str),
    /// `//` or `/*`.
    Comment,
    /// A string in single quotes.
    SingleQuote,
    /// A raw control character inside a string.
    Control(u8),
    /// A backslash with an unknown escape.
    Escape,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// `007`, `+1`, `.5`, `1.`.
    Number(&'static str),
    /// Bytes that are not UTF-8.
    Utf8,
    /// A quote of a table's cell that is not closed.
    OpenQuote,
    /// Nested deeper than [`MAX_DEPTH`].
    Depth,
    /// More bytes after a complete value.
    Trailing,
    /// Another document after a complete one; the text says which.
    Follows(&'static str),
}

impl Fault {
    /// What to do about it, for a person.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Fault::End => "the file may have been cut off: make the export again, or close what is open",
            Fault::TrailingComma => "remove the comma",
            Fault::NotAValue(_) => "write null, or leave the member out",
            Fault::Comment => "remove the comment: JSON has none",
            Fault::SingleQuote => "use double quotes",
            Fault::Control(_) => "escape it (\\n, \\t, \\u0000 ...) as a JSON writer would",
            Fault::Escape => "write a backslash as \\\\",
            Fault::LoneSurrogate => "write the character whole, or both halves of its pair",
            Fault::Number(_) => "quote it if it is text (a zip code, a phone number)",
            Fault::Utf8 => "convert the file to UTF-8 (for example with iconv -f WINDOWS-1252 -t UTF-8)",
            Fault::OpenQuote => "close the quote in that row, or write it twice where it is part of the text",
            Fault::Depth => "a contact is flat: remove the nested data",
            Fault::Follows(_) => "one input holds one document: put each into a file of its own, and name all of them",
            Fault::Expected(_) | Fault::Trailing => "correct the export at this byte, or write it with a JSON library",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::End => f.write_str("the JSON ends in the middle of a value"),
            Fault::Expected(what) => write!(f, "expected {what} here"),
            Fault::TrailingComma => f.write_str("a comma with nothing behind it"),
            Fault::NotAValue(word) => write!(f, "{word} is not a JSON value"),
            Fault::Comment => f.write_str("a comment, which JSON does not have"),
            Fault::SingleQuote => f.write_str("a single quote where JSON wants a double one"),
            Fault::Control(byte) => write!(f, "a raw control character (0x{byte:02x}) inside a string"),
            Fault::Escape => f.write_str("a backslash escape that JSON does not know"),
            Fault::LoneSurrogate => f.write_str("half of a surrogate pair (\\ud800 to \\udfff) alone"),
            Fault::Number(what) => write!(f, "not a JSON number: {what}"),
            Fault::Utf8 => f.write_str("bytes that are not UTF-8"),
            Fault::OpenQuote => f.write_str("a cell opens a quote here that is not closed"),
            Fault::Depth => write!(f, "nested deeper than {MAX_DEPTH}"),
            Fault::Trailing => f.write_str("something more after the value"),
            Fault::Follows(what) => write!(f, "{what} here"),
        }
    }
}
