//! The reader: inputs to batches of contacts, one batch at a time and in order. An idle worker reads the next batch and cleans it
//! itself, because the bytes are then in that processor's cache.
//!
//! Long because everything that moves the cursor of an input forward shares its private parts.

use crate::clean::batch::Batch;
use crate::clean::mapped::InputMapping;
use crate::document::bulk;
use crate::document::envelope::{End, EnvelopeFinding, FindingValue};
use crate::document::splitter::ContactSplitter;
use crate::document::wrapper::Event;
use crate::document::{Document, SLICE, cut_off, position, read_tail, split_error};
use crate::json::split::{Layout, Span, Status};
use crate::model::error::{Error, Kind, Result};
use crate::model::finding::Code;
use crate::model::position::Position;
use crate::output::receipt::Dropped;
pub use crate::run::long::Long;
use crate::run::names::InputNames;
use crate::source::{Chunk, GATHERING};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most bytes of one contact that are held in memory. A longer one ends the run in an array; on a line, where reading can go on
/// behind it, it goes through a temporary file and is rejected.
const HELD_MAX: u64 = 16 << 20;

/// A pipe that brings nothing for this long pauses: then buffered output is written. Together with the time for which a block
/// collects bytes, this is how long a contact waits.
const PAUSE: Duration = Duration::from_millis(30);

/// Observes how far a run has come, and can end it.
pub trait Progress: Sync {
    /// The run begins, and has this many inputs.
    fn inputs(&self, count: usize) {
        let _ = count;
    }
    /// An input begins. `bytes` is its size, where that is known.
    fn input(&self, name: &str, bytes: Option<u64>);
    /// The run has read this many bytes of the input.
    fn bytes(&self, bytes: u64);
    /// The run is over.
    fn done(&self);
    /// Whether the run must end now, before it is done. Called once for each piece that the reader reads.
    fn must_end(&self) -> bool {
        false
    }
}

/// Contacts of one piece of an input, and their positions.
#[derive(Default)]
pub struct ReadBatch {
    /// A contact that comes before all of them.
    long: Option<Box<Long>>,
    spans: Vec<Span>,
    chunk: Option<Arc<Chunk>>,
    line_start: u64,
    first: u64,
    layout: Option<Layout>,
    has_gaps: bool,
    /// Index of their input.
    pub input: usize,
    /// They have explicit consent.
    pub explicit: bool,
    /// How the records of their input become contacts.
    mapping: Option<Arc<InputMapping>>,
}

impl ReadBatch {
    /// The contacts as a batch, if there are any.
    #[must_use]
    pub fn batch<'b>(&'b self, names: &'b InputNames) -> Option<Batch<'b>> {
        let chunk = self.chunk.as_deref().filter(|_| !self.spans.is_empty())?;
        Some(Batch {
            bytes: chunk.bytes(),
            base: chunk.base,
            line_start: self.line_start,
            spans: &self.spans,
            first: self.first,
            layout: self.layout?,
            has_gaps: self.has_gaps,
            input: self.input,
            input_label: names.label(self.input),
            mapping: self.mapping.as_deref(),
        })
    }

    /// The long contact before the others, if there is one.
    pub fn take_long(&mut self) -> Option<Box<Long>> {
        self.long.take()
    }

    /// True if some of their bytes are gone: the file was truncated.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.chunk.as_ref().is_some_and(|chunk| chunk.is_truncated())
    }

    /// Releases the bytes of the input.
    pub fn release(&mut self) {
        self.chunk = None;
    }
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Contacts: they are in the batch that was passed in.
    Batch,
    /// Findings about the envelope of an input, behind its contacts.
    EnvelopeFindings(usize, Vec<EnvelopeFinding>),
    /// Nothing for now: the input pauses, and buffered output must not wait for it.
    Pause,
    /// Nothing more.
    End,
}

/// How far the inputs were read.
#[derive(Default)]
pub struct ReadOutcome {
    /// Contacts the splitter found, by input.
    pub contacts: Vec<u64>,
    /// Bytes used, by input.
    pub bytes: Vec<u64>,
    /// Lines that are actions of a bulk request, by input.
    pub actions: Vec<u64>,
    /// What lies behind the limit.
    pub dropped: Option<Dropped>,
    /// What ended the reading early, and the index of the input.
    pub stop: Option<(usize, Error)>,
}

/// Where the reader is in an input.
struct Cursor {
    splitter: ContactSplitter,
    chunk: Option<Arc<Chunk>>,
    /// Offset at which the line of the chunk's first byte begins.
    line_start: u64,
    /// Offset behind the array's `]`, once that was found.
    end: Option<u64>,
    /// The current value, if it is too long to hold.
    long: Option<Box<Long>>,
    /// The reader has returned a pause since the last bytes.
    paused: bool,
    /// Which lines of a bulk request are actions, and where the first is.
    lines: bulk::Lines,
    first_action: Option<Position>,
    /// Rows of a table that are its header once more, and where the first is.
    headers: u64,
    first_header: Option<Position>,
}

/// Reads inputs, one after the other. See the [module](self).
pub struct Reader<'i> {
    documents: Vec<Document<'i>>,
    /// Whether the contacts of each input have explicit consent.
    explicit: Vec<bool>,
    progress: Option<&'i dyn Progress>,
    /// Index of the current input, or of the next.
    input: usize,
    cursor: Option<Cursor>,
    read: ReadOutcome,
    /// The run writes rejects.
    keep_rejects: bool,
    /// Findings about the envelope of a finished input.
    waiting: Option<(usize, Vec<EnvelopeFinding>)>,
    /// Time of the last pause.
    paused_at: Instant,
}

impl<'i> Reader<'i> {
    /// A reader of these inputs. `explicit` says of each whether its contacts have explicit consent.
    #[must_use]
    pub fn new(documents: Vec<Document<'i>>, explicit: Vec<bool>, progress: Option<&'i dyn Progress>) -> Self {
        debug_assert_eq!(documents.len(), explicit.len());
        if let Some(progress) = progress {
            progress.inputs(documents.len());
        }
        Reader {
            documents,
            explicit,
            progress,
            input: 0,
            cursor: None,
            read: ReadOutcome::default(),
            keep_rejects: false,
            waiting: None,
            paused_at: Instant::now(),
        }
    }

    /// Whether to keep all bytes of long contacts, for the rejects.
    #[must_use]
    pub fn keep_rejects(mut self, keep: bool) -> Self {
        self.keep_rejects = keep;
        self
    }

    /// What ended the reading early, if something did.
    pub fn take_stop(&mut self) -> Option<Error> {
        self.read.stop.take().map(|(_, error)| error)
    }

    /// The inputs, and how far they were read.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Document<'i>>, ReadOutcome) {
        (self.documents, self.read)
    }

    /// The next item. A batch replaces the content of `batch`. A fault ends the reading: it is in [`ReadOutcome::stop`] then, and
    /// everything before it was returned.
    pub fn next(&mut self, batch: &mut ReadBatch) -> Next {
        if self.read.stop.is_some() {
            return Next::End;
        }
        self.try_next(batch).unwrap_or_else(|error| {
            self.read.stop = Some((self.input, error));
            Next::End
        })
    }

    fn try_next(&mut self, batch: &mut ReadBatch) -> Result<Next> {
        loop {
            if let Some((input, found)) = self.waiting.take() {
                return Ok(Next::EnvelopeFindings(input, found));
            }
            let Some(cursor) = &self.cursor else {
                let is_over = self.read.stop.is_some() || self.read.dropped.is_some();
                if is_over || self.input == self.documents.len() {
                    return Ok(Next::End);
                }
                self.begin()?;
                continue;
            };
            let next = match cursor.end {
                Some(at) if self.documents[self.input].wrapper.is_some() => self.wrapper_end(at)?,
                Some(at) => self.array_end(at)?,
                None => self.slice(batch)?,
            };
            if let Some(next) = next {
                return Ok(next);
            }
        }
    }

    fn begin(&mut self) -> Result<()> {
        let document = &mut self.documents[self.input];
        if let Some(progress) = self.progress {
            progress.input(document.source.name(), document.source.size());
        }
        self.read.contacts.push(0);
        self.read.actions.push(0);
        self.read.bytes.push(document.start.offset);
        document.source.resume(document.start.offset)?;
        self.cursor = Some(Cursor {
            splitter: document.splitter(),
            chunk: document.source.current().cloned(),
            line_start: (document.start.offset + 1).saturating_sub(document.start.column),
            end: None,
            long: None,
            paused: false,
            lines: bulk::Lines::default(),
            first_action: None,
            headers: 0,
            first_header: None,
        });
        Ok(())
    }

    /// Reads to the end of a slice or of the input.
    fn slice(&mut self, batch: &mut ReadBatch) -> Result<Option<Next>> {
        let Some(cursor) = &mut self.cursor else { return Ok(None) };
        let document = &mut self.documents[self.input];
        let splitter = &mut cursor.splitter;
        if let Some(chunk) = &cursor.chunk {
            let rest = chunk.from(splitter.offset());
            if !rest.is_empty() {
                batch.spans.clear();
                batch.first = splitter.spans() - (cursor.lines.actions + cursor.headers);
                let status = splitter.feed(&rest[..rest.len().min(SLICE)], &mut batch.spans);
                if let Some(progress) = self.progress {
                    progress.bytes(document.source.reached(splitter.offset()));
                    if progress.must_end() {
                        return Err(Kind::Halted.into());
                    }
                }
                let mut broken = None;
                match status {
                    Ok(Status::More) => {}
                    Ok(Status::End(at)) => cursor.end = Some(at),
                    Err(error) => broken = Some(split_error(document.source.name(), splitter, error)),
                }
                let chunk = Arc::clone(chunk);
                cursor.take_others(&mut batch.spans, document, &chunk);
                cursor.too_long(batch, Some(&chunk), document, self.keep_rejects)?;
                document
                    .source
                    .expect_contact(position(&cursor.splitter, cursor.splitter.offset()), cursor.contacts())?;
                let spans = cursor.contacts();
                if batch.spans.is_empty() && batch.long.is_none() {
                    return broken.map_or(Ok(None), Err);
                }
                self.read.contacts[self.input] = spans;
                self.fill_batch(batch, chunk);
                if let Some(error) = broken {
                    self.read.stop = Some((self.input, error));
                }
                return Ok(Some(Next::Batch));
            }
            if chunk.is_truncated() {
                document.source.check_unchanged()?;
            }
        }
        let is_late = !document.source.is_seekable() && self.paused_at.elapsed() > GATHERING;
        if !cursor.paused && (is_late || document.source.would_wait(PAUSE)) {
            cursor.paused = true;
            self.paused_at = Instant::now();
            return Ok(Some(Next::Pause));
        }
        cursor.paused = false;
        let keep = match splitter.pending() {
            Some(pending) if cursor.long.is_none() => pending.start,
            _ => splitter.offset(),
        };
        if let Some(chunk) = cursor.chunk.take() {
            // The splitter knows the last line break, unless the line began before the kept bytes.
            let last = splitter.line().1;
            cursor.line_start = if last <= keep {
                last
            } else {
                let kept = &chunk.bytes()[..(keep - chunk.base) as usize];
                memchr::memrchr(b'\n', kept).map_or(cursor.line_start, |at| chunk.base + at as u64 + 1)
            };
        }
        cursor.chunk = document.source.next(keep)?;
        if cursor.chunk.is_none() { self.input_end(batch) } else { Ok(None) }
    }

    fn fill_batch(&self, batch: &mut ReadBatch, chunk: Arc<Chunk>) {
        let Some(cursor) = &self.cursor else { return };
        batch.chunk = Some(chunk);
        batch.line_start = cursor.line_start;
        batch.layout = Some(self.documents[self.input].layout);
        batch.has_gaps = self.documents[self.input].is_bulk;
        batch.input = self.input;
        batch.explicit = self.explicit[self.input];
        batch.mapping.clone_from(&self.documents[self.input].mapping);
    }

    /// The array ended before `at`: reads the rest of the body.
    fn array_end(&mut self, at: u64) -> Result<Option<Next>> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let input = self.input;
        let document = &mut self.documents[input];
        let total = document.source.total();
        self.read.bytes[input] = cursor.splitter.offset();
        let origin = position(&cursor.splitter, at);
        let mut behind = document.head.clone();
        let end = read_tail(&mut document.source, &mut behind, origin)?;
        let found = if document.looked_ahead { Vec::new() } else { behind.findings_behind(&document.head) };
        if end == End::Limit {
            let bytes = total.map(|total| total - at);
            self.read.dropped = Some(Dropped { first_contact: None, at_byte: at, bytes });
        } else {
            self.read.bytes[input] = document.source.end();
        }
        self.finish_input(&cursor);
        Ok((!found.is_empty()).then_some(Next::EnvelopeFindings(input, found)))
    }

    /// The input ends, or the limit is reached, and no `]` was found.
    fn input_end(&mut self, batch: &mut ReadBatch) -> Result<Option<Next>> {
        let Some(cursor) = &mut self.cursor else { return Ok(None) };
        let input = self.input;
        let document = &mut self.documents[input];
        let limited = document.source.has_more_behind_limit()?;
        let total = document.source.total();
        let splitter = &mut cursor.splitter;
        self.read.bytes[input] = splitter.offset();
        // The source holds the last chunk.
        let rest = document.source.current().cloned();
        if !limited && document.layout == Layout::Array && !splitter.is_between() {
            return Err(cut(document.source.name(), splitter, rest.as_deref()));
        }
        // The last line has no line break; behind a limit it counts when its object is closed before it.
        batch.spans.clear();
        if document.layout != Layout::Array && (!limited || splitter.is_closed()) {
            batch.first = splitter.spans() - (cursor.lines.actions + cursor.headers);
            splitter.finish_input(document.source.name(), &mut batch.spans)?;
        }
        if limited {
            let at = splitter.pending().map_or(splitter.offset(), |pending| pending.start);
            self.read.dropped = Some(Dropped {
                first_contact: splitter.awaits_value().then(|| splitter.spans()),
                at_byte: at,
                bytes: total.map(|total| total - at),
            });
            self.read.bytes[input] = at;
        }
        if let Some(rest) = &rest {
            cursor.take_others(&mut batch.spans, document, rest);
        }
        if !batch.spans.is_empty() {
            cursor.too_long(batch, rest.as_ref(), document, self.keep_rejects)?;
        }
        let last = match rest {
            Some(chunk) if !batch.spans.is_empty() || batch.long.is_some() => {
                self.fill_batch(batch, chunk);
                Some(Next::Batch)
            }
            _ => None,
        };
        if let Some(cursor) = self.cursor.take() {
            self.finish_input(&cursor);
        }
        Ok(last)
    }

    /// Goes over the members behind the contacts of a wrapped document, up to the end of the input or the contacts of a document that
    /// follows.
    fn wrapper_end(&mut self, at: u64) -> Result<Option<Next>> {
        let Some(cursor) = &mut self.cursor else { return Ok(None) };
        let input = self.input;
        let document = &mut self.documents[input];
        let Some(walker) = &mut document.wrapper else { return Ok(None) };
        walker.resume(position(&cursor.splitter, at));
        loop {
            let bytes = document.source.current().map_or(&[][..], |chunk| chunk.from(walker.offset()));
            match walker.feed(bytes)? {
                Some(Event::Records(start)) => {
                    let line_start = (start.offset + 1).saturating_sub(start.column);
                    cursor.splitter.reopen(start.offset, start.line, line_start);
                    cursor.chunk = document.source.current().cloned();
                    cursor.end = None;
                    return Ok(None);
                }
                Some(Event::Closed) => continue,
                None => {}
            }
            self.read.bytes[input] = walker.offset();
            let reached = walker.position();
            cursor.line_start = (reached.offset + 1).saturating_sub(reached.column);
            cursor.chunk = None;
            if document.source.next(walker.offset())?.is_none() {
                break;
            }
            if let Some(progress) = self.progress {
                progress.bytes(document.source.reached(walker.offset()));
                if progress.must_end() {
                    return Err(Kind::Halted.into());
                }
            }
        }
        if !walker.is_closed() {
            return Err(walker.cut_off());
        }
        let found = std::mem::take(&mut walker.pages).findings(cursor.splitter.spans());
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        self.finish_input(&cursor);
        Ok((!found.is_empty()).then_some(Next::EnvelopeFindings(input, found)))
    }

    fn finish_input(&mut self, cursor: &Cursor) {
        self.read.contacts[self.input] = cursor.contacts();
        let mut found = Vec::new();
        let mut find = |code, position, value| {
            found.push(EnvelopeFinding { code, position, field: String::new(), value: Some(value), to: None });
        };
        if let Some(first) = cursor.first_action {
            self.read.actions[self.input] = cursor.lines.actions;
            find(Code::SYN005, first, FindingValue::Json(cursor.lines.actions.to_string()));
        }
        if let Some(first) = cursor.first_header {
            find(Code::SYN006, first, FindingValue::Json(cursor.headers.to_string()));
        }
        if let Some((_, first)) = cursor.splitter.marks() {
            let position = Position { offset: first.start, line: first.line, ..Position::default() };
            find(Code::SYN004, position, FindingValue::Text("\u{feff}".into()));
        }
        if !found.is_empty() {
            found.sort_by_key(|finding| finding.position.offset);
            self.waiting = Some((self.input, found));
        }
        if let Err(error) = self.documents[self.input].source.check_unchanged() {
            self.read.stop = Some((self.input, error));
        }
        if self.documents.len() > 1 {
            self.documents[self.input].source.suspend();
        }
        self.input += 1;
    }
}

impl Cursor {
    /// Contacts so far.
    fn contacts(&self) -> u64 {
        self.splitter.spans() - self.lines.actions - self.headers
    }

    /// Takes out what the splitter found and is no contact.
    fn take_others(&mut self, spans: &mut Vec<Span>, document: &Document<'_>, chunk: &Chunk) {
        if document.is_bulk {
            self.take_actions(spans, chunk);
        }
        let Some(table) = &document.table else { return };
        let header = &table.header_row[..];
        spans.retain(|span| {
            let is_header = span.end - span.start == header.len() as u64
                && span.start >= chunk.base
                && chunk.from(span.start).starts_with(header);
            if is_header {
                let position = Position { offset: span.start, line: span.line, ..Position::default() };
                self.first_header.get_or_insert(position);
                self.headers += 1;
            }
            !is_header
        });
    }

    /// Takes the actions of a bulk request out of the lines. A long line is none, and `chunk` may not have all of it.
    fn take_actions(&mut self, spans: &mut Vec<Span>, chunk: &Chunk) {
        spans.retain(|span| {
            let is_short = span.end - span.start <= bulk::LINE_MAX && span.start >= chunk.base;
            let line = if is_short { &chunk.from(span.start)[..(span.end - span.start) as usize] } else { &[] };
            let is_action = self.lines.take(line);
            if is_action {
                let position = Position { offset: span.start, line: span.line, ..Position::default() };
                self.first_action.get_or_insert(position);
            }
            !is_action
        });
    }

    /// Removes the first value of a batch if it is too long to hold, and takes the bytes of a long one that has not ended. Only
    /// these two can have begun long before the batch.
    fn too_long(
        &mut self,
        batch: &mut ReadBatch,
        chunk: Option<&Arc<Chunk>>,
        document: &Document<'_>,
        keep: bool,
    ) -> Result<()> {
        let (splitter, layout, contacts) = (&self.splitter, document.layout, self.contacts());
        let first = batch.spans.first().copied();
        let pending = splitter.pending().map(|p| (p.start, splitter.pending_end(), p.line));
        let is_long = |start, end| end - start > HELD_MAX;
        // A long row without any value is a blank line: what comes behind it is another row.
        let begins = first.map(|span| span.start).or(pending.map(|(start, ..)| start));
        self.long.take_if(|long| layout == Layout::Rows && begins != Some(long.span.start));
        if layout == Layout::Array {
            let first = first.map(|span| (span.start, span.end, span.line));
            return match [first, pending].into_iter().flatten().find(|(start, end, _)| is_long(*start, *end)) {
                Some((start, _, line)) => Err(too_large(document.source.name(), start, line, batch.first)),
                None => Ok(()),
            };
        }
        if let Some(span) = first
            && (self.long.is_some() || is_long(span.start, span.end))
        {
            let mut long = match self.long.take() {
                Some(long) => long,
                None => Box::new(Long::new(span.start, span.line, batch.first, keep)?),
            };
            if let Some(chunk) = chunk {
                long.take(chunk, span.end, layout)?;
            }
            long.end(span)?;
            batch.spans.remove(0);
            batch.first += 1;
            batch.long = Some(long);
        }
        if let (Some((start, end, line)), Some(chunk)) = (pending, chunk)
            && (self.long.is_some() || is_long(start, end))
        {
            let long = match &mut self.long {
                Some(long) => long,
                None => self.long.insert(Box::new(Long::new(start, line, contacts, keep)?)),
            };
            long.take(chunk, splitter.offset(), layout)?;
        }
        Ok(())
    }
}

/// The error of an array that does not end. The cause may be a fault inside the last contact.
fn cut(name: &str, splitter: &ContactSplitter, rest: Option<&Chunk>) -> Error {
    if let (Some(pending), Some(chunk)) = (splitter.pending(), rest)
        && pending.start >= chunk.base
    {
        let bytes = chunk.from(pending.start);
        if let Err(error) = crate::json::syntax::check(bytes)
            && error.fault != crate::model::fault::Fault::End
        {
            let mut start = position(splitter, pending.start);
            start.line = pending.line;
            let position = start.after(&bytes[..error.at]);
            return Kind::Syntax { input: name.to_owned(), position, fault: error.fault }.into();
        }
    }
    cut_off(name, splitter)
}

fn too_large(input: &str, offset: u64, line: u64, contact: u64) -> Error {
    let what = format!(
        "a contact of more than {HELD_MAX} bytes: look for a quote or a brace that is not closed, or a line break that is missing"
    );
    let position = Position { offset, line, column: 0, contact: Some(contact) };
    Kind::TooLarge { input: input.to_owned(), position, what }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::envelope::EnvelopeOverrides;
    use crate::document::{Opening, ReadOptions};

    fn documents(dir: &std::path::Path, contents: &[&str]) -> Vec<Document<'static>> {
        let open = |(i, bytes): (usize, &&str)| {
            let path = dir.join(i.to_string());
            std::fs::write(&path, bytes).unwrap();
            let (overrides, reading) = (EnvelopeOverrides::default(), ReadOptions::default());
            let opening = Opening { may_be_empty: true, ..Opening::whole(&overrides, &reading) };
            Document::open(&path, opening).unwrap()
        };
        contents.iter().enumerate().map(open).collect()
    }

    #[test]
    fn inputs_come_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let documents = documents(dir.path(), &["[{},{}]", "{}\n{}\n{}", "", "[]", "[{}]"]);
        let names = InputNames::default();
        let mut reader = Reader::new(documents, vec![false, true, false, false, false], None);
        let mut batch = ReadBatch::default();
        let mut seen = Vec::new();
        while reader.next(&mut batch) == Next::Batch {
            let contacts = batch.batch(&names).unwrap();
            seen.push((contacts.input, contacts.first, contacts.spans.len(), batch.explicit));
        }
        // The last line, which has no line break, comes by itself.
        assert_eq!(seen, [(0, 0, 2, false), (1, 0, 2, true), (1, 2, 1, true), (4, 0, 1, false)]);
        assert_eq!(reader.next(&mut batch), Next::End);
        let read = reader.into_parts().1;
        assert!(read.stop.is_none() && read.dropped.is_none());
        assert_eq!((read.contacts, read.bytes), (vec![2, 3, 0, 0, 1], vec![7, 8, 0, 2, 4]));
    }

    #[test]
    fn what_is_found_before_a_fault_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let documents = documents(dir.path(), &["[{},{} x,{}]", "[{}]"]);
        let mut reader = Reader::new(documents, vec![false; 2], None);
        let mut batch = ReadBatch::default();
        assert_eq!((reader.next(&mut batch), reader.next(&mut batch)), (Next::Batch, Next::End));
        let read = reader.into_parts().1;
        assert!(matches!(read.stop.unwrap().1.kind(), Kind::Syntax { .. }));
        assert_eq!(read.contacts, [2]);
    }

    #[cfg(unix)]
    #[test]
    fn an_input_that_was_cut_off_is_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let documents = documents(dir.path(), &["[{},{}]", "[{}]"]);
        let mut reader = Reader::new(documents, vec![false; 2], None);
        let mut batch = ReadBatch::default();
        assert_eq!(reader.next(&mut batch), Next::Batch);
        std::fs::File::options().write(true).open(dir.path().join("0")).unwrap().set_len(3).unwrap();
        assert_eq!((reader.next(&mut batch), reader.next(&mut batch)), (Next::End, Next::End));
        let read = reader.into_parts().1;
        assert!(matches!(read.stop.unwrap().1.kind(), Kind::Changed { .. }));
        assert_eq!(read.contacts.len(), 1);
    }
}
