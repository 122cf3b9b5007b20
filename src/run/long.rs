//! Contacts that are too long to hold in memory: on a line, where reading can go on behind them, they go through a temporary file.

use crate::clean::lines::VALUE_MAX;
use crate::json::split::{Layout, Span};
use crate::model::error::{Error, Result};
use crate::model::finding::{Code, Detail, Finding, Outcome, Raw, Severity, To};
use crate::source::Chunk;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

/// A contact that is too long to hold in memory, and is rejected.
#[derive(Debug)]
pub struct Long {
    /// Index in its input.
    pub contact: u64,
    /// Its range in the input.
    pub span: Span,
    /// Its first bytes, as many as a finding reports.
    pub head: Vec<u8>,
    /// All its bytes, on one line, if the run writes rejects.
    pub file: Option<File>,
    /// Offset behind the last byte taken.
    taken: u64,
}

impl Long {
    pub(super) fn new(start: u64, line: u64, contact: u64, keep: bool) -> Result<Long> {
        let file = keep.then(tempfile::tempfile).transpose().map_err(spool_error)?;
        let span = Span { start, end: start, line, whole: false };
        Ok(Long { contact, span, head: Vec::new(), file, taken: start })
    }

    /// Its size, in words.
    pub(crate) fn size(&self) -> String {
        format!("it has {} bytes", self.span.end - self.span.start)
    }

    /// The finding that rejects it.
    pub(crate) fn finding<'f>(&'f self, size: &'f str) -> Finding<'f> {
        Finding {
            code: Code::SYN002,
            severity: Severity::Error,
            outcome: Outcome::Rejected,
            field: None,
            value: Raw::Bytes(&self.head),
            to: To::None,
            detail: Detail::Is(size),
        }
    }

    /// Takes the bytes up to offset `end`, of which `chunk` has those that were not taken before.
    pub(super) fn take(&mut self, chunk: &Chunk, end: u64, layout: Layout) -> Result<()> {
        if end <= self.taken {
            return Ok(());
        }
        let bytes = &chunk.from(self.taken)[..(end - self.taken) as usize];
        self.taken = end;
        // No character takes more than four bytes.
        let room = (VALUE_MAX * 4).saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = match layout {
            Layout::Objects | Layout::Cards => {
                crate::clean::lines::on_one_line(bytes).try_for_each(|part| file.write_all(part))
            }
            _ => file.write_all(bytes),
        };
        written.map_err(spool_error)
    }

    /// It ends where `span` does.
    pub(super) fn end(&mut self, span: Span) -> Result<()> {
        self.span = span;
        let head = String::from_utf8_lossy(&self.head);
        self.head = head.chars().take(VALUE_MAX).collect::<String>().into_bytes();
        if let Some(file) = &mut self.file {
            // It may have taken white space behind the contact.
            file.set_len(span.end - span.start).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(spool_error)?;
        }
        Ok(())
    }
}

fn spool_error(error: std::io::Error) -> Error {
    Error::io("write", "a temporary file (TMPDIR says where)", error)
}
