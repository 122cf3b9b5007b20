//! Contacts that are clean and canonical already: the usual ones, found at a few bytes a nanosecond and copied as they are.
//!
//! One pass over a batch marks quotes, and what no clean contact has (escapes, control characters, doubled spaces). A walk along
//! the quotes then holds each contact against the shape that cleaning gives: compact, members in any order, each name known,
//! each value in its normal form, nothing that only shows together. What passes is, byte for byte, what the parser and the
//! [`judge`](crate::judge) would have written, with no finding; everything else, right or wrong, is left to them. Saying no is
//! always safe here, and saying yes never needs a second look: a property test holds both ways against each other.

use crate::clean::Batch;
use crate::contact::{Family, KNOWN, MEMBERS, MemberId};
use crate::judge::{Identity, identity_of};
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::rules::{PhoneFormat, Settings, birthday, custom, date::Date, phone, text};
use crate::scan::{Address, Backend, Choice, Text, with_backend};

/// The verdict on a contact that is left to the parser. (A clean contact whose hash is this is left to it as well.)
pub const LEFT: Identity = 0;

/// The buffers of the check.
#[derive(Debug)]
pub struct Canonical {
    choice: Choice,
    /// Index of every quote, and some room behind.
    quotes: Vec<u32>,
    /// Bits of bytes that no clean contact has.
    bad: Vec<u64>,
    /// Bits of bytes outside of ASCII.
    high: Vec<u64>,
    buffer: String,
    /// For each contact of the batch who it is, or [`LEFT`].
    pub verdicts: Vec<Identity>,
}

impl Default for Canonical {
    fn default() -> Self {
        Canonical::with_backend(Choice::best())
    }
}

impl Canonical {
    /// With the backend told, for tests and benches.
    #[must_use]
    pub fn with_backend(choice: Choice) -> Self {
        Canonical {
            choice,
            quotes: Vec::new(),
            bad: Vec::new(),
            high: Vec::new(),
            buffer: String::new(),
            verdicts: Vec::new(),
        }
    }

    /// Judges every contact of a batch; the answers are in [`Canonical::verdicts`].
    pub fn judge(&mut self, batch: &Batch<'_>, settings: &Settings) {
        self.verdicts.clear();
        let (Some(first), Some(last)) = (batch.spans.first(), batch.spans.last()) else { return };
        let start = (first.start - batch.base) as usize;
        let end = (last.end - batch.base) as usize;
        let choice = self.choice;
        with_backend!(choice, run, (
            canonical: &mut Canonical = self,
            batch: &Batch<'_> = batch,
            start: usize = start,
            end: usize = end,
            settings: &Settings = settings,
        ) -> ());
    }
}

#[inline(always)]
fn run<B: Backend>(
    backend: B,
    canonical: &mut Canonical,
    batch: &Batch<'_>,
    start: usize,
    end: usize,
    settings: &Settings,
) {
    let count = mark(backend, canonical, &batch.bytes[start..end]);
    let mut walk = Walk {
        backend,
        bytes: batch.bytes,
        start,
        quotes: &canonical.quotes[..count + 4],
        at: 0,
        bad: &canonical.bad,
        high: &canonical.high,
        settings,
        plain_phones: !settings.nanp && settings.phone_format == PhoneFormat::Dashed,
        buffer: &mut canonical.buffer,
    };
    for span in batch.spans {
        let from = (span.start - batch.base) as usize;
        let to = (span.end - batch.base) as usize;
        let room = (settings.contact_bytes_max as u64).min(CONTACT_BYTES_MAX);
        let identity = match span.whole && span.end - span.start <= room {
            true => walk.contact(from, to),
            false => None,
        };
        canonical.verdicts.push(identity.unwrap_or(LEFT));
        // Clean or not, the next contact begins behind this one.
        while (walk.quotes[walk.at] as usize) < to - start {
            walk.at += 1;
        }
    }
}

/// Marks `bytes`; gives how many quotes there are. Four that are nowhere follow them.
#[inline(always)]
fn mark<B: Backend>(backend: B, canonical: &mut Canonical, bytes: &[u8]) -> usize {
    let words = bytes.len() / 64 + 1;
    canonical.bad.clear();
    canonical.high.clear();
    canonical.bad.reserve(words);
    canonical.high.reserve(words);
    // Grown once; what is in it from before is written over.
    let room = bytes.len() + 64 + 8;
    if canonical.quotes.len() < room {
        canonical.quotes.resize(room, 0);
    }
    let mut marks = Marks {
        count: 0,
        space_before: 0,
        quotes: &mut canonical.quotes,
        bad: &mut canonical.bad,
        high: &mut canonical.high,
    };
    let (chunks, rest) = bytes.as_chunks::<64>();
    for (i, chunk) in chunks.iter().enumerate() {
        marks.word(backend, i as u32 * 64, chunk, !0);
    }
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    marks.word(backend, chunks.len() as u32 * 64, &last, !(!0 << rest.len()));
    let count = marks.count;
    canonical.quotes[count..count + 4].fill(u32::MAX);
    count
}

/// What [`mark`] makes.
struct Marks<'m> {
    count: usize,
    space_before: u64,
    quotes: &'m mut [u32],
    bad: &'m mut Vec<u64>,
    high: &'m mut Vec<u64>,
}

impl Marks<'_> {
    /// Marks 64 bytes, of which those in `real` are there. (A function and not a closure: a closure would not be compiled for
    /// the backend's instructions.)
    #[inline(always)]
    fn word<B: Backend>(&mut self, backend: B, base: u32, bytes: &[u8; 64], real: u64) {
        let text = Text::of(backend, bytes);
        let doubled = text.space & (text.space << 1 | self.space_before);
        self.space_before = text.space >> 63;
        self.bad.push((text.special | doubled) & real);
        self.high.push(text.high & real);
        let mut quote = text.quote & real;
        let mut at = self.count;
        self.count += quote.count_ones() as usize;
        while at < self.count {
            // Eight at a time, needed or not: a loop of known length costs less than one that must ask.
            let Some(eight) = self.quotes[at..].first_chunk_mut::<8>() else { break };
            for place in eight {
                *place = base.wrapping_add(quote.trailing_zeros());
                quote &= quote.wrapping_sub(1);
            }
            at += 8;
        }
    }
}

/// True when any of the bits `from` to `to` (not included) is set.
#[inline(always)]
fn any(bits: &[u64], from: usize, to: usize) -> bool {
    let (first, last) = (from / 64, to / 64);
    let low = !0u64 << (from % 64);
    let high = !(!0u64 << (to % 64));
    if first == last {
        return bits[first] & low & high != 0;
    }
    let mut found = bits[first] & low;
    for word in &bits[first + 1..last] {
        found |= word;
    }
    if high != 0 {
        found |= bits[last] & high;
    }
    found != 0
}

/// Eight bytes from `at` on; zeros where the bytes end.
#[inline(always)]
fn load8(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8) {
        Some(eight) => u64::from_le_bytes(eight.try_into().expect("eight bytes")),
        None => {
            let mut eight = [0; 8];
            if let Some(rest) = bytes.get(at..) {
                eight[..rest.len()].copy_from_slice(rest);
            }
            u64::from_le_bytes(eight)
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// True when every byte of `word` whose byte in `mask` is 0xff is an ASCII digit.
#[inline(always)]
fn digits(word: u64, mask: u64) -> bool {
    let high = (0xf0 * ONES) & mask;
    let zeros = (0x30 * ONES) & mask;
    (word & high) == zeros && (word.wrapping_add(6 * ONES) & high) == zeros
}

/// `ddd-ddd-dddd`, in three comparisons.
#[inline(always)]
fn is_dashed(bytes: &[u8], at: usize, len: usize) -> bool {
    let (first, last) = (load8(bytes, at), load8(bytes, at + 4));
    len == 12
        && first & 0xff00_0000_ff00_0000 == 0x2d00_0000_2d00_0000
        && digits(first, 0x00ff_ffff_00ff_ffff)
        && digits(last, 0xffff_ffff_0000_0000)
}

/// `YYYY-MM-DD`, a day of the calendar.
#[inline(always)]
fn iso_date(bytes: &[u8], at: usize, len: usize) -> Option<Date> {
    let (first, last) = (load8(bytes, at), load8(bytes, at + 2));
    let good = len == 10
        && first & 0xff00_00ff_0000_0000 == 0x2d00_002d_0000_0000
        && digits(first, 0x00ff_ff00_ffff_ffff)
        && digits(last, 0xffff_0000_0000_0000);
    if !good {
        return None;
    }
    let digit = |word: u64, i: u32| (word >> (8 * i)) as u8 & 15;
    let two = |word, i| digit(word, i) * 10 + digit(word, i + 1);
    Date::new(u16::from(two(first, 0)) * 100 + u16::from(two(first, 2)), two(first, 5), two(last, 6))
}

/// A name of the table, by its first and last eight bytes and its length.
#[derive(Clone, Copy)]
struct Name {
    head: u64,
    tail: u64,
    len: u8,
    id: u8,
    /// What the walk needs of the member's rule, beside the name: one cache line has it all.
    family: Family,
    limit: u16,
}

/// Longest name in the table.
const NAME_MAX: usize = 16;
const NAMES: usize = 256;

const fn name_hash(head: u64, tail: u64, len: usize, factor: u64) -> usize {
    (((head ^ tail.rotate_left(21) ^ len as u64).wrapping_mul(factor)) >> 56) as usize
}

/// The name's key: its first eight bytes (zeros behind a shorter one), and its last eight (none of a shorter one).
const fn name_key(name: &[u8]) -> (u64, u64) {
    let (mut head, mut tail, mut i) = (0, 0, 0);
    while i < name.len() {
        if i < 8 {
            head |= (name[i] as u64) << (8 * i);
        }
        if name.len() >= 8 && i + 8 >= name.len() {
            tail |= (name[i] as u64) << (8 * (i + 8 - name.len()));
        }
        i += 1;
    }
    (head, tail)
}

/// A factor by which no two names fall on one place, and the table it makes.
const TABLE: (u64, [Name; NAMES]) = {
    let mut factor = 0x9e37_79b9_7f4a_7c15u64;
    loop {
        let mut table = [Name { head: 0, tail: 0, len: 0, id: 0, family: Family::Unknown, limit: 0 }; NAMES];
        let (mut i, mut good) = (0, true);
        while i < KNOWN.len() && good {
            let name = MEMBERS[i].name.as_bytes();
            assert!(name.len() <= NAME_MAX);
            let (head, tail) = name_key(name);
            let at = name_hash(head, tail, name.len(), factor);
            good = table[at].len == 0;
            let (family, limit) = (MEMBERS[i].family, MEMBERS[i].limit);
            table[at] = Name { head, tail, len: name.len() as u8, id: i as u8, family, limit };
            i += 1;
        }
        if good {
            break (factor, table);
        }
        factor = factor.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(2);
    }
};
static NAME_TABLE: [Name; NAMES] = TABLE.1;

/// The member whose name is the `len` bytes at `at`.
#[inline(always)]
fn member(bytes: &[u8], at: usize, len: usize) -> Option<&'static Name> {
    if len == 0 || len > NAME_MAX {
        return None;
    }
    let head = load8(bytes, at);
    let (head, tail) = match len {
        8.. => (head, load8(bytes, at + len - 8)),
        _ => (head & !(!0 << (8 * len)), 0),
    };
    let name = &NAME_TABLE[name_hash(head, tail, len, TABLE.0)];
    (name.head == head && name.tail == tail && usize::from(name.len) == len).then_some(name)
}

const fn bit(id: MemberId) -> u64 {
    1 << id as u64
}

/// The six members of an address, from its street on.
const fn address(street: MemberId) -> u64 {
    0b11_1111 << street as u64
}

const PHONES: u64 = bit(MemberId::Phone)
    | bit(MemberId::HomePhone)
    | bit(MemberId::WorkPhone)
    | bit(MemberId::MobilePhone)
    | bit(MemberId::OtherPhone);
const STREETS: u64 =
    bit(MemberId::Street) | bit(MemberId::HomeStreet) | bit(MemberId::WorkStreet) | bit(MemberId::OtherStreet);

struct Walk<'w, B> {
    backend: B,
    /// The bytes of the batch.
    bytes: &'w [u8],
    /// Index of the first byte that was marked.
    start: usize,
    /// Index of each quote, counted from there.
    quotes: &'w [u32],
    /// The next of them.
    at: usize,
    bad: &'w [u64],
    high: &'w [u64],
    settings: &'w Settings,
    /// Numbers are wanted as `ddd-ddd-dddd`, and nothing else is asked of them.
    plain_phones: bool,
    buffer: &'w mut String,
}

/// What a contact showed so far.
struct Shown<'w> {
    /// The known members, a bit each.
    members: u64,
    month: u8,
    day: u8,
    customs: [&'w [u8]; custom::MAX],
    custom_count: usize,
    identity: Identity,
}

impl<'w, B: Backend> Walk<'w, B> {
    /// Who the contact at `from` to `to` is, if it is clean.
    #[inline(always)]
    fn contact(&mut self, from: usize, to: usize) -> Option<Identity> {
        let (first, last) = (from - self.start, to - self.start);
        if any(self.bad, first, last) {
            return None;
        }
        let bytes: &'w [u8] = self.bytes;
        let wide = any(self.high, first, last);
        if wide && std::str::from_utf8(&bytes[from..to]).is_err() {
            return None;
        }
        if bytes[from] != b'{' {
            return None;
        }
        let mut shown =
            Shown { members: 0, month: 0, day: 0, customs: [&[]; custom::MAX], custom_count: 0, identity: LEFT };
        let mut at = from + 1;
        loop {
            // The quotes of a name and of a value; behind the last quote of the batch there are some that match nothing.
            let &[open, close, value_open, value_close] = self.quotes.get(self.at..)?.first_chunk::<4>()?;
            let [open, close] = [open, close].map(|quote| quote as usize + self.start);
            if open != at || close >= to || bytes.get(close + 1) != Some(&b':') {
                return None;
            }
            let name = open + 1..close;
            let value = close + 2;
            let next = *bytes.get(value)?;
            if next == b'"' {
                let value_close = value_close as usize + self.start;
                if value_open as usize + self.start != value || value_close >= to {
                    return None;
                }
                self.at += 4;
                self.text(name, value + 1..value_close, wide, &mut shown)?;
                at = value_close + 1;
            } else {
                self.at += 2;
                at = self.number(name, value, &mut shown)?;
            }
            match bytes.get(at) {
                Some(b',') if at < to => at += 1,
                Some(b'}') if at + 1 == to => break,
                _ => return None,
            }
        }
        self.together(&shown).then_some(shown.identity)
    }

    /// A birthday's number; gives the index behind it.
    #[inline(always)]
    fn number(&self, name: std::ops::Range<usize>, at: usize, shown: &mut Shown<'w>) -> Option<usize> {
        let id = KNOWN[usize::from(member(self.bytes, name.start, name.len())?.id)];
        let digit = |at: usize| self.bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10);
        let mut n = digit(at).filter(|d| *d > 0)?;
        let mut end = at + 1;
        if let Some(second) = digit(end) {
            n = n * 10 + second;
            end += 1;
        }
        let place = match id {
            MemberId::BirthdayMonth if n <= 12 => &mut shown.month,
            MemberId::BirthdayDay if n <= 31 => &mut shown.day,
            _ => return None,
        };
        // Given before: let the judge say so.
        if *place != 0 {
            return None;
        }
        *place = n;
        Some(end)
    }

    /// A member whose value is a string.
    #[inline(always)]
    fn text(
        &mut self,
        name: std::ops::Range<usize>,
        value: std::ops::Range<usize>,
        wide: bool,
        shown: &mut Shown<'w>,
    ) -> Option<()> {
        let bytes: &'w [u8] = self.bytes;
        let (at, len) = (value.start, value.len());
        let Some(member) = member(bytes, name.start, name.len()) else {
            return self.custom(&bytes[name], value, wide, shown);
        };
        let bit = 1 << member.id;
        if shown.members & bit != 0 {
            return None;
        }
        shown.members |= bit;
        // Most members are text: a branch of its own is foreseen more often than a jump to one of many places.
        if matches!(member.family, Family::Text | Family::Address) {
            return self.is_text(value, usize::from(member.limit), wide).then_some(());
        }
        let good = match member.family {
            Family::Email => {
                shown.identity = self.email(at, len)?;
                true
            }
            Family::Phone => self.is_phone(at, len, phone::Extension::Kept),
            Family::Date => iso_date(bytes, at, len).is_some(),
            Family::Sms => {
                if shown.members & self::bit(MemberId::Email) == 0 {
                    shown.identity = identity_of(false, &bytes[value]);
                }
                len <= 16 && self.is_phone(at, len, phone::Extension::Refused)
            }
            Family::Consent => iso_date(bytes, at, len).is_some_and(|day| day <= self.settings.as_of),
            Family::Text | Family::Address | Family::Birthday | Family::Custom | Family::Unknown => false,
        };
        good.then_some(())
    }

    #[inline(always)]
    fn is_phone(&mut self, at: usize, len: usize, extension: phone::Extension) -> bool {
        if self.plain_phones {
            return is_dashed(self.bytes, at, len);
        }
        std::str::from_utf8(&self.bytes[at..at + len])
            .is_ok_and(|given| phone::normalise(given, extension, self.settings, self.buffer) == phone::Phone::Same)
    }

    /// Text in its normal form, within its limit. What is marked as bad was seen to be absent before.
    #[inline(always)]
    fn is_text(&mut self, value: std::ops::Range<usize>, limit: usize, wide: bool) -> bool {
        let len = value.len();
        if len == 0 || self.bytes[value.start] == b' ' || self.bytes[value.end - 1] == b' ' {
            return false;
        }
        if !wide || !any(self.high, value.start - self.start, value.end - self.start) {
            return len <= limit;
        }
        self.is_wide_text(value, limit)
    }

    #[inline(never)]
    fn is_wide_text(&mut self, value: std::ops::Range<usize>, limit: usize) -> bool {
        let Ok(given) = std::str::from_utf8(&self.bytes[value]) else { return false };
        // U+00C0 to U+017F, the letters of Europe: none is white space, combines, or is composed of others' pieces.
        let letters = given.bytes().all(|b| b < 0x80 || (0x80..0xc0).contains(&b) || (0xc3..=0xc5).contains(&b));
        if !letters && text::normalise(given, self.buffer) != text::Text::Same {
            return false;
        }
        given.len() <= limit || text::chars(given) <= limit
    }

    #[inline(always)]
    fn custom(
        &mut self,
        name: &'w [u8],
        value: std::ops::Range<usize>,
        wide: bool,
        shown: &mut Shown<'w>,
    ) -> Option<()> {
        let field = name.strip_prefix(b"cf:")?;
        let known = |names: &std::collections::HashSet<String>| {
            std::str::from_utf8(field).is_ok_and(|field| names.contains(field))
        };
        let count = shown.custom_count;
        let good = !field.is_empty()
            && field.len() <= custom::NAME_MAX
            && count < custom::MAX
            && self.settings.custom_fields.as_ref().is_none_or(known)
            && !shown.customs[..count].contains(&name)
            && self.is_text(value, usize::from(MemberId::Custom.info().limit), wide);
        if !good {
            return None;
        }
        shown.customs[count] = name;
        shown.custom_count = count + 1;
        Some(())
    }

    /// Who has this address, if it is one in its normal form. Only what is common is known here.
    #[inline(always)]
    fn email(&self, at: usize, len: usize) -> Option<Identity> {
        if len > self.settings.email_max || len > 63 || len == 0 {
            return None;
        }
        let masks = match self.bytes.get(at..).and_then(|rest| rest.first_chunk::<64>()) {
            Some(block) => Address::of(self.backend, block),
            None => {
                let mut block = [0; 64];
                block[..len].copy_from_slice(&self.bytes[at..at + len]);
                Address::of(self.backend, &block)
            }
        };
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
        let good = local & !(common | masks.upper | masks.mark) == 0
            && domain & !common == 0
            // No dot beside a dot or at an end of either part.
            && dot & (dot << 1 | 1 | sign >> 1 | sign << 1 | last) == 0
            // Labels neither begin nor end with a hyphen; two in a row may say that a label is encoded.
            && hyphen & (sign << 1 | dot << 1 | dot >> 1 | last | hyphen << 1) == 0
            && in_domain != 0;
        if !good {
            return None;
        }
        let top = !0u64 << (64 - in_domain.leading_zeros()).min(63);
        // The last label is not all digits.
        if all & top & !masks.digit == 0 {
            return None;
        }
        let text = &self.bytes[at..at + len];
        Some(if masks.upper & local == 0 {
            identity_of(true, text)
        } else {
            let mut lower = [0; 64];
            lower[..len].copy_from_slice(text);
            lower.make_ascii_lowercase();
            identity_of(true, &lower[..len])
        })
    }

    /// What only shows when all members are there.
    #[inline(always)]
    fn together(&self, shown: &Shown<'_>) -> bool {
        let members = shown.members;
        let both = |a: MemberId, b: MemberId| members & bit(a) != 0 && members & bit(b) != 0;
        let birthday = match (shown.month, shown.day) {
            (0, 0) => true,
            (0, _) | (_, 0) => false,
            (month, day) => birthday::exists(month, day),
        };
        let phones = (members & PHONES).count_ones() <= 3 && !both(MemberId::Phone, MemberId::OtherPhone);
        // A second line has its first, which is the member before it.
        let second_lines = members >> 1 & STREETS & !members == 0;
        let homes = members & address(MemberId::Street) == 0 || members & address(MemberId::HomeStreet) == 0;
        let number = members & bit(MemberId::SmsNumber) != 0;
        let date = members & bit(MemberId::SmsConsentDate) != 0;
        // A date without explicit consent is told, and so is a number without a date under it.
        let sms = if self.settings.sms_explicit { number == date } else { !date };
        let somebody = number || members & bit(MemberId::Email) != 0;
        birthday && phones && second_lines && homes && sms && somebody
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::{Layout, Span};

    fn verdict(contact: &str, settings: &Settings) -> bool {
        let span = Span { start: 1, end: 1 + contact.len() as u64, line: 1, whole: true };
        let bytes = format!(" {contact} ");
        let batch = Batch {
            bytes: bytes.as_bytes(),
            base: 0,
            line_start: 0,
            spans: &[span],
            first: 0,
            layout: Layout::Lines,
            input: 0,
            input_name: None,
        };
        let verdicts = Choice::available().into_iter().map(|choice| {
            let mut canonical = Canonical::with_backend(choice);
            canonical.judge(&batch, settings);
            canonical.verdicts[0] != LEFT
        });
        let verdicts: Vec<bool> = verdicts.collect();
        assert!(verdicts.iter().all(|v| *v == verdicts[0]), "{contact}: {verdicts:?}");
        verdicts[0]
    }

    #[test]
    fn names_are_found() {
        for id in KNOWN {
            let name = id.info().name;
            for text in [name.to_owned(), format!("{name}\":\"and then some more")] {
                let found = member(text.as_bytes(), 0, name.len()).map(|name| KNOWN[usize::from(name.id)]);
                assert_eq!(found, Some(*id));
            }
            let mut other = name.as_bytes().to_vec();
            for i in 0..other.len() {
                other[i] ^= 4;
                assert!(member(&other, 0, other.len()).is_none());
                other[i] ^= 4;
            }
        }
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
            r#"{"email":"a@b.co","last_name":"O'Neil / {x}, [y]: z"}"#,
        ] {
            assert!(verdict(contact, &settings), "{contact}");
        }
        let explicit = Settings { sms_explicit: true, ..Settings::default() };
        assert!(verdict(r#"{"sms_number":"508-123-1235","sms_consent_date":"2024-07-03"}"#, &explicit));
    }

    #[test]
    fn everything_else_is_left() {
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
            assert!(!verdict(contact, &settings), "{contact}");
        }
        let nanp = Settings { nanp: true, ..Settings::default() };
        assert!(!verdict(r#"{"sms_number":"508-123-1235"}"#, &nanp));
        assert!(verdict(r#"{"sms_number":"508-423-1235"}"#, &nanp));
        let digits = Settings { phone_format: PhoneFormat::Digits, ..Settings::default() };
        assert!(!verdict(r#"{"sms_number":"508-423-1235"}"#, &digits));
        assert!(verdict(r#"{"sms_number":"5084231235"}"#, &digits));
    }

    #[test]
    fn bits_in_a_range() {
        let bits = [1 << 63, 0, 1 << 5, 0];
        assert!(any(&bits, 63, 64) && any(&bits, 0, 64) && any(&bits, 60, 70) && any(&bits, 64, 134));
        assert!(!any(&bits, 0, 63) && !any(&bits, 64, 133) && !any(&bits, 134, 192) && !any(&bits, 10, 10));
    }
}
