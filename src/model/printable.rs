//! Text from outside (values, member names, file names), made safe for a terminal.

use std::borrow::Cow;

/// True for characters that a terminal acts on, or that change how the text around them is shown: control characters (line breaks
/// and ESC among them), line and paragraph separators, direction marks, and characters without width but for those that join
/// emoji and letters.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// `text` with every [unsafe](is_unsafe) character escaped (`\n`, `\u{1b}`). Everything on a terminal goes through this as the
/// last step, so that it cannot forge a line, a colour or a title.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.extend(c.escape_default()),
            c if is_unsafe(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// At most this much of a text, in bytes; a character is never cut.
#[must_use]
pub fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts() {
        for (text, safe) in [
            ("a b", "a b"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}31m\u{7f}\0", "\\u{9b}31m\\u{7f}\\u{0}"),
            ("a\u{202e}b\u{2066}c\u{200f}", "a\\u{202e}b\\u{2066}c\\u{200f}"),
            ("\u{feff}\u{2028}\u{e0041}", "\\u{feff}\\u{2028}\\u{e0041}"),
            ("Zoë 日本 👩\u{200d}👧 e\u{301}", "Zoë 日本 👩\u{200d}👧 e\u{301}"),
        ] {
            assert_eq!(printable(text), safe);
        }
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in "[\u{0}-\u{a0}\u{2000}-\u{2070}x]{0,12}") {
            prop_assert!(!printable(&text).chars().any(is_unsafe));
            let once = printable(&text);
            prop_assert_eq!(printable(&once), once.as_ref());
        }
    }
}
