//! What an account finds wrong when contacts are imported into it (`presort import` and `presort serve`). Cleaning alone finds
//! none of these.

use super::{Effect, Rule};
use crate::model::finding::{Code, Severity};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::IMP001,
        severity: Severity::Error,
        effect: Effect::Stops,
        message: "the account does not have this list",
        help: "make the list first, or take its list_id from GET /contact_lists or presort account lists list; import --list-id takes the place of those in the body",
        why: "Contacts are added to every list of the body, so all of them must be there before the first contact is touched.",
        before: r#""list_ids":["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"]   (of another account)"#,
        after: "the activity fails, and no contact is imported",
    },
    Rule {
        code: Code::IMP002,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the address and the number are those of two different contacts",
        help: "import the contact with one of the two, or mend the contact that has the wrong one",
        why: "A contact is found by its address, else by its number. An import does not say which of two is meant.",
        before: r#"{"email":"joe@example.com","sms_number":"508-123-1235"}   (the number is that of ann@example.com)"#,
        after: "the contact is not imported",
    },
    Rule {
        code: Code::IMP003,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the contact would have phones of four kinds",
        help: "a contact has at most 3 phones: leave one out, or bring a number of a kind that it has",
        why: "A phone takes the place of one of its kind only; the others stay, and there may be three.",
        before: r#""mobile_phone":"508-123-1235"   (the contact has phones at home, at work, and another)"#,
        after: "held back: the contact is imported without it",
    },
    Rule {
        code: Code::IMP004,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the contact would have more than 25 custom fields",
        help: "a contact has values of at most 25 custom fields, those of earlier imports among them",
        why: "A value takes the place of one of the same field only; the others stay, and there may be 25.",
        before: r#""cf:tier":"gold"   (the contact has values of 25 other fields)"#,
        after: "held back: the contact is imported without it",
    },
    Rule {
        code: Code::IMP005,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the contact would be in more than 50 lists",
        help: "import the contact into fewer lists, or take it out of some",
        why: "An import leaves a contact in the lists that it is in, and it may be in 50.",
        before: r#""list_ids":["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"]   (the contact is in 50 others)"#,
        after: "the contact is imported, and not added to that list",
    },
];
