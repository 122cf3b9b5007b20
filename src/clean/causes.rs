//! What keeps contacts out of the output, and values out of contacts: which fixes would recover the most.
//!
//! A fix is a rule, a member and the [shape](Shape) of the value where several share one. It is worth the contacts that have no other
//! error of the same outcome: those that are complete once it is made. Workers count the fixes of a batch, and the writer adds the
//! batches in input order, so the result does not depend on the number of threads or on where batches end.

use crate::clean::cleaned::Stats;
use crate::clean::lines;
use crate::model::finding::{Code, Finding, Outcome, Raw};
use crate::model::member::Value;
use crate::model::printable;
use crate::rules::has_shape;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh3::xxh3_64;

/// Different fixes that a run counts. A further one counts without its shape, and then without its member.
pub const FIXES_MAX: usize = 4096;

/// Examples of a fix.
const EXAMPLES: usize = 3;

/// Bytes of a member's name in a fix.
const FIELD_MAX: usize = 64;

/// Bytes of a shape.
const SHAPE_MAX: usize = 24;

/// Characters of an example.
const VALUE_MAX: usize = 60;

/// One thing to fix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fix {
    /// The rule.
    pub code: Code,
    /// `Rejected` or `HeldBack`: what ends for these contacts once it is fixed.
    pub outcome: Outcome,
    /// The member, shortened to 64 bytes; none for the contact as a whole.
    pub field: Option<String>,
    /// The shape of the values: `999-9999`. None if they have none in common, or the rule is not about their form.
    pub shape: Option<String>,
    /// Contacts that have no other error of this outcome.
    pub contacts: u64,
    /// The first of them, if the run collects statistics.
    pub examples: Vec<FixExample>,
}

/// A value to fix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FixExample {
    /// Index of the input.
    pub input: usize,
    /// Index of the contact in it.
    pub contact: u64,
    /// Its line.
    pub line: u64,
    /// The value, shortened to 60 characters; empty if values are replaced by hashes.
    pub value: String,
}

/// The form of a value without its content: a digit is `9`, letters are one `a`. In a value with letters, digits that stand together
/// are one `9` as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    bytes: [u8; SHAPE_MAX],
    len: u8,
}

impl Shape {
    /// The shape of a text.
    #[must_use]
    pub fn of(text: &str) -> Shape {
        let is_letter = |c: char| c.is_alphabetic();
        let has_letters = text.bytes().any(|b| b.is_ascii_alphabetic() || b >= 0x80);
        let mut shape = Shape { bytes: [0; SHAPE_MAX], len: 0 };
        let mut last = 0;
        for c in text.chars() {
            let class = match c {
                '0'..='9' => b'9',
                'a'..='z' | 'A'..='Z' => b'a',
                '!'..='~' => c as u8,
                c if is_letter(c) => b'a',
                c if c.is_whitespace() => b' ',
                _ => b'?',
            };
            let is_joined = class == last && (matches!(class, b'a' | b' ') || class == b'9' && has_letters);
            if is_joined {
                continue;
            }
            last = class;
            if usize::from(shape.len) == SHAPE_MAX {
                shape.bytes[SHAPE_MAX - 3..].copy_from_slice(b"...");
                break;
            }
            shape.bytes[usize::from(shape.len)] = class;
            shape.len += 1;
        }
        shape
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

/// The shape of a finding's value, if its rule is about the form of values.
fn shape_of(finding: &Finding<'_>) -> Option<Shape> {
    if !has_shape(finding.code) {
        return None;
    }
    match finding.value {
        Raw::Value(Value::String(text) | Value::Number(text)) => Some(Shape::of(text)),
        Raw::Value(Value::Integer(n)) => Some(Shape::of(itoa::Buffer::new().format(n))),
        _ => None,
    }
}

/// The errors of one outcome of the current contact, as far as they matter: the first, and whether there is another.
#[derive(Debug, Default)]
struct Sole {
    first: Option<(Code, Option<Shape>)>,
    /// The member of the first, if `has_field`.
    name: String,
    has_field: bool,
    value: String,
    has_others: bool,
}

impl Sole {
    fn note(&mut self, finding: &Finding<'_>, is_shown: bool) {
        let own = (finding.code, shape_of(finding));
        let field = finding.field.map(cut);
        match self.first {
            None => {
                self.first = Some(own);
                self.has_field = field.is_some();
                self.name.clear();
                self.name.push_str(field.unwrap_or_default());
                if is_shown {
                    let text = lines::value_text(&finding.value);
                    self.value.clear();
                    self.value.extend(text.chars().take(VALUE_MAX));
                    if self.value.len() < text.len() {
                        self.value.push_str("...");
                    }
                }
            }
            Some(first) => self.has_others |= first != own || self.field() != field,
        }
    }

    fn field(&self) -> Option<&str> {
        self.has_field.then_some(&self.name)
    }

    fn clear(&mut self) {
        self.first = None;
        self.value.clear();
        self.has_others = false;
    }
}

/// A member's name, shortened.
fn cut(name: &str) -> &str {
    printable::cut(name, FIELD_MAX)
}

/// Contacts that one fix would recover.
#[derive(Debug)]
struct Entry {
    code: Code,
    outcome: Outcome,
    field: Option<String>,
    shape: Option<Shape>,
    contacts: u64,
    examples: Vec<FixExample>,
}

/// Keys that are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are u64")
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Counts of fixes. See the [module](self).
#[derive(Debug, Default)]
pub struct Causes {
    entries: Vec<Entry>,
    index: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    rejecting: Sole,
    holding: Sole,
    /// What rejects the current contact, and what was held back of it.
    codes: [Vec<Code>; 2],
}

impl Causes {
    /// Notes an error of the current contact. `own` is what it does by itself: in a rejected contact, every finding says rejected.
    /// With `is_shown`, the value may be an example.
    pub fn note(&mut self, finding: &Finding<'_>, own: Outcome, is_shown: bool) {
        let (sole, codes) = match own {
            Outcome::Rejected => (&mut self.rejecting, &mut self.codes[0]),
            Outcome::HeldBack => (&mut self.holding, &mut self.codes[1]),
            Outcome::Kept | Outcome::Changed => return,
        };
        codes.push(finding.code);
        sole.note(finding, is_shown);
    }

    /// Ends the current contact and counts what it has. With `at`, which is its input, its index and its line, it may be an example.
    pub fn end_contact(&mut self, accepted: bool, stats: &mut Stats, at: Option<(usize, u64, u64)>) {
        if self.codes[0].is_empty() && self.codes[1].is_empty() {
            return;
        }
        // A contact whose only identity is a number is rejected when that number is held back.
        let outcome = if accepted { Outcome::HeldBack } else { Outcome::Rejected };
        let rejecting = !accepted && !self.codes[0].is_empty();
        let codes = &mut self.codes[usize::from(!rejecting)];
        let counts = if accepted { &mut stats.holding } else { &mut stats.rejecting };
        if !accepted {
            codes.sort_unstable();
            codes.dedup();
        }
        for code in codes.drain(..) {
            counts[code as usize] += 1;
        }
        let mut sole = std::mem::take(if rejecting { &mut self.rejecting } else { &mut self.holding });
        if let (Some((code, shape)), false) = (sole.first, sole.has_others) {
            let entry = self.entry(code, outcome, sole.field(), shape, usize::MAX);
            entry.contacts = entry.contacts.wrapping_add(1);
            if let Some((input, contact, line)) = at.filter(|_| entry.examples.len() < EXAMPLES) {
                entry.examples.push(FixExample { input, contact, line, value: std::mem::take(&mut sole.value) });
            }
        }
        *if rejecting { &mut self.rejecting } else { &mut self.holding } = sole;
        self.codes.iter_mut().for_each(Vec::clear);
        self.rejecting.clear();
        self.holding.clear();
    }

    /// Counts a contact that is rejected for this alone.
    pub fn add_rejected(&mut self, code: Code) {
        let entry = self.entry(code, Outcome::Rejected, None, None, FIXES_MAX);
        entry.contacts = entry.contacts.wrapping_add(1);
    }

    /// The entry of a fix. If there are `max` already, a new one counts without its shape, and then without its member.
    fn entry(
        &mut self,
        code: Code,
        outcome: Outcome,
        field: Option<&str>,
        shape: Option<Shape>,
        max: usize,
    ) -> &mut Entry {
        let mut key = [0; 3 + FIELD_MAX + SHAPE_MAX];
        let field_len = field.map_or(0, str::len);
        key[0] = code as u8;
        key[1] =
            u8::from(outcome == Outcome::Rejected) | u8::from(field.is_some()) << 1 | u8::from(shape.is_some()) << 2;
        key[2] = field_len as u8;
        key[3..3 + field_len].copy_from_slice(field.unwrap_or_default().as_bytes());
        let shape_len = shape.map_or(0, |shape| usize::from(shape.len));
        if let Some(shape) = &shape {
            key[3 + field_len..][..shape_len].copy_from_slice(&shape.bytes[..shape_len]);
        }
        let mut hash = xxh3_64(&key[..3 + field_len + shape_len]);
        while let Some(at) = self.index.get(&hash).map(|at| *at as usize) {
            let entry = &self.entries[at];
            if (entry.code, entry.outcome, entry.field.as_deref(), entry.shape) == (code, outcome, field, shape) {
                return &mut self.entries[at];
            }
            hash = hash.wrapping_add(1);
        }
        if self.entries.len() >= max {
            match (field, shape) {
                (_, Some(_)) => return self.entry(code, outcome, field, None, max),
                (Some(_), None) => return self.entry(code, outcome, None, None, max),
                // There are not more of these than rules.
                (None, None) => {}
            }
        }
        self.index.insert(hash, self.entries.len() as u32);
        let field = field.map(str::to_owned);
        self.entries.push(Entry { code, outcome, field, shape, contacts: 0, examples: Vec::new() });
        self.entries.last_mut().expect("it was pushed")
    }

    /// Adds the counts of the next batch.
    pub fn add(&mut self, batch: &mut Causes) {
        for theirs in batch.entries.drain(..) {
            let Entry { code, outcome, field, shape, contacts, examples } = theirs;
            let entry = self.entry(code, outcome, field.as_deref(), shape, FIXES_MAX);
            entry.contacts = entry.contacts.wrapping_add(contacts);
            if entry.examples.len() < EXAMPLES || entry.shape.is_none() {
                // Several shapes may be counted together here: the first contacts of all of them are the examples.
                entry.examples.extend(examples);
                entry.examples.sort_by_key(|example| (example.input, example.contact));
                entry.examples.truncate(EXAMPLES);
            }
        }
        batch.index.clear();
        batch.clear();
    }

    /// Takes counts back that were added before.
    pub fn subtract(&mut self, batch: &mut Causes) {
        for entry in &mut batch.entries {
            entry.contacts = entry.contacts.wrapping_neg();
            entry.examples.clear();
        }
        self.add(batch);
    }

    /// Forgets everything and keeps the allocations.
    pub fn clear(&mut self) {
        if !self.index.is_empty() {
            self.entries.clear();
            self.index.clear();
        }
        self.codes.iter_mut().for_each(Vec::clear);
        self.rejecting.clear();
        self.holding.clear();
    }

    /// The fixes, the most valuable first. A shape stands by itself if two contacts and a tenth of those of its rule and member share
    /// it; all others are one fix without a shape.
    #[must_use]
    pub fn fixes(&self) -> Vec<Fix> {
        let of = |entry: &Entry| (entry.code, entry.outcome == Outcome::Rejected, entry.field.clone());
        let mut groups: HashMap<_, u64> = HashMap::new();
        for entry in &self.entries {
            *groups.entry(of(entry)).or_default() += entry.contacts;
        }
        let mut fixes: HashMap<_, Fix> = HashMap::new();
        for entry in self.entries.iter().filter(|entry| entry.contacts > 0 && is_fixable(entry.code)) {
            let own = entry.shape.filter(|_| entry.contacts >= 2 && entry.contacts * 10 >= groups[&of(entry)]);
            let shape = own.map(|shape| shape.as_str().to_owned());
            let fix = fixes.entry((of(entry), shape.clone())).or_insert_with(|| Fix {
                code: entry.code,
                outcome: entry.outcome,
                field: entry.field.clone(),
                shape,
                contacts: 0,
                examples: Vec::new(),
            });
            fix.contacts += entry.contacts;
            fix.examples.extend(entry.examples.iter().cloned());
        }
        let mut fixes: Vec<Fix> = fixes.into_values().collect();
        for fix in &mut fixes {
            fix.examples.sort_by_key(|example| (example.input, example.contact));
            fix.examples.truncate(EXAMPLES);
        }
        fixes.sort_by(|a, b| {
            let is_smaller = |fix: &Fix| fix.outcome != Outcome::Rejected;
            let key = |fix: &Fix| (std::cmp::Reverse(fix.contacts), is_smaller(fix), fix.code);
            key(a).cmp(&key(b)).then_with(|| (&a.field, &a.shape).cmp(&(&b.field, &b.shape)))
        });
        fixes
    }
}

/// False for what is as it should be: people who opted out, and the second of two.
fn is_fixable(code: Code) -> bool {
    !matches!(code, Code::OPT001 | Code::OPT004 | Code::DUP001)
}

#[cfg(test)]
mod tests;
