//! What members outside the table say about permission for email, where names are taken as they are.

use super::{Slot, Validator};
use crate::clean::flatten;
use crate::clean::mapped::opt_out;
use crate::json::write::json_string;
use crate::mapping::names;
use crate::mapping::permission::{self, Meaning, PermissionColumn, PermissionKind, is_status_name};
use crate::model::finding::{Code, Detail, Outcome, Raw};
use crate::model::member::Value;
use crate::rules::OptedOut;
use std::collections::HashMap;

impl Validator<'_, '_> {
    /// Whether names are to be looked at for what they say about permission for email.
    pub(super) fn asks_permission(&self) -> bool {
        self.settings.opted_out != OptedOut::Ignore && !self.permissions.is_known
    }

    /// Reports what an unknown member or a custom field says about permission for email. True if it says no: that is all there is to say of it.
    pub(super) fn check_permission(&mut self, i: usize) -> bool {
        let Slot { name, value, .. } = self.slots[i];
        let mut is_no = false;
        let mut take = |validator: &mut Self, column: PermissionColumn, text: &str| {
            let meaning = column.meaning(text);
            if let Some((code, severity, outcome)) = opt_out(column, meaning, validator.settings.opted_out) {
                is_no |= code != Code::OPT003;
                validator.rejected |= outcome == Outcome::Rejected;
                validator.push(code, severity, outcome, Some(name), Raw::Value(value), Detail::None);
            }
        };
        let digits;
        let text = match value {
            Value::String(text) | Value::Number(text) => text,
            Value::Null => "",
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Integer(n) => {
                digits = n.to_string();
                &digits
            }
            Value::Nested(json) => {
                for (column, text) in nested_permissions(name, json) {
                    take(self, column, &text);
                }
                return is_no;
            }
        };
        // Of a status only a word that rejects counts: what is not one says nothing about email, nor that this is a status.
        if let Some((column, is_status)) = self.permissions.of(name)
            && !(is_status && column.meaning(text) != Meaning::OptedOut)
        {
            take(self, column, text);
        }
        is_no
    }
}

/// What unknown names say about permission: few, and always the same.
#[derive(Debug, Default)]
pub(super) struct PermissionNames {
    names: HashMap<Box<str>, Option<(PermissionColumn, bool)>>,
    /// A mapping has told it already.
    is_known: bool,
}

impl PermissionNames {
    /// Says whether a mapping has told what the names say.
    pub(super) fn set_known(&mut self, is_known: bool) {
        self.is_known = is_known;
    }

    /// What a name says, and whether only its values tell if it says anything.
    fn of(&mut self, name: &str) -> Option<(PermissionColumn, bool)> {
        /// Names that are remembered.
        const MAX: usize = 1_000;
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let status = || is_status_name(name).then_some((PermissionColumn { kind: PermissionKind::Status }, true));
        let column = permission::of_name(name).map(|column| (column, false)).or_else(status);
        if self.names.len() < MAX && name.len() <= flatten::PATH_MAX {
            self.names.insert(name.into(), column);
        }
        column
    }
}

/// Whether some name in this JSON may say something about permission. Most say nothing, and this is far cheaper than to look.
pub(super) fn may_be_about_permission(json: &str) -> bool {
    /// Each of the names has one of these.
    const PARTS: [&[u8]; 12] = [
        b"sub",
        b"opt",
        b"block",
        b"black",
        b"suppress",
        b"email",
        b"mail",
        b"contact",
        b"consent",
        b"permission",
        b"accept",
        b"disabled",
    ];
    // Other alphabets have other forms of these letters.
    if !json.is_ascii() {
        return true;
    }
    let bytes = json.as_bytes();
    let begins =
        |at: usize, part: &[u8]| bytes.get(at..at + part.len()).is_some_and(|found| found.eq_ignore_ascii_case(part));
    (0..bytes.len()).any(|at| {
        matches!(bytes[at] | 0x20, b's' | b'o' | b'b' | b'e' | b'm' | b'c' | b'p' | b'a' | b'd')
            && PARTS.iter().any(|part| begins(at, part))
    })
}

/// The values within an unknown member whose names say something about permission for email.
fn nested_permissions(name: &str, json: &str) -> Vec<(PermissionColumn, String)> {
    /// Bytes of JSON that are looked at. What is longer is no setting of a person.
    const MAX: usize = 64 << 10;
    let mut found = Vec::new();
    if json.len() > MAX || !(may_be_about_permission(name) || may_be_about_permission(json)) {
        return found;
    }
    let mut record = Vec::with_capacity(name.len() + json.len() + 8);
    record.push(b'{');
    json_string(name, &mut record);
    record.push(b':');
    record.extend_from_slice(json.as_bytes());
    record.push(b'}');
    let record = String::from_utf8(record).unwrap_or_default();
    // A member is valid JSON, so that this finds its cells.
    let _ = flatten::flatten(&record, None, |path, leaf| {
        if let Some(column) = permission::of_path(path, &names::segments(path)) {
            found.push((column, leaf.text(&record).into_owned()));
        }
    });
    found
}
