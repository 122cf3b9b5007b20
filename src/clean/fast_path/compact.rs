//! Contacts that are not clean but compact: JSON without spaces between tokens and without escapes, as most messy contacts are. The
//! marks are there already and separate their members, so they need no parser. A member that is clean by itself is marked as
//! normal, and only the others go through the rules.

use super::patterns::{NamePattern, ValueForm};
use super::walk::{Walk, may_be_word};
use crate::json::parse::raw_value;
use crate::json::syntax::Cursor;
use crate::model::member::{Member, Value};
use crate::rules::custom;
use crate::simd::Backend;

/// A compact contact.
#[derive(Debug, Clone, Copy)]
pub struct Compact {
    /// Its index in the batch.
    pub contact: u32,
    /// Where its members begin and end in [`Classifier::members`](super::Classifier::members).
    pub members: (u32, u32),
}

/// A member of a compact contact, by offsets in the contact's bytes.
#[derive(Debug, Clone, Copy)]
pub struct CompactMember {
    /// Between the name's quotes.
    name: (u32, u32),
    /// The value, without its quotes if it is a string.
    value: (u32, u32),
    is_string: bool,
    /// The rules would leave the value as it is.
    is_normal: bool,
}

impl CompactMember {
    /// The member, given the text of its contact.
    #[must_use]
    #[inline]
    pub fn of<'a>(&self, contact: &'a str) -> Member<'a> {
        let text = |(start, end): (u32, u32)| &contact[start as usize..end as usize];
        let value = text(self.value);
        Member {
            name: text(self.name),
            value: if self.is_string { Value::String(value) } else { raw_value(value) },
            normal: self.is_normal.then_some((self.name.0 - 1, self.value.1 + 1)),
        }
    }
}

impl<B: Backend> Walk<'_, B> {
    /// Appends the members of the contact `from` to `to`, if it is compact. `unclean` are the offsets of its unclean bytes.
    #[inline(always)]
    pub(super) fn compact(&mut self, from: u32, to: u32, unclean: &[u32], members: &mut Vec<CompactMember>) -> bool {
        let before = members.len();
        let is_compact = self.compact_members(from, to, unclean, members).is_some();
        if !is_compact {
            members.truncate(before);
        }
        is_compact
    }

    #[inline(always)]
    fn compact_members(&mut self, from: u32, to: u32, unclean: &[u32], members: &mut Vec<CompactMember>) -> Option<()> {
        let text = self.text(from, to);
        let is_json = |at: &u32| !matches!(text[(at - from) as usize], b'\\' | 0..=0x1f);
        if !unclean.iter().all(is_json)
            || (self.non_ascii[self.non_ascii_at] < to && std::str::from_utf8(text).is_err())
        {
            return None;
        }
        let mut unclean = unclean.iter().copied().peekable();
        let mut any_unclean_before = |end: u32| {
            let mut any = false;
            while unclean.next_if(|at| *at < end).is_some() {
                any = true;
            }
            any
        };
        if self.marked.load::<0, _>(from) != b"{\"" || self.quotes[self.at] != from + 1 {
            return None;
        }
        let mut at = self.at;
        loop {
            let &[open, close, value_open, value_close] = self.quotes.get(at..)?.first_chunk()?;
            if close >= to || self.marked.load::<1, 1>(close) != b":" {
                return None;
            }
            let start = close + 2;
            let is_string = value_open == start;
            let (value, behind) = if is_string {
                if value_close >= to {
                    return None;
                }
                at += 4;
                ((start + 1, value_close), value_close + 1)
            } else {
                at += 2;
                let len = match short_value(self.marked.load::<2, _>(close)) {
                    Some(len) => len,
                    None => {
                        let len = other_value(&text[(start - from) as usize..])?;
                        while self.quotes[at] < start + len {
                            at += 1;
                        }
                        len
                    }
                };
                ((start, start + len), start + len)
            };
            let (_, wide_name) = (any_unclean_before(close + 1), self.skip_non_ascii(close));
            // The quotes belong to the value: a space beside one of them, or an empty string, is marked at a quote.
            let (unclean_value, wide) = (any_unclean_before(behind), self.skip_non_ascii(behind));
            let is_normal = is_string && !unclean_value && !wide_name && self.is_normal(open, value, wide);
            let relative = |(start, end): (u32, u32)| (start - from, end - from);
            members.push(CompactMember {
                name: relative((open + 1, close)),
                value: relative(value),
                is_string,
                is_normal,
            });
            match self.marked.load::<0, _>(behind) {
                // The quotes are paired, so this one begins the next name.
                b",\"" => {}
                [b'}', _] if behind + 1 == to => {
                    self.at = at;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Whether the rules would leave the string `value` of the member whose name begins at `open` as it is. False is always safe.
    #[inline(always)]
    fn is_normal(&mut self, open: u32, (start, end): (u32, u32), wide: bool) -> bool {
        let (close, text) = (start - 3, self.marked.load::<1, _>(open));
        // SAFETY: both are offsets of quotes, and the contact has a byte before the first of them.
        let slot = unsafe { self.marked.slot(open, close) };
        let NamePattern { pattern, entry } = &self.table.slots[slot];
        if self.is_null(start, end) {
            return false;
        }
        // The name is another one, or the value has another form.
        if !self.backend.within32(text, &pattern.low, &pattern.high) {
            return match self.text_name(open, close) {
                Some(entry) if wide => self.is_wide(entry, start, end),
                Some(entry) => self.is_text(entry, start, end),
                None => false,
            };
        }
        match entry.form {
            ValueForm::Text | ValueForm::Zip if wide => self.is_wide(entry, start, end),
            ValueForm::Zip => true,
            ValueForm::Text if may_be_word(end - close, text[(start - open - 1) as usize]) => {
                self.is_text(entry, start, end)
            }
            _ if end - close > entry.reach => false,
            ValueForm::Text => true,
            // The name is ASCII, so its bytes are its characters; the caller rejects any other.
            ValueForm::Custom => {
                let given = self.text(open + 1, start - 3);
                (1..=custom::NAME_MAX).contains(&(given.len() - 3))
                    && self.is_silent(open + 1, start - 3)
                    && self.settings.custom_fields.is_none()
                    && !wide
                    && self.is_text(entry, start, end)
            }
            ValueForm::Phone | ValueForm::Sms => self.dashed_phones,
            ValueForm::Date => self.date_at(start).is_some(),
            ValueForm::Consent => self.date_at(start).is_some_and(|day| day <= self.settings.as_of),
            ValueForm::Email => self.email_at(start, (end - start) as usize).is_some(),
            ValueForm::Birthday => false,
        }
    }
}

/// The length of a `null`, `true` or `false`, or of a whole number above zero that fits into 64 bits. The caller checks what
/// follows.
#[inline(always)]
fn short_value(text: &[u8; 24]) -> Option<u32> {
    match text[0] {
        b'n' if text.starts_with(b"null") => Some(4),
        b't' if text.starts_with(b"true") => Some(4),
        b'f' if text.starts_with(b"false") => Some(5),
        b'1'..=b'9' => {
            let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (len <= 19 && !matches!(text[len], b'.' | b'e' | b'E')).then_some(len as u32)
        }
        _ => None,
    }
}

/// The length of any other value: a number, an array, an object.
#[inline(never)]
fn other_value(text: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(text);
    cursor.member_value().ok().map(|value| value.end as u32)
}
