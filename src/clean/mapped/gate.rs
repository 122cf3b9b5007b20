//! What a column says about permission, checked without reading its words each time.

use crate::mapping::{Meaning, PermissionColumn};

/// Bytes of a value that are remembered.
const KNOWN: usize = 16;

/// Lets the values of a column pass, or not.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    permission: Option<PermissionColumn>,
    /// The last value that is no statement against writing to the person.
    passes: ([u8; KNOWN], usize),
}

impl Gate {
    /// For a column that may say something about permission.
    pub(super) fn new(permission: Option<PermissionColumn>) -> Self {
        Gate { permission, passes: ([0; KNOWN], 0) }
    }

    /// Whether some values do not pass.
    #[inline]
    pub(super) fn is_there(&self) -> bool {
        self.permission.is_some()
    }

    /// Nothing for a value that speaks against writing to the person, or says nothing that is known.
    #[inline]
    pub(super) fn check(&mut self, value: &[u8]) -> Option<()> {
        let Some(permission) = self.permission else { return Some(()) };
        let (known, len) = &self.passes;
        if *len == value.len() && known[..*len] == *value {
            return Some(());
        }
        self.read(permission, value)
    }

    #[inline(never)]
    fn read(&mut self, permission: PermissionColumn, value: &[u8]) -> Option<()> {
        let meaning = permission.meaning(std::str::from_utf8(value).ok()?);
        if matches!(meaning, Meaning::OptedOut | Meaning::Unclear) {
            return None;
        }
        if value.len() <= KNOWN {
            self.passes.0[..value.len()].copy_from_slice(value);
            self.passes.1 = value.len();
        }
        Some(())
    }
}
