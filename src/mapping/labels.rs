//! Columns that say what another column's value is: which kind of phone number, which kind of address.

use super::columns::{AddressKind, Column, Label, Target};
use super::guess::Guess;
use super::names;
use crate::model::member::{Family, MemberId};
use std::collections::HashMap;

/// Groups of columns that are one address, at most.
const GROUPS_MAX: usize = 200;

/// The part of a name that a column has in common with its label, and whether the name is that of a label: `Phone 1` of
/// `Phone 1 - Type` and of `Phone 1 - Value`; the path of the object within a record.
fn stem(name: &str) -> Option<(String, bool)> {
    let is_label = |last: &str| matches!(names::fold(last).as_str(), "type" | "label" | "kind" | "typename");
    if let Some((stem, last)) = name.rsplit_once(" - ") {
        return Some((names::fold(stem), is_label(last)));
    }
    let (stem, last) = name.rsplit_once('/')?;
    Some((stem.to_owned(), is_label(last)))
}

/// Finds the label of each column that may have one.
pub(super) fn pair(guesses: &[Guess], columns: &mut [Column]) {
    let mut label_of: HashMap<String, usize> = HashMap::new();
    // Labels of the whole record, by what the system's table says.
    let (mut kind, mut organisation) = (None, None);
    for (i, column) in columns.iter().enumerate() {
        if column.target != Target::None {
            continue;
        }
        if let Some((stem, true)) = stem(&column.name) {
            label_of.entry(stem).or_insert(i);
        } else if column.note.starts_with("decides kind") {
            kind = kind.or(Some(i));
        } else if column.note == "Individual/Organization" || column.note.starts_with("Y = organisation") {
            organisation = organisation.or(Some(i));
        }
    }
    let mut groups: HashMap<String, u8> = HashMap::new();
    for i in 0..columns.len() {
        let stem = stem(&columns[i].name).map(|(stem, _)| stem);
        let own = stem.as_ref().and_then(|stem| label_of.get(stem)).copied();
        let is_path = columns[i].name.contains('/') && !columns[i].name.contains(" - ");
        let note = guesses[i].note;
        let label = match &columns[i].target {
            Target::Member(id) if id.info().family == Family::Phone => {
                let by_record = kind.filter(|_| note.contains("kind by"));
                own.or(by_record).map(Label::Phone)
            }
            Target::Member(id) if AddressKind::of(*id).is_some_and(|(kind, _)| kind == AddressKind::Main) => {
                // Numbered addresses of one record are groups, and so is one that has a label.
                let stem = stem.filter(|stem| own.is_some() || !is_path && stem.starts_with("address"));
                match (stem, kind) {
                    (Some(stem), _) => {
                        let next = groups.len();
                        let group = *groups.entry(stem).or_insert(next.min(GROUPS_MAX) as u8);
                        Some(Label::Address(own, group))
                    }
                    (None, Some(kind)) => Some(Label::Address(Some(kind), GROUPS_MAX as u8 + 1)),
                    (None, None) => None,
                }
            }
            Target::Member(MemberId::Anniversary) if note.starts_with("only when") => {
                if own.is_none() {
                    columns[i].target = Target::None;
                }
                own.map(Label::Anniversary)
            }
            Target::FullName => organisation.map(Label::Organisation),
            Target::Member(MemberId::LastName) => {
                organisation.filter(|at| columns[*at].note.starts_with("Y = organisation")).map(Label::Organisation)
            }
            _ => None,
        };
        columns[i].label = label;
        let by = match label {
            Some(Label::Phone(by) | Label::Address(Some(by), _) | Label::Anniversary(by) | Label::Organisation(by)) => {
                by
            }
            Some(Label::Address(None, _)) | None => continue,
        };
        columns[by].decides = true;
    }
}

/// A bit for each kind of address that columns without a label have. The unprefixed members are the home address.
pub(super) fn fixed_addresses(columns: &[Column]) -> u8 {
    let kinds =
        columns.iter().filter(|column| !matches!(column.label, Some(Label::Address(..)))).filter_map(|column| {
            match &column.target {
                Target::Member(id) => AddressKind::of(*id).map(|(kind, _)| kind),
                Target::WholeAddress(kind) | Target::CityState(kind) => Some(*kind),
                _ => None,
            }
        });
    kinds.fold(0, |bits, kind| bits | bit(kind))
}

/// The bit of a kind of address.
pub(super) fn bit(kind: AddressKind) -> u8 {
    match kind {
        AddressKind::Main | AddressKind::Home => 1,
        AddressKind::Work => 2,
        AddressKind::Other => 4,
    }
}

/// Whether a label says that a record is an organisation.
pub(super) fn is_organisation(label: &str) -> bool {
    matches!(
        names::fold(names::cut(label, 40)).as_str(),
        "organization"
            | "organisation"
            | "org"
            | "company"
            | "business"
            | "y"
            | "yes"
            | "true"
            | "1"
            | "foundation"
            | "corporation"
    )
}
