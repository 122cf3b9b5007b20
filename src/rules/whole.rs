//! The contact as a whole: syntax, shape, identity, names; and values of the wrong type or of none.

use super::{Effect, Rule};
use crate::model::finding::{Code, Severity};

/// Longest contact, in bytes of its JSON.
pub const CONTACT_BYTES_MAX: u64 = 1 << 20;

/// Broken input.
pub static SYNTAX: &[Rule] = &[
    Rule {
        code: Code::SYN001,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "this line is not a JSON object",
        help: "correct the line, and clean the rejects again",
        why: "Broken syntax is never repaired by guessing. One bad line of NDJSON rejects that line; in a JSON document it ends the run \
              at that byte, with exit status 2.",
        before: r#"{"email":"joe@example.com",}"#,
        after: "the line is rejected, as it is",
    },
    Rule {
        code: Code::SYN002,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the contact is larger than 1 MiB",
        help: "look for an unclosed quote, or for data that does not belong in a contact",
        why: "No contact of the service comes near this size. The limit bounds the memory of a run.",
        before: r#"{"email":"joe@example.com","cf:notes":"(2 MiB)"}"#,
        after: "the contact is rejected, whole",
    },
    Rule {
        code: Code::SYN003,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "nested deeper than 64",
        help: "a contact is flat: remove the nested data",
        why: "Unbounded nesting is a known attack on parsers. One such line of NDJSON is rejected; in a JSON document it ends the run at \
              that byte, with exit status 2.",
        before: "[[[[ ... (65 deep) ... ]]]]",
        after: "the line is rejected, as it is",
    },
    Rule {
        code: Code::SYN004,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "a byte-order mark stands between contacts",
        help: "nothing to do, if several files were joined on purpose",
        why: "Only the start of a file has this mark. One in the middle shows that files were joined; it is skipped, and reported once per \
              input.",
        before: "the bytes EF BB BF before the second file of two",
        after: "skipped",
    },
    Rule {
        code: Code::SYN005,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "the lines are a bulk request of Elasticsearch: action lines are no contacts, their documents are",
        help: "nothing to do",
        why: "A bulk request has a line before each document that says where it goes. Such lines are passed over and counted; they are \
              reported once per input, with their number as the value.",
        before: r#"{"index":{"_id":"1"}}, and on the next line {"email":"joe@example.com"}"#,
        after: "the document is taken",
    },
    Rule {
        code: Code::SYN006,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "the header of the table stands between its rows once more",
        help: "nothing to do, if several tables were joined on purpose",
        why: "A row that is the header again is no contact. It shows that files were joined; it is passed over and counted, and reported \
              once per input, with the number of such rows as the value.",
        before: "email,first_name as a row of a table with that header",
        after: "passed over",
    },
];

/// Faults of a contact as a whole.
pub static CONTACT: &[Rule] = &[
    Rule {
        code: Code::CON001,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "a contact must be an object",
        help: "remove it, or write the contact as an object with its members",
        why: "The import endpoint takes an array of objects.",
        before: "null",
        after: "rejected",
    },
    Rule {
        code: Code::CON002,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "neither an email address nor a number for text messages",
        help: "give email or sms_number",
        why: "The service identifies contacts by one of these two; without either there is no contact to import.",
        before: r#"{"first_name":"Joe"}"#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::CON003,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "a member is given twice",
        help: "keep the one that is meant",
        why: "Parsers differ in which of the two they use, so the intended one is unknown.",
        before: r#"{"email":"a@example.com","email":"b@example.com"}"#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::CON004,
        severity: Severity::Warning,
        effect: Effect::HoldsBack,
        message: "the import has no member of this name",
        help: "leave it out, or send it as a custom field: cf:NAME",
        why: "The import endpoint knows a fixed set of names. An unknown one would be lost at best, and fail the import at worst.",
        before: r#""firstName":"Joe""#,
        after: "held back, with a hint at the right spelling",
    },
    Rule {
        code: Code::CON005,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the contact alone is larger than a body may be",
        help: "raise --max-bytes, or shorten the contact",
        why: "A body is dropped beyond its limit, so a contact must fit in one.",
        before: r#"{"email":"joe@example.com", ... }   (with a --max-bytes that is too small)"#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::CON006,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "written as home_country",
        help: "nothing to do",
        why: "The published schema spells this one member with a space; every other one has an underscore.",
        before: r#""home country":"United States""#,
        after: r#""home_country":"United States""#,
    },
];

/// Values whose type is wrong, or which say nothing.
pub static VALUE: &[Rule] = &[
    Rule {
        code: Code::VAL001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the value must be text",
        help: "write the value as a string",
        why: "The schema's type for this member is string; true, false, arrays and objects have no text of their own.",
        before: r#""first_name":["Joe"]"#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::VAL002,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "a number was converted to text, digit by digit",
        help: "nothing to do; if it had leading zeros, the export has lost them",
        why: "The schema's type for this member is string. The digits are copied as they stand, never sent through a float.",
        before: r#""zip":60609"#,
        after: r#""zip":"60609""#,
    },
    Rule {
        code: Code::VAL003,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the value is empty; the member was left out",
        help: "nothing to do",
        why: "An import updates the members it carries: a blank must not erase what the account has.",
        before: r#""job_title":"  ","city":null"#,
        after: "both are left out",
    },
    Rule {
        code: Code::VAL004,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a spreadsheet shortened this number, and digits are lost",
        help: "format the column as text in the spreadsheet, and export it again",
        why: "A number written with an exponent has fewer digits than it had; which ones are missing cannot be known.",
        before: r#""zip":2.1E+04"#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::VAL005,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "a number with an exponent: digits may be lost",
        help: "look at the source: format the column as text there, and export it again, if the number was longer",
        why: "Spreadsheets and programs write long numbers this way. Where any text is allowed, it is kept as written.",
        before: r#""cf:Member":6.18E+09"#,
        after: r#""cf:Member":"6.18E+09""#,
    },
    Rule {
        code: Code::VAL006,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "a whole number written as a float was reduced to its digits",
        help: "nothing to do; if it had leading zeros, the export has lost them",
        why: "Spreadsheets and data frames keep whole numbers as floats, and write 2139.0 for 2139.",
        before: r#""zip":60609.0"#,
        after: r#""zip":"60609""#,
    },
];
