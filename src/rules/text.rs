//! Text: Unicode normalisation form C, white space, control characters, length.

use super::{Effect, Rule, Settings, ValueCheck};
use crate::model::finding::{Code, Detail, Severity};
use crate::model::member::MemberId;
use crate::simd::word;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::TXT001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "too long",
        help: "shorten it, or cut it with --truncate",
        why: "The service refuses a member longer than its limit; limits are counted in characters, after normalisation.",
        before: r#""first_name":"(61 characters)""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::TXT002,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "white space, control characters or Unicode form normalised",
        help: "nothing to do",
        why: "Line breaks, tabs, doubled spaces and decomposed accents come from copying and from old systems; they break greetings, \
              searches and comparisons.",
        before: r#""company_name":"  Acme\tWidgets \n""#,
        after: r#""company_name":"Acme Widgets""#,
    },
    Rule {
        code: Code::TXT003,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "cut at the limit",
        help: "see in the change ledger what was cut off",
        why: "Only with --truncate: the service accepts no more characters than the limit.",
        before: r#""job_title":"(61 characters)""#,
        after: r#""job_title":"(its first 50 characters)""#,
    },
];

/// Marks without width that copying leaves at the ends of a value: zero-width space, joiners, word joiner, byte-order mark,
/// and the direction marks that address books put around numbers.
#[must_use]
pub fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether the ends of a text are trimmed of this character.
#[must_use]
pub fn is_trimmed(c: char) -> bool {
    c.is_control() || is_space(c)
}

/// Whether the ends of other values are trimmed of this character. A control character that is not white space stays: it shows
/// that the value was damaged.
fn is_space(c: char) -> bool {
    c.is_whitespace() || is_zero_width(c)
}

/// A value that is not free text (an address, a number, a date) without white space and zero-width marks at its ends.
#[must_use]
#[inline]
pub fn trim(value: &str) -> &str {
    match value.as_bytes() {
        // Nothing to trim where both ends are visible ASCII.
        [0x21..=0x7e] | [0x21..=0x7e, .., 0x21..=0x7e] => value,
        _ => value.trim_matches(is_space),
    }
}

/// The detail of an error about a value with a control character that is not white space.
#[must_use]
pub fn control_in(value: &str) -> Option<&'static str> {
    value.chars().any(|c| c.is_control() && !c.is_whitespace()).then_some("it contains a control character")
}

/// The result of normalising a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextResult {
    /// It is normal as it is.
    Same,
    /// The normal form is in the buffer.
    Changed,
    /// Nothing is left of it.
    Blank,
}

/// Normalises `text`; a form that differs is written to `buffer`, which is cleared first.
#[inline]
pub fn normalise(text: &str, buffer: &mut String) -> TextResult {
    if text.is_empty() {
        return TextResult::Blank;
    }
    if word::is_plain(text.as_bytes()) {
        return TextResult::Same;
    }
    normalise_slowly(text, buffer)
}

fn normalise_slowly(text: &str, buffer: &mut String) -> TextResult {
    fn collapse_whitespace(chars: impl Iterator<Item = char>, buffer: &mut String) {
        buffer.clear();
        let mut space = false;
        for c in chars {
            if c.is_whitespace() || c.is_control() {
                space = true;
            } else {
                if space && !buffer.is_empty() {
                    buffer.push(' ');
                }
                space = false;
                buffer.push(c);
            }
        }
    }
    let text_trimmed = text.trim_matches(is_trimmed);
    // ASCII has one form.
    if text_trimmed.is_ascii() || is_nfc_quick(text_trimmed.chars()) == IsNormalized::Yes {
        collapse_whitespace(text_trimmed.chars(), buffer);
    } else {
        collapse_whitespace(text_trimmed.nfc(), buffer);
    }
    // Collapsing white space can leave a mark at an end.
    let start = buffer.len() - buffer.trim_start_matches(is_trimmed).len();
    let end = buffer.trim_end_matches(is_trimmed).len().max(start);
    buffer.truncate(end);
    buffer.drain(..start);
    match buffer.as_str() {
        "" => TextResult::Blank,
        same if same == text => TextResult::Same,
        _ => TextResult::Changed,
    }
}

/// Characters (Unicode scalar values) of `text`.
#[must_use]
#[inline]
pub fn chars(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// `text` cut to `limit` characters, and then trimmed again, so that what is left is normal.
#[must_use]
pub fn truncate(text: &str, limit: usize) -> &str {
    let end = text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
    text[..end].trim_end_matches(is_trimmed)
}

/// Checks a text member.
#[inline]
pub fn check(given: &str, id: MemberId, settings: &Settings, buffer: &mut String) -> ValueCheck {
    let normal = normalise(given, buffer);
    check_length(normal, given, id, settings, buffer)
}

/// Checks the length of a text that was normalised, and cuts it if the settings say so.
#[inline]
pub(super) fn check_length(
    normal: TextResult,
    given: &str,
    id: MemberId,
    settings: &Settings,
    buffer: &mut String,
) -> ValueCheck {
    let (text, as_it_is) = match normal {
        TextResult::Same => (given, ValueCheck::Same),
        TextResult::Changed => (buffer.as_str(), ValueCheck::Changed(Code::TXT002)),
        TextResult::Blank => return ValueCheck::Blank,
    };
    let limit = usize::from(id.info().limit);
    if text.len() <= limit || chars(text) <= limit {
        return as_it_is;
    }
    if !settings.truncate {
        return ValueCheck::Bad(Code::TXT001, Detail::Length { chars: chars(text), limit });
    }
    let cut = truncate(text, limit);
    if cut.is_empty() {
        return ValueCheck::Blank;
    }
    *buffer = cut.to_owned();
    ValueCheck::Changed(Code::TXT003)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> String {
        let mut buffer = String::from("left over");
        match normalise(text, &mut buffer) {
            TextResult::Same => text.to_owned(),
            TextResult::Changed => {
                assert_ne!(buffer, text);
                buffer
            }
            TextResult::Blank => String::new(),
        }
    }

    #[test]
    fn values() {
        for (from, to) in [
            ("Joe", "Joe"),
            (" Joe ", "Joe"),
            ("a  b", "a b"),
            ("a\tb\r\nc", "a b c"),
            ("a\u{a0}\u{2003}b", "a b"),
            ("e\u{301}", "é"),
            ("\u{feff}Zoë\u{200b} ", "Zoë"),
            ("a\u{0}b\u{7f}c\u{85}d", "a b c d"),
            ("\u{200b}\u{a0}\u{feff}", ""),
            (" \t\r\n", ""),
            ("👩\u{200d}👧", "👩\u{200d}👧"),
            ("\u{212b}", "Å"),
            ("x\u{2028}y", "x y"),
            ("O\"Neil\\", "O\"Neil\\"),
            ("\u{200b} \u{200b}a", "a"),
            ("a\u{1}\u{301}", "a \u{301}"),
        ] {
            assert_eq!(normal(from), to, "{from:?}");
        }
    }

    #[test]
    fn control_characters_are_part_of_a_value_and_not_of_a_text() {
        for c in ['\0', '\u{1b}', '\u{1f}', '\u{7f}', '\u{9b}'] {
            let given = format!(" {c}x{c}\u{200b}");
            assert_eq!(trim(&given), format!("{c}x{c}"));
            assert_eq!(normal(&given), "x");
            assert!(control_in(&given).is_some());
        }
        assert_eq!(trim("\t\r\n\u{b}\u{85}\u{a0}x\u{2028}\u{feff}"), "x");
        assert_eq!(control_in("\ta\u{85}b"), None);
    }

    #[test]
    fn cutting() {
        assert_eq!(truncate("abcdef", 3), "abc");
        assert_eq!(truncate("ab cdef", 3), "ab");
        assert_eq!(truncate("日本語", 2), "日本");
        assert_eq!(truncate("ab", 3), "ab");
        assert_eq!(truncate("👩\u{200d}👧", 2), "👩");
    }

    #[test]
    fn ascii_is_collapsed_like_other_text() {
        for text in ["a", " a", "a ", "a\tb", "\0a\x7f\x1fb", " ", "\n\r", "a  b", "\x1c", "a\x1eb", "a\x0bb\x0cc"] {
            // A character of two bytes sends it the other way.
            let (mut one, mut other) = (String::new(), String::new());
            let wide = format!("{text}\u{e9}");
            normalise_slowly(text, &mut one);
            normalise_slowly(&wide, &mut other);
            let joined = text.ends_with(|c: char| c == ' ' || c.is_control()) && !one.is_empty();
            assert_eq!(other, format!("{one}{}\u{e9}", if joined { " " } else { "" }), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn normal_text_stays(text in "[ -~]{0,20}|[a \u{0}\t\n\u{a0}\u{200b}\u{feff}e\u{301}é\u{1100}\u{1161}]{0,12}|\\PC{0,20}") {
            let once = normal(&text);
            prop_assert_eq!(&normal(&once), &once);
            let cut = truncate(&once, 5);
            prop_assert_eq!(normal(cut), cut);
            prop_assert!(chars(cut) <= 5);
        }
    }
}
