//! An object that holds the contacts in some array, as the answers of most services do: `{"results":[...],"paging":{...}}`.
//!
//! A [`Walker`] goes over everything but the contacts. It stops where they begin, at the array that a pointer names, and goes on behind
//! it. Long because the states and what each token does to them belong together. Without a pointer it surveys the object: which arrays of objects there are, and what else tells what the object is. It is fed
//! pieces of any size and holds one name at most; values that do not matter are skipped by the splitter, at its speed.

use super::pages::Pages;
use crate::document::envelope::{IMPORT_DATA, is_member};
use crate::document::format::is_of_a_person;
use crate::json::pointer::Pointer;
use crate::json::split::{Layout, Span, Splitter, Status};
use crate::json::syntax::{self, unescape};
use crate::mapping::is_address_name;
use crate::model::error::{Error, Kind, Result};
use crate::model::fault::Fault;
use crate::model::member::{JsonKind, MemberId};
use crate::model::position::Position;

/// Bytes of a name, or of a value, that are kept, unless a name in the pointer is longer.
const KEPT: usize = 1_000;
/// Objects within objects that are looked into for signs of further pages, the outermost counted.
const LOOK_INTO: usize = 4;
/// Names that an error lists.
const LISTED: usize = 12;
/// Arrays that a survey keeps.
const CANDIDATES_MAX: usize = 500;
/// Most bytes that the splitter gets at once.
const SLICE: usize = 128 << 10;

/// What the walker came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The contacts begin here, behind their `[`.
    Records(Position),
    /// The outermost value ended.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The outermost value, or an element of an array, or the value of a member.
    Value,
    /// Behind `[`: an element or `]`.
    FirstElement,
    /// Behind `{`: a member or `}`.
    FirstMember,
    /// Behind a comma in an object.
    Member,
    Name,
    Colon,
    /// In a string that is a value.
    Text,
    /// In a number or a word.
    Scalar,
    /// Behind the `[` of an array that may hold contacts.
    Peek,
    /// In a value that the splitter skips.
    Skip,
    /// In an array of objects, whose elements the splitter counts.
    Count,
    /// The caller reads the contacts.
    Records,
    /// Behind a value.
    Behind,
    /// Behind the outermost value.
    Closed,
}

#[derive(Debug, Clone)]
struct Frame {
    is_object: bool,
    /// How many names of the pointer lead here, if all of them do.
    on: Option<usize>,
    /// Elements so far, of an array.
    index: u64,
    /// The member or element that this is.
    name: String,
    /// Where that name is.
    at: Position,
}

/// An array of objects, or an empty array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is.
    pub pointer: String,
    /// It is a member of the outermost object.
    pub is_near: bool,
    /// Objects in it, as far as it was read.
    pub objects: u64,
}

/// What the members of an object tell about it.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// Arrays that may hold the contacts, up to a few hundred.
    pub candidates: Vec<Candidate>,
    /// It is a request body.
    pub is_body: bool,
    /// It is a contact: a member identifies it, under the contract's name or with an address under a common one.
    pub is_contact: bool,
    /// Addresses within its objects, up to two.
    pub addresses: u8,
}

impl Survey {
    /// The array that holds the contacts: the only one of objects at depth 1, or the only empty one. None if there is no array that
    /// could be it.
    #[must_use]
    pub fn records(&self) -> Option<std::result::Result<Pointer, String>> {
        let all = &self.candidates;
        let of = |is: fn(&Candidate) -> bool| all.iter().filter(|one| is(one)).collect::<Vec<_>>();
        let near = of(|one| one.is_near && one.objects > 0);
        let empty = of(|one| one.is_near && one.objects == 0);
        let far = of(|one| !one.is_near && one.objects > 0);
        let (what, listed) = match (&near[..], &far[..], &empty[..]) {
            ([one], ..) | ([], [], [one]) => return Some(Pointer::parse(&one.pointer)),
            ([], [], []) => return None,
            ([], [], _) => ("the arrays in this object are empty, and any could be that of the contacts", &empty),
            ([], ..) => ("no array of objects is a member of this object, and the contacts may stand deeper", &far),
            _ => ("several arrays of objects are in this object", &near),
        };
        let names = listed.iter().take(LISTED).map(|one| {
            let plural = if one.objects == 1 { "" } else { "s" };
            let pointer: String = one.pointer.chars().take(80).collect();
            format!("{pointer} ({} object{plural})", one.objects)
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let more = if listed.len() > LISTED { format!(" and {} more", listed.len() - LISTED) } else { String::new() };
        let example: String = listed[0].pointer.chars().take(80).collect();
        Some(Err(format!("{what}: {names}{more}; name the one with the contacts, like --records {example}")))
    }
}

/// See the [module](self).
#[derive(Debug, Clone)]
pub struct Walker {
    input: String,
    /// Where the contacts are; none for a survey.
    wanted: Option<Pointer>,
    /// Another document may follow.
    is_series: bool,
    state: State,
    stack: Vec<Frame>,
    /// The current name or value, as far as it is kept.
    text: Vec<u8>,
    kept_max: usize,
    is_cut: bool,
    escaped: bool,
    /// Where the current name or value began.
    began: Position,
    /// The name of the value that comes, and where it is.
    key: String,
    key_at: Position,
    at: Position,
    splitter: Option<Splitter>,
    /// The splitter is in the last candidate.
    is_counted: bool,
    /// Bytes for the splitter at once.
    slice: usize,
    spans: Vec<Span>,
    is_found: bool,
    /// Names of the pointer that led somewhere, and what is there.
    deepest: usize,
    there: Vec<String>,
    more_there: u64,
    there_kind: JsonKind,
    /// What was found in a survey.
    pub survey: Survey,
    /// Signs of further pages.
    pub pages: Pages,
}

impl Walker {
    /// A walker that begins at `at`. With a pointer it stops at that array; without one it surveys the object.
    #[must_use]
    pub fn new(input: &str, wanted: Option<Pointer>, at: Position) -> Self {
        let longest = wanted.iter().flat_map(|pointer| pointer.tokens()).map(String::len).max().unwrap_or(0);
        Walker {
            input: input.to_owned(),
            wanted,
            is_series: false,
            state: State::Value,
            stack: Vec::new(),
            text: Vec::new(),
            // Each byte of a name may be written as an escape of six.
            kept_max: KEPT + 6 * longest,
            is_cut: false,
            escaped: false,
            began: at,
            key: String::new(),
            key_at: at,
            at: Position { contact: None, ..at },
            splitter: None,
            is_counted: false,
            slice: 0,
            spans: Vec::new(),
            is_found: false,
            deepest: 0,
            there: Vec::new(),
            more_there: 0,
            there_kind: JsonKind::Null,
            survey: Survey::default(),
            pages: Pages::default(),
        }
    }

    /// Lets another document follow the first, with its contacts at the same place: pages that were joined.
    #[must_use]
    pub fn series(mut self) -> Self {
        self.is_series = true;
        self
    }

    /// Offset of the byte that the next piece must begin with.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at.offset
    }

    /// Where that byte is.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at
    }

    /// True between documents, where the input may end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Goes on behind the `]` of the contacts, which is before `at`.
    pub fn resume(&mut self, at: Position) {
        self.at = Position { contact: None, ..at };
        self.value_ended();
    }

    /// The error of an input that ends here.
    #[must_use]
    pub fn cut_off(&self) -> Error {
        self.syntax(self.at, Fault::End)
    }

    /// Reads a piece. Returns what it came to, or `None` if it needs more bytes.
    ///
    /// # Errors
    /// Broken syntax, or a pointer that leads to no array of contacts.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Event>> {
        let (mut done, mut i) = (0, 0);
        while i < bytes.len() {
            match self.state {
                State::Skip | State::Count => {
                    self.move_to(bytes, &mut done, i);
                    i += self.skip(&bytes[i..])?;
                    self.move_to(bytes, &mut done, i);
                    continue;
                }
                State::Name | State::Text => {
                    i += self.string(&bytes[i..]);
                    continue;
                }
                State::Scalar => {
                    let rest = &bytes[i..];
                    let len = rest.iter().position(|b| b" \t\n\r,]}[{\"".contains(b)).unwrap_or(rest.len());
                    self.keep(&rest[..len]);
                    i += len;
                    if len < rest.len() {
                        self.scalar_ended()?;
                    }
                    continue;
                }
                State::Records => break,
                _ => {}
            }
            let byte = bytes[i];
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                self.move_to(bytes, &mut done, i);
                let event = self.token(byte)?;
                // The first byte of a value that the splitter reads is read again.
                if !matches!(self.state, State::Skip | State::Scalar | State::Count) {
                    i += 1;
                    self.move_to(bytes, &mut done, i);
                }
                if let Some(event) = event {
                    return Ok(Some(match event {
                        Event::Records(_) => Event::Records(self.at),
                        event => event,
                    }));
                }
                continue;
            }
            i += 1;
        }
        self.move_to(bytes, &mut done, i);
        Ok(None)
    }

    fn move_to(&mut self, bytes: &[u8], done: &mut usize, to: usize) {
        self.at = self.at.after(&bytes[*done..to]);
        *done = to;
    }

    /// Takes a byte between values.
    fn token(&mut self, byte: u8) -> Result<Option<Event>> {
        let expected = |what| Err(self.syntax(self.at, Fault::Expected(what)));
        match (self.state, byte) {
            (State::FirstElement, b']') => return Ok(self.close()),
            (State::Value, b']') if self.stack.last().is_some_and(|frame| !frame.is_object) => {
                return Err(self.syntax(self.at, Fault::TrailingComma));
            }
            (State::Value | State::FirstElement, _) => return self.value(byte),
            (State::FirstMember, b'}') => return self.close_object(),
            (State::Member, b'}') => return Err(self.syntax(self.at, Fault::TrailingComma)),
            (State::FirstMember | State::Member, b'"') => {
                self.begin_text(State::Name);
            }
            (State::FirstMember | State::Member, _) => return expected("a member name in double quotes"),
            (State::Colon, b':') => self.state = State::Value,
            (State::Colon, _) => return expected("a colon"),
            (State::Peek, _) => self.peeked(byte),
            (State::Behind, b',') => {
                let Some(frame) = self.stack.last_mut() else { return Ok(None) };
                frame.index += 1;
                self.state = if frame.is_object { State::Member } else { State::Value };
            }
            (State::Behind, b'}') if self.stack.last().is_some_and(|frame| frame.is_object) => {
                return self.close_object();
            }
            (State::Behind, b']') if self.stack.last().is_some_and(|frame| !frame.is_object) => return Ok(self.close()),
            (State::Behind, _) => {
                let in_object = self.stack.last().is_some_and(|frame| frame.is_object);
                return expected(if in_object { "a comma or }" } else { "a comma or ]" });
            }
            // Byte-order marks, where files were joined.
            (State::Closed, 0xef | 0xbb | 0xbf) => {}
            (State::Closed, b'{' | b'[') if self.is_series => {
                self.is_found = false;
                (self.deepest, self.more_there) = (0, 0);
                self.there.clear();
                self.pages.another_document();
                self.state = State::Value;
                return self.value(byte);
            }
            (State::Closed, b'{' | b'[') => {
                return Err(self.syntax(self.at, Fault::Follows("another document follows")));
            }
            (State::Closed, _) => return Err(self.syntax(self.at, Fault::Trailing)),
            _ => {}
        }
        Ok(None)
    }

    fn begin_text(&mut self, state: State) {
        self.state = state;
        self.text.clear();
        (self.is_cut, self.escaped) = (false, false);
        self.began = self.at;
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.kept_max - self.text.len();
        self.is_cut |= bytes.len() > room;
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Takes bytes of a string, and returns how many.
    fn string(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            self.keep(&bytes[..1]);
            return 1;
        }
        let plain = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        self.keep(&bytes[..plain]);
        match bytes.get(plain) {
            None => return plain,
            Some(b'\\') => {
                self.keep(b"\\");
                self.escaped = true;
            }
            Some(_) if self.state == State::Name => self.name_ended(),
            Some(_) => {
                let text = std::mem::take(&mut self.text);
                self.told(JsonKind::String, &unescape(&text));
                self.text = text;
                self.value_ended();
            }
        }
        plain + 1
    }

    fn name_ended(&mut self) {
        self.state = State::Colon;
        self.key_at = self.began;
        // A name that was cut is none that is looked for.
        self.key = unescape(&self.text).into_owned();
        if self.is_cut {
            self.key.push_str("...");
        }
        if self.stack.len() == 1 {
            let id = MemberId::of(&self.key);
            self.survey.is_contact |= is_of_a_person(id);
            self.survey.is_body |= is_member(&self.key) || self.key == IMPORT_DATA;
        }
    }

    /// How many names of the pointer lead to the value that begins, if all of them do.
    fn on_path(&self) -> Option<usize> {
        let wanted = self.wanted.as_ref()?;
        let Some(parent) = self.stack.last() else { return Some(0) };
        let on = parent.on?;
        let token = wanted.tokens().get(on)?;
        let is_next = match parent.is_object {
            true => !self.is_cut && *token == self.key,
            false => *token == parent.index.to_string(),
        };
        is_next.then_some(on + 1)
    }

    /// A value begins.
    fn value(&mut self, byte: u8) -> Result<Option<Event>> {
        let on = self.on_path();
        let kind = JsonKind::of(byte);
        self.note(on, kind);
        let is_wanted = on.is_some() && on == self.wanted.as_ref().map(|wanted| wanted.tokens().len());
        let is_inside_objects = self.stack.iter().all(|frame| frame.is_object);
        let is_near = is_inside_objects && self.stack.len() < LOOK_INTO;
        match byte {
            b'[' if is_wanted => {
                if self.is_found {
                    let what = format!("{} is there twice: keep the one that is meant", self.pointer());
                    return Err(self.not_contacts(what));
                }
                self.is_found = true;
                self.state = State::Records;
                return Ok(Some(Event::Records(self.at)));
            }
            b'[' if self.wanted.is_none() && is_near && !self.stack.is_empty() => self.state = State::Peek,
            b'{' if on.is_some() || is_near => self.push(true, on, State::FirstMember),
            b'[' if on.is_some() => self.push(false, on, State::FirstElement),
            b'{' | b'[' => {
                self.state = State::Skip;
                self.slice = 64;
                self.splitter = Some(Splitter::new(Layout::Array, self.at.offset, 1, 0));
            }
            b'"' => self.begin_text(State::Text),
            _ => self.begin_text(State::Scalar),
        }
        Ok(None)
    }

    fn push(&mut self, is_object: bool, on: Option<usize>, state: State) {
        let name = match self.stack.last() {
            Some(parent) if !parent.is_object => parent.index.to_string(),
            _ => std::mem::take(&mut self.key),
        };
        self.stack.push(Frame { is_object, on, index: 0, name, at: self.key_at });
        self.state = state;
    }

    /// Remembers what stands where the pointer leads, for the error if it leads no further.
    fn note(&mut self, on: Option<usize>, kind: JsonKind) {
        if self.wanted.is_none() {
            return;
        }
        if let Some(on) = on
            && (on > self.deepest || self.stack.is_empty())
        {
            (self.deepest, self.more_there, self.there_kind) = (on, 0, kind);
            self.there.clear();
            return;
        }
        let Some(parent) = self.stack.last().filter(|parent| parent.on == Some(self.deepest)) else { return };
        if parent.is_object && self.there.len() < LISTED {
            let name: String = self.key.chars().take(60).collect();
            self.there.push(format!(
                "{} ({})",
                Pointer::member(&name).to_string().trim_start_matches('/'),
                kind.name()
            ));
        } else {
            self.more_there += 1;
        }
    }

    /// A scalar was read.
    fn told(&mut self, kind: JsonKind, text: &str) {
        let path: Vec<&str> = self.stack.iter().skip(1).map(|frame| frame.name.as_str()).collect();
        let is_member = self.stack.iter().all(|frame| frame.is_object) && !self.stack.is_empty();
        if is_member && self.stack.len() <= LOOK_INTO {
            self.pages.scalar(&path, &self.key, kind, text, self.key_at);
            let survey = &mut self.survey;
            let is_open = self.wanted.is_none() && !survey.is_contact && survey.addresses < 2;
            if is_open && kind == JsonKind::String && text.contains('@') && is_address_name(&self.key) {
                survey.is_contact |= self.stack.len() == 1;
                survey.addresses += 1;
            }
        }
    }

    fn scalar_ended(&mut self) -> Result<()> {
        let text = std::mem::take(&mut self.text);
        if !self.is_cut
            && let Err(error) = syntax::check(&text)
        {
            let fault = if error.fault == Fault::End { Fault::Expected("a value") } else { error.fault };
            return Err(self.syntax(self.began.after(&text[..error.at.min(text.len())]), fault));
        }
        let kind = JsonKind::of(text.first().copied().unwrap_or(b'n'));
        self.told(kind, &String::from_utf8_lossy(&text));
        self.text = text;
        self.value_ended();
        Ok(())
    }

    fn value_ended(&mut self) {
        self.state = if self.stack.is_empty() { State::Closed } else { State::Behind };
    }

    /// The first byte in an array that may hold contacts.
    fn peeked(&mut self, byte: u8) {
        let is_near = self.stack.len() == 1;
        let names = self.stack.iter().skip(1).map(|frame| frame.name.as_str()).chain([self.key.as_str()]);
        let pointer: String = names.map(|name| Pointer::member(name).to_string()).collect();
        let is_one = matches!(byte, b'{' | b']') && self.survey.candidates.len() < CANDIDATES_MAX;
        if is_one {
            self.survey.candidates.push(Candidate { pointer, is_near, objects: 0 });
        }
        if byte == b']' {
            return self.value_ended();
        }
        self.state = State::Count;
        self.is_counted = is_one;
        self.slice = 64;
        self.splitter = Some(Splitter::new(Layout::Array, self.at.offset, 1, 0));
    }

    /// Has the splitter read on in a value or array that is skipped, and returns how many bytes it took.
    fn skip(&mut self, bytes: &[u8]) -> Result<usize> {
        let Some(splitter) = &mut self.splitter else { return Ok(0) };
        let start = splitter.offset();
        let piece = &bytes[..bytes.len().min(self.slice)];
        self.slice = (self.slice * 2).min(SLICE);
        self.spans.clear();
        let status = splitter.feed(piece, &mut self.spans);
        let end = match (self.state, self.spans.first(), status) {
            (State::Skip, Some(span), _) => Some(span.end),
            (State::Count, _, Ok(Status::End(end))) => Some(end),
            (_, _, Ok(_)) => None,
            (_, _, Err(error)) => {
                let at = self.at.after(&bytes[..(error.at.max(start) - start) as usize]);
                if self.state == State::Count {
                    self.count();
                }
                return Err(self.syntax(at, error.fault));
            }
        };
        if self.state == State::Count {
            self.count();
        }
        let Some(end) = end else { return Ok(piece.len()) };
        self.splitter = None;
        self.value_ended();
        Ok((end - start) as usize)
    }

    fn count(&mut self) {
        if let (true, Some(splitter), Some(candidate)) =
            (self.is_counted, &self.splitter, self.survey.candidates.last_mut())
        {
            candidate.objects = splitter.spans();
        }
    }

    fn close_object(&mut self) -> Result<Option<Event>> {
        if let (Some(frame), Some(wanted)) = (self.stack.last(), &self.wanted)
            && frame.on == Some(wanted.tokens().len())
        {
            return Err(self.not_contacts(self.nowhere()));
        }
        if self.state != State::FirstMember && self.stack.iter().all(|frame| frame.is_object) {
            let path: Vec<&str> = self.stack.iter().skip(1).map(|frame| frame.name.as_str()).collect();
            let at = self.stack.last().map_or(self.at, |frame| frame.at);
            self.pages.object(&path, at);
        }
        let event = self.close();
        match event {
            Some(Event::Closed) if self.wanted.is_some() && !self.is_found => Err(self.not_contacts(self.nowhere())),
            event => Ok(event),
        }
    }

    fn close(&mut self) -> Option<Event> {
        self.stack.pop();
        self.value_ended();
        self.is_closed().then_some(Event::Closed)
    }

    fn pointer(&self) -> String {
        self.wanted.as_ref().map(Pointer::to_string).unwrap_or_default()
    }

    /// Why the pointer is of no use, and what is there instead.
    fn nowhere(&self) -> String {
        let Some(wanted) = &self.wanted else { return String::new() };
        let why = if self.deepest == wanted.tokens().len() { "leads to no array" } else { "leads nowhere" };
        let place = match self.deepest {
            0 => "the document".to_owned(),
            deepest => wanted.start(deepest).to_string(),
        };
        let what = match self.there_kind {
            JsonKind::Object if self.there.is_empty() => "has no members".to_owned(),
            JsonKind::Object => {
                let more = if self.more_there > 0 { format!(" and {} more", self.more_there) } else { String::new() };
                format!("has the members {}{more}", self.there.join(", "))
            }
            JsonKind::Array => "is an array: its elements are named by numbers from 0".to_owned(),
            kind => format!("is {}", kind.name()),
        };
        let name = if wanted.tokens().is_empty() { "--records \"\"".to_owned() } else { format!("--records {wanted}") };
        format!("{name} {why}: {place} {what}; name the array that holds the contacts")
    }

    fn not_contacts(&self, what: String) -> Error {
        Kind::NotContacts { input: self.input.clone(), what }.into()
    }

    fn syntax(&self, position: Position, fault: Fault) -> Error {
        Kind::Syntax { input: self.input.clone(), position, fault }.into()
    }
}

#[cfg(test)]
mod tests;
