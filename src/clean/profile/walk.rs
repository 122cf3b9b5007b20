//! The members of a contact, by its bytes alone: enough to count them, without a parser.

/// A value as it stands in a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen<'a> {
    /// A string: what is between its quotes, and what is in it.
    Text(&'a [u8], Content),
    /// Any other value that is not null.
    Other(&'a [u8]),
    /// `null`
    Null,
}

/// What is in a string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// An escape.
    pub(super) escaped: bool,
    /// A byte beyond ASCII.
    pub(super) beyond_ascii: bool,
}

/// Calls `each` with the name and the value of each member. Ends at the first byte that no object has.
pub(super) fn members<'a>(contact: &'a [u8], mut each: impl FnMut(&'a [u8], Seen<'a>)) {
    walk(contact, &mut each);
}

/// `None` where the object ends, or is none.
fn walk<'a>(contact: &'a [u8], each: &mut impl FnMut(&'a [u8], Seen<'a>)) -> Option<()> {
    let mut at = blank(contact, 0);
    if *contact.get(at)? != b'{' {
        return None;
    }
    loop {
        at = blank(contact, at + 1);
        if *contact.get(at)? != b'"' {
            return None;
        }
        let (end, _) = string(contact, at + 1)?;
        let name = &contact[at + 1..end];
        at = blank(contact, end + 1);
        if *contact.get(at)? != b':' {
            return None;
        }
        at = blank(contact, at + 1);
        let start = at;
        let value = match *contact.get(at)? {
            b'"' => {
                let (end, content) = string(contact, at + 1)?;
                at = end + 1;
                Seen::Text(&contact[start + 1..end], content)
            }
            b'{' | b'[' => {
                at = nested(contact, at)?;
                Seen::Other(&contact[start..at])
            }
            _ => {
                let is_end = |b: &u8| matches!(b, b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
                at += contact[at..].iter().position(is_end)?;
                match &contact[start..at] {
                    b"null" => Seen::Null,
                    value => Seen::Other(value),
                }
            }
        };
        each(name, value);
        at = blank(contact, at);
        if *contact.get(at)? != b',' {
            return None;
        }
    }
}

#[inline]
fn blank(bytes: &[u8], at: usize) -> usize {
    // Most exports have none.
    if bytes.get(at).is_some_and(|byte| *byte > b' ') {
        return at;
    }
    let is_blank = |b: &&u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t');
    at + bytes.get(at..).unwrap_or_default().iter().take_while(is_blank).count()
}

/// Every byte of a word, and the highest bit of each.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Has the highest bit of the first byte of `word` that is `byte`. Bytes behind it may be marked as well.
#[inline]
fn marked(word: u64, byte: u8) -> u64 {
    let zero_where_equal = word ^ (ONES * u64::from(byte));
    zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGH
}

/// Where the string ends that begins here, and what is in it.
#[inline]
fn string(bytes: &[u8], from: usize) -> Option<(usize, Content)> {
    let (mut at, mut escaped, mut high) = (from, false, 0);
    loop {
        // Eight bytes at a time, and the last few of a contact one by one.
        while let Some(eight) = bytes.get(at..at + 8) {
            let word = u64::from_le_bytes(eight.try_into().unwrap_or_default());
            let found = marked(word, b'"') | marked(word, b'\\');
            if found == 0 {
                high |= word & HIGH;
                at += 8;
                continue;
            }
            high |= word & HIGH & (found & found.wrapping_neg()).wrapping_sub(1);
            at += found.trailing_zeros() as usize / 8;
            break;
        }
        while !matches!(*bytes.get(at)?, b'"' | b'\\') {
            high |= u64::from(bytes[at] & 0x80);
            at += 1;
        }
        if bytes[at] == b'"' {
            return Some((at, Content { escaped, beyond_ascii: high != 0 }));
        }
        escaped = true;
        at += 2;
    }
}

/// Behind the array or object that begins here.
fn nested(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut depth) = (from, 0);
    loop {
        match *bytes.get(at)? {
            b'"' => at = string(bytes, at + 1)?.0,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(contact: &[u8]) -> Vec<(String, String)> {
        let mut all = Vec::new();
        members(contact, |name, value| {
            let value = match value {
                Seen::Text(text, _) => format!("\"{}\"", String::from_utf8_lossy(text)),
                Seen::Other(text) => String::from_utf8_lossy(text).into_owned(),
                Seen::Null => "null".to_owned(),
            };
            all.push((String::from_utf8_lossy(name).into_owned(), value));
        });
        all
    }

    #[test]
    fn members_of_contacts() {
        let contact = br#" { "a" : "x\"y" ,"b":[1,{"c":"]"}], "d": null,"e":-1.5,"f":true } "#;
        let expected = [("a", "\"x\\\"y\""), ("b", "[1,{\"c\":\"]\"}]"), ("d", "null"), ("e", "-1.5"), ("f", "true")];
        assert_eq!(all(contact), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for none in [
            &b""[..],
            b"{",
            b"{}",
            b"[1]",
            b"7",
            b"{\"a\"",
            b"{\"a\":",
            b"{\"a\":\"x",
            b"{\"a\":\"\\",
            b"{\"a\":[",
            b"\xff",
        ] {
            assert_eq!(all(none), [], "{none:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked(bytes in prop::collection::vec(any::<u8>(), 0..60), json in "[{}\\[\\]\",:a\\\\ 1]{0,40}") {
            all(&bytes);
            all(json.as_bytes());
        }

        #[test]
        fn strings_end_where_a_simple_reader_says(bytes in prop::collection::vec(prop_oneof![
            8 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 1 => Just(b'!'), 1 => Just(b'#'), 1 => Just(0xa2), 1 => Just(0xdc),
        ], 0..60), from in 0..9usize) {
            let (mut at, mut content) = (from, Content::default());
            let expected = loop {
                match bytes.get(at) {
                    None => break None,
                    Some(b'"') => break Some((at, content)),
                    Some(b'\\') => {
                        content.escaped = true;
                        at += 2;
                    }
                    Some(byte) => {
                        content.beyond_ascii |= !byte.is_ascii();
                        at += 1;
                    }
                }
            };
            prop_assert_eq!(string(&bytes, from), expected);
        }

        #[test]
        fn every_member_is_seen(values in prop::collection::vec(("[a-z]{1,4}", "\\PC{0,6}"), 0..6)) {
            let members: Vec<String> = values.iter().map(|(name, value)| format!("\"{name}\":{}", serde_json::Value::from(value.as_str()))).collect();
            prop_assert_eq!(all(format!("{{{}}}", members.join(",")).as_bytes()).len(), values.len());
        }
    }
}
