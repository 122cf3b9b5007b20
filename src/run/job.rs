//! A run: contacts are read, cleaned and written. This is the only file that knows of threads, of rayon and of channels.
//!
//! All threads of a run, the calling one and rayon's workers, do the same. Each asks the reader for a batch of contacts, which
//! numbers it, cleans it, and sends what comes of it through a channel to the writer, which takes batches in the order of their
//! numbers and so writes them in input order. Reader and writer are no threads but each a lock: whoever has nothing to clean reads,
//! and whoever has cleaned a batch writes all that is ready, unless somebody does already. So a batch is read, cleaned and mostly
//! written where its bytes are in the processor's cache, and nobody waits for a thread that is busy with something else.
//!
//! A batch travels in a work, which has all the buffers its work needs and goes back to the others when it is written; there are
//! a few works and no more, which bounds the memory of a run and keeps the reader from running ahead.
//!
//! With one thread asked for, the calling thread does all of this itself, batch after batch.

use crate::clean::cleaner::{BatchCleaner, Cleaned, OutputSelection, Separator};
use crate::clean::lines::Redactor;
use crate::document::envelope::{Envelope, EnvelopeFinding, EnvelopeOverrides, SmsPermission, breach};
use crate::document::{Document, SLICE};
use crate::json::split::Status;
use crate::model::error::{Error, Kind, Result, panic_text};
use crate::model::finding::{Code, Example};
use crate::model::identity::IdentityKey;
use crate::model::limits::Limits;
use crate::output::body::{Body, Directory, Earlier, Ended, Hashed, RECEIPT, Unhashed};
use crate::output::file::{Output, identity, is_stdout};
use crate::output::receipt::{Contacts, Counts, InputReceipt, LimitsReceipt, Options, Receipt, Stopped};
use crate::rules::{BadField, Duplicates, PhoneFormat, Settings};
pub use crate::run::reader::Progress;
use crate::run::reader::{Next, Read, ReadBatch, Reader};
use crate::run::writer::{More, Sink, Writer};
use crate::source::Source;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Instant;

/// What a run makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// One body, from the input up to the limit.
    Request,
    /// Bodies in this directory, from all of the inputs.
    Split(PathBuf),
    /// One contact a line, from all of the inputs.
    Stream,
    /// Nothing.
    Check,
}

impl Mode {
    fn as_str(&self) -> &'static str {
        match self {
            Mode::Request => "request",
            Mode::Split(_) => "split",
            Mode::Stream => "stream",
            Mode::Check => "check",
        }
    }
}

/// What is to be done.
pub struct Job<'p> {
    /// The inputs; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// What to make.
    pub mode: Mode,
    /// Limits of a body.
    pub limits: Limits,
    /// The rules' settings. Permission and the room in a body are filled in by the run.
    pub settings: Settings,
    /// What options say about the envelope.
    pub asked: EnvelopeOverrides,
    /// Where the body or the lines go; `-` is standard output.
    pub output: PathBuf,
    /// Where the report goes.
    pub report: Option<PathBuf>,
    /// Where the ledger of changes goes.
    pub changes: Option<PathBuf>,
    /// Where the rejects go.
    pub rejects: Option<PathBuf>,
    /// Where the receipt goes.
    pub receipt: Option<PathBuf>,
    /// Overwrite files that are there.
    pub force: bool,
    /// What to do about bodies that are in the directory already.
    pub earlier: Earlier,
    /// Workers.
    pub threads: usize,
    /// Replace values in report and ledger by a hash with this key.
    pub redact: Option<Vec<u8>>,
    /// Who is told how far the run has come.
    pub progress: Option<&'p dyn Progress>,
}

impl Job<'_> {
    /// A job by the default rules in one thread, with nothing beside what `mode` makes.
    #[must_use]
    pub fn new(inputs: Vec<PathBuf>, mode: Mode, output: PathBuf) -> Self {
        Job {
            inputs,
            mode,
            limits: Limits::default(),
            settings: Settings::default(),
            asked: EnvelopeOverrides::default(),
            output,
            report: None,
            changes: None,
            rejects: None,
            receipt: None,
            force: false,
            earlier: Earlier::Refuse,
            threads: 1,
            redact: None,
            progress: None,
        }
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Summary {
    /// All the counts.
    pub receipt: Receipt,
    /// What ended the run early, after what was finished before had been written.
    pub stop: Option<Error>,
    /// The first finding of each code, errors and warnings only, in input order.
    pub examples: Vec<Example>,
    /// The first findings.
    pub listed: Vec<Example>,
    /// An older output was removed, because nothing was accepted that could replace it.
    pub removed_output: bool,
    /// Bodies of an earlier run that were removed.
    pub removed_bodies: usize,
    /// There were custom fields, and the names that the account has were not given.
    pub unchecked_custom_fields: bool,
}

/// A batch, and what comes of it.
#[derive(Default)]
struct WorkItem {
    read: ReadBatch,
    cleaned: Cleaned,
    failed: Option<Error>,
}

impl WorkItem {
    /// The work of one batch. A panic in it becomes an error that names the contact.
    fn clean(&mut self, cleaner: &mut BatchCleaner, shared: &Shared<'_>) {
        let names = shared.names;
        let settings = &shared.settings[usize::from(self.read.explicit)];
        if let Some(batch) = self.read.batch(names) {
            let done = cleaner.guarded(&batch, &names[batch.input], &mut self.cleaned, |cleaner, cleaned| {
                cleaner.clean(&batch, settings, shared.wanted, shared.separator, cleaned);
            });
            self.failed = done.err();
        }
        if self.read.is_truncated() {
            // How short the file is now is found out where it is open.
            let input = names[self.read.input].clone();
            self.failed = Some(Kind::Changed { input, before: 0, now: 0 }.into());
        }
    }
}

/// What all threads of a run see.
struct Shared<'s> {
    settings: &'s [Settings; 2],
    wanted: &'s OutputSelection,
    names: &'s [String],
    separator: Separator,
}

/// What the writer takes, in the order in which the reader numbered it.
enum Item {
    /// A batch that was cleaned.
    Batch(Box<WorkItem>),
    /// What was found of an input's envelope.
    EnvelopeFinding(usize, Vec<EnvelopeFinding>),
    /// The input pauses.
    Pause,
}

/// Does a job.
///
/// # Errors
/// What keeps it from beginning, or its output from being written. Input that turns out to be broken on the way is in the
/// [`Summary`], because what was finished before it stands.
pub fn run(job: &Job<'_>) -> Result<Summary> {
    for path in [&job.report, &job.changes, &job.rejects, &job.receipt].into_iter().flatten() {
        refuse_existing(path, job.force)?;
    }
    if matches!(job.mode, Mode::Request | Mode::Stream) {
        refuse_existing(&job.output, job.force)?;
    }
    run_on(job, open_all(job)?, &|path| Output::create(path, job.force))
}

/// What became of a body that was cleaned in memory.
#[derive(Debug)]
pub struct InMemory {
    /// All the counts, and what ended the run early.
    pub summary: Summary,
    /// The cleaned body, as [`Job::output`] would be.
    pub body: Vec<u8>,
    /// The findings, as [`Job::report`] would be.
    pub report: Vec<u8>,
}

/// Does a job whose one input, its body and its report are in memory: of `job.inputs` only the first name is used, and of
/// `job.output` and `job.report` nothing but whether there is a report. Nothing else may be asked for. The input is read up to
/// `limits`, rejected contacts among those it counts; what is written has the limits of the job.
///
/// # Errors
/// As [`run`].
pub fn run_in_memory(job: &Job<'_>, bytes: Vec<u8>, limits: Limits) -> Result<InMemory> {
    let name = job.inputs.first().map(|path| path.display().to_string()).unwrap_or_default();
    let source = Source::memory(name, bytes);
    let mut document = Document::of(source, limits.max_bytes, &job.asked, job.mode != Mode::Stream, false)?;
    if let Some(end) = start_of(&document, limits.max_contacts) {
        document.source.set_limit(end);
    }
    let (body, report) = (Arc::default(), Arc::default());
    let summary = run_on(job, vec![document], &|path| {
        let bytes = if job.report.as_ref() == Some(path) { &report } else { &body };
        Ok(Output::memory(&path.display().to_string(), Arc::clone(bytes)))
    })?;
    let [body, report] = [body, report]
        .map(|bytes: Arc<Mutex<Vec<u8>>>| std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner)));
    Ok(InMemory { summary, body, report })
}

/// Where contact `index` begins, in a document that is in memory.
fn start_of(document: &Document, index: u64) -> Option<u64> {
    let chunk = document.source.current()?;
    let mut splitter = document.splitter();
    let mut spans = Vec::new();
    for slice in chunk.from(document.start.offset).chunks(SLICE) {
        let before = splitter.spans();
        spans.clear();
        // What is broken is told by the run.
        let status = splitter.feed(slice, &mut spans);
        if let Some(span) = spans.get(usize::try_from(index.checked_sub(before)?).ok()?) {
            return Some(span.start);
        }
        if !matches!(status, Ok(Status::More)) {
            return None;
        }
    }
    None
}

fn run_on(job: &Job<'_>, mut documents: Vec<Document>, create: &dyn Fn(&PathBuf) -> Result<Output>) -> Result<Summary> {
    let began = Instant::now();
    let (envelope, told) = resolve(job, &mut documents)?;
    let names: Vec<String> = documents.iter().map(|document| document.source.name().to_owned()).collect();
    let prefix = envelope.prefix();
    if prefix.len() as u64 + 20 > job.limits.max_bytes {
        return Err(Error::usage(format!(
            "a body of {} bytes has no room for a contact: its envelope takes {}; give --max-bytes more",
            job.limits.max_bytes,
            prefix.len()
        )));
    }
    let settings = settings_of(job, &prefix);
    let wanted = OutputSelection {
        report: job.report.is_some(),
        changes: job.changes.is_some(),
        rejects: job.rejects.is_some(),
        redactor: job.redact.as_deref().map(Redactor::new),
        listed: AtomicBool::new(job.mode == Mode::Check),
        ..OutputSelection::default()
    };

    // Something is broken in what stands behind the contacts of an input, and its lists are not known: no body can be written.
    // All else that can be told of the inputs up to there is.
    let broken = documents.iter().position(|document| document.broken.is_some());
    let last = broken.unwrap_or(documents.len() - 1);

    let sink = match &job.mode {
        Mode::Check => Sink::Check,
        Mode::Split(dir) if broken.is_some() => {
            // The receipt goes there, under the conditions of any other run.
            let directory = Directory::create(dir, job.limits, prefix, job.earlier, job.force)?;
            Sink::NoBody(Some(Box::new(directory)))
        }
        _ if broken.is_some() => Sink::NoBody(None),
        Mode::Stream => Sink::Stream(create(&job.output)?),
        Mode::Split(dir) => Sink::Split(Box::new(Directory::create(dir, job.limits, prefix, job.earlier, job.force)?)),
        Mode::Request => {
            let file = match job.output.as_os_str() {
                name if name == "-" => "-".to_owned(),
                _ => job.output.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            };
            Sink::Request(Box::new(Body::begin(create(&job.output)?, file, job.limits, &prefix)))
        }
    };
    let mut writer = Writer::new(&settings, &wanted, &names, sink);
    writer.watches = documents.iter().map(|document| document.source.watch().cloned()).collect();
    let bytes = |document: &Document| match job.mode {
        Mode::Request => document.source.total().map(|total| total.min(job.limits.max_bytes)),
        _ => document.source.total(),
    };
    writer.bytes_total = documents.iter().map(bytes).sum();
    writer.report = job.report.as_ref().map(create).transpose()?;
    writer.changes = job.changes.as_ref().map(create).transpose()?;
    writer.rejects = job.rejects.as_ref().map(create).transpose()?;
    let receipt_file = job.receipt.as_ref().map(create).transpose()?;
    for (input, told) in told.iter().enumerate() {
        writer.told(input, told)?;
    }

    let mut read = execute(job, &mut documents[..=last], &envelope, &mut writer)?;
    if let Some(broken) = broken
        && read.stop.is_none()
    {
        read.stop = documents[broken].broken.take().map(|error| (broken, error));
    }
    finish(job, &documents, &envelope, writer, read, receipt_file, began)
}

/// Says so at once if a file that would be written at the end is there.
fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    if !force && !is_stdout(path) && path.is_file() {
        return Err(Kind::Exists { file: path.display().to_string() }.into());
    }
    Ok(())
}

/// True when a file is one of the inputs, however it is spelled.
fn is_input(job: &Job<'_>, path: &Path) -> bool {
    let output = identity(path);
    output.is_some() && job.inputs.iter().any(|input| identity(input) == output)
}

fn lists_needed(job: &Job<'_>) -> bool {
    matches!(job.mode, Mode::Request | Mode::Split(_))
}

/// Where reading of an input stops.
fn limit_of(job: &Job<'_>) -> u64 {
    if job.mode == Mode::Request { job.limits.max_bytes } else { u64::MAX }
}

fn open_all(job: &Job<'_>) -> Result<Vec<Document>> {
    let limit = limit_of(job);
    // `check` holds a body to what `clean` would ask of it.
    let needed = job.mode != Mode::Stream;
    // One empty file among many is no contacts; an empty input alone is more likely an export that failed.
    let may_be_empty = job.inputs.len() > 1;
    let open = |path: &PathBuf| {
        let mut document = Document::open(path, limit, &job.asked, needed, may_be_empty)?;
        if job.inputs.len() > 1 {
            // It is opened again when its turn comes: there may be more inputs than a process can have open.
            document.source.suspend();
        }
        Ok(document)
    };
    job.inputs.iter().map(open).collect()
}

/// The envelope of the run, and what is to be told of each input's.
fn resolve(job: &Job<'_>, documents: &mut [Document]) -> Result<(Envelope, Vec<Vec<EnvelopeFinding>>)> {
    let mut run: Option<(Envelope, String)> = None;
    let mut told = Vec::new();
    for document in documents.iter_mut() {
        let name = document.source.name().to_owned();
        let is_body = document.shape == "body";
        let needed = is_body && job.mode != Mode::Stream;
        if document.broken.is_some() {
            told.push(Vec::new());
            continue;
        }
        let (envelope, mut found) = document.found.resolve(&name, &job.asked, needed)?;
        if !told.is_empty() {
            // What is to be told of options is told once.
            found.retain(|told| told.position.line > 0);
        }
        told.push(found);
        match &run {
            None if is_body => run = Some((envelope, name)),
            Some((first, first_name)) if is_body && lists_needed(job) && *first != envelope => {
                return Err(breach(Code::ENV013, &name, None, format!("{first_name} differs")));
            }
            _ => {}
        }
    }
    let envelope = match run {
        Some((envelope, _)) => envelope,
        None => {
            let broken = documents.iter().any(|document| document.broken.is_some());
            let name = documents[0].source.name().to_owned();
            let needed = lists_needed(job) && !broken;
            crate::document::envelope::EnvelopeMembers::default().resolve(&name, &job.asked, needed)?.0
        }
    };
    Ok((envelope, told))
}

/// The settings under `not_set`, and under `explicit`.
fn settings_of(job: &Job<'_>, prefix: &[u8]) -> [Settings; 2] {
    // A contact, the envelope and the end must be smaller than the limit together.
    let around = (prefix.len() + Envelope::SUFFIX.len() + 1) as u64;
    let contact_bytes_max = match lists_needed(job) {
        true => usize::try_from(job.limits.max_bytes - around).unwrap_or(usize::MAX),
        false => usize::MAX,
    };
    let settings = Settings { contact_bytes_max, identity_key: IdentityKey::draw(), ..job.settings.clone() };
    [false, true].map(|sms_explicit| Settings { sms_explicit, ..settings.clone() })
}

/// Reads, cleans and writes. An error is one of writing; what is wrong with the input is in the answer and the writer.
fn execute(job: &Job<'_>, documents: &mut [Document], envelope: &Envelope, writer: &mut Writer<'_>) -> Result<Read> {
    let shared = Shared {
        settings: writer.settings,
        wanted: writer.wanted,
        names: writer.names,
        separator: writer.sink.separator(),
    };
    let explicit = documents.iter().map(|document| is_explicit(job, envelope, document)).collect();
    let mut reader = Reader::new(documents, explicit, job.progress).keep_rejects(writer.wanted.rejects);
    let written = match job.threads {
        0 | 1 => alone(&mut reader, writer, &shared),
        threads => {
            let reading = Mutex::new((0, reader));
            let written = with_workers(&reading, writer, &shared, threads);
            reader = reading.into_inner().unwrap_or_else(PoisonError::into_inner).1;
            written
        }
    };
    let mut read = reader.into_read();
    if let Some(progress) = job.progress {
        progress.done();
    }
    written?;
    // A file that changed shows as broken syntax first.
    for stop in [&mut writer.stop, &mut read.stop] {
        if let Some((input, error)) = stop
            && let Err(changed) = documents[*input].source.check_unchanged()
        {
            *error = changed;
        }
    }
    Ok(read)
}

/// Whether the contacts of a document will stand under explicit consent: that of the body they go to, or, where they go to
/// none, of the body they come from.
fn is_explicit(job: &Job<'_>, envelope: &Envelope, document: &Document) -> bool {
    let permission = match lists_needed(job) {
        true => envelope.sms_permission,
        false => job.asked.sms_permission.or_else(|| document.found.sms_permission()),
    };
    permission == Some(SmsPermission::Explicit)
}

/// The calling thread does it all: a run that is to use one processor starts no thread.
fn alone(reader: &mut Reader<'_>, writer: &mut Writer<'_>, shared: &Shared<'_>) -> Result<()> {
    let (mut work, mut cleaner) = (WorkItem::default(), BatchCleaner::default());
    loop {
        match reader.next(&mut work.read) {
            Next::Batch => {
                work.clean(&mut cleaner, shared);
                if guarded(|| write_batch(writer, shared, &mut work))? == More::No {
                    return Ok(());
                }
                if let Some(bodies) = writer.sink.unhashed() {
                    writer.sink.hashed(bodies.hash());
                }
            }
            Next::EnvelopeFinding(input, told) => {
                guarded(|| writer.told(input, &told).map(|()| More::Yes))?;
            }
            Next::Pause => writer.pause()?,
            Next::End => return Ok(()),
        }
    }
}

/// The calling thread and `threads - 1` workers beside it, all of which do the same.
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
    // One for each thread, and as many again and a few for batches that wait for one before them.
    let works = threads * 2 + 14;
    let (work_tx, work_rx) = bounded::<Box<WorkItem>>(works);
    for _ in 0..works {
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
        // One task a worker for all of the run. (Spawning each batch on the pool instead keeps idle workers looking for work to
        // steal, which costs the others theirs.)
        let coordinator = &coordinator;
        scope.spawn_broadcast(move |_, _| coordinator.work());
        coordinator.work();
    });
    coordinator.write();
    let writing = coordinator.writing.into_inner().unwrap_or_else(PoisonError::into_inner);
    coordinator.unhashed_rx.try_iter().for_each(|bodies| writing.writer.sink.hashed(bodies.hash()));
    coordinator.hashed_rx.try_iter().for_each(|hashed| writing.writer.sink.hashed(hashed));
    writing.failed.map_or(Ok(()), Err)
}

/// Where cleaned batches meet the writer. There is no thread for it: whoever has cleaned a batch writes all that is ready, unless
/// somebody is writing already, who then writes this one as well. So as many threads run as were asked for, and a batch is
/// mostly written where it was cleaned, out of that processor's own cache.
struct Coordinator<'d, 'j, 'r> {
    shared: &'d Shared<'d>,
    /// The number of the next item, and the reader who has it.
    reading: &'d Mutex<(u64, Reader<'r>)>,
    writing: Mutex<Writing<'d, 'j>>,
    /// The writer wants no more.
    over: AtomicBool,
    item_tx: Sender<(u64, Item)>,
    item_rx: Receiver<(u64, Item)>,
    work_tx: Sender<Box<WorkItem>>,
    work_rx: Receiver<Box<WorkItem>>,
    /// Bodies that are to be hashed. No more of them come than threads can hash, as each looks here before it reads on.
    unhashed_tx: Sender<Unhashed>,
    unhashed_rx: Receiver<Unhashed>,
    hashed_tx: Sender<Hashed>,
    hashed_rx: Receiver<Hashed>,
}

struct Writing<'d, 'j> {
    writer: &'d mut Writer<'j>,
    /// Number of the item that comes next.
    next: u64,
    /// Those that came before their turn.
    early: BTreeMap<u64, Item>,
    /// What could not be written.
    failed: Option<Error>,
}

impl Writing<'_, '_> {
    /// The item whose turn it is, if it has come.
    fn next(&mut self) -> Option<Item> {
        let item = self.early.remove(&self.next)?;
        self.next += 1;
        Some(item)
    }
}

impl Coordinator<'_, '_, '_> {
    /// Reads a batch, cleans it and writes what is ready, until there is no more.
    fn work(&self) {
        let mut cleaner = BatchCleaner::default();
        // The last work that came back here is the one that is still in this processor's cache.
        let mut spare = None;
        loop {
            while let Ok(bodies) = self.unhashed_rx.try_recv() {
                let _ = self.hashed_tx.send(bodies.hash());
            }
            // All works are with others at times, who put them where they are written, and then back.
            let Some(mut work) = spare.take().or_else(|| self.work_rx.recv().ok()) else { return };
            if self.over.load(Ordering::Relaxed) {
                return self.return_work(work);
            }
            // A reader that panicked in another thread is not asked again: the panic goes on when all have ended.
            let Ok(mut reading) = self.reading.lock() else { return self.return_work(work) };
            // It may have been a long wait, for bytes that nobody wants any more.
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
                Next::EnvelopeFinding(input, told) => {
                    self.return_work(work);
                    spare = self.put(number, Item::EnvelopeFinding(input, told));
                }
                Next::Pause => {
                    self.return_work(work);
                    spare = self.put(number, Item::Pause);
                }
                // Whoever waits for a work is to see the end as well.
                Next::End => return self.return_work(work),
            }
        }
    }

    fn return_work(&self, work: Box<WorkItem>) {
        // There is room for all of them.
        let _ = self.work_tx.try_send(work);
    }

    fn put(&self, number: u64, item: Item) -> Option<Box<WorkItem>> {
        // It is unbounded, and both of its ends are here.
        let _ = self.item_tx.send((number, item));
        self.write()
    }

    /// Writes what is ready, if nobody does. Gives the work of the last batch that it wrote; all others are given back.
    fn write(&self) -> Option<Box<WorkItem>> {
        let mut last = None;
        loop {
            // Either this thread sees that nobody holds the lock, or the one that holds it sees what was put before: each does
            // its own part, and then looks at the other's.
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
            writer.sink.hashed(hashed);
        }
        let more = write_batch(writer, self.shared, work)?;
        if let Some(bodies) = writer.sink.unhashed() {
            let _ = self.unhashed_tx.send(bodies);
        }
        Ok(more)
    }

    fn item(&self, writing: &mut Writing<'_, '_>, item: Item) -> Option<Box<WorkItem>> {
        let over = self.over.load(Ordering::Relaxed);
        let mut work = None;
        let written = guarded(|| match item {
            Item::EnvelopeFinding(..) | Item::Pause if over => Ok(More::No),
            Item::EnvelopeFinding(input, told) => writing.writer.told(input, &told).map(|()| More::Yes),
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

/// Does a part of the writer's work. A panic in it, of which no contact is known, becomes an error.
fn guarded(work: impl FnOnce() -> Result<More>) -> Result<More> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = format!("the writer panicked: {}", panic_text(&*panic));
        Err(Kind::Counts { what }.into())
    })
}

/// Hands a cleaned batch to the writer, and lets go of its bytes.
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

/// Puts every file in its place, the receipt last.
fn finish(
    job: &Job<'_>,
    documents: &[Document],
    envelope: &Envelope,
    mut writer: Writer<'_>,
    read: Read,
    receipt_file: Option<Output>,
    began: Instant,
) -> Result<Summary> {
    // What lies behind a body that is full is no affair of this run, whether or not somebody had read it already.
    let mut stop = writer.stop.take().or(read.stop.filter(|_| writer.dropped.is_none()));
    if stop.is_none()
        && let Err(changed) = writer.check_unchanged()
    {
        stop = Some((writer.reached.0, changed));
    }
    // No file is put in its place that may hold contacts of no version of the input. What went to standard output is gone.
    let is_placed = match &job.mode {
        Mode::Check => false,
        Mode::Split(_) => true,
        Mode::Request | Mode::Stream => !is_stdout(&job.output),
    };
    let (stopped_in, stop) = match stop {
        Some((_, error)) if is_placed && matches!(error.kind(), Kind::Changed { .. }) => return Err(error),
        stop => stop.unzip(),
    };
    let stop = stop.map(|stop| if job.redact.is_some() { stop.without_value() } else { stop });
    // What the writer met comes before what the reader did.
    let mut dropped = if stop.is_some() { None } else { writer.dropped.or(read.dropped) };
    let whole = stop.is_none() && writer.dropped.is_none();

    let mut inputs = Vec::new();
    for (i, document) in documents.iter().enumerate() {
        let Some(contacts) = read.contacts.get(i) else { break };
        inputs.push(InputReceipt {
            name: document.source.name().to_owned(),
            shape: document.shape,
            bytes_read: read.bytes[i],
            bytes_total: document.source.total().or((whole && dropped.is_none()).then_some(read.bytes[i])),
            contacts: *contacts,
            spooled: document.source.is_spooled(),
            grown_to: document.source.watch().and_then(|watch| watch.grown_to()),
        });
    }
    // The input that the run stopped in, and those behind it.
    if let (Some(last), Some(dropped)) = (inputs.last_mut(), &mut dropped) {
        dropped.bytes = last.bytes_total.map(|total| total - dropped.at_byte);
        last.bytes_read = dropped.at_byte;
    }
    if let (Some(at), Some(stop)) = (stopped_in, &stop) {
        inputs.truncate(at + 1);
        if let Some(input) = inputs.last_mut() {
            let reached = if writer.reached.0 == at { writer.reached.1 } else { 0 };
            input.bytes_read = stop.position().map_or(reached, |position| position.offset);
        }
    }
    if !whole {
        let before: u64 = inputs.iter().rev().skip(1).map(|input| input.contacts).sum();
        if let Some(last) = inputs.last_mut() {
            last.contacts = writer.judged.saturating_sub(before);
        }
    }

    let is_unwritten = matches!(writer.sink, Sink::NoBody(_));
    // A disk that is full shows before any file is put in its place.
    for file in [&mut writer.report, &mut writer.changes, &mut writer.rejects].into_iter().flatten() {
        file.flush()?;
    }
    let (mut removed_output, mut removed_bodies) = (false, 0);
    let mut earlier_runs = Vec::new();
    // The directory stays locked until its receipt is there.
    let mut lock = None;
    let payloads = match writer.sink {
        // The input itself is never removed.
        Sink::Request(body) => Some(match body.end(!is_input(job, &job.output))? {
            Ended::Body(payload) => vec![payload],
            Ended::Nothing { removed } => {
                removed_output = removed;
                Vec::new()
            }
        }),
        Sink::Split(mut directory) => {
            earlier_runs = directory.take_earlier();
            removed_bodies = directory.removed();
            let (payloads, held) = directory.end()?;
            lock = held;
            Some(payloads)
        }
        Sink::NoBody(directory) => {
            if let Some(mut directory) = directory {
                earlier_runs = directory.take_earlier();
                removed_bodies = directory.removed();
                lock = directory.end()?.1;
            }
            None
        }
        Sink::Stream(output) => {
            output.finish()?;
            None
        }
        Sink::Check => None,
    };
    let counts = Counts {
        split: whole.then(|| read.contacts.iter().sum()),
        judged: writer.judged,
        stats: &writer.stats,
        written: (job.mode != Mode::Check).then_some(writer.written),
        reject_lines: writer.rejects.is_some().then_some(writer.reject_lines),
        duplicates: writer.duplicates,
        payloads: payloads.as_deref(),
    };
    counts.check()?;
    let stats = &writer.stats;
    let contacts = Contacts {
        seen: stats.accepted + stats.rejected,
        accepted: stats.accepted,
        rejected: stats.rejected,
        accepted_with_held_back: stats.held_back,
        changed: stats.changed,
        duplicates: writer.duplicates,
        not_written: if is_unwritten { stats.accepted } else { 0 },
    };
    let findings = Code::ALL.iter().map(|code| (code.as_str(), stats.codes[*code as usize]));
    let settings = &job.settings;
    let seconds = began.elapsed().as_secs_f64();
    let bytes_read: u64 = inputs.iter().map(|input| input.bytes_read).sum();
    // Inputs that were never begun count as well.
    let bytes_total: Option<u64> = match inputs.len() == documents.len() {
        true => inputs.iter().map(|input| input.bytes_total).sum(),
        false => documents.iter().map(|document| document.source.total()).sum(),
    };
    let receipt = Receipt {
        version: env!("CARGO_PKG_VERSION"),
        input: inputs,
        mode: job.mode.as_str(),
        options: Options {
            list_ids: envelope.list_ids.clone(),
            sms_permission_to_send: envelope.sms_permission.map(SmsPermission::as_str),
            email_max: settings.email_max,
            bad_field: match settings.bad_field {
                BadField::Hold => "hold",
                BadField::Reject => "reject",
            },
            truncate: settings.truncate,
            nanp: settings.nanp,
            phone_format: match settings.phone_format {
                PhoneFormat::Dashed => "dashed",
                PhoneFormat::Digits => "digits",
            },
            duplicates: match settings.duplicates {
                Duplicates::Keep => "keep",
                Duplicates::First => "first",
            },
            as_of: settings.as_of.to_string(),
            redacted: job.redact.is_some(),
        },
        limits: LimitsReceipt { max_bytes: job.limits.max_bytes, max_contacts: job.limits.max_contacts },
        bytes_read,
        bytes_total,
        bytes_not_read: match whole && dropped.is_none() {
            true => None,
            false => bytes_total.map(|total| total - bytes_read.min(total)),
        },
        contacts,
        findings: findings.filter(|(_, count)| *count > 0).collect(),
        dropped,
        stopped: stop
            .as_ref()
            .map(|stop| Stopped::new(stop, stopped_in.map(|at| documents[at].source.name().to_owned()))),
        custom_field_names_checked: settings.custom_fields.is_some(),
        payloads: payloads.unwrap_or_default(),
        earlier_runs,
        seconds,
        bytes_per_second: if seconds > 0.0 { (bytes_read as f64 / seconds) as u64 } else { 0 },
    };
    for file in [writer.report.take(), writer.changes.take(), writer.rejects.take()].into_iter().flatten() {
        file.finish()?;
    }
    let mut json = serde_json::to_vec_pretty(&receipt)
        .map_err(|error| Error::from(Kind::Counts { what: format!("the receipt: {error}") }))?;
    json.push(b'\n');
    let mut receipts: Vec<Output> = receipt_file.into_iter().collect();
    if let Mode::Split(dir) = &job.mode {
        let force = job.force || job.earlier != Earlier::Refuse;
        receipts.push(Output::create(&dir.join(RECEIPT), force)?);
    }
    for mut file in receipts {
        file.write(&json)?;
        file.finish()?;
    }
    drop(lock);
    let (examples, listed) = (writer.examples, writer.listed);
    let unchecked_custom_fields = writer.any_custom && job.settings.custom_fields.is_none();
    Ok(Summary { receipt, stop, examples, listed, removed_output, removed_bodies, unchecked_custom_fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A panic in one contact ends the run with that contact's place, at any number of threads, and what came before stands.
    #[test]
    fn a_panic_names_its_contact() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in");
        let mut file = std::fs::File::create(&input).unwrap();
        for i in 0..20_000 {
            writeln!(file, "{{\"email\":\"c{i}@example.com\"}}").unwrap();
        }
        // The cleaner panics at this one, in tests.
        writeln!(file, "{{\"email\":\"x@example.com\",\"PANIC\":[]}}").unwrap();
        drop(file);
        for threads in [1, 2, 7] {
            let job = Job {
                threads,
                ..Job::new(vec![input.clone()], Mode::Stream, dir.path().join(format!("out-{threads}")))
            };
            let summary = run(&job).unwrap();
            let stop = summary.stop.unwrap();
            assert!(matches!(stop.kind(), Kind::Bug { what, .. } if what.contains("asked for by a test")), "{stop}");
            assert_eq!(stop.position().and_then(|position| position.contact), Some(20_000));
            let out = std::fs::read_to_string(&job.output).unwrap();
            assert_eq!(out.lines().count() as u64, summary.receipt.contacts.accepted);
            assert!(summary.receipt.contacts.accepted > 10_000);
        }
    }

    /// The same for a panic while the writer cleans a contact once more: a duplicate, or what lies before a contact that did not
    /// fit in a body.
    #[test]
    fn a_panic_of_the_writer_names_its_contact() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in");
        let again = r#"{"email":"a@example.com","PANIC_AGAIN":[]}"#;
        let list = "3f0c9b52-7d1e-4c68-9a40-5be2d7f61c83";
        for (text, contact) in [
            (format!("{{\"email\":\"a@example.com\"}}\n{again}\n"), 1),
            (format!("{again}\n{{\"email\":\"b@example.com\"}}\n{{\"email\":\"c@example.com\"}}\n"), 0),
        ] {
            std::fs::write(&input, text).unwrap();
            for threads in [1, 2] {
                crate::clean::cleaner::tests::SEEN.store(false, Ordering::Relaxed);
                let mut job = Job::new(vec![input.clone()], Mode::Request, dir.path().join(format!("out-{threads}")));
                job.threads = threads;
                job.limits.max_contacts = 2;
                job.settings.duplicates = Duplicates::First;
                job.asked.list_ids = vec![list.into()];
                let error = run(&job).unwrap_err();
                assert!(matches!(error.kind(), Kind::Bug { what, .. } if what.contains("the second time")), "{error}");
                assert_eq!(error.position().and_then(|position| position.contact), Some(contact));
                assert!(!job.output.exists());
            }
        }
    }

    /// Quotes that are out of step: what lies between the strings of another reading is no contact, and the fault is told.
    #[test]
    fn quotes_out_of_step_are_a_fault_of_syntax() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in");
        for long in [0, 10, 60, 96, 97, 120, 200] {
            std::fs::write(&input, format!(r#"[x",{{"email":"}},x","{}"]"#, "A".repeat(long))).unwrap();
            for threads in [1, 2] {
                let output = dir.path().join(format!("out-{long}-{threads}"));
                let summary = run(&Job { threads, ..Job::new(vec![input.clone()], Mode::Stream, output) }).unwrap();
                assert!(matches!(summary.stop.unwrap().kind(), Kind::Syntax { .. }), "{long} {threads}");
            }
        }
    }

    /// What is broken behind a body that is full does not matter, at any number of threads.
    #[test]
    fn a_full_body_ends_the_run_before_a_fault_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in");
        std::fs::write(&input, r#"[{"email":"a@b.co"},{"email":"c@d.co"} x]"#).unwrap();
        for threads in [1, 2, 5] {
            let mut job = Job::new(vec![input.clone()], Mode::Request, dir.path().join(format!("out-{threads}")));
            job.threads = threads;
            job.limits.max_contacts = 1;
            job.asked.list_ids = vec!["3f0c9b52-7d1e-4c68-9a40-5be2d7f61c83".into()];
            let summary = run(&job).unwrap();
            assert!(summary.stop.is_none(), "{threads}");
            assert_eq!(summary.receipt.dropped.and_then(|dropped| dropped.first_contact), Some(1));
        }
    }
}
