//! The lines of a card: each property with its parameters and its value, whatever it was folded to.

/// A property, as it is written.
#[derive(Debug, Default)]
pub(super) struct Property {
    /// The group in front of the name, in upper case: `ITEM1`.
    pub(super) group: String,
    /// Its name, in upper case.
    pub(super) name: String,
    /// `TYPE=` and words without a name, in upper case.
    pub(super) types: Vec<String>,
    /// `PREF=`
    pub(super) pref: Option<u8>,
    pub(super) is_quoted_printable: bool,
    pub(super) is_base64: bool,
    pub(super) charset: Option<String>,
    pub(super) value: Vec<u8>,
}

/// Bytes of the longest name with its parameters. A longer one is no property of anybody.
const HEAD_MAX: usize = 4096;
/// Words about the type that are kept.
const TYPES_MAX: usize = 32;

/// Properties whose values are no text, and those about the card.
fn is_skipped(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "BEGIN",
        "END",
        "VERSION",
        "PRODID",
        "PHOTO",
        "LOGO",
        "SOUND",
        "KEY",
        "AGENT",
        "X-ABADR",
        "X-ABSHOWAS",
        "X-ABUID",
        "X-ABORDER",
    ];
    NAMES.contains(&name) || name.starts_with("X-MS-CARDPICTURE") || name.starts_with("X-IMAGE")
}

/// The properties of a card, in order. Pictures and the like are passed over, and never copied.
pub(super) struct Properties<'c> {
    rest: &'c [u8],
    /// Version 2.1: the space at the start of a folded line belongs to the text.
    is_old: bool,
    /// Cards within the card.
    depth: u32,
}

/// The next line and the rest.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr2(b'\n', b'\r', bytes) {
        None => (bytes, &[]),
        Some(at) => {
            let len = if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 };
            (&bytes[..at], &bytes[at + len..])
        }
    }
}

/// Where the name and the parameters end: at the first colon outside of quotes.
fn colon(line: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    line.iter().take(HEAD_MAX).position(|byte| {
        is_quoted ^= *byte == b'"';
        *byte == b':' && !is_quoted
    })
}

impl<'c> Properties<'c> {
    pub(super) fn new(card: &'c [u8]) -> Self {
        Properties { rest: card, is_old: false, depth: 0 }
    }

    /// Reads the next property to `property`. Returns false behind the last.
    pub(super) fn next(&mut self, property: &mut Property) -> bool {
        loop {
            if self.rest.is_empty() {
                return false;
            }
            let (first, mut rest) = line(self.rest);
            // A name may be folded too, which hardly anybody does.
            let mut joined = Vec::new();
            let mut first = first;
            while colon(first).is_none() && matches!(rest.first(), Some(b' ' | b'\t')) && first.len() < HEAD_MAX {
                let (more, behind) = line(rest);
                joined.extend_from_slice(if joined.is_empty() { first } else { &[] });
                joined.extend_from_slice(&more[1..]);
                (first, rest) = (&[], behind);
                if colon(&joined).is_some() || joined.len() > HEAD_MAX {
                    break;
                }
            }
            self.rest = rest;
            let text = if joined.is_empty() { first } else { &joined[..] };
            if text.trim_ascii().is_empty() {
                continue;
            }
            let Some(colon) = colon(text) else {
                // No property: a line of text that nobody folded.
                *property = Property { name: "(TEXT)".to_owned(), value: text.to_vec(), ..Property::default() };
                return true;
            };
            read_head(&text[..colon], property);
            if self.is_nested(&property.name, &text[colon + 1..]) || is_skipped(&property.name) {
                if property.name == "VERSION" {
                    self.is_old = text[colon + 1..].trim_ascii().starts_with(b"2");
                }
                self.skip(property, text);
                continue;
            }
            property.value.clear();
            property.value.extend_from_slice(&text[colon + 1..]);
            self.go_on(property);
            return true;
        }
    }

    /// Whether a property is one of a card within the card.
    fn is_nested(&mut self, name: &str, value: &[u8]) -> bool {
        if value.trim_ascii().eq_ignore_ascii_case(b"VCARD") {
            match name {
                "BEGIN" => self.depth += 1,
                "END" => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.depth > 1
    }

    /// Passes over the lines that a skipped property goes on in.
    fn skip(&mut self, property: &Property, first: &[u8]) {
        let mut soft = property.is_quoted_printable && first.ends_with(b"=");
        loop {
            let (text, behind) = line(self.rest);
            let is_more = soft
                || matches!(text.first(), Some(b' ' | b'\t'))
                || property.is_base64 && !text.is_empty() && colon(text).is_none();
            if self.rest.is_empty() || !is_more {
                return;
            }
            soft = property.is_quoted_printable && text.ends_with(b"=");
            self.rest = behind;
        }
    }

    /// Appends the lines that a property goes on in.
    fn go_on(&mut self, property: &mut Property) {
        loop {
            let (text, behind) = line(self.rest);
            if self.rest.is_empty() {
                return;
            }
            if property.is_quoted_printable && property.value.ends_with(b"=") {
                property.value.pop();
                property.value.extend_from_slice(text);
            } else if matches!(text.first(), Some(b' ' | b'\t')) {
                property.value.extend_from_slice(if self.is_old && !property.is_base64 { text } else { &text[1..] });
            } else if property.is_base64 && !text.is_empty() && colon(text).is_none() {
                property.value.extend_from_slice(text);
            } else {
                return;
            }
            self.rest = behind;
        }
    }
}

/// Reads a name and its parameters.
fn read_head(head: &[u8], property: &mut Property) {
    *property = Property { value: std::mem::take(&mut property.value), ..Property::default() };
    let head = String::from_utf8_lossy(head);
    let mut is_quoted = false;
    let mut parts = head.split(|c: char| {
        is_quoted ^= c == '"';
        c == ';' && !is_quoted
    });
    let name = parts.next().unwrap_or_default().trim().trim_start_matches('\u{feff}').to_ascii_uppercase();
    (property.group, property.name) = match name.rsplit_once('.') {
        Some((group, name)) => (group.to_owned(), name.to_owned()),
        None => (String::new(), name),
    };
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or(("", part));
        let value = value.trim();
        match key.trim().to_ascii_uppercase().as_str() {
            "ENCODING" => property.encoding(value),
            "CHARSET" => property.charset = Some(value.trim_matches('"').to_owned()),
            "PREF" => property.pref = value.trim_matches('"').parse().ok(),
            "TYPE" | "" => {
                for word in value.trim_matches('"').split(',') {
                    let word = word.trim().trim_matches('"').to_ascii_uppercase();
                    property.encoding(&word);
                    if word == "PREF" {
                        property.pref = property.pref.or(Some(1));
                    } else if !word.is_empty() && property.types.len() < TYPES_MAX {
                        property.types.push(word);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Property {
    fn encoding(&mut self, word: &str) {
        self.is_quoted_printable |= word.eq_ignore_ascii_case("QUOTED-PRINTABLE");
        self.is_base64 |= ["BASE64", "B"].iter().any(|name| word.eq_ignore_ascii_case(name));
    }
}
