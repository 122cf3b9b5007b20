//! JSON pointers (RFC 6901): `/data/items` names a value by the members and array elements on the way to it.

use std::fmt;

/// Most tokens of a pointer. JSON that is nested deeper is not read.
pub const TOKENS_MAX: usize = crate::model::fault::MAX_DEPTH as usize;

/// A parsed pointer. The empty one names the whole document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// Reads a pointer: empty, or a slash before each name. In a name, `~1` is a slash and `~0` a tilde.
    ///
    /// # Errors
    /// It is no pointer; the text says why.
    ///
    /// ```
    /// use presort::Pointer;
    ///
    /// let pointer = Pointer::parse("/data/a~1b").unwrap();
    /// assert_eq!(pointer.tokens(), ["data", "a/b"]);
    /// assert_eq!(pointer.to_string(), "/data/a~1b");
    /// assert!(Pointer::parse("data").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Pointer, String> {
        if text.is_empty() {
            return Ok(Pointer::default());
        }
        let Some(names) = text.strip_prefix('/') else {
            return Err(format!("a pointer begins with a slash: /{text}"));
        };
        let tokens: Vec<String> = names.split('/').map(unescape).collect::<Result<_, _>>()?;
        if tokens.len() > TOKENS_MAX {
            return Err(format!("it has {} names: JSON is read to a depth of {TOKENS_MAX}", tokens.len()));
        }
        Ok(Pointer { tokens })
    }

    /// The pointer of a member at depth 1.
    #[must_use]
    pub fn member(name: &str) -> Pointer {
        Pointer { tokens: vec![name.to_owned()] }
    }

    /// The names on the way, unescaped.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The first `n` names as a pointer.
    #[must_use]
    pub fn start(&self, n: usize) -> Pointer {
        Pointer { tokens: self.tokens[..n.min(self.tokens.len())].to_vec() }
    }
}

/// The name that a token stands for.
fn unescape(token: &str) -> Result<String, String> {
    let mut name = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        match (c, c == '~') {
            (_, false) => name.push(c),
            (_, true) => match chars.next() {
                Some('0') => name.push('~'),
                Some('1') => name.push('/'),
                _ => return Err("behind a tilde comes 0 (for a tilde) or 1 (for a slash)".to_owned()),
            },
        }
    }
    Ok(name)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

impl std::str::FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Pointer, String> {
        Pointer::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        for (text, tokens) in [
            ("", &[][..]),
            ("/foo", &["foo"]),
            ("/foo/0", &["foo", "0"]),
            ("/", &[""]),
            ("/a~1b", &["a/b"]),
            ("/c%d", &["c%d"]),
            ("/k\"l", &["k\"l"]),
            ("/ ", &[" "]),
            ("/m~0n", &["m~n"]),
            ("/~01", &["~1"]),
            ("//", &["", ""]),
        ] {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer.tokens(), tokens, "{text}");
            assert_eq!(pointer.to_string(), text);
        }
        for text in ["foo", "/a~", "/a~2", "#/foo"] {
            assert!(Pointer::parse(text).is_err(), "{text}");
        }
        assert!(Pointer::parse(&"/a".repeat(65)).unwrap_err().contains("depth of 64"));
    }
}
