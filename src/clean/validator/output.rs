//! What the validator makes of a contact in the end: its identity, its JSON, its findings.

use super::{Findings, Output, PendingFinding, Validator, Verdict};
use crate::json::write::{close_object, json_string};
use crate::model::finding::{Code, Detail, Finding, Outcome, Raw, Severity, To};
use crate::model::identity::Identity;
use crate::model::member::{MemberId, Value};
use crate::rules::rule;

impl<'a> Validator<'a, '_> {
    pub(super) fn identity(&self) -> Option<Identity> {
        let (is_email, text) = match (self.present(MemberId::Email), self.present(MemberId::SmsNumber)) {
            (Some(i), _) => (true, self.text_of(self.slots[i].output)),
            (None, Some(i)) => (false, self.text_of(self.slots[i].output)),
            (None, None) => return None,
        };
        // The longest address there can be is 64 + 1 + 253 bytes.
        let mut room = [0u8; 320];
        let lower = room[..319].get_mut(..text.len())?;
        lower.copy_from_slice(text.as_bytes());
        lower.make_ascii_lowercase();
        Some(self.settings.identity_key.identity(is_email, &room, text.len()))
    }

    /// Writes the contact as compact JSON. Members that `bytes` have as they are to be written are copied, neighbours at once.
    pub(super) fn write(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let mut run: Option<(u32, u32)> = None;
        let copy = |run: Option<(u32, u32)>, out: &mut Vec<u8>| {
            if let Some((from, to)) = run {
                out.push(b',');
                out.extend_from_slice(&bytes[from as usize..to as usize]);
            }
        };
        for slot in &self.slots {
            if slot.output == Output::Nothing {
                continue;
            }
            if let Some((from, to)) = slot.normal
                && slot.written_as == slot.id
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
                out.extend_from_slice(slot.written_as.info().key.as_bytes());
            }
            match slot.output {
                Output::Integer(n) => {
                    if n >= 10 {
                        out.push(b'0' + n / 10);
                    }
                    out.push(b'0' + n % 10);
                }
                output => json_string(self.text_of(output), out),
            }
        }
        copy(run, out);
        close_object(out, start);
    }

    /// Reports the findings, now that the contact is accepted or rejected.
    pub(super) fn report(&mut self, findings: &mut impl Findings) -> Verdict {
        let accepted = !self.rejected;
        let mut verdict = Verdict { accepted, returned: self.returned, clues: self.clues, ..Verdict::default() };
        for pending in &self.pending {
            let PendingFinding { code, severity, mut outcome, field, value, detail } = *pending;
            if !accepted {
                outcome = Outcome::Rejected;
            }
            verdict.held_back |= outcome == Outcome::HeldBack;
            // A value that is neither yes nor no (OPT002) is a mistake to fix.
            verdict.opted_out |= !accepted && matches!(code, Code::OPT001 | Code::OPT004);
            let detail = match (&self.settings.custom_fields, code, field) {
                (Some(fields), Code::CUS003, Some(field)) => {
                    fields.similar(&field[3..]).map_or(detail, Detail::Similar)
                }
                _ => detail,
            };
            let finding = Finding { code, severity, outcome, field, value, to: To::None, detail };
            findings.take_own(&finding, pending.outcome);
        }
        if !accepted {
            return verdict;
        }
        for change in &self.changes {
            verdict.changed = true;
            findings.take(&Finding {
                code: change.code,
                severity: Severity::Change,
                outcome: Outcome::Changed,
                field: change.field,
                value: Raw::Value(Value::String(change.value)),
                to: change.to.map_or(To::None, To::Text),
                detail: Detail::None,
            });
        }
        for slot in &self.slots {
            // Most values are as they were given.
            if slot.change.is_none() && slot.written_as == slot.id && !slot.is_respelled() {
                continue;
            }
            let is_there = slot.output != Output::Nothing;
            // Moving up is the more important change; the new value is in the line as well.
            let change = if is_there && slot.written_as != slot.id { Some(Code::ADR003) } else { slot.change };
            // The other change does not say that it is written under another name.
            let respelled = (is_there && slot.is_respelled()).then_some(Code::CON006);
            let to = match slot.output {
                Output::Nothing => To::LeftOut,
                Output::Integer(n) => To::Integer(n),
                output => To::Text(self.text_of(output)),
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
        debug_assert!(self.pending.iter().all(|w| rule(w.code).severity != Severity::Change));
        verdict
    }
}
