//! Records that need no more than other names, as nearly all do: flat, compact, every value for a member of its own or for none.
//! They are rewritten in one pass, with no list of cells. Every other record is refused, and read as in the module above; a test
//! compares both ways.

use super::InputMapping;
use crate::json::write::json_string;
use crate::mapping::{How, Meaning, PermissionColumn, Target};
use crate::rules::text;
use crate::simd::word;
use std::ops::Range;

/// What a column takes.
#[derive(Debug, Default)]
struct Plan {
    /// The name in the record, its quote and the colon.
    name: Box<[u8]>,
    /// A comma, and the member's name with its colon; nothing where the value is not in the output.
    prefix: Box<[u8]>,
    /// The member is one of the table: a value that says nothing goes along, for the rules to report.
    is_known: bool,
    /// A value may be several.
    is_joined: bool,
    /// Its values need a closer look.
    is_refused: bool,
    permission: Option<PermissionColumn>,
}

/// Rewrites records in one pass. See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Direct {
    plans: Vec<Plan>,
    /// The columns of the last record, in order: the next one mostly has the same.
    order: Vec<u32>,
    /// The number of the record in which each column was met last.
    met: Vec<u64>,
    number: u64,
    /// Values that say nothing, which come behind the others.
    blank: Vec<(u32, Range<usize>)>,
}

impl Direct {
    /// For the records of an input.
    pub(super) fn new(input: &InputMapping) -> Self {
        let columns = &input.mapping.columns;
        let holders = |target: &Target| columns.iter().filter(|other| other.target == *target).count();
        let plan = |column: &crate::mapping::Column| {
            let (prefix, is_known, is_one) = match &column.target {
                Target::None => (Vec::new(), false, true),
                Target::Member(id) => (format!(",{}", id.info().key).into_bytes(), true, holders(&column.target) == 1),
                Target::Custom(name) => {
                    let mut prefix = vec![b','];
                    json_string(name, &mut prefix);
                    prefix.push(b':');
                    (prefix, false, holders(&column.target) == 1)
                }
                _ => (Vec::new(), false, false),
            };
            // A path or an escape is not found as it stands in the record.
            let is_plain_name = !column.name.bytes().any(|b| matches!(b, b'"' | b'\\' | b'/' | b'~' | 0..=0x1f));
            Plan {
                name: format!("{}\":", column.name).into_bytes().into(),
                prefix: prefix.into(),
                is_known,
                is_joined: column.is_joined(),
                is_refused: !is_one || !is_plain_name || column.found == How::Own || !column.is_direct(),
                permission: column.permission,
            }
        };
        Direct {
            plans: if input.contact.is_some() { Vec::new() } else { columns.iter().map(plan).collect() },
            met: vec![0; columns.len()],
            ..Direct::default()
        }
    }

    /// Appends a record under the contract's names. False if it needs another look; what was appended is of no use then.
    pub(super) fn rewrite(&mut self, record: &[u8], input: &InputMapping, out: &mut Vec<u8>) -> bool {
        if self.plans.is_empty() || !(record.is_ascii() || std::str::from_utf8(record).is_ok()) {
            return false;
        }
        self.rewrite_members(record, input, out).is_some()
    }

    fn rewrite_members(&mut self, record: &[u8], input: &InputMapping, out: &mut Vec<u8>) -> Option<()> {
        self.number += 1;
        self.blank.clear();
        let start = out.len();
        let (mut at, mut k) = (1, 0);
        if record.first() != Some(&b'{') {
            return None;
        }
        loop {
            if record.get(at) != Some(&b'"') {
                return None;
            }
            at += 1;
            let (index, behind) = self.column(record, at, k, input)?;
            k += 1;
            let plan = &self.plans[index];
            if plan.is_refused || std::mem::replace(&mut self.met[index], self.number) == self.number {
                return None;
            }
            let value = behind..end_of_value(record, behind)?;
            at = value.end;
            let json = &record[value.clone()];
            let text = json.strip_prefix(b"\"").map_or(json, |text| &text[..text.len() - 1]);
            let is_blank = is_blank(text, json);
            if let Some(permission) = plan.permission {
                let text = if is_blank { "" } else { std::str::from_utf8(text).ok()? };
                if matches!(permission.meaning(text), Meaning::OptedOut | Meaning::Unclear) {
                    return None;
                }
            }
            if is_blank {
                if plan.is_known {
                    self.blank.push((index as u32, value));
                }
            } else if !plan.prefix.is_empty() {
                if plan.is_joined && memchr::memmem::find(text, b":::").is_some() {
                    return None;
                }
                out.extend_from_slice(&plan.prefix);
                out.extend_from_slice(json);
            }
            match record.get(at)? {
                b',' => at += 1,
                b'}' if at + 1 == record.len() => break,
                _ => return None,
            }
        }
        for (index, value) in &self.blank {
            out.extend_from_slice(&self.plans[*index as usize].prefix);
            out.extend_from_slice(&record[value.clone()]);
        }
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
        Some(())
    }

    /// The column whose name begins at `at`, as the name number `k` of the record, and where its value begins.
    #[inline]
    fn column(&mut self, record: &[u8], at: usize, k: usize, input: &InputMapping) -> Option<(usize, usize)> {
        if let Some(index) = self.order.get(k) {
            let name = &self.plans[*index as usize].name;
            if record[at..].starts_with(name) {
                return Some((*index as usize, at + name.len()));
            }
        }
        let len = word::plain_prefix(&record[at..]);
        let name = std::str::from_utf8(&record[at..at + len]).ok()?;
        if record.get(at + len..at + len + 2)? != b"\":" {
            return None;
        }
        let index = input.mapping.find(name)?;
        self.order.truncate(k);
        self.order.push(index as u32);
        Some((index, at + len + 2))
    }
}

/// Where the value that begins at `start` ends: a string without an escape, a number, a word.
#[inline]
fn end_of_value(record: &[u8], start: usize) -> Option<usize> {
    let rest = record.get(start..)?;
    match rest.first()? {
        b'"' => {
            let end = start + 1 + word::plain_prefix(&rest[1..]);
            (record.get(end) == Some(&b'"')).then_some(end + 1)
        }
        b'n' => rest.starts_with(b"null").then_some(start + 4),
        b't' => rest.starts_with(b"true").then_some(start + 4),
        b'f' => rest.starts_with(b"false").then_some(start + 5),
        // Whole numbers. Others are left to the reader that knows them.
        b'1'..=b'9' => {
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (len < 19 && !matches!(rest.get(len), Some(b'.' | b'e' | b'E'))).then_some(start + len)
        }
        _ => None,
    }
}

/// Whether a value says nothing, as the mapping sees it.
#[inline]
fn is_blank(text: &[u8], json: &[u8]) -> bool {
    match text.first() {
        None => true,
        Some(b'n') => json == b"null",
        Some(first) if *first <= b' ' || !first.is_ascii() => {
            std::str::from_utf8(text).is_ok_and(|text| text::trim(text).is_empty())
        }
        Some(_) => false,
    }
}
