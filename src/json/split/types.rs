//! What the splitter takes and gives.

use crate::model::fault::Fault;

/// Where one value lies in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Offset of its first byte.
    pub start: u64,
    /// Offset behind its last byte.
    pub end: u64,
    /// Line of its first byte, from 1.
    pub line: u64,
    /// Quotes and brackets balance, and the span holds one value only; a vCard has its end. Always true in an array; a line may hold
    /// anything.
    pub whole: bool,
}

/// How the values are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Inside a JSON array, from behind its `[` to its `]`.
    Array,
    /// One or several values per line; no value crosses a line break.
    Lines,
    /// Objects over several lines each, one after another.
    Objects,
    /// Rows of a table of delimited text.
    Rows,
    /// vCards.
    Cards,
}

/// The result of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All of it was read; more may follow.
    More,
    /// The array's `]` was found. This is the offset behind it; the bytes from there on were not read.
    End(u64),
}

/// An invalid byte between contacts, or nesting that is too deep.
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
