//! Writing JSON strings.

use crate::simd::word;

/// Appends `text` as a JSON string: quotes, backslashes and control characters escaped, everything else as it is.
#[inline]
pub fn json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    json_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Ends the object that begins at `start`, each of whose members was appended behind a comma: the first comma becomes the brace.
#[inline]
pub fn close_object(out: &mut Vec<u8>, start: usize) {
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// Appends the inside of the string.
#[inline]
pub(crate) fn json_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let (plain, behind) = rest.split_at(word::plain_prefix(rest));
        out.extend_from_slice(plain);
        let [byte, behind @ ..] = behind else { return };
        json_escape(*byte, out);
        rest = behind;
    }
}

/// Appends the escape of a quote, a backslash or a control character.
#[inline(never)]
fn json_escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}
