//! Columns and names of any export, mapped to the members of the contract.
//!
//! A [`Profile`] gathers the names of the first records with some of their values. [`decide`](decide::decide) makes a
//! [`Mapping`] of it, once for an input. [`Mapping::record`] then takes the cells of one record to members. A name that is met
//! later is decided by the same rules ([`Mapping::late`]), whichever thread meets it.
//!
//! No I/O and no threads.

pub mod columns;
mod context;
pub mod decide;
pub mod file;
mod guess;
mod labels;
mod languages;
pub mod names;
pub mod permission;
pub mod profile;
pub mod record;
mod resolve;
pub mod split;
pub mod systems;

pub use columns::{AddressKind, Column, How, Label, Late, Mapping, SystemMatch, Target};
pub use decide::{MapError, MapOptions, Unmapped, decide};
pub use file::MapFile;
pub use guess::OWN_COLUMNS;
pub use guess::is_address_name;
pub use permission::{Meaning, PermissionColumn, PermissionKind};
pub use profile::Profile;
pub use record::{Held, HeldReason, MappedMember, MappedRecord, Permission, Piece, Split, SplitKind};
pub use systems::{is_identity, systems};
