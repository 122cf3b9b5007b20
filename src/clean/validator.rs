//! The rules applied to one contact: its members in, cleaned bytes and findings out.
//!
//! Each member is looked at by itself first, in the order given; then what only shows together: phones, addresses, birthday,
//! text messages, custom fields, identity. Findings are collected until the contact's fate is known, because a rejected
//! contact's findings all say `rejected`, and none of its values was changed.

use crate::json::parse::recycle;
use crate::json::write::json_string;
use crate::model::finding::{Code, Detail, Finding, Outcome, Raw, Severity, To};
use crate::model::identity::Identity;
use crate::model::member::{ADDRESS_PARTS, Family, HOME_COUNTRY_SPACED, Member, MemberId, Value, hint};
use crate::rules::{
    BadField, Settings, birthday, custom,
    date::{self, Date},
    email,
    number::{self, Float},
    phone, rule, text,
};
use std::collections::HashSet;
use std::io::Write as _;

/// What is written for a member.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Now<'a> {
    /// Nothing.
    Gone,
    /// The text as it was given.
    Given(&'a str),
    /// A stretch of the judge's buffer.
    Made(u32, u32),
    /// A whole number.
    Integer(u8),
}

/// A member on its way through the rules.
#[derive(Debug, Clone, Copy)]
struct Slot<'a> {
    id: MemberId,
    /// The member it is written as, when that is another one.
    written: MemberId,
    name: &'a str,
    value: Value<'a>,
    now: Now<'a>,
    /// The change that was made to it, if one was.
    change: Option<Code>,
    /// Where it stands in the contact's bytes as it is to be written, if it does.
    normal: Option<(u32, u32)>,
}

impl Slot<'_> {
    /// It is `home country`, with the schema's space.
    fn is_respelled(&self) -> bool {
        self.id == MemberId::HomeCountry && self.name == HOME_COUNTRY_SPACED
    }
}

/// A finding that waits for the contact's fate.
#[derive(Debug, Clone, Copy)]
struct Waiting<'a> {
    code: Code,
    severity: Severity,
    outcome: Outcome,
    field: Option<&'a str>,
    value: Raw<'a>,
    detail: Detail<'a>,
}

/// What became of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdict {
    /// It is in the output.
    pub accepted: bool,
    /// Some value of it was held back.
    pub held_back: bool,
    /// Some value of it was changed.
    pub changed: bool,
}

/// Where findings go.
pub trait Findings {
    /// Takes one finding of the contact at hand.
    fn take(&mut self, finding: &Finding<'_>);
}

/// The buffers of a [`Validator`], kept between one and the next so that judging allocates nothing.
#[derive(Debug, Default)]
pub struct Buffers {
    slots: Vec<Slot<'static>>,
    waiting: Vec<Waiting<'static>>,
    others: Vec<Other<'static>>,
    made: String,
    buffer: String,
}

/// The rules with their settings, and the buffers they work in. `'a` is how long parsed values live.
pub struct Validator<'a, 's> {
    settings: &'s Settings,
    slots: Vec<Slot<'a>>,
    waiting: Vec<Waiting<'a>>,
    /// Slot of each known member, by [`MemberId`]; `NONE` where it was not given.
    at: [u32; MemberId::Custom as usize],
    /// What was made of values, one after the other.
    made: String,
    /// What one rule makes.
    buffer: String,
    /// Names of members without a place in the table, once there are many.
    names: HashSet<Other<'a>>,
    others: Vec<Other<'a>>,
    rejected: bool,
    /// Some contact had a custom field.
    any_custom: bool,
}

/// What tells members without a place in the table apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Other<'a> {
    /// Its name.
    Name(&'a str),
    /// The custom field of the account that it is, by either of that one's names.
    Field(u32),
}

const NONE: u32 = u32::MAX;
/// More members than this are not a contact's; their names are told apart by hashing.
const FEW: usize = 32;

impl<'a, 's> Validator<'a, 's> {
    /// A judge by these settings, with another one's buffers.
    #[must_use]
    pub fn new(settings: &'s Settings, buffers: Buffers) -> Self {
        Validator {
            settings,
            slots: recycle(buffers.slots),
            waiting: recycle(buffers.waiting),
            at: [NONE; MemberId::Custom as usize],
            made: buffers.made,
            buffer: buffers.buffer,
            names: HashSet::new(),
            others: recycle(buffers.others),
            rejected: false,
            any_custom: false,
        }
    }

    /// Whether some contact that was judged had a custom field.
    #[must_use]
    pub fn any_custom(&self) -> bool {
        self.any_custom
    }

    /// Gives the buffers back.
    #[must_use]
    pub fn into_buffers(self) -> Buffers {
        Buffers {
            slots: recycle(self.slots),
            waiting: recycle(self.waiting),
            others: recycle(self.others),
            made: self.made,
            buffer: self.buffer,
        }
    }

    /// Judges the contact with these bytes (nobody asks for them unless a member is [normal](Member::normal)) and members;
    /// `duplicate_of` rejects it as one seen before. Appends the cleaned contact to
    /// `out` (nothing, when it is rejected) and tells its findings.
    pub fn contact(
        &mut self,
        bytes: &[u8],
        members: impl Iterator<Item = Member<'a>>,
        duplicate_of: Option<Detail<'a>>,
        out: &mut Vec<u8>,
        findings: &mut impl Findings,
    ) -> (Verdict, Option<Identity>) {
        self.clear();
        for member in members {
            self.member(member);
        }
        self.check_cross_field();
        if let Some(detail) = duplicate_of {
            self.wait(Code::DUP001, Severity::Error, Outcome::Rejected, None, Raw::Nothing, detail);
            self.rejected = true;
        }
        let start = out.len();
        let mut identity = None;
        if !self.rejected {
            self.write(bytes, out);
            if out.len() - start > self.settings.contact_bytes_max {
                out.truncate(start);
                self.reject_contact(Code::CON005, Detail::None);
            } else {
                identity = self.identity();
            }
        }
        (self.tell(findings), identity)
    }

    fn clear(&mut self) {
        for slot in &self.slots {
            if slot.id < MemberId::Custom {
                self.at[slot.id as usize] = NONE;
            }
        }
        self.slots.clear();
        self.waiting.clear();
        self.made.clear();
        self.names.clear();
        self.others.clear();
        self.rejected = false;
    }

    fn wait(
        &mut self,
        code: Code,
        severity: Severity,
        outcome: Outcome,
        field: Option<&'a str>,
        value: Raw<'a>,
        detail: Detail<'a>,
    ) {
        self.waiting.push(Waiting { code, severity, outcome, field, value, detail });
    }

    /// A fault of the contact as a whole, which rejects it.
    fn reject_contact(&mut self, code: Code, detail: Detail<'a>) {
        self.rejected = true;
        self.wait(code, Severity::Error, Outcome::Rejected, None, Raw::Nothing, detail);
    }

    /// The value in slot `i` breaks the rule of `code`: it is held back, or takes the contact with it.
    fn bad(&mut self, i: usize, code: Code, detail: Detail<'a>) {
        let slot = &mut self.slots[i];
        slot.now = Now::Gone;
        slot.change = None;
        let (field, value) = (Some(slot.name), Raw::Value(slot.value));
        let rejects = slot.id == MemberId::Email || self.settings.bad_field == BadField::Reject;
        self.rejected |= rejects;
        let outcome = if rejects { Outcome::Rejected } else { Outcome::HeldBack };
        self.wait(code, Severity::Error, outcome, field, value, detail);
    }

    /// The value in slot `i` said nothing, or nothing new: it is left out, as a change.
    fn left_out(&mut self, i: usize, code: Code) {
        self.slots[i].now = Now::Gone;
        self.slots[i].change = Some(code);
    }

    /// Puts what a rule left in the buffer in slot `i`.
    fn make(&mut self, i: usize, code: Code) {
        let start = self.made.len() as u32;
        self.made.push_str(&self.buffer);
        self.slots[i].now = Now::Made(start, self.made.len() as u32);
        self.slots[i].change = Some(code);
    }

    fn text_of(&self, now: Now<'a>) -> &str {
        match now {
            Now::Given(text) => text,
            Now::Made(start, end) => &self.made[start as usize..end as usize],
            Now::Gone | Now::Integer(_) => "",
        }
    }

    /// Slot of a member, given or not.
    fn slot(&self, id: MemberId) -> Option<usize> {
        let at = self.at[id as usize];
        (at != NONE).then_some(at as usize)
    }

    /// Slot of a member that is to be written.
    fn present(&self, id: MemberId) -> Option<usize> {
        self.slot(id).filter(|i| self.slots[*i].now != Now::Gone)
    }

    /// One member, by itself.
    fn member(&mut self, member: Member<'a>) {
        let Member { name, value, normal } = member;
        let id = MemberId::of(name);
        let i = self.slots.len();
        self.slots.push(Slot { id, written: id, name, value, now: Now::Gone, change: None, normal });
        if self.is_repeat(id, name, i) {
            self.rejected = true;
            self.wait(Code::CON003, Severity::Error, Outcome::Rejected, Some(name), Raw::Value(value), Detail::None);
            return;
        }
        if let (Some(_), Value::String(text)) = (normal, value) {
            self.slots[i].now = Now::Given(text);
            return;
        }
        match id.info().family {
            Family::Birthday => self.birthday_half(i),
            Family::Unknown => {
                let detail = hint(name).map_or(Detail::None, Detail::Hint);
                self.wait(Code::CON004, Severity::Warning, Outcome::HeldBack, Some(name), Raw::Value(value), detail);
            }
            _ => self.text_member(i),
        }
    }

    /// True when the contact has a member of this name already.
    fn is_repeat(&mut self, id: MemberId, name: &'a str, i: usize) -> bool {
        if id < MemberId::Custom {
            let at = &mut self.at[id as usize];
            if *at != NONE {
                return true;
            }
            *at = i as u32;
            return false;
        }
        self.any_custom |= id == MemberId::Custom;
        let field = match (&self.settings.custom_fields, id) {
            (Some(fields), MemberId::Custom) => fields.find(&name[3..]),
            _ => None,
        };
        let name = field.map_or(Other::Name(name), Other::Field);
        if self.others.len() < FEW {
            let repeat = self.others.contains(&name);
            self.others.push(name);
            return repeat;
        }
        if self.names.is_empty() {
            self.names.extend(self.others.iter().copied());
        }
        !self.names.insert(name)
    }

    fn birthday_half(&mut self, i: usize) {
        let slot = &mut self.slots[i];
        let max = if slot.id == MemberId::BirthdayMonth { 12 } else { 31 };
        match birthday::parse(&slot.value, max) {
            birthday::Half::Number(n, same) => {
                slot.now = Now::Integer(n);
                slot.change = (!same).then_some(Code::BDY004);
            }
            birthday::Half::Blank => self.left_out(i, Code::VAL003),
            birthday::Half::Bad => self.bad(i, Code::BDY001, Detail::None),
        }
    }

    /// A member whose value is text of some kind.
    fn text_member(&mut self, i: usize) {
        let Slot { id, name, value, .. } = self.slots[i];
        let family = id.info().family;
        let mut digits = [0u8; 20];
        let mut whole = String::new();
        let mut as_text = Code::VAL002;
        let (given, number) = match value {
            Value::String(text) => (text, false),
            Value::Null => return self.left_out(i, Code::VAL003),
            Value::Number(text) => match number::read(text, &mut whole) {
                Float::Whole => {
                    as_text = Code::VAL006;
                    (whole.as_str(), true)
                }
                Float::Infinite if matches!(family, Family::Text | Family::Address | Family::Custom) => {
                    return self.bad(i, Code::VAL004, Detail::None);
                }
                Float::Shortened
                    if matches!(family, Family::Text | Family::Address | Family::Custom) && !id.is_zip() =>
                {
                    self.keep_with_warning(i, Code::VAL005, Detail::None);
                    (text, true)
                }
                _ => (text, true),
            },
            Value::Integer(n) => {
                let len = {
                    let mut rest = &mut digits[..];
                    let _ = write!(rest, "{n}");
                    20 - rest.len()
                };
                // The digits outlive this call in the judge's buffer only.
                (std::str::from_utf8(&digits[..len]).unwrap_or_default(), true)
            }
            Value::Bool(_) | Value::Nested(_) => {
                let code = if family == Family::Email { Code::EML007 } else { Code::VAL001 };
                return self.bad(i, code, Detail::Is(value.kind().name()));
            }
        };
        // Where the value is written as it was given, and it was text, the slot borrows it.
        let same: Option<Now<'a>> = match value {
            Value::String(text) => Some(Now::Given(text)),
            _ => None,
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let found = self.check(id, name, family, given, &mut buffer);
        match found {
            Found::Same => match same {
                Some(now) => self.slots[i].now = now,
                None => {
                    buffer.clear();
                    buffer.push_str(given);
                    self.buffer = buffer;
                    debug_assert!(number);
                    return self.make(i, as_text);
                }
            },
            Found::Changed(code) => {
                self.buffer = buffer;
                return self.make(i, code);
            }
            Found::Blank => self.left_out(i, Code::VAL003),
            Found::Bad(code, detail) => self.bad(i, code, detail),
        }
        self.buffer = buffer;
    }

    /// The rule of a member's family, on the text of its value.
    #[inline]
    fn check(&self, id: MemberId, name: &'a str, family: Family, given: &str, buffer: &mut String) -> Found {
        let settings = self.settings;
        match family {
            Family::Email => match email::normalise(given, settings.email_max, buffer) {
                email::EmailResult::Same => Found::Same,
                email::EmailResult::Changed(code) => Found::Changed(code),
                email::EmailResult::Blank => Found::Blank,
                email::EmailResult::Bad(code) => {
                    Found::Bad(code, email::cause(code, given).map_or(Detail::None, Detail::Is))
                }
                email::EmailResult::Long(chars) => {
                    Found::Bad(Code::EML004, Detail::Length { chars, limit: settings.email_max })
                }
            },
            Family::Phone => match phone::normalise(given, phone::Extension::Kept, settings, buffer) {
                phone::PhoneResult::Same => Found::Same,
                phone::PhoneResult::Changed => Found::Changed(Code::PHN004),
                phone::PhoneResult::Blank => Found::Blank,
                phone::PhoneResult::Bad(fault) => Found::Bad(
                    match fault {
                        phone::PhoneFault::Country => Code::PHN002,
                        phone::PhoneFault::Plan => Code::PHN003,
                        _ => Code::PHN001,
                    },
                    match fault {
                        phone::PhoneFault::Country | phone::PhoneFault::Plan => Detail::None,
                        _ => cause(fault.cause()),
                    },
                ),
            },
            Family::Sms => match phone::normalise(given, phone::Extension::Refused, settings, buffer) {
                phone::PhoneResult::Blank => Found::Blank,
                _ if text::chars(given) > usize::from(id.info().limit) => Found::Bad(Code::SMS003, as_given(given, id)),
                phone::PhoneResult::Same => Found::Same,
                phone::PhoneResult::Changed => Found::Changed(Code::SMS008),
                phone::PhoneResult::Bad(fault) => match fault {
                    phone::PhoneFault::Extension => Found::Bad(Code::SMS002, Detail::None),
                    _ => Found::Bad(Code::SMS001, cause(fault.cause())),
                },
            },
            Family::Date | Family::Consent => match date::parse(given) {
                date::DateResult::Blank => Found::Blank,
                _ if family == Family::Consent && text::chars(given) > usize::from(id.info().limit) => {
                    Found::Bad(Code::SMS003, as_given(given, id))
                }
                date::DateResult::Day(day, _) | date::DateResult::Midnight(day)
                    if family == Family::Consent && day > settings.as_of =>
                {
                    Found::Bad(Code::SMS005, Detail::None)
                }
                date::DateResult::Day(_, true) => Found::Same,
                date::DateResult::Day(day, false) => {
                    buffer.clear();
                    push_date(day, buffer);
                    Found::Changed(Code::DAT003)
                }
                date::DateResult::Midnight(day) => {
                    buffer.clear();
                    push_date(day, buffer);
                    Found::Changed(Code::DAT004)
                }
                date::DateResult::Time => Found::Bad(Code::DAT001, cause(Some(date::TIME_OF_DAY))),
                date::DateResult::Bad(code) => {
                    Found::Bad(code, text::control_in(given).map_or(Detail::None, Detail::Is))
                }
            },
            Family::Text | Family::Address | Family::Custom => {
                let limit = usize::from(id.info().limit);
                let normal = text::normalise(given, buffer);
                let now = match normal {
                    text::TextResult::Same => given,
                    text::TextResult::Changed => buffer.as_str(),
                    text::TextResult::Blank => return Found::Blank,
                };
                if family == Family::Custom {
                    let field = &name[3..];
                    if !custom::is_name(field) {
                        return Found::Bad(Code::CUS001, Detail::None);
                    }
                    if settings.custom_fields.as_ref().is_some_and(|known| known.find(field).is_none()) {
                        return Found::Bad(Code::CUS003, Detail::None);
                    }
                }
                if id.is_zip() {
                    let mut whole = String::new();
                    match number::read(now, &mut whole) {
                        Float::Whole => {
                            *buffer = whole;
                            return Found::Changed(Code::VAL006);
                        }
                        Float::Shortened | Float::Infinite => return Found::Bad(Code::VAL004, Detail::None),
                        Float::Fraction | Float::No => {}
                    }
                }
                if now.len() > limit {
                    let chars = text::chars(now);
                    if chars > limit {
                        if !settings.truncate {
                            return Found::Bad(Code::TXT001, Detail::Length { chars, limit });
                        }
                        let cut = text::truncate(now, limit);
                        if cut.is_empty() {
                            return Found::Blank;
                        }
                        let cut = cut.to_owned();
                        *buffer = cut;
                        return Found::Changed(Code::TXT003);
                    }
                }
                if normal == text::TextResult::Same { Found::Same } else { Found::Changed(Code::TXT002) }
            }
            Family::Birthday | Family::Unknown => Found::Blank,
        }
    }

    /// What only shows when all members are there.
    fn check_cross_field(&mut self) {
        self.birthday();
        self.phones();
        self.addresses();
        self.sms();
        self.foreign_numbers();
        self.customs();
        // A bad address has rejected the contact already, and says why.
        let given = |id| self.slot(id).is_some_and(|i| self.slots[i].change != Some(Code::VAL003));
        if !given(MemberId::Email) && self.present(MemberId::SmsNumber).is_none() {
            // A bad number says why, too; without an address it was the contact's identity.
            if given(MemberId::SmsNumber) {
                self.rejected = true;
            } else {
                self.reject_contact(Code::CON002, Detail::None);
            }
        }
    }

    fn birthday(&mut self) {
        let [month, day] = [MemberId::BirthdayMonth, MemberId::BirthdayDay].map(|id| self.present(id));
        match (month, day) {
            (None, None) => {}
            (Some(alone), None) | (None, Some(alone)) => self.bad(alone, Code::BDY002, Detail::None),
            (Some(m), Some(d)) => {
                if let (Now::Integer(month), Now::Integer(day)) = (self.slots[m].now, self.slots[d].now)
                    && !birthday::exists(month, day)
                {
                    self.bad(m, Code::BDY003, Detail::None);
                    self.bad(d, Code::BDY003, Detail::None);
                }
            }
        }
    }

    fn phones(&mut self) {
        const PHONES: [MemberId; 5] =
            [MemberId::Phone, MemberId::HomePhone, MemberId::WorkPhone, MemberId::MobilePhone, MemberId::OtherPhone];
        if let [Some(phone), Some(other)] = [MemberId::Phone, MemberId::OtherPhone].map(|id| self.present(id)) {
            if self.text_of(self.slots[phone].now) == self.text_of(self.slots[other].now) {
                self.left_out(other, Code::PHN005);
            } else {
                self.bad(other, Code::PHN006, Detail::None);
            }
        }
        let mut count = 0;
        for id in PHONES {
            if let Some(i) = self.present(id) {
                count += 1;
                if count > 3 {
                    self.bad(i, Code::PHN007, Detail::None);
                }
            }
        }
    }

    fn addresses(&mut self) {
        const FIRST: [MemberId; 4] =
            [MemberId::Street, MemberId::HomeStreet, MemberId::WorkStreet, MemberId::OtherStreet];
        if !self.slots.iter().any(|slot| slot.id.info().family == Family::Address) {
            return;
        }
        let member = |id: MemberId, part: usize| crate::model::member::KNOWN[id as usize + part];
        for street in FIRST {
            let Some(i) = self.present(member(street, 1)) else { continue };
            match self.slot(street).map(|first| self.slots[first]) {
                Some(Slot { now: Now::Gone, change: None, .. }) => self.bad(i, Code::ADR004, Detail::None),
                Some(Slot { now: Now::Gone, .. }) | None => self.slots[i].written = street,
                Some(_) => {}
            }
        }
        // The parts as they will be written: a second line that was moved up counts as a first.
        let parts = |judge: &Self, kind: MemberId| {
            let mut parts = [None; ADDRESS_PARTS];
            for part in 0..ADDRESS_PARTS {
                if let Some(i) = judge.present(member(kind, part)) {
                    parts[judge.slots[i].written as usize - kind as usize] = Some(i);
                }
            }
            parts
        };
        let (plain, home) = (parts(self, MemberId::Street), parts(self, MemberId::HomeStreet));
        if plain.iter().all(Option::is_none) || home.iter().all(Option::is_none) {
            return;
        }
        let text = |i: &Option<usize>| i.map(|i| self.text_of(self.slots[i].now));
        let equal = plain.iter().map(text).eq(home.iter().map(text));
        for i in home.into_iter().flatten() {
            if equal {
                self.left_out(i, Code::ADR002);
            } else {
                self.bad(i, Code::ADR001, Detail::None);
            }
        }
    }

    fn sms(&mut self) {
        let [number, date] = [MemberId::SmsNumber, MemberId::SmsConsentDate].map(|id| self.present(id));
        let explicit = self.settings.sms_explicit;
        match (number, date) {
            (Some(number), None) if explicit => {
                // A bad date has been told and held back already.
                self.bad(number, Code::SMS004, Detail::None);
            }
            (None, Some(date)) => self.keep_with_warning(date, Code::SMS006, Detail::None),
            (Some(_), Some(date)) if !explicit => self.keep_with_warning(date, Code::SMS007, Detail::None),
            _ => {}
        }
    }

    /// Numbers that look like those of another country: by themselves, or by the country beside them.
    fn foreign_numbers(&mut self) {
        use MemberId::{
            Country, HomeCountry, HomePhone, MobilePhone, OtherCountry, OtherPhone, Phone, SmsNumber, WorkCountry,
            WorkPhone,
        };
        /// Each with the countries of its kind.
        const NUMBERS: [(MemberId, &[MemberId]); 6] = [
            (Phone, &[OtherCountry]),
            (HomePhone, &[Country, HomeCountry]),
            (WorkPhone, &[WorkCountry]),
            (MobilePhone, &[]),
            (OtherPhone, &[OtherCountry]),
            (SmsNumber, &[]),
        ];
        const COUNTRIES: &[MemberId] = &[Country, HomeCountry, WorkCountry, OtherCountry];
        // Whether these countries are foreign, all of them; none where none is named.
        let foreign = |judge: &Self, countries: &[MemberId]| -> Option<bool> {
            let named = countries.iter().filter_map(|id| judge.present(*id)).map(|i| judge.text_of(judge.slots[i].now));
            named.map(phone::is_foreign).reduce(|all, one| all && one)
        };
        let mut any = None;
        for (id, countries) in NUMBERS {
            let Some(i) = self.present(id) else { continue };
            let what = if phone::begins_with_zero(self.text_of(self.slots[i].now)) {
                "it begins with 0"
            } else {
                let any = *any.get_or_insert_with(|| foreign(self, COUNTRIES));
                match any {
                    Some(any) if foreign(self, countries).unwrap_or(any) => "it stands beside another country",
                    _ => continue,
                }
            };
            self.keep_with_warning(i, Code::PHN008, Detail::Is(what));
        }
    }

    fn keep_with_warning(&mut self, i: usize, code: Code, detail: Detail<'a>) {
        let Slot { name, value, .. } = self.slots[i];
        self.wait(code, Severity::Warning, Outcome::Kept, Some(name), Raw::Value(value), detail);
    }

    fn customs(&mut self) {
        if self.slots.len() <= custom::MAX {
            return;
        }
        let mut count = 0;
        for i in 0..self.slots.len() {
            if self.slots[i].id == MemberId::Custom && self.slots[i].now != Now::Gone {
                count += 1;
                if count > custom::MAX {
                    self.bad(i, Code::CUS002, Detail::None);
                }
            }
        }
    }

    fn identity(&self) -> Option<Identity> {
        let (is_email, text) = match (self.present(MemberId::Email), self.present(MemberId::SmsNumber)) {
            (Some(i), _) => (true, self.text_of(self.slots[i].now)),
            (None, Some(i)) => (false, self.text_of(self.slots[i].now)),
            (None, None) => return None,
        };
        // The longest address there can be is 64 + 1 + 253 bytes.
        let mut room = [0u8; 320];
        let lower = room[..319].get_mut(..text.len())?;
        lower.copy_from_slice(text.as_bytes());
        lower.make_ascii_lowercase();
        Some(self.settings.identity_key.identity(is_email, &room, text.len()))
    }

    /// Writes the contact as compact JSON. Members that stand in its `bytes` as they are to be written are copied, as many at
    /// once as lie side by side.
    fn write(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let mut run: Option<(u32, u32)> = None;
        let copy = |run: Option<(u32, u32)>, out: &mut Vec<u8>| {
            if let Some((from, to)) = run {
                out.push(b',');
                out.extend_from_slice(&bytes[from as usize..to as usize]);
            }
        };
        for slot in &self.slots {
            if slot.now == Now::Gone {
                continue;
            }
            if let Some((from, to)) = slot.normal
                && slot.written == slot.id
                && slot.change.is_none()
                && !slot.is_respelled()
            {
                run = match run {
                    Some((first, end)) if end + 1 == from => Some((first, to)),
                    run => {
                        copy(run, out);
                        Some((from, to))
                    }
                };
                continue;
            }
            copy(run.take(), out);
            out.push(b',');
            if slot.id == MemberId::Custom {
                json_string(slot.name, out);
                out.push(b':');
            } else {
                out.extend_from_slice(slot.written.info().key.as_bytes());
            }
            match slot.now {
                Now::Integer(n) => {
                    if n >= 10 {
                        out.push(b'0' + n / 10);
                    }
                    out.push(b'0' + n % 10);
                }
                now => json_string(self.text_of(now), out),
            }
        }
        copy(run, out);
        // The comma before the first member.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
    }

    /// Tells the findings, now that the contact's fate is known.
    fn tell(&mut self, findings: &mut impl Findings) -> Verdict {
        let accepted = !self.rejected;
        let mut verdict = Verdict { accepted, held_back: false, changed: false };
        for waiting in &self.waiting {
            let Waiting { code, severity, mut outcome, field, value, detail } = *waiting;
            if !accepted {
                outcome = Outcome::Rejected;
            }
            verdict.held_back |= outcome == Outcome::HeldBack;
            let detail = match (&self.settings.custom_fields, code, field) {
                (Some(fields), Code::CUS003, Some(field)) => {
                    fields.similar(&field[3..]).map_or(detail, Detail::Similar)
                }
                _ => detail,
            };
            findings.take(&Finding { code, severity, outcome, field, value, to: To::None, detail });
        }
        if !accepted {
            return verdict;
        }
        for slot in &self.slots {
            let is_there = slot.now != Now::Gone;
            // That it moves up says more than what became of its value, which is in the line as well.
            let change = if is_there && slot.written != slot.id { Some(Code::ADR003) } else { slot.change };
            // No other line says that it is written under another name.
            let respelled = (is_there && slot.is_respelled()).then_some(Code::CON006);
            let to = match slot.now {
                Now::Gone => To::LeftOut,
                Now::Integer(n) => To::Integer(n),
                now => To::Text(self.text_of(now)),
            };
            for code in [change, respelled].into_iter().flatten() {
                verdict.changed = true;
                findings.take(&Finding {
                    code,
                    severity: Severity::Change,
                    outcome: Outcome::Changed,
                    field: Some(slot.name),
                    value: Raw::Value(slot.value),
                    to,
                    detail: Detail::None,
                });
            }
        }
        debug_assert!(self.waiting.iter().all(|w| rule(w.code).severity != Severity::Change));
        verdict
    }
}

/// What a rule found.
enum Found {
    Same,
    Changed(Code),
    Blank,
    Bad(Code, Detail<'static>),
}

fn cause(cause: Option<(&'static str, &'static str)>) -> Detail<'static> {
    cause.map_or(Detail::None, |(what, help)| Detail::Cause { what, help })
}

fn as_given(given: &str, id: MemberId) -> Detail<'static> {
    Detail::Length { chars: text::chars(given), limit: usize::from(id.info().limit) }
}

fn push_date(date: Date, buffer: &mut String) {
    use std::fmt::Write as _;
    let _ = write!(buffer, "{date}");
}

#[cfg(test)]
mod tests {
    use super::*;

    struct EnvelopeFinding(Vec<String>);
    impl Findings for EnvelopeFinding {
        fn take(&mut self, f: &Finding<'_>) {
            self.0.push(format!("{} {} {}", f.code, f.field.unwrap_or("-"), f.outcome.as_str()));
        }
    }

    fn judge(settings: &Settings, members: &[(&str, Value<'_>)]) -> (String, Vec<String>, Verdict) {
        let mut out = Vec::new();
        let mut told = EnvelopeFinding(Vec::new());
        let members = members.iter().map(|(name, value)| Member { name, value: *value, normal: None });
        let mut judge = Validator::new(settings, Buffers::default());
        let (verdict, _) = judge.contact(b"", members, None, &mut out, &mut told);
        (String::from_utf8(out).unwrap(), told.0, verdict)
    }

    use Value::{Integer, Null, String as Text};

    #[test]
    fn members_stay_in_their_order_and_change_as_told() {
        let (out, told, verdict) = judge(
            &Settings::default(),
            &[
                ("zip", Integer(60609)),
                ("email", Text("Joe@EXAMPLE.com")),
                ("first_name", Text(" Joe ")),
                ("last_name", Text("O\"Neil")),
                ("birthday_month", Text("07")),
                ("birthday_day", Integer(14)),
                ("city", Null),
                ("street2", Text("1 Elm St")),
                ("home country", Text("USA")),
            ],
        );
        assert_eq!(
            out,
            r#"{"zip":"60609","email":"Joe@example.com","first_name":"Joe","last_name":"O\"Neil","birthday_month":7,"birthday_day":14,"street":"1 Elm St"}"#
        );
        let expected = [
            "ADR001 home country held_back",
            "VAL002 zip changed",
            "EML005 email changed",
            "TXT002 first_name changed",
            "BDY004 birthday_month changed",
            "VAL003 city changed",
            "ADR003 street2 changed",
        ];
        assert_eq!(told, expected);
        assert!(verdict.accepted && verdict.held_back && verdict.changed);
    }

    #[test]
    fn a_rejected_contact_tells_all_its_faults_and_changes_nothing() {
        let (out, told, verdict) = judge(
            &Settings::default(),
            &[("email", Text("joe")), ("phone", Text("12")), ("zip", Integer(1)), ("sms_number", Text("5081231235"))],
        );
        assert_eq!(out, "");
        assert_eq!(told, ["EML001 email rejected", "PHN001 phone rejected"]);
        assert_eq!(verdict, Verdict::default());
    }

    #[test]
    fn identity() {
        let s = Settings::default();
        assert_eq!(judge(&s, &[]).1, ["CON002 - rejected"]);
        assert_eq!(judge(&s, &[("email", Text(" "))]).1, ["CON002 - rejected"]);
        assert!(judge(&s, &[("sms_number", Text("508-123-1235"))]).2.accepted);
        assert_eq!(judge(&s, &[("sms_number", Text("12"))]).1, ["SMS001 sms_number rejected"]);
        let good = ("email", Text("a@example.com"));
        assert_eq!(judge(&s, &[good, ("sms_number", Text("12"))]).1, ["SMS001 sms_number held_back"]);
        let explicit = Settings { sms_explicit: true, ..Settings::default() };
        assert_eq!(judge(&explicit, &[("sms_number", Text("508-123-1235"))]).1, ["SMS004 sms_number rejected"]);
        assert_eq!(
            judge(&explicit, &[good, ("sms_number", Text("508-123-1235")), ("sms_consent_date", Text("soon"))]).1,
            ["DAT001 sms_consent_date held_back", "SMS004 sms_number held_back"]
        );
    }

    #[test]
    fn three_phones_one_of_a_kind() {
        let s = Settings::default();
        let good = ("email", Text("a@example.com"));
        let (a, b) = (Text("508-123-1235"), Text("508-123-9999"));
        assert_eq!(judge(&s, &[good, ("other_phone", a), ("phone", a)]).1, ["PHN005 other_phone changed"]);
        assert_eq!(judge(&s, &[good, ("other_phone", b), ("phone", a)]).1, ["PHN006 other_phone held_back"]);
        let five = [good, ("other_phone", b), ("mobile_phone", b), ("work_phone", b), ("home_phone", b)];
        assert_eq!(judge(&s, &five).1, ["PHN007 other_phone held_back"]);
    }

    #[test]
    fn home_addresses() {
        let s = Settings::default();
        let good = ("email", Text("a@example.com"));
        let told = judge(&s, &[good, ("street2", Text("x")), ("home_street", Text("x"))]).1;
        assert_eq!(told, ["ADR003 street2 changed", "ADR002 home_street changed"]);
        let told = judge(&s, &[good, ("city", Text("x")), ("home_city", Text("y")), ("work_city", Text("z"))]).1;
        assert_eq!(told, ["ADR001 home_city held_back"]);
    }

    #[test]
    fn every_change_of_a_value_is_told() {
        let s = Settings::default();
        let good = ("email", Text("a@example.com"));
        let (out, told, _) = judge(&s, &[good, ("home country", Text(" USA "))]);
        assert!(out.ends_with(r#","home_country":"USA"}"#), "{out}");
        assert_eq!(told, ["TXT002 home country changed", "CON006 home country changed"]);
        assert_eq!(judge(&s, &[good, ("home country", Text(" "))]).1, ["VAL003 home country changed"]);
        assert_eq!(judge(&s, &[good, ("home country", Value::Bool(true))]).1, ["VAL001 home country held_back"]);
        let told = judge(&s, &[good, ("work_street2", Integer(5))]).1;
        assert_eq!(told, ["ADR003 work_street2 changed"]);
        let told = judge(&s, &[good, ("city", Text("x")), ("home_city", Text("x")), ("home country", Text("x"))]).1;
        assert_eq!(told, ["ADR001 home_city held_back", "ADR001 home country held_back"]);
    }

    #[test]
    fn a_second_line_does_not_become_a_street_that_was_held_back() {
        let s = Settings::default();
        let good = ("email", Text("a@example.com"));
        for first in [Value::Nested("[]"), Value::Bool(true), Value::Number("1e400"), Text(&"x".repeat(256))] {
            let (out, told, verdict) = judge(&s, &[good, ("street", first), ("street2", Text("Apt 4"))]);
            assert_eq!(out, r#"{"email":"a@example.com"}"#);
            assert!(told[1] == "ADR004 street2 held_back" && verdict.held_back, "{told:?}");
        }
        for first in [Null, Text(" \u{200b}")] {
            let (out, _, _) = judge(&s, &[good, ("street2", Text("Apt 4")), ("street", first)]);
            assert_eq!(out, r#"{"email":"a@example.com","street":"Apt 4"}"#);
        }
    }

    #[test]
    fn whole_numbers_written_as_floats() {
        let s = Settings::default();
        let good = ("email", Text("a@example.com"));
        let one = |name: &'static str, value: Value<'_>| {
            let (out, told, _) = judge(&s, &[good, (name, value)]);
            let out = out.trim_start_matches(r#"{"email":"a@example.com""#).trim_matches([',', '}']).to_owned();
            (out, told.join(", "))
        };
        let number = Value::Number;
        for (name, value, out, told) in [
            ("zip", number("2139.0"), r#""zip":"2139""#, "VAL006 zip changed"),
            ("zip", Text("2139.0"), r#""zip":"2139""#, "VAL006 zip changed"),
            ("work_zip", Text(" 2.139E3"), r#""work_zip":"2139""#, "VAL006 work_zip changed"),
            ("zip", number("6.18E+09"), "", "VAL004 zip held_back"),
            ("zip", Text("6.18E+09"), "", "VAL004 zip held_back"),
            ("zip", number("1e400"), "", "VAL004 zip held_back"),
            ("zip", Text("1E400"), "", "VAL004 zip held_back"),
            ("zip", number("9.5"), r#""zip":"9.5""#, "VAL002 zip changed"),
            ("zip", Text("9.5"), r#""zip":"9.5""#, ""),
            ("cf:n", number("2139.0"), r#""cf:n":"2139""#, "VAL006 cf:n changed"),
            ("cf:n", Text("2139.0"), r#""cf:n":"2139.0""#, ""),
            ("cf:n", number("1e3"), r#""cf:n":"1e3""#, "VAL005 cf:n kept, VAL002 cf:n changed"),
            ("cf:n", number("1e400"), "", "VAL004 cf:n held_back"),
            ("first_name", number("-1e400"), "", "VAL004 first_name held_back"),
            ("phone", number("6175550101.0"), r#""phone":"617-555-0101""#, "PHN004 phone changed"),
            ("phone", Text("6.175550101E+09"), r#""phone":"617-555-0101""#, "PHN004 phone changed"),
            ("phone", number("6.18E+09"), "", "PHN001 phone held_back"),
            ("phone", number("508.0000000"), "", "PHN001 phone held_back"),
            ("sms_number", number("6175550101.0"), r#""sms_number":"617-555-0101""#, "SMS008 sms_number changed"),
            ("sms_number", Text("6.18E+09"), "", "SMS001 sms_number held_back"),
            ("anniversary", number("1e400"), "", "DAT001 anniversary held_back"),
        ] {
            assert_eq!(one(name, value), (out.to_owned(), told.to_owned()), "{name} {value:?}");
        }
    }

    #[test]
    fn numbers_that_look_foreign_are_kept_with_a_warning() {
        let s = Settings::default();
        let good = ("email", Text("a@example.com"));
        let (a, zero) = (Text("508-123-1235"), Text("030-0074321"));
        let told = judge(&s, &[good, ("phone", zero)]).1;
        assert_eq!(told, ["PHN008 phone kept", "PHN004 phone changed"]);
        assert_eq!(judge(&s, &[good, ("sms_number", Text("030-007-4321"))]).1, ["PHN008 sms_number kept"]);
        for (country, foreign) in [("Germany", true), ("US", false), ("Canada", false), ("-", false), ("Uganda", true)]
        {
            for name in ["country", "home country", "work_country", "other_country"] {
                let told = judge(&s, &[good, (name, Text(country)), ("mobile_phone", a)]).1;
                assert_eq!(told.contains(&"PHN008 mobile_phone kept".to_owned()), foreign, "{country} {told:?}");
            }
        }
        // The country of the number's own kind decides, and without one any that is home.
        let both =
            [good, ("country", Text("US")), ("work_country", Text("DE")), ("work_phone", a), ("mobile_phone", a)];
        assert_eq!(judge(&s, &both).1, ["PHN008 work_phone kept"]);
        assert_eq!(judge(&s, &[good, ("country", Text("DE")), ("phone", Text("12"))]).1, ["PHN001 phone held_back"]);
    }

    #[test]
    fn one_custom_field_by_two_names() {
        let mut fields = custom::Fields::default();
        fields.add(["Shirt_Size", "Shirt Size"]);
        fields.add(["Tier"]);
        let s = Settings { custom_fields: Some(fields), ..Settings::default() };
        let good = ("email", Text("a@example.com"));
        let (size, label) = (("cf:Shirt_Size", Text("L")), ("cf:Shirt Size", Text("M")));
        assert_eq!(judge(&s, &[good, size, label]).1, ["CON003 cf:Shirt Size rejected"]);
        assert_eq!(judge(&s, &[good, label, ("cf:Tier", Null), size]).1[0], "CON003 cf:Shirt_Size rejected");
        assert!(judge(&s, &[good, label, ("cf:Tier", Text("x"))]).2.accepted);
        assert!(judge(&Settings::default(), &[good, size, label]).2.accepted);
        // However many there are.
        let names: Vec<String> = (0..100).map(|i| format!("cf:{i}")).collect();
        let mut many: Vec<(&str, Value<'_>)> = names.iter().map(|n| (n.as_str(), Text("x"))).collect();
        many.extend([size, good, label]);
        assert!(judge(&s, &many).1.contains(&"CON003 cf:Shirt Size rejected".to_owned()));
    }

    #[test]
    fn names_given_twice() {
        let s = Settings::default();
        let good = ("email", Text("a@example.com"));
        assert_eq!(judge(&s, &[good, good]).1, ["CON003 email rejected"]);
        assert_eq!(
            judge(&s, &[good, ("home country", Text("x")), ("home_country", Null)]).1[0],
            "CON003 home_country rejected"
        );
        let names: Vec<String> = (0..10_000).map(|i| format!("cf:{i}")).collect();
        let mut many: Vec<(&str, Value<'_>)> = names.iter().map(|n| (n.as_str(), Text("x"))).collect();
        many.push(good);
        let (out, told, verdict) = judge(&s, &many);
        assert!(verdict.accepted && out.matches("cf:").count() == 25 && told.len() == 10_000 - 25);
        many.push(("cf:9000", Text("y")));
        assert_eq!(judge(&s, &many).1[0], "CON003 cf:9000 rejected");
    }

    #[test]
    fn recycled_vectors_keep_their_room() {
        let used: Vec<Slot<'_>> = Vec::with_capacity(100);
        let (pointer, room) = (used.as_ptr() as usize, used.capacity());
        let again: Vec<Slot<'static>> = recycle(used);
        assert_eq!((again.as_ptr() as usize, again.capacity()), (pointer, room));
    }

    #[test]
    fn strings_are_json() {
        for text in ["", "a\"b\\c", "\u{0}\u{1f}\n\r\t\u{7f}é😀"] {
            let mut out = Vec::new();
            json_string(text, &mut out);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
