//! One input, looked at before its contacts are read: its shape, its envelope, and where the contacts begin.

pub mod envelope;
pub mod format;

use crate::document::envelope::{End, EnvelopeMembers, EnvelopeOverrides, EnvelopeReader, Side, breach};
use crate::document::format::{Detector, Shape};
use crate::json::split::{Layout, SplitError, Splitter, Status};
use crate::model::error::{Error, Kind, Result};
use crate::model::fault::Fault;
use crate::model::finding::Code;
use crate::model::position::Position;
use crate::source::Source;
use std::path::Path;

/// Bytes that are handed to the splitter at once.
pub const SLICE: usize = 128 << 10;

/// An input whose contacts can be read.
pub struct Document<'i> {
    /// Where they come from.
    pub source: Source<'i>,
    /// `body`, `array`, `ndjson` or `objects`.
    pub shape: &'static str,
    /// How the contacts are laid out.
    pub layout: Layout,
    /// The first byte that the splitter is to see.
    pub start: Position,
    /// The members before the contacts.
    pub head: EnvelopeMembers,
    /// The members around the contacts, as far as they were looked at.
    pub found: EnvelopeMembers,
    /// The members behind the contacts were looked at as well.
    pub looked_ahead: bool,
    /// Looking ahead found broken syntax: nothing may be written, and the contacts are read only to report what is wrong.
    pub broken: Option<Error>,
}

impl<'i> Document<'i> {
    /// Opens an input and reads it up to its first contact (one that is empty is an error, unless it `may_be_empty`). Where the
    /// envelope is not known by then, reads the members behind the contacts first. Of a request body, bytes from `limit` on are not
    /// touched: they are lost to the endpoint. Other documents are read to their end.
    ///
    /// # Errors
    /// It cannot be read, holds no contacts, or its envelope cannot be.
    pub fn open(
        path: &Path,
        limit: u64,
        asked: &EnvelopeOverrides,
        lists_needed: bool,
        may_be_empty: bool,
    ) -> Result<Self> {
        let source = Source::open(path)?;
        Document::of(source, limit, asked, lists_needed, may_be_empty)
    }

    /// The same for an input that is open.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn of(
        mut source: Source<'i>,
        limit: u64,
        asked: &EnvelopeOverrides,
        lists_needed: bool,
        may_be_empty: bool,
    ) -> Result<Self> {
        source.set_limit(limit);
        let mut ended = false;
        let mut detector = Detector::default();
        let shape = loop {
            let bytes = source.current().map_or(&[][..], |chunk| chunk.from(detector.start().offset));
            let told = detector.look(bytes, ended);
            if ended && may_be_empty && detector.is_blank() {
                break Shape::Lines;
            }
            match told {
                Ok(Some(shape)) => break shape,
                Ok(None) if ended => return Err(Error::usage("the input does not show what it is")),
                // Skipped bytes are not kept.
                Ok(None) => ended = source.next(detector.start().offset)?.is_none(),
                Err(what) => return Err(Kind::NotContacts { input: source.name().to_owned(), what }.into()),
            }
        };
        let (name, layout) = match shape {
            Shape::Body => ("body", Layout::Array),
            Shape::Array => ("array", Layout::Array),
            Shape::Lines => ("ndjson", Layout::Lines),
            Shape::Objects => ("objects", Layout::Objects),
        };
        if name != "body" {
            source.set_limit(u64::MAX);
        }
        if let (Layout::Lines | Layout::Objects, Some(watch)) = (layout, source.watch()) {
            watch.allow_growth();
        }
        let mut document = Document {
            source,
            shape: name,
            layout,
            start: detector.start(),
            head: EnvelopeMembers::default(),
            found: EnvelopeMembers::default(),
            looked_ahead: false,
            broken: None,
        };
        match shape {
            Shape::Body => document.read_head(ended)?,
            Shape::Array => document.start = document.start.after(b"["),
            Shape::Lines | Shape::Objects => {}
        }
        document.found = document.head.clone();
        // Everything the rules need is known when there is no envelope, and the contacts can be read as they come.
        if name == "body" && !document.found.is_enough(asked, lists_needed) {
            document.look_ahead(limit, lists_needed && asked.list_ids.is_empty())?;
        }
        Ok(document)
    }

    /// Reads the envelope up to the contacts, which is where the document starts then.
    fn read_head(&mut self, mut ended: bool) -> Result<()> {
        let name = self.source.name().to_owned();
        let mut reader = EnvelopeReader::head(&name, self.start.after(b"{"));
        loop {
            let bytes = self.source.current().map_or(&[][..], |chunk| chunk.from(reader.offset()));
            match reader.feed(bytes)? {
                Some(Side::Contacts(at)) => {
                    self.start = at;
                    self.head = reader.into_found();
                    return Ok(());
                }
                Some(Side::Closed(_)) => return Err(breach(Code::ENV009, &name, None, "")),
                None if ended => {
                    let end = if self.source.has_more_behind_limit()? { End::Limit } else { End::Input };
                    reader.finish(end)?;
                    return Err(breach(Code::ENV012, &name, None, "import_data does not begin before it"));
                }
                None => ended = self.source.next(reader.offset())?.is_none(),
            }
        }
    }

    /// Finds the end of the contacts at scanning speed and reads the members behind them. Contacts are not parsed.
    fn look_ahead(&mut self, limit: u64, needs_lists: bool) -> Result<()> {
        self.source.spool(limit.min(crate::model::limits::MAX_BYTES))?;
        self.source.rewind(self.start.offset);
        let found = self.scan(needs_lists);
        self.source.rewind(self.start.offset);
        match found {
            Ok(()) => {
                self.looked_ahead = true;
                Ok(())
            }
            // The fault may lie in an earlier contact, and the run must report the first one. If only the permission is unknown, the
            // contacts before the fault can be written: no permission is the safe choice.
            Err(error) if matches!(error.kind(), Kind::Syntax { .. }) => {
                if needs_lists && !self.found.has_lists() {
                    self.broken = Some(error);
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn scan(&mut self, needs_lists: bool) -> Result<()> {
        let name = self.source.name().to_owned();
        let mut splitter = self.splitter();
        let mut spans = Vec::new();
        let mut chunk = self.source.current().cloned();
        let end = 'scan: loop {
            if let Some(chunk) = &chunk {
                for slice in chunk.from(splitter.offset()).chunks(SLICE) {
                    spans.clear();
                    match splitter.feed(slice, &mut spans) {
                        Ok(Status::More) => {}
                        Ok(Status::End(at)) => break 'scan at,
                        Err(error) => return Err(split_error(&name, &splitter, error)),
                    }
                }
                if chunk.is_truncated() {
                    self.source.check_unchanged()?;
                }
            }
            drop(chunk.take());
            chunk = self.source.next(splitter.offset())?;
            if chunk.is_none() {
                if self.source.has_more_behind_limit()? {
                    // The endpoint does not read behind the limit, and so neither does this run.
                    return self.lost(needs_lists);
                }
                return Err(cut_off(&name, &splitter));
            }
        };
        let origin = position(&splitter, end);
        let done = read_tail(&mut self.source, &mut self.found, origin)?;
        if done == End::Limit { self.lost(needs_lists) } else { Ok(()) }
    }

    /// The envelope goes on behind the limit.
    fn lost(&self, needs_lists: bool) -> Result<()> {
        if needs_lists && !self.found.has_lists() {
            let what = "list_ids does not stand before it";
            return Err(breach(Code::ENV012, self.source.name(), None, what));
        }
        Ok(())
    }

    /// A splitter at the first byte of the contacts.
    #[must_use]
    pub fn splitter(&self) -> Splitter {
        let Position { offset, line, column, .. } = self.start;
        let splitter = Splitter::new(self.layout, offset, line, (offset + 1).saturating_sub(column));
        // Several arrays are one export, in parts; a body is one.
        if self.shape == "array" { splitter.series() } else { splitter }
    }
}

/// Where the splitter's byte `at` is. The column is not known where the line began before the splitter's current one.
#[must_use]
pub fn position(splitter: &Splitter, at: u64) -> Position {
    let (line, line_start) = splitter.line();
    Position { offset: at, line, column: column(at, line_start), contact: Some(splitter.spans()) }
}

/// The column of byte `at` in the line that begins at `line_start`; 0, which is unknown, in another line.
fn column(at: u64, line_start: u64) -> u64 {
    (at + 1).saturating_sub(line_start)
}

/// The error for broken syntax that the splitter found.
#[must_use]
pub fn split_error(input: &str, splitter: &Splitter, error: SplitError) -> Error {
    let (line, line_start) = splitter.line();
    let column = if error.line == line { column(error.at, line_start) } else { 0 };
    // Bytes behind the last array come before no contact.
    let contact = (error.fault != Fault::Trailing).then(|| splitter.spans());
    let position = Position { offset: error.at, line: error.line, column, contact };
    Kind::Syntax { input: input.to_owned(), position, fault: error.fault }.into()
}

/// The input ends within its contacts.
#[must_use]
pub fn cut_off(input: &str, splitter: &Splitter) -> Error {
    let error = SplitError { at: splitter.offset(), line: splitter.line().0, fault: Fault::End };
    split_error(input, splitter, error)
}

/// Reads the members behind the contacts of a body, from `origin` on, and adds them to `found`. Returns what ended it: the input,
/// or the limit before the document was complete.
///
/// # Errors
/// It cannot be read, or cannot stand there.
pub fn read_tail(source: &mut Source<'_>, found: &mut EnvelopeMembers, origin: Position) -> Result<End> {
    let name = source.name().to_owned();
    let mut reader = EnvelopeReader::tail(&name, found.clone(), origin);
    let mut at = loop {
        let bytes = source.current().map_or(&[][..], |chunk| chunk.from(reader.offset()));
        match reader.feed(bytes)? {
            Some(Side::Closed(at)) => break at,
            // A body has its contacts once, which the reader insists on.
            Some(Side::Contacts(at)) => return Err(breach(Code::ENV011, &name, Some(at), "import_data")),
            None => {}
        }
        if source.next(reader.offset())?.is_none() {
            let end = if source.has_more_behind_limit()? { End::Limit } else { End::Input };
            reader.finish(end)?;
            *found = reader.into_found();
            return Ok(End::Limit);
        }
    };
    *found = reader.into_found();
    // White space may go on for as long as it likes: none of it is kept.
    loop {
        let bytes = source.current().map_or(&[][..], |chunk| chunk.from(at.offset));
        if let Some(other) = bytes.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            let position = at.after(&bytes[..other]);
            return Err(Kind::Syntax { input: name, position, fault: Fault::Trailing }.into());
        }
        at = at.after(bytes);
        if source.next(at.offset)?.is_none() {
            return Ok(End::Input);
        }
    }
}
