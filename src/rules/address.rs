//! Addresses: three kinds, where the unprefixed members and those with `home_` are the same kind.

use super::number::{self, Float};
use super::text::{self, TextResult};
use super::{Effect, Rule, Settings, ValueCheck};
use crate::model::finding::{Code, Detail, Severity};
use crate::model::member::MemberId;

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::ADR001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a second, different home address",
        help: "give it another kind: work_ or other_",
        why: "The unprefixed members and those with home_ are both the home address, and a contact has one. The unprefixed stay.",
        before: r#""street":"1 Elm St","home_street":"9 Oak Ave""#,
        after: "the home_ members are held back",
    },
    Rule {
        code: Code::ADR002,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the unprefixed members have the same home address; the repeat was left out",
        help: "nothing to do",
        why: "The unprefixed members and those with home_ are both the home address, so one of two equal ones is enough.",
        before: r#""city":"Boston","home_city":"Boston""#,
        after: r#""city":"Boston""#,
    },
    Rule {
        code: Code::ADR003,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "a second line without a first was moved up",
        help: "nothing to do",
        why: "The service appends street2 to street: alone, it would be lost.",
        before: r#""street2":"1 Elm St""#,
        after: r#""street":"1 Elm St""#,
    },
    Rule {
        code: Code::ADR004,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a second line whose first line was held back",
        help: "correct the first line; the two go together",
        why: "The service appends street2 to street: alone, an apartment would become the street.",
        before: r#""street":"(300 characters)","street2":"Apt 4""#,
        after: "both are held back: the contact goes on without them",
    },
];

/// Checks a part of an address. A postal code that was written as a float is a number with or without lost digits.
#[inline]
pub fn check(given: &str, id: MemberId, settings: &Settings, buffer: &mut String) -> ValueCheck {
    let normal = text::normalise(given, buffer);
    if id.is_zip() {
        let text = if normal == TextResult::Changed { buffer.as_str() } else { given };
        let mut whole = String::new();
        match number::read(text, &mut whole) {
            Float::Whole => {
                *buffer = whole;
                return ValueCheck::Changed(Code::VAL006);
            }
            Float::Shortened | Float::Infinite => return ValueCheck::Bad(Code::VAL004, Detail::None),
            Float::Fraction | Float::No => {}
        }
    }
    text::check_length(normal, given, id, settings, buffer)
}
