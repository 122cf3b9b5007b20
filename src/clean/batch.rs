//! Contacts that were read together.

use crate::clean::lines::InputLabel;
use crate::clean::mapped::InputMapping;
use crate::json::split::{Layout, Span};
use crate::model::position::Position;

/// Contacts that lie next to each other in one input.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'b> {
    /// The bytes they lie in.
    pub bytes: &'b [u8],
    /// Offset of the first of those bytes in the input.
    pub base: u64,
    /// Offset at which the line of that byte begins.
    pub line_start: u64,
    /// Where they are.
    pub spans: &'b [Span],
    /// Index of the first contact in its input.
    pub first: u64,
    /// How the input lays its contacts out.
    pub layout: Layout,
    /// There are lines between the contacts that are none: nothing may be concluded from the bytes between two.
    pub has_gaps: bool,
    /// Index of the input on the command line.
    pub input: usize,
    /// What findings say of it.
    pub input_label: Option<InputLabel<'b>>,
    /// How its records become contacts, if they have other names than the contract's.
    pub mapping: Option<&'b InputMapping>,
}

impl<'b> Batch<'b> {
    /// The first contacts of the only input, of which these are the first bytes.
    #[must_use]
    pub fn of(bytes: &'b [u8], spans: &'b [Span], layout: Layout) -> Self {
        Batch {
            bytes,
            base: 0,
            line_start: 0,
            spans,
            first: 0,
            layout,
            has_gaps: false,
            input: 0,
            input_label: None,
            mapping: None,
        }
    }

    /// The bytes of a contact.
    #[must_use]
    pub fn contact(&self, span: &Span) -> &'b [u8] {
        &self.bytes[(span.start - self.base) as usize..(span.end - self.base) as usize]
    }

    /// The offset of a contact in the input; none in a spreadsheet.
    #[must_use]
    pub fn offset(&self, span: &Span) -> Option<u64> {
        let table = self.mapping.and_then(|input| input.table.as_ref());
        (!table.is_some_and(|table| table.is_sheet)).then_some(span.start)
    }

    /// The position of byte `at` of contact `i`.
    #[must_use]
    pub fn position(&self, i: usize, at: usize) -> Position {
        let span = &self.spans[i];
        let start = (span.start - self.base) as usize;
        // The contact's line begins in these bytes, or else with the line of the first byte.
        let line_start = match memchr::memrchr(b'\n', &self.bytes[..start]) {
            Some(newline) => self.base + newline as u64 + 1,
            None => self.line_start,
        };
        let contact = Position {
            offset: span.start,
            line: span.line,
            column: span.start - line_start + 1,
            contact: Some(self.first + i as u64),
        };
        contact.after(&self.bytes[start..start + at])
    }
}
