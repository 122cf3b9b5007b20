//! The limits of one request body.

/// Most bytes of one body: the safe reading of "4 megabytes".
pub const MAX_BYTES: u64 = 4_000_000;
/// Most contacts of one body.
pub const MAX_CONTACTS: u64 = 40_000;

/// The limits of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A body is strictly smaller than this, in bytes.
    pub max_bytes: u64,
    /// Contacts.
    pub max_contacts: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_bytes: MAX_BYTES, max_contacts: MAX_CONTACTS }
    }
}
