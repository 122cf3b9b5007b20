//! A run for one part of a larger job: `clean --worker`, and the options about parts that `clean --split` has as well.
//!
//! What a worker writes is the same whenever the part is cleaned again, for any number of threads. Its files get their names once all of
//! it is read and written. Then the last line of standard output says so: a job that does not find it knows that the worker crashed.

mod lines;

use super::args::{Clean, Format};
use super::{Main, Plan, say};
use crate::facade::Sink;
use crate::model::error::{Error, Result};
use crate::model::member::MemberId;
use crate::output::file::Output;
use crate::output::part::Part;
use crate::output::receipt::Receipt;
use crate::run::job::Summary;
use clap::Args;
use lines::{ContactLines, Kind, Spool, Stdout};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Options about parts of a larger job.
#[derive(Args)]
pub(super) struct PartArgs {
    /// Clean one part of a larger job: contacts to standard output, all else to --side or, with --tagged, to standard output as well; 0
    /// if the part was read and written whole, whatever is rejected
    #[arg(long, requires = "part", conflicts_with_all = WITHOUT_WORKER)]
    pub(super) worker: bool,
    /// The id of the part, in the names of its files: 1 to 64 letters, digits, - and _. With --split, bodies are payload-ID-00001.json ...
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with_all = ["append", "replace"])]
    part: Option<Part>,
    /// The number of parts of the job, for `presort receipt merge` to notice a missing one
    #[arg(long, value_name = "N", requires = "part", value_parser = super::args::number::<u64>(1, u64::MAX))]
    parts: Option<u64>,
    /// A worker's directory for report-ID.ndjson, rejects-ID.ndjson, changes-ID.ndjson and receipt-ID.json
    #[arg(long, value_name = "DIR", requires = "worker")]
    side: Option<std::path::PathBuf>,
    /// Write all of a worker's output as lines {"kind":...,"value":...} to standard output: contact, finding, change, reject, receipt, end
    #[arg(long, requires = "worker", conflicts_with = "side")]
    tagged: bool,
    /// Add a last member NAME to each contact of a worker: its address in lower case or, without one, its number. Leave a member of this
    /// name out of contacts that are read
    #[arg(long, value_name = "NAME", value_parser = key)]
    pub(super) key: Option<String>,
}

/// Options of `clean` that a worker does not have.
const WITHOUT_WORKER: [&str; 13] = [
    "split",
    "output",
    "changes",
    "rejects",
    "report",
    "html",
    "receipt",
    "force",
    "replace",
    "append",
    "fail_on",
    "max_rejected",
    "exit_zero",
];

fn id(text: &str) -> std::result::Result<Part, String> {
    Part::new(text, None)
}

/// A name that no member of a contact has.
fn key(name: &str) -> std::result::Result<String, String> {
    match MemberId::of(name) {
        _ if name.is_empty() => Err("a member has a name".to_owned()),
        MemberId::Unknown if name != crate::clean::note::NAME => Ok(name.to_owned()),
        _ => Err("contacts have a member of this name: choose another one".to_owned()),
    }
}

impl PartArgs {
    /// A part is one of bodies or one of a worker.
    pub(super) fn refuse_without(&self, split: bool) -> Result<()> {
        if self.part.is_some() && !split {
            return Err(Error::usage("--part goes with --worker or --split: add one of them"));
        }
        Ok(())
    }

    /// The part of this run, if it does one.
    pub(super) fn part(&self) -> Option<Part> {
        let part = self.part.as_ref()?;
        Part::new(part.id(), self.parts).ok()
    }
}

impl Clean {
    /// Cleans one part. Says what is wrong, and nothing else.
    pub(super) fn work(&self) -> Result<ExitCode> {
        let Some(part) = self.part.part() else { return Err(Error::usage("a worker has a part: add --part ID")) };
        if self.format != Format::Ndjson {
            return Err(Error::usage("a worker writes one contact per line: add --format ndjson"));
        }
        let worked = match (&self.part.side, self.part.tagged) {
            (Some(dir), _) => self.work_beside(&part, dir),
            (None, true) => self.work_tagged(&part),
            (None, false) => Err(Error::usage(
                "a worker needs a place for findings and receipt: add --side DIR, or --tagged for standard output",
            )),
        };
        // Not an error that ends quietly: a reader that leaves early has not got the whole part.
        Ok(worked.map_or_else(
            |error| {
                say(&format!("part {}: {error}", part.id()));
                ExitCode::from(2)
            },
            |()| ExitCode::SUCCESS,
        ))
    }

    /// Does the run, and fails if it did not reach the end of its input.
    fn work_into(&self, part: &Part, sink: Sink<'_>) -> Result<Summary> {
        let plan = Plan { output: Main::Lines("-".into()), ..self.common.plan(&self.inputs) };
        let mut cleaner = self.common.cleaner()?.limits(plan.limits);
        if self.common.threads.is_none() {
            // The job starts a worker per processor.
            cleaner = cleaner.threads(1);
        }
        if let Some(name) = &self.part.key {
            cleaner = cleaner.key(name);
        }
        let mut summary = cleaner.build()?.clean_files(&plan.inputs, sink.part(part.clone()))?.into_result()?;
        // Times would make two receipts of one part differ.
        summary.receipt.seconds = 0.0;
        summary.receipt.bytes_per_second = 0;
        Ok(summary)
    }

    fn work_beside(&self, part: &Part, dir: &Path) -> Result<()> {
        let name = dir.display().to_string();
        fs::create_dir_all(dir).map_err(|error| Error::io("create the directory", name, error))?;
        let create = |kind, extension| Output::create(&dir.join(part.file(kind, extension)), true);
        let (mut report, mut changes) = (create("report", "ndjson")?, create("changes", "ndjson")?);
        let (mut rejects, mut receipt) = (create("rejects", "ndjson")?, create("receipt", "json")?);
        let mut stdout = Stdout::open()?;
        let mut contacts = ContactLines::new(&mut stdout, self.part.key.as_deref(), None);
        let sink = Sink::lines(&mut contacts).findings(&mut report).ledger(&mut changes).rejects(&mut rejects);
        let summary = self.work_into(part, sink)?;
        receipt.write(&summary.receipt.to_json()?)?;
        let files = [report, changes, rejects, receipt];
        commit(part, dir, files, &mut stdout)?;
        stdout.end(part, summary.receipt.contacts.accepted, false)
    }

    fn work_tagged(&self, part: &Part) -> Result<()> {
        let mut stdout = Stdout::open()?;
        let (mut report, mut changes, mut rejects) = (Spool::new()?, Spool::new()?, Spool::new()?);
        let mut contacts = ContactLines::new(&mut stdout, self.part.key.as_deref(), Some(Kind::Contact));
        let sink = Sink::lines(&mut contacts).findings(&mut report).ledger(&mut changes).rejects(&mut rejects);
        let receipt = self.work_into(part, sink)?.receipt;
        // One kind behind the other: mixed, their order would depend on batches, and these on threads.
        report.write_as(Kind::Finding, &mut stdout)?;
        changes.write_as(Kind::Change, &mut stdout)?;
        rejects.write_as(Kind::Reject, &mut stdout)?;
        stdout.receipt(&receipt)?;
        stdout.end(part, receipt.contacts.accepted, true)
    }
}

/// Gives the files of a part their names, the receipt last. Not if nothing reads standard output any more: then the job has given this
/// worker up, and its input may have ended for the same reason.
fn commit(part: &Part, dir: &Path, mut files: [Output<'static>; 4], stdout: &mut Stdout) -> Result<()> {
    // A full disk shows before any file gets its name.
    files.iter_mut().try_for_each(Output::flush)?;
    stdout.check_reader()?;
    let _lock = part.lock(dir)?;
    // Without its receipt, a part is known to be unfinished.
    let receipt = dir.join(part.file("receipt", "json"));
    match fs::remove_file(&receipt) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", receipt.display().to_string(), error));
        }
        _ => {}
    }
    files.into_iter().try_for_each(|file| file.finish().map(drop))
}

/// The receipt on one line.
fn compact(receipt: &Receipt) -> Result<Vec<u8>> {
    serde_json::to_vec(receipt).map_err(|error| Error::usage(format!("the receipt: {error}")))
}
