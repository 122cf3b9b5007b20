//! Findings: faults and changes of a contact. They are data, not an [`Error`](crate::model::error::Error), and the run goes on.

use crate::model::member::Value;
use std::fmt;

macro_rules! codes {
    ($($code:ident)*) => {
        /// The stable code of a rule: the letters of its family and three digits, never used again for another rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Code { $($code,)* }

        impl Code {
            /// Every code, in the order of the registry.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// As it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => stringify!($code),)* }
            }
        }
    };
}

codes! {
    ENV001 ENV002 ENV003 ENV004 ENV005 ENV006 ENV007 ENV008 ENV009 ENV010 ENV011 ENV012 ENV013 ENV014
    SYN001 SYN002 SYN003 SYN004 SYN005 SYN006
    CON001 CON002 CON003 CON004 CON005 CON006
    VAL001 VAL002 VAL003 VAL004 VAL005 VAL006
    VAL007 VAL008 VAL009 VAL010 VAL011 VAL012 VAL013 VAL014 VAL015 VAL016 VAL017 VAL018
    TXT001 TXT002 TXT003
    EML001 EML002 EML003 EML004 EML005 EML006 EML007 EML008
    PHN001 PHN002 PHN003 PHN004 PHN005 PHN006 PHN007 PHN008
    ADR001 ADR002 ADR003 ADR004 ADR005 ADR006
    DAT001 DAT002 DAT003 DAT004 DAT005 DAT006
    BDY001 BDY002 BDY003 BDY004
    SMS001 SMS002 SMS003 SMS004 SMS005 SMS006 SMS007 SMS008
    CUS001 CUS002 CUS003 CUS004
    DUP001
    OPT001 OPT002 OPT003 OPT004
    MAP001 MAP002 MAP003 MAP004 MAP005 MAP006 MAP007 MAP008 MAP009 MAP010 MAP011 MAP012
    TAB001 TAB002 TAB003 TAB004 TAB005
    IMP001 IMP002 IMP003 IMP004 IMP005
}

impl Code {
    /// How many there are.
    pub const COUNT: usize = Code::ALL.len();

    /// Reads a code, in upper or lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A value broke its rule.
    Error,
    /// Worth a look.
    Warning,
    /// A value was normalised.
    Change,
}

impl Severity {
    /// As reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Change => "change",
        }
    }
}

/// The result of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The contact is not in the output.
    Rejected,
    /// The contact is in the output without this value.
    HeldBack,
    /// The value is in the output as it was.
    Kept,
    /// The value is in the output in another form, or was left out because it is empty.
    Changed,
}

impl Outcome {
    /// As reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Rejected => "rejected",
            Outcome::HeldBack => "held_back",
            Outcome::Kept => "kept",
            Outcome::Changed => "changed",
        }
    }
}

/// What one finding adds to its rule's message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Detail<'a> {
    /// Nothing.
    None,
    /// How long it is, and how long it may be, in characters.
    Length {
        /// Characters there are.
        chars: usize,
        /// Characters there may be.
        limit: usize,
    },
    /// What it is, or what is wrong with it, in a few words. Never the value itself: reports are shared with values taken out.
    Is(&'a str),
    /// The cause, and its help, which replaces the rule's own.
    Cause {
        /// The cause, in a few words.
        what: &'a str,
        /// What to do.
        help: &'static str,
    },
    /// A custom field of the account, from whose name this one differs by case or punctuation only.
    Similar(&'a str),
    /// Help that replaces the rule's own.
    Hint(&'static str),
    /// The contact that was first.
    First {
        /// Its input, where there are several.
        input: Option<&'a str>,
        /// Its index.
        contact: u64,
    },
}

/// The subject of a finding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Raw<'a> {
    /// Nothing in particular.
    Nothing,
    /// A member's value.
    Value(Value<'a>),
    /// A line or a contact as it lies in the input, JSON or not.
    Bytes(&'a [u8]),
}

/// The new value of a change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum To<'a> {
    /// It was not a change.
    None,
    /// The member was left out.
    LeftOut,
    /// This text.
    Text(&'a str),
    /// This whole number.
    Integer(u8),
}

/// One finding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding<'a> {
    /// Which rule.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The result.
    pub outcome: Outcome,
    /// The member, as it was named; none for the contact as a whole.
    pub field: Option<&'a str>,
    /// The value as it was given.
    pub value: Raw<'a>,
    /// What it became.
    pub to: To<'a>,
    /// What the message adds.
    pub detail: Detail<'a>,
}

/// A finding that owns its text, for summaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Which rule.
    pub code: Code,
    /// Index of its input on the command line.
    pub input: usize,
    /// Index of the contact in that input; none for the envelope.
    pub contact: Option<u64>,
    /// Line of the contact, from 1.
    pub line: u64,
    /// How bad.
    pub severity: Severity,
    /// The result.
    pub outcome: Outcome,
    /// The member.
    pub field: Option<String>,
    /// The value, shortened to some 60 characters.
    pub value: String,
    /// The message.
    pub message: String,
    /// Which of the rule's causes it is, where the finding says so.
    pub cause: Option<String>,
    /// What to do about it: about that cause, or by the rule.
    pub help: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_come_back() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, i);
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert_eq!(Code::parse(&code.as_str().to_lowercase()), Some(*code));
            let (letters, digits) = code.as_str().split_at(3);
            assert!(letters.bytes().all(|b| b.is_ascii_uppercase()) && digits.bytes().all(|b| b.is_ascii_digit()));
        }
        assert_eq!(Code::parse("EML999"), None);
    }
}
