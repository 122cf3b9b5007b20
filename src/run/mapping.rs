//! How the names of each input are mapped, decided before the run reads it.

use super::names::InputNames;
use super::reader::{Next, ReadBatch, Reader};
use crate::clean::flatten::flatten;
use crate::clean::mapped::InputMapping;
use crate::csv;
use crate::document::envelope::EnvelopeOverrides;
use crate::document::has_card;
use crate::document::table::has_header;
use crate::document::{Document, Opening, ReadOptions};
use crate::json::pointer::Pointer;
use crate::json::split::Layout;
use crate::mapping::{Column, Late, MapOptions, Mapping, Profile, Target, Unmapped, decide, is_identity};
use crate::model::error::{Kind, Result};
use crate::model::finding::Code;
use crate::model::member::MemberId;
use crate::output::receipt::Receipt;
use crate::rules::suppress::SuppressionList;
use crate::source::Source;
use crate::vcard::CardReader;
use std::path::Path;
use std::sync::Arc;

/// Whether these options map names at all.
#[must_use]
pub fn is_mapped(options: &MapOptions) -> bool {
    options.auto
        || options.file.is_some()
        || !options.ignore.is_empty()
        || !options.rename.is_empty()
        || options.unmapped != Unmapped::Leave
}

/// Whether the names of a document are mapped whatever the options say: those of tables and vCards are never the contract's own.
fn is_always_mapped(document: &Document<'_>) -> bool {
    document.table.is_some() || document.layout == Layout::Cards
}

/// Decides the mapping of a document by its first records, if the options map names. `contact` is the object in each record that is
/// the contact.
///
/// # Errors
/// The document cannot be read, or its names do not fit the options.
pub fn map_document(options: &MapOptions, contact: Option<&Pointer>, document: &mut Document<'_>) -> Result<()> {
    if !is_always_mapped(document) && !is_mapped(options) && contact.is_none() {
        return Ok(());
    }
    let contact = contact.filter(|_| !is_always_mapped(document));
    let mapping = mapping_of(options, contact, document)?;
    let table = document.table.clone();
    document.mapping = Some(Arc::new(InputMapping {
        mapping,
        contact: contact.cloned(),
        table,
        is_cards: document.layout == Layout::Cards,
    }));
    Ok(())
}

/// The mapping of a document by its first records. The document is read from its start afterwards.
///
/// # Errors
/// The document cannot be read, or its names do not fit the options.
pub fn mapping_of(options: &MapOptions, contact: Option<&Pointer>, document: &mut Document<'_>) -> Result<Mapping> {
    let profile = document.profile(contact)?;
    let name = document.source.name();
    let auto = options.auto || is_always_mapped(document) && options.file.is_none();
    let options = MapOptions { auto, ..options.clone() };
    decide(&profile, &options)
        .map_err(|error| Kind::NotContacts { input: name.to_owned(), what: error.to_string() }.into())
}

/// Bytes of a line that are read at once. What is longer is read in parts.
const LINE_MAX: usize = 64 << 10;

/// Adds the addresses in a file to a list: of an export of JSON, the one in each record that `--map auto` would take; of a table with
/// a header, those in all columns for addresses; else all that stand in its lines. The file may be a pipe.
///
/// # Errors
/// The file cannot be read; an export is broken, or has no addresses.
pub fn read_suppressed(path: &Path, list: &mut SuppressionList) -> Result<()> {
    #[cfg(feature = "spreadsheets")]
    if let Some(source) = super::inputs::open_spreadsheet(path)? {
        return export_suppressed(source, list);
    }
    let mut source = Source::open(path)?;
    source.unpack()?;
    source.decode(None)?;
    let mut is_over = false;
    while !is_over && source.current().is_none_or(|chunk| chunk.bytes().len() < LINE_MAX) {
        is_over = source.next(0)?.is_none();
    }
    let head = source.current().map_or(&[][..], |chunk| chunk.bytes());
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is_export =
        matches!(head.first(), Some(b'{' | b'[')) || has_card(head) || has_header(&head[..head.len().min(LINE_MAX)]);
    if is_export { export_suppressed(source, list) } else { lines_suppressed(source, list) }
}

/// Adds the addresses in lines, of which no more is in memory than what was read at once.
fn lines_suppressed(mut source: Source<'_>, list: &mut SuppressionList) -> Result<()> {
    let mut push = |bytes: &[u8]| {
        for line in String::from_utf8_lossy(bytes).split(['\n', '\r']) {
            list.push_line(line);
        }
    };
    let mut at = 0;
    while let Some(chunk) = source.current().cloned() {
        let bytes = chunk.from(at);
        let behind = |separates: fn(&u8) -> bool| bytes.iter().rposition(separates).map(|last| last + 1);
        // A part of a long line ends where no address does.
        let part = || match behind(|b| matches!(b, b' ' | b'\t' | b',' | b';')) {
            Some(part) => part,
            None => bytes.len(),
        };
        let whole = behind(|b| matches!(b, b'\n' | b'\r'));
        let whole = whole.unwrap_or_else(|| if bytes.len() > LINE_MAX { part() } else { 0 });
        push(&bytes[..whole]);
        at += whole as u64;
        if source.next(at)?.is_none() {
            push(&bytes[whole..]);
            break;
        }
    }
    Ok(())
}

/// Adds the addresses of an export.
fn export_suppressed(source: Source<'_>, list: &mut SuppressionList) -> Result<()> {
    let (overrides, reading) = (EnvelopeOverrides::default(), ReadOptions::default());
    let opening = Opening { may_be_empty: true, ..Opening::whole(&overrides, &reading) };
    let mut document = Document::of(source, opening)?;
    let mapping = mapping_of(&MapOptions { auto: true, ..MapOptions::default() }, None, &mut document)?;
    let is_email = |column: &Column| column.target == Target::Member(MemberId::Email);
    if !mapping.columns.is_empty() && !mapping.columns.iter().any(is_email) {
        let what = "none of its names is that of an email address".to_owned();
        return Err(Kind::NotContacts { input: document.source.name().to_owned(), what }.into());
    }
    let table = document.table.clone();
    let mut cells = csv::Cells::default();
    let (mut cards, mut card) = (CardReader::default(), Vec::new());
    let mut reader = Reader::new(vec![document], vec![false], None);
    let names = InputNames::default();
    let (mut batch, mut late) = (ReadBatch::default(), Late::default());
    loop {
        match reader.next(&mut batch) {
            Next::Batch => {}
            Next::Pause | Next::EnvelopeFindings(..) => continue,
            Next::End => break,
        }
        let Some(contacts) = batch.batch(&names) else { continue };
        for span in contacts.spans {
            let mut record = contacts.contact(span);
            if contacts.layout == Layout::Cards {
                card.clear();
                // The address of a card without an end, or with bytes that are no text, is not known.
                let _ = cards.json(record, &mut card);
                record = &card;
            }
            let Ok(record) = std::str::from_utf8(record) else {
                list.push_line("(not UTF-8)");
                continue;
            };
            let mut found = false;
            if let Some(table) = &table {
                cells.read(record.as_bytes(), table.delimiter);
                let is_asked = |column: &Column| is_email(column) || is_identity(&column.name);
                for i in (0..cells.len()).filter(|i| mapping.columns.get(*i).is_some_and(is_asked)) {
                    let text = cells.text(record.as_bytes(), i);
                    found |= text.contains('@') && list.push_line(&text);
                }
                if !found {
                    list.push_line("(no address)");
                }
                continue;
            }
            let cells = flatten(record, None, |path, leaf| {
                let index = late.find(&mapping, path);
                if !found && mapping.column(late.columns(), index).is_some_and(is_email) {
                    found = list.push_line(&leaf.text(record));
                }
            });
            if cells.is_err() || !found {
                list.push_line("(no address)");
            }
            late.end_record();
        }
    }
    reader.take_stop().map_or(Ok(()), Err)
}

/// Names of an export that is not under the contract's names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherNames {
    /// Names of the first contacts.
    pub names: Vec<String>,
    /// The system that writes such names, if one is recognised.
    pub system: Option<&'static str>,
    /// How many of them a mapping would know.
    pub known: usize,
}

/// What the names of contacts look like, if nearly none of them has an address under the contract's name.
pub(super) fn other_names(receipt: &Receipt, unknown: &[String]) -> Option<OtherNames> {
    let without = receipt.findings.get(Code::CON002.as_str()).copied().unwrap_or_default();
    let is_mapped = receipt.input.iter().any(|input| input.mapping.is_some());
    if is_mapped || unknown.is_empty() || without * 10 < receipt.contacts.seen * 9 {
        return None;
    }
    let mut profile = Profile::default();
    unknown.iter().for_each(|name| profile.cell(name, "x"));
    profile.end_record();
    let mapping = decide(&profile, &MapOptions { auto: true, ..MapOptions::default() }).ok()?;
    let is_known = |column: &&Column| column.target != Target::None;
    Some(OtherNames {
        names: unknown.to_vec(),
        system: mapping.system.map(|system| system.name),
        known: mapping.columns.iter().filter(is_known).count(),
    })
}
