//! Cleaning a batch of contacts: the fast path, the validator, and findings as lines. No threads and no I/O.

pub mod batch;
pub mod causes;
pub mod cleaned;
pub mod cleaner;
mod cross_field;
pub mod fast_path;
mod finding_writer;
pub mod flatten;
pub mod lines;
pub mod mapped;
pub mod note;
pub mod owned;
pub mod profile;
pub mod selection;
pub mod table_rejects;
pub mod validator;
