//! The fast path: contacts that are clean and canonical already, as most are. They are found at a few bytes per nanosecond, and
//! copied as they are.
//!
//! One pass over a batch marks quotes and everything that no clean contact has (escapes, control characters, doubled
//! spaces, and the marks of most damage by software). A walk along the quotes then compares each contact with the form that cleaning produces: compact, members in
//! any order, each name known, each value normal, no conflict between members. A contact that passes is, byte for byte, what
//! the parser and the [validator](crate::clean::validator) would write, with no finding. All others, right or wrong, go to them.
//! Refusing a contact is always safe here, and accepting one is final: a property test compares both ways.

mod compact;
mod marks;
mod patterns;
mod silent;
mod walk;

pub use compact::{Compact, CompactMember};

use crate::clean::batch::Batch;
use crate::json::split::Span;
use crate::model::identity::Identity;
use crate::rules::Settings;
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::simd::{Backend, Choice, with_backend};
pub use marks::PADDING;
use marks::{Marked, Marks};
use silent::SilentNames;
use walk::{Scratch, Walk};

/// Bytes of contacts that are marked and classified together: they and the marks fit into the first-level cache.
const GROUP: u64 = 16 << 10;

/// How a contact is cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FastPath {
    /// The parser reads it.
    Parse,
    /// It is not clean, but needs no parser: it is among the [`Classifier::compact`] contacts.
    Compact,
    /// It is clean and canonical, and is copied; this is its identity.
    Canonical(Identity),
}

/// Decides for each contact of a batch how it is cleaned.
#[derive(Debug)]
pub struct Classifier {
    choice: Choice,
    marks: Marks,
    buffer: String,
    copy: Vec<u8>,
    silent: SilentNames,
    /// Contacts at the very end of the bytes, with padding behind them.
    last: Vec<u8>,
    /// The answer for each contact of the batch.
    pub paths: Vec<FastPath>,
    /// The compact contacts, in order.
    pub compact: Vec<Compact>,
    /// Their members.
    pub members: Vec<CompactMember>,
    /// Some canonical contact of the batch has a custom field. (This says nothing about other contacts.)
    pub any_custom: bool,
}

impl Default for Classifier {
    fn default() -> Self {
        Classifier::with_backend(Choice::best())
    }
}

impl Classifier {
    /// A classifier with a given backend, for tests and benches.
    #[must_use]
    pub fn with_backend(choice: Choice) -> Self {
        Classifier {
            choice,
            marks: Marks::default(),
            buffer: String::new(),
            copy: Vec::new(),
            silent: SilentNames::default(),
            last: Vec::new(),
            paths: Vec::new(),
            compact: Vec::new(),
            members: Vec::new(),
            any_custom: false,
        }
    }

    /// Classifies every contact of a batch; the answers are in [`Classifier::paths`].
    pub fn classify(&mut self, batch: &Batch<'_>, settings: &Settings) {
        self.paths.clear();
        self.compact.clear();
        self.members.clear();
        self.any_custom = false;
        let index = |offset: u64| (offset - batch.base) as usize;
        // The others may hold anything, and any amount of it.
        let is_candidate = |span: &Span| span.whole && span.end - span.start <= CONTACT_BYTES_MAX;
        // Contacts too close to the end of the bytes are classified in a copy with padding.
        let is_padded = |span: &Span| index(span.end) + PADDING <= batch.bytes.len();
        let mut rest = batch.spans;
        while let Some(first) = rest.first() {
            if !is_candidate(first) {
                self.paths.push(FastPath::Parse);
                rest = &rest[1..];
                continue;
            }
            let padded = is_padded(first);
            let same_group =
                |span: &Span| span.start < first.start + GROUP && is_candidate(span) && is_padded(span) == padded;
            let end = rest.iter().position(|span| !same_group(span)).unwrap_or(rest.len());
            let (group, behind) = rest.split_at(end);
            rest = behind;
            if padded {
                self.classify_group(&batch.bytes[index(first.start)..], group, settings);
            } else {
                let last = group.last().map_or(first.end, |span| span.end);
                let mut copy = std::mem::take(&mut self.last);
                copy.clear();
                copy.extend_from_slice(&batch.bytes[index(first.start)..index(last)]);
                copy.extend_from_slice(&[0; PADDING]);
                self.classify_group(&copy, group, settings);
                self.last = copy;
            }
        }
    }

    /// Classifies contacts that are whole and not too large. The first begins where `bytes` begin, and at least [`PADDING`]
    /// bytes follow the last.
    fn classify_group(&mut self, bytes: &[u8], spans: &[Span], settings: &Settings) {
        let choice = self.choice;
        with_backend!(choice, run, (
            classifier: &mut Classifier = self,
            bytes: &[u8] = bytes,
            spans: &[Span] = spans,
            settings: &Settings = settings,
        ) -> ());
    }
}

#[inline(always)]
fn run<B: Backend>(backend: B, classifier: &mut Classifier, bytes: &[u8], spans: &[Span], settings: &Settings) {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return };
    let base = first.start;
    let Classifier { marks, buffer, copy, silent, paths, compact, members, any_custom, .. } = classifier;
    let marked = Marked::new(backend, marks, bytes, (last.end - base) as usize);
    let scratch = Scratch { buffer, copy, silent };
    let mut walk = Walk::new(backend, marked, marks.quotes.all(), marks.non_ascii.all(), settings, scratch);
    let unclean = marks.unclean.all();
    let mut unclean_at = 0;
    let bytes_max = settings.contact_bytes_max as u64;
    let has_nulls = !settings.null_texts.is_empty();
    paths.reserve(spans.len());
    for span in spans {
        let from = (span.start - base) as u32;
        let to = (span.end - base) as u32;
        while unclean[unclean_at] < from {
            unclean_at += 1;
        }
        walk.skip_non_ascii(from);
        let start = walk.position();
        let may_be_clean = span.end - span.start <= bytes_max && unclean[unclean_at] >= to;
        let mut identity = if may_be_clean { walk.contact(from, to) } else { None };
        if identity.is_some() && has_nulls && walk.has_null(start.0, to) {
            identity = None;
        }
        let path = match identity {
            Some(identity) => FastPath::Canonical(identity),
            None => {
                walk.seek(start);
                let mut unclean_end = unclean_at;
                while unclean[unclean_end] < to {
                    unclean_end += 1;
                }
                let first = members.len() as u32;
                if walk.compact(from, to, &unclean[unclean_at..unclean_end], members) {
                    compact.push(Compact { contact: paths.len() as u32, members: (first, members.len() as u32) });
                    FastPath::Compact
                } else {
                    FastPath::Parse
                }
            }
        };
        paths.push(path);
        // Clean or not, the next contact begins behind this one.
        walk.skip_quotes(to);
    }
    *any_custom |= walk.any_custom;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::split::Layout;
    use crate::rules::{OptedOut, PhoneFormat, custom};

    fn is_canonical(contact: &str, settings: &Settings) -> bool {
        let span = Span { start: 1, end: 1 + contact.len() as u64, line: 1, whole: true };
        let bytes = format!(" {contact} ");
        let spans = [span];
        let batch = Batch::of(bytes.as_bytes(), &spans, Layout::Lines);
        let answers = Choice::available().into_iter().map(|choice| {
            let mut classifier = Classifier::with_backend(choice);
            classifier.classify(&batch, settings);
            matches!(classifier.paths[0], FastPath::Canonical(_))
        });
        let answers: Vec<bool> = answers.collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{contact}: {answers:?}");
        answers[0]
    }

    #[test]
    fn clean_contacts_are_seen() {
        let settings = Settings::default();
        for contact in [
            r#"{"email":"joe@example.com"}"#,
            r#"{"email":"Joe.Q-x_y+z9@a-b.example.c0m","first_name":"Joe Q"}"#,
            r#"{"sms_number":"508-123-1235"}"#,
            r#"{"birthday_day":29,"email":"a@b.co","birthday_month":2,"anniversary":"2000-02-29"}"#,
            r#"{"email":"a@b.co","phone":"508-123-1235","home_phone":"508-123-1235","mobile_phone":"508-123-1235"}"#,
            r#"{"email":"a@b.co","street":"1 Elm St","street2":"Apt 2","city":"Zürich","work_country":"日本"}"#,
            r#"{"email":"a@b.co","cf:Tier":"gold","cf:tier":"x"}"#,
            r#"{"email":"a@b.co","zip":"02139","work_zip":"SW1A 1AA","other_zip":"H2X"}"#,
            r#"{"email":"a@b.co","home_zip":"02139-1234","work_zip":"00:00","other_zip":"12345e"}"#,
            r#"{"email":"a@b.co","zip":"12345.0-1","country":"Germany"}"#,
            r#"{"email":"a@b.co","phone":"508-123-1235","country":"US","work_country":"USA","other_country":"Canada"}"#,
            r#"{"email":"a@b.co","phone":"508-123-1235","country":"United States"}"#,
            r##"{"email":"a@b.co","first_name":"Ned","last_name":"'t Hooft","city":"Uusimaa","street":"#4 Elm","state":"NA"}"##,
            r#"{"email":"a@b.co","first_name":"ulla","last_name":"-X-","company_name":"Éé & Ö","cf:x":"(b)","cf:y":"No"}"#,
            r#"{"email":"a@b.co","company_name":"A&M","city":"São","street":"Łódź 5","job_title":"MAÇÃO"}"#,
            r#"{"email":"a@b.co","last_name":"O'Neil / {x}: y & z"}"#,
        ] {
            assert!(is_canonical(contact, &settings), "{contact}");
        }
        let explicit = Settings { sms_explicit: true, ..Settings::default() };
        assert!(is_canonical(r#"{"sms_number":"508-123-1235","sms_consent_date":"2024-07-03"}"#, &explicit));
    }

    #[test]
    fn everything_else_is_left_to_the_rules() {
        let settings = Settings::default();
        let long = format!(r#"{{"email":"a@b.co","first_name":"{}"}}"#, "x".repeat(51));
        for contact in [
            "{}",
            "null",
            r#"{"email":"a@b.co"} "#,
            r#"{"email": "a@b.co"}"#,
            r#"{"email":"a@b.co",}"#,
            r#"{"email":"a@b.co""first_name":"x"}"#,
            r#"{"email":"a@b.co","first_name":"a\"b"}"#,
            r#"{"email":"a@b.co","first_name":"a  b"}"#,
            r#"{"email":"a@b.co","first_name":" a"}"#,
            r#"{"email":"a@b.co","first_name":"a "}"#,
            r#"{"email":"a@b.co","first_name":""}"#,
            r#"{"email":"a@b.co","first_name":null}"#,
            r#"{"email":"a@b.co","first_name":"e\u0301"}"#,
            "{\"email\":\"a@b.co\",\"first_name\":\"e\u{301}\"}",
            "{\"email\":\"a@b.co\",\"first_name\":\"a\u{a0}b\"}",
            r#"{"email":"a@b.co","zip":60609}"#,
            r#"{"email":"a@b.co","email":"a@b.co"}"#,
            r#"{"email":"a@b.co","cf:a":"x","cf:a":"x"}"#,
            r#"{"email":"a@b.co","cf:":"x"}"#,
            r#"{"email":"a@b.co","firstName":"x"}"#,
            r#"{"email":"a@b.co","birthday_month":2}"#,
            r#"{"email":"a@b.co","birthday_month":2,"birthday_day":30}"#,
            r#"{"email":"a@b.co","birthday_month":02,"birthday_day":3}"#,
            r#"{"email":"a@b.co","birthday_month":13,"birthday_day":3}"#,
            r#"{"email":"a@b.co","birthday_month":1,"birthday_day":311}"#,
            r#"{"email":"a@b.co","birthday_month":"2","birthday_day":3}"#,
            r#"{"email":"a@b.co","anniversary":"2001-02-29"}"#,
            r#"{"email":"a@b.co","anniversary":"1/2/2001"}"#,
            r#"{"email":"a@b.co","phone":"5081231235"}"#,
            r#"{"email":"a@b.co","phone":"508-123-123"}"#,
            r#"{"email":"a@b.co","phone":"030-007-4321"}"#,
            r#"{"sms_number":"030-007-4321"}"#,
            r#"{"email":"a@b.co","zip":"2139.0"}"#,
            r#"{"email":"a@b.co","work_zip":"2.139E3","zip":"02139"}"#,
            r#"{"email":"a@b.co","zip":"1e3"}"#,
            r#"{"email":"a@b.co","phone":"508-123-1235","country":"Uganda"}"#,
            r#"{"sms_number":"508-123-1235","country":"US","work_country":"DE"}"#,
            "{\"email\":\"a@b.co\",\"zip\":\"02139\u{7f}\"}",
            r#"{"email":"a@b.co","phone":"508-123-1235","other_phone":"508-123-1235"}"#,
            r#"{"email":"a@b.co","street2":"x"}"#,
            r#"{"email":"a@b.co","work_street2":"x"}"#,
            r#"{"email":"a@b.co","city":"x","home_city":"x"}"#,
            r#"{"email":"a@b.co","home country":"x"}"#,
            r#"{"email":"a@b.co","sms_consent_date":"2024-07-03"}"#,
            r#"{"sms_number":"508-123-1235","sms_consent_date":"2024-07-03"}"#,
            r#"{"first_name":"x"}"#,
            r#"{"email":"a@b"}"#,
            r#"{"email":"a@B.co"}"#,
            r#"{"email":"a@b.1"}"#,
            r#"{"email":"a@xn--bcher-kva.example"}"#,
            r#"{"email":"@b.co"}"#,
            r#"{"email":"a@b.co."}"#,
            r#"{"email":"a.@b.co"}"#,
            r#"{"email":"a@.co"}"#,
            r#"{"email":"a@b..co"}"#,
            r#"{"email":"a@b-.co"}"#,
            r#"{"email":"a@b.-co"}"#,
            r#"{"email":"a@b.co-"}"#,
            r#"{"email":"a@b@c.co"}"#,
            r#"{"email":"a b@c.co"}"#,
            &long,
        ] {
            assert!(!is_canonical(contact, &settings), "{contact}");
        }
    }

    #[test]
    fn damaged_values_are_left_to_the_rules() {
        for contact in [
            r#"{"email":"a@b.co","zip":"2139"}"#,
            r#"{"email":"a@b.co","zip":"'02139"}"#,
            r#"{"email":"a@b.co","first_name":"NULL"}"#,
            r#"{"email":"a@b.co","first_name":"None"}"#,
            r#"{"email":"a@b.co","cf:a":"nan"}"#,
            r#"{"email":"a@b.co","cf:a":"-"}"#,
            r#"{"email":"a@b.co","cf:a":"undefined"}"#,
            r#"{"email":"a@b.co","state":"-"}"#,
            r#"{"email":"a@b.co","city":"undefined"}"#,
            r#"{"email":"a@b.co","city":"(null)"}"#,
            r##"{"email":"a@b.co","city":"#N/A"}"##,
            r#"{"email":"a@b.co","city":"[object Object]"}"#,
            r#"{"email":"a@b.co","city":"x ::: y"}"#,
            r#"{"email":"a@b.co","city":"A &amp; B"}"#,
            r#"{"email":"a@b.co","city":"M=C3=BCnchen"}"#,
            r#"{"email":"a@b.co","city":"MÃ¼nchen"}"#,
            "{\"email\":\"a@b.co\",\"city\":\"M\u{fffd}nchen\"}",
        ] {
            assert!(!is_canonical(contact, &Settings::default()), "{contact}");
        }
    }

    #[test]
    fn custom_fields_about_permission_are_left_to_the_rules() {
        let ignored = Settings { opted_out: OptedOut::Ignore, ..Settings::default() };
        for name in ["cf:Unsubscribed", "cf:opt out", "cf:DoNotEmail", "cf:email_consent"] {
            let contact = format!(r#"{{"email":"a@b.co","{name}":"yes"}}"#);
            assert!(!is_canonical(&contact, &Settings::default()), "{contact}");
            assert!(is_canonical(&contact, &ignored), "{contact}");
        }
    }

    #[test]
    fn settings_decide() {
        let nanp = Settings { nanp: true, ..Settings::default() };
        assert!(!is_canonical(r#"{"sms_number":"508-123-1235"}"#, &nanp));
        assert!(is_canonical(r#"{"sms_number":"508-423-1235"}"#, &nanp));
        let mut fields = custom::Fields::default();
        fields.add(["a", "b"]);
        let known = Settings { custom_fields: Some(fields), ..Settings::default() };
        assert!(is_canonical(r#"{"email":"a@b.co","cf:a":"x"}"#, &known));
        assert!(!is_canonical(r#"{"email":"a@b.co","cf:a":"x","cf:b":"x"}"#, &known));
        assert!(!is_canonical(r#"{"email":"a@b.co","cf:c":"x"}"#, &known));
        let nulls = Settings { null_texts: vec!["unknown".to_owned(), "Zoë".to_owned()], ..Settings::default() };
        assert!(is_canonical(r#"{"email":"a@b.co","birthday_month":2,"birthday_day":3,"city":"Unknown"}"#, &nulls));
        for null in ["unknown", "Zoë"] {
            let contact = format!(r#"{{"email":"a@b.co","birthday_month":2,"birthday_day":3,"city":"{null}"}}"#);
            assert!(!is_canonical(&contact, &nulls) && is_canonical(&contact, &Settings::default()));
        }
        let digits = Settings { phone_format: PhoneFormat::Digits, ..Settings::default() };
        assert!(!is_canonical(r#"{"email":"a@b.co","phone":"0300074321"}"#, &digits));
        assert!(!is_canonical(r#"{"sms_number":"0300074321"}"#, &digits));
        assert!(!is_canonical(r#"{"sms_number":"508-423-1235"}"#, &digits));
        assert!(is_canonical(r#"{"sms_number":"5084231235"}"#, &digits));
    }
}
