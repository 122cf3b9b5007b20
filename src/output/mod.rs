//! Where cleaned bytes go: files placed whole, bodies and their hashes, the receipt.

pub mod body;
pub mod file;
pub mod hash;
pub mod receipt;
pub(crate) mod temporary;
