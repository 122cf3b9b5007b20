//! Values that software has damaged: what is undone before a member's own rule sees the value, and what the rules say of the rest.

use super::{Output, Slot, Validator};
use crate::model::finding::{Code, Detail, Outcome, Raw, Severity};
use crate::model::member::{Family, MemberId, Value};
use crate::rules::damaged::{self, Extended};
use crate::rules::date::{self, OrderClue};
use crate::rules::{ValueCheck, address, birthday, phone, text};
use std::borrow::Cow;

/// What dates tell about the order of their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DateClues {
    /// Dates that are dates with the day first only.
    pub day_first: u64,
    /// Dates that are dates with the month first only.
    pub month_first: u64,
    /// Dates that are another day in either order.
    pub ambiguous: u64,
}

/// A value before the rule of its member sees it.
pub(super) enum Repaired<'t> {
    /// This is the value; the code says what was undone, if anything was.
    As(Cow<'t, str>, Option<Code>),
    /// It is left out by the rule of this code.
    LeftOut(Code),
    /// It is no value.
    Bad(Detail<'static>),
}

/// Further values of a cell that are looked at one by one.
const OTHERS_MAX: usize = 16;

impl<'a> Validator<'a, '_> {
    /// Undoes what can be undone to a value.
    #[inline]
    pub(super) fn repair<'t>(&self, given: &'t str) -> Repaired<'t> {
        let nulls = &self.settings.null_texts;
        // Most values begin with a letter or a digit that none of these begins with. White space in front may hide one.
        let may_be_damaged = !matches!(
            given.as_bytes(),
            [b'0'..=b'9' | b'A'..=b'M' | b'O'..=b'Z' | b'a'..=b't' | b'v'..=b'z', ..] | []
        );
        if nulls.is_empty() && !may_be_damaged {
            return Repaired::As(Cow::Borrowed(given), None);
        }
        let (value, code) = match damaged::unguarded(given) {
            Some(value) => (value, Some(Code::VAL007)),
            None => (Cow::Borrowed(given), None),
        };
        let trimmed = text::trim(&value);
        if nulls.iter().any(|null| null == trimmed) && !trimmed.is_empty() {
            return Repaired::LeftOut(Code::VAL010);
        }
        match damaged::placeholder(&value) {
            Some(detail) => Repaired::Bad(detail),
            None => Repaired::As(value, code),
        }
    }

    /// Checks half a birthday.
    pub(super) fn birthday_half(&mut self, i: usize) {
        let Slot { id, value, .. } = self.slots[i];
        let max = if id == MemberId::BirthdayMonth { 12 } else { 31 };
        let (inner, code) = match value {
            Value::Nested(json) => match damaged::extended(json) {
                Some(Extended::Nothing) => return self.leave_out(i, Code::VAL018),
                Some(Extended::Text(text) | Extended::Number(text)) => (Some(Cow::Owned(text)), Some(Code::VAL018)),
                None => (None, None),
            },
            Value::String(text) => match self.repair(text) {
                Repaired::As(text, code) => (Some(text), code),
                Repaired::LeftOut(code) => return self.leave_out(i, code),
                Repaired::Bad(detail) => return self.hold_back(i, Code::VAL008, detail),
            },
            _ => (None, None),
        };
        let value = inner.as_deref().map_or(value, Value::String);
        match birthday::parse(&value, max) {
            birthday::Half::Number(n, same) => {
                self.slots[i].output = Output::Integer(n);
                self.slots[i].change = code.or((!same).then_some(Code::BDY004));
            }
            birthday::Half::Blank => self.leave_out(i, Code::VAL003),
            birthday::Half::Bad => {
                let is_null = matches!(value, Value::String(text) if damaged::is_null_word(text));
                self.hold_back(i, Code::BDY001, if is_null { damaged::NULL_WORD } else { Detail::None });
            }
        }
    }

    /// Takes the first of several values in slot `i`, and sees to the others. None if there is but one.
    pub(super) fn first_of_several(&mut self, i: usize, family: Family) -> Option<&'a str> {
        let Slot { name, value: Value::String(value), .. } = self.slots[i] else { return None };
        let (first, rest) = damaged::joined(value)?;
        if family == Family::Phone {
            self.further_phones.push((i, rest));
        } else if damaged::others(rest).any(|other| !other.eq_ignore_ascii_case(first)) {
            self.hold_further(name, text::trim(rest));
        }
        Some(first)
    }

    /// Holds further values of a member back. The first of them stays.
    fn hold_further(&mut self, name: &'a str, value: &'a str) {
        let outcome = self.bad_outcome();
        self.rejected |= outcome == Outcome::Rejected;
        let value = Raw::Value(Value::String(value));
        self.push(Code::VAL017, Severity::Error, outcome, Some(name), value, Detail::None);
    }

    /// Gives further phone numbers to kinds that are free.
    #[inline]
    pub(in crate::clean) fn place_further_phones(&mut self) {
        if !self.further_phones.is_empty() {
            self.place_them();
        }
    }

    #[cold]
    fn place_them(&mut self) {
        for (i, mut rest) in std::mem::take(&mut self.further_phones) {
            let name = self.slots[i].name;
            for _ in 0..OTHERS_MAX {
                let Some(number) = damaged::others(rest).next() else { break };
                let at = number.as_ptr() as usize - rest.as_ptr() as usize + number.len();
                rest = &rest[at..];
                if !self.place_phone(name, number) {
                    self.hold_further(name, number);
                }
            }
            if damaged::others(rest).next().is_some() {
                self.hold_further(name, text::trim(rest));
            }
        }
    }

    /// Gives a number to a free kind of phone. False if it is no number, or no kind is free.
    fn place_phone(&mut self, name: &'a str, number: &'a str) -> bool {
        use MemberId::{HomePhone, MobilePhone, OtherPhone, Phone, WorkPhone};
        let mut buffer = std::mem::take(&mut self.buffer);
        let checked = phone::check(number, self.settings, &mut buffer);
        self.buffer = buffer;
        match checked {
            ValueCheck::Changed(_) => {}
            ValueCheck::Same => number.clone_into(&mut self.buffer),
            _ => return false,
        }
        let all = [Phone, OtherPhone, HomePhone, WorkPhone, MobilePhone];
        let present: Vec<usize> = all.into_iter().filter_map(|id| self.present(id)).collect();
        if present.iter().any(|i| self.text_of(self.slots[*i].output) == self.buffer) {
            return true;
        }
        if present.len() >= 3 {
            return false;
        }
        // A member that is given but was held back is not free: its own finding names it.
        let is_free = |id| self.slot(id).is_none();
        let free = [HomePhone, WorkPhone, MobilePhone].into_iter().find(|id| is_free(*id));
        let free = free.or_else(|| Some(Phone).filter(|_| is_free(Phone) && is_free(OtherPhone)));
        let Some(id) = free else { return false };
        let i = self.slots.len();
        let value = Value::String(number);
        self.slots.push(Slot { id, written_as: id, name, value, output: Output::Nothing, change: None, normal: None });
        self.given |= id.bit();
        self.at[id as usize] = i as u32;
        self.make(i, Code::VAL016);
        true
    }

    /// What the rules say of a value beside the answer of its member's own rule.
    pub(super) fn remark(&mut self, i: usize, family: Family, given: &str, checked: ValueCheck) -> ValueCheck {
        match (family, checked) {
            (Family::Text | Family::Address | Family::Custom, ValueCheck::Same | ValueCheck::Changed(_)) => {
                if damaged::is_null_word(given) {
                    self.keep_with_warning(i, Code::VAL009, Detail::None);
                } else {
                    damaged::damages(given, |code| self.keep_with_warning(i, code, Detail::None));
                }
                checked
            }
            (Family::Date | Family::Consent, ValueCheck::Same) => checked,
            (Family::Date | Family::Consent, checked) => {
                self.clues.add(date::order_clue(given));
                match checked {
                    ValueCheck::Bad(code, _) if damaged::is_null_word(given) => {
                        ValueCheck::Bad(code, damaged::NULL_WORD)
                    }
                    checked => checked,
                }
            }
            (_, ValueCheck::Bad(code, _)) if damaged::is_null_word(given) => ValueCheck::Bad(code, damaged::NULL_WORD),
            _ => checked,
        }
    }

    /// Warns of ZIP codes that have lost zeros, or restores them.
    pub(in crate::clean) fn short_zips(&mut self) {
        use MemberId::{
            Country, HomeCountry, HomeState, HomeZip, OtherCountry, OtherState, OtherZip, State, WorkCountry,
            WorkState, WorkZip, Zip,
        };
        for (zip, state, country) in [
            (Zip, State, Country),
            (HomeZip, HomeState, HomeCountry),
            (WorkZip, WorkState, WorkCountry),
            (OtherZip, OtherState, OtherCountry),
        ] {
            let Some(i) = self.present(zip) else { continue };
            let text = self.text_of(self.slots[i].output);
            if !address::is_short_zip(text) {
                continue;
            }
            let country = self.present(country).map(|i| self.text_of(self.slots[i].output));
            if !country.is_none_or(address::has_zips) {
                continue;
            }
            let state = self.present(state).map(|i| self.text_of(self.slots[i].output));
            if self.settings.fix_zip && state.is_none_or(address::is_us_state) {
                let digits = text.find('-').unwrap_or(text.len());
                let fixed = format!("{}{text}", &"00000"[digits..]);
                self.buffer = fixed;
                self.make(i, Code::ADR006);
            } else {
                self.keep_with_warning(i, Code::ADR005, Detail::None);
            }
        }
    }
}

impl DateClues {
    pub(super) fn add(&mut self, clue: Option<OrderClue>) {
        match clue {
            Some(OrderClue::DayFirst) => self.day_first += 1,
            Some(OrderClue::MonthFirst) => self.month_first += 1,
            Some(OrderClue::Ambiguous) => self.ambiguous += 1,
            None => {}
        }
    }

    /// These and `other`, each number by `by`.
    pub(in crate::clean) fn combine(&mut self, other: &DateClues, by: fn(u64, u64) -> u64) {
        self.day_first = by(self.day_first, other.day_first);
        self.month_first = by(self.month_first, other.month_first);
        self.ambiguous = by(self.ambiguous, other.ambiguous);
    }
}
