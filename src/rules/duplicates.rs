//! Duplicates: contacts that occurred before in the run.

use super::{Effect, Rule};
use crate::model::finding::{Code, Severity};

/// The family's codes.
pub static RULES: &[Rule] = &[Rule {
    code: Code::DUP001,
    severity: Severity::Warning,
    effect: Effect::Keeps,
    message: "this contact occurred before: the same email address, or without one the same number",
    help: "the service merges them, and later values win; --duplicates sets which to keep",
    why: "The service merges such contacts silently. Addresses are compared without case.",
    before: r#"{"email":"joe@example.com"}, {"email":"Joe@example.com"}"#,
    after: "both kept (with --duplicates first, the second is rejected)",
}];
