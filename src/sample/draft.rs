//! One contact while it is being made, and how values are written.

use super::random::Rng;

/// The members of one contact while it is being made. The values are in one buffer, which the next contact reuses; a replaced
/// value stays there unused.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) text: Vec<u8>,
    pub(super) members: Vec<Member>,
}

/// A member's name, as JSON has it between quotes, and the range of its JSON value in the draft.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Draft {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.members.clear();
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name)
    }

    /// Appends a member whose JSON value `fill` writes, even if there is one of that name.
    pub(super) fn add(&mut self, name: &'static str, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        fill(&mut self.text);
        let end = self.text.len();
        self.members.push(Member { name, start, end });
    }

    /// Sets the JSON value of a member to what `fill` writes; appends the member if it is new.
    pub(super) fn set(&mut self, name: &'static str, fill: impl FnOnce(&mut Vec<u8>)) {
        let at = self.find(name);
        self.add(name, fill);
        if let Some(at) = at {
            self.members.swap_remove(at);
        }
    }

    /// Like [`Draft::set`], with a literal JSON value.
    pub(super) fn set_json(&mut self, name: &'static str, json: &str) {
        self.set(name, |text| text.extend_from_slice(json.as_bytes()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.members.retain(|member| member.name != name);
    }

    /// Puts `before` and `after` inside the quotes of member `at`, which must be a string.
    pub(super) fn wrap(&mut self, at: usize, before: &str, after: &str) {
        let Member { start, end, .. } = self.members[at];
        let wrapped = self.text.len();
        self.text.push(b'"');
        self.text.extend_from_slice(before.as_bytes());
        self.text.extend_from_within(start + 1..end - 1);
        self.text.extend_from_slice(after.as_bytes());
        self.text.push(b'"');
        self.members[at].start = wrapped;
        self.members[at].end = self.text.len();
    }

    pub(super) fn is_string(&self, at: usize) -> bool {
        self.text[self.members[at].start] == b'"'
    }

    /// A member of `names` that this contact has as a string. The search starts at a random name.
    pub(super) fn any_string(&self, names: &[&str], rng: &mut Rng) -> Option<usize> {
        let first = rng.below(names.len() as u32) as usize;
        (0..names.len()).filter_map(|i| self.find(names[(first + i) % names.len()])).find(|&at| self.is_string(at))
    }

    /// Appends the contact as a compact JSON object.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (i, member) in self.members.iter().enumerate() {
            out.extend_from_slice(if i == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(member.name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(&self.text[member.start..member.end]);
        }
        out.push(b'}');
    }
}

pub(super) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Writes quotes and what `fill` puts between them, which must be escaped already.
pub(super) fn quoted(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    fill(out);
    out.push(b'"');
}

/// Writes `text` between quotes. The tables hold their text escaped.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    quoted(out, |out| put(out, text));
}

/// Writes the letters of `name` in lower case, and drops everything else: `O'Brien` gives `obrien`.
pub(super) fn lower(out: &mut Vec<u8>, name: &str) {
    out.extend(name.bytes().filter(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_lowercase()));
}

/// Writes `value` in decimal.
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut reversed = [0u8; 20];
    let mut at = reversed.len();
    loop {
        at -= 1;
        reversed[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&reversed[at..]);
}

/// Writes `value` in decimal with at least `width` digits, at most four.
pub(super) fn digits(out: &mut Vec<u8>, value: u32, width: usize) {
    let four = [
        b'0' + (value / 1000 % 10) as u8,
        b'0' + (value / 100 % 10) as u8,
        b'0' + (value / 10 % 10) as u8,
        b'0' + (value % 10) as u8,
    ];
    let needed = match value {
        0..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        _ => 4,
    };
    out.extend_from_slice(&four[4 - needed.max(width)..]);
}
