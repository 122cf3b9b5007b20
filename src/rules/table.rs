//! Tables and vCards: rows and cards that cannot be read as contacts.

use super::{Effect, Rule};
use crate::model::finding::{Code, Severity};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::TAB001,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the row has more cells than the header has columns",
        help: "put the text that has the delimiter in it into quotes, and quotes within it twice",
        why: "A delimiter in a cell without quotes moves every value behind it into the wrong column. Cells without a value behind the \
              last column do no harm and are passed over.",
        before: "Ann,Smith, MD,ann@example.com under the header first_name,last_name,email",
        after: "the row is rejected",
    },
    Rule {
        code: Code::TAB002,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the row is not in the encoding of the table",
        help: "if the whole file has another encoding, name it: --encoding windows-1252 is the most common",
        why: "Bytes that cannot be read would become wrong names and addresses.",
        before: "the byte E9 alone, which is é in Windows-1252, in a table of UTF-8",
        after: "the row is rejected",
    },
    Rule {
        code: Code::TAB003,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the vCard has no END:VCARD, or the text is outside of vCards",
        help: "complete the card; at the end of a file, the export was probably cut off: make it again",
        why: "What is missing behind the last line may be the address, or that the person said no.",
        before: "BEGIN:VCARD with an EMAIL, and then the next BEGIN:VCARD",
        after: "the card is rejected",
    },
    Rule {
        code: Code::TAB004,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the vCard has bytes that are no text in its encoding",
        help: "if the whole file has another encoding, name it: --encoding windows-1252 is the most common; for quoted-printable, \
               the property has to name it: CHARSET=windows-1252",
        why: "Bytes that cannot be read would become wrong names and addresses.",
        before: "FN;ENCODING=QUOTED-PRINTABLE:J=FCrgen",
        after: "the card is rejected",
    },
    Rule {
        code: Code::TAB005,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "the cell of the spreadsheet has an error, and counts as empty",
        help: "correct the formula in the spreadsheet, if the value is needed",
        why: "#N/A and the like are what a formula says when it has no value. They say nothing about the person.",
        before: "first_name is #N/A",
        after: "first_name is absent",
    },
];
