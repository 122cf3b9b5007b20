//! Text messages: the number, and the day of consent.

use super::{Effect, Rule, Settings, ValueCheck, date, phone, text};
use crate::model::finding::{Code, Detail, Severity};
use crate::model::member::MemberId;

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::SMS001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "not a US number that can get text messages",
        help: "write ten digits, like 508-123-1235",
        why: "The service sends text messages to US numbers only. A contact with no email address is rejected with its number.",
        before: r#""sms_number":"12345""#,
        after: "held back: the contact goes on without it, if it has an email address",
    },
    Rule {
        code: Code::SMS002,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a number with an extension cannot get text messages",
        help: "put it under work_phone, and a mobile number here",
        why: "An extension is reached by voice only.",
        before: r#""sms_number":"508-123-1235 x9""#,
        after: "held back: the contact goes on without it, if it has an email address",
    },
    Rule {
        code: Code::SMS003,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "longer than 16 characters as given",
        help: "write it shorter: 508-123-1235, 2024-07-03",
        why: "The contract allows at most 16 characters here, and does not say what happens to more.",
        before: r#""sms_number":"+1 (508) 123-1235""#,
        after: "held back: the contact goes on without it, if it has an email address",
    },
    Rule {
        code: Code::SMS004,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the body says explicit consent, and this number has no valid date of consent",
        help: "give sms_consent_date, or import these contacts in a body with not_set",
        why: "Consent without a date must not be claimed: the law requires one. Number and date are held back together.",
        before: r#""sms_number":"508-123-1235"   (under "sms_permission_to_send":"explicit")"#,
        after: "held back: the contact goes on without it, if it has an email address",
    },
    Rule {
        code: Code::SMS005,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the date of consent is after today",
        help: "check the date; --as-of sets the current day",
        why: "Consent cannot be given in the future.",
        before: r#""sms_consent_date":"2099-01-01""#,
        after: "held back, and the number with it when the body says explicit",
    },
    Rule {
        code: Code::SMS006,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "a date of consent without a number",
        help: "give sms_number, or leave the date out",
        why: "The date means nothing without a number, which may have been lost.",
        before: r#""email":"joe@example.com","sms_consent_date":"2024-07-03""#,
        after: "kept",
    },
    Rule {
        code: Code::SMS007,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "a date of consent in a body that does not say explicit",
        help: "if these people consented, say so: --sms-permission explicit",
        why: "Without explicit the service sends these contacts no text messages, whatever their date.",
        before: r#""sms_number":"508-123-1235","sms_consent_date":"2024-07-03"   (under not_set)"#,
        after: "kept",
    },
    Rule {
        code: Code::SMS008,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the number was written in the usual form",
        help: "nothing to do",
        why: "The contract's forms are 123-123-1234 and 1231231234.",
        before: r#""sms_number":"(508) 123-1235""#,
        after: r#""sms_number":"508-123-1235""#,
    },
];

/// Checks the value of `sms_number`.
#[inline]
pub fn check_number(given: &str, id: MemberId, settings: &Settings, buffer: &mut String) -> ValueCheck {
    use phone::{PhoneFault, PhoneResult};
    match phone::normalise(given, phone::Extension::Refused, settings, buffer) {
        PhoneResult::Blank => ValueCheck::Blank,
        _ if is_long(given, id) => too_long(given, id),
        PhoneResult::Same => ValueCheck::Same,
        PhoneResult::Changed => ValueCheck::Changed(Code::SMS008),
        PhoneResult::Bad(PhoneFault::Extension) => ValueCheck::Bad(Code::SMS002, Detail::None),
        PhoneResult::Bad(fault) => ValueCheck::Bad(Code::SMS001, fault.detail()),
    }
}

/// Checks the value of `sms_consent_date`.
#[inline]
pub fn check_consent(given: &str, id: MemberId, settings: &Settings, buffer: &mut String) -> ValueCheck {
    use date::DateResult;
    match date::parse_in(given, settings.date_order) {
        DateResult::Blank => ValueCheck::Blank,
        _ if is_long(given, id) => too_long(given, id),
        DateResult::Day(day, _) | DateResult::Midnight(day) if day > settings.as_of => {
            ValueCheck::Bad(Code::SMS005, Detail::None)
        }
        parsed => parsed.check(given, buffer),
    }
}

/// Whether a value is longer, as given, than the contract allows.
fn is_long(given: &str, id: MemberId) -> bool {
    text::chars(given) > usize::from(id.info().limit)
}

fn too_long(given: &str, id: MemberId) -> ValueCheck {
    ValueCheck::Bad(Code::SMS003, Detail::Length { chars: text::chars(given), limit: id.info().limit.into() })
}
