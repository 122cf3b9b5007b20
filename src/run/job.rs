//! One run: inputs are opened, read, cleaned and written.
//!
//! `run_on` is the table of contents: resolve the envelope, open the outputs, execute the run, settle the counts and the files.
//! The threads are in `coordinator.rs`, the end of a run is in `settle.rs`.
//!
//! Long because the job, its defaults and its checks are one subject.

use crate::clean::causes::Fix;
use crate::clean::profile::Statistics;
use crate::document::envelope::{Envelope, EnvelopeFinding, EnvelopeMembers, EnvelopeOverrides, SmsPermission, breach};
use crate::document::format::Shape;
use crate::document::{Document, Opening, ReadOptions, SLICE};
use crate::json::split::Status;
use crate::mapping::MapOptions;
use crate::model::error::{Error, Result};
use crate::model::finding::{Code, Example};
use crate::model::identity::IdentityKey;
use crate::model::limits::Limits;
use crate::output::body::{Body, Directory, Earlier};
use crate::output::destination::Destination;
use crate::output::file::Output;
use crate::output::in_all::earlier_inputs;
use crate::output::path::identity;
use crate::output::receipt::{Receipt, SkippedFile};
use crate::rules::Settings;
use crate::run::coordinator::execute;
use crate::run::inputs::InputFile;
use crate::run::mapping::{OtherNames, map_document};
use crate::run::names::InputNames;
pub use crate::run::reader::Progress;
use crate::run::selection::selection_of;
use crate::run::settle::{Ended, settle};
use crate::run::writer::{ContactOutput, Writer};
use crate::source::Source;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a run makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// One body, from the input up to the limit.
    Request,
    /// Bodies in this directory, from all inputs.
    Split(PathBuf),
    /// One contact a line, from all inputs.
    Stream,
    /// Nothing.
    Check,
}

impl Mode {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Mode::Request => "request",
            Mode::Split(_) => "split",
            Mode::Stream => "stream",
            Mode::Check => "check",
        }
    }

    /// True if the contacts go to bodies, which name their lists.
    pub(super) fn makes_bodies(&self) -> bool {
        matches!(self, Mode::Request | Mode::Split(_))
    }
}

/// A run to do: its inputs, its settings and the paths of its outputs.
pub struct Job<'p> {
    /// The inputs.
    pub inputs: Vec<InputFile>,
    /// What was in directories among the inputs and is none.
    pub skipped: Vec<SkippedFile>,
    /// What to make.
    pub mode: Mode,
    /// Limits of a body.
    pub limits: Limits,
    /// The settings of the rules. The run sets the permission and the size limit of a contact.
    pub settings: Settings,
    /// Overrides of the envelope.
    pub asked: EnvelopeOverrides,
    /// Path of the body or the lines; `-` is standard output.
    pub output: PathBuf,
    /// Path of the report.
    pub report: Option<PathBuf>,
    /// Path of the ledger of changes.
    pub changes: Option<PathBuf>,
    /// Path of the rejects.
    pub rejects: Option<PathBuf>,
    /// Rejects are the contacts alone, without a note.
    pub bare_rejects: bool,
    /// Path of the receipt.
    pub receipt: Option<PathBuf>,
    /// Overwrite existing files.
    pub force: bool,
    /// What to do about bodies that are already in the directory.
    pub earlier: Earlier,
    /// Threads.
    pub threads: usize,
    /// Replace values in report and ledger by a hash with this key.
    pub redact: Option<Vec<u8>>,
    /// Gather statistics, examples of fixes, and the first findings of each code.
    pub statistics: bool,
    /// Observes the run.
    pub progress: Option<&'p dyn Progress>,
    /// How the inputs are to be read.
    pub reading: ReadOptions,
    /// How their names become those of the contract.
    pub mapping: MapOptions,
}

impl Job<'_> {
    /// A job with the default rules in one thread, with no output beside what `mode` makes.
    #[must_use]
    pub fn new(inputs: Vec<PathBuf>, mode: Mode, output: PathBuf) -> Self {
        Job {
            inputs: inputs.into_iter().map(InputFile::from).collect(),
            skipped: Vec::new(),
            mode,
            limits: Limits::default(),
            settings: Settings::default(),
            asked: EnvelopeOverrides::default(),
            output,
            report: None,
            changes: None,
            rejects: None,
            bare_rejects: false,
            receipt: None,
            force: false,
            earlier: Earlier::Refuse,
            threads: 1,
            redact: None,
            statistics: false,
            progress: None,
            reading: ReadOptions::default(),
            mapping: MapOptions::default(),
        }
    }
}

/// Where the outputs of a run go.
#[derive(Debug, Default)]
pub(crate) struct Outputs<'o> {
    /// The body or the lines; the mode says whether there are any.
    pub contacts: Option<Destination<'o>>,
    pub report: Option<Destination<'o>>,
    pub changes: Option<Destination<'o>>,
    pub rejects: Option<Destination<'o>>,
    pub receipt: Option<Destination<'o>>,
}

impl Outputs<'_> {
    /// The paths of a job.
    fn of(job: &Job<'_>) -> Self {
        let destination = |path: &Option<PathBuf>| path.as_ref().map(Destination::from);
        Outputs {
            contacts: matches!(job.mode, Mode::Request | Mode::Stream).then(|| (&job.output).into()),
            report: destination(&job.report),
            changes: destination(&job.changes),
            rejects: destination(&job.rejects),
            receipt: destination(&job.receipt),
        }
    }

    /// Fails early if a file exists that would be overwritten at the end.
    fn refuse_existing(&self, force: bool) -> Result<()> {
        let beside = [&self.report, &self.changes, &self.rejects, &self.receipt];
        let mut all = beside.into_iter().chain([&self.contacts]).flatten();
        all.try_for_each(|destination| destination.refuse_existing(force))
    }
}

/// The result of a run.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "`stop` says whether the run reached the end of its input"]
pub struct Summary {
    /// All counts.
    pub receipt: Receipt,
    /// What ended the run early. Everything before it is written.
    pub stop: Option<Error>,
    /// The first finding of each code, errors and warnings only, in input order.
    pub examples: Vec<Example>,
    /// Rejected contacts, by the rules that reject them; a contact counts for each.
    pub rejecting: BTreeMap<Code, u64>,
    /// Values that were held back of accepted contacts, by rule.
    pub holding: BTreeMap<Code, u64>,
    /// What to fix, the most valuable first.
    pub fixes: Vec<Fix>,
    /// What the contacts have and where things go wrong, if the run was asked for it.
    pub statistics: Option<Statistics>,
    /// The first 200 findings of each code, errors and warnings only, if the run was asked for statistics.
    pub kept: Vec<Example>,
    /// The first 20 findings, errors and warnings only.
    pub listed: Vec<Example>,
    /// An older output was removed, because no contact was accepted that could replace it.
    pub removed_output: bool,
    /// Bodies of an earlier run that were removed.
    pub removed_bodies: usize,
    /// Nearly no contact has an address under the contract's name, but they have other names.
    pub other_names: Option<OtherNames>,
    /// Contacts have custom fields, and the names of the account's fields were not given: no name was checked.
    pub unchecked_custom_fields: bool,
}

impl Summary {
    /// True if every contact and value came through, normalised at most.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.receipt.is_clean()
    }

    /// The summary of a complete run.
    ///
    /// # Errors
    /// [`Summary::stop`], for a run that ended early: broken JSON in the middle of the input, a file that changed.
    pub fn into_result(mut self) -> Result<Self> {
        self.stop.take().map_or(Ok(self), Err)
    }
}

/// Does a job.
///
/// # Errors
/// The run cannot start, or its output cannot be written. Input that turns out to be broken on the way is in the [`Summary`],
/// because everything before it is written.
pub fn run(job: &Job<'_>) -> Result<Summary> {
    run_files(job, Outputs::of(job))
}

/// Does a job with other outputs than its own paths.
pub(crate) fn run_files(job: &Job<'_>, outputs: Outputs<'_>) -> Result<Summary> {
    outputs.refuse_existing(job.force)?;
    run_on(job, open_all(job)?, outputs)
}

/// The same for one input that is a reader. Of `job.inputs` only the first name is used.
pub(crate) fn run_reader<'i>(
    job: &Job<'i>,
    reader: Box<dyn Read + Send + 'i>,
    outputs: Outputs<'_>,
) -> Result<Summary> {
    outputs.refuse_existing(job.force)?;
    let source = Source::pipe(input_name(job), reader);
    let mut document = Document::of(source, opening(job, false))?;
    map_document(&job.mapping, job.reading.contact.as_ref(), &mut document)?;
    run_on(job, vec![document], outputs)
}

/// The result of a run in memory.
#[derive(Debug)]
pub struct InMemory {
    /// All counts, and what ended the run early.
    pub summary: Summary,
    /// The cleaned body.
    pub body: Vec<u8>,
    /// The findings.
    pub report: Vec<u8>,
}

/// Does a job whose input, body and report are in memory. Of `job.inputs` only the first name is used; `job.report` only says
/// whether there is a report; no other output may be set. The input is read up to `limits`, which count rejected contacts as
/// well; what is written has the limits of the job.
///
/// # Errors
/// As [`run`].
pub fn run_in_memory(job: &Job<'_>, bytes: Vec<u8>, limits: Limits) -> Result<InMemory> {
    let source = Source::memory(input_name(job), bytes);
    let mut document =
        Document::of(source, Opening { limit: limits.max_bytes, as_endpoint: true, ..opening(job, false) })?;
    if let Some(end) = start_of(&document, limits.max_contacts) {
        document.source.set_limit(end);
    }
    run_document_in_memory(job, document)
}

/// The same for a table. Its columns are mapped as those of any table.
///
/// # Errors
/// As [`run`].
pub fn run_table_in_memory(job: &Job<'_>, bytes: Vec<u8>, limits: Limits) -> Result<InMemory> {
    let source = Source::memory(input_name(job), bytes);
    let mut document = Document::of(source, opening(job, false))?;
    map_document(&job.mapping, None, &mut document)?;
    let end = start_of(&document, limits.max_contacts).unwrap_or(u64::MAX);
    document.source.set_limit(end.min(limits.max_bytes));
    run_document_in_memory(job, document)
}

fn run_document_in_memory(job: &Job<'_>, document: Document<'_>) -> Result<InMemory> {
    let (mut body, mut report) = (Vec::new(), Vec::new());
    let outputs = Outputs {
        contacts: Some((&mut body).into()),
        report: job.report.is_some().then_some(&mut report).map(Destination::from),
        ..Outputs::default()
    };
    let summary = run_on(job, vec![document], outputs)?;
    Ok(InMemory { summary, body, report })
}

fn input_name(job: &Job<'_>) -> String {
    job.inputs.first().map(InputFile::name).unwrap_or_default()
}

/// Where contact `index` begins, in a document that is in memory.
fn start_of(document: &Document<'_>, index: u64) -> Option<u64> {
    let chunk = document.source.current()?;
    let mut splitter = document.splitter();
    let mut spans = Vec::new();
    for slice in chunk.from(document.start.offset).chunks(SLICE) {
        let before = splitter.spans();
        spans.clear();
        // The run reports broken syntax.
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

/// The run itself.
fn run_on<'i>(job: &Job<'i>, mut documents: Vec<Document<'i>>, outputs: Outputs<'_>) -> Result<Summary> {
    let began = Instant::now();
    let (envelope, findings) = resolve(job, &mut documents)?;
    let prefix = envelope.prefix();
    refuse_small_bodies(job, &prefix)?;
    let names = InputNames::of(&documents);
    let settings = settings_of(job, &prefix);
    let selection = selection_of(job, &outputs, &documents);
    // Broken syntax behind the contacts of an input whose lists are not known: no body can be written. The run still checks the
    // inputs up to there.
    let broken = documents.iter().position(|document| document.broken.is_some());

    let is_unread = outputs.contacts.as_ref().is_some_and(Destination::is_file);
    let contacts_path = outputs.contacts.as_ref().and_then(Destination::path).map(Path::to_path_buf);
    let contacts = open_contacts(job, outputs.contacts, prefix, broken.is_some())?;
    let mut writer = Writer::new(&settings, &selection, &names, contacts);
    writer.watches = documents.iter().map(|document| document.source.watch().cloned()).collect();
    writer.bytes_total = documents.iter().map(|document| bytes_to_read(job, document)).sum();
    writer.report = open(outputs.report, "the findings", job.force)?;
    writer.changes = open(outputs.changes, "the ledger", job.force)?;
    writer.rejects = open(outputs.rejects, "the rejects", job.force)?;
    if let (Some(rejects), Some(table)) = (&mut writer.rejects, &selection.table) {
        rejects.write(&table.head())?;
    }
    let receipt = open(outputs.receipt, "the receipt", job.force)?;
    for (input, findings) in findings.iter().enumerate() {
        writer.write_envelope_findings(input, findings)?;
    }

    let behind = documents.split_off(broken.map_or(documents.len(), |broken| broken + 1));
    let (mut documents, mut read) = execute(job, documents, &envelope, &mut writer)?;
    documents.extend(behind);
    if let Some(broken) = broken
        && read.stop.is_none()
    {
        read.stop = documents[broken].broken.take().map(|error| (broken, error));
    }
    settle(Ended {
        job,
        documents: &documents,
        envelope: &envelope,
        writer,
        read,
        receipt,
        is_unread,
        removable: contacts_path.is_some_and(|path| !is_input(job, &path)),
        began,
    })
}

fn open<'o>(destination: Option<Destination<'o>>, what: &str, force: bool) -> Result<Option<Output<'o>>> {
    destination.map(|destination| destination.open(what, force)).transpose()
}

fn refuse_small_bodies(job: &Job<'_>, prefix: &[u8]) -> Result<()> {
    if prefix.len() as u64 + 20 > job.limits.max_bytes {
        return Err(Error::usage(format!(
            "a body of {} bytes has no room for a contact: its envelope takes {}; give --max-bytes more",
            job.limits.max_bytes,
            prefix.len()
        )));
    }
    Ok(())
}

/// Opens the output of the contacts. With `is_broken`, no body can be written.
fn open_contacts<'o>(
    job: &Job<'_>,
    destination: Option<Destination<'o>>,
    prefix: Vec<u8>,
    is_broken: bool,
) -> Result<ContactOutput<'o>> {
    let directory =
        |dir: &Path, prefix| Directory::create(dir, job.limits, prefix, job.earlier, job.force).map(Box::new);
    let file = match destination.as_ref().and_then(Destination::path).filter(|path| path.as_os_str() != "-") {
        Some(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        None => "-".to_owned(),
    };
    let open = |what| match destination {
        Some(destination) => destination.open(what, job.force),
        None => Err(Error::usage("the run has no output for its contacts")),
    };
    Ok(match &job.mode {
        Mode::Check => ContactOutput::Check,
        // The receipt goes there, under the same conditions as in any other run.
        Mode::Split(dir) if is_broken => ContactOutput::NoBody(Some(directory(dir, prefix)?)),
        _ if is_broken => ContactOutput::NoBody(None),
        Mode::Stream => ContactOutput::Stream(open("the contacts")?),
        Mode::Split(dir) => ContactOutput::Split(directory(dir, prefix)?),
        Mode::Request => ContactOutput::Request(Box::new(Body::begin(open("the body")?, file, job.limits, &prefix))),
    })
}

/// Bytes that the run reads of an input, as far as is known.
fn bytes_to_read(job: &Job<'_>, document: &Document<'_>) -> Option<u64> {
    let total = document.source.total();
    if job.mode == Mode::Request { total.map(|total| total.min(job.limits.max_bytes)) } else { total }
}

/// True if a path names one of the inputs, however it is spelled.
fn is_input(job: &Job<'_>, path: &Path) -> bool {
    let output = identity(path);
    output.is_some() && job.inputs.iter().any(|input| identity(&input.path) == output)
}

/// The offset at which reading of an input stops.
fn limit_of(job: &Job<'_>) -> u64 {
    if job.mode == Mode::Request { job.limits.max_bytes } else { u64::MAX }
}

fn opening<'j>(job: &'j Job<'_>, may_be_empty: bool) -> Opening<'j> {
    Opening {
        limit: limit_of(job),
        asked: &job.asked,
        // A check requires of a body what a run that writes one would.
        lists_needed: job.mode != Mode::Stream,
        may_be_empty,
        as_endpoint: false,
        reading: &job.reading,
    }
}

fn open_all(job: &Job<'_>) -> Result<Vec<Document<'static>>> {
    // An empty file among many has no contacts. A single empty input is more likely a failed export.
    let may_be_empty = job.inputs.len() > 1;
    let open = |input: &InputFile| {
        let mut document = Document::of(input.open()?, opening(job, may_be_empty))?;
        map_document(&job.mapping, job.reading.contact.as_ref(), &mut document)?;
        if job.inputs.len() > 1 {
            // The reader opens it again in its turn: there may be more inputs than a process can have open.
            document.source.suspend();
        }
        Ok(document)
    };
    job.inputs.iter().map(open).collect()
}

/// The envelope of the run, and the findings about the envelope of each input.
fn resolve(job: &Job<'_>, documents: &mut [Document<'_>]) -> Result<(Envelope, Vec<Vec<EnvelopeFinding>>)> {
    let mut run: Option<(Envelope, String)> = None;
    let mut findings = Vec::new();
    for document in documents.iter_mut() {
        let name = document.source.name().to_owned();
        let is_body = document.shape == Shape::Body;
        let needed = is_body && job.mode != Mode::Stream;
        if document.broken.is_some() {
            findings.push(Vec::new());
            continue;
        }
        let (envelope, mut found) = document.found.resolve(&name, &job.asked, needed)?;
        if !findings.is_empty() {
            // Findings about options are reported once.
            found.retain(|finding| finding.position.line > 0);
        }
        findings.push(found);
        match &run {
            None if is_body => run = Some((envelope, name)),
            Some((first, first_name)) if is_body && job.mode.makes_bodies() && *first != envelope => {
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
            let needed = job.mode.makes_bodies() && !broken;
            EnvelopeMembers::default().resolve(&name, &job.asked, needed)?.0
        }
    };
    Ok((envelope, findings))
}

/// The settings under `not_set`, and under `explicit`.
fn settings_of(job: &Job<'_>, prefix: &[u8]) -> [Settings; 2] {
    // A contact, the envelope around it and the closing bytes must be smaller than the limit together.
    let around = (prefix.len() + Envelope::SUFFIX.len() + 1) as u64;
    let contact_bytes_max = match job.mode.makes_bodies() {
        true => usize::try_from(job.limits.max_bytes - around).unwrap_or(usize::MAX),
        false => usize::MAX,
    };
    let earlier_inputs = match (&job.mode, job.earlier) {
        (Mode::Split(dir), Earlier::Append) => earlier_inputs(dir),
        _ => Vec::new(),
    };
    let identity_key = IdentityKey::draw();
    let settings = Settings { contact_bytes_max, identity_key, earlier_inputs, ..job.settings.clone() };
    [false, true].map(|sms_explicit| Settings { sms_explicit, ..settings.clone() })
}

/// Whether the contacts of a document have explicit consent: that of the body they go to or, without one, of the body they come
/// from.
pub(super) fn is_explicit(job: &Job<'_>, envelope: &Envelope, document: &Document<'_>) -> bool {
    let permission = match job.mode.makes_bodies() {
        true => envelope.sms_permission,
        false => job.asked.sms_permission.or_else(|| document.found.sms_permission()),
    };
    permission == Some(SmsPermission::Explicit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;
    use crate::rules::Duplicates;
    use std::io::Write;
    use std::sync::atomic::Ordering;

    /// A panic in one contact ends the run with the position of that contact, at any number of threads; what came before is written.
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

    /// The same for a panic while the writer cleans a contact again: a duplicate, or the contacts before one that did not fit in a
    /// body.
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

    /// Quotes that are out of step: the text between the strings of another reading is no contact, and the run reports the fault.
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

    /// Broken syntax behind a full body does not matter, at any number of threads.
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
