//! Findings that outlive their contact.

use super::lines;
use crate::model::finding::{Code, Finding, Outcome, Raw, Severity, To};
use crate::model::member::Value;

/// A finding about a contact or one of its values, with everything that a report line has.
///
/// ```
/// # use presort::{Cleaner, Contact, FoundValue, model::finding::Outcome};
/// # let cleaner = Cleaner::builder().build()?;
/// let line = br#"{"email":"joe@example.com","home_phone":"12345"}"#;
/// let contact = cleaner.contacts(&line[..]).next().unwrap()?;
/// let finding = &contact.findings()[0];
/// assert_eq!(finding.code.as_str(), "PHN001");
/// assert_eq!(finding.outcome, Outcome::HeldBack);
/// assert_eq!(finding.field.as_deref(), Some("home_phone"));
/// assert_eq!(finding.value, Some(FoundValue::String("12345".into())));
/// # Ok::<(), presort::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedFinding {
    /// The rule.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What was done about it.
    pub outcome: Outcome,
    /// The member, as the input names it; `None` for the contact as a whole.
    pub field: Option<String>,
    /// The column that the member came from, or its path in the record; `None` where names were not mapped.
    pub column: Option<String>,
    /// The value as the input has it, in full; `None` where the finding is about no value.
    pub value: Option<FoundValue>,
    /// What the value was changed to; `None` unless it was changed.
    pub to: Option<NewValue>,
    /// What is wrong, without the value.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// The value that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as JSON.
    Number(String),
    /// The text of a string.
    String(String),
    /// An array or an object, as JSON.
    Nested(String),
    /// Bytes of the input that are no JSON value: a broken line.
    Bytes(Vec<u8>),
}

/// What a value was changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewValue {
    /// The member was left out.
    LeftOut,
    /// This text.
    Text(String),
    /// This whole number.
    Integer(u8),
}

impl OwnedFinding {
    pub(crate) fn new(finding: &Finding<'_>) -> Self {
        OwnedFinding {
            code: finding.code,
            severity: finding.severity,
            outcome: finding.outcome,
            field: finding.field.map(str::to_owned),
            column: None,
            value: match finding.value {
                Raw::Nothing => None,
                Raw::Bytes(bytes) => Some(FoundValue::Bytes(bytes.to_vec())),
                Raw::Value(value) => Some(match value {
                    Value::Null => FoundValue::Null,
                    Value::Bool(value) => FoundValue::Bool(value),
                    Value::Integer(n) => FoundValue::Number(n.to_string()),
                    Value::Number(json) => FoundValue::Number(json.to_owned()),
                    Value::String(text) => FoundValue::String(text.to_owned()),
                    Value::Nested(json) => FoundValue::Nested(json.to_owned()),
                }),
            },
            to: match finding.to {
                To::None => None,
                To::LeftOut => Some(NewValue::LeftOut),
                To::Text(text) => Some(NewValue::Text(text.to_owned())),
                To::Integer(n) => Some(NewValue::Integer(n)),
            },
            message: lines::report_message(finding),
            help: lines::help(finding).to_owned(),
        }
    }
}
