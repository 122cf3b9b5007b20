//! Contacts that are clean and canonical already: the usual ones, found at a few bytes a nanosecond and copied as they are.
//!
//! One pass over a batch marks quotes, and what no clean contact has (escapes, control characters, doubled spaces). A walk along
//! the quotes then holds each contact against the shape that cleaning gives: compact, members in any order, each name known,
//! each value in its normal form, nothing that only shows together. What passes is, byte for byte, what the parser and the
//! [`judge`](crate::clean::validator) would have written, with no finding; everything else, right or wrong, is left to them. Saying no is
//! always safe here, and saying yes never needs a second look: a property test holds both ways against each other.

mod plain;

pub use plain::{Plain, PlainMember};

use crate::clean::batch::Batch;
use crate::json::split::Span;
use crate::model::identity::Identity;
use crate::model::member::{Family, KNOWN, MEMBERS, MemberId};
use crate::rules::number::{self, Float};
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::rules::{PhoneFormat, Settings, birthday, custom, date::Date, phone, text};
use crate::simd::{Address, Backend, Choice, Text, with_backend};

/// The verdict on a contact that is left to the parser. (A clean contact whose hash is this, or the next, is left to it as well.)
pub const LEFT: Identity = 0;
/// The verdict on a contact that is not clean and needs no parser: it is among the [`Canonical::plain`] ones.
pub const PLAIN: Identity = 1;

/// Bytes behind the marked ones that there must be, to be loaded and not looked at: no load has to ask where the bytes end.
const PADDING: usize = 96;

/// Bytes of contacts that are marked and judged at once: they and the marks stay in the first-level cache.
const GROUP: u64 = 16 << 10;

/// Where one kind of byte is, in ascending order; each below the number of bytes that were marked.
#[derive(Debug, Default)]
struct Places {
    /// These, four that are just behind the marked bytes, and some that mean nothing.
    places: Vec<u32>,
    count: usize,
}

impl Places {
    /// Appends the places of the bits set, the lowest of which is at `base`.
    #[inline(always)]
    fn push<B: Backend>(&mut self, backend: B, bits: u64, base: u32) {
        if self.places.len() < self.count + 64 {
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

    /// All of them.
    fn all(&self) -> &[u32] {
        &self.places[..self.count + 4]
    }

    /// Ends the list with some that are just behind the bytes.
    fn end(&mut self, len: u32) {
        if self.places.len() < self.count + 64 {
            self.grow();
        }
        self.places[self.count..self.count + 4].fill(len);
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
    copy: Vec<u8>,
    /// Contacts at the very end of the bytes, with some room behind them.
    last: Vec<u8>,
    /// For each contact of the batch who it is, or [`LEFT`] or [`PLAIN`].
    pub verdicts: Vec<Identity>,
    /// The plain ones, in order.
    pub plain: Vec<Plain>,
    /// Their members.
    pub members: Vec<PlainMember>,
    /// Some contact of the batch that is not left to the parser, nor plain, has a custom field. (Of the others nothing is said.)
    pub any_custom: bool,
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
            copy: Vec::new(),
            last: Vec::new(),
            verdicts: Vec::new(),
            plain: Vec::new(),
            members: Vec::new(),
            any_custom: false,
        }
    }

    /// Judges every contact of a batch; the answers are in [`Canonical::verdicts`].
    pub fn judge(&mut self, batch: &Batch<'_>, settings: &Settings) {
        self.verdicts.clear();
        self.plain.clear();
        self.members.clear();
        self.any_custom = false;
        let index = |offset: u64| (offset - batch.base) as usize;
        // Nothing is known of what is in the others, nor how much of it.
        let may_be = |span: &Span| span.whole && span.end - span.start <= CONTACT_BYTES_MAX;
        // The last contacts may lie too near to the end of the bytes: they are judged in a copy with room behind it.
        let has_slack = |span: &Span| index(span.end) + PADDING <= batch.bytes.len();
        let mut rest = batch.spans;
        while let Some(first) = rest.first() {
            if !may_be(first) {
                self.verdicts.push(LEFT);
                rest = &rest[1..];
                continue;
            }
            let slack = has_slack(first);
            let alike = |span: &Span| span.start < first.start + GROUP && may_be(span) && has_slack(span) == slack;
            let end = rest.iter().position(|span| !alike(span)).unwrap_or(rest.len());
            let (some, behind) = rest.split_at(end);
            rest = behind;
            if slack {
                self.judge_some(&batch.bytes[index(first.start)..], some, settings);
            } else {
                let last = some.last().map_or(first.end, |span| span.end);
                let mut copy = std::mem::take(&mut self.last);
                copy.clear();
                copy.extend_from_slice(&batch.bytes[index(first.start)..index(last)]);
                copy.extend_from_slice(&[0; PADDING]);
                self.judge_some(&copy, some, settings);
                self.last = copy;
            }
        }
    }

    /// Judges contacts, whole and not too large, of which the first is where `bytes` begin; behind the last there are [`PADDING`] bytes or more.
    fn judge_some(&mut self, bytes: &[u8], spans: &[Span], settings: &Settings) {
        let choice = self.choice;
        with_backend!(choice, run, (
            canonical: &mut Canonical = self,
            bytes: &[u8] = bytes,
            spans: &[Span] = spans,
            settings: &Settings = settings,
        ) -> ());
    }
}

#[inline(always)]
fn run<B: Backend>(backend: B, canonical: &mut Canonical, bytes: &[u8], spans: &[Span], settings: &Settings) {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return };
    let base = first.start;
    let marked = Marked::new(backend, canonical, bytes, (last.end - base) as usize);
    let Canonical { quotes, bad, high, buffer, copy, verdicts, plain, members, any_custom, .. } = canonical;
    let plain_phones = !settings.nanp && settings.phone_format == PhoneFormat::Dashed;
    let mut walk = Walk {
        backend,
        marked,
        quotes: quotes.all(),
        at: 0,
        high: high.all(),
        high_at: 0,
        settings,
        table: if plain_phones { &TABLE } else { &TABLE_OF_OTHER_PHONES },
        plain_phones,
        buffer,
        copy,
        members: [0; 64],
        customs: [0; 64],
        any_custom: false,
    };
    let bad = bad.all();
    let mut bad_at = 0;
    let room = settings.contact_bytes_max as u64;
    verdicts.reserve(spans.len());
    for span in spans {
        let from = (span.start - base) as u32;
        let to = (span.end - base) as u32;
        while bad[bad_at] < from {
            bad_at += 1;
        }
        while walk.high[walk.high_at] < from {
            walk.high_at += 1;
        }
        let (at, high_at) = (walk.at, walk.high_at);
        let good = span.end - span.start <= room && bad[bad_at] >= to;
        let identity = if good { walk.contact(from, to) } else { None };
        let verdict = match identity {
            Some(identity) if identity > PLAIN => identity,
            _ => {
                // From its beginning once more.
                (walk.at, walk.high_at) = (at, high_at);
                let mut bad_end = bad_at;
                while bad[bad_end] < to {
                    bad_end += 1;
                }
                let start = members.len() as u32;
                if walk.plain(from, to, &bad[bad_at..bad_end], members) {
                    plain.push(Plain { contact: verdicts.len() as u32, members: (start, members.len() as u32) });
                    PLAIN
                } else {
                    LEFT
                }
            }
        };
        verdicts.push(verdict);
        // Clean or not, the next contact begins behind this one.
        while walk.quotes[walk.at] < to {
            walk.at += 1;
        }
    }
    *any_custom |= walk.any_custom;
}

/// Whether another member comes behind the string whose closing quote is at `close` and begins these bytes, or else the contact
/// ends, at `to`; None for anything else.
#[inline(always)]
fn goes_on(bytes: &[u8; 4], close: u32, to: u32) -> Option<bool> {
    let word = u32::from_le_bytes(*bytes);
    if word & 0xff_ffff == u32::from_le_bytes(*b"\",\"\0") {
        Some(true)
    } else if word & 0xffff == u32::from_le_bytes(*b"\"}\0\0") && close + 2 == to {
        Some(false)
    } else {
        None
    }
}

/// Bytes that were marked, and [`PADDING`] behind them.
#[derive(Clone, Copy)]
struct Marked<'b> {
    bytes: &'b [u8],
    len: usize,
}

impl<'b> Marked<'b> {
    /// Marks the first `len` of these bytes.
    #[inline(always)]
    fn new<B: Backend>(backend: B, canonical: &mut Canonical, bytes: &'b [u8], len: usize) -> Self {
        assert!(bytes.len() >= len + PADDING);
        let (quotes, bad, high) = (&mut canonical.quotes, &mut canonical.bad, &mut canonical.high);
        (quotes.count, bad.count, high.count) = (0, 0, 0);
        let mut marks = Marks { before: 0, quotes, bad, high };
        let (chunks, rest) = bytes[..len].as_chunks::<64>();
        for (i, chunk) in chunks.iter().enumerate() {
            marks.word(backend, i as u32 * 64, chunk, !0);
        }
        let mut last = [0; 64];
        last[..rest.len()].copy_from_slice(rest);
        marks.word(backend, chunks.len() as u32 * 64, &last, !(!0 << rest.len()));
        for places in [marks.quotes, marks.bad, marks.high] {
            places.end(len as u32);
        }
        Marked { bytes, len }
    }

    /// `N` bytes, of which the first is `SKIP` behind `place`; a place that was not marked is taken for the end of those that were.
    #[inline(always)]
    fn load<const SKIP: usize, const N: usize>(&self, place: u32) -> &'b [u8; N] {
        // SAFETY: it is `len` at most.
        unsafe { self.load_at::<SKIP, N>(place.min(self.len as u32)) }
    }

    /// The same for a place that is known to be good.
    ///
    /// # Safety
    /// `place` is at most `len`, as are all that are among the [`Places`] of these bytes.
    #[inline(always)]
    unsafe fn load_at<const SKIP: usize, const N: usize>(&self, place: u32) -> &'b [u8; N] {
        const { assert!(SKIP + N <= PADDING) };
        debug_assert!(place as usize <= self.len && self.len + PADDING <= self.bytes.len());
        // SAFETY: behind `len`, which `place` is not beyond, there are `PADDING` bytes, as `new` has asked, and those are no fewer
        // than `SKIP + N`.
        unsafe { &*self.bytes.as_ptr().add(place as usize + SKIP).cast() }
    }

    /// Where the name between these two quotes is looked up, and whether a string begins behind it.
    ///
    /// # Safety
    /// They are at most `len`.
    #[inline(always)]
    unsafe fn place(&self, open: u32, close: u32) -> (usize, bool) {
        // SAFETY: as above. (That a name's closing quote has two bytes before it was seen; but another process may write to the file
        // that this is mapped from.)
        let (first, last) = unsafe { (self.load_at::<1, _>(open), self.load_at::<0, _>(close.saturating_sub(2))) };
        let (first, last) = (u32::from_le_bytes(*first), u64::from_le_bytes(*last));
        let place = place_by(first, last as u32, FACTOR);
        let is_custom = first & 0xff_ffff == u32::from_le_bytes(*b"cf:\0");
        let is_string = last >> 16 & 0xff_ffff == u64::from_le_bytes(*b"\":\"\0\0\0\0\0");
        // No jump: one name in ten or so is another than those of the table, at any place.
        (std::hint::select_unpredictable(is_custom, PLACE_OF_CUSTOM, place), is_string)
    }
}

/// What marking makes.
struct Marks<'m> {
    /// The last byte was a space or a quote.
    before: u64,
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
        // Two spaces, a space at either end of a string or beside one, an empty string: each is two of these in a row.
        let edge = text.space | text.quote;
        let bad = (text.special | edge & (edge << 1 | self.before)) & real;
        self.before = edge >> 63;
        self.quotes.push(backend, text.quote & real, base);
        if bad != 0 {
            self.bad.push(backend, bad, base);
        }
        let high = text.high & real;
        if high != 0 {
            self.high.push(backend, high, base);
        }
    }
}

/// The day that `YYYY-MM-DD` is, where there is one.
#[inline(always)]
fn date_of(text: &[u8; 10]) -> Option<Date> {
    let digit = |i: usize| text[i].wrapping_sub(b'0');
    let two = |i: usize| digit(i).wrapping_mul(10).wrapping_add(digit(i + 1));
    Date::new(u16::from(two(0)) * 100 + u16::from(two(2)), two(5), two(8))
}

/// How the value of a member is checked, beside its [pattern](Pattern) and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Text,
    /// Text as well; the name is still to be looked at.
    Custom,
    Phone,
    Date,
    Email,
    Sms,
    Consent,
    /// A number.
    Birthday,
}

/// What a name, its closing quote, a colon, an opening quote and what is behind them may be, 32 bytes in all, each between two
/// values: one look tells that a member has the right name, and that the value has the right form or, for a text, that it is one.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Pattern {
    low: [u8; 32],
    high: [u8; 32],
}

impl Pattern {
    /// The form of a string of which no more is said.
    const ANY: &[u8] = b"";
    /// A number with dashes, to the closing quote, that does not begin with 0.
    const DASHED: &[u8] = b"900-000-0000\"";
    /// A day, to the closing quote.
    const ISO_DATE: &[u8] = b"0000-00-00\"";
    /// Nothing has this: a byte that no clean contact has.
    const NONE: Pattern = Pattern { low: [0; 32], high: [0; 32] };

    /// Anything has this.
    const ALL: Pattern = Pattern { low: [0; 32], high: [255; 32] };

    /// This one, with `form` from byte `at` on: `0` is a digit, `9` one above zero, and every other byte is itself. (No name has a
    /// `0` or a `9`.)
    const fn with(mut self, at: usize, form: &[u8]) -> Pattern {
        let mut i = 0;
        while i < form.len() {
            let (low, high) = match form[i] {
                b'0' => (b'0', b'9'),
                b'9' => (b'1', b'9'),
                byte => (byte, byte),
            };
            (self.low[at + i], self.high[at + i]) = (low, high);
            i += 1;
        }
        self
    }

    /// That of a member with this name, and a string of this form.
    const fn string(name: &[u8], form: &[u8]) -> Pattern {
        Pattern::ALL.with(0, name).with(name.len(), b"\":\"").with(name.len() + 3, form)
    }

    /// That of a member with this name, and a number above zero.
    const fn number(name: &[u8]) -> Pattern {
        let (mut pattern, at) = (Pattern::ALL.with(0, name).with(name.len(), b"\":"), name.len() + 2);
        (pattern.low[at], pattern.high[at]) = (b'1', b'9');
        pattern
    }
}

/// A name of the table.
#[derive(Debug, Clone, Copy)]
struct Name {
    /// Its bit among those of the members; [`CUSTOM`] for another name.
    bit: u64,
    /// Most bytes from its closing quote to the value's closing one.
    reach: u32,
    /// The longest value, in characters.
    limit: u16,
    kind: Kind,
    id: MemberId,
}

/// Above the bits of the members, names that are not in the table are counted.
const CUSTOM: u64 = 1 << CUSTOM_SHIFT;
const CUSTOM_SHIFT: u32 = 58;
const CUSTOM_LIMIT: u16 = MEMBERS[MemberId::Custom as usize].limit;

/// The name of a custom field.
static CUSTOM_NAME: Name =
    Name { bit: CUSTOM, reach: CUSTOM_LIMIT as u32 + 3, limit: CUSTOM_LIMIT, kind: Kind::Custom, id: MemberId::Custom };

/// The names, by [`MemberId`].
static NAMES: [Name; KNOWN.len()] = {
    let mut names = [Name { bit: 0, reach: 0, limit: 0, kind: Kind::Text, id: MemberId::Unknown }; KNOWN.len()];
    let mut i = 0;
    // The sum of a contact's bits must not reach the count above them.
    assert!(KNOWN.len() <= 50);
    while i < KNOWN.len() {
        let kind = match MEMBERS[i].family {
            Family::Text | Family::Address => Kind::Text,
            Family::Phone => Kind::Phone,
            Family::Date => Kind::Date,
            Family::Email => Kind::Email,
            Family::Sms => Kind::Sms,
            Family::Consent => Kind::Consent,
            Family::Birthday | Family::Custom | Family::Unknown => Kind::Birthday,
        };
        let limit = match kind {
            Kind::Text => MEMBERS[i].limit,
            _ => 63,
        };
        // A colon and a quote are in between, and the quote behind it.
        names[i] = Name { bit: 1 << i, reach: limit as u32 + 3, limit, kind, id: KNOWN[i] };
        i += 1;
    }
    names
};

/// Places for names: no two of the table have the same, and the last is for all others.
const PLACES: usize = 257;
const PLACE_OF_CUSTOM: usize = 256;

/// Where a name is looked up: by its first four bytes, or the quote behind one of three as well, and by its last two with the two
/// bytes behind them, which are a quote and a colon.
#[inline(always)]
const fn place_by(first: u32, last: u32, factor: u64) -> usize {
    ((((last as u64) << 32 | first as u64).wrapping_mul(factor)) >> 56) as usize
}

/// The place of a member by its name in the table.
const fn place_of(name: &[u8], factor: u64) -> usize {
    let len = name.len();
    let first = [name[0], name[1], name[2], if len > 3 { name[3] } else { b'"' }];
    let last = [name[len - 2], name[len - 1], b'"', b':'];
    place_by(u32::from_le_bytes(first), u32::from_le_bytes(last), factor)
}

/// A factor by which no two names fall on one place.
const FACTOR: u64 = {
    let mut factor = 0x9e37_79b9_7f4a_7c15u64;
    loop {
        let mut taken = [false; PLACES];
        let (mut i, mut good) = (0, true);
        while i < KNOWN.len() && good {
            let place = place_of(MEMBERS[i].name.as_bytes(), factor);
            good = !taken[place];
            taken[place] = true;
            i += 1;
        }
        if good {
            break factor;
        }
        factor = factor.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(2);
    }
};

/// What is looked for at each place.
struct Table {
    patterns: [Pattern; PLACES],
    names: [Name; PLACES],
}

impl Table {
    /// Where numbers are wanted as `ddd-ddd-dddd` and nothing else is asked of them; or where they are for the rules alone.
    const fn new(plain_phones: bool) -> Table {
        let mut table = Table { patterns: [Pattern::NONE; PLACES], names: [CUSTOM_NAME; PLACES] };
        table.patterns[PLACE_OF_CUSTOM] = Pattern::ALL.with(0, b"cf:");
        let mut i = 0;
        while i < KNOWN.len() {
            let name = MEMBERS[i].name.as_bytes();
            let place = place_of(name, FACTOR);
            table.names[place] = NAMES[i];
            table.patterns[place] = match NAMES[i].kind {
                Kind::Phone | Kind::Sms if plain_phones => Pattern::string(name, Pattern::DASHED),
                Kind::Text | Kind::Custom | Kind::Email | Kind::Sms => Pattern::string(name, Pattern::ANY),
                Kind::Phone => {
                    // None is good at first sight.
                    table.names[place].reach = 0;
                    Pattern::string(name, Pattern::ANY)
                }
                Kind::Date | Kind::Consent => Pattern::string(name, Pattern::ISO_DATE),
                Kind::Birthday => Pattern::number(name),
            };
            i += 1;
        }
        table
    }
}

static TABLE: Table = Table::new(true);
static TABLE_OF_OTHER_PHONES: Table = Table::new(false);

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

const ZIP_IDS: [MemberId; 4] = [MemberId::Zip, MemberId::HomeZip, MemberId::WorkZip, MemberId::OtherZip];
const ZIPS: u64 = all(ZIP_IDS);
const COUNTRY_IDS: [MemberId; 4] =
    [MemberId::Country, MemberId::HomeCountry, MemberId::WorkCountry, MemberId::OtherCountry];
const COUNTRIES: u64 = all(COUNTRY_IDS);

const fn all(ids: [MemberId; 4]) -> u64 {
    bit(ids[0]) | bit(ids[1]) | bit(ids[2]) | bit(ids[3])
}

/// Whether a postal code is a number that was written as a float: whole or not, that is for the rules.
#[inline(never)]
fn is_float(code: &[u8]) -> bool {
    std::str::from_utf8(code).is_ok_and(|code| number::read(code, &mut String::new()) != Float::No)
}

#[inline(never)]
fn is_home(country: &[u8]) -> bool {
    matches!(country, b"United States" | b"Canada" | b"CA")
        || std::str::from_utf8(country).is_ok_and(|country| !phone::is_foreign(country))
}

/// What a walk along a contact counts.
struct Tally {
    /// The sum of all members' bits.
    sum: u64,
    /// How many members are numbers.
    numbers: usize,
    /// Month and day.
    birthday: [u8; 2],
    /// The next byte outside of ASCII.
    next_high: u32,
}

struct Walk<'w, B> {
    backend: B,
    marked: Marked<'w>,
    /// Each quote, counted from the first contact.
    quotes: &'w [u32],
    /// The next of them.
    at: usize,
    /// Each byte outside of ASCII.
    high: &'w [u32],
    /// The first of them that may be in this contact.
    high_at: usize,
    settings: &'w Settings,
    table: &'static Table,
    /// No more is asked of a number than its shape.
    plain_phones: bool,
    buffer: &'w mut String,
    /// A value, where it is looked at as text.
    copy: &'w mut Vec<u8>,
    /// The first quote of each member, by its number; by [`MemberId`].
    members: [u32; 64],
    /// The first quote of each name that is not in the table.
    customs: [u32; 64],
    /// Some contact has a custom field.
    any_custom: bool,
}

impl<'w, B: Backend> Walk<'w, B> {
    /// Who the contact `from` to `to` is, if it is clean. It has nothing bad in it.
    #[inline(always)]
    fn contact(&mut self, from: u32, to: u32) -> Option<Identity> {
        let (quotes, table, backend, marked) = (self.quotes, self.table, self.backend, self.marked);
        if marked.load::<0, _>(from) != b"{\"" {
            return None;
        }
        let mut rest = quotes.get(self.at..)?;
        let next_high = self.high[self.high_at];
        let mut tally = Tally { sum: 0, numbers: 0, birthday: [0; 2], next_high };
        'members: loop {
            // Members of the table that are good at first sight, one after the other; and then one that needs another look.
            let mut sum = tally.sum;
            let seen = loop {
                // The quotes of a name and of a value; the first of them is where the name begins: that was seen before. The
                // quotes of a contact are paired, so none of these is behind it unless the value is no string.
                let (&[open, close, _, value_close], behind) = rest.split_first_chunk()?;
                // SAFETY: they are among the quotes of the marked bytes.
                let (text, (place, is_string), last) = unsafe {
                    (marked.load_at::<1, _>(open), marked.place(open, close), marked.load_at::<0, 4>(value_close))
                };
                let (pattern, name) = (&table.patterns[place], &table.names[place]);
                let looks_good = backend.within32(text, &pattern.low, &pattern.high);
                let fits = is_string && looks_good && value_close - close <= name.reach;
                if !fits || value_close > tally.next_high {
                    break looks_good.then_some((name, fits));
                }
                let at = (quotes.len() - rest.len()) as u32;
                self.members[name.id as usize % 64] = at;
                self.customs[(sum >> CUSTOM_SHIFT) as usize] = at;
                sum = sum.wrapping_add(name.bit);
                rest = behind;
                if !goes_on(last, value_close, to)? {
                    tally.sum = sum;
                    break 'members;
                }
            };
            tally.sum = sum;
            let (count, goes_on) = self.look_again(quotes.len() - rest.len(), to, seen, &mut tally)?;
            rest = rest.get(count..)?;
            if !goes_on {
                break;
            }
        }
        let at = quotes.len() - rest.len();
        let count = (at - self.at + 2 * tally.numbers) / 4;
        self.at = at;
        self.check_cross_field(next_high < to, &tally, count)
    }

    /// The member whose first quote is number `at`, a number, not ASCII, or not clean; `seen` is its name if it has the pattern of
    /// that, and whether it is good but for what is not ASCII. Gives how many quotes it has and whether another member comes behind it.
    #[inline(never)]
    fn look_again(
        &mut self,
        at: usize,
        to: u32,
        seen: Option<(&'static Name, bool)>,
        tally: &mut Tally,
    ) -> Option<(usize, bool)> {
        let marked = self.marked;
        let &[open, close, _, value_close] = self.quotes.get(at..)?.first_chunk()?;
        // Quotes are paired where all of the input is JSON, and only there.
        if close <= open || close >= to {
            return None;
        }
        let (name, mut good) = seen?;
        if name.kind == Kind::Birthday {
            let length = number(marked, name, close, &mut tally.birthday)?;
            tally.sum = tally.sum.wrapping_add(name.bit);
            tally.numbers += 1;
            return match marked.load::<0, _>(close + length) {
                b",\"" => Some((2, true)),
                [b'}', _] if close + length + 1 == to => Some((2, false)),
                _ => None,
            };
        }
        let is_string = *marked.load::<1, _>(close) == *b":\"";
        if tally.next_high < value_close && value_close < to {
            self.skip_high(close);
            if self.skip_high(value_close) && matches!(name.kind, Kind::Text | Kind::Custom) {
                good = is_string && self.is_wide_text(close + 3, value_close, name.limit.into());
            }
            tally.next_high = self.high[self.high_at];
        }
        if !good && (self.plain_phones || !self.is_other_phone(name, close, value_close)) {
            return None;
        }
        self.members[name.id as usize % 64] = at as u32;
        self.customs[(tally.sum >> CUSTOM_SHIFT) as usize] = at as u32;
        tally.sum = tally.sum.wrapping_add(name.bit);
        Some((4, goes_on(marked.load::<0, _>(value_close), value_close, to)?))
    }

    /// Whether a number that is for the rules is good by them.
    #[inline(never)]
    fn is_other_phone(&mut self, name: &Name, close: u32, value_close: u32) -> bool {
        name.kind == Kind::Phone
            && *self.marked.load::<1, _>(close) == *b":\""
            && value_close >= close + 3
            && self.is_phone(close + 3, value_close, phone::Extension::Kept)
    }

    /// Goes on behind the bytes outside of ASCII that lie before `end`, and says whether there are any.
    #[inline(always)]
    fn skip_high(&mut self, end: u32) -> bool {
        let before = self.high_at;
        while self.high[self.high_at] < end {
            self.high_at += 1;
        }
        self.high_at > before
    }

    /// Where the value of a member that is there, and is a string, begins and ends.
    #[inline(always)]
    fn value(&self, id: MemberId) -> (u32, u32) {
        let at = self.members[id as usize % 64] as usize;
        (self.quotes[at + 1] + 3, self.quotes[at + 3])
    }

    /// The day that the value which begins at `start` is.
    #[inline(always)]
    fn date_at(&self, start: u32) -> Option<Date> {
        date_of(self.marked.load::<0, _>(start))
    }

    fn text(&self, from: u32, to: u32) -> &'w [u8] {
        &self.marked.bytes[from as usize..to as usize]
    }

    /// What is asked of a contact beside the shapes of its values: who it is, if it is clean.
    #[inline(always)]
    fn check_cross_field(&mut self, wide: bool, tally: &Tally, count: usize) -> Option<Identity> {
        let &Tally { sum, birthday, .. } = tally;
        let customs = (sum >> CUSTOM_SHIFT) as usize;
        let members = sum & (CUSTOM - 1);
        // A member that was given twice made its bit another's, or none: there are fewer bits than members then.
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
        // A second line has its first, which is the member before it.
        let second_lines = members >> 1 & STREETS & !members == 0;
        let homes = members & address(MemberId::Street) == 0 || members & address(MemberId::HomeStreet) == 0;
        // A date without explicit consent is told, and so is a number without a date under it.
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
        if members & ZIPS != 0 && ZIP_IDS.iter().any(|id| members & bit(*id) != 0 && !self.is_zip(*id)) {
            return None;
        }
        if members & COUNTRIES != 0
            && members & (PHONES | bit(MemberId::SmsNumber)) != 0
            && COUNTRY_IDS.iter().any(|id| members & bit(*id) != 0 && !self.is_home(*id))
        {
            return None;
        }
        if number && !self.plain_phones {
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
        // No number has more than 16 bytes.
        let (from, to) = self.value(MemberId::SmsNumber);
        let len = to.wrapping_sub(from) as usize;
        (len <= 16).then(|| self.settings.identity_key.identity(false, self.marked.load::<0, 24>(from), len))
    }

    /// Whether this postal code is no number that was written as a float. One of five digits is told at once.
    #[inline(always)]
    fn is_zip(&self, id: MemberId) -> bool {
        let (from, to) = self.value(id);
        let code = u64::from_le_bytes(*self.marked.load::<0, _>(from));
        // Five bytes that are digits or the like, and a hyphen or the closing quote.
        let (digits, behind) = (code & 0xf0_f0f0_f0f0, (code >> 40) as u8);
        (digits == 0x30_3030_3030 && matches!(behind, b'-' | b'"')) || !is_float(self.text(from, to))
    }

    /// Whether this is the US or Canada. What is written most is told at once.
    #[inline(always)]
    fn is_home(&self, id: MemberId) -> bool {
        let (from, to) = self.value(id);
        match self.marked.load::<0, 4>(from) {
            b"USA\"" | [b'U', b'S', b'"', _] => true,
            _ => is_home(self.text(from, to)),
        }
    }

    /// Whether the names that are not in the table are those of custom fields, each given once.
    #[inline(always)]
    fn are_customs(&self, wide: bool, count: usize) -> bool {
        if count > custom::MAX {
            return false;
        }
        let name = |i: usize| {
            let at = self.customs[i] as usize;
            self.text(self.quotes[at] + 1, self.quotes[at + 1])
        };
        // Each field goes by several names: which it is tells whether it is given twice.
        let mut fields = [0u32; custom::MAX];
        let mut known = |i: usize, names: &custom::Fields, field| {
            let Some(field) = std::str::from_utf8(field).ok().and_then(|field| names.find(field)) else { return false };
            fields[i] = field;
            !fields[..i].contains(&field)
        };
        for i in 0..count {
            let Some(field) = name(i).strip_prefix(b"cf:") else { return false };
            let good = !field.is_empty()
                && field.len() <= custom::NAME_MAX
                && self.settings.custom_fields.as_ref().is_none_or(|names| known(i, names, field))
                && (!wide || std::str::from_utf8(field).is_ok())
                && (0..i).all(|before| name(before) != name(i));
            if !good {
                return false;
            }
        }
        true
    }

    #[inline(never)]
    fn is_phone(&mut self, from: u32, to: u32, extension: phone::Extension) -> bool {
        self.copy.clear();
        self.copy.extend_from_slice(self.text(from, to));
        std::str::from_utf8(self.copy).is_ok_and(|given| {
            !phone::begins_with_zero(given)
                && phone::normalise(given, extension, self.settings, self.buffer) == phone::Phone::Same
        })
    }

    /// Text in its normal form, within its limit in characters.
    #[inline(never)]
    fn is_wide_text(&mut self, from: u32, to: u32, limit: u32) -> bool {
        let limit = limit as usize;
        // A copy, as another process may write to the file that this is mapped from.
        self.copy.clear();
        self.copy.extend_from_slice(self.text(from, to));
        let Ok(given) = std::str::from_utf8(self.copy) else { return false };
        // U+00C0 to U+017F, the letters of Europe: none is white space, combines, or is composed of others' pieces.
        let letters = given.bytes().all(|b| b < 0x80 || (0x80..0xc0).contains(&b) || (0xc3..=0xc5).contains(&b));
        if !letters && text::normalise(given, self.buffer) != text::Text::Same {
            return false;
        }
        given.len() <= limit || text::chars(given) <= limit
    }

    /// Who has this address, if it is one in its normal form. Only what is common is known here.
    #[inline(always)]
    fn email_at(&self, start: u32, len: usize) -> Option<Identity> {
        if len > self.settings.email_max || len > 63 || len == 0 {
            return None;
        }
        let block = self.marked.load::<0, _>(start);
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
        let key = &self.settings.identity_key;
        Some(if masks.upper & local == 0 {
            key.identity(true, block, len)
        } else {
            key.identity(true, &block.map(|byte| byte.to_ascii_lowercase()), len)
        })
    }
}

/// A birthday's number, of one digit or two and above zero, for a name whose closing quote is at `close`; gives how far behind that
/// the number ends.
#[inline(always)]
fn number(marked: Marked<'_>, name: &Name, close: u32, birthday: &mut [u8; 2]) -> Option<u32> {
    let &[first, second] = marked.load::<2, _>(close);
    let (first, second) = (first.wrapping_sub(b'0'), second.wrapping_sub(b'0'));
    let (number, len) = if second > 9 { (first, 1) } else { (first * 10 + second, 2) };
    match name.id {
        MemberId::BirthdayMonth if number <= 12 => birthday[0] = number,
        MemberId::BirthdayDay if number <= 31 => birthday[1] = number,
        _ => return None,
    }
    Some(2 + len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::split::{Layout, Span};

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
            canonical.verdicts[0] > PLAIN
        });
        let verdicts: Vec<bool> = verdicts.collect();
        assert!(verdicts.iter().all(|v| *v == verdicts[0]), "{contact}: {verdicts:?}");
        verdicts[0]
    }

    /// The member whose pattern `{"NAME":VALUE` has, by the table, unless it is for the rules.
    fn found(table: &Table, name: &[u8], value: &str) -> Option<MemberId> {
        let mut bytes = [b"{\"", name, b"\":", value.as_bytes()].concat();
        let len = bytes.len();
        bytes.resize(len + PADDING, b'.');
        let marked = Marked { bytes: &bytes, len };
        // SAFETY: both are within the bytes.
        let (place, is_string) = unsafe { marked.place(1, 2 + name.len() as u32) };
        assert_eq!(is_string, value.starts_with('"'));
        let (pattern, name) = (&table.patterns[place], &table.names[place]);
        let held = Choice::available().into_iter().map(|choice| {
            let text = marked.load::<1, _>(1);
            #[inline(always)]
            fn ask<B: Backend>(backend: B, text: &[u8; 32], pattern: &Pattern) -> bool {
                backend.within32(text, &pattern.low, &pattern.high)
            }
            with_backend!(choice, ask, (text: &[u8; 32] = text, pattern: &Pattern = pattern) -> bool)
        });
        let held: Vec<bool> = held.collect();
        assert!(held.iter().all(|h| *h == held[0]));
        (held[0] && name.reach > 0).then_some(name.id)
    }

    #[test]
    fn names_are_found() {
        for (id, table) in KNOWN.iter().flat_map(|id| [(id, &TABLE), (id, &TABLE_OF_OTHER_PHONES)]) {
            let by_rules = matches!(id.info().family, Family::Phone) && std::ptr::eq(table, &TABLE_OF_OTHER_PHONES);
            let (good, bad) = match id.info().family {
                Family::Phone | Family::Sms => ("\"508-123-1235\"", "\"508-123-1235x\""),
                Family::Date | Family::Consent => ("\"2024-07-03\"", "\"2024-07-0x\""),
                Family::Birthday => ("12", "\"12\""),
                _ => ("\"x\"", "12"),
            };
            let name = id.info().name.as_bytes();
            assert_eq!(found(table, name, good), (!by_rules).then_some(*id));
            if !matches!(id.info().family, Family::Sms) {
                assert_eq!(found(table, name, bad), None, "{id:?}");
            }
            // Shorter, longer, and with any bit of it another.
            for len in 3..name.len() {
                assert_ne!(found(table, &name[..len], good), Some(*id));
            }
            assert_ne!(found(table, &[name, b"x"].concat(), good), Some(*id));
            for (i, bit) in (0..name.len()).flat_map(|i| (0..8).map(move |bit| (i, bit))) {
                let mut other = name.to_vec();
                other[i] ^= 1 << bit;
                assert_ne!(found(table, &other, good), Some(*id), "{id:?}");
            }
        }
        assert_eq!(found(&TABLE, b"cf:x", "\"y\""), Some(MemberId::Custom));
        assert_eq!(found(&TABLE, "cf:Lieblingsgröße aller Zeiten".as_bytes(), "\"y\""), Some(MemberId::Custom));
        assert_eq!(found(&TABLE, b"", "\"y\""), None);
        assert_eq!(found(&TABLE, b"nickname", "\"y\""), None);
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
            assert!(!verdict(contact, &settings), "{contact}");
        }
        let nanp = Settings { nanp: true, ..Settings::default() };
        assert!(!verdict(r#"{"sms_number":"508-123-1235"}"#, &nanp));
        assert!(verdict(r#"{"sms_number":"508-423-1235"}"#, &nanp));
        let mut fields = custom::Fields::default();
        fields.add(["a", "b"]);
        let known = Settings { custom_fields: Some(fields), ..Settings::default() };
        assert!(verdict(r#"{"email":"a@b.co","cf:a":"x"}"#, &known));
        assert!(!verdict(r#"{"email":"a@b.co","cf:a":"x","cf:b":"x"}"#, &known));
        assert!(!verdict(r#"{"email":"a@b.co","cf:c":"x"}"#, &known));
        let digits = Settings { phone_format: PhoneFormat::Digits, ..Settings::default() };
        assert!(!verdict(r#"{"email":"a@b.co","phone":"0300074321"}"#, &digits));
        assert!(!verdict(r#"{"sms_number":"0300074321"}"#, &digits));
        assert!(!verdict(r#"{"sms_number":"508-423-1235"}"#, &digits));
        assert!(verdict(r#"{"sms_number":"5084231235"}"#, &digits));
    }

    #[test]
    fn nothing_is_loaded_from_behind_the_slack() {
        let mut canonical = Canonical::default();
        let mut bytes = vec![b'x'; 10 + PADDING];
        bytes.push(b'!');
        bytes[10 + 3] = b'y';
        #[inline(always)]
        fn mark<'b, B: Backend>(backend: B, canonical: &mut Canonical, bytes: &'b [u8]) -> Marked<'b> {
            Marked::new(backend, canonical, bytes, 10)
        }
        let marked = mark(crate::simd::scalar::Scalar, &mut canonical, &bytes);
        // SAFETY: it is where the marked bytes end.
        assert_eq!(unsafe { marked.load_at::<3, 2>(10) }, b"yx");
        for place in [10, 11, 1 << 20, u32::MAX] {
            assert_eq!(marked.load::<3, 2>(place), b"yx", "{place}");
            assert!(!marked.load::<{ PADDING - 64 }, 64>(place).contains(&b'!'));
        }
    }

    #[test]
    fn all_places_are_within_the_marked_bytes() {
        for choice in Choice::available() {
            for len in 0..200 {
                let mut canonical = Canonical::with_backend(choice);
                let mut bytes = vec![b'"'; len];
                bytes.resize(len + PADDING, b'"');
                #[inline(always)]
                fn mark<B: Backend>(backend: B, canonical: &mut Canonical, bytes: &[u8], len: usize) -> usize {
                    Marked::new(backend, canonical, bytes, len).len
                }
                let marked = with_backend!(choice, mark, (
                    canonical: &mut Canonical = &mut canonical,
                    bytes: &[u8] = &bytes,
                    len: usize = len,
                ) -> usize);
                assert_eq!((marked, canonical.quotes.count), (len, len));
                for places in [&canonical.quotes, &canonical.bad, &canonical.high] {
                    assert!(places.all().iter().all(|place| *place as usize <= len) && places.all().is_sorted());
                    assert!(places.all().len() >= places.count + 4);
                }
            }
        }
    }

    #[test]
    #[should_panic = "bytes.len() >= len + PADDING"]
    fn bytes_without_slack_are_refused() {
        Marked::new(crate::simd::scalar::Scalar, &mut Canonical::default(), &[0; PADDING + 9], 10);
    }
}
