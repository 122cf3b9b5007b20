//! Lines of a summary: each fits into a terminal of 100 columns, with colours or without.

use super::super::paint::Paint;
use crate::model::finding::Severity;
use unicode_width::UnicodeWidthStr;

/// Columns of a line, at most.
pub(super) const COLUMNS: usize = 100;

/// How a part of a line looks. The words say the same without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Bold,
    Of(Severity),
}

/// A line in parts.
#[derive(Debug, Default, Clone)]
pub(super) struct Line(Vec<(Ink, String)>);

impl Line {
    pub(super) fn new(text: impl Into<String>) -> Line {
        Line::default().with(Ink::Plain, text)
    }

    #[must_use]
    pub(super) fn with(mut self, ink: Ink, text: impl Into<String>) -> Line {
        self.0.push((ink, text.into()));
        self
    }

    #[must_use]
    pub(super) fn plain(self, text: impl Into<String>) -> Line {
        self.with(Ink::Plain, text)
    }

    /// The words alone.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    pub(super) fn columns(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// The line without a line break. What does not fit is cut off, which three dots say.
    pub(super) fn render(&self, paint: &Paint) -> String {
        let mut room = if self.columns() > COLUMNS { COLUMNS - 3 } else { COLUMNS };
        let mut line = String::new();
        for (ink, text) in &self.0 {
            let shown = clip(text, room);
            room -= shown.width();
            line += &match ink {
                _ if shown.is_empty() => String::new(),
                Ink::Plain => shown.to_owned(),
                Ink::Bold => paint.bold(shown),
                Ink::Of(severity) => paint.severity(*severity, shown),
            };
            if shown.len() < text.len() {
                line += "...";
                break;
            }
        }
        line
    }
}

/// As much of a text as has room.
pub(super) fn clip(text: &str, columns: usize) -> &str {
    if text.width() <= columns {
        return text;
    }
    let ends = text.char_indices().map(|(at, _)| at).take_while(|at| text[..*at].width() <= columns);
    &text[..ends.last().unwrap_or_default()]
}

/// Items on lines of their own, as many on each as have room, on at most `max` lines. What has no room is counted.
pub(super) fn joined(indent: &str, items: &[String], max: usize) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let left = items.len() - i;
        let more = if left > 1 { format!(", and {} more", left - 1).len() } else { 0 };
        let is_last = lines.len() >= max;
        let room = if is_last { COLUMNS - more } else { COLUMNS - 1 };
        match lines.last_mut() {
            Some(line) if line.width() + 2 + item.width() <= room => {
                line.push_str(", ");
                line.push_str(item);
            }
            Some(line) if is_last => {
                *line += &format!(", and {left} more");
                break;
            }
            Some(line) => {
                line.push(',');
                lines.push(format!("{indent}{item}"));
            }
            None if max == 0 => break,
            None => lines.push(format!("{indent}{item}")),
        }
    }
    lines.into_iter().map(Line::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_never_wrap() {
        let paint = Paint(false);
        for text in ["x".repeat(100), "x".repeat(101), "漢字".repeat(60), "é".repeat(300), String::new()] {
            let line = Line::new(text.clone()).with(Ink::Bold, text.clone()).plain(text);
            let shown = line.render(&paint);
            assert!(shown.width() <= COLUMNS, "{shown}");
            assert_eq!(shown.ends_with("..."), line.columns() > COLUMNS, "{shown}");
            // Colours take no columns.
            let coloured = line.render(&Paint(true));
            assert_eq!(coloured.replace("\x1b[1m", "").replace("\x1b[0m", ""), shown);
        }
    }

    #[test]
    fn items_share_lines() {
        let items: Vec<String> = (0..40).map(|i| format!("ABC{i:03} {i}")).collect();
        let paint = Paint(false);
        let text = |max| joined("  ", &items, max).iter().map(|line| line.render(&paint)).collect::<Vec<_>>();
        let all = text(9);
        assert_eq!(all.len(), 5);
        assert!(all.iter().all(|line| line.width() <= COLUMNS && line.starts_with("  ABC")));
        assert_eq!(all.join(" ").matches("ABC").count(), 40);
        let some = text(2);
        assert_eq!(some.len(), 2);
        assert!(some[1].width() <= COLUMNS && some[1].contains(" more"), "{some:?}");
        let shown = some.join(" ").matches("ABC").count();
        assert!(some[1].ends_with(&format!("and {} more", 40 - shown)), "{some:?}");
        assert!(text(0).is_empty());
    }
}
