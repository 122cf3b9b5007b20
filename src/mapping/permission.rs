//! Who may be written to: which columns say so, and what their values mean.
//!
//! Importing a contact gives permission. So a column that might say no counts, whatever system wrote it, and a value in an opt-out
//! column that is not understood is taken for a no.

use super::languages;
use super::names;
use super::systems::Header;
use crate::rules::date::{self, DateResult};
use crate::rules::text;

/// What kind of statement a column makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermissionKind {
    /// Yes means that the person said no.
    OptOut,
    /// When, where or why the person said no: any text means it.
    OptOutTrace,
    /// No means that the person said no.
    Consent,
    /// When, where or how the person agreed: any text passes.
    ConsentTrace,
    /// A word such as `subscribed` or `unsubscribed`.
    Status,
    /// Not a status, by the values that were seen; but a word such as `unsubscribed` says what it says.
    Word,
    /// Says nothing about permission, but some values deserve a look: an address that bounces, a person who died.
    Caution,
}

impl PermissionKind {
    /// In a word, for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PermissionKind::OptOut => "opt_out",
            PermissionKind::OptOutTrace => "opt_out_trace",
            PermissionKind::Consent => "consent",
            PermissionKind::ConsentTrace => "consent_trace",
            PermissionKind::Status => "status",
            PermissionKind::Word => "word",
            PermissionKind::Caution => "caution",
        }
    }
}

/// A column that says whether a person may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionColumn {
    /// What kind of statement it makes.
    pub kind: PermissionKind,
}

/// What a value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The person said no.
    OptedOut,
    /// The person may be written to.
    Passes,
    /// Nothing.
    Silent,
    /// It is not understood. In an opt-out column this rejects ([`PermissionColumn::unclear_rejects`]).
    Unclear,
}

/// Values that mean yes, folded.
const YES: &[&str] = &["yes", "y", "true", "t", "1", "x", "on"];
/// Values that mean no, folded.
const NO: &[&str] = &["no", "n", "false", "f", "0", "off", "null"];
/// Words of a status that pass, folded.
const PASSING: &[&str] = &[
    "subscribed",
    "active",
    "confirmed",
    "optedin",
    "optin",
    "enabled",
    "implicit",
    "implied",
    "explicit",
    "express",
    "expressed",
    "pendingconfirmation",
    "notset",
];
/// Words of a status that reject, folded.
const REJECTING: &[&str] = &[
    "unsubscribed",
    "unsubscribe",
    "unsub",
    "removed",
    "cleaned",
    "bounced",
    "hardbounced",
    "cancelled",
    "canceled",
    "complained",
    "complaint",
    "blocked",
    "blacklisted",
    "blocklisted",
    "suppressed",
    "inactive",
    "optedout",
    "optout",
    "notsubscribed",
    "neversubscribed",
    "nonsubscribed",
    "donotemail",
    "spamcomplaint",
];
/// Words that reject whatever else the column says, folded.
const SURE: &[&str] = &[
    "unsubscribed",
    "optedout",
    "optout",
    "cleaned",
    "bounced",
    "complained",
    "notsubscribed",
    "neversubscribed",
    "nonsubscribed",
    "donotemail",
];
/// Words of a status that are not decisions, but show that a column is one, folded.
const OTHER_STATUS: &[&str] = &["pending", "unconfirmed", "transactional", "archived", "nonmarketing"];
/// States of an account with a shop, folded: who has none may be written to all the same.
const ACCOUNT_STATES: &[&str] = &["enabled", "disabled", "invited", "declined"];
/// Values of other columns that call for a look, folded.
const CAUTIONS: &[&str] = &["inactive", "deceased", "notattending", "refunded"];

/// Bytes of the longest value that is looked at as a word.
const WORD_MAX: usize = 64;

/// A value in small letters and digits alone, in a buffer; none where it is too long for a word or has other letters than ASCII.
fn folded<'a>(value: &str, buffer: &'a mut [u8; WORD_MAX]) -> Option<&'a str> {
    let mut len = 0;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() {
            *buffer.get_mut(len)? = byte.to_ascii_lowercase();
            len += 1;
        } else if !byte.is_ascii() {
            return None;
        }
    }
    std::str::from_utf8(&buffer[..len]).ok()
}

/// True for a date, with or without a time of day.
fn is_date(value: &str) -> bool {
    matches!(date::parse(value), DateResult::Day(..) | DateResult::Midnight(_) | DateResult::Time)
}

/// True for a date that stands for none: `0/0/00`, `0000-00-00 00:00:00`.
fn is_no_date(value: &str) -> bool {
    let is_zero = |b: u8| b == b'0' || !b.is_ascii_digit();
    value.bytes().any(|b| b == b'0')
        && value.bytes().any(|b| matches!(b, b'/' | b'-'))
        && value.bytes().all(|b| is_zero(b) && (b == b'0' || b" /-:.TZ".contains(&b)))
}

impl PermissionColumn {
    /// What a value means. An empty one is to be given as "".
    #[must_use]
    pub fn meaning(self, value: &str) -> Meaning {
        use PermissionKind as K;
        let value = match text::trim(value) {
            // Flags of software that has only floats.
            "1.0" => "1",
            "0.0" => "0",
            value => value,
        };
        let mut buffer = [0; WORD_MAX];
        let word = folded(value, &mut buffer);
        let is = |words: &[&str]| word.is_some_and(|word| words.contains(&word));
        // A check mark of some kind, such as `+`, folds to nothing and is not nothing.
        let is_dashes = value.bytes().all(|b| b == b'-');
        let empty = is_dashes || is_no_date(value) || !self.unclear_rejects() && word.is_some_and(str::is_empty);
        let yes = is(YES) || is(languages::YES);
        let is_no = is(NO) || is(languages::NO);
        let rejecting = is(REJECTING) || is(languages::REJECTING);
        let passing = is(PASSING) || is(languages::PASSING);
        let no = empty || is_no;
        match self.kind {
            K::OptOut if no => Meaning::Passes,
            K::OptOut if yes || rejecting || is_date(value) => Meaning::OptedOut,
            K::OptOut => Meaning::Unclear,
            K::OptOutTrace if no => Meaning::Passes,
            K::OptOutTrace => Meaning::OptedOut,
            _ if empty => Meaning::Silent,
            K::ConsentTrace if rejecting => Meaning::OptedOut,
            K::ConsentTrace => Meaning::Passes,
            // Null, in a consent column, is no answer.
            K::Consent | K::Status if is(&["null"]) => Meaning::Silent,
            K::Consent if is_no || rejecting => Meaning::OptedOut,
            K::Consent if yes || passing || is_date(value) => Meaning::Passes,
            K::Status if rejecting => Meaning::OptedOut,
            K::Status if passing => Meaning::Passes,
            K::Consent | K::Status => Meaning::Unclear,
            K::Word if is(SURE) => Meaning::OptedOut,
            K::Word => Meaning::Silent,
            K::Caution if is(CAUTIONS) || yes => Meaning::Unclear,
            K::Caution => Meaning::Silent,
        }
    }

    /// Whether a value that is not understood rejects the contact.
    #[must_use]
    pub fn unclear_rejects(self) -> bool {
        matches!(self.kind, PermissionKind::OptOut | PermissionKind::OptOutTrace)
    }
}

/// What a value is among the words of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct StatusWord {
    /// It is one of them.
    pub(super) is_status: bool,
    /// It rejects for sure, whatever the column is about.
    pub(super) says_no: bool,
    /// It is the state of an account with a shop.
    pub(super) is_account_state: bool,
}

impl StatusWord {
    /// Of a value as it stands in a cell.
    #[must_use]
    pub(super) fn of(value: &str) -> Self {
        let mut buffer = [0; WORD_MAX];
        let Some(word) = folded(text::trim(value), &mut buffer) else { return StatusWord::default() };
        StatusWord {
            is_status: [PASSING, REJECTING, OTHER_STATUS, languages::PASSING, languages::REJECTING]
                .iter()
                .any(|words| words.contains(&word)),
            says_no: SURE.contains(&word),
            is_account_state: ACCOUNT_STATES.contains(&word),
        }
    }
}

/// Whether a folded name is that of a column which only its values tell: `status`, and `state`, which is a status in some files.
#[must_use]
pub fn is_by_values(folded: &str) -> bool {
    matches!(folded, "status" | "contactstatus" | "memberstatus" | "customerstatus" | "emailstatus" | "marketingstatus")
}

/// The same for a name that is not folded.
#[must_use]
pub fn is_status_name(name: &str) -> bool {
    name.len() <= WORD_MAX && is_by_values(&names::fold(name))
}

/// Finds words one behind the other.
fn position(words: &[String], wanted: &[&str]) -> Option<usize> {
    words.windows(wanted.len()).position(|window| window.iter().zip(wanted).all(|(word, wanted)| word == wanted))
}

/// The first of several sequences of words that is there.
fn find(words: &[String], wanted: &[&[&str]], elsewhere: &[&[&str]]) -> Option<usize> {
    wanted.iter().chain(elsewhere).find_map(|wanted| position(words, wanted))
}

/// Words of an opt-out column, one behind the other.
const OPT_OUT: &[&[&str]] = &[
    &["unsubscribed"],
    &["unsubscribe"],
    &["unsubscribes"],
    &["unsub"],
    &["opt", "out"],
    &["opted", "out"],
    &["opt", "outs"],
    &["optout"],
    &["optedout"],
    &["blacklisted"],
    &["blacklist"],
    &["blocklisted"],
    &["blocked"],
    &["suppressed"],
    &["do", "not", "email"],
    &["do", "not", "bulk", "email"],
    &["dont", "email"],
    &["don", "t", "email"],
    &["donotemail"],
    &["donotbulkemail"],
    &["do", "not", "contact"],
    &["donotcontact"],
    &["no", "email"],
    &["no", "emails"],
    &["noemail"],
    &["email", "disabled"],
];
/// Words of a consent column, one behind the other.
const CONSENT: &[&[&str]] = &[
    &["subscribed"],
    &["subscription"],
    &["subscriptions"],
    &["subscriber", "status"],
    &["opt", "in"],
    &["opted", "in"],
    &["optin"],
    &["optedin"],
    &["issubscribed"],
    &["marketing", "consent"],
    &["email", "consent"],
    &["permission", "to", "send"],
    &["email", "permission"],
];

/// What kind of statement a column of this name makes, in a file of any system. The name may be a path within the record, and
/// all of its parts count. A column that is called `status` alone is decided by its values, so nothing is said about it here.
#[must_use]
pub fn of_name(name: &str) -> Option<PermissionColumn> {
    if name.len() > super::profile::NAME_MAX {
        return None;
    }
    let words = names::words(name.strip_prefix("cf:").unwrap_or(name));
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // Permission for another channel says nothing about email.
    let other = [
        "sms",
        "mms",
        "text",
        "texts",
        "whatsapp",
        "phone",
        "call",
        "calls",
        "voice",
        "fax",
        "postal",
        "push",
        "telephone",
        "telefon",
        "telefono",
    ];
    let is_email = has(&["email", "emails", "newsletter", "newsletters"]);
    let is_other = has(&other) || position(&words, &["direct", "mail"]).is_some();
    if is_other && !is_email {
        return None;
    }
    // A link to unsubscribe with is in every contact of some exports, and so is a count.
    if has(&["url", "urls", "link", "links", "href", "token", "hash", "key", "count", "rate", "total"]) {
        return None;
    }
    let accepts = position(&words, &["accepts"]).is_some_and(|at| words[at..].iter().any(|word| word == "marketing"));
    let is_alone = |list: &[&str]| list.contains(&names::fold(&words.concat()).as_str());
    let (at, mut is_no) = if let Some(at) = find(&words, OPT_OUT, languages::OPT_OUT) {
        (at, true)
    } else if let Some(at) = find(&words, CONSENT, languages::CONSENT) {
        (at, false)
    } else if accepts
        || is_alone(&["consent", "emailmarketing", "acceptsmarketing", "acceptsemailmarketing", "marketingconsent"])
    {
        (0, false)
    } else {
        return None;
    };
    if at > 0 && matches!(words[at - 1].as_str(), "not" | "never" | "non" | "isnt") {
        is_no = !is_no;
    }
    let is_trace = has(&[
        "reason", "source", "campaign", "title", "ip", "method", "form", "page", "comment", "note", "notes", "id",
        "level", "location", "referrer", "browser", "agent", "by", "double", "single",
    ]);
    let kind = match (is_no, is_trace) {
        (true, true) => PermissionKind::OptOutTrace,
        (false, true) => PermissionKind::ConsentTrace,
        (true, false) => PermissionKind::OptOut,
        (false, false) => PermissionKind::Consent,
    };
    Some(PermissionColumn { kind })
}

/// Whether the parts above a name are about something else than email: `sms/opt_in` and `sms_channel/status` are about text messages.
#[must_use]
pub(super) fn is_other_channel(above: &[String]) -> bool {
    const CHANNELS: &[&str] = &["sms", "mms", "whatsapp", "phone", "phones", "telephone", "push", "postal", "fax"];
    above.iter().flat_map(|part| names::words(part)).any(|word| CHANNELS.contains(&word.as_str()))
}

/// What kind of statement a path within a record makes, in any system, by its parts. Below a part about consent, only names that are its answer say something:
/// `subscription/status` does, `subscription/plan` does not. Below a part about opt-outs, all do: `unsubscribed/date`.
#[must_use]
pub fn of_path(name: &str, parts: &[String]) -> Option<PermissionColumn> {
    const ANSWERS: &[&str] = &[
        "state",
        "status",
        "value",
        "consent",
        "marketing",
        "email",
        "optin",
        "optout",
        "enabled",
        "canreceiveemailmarketing",
    ];
    let (last, above) = parts.split_last()?;
    if is_other_channel(above) {
        return None;
    }
    if let Some(column) = of_name(last) {
        return Some(column);
    }
    let is_no = |part: &String| {
        matches!(of_name(part)?.kind, PermissionKind::OptOut | PermissionKind::OptOutTrace).then_some(())
    };
    let is_answer = ANSWERS.contains(&names::fold(last).as_str()) || above.iter().any(|part| is_no(part).is_some());
    if is_answer && !above.is_empty() { of_name(name) } else { None }
}

/// What kind of statement a header of a known system makes, by its note. None where the note says nothing about it.
#[must_use]
pub fn of_header(header: &Header) -> Option<PermissionColumn> {
    use PermissionKind as K;
    let (name, note) = (header.name, header.note);
    let words = names::words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let is_trace = has(&["reason", "source", "campaign", "ip", "id", "bounce"]);
    let kind = match note {
        _ if note.starts_with("sms") || note == "optout phone" => return None,
        "optout (postal; warn)" | "bounce" => K::Caution,
        _ if note.starts_with("drop") => K::Caution,
        "optout if no" | "optout unless SUBSCRIBED" => K::Consent,
        "optout if non-empty" => K::OptOutTrace,
        "optout/consent column" => match of_name(name) {
            Some(permission) => return Some(permission),
            None => K::Consent,
        },
        _ if note.starts_with("optout") && has(&["status"]) => K::Status,
        _ if note.starts_with("optout") => {
            if is_trace {
                K::OptOutTrace
            } else {
                K::OptOut
            }
        }
        _ if note.starts_with("consent") => {
            let is_trace = is_trace || has(&["time", "date"]);
            if is_trace { K::ConsentTrace } else { K::Consent }
        }
        // Kit calls its status a state.
        _ if note.starts_with("NOT a state") => K::Status,
        _ => return None,
    };
    Some(PermissionColumn { kind })
}

#[cfg(test)]
mod tests;
