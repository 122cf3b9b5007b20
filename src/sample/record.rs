//! What the writers of the systems have in common: a contact's values by their members, the places that a system has for them,
//! and the JSON that they go into.

use super::draft::*;
use super::people::*;
use super::random::{Purpose, Rng};

/// Of 1,000 people, those who opted out.
const OPTED_OUT: u32 = 40;

/// Phone numbers of a draft. A number that its own place in a system is missing for takes the first free one, in this order.
pub(super) const NUMBERS: &[&str] = &["phone", "mobile_phone", "work_phone", "home_phone", "other_phone", "sms_number"];
/// The addresses of a draft, likewise.
pub(super) const ADDRESSES: &[AddressNames] = &[PLAIN_ADDRESS, HOME_ADDRESS, WORK_ADDRESS, OTHER_ADDRESS];

/// Whether person `index` opted out, whatever the system is.
pub(super) fn is_opted_out(seed: u64, index: u64) -> bool {
    Rng::new(seed, index, Purpose::Permission).per_mille(OPTED_OUT)
}

/// How a system writes phone numbers.
#[derive(Clone, Copy)]
pub(super) enum PhoneStyle {
    AsIs,
    /// `+1 617-555-0101`
    Spaced,
    /// `+16175550101`
    E164,
    /// `(617) 555-0101`
    Parentheses,
}

/// A contact that is to be written as a system's record.
pub(super) struct Record<'a> {
    draft: &'a Draft,
    pub(super) person: &'a Person,
    pub(super) rng: Rng,
    pub(super) opted_out: bool,
}

impl<'a> Record<'a> {
    pub(super) fn new(draft: &'a Draft, person: &'a Person, seed: u64) -> Self {
        let opted_out = is_opted_out(seed, person.index);
        Record { draft, person, rng: Rng::new(seed, person.index, Purpose::System), opted_out }
    }

    /// The JSON value of a member of the draft.
    pub(super) fn value(&self, member: &str) -> Option<&'a [u8]> {
        let found = self.draft.members.iter().find(|found| found.name == member)?;
        Some(&self.draft.text[found.start..found.end])
    }

    /// What is between the quotes of a text, or a number as it is. None for anything else.
    pub(super) fn text(&self, member: &str) -> Option<&'a [u8]> {
        let value = self.value(member)?;
        match value.first()? {
            b'"' => Some(&value[1..value.len() - 1]),
            b'-' | b'0'..=b'9' => Some(value),
            _ => None,
        }
    }

    /// The members of the draft that no system has a name for: custom fields, and names that are mistakes.
    pub(super) fn others(&self) -> impl Iterator<Item = (&'static str, &'a [u8])> + use<'a> {
        let draft = self.draft;
        let is_other = |member: &&Member| {
            !NUMBERS.contains(&member.name)
                && !ADDRESSES.iter().any(|names| names.contains(&member.name))
                && ![
                    "email",
                    "first_name",
                    "last_name",
                    "company_name",
                    "job_title",
                    "birthday_month",
                    "birthday_day",
                    "anniversary",
                    "sms_consent_date",
                ]
                .contains(&member.name)
        };
        draft.members.iter().filter(is_other).map(|member| (member.name, &draft.text[member.start..member.end]))
    }

    /// Custom fields: their names without `cf:`.
    pub(super) fn custom(&self) -> impl Iterator<Item = (&'static str, &'a [u8])> + use<'a> {
        self.others().filter_map(|(name, value)| Some((name.strip_prefix("cf:")?, value)))
    }

    /// Names that are mistakes.
    pub(super) fn strangers(&self) -> impl Iterator<Item = (&'static str, &'a [u8])> + use<'a> {
        self.others().filter(|(name, _)| !name.starts_with("cf:"))
    }

    /// Which number is in which place of a system: pairs of the place and the member of the draft.
    pub(super) fn numbers(&self, places: &[&'static str]) -> Vec<(&'static str, &'static str)> {
        let has = |name: &&&str| self.draft.find(name).is_some();
        let own = |name: &&str| places.contains(name);
        let mut placed: Vec<_> =
            NUMBERS.iter().filter(has).filter(|name| own(name)).map(|name| (*name, *name)).collect();
        for name in NUMBERS.iter().filter(has).filter(|name| !own(name)) {
            let free = places.iter().find(|place| !placed.iter().any(|(taken, _)| taken == *place));
            placed.extend(free.map(|place| (*place, *name)));
        }
        placed
    }

    /// Which address is in which place of a system: pairs of the place and the address of the draft.
    pub(super) fn addresses(&self, places: &[AddressNames]) -> Vec<(AddressNames, AddressNames)> {
        let has = |names: &&AddressNames| names.iter().any(|name| self.draft.find(name).is_some());
        let own = |names: &&AddressNames| places.contains(names);
        let mut placed: Vec<_> = ADDRESSES.iter().filter(has).filter(own).map(|names| (*names, *names)).collect();
        for names in ADDRESSES.iter().filter(has).filter(|names| !own(names)) {
            let free = places.iter().find(|place| !placed.iter().any(|(taken, _)| taken == *place));
            placed.extend(free.map(|place| (*place, *names)));
        }
        placed
    }

    /// Writes the value of a phone number. One that is a mistake stays as it is.
    pub(super) fn number(&self, member: &str, style: PhoneStyle, before: &str, out: &mut Vec<u8>) {
        let value = self.value(member).unwrap_or(b"\"\"");
        let shape = |at: usize, byte: &u8| match at {
            0 | 13 => *byte == b'"',
            4 | 8 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        let is_clean = value.len() == 14 && value.iter().enumerate().all(|(at, byte)| shape(at, byte));
        if !is_clean {
            out.extend_from_slice(value);
            return;
        }
        let [area, exchange, line] = [&value[1..4], &value[5..8], &value[9..13]];
        let parts: [&[u8]; 6] = match style {
            PhoneStyle::AsIs => [b"", area, b"-", exchange, b"-", line],
            PhoneStyle::Spaced => [b"+1 ", area, b"-", exchange, b"-", line],
            PhoneStyle::E164 => [b"+1", area, b"", exchange, b"", line],
            PhoneStyle::Parentheses => [b"(", area, b") ", exchange, b"-", line],
        };
        quoted(out, |out| {
            put(out, before);
            parts.iter().for_each(|part| out.extend_from_slice(part));
        });
    }

    /// Writes texts of the draft between quotes, with `between` between those that there are, and says whether there are any.
    pub(super) fn join(&self, members: &[&str], between: &str, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        quoted(out, |out| {
            for text in members.iter().filter_map(|member| self.text(member)) {
                if out.len() > start + 1 {
                    put(out, between);
                }
                out.extend_from_slice(text);
            }
        });
        out.len() > start + 2
    }

    /// Writes the birthday by a pattern of [`Day`], with a made-up year, and says whether there is one. Parts that are mistakes
    /// stay as they are.
    pub(super) fn birthday(&mut self, pattern: &str, out: &mut Vec<u8>) -> bool {
        let parts = [self.text("birthday_month"), self.text("birthday_day")];
        let year = self.rng.between(1940, 2005);
        let part =
            |text: Option<&[u8]>| std::str::from_utf8(text?).ok()?.parse::<u32>().ok().filter(|part| *part < 100);
        match (parts, parts.map(part)) {
            ([None, None], _) => return false,
            (_, [Some(month), Some(day)]) => {
                // 29 February needs a leap year.
                let year = if (month, day) == (2, 29) { year & !3 } else { year };
                quoted(out, |out| Day { year, month, day }.format(pattern, out));
            }
            (texts, _) => quoted(out, |out| {
                out.extend_from_slice(texts[0].unwrap_or_default());
                out.push(b'/');
                out.extend_from_slice(texts[1].unwrap_or_default());
            }),
        }
        true
    }

    /// A day and a time on it, which are not told for the person: when the record was made, say.
    pub(super) fn moment(&mut self, out: &mut Vec<u8>) {
        let day = Day::draw(&mut self.rng, 2019, 2024);
        let time = [self.rng.below(24), self.rng.below(60), self.rng.below(60)];
        day.canonical(out);
        out.push(b'T');
        digits(out, time[0], 2);
        for part in &time[1..] {
            out.push(b':');
            digits(out, *part, 2);
        }
    }

    /// A day in the past, which is not told for the person.
    pub(super) fn day(&mut self) -> Day {
        Day::draw(&mut self.rng, 2019, 2024)
    }

    /// Writes a UUID that stands for `number`, between quotes.
    pub(super) fn uuid(kind: u32, number: u64, out: &mut Vec<u8>) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let put_hex = |out: &mut Vec<u8>, value: u64, width: u32| {
            out.extend((0..width).rev().map(|at| HEX[(value >> (4 * at) & 15) as usize]));
        };
        quoted(out, |out| {
            put_hex(out, 0x5be2_d7f0 + u64::from(kind), 8);
            put(out, "-7d1e-11ee-9a40-");
            put_hex(out, 0xfa16_3e00_0000_u64.wrapping_add(number), 12);
        });
    }
}

/// A JSON object while it is written.
pub(super) struct Object<'o> {
    pub(super) out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    /// Writes an object whose members `fill` writes.
    pub(super) fn write(out: &'o mut Vec<u8>, fill: impl FnOnce(&mut Object)) {
        out.push(b'{');
        let mut object = Object { out, is_empty: true };
        fill(&mut object);
        object.out.push(b'}');
    }

    /// Writes a name, and what `fill` writes as its value.
    pub(super) fn add(&mut self, name: &str, fill: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(if self.is_empty { b"\"" } else { b",\"" });
        self.is_empty = false;
        put(self.out, name);
        put(self.out, "\":");
        fill(self.out);
    }

    /// A member whose value is an object.
    pub(super) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object)) {
        self.add(name, |out| Object::write(out, fill));
    }

    /// A member whose value is JSON already.
    pub(super) fn json(&mut self, name: &str, value: &[u8]) {
        self.add(name, |out| out.extend_from_slice(value));
    }

    /// A member whose value is text that needs no escape.
    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.add(name, |out| string(out, value));
    }

    /// A member whose value is a number between quotes.
    pub(super) fn id(&mut self, name: &str, value: u64) {
        self.add(name, |out| quoted(out, |out| number(out, value)));
    }
}
