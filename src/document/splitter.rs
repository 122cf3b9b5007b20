//! The splitter of a document, whatever its contacts are laid out as.

use crate::csv::{RowSplitter, SheetSplitter};
use crate::json::split::{Pending, Span, SplitError, Splitter, Status};
use crate::model::error::Result as RunResult;
use crate::vcard::CardSplitter;

/// Bytes to contacts: values of JSON, rows of a table, or vCards.
// One exists for each input.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum ContactSplitter {
    /// Of JSON.
    Json(Splitter),
    /// Of a table.
    Rows(RowSplitter),
    /// Of a sheet.
    Sheet(SheetSplitter),
    /// Of vCards.
    Cards(CardSplitter),
}

use ContactSplitter::{Cards, Json, Rows, Sheet};

impl ContactSplitter {
    /// Offset of the byte that the next block must begin with.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self {
            Json(splitter) => splitter.offset(),
            Rows(splitter) => splitter.offset(),
            Sheet(splitter) => splitter.offset(),
            Cards(splitter) => splitter.offset(),
        }
    }

    /// Line of that byte, from 1, and the offset at which the line began.
    #[must_use]
    pub fn line(&self) -> (u64, u64) {
        match self {
            Json(splitter) => splitter.line(),
            Rows(splitter) => splitter.line(),
            Sheet(splitter) => splitter.line(),
            Cards(splitter) => splitter.line(),
        }
    }

    /// Contacts found so far.
    #[must_use]
    pub fn spans(&self) -> u64 {
        match self {
            Json(splitter) => splitter.spans(),
            Rows(splitter) => splitter.spans(),
            Sheet(splitter) => splitter.spans(),
            Cards(splitter) => splitter.spans(),
        }
    }

    /// The contact that has begun and not ended, if one has.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        match self {
            Json(splitter) => splitter.pending(),
            Rows(splitter) => splitter.pending(),
            Sheet(splitter) => splitter.pending(),
            Cards(splitter) => splitter.pending(),
        }
    }

    /// Offset behind the last byte that certainly belongs to the pending contact.
    #[must_use]
    pub fn pending_end(&self) -> u64 {
        match self {
            Json(splitter) => splitter.pending_end(),
            Rows(_) | Sheet(_) | Cards(_) => self.offset(),
        }
    }

    /// Arrays: the last one is closed, and only white space followed.
    #[must_use]
    pub fn is_between(&self) -> bool {
        matches!(self, Json(splitter) if splitter.is_between())
    }

    /// Lines: the object of the last line is closed, and its line break is missing.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Json(splitter) if splitter.is_closed())
    }

    /// Whether a contact has begun or must follow, so that the input cannot end here.
    #[must_use]
    pub fn awaits_value(&self) -> bool {
        match self {
            Json(splitter) => splitter.awaits_value(),
            Rows(_) | Sheet(_) | Cards(_) => self.pending().is_some(),
        }
    }

    /// How many byte-order marks stood between contacts, and where the first is.
    #[must_use]
    pub fn marks(&self) -> Option<(u64, Pending)> {
        match self {
            Json(splitter) => splitter.marks(),
            Rows(_) | Sheet(_) | Cards(_) => None,
        }
    }

    /// Goes on in another array, see [`Splitter::reopen`].
    pub fn reopen(&mut self, offset: u64, line: u64, line_start: u64) {
        if let Json(splitter) = self {
            splitter.reopen(offset, line, line_start);
        }
    }

    /// Reads a block, and appends the contacts that ended in it to `spans`.
    ///
    /// # Errors
    /// See [`Splitter::feed`] and [`RowSplitter::feed`].
    pub fn feed(&mut self, block: &[u8], spans: &mut Vec<Span>) -> Result<Status, SplitError> {
        match self {
            Json(splitter) => splitter.feed(block, spans),
            Rows(splitter) => splitter.feed(block, spans).map(|()| Status::More),
            Sheet(splitter) => {
                splitter.feed(block, spans);
                Ok(Status::More)
            }
            Cards(splitter) => {
                splitter.feed(block, spans);
                Ok(Status::More)
            }
        }
    }

    /// Ends the input. A last contact without a line break is appended to `spans`.
    ///
    /// # Errors
    /// It ends inside a quoted cell.
    pub fn finish(&mut self, spans: &mut Vec<Span>) -> Result<(), SplitError> {
        match self {
            Json(splitter) => {
                splitter.finish(spans);
                Ok(())
            }
            Rows(splitter) => splitter.finish(spans),
            Sheet(splitter) => {
                splitter.finish(spans);
                Ok(())
            }
            Cards(splitter) => {
                splitter.finish(spans);
                Ok(())
            }
        }
    }

    /// The same, with the error of an input of this name.
    ///
    /// # Errors
    /// As [`ContactSplitter::finish`].
    pub fn finish_input(&mut self, name: &str, spans: &mut Vec<Span>) -> RunResult<()> {
        self.finish(spans).map_err(|error| super::split_error(name, self, error))
    }
}
