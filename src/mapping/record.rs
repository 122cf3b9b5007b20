//! One record: its cells to members.

use super::columns::{Column, Mapping};
use super::permission::{Meaning, PermissionColumn};
use crate::model::member::MemberId;
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
}

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
    }
}

impl Mapping {
    /// Takes the cells of a record, in order, to members. A cell is the index of its column and its text. Indices behind the
    /// mapping's columns are those of `late`. Cells that are empty or of white space alone are ignored.
    pub fn record(&self, _late: &[Column], _cells: &[(usize, &str)], out: &mut MappedRecord) {
        out.clear();
    }
}
