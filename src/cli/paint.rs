//! Colours of texts for people.

use crate::model::finding::Severity;
use anstyle::{AnsiColor, Style};

/// Adds colours to a text, or leaves it as it is.
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn styled(&self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    pub(super) fn severity(&self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.styled(AnsiColor::Red.on_default(), text),
            Severity::Warning => self.styled(AnsiColor::Yellow.on_default(), text),
            Severity::Change => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        assert_eq!(Paint(true).bold("x"), "\x1b[1mx\x1b[0m");
        assert_eq!(Paint(true).severity(Severity::Error, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Paint(true).severity(Severity::Warning, "x"), "\x1b[33mx\x1b[0m");
        assert_eq!(Paint(true).severity(Severity::Change, "x"), "x");
        assert_eq!(Paint(false).bold("x"), "x");
    }
}
