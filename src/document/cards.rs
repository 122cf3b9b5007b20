//! Inputs that are vCards.

use super::table::{InputFormat, fill, guess, skip_blank};
use super::{ReadOptions, is_end};
use crate::csv::sniff::LOOK_AT;
use crate::model::error::{Kind, Result};
use crate::model::position::Position;
use crate::source::Source;

/// What the first card begins with.
const BEGIN: &[u8] = b"BEGIN:VCARD";

/// Looks for vCards at the start of an input. Returns where they begin, and whether their encoding is a guess.
///
/// # Errors
/// The input cannot be read, or has no vCards where some are asked for.
pub(super) fn find(
    source: &mut Source<'_>,
    reading: &ReadOptions,
    may_be_empty: bool,
) -> Result<Option<(Position, bool)>> {
    let is_asked = reading.format == InputFormat::Vcard;
    if !is_asked && reading.format != InputFormat::Detect {
        return Ok(None);
    }
    let mut ended = false;
    loop {
        let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
        let (start, first) = skip_blank(bytes);
        let rest = &bytes[start..];
        match first {
            Some(_) if is_asked || begins(rest) => break,
            Some(_) if rest.len() >= BEGIN.len() || !BEGIN[..rest.len()].eq_ignore_ascii_case(rest) => return Ok(None),
            _ if ended && is_asked && !(may_be_empty && first.is_none()) => {
                let what = "there is no vCard in it; was the export written?".to_owned();
                return Err(Kind::NotContacts { input: source.name().to_owned(), what }.into());
            }
            // Filling of any length is the detector's business, which keeps none of it.
            _ if ended || start >= LOOK_AT => return Ok(None),
            _ => ended = is_end(source, 0)?,
        }
    }
    // The first line of rejects may be anything.
    if !is_asked && super::is_rejects_file(source)? {
        return Ok(None);
    }
    ended = fill(source, LOOK_AT)?;
    let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
    let guess = guess(bytes, ended, reading);
    if let Some(encoding) = guess {
        source.decode_as(encoding)?;
        fill(source, LOOK_AT)?;
    }
    let bytes = source.current().map_or(&[][..], |chunk| chunk.bytes());
    let (start, _) = skip_blank(bytes);
    let position = Position { offset: 0, line: 1, column: 1, contact: None }.after(&bytes[..start]);
    Ok(Some((position, guess.is_some())))
}

/// Whether a text begins with a card.
#[must_use]
pub(crate) fn begins(bytes: &[u8]) -> bool {
    bytes.get(..BEGIN.len()).is_some_and(|head| head.eq_ignore_ascii_case(BEGIN))
}
