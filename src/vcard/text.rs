//! Values to text.

use super::lines::Property;
use encoding_rs::Encoding;

/// The text of a property. None: its bytes are not in the encoding that it names, or that of the file.
pub(super) fn decode(property: &Property) -> Option<String> {
    let bytes = if property.is_quoted_printable {
        quoted_printable(&property.value)
    } else if property.is_base64 {
        base64(&property.value)?
    } else {
        property.value.clone()
    };
    // The whole file may have been decoded already, whatever the property says.
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if property.charset.is_none() || text.is_ascii() || !is_encoded(property) => return Some(text),
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let encoding = Encoding::for_label(property.charset.as_ref()?.as_bytes())?;
    encoding.decode_without_bom_handling_and_without_replacement(&bytes).map(std::borrow::Cow::into_owned)
}

fn is_encoded(property: &Property) -> bool {
    property.is_quoted_printable || property.is_base64
}

/// Decodes quoted-printable text (RFC 2045). What is no escape stays as it is.
fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (*first, digit(behind.first()), digit(behind.get(1))) {
            (b'=', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            _ => out.push(*first),
        }
    }
    out
}

/// Decodes base64 text (RFC 4648). None if it is not.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

/// The parts of a value between semicolons that no backslash stands before, each with its escapes read.
pub(super) fn parts(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let Some(part) = parts.last_mut() else { break };
        match c {
            ';' => parts.push(String::new()),
            '\\' => escape(chars.next(), part),
            c => part.push(c),
        }
    }
    parts
}

/// A value with its escapes read.
pub(super) fn unescape(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(chars.next(), &mut text),
            c => text.push(c),
        }
    }
    text
}

/// Appends what stands behind a backslash.
fn escape(escaped: Option<char>, text: &mut String) {
    match escaped {
        Some('n' | 'N') => text.push('\n'),
        Some(c @ ('\\' | ',' | ';' | ':')) => text.push(c),
        Some(c) => text.extend(['\\', c]),
        None => text.push('\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_to_text() {
        assert_eq!(quoted_printable(b"J=C3=BCrgen=3D=\xff="), b"J\xc3\xbcrgen==\xff=");
        assert_eq!(base64(b"SsO8 cmdlbg==").unwrap(), "Jürgen".as_bytes());
        assert_eq!(base64(b"a:b"), None);
        assert_eq!(parts("a\\;b;;c\\,d\\n\\x\\"), ["a;b", "", "c,d\n\\x\\"]);
        assert_eq!(unescape("a\\:b\\Nc;d"), "a:b\nc;d");
    }

    #[test]
    fn character_sets() {
        let property = |value: &[u8], charset: Option<&str>, is_quoted_printable| Property {
            value: value.to_vec(),
            charset: charset.map(str::to_owned),
            is_quoted_printable,
            ..Property::default()
        };
        for (value, charset, is_encoded, expected) in [
            (&b"J=FCrgen"[..], Some("iso-8859-1"), true, Some("Jürgen")),
            (b"J=C3=BCrgen", None, true, Some("Jürgen")),
            (b"J=C3=BCrgen", Some("UTF-8"), true, Some("Jürgen")),
            (b"J=FCrgen", None, true, None),
            (b"J=FCrgen", Some("klingon"), true, None),
            (b"J\xfcrgen", Some("ISO-8859-1"), false, Some("Jürgen")),
            ("Jürgen".as_bytes(), Some("ISO-8859-1"), false, Some("Jürgen")),
            (b"J\xfcrgen", None, false, None),
            (b"=83A=83i", Some("SHIFT_JIS"), true, Some("アナ")),
        ] {
            assert_eq!(decode(&property(value, charset, is_encoded)).as_deref(), expected, "{value:?}");
        }
    }
}
