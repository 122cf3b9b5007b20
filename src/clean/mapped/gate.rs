//! What a column says about permission, checked without reading its words each time.

use crate::mapping::{Meaning, PermissionColumn};

/// Bytes of a value that are remembered.
const KNOWN: usize = 16;

/// Lets the values of a column pass, or not.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    permission: Option<PermissionColumn>,
    /// Values may be errors of a spreadsheet.
    is_sheet: bool,
    /// Some values do not pass.
    is_there: bool,
    /// The last value that is no statement against writing to the person.
    passes: ([u8; KNOWN], usize),
}

impl Gate {
    /// For a column that may say something about permission.
    pub(super) fn new(permission: Option<PermissionColumn>) -> Self {
        Gate { permission, is_sheet: false, is_there: permission.is_some(), passes: ([0; KNOWN], 0) }
    }

    /// Of a spreadsheet, whose errors do not pass.
    pub(super) fn of_sheet(self, is_sheet: bool) -> Self {
        Gate { is_sheet, is_there: self.is_there || is_sheet, ..self }
    }

    /// Whether some values do not pass.
    #[inline]
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// `None` for a value that is an opt-out, or whose meaning is not known.
    #[inline]
    pub(super) fn check(&mut self, value: &[u8]) -> Option<()> {
        if !self.is_there {
            return Some(());
        }
        if self.is_sheet && matches!(value.first(), Some(b'#' | b'E')) && is_sheet_error(value) {
            return None;
        }
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

/// Whether a value is an error of a spreadsheet, and no value.
pub(super) fn is_sheet_error(value: &[u8]) -> bool {
    const ERRORS: [&[u8]; 13] = [
        b"#N/A",
        b"#REF!",
        b"#VALUE!",
        b"#NAME?",
        b"#DIV/0!",
        b"#NUM!",
        b"#NULL!",
        b"#DATA!",
        b"#GETTING_DATA",
        b"#SPILL!",
        b"#CALC!",
        b"#FIELD!",
        b"#BLOCKED!",
    ];
    let is_of_libreoffice =
        || value.strip_prefix(b"Err:").is_some_and(|code| code.len() == 3 && code.iter().all(u8::is_ascii_digit));
    ERRORS.contains(&value) || is_of_libreoffice()
}
