//! Several columns for one member.

use super::columns::{AddressKind, Column, How, Label, Target};
use super::decide::MapError;
use super::guess::Guess;
use super::profile::Profile;
use crate::model::member::{Family, MemberId};
use std::collections::{HashMap, HashSet};

/// Phone numbers of a contact, at most.
pub(super) const PHONES_MAX: usize = 3;

/// The members that further phone numbers go to, in the order of the contract.
pub(super) const PHONES: [MemberId; 5] =
    [MemberId::Phone, MemberId::HomePhone, MemberId::WorkPhone, MemberId::MobilePhone, MemberId::OtherPhone];

/// `phone` and `other_phone` are one kind of number, for the service.
pub(super) fn same_kind(a: MemberId, b: MemberId) -> bool {
    let kind = |id| if id == MemberId::OtherPhone { MemberId::Phone } else { id };
    kind(a) == kind(b)
}

/// The members that a target gives.
pub(super) fn members_of(target: &Target) -> Vec<MemberId> {
    match target {
        Target::Member(id) => vec![*id],
        Target::FullName => vec![MemberId::FirstName, MemberId::LastName],
        Target::Birthday => vec![MemberId::BirthdayMonth, MemberId::BirthdayDay],
        Target::WholeAddress(kind) => [0, 2, 3, 4, 5].iter().map(|part| kind.part(*part)).collect(),
        Target::CityState(kind) => vec![kind.part(2), kind.part(3)],
        Target::Custom(_) | Target::None => Vec::new(),
    }
}

/// Whether a target is several members.
fn is_split(target: &Target) -> bool {
    !matches!(target, Target::Member(_) | Target::Custom(_) | Target::None)
}

fn is_phone(id: MemberId) -> bool {
    id.info().family == Family::Phone
}

/// Which column has which member.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    /// The first column of each member.
    pub holders: HashMap<MemberId, usize>,
    /// All of them.
    all: HashMap<MemberId, Vec<usize>>,
    /// Custom fields by their name.
    custom: HashMap<String, usize>,
    /// The path within a record of the columns of each kind of address, and the first of them.
    stems: HashMap<AddressKind, (String, usize)>,
    /// The kind that a group of address columns got; none if there was no room.
    groups: HashMap<u8, Option<AddressKind>>,
}

impl Resolver {
    fn take(&mut self, index: usize, target: &Target) {
        for member in members_of(target) {
            self.holders.entry(member).or_insert(index);
            self.all.entry(member).or_default().push(index);
        }
        if let Target::Custom(name) = target {
            self.custom.entry(name.clone()).or_insert(index);
        }
    }

    /// The columns that have one of a target's members.
    fn rivals(&self, target: &Target) -> Vec<usize> {
        let mut rivals: Vec<usize> =
            members_of(target).iter().filter_map(|member| self.all.get(member)).flatten().copied().collect();
        if let Target::Custom(name) = target {
            rivals.extend(self.custom.get(name));
        }
        rivals.sort_unstable();
        rivals.dedup();
        rivals
    }

    /// Decides between columns that may be one member: the user's word first, then direct names, the leftmost first; one that
    /// counts only where there is no better one, or that never occurs together with the first, stands behind it.
    pub fn resolve(&mut self, profile: &Profile, guesses: &[Guess], columns: &mut [Column]) -> Result<(), MapError> {
        let is_user = |column: &Column| matches!(column.found, How::Renamed);
        let mut order: Vec<usize> = (0..columns.len()).filter(|i| columns[*i].target != Target::None).collect();
        order.sort_by_key(|i| {
            let (column, guess) = (&columns[*i], &guesses[*i]);
            // The user's own fallbacks stand behind the user's other words only.
            (!is_user(column), column.fallback || guess.fallback, guess.rank, is_split(&column.target), *i)
        });
        let wanted: HashSet<MemberId> = columns.iter().flat_map(|column| members_of(&column.target)).collect();
        for i in order {
            if is_user(&columns[i]) {
                self.take_said(i, columns)?;
                continue;
            }
            if matches!(columns[i].label, Some(Label::Address(..))) {
                self.resolve_address(i, columns, &wanted);
                continue;
            }
            let target = columns[i].target.clone();
            if let Some(first) = self.other_address(i, columns, profile) {
                columns[i].target = Target::None;
                columns[i].found = How::Taken(first);
                continue;
            }
            let rivals = self.rivals(&target);
            if rivals.is_empty() {
                self.take(i, &target);
                continue;
            }
            let apart = rivals.iter().all(|rival| !profile.columns[i].meets(&profile.columns[*rival]));
            // A known system has its full name beside first and last name, and its address beside its parts.
            let beside = is_split(&target)
                && columns[i].found == How::System
                && rivals.iter().all(|rival| !is_split(&columns[*rival].target));
            if guesses[i].fallback || apart && !is_user(&columns[rivals[0]]) || beside {
                columns[i].fallback = true;
                self.take(i, &target);
                continue;
            }
            if let Target::Member(id) = target
                && is_phone(id)
                && let Some(free) = self.free_phone(&wanted)
            {
                columns[i].target = Target::Member(free);
                self.take(i, &Target::Member(free));
                continue;
            }
            columns[i].target = Target::None;
            columns[i].found = How::Taken(rivals[0]);
        }
        Ok(())
    }

    /// Parts of an address that stand in different objects of a record are different addresses, which must not be mixed: the first
    /// stays. Returns its first column for one of another.
    fn other_address(&mut self, i: usize, columns: &[Column], profile: &Profile) -> Option<usize> {
        let Target::Member(id) = &columns[i].target else { return None };
        let (kind, _) = AddressKind::of(*id)?;
        let stem = columns[i].name.rsplit_once('/').map_or("", |(stem, _)| stem);
        let (first_stem, first) = self.stems.entry(kind).or_insert_with(|| (stem.to_owned(), i));
        let is_other = first_stem != stem && profile.columns[i].meets(&profile.columns[*first]);
        // Headers have slashes too.
        let is_path = |column: &Column| column.name.contains('/') && column.found != How::System;
        (is_other && is_path(&columns[i]) && is_path(&columns[*first])).then_some(*first)
    }

    /// The user's word. Two columns of one member are a mistake, unless one stands behind the other.
    fn take_said(&mut self, i: usize, columns: &[Column]) -> Result<(), MapError> {
        let column = &columns[i];
        for rival in self.rivals(&column.target) {
            if !columns[rival].fallback && !column.fallback {
                let shared =
                    column.target.members().into_iter().find(|name| columns[rival].target.members().contains(name));
                return Err(MapError::TwoColumns {
                    member: shared.unwrap_or_default().to_owned(),
                    columns: [columns[rival].name.clone(), column.name.clone()],
                });
            }
        }
        self.take(i, &column.target);
        Ok(())
    }

    /// A phone member that no column has or wants, while there is room for one.
    fn free_phone(&self, wanted: &HashSet<MemberId>) -> Option<MemberId> {
        let used: Vec<MemberId> =
            PHONES.into_iter().filter(|id| self.holders.contains_key(id) || wanted.contains(id)).collect();
        let mut kinds: Vec<MemberId> = Vec::new();
        for id in &used {
            if !kinds.iter().any(|kind| same_kind(*kind, *id)) {
                kinds.push(*id);
            }
        }
        if kinds.len() >= PHONES_MAX {
            return None;
        }
        PHONES.into_iter().find(|id| !kinds.iter().any(|kind| same_kind(*kind, *id)))
    }

    /// Columns that are one address together go to one kind: their own, or the next that is free.
    fn resolve_address(&mut self, i: usize, columns: &mut [Column], wanted: &HashSet<MemberId>) {
        let (Some(Label::Address(_, group)), Target::Member(id)) = (columns[i].label, &columns[i].target) else {
            return;
        };
        let Some((own, part)) = AddressKind::of(*id) else { return };
        let groups = &self.groups;
        let is_free = |kind: AddressKind| {
            let used = groups.iter().any(|(other, used)| *other != group && *used == Some(kind));
            let has = |id: &MemberId| {
                self.holders.contains_key(id)
                    && self.all[id]
                        .iter()
                        .any(|at| !matches!(columns[*at].label, Some(Label::Address(_, other)) if other == group))
            };
            !used && !(0..6).any(|part| has(&kind.part(part)) || kind != own && wanted.contains(&kind.part(part)))
        };
        let kind = match groups.get(&group) {
            Some(kind) => *kind,
            None => [own, AddressKind::Work, AddressKind::Other].into_iter().find(|kind| is_free(*kind)),
        };
        self.groups.insert(group, kind);
        let target = kind.map(|kind| Target::Member(kind.part(part)));
        // Two columns of one group may be one part: a box and a suite.
        match target {
            Some(target) => {
                let rivals = self.rivals(&target);
                columns[i].fallback = !rivals.is_empty();
                columns[i].target = target.clone();
                self.take(i, &target);
            }
            None => {
                let rival = self.holders.get(&own.part(part)).copied().unwrap_or(i);
                columns[i].target = Target::None;
                columns[i].found = How::Taken(rival);
            }
        }
    }

    /// Looks again which column has which member, once a map file has had its say.
    ///
    /// # Errors
    /// A rename and the map file give two columns one member.
    pub fn hold(&mut self, columns: &[Column]) -> Result<(), MapError> {
        *self = Resolver::default();
        for i in 0..columns.len() {
            self.take_said(i, columns)?;
        }
        Ok(())
    }
}
