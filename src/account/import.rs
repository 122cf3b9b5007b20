//! Imports a body into an account: the core cleans it, and this module writes the result.

mod each;
mod file;
mod importer;
mod incoming;
mod named;
mod one;

use super::clock::Stamp;
use super::runner::Halt;
use super::tasks::Work;
use super::values::Id;
use super::{Result, lists};
use crate::document::envelope::{EnvelopeOverrides, SmsPermission};
use crate::model::error::Kind;
use crate::model::finding::Code;
use crate::model::limits::{Limits, MAX_BYTES, MAX_CONTACTS};
use crate::rules::custom::Fields;
use crate::rules::date::Date;
use crate::rules::{Effect, OptedOut, Settings, rule};
use crate::run::job::{InMemory, Job, Mode, Progress, run_in_memory};
pub(super) use each::{Extra, apply_each};
use importer::ContactOutcome;
pub(super) use importer::{Importer, Target};
pub(super) use incoming::Incoming;
pub use named::NamedContacts;
pub(super) use one::{CleanedContact, clean_one, texts};
use rusqlite::Transaction;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

/// Most phones of a contact.
pub const PHONES_MAX: usize = 3;
/// Most custom fields of a contact.
pub const FIELDS_MAX: usize = crate::rules::custom::MAX;
/// Most lists that a contact is in.
pub const LISTS_MAX: usize = 50;
/// Most values of an activity that were not imported and are listed one by one, and most duplicate contacts. Contacts that were
/// not imported are all listed.
pub const VALUES_LISTED_MAX: usize = 1000;

/// A body to import.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// Its bytes. Of a body that is too large, those up to the limit and at least one more.
    pub bytes: Vec<u8>,
    /// Bytes after those, which were discarded.
    pub bytes_dropped: u64,
    /// Options that override its envelope.
    pub overrides: EnvelopeOverrides,
    /// What to do with it. Bodies that are no imports are requests of other activities.
    pub work: Work,
}

/// How much of a body the endpoint reads.
const LIMITS: Limits = Limits { max_bytes: MAX_BYTES, max_contacts: MAX_CONTACTS };
/// Most bytes of a body to keep: one more than the limit shows that there are more.
pub const KEPT_MAX: usize = MAX_BYTES as usize + 1;

/// The errors of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportErrors {
    /// Texts: of every contact that was not imported, and of the first values.
    pub texts: Vec<String>,
    /// Values that are among the texts.
    pub values: usize,
    /// Further values without a text.
    pub unlisted: u64,
    /// Duplicate contacts in the body that are among the texts.
    pub repeats: usize,
    /// Further duplicates without a text.
    pub unlisted_repeats: u64,
    /// Warnings about imported values that are among the texts.
    pub warnings: usize,
    /// Further warnings without a text.
    pub unlisted_warnings: u64,
    /// Errors of each code.
    pub codes: BTreeMap<String, u64>,
    /// Those that the service lets its users correct: bad addresses, birthdays and anniversaries, and contacts without
    /// identity.
    pub correctable: u64,
    /// The others.
    pub others: u64,
    /// The contacts that the texts name.
    pub contacts: NamedContacts,
}

impl ImportErrors {
    fn count(&mut self, code: &str) {
        match self.codes.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(self.codes.insert(code.to_owned(), 1)),
        }
    }

    /// A duplicate contact of the body. It is not an error: the account merges the two, and the later one takes precedence.
    fn repeat(&mut self, code: &str, text: impl FnOnce() -> String) {
        self.count(code);
        if self.repeats < VALUES_LISTED_MAX {
            self.repeats += 1;
            self.texts.push(text());
        } else {
            self.unlisted_repeats += 1;
        }
    }

    /// A value that was imported and may be wrong.
    fn warn(&mut self, code: &str, text: impl FnOnce() -> String) {
        self.count(code);
        if self.warnings < VALUES_LISTED_MAX {
            self.warnings += 1;
            self.texts.push(text());
        } else {
            self.unlisted_warnings += 1;
        }
    }

    fn list(&mut self, code: &str, is_contact: bool, text: impl FnOnce() -> String) {
        self.count(code);
        if is_contact {
            self.texts.push(text());
        } else if self.values < VALUES_LISTED_MAX {
            self.values += 1;
            self.texts.push(text());
        } else {
            self.unlisted += 1;
        }
    }

    /// An error of the import itself.
    fn add(&mut self, code: Code, contact: u64, field: &str, detail: &str) {
        self.others += 1;
        let rule = rule(code);
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        self.list(code.as_str(), rule.effect == Effect::Rejects, || {
            format!("contact {contact}: {code}, {field}: {}{detail}", rule.message)
        });
    }

    /// The texts, and last the number of those without a text.
    #[must_use]
    pub fn into_texts(mut self) -> Vec<String> {
        if self.unlisted > 0 {
            self.texts.push(format!("{} more values were not imported, and are not listed here", self.unlisted));
        }
        if self.unlisted_warnings > 0 {
            let (code, n) = (Code::CUS004, self.unlisted_warnings);
            self.texts.push(format!(
                "{code}: {n} more values were imported that do not fit their fields, and are not listed here"
            ));
        }
        if self.unlisted_repeats > 0 {
            let (code, n) = (Code::DUP001, self.unlisted_repeats);
            self.texts.push(format!("{code}: {n} more contacts were seen before in the body, and are not listed here"));
        }
        self.texts
    }
}

/// A line of the report.
#[derive(Deserialize)]
struct Line<'a> {
    contact: Option<u64>,
    offset: Option<u64>,
    #[serde(borrow)]
    code: Cow<'a, str>,
    field: Option<String>,
    severity: &'a str,
    outcome: &'a str,
    message: Cow<'a, str>,
}

/// True for the errors that the service calls correctable.
fn is_correctable(code: Code, field: Option<&str>) -> bool {
    use Code::*;
    match code {
        EML001 | EML002 | EML003 | EML004 | EML007 | BDY001 | BDY002 | BDY003 | CON002 => true,
        _ => matches!(field, Some("email" | "birthday_month" | "birthday_day" | "anniversary")),
    }
}

/// A cleaned body, ready to be imported.
pub struct Cleaned {
    /// Identifiers of the lists.
    lists: Vec<String>,
    explicit: bool,
    /// The cleaned body.
    body: Vec<u8>,
    /// Contacts that were rejected.
    rejected: HashSet<u64>,
    /// Contacts of the body up to its limit.
    pub contacts: u64,
    /// Those of them that are in the cleaned body.
    pub accepted: u64,
    /// Errors.
    pub errors: ImportErrors,
}

fn job<'p>(overrides: &EnvelopeOverrides, fields: Option<Fields>, as_of: Date, progress: &'p dyn Progress) -> Job<'p> {
    Job {
        progress: Some(progress),
        settings: Settings {
            as_of,
            custom_fields: fields,
            // The endpoint does what it is asked.
            opted_out: OptedOut::Ignore,
            ..Settings::default()
        },
        asked: overrides.clone(),
        // The limit applies to the input. The cleaned body may be a little larger, and is used only here.
        limits: Limits { max_bytes: 4 * MAX_BYTES, max_contacts: MAX_CONTACTS },
        report: Some("report".into()),
        ..Job::new(vec!["the body".into()], Mode::Request, "cleaned".into())
    }
}

/// Runs a job on a body.
fn run_body(job: Job<'_>, work: Work, bytes: Vec<u8>) -> Result<InMemory> {
    Ok(match work {
        Work::FileImport => file::run(job, bytes)?,
        _ => run_in_memory(&job, bytes, LIMITS)?,
    })
}

/// Checks whether a body can be imported at all: its JSON up to the limit, and its envelope. `progress` may end this early.
///
/// # Errors
/// The body cannot be imported.
pub fn check(body: &Body, progress: &dyn Progress) -> Result<()> {
    let job = Job { report: None, ..job(&body.overrides, None, Date::today(), progress) };
    match run_body(job, body.work, body.bytes.clone())?.summary.stop {
        Some(stop) => Err(stop.into()),
        None => Ok(()),
    }
}

/// Cleans a body by the rules of the core; `fields` are the account's custom fields, `today` is the day by its clock. `progress` may end this early.
///
/// # Errors
/// The body cannot be imported at all.
pub fn clean(body: Body, fields: Fields, today: Date, progress: &dyn Progress) -> Result<Cleaned> {
    let Body { bytes, bytes_dropped, overrides, work } = body;
    let job = job(&overrides, Some(fields), today, progress);
    // The run takes the bytes, and the contacts with errors are looked up in them.
    let done = run_body(job, work, bytes.clone())?;
    cleaned(done, &bytes, work, bytes_dropped)
}

/// Cleans the contacts of a seed, which is no request: the limits of a body do not hold for it.
pub(super) fn clean_seed(body: Body, fields: Fields, today: Date, progress: &dyn Progress) -> Result<Cleaned> {
    let bytes = body.bytes.len() as u64 + 1;
    let limits = Limits { max_bytes: bytes, max_contacts: bytes };
    let mut job = job(&body.overrides, Some(fields), today, progress);
    job.limits = Limits { max_bytes: 4 * limits.max_bytes, ..limits };
    cleaned(run_in_memory(&job, body.bytes, limits)?, &[], body.work, body.bytes_dropped)
}

/// What came of cleaning a body, after `bytes_dropped` bytes of its end were dropped.
fn cleaned(done: InMemory, bytes: &[u8], work: Work, bytes_dropped: u64) -> Result<Cleaned> {
    let InMemory { summary, body: cleaned, report } = done;
    if let Some(stop) = summary.stop {
        return Err(stop.into());
    }
    let receipt = summary.receipt;
    let mut errors = ImportErrors::default();
    if let Some(dropped) = receipt.dropped {
        let bytes = dropped.bytes.unwrap_or(0) + bytes_dropped;
        let contacts = match dropped.first_contact {
            Some(contact) => format!("; contact {contact} and those behind it are not imported"),
            // Possibly only the end of the body.
            None => String::new(),
        };
        let (what, most) = if work == Work::FileImport { ("file", file::ROWS_MAX) } else { ("body", MAX_CONTACTS) };
        let text = format!(
            "the {what} is over its limit of {MAX_BYTES} bytes or {most} contacts: {bytes} bytes were dropped, from byte \
             {} on{contacts}",
            dropped.at_byte
        );
        errors.texts.push(text);
        errors.others += 1;
    }
    let mut rejected = HashSet::new();
    for line in report.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| {
            crate::model::error::Error::from(Kind::Counts { what: format!("a line of the report: {error}") })
        })?;
        let is_rejected = line.outcome == "rejected";
        let is_told = line.severity == "error" || is_rejected || line.outcome == "held_back";
        let is_warning = line.code == Code::DUP001.as_str() || line.code == Code::CUS004.as_str();
        if let (Some(contact), Some(offset)) = (line.contact, line.offset.filter(|_| is_told || is_warning)) {
            errors.contacts.add_at(contact, bytes, offset, work);
        }
        if is_rejected {
            rejected.extend(line.contact);
        }
        let text = || {
            let contact = line.contact.map_or("the body".to_owned(), |contact| format!("contact {contact}"));
            let field = line.field.as_ref().map(|field| format!(", {field}")).unwrap_or_default();
            format!("{contact}: {}{field}: {}", line.code, line.message)
        };
        // The account merges the two silently, and a value of the earlier one may be replaced.
        if line.code == Code::DUP001.as_str() && !is_rejected {
            errors.repeat(&line.code, text);
            continue;
        }
        // The account keeps the value. What the service does with it is not known, so it is reported.
        if line.code == Code::CUS004.as_str() && !is_rejected {
            errors.warn(&line.code, text);
            continue;
        }
        // A kept value is in the account; its warning is not an error of the import.
        if !is_told {
            continue;
        }
        match Code::parse(&line.code) {
            Some(code) if line.severity == "error" && is_correctable(code, line.field.as_deref()) => {
                errors.correctable += 1;
            }
            _ => errors.others += 1,
        }
        errors.list(&line.code, is_rejected, text);
    }
    Ok(Cleaned {
        lists: receipt.options.list_ids,
        explicit: receipt.options.sms_permission_to_send == Some(SmsPermission::Explicit.as_str()),
        body: cleaned,
        rejected,
        contacts: receipt.contacts.seen,
        accepted: receipt.contacts.accepted,
        errors,
    })
}

/// The contacts of a cleaned body.
#[derive(Deserialize)]
struct CleanedBody<'a> {
    #[serde(borrow)]
    import_data: Vec<Incoming<'a>>,
}

/// How an import ended.
#[derive(Debug)]
pub enum Applied {
    /// The body was imported.
    Done {
        /// Contacts that were created or changed.
        imported: u64,
        /// Contacts that were not added to lists, because they unsubscribed.
        unsubscribed: u64,
        /// Lists.
        lists: u64,
        /// Errors.
        errors: ImportErrors,
    },
    /// The account does not have these lists; nothing was written.
    UnknownLists(Vec<String>),
    /// The watch ended it: the transaction must be rolled back.
    Halted(Halt),
}

/// Called with the number of contacts done so far; breaks to end the import.
pub type Watch<'w> = dyn FnMut(u64) -> ControlFlow<Halt> + 'w;

/// Contacts between two calls of the watch.
pub(super) const STEP: u64 = 256;

/// Applies a cleaned body to the account within the given transaction.
///
/// # Errors
/// The account cannot be written.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    cleaned: Cleaned,
    stamp: Stamp,
    watch: &mut Watch<'_>,
) -> Result<Applied> {
    let Cleaned { lists: list_ids, explicit, body, rejected, mut errors, .. } = cleaned;
    let list_rows = match list_rows(transaction, list_ids)? {
        Ok(rows) => rows,
        Err(unknown) => return Ok(Applied::UnknownLists(unknown)),
    };
    let mut importer = Importer::new(transaction, explicit, list_rows, stamp)?;
    // Without an accepted contact there is no body.
    let contacts = match &body[..] {
        [] => CleanedBody { import_data: Vec::new() },
        body => serde_json::from_slice(body).map_err(|error| {
            crate::model::error::Error::from(Kind::Counts { what: format!("the cleaned body: {error}") })
        })?,
    };
    let (mut imported, mut unsubscribed) = (0, 0);
    // The accepted contacts, by their index in the original body.
    let indexes = (0..).filter(|index| !rejected.contains(index));
    for (done, (index, contact)) in (0..).zip(indexes.zip(&contacts.import_data)) {
        if done % STEP == 0
            && let ControlFlow::Break(halt) = watch(done)
        {
            return Ok(Applied::Halted(halt));
        }
        let before = errors.others;
        let outcome = importer.contact(index, contact, &mut errors)?;
        if errors.others > before {
            errors.contacts.add_cleaned(index, contact);
        }
        match outcome {
            ContactOutcome::Imported => imported += 1,
            ContactOutcome::Unsubscribed => {
                imported += 1;
                unsubscribed += 1;
            }
            ContactOutcome::Refused => {}
        }
    }
    importer.ids.save(transaction)?;
    Ok(Applied::Done { imported, unsubscribed, lists: importer.lists.len() as u64, errors })
}

/// The rows of these lists, or those of them that the account does not have.
pub(super) fn list_rows(
    transaction: &Transaction<'_>,
    list_ids: Vec<String>,
) -> Result<std::result::Result<Vec<i64>, Vec<String>>> {
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    for list in list_ids {
        let row = match Id::parse(&list) {
            Some(id) => lists::row_of(transaction, id)?,
            None => None,
        };
        match row {
            Some(row) => rows.push(row),
            None => unknown.push(list),
        }
    }
    Ok(if unknown.is_empty() { Ok(rows) } else { Err(unknown) })
}
