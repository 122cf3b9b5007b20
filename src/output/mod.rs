//! Where cleaned bytes go: files that appear whole, bodies and their hashes, the receipt.

pub mod bodies;
pub mod body;
pub mod destination;
pub mod file;
pub mod hash;
pub mod in_all;
pub mod mapping;
pub mod merge;
pub mod origins;
pub mod part;
pub mod path;
mod piece;
mod preallocate;
pub mod receipt;
pub(crate) mod temporary;
