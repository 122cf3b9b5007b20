//! The walk along the quotes of contacts that are marked, one member after the other.

use super::marks::Marked;
use super::patterns::{
    COUNTRIES, CUSTOM, CUSTOM_SHIFT, DASHED_PHONES, NameEntry, NamePattern, OTHER_PHONES, PHONES, PatternTable,
    STREETS, ValueForm, WORD, address_bits, bit,
};
use super::silent::SilentNames;
use crate::model::identity::Identity;
use crate::model::member::MemberId;
use crate::rules::number::{self, Float};
use crate::rules::{OptedOut, PhoneFormat, Settings, address, birthday, custom, damaged, date::Date, phone, text};
use crate::simd::{Backend, EmailMasks};

/// Whether another member follows the string whose closing quote is at `close` and begins these bytes: false where the contact
/// ends, at `to`, and none for anything else.
#[inline(always)]
fn goes_on(bytes: &[u8; 4], close: u32, to: u32) -> Option<bool> {
    let word = u32::from_le_bytes(*bytes);
    if word << 8 == u32::from_le_bytes(*b"\0\",\"") {
        Some(true)
    } else if word & 0xffff == u32::from_le_bytes(*b"\"}\0\0") && close + 2 == to {
        Some(false)
    } else {
        None
    }
}

/// Reads `YYYY-MM-DD`.
#[inline(always)]
fn date_of(text: &[u8; 10]) -> Option<Date> {
    let digit = |i: usize| text[i].wrapping_sub(b'0');
    let two = |i: usize| digit(i).wrapping_mul(10).wrapping_add(digit(i + 1));
    Date::new(u16::from(two(0)) * 100 + u16::from(two(2)), two(5), two(8))
}

/// Whether a postal code is a number written as a float, or has lost zeros. The rules decide what becomes of it.
#[inline(never)]
fn is_number(code: &[u8]) -> bool {
    std::str::from_utf8(code)
        .is_ok_and(|code| number::read(code, &mut String::new()) != Float::No || address::is_short_zip(code))
}

/// Whether a text without unclean bytes is a text guard, or what programs write in place of a value.
#[inline(never)]
fn is_no_value(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| !damaged::is_value(text))
}

/// Whether a text with this first byte may be a text guard, or what programs write in place of a value and does not
/// [begin with an N](may_be_word).
#[inline(always)]
fn may_be_damaged(first: u8) -> bool {
    !(b'0'..=b't').contains(&first)
}

/// Whether a text with this first byte, whose closing quote is at this distance from that of its name, may be a word for no value.
#[inline(always)]
pub(super) fn may_be_word(distance: u32, first: u8) -> bool {
    WORD.contains(&distance) && first | 0x20 == b'n'
}

#[inline(never)]
fn is_home(country: &[u8]) -> bool {
    std::str::from_utf8(country).is_ok_and(|country| !phone::is_foreign(country))
}

/// What a walk along a contact adds up.
struct Tally {
    /// The sum of the members' bits, with the count of custom fields above them.
    sum: u64,
    /// How many members are numbers.
    numbers: usize,
    /// Month and day; 0 where not given.
    birthday: [u8; 2],
    /// Offset of the next byte outside ASCII.
    next_non_ascii: u32,
}

/// Buffers of a walk.
pub(super) struct Scratch<'w> {
    pub buffer: &'w mut String,
    pub copy: &'w mut Vec<u8>,
    pub silent: &'w mut SilentNames,
}

/// A walk along the quotes of marked contacts.
pub(super) struct Walk<'w, B> {
    pub(super) backend: B,
    pub(super) marked: Marked<'w>,
    /// Offsets of the quotes, from the first contact.
    pub(super) quotes: &'w [u32],
    /// Index of the next quote.
    pub(super) at: usize,
    /// Offsets of the bytes outside ASCII.
    pub(super) non_ascii: &'w [u32],
    /// Index of the first of those that may lie in this contact.
    pub(super) non_ascii_at: usize,
    pub(super) settings: &'w Settings,
    pub(super) table: &'static PatternTable,
    /// A phone number of the form `ddd-ddd-dddd` is clean.
    pub(super) dashed_phones: bool,
    buffer: &'w mut String,
    /// A copy of one value, where it is checked as text.
    copy: &'w mut Vec<u8>,
    silent: &'w mut SilentNames,
    /// Index of the first quote of each member, by [`MemberId`].
    members: [u32; 64],
    /// Index of the first quote of each custom field.
    customs: [u32; 64],
    /// Some contact has a custom field.
    pub(super) any_custom: bool,
}

impl<'w, B: Backend> Walk<'w, B> {
    /// A walk that begins at the first of these marks.
    #[inline(always)]
    pub(super) fn new(
        backend: B,
        marked: Marked<'w>,
        quotes: &'w [u32],
        non_ascii: &'w [u32],
        settings: &'w Settings,
        scratch: Scratch<'w>,
    ) -> Self {
        let Scratch { buffer, copy, silent } = scratch;
        let dashed_phones = !settings.nanp && settings.phone_format == PhoneFormat::Dashed;
        Walk {
            backend,
            marked,
            quotes,
            at: 0,
            non_ascii,
            non_ascii_at: 0,
            settings,
            table: if dashed_phones { &DASHED_PHONES } else { &OTHER_PHONES },
            dashed_phones,
            buffer,
            copy,
            silent,
            members: [0; 64],
            customs: [0; 64],
            any_custom: false,
        }
    }

    /// Indices of the next quote and the next byte outside ASCII.
    #[inline(always)]
    pub(super) fn position(&self) -> (usize, usize) {
        (self.at, self.non_ascii_at)
    }

    /// Goes back to a [position](Walk::position).
    #[inline(always)]
    pub(super) fn seek(&mut self, position: (usize, usize)) {
        (self.at, self.non_ascii_at) = position;
    }

    /// Skips the quotes before `end`.
    #[inline(always)]
    pub(super) fn skip_quotes(&mut self, end: u32) {
        while self.quotes[self.at] < end {
            self.at += 1;
        }
    }

    /// The identity of the contact `from` to `to`, if it is clean. It has no unclean bytes.
    #[inline(always)]
    pub(super) fn contact(&mut self, from: u32, to: u32) -> Option<Identity> {
        let (quotes, table, backend, marked) = (self.quotes, self.table, self.backend, self.marked);
        let (mut at, last_at) = (self.at, quotes.len().checked_sub(4)?);
        // The first quote begins a name, and there is a byte before it.
        if marked.load::<0, _>(from) != b"{\"" || *quotes.get(at)? != from + 1 {
            return None;
        }
        let next_non_ascii = self.non_ascii[self.non_ascii_at];
        let mut tally = Tally { sum: 0, numbers: 0, birthday: [0; 2], next_non_ascii };
        'members: loop {
            // Takes members as long as one comparison shows each to be good. Then one needs another look.
            let (mut sum, next_non_ascii) = (tally.sum, tally.next_non_ascii);
            let first_look = loop {
                // The quotes of a name and of a value. The first of them begins the name, as was checked before. The quotes of a
                // contact are paired, so none of the four lies behind it unless the value is no string.
                if at > last_at {
                    return None;
                }
                // SAFETY: there are four at this index.
                let &[open, close, _, value_close] = unsafe { &*quotes.as_ptr().add(at).cast::<[u32; 4]>() };
                // SAFETY: they are offsets of the marked bytes, or the number of these, and the second is at least 2: the first
                // is above `from`.
                let (text, slot, last) = unsafe {
                    (marked.load_at::<1, _>(open), marked.slot(open, close), marked.load_at::<0, 4>(value_close))
                };
                let NamePattern { pattern, entry } = &table.slots[slot];
                if !backend.within32(text, &pattern.low, &pattern.high) {
                    break None;
                }
                // A value that fits is a string, but for custom fields, which are looked at later.
                let distance = value_close - close;
                if distance > entry.reach {
                    break Some((entry, false));
                }
                // SAFETY: as above.
                let first = unsafe { marked.load_at::<3, 1>(close)[0] };
                if value_close > next_non_ascii || may_be_word(distance, first) {
                    break Some((entry, true));
                }
                self.members[entry.id as usize % 64] = at as u32;
                self.customs[(sum >> CUSTOM_SHIFT) as usize] = at as u32;
                sum = sum.wrapping_add(entry.bit);
                at += 4;
                if !goes_on(last, value_close, to)? {
                    tally.sum = sum;
                    break 'members;
                }
            };
            tally.sum = sum;
            let (count, goes_on) = self.look_again(at, to, first_look, &mut tally)?;
            at += count;
            if !goes_on {
                break;
            }
        }
        let count = (at - self.at + 2 * tally.numbers) / 4;
        self.at = at;
        self.check_cross_field(next_non_ascii < to, &tally, count)
    }

    /// A second look at the member whose first quote has the index `at`: a number, or a value that is not ASCII, or not clean.
    /// `first_look` is its name, if the member has the pattern of that, and whether it is good apart from bytes outside ASCII.
    /// Gives the number of its quotes and whether another member follows.
    #[inline(never)]
    fn look_again(
        &mut self,
        at: usize,
        to: u32,
        first_look: Option<(&'static NameEntry, bool)>,
        tally: &mut Tally,
    ) -> Option<(usize, bool)> {
        let marked = self.marked;
        let &[open, close, _, value_close] = self.quotes.get(at..)?.first_chunk()?;
        // Quotes are paired only where the input is JSON.
        if close <= open || close >= to {
            return None;
        }
        let (entry, mut good) = match first_look {
            Some(first_look) => first_look,
            None => (self.text_name(open, close)?, false),
        };
        if entry.form == ValueForm::Birthday {
            let length = birthday_number(marked, entry, close, &mut tally.birthday)?;
            tally.sum = tally.sum.wrapping_add(entry.bit);
            tally.numbers += 1;
            return match marked.load::<0, _>(close + length) {
                b",\"" => Some((2, true)),
                [b'}', _] if close + length + 1 == to => Some((2, false)),
                _ => None,
            };
        }
        let is_string = *marked.load::<1, _>(close) == *b":\"";
        if tally.next_non_ascii < value_close && value_close < to {
            self.skip_non_ascii(close);
            if self.skip_non_ascii(value_close) {
                good = is_string && self.is_wide(entry, close + 3, value_close);
            }
            tally.next_non_ascii = self.non_ascii[self.non_ascii_at];
        } else if is_string && entry.form.is_text() {
            good = self.is_text(entry, close + 3, value_close);
        }
        if !good && (self.dashed_phones || !self.is_other_phone(entry, close, value_close)) {
            return None;
        }
        self.members[entry.id as usize % 64] = at as u32;
        self.customs[(tally.sum >> CUSTOM_SHIFT) as usize] = at as u32;
        tally.sum = tally.sum.wrapping_add(entry.bit);
        Some((4, goes_on(marked.load::<0, _>(value_close), value_close, to)?))
    }

    /// The name between these quotes, if it is that of a text: its value may be normal without the pattern.
    #[inline(always)]
    pub(super) fn text_name(&self, open: u32, close: u32) -> Option<&'static NameEntry> {
        // SAFETY: both are offsets of quotes, and the contact has a byte before the first of them.
        let slot = unsafe { self.marked.slot(open, close) };
        let entry = &self.table.slots[slot].entry;
        let is_text = matches!(entry.form, ValueForm::Text | ValueForm::Zip)
            && self.text(open + 1, close) == entry.id.info().name.as_bytes();
        is_text.then_some(entry)
    }

    /// Whether a text that needs another look is normal. It is ASCII without unclean bytes.
    #[inline(always)]
    pub(super) fn is_text(&self, entry: &NameEntry, start: u32, end: u32) -> bool {
        let is_short = entry.form.is_text() && start <= end && end - start <= entry.limit.into();
        if !is_short {
            return false;
        }
        let text = self.text(start, end);
        let first = self.marked.load::<0, 1>(start)[0];
        !(entry.form == ValueForm::Zip && is_number(text))
            && !((may_be_damaged(first) || may_be_word(end - start + 3, first)) && is_no_value(text))
    }

    /// Whether any text between the quotes from index `at` on, in a contact that ends at `to`, stands for no value.
    #[inline(never)]
    pub(super) fn has_null(&self, at: usize, to: u32) -> bool {
        let texts = self.quotes[at..].chunks_exact(2).take_while(|quotes| quotes[1] < to);
        texts.into_iter().any(|quotes| self.is_null(quotes[0] + 1, quotes[1]))
    }

    /// Whether a text stands for no value.
    #[inline(always)]
    pub(super) fn is_null(&self, start: u32, end: u32) -> bool {
        let nulls = &self.settings.null_texts;
        !nulls.is_empty() && {
            let text = self.text(start, end);
            nulls.iter().any(|null| null.as_bytes() == text)
        }
    }

    /// Whether a value with bytes outside ASCII is normal.
    #[inline(always)]
    pub(super) fn is_wide(&mut self, entry: &NameEntry, start: u32, end: u32) -> bool {
        entry.form.is_text() && self.is_wide_text(start, end, entry.limit.into())
    }

    /// Whether a phone number that needs the rules is good by them.
    #[inline(never)]
    fn is_other_phone(&mut self, entry: &NameEntry, close: u32, value_close: u32) -> bool {
        entry.form == ValueForm::Phone
            && *self.marked.load::<1, _>(close) == *b":\""
            && value_close >= close + 3
            && self.is_phone(close + 3, value_close, phone::Extension::Kept)
    }

    /// Skips the bytes outside ASCII before `end`, and says whether there were any.
    #[inline(always)]
    pub(super) fn skip_non_ascii(&mut self, end: u32) -> bool {
        let before = self.non_ascii_at;
        while self.non_ascii[self.non_ascii_at] < end {
            self.non_ascii_at += 1;
        }
        self.non_ascii_at > before
    }

    /// The offsets at which the string value of a given member begins and ends.
    #[inline(always)]
    fn value(&self, id: MemberId) -> (u32, u32) {
        let at = self.members[id as usize % 64] as usize;
        (self.quotes[at + 1] + 3, self.quotes[at + 3])
    }

    /// The date of the value that begins at `start`.
    #[inline(always)]
    pub(super) fn date_at(&self, start: u32) -> Option<Date> {
        date_of(self.marked.load::<0, _>(start))
    }

    pub(super) fn text(&self, from: u32, to: u32) -> &'w [u8] {
        &self.marked.bytes[from as usize..to as usize]
    }

    /// Checks members against each other, and gives the contact's identity if it is clean.
    #[inline(always)]
    fn check_cross_field(&mut self, wide: bool, tally: &Tally, count: usize) -> Option<Identity> {
        let &Tally { sum, birthday, .. } = tally;
        let customs = (sum >> CUSTOM_SHIFT) as usize;
        let members = sum & (CUSTOM - 1);
        // A repeated member carries into the next bit, so that there are fewer bits than members.
        let once = members.count_ones() as usize + customs == count;
        let email = members & bit(MemberId::Email) != 0;
        let number = members & bit(MemberId::SmsNumber) != 0;
        let consent = members & bit(MemberId::SmsConsentDate) != 0;
        let both = |a: MemberId, b: MemberId| members & bit(a) != 0 && members & bit(b) != 0;
        let birthday = match birthday {
            [0, 0] => true,
            [0, _] | [_, 0] => false,
            [month, day] => birthday::exists(month, day),
        };
        let phones = (members & PHONES).count_ones() <= 3 && !both(MemberId::Phone, MemberId::OtherPhone);
        // A second address line needs its first, which is the member before it.
        let second_lines = members >> 1 & STREETS & !members == 0;
        let homes = members & address_bits(MemberId::Street) == 0 || members & address_bits(MemberId::HomeStreet) == 0;
        // A date without explicit consent is reported, and so is a number without a date under it.
        let sms = if self.settings.sms_explicit { number == consent } else { !consent };
        if !once || !birthday || !phones || !second_lines || !homes || !sms {
            return None;
        }
        if members & bit(MemberId::Anniversary) != 0 {
            self.date_at(self.value(MemberId::Anniversary).0)?;
        }
        if consent && self.date_at(self.value(MemberId::SmsConsentDate).0)? > self.settings.as_of {
            return None;
        }
        if customs > 0 {
            if !self.are_customs(wide, customs) {
                return None;
            }
            self.any_custom = true;
        }
        if members & (PHONES | bit(MemberId::SmsNumber)) != 0 {
            let mut countries = members & COUNTRIES;
            while countries != 0 {
                if !self.is_home(countries.trailing_zeros()) {
                    return None;
                }
                countries &= countries - 1;
            }
        }
        if number && !self.dashed_phones {
            let (from, to) = self.value(MemberId::SmsNumber);
            if to - from > 16 || !self.is_phone(from, to, phone::Extension::Refused) {
                return None;
            }
        }
        if email {
            let (start, end) = self.value(MemberId::Email);
            return self.email_at(start, (end - start) as usize);
        }
        if !number {
            return None;
        }
        // A clean number has at most 16 bytes.
        let (from, to) = self.value(MemberId::SmsNumber);
        let len = to.wrapping_sub(from) as usize;
        (len <= 16).then(|| self.settings.identity_key.identity(false, self.marked.load::<0, 24>(from), len))
    }

    /// Whether the country with this index in the table is the US or Canada. The usual spellings are compared first.
    #[inline(always)]
    fn is_home(&self, id: u32) -> bool {
        let at = self.members[id as usize % 64] as usize;
        let (from, to) = (self.quotes[at + 1] + 3, self.quotes[at + 3]);
        match self.marked.load::<0, 14>(from) {
            [b'U', b'S', b'"', ..] | [b'U', b'S', b'A', b'"', ..] | b"United States\"" => true,
            _ => is_home(self.text(from, to)),
        }
    }

    /// Whether the names outside the table are those of custom fields, each given once.
    #[inline(always)]
    fn are_customs(&mut self, wide: bool, count: usize) -> bool {
        if count > custom::MAX {
            return false;
        }
        let name = |i: usize| {
            let at = self.customs[i] as usize;
            self.text(self.quotes[at] + 1, self.quotes[at + 1])
        };
        // A field may have several names, so fields are compared, not names.
        let mut fields = [0u32; custom::MAX];
        let mut known = |i: usize, names: &custom::Fields, field| {
            let Some(field) = std::str::from_utf8(field).ok().and_then(|field| names.find(field)) else { return false };
            fields[i] = field;
            // Whether a value fits its type is for the rules to say.
            !fields[..i].contains(&field) && names.type_of(field).is_none()
        };
        for i in 0..count {
            let Some(field) = name(i).strip_prefix(b"cf:") else { return false };
            let good = !field.is_empty()
                && field.len() <= custom::NAME_MAX
                && self.settings.custom_fields.as_ref().is_none_or(|names| known(i, names, field))
                && (!wide || std::str::from_utf8(field).is_ok())
                && (0..i).all(|before| name(before) != name(i))
                && self.is_sound_custom(self.customs[i] as usize);
            if !good {
                return false;
            }
        }
        (0..count).all(|i| {
            let at = self.customs[i] as usize;
            self.is_silent(self.quotes[at] + 1, self.quotes[at + 1])
        })
    }

    /// Whether the custom field whose name is `from` to `to` says nothing about permission for email.
    #[inline(always)]
    pub(super) fn is_silent(&mut self, from: u32, to: u32) -> bool {
        let name = self.text(from, to);
        self.settings.opted_out == OptedOut::Ignore || self.silent.is_silent(name)
    }

    /// Whether the value of the custom field whose first quote has the index `at` is a string, and neither a text guard nor a word for
    /// no value.
    #[inline(always)]
    fn is_sound_custom(&self, at: usize) -> bool {
        let Some(&[_, close, _, end]) = self.quotes.get(at..).and_then(|quotes| quotes.first_chunk()) else {
            return false;
        };
        let &[colon, quote, first] = self.marked.load::<1, _>(close);
        [colon, quote] == *b":\"" && (!may_be_damaged(first) || !is_no_value(self.text(close + 3, end)))
    }

    #[inline(never)]
    fn is_phone(&mut self, from: u32, to: u32, extension: phone::Extension) -> bool {
        self.copy.clear();
        self.copy.extend_from_slice(self.text(from, to));
        std::str::from_utf8(self.copy).is_ok_and(|given| {
            !phone::begins_with_zero(given)
                && phone::normalise(given, extension, self.settings, self.buffer) == phone::PhoneResult::Same
        })
    }

    /// Whether a text with bytes outside ASCII is normal, and within its limit in characters.
    #[inline(never)]
    pub(super) fn is_wide_text(&mut self, from: u32, to: u32, limit: u32) -> bool {
        let limit = limit as usize;
        // A copy, because another process may write to the mapped file.
        self.copy.clear();
        self.copy.extend_from_slice(self.text(from, to));
        let Ok(given) = std::str::from_utf8(self.copy) else { return false };
        // U+00C0 to U+013F, letters of Europe: none is white space or a combining mark, so any text of them is in form C. Nor has
        // UTF-8 that was read as Windows-1252 these letters alone.
        let is_common = given.bytes().all(|b| b < 0xc0 || b == 0xc3 || b == 0xc4);
        if !is_common {
            // The same up to U+017F.
            let letters = given.bytes().all(|b| b < 0xc0 || (0xc3..=0xc5).contains(&b));
            if !letters && text::normalise(given, self.buffer) != text::TextResult::Same
                || damaged::may_be_misread(given)
            {
                return false;
            }
        }
        given.len() <= limit || text::chars(given) <= limit
    }

    #[inline(never)]
    fn is_suppressed(&self, start: u32, len: usize) -> bool {
        let address = std::str::from_utf8(self.text(start, start + len as u32));
        let list = self.settings.suppressed.as_deref();
        list.is_none_or(|list| address.map_or(true, |address| list.contains(address)))
    }

    /// The identity of this address, if it is normal and of a common form. Others are left to the rules.
    #[inline(always)]
    pub(super) fn email_at(&self, start: u32, len: usize) -> Option<Identity> {
        if len > self.settings.email_max || len > 63 || len == 0 {
            return None;
        }
        let block = self.marked.load::<0, _>(start);
        let masks = EmailMasks::of(self.backend, block);
        let all = !(!0u64 << len);
        let last = 1u64 << (len - 1);
        let sign = masks.at & all;
        if !sign.is_power_of_two() || sign == 1 {
            return None;
        }
        let local = sign - 1;
        let domain = all & !local & !sign;
        let dot = masks.dot & all;
        let hyphen = masks.hyphen & domain;
        let common = masks.lower | masks.digit | masks.dot | masks.hyphen;
        let in_domain = dot & domain;
        let good = (local & !(common | masks.upper | masks.mark))
            | (domain & !common)
            // No dot is beside a dot or at an end of either part.
            | (dot & (dot << 1 | 1 | sign >> 1 | sign << 1 | last))
            // No label begins or ends with a hyphen. Two in a row may mark an encoded label, which needs the rules.
            | (hyphen & (sign << 1 | dot << 1 | dot >> 1 | last | hyphen << 1))
            == 0
            && in_domain != 0;
        if !good {
            return None;
        }
        let top = !0u64 << (64 - in_domain.leading_zeros()).min(63);
        // The last label must not be all digits.
        if all & top & !masks.digit == 0 {
            return None;
        }
        if self.settings.suppressed.is_some() && self.is_suppressed(start, len) {
            return None;
        }
        let key = &self.settings.identity_key;
        Some(if masks.upper & local == 0 {
            key.identity(true, block, len)
        } else {
            key.identity(true, &block.map(|byte| byte.to_ascii_lowercase()), len)
        })
    }
}

/// Reads the one or two digits of a birthday's month or day, behind the name whose closing quote is at `close`. Gives the distance
/// from there to the end of the number.
#[inline(always)]
fn birthday_number(marked: Marked<'_>, entry: &NameEntry, close: u32, birthday: &mut [u8; 2]) -> Option<u32> {
    let &[first, second] = marked.load::<2, _>(close);
    let (first, second) = (first.wrapping_sub(b'0'), second.wrapping_sub(b'0'));
    let (value, len) = if second > 9 { (first, 1) } else { (first * 10 + second, 2) };
    match entry.id {
        MemberId::BirthdayMonth if value <= 12 => birthday[0] = value,
        MemberId::BirthdayDay if value <= 31 => birthday[1] = value,
        _ => return None,
    }
    Some(2 + len)
}
