//! The reader: inputs to batches of contacts, one batch at a time and in order. It is asked for the next by whoever has nothing
//! better to do, and that is who cleans it: what was just read is then in that processor's cache.

use crate::clean::batch::Batch;
use crate::clean::lines::VALUE_MAX;
use crate::document::envelope::{End, EnvelopeFinding, FindingValue};
use crate::document::{Document, SLICE, cut_off, position, read_tail, split_error};
use crate::json::split::{Layout, Span, Splitter, Status};
use crate::model::error::{Error, Kind, Result};
use crate::model::finding::{Code, Detail, Finding, Outcome, Raw, Severity, To};
use crate::model::position::Position;
use crate::output::receipt::Dropped;
use crate::source::{Chunk, GATHERING};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most bytes of one contact that are held to be rejected. A longer one ends the run in an array; on a line, where reading can
/// go on behind it, its bytes go through a temporary file.
const HELD_MAX: u64 = 16 << 20;

/// A pipe that brings nothing for so long pauses: what was made of its bytes is not kept back then. With the time for which
/// a block gathers bytes, this is how long a contact waits.
const PAUSE: Duration = Duration::from_millis(30);

/// Is told how far a run has come.
pub trait Progress: Sync {
    /// An input begins; its size in bytes, where that is known.
    fn input(&self, name: &str, bytes: Option<u64>);
    /// So many bytes of it have been read.
    fn bytes(&self, bytes: u64);
    /// The run is over.
    fn done(&self);
    /// Whether the run must end now, before it is done. The reader asks once for each piece that it reads.
    fn must_end(&self) -> bool {
        false
    }
}

/// A contact that is too long to be held, and is to be rejected.
#[derive(Debug)]
pub struct Long {
    /// Index in its input.
    pub contact: u64,
    /// Where it begins, and ends, in the input.
    pub span: Span,
    /// Its first bytes, as many as are reported.
    pub head: Vec<u8>,
    /// All of its bytes, on one line, where they are wanted.
    pub file: Option<File>,
    /// Offset behind the last byte that was taken.
    taken: u64,
}

impl Long {
    fn new(start: u64, line: u64, contact: u64, keep: bool) -> Result<Long> {
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

    /// Takes its bytes up to offset `end`, which lie in `chunk` as far as they were not taken before.
    fn take(&mut self, chunk: &Chunk, end: u64, layout: Layout) -> Result<()> {
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
            Layout::Objects => crate::clean::lines::on_one_line(bytes).try_for_each(|part| file.write_all(part)),
            _ => file.write_all(bytes),
        };
        written.map_err(spool_error)
    }

    /// It ends where `span` does.
    fn end(&mut self, span: Span) -> Result<()> {
        self.span = span;
        let head = String::from_utf8_lossy(&self.head);
        self.head = head.chars().take(VALUE_MAX).collect::<String>().into_bytes();
        if let Some(file) = &mut self.file {
            // White space behind it may have been taken.
            file.set_len(span.end - span.start).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(spool_error)?;
        }
        Ok(())
    }
}

fn spool_error(error: std::io::Error) -> Error {
    Error::io("write", "a temporary file (TMPDIR says where)", error)
}

/// Contacts that were found in one piece of an input, and where they lie.
#[derive(Default)]
pub struct ReadBatch {
    /// One that comes before all of them.
    long: Option<Box<Long>>,
    spans: Vec<Span>,
    chunk: Option<Arc<Chunk>>,
    line_start: u64,
    first: u64,
    layout: Option<Layout>,
    /// The input they are of.
    pub input: usize,
    /// They will stand under explicit consent.
    pub explicit: bool,
}

impl ReadBatch {
    /// The contacts as a batch, if there are any.
    #[must_use]
    pub fn batch<'b>(&'b self, names: &'b [String]) -> Option<Batch<'b>> {
        let chunk = self.chunk.as_deref().filter(|_| !self.spans.is_empty())?;
        Some(Batch {
            bytes: chunk.bytes(),
            base: chunk.base,
            line_start: self.line_start,
            spans: &self.spans,
            first: self.first,
            layout: self.layout?,
            input: self.input,
            input_name: (names.len() > 1).then(|| names[self.input].as_str()),
        })
    }

    /// The contact before the others that was too long to be held, if there is one.
    pub fn take_long(&mut self) -> Option<Box<Long>> {
        self.long.take()
    }

    /// True when some of their bytes are gone: the file was cut off meanwhile.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.chunk.as_ref().is_some_and(|chunk| chunk.is_truncated())
    }

    /// Lets go of the input's bytes.
    pub fn release(&mut self) {
        self.chunk = None;
    }
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Contacts: they are in what was handed in.
    Batch,
    /// What was found of an input's envelope behind its contacts.
    EnvelopeFindings(usize, Vec<EnvelopeFinding>),
    /// Nothing for now: the input has to be waited for, and what was made of it so far is not to wait with it.
    Pause,
    /// Nothing more.
    End,
}

/// How the reading of the inputs went, so far.
#[derive(Default)]
pub struct ReadOutcome {
    /// Contacts the splitter found, by input.
    pub contacts: Vec<u64>,
    /// Bytes used, by input.
    pub bytes: Vec<u64>,
    /// What lies behind the limit.
    pub dropped: Option<Dropped>,
    /// What ended it, and the input that it is about.
    pub stop: Option<(usize, Error)>,
}

/// Where the reader is in an input.
struct Cursor {
    splitter: Splitter,
    chunk: Option<Arc<Chunk>>,
    /// Offset at which the line of the chunk's first byte begins.
    line_start: u64,
    /// Offset behind the array's `]`, once that was found.
    end: Option<u64>,
    /// The value that has begun is too long to be held.
    long: Option<Box<Long>>,
    /// A pause was told of since the last bytes came.
    paused: bool,
}

/// Reads inputs, one after the other. See the [module](self).
pub struct Reader<'i> {
    documents: Vec<Document<'i>>,
    /// Whether the contacts of each will stand under explicit consent.
    explicit: Vec<bool>,
    progress: Option<&'i dyn Progress>,
    /// The input that is read, or comes next.
    input: usize,
    cursor: Option<Cursor>,
    read: ReadOutcome,
    /// Bytes of rejected contacts are wanted.
    keep_rejects: bool,
    /// What was found of an input that is done.
    waiting: Option<(usize, Vec<EnvelopeFinding>)>,
    /// When a pause was told of last.
    paused_at: Instant,
}

impl<'i> Reader<'i> {
    /// A reader of these inputs, the contacts of each of which will stand under explicit consent, or not.
    #[must_use]
    pub fn new(documents: Vec<Document<'i>>, explicit: Vec<bool>, progress: Option<&'i dyn Progress>) -> Self {
        debug_assert_eq!(documents.len(), explicit.len());
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

    /// Says whether the bytes of contacts that are too long to be held are wanted for the rejects.
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

    /// What comes next. A batch goes into `batch`, in the place of what was there. What is broken ends the reading: it is in
    /// [`ReadOutcome::stop`] then, and all that came before it was handed out.
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
            if let Some((input, told)) = self.waiting.take() {
                return Ok(Next::EnvelopeFindings(input, told));
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
            progress.input(document.source.name(), document.source.total());
        }
        self.read.contacts.push(0);
        self.read.bytes.push(document.start.offset);
        document.source.resume(document.start.offset)?;
        self.cursor = Some(Cursor {
            splitter: document.splitter(),
            chunk: document.source.current().cloned(),
            line_start: (document.start.offset + 1).saturating_sub(document.start.column),
            end: None,
            long: None,
            paused: false,
        });
        Ok(())
    }

    /// Reads on, to the end of a slice or of the input.
    fn slice(&mut self, batch: &mut ReadBatch) -> Result<Option<Next>> {
        let Some(cursor) = &mut self.cursor else { return Ok(None) };
        let document = &mut self.documents[self.input];
        let splitter = &mut cursor.splitter;
        if let Some(chunk) = &cursor.chunk {
            let rest = chunk.from(splitter.offset());
            if !rest.is_empty() {
                batch.spans.clear();
                batch.first = splitter.spans();
                let status = splitter.feed(&rest[..rest.len().min(SLICE)], &mut batch.spans);
                if let Some(progress) = self.progress {
                    progress.bytes(splitter.offset());
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
                cursor.too_long(batch, Some(&chunk), document, self.keep_rejects)?;
                let spans = cursor.splitter.spans();
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
            // The last line break is known, unless the line goes on from before what is kept.
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
        batch.input = self.input;
        batch.explicit = self.explicit[self.input];
    }

    /// The array ended before `at`: what stands behind it is read.
    fn array_end(&mut self, at: u64) -> Result<Option<Next>> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let input = self.input;
        let document = &mut self.documents[input];
        let total = document.source.total();
        self.read.bytes[input] = cursor.splitter.offset();
        let origin = position(&cursor.splitter, at);
        let mut behind = document.head.clone();
        let end = read_tail(&mut document.source, &mut behind, origin)?;
        let told = if document.looked_ahead { Vec::new() } else { behind.told_behind(&document.head) };
        if end == End::Limit {
            let bytes = total.map(|total| total - at);
            self.read.dropped = Some(Dropped { first_contact: None, at_byte: at, bytes });
        } else {
            self.read.bytes[input] = document.source.end();
        }
        self.finish_input(&cursor.splitter);
        Ok((!told.is_empty()).then_some(Next::EnvelopeFindings(input, told)))
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
        // The chunk that was kept is the source's own.
        let rest = document.source.current().cloned();
        if !limited && document.layout == Layout::Array && !splitter.is_between() {
            return Err(cut(document.source.name(), splitter, rest.as_deref()));
        }
        // The last line has no line break; behind a limit it counts when its object is closed before it.
        batch.spans.clear();
        if document.layout != Layout::Array && (!limited || splitter.is_closed()) {
            batch.first = splitter.spans();
            splitter.finish(&mut batch.spans);
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
            self.finish_input(&cursor.splitter);
        }
        Ok(last)
    }

    fn finish_input(&mut self, splitter: &Splitter) {
        self.read.contacts[self.input] = splitter.spans();
        if let Some((_, first)) = splitter.marks() {
            let position = Position { offset: first.start, line: first.line, ..Position::default() };
            let value = Some(FindingValue::Text("\u{feff}".into()));
            let told = EnvelopeFinding { code: Code::SYN004, position, field: String::new(), value, to: None };
            self.waiting = Some((self.input, vec![told]));
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
    /// Takes out of a batch the first value, if it is too long to be held, and takes the bytes of one that has not ended. Only
    /// the first value of a batch can have begun so long ago, or the one that has not ended.
    fn too_long(
        &mut self,
        batch: &mut ReadBatch,
        chunk: Option<&Arc<Chunk>>,
        document: &Document<'_>,
        keep: bool,
    ) -> Result<()> {
        let (splitter, layout) = (&self.splitter, document.layout);
        let first = batch.spans.first().copied();
        let pending = splitter.pending().map(|p| (p.start, splitter.pending_end(), p.line));
        let is_long = |start, end| end - start > HELD_MAX;
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
                None => self.long.insert(Box::new(Long::new(start, line, splitter.spans(), keep)?)),
            };
            long.take(chunk, splitter.offset(), layout)?;
        }
        Ok(())
    }
}

/// The array does not end: says why, which may be a fault inside of the last contact.
fn cut(name: &str, splitter: &Splitter, rest: Option<&Chunk>) -> Error {
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

    fn documents(dir: &std::path::Path, contents: &[&str]) -> Vec<Document<'static>> {
        let open = |(i, bytes): (usize, &&str)| {
            let path = dir.join(i.to_string());
            std::fs::write(&path, bytes).unwrap();
            Document::open(&path, u64::MAX, &EnvelopeOverrides::default(), false, true).unwrap()
        };
        contents.iter().enumerate().map(open).collect()
    }

    #[test]
    fn inputs_come_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let documents = documents(dir.path(), &["[{},{}]", "{}\n{}\n{}", "", "[]", "[{}]"]);
        let names: Vec<String> = (0..5).map(|i| i.to_string()).collect();
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
