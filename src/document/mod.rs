//! One input, looked at before its contacts are read: its shape, its envelope, and where the contacts begin.

mod binary;
pub mod bulk;
mod cards;
pub mod envelope;
mod foreign;
pub mod format;
pub mod pages;
pub mod profile;
pub mod splitter;
pub mod table;
pub mod wrapper;

pub(crate) use cards::begins as has_card;

use crate::clean::mapped::InputMapping;
use crate::csv::{RowSplitter, SheetSplitter, Sniffed, Table};
use crate::document::envelope::{End, EnvelopeMembers, EnvelopeOverrides, EnvelopeReader, IMPORT_DATA, Side, breach};
use crate::document::format::{Detected, Detector, Shape, begins_another};
use crate::document::splitter::ContactSplitter;
use crate::document::table::InputFormat;
use crate::document::wrapper::{Event, Walker};
use crate::json::pointer::Pointer;
use crate::json::split::{Layout, SplitError, Splitter, Status};
use crate::model::error::{Error, Kind, Result};
use crate::model::fault::Fault;
use crate::model::finding::Code;
use crate::model::position::Position;
use crate::source::{Encoding, Source};
use crate::vcard::CardSplitter;
use std::path::Path;
use std::sync::Arc;

/// Bytes that are handed to the splitter at once.
pub const SLICE: usize = 128 << 10;

/// How the user wants inputs to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The array that holds the contacts of a wrapped document. By default it is looked for.
    pub records: Option<Pointer>,
    /// The object in each record that is the contact. By default it is the record.
    pub contact: Option<Pointer>,
    /// The encoding of inputs without a byte-order mark. By default it is UTF-8, or UTF-16 or UTF-32 where the first bytes show that.
    pub encoding: Option<Encoding>,
    /// The format. By default the first bytes show it.
    pub format: InputFormat,
    /// Names of columns that the options make the email address or the SMS number: a header is known by them.
    pub identity_names: Vec<String>,
    /// The sheet of a spreadsheet. By default it is the first.
    pub sheet: Option<String>,
}

/// What an input is opened for.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'o> {
    /// Bytes of a request body that are read.
    pub limit: u64,
    /// Overrides of the envelope.
    pub asked: &'o EnvelopeOverrides,
    /// The run needs lists.
    pub lists_needed: bool,
    /// An empty input is no error.
    pub may_be_empty: bool,
    /// Only what the endpoint takes: UTF-8, and contacts in `import_data` alone.
    pub as_endpoint: bool,
    /// How the user wants it to be read.
    pub reading: &'o ReadOptions,
}

impl<'o> Opening<'o> {
    /// For all of an input that has contacts, without need of lists.
    #[must_use]
    pub fn whole(asked: &'o EnvelopeOverrides, reading: &'o ReadOptions) -> Self {
        Opening { limit: u64::MAX, asked, lists_needed: false, may_be_empty: false, as_endpoint: false, reading }
    }
}

/// An input whose contacts can be read.
pub struct Document<'i> {
    /// Where they come from.
    pub source: Source<'i>,
    /// What the document is.
    pub shape: Shape,
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
    /// The array that the contacts of a wrapped document are in.
    pub records: Option<Pointer>,
    /// Of a wrapped document, what goes over the members around the contacts. It stands where they begin.
    pub wrapper: Option<Box<Walker>>,
    /// The lines are a bulk request of Elasticsearch: an action before each document.
    pub is_bulk: bool,
    /// How its records become contacts, if they have other names than the contract's.
    pub mapping: Option<Arc<InputMapping>>,
    /// The form of a table, if it is one.
    pub table: Option<Arc<Table>>,
    /// The encoding is a guess.
    pub is_guessed: bool,
}

impl<'i> Document<'i> {
    /// Opens an input and reads it up to its first contact (one that is empty is an error, unless it `may_be_empty`). Where the
    /// envelope is not known by then, reads the members behind the contacts first. Of a request body, bytes from the limit on are not
    /// touched: they are lost to the endpoint. Other documents are read to their end.
    ///
    /// # Errors
    /// It cannot be read, holds no contacts, or its envelope cannot be.
    pub fn open(path: &Path, opening: Opening<'_>) -> Result<Self> {
        Document::of(Source::open(path)?, opening)
    }

    /// The same for an input that is open.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn of(mut source: Source<'i>, opening: Opening<'_>) -> Result<Self> {
        let (detected, start, mut ended) = match begin(&mut source, &opening)? {
            Begun::Table(found, is_guessed) => {
                let shape = if found.table.is_sheet { Shape::Spreadsheet } else { Shape::Csv };
                let table = Some(Arc::new(found.table));
                return Ok(Document { table, ..Document::of_text(source, shape, found.start, is_guessed) });
            }
            Begun::Cards(start, is_guessed) => return Ok(Document::of_text(source, Shape::Vcard, start, is_guessed)),
            Begun::Json(detected, start, ended) => (detected, start, ended),
        };
        let is_body = detected == Detected::Shape(Shape::Body);
        if !is_body && !opening.as_endpoint {
            source.set_limit(u64::MAX);
        }
        let mut records = opening.reading.records.clone();
        let shape = match detected {
            Detected::Shape(shape) => shape,
            Detected::Object if opening.as_endpoint => Shape::Body,
            Detected::Object => {
                let (shape, array) = survey(&mut source, start)?;
                records = records.or(array);
                // It is read again.
                ended = false;
                shape
            }
        };
        if records.as_ref().is_some_and(|records| records.tokens().is_empty()) && shape != Shape::Array {
            let what =
                "--records \"\" names the whole document, which is no array: name the array that holds the contacts";
            return Err(Kind::NotContacts { input: source.name().to_owned(), what: what.into() }.into());
        }
        if shape == Shape::Body {
            source.set_limit(opening.limit);
        }
        if source.current().is_none() {
            // The input was gone over, and went back to the start.
            source.next(start.offset)?;
        }
        let mut document = Document::new(source, shape, start);
        document.records = records.filter(|_| shape == Shape::Wrapped);
        match shape {
            Shape::Body => document.read_head(ended)?,
            Shape::Wrapped => document.read_wrapper_head(opening.reading.records.is_some())?,
            Shape::Array => document.start = document.start.after(b"["),
            Shape::Lines => document.is_bulk = !opening.as_endpoint && document.begins_bulk(),
            Shape::Objects | Shape::Csv | Shape::Spreadsheet | Shape::Vcard => {}
        }
        document.found = document.head.clone();
        // Everything the rules need is known when there is no envelope, and the contacts can be read as they come.
        if shape == Shape::Body && !document.found.is_enough(opening.asked, opening.lists_needed) {
            document.look_ahead(opening.limit, opening.lists_needed && opening.asked.list_ids.is_empty())?;
        }
        Ok(document)
    }

    /// A document of text that is no JSON, from where its contacts begin.
    fn of_text(mut source: Source<'i>, shape: Shape, start: Position, is_guessed: bool) -> Self {
        source.set_limit(u64::MAX);
        Document { is_guessed, ..Document::new(source, shape, start) }
    }

    /// A document of this shape, of which nothing but its start is known.
    fn new(source: Source<'i>, shape: Shape, start: Position) -> Self {
        let layout = layout_of(shape);
        // Compressed data and spreadsheets that grow while they are read are read up to the middle of something.
        if let (Layout::Lines | Layout::Objects | Layout::Rows | Layout::Cards, Some(watch), None, None) =
            (layout, source.watch(), source.compression(), source.sheet())
        {
            watch.allow_growth();
        }
        Document {
            source,
            shape,
            layout,
            start,
            head: EnvelopeMembers::default(),
            found: EnvelopeMembers::default(),
            looked_ahead: false,
            broken: None,
            records: None,
            wrapper: None,
            is_bulk: false,
            mapping: None,
            table: None,
            is_guessed: false,
        }
    }

    /// Reads the members of a wrapped document up to the contacts, which is where the document starts then.
    fn read_wrapper_head(&mut self, is_named: bool) -> Result<()> {
        let mut walker = Walker::new(self.source.name(), self.records.clone(), self.start);
        if is_named {
            walker = walker.series();
        }
        loop {
            let bytes = self.source.current().map_or(&[][..], |chunk| chunk.from(walker.offset()));
            match walker.feed(bytes)? {
                Some(Event::Records(at)) => {
                    self.start = at;
                    self.wrapper = Some(Box::new(walker));
                    return Ok(());
                }
                // It is an error where the contacts were not found.
                Some(Event::Closed) => {}
                None if self.source.next(walker.offset())?.is_none() => return Err(walker.cut_off()),
                None => {}
            }
        }
    }

    /// True if the first line is an action of a bulk request.
    fn begins_bulk(&self) -> bool {
        let bytes = self.source.current().map_or(&[][..], |chunk| chunk.from(self.start.offset));
        let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        bulk::action(line).is_some()
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
            Err(error) if matches!(error.kind(), Kind::Syntax { .. } | Kind::Compressed { .. }) => {
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
    pub fn splitter(&self) -> ContactSplitter {
        let Position { offset, line, column, .. } = self.start;
        let line_start = (offset + 1).saturating_sub(column);
        if let Some(table) = &self.table {
            if table.is_sheet {
                return ContactSplitter::Sheet(SheetSplitter::new(offset, line));
            }
            return ContactSplitter::Rows(RowSplitter::new(table.delimiter, offset, line, line_start));
        }
        if self.layout == Layout::Cards {
            return ContactSplitter::Cards(CardSplitter::new(offset, line, line_start));
        }
        let splitter = Splitter::new(self.layout, offset, line, line_start);
        // Several arrays are one export, in parts; a body is one.
        ContactSplitter::Json(if self.shape == Shape::Array { splitter.series() } else { splitter })
    }
}

/// How the contacts of a document are laid out.
fn layout_of(shape: Shape) -> Layout {
    match shape {
        Shape::Body | Shape::Array | Shape::Wrapped => Layout::Array,
        Shape::Lines => Layout::Lines,
        Shape::Objects => Layout::Objects,
        Shape::Csv | Shape::Spreadsheet => Layout::Rows,
        Shape::Vcard => Layout::Cards,
    }
}

/// What an input begins with.
enum Begun {
    /// A table, and whether its encoding is a guess.
    Table(Sniffed, bool),
    /// vCards, where they begin, and whether their encoding is a guess.
    Cards(Position, bool),
    /// JSON, as [`detect`] says.
    Json(Detected, Position, bool),
}

/// Unpacks and decodes an input, and detects what it is.
fn begin(source: &mut Source<'_>, opening: &Opening<'_>) -> Result<Begun> {
    source.set_limit(opening.limit);
    if !opening.as_endpoint {
        if source.sheet().is_some() {
            return Ok(Begun::Table(table::find_in_sheet(source, opening.reading)?, false));
        }
        if opening.reading.format == InputFormat::Spreadsheet {
            return Err(table::no_spreadsheet(source.name()));
        }
        // The first line of rejects may be anything; those of a run with the same encoding are UTF-8.
        if !(source.is_packed_in_name_only()? && is_rejects_file(source)?) {
            source.unpack()?;
        }
        let encoding = opening.reading.encoding;
        let is_decoded = encoding.is_some() && is_rejects_file(source)?;
        source.decode(encoding.filter(|_| !is_decoded))?;
        if let Some((start, is_guessed)) = cards::find(source, opening.reading, opening.may_be_empty)? {
            return Ok(Begun::Cards(start, is_guessed));
        }
        if let Some((found, is_guessed)) = table::find(source, opening.reading)? {
            return Ok(Begun::Table(found, is_guessed));
        }
    }
    let (detected, start, ended) = detect(source, opening)?;
    Ok(Begun::Json(detected, start, ended))
}

/// Why a file has no contacts that presort reads, by its first bytes; `None` if it has some, or is damaged.
///
/// # Errors
/// It cannot be read.
pub fn probe(mut source: Source<'_>, reading: &ReadOptions) -> Result<Option<String>> {
    let overrides = EnvelopeOverrides::default();
    match begin(&mut source, &Opening::whole(&overrides, reading)) {
        Ok(Begun::Table(..) | Begun::Cards(..)) => Ok(None),
        Ok(Begun::Json(_, start, _)) => {
            let bytes = source.current().map_or(&[][..], |chunk| chunk.from(start.offset));
            Ok(format::output_of_presort(bytes).map(str::to_owned))
        }
        Err(error) => match error.kind() {
            Kind::NotContacts { what, .. } => Ok(Some(what.clone())),
            Kind::Io { .. } => Err(error),
            _ => Ok(None),
        },
    }
}

/// True if an input, of which nothing was used yet, consists of contacts that presort rejected.
fn is_rejects_file(source: &mut Source<'_>) -> Result<bool> {
    let mut ended = false;
    loop {
        let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
        match format::is_rejects_file(bytes, ended) {
            Some(is) => return Ok(is),
            None if ended => return Ok(false),
            None => ended = is_end(source, 0)?,
        }
    }
}

/// Reads some more. Returns true where the input ends, or is broken: the run meets that again behind what comes before it.
fn is_end(source: &mut Source<'_>, keep: u64) -> Result<bool> {
    let has_some = source.end() > 0;
    match source.next(keep) {
        Ok(chunk) => Ok(chunk.is_none()),
        Err(error) if has_some && matches!(error.kind(), Kind::Compressed { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Detects what an input is. Returns where it begins as well, and whether it ended, or its limit was reached.
fn detect(source: &mut Source<'_>, opening: &Opening<'_>) -> Result<(Detected, Position, bool)> {
    let mut ended = false;
    let mut detector = Detector::new(opening.as_endpoint);
    let records = opening.reading.records.as_ref().filter(|_| !opening.as_endpoint);
    // The contacts of a body are those of a body, however they are named.
    let records = records.filter(|records| records.tokens() != [IMPORT_DATA] && !records.tokens().is_empty());
    loop {
        let bytes = source.current().map_or(&[][..], |chunk| chunk.from(detector.start().offset));
        let told = detector.look(bytes, ended);
        if ended && opening.may_be_empty && detector.is_blank() {
            return Ok((Detected::Shape(Shape::Lines), detector.start(), ended));
        }
        let begins = source.current().and_then(|chunk| chunk.from(detector.start().offset).first());
        if records.is_some() && !detector.is_blank() && matches!(begins, Some(b'{' | b'[')) {
            return Ok((Detected::Shape(Shape::Wrapped), detector.start(), ended));
        }
        match told {
            Ok(Some(detected)) => return Ok((detected, detector.start(), ended && !source.is_broken())),
            Ok(None) if ended => return Err(Error::usage("the input does not show what it is")),
            // Skipped bytes are not kept.
            Ok(None) => {
                source.expect_contact(detector.start(), 0)?;
                let keep = detector.start().offset;
                // Without anything before it, the fault is all that there is to say.
                ended = if detector.is_blank() { source.next(keep)?.is_none() } else { is_end(source, keep)? };
            }
            Err(what) => return Err(Kind::NotContacts { input: source.name().to_owned(), what }.into()),
        }
    }
}

/// Goes over an object that could be a body, a wrapper or a contact. Returns its shape and, of a wrapper, the array of contacts. A
/// pipe goes to a temporary file, since what comes last decides.
fn survey(source: &mut Source<'_>, start: Position) -> Result<(Shape, Option<Pointer>)> {
    source.spool(crate::model::limits::MAX_BYTES)?;
    source.rewind(start.offset);
    let mut walker = Walker::new(source.name(), None, start);
    // Behind the object, the next byte that is not white space tells whether another one follows.
    let (mut is_closed, mut has_line_break, mut next) = (false, false, None);
    let mut at = start.offset;
    let mut chunk = source.current().cloned();
    loop {
        if let Some(chunk) = &chunk {
            let bytes = chunk.from(at);
            if !is_closed {
                // What is broken is told when the contacts are read.
                let Ok(event) = walker.feed(bytes) else { break };
                is_closed = event.is_some();
                let used = (walker.offset() - at) as usize;
                has_line_break |= memchr::memchr(b'\n', &bytes[..used]).is_some();
                at = walker.offset();
            }
            if is_closed {
                next = chunk.from(at).iter().copied().find(|b| !b.is_ascii_whitespace());
                at = chunk.end();
            }
            if chunk.is_truncated() {
                source.check_unchanged()?;
            }
        }
        drop(chunk.take());
        if next.is_some() || is_end(source, at)? {
            break;
        }
        chunk = source.current().cloned();
    }
    source.rewind(start.offset);
    let name = source.name().to_owned();
    let found = walker.survey;
    if found.is_body {
        return Ok((Shape::Body, None));
    }
    let contacts = if has_line_break { Shape::Objects } else { Shape::Lines };
    if found.is_contact || next.is_some_and(begins_another) {
        return Ok((contacts, None));
    }
    // With one address and no array that could be it, the object is one contact under other names.
    let otherwise = if found.addresses == 1 { contacts } else { Shape::Body };
    found.records().map_or(Ok((otherwise, None)), |records| match records {
        Ok(records) => Ok((Shape::Wrapped, Some(records))),
        Err(what) => Err(Kind::NotContacts { input: name, what }.into()),
    })
}

/// Where the splitter's byte `at` is. The column is not known where the line began before the splitter's current one.
#[must_use]
pub fn position(splitter: &ContactSplitter, at: u64) -> Position {
    let (line, line_start) = splitter.line();
    Position { offset: at, line, column: column(at, line_start), contact: Some(splitter.spans()) }
}

/// The column of byte `at` in the line that begins at `line_start`; 0, which is unknown, in another line.
fn column(at: u64, line_start: u64) -> u64 {
    (at + 1).saturating_sub(line_start)
}

/// The error for broken syntax that the splitter found.
#[must_use]
pub fn split_error(input: &str, splitter: &ContactSplitter, error: SplitError) -> Error {
    let (line, line_start) = splitter.line();
    let column = if error.line == line { column(error.at, line_start) } else { 0 };
    // Bytes behind the last array come before no contact.
    let contact = (!matches!(error.fault, Fault::Trailing | Fault::Follows(_))).then(|| splitter.spans());
    let position = Position { offset: error.at, line: error.line, column, contact };
    Kind::Syntax { input: input.to_owned(), position, fault: error.fault }.into()
}

/// The input ends within its contacts.
#[must_use]
pub fn cut_off(input: &str, splitter: &ContactSplitter) -> Error {
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
            let fault = match bytes[other] {
                b'{' | b'[' => Fault::Follows("another document follows"),
                _ => Fault::Trailing,
            };
            return Err(Kind::Syntax { input: name, position, fault }.into());
        }
        at = at.after(bytes);
        if source.next(at.offset)?.is_none() {
            return Ok(End::Input);
        }
    }
}
