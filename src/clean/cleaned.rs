//! The result of cleaning a batch: bytes, and where in them each contact is.

use crate::clean::causes::Causes;
use crate::clean::mapped::LateName;
use crate::clean::owned::OwnedFinding;
use crate::clean::profile::BatchProfile;
use crate::clean::table_rejects::Noted;
use crate::clean::validator::DateClues;
use crate::model::fault::Fault;
use crate::model::finding::{Code, Example};
use crate::model::identity::Identity;
use crate::model::position::Position;

/// Counts of contacts and findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Contacts that are in the output.
    pub accepted: u64,
    /// Contacts that are not in the output.
    pub rejected: u64,
    /// Rejected contacts who opted out.
    pub opted_out: u64,
    /// Accepted contacts of which some value was held back.
    pub held_back: u64,
    /// Accepted contacts of which some value was changed.
    pub changed: u64,
    /// Contacts that an earlier run rejected, by their note.
    pub returned: u64,
    /// What the dates tell about the order of their parts.
    pub clues: DateClues,
    /// Findings by code.
    pub codes: [u64; Code::COUNT],
    /// Rejected contacts, by the rules that reject them.
    pub rejecting: [u64; Code::COUNT],
    /// Values that were held back of accepted contacts, by rule.
    pub holding: [u64; Code::COUNT],
}

impl Default for Stats {
    fn default() -> Self {
        Stats {
            accepted: 0,
            rejected: 0,
            opted_out: 0,
            held_back: 0,
            changed: 0,
            returned: 0,
            clues: DateClues::default(),
            codes: [0; Code::COUNT],
            rejecting: [0; Code::COUNT],
            holding: [0; Code::COUNT],
        }
    }
}

impl Stats {
    /// Adds `other`.
    pub fn add(&mut self, other: &Stats) {
        self.combine(other, u64::wrapping_add);
    }

    /// Subtracts `other`, which was added before.
    pub fn subtract(&mut self, other: &Stats) {
        self.combine(other, u64::wrapping_sub);
    }

    fn combine(&mut self, other: &Stats, by: fn(u64, u64) -> u64) {
        self.accepted = by(self.accepted, other.accepted);
        self.rejected = by(self.rejected, other.rejected);
        self.opted_out = by(self.opted_out, other.opted_out);
        self.held_back = by(self.held_back, other.held_back);
        self.changed = by(self.changed, other.changed);
        self.returned = by(self.returned, other.returned);
        self.clues.combine(&other.clues, by);
        let counts = [
            (&mut self.codes, &other.codes),
            (&mut self.rejecting, &other.rejecting),
            (&mut self.holding, &other.holding),
        ];
        for (mine, theirs) in counts {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine = by(*mine, *theirs);
            }
        }
    }
}

/// An accepted contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its index in the batch.
    pub contact: u32,
    /// Where it ends in [`Cleaned::out`], after its line break if it has one.
    pub end: u32,
    /// Its identity.
    pub identity: Identity,
}

/// The lengths of the other outputs after a contact that wrote to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its index in the batch.
    pub contact: u32,
    /// Length of [`Cleaned::report`].
    pub report: u32,
    /// Length of [`Cleaned::changes`].
    pub changes: u32,
    /// Length of [`Cleaned::rejects`].
    pub rejects: u32,
}

/// The result of cleaning a batch.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// Cleaned contacts, each with its separator.
    pub out: Vec<u8>,
    /// The accepted contacts, in order.
    pub accepted: Vec<Accepted>,
    /// Report lines.
    pub report: Vec<u8>,
    /// Ledger lines.
    pub changes: Vec<u8>,
    /// Rejected contacts, one per line.
    pub rejects: Vec<u8>,
    /// The contacts that wrote to report, changes or rejects.
    pub marks: Vec<Mark>,
    /// Findings as data, each with the index of its contact in the input.
    pub findings: Vec<(u64, OwnedFinding)>,
    /// Values under names that the first records do not have, and that are not in the output.
    pub late_names: Vec<LateName>,
    /// Unknown names of the first contacts of the first input.
    pub unknown_names: Vec<String>,
    /// Findings of the current contact as its [note](crate::clean::note) has them, should it be rejected.
    pub noted: Vec<u8>,
    /// The same for a row of a table.
    pub noted_row: Noted,
    /// Counts of contacts and findings.
    pub stats: Stats,
    /// What rejects contacts and holds values back.
    pub causes: Causes,
    /// Statistics, if the run asks for them.
    pub profile: BatchProfile,
    /// Findings for the summary.
    pub examples: Vec<Example>,
    /// Some contact has a custom field. (In a batch with a [stop](Cleaned::stop) it may be one after the stop.)
    pub any_custom: bool,
    /// Broken syntax: the contact's index in the batch, the byte, and the fault. This contact and those after it were not checked.
    pub stop: Option<(usize, Position, Fault)>,
    /// How many contacts were checked: all of the batch, or those before the stop.
    pub checked: usize,
    /// Index of the contact at work, for the report of a panic.
    pub at: usize,
}

impl Cleaned {
    /// Empties everything and keeps the allocations.
    pub fn clear(&mut self) {
        self.out.clear();
        self.accepted.clear();
        self.report.clear();
        self.changes.clear();
        self.rejects.clear();
        self.marks.clear();
        self.findings.clear();
        self.late_names.clear();
        self.unknown_names.clear();
        self.noted.clear();
        self.noted_row.clear();
        self.stats = Stats::default();
        self.causes.clear();
        self.profile.clear();
        self.examples.clear();
        self.any_custom = false;
        self.stop = None;
        self.checked = 0;
        self.at = 0;
    }
}
