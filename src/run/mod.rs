//! A run: inputs are read, cleaned and written. The only place with threads and channels.

pub mod duplicates;
pub mod job;
pub mod reader;
pub mod writer;
