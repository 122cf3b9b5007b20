//! One record: its cells to members.

use super::columns::{AddressKind, Column, Label, Mapping, Target};
use super::permission::{Meaning, PermissionColumn};
use super::resolve::{PHONES, PHONES_MAX, same_kind};
use super::split::{self, BirthdayResult};
use super::{context, labels, names};
use crate::model::member::{Family, KNOWN, MemberId};
use crate::rules::date::DateOrder;
use crate::rules::text;
use std::ops::Range;

/// Where the text of a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The value of the cell, as it is: whatever JSON type it has.
    Whole,
    /// These bytes of the cell's text.
    Part(Range<usize>),
    /// These bytes of [`MappedRecord::made`].
    Made(Range<usize>),
}

/// One member of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedMember {
    /// Which it is. The name of a custom field is the target of the column.
    pub id: MemberId,
    /// The index of the column.
    pub column: usize,
    /// The index of the cell.
    pub cell: usize,
    /// The value.
    pub piece: Piece,
}

/// Which form a value was split from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SplitKind {
    /// A full name into first and last name.
    FullName,
    /// A birthday into month and day.
    Birthday,
    /// An address in one value into its parts.
    Address,
    /// Several values, joined by ` ::: `.
    Joined,
    /// A marker in front of the value, like `p:`, was left out.
    Marker,
}

/// A value that was split: a change for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// What was split.
    pub kind: SplitKind,
    /// The index of the column.
    pub column: usize,
    /// The index of the cell.
    pub cell: usize,
    /// The members that came of it, in [`MappedRecord::members`]: indices, in order.
    pub members: Vec<usize>,
}

/// Why a value is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldReason {
    /// It is not certain which part of a full name is which.
    UnclearName,
    /// It is not certain which day the birthday is.
    UnclearBirthday,
    /// It is not certain which part of an address is which.
    UnclearAddress,
    /// One of several values, and there is no member left for it.
    NoRoom,
    /// Another column of this record has the member, and the values differ.
    Taken,
    /// Its label says that it is no telephone: a fax, a pager.
    NoTelephone,
}

/// A value that is not in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Why.
    pub reason: HeldReason,
    /// The member that it would have been.
    pub member: MemberId,
    /// The index of the column.
    pub column: usize,
    /// The index of the cell.
    pub cell: usize,
    /// The bytes of the cell's text.
    pub part: Range<usize>,
}

/// What a column says about permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The index of the column.
    pub column: usize,
    /// The index of the cell.
    pub cell: usize,
    /// What kind of column it is.
    pub permission: PermissionColumn,
    /// What the value means; never [`Meaning::Silent`] or [`Meaning::Passes`], which call for nothing.
    pub meaning: Meaning,
}

/// What came of a record. To be reused, because it keeps its buffers.
#[derive(Debug, Default)]
pub struct MappedRecord {
    /// The members, in the order of their cells; what was made of further values is at the end.
    pub members: Vec<MappedMember>,
    /// Values that were split.
    pub splits: Vec<Split>,
    /// Values that are not in the output.
    pub held: Vec<Held>,
    /// What speaks against writing to this person.
    pub permissions: Vec<Permission>,
    /// Text that is in no cell.
    pub made: String,
    /// How dates are read.
    pub date_order: DateOrder,
    scratch: Scratch,
}

/// What is known of a record while it is read.
#[derive(Debug)]
struct Scratch {
    /// A bit for each member that is there.
    taken: u64,
    /// The index among the members of each that is there.
    at: [u32; MEMBERS],
    /// Cells that wait until all others have their members.
    waiting: Vec<usize>,
    /// Further phone numbers of a cell.
    further: Vec<(usize, Range<usize>)>,
    /// The cells of labels: the index of the column, and of the cell.
    labels: Vec<(usize, usize)>,
    /// The kinds of address that groups of columns have.
    groups: Vec<(u8, Option<AddressKind>)>,
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch {
            taken: 0,
            at: [0; MEMBERS],
            waiting: Vec::new(),
            further: Vec::new(),
            labels: Vec::new(),
            groups: Vec::new(),
        }
    }
}

/// Members of the contract.
const MEMBERS: usize = KNOWN.len();

impl MappedRecord {
    /// The text of a member.
    #[must_use]
    pub fn text<'a>(&'a self, cells: &[(usize, &'a str)], member: &MappedMember) -> &'a str {
        match &member.piece {
            Piece::Whole => cells[member.cell].1,
            Piece::Part(range) => &cells[member.cell].1[range.clone()],
            Piece::Made(range) => &self.made[range.clone()],
        }
    }

    /// Forgets the record.
    pub fn clear(&mut self) {
        self.members.clear();
        self.splits.clear();
        self.held.clear();
        self.permissions.clear();
        self.made.clear();
        self.scratch.taken = 0;
        self.scratch.waiting.clear();
        self.scratch.further.clear();
        self.scratch.labels.clear();
        self.scratch.groups.clear();
    }
}

impl Mapping {
    /// Takes the cells of a record, in order, to members. A cell is the index of its column and its text. Indices behind the
    /// mapping's columns are those of `late`. Cells that are empty or of white space alone are ignored.
    ///
    /// Values that need no split are passed on as they are. Nothing is allocated once the buffers of `out` have their size,
    /// except for names and addresses that are split.
    pub fn record(&self, late: &[Column], cells: &[(usize, &str)], out: &mut MappedRecord) {
        out.clear();
        if self.has_labels {
            out.scratch.labels.extend(
                cells
                    .iter()
                    .enumerate()
                    .filter(|(_, (column, _))| self.columns.get(*column).is_some_and(|column| column.decides))
                    .map(|(cell, (column, _))| (*column, cell)),
            );
            out.scratch.labels.sort_unstable();
        }
        for (cell, (index, text)) in cells.iter().enumerate() {
            let Some(column) = self.column(late, *index) else { continue };
            if let Some(permission) = column.permission {
                let meaning = permission.meaning(text);
                if matches!(meaning, Meaning::OptedOut | Meaning::Unclear) {
                    out.permissions.push(Permission { column: *index, cell, permission, meaning });
                }
            }
            match &column.target {
                Target::None => {}
                // Most values.
                Target::Member(id) if !column.fallback && column.label.is_none() && !column.marked => {
                    let mut reader = Reader { mapping: self, late, cells, out: &mut *out };
                    if column.joined && is_joined(text) {
                        reader.joined(cell, *id);
                    } else if !is_blank(text) {
                        reader.direct(cell, *id, Piece::Whole);
                    }
                }
                Target::Custom(_) if !is_blank(text) => {
                    out.members.push(MappedMember { id: MemberId::Custom, column: *index, cell, piece: Piece::Whole });
                }
                Target::Custom(_) => {}
                _ if is_blank(text) => {}
                _ => out.scratch.waiting.push(cell),
            }
        }
        if !out.scratch.waiting.is_empty() || !out.scratch.further.is_empty() {
            Reader { mapping: self, late, cells, out }.rest();
        }
    }
}

/// Whether a value is several.
fn is_joined(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), JOINT.as_bytes()).is_some()
}

/// What stands between several values.
const JOINT: &str = ":::";

fn is_blank(text: &str) -> bool {
    text.as_bytes().first().is_none_or(|first| *first <= b' ' || !first.is_ascii()) && text::trim(text).is_empty()
}

/// A record that is being read.
struct Reader<'a> {
    mapping: &'a Mapping,
    late: &'a [Column],
    cells: &'a [(usize, &'a str)],
    out: &'a mut MappedRecord,
}

impl<'a> Reader<'a> {
    fn text(&self, cell: usize) -> &'a str {
        self.cells[cell].1
    }

    fn has(&self, id: MemberId) -> bool {
        self.out.scratch.taken & 1 << id as u32 != 0
    }

    fn push(&mut self, id: MemberId, cell: usize, piece: Piece) -> usize {
        let at = self.out.members.len();
        let scratch = &mut self.out.scratch;
        if scratch.taken & 1 << id as u32 == 0 {
            scratch.taken |= 1 << id as u32;
            scratch.at[id as usize] = at as u32;
        }
        self.out.members.push(MappedMember { id, column: self.cells[cell].0, cell, piece });
        at
    }

    fn hold(&mut self, reason: HeldReason, member: MemberId, cell: usize, part: Range<usize>) {
        self.out.held.push(Held { reason, member, column: self.cells[cell].0, cell, part });
    }

    fn split(&mut self, kind: SplitKind, cell: usize, members: Vec<usize>) {
        self.out.splits.push(Split { kind, column: self.cells[cell].0, cell, members });
    }

    /// A value that goes to one member. A second one of the same column is passed on too: a name that is given twice is the
    /// rules' business.
    fn direct(&mut self, cell: usize, id: MemberId, piece: Piece) -> Option<usize> {
        if !self.has(id) {
            return Some(self.push(id, cell, piece));
        }
        let first = self.out.scratch.at[id as usize] as usize;
        if self.out.members[first].column == self.cells[cell].0 {
            return Some(self.push(id, cell, piece));
        }
        self.against(first, cell, id, &piece);
        None
    }

    /// A value whose member another column has: it is held back, unless the values are equal.
    fn against(&mut self, first: usize, cell: usize, id: MemberId, piece: &Piece) {
        let member = MappedMember { id, column: self.cells[cell].0, cell, piece: piece.clone() };
        let given = self.out.text(self.cells, &self.out.members[first]);
        if text::trim(given) != text::trim(self.out.text(self.cells, &member)) {
            let part = if let Piece::Part(range) = piece { range.clone() } else { 0..self.text(cell).len() };
            self.hold(HeldReason::Taken, id, cell, part);
        }
    }

    /// Several values: the first goes to the member, further phone numbers wait for the kinds that are free.
    fn joined(&mut self, cell: usize, id: MemberId) {
        let text = self.text(cell);
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut from = 0;
        for part in text.split(JOINT) {
            let trimmed = text::trim(part);
            if !trimmed.is_empty() {
                let start = from + (trimmed.as_ptr() as usize - part.as_ptr() as usize);
                parts.push(start..start + trimmed.len());
            }
            from += part.len() + JOINT.len();
        }
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { return };
        let members = self.direct(cell, id, Piece::Part(first)).into_iter().collect();
        self.split(SplitKind::Joined, cell, members);
        for part in parts {
            if id.info().family == Family::Phone {
                self.out.scratch.further.push((cell, part));
            } else {
                self.hold(HeldReason::NoRoom, id, cell, part);
            }
        }
    }

    /// The cells that waited.
    fn rest(&mut self) {
        let waiting = std::mem::take(&mut self.out.scratch.waiting);
        // Labelled values first: a fallback counts only where they gave nothing.
        for fallbacks in [false, true] {
            for cell in &waiting {
                let Some(column) = self.mapping.column(self.late, self.cells[*cell].0) else { continue };
                if column.fallback == fallbacks {
                    self.waited(*cell, column);
                }
            }
        }
        self.out.scratch.waiting = waiting;
        let further = std::mem::take(&mut self.out.scratch.further);
        for (cell, part) in &further {
            let same = self.out.members.iter().any(|member| {
                member.id.info().family == Family::Phone
                    && text::trim(self.out.text(self.cells, member)) == &self.text(*cell)[part.clone()]
            });
            if same {
                continue;
            }
            match self.free_phone() {
                Some(id) => {
                    let at = self.push(id, *cell, Piece::Part(part.clone()));
                    let split =
                        self.out.splits.iter_mut().find(|split| split.cell == *cell && split.kind == SplitKind::Joined);
                    if let Some(split) = split {
                        split.members.push(at);
                    }
                }
                None => self.hold(HeldReason::NoRoom, MemberId::Phone, *cell, part.clone()),
            }
        }
        self.out.scratch.further = further;
    }

    /// One cell that waited.
    fn waited(&mut self, cell: usize, column: &Column) {
        let label = match column.label {
            Some(Label::Phone(by) | Label::Anniversary(by) | Label::Organisation(by)) => self.label(by),
            _ => None,
        };
        match (&column.target, column.label) {
            (Target::Member(MemberId::LastName) | Target::FullName, Some(Label::Organisation(_)))
                if label.is_some_and(labels::is_organisation) =>
            {
                self.direct(cell, MemberId::CompanyName, Piece::Whole);
            }
            (Target::Member(_), Some(Label::Anniversary(_)))
                if !label.is_some_and(|label| {
                    names::words(names::cut(label, 64)).iter().any(|word| word == "anniversary")
                }) => {}
            (Target::Member(id), Some(Label::Phone(_))) => {
                let kind = label.and_then(context::phone_kind).unwrap_or(Some(*id));
                self.phone(cell, kind, *id);
            }
            (Target::Member(id), Some(Label::Address(by, group))) => {
                self.address_part(cell, *id, by, group, column.fallback)
            }
            (Target::Member(id), _) => {
                if column.fallback && self.has(*id) {
                    self.leftover(cell, *id, column);
                } else if column.joined && is_joined(self.text(cell)) {
                    self.joined(cell, *id);
                } else {
                    self.marked(cell, *id, column.marked);
                }
            }
            (Target::FullName, _) => self.full_name(cell, column),
            (Target::Birthday, _) => self.birthday(cell, column),
            (Target::WholeAddress(kind), _) => self.address(cell, *kind),
            (Target::CityState(kind), _) => self.city_state(cell, *kind),
            (Target::Custom(_) | Target::None, _) => {}
        }
    }

    /// The text of a label.
    fn label(&self, by: usize) -> Option<&'a str> {
        let labels = &self.out.scratch.labels;
        let at = labels.partition_point(|(column, _)| *column < by);
        labels.get(at).filter(|(column, _)| *column == by).map(|(_, cell)| self.cells[*cell].1)
    }

    /// A fallback whose member is there already. Where the table says that it counts only then, nothing is lost; otherwise two
    /// columns that did not occur together so far disagree.
    fn leftover(&mut self, cell: usize, id: MemberId, column: &Column) {
        if !column.note.contains("fallback") && !column.note.contains("lowest priority") {
            let first = self.out.scratch.at[id as usize] as usize;
            self.against(first, cell, id, &Piece::Whole);
        }
    }

    /// A value that may have a marker in front.
    fn marked(&mut self, cell: usize, id: MemberId, is_marked: bool) {
        let text = self.text(cell);
        let start = text.len() - text.trim_start().len();
        match text[start..].strip_prefix("p:").filter(|_| is_marked) {
            Some(_) => {
                let part = Piece::Part(start + 2..text.len());
                let members = self.direct(cell, id, part).into_iter().collect();
                self.split(SplitKind::Marker, cell, members);
            }
            None => {
                self.direct(cell, id, Piece::Whole);
            }
        }
    }

    /// A phone number of a kind, or of the next one that is free. None for a number that is no telephone's.
    fn phone(&mut self, cell: usize, kind: Option<MemberId>, id: MemberId) {
        let whole = 0..self.text(cell).len();
        let Some(kind) = kind else { return self.hold(HeldReason::NoTelephone, id, cell, whole) };
        let free = if self.has_kind(kind) { self.free_phone() } else { Some(kind) };
        match free {
            Some(free) if is_joined(self.text(cell)) => self.joined(cell, free),
            Some(free) => {
                self.direct(cell, free, Piece::Whole);
            }
            None => self.hold(HeldReason::NoRoom, kind, cell, whole),
        }
    }

    fn has_kind(&self, id: MemberId) -> bool {
        PHONES.into_iter().any(|other| same_kind(other, id) && self.has(other))
    }

    /// The next phone member that is free, while the contact has fewer than three numbers.
    fn free_phone(&self) -> Option<MemberId> {
        let kinds = PHONES[..4].iter().filter(|id| self.has_kind(**id)).count();
        PHONES[..4].iter().copied().find(|id| kinds < PHONES_MAX && !self.has_kind(*id))
    }

    /// A part of an address whose label decides its kind.
    fn address_part(&mut self, cell: usize, id: MemberId, by: Option<usize>, group: u8, fallback: bool) {
        let Some((own, part)) = AddressKind::of(id) else { return };
        let known = self.out.scratch.groups.iter().find(|(known, _)| *known == group).map(|(_, kind)| *kind);
        let kind = known.unwrap_or_else(|| {
            let label = by.and_then(|by| self.label(by));
            let said = label.and_then(|label| {
                names::words(names::cut(label, 64)).iter().find_map(|word| context::address_kind(word))
            });
            // The unprefixed members are the home address.
            let said = match said {
                Some(AddressKind::Home) => AddressKind::Main,
                Some(kind) => kind,
                None => own,
            };
            let used = self
                .out
                .scratch
                .groups
                .iter()
                .filter_map(|(_, kind)| *kind)
                .fold(self.mapping.fixed_addresses, |bits, kind| bits | labels::bit(kind));
            let kinds = [said, AddressKind::Main, AddressKind::Work, AddressKind::Other];
            let kind = kinds.into_iter().find(|kind| used & labels::bit(*kind) == 0);
            self.out.scratch.groups.push((group, kind));
            kind
        });
        let whole = 0..self.text(cell).len();
        match kind.map(|kind| kind.part(part)) {
            Some(id) if fallback && self.has(id) => self.hold(HeldReason::Taken, id, cell, whole),
            Some(id) => {
                self.direct(cell, id, Piece::Whole);
            }
            None => self.hold(HeldReason::NoRoom, id, cell, whole),
        }
    }

    /// Members that were made of a value.
    fn make(&mut self, kind: SplitKind, cell: usize, made: &[(MemberId, &str)]) {
        let mut members = Vec::with_capacity(made.len());
        for (id, value) in made {
            if value.is_empty() {
                continue;
            }
            let from = self.out.made.len();
            self.out.made.push_str(value);
            let piece = Piece::Made(from..self.out.made.len());
            members.extend(self.direct(cell, *id, piece));
        }
        self.split(kind, cell, members);
    }

    fn full_name(&mut self, cell: usize, column: &Column) {
        if self.has(MemberId::FirstName) || self.has(MemberId::LastName) {
            if !column.fallback {
                let whole = 0..self.text(cell).len();
                self.hold(HeldReason::Taken, MemberId::FirstName, cell, whole);
            }
            return;
        }
        match split::full_name(self.text(cell)) {
            Some((first, last)) => {
                self.make(SplitKind::FullName, cell, &[(MemberId::FirstName, &first), (MemberId::LastName, &last)]);
            }
            None => {
                let whole = 0..self.text(cell).len();
                self.hold(HeldReason::UnclearName, MemberId::FirstName, cell, whole);
            }
        }
    }

    fn birthday(&mut self, cell: usize, column: &Column) {
        let whole = 0..self.text(cell).len();
        if self.has(MemberId::BirthdayMonth) || self.has(MemberId::BirthdayDay) {
            if !column.fallback {
                self.hold(HeldReason::Taken, MemberId::BirthdayMonth, cell, whole);
            }
            return;
        }
        match split::birthday(self.text(cell), self.out.date_order) {
            BirthdayResult::Day(month, day) => {
                let (month, day) = (month.to_string(), day.to_string());
                let made = [(MemberId::BirthdayMonth, month.as_str()), (MemberId::BirthdayDay, day.as_str())];
                self.make(SplitKind::Birthday, cell, &made);
            }
            BirthdayResult::Absent => self.split(SplitKind::Birthday, cell, Vec::new()),
            BirthdayResult::Unclear => self.hold(HeldReason::UnclearBirthday, MemberId::BirthdayMonth, cell, whole),
        }
    }

    /// An address in one value, beside columns that may have its parts too.
    fn address(&mut self, cell: usize, kind: AddressKind) {
        let whole = 0..self.text(cell).len();
        match split::address(self.text(cell)) {
            // Half of this address and half of another one would be none of both.
            Some(_) if self.has(kind.part(0)) => self.hold(HeldReason::Taken, kind.part(0), cell, whole),
            Some(found) => {
                let parts = [&found.street, &found.city, &found.state, &found.zip, &found.country];
                let ids = [0, 2, 3, 4, 5].map(|part| kind.part(part));
                let made: Vec<(MemberId, &str)> = ids.into_iter().zip(parts.map(String::as_str)).collect();
                self.make(SplitKind::Address, cell, &made);
            }
            None => self.hold(HeldReason::UnclearAddress, kind.part(0), cell, whole),
        }
    }

    fn city_state(&mut self, cell: usize, kind: AddressKind) {
        if self.has(kind.part(2)) || self.has(kind.part(3)) {
            return;
        }
        match split::city_state(self.text(cell)) {
            Some((city, state)) => {
                self.make(SplitKind::Address, cell, &[(kind.part(2), &city), (kind.part(3), &state)]);
            }
            None => {
                let whole = 0..self.text(cell).len();
                self.hold(HeldReason::UnclearAddress, kind.part(2), cell, whole);
            }
        }
    }
}

#[cfg(test)]
mod tests;
