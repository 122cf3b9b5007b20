//! The systems whose names are known.

/// A header of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// What it is: a member, several with commas, `cf`, or `-`.
    pub member: &'static str,
    /// What is special about it.
    pub note: &'static str,
}

/// A system.
#[derive(Debug)]
pub struct System {
    /// Its name.
    pub name: &'static str,
    /// Its headers.
    pub headers: Vec<Header>,
}

/// Every system.
#[must_use]
pub fn systems() -> &'static [System] {
    &[]
}
