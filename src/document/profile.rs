//! The first records of an input, looked at before its names are mapped.

use super::{Document, bulk};
use crate::clean::flatten::flatten;
use crate::csv;
use crate::json::pointer::Pointer;
use crate::json::split::{Layout, Span, Status};
use crate::mapping::Profile;
use crate::model::error::Result;
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::vcard::CardReader;

/// Records that are looked at.
pub const RECORDS: u32 = 1_000;
/// Bytes within which they must lie. What is looked at is the same for a file and for a pipe, however it comes.
const BYTES: usize = 4 << 20;

impl Document<'_> {
    /// The names in the first records, with some of their values: those of the first 1,000 that lie within the first 4 MiB of the
    /// contacts; `contact` names the object within each. The document is read from its start afterwards. Records that are broken are passed over; the run reports them.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn profile(&mut self, contact: Option<&Pointer>) -> Result<Profile> {
        let mut profile = match &self.table {
            Some(table) => Profile::of_columns(&table.header),
            None => Profile::default(),
        };
        let mut cells = csv::Cells::default();
        let (mut cards, mut card) = (CardReader::default(), Vec::new());
        profile.is_cards = self.layout == Layout::Cards;
        let start = self.start.offset;
        let mut splitter = self.splitter();
        let mut spans: Vec<Span> = Vec::new();
        let mut ended = false;
        if self.source.current().is_none() {
            ended = self.source.next(start)?.is_none();
        }
        loop {
            let bytes = self.source.current().map_or(&[][..], |chunk| chunk.from(start));
            let bytes = &bytes[..bytes.len().min(BYTES)];
            let is_all = ended || bytes.len() == BYTES;
            let read = (splitter.offset() - start) as usize;
            spans.clear();
            let status = splitter.feed(bytes.get(read..).unwrap_or_default(), &mut spans);
            let is_over = is_all || !matches!(status, Ok(Status::More));
            if ended && self.layout != Layout::Array {
                // A broken end is reported when the contacts are read.
                let _ = splitter.finish(&mut spans);
            }
            for span in &spans {
                let mut record = &bytes[(span.start - start) as usize..(span.end - start) as usize];
                let is_cards = self.layout == Layout::Cards;
                if is_cards {
                    card.clear();
                    if cards.json(record, &mut card).is_err() {
                        continue;
                    }
                    record = &card;
                }
                let is_record = span.whole && record.len() as u64 <= CONTACT_BYTES_MAX;
                if !is_record || (self.is_bulk && bulk::action(record).is_some()) {
                    continue;
                }
                if let Some(table) = &self.table {
                    cells.read(record, table.delimiter);
                    if record == table.header_row || cells.len() > table.header.len() {
                        continue;
                    }
                    for i in 0..cells.len() {
                        profile.cell_at(i, &cells.text(record, i));
                    }
                    profile.end_record();
                    if profile.records() == RECORDS {
                        return Ok(profile);
                    }
                    continue;
                }
                let Ok(record) = std::str::from_utf8(record) else { continue };
                if flatten(record, contact, |path, leaf| profile.cell(path, &leaf.text(record))).is_ok() {
                    profile.end_record();
                }
                if profile.records() == RECORDS {
                    return Ok(profile);
                }
            }
            if is_over {
                return Ok(profile);
            }
            ended = super::is_end(&mut self.source, start)?;
        }
    }
}
