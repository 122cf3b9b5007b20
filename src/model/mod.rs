//! What everything speaks of: where something is, what a contact has, what is wrong with it, and what stops a run.

pub mod error;
pub mod fault;
pub mod finding;
pub mod identity;
pub mod limits;
pub mod member;
pub mod position;
pub mod printable;
