//! Findings of an account when contacts are imported into it (`presort import` and `presort serve`). Cleaning alone has none of
//! these.

use super::{Effect, Rule};
use crate::model::finding::{Code, Severity};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::IMP001,
        severity: Severity::Error,
        effect: Effect::Stops,
        message: "the account does not have this list",
        help: "create the list first, or copy its list_id from GET /contact_lists or presort account lists list; import --list-id replaces those in the body",
        why: "Contacts are added to every list of the body, so all of them must be there before the first contact is touched.",
        before: r#""list_ids":["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"]   (of another account)"#,
        after: "the activity fails, and no contact is imported",
    },
    Rule {
        code: Code::IMP002,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the address and the number belong to two different contacts",
        help: "import the contact with one of the two, or fix the contact that has the wrong one",
        why: "A contact is found by its address, else by its number. An import does not say which of the two is meant.",
        before: r#"{"email":"joe@example.com","sms_number":"508-123-1235"}   (the number is that of ann@example.com)"#,
        after: "the contact is not imported",
    },
    Rule {
        code: Code::IMP003,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the contact would have phones of four kinds",
        help: "a contact has at most 3 phones: leave one out, or use a kind that it has already",
        why: "A phone replaces only one of its own kind; the others stay, and three are allowed.",
        before: r#""mobile_phone":"508-123-1235"   (the contact has phones at home, at work, and another)"#,
        after: "held back: the contact is imported without it",
    },
    Rule {
        code: Code::IMP004,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the contact would have more than 25 custom fields",
        help: "a contact has values of at most 25 custom fields, those of earlier imports among them",
        why: "A value replaces only one of the same field; the others stay, and 25 are allowed.",
        before: r#""cf:tier":"gold"   (the contact has values of 25 other fields)"#,
        after: "held back: the contact is imported without it",
    },
    Rule {
        code: Code::IMP005,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the contact would be in more than 50 lists",
        help: "import the contact into fewer lists, or take it out of some",
        why: "An import keeps a contact in its lists, and 50 are allowed.",
        before: r#""list_ids":["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"]   (the contact is in 50 others)"#,
        after: "the contact is imported, and not added to that list",
    },
];
