//! What becomes of the findings of one contact: they are counted, and written where the run asks for them.

use super::cleaned::Stats;
use super::selection::OutputSelection;
use crate::clean::causes::Causes;
use crate::clean::lines::{self, Place};
use crate::clean::mapped::{InputMapping, Translator};
use crate::clean::note;
use crate::clean::owned::OwnedFinding;
use crate::clean::profile::BatchProfile;
use crate::clean::table_rejects::Noted;
use crate::clean::validator::Findings;
use crate::model::finding::{Code, Example, Finding, Outcome, Severity};
use std::sync::atomic::Ordering;

/// Contacts whose unknown names are kept: they show what an export is that has other names.
const UNKNOWN_OF: u64 = 20;

/// Counts the findings of one contact, and writes those that the run asks for.
pub(super) struct FindingWriter<'x> {
    pub(super) selection: &'x OutputSelection,
    pub(super) place: Place<'x>,
    /// The record, where its names were mapped.
    pub(super) record: Option<(&'x [u8], &'x InputMapping)>,
    pub(super) input: usize,
    pub(super) report: &'x mut Vec<u8>,
    pub(super) changes: &'x mut Vec<u8>,
    pub(super) findings: &'x mut Vec<(u64, OwnedFinding)>,
    pub(super) noted: &'x mut Vec<u8>,
    pub(super) noted_row: &'x mut Noted,
    pub(super) unknown_names: &'x mut Vec<String>,
    pub(super) stats: &'x mut Stats,
    pub(super) examples: &'x mut Vec<Example>,
    pub(super) causes: &'x mut Causes,
    pub(super) profile: &'x mut BatchProfile,
}

impl Findings for FindingWriter<'_> {
    fn take_own(&mut self, finding: &Finding<'_>, own: Outcome) {
        self.causes.note(finding, own, self.selection.statistics && self.selection.redactor.is_none());
        self.write(finding);
    }

    fn take(&mut self, finding: &Finding<'_>) {
        self.take_own(finding, finding.outcome);
    }
}

impl FindingWriter<'_> {
    fn write(&mut self, finding: &Finding<'_>) {
        let count = &mut self.stats.codes[finding.code as usize];
        *count += 1;
        let is_new = *count == 1 && !self.selection.known.get(finding.code);
        let is_change = finding.severity == Severity::Change;
        let is_kept = self.selection.statistics && !self.selection.saturated.get(finding.code);
        let is_shown = !is_change && (is_new || is_kept || self.selection.listed.load(Ordering::Relaxed));
        if self.selection.statistics
            && let Some(field) = finding.field
        {
            self.profile.finding(field, finding.outcome);
        }
        let is_written = if is_change { self.selection.changes } else { self.selection.report };
        let is_noted = finding.outcome == Outcome::Rejected && self.selection.notes.is_some();
        let is_noted_row = is_noted && self.selection.table.is_some();
        // This reads the record again, so it is done only for a finding that is written or shown.
        let column = match (self.record, finding.field) {
            (Some((record, input)), Some(field))
                if is_shown || is_written || is_noted_row || self.selection.findings =>
            {
                Translator::column_of(record, field, finding.code, input)
            }
            _ => None,
        };
        let place = Place { column: column.as_deref(), ..self.place };
        if is_noted_row {
            self.noted_row.add(finding, column.as_deref());
        } else if is_noted {
            note::add_finding(finding, self.noted);
        }
        if finding.code == Code::CON004
            && self.input == 0
            && self.place.contact.is_some_and(|contact| contact < UNKNOWN_OF)
        {
            self.unknown_names.extend(finding.field.map(str::to_owned));
        }
        if self.selection.findings {
            let owned = OwnedFinding { column: column.clone(), ..OwnedFinding::new(finding) };
            self.findings.push((self.place.contact.unwrap_or_default(), owned));
        }
        if is_shown {
            self.examples.push(example(self.input, &place, finding, self.selection));
        }
        if !is_written {
            return;
        }
        let to = if is_change { &mut *self.changes } else { &mut *self.report };
        lines::line(&place, finding, self.selection.redactor.as_ref(), to);
    }
}

/// A finding for the summary, without its value if the run replaces values.
#[must_use]
pub fn example(input: usize, place: &Place<'_>, finding: &Finding<'_>, selection: &OutputSelection) -> Example {
    let text = if selection.redactor.is_some() { "".into() } else { lines::value_text(&finding.value) };
    let mut value: String = text.chars().take(60).collect();
    if value.len() < text.len() {
        value.push_str("...");
    }
    Example {
        code: finding.code,
        input,
        contact: place.contact,
        line: place.line,
        severity: finding.severity,
        outcome: finding.outcome,
        field: finding.field.map(str::to_owned),
        value,
        message: lines::message(finding),
        cause: lines::cause(finding).map(str::to_owned),
        help: lines::help(finding).to_owned(),
    }
}
