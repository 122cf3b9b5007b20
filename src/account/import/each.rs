//! Imports contacts that have lists of their own, as a seed has them.

use super::importer::Importer;
use super::{Cleaned, CleanedBody, ImportErrors, Result};
use crate::account::clock::Stamp;
use crate::account::contacts;
use crate::model::error::Kind;
use rusqlite::Transaction;

/// What a contact of a seed has besides the members of an import.
pub(in crate::account) struct Extra {
    /// The rows of its lists.
    pub(in crate::account) lists: Vec<i64>,
    pub(in crate::account) unsubscribed: bool,
}

/// Applies a cleaned body of which no contact was rejected, each contact to its own lists. Returns the errors.
pub(in crate::account) fn apply_each(
    transaction: &Transaction<'_>,
    cleaned: Cleaned,
    stamp: Stamp,
    extras: &[Extra],
) -> Result<Vec<String>> {
    let body: CleanedBody<'_> = serde_json::from_slice(&cleaned.body).map_err(|error| {
        crate::model::error::Error::from(Kind::Counts { what: format!("the cleaned seed: {error}") })
    })?;
    let mut errors = ImportErrors::default();
    let mut importer = Importer::new(transaction, cleaned.explicit, Vec::new(), stamp)?;
    for (index, (contact, extra)) in (0..).zip(body.import_data.iter().zip(extras)) {
        importer.lists.clone_from(&extra.lists);
        importer.contact(index, contact, &mut errors)?;
        if extra.unsubscribed {
            match contact.email.as_deref() {
                Some(email) => contacts::unsubscribe(transaction, email, stamp.now)?,
                None => errors.texts.push(format!("contact {index}: unsubscribed needs an email address")),
            }
        }
    }
    importer.ids.save(transaction)?;
    Ok(errors.into_texts())
}
