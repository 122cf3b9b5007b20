//! Strict JSON by RFC 8259, for what the fast parser rejects.
//!
//! The fast parser reports only that something is wrong. This one reports what, and at which byte. It keeps the text of every
//! value (a number never goes through a float), and reads JSON that the fast parser does not (`1e999`). It allocates only what
//! it returns, and its stack is one 64-bit word, so nesting costs nothing.

use crate::model::fault::{Fault, MAX_DEPTH, SyntaxError};
use crate::simd::word;
use std::borrow::Cow;
use std::ops::Range;

type Result<T> = std::result::Result<T, SyntaxError>;

/// A cursor over bytes.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    /// Index of the next byte.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    /// The next byte, not taken.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fail<T>(&self, fault: Fault) -> Result<T> {
        Err(SyntaxError { at: self.at, fault })
    }

    /// Past white space.
    pub fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte`, or fails with `what` as the expected.
    ///
    /// # Errors
    /// Another byte follows, or none.
    pub fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(b'/') if matches!(self.bytes.get(self.at + 1), Some(b'/' | b'*')) => self.fail(Fault::Comment),
            Some(b'\'') => self.fail(Fault::SingleQuote),
            Some(_) => self.fail(Fault::Expected(what)),
            None => self.fail(Fault::End),
        }
    }

    /// Takes one string and returns the range between its quotes. UTF-8 is not checked.
    ///
    /// # Errors
    /// Control characters, unknown escapes, lone surrogates, no end.
    pub fn string(&mut self) -> Result<Range<usize>> {
        self.expect(b'"', "a double quote")?;
        let start = self.at;
        loop {
            self.at += word::plain_prefix(&self.bytes[self.at..]);
            match self.peek() {
                None => return self.fail(Fault::End),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at - 1);
                }
                Some(b'\\') => self.escape()?,
                Some(byte) => return self.fail(Fault::Control(byte)),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        match self.bytes.get(self.at + 1) {
            None => {
                self.at += 1;
                self.fail(Fault::End)
            }
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.hex4(self.at + 2)? {
                0xd800..=0xdbff => {
                    let low = match (self.bytes.get(self.at + 6), self.bytes.get(self.at + 7)) {
                        (Some(b'\\'), Some(b'u')) => self.hex4(self.at + 8)?,
                        (None, _) | (Some(b'\\'), None) => {
                            self.at = self.bytes.len();
                            return self.fail(Fault::End);
                        }
                        _ => return self.fail(Fault::LoneSurrogate),
                    };
                    if !(0xdc00..=0xdfff).contains(&low) {
                        return self.fail(Fault::LoneSurrogate);
                    }
                    self.at += 12;
                    Ok(())
                }
                0xdc00..=0xdfff => self.fail(Fault::LoneSurrogate),
                _ => {
                    self.at += 6;
                    Ok(())
                }
            },
            Some(_) => self.fail(Fault::Escape),
        }
    }

    fn hex4(&self, at: usize) -> Result<u32> {
        let mut value = 0;
        for i in at..at + 4 {
            let Some(&byte) = self.bytes.get(i) else {
                return Err(SyntaxError { at: self.bytes.len(), fault: Fault::End });
            };
            let Some(digit) = (byte as char).to_digit(16) else {
                return Err(SyntaxError { at: i, fault: Fault::Escape });
            };
            value = value * 16 + digit;
        }
        Ok(value)
    }

    fn digits(&mut self, what: &'static str) -> Result<()> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                while matches!(self.peek(), Some(b'0'..=b'9')) {
                    self.at += 1;
                }
                Ok(())
            }
            None => self.fail(Fault::End),
            Some(_) => self.fail(Fault::Number(what)),
        }
    }

    fn number(&mut self) -> Result<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.fail(Fault::Number("a leading zero"));
            }
        } else {
            self.digits("a minus sign with no digit")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("no digit after the point")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("no digit in the exponent")?;
        }
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<()> {
        for &byte in word {
            match self.peek() {
                Some(found) if found == byte => self.at += 1,
                None => return self.fail(Fault::End),
                Some(_) => return self.fail(Fault::Expected("null, true, false, a number or a string")),
            }
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<()> {
        /// Words that other languages write for a value.
        const WORDS: [&str; 9] = ["NaN", "Infinity", "-Infinity", "undefined", "None", "True", "False", "NULL", "Null"];
        match self.peek() {
            None => self.fail(Fault::End),
            Some(b'"') => self.string().map(drop),
            Some(b'n') => self.word(b"null"),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(first) => {
                let rest = &self.bytes[self.at..];
                if let Some(word) = WORDS.iter().find(|word| rest.starts_with(word.as_bytes())) {
                    return self.fail(Fault::NotAValue(word));
                }
                match first {
                    b'-' | b'0'..=b'9' => self.number(),
                    b'+' => self.fail(Fault::Number("a plus sign")),
                    b'.' => self.fail(Fault::Number("no digit before the point")),
                    b'\'' => self.fail(Fault::SingleQuote),
                    b'/' if matches!(rest.get(1), Some(b'/' | b'*')) => self.fail(Fault::Comment),
                    _ => self.fail(Fault::Expected("a value")),
                }
            }
        }
    }

    /// Takes one value, of any nesting up to [`MAX_DEPTH`], and gives its range.
    ///
    /// # Errors
    /// Everything [`Fault`] lists but [`Fault::Utf8`] and [`Fault::Trailing`].
    pub fn value(&mut self) -> Result<Range<usize>> {
        self.value_within(MAX_DEPTH)
    }

    /// The same for the value of a contact's member, which is one level deep already.
    ///
    /// # Errors
    /// As [`Cursor::value`].
    pub fn member_value(&mut self) -> Result<Range<usize>> {
        self.value_within(MAX_DEPTH - 1)
    }

    fn value_within(&mut self, depth_max: u32) -> Result<Range<usize>> {
        let start = self.at;
        // One bit a level, the innermost lowest: 1 for an object.
        let (mut objects, mut depth) = (0u64, 0u32);
        loop {
            // A value begins here.
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == depth_max {
                        return self.fail(Fault::Depth);
                    }
                    depth += 1;
                    objects = objects << 1 | u64::from(open == b'{');
                    self.at += 1;
                    self.skip_space();
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek() == Some(close) {
                        self.at += 1;
                        depth -= 1;
                        objects >>= 1;
                    } else {
                        if open == b'{' {
                            self.name()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value ended here.
            loop {
                if depth == 0 {
                    return Ok(start..self.at);
                }
                self.skip_space();
                let in_object = objects & 1 == 1;
                match (self.peek(), in_object) {
                    (Some(b','), _) => {
                        let comma = self.at;
                        self.at += 1;
                        self.skip_space();
                        if matches!(self.peek(), Some(b'}' | b']')) {
                            return Err(SyntaxError { at: comma, fault: Fault::TrailingComma });
                        }
                        if in_object {
                            self.name()?;
                        }
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        depth -= 1;
                        objects >>= 1;
                    }
                    _ => {
                        return self
                            .expect(b',', if in_object { "a comma or }" } else { "a comma or ]" })
                            .map(|()| 0..0);
                    }
                }
            }
        }
    }

    /// Takes `"name" :` and the space behind it; gives the range between the quotes.
    ///
    /// # Errors
    /// As [`Cursor::string`], or no colon.
    pub fn name(&mut self) -> Result<Range<usize>> {
        match self.peek() {
            Some(b'"' | b'\'' | b'/') | None => {}
            Some(_) => return self.fail(Fault::Expected("a member name in double quotes")),
        }
        let name = self.string()?;
        self.skip_space();
        self.expect(b':', "a colon")?;
        self.skip_space();
        Ok(name)
    }
}

/// Checks that `bytes` hold exactly one JSON value, white space around it allowed, and gives its range.
///
/// # Errors
/// The first invalid byte, and its fault.
pub fn check(bytes: &[u8]) -> Result<Range<usize>> {
    let utf8 = std::str::from_utf8(bytes).err().map(|e| e.valid_up_to());
    let mut cursor = Cursor::new(&bytes[..utf8.unwrap_or(bytes.len())]);
    cursor.skip_space();
    let found = cursor.value().and_then(|range| {
        cursor.skip_space();
        if cursor.peek().is_some() { cursor.fail(Fault::Trailing) } else { Ok(range) }
    });
    match (found, utf8) {
        (Err(error), _) if error.fault != Fault::End => Err(error),
        (_, Some(at)) => Err(SyntaxError { at, fault: Fault::Utf8 }),
        (found, None) => found,
    }
}

/// Name and value ranges of the members of the object that `bytes` hold, in order: between the quotes
/// of a name, and all of a value. False, and no more than that, for anything else: [`check`] says what it is.
#[must_use]
pub fn members(bytes: &[u8], mut member: impl FnMut(Range<usize>, Range<usize>)) -> bool {
    fn object(cursor: &mut Cursor<'_>, member: &mut impl FnMut(Range<usize>, Range<usize>)) -> Result<()> {
        cursor.skip_space();
        cursor.expect(b'{', "an object")?;
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            return Ok(());
        }
        loop {
            let name = cursor.name()?;
            member(name, cursor.member_value()?);
            cursor.skip_space();
            if cursor.peek() == Some(b'}') {
                cursor.at += 1;
                return Ok(());
            }
            cursor.expect(b',', "a comma or }")?;
            cursor.skip_space();
        }
    }
    let mut cursor = Cursor::new(bytes);
    object(&mut cursor, &mut member).is_ok() && {
        cursor.skip_space();
        cursor.peek().is_none()
    }
}

/// The text of a string whose inside, between the quotes, is `inside`. What [`Cursor::string`] refuses is left out.
#[must_use]
pub fn unescape(inside: &[u8]) -> Cow<'_, str> {
    if !inside.contains(&b'\\')
        && let Ok(text) = std::str::from_utf8(inside)
    {
        return Cow::Borrowed(text);
    }
    let cursor = Cursor::new(inside);
    let mut text = Vec::with_capacity(inside.len());
    let mut at = 0;
    while at < inside.len() {
        let next = memchr::memchr(b'\\', &inside[at..]).map_or(inside.len(), |i| at + i);
        text.extend_from_slice(&inside[at..next]);
        at = next;
        let mut push = |c: char| text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        match inside.get(at + 1) {
            Some(b'b') => push('\u{8}'),
            Some(b'f') => push('\u{c}'),
            Some(b'n') => push('\n'),
            Some(b'r') => push('\r'),
            Some(b't') => push('\t'),
            Some(b'u') => {
                let mut unit = cursor.hex4(at + 2).unwrap_or(0);
                if (0xd800..0xdc00).contains(&unit) {
                    let low = cursor.hex4(at + 8).unwrap_or(0);
                    unit = 0x10000 + ((unit - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                    at += 6;
                }
                push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                at += 4;
            }
            Some(&other) => push(other as char),
            None => {}
        }
        at += 2;
    }
    Cow::Owned(match String::from_utf8(text) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: &str) -> (usize, Fault) {
        let error = check(text.as_bytes()).unwrap_err();
        (error.at, error.fault)
    }

    #[test]
    fn names_the_byte_and_the_fault() {
        assert_eq!(fault(r#"{"a":NaN}"#), (5, Fault::NotAValue("NaN")));
        assert_eq!(fault(r#"{"a":1,}"#), (6, Fault::TrailingComma));
        assert_eq!(fault(r"[1,]"), (2, Fault::TrailingComma));
        assert_eq!(fault(r"{'a':1}"), (1, Fault::SingleQuote));
        assert_eq!(fault(r#"{"a":'b'}"#), (5, Fault::SingleQuote));
        assert_eq!(fault("{\"a\": // x\n1}"), (6, Fault::Comment));
        assert_eq!(fault(r#"{"a":007}"#), (6, Fault::Number("a leading zero")));
        assert_eq!(fault(r#"{"a":+1}"#), (5, Fault::Number("a plus sign")));
        assert_eq!(fault(r#"{"a":1.}"#), (7, Fault::Number("no digit after the point")));
        assert_eq!(fault("{\"a\":\"x\ty\"}"), (7, Fault::Control(9)));
        assert_eq!(fault(r#"{"a":"\x"}"#), (6, Fault::Escape));
        assert_eq!(fault(r#"{"a":"\ud800"}"#), (6, Fault::LoneSurrogate));
        assert_eq!(fault(r#"{"a":"\ude00"}"#), (6, Fault::LoneSurrogate));
        assert_eq!(fault(r#"{"a":"\ud800\u0041"}"#), (6, Fault::LoneSurrogate));
        assert_eq!(fault(r#"{"a":[1}"#), (7, Fault::Expected("a comma or ]")));
        assert_eq!(fault(r#"{"a" 1}"#), (5, Fault::Expected("a colon")));
        assert_eq!(fault("{a:1}"), (1, Fault::Expected("a member name in double quotes")));
        assert_eq!(fault("{} {}"), (3, Fault::Trailing));
        assert_eq!(fault(""), (0, Fault::End));
        assert_eq!(fault(r#"{"a":"b"#), (7, Fault::End));
        assert_eq!(check(b"{\"a\":\"\xff\"}").unwrap_err(), SyntaxError { at: 6, fault: Fault::Utf8 });
        // The first fault is reported.
        assert_eq!(check(b"{\"a\":NaN,\"b\":\"\xff\"}").unwrap_err().fault, Fault::NotAValue("NaN"));
    }

    #[test]
    fn depth_is_bounded() {
        let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(check(nest(64).as_bytes()).is_ok());
        assert_eq!(fault(&nest(65)), (64, Fault::Depth));
        assert_eq!(fault(&"[".repeat(100_000)), (64, Fault::Depth));
    }

    #[test]
    fn accepts_what_json_has() {
        for good in ["1e999", "-0", "[]", "{ }", " [ 1 , -2.5E+3 , null , true , false ] ", r#""\ud83d\ude00""#] {
            assert!(check(good.as_bytes()).is_ok(), "{good}");
        }
    }

    fn mutated() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "1",
            "-0.5e3",
            "null",
            "true",
            " ",
            "\n",
            "\"",
            "\\",
            "é",
            "\\ud800",
            "0",
            ".",
            "e",
            "x",
            "\"b\":1",
            "\"c\":[]",
            "{\"d\":{}}",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(bytes in mutated()) {
            let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
            // 1e999 is JSON, though no float holds it.
            let theirs = match theirs {
                // serde_json stopped at the number, before the rest.
                Err(error) if error.to_string().starts_with("number out of range") => {
                    serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok()
                }
                theirs => theirs.is_ok(),
            };
            prop_assert_eq!(check(&bytes).is_ok(), theirs, "{}", String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn unescapes_as_serde_json_does(text in "\\PC*|[\u{0}-\u{ff}]*") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescape(&json.as_bytes()[1..json.len() - 1]), text.as_str());
            let ascii: String = text.encode_utf16().map(|u| format!("\\u{u:04x}")).collect();
            prop_assert_eq!(unescape(ascii.as_bytes()), text.as_str());
        }
    }
}
