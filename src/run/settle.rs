//! The end of a run: what ended it, how far each input was read, the counts that must agree, the receipt, and every file under its
//! final name.

use crate::document::Document;
use crate::document::envelope::{Envelope, SmsPermission};
use crate::json::pointer::Pointer;
use crate::model::error::{Error, Kind, Result};
use crate::model::finding::Code;
use crate::output::body::{Earlier, Ended as EndedBody, EndedDirectory};
use crate::output::file::Output;
use crate::output::in_all::InAll;
use crate::output::mapping::MappingReceipt;
use crate::output::part::{Part, receipt_name};
use crate::output::receipt::{
    Contacts, Counts, DatesReceipt, Dropped, FileReceipt, InputReceipt, LimitsReceipt, Options, Payload, Receipt,
    SheetReceipt, Stopped, TableReceipt,
};
use crate::rules::date::DateOrder;
use crate::rules::{BadField, Duplicates, OptedOut, PhoneFormat};
use crate::run::job::{Job, Mode, Summary};
use crate::run::mapping::other_names;
use crate::run::reader::ReadOutcome;
use crate::run::writer::{ContactOutput, Writer};
use crate::source::{Compression, Encoding};
use std::collections::BTreeMap;
use std::time::Instant;

/// A run that has read, cleaned and written everything that it will.
pub(super) struct Ended<'r, 'i> {
    pub job: &'r Job<'i>,
    pub documents: &'r [Document<'i>],
    pub envelope: &'r Envelope,
    pub writer: Writer<'r>,
    pub read: ReadOutcome,
    /// The file of the receipt.
    pub receipt: Option<Output<'r>>,
    /// The contacts go to a file that gets its name at the end.
    pub is_unread: bool,
    /// The output may be removed if nothing replaces it: it is no input.
    pub removable: bool,
    pub began: Instant,
}

/// Finishes every file, the receipt last.
pub(super) fn settle(mut run: Ended<'_, '_>) -> Result<Summary> {
    let mut ending = Ending::of(&mut run)?;
    let inputs = input_receipts(&run, &mut ending);
    // A full disk shows before any file gets its final name.
    for file in [&mut run.writer.report, &mut run.writer.changes, &mut run.writer.rejects].into_iter().flatten() {
        file.flush()?;
    }
    let (writer, bodies) = end_contacts(run.writer, run.removable && ending.stop.is_none())?;
    check_counts(&writer, &run.read, run.job, &ending, &bodies)?;
    let (removed_output, removed_bodies, lock) = (bodies.removed_output, bodies.removed_bodies, bodies.lock);
    let unwritten = if bodies.is_unwritten { writer.stats.accepted } else { 0 };
    let (payloads, earlier_runs) = (bodies.payloads.unwrap_or_default(), bodies.earlier_runs);
    let seconds = run.began.elapsed().as_secs_f64();
    let bytes_read: u64 = inputs.iter().map(|input| input.bytes_read).sum();
    let is_decoded = inputs.iter().any(|input| input.bytes_decoded.is_some());
    let decoded = inputs.iter().map(|input| input.bytes_decoded.unwrap_or(input.bytes_read));
    let bytes_decoded = is_decoded.then(|| decoded.sum());
    let bytes_total = bytes_total(&inputs, run.documents);
    let findings = Code::ALL.iter().map(|code| (code.as_str(), writer.stats.codes[*code as usize]));
    let counts = contacts(&writer, unwritten);
    let receipt = Receipt {
        version: env!("CARGO_PKG_VERSION"),
        input: inputs,
        mode: run.job.mode.as_str(),
        part: run.job.part.as_ref().map(|part| part.id().to_owned()),
        parts: run.job.part.as_ref().and_then(Part::parts),
        skipped: run.job.skipped.clone(),
        options: options(run.job, run.envelope),
        limits: LimitsReceipt { max_bytes: run.job.limits.max_bytes, max_contacts: run.job.limits.max_contacts },
        bytes_read,
        bytes_decoded,
        bytes_total,
        bytes_not_read: match ending.is_whole && ending.dropped.is_none() {
            true => None,
            false => bytes_total.map(|total| total - bytes_read.min(total)),
        },
        findings: findings.filter(|(_, count)| *count > 0).collect(),
        dates: DatesReceipt::of(&writer.stats.clues),
        dropped: ending.dropped,
        stopped: ending.stop.as_ref().map(|stop| Stopped::new(stop, ending.input_name(run.documents))),
        custom_field_names_checked: run.job.settings.custom_fields.is_some(),
        payloads,
        in_all: (!earlier_runs.is_empty()).then(|| InAll::of(&earlier_runs, &counts)),
        earlier_runs,
        contacts: counts,
        seconds,
        bytes_per_second: if seconds > 0.0 { (bytes_read as f64 / seconds) as u64 } else { 0 },
    };
    for file in [writer.report, writer.changes, writer.rejects].into_iter().flatten() {
        file.finish()?;
    }
    let other_names = other_names(&receipt, &writer.unknown_names);
    write_receipt(&receipt, run.receipt, run.job)?;
    // The directory is locked until its receipt is there.
    drop(lock);
    Ok(Summary {
        receipt,
        stop: ending.stop,
        examples: writer.examples,
        rejecting: by_code(&writer.stats.rejecting),
        holding: by_code(&writer.stats.holding),
        fixes: writer.causes.fixes(),
        statistics: writer.profile.map(|profile| profile.finish(writer.starts)),
        kept: writer.kept,
        listed: writer.listed,
        removed_output,
        removed_bodies,
        other_names,
        unchecked_custom_fields: writer.any_custom && run.job.settings.custom_fields.is_none(),
    })
}

/// Counts by code, without zeros.
fn by_code(counts: &[u64; Code::COUNT]) -> BTreeMap<Code, u64> {
    Code::ALL.iter().map(|code| (*code, counts[*code as usize])).filter(|(_, count)| *count > 0).collect()
}

/// What ended the run.
struct Ending {
    /// The error that ended it early.
    stop: Option<Error>,
    /// The input that the error is about.
    stopped_in: Option<usize>,
    /// What lies behind a limit.
    dropped: Option<Dropped>,
    /// All contacts were judged.
    is_whole: bool,
}

impl Ending {
    /// An error if the input changed and the output is a file that can still be withheld.
    fn of(run: &mut Ended<'_, '_>) -> Result<Ending> {
        let (job, writer) = (run.job, &mut run.writer);
        // Faults behind a full body are not part of this run, even if the reader has met them.
        let read_stop = run.read.stop.take().filter(|_| writer.dropped.is_none());
        let mut stop = writer.stop.take().or(read_stop);
        if stop.is_none()
            && let Err(changed) = writer.check_unchanged()
        {
            stop = Some((writer.reached.0, changed));
        }
        // No file appears that may mix versions of the input. What went to standard output or to a writer is gone.
        let can_be_withheld = match &job.mode {
            Mode::Check => false,
            Mode::Split(_) => true,
            Mode::Request | Mode::Stream => run.is_unread,
        };
        let (stopped_in, stop) = match stop {
            Some((_, error)) if can_be_withheld && matches!(error.kind(), Kind::Changed { .. }) => return Err(error),
            // What is whole is not replaced by what is not.
            Some((_, error)) if job.earlier == Earlier::Replace => return Err(error),
            stop => stop.unzip(),
        };
        let stop = stop.map(|stop| if job.redact.is_some() { stop.without_value() } else { stop });
        // What the writer met comes before what the reader did.
        let dropped = if stop.is_some() { None } else { writer.dropped.or(run.read.dropped) };
        let is_whole = stop.is_none() && writer.dropped.is_none();
        Ok(Ending { stop, stopped_in, dropped, is_whole })
    }

    fn input_name(&self, documents: &[Document<'_>]) -> Option<String> {
        self.stopped_in.map(|at| documents[at].source.name().to_owned())
    }
}

/// How far each input was read. The run may have stopped in one: those behind it are left out.
fn input_receipts(run: &Ended<'_, '_>, ending: &mut Ending) -> Vec<InputReceipt> {
    let is_read = ending.is_whole && ending.dropped.is_none();
    let mut inputs = Vec::new();
    for (i, document) in run.documents.iter().enumerate() {
        let Some(contacts) = run.read.contacts.get(i) else { break };
        let source = &document.source;
        inputs.push(InputReceipt {
            name: source.name().to_owned(),
            shape: document.shape,
            records: document.records.as_ref().map(Pointer::to_string),
            compression: source.compression().map(Compression::as_str),
            encoding: source.encoding().map(Encoding::name),
            encoding_guessed: document.is_guessed,
            bytes_read: run.read.bytes[i],
            bytes_decoded: None,
            bytes_total: source.total().or(is_read.then_some(run.read.bytes[i])),
            contacts: *contacts,
            table: document.table.as_deref().map(TableReceipt::new),
            sheet: source.sheet().map(SheetReceipt::new),
            action_lines: run.read.actions[i],
            spooled: source.is_spooled(),
            mapping: document.mapping.as_ref().map(|input| {
                let late = run.writer.late_names.get(i).map_or(&[][..], Vec::as_slice);
                MappingReceipt::new(&input.mapping, late, run.job.redact.is_some())
            }),
            file: source
                .watch()
                .and_then(|watch| watch.opened())
                .and_then(|(path, bytes, modified)| FileReceipt::new(path, bytes, modified)),
            grown_to: source.watch().and_then(|watch| watch.grown_to()),
        });
    }
    if let (Some(last), Some(dropped)) = (inputs.last_mut(), &mut ending.dropped) {
        dropped.bytes = last.bytes_total.map(|total| total.saturating_sub(dropped.at_byte));
        last.bytes_read = dropped.at_byte;
    }
    let writer = &run.writer;
    if let (Some(at), Some(stop)) = (ending.stopped_in, &ending.stop) {
        inputs.truncate(at + 1);
        if let Some(input) = inputs.last_mut() {
            let reached = if writer.reached.0 == at { writer.reached.1 } else { 0 };
            input.bytes_read = stop.position().map_or(reached, |position| position.offset);
        }
    }
    for (input, document) in inputs.iter_mut().zip(run.documents) {
        // Up to here, bytes are those of UTF-8, unpacked.
        if let Some((read, total)) = document.source.encoded() {
            input.bytes_decoded = Some(input.bytes_read);
            input.bytes_read = read;
            input.bytes_total = total.or(input.bytes_total.map(|_| read));
        }
    }
    if !ending.is_whole {
        let before: u64 = inputs.iter().rev().skip(1).map(|input| input.contacts).sum();
        if let Some(last) = inputs.last_mut() {
            last.contacts = writer.judged.saturating_sub(before);
        }
    }
    inputs
}

/// The output of the contacts, finished.
#[derive(Default)]
struct Bodies {
    /// The bodies; `None` if the run makes none.
    payloads: Option<Vec<Payload>>,
    /// Receipts of the runs whose bodies were in the directory before.
    earlier_runs: Vec<serde_json::Value>,
    removed_output: bool,
    removed_bodies: usize,
    /// Bodies were requested, and could not be written.
    is_unwritten: bool,
    /// Holds the lock of the directory.
    lock: Option<EndedDirectory>,
}

/// Finishes the output of the contacts.
fn end_contacts(mut writer: Writer<'_>, removable: bool) -> Result<(Writer<'_>, Bodies)> {
    let mut bodies = Bodies::default();
    match std::mem::replace(&mut writer.contacts, ContactOutput::Check) {
        // An input is never removed.
        ContactOutput::Request(body) => {
            bodies.payloads = Some(match body.end(removable)? {
                EndedBody::Body(payload) => vec![payload],
                EndedBody::Nothing { removed } => {
                    bodies.removed_output = removed;
                    Vec::new()
                }
            });
        }
        ContactOutput::Split(mut directory) => {
            bodies.earlier_runs = directory.take_earlier();
            let mut ended = directory.end()?;
            bodies.removed_bodies = ended.removed;
            let payloads = std::mem::take(&mut ended.payloads);
            let lock = Some(ended);
            bodies.payloads = Some(payloads);
            bodies.lock = lock;
        }
        ContactOutput::NoBody(directory) => {
            bodies.is_unwritten = true;
            if let Some(mut directory) = directory {
                bodies.earlier_runs = directory.take_earlier();
                let ended = directory.end()?;
                bodies.removed_bodies = ended.removed;
                bodies.lock = Some(ended);
            }
        }
        ContactOutput::Stream(output) => {
            output.finish()?;
        }
        ContactOutput::Check => {}
    }
    Ok((writer, bodies))
}

/// Compares counts that reader, workers and writer made independently.
fn check_counts(
    writer: &Writer<'_>,
    read: &ReadOutcome,
    job: &Job<'_>,
    ending: &Ending,
    bodies: &Bodies,
) -> Result<()> {
    let counts = Counts {
        split: ending.is_whole.then(|| read.contacts.iter().sum()),
        judged: writer.judged,
        stats: &writer.stats,
        written: (job.mode != Mode::Check).then_some(writer.written),
        reject_lines: writer.rejects.is_some().then_some(writer.reject_lines),
        duplicates: writer.duplicates,
        payloads: bodies.payloads.as_deref(),
    };
    counts.check()
}

fn contacts(writer: &Writer<'_>, not_written: u64) -> Contacts {
    let stats = &writer.stats;
    Contacts {
        seen: stats.accepted + stats.rejected,
        accepted: stats.accepted,
        rejected: stats.rejected,
        accepted_with_held_back: stats.held_back,
        changed: stats.changed,
        duplicates: writer.duplicates,
        not_written,
        opted_out: stats.opted_out,
        returned: stats.returned,
    }
}

/// The size of all inputs, where it is known. Inputs that the run did not reach count as well.
fn bytes_total(inputs: &[InputReceipt], documents: &[Document<'_>]) -> Option<u64> {
    match inputs.len() == documents.len() {
        true => inputs.iter().map(|input| input.bytes_total).sum(),
        false => documents.iter().map(|document| document.source.total()).sum(),
    }
}

/// The options, as receipts write them.
fn options(job: &Job<'_>, envelope: &Envelope) -> Options {
    let settings = &job.settings;
    Options {
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
        date_order: match settings.date_order {
            DateOrder::MonthFirst => "mdy",
            DateOrder::DayFirst => "dmy",
            DateOrder::YearFirst => "ymd",
        },
        fix_zip: settings.fix_zip,
        null_texts: settings.null_texts.clone(),
        duplicates: match settings.duplicates {
            Duplicates::Keep => "keep",
            Duplicates::First => "first",
        },
        opted_out: match settings.opted_out {
            OptedOut::Reject => "reject",
            OptedOut::Keep | OptedOut::Ignore => "keep",
        },
        suppressed: settings.suppressed.as_ref().map_or(0, |list| list.len() as u64),
        as_of: settings.as_of.to_string(),
        redacted: job.redact.is_some(),
    }
}

/// Writes the receipt to its own file, if there is one, and to the directory of the bodies.
fn write_receipt(receipt: &Receipt, file: Option<Output<'_>>, job: &Job<'_>) -> Result<()> {
    let json = receipt.to_json()?;
    let mut files: Vec<Output<'_>> = file.into_iter().collect();
    if let Mode::Split(dir) = &job.mode {
        let force = job.force || job.earlier != Earlier::Refuse;
        files.push(Output::create(&dir.join(receipt_name(job.part.as_ref())), force)?);
    }
    for mut file in files {
        file.write(&json)?;
        file.finish()?;
    }
    Ok(())
}
