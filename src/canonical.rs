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

/// Bytes behind a contact that the check may load (and not look at), so that no load has to ask where the bytes end.
const SLACK: usize = 64;

/// Places of one kind of byte, in order. Behind the last there are some that are nowhere.
#[derive(Debug, Default)]
struct Places {
    places: Vec<u32>,
    count: usize,
}

impl Places {
    /// The place behind all others.
    const NOWHERE: u32 = u32::MAX;

    /// Appends the places of the bits set, the lowest of which is at `base`.
    #[inline(always)]
    fn push<B: Backend>(&mut self, backend: B, bits: u64, base: u32) {
        if self.places.len() - self.count < 64 {
            self.grow();
        }
        let Some(room) = self.places[self.count..].first_chunk_mut() else { return };
        backend.positions(bits, base, room);
        self.count += bits.count_ones() as usize;
    }

    #[cold]
    fn grow(&mut self) {
        self.places.resize((self.places.len() * 2).max(256), 0);
    }

    /// Ends the list.
    fn end(&mut self) {
        if self.places.len() - self.count < 4 {
            self.grow();
        }
        self.places[self.count..self.count + 4].fill(Self::NOWHERE);
    }
}

/// The buffers of the check.
#[derive(Debug)]
pub struct Canonical {
    choice: Choice,
    quotes: Places,
    /// Bytes that no clean contact has.
    bad: Places,
    /// Bytes outside of ASCII.
    high: Places,
    buffer: String,
    /// A contact at the very end of the bytes, with some room behind it.
    last: Vec<u8>,
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
            quotes: Places::default(),
            bad: Places::default(),
            high: Places::default(),
            buffer: String::new(),
            last: Vec::new(),
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
    let text = &batch.bytes[start..];
    mark(backend, canonical, &batch.bytes[start..end]);
    let plain_phones = !settings.nanp && settings.phone_format == PhoneFormat::Dashed;
    let mut walk = Walk {
        backend,
        quotes: &canonical.quotes.places,
        at: 0,
        high: &canonical.high.places,
        high_at: 0,
        settings,
        shapes: if plain_phones { &SHAPES } else { &SHAPES_OF_OTHER_PHONES },
        by_shape_alone: if plain_phones { Kind::Phone } else { Kind::Text },
        buffer: &mut canonical.buffer,
    };
    let mut bad = canonical.bad.places.iter().copied().peekable();
    let base = batch.base + start as u64;
    let room = (settings.contact_bytes_max as u64).min(CONTACT_BYTES_MAX);
    canonical.verdicts.reserve(batch.spans.len());
    for span in batch.spans {
        let from = (span.start - base) as u32;
        let to = (span.end - base) as u32;
        while bad.next_if(|at| *at < from).is_some() {}
        let good = span.whole && span.end - span.start <= room && bad.peek().is_none_or(|at| *at >= to);
        let identity = match text.len() >= to as usize + SLACK {
            _ if !good => None,
            true => walk.contact(text, 0, from, to),
            false => {
                canonical.last.clear();
                canonical.last.extend_from_slice(&text[from as usize..to as usize]);
                canonical.last.extend_from_slice(&[0; SLACK]);
                walk.contact(&canonical.last, from, from, to)
            }
        };
        canonical.verdicts.push(identity.unwrap_or(LEFT));
        // Clean or not, the next contact begins behind this one.
        while walk.quotes[walk.at] < to {
            walk.at += 1;
        }
    }
}

/// Marks `bytes`.
#[inline(always)]
fn mark<B: Backend>(backend: B, canonical: &mut Canonical, bytes: &[u8]) {
    let (quotes, bad, high) = (&mut canonical.quotes, &mut canonical.bad, &mut canonical.high);
    (quotes.count, bad.count, high.count) = (0, 0, 0);
    let mut marks = Marks { space_before: 0, quotes, bad, high };
    let (chunks, rest) = bytes.as_chunks::<64>();
    for (i, chunk) in chunks.iter().enumerate() {
        marks.word(backend, i as u32 * 64, chunk, !0);
    }
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    marks.word(backend, chunks.len() as u32 * 64, &last, !(!0 << rest.len()));
    marks.quotes.end();
    marks.bad.end();
    marks.high.end();
}

/// What [`mark`] makes.
struct Marks<'m> {
    space_before: u64,
    quotes: &'m mut Places,
    bad: &'m mut Places,
    high: &'m mut Places,
}

impl Marks<'_> {
    /// Marks 64 bytes, of which those in `real` are there. (A function and not a closure: a closure would not be compiled for
    /// the backend's instructions.)
    #[inline(always)]
    fn word<B: Backend>(&mut self, backend: B, base: u32, bytes: &[u8; 64], real: u64) {
        let text = Text::of(backend, bytes);
        let doubled = text.space & (text.space << 1 | self.space_before);
        self.space_before = text.space >> 63;
        self.quotes.push(backend, text.quote & real, base);
        let bad = (text.special | doubled) & real;
        if bad != 0 {
            self.bad.push(backend, bad, base);
        }
        let high = text.high & real;
        if high != 0 {
            self.high.push(backend, high, base);
        }
    }
}

/// Sixteen bytes from `at` on.
#[inline(always)]
fn load16(bytes: &[u8], at: usize) -> Option<&[u8; 16]> {
    bytes.get(at..)?.first_chunk()
}

/// `YYYY-MM-DD`, in this shape: whether it is a day of the calendar.
#[inline(always)]
fn date_of(text: &[u8; 10]) -> Option<Date> {
    let digit = |i: usize| text[i].wrapping_sub(b'0');
    let two = |i: usize| digit(i).wrapping_mul(10).wrapping_add(digit(i + 1));
    Date::new(u16::from(two(0)) * 100 + u16::from(two(2)), two(5), two(8))
}

/// How the value of a member is checked, beside its [shape](Shape) and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Kind {
    Text,
    Phone,
    Date,
    Email,
    Sms,
    Consent,
    /// A number, or no member at all.
    Other,
}

/// What a colon, an opening quote and the fourteen bytes behind them may be, each between two values.
#[derive(Debug, Clone, Copy)]
struct Shape {
    low: [u8; 16],
    high: [u8; 16],
}

impl Shape {
    /// `0` is a digit, `*` is anything, `~` anything but what comes before `!` in ASCII, and every other byte is itself.
    const fn of(pattern: &[u8; 14]) -> Shape {
        let (mut low, mut high) = ([0; 16], [255; 16]);
        (low[0], high[0], low[1], high[1]) = (b':', b':', b'"', b'"');
        let mut i = 0;
        while i < pattern.len() {
            (low[i + 2], high[i + 2]) = match pattern[i] {
                b'0' => (b'0', b'9'),
                b'*' => (0, 255),
                b'~' => (b'!', 255),
                byte => (byte, byte),
            };
            i += 1;
        }
        Shape { low, high }
    }
}

const ANY: Shape = Shape::of(b"**************");
const TEXT: Shape = Shape::of(b"~*************");
const DASHED: Shape = Shape::of(b"000-000-0000\"*");
const ISO_DATE: Shape = Shape::of(b"0000-00-00\"***");
/// No string: two bytes that no clean contact has.
const NUMBER: Shape = Shape { low: [0; 16], high: [0; 16] };

/// The shapes, by [`Kind`], where numbers are wanted as `ddd-ddd-dddd`, and nothing else is asked of them.
static SHAPES: [Shape; 7] = [TEXT, DASHED, ISO_DATE, ANY, DASHED, ISO_DATE, NUMBER];
/// The same where numbers are for the rules alone.
static SHAPES_OF_OTHER_PHONES: [Shape; 7] = [TEXT, ANY, ISO_DATE, ANY, ANY, ISO_DATE, NUMBER];

/// A name of the table.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Name {
    /// Its bytes, and zeros behind them: no name of a contact that is looked up has a zero in it.
    key: (u64, u64),
    /// The longest value, in bytes.
    limit: u32,
    kind: Kind,
    id: u8,
}

/// Longest name in the table.
const NAME_MAX: usize = 16;
const NAMES: usize = 256;

#[inline(always)]
const fn name_hash((head, tail): (u64, u64), factor: u64) -> usize {
    ((head ^ tail.rotate_left(21)).wrapping_mul(factor) >> 56) as usize
}

/// The bytes of a name that is so long.
static NAME_BYTES: [(u64, u64); NAME_MAX + 2] = {
    let mut bytes = [(0, 0); NAME_MAX + 2];
    let mut len = 1;
    while len <= NAME_MAX {
        bytes[len] = if len < 8 { (!(!0 << (8 * len)), 0) } else { (!0, !u64::MAX.unbounded_shl(8 * (len as u32 - 8))) };
        len += 1;
    }
    // A longer one is none of the table: it is looked up as the empty name, which is not there.
    bytes
};

/// A factor by which no two names fall on one place, and the table it makes.
const TABLE: (u64, [Name; NAMES]) = {
    let mut factor = 0x9e37_79b9_7f4a_7c15u64;
    loop {
        let nobody = Name { key: (!0, !0), limit: 0, kind: Kind::Other, id: 0 };
        let mut table = [nobody; NAMES];
        let (mut i, mut good) = (0, true);
        while i < KNOWN.len() && good {
            let name = MEMBERS[i].name.as_bytes();
            assert!(!name.is_empty() && name.len() <= NAME_MAX);
            let (mut padded, mut at) = ([0; 16], 0);
            while at < name.len() {
                padded[at] = name[at];
                at += 1;
            }
            let all = u128::from_le_bytes(padded);
            let key = (all as u64, (all >> 64) as u64);
            let place = name_hash(key, factor);
            good = table[place].key.0 == !0;
            let kind = match MEMBERS[i].family {
                Family::Text | Family::Address => Kind::Text,
                Family::Phone => Kind::Phone,
                Family::Date => Kind::Date,
                Family::Email => Kind::Email,
                Family::Sms => Kind::Sms,
                Family::Consent => Kind::Consent,
                Family::Birthday | Family::Custom | Family::Unknown => Kind::Other,
            };
            let limit = match kind {
                Kind::Text => MEMBERS[i].limit as u32,
                _ => 63,
            };
            table[place] = Name { key, limit, kind, id: i as u8 };
            i += 1;
        }
        if good {
            break (factor, table);
        }
        factor = factor.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(2);
    }
};
static NAME_TABLE: [Name; NAMES] = TABLE.1;

/// The member whose name is the first `len` of these bytes.
#[inline(always)]
fn member(bytes: &[u8; 16], len: usize) -> Option<&'static Name> {
    let all = u128::from_le_bytes(*bytes);
    let mask = NAME_BYTES[len.min(NAME_MAX + 1)];
    let key = (all as u64 & mask.0, (all >> 64) as u64 & mask.1);
    let name = &NAME_TABLE[name_hash(key, TABLE.0)];
    (((name.key.0 ^ key.0) | (name.key.1 ^ key.1)) == 0).then_some(name)
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
    /// Each quote, counted from the first contact.
    quotes: &'w [u32],
    /// The next of them.
    at: usize,
    /// Each byte outside of ASCII.
    high: &'w [u32],
    /// The first of them that may be in this contact.
    high_at: usize,
    settings: &'w Settings,
    /// By [`Kind`].
    shapes: &'static [Shape; 7],
    /// The last kind of which no more is asked than its shape.
    by_shape_alone: Kind,
    buffer: &'w mut String,
}

/// What a contact showed so far.
struct Shown<'w> {
    /// The known members, a bit each.
    members: u64,
    /// Those given more than once.
    again: u64,
    month: u8,
    day: u8,
    customs: [&'w [u8]; custom::MAX],
    custom_count: usize,
    identity: Identity,
}

impl<'w, B: Backend> Walk<'w, B> {
    /// Who the contact `from` to `to` is, if it is clean. `text` begins at `origin`, has [`SLACK`] bytes behind the contact, and
    /// nothing bad in it.
    #[inline(always)]
    fn contact(&mut self, text: &[u8], origin: u32, from: u32, to: u32) -> Option<Identity> {
        while self.high[self.high_at] < from {
            self.high_at += 1;
        }
        let wide = self.high[self.high_at] < to;
        let end = (to - origin) as usize;
        if text.get((from - origin) as usize..)?.first_chunk()? != b"{\"" {
            return None;
        }
        let mut shown = Shown {
            members: 0,
            again: 0,
            month: 0,
            day: 0,
            customs: [&[]; custom::MAX],
            custom_count: 0,
            identity: LEFT,
        };
        loop {
            // The quotes of a name and of a value; the first of them is where the name begins: that was seen before.
            let four: [u32; 4] = *self.quotes.get(self.at..)?.first_chunk()?;
            let [open, close, _, value_close] = four.map(|quote| quote.wrapping_sub(origin) as usize);
            let name = open + 1..close;
            let value = close + 3..value_close;
            let behind_name = load16(text, close + 1)?;
            let Some(member) = member(load16(text, open + 1)?, name.len()) else {
                // A quote that is not the contact's is behind its end, and so is what follows from it.
                if behind_name[..2] != *b":\"" || value_close >= end {
                    return None;
                }
                self.custom(text, name, value.clone(), wide, origin, &mut shown)?;
                if self.next(text, value_close, end)? {
                    continue;
                }
                break;
            };
            let shape = &self.shapes[member.kind as usize];
            let mut good = self.backend.within16(behind_name, &shape.low, &shape.high);
            // The value's last byte, its closing quote, and what comes behind it.
            let &last: &[u8; 4] = text.get(value_close.wrapping_sub(1)..)?.first_chunk()?;
            good &= last[0] != b' ';
            let len = value_close.wrapping_sub(close + 3);
            good &= len.wrapping_sub(1) < member.limit as usize;
            if wide && member.kind == Kind::Text && value_close < end && self.skips_high(value_close, origin) {
                good = behind_name[..2] == *b":\"" && self.is_wide_text(&text[value.clone()], member.limit as usize);
            }
            if !good {
                // A birthday, or not clean.
                let at = self.number(text, member, close + 1, &mut shown)?;
                self.at += 2;
                match text.get(at..)?.first_chunk()? {
                    b",\"" => continue,
                    [b'}', _] if at + 1 == end => break,
                    _ => return None,
                }
            }
            let bit = 1 << member.id;
            shown.again |= shown.members & bit;
            shown.members |= bit;
            if member.kind > self.by_shape_alone {
                self.special(text, member.kind, value, &mut shown)?;
            }
            self.at += 4;
            if u32::from_le_bytes(last) >> 8 == u32::from_le_bytes(*b"\",\"\0") {
                continue;
            }
            if last[2] != b'}' || value_close + 2 != end {
                return None;
            }
            break;
        }
        self.together(&shown).then_some(shown.identity)
    }

    /// Behind a member whose value ends with the quote at `close`: whether another comes.
    #[inline(always)]
    fn next(&mut self, text: &[u8], close: usize, end: usize) -> Option<bool> {
        self.at += 4;
        match text.get(close + 1..)?.first_chunk()? {
            b",\"" => Some(true),
            [b'}', _] if close + 2 == end => Some(false),
            _ => None,
        }
    }

    /// Goes on behind the bytes outside of ASCII that lie before `end`, and says whether there are any.
    #[inline(always)]
    fn skips_high(&mut self, end: usize, origin: u32) -> bool {
        let before = self.high_at;
        while (self.high[self.high_at].wrapping_sub(origin) as usize) < end {
            self.high_at += 1;
        }
        self.high_at > before
    }

    /// A birthday's number, behind the colon at `colon`; gives the index behind it.
    #[inline(always)]
    fn number(&self, text: &[u8], member: &Name, colon: usize, shown: &mut Shown<'_>) -> Option<usize> {
        let digit = |at: usize| text.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10);
        if text[colon] != b':' || member.kind != Kind::Other {
            return None;
        }
        let mut n = digit(colon + 1).filter(|d| *d > 0)?;
        let mut end = colon + 2;
        if let Some(second) = digit(end) {
            n = n * 10 + second;
            end += 1;
        }
        let place = match KNOWN[usize::from(member.id)] {
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

    /// What is asked of a value beside its shape.
    #[inline(always)]
    fn special(&mut self, text: &[u8], kind: Kind, value: std::ops::Range<usize>, shown: &mut Shown<'_>) -> Option<()> {
        let at = value.start;
        match kind {
            Kind::Email => shown.identity = self.email(text, at, value.len())?,
            Kind::Date => drop(date_of(text.get(at..)?.first_chunk()?)?),
            Kind::Consent => {
                let day = date_of(text.get(at..)?.first_chunk()?)?;
                if day > self.settings.as_of {
                    return None;
                }
            }
            Kind::Sms => {
                let number = text.get(value)?;
                if shown.members & bit(MemberId::Email) == 0 {
                    shown.identity = identity_of(false, number);
                }
                let good = self.by_shape_alone >= Kind::Phone
                    || number.len() <= 16 && self.is_phone(number, phone::Extension::Refused);
                return good.then_some(());
            }
            Kind::Phone => return self.is_phone(text.get(value)?, phone::Extension::Kept).then_some(()),
            Kind::Text | Kind::Other => return None,
        }
        Some(())
    }

    #[inline(never)]
    fn is_phone(&mut self, number: &[u8], extension: phone::Extension) -> bool {
        std::str::from_utf8(number)
            .is_ok_and(|given| phone::normalise(given, extension, self.settings, self.buffer) == phone::Phone::Same)
    }

    /// Text in its normal form, within its limit in characters.
    #[inline(never)]
    fn is_wide_text(&mut self, text: &[u8], limit: usize) -> bool {
        if text.first() == Some(&b' ') || text.last() == Some(&b' ') {
            return false;
        }
        let Ok(given) = std::str::from_utf8(text) else { return false };
        // U+00C0 to U+017F, the letters of Europe: none is white space, combines, or is composed of others' pieces.
        let letters = given.bytes().all(|b| b < 0x80 || (0x80..0xc0).contains(&b) || (0xc3..=0xc5).contains(&b));
        if !letters && text::normalise(given, self.buffer) != text::Text::Same {
            return false;
        }
        given.len() <= limit || text::chars(given) <= limit
    }

    /// A custom field, or a name that is not known.
    #[inline(always)]
    fn custom<'t>(
        &mut self,
        text: &'t [u8],
        name: std::ops::Range<usize>,
        value: std::ops::Range<usize>,
        wide: bool,
        origin: u32,
        shown: &mut Shown<'t>,
    ) -> Option<()> {
        let limit = usize::from(MemberId::Custom.info().limit);
        let wide_name = wide && self.skips_high(name.end, origin);
        let wide_text = wide && self.skips_high(value.end, origin);
        let (name, value) = (text.get(name)?, text.get(value)?);
        let field = name.strip_prefix(b"cf:")?;
        if wide_name && std::str::from_utf8(field).is_err() {
            return None;
        }
        let known = |names: &std::collections::HashSet<String>| {
            std::str::from_utf8(field).is_ok_and(|field| names.contains(field))
        };
        let count = shown.custom_count;
        let good = !field.is_empty()
            && field.len() <= custom::NAME_MAX
            && count < custom::MAX
            && self.settings.custom_fields.as_ref().is_none_or(known)
            && !shown.customs[..count].contains(&name);
        let good = good
            && match wide_text {
                true => self.is_wide_text(value, limit),
                false => {
                    value.len().wrapping_sub(1) < limit && value.first() != Some(&b' ') && value.last() != Some(&b' ')
                }
            };
        if !good {
            return None;
        }
        shown.customs[count] = name;
        shown.custom_count = count + 1;
        Some(())
    }

    /// Who has this address, if it is one in its normal form. Only what is common is known here.
    #[inline(always)]
    fn email(&self, text: &[u8], at: usize, len: usize) -> Option<Identity> {
        if len > self.settings.email_max || len > 63 || len == 0 {
            return None;
        }
        let block: &[u8; 64] = text.get(at..)?.first_chunk()?;
        let masks = Address::of(self.backend, block);
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
            // No dot beside a dot or at an end of either part.
            | (dot & (dot << 1 | 1 | sign >> 1 | sign << 1 | last))
            // Labels neither begin nor end with a hyphen; two in a row may say that a label is encoded.
            | (hyphen & (sign << 1 | dot << 1 | dot >> 1 | last | hyphen << 1))
            == 0
            && in_domain != 0;
        if !good {
            return None;
        }
        let top = !0u64 << (64 - in_domain.leading_zeros()).min(63);
        // The last label is not all digits.
        if all & top & !masks.digit == 0 {
            return None;
        }
        let address = &block[..len];
        Some(if masks.upper & local == 0 {
            identity_of(true, address)
        } else {
            let mut lower = [0; 64];
            lower[..len].copy_from_slice(address);
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
        shown.again == 0 && birthday && phones && second_lines && homes && sms && somebody
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
            let mut text: [u8; 16] = *format!("{name}\":\"and then some more").as_bytes().first_chunk().unwrap();
            let found = member(&text, name.len()).map(|name| KNOWN[usize::from(name.id)]);
            assert_eq!(found, Some(*id));
            for len in (0..name.len()).chain(name.len() + 1..40) {
                assert!(member(&text, len).is_none_or(|found| found.id != *id as u8), "{name} {len}");
            }
            for i in 0..name.len() {
                text[i] ^= 4;
                assert!(member(&text, name.len()).is_none());
                text[i] ^= 4;
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
}
