//! The receipt: what came in, what went out, and proof that the counts add up.

use crate::clean::cleaner::Stats;
use crate::clean::validator::DateClues;
use crate::document::format::Shape;
use crate::model::error::{Error, Kind, Result};
use crate::model::finding::Code;
use crate::model::position::Position;
use crate::output::in_all::InAll;
use crate::output::mapping::MappingReceipt;
use crate::output::origins::Origin;
use crate::source::sheet_info::SheetInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// All that a run did, as JSON.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Version of presort.
    pub version: &'static str,
    /// The inputs.
    pub input: Vec<InputReceipt>,
    /// `request`, `split`, `stream` or `check`.
    pub mode: &'static str,
    /// The part of a larger job that this run did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// How many parts the job has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u64>,
    /// What was in a directory among the inputs and could not be read as contacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedFile>,
    /// Options that bear on the output.
    pub options: Options,
    /// Limits of a body.
    pub limits: LimitsReceipt,
    /// Bytes of all inputs that were used: up to their end, to the fault that stopped the run, or to the dropped part.
    pub bytes_read: u64,
    /// The same in bytes of UTF-8, unpacked; `None` if no input was compressed or had another encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_decoded: Option<u64>,
    /// Bytes of all inputs, where that is known.
    pub bytes_total: Option<u64>,
    /// `bytes_total - bytes_read`, when the run was stopped or something was dropped.
    pub bytes_not_read: Option<u64>,
    /// Counts of contacts.
    pub contacts: Contacts,
    /// Findings by code; codes without one are not listed.
    pub findings: BTreeMap<&'static str, u64>,
    /// What dates tell about the order of their parts; `None` if they tell nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DatesReceipt>,
    /// What lay behind a limit.
    pub dropped: Option<Dropped>,
    /// What ended the run early.
    pub stopped: Option<Stopped>,
    /// False if the custom fields of the account were not given.
    pub custom_field_names_checked: bool,
    /// The bodies, in order.
    pub payloads: Vec<Payload>,
    /// This run and the earlier ones, with a contact that came back counted once; `None` without earlier runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_all: Option<InAll>,
    /// The receipts of earlier runs whose bodies are in the same directory, the oldest first. Each adds up by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier_runs: Vec<serde_json::Value>,
    /// Wall-clock time of the run. Not in the receipt of a worker, which is the same whenever the part is cleaned again.
    #[serde(skip_serializing_if = "is_no_time")]
    pub seconds: f64,
    /// `bytes_read` by `seconds`.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_per_second: u64,
}

/// A body that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Payload {
    /// Its file, without the directory.
    pub file: String,
    /// Contacts in it.
    pub contacts: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Where its contacts came from, in their order.
    pub from: Vec<Origin>,
}

/// What was in a directory among the inputs and is no input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SkippedFile {
    /// Its path.
    pub name: String,
    /// Why: what it is, or looks like.
    pub reason: String,
}

/// One input.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct InputReceipt {
    /// Its name.
    pub name: String,
    /// What it is.
    pub shape: Shape,
    /// The array that the contacts are in, as a JSON pointer; `None` unless it is wrapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// The form of a table; `None` for JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableReceipt>,
    /// The sheet of a spreadsheet; `None` for any other input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<SheetReceipt>,
    /// How it was compressed: `gzip` or `zstd`; `None` if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<&'static str>,
    /// The encoding that it was decoded from; `None` for UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
    /// The encoding is a guess by its first MiB.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub encoding_guessed: bool,
    /// Bytes of it that were used.
    pub bytes_read: u64,
    /// Bytes of UTF-8 that were used, of an input that was compressed or had another encoding. Offsets count these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_decoded: Option<u64>,
    /// Its size, where that is known.
    pub bytes_total: Option<u64>,
    /// Contacts seen in it.
    pub contacts: u64,
    /// Lines that are actions of a bulk request, and no contacts.
    #[serde(skip_serializing_if = "is_zero")]
    pub action_lines: u64,
    /// It was a pipe and had to be written to a temporary file before its contacts could be read.
    pub spooled: bool,
    /// How its names became those of the contract; `None` if they were taken as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<MappingReceipt>,
    /// The file that it is, or is in; `None` if it was no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileReceipt>,
    /// The size that it grew to while it was read, in bytes. The added bytes were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grown_to: Option<u64>,
}

/// The sheet of a spreadsheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SheetReceipt {
    /// The format: `xlsx`, `xlsb`, `xls` or `ods`.
    pub format: &'static str,
    /// Its name.
    pub name: String,
    /// The other sheets, which were not read.
    pub not_read: Vec<String>,
    /// Merged areas. Their value is in their first cell.
    #[serde(skip_serializing_if = "is_zero")]
    pub merged_areas: u64,
    /// Rows that are hidden in the spreadsheet. They were read.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden_rows: u64,
    /// Columns that are hidden in the spreadsheet. They were read.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden_columns: u64,
}

impl SheetReceipt {
    /// Of a sheet that was read.
    #[must_use]
    pub(crate) fn new(sheet: &SheetInfo) -> Self {
        let known = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SheetReceipt {
            format: sheet.format,
            name: sheet.name.clone(),
            not_read: sheet.others.clone(),
            merged_areas: known(&sheet.notes.merged),
            hidden_rows: known(&sheet.notes.hidden_rows),
            hidden_columns: known(&sheet.notes.hidden_columns),
        }
    }
}

/// A file as it was when it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileReceipt {
    /// Its absolute path.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The time of its last modification.
    pub modified: Option<String>,
}

impl FileReceipt {
    /// Of a file with this path, size and time of modification. `None` if its path is not UTF-8.
    pub(crate) fn new(path: &Path, bytes: u64, modified: Option<SystemTime>) -> Option<Self> {
        let path = std::path::absolute(path).ok()?.into_os_string().into_string().ok()?;
        let modified = modified.and_then(|time| jiff::Timestamp::try_from(time).ok());
        Some(FileReceipt { path, bytes, modified: modified.map(|time| time.to_string()) })
    }
}

/// The form of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableReceipt {
    /// What stands between cells: `,`, `;`, a tab, `|`.
    pub delimiter: String,
    /// The line of the header, from 1.
    pub header_line: u64,
    /// Columns of the header.
    pub columns: usize,
    /// Rows above the header. They are in no output.
    pub title_rows: usize,
}

impl TableReceipt {
    /// Of a table.
    #[must_use]
    pub(crate) fn new(table: &crate::csv::Table) -> Self {
        TableReceipt {
            delimiter: char::from(table.delimiter).to_string(),
            header_line: table.header_line,
            columns: table.header.len(),
            title_rows: table.title_rows,
        }
    }
}

/// Options that bear on the output.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Options {
    /// The lists of the bodies.
    pub list_ids: Vec<String>,
    /// The permission of the bodies, if one was given.
    pub sms_permission_to_send: Option<&'static str>,
    /// Longest address, in characters.
    pub email_max: usize,
    /// `hold` or `reject`.
    pub bad_field: &'static str,
    /// Over-long text was cut.
    pub truncate: bool,
    /// Phone numbers were checked against the numbering plan.
    pub nanp: bool,
    /// `dashed` or `digits`.
    pub phone_format: &'static str,
    /// `mdy`, `dmy` or `ymd`: the order of the parts of dates whose year is last.
    pub date_order: &'static str,
    /// Leading zeros of ZIP codes were restored.
    pub fix_zip: bool,
    /// Texts that stood for no value.
    pub null_texts: Vec<String>,
    /// `keep` or `first`.
    pub duplicates: &'static str,
    /// `reject` or `keep`.
    pub opted_out: &'static str,
    /// Addresses of the suppression lists.
    #[serde(skip_serializing_if = "is_zero")]
    pub suppressed: u64,
    /// The day that counted as today for dates of consent.
    pub as_of: String,
    /// Values in report and ledger are hashes.
    pub redacted: bool,
}

/// Dates whose year is last, by what they tell about the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DatesReceipt {
    /// Dates with the day first only: `13/05/2001`.
    pub day_first: u64,
    /// Dates with the month first only: `05/13/2001`.
    pub month_first: u64,
    /// Dates that are another day in either order: `04/03/2001`. They were read by `options.date_order`.
    pub ambiguous: u64,
}

impl DatesReceipt {
    /// The counts, unless all are 0.
    #[must_use]
    pub(crate) fn of(clues: &DateClues) -> Option<DatesReceipt> {
        let DateClues { day_first, month_first, ambiguous } = *clues;
        (*clues != DateClues::default()).then_some(DatesReceipt { day_first, month_first, ambiguous })
    }

    /// The sum of two.
    #[must_use]
    pub(crate) fn plus(&self, other: &DatesReceipt) -> DatesReceipt {
        DatesReceipt {
            day_first: self.day_first + other.day_first,
            month_first: self.month_first + other.month_first,
            ambiguous: self.ambiguous + other.ambiguous,
        }
    }
}

/// Limits of a body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LimitsReceipt {
    /// A body is smaller than this, in bytes.
    pub max_bytes: u64,
    /// Contacts.
    pub max_contacts: u64,
}

/// Counts of contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// Contacts judged: accepted and rejected.
    pub seen: u64,
    /// In the output, but for those that are not written.
    pub accepted: u64,
    /// Not in the output.
    pub rejected: u64,
    /// In the output, without some value.
    pub accepted_with_held_back: u64,
    /// In the output, with some value changed.
    pub changed: u64,
    /// Seen before in the run.
    pub duplicates: u64,
    /// Of the accepted ones, those that are in no output: the envelope is broken, so no body could be written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_written: u64,
    /// Of the rejected ones, those who opted out or are suppressed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub opted_out: u64,
    /// Contacts that came back: an earlier run of the same directory had rejected them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub returned: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_no_time(seconds: &f64) -> bool {
    *seconds == 0.0
}

/// What lay behind a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Index of the first contact that was dropped; `None` if no further contact had begun before the limit, and the run did not
    /// look whether one begins behind it.
    pub first_contact: Option<u64>,
    /// Offset at which it begins, or the limit.
    pub at_byte: u64,
    /// Bytes from there to the end of the input, where that is known.
    pub bytes: Option<u64>,
}

/// What ended the run early.
#[derive(Debug, Clone, Serialize)]
pub struct Stopped {
    /// The message.
    pub message: String,
    /// The input.
    pub input: Option<String>,
    /// Byte of the input.
    pub offset: Option<u64>,
    /// Its line, from 1.
    pub line: Option<u64>,
    /// Its byte in the line, from 1.
    pub column: Option<u64>,
    /// Index of the contact.
    pub contact: Option<u64>,
}

impl Stopped {
    /// From the error and the input it arose in.
    #[must_use]
    pub fn new(error: &Error, input: Option<String>) -> Self {
        let position = error.position();
        let known = |n: fn(&Position) -> u64| position.as_ref().map(n);
        Stopped {
            message: error.to_string(),
            input,
            offset: known(|p| p.offset),
            line: known(|p| p.line),
            column: known(|p| p.column).filter(|column| *column > 0),
            contact: position.and_then(|p| p.contact),
        }
    }
}

/// Counts that were made independently.
#[derive(Debug, Clone, Copy)]
pub struct Counts<'c> {
    /// Contacts that the splitter found, where the whole input was read.
    pub split: Option<u64>,
    /// Contacts that were judged, as counted by the writer.
    pub judged: u64,
    /// The counts of the workers.
    pub stats: &'c Stats,
    /// Contacts written, by the writer; none where nothing is written.
    pub written: Option<u64>,
    /// Lines written to the rejects; `None` if there is no such output.
    pub reject_lines: Option<u64>,
    /// Contacts found to be duplicates.
    pub duplicates: u64,
    /// The bodies; none in the other modes.
    pub payloads: Option<&'c [Payload]>,
}

impl Counts<'_> {
    /// Compares them.
    ///
    /// # Errors
    /// Two that should be equal are not.
    pub fn check(&self) -> Result<()> {
        let same = |what: &str, a: u64, b: u64| {
            if a == b {
                return Ok(());
            }
            Err(Error::from(Kind::Counts { what: format!("{what}: {a} and {b}") }))
        };
        let stats = self.stats;
        if let Some(split) = self.split {
            same("contacts split and judged", split, self.judged)?;
        }
        same("contacts judged, and accepted or rejected", self.judged, stats.accepted + stats.rejected)?;
        if let Some(written) = self.written {
            same("contacts accepted and written", stats.accepted, written)?;
        }
        if let Some(lines) = self.reject_lines {
            same("contacts rejected and lines of rejects", stats.rejected, lines)?;
        }
        if let Some(payloads) = self.payloads {
            let contacts = payloads.iter().map(|payload| payload.contacts).sum();
            same("contacts accepted and contacts in bodies", stats.accepted, contacts)?;
        }
        same("duplicates found and told", self.duplicates, stats.codes[Code::DUP001 as usize])
    }
}

impl Receipt {
    /// As files have it.
    ///
    /// # Errors
    /// It is no JSON, a bug of presort.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::from(Kind::Counts { what: format!("the receipt: {error}") }))?;
        json.push(b'\n');
        Ok(json)
    }

    /// True when every contact and value came through, normalised at most.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let held = |code: &str| self.findings.contains_key(code);
        self.contacts.rejected == 0
            && self.contacts.accepted_with_held_back == 0
            && self.dropped.is_none()
            && self.stopped.is_none()
            && !held(Code::ENV008.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_differ_are_refused() {
        let mut stats = Stats { accepted: 3, rejected: 2, ..Stats::default() };
        stats.codes[Code::DUP001 as usize] = 1;
        let payload =
            |contacts| Payload { file: String::new(), contacts, bytes: 0, sha256: String::new(), from: Vec::new() };
        let payloads = [payload(2), payload(1)];
        let good = Counts {
            split: Some(5),
            judged: 5,
            stats: &stats,
            written: Some(3),
            reject_lines: Some(2),
            duplicates: 1,
            payloads: Some(&payloads),
        };
        good.check().unwrap();
        for bad in [
            Counts { split: Some(6), ..good },
            Counts { judged: 4, split: None, ..good },
            Counts { written: Some(2), ..good },
            Counts { reject_lines: Some(3), ..good },
            Counts { duplicates: 0, ..good },
            Counts { payloads: Some(&payloads[..1]), ..good },
        ] {
            assert!(matches!(bad.check().unwrap_err().kind(), Kind::Counts { .. }));
        }
    }
}
