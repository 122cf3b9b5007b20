//! Text that is never printed.

use std::fmt;

/// A token, a code or the like. Neither `Debug` nor `Display` shows it, and it is not `Serialize`: writing it anywhere takes a call of
/// [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text. White space around it is left out.
    #[must_use]
    pub fn new(text: &str) -> Secret {
        Secret(text.trim().to_owned())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it can stand in a header: printable ASCII without spaces, and not empty.
    #[must_use]
    pub fn is_token(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let secret = Secret::new(" eyJ.token\n");
        assert_eq!(secret.reveal(), "eyJ.token");
        for shown in [format!("{secret}"), format!("{secret:?}"), format!("{:?}", Some(&secret))] {
            assert!(!shown.contains("token"), "{shown}");
        }
        assert!(secret.is_token());
        for bad in ["", "two words", "new\nline", "ümlaut"] {
            assert!(!Secret::new(bad).is_token(), "{bad:?}");
        }
    }
}
