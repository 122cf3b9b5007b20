//! One custom field, by its identifier.

use super::{COLUMNS, Field, FieldUpdate, LABEL_MAX, choices, field, name_of};
use crate::account::page;
use crate::account::values::Id;
use crate::account::{Account, Error, Result};
use rusqlite::{OptionalExtension, Transaction, params};

pub(super) fn missing(custom_field_id: &str) -> Error {
    Error::NotFound(format!("there is no custom field {custom_field_id}"))
}

fn find(transaction: &Transaction<'_>, id: Id) -> Result<Option<(i64, Field)>> {
    let sql = format!("SELECT {COLUMNS} FROM custom_fields WHERE custom_field_id = ?1");
    let Some((row, mut found)) = transaction.prepare_cached(&sql)?.query_row([id], field).optional()? else {
        return Ok(None);
    };
    choices::include(transaction, row, &mut found)?;
    Ok(Some((row, found)))
}

/// The field with this identifier.
pub(super) fn read(transaction: &Transaction<'_>, id: Id) -> Result<Option<Field>> {
    Ok(find(transaction, id)?.map(|(_, field)| field))
}

impl Account {
    /// One custom field.
    ///
    /// # Errors
    /// There is no such field, or it cannot be read.
    pub fn field(&self, custom_field_id: &str) -> Result<Field> {
        let id = Id::parse(custom_field_id).ok_or_else(|| missing(custom_field_id))?;
        self.read(|transaction| read(transaction, id))?.ok_or_else(|| missing(custom_field_id))
    }

    /// Changes label and choices of a custom field. Its name follows its label.
    ///
    /// # Errors
    /// There is no such field, another field has the name, or the change is invalid.
    pub fn update_field(&self, custom_field_id: &str, update: &FieldUpdate) -> Result<Field> {
        let id = Id::parse(custom_field_id).ok_or_else(|| missing(custom_field_id))?;
        let label = update
            .label
            .as_deref()
            .map(|label| page::name("the label of a custom field", label, LABEL_MAX))
            .transpose()?;
        self.write(|transaction| {
            let (row, old) = find(transaction, id)?.ok_or_else(|| missing(custom_field_id))?;
            if let Some(kind) = update.kind.as_ref().filter(|kind| **kind != old.kind) {
                let is = &old.kind;
                let kind: String = kind.chars().take(super::TYPE_MAX).collect();
                return Err(Error::Invalid(format!("the type of this custom field is {is}, and cannot become {kind}")));
            }
            let now = self.clock.now();
            if let Some(label) = &label {
                let name = name_of(label);
                let taken = "SELECT 1 FROM custom_fields WHERE name = ?1 AND id IS NOT ?2";
                if transaction.prepare(taken)?.exists(params![name, row])? {
                    return Err(Error::Conflict(format!("there already is a custom field named {name}")));
                }
                let change = "UPDATE custom_fields SET label = ?2, name = ?3 WHERE id = ?1";
                transaction.execute(change, params![row, label, name])?;
            }
            if let Some(new) = &update.choices {
                choices::check(&old.kind, new)?;
                choices::replace(transaction, row, new, now)?;
            }
            transaction.execute("UPDATE custom_fields SET updated_at = ?2 WHERE id = ?1", params![row, now])?;
            read(transaction, id)?.ok_or_else(|| missing(custom_field_id))
        })
    }

    /// Deletes a custom field, with its values.
    ///
    /// # Errors
    /// There is no such field.
    pub fn delete_field(&self, custom_field_id: &str) -> Result<()> {
        let id = Id::parse(custom_field_id).ok_or_else(|| missing(custom_field_id))?;
        self.write(|transaction| {
            let (row, _) = find(transaction, id)?.ok_or_else(|| missing(custom_field_id))?;
            transaction.execute("DELETE FROM custom_values WHERE field = ?1", [row])?;
            transaction.execute("DELETE FROM custom_fields WHERE id = ?1", [row])?;
            Ok(())
        })
    }
}
