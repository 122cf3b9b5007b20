//! The rules, with every code in one table. Each family has a file with its check, its normalisation, its codes and their
//! explanations for `presort explain`, and its unit tests.

pub mod address;
pub mod birthday;
pub mod custom;
pub mod damaged;
pub mod date;
pub mod duplicates;
pub mod email;
pub mod envelope;
pub mod import;
pub mod mapping;
pub mod number;
pub mod opt_out;
pub mod phone;
pub mod sms;
pub mod suppress;
pub mod table;
pub mod text;
pub mod whole;

use crate::model::finding::{Code, Detail, Severity};
use crate::model::identity::IdentityKey;
use std::sync::{Arc, OnceLock};

/// The effect of a finding, unless an option changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The run ends before any output, with exit status 2.
    Stops,
    /// The contact is not in the output.
    Rejects,
    /// The value is not in the output.
    HoldsBack,
    /// Nothing: it is only reported.
    Keeps,
    /// The value is written in another form, or left out because it is empty.
    Changes,
}

impl Effect {
    /// In a word or two.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Stops => "stops_run",
            Effect::Rejects => "rejected",
            Effect::HoldsBack => "held_back",
            Effect::Keeps => "kept",
            Effect::Changes => "changed",
        }
    }
}

/// A rule and its explanation. Every text is plain ASCII without quotes or backslashes in `message` and
/// `help`, so that reports can copy those two without escaping.
#[derive(Debug)]
pub struct Rule {
    /// Its code.
    pub code: Code,
    /// How bad a breach is.
    pub severity: Severity,
    /// The effect of a breach.
    pub effect: Effect,
    /// What is wrong, for a report line.
    pub message: &'static str,
    /// What to do about it.
    pub help: &'static str,
    /// Why the service cares.
    pub why: &'static str,
    /// A value that breaks the rule, as JSON.
    pub before: &'static str,
    /// What presort makes of it.
    pub after: &'static str,
}

/// The families, in the order of the codes.
static FAMILIES: &[&[Rule]] = &[
    envelope::RULES,
    whole::SYNTAX,
    whole::CONTACT,
    whole::VALUE,
    damaged::RULES,
    text::RULES,
    email::RULES,
    phone::RULES,
    address::RULES,
    date::RULES,
    birthday::RULES,
    sms::RULES,
    custom::RULES,
    duplicates::RULES,
    opt_out::RULES,
    mapping::RULES,
    table::RULES,
    import::RULES,
];

/// Every rule, in the order of [`Code::ALL`].
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The rule of a code.
///
/// # Panics
/// Never: a test holds the table against the codes.
#[must_use]
pub fn rule(code: Code) -> &'static Rule {
    static TABLE: OnceLock<Vec<&'static Rule>> = OnceLock::new();
    TABLE.get_or_init(|| all().collect())[code as usize]
}

/// Whether a breach of this rule shows in the form of the value: what is wrong with it is wrong with all of the same form.
#[must_use]
#[doc(hidden)]
pub fn has_shape(code: Code) -> bool {
    use Code::*;
    matches!(
        code,
        EML001
            | EML002
            | EML003
            | EML008
            | PHN001
            | PHN002
            | PHN003
            | DAT001
            | DAT002
            | DAT005
            | BDY001
            | SMS001
            | SMS002
            | SMS003
            | VAL004
            | VAL008
            | OPT002
            | MAP005
            | MAP006
            | MAP012
    )
}

/// The answer of a rule about one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueCheck {
    /// It is normal.
    Same,
    /// Its normal form is in the buffer; the code says what changed.
    Changed(Code),
    /// It is empty.
    Blank,
    /// It says that there is no value, by the rule of this code.
    Absent(Code),
    /// It breaks the rule of this code.
    Bad(Code, Detail<'static>),
}

/// What happens to an optional value that breaks its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadField {
    /// The contact goes on without it.
    #[default]
    Hold,
    /// The contact is rejected.
    Reject,
}

/// How phone numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneFormat {
    /// `123-123-1234`
    #[default]
    Dashed,
    /// `1231231234`
    Digits,
}

/// What happens to a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// It is written and reported; the service merges the contacts in order.
    #[default]
    Keep,
    /// It is rejected.
    First,
}

/// What happens to a contact who opted out of email.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptedOut {
    /// The contact is rejected.
    #[default]
    Reject,
    /// The contact is kept, with a warning.
    Keep,
    /// Nothing: columns that say so are names like any other. The published endpoint works this way.
    #[doc(hidden)]
    Ignore,
}

/// The settings of the rules.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Longest email address, in characters.
    pub email_max: usize,
    /// What happens to a bad optional value.
    pub bad_field: BadField,
    /// Cut text at its limit instead of holding it back.
    pub truncate: bool,
    /// Check area codes and exchanges against the North American Numbering Plan.
    pub nanp: bool,
    /// How phone numbers are written.
    pub phone_format: PhoneFormat,
    /// The order of day, month and year in dates whose year is last.
    pub date_order: date::DateOrder,
    /// Restore the leading zeros of US ZIP codes.
    pub fix_zip: bool,
    /// Texts that stand for no value.
    pub null_texts: Vec<String>,
    /// What happens to duplicates.
    pub duplicates: Duplicates,
    /// What happens to contacts who opted out of email.
    pub opted_out: OptedOut,
    /// Contacts with these addresses are rejected.
    pub suppressed: Option<Arc<suppress::SuppressionList>>,
    /// Today: a consent date after it is bad. By default it is the day on which the settings are made.
    pub as_of: date::Date,
    /// The account's custom fields. None: names are not checked.
    pub custom_fields: Option<custom::Fields>,
    /// Whether the body declares `explicit` consent to text messages.
    pub sms_explicit: bool,
    /// Longest cleaned contact that a body can take, in bytes.
    pub contact_bytes_max: usize,
    /// The key of the hashes that identify contacts. Each run draws its own.
    pub identity_key: IdentityKey,
    /// Inputs of earlier runs whose bodies this run adds to: a contact that they rejected has come back.
    pub earlier_inputs: Vec<String>,
    /// A member that presort added to each contact in an earlier run: it is left out without a finding.
    pub key: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            email_max: 50,
            bad_field: BadField::Hold,
            truncate: false,
            nanp: false,
            phone_format: PhoneFormat::Dashed,
            date_order: date::DateOrder::MonthFirst,
            fix_zip: false,
            null_texts: Vec::new(),
            duplicates: Duplicates::Keep,
            opted_out: OptedOut::Reject,
            suppressed: None,
            as_of: date::Date::today(),
            custom_fields: None,
            sms_explicit: false,
            contact_bytes_max: usize::MAX,
            identity_key: IdentityKey::draw(),
            earlier_inputs: Vec::new(),
            key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_codes() {
        let codes: Vec<Code> = all().map(|rule| rule.code).collect();
        assert_eq!(codes, Code::ALL);
        for code in Code::ALL {
            assert_eq!(rule(*code).code, *code);
        }
    }

    #[test]
    fn every_rule_is_explained() {
        for rule in all() {
            for text in [rule.message, rule.help, rule.why, rule.before, rule.after] {
                assert!(text.len() > 3, "{}: a text is missing", rule.code);
            }
            for text in [rule.message, rule.help] {
                let plain = |b: u8| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\';
                assert!(text.bytes().all(plain), "{}: {text:?} would need escaping", rule.code);
            }
            let change = rule.severity == Severity::Change;
            assert_eq!(change, rule.effect == Effect::Changes, "{}", rule.code);
        }
    }
}
