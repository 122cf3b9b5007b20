//! Who may be written to: which columns say so, and what their values mean.

/// What kind of statement a column makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermissionKind {
    /// Yes means that the person said no.
    OptOut,
    /// When, where or why the person said no: any text means it.
    OptOutTrace,
    /// No means that the person said no.
    Consent,
    /// When, where or how the person agreed: any text passes.
    ConsentTrace,
    /// A word such as `subscribed` or `unsubscribed`.
    Status,
    /// Says nothing about permission, but some values deserve a look: bounces, or people who died.
    Caution,
}

/// A column that says whether a person may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionColumn {
    /// What kind of statement it makes.
    pub kind: PermissionKind,
}

/// What a value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The person said no.
    OptedOut,
    /// The person may be written to.
    Passes,
    /// Nothing.
    Silent,
    /// It is not understood. In an opt-out column this rejects ([`PermissionColumn::unclear_rejects`]).
    Unclear,
}

impl PermissionColumn {
    /// What a value means. An empty one is to be given as "".
    #[must_use]
    pub fn meaning(self, _value: &str) -> Meaning {
        Meaning::Silent
    }

    /// Whether a value that is not understood rejects the contact.
    #[must_use]
    pub fn unclear_rejects(self) -> bool {
        matches!(self.kind, PermissionKind::OptOut | PermissionKind::OptOutTrace)
    }
}

/// What kind of statement a column of this name makes, in a file of any system. A column whose name is `status` alone is decided
/// by its values.
#[must_use]
pub fn of_name(_name: &str) -> Option<PermissionColumn> {
    None
}
