//! The members around the contacts: `list_ids`, `sms_permission_to_send`, and whatever else stands there.
//!
//! They may stand before the contacts or behind them. Whoever reads hands the bytes before the contacts to
//! [`Found::head`] and those behind to [`Found::tail`]; [`Found::resolve`] makes an [`Envelope`] of what was found and what
//! was asked for.

use crate::error::{Error, Kind, Result};
use crate::finding::Code;
use crate::position::Position;
use crate::rules::envelope::LISTS_MAX;
use crate::syntax::{Cursor, Fault, SyntaxError, unescape};
use serde::{Deserialize, Serialize};

/// Most bytes that may stand before the contacts, or behind them.
pub const AROUND_MAX: usize = 16 << 20;

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

/// What options say about the envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Lists that take the place of the body's.
    pub list_ids: Vec<String>,
    /// Permission that takes the place of the body's.
    pub sms_permission: Option<SmsPermission>,
}

/// Something about the envelope that does not stop the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The rule.
    pub code: Code,
    /// Where.
    pub position: Position,
    /// The member.
    pub field: String,
    /// Its value: a text, or JSON.
    pub value: Option<TellValue>,
    /// What it became.
    pub to: Option<String>,
}

/// A value that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TellValue {
    /// The text of a string.
    Text(String),
    /// JSON, as it stands in the body.
    Json(String),
}

/// A member's value as it stands in the body.
#[derive(Debug, Clone)]
struct Raw {
    position: Position,
    json: Vec<u8>,
}

/// The members that were found around the contacts.
#[derive(Debug, Clone, Default)]
pub struct Found {
    list_ids: Option<Raw>,
    sms_permission: Option<Raw>,
    unknown: Vec<(String, Raw)>,
}

/// How far the bytes before the contacts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// The contacts begin at this index, behind their `[`.
    Contacts(usize),
    /// The object ended without contacts.
    None,
}

/// Where the bytes that are given end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where the input does.
    Input,
    /// At the limit, behind which the input goes on.
    Limit,
    /// Somewhere: more can be had.
    Open,
}

impl Found {
    /// Reads the start of a body, from its `{` at index `start` of `bytes`, which begin the input. `Ok(None)`: more bytes are
    /// needed.
    ///
    /// # Errors
    /// Broken syntax, a member given twice, `import_data` that is no array.
    pub fn head(&mut self, input: &str, bytes: &[u8], start: usize, end: End) -> Result<Option<Head>> {
        *self = Found::default();
        let origin = Position { offset: 0, line: 1, column: 1, contact: None };
        let mut cursor = Cursor::new(bytes);
        cursor.at = start + 1;
        cursor.skip_space();
        let first =
            if cursor.peek() == Some(b'}') { Ok(None) } else { self.members(input, &mut cursor, bytes, origin) };
        match self.outcome(first, input, bytes, origin, end)? {
            Some(Some(at)) => Ok(Some(Head::Contacts(at))),
            Some(None) => Ok(Some(Head::None)),
            None => Ok(None),
        }
    }

    /// Reads what stands behind the contacts of a body: `bytes` begin behind their `]`, at `origin`. Gives the index behind the
    /// body's `}`; none: more bytes are needed. After an error or none, nothing in `self` is to be relied on.
    ///
    /// # Errors
    /// Broken syntax, a member given twice, an input that ends here.
    pub fn tail(&mut self, input: &str, bytes: &[u8], origin: Position, end: End) -> Result<Option<usize>> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip_space();
        let read = match cursor.peek() {
            Some(b'}') => Ok(None),
            _ => match cursor.expect(b',', "a comma or }") {
                Ok(()) => {
                    cursor.skip_space();
                    self.members(input, &mut cursor, bytes, origin)
                }
                Err(error) => Err(Stop::Syntax(error)),
            },
        };
        match self.outcome(read, input, bytes, origin, end)? {
            Some(Some(at)) => Err(Error::envelope(Code::ENV011, input, Some(origin.after(&bytes[..at])), IMPORT_DATA)),
            Some(None) => Ok(Some(cursor.at + 1)),
            None => Ok(None),
        }
    }

    /// Makes sure that nothing but white space stands behind a document.
    ///
    /// # Errors
    /// Something does.
    pub fn nothing_behind(input: &str, bytes: &[u8], origin: Position) -> Result<()> {
        let mut cursor = Cursor::new(bytes);
        only_space(&mut cursor).map_err(|error| syntax_error(input, bytes, origin, error))
    }

    /// Members up to the closing brace (`None`, the cursor on it) or to the `[` of the contacts (`Some`, behind it).
    fn members(
        &mut self,
        input: &str,
        cursor: &mut Cursor<'_>,
        bytes: &[u8],
        origin: Position,
    ) -> std::result::Result<Option<usize>, Stop> {
        loop {
            let name_at = cursor.at;
            let name = cursor.name().map_err(Stop::Syntax)?;
            let name = unescape(&bytes[name]);
            let twice = |name: &str| {
                let position = origin.after(&bytes[..name_at]);
                Stop::Error(Error::envelope(Code::ENV011, input, Some(position), name))
            };
            if name == IMPORT_DATA {
                return match cursor.peek() {
                    Some(b'[') => Ok(Some(cursor.at + 1)),
                    None => Err(Stop::Syntax(SyntaxError { at: cursor.at, fault: Fault::End })),
                    Some(_) => {
                        // Broken syntax is told as such.
                        let kind = crate::syntax::Kind::of(bytes[cursor.at]);
                        if kind != crate::syntax::Kind::Object {
                            cursor.value().map_err(Stop::Syntax)?;
                        }
                        let position = origin.after(&bytes[..name_at]);
                        let detail = format!("it is {}", kind.name());
                        Err(Stop::Error(Error::envelope(Code::ENV010, input, Some(position), detail)))
                    }
                };
            }
            let value = cursor.value().map_err(Stop::Syntax)?;
            let raw = Raw { position: origin.after(&bytes[..name_at]), json: bytes[value].to_vec() };
            let place = match &*name {
                LIST_IDS => &mut self.list_ids,
                SMS_PERMISSION => &mut self.sms_permission,
                _ => {
                    if self.unknown.iter().any(|(unknown, _)| *unknown == name) {
                        return Err(twice(&name));
                    }
                    self.unknown.push((name.clone().into_owned(), raw.clone()));
                    &mut None
                }
            };
            if place.is_some() {
                return Err(twice(&name));
            }
            *place = Some(raw);
            cursor.skip_space();
            if cursor.peek() == Some(b'}') {
                return Ok(None);
            }
            cursor.expect(b',', "a comma or }").map_err(Stop::Syntax)?;
            cursor.skip_space();
        }
    }

    /// Tells "more bytes are needed" (`None`) from an error.
    fn outcome<T>(
        &self,
        read: std::result::Result<T, Stop>,
        input: &str,
        bytes: &[u8],
        origin: Position,
        end: End,
    ) -> Result<Option<T>> {
        let utf8 = std::str::from_utf8(bytes);
        match read {
            Ok(done) => Ok(Some(done)),
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::Syntax(error)) if error.fault == Fault::End && end != End::Input => {
                if bytes.len() <= AROUND_MAX {
                    return Ok(None);
                }
                let what = format!("more than {AROUND_MAX} bytes stand around the contacts: take them out of the body");
                Err(Kind::TooLarge { input: input.to_owned(), position: origin, what }.into())
            }
            Err(Stop::Syntax(error)) => {
                let error = match utf8 {
                    Err(utf8) if utf8.valid_up_to() < error.at => {
                        SyntaxError { at: utf8.valid_up_to(), fault: Fault::Utf8 }
                    }
                    _ => error,
                };
                Err(syntax_error(input, bytes, origin, error))
            }
        }
    }

    /// True when the envelope is all there for someone who asks so: lists that are needed, and the permission.
    #[must_use]
    pub fn is_enough(&self, asked: &Asked, lists_needed: bool) -> bool {
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

    /// What is to be told of members that `self` has beyond `before`.
    #[must_use]
    pub fn told_behind(&self, before: &Found) -> Vec<Told> {
        self.unknown[before.unknown.len().min(self.unknown.len())..].iter().map(Found::told_unknown).collect()
    }

    fn told_unknown((name, raw): &(String, Raw)) -> Told {
        let value = match &raw.json[..] {
            [b'"', inside @ .., b'"'] => TellValue::Text(unescape(inside).into_owned()),
            json => TellValue::Json(String::from_utf8_lossy(json).into_owned()),
        };
        Told { code: Code::ENV008, position: raw.position, field: name.clone(), value: Some(value), to: None }
    }

    /// The envelope, from what was asked for and, where nothing was, what was found.
    ///
    /// # Errors
    /// A breach of the envelope's rules.
    pub fn resolve(&self, input: &str, asked: &Asked, lists_needed: bool) -> Result<(Envelope, Vec<Told>)> {
        let mut told = Vec::new();
        let lists = if !asked.list_ids.is_empty() {
            check_lists("--list-id", &asked.list_ids, None, &mut told)?
        } else if let Some(raw) = &self.list_ids {
            let fail = |detail: &str| Error::envelope(Code::ENV002, input, Some(raw.position), detail);
            let json: serde_json::Value = match serde_json::from_slice(&raw.json) {
                Ok(json) => json,
                Err(error) => return Err(fail(&error.to_string())),
            };
            let kind = crate::syntax::Kind::of(raw.json[0]).name();
            let ids = json.as_array().ok_or_else(|| fail(&format!("it is {kind}")))?;
            let ids: Option<Vec<String>> = ids.iter().map(|id| id.as_str().map(str::to_owned)).collect();
            let ids = ids.ok_or_else(|| fail("not all of it is strings"))?;
            check_lists(input, &ids, Some(raw.position), &mut told)?
        } else if lists_needed {
            return Err(Error::envelope(Code::ENV001, input, None, ""));
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
                        return Err(Error::envelope(Code::ENV007, input, Some(raw.position), format!("it is {text}")));
                    }
                },
            },
        };
        told.extend(self.unknown.iter().map(Found::told_unknown));
        told.sort_by_key(|told| told.position.offset);
        Ok((Envelope { list_ids: lists, sms_permission }, told))
    }
}

/// What ends the reading of members.
enum Stop {
    Syntax(SyntaxError),
    Error(Error),
}

fn only_space(cursor: &mut Cursor<'_>) -> std::result::Result<(), SyntaxError> {
    cursor.skip_space();
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(SyntaxError { at: cursor.at, fault: Fault::Trailing }),
    }
}

fn syntax_error(input: &str, bytes: &[u8], origin: Position, error: SyntaxError) -> Error {
    let position = origin.after(&bytes[..error.at.min(bytes.len())]);
    Kind::Syntax { input: input.to_owned(), position, fault: error.fault }.into()
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn check_lists(input: &str, ids: &[String], position: Option<Position>, told: &mut Vec<Told>) -> Result<Vec<String>> {
    let mut lists: Vec<String> = Vec::new();
    for id in ids {
        if !is_uuid(id) {
            let shown: String = id.chars().take(60).collect();
            return Err(Error::envelope(Code::ENV004, input, position, format!("{shown:?}")));
        }
        let lower = id.to_ascii_lowercase();
        let mut tell = |code, to| {
            let position = position.unwrap_or_default();
            told.push(Told {
                code,
                position,
                field: LIST_IDS.to_owned(),
                value: Some(TellValue::Text(id.clone())),
                to,
            });
        };
        if lists.contains(&lower) {
            tell(Code::ENV005, None);
            continue;
        }
        if lower != *id {
            tell(Code::ENV006, Some(lower.clone()));
        }
        lists.push(lower);
    }
    if lists.is_empty() || lists.len() > LISTS_MAX {
        return Err(Error::envelope(Code::ENV003, input, position, format!("it names {}", lists.len())));
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

    fn head(text: &str) -> Result<(Option<Head>, Found)> {
        let mut found = Found::default();
        let head = found.head("x", text.as_bytes(), 0, End::Input)?;
        Ok((head, found))
    }

    fn resolve(text: &str) -> Result<(Envelope, Vec<Told>)> {
        head(text)?.1.resolve("x", &Asked::default(), true)
    }

    fn code(text: &str) -> Code {
        match resolve(text).unwrap_err().kind() {
            Kind::Envelope { code, .. } => *code,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn good_envelopes() {
        let upper = A.to_uppercase();
        let text = format!(
            r#" {{"x":1, "list_ids" : ["{upper}","{A}"],"sms_permission_to_send":"explicit","import_data": [{{"#
        );
        let mut found = Found::default();
        let at = found.head("x", text.as_bytes(), 1, End::Input).unwrap();
        assert_eq!(at, Some(Head::Contacts(text.len() - 1)));
        let (envelope, told) = found.resolve("x", &Asked::default(), true).unwrap();
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
        assert_eq!(head("{}").unwrap().0, Some(Head::None));
        let error = resolve("{\"list_ids\":[\n1,],").unwrap_err();
        assert_eq!(error.position(), Some(Position { offset: 15, line: 2, column: 2, contact: None }));
    }

    #[test]
    fn tails() {
        let origin = Position { offset: 100, line: 1, column: 101, contact: None };
        let tail = |text: &str, end| Found::default().tail("x", text.as_bytes(), origin, end);
        assert_eq!(tail(" }\n ", End::Input).unwrap(), Some(2));
        assert_eq!(tail(r#","list_ids":[1]}"#, End::Input).unwrap(), Some(16));
        assert!(Found::nothing_behind("x", b"\n ", origin).is_ok());
        assert!(Found::nothing_behind("x", b"\n }", origin).is_err());
        assert!(tail(",}", End::Input).is_err());
        assert!(tail(r#","import_data":[]}"#, End::Input).is_err());
        for cut in ["", ",", ",\"list", ",\"list_ids\":[1", ",\"list_ids\":[1]"] {
            assert!(tail(cut, End::Input).is_err(), "{cut}");
            assert_eq!(tail(cut, End::Open).unwrap(), None, "{cut}");
            assert_eq!(tail(cut, End::Limit).unwrap(), None, "{cut}");
        }
    }

    #[test]
    fn options_take_the_place_of_members() {
        let (_, found) = head(r#"{"list_ids":7,"sms_permission_to_send":8,"import_data":[]}"#).unwrap();
        let asked = Asked { list_ids: vec![A.into()], sms_permission: Some(SmsPermission::NotSet) };
        let (envelope, _) = found.resolve("x", &asked, true).unwrap();
        assert_eq!((envelope.list_ids.len(), envelope.sms_permission), (1, Some(SmsPermission::NotSet)));
    }
}
