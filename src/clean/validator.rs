//! The rules applied to one contact: its members in, cleaned bytes and findings out.
//!
//! Each member is checked by itself first, in the order given. Then come the cross-field rules. Findings are
//! held until the contact is accepted or rejected, because all findings of a rejected contact say `rejected`, and none of
//! its values is reported as changed.

mod output;
mod permission;

use crate::clean::note;
use crate::json::parse::recycle;
use crate::model::finding::{Code, Detail, Finding, Outcome, Raw, Severity};
use crate::model::identity::Identity;
use crate::model::member::{Family, HOME_COUNTRY_SPACED, Member, MemberId, Value, hint};
use crate::rules::{
    BadField, Settings, ValueCheck, address, custom,
    damaged::{self, Extended},
    date, email,
    number::{self, Float},
    phone, sms, text,
};
use permission::PermissionNames;
use std::collections::HashSet;
use std::io::Write as _;

mod damaged_values;

pub use damaged_values::DateClues;
use damaged_values::Repaired;

/// What is written for a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Output<'a> {
    /// Nothing.
    Nothing,
    /// The text as it was given.
    Given(&'a str),
    /// A range of the validator's buffer.
    Buffered(u32, u32),
    /// A whole number.
    Integer(u8),
}

/// A member on its way through the rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<'a> {
    pub(super) id: MemberId,
    /// The member as which it is written; usually the same.
    pub(super) written_as: MemberId,
    pub(super) name: &'a str,
    pub(super) value: Value<'a>,
    pub(super) output: Output<'a>,
    /// The change made to it, if any.
    pub(super) change: Option<Code>,
    /// Where the contact's bytes have the member as it is to be written, if they do.
    normal: Option<(u32, u32)>,
}

impl Slot<'_> {
    /// Whether it is `home country`, with the schema's space.
    fn is_respelled(&self) -> bool {
        self.id == MemberId::HomeCountry && self.name == HOME_COUNTRY_SPACED
    }
}

/// A finding of a contact that is not accepted or rejected yet.
#[derive(Debug, Clone, Copy)]
struct PendingFinding<'a> {
    code: Code,
    severity: Severity,
    outcome: Outcome,
    field: Option<&'a str>,
    value: Raw<'a>,
    detail: Detail<'a>,
}

/// What is known of a contact before the rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// The rule.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What becomes of it.
    pub outcome: Outcome,
    /// The member or the column.
    pub field: Option<&'a str>,
    /// The value of the cell.
    pub value: &'a str,
    /// What it was changed to.
    pub to: Option<&'a str>,
}

/// The result for a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdict {
    /// It is in the output.
    pub accepted: bool,
    /// It is rejected, and the person opted out.
    pub opted_out: bool,
    /// Some value of it was held back.
    pub held_back: bool,
    /// Some value of it was changed.
    pub changed: bool,
    /// An earlier run rejected it: it has a [note](crate::clean::note).
    pub returned: bool,
    /// What its dates tell about the order of their parts.
    pub clues: DateClues,
}

/// A receiver of findings.
pub trait Findings {
    /// Takes one finding of the current contact.
    fn take(&mut self, finding: &Finding<'_>);

    /// The same, with what the finding does by itself: all findings of a rejected contact say that it is rejected.
    #[inline]
    fn take_own(&mut self, finding: &Finding<'_>, own: Outcome) {
        let _ = own;
        self.take(finding);
    }
}

/// The buffers of a [`Validator`], kept between one and the next so that checking allocates nothing.
#[derive(Debug, Default)]
pub struct Buffers {
    slots: Vec<Slot<'static>>,
    pending: Vec<PendingFinding<'static>>,
    changes: Vec<Note<'static>>,
    others: Vec<OtherName<'static>>,
    permissions: PermissionNames,
    made: String,
    buffer: String,
}

/// The rules with their settings and buffers. `'a` is the lifetime of parsed values.
pub struct Validator<'a, 's> {
    pub(super) settings: &'s Settings,
    pub(super) slots: Vec<Slot<'a>>,
    pending: Vec<PendingFinding<'a>>,
    /// Changes that were made before.
    changes: Vec<Note<'a>>,
    /// The known members that are given: a bit each, by [`MemberId`].
    pub(super) given: u64,
    /// Slot of each of them.
    at: [u32; MemberId::Custom as usize],
    /// Changed values, one after the other.
    made: String,
    /// The output of one rule.
    buffer: String,
    /// Names of members outside the table, once there are many.
    names: HashSet<OtherName<'a>>,
    others: Vec<OtherName<'a>>,
    permissions: PermissionNames,
    pub(super) rejected: bool,
    /// Some contact had a custom field.
    any_custom: bool,
    /// The contact has a note.
    returned: bool,
    /// What its dates tell.
    clues: DateClues,
    /// Phone numbers behind the first one of a value: the slot of the first, and the others.
    further_phones: Vec<(usize, &'a str)>,
}

/// What identifies a member outside the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum OtherName<'a> {
    /// Its name.
    Name(&'a str),
    /// The account's custom field that has this name.
    Field(u32),
}

/// Above this number, names are compared by hashing. Real contacts have fewer.
const FEW: usize = 32;

impl<'a, 's> Validator<'a, 's> {
    /// A validator with these settings that reuses buffers.
    #[must_use]
    pub fn new(settings: &'s Settings, buffers: Buffers) -> Self {
        Validator {
            settings,
            slots: recycle(buffers.slots),
            pending: recycle(buffers.pending),
            changes: recycle(buffers.changes),
            given: 0,
            at: [0; MemberId::Custom as usize],
            made: buffers.made,
            buffer: buffers.buffer,
            names: HashSet::new(),
            others: recycle(buffers.others),
            permissions: buffers.permissions,
            rejected: false,
            any_custom: false,
            returned: false,
            clues: DateClues::default(),
            further_phones: Vec::new(),
        }
    }

    /// For contacts whose names were mapped: what a name says about permission is known from the mapping.
    #[must_use]
    pub fn mapped(mut self, is_mapped: bool) -> Self {
        self.permissions.set_known(is_mapped);
        self
    }

    /// Whether any checked contact had a custom field.
    #[must_use]
    pub fn any_custom(&self) -> bool {
        self.any_custom
    }

    /// Returns the buffers.
    #[must_use]
    pub fn into_buffers(self) -> Buffers {
        Buffers {
            slots: recycle(self.slots),
            pending: recycle(self.pending),
            changes: recycle(self.changes),
            others: recycle(self.others),
            permissions: self.permissions,
            made: self.made,
            buffer: self.buffer,
        }
    }

    /// Checks a contact. `bytes` are used only for [normal](Member::normal) members. `duplicate_of` rejects the contact as a
    /// duplicate. Appends the cleaned contact to `out`, or nothing if it is rejected, and reports its findings.
    pub fn contact(
        &mut self,
        bytes: &[u8],
        members: impl Iterator<Item = Member<'a>>,
        duplicate_of: Option<Detail<'a>>,
        out: &mut Vec<u8>,
        findings: &mut impl Findings,
    ) -> (Verdict, Option<Identity>) {
        self.noted_contact(std::iter::empty(), bytes, members, duplicate_of, out, findings)
    }

    /// The same for a contact of which `notes` are known already.
    #[inline]
    pub fn noted_contact(
        &mut self,
        notes: impl Iterator<Item = Note<'a>>,
        bytes: &[u8],
        members: impl Iterator<Item = Member<'a>>,
        duplicate_of: Option<Detail<'a>>,
        out: &mut Vec<u8>,
        findings: &mut impl Findings,
    ) -> (Verdict, Option<Identity>) {
        self.clear();
        self.take_notes(notes);
        for member in members {
            self.member(member);
        }
        // A record without a contact has its own finding.
        let has_none = |code| matches!(code, Code::MAP010 | Code::TAB001 | Code::TAB002 | Code::TAB003 | Code::TAB004);
        if self.pending.first().is_none_or(|finding| !has_none(finding.code)) {
            self.check_cross_field();
        }
        if let Some(list) = &self.settings.suppressed
            && let Some(i) = self.present(MemberId::Email)
            && list.contains(self.text_of(self.slots[i].output))
        {
            let Slot { name, value, .. } = self.slots[i];
            self.rejected = true;
            self.push(Code::OPT004, Severity::Error, Outcome::Rejected, Some(name), Raw::Value(value), Detail::None);
        }
        if let Some(detail) = duplicate_of {
            self.push(Code::DUP001, Severity::Error, Outcome::Rejected, None, Raw::Nothing, detail);
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
        (self.report(findings), identity)
    }

    fn take_notes(&mut self, notes: impl Iterator<Item = Note<'a>>) {
        for note in notes {
            // Birthdays are read from dates before they get here.
            if matches!(note.code, Code::MAP002 | Code::MAP006) {
                self.clues.add(date::order_clue(note.value));
            }
            if note.severity == Severity::Change {
                self.changes.push(note);
                continue;
            }
            let outcome = if note.outcome == Outcome::HeldBack { self.bad_outcome() } else { note.outcome };
            self.rejected |= outcome == Outcome::Rejected;
            let value = Raw::Value(Value::String(note.value));
            self.push(note.code, note.severity, outcome, note.field, value, Detail::None);
        }
    }

    /// The outcome of an optional value that breaks its rule.
    fn bad_outcome(&self) -> Outcome {
        match self.settings.bad_field {
            BadField::Hold => Outcome::HeldBack,
            BadField::Reject => Outcome::Rejected,
        }
    }

    fn clear(&mut self) {
        self.given = 0;
        self.slots.clear();
        self.pending.clear();
        self.changes.clear();
        self.made.clear();
        self.names.clear();
        self.others.clear();
        self.rejected = false;
        self.returned = false;
        self.clues = DateClues::default();
        self.further_phones.clear();
    }

    pub(super) fn push(
        &mut self,
        code: Code,
        severity: Severity,
        outcome: Outcome,
        field: Option<&'a str>,
        value: Raw<'a>,
        detail: Detail<'a>,
    ) {
        self.pending.push(PendingFinding { code, severity, outcome, field, value, detail });
    }

    /// Rejects the contact for a fault of the whole.
    pub(super) fn reject_contact(&mut self, code: Code, detail: Detail<'a>) {
        self.rejected = true;
        self.push(code, Severity::Error, Outcome::Rejected, None, Raw::Nothing, detail);
    }

    /// Holds the value in slot `i` back, or rejects the contact for it.
    pub(super) fn hold_back(&mut self, i: usize, code: Code, detail: Detail<'a>) {
        let slot = &mut self.slots[i];
        slot.output = Output::Nothing;
        slot.change = None;
        let (field, value) = (Some(slot.name), Raw::Value(slot.value));
        let outcome = if slot.id == MemberId::Email { Outcome::Rejected } else { self.bad_outcome() };
        self.rejected |= outcome == Outcome::Rejected;
        self.push(code, Severity::Error, outcome, field, value, detail);
    }

    /// Leaves out the value in slot `i`, which says nothing, or nothing new. This counts as a change.
    pub(super) fn leave_out(&mut self, i: usize, code: Code) {
        self.slots[i].output = Output::Nothing;
        self.slots[i].change = Some(code);
    }

    /// Puts the output of a rule into slot `i`.
    fn make(&mut self, i: usize, code: Code) {
        let start = self.made.len() as u32;
        self.made.push_str(&self.buffer);
        self.slots[i].output = Output::Buffered(start, self.made.len() as u32);
        self.slots[i].change = Some(code);
    }

    pub(super) fn text_of(&self, output: Output<'a>) -> &str {
        match output {
            Output::Given(text) => text,
            Output::Buffered(start, end) => &self.made[start as usize..end as usize],
            Output::Nothing | Output::Integer(_) => "",
        }
    }

    /// Slot of a given member.
    pub(super) fn slot(&self, id: MemberId) -> Option<usize> {
        (self.given & id.bit() != 0).then(|| self.at[id as usize] as usize)
    }

    /// Slot of a given member that has output.
    pub(super) fn present(&self, id: MemberId) -> Option<usize> {
        self.slot(id).filter(|i| self.slots[*i].output != Output::Nothing)
    }

    /// Checks one member by itself. Most are normal, so what they need is compiled into the loop over them.
    #[inline(always)]
    fn member(&mut self, member: Member<'a>) {
        let Member { name, value, normal } = member;
        let id = MemberId::of(name);
        let i = self.slots.len();
        let output = match (normal, value) {
            (Some(_), Value::String(text)) => Output::Given(text),
            _ => Output::Nothing,
        };
        self.slots.push(Slot { id, written_as: id, name, value, output, change: None, normal });
        if self.is_repeat(id, name, i) {
            self.reject_repeat(i);
        } else if output == Output::Nothing {
            self.check_member(i);
        }
    }

    /// Rejects the contact for the member in slot `i`, which it has already.
    #[cold]
    fn reject_repeat(&mut self, i: usize) {
        let Slot { name, value, .. } = self.slots[i];
        self.slots[i].output = Output::Nothing;
        self.rejected = true;
        self.push(Code::CON003, Severity::Error, Outcome::Rejected, Some(name), Raw::Value(value), Detail::None);
    }

    /// Checks the member in slot `i` by the rules.
    #[inline(never)]
    fn check_member(&mut self, i: usize) {
        let Slot { id, name, value, .. } = self.slots[i];
        match id.info().family {
            Family::Birthday => self.birthday_half(i),
            Family::Unknown if name == note::NAME && self.is_note(value) => {}
            Family::Unknown if self.settings.key.as_deref() == Some(name) => {}
            Family::Unknown => {
                if self.asks_permission() && self.check_permission(i) {
                    return;
                }
                let detail = hint(name).map_or(Detail::None, Detail::Hint);
                self.push(Code::CON004, Severity::Warning, Outcome::HeldBack, Some(name), Raw::Value(value), detail);
            }
            Family::Custom => {
                if self.asks_permission() {
                    self.check_permission(i);
                }
                self.text_member(i);
            }
            _ => self.text_member(i),
        }
    }

    /// Whether the contact has a member of this name already.
    #[inline(always)]
    fn is_repeat(&mut self, id: MemberId, name: &'a str, i: usize) -> bool {
        if id < MemberId::Custom {
            let is_repeat = self.given & id.bit() != 0;
            if !is_repeat {
                self.given |= id.bit();
                self.at[id as usize] = i as u32;
            }
            return is_repeat;
        }
        self.is_other_repeat(id, name)
    }

    /// The same for a name outside the table.
    #[inline(never)]
    fn is_other_repeat(&mut self, id: MemberId, name: &'a str) -> bool {
        self.any_custom |= id == MemberId::Custom;
        let field = match (&self.settings.custom_fields, id) {
            (Some(fields), MemberId::Custom) => fields.find(&name[3..]),
            _ => None,
        };
        let name = field.map_or(OtherName::Name(name), OtherName::Field);
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

    /// Whether a value is the note in a contact that an earlier run rejected.
    #[cold]
    fn is_note(&mut self, value: Value<'a>) -> bool {
        let Value::Nested(json) = value else { return false };
        let input = note::input_of(json);
        self.returned |=
            input.as_ref().is_some_and(|input| self.settings.earlier_inputs.iter().any(|name| name == input));
        input.is_some()
    }

    /// A member whose value is text of some kind.
    fn text_member(&mut self, i: usize) {
        let Slot { id, value, .. } = self.slots[i];
        match value {
            Value::String(text) => match self.first_of_several(i, id.info().family) {
                Some(first) => self.text_value(i, first, Some(Code::VAL016)),
                None => self.text_value(i, text, None),
            },
            Value::Null => self.leave_out(i, Code::VAL003),
            Value::Number(text) => self.number_value(i, text, Code::VAL002),
            Value::Integer(n) => {
                let mut digits = [0u8; 20];
                let len = {
                    let mut rest = &mut digits[..];
                    let _ = write!(rest, "{n}");
                    20 - rest.len()
                };
                self.text_value(i, std::str::from_utf8(&digits[..len]).unwrap_or_default(), Some(Code::VAL002));
            }
            Value::Nested(json) => match damaged::extended(json) {
                Some(Extended::Text(text)) => self.text_value(i, &text, Some(Code::VAL018)),
                Some(Extended::Number(text)) => self.number_value(i, &text, Code::VAL018),
                Some(Extended::Nothing) => self.leave_out(i, Code::VAL018),
                None => self.hold_other_type(i),
            },
            Value::Bool(_) => self.hold_other_type(i),
        }
    }

    /// Holds back a value that has no text.
    fn hold_other_type(&mut self, i: usize) {
        let Slot { id, value, .. } = self.slots[i];
        let code = if id.info().family == Family::Email { Code::EML007 } else { Code::VAL001 };
        self.hold_back(i, code, Detail::Is(value.kind().name()));
    }

    /// A number that is not just digits, where text is wanted; `code` says how it became text.
    fn number_value(&mut self, i: usize, text: &str, code: Code) {
        let id = self.slots[i].id;
        let is_text = matches!(id.info().family, Family::Text | Family::Address | Family::Custom);
        let mut whole = String::new();
        match number::read(text, &mut whole) {
            Float::Whole => {
                let code = if code == Code::VAL002 { Code::VAL006 } else { code };
                return self.text_value(i, &whole, Some(code));
            }
            Float::Infinite if is_text => return self.hold_back(i, Code::VAL004, Detail::None),
            Float::Shortened if is_text && !id.is_zip() => self.keep_with_warning(i, Code::VAL005, Detail::None),
            _ => {}
        }
        self.text_value(i, text, Some(code));
    }

    /// Checks the text of the value in slot `i`; `code` says how it became that, unless it was.
    fn text_value(&mut self, i: usize, given: &str, code: Option<Code>) {
        let Slot { id, name, value, .. } = self.slots[i];
        let family = id.info().family;
        let (given, undone) = match self.repair(given) {
            Repaired::As(given, undone) => (given, undone),
            Repaired::LeftOut(code) => return self.leave_out(i, code),
            Repaired::Bad(detail) => return self.hold_back(i, Code::VAL008, detail),
        };
        // The form that a rule gives to a number's digits says more than that it was a number.
        let undone = undone.or(code.filter(|code| !matches!(code, Code::VAL002 | Code::VAL006)));
        let mut buffer = std::mem::take(&mut self.buffer);
        let checked = self.check(id, name, family, &given, &mut buffer);
        self.buffer = buffer;
        match self.remark(i, family, &given, checked) {
            ValueCheck::Same => match (undone.or(code), value) {
                // An unchanged string is borrowed; anything else must be copied.
                (None, Value::String(text)) => self.slots[i].output = Output::Given(text),
                (code, _) => {
                    self.buffer.clear();
                    self.buffer.push_str(&given);
                    self.make(i, code.unwrap_or(Code::VAL002));
                }
            },
            // What a cut loses matters more.
            ValueCheck::Changed(Code::TXT003) => self.make(i, Code::TXT003),
            ValueCheck::Changed(code) => self.make(i, undone.unwrap_or(code)),
            ValueCheck::Blank => self.leave_out(i, Code::VAL003),
            ValueCheck::Absent(code) => self.leave_out(i, code),
            ValueCheck::Bad(code, detail) => self.hold_back(i, code, detail),
        }
    }

    /// Applies the rule of a member's family to the text of its value.
    #[inline]
    fn check(&self, id: MemberId, name: &str, family: Family, given: &str, buffer: &mut String) -> ValueCheck {
        let settings = self.settings;
        match family {
            Family::Email => email::check(given, settings, buffer),
            Family::Phone => phone::check(given, settings, buffer),
            Family::Sms => sms::check_number(given, id, settings, buffer),
            Family::Consent => sms::check_consent(given, id, settings, buffer),
            Family::Date => date::check(given, settings.date_order, buffer),
            Family::Text => text::check(given, id, settings, buffer),
            Family::Address => address::check(given, id, settings, buffer),
            Family::Custom => custom::check(&name[3..], given, settings, buffer),
            Family::Birthday | Family::Unknown => ValueCheck::Blank,
        }
    }

    /// Keeps the value in slot `i` and adds a warning.
    pub(super) fn keep_with_warning(&mut self, i: usize, code: Code, detail: Detail<'a>) {
        let Slot { name, value, .. } = self.slots[i];
        self.push(code, Severity::Warning, Outcome::Kept, Some(name), Raw::Value(value), detail);
    }
}

#[cfg(test)]
mod tests;
