//! A batch of contacts, cleaned: the fast path, the rules, and findings as lines. No threads and no I/O.

pub mod batch;
pub mod cleaner;
pub mod fast_path;
pub mod lines;
pub mod owned;
pub mod validator;
