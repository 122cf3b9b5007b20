//! Email addresses: unwrapped, checked, the domain in lower case.

use super::{Effect, Rule, Settings, ValueCheck, text};
use crate::model::finding::{Code, Detail, Severity};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::EML001,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the email address does not have exactly one @",
        help: "write one address, like name@example.com",
        why: "The address identifies the contact. presort never guesses at one.",
        before: r#""email":"joe.example.com""#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::EML002,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the part before the @ is not valid",
        help: "it takes 1 to 64 of letters, digits and !#$%&'*+/=?^_`{|}~- with single dots inside",
        why: "Such an address cannot receive mail, and the service refuses it.",
        before: r#""email":"joe..smith@example.com""#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::EML003,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the domain is not valid",
        help: "it takes two labels or more, each 1 to 63 letters, digits and inner hyphens, the last not all digits",
        why: "Such an address cannot receive mail, and the service refuses it.",
        before: r#""email":"joe@example""#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::EML004,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the email address is too long",
        help: "check it; --email-max allows longer ones (the service's other endpoints allow 80)",
        why: "The import endpoint accepts addresses of at most 50 characters.",
        before: r#""email":"(62 characters)@example.com""#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::EML005,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the email address was unwrapped, trimmed, or its domain put in lower case",
        help: "nothing to do",
        why: "Exports carry addresses as mail programs show them. Only the wrapping and the domain's case change: neither is part of \
              the mailbox.",
        before: r#""email":"Joe Smith <Joe@Example.COM>""#,
        after: r#""email":"Joe@example.com""#,
    },
    Rule {
        code: Code::EML006,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the internationalised domain was written in its ASCII form",
        help: "nothing to do",
        why: "Mail is routed by the ASCII form (IDNA, UTS 46); it is the same domain.",
        before: "\"email\":\"info@b\u{fc}cher.example\"",
        after: r#""email":"info@xn--bcher-kva.example""#,
    },
    Rule {
        code: Code::EML007,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "the email is not text",
        help: "write the address itself: an import takes a string, not the object of the /contacts endpoint",
        why: "The import endpoint takes email as a string; the /contacts endpoint is the one with an object.",
        before: r#""email":{"address":"joe@example.com"}"#,
        after: "the contact is rejected",
    },
    Rule {
        code: Code::EML008,
        severity: Severity::Error,
        effect: Effect::Rejects,
        message: "a stray < or > in the email address",
        help: "write the address alone, like name@example.com; a pair of < and > around all of it is understood",
        why: "Something was cut off or follows the address, so it is unknown which part is the address.",
        before: r#""email":"joe@example.com>""#,
        after: "the contact is rejected",
    },
];

/// The result of normalising an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailResult {
    /// It is normal as it is.
    Same,
    /// The normal form is in the buffer; the code says what changed.
    Changed(Code),
    /// It is empty.
    Blank,
    /// It breaks the rule of this code.
    Bad(Code),
    /// Its normal form has this many characters, which is too many.
    Long(usize),
}

const LOCAL: u8 = 1;
const DOMAIN: u8 = 2;
const UPPER: u8 = 4;

/// What each ASCII byte may be part of.
static CLASS: [u8; 256] = {
    let mut class = [0u8; 256];
    let mut byte = 0;
    while byte < 128 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() {
            class[byte] |= LOCAL | DOMAIN;
        }
        if b.is_ascii_uppercase() {
            class[byte] |= UPPER;
        }
        byte += 1;
    }
    let punctuation = b"!#$%&'*+/=?^_`{|}~-";
    let mut i = 0;
    while i < punctuation.len() {
        class[punctuation[i] as usize] |= LOCAL;
        i += 1;
    }
    class[b'-' as usize] |= DOMAIN;
    class
};

/// A dot-atom of at most 64 bytes.
#[inline]
fn is_local(local: &[u8]) -> bool {
    let mut before = b'.';
    for &byte in local {
        if CLASS[byte as usize] & LOCAL == 0 && !(byte == b'.' && before != b'.') {
            return false;
        }
        before = byte;
    }
    before != b'.' && local.len() <= 64
}

/// The properties of an ASCII domain.
struct Domain {
    good: bool,
    upper: bool,
    /// A label is marked as the ASCII form of another (`xn--`).
    encoded: bool,
}

#[inline]
fn domain(domain: &[u8]) -> Domain {
    let (mut labels, mut start, mut class, mut encoded, mut digits) = (0, 0, 0u8, false, false);
    let bad = Domain { good: false, upper: false, encoded: false };
    for end in 0..=domain.len() {
        let byte = if end < domain.len() { domain[end] } else { b'.' };
        if byte != b'.' {
            if CLASS[byte as usize] & DOMAIN == 0 {
                return bad;
            }
            class |= CLASS[byte as usize];
            continue;
        }
        let label = &domain[start..end];
        let (&[first, ..], &[.., last]) = (label, label) else { return bad };
        if label.len() > 63 || first == b'-' || last == b'-' {
            return bad;
        }
        digits = label.iter().all(u8::is_ascii_digit);
        encoded |= label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--");
        labels += 1;
        start = end + 1;
    }
    Domain { good: labels >= 2 && !digits && domain.len() <= 253, upper: class & UPPER != 0, encoded }
}

/// Removes what is wrapped around an address: white space and marks, `mailto:`, `Name <...>`.
///
/// # Errors
/// The wrapping is broken; the code says how.
fn unwrap(text: &str) -> Result<&str, Code> {
    fn mailto(text: &str) -> &str {
        match text.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => text::trim(&text[7..]),
            _ => text,
        }
    }
    let text = mailto(text::trim(text));
    let (name, address) = match text.strip_suffix('>') {
        None => ("", text),
        Some(inner) => {
            let (name, address) = inner.rsplit_once('<').ok_or(Code::EML008)?;
            (text::trim(name).trim_matches(['"', '\'']), mailto(text::trim(address)))
        }
    };
    // Two different addresses: the intended one is unknown.
    if name.contains('@') && !name.eq_ignore_ascii_case(address) {
        return Err(Code::EML001);
    }
    if name.contains(['<', '>']) || address.contains(['<', '>']) {
        return Err(Code::EML008);
    }
    Ok(address)
}

/// What a finding adds to the message of a rule that an address breaks.
fn cause(code: Code, given: &str) -> Option<&'static str> {
    match code {
        Code::EML001 if !given.contains('@') => Some("there is none"),
        Code::EML001 => Some("there are several, as of two addresses"),
        Code::EML002 | Code::EML003 => text::control_in(given),
        _ => None,
    }
}

/// Checks and normalises an address of at most `max` characters; a form that differs is written to `buffer`, which is
/// cleared first.
#[inline]
pub fn normalise(given: &str, max: usize, buffer: &mut String) -> EmailResult {
    let bytes = given.as_bytes();
    // The usual address takes this short path: ASCII, unwrapped, lower-case domain.
    if let Some(at) = memchr::memchr(b'@', bytes)
        && is_local(&bytes[..at])
    {
        let found = domain(&bytes[at + 1..]);
        if found.good && !found.upper && !found.encoded {
            return if bytes.len() > max { EmailResult::Long(bytes.len()) } else { EmailResult::Same };
        }
    }
    normalise_slowly(given, max, buffer)
}

fn normalise_slowly(given: &str, max: usize, buffer: &mut String) -> EmailResult {
    buffer.clear();
    if text::trim(given).is_empty() {
        return EmailResult::Blank;
    }
    let address = match unwrap(given) {
        Ok(address) => address,
        Err(code) => return EmailResult::Bad(code),
    };
    let Some((local, host)) = address.split_once('@') else { return EmailResult::Bad(Code::EML001) };
    if host.contains('@') {
        return EmailResult::Bad(Code::EML001);
    }
    if !is_local(local.as_bytes()) {
        return EmailResult::Bad(Code::EML002);
    }
    buffer.push_str(local);
    buffer.push('@');
    let found = domain(host.as_bytes());
    let mut code = Code::EML005;
    if host.is_ascii() && !found.encoded {
        if !found.good {
            return EmailResult::Bad(Code::EML003);
        }
        buffer.extend(host.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        // The library checks labels that begin with `xn--`, and encodes the others.
        let ascii =
            Uts46::new().to_ascii(host.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
        match ascii {
            Ok(ascii) if domain(ascii.as_bytes()).good => {
                if !host.is_ascii() {
                    code = Code::EML006;
                }
                buffer.push_str(&ascii);
            }
            _ => return EmailResult::Bad(Code::EML003),
        }
    }
    if buffer.len() > max {
        return EmailResult::Long(buffer.len());
    }
    if buffer == given { EmailResult::Same } else { EmailResult::Changed(code) }
}

/// Checks the value of `email`.
#[inline]
pub fn check(given: &str, settings: &Settings, buffer: &mut String) -> ValueCheck {
    match normalise(given, settings.email_max, buffer) {
        EmailResult::Same => ValueCheck::Same,
        EmailResult::Changed(code) => ValueCheck::Changed(code),
        EmailResult::Blank => ValueCheck::Blank,
        EmailResult::Bad(code) => ValueCheck::Bad(code, cause(code, given).map_or(Detail::None, Detail::Is)),
        EmailResult::Long(chars) => ValueCheck::Bad(Code::EML004, Detail::Length { chars, limit: settings.email_max }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(given: &str) -> Result<String, EmailResult> {
        let mut buffer = String::from("left over");
        match normalise(given, 80, &mut buffer) {
            EmailResult::Same => Ok(given.to_owned()),
            EmailResult::Changed(_) => Ok(buffer),
            other => Err(other),
        }
    }

    #[test]
    fn taken() {
        for (from, to) in [
            ("joe@example.com", "joe@example.com"),
            ("Joe.Smith+x@Example.COM", "Joe.Smith+x@example.com"),
            (" joe@example.com\u{a0}", "joe@example.com"),
            ("\u{200b}joe@example.com\u{feff}", "joe@example.com"),
            ("<joe@example.com>", "joe@example.com"),
            ("mailto:joe@example.com", "joe@example.com"),
            ("MAILTO: joe@example.com", "joe@example.com"),
            ("Joe Smith <joe@example.com>", "joe@example.com"),
            ("\"Smith, Joe\" <mailto:joe@example.com>", "joe@example.com"),
            ("joe@example.com <joe@example.com>", "joe@example.com"),
            ("info@bücher.example", "info@xn--bcher-kva.example"),
            ("info@BÜCHER.example", "info@xn--bcher-kva.example"),
            ("info@例え。テスト", "info@xn--r8jz45g.xn--zckzah"),
            ("info@xn--bcher-kva.example", "info@xn--bcher-kva.example"),
            ("a@b--c.co", "a@b--c.co"),
            ("a@1.2.c3", "a@1.2.c3"),
        ] {
            assert_eq!(run(from).as_deref(), Ok(to), "{from}");
        }
    }

    #[test]
    fn refused() {
        use Code::*;
        for (from, code) in [
            ("joe", EML001),
            ("a@b@example.com", EML001),
            ("a@example.com, b@example.com", EML001),
            ("a@example.com <b@example.com>", EML001),
            ("joe@example.com>", EML008),
            ("<joe@example.com", EML008),
            ("joe<@example.com", EML008),
            ("joe@example.com> Joe", EML008),
            ("<<joe@example.com>>", EML008),
            ("joe>", EML008),
            ("joe@example.com\0", EML003),
            ("\u{1b}joe@example.com", EML002),
            ("joe@example.com\u{7f}", EML003),
            ("<joe@example.com\u{1}>", EML003),
            ("\0", EML001),
            ("@example.com", EML002),
            (".joe@example.com", EML002),
            ("joe.@example.com", EML002),
            ("j..oe@example.com", EML002),
            ("\"joe\"@example.com", EML002),
            ("jo e@example.com", EML002),
            ("josé@example.com", EML002),
            ("joe@example", EML003),
            ("joe@", EML003),
            ("joe@example..com", EML003),
            ("joe@example.com.", EML003),
            ("joe@-example.com", EML003),
            ("joe@example-.com", EML003),
            ("joe@exam_ple.com", EML003),
            ("joe@[127.0.0.1]", EML003),
            ("joe@127.0.0.1", EML003),
            ("joe@exa mple.com", EML003),
            ("joe@-bücher.com", EML003),
            ("joe@bücher-.com", EML003),
            ("joe@xn--a.com", EML003),
            ("joe@\u{ad}.com", EML003),
        ] {
            assert_eq!(run(from), Err(EmailResult::Bad(code)), "{from}");
        }
        assert_eq!(run(" "), Err(EmailResult::Blank));
        let long = format!("{}@example.com", "a".repeat(70));
        assert_eq!(run(&long), Err(EmailResult::Bad(EML002)));
        let long = format!("{}@{}.com", "a".repeat(60), "b".repeat(30));
        assert_eq!(run(&long), Err(EmailResult::Long(95)));
        assert_eq!(run(&format!(" {long}")), Err(EmailResult::Long(95)));
        assert_eq!(run(&format!("a@{}.com", "b".repeat(64))), Err(EmailResult::Bad(EML003)));
    }

    proptest! {
        #[test]
        fn normal_addresses_stay(given in "[ <]{0,2}(mailto:)?[a-zA-Z.+é]{1,6}@[a-zA-Z.éü\\-]{1,10}\\.[a-zA-Z0-9]{1,3}[> ]{0,2}|\\PC{0,20}") {
            if let Ok(once) = run(&given) {
                prop_assert!(once.is_ascii());
                prop_assert_eq!(run(&once), Ok(once));
            }
        }
    }
}
