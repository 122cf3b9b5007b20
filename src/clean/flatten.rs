//! A record of JSON as a row of cells: each value with its path.
//!
//! The path of `{"properties":{"email":"x"}}` is `properties/email`, with `~1` for a slash and `~0` for a tilde in a name, as in a
//! JSON pointer. An array of objects is an array of parts, as services write phone numbers and addresses: `{"kind":"home","value":"x"}`
//! in `phones` is `phones/home/value`, and `{"name":"Tier","value":"x"}` in `fields` is `fields/Tier`. Parts that do not say what
//! they are have the path of the array, from the second on with their number.
//!
//! Each value is visited once, and no path is kept: memory and time stay in proportion to the record.

use crate::clean::note;
use crate::json::pointer::Pointer;
use crate::json::syntax::{self, Cursor, unescape};
use crate::model::member::JsonKind;
use crate::model::printable::cut;
use std::borrow::Cow;
use std::ops::Range;

/// Containers deeper than this are one value. Exports have two or three levels.
const DEPTH_MAX: usize = 8;
/// Bytes of a path. A longer one is cut: nothing has such a name.
pub const PATH_MAX: usize = 1024;
/// Kinds of parts in an array whose parts are counted. Two parts of a further kind share a path, which rejects the record.
const PARTS_MAX: usize = 64;
/// Bytes of the longest kind.
const KIND_MAX: usize = 32;

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// All of its JSON.
    pub json: Range<usize>,
    /// What it is.
    pub kind: LeafKind,
}

/// What the value of a [`Leaf`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafKind {
    /// `null`, an empty array or an empty object.
    Nothing,
    /// A string without an escape.
    Plain,
    /// A string with an escape.
    Escaped,
    /// A number, `true` or `false`.
    Bare,
    /// An array of several values that are no containers.
    List,
    /// Any other container.
    Nested,
    /// The note of an earlier run, in a contact that was rejected.
    Note,
    /// The text of a cell of a table, which is no JSON.
    Cell,
}

impl Leaf {
    /// The text of the value in `record`.
    #[must_use]
    pub fn text<'r>(&self, record: &'r str) -> Cow<'r, str> {
        let json = &record[self.json.clone()];
        match self.kind {
            LeafKind::Nothing => Cow::Borrowed(""),
            LeafKind::Plain => Cow::Borrowed(&json[1..json.len() - 1]),
            LeafKind::Escaped => unescape(&json.as_bytes()[1..json.len() - 1]),
            LeafKind::Bare | LeafKind::Nested | LeafKind::Note | LeafKind::Cell => Cow::Borrowed(json),
            LeafKind::List => Cow::Owned(list_text(json)),
        }
    }
}

/// The elements of an array of values, as systems join them in one cell.
fn list_text(json: &str) -> String {
    let mut text = String::new();
    elements(json.as_bytes(), 0..json.len(), |element| {
        let one = leaf(json.as_bytes(), element).text(json).into_owned();
        if !one.is_empty() {
            if !text.is_empty() {
                text.push_str(" ::: ");
            }
            text.push_str(&one);
        }
    });
    text
}

/// Why a record has no cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCells {
    /// It is not valid JSON, or not an object.
    NoObject,
    /// The pointer leads to nothing, or to no object.
    NoContact,
}

/// Visits the values of a record in order, each with its path. `contact` names the object within it that is the contact.
///
/// # Errors
/// It is no object, or has none at `contact`. Nothing was visited.
pub fn flatten(record: &str, contact: Option<&Pointer>, mut visit: impl FnMut(&str, Leaf)) -> Result<(), NoCells> {
    let bytes = record.as_bytes();
    let mut object = syntax::check(bytes).map_err(|_| NoCells::NoObject)?;
    if bytes[object.start] != b'{' {
        return Err(NoCells::NoObject);
    }
    if let Some(pointer) = contact {
        for name in pointer.tokens() {
            object = inside(bytes, object, name).ok_or(NoCells::NoContact)?;
        }
        if bytes[object.start] != b'{' {
            return Err(NoCells::NoContact);
        }
    }
    let mut path = String::new();
    Walk { record, visit: &mut visit }.object(object, None, &mut path, 0);
    Ok(())
}

/// The value of a member or element.
fn inside(bytes: &[u8], container: Range<usize>, name: &str) -> Option<Range<usize>> {
    let mut found = None;
    match bytes[container.start] {
        b'{' => members(bytes, container, |key, value| {
            if unescape(&bytes[key]) == name {
                found = Some(value);
            }
        }),
        b'[' => {
            let (index, mut at) = (name.parse::<usize>().ok()?, 0);
            elements(bytes, container, |value| {
                if at == index {
                    found = Some(value);
                }
                at += 1;
            });
        }
        _ => {}
    }
    found
}

/// Visits the members of a valid object: name between its quotes, and value.
fn members(bytes: &[u8], object: Range<usize>, mut member: impl FnMut(Range<usize>, Range<usize>)) {
    let mut cursor = Cursor::new(&bytes[..object.end]);
    cursor.at = object.start + 1;
    loop {
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            return;
        }
        let (Ok(name), Ok(value)) = (cursor.name(), cursor.member_value()) else { return };
        member(name, value);
        cursor.skip_space();
        if cursor.peek() == Some(b',') {
            cursor.at += 1;
        }
    }
}

/// Visits the elements of a valid array.
fn elements(bytes: &[u8], array: Range<usize>, mut element: impl FnMut(Range<usize>)) {
    let mut cursor = Cursor::new(&bytes[..array.end]);
    cursor.at = array.start + 1;
    loop {
        cursor.skip_space();
        if cursor.peek() == Some(b']') {
            return;
        }
        let Ok(value) = cursor.member_value() else { return };
        element(value);
        cursor.skip_space();
        if cursor.peek() == Some(b',') {
            cursor.at += 1;
        }
    }
}

/// A value that is not visited any deeper.
fn leaf(bytes: &[u8], json: Range<usize>) -> Leaf {
    let kind = match JsonKind::of(bytes[json.start]) {
        JsonKind::Null => LeafKind::Nothing,
        JsonKind::String if memchr::memchr(b'\\', &bytes[json.clone()]).is_some() => LeafKind::Escaped,
        JsonKind::String => LeafKind::Plain,
        JsonKind::Bool | JsonKind::Number => LeafKind::Bare,
        JsonKind::Array | JsonKind::Object => LeafKind::Nested,
    };
    Leaf { json, kind }
}

fn is_container(bytes: &[u8], json: &Range<usize>) -> bool {
    matches!(bytes[json.start], b'{' | b'[')
}

struct Walk<'r, 'v> {
    record: &'r str,
    visit: &'v mut dyn FnMut(&str, Leaf),
}

impl Walk<'_, '_> {
    /// The members of an object, but for the value that begins at `told`: it is in the path already.
    fn object(&mut self, object: Range<usize>, told: Option<usize>, path: &mut String, depth: usize) {
        let record = self.record;
        members(record.as_bytes(), object, |name, value| {
            if told == Some(value.start) {
                return;
            }
            let before = path.len();
            let name = unescape(&record.as_bytes()[name]);
            push_name(path, &name);
            if before == 0 && name == note::NAME && note::is_note(&record[value.clone()]) {
                (self.visit)(path, Leaf { json: value, kind: LeafKind::Note });
            } else {
                self.value(value, path, depth);
            }
            path.truncate(before);
        });
    }

    /// A value whose path is `path`.
    fn value(&mut self, json: Range<usize>, path: &mut String, depth: usize) {
        let bytes = self.record.as_bytes();
        let first = bytes[json.start];
        if first == b'{' && depth < DEPTH_MAX {
            let (mut count, mut is_extended) = (0, false);
            members(bytes, json.clone(), |name, _| {
                count += 1;
                // What databases write for values that JSON does not have: {"$date":"2020-01-01"}. The rules read it.
                is_extended = bytes[name.start..name.end].starts_with(b"$");
            });
            match count {
                0 => (self.visit)(path, Leaf { json, kind: LeafKind::Nothing }),
                1 if is_extended => (self.visit)(path, Leaf { json, kind: LeafKind::Nested }),
                _ => self.object(json, None, path, depth + 1),
            }
        } else if first == b'[' && depth < DEPTH_MAX {
            self.array(json, path, depth + 1);
        } else {
            (self.visit)(path, leaf(bytes, json));
        }
    }

    fn array(&mut self, json: Range<usize>, path: &mut String, depth: usize) {
        let bytes = self.record.as_bytes();
        let (mut count, mut containers, mut first) = (0, 0, None);
        elements(bytes, json.clone(), |element| {
            count += 1;
            containers += usize::from(is_container(bytes, &element));
            first.get_or_insert(element);
        });
        match (count, containers, first) {
            (0, ..) | (_, _, None) => (self.visit)(path, Leaf { json, kind: LeafKind::Nothing }),
            (1, 0, Some(only)) => (self.visit)(path, leaf(bytes, only)),
            (_, 0, _) => (self.visit)(path, Leaf { json, kind: LeafKind::List }),
            _ => self.parts(json, path, depth),
        }
    }

    /// An array that has containers.
    fn parts(&mut self, json: Range<usize>, path: &mut String, depth: usize) {
        let record = self.record;
        let bytes = record.as_bytes();
        // How many parts of each kind came before.
        let mut kinds: Vec<(String, usize)> = Vec::new();
        elements(bytes, json, |element| {
            let part = if bytes[element.start] == b'{' { part_of(record, element.clone()) } else { Part::default() };
            let before = path.len();
            let kind = part.kind.unwrap_or_default();
            if !kind.is_empty() {
                push_name(path, &kind);
            }
            let number = match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => {
                    *count += 1;
                    *count
                }
                None => {
                    if kinds.len() < PARTS_MAX {
                        kinds.push((kind.into_owned(), 1));
                    }
                    1
                }
            };
            if number > 1 {
                push_name(path, &number.to_string());
            }
            match (part.value, part.kind_at) {
                (Some(value), _) => self.value(value, path, depth),
                (None, Some(told)) if depth < DEPTH_MAX => self.object(element, Some(told), path, depth + 1),
                (None, _) => self.value(element, path, depth),
            }
            path.truncate(before);
        });
    }
}

/// Appends a name to a path.
fn push_name(path: &mut String, name: &str) {
    if path.len() >= PATH_MAX {
        return;
    }
    if !path.is_empty() {
        path.push('/');
    }
    let name = cut(name, PATH_MAX);
    if name.contains(['/', '~']) {
        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
    } else {
        path.push_str(name);
    }
}

/// What an object in an array says of itself.
#[derive(Default)]
struct Part<'r> {
    kind: Option<Cow<'r, str>>,
    /// Where the value of its kind begins.
    kind_at: Option<usize>,
    /// The value that its kind names: the part has nothing else.
    value: Option<Range<usize>>,
}

/// Names of the member that says what a part is.
const KINDS: &[&str] = &["kind", "type", "label", "typename", "rel", "category", "phone_type", "address_type"];
/// Names of the member that names the value beside it.
const NAMES: &[&str] = &["name", "key", "field", "title", "label", "id", "field_name", "custom_field_id"];
/// Words for kinds of phones and addresses: a part with one of them as its label is no named value.
const KIND_WORDS: &[&str] = &[
    "home", "work", "mobile", "cell", "main", "other", "business", "personal", "primary", "fax", "pager", "iphone",
    "office", "billing", "shipping", "mailing",
];

fn part_of(record: &str, object: Range<usize>) -> Part<'_> {
    let bytes = record.as_bytes();
    let (mut kind, mut kind_at, mut named, mut value, mut count) = (None, None, None, None, 0);
    members(bytes, object, |name, json| {
        count += 1;
        let name = unescape(&bytes[name]);
        let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is(&["value"]) {
            value = Some(json);
            return;
        }
        let (start, one) = (json.start, leaf(bytes, json));
        if one.kind == LeafKind::Nested || one.kind == LeafKind::Nothing {
            return;
        }
        let text = one.text(record);
        if is(NAMES) && named.is_none() {
            named = Some(text.clone());
        }
        // A word; a longer text or a number is none.
        let is_word = !text.is_empty() && text.len() <= KIND_MAX && text.chars().any(char::is_alphabetic);
        if is(KINDS) && is_word && kind.is_none() {
            (kind, kind_at) = (Some(text), Some(start));
        }
    });
    let is_kind_word = |text: &str| KIND_WORDS.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    match (named, value) {
        (Some(name), Some(value)) if count == 2 && !is_kind_word(&name) => {
            Part { kind: Some(name), value: Some(value), kind_at: None }
        }
        _ => Part { kind, kind_at, value: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(record: &str, contact: Option<&str>) -> Result<Vec<(String, String)>, NoCells> {
        let pointer = contact.map(|pointer| Pointer::parse(pointer).unwrap());
        let mut cells = Vec::new();
        flatten(record, pointer.as_ref(), |path, leaf| cells.push((path.to_owned(), leaf.text(record).into_owned())))?;
        Ok(cells)
    }

    fn shown(record: &str) -> String {
        let cells = cells(record, None).unwrap();
        cells.iter().map(|(path, text)| format!("{path}={text}")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn paths() {
        for (record, expected) in [
            (r#"{"a":"x","b":1.50,"c":true,"d":null}"#, "a=x | b=1.50 | c=true | d="),
            (r#" { "p" : { "e\u0041/~" : "\u00e9\n" } } "#, "p/eA~1~0=é\n"),
            (r#"{"a":[],"b":{},"c":["x"],"d":["x",null,2],"e":[[1]]}"#, "a= | b= | c=x | d=x ::: 2 | e=1"),
            (
                r#"{"phones":[{"kind":"home","value":"1"},{"value":"2","kind":"home"},{"n":"3"},{"n":"4"}]}"#,
                "phones/home/value=1 | phones/home/2/value=2 | phones/n=3 | phones/2/n=4",
            ),
            (r#"{"f":[{"name":"Tier","value":"Gold"},{"key":"a/b","value":null}]}"#, "f/Tier=Gold | f/a~1b="),
            (r#"{"e":[{"label":"work","value":"x@y.example"}]}"#, "e/work/value=x@y.example"),
            (r#"{"d":{"$date":"2020-01-01"},"e":{"$a":1,"b":2}}"#, r#"d={"$date":"2020-01-01"} | e/$a=1 | e/b=2"#),
            (r#"{"":"x","a":{"":"y"}}"#, "=x | a/=y"),
        ] {
            assert_eq!(shown(record), expected, "{record}");
        }
    }

    #[test]
    fn the_contact_may_lie_within() {
        let record = r#"{"id":1,"data":[{"p":{"email":"x"}}]}"#;
        assert_eq!(cells(record, Some("/data/0/p")).unwrap(), [("email".to_owned(), "x".to_owned())]);
        assert_eq!(cells(record, Some("")).unwrap().len(), 2);
        for nowhere in ["/q", "/id", "/data/1", "/data/0/p/email", "/data/x"] {
            assert_eq!(cells(record, Some(nowhere)), Err(NoCells::NoContact), "{nowhere}");
        }
    }

    #[test]
    fn what_is_no_object_has_no_cells() {
        for record in ["", "[1]", "1", "{", r#"{"a":}"#, r#"{"a":1}x"#, "null"] {
            assert_eq!(cells(record, None), Err(NoCells::NoObject), "{record}");
        }
    }

    #[test]
    fn depth_and_paths_are_bounded() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(60), "}".repeat(60));
        let cells_of_deep = cells(&deep, None).unwrap();
        assert_eq!(cells_of_deep.len(), 1);
        assert!(cells_of_deep[0].0.len() < 40 && cells_of_deep[0].1.starts_with('{'));
        let long = format!(r#"{{"{}":{{"x":1,"y":2}}}}"#, "é".repeat(100_000));
        assert!(cells(&long, None).unwrap().iter().all(|(path, _)| path.len() <= PATH_MAX + 2));
        let many = format!(r#"{{"a":[{}]}}"#, vec![r#"{"kind":"home","v":1}"#; 20_000].join(","));
        assert_eq!(cells(&many, None).unwrap().len(), 20_000);
    }

    proptest! {
        /// Nothing is lost and nothing comes twice: the visited values are those of the record.
        #[test]
        fn every_value_is_visited_once(values in prop::collection::vec((0usize..6, "[a-z]{1,3}"), 0..12)) {
            let mut expected = 0;
            let members: Vec<String> = values.iter().enumerate().map(|(i, (form, name))| {
                expected += [1, 1, 2, 1, 2, 1][*form];
                let value = match form {
                    0 => r#""x""#.to_owned(),
                    1 => "12".to_owned(),
                    2 => r#"{"p":1,"q":"y"}"#.to_owned(),
                    3 => "[1,2]".to_owned(),
                    4 => r#"[{"p":1},{"p":2}]"#.to_owned(),
                    _ => r#"[{"name":"n","value":3}]"#.to_owned(),
                };
                format!(r#""{name}{i}":{value}"#)
            }).collect();
            let record = format!("{{{}}}", members.join(","));
            let cells = cells(&record, None).unwrap();
            prop_assert_eq!(cells.len(), expected);
            let mut paths: Vec<&String> = cells.iter().map(|(path, _)| path).collect();
            paths.sort();
            paths.dedup();
            prop_assert_eq!(paths.len(), expected);
        }
    }
}
