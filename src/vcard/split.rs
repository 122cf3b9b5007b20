//! Bytes to cards. The splitter gets blocks of any size, and returns the cards that ended in each.
//!
//! Only lines count: `BEGIN:VCARD` begins a card and `END:VCARD` ends it. A card within the AGENT of another one belongs to that. A
//! card that another one follows without an end, and text outside of cards, are spans that are not whole: nothing is lost
//! without a word.

use crate::json::split::{Pending, Span};

/// Bytes of a line that are looked at. The lines that count are shorter.
const HEAD: usize = 32;
/// Cards within cards.
const DEPTH_MAX: u32 = 16;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Blank,
    Begin,
    End,
    /// `AGENT:`, behind which a card belongs to the one around it.
    Agent,
    Other,
}

/// Splits vCards. See the [module](self).
#[derive(Debug, Clone)]
pub struct CardSplitter {
    /// Offset of the first byte, which may stand behind a mark in its line.
    first: u64,
    /// Offset of the next byte.
    at: u64,
    /// The line of the next byte, and where it begins.
    line: u64,
    line_start: u64,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    /// The first bytes of the line, without spaces, and how many there are.
    head: [u8; HEAD],
    head_len: usize,
    /// The line has more than spaces.
    is_blank: bool,
    /// The line begins with a space: it goes on with the line before.
    is_folded: bool,
    /// The card, or the text outside of cards, that has begun: where, in which line, and whether it is a card.
    open: Option<(u64, u64, bool)>,
    /// Cards within the card.
    depth: u32,
    after_agent: bool,
    /// Offset behind the last line with something in it.
    text_end: u64,
    spans: u64,
}

impl CardSplitter {
    /// A splitter of cards from `offset` on, in line `line`, which begins at `line_start`.
    #[must_use]
    pub fn new(offset: u64, line: u64, line_start: u64) -> Self {
        CardSplitter {
            first: offset,
            at: offset,
            line,
            line_start,
            after_return: false,
            head: [0; HEAD],
            head_len: 0,
            is_blank: true,
            is_folded: false,
            open: None,
            depth: 0,
            after_agent: false,
            text_end: offset,
            spans: 0,
        }
    }

    /// Offset of the byte that the next block must begin with.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Line of that byte, from 1, and the offset at which the line began.
    #[must_use]
    pub fn line(&self) -> (u64, u64) {
        (self.line, self.line_start)
    }

    /// Cards found so far.
    #[must_use]
    pub fn spans(&self) -> u64 {
        self.spans
    }

    /// The card that has begun and not ended, if one has.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        let begun = (!self.is_blank).then_some((self.start(), self.line, false));
        self.open.or(begun).map(|(start, line, _)| Pending { start, line })
    }

    /// Reads a block, and appends the cards that ended in it to `spans`.
    pub fn feed(&mut self, block: &[u8], spans: &mut Vec<Span>) {
        let mut rest = block;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_return) && rest[0] == b'\n' {
                self.at += 1;
                self.line_start = self.at;
                rest = &rest[1..];
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', rest);
            self.take(&rest[..end.unwrap_or(rest.len())]);
            let Some(end) = end else { return };
            self.end_line(spans);
            self.after_return = rest[end] == b'\r';
            self.at += 1;
            self.line += 1;
            self.line_start = self.at;
            rest = &rest[end + 1..];
        }
    }

    /// Ends the input. A card without an end is appended to `spans`.
    pub fn finish(&mut self, spans: &mut Vec<Span>) {
        self.end_line(spans);
        self.close(self.text_end, false, spans);
    }

    /// Offset of the first byte of the line that belongs to it.
    fn start(&self) -> u64 {
        self.line_start.max(self.first)
    }

    /// Takes bytes of a line.
    fn take(&mut self, bytes: &[u8]) {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        if self.at == self.start() {
            self.is_folded = bytes.first().is_some_and(is_space);
        }
        self.at += bytes.len() as u64;
        // A long line is none that counts; its first bytes show that.
        for byte in bytes.iter().filter(|byte| !is_space(byte)).take(HEAD - self.head_len) {
            self.head[self.head_len] = byte.to_ascii_uppercase();
            self.head_len += 1;
        }
        self.is_blank &= self.head_len == 0;
    }

    /// What the line is.
    fn kind(&self) -> Line {
        let head = &self.head[..self.head_len];
        match head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head) {
            b"" => Line::Blank,
            _ if self.is_folded => Line::Other,
            b"BEGIN:VCARD" => Line::Begin,
            b"END:VCARD" => Line::End,
            b"AGENT:" => Line::Agent,
            _ => Line::Other,
        }
    }

    fn end_line(&mut self, spans: &mut Vec<Span>) {
        let kind = self.kind();
        let is_card = matches!(self.open, Some((_, _, true)));
        match kind {
            Line::Begin if is_card && self.after_agent && self.depth < DEPTH_MAX => self.depth += 1,
            Line::Begin => {
                self.close(self.text_end, false, spans);
                let mark = if self.head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
                self.open = Some((self.start() + mark, self.line, true));
            }
            Line::End if is_card && self.depth > 0 => self.depth -= 1,
            Line::End if is_card => self.close(self.at, true, spans),
            Line::Blank => {}
            _ => {
                let start = self.start();
                self.open.get_or_insert((start, self.line, false));
            }
        }
        if kind != Line::Blank {
            self.text_end = self.at;
            self.after_agent = kind == Line::Agent;
        }
        (self.head_len, self.is_blank, self.is_folded) = (0, true, false);
    }

    fn close(&mut self, end: u64, whole: bool, spans: &mut Vec<Span>) {
        if let Some((start, line, _)) = self.open.take() {
            spans.push(Span { start, end, line, whole });
            self.spans += 1;
        }
        (self.depth, self.after_agent) = (0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &[u8], size: usize) -> Vec<Span> {
        let mut splitter = CardSplitter::new(0, 1, 0);
        let mut spans = Vec::new();
        for block in text.chunks(size) {
            splitter.feed(block, &mut spans);
        }
        assert_eq!(splitter.offset(), text.len() as u64);
        splitter.finish(&mut spans);
        assert_eq!(splitter.spans(), spans.len() as u64);
        assert_eq!(splitter.pending(), None);
        spans
    }

    fn found(text: &str) -> Vec<(u64, bool, &str)> {
        split(text.as_bytes(), text.len().max(1))
            .iter()
            .map(|span| (span.line, span.whole, &text[span.start as usize..span.end as usize]))
            .collect()
    }

    #[test]
    fn cards_and_what_is_none() {
        let card = "BEGIN:VCARD\r\nFN:A\r\nEND:VCARD";
        assert_eq!(found(card), [(1, true, card)]);
        let two = format!("\n{card}\r\n\r\n\u{feff}{card}\r\n");
        assert_eq!(found(&two), [(2, true, card), (6, true, card)]);
        let text = "x\nbegin : vcard \nFN:B\n\nBEGIN:VCARD\n END:VCARD\nend:vcard\n\n";
        assert_eq!(
            found(text),
            [(1, false, "x"), (2, false, "begin : vcard \nFN:B"), (5, true, "BEGIN:VCARD\n END:VCARD\nend:vcard")]
        );
        assert_eq!(
            found("BEGIN:VCARD\rEND:VCARD\rEND:VCARD\r"),
            [(1, true, "BEGIN:VCARD\rEND:VCARD"), (3, false, "END:VCARD")]
        );
        assert_eq!(found(" \r\n\t\n"), []);
    }

    #[test]
    fn a_mark_in_front_is_no_part_of_the_card() {
        let text = "\u{feff}BEGIN:VCARD\nEND:VCARD\n";
        let mut splitter = CardSplitter::new(3, 1, 0);
        let mut spans = Vec::new();
        splitter.feed(&text.as_bytes()[3..], &mut spans);
        assert_eq!(spans, [Span { start: 3, end: 24, line: 1, whole: true }]);
    }

    #[test]
    fn a_card_within_a_card() {
        let card = "BEGIN:VCARD\nAGENT:\nBEGIN:VCARD\nFN:B\nEND:VCARD\nFN:A\nEND:VCARD";
        assert_eq!(found(card), [(1, true, card)]);
    }

    fn is_blank(text: &str) -> bool {
        text.trim_matches(['\u{feff}', ' ', '\n', '\r']).is_empty()
    }

    proptest! {
        #[test]
        fn any_size_of_block_gives_the_same(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "BEGIN:VCARD", "END:VCARD", "AGENT:", "\n", "\r\n", "\r", "\n", " ", "FN:A", "\u{feff}", "x=",
            ]), 0..40),
            size in 1usize..9,
        ) {
            let text: String = pieces.concat();
            let whole = split(text.as_bytes(), text.len().max(1));
            prop_assert_eq!(&split(text.as_bytes(), size), &whole);
            // Nothing but white space and marks is outside of spans.
            let mut at = 0;
            for span in &whole {
                prop_assert!(span.start as usize >= at && span.end > span.start);
                prop_assert!(is_blank(&text[at..span.start as usize]));
                at = span.end as usize;
                let newlines = text[..span.start as usize].replace("\r\n", "\n").replace('\r', "\n");
                prop_assert_eq!(span.line as usize, newlines.matches('\n').count() + 1);
            }
            prop_assert!(is_blank(&text[at..]));
        }
    }
}
