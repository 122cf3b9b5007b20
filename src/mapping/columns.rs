//! The mapping of an input: its columns, each with its target.

use super::decide::{self, Rules, Unmapped};
use super::permission::{PermissionColumn, PermissionKind};
use crate::model::member::MemberId;
use std::collections::HashMap;

/// A hash map by name. Its hash has a key of its own, so that no names can be made to collide; it is asked for names only that
/// do not come in the usual order ([`Mapping::find_near`]).
pub(super) type ByName = HashMap<Box<str>, u32>;

/// The kind of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressKind {
    /// The unprefixed members, which the service takes for the home address.
    Main,
    /// `home_`
    Home,
    /// `work_`
    Work,
    /// `other_`
    Other,
}

impl AddressKind {
    /// All of them.
    pub const ALL: [AddressKind; 4] = [AddressKind::Main, AddressKind::Home, AddressKind::Work, AddressKind::Other];

    /// A member of this address: the part is 0 street, 1 street2, 2 city, 3 state, 4 zip, 5 country.
    ///
    /// # Panics
    /// The part is above 5.
    #[must_use]
    pub fn part(self, part: usize) -> MemberId {
        use MemberId as M;
        const PARTS: [[MemberId; 6]; 4] = [
            [M::Street, M::Street2, M::City, M::State, M::Zip, M::Country],
            [M::HomeStreet, M::HomeStreet2, M::HomeCity, M::HomeState, M::HomeZip, M::HomeCountry],
            [M::WorkStreet, M::WorkStreet2, M::WorkCity, M::WorkState, M::WorkZip, M::WorkCountry],
            [M::OtherStreet, M::OtherStreet2, M::OtherCity, M::OtherState, M::OtherZip, M::OtherCountry],
        ];
        PARTS[self as usize][part]
    }

    /// The kind and the part of a member of an address.
    #[must_use]
    pub fn of(id: MemberId) -> Option<(AddressKind, usize)> {
        let at = (id as usize).checked_sub(MemberId::Street as usize)?;
        AddressKind::ALL.get(at / 6).map(|kind| (*kind, at % 6))
    }
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A member of the contract.
    Member(MemberId),
    /// A custom field, by its whole name: `cf:Tier`.
    Custom(String),
    /// `first_name` and `last_name`, of one value.
    FullName,
    /// `birthday_month` and `birthday_day`, of one value.
    Birthday,
    /// An address in one value.
    WholeAddress(AddressKind),
    /// City and state in one value.
    CityState(AddressKind),
    /// Nothing: the column is not in the output.
    None,
}

/// How a column was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// `--ignore`
    Ignored,
    /// `--rename`
    Renamed,
    /// The map file.
    File,
    /// There is a map file, and it does not mention the column. Only a [late](Mapping::late) name has this: at first it is an
    /// error.
    Unmentioned,
    /// The recognised system.
    System,
    /// The contract's own name.
    Contract,
    /// A generic synonym.
    Synonym,
    /// Nothing knows it; `--unmapped custom` makes it a custom field.
    Custom,
    /// Nothing knows it.
    Unmapped,
    /// It is known, but this other column has the member, and a record has both.
    Taken(usize),
    /// presort's own, from a file of rejects.
    Own,
}

impl How {
    /// In a word, for programs: receipts and `presort map --format json` have the same.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            How::Ignored => "ignored",
            How::Renamed => "renamed",
            How::File => "file",
            How::Unmentioned => "unmentioned",
            How::System => "system",
            How::Contract => "contract",
            How::Synonym => "synonym",
            How::Custom => "custom",
            How::Unmapped => "unmapped",
            How::Taken(_) => "taken",
            How::Own => "own",
        }
    }
}

/// What another column says about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// The column of this index says which kind of phone number it is.
    Phone(usize),
    /// Columns of one group are one address; the column of this index, if there is one, says which kind it is.
    Address(Option<usize>, u8),
    /// The value counts only where the column of this index says `anniversary`.
    Anniversary(usize),
    /// Where the column of this index says that the record is an organisation, the value is its name.
    Organisation(usize),
}

/// One column of an export, or one name in its records.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, or its path within the record. Names longer than [`NAME_MAX`](super::profile::NAME_MAX) are cut.
    pub name: String,
    /// What becomes of it.
    pub target: Target,
    /// The value counts only where no other column of the record gives the member.
    pub fallback: bool,
    /// What its values say about permission for email. This holds whatever the target is.
    pub permission: Option<PermissionColumn>,
    /// How it was decided.
    pub found: How,
    /// The note of the recognised system's table, or nothing.
    pub note: &'static str,
    /// What another column says about its values.
    pub label: Option<Label>,
    /// In how many of the first records it has a value.
    pub filled: u32,
    /// Up to three values, each cut after some 60 characters.
    pub samples: Vec<String>,
    /// What an unmapped column may be, by a name that differs little: the value for a map file. Only a suggestion.
    pub suggestion: Option<String>,
    /// It says which kind another column's value is.
    pub decides: bool,
    /// A value may be several, joined by ` ::: `.
    pub(super) joined: bool,
    /// Values have a marker in front, like `p:` before a phone number.
    pub(super) marked: bool,
}

/// The system that wrote an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemMatch {
    /// Its name, as in the table: `hubspot`.
    pub name: &'static str,
    /// Names of the input that the system has.
    pub matched: usize,
    /// Names of the input.
    pub headers: usize,
    /// Other systems that have the same names. Where they disagree about one, none of them counts.
    pub others: usize,
}

/// The mapping of an input.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The columns, in the order in which they were met.
    pub columns: Vec<Column>,
    /// The system that wrote it, if it was recognised.
    pub system: Option<SystemMatch>,
    /// Records that were looked at.
    pub records: u32,
    /// What becomes of names that nothing knows.
    pub unmapped: Unmapped,
    /// Names in the options and in the map file that no column has.
    pub unused: Vec<String>,
    pub(super) by_name: ByName,
    /// What decides names that are met later.
    pub(super) rules: Rules,
    /// The members that columns have, each with the first of them.
    pub(super) holders: HashMap<MemberId, usize>,
    /// Some columns are labels of others.
    pub(super) has_labels: bool,
    /// A bit for each kind of address that columns without a label have.
    pub(super) fixed_addresses: u8,
}

impl Mapping {
    /// The index of the column of this name.
    #[must_use]
    #[inline]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).map(|index| *index as usize)
    }

    /// The same, with a guess: records of one export mostly have their names in one order, so that a name's column is often the
    /// one behind that of the name before.
    #[must_use]
    #[inline]
    pub fn find_near(&self, name: &str, guess: usize) -> Option<usize> {
        match self.columns.get(guess) {
            Some(column) if column.name == name => Some(guess),
            _ => self.find(name),
        }
    }

    /// Decides a name that did not occur at first, by the same rules. The answer depends on nothing but the name, so that it is
    /// the same in every thread. It never takes a member that another column has, except where that one is empty.
    #[must_use]
    pub fn late(&self, name: &str) -> Column {
        decide::late(self, name)
    }

    /// The columns that are in no output: nothing knows them, or another column has their member.
    pub fn unmapped(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.is_unmapped())
    }

    /// The column of an index; those from `columns.len()` on are late ones.
    #[must_use]
    #[inline]
    pub fn column<'a>(&'a self, late: &'a [Column], index: usize) -> Option<&'a Column> {
        match index.checked_sub(self.columns.len()) {
            None => self.columns.get(index),
            Some(index) => late.get(index),
        }
    }
}

impl Column {
    /// Whether a value is the member's as it is, whatever else the record has. (It may be [several](Column::is_joined).)
    #[must_use]
    pub fn is_direct(&self) -> bool {
        !self.fallback && self.label.is_none() && !self.marked
    }

    /// How many of the first `records` have a value, in percent.
    #[must_use]
    pub fn filled_percent(&self, records: u32) -> u32 {
        (u64::from(self.filled) * 100 / u64::from(records.max(1))).min(100) as u32
    }

    /// Whether a value may be several, joined by ` ::: `.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    /// Whether it is for the list of unmapped columns: without target, and neither left out on purpose nor used for a decision.
    #[must_use]
    pub fn is_unmapped(&self) -> bool {
        self.target == Target::None
            && self.permission.is_none_or(|permission| permission.kind == PermissionKind::Word)
            && !self.decides
            && !matches!(self.found, How::Ignored | How::File | How::Own)
    }
}

/// The late names of one thread, with their columns. A record's cells may name them by an index behind the mapping's columns.
#[derive(Debug, Default)]
pub struct Late {
    columns: Vec<Column>,
    by_name: ByName,
}

/// Late names that are remembered.
const LATE_MAX: usize = 10_000;

impl Late {
    /// The index of a name's column, among the mapping's or behind them.
    pub fn find(&mut self, mapping: &Mapping, name: &str) -> usize {
        if let Some(index) = mapping.find(name) {
            return index;
        }
        if let Some(index) = self.by_name.get(name) {
            return mapping.columns.len() + *index as usize;
        }
        let index = self.columns.len();
        self.columns.push(mapping.late(name));
        if name.len() <= super::profile::NAME_MAX {
            self.by_name.insert(name.into(), index as u32);
        }
        mapping.columns.len() + index
    }

    /// To call between records: forgets all names if there are many, so that memory is bounded.
    pub fn end_record(&mut self) {
        if self.columns.len() > LATE_MAX {
            *self = Late::default();
        }
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}
