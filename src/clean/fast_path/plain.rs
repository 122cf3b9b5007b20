//! Contacts that are not clean, and are plain all the same: compact JSON without escapes, as most of the messy ones are. Their
//! members are told by the marks that are there already, so that they need no parser, and each member that is clean by itself is
//! known to be; only the others are for the rules.

use super::{Kind, Walk, is_float};
use crate::json::parse::raw_value;
use crate::json::syntax::Cursor;
use crate::model::member::{Member, Value};
use crate::rules::custom;
use crate::simd::Backend;

/// One such contact.
#[derive(Debug, Clone, Copy)]
pub struct Plain {
    /// Its place in the batch.
    pub contact: u32,
    /// Its members begin and end here, among those of all.
    pub members: (u32, u32),
}

/// A member of one, by the bytes of its contact.
#[derive(Debug, Clone, Copy)]
pub struct PlainMember {
    /// Between the name's quotes.
    name: (u32, u32),
    /// The value, without its quotes if it is a string.
    value: (u32, u32),
    is_string: bool,
    /// The value is in its normal form.
    is_normal: bool,
}

impl PlainMember {
    /// The member, of a contact with this text.
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
    /// Appends the members of the contact `from` to `to`, if it is plain. `bad` are the bytes of it that no clean contact has.
    #[inline(always)]
    pub(super) fn plain(&mut self, from: u32, to: u32, bad: &[u32], members: &mut Vec<PlainMember>) -> bool {
        let before = members.len();
        let is_plain = self.plain_members(from, to, bad, members).is_some();
        if !is_plain {
            members.truncate(before);
        }
        is_plain
    }

    #[inline(always)]
    fn plain_members(&mut self, from: u32, to: u32, bad: &[u32], members: &mut Vec<PlainMember>) -> Option<()> {
        let text = self.text(from, to);
        let is_json = |at: &u32| !matches!(text[(at - from) as usize], b'\\' | 0..=0x1f);
        if !bad.iter().all(is_json) || (self.high[self.high_at] < to && std::str::from_utf8(text).is_err()) {
            return None;
        }
        let mut bad = bad.iter().copied().peekable();
        let mut is_bad_before = |end: u32| {
            let mut any = false;
            while bad.next_if(|at| *at < end).is_some() {
                any = true;
            }
            any
        };
        if self.marked.load::<0, _>(from) != b"{\"" {
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
            let (_, wide_name) = (is_bad_before(close + 1), self.skip_high(close));
            // The quotes belong to it: a space beside one of them, or none between them, is told there.
            let (bad_value, wide) = (is_bad_before(behind), self.skip_high(behind));
            let is_normal = is_string && !bad_value && !wide_name && self.is_normal(open, value, wide);
            let relative = |(start, end): (u32, u32)| (start - from, end - from);
            members.push(PlainMember {
                name: relative((open + 1, close)),
                value: relative(value),
                is_string,
                is_normal,
            });
            match self.marked.load::<0, _>(behind) {
                // The next name's quote, as the quotes are paired.
                b",\"" => {}
                [b'}', _] if behind + 1 == to => return Some(()),
                _ => return None,
            }
        }
    }

    /// Whether the rules would leave the string `value` of the member whose name begins at `open` as it is. No is always safe.
    #[inline(always)]
    fn is_normal(&mut self, open: u32, (start, end): (u32, u32), wide: bool) -> bool {
        let (close, text) = (start - 3, self.marked.load::<1, _>(open));
        // SAFETY: both are among the quotes of the marked bytes.
        let (place, _) = unsafe { self.marked.place(open, close) };
        let (pattern, name) = (&self.table.patterns[place], &self.table.names[place]);
        // A string with another name, or of another form.
        if !self.backend.within32(text, &pattern.low, &pattern.high) {
            return false;
        }
        match name.kind {
            Kind::Text if wide => self.is_wide_text(start, end, name.limit.into()),
            _ if end - close > name.reach => false,
            Kind::Text => !(name.id.is_zip() && is_float(self.text(start, end))),
            // Its name is bytes of one character each, or the caller says no.
            Kind::Custom => {
                let given = self.text(open + 1, start - 3);
                (1..=custom::NAME_MAX).contains(&(given.len() - 3)) && self.settings.custom_fields.is_none() && !wide
            }
            Kind::Phone | Kind::Sms => self.plain_phones,
            Kind::Date => self.date_at(start).is_some(),
            Kind::Consent => self.date_at(start).is_some_and(|day| day <= self.settings.as_of),
            Kind::Email => self.email_at(start, (end - start) as usize).is_some(),
            Kind::Birthday => false,
        }
    }
}

/// How long a `null`, `true` or `false` is, or a whole number above zero that is not too long for a word. What is behind it is
/// for the caller.
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

/// How long any other value is: a number, an array, an object.
#[inline(never)]
fn other_value(text: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(text);
    cursor.member_value().ok().map(|value| value.end as u32)
}
