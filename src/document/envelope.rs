//! The members around the contacts: `list_ids`, `sms_permission_to_send`, and any others.
//!
//! Long because the reader, the members that it finds and the envelope made of them share their private parts.
//!
//! They may stand before the contacts or behind them. An [`EnvelopeReader`] is fed the bytes before the contacts, another one
//! those behind, in pieces of any size; each byte is read once, and no more than one member is held. [`EnvelopeMembers::resolve`] makes an
//! [`Envelope`] of these members and the overrides.

use crate::json::syntax::{Cursor, unescape};
use crate::model::error::{Error, Kind, Result};
use crate::model::fault::{Fault, SyntaxError};
use crate::model::finding::Code;
use crate::model::position::Position;
use crate::rules::envelope::LISTS_MAX;
use crate::rules::rule;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Most bytes that may stand before the contacts, or behind them; long white space does not count.
pub const AROUND_MAX: usize = 16 << 20;
/// Most members that no request body has. A body with more is not an export, and each of them is reported.
pub const UNKNOWN_MAX: usize = 1_000;
/// White space between two tokens that is kept as it is. Of longer white space the rest is left out.
const SPACE_KEPT: usize = 1_024;

const LIST_IDS: &str = "list_ids";
const SMS_PERMISSION: &str = "sms_permission_to_send";
/// Name of the member that holds the contacts.
pub const IMPORT_DATA: &str = "import_data";

/// True for the names that make an object a request body.
#[must_use]
pub fn is_member(name: &str) -> bool {
    matches!(name, LIST_IDS | SMS_PERMISSION | IMPORT_DATA)
}

/// Whether the people in a body agreed to get text messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsPermission {
    /// They did, each on the date of consent.
    Explicit,
    /// Nothing is said.
    NotSet,
}

impl SmsPermission {
    /// As the body writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SmsPermission::Explicit => "explicit",
            SmsPermission::NotSet => "not_set",
        }
    }
}

/// What a body says for all its contacts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// The lists, lower case, each once.
    pub list_ids: Vec<String>,
    /// The permission, if it was given.
    pub sms_permission: Option<SmsPermission>,
}

impl Envelope {
    /// The body up to its first contact.
    #[must_use]
    pub fn prefix(&self) -> Vec<u8> {
        let mut prefix = b"{\"list_ids\":[".to_vec();
        for (i, id) in self.list_ids.iter().enumerate() {
            // UUIDs need no escaping.
            prefix.extend_from_slice(format!("{}\"{id}\"", if i > 0 { "," } else { "" }).as_bytes());
        }
        prefix.push(b']');
        if let Some(permission) = self.sms_permission {
            prefix.extend_from_slice(format!(",\"{SMS_PERMISSION}\":\"{}\"", permission.as_str()).as_bytes());
        }
        prefix.extend_from_slice(format!(",\"{IMPORT_DATA}\":[").as_bytes());
        prefix
    }

    /// The body behind its last contact.
    pub const SUFFIX: &'static [u8] = b"]}";
}

/// Overrides of the envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvelopeOverrides {
    /// Lists that replace those of the body.
    pub list_ids: Vec<String>,
    /// Permission that replaces that of the body.
    pub sms_permission: Option<SmsPermission>,
}

/// A finding about the envelope that does not stop the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeFinding {
    /// The rule.
    pub code: Code,
    /// Where.
    pub position: Position,
    /// The member.
    pub field: String,
    /// Its value: a text, or JSON.
    pub value: Option<FindingValue>,
    /// What it became.
    pub to: Option<String>,
}

/// The value of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingValue {
    /// The text of a string.
    Text(String),
    /// JSON, as it is in the body.
    Json(String),
}

/// A member's value as it is in the body.
#[derive(Debug, Clone)]
struct Raw {
    position: Position,
    json: Vec<u8>,
}

/// The members that were found around the contacts.
#[derive(Debug, Clone, Default)]
pub struct EnvelopeMembers {
    list_ids: Option<Raw>,
    sms_permission: Option<Raw>,
    unknown: Vec<(String, Raw)>,
}

/// What ended the members on one side of the contacts, and the position behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The contacts begin here, behind their `[`.
    Contacts(Position),
    /// The object is closed.
    Closed(Position),
}

/// Where the bytes that are given end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where the input does.
    Input,
    /// At the limit, behind which the input goes on.
    Limit,
}

/// Reads the members on one side of the contacts.
///
/// It gathers the bytes of one member and, when that seems to be whole, has them read strictly. Strings, nesting and white
/// space are all that it looks at itself, so that it can stop and go on at any byte.
#[derive(Debug)]
pub struct EnvelopeReader<'i> {
    input: &'i str,
    found: EnvelopeMembers,
    /// Behind the contacts.
    is_tail: bool,
    /// No comma comes before the next member.
    is_first: bool,
    /// The bytes of the next member so far, from behind the previous value, without the rest of long white space.
    text: Vec<u8>,
    /// Where bytes of the text stand in the input: the first one, and those behind white space that was left out.
    offsets: Vec<(usize, Position)>,
    /// Bytes gathered for all members.
    gathered: usize,
    /// Position of the next byte.
    at: Position,
    in_string: bool,
    escaped: bool,
    depth: u32,
    /// White space that has come since the last other byte.
    space: usize,
    /// Something other than white space and a comma has come.
    begun: bool,
    /// The colon of the member has come, and whether its name is that of the contacts.
    name: Option<bool>,
}

impl<'i> EnvelopeReader<'i> {
    /// For the bytes before the contacts, from behind the `{`, which is before `at`.
    #[must_use]
    pub fn head(input: &'i str, at: Position) -> Self {
        EnvelopeReader { is_tail: false, is_first: true, ..EnvelopeReader::tail(input, EnvelopeMembers::default(), at) }
    }

    /// For the bytes behind the contacts, from behind the `]`, which is before `at`. `found` is what stood before the contacts.
    #[must_use]
    pub fn tail(input: &'i str, found: EnvelopeMembers, at: Position) -> Self {
        EnvelopeReader {
            input,
            found,
            is_tail: true,
            is_first: false,
            text: Vec::new(),
            offsets: Vec::new(),
            gathered: 0,
            at: Position { contact: None, ..at },
            in_string: false,
            escaped: false,
            depth: 0,
            space: 0,
            begun: false,
            name: None,
        }
    }

    /// Offset of the byte that the next piece must begin with.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at.offset
    }

    /// What was found so far.
    #[must_use]
    pub fn into_found(self) -> EnvelopeMembers {
        self.found
    }

    /// Reads a piece. Returns what ended the members, or `None` if it needs more bytes.
    ///
    /// # Errors
    /// Broken syntax, a member given twice, `import_data` that is no array, too many members or too much of them.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Side>> {
        let (mut done, mut i) = (0, 0);
        while i < bytes.len() {
            let byte = bytes[i];
            let is_space = !self.in_string && matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            if is_space && self.space >= SPACE_KEPT {
                let rest = &bytes[i..];
                i += rest.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(rest.len());
                continue;
            }
            if self.text.is_empty() || (!is_space && self.space >= SPACE_KEPT) {
                self.at = self.at.after(&bytes[done..i]);
                done = i;
                self.offsets.push((self.text.len(), self.at));
            }
            self.text.push(byte);
            self.gathered += 1;
            if self.gathered > AROUND_MAX {
                return Err(self.too_large(format!("more than {AROUND_MAX} bytes stand around the contacts")));
            }
            self.space = if is_space { self.space + 1 } else { 0 };
            i += 1;
            if !is_space && self.is_whole(byte) {
                self.at = self.at.after(&bytes[done..i]);
                done = i;
                if let Some(side) = self.members()? {
                    return Ok(Some(side));
                }
            }
        }
        self.at = self.at.after(&bytes[done..]);
        Ok(None)
    }

    /// The bytes end here, before anything ended the members. That they lie behind a limit is no error.
    ///
    /// # Errors
    /// As [`EnvelopeReader::feed`], and for an input that ends.
    pub fn finish(&mut self, end: End) -> Result<()> {
        loop {
            match self.member(end == End::Limit) {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(()),
                Err(Stop::Syntax(error)) if error.fault == Fault::End && end == End::Limit => return Ok(()),
                Err(error) => return Err(self.error(error)),
            }
        }
    }

    /// Takes a byte of the text, and says whether the member must be whole, or broken, now.
    fn is_whole(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            // No string has a line break.
            return byte == b'\n';
        }
        let begun = self.begun;
        self.begun |= byte != b',';
        match byte {
            b'"' => self.in_string = true,
            b',' => return self.depth == 0 && (begun || self.is_first),
            b':' if self.depth == 0 && self.name.is_none() => self.name = Some(self.is_import_data()),
            b'{' | b'[' if self.depth == 0 && self.name == Some(true) => return true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth == 0 => return true,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        false
    }

    /// Whether the name that was gathered is that of the contacts.
    fn is_import_data(&self) -> bool {
        let quote = memchr::memchr(b'"', &self.text);
        let name = quote.and_then(|at| Some(&self.text[at + 1..memchr::memrchr(b'"', &self.text)?.max(at + 1)]));
        name.is_some_and(|name| unescape(name) == IMPORT_DATA)
    }

    /// Reads what was gathered.
    fn members(&mut self) -> Result<Option<Side>> {
        loop {
            match self.member(false) {
                Ok(Some(side)) => return Ok(Some(side)),
                Ok(None) => {}
                Err(error) => return Err(self.error(error)),
            }
            // What is left begins the next member, and is a comma; or it ends the object; or it cannot be.
            if self.text == b"," {
                self.begun = false;
                return Ok(None);
            }
        }
    }

    /// Reads one member, or the end of the object, from the front of the text, and takes it out. `Ok(None)`: there was one.
    fn member(&mut self, is_limit: bool) -> std::result::Result<Option<Side>, Stop> {
        let mut cursor = Cursor::new(&self.text);
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            return Ok(Some(Side::Closed(self.place(cursor.at + 1))));
        }
        if !self.is_first {
            cursor.expect(b',', "a comma or }").map_err(Stop::Syntax)?;
            cursor.skip_space();
        }
        let name_at = cursor.at;
        let name = cursor.name().map_err(Stop::Syntax)?;
        let name = unescape(&self.text[name]);
        let twice = |name: &str, at| Stop::Error(breach(Code::ENV011, self.input, Some(self.place(at)), name));
        if name == IMPORT_DATA {
            return match cursor.peek() {
                Some(b'[') if self.is_tail => Err(twice(&name, cursor.at + 1)),
                Some(b'[') => Ok(Some(Side::Contacts(self.place(cursor.at + 1)))),
                None => Err(Stop::Syntax(SyntaxError { at: cursor.at, fault: Fault::End })),
                Some(first) => {
                    // Report broken syntax as such.
                    let kind = crate::model::member::JsonKind::of(first);
                    if kind != crate::model::member::JsonKind::Object {
                        cursor.value().map_err(Stop::Syntax)?;
                    }
                    let detail = format!("it is {}", kind.name());
                    Err(Stop::Error(breach(Code::ENV010, self.input, Some(self.place(name_at)), detail)))
                }
            };
        }
        let value = cursor.value().map_err(Stop::Syntax)?;
        let end = cursor.at;
        if is_limit && end == self.text.len() {
            // A number may go on behind the limit.
            return Err(Stop::Syntax(SyntaxError { at: end, fault: Fault::End }));
        }
        if let Err(utf8) = std::str::from_utf8(&self.text[name_at..end]) {
            return Err(Stop::Syntax(SyntaxError { at: name_at + utf8.valid_up_to(), fault: Fault::Utf8 }));
        }
        let raw = Raw { position: self.place(name_at), json: self.text[value].to_vec() };
        let is_taken = match &*name {
            LIST_IDS => self.found.list_ids.is_some(),
            SMS_PERMISSION => self.found.sms_permission.is_some(),
            _ => self.found.unknown.iter().any(|(unknown, _)| *unknown == name),
        };
        if is_taken {
            return Err(twice(&name, name_at));
        }
        match &*name {
            LIST_IDS => self.found.list_ids = Some(raw),
            SMS_PERMISSION => self.found.sms_permission = Some(raw),
            _ if self.found.unknown.len() == UNKNOWN_MAX => {
                let what =
                    format!("more than {UNKNOWN_MAX} members that no request body has stand around the contacts");
                return Err(Stop::Error(self.too_large(what)));
            }
            _ => self.found.unknown.push((name.into_owned(), raw)),
        }
        self.take(end);
        Ok(None)
    }

    /// Takes a member out of the text, up to `end`, and the white space behind it.
    fn take(&mut self, end: usize) {
        let space = self.text[end..].iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
        let place = self.place(end + space);
        let places = self.offsets.partition_point(|(at, _)| *at <= end + space);
        let moved = self.offsets.split_off(places).into_iter().map(|(at, place)| (at - end - space, place));
        self.offsets = std::iter::once((0, place)).chain(moved).collect();
        self.text.drain(..end + space);
        self.is_first = false;
        self.name = None;
    }

    /// The position of a byte of the text in the input.
    fn place(&self, at: usize) -> Position {
        let last = self.offsets.partition_point(|(from, _)| *from <= at).checked_sub(1);
        last.map_or(self.at, |last| {
            let (from, place) = self.offsets[last];
            place.after(&self.text[from..at])
        })
    }

    fn too_large(&self, what: String) -> Error {
        let what = format!("{what}: take them out of the body");
        Kind::TooLarge { input: self.input.to_owned(), position: self.place(0), what }.into()
    }

    fn error(&self, stop: Stop) -> Error {
        match stop {
            Stop::Error(error) => error,
            Stop::Syntax(mut error) => {
                if let Err(utf8) = std::str::from_utf8(&self.text)
                    && utf8.valid_up_to() < error.at
                {
                    error = SyntaxError { at: utf8.valid_up_to(), fault: Fault::Utf8 };
                }
                let position = self.place(error.at.min(self.text.len()));
                Kind::Syntax { input: self.input.to_owned(), position, fault: error.fault }.into()
            }
        }
    }
}

impl EnvelopeMembers {
    /// True when the envelope is all there for someone who asks so: lists that are needed, and the permission.
    #[must_use]
    pub fn is_enough(&self, asked: &EnvelopeOverrides, lists_needed: bool) -> bool {
        let lists = !lists_needed || !asked.list_ids.is_empty() || self.list_ids.is_some();
        lists && (asked.sms_permission.is_some() || self.sms_permission.is_some())
    }

    /// True when `list_ids` was found.
    #[must_use]
    pub fn has_lists(&self) -> bool {
        self.list_ids.is_some()
    }

    /// The permission that was found, if it is a good one.
    #[must_use]
    pub fn sms_permission(&self) -> Option<SmsPermission> {
        match serde_json::from_slice::<String>(&self.sms_permission.as_ref()?.json).ok()?.as_str() {
            "explicit" => Some(SmsPermission::Explicit),
            "not_set" => Some(SmsPermission::NotSet),
            _ => None,
        }
    }

    /// Findings about members that `self` has and `before` has not.
    #[must_use]
    pub fn findings_behind(&self, before: &EnvelopeMembers) -> Vec<EnvelopeFinding> {
        self.unknown[before.unknown.len().min(self.unknown.len())..].iter().map(EnvelopeMembers::told_unknown).collect()
    }

    fn told_unknown((name, raw): &(String, Raw)) -> EnvelopeFinding {
        let value = match &raw.json[..] {
            [b'"', inside @ .., b'"'] => FindingValue::Text(unescape(inside).into_owned()),
            json => FindingValue::Json(String::from_utf8_lossy(json).into_owned()),
        };
        EnvelopeFinding {
            code: Code::ENV008,
            position: raw.position,
            field: name.clone(),
            value: Some(value),
            to: None,
        }
    }

    /// The envelope: the overrides and, where there are none, the members.
    ///
    /// # Errors
    /// A breach of the envelope's rules.
    pub fn resolve(
        &self,
        input: &str,
        asked: &EnvelopeOverrides,
        lists_needed: bool,
    ) -> Result<(Envelope, Vec<EnvelopeFinding>)> {
        let mut told = Vec::new();
        let lists = if !asked.list_ids.is_empty() {
            let ids = asked.list_ids.iter().map(|id| Cow::Borrowed(id.as_str()));
            check_lists("--list-id", ids, None, &mut told)?
        } else if let Some(raw) = &self.list_ids {
            let fail = |detail: &str| breach(Code::ENV002, input, Some(raw.position), detail);
            let kind = crate::model::member::JsonKind::of(raw.json[0]);
            if kind != crate::model::member::JsonKind::Array {
                return Err(fail(&format!("it is {}", kind.name())));
            }
            let mut is_text = true;
            let lists = check_lists(input, strings(&raw.json, &mut is_text), Some(raw.position), &mut told);
            if !is_text {
                return Err(fail("not all of it is strings"));
            }
            lists?
        } else if lists_needed {
            return Err(breach(Code::ENV001, input, None, ""));
        } else {
            Vec::new()
        };
        let sms_permission = match (asked.sms_permission, &self.sms_permission) {
            (Some(asked), _) => Some(asked),
            (None, None) => None,
            (None, Some(raw)) => match &raw.json[..] {
                b"\"explicit\"" => Some(SmsPermission::Explicit),
                b"\"not_set\"" => Some(SmsPermission::NotSet),
                // Absent by another name.
                b"null" => None,
                other => match serde_json::from_slice::<String>(other).as_deref() {
                    Ok("explicit") => Some(SmsPermission::Explicit),
                    Ok("not_set") => Some(SmsPermission::NotSet),
                    _ => {
                        let text: String = String::from_utf8_lossy(other).chars().take(40).collect();
                        return Err(breach(Code::ENV007, input, Some(raw.position), format!("it is {text}")));
                    }
                },
            },
        };
        told.extend(self.unknown.iter().map(EnvelopeMembers::told_unknown));
        told.sort_by_key(|told| told.position.offset);
        Ok((Envelope { list_ids: lists, sms_permission }, told))
    }
}

/// The breach of a rule of the envelope.
pub(crate) fn breach(code: Code, input: &str, position: Option<Position>, detail: impl Into<String>) -> Error {
    let rule = rule(code);
    let (message, help) = (rule.message, rule.help);
    Kind::Envelope { code, message, help, input: input.to_owned(), position, detail: detail.into() }.into()
}

/// What ends the reading of members.
enum Stop {
    Syntax(SyntaxError),
    Error(Error),
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// The strings of an array, up to the first value that is none; `is_text` says whether there was one. No more of it is read than
/// is asked for.
fn strings<'j>(json: &'j [u8], is_text: &mut bool) -> impl Iterator<Item = Cow<'j, str>> {
    let mut cursor = Cursor::new(json);
    cursor.at = 1;
    std::iter::from_fn(move || {
        while matches!(cursor.peek(), Some(b' ' | b'\t' | b'\n' | b'\r' | b',')) {
            cursor.at += 1;
        }
        match cursor.peek() {
            Some(b'"') => cursor.string().ok().map(|inside| unescape(&json[inside])),
            end => {
                *is_text = end == Some(b']');
                None
            }
        }
    })
}

fn check_lists<'a>(
    input: &str,
    mut ids: impl Iterator<Item = Cow<'a, str>>,
    position: Option<Position>,
    told: &mut Vec<EnvelopeFinding>,
) -> Result<Vec<String>> {
    let mut lists: Vec<String> = Vec::new();
    while let Some(id) = ids.next() {
        if !is_uuid(&id) {
            let shown: String = id.chars().take(60).collect();
            return Err(breach(Code::ENV004, input, position, format!("{shown:?}")));
        }
        let lower = id.to_ascii_lowercase();
        let mut tell = |code, to| {
            let position = position.unwrap_or_default();
            told.push(EnvelopeFinding {
                code,
                position,
                field: LIST_IDS.to_owned(),
                value: Some(FindingValue::Text(id.clone().into_owned())),
                to,
            });
        };
        if lists.contains(&lower) {
            tell(Code::ENV005, None);
            continue;
        }
        if lists.len() == LISTS_MAX {
            // Those behind this one are not looked at.
            let more = if ids.next().is_some() { " or more" } else { "" };
            return Err(breach(Code::ENV003, input, position, format!("it names {}{more}", LISTS_MAX + 1)));
        }
        if lower != *id {
            tell(Code::ENV006, Some(lower.clone()));
        }
        lists.push(lower);
    }
    if lists.is_empty() {
        return Err(breach(Code::ENV003, input, position, "it names 0"));
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

    fn head(text: &str) -> Result<(Option<Side>, EnvelopeMembers)> {
        let origin = Position { offset: 1, line: 1, column: 2, contact: None };
        let mut whole = EnvelopeReader::head("x", origin);
        let side = whole.feed(&text.as_bytes()[1..]);
        // However the bytes come, the same is read.
        for size in [1, 2, 3, 7] {
            let mut parts = EnvelopeReader::head("x", origin);
            let part = text.as_bytes()[1..].chunks(size).find_map(|piece| parts.feed(piece).transpose()).transpose();
            assert_eq!(format!("{part:?} {:?}", parts.found), format!("{side:?} {:?}", whole.found), "{text}");
        }
        let side = side?;
        if side.is_none() {
            whole.finish(End::Input)?;
        }
        Ok((side, whole.into_found()))
    }

    fn resolve(text: &str) -> Result<(Envelope, Vec<EnvelopeFinding>)> {
        head(text)?.1.resolve("x", &EnvelopeOverrides::default(), true)
    }

    fn code(text: &str) -> Code {
        match resolve(text).unwrap_err().kind() {
            Kind::Envelope { code, .. } => *code,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// A name or a value that no finding could show as it is.
    #[test]
    fn members_are_utf8() {
        for member in
            [&b"\"x\x91\":1"[..], b"\"x\":\"\x91\"", b"\"x\":[{\"\xff\":1}]", b"\"list_ids\":[\"\xed\xa0\x80\"]"]
        {
            let text = [b"{\"a\":\"\xc3\xa9\",", member, b",\"import_data\":["].concat();
            let mut reader = EnvelopeReader::head("x", Position { offset: 1, line: 1, column: 2, contact: None });
            let error = reader.feed(&text[1..]).unwrap_err();
            let at = std::str::from_utf8(&text).unwrap_err().valid_up_to() as u64;
            assert!(
                matches!(error.kind(), Kind::Syntax { fault: Fault::Utf8, position, .. } if position.offset == at),
                "{error}"
            );
        }
    }

    #[test]
    fn good_envelopes() {
        let upper = A.to_uppercase();
        let text = format!(
            r#"{{"x":1, "list_ids" : ["{upper}","{A}"],"sms_permission_to_send":"explicit","import_data": [{{"#
        );
        let (side, found) = head(&text).unwrap();
        let end = text.len() as u64 - 1;
        let place = Position { offset: end, line: 1, column: end + 1, contact: None };
        assert_eq!(side, Some(Side::Contacts(place)));
        let (envelope, told) = found.resolve("x", &EnvelopeOverrides::default(), true).unwrap();
        assert_eq!(envelope.list_ids, [A]);
        let codes: Vec<Code> = told.iter().map(|t| t.code).collect();
        assert_eq!(codes, [Code::ENV008, Code::ENV006, Code::ENV005]);
        let prefix = format!(r#"{{"list_ids":["{A}"],"sms_permission_to_send":"explicit","import_data":["#);
        assert_eq!(envelope.prefix(), prefix.as_bytes());
    }

    #[test]
    fn breaches() {
        let body = |lists: &str| format!(r#"{{"list_ids":{lists},"import_data":[]}}"#);
        assert_eq!(code(r#"{"import_data":[]}"#), Code::ENV001);
        assert_eq!(code(&body(&format!("\"{A}\""))), Code::ENV002);
        assert_eq!(code(&body("[1]")), Code::ENV002);
        assert_eq!(code(&body("[]")), Code::ENV003);
        assert_eq!(code(&body("[\"my list\"]")), Code::ENV004);
        let many: Vec<String> = (0..51).map(|i| format!("\"{i:08}-a579-43c5-bb1a-58ed29bf0a6a\"")).collect();
        assert_eq!(code(&body(&format!("[{}]", many.join(",")))), Code::ENV003);
        assert!(resolve(&body(&format!("[{}]", many[1..].join(",")))).is_ok());
        let sms = format!(r#"{{"list_ids":["{A}"],"sms_permission_to_send":"yes","import_data":[]}}"#);
        assert_eq!(code(&sms), Code::ENV007);
        assert_eq!(code(r#"{"import_data":{}}"#), Code::ENV010);
        assert_eq!(code(r#"{"import_data":null}"#), Code::ENV010);
        assert_eq!(code(r#"{"list_ids":[],"list_ids":[],"import_data":[]}"#), Code::ENV011);
        let place = Position { offset: 2, line: 1, column: 3, contact: None };
        assert_eq!(head("{}").unwrap().0, Some(Side::Closed(place)));
        let error = resolve("{\"list_ids\":[\n1,],").unwrap_err();
        assert_eq!(error.position(), Some(Position { offset: 15, line: 2, column: 2, contact: None }));
    }

    #[test]
    fn tails() {
        let origin = Position { offset: 100, line: 1, column: 101, contact: None };
        let tail = |text: &str, end| -> Result<Option<u64>> {
            let mut reader = EnvelopeReader::tail("x", EnvelopeMembers::default(), origin);
            match reader.feed(text.as_bytes())? {
                Some(Side::Closed(place)) => Ok(Some(place.offset - 100)),
                Some(Side::Contacts(_)) => panic!("contacts behind the contacts"),
                None => reader.finish(end).map(|()| None),
            }
        };
        assert_eq!(tail(" }\n ", End::Input).unwrap(), Some(2));
        assert_eq!(tail(r#","list_ids":[1]}"#, End::Input).unwrap(), Some(16));
        assert!(tail(",}", End::Input).is_err());
        assert!(tail(r#","import_data":[]}"#, End::Input).is_err());
        assert!(tail(r#" // x"#, End::Input).is_err());
        for cut in ["", ",", ",\"list", ",\"list_ids\":[1", ",\"list_ids\":[1]", ",\"x\":1"] {
            assert!(tail(cut, End::Input).is_err(), "{cut}");
            assert_eq!(tail(cut, End::Limit).unwrap(), None, "{cut}");
        }
        for (broken, at, fault) in [
            (",\"a\":1 // x\n,", 107, Fault::Comment),
            (",\"a\":1]", 106, Fault::Expected("a comma or }")),
            ("x", 100, Fault::Expected("a comma or }")),
            (",\"a\":NaN,", 105, Fault::NotAValue("NaN")),
            (",\"a\n\":1,", 103, Fault::Control(b'\n')),
            (",,", 101, Fault::Expected("a member name in double quotes")),
            (",\"a\":[1,],", 107, Fault::TrailingComma),
        ] {
            match tail(broken, End::Input).unwrap_err().kind() {
                Kind::Syntax { position, fault: met, .. } => {
                    assert_eq!((position.offset, *met), (at, fault), "{broken}")
                }
                other => panic!("{broken}: {other:?}"),
            }
        }
    }

    /// White space may go on between all tokens, and positions stay right.
    #[test]
    fn long_white_space_is_not_held() {
        let space = " \n".repeat(5_000);
        let text =
            ["{", "\"x\"", ":", "[", "1", ",", "2", "]", ",", "\"list_ids\"", ":", "[", &format!("\"{A}\""), "]"]
                .join(&space);
        let whole = format!("{text}{space},\"import_data\"{space}:{space}[");
        let mut reader = EnvelopeReader::head("x", Position { offset: 1, line: 1, column: 2, contact: None });
        let mut side = None;
        for piece in whole.as_bytes()[1..].chunks(999) {
            side = reader.feed(piece).unwrap();
            assert!(reader.text.len() < 20_000, "{}", reader.text.len());
        }
        let end = Position { offset: 0, line: 1, column: 1, contact: None }.after(whole.as_bytes());
        assert_eq!(side, Some(Side::Contacts(end)));
        let (envelope, told) = reader.into_found().resolve("x", &EnvelopeOverrides::default(), true).unwrap();
        assert_eq!(envelope.list_ids, [A]);
        let x = Position { offset: 0, line: 1, column: 1, contact: None }.after(format!("{{{space}").as_bytes());
        assert_eq!(told[0].position, x);
        let broken = format!("{text}{space}x,");
        let at = broken.len() as u64 - 2;
        assert_eq!(resolve(&broken).unwrap_err().position().unwrap().offset, at);
    }

    #[test]
    fn many_unknown_members_are_refused() {
        let members = |n: usize| {
            let members: String = (0..n).map(|i| format!("\"x{i}\":{i},")).collect();
            format!(r#"{{{members}"list_ids":["{A}"],"import_data":["#)
        };
        assert_eq!(resolve(&members(UNKNOWN_MAX)).unwrap().1.len(), UNKNOWN_MAX);
        let error = resolve(&members(UNKNOWN_MAX + 1)).unwrap_err();
        assert!(error.to_string().contains("more than 1000 members"), "{error}");
    }

    #[test]
    fn lists_behind_the_last_that_fits_are_not_looked_at() {
        let ids: Vec<String> = (0..60).map(|i| format!("\"{i:08}-a579-43c5-bb1a-58ed29bf0a6a\"")).collect();
        let text = |rest: &str| format!(r#"{{"list_ids":[{}{rest}],"import_data":["#, ids[..51].join(","));
        for rest in ["", ",\"no list\"", ",\"no list\",7"] {
            assert_eq!(code(&text(rest)), Code::ENV003, "{rest}");
        }
        // Repeats do not count.
        let repeats = format!(r#"{{"list_ids":[{},{}],"import_data":["#, ids[..50].join(","), ids[..50].join(","));
        assert_eq!(resolve(&repeats).unwrap().0.list_ids.len(), 50);
    }

    #[test]
    fn options_take_the_place_of_members() {
        let (_, found) = head(r#"{"list_ids":7,"sms_permission_to_send":8,"import_data":[]}"#).unwrap();
        let asked = EnvelopeOverrides { list_ids: vec![A.into()], sms_permission: Some(SmsPermission::NotSet) };
        let (envelope, _) = found.resolve("x", &asked, true).unwrap();
        assert_eq!((envelope.list_ids.len(), envelope.sms_permission), (1, Some(SmsPermission::NotSet)));
    }
}
