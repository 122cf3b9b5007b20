//! A run: inputs are read, cleaned and written. The only place with threads and channels.

mod contacts;
pub(crate) mod coordinator;
pub mod duplicates;
pub mod inputs;
pub mod job;
pub(crate) mod long;
pub mod mapping;
pub mod names;
#[cfg(any(feature = "cli", feature = "send"))]
pub mod origin;
pub mod reader;
mod selection;
mod settle;
pub mod writer;
