//! Files that are no text.

/// The message for them.
pub(super) const WHAT: &str = "these are binary data, no text: is this the file that was exported?";

/// True where one of 32 bytes is a control character that no text has. Bytes at random have more, even decoded.
pub(super) fn is_binary(text: &[u8]) -> bool {
    let head = &text[..text.len().min(4096)];
    let is_control = |byte: &&u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    head.len() >= 256 && head.iter().filter(is_control).count() * 32 > head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_none() {
        let every_byte: Vec<u8> = (0..=255).collect();
        assert!(is_binary(&every_byte));
        assert!(!is_binary("email,name\r\n\u{1b}[1mJos\u{e9}\t\u{c}\n".repeat(20).as_bytes()));
        // Too little to tell, and two mistakes among much text.
        assert!(!is_binary(&every_byte[..255]));
        assert!(!is_binary(format!("{}\0\u{1}", "x".repeat(300)).as_bytes()));
    }
}
