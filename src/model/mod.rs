//! The types that all other modules share: positions, members, findings, errors.

pub mod error;
pub mod fault;
pub mod finding;
pub mod identity;
pub mod limits;
pub mod member;
pub(crate) mod name_lookup;
pub mod position;
pub mod printable;
