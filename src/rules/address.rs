//! Addresses, together: three kinds, of which the unprefixed members and `home_` are one.

use super::{Effect, Rule};
use crate::model::finding::{Code, Severity};

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
        message: "the same home address stands in the unprefixed members; it was left out here",
        help: "nothing to do",
        why: "The unprefixed members and those with home_ are both the home address; one of two equal ones says all.",
        before: r#""city":"Boston","home_city":"Boston""#,
        after: r#""city":"Boston""#,
    },
    Rule {
        code: Code::ADR003,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "a second line without a first was moved up",
        help: "nothing to do",
        why: "The service appends street2 to street: alone, it would be a street that is lost.",
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
