//! The threads of a run. Of everything that a run does, only this file knows of threads, of rayon and of channels.
//!
//! All threads of a run, the calling one and rayon's workers, do the same. Each takes a batch of contacts from the reader, which
//! numbers it, cleans the batch, and sends the result through a channel to the writer, which takes batches by number and so
//! writes them in input order. Reader and writer are no threads but locks: an idle worker reads the next batch, and a worker that
//! has cleaned a batch writes everything that is ready, unless another one is writing already. So a batch is read, cleaned and
//! mostly written while its bytes are in the processor's cache, and no worker waits for a thread that is busy with something else.
//!
//! A batch travels in a work item with all its buffers, which returns to the pool when the batch is written. The number of work
//! items is fixed, which bounds the memory of a run and keeps the reader from running ahead.
//!
//! With one thread, the calling thread does all of this itself, batch after batch.

use crate::clean::cleaner::{BatchCleaner, Cleaned, OutputSelection, Separator};
use crate::document::Document;
use crate::document::envelope::{Envelope, EnvelopeFinding};
use crate::model::error::{Error, Kind, Result, panic_text};
use crate::output::body::{Hashed, Unhashed};
use crate::rules::Settings;
use crate::run::job::{Job, is_explicit};
use crate::run::names::InputNames;
use crate::run::reader::{Next, ReadBatch, ReadOutcome, Reader};
use crate::run::writer::{More, Writer};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, PoisonError, TryLockError};

/// A batch, and the result of cleaning it.
#[derive(Default)]
struct WorkItem {
    read: ReadBatch,
    cleaned: Cleaned,
    failed: Option<Error>,
}

impl WorkItem {
    /// Cleans the batch. A panic becomes an error that names the contact.
    fn clean(&mut self, cleaner: &mut BatchCleaner, shared: &Shared<'_>) {
        let names = shared.names;
        let settings = &shared.settings[usize::from(self.read.explicit)];
        if let Some(batch) = self.read.batch(names) {
            let done = cleaner.guarded(&batch, &names[batch.input], &mut self.cleaned, |cleaner, cleaned| {
                cleaner.clean(&batch, settings, shared.selection, shared.separator, cleaned);
            });
            self.failed = done.err();
        }
        if self.read.is_truncated() {
            // `execute` adds the sizes, where the file is open.
            let input = names[self.read.input].clone();
            self.failed = Some(Kind::Changed { input, before: 0, now: 0 }.into());
        }
    }
}

/// What all threads of a run share.
struct Shared<'s> {
    settings: &'s [Settings; 2],
    selection: &'s OutputSelection,
    names: &'s InputNames,
    separator: Separator,
}

/// What the writer takes, in the order of the reader's numbers.
enum Item {
    /// A cleaned batch.
    Batch(Box<WorkItem>),
    /// Findings about the envelope of an input.
    EnvelopeFindings(usize, Vec<EnvelopeFinding>),
    /// The input pauses.
    Pause,
}
/// Reads, cleans and writes. An error is one of writing; faults of the input are in the outcome and in the writer.
pub(super) fn execute<'i>(
    job: &Job<'i>,
    documents: Vec<Document<'i>>,
    envelope: &Envelope,
    writer: &mut Writer<'_>,
) -> Result<(Vec<Document<'i>>, ReadOutcome)> {
    let shared = Shared {
        settings: writer.settings,
        selection: writer.selection,
        names: writer.names,
        separator: writer.contacts.separator(),
    };
    let explicit = documents.iter().map(|document| is_explicit(job, envelope, document)).collect();
    let mut reader = Reader::new(documents, explicit, job.progress).keep_rejects(writer.selection.rejects);
    let written = match job.threads {
        0 | 1 => alone(&mut reader, writer, &shared),
        threads => {
            let reading = Mutex::new((0, reader));
            let written = with_workers(&reading, writer, &shared, threads);
            reader = reading.into_inner().unwrap_or_else(PoisonError::into_inner).1;
            written
        }
    };
    let (documents, mut read) = reader.into_parts();
    if let Some(progress) = job.progress {
        progress.done();
    }
    written?;
    // A file that changed may show as broken syntax first.
    for stop in [&mut writer.stop, &mut read.stop] {
        if let Some((input, error)) = stop
            && let Err(changed) = documents[*input].source.check_unchanged()
        {
            *error = changed;
        }
    }
    Ok((documents, read))
}
/// The calling thread does everything: a run with one thread starts none.
fn alone(reader: &mut Reader<'_>, writer: &mut Writer<'_>, shared: &Shared<'_>) -> Result<()> {
    let (mut work, mut cleaner) = (WorkItem::default(), BatchCleaner::default());
    loop {
        match reader.next(&mut work.read) {
            Next::Batch => {
                work.clean(&mut cleaner, shared);
                if guarded(|| write_batch(writer, shared, &mut work))? == More::No {
                    return Ok(());
                }
                if let Some(body) = writer.contacts.unhashed() {
                    writer.contacts.hashed(body.hash());
                }
            }
            Next::EnvelopeFindings(input, findings) => {
                guarded(|| writer.write_envelope_findings(input, &findings).map(|()| More::Yes))?;
            }
            Next::Pause => writer.pause()?,
            Next::End => return Ok(()),
        }
    }
}

/// The calling thread and `threads - 1` workers, which all do the same.
fn with_workers(
    reading: &Mutex<(u64, Reader<'_>)>,
    writer: &mut Writer<'_>,
    shared: &Shared<'_>,
    threads: usize,
) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads - 1)
        .thread_name(|i| format!("cleaner {i}"))
        .build()
        .map_err(|error| Error::usage(format!("cannot start {threads} threads: {error}")))?;
    // One for each thread, and as many again and a few for batches that wait for an earlier one.
    let items = threads * 2 + 14;
    let (work_tx, work_rx) = bounded::<Box<WorkItem>>(items);
    for _ in 0..items {
        let _ = work_tx.send(Box::default());
    }
    let (item_tx, item_rx) = unbounded::<(u64, Item)>();
    let (unhashed_tx, unhashed_rx) = unbounded::<Unhashed>();
    let (hashed_tx, hashed_rx) = unbounded::<Hashed>();
    let coordinator = Coordinator {
        shared,
        reading,
        writing: Mutex::new(Writing { writer, next: 0, early: BTreeMap::new(), failed: None }),
        over: AtomicBool::new(false),
        item_tx,
        item_rx,
        work_tx,
        work_rx,
        unhashed_tx,
        unhashed_rx,
        hashed_tx,
        hashed_rx,
    };
    pool.in_place_scope(|scope| {
        // One task per worker for the whole run. (Spawning each batch on the pool was tried: idle workers keep looking for work to
        // steal, at the expense of the others.)
        let coordinator = &coordinator;
        scope.spawn_broadcast(move |_, _| coordinator.work());
        coordinator.work();
    });
    coordinator.write();
    let writing = coordinator.writing.into_inner().unwrap_or_else(PoisonError::into_inner);
    coordinator.unhashed_rx.try_iter().for_each(|body| writing.writer.contacts.hashed(body.hash()));
    coordinator.hashed_rx.try_iter().for_each(|hashed| writing.writer.contacts.hashed(hashed));
    writing.failed.map_or(Ok(()), Err)
}

/// Passes cleaned batches to the writer. The writer has no thread of its own: a worker that has cleaned a batch writes everything
/// that is ready, unless another worker is writing already, which then writes this batch as well. So a run has as many threads as
/// requested, and a batch is mostly written where it was cleaned, out of that processor's own cache.
struct Coordinator<'d, 'j, 'r> {
    shared: &'d Shared<'d>,
    /// The number of the next item, and the reader.
    reading: &'d Mutex<(u64, Reader<'r>)>,
    writing: Mutex<Writing<'d, 'j>>,
    /// The writer takes no more.
    over: AtomicBool,
    item_tx: Sender<(u64, Item)>,
    item_rx: Receiver<(u64, Item)>,
    work_tx: Sender<Box<WorkItem>>,
    work_rx: Receiver<Box<WorkItem>>,
    /// Bodies to hash. Each thread looks here before it reads on, so no more of them come than the threads can hash.
    unhashed_tx: Sender<Unhashed>,
    unhashed_rx: Receiver<Unhashed>,
    hashed_tx: Sender<Hashed>,
    hashed_rx: Receiver<Hashed>,
}

struct Writing<'d, 'j> {
    writer: &'d mut Writer<'j>,
    /// Number of the next item to write.
    next: u64,
    /// Items that arrived before their turn.
    early: BTreeMap<u64, Item>,
    /// The error that ended the writing.
    failed: Option<Error>,
}

impl Writing<'_, '_> {
    /// The next item, if it has arrived.
    fn next(&mut self) -> Option<Item> {
        let item = self.early.remove(&self.next)?;
        self.next += 1;
        Some(item)
    }
}

impl Coordinator<'_, '_, '_> {
    /// Reads a batch, cleans it and writes what is ready, until the end of the input.
    fn work(&self) {
        let mut cleaner = BatchCleaner::default();
        // The work item that this thread wrote last is still in its processor's cache.
        let mut spare = None;
        loop {
            while let Ok(body) = self.unhashed_rx.try_recv() {
                let _ = self.hashed_tx.send(body.hash());
            }
            // All work items can be in use at a time; each returns when its batch is written.
            let Some(mut work) = spare.take().or_else(|| self.work_rx.recv().ok()) else { return };
            if self.over.load(Ordering::Relaxed) {
                return self.return_work(work);
            }
            // Do not use a reader that panicked in another thread: the panic continues when all threads have ended.
            let Ok(mut reading) = self.reading.lock() else { return self.return_work(work) };
            // The wait may have been long, and the bytes no longer needed.
            if self.over.load(Ordering::Relaxed) {
                return self.return_work(work);
            }
            let next = reading.1.next(&mut work.read);
            let number = reading.0;
            reading.0 += 1;
            drop(reading);
            match next {
                Next::Batch => {
                    work.clean(&mut cleaner, self.shared);
                    spare = self.put(number, Item::Batch(work));
                }
                Next::EnvelopeFindings(input, findings) => {
                    self.return_work(work);
                    spare = self.put(number, Item::EnvelopeFindings(input, findings));
                }
                Next::Pause => {
                    self.return_work(work);
                    spare = self.put(number, Item::Pause);
                }
                // Wake a worker that waits for a work item, so that it sees the end as well.
                Next::End => return self.return_work(work),
            }
        }
    }

    fn return_work(&self, work: Box<WorkItem>) {
        // The channel has room for all work items.
        let _ = self.work_tx.try_send(work);
    }

    fn put(&self, number: u64, item: Item) -> Option<Box<WorkItem>> {
        // The channel is unbounded, and both of its ends live here: sending cannot fail.
        let _ = self.item_tx.send((number, item));
        self.write()
    }

    /// Writes what is ready, unless another thread does. Returns the work item of the last batch that it wrote; all others go back
    /// to the pool.
    fn write(&self) -> Option<Box<WorkItem>> {
        let mut last = None;
        loop {
            // Either this thread sees that the lock is free, or the thread that holds it sees the item sent before: each does its
            // own part first, and then looks at that of the other.
            fence(Ordering::SeqCst);
            let mut writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return last,
            };
            while let Ok((number, item)) = self.item_rx.try_recv() {
                writing.early.insert(number, item);
                while let Some(item) = writing.next() {
                    if let Some(work) = self.item(&mut writing, item)
                        && let Some(before) = last.replace(work)
                    {
                        self.return_work(before);
                    }
                }
            }
            drop(writing);
            fence(Ordering::SeqCst);
            if self.item_rx.is_empty() {
                return last;
            }
        }
    }

    fn write_batch(&self, writer: &mut Writer<'_>, work: &mut WorkItem) -> Result<More> {
        while let Ok(hashed) = self.hashed_rx.try_recv() {
            writer.contacts.hashed(hashed);
        }
        let more = write_batch(writer, self.shared, work)?;
        if let Some(body) = writer.contacts.unhashed() {
            let _ = self.unhashed_tx.send(body);
        }
        Ok(more)
    }

    fn item(&self, writing: &mut Writing<'_, '_>, item: Item) -> Option<Box<WorkItem>> {
        let over = self.over.load(Ordering::Relaxed);
        let mut work = None;
        let written = guarded(|| match item {
            Item::EnvelopeFindings(..) | Item::Pause if over => Ok(More::No),
            Item::EnvelopeFindings(input, findings) => {
                writing.writer.write_envelope_findings(input, &findings).map(|()| More::Yes)
            }
            Item::Pause => writing.writer.pause().map(|()| More::Yes),
            Item::Batch(batch) => {
                let work = work.insert(batch);
                if over { Ok(More::No) } else { self.write_batch(writing.writer, work) }
            }
        });
        if !matches!(written, Ok(More::Yes)) {
            self.over.store(true, Ordering::Relaxed);
        }
        if let Err(error) = written {
            writing.failed = Some(error);
        }
        if let Some(work) = &mut work {
            work.read.release();
        }
        work
    }
}

/// Does a part of the writer's work. A panic becomes an error; which contact caused it is not known.
fn guarded(work: impl FnOnce() -> Result<More>) -> Result<More> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = format!("the writer panicked: {}", panic_text(&*panic));
        Err(Kind::Counts { what }.into())
    })
}

/// Passes a cleaned batch to the writer, and releases its bytes.
fn write_batch(writer: &mut Writer<'_>, shared: &Shared<'_>, work: &mut WorkItem) -> Result<More> {
    if let Some(error) = work.failed.take() {
        writer.stop = Some((work.read.input, error));
        return Ok(More::No);
    }
    if let Some(mut long) = work.read.take_long() {
        writer.long(work.read.input, &mut long)?;
    }
    let more = match work.read.batch(shared.names) {
        Some(batch) => writer.batch(&batch, work.read.explicit, &mut work.cleaned)?,
        None => More::Yes,
    };
    work.read.release();
    Ok(more)
}
