//! The patterns of members: one comparison of 32 bytes decides that a member has a known name, and a string of the right form.

use crate::model::member::{Family, KNOWN, MEMBERS, MemberId};
use crate::model::name_lookup::{self, SLOTS};

/// How the value of a member is checked, beside its [pattern](Pattern) and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ValueForm {
    Text,
    /// Text that is not a number written as a float, nor one that has lost zeros.
    Zip,
    /// The same as text; the name and the first byte are checked later.
    Custom,
    Phone,
    Date,
    Email,
    Sms,
    Consent,
    /// A number, not a string.
    Birthday,
}

impl ValueForm {
    /// Whether such a value is text.
    pub(super) fn is_text(self) -> bool {
        matches!(self, ValueForm::Text | ValueForm::Zip | ValueForm::Custom)
    }
}

/// The lowest and the highest value of each of 32 bytes: a name, its closing quote, a colon, an opening quote, and as much of
/// the value as there is room for.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Pattern {
    pub(super) low: [u8; 32],
    pub(super) high: [u8; 32],
}

impl Pattern {
    /// Any string.
    const ANY: &[u8] = b"";
    /// A phone number with dashes that does not begin with 0, up to its closing quote.
    const DASHED: &[u8] = b"900-000-0000\"";
    /// A date, up to its closing quote.
    const ISO_DATE: &[u8] = b"0000-00-00\"";
    /// Five digits. What may stand behind them is [`Pattern::zip`].
    const DIGITS: &[u8] = b"00000";
    /// No clean contact matches this: it has no zero bytes.
    const NONE: Pattern = Pattern { low: [0; 32], high: [0; 32] };
    /// Everything matches this.
    const ALL: Pattern = Pattern { low: [0; 32], high: [255; 32] };

    /// This one, with `form` from byte `at` on: `0` is a digit, `9` is a digit above zero, and every other byte is itself. (No
    /// name has a `0` or a `9`.)
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

    /// A member with this name and a string of this form.
    const fn string(name: &[u8], form: &[u8]) -> Pattern {
        Pattern::ALL.with(0, name).with(name.len(), b"\":\"").with(name.len() + 3, form)
    }

    /// A member with this name and five digits, and behind them the closing quote, or something up to the hyphen of ZIP+4: no dot
    /// and no letter, so no float.
    const fn zip(name: &[u8]) -> Pattern {
        let (mut pattern, at) = (Pattern::string(name, Pattern::DIGITS), name.len() + 3 + Pattern::DIGITS.len());
        (pattern.low[at], pattern.high[at]) = (b'"', b'-');
        pattern
    }

    /// A member with this name and a text whose first byte is not one of those with which text guards and words of programs for no
    /// value begin: `'`, `#`, `(`, `-`, `u`. The letter N is left to a look at [short](WORD) texts, as are marks that no clean
    /// contact has to those.
    const fn text(name: &[u8]) -> Pattern {
        let (mut pattern, at) = (Pattern::string(name, Pattern::ANY), name.len() + 3);
        (pattern.low[at], pattern.high[at]) = (b'0', b't');
        pattern
    }

    /// A member with this name and a number above zero.
    const fn number(name: &[u8]) -> Pattern {
        let (mut pattern, at) = (Pattern::ALL.with(0, name).with(name.len(), b"\":"), name.len() + 2);
        (pattern.low[at], pattern.high[at]) = (b'1', b'9');
        pattern
    }
}

/// A name, and what its value may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameEntry {
    /// The bit of the member; [`CUSTOM`] for a custom field.
    pub(super) bit: u64,
    /// The largest distance in bytes from the name's closing quote to the value's closing quote.
    pub(super) reach: u32,
    /// The longest value, in characters.
    pub(super) limit: u16,
    pub(super) form: ValueForm,
    pub(super) id: MemberId,
}

/// Custom fields are counted in the bits above those of the members.
pub(super) const CUSTOM: u64 = 1 << CUSTOM_SHIFT;
pub(super) const CUSTOM_SHIFT: u32 = 58;
const CUSTOM_LIMIT: u16 = MEMBERS[MemberId::Custom as usize].limit;

const CUSTOM_ENTRY: NameEntry = NameEntry {
    bit: CUSTOM,
    reach: CUSTOM_LIMIT as u32 + 3,
    limit: CUSTOM_LIMIT,
    form: ValueForm::Custom,
    id: MemberId::Custom,
};

/// The names of the table, by [`MemberId`].
const ENTRIES: [NameEntry; KNOWN.len()] = {
    let mut entries =
        [NameEntry { bit: 0, reach: 0, limit: 0, form: ValueForm::Text, id: MemberId::Unknown }; KNOWN.len()];
    let mut i = 0;
    // The sum of a contact's bits must not carry into the count above them.
    assert!(KNOWN.len() <= 50);
    while i < KNOWN.len() {
        let form = match MEMBERS[i].family {
            _ if bit(KNOWN[i]) & ZIPS != 0 => ValueForm::Zip,
            Family::Text | Family::Address => ValueForm::Text,
            Family::Phone => ValueForm::Phone,
            Family::Date => ValueForm::Date,
            Family::Email => ValueForm::Email,
            Family::Sms => ValueForm::Sms,
            Family::Consent => ValueForm::Consent,
            Family::Birthday | Family::Custom | Family::Unknown => ValueForm::Birthday,
        };
        let limit = match form {
            ValueForm::Text | ValueForm::Zip => MEMBERS[i].limit,
            _ => 63,
        };
        // Between the two quotes are a colon, an opening quote and the value.
        entries[i] = NameEntry { bit: 1 << i, reach: limit as u32 + 3, limit, form, id: KNOWN[i] };
        i += 1;
    }
    entries
};

/// Distances in bytes from the closing quote of a name to that of a value of three or four bytes, which may be a word for no value.
pub(super) const WORD: std::ops::Range<u32> = 6..8;

/// The slot of custom fields, behind those of the names in the table.
pub(super) const CUSTOM_SLOT: usize = SLOTS;

/// A name and its pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamePattern {
    pub(super) pattern: Pattern,
    pub(super) entry: NameEntry,
}

/// The name at each slot of the name lookup. (Pattern and entry are together, so that the loop over members needs one address.)
pub(super) struct PatternTable {
    pub(super) slots: [NamePattern; SLOTS + 1],
}

impl PatternTable {
    /// With `dashed_phones`, a phone number that matches `ddd-ddd-dddd` is clean; without, the phone rules decide.
    const fn new(dashed_phones: bool) -> PatternTable {
        let mut slots = [NamePattern { pattern: Pattern::NONE, entry: CUSTOM_ENTRY }; SLOTS + 1];
        slots[CUSTOM_SLOT].pattern = Pattern::ALL.with(0, b"cf:");
        let mut i = 0;
        while i < KNOWN.len() {
            let name = MEMBERS[i].name.as_bytes();
            let slot = name_lookup::slot_of(KNOWN[i]);
            slots[slot].entry = ENTRIES[i];
            slots[slot].pattern = match ENTRIES[i].form {
                ValueForm::Phone | ValueForm::Sms if dashed_phones => Pattern::string(name, Pattern::DASHED),
                ValueForm::Text => Pattern::text(name),
                ValueForm::Custom | ValueForm::Email | ValueForm::Sms => Pattern::string(name, Pattern::ANY),
                ValueForm::Phone => {
                    // No value fits, so each goes to `Walk::look_again`.
                    slots[slot].entry.reach = 0;
                    Pattern::string(name, Pattern::ANY)
                }
                ValueForm::Zip => Pattern::zip(name),
                ValueForm::Date | ValueForm::Consent => Pattern::string(name, Pattern::ISO_DATE),
                ValueForm::Birthday => {
                    // The same: a number has no quotes.
                    slots[slot].entry.reach = 0;
                    Pattern::number(name)
                }
            };
            i += 1;
        }
        PatternTable { slots }
    }
}

pub(super) static DASHED_PHONES: PatternTable = PatternTable::new(true);
pub(super) static OTHER_PHONES: PatternTable = PatternTable::new(false);

/// The bit of a member in a sum of [`NameEntry::bit`]s.
pub(super) const fn bit(id: MemberId) -> u64 {
    1 << id as u64
}

/// The six members of an address, from its street on.
pub(super) const fn address_bits(street: MemberId) -> u64 {
    0b11_1111 << street as u64
}

pub(super) const PHONES: u64 = bit(MemberId::Phone)
    | bit(MemberId::HomePhone)
    | bit(MemberId::WorkPhone)
    | bit(MemberId::MobilePhone)
    | bit(MemberId::OtherPhone);
pub(super) const STREETS: u64 =
    all([MemberId::Street, MemberId::HomeStreet, MemberId::WorkStreet, MemberId::OtherStreet]);
const ZIPS: u64 = all([MemberId::Zip, MemberId::HomeZip, MemberId::WorkZip, MemberId::OtherZip]);
pub(super) const COUNTRIES: u64 =
    all([MemberId::Country, MemberId::HomeCountry, MemberId::WorkCountry, MemberId::OtherCountry]);

const fn all(ids: [MemberId; 4]) -> u64 {
    bit(ids[0]) | bit(ids[1]) | bit(ids[2]) | bit(ids[3])
}

#[cfg(test)]
mod tests {
    use super::super::marks::{Marked, PADDING};
    use super::*;
    use crate::simd::{Backend, Choice, with_backend};

    /// The member whose pattern `{"NAME":VALUE` has, by the table; none where the rules decide.
    fn found(table: &PatternTable, name: &[u8], value: &str) -> Option<MemberId> {
        let mut bytes = [b"{\"", name, b"\":", value.as_bytes()].concat();
        let len = bytes.len();
        bytes.resize(len + PADDING, b'.');
        let marked = Marked::unmarked(&bytes, len);
        // SAFETY: both are within the bytes.
        let slot = unsafe { marked.slot(1, 2 + name.len() as u32) };
        let NamePattern { pattern, entry } = &table.slots[slot];
        let matches = Choice::available().into_iter().map(|choice| {
            let text = marked.load::<1, _>(1);
            #[inline(always)]
            fn matches<B: Backend>(backend: B, text: &[u8; 32], pattern: &Pattern) -> bool {
                backend.within32(text, &pattern.low, &pattern.high)
            }
            with_backend!(choice, matches, (text: &[u8; 32] = text, pattern: &Pattern = pattern) -> bool)
        });
        let matches: Vec<bool> = matches.collect();
        assert!(matches.iter().all(|h| *h == matches[0]));
        let is_checked = entry.reach > 0 || entry.form == ValueForm::Birthday;
        (matches[0] && is_checked).then_some(entry.id)
    }

    #[test]
    fn names_are_found() {
        for (id, table) in KNOWN.iter().flat_map(|id| [(id, &DASHED_PHONES), (id, &OTHER_PHONES)]) {
            let by_rules = matches!(id.info().family, Family::Phone) && std::ptr::eq(table, &OTHER_PHONES);
            let (good, bad) = match id.info().family {
                Family::Phone | Family::Sms => ("\"508-123-1235\"", "\"508-123-1235x\""),
                Family::Date | Family::Consent => ("\"2024-07-03\"", "\"2024-07-0x\""),
                Family::Birthday => ("12", "\"12\""),
                _ if bit(*id) & ZIPS != 0 => ("\"02139-1234\"", "\"2139.0\""),
                Family::Text | Family::Address => ("\"a\"", "\"'12\""),
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
        assert_eq!(found(&DASHED_PHONES, b"cf:x", "\"y\""), Some(MemberId::Custom));
        assert_eq!(found(&DASHED_PHONES, "cf:Lieblingsgröße aller Zeiten".as_bytes(), "\"y\""), Some(MemberId::Custom));
        assert_eq!(found(&DASHED_PHONES, b"", "\"y\""), None);
        assert_eq!(found(&DASHED_PHONES, b"nickname", "\"y\""), None);
    }
}
