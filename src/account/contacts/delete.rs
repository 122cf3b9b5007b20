//! Deletes contacts. As in the service, a deleted contact can come back: it is only marked.

use crate::account::clock::Stamp;
use crate::account::values::Id;
use crate::account::{Account, Error, Result};
use rusqlite::{OptionalExtension, Transaction, params};

/// Marks a contact as deleted, and takes it out of all lists.
pub(in crate::account) fn delete_row(transaction: &Transaction<'_>, row: i64, stamp: Stamp) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM memberships WHERE contact = ?1")?.execute([row])?;
    transaction
        .prepare_cached(
            "UPDATE contacts SET deleted_at = ?2, updated_at = ?2, update_source = 'Account',
             activity = ?3 WHERE id = ?1 AND deleted_at IS NULL",
        )?
        .execute(params![row, stamp.now, stamp.activity])?;
    Ok(())
}

impl Account {
    /// Deletes a contact. It leaves all lists; an import or a change brings it back.
    ///
    /// # Errors
    /// There is no such contact, or it is deleted already.
    pub fn delete_contact(&self, contact_id: &str) -> Result<()> {
        let missing = || Error::NotFound(format!("there is no contact {contact_id}"));
        let id = Id::parse(contact_id).ok_or_else(missing)?;
        self.write(|transaction| {
            let row: Option<i64> = transaction
                .query_row("SELECT id FROM contacts WHERE contact_id = ?1 AND deleted_at IS NULL", [id], |row| {
                    row.get(0)
                })
                .optional()?;
            delete_row(transaction, row.ok_or_else(missing)?, self.stamp())?;
            Ok(())
        })
    }
}
