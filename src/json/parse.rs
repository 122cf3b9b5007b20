//! Spans to members, in batches: simd-json reads many contacts as one array, which costs far less than one at a time.
//!
//! Joining them is safe because every span balances its quotes and brackets (see [`split`](crate::json::split)): a fault in one
//! cannot affect the next, and any fault makes the parser refuse the whole array. Then [`syntax`] reads the contacts one at a
//! time, and reports the broken one and its byte.

use crate::json::syntax::{self};
use crate::model::fault::SyntaxError;
use crate::model::member::{JsonKind, Member, Value};
use simd_json::{Buffers, Node, StaticNode, Tape};
use std::borrow::Cow;
use std::ops::Range;

/// simd-json and its buffers, reused for every batch.
pub struct Parser {
    buffers: Buffers,
    tape: Option<Tape<'static>>,
    /// The contacts as one array. A copy, because simd-json unescapes strings in place.
    joined: Vec<u8>,
}

impl Default for Parser {
    fn default() -> Self {
        Parser::new()
    }
}

/// One contact, read by the fast parser.
#[derive(Debug, Clone, Copy)]
pub enum Parsed<'t, 'a> {
    /// An object without nested values.
    Members(ParsedMembers<'t, 'a>),
    /// An object with a nested value, or with a number whose text is needed: read it with [`Strict`].
    Strict,
    /// Not an object.
    Other,
}

impl Parser {
    /// A parser with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Parser {
            // The contact's own depth, within the array that joins them, and one to spare.
            buffers: Buffers::with_max_depth(0, crate::model::fault::MAX_DEPTH as usize + 2),
            tape: Some(Tape(Vec::new())),
            joined: Vec::new(),
        }
    }

    /// Reads the contacts, and passes them to `each`. Returns false, without a call of `each`, if any is broken.
    pub fn parse<'c>(
        &mut self,
        contacts: impl Iterator<Item = &'c [u8]>,
        each: impl for<'t, 'a> FnOnce(ParsedContacts<'t, 'a>),
    ) -> bool {
        self.joined.clear();
        self.joined.push(b'[');
        let mut count = 0;
        for contact in contacts {
            if count > 0 {
                self.joined.push(b',');
            }
            self.joined.extend_from_slice(contact);
            count += 1;
        }
        self.joined.push(b']');
        let len = self.joined.len();
        self.joined.resize(len + simd_json::INPUT_PADDING, b' ');
        let mut tape: Tape<'_> = self.tape.take().unwrap_or_else(|| Tape(Vec::new())).reset();
        let read = simd_json::fill_tape_padded(&mut self.joined, len, &mut self.buffers, &mut tape);
        let good = match (&read, tape.0.first()) {
            (Ok(()), Some(Node::Array { len, .. })) => *len == count,
            _ => false,
        };
        if good {
            each(ParsedContacts { nodes: &tape.0[1..] });
        }
        self.tape = Some(tape.reset());
        good
    }
}

/// The contacts of a batch, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct ParsedContacts<'t, 'a> {
    nodes: &'t [Node<'a>],
}

impl<'t, 'a> Iterator for ParsedContacts<'t, 'a> {
    type Item = Parsed<'t, 'a>;

    fn next(&mut self) -> Option<Parsed<'t, 'a>> {
        let (node, rest) = self.nodes.split_first()?;
        let (Node::Object { count, .. } | Node::Array { count, .. }) = *node else {
            self.nodes = rest;
            return Some(Parsed::Other);
        };
        let (inside, behind) = rest.split_at(count);
        self.nodes = behind;
        let Node::Object { len, .. } = *node else { return Some(Parsed::Other) };
        // With a container among the values there are more nodes than a name and a value each.
        let plain = inside.len() == 2 * len && inside.iter().skip(1).step_by(2).all(|node| value_of(node).is_some());
        Some(if plain { Parsed::Members(ParsedMembers { nodes: inside }) } else { Parsed::Strict })
    }
}

/// A value; none for one that must be read by its text.
#[inline]
fn value_of<'a>(node: &Node<'a>) -> Option<Value<'a>> {
    match *node {
        Node::String(text) => Some(Value::String(text)),
        Node::Static(StaticNode::Null) => Some(Value::Null),
        Node::Static(StaticNode::Bool(b)) => Some(Value::Bool(b)),
        // A positive whole number has one spelling in JSON. Zero may have been `-0`.
        Node::Static(StaticNode::U64(n)) if n > 0 => Some(Value::Integer(n)),
        Node::Static(StaticNode::I64(n)) if n > 0 => Some(Value::Integer(n.unsigned_abs())),
        _ => None,
    }
}

/// The members of one contact.
#[derive(Debug, Clone, Copy)]
pub struct ParsedMembers<'t, 'a> {
    nodes: &'t [Node<'a>],
}

impl<'a> Iterator for ParsedMembers<'_, 'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        let [name, value, rest @ ..] = self.nodes else { return None };
        self.nodes = rest;
        let Node::String(name) = *name else { return None };
        Some(Member { name, value: value_of(value).unwrap_or(Value::Null), normal: None })
    }
}

/// One contact, read strictly: every value keeps its text.
#[derive(Debug, Default)]
pub struct Strict<'a> {
    members: Vec<(Cow<'a, str>, StrictValue<'a>)>,
}

#[derive(Debug)]
enum StrictValue<'a> {
    String(Cow<'a, str>),
    Raw(&'a str),
}

impl<'a> Strict<'a> {
    /// Reads `contact`. None where it is JSON, but no object.
    ///
    /// # Errors
    /// Broken syntax, at which byte of `contact`.
    pub fn parse(contact: &'a [u8]) -> Result<Option<Strict<'a>>, SyntaxError> {
        Strict::default().read(contact)
    }

    /// The same, in the allocation of an earlier one.
    ///
    /// # Errors
    /// As [`Strict::parse`].
    pub fn read(mut self, contact: &'a [u8]) -> Result<Option<Strict<'a>>, SyntaxError> {
        self.members.clear();
        if let Ok(text) = std::str::from_utf8(contact) {
            let unescape = |range: Range<usize>| match &text[range] {
                plain if !plain.as_bytes().contains(&b'\\') => Cow::Borrowed(plain),
                escaped => syntax::unescape(escaped.as_bytes()),
            };
            let read = syntax::members(contact, |name, value| {
                let value = match contact[value.start] {
                    b'"' => StrictValue::String(unescape(value.start + 1..value.end - 1)),
                    _ => StrictValue::Raw(&text[value]),
                };
                self.members.push((unescape(name), value));
            });
            if read {
                return Ok(Some(self));
            }
        }
        let range = syntax::check(contact)?;
        debug_assert!(contact[range.start] != b'{', "an object that was not read");
        Ok(None)
    }

    /// Its allocation, for another contact.
    #[must_use]
    pub fn recycle<'b>(self) -> Strict<'b> {
        Strict { members: recycle(self.members) }
    }

    /// Its members, in order.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.members.iter().map(|(name, value)| Member {
            name,
            value: match value {
                StrictValue::String(text) => Value::String(text),
                StrictValue::Raw(raw) => raw_value(raw),
            },
            normal: None,
        })
    }
}

/// An empty vector with the allocation of `used`. The standard library collects in place when sizes agree, as they do where only
/// lifetimes differ; a test checks that it still does.
pub(crate) fn recycle<T, U>(mut used: Vec<T>) -> Vec<U> {
    used.clear();
    used.into_iter().map(|_| unreachable!("the vector is empty")).collect()
}

/// The value of a valid JSON text that is not a string.
#[must_use]
pub fn raw_value(raw: &str) -> Value<'_> {
    match JsonKind::of(raw.as_bytes().first().copied().unwrap_or(b'n')) {
        JsonKind::Null => Value::Null,
        JsonKind::Bool => Value::Bool(raw == "true"),
        JsonKind::Array | JsonKind::Object => Value::Nested(raw),
        JsonKind::String | JsonKind::Number => match raw.parse::<u64>() {
            Ok(n) if n > 0 => Value::Integer(n),
            _ => Value::Number(raw),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Names and values, as text, of a contact that was read.
    type Shown = Option<Vec<(String, String)>>;

    /// Both ways of reading one contact must agree wherever the fast one reads it at all.
    fn both(contact: &str) -> (Shown, Shown) {
        let show = |m: Member<'_>| (m.name.to_owned(), format!("{:?}", m.value));
        let strict = Strict::parse(contact.as_bytes()).ok().flatten().map(|s| s.members().map(show).collect());
        let mut fast = None;
        Parser::new().parse([contact.as_bytes()].into_iter(), |mut contacts| {
            if let Some(Parsed::Members(members)) = contacts.next() {
                fast = Some(members.map(show).collect());
            }
            assert!(contacts.next().is_none());
        });
        (fast, strict)
    }

    #[test]
    fn values_keep_their_text() {
        let contact = r#"{"a":60609,"b":1.50,"c":-0,"d":1e999,"e":"\u00e9","f":null,"g":[1, 2],"h":true,"i":12345678901234567890123,"j":0}"#;
        let (fast, strict) = both(contact);
        assert_eq!(fast, None);
        let values: Vec<String> = strict.unwrap().into_iter().map(|(_, v)| v).collect();
        let expected = [
            "Integer(60609)",
            "Number(\"1.50\")",
            "Number(\"-0\")",
            "Number(\"1e999\")",
            "String(\"é\")",
            "Null",
            "Nested(\"[1, 2]\")",
            "Bool(true)",
            "Number(\"12345678901234567890123\")",
            "Number(\"0\")",
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn one_broken_contact_refuses_the_batch() {
        let mut parser = Parser::new();
        for broken in [
            r#"{"a":[1}"#,
            r#"{"a":1}{"b":2}"#,
            r#"{"a":NaN}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":"\ud800"}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":007}"#,
            r#"{"a":1,}"#,
            r#"{"a":"\x"}"#,
            r#"{"a" 1}"#,
            r#"{"a":-}"#,
            r#"{"a":1.}"#,
            "{\"a\":\"\u{1f}\"}",
        ] {
            let contacts = [r#"{"a":1}"#, broken, r#"{"a":"x"}"#];
            let good = parser.parse(contacts.iter().map(|c| c.as_bytes()), |_| panic!("{broken}"));
            assert!(!good && syntax::check(broken.as_bytes()).is_err(), "{broken}");
        }
        assert!(!parser.parse([&b"{\"a\":\"\xff\"}"[..]].into_iter(), |_| panic!()));
    }

    #[test]
    fn buffers_are_used_again() {
        let mut parser = Parser::new();
        for _ in 0..3 {
            let contacts = [r#"{"a":"b","c":2}"#, "null", "[{}]", r#"{"x":{}}"#, "{}", r#""s""#];
            let good = parser.parse(contacts.iter().map(|c| c.as_bytes()), |mut contacts| {
                let Some(Parsed::Members(members)) = contacts.next() else { panic!() };
                let members: Vec<Member<'_>> = members.collect();
                assert_eq!(members[0], Member { name: "a", value: Value::String("b"), normal: None });
                assert_eq!(members[1], Member { name: "c", value: Value::Integer(2), normal: None });
                assert!(matches!(contacts.next(), Some(Parsed::Other)));
                assert!(matches!(contacts.next(), Some(Parsed::Other)));
                assert!(matches!(contacts.next(), Some(Parsed::Strict)));
                assert!(matches!(contacts.next(), Some(Parsed::Members(_))));
                assert!(matches!(contacts.next(), Some(Parsed::Other)));
                assert!(contacts.next().is_none());
            });
            assert!(good);
        }
    }

    fn contact() -> impl Strategy<Value = String> {
        let string = prop_oneof![
            "[ -~]{0,12}".prop_map(|s| serde_json::to_string(&s).unwrap()),
            "\\PC{0,6}".prop_map(|s| serde_json::to_string(&s).unwrap()),
            prop::sample::select(vec![
                r#""\u00e9\n""#,
                r#""\ud83d\ude00""#,
                r#""\ud83d""#,
                r#""\/""#,
                "\"\t\"",
                "\"\u{7f}\"",
                r#""\""#,
                r#""""#,
                r#""a\\""#,
            ])
            .prop_map(str::to_owned),
        ];
        let value = prop_oneof![
            3 => string.clone(),
            1 => prop::sample::select(vec![
                "1", "0", "-0", "-1", "1.0", "1e5", "1E400", "18446744073709551615", "18446744073709551616", "9223372036854775808",
                "-9223372036854775809", "01", "1.", ".5", "+1", "null", "true", "false", "tru", "nul", "[]", "{}", "[1,]", "{\"a\":[{}]}",
                "NaN", "'a'", "--1", "1-", "0x1", "1_0", "truefalse", "\"a\"\"b\"", "[1 2]", "{\"a\"}", "{1:2}", "[}", "{]",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec((string, value), 0..5).prop_map(|members| {
            let members: Vec<String> = members.into_iter().map(|(n, v)| format!("{n}: {v}")).collect();
            format!("{{{}}}", members.join(" ,"))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn both_ways_agree(contact in contact()) {
            let (fast, strict) = both(&contact);
            if fast.is_some() {
                prop_assert_eq!(fast, strict);
            }
            // Whatever serde_json reads, the strict way reads; and 1E400, which no float holds.
            let theirs: Result<serde_json::Value, _> = serde_json::from_str(&contact.replace("1E400", "1"));
            prop_assert_eq!(Strict::parse(contact.as_bytes()).is_ok(), theirs.is_ok());
        }

        #[test]
        fn a_refused_batch_has_a_broken_contact(contacts in prop::collection::vec(contact(), 1..6)) {
            // Only balanced ones are ever joined.
            let balanced: Vec<&String> = contacts.iter().filter(|c| {
                let mut splitter = crate::json::split::Splitter::new(crate::json::split::Layout::Lines, 0, 1, 0);
                let mut spans = Vec::new();
                let _ = splitter.feed(c.as_bytes(), &mut spans);
                splitter.finish(&mut spans);
                spans.len() == 1 && spans[0].whole
            }).collect();
            let mut seen = 0;
            let good = Parser::new().parse(balanced.iter().map(|c| c.as_bytes()), |contacts| seen = contacts.count());
            let all = balanced.iter().all(|c| Strict::parse(c.as_bytes()).is_ok());
            if good {
                prop_assert!(all);
                prop_assert_eq!(seen, balanced.len());
            }
        }
    }
}
