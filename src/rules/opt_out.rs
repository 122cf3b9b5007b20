//! Opt-outs: people who must not be written to. Which columns say so, and what their values mean, is decided in
//! [`mapping::permission`](crate::mapping::permission); these are the codes.

use super::{Effect, Rule};
use crate::model::finding::{Code, Severity};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::OPT001,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "this person opted out of email",
        help: "leave the person out; --opted-out keep imports them all the same, for accounts that hold unsubscribed contacts already",
        why: "An import gives a new contact permission for email. For someone who said no, that is a complaint, and often against the law.",
        before: r#"{"email":"joe@example.com","unsubscribed":"yes"}"#,
        after: "rejected",
    },
    Rule {
        code: Code::OPT002,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "an opt-out column with a value that is neither yes nor no",
        help: "write yes or no; if the column says something else, --ignore it",
        why: "What is not understood in such a column may be a no, and writing to someone who said no costs most.",
        before: r#"{"email":"joe@example.com","opt_out":"perhaps"}"#,
        after: "rejected",
    },
    Rule {
        code: Code::OPT003,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "a consent or status column with a value that says neither yes nor no",
        help: "look at the value: if it means no, leave the person out",
        why: "An import gives a new contact permission for email.",
        before: r#"{"email":"joe@example.com","email_consent":"ask again"}"#,
        after: "kept, with a warning",
    },
    Rule {
        code: Code::OPT004,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the address is in the list of --suppress",
        help: "leave the person out",
        why: "The list has the people who must not be imported.",
        before: r#"{"email":"Joe@example.com"}, and joe@example.com in the list"#,
        after: "rejected",
    },
];
